"""The project's figures on real MNIST, each beside its target: ``tox -e bench``.

Arguments choose benchmarks by name; left out, all of them run. Exits with 1 if a target is missed.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from analytic import ExactNetwork, layers_difference
from numeric import BilinearNetwork, Digits, load_mnist, rewrite, square_layers, trace, train
from numeric.inference import logits
from proofs.measurements import Distance

ACCURACY = {1: 0.983, 2: 0.985, 3: 0.983}


@dataclass(frozen=True)
class Figure:
    """One figure: what was measured, what it should be, and whether it is."""

    name: str
    measured: str
    target: str
    reached: bool


def accuracy(digits: Digits) -> Iterator[Figure]:
    """Accuracy at the defaults."""
    for depth, target in ACCURACY.items():
        start = time.perf_counter()
        history = train(BilinearNetwork(digits.inputs, digits.classes, depth=depth), digits)
        found = history[-1].accuracy
        yield Figure(
            f"test accuracy, depth {depth}",
            f"{found:.2%} in {time.perf_counter() - start:.0f} s",
            f"at least {target:.1%}",
            found >= target,
        )


def evaluation(digits: Digits) -> Iterator[Figure]:
    """Exact values of all test images."""
    for depth, seconds in ((1, None), (2, 60), (3, None)):
        exact = ExactNetwork(_trained(digits, depth=depth).layers())
        start = time.perf_counter()
        exact.evaluate(digits.test_images)
        took = time.perf_counter() - start
        yield Figure(
            f"exact evaluation of {len(digits.test_images):,} digits, depth {depth}",
            f"{took:.1f} s",
            f"at most {seconds} s" if seconds else "none",
            seconds is None or took <= seconds,
        )


def rewrites(digits: Digits) -> Iterator[Figure]:
    """Both rewrites of every kind of network."""
    for depth, bias, residual in product((1, 2, 3), (True, False), (True, False)):
        model = _trained(digits, depth=depth, bias=bias, residual=residual)
        kind = f"depth {depth}{', biases' * bias}{', residual' * residual}"
        start = time.perf_counter()
        squares = square_layers(trace(model, "polarized"))
        rewritten = ExactNetwork([layer.in_normal_form() for layer in squares])
        same = layers_difference(ExactNetwork(model.layers()), rewritten) is None
        yield Figure(
            f"polarized = network, {kind}",
            f"{'proved' if same else 'differs'} in {time.perf_counter() - start:.1f} s",
            "proved",
            same,
        )
        found = logits(rewrite(trace(model, "eigen")), digits.test_images, 500)
        wanted = logits(model.double(), digits.test_images)
        agree = found.argmax(axis=1) == wanted.argmax(axis=1)
        distance = Distance.of(abs(found - wanted), wanted, agree)
        yield Figure(
            f"eigen against network, {kind}",
            f"{distance.relative:.1e} relative, {len(found) - distance.agreeing} changed",
            "at most 1e-9, 0 changed",
            distance.relative <= 1e-9 and distance.agreeing == len(found),
        )


def main_job(digits: Digits) -> Iterator[Figure]:
    """Time and memory of ``bilinear run`` at its defaults."""
    del digits
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        command = [sys.executable, "-m", "proofs.command", "run", folder]
        finished = subprocess.run(command, check=False, capture_output=True)  # noqa: S603 -- ours
        took = time.perf_counter() - start
    # In kilobytes on Linux: the largest child so far, and this is the only one.
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
    done = finished.returncode == 0
    yield Figure("main job, time", f"{took:.0f} s", "at most 240 s", done and took <= 240)
    yield Figure("main job, peak memory", f"{peak:.2f} GB", "under 3 GB", done and peak < 3)


BENCHMARKS: dict[str, Callable[[Digits], Iterator[Figure]]] = {
    "main-job": main_job,
    "accuracy": accuracy,
    "evaluation": evaluation,
    "rewrites": rewrites,
}


def _trained(digits: Digits, **shape: Any) -> BilinearNetwork:
    """Train for one epoch: enough for weights that are no longer the drawn ones."""
    model = BilinearNetwork(digits.inputs, digits.classes, **shape)
    train(model, digits, epochs=1)
    return model


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
