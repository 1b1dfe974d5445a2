"""The project's figures, each beside its target: ``tox -e bench``.

Arguments choose benchmarks by name; left out, all of them run. Exits with 1 if a target is missed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import torch
from rich.console import Console
from rich.table import Table

from numeric import Digits, load_mnist
from tests.benchmarks.checking import (
    alterations,
    bounds,
    deep_changes,
    pixel_changes,
    radii,
    stability,
)
from tests.benchmarks.features import (
    eigenfeatures,
    explanations,
    few_features,
    large_bonds,
    research_features,
)
from tests.benchmarks.figures import Figure
from tests.benchmarks.mnist import accuracy, evaluation, first_epoch, main_job, rewrites
from tests.benchmarks.pages import page
from tests.benchmarks.peers import peers
from tests.benchmarks.polynomials import convolution, expansion, large_expansions, questions

BENCHMARKS: dict[str, Callable[[Digits], Iterator[Figure]]] = {
    "main-job": main_job,
    "accuracy": accuracy,
    "first-epoch": first_epoch,
    "evaluation": evaluation,
    "rewrites": rewrites,
    "few-features": few_features,
    "research-features": research_features,
    "eigenfeatures": eigenfeatures,
    "canonical-form": large_bonds,
    "explanations": explanations,
    "expansion": expansion,
    "large-expansions": large_expansions,
    "questions": questions,
    "convolution": convolution,
    "radii": radii,
    "pixel-changes": pixel_changes,
    "page": page,
    "peers": peers,
    "stability": stability,
    "deep-changes": deep_changes,
    "bounds": bounds,
    "alterations": alterations,
}


def main() -> int:
    """Run the chosen benchmarks and print their figures."""
    chosen = sys.argv[1:] or list(BENCHMARKS)
    unknown = set(chosen) - BENCHMARKS.keys()
    if unknown:
        sys.exit(f"expected benchmarks among {', '.join(BENCHMARKS)}, got {', '.join(unknown)}")
    digits = load_mnist()
    console = Console(width=120)
    table = Table("figure", "measured", "target", "", title=f"{torch.get_num_threads()} threads")
    missed = 0
    for name in chosen:
        for figure in BENCHMARKS[name](digits):
            mark = "reached" if figure.reached else "MISSED"
            table.add_row(figure.name, figure.measured, figure.target, mark)
            console.print(f"{figure.name}: {figure.measured} ({figure.target}): {mark}")
            missed += not figure.reached
    console.print(table)
    return missed > 0


if __name__ == "__main__":
    sys.exit(main())
