"""What is predicted when a latent or a feature is switched off, beside what then happens.

The effect on the logit of the predicted class is predicted twice: to the first order, from the
slope, as attributions are; and from the polynomial that the rest of the network is, which says it
exactly, of latents of an autoencoder as of features of the weights.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from numeric.data.digits import Digits
from numeric.graphs.pruning import as_layers
from numeric.studies.replacing import Cut, codes_of, cut_at, fitted, shared_squares
from numeric.studies.running import Row, Tables
from numeric.studies.trained import Trained


def switching_rows(
    network: Trained,
    latents: int,
    steps: int,
    seeds: int,
    active: int,
    features: Sequence[int],
    images: int,
    digits: Digits,
) -> Tables:
    """Switch off every latent, and every feature, of a network of depth 2 on some test images.

    Args:
        network: which.
        latents: of each autoencoder.
        steps: of training.
        seeds: how many autoencoders.
        active: latents at once.
        features: shared ones of each of the two layers.
        images: how many, the first ones.
        digits: images.
    """
    layers = network.layers(digits)
    cut = cut_at(layers, 1)
    states = cut.states(digits.train_images)
    tested = cut.states(digits.test_images[:images])
    rows: list[Row] = []
    latent = fitted(states, latents, steps, seeds, active=active)
    every = zip(codes_of(latent, tested).double(), latent.directions.double(), strict=True)
    for seed, (codes, directions) in enumerate(every):
        moved = codes[:, :, None] * directions
        rows.append({"method": f"TopK {active}", "seed": seed} | _compared(cut, tested, moved))
    squares = shared_squares(network, tuple(features), digits)
    few = cut_at(as_layers(squares), 1)
    some = digits.test_images[:images].astype(np.float64)
    wide = np.concatenate([np.ones((len(some), 1)), some], axis=1)
    values = torch.from_numpy((wide @ squares[0].readings.T) ** 2)
    moved = values[:, :, None] * torch.from_numpy(squares[0].mixing[1:].T)
    found = _compared(few, few.states(digits.test_images[:images]), moved)
    rows.append({"method": "features of the weights", "seed": None} | found)
    return {"switching": rows}


def _compared(cut: Cut, states: Tensor, moved: Tensor) -> Row:
    r"""Take away what each latent adds to a state, and compare what happens with predictions.

    With the move :math:`m` the layer above changes by
    :math:`-D[(L\tilde h) \odot (Rm) + (R\tilde h) \odot (Lm)] - Mm` to the first order, and by
    :math:`D[(Lm) \odot (Rm)]` beside that.

    Args:
        cut: a network with one layer above the state.
        states: shape (images, width).
        moved: what each latent or feature adds, shape (images, latents, width).

    Returns:
        What is left of the measured effects by each prediction, as a share of their norm.
    """
    (layer,) = cut.above
    left, right, down, linear = (torch.from_numpy(array).double() for array in layer)
    before, after = cut.logits(states), cut.logits(states[:, None] - moved)
    label = before.argmax(dim=1)
    wide = torch.cat([torch.ones(len(states), 1, dtype=torch.float64), states], dim=1)
    rows, maps = down[1:][label][:, None], linear[1:, 1:][label]
    of_left, of_right = moved @ left[:, 1:].T, moved @ right[:, 1:].T
    crossed = (wide @ left.T)[:, None] * of_right + (wide @ right.T)[:, None] * of_left
    slope = -(rows * crossed).sum(dim=2) - (moved * maps[:, None]).sum(dim=2)
    bend = (rows * of_left * of_right).sum(dim=2)
    places = label[:, None, None].expand(-1, moved.shape[1], 1)
    measured = after.gather(2, places)[..., 0] - before.gather(1, label[:, None])
    return {
        "first order": _left(slope, measured),
        "polynomial": _left(slope + bend, measured),
        "largest effect": float(measured.abs().max()),
    }


def _left(predicted: Tensor, measured: Tensor) -> float:
    """Return which share of measured effects a prediction leaves."""
    return float((predicted - measured).norm() / measured.norm())
