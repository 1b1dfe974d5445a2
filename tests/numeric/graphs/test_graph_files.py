"""Graphs in files: identical when they come back, refused by name when they cannot be kept."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numeric import BilinearNetwork, NumericError, load_graph, save_graph, save_network, trace
from numeric.files import load_arrays, save_arrays
from tests.graphs import annotated_graph, assert_same_graph, edited_graphs

Arrays = dict[str, np.ndarray[Any, Any]]
Alteration = Callable[[Arrays, dict[str, Any]], object]

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(), values, max_size=3),
    max_leaves=5,
)
ATTRIBUTES = st.dictionaries(
    st.text().filter(
        lambda name: name not in ("weight", "weight_low", "direction", "direction_low", "size")
    ),
    JSON,
    max_size=3,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("graphs")


@pytest.fixture(scope="module")
def content(folder: Path) -> bytes:
    save_graph(annotated_graph(3), folder / "whole")
    return (folder / "whole").read_bytes()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    save_graph(annotated_graph(3), tmp_path / "graph")
    return tmp_path / "graph"


def test_a_graph_comes_back_bit_for_bit(path: Path) -> None:
    graph = annotated_graph(3)
    assert any("direction_low" in data for _, data in graph.nodes(data=True))
    assert any("weight_low" in data for *_, data in graph.edges(data=True))
    assert_same_graph(load_graph(path), graph)


@pytest.mark.props
@given(graph=edited_graphs(), data=st.data())
def test_a_graph_comes_back_with_all_edits_and_attributes(
    folder: Path, graph: nx.DiGraph[Any], data: st.DataObject
) -> None:
    graph.graph |= data.draw(ATTRIBUTES.filter(lambda drawn: "sizes" not in drawn))
    for place in (graph.nodes, graph.edges):
        for name in list(place)[:3]:
            place[name].update(data.draw(ATTRIBUTES))
    save_graph(graph, folder / "edited")
    assert_same_graph(load_graph(folder / "edited"), graph)


@pytest.mark.parametrize("name", ["incoming_graph_data", "backend", "self", "graph", "name"])
def test_an_attribute_of_the_graph_may_have_any_name(tmp_path: Path, name: str) -> None:
    graph = annotated_graph(3)
    graph.graph[name] = [1, 2]
    save_graph(graph, tmp_path / "graph")
    assert_same_graph(load_graph(tmp_path / "graph"), graph)


def test_a_loaded_graph_may_be_edited_and_saved_again(path: Path) -> None:
    graph, expected = load_graph(path), annotated_graph(3)
    for one in (graph, expected):
        one.nodes["feature", 1, 0]["direction"][2] = 7
        one.remove_node(("feature", 2, 0))
    save_graph(graph, path)
    assert_same_graph(load_graph(path), expected)


def test_the_same_graph_gives_the_same_bytes(path: Path) -> None:
    graph = annotated_graph(3)
    graph.graph = dict(reversed(graph.graph.items()))
    save_graph(graph, path.parent / "again")
    assert (path.parent / "again").read_bytes() == path.read_bytes()
    save_graph(load_graph(path), path.parent / "loaded")
    assert (path.parent / "loaded").read_bytes() == path.read_bytes()


# What cannot be kept


@pytest.mark.parametrize(
    ("attributes", "name"),
    [
        ({"data": {1}}, "'data'"),
        ({"pair": (1, 2)}, "'pair'"),
        ({"nested": [{"pair": (1, 2)}]}, "'nested'"),
        ({"keys": {1: 2}}, "'keys'"),
        ({"mean": float("nan")}, "'mean'"),
        ({"array": np.ones(2)}, "'array'"),
        ({7: "seven"}, "7"),
    ],
    ids=str,
)
@pytest.mark.parametrize("owner", ["the graph", "node ('feature', 1, 0)", "edge ('input',) → "])
def test_an_attribute_that_json_would_change_is_refused_by_name(
    tmp_path: Path, owner: str, attributes: dict[Any, Any], name: str
) -> None:
    graph = annotated_graph(3)
    place = {"t": graph.graph, "n": graph.nodes["feature", 1, 0]}.get(owner[0])
    place = graph.edges[("input",), ("feature", 1, 0)] if place is None else place
    place.update(attributes)
    with pytest.raises(NumericError) as caught:
        save_graph(graph, tmp_path / "graph")
    assert f"expected the attribute {name} of {owner}" in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_the_old_file_and_no_other(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NumericError, match="No space left on device"):
        save_graph(trace(BilinearNetwork(1, 1)), path)
    assert list(path.parent.iterdir()) == [path]
    assert_same_graph(load_graph(path), annotated_graph(3))


# Files that are not the graph's


def without(name: str) -> Alteration:
    return lambda arrays, _: arrays.pop(name)


def replaced(name: str, change: Callable[[Any], Any]) -> Alteration:
    return lambda arrays, _: arrays.update({name: change(arrays[name])})


def entry(name: str, place: Any, value: Any) -> Alteration:
    return lambda arrays, _: arrays[name].__setitem__(place, value)


def described(**values: object) -> Alteration:
    return lambda _, description: description.update(values)


DAMAGE: dict[str, Alteration] = {
    **{f"without {name}": without(name) for name in ("nodes", "edges", "weight", "direction")},
    **{f"without {name}": without(f"{name}.rows") for name in ("weight_low", "direction_low")},
    "without attributes of nodes": lambda _, description: description.pop("nodes"),
    "without attributes of edges": lambda _, description: description.pop("edges"),
    "without attributes of the graph": lambda _, description: description.pop("graph"),
    "nodes flat": replaced("nodes", np.ravel),
    "nodes narrow": replaced("nodes", lambda array: array[:, :2]),
    "nodes wide": replaced("nodes", lambda array: np.repeat(array, 2, axis=1)),
    "nodes of floats": replaced("nodes", lambda array: array.astype(np.float64)),
    "node of kind 5": entry("nodes", (1, 0), 5),
    "node of kind -1": entry("nodes", (1, 0), -1),
    "node twice": replaced("nodes", lambda array: np.concatenate([array, array[-1:]])),
    "edge twice": entry("edges", 1, [0, 1]),
    "edge from nowhere": entry("edges", (0, 0), 1000),
    "edge to below nowhere": entry("edges", (0, 1), -1),
    "edges of three": replaced("edges", lambda array: np.repeat(array, 3)[:6].reshape(-1, 3)),
    "edges of floats": replaced("edges", lambda array: array.astype(np.float64)),
    "weight too few": replaced("weight", lambda array: array[1:]),
    "weight a number": replaced("weight", lambda array: array[0]),
    "weight beyond": entry("weight.rows", 0, 1000),
    "weight below": entry("weight.rows", 0, -1),
    "weight low below": entry("weight_low.rows", 0, -1),
    "direction too few": replaced("direction", lambda array: array[1:]),
    "direction beyond": entry("direction.rows", 0, 1000),
    "direction below": entry("direction.rows", 0, -1),
    "direction a number": replaced("direction", lambda array: array[0, 0]),
    "nodes a list": described(nodes=[]),
    "node of text": described(nodes={"one": {}}),
    "node beyond": described(nodes={"1000": {}}),
    "node below": described(nodes={"-1": {}}),
    "node with number": described(nodes={"1": 5}),
    "edge beyond": described(edges={"1000": {}}),
    "edge below": described(edges={"-1": {}}),
    "edge with text": described(edges={"1": "text"}),
    "graph a number": described(graph=5),
}


@pytest.mark.parametrize("alter", DAMAGE.values(), ids=DAMAGE)
def test_a_file_that_holds_no_whole_graph_is_refused(path: Path, alter: Alteration) -> None:
    arrays, description = load_arrays(path)
    alter(arrays, description)
    save_arrays(path, arrays, description)
    with pytest.raises(NumericError, match="graph to hold a whole graph, got: "):
        load_graph(path)


@pytest.mark.parametrize(
    ("alter", "message"),
    [
        (entry("nodes", (1, 1), 5), r"expected every node to be .* got \('feature', 5, 0\)"),
        (entry("nodes", (1, 0), 0), r"expected the graph to have no cycle|expected .* got"),
        (entry("weight", 0, 2.0), r"to have weight 1, got 2.0"),
        (entry("weight", 5, np.nan), "as its weight, got nan"),
        (entry("direction", (0, 0), np.inf), "to be a finite float64 array"),
        (replaced("direction", lambda array: array.astype(np.float32)), "got float32"),
        (replaced("direction", lambda array: array[:, 1:]), r"got float64 of shape \(3,\)"),
        (described(graph={"sizes": [4, 3]}), "expected every node to be"),
        (described(graph={}), "attribute sizes to list"),
        (described(nodes={}), "to have size 3, got None"),
        (described(format="bilinear-features network 1"), "format of .* to be .* got 'bilinear-"),
    ],
    ids=range(11),
)
def test_a_file_whose_graph_breaks_the_schema_is_refused_by_name(
    path: Path, alter: Alteration, message: str
) -> None:
    arrays, description = load_arrays(path)
    alter(arrays, description)
    save_arrays(path, arrays, description)
    with pytest.raises(NumericError, match=message):
        load_graph(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    save_network(BilinearNetwork(3, 2), tmp_path / "network")
    (tmp_path / "letter").write_text("Dear graph,")
    with pytest.raises(NumericError, match=r"expected the format of .*network to be"):
        load_graph(tmp_path / "network")
    with pytest.raises(NumericError, match="letter to be a whole safetensors file"):
        load_graph(tmp_path / "letter")
    with pytest.raises(NumericError, match="to be a safetensors file, got a folder"):
        load_graph(tmp_path)
    with pytest.raises(NumericError, match="missing, got nothing there"):
        load_graph(tmp_path / "missing")


@pytest.mark.props
@given(data=st.data())
def test_a_truncated_file_is_refused(folder: Path, content: bytes, data: st.DataObject) -> None:
    (folder / "cut").write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    with pytest.raises(NumericError, match="cut to be a whole safetensors file"):
        load_graph(folder / "cut")


@pytest.mark.props
@given(data=st.data())
def test_a_file_with_flipped_bits_is_a_graph_or_refused(
    folder: Path, content: bytes, data: st.DataObject
) -> None:
    # The header is as likely to be hit as the far longer rest.
    header = 8 + int.from_bytes(content[:8], "little")
    place = st.one_of(st.integers(0, header - 1), st.integers(0, len(content) - 1))
    damaged = bytearray(content)
    for position in data.draw(st.lists(place, min_size=1, max_size=4)):
        damaged[position] ^= data.draw(st.integers(1, 255))
    (folder / "damaged").write_bytes(damaged)
    with suppress(NumericError):
        save_graph(load_graph(folder / "damaged"), folder / "again")
