"""Distances and agreement, held against slow loops in fractions."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from analytic import ExactNetwork
from numeric import BilinearNetwork, Digits, trace
from proofs import prove
from proofs.certificates.measurements import Distance, Measurements, classes, stray
from tests.digits import small_digits
from tests.oracles import module_value
from tests.strategies import networks, points, tame

DIGITS = small_digits()


def measured(model: BilinearNetwork, digits: Digits) -> Measurements:
    return Measurements.of(model, ExactNetwork(model.layers()), digits)


def pictures(images: Any) -> Digits:
    images = np.array(images, dtype=np.float32)
    labels = np.zeros(len(images), dtype=np.int64)
    return Digits(images, labels, images, labels)


def first_largest(row: list[Any]) -> int:
    best = 0
    for index, value in enumerate(row):
        if value > row[best]:
            best = index
    return best


# The oracle


def slow_distance(
    found: npt.NDArray[Any], wanted: list[list[Fraction]], scales: list[float]
) -> Distance:
    """The distance from exact values, number by number; NaN is infinitely far."""
    absolute = relative = 0.0
    agreeing = 0
    for row, exact, scale in zip(found.tolist(), wanted, scales, strict=True):
        if any(math.isnan(value) for value in row):
            absolute = relative = math.inf
            continue
        agreeing += first_largest(row) == first_largest(exact)
        for value, true in zip(row, exact, strict=True):
            by = abs(Fraction(value) - true)
            absolute = max(float(by), absolute)
            if by:
                relative = max(float(by / Fraction(scale)) if scale else math.inf, relative)
    return Distance(absolute, relative, agreeing)


def assert_near(found: Distance, expected: Distance) -> None:
    assert found.agreeing == expected.agreeing
    for name in ("absolute", "relative"):
        value, true = getattr(found, name), getattr(expected, name)
        if math.isinf(true):
            assert not value < math.inf
        else:
            assert value == pytest.approx(true, rel=1e-9, abs=1e-300)


@st.composite
def measured_networks(draw: st.DrawFn) -> tuple[BilinearNetwork, Digits, npt.NDArray[Any]]:
    """A network, some images, and logits that somebody may have found for them."""
    model = draw(networks(elements=tame, max_depth=2))
    images = draw(points(model.configuration.inputs, dtype=np.float32))
    exact = ExactNetwork(model.layers()).evaluate(images).astype(np.float64)
    found = exact * draw(st.sampled_from([1.0, 1 + 1e-9, 1 - 1e-15, 2.0, 0.0, -1.0]))
    for _ in range(draw(st.integers(0, 2))):
        place = tuple(draw(st.integers(0, size - 1)) for size in found.shape)
        found[place] = draw(st.sampled_from([0.0, 1.0, np.nextafter(found[place], 9), np.nan]))
    return model, pictures(images), found


@pytest.mark.props
@given(measured_networks())
def test_distances_and_counts_are_those_of_a_slow_loop_in_fractions(
    case: tuple[BilinearNetwork, Digits, npt.NDArray[Any]],
) -> None:
    model, digits, found = case
    measurements = measured(model, digits)
    exact = [module_value(model, image) for image in digits.test_images]
    scales = [max(abs(float(value)) for value in row) for row in exact]
    assert_near(measurements.from_exact(found), slow_distance(found, exact, scales))
    floats = measurements.floats["float64"]
    wanted = [[Fraction(value) for value in row] for row in floats.tolist()]
    scales = [max(map(abs, row)) for row in floats.tolist()]
    assert_near(measurements.from_network(found), slow_distance(found, wanted, scales))


@pytest.mark.props
@given(measured_networks())
def test_measurements_hold_the_exact_values_in_two_parts_and_the_exact_predictions(
    case: tuple[BilinearNetwork, Digits, npt.NDArray[Any]],
) -> None:
    model, digits, _ = case
    measurements = measured(model, digits)
    for row, image in enumerate(digits.test_images):
        exact = module_value(model, image)
        assert measurements.predictions[row] == first_largest(exact)
        for column, value in enumerate(exact):
            near = Fraction(float(measurements.nearest[row, column]))
            assert near == Fraction(float(value))
            assert measurements.rest[row, column] == float(value - near)


# Floats


@pytest.mark.parametrize(
    ("dtype", "names"),
    [
        (torch.float32, ["float32", "float64"]),
        (torch.float64, ["float64"]),
    ],
)
def test_floats_are_those_of_the_network_in_its_own_dtype_and_in_float64(
    dtype: torch.dtype, names: list[str]
) -> None:
    model = BilinearNetwork(9, 3, width=4, hidden=5).to(dtype)
    measurements = measured(model, DIGITS)
    assert list(measurements.floats) == names
    images = torch.from_numpy(DIGITS.test_images)
    with torch.no_grad():
        own = model(images.to(dtype)).double().numpy()
        double = model.double()(images.double()).numpy()
    np.testing.assert_array_equal(measurements.floats[names[0]], own)
    np.testing.assert_array_equal(measurements.floats["float64"], double)


# Predictions


def test_of_equal_logits_the_first_counts() -> None:
    model = BilinearNetwork(9, 3, depth=1, hidden=5)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.blocks[0].down.bias[1:] = 2
    measurements = measured(model, DIGITS)
    assert set(measurements.predictions) == {1}
    assert measurements.from_exact(measurements.floats["float32"]).agreeing == 12
    np.testing.assert_array_equal(classes(np.array([[0.0, 2.0, 2.0]])), [1])


def test_a_difference_below_the_last_digit_of_a_float_decides_a_prediction() -> None:
    model = BilinearNetwork(2, 2, depth=1, hidden=1).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.blocks[0].left.weight[0] = torch.tensor([1.0, 2.0**-40])
        model.blocks[0].right.weight[0] = torch.tensor([1.0, 2.0**-40])
        model.blocks[0].down.weight[:, 0] = 1
        model.blocks[0].down.bias[1] = 2.0**-90
    measurements = measured(model, pictures([[1, 1]]))
    assert measurements.nearest[0, 0] == measurements.nearest[0, 1]
    assert measurements.predictions.tolist() == [1]
    assert measurements.from_exact(measurements.nearest).agreeing == 0
    assert measurements.from_exact(measurements.nearest).absolute == 2.0**-80 + 2.0**-90


def test_nan_is_no_class_and_agrees_with_nothing_not_even_itself() -> None:
    found = np.array([[np.nan, 1.0], [0.0, np.nan], [0.0, np.inf], [-np.inf, 0.0]])
    np.testing.assert_array_equal(classes(found), [-1, -1, 1, 1])
    model = BilinearNetwork(9, 3, width=4, hidden=5)
    measurements = measured(model, DIGITS)
    nothing = np.full((12, 3), np.nan)
    broken = replace(measurements, floats={"float64": nothing})
    for distance in (measurements.from_exact(nothing), broken.from_network(nothing)):
        assert distance.agreeing == 0
        assert not distance.relative <= 1e300


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinite_logits_are_infinitely_far(value: float) -> None:
    measurements = measured(BilinearNetwork(9, 3, width=4, hidden=5), DIGITS)
    found = measurements.floats["float64"].copy()
    found[3, 1] = value
    assert measurements.from_exact(found).relative == np.inf
    infinite = replace(measurements, floats={"float64": found})
    assert not infinite.from_network(found).relative <= 1e300
    assert not infinite.from_network(measurements.nearest).relative <= 1e300


# Images of which nothing is relative


@pytest.mark.parametrize("method", ["eigen", "canonical"])
def test_a_rewrite_is_right_on_a_blank_image_although_its_logits_are_not_quite_0(
    method: str,
) -> None:
    shape = {"bias": False, "embedding": True, "residual": True, "seed": 0}
    model = BilinearNetwork(6, 3, depth=1, width=3, hidden=4, **shape)
    digits, graph = pictures(np.zeros((1, 6))), trace(model, method)
    (claim,) = (c for c in prove(model, graph, digits).claims if "same outputs" in c.name)
    assert claim.holds
    assert claim.evidence["largest relative difference"] < 1e-15
    assert "or of what adds up to them on the 1 images where all should be 0" in claim.statement
    graph.add_edge(("form", 1, 0), ("logit", 0), weight=1e-6)
    (claim,) = (c for c in prove(model, graph, digits).claims if "same outputs" in c.name)
    assert not claim.holds


def test_floats_that_cancel_to_nearly_0_are_a_rounding_of_it() -> None:
    model = BilinearNetwork(3, 2, depth=1, hidden=1, bias=False)
    with torch.no_grad():
        model.blocks[0].left.weight.copy_(torch.tensor([[0.1, 0.2, -0.3]]))
        model.blocks[0].right.weight.fill_(1)
        model.blocks[0].down.weight.fill_(1)
    measurements = measured(model, pictures([[0, 0, 0]]))
    assert measurements.blank.all()
    found = np.array([[1e-18, 0.0]])
    layers = [layer._replace(linear=layer.linear + 0.5) for layer in model.layers()]
    assert stray(found, layers, np.zeros((1, 3))) == 2e-18
    assert stray(found, model.layers(), np.zeros((1, 3))) == np.inf
    assert stray(found[:0], layers, np.zeros((0, 3))) == 0


def test_of_classes_that_are_exactly_as_likely_rounding_may_take_any() -> None:
    model = BilinearNetwork(9, 3, depth=1, hidden=5)
    with torch.no_grad():
        model.blocks[0].down.weight[1] = model.blocks[0].down.weight[0]
        model.blocks[0].down.bias.copy_(torch.tensor([5.0, 5.0, 0.5]))
    graph = trace(model, "eigen")
    measurements = measured(model, DIGITS)
    assert measurements.likeliest[:, :2].all()
    assert not measurements.likeliest[:, 2].any()
    for place, more, tolerance, holds in ((1, 1e-13, 1e-9, True), (2, 50.0, 100.0, False)):
        other = graph.copy()
        other.nodes["logit", place]["direction"] = (5 + more) * np.eye(1, 10)[0]
        proved = prove(model, other, DIGITS, tolerance=tolerance)
        (claim,) = (c for c in proved.claims if "same outputs" in c.name)
        assert claim.evidence["same class as the network"] == 0
        assert claim.holds is holds


# Distances


@pytest.mark.parametrize(
    ("found", "wanted", "absolute", "relative"),
    [
        ([[1.0, 2.0]], [[1.0, 2.0]], 0.0, 0.0),
        ([[1.0, 2.5]], [[1.0, -2.0]], 4.5, 2.25),
        ([[0.0, 0.0]], [[0.0, 0.0]], 0.0, 0.0),
        ([[0.0, 1e-9]], [[0.0, 0.0]], 1e-9, np.inf),
        ([[10.0, 11.0], [0.5, 0.25]], [[10.0, 10.0], [0.5, 0.0]], 1.0, 0.5),
    ],
)
def test_differences_are_relative_to_the_largest_logit_of_their_image(
    found: Any, wanted: Any, absolute: float, relative: float
) -> None:
    found, wanted = np.array(found), np.array(wanted)
    same = np.ones(len(found), dtype=bool)
    assert Distance.of(abs(found - wanted), wanted, same) == Distance(
        absolute, relative, len(found)
    )
