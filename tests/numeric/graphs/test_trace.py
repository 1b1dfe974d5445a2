"""Tracing: from a network, or from its layers, to the composition graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given

from numeric import BilinearNetwork, Layer, NumericError, trace, validate
from numeric.features.decompositions import DECOMPOSITIONS
from numeric.graphs import trace as tracing
from tests.graphs import assert_same_graph
from tests.strategies import networks

SETTINGS: dict[str, dict[str, Any]] = {"shared": {"features": 6}}
METHODS = pytest.mark.parametrize("method", ["polarized", "eigen", "canonical", "shared"])


def a_network() -> BilinearNetwork:
    return BilinearNetwork(3, 2, depth=2, width=4, hidden=5, residual=True, embedding=True)


@pytest.mark.props
@given(networks())
def test_every_network_has_a_graph_in_the_schema_by_every_method(network: BilinearNetwork) -> None:
    for method in (*DECOMPOSITIONS, "canonical"):
        graph = trace(network, method)
        validate(graph)
        assert graph.graph["method"] == method
        sizes = [len(layer.linear) for layer in network.layers()]
        assert graph.graph["sizes"][0] == network.configuration.inputs + 1
        # In place of what an embedding returns may stand what features read of it.
        first = network.configuration.embedding and method != "polarized"
        assert graph.graph["sizes"][1 + first :] == sizes[first:]


@METHODS
def test_the_layers_stand_for_the_network(method: str) -> None:
    settings = SETTINGS.get(method, {})
    network = a_network().double()
    layers = [[array.copy() for array in layer] for layer in network.layers()]
    for same in (network.layers(), layers, tuple(map(tuple, layers)), iter(layers)):
        assert_same_graph(trace(same, method, **settings), trace(network, method, **settings))


@METHODS
def test_the_same_network_has_the_same_graph(method: str) -> None:
    first, second = (trace(a_network(), method, **SETTINGS.get(method, {})) for _ in range(2))
    assert_same_graph(first, second)


def test_eigenfeatures_are_the_default() -> None:
    assert trace(a_network()).graph["method"] == "eigen"


@METHODS
def test_the_graph_is_a_copy_of_the_weights(method: str) -> None:
    network = a_network().double()
    layers = [[array.copy() for array in layer] for layer in network.layers()]
    graph = trace(layers, method, **SETTINGS.get(method, {}))
    for layer in layers:
        for array in layer:
            array[:] = 7
    assert_same_graph(graph, trace(network, method, **SETTINGS.get(method, {})))


@pytest.mark.parametrize("method", ["Eigen", "", None, 0, ["eigen"]])
def test_a_method_that_does_not_exist_is_refused_with_those_that_do(method: Any) -> None:
    with pytest.raises(
        NumericError, match="expected method to be one of polarized, eigen, canonical, shared, got"
    ):
        trace(a_network(), method)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (None, "or layers in the normal form, got NoneType"),
        ([], "at least one layer, got none"),
        ([[2.0] * 4], "left of layer 1 to have 2 axes"),
        ([[np.ones(2)] * 4], "left of layer 1 to have 2 axes"),
        ([[np.ones((2, 2), int)] * 4], "left of layer 1 to be float32 or float64, got int"),
        ([[[[1.0], [1.0, 2.0]]] * 4], "left of layer 1 to be a numpy array, got list"),
        ([[np.ones((0, 0))] * 4], "linear of layer 1 to have a row and a column beside"),
        ([[np.full((2, 2), np.inf)] * 4], "left of layer 1 to be finite, got inf"),
    ],
    ids=range(8),
)
@METHODS
def test_layers_that_are_none_are_refused_by_name(layers: Any, message: str, method: str) -> None:
    with pytest.raises(NumericError, match=message):
        trace(layers, method, **SETTINGS.get(method, {}))


@METHODS
def test_a_weight_that_is_not_finite_is_refused_by_name(method: str) -> None:
    network = a_network()
    network.get_parameter("blocks.0.left.weight").data[0, 0] = np.nan
    with pytest.raises(NumericError, match=r"blocks.0.left.weight to be finite, got nan"):
        trace(network, method, **SETTINGS.get(method, {}))


def test_a_graph_knows_the_network_that_it_was_read_from() -> None:
    first, second = (BilinearNetwork(3, 2, width=2, hidden=2, seed=seed) for seed in (0, 1))
    known = [
        trace(network, method).graph["network"]
        for network in (first, second)
        for method in ("polarized", "eigen", "canonical")
    ]
    assert known[0] == known[1] == known[2] == trace(first.layers()).graph["network"]
    assert known[3] == known[4] == known[5] != known[0]


@pytest.mark.parametrize(
    ("method", "name", "value"),
    [
        *((method, "metric", np.eye(4)) for method in ("polarized", "eigen")),
        *((method, "components", 2) for method in ("polarized", "eigen")),
        *((method, "features", 0) for method in ("polarized", "eigen", "canonical")),
    ],
)
def test_a_setting_that_a_method_does_not_have_is_refused(
    method: str, name: str, value: Any
) -> None:
    with pytest.raises(NumericError, match=f"expected no {name} for method '{method}', got"):
        trace(a_network(), method, **{name: value})


def test_shared_features_have_to_be_counted() -> None:
    with pytest.raises(NumericError, match="expected features, how many shared ones there shall"):
        trace(a_network(), "shared")


def test_edges_that_there_are_not_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    each, constant = np.eye(5)[1:], np.diag([1.0, 0, 0, 0, 0])
    square = Layer(each, each, each.T, constant)
    made = trace([square, square], "polarized").edges
    edges = sum("feature" in (source[0], target[0]) for source, target in made)
    monkeypatch.setattr(tracing, "_EDGE", 1)
    monkeypatch.setattr(tracing, "_MOST", edges)
    assert len(trace([square, square], "polarized").edges) == len(made)


@pytest.mark.parametrize(
    ("method", "shape"),
    [
        ("canonical", {"embedding": True}),
        ("canonical", {"embedding": False}),
        ("eigen", {"embedding": True}),
        ("polarized", {"embedding": True}),
    ],
)
def test_a_graph_whose_edges_would_fill_memory_is_refused_before_it_is_made(
    method: str, shape: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = BilinearNetwork(6, 2, depth=2, width=4, hidden=5, **shape).double()
    made = trace(model, method).edges
    edges = sum("feature" in (source[0], target[0]) for source, target in made)
    monkeypatch.setattr(tracing, "_EDGE", 1)
    monkeypatch.setattr(tracing, "_MOST", edges)
    assert len(trace(model, method).edges) == len(made)
    monkeypatch.setattr(tracing, "_MOST", edges - 1)
    monkeypatch.setattr(tracing, "unfolded", None)  # nothing more is done
    with pytest.raises(NumericError, match=f"got {method} features with {edges} edges, about"):
        trace(model, method)
