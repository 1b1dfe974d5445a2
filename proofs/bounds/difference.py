r"""How far the logits of a graph can lie from the network's, for every input of a box.

Layer by layer, the graph's hidden state is the network's in another basis, but for a difference:
:math:`g_l = A_l h_l + \delta_l`. Boxes around both states are carried upwards, and with them how
large each component of :math:`\delta_l` can be
(:func:`analytic.derivations.difference_bound`): by the residual forms of
:mod:`proofs.bounds.residuals` on the box below, and by the derivative of the graph's layer there.
The bases are any: what a poor one leaves is in the residual forms. All of it is rounded upwards.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from numeric import Layer, SquareLayer
from numeric.features.kernels import products, with_linear_neurons
from numeric.graphs.pruning import as_layers
from numeric.networks.normal_form import Floats, checked_layers
from proofs.bounds.enclosures import ROUNDED_UP, Enclosure
from proofs.bounds.exact_residuals import exact_residual_form
from proofs.bounds.norms import frobenius_bound, spectral_bound
from proofs.bounds.residuals import Pair, residual_form
from proofs.errors import ProofError

Doubles = npt.NDArray[np.float64]

_SAME = 1e-6
"""A basis that is the identity to this is taken for it."""

_LEAST = 2.0**-120
"""More than what underflows on the way to a bound."""

_RANK = 1e-12
"""Forms that are dependent to this share of the largest inner product count as dependent."""

_SCALING = 2.0**-50
"""More than the roundings of a product of three numbers, divided by two others."""


@dataclass(frozen=True, eq=False)
class Difference:
    """How far the logits of a graph can lie from a network's, within a box.

    Attributes:
        bounds: for each logit, shape (outputs,).
        bases: for each hidden state, that of the graph in terms of the network's, shape
            (components of the graph, components of the network); None where they are the same.
    """

    bounds: Doubles
    bases: list[Doubles | None]


@dataclass(frozen=True, eq=False)
class Box:
    """States, each of whose components lies in an interval; the constant is none of them.

    Attributes:
        centre: the middles, shape (components,).
        width: half the lengths, of the same shape.
    """

    centre: Doubles
    width: Doubles

    @classmethod
    def between(cls, low: float, high: float, components: int) -> Box:
        """Return the box whose components all lie between two numbers.

        Raises:
            ProofError: the interval is empty, or an end of it is not finite.

        Examples:
            >>> Box.between(0.0, 1.0, 3).centre
            array([0.5, 0.5, 0.5])
        """
        if not (low <= high and math.isfinite(low) and math.isfinite(high)):
            raise ProofError(
                f"expected low and high to be the ends of an interval, got {low}, {high}"
            )
        centre = low / 2 + high / 2
        width = ROUNDED_UP * ((high / 2 - low / 2) + 2.0**-50 * abs(centre))
        return cls(np.full(components, centre), np.full(components, width))

    @property
    def reach(self) -> float:
        """A bound on the length of all states, the constant included."""
        return float(frobenius_bound(np.concatenate([[1.0], abs(self.centre) + self.width])))

    def values(self, form: Doubles, error: float) -> tuple[float, float]:
        """Return middle and half length of an interval in which a quadratic form's values lie.

        Args:
            form: a symmetric matrix, the constant first.
            error: a bound on the Frobenius norm of what it lacks.
        """
        point = Enclosure.exact(np.concatenate([[1.0], self.centre])[:, None])
        slope = Enclosure.exact(form) @ point
        middle = slope.T @ point
        half = 2 * float(slope.size[1:, 0] @ self.width)
        half += stretch(form[1:, 1:], self.width, self.width) + error * self.reach * self.reach
        return float(middle.midpoint[0, 0]), ROUNDED_UP * (half + float(middle.radius[0, 0]))


def stretch(matrix: Doubles, rows: Doubles, columns: Doubles) -> float:
    r"""Bound a bilinear form :math:`|v^\top M u|` of two boxes around 0.

    .. math::
        |v^\top M u| \le \|p\|\,\|q\|\,\|N\|, \qquad N_{ij} = \frac{v^*_i M_{ij} u^*_j}{p_i q_j}

    with the roots of the norms of rows and columns for :math:`p` and :math:`q`.

    Args:
        matrix: :math:`M`.
        rows: bounds :math:`v^*` on the components of :math:`v`.
        columns: bounds :math:`u^*` on those of :math:`u`.

    Examples:
        >>> bool(6 <= stretch(np.array([[2.0, 0.0]]), np.array([3.0]), np.array([1.0, 9.0])) < 6.01)
        True
    """
    scaled = rows[:, None] * matrix * columns
    p, q = (np.sqrt(frobenius_bound(scaled, axis=axis)) for axis in (1, 0))
    divisors = np.where(p > 0, p, 1.0)[:, None] * np.where(q > 0, q, 1.0)
    shared = scaled / divisors
    norm = spectral_bound(shared, _SCALING * float(frobenius_bound(shared)))
    lengths = float(frobenius_bound(p)) * float(frobenius_bound(q))
    return float(ROUNDED_UP * (lengths * norm + _LEAST))


def difference(
    layers: Sequence[Layer],
    squares: Sequence[SquareLayer],
    low: float,
    high: float,
    *,
    exact: bool = False,
) -> Difference:
    r"""Bound how far the logits of a graph lie from a network's.

    Args:
        layers: of the network, in the normal form.
        squares: of the graph, as many layers.
        low: for all inputs whose numbers are at least this,
        high: and at most this.
        exact: whether the forms in which the layers differ are computed in integers: takes longer,
            and leaves out what float64 adds to the bound.

    Returns:
        A bound for every logit, without rounding in either, and the bases it was found with.

    Raises:
        ProofError: the layers do not correspond, or do not hand on the constant; the interval is
            empty; a bound leaves the range of float64.
        NumericError: a layer of the network is none.

    Examples:
        >>> from numeric import BilinearNetwork, square_layers, trace
        >>> network = BilinearNetwork(4, 2, depth=2, width=3, hidden=5)
        >>> squares = square_layers(trace(network))
        >>> bool(difference(network.layers(), squares, 0, 1).bounds.max() < 1e-12)
        True
    """
    network = checked_layers(layers)
    _check(network, squares)
    state = turned = Box.between(low, high, network[0].linear.shape[1] - 1)
    bases, below, errors = _bases(network, squares), None, np.zeros(0)
    rest = exact_residual_form if exact else residual_form
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        for layer, square, above in zip(network, squares, [*bases, None], strict=True):
            pair, found = Pair(layer, square, below, above), []
            for output in range(1, pair.outputs):
                middle, half = state.values(*_finite(*rest(pair, output)))
                carried = 0.0
                if errors.any():
                    carried = _carried(_finite(*_graph_form(square, output)), turned, errors)
                found.append(ROUNDED_UP * (abs(middle) + half + carried))
            errors, below = np.array(found), above
            _finite(errors, 0.0)
            if layer is not network[-1]:
                reached, rows = state, np.eye(len(layer.linear))
                state = _box(reached, layer, rows)
                turned = state if above is None else _box(reached, layer, above)
    return Difference(errors, bases)


def _finite(array: Doubles, error: float) -> tuple[Doubles, float]:
    """Refuse what has left the range of float64."""
    if not (np.isfinite(array).all() and math.isfinite(error)):
        raise ProofError(
            "expected the difference of graph and network within the range of float64, got larger "
            "numbers"
        )
    return array, error


def _box(state: Box, layer: Layer, basis: Doubles) -> Box:
    """Return a box around what a layer makes of the states of another one, in a basis."""
    intervals = [state.values(*_finite(*_network_form(layer, row))) for row in basis[1:]]
    centre, width = np.array(intervals).reshape(-1, 2).T
    _finite(width, 0.0)
    return Box(centre, width)


def _carried(form: tuple[Doubles, float], state: Box, errors: Doubles) -> float:
    """Bound what a form makes of a difference of the state: of the derivative, and beyond it."""
    matrix, error = form
    point = Enclosure.exact(np.concatenate([[1.0], state.centre])[:, None])
    slope = (Enclosure.exact(matrix) @ point).size[1:, 0]
    way = ROUNDED_UP * (2 * state.width + errors)
    straight = 2 * float(slope @ errors) + stretch(matrix[1:, 1:], way, errors)
    lost = error * float(frobenius_bound(errors)) * (2 * state.reach + float(frobenius_bound(way)))
    return ROUNDED_UP * (straight + lost)


def _network_form(layer: Layer, weights: Doubles) -> tuple[Doubles, float]:
    """Return the symmetric matrix of a weighted sum of a layer's outputs, and what it may lack."""
    row = Enclosure.exact(weights[None])
    left, right = (Enclosure.exact(rows) for rows in (layer.left, layer.right))
    return _form(
        left, right, row @ Enclosure.exact(layer.down), row @ Enclosure.exact(layer.linear)
    )


def _graph_form(square: SquareLayer, output: int) -> tuple[Doubles, float]:
    """Return the symmetric matrix of an output of a graph's layer, and what it may lack."""
    features = square.mixing[output] != 0
    reading = Enclosure(square.readings[features], abs(square.low[features]))
    mixing, linear = (
        Enclosure.exact(row[None])
        for row in (square.mixing[output][features], square.linear[output])
    )
    return _form(reading, reading, mixing, linear)


def _form(
    left: Enclosure, right: Enclosure, weights: Enclosure, linear: Enclosure
) -> tuple[Doubles, float]:
    constant = Enclosure.exact(np.eye(1, linear.midpoint.shape[1]))
    half = left.T @ (weights.T * right) + constant.T @ linear
    whole = (half + half.T) * Enclosure.exact(np.array(0.5))
    return whole.midpoint, float(frobenius_bound(whole.radius))


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
    written: dict[str, list[tuple[Floats, Floats]]] = {
        "layers": [(layer.down, layer.linear) for layer in layers],
        "squares": [(square.mixing, square.linear) for square in squares],
    }
    for name, stack in written.items():
        for number, (down, linear) in enumerate(stack[:-1], start=1):
            first = np.eye(1, linear.shape[1])[0]
            if down[0].any() or not np.array_equal(linear[0], first):
                raise ProofError(
                    f"expected the first component of what layer {number} of {name} writes to be "
                    "the constant 1, got another one"
                )
