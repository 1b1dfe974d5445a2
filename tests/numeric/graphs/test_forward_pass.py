"""Forward passes: every node's reading and value against rationals, and what takes no part."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from numeric import BilinearNetwork, NumericError, prune, square_layers, trace
from numeric.explanation.explanations import explain
from numeric.explanation.responses import effect, node_values, predicted_effect, response
from numeric.graphs.forward_pass import ForwardPass, checked_images, checked_numbers
from numeric.interchange.attribution_graph import to_attribution_graph
from tests.graphs import (
    INPUT,
    edited_graphs,
    pruned_graph,
    small_graph,
)
from tests.graphs import (
    node_values as exact_values,
)
from tests.strategies import points


@pytest.mark.props
@given(st.data())
def test_a_feature_reads_the_root_of_its_value_and_others_their_value(
    data: st.DataObject,
) -> None:
    graph = data.draw(edited_graphs(max_size=2))
    images = data.draw(points(graph.nodes[INPUT]["size"], count=2))
    forward = ForwardPass.of(graph, images)
    np.testing.assert_array_equal(forward.images, images)
    assert forward.places.keys() == set(graph) - {INPUT}
    for row, point in enumerate(images):
        exact, sizes = (exact_values(graph, point, sizes=large) for large in (False, True))
        for node in forward.places:
            reading, value = forward.reading(node), forward.value(node)
            assert abs(Fraction(float(value[row])) - exact[node]) <= sizes[node] / 10**12
            squared = reading * reading if node[0] == "feature" else reading
            np.testing.assert_array_equal(squared, value)


def test_layers_are_those_of_the_graph_and_places_lead_to_them() -> None:
    graph = small_graph("eigen", depth=3)
    forward = ForwardPass.of(graph, np.ones((4, 3)))
    for found, expected in zip(forward.layers, square_layers(graph), strict=True):
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, other)
    assert [state.shape for state in forward.states] == [(4, 4), (4, 3), (4, 3), (4, 3)]
    assert forward.places["logit", 1] == (3, 2)
    assert ForwardPass.of(graph, np.ones(3)).value(("logit", 1)).shape == ()


def test_features_that_were_cut_and_residuals_have_no_place() -> None:
    graph = pruned_graph()
    forward = ForwardPass.of(graph, np.ones(3))
    assert forward.places.keys() == set(graph) - {INPUT, ("feature", 2, 0), ("residual", 1)}
    with pytest.raises(KeyError):
        forward.value(("feature", 2, 0))


# Doors


def test_values_beyond_float64_are_refused_wherever_they_arise() -> None:
    graph, image = small_graph(), np.full(3, 1e200)
    node = ("form", 1, 1)
    for call in (
        lambda: node_values(graph, image),
        lambda: response(graph, node, image),
        lambda: predicted_effect(graph, node, image, 1.0),
        lambda: effect(graph, node, image, value=1.0),
        lambda: effect(graph, node, image, factor=1.0),
        lambda: explain(graph, image, label=0),
        lambda: to_attribution_graph(graph, "graph", image=image),
    ):
        with pytest.raises(NumericError, match=r"expected values on the images? that float64 hold"):
            call()


def test_a_square_that_nothing_adds_up_counts_too() -> None:
    graph = small_graph(depth=1)
    graph.nodes["feature", 1, 0]["direction"] = np.array([0.0, 1e155, 0.0, 0.0])
    graph.remove_edges_from(list(graph.out_edges(("feature", 1, 0))))
    with pytest.raises(NumericError, match="expected values on the images that float64 holds"):
        ForwardPass.of(graph, np.ones(3))
    graph.nodes["feature", 1, 0]["direction"][1] = 1e154
    assert ForwardPass.of(graph, np.ones(3)).value(("feature", 1, 0)) == pytest.approx(1e308)


@pytest.mark.parametrize("values", ["1", [1, "2"], [[1.0], [1.0, 2.0]], [np.nan], [1j], [True]])
def test_what_holds_no_numbers_is_refused(values: Any) -> None:
    with pytest.raises(NumericError, match="expected weights to hold finite numbers, got"):
        checked_numbers(values, "weights")


PIXELS = np.random.default_rng(0).random((5, 9)).astype(np.float32)


@pytest.mark.parametrize(
    "images",
    [
        PIXELS.reshape(5, 3, 3),
        PIXELS.reshape(5, 1, 3, 3),
        PIXELS.reshape(5, 3, 3).transpose(0, 2, 1).swapaxes(1, 2),
        torch.from_numpy(PIXELS).requires_grad_(),
        torch.from_numpy(PIXELS.reshape(5, 3, 3)).double(),
        PIXELS.tolist(),
    ],
    ids=["rows", "channel", "strided", "gradient", "double", "lists"],
)
def test_pictures_are_read_row_by_row(images: Any) -> None:
    graph = trace(BilinearNetwork(9, 2, depth=1, hidden=2))
    np.testing.assert_array_equal(checked_images(graph, images), PIXELS)
    with pytest.raises(NumericError, match=r"expected image to have shape \(9,\), got \(5, "):
        checked_images(graph, images, "image", axes=(1,))


@pytest.mark.parametrize("shape", [(9,), (3, 3), (1, 3, 3)])
def test_one_picture_may_have_rows_and_columns(shape: tuple[int, ...]) -> None:
    graph, picture = trace(BilinearNetwork(9, 2, depth=1, hidden=2)), PIXELS[0].reshape(shape)
    found = checked_images(graph, picture, "image", axes=(1,))
    np.testing.assert_array_equal(found, PIXELS[0])


@pytest.mark.parametrize("shape", [(9, 9), (9, 1), (1, 9), (9,)])
def test_images_are_told_apart_by_their_last_axis(shape: tuple[int, ...]) -> None:
    one, nine = (trace(BilinearNetwork(size, 2, depth=1, hidden=2)) for size in (1, 9))
    image = np.zeros(shape)
    assert checked_images(nine, image).shape == ((9,) if shape == (9, 1) else shape)
    if shape == (9, 1):
        assert checked_images(one, image).shape == (9, 1)
    else:
        with pytest.raises(NumericError, match=r"expected images to have shape \(1,\) or"):
            checked_images(one, image)


def test_binary_pictures_are_0_and_1_and_half_precision_is_widened() -> None:
    graph = small_graph()
    found = checked_images(graph, PIXELS[:, :3] > 0.5)
    np.testing.assert_array_equal(found, (PIXELS[:, :3] > 0.5).astype(float))
    half = torch.from_numpy(PIXELS[:, :3]).bfloat16()
    np.testing.assert_array_equal(checked_images(graph, half), half.double().numpy())


@pytest.mark.parametrize("pixels", [np.full(3, 255, np.uint8), torch.ones(3, dtype=torch.uint8)])
def test_bytes_are_refused_as_pixels(pixels: Any) -> None:
    """The network would take 255 for 255 times the ink that it was trained on."""
    graph = small_graph()
    for images in (pixels, [pixels] * 2):
        with pytest.raises(NumericError, match="got uint8: divide by 255"):
            ForwardPass.of(graph, images)
    with pytest.raises(NumericError, match=r"expected image as floats .* got uint8"):
        to_attribution_graph(graph, "bytes", image=pixels)
    with pytest.raises(NumericError, match=r"expected images as floats .* got uint8"):
        prune(graph, agreement=0.9, images=[pixels] * 2)
    assert ForwardPass.of(graph, pixels / 255).images.max() <= 1


def test_the_number_of_axes_may_be_told() -> None:
    graph = small_graph()
    assert checked_images(graph, np.ones((2, 3))).dtype == np.float64
    with pytest.raises(NumericError, match=r"expected image to have shape \(3,\), got \(2, 3\)"):
        checked_images(graph, np.ones((2, 3)), "image", axes=(1,))
