"""GraphML: what viewers see of a graph, and what they write is read back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

import networkx as nx
import numpy as np
import pytest

from numeric import NumericError
from numeric.graphs.attributes import node_name
from numeric.interchange.graphml import load_graphml, save_graphml
from tests.graphs import INPUT, annotated_graph, assert_same_graph


def test_viewers_see_kind_layer_index_and_weight(tmp_path: Path) -> None:
    save_graphml(annotated_graph(4), tmp_path / "graph.graphml")
    seen = nx.read_graphml(tmp_path / "graph.graphml")
    for node, data in annotated_graph(4).nodes(data=True):
        kind, *places = node
        found = seen.nodes[node_name(node)]
        layer = {"input": 0, "logit": 2}.get(kind) if len(places) < 2 else places[0]
        assert (found["kind"], found["layer"], found["index"]) == (kind, layer, ([0, *places])[-1])
        assert json.loads(found.get("direction", "null")) == (
            data["direction"].tolist() if "direction" in data else None
        )
    for source, target, weight in annotated_graph(4).edges(data="weight"):
        assert seen.edges[node_name(source), node_name(target)]["weight"] == weight


def test_what_another_program_adds_is_kept(tmp_path: Path) -> None:
    save_graphml(annotated_graph(4), tmp_path / "graph.graphml")
    plain = nx.read_graphml(tmp_path / "graph.graphml")
    plain.nodes["logit/0"].update({"x": 1.5, "label": "zero"})
    nx.write_graphml_xml(plain, tmp_path / "graph.graphml", edge_id_from_attribute="key")
    expected = annotated_graph(4)
    expected.nodes["logit", 0].update({"x": 1.5, "label": "zero"})
    assert_same_graph(load_graphml(tmp_path / "graph.graphml"), expected)


def renamed(plain: Any) -> Any:
    return nx.relabel_nodes(plain, {"feature/1/0": "feature/1/x"})


@pytest.mark.parametrize(
    ("alter", "message"),
    [
        (renamed, "expected a node's name like 'feature/2/17', got 'feature/1/x'"),
        (lambda p: nx.relabel_nodes(p, {"feature/1/0": "feature/9/0"}), "every node to be"),
        (lambda p: nx.relabel_nodes(p, {"feature/1/0": "feature/1/²"}), "a node's name like"),
        (lambda p: p.to_undirected(), "to be directed and to have every edge once, got a Graph"),
        (lambda p: nx.MultiDiGraph([*p.edges, *p.edges]), "got a MultiDiGraph"),
    ],
    ids=range(5),
)
def test_graphml_of_another_graph_is_refused(
    tmp_path: Path, alter: Callable[[Any], Any], message: str
) -> None:
    save_graphml(annotated_graph(4), tmp_path / "graph.graphml")
    plain = alter(nx.read_graphml(tmp_path / "graph.graphml"))
    nx.write_graphml_xml(plain, tmp_path / "graph.graphml")
    with pytest.raises(NumericError, match=message):
        load_graphml(tmp_path / "graph.graphml")


@pytest.mark.parametrize(
    ("owner", "name", "text", "message"),
    [
        (
            "feature/1/0",
            "direction",
            "1 2",
            r"direction of node \('feature', 1, 0\) in .* JSON list",
        ),
        ("feature/1/0", "direction", "{}", "to be a JSON list, got '{}'"),
        ("feature/1/0", "direction", '["1"]', "to be a list of numbers that float64 holds"),
        ("feature/1/0", "attributes", "[]", "to be a JSON object, got"),
        ("feature/1/0", "attributes", '{"a": NaN}', "to be a JSON object, got"),
        ("input", "inputs", 7, "to have size 4, got 7"),
        ("input", "inputs", True, "to have size 4, got True"),
        ("input", "graph", "[]", r"graph of node \('input',\) in .* to be a JSON object, got"),
    ],
    ids=range(8),
)
def test_graphml_with_a_damaged_attribute_is_refused_by_name(
    tmp_path: Path, owner: str, name: str, text: object, message: str
) -> None:
    save_graphml(annotated_graph(4), tmp_path / "graph.graphml")
    plain = nx.read_graphml(tmp_path / "graph.graphml")
    plain.nodes[owner][name] = text
    nx.write_graphml_xml(plain, tmp_path / "graph.graphml")
    with pytest.raises(NumericError, match=message):
        load_graphml(tmp_path / "graph.graphml")


@pytest.mark.parametrize("text", ["NaN", "1e999", "heavy"])
def test_graphml_with_a_weight_that_is_no_number_is_refused(tmp_path: Path, text: str) -> None:
    save_graphml(annotated_graph(4), tmp_path / "graph.graphml")
    tree = ET.parse(tmp_path / "graph.graphml")  # noqa: S314 -- written above
    weight = tree.findall(".//{*}edge/{*}data[@key='weight']")[20]
    weight.text = text
    tree.write(tmp_path / "graph.graphml")
    with pytest.raises(NumericError, match=r"as its weight, got|to be GraphML, got"):
        load_graphml(tmp_path / "graph.graphml")


def test_files_of_before_are_read(tmp_path: Path) -> None:
    save_graphml(annotated_graph(4), tmp_path / "graph.graphml")
    plain = nx.read_graphml(tmp_path / "graph.graphml")
    plain.graph["attributes"] = plain.nodes["input"].pop("graph")
    plain.nodes["input"]["size"] = plain.nodes["input"].pop("inputs")
    for *_, data in plain.nodes(data=True):
        del data["label"]
    for *_, data in plain.edges(data=True):
        data["weight"] = data.pop("exact_weight", data["weight"])
        if "edge_attributes" in data:
            data["attributes"] = data.pop("edge_attributes")
    nx.write_graphml_xml(plain, tmp_path / "before.graphml")
    assert_same_graph(load_graphml(tmp_path / "before.graphml"), annotated_graph(4))


# Gephi

NODES = {name: name for name in ("label", "x", "y", "z", "size", "r", "g", "b")}
NODES |= {"d3": "label", "xpos": "x", "ypos": "y"}
EDGES = {"label": "label", "edgelabel": "label", "d7": "label", "weight": "weight", "id": "id"}
EDGES |= {"edge weight": "weight", "edgeid": "id", "r": "r", "g": "g", "b": "b"}
TAKEN = {"node": NODES, "edge": EDGES}
"""What Gephi takes for its own, by a key's id or else its name."""


class Element(NamedTuple):
    """A node or an edge in Gephi: what it takes for its own, and columns, as text."""

    xml: dict[str, str]
    own: dict[str, str]
    columns: dict[str, str]


def imported(path: Path) -> tuple[dict[str, list[Element]], list[dict[str, str]]]:
    """Return nodes and edges as Gephi imports them, and the keys of its columns."""
    root = ET.parse(path).getroot()  # noqa: S314 -- written by the test
    keys = [key.attrib for key in root.iterfind("{*}key") if key.get("for") in TAKEN]
    own = {
        (key["for"], key["id"]): taken.get(key["id"].lower(), taken.get(key["attr.name"].lower()))
        for key in keys
        for taken in [TAKEN[key["for"]]]
    }
    found = {}
    for scope in TAKEN:
        found[scope] = []
        for entry in root.iterfind(f"{{*}}graph/{{*}}{scope}"):
            data = {str(item.get("key")): item.text or "" for item in entry.iterfind("{*}data")}
            taken = {own[scope, key]: text for key, text in data.items() if own[scope, key]}
            if "weight" in taken:
                taken["weight"] = str(float(np.float32(taken["weight"])))
            columns = {key: text for key, text in data.items() if not own[scope, key]}
            found[scope].append(Element(dict(entry.attrib), taken, columns))
    # An edge of weight 0 is no edge.
    found["edge"] = [edge for edge in found["edge"] if float(edge.own.get("weight", 1))]
    return found, [key for key in keys if not own[key["for"], key["id"]]]


def exported(path: Path, target: Path, **drawn: str) -> None:
    """Import a file and write what Gephi exports: colour, place and size of every node, too."""
    found, columns = imported(path)
    root = ET.Element("graphml", xmlns="http://graphml.graphdrawing.org/xmlns")
    types = dict.fromkeys("rgb", "int") | dict.fromkeys(("x", "y", "size"), "float")
    keys = [("label", "label", "string", "node"), ("edgelabel", "Edge Label", "string", "edge")]
    keys += [(name, name, kind, "node") for name, kind in types.items()]
    for key in [*keys, ("weight", "weight", "double", "edge")]:
        names = ("id", "attr.name", "attr.type", "for")
        ET.SubElement(root, "key", dict(zip(names, key, strict=True)))
    for key in columns:
        ET.SubElement(root, "key", key)
    graph = ET.SubElement(root, "graph", edgedefault="directed")
    look = {"size": "10.0", "r": "0", "g": "51", "b": "255", "x": "-3.25", "y": "1.0E-4"} | drawn
    for scope, elements in found.items():
        for number, element in enumerate(elements):
            xml = element.xml if scope == "node" else element.xml | {"id": str(number)}
            entry = ET.SubElement(graph, scope, xml)
            own = look | element.own if scope == "node" else {"weight": "1.0"} | element.own
            for key, text in (own | element.columns).items():
                ET.SubElement(entry, "data", key=key).text = text
    ET.ElementTree(root).write(target, encoding="UTF-8", xml_declaration=True)


def test_gephi_takes_weights_and_labels_and_nothing_for_a_drawn_size(tmp_path: Path) -> None:
    graph = annotated_graph(4)
    graph.nodes["feature", 1, 0]["label"] = "a curve"
    graph.nodes["feature", 1, 1]["label"] = "\x00"
    save_graphml(graph, tmp_path / "graph.graphml")
    found, columns = imported(tmp_path / "graph.graphml")
    ids = [key["id"] for key in columns]
    assert len(set(ids)) == len(ids)
    for node, data in zip(graph, found["node"], strict=True):
        label = "a curve" if node == ("feature", 1, 0) else node_name(node)
        assert data.own == {"label": label}
    for (*_, weight), edge in zip(graph.edges(data="weight"), found["edge"], strict=True):
        assert edge.own == {"weight": str(float(np.float32(weight)))}


def test_what_gephi_writes_is_the_graph_again_with_what_it_draws(tmp_path: Path) -> None:
    graph = annotated_graph(4)
    assert any(float(np.float32(weight)) != weight for *_, weight in graph.edges(data="weight"))
    graph.nodes["feature", 1, 0]["label"] = "a curve"
    graph.edges[("feature", 2, 0), ("logit", 0)]["id"] = "own"
    save_graphml(graph, tmp_path / "graph.graphml")
    exported(tmp_path / "graph.graphml", tmp_path / "gephi.graphml", size="3.5")
    for name, data in graph.nodes(data=True):
        data |= {"r": 0, "g": 51, "b": 255, "x": -3.25, "y": 1e-4}
        if name != INPUT:
            data["size"] = 3.5
    back = load_graphml(tmp_path / "gephi.graphml")
    assert_same_graph(back, graph)
    save_graphml(back, tmp_path / "graph.graphml")
    assert_same_graph(load_graphml(tmp_path / "graph.graphml"), graph)


def test_what_is_changed_in_a_viewer_counts(tmp_path: Path) -> None:
    graph = annotated_graph(4)
    graph.nodes["feature", 1, 0]["label"] = "a curve"
    edge = ("feature", 2, 0), ("logit", 0)
    graph.edges[edge]["weight"] = 0.1
    save_graphml(graph, tmp_path / "graph.graphml")
    plain = nx.read_graphml(tmp_path / "graph.graphml")
    plain.nodes["feature/1/0"]["label"] = plain.nodes["feature/1/1"]["label"] = "a loop"
    plain.edges[node_name(edge[0]), node_name(edge[1])]["weight"] = 0.25
    nx.write_graphml_xml(plain, tmp_path / "graph.graphml", named_key_ids=True)
    graph.nodes["feature", 1, 0]["label"] = graph.nodes["feature", 1, 1]["label"] = "a loop"
    graph.edges[edge]["weight"] = 0.25
    assert_same_graph(load_graphml(tmp_path / "graph.graphml"), graph)


@pytest.mark.parametrize("weight", [1e300, -1e-300, 0.1])
def test_a_weight_beyond_float32_survives_rounding_to_it(tmp_path: Path, weight: float) -> None:
    graph = annotated_graph(4)
    edge = ("feature", 2, 0), ("logit", 0)
    graph.edges[edge]["weight"] = weight
    save_graphml(graph, tmp_path / "graph.graphml")
    plain = nx.read_graphml(tmp_path / "graph.graphml")
    with np.errstate(over="ignore"):
        rounded = float(np.float32(weight))
    plain.edges[node_name(edge[0]), node_name(edge[1])]["weight"] = rounded
    nx.write_graphml_xml(plain, tmp_path / "graph.graphml", named_key_ids=True)
    assert load_graphml(tmp_path / "graph.graphml").edges[edge]["weight"] == weight
