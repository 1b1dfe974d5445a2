"""Canonical and shared features: what they reproduce, what is said of them, what is refused."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from numeric import (
    BilinearNetwork,
    Layer,
    load_graph,
    rewrite,
    save_graph,
    square_layers,
    trace,
    validate,
)
from numeric.features.canonical import canonical, close_groups, shared
from tests.graphs import assert_same_graph
from tests.strategies import networks_with_points
from tests.tensors import logit_size, random_metric, random_stack, rounding_scale, stack_tensor

Doubles = npt.NDArray[np.float64]
Points = tuple[BilinearNetwork, npt.NDArray[Any]]


def network(seed: int = 0, **shape: Any) -> BilinearNetwork:
    """A network whose biases are as large as its other weights."""
    model = BilinearNetwork(4, 3, **{"depth": 2, "width": 3, "hidden": 6, **shape}).double()
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, generator=generator)
    return model


def outputs(module: torch.nn.Module, points: npt.NDArray[Any]) -> Doubles:
    with torch.no_grad():
        return np.asarray(module(torch.from_numpy(points)).numpy())


def counts(graph: Any) -> list[int]:
    return [len(layer.readings) for layer in square_layers(graph)]


def error(graph: Any, model: BilinearNetwork) -> float:
    """The norm by which a graph moves the tensor of the logits, relative to that."""
    squares = [
        Layer(layer.readings, layer.readings, layer.mixing, layer.linear)
        for layer in square_layers(graph)
    ]
    wanted = stack_tensor(model.layers())
    return float(np.sqrt(logit_size(stack_tensor(squares) - wanted) / logit_size(wanted)))


# Nothing is lost


@pytest.mark.props
@given(networks_with_points(), st.booleans(), st.integers(0, 9))
def test_canonical_features_of_all_components_reproduce_the_outputs(
    case: Points, given_metric: bool, seed: int
) -> None:
    model, points = case[0].double(), case[1].astype(np.float64)
    metric = random_metric(points.shape[1] + 1, seed) if given_metric else "pixels"
    graph = trace(model, "canonical", metric=metric)
    validate(graph)
    found = outputs(rewrite(graph), points)
    scale = rounding_scale(model.layers(), points)
    assert (abs(found - outputs(model, points)) <= 1e-9 * scale).all()


@pytest.mark.parametrize(
    ("depth", "bias", "residual", "embedding"), list(product((1, 2, 3), *[(False, True)] * 3))
)
def test_canonical_features_reproduce_every_logit_of_networks_of_every_shape(
    depth: int, *, bias: bool, residual: bool, embedding: bool
) -> None:
    model = network(depth=depth, bias=bias, residual=residual, embedding=embedding)
    points = np.random.default_rng(0).random((50, 4))
    expected = outputs(model, points)
    for metric in (None, random_metric(5, 0)):
        graph = trace(model, "canonical", metric=metric)
        sizes = [5, *(len(layer.linear) for layer in model.layers())]
        assert graph.graph["sizes"] == sizes
        found = outputs(rewrite(graph), points)
        assert abs(found - expected).max() <= 1e-9 * abs(expected).max()


@pytest.mark.props
@given(networks_with_points(max_size=2), st.integers(1, 2))
def test_shared_features_are_a_graph_of_any_network(case: Points, each: int) -> None:
    model, points = case[0].double(), case[1].astype(np.float64)
    depth = model.configuration.depth
    graph = trace(model, "shared", features=[each] * depth)
    validate(graph)
    # An embedding has no features.
    assert counts(graph) == [0] * model.configuration.embedding + [each] * depth
    assert np.isfinite(outputs(rewrite(graph), points)).all()
    assert all(0 <= left <= 1 for left in graph.graph["errors"])


@pytest.mark.parametrize("embedding", [True, False])
def test_enough_shared_features_reproduce_the_logits(*, embedding: bool) -> None:
    model = network(embedding=embedding)
    graph = trace(model, "shared", features=[12, 10], components=9)
    assert max(graph.graph["errors"]) < 1e-5
    points = np.random.default_rng(0).random((50, 4))
    expected = outputs(model, points)
    assert abs(outputs(rewrite(graph), points) - expected).max() < 1e-4 * abs(expected).max()


def test_few_shared_features_come_closer_than_as_many_canonical_components() -> None:
    model = network(width=6, hidden=8)
    cut = trace(model, "canonical", components=1)
    few = trace(model, "shared", features=sum(counts(cut)))
    assert error(few, model) < error(cut, model)


def test_more_shared_features_come_closer() -> None:
    model = network()
    graphs = [trace(model, "shared", features=count, components=3) for count in (4, 8, 12, 16)]
    errors = [error(graph, model) for graph in graphs]
    assert errors[0] > errors[1] > errors[2] > errors[3]


# Components


@pytest.mark.parametrize("components", [1, 2, np.int64(2)])
@pytest.mark.parametrize("method", ["canonical", "shared"])
def test_as_many_components_stay_as_are_asked_for(method: str, components: int) -> None:
    settings: dict[str, Any] = {"features": [3, 2, 2]} if method == "shared" else {}
    graph = trace(network(depth=3), method, components=components, **settings)
    assert graph.graph["sizes"] == [5, components + 1, components + 1, 4]
    assert [len(values) for values in graph.graph["singular_values"]] == [3, 3]


def test_more_components_than_there_are_are_all_of_them() -> None:
    model = network()
    assert_same_graph(trace(model, "canonical", components=99), trace(model, "canonical"))


def test_cutting_components_moves_the_tensor_within_the_bound() -> None:
    model = network()
    tail, total = 0.0, logit_size(stack_tensor(model.layers()))
    (values,) = trace(model, "canonical").graph["singular_values"]
    for kept in (2, 1):
        tail += values[kept] ** 2
        moved = error(trace(model, "canonical", components=kept), model)
        assert 0 < moved**2 * total <= 2 * tail * (1 + 1e-9)


def test_more_features_keep_more_components() -> None:
    model = network(width=8, hidden=10)
    sizes = [trace(model, "shared", features=count).graph["sizes"][1] for count in (3, 15, 60)]
    assert 2 <= sizes[0] <= sizes[1] <= sizes[2] == 9
    assert sizes[0] < sizes[2]


def test_components_left_out_count_for_little_beside_what_the_features_leave() -> None:
    model = network(width=8, hidden=10)
    few = trace(model, "shared", features=[5, 4])
    all_of_them = trace(model, "shared", features=[5, 4], components=8)
    assert few.graph["sizes"][1] < 9
    assert error(few, model) <= 1.05 * error(all_of_them, model)


def test_a_network_that_draws_nothing_keeps_one_component() -> None:
    model = network()
    with torch.no_grad():
        for parameter in model.blocks[1].parameters():
            parameter.zero_()
    graph = trace(model, "shared", features=3)
    assert graph.graph["sizes"] == [5, 2, 4]
    assert graph.graph["errors"] == [0.0, 0.0]
    np.testing.assert_array_equal(outputs(rewrite(graph), np.ones((1, 4))), [[0, 0, 0]])


# Features


@pytest.mark.parametrize("total", [*range(5, 14), 40, 200])
def test_a_number_of_features_is_for_all_layers_together(total: int) -> None:
    layers = random_stack([300, 1, 20, 20, 1, 1], neurons=30)
    found = shared(layers, features=total, components=20)
    assert sum(len(layer.readings) for layer in found.squares) == total
    assert min(len(layer.readings) for layer in found.squares) >= 1


@pytest.mark.parametrize("seed", range(3))
def test_features_are_split_so_that_the_polynomial_moves_little(seed: int) -> None:
    model = network(seed, width=6, hidden=8)
    found = trace(model, "shared", features=16)
    errors = {
        first: error(trace(model, "shared", features=[first, 16 - first]), model)
        for first in range(4, 13)
    }
    assert error(found, model) <= 1.3 * min(errors.values())
    # The negative control: halves of the features, and such as are split badly, are far worse.
    assert max(errors.values()) > 1.6 * min(errors.values())


@pytest.mark.parametrize("features", [[4, 2], (4, 2), np.array([4, 2])])
def test_features_may_be_given_for_each_layer(features: Any) -> None:
    assert counts(trace(network(), "shared", features=features)) == [4, 2]


def test_canonical_features_are_orthonormal_in_the_metric_output_by_output() -> None:
    metric = random_metric(5, 3)
    for given_metric in ("pixels", metric):
        alike = np.eye(5) if isinstance(given_metric, str) else given_metric
        first, second = canonical(network().layers(), metric=given_metric).squares
        for square, measure in ((first, alike), (second, np.eye(4))):
            for weights in square.mixing:
                rows = square.readings[weights != 0]
                np.testing.assert_allclose(rows @ measure @ rows.T, np.eye(len(rows)), atol=1e-9)


def test_each_canonical_feature_is_of_one_component_the_strongest_first() -> None:
    for square in canonical(network().layers()).squares:
        assert ((square.mixing != 0).sum(axis=0) == 1).all()
        np.testing.assert_array_equal(square.linear[1:], 0)
        for weights in square.mixing:
            assert (np.diff(abs(weights[weights != 0])) <= 0).all()


def test_the_same_network_has_the_same_graph() -> None:
    for method, settings in (("canonical", {}), ("shared", {"features": 12})):
        first, second = (trace(network(), method, **settings) for _ in range(2))
        assert_same_graph(first, second)


# What the graph says


@pytest.mark.parametrize("given_metric", [True, False])
@pytest.mark.parametrize("method", ["canonical", "shared"])
def test_what_is_known_of_the_features_is_json_and_kept_in_files(
    method: str, tmp_path: Path, *, given_metric: bool
) -> None:
    settings: dict[str, Any] = {"features": [3, 2, 2]} if method == "shared" else {}
    if given_metric:
        settings["metric"] = random_metric(5, 0)
    graph = trace(network(depth=3), method, **settings)
    attributes = graph.graph
    assert json.loads(json.dumps(attributes)) == attributes
    assert attributes["metric"] == ("given" if given_metric else "pixels alike")
    assert [len(values) for values in attributes["singular_values"]] == [3, 3]
    assert attributes["undetermined_components"] == [[], []]
    assert attributes["undetermined_features"] == [[], [], []]
    assert ("errors" in attributes) is (method == "shared")
    save_graph(graph, tmp_path / "graph")
    assert_same_graph(load_graph(tmp_path / "graph"), graph)


@pytest.mark.parametrize("method", ["polarized", "eigen"])
def test_other_methods_say_nothing_of_components(method: str) -> None:
    assert trace(network(), method).graph.keys() == {"method", "sizes", "network"}


def equal_eigenvalues() -> list[Layer]:
    """Forms 2x₁² + 2x₂² and 3x₃², drawn from alike by two logits that are these themselves."""
    reading, idle = np.eye(4)[1:], np.zeros((1, 3))  # a layer without neurons would be folded
    down = np.array([[0.0, 0, 0], [2.0, 2.0, 0], [0, 0, np.sqrt(8)]])
    first = Layer(reading, reading, down, np.eye(3, 4) * [1, 0, 0, 0])
    return [first, Layer(idle, idle, np.zeros((3, 1)), np.eye(3))]


def test_components_and_features_that_only_their_span_determines_are_named() -> None:
    graph = trace(equal_eigenvalues(), "canonical")
    assert graph.graph["undetermined_components"] == [[[1, 2]]]
    values = graph.graph["singular_values"][0]
    np.testing.assert_allclose(values, [np.sqrt(2)] * 2, rtol=1e-9)
    square = square_layers(graph)[0]
    groups = graph.graph["undetermined_features"][0]
    assert groups
    for group in groups:
        assert len(group) == 2
        first, second = abs(square.mixing[:, group]).max(axis=0)
        assert first == pytest.approx(second, rel=1e-9)
        rows = square.readings[group]
        np.testing.assert_allclose(rows.T @ rows, np.diag([0, 1, 1, 0]), atol=1e-9)


def test_a_metric_that_tells_inputs_apart_determines_the_features() -> None:
    metric = np.diag([1.0, 2.0, 1.0, 1.0])
    graph = trace(equal_eigenvalues(), "canonical", metric=metric)
    assert graph.graph["undetermined_components"] == [[]]
    assert graph.graph["undetermined_features"][0] == []


@pytest.mark.parametrize(
    ("values", "groups"),
    [
        ([], []),
        ([1.0], []),
        ([1.0, 1.0], [[0, 1]]),
        ([1.0, 1.0 - 9e-7], [[0, 1]]),
        ([1.0, 1.0 - 2e-6], []),
        ([100.0, 1.0, 1.0 - 9e-5, 0.5, 0.5, 0.5], [[1, 2], [3, 4, 5]]),
        ([-2.0, -2.0, 0.0, 2.0, 2.0], [[0, 1], [3, 4]]),
        ([-2.0, 2.0], []),
        ([0.0, 0.0, 0.0], [[0, 1, 2]]),
        ([1.0, 1.0 - 8e-7, 1.0 - 16e-7], [[0, 1, 2]]),
    ],
)
def test_values_next_to_each_other_are_grouped(values: list[float], groups: Any) -> None:
    assert close_groups(np.array(values)) == groups
