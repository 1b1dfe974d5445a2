"""Norms of differences bound what values move by, at any size of weights, and say 0 truly."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numeric import BilinearNetwork, Layer, prune, trace
from numeric.features.distances import distances
from numeric.features.kernels import stack_products, with_linear_neurons
from tests.graphs import exact_logits
from tests.oracles import value
from tests.strategies import few, networks, points, stacks, tame, wild


def moved(first: Any, second: Any, point: Any) -> list[Fraction]:
    return [abs(a - b) for a, b in zip(value(first, point), value(second, point), strict=True)]


def reach(layers: int, point: Any) -> Fraction:
    return Fraction((1 + sum(Fraction(float(entry)) ** 2 for entry in point)) ** 2 ** (layers - 1))


def by_subtraction(first: list[Layer], second: list[Layer]) -> Any:
    """The slow and obvious norm, which cancels."""
    one, other = ([with_linear_neurons(layer) for layer in stack] for stack in (first, second))
    squares = stack_products(one, one) - 2 * stack_products(one, other)
    return np.sqrt(np.maximum(np.diag(squares + stack_products(other, other)), 0))[1:]


def two_layers(**shape: Any) -> list[Layer]:
    return BilinearNetwork(3, 2, **{"depth": 2, "width": 2, "hidden": 3, **shape}).double().layers()


def with_weight(layers: list[Layer], number: int, change: float) -> list[Layer]:
    down = layers[number].down.copy()
    down[1, 0] += change
    return [*layers[:number], layers[number]._replace(down=down), *layers[number + 1 :]]


@pytest.mark.props
@given(st.data())
def test_no_value_of_two_stacks_differs_by_more_than_the_norm_allows(data: st.DataObject) -> None:
    elements = data.draw(st.sampled_from([few, tame, wild]))
    first = data.draw(stacks(elements=elements, max_depth=3))
    ends = first[0].linear.shape[1] - 1, len(first[-1].linear) - 1
    second = data.draw(
        stacks(elements=elements, inputs=ends[0], outputs=ends[1]).filter(
            lambda stack: len(stack) == len(first)
        )
        if data.draw(st.booleans()) and len(first) < 3
        else st.just([layer._replace(down=layer.down * 0.5) for layer in first])
    )
    point = data.draw(points(ends[0], elements=elements, count=1))[0]
    bounds = distances(first, second)
    assert not np.isnan(bounds).any()
    for bound, change in zip(bounds, moved(first, second, point), strict=True):
        assert bound == np.inf or change <= Fraction(bound) * reach(len(first), point)


@pytest.mark.props
@given(st.data())
def test_no_logit_moves_by_more_than_a_cut_states(data: st.DataObject) -> None:
    model = data.draw(networks(elements=tame))
    graph = trace(model, data.draw(st.sampled_from(["polarized", "eigen"])))
    count = sum(node[0] == "feature" for node in graph)
    pruned = prune(graph, features=data.draw(st.integers(0, count)))
    point = data.draw(points(model.configuration.inputs, count=1))[0]
    gone = [node for node, cut in pruned.nodes(data="cut", default=False) if cut]
    left = pruned.copy()
    left.remove_nodes_from([*gone, *(node for node in pruned if node[0] == "residual")])
    pairs = zip(exact_logits(graph, point), exact_logits(left, point), strict=True)
    for label, (one, other) in enumerate(pairs):
        bound = Fraction(pruned.nodes["residual", label]["bound"])
        assert abs(one - other) <= bound * reach(len(model.layers()), point)


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("shape", [{}, {"bias": False}, {"residual": True}])
def test_the_norm_is_that_of_the_subtraction_where_that_does_not_cancel(
    number: int, shape: dict[str, Any]
) -> None:
    layers = two_layers(**shape)
    changed = with_weight(layers, number, 0.5)
    np.testing.assert_allclose(
        distances(layers, changed), by_subtraction(layers, changed), rtol=1e-6, atol=1e-12
    )


@pytest.mark.parametrize("number", [0, 1])
def test_the_norm_follows_a_difference_far_below_what_a_subtraction_sees(number: int) -> None:
    layers = [layer._replace(down=np.round(layer.down * 16) / 16) for layer in two_layers()]
    large, small = (
        distances(layers, with_weight(layers, number, change)) for change in (2.0**-10, 2.0**-40)
    )
    assert large.any()
    np.testing.assert_allclose(small, large * 2.0**-30, rtol=1e-2)


def test_stacks_of_the_same_weights_have_no_distance_and_one_ulp_has_one() -> None:
    layers = two_layers()
    assert (distances(layers, layers) == 0).all()
    down = layers[0].down.copy()
    down[1, 0] = np.nextafter(down[1, 0], 2)
    bounds = distances(layers, [layers[0]._replace(down=down), layers[1]])
    assert (bounds > 0).all()
    assert (bounds < 1e-14).all()


def test_hidden_states_may_have_other_sizes() -> None:
    layers = two_layers()
    lower = layers[0]._replace(down=layers[0].down[:2], linear=layers[0].linear[:2])
    upper = Layer(
        *(array[:, :2] for array in layers[1][:2]), layers[1].down, layers[1].linear[:, :2]
    )
    smaller = [lower, upper]
    np.testing.assert_allclose(
        distances(layers, smaller), by_subtraction(layers, smaller), rtol=1e-6
    )


@pytest.mark.parametrize("power", [-300, -150, 0, 100, 150])
def test_weights_of_any_size_have_a_norm_of_their_size(power: int) -> None:
    rows, down = np.array([[0.0, 10.0**power]]), np.array([[0.0], [1.0]])
    layer = Layer(rows, rows, down, np.array([[1.0, 0.0], [0.0, 0.0]]))
    (bound,) = distances([layer], [layer._replace(down=0 * down)])
    exact = Fraction(10.0**power) ** 2
    assert exact <= Fraction(bound) <= exact * Fraction(10**9 + 1, 10**9) + Fraction(2) ** -1070


def test_a_norm_beyond_float64_is_infinite() -> None:
    rows, down = np.array([[0.0, 1e300]]), np.array([[0.0], [1.0]])
    layer = Layer(rows, rows, down, np.eye(2))
    assert distances([layer], [layer._replace(down=0 * down)]) == [np.inf]


def test_stacks_that_do_not_hand_on_the_constant_have_no_bound() -> None:
    layers = two_layers()
    lost = layers[0]._replace(linear=0 * layers[0].linear)
    assert (distances([lost, layers[1]], [lost, layers[1]]) == np.inf).all()
    assert (distances(layers, [lost, layers[1]]) == np.inf).all()


@pytest.mark.parametrize("share", [0.5, 0.999])
def test_less_than_the_norm_would_be_no_bound(share: float) -> None:
    rows, down = np.array([[0.0, 2.0]]), np.array([[0.0], [3.0]])
    layer = Layer(rows, rows, down, np.array([[1.0, 0.0], [0.0, 0.0]]))
    second, point = layer._replace(down=0 * down), np.array([1e6])
    (bound,), (change,) = distances([layer], [second]), moved([layer], [second], point)
    allowed = Fraction(bound) * reach(1, point)
    assert share * allowed < change <= allowed


def test_a_strong_neuron_hides_no_weak_one() -> None:
    model = BilinearNetwork(4, 2, depth=1, hidden=3, seed=1).double()
    for side in (model.blocks[0].left, model.blocks[0].right):
        side.weight.data[0] *= 1e5
    graph = trace(model, "polarized")
    count = sum(node[0] == "feature" for node in graph)
    untouched = prune(graph, bound=0.0, radius=1.0)
    assert not any(cut for _, cut in untouched.nodes(data="cut", default=False))
    weakest = prune(graph, features=count - 1)
    for label in range(2):
        assert 0 < weakest.nodes["residual", label]["bound"] < 10
