"""Whether networks of other seeds and sizes, trained apart, have like features.

How large a likeness is shows in controls alone: networks trained on labels in a wrong order, and
networks that were never trained. No two networks start from one seed: those of two sizes would
share first weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

import numpy as np
from matplotlib.figure import Figure

from numeric.comparison.hidden_states import bond_cosines
from numeric.comparison.inner_products import similarity
from numeric.comparison.matching import matched_across
from numeric.data.digits import Digits
from numeric.networks.configuration import Configuration
from numeric.networks.network import BilinearNetwork
from numeric.networks.normal_form import Layer, handed_on
from numeric.studies.account import Section, Told, chosen, values
from numeric.studies.class_features import ClassFeatures, class_features
from numeric.studies.running import Row, Tables
from numeric.studies.trained import Trained

Layers = Sequence[Layer]
Features = Sequence[ClassFeatures]

TRAINED, SHUFFLED, UNTRAINED = "trained", "labels in a wrong order", "untrained"
CONTROLS = (SHUFFLED, UNTRAINED)

MATCHED = "median cosine of matched features"
POLYNOMIALS = "similarity of the polynomials"
STATES = "median cosine of ten hidden forms"
RANKED = "mean cosine of features of one rank"

RANKS = 10
_TOLD = (None, 1, 2, 3, 5, 10)
"""Features of each class that are compared, rank by rank."""

_STRONGEST, _FORMS = 3, 10

_PAPER = 0.8
"""The least cosine of first features that arXiv 2410.08417 tells, section 4.2."""

_UNLIKE = 10_000
"""Added to a seed, for first weights that no network was trained from."""


def likeness_rows(
    networks: Sequence[Trained], controls: Sequence[Trained], digits: Digits
) -> Tables:
    """Compare networks of one depth, each with each.

    Args:
        networks: trained ones, of several seeds and numbers of neurons.
        controls: likewise, trained on labels in a wrong order.
        digits: that they are trained on.

    Returns:
        A row for each pair and measure, and of networks of one layer for each rank.
    """
    families: dict[str, list[tuple[Trained, Layers]]] = {
        TRAINED: [(one, one.layers(digits)) for one in networks],
        SHUFFLED: [(one, one.layers(digits)) for one in controls],
        UNTRAINED: [(one, _untrained(one, digits)) for one in networks],
    }
    rows: list[Row] = []
    for kind, family in families.items():
        features = {one: class_features(layers) for one, layers in family if one.depth == 1}
        for (one, first), (other, second) in combinations(family, 2):
            about: Row = {"kind": kind, "depth": one.depth}
            about |= {"sizes": " and ".join(map(str, sorted({one.hidden, other.hidden})))}
            for measure, likeness in _measures(one.depth).items():
                rows.append(about | {"measure": measure, "likeness": likeness(first, second)})
            if one.depth == 1:
                rows += [about | ranked for ranked in _ranked(features[one], features[other])]
    return {"likeness": rows}


def _untrained(network: Trained, digits: Digits) -> Layers:
    network_of = Configuration(
        digits.inputs, digits.classes, network.depth, network.width, network.hidden
    )
    return BilinearNetwork.from_configuration(network_of, network.seed + _UNLIKE).layers()


def _measures(depth: int) -> dict[str, Callable[[Layers, Layers], float]]:
    plain: dict[str, Callable[[Layers, Layers], float]]
    plain = {POLYNOMIALS: _similarity, MATCHED: _matched}
    return plain if depth == 1 else plain | {STATES: _bonds}


def _similarity(first: Layers, second: Layers) -> float:
    return similarity(_without_constants(first), _without_constants(second)).value


def _without_constants(layers: Layers) -> list[Layer]:
    """Return layers less the logits at 0.

    What a network learns from wrong labels is little but those: how frequent each class is.
    """
    *below, last = layers
    at_zero = handed_on(layers, np.eye(1, layers[0].linear.shape[1]))[0, 1:]
    linear = last.linear.astype(np.float64)
    linear[1:, 0] -= at_zero
    return [*below, last._replace(linear=linear)]


def _matched(first: Layers, second: Layers) -> float:
    return matched_across([first, second], _STRONGEST).quantiles[0.5]


def _bonds(first: Layers, second: Layers) -> float:
    return float(np.median(bond_cosines(first, second, _FORMS)))


def _ranked(first: Features, second: Features) -> Iterator[Row]:
    """Yield the mean cosine, over classes, of the features of each rank that speak for a class."""
    cosines: list[list[float]] = [[] for _ in range(RANKS)]
    for one, other in zip(first, second, strict=True):
        pairs = zip(one.supporting(RANKS), other.supporting(RANKS), strict=False)
        for rank, (here, there) in enumerate(pairs):
            length = np.linalg.norm(here) * np.linalg.norm(there)
            cosines[rank].append(float(abs(here @ there) / length))
    for rank, found in enumerate(cosines, start=1):
        if found:
            yield {"measure": RANKED, "rank": rank, "likeness": float(np.mean(found))}


def told_likeness(rows: Sequence[Row]) -> Told:
    """Tell how like the features are.

    Args:
        rows: of :func:`likeness_rows`.
    """
    table: list[list[str]] = []
    good: list[str] = []
    bad: list[str] = []
    for depth, sizes, measure, rank in _questions(rows):
        asked = {"depth": depth, "sizes": sizes, "measure": measure, "rank": rank}
        if rank not in _TOLD:
            continue
        name = measure if rank is None else f"{measure}: {rank:g}"
        table.append([str(depth), sizes, name, *map(_range, _by_kind(chosen(rows, **asked)))])
    for depth, measure in dict.fromkeys((row["depth"], row["measure"]) for row in rows):
        some = chosen(rows, depth=depth, measure=measure)
        first = [row for row in some if row.get("rank", 1) == 1]
        trained, *others = _by_kind(first)
        most = max(map(max, others))
        name = f"{measure}, the first" if measure == RANKED else measure
        (good if min(trained) > most else bad).append(
            f"Depth {depth}, {name}: {_range(trained)} in {len(trained)} pairs of networks of any "
            f"two sizes, and {most:z.2f} at most in controls."
        )
        if measure == RANKED and max(trained) < _PAPER:
            bad.append(
                f"The first features of two networks have a mean cosine of {max(trained):.2f} at "
                f"most, where the paper tells {_PAPER} to 0.9."
            )
    words = (
        "Networks of several seeds and numbers of neurons, each compared with each. Features of "
        "one rank are those of a class that speak for it, in the order of their eigenvalues; "
        f"matched ones are the {_STRONGEST} strongest of each class or hidden form, one to one, "
        "with the sign of what they speak for. Least, most and median over pairs. Controls were "
        "trained on labels in a wrong order, or not at all. The paper (arXiv 2410.08417, section "
        "4.2) tells cosines of 0.8 to 0.9 for the first features of each digit across trainings, "
        "the higher the larger the network; its eigenvectors are orthonormal in an embedding, and "
        "it tells no control."
    )
    columns = ("depth", "neurons", "measure", TRAINED, *CONTROLS)
    return Told(Section("Across seeds and sizes", [words], columns, table, "likeness"), good, bad)


def _questions(rows: Sequence[Row]) -> list[tuple[int, str, str, int | None]]:
    keys = ((row["depth"], row["sizes"], row["measure"], row.get("rank")) for row in rows)
    return list(dict.fromkeys(keys))


def _by_kind(rows: Sequence[Row]) -> list[list[float]]:
    return [values(chosen(rows, kind=kind), "likeness") for kind in (TRAINED, *CONTROLS)]


def _range(numbers: Sequence[float]) -> str:
    return f"{min(numbers):z.2f} to {max(numbers):z.2f}, median {np.median(numbers):z.2f}"


def likeness_picture(rows: Sequence[Row]) -> Figure:
    """Draw the cosines of features rank by rank, for each pair of sizes.

    Args:
        rows: of :func:`likeness_rows`.
    """
    ranked = chosen(rows, measure=RANKED)
    every = list(dict.fromkeys(row["sizes"] for row in ranked))
    figure = Figure(figsize=(2.4 * len(every), 2.6), layout="constrained")
    for axes, sizes in zip(
        figure.subplots(1, len(every), sharey=True, squeeze=False)[0], every, strict=True
    ):
        for kind in (TRAINED, *CONTROLS):
            found = chosen(ranked, kind=kind, sizes=sizes)
            ranks = sorted({row["rank"] for row in found})
            means = [np.mean(values(chosen(found, rank=rank), "likeness")) for rank in ranks]
            axes.plot(ranks, means, marker=".", label=kind)
        axes.set(title=f"{sizes} neurons", xlabel="rank", ylim=(0, 1))
        axes.grid(visible=True, alpha=0.3)
    figure.axes[0].set_ylabel("mean cosine")
    figure.axes[0].legend(fontsize=7)
    return figure
