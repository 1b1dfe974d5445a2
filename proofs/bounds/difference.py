r"""How far the logits of a graph can lie from the network's, for every input of a region.

Layer by layer, the graph's hidden state is the network's in another basis, but for a difference:
:math:`g_l = A_l h_l + \delta_l`. With the residual forms :math:`E_{l,o}` of
:mod:`proofs.bounds.residuals` and the graph's bilinear parts :math:`G_l` and linear parts
:math:`M_l`,

.. math::
    |\delta_l| \le \|E_l\|\,|h_{l-1}|^2 + \|G_l\|\,\big(2\,\|A_{l-1}\|\,|h_{l-1}|\,|\delta_{l-1}|
    + |\delta_{l-1}|^2\big) + \|M_l\|\,|\delta_{l-1}|, \qquad
    |h_l| \le \|F_l\|\,|h_{l-1}|^2 + \|L_l\|\,|h_{l-1}|

with :math:`F_l`, :math:`L_l` the network's parts; and so for every output alone. The norm of a
bilinear part is the root of the spectral norm of the inner products of its forms
(:func:`analytic.derivations.difference_bound`). The bases are any: what a poor one leaves is in the
residual forms. All of it is rounded upwards.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from numeric import Layer, SquareLayer
from numeric.features.kernels import products, with_linear_neurons
from numeric.normal_form import checked_layers
from numeric.pruning import as_layers
from proofs.bounds.enclosures import ROUNDED_UP, Enclosure
from proofs.bounds.exact_residuals import exact_residual_bound
from proofs.bounds.norms import frobenius_bound, spectral_bound
from proofs.bounds.residuals import Pair, residual_bound
from proofs.errors import ProofError

Doubles = npt.NDArray[np.float64]

_SAME = 1e-6
"""A basis that is the identity to this is taken for it."""

_LEAST = 2.0**-120
"""No residual form is said to be smaller: its entries' eighth powers have to be numbers."""

_RANK = 1e-12
"""Forms that are dependent to this share of the largest inner product count as dependent."""


@dataclass(frozen=True, eq=False)
class Difference:
    """How far the logits of a graph can lie from a network's, within a region.

    Attributes:
        bounds: for each logit, shape (outputs,).
        bases: for each hidden state, that of the graph in terms of the network's, shape
            (components of the graph, components of the network); None where they are the same.
    """

    bounds: Doubles
    bases: list[Doubles | None]


def box_reach(low: float, high: float, inputs: int) -> float:
    r"""Bound :math:`|\tilde x|` for inputs whose numbers lie in an interval.

    Raises:
        ProofError: the interval is empty, or an end of it is not finite.

    Examples:
        >>> 28.01 < box_reach(0.0, 1.0, 784) < 28.02
        True
    """
    if not (low <= high and math.isfinite(low) and math.isfinite(high)):
        raise ProofError(f"expected low and high to be the ends of an interval, got {low}, {high}")
    size = max(abs(low), abs(high)) * math.sqrt(inputs) * ROUNDED_UP
    return float(frobenius_bound(np.array([1.0, size])))


def ball_reach(radius: float) -> float:
    r"""Bound :math:`|\tilde x|` for inputs with :math:`|x|` up to a radius.

    Raises:
        ProofError: the radius is negative or not finite.

    Examples:
        >>> 5 < ball_reach(24**0.5) < 5.001
        True
    """
    if not 0 <= radius < math.inf:
        raise ProofError(f"expected radius to be finite and not negative, got {radius}")
    return float(frobenius_bound(np.array([1.0, radius])))


def neighbourhood_reach(images: npt.NDArray[np.floating[Any]], radius: float) -> float:
    r"""Bound :math:`|\tilde x|` for inputs no further than a radius from one of some images.

    Args:
        images: shape (images, inputs).
        radius: in the Euclidean norm of the pixels.

    Raises:
        ProofError: there is no image, or a number is not finite; the radius is negative.

    Examples:
        >>> 6 < neighbourhood_reach(np.array([[3.0, 4.0]]), 1.0) < 6.1
        True
    """
    points = np.asarray(images, dtype=np.float64)
    if points.ndim != 2 or not points.size or not np.isfinite(points).all():
        raise ProofError(
            "expected images to be an array of finite numbers with an axis of images and one of "
            f"pixels, got {points.dtype} of shape {points.shape}"
        )
    ball_reach(radius)
    furthest = float(frobenius_bound(points, axis=1).max())
    return ball_reach(ROUNDED_UP * (furthest + radius))


def difference(
    layers: Sequence[Layer],
    squares: Sequence[SquareLayer],
    reach: float,
    *,
    exact: bool = False,
) -> Difference:
    r"""Bound how far the logits of a graph lie from a network's.

    Args:
        layers: of the network, in the normal form.
        squares: of the graph, as many layers.
        reach: for all inputs with :math:`|\tilde x|` at most this: :func:`box_reach`,
            :func:`ball_reach` or :func:`neighbourhood_reach`.
        exact: whether the forms in which the layers differ are computed in integers: takes longer,
            and leaves out what float64 adds to the bound.

    Returns:
        A bound for every logit, without rounding in either, and the bases it was found with.

    Raises:
        ProofError: the layers do not correspond, or a bound leaves the range of float64.
        NumericError: a layer of the network is none.

    Examples:
        >>> from numeric import BilinearNetwork, square_layers, trace
        >>> network = BilinearNetwork(4, 2, depth=2, width=3, hidden=5)
        >>> squares = square_layers(trace(network))
        >>> bool(difference(network.layers(), squares, box_reach(0, 1, 4)).bounds.max() < 1e-12)
        True
    """
    network = checked_layers(layers)
    _check(network, squares)
    bases = _bases(network, squares)
    bound = exact_residual_bound if exact else residual_bound
    below, basis, size, errors, error = None, 1.0, reach, np.zeros(1), 0.0
    for layer, square, above in zip(network, squares, [*bases, None], strict=True):
        pair = Pair(layer, square, below, above)
        rests = np.array([max(bound(pair, output), _LEAST) for output in range(pair.outputs)])
        with np.errstate(over="ignore", invalid="ignore"):
            made, total = rests * size * size, float(frobenius_bound(rests)) * size * size
            if error:
                parts, moved = norms(as_layers([square])[0], square.low), float(errors[0])
                bent = ROUNDED_UP * (2 * basis * size + error) * error
                made += parts.bilinear * bent + parts.constant * moved + parts.linear * error
                total += parts.bilinears * bent + parts.constants * moved + parts.linears * error
            parts = norms(layer)
            size = ROUNDED_UP * (parts.bilinears * size * size + parts.linears * size)
            size = ROUNDED_UP * (size + parts.constants)
            errors, error = ROUNDED_UP * made, ROUNDED_UP * total
        below, basis = above, 1.0 if above is None else spectral_bound(above)
    if not (np.isfinite(errors[1:]).all()):
        raise ProofError(
            "expected the difference of graph and network within the range of float64, got larger "
            "numbers"
        )
    return Difference(errors[1:], bases)


class Norms(NamedTuple):
    """Bounds on what the parts of a layer make of vectors of length 1.

    Attributes:
        bilinear: for every output its form's Frobenius norm, shape (outputs + 1,).
        constant: for every output the size of what it adds to the constant, the same shape.
        linear: for every output the length of what it reads linearly, the same shape.
        bilinears: for all outputs together.
        constants: the same.
        linears: the same.
    """

    bilinear: Doubles
    constant: Doubles
    linear: Doubles
    bilinears: float
    constants: float
    linears: float


def norms(layer: Layer, low: Doubles | None = None) -> Norms:
    r"""Bound the norms of a layer's parts.

    The inner products of the outputs' forms are

    .. math::
        \langle Q_o, Q_p \rangle = \sum_{r,s} D_{or} D_{ps}\,\tfrac12\big[(l_r \cdot l_s)
        (r_r \cdot r_s) + (l_r \cdot r_s)(r_r \cdot l_s)\big];

    on the diagonal stand the squared norms, and for unit vectors all outputs together are at most
    the root of the largest eigenvalue.

    Args:
        layer: in the normal form.
        low: what its readings lack.
    """
    lacking = np.zeros_like(layer.left, dtype=np.float64) if low is None else abs(low)
    left, right = (
        Enclosure(np.asarray(rows, dtype=np.float64), lacking) for rows in (layer.left, layer.right)
    )
    inner = (left @ left.T) * (right @ right.T) + (left @ right.T) * (right @ left.T)
    down = Enclosure.exact(layer.down)
    gram = down @ (inner * Enclosure.exact(np.array(0.5))) @ down.T
    linear = np.asarray(layer.linear, dtype=np.float64)
    largest = spectral_bound(gram.midpoint, float(frobenius_bound(gram.radius)))
    return Norms(
        ROUNDED_UP * np.sqrt(np.maximum(np.diagonal(gram.upper), 0.0)),
        abs(linear[:, 0]),
        frobenius_bound(linear[:, 1:], axis=1),
        ROUNDED_UP * np.sqrt(max(largest, _LEAST)),
        float(frobenius_bound(linear[:, 0])),
        spectral_bound(linear[:, 1:]),
    )


@np.errstate(over="ignore", invalid="ignore")
def _bases(layers: Sequence[Layer], squares: Sequence[SquareLayer]) -> list[Doubles | None]:
    r"""Return the basis of every hidden state in which the graph is nearest to the network.

    .. math::
        A_l = \langle G_l \circ A_{l-1}, F_l \rangle\,\langle F_l, F_l \rangle^{+}

    projects the graph's forms on the span of the network's.

    Raises:
        ProofError: an inner product leaves the range of float64.
    """
    below: Doubles | None = None
    found: list[Doubles | None] = []
    for layer, square in zip(layers[:-1], squares[:-1], strict=True):
        network = with_linear_neurons(layer)
        graph = with_linear_neurons(as_layers([square])[0])
        if below is not None:
            graph = graph._replace(left=graph.left @ below, right=graph.right @ below)
        gram, crossed = products(network, network), products(graph, network)
        if not (np.isfinite(gram).all() and np.isfinite(crossed).all()):
            raise ProofError(
                f"expected inner products of the forms of layer {len(found) + 1} within the range "
                "of float64, got some beyond it"
            )
        basis = crossed @ np.linalg.pinv(gram, rcond=_RANK, hermitian=True)
        basis[0] = np.eye(1, basis.shape[1])[0]
        same = basis.shape[0] == basis.shape[1]
        same = same and bool((abs(basis - np.eye(*basis.shape)) <= _SAME).all())
        below = None if same else basis
        found.append(below)
    return found


def _check(layers: Sequence[Layer], squares: Sequence[SquareLayer]) -> None:
    """Refuse a graph that has other ends than the network, or another depth."""
    if len(squares) != len(layers):
        raise ProofError(f"expected squares to hold {len(layers)} layers, got {len(squares)}")
    ends = [
        (stack[0].linear.shape[1], len(stack[-1].linear)) for stack in (list(layers), list(squares))
    ]
    if ends[0] != ends[1]:
        raise ProofError(
            f"expected squares to read {ends[0][0]} and write {ends[0][1]} components like the "
            f"network, got {ends[1][0]} and {ends[1][1]}"
        )
