"""Arrays as text, and back to the last bit."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from proofs.report.packing import packed, unpacked


@pytest.mark.parametrize(
    "array",
    [
        np.array([[0.0, -0.0, 5e-324], [np.finfo(float).max, 1 / 3, -1e-308]]),
        np.array([1 / 3, -7.5], np.float32),
        np.arange(6, dtype=np.uint8).reshape(1, 2, 3),
        np.array([-128, 127], np.int8),
        np.zeros((0, 5)),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(3.0)[::-1],
        np.arange(3, dtype=">f8"),
    ],
)
def test_an_array_comes_back_to_the_last_bit(array: Any) -> None:
    found = unpacked(json.loads(json.dumps(packed(array))))
    assert found.dtype == array.dtype.newbyteorder("=")
    assert found.shape == array.shape
    assert found.tobytes() == array.astype(found.dtype).tobytes()


def test_the_same_array_is_the_same_text() -> None:
    array = np.random.default_rng(0).standard_normal(20)
    assert packed(array) == packed(array.copy())


def test_one_ulp_is_another_text() -> None:
    array = np.ones(4)
    assert packed(array) != packed(np.nextafter(array, 2))


def test_bytes_of_alike_numbers_stand_together() -> None:
    array = np.random.default_rng(0).uniform(1, 2, 4000)
    assert len(packed(array)["bytes"]) < 0.92 * 4000 * 8 * 4 / 3
