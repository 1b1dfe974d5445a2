"""Every theorem at several sizes, its door, and what a derivation takes for a proof."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import cache
from typing import Any

import pytest
import sympy
from hypothesis import assume, given
from hypothesis import strategies as st

import analytic.derivations
from analytic import THEOREMS, Derivation
from analytic.derivations import (
    composition,
    degree_and_monomials,
    diagonal_bound,
    difference_bound,
    eigen_cut,
    eigen_expansion,
    gauge_freedom,
    gaussian_inner_product,
    gradient_and_hessian,
    homogenisation,
    local_bound,
    modular_addition,
    multiplier_bound,
    path_attribution,
    polarisation,
    residual_as_neurons,
    rounding_bound,
    s_lemma,
    slab_bound,
    squares_gradient,
    stack_difference,
    tensor_inner_product,
    third_order_tensor,
    truncation_bound,
)
from analytic.errors import AnalyticError

SIZES = [
    *((homogenisation, sizes) for sizes in ((1, 1), (3, 2), (2, 5), (12, 12))),
    *((residual_as_neurons, sizes) for sizes in ((1, 1, 1), (3, 1, 2), (1, 4, 3))),
    *((third_order_tensor, sizes) for sizes in ((1, 1, 1), (3, 2, 1), (1, 2, 3))),
    *((polarisation, sizes) for sizes in ((1,), (3,), (6,), (12,))),
    *((eigen_expansion, sizes) for sizes in ((1, 1), (2, 2), (3, 1), (1, 4))),
    *((eigen_cut, sizes) for sizes in ((1, 1), (2, 1), (2, 2))),
    *((degree_and_monomials, sizes) for sizes in ((1, 1), (3, 1), (1, 2), (2, 2), (1, 3))),
    *((composition, sizes) for sizes in ((1, 1), (2, 2), (1, 3))),
    *((gauge_freedom, sizes) for sizes in ((1, 1, 1), (1, 2, 2), (2, 1, 2))),
    *((gradient_and_hessian, sizes) for sizes in ((1, 1, 1), (1, 2, 1), (1, 1, 2))),
    *((squares_gradient, sizes) for sizes in ((1, 1, 1, 1), (1, 2, 1, 1), (1, 1, 2, 1))),
    *((path_attribution, sizes) for sizes in ((1, 1, 1), (3, 2, 1), (1, 1, 2))),
    *((gaussian_inner_product, sizes) for sizes in ((1,), (2,), (4,))),
    *((tensor_inner_product, sizes) for sizes in ((1, 1, 1), (2, 1, 3), (1, 3, 1))),
    *((truncation_bound, sizes) for sizes in ((2, 1, 1, 1), (4, 2, 1, 3), (2, 1, 2, 2))),
    *((stack_difference, sizes) for sizes in ((1, 1, 1), (2, 1, 2), (1, 3, 1))),
    *((s_lemma, sizes) for sizes in ((1,), (2,))),
    *((diagonal_bound, sizes) for sizes in ((1,), (2,), (4,))),
    *((difference_bound, sizes) for sizes in ((1, 1, 1), (2, 1, 1), (1, 2, 2))),
    *((rounding_bound, sizes) for sizes in ((1, 1, 1), (2, 1, 1), (1, 2, 1))),
    *((local_bound, sizes) for sizes in ((1, 1, 1), (2, 1, 1), (1, 2, 1))),
    *((modular_addition, (size,)) for size in (1, 2, 3, 4, 6)),
    *((multiplier_bound, sizes) for sizes in ((1, 1, 1), (2, 1, 1), (1, 2, 3))),
    *((slab_bound, sizes) for sizes in ((1,), (2,), (4,))),
]
ARGUMENTS = [
    (name, argument)
    for name, derive in THEOREMS.items()
    for argument in inspect.signature(derive).parameters
]
HALF = sympy.Rational(1, 2)

theorem = cache(lambda name: THEOREMS[name]())


@pytest.mark.parametrize(("derive", "sizes"), SIZES)
def test_a_theorem_holds_at_every_size_and_names_it(
    derive: Callable[..., Derivation], sizes: tuple[int, ...]
) -> None:
    derivation = derive(*sizes)
    assert derivation.holds
    *_, said = derivation.statement.rpartition("(")
    expected = list(sizes)
    if derive is tensor_inner_product:  # the second layer has a neuron more
        expected.insert(2, sizes[1] + 1)
    assert [int(number) for number in re.findall(r"\d+", said)] == expected


@pytest.mark.parametrize("name", THEOREMS)
def test_a_theorem_is_known_by_its_name(name: str) -> None:
    assert theorem(name).name == name == THEOREMS[name].__name__
    assert THEOREMS[name] is getattr(analytic.derivations, name)
    assert theorem(name).holds
    assert theorem(name).statement.endswith("all weights symbolic).")
    assert not re.search(r"\b1 (hidden )?\w+s\b", theorem(name).statement.rpartition("(")[2])
    assert theorem(name).left.cols == 1


@pytest.mark.parametrize("name", THEOREMS)
def test_a_theorem_says_what_it_derives_from_what_and_by_whom(name: str) -> None:
    text = inspect.getdoc(THEOREMS[name]) or ""
    assert text.startswith("Derive that ")
    for part in (".. math::", "Hypotheses: ", "Source: ", "Raises:", f">>> {name}().holds"):
        assert part in text


def test_the_theorems_stand_in_the_order_in_which_they_build_on_each_other() -> None:
    assert list(THEOREMS) == [
        "homogenisation",
        "residual_as_neurons",
        "third_order_tensor",
        "polarisation",
        "eigen_expansion",
        "eigen_cut",
        "degree_and_monomials",
        "composition",
        "gauge_freedom",
        "gradient_and_hessian",
        "squares_gradient",
        "path_attribution",
        "gaussian_inner_product",
        "tensor_inner_product",
        "truncation_bound",
        "stack_difference",
        "s_lemma",
        "diagonal_bound",
        "difference_bound",
        "rounding_bound",
        "local_bound",
        "multiplier_bound",
        "slab_bound",
        "modular_addition",
    ]


def test_all_names_are_handed_on() -> None:
    assert set(THEOREMS) < set(analytic.derivations.__all__)
    for name in analytic.derivations.__all__:
        assert hasattr(analytic.derivations, name)


@pytest.mark.parametrize(
    ("derivation", "weights", "inputs"),
    [
        (homogenisation(12, 12), 2 * 12 * 12 + 2 * 12, 12),
        (residual_as_neurons(2, 3, 2), 2 * 3 * 3 + 2 * 3 + 2 * 3, 2),
        (third_order_tensor(2, 3, 2), 2 * 3 * 3 + 2 * 3, 3),
        (polarisation(12), 2 * 13, 13),
        (eigen_expansion(11, 11), 2 * 11 * 12 + 11 + 12 * 12 + 12, 12),
        # generic vectors, eigenvalues, the bound and the rotation's three angles
        (eigen_cut(2, 1), 9 + 3 + 1 + 3, 3),
        (composition(1, 2), 2 * 4 + 4, 2),
        # two layers and the gauge
        (gauge_freedom(1, 1, 2), (4 + 2 + 4) + (4 + 1 + 2) + 4, 2),
        # neither derivatives nor differences know the constant added to the output
        (gradient_and_hessian(2, 1, 1), (6 + 1 + 3) + (4 + 1 + 2) - 1, 2),
        # two layers with their constants, and what the outputs should be
        (squares_gradient(2, 1, 1, 2), (3 + 1 + 1) + (2 + 2 + 2) + 2, 2),
        (path_attribution(2, 1, 1), 6 + 1 + 3 - 1, 2 * 2),
        (gaussian_inner_product(3), 2 * (6 + 3 + 1), 0),
        (tensor_inner_product(2, 2, 2), (2 * 6 + 4) + (2 * 9 + 6), 0),
        # the entries moved, one for each pair, and Lagrange's tensor
        (truncation_bound(3, 1, 1, 2), 2 * 5 + 9, 3),
        (truncation_bound(2, 1, 2, 1), 5 + 16, 2),
        # eigenvalues, vectors, matrix, slope, and the margin, the multiplier, two tolerances
        (s_lemma(2), 2 + 4 + 3 + 2 + 4, 2),
        # the form, slope, diagonal, signs and the bound on a pixel: the margin's value falls out
        (diagonal_bound(2), 3 + 2 + 2 + 2 + 1, 2),
        # two layers, a basis below and one above
        (difference_bound(1, 1, 2), 2 * (4 + 2 + 4) + 4 + 4, 2 * 2),
        # two layers, what each loses, and a state that is off
        (rounding_bound(1, 1, 1), 2 * (4 + 1 + 2) + 2 * 4 + 2, 1),
        (local_bound(1, 1, 2), (4 + 2 + 4) + (6 + 1 + 3), 2 * 1),
        (modular_addition(4), 0, 2 * 4),
        # a ball, a direction, a slab's ends and centre, and two multipliers; a move from each point
        (slab_bound(2), 1 + 2 + 2 + 1 + 2, 2 * 2),
        # a layer, a basis and what lies beside, a form, two moves and a direction, and the margin
        (multiplier_bound(1, 1, 2), (4 + 2 + 4 + 3) + (3 + 2) + (3 * 2 + 1) + 22 + 5, 2),
    ],
)
def test_every_weight_and_every_input_has_a_symbol_of_its_own(
    derivation: Derivation, weights: int, inputs: int
) -> None:
    assert len(derivation.left.free_symbols) == weights + inputs


@pytest.mark.parametrize(("name", "argument"), ARGUMENTS)
@pytest.mark.parametrize("size", [0, -1, True, 1.5, "2"])
def test_a_size_that_is_none_is_refused_by_name(name: str, argument: str, size: Any) -> None:
    with pytest.raises(AnalyticError, match=f"^expected {argument} to "):
        THEOREMS[name](**{argument: size})


# Derivations that do not hold


def term_dropped(derivation: Derivation) -> Derivation:
    rest = derivation.right[0].expand().as_ordered_terms()[1:]
    return replace(derivation, right=sympy.Matrix([sympy.Add(*rest), *derivation.right[1:]]))


def last_sign_swapped(derivation: Derivation) -> Derivation:
    *rest, last = derivation.right
    return replace(derivation, right=sympy.Matrix([*rest, -last]))


def factor_dropped(derivation: Derivation) -> Derivation:
    return replace(derivation, right=derivation.right * HALF)


def weight_set_to_one(derivation: Derivation) -> Derivation:
    symbols = sorted(derivation.right.free_symbols, key=str)
    if not symbols:  # numbers: one of them moved
        return replace(derivation, right=derivation.right + sympy.ones(*derivation.right.shape))
    return replace(derivation, right=derivation.right.xreplace({symbols[0]: sympy.Integer(1)}))


@pytest.mark.parametrize("name", THEOREMS)
@pytest.mark.parametrize(
    "break_it", [term_dropped, last_sign_swapped, factor_dropped, weight_set_to_one]
)
def test_a_broken_theorem_does_not_hold(
    name: str, break_it: Callable[[Derivation], Derivation]
) -> None:
    assert not break_it(theorem(name)).holds


@pytest.mark.parametrize("name", THEOREMS)
def test_every_line_of_a_theorem_counts(name: str) -> None:
    right = theorem(name).right
    for row in range(right.rows):
        moved = right.copy()
        moved[row] += 1
        assert not replace(
            theorem(name), left=theorem(name).left[row, :], right=moved[row, :]
        ).holds
    moved = right.copy()
    moved[right.rows - 1] += 1
    assert not replace(theorem(name), right=moved).holds


# What a proof is


def sides(left: sympy.Expr, right: sympy.Expr) -> Derivation:
    return Derivation("name", "statement", sympy.Matrix([left]), sympy.Matrix([right]))


def test_both_sides_must_have_one_shape() -> None:
    theorem = polarisation(1)
    both = sympy.Matrix([*theorem.right, *theorem.right])
    assert not replace(theorem, right=both).holds
    assert not replace(theorem, right=both.T).holds
    assert not replace(theorem, left=both, right=both.T).holds
    assert replace(theorem, left=both, right=both).holds


def test_rational_functions_are_compared_over_one_denominator() -> None:
    a, b = sympy.symbols("a b")
    assert sides(1 / a + 1 / b, (a + b) / (a * b)).holds
    assert sides((a**2 - b**2) / (a - b), a + b).holds
    assert not sides(1 / a + 1 / b, 1 / (a * b)).holds
    assert not sides(1 / a, 1 / b).holds


def test_nothing_holds_about_what_is_defined_nowhere() -> None:
    a = sympy.Symbol("a")
    nothing = (a + 1) ** 2 - a**2 - 2 * a - 1
    assert nothing.expand() == 0
    assert sides(nothing, sympy.Integer(0)).holds
    assert not sides(nothing / (nothing + a * nothing), sympy.Integer(0)).holds
    assert not sides(nothing + a / nothing, a / nothing + 1).holds
    assert not sides(sympy.nan, sympy.nan).holds
    assert not sides(sympy.zoo, sympy.Integer(0)).holds


# Numbers in the place of symbols


@pytest.mark.props
@pytest.mark.parametrize("name", THEOREMS)
@given(data=st.data())
def test_both_sides_agree_in_exact_numbers(name: str, data: st.DataObject) -> None:
    left, right = theorem(name).left, theorem(name).right
    symbols = sorted(left.free_symbols | right.free_symbols, key=str)
    numbers = st.fractions(-3, 3, max_denominator=4)
    drawn: list[Fraction] = data.draw(
        st.lists(numbers, min_size=len(symbols), max_size=len(symbols))
    )
    values = {
        symbol: sympy.Rational(number.numerator, number.denominator)
        for symbol, number in zip(symbols, drawn, strict=True)
    }
    left, right = left.xreplace(values), right.xreplace(values)
    assume(all(entry.is_finite for entry in left))  # the gauge may be singular
    assert (left - right).expand() == sympy.zeros(*left.shape)  # roots of numbers, too
