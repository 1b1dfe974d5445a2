"""Features that are fitted to what a network computes on images."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import networkx as nx
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numeric import BilinearNetwork, NumericError, SquareLayer, rewrite, square_layers, trace
from numeric.features import fitting
from numeric.features.allocation import allocated
from numeric.features.fitting import Examples, Squares, difference, examples, fitted
from numeric.networks.inference import logits
from numeric.networks.normal_form import Layer, handed_on
from tests.tensors import of_squares, random_metric, random_stack

Doubles = npt.NDArray[np.float64]

seeds = st.integers(0, 2**32 - 1)


def stack(sizes: Sequence[int], features: int, seed: int) -> list[Squares]:
    """Return layers with weights near 1."""
    draw = np.random.default_rng(seed).normal
    return [
        Squares(
            draw(size=(features, below)) / 2,
            draw(size=(above - 1, features)) / 2,
            draw(size=above - 1),
        )
        for below, above in pairwise(sizes)
    ]


def points(count: int, size: int, seed: int) -> Doubles:
    drawn = np.random.default_rng(seed).normal(size=(count, size))
    drawn[:, 0] = 1
    return drawn


def as_layers(squares: Sequence[Squares]) -> list[SquareLayer]:
    found = []
    for readings, weights, constants in squares:
        linear = np.zeros((len(constants) + 1, readings.shape[1]))
        linear[0, 0], linear[1:, 0] = 1, constants
        mixing = np.concatenate([np.zeros((1, len(readings))), weights])
        found.append(SquareLayer(readings, np.zeros_like(readings), mixing, linear))
    return found


def computed(squares: Sequence[SquareLayer], inputs: Doubles) -> Doubles:
    for layer in squares:
        inputs = (inputs @ layer.readings.T) ** 2 @ layer.mixing.T + inputs @ layer.linear.T
    return inputs[:, 1:]


def off(squares: Sequence[SquareLayer], seen: Examples) -> float:
    """Return the mean squared difference of outputs."""
    moved = computed(squares, seen.inputs.astype(np.float64)) - seen.outputs
    return float((moved**2).sum(axis=1).mean())


def moved(squares: Sequence[Squares], by: float, seed: int) -> list[Squares]:
    draw = np.random.default_rng(seed).normal
    return [Squares(*(a + by * draw(size=a.shape) for a in layer)) for layer in squares]


def planted(count: int, seed: int = 0) -> tuple[list[Squares], Examples]:
    """Return squares, and what they compute on images."""
    squares, inputs = stack([6, 4, 3], 5, seed), points(count, 6, seed)
    return squares, Examples(inputs.astype(np.float32), computed(as_layers(squares), inputs))


def nothing() -> None:
    """Take no notice of a step."""


# The difference and its gradient


@pytest.mark.props
@given(st.lists(st.integers(2, 4), min_size=2, max_size=4), st.integers(1, 3), seeds)
def test_the_gradient_is_the_difference_quotient_in_every_direction(
    sizes: list[int], features: int, seed: int
) -> None:
    layers, inputs = stack(sizes, features, seed), points(3, sizes[0], seed)
    wanted = np.random.default_rng(seed).normal(size=(3, sizes[-1] - 1))
    gradient = difference(layers, inputs, wanted)[1]
    step = 1e-5
    for number, layer in enumerate(layers):
        for place, array in enumerate(layer):
            direction = np.random.default_rng(seed).normal(size=array.shape)
            values = []
            for sign in (1, -1):
                changed = layer._replace(**{layer._fields[place]: array + sign * step * direction})
                whole = [*layers[:number], changed, *layers[number + 1 :]]
                values.append(difference(whole, inputs, wanted)[0])
            found = float((gradient[number][place] * direction).sum())
            size = max(
                1.0, float(np.abs(values).max()), float(np.abs(gradient[number][place]).max())
            )
            assert (values[0] - values[1]) / (2 * step) == pytest.approx(found, abs=1e-4 * size)


def test_a_gradient_with_the_constant_passed_down_is_another() -> None:
    layers, seen = planted(4)
    right = difference(layers, seen.inputs, seen.outputs + 1)[1]
    shifted = [layers[0], layers[1]._replace(readings=np.roll(layers[1].readings, 1, axis=1))]
    wrong = difference(shifted, seen.inputs, seen.outputs + 1)[1]
    assert abs(right[0].readings - wrong[0].readings).max() > 1e-3


def test_many_images_are_taken_a_part_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    layers, seen = planted(50)
    value, gradient = difference(layers, seen.inputs, seen.outputs + 1)
    assert value == pytest.approx(2)
    monkeypatch.setattr(fitting, "_CHUNK", 7)
    same, others = difference(layers, seen.inputs, seen.outputs + 1)
    assert same == pytest.approx(value, rel=1e-12)
    for one, other in zip(gradient, others, strict=True):
        for array, part in zip(one, other, strict=True):
            np.testing.assert_allclose(array, part, rtol=1e-9, atol=1e-12)


# Fits


def test_features_that_are_a_little_off_are_fitted_to_what_the_network_computes() -> None:
    squares, seen = planted(400)
    start = as_layers(moved(squares, 0.03, 1))
    found, left = fitted(start, np.eye(6), seen, nothing)
    assert off(found, seen) < off(start, seen) / 100
    varied = ((seen.outputs - seen.outputs.mean(axis=0)) ** 2).sum(axis=1).mean()
    held = Examples(seen.inputs[::20], seen.outputs[::20])
    assert left == pytest.approx(np.sqrt(off(found, held) / varied), rel=1e-3)


def test_a_fit_ends_nowhere_worse_than_it_began_on_the_images_left_out() -> None:
    for seed in range(5):
        squares, seen = planted(30, seed)
        start = as_layers(moved(squares, 0.1, seed))
        found, _ = fitted(start, np.eye(6), seen, nothing)
        held = Examples(seen.inputs[::20], seen.outputs[::20])
        assert off(found, held) <= off(start, held) * (1 + 1e-4)


def test_a_fit_without_images_left_out_would_follow_their_noise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    squares, seen = planted(60)
    start = as_layers(squares)
    noise = 3 * np.random.default_rng(1).normal(size=seen.outputs.shape)
    noisy = Examples(seen.inputs, seen.outputs + noise)
    inputs = points(500, 6, 9)
    fresh = Examples(inputs.astype(np.float32), computed(start, inputs))
    found, _ = fitted(start, np.eye(6), noisy, nothing)
    monkeypatch.setattr(fitting._Search, "_look", keep_the_last)
    longer, _ = fitted(start, np.eye(6), noisy, nothing)
    assert off(found, fresh) < off(longer, fresh) / 2


def keep_the_last(search: Any, numbers: Doubles) -> None:
    search.best = search._layers(numbers)


@pytest.mark.parametrize("change", ["one image", "the same output everywhere"])
def test_where_nothing_can_be_fitted_nothing_is(change: str) -> None:
    squares, seen = planted(1 if change == "one image" else 40)
    outputs = seen.outputs if change == "one image" else np.ones_like(seen.outputs)
    start = as_layers(moved(squares, 0.1, 1))
    found, left = fitted(start, np.eye(6), Examples(seen.inputs, outputs), nothing)
    assert left == 0
    assert computed(found, seen.inputs) == pytest.approx(computed(start, seen.inputs), rel=1e-5)


@pytest.mark.parametrize("power", [-60, 60])
def test_a_fit_has_no_scale_of_its_own(power: int) -> None:
    squares, seen = planted(100)
    start = as_layers(moved(squares, 0.03, 1))
    found, left = fitted(start, np.eye(6), seen, nothing)
    last = start[-1]
    linear = last.linear.copy()
    linear[1:] *= 2.0**power
    scaled = [*start[:-1], last._replace(mixing=last.mixing * 2.0**power, linear=linear)]
    other, same = fitted(
        scaled, np.eye(6), Examples(seen.inputs, seen.outputs * 2.0**power), nothing
    )
    assert same == left
    np.testing.assert_array_equal(other[0].readings, found[0].readings)
    np.testing.assert_array_equal(other[1].mixing, found[1].mixing * 2.0**power)


def test_features_read_no_more_than_the_network_does() -> None:
    squares, seen = planted(200)
    basis = np.linalg.qr(np.random.default_rng(0).normal(size=(6, 3)))[0]
    start = as_layers(moved(squares, 0.03, 1))
    start[0] = start[0]._replace(readings=start[0].readings @ basis @ basis.T)
    found, _ = fitted(start, basis, seen, nothing)
    np.testing.assert_allclose(found[0].readings @ basis @ basis.T, found[0].readings, atol=1e-6)
    assert abs(found[0].readings - start[0].readings).max() > 1e-3


# What is fitted to


def test_examples_are_what_the_network_makes_of_images() -> None:
    layers, root = random_stack([4, 3, 2]), np.linalg.cholesky(random_metric(5, 0))
    images = np.random.default_rng(0).normal(size=(9, 4))
    seen = examples(layers, images, root)
    states = np.column_stack([np.ones(9), images])
    np.testing.assert_allclose(seen.inputs @ root.T, states, atol=1e-5)
    assert (seen.inputs[:, 0] == 1).all()
    np.testing.assert_allclose(seen.outputs, handed_on(layers, states)[:, 1:])
    np.testing.assert_array_equal(seen.few(4), seen.inputs[::3])
    np.testing.assert_array_equal(seen.few(100), seen.inputs)


def test_outputs_beyond_float64_are_refused() -> None:
    layers = random_stack([4, 3, 2])
    with pytest.raises(NumericError, match="outputs on the images within the range of float64"):
        examples(layers, np.full((1, 4), 1e200), np.eye(5))


def test_features_are_split_by_what_outputs_on_images_move_by() -> None:
    # Of the first layer's features only the first sees the images.
    first = of_squares(np.eye(5)[1:], np.concatenate([np.zeros((1, 4)), np.eye(4)]))
    draw = np.random.default_rng(0)
    second = of_squares(np.eye(5)[[1, 1, 2, 3]], draw.normal(size=(4, 4)))
    layers = [_passing(first), _passing(second)]
    inputs = np.zeros((50, 5))
    inputs[:, 0], inputs[:, 1] = 1, draw.normal(size=50)
    importances = [np.array([0.0, 1, 1, 1, 1]), np.array([0.0, 1, 1, 1])]
    alone = allocated(layers, importances, 6, nothing)
    seen = allocated(layers, importances, 6, nothing, inputs)
    assert seen.counts[0] < alone.counts[0]


def _passing(layer: Layer) -> Layer:
    linear = np.zeros_like(layer.linear)
    linear[0, 0] = 1
    down = layer.down.copy()
    down[0] = 0
    return layer._replace(down=down, linear=linear)


# Graphs

Settings = dict[str, Any]
SPREAD = np.diag([3, 2, 1, 1, 0.3, 0.1])


def network(**shape: Any) -> BilinearNetwork:
    return BilinearNetwork(6, 3, width=4, hidden=5, seed=2, **shape).double()


def images(count: int = 300, seed: int = 3) -> Doubles:
    return np.random.default_rng(seed).normal(size=(count, 6)) @ SPREAD


@cache
def graph(**shape: Any) -> nx.DiGraph[Any]:
    count = 4 * shape["depth"]
    return trace(network(**shape), "shared", features=count, metric="data", images=images())


@pytest.mark.parametrize("shape", [{"depth": 1}, {"depth": 2}, {"depth": 2, "embedding": True}])
def test_fitted_features_compute_more_of_a_network_on_other_images(shape: Settings) -> None:
    model, fresh = network(**shape), images(200, 9)
    wanted = logits(model, fresh)
    alone = trace(model, "shared", features=4 * shape["depth"], metric="pixels")
    fitted_off, off_alone = (
        ((logits(rewrite(found), fresh) - wanted) ** 2).mean() for found in (graph(**shape), alone)
    )
    assert fitted_off < off_alone / 2
    assert "fitted" not in alone.graph
    assert "errors" not in graph(**shape).graph
    assert len(alone.graph["errors"]) >= shape["depth"]


def test_a_graph_says_that_it_was_fitted_and_on_how_many_images() -> None:
    notes = graph(depth=2).graph
    assert notes["metric"] == "alike as in 300 images, features fitted to the network on them"
    assert 0 < notes["fitted"] < 1


def test_features_that_leave_a_given_share_of_the_weights_are_not_fitted() -> None:
    found = trace(network(depth=1), "shared", error=0.3, metric="data", images=images())
    assert found.graph["metric"] == "alike as in 300 images"
    assert "fitted" not in found.graph
    assert max(found.graph["errors"]) <= 0.3


def test_a_fit_is_the_same_twice() -> None:
    again = trace(network(depth=1), "shared", features=4, metric="data", images=images())
    for one, other in zip(square_layers(graph(depth=1)), square_layers(again), strict=True):
        for array, same in zip(one, other, strict=True):
            np.testing.assert_array_equal(array, same)


def test_residuals_bound_what_fitted_features_leave_out() -> None:
    points = np.random.default_rng(5).normal(size=(20, 6))
    sizes = np.sqrt(1 + (points**2).sum(axis=1)) ** 4
    away = abs(logits(rewrite(graph(depth=2)), points) - logits(network(depth=2), points))
    for output in range(3):
        bound = graph(depth=2).nodes["residual", output]["bound"]
        assert (away[:, output] <= bound * sizes).all()
        assert not (away[:, output] <= 1e-3 * bound * sizes).all()
