"""Inputs on which networks differ, and patterns that tell them apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from numeric import Layer, LayeredNetwork, NumericError
from numeric.comparison.disagreements import disagreement, flip


def linear(*rows: list[float]) -> LayeredNetwork:
    """A network that weighs inputs, its outputs' constants first in each row."""
    matrix = np.array([np.eye(len(rows[0]))[0], *rows])
    none = np.zeros((0, matrix.shape[1]))
    return LayeredNetwork([Layer(none, none, np.zeros((len(matrix), 0)), matrix)])


PLAIN = linear([0.5, 0, 0, 0], [0, 1, 0, 0])
"""Two classes, told apart by the first of three inputs; it reads no others."""

TRICKED = linear([0.5, 0, 0, 5], [0, 1, 0, 0])
"""The same, but that the last input calls for class 0."""

IMAGES = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 0, 1.0]])


def test_inputs_are_ordered_by_how_far_the_logits_are_apart() -> None:
    found = disagreement(PLAIN, TRICKED, IMAGES)
    assert found.order.tolist() == [3, 0, 1, 2]
    assert found.distances == pytest.approx([0, 0, 0, 5 / np.sqrt(2)])
    assert (found.first.tolist(), found.second.tolist()) == ([0, 1, 1, 1], [0, 1, 1, 0])
    assert found.disagreeing == 1


def test_logits_that_are_all_larger_say_the_same() -> None:
    found = disagreement(PLAIN, linear([7.5, 0, 0, 0], [7, 1, 0, 0]), IMAGES)
    assert found.distances == pytest.approx([0] * 4)
    assert found.disagreeing == 0


def test_a_pattern_that_one_network_falls_for_is_told_with_its_class_and_sign() -> None:
    for sign in (1, -1):
        found = flip(PLAIN, TRICKED, IMAGES, np.array([0, 0, 0.3 * sign]))
        assert (found.output, found.sign, found.first, found.second) == (0, sign, 0, 1)
        assert found.gap == 1


def test_what_moves_both_networks_alike_tells_nothing() -> None:
    assert flip(PLAIN, TRICKED, IMAGES[:3], np.array([1.0, 0, 0])).gap == 0
    assert flip(PLAIN, TRICKED, IMAGES, np.array([0, 1.0, 0])).gap == 0


def test_inputs_that_are_all_the_same_are_taken_as_they_are() -> None:
    found = flip(PLAIN, TRICKED, np.ones((2, 3)), np.array([0, 0, 1.0]))
    assert np.isfinite(found.gap)


@pytest.mark.parametrize("pattern", [np.zeros(3), np.ones(2), np.array([np.nan, 0, 0])])
def test_what_is_no_pattern_is_refused(pattern: Any) -> None:
    with pytest.raises(NumericError, match=r"^expected pattern to be 3 finite numbers, not all"):
        flip(PLAIN, TRICKED, IMAGES, pattern)


def test_networks_of_other_outputs_are_refused() -> None:
    with pytest.raises(NumericError, match=r"^expected second to have 2 outputs like first"):
        disagreement(PLAIN, linear([0.0, 1, 0, 0]), IMAGES)


def test_networks_stay_as_they_are() -> None:
    before = {name: value.clone() for name, value in PLAIN.state_dict().items()}
    flip(PLAIN, TRICKED, IMAGES, np.array([0, 0, 1.0]))
    assert all(torch.equal(before[name], value) for name, value in PLAIN.state_dict().items())
