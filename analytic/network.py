"""A stack of bilinear layers as the polynomial that it is, kept factored."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from analytic.algebras import Algebra, Pointwise, Truncated
from analytic.dyadic import Dyadic, Integers, compact, magnitude, widen
from analytic.errors import AnalyticError, check_integer
from analytic.expansion import expand
from analytic.layers import ExactLayer, Matrix, exact_layers
from analytic.polynomial import Polynomial, checked_powers
from analytic.residues import Residues, primes_beyond, recovered, residues


class ExactNetwork:
    r"""The exact polynomial of a stack of bilinear layers.

    With :math:`\tilde x = (1, x)`, each layer is
    :math:`\tilde y = D\,[(L\tilde x) \odot (R\tilde x)] + M\tilde x`; the outputs are the last
    layer's :math:`\tilde y` without its first entry. Finite floats are dyadic rationals, so every
    coefficient is one too, and every answer of this class is exact.

    Args:
        layers: at least one ``(left, right, down, linear)`` of float arrays with shapes (h, m),
            (h, m), (n, h), (n, m). In place of an array, a tuple of arrays stands for their exact
            sum.

    Raises:
        AnalyticError: there is no layer, a shape does not fit, or an entry is not finite.

    Source:
        M. T. Pearce, T. Dooms, A. Rigg, J. Oramas, L. Sharkey, *Bilinear MLPs enable weight-based
        mechanistic interpretability*, arXiv 2410.08417, for the bilinear layer.

    Examples:
        One neuron, ``y = (1 + 2x)(1 - x) = 1 + x - 2x²``:

        >>> left, right = np.array([[1.0, 2.0]]), np.array([[1.0, -1.0]])
        >>> down, linear = np.array([[0.0], [1.0]]), np.array([[1.0, 0.0], [0.0, 0.0]])
        >>> network = ExactNetwork([(left, right, down, linear)])
        >>> network.polynomial(output=0).to_sympy()
        -2*x_0**2 + x_0 + 1
        >>> network.evaluate(np.array([[0.5]]))
        array([[Fraction(1, 1)]], dtype=object)
        >>> network.coefficient(output=0, monomial={0: 2})
        Fraction(-2, 1)
    """

    def __init__(self, layers: Iterable[Sequence[Matrix]]) -> None:
        self.layers: tuple[ExactLayer, ...] = exact_layers(layers)

    @property
    def inputs(self) -> int:
        """The number of input variables."""
        return int(self.layers[0].linear.numerators.shape[1]) - 1

    @property
    def outputs(self) -> int:
        """The number of outputs."""
        return int(self.layers[-1].linear.numerators.shape[0]) - 1

    @property
    def degree(self) -> int:
        """The degree that the shape allows: ``2**(layers with neurons)``; weights may lower it."""
        return int(2 ** sum(layer.neurons > 0 for layer in self.layers))

    @property
    def monomials(self) -> int:
        """The number of monomials up to :attr:`degree`: ``binomial(inputs + degree, degree)``."""
        return math.comb(self.inputs + self.degree, self.degree)

    def evaluate(self, points: npt.ArrayLike) -> npt.NDArray[np.object_]:
        """Return the exact outputs at exactly the given floats.

        Args:
            points: float array of shape (points, inputs), finite.

        Returns:
            Object array of :class:`fractions.Fraction`, shape (points, outputs).

        Raises:
            AnalyticError: the points are not floats, not finite, or have another shape.
        """
        read = Dyadic.from_floats(points, "points")
        shape = read.numerators.shape
        if len(shape) != 2 or shape[1] != self.inputs:
            raise AnalyticError(f"expected points to have shape (any, {self.inputs}), got {shape}")
        exponent = min(read.exponent, 0)
        ones = np.full((1, shape[0]), 1 << -exponent, dtype=object)
        columns = np.concatenate([compact(ones), read.at(exponent).T])
        return self._outputs(columns, exponent, Pointwise()).fractions().T

    def coefficient(self, *, output: int, monomial: Mapping[int, int]) -> Fraction:
        """Return one coefficient, at any depth and size, without expanding the polynomial.

        All variables outside of the monomial are 0 in it, and no intermediate term matters that
        does not divide it, so truncated polynomials in few variables suffice.

        Args:
            output: which output, from 0.
            monomial: exponents by variable, both from 0: ``{406: 2}`` is the square of input 406,
                ``{}`` the constant.

        Returns:
            The exact coefficient.

        Raises:
            AnalyticError: there is no such output or variable, or an exponent is no integer from 0.
        """
        check_integer("output", output, 0, self.outputs - 1)
        powers = checked_powers(monomial, self.inputs)
        if sum(powers.values()) > self.degree:
            return Fraction(0)
        grid = tuple(power + 1 for power in powers.values())
        columns = np.zeros((self.inputs + 1, *grid), dtype=np.int64)
        columns[(0, *(0 for _ in grid))] = 1
        for axis, variable in enumerate(powers):
            columns[(variable + 1, *(int(axis == other) for other in range(len(grid))))] = 1
        answer = self._outputs(columns.reshape(len(columns), -1), 0, Truncated(grid))
        return int(answer.numerators[output, -1]) * Fraction(2) ** answer.exponent

    def polynomial(self, *, output: int, max_monomials: int = 250_000) -> Polynomial:
        """Return one output, expanded.

        Args:
            output: which output, from 0.
            max_monomials: the largest number of monomials to attempt.

        Returns:
            The polynomial in ``x_0, x_1, …`` with rational coefficients.

        Raises:
            AnalyticError: there is no such output, or the expansion may have more monomials than
                allowed; the message says how many.
        """
        check_integer("output", output, 0, self.outputs - 1)
        check_integer("max_monomials", max_monomials, 0)
        if self.monomials > max_monomials:
            raise AnalyticError(
                f"expected at most {max_monomials:,} monomials (max_monomials), got a network of "
                f"degree {self.degree} in {self.inputs} variables with up to {self.monomials:,}: "
                "ask for single coefficients, or allow more"
            )
        return expand(self.layers, output)

    def _outputs(self, columns: Integers, exponent: int, algebra: Algebra) -> Dyadic:
        """Run integer columns over ``2**exponent`` through the network.

        This happens modulo as many primes as the size of the outputs asks for.
        """
        used = np.asarray(columns.any(axis=1), dtype=bool)
        columns = columns[used]
        layers = (self.layers[0].reading_only(used), *self.layers[1:])
        sizes = algebra.sizes(np.abs(widen(columns)))
        scales = [exponent]
        for layer in layers:
            sizes = layer.sizes(sizes, scales[-1])
            scales.append(layer.scales(scales[-1])[0])
        primes = primes_beyond(magnitude(sizes[1:]))
        images = (_image(layers, columns, scales, prime, algebra) for prime in primes)
        return Dyadic(recovered(images, primes), scales[-1])


def _image(
    layers: Sequence[ExactLayer],
    columns: Integers,
    scales: Sequence[int],
    prime: int,
    algebra: Algebra,
) -> Residues:
    """Return the outputs for all columns modulo one prime."""
    reduced = [layer.modulo(scale, prime) for layer, scale in zip(layers, scales, strict=False)]
    parts = []
    for chunk in algebra.chunks(columns):
        values = residues(chunk, prime)
        for layer in reduced:
            values = layer.mix(algebra.multiply(*layer.read(values), prime), values)
        parts.append(values[1:])
    return np.concatenate(parts, axis=1)
