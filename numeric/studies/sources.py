"""Whose feature a latent is: its own layer's, a mixture of several, or one of the next layer.

Each latent is explained, by the share of its variance over test images, from one feature or
component of its own layer, from five features of it (picked one after the other), and from what
the next layer makes: features, readings of either sign, logits and probabilities. A control has
the same firing rate: rectified random directions with the states' covariance.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from numeric.data.digits import Digits
from numeric.networks.normal_form import SquareLayer
from numeric.studies.replacing import (
    codes_of,
    covariance_root,
    cut_at,
    fitted,
    shared_squares,
)
from numeric.studies.running import Row, Tables
from numeric.studies.trained import Trained

Doubles = npt.NDArray[np.float64]

EXPLAINED = 0.5
"""The share of variance from which something explains a latent."""

BETTER = 0.05
"""By how much the next layer has to explain a latent better than its own, to be its source."""

_MIXED = 5
_RARE = 0.002
"""Latents that fire on fewer images are left out."""


def source_rows(
    network: Trained,
    latents: int,
    steps: int,
    seeds: int,
    active: int,
    features: Sequence[int],
    digits: Digits,
) -> Tables:
    """Say where the latents of a network of depth 2 come from.

    Args:
        network: which.
        latents: of each autoencoder.
        steps: of training.
        seeds: how many autoencoders.
        active: latents at once.
        features: shared ones of each of the two layers, which latents are explained by.
        digits: images.
    """
    layers = network.layers(digits)
    cut = cut_at(layers, 1)
    states, tested = cut.states(digits.train_images), cut.states(digits.test_images)
    squares = shared_squares(network, tuple(features), digits)
    own, component, above = _candidates(squares, digits, cut.logits(tested))
    few = fitted(states, latents, steps, seeds, active=active)
    draw = torch.Generator().manual_seed(0)
    root = covariance_root(states)
    rows: list[Row] = []
    for seed, every in enumerate(codes_of(few, tested).double()):
        codes = every[:, (every > 0).double().mean(dim=0) > _RARE]
        rate = (codes > 0).double().mean(dim=0)
        drawn = torch.randn(len(rate), len(root), generator=draw).double() @ root.T
        along = (tested - tested.mean(dim=0)) @ drawn.T
        bars = torch.stack(
            [column.quantile(1 - share) for column, share in zip(along.T, rate, strict=True)]
        )
        for method, wide in (
            (f"TopK {active}", codes),
            ("random, of the data's covariance", torch.relu(along - bars)),
        ):
            rows.append({"method": method, "seed": seed} | _sources(wide, own, component, above))
    return {"sources": rows}


def _candidates(
    squares: Sequence[SquareLayer], digits: Digits, logits: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return what may explain a latent: own features, own components, and the next layer's."""
    first, second = squares
    wide = np.concatenate([np.ones((len(digits.test_images), 1)), digits.test_images], axis=1)
    own = (wide @ first.readings.T) ** 2
    component = own @ first.mixing.T + wide @ first.linear.T
    reading = component @ second.readings.T
    above = [reading**2, np.maximum(reading, 0), np.maximum(-reading, 0), logits.numpy()]
    above.append(logits.softmax(dim=1).numpy())
    return (
        torch.from_numpy(own),
        torch.from_numpy(component[:, 1:]),
        torch.from_numpy(np.concatenate(above, axis=1)),
    )


def _sources(codes: Tensor, own: Tensor, component: Tensor, above: Tensor) -> Row:
    """Explain every latent, and count which explanation is the best."""
    wide = _standard(codes)
    feature, form, later = (explained(wide, _standard(by)) for by in (own, component, above))
    mixture = mixed(wide, _standard(own), _MIXED)
    single = torch.maximum(feature, form)
    next_layer = (later > single + BETTER) & (later > EXPLAINED)
    of_own = ~next_layer & (single > EXPLAINED)
    mixtures = ~next_layer & ~of_own & (mixture > EXPLAINED)
    shares = {
        "own": of_own,
        "mixture": mixtures,
        "next layer": next_layer,
        "none": ~(of_own | mixtures | next_layer),
    }
    medians = {
        "by one feature": feature,
        "by one component": form,
        "by five features": mixture,
        "by the next layer": later,
    }
    return (
        {"latents": len(feature)}
        | {name: float(which.double().mean()) for name, which in shares.items()}
        | {name: float(each.median()) for name, each in medians.items()}
    )


def _standard(wide: Tensor) -> Tensor:
    return (wide - wide.mean(dim=0)) / wide.std(dim=0).clamp_min(1e-9)


def explained(targets: Tensor, by: Tensor) -> Tensor:
    """Return the largest share of each target's variance that one column explains.

    Args:
        targets: standardised columns.
        by: standardised columns.

    Examples:
        >>> wide = _standard(torch.tensor([[0.0, 1.0], [1.0, 5.0], [2.0, 0.0]]))
        >>> explained(wide, -wide[:, :1]).round(decimals=2)
        tensor([1.0000, 0.0400])
    """
    correlations = targets.T @ by / (len(targets) - 1)
    return correlations.square().max(dim=1).values


def mixed(targets: Tensor, by: Tensor, count: int) -> Tensor:
    """Return the share of each target's variance that some columns explain together.

    The columns are picked one after the other, that which goes best with what is left.

    Args:
        targets: standardised columns.
        by: standardised columns.
        count: how many are picked.

    Source:
        Y. C. Pati et al., *Orthogonal matching pursuit* (1993).

    Examples:
        >>> wide = _standard(torch.randn(50, 3, generator=torch.Generator().manual_seed(0)))
        >>> mixed(_standard(wide[:, :2].sum(dim=1, keepdim=True)), wide, 2).round(decimals=4).item()
        1.0
    """
    shares = []
    for target in targets.T:
        rest, places = target, []
        for _ in range(count):
            places.append(int((by.T @ rest).abs().argmax()))
            columns = by[:, places]
            rest = target - columns @ torch.linalg.lstsq(columns, target[:, None]).solution[:, 0]
        shares.append(1 - float(rest.square().sum() / target.square().sum()))
    return torch.tensor(shares, dtype=torch.float64)
