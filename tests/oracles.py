"""Two slow, obvious oracles: fractions with polynomials in plain dicts, and FLINT's polynomials.

Nothing here knows of integers, primes or matrix products: every entry is a fraction by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import combinations_with_replacement
from typing import Any

import flint
import mpmath
import numpy.typing as npt

from numeric import BilinearNetwork

Matrix = list[list[Fraction]]
Floats = npt.NDArray[Any]
Layer = Sequence[Floats | tuple[Floats, ...]]
Polynomial = dict[tuple[int, ...], Fraction]
"""The coefficients that are not 0, by the exponents of all variables."""


# Distances


def smallest_step(slack: Any, gradient: Iterable[Any], eigenvalues: Iterable[Any]) -> mpmath.mpf:
    """Return the least length at which slack + g·d + Σ λ d² is 0, by bisection on its dual."""
    top, parts = (
        exact(slack),
        [(exact(g) ** 2 / 4, exact(v)) for g, v in _pairs(gradient, eigenvalues)],
    )
    least = min(value for _, value in parts)
    if least >= 0 and all(value or not square for square, value in parts):
        rest = top - sum((square / value for square, value in parts if square), Fraction(0))
        if rest > 0:
            return mpmath.inf
        if rest == 0:
            squares = [square / value**2 for square, value in parts if square]
            return mpmath.sqrt(_rounded(sum(squares, Fraction(0))))
    with mpmath.workdps(250):
        whole, forms = (
            _rounded(top),
            [(_rounded(square), _rounded(v)) for square, v in parts if square],
        )

        def slope(by: mpmath.mpf) -> mpmath.mpf:
            return whole - sum(s * by * (2 + by * v) / (1 + by * v) ** 2 for s, v in forms)

        low, high = mpmath.mpf(0), mpmath.mpf(1)
        if least < 0:
            high = -1 / _rounded(least)
        else:
            while slope(high) > 0:
                high *= 4
        for _ in range(800):
            middle = (low + high) / 2
            low, high = (middle, high) if slope(middle) > 0 else (low, middle)
        return mpmath.sqrt(whole * low - sum(s * low**2 / (1 + low * v) for s, v in forms))


def _rounded(number: Fraction) -> mpmath.mpf:
    return mpmath.mpf(number.numerator) / number.denominator


# Values


def exact(entry: Any) -> Fraction:
    """Return a float as the fraction that it is; a fraction is one."""
    return entry if isinstance(entry, Fraction) else Fraction(float(entry))


def matrix(array: Floats | tuple[Floats, ...]) -> Matrix:
    """Return a float matrix entry by entry; a tuple of arrays stands for their sum."""
    parts = _parts(array)
    rows, columns = parts[0].shape
    return [
        [
            sum((Fraction(float(part[row, column])) for part in parts), Fraction(0))
            for column in range(columns)
        ]
        for row in range(rows)
    ]


def value(layers: Sequence[Layer], point: Iterable[Any]) -> list[Fraction]:
    """Return the outputs of normal-form layers at a point."""
    state = [Fraction(1), *map(exact, point)]
    for arrays in layers:
        state = layer_value(arrays, state)
    return state[1:]


def layer_value(arrays: Layer, state: Sequence[Fraction]) -> list[Fraction]:
    """Return all components of one layer's output."""
    left, right, down, linear = map(matrix, arrays)
    products = [_dot(one, state) * _dot(other, state) for one, other in _pairs(left, right)]
    return [_dot(one, products) + _dot(other, state) for one, other in _pairs(down, linear)]


def module_value(network: BilinearNetwork, point: Iterable[Any]) -> list[Fraction]:
    """Return the outputs of a torch module, from its named parameters alone."""
    weights = {name: tensor.tolist() for name, tensor in network.named_parameters()}

    def affine(name: str, state: list[Fraction]) -> list[Fraction]:
        rows = [[Fraction(entry) for entry in row] for row in weights[f"{name}.weight"]]
        biases = weights.get(f"{name}.bias", [0.0] * len(rows))
        return [_dot(row, state) + Fraction(bias) for row, bias in _pairs(rows, biases)]

    state = [exact(entry) for entry in point]
    if network.configuration.embedding:
        state = affine("embedding", state)
    for number in range(network.configuration.depth):
        block = f"blocks.{number}"
        neurons = _pairs(affine(f"{block}.left", state), affine(f"{block}.right", state))
        after = affine(f"{block}.down", [left * right for left, right in neurons])
        if network.configuration.residual:
            learned = f"{block}.skip.weight" in weights
            skipped = affine(f"{block}.skip", state) if learned else state
            after = [own + other for own, other in _pairs(after, skipped)]
        state = after
    return state


def _pairs(first: Iterable[Any], second: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    return zip(first, second, strict=True)


def _dot(weights: Iterable[Fraction], values: Iterable[Fraction]) -> Fraction:
    return sum((weight * entry for weight, entry in _pairs(weights, values)), Fraction(0))


# Polynomials


def expansion(layers: Sequence[Layer]) -> list[Polynomial]:
    """Return every output of normal-form layers, multiplied out."""
    variables = len(matrix(layers[0][3])[0]) - 1
    state = [monomial({}, variables), *(monomial({i: 1}, variables) for i in range(variables))]
    for arrays in layers:
        state = _layer_expansion(arrays, state)
    return state[1:]


def layer_expansion(arrays: Layer, *, constant: bool) -> list[Polynomial]:
    """Return all components of one layer's output in the variables that its input components are.

    Component 0 is a variable like the others; where it is constant, it is 1.
    """
    size = len(matrix(arrays[3])[0])
    state = [monomial({i: 1}, size) for i in range(size)]
    if constant:
        state[0] = monomial({}, size)
    return _layer_expansion(arrays, state)


def monomial(powers: Mapping[int, int], variables: int) -> Polynomial:
    """Return the monomial with the given exponents by variable."""
    return {exponents(powers, variables): Fraction(1)}


def exponents(powers: Mapping[int, int], variables: int) -> tuple[int, ...]:
    """Return the exponents of all variables."""
    return tuple(powers.get(variable, 0) for variable in range(variables))


def monomials(variables: int, degree: int) -> Iterator[dict[int, int]]:
    """Return every monomial up to a degree, as exponents by variable."""
    for total in range(degree + 1):
        for chosen in combinations_with_replacement(range(variables), total):
            yield {variable: chosen.count(variable) for variable in chosen}


def polynomial_value(polynomial: Polynomial, point: Sequence[Any]) -> Fraction:
    """Return a polynomial's value at a point, term by term."""
    total = Fraction(0)
    for powers, coefficient in polynomial.items():
        term = coefficient
        for entry, power in _pairs(point, powers):
            term *= exact(entry) ** power
        total += term
    return total


def polynomial_product(first: Polynomial, second: Polynomial) -> Polynomial:
    """Return the product, term by term."""
    total: Polynomial = {}
    for one, first_coefficient in first.items():
        for other, second_coefficient in second.items():
            powers = tuple(a + b for a, b in _pairs(one, other))
            total[powers] = total.get(powers, Fraction(0)) + first_coefficient * second_coefficient
    return _without_zeros(total)


def _layer_expansion(arrays: Layer, state: list[Polynomial]) -> list[Polynomial]:
    left, right, down, linear = map(matrix, arrays)
    products = [
        polynomial_product(_combination(one, state), _combination(other, state))
        for one, other in _pairs(left, right)
    ]
    return [
        _combination([*one, *other], [*products, *state]) for one, other in _pairs(down, linear)
    ]


def _combination(weights: Iterable[Fraction], polynomials: Iterable[Polynomial]) -> Polynomial:
    total: Polynomial = {}
    for weight, polynomial in _pairs(weights, polynomials):
        for powers, coefficient in polynomial.items():
            total[powers] = total.get(powers, Fraction(0)) + weight * coefficient
    return _without_zeros(total)


def _without_zeros(polynomial: Polynomial) -> Polynomial:
    return {powers: coefficient for powers, coefficient in polynomial.items() if coefficient}


# Calculus and substitution


def derivative(polynomial: Polynomial, variable: int) -> Polynomial:
    """Return a derivative, term by term."""
    return {
        tuple(power - (index == variable) for index, power in enumerate(powers)): coefficient
        * powers[variable]
        for powers, coefficient in polynomial.items()
        if powers[variable]
    }


def gradient(layers: Sequence[Layer], point: Sequence[Any]) -> Matrix:
    """Return the derivatives of every output at a point."""
    return [
        [polynomial_value(derivative(polynomial, i), point) for i in range(len(point))]
        for polynomial in expansion(layers)
    ]


def hessian(layers: Sequence[Layer], output: int, point: Sequence[Any]) -> Matrix:
    """Return the second derivatives of an output at a point."""
    polynomial = expansion(layers)[output]
    firsts = [derivative(polynomial, i) for i in range(len(point))]
    return [
        [polynomial_value(derivative(first, j), point) for j in range(len(point))]
        for first in firsts
    ]


def composition(polynomial: Polynomial, entries: Sequence[Polynomial], size: int) -> Polynomial:
    """Return a polynomial with polynomials in ``size`` variables put in for its own."""
    total: Polynomial = {}
    for powers, coefficient in polynomial.items():
        term = _scaled(monomial({}, size), coefficient)
        for entry, power in _pairs(entries, powers):
            for _ in range(power):
                term = polynomial_product(term, entry)
        total = polynomial_sum(total, term)
    return total


def affine_entries(
    origin: Floats | tuple[Floats, ...], directions: Floats | tuple[Floats, ...]
) -> list[Polynomial]:
    """Return the entries of ``origin + Σ z_i directions_i`` as polynomials in the ``z_i``."""
    start = matrix(tuple(part.reshape(1, -1) for part in _parts(origin)))[0]
    span = matrix(directions)
    return [
        polynomial_sum(
            _scaled(monomial({}, len(span)), entry),
            *(_scaled(monomial({i: 1}, len(span)), row[column]) for i, row in enumerate(span)),
        )
        for column, entry in enumerate(start)
    ]


def restricted_entries(chosen: Sequence[int], at: Sequence[Any]) -> list[Polynomial]:
    """Return chosen variables as themselves, and every other one as the constant where it stays."""
    return [
        monomial({chosen.index(variable): 1}, len(chosen))
        if variable in chosen
        else _scaled(monomial({}, len(chosen)), exact(entry))
        for variable, entry in enumerate(at)
    ]


def polynomial_sum(*polynomials: Polynomial) -> Polynomial:
    """Return the sum."""
    return _combination([Fraction(1)] * len(polynomials), polynomials)


def terms(polynomial: Any) -> Polynomial:
    """Return any polynomial that is a sequence of exponents by variable with their coefficients."""
    return {
        tuple(powers.get(variable, 0) for variable in polynomial.variables): coefficient
        for powers, coefficient in polynomial
    }


def _parts(array: Floats | tuple[Floats, ...]) -> tuple[Floats, ...]:
    return array if isinstance(array, tuple) else (array,)


def _scaled(polynomial: Polynomial, factor: Fraction) -> Polynomial:
    return _combination([factor], [polynomial])


# The second oracle: FLINT's rational polynomials, layer by layer


def flint_number(entry: Any) -> flint.fmpq:
    """Return a float or a fraction as FLINT's."""
    number = exact(entry)
    return flint.fmpq(number.numerator, number.denominator)


def flint_ring(variables: int) -> flint.fmpq_mpoly_ctx:
    """Return the polynomials in so many variables."""
    return flint.fmpq_mpoly_ctx.get([f"x_{index}" for index in range(variables)], "lex")


def flint_expansion(layers: Sequence[Layer]) -> list[flint.fmpq_mpoly]:
    """Return every output of normal-form layers as FLINT's polynomial."""
    ring = flint_ring(len(matrix(layers[0][3])[0]) - 1)
    return _flint_run(layers, [ring.constant(1), *ring.gens()])


def flint_value(layers: Sequence[Layer], point: Iterable[Any]) -> list[Fraction]:
    """Return the outputs of normal-form layers at a point."""
    state = [flint.fmpq(1), *(flint_number(entry) for entry in point)]
    return [flint_fraction(entry) for entry in _flint_run(layers, state)]


def flint_at(polynomial: flint.fmpq_mpoly, point: Iterable[Any]) -> Fraction:
    """Return a polynomial's value at a point."""
    return flint_fraction(polynomial(*(flint_number(entry) for entry in point)))


def flint_terms(polynomial: flint.fmpq_mpoly) -> Polynomial:
    """Return a polynomial's coefficients by exponents."""
    return {
        tuple(map(int, powers)): flint_fraction(coefficient)
        for powers, coefficient in polynomial.to_dict().items()
    }


def flint_composition(
    polynomial: flint.fmpq_mpoly, entries: Sequence[Polynomial], size: int
) -> Polynomial:
    """Return a polynomial with polynomials in ``size`` variables put in for its own."""
    ring = flint_ring(size)
    inserted = [
        ring.from_dict({powers: flint_number(value) for powers, value in entry.items()})
        for entry in entries
    ]
    return flint_terms(polynomial.compose(*inserted, ctx=ring))


def flint_fraction(number: flint.fmpq) -> Fraction:
    """Return FLINT's number as a fraction."""
    return Fraction(int(number.p), int(number.q))


def _flint_run(layers: Sequence[Layer], state: list[Any]) -> list[Any]:
    zero = 0 * state[0]
    for arrays in layers:
        left, right, down, linear = (
            [[flint_number(entry) for entry in row] for row in matrix(array)] for array in arrays
        )
        products = [
            _flint_dot(one, state, zero) * _flint_dot(other, state, zero)
            for one, other in _pairs(left, right)
        ]
        state = [
            _flint_dot(one, products, zero) + _flint_dot(other, state, zero)
            for one, other in _pairs(down, linear)
        ]
    return state[1:]


def _flint_dot(weights: Iterable[flint.fmpq], values: Iterable[Any], zero: Any) -> Any:
    return sum((weight * entry for weight, entry in _pairs(weights, values)), zero)
