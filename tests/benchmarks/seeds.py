"""Whether networks that were trained apart find the same features.

Whether a likeness is large shows in controls alone: networks that were never trained, and networks
trained on labels in a wrong order, the same for all of them. No two networks start from one seed:
networks of two widths would share first weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations, product
from statistics import median
from typing import Any

import numpy as np
import torch

from numeric import (
    BilinearNetwork,
    Digits,
    Layer,
    bond_cosines,
    matched_across,
    redrawn,
    similarity,
    train,
)
from tests.benchmarks.figures import Figure

Family = dict[str, list[BilinearNetwork]]
"""Networks of one shape: trained ones, and the controls."""

EPOCHS = 5
NETWORKS = 3
FEATURES = 3
"""The strongest features of each class, or of each hidden form, that are matched."""

FORMS = 10
"""The strongest hidden forms whose span is compared."""


def seeds(digits: Digits) -> Iterator[Figure]:
    """Likeness of trained networks across seeds and widths, beside the controls."""
    narrow = _family(digits, 0, depth=1, hidden=64)
    wide = _family(digits, 100, depth=1, hidden=128)
    deep = _family(digits, 200, depth=2, width=32, hidden=128)
    plain = {
        "similarity but for constants": _similarity,
        "median cosine of matched features": _matched,
    }
    hidden = {f"median cosine between {FORMS} hidden forms": _bonds}
    for name, one, other, measures in (
        ("depth 1, hidden 64", narrow, narrow, plain),
        ("depth 1, hidden 128", wide, wide, plain),
        ("depth 1, hidden 64 against 128", narrow, wide, plain),
        ("depth 2, width 32, hidden 128", deep, deep, plain | hidden),
    ):
        for measure, likeness in measures.items():
            found = {kind: _values(likeness, one[kind], other[kind]) for kind in one}
            yield _figure(f"{measure}, {name}", found)


def _family(digits: Digits, first_seed: int, **shape: Any) -> Family:
    shuffled = np.random.default_rng(0).permutation(digits.train_labels)
    sources = {"trained": digits, "shuffled labels": replace(digits, train_labels=shuffled)}
    family: Family = {}
    for place, (kind, source) in enumerate(sources.items()):
        family[kind] = []
        for seed in range(first_seed + 10 * place, first_seed + 10 * place + NETWORKS):
            model = BilinearNetwork(digits.inputs, digits.classes, **shape, seed=seed)
            train(model, source, epochs=EPOCHS, seed=seed)
            family[kind].append(model)
    controls = range(first_seed + 20, first_seed + 20 + NETWORKS)
    family["untrained"] = [redrawn(family["trained"][0], seed) for seed in controls]
    return family


def _values(
    likeness: Callable[[BilinearNetwork, BilinearNetwork], float],
    one: Sequence[BilinearNetwork],
    other: Sequence[BilinearNetwork],
) -> list[float]:
    pairs = combinations(one, 2) if one is other else product(one, other)
    return [likeness(first, second) for first, second in pairs]


def _figure(name: str, found: dict[str, list[float]]) -> Figure:
    trained = found.pop("trained")
    controls = ", ".join(f"{kind} {_range(values)}" for kind, values in found.items())
    return Figure(
        f"{name}, {len(trained)} pairs",
        f"{_range(trained)}, median {median(trained):.2f}",
        f"above all controls: {controls}",
        min(trained) > max(map(max, found.values())),
    )


def _range(values: Sequence[float]) -> str:
    return f"{min(values):z.2f} to {max(values):z.2f}"


def _similarity(first: BilinearNetwork, second: BilinearNetwork) -> float:
    return similarity(_without_constants(first), _without_constants(second)).value


def _without_constants(model: BilinearNetwork) -> list[Layer]:
    """Return the layers of a network less its logits at 0.

    What a network learns from wrong labels is little but those: how frequent each class is.
    """
    *below, last = model.layers()
    with torch.no_grad():
        at_zero = model(torch.zeros(model.configuration.inputs)).numpy()
    linear = last.linear.astype(np.float64)
    linear[1:, 0] -= at_zero
    return [*below, last._replace(linear=linear)]


def _matched(first: BilinearNetwork, second: BilinearNetwork) -> float:
    return matched_across([first, second], FEATURES).quantiles[0.5]


def _bonds(first: BilinearNetwork, second: BilinearNetwork) -> float:
    return float(np.median(bond_cosines(first, second, FORMS)))
