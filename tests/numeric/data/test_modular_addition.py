"""All inputs of addition modulo a number, and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from numeric import InputShape, NumericError
from numeric.data.modular_addition import ModularAddition


@pytest.mark.parametrize("modulus", [2, 3, 7])
def test_every_pair_is_an_input_once_and_its_class_is_the_sum(modulus: int) -> None:
    task = ModularAddition(modulus)
    found = []
    for index, (row, label) in enumerate(zip(task.inputs, task.labels, strict=True)):
        first, second = row.reshape(2, modulus)
        assert sorted(first) == sorted(second) == [0.0] * (modulus - 1) + [1.0]
        a, b = int(first.argmax()), int(second.argmax())
        assert label == (a + b) % modulus
        assert task.name_of(index) == f"{a} + {b}"
        found.append((a, b))
    assert found == [(a, b) for a in range(modulus) for b in range(modulus)]


def test_six_tenths_are_trained_on_and_all_others_tested() -> None:
    task = ModularAddition(7)
    digits = task.data(seed=3)
    assert (len(digits.train_images), len(digits.test_images)) == (29, 20) == (task.trained, 20)
    whole = np.concatenate([digits.train_images, digits.test_images])
    labels = np.concatenate([digits.train_labels, digits.test_labels])
    order = [int(row[:7].argmax() * 7 + row[7:].argmax()) for row in whole]
    assert sorted(order) == list(range(49))
    np.testing.assert_array_equal(labels, task.labels[order])
    again = [task.data(seed=seed).train_images for seed in (3, 4)]
    assert np.array_equal(digits.train_images, again[0])
    assert not np.array_equal(digits.train_images, again[1])


def test_inputs_are_a_table_of_two_numbers() -> None:
    digits = ModularAddition(3).data()
    assert digits.shape == InputShape((2, 3), (("a", "b"), ("0", "1", "2")))
    assert (digits.classes, digits.called(2)) == (3, "2")


@pytest.mark.parametrize("modulus", [1, 0, -3, 2.0, True, "5"])
def test_what_nothing_can_be_added_modulo_is_refused(modulus: Any) -> None:
    with pytest.raises(NumericError, match="expected modulus to be an integer from 2, got "):
        ModularAddition(modulus)
