"""Whether two networks are the same polynomial, held against the oracle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import combinations, product
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from analytic import AnalyticError, Comparison, ExactNetwork, layers_difference, same_polynomial
from analytic.equality import CoefficientDifference
from numeric import BilinearNetwork, Layer, square_layers, trace
from tests import oracles
from tests.strategies import few, networks, stacks, wild

Layers = Sequence[Any]
Rewrite = Callable[[Layers], Layers]

NAMES = Layer._fields
BY_LAYERS = "every layer has the same coefficients"
BY_POINT = "an input on which they differ"
BY_EXPANSION = "all coefficients of the expanded polynomials"
BY_COEFFICIENT = "a coefficient of the only layer"

often = settings(max_examples=5 * settings.default.max_examples)


# What the oracle says


def compared(first: Layers, second: Layers, **options: int) -> Comparison:
    """Compare two stacks, and hold verdict and witness against the oracle."""
    found = same_polynomial(ExactNetwork(first), ExactNetwork(second), **options)
    assert found.same == (oracles.expansion(first) == oracles.expansion(second))
    check_witness(found, first, second)
    return found


def check_witness(found: Comparison, first: Layers, second: Layers) -> None:
    if found.same:
        assert (found.point, found.coefficient) == (None, None)
        return
    if found.point is not None:
        stated = found.point.first, found.point.second
        assert found.point.first != found.point.second
        for layers, value in zip((first, second), stated, strict=True):
            assert oracles.value(layers, found.point.point)[found.point.output] == value
    if found.coefficient is not None:
        check_coefficient(found.coefficient, first, second)


def check_coefficient(found: CoefficientDifference, first: Layers, second: Layers) -> None:
    assert found.first != found.second
    components = len(oracles.matrix(first[found.layer - 1][3])[0])
    constant = constant_passes(first, second, found.layer)
    # A constant component is 1, so that it leaves no trace in a monomial.
    powers = {
        index: found.monomial.count(index) for index in found.monomial if index or not constant
    }
    for layers, value in ((first, found.first), (second, found.second)):
        polynomials = oracles.layer_expansion(layers[found.layer - 1], constant=constant)
        assert polynomials[found.output].get(oracles.exponents(powers, components), 0) == value


def constant_passes(first: Layers, second: Layers, number: int) -> bool:
    """Return whether the linear parts alone hand on the constant to a layer of both stacks."""
    below = [*first[: number - 1], *second[: number - 1]]
    return all(
        oracles.matrix(linear)[0] == [1] + [0] * (len(oracles.matrix(linear)[0]) - 1)
        and not any(oracles.matrix(down)[0])
        for _, _, down, linear in below
    )


def differing_layer(first: Layers, second: Layers) -> tuple[int, int] | None:
    """Return the first layer and the first of its outputs that differ as polynomials."""
    for number, pair in enumerate(zip(first, second, strict=True), start=1):
        constant = constant_passes(first, second, number)
        one, other = (oracles.layer_expansion(layer, constant=constant) for layer in pair)
        for output in range(int(number == len(first)), len(one)):
            if one[output] != other[output]:
                return number, output
    return None


# Networks and what can be done to them


def round_layers(**shape: Any) -> list[Layer]:
    """Return float64 layers whose weights have few bits, so that their products are floats."""
    sizes = {"depth": 2, "width": 2, "hidden": 3, "residual": True} | shape
    layers = BilinearNetwork(3, 2, **sizes).layers()
    return [Layer(*(np.round(8 * array.astype(np.float64)) / 8 for array in y)) for y in layers]


def replaced(layers: Layers, number: int, **arrays: Any) -> list[Any]:
    """Return the layers with some matrices of the one with that number replaced."""
    result = list(layers)
    result[number - 1] = result[number - 1]._replace(**arrays)
    return result


def with_entry(
    layers: Layers, number: int, name: str, index: tuple[int, ...], value: float
) -> list[Any]:
    array = getattr(layers[number - 1], name).copy()
    array[index] = value
    return replaced(layers, number, **{name: array})


def polarized(layers: Layers) -> Layers:
    return [y.in_normal_form() for y in square_layers(trace(layers, "polarized"))]


def swapped(layers: Layers) -> Layers:
    return [Layer(right, left, down, linear) for left, right, down, linear in layers]


def neurons_reversed(layers: Layers) -> Layers:
    return [
        Layer(left[::-1], right[::-1], down[:, ::-1], linear)
        for left, right, down, linear in layers
    ]


def rescaled(layers: Layers) -> Layers:
    return [Layer(2 * left, right, down / 2, linear) for left, right, down, linear in layers]


def with_signs_moved(layers: Layers) -> Layers:
    return [Layer(-left, right, -down, linear) for left, right, down, linear in layers]


def with_a_zero_neuron(layers: Layers) -> Layers:
    return [
        Layer(
            np.vstack([left, 0 * linear[:1]]),
            np.vstack([right, 1 + 0 * linear[:1]]),
            np.hstack([down, 1 + 0 * linear[:, :1]]),
            linear,
        )
        for left, right, down, linear in layers
    ]


def with_an_unread_neuron(layers: Layers) -> Layers:
    return [
        Layer(
            np.vstack([left, 1 + 0 * linear[:1]]),
            np.vstack([right, 1 + 0 * linear[:1]]),
            np.hstack([down, 0 * linear[:, :1]]),
            linear,
        )
        for left, right, down, linear in layers
    ]


def with_neurons_split(layers: Layers) -> Layers:
    return [
        Layer(np.vstack([left] * 2), np.vstack([right] * 2), np.hstack([down / 2] * 2), linear)
        for left, right, down, linear in layers
    ]


def with_biases_in_the_linear_part(layers: Layers) -> Layers:
    """``(b + u)(c + v) = bc + bv + cu + uv``, where the constant is 1."""
    result = []
    for left, right, down, linear in layers:
        u, v = left.copy(), right.copy()
        u[:, 0] = v[:, 0] = 0
        crossed = left[:, :1] * v + right[:, :1] * u
        crossed[:, 0] = left[:, 0] * right[:, 0]
        result.append(Layer(u, v, down, linear + down @ crossed))
    return result


def with_the_linear_part_in_neurons(layers: Layers) -> Layers:
    """Multiply every linear term by the constant, in a neuron of its own; row 0 stays linear."""
    result = []
    for left, right, down, linear in layers:
        ones = np.zeros_like(linear)
        ones[:, 0] = 1
        mixing = np.diag([0.0] + [1.0] * (len(linear) - 1))
        kept = np.zeros_like(linear)
        kept[0] = linear[0]
        result.append(
            Layer(
                np.vstack([left, linear]), np.vstack([right, ones]), np.hstack([down, mixing]), kept
            )
        )
    return result


def with_hidden_components_reversed(layers: Layers) -> Layers:
    """Change the basis of every hidden state: no layer stays the same."""
    result = list(layers)
    for number in range(1, len(layers)):
        below, above = result[number - 1], result[number]
        order = [0, *range(len(below.linear) - 1, 0, -1)]
        result[number - 1] = below._replace(down=below.down[order], linear=below.linear[order])
        result[number] = above._replace(
            left=above.left[:, order], right=above.right[:, order], linear=above.linear[:, order]
        )
    return result


def with_a_hidden_component_more(layers: Layers) -> Layers:
    """Add a copy of the last hidden component that nothing reads: layers no longer correspond."""
    result = list(layers)
    for number in range(1, len(layers)):
        below, above = result[number - 1], result[number]
        result[number - 1] = below._replace(
            down=np.vstack([below.down, below.down[-1:]]),
            linear=np.vstack([below.linear, below.linear[-1:]]),
        )
        result[number] = above._replace(
            left=np.hstack([above.left, 0 * above.left[:, :1]]),
            right=np.hstack([above.right, 0 * above.right[:, :1]]),
            linear=np.hstack([above.linear, 0 * above.linear[:, :1]]),
        )
    return result


WITHIN_LAYERS: list[Rewrite] = [
    list,
    polarized,
    swapped,
    neurons_reversed,
    rescaled,
    with_signs_moved,
    with_a_zero_neuron,
    with_an_unread_neuron,
    with_neurons_split,
    with_biases_in_the_linear_part,
    with_the_linear_part_in_neurons,
]
BETWEEN_LAYERS: list[Rewrite] = [with_hidden_components_reversed, with_a_hidden_component_more]


# Equal networks


@pytest.mark.parametrize("rewrite", WITHIN_LAYERS)
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_rewrite_of_each_layer_is_proved_the_same_layer_by_layer(
    rewrite: Rewrite, depth: int
) -> None:
    layers = round_layers(depth=depth, embedding=depth == 2)
    for pair in ((layers, rewrite(layers)), (rewrite(layers), layers)):
        found = same_polynomial(*map(ExactNetwork, pair))
        assert found == Comparison(same=True, method=BY_LAYERS)


@pytest.mark.parametrize("rewrite", BETWEEN_LAYERS)
def test_another_hidden_basis_is_proved_the_same_by_expansion(rewrite: Rewrite) -> None:
    layers = round_layers()
    found = compared(layers, rewrite(swapped(layers)))
    assert found == Comparison(same=True, method=BY_EXPANSION)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_high_and_a_low_part_are_the_weight_that_no_float_holds(dtype: type) -> None:
    large, small = np.finfo(np.float32).max, np.finfo(np.float32).smallest_subnormal
    row = np.array([[small, large]], dtype)
    layer = Layer(row, row[:, ::-1], np.array([[0.0], [1.0]], dtype), np.eye(2, dtype=dtype))
    ((reading, *_),) = polarized([layer])
    assert reading[1].any()
    assert compared([layer], polarized([layer])).same
    without_low = [(reading[0], reading[0], *polarized([layer])[0][2:])]
    assert not compared([layer], without_low).same


def test_two_sums_of_squares_can_be_the_same() -> None:
    # (x + y)² + (x - y)² = 2x² + 2y², and no square stands on both sides.
    linear = np.diag([1.0, 0.0, 0.0])[:2]
    sums = np.array([[0.0, 1.0, 1.0], [0.0, 1.0, -1.0]])
    first = Layer(sums, sums, np.array([[0.0, 0.0], [1.0, 1.0]]), linear)
    second = Layer(np.eye(3)[1:], np.eye(3)[1:], np.array([[0.0, 0.0], [2.0, 2.0]]), linear)
    assert compared([first], [second]).method == BY_LAYERS
    third = second._replace(down=np.array([[0.0, 0.0], [2.0, 2.5]]))
    found = compared([first], [third]).coefficient
    assert found == CoefficientDifference(1, 1, (2, 2), Fraction(2), Fraction(5, 2))


def test_a_square_of_a_sum_with_the_constant_has_a_linear_part() -> None:
    # (1 + x)² = 1 + 2x + x²
    row, passing = np.array([[1.0, 1.0]]), np.array([[1.0, 0.0], [0.0, 0.0]])
    square = np.array([[0.0, 1.0]])
    down = np.array([[0.0], [1.0]])
    first = Layer(row, row, down, passing)
    second = Layer(square, square, down, np.array([[1.0, 0.0], [1.0, 2.0]]))
    assert compared([first], [second]).method == BY_LAYERS


@pytest.mark.props
@given(networks(elements=wild, dtypes=(np.float32,)))
def test_the_polarized_rewrite_of_wild_weights_is_the_same(network: BilinearNetwork) -> None:
    layers = network.layers()
    found = same_polynomial(ExactNetwork(layers), ExactNetwork(polarized(layers)))
    assert found == Comparison(same=True, method=BY_LAYERS)


@pytest.mark.props
@given(networks(dtypes=(np.float64,)), st.sampled_from([polarized, swapped, neurons_reversed]))
def test_a_rewrite_that_rounds_nothing_is_the_same(
    network: BilinearNetwork, rewrite: Rewrite
) -> None:
    layers = network.layers()
    found = same_polynomial(ExactNetwork(layers), ExactNetwork(rewrite(layers)))
    assert found == Comparison(same=True, method=BY_LAYERS)


def test_a_network_of_mnist_size_is_its_rewrite_and_no_neighbour() -> None:
    layers = BilinearNetwork(784, 10, depth=2, width=16, hidden=32, residual=True).layers()
    exact = ExactNetwork(layers)
    assert same_polynomial(exact, ExactNetwork(polarized(layers))).method == BY_LAYERS
    weight = layers[0].right[31, 784]
    moved = with_entry(layers, 1, "right", (31, 784), np.nextafter(weight, weight.dtype.type(1)))
    found = same_polynomial(exact, ExactNetwork(polarized(moved)))
    assert found.method == BY_POINT
    assert found.coefficient is not None
    assert (found.coefficient.layer, found.coefficient.output) == (1, 1)
    assert found.coefficient.monomial == (0, 784)


# Different networks


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
        if found.coefficient is not None:
            assert found.coefficient.layer == number
        if found.coefficient is not None and name in ("down", "linear"):
            assert found.coefficient.output == index[0]
        if found.coefficient is not None and name == "linear":
            assert found.coefficient.monomial == (0, index[1])
        if found.coefficient is not None and name in ("left", "right"):
            assert index[1] in found.coefficient.monomial


def witness(first: Layers, second: Layers) -> CoefficientDifference:
    found = compared(first, second)
    assert found.method == BY_POINT
    assert found.point is not None
    assert found.coefficient is not None
    return found.coefficient


@pytest.mark.parametrize("number", [1, 2])
def test_a_sign_swapped_in_down_is_found(number: int) -> None:
    layers = round_layers()
    weight = layers[number - 1].down[2, 1]
    found = witness(layers, with_entry(layers, number, "down", (2, 1), -weight))
    assert (found.layer, found.output, found.monomial) == (number, 2, (0, 0))
    assert found.second - found.first == -2 * Fraction(weight) * Fraction(
        layers[number - 1].left[1, 0]
    ) * Fraction(layers[number - 1].right[1, 0])


@pytest.mark.parametrize("number", [1, 2])
def test_a_dropped_factor_of_a_half_is_found(number: int) -> None:
    layers = round_layers()
    rewritten = list(polarized(layers))
    (readings, low), _, down, linear = rewritten[number - 1]
    readings = readings.copy()
    readings[2] *= 2
    rewritten[number - 1] = (readings, low), (readings, low), down, linear
    found = witness(layers, rewritten)
    assert (found.layer, found.output) == (number, np.flatnonzero(down[:, 2])[0])


def test_a_changed_linear_entry_is_found() -> None:
    layers = round_layers()
    found = witness(layers, with_entry(layers, 2, "linear", (1, 2), 5.0))
    assert (found.layer, found.output, found.monomial) == (2, 1, (0, 2))
    assert found.second - found.first == 5 - Fraction(layers[1].linear[1, 2])


def test_a_missing_residual_is_found() -> None:
    layers = round_layers()
    linear = layers[1].linear.copy()
    linear[1:, 1:] = 0
    found = witness(layers, replaced(layers, 2, linear=linear))
    assert (found.layer, found.output, found.monomial) == (2, 1, (0, 1))


def test_a_changed_constant_is_found() -> None:
    layers = round_layers()
    found = witness(layers, with_entry(layers, 1, "linear", (0, 0), 2.0))
    expected = CoefficientDifference(1, 0, (0, 0), Fraction(1), Fraction(2))
    assert found == expected


def test_the_constant_of_the_last_layer_is_no_output() -> None:
    layers = round_layers()
    assert compared(layers, with_entry(layers, 2, "linear", (0, 1), 7.0)).method == BY_LAYERS
    assert compared(layers, with_entry(layers, 2, "down", (0, 1), 7.0)).method == BY_LAYERS


def test_the_weight_of_a_dead_neuron_does_not_matter() -> None:
    layers = with_an_unread_neuron(round_layers())
    assert compared(layers, with_entry(layers, 1, "left", (3, 1), 7.0)).method == BY_LAYERS
    layers = with_a_zero_neuron(round_layers())
    assert compared(layers, with_entry(layers, 1, "down", (1, 3), 7.0)).method == BY_LAYERS


def test_a_layer_that_nothing_reads_may_be_anything() -> None:
    layers = round_layers()
    deaf = replaced(layers, 2, left=0 * layers[1].left, linear=np.eye(3)[:, [0, 0, 0]])
    found = compared(deaf, with_entry(deaf, 1, "left", (0, 1), 7.0))
    assert found == Comparison(same=True, method=BY_EXPANSION)


@pytest.mark.parametrize("factor", [4_194_301, 4_194_301 * 4_194_287])
@pytest.mark.parametrize("name", ["down", "linear"])
def test_a_difference_that_vanishes_modulo_the_first_primes_is_found(
    factor: int, name: str
) -> None:
    row = np.array([[0.0, 1.0]])
    layer = Layer(row, row, np.zeros((2, 1)), np.zeros((2, 2)))
    found = compared([layer], with_entry([layer], 1, name, (1, 0), float(factor))).coefficient
    assert found is not None
    assert (found.first, found.second) == (0, factor)


def test_an_embedding_differs_from_a_layer_with_neurons() -> None:
    embedding = Layer(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros((2, 0)), np.eye(2))
    layer = Layer(np.ones((1, 2)), np.ones((1, 2)), np.array([[0.0], [1.0]]), np.eye(2))
    found = compared([embedding], [layer]).coefficient
    assert found == CoefficientDifference(1, 1, (0, 0), Fraction(0), Fraction(1))
    found = compared([embedding], with_entry([embedding], 1, "linear", (1, 1), 2.0)).coefficient
    assert found == CoefficientDifference(1, 1, (0, 1), Fraction(1), Fraction(2))


def test_a_network_of_zeros_differs_from_another() -> None:
    layers = round_layers()
    zeros = [Layer(*(0 * array for array in y)) for y in layers]
    assert compared(zeros, swapped(zeros)).same
    for pair in ((zeros, layers), (layers, zeros)):
        assert compared(*pair).method == BY_POINT


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


@pytest.mark.parametrize(
    ("first_row", "factor"),
    [([2.0, 0.0], 2.0), ([0.5, 0.0], 0.5), ([-1.0, 0.0], -1.0), ([0.0, 0.0], 0.0)],
)
def test_a_product_with_another_constant_is_another_linear_term(
    first_row: list[float], factor: float
) -> None:
    multiplied = two_layers(first_row, left=[1.0, 0.0], linear=[0.0, 0.0])
    term = two_layers(first_row, left=[0.0, 0.0], linear=[0.0, factor])
    assert compared(multiplied, term) == Comparison(same=True, method=BY_EXPANSION)
    unscaled = two_layers(first_row, left=[0.0, 0.0], linear=[0.0, 1.0])
    assert witness(multiplied, unscaled).monomial == (1,)
    assert witness(unscaled, multiplied).monomial == (1,)


def test_a_product_with_a_component_that_is_no_constant_is_a_square() -> None:
    multiplied = two_layers([0.0, 1.0], left=[1.0, 0.0], linear=[0.0, 0.0])
    square = two_layers([0.0, 1.0], left=[0.0, 1.0], linear=[0.0, 0.0])
    term = two_layers([0.0, 1.0], left=[0.0, 0.0], linear=[0.0, 1.0])
    assert compared(multiplied, square) == Comparison(same=True, method=BY_EXPANSION)
    assert witness(multiplied, term).monomial == (1,)


def test_a_square_without_a_linear_difference_is_found() -> None:
    once = two_layers([0.0, 1.0], left=[1.0, 0.0], linear=[0.5, 3.0])
    twice = two_layers([0.0, 1.0], left=[2.0, 0.0], linear=[0.5, 3.0])
    assert witness(once, twice) == CoefficientDifference(2, 1, (0, 1), Fraction(1), Fraction(2))


def test_a_constant_that_passes_in_one_network_only_is_no_constant() -> None:
    passing = two_layers([1.0, 0.0], left=[1.0, 0.0], linear=[0.0, 0.0])
    other = two_layers([2.0, 0.0], left=[0.0, 0.0], linear=[0.0, 1.0])
    assert compared(passing, other) == Comparison(same=True, method=BY_EXPANSION)
    assert not compared(passing, two_layers([2.0, 0.0], left=[1.0, 0.0], linear=[0.0, 0.0])).same


def test_a_constant_that_a_neuron_hands_on_is_as_good() -> None:
    plain = two_layers([1.0, 0.0], left=[1.0, 0.0], linear=[0.0, 0.0])
    neuron = Layer(np.eye(2)[:1], np.eye(2)[:1], np.eye(2)[:, :1], np.diag([0.0, 1.0]))
    assert compared(plain, [neuron, plain[1]]).method == BY_LAYERS
    term = two_layers([1.0, 0.0], left=[0.0, 0.0], linear=[0.0, 1.0])
    assert compared(plain, term).method == BY_LAYERS
    assert compared([neuron, plain[1]], [neuron, term[1]]).same


def test_every_pair_of_small_networks_gets_the_verdict_of_the_oracle() -> None:
    first_rows = [1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [1.0, 1.0]
    lefts = [0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [0.0, 1.0]
    linears = [0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 2.0]
    stacked = [
        two_layers(first_row, left=left, linear=linear)
        for first_row, left, linear in product(first_rows, lefts, linears)
    ]
    exact, expanded = map(ExactNetwork, stacked), map(oracles.expansion, stacked)
    cases = list(zip(stacked, exact, expanded, strict=True))
    for (first, one, one_expanded), (second, other, other_expanded) in combinations(cases, 2):
        found = same_polynomial(one, other)
        assert found.same == (one_expanded == other_expanded)
        check_witness(found, first, second)


# Random pairs against the oracle


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Layers, Layers]:
    """Pairs of small stacks with as many inputs and outputs, about half of them the same."""
    first = draw(stacks(elements=few))
    kind = draw(st.sampled_from(["another", "one entry", "one entry", "rewrite", "both"]))
    if kind == "another":
        ends = {"inputs": first[0].linear.shape[1] - 1, "outputs": len(first[-1].linear) - 1}
        return first, draw(stacks(elements=few, **ends))
    second: Layers = first
    if kind in ("one entry", "both"):
        number = draw(st.integers(1, len(first)))
        names = [name for name in NAMES if getattr(first[number - 1], name).size]
        name = draw(st.sampled_from(names))
        index = draw(st.sampled_from(list(np.ndindex(getattr(first[number - 1], name).shape))))
        second = with_entry(first, number, name, index, draw(few()))
    if kind in ("rewrite", "both"):
        exact = {with_biases_in_the_linear_part, with_the_linear_part_in_neurons}
        rewrites = [*(f for f in WITHIN_LAYERS if f not in exact), *BETWEEN_LAYERS]
        second = draw(st.sampled_from(rewrites))(second)
    return first, second


@pytest.mark.props
@often
@given(pairs())
def test_the_verdict_is_the_one_of_the_expanded_polynomials(pair: tuple[Layers, Layers]) -> None:
    compared(*pair)


@pytest.mark.props
@often
@given(pairs())
def test_the_verdict_needs_no_points(pair: tuple[Layers, Layers]) -> None:
    assert compared(*pair, points=0).point is None


@pytest.mark.props
@often
@given(pairs())
def test_a_layer_differs_where_the_oracle_says_it_does(pair: tuple[Layers, Layers]) -> None:
    first, second = pair
    assume([len(y[3]) for y in first] == [len(y[3]) for y in second])
    found = layers_difference(ExactNetwork(first), ExactNetwork(second))
    assert (found and (found.layer, found.output)) == differing_layer(first, second)
    if found is not None:
        check_coefficient(found, first, second)


@pytest.mark.props
@given(pairs())
def test_the_order_of_the_two_does_not_matter(pair: tuple[Layers, Layers]) -> None:
    first, second = map(ExactNetwork, pair)
    one, other = same_polynomial(first, second), same_polynomial(second, first)
    assert (one.same, one.method) == (other.same, other.method)
    for mine, its in ((one.point, other.point), (one.coefficient, other.coefficient)):
        if mine is not None and its is not None:
            assert (mine.first, mine.second) == (its.second, its.first)


# Witnesses


def test_the_points_tried_follow_from_the_seed() -> None:
    layers = round_layers()
    pair = ExactNetwork(layers), ExactNetwork(with_entry(layers, 2, "linear", (2, 1), 9.0))
    found = [same_polynomial(*pair, seed=seed).point for seed in (0, 0, 1)]
    assert found[0] == found[1] != found[2]
    assert all(point is not None and max(map(abs, point.point)) <= 8 for point in found)


@pytest.mark.parametrize("points", [0, 1])
def test_where_the_points_agree_the_coefficients_decide(points: int) -> None:
    layers = round_layers()
    found = compared(layers, with_entry(layers, 2, "down", (1, 1), 9.0), points=points)
    assert found.method == (BY_POINT if points else BY_EXPANSION)
    assert found.coefficient is not None
    assert (found.coefficient.layer, found.coefficient.output) == (2, 1)
    other = with_entry(with_a_hidden_component_more(layers), 2, "down", (1, 1), 9.0)
    found = compared(layers, other, points=points)
    assert found.method == (BY_POINT if points else BY_EXPANSION)
    assert found.coefficient is None


def test_the_coefficient_of_a_single_layer_proves_that_it_differs() -> None:
    layers = BilinearNetwork(784, 2, depth=1, hidden=3).layers()
    other = with_entry(layers, 1, "linear", (2, 5), 9.0)
    found = same_polynomial(ExactNetwork(layers), ExactNetwork(other), points=0)
    assert (found.same, found.method, found.point) == (False, BY_COEFFICIENT, None)
    assert found.coefficient is not None
    assert (found.coefficient.layer, found.coefficient.output) == (1, 2)
    assert found.coefficient.monomial == (0, 5)


@pytest.mark.parametrize(
    ("first", "second", "numbers"),
    [
        (Fraction(1, 4), Fraction(-3), "0.25 against -3, a difference of -3.25"),
        (
            Fraction(1, 3),
            Fraction(2, 3),
            "0.33333333333333331 against 0.66666666666666663, a difference of 0.33333333333333331",
        ),
        (Fraction(2) ** 2000, Fraction(0), "about 2^2000 against 0, a difference of about -2^2000"),
        (
            Fraction(0),
            Fraction(2) ** -2000,
            "0 against about 2^-2000, a difference of about 2^-2000",
        ),
    ],
)
def test_a_difference_says_where_it_is_and_by_how_much(
    first: Fraction, second: Fraction, numbers: str
) -> None:
    text = "coefficient of component 0 times component 4 in output component 3 of layer 2: "
    assert str(CoefficientDifference(2, 3, (0, 4), first, second)) == text + numbers


def test_a_linear_difference_names_one_component() -> None:
    text = str(CoefficientDifference(2, 3, (4,), Fraction(0), Fraction(1)))
    assert text.startswith("coefficient of component 4 in output component 3 of layer 2: 0 against")


# What cannot be compared


def test_networks_with_other_inputs_or_outputs_are_refused() -> None:
    network = ExactNetwork(BilinearNetwork(3, 2, depth=1, hidden=1).layers())
    wider = ExactNetwork(BilinearNetwork(4, 2, depth=1, hidden=1).layers())
    longer = ExactNetwork(BilinearNetwork(3, 5, depth=1, hidden=1).layers())
    with pytest.raises(AnalyticError, match="expected second to have 3 inputs like first, got 4"):
        same_polynomial(network, wider)
    with pytest.raises(AnalyticError, match="expected second to have 2 outputs like first, got 5"):
        same_polynomial(network, longer)


@pytest.mark.parametrize("rewrite", BETWEEN_LAYERS)
def test_what_cannot_be_decided_is_refused(rewrite: Rewrite) -> None:
    layers = BilinearNetwork(60, 2, depth=2, width=3, hidden=3).layers()
    message = (
        "expected two networks whose layers agree, that differ on one of the points tried, or that "
        "can be expanded, got networks that agree on 4 points: expected at most 250,000 monomials"
    )
    with pytest.raises(AnalyticError, match=message):
        same_polynomial(ExactNetwork(layers), ExactNetwork(rewrite(layers)))


def test_layers_of_other_sizes_do_not_correspond() -> None:
    layers = round_layers()
    exact = ExactNetwork(layers)
    for other in (with_a_hidden_component_more(layers), layers[:1]):
        with pytest.raises(AnalyticError, match="expected second to have layers of shapes"):
            layers_difference(exact, ExactNetwork(other))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"second": None}, "expected second to be an ExactNetwork, got a NoneType"),
        ({"first": round_layers()}, "expected first to be an ExactNetwork, got a list"),
        ({"seed": -1}, "expected seed to be at least 0, got -1"),
        ({"seed": None}, "expected seed to be an integer, got None"),
        ({"points": -1}, "expected points to be at least 0, got -1"),
        ({"points": 1.0}, r"expected points to be an integer, got 1\.0"),
    ],
)
def test_arguments_that_mean_nothing_are_refused(arguments: dict[str, Any], message: str) -> None:
    network = ExactNetwork(round_layers())
    with pytest.raises(AnalyticError, match=message):
        same_polynomial(**{"first": network, "second": network} | arguments)
