"""What is said of a node's values, held against slow counts."""

from __future__ import annotations

import json

import numpy as np
import pytest

from proofs.report.profiles import profile

DRAW = np.random.default_rng(0)
VALUES = DRAW.normal(size=101) ** 3
LABELS = DRAW.integers(0, 4, 101)


def test_means_are_those_of_each_class_and_none_where_there_is_no_image() -> None:
    found = profile(VALUES, LABELS, 5)["means"]
    for label in range(4):
        assert found[label] == pytest.approx(VALUES[label == LABELS].mean(), rel=1e-5)
    assert found[4] is None


def test_every_value_falls_into_one_bin_of_the_range() -> None:
    bins = profile(VALUES, LABELS, 4)["bins"]
    edges = np.linspace(VALUES.min(), VALUES.max(), 25)
    wanted = [int(((edges[n] <= VALUES) & (edges[n + 1] > VALUES)).sum()) for n in range(24)]
    wanted[-1] += 1
    assert bins == wanted
    assert sum(bins) == 101


def test_examples_are_the_largest_values_and_those_at_the_quantiles() -> None:
    found = profile(VALUES, LABELS, 4)
    ordered = sorted(VALUES.tolist())
    assert [value for _, value in found["most"]] == pytest.approx(ordered[::-1][:5], rel=1e-5)
    for part, digit, value in found["quantiles"]:
        assert value == pytest.approx(VALUES[digit], rel=1e-5)
        assert value == pytest.approx(np.quantile(VALUES, part, method="nearest"), rel=1e-5)
    assert [part for part, _, _ in found["quantiles"]] == [0.95, 0.75, 0.5, 0.25, 0.05]


def test_values_that_are_all_equal_or_very_large_have_a_histogram() -> None:
    equal = profile(np.full(7, 2.5), np.zeros(7, int), 1)
    assert (equal["range"], sum(equal["bins"]), equal["bins"][0]) == ([2.5, 2.5], 7, 7)
    large = profile(np.array([-1.7e308, 0.0, 1.7e308]), np.zeros(3, int), 1)
    assert (large["bins"][0], large["bins"][12], large["bins"][23]) == (1, 1, 1)
    json.dumps(large, allow_nan=False)
