"""Figures of nodes, explanations and paths show the numbers that are in them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from numeric import (
    BilinearNetwork,
    InputShape,
    NumericError,
    explain,
    prune,
    show,
    square_layers,
    trace,
)
from numeric.graphs.quadratic_forms import QuadraticForms
from tests.pictures import shown

IMAGE = np.array([0.5, 0.25, 1.0, 0.75])


def graph_of(depth: int = 2) -> Any:
    return trace(BilinearNetwork(4, 2, depth=depth, width=3, hidden=5), "polarized")


def titles(figure: Any) -> list[str]:
    return [axes.get_title() for axes in figure.axes]


def bars(axes: Any) -> dict[str, float]:
    """Return the lengths of bars by name."""
    names = [label.get_text() for label in axes.get_yticklabels()]
    return dict(zip(names, shown(axes)[0].tolist(), strict=True))


def test_a_feature_of_the_input_is_its_direction_and_who_reads_it() -> None:
    graph = graph_of()
    figure = show(graph, ("feature", 1, 2))
    assert titles(figure) == ["reads", "is read by: weights"]
    direction = graph.nodes["feature", 1, 2]["direction"][1:]
    np.testing.assert_allclose(shown(figure.axes[0]).ravel(), direction)
    wanted = {
        f"form {target[2]} of layer 1": weight
        for _, target, weight in graph.out_edges(("feature", 1, 2), data="weight")
    }
    assert bars(figure.axes[1]) == wanted


@pytest.mark.parametrize("node", [("feature", 2, 1), ("form", 1, 2), ("logit", 1)])
def test_what_is_deeper_is_the_patterns_of_its_quadratic_form(node: Any) -> None:
    graph = graph_of()
    squares = square_layers(graph)
    weights = squares[1].readings[1] if node[0] == "feature" else np.eye(4)[2]
    number = 2 if node[0] == "logit" else 1
    if node[0] == "logit":
        weights = np.eye(3)[2]
    patterns = QuadraticForms(squares).of(number, weights).patterns
    figure = show(graph, node)
    words = {1: "adds most", -1: "takes most away"}
    assert titles(figure)[: len(patterns)] == [words[sign] for sign in patterns]
    for axes, pattern in zip(figure.axes, patterns.values(), strict=False):
        np.testing.assert_allclose(shown(axes).ravel(), pattern)
    read = [edge for edge in graph.in_edges(node, data="weight") if edge[0] != ("input",)]
    largest = max(abs(weight) for _, _, weight in read)
    assert abs(next(iter(bars(figure.axes[len(patterns)]).values()))) == largest


def test_an_explanation_has_its_image_its_shares_and_the_features_of_the_last_layer() -> None:
    shares = explain(graph_of(), IMAGE, label=1, against=0)
    figure = show(shares)
    image, pixels, features, *_ = figure.axes
    np.testing.assert_allclose(shown(image).ravel(), IMAGE)
    np.testing.assert_allclose(shown(pixels).ravel(), shares.pixels)
    for name, share in bars(features).items():
        kind, index, *_ = name.split()
        node = (kind, 2, int(index)) if kind == "feature" else None
        assert node is None or share == shares.layer(2)[node]
    assert f"{shares.total:.4g}" in figure.get_suptitle()


def test_paths_have_a_picture_each_and_no_empty_place() -> None:
    paths = explain(graph_of(), IMAGE, label=1).paths(8)
    figure = show(paths, shape=InputShape((4,), (("a", "b", "c", "d"),)))
    assert titles(figure) == [f"{path.share:+.3g}" for path in paths]
    np.testing.assert_allclose(shown(figure.axes[3])[0], paths[3].pixels)


def test_what_cannot_be_shown_is_refused() -> None:
    graph = graph_of()
    shares = explain(graph, IMAGE, label=1)
    pruned = prune(graph, features=3)
    cut = next(node for node, is_cut in pruned.nodes(data="cut") if is_cut)
    for subject, node, words in (
        (graph, None, "expected node to be one of the graph"),
        (graph, ("feature", 9, 0), "takes part in the graph, got"),
        (graph, ("input",), "takes part in the graph, got"),
        (pruned, cut, "takes part in the graph, got"),
        (shares, ("logit", 1), "expected a node of a graph alone"),
        ([], None, "at least one, got list"),
        (IMAGE.tolist(), None, "expected subject to be a graph, an explanation or its paths"),
    ):
        with pytest.raises(NumericError, match=words):
            show(subject, node)
