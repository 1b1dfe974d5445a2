"""A stack of bilinear layers as the polynomial that it is, kept factored."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from analytic.algebras import Pointwise, Tangents, Truncated
from analytic.curvature import curvature
from analytic.dyadic import Dyadic, Integers, compact, widen
from analytic.errors import AnalyticError, check_integer
from analytic.expansion import Cost, expand, scaled
from analytic.layers import ExactLayer, Matrix, affine, exact_layers, exact_sum, listed
from analytic.polynomial import Polynomial, check_variable, checked_powers
from analytic.stack import ScaledStack, run

MEMORY = 3 * 10**9
"""The bytes that an expansion may take where nothing else is said."""


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

    Attributes:
        layers: the same layers in integers.
        variables: the numbers that the inputs go by in monomials, from 0; a restricted network
            keeps those of the network that it was restricted from.

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
        >>> network
        ExactNetwork(1 input, 1 output, degree 2, up to 3 monomials an output)
        >>> network.polynomial(output=0).to_sympy()
        -2*x_0**2 + x_0 + 1
        >>> network.evaluate(np.array([[0.5]]))
        array([[Fraction(1, 1)]], dtype=object)
        >>> network.coefficient(output=0, monomial={0: 2})
        Fraction(-2, 1)
    """

    def __init__(self, layers: Iterable[Sequence[Matrix]]) -> None:
        self.layers: tuple[ExactLayer, ...] = exact_layers(layers)
        self.variables: tuple[int, ...] = tuple(range(self.layers[0].inputs - 1))

    @classmethod
    def _of(cls, layers: Iterable[ExactLayer], variables: Iterable[int]) -> ExactNetwork:
        network = cls.__new__(cls)
        network.layers, network.variables = tuple(layers), tuple(variables)
        return network

    def __repr__(self) -> str:
        """Say how large it is."""
        counts = (self.inputs, "input"), (self.outputs, "output")
        sizes = ", ".join(f"{count:,} {noun}{'s' * (count != 1)}" for count, noun in counts)
        monomials = f"{self.monomials:,} monomial{'s' * (self.monomials != 1)}"
        return f"ExactNetwork({sizes}, degree {self.degree:,}, up to {monomials} an output)"

    @property
    def inputs(self) -> int:
        """The number of input variables."""
        return self.layers[0].inputs - 1

    @property
    def outputs(self) -> int:
        """The number of outputs."""
        return self.layers[-1].outputs - 1

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """How many components each layer writes and reads, the constant included."""
        return [(layer.outputs, layer.inputs) for layer in self.layers]

    @property
    def degree(self) -> int:
        """The degree that the shape allows: ``2**(layers with neurons)``; weights may lower it."""
        return int(2 ** sum(layer.neurons > 0 for layer in self.layers))

    @property
    def monomials(self) -> int:
        """The number of monomials up to :attr:`degree`: ``binomial(inputs + degree, degree)``."""
        return math.comb(self.inputs + self.degree, self.degree)

    def cost(self) -> Cost:
        """Return what it would take to expand all outputs, before anything is expanded."""
        return Cost.of(scaled(self.layers, range(self.outputs)))

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
        columns, exponent = _homogeneous(read)
        return run(self._outputs(), columns, exponent, Pointwise()).fractions().T

    def coefficient(
        self, *, output: int, monomial: Mapping[int, int], memory: int = MEMORY
    ) -> Fraction:
        """Return one coefficient, at any depth and size, without expanding the polynomial.

        All variables outside of the monomial are 0 in it, and no intermediate term matters that
        does not divide it, so truncated polynomials in few variables suffice.

        Args:
            output: which output, from 0.
            monomial: exponents by variable: ``{406: 2}`` is the square of input 406, ``{}`` the
                constant.
            memory: how many bytes the monomials that divide this one may take, about. Their number
                is the product of all exponents, each with 1 added, and time grows with its square.

        Returns:
            The exact coefficient.

        Raises:
            AnalyticError: there is no such output or variable, an exponent is no integer from 0, or
                the divisors would take more memory; the message says how much.
        """
        output = check_integer("output", output, 0, self.outputs - 1)
        memory = check_integer("memory", memory, 0)
        powers = checked_powers(monomial, self.variables)
        if sum(powers.values()) > self.degree:
            return Fraction(0)
        grid = tuple(power + 1 for power in powers.values())
        divisors, needed = math.prod(grid), 8 * math.prod(grid) * self._rows()
        if needed > memory:
            raise AnalyticError(
                f"expected the divisors of monomial to fit into memory={memory:,} bytes, got "
                f"{divisors:,} of them, which take about {needed:,} bytes"
            )
        columns = np.zeros((self.inputs + 1, *grid), dtype=np.int64)
        columns[(0, *(0 for _ in grid))] = 1
        for axis, variable in enumerate(powers):
            row = self.variables.index(variable) + 1
            columns[(row, *(int(axis == other) for other in range(len(grid))))] = 1
        answer = run(self._outputs(output), columns.reshape(len(columns), -1), 0, Truncated(grid))
        return int(answer.numerators[0, -1]) * Fraction(2) ** answer.exponent

    def _rows(self) -> int:
        """Return how many numbers are held at a time, at most, for every coefficient or point."""
        neurons = max(layer.neurons for layer in self.layers)
        components = max(max(layer.inputs, layer.outputs) for layer in self.layers)
        return 2 * components + 6 * neurons

    def polynomial(self, *, output: int, memory: int = MEMORY) -> Polynomial:
        """Return one output, expanded.

        Args:
            output: which output, from 0.
            memory: how many bytes the expansion may take, about.

        Returns:
            The polynomial: all its terms, sorted and exact.

        Raises:
            AnalyticError: there is no such output, or the expansion would take more memory; the
                message says how much, and how many monomials there may be.
        """
        output = check_integer("output", output, 0, self.outputs - 1)
        memory = check_integer("memory", memory, 0)
        return expand(scaled(self.layers, [output]), self.variables, memory)[0]

    def polynomials(self, *, memory: int = MEMORY) -> list[Polynomial]:
        """Return all outputs, expanded together, which is faster than one by one.

        Args:
            memory: how many bytes the expansion may take, about.

        Raises:
            AnalyticError: the expansion would take more memory.
        """
        memory = check_integer("memory", memory, 0)
        return expand(scaled(self.layers, range(self.outputs)), self.variables, memory)

    def restricted(
        self, variables: Iterable[int], *, at: npt.ArrayLike | None = None
    ) -> ExactNetwork:
        """Return the network as a function of some variables alone.

        Args:
            variables: which ones, ascending; they keep their numbers.
            at: float array of shape (inputs,), the values at which the other variables stay; left
                out, they stay at 0, and the polynomial of what comes back holds exactly the
                coefficients within the chosen variables.

        Returns:
            A network with as many inputs as chosen variables, to be asked like any other.

        Raises:
            AnalyticError: there is no such variable, they do not ascend, or ``at`` is not a finite
                float array of that shape.
        """
        chosen = listed(variables, "variables")
        for variable in chosen:
            check_variable("each of variables", variable, self.variables)
        if not chosen or any(one >= other for one, other in itertools.pairwise(chosen)):
            raise AnalyticError(f"expected variables to be some, ascending, got {chosen}")
        origin = Dyadic.from_floats(np.zeros(self.inputs) if at is None else at, "at")
        if origin.numerators.shape != (self.inputs,):
            raise AnalyticError(
                f"expected at to have shape ({self.inputs},), got {origin.numerators.shape}"
            )
        places = [self.variables.index(variable) for variable in chosen]
        numerators = origin.numerators.copy()
        numerators[places] = 0
        directions = Dyadic.from_floats(np.eye(self.inputs)[places], "directions")
        inserted = affine(Dyadic(numerators, origin.exponent), directions)
        return self._of([inserted, *self.layers], map(int, chosen))

    def substituted(self, origin: Matrix, directions: Matrix) -> ExactNetwork:
        r"""Return the network on an affine subspace, as a function of the coordinates in it.

        .. math::
            g(z) = f\Big(x_0 + \sum_i z_i\,d_i\Big).

        With features for directions, this is what the network computes in those features.

        Args:
            origin: :math:`x_0`, float array of shape (inputs,).
            directions: :math:`d_i`, float array of shape (coordinates, inputs). In place of either
                array, a tuple of arrays stands for their exact sum.

        Returns:
            A network in the coordinates, to be asked like any other.

        Raises:
            AnalyticError: an array is not finite or has another shape.

        Examples:
            Along the line from ``x = 1`` in the direction 2, ``1 + x - 2x²`` is ``-6z - 8z²``:

            >>> left, right = np.array([[1.0, 2.0]]), np.array([[1.0, -1.0]])
            >>> down, linear = np.array([[0.0], [1.0]]), np.array([[1.0, 0.0], [0.0, 0.0]])
            >>> network = ExactNetwork([(left, right, down, linear)])
            >>> line = network.substituted(np.array([1.0]), np.array([[2.0]]))
            >>> line.polynomial(output=0).to_sympy()
            -8*x_0**2 - 6*x_0
        """
        start, span = exact_sum(origin, "origin"), exact_sum(directions, "directions")
        if start.numerators.shape != (self.inputs,):
            raise AnalyticError(
                f"expected origin to have shape ({self.inputs},), got {start.numerators.shape}"
            )
        found = span.numerators.shape
        if len(found) != 2 or found[0] < 1 or found[1] != self.inputs:
            raise AnalyticError(
                f"expected directions to have shape (1 or more, {self.inputs}), got {found}"
            )
        return self._of([affine(start, span), *self.layers], range(len(span.numerators)))

    def gradient(self, point: npt.ArrayLike) -> npt.NDArray[np.object_]:
        """Return the exact gradient of every output at a point.

        Args:
            point: float array of shape (inputs,), finite.

        Returns:
            Object array of :class:`fractions.Fraction`, shape (outputs, inputs).

        Raises:
            AnalyticError: the point is not floats, not finite, or has another shape.
        """
        columns, exponent = self._tangents(point)
        values = run(self._outputs(), columns, exponent, Tangents())
        return Dyadic(values.numerators[:, 1:], values.exponent - exponent).fractions()

    def hessian(self, *, output: int, point: npt.ArrayLike) -> npt.NDArray[np.object_]:
        """Return the exact matrix of second derivatives of one output at a point.

        Args:
            output: which output, from 0.
            point: float array of shape (inputs,), finite.

        Returns:
            Object array of :class:`fractions.Fraction`, shape (inputs, inputs), symmetric.

        Raises:
            AnalyticError: there is no such output, or the point is not floats, not finite, or has
                another shape.
        """
        output = check_integer("output", output, 0, self.outputs - 1)
        columns, exponent = self._tangents(point)
        sizes = Tangents().sizes(np.abs(widen(columns)))
        return curvature(
            ScaledStack.reading(self._outputs(output), sizes, exponent), columns
        ).fractions()

    def _outputs(self, *outputs: int) -> list[ExactLayer]:
        """Return the layers, the last of which writes some outputs alone; left out, all of them."""
        rows = [output + 1 for output in outputs or range(self.outputs)]
        return [*self.layers[:-1], self.layers[-1].writing_only(rows)]

    def _tangents(self, point: npt.ArrayLike) -> tuple[Integers, int]:
        """Return a point in homogeneous coordinates, followed by the directions of the inputs."""
        read = Dyadic.from_floats(point, "point")
        if read.numerators.shape != (self.inputs,):
            raise AnalyticError(
                f"expected point to have shape ({self.inputs},), got {read.numerators.shape}"
            )
        column, exponent = _homogeneous(Dyadic(read.numerators[np.newaxis], read.exponent))
        directions = np.eye(self.inputs + 1, dtype=np.int64)[:, 1:]
        return np.concatenate([column, directions], axis=1), exponent


def _homogeneous(points: Dyadic) -> tuple[Integers, int]:
    """Return points as columns under a row of ones, and the exponent of all of them."""
    exponent = min(points.exponent, 0)
    ones = np.full((1, len(points.numerators)), 1 << -exponent, dtype=object)
    return np.concatenate([compact(ones), points.at(exponent).T]), exponent
