r"""Hidden states in their own bases: orthonormal, and ordered by what the outputs draw from them.

A hidden state may be given in any basis (:func:`analytic.derivations.gauge_freedom`). Bottom up,
its forms are made orthonormal with the constant first, by the Gram matrix of the layer below; top
down, they are turned into the eigenvectors of the environment, so that component 1 is what the
outputs draw most from. Cutting the last components then moves the outputs least, as in a
hierarchical singular value decomposition.

Source:
    L. Grasedyck, *Hierarchical singular value decomposition of tensors*, SIAM J. Matrix Anal. Appl.
    31 (2010); for bilinear layers, T. Dooms et al., *Compositionality unlocks deep interpretable
    models*, arXiv 2504.02667.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from numeric.errors import NumericError
from numeric.features.kernels import environment, products, with_linear_neurons
from numeric.networks.normal_form import Layer

Doubles = npt.NDArray[np.float64]

_FLOOR = 1e-16
"""Forms smaller than rounding are scaled as if they were as large as it."""

_ROUNDING = 1e-12
"""A basis that was changed by hand may leave this much beside the constant."""


@dataclass(frozen=True)
class Bond:
    r"""A hidden state in its canonical basis.

    Attributes:
        basis: :math:`F`, so that the state is :math:`F\tilde y` for the network's own
            :math:`\tilde y`; square, its first row the constant.
        inverse: :math:`F^{-1}`.
        singular_values: of the components, the constant left out, descending: the square roots of
            what the outputs draw from each.
        total: what they draw from all of them, the constant included, squared. The same for every
            bond of a network.
    """

    basis: Doubles
    inverse: Doubles
    singular_values: Doubles
    total: float


@np.errstate(over="ignore", invalid="ignore")
def canonical_bonds(layers: Sequence[Layer], metric: Doubles) -> list[Bond]:
    """Return the canonical basis of every hidden state, from the input upwards.

    Args:
        layers: the network in the normal form.
        metric: the Gram matrix of the inputs, the constant included.

    Raises:
        NumericError: component 0 of a hidden state is not the constant, or the inner products of
            its forms leave the range of float64.
    """
    _check_constants(layers)
    homogeneous = [with_linear_neurons(layer) for layer in layers]
    orthonormal: list[tuple[Doubles, Doubles]] = []
    for number in range(len(layers) - 1):
        layer = homogeneous[number]
        gram = products(layer, layer, metric)
        _check_range(gram, number + 1)
        basis, inverse = _orthonormal(gram)
        orthonormal.append((basis, inverse))
        homogeneous[number] = layer._replace(down=basis @ layer.down)
        above = homogeneous[number + 1]
        homogeneous[number + 1] = above._replace(
            left=above.left @ inverse, right=above.right @ inverse
        )
        metric = np.eye(len(basis))
    return _turned(homogeneous, orthonormal)


@np.errstate(over="ignore", invalid="ignore")
def in_bases(layers: Sequence[Layer], bonds: Sequence[Bond], kept: Sequence[int]) -> list[Layer]:
    """Return a network whose hidden states are in other bases, without their last components.

    Args:
        layers: in the normal form.
        bonds: one fewer.
        kept: how many components of each bond stay, the constant not counted.

    Raises:
        NumericError: a weight in the new bases leaves the range of float64.
    """
    changed = [Layer(*(array.astype(np.float64) for array in layer)) for layer in layers]
    for number, (bond, count) in enumerate(zip(bonds, kept, strict=True)):
        into, out = bond.basis[: count + 1], bond.inverse[:, : count + 1]
        below, above = changed[number], changed[number + 1]
        changed[number] = below._replace(down=into @ below.down, linear=into @ below.linear)
        changed[number + 1] = above._replace(
            left=above.left @ out, right=above.right @ out, linear=above.linear @ out
        )
        # What is constant by construction is not left to rounding.
        changed[number].down[0], changed[number].linear[0] = 0, np.eye(1, below.linear.shape[1])
    for number, layer in enumerate(changed, start=1):
        if not all(np.isfinite(array).all() for array in layer):
            raise NumericError(
                f"expected the weights of layer {number} in other bases within the range of "
                "float64: trace with method='polarized', which multiplies nothing"
            )
    return changed


def _check_constants(layers: Sequence[Layer]) -> None:
    for number, (_, _, down, linear) in enumerate(layers[:-1], start=1):
        constant = np.eye(1, linear.shape[1])[0]
        if down[0].any() or abs(linear[0] - constant).max() > _ROUNDING:
            raise NumericError(
                f"expected component 0 of layer {number} to be the constant, handed on by the "
                "linear part alone: without it a hidden state has no canonical basis"
            )


def _check_range(matrix: Doubles, number: int) -> None:
    if not np.isfinite(matrix).all():
        raise NumericError(
            f"expected the inner products of the forms of layer {number}, and what is drawn from "
            "them, within the range of float64: trace with method='polarized', which multiplies "
            "nothing"
        )


def _orthonormal(gram: Doubles) -> tuple[Doubles, Doubles]:
    """Return a basis in which the forms are the constant and others orthonormal to it."""
    shares = gram[1:, 0] / gram[0, 0]
    rest = gram[1:, 1:] - np.outer(shares, gram[0, 1:])
    values, vectors = np.linalg.eigh((rest + rest.T) / 2)
    tiny, unit = np.finfo(np.float64).tiny, np.finfo(np.float64).eps
    # What forms that are constant vary by is rounding: it has no scale of its own.
    floor = max(_FLOOR * values.max(initial=0), unit * np.trace(gram[1:, 1:]))
    if floor < tiny:
        # All forms are zero, or as good as: a scale whose square stays within range both ways.
        floor = np.sqrt(tiny)
    norms = np.sqrt(np.maximum(values, floor))
    basis, inverse = np.eye(len(gram)), np.eye(len(gram))
    basis[1:, 1:] = vectors.T / norms[:, None]
    basis[1:, 0] = -basis[1:, 1:] @ shares
    inverse[1:, 1:] = vectors * norms
    inverse[1:, 0] = shares
    return basis, inverse


def _turned(layers: Sequence[Layer], bases: Sequence[tuple[Doubles, Doubles]]) -> list[Bond]:
    """Turn orthonormal bases into the eigenvectors of their environments, from the top."""
    above = np.eye(len(layers[-1].down))
    above[0, 0] = 0  # component 0 of the last layer is no output
    bonds: list[Bond] = []
    pairs = zip(reversed(layers[1:]), reversed(bases), strict=True)
    for number, (layer, (basis, inverse)) in zip(range(len(bases), 0, -1), pairs, strict=True):
        above = environment(layer, above)
        _check_range(above, number)
        values, vectors = np.linalg.eigh(above[1:, 1:])
        turn = np.eye(len(above))
        turn[1:, 1:] = facing_up(vectors[:, ::-1])
        singular = np.sqrt(np.maximum(values[::-1], 0))
        bonds.append(Bond(turn.T @ basis, inverse @ turn, singular, float(np.trace(above))))
    return bonds[::-1]


def facing_up(columns: Doubles) -> Doubles:
    """Return columns with signs such that the largest entry of each is positive.

    Examples:
        >>> facing_up(np.array([[1.0], [-2.0]]))
        array([[-1.],
               [ 2.]])
    """
    if not columns.size:
        return columns
    largest = np.take_along_axis(columns, abs(columns).argmax(axis=0)[None], axis=0)
    return np.asarray(columns * np.where(largest < 0, -1.0, 1.0))
