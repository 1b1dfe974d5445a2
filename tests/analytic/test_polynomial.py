"""Expanded polynomials."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from analytic import AnalyticError, ExactNetwork, Polynomial, Term
from analytic.dyadic import Dyadic
from analytic.monomials import Monomials
from analytic.polynomial import check_variable, checked_powers
from numeric import Layer
from tests import oracles
from tests.modes import flushing
from tests.strategies import stacks_with_points, wild

Case = tuple[list[Layer], npt.NDArray[Any]]
Terms = dict[tuple[int, ...], float]


def polynomial(terms: Terms, variables: tuple[int, ...] = (0, 1, 2)) -> Polynomial:
    """Return the polynomial with these coefficients by the exponents of all variables."""
    degree = max((sum(powers) for powers in terms), default=0)
    monomials = Monomials(len(variables), degree)
    numbered = sorted((monomials.number(powers), value) for powers, value in terms.items())
    numbers = np.array([number for number, _ in numbered], dtype=np.int64)
    values = np.array([value for _, value in numbered], dtype=np.float64)
    return Polynomial.of(variables, numbers, Dyadic.from_floats(values, "coefficients"))


THREE_TERMS = polynomial({(2, 0, 1): -0.75, (0, 1, 0): 4.0, (0, 0, 0): 0.5})
NUMBERED = polynomial({(2, 0, 1): -0.75, (0, 1, 0): 4.0}, variables=(3, 40, 406))
NONE = polynomial({})

small = st.dictionaries(st.tuples(*[st.integers(0, 3)] * 3), wild(), max_size=6)


# Terms


def test_the_length_is_the_number_of_terms() -> None:
    assert len(THREE_TERMS) == 3
    assert len(NONE) == 0


def test_terms_that_vanish_are_none() -> None:
    assert len(polynomial({(1, 0, 0): 0.0, (0, 1, 0): 1.0})) == 1
    assert polynomial({(1, 0, 0): 0.0}) == NONE


def test_terms_come_from_the_highest_degree_down() -> None:
    assert list(THREE_TERMS) == [
        Term({0: 2, 2: 1}, Fraction(-3, 4)),
        Term({1: 1}, Fraction(4)),
        Term({}, Fraction(1, 2)),
    ]


def test_terms_of_one_degree_come_in_lexicographic_order() -> None:
    quadratic = polynomial(dict.fromkeys([(2, 0), (1, 1), (0, 2), (1, 0), (0, 1)], 1.0), (4, 9))
    powers = [term.powers for term in quadratic]
    assert powers == [{4: 2}, {4: 1, 9: 1}, {9: 2}, {4: 1}, {9: 1}]


def test_variables_go_by_their_numbers() -> None:
    assert [powers for powers, _ in NUMBERED] == [{3: 2, 406: 1}, {40: 1}]
    assert NUMBERED.coefficient({406: 1, 3: 2}) == Fraction(-3, 4)
    assert NUMBERED.coefficient({3: 1}) == 0


@pytest.mark.parametrize(
    ("one", "degree"), [(NONE, 0), (polynomial({(0, 0, 0): 1.0}), 0), (THREE_TERMS, 3)]
)
def test_the_degree_is_the_largest_of_a_term(one: Polynomial, degree: int) -> None:
    assert one.degree == degree


@pytest.mark.parametrize(
    ("monomial", "expected"),
    [
        ({0: 2, 2: 1}, Fraction(-3, 4)),
        ({2: 1, 0: 2, 1: 0}, Fraction(-3, 4)),
        ({1: 1}, 4),
        ({}, Fraction(1, 2)),
        ({0: 2}, 0),
        ({2: 3}, 0),
        ({0: 10**30}, 0),
        ({np.int64(1): np.int64(1)}, 4),
    ],
)
def test_a_coefficient_is_found_by_its_exponents(
    monomial: dict[int, int], expected: Fraction
) -> None:
    found = THREE_TERMS.coefficient(monomial)
    assert isinstance(found, Fraction)
    assert found == expected
    assert NONE.coefficient(monomial) == 0


def test_a_homogeneous_part_has_the_terms_of_its_degree() -> None:
    parts = [THREE_TERMS.homogeneous_part(degree) for degree in range(5)]
    assert [list(part) for part in parts[:2]] == [list(THREE_TERMS)[2:], list(THREE_TERMS)[1:2]]
    assert list(parts[3]) == list(THREE_TERMS)[:1]
    assert parts[2] == parts[4] == NONE
    assert THREE_TERMS.homogeneous_part(10**30) == NONE


# Values


def test_a_value_is_exact() -> None:
    assert THREE_TERMS.value([2.0, Fraction(1, 3), 0.1]) == -3 * Fraction(0.1) + Fraction(4, 3) + (
        Fraction(1, 2)
    )
    assert NONE.value([1.0, 2.0, 3.0]) == 0
    assert THREE_TERMS.value(np.zeros(3)) == Fraction(1, 2)


@pytest.mark.parametrize("small", [5e-324, np.float64(1e-310), np.float32(1e-40)])
def test_a_subnormal_number_in_a_point_is_no_zero(small: Any) -> None:
    linear = polynomial({(1, 0, 0): 1.0})
    with flushing():
        found = linear.value([small, 0.0, 0.0])
    assert found == Fraction(float(small)) != 0


def test_a_constant_has_its_value_everywhere() -> None:
    assert polynomial({(0, 0, 0): 0.5}).value([Fraction(1, 3), 5.0, -2.0]) == Fraction(1, 2)


@pytest.mark.parametrize(
    ("point", "message"),
    [
        ([1.0, 2.0], "expected point to have 3 entries, got 2"),
        ([], "expected point to have 3 entries, got 0"),
        ([1.0, 2.0, float("nan")], "expected point to hold finite numbers: cannot convert NaN"),
        ([1.0, float("inf"), 2.0], "expected point to hold finite numbers: cannot convert Inf"),
        ([None, 1.0, 2.0], "expected point to hold finite numbers: "),
        (["one", 1.0, 2.0], "expected point to hold finite numbers: "),
    ],
)
def test_what_is_no_point_is_refused(point: list[Any], message: str) -> None:
    with pytest.raises(AnalyticError, match=message):
        THREE_TERMS.value(point)


# Equality


def test_equal_terms_in_equal_variables_are_equal() -> None:
    assert polynomial({(1, 0): 1.0}, (0, 1)) == polynomial({(1, 0): 1.0, (0, 1): 0.0}, (0, 1))
    assert polynomial({(1, 0): 1.0}, (0, 1)) != polynomial({(1, 0): 1.0}, (0, 2))
    assert polynomial({(1, 0): 1.0}, (0, 1)) != polynomial({(0, 1): 1.0}, (0, 1))
    assert polynomial({(1, 0): 1.0}, (0, 1)) != polynomial({(1, 0): -1.0}, (0, 1))
    assert polynomial({(1, 0): 1.0}, (0, 1)) != "x_0"


def test_equal_numbers_over_different_powers_of_two_are_equal() -> None:
    numbers = np.array([1, 2])
    halves = Dyadic(np.array([2, 12]), -1)
    assert Polynomial((0,), numbers, halves) == Polynomial((0,), numbers, Dyadic(halves.at(-9), -9))
    assert Polynomial((0,), numbers, halves) != Polynomial((0,), numbers, Dyadic(halves.at(-9), -8))


@pytest.mark.parametrize("power", [(0, 0, 0), (0, 1, 0), (2, 0, 1)])
def test_one_ulp_is_a_difference(power: tuple[int, ...]) -> None:
    terms = {(2, 0, 1): -0.75, (0, 1, 0): 4.0, (0, 0, 0): 0.5}
    moved = terms | {power: float(np.nextafter(terms[power], 9))}
    assert polynomial(moved) != THREE_TERMS


def test_a_polynomial_is_no_key() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(THREE_TERMS)


# Other forms


def test_sympy_gets_the_same_terms() -> None:
    x = sympy.symbols("x_0 x_1 x_2")
    expected = -sympy.Rational(3, 4) * x[0] ** 2 * x[2] + 4 * x[1] + sympy.Rational(1, 2)
    assert THREE_TERMS.to_sympy() == expected
    assert NUMBERED.to_sympy().free_symbols == set(sympy.symbols("x_3 x_40 x_406"))
    assert NONE.to_sympy() == 0


def test_text_shows_the_terms_in_order() -> None:
    assert str(THREE_TERMS) == "−0.75·x₀²·x₂ + 4·x₁ + 0.5"
    assert str(NUMBERED) == "−0.75·x₃²·x₄₀₆ + 4·x₄₀"
    assert str(NONE) == "0"
    assert THREE_TERMS.to_text(names=["a", "b", "c"], digits=1) == "−0.8·a²·c + 4·b + 0.5"
    assert NUMBERED.to_text(names={3: "a", 40: "b", 406: "c"}) == "−0.75·a²·c + 4·b"
    assert NUMBERED.to_text(names="p{}".format) == "−0.75·p3²·p406 + 4·p40"


def test_text_shows_the_largest_terms_of_many() -> None:
    assert THREE_TERMS.to_text(shown=3) == str(THREE_TERMS)
    assert THREE_TERMS.to_text(shown=1) == "4·x₁ + … (2 smaller terms)"
    many = polynomial({(power, 0, 0): float(power + 1) for power in range(25)})
    assert str(many).startswith("25·x₀²⁴ + 24·x₀²³ + ")
    assert str(many).endswith("+ 6·x₀⁵ + … (5 smaller terms)")


def test_latex_has_rounded_or_exact_coefficients() -> None:
    assert THREE_TERMS.to_latex() == "-0.75 x_{0}^{2} x_{2} + 4 x_{1} + 0.5"
    assert NUMBERED.to_latex(digits=None) == r"-\frac{3}{4} x_{3}^{2} x_{406} + 4 x_{40}"
    assert THREE_TERMS.to_latex(names=["a", "b", "c"], shown=1) == r"4 b + \dots"
    assert NONE.to_latex() == "0"


def test_a_notebook_shows_all_terms_of_a_short_polynomial() -> None:
    assert THREE_TERMS._repr_latex_() == (
        r"$$\begin{aligned} & -0.75 x_{0}^{2} x_{2} + 4 x_{1} + 0.5 \end{aligned}$$"
    )
    assert NONE._repr_latex_() == r"$$\begin{aligned} & 0 \end{aligned}$$"


def test_a_notebook_shows_the_largest_of_many_terms_and_counts_the_rest() -> None:
    many = polynomial({(power, 0, 0): (-1.0) ** (power // 4) * (power + 1) for power in range(25)})
    shown = many._repr_latex_()
    assert shown.startswith(r"$$\begin{aligned} & 25 x_{0}^{24} - 24 x_{0}^{23} - 23 x_{0}^{22}")
    assert r"- 22 x_{0}^{21} \\ & {} -21 x_{0}^{20} + 20 x_{0}^{19}" in shown
    assert r"+ 18 x_{0}^{17} \\ & {} + 17 x_{0}^{16} - 16 x_{0}^{15}" in shown
    assert shown.endswith(r"6 x_{0}^{5} \\ & {} + \dots \text{ (5 smaller terms)} \end{aligned}$$")


def test_what_a_notebook_shows_is_the_sum_of_the_terms_shown() -> None:
    many = polynomial({(power, 0, 0): (-1.0) ** (power // 4) * (power + 1) for power in range(20)})
    lines = many._repr_latex_().removeprefix(r"$$\begin{aligned} & ").split(r" \\ & {} ")
    assert len(lines) == 5
    joined = "".join(line.removesuffix(r" \end{aligned}$$") for line in lines).replace(" ", "")
    assert joined == many.to_latex().replace(" ", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"digits": 0}, "expected digits to be at least 1, got 0"),
        ({"digits": 2.0}, r"expected digits to be an integer, got 2\.0"),
        ({"shown": 0}, "expected shown to be at least 1, got 0"),
        ({"shown": True}, "expected shown to be an integer, got True"),
        ({"names": ["a", "b"]}, "expected names for all 3 variables, got none for 2"),
        ({"names": {0: "a", 2: "b"}}, "expected names for all 3 variables, got none for 1"),
    ],
)
def test_a_form_that_cannot_be_written_is_refused(arguments: dict[str, Any], message: str) -> None:
    for write in (THREE_TERMS.to_text, THREE_TERMS.to_latex):
        with pytest.raises(AnalyticError, match=message):
            write(**arguments)


# Monomials as they are asked for


def test_powers_are_sorted_and_free_of_zeros() -> None:
    found = checked_powers({5: 1, np.int64(2): np.int64(7), 3: 0}, range(6))
    assert list(found.items()) == [(2, 7), (5, 1)]
    assert all(type(entry) is int for item in found.items() for entry in item)


BAD_MONOMIALS: list[tuple[Any, str]] = [
    ({1: 1}, r"expected variable of monomial to lie in 3\.\.406, got 1"),
    ({407: 1}, r"expected variable of monomial to lie in 3\.\.406, got 407"),
    ({3: 1, -1: 1}, r"expected variable of monomial to lie in 3\.\.406, got -1"),
    ({4: 0}, r"expected variable of monomial to be among \(3, 40, 406\), got 4"),
    ({"x_3": 1}, "expected variable of monomial to be an integer, got 'x_3'"),
    ({3.0: 1}, r"expected variable of monomial to be an integer, got 3\.0"),
    ({True: 1}, "expected variable of monomial to be an integer, got True"),
    ({None: 1}, "expected variable of monomial to be an integer, got None"),
    ({3: -1}, "expected exponent of variable 3 in monomial to be at least 0, got -1"),
    ({3: 0.5}, r"expected exponent of variable 3 in monomial to be an integer, got 0\.5"),
    ({40: 2.0}, r"expected exponent of variable 40 in monomial to be an integer, got 2\.0"),
    ({40: True}, "expected exponent of variable 40 in monomial to be an integer, got True"),
    ({40: None}, "expected exponent of variable 40 in monomial to be an integer, got None"),
    (None, "expected monomial to map variables to exponents, got None"),
    ([(0, 1)], r"expected monomial to map variables to exponents, got \[\(0, 1\)\]"),
]


@pytest.mark.parametrize(("monomial", "message"), BAD_MONOMIALS)
def test_what_is_no_monomial_is_refused(monomial: Mapping[int, int], message: str) -> None:
    with pytest.raises(AnalyticError, match=message):
        NUMBERED.coefficient(monomial)


def test_an_absent_variable_is_named_with_its_argument() -> None:
    check_variable("axis", 40, (3, 40, 406))
    with pytest.raises(AnalyticError, match=r"expected axis to be among \(3, 40, 406\), got 41"):
        check_variable("axis", 41, (3, 40, 406))


@pytest.mark.parametrize("degree", [-1, True, 1.0, None])
def test_what_is_no_degree_is_refused(degree: Any) -> None:
    with pytest.raises(AnalyticError, match="expected degree to be "):
        THREE_TERMS.homogeneous_part(degree)


# Properties


@pytest.mark.props
@given(small)
def test_terms_are_those_that_were_put_in(terms: Terms) -> None:
    found = polynomial(terms)
    expected = {powers: Fraction(value) for powers, value in terms.items() if value}
    assert oracles.terms(found) == expected
    degrees = [sum(powers.values()) for powers, _ in found]
    assert degrees == sorted(degrees, reverse=True)
    for powers, value in expected.items():
        assert found.coefficient(dict(enumerate(powers))) == value


@pytest.mark.props
@given(small)
def test_homogeneous_parts_make_the_whole(terms: Terms) -> None:
    whole = polynomial(terms)
    parts = [whole.homogeneous_part(degree) for degree in range(whole.degree, -1, -1)]
    assert [term for part in parts for term in part] == list(whole)
    for part, degree in zip(parts, range(whole.degree, -1, -1), strict=True):
        assert all(sum(powers.values()) == degree for powers, _ in part)


@pytest.mark.props
@given(stacks_with_points())
def test_values_are_those_of_both_oracles(case: Case) -> None:
    layers, points = case
    found = ExactNetwork(layers).polynomials()
    for point in points:
        values = [one.value(point) for one in found]
        assert values == oracles.value(layers, point) == oracles.flint_value(layers, point)
    thirds = [Fraction(entry + 1, 3) for entry in range(points.shape[1])]
    for one, expanded in zip(found, oracles.expansion(layers), strict=True):
        assert one.value(thirds) == oracles.polynomial_value(expanded, thirds)


@pytest.mark.props
@given(stacks_with_points(max_depth=1))
def test_sympy_finds_the_values_of_the_network(case: Case) -> None:
    layers, points = case
    symbols = sympy.symbols(f"x_:{points.shape[1]}")
    exact = [sympy.Rational(*Fraction(float(entry)).as_integer_ratio()) for entry in points[0]]
    pairs = zip(ExactNetwork(layers).polynomials(), oracles.value(layers, points[0]), strict=True)
    for one, expected in pairs:
        found = one.to_sympy().subs(dict(zip(symbols, exact, strict=True)))
        assert Fraction(int(found.p), int(found.q)) == expected
