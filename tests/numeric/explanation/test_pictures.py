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

from numeric import BilinearNetwork, Explanation, InputShape, NumericError, explain, trace
from numeric.explanation.pictures import draw_input, draw_paths, edge_flows
from tests.graphs import point_of, traced_graphs
from tests.pictures import shown

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


# Inputs of any shape


def input_axes(values: Any, shape: InputShape | None = None, **settings: Any) -> Any:
    return draw_input(Figure().subplots(), np.array(values, dtype=float), shape, **settings)


def names_on(axis: Any) -> dict[int, str]:
    ticks, labels = axis.get_ticklocs(), axis.get_ticklabels()
    return {int(place): text.get_text() for place, text in zip(ticks, labels, strict=True)}


def test_a_table_has_the_names_of_its_rows_and_columns() -> None:
    shape = InputShape((2, 3), (("first", "second"), ("x", "y", "z")))
    axes = input_axes([0, 1, -4, 2, 0, 0], shape)
    np.testing.assert_array_equal(shown(axes), [[0, 1, -4], [2, 0, 0]])
    assert axes.images[0].get_clim() == (-4, 4)
    assert names_on(axes.yaxis) == {0: "first", 1: "second"}
    assert names_on(axes.xaxis) == {0: "x", 1: "y", 2: "z"}


def test_an_axis_of_a_table_without_names_is_counted() -> None:
    axes = input_axes([0, 1, 2, 3], InputShape((2, 2), ((), ("x", "y"))))
    assert names_on(axes.yaxis) == {0: "0", 1: "1"}


def test_bars_are_as_long_as_their_numbers_red_for_more_and_blue_for_less() -> None:
    axes = input_axes([2, -1, 0], InputShape((3,), (("length", "width", "height"),)))
    np.testing.assert_array_equal(shown(axes), [[2, -1, 0]])
    (bars,) = axes.collections
    wanted = ["tab:red", "tab:blue", "tab:blue"]
    assert all(map(same_color, bars.get_facecolor(), wanted))
    assert names_on(axes.yaxis) == {0: "length", 1: "width", 2: "height"}
    assert axes.get_ylim() == (2.5, -0.5)  # the first on top


def test_of_many_bars_the_largest_are_named_that_lie_apart() -> None:
    values = np.zeros(60)
    values[[3, 4, 50]] = 5, 7, -6
    axes = input_axes(values, InputShape((60,)))
    assert names_on(axes.yaxis) == {4: "input 4", 50: "input 50"}


def test_a_picture_in_colour_has_its_colours_and_a_reading_of_it_its_channels() -> None:
    shape = InputShape((3, 1, 2))
    values = [0.0, 0.2, 0.4, 0.6, 0.8, 1.5]
    assert shown(input_axes(values, shape, ink=True)).tolist() == [[[0, 0.4, 0.8], [0.2, 0.6, 1]]]
    np.testing.assert_array_equal(shown(input_axes(values, shape)), [values])


@pytest.mark.parametrize("ink", [False, True])
def test_numbers_that_are_not_as_many_as_inputs_are_refused(*, ink: bool) -> None:
    with pytest.raises(NumericError, match=r"^expected values to be 4 numbers, .* shape \(3,\)$"):
        input_axes([1, 2, 3], InputShape((2, 2)), ink=ink)


def test_paths_show_features_in_the_shape_of_the_inputs() -> None:
    graph, explanation = explained(inputs=3)
    assert not draw_paths(Figure().subplots(), graph, explanation).child_axes
    shape = InputShape((3,), (("length", "width", "height"),))
    axes = draw_paths(Figure().subplots(), graph, explanation, shape=shape)
    assert all(names_on(part.yaxis)[2] == "height" for part in axes.child_axes)
    assert axes.child_axes
