"""The theorems, derived at several sizes, and derivations that must not hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import sympy

from analytic import THEOREMS, Derivation
from analytic.derivations import composition, eigen_expansion, homogenisation, polarisation

SIZES = [
    *((homogenisation, sizes) for sizes in ((1, 1), (3, 2), (2, 5), (12, 12))),
    *((polarisation, sizes) for sizes in ((1,), (3,), (6,), (12,))),
    *((eigen_expansion, sizes) for sizes in ((1, 1), (2, 2), (3, 1), (1, 4))),
    *((composition, sizes) for sizes in ((1, 1), (2, 2), (1, 3))),
]
HALF = sympy.Rational(1, 2)


@pytest.mark.parametrize(("derive", "sizes"), SIZES)
def test_a_theorem_holds_at_every_size(
    derive: Callable[..., Derivation], sizes: tuple[int, ...]
) -> None:
    derivation = derive(*sizes)
    assert derivation.holds
    assert f"({sizes[0]} inputs" in derivation.statement


@pytest.mark.parametrize("name", THEOREMS)
def test_a_theorem_is_known_by_its_name(name: str) -> None:
    derivation = THEOREMS[name]()
    assert derivation.name == name
    assert derivation.holds
    assert derivation.statement.endswith("all weights symbolic).")


def test_there_are_four_theorems() -> None:
    assert list(THEOREMS) == ["homogenisation", "polarisation", "eigen_expansion", "composition"]


@pytest.mark.parametrize(
    ("derivation", "weights", "inputs"),
    [
        (homogenisation(12, 12), 2 * 12 * 12 + 2 * 12, 12),
        (polarisation(12), 2 * 13, 13),
        (eigen_expansion(11, 11), 2 * 11 * 12 + 11 + 12 * 12 + 12, 12),
        (composition(1, 2), 2 * 4 + 4, 2),
    ],
)
def test_every_weight_and_every_input_has_a_symbol_of_its_own(
    derivation: Derivation, weights: int, inputs: int
) -> None:
    assert len(derivation.left.free_symbols) == weights + inputs


# Derivations that do not hold


def term_dropped(derivation: Derivation) -> Derivation:
    rest = derivation.right[0].expand().as_ordered_terms()[1:]
    return replace(derivation, right=sympy.Matrix([sympy.Add(*rest), *derivation.right[1:]]))


def last_sign_swapped(derivation: Derivation) -> Derivation:
    *rest, last = derivation.right
    return replace(derivation, right=sympy.Matrix([*rest, -last]))


def factor_dropped(derivation: Derivation) -> Derivation:
    return replace(derivation, right=derivation.right * HALF)


@pytest.mark.parametrize("name", THEOREMS)
@pytest.mark.parametrize("break_it", [term_dropped, last_sign_swapped, factor_dropped])
def test_a_broken_theorem_does_not_hold(
    name: str, break_it: Callable[[Derivation], Derivation]
) -> None:
    assert not break_it(THEOREMS[name]()).holds


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


def test_homogenisation_needs_the_biases() -> None:
    theorem = homogenisation(2, 1)
    without = theorem.right.subs(sympy.Symbol("b_1_0"), 0)
    assert not replace(theorem, right=without).holds


def test_both_sides_must_have_one_shape() -> None:
    theorem = polarisation(1)
    both = sympy.Matrix([*theorem.right, *theorem.right])
    assert not replace(theorem, right=both).holds
    assert not replace(theorem, right=both.T).holds
    assert not replace(theorem, left=both, right=both.T).holds
    assert replace(theorem, left=both, right=both).holds
