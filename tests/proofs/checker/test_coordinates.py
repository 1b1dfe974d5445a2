"""What is computed of bases contains the exact numbers; proofs rest on it in test_surroundings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy

from proofs.checker import coordinates


@pytest.mark.parametrize("skewed", [np.eye(3) + 0.1, np.diag([1.0, 1e-3, 1e3]), np.eye(3)])
def test_an_inverse_contains_the_exact_one(skewed: Any) -> None:
    found, exact = coordinates.inverse(skewed), sympy.Matrix(skewed.tolist()).inv()
    lower, upper = found.value - found.error, found.value + found.error
    for place, entry in enumerate(exact):
        assert lower.flat[place] <= entry <= upper.flat[place]
