"""Patterns: sizes of forms against slow loops over tensors, and which features are shown."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given

from numeric import BilinearNetwork, Layer, SquareLayer, square_layers, trace
from numeric.features.patterns import Pattern, Patterns
from numeric.networks.normal_form import same_states
from tests.strategies import networks
from tests.tensors import interaction, slow_products

Doubles = npt.NDArray[np.float64]


def network(depth: int = 1, seed: int = 0, **shape: Any) -> BilinearNetwork:
    return BilinearNetwork(4, 3, depth=depth, width=5, hidden=6, seed=seed, **shape).double()


def patterns_of(model: BilinearNetwork) -> Patterns:
    return Patterns(model.layers(), square_layers(trace(model)))


def both(sides: tuple[list[Pattern], list[Pattern]]) -> list[Pattern]:
    return [*sides[0], *sides[1]]


def metrics_below(model: BilinearNetwork, number: int) -> Doubles:
    """What the size of a reading in a layer is measured by."""
    metric = np.eye(model.layers()[0].linear.shape[1])
    for layer in model.layers()[: number - 1]:
        metric = slow_products(layer, layer, metric)
    return metric


def strongest_direction(matrix: Doubles, metric: Doubles) -> tuple[Doubles, float]:
    """The eigenvector that carries most of a form, and its eigenvalue."""
    values, vectors = np.linalg.eigh(matrix)
    sizes = [
        abs(value) * vector @ metric @ vector
        for value, vector in zip(values, vectors.T, strict=True)
    ]
    chosen = int(np.argmax(sizes))
    return vectors[:, chosen], float(values[chosen])


def assert_same_line(found: Doubles, expected: Doubles) -> None:
    """The same vector but for its sign, the largest entry positive."""
    assert found[abs(found).argmax()] > 0
    np.testing.assert_allclose(abs(found @ expected), expected @ expected, rtol=1e-9)
    np.testing.assert_allclose(found @ found, expected @ expected, rtol=1e-9)


# How strong they are


@pytest.mark.props
@given(networks(max_depth=2, max_size=2))
def test_the_strength_of_a_feature_is_its_weight_times_the_size_of_its_reading(
    model: BilinearNetwork,
) -> None:
    layers, squares = model.layers(), square_layers(trace(model))
    if not same_states(layers, squares):
        # Of an embedding that is not read backwards, it is that of the graph.
        assert model.configuration.embedding
        return
    patterns, row = Patterns(layers, squares), np.eye(len(squares[-1].linear))[1]
    for head in reversed(squares[patterns.last :]):
        row = row @ head.linear
    metric = metrics_below(model, patterns.last)
    for pattern in both(patterns.of_logit(0, 99)):
        reading = squares[patterns.last - 1].readings[pattern.index]
        assert pattern.weight == (row @ squares[patterns.last - 1].mixing)[pattern.index]
        expected = abs(pattern.weight) * (reading @ metric @ reading)
        scale = abs(pattern.weight) * abs(metric).max()
        assert pattern.strength == pytest.approx(expected, rel=1e-6, abs=1e-9 * scale)


# Which features


def test_features_are_split_by_the_sign_of_their_weight_the_strongest_first() -> None:
    for depth in (1, 2, 3):
        patterns = patterns_of(network(depth))
        for label in range(3):
            positive, negative = patterns.of_logit(label, 99)
            assert all(pattern.weight > 0 for pattern in positive)
            assert all(pattern.weight < 0 for pattern in negative)
            for side in (positive, negative):
                strengths = [pattern.strength for pattern in side]
                assert strengths == sorted(strengths, reverse=True)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_all_features_of_an_output_are_among_its_patterns_once(number: int) -> None:
    model = network(3)
    mixing = square_layers(trace(model))[number - 1].mixing
    patterns = patterns_of(model)
    assert patterns.last == 3
    sides = patterns.of_form(number, 2, 99)
    assert sorted(pattern.index for side in sides for pattern in side) == [
        *np.flatnonzero(mixing[2])
    ]
    if number == 3:
        assert indices(sides) == indices(patterns.of_logit(1, 99))


def indices(sides: tuple[list[Pattern], list[Pattern]]) -> list[list[int]]:
    return [[pattern.index for pattern in side] for side in sides]


def test_as_many_features_of_each_sign_are_given_as_are_asked_for() -> None:
    patterns = patterns_of(network())
    every = indices(patterns.of_logit(1, 99))
    assert min(map(len, every)) > 1
    assert indices(patterns.of_logit(1, 1)) == [side[:1] for side in every]
    assert indices(patterns.of_logit(1, 0)) == [[], []]


def test_an_output_of_squares_alone_has_no_negative_features() -> None:
    model = network()
    with torch.no_grad():
        model.blocks[0].right.load_state_dict(model.blocks[0].left.state_dict())
        model.blocks[0].down.weight.abs_()
        model.blocks[0].down.weight[2] *= -1
    patterns = patterns_of(model)
    positive, negative = patterns.of_logit(0, 9)
    assert (len(positive), len(negative)) == (5, 0)
    assert [len(side) for side in patterns.of_logit(2, 9)] == [0, 5]


def test_an_output_of_nothing_has_no_features() -> None:
    model = network()
    with torch.no_grad():
        model.blocks[0].down.weight[1] = 0
    assert patterns_of(model).of_logit(1, 9) == ([], [])


# What they look like


def test_in_one_layer_a_pattern_is_the_eigenvector_itself_without_the_constant() -> None:
    model = network()
    (layer,) = model.layers()
    matrix = interaction(layer._replace(linear=0 * layer.linear), np.eye(4)[2])
    values, vectors = np.linalg.eigh(matrix)
    found = both(patterns_of(model).of_logit(1, 99))
    assert len(found) == 5
    for pattern in found:
        (place,) = np.flatnonzero(np.isclose(values, pattern.weight, rtol=1e-9))
        assert_same_line(pattern.direction, vectors[1:, place])
        assert pattern.strength == pytest.approx(abs(pattern.weight))
        assert pattern.sign == 1


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("residual", [True, False])
def test_a_deep_feature_looks_like_the_strongest_eigenvector_of_what_it_reads(
    seed: int, *, residual: bool
) -> None:
    model = network(2, seed, residual=residual)
    readings = square_layers(trace(model))[1].readings
    for pattern in both(patterns_of(model).of_logit(0, 3)):
        matrix = interaction(model.layers()[0], readings[pattern.index])
        vector, eigenvalue = strongest_direction(matrix, np.eye(5))
        assert_same_line(pattern.direction, vector[1:])
        assert pattern.sign == np.sign(eigenvalue)


@pytest.mark.parametrize("seed", range(4))
def test_a_feature_of_layer_three_is_followed_down_two_layers(seed: int) -> None:
    model = network(3, seed)
    readings = square_layers(trace(model))[2].readings
    for pattern in both(patterns_of(model).of_logit(2, 3)):
        matrix = interaction(model.layers()[1], readings[pattern.index])
        middle, eigenvalue = strongest_direction(matrix, metrics_below(model, 2))
        vector, _ = strongest_direction(interaction(model.layers()[0], middle), np.eye(5))
        assert_same_line(pattern.direction, vector[1:])
        # The square in between hides the sign of the last step, as that of an eigenvector.
        assert pattern.sign == np.sign(eigenvalue)


def test_the_features_of_a_form_read_the_inputs_with_no_sign_of_their_own() -> None:
    positive, negative = patterns_of(network(2)).of_form(1, 3, 9)
    assert len(positive) + len(negative) == 5
    assert {pattern.sign for pattern in positive + negative} == {1}


def test_a_feature_of_forms_that_are_nothing_looks_like_nothing() -> None:
    model = network(3)
    with torch.no_grad():
        for parameter in model.blocks[0].parameters():
            parameter.zero_()
    found = both(patterns_of(model).of_logit(0, 1))
    for pattern in found:
        np.testing.assert_array_equal(pattern.direction, np.zeros(4))


@pytest.mark.parametrize("method", ["eigen", "polarized"])
@pytest.mark.parametrize("heads", [1, 2])
def test_the_features_of_a_logit_are_those_below_the_head(method: str, heads: int) -> None:
    model, random = network(2), np.random.default_rng(0)
    layers, last = model.layers(), np.eye(4)
    for _ in range(heads):
        linear = np.eye(4)
        linear[1:] = random.normal(size=(3, 4))
        last = linear @ last
        layers.append(Layer(np.zeros((0, 4)), np.zeros((0, 4)), np.zeros((4, 0)), linear))
    top = layers[1]
    folded = [layers[0], top._replace(down=last @ top.down, linear=last @ top.linear)]
    whole, alone = (
        Patterns(given, square_layers(trace(given, method))) for given in (layers, folded)
    )
    assert whole.last == alone.last == 2
    for label in range(3):
        pairs = zip(both(whole.of_logit(label, 3)), both(alone.of_logit(label, 3)), strict=True)
        for found, expected in pairs:
            assert found.weight == pytest.approx(expected.weight, rel=1e-9)
            assert_same_line(found.direction, expected.direction)


def test_a_network_without_squares_has_no_features() -> None:
    layer = Layer(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros((2, 0)), np.eye(2, 3))
    patterns = Patterns([layer], square_layers(trace([layer])))
    assert patterns.last == 0
    assert patterns.of_logit(0, 3) == ([], [])


def test_a_layer_without_any_function_shows_an_empty_pattern() -> None:
    nothing = Layer(np.zeros((1, 3)), np.zeros((1, 3)), np.zeros((2, 1)), np.zeros((2, 3)))
    empty = SquareLayer(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros((2, 0)), np.zeros((2, 3)))
    above = SquareLayer(np.ones((1, 2)), np.zeros((1, 2)), np.array([[0.0], [2.0]]), np.eye(2))
    layer = Layer(above.readings, above.readings, above.mixing, above.linear)
    (pattern,), none = Patterns([nothing, layer], [empty, above]).of_logit(0, 3)
    assert none == []
    assert (pattern.index, pattern.weight, pattern.strength, pattern.sign) == (0, 2.0, 0.0, 1)
    np.testing.assert_array_equal(pattern.direction, [0, 0])


# Which forms


def test_the_strongest_forms_are_never_the_constant() -> None:
    patterns = patterns_of(network(3))
    for number in (1, 2):
        assert sorted(patterns.strongest_forms(number, 5)) == [1, 2, 3, 4, 5]
        assert patterns.strongest_forms(number, 2) == patterns.strongest_forms(number, 5)[:2]


@pytest.mark.parametrize("number", [1, 2])
def test_a_form_that_nothing_reads_is_the_weakest_and_one_read_by_much_the_strongest(
    number: int,
) -> None:
    model = network(3)
    with torch.no_grad():
        for affine in (model.blocks[number].left, model.blocks[number].right):
            affine.weight[:, 1] = 0
            affine.weight[:, 3] *= 100
    order = patterns_of(model).strongest_forms(number, 5)
    assert (order[0], order[-1]) == (4, 2)


def test_a_form_counts_by_its_own_size() -> None:
    model = network(2)
    with torch.no_grad():
        model.blocks[0].down.weight[2] *= 100
        model.blocks[0].down.weight[0] = model.blocks[0].down.bias[0] = 0
    order = patterns_of(model).strongest_forms(1, 5)
    assert (order[0], order[-1]) == (3, 1)


def test_a_residual_draws_on_a_form_too() -> None:
    model = BilinearNetwork(2, 2, depth=2, width=2, hidden=3, residual=True, seed=1)
    with torch.no_grad():
        model.blocks[1].left.weight.zero_()
        model.blocks[1].right.weight.zero_()
        model.blocks[0].down.weight[1] = 9 * model.blocks[0].down.weight[0]
    assert patterns_of(model).strongest_forms(1, 2) == [2, 1]
