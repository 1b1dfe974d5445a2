"""Networks whose embeddings and heads are multiplied in, and graphs with layers where these are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numeric import Layer, NumericError, rewrite, square_layers, trace, validate
from numeric.networks.inference import logits
from numeric.networks.normal_form import folded
from tests.strategies import stacks, tame
from tests.tensors import random_stack, rounding_scale, stack_values

Doubles = npt.NDArray[np.float64]


def linear(layer: Layer) -> Layer:
    """The layer without its neurons."""
    return layer._replace(left=layer.left[:0], right=layer.right[:0], down=layer.down[:, :0])


def research(blocks: int = 1) -> list[Layer]:
    """An embedding, layers of products and a head."""
    embedding, *inner, head = random_stack([6, 5, *[4] * blocks, 3])
    return [linear(embedding), *inner, linear(head)]


def outputs(graph: object, points: Doubles) -> Doubles:
    return logits(rewrite(graph), points)  # type: ignore[arg-type]  # a graph


@pytest.mark.props
@given(stacks(elements=tame), st.integers(0, 9))
def test_a_folded_network_computes_the_same(layers: list[Layer], seed: int) -> None:
    points = np.random.default_rng(seed).normal(size=(5, layers[0].linear.shape[1] - 1))
    whole = [linear(layer) if number % 2 else layer for number, layer in enumerate(layers)]
    for stack in (layers, whole, [linear(layers[0]), *layers[1:]]):
        found = stack_values(folded(stack), points)
        scale = rounding_scale(stack, points)
        assert (abs(found - stack_values(stack, points)) <= 1e-9 * scale).all()


@pytest.mark.parametrize(("kinds", "count"), [("lpl", 1), ("llpllplp", 3), ("p", 1), ("pl", 1)])
def test_a_layer_stays_for_each_that_has_neurons(kinds: str, count: int) -> None:
    stack = random_stack([4] * (len(kinds) + 1))
    layers = [
        layer if kind == "p" else linear(layer) for kind, layer in zip(kinds, stack, strict=True)
    ]
    assert len(folded(layers)) == count
    points = np.random.default_rng(0).normal(size=(5, 4))
    np.testing.assert_allclose(
        stack_values(folded(layers), points), stack_values(layers, points), rtol=1e-9
    )


def test_nothing_is_copied_or_rounded_where_nothing_is_folded() -> None:
    layers = random_stack([3, 4, 2])
    assert all(one is other for one, other in zip(folded(layers), layers, strict=True))
    (alone,) = folded([linear(layers[0])])
    assert np.array_equal(alone.linear, layers[0].linear)


def test_linear_maps_alone_become_one_layer_and_keep_their_layers_in_a_graph() -> None:
    layers = [linear(layer) for layer in random_stack([3, 4, 2])]
    (whole,) = folded(layers)
    np.testing.assert_array_equal(whole.linear, layers[1].linear @ layers[0].linear)
    assert len(square_layers(trace(layers, "eigen"))) == 2


@pytest.mark.parametrize("method", ["eigen", "canonical"])
@pytest.mark.parametrize("blocks", [1, 2])
def test_graphs_have_layers_where_the_network_has_them_and_compute_it(
    blocks: int, method: str
) -> None:
    layers = research(blocks)
    graph = trace(layers, method)
    squares = square_layers(graph)
    counts = [len(square.readings) for square in squares]
    assert len(counts) == len(layers)
    assert counts[0] == counts[-1] == 0 < min(counts[1:-1])
    points = np.random.default_rng(0).normal(size=(20, 6))
    expected = stack_values(layers, points)
    assert abs(outputs(graph, points) - expected).max() <= 1e-9 * abs(expected).max()
    np.testing.assert_array_equal(squares[0].linear, layers[0].linear)


def test_eigenfeatures_of_one_layer_between_linear_maps_are_those_of_the_classes() -> None:
    layers = research()
    squares = square_layers(trace(layers, "eigen"))
    (whole,) = square_layers(trace(folded(layers), "eigen"))
    np.testing.assert_array_equal(squares[1].mixing, whole.mixing)
    np.testing.assert_allclose(squares[1].readings @ squares[0].linear, whole.readings, atol=1e-12)
    assert ((whole.mixing != 0).sum(axis=0) == 1).all()


def test_an_embedding_that_returns_more_than_it_reads_is_not_read_backwards() -> None:
    embedding, block = random_stack([2, 6, 3])
    layers = [linear(embedding), block]
    first, second = square_layers(trace(layers, "eigen"))
    assert len(first.linear) != len(embedding.linear)
    points = np.random.default_rng(0).normal(size=(20, 2))
    np.testing.assert_allclose(
        outputs(trace(layers, "eigen"), points), stack_values(layers, points), rtol=1e-9
    )
    assert second.linear[1:].any()


def test_a_network_that_reads_nothing_of_its_embedding_has_a_graph() -> None:
    embedding, block = random_stack([2, 2, 3])
    nothing = linear(embedding)._replace(linear=np.diag([1.0, 0, 0]))
    graph = trace([nothing, block._replace(linear=0 * block.linear)], "eigen")
    validate(graph)
    assert graph.graph["sizes"][1] > 1


def test_an_embedding_and_a_head_take_no_features() -> None:
    layers = research(2)
    graph = trace(layers, "shared", features=9)
    counts = [len(square.readings) for square in square_layers(graph)]
    assert (counts[0], sum(counts), counts[-1]) == (0, 9, 0)
    first, second = square_layers(graph)[:2]
    whole = square_layers(trace(folded(layers), "shared", features=9))[0]
    np.testing.assert_array_equal(second.mixing, whole.mixing)
    # Each feature is one form of the layer below it, squared.
    np.testing.assert_array_equal(second.readings, np.eye(counts[1], counts[1] + 1, k=1))
    np.testing.assert_array_equal(first.linear[1:], whole.readings)
    assert [len(values) for values in graph.graph["singular_values"]] == [0, 4, 0]
    assert [error == 0 for error in graph.graph["errors"]] == [True, False, False, True]


def test_the_residual_bounds_the_distance_to_the_network_itself() -> None:
    layers = research(2)
    graph = trace(layers, "shared", features=9)
    points = np.random.default_rng(0).normal(size=(50, 6))
    moved = abs(outputs(graph, points) - stack_values(layers, points))
    reach = (1 + (points**2).sum(axis=1)) ** (2 ** len(layers) / 2)
    bounds = np.array([graph.nodes["residual", label]["bound"] for label in range(3)])
    assert (moved > 0).all()
    assert (moved <= bounds * reach[:, None]).all()


def test_polarized_features_keep_every_layer_as_it_is() -> None:
    layers = research()
    squares = square_layers(trace(layers, "polarized"))
    np.testing.assert_array_equal(squares[0].linear, layers[0].linear)
    np.testing.assert_array_equal(squares[-1].linear[1:], layers[-1].linear[1:])


def test_a_product_beyond_the_range_of_floats_is_refused() -> None:
    layers = research()
    layers[0] = layers[0]._replace(linear=layers[0].linear * 1e200)
    layers[1] = layers[1]._replace(left=layers[1].left * 1e200)
    with pytest.raises(NumericError, match="weights of layer 1, embedding and head multiplied in"):
        trace(layers, "eigen")
