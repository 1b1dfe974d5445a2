"""Exact values and coefficients of networks."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from analytic import AnalyticError, ExactNetwork
from numeric import BilinearNetwork
from tests import oracles
from tests.strategies import few, networks, networks_with_points, points, stacks, tame, wild

Case = tuple[BilinearNetwork, npt.NDArray[Any]]


@pytest.fixture(scope="module")
def small() -> BilinearNetwork:
    """Return a network of degree 4 in three variables."""
    return BilinearNetwork(3, 2, depth=2, width=2, hidden=3, residual=True, embedding=True)


@pytest.fixture(scope="module")
def digits() -> BilinearNetwork:
    """Return a network that reads images of MNIST's size."""
    return BilinearNetwork(784, 10, depth=1, hidden=16, residual=True)


def silent(inputs: int = 2, outputs: int = 3) -> ExactNetwork:
    """Return a network whose weights are all 0."""
    shapes = ((1, inputs + 1), (1, inputs + 1), (outputs + 1, 1), (outputs + 1, inputs + 1))
    return ExactNetwork([tuple(np.zeros(shape) for shape in shapes)])


# Shape


def test_a_network_knows_its_shape(small: BilinearNetwork) -> None:
    exact = ExactNetwork(small.layers())
    assert (exact.inputs, exact.outputs, exact.degree) == (3, 2, 4)
    assert exact.monomials == 35 == len(list(oracles.monomials(3, 4)))


@pytest.mark.parametrize("depth", [1, 2, 5])
@pytest.mark.parametrize("embedding", [True, False])
def test_the_degree_doubles_with_every_layer_that_has_neurons(depth: int, embedding: bool) -> None:
    network = BilinearNetwork(2, 1, depth=depth, width=2, hidden=1, embedding=embedding)
    assert ExactNetwork(network.layers()).degree == 2**depth


# Values


def test_a_value_is_a_fraction() -> None:
    network = BilinearNetwork(1, 1, depth=1, hidden=1, bias=False)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(0.1)
    (found,) = ExactNetwork(network.layers()).evaluate(np.array([[0.1]]))[0]
    assert found == Fraction(float(np.float32(0.1))) ** 3 * Fraction(0.1) ** 2


def test_the_points_may_have_another_dtype_than_the_weights(small: BilinearNetwork) -> None:
    exact = ExactNetwork(small.layers())
    for dtype in (np.float16, np.float32, np.float64):
        point = np.array([[0.1, -3.0, 1e-6]], dtype)
        assert exact.evaluate(point).tolist() == [oracles.value(small.layers(), point[0])]


def test_no_points_have_no_values() -> None:
    network = BilinearNetwork(3, 2, depth=2, width=2, hidden=3)
    assert ExactNetwork(network.layers()).evaluate(np.zeros((0, 3))).shape == (0, 2)


def test_a_network_of_zeros_is_zero_everywhere() -> None:
    found = silent().evaluate(np.ones((4, 2)))
    assert found.tolist() == [[Fraction(0)] * 3] * 4


def test_many_points_have_the_values_that_each_has_alone(small: BilinearNetwork) -> None:
    exact = ExactNetwork(small.layers())
    many = np.random.default_rng(0).normal(size=(1100, 3))
    found = exact.evaluate(many)
    for row in (0, 511, 512, 1023, 1024, 1099):
        assert found[row].tolist() == exact.evaluate(many[row : row + 1])[0].tolist()


def test_the_largest_and_the_smallest_floats_are_not_rounded() -> None:
    network = BilinearNetwork(2, 1, depth=3, width=2, hidden=2, residual=True).double()
    ends = [np.finfo(np.float64).max, np.finfo(np.float64).smallest_subnormal, 1 / 3]
    with torch.no_grad():
        for parameter in network.parameters():
            size = parameter.numel()
            parameter.copy_(torch.tensor((ends * size)[:size]).reshape(parameter.shape))
    point = np.array(ends[:2])
    found = ExactNetwork(network.layers()).evaluate(point[np.newaxis])
    assert found.tolist() == [oracles.module_value(network, point)]


def test_an_image_has_exact_logits(digits: BilinearNetwork) -> None:
    images = np.random.default_rng(0).random((3, 784), dtype=np.float32)
    found = ExactNetwork(digits.layers()).evaluate(images)
    assert found.shape == (3, 10)
    assert found[1].tolist() == oracles.module_value(digits, images[1])


@pytest.mark.props
@given(networks_with_points(elements=wild))
def test_a_value_is_what_the_module_computes_in_fractions(case: Case) -> None:
    network, inputs = case
    found = ExactNetwork(network.layers()).evaluate(inputs).tolist()
    assert found == [oracles.module_value(network, point) for point in inputs]
    assert found == [oracles.value(network.layers(), point) for point in inputs]


@pytest.mark.props
@given(st.data(), st.sampled_from([tame, wild]))
def test_a_value_is_right_where_the_constant_does_not_pass(
    data: st.DataObject,
    elements: Any,
) -> None:
    layers = data.draw(stacks(elements=elements))
    inputs = data.draw(points(layers[0].linear.shape[1] - 1, elements=elements))
    found = ExactNetwork(layers).evaluate(inputs).tolist()
    assert found == [oracles.value(layers, point) for point in inputs]


def rounding_error(network: BilinearNetwork, point: npt.NDArray[Any]) -> list[Fraction]:
    """Bound the error of a float64 evaluation: every term is rounded so often at most."""
    layers = [[abs(array) for array in layer] for layer in network.layers()]
    roundings = 0
    for left, *_ in layers:
        neurons, columns = left.shape
        roundings = 2 * (roundings + columns) + neurons + 3
    relative = (1 + Fraction(1, 2**53)) ** roundings - 1
    return [relative * bound for bound in oracles.value(layers, abs(point))]


@pytest.mark.props
@given(networks_with_points())
def test_a_value_is_close_to_what_torch_computes(case: Case) -> None:
    network, inputs = case
    with torch.no_grad():
        rounded = copy.deepcopy(network).double()(torch.from_numpy(inputs).double())
    exact = ExactNetwork(network.layers()).evaluate(inputs)
    for point, row, expected in zip(inputs, rounded.tolist(), exact, strict=True):
        for number, value, bound in zip(row, expected, rounding_error(network, point), strict=True):
            assert abs(Fraction(number) - value) <= bound


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.zeros((1, 3)), r"expected points to have shape \(any, 2\), got \(1, 3\)"),
        (np.zeros(2), r"expected points to have shape \(any, 2\), got \(2,\)"),
        (np.zeros((1, 1, 2)), r"expected points to have shape \(any, 2\), got \(1, 1, 2\)"),
        (0.5, r"expected points to have shape \(any, 2\), got \(\)"),
        (np.zeros((1, 2), int), "expected points to hold floats, got dtype int64"),
        (np.array([[0.0, np.nan]]), r"expected points to be finite, got nan at position \(0, 1\)"),
        (np.array([[np.inf, 0.0]]), r"expected points to be finite, got inf at position \(0, 0\)"),
        (None, "expected points to hold floats, got dtype object"),
        ("point", "expected points to hold floats, got dtype <U5"),
        ([[1.0, 2.0], [3.0]], "expected points to be a float array, got a list: "),
    ],
)
def test_what_are_no_points_is_refused(bad: Any, message: str) -> None:
    with pytest.raises(AnalyticError, match=message):
        silent().evaluate(bad)


def test_a_tensor_that_wants_gradients_is_no_array() -> None:
    message = "expected points to be a float array, got a Tensor: .*detach"
    with pytest.raises(AnalyticError, match=message):
        silent().evaluate(torch.zeros(1, 2, requires_grad=True))


# Coefficients


def test_a_coefficient_beyond_the_degree_is_0(small: BilinearNetwork) -> None:
    exact = ExactNetwork(small.layers())
    assert exact.coefficient(output=0, monomial={0: 4}) != 0
    assert exact.coefficient(output=0, monomial={0: 5}) == 0
    assert exact.coefficient(output=0, monomial={0: 4, 2: 1}) == 0
    assert exact.coefficient(output=0, monomial={0: 10**30}) == 0


def test_an_exponent_of_0_changes_nothing(small: BilinearNetwork) -> None:
    exact = ExactNetwork(small.layers())
    plain = exact.coefficient(output=1, monomial={1: 2})
    assert exact.coefficient(output=1, monomial={2: 0, 1: 2, 0: 0}) == plain


def test_the_order_of_the_variables_does_not_matter(small: BilinearNetwork) -> None:
    exact = ExactNetwork(small.layers())
    forwards = exact.coefficient(output=1, monomial={0: 1, 1: 2})
    assert exact.coefficient(output=1, monomial={1: 2, 0: 1}) == forwards
    assert exact.coefficient(output=1, monomial={1: 1, 0: 2}) != forwards


def test_numpy_integers_are_integers(small: BilinearNetwork) -> None:
    exact = ExactNetwork(small.layers())
    found = exact.coefficient(output=np.int64(1), monomial={np.int32(2): np.uint8(3)})
    assert found == exact.coefficient(output=1, monomial={2: 3})


def test_a_network_of_zeros_has_coefficients_0() -> None:
    for monomial in ({}, {0: 1}, {0: 1, 1: 1}):
        assert silent().coefficient(output=2, monomial=monomial) == 0


def test_the_constant_coefficient_is_the_value_at_0(digits: BilinearNetwork) -> None:
    exact = ExactNetwork(digits.layers())
    at_0 = exact.evaluate(np.zeros((1, 784)))[0]
    assert [exact.coefficient(output=o, monomial={}) for o in range(10)] == at_0.tolist()


def test_the_coefficient_of_two_pixels_is_the_sum_over_neurons(digits: BilinearNetwork) -> None:
    left, right, down, _ = (oracles.matrix(array) for array in digits.layers()[0])
    expected = sum(
        down[8][k] * (left[k][407] * right[k][301] + left[k][301] * right[k][407])
        for k in range(16)
    )
    found = ExactNetwork(digits.layers()).coefficient(output=7, monomial={406: 1, 300: 1})
    assert found == expected


def test_a_coefficient_of_a_large_network_follows_from_its_values() -> None:
    network = BilinearNetwork(784, 10, depth=2, width=64, hidden=256)
    exact = ExactNetwork(network.layers())
    line = np.zeros((5, 784))
    line[:, 406] = np.arange(5)
    values = exact.evaluate(line)[:, 3]
    # The fourth difference of a polynomial of degree 4 is 4! times its leading coefficient.
    fourth = sum(weight * entry for weight, entry in zip((1, -4, 6, -4, 1), values, strict=True))
    assert exact.coefficient(output=3, monomial={406: 4}) == fourth / 24


def check_coefficients(layers: list[Any], degree: int) -> None:
    exact = ExactNetwork(layers)
    expanded = oracles.expansion(layers)
    for output, monomial in product(
        range(exact.outputs), oracles.monomials(exact.inputs, degree + 1)
    ):
        expected = expanded[output].get(oracles.exponents(monomial, exact.inputs), 0)
        assert exact.coefficient(output=output, monomial=monomial) == expected


def test_every_coefficient_of_a_deep_network_is_the_one_of_the_expansion() -> None:
    network = BilinearNetwork(2, 1, depth=3, width=2, hidden=2, residual=True)
    check_coefficients(network.layers(), 8)


@pytest.mark.props
@given(networks(max_depth=2, max_size=2))
def test_a_coefficient_is_the_one_of_the_expansion(network: BilinearNetwork) -> None:
    check_coefficients(network.layers(), 2**network.configuration.depth)


@pytest.mark.props
@given(networks(elements=wild, max_depth=1, max_size=3))
def test_a_coefficient_of_wild_weights_is_the_one_of_the_expansion(
    network: BilinearNetwork,
) -> None:
    check_coefficients(network.layers(), 2)


@pytest.mark.props
@given(st.sampled_from([few, tame]).flatmap(lambda elements: stacks(elements=elements)))
def test_a_coefficient_is_right_where_the_constant_does_not_pass(layers: list[Any]) -> None:
    check_coefficients(layers, 4)


@pytest.mark.parametrize("output", [-1, 3, 10**30])
def test_an_output_out_of_range_is_refused(output: int) -> None:
    for ask in (silent().polynomial, lambda **k: silent().coefficient(**k, monomial={})):
        with pytest.raises(AnalyticError, match=rf"expected output to lie in 0\.\.2, got {output}"):
            ask(output=output)


@pytest.mark.parametrize("output", [True, np.True_, 0.0, None, "0", np.array(0), Fraction(0)])
def test_an_output_that_is_no_integer_is_refused(output: Any) -> None:
    for ask in (silent().polynomial, lambda **k: silent().coefficient(**k, monomial={})):
        with pytest.raises(AnalyticError, match="expected output to be an integer, got "):
            ask(output=output)


BAD_MONOMIALS: list[tuple[Any, str]] = [
    ({2: 1}, r"expected variable of monomial to lie in 0\.\.1, got 2"),
    ({0: 1, -1: 1}, r"expected variable of monomial to lie in 0\.\.1, got -1"),
    ({2: 0}, r"expected variable of monomial to lie in 0\.\.1, got 2"),
    ({"x_0": 1}, "expected variable of monomial to be an integer, got 'x_0'"),
    ({0.0: 1}, r"expected variable of monomial to be an integer, got 0\.0"),
    ({True: 1}, "expected variable of monomial to be an integer, got True"),
    ({None: 1}, "expected variable of monomial to be an integer, got None"),
    ({0: -1}, "expected exponent of variable 0 in monomial to be at least 0, got -1"),
    ({1: 0.5}, r"expected exponent of variable 1 in monomial to be an integer, got 0\.5"),
    ({1: 2.0}, r"expected exponent of variable 1 in monomial to be an integer, got 2\.0"),
    ({1: True}, "expected exponent of variable 1 in monomial to be an integer, got True"),
    ({1: None}, "expected exponent of variable 1 in monomial to be an integer, got None"),
    (None, "expected monomial to map variables to exponents, got None"),
    ([(0, 1)], r"expected monomial to map variables to exponents, got \[\(0, 1\)\]"),
]


@pytest.mark.parametrize(("monomial", "message"), BAD_MONOMIALS)
def test_what_is_no_monomial_is_refused(monomial: Mapping[int, int], message: str) -> None:
    for ask in (
        lambda: silent().coefficient(output=0, monomial=monomial),
        lambda: silent().polynomial(output=0).coefficient(monomial),
    ):
        with pytest.raises(AnalyticError, match=message):
            ask()


# Expansion


def test_an_expansion_has_as_many_monomials_as_allowed(small: BilinearNetwork) -> None:
    exact = ExactNetwork(small.layers())
    assert len(exact.polynomial(output=0, max_monomials=35)) == 35
    message = (
        r"expected at most 34 monomials \(max_monomials\), got a network of degree 4 in 3 "
        "variables with up to 35: ask for single coefficients, or allow more"
    )
    with pytest.raises(AnalyticError, match=message):
        exact.polynomial(output=0, max_monomials=34)


def test_an_expansion_that_is_too_large_is_refused_with_its_size(digits: BilinearNetwork) -> None:
    message = "expected at most 250,000 monomials .* with up to 308,505"
    with pytest.raises(AnalyticError, match=message):
        ExactNetwork(digits.layers()).polynomial(output=0)


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        (None, "expected max_monomials to be an integer, got None"),
        (1e6, r"expected max_monomials to be an integer, got 1000000\.0"),
        (-1, "expected max_monomials to be at least 0, got -1"),
    ],
)
def test_a_limit_that_is_no_number_is_refused(limit: Any, message: str) -> None:
    with pytest.raises(AnalyticError, match=message):
        silent().polynomial(output=0, max_monomials=limit)
