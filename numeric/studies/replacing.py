"""Hidden states of a trained network, and what it says when they are replaced by fewer numbers.

An autoencoder keeps both true layers and replaces what stands between them; so do the strongest
components of the canonical basis, which the weights give, and principal components, which data
give. That is compared at equal numbers of what is active. A graph of few features replaces the
layers themselves, and is another matter.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from numeric.data.digits import Digits
from numeric.features.bonds import canonical_bonds
from numeric.graphs.fidelity import fidelity
from numeric.graphs.graph import square_layers
from numeric.graphs.trace import trace
from numeric.networks.normal_form import Layer, SquareLayer, handed_on
from numeric.studies.autoencoders import Autoencoders
from numeric.studies.running import Row, Tables
from numeric.studies.trained import Trained

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Cut:
    """A network in two parts, at one of its hidden states.

    Attributes:
        below: the layers up to it.
        above: the layers from it on.
    """

    below: Sequence[Layer]
    above: Sequence[Layer]

    def states(self, images: npt.NDArray[np.float32]) -> Tensor:
        """Return the hidden state of each image, without the constant, in float64."""
        return torch.from_numpy(_through(self.below, images.astype(np.float64))[:, 1:])

    def logits(self, states: Tensor) -> Tensor:
        """Return the logits that follow from states, of shape (..., width)."""
        wide = _through(self.above, states.double().numpy().reshape(-1, states.shape[-1]))
        return torch.from_numpy(wide[:, 1:]).reshape(*states.shape[:-1], -1)


def cut_at(layers: Sequence[Layer], bond: int) -> Cut:
    """Cut a network at the hidden state after a layer, from 1."""
    return Cut(layers[:bond], layers[bond:])


def _through(layers: Sequence[Layer], inputs: Doubles) -> Doubles:
    return handed_on(layers, np.insert(inputs, 0, 1.0, axis=1))


def fitted(
    states: Tensor,
    latents: int,
    steps: int,
    count: int,
    *,
    active: int | None = None,
    penalty: float | None = None,
) -> Autoencoders:
    """Train autoencoders on the same states, each from directions and in an order of its own.

    Args:
        states: shape (states, width).
        latents: of each.
        steps: of training.
        count: how many.
        active: for TopK.
        penalty: for L1, in its place.
    """
    each = None if penalty is None else [penalty] * count
    few = Autoencoders(count, states.shape[1], latents, active=active, penalties=each)
    return few.fit(states.float().expand(count, -1, -1), steps)


def covariance_root(states: Tensor) -> Tensor:
    """Return a matrix whose square is the states' covariance, and a little more.

    Args:
        states: shape (states, width).
    """
    covariance = states.T.cov()
    small = 1e-9 * covariance.trace() * torch.eye(len(covariance), dtype=covariance.dtype)
    root: Tensor = torch.linalg.cholesky(covariance + small)
    return root


def codes_of(few: Autoencoders, states: Tensor) -> Tensor:
    """Return the latents of the same states in all autoencoders.

    Args:
        few: trained.
        states: shape (states, width).

    Returns:
        Shape (autoencoders, states, latents).
    """
    return few.encode(states.float().expand(len(few.directions), -1, -1))


@functools.lru_cache(maxsize=1)
def shared_squares(
    network: Trained, features: tuple[int, ...], digits: Digits
) -> list[SquareLayer]:
    """Return the shared features of a network, for those who look at them one after the other.

    Args:
        network: which.
        features: for each layer.
        digits: that it is trained on.
    """
    layers = network.layers(digits)
    return square_layers(trace(layers, "shared", features=features, metric="neighbours"))


def replacing_rows(
    network: Trained,
    bond: int,
    latents: int,
    steps: int,
    seeds: int,
    active: Sequence[int],
    penalties: Sequence[float],
    components: Sequence[int],
    digits: Digits,
) -> Tables:
    """Replace a hidden state on the test images, and count how often the class stays the same.

    Args:
        network: which.
        bond: after which layer, from 1.
        latents: of each autoencoder.
        steps: of training.
        seeds: how many autoencoders of each kind.
        active: numbers of active latents (TopK).
        penalties: for L1.
        components: numbers of components of the canonical basis, and of principal components.
        digits: images.
    """
    layers = network.layers(digits)
    cut = cut_at(layers, bond)
    states, tested = cut.states(digits.train_images), cut.states(digits.test_images)
    wanted = cut.logits(tested).argmax(dim=1)
    rows: list[Row] = []

    def note(method: str, number: float, replaced: Tensor, seed: int | None = None) -> None:
        same = float((cut.logits(replaced).argmax(dim=1) == wanted).double().mean())
        left = (replaced - tested).square().sum() / (tested - tested.mean(dim=0)).square().sum()
        row: Row = {"depth": network.depth, "bond": bond, "method": method, "seed": seed}
        rows.append(row | {"active": number, "agreement": same, "unexplained": float(left)})

    for name, number, penalty in (
        *(("TopK", count, None) for count in active),
        *(("L1", None, penalty) for penalty in penalties),
    ):
        few = fitted(states, latents, steps, seeds, active=number, penalty=penalty)
        codes = codes_of(few, tested)
        used = (codes > 0).sum(dim=2).double().mean(dim=1)
        for seed, replaced in enumerate(few.decode(codes).double()):
            note(name, float(used[seed]), replaced, seed)
    moment = _moment(digits.train_images)
    for count in components:
        note("components, weights alone", count, _strongest(layers, bond, tested, count))
        note(
            "components, with the data's second moment",
            count,
            _strongest(layers, bond, tested, count, moment),
        )
        note("principal components", count, _principal(states, tested, count))
    return {"replacing": rows}


def _moment(images: npt.NDArray[np.float32]) -> Doubles:
    """Return the second moment of the constant and the inputs, invertible."""
    wide = np.concatenate([np.ones((len(images), 1)), images], axis=1).astype(np.float64)
    moment = wide.T @ wide / len(wide)
    return np.asarray(moment + 1e-6 * np.trace(moment) / len(moment) * np.eye(len(moment)))


def _strongest(
    layers: Sequence[Layer],
    bond: int,
    states: Tensor,
    count: int,
    metric: Doubles | None = None,
) -> Tensor:
    """Return states of which only the components stay that the outputs draw most from."""
    whole = np.eye(layers[0].linear.shape[1]) if metric is None else metric
    basis = canonical_bonds(layers, whole)[bond - 1]
    kept = basis.inverse[:, : count + 1] @ basis.basis[: count + 1]
    wide = np.concatenate([np.ones((len(states), 1)), states.numpy()], axis=1)
    return torch.from_numpy((wide @ kept.T)[:, 1:])


def _principal(states: Tensor, tested: Tensor, count: int) -> Tensor:
    mean = states.mean(dim=0)
    vectors: Tensor = torch.linalg.eigh((states - mean).T.cov()).eigenvectors[:, -count:]
    return mean + (tested - mean) @ vectors @ vectors.T


def whole_rows(network: Trained, features: Sequence[int], digits: Digits) -> Tables:
    """Measure graphs of few shared features, which replace the layers and not a state between them.

    Args:
        network: which.
        features: numbers of them, in all layers.
        digits: images.
    """
    layers = network.layers(digits)
    found = [
        fidelity(trace(layers, "shared", features=count, metric="neighbours"), layers, digits)
        for count in features
    ]
    return {
        "whole graphs": [
            {"depth": network.depth, "features": one.features, "agreement": one.agreement}
            for one in found
        ]
    }
