r"""Whether autoencoders keep features apart that often fire together, as the network does.

A planted network reads 16 features, in eight pairs, and its second layer reads each of them by
itself. On the data the magnitudes of all features are independent, but the two of a pair fire
together: given that one fires, the other does with probability :math:`\rho` more than by chance.
The network does not change with the data, and so neither do features of its weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from numeric.graphs.graph import square_layers
from numeric.graphs.trace import trace
from numeric.studies.autoencoders import Autoencoders
from numeric.studies.planted import PAIRS, planted
from numeric.studies.running import Row, Tables
from numeric.studies.scoring import scores

Doubles = npt.NDArray[np.float64]

FIRES = 0.12
"""How often each feature fires."""

ALIKE, GOES_WITH = 0.95, 0.9
"""The cosine and the correlation from which a latent is that of a feature or of a sum of two."""

_PROBES = 5000


def fired(samples: int, together: float, features: int, generator: np.random.Generator) -> Doubles:
    """Draw squares of features that fire in pairs, each with a magnitude of its own.

    Args:
        samples: how many.
        together: which share of a feature's firing it has in common with the other of its pair,
            from 0 (independent) to 1 (always).
        features: an even number.
        generator: draws them.

    Returns:
        Shape (samples, features): 0, or between 0.5 and 1.5 with a probability of 0.12 each.

    Examples:
        >>> drawn = fired(10_000, 1.0, 2, np.random.default_rng(0)) > 0
        >>> bool((drawn[:, 0] == drawn[:, 1]).all())
        True
    """
    shape = (samples, features // 2)
    both = generator.random(shape) < FIRES * together
    rest = FIRES * (1 - together) / (1 - FIRES * together)
    which = np.stack([both | (generator.random(shape) < rest) for _ in range(2)], axis=2)
    magnitudes = generator.uniform(0.5, 1.5, (samples, features))
    return np.asarray(which.reshape(samples, features) * magnitudes)


def merging_rows(
    together: float,
    seeds: int,
    steps: int,
    samples: int,
    latents: int,
    active: int | None,
    penalties: Sequence[float],
) -> Tables:
    """Train autoencoders on the hidden states of planted networks, and see which pairs they merge.

    All penalties are told: how many latents they leave active decides what is found.

    Args:
        together: as for :func:`fired`.
        seeds: how many networks, with data of their own.
        steps: of training.
        samples: of each network's data.
        latents: of each autoencoder.
        active: for TopK; with penalties None.
        penalties: for L1; for TopK none.

    Returns:
        A row for each seed, and for each penalty.
    """
    hidden = [planted(PAIRS, 2, seed).open_layers[0].mixing[1:] for seed in range(seeds)]
    count = hidden[0].shape[1]
    draws = [
        [fired(number, share, count, np.random.default_rng([seed, place])) for seed in range(seeds)]
        for place, (number, share) in enumerate(((samples, together), (_PROBES, 0.0)))
    ]
    states, probes = (
        torch.stack([_states(codes, mixing) for codes, mixing in zip(some, hidden, strict=True)])
        for some in draws
    )
    rows: list[Row] = []
    for penalty, few in _each(states, latents, steps, active, penalties):
        left, on_data, on_probes = _unexplained(few, states), few.encode(states), few.encode(probes)
        for seed, mixing in enumerate(hidden):
            fires = on_data[seed] > 0
            alive = fires.any(dim=0)
            row: Row = {"method": "L1" if active is None else f"TopK {active}", "penalty": penalty}
            row |= {"together": together, "seed": seed, "unexplained": left[seed]}
            row["active"] = float(fires.sum(dim=1).double().mean())
            row["true active"] = float((draws[0][seed] > 0).sum(axis=1).mean())
            by_direction = _directions(few.directions[seed][alive].double().numpy(), mixing)
            codes = on_probes[seed][:, alive].double().numpy()
            by_activation = _activations(codes, draws[1][seed])
            for name, table, bar in (
                ("direction", by_direction, ALIKE),
                ("activation", by_activation, GOES_WITH),
            ):
                apart, merged = _pairs(*table, bar)
                row |= {f"apart by {name}": apart, f"merged by {name}": merged}
            rows.append(row)
    return {"merging": rows}


def _each(
    states: Tensor, latents: int, steps: int, active: int | None, penalties: Sequence[float]
) -> Iterator[tuple[float | None, Autoencoders]]:
    """Train autoencoders, those of all penalties at once, and yield them penalty by penalty."""
    count, tried = len(states), max(1, len(penalties))
    each = [penalty for penalty in penalties for _ in range(count)]
    few = Autoencoders(
        count * tried, states.shape[2], latents, active=active, penalties=each or None, seed=7
    )
    few.fit(states.repeat(tried, 1, 1), steps)
    for place, penalty in enumerate(penalties or [None]):
        yield penalty, few.part(slice(place * count, (place + 1) * count))


def weight_rows(seed: int) -> Tables:
    """Score the features of a network's weights, which no data changes.

    Args:
        seed: of the network.
    """
    network = planted(PAIRS, 2, seed)
    count = len(network.open_layers[0].readings)
    found = {
        "weights, shared": trace(
            network.layers, "shared", features=[count, count], metric="pixels", components=count
        ),
        "weights, canonical": trace(network.layers, "canonical"),
    }
    rows: list[Row] = []
    for method, graph in found.items():
        score = scores(network, square_layers(graph))[0]
        rows.append({"method": method, "seed": seed, "recall": score.recall, "least": score.least})
    return {"weights": rows}


def _states(codes: Doubles, mixing: Doubles) -> Tensor:
    return torch.from_numpy(codes @ mixing.T).float()


def _unexplained(few: Autoencoders, states: Tensor) -> list[float]:
    """Return the share of the variance that is not reconstructed, for each autoencoder."""
    left = (few.decode(few.encode(states)) - states).square().sum(dim=(1, 2))
    spread = (states - states.mean(dim=1, keepdim=True)).square().sum(dim=(1, 2))
    return [float(share) for share in left / spread]


def _directions(directions: Doubles, mixing: Doubles) -> tuple[Doubles, Doubles]:
    """Return cosines of latents' directions with those of features, and of sums of pairs."""
    sums = mixing[:, 0::2] + mixing[:, 1::2]
    single, pair = (directions @ (wide / np.linalg.norm(wide, axis=0)) for wide in (mixing, sums))
    return single, pair


def _activations(latents: Doubles, codes: Doubles) -> tuple[Doubles, Doubles]:
    """Return correlations of latents with features, and with sums of pairs."""
    sums = codes[:, 0::2] + codes[:, 1::2]
    tables = []
    for wide in (codes, sums):
        one, other = (
            (array - array.mean(axis=0)) / np.maximum(array.std(axis=0), 1e-9)
            for array in (latents, wide)
        )
        tables.append(one.T @ other / len(one))
    return tables[0], tables[1]


def _pairs(single: Doubles, pair: Doubles, bar: float) -> tuple[float, float]:
    """Return the shares of pairs that are found apart, and that are merged.

    A pair is apart if some latent is each of the two, and merged if it is not apart, but a latent
    is the sum.
    """
    best = single.max(axis=0, initial=0.0) > bar
    apart = best[0::2] & best[1::2]
    merged = (pair.max(axis=0, initial=0.0) > bar) & ~apart
    return float(apart.mean()), float(merged.mean())
