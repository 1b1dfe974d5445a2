"""Rounding errors reach the logits by derivatives, and by nothing less."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from analytic.derivations import Derivation, rounding_bound
from analytic.derivations.symbols import SymbolicLayer, matrix, vector, with_constant

LAYER, BELOW, ABOVE = range(3)


def holds(theorem: Derivation, row: int, right: sympy.Expr) -> bool:
    """Whether a line of the theorem holds with another right side."""
    left, right = sympy.Matrix([theorem.left[row]]), sympy.Matrix([right])
    return replace(theorem, left=left, right=right).holds


def test_a_layer_needs_every_error_and_its_derivative() -> None:
    theorem = rounding_bound()
    layer = SymbolicLayer.generic(2, 1, 1, "_2")
    h, error = with_constant(vector("h", 1)), sympy.Matrix([0, *vector("epsilon", 1)])
    one, other, p, s = (vector(f"{n}_2", 1)[0] for n in ("lambda", "rho", "pi", "sigma"))
    down, left, right = layer.down[0], layer.left * (h + error), layer.right * (h + error)
    straight = (layer.jacobian(h) * error)[0]
    bent = down * (layer.left * error)[0] * (layer.right * error)[0]
    value = layer.value(h)[0]
    own = one * right[0] + other * left[0] + one * other + p
    assert holds(theorem, LAYER, value + straight + bent + down * own + s)
    for wrong in (
        value + straight + down * own + s,
        value + bent + down * own + s,
        value + straight + bent + own + s,
        value + straight + bent + down * own,
        value + straight + bent + down * (own - p) + s,
        value + straight + bent + down * (own - one * other) + s,
        value + straight + bent + down * (own - one * right[0]) + s,
        # the other reading without its own error
        value + straight + bent + down * (own - one * (layer.right * error)[0]) + s,
        value + straight + 2 * bent + down * own + s,
    ):
        assert not holds(theorem, LAYER, wrong)


def test_what_the_lower_layer_loses_needs_the_derivative_of_the_upper_one() -> None:
    theorem = rounding_bound()
    for name in ("lambda_1_0", "rho_1_0", "pi_1_0", "sigma_1_0", "sigma_2_0", "pi_2_0"):
        symbol = sympy.Symbol(name)
        assert holds(theorem, ABOVE, theorem.right[ABOVE])
        assert not holds(theorem, ABOVE, theorem.right[ABOVE].subs({symbol: 0}))
        assert not holds(theorem, ABOVE, theorem.right[ABOVE].subs({symbol: 2 * symbol}))
    upper = matrix("L_2", 1, 2)[0, 1]
    assert not holds(theorem, ABOVE, theorem.right[ABOVE].subs({upper: 0}))


def flushed(number: Fraction) -> Fraction:
    """What a processor makes of a number, of 4 bits and at least 1/64, and 0 below it."""
    if abs(number) < Fraction(1, 64):
        return Fraction(0)
    step = Fraction(2) ** (int(np.floor(np.log2(float(abs(number))))) - 3)
    return round(number / step) * step


@pytest.mark.props
@given(st.lists(st.tuples(st.integers(-64, 64), st.integers(-64, 64)), min_size=1, max_size=5))
def test_sums_in_an_arithmetic_of_four_bits_stay_within_their_bound(
    pairs: list[tuple[int, int]],
) -> None:
    unit, least = Fraction(1, 16), Fraction(1, 64)
    numbers = [(Fraction(a, 512), Fraction(b, 16)) for a, b in pairs]
    total = Fraction(0)
    for one, other in numbers:
        # Operands and results are flushed, one by one.
        one_read, other_read = (
            entry if abs(entry) >= least else Fraction(0) for entry in (one, other)
        )
        total = flushed(total + flushed(one_read * other_read))
    sizes = sum(abs(one * other) for one, other in numbers)
    terms = sum(one * other != 0 for one, other in numbers)
    gamma = terms * unit / (1 - terms * unit)
    spread = sum(abs(one) + abs(other) + 8 for one, other in numbers)
    exact = sum((one * other for one, other in numbers), Fraction(0))
    assert abs(total - exact) <= gamma * sizes + 2 * least * spread
