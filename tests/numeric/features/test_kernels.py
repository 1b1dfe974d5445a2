"""Inner products of forms against tensors that are built entry by entry."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numeric import BilinearNetwork, Layer
from numeric.features.kernels import environment, products, with_linear_neurons
from tests.oracles import value
from tests.strategies import networks_with_points, stacks
from tests.tensors import layer_tensor, random_metric, slow_environment, slow_products

Doubles = npt.NDArray[np.float64]


def random_layer(seed: int = 0, inputs: int = 3, outputs: int = 2, hidden: int = 4) -> Layer:
    draw = np.random.default_rng(seed).normal
    shapes = ((hidden, inputs + 1),) * 2 + ((outputs + 1, hidden), (outputs + 1, inputs + 1))
    return Layer(*(draw(size=shape) for shape in shapes))


def assert_close(found: Doubles, expected: Doubles, size: float) -> None:
    assert found.shape == expected.shape
    assert abs(found - expected).max() <= 1e-12 * size


def sizes(layer: Layer) -> Layer:
    """A layer whose terms never cancel: what rounding is relative to."""
    return Layer(*(abs(array) for array in layer))


def mirrored(layer: Layer) -> Layer:
    return layer._replace(left=layer.right, right=layer.left)


def partly_mirrored(layer: Layer) -> Layer:
    left, right = layer.left.copy(), layer.right.copy()
    left[::2], right[::2] = layer.right[::2], layer.left[::2]
    return layer._replace(left=left, right=right)


# The linear part


@pytest.mark.props
@given(networks_with_points())
def test_a_linear_part_written_as_neurons_changes_no_function(
    case: tuple[BilinearNetwork, Doubles],
) -> None:
    model, inputs = case
    rewritten = [with_linear_neurons(layer) for layer in model.layers()]
    assert not any(layer.linear.any() for layer in rewritten)
    for point in inputs:
        assert value(rewritten, point) == value(model.layers(), point)


def test_a_layer_is_left_as_it_is_when_its_linear_part_is_written_as_neurons() -> None:
    layer = random_layer()
    before = [array.copy() for array in layer]
    rewritten = with_linear_neurons(layer)
    for array in rewritten:
        array[:] = 7
    for array, kept in zip(layer, before, strict=True):
        np.testing.assert_array_equal(array, kept)


# Products


@pytest.mark.props
@given(st.data(), st.integers(0, 9))
def test_products_are_the_inner_products_of_the_outputs_symmetric_tensors(
    data: st.DataObject, seed: int
) -> None:
    (first,) = data.draw(stacks(max_depth=1))
    (second,) = data.draw(stacks(max_depth=1, inputs=first.linear.shape[1] - 1))
    root = np.random.default_rng(seed).normal(size=(first.linear.shape[1],) * 2)
    one, other = with_linear_neurons(first), with_linear_neurons(second)
    for metric in (np.eye(len(root)), root @ root.T):
        size = slow_products(sizes(first), sizes(second), abs(metric)).max()
        expected = slow_products(first, second, metric)
        assert_close(products(one, other, metric), expected, size)
        if (metric == np.eye(len(root))).all():
            assert_close(products(one, other), expected, size)


def test_products_across_two_bases_take_a_metric_that_is_not_square() -> None:
    first, second = random_layer(inputs=3), random_layer(1, inputs=2)
    metric = np.random.default_rng(2).normal(size=(4, 3))
    found = products(with_linear_neurons(first), with_linear_neurons(second), metric)
    np.testing.assert_allclose(found, slow_products(first, second, metric), rtol=1e-12)


def without_crossed_terms(layer: Layer) -> Doubles:
    straight = (layer.left @ layer.left.T) * (layer.right @ layer.right.T)
    return np.asarray(layer.down @ straight @ layer.down.T)


def without_the_half(layer: Layer) -> Doubles:
    return 2 * products(layer, layer)


@pytest.mark.parametrize("wrong", [without_crossed_terms, without_the_half])
def test_neither_the_crossed_terms_nor_the_half_can_be_left_out_of_products(wrong: Any) -> None:
    layer = random_layer()
    expected = slow_products(layer, layer, np.eye(4))
    layer = with_linear_neurons(layer)
    assert abs(products(layer, layer) - expected).max() < 1e-12 * expected.max()
    assert abs(wrong(layer) - expected).max() > 0.01 * expected.max()


@pytest.mark.parametrize("swap", [mirrored, partly_mirrored])
def test_swapping_left_and_right_of_neurons_changes_no_product(swap: Any) -> None:
    first, second = (with_linear_neurons(random_layer(seed)) for seed in (0, 1))
    metric = random_metric(4, 0)
    expected = products(first, second, metric)
    np.testing.assert_allclose(products(swap(first), second, metric), expected, rtol=1e-12)
    np.testing.assert_allclose(products(first, swap(second), metric), expected, rtol=1e-12)


def test_products_of_a_layer_with_itself_are_a_gram_matrix() -> None:
    layer = with_linear_neurons(random_layer(outputs=5))
    gram = products(layer, layer, random_metric(4, 3))
    np.testing.assert_allclose(gram, gram.T, rtol=1e-12)
    assert np.linalg.eigvalsh(gram).min() > 0


# Environments


@pytest.mark.props
@given(stacks(max_depth=1, max_size=3, max_neurons=3), st.integers(0, 9))
def test_an_environment_is_what_is_drawn_from_pairs_of_components(
    layers: list[Layer], seed: int
) -> None:
    (layer,) = layers
    root = np.random.default_rng(seed).normal(size=(len(layer.linear),) * 2)
    for above in (np.eye(len(root)), root @ root.T):
        found = environment(with_linear_neurons(layer), above)
        size = slow_environment(sizes(layer), abs(above)).max()
        assert_close(found, slow_environment(layer, above), size)
        assert_close(found, found.T, size)


def by_parts(layer: Layer, crossed: float, quarter: float) -> Doubles:
    """The environment with the identity above, its parts weighted."""
    left, right, down, _ = layer
    drawn = down.T @ down
    straight = left.T @ (drawn * (right @ right.T)) @ left
    straight += right.T @ (drawn * (left @ left.T)) @ right
    other = left.T @ (drawn * (right @ left.T)) @ right
    return np.asarray(quarter * (straight + crossed * (other + other.T)))


def test_neither_the_crossed_terms_nor_the_quarter_can_be_left_out_of_an_environment() -> None:
    layer = random_layer()
    expected = slow_environment(layer, np.eye(3))
    layer = with_linear_neurons(layer)
    for crossed, quarter, right in ((1, 0.25, True), (0, 0.25, False), (1, 0.5, False)):
        found = by_parts(layer, crossed, quarter)
        assert np.allclose(found, expected, rtol=0.01) is right
    np.testing.assert_allclose(environment(layer, np.eye(3)), expected, rtol=1e-12)


@pytest.mark.parametrize("swap", [mirrored, partly_mirrored])
def test_swapping_left_and_right_of_neurons_changes_no_environment(swap: Any) -> None:
    layer, above = with_linear_neurons(random_layer(outputs=3)), random_metric(4, 1)
    expected = environment(layer, above)
    np.testing.assert_allclose(environment(swap(layer), above), expected, rtol=1e-11)


def test_the_trace_of_an_environment_is_that_of_the_products_above() -> None:
    layer, above = with_linear_neurons(random_layer(outputs=3)), random_metric(4, 1)
    drawn = np.trace(environment(layer, above))
    assert drawn == pytest.approx((products(layer, layer) * above).sum(), rel=1e-12)


# More neurons than the forms have numbers


@pytest.mark.parametrize("given_metric", [False, True])
def test_many_neurons_have_the_products_and_the_environment_of_their_tensor(
    *, given_metric: bool
) -> None:
    many = with_linear_neurons(random_layer(1, inputs=2, outputs=1, hidden=30))
    few = with_linear_neurons(random_layer(2, inputs=2, outputs=3, hidden=2))
    many.down[:, ::3] = 0
    alike = random_metric(3, 0) if given_metric else np.eye(3)
    metric = alike if given_metric else None
    for one, other in [(many, few), (few, many), (many, many)]:
        expected = slow_products(one, other, alike)
        assert_close(products(one, other, metric), expected, 1e4)
    above = random_metric(2, 1)
    forms = layer_tensor(many)
    expected = np.einsum("op,oij,jl,plk->ik", above, forms, alike, forms)
    assert_close(environment(many, above, metric), expected, 1e4)
