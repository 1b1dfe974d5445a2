"""Where a tensor stands, by its name."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from numeric import NumericError
from numeric.networks.importing.tensor_names import Place, places_of


@pytest.mark.parametrize(
    ("name", "place", "kind"),
    [
        ("weight", Place((), None, (), ""), "weight"),
        ("left.weight", Place((), None, (), "left"), "weight"),
        ("left/bias", Place((), None, (), "left"), "bias"),
        ("left", Place((), None, (), "left"), "weight"),
        ("left_bias", Place((), None, (), "left"), "bias"),
        ("head.weight", Place((), None, ("head",), ""), "weight"),
        ("h.3.weight", Place(("h",), 3, (), ""), "weight"),
        ("a.h.3.mlp.w1.weight", Place(("a", "h"), 3, ("mlp",), "w1"), "weight"),
        ("_orig_mod.h.3._orig_mod.w1.weight", Place(("h",), 3, (), "w1"), "weight"),
        ("left.3.weight", Place((), 3, (), "left"), "weight"),
        ("net.left.3", Place(("net",), 3, (), "left"), "weight"),
        ("h.03.weight", Place((), None, ("h", "03"), ""), "weight"),
        ("h.1234567.weight", Place((), None, ("h", "1234567"), ""), "weight"),
        ("h.0.experts.1.w1.weight", Place(("h",), 0, ("experts", "1"), "w1"), "weight"),
        ("", Place((), None, ("",), ""), "weight"),
    ],
)
def test_a_name_says_where_its_tensor_stands(name: str, place: Place, kind: str) -> None:
    ((found, affine),) = places_of({name: np.ones(1)}).items()
    assert found == place
    assert list(affine) == [kind]


def test_a_bias_is_one_of_the_weight_beside_it() -> None:
    for weight in ("W_in", "w_in"):
        (affine,) = places_of({f"mlp.{weight}": np.ones((1, 1)), "mlp.b_in": np.ones(1)}).values()
        assert affine.keys() == {"weight", "bias"}
    assert len(places_of({"b_in": np.ones(1)})) == 1


def test_names_say_which_weights_are_stored_the_other_way_round() -> None:
    names = {"W_in": True, "blocks.0.W_E": True, "head/kernel": True, "w1.weight": False}
    for name, turned in names.items():
        (affine,) = places_of({name: np.ones((1, 1))}).values()
        assert affine["weight"].turned == turned


def test_two_tensors_of_one_name_are_refused() -> None:
    with pytest.raises(
        NumericError, match=r"one tensor of each name, got a.left and a/left.weight"
    ):
        places_of({"a.left": np.ones(1), "a/left.weight": np.ones(1)})


def test_what_is_no_array_is_refused_by_name() -> None:
    with pytest.raises(NumericError, match="expected left to be an array of floats"):
        places_of({"left": torch.eye(2).to_sparse()})
