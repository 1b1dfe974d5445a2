"""Metrics: what they say of pixels and of images, and where they are refused."""

from __future__ import annotations

import numpy as np
import pytest

from numeric import BilinearNetwork, NumericError, rewrite, square_layers, trace
from numeric.features.metrics import metric_root, neighbouring_pixels, second_moment, usual_metric
from numeric.networks.inference import logits
from tests.tensors import random_stack


def test_neighbouring_pixels_are_alike_by_their_distance_alone() -> None:
    metric = neighbouring_pixels(9)
    for one in range(9):
        for other in range(9):
            apart = np.hypot(one // 3 - other // 3, one % 3 - other % 3)
            assert metric[1 + one, 1 + other] == pytest.approx(np.exp(-apart / 2) / 3, rel=1e-15)
    np.testing.assert_array_equal(metric[0], np.eye(10)[0])


@pytest.mark.parametrize("side", [1, 2, 28])
def test_the_metric_of_neighbours_is_positive_definite(side: int) -> None:
    assert np.linalg.eigvalsh(neighbouring_pixels(side**2))[0] > 0.01 / 3


def test_a_pixel_counts_as_one_that_is_anywhere_between_0_and_1() -> None:
    middles = (np.arange(1000) + 0.5) / 1000
    np.testing.assert_allclose(np.diagonal(neighbouring_pixels(4))[1:], (middles**2).mean(), 1e-6)


def test_a_pattern_counts_for_less_the_more_its_neighbours_differ() -> None:
    metric = neighbouring_pixels(16)[1:, 1:]
    smooth = np.ones(16)
    checked = np.where(np.indices((4, 4)).sum(axis=0) % 2, 1.0, -1.0).ravel()
    assert smooth @ metric @ smooth > 10 * checked @ metric @ checked


def test_the_root_is_a_factor_of_the_metric() -> None:
    root, words = metric_root("neighbours", 16)
    np.testing.assert_allclose(root @ root.T, neighbouring_pixels(16), atol=1e-14)
    assert words == "neighbouring pixels alike"


def test_inputs_that_are_no_square_image_have_no_neighbours() -> None:
    with pytest.raises(NumericError, match="a square image for neighbours, got 5 inputs"):
        trace(BilinearNetwork(5, 2, depth=1, hidden=3), "canonical", metric="neighbours")


def test_a_graph_says_which_metric_its_features_are_alike_in() -> None:
    model = BilinearNetwork(4, 2, depth=2, width=3, hidden=3)
    assert trace(model, "canonical").graph["metric"] == "pixels alike"
    assert trace(model, "canonical", metric="pixels").graph["metric"] == "pixels alike"
    found = trace(model, "canonical", metric="neighbours")
    assert found.graph["metric"] == "neighbouring pixels alike"
    assert trace(model, "canonical", metric=np.eye(5)).graph["metric"] == "given"


def test_images_are_a_metric_as_their_second_moment_is() -> None:
    model = BilinearNetwork(4, 2, depth=2, width=3, hidden=3)
    images = np.random.default_rng(0).normal(size=(30, 4))
    metric = second_moment(images)
    rows = np.column_stack([np.ones(30), images])
    expected = sum(np.outer(row, row) for row in rows) / 30
    np.testing.assert_allclose(
        metric - expected, np.diag([0.0] + [(images**2).mean() / 100] * 4), atol=1e-14
    )
    named = trace(model, "canonical", metric="data", images=images.reshape(30, 2, 2))
    given = trace(model, "canonical", metric=metric)
    assert named.graph["metric"] == "alike as in 30 images"
    for one, other in zip(square_layers(named), square_layers(given), strict=True):
        for array, same in zip(one, other, strict=True):
            np.testing.assert_array_equal(array, same)


def test_images_that_are_all_dark_are_a_metric() -> None:
    np.testing.assert_array_equal(second_moment(np.zeros((3, 2))), np.eye(3))


def test_a_metric_changes_the_features_and_not_what_they_compute() -> None:
    model = BilinearNetwork(9, 2, depth=2, width=3, hidden=4).double()
    images = np.random.default_rng(0).normal(size=(5, 9))
    graphs = [trace(model, "canonical", metric=metric) for metric in ("pixels", "neighbours")]
    first, second = (square_layers(graph)[0].readings for graph in graphs)
    assert abs(abs(first[:2]) - abs(second[:2])).max() > 1e-3
    for graph in graphs:
        np.testing.assert_allclose(logits(rewrite(graph), images), logits(model, images))


def test_the_largest_entry_of_a_feature_is_positive_in_pixels() -> None:
    model = BilinearNetwork(9, 2, depth=1, hidden=4)
    readings = square_layers(trace(model, "canonical", metric="neighbours"))[0].readings
    assert (readings.max(axis=1) == abs(readings).max(axis=1)).all()


def test_what_is_drawn_is_the_same_from_every_hidden_state() -> None:
    model = BilinearNetwork(9, 2, depth=4, width=3, hidden=4)
    totals = trace(model, "canonical", metric="neighbours").graph["totals"]
    np.testing.assert_allclose(totals, totals[0], rtol=1e-9)
    assert len(totals) == 3


def test_pictures_of_any_shape_have_neighbours_and_colours_lie_a_pixel_apart() -> None:
    shape = (3, 2, 5)
    metric = neighbouring_pixels(shape)
    places = np.array(list(np.ndindex(*shape)))
    for one, first in enumerate(places):
        for other, second in enumerate(places):
            apart = np.sqrt(((first - second)[1:] ** 2).sum() + (first[0] != second[0]))
            assert metric[1 + one, 1 + other] == pytest.approx(np.exp(-apart / 2) / 3, rel=1e-15)
    assert np.linalg.eigvalsh(metric)[0] > 0.01 / 3
    np.testing.assert_array_equal(neighbouring_pixels((4, 4)), neighbouring_pixels(16))


@pytest.mark.parametrize("shape", [(4,), (0, 3), (1, 2, 3, 4)])
def test_what_is_no_shape_of_a_picture_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(NumericError, match="expected the shape of a picture"):
        neighbouring_pixels(shape)


def test_weights_that_are_alike_beside_each_other_speak_for_neighbours() -> None:
    draw = np.random.default_rng(0)
    rough = draw.normal(size=(40, 82))
    root = np.linalg.cholesky(neighbouring_pixels(81))
    smooth = rough @ root.T
    assert usual_metric(smooth) == "neighbours"
    assert usual_metric(rough) == "pixels"
    # Places that are shuffled, weights that all are alike, and too few or no pixels speak for none.
    assert usual_metric(smooth[:, [0, *(1 + draw.permutation(81))]]) == "pixels"
    assert usual_metric(np.ones((3, 82))) == "pixels"
    assert usual_metric(np.ones((3, 81))) == usual_metric(np.ones((3, 50))) == "pixels"


def test_shared_features_take_the_metric_that_the_weights_speak_for() -> None:
    (rough,) = random_stack([64, 2], neurons=20)
    root = np.linalg.cholesky(neighbouring_pixels(64))
    smooth = rough._replace(left=rough.left @ root.T, right=rough.right @ root.T)
    words = {
        name: trace([layer], "shared", features=2).graph["metric"]
        for name, layer in (("rough", rough), ("smooth", smooth))
    }
    assert words == {"rough": "pixels alike", "smooth": "neighbouring pixels alike"}
    found = trace([smooth], "shared", features=2, metric="pixels")
    assert found.graph["metric"] == "pixels alike"
