"""Networks as functions of a few variables, or of coordinates in an affine subspace."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from analytic import AnalyticError, ExactNetwork
from numeric import BilinearNetwork, Layer
from tests import oracles
from tests.analytic.rewrites import swapped_in_one_layer
from tests.strategies import few, stacks_with_points, subsets, tame, wild

Array = npt.NDArray[Any]
Case = tuple[list[Layer], Array]


LAYERS = BilinearNetwork(3, 2, depth=2, width=2, hidden=3, residual=True).layers()


def network() -> ExactNetwork:
    return ExactNetwork(LAYERS)


def check_substitution(
    layers: list[Layer], found: ExactNetwork, entries: list[oracles.Polynomial]
) -> None:
    """Hold a network against both oracles with polynomials put in for its variables."""
    size = found.inputs
    expected = [oracles.composition(p, entries, size) for p in oracles.expansion(layers)]
    assert [oracles.terms(one) for one in found.polynomials()] == expected
    others = oracles.flint_expansion(layers)
    assert [oracles.flint_composition(p, entries, size) for p in others] == expected


# Restriction


def test_variables_keep_their_numbers() -> None:
    restricted = network().restricted([0, 2])
    assert restricted.variables == (0, 2)
    assert (restricted.inputs, restricted.outputs, restricted.degree) == (2, 2, 4)
    assert restricted.polynomial(output=0).variables == (0, 2)
    again = restricted.restricted([2])
    assert again.variables == (2,)
    assert again.polynomials() == network().restricted([2]).polynomials()


def test_numbers_are_plain_integers_wherever_they_came_from() -> None:
    restricted = network().restricted(np.array([0, 2]))
    assert [type(variable) for variable in restricted.variables] == [int, int]
    assert network().restricted(variable for variable in (1, 2)).variables == (1, 2)


def test_all_variables_are_no_restriction() -> None:
    exact = network()
    assert exact.restricted(range(3)).polynomials() == exact.polynomials()


def test_at_a_point_the_other_variables_stay() -> None:
    exact = network()
    point = np.array([0.1, -0.7, 3.0])
    restricted = exact.restricted([1], at=point)
    found = restricted.evaluate(np.array([[-0.7], [5.0]])).tolist()
    moved = np.array([[0.1, -0.7, 3.0], [0.1, 5.0, 3.0]])
    assert found == exact.evaluate(moved).tolist()


def test_coefficients_go_by_the_numbers_of_the_whole_network() -> None:
    exact = network()
    restricted = exact.restricted([1, 2])
    for monomial in ({}, {1: 1}, {1: 2, 2: 1}, {2: 4}):
        expected = exact.coefficient(output=1, monomial=monomial)
        assert restricted.coefficient(output=1, monomial=monomial) == expected
    with pytest.raises(AnalyticError, match=r"to lie in 1\.\.2, got 0"):
        restricted.coefficient(output=1, monomial={0: 1})


@pytest.mark.props
@given(stacks_with_points(max_size=3), st.data())
def test_a_restriction_is_the_one_of_both_oracles(case: Case, data: st.DataObject) -> None:
    layers, points = case
    chosen = data.draw(subsets(points.shape[1]))
    for at in (None, points[0]):
        stay = np.zeros(points.shape[1]) if at is None else at
        found = ExactNetwork(layers).restricted(chosen, at=at)
        check_substitution(layers, found, oracles.restricted_entries(chosen, stay))
        other = ExactNetwork(swapped_in_one_layer(layers)).restricted(chosen, at=at)
        assert other.polynomials() == found.polynomials()


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ([], r"expected variables to be some, ascending, got \[\]"),
        ([1, 0], r"expected variables to be some, ascending, got \[1, 0\]"),
        ([0, 0], r"expected variables to be some, ascending, got \[0, 0\]"),
        ([0, 3], r"expected each of variables to lie in 0\.\.2, got 3"),
        ([-1], r"expected each of variables to lie in 0\.\.2, got -1"),
        ([True], "expected each of variables to be an integer, got True"),
        ([0.0], r"expected each of variables to be an integer, got 0\.0"),
        ([[0]], r"expected each of variables to be an integer, got \[0\]"),
        ("01", "expected each of variables to be an integer, got '0'"),
        (1, "expected variables to be a sequence, got a int: "),
        (None, "expected variables to be a sequence, got a NoneType: "),
    ],
)
def test_what_are_no_variables_is_refused(variables: Any, message: str) -> None:
    with pytest.raises(AnalyticError, match=message):
        network().restricted(variables)


def test_a_variable_that_was_left_out_is_gone() -> None:
    restricted = network().restricted([0, 2])
    message = r"expected each of variables to be among \(0, 2\), got 1"
    with pytest.raises(AnalyticError, match=message):
        restricted.restricted([1])


BAD_VECTORS: list[tuple[Any, str]] = [
    (np.zeros(2), r"to have shape \(3,\), got \(2,\)"),
    (np.zeros((1, 3)), r"to have shape \(3,\), got \(1, 3\)"),
    (0.5, r"to have shape \(3,\), got \(\)"),
    (np.zeros(3, int), "to hold floats, got dtype int64"),
    (np.zeros(3, bool), "to hold floats, got dtype bool"),
    (np.array([0.0, np.nan, 1.0]), r"to be finite, got nan at position \(1,\)"),
    (np.array([0.0, 1.0, -np.inf]), r"to be finite, got -inf at position \(2,\)"),
    ("point", "to hold floats, got dtype <U5"),
    ([[1.0], [1.0, 2.0]], "to be a float array, got a list: "),
]


@pytest.mark.parametrize(("bad", "message"), BAD_VECTORS)
def test_a_vector_is_finite_floats_of_the_right_shape(bad: Any, message: str) -> None:
    with pytest.raises(AnalyticError, match=f"expected at {message}"):
        network().restricted([0], at=bad)
    with pytest.raises(AnalyticError, match=f"expected origin {message}"):
        network().substituted(bad, np.ones((1, 3)))
    with pytest.raises(AnalyticError, match=f"expected point {message}"):
        network().gradient(bad)
    with pytest.raises(AnalyticError, match=f"expected point {message}"):
        network().hessian(output=0, point=bad)


# Substitution


def test_a_line_has_the_values_of_the_network_on_it() -> None:
    exact = network()
    origin, direction = np.array([0.5, -1.0, 2.0]), np.array([[1.0, 0.25, -3.0]])
    line = exact.substituted(origin, direction)
    assert (line.variables, line.inputs, line.degree) == ((0,), 1, 4)
    steps = np.array([[0.0], [1.0], [-0.5]])
    assert line.evaluate(steps).tolist() == exact.evaluate(origin + steps * direction).tolist()


def test_repeated_and_zero_directions_are_coordinates_like_others() -> None:
    exact = network()
    directions = np.array([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 2.0, 0.0]])
    plane = exact.substituted(np.zeros(3), directions)
    found = plane.evaluate(np.array([[0.5, -0.25, 9.0, 1.5]])).tolist()
    assert found == exact.evaluate(np.array([[0.25, 3.0, 0.0]])).tolist()


def test_a_subspace_of_a_restricted_network_is_one_of_its_variables() -> None:
    exact = network()
    line = exact.restricted([1, 2]).substituted(np.array([1.0, 2.0]), np.array([[3.0, 4.0]]))
    expected = exact.substituted(np.array([0.0, 1.0, 2.0]), np.array([[0.0, 3.0, 4.0]]))
    assert line.polynomials() == expected.polynomials()


@pytest.mark.props
@given(stacks_with_points(max_size=3), st.data())
def test_a_substitution_is_the_one_of_both_oracles(case: Case, data: st.DataObject) -> None:
    layers, points = case
    shape = data.draw(st.integers(1, 2)), points.shape[1]
    elements = data.draw(st.sampled_from([few, tame, wild]))
    parts = tuple(
        data.draw(hnp.arrays(np.float64, shape, elements=elements()))
        for _ in range(data.draw(st.integers(1, 2)))
    )
    origins = tuple(points) if data.draw(st.booleans()) else points[0]
    directions = parts if len(parts) > 1 else parts[0]
    found = ExactNetwork(layers).substituted(origins, directions)
    check_substitution(layers, found, oracles.affine_entries(origins, directions))
    other = ExactNetwork(swapped_in_one_layer(layers)).substituted(origins, directions)
    assert other.polynomials() == found.polynomials()


@pytest.mark.parametrize(
    ("directions", "message"),
    [
        (np.zeros(3), r"expected directions to have shape \(1 or more, 3\), got \(3,\)"),
        (np.zeros((0, 3)), r"expected directions to have shape \(1 or more, 3\), got \(0, 3\)"),
        (np.zeros((2, 2)), r"expected directions to have shape \(1 or more, 3\), got \(2, 2\)"),
        (np.array(1.0), r"expected directions to have shape \(1 or more, 3\), got \(\)"),
        (np.zeros((1, 1, 3)), r"expected directions to have shape .*, got \(1, 1, 3\)"),
        (np.full((1, 3), np.nan), r"expected directions to be finite, got nan at position \(0, 0"),
        (np.ones((1, 3), int), "expected directions to hold floats, got dtype int64"),
        ((), r"expected the parts of directions to have one shape, got \[\]"),
        ((np.ones((1, 3)), np.ones((2, 3))), "expected the parts of directions to have one shape"),
    ],
)
def test_what_are_no_directions_is_refused(directions: Any, message: str) -> None:
    with pytest.raises(AnalyticError, match=message):
        network().substituted(np.zeros(3), directions)


def test_the_parts_of_an_origin_have_one_shape() -> None:
    message = r"expected the parts of origin to have one shape, got \[\(2,\), \(3,\)\]"
    with pytest.raises(AnalyticError, match=message):
        network().substituted((np.zeros(3), np.zeros(2)), np.ones((1, 3)))


def test_points_in_a_row_are_on_one_line() -> None:
    values = network().evaluate(np.outer(np.arange(6.0), np.array([1.0, 2.0, 0.5])))[:, 0]
    for _ in range(5):
        values = np.array([other - one for one, other in pairwise(values)])
    assert values.tolist() == [0]
