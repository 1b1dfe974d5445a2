"""The shape of networks, and their exact values."""

from __future__ import annotations

import copy
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings

from analytic import AnalyticError, ExactNetwork
from numeric import BilinearNetwork, Layer
from tests import oracles
from tests.modes import flushing
from tests.strategies import networks_with_points, stacks_with_points, subnormal, wild

Case = tuple[BilinearNetwork, npt.NDArray[Any]]


def silent(inputs: int = 2, outputs: int = 3) -> ExactNetwork:
    """Return a network whose weights are all 0."""
    shapes = ((1, inputs + 1), (1, inputs + 1), (outputs + 1, 1), (outputs + 1, inputs + 1))
    return ExactNetwork([tuple(np.zeros(shape) for shape in shapes)])


# Shape


def test_a_network_knows_its_shape(small: BilinearNetwork) -> None:
    exact = ExactNetwork(small.layers())
    assert (exact.inputs, exact.outputs, exact.degree) == (3, 2, 4)
    assert exact.variables == (0, 1, 2)
    assert exact.shapes == [(3, 4), (3, 3), (3, 3)]
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
@settings(max_examples=settings.default.max_examples // 4)
@given(networks_with_points(elements=subnormal, max_depth=2, max_size=2))
def test_no_answer_depends_on_what_the_processor_takes_for_zero(case: Case) -> None:
    network, inputs = case

    def answers() -> list[Any]:
        exact = ExactNetwork(network.layers())
        return [
            exact.evaluate(inputs).tolist(),
            exact.gradient(inputs[0]).tolist(),
            exact.coefficient(output=0, monomial={}),
            exact.restricted([0], at=inputs[1]).polynomial(output=0),
        ]

    with flushing():
        found = answers()
    assert found == answers()
    assert found[0] == [oracles.module_value(network, point) for point in inputs]


@pytest.mark.props
@given(stacks_with_points(max_depth=3, max_size=3))
def test_a_value_is_the_one_of_both_oracles_whatever_becomes_of_the_constant(
    case: tuple[list[Layer], npt.NDArray[Any]],
) -> None:
    layers, inputs = case
    found = ExactNetwork(layers).evaluate(inputs).tolist()
    assert found == [oracles.value(layers, point) for point in inputs]
    assert found == [oracles.flint_value(layers, point) for point in inputs]


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
