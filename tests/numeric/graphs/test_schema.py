"""What a composition graph may be made of; every breach is refused by the name of what broke it."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given

from numeric import BilinearNetwork, NumericError, rewrite, save_graph, square_layers, trace
from numeric.graphs.schema import validate
from tests.graphs import edited_graphs

INPUT = ("input",)
FEATURE, FORM = ("feature", 1, 0), ("form", 1, 1)
ABOVE, LOGIT = ("feature", 2, 0), ("logit", 0)


def a_graph() -> nx.DiGraph[Any]:
    return trace(BilinearNetwork(3, 2, depth=2, width=2, hidden=3), "polarized")


def sizes(value: object) -> Callable[[Any], object]:
    return lambda graph: graph.graph.update(sizes=value)


def node(name: Any, **attributes: object) -> Callable[[Any], object]:
    return lambda graph: graph.add_node(name, **attributes)


def edge(source: Any, target: Any, **attributes: object) -> Callable[[Any], object]:
    return lambda graph: graph.add_edge(source, target, **({"weight": 1.0} | attributes))


def without(*nodes: Any) -> Callable[[Any], object]:
    return lambda graph: graph.remove_nodes_from(nodes)


def cut(source: Any, target: Any) -> Callable[[Any], object]:
    return lambda graph: graph.remove_edge(source, target)


def lacking(name: str, *place: Any) -> Callable[[Any], object]:
    return lambda graph: (graph.nodes if len(place) == 1 else graph.edges)[
        place[0] if len(place) == 1 else place
    ].pop(name)


def dangling(feature: Any) -> Callable[[Any], object]:
    return lambda graph: graph.remove_edges_from(list(graph.in_edges(feature)))


NODE = (
    "expected every node to be ('input',), ('feature', layer, k), ('form', layer, j), ('logit', c)"
)
SIZES = "expected the graph's attribute sizes to list at least two integers of at least 2, got "
DIRECTION = "expected the direction of node ('feature', 1, 0) to be a finite float64 array of shape"
LOW = "expected the direction_low of node ('feature', 1, 0) to be a finite float64 array of shape"
WEIGHT = "('feature', 1, 0) → ('form', 1, 1) to have a finite number of float64 as its weight, got "
READ = "expected an edge to lead from a layer to what reads it, got "

BREACHES: dict[str, tuple[Callable[[Any], object], str]] = {
    # Sizes
    "sizes missing": (lambda graph: graph.graph.clear(), SIZES + "None"),
    "sizes of no layer": (sizes([4]), SIZES + "[4]"),
    "sizes of nothing": (sizes([]), SIZES + "[]"),
    "sizes in a tuple": (sizes((4, 3, 3)), SIZES + "(4, 3, 3)"),
    "a size of 1": (sizes([4, 1, 3]), SIZES + "[4, 1, 3]"),
    "a size that is no integer": (sizes([4, 3.0, 3]), SIZES + "[4, 3.0, 3]"),
    "a size that is text": (sizes([4, "3", 3]), SIZES + "[4, '3', 3]"),
    "sizes in an array": (sizes(np.array([4, 3, 3])), SIZES + "array([4, 3, 3])"),
    "other sizes of the input": (sizes([5, 3, 3]), "node ('input',) to have size 4, got 3"),
    # Nodes
    "no input": (without(INPUT), "expected the graph to have the node ('input',), got none"),
    "input without size": (lacking("size", INPUT), "node ('input',) to have size 3, got None"),
    "input of another size": (node(INPUT, size=4), "node ('input',) to have size 3, got 4"),
    "input of size True": (node(INPUT, size=True), "node ('input',) to have size 3, got True"),
    "input of size 3.0": (node(INPUT, size=3.0), "node ('input',) to have size 3, got 3.0"),
    "input of sizes": (node(INPUT, size=np.ones(2)), "node ('input',) to have size 3, got array"),
    "a residual beyond the size": (node(("residual", 2)), NODE),
    "a residual of another logit": (
        lambda graph: (node(("residual", 1))(graph), edge(("residual", 1), LOGIT)(graph)),
        READ + "('residual', 1) → ('logit', 0)",
    ),
    "a residual that is read twice": (
        lambda graph: (
            node(("residual", 0))(graph),
            edge(("residual", 0), LOGIT, weight=2.0)(graph),
        ),
        "the edge ('residual', 0) → ('logit', 0) to have weight 1, got 2.0",
    ),
    "a residual that reads": (
        lambda graph: (node(("residual", 0))(graph), edge(FEATURE, ("residual", 0))(graph)),
        READ + "('feature', 1, 0) → ('residual', 0)",
    ),
    "a cut that is no truth value": (
        node(FEATURE, cut=1),
        "cut of node ('feature', 1, 0) to be True",
    ),
    "a node of text": (node("input"), NODE),
    "a node of number": (node(7), NODE),
    "a node of nothing": (node(()), NODE),
    "a node of another kind": (node(("neuron", 1, 0)), NODE),
    "a node of a kind that is no text": (node((1, 1, 0)), NODE),
    "a node of a frozen set": (node(frozenset({"input"})), NODE),
    "an input with an index": (node(("input", 0)), NODE),
    "a feature without an index": (node(("feature", 1)), NODE),
    "a feature with two indices": (node(("feature", 1, 0, 0)), NODE),
    "a feature in layer 0": (node(("feature", 0, 0)), NODE),
    "a feature beyond the layers": (node(("feature", 3, 0)), NODE),
    "a feature of negative index": (node(("feature", 1, -1)), NODE),
    "a feature of fractional index": (node(("feature", 1, 0.5)), NODE),
    "a feature of true layer": (node(("feature", True, 99)), NODE),
    "a feature of textual layer": (node(("feature", "1", 0)), NODE),
    "a feature of no index": (node(("feature", 1, None)), NODE),
    "a feature of enormous index": (node(("feature", 1, 2**62)), NODE),
    "a form of the last layer": (node(("form", 2, 0)), NODE),
    "a form beyond the size": (node(("form", 1, 3)), NODE),
    "a form of textual layer": (node(("form", "1", 0)), NODE),
    "a logit beyond the size": (node(("logit", 2)), NODE),
    "a logit below 0": (node(("logit", -1)), NODE),
    "a dangling feature": (dangling(ABOVE), "node ('feature', 2, 0) to read another, got no edge"),
    "a feature that lost the input": (cut(INPUT, FEATURE), "node ('feature', 1, 0) to read anothe"),
    # Edges
    "a cycle": (edge(FORM, FEATURE), "to have no cycle, got ('feature', 1, 0) → ('form', 1, 1)"),
    "a node that reads itself": (edge(FORM, FORM), "to have no cycle, got ('form', 1, 1)"),
    "an edge over a layer": (edge(FEATURE, LOGIT), READ + "('feature', 1, 0) → ('logit', 0)"),
    "an edge within a layer": (edge(ABOVE, ("feature", 2, 1)), READ + "('feature', 2, 0) → ('fea"),
    "an edge from the input over a layer": (edge(INPUT, ABOVE), READ + "('input',) → ('feature',"),
    "an edge from the input to a logit": (edge(INPUT, LOGIT), READ + "('input',) → ('logit', 0)"),
    "an edge between forms": (edge(FORM, ("form", 1, 2)), READ + "('form', 1, 1) → ('form', 1, 2"),
    "an edge from a logit": (edge(("logit", 1), LOGIT), READ + "('logit', 1) → ('logit', 0)"),
    "no weight": (lacking("weight", FEATURE, FORM), WEIGHT + "None"),
    "weight None": (edge(FEATURE, FORM, weight=None), WEIGHT + "None"),
    "weight NaN": (edge(FEATURE, FORM, weight=float("nan")), WEIGHT + "nan"),
    "weight infinite": (edge(FEATURE, FORM, weight=-np.inf), WEIGHT + "-inf"),
    "weight text": (edge(FEATURE, FORM, weight="1.0"), WEIGHT + "'1.0'"),
    "weight True": (edge(FEATURE, FORM, weight=True), WEIGHT + "True"),
    "weight complex": (edge(FEATURE, FORM, weight=1j), WEIGHT + "1j"),
    "weight array": (edge(FEATURE, FORM, weight=np.ones(2)), WEIGHT + "array([1., 1.])"),
    "weight list": (edge(FEATURE, FORM, weight=[1.0]), WEIGHT + "[1.0]"),
    "weight third": (edge(FEATURE, FORM, weight=Fraction(1, 3)), WEIGHT + "Fraction(1, 3)"),
    "weight odd": (edge(FEATURE, FORM, weight=2**53 + 1), WEIGHT + "9007199254740993"),
    "weight huge": (edge(FEATURE, FORM, weight=10**400), WEIGHT + "1000"),
    "weight of the input": (
        edge(INPUT, FEATURE, weight=2.0),
        "('input',) → ('feature', 1, 0) to have weight 1, got 2.0: change the direction of ('featu",
    ),
    "low NaN": (
        edge(FORM, ABOVE, weight_low=float("nan")),
        "('form', 1, 1) → ('feature', 2, 0) to have a finite number of float64 as its weight_low",
    ),
    "low None": (edge(FORM, ABOVE, weight_low=None), "float64 as its weight_low, got None"),
    "low into a form": (
        edge(FEATURE, FORM, weight_low=0.0),
        "weight_low only where a feature reads a form, got ('feature', 1, 0) → ('form', 1, 1)",
    ),
    "low from the input": (
        edge(INPUT, FEATURE, weight_low=0.0),
        "weight_low only where a feature reads a form, got ('input',) → ('feature', 1, 0)",
    ),
    # Directions
    "no direction": (lacking("direction", FEATURE), DIRECTION + " (4,), got None"),
    "direction None": (node(FEATURE, direction=None), DIRECTION + " (4,), got None"),
    "direction short": (
        node(FEATURE, direction=np.ones(3)),
        DIRECTION + " (4,), got float64 of shape (3,)",
    ),
    "direction square": (node(FEATURE, direction=np.ones((4, 1))), "float64 of shape (4, 1)"),
    "direction NaN": (node(FEATURE, direction=np.full(4, np.nan)), DIRECTION),
    "direction float32": (
        node(FEATURE, direction=np.ones(4, np.float32)),
        DIRECTION + " (4,), got float32 of shape (4,)",
    ),
    "direction list": (node(FEATURE, direction=[1.0] * 4), DIRECTION + " (4,), got [1.0, 1.0,"),
    "direction of text": (node(FEATURE, direction=np.array(["a"] * 4)), DIRECTION),
    "direction of objects": (node(FEATURE, direction=np.array([None] * 4)), DIRECTION),
    "direction low short": (node(FEATURE, direction_low=np.ones(3)), LOW),
    "direction low None": (node(FEATURE, direction_low=None), LOW + " (4,), got None"),
    "direction low on a form": (
        node(("form", 1, 0), direction_low=np.ones(4)),
        "expected direction_low only on features, got it on node ('form', 1, 0)",
    ),
    "direction that is not used": (node(ABOVE, direction="up"), "('feature', 2, 0) to be a finite"),
    "low that is not used": (
        node(FORM, direction_low=3),
        "expected the direction_low of node ('form', 1, 1) to",
    ),
}


@pytest.mark.parametrize(("breach", "message"), BREACHES.values(), ids=BREACHES)
def test_a_graph_that_breaks_the_schema_is_refused_by_name(
    breach: Callable[[Any], object], message: str
) -> None:
    graph = a_graph()
    validate(graph)
    breach(graph)
    with pytest.raises(NumericError) as caught:
        validate(graph)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "graph",
    [
        nx.Graph(sizes=[4, 3]),
        nx.MultiDiGraph(sizes=[4, 3]),
        nx.MultiGraph(sizes=[4, 3]),
        None,
        {"nodes": []},
    ],
    ids=lambda graph: type(graph).__name__,
)
def test_only_a_directed_graph_without_multiple_edges_will_do(graph: Any) -> None:
    with pytest.raises(NumericError, match=f"networkx.DiGraph, got {type(graph).__name__}$"):
        validate(graph)


def test_every_door_validates(tmp_path: Any) -> None:
    graph = a_graph()
    graph.add_node("broken")
    for door in (validate, square_layers, rewrite, lambda graph: save_graph(graph, tmp_path / "x")):
        with pytest.raises(NumericError, match="got 'broken'"):
            door(graph)


@pytest.mark.props
@given(edited_graphs())
def test_a_graph_changed_by_hand_within_the_schema_is_valid(graph: nx.DiGraph[Any]) -> None:
    validate(graph)


@pytest.mark.parametrize(
    "weight", [2, -0.0, 5e-324, 0.5, np.float32(0.1), np.int64(3), Fraction(1, 4)]
)
def test_any_number_that_float64_holds_is_a_weight(weight: Any) -> None:
    graph = a_graph()
    graph.edges[FEATURE, FORM]["weight"] = weight
    validate(graph)
    assert square_layers(graph)[0].mixing[1, 0] == float(weight)


def test_indices_may_be_numpys_integers_and_have_gaps() -> None:
    graph = a_graph()
    new = ("feature", np.int64(2), np.int32(99))
    graph.add_edge(("form", np.int64(1), np.int64(1)), new, weight=1.0)
    graph.add_edge(new, ("logit", np.uint8(1)), weight=1.0)
    validate(graph)
    assert square_layers(graph)[1].readings[-1].tolist() == [0, 1, 0]


def test_a_feature_may_be_cut_by_numpys_truth() -> None:
    graph = a_graph()
    feature = next(name for name in graph if name[0] == "feature")
    graph.nodes[feature]["cut"] = np.bool_(1)
    validate(graph)
    graph.nodes[feature]["cut"] = np.int64(1)
    with pytest.raises(NumericError, match=r"expected cut of node .* to be True or False, got"):
        validate(graph)


def test_a_form_or_logit_that_reads_nothing_is_valid() -> None:
    graph = a_graph()
    for name in (FORM, LOGIT):
        graph.remove_edges_from(list(graph.in_edges(name)))
    validate(graph)
    assert not square_layers(graph)[0].mixing[1].any()


def test_a_direction_may_stay_when_its_edge_is_cut() -> None:
    graph = a_graph()
    graph.remove_edge(INPUT, FORM)
    assert "direction" in graph.nodes[FORM]
    validate(graph)
    assert not square_layers(graph)[0].linear[1].any()


def test_attributes_beyond_the_schema_are_nobodys_business() -> None:
    graph = a_graph()
    graph.graph["title"] = object()
    graph.nodes[FEATURE]["colour"] = ["red"]
    graph.edges[FEATURE, FORM]["style"] = object()
    validate(graph)
