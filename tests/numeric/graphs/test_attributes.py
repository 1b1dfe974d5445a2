"""Graphs in the files of other programs: identical when they come back, or refused by name."""

from __future__ import annotations

import errno
import json
import math
import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, NoReturn

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numeric import NumericError, load_graph, save_graph
from numeric.graphs.attributes import kept_attributes, named_node
from numeric.interchange.attribution_format import load_attribution_graph
from numeric.interchange.attribution_graph import save_attribution_graph
from numeric.interchange.graphml import load_graphml, save_graphml
from numeric.interchange.node_link import (
    from_node_link,
    load_node_link,
    save_node_link,
    to_node_link,
)
from tests.graphs import annotated_graph, assert_same_graph, edited_graphs

Graph = Any
Save = Callable[[Graph, Path], None]
Load = Callable[[Path], Graph]

FORMATS = {"node-link": (save_node_link, load_node_link), "graphml": (save_graphml, load_graphml)}

both = pytest.mark.parametrize(("save", "load"), FORMATS.values(), ids=FORMATS)

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(), values, max_size=3),
    max_leaves=5,
)
TAKEN = ("weight", "weight_low", "direction", "direction_low", "size", "sizes")
NAMES = st.text() | st.sampled_from(
    ["kind", "layer", "index", "attributes", "label", "key", "name"]
)
ATTRIBUTES = st.dictionaries(
    NAMES.filter(lambda name: name not in (*TAKEN, "id", "source", "target")), JSON, max_size=3
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("interchange")


# Both formats of whole graphs


@both
def test_a_graph_comes_back_bit_for_bit(tmp_path: Path, save: Save, load: Load) -> None:
    graph = annotated_graph(4)
    assert any("direction_low" in data for _, data in graph.nodes(data=True))
    assert any("weight_low" in data for *_, data in graph.edges(data=True))
    save(graph, tmp_path / "graph")
    assert_same_graph(load(tmp_path / "graph"), graph)


@both
def test_a_mark_of_utf_8_in_front_changes_nothing(tmp_path: Path, save: Save, load: Load) -> None:
    save(annotated_graph(4), tmp_path / "graph")
    (tmp_path / "marked").write_bytes(b"\xef\xbb\xbf" + (tmp_path / "graph").read_bytes())
    assert_same_graph(load(tmp_path / "marked"), annotated_graph(4))


@both
def test_features_that_were_cut_and_residuals_come_back(
    tmp_path: Path, save: Save, load: Load
) -> None:
    graph = annotated_graph(4)
    graph.nodes["feature", 1, 1]["cut"] = True
    graph.add_node(("residual", 1), bound=0.25)
    graph.add_edge(("residual", 1), ("logit", 1), weight=1.0)
    save(graph, tmp_path / "graph")
    assert_same_graph(load(tmp_path / "graph"), graph)


@pytest.mark.props
@both
@given(graph=edited_graphs(), data=st.data())
def test_a_graph_comes_back_with_all_edits_and_attributes(
    folder: Path, save: Save, load: Load, graph: Graph, data: st.DataObject
) -> None:
    graph.graph |= data.draw(ATTRIBUTES)
    for place in (graph.nodes, graph.edges):
        for name in list(place)[:3]:
            place[name].update(data.draw(ATTRIBUTES))
    save(graph, folder / "edited")
    assert_same_graph(load(folder / "edited"), graph)


@pytest.mark.props
@both
@given(number=st.floats(allow_nan=False, allow_infinity=False), data=st.data())
def test_every_float_comes_back(
    folder: Path, save: Save, load: Load, number: float, data: st.DataObject
) -> None:
    graph = annotated_graph(4)
    other = data.draw(st.sampled_from([-0.0, 5e-324, 1.7976931348623157e308, 0.1, 2.0**53]))
    graph.nodes["feature", 1, 0]["direction"][1:3] = number, other
    edge = graph.edges[("feature", 2, 0), ("logit", 0)]
    edge["weight"] = data.draw(st.sampled_from([number, other]))
    save(graph, folder / "floats")
    assert_same_graph(load(folder / "floats"), graph)


@both
def test_numbers_of_other_types_come_back_as_floats(tmp_path: Path, save: Save, load: Load) -> None:
    graph, expected = annotated_graph(4), annotated_graph(4)
    edge = ("feature", 2, 0), ("logit", 0)
    for weight in (2, np.float32(0.1), Fraction(1, 4)):
        graph.edges[edge]["weight"] = weight
        expected.edges[edge]["weight"] = float(weight)
        save(graph, tmp_path / "graph")
        assert_same_graph(load(tmp_path / "graph"), expected)


@both
def test_integers_of_numpy_may_name_nodes(tmp_path: Path, save: Save, load: Load) -> None:
    graph = nx.relabel_nodes(
        annotated_graph(4), {("feature", 1, 0): ("feature", np.int64(1), np.int32(0))}
    )
    save(graph, tmp_path / "graph")
    assert set(load(tmp_path / "graph").edges) == set(annotated_graph(4).edges)


@both
def test_the_same_graph_gives_the_same_bytes(tmp_path: Path, save: Save, load: Load) -> None:
    save(annotated_graph(4), tmp_path / "graph")
    save(load(tmp_path / "graph"), tmp_path / "again.gz")
    assert (tmp_path / "graph").read_bytes() == (tmp_path / "again.gz").read_bytes()
    assert_same_graph(load(tmp_path / "again.gz"), annotated_graph(4))


@both
@pytest.mark.parametrize("owner", ["the graph", "node ('feature', 1, 0)", "edge ('input',) → "])
def test_an_attribute_that_json_would_change_is_refused_by_name(
    tmp_path: Path, save: Save, load: Load, owner: str
) -> None:
    assert load
    graph = annotated_graph(4)
    place = {"t": graph.graph, "n": graph.nodes["feature", 1, 0]}.get(owner[0])
    place = graph.edges[("input",), ("feature", 1, 0)] if place is None else place
    place["pair"] = (1, 2)
    with pytest.raises(NumericError) as caught:
        save(graph, tmp_path / "graph")
    assert f"expected the attribute 'pair' of {owner}" in str(caught.value)
    assert not list(tmp_path.iterdir())


@both
def test_a_graph_that_breaks_the_schema_is_not_written(
    tmp_path: Path, save: Save, load: Load
) -> None:
    assert load
    graph = annotated_graph(4)
    graph.add_edge(("logit", 0), ("logit", 1), weight=1.0)
    with pytest.raises(NumericError, match="to lead from a layer to what reads it"):
        save(graph, tmp_path / "graph")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "save", [save_node_link, save_graphml, save_attribution_graph], ids=["json", "xml", "viewer"]
)
def test_a_full_disk_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, save: Save
) -> None:
    def full(_: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NumericError, match="No space left on device"):
        save(annotated_graph(4), tmp_path / "graph")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("load", "what"),
    [(load_node_link, "JSON"), (load_graphml, "GraphML"), (load_attribution_graph, "JSON")],
    ids=["json", "xml", "viewer"],
)
@pytest.mark.parametrize("content", [b"Dear graph,", b"", b"\xff\xfe\x00", b"<a>", b"[" * 99999])
def test_other_files_are_refused(tmp_path: Path, load: Load, what: str, content: bytes) -> None:
    (tmp_path / "letter").write_bytes(content)
    with pytest.raises(NumericError, match=rf"letter to be {what}, got: "):
        load(tmp_path / "letter")
    with pytest.raises(NumericError, match=rf"expected a {what} file at .*missing, got nothing"):
        load(tmp_path / "missing")
    with pytest.raises(NumericError, match=r"expected to read .*, got: Is a directory"):
        load(tmp_path)


@pytest.mark.parametrize(
    "value", [np.float32(0.1), np.float64(0.5), np.int64(3), np.bool_(1), np.array(2), [np.int8(1)]]
)
def test_scalars_of_numpy_are_kept_as_python_s(tmp_path: Path, value: Any) -> None:
    graph = annotated_graph(4)
    place = graph.nodes["feature", 1, 0]
    place["score"], plain = value, [1] if isinstance(value, list) else value.item()
    for number, (save, load) in enumerate([*FORMATS.values(), (save_graph, load_graph)]):
        save(graph, tmp_path / str(number))
        kept = load(tmp_path / str(number)).nodes["feature", 1, 0]["score"]
        assert (type(kept), kept) == (type(plain), plain)


def circle() -> list[Any]:
    values: list[Any] = []
    values.append(values)
    return values


@pytest.mark.parametrize(
    "value", [np.ones(2), np.float32("nan"), 1j, {1: 2}, object(), circle()], ids=range(6)
)
def test_what_json_would_not_give_back_is_no_attribute(value: Any) -> None:
    with pytest.raises(NumericError, match="expected the attribute 'score' of it to be JSON, got"):
        kept_attributes("it", {"score": value})


# Node-link


def test_node_link_data_are_what_networkx_makes_and_reads(tmp_path: Path) -> None:
    graph = annotated_graph(4)
    save_node_link(graph, tmp_path / "graph.json")
    theirs = nx.node_link_graph(json.loads((tmp_path / "graph.json").read_text()), edges="edges")
    assert type(theirs) is nx.DiGraph
    for node, data in theirs.nodes(data=True):
        for name in {"direction", "direction_low"} & data.keys():
            theirs.nodes[node][name] = np.array(data[name])
    assert_same_graph(theirs, graph)
    ours = nx.node_link_data(theirs, edges="edges")
    assert ours.keys() == to_node_link(graph).keys() - {"links"}
    for entry in ours["nodes"]:
        entry |= {k: v.tolist() for k, v in entry.items() if isinstance(v, np.ndarray)}
    assert_same_graph(from_node_link(ours), graph)
    ours["links"] = ours.pop("edges")
    assert_same_graph(from_node_link(ours), graph)


@pytest.mark.parametrize("name", ["edges", "links"])
def test_node_link_data_are_read_by_either_name_of_the_edges(name: str) -> None:
    graph, data = annotated_graph(4), to_node_link(annotated_graph(4))
    assert list(nx.node_link_graph(data, edges=name).edges) == list(graph.edges)
    del data[name]
    assert_same_graph(from_node_link(data), graph)


def test_edges_that_differ_by_their_name_are_refused() -> None:
    data = json.loads(json.dumps(to_node_link(annotated_graph(4))))
    from_node_link(data)
    del data["links"][-1]
    with pytest.raises(NumericError, match="expected edges and links of data to be the same"):
        from_node_link(data)


@pytest.mark.parametrize(
    ("place", "name"),
    [("nodes", "id"), ("edges", "source"), ("edges", "target")],
)
def test_an_attribute_by_the_name_of_the_nodes_is_refused(place: str, name: str) -> None:
    graph = annotated_graph(4)
    next(iter(getattr(graph, place)(data=True)))[-1][name] = 1
    with pytest.raises(NumericError, match=f"expected no attribute '{name}' of"):
        to_node_link(graph)


def put(*path: Any) -> Callable[[Any], Any]:
    """Return what sets the entry at a path to its last item."""

    def alter(data: Any) -> None:
        for key in path[:-2]:
            data = data[key]
        data[path[-2]] = path[-1]

    return alter


@pytest.mark.parametrize(
    ("alter", "message"),
    [
        (put("graph", 5), "expected data to be node-link data with the object graph, got"),
        (put(*("directed", False)), "expected directed of data to be True, got False"),
        (put("directed", 1), "expected directed of data to be True, got 1"),
        (put("multigraph", None), "expected multigraph of data to be False, got None"),
        (put("nodes", {}), "expected nodes of data to be a list, got {}"),
        (put("edges", None), "expected edges of data to be a list, got None"),
        (put("nodes", 1, []), r"expected nodes\[1\] of data to be an object, got \[\]"),
        (put("edges", 0, 1), r"expected edges\[0\] of data to be an object, got 1"),
        (put("nodes", 1, "id", "feature"), r"expected id of nodes\[1\] of data to be a node like"),
        (put("nodes", 1, "id", ["feature", [1], 0]), r"expected id of nodes\[1\] of data to be a"),
        (
            lambda d: d["nodes"].append({"id": ["feature", 5, 0]}),
            r"every node to be .* got \('feature', 5, 0\)",
        ),
        (put("nodes", 1, "id", ["input"]), r"got \('input',\) again in nodes\[1\] of data"),
        (put("nodes", 1, "direction", "1 2 3"), r"of node \('feature', 1, 0\) to be a list of num"),
        (put("nodes", 1, "direction", 0, "1"), r"of node \('feature', 1, 0\) to be a list of num"),
        (put(*("nodes", 1, "direction", 0, True)), r"to be a list of numbers"),
        (put("nodes", 1, "direction", 0, 2**53 + 1), r"to be a list of numbers that float64 hold"),
        (put("nodes", 1, "direction", 0, 10**400), r"to be a list of numbers that float64 holds"),
        (put("nodes", 1, "direction", 0, math.inf), r"the direction of node .* finite float64 ar"),
        (put("nodes", 1, "direction", [1.0]), r"float64 array of shape \(5,\), got .* \(1,\)"),
        (put("edges", 0, "source", 3), r"expected source of edges\[0\] of data to be a node like"),
        (put("edges", 0, "target", ["logit", 9]), r"edges\[0\] of data to join nodes of the graph"),
        (put("edges", 1, "target", ["feature", 1, 0]), r"feature', 1, 0\) again in edges\[1\]"),
        (put("edges", 0, "weight", 2.0), "to have weight 1, got 2.0"),
        (put("edges", 40, "weight", "1"), "as its weight, got '1'"),
        (put("edges", 40, "weight", 10**400), "as its weight, got 1000"),
        (put("graph", "sizes", None), "attribute sizes to list"),
    ],
    ids=range(26),
)
def test_node_link_data_that_hold_no_whole_graph_are_refused(
    alter: Callable[[Any], Any], message: str
) -> None:
    data = json.loads(json.dumps(to_node_link(annotated_graph(4))))
    del data["links"]
    alter(data)
    with pytest.raises(NumericError, match=message):
        from_node_link(data)


@pytest.mark.parametrize("data", [None, [], "graph", {}], ids=repr)
def test_what_is_no_node_link_data_is_refused(data: object) -> None:
    with pytest.raises(NumericError, match="expected data to be node-link data"):
        from_node_link(data)


def test_a_constant_that_json_lacks_is_refused(tmp_path: Path) -> None:
    (tmp_path / "graph.json").write_text('{"graph": {"mean": NaN}}')
    with pytest.raises(NumericError, match=r"graph.json to be JSON, got: the constant NaN"):
        load_node_link(tmp_path / "graph.json")


# Names


@pytest.mark.parametrize(
    "name", ["", "a/b", "feature/-1/0", "feature/1/", "form/1/99999999999999999999"]
)
def test_a_text_that_names_no_node_is_refused(name: str) -> None:
    if name:
        with pytest.raises(NumericError, match="expected a node's name like"):
            named_node(name)
    else:
        assert named_node(name) == ("",)  # for the schema to refuse
