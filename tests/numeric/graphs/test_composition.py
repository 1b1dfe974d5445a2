"""A composition graph shows itself in a notebook, and is a networkx graph in all else."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given

from numeric import (
    ablate,
    load_graph,
    load_graphml,
    load_node_link,
    prune,
    save_graph,
    save_graphml,
    save_node_link,
    validate,
)
from numeric.graphs.composition import CompositionGraph
from tests.graphs import assert_same_graph, edited_graphs, pruned_graph, small_graph


def rows(graph: nx.DiGraph[Any]) -> list[list[str]]:
    """Return the cells of the table's body."""
    body = graph._repr_html_().split("<tbody>")[1].split("</tbody>")[0]  # type: ignore[operator]
    lines = body.removeprefix("<tr>").removesuffix("</tr>").split("</tr><tr>")
    return [line.removeprefix("<td>").removesuffix("</td>").split("</td><td>") for line in lines]


# What it shows


def test_at_a_prompt_it_says_what_it_is_a_graph_of() -> None:
    graph = small_graph(depth=2, width=4, hidden=5)
    counts = f"{len(graph):,} nodes, {graph.number_of_edges():,} edges"
    method, inputs = graph.graph["method"], graph.nodes["input",]["size"]
    assert repr(graph).startswith(f"<Composition graph, {method}: {counts}; {inputs} inputs")
    assert "residuals" not in repr(graph)
    assert "; residuals of " in repr(pruned_graph())
    for broken in (CompositionGraph(), CompositionGraph([(1, "two")], method=3, sizes="none")):
        assert repr(broken).startswith("<Composition graph, ")
    assert repr(broken).endswith("3: 2 nodes, 1 edge; nodes that the schema does not know: 2>")


def test_a_layer_is_a_row_with_what_it_has() -> None:
    graph = small_graph(depth=2, width=4, hidden=5)
    found = rows(graph)
    assert [row[0] for row in found] == ["1", "2"]
    assert [row[1] for row in found] == ["10", "10"]
    assert [row[2] for row in found] == ["0", "0"]
    assert [row[4] for row in found] == ["5 forms", f"{graph.graph['sizes'][-1] - 1} logits"]


@pytest.mark.props
@given(edited_graphs())
def test_the_table_counts_every_feature_and_all_that_they_read(graph: nx.DiGraph[Any]) -> None:
    found = rows(graph)
    for row in found:
        features = [node for node in graph if node[:2] == ("feature", int(row[0]))]
        cut = [node for node in features if graph.nodes[node].get("cut")]
        assert int(row[1]) == len(features) - len(cut)
        assert int(row[2]) == len(cut)
        assert int(row[3]) == sum(graph.in_degree(node) for node in features)


def test_features_that_were_cut_are_counted_apart_and_residuals_are_named() -> None:
    graph = pruned_graph()
    cut = sum(bool(data.get("cut")) for _, data in graph.nodes(data=True))
    assert cut
    assert sum(int(row[2]) for row in rows(graph)) == cut
    assert "residuals of" in graph._repr_html_()  # type: ignore[operator]
    assert "residuals of" not in small_graph()._repr_html_()  # type: ignore[operator]


def test_what_is_cut_from_the_graph_is_gone_from_the_table() -> None:
    graph = small_graph(depth=2, width=4, hidden=5)
    graph.remove_node(("feature", 2, 3))
    assert [row[1] for row in rows(graph)] == ["10", "9"]


def test_the_caption_names_method_and_network() -> None:
    graph = small_graph("eigen")
    shown = graph._repr_html_()  # type: ignore[operator]
    assert f"Composition graph, eigen: {len(graph)} nodes" in shown
    assert graph.graph["network"][:12] in shown


def test_nothing_in_a_graph_is_taken_for_html() -> None:
    graph = small_graph()
    graph.graph["method"] = graph.graph["network"] = "<script>&"
    graph.nodes["input",]["size"] = "<b>"
    shown = graph._repr_html_()  # type: ignore[operator]
    assert "<script" not in shown
    assert "<b>" not in shown
    assert shown.count("&lt;script&gt;&amp;") == 2


@pytest.mark.parametrize("node", ["a name", ("feature", 1), (), 3, ("unheard-of", 1, 2)])
def test_a_graph_that_breaks_the_schema_is_shown_and_says_so(node: Any) -> None:
    graph = small_graph()
    graph.add_node(node)
    graph.add_edge(("input",), node)
    assert "nodes that the schema does not know: 1" in graph._repr_html_()  # type: ignore[operator]


def test_an_empty_graph_is_shown() -> None:
    assert "0 nodes, 0 edges" in CompositionGraph()._repr_html_()


# In all else a networkx graph


def test_copies_and_pickles_and_parts_show_themselves_too() -> None:
    graph = small_graph()
    parts = (
        graph.copy(),
        pickle.loads(pickle.dumps(graph)),  # noqa: S301 -- its own
        ablate(graph, ("feature", 2, 0)),
        prune(graph, features=2),
        graph.subgraph([("input",)]),
        graph.reverse(),
    )
    assert {type(part) for part in parts[:4]} == {CompositionGraph}
    assert all("<table>" in part._repr_html_() for part in parts)


def test_graphs_that_are_read_from_files_show_themselves_too(tmp_path: Path) -> None:
    graph = small_graph()
    for number, (save, load) in enumerate(
        ((save_graph, load_graph), (save_node_link, load_node_link), (save_graphml, load_graphml))
    ):
        save(graph, tmp_path / str(number))
        found = load(tmp_path / str(number))
        assert isinstance(found, CompositionGraph)
        assert_same_graph(found, graph)


def test_a_plain_networkx_graph_of_the_same_nodes_is_as_good() -> None:
    graph = small_graph()
    plain: nx.DiGraph[Any] = nx.DiGraph(graph)
    assert type(plain) is nx.DiGraph
    validate(plain)
    assert_same_graph(plain, graph)
    assert type(plain.copy()) is nx.DiGraph


def test_networkx_works_with_it() -> None:
    graph = small_graph()
    assert nx.is_directed_acyclic_graph(graph)
    assert next(iter(nx.topological_sort(graph))) == ("input",)
    assert nx.utils.graphs_equal(graph, nx.DiGraph(graph))
    assert np.shape(nx.to_numpy_array(graph)) == (len(graph), len(graph))
    assert type(graph.to_undirected()) is nx.Graph
