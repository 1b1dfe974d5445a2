"""The picture of an explanation has its paths, each as wide as its share."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import rc_context
from matplotlib.colors import same_color
from matplotlib.figure import Figure

from numeric import BilinearNetwork, Explanation, NumericError, explain, trace
from numeric.explanation.pictures import draw_paths, edge_flows
from tests.graphs import point_of, traced_graphs

IMAGE = np.array([0.5, -1.25, 2.0, 1.0])


def explained(depth: int = 2, inputs: int = 4, **shape: Any) -> tuple[nx.DiGraph[Any], Explanation]:
    network = BilinearNetwork(inputs, 2, depth=depth, width=3, hidden=4, **shape)
    graph = trace(network, "eigen")
    return graph, explain(graph, np.resize(IMAGE, inputs), label=1)


def drawn(graph: nx.DiGraph[Any], explanation: Explanation, count: int) -> Any:
    return draw_paths(Figure().subplots(), graph, explanation, count)


def test_it_draws_where_it_is_told_to() -> None:
    axes = Figure().subplots()
    assert draw_paths(axes, *explained()) is axes


def test_every_edge_of_the_paths_is_a_line_as_wide_as_their_share() -> None:
    graph, explanation = explained()
    flows = edge_flows(explanation.paths(5))
    lines = drawn(graph, explanation, 5).lines
    largest = max(abs(flow) for flow in flows.values())
    assert len(lines) == len(flows)
    for line, flow in zip(lines, flows.values(), strict=True):
        assert line.get_linewidth() == pytest.approx(0.5 + 6 * abs(flow) / largest)
        assert same_color(line.get_color(), "tab:red" if flow > 0 else "tab:blue")


def test_what_takes_from_the_logit_has_the_other_colour() -> None:
    graph, _ = explained()
    for label, against in ((0, 1), (1, 0)):
        explanation = explain(graph, IMAGE, label=label, against=against)
        (path,) = explanation.paths(1)
        (line, *_) = drawn(graph, explanation, 1).lines
        assert same_color(line.get_color(), "tab:red" if path.share > 0 else "tab:blue")
    one, other = (explain(graph, IMAGE, label=a, against=1 - a).paths(1)[0].share for a in (0, 1))
    assert one * other < 0


def test_every_node_of_the_paths_is_drawn_once() -> None:
    graph, explanation = explained()
    axes = drawn(graph, explanation, 6)
    nodes = {node for path in explanation.paths(6) for node in path.nodes[1:]}
    pictures = {node for node in nodes if node[:2] == ("feature", 1)}
    assert len(axes.child_axes) == len(pictures)
    heads = [text.get_text() for text in axes.texts if " of layer " in text.get_text()]
    assert heads == ["features of layer 1", "forms of layer 1", "features of layer 2"]
    assert len(axes.texts) - len(heads) == len(nodes - pictures)


def test_a_feature_that_reads_the_input_is_drawn_as_its_weights() -> None:
    network = BilinearNetwork(4, 1, depth=1, hidden=1, bias=False)
    graph = trace(network, "polarized")
    explanation = explain(graph, IMAGE, label=0)
    (path,) = explanation.paths(1)
    with rc_context({"image.origin": "lower"}):
        (picture,) = drawn(graph, explanation, 1).child_axes
    assert picture.images[0].origin == "upper"
    weights = graph.nodes[path.nodes[1]]["direction"]
    np.testing.assert_array_equal(picture.images[0].get_array(), weights[1:].reshape(2, 2))
    assert not np.array_equal(picture.images[0].get_array(), weights[:-1].reshape(2, 2))
    assert picture.images[0].norm.vmin == -picture.images[0].norm.vmax


def test_inputs_that_are_no_square_picture_have_labels() -> None:
    axes = drawn(*explained(inputs=5), 3)
    assert axes.child_axes == []
    assert any(text.get_text().isdecimal() for text in axes.texts)


def test_the_constant_is_called_so() -> None:
    graph, explanation = explained(bias=True)
    constant = ("form", 1, 0)
    assert any(constant in path.nodes for path in explanation.paths(60))
    labels = [text.get_text() for text in drawn(graph, explanation, 60).texts]
    assert labels.count("constant") == 1
    assert "form 0" not in labels


def test_an_image_that_explains_nothing_has_no_path() -> None:
    graph = trace(BilinearNetwork(4, 2, depth=2, width=3, hidden=4, bias=False), "eigen")
    axes = drawn(graph, explain(graph, np.zeros(4), label=1), 3)
    assert list(axes.lines) == []
    assert axes.child_axes == []


@pytest.mark.parametrize("depth", [1, 3])
def test_it_draws_any_depth_with_residuals_and_an_embedding(depth: int) -> None:
    axes = drawn(*explained(depth=depth, residual=True, embedding=True), 8)
    assert axes.texts[-1].get_text() == "logit 1"


@pytest.mark.props
@given(st.data())
def test_what_flows_into_the_logit_is_the_sum_of_the_paths(data: st.DataObject) -> None:
    graph = data.draw(traced_graphs())
    explanation = explain(graph, point_of(data, graph), label=0)
    paths = [path for path in explanation.paths(4) if len(path.nodes) > 2]
    into = [flow for (_, target), flow in edge_flows(paths).items() if target[0] == "logit"]
    expected = sum(path.share for path in paths)
    size = sum(abs(path.share) for path in paths)
    assert sum(into) == pytest.approx(expected, abs=1e-12 * size)


@pytest.mark.parametrize("count", [0, -1, 1.5])
def test_a_count_that_is_none_is_refused(count: Any) -> None:
    with pytest.raises(NumericError, match="expected count to be"):
        drawn(*explained(), count)


def test_a_graph_that_breaks_the_schema_is_refused() -> None:
    graph, explanation = explained()
    graph.add_node("a name")
    with pytest.raises(NumericError, match="a name"):
        drawn(graph, explanation, 3)
