r"""The polynomials of a stack, multiplied out.

A component of a hidden state is the vector of its coefficients over all monomials up to its degree.
The bilinear part of a layer is then, for each output, a matrix over pairs of monomials,
:math:`\sum_k D_{ok}\, l_k r_k^\top`, whose entries are added up by the monomial that the pair
makes. Those matrices are computed modulo primes, on BLAS. Where a few neurons read a few monomials,
FLINT's polynomials are faster, and multiply the stack out one neuron after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import flint
import numpy as np
import numpy.typing as npt

from analytic.dyadic import Dyadic, Integers, widen
from analytic.errors import AnalyticError
from analytic.layers import ExactLayer, ResidueLayer
from analytic.monomials import Monomials
from analytic.polynomial import Polynomial
from analytic.progress import watched
from analytic.residues import Residues, centred, product, recovered
from analytic.stack import ScaledStack

_FEW_PAIRS = 100_000
"""Pairs of monomials, counted for every neuron, up to which FLINT is faster; measured."""

_PAIRS_AT_ONCE = 2**17
"""Pairs of monomials, counted for every output, that are multiplied together."""

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Cost:
    """What it takes to multiply a stack out, known before it happens.

    Attributes:
        monomials: the most that an output can have.
        pairs: for each layer, how many pairs of monomials a neuron multiplies.
        multiplications: of residues, in all layers together, modulo one prime.
        primes: modulo how many primes.
        memory: how many bytes are needed at once, about.
    """

    monomials: int
    pairs: tuple[int, ...]
    multiplications: int
    primes: int
    memory: int

    @classmethod
    def of(cls, stack: ScaledStack) -> Cost:
        """Predict the cost of multiplying out all outputs of a stack."""
        variables, degree, pairs, readings = stack.inputs, 1, [], 0
        for layer in stack.layers:
            read = len(Monomials(variables, degree))
            pairs.append(read**2 if layer.neurons else 0)
            readings = max(readings, layer.neurons * read)
            degree *= 2 if layer.neurons else 1
        multiplications = sum(
            layer.outputs * layer.neurons * count
            for layer, count in zip(stack.layers, pairs, strict=True)
        )
        monomials, primes = len(Monomials(variables, degree)), len(stack.primes)
        # Over pairs there are a table and some matrices at once. A coefficient has its residues,
        # their multiples, the integer that they make, and its place among the terms.
        coefficients = monomials * stack.layers[-1].outputs
        memory = 40 * (max(pairs) + readings) + coefficients * (19 * primes + 72)
        return cls(monomials, tuple(pairs), multiplications, primes, memory)


def scaled(layers: Sequence[ExactLayer], outputs: Sequence[int]) -> ScaledStack:
    """Return a stack with some of its outputs, from 0, whose inputs are polynomials of norm 1."""
    last = layers[-1].writing_only([output + 1 for output in outputs])
    ones = np.ones(layers[0].inputs, dtype=object)
    return ScaledStack.reading([*layers[:-1], last], ones)


def expand(stack: ScaledStack, variables: Sequence[int], memory: int) -> list[Polynomial]:
    """Multiply out all outputs of a stack.

    Args:
        stack: as :func:`scaled` returns it.
        variables: the numbers that the inputs go by.
        memory: how many bytes may be used, about.

    Raises:
        AnalyticError: it would take more.
    """
    cost = Cost.of(stack)
    if cost.memory > memory:
        raise AnalyticError(
            f"expected an expansion within {memory:,} bytes (memory), got up to "
            f"{cost.monomials:,} monomials in {len(variables)} variables for each of "
            f"{stack.layers[-1].outputs} outputs, some {cost.memory:,} bytes: ask for single "
            "coefficients, restrict the network to fewer variables, or allow more"
        )
    work = sum(layer.neurons * count for layer, count in zip(stack.layers, cost.pairs, strict=True))
    coefficients = by_flint(stack) if work <= _FEW_PAIRS else by_residues(stack)
    numbers = np.arange(cost.monomials)
    return [
        Polynomial.of(tuple(variables), numbers, Dyadic(row, stack.exponent))
        for row in coefficients
    ]


def by_residues(stack: ScaledStack) -> Integers:
    """Return all coefficients of the outputs, a row each, by linear algebra modulo primes."""
    tables, monomials = [], Monomials(stack.inputs, 1)
    for layer in stack.layers:
        if layer.neurons:
            tables.append(_ProductTable.of(monomials, layer.outputs))
            monomials = monomials.squared()
    primes = stack.primes
    images = [_image(stack.modulo(prime), tables) for prime in watched(primes, "expanding")]
    return recovered(images, primes)


@dataclass(frozen=True)
class _ProductTable:
    """Where the product of each pair of monomials goes, for as many outputs as fit the cache.

    Attributes:
        places: shape (outputs at once, pairs), those of the next output after those of the first.
        monomials: the number of monomials of an output.
    """

    places: Numbers
    monomials: int

    @classmethod
    def of(cls, factors: Monomials, outputs: int) -> _ProductTable:
        table, monomials = factors.products().ravel(), len(factors.squared())
        together = min(outputs, max(1, _PAIRS_AT_ONCE // len(table)))
        return cls(np.arange(together)[:, np.newaxis] * monomials + table, monomials)

    def summed(self, matrices: Residues, outputs: int) -> Residues:
        """Return the coefficients that matrices over pairs add up to."""
        places = self.places[:outputs].ravel()
        sums = np.bincount(places, matrices.ravel(), outputs * self.monomials)
        return sums.astype(np.float64, copy=False).reshape(outputs, self.monomials)


def _image(layers: Sequence[ResidueLayer], tables: Sequence[_ProductTable]) -> Residues:
    """Return the coefficients of all outputs modulo a prime."""
    values: Residues = np.eye(layers[0].linear.shape[1])
    remaining = iter(tables)
    for layer in layers:
        passed = product(layer.linear, values, layer.prime)
        if layer.neurons:
            values = _bilinear(layer, *layer.read(values), next(remaining))
            # A monomial has the same number among those up to a higher degree.
            values[:, : passed.shape[1]] += passed
            centred(values, layer.prime)
        else:
            values = passed
    return values


def _bilinear(
    layer: ResidueLayer, left: Residues, right: Residues, table: _ProductTable
) -> Residues:
    """Return the coefficients of the bilinear part, not yet reduced."""
    parts, together = [], len(table.places)
    for start in range(0, len(layer.down), together):
        weights = layer.down[start : start + together, np.newaxis]
        weighted = centred(left.T * weights, layer.prime).reshape(-1, layer.neurons)
        parts.append(table.summed(product(weighted, right, layer.prime), len(weights)))
    return np.concatenate(parts)


def by_flint(stack: ScaledStack) -> Integers:
    """Return all coefficients of the outputs, a row each, by multiplying polynomials."""
    names = [f"x_{index}" for index in range(stack.inputs)]
    ring = flint.fmpz_mpoly_ctx.get(names, "degrevlex")
    values = [ring.constant(1), *ring.gens()]
    for layer, scale in zip(stack.layers, stack.scales, strict=False):
        values = _forms(layer, values, scale)
    monomials = Monomials(stack.inputs, stack.degree)
    coefficients = np.zeros((len(values), len(monomials)), dtype=object)
    for row, value in zip(coefficients, values, strict=True):
        for powers, coefficient in value.to_dict().items():
            row[monomials.number(powers)] = int(coefficient)
    return coefficients


def _forms(
    layer: ExactLayer, values: Sequence[flint.fmpz_mpoly], exponent: int
) -> list[flint.fmpz_mpoly]:
    """Return the outputs of a layer as polynomials over the layer's common scale."""
    _, bilinear, linear = layer.scales(exponent)
    products = [
        _combined(left, values) * _combined(right, values)
        for left, right in zip(
            widen(layer.left.numerators), widen(layer.right.numerators), strict=True
        )
    ]
    return [
        _combined(mixed << bilinear, products, values[0]) + _combined(passed << linear, values)
        for mixed, passed in zip(
            widen(layer.down.numerators), widen(layer.linear.numerators), strict=True
        )
    ]


def _combined(
    weights: Integers,
    values: Sequence[flint.fmpz_mpoly],
    like: flint.fmpz_mpoly | None = None,
) -> flint.fmpz_mpoly:
    """Return the weighted sum, in the ring of ``like`` where there may be nothing to sum."""
    total = 0 * (values[0] if like is None else like)
    for weight, value in zip(weights, values, strict=True):
        if weight:
            total += int(weight) * value
    return total
