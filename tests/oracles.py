"""The slow, obvious oracle: networks in fractions, loop by loop, and polynomials in plain dicts.

Nothing here knows of integers, primes or matrix products: every entry is a fraction by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import combinations_with_replacement
from typing import Any

import numpy.typing as npt

from numeric import BilinearNetwork

Matrix = list[list[Fraction]]
Floats = npt.NDArray[Any]
Layer = Sequence[Floats | tuple[Floats, ...]]
Polynomial = dict[tuple[int, ...], Fraction]
"""The coefficients that are not 0, by the exponents of all variables."""


# Values


def matrix(array: Floats | tuple[Floats, ...]) -> Matrix:
    """Return a float matrix entry by entry; a tuple of arrays stands for their sum."""
    parts = array if isinstance(array, tuple) else (array,)
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
    state = [Fraction(1), *(Fraction(float(entry)) for entry in point)]
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

    state = [Fraction(float(entry)) for entry in point]
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
            term *= Fraction(float(entry)) ** power
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
