"""Whether autoencoders find the same directions again, from another seed and on other data.

Directions are matched one to one so that their cosines sum to the most. Whether that is much shows
in a control alone: directions drawn at random that have the covariance of the states match one
another as well by chance, and white ones do not, as states lie in few directions of their space.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from numeric.data.digits import Digits
from numeric.studies.autoencoders import Autoencoders
from numeric.studies.replacing import codes_of, covariance_root, cut_at, fitted
from numeric.studies.running import Row, Tables
from numeric.studies.trained import Trained

Doubles = npt.NDArray[np.float64]

HALF = 5
"""Digits below this one are the other data that MNIST itself has."""


def matched(first: Doubles, second: Doubles) -> float:
    """Return the mean cosine of directions matched one to one.

    Args:
        first: directions in rows.
        second: directions in rows, as long.

    Examples:
        >>> matched(np.eye(3), 2 * np.eye(3)[::-1])
        1.0
    """
    one, other = (
        rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        for rows in (first, second)
    )
    table = one @ other.T
    return float(table[linear_sum_assignment(table, maximize=True)].mean())


def stability_rows(
    network: Trained,
    bond: int,
    latents: int,
    steps: int,
    seeds: int,
    active: int,
    digits: Digits,
    fashion: Digits | None = None,
) -> Tables:
    """Match the directions of autoencoders of other seeds and data, beside random ones.

    Args:
        network: trained on all of ``digits``; its weights never change here.
        bond: after which layer, from 1.
        latents: of each autoencoder.
        steps: of training.
        seeds: how many autoencoders of each data.
        active: latents at once.
        digits: images.
        fashion: other images, if they are there.
    """
    cut = cut_at(network.layers(digits), bond)
    below = digits.train_images[digits.train_labels < HALF]
    images = {"the same data": digits.train_images, f"digits below {HALF}": below}
    if fashion is not None:
        images["Fashion-MNIST"] = fashion.train_images
    states = {name: cut.states(some) for name, some in images.items()}
    found = {
        name: _alive(fitted(some, latents, steps, seeds, active=active), some)
        for name, some in states.items()
    }
    draw = np.random.default_rng(0)
    size = max(1, round(np.mean([len(rows) for rows in found["the same data"]])))
    shaped = {
        name: [_shaped(some, size, draw) for _ in range(seeds)] for name, some in states.items()
    }
    width = next(iter(states.values())).shape[1]
    white = {name: [draw.normal(size=(size, width)) for _ in range(seeds)] for name in states}
    rows: list[Row] = []
    for kind, sets in (
        (f"TopK {active}", found),
        ("random, of the data's covariance", shaped),
        ("random, white", white),
    ):
        rows += [
            {"method": kind, "other": name, "pair": pair, "cosine": cosine}
            for name in sets
            for pair, cosine in enumerate(_pairs(sets, name))
        ]
    return {"stability": rows}


def _pairs(sets: Mapping[str, list[Doubles]], name: str) -> list[float]:
    """Match those of the same data with those of others, each seed with the next.

    Of the same seed the two would begin with the same directions.
    """
    others = sets[name][1:] + sets[name][:1]
    return [matched(one, other) for one, other in zip(sets["the same data"], others, strict=True)]


def _alive(few: Autoencoders, states: Tensor) -> list[Doubles]:
    """Return the directions of latents that fire at all, for each autoencoder."""
    fires = (codes_of(few, states[:10_000]) > 0).any(dim=1)
    return [
        np.asarray(rows[which].double().numpy())
        for rows, which in zip(few.directions, fires, strict=True)
    ]


def _shaped(states: Tensor, count: int, draw: np.random.Generator) -> Doubles:
    """Draw directions that have the covariance of states."""
    root = covariance_root(states).numpy()
    return np.asarray(draw.normal(size=(count, len(root))) @ root.T)
