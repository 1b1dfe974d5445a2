"""Settings of canonical and shared features that are none, and weights that allow no features."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from numeric import BilinearNetwork, Layer, NumericError, trace
from numeric.features import sharing
from numeric.features.kernels import with_linear_neurons

Doubles = npt.NDArray[np.float64]


def network(depth: int = 2) -> BilinearNetwork:
    return BilinearNetwork(4, 3, depth=depth, width=3, hidden=6, seed=1).double()


def metric_with(place: tuple[int, int], entry: float) -> Doubles:
    metric = np.eye(5)
    metric[place] = metric[place[::-1]] = entry
    return metric


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        (np.eye(4), r"metric to be a finite float array of shape \(5, 5\), got float64 of shape"),
        (np.ones(5), r"array of shape \(5, 5\), got float64 of shape \(5,\)"),
        (np.eye(5, dtype=int), r"array of shape \(5, 5\), got int64"),
        (np.eye(5).astype(str), r"array of shape \(5, 5\), got <U"),
        ([[1.0], [1.0, 2.0]], "metric to be an array, got rows of unequal length"),
        ("pixel", "metric to be one of pixels, neighbours, data, or a matrix, got 'pixel'"),
        ("data", "expected images with metric='data', got None"),
        (metric_with((2, 3), np.nan), "metric to be a finite float array"),
        (metric_with((2, 2), np.inf), "metric to be a finite float array"),
        (np.triu(np.ones((5, 5))), "metric to be symmetric"),
        (metric_with((0, 0), 2.0), "with 1 in the corner"),
        (metric_with((3, 3), 0.0), "metric to be positive definite: where an input never"),
        (metric_with((1, 2), 2.0), "metric to be positive definite"),
        (metric_with((4, 4), -1.0), "metric to be positive definite"),
    ],
    ids=range(14),
)
@pytest.mark.parametrize("method", ["canonical", "shared"])
def test_a_metric_that_is_none_is_refused(method: str, metric: Any, message: str) -> None:
    settings: dict[str, Any] = {"features": 9} if method == "shared" else {}
    with pytest.raises(NumericError, match=message):
        trace(network(), method, metric=metric, **settings)


@pytest.mark.parametrize(
    ("metric", "images", "message"),
    [
        (None, np.ones((2, 4)), "no images with another metric than 'data'"),
        ("pixels", np.ones((2, 4)), "than 'data', got some with 'pixels'"),
        (np.eye(5), np.ones((2, 4)), "than 'data', got some with a matrix"),
        ("data", np.ones((2, 3)), r"shape \(images, 4\), at least one, got \(2, 3\)"),
        ("data", np.ones((0, 4)), r"at least one, got \(0, 4\)"),
        ("data", np.ones(4), r"shape \(images, 4\), at least one, got \(4,\)"),
        ("data", np.full((2, 4), np.nan), "expected images to hold finite numbers"),
        ("data", np.ones((2, 4), np.uint8), "expected images as floats"),
        ("data", np.full((2, 4), 1e200), "expected images whose squares float64 holds"),
    ],
    ids=range(9),
)
@pytest.mark.parametrize("method", ["canonical", "shared"])
def test_images_that_are_none_or_for_another_metric_are_refused(
    method: str, metric: Any, images: Any, message: str
) -> None:
    settings: dict[str, Any] = {"features": 9} if method == "shared" else {}
    with pytest.raises(NumericError, match=message):
        trace(network(), method, metric=metric, images=images, **settings)


@pytest.mark.parametrize("components", [0, -1, True, False, 2.5, 2.0, "3", [2], np.float64(2)])
@pytest.mark.parametrize("method", ["canonical", "shared"])
def test_components_that_are_no_number_from_1_are_refused(method: str, components: Any) -> None:
    settings: dict[str, Any] = {"features": 9} if method == "shared" else {}
    with pytest.raises(NumericError, match="expected components to be an integer from 1, got"):
        trace(network(), method, components=components, **settings)


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (0, "features to be integers from 1, got 0"),
        (-3, "features to be integers from 1, got -3"),
        (True, "features to be integers from 1, got True"),
        (2.5, "features to be integers from 1, got 2.5"),
        ("3", "features to be integers from 1, got '3'"),
        ([3, 0], r"features to be integers from 1, got \[3, 0\]"),
        ([3, 2.0], r"features to be integers from 1, got \[3, 2.0\]"),
        ([], "features for each of 2 layers, got 0 numbers"),
        ([3], "features for each of 2 layers, got 1 numbers"),
        ([3, 3, 3], "features for each of 2 layers, got 3 numbers"),
        (1, "features to be at least 2, one for each layer, got 1$"),
        ([16, 2], "at most 15 features of layer 1, which is as many as its eigenfeatures, got 16"),
        (99, "at most 15 features of layer 1, which is as many as its eigenfeatures, got 87"),
        (None, "expected features, how many shared ones there shall be, or an error, got neither$"),
    ],
    ids=range(14),
)
def test_numbers_of_features_that_are_none_are_refused(features: Any, message: str) -> None:
    with pytest.raises(NumericError, match=message):
        trace(network(), "shared", features=features, components=3)


def test_weights_too_large_for_inner_products_are_refused() -> None:
    for depth in (1, 2):
        model = network(depth=depth)
        for parameter in model.parameters():
            parameter.data *= 1e60
        with pytest.raises(NumericError, match="within the range of float64"):
            trace(model, "shared", features=9)


@pytest.mark.parametrize("error", [0.5, 0.1, 0.01])
def test_as_many_features_are_found_as_an_error_needs_and_hardly_more(error: float) -> None:
    graph = trace(network(), "shared", error=error)
    reached = graph.graph["errors"]
    assert max(reached) <= error
    counts = [sum(node[:2] == ("feature", layer) for node in graph) for layer in (1, 2)]
    fewer = [max(1, count - 1 - count // 16) for count in counts]
    if fewer != counts:
        found = trace(network(), "shared", features=fewer).graph["errors"]
        assert all(
            more > error or count == same
            for more, count, same in zip(found, counts, fewer, strict=True)
        )


@pytest.mark.parametrize(
    "settings",
    [
        {"error": 0.0},
        {"error": 1.0},
        {"error": -1},
        {"error": True},
        {"error": "0.1"},
        {"error": float("nan")},
        {"error": 0.1, "features": 9},
    ],
)
def test_an_error_that_is_none_or_stands_beside_a_number_is_refused(
    settings: dict[str, Any],
) -> None:
    expected = "either features or an error, got both: 9 and 0.1"
    if "features" not in settings:
        expected = f"error to lie between 0 and 1, got {settings['error']!r}"
    with pytest.raises(NumericError, match=f"^expected {expected}$"):
        trace(network(), "shared", **settings)


def test_an_error_that_no_number_of_features_reaches_is_refused_with_what_they_reach(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nothing = np.zeros((1, 5))
    found = sharing.SharedFeatures(nothing, nothing, nothing[0], 0.25)
    monkeypatch.setattr(sharing, "shared_features", lambda *_: found)
    message = "expected error to be at least 0.25, which 15 features reach, got 0.1"
    with pytest.raises(NumericError, match=message):
        trace(network(depth=1), "shared", error=0.1)
    assert sharing.enough_features(layer(), np.ones(4), 0.3) is found


def layer() -> Layer:
    return with_linear_neurons(network(depth=1).layers()[0])
