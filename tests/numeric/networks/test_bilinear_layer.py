"""Single layers: their maps, how they are drawn, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from numeric import BilinearLayer, BilinearNetwork, NumericError

SMALL: dict[str, Any] = {"width": 4, "hidden": 6}


def test_a_residual_between_sizes_that_differ_is_a_learned_map_without_bias() -> None:
    network = BilinearNetwork(3, 2, depth=3, residual=True, **SMALL)
    skips = {name: array.shape for name, array in network.arrays().items() if "skip" in name}
    assert skips == {"blocks.0.skip.weight": (4, 3), "blocks.2.skip.weight": (2, 4)}


def test_initial_weights_of_a_layer_have_a_variance_of_one_over_their_rows_length() -> None:
    layer = BilinearLayer(100, 20, hidden=400)
    for name, parameter in layer.named_parameters():
        root = 1 / 20 if "down" in name else 1 / 10
        if "bias" in name:
            assert root / 2 < parameter.abs().max() <= root
        else:
            assert parameter.std().item() == pytest.approx(root, rel=0.03)


@pytest.mark.parametrize("name", ["inputs", "outputs", "hidden"])
def test_a_layer_by_itself_refuses_sizes_too(name: str) -> None:
    shape: dict[str, Any] = {"inputs": 3, "outputs": 2, "hidden": 4, name: 0}
    with pytest.raises(NumericError, match=f"expected {name} to be an integer of at least 1"):
        BilinearLayer(**shape)
