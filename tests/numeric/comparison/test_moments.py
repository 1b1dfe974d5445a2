"""Moments over normal inputs: the textbook sum over set partitions, and every part of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import permutations

import numpy as np
import numpy.typing as npt
import pytest

from numeric import BilinearNetwork, Layer, NumericError
from numeric.comparison import moments
from numeric.comparison.moments import drawn_outputs, expected_products, standard_error
from tests.oracles import value

Doubles = npt.NDArray[np.float64]
Form = tuple[Doubles, Doubles, float]
Cumulant = Callable[[Sequence[Form]], float]


def layers_of(seed: int, depth: int = 2, inputs: int = 3) -> list[Layer]:
    return BilinearNetwork(inputs, 2, depth=depth, width=2, hidden=3, seed=seed).double().layers()


def forms(layer: Layer) -> list[Form]:
    """The matrix, the linear part and the constant of every output."""
    found = []
    for mixed, row in zip(layer.down, layer.linear, strict=True):
        matrix = (layer.left * mixed[:, None]).T @ layer.right
        matrix = (matrix + matrix.T) / 2
        matrix[0] += row / 2
        matrix[:, 0] += row / 2
        found.append((matrix[1:, 1:], 2 * matrix[0, 1:], matrix[0, 0]))
    return found


def textbook(chosen: Sequence[Form]) -> float:
    """The joint cumulant of quadratic forms with linear parts and constants."""
    order = len(chosen)
    matrices, vectors = [form[0] for form in chosen], [form[1] for form in chosen]
    if order == 1:
        return float(np.trace(matrices[0])) + chosen[0][2]
    traces = sum(
        np.trace(np.linalg.multi_dot([matrices[0], *(matrices[i] for i in rest)]))
        for rest in permutations(range(1, order))
    )
    chains = 0.0
    for first, *between, last in permutations(range(order)):
        product = vectors[last]
        for i in reversed(between):
            product = matrices[i] @ product
        chains += vectors[first] @ product
    return float(2 ** (order - 1) * traces + 2.0 ** (order - 3) * chains)


def halved_covariance(chosen: Sequence[Form]) -> float:
    return textbook(chosen) / (2 if len(chosen) == 2 else 1)


def of_second_moments_alone(chosen: Sequence[Form]) -> float:
    return textbook(chosen) if len(chosen) < 3 else 0.0


def without_fourth(chosen: Sequence[Form]) -> float:
    return textbook(chosen) if len(chosen) < 4 else 0.0


def without_crossed_traces(chosen: Sequence[Form]) -> float:
    """The forms of one network stand first: no order in which those of the other come between."""
    if len(chosen) < 4:
        return textbook(chosen)
    first, second, third, fourth = (form[0] for form in chosen)
    return textbook(chosen) - 16 * float(np.trace(first @ third @ second @ fourth))


def without_linear_parts_in_chains(chosen: Sequence[Form]) -> float:
    if len(chosen) < 3:
        return textbook(chosen)
    return textbook([(matrix, 0 * vector, 0.0) for matrix, vector, _ in chosen])


def partitions(items: list[int]) -> Iterator[list[list[int]]]:
    if not items:
        yield []
        return
    first, *rest = items
    for blocks in partitions(rest):
        yield [[first], *blocks]
        for i, block in enumerate(blocks):
            yield [*blocks[:i], [first, *block], *blocks[i + 1 :]]


def slow_products(first: list[Layer], second: list[Layer], cumulant: Cumulant) -> Doubles:
    """Every quadruple of hidden forms by itself."""
    hidden, other = forms(first[0]), forms(second[0])
    table = np.zeros((len(hidden), len(hidden), len(other), len(other)))
    for place in np.ndindex(table.shape):
        chosen = [hidden[place[0]], hidden[place[1]], other[place[2]], other[place[3]]]
        table[place] = sum(
            math.prod(cumulant([chosen[i] for i in sorted(block)]) for block in blocks)
            for blocks in partitions([0, 1, 2, 3])
        )
    mixing, facing = mixing_of(first[1]), mixing_of(second[1])
    return np.einsum("aij,bkl,ijkl->ab", mixing, facing, table)


def mixing_of(layer: Layer) -> Doubles:
    matrices = []
    for matrix, linear, constant in forms(layer):
        whole = np.zeros((len(matrix) + 1,) * 2)
        whole[1:, 1:], whole[0, 1:], whole[1:, 0] = matrix, linear / 2, linear / 2
        whole[0, 0] = constant
        matrices.append(whole)
    return np.stack(matrices)


def test_fifteen_partitions() -> None:
    assert len(list(partitions([0, 1, 2, 3]))) == 15


@pytest.mark.parametrize("seed", range(5))
def test_products_are_the_sum_over_set_partitions(seed: int) -> None:
    first, second = layers_of(seed), layers_of(seed + 50)
    expected = slow_products(first, second, textbook)
    np.testing.assert_allclose(expected_products(first, second), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    "mistaken",
    [
        halved_covariance,
        of_second_moments_alone,
        without_fourth,
        without_crossed_traces,
        without_linear_parts_in_chains,
    ],
)
def test_every_part_of_the_cumulants_is_needed(mistaken: Cumulant) -> None:
    first, second = layers_of(0), layers_of(1)
    right = expected_products(first, second)[1:, 1:]
    wrong = slow_products(first, second, mistaken)[1:, 1:]
    assert (abs(wrong - right) > 1e-6 * abs(right)).all()


def test_propagating_second_moments_alone_is_off_by_much_at_two_layers() -> None:
    errors = []
    for seed in range(10):
        layers = layers_of(seed)
        for layer in layers:
            layer.left[:, 0] = layer.right[:, 0] = layer.linear[1:, 0] = 0  # without biases
        right = np.trace(expected_products(layers, layers)[1:, 1:])
        wrong = np.trace(slow_products(layers, layers, of_second_moments_alone)[1:, 1:])
        errors.append(abs(wrong - right) / right)
    assert np.median(errors) > 0.1


def test_at_one_layer_second_moments_are_all() -> None:
    first, second = layers_of(0, depth=1), layers_of(1, depth=1)
    expected = [
        [textbook([one]) * textbook([other]) + textbook([one, other]) for other in forms(second[0])]
        for one in forms(first[0])
    ]
    np.testing.assert_allclose(expected_products(first, second), expected, rtol=1e-12)


def test_the_constant_of_both_gives_the_means_of_the_outputs() -> None:
    layers = layers_of(3)
    found = expected_products(layers, layers)
    assert found[0, 0] == pytest.approx(1)
    hidden = forms(layers[0])
    for output, matrix in enumerate(mixing_of(layers[1])):
        mean = sum(
            matrix[i, j] * (textbook([one]) * textbook([other]) + textbook([one, other]))
            for i, one in enumerate(hidden)
            for j, other in enumerate(hidden)
        )
        assert found[0, output] == pytest.approx(mean)


@pytest.mark.parametrize("entries", [1, 500, 1 << 30])
def test_the_size_of_a_step_changes_nothing(monkeypatch: pytest.MonkeyPatch, entries: int) -> None:
    expected = expected_products(layers_of(0), layers_of(1))
    monkeypatch.setattr(moments, "_ENTRIES", entries)
    found = expected_products(layers_of(0), layers_of(1))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


# Samples


@pytest.mark.parametrize("samples", [2, 4096, 4097, 9000])
def test_as_many_inputs_are_drawn_as_are_asked_for(samples: int) -> None:
    batches = [*drawn_outputs(layers_of(0), layers_of(1), samples, 0)]
    assert sum(len(one) for one, _ in batches) == samples
    assert all(one.shape == other.shape == (len(one), 2) for one, other in batches)


def test_both_networks_see_the_same_inputs() -> None:
    (drawn,) = drawn_outputs(layers_of(0), layers_of(0), 10, 4)
    np.testing.assert_array_equal(*drawn)


def test_outputs_are_those_of_the_network() -> None:
    layers = layers_of(0, depth=3)
    ((found, _),) = drawn_outputs(layers, layers, 6, 4)
    inputs = np.random.default_rng(4).standard_normal((6, 4))[:, 1:]
    for output, point in zip(found, inputs, strict=True):
        np.testing.assert_allclose(output, [float(y) for y in value(layers, point)], rtol=1e-12)


@pytest.mark.parametrize(
    ("samples", "seed", "message"),
    [
        (1, 0, "expected samples to be an integer of at least 2, got 1"),
        (2.0, 0, "expected samples to be an integer of at least 2, got 2.0"),
        (2, -1, "expected seed to be an integer of at least 0, got -1"),
    ],
)
def test_numbers_out_of_range_are_refused(samples: int, seed: int, message: str) -> None:
    with pytest.raises(NumericError) as caught:
        next(drawn_outputs(layers_of(0), layers_of(0), samples, seed))
    assert str(caught.value) == message


def test_the_standard_error_shrinks_with_the_root_of_the_count() -> None:
    values = np.random.default_rng(0).normal(scale=3, size=40_000)
    assert standard_error(values) == pytest.approx(3 / 200, rel=0.02)
