"""Responses to one node: polynomials against rationals, and predictions against measurements."""

from __future__ import annotations

import importlib
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from numeric import NumericError, rewrite, square_layers
from numeric.explanation import responses
from numeric.explanation.interventions import ablate, scale, set_value
from numeric.explanation.responses import Effect, effect, node_values, predicted_effect, response
from tests.graphs import (
    FACTORS,
    INPUT,
    VALUES,
    edges_of,
    edited_graphs,
    exact_logits,
    nodes_of,
    point_of,
    pruned_graph,
    small_graph,
    traced_graphs,
)
from tests.graphs import node_values as exact_values
from tests.strategies import points

# Values


@pytest.mark.props
@given(st.data())
def test_every_node_has_the_value_that_the_graph_says(data: st.DataObject) -> None:
    graph = data.draw(edited_graphs(max_size=2))
    images = data.draw(points(graph.nodes[INPUT]["size"], count=2))
    found = node_values(graph, images)
    assert found.keys() == set(graph)
    for row, point in enumerate(images):
        expected, sizes = (exact_values(graph, point, sizes=large) for large in (False, True))
        single = node_values(graph, point)
        for node in set(graph) - {INPUT}:
            assert found[node].shape == (2,)
            assert single[node].shape == ()
            for value in (found[node][row], single[node]):
                assert value.dtype == np.float64
                assert abs(Fraction(float(value)) - expected[node]) <= sizes[node] / 10**12
    np.testing.assert_array_equal(found[INPUT], images)


def test_float32_images_are_taken_as_they_are() -> None:
    graph, image = small_graph(), np.array([0.1, 0.2, 0.3], dtype=np.float32)
    found, expected = node_values(graph, image), node_values(graph, image.astype(np.float64))
    assert {node: value.tolist() for node, value in found.items()} == {
        node: value.tolist() for node, value in expected.items()
    }
    assert node_values(graph, [1, 2, 3])["form", 1, 0] == 1
    assert node_values(graph, np.zeros((0, 3)))["logit", 1].shape == (0,)


# Polynomials


@pytest.mark.props
@given(st.data(), VALUES)
def test_a_response_is_the_logits_for_every_value_of_the_node(
    data: st.DataObject, value: float
) -> None:
    graph = data.draw(edited_graphs(max_size=2))
    assume(nodes_of(graph))
    point, node = point_of(data, graph), data.draw(st.sampled_from(nodes_of(graph)))
    coefficients = response(graph, node, point)
    last = len(graph.graph["sizes"]) - 1
    above = 0 if node[0] == "logit" else last - node[1]
    assert coefficients.shape == (graph.graph["sizes"][-1] - 1, 2**above + 1)
    expected = exact_logits(graph, point, held={node: value})
    sizes = exact_logits(graph, point, held={node: value}, sizes=True)
    for row, logit, size in zip(coefficients.tolist(), expected, sizes, strict=True):
        total = sum(Fraction(c) * Fraction(value) ** power for power, c in enumerate(row))
        assert abs(total - logit) <= size / 10**12


@pytest.mark.props
@given(st.data())
def test_many_images_have_the_responses_of_each(data: st.DataObject) -> None:
    graph = data.draw(traced_graphs())
    node = data.draw(st.sampled_from(nodes_of(graph)))
    images = data.draw(points(graph.nodes[INPUT]["size"], count=3))
    together = response(graph, node, images)
    for row, image in zip(together, images, strict=True):
        sizes = exact_logits(graph, image, held={node: 1}, sizes=True)
        room = 1e-12 * np.array([[float(size)] for size in sizes])
        assert (abs(row - response(graph, node, image)) <= room).all()


def test_coefficients_of_one_pixel_networks_by_hand() -> None:
    graph = small_graph(depth=2, width=1, hidden=1)
    feature, form = ("feature", 1, 0), ("form", 1, 1)
    slope = graph.edges[feature, form]["weight"]
    by_form, by_feature = response(graph, form, np.ones(3)), response(graph, feature, np.ones(3))
    # The feature acts through the form, whose rest is at the polynomial's new origin.
    np.testing.assert_allclose(by_feature[:, 2], by_form[:, 2] * slope**2, rtol=1e-12)
    value = node_values(graph, np.ones(3))
    rest = value[form] - slope * value[feature]
    slopes = (by_form[:, 1] + 2 * by_form[:, 2] * rest) * slope
    np.testing.assert_allclose(by_feature[:, 1], slopes, rtol=1e-9)


# Predictions


@pytest.mark.props
@given(st.data(), FACTORS, VALUES)
def test_what_an_intervention_does_is_predicted(
    data: st.DataObject, factor: float, value: float
) -> None:
    graph = data.draw(traced_graphs())
    images = data.draw(points(graph.nodes[INPUT]["size"], count=2))
    target = data.draw(st.sampled_from(nodes_of(graph) + edges_of(graph)))
    hold = target in graph and data.draw(st.booleans())
    change = {"value": value} if hold else {"factor": factor}
    found = effect(graph, target, images, **change)
    for row, point in enumerate(images):
        before = exact_logits(graph, point, sizes=True)
        exact = {"held": {target: value}} if hold else {"factors": {target: factor}}
        sizes = [
            float(one + other)
            for one, other in zip(
                before, exact_logits(graph, point, sizes=True, **exact), strict=True
            )
        ]
        assert (abs(found.predicted[row] - found.measured[row]) <= 1e-12 * np.array(sizes)).all()
        change_of = [
            float(one - other)
            for one, other in zip(
                exact_logits(graph, point, **exact), exact_logits(graph, point), strict=True
            )
        ]
        assert (abs(found.measured[row] - change_of) <= 1e-12 * np.array(sizes)).all()
        single = effect(graph, target, point, **change)
        assert (abs(single.predicted - found.predicted[row]) <= 1e-12 * np.array(sizes)).all()
        assert single.after.shape == single.before.shape == (len(sizes),)


def test_without_its_last_coefficient_a_response_predicts_wrongly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    graph, images = small_graph(depth=3), np.ones((1, 3))
    found = effect(graph, ("form", 1, 1), images, value=5.0)
    np.testing.assert_allclose(found.predicted, found.measured, rtol=1e-9)
    whole = responses._coefficients
    monkeypatch.setattr(
        "numeric.explanation.responses._coefficients", lambda *given: whole(*given)[..., :-1]
    )
    found = effect(graph, ("form", 1, 1), images, value=5.0)
    assert (abs(found.predicted / found.measured - 1) > 1e-6).all()


def test_effects_know_the_logits_on_both_sides() -> None:
    graph, images = small_graph("eigen"), np.random.default_rng(0).random((4, 3))
    found = effect(graph, ("form", 1, 2), images, factor=0)
    for logits, of in ((found.before, graph), (found.after, ablate(graph, ("form", 1, 2)))):
        values = node_values(of, images)
        np.testing.assert_allclose(logits, np.stack([values["logit", c] for c in (0, 1)], 1))
    assert isinstance(found, Effect)
    np.testing.assert_array_equal(found.measured, found.after - found.before)
    assert found.measured.any()


@pytest.mark.parametrize("change", [{"value": 2.0}, {"factor": -1.0}])
def test_an_effect_compiles_each_of_the_two_graphs_once(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, float]
) -> None:
    compiled: list[Any] = []
    for module in ("numeric.graphs.forward_pass", "numeric.graphs.rewrite"):
        monkeypatch.setattr(
            importlib.import_module(module),  # numeric.rewrite is a function too
            "square_layers",
            lambda graph, **given: compiled.append(graph) or square_layers(graph, **given),
        )
    graph = small_graph()
    found = effect(graph, ("form", 1, 1), np.ones((2, 3)), **change)
    assert len(compiled) == 2
    assert compiled[0] is graph
    np.testing.assert_array_equal(found.after, module_values(compiled[1]))


def test_what_is_measured_does_not_come_from_the_polynomial(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    graph, images = small_graph(), np.ones((2, 3))
    expected = effect(graph, ("form", 1, 1), images, value=2.0)
    monkeypatch.setattr(responses, "_coefficients", lambda *_: np.zeros((2, 2, 3)))
    found = effect(graph, ("form", 1, 1), images, value=2.0)
    assert not found.predicted.any()
    np.testing.assert_array_equal(found.measured, expected.measured)


def test_values_may_differ_from_image_to_image() -> None:
    graph, images = small_graph(), np.random.default_rng(0).random((3, 3))
    node, new = ("form", 1, 1), np.array([0.5, -1.0, 3.0])
    found = predicted_effect(graph, node, images, new)
    for row, value in enumerate(new):
        np.testing.assert_array_equal(found[row], predicted_effect(graph, node, images, value)[row])
    now = node_values(graph, images)[node]
    assert not predicted_effect(graph, node, images, now).any()


def test_logits_that_do_not_read_a_node_are_untouched_by_it() -> None:
    graph, images = small_graph("eigen"), np.ones((2, 3))
    assert not predicted_effect(graph, ("logit", 0), images, 7.0)[:, 1].any()
    (feature,) = [n for n in graph.predecessors(("logit", 0)) if n[0] == "feature"][:1]
    assert not predicted_effect(graph, feature, images, 7.0)[:, 1].any()
    assert predicted_effect(graph, feature, images, 7.0)[:, 0].all()


def test_features_that_were_cut_take_no_part() -> None:
    pruned, images = pruned_graph(), np.ones((2, 3))
    without = ablate(small_graph(), ("feature", 2, 0))
    values = node_values(pruned, images)
    assert values.keys() == set(without)
    for node, value in node_values(without, images).items():
        np.testing.assert_allclose(value, values[node])
    node = ("feature", 2, 3)
    np.testing.assert_allclose(response(pruned, node, images), response(without, node, images))
    found = effect(pruned, ("form", 1, 1), images, factor=2.0)
    np.testing.assert_allclose(found.predicted, found.measured, rtol=1e-9)


def test_an_edge_from_the_input_carries_what_is_read_of_it_alone() -> None:
    graph, images = small_graph(depth=1), np.random.default_rng(0).random((4, 3))
    graph.nodes["feature", 1, 0]["direction_low"] = np.full(4, 2.0**-60)
    for reader in (("logit", 0), ("feature", 1, 0)):
        found = effect(graph, (INPUT, reader), images, factor=-2.0)
        np.testing.assert_allclose(found.predicted, found.measured, rtol=1e-9, atol=1e-12)
        assert found.measured[:, 0].all()


def test_effects_equal_those_of_the_verbs() -> None:
    graph, images = small_graph(), np.ones((2, 3))
    edge = ("form", 1, 1), ("feature", 2, 1)
    for found, changed in (
        (effect(graph, edge, images, factor=0.5), scale(graph, edge, 0.5)),
        (effect(graph, edge[0], images, value=2), set_value(graph, edge[0], 2)),
    ):
        np.testing.assert_array_equal(found.after[:, 1], module_values(changed)[:, 1])


def module_values(graph: Any) -> Any:
    return rewrite(graph)(torch.ones(2, 3, dtype=torch.float64)).numpy()


# Doors


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.ones(4), r"to have shape \(3,\) or \(images, 3\), got \(4,\)"),
        (np.ones((2, 4)), r"to have shape .* got \(2, 4\)"),
        (np.ones((1, 2, 3)), r"to have shape .* got \(1, 2, 3\)"),
        (np.float64(1), r"to have shape .* got \(\)"),
        (np.array([1, np.nan, 1]), "to hold finite numbers, got array"),
        (np.array([1, np.inf, 1]), "to hold finite numbers"),
        (np.array([1, 1j, 1]), "to hold finite numbers, got array"),
        (np.array([1, 1, 1], dtype=np.uint8), r"as floats in the units of the training, .* uint8"),
        (["a", "b", "c"], "to hold finite numbers"),
        (None, "to hold finite numbers, got None"),
        ([[1.0, 2.0], [1.0]], r"to hold finite numbers, got \[\[1.0, 2.0\], \[1.0\]\]"),
    ],
    ids=range(11),
)
def test_images_that_do_not_fit_are_refused(images: Any, message: str) -> None:
    graph = small_graph()
    for call in (
        lambda: node_values(graph, images),
        lambda: response(graph, ("logit", 0), images),
        lambda: predicted_effect(graph, ("logit", 0), images, 1.0),
        lambda: effect(graph, ("logit", 0), images, value=1.0),
        lambda: effect(graph, ("logit", 0), images, factor=1.0),
    ):
        with pytest.raises(NumericError, match=f"expected images {message}"):
            call()


@pytest.mark.parametrize("node", [("form", 1, 0), ("feature", 9, 9), INPUT, None, ("residual", 0)])
def test_nodes_that_there_are_not_are_refused(node: Any) -> None:
    for call in (
        lambda: response(small_graph(), node, np.ones(3)),
        lambda: predicted_effect(small_graph(), node, np.ones(3), 1.0),
        lambda: effect(small_graph(), node, np.ones(3), value=1.0),
    ):
        with pytest.raises(NumericError, match="expected node "):
            call()
    with pytest.raises(NumericError, match="expected target "):
        effect(small_graph(), node, np.ones(3), factor=1.0)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1.0, 2.0, 3.0], r"to be a number or to have shape \(2,\), got \(3,\)"),
        (np.ones((2, 1)), r"to be a number or to have shape \(2,\), got \(2, 1\)"),
        (np.nan, "to hold finite numbers, got nan"),
    ],
    ids=range(3),
)
def test_values_that_do_not_fit_are_refused(value: Any, message: str) -> None:
    with pytest.raises(NumericError, match=f"expected value {message}"):
        predicted_effect(small_graph(), ("logit", 0), np.ones((2, 3)), value)


def test_what_float64_does_not_hold_is_refused() -> None:
    graph, node = small_graph(), ("form", 1, 1)
    edge = node, ("feature", 2, 0)
    with pytest.raises(NumericError, match="expected an effect that float64 holds, got a larger"):
        predicted_effect(graph, node, np.ones(3), 1e200)
    with pytest.raises(NumericError, match="expected logits of the changed graph that float64"):
        effect(graph, node, np.ones(3), value=1e200)
    with pytest.raises(NumericError, match=r"expected a value of \('feature', 2, 0\) that float64"):
        effect(graph, edge, np.ones(3), factor=1e160)
    # What is steep beyond float64 may have values within it.
    steep = scale(set_value(graph, node, 0.0), edge, 1e160)
    assert np.isfinite(node_values(steep, np.ones(3))["logit", 0])
    with pytest.raises(NumericError, match="expected a response that float64 holds, got a larger"):
        response(steep, node, np.ones(3))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, "expected either value or factor, got None and None"),
        ({"value": 1, "factor": 2}, "expected either value or factor, got 1 and 2"),
        ({"value": np.nan}, "expected value to be a finite number, got nan"),
        ({"factor": "1"}, "expected factor to be a finite number, got '1'"),
    ],
    ids=range(4),
)
def test_changes_that_are_none_are_refused(change: Any, message: str) -> None:
    with pytest.raises(NumericError, match=message):
        effect(small_graph(), ("logit", 0), np.ones(3), **change)
