"""What addition in waves cannot do without."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from analytic.derivations import modular_addition
from analytic.derivations.addition import _mode
from analytic.derivations.symbols import vector
from analytic.errors import AnalyticError


@pytest.mark.props
@given(modulus=st.integers(1, 40), data=st.data())
def test_the_waves_add_at_every_modulus(modulus: int, data: st.DataObject) -> None:
    """The coefficient of a product is a sum of waves of which floats leave no doubt."""
    a, b, c = (data.draw(st.integers(0, modulus - 1)) for _ in range(3))
    steps = [2 * math.pi * k / modulus for k in range(modulus)]
    both = (
        (math.cos(w * a) * math.cos(w * b) - math.sin(w * a) * math.sin(w * b)) * math.cos(w * c)
        + (math.sin(w * a) * math.cos(w * b) + math.cos(w * a) * math.sin(w * b)) * math.sin(w * c)
        for w in steps
    )
    assert round(math.fsum(both) / modulus, 9) == ((a + b - c) % modulus == 0)


@pytest.mark.parametrize("modulus", [2, 3, 4, 6])
def test_one_hot_numbers_give_their_sum_alone(modulus: int) -> None:
    theorem = modular_addition(modulus)
    x, y = vector("x", modulus), vector("y", modulus)
    for a in range(modulus):
        for b in range(modulus):
            hot = {x[k]: int(k == a) for k in range(modulus)}
            hot |= {y[k]: int(k == b) for k in range(modulus)}
            found = theorem.right.subs(hot).expand()
            assert list(found) == [int(c == (a + b) % modulus) for c in range(modulus)]


@pytest.mark.parametrize("frequency", range(4))
def test_no_frequency_can_be_left_out(frequency: int) -> None:
    theorem, x, y = modular_addition(4), vector("x", 4), vector("y", 4)
    rest = sympy.Matrix([_mode(frequency, c, x, y) / 4 for c in range(4)])
    assert not replace(theorem, right=theorem.right - rest).holds


@pytest.mark.parametrize("modulus", [5, 7, 8, 59])
def test_a_modulus_whose_waves_are_no_square_roots_is_refused(modulus: int) -> None:
    with pytest.raises(AnalyticError, match=f"one of 1, 2, 3, 4, 6, got {modulus}"):
        modular_addition(modulus)
