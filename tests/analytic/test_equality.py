"""The verdict on two networks: proved where it can be, tested where not, and never wrong."""

from __future__ import annotations

from itertools import combinations, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from analytic import AnalyticError, Comparison, ExactNetwork, equality, same_polynomial
from numeric import BilinearNetwork, Layer
from tests import oracles
from tests.analytic.rewrites import (
    BETWEEN_LAYERS,
    NAMES,
    WITHIN_LAYERS,
    Layers,
    Rewrite,
    polarized,
    replaced,
    round_layers,
    swapped,
    with_a_hidden_component_more,
    with_entry,
    with_hidden_signs,
)
from tests.analytic.verdicts import (
    BY_EXPANSION,
    BY_GAUGE,
    BY_LAYERS,
    BY_POINT,
    BY_TEST,
    check_witness,
    compared,
    pairs,
)
from tests.modes import flushing

often = settings(max_examples=4 * settings.default.max_examples)


def equal_by_expansion() -> tuple[Layers, Layers]:
    """Return networks whose second layer is deaf, so that the first may be anything."""
    layers = round_layers()
    deaf = replaced(layers, 2, left=0 * layers[1].left, linear=np.eye(3)[:, [0, 0, 0]])
    return deaf, with_entry(deaf, 1, "left", (0, 1), 7.0)


# Proofs of equality


@pytest.mark.parametrize("rewrite", WITHIN_LAYERS)
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_rewrite_of_each_layer_is_proved_the_same_layer_by_layer(
    rewrite: Rewrite, depth: int
) -> None:
    layers = round_layers(depth=depth, embedding=depth == 2)
    for pair in ((layers, rewrite(layers)), (rewrite(layers), layers)):
        found = same_polynomial(*map(ExactNetwork, pair))
        assert found == Comparison(same=True, method=BY_LAYERS)
        assert found.proved


@pytest.mark.parametrize("rewrite", BETWEEN_LAYERS)
def test_other_hidden_bases_are_proved_the_same_by_changing_back(rewrite: Rewrite) -> None:
    layers = round_layers()
    found = compared(layers, rewrite(swapped(layers)), memory=0)
    assert found == Comparison(same=True, method=BY_GAUGE)
    assert found.proved


def test_a_layer_that_nothing_reads_may_be_anything() -> None:
    found = compared(*equal_by_expansion())
    assert found == Comparison(same=True, method=BY_EXPANSION)
    assert found.proved


def test_networks_of_other_depths_are_compared_by_expansion() -> None:
    layers = round_layers()
    passing = Layer(np.zeros((0, 4)), np.zeros((0, 4)), np.zeros((4, 0)), np.eye(4))
    found = compared(layers, [passing, *layers])
    assert found == Comparison(same=True, method=BY_EXPANSION)


# Tests, which prove nothing


def test_what_is_only_tested_says_so_with_its_error_probability() -> None:
    found = compared(*equal_by_expansion(), memory=0)
    assert (found.same, found.method, found.proved) == (True, BY_TEST, False)
    assert 0 < found.error_probability <= 1e-30


@pytest.mark.parametrize("error", [0.999, 0.5, 1e-3, 1e-100, 5e-324])
def test_the_stated_error_is_at_most_the_one_asked_for(error: float) -> None:
    found = compared(*equal_by_expansion(), memory=0, error=error)
    assert 0 < found.error_probability <= error
    assert not found.proved


def test_a_difference_is_proved_whatever_error_is_allowed() -> None:
    layers = round_layers()
    found = compared(layers, with_entry(layers, 1, "down", (1, 1), 9.0), error=0.9, memory=0)
    assert (found.same, found.proved, found.error_probability) == (False, True, 0)


# Differences


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_ulp_in_any_weight_is_found(number: int, name: str, dtype: type) -> None:
    network = BilinearNetwork(2, 2, depth=2, width=2, hidden=2, residual=True)
    layers = [Layer(*(array.astype(dtype) for array in y)) for y in network.layers()]
    array = getattr(layers[number - 1], name)
    for index in np.ndindex(array.shape):
        moved = with_entry(layers, number, name, index, np.nextafter(array[index], dtype(2)))
        found = compared(layers, moved)
        is_output = number == 1 or name in ("left", "right") or index[0] > 0
        assert found.same is not is_output
        assert found.method == (BY_POINT if is_output else BY_LAYERS)
        if found.coefficient is not None:
            check_place(found.coefficient, number, name, index)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_subnormal_weight_is_found_where_the_processor_takes_it_for_zero(dtype: type) -> None:
    network = BilinearNetwork(2, 2, depth=2, width=2, hidden=2, residual=True)
    layers = [Layer(*(array.astype(dtype) for array in y)) for y in network.layers()]
    moved, same = (
        with_entry(layers, 2, "down", (1, 0), np.finfo(dtype).smallest_subnormal * times)
        for times in (2, 1)
    )
    layers[1].down[1, 0] = np.finfo(dtype).smallest_subnormal
    with flushing():
        found = [
            same_polynomial(ExactNetwork(layers), ExactNetwork(other)) for other in (same, moved)
        ]
    assert [verdict.same for verdict in found] == [True, False]
    assert found[1].coefficient is not None
    check_place(found[1].coefficient, 2, "down", (1, 0))


def check_place(coefficient: Any, number: int, name: str, index: tuple[int, ...]) -> None:
    assert coefficient.layer == number
    if name in ("down", "linear"):
        assert coefficient.output == index[0]
    if name == "linear":
        assert coefficient.monomial == (0, index[1])
    if name in ("left", "right"):
        assert index[1] in coefficient.monomial


def test_one_ulp_in_another_basis_is_found_without_naming_a_coefficient_of_other_layers() -> None:
    layers = with_hidden_signs(round_layers())
    weight = layers[0].right[2, 1]
    moved = with_entry(layers, 1, "right", (2, 1), np.nextafter(weight, 9))
    found = compared(round_layers(), moved)
    assert found.method == BY_POINT
    wider = [
        layers[0]._replace(
            down=np.vstack([layers[0].down, layers[0].down[:1]]),
            linear=np.vstack([layers[0].linear, layers[0].linear[:1]]),
        ),
        layers[1]._replace(
            left=np.hstack([layers[1].left, layers[1].left[:, :1]]),
            right=np.hstack([layers[1].right, layers[1].right[:, :1]]),
            linear=np.hstack([layers[1].linear, layers[1].linear[:, :1]]),
        ),
    ]
    found = compared(layers, wider)
    assert (found.method, found.coefficient) == (BY_POINT, None)


def test_a_sign_is_found() -> None:
    layers = round_layers()
    for number in (1, 2):
        weight = layers[number - 1].down[2, 1]
        assert not compared(layers, with_entry(layers, number, "down", (2, 1), -weight)).same


def test_a_factor_of_a_half_is_found() -> None:
    layers = round_layers()
    for number in (1, 2):
        assert not compared(layers, replaced(layers, number, left=layers[number - 1].left / 2)).same


def test_a_network_of_zeros_differs_from_another() -> None:
    layers = round_layers()
    zeros = [Layer(*(0 * array for array in y)) for y in layers]
    assert compared(zeros, swapped(zeros)).same
    for pair in ((zeros, layers), (layers, zeros)):
        assert compared(*pair).method == BY_POINT


def test_a_network_of_mnist_size_is_its_rewrite_and_no_neighbour() -> None:
    layers = BilinearNetwork(784, 10, depth=2, width=16, hidden=32, residual=True).layers()
    exact = ExactNetwork(layers)
    assert same_polynomial(exact, ExactNetwork(polarized(layers))).method == BY_LAYERS
    assert same_polynomial(exact, ExactNetwork(with_hidden_signs(layers))).method == BY_GAUGE
    weight = layers[0].right[31, 784]
    moved = with_entry(layers, 1, "right", (31, 784), np.nextafter(weight, weight.dtype.type(1)))
    found = same_polynomial(exact, ExactNetwork(polarized(moved)))
    assert found.method == BY_POINT
    assert found.coefficient is not None
    assert (found.coefficient.layer, found.coefficient.output) == (1, 1)
    assert found.coefficient.monomial == (0, 784)


@pytest.mark.parametrize("rewrite", [list, with_a_hidden_component_more])
def test_a_difference_that_every_point_hides_is_found_by_expansion(
    rewrite: Rewrite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(equality, "identity_test", lambda *_: 1e-30)
    layers = round_layers()
    found = compared(layers, rewrite(with_entry(layers, 2, "down", (1, 1), 9.0)))
    assert (found.same, found.method, found.proved) == (False, BY_EXPANSION, True)
    assert (found.coefficient is None) is (rewrite is with_a_hidden_component_more)


# Where the constant does not pass


def two_layers(first_row: list[float], *, left: list[float], linear: list[float]) -> list[Layer]:
    """Return ``ỹ = (first_row · x̃, x)`` followed by ``(left · ỹ) ỹ₁ + linear · ỹ``."""
    below = Layer(
        np.zeros((0, 2)), np.zeros((0, 2)), np.zeros((2, 0)), np.array([first_row, [0.0, 1.0]])
    )
    above = Layer(
        np.array([left]),
        np.array([[0.0, 1.0]]),
        np.array([[0.0], [1.0]]),
        np.array([[1.0, 0.0], linear]),
    )
    return [below, above]


@pytest.mark.parametrize("factor", [2.0, 0.5, -1.0])
def test_a_product_with_another_constant_is_another_linear_term(factor: float) -> None:
    multiplied = two_layers([factor, 0.0], left=[1.0, 0.0], linear=[0.0, 0.0])
    term = two_layers([factor, 0.0], left=[0.0, 0.0], linear=[0.0, factor])
    assert compared(multiplied, term) == Comparison(same=True, method=BY_EXPANSION)
    unscaled = two_layers([factor, 0.0], left=[0.0, 0.0], linear=[0.0, 1.0])
    for pair in ((multiplied, unscaled), (unscaled, multiplied)):
        found = compared(*pair).coefficient
        assert found is not None
        assert found.monomial == (1,)


def test_a_product_with_0_is_no_linear_term() -> None:
    multiplied = two_layers([0.0, 0.0], left=[1.0, 0.0], linear=[0.0, 0.0])
    term = two_layers([0.0, 0.0], left=[0.0, 0.0], linear=[0.0, 0.0])
    assert compared(multiplied, term).same
    assert not compared(multiplied, two_layers([1.0, 0.0], left=[1.0, 0.0], linear=[0, 0])).same


def test_a_constant_that_passes_in_one_network_only_is_no_constant() -> None:
    passing = two_layers([1.0, 0.0], left=[1.0, 0.0], linear=[0.0, 0.0])
    other = two_layers([2.0, 0.0], left=[0.0, 0.0], linear=[0.0, 1.0])
    assert compared(passing, other).proved
    assert not compared(passing, two_layers([2.0, 0.0], left=[1.0, 0.0], linear=[0.0, 0.0])).same


def test_every_pair_of_small_networks_gets_the_verdict_of_the_oracle() -> None:
    first_rows = [1.0, 0.0], [2.0, 0.0], [0.0, 1.0]
    lefts = [0.0, 0.0], [1.0, 0.0], [0.0, 1.0]
    linears = [0.0, 0.0], [0.0, 1.0], [0.0, 2.0]
    stacked = [
        two_layers(first_row, left=left, linear=linear)
        for first_row, left, linear in product(first_rows, lefts, linears)
    ]
    exact, expanded = map(ExactNetwork, stacked), map(oracles.expansion, stacked)
    cases = list(zip(stacked, exact, expanded, strict=True))
    for (first, one, one_expanded), (second, other, other_expanded) in combinations(cases, 2):
        found = same_polynomial(one, other)
        assert found.same == (one_expanded == other_expanded)
        assert found.proved
        check_witness(found, first, second)


# Random pairs against the oracles


@pytest.mark.props
@often
@given(pairs())
def test_the_verdict_is_the_one_of_the_expanded_polynomials(pair: tuple[Layers, Layers]) -> None:
    assert compared(*pair).proved


@pytest.mark.props
@given(pairs())
def test_the_verdict_needs_no_expansion(pair: tuple[Layers, Layers]) -> None:
    found = compared(*pair, memory=0)
    assert found.proved is (found.method != BY_TEST)
    assert found.error_probability <= 1e-30


@pytest.mark.props
@given(pairs())
def test_the_order_of_the_two_does_not_matter(pair: tuple[Layers, Layers]) -> None:
    first, second = map(ExactNetwork, pair)
    one, other = (same_polynomial(*both, seed=0) for both in ((first, second), (second, first)))
    assert (one.same, one.proved) == (other.same, other.proved)
    for mine, its in ((one.point, other.point), (one.coefficient, other.coefficient)):
        assert (mine is None) is (its is None)
        if mine is not None and its is not None:
            assert (mine.first, mine.second) == (its.second, its.first)


# Seeds


def test_the_points_tried_follow_from_the_seed() -> None:
    layers = round_layers()
    pair = ExactNetwork(layers), ExactNetwork(with_entry(layers, 2, "linear", (2, 1), 9.0))
    found = [same_polynomial(*pair, seed=seed).point for seed in (0, 0, 1, None, None)]
    assert found[0] == found[1]
    assert len({point.point for point in found if point is not None}) == 4


# What cannot be compared


def test_networks_with_other_inputs_or_outputs_are_refused() -> None:
    network = ExactNetwork(BilinearNetwork(3, 2, depth=1, hidden=1).layers())
    wider = ExactNetwork(BilinearNetwork(4, 2, depth=1, hidden=1).layers())
    longer = ExactNetwork(BilinearNetwork(3, 5, depth=1, hidden=1).layers())
    with pytest.raises(AnalyticError, match="expected second to have 3 inputs like first, got 4"):
        same_polynomial(network, wider)
    with pytest.raises(AnalyticError, match="expected second to have 2 outputs like first, got 5"):
        same_polynomial(network, longer)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"second": None}, "expected second to be an ExactNetwork, got a NoneType"),
        ({"first": round_layers()}, "expected first to be an ExactNetwork, got a list"),
        ({"second": BilinearNetwork(3, 2)}, "expected second to be an ExactNetwork, got a Bilin"),
        ({"seed": -1}, "expected seed to be at least 0, got -1"),
        ({"seed": 1.0}, r"expected seed to be an integer, got 1\.0"),
        ({"seed": True}, "expected seed to be an integer, got True"),
        ({"memory": -1}, "expected memory to be at least 0, got -1"),
        ({"memory": 1e9}, r"expected memory to be an integer, got 1000000000\.0"),
        ({"error": 0}, "expected error to lie between 0 and 1, got 0"),
        ({"error": 1.0}, r"expected error to lie between 0 and 1, got 1\.0"),
        ({"error": -1e-9}, "expected error to lie between 0 and 1, got -1e-09"),
        ({"error": float("nan")}, "expected error to lie between 0 and 1, got nan"),
        ({"error": None}, "expected error to lie between 0 and 1, got None"),
        ({"error": "1e-9"}, "expected error to lie between 0 and 1, got '1e-9'"),
    ],
)
def test_arguments_that_mean_nothing_are_refused(arguments: dict[str, Any], message: str) -> None:
    network = ExactNetwork(round_layers())
    with pytest.raises(AnalyticError, match=message):
        same_polynomial(**{"first": network, "second": network} | arguments)
