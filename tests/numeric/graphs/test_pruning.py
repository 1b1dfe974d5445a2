"""Graphs of fewer features."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from numeric import BilinearNetwork, NumericError, load_graph, rewrite, save_graph, trace
from numeric.graphs.graph import square_layers
from numeric.graphs.pruning import as_layers, distances, feature_norms, prune
from numeric.graphs.trace import METHODS
from numeric.networks.inference import logits
from tests.strategies import networks, tame

IMAGES = np.random.default_rng(0).random((40, 9))


def network(**shape: Any) -> BilinearNetwork:
    torch.manual_seed(1)
    return BilinearNetwork(9, 3, **({"depth": 2, "width": 4, "hidden": 5} | shape))


def traced(model: BilinearNetwork, method: str = "eigen") -> nx.DiGraph[Any]:
    return trace(model, method, features=9 if method == "shared" else None)


def outputs(graph: nx.DiGraph[Any], *, residuals: bool = False) -> np.ndarray[Any, Any]:
    return logits(rewrite(graph, residuals=residuals), IMAGES)


def kept(graph: nx.DiGraph[Any]) -> list[Any]:
    cut = graph.nodes(data="cut", default=False)
    return [node for node, gone in cut if node[0] == "feature" and not gone]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("count", [0, 1, 7])
def test_as_many_features_stay_as_asked(method: str, count: int) -> None:
    graph = traced(network(), method)
    pruned = prune(graph, features=count)
    assert len(kept(pruned)) == count
    assert sum(len(layer.readings) for layer in square_layers(pruned)) == count


@pytest.mark.parametrize("method", METHODS)
def test_a_logit_with_its_residual_is_the_logit_before_the_cut(method: str) -> None:
    graph = traced(network(residual=True), method)
    before = outputs(graph)
    pruned = prune(graph, features=4)
    assert abs(outputs(pruned) - before).max() > 1e-3
    assert (outputs(pruned, residuals=True) == before).all()


def test_the_graph_that_was_given_is_left_alone() -> None:
    graph = traced(network())
    before = outputs(graph)
    prune(graph, features=2)
    assert not any(node[0] == "residual" for node in graph)
    assert (outputs(graph) == before).all()


def test_what_was_cut_survives_a_file(tmp_path: Any) -> None:
    pruned = prune(traced(network()), features=5)
    save_graph(pruned, tmp_path / "graph.safetensors")
    loaded = load_graph(tmp_path / "graph.safetensors")
    assert kept(loaded) == kept(pruned)
    assert (outputs(loaded, residuals=True) == outputs(pruned, residuals=True)).all()
    assert loaded.nodes["residual", 1] == pruned.nodes["residual", 1]


def test_a_pruned_graph_can_be_pruned_again_and_given_back_its_features() -> None:
    graph = traced(network())
    total = sum(node[0] == "feature" for node in graph)
    pruned = prune(prune(graph, features=3), features=total)
    assert len(kept(pruned)) == total
    assert (outputs(pruned) == outputs(graph)).all()


def test_all_features_leave_no_residual_beyond_rounding() -> None:
    graph = traced(network())
    pruned = prune(graph, share=1.0)
    norms = distances(as_layers(square_layers(pruned)), as_layers(square_layers(graph)))
    assert (norms < 1e-7).all()


def test_at_depth_1_the_squared_norms_of_eigenfeatures_add_up_to_the_tensors() -> None:
    model = network(depth=1, bias=False)
    layers = square_layers(trace(model, "eigen"))
    nothing = [layer._replace(mixing=0 * layer.mixing) for layer in layers]
    expected = (distances(as_layers(layers), as_layers(nothing)) ** 2).sum()
    assert (feature_norms(layers)[0] ** 2).sum() == pytest.approx(expected, rel=1e-9)


def test_the_weakest_features_go_first() -> None:
    graph = traced(network(depth=1))
    norms = feature_norms(square_layers(graph))[0]
    strongest = set(np.argsort(-norms, kind="stable")[:4].tolist())
    assert {node[2] for node in kept(prune(graph, features=4))} == strongest


def test_the_strongest_of_each_class_stay() -> None:
    graph = traced(network(depth=1))
    (square,) = square_layers(graph)
    found = {node[2] for node in kept(prune(graph, each=2))}
    expected = set()
    for weights in square.mixing[1:]:
        # Eigenfeatures are of norm 1 and of one class each, so that their eigenvalues say it.
        expected |= set(np.argsort(-abs(weights), kind="stable")[:2].tolist())
    assert found == expected
    assert len(found) == 6


def test_the_strongest_of_each_form_stay_below_and_all_where_there_are_no_more() -> None:
    graph = traced(network())
    layers = square_layers(graph)
    one = square_layers(prune(graph, each=1))
    assert [len(layer.readings) for layer in one] == [4, 3]
    assert not kept(prune(graph, each=0))
    most = max(int((layer.mixing != 0).sum(axis=1).max()) for layer in layers)
    assert (outputs(prune(graph, each=most)) == outputs(graph)).all()
    assert len(kept(prune(graph, each=most - 1))) < sum(len(layer.readings) for layer in layers)


def test_a_share_keeps_the_fewest_features_that_carry_it() -> None:
    graph = traced(network(depth=1))
    squares = np.sort(feature_norms(square_layers(graph))[0] ** 2)[::-1]
    count = len(kept(prune(graph, share=0.9)))
    assert squares[:count].sum() >= 0.9 * squares.sum() > squares[: count - 1].sum()


def test_an_agreement_is_reached() -> None:
    graph = traced(network())
    pruned = prune(graph, agreement=0.95, images=IMAGES)
    same = outputs(pruned).argmax(axis=1) == outputs(graph).argmax(axis=1)
    assert same.mean() >= 0.95
    assert len(kept(pruned)) < sum(node[0] == "feature" for node in graph)


def test_a_bound_is_kept_on_the_ball_and_by_no_fewer_features() -> None:
    graph = traced(network())
    before = outputs(graph)
    radius = float(np.linalg.norm(IMAGES, axis=1).max())
    whole = prune(graph, features=0)
    loosest = max(whole.nodes["residual", c]["bound"] for c in range(3)) * (1 + radius**2) ** 2
    pruned = prune(graph, bound=loosest / 10, radius=radius)
    count = len(kept(pruned))
    assert 0 < count < sum(node[0] == "feature" for node in graph)
    assert abs(outputs(pruned) - before).max() <= loosest / 10
    fewer = prune(graph, features=count - 1)
    reached = max(fewer.nodes["residual", c]["bound"] for c in range(3)) * (1 + radius**2) ** 2
    assert reached > loosest / 10


def test_what_shared_features_leave_out_is_in_the_bound_of_the_residuals() -> None:
    model = network().double()
    graph = traced(model, "shared")
    pruned = prune(graph, features=7)
    wanted = logits(model, IMAGES)
    norms = (1 + (IMAGES**2).sum(axis=1)) ** 2
    for found in (graph, pruned):
        for label in range(3):
            moved = abs(outputs(found) - wanted)[:, label]
            assert (moved <= found.nodes["residual", label]["bound"] * norms).all()
    for label in range(3):
        first, second = (found.nodes["residual", label] for found in (graph, pruned))
        assert first["bound"] == first["outside"] == second["outside"] < second["bound"]


@pytest.mark.parametrize("settings", [{"method": "canonical"}, {"method": "eigen"}])
def test_a_graph_that_leaves_nothing_out_has_no_residuals(settings: dict[str, Any]) -> None:
    assert not any(node[0] == "residual" for node in trace(network(), **settings))


def test_components_that_were_cut_leave_a_residual() -> None:
    assert trace(network(), "canonical", components=2).nodes["residual", 0]["outside"] > 0


def test_a_bound_below_what_the_method_left_out_cannot_be_met() -> None:
    with pytest.raises(NumericError, match=r"expected bound to be at least .*, got 0.0"):
        prune(traced(network(), "shared"), bound=0.0, radius=1.0)


@pytest.mark.props
@given(networks(elements=tame, max_depth=2), st.sampled_from(["polarized", "eigen"]), st.data())
def test_no_logit_moves_by_more_than_its_bound(
    model: BilinearNetwork, method: str, data: st.DataObject
) -> None:
    graph = trace(model, method)
    total = sum(node[0] == "feature" for node in graph)
    pruned = prune(graph, features=data.draw(st.integers(0, total)))
    inputs = np.random.default_rng(0).normal(size=(20, model.configuration.inputs))
    before, after = (logits(rewrite(item), inputs) for item in (graph, pruned))
    degree = 2 ** len(model.layers())
    norms = np.sqrt(1 + (inputs**2).sum(axis=1)) ** degree
    for label in range(model.configuration.outputs):
        bound = pruned.nodes["residual", label]["bound"]
        whole = distances(
            *(as_layers(square_layers(g)) for g in (graph, prune(graph, features=0)))
        )[label]
        moved = abs(before - after)[:, label]
        assert (moved <= (bound + 1e-6 * (1 + whole)) * norms * (1 + 1e-9)).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "expected one of features, share, agreement and bound, got none"),
        ({"features": 3, "share": 0.5}, "got features and share"),
        ({"each": 2, "features": 3}, "agreement, bound and each, got features beside each$"),
        ({"each": -1}, "each to be an integer from 0, got -1"),
        ({"each": True}, "each to be an integer from 0, got True"),
        ({"features": -1}, r"features to lie in 0\.\.\d+, got -1"),
        ({"features": 10**6}, r"features to lie in 0\.\.\d+, got 1000000"),
        ({"features": 2.5}, "features to be an integer, got 2.5"),
        ({"features": True}, "features to be an integer, got True"),
        ({"share": 1.5}, r"share to lie in 0\.\.1, got 1.5"),
        ({"agreement": -0.1, "images": IMAGES}, r"agreement to lie in 0\.\.1, got -0.1"),
        ({"share": "half"}, r"share to lie in 0\.\.1, got 'half'"),
        ({"share": np.nan}, r"share to lie in 0\.\.1, got nan"),
        ({"agreement": True, "images": IMAGES}, r"agreement to lie in 0\.\.1, got True"),
        (
            {"features": 3, "bound": 0.1, "radius": 1.0},
            "bound and each, got features beside bound$",
        ),
        ({"features": 3, "radius": 1.0}, "bound and each, got features beside radius$"),
        ({"bound": 0.1}, "radius to be a number from 0, got None"),
        ({"radius": 0.1}, "bound to be a number from 0, got None"),
        ({"bound": np.nan, "radius": 1.0}, "bound to be a number from 0, got nan"),
        ({"bound": 0.1, "radius": -1.0}, "radius to be a number from 0, got -1.0"),
        ({"agreement": 0.9}, "expected images on which to measure the agreement, got None"),
    ],
)
def test_what_cannot_be_done_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(NumericError, match=message):
        prune(traced(network()), **settings)
