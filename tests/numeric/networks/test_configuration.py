"""Shapes of networks: what they say of weights, and what is refused."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from numeric import BilinearNetwork, NumericError

SHAPES = [
    dict(zip(("depth", "bias", "residual", "embedding"), values, strict=True))
    for values in product((1, 2, 3), *[(False, True)] * 3)
]
SMALL: dict[str, Any] = {"width": 4, "hidden": 6}

Wrong = Any
"""What no caller should hand over."""


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_configuration_knows_the_shapes_of_all_weights(shape: dict[str, Any]) -> None:
    for inputs, outputs in ((3, 2), (4, 4)):
        network = BilinearNetwork(inputs, outputs, **shape, **SMALL)
        parameters = {name: tuple(value.shape) for name, value in network.named_parameters()}
        assert dict(network.configuration.shapes()) == parameters


@pytest.mark.parametrize("value", [0, -1, True, 2.0, "2", None, 2**63])
@pytest.mark.parametrize("name", ["inputs", "outputs", "depth", "width", "hidden"])
def test_a_size_that_is_no_positive_integer_is_refused(name: str, value: Wrong) -> None:
    shape: dict[str, Any] = {"inputs": 3, "outputs": 2, **SMALL, name: value}
    with pytest.raises(NumericError, match=rf"^expected {name} to be .*, got '?{value}"):
        BilinearNetwork(shape.pop("inputs"), shape.pop("outputs"), **shape)


@pytest.mark.parametrize("value", [0, 1, "yes", None])
@pytest.mark.parametrize("name", ["bias", "residual", "embedding"])
def test_a_switch_is_true_or_false(name: str, value: Wrong) -> None:
    with pytest.raises(NumericError, match=f"expected {name} to be True or False, got"):
        BilinearNetwork(3, 2, **{name: value})
