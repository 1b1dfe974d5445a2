"""Derivatives held against differences in exact numbers, and wrong formulas for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from analytic.derivations import (
    Derivation,
    gradient_and_hessian,
    path_attribution,
    squares_gradient,
)
from analytic.derivations.symbols import SymbolicLayer, column, vector, with_constant

Function = Callable[[list[Fraction]], Fraction]
seeds = st.integers(0, 2**32 - 1)


# Gradients and Hessians


def hessian_line(inner: sympy.Matrix) -> Derivation:
    """Return the theorem's Hessian of its first layer, with this matrix in its place."""
    theorem = gradient_and_hessian(2, 1, 1)
    return replace(theorem, left=theorem.left[2:6, :], right=column(inner[1:, 1:]))


def test_a_hessian_needs_its_transpose() -> None:
    layer = SymbolicLayer.generic(3, 1, 1, "_1")
    (tensor,) = layer.tensor()
    assert hessian_line(tensor + tensor.T).holds
    assert not hessian_line(tensor).holds
    assert not hessian_line(2 * tensor).holds
    assert not hessian_line((tensor + tensor.T) / 2).holds


def test_a_gradient_needs_both_readings_and_the_linear_part() -> None:
    theorem = gradient_and_hessian(2, 1, 1)
    layer = SymbolicLayer.generic(3, 1, 1, "_1")
    x = with_constant(vector("x", 2))
    whole = layer.jacobian(x)
    one_sided = layer.down * sympy.diag(*(layer.left * x)) * layer.right + layer.linear
    lines = [(whole, True), (one_sided, False), (whole - layer.linear, False), (2 * whole, False)]
    for line, holds in lines:
        gradient = column(line[:, 1:])
        assert replace(theorem, left=theorem.left[:2, :], right=gradient).holds is holds


@pytest.mark.parametrize("layer", [1, 2])
def test_the_hessian_of_a_stack_needs_every_layer(layer: int) -> None:
    theorem = gradient_and_hessian(2, 1, 1)
    zero = {symbol: 0 for symbol in theorem.right.free_symbols if f"D_{layer}_" in str(symbol)}
    assert zero
    without = theorem.right.copy()
    without[-4:, :] = without[-4:, :].subs(zero)
    assert not replace(theorem, right=without).holds


def numbers_for(expression: sympy.Matrix, generator: np.random.Generator) -> dict[str, Fraction]:
    """Return half integers by name, one also for the constant added to the output."""
    names = {str(symbol) for symbol in expression.free_symbols} | {"M_2_0_0"}
    return {name: Fraction(int(generator.integers(-6, 7)), 2) for name in sorted(names)}


def in_numbers(expression: sympy.Expr, numbers: dict[str, Fraction]) -> sympy.Expr:
    return expression.xreplace(
        {
            sympy.Symbol(name): sympy.Rational(number.numerator, number.denominator)
            for name, number in numbers.items()
        }
    )


def layer_of(numbers: dict[str, Fraction], mark: str, state: Sequence[Fraction]) -> Fraction:
    """Return the value of a layer with one neuron and one output, read off its names."""
    left, right, linear = (
        sum(numbers[f"{name}_{mark}_0_{i}"] * entry for i, entry in enumerate(state))
        for name in "LRM"
    )
    return Fraction(numbers[f"D_{mark}_0_0"] * left * right + linear)


def derivative(function: Function, i: int) -> Function:
    """Return a difference that is the derivative of polynomials up to the fourth degree."""

    def moved(point: list[Fraction], by: int) -> Fraction:
        return function([entry + by * (j == i) for j, entry in enumerate(point)])

    def difference(point: list[Fraction]) -> Fraction:
        near, far = (moved(point, by) - moved(point, -by) for by in (1, 2))
        return (8 * near - far) / 12

    return difference


@pytest.mark.props
@given(seeds)
def test_derivatives_are_exact_differences(seed: int) -> None:
    theorem = gradient_and_hessian(2, 1, 1)
    numbers = numbers_for(theorem.right, np.random.default_rng(seed))
    point = [numbers["x_0"], numbers["x_1"]]

    def hidden(x: list[Fraction]) -> Fraction:
        return layer_of(numbers, "1", [Fraction(1), *x])

    def output(x: list[Fraction]) -> Fraction:
        return layer_of(numbers, "2", [Fraction(1), hidden(x)])

    expected = []
    for function in (hidden, output):
        gradient = [derivative(function, i) for i in range(2)]
        expected += [entry(point) for entry in gradient]
        expected += [derivative(entry, i)(point) for entry in gradient for i in range(2)]
    assert list(in_numbers(theorem.right, numbers)) == expected


# The gradient by weights


@pytest.mark.parametrize("mark", ["P_1", "W_1", "c_1", "P_2", "W_2", "c_2"])
def test_every_weight_of_both_layers_moves_the_difference(mark: str) -> None:
    theorem = squares_gradient(1, 1, 1, 1)
    for symbol in theorem.right.free_symbols:
        if str(symbol).startswith(mark):
            without = theorem.right.subs({symbol: 0})
            assert not replace(theorem, right=without).holds


def test_the_constant_below_takes_no_part_in_what_comes_down() -> None:
    theorem = squares_gradient(1, 1, 1, 1)
    by_first = theorem.right[3]  # by the first layer's constant
    constant, reading, weight = sympy.symbols("P_2_0_0 P_2_0_1 W_2_0_0")
    by_reading = theorem.right[4].expand()  # by the constant's entry: what the reading gets
    assert sympy.expand(by_first - reading * by_reading) == 0
    assert sympy.expand(by_first - constant * by_reading) != 0
    assert sympy.expand(by_first - weight * by_reading) != 0


# Attributions


def endpoint(f: sympy.Expr, x: sympy.Matrix, a: sympy.Matrix) -> sympy.Expr:
    return sum((entry - start) * f.diff(entry) for entry, start in zip(x, a, strict=True))


def test_an_attribution_is_no_gradient_at_an_end_of_the_path() -> None:
    theorem = path_attribution(2, 1, 1)
    x, a = vector("x", 2), vector("a", 2)
    f = SymbolicLayer.generic(3, 1, 1, "_1").value(with_constant(x))[0]
    start, end = dict(zip(a, x, strict=True)), dict(zip(x, a, strict=True))
    at_start = sum((x[i] - a[i]) * f.diff(x[i]).xreplace(end) for i in range(2))
    sums = {
        endpoint(f, x, a): False,
        at_start: False,
        # the trapezoidal rule integrates what is linear in t
        (endpoint(f, x, a) + at_start) / 2: True,
        endpoint(f, x, a).xreplace(start): False,
    }
    for total, holds in sums.items():
        line = replace(theorem, left=theorem.left[:1, :], right=sympy.Matrix([total]))
        assert line.holds is holds


@pytest.mark.parametrize("layers", [1, 2])
def test_the_closed_form_needs_the_degree(layers: int) -> None:
    theorem = path_attribution(1, 1, layers)
    closed = theorem.right[1:, :]
    assert replace(theorem, left=theorem.left[1:, :], right=closed).holds
    for degree in {1, 2, 4} - {2**layers}:
        wrong = closed * 2**layers / degree
        assert not replace(theorem, left=theorem.left[1:, :], right=wrong).holds


@pytest.mark.props
@given(seeds)
def test_attributions_are_the_integrals_by_simpsons_rule(seed: int) -> None:
    theorem = path_attribution(1, 1, 2)
    numbers = numbers_for(theorem.right, np.random.default_rng(seed))
    start, end = numbers["a_0"], numbers["x_0"]

    def output(x: list[Fraction]) -> Fraction:
        return layer_of(numbers, "2", [Fraction(1), layer_of(numbers, "1", [Fraction(1), *x])])

    slope = derivative(output, 0)
    # exact for the third degree
    weights = ((start, 1), ((start + end) / 2, 4), (end, 1))
    integral = sum(weight * slope([at]) for at, weight in weights) / 6
    difference = output([end]) - output([start])
    assert in_numbers(theorem.right[0], numbers) == (end - start) * integral == difference
