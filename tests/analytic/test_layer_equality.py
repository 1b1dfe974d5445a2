"""The first coefficient in which corresponding layers differ, held against the oracle."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from analytic import AnalyticError, ExactNetwork, layer_equality, layers_difference
from analytic.layer_equality import CoefficientDifference, _Remainder
from analytic.residues import primes_beyond
from numeric import BilinearNetwork, Layer, square_layers, trace
from tests.analytic.rewrites import (
    WITHIN_LAYERS,
    Layers,
    Rewrite,
    neurons_reversed,
    polarized,
    replaced,
    round_layers,
    swapped,
    with_a_hidden_component_more,
    with_a_zero_neuron,
    with_an_unread_neuron,
    with_entry,
)
from tests.analytic.verdicts import check_coefficient, differing_layer, pairs
from tests.strategies import networks, wild

often = settings(max_examples=4 * settings.default.max_examples)


def difference(first: Layers, second: Layers) -> CoefficientDifference | None:
    """Return the first difference, held against the oracle."""
    found = layers_difference(ExactNetwork(first), ExactNetwork(second))
    assert (found and (found.layer, found.output)) == differing_layer(first, second)
    if found is not None:
        check_coefficient(found, first, second)
    return found


def witness(first: Layers, second: Layers) -> CoefficientDifference:
    found = difference(first, second)
    assert found is not None
    return found


# Equal layers


@pytest.mark.parametrize("rewrite", WITHIN_LAYERS)
@pytest.mark.parametrize("depth", [1, 2])
def test_a_rewrite_changes_no_layer(rewrite: Rewrite, depth: int) -> None:
    layers = round_layers(depth=depth, embedding=depth == 2)
    assert difference(layers, rewrite(layers)) is None
    assert difference(rewrite(layers), layers) is None


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_high_and_a_low_part_are_the_weight_that_no_float_holds(dtype: type) -> None:
    large, small = np.finfo(np.float32).max, np.finfo(np.float32).smallest_subnormal
    row = np.array([[small, large]], dtype)
    layer = Layer(row, row[:, ::-1], np.array([[0.0], [1.0]], dtype), np.eye(2, dtype=dtype))
    ((reading, *_),) = polarized([layer])
    assert reading[1].any()
    assert difference([layer], polarized([layer])) is None
    without_low = [(reading[0], reading[0], *polarized([layer])[0][2:])]
    assert difference([layer], without_low) is not None


def test_two_sums_of_squares_can_be_the_same() -> None:
    # (x + y)² + (x - y)² = 2x² + 2y², and no square stands on both sides.
    linear = np.diag([1.0, 0.0, 0.0])[:2]
    sums = np.array([[0.0, 1.0, 1.0], [0.0, 1.0, -1.0]])
    first = Layer(sums, sums, np.array([[0.0, 0.0], [1.0, 1.0]]), linear)
    second = Layer(np.eye(3)[1:], np.eye(3)[1:], np.array([[0.0, 0.0], [2.0, 2.0]]), linear)
    assert difference([first], [second]) is None
    third = second._replace(down=np.array([[0.0, 0.0], [2.0, 2.5]]))
    expected = CoefficientDifference(1, 1, (2, 2), Fraction(2), Fraction(5, 2))
    assert difference([first], [third]) == expected


def test_a_square_of_a_sum_with_the_constant_has_a_linear_part() -> None:
    # (1 + x)² = 1 + 2x + x²
    row, passing = np.array([[1.0, 1.0]]), np.array([[1.0, 0.0], [0.0, 0.0]])
    square = np.array([[0.0, 1.0]])
    down = np.array([[0.0], [1.0]])
    first = Layer(row, row, down, passing)
    second = Layer(square, square, down, np.array([[1.0, 0.0], [1.0, 2.0]]))
    assert difference([first], [second]) is None


def test_the_constant_of_the_last_layer_is_no_output() -> None:
    layers = round_layers()
    assert difference(layers, with_entry(layers, 2, "linear", (0, 1), 7.0)) is None
    assert difference(layers, with_entry(layers, 2, "down", (0, 1), 7.0)) is None


def test_the_weight_of_a_dead_neuron_does_not_matter() -> None:
    layers = with_an_unread_neuron(round_layers())
    assert difference(layers, with_entry(layers, 1, "left", (3, 1), 7.0)) is None
    layers = with_a_zero_neuron(round_layers())
    assert difference(layers, with_entry(layers, 1, "down", (1, 3), 7.0)) is None


@pytest.mark.props
@given(networks(elements=wild, dtypes=(np.float32,)))
def test_the_polarized_rewrite_of_wild_weights_is_the_same(network: BilinearNetwork) -> None:
    layers = network.layers()
    assert layers_difference(ExactNetwork(layers), ExactNetwork(polarized(layers))) is None


@pytest.mark.props
@given(networks(dtypes=(np.float64,)), st.sampled_from([polarized, swapped, neurons_reversed]))
def test_a_rewrite_that_rounds_nothing_is_the_same(
    network: BilinearNetwork, rewrite: Rewrite
) -> None:
    layers = network.layers()
    assert layers_difference(ExactNetwork(layers), ExactNetwork(rewrite(layers))) is None


# Layers that differ


@pytest.mark.parametrize("number", [1, 2])
def test_a_sign_swapped_in_down_is_found(number: int) -> None:
    layers = round_layers()
    left, right, down, _ = layers[number - 1]
    found = witness(layers, with_entry(layers, number, "down", (2, 1), -down[2, 1]))
    assert (found.layer, found.output, found.monomial) == (number, 2, (0, 0))
    lost = Fraction(left[1, 0]) * Fraction(right[1, 0]) * Fraction(down[2, 1])
    assert found.second - found.first == -2 * lost


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
    assert found == CoefficientDifference(1, 0, (0, 0), Fraction(1), Fraction(2))


def test_an_embedding_differs_from_a_layer_with_neurons() -> None:
    embedding = Layer(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros((2, 0)), np.eye(2))
    layer = Layer(np.ones((1, 2)), np.ones((1, 2)), np.array([[0.0], [1.0]]), np.eye(2))
    found = witness([embedding], [layer])
    assert found == CoefficientDifference(1, 1, (0, 0), Fraction(0), Fraction(1))
    found = witness([embedding], with_entry([embedding], 1, "linear", (1, 1), 2.0))
    assert found == CoefficientDifference(1, 1, (0, 1), Fraction(1), Fraction(2))


FIRST_PRIMES = 4_194_301, 4_194_301 * 4_194_287


def square_of(factor: float, name: str) -> tuple[Layers, Layers]:
    """Return 0, and a square or a linear term with that coefficient."""
    row = np.array([[0.0, 1.0]])
    layer = Layer(row, row, np.zeros((2, 1)), np.zeros((2, 2)))
    return [layer], with_entry([layer], 1, name, (1, 0), factor)


@pytest.mark.parametrize("factor", FIRST_PRIMES)
@pytest.mark.parametrize("name", ["down", "linear"])
def test_a_difference_that_vanishes_modulo_the_first_primes_is_found(
    factor: int, name: str
) -> None:
    found = witness(*square_of(float(factor), name))
    assert (found.first, found.second) == (0, factor)


@pytest.mark.parametrize("factor", FIRST_PRIMES)
def test_one_prime_too_few_would_miss_it(factor: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer_equality, "primes_beyond", lambda bound: primes_beyond(bound)[:-1])
    assert layers_difference(*map(ExactNetwork, square_of(float(factor), "down"))) is None


# Where the constant does not pass


def after_an_embedding(first_row: list[float], layer: Layer) -> list[Layer]:
    none = np.zeros((0, 2))
    return [Layer(none, none, none.T, np.array([first_row, [0.0, 1.0]])), layer]


def product_of(left: list[float], linear: list[float]) -> Layer:
    """Return ``(left · ỹ) ỹ₁ + linear · ỹ``."""
    down, passing = np.array([[0.0], [1.0]]), [1.0, 0.0]
    return Layer(np.array([left]), np.array([[0.0, 1.0]]), down, np.array([passing, linear]))


def test_a_square_without_a_linear_difference_is_found() -> None:
    once, twice = (
        after_an_embedding([0.0, 1.0], product_of([factor, 0.0], [0.5, 3.0]))
        for factor in (1.0, 2.0)
    )
    expected = CoefficientDifference(2, 1, (0, 1), Fraction(1), Fraction(2))
    assert witness(once, twice) == expected


@pytest.mark.parametrize("first_row", [[2.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
def test_a_product_with_a_component_that_is_no_constant_is_no_linear_term(
    first_row: list[float],
) -> None:
    multiplied = after_an_embedding(first_row, product_of([1.0, 0.0], [0.0, 0.0]))
    term = after_an_embedding(first_row, product_of([0.0, 0.0], [0.0, 1.0]))
    assert witness(multiplied, term).monomial == (1,)
    assert witness(term, multiplied).monomial == (1,)


def test_a_constant_that_a_neuron_hands_on_is_as_good() -> None:
    plain = after_an_embedding([1.0, 0.0], product_of([1.0, 0.0], [0.0, 0.0]))
    term = after_an_embedding([1.0, 0.0], product_of([0.0, 0.0], [0.0, 1.0]))
    neuron = Layer(np.eye(2)[:1], np.eye(2)[:1], np.eye(2)[:, :1], np.diag([0.0, 1.0]))
    assert difference(plain, [neuron, plain[1]]) is None
    assert difference(plain, term) is None


# Random pairs against the oracle


@pytest.mark.props
@often
@given(pairs())
def test_a_layer_differs_where_the_oracle_says_it_does(pair: tuple[Layers, Layers]) -> None:
    first, second = pair
    assume([len(y[3]) for y in first] == [len(y[3]) for y in second])
    difference(first, second)


# What a difference says


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


def test_layers_of_other_sizes_do_not_correspond() -> None:
    layers = round_layers()
    exact = ExactNetwork(layers)
    for other in (with_a_hidden_component_more(layers), layers[:1]):
        with pytest.raises(AnalyticError, match="expected second to have layers of shapes"):
            layers_difference(exact, ExactNetwork(other))


@pytest.mark.parametrize("size", [1.0, 2.0**10, 2.0**-31, 3e5])
def test_neurons_of_rows_of_unlike_sizes_cancel_against_their_squares(size: float) -> None:
    network = BilinearNetwork(4, 3, depth=1, hidden=5)
    with torch.no_grad():
        network.blocks[0].left.weight.mul_(size)
        network.blocks[0].left.bias.mul_(size)
    squares = square_layers(trace(network, "polarized"))
    stacks = network.layers(), [layer.in_normal_form() for layer in squares]
    one, other = (ExactNetwork(layers).layers[0] for layers in stacks)
    assert len(_Remainder.between(one, other).readings.numerators) == 0
