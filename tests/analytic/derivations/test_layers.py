"""What the theorems about one layer cannot do without."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sympy

from analytic.derivations import (
    homogenisation,
    polarisation,
    residual_as_neurons,
    third_order_tensor,
)
from analytic.derivations.symbols import SymbolicLayer, form, vector, with_constant

HALF = sympy.Rational(1, 2)


def test_homogenisation_needs_the_biases() -> None:
    theorem = homogenisation(2, 1)
    without = theorem.right.subs(sympy.Symbol("b_1_0"), 0)
    assert not replace(theorem, right=without).holds


def test_polarisation_needs_its_halves_and_its_sign() -> None:
    theorem = polarisation(1)
    x, left, right = (sympy.Matrix(sympy.symbols(f"{name}_:2")) for name in "xlr")
    total, difference = (left + right).dot(x), (left - right).dot(x)
    rights = {
        (HALF * total) ** 2 - (HALF * difference) ** 2: True,
        total**2 - difference**2: False,
        (HALF * total) ** 2 + (HALF * difference) ** 2: False,
        HALF * total**2 - HALF * difference**2: False,
        (HALF * total) ** 2: False,
    }
    for right_side, holds in rights.items():
        assert replace(theorem, right=sympy.Matrix([right_side])).holds is holds


@pytest.mark.parametrize(("read", "holds"), [(0, True), (1, False), (2, False)])
def test_a_neuron_of_a_residual_must_read_the_constant(read: int, holds: bool) -> None:
    theorem = residual_as_neurons(2, 1, 1)
    x = with_constant(vector("x", 2))
    linear = SymbolicLayer.generic(3, 1, 1).linear
    reads = sympy.Matrix(3, 3, lambda _, j: int(j == read))
    neurons = SymbolicLayer(sympy.eye(3), reads, linear, sympy.zeros(1, 3)).products(x)
    assert replace(theorem, left=theorem.left[:1, :], right=neurons).holds is holds


def test_a_residual_must_read_every_component() -> None:
    theorem = residual_as_neurons(2, 2, 2)
    for entry in ("M_0_0", "M_0_1", "M_1_2"):
        assert not replace(theorem, right=theorem.right.subs(sympy.Symbol(entry), 0)).holds


def test_a_tensor_with_its_antisymmetric_part_is_not_what_the_function_gives_back() -> None:
    theorem = third_order_tensor(2, 2, 1)
    (tensor,) = SymbolicLayer.generic(3, 2, 1).tensor()
    lines = theorem.right[:3, :]
    assert not replace(theorem, right=lines.col_join(sympy.Matrix([*tensor]))).holds
    symmetric, transposed = (tensor + tensor.T) / 2, sympy.Matrix([*tensor.T])
    assert not replace(theorem, right=lines.col_join(transposed)).holds
    assert not replace(theorem, right=lines.col_join(2 * sympy.Matrix([*symmetric]))).holds
    assert replace(theorem, right=lines.col_join(sympy.Matrix([*symmetric]))).holds


def test_different_tensors_are_one_function_if_their_symmetric_parts_agree() -> None:
    x = vector("x", 3)
    (tensor,) = SymbolicLayer.generic(3, 2, 1).tensor()
    assert (tensor - tensor.T).expand() != sympy.zeros(3)
    assert (form(tensor, x) - form(tensor.T, x)).expand() == 0
    assert (form(tensor, x) - form(2 * tensor, x)).expand() != 0
