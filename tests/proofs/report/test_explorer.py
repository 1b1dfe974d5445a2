"""What the explorer computes with, held against the graph."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from numeric import (
    BilinearNetwork,
    Digits,
    NumericError,
    SquareLayer,
    explain,
    load_graph,
    node_values,
    prune,
    save_graph,
    trace,
)
from numeric.graphs.forward_pass import ForwardPass
from numeric.graphs.graph import compose
from proofs import Claim, Level
from proofs.report import assets, exhibits, explorer
from proofs.report.explorer import edge_strengths, explorer_data
from proofs.report.packing import unpacked
from tests.digits import like_mnist, small_digits

DIGITS = small_digits(pictures=30)


def network(depth: int = 2, **shape: Any) -> BilinearNetwork:
    return BilinearNetwork(9, 3, **{"depth": depth, "width": 4, "hidden": 5, **shape})


def data_of(model: BilinearNetwork, graph: Any, digits: Digits = DIGITS) -> dict[str, Any]:
    found = explorer_data(graph, model, digits)
    written: dict[str, Any] = json.loads(assets.json_text(found))
    return written


def by_name(data: Mapping[str, Any]) -> dict[Any, Any]:
    return {tuple(node["name"]): node for node in data["nodes"]}


SHAPES: list[dict[str, Any]] = [
    {},
    {"depth": 1},
    {"depth": 3, "residual": True},
    {"embedding": True},
    {"bias": False},
    {"width": 1, "hidden": 1},
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("method", ["polarized", "eigen"])
def test_the_nodes_and_edges_are_those_of_the_graph_to_the_last_bit(
    shape: dict[str, Any], method: str
) -> None:
    model = network(**shape)
    graph = trace(model, method)
    data = data_of(model, graph)
    names = [tuple(node["name"]) for node in data["nodes"]]
    assert sorted(names, key=str) == sorted((node for node in graph if node != ("input",)), key=str)
    edges = data["edges"]
    found = {
        (names[source], names[target]): weight
        for source, target, weight in zip(
            edges["source"], edges["target"], edges["weight"], strict=True
        )
    }
    assert found == {
        (source, target): weight + graph.edges[source, target].get("weight_low", 0.0)
        for source, target, weight in graph.edges(data="weight")
        if source != ("input",)
    }
    assert all(
        source < target for source, target in zip(edges["source"], edges["target"], strict=True)
    )
    directions = unpacked(data["directions"])
    rows = {
        name: directions[node["direction"]]
        for name, node in by_name(data).items()
        if "direction" in node
    }
    assert rows.keys() == set(graph.successors(("input",)))
    for name, row in rows.items():
        low = graph.nodes[name].get("direction_low", 0.0)
        assert row.tobytes() == (graph.nodes[name]["direction"] + low).tobytes()


def test_cut_features_and_residuals_take_no_part() -> None:
    model = network()
    pruned = prune(trace(model, "polarized"), features=7)
    data = data_of(model, pruned)
    features = [name for name in by_name(data) if name[0] == "feature"]
    cut = {node for node, is_cut in pruned.nodes(data="cut") if is_cut}
    assert len(features) == 7
    assert not cut & set(features)
    assert {name[0] for name in by_name(data)} == {"feature", "form", "logit"}
    assert data["features"] == {"all": 7, "here": 7}


def test_of_too_many_features_the_strongest_stay_and_the_rest_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(explorer, "_MOST_FEATURES", 8)
    model = network()
    graph = trace(model, "polarized")
    data = data_of(model, graph)
    total = sum(node[0] == "feature" for node in graph)
    assert data["features"] == {"all": total, "here": 8}
    kept = prune(graph, features=8)
    wanted = {node for node in kept if node[0] == "feature" and not kept.nodes[node].get("cut")}
    assert {name for name in by_name(data) if name[0] == "feature"} == wanted


# What is known of nodes


@pytest.mark.parametrize("shape", SHAPES)
def test_extremes_and_ranges_are_those_of_the_values_on_all_digits(shape: dict[str, Any]) -> None:
    model = network(**shape)
    graph = trace(model, "eigen")
    values = node_values(graph, DIGITS.test_images)
    data = data_of(model, graph)
    shown = set(data["digits"]["indices"])
    for name, node in by_name(data).items():
        ordered = sorted(values[name])
        assert np.allclose(node["range"], [ordered[0], ordered[-1]], rtol=1e-5)
        assert np.allclose([value for _, value in node["most"]], ordered[::-1][:5], rtol=1e-5)
        for *_, digit, value in node["most"] + node["quantiles"]:
            assert np.isclose(values[name][digit], value, rtol=1e-5)
            assert digit in shown


def test_a_node_names_those_with_which_only_its_span_is_determined() -> None:
    model = network()
    graph = trace(model, "polarized")
    graph.graph["undetermined_features"] = [[[0, 2]], []]
    graph.graph["undetermined_components"] = [[[1, 2, 99]]]
    found = {
        name: node.get("undetermined") for name, node in by_name(data_of(model, graph)).items()
    }
    assert {name: others for name, others in found.items() if others} == {
        ("feature", 1, 0): [2],
        ("feature", 1, 2): [0],
        ("form", 1, 1): [2, 99],
        ("form", 1, 2): [1, 99],
    }


def test_a_node_that_does_not_read_the_input_alone_has_a_spectrum_and_patterns() -> None:
    model = network()
    data = data_of(model, trace(model, "polarized"))
    pictures = unpacked(data["pictures"])
    assert pictures.dtype == np.int8
    rows = []
    for name, node in by_name(data).items():
        assert ("spectrum" in node) == (name[:2] != ("feature", 1))
        for sign, row in node.get("patterns", []):
            assert any(sign * value > 0 for value in node["spectrum"])
            assert abs(pictures[row].astype(int)).max() == 127
            rows.append(row)
    assert sorted(rows) == list(range(len(pictures)))


# Strengths


def test_strengths_are_what_edges_carry_beside_the_strongest_of_the_same_reader() -> None:
    graph = trace(network(), "polarized")
    forward = ForwardPass.of(graph, DIGITS.test_images)
    strengths = edge_strengths(graph, forward)
    values = node_values(graph, DIGITS.test_images)
    for target in values:
        sources = [source for source in graph.predecessors(target) if source != ("input",)]
        sizes = {
            source: abs(graph.edges[source, target]["weight"])
            * np.sqrt(np.mean(np.square(values[source])))
            for source in sources
        }
        for source in sources:
            wanted = sizes[source] / max(sizes.values())
            assert np.isclose(strengths[source, target], wanted, rtol=1e-12)
    assert len(strengths) == sum(source != ("input",) for source, _ in graph.edges)


@pytest.mark.parametrize("factor", [1e-200, 1e200])
def test_strengths_do_not_depend_on_the_units(factor: float) -> None:
    """Squares of such numbers are beyond float64."""
    graph = trace(network(bias=False), "polarized")
    wanted = edge_strengths(graph, ForwardPass.of(graph, DIGITS.test_images))
    scaled = [(node, data) for node, data in graph.nodes(data=True) if node[:2] == ("feature", 1)]
    for node, data in scaled:
        data["direction"] = data["direction"] * factor**0.5
        for _, _, edge in graph.out_edges(node, data=True):
            edge["weight"] /= factor
    found = edge_strengths(graph, ForwardPass.of(graph, DIGITS.test_images))
    assert found.keys() == wanted.keys()
    for edge, strength in wanted.items():
        assert np.isclose(found[edge], strength, rtol=1e-9)


def test_readers_of_zeros_have_edges_of_no_strength() -> None:
    graph = trace(network(), "polarized")
    for source, _, edge in graph.edges(data=True):
        if source[:2] == ("feature", 2):
            edge["weight"] = 0.0
    strengths = edge_strengths(graph, ForwardPass.of(graph, DIGITS.test_images))
    into = [strength for (source, _), strength in strengths.items() if source[:2] == ("feature", 2)]
    assert set(into) == {0.0}


# The whole


def test_claims_about_the_graph_are_kept_and_no_others() -> None:
    model = network(1)
    names = ("shared: fidelity", "shared (2): fidelity", "eigen: fidelity", "sharedness")
    claims = [Claim(name, Level.MEASURED, name.title(), holds=True) for name in names]
    found = explorer_data(trace(model), model, DIGITS, claims)["claims"]
    assert found == [{"level": "measured", "statement": "Shared: Fidelity", "holds": True}]


def test_digits_of_another_size_are_refused() -> None:
    model = network()
    with pytest.raises(NumericError, match=r"expected images to have shape .*9"):
        explorer_data(trace(model), model, small_digits(inputs=16))


def test_a_graph_that_was_saved_has_the_same_data(tmp_path: Any) -> None:
    model = network()
    graph = trace(model, "canonical")
    save_graph(graph, tmp_path / "graph.safetensors")
    again = load_graph(tmp_path / "graph.safetensors")
    assert data_of(model, again) == data_of(model, graph)


def test_another_weight_is_other_data() -> None:
    model = network()
    graph = trace(model, "polarized")
    before = data_of(model, graph)
    edge = ("feature", 2, 0), ("logit", 1)
    graph.edges[edge]["weight"] = np.nextafter(graph.edges[edge]["weight"], 9)
    assert data_of(model, graph)["edges"]["weight"] != before["edges"]["weight"]


def test_a_graph_as_large_as_the_default_and_all_its_digits_are_under_three_megabytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Weights and pixels of noise, which nothing compresses: as many as a run of depth 2 has."""
    # A radius has five letters, and so all 200 have a kilobyte.
    monkeypatch.setattr(exhibits, "_CERTIFIED", 2)
    draw = np.random.default_rng(0)
    model = BilinearNetwork(784, 10, depth=2, width=10, hidden=5)
    layers = []
    for inputs, features, outputs in ((785, 167, 11), (11, 33, 11)):
        shapes = (features, inputs), (outputs, features)
        readings, mixing = (draw.standard_normal(shape) for shape in shapes)
        layers.append(SquareLayer(readings, 0 * readings, mixing, np.eye(outputs, inputs)))
    graph = compose(layers, "shared")
    blots = like_mnist()
    places = draw.integers(0, 40, 2200)
    images, labels = blots.test_images[places], blots.test_labels[places]
    # As much ink as MNIST has: a seventh of the pixels is grey.
    noise = draw.integers(1, 256, images.shape) * (draw.random(images.shape) < 0.14)
    images = np.divide(noise.astype(np.uint8), 255, dtype=np.float32)
    digits = Digits(images, labels, images, labels)
    data = explorer_data(graph, model, digits)
    assert data["features"]["here"] == 200
    size = len(assets.json_text(data)) + len(assets.script()) + len(assets.style(explorer=True))
    assert 2e6 < size < 3e6


def test_the_values_that_the_page_explains_are_those_of_python() -> None:
    """The page's sums, a term at a time, from nothing but the data."""
    model = network(depth=3, residual=True)
    graph = trace(model, "polarized")
    data = data_of(model, graph)
    directions = unpacked(data["directions"])
    image = DIGITS.test_images[3].astype(float)
    values = []
    incoming: dict[int, list[tuple[int, float]]] = {}
    edges = data["edges"]
    for source, target, weight in zip(
        edges["source"], edges["target"], edges["weight"], strict=True
    ):
        incoming.setdefault(target, []).append((source, weight))
    for place, node in enumerate(data["nodes"]):
        reading = sum(weight * values[source] for source, weight in incoming.get(place, []))
        if "direction" in node:
            reading += directions[node["direction"]] @ [1.0, *image]
        values.append(reading**2 if node["name"][0] == "feature" else reading)
    names = [tuple(node["name"]) for node in data["nodes"]]
    wanted = explain(graph, image, label=1).total
    assert np.isclose(values[names.index(("logit", 1))], wanted, rtol=1e-12)
