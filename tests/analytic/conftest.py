"""Networks that several modules ask questions of."""

from __future__ import annotations

import pytest

from numeric import BilinearNetwork


@pytest.fixture(scope="module")
def small() -> BilinearNetwork:
    """Return a network of degree 4 in three variables."""
    return BilinearNetwork(3, 2, depth=2, width=2, hidden=3, residual=True, embedding=True)


@pytest.fixture(scope="module")
def digits() -> BilinearNetwork:
    """Return a network that reads images of MNIST's size."""
    return BilinearNetwork(784, 10, depth=1, hidden=16, residual=True)
