r"""How one layer of a graph differs from the network's: a quadratic form for each output.

Where the network's layer :math:`F` reads :math:`h` and writes :math:`F(h)`, the graph's layer
:math:`G` reads :math:`A h` and should write :math:`A' F(h)`. By how much it does not is

.. math::
    G_o(A h) - \sum_p A'_{op} F_p(h) = h^\top E_o\,h, \qquad
    E_o = \tfrac12 (X^\top Y + Y^\top X),

with a row of :math:`X` and :math:`Y` for every feature of the graph, :math:`p_k A` and
:math:`w_{ok}\,p_k A`, for every neuron of the network, :math:`l_k` and
:math:`-(A' D)_{ok}\,r_k`, and for the linear parts, which read the constant. What rounding left of
a feature is some :math:`10^{-16}` of what is subtracted, so plain float64 would drown it: what
rounding takes from the entries of :math:`Y` is kept beside them, the leading bits of both factors
are multiplied without any error, and the bits below them are small.

Source:
    T. J. Dekker, *A floating-point technique for extending the available precision*, Numer. Math.
    18 (1971), for products of two floats;
    K. Ozaki, T. Ogita, S. Oishi and S. M. Rump, *Error-free transformations of matrix
    multiplication by using fast routines of matrix multiplication*, Numer. Algorithms 59 (2012).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from numeric import Layer, SquareLayer
from proofs.bounds.enclosures import ROUNDED_UP, TINY, Enclosure, concatenated
from proofs.bounds.norms import frobenius_bound

Doubles = npt.NDArray[np.float64]

_BITS = 52
_UNIT = 2.0**-53
_SPARE_TERMS = 8
"""Beside those of a sum: roundings of low parts and of the bound, and the product of low parts."""

_ADDITIONS = 2.0**-50
"""More than four roundings: of the parts that are added, and of a matrix and its transpose."""

_SPLIT = 2.0**27 + 1


@dataclass(frozen=True, eq=False)
class Pair:
    """Two layers that should do the same, in bases of what they read and write.

    Attributes:
        layer: of the network.
        square: of the graph.
        below: the basis of what they read, shape (inputs + 1 of the graph's, inputs + 1 of the
            network's); left out, the identity.
        above: that of what they write.
    """

    layer: Layer
    square: SquareLayer
    below: Doubles | None = None
    above: Doubles | None = None

    @property
    def outputs(self) -> int:
        """The number of components that the graph's layer writes, the constant included."""
        return len(self.square.linear)

    def factors(self, output: int) -> tuple[Enclosure, Enclosure, Doubles]:
        """Return the factors whose product's symmetric part is an output's residual form.

        Args:
            output: a component of the graph's layer, 0 being the constant.

        Returns:
            Both factors, and what the midpoints of the second one lack.
        """
        square, layer = self.square, self.layer
        weights, linear = (
            Enclosure.exact(array[[output]])
            if self.above is None
            else Enclosure.exact(self.above[[output]]) @ Enclosure.exact(array)
            for array in (layer.down, layer.linear)
        )
        features = square.mixing[output] != 0
        neurons = (weights.midpoint[0] != 0) | (weights.radius[0] != 0)
        reading = Enclosure(square.readings[features], abs(square.low[features]))
        added = Enclosure.exact(square.linear[[output]])
        if self.below is not None:
            basis = Enclosure.exact(self.below)
            reading, added = reading @ basis, added @ basis
        left, right = (Enclosure.exact(rows[neurons]) for rows in (layer.left, layer.right))
        constant = Enclosure.exact(np.eye(1, layer.linear.shape[1]))
        first = concatenated([reading, left, constant], axis=0)
        mixing = Enclosure.exact(square.mixing[[output]][:, features])
        one = Enclosure.exact(np.ones((1, 1)))
        scales = concatenated([mixing, -weights[:, neurons], one], axis=1).T
        rows = concatenated([reading, right, added + -linear], axis=0)
        return first, *_scaled(scales, rows)


def residual_form(pair: Pair, output: int) -> tuple[Doubles, float]:
    """Return an output's residual form, in float64.

    Args:
        pair: two layers and their bases.
        output: a component of what the graph's layer writes.

    Returns:
        A symmetric matrix, and a bound on the Frobenius norm of its error; infinite where a number
        leaves the range of float64.
    """
    product, error = product_with_error(*pair.factors(output))
    return (product + product.T) / 2, error


def product_with_error(
    first: Enclosure, second: Enclosure, lacking: Doubles | None = None
) -> tuple[Doubles, float]:
    r"""Multiply :math:`X^\top Y` with the leading bits of both factors exact.

    Args:
        first: :math:`X`, shape (terms, rows).
        second: :math:`Y`, shape (terms, columns).
        lacking: what the midpoints of :math:`Y` lack, of the same shape.

    Returns:
        The product, and a bound on the Frobenius norm of its error, infinite where it leaves the
        range of float64.

    Examples:
        >>> ones, thirds = np.ones((2, 1)), np.array([[1 / 3], [-1 / 3 + 2**-54]])
        >>> product_with_error(Enclosure.exact(ones), Enclosure.exact(thirds))[0] * 2**54
        array([[1.]])
    """
    x, y = first.midpoint, second.midpoint
    terms = len(x)
    digits = (_BITS - terms.bit_length()) // 2
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        (high_x, low_x), (high_y, low_y) = _split(x, digits), _split(y, digits)
        if lacking is not None:
            low_y = low_y + lacking
        # Sums of so many products of so many digits fit a float64, in any order.
        product = high_x.T @ high_y + (high_x.T @ low_y + low_x.T @ y)
        sizes = [
            float(frobenius_bound(part))
            for part in (high_x, low_y, low_x, y, x, first.radius, second.radius, product)
        ]
        gamma = ROUNDED_UP * (terms + _SPARE_TERMS) * _UNIT
        rounding = gamma * (sizes[0] * sizes[1] + sizes[2] * sizes[3])
        radii = sizes[5] * (sizes[3] + sizes[6]) + sizes[4] * sizes[6]
        underflow = 4 * (terms + 1) * TINY * max(1, product.size)
        error = ROUNDED_UP * (rounding + radii + _ADDITIONS * sizes[7]) + underflow
    known = np.isfinite(product).all() and error < np.inf
    return product, float(error) if known else np.inf


def _scaled(scales: Enclosure, rows: Enclosure) -> tuple[Enclosure, Doubles]:
    """Multiply rows by numbers; return the products and what rounding takes from them."""
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        (a, b), (c, d) = (_halves(part.midpoint) for part in (scales, rows))
        product = scales.midpoint * rows.midpoint
        lacking = ((a * c - product) + a * d + b * c) + b * d
        radius = abs(scales.midpoint) * rows.radius + scales.radius * rows.size
        # Halves of large numbers overflow, and what is lost near zero has no half.
        known = np.isfinite(lacking) & (radius < np.inf)
        radius = np.where(known, ROUNDED_UP * radius + 16 * TINY, np.inf)
    return (
        Enclosure(np.where(known, product, 0.0), radius),
        np.where(known, lacking, 0.0),
    )


def _halves(array: Doubles) -> tuple[Doubles, Doubles]:
    """Return two numbers of 26 bits for each, whose sum it is."""
    high = _SPLIT * array - (_SPLIT * array - array)
    return high, array - high


def _split(array: Doubles, digits: int) -> tuple[Doubles, Doubles]:
    """Return the leading bits of every column, and what is below them; their sum is the array."""
    powers = np.frexp(abs(array).max(axis=0, initial=0.0))[1] - digits
    # Nothing is below the smallest float, of which all are multiples.
    powers = np.maximum(powers, -1074)
    high = np.ldexp(np.rint(np.ldexp(array, -powers)), powers)
    return high, array - high
