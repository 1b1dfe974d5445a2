"""The parts of a network by the names of its tensors: those there, missing and too many."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numeric import NumericError
from numeric.networks.importing.layouts import EMBEDDINGS, HEADS, LAYOUTS, NAMES
from numeric.networks.importing.parts import find_parts, unwrapped
from tests.written import Written, written_networks

ONE = np.ones((2, 2))


def state(*names: str, **arrays: Any) -> dict[str, Any]:
    return {f"{name}.weight": ONE for name in names} | arrays


def gated(number: int, *names: str) -> list[str]:
    return [f"layers.{number}.mlp.{name}" for name in names or ("w1", "w2", "w3")]


def test_every_layout_is_found_by_its_own_names() -> None:
    for name, layout in LAYOUTS.items():
        found = find_parts(state(*(f"blocks.0.{leaf}".rstrip(".") for leaf in layout.names)))
        assert name in [parts.layout for parts in found]
        (block,) = found[0].blocks
        assert len(block.factors) == len(layout.factors)
        assert (block.down is not None) == bool(layout.down)


def test_no_name_of_a_layer_is_one_of_an_embedding_or_a_head() -> None:
    assert not NAMES & {*EMBEDDINGS, *HEADS}
    assert not {*EMBEDDINGS} & {*HEADS}


@pytest.mark.parametrize(
    ("names", "missing"),
    [
        (gated(0, "w1", "w3") + gated(1), "layers.0.mlp.w2.weight"),
        (gated(0) + gated(1, "w1", "w2"), "layers.1.mlp.w3.weight"),
        (gated(0, "w2", "w3"), "layers.0.mlp.w1.weight"),
        (gated(1), "layers.0.mlp.w1.weight"),
        (gated(0) + gated(2), "layers.1.mlp.w1.weight"),
        (["blocks.0", "blocks.2"], "blocks.1.weight"),
        (["up_proj", "down_proj"], "gate_proj.weight"),
        (["blocks.0.left", "blocks.0.down"], "blocks.0.right.weight"),
    ],
    ids=range(8),
)
def test_a_missing_tensor_is_named(names: list[str], missing: str) -> None:
    with pytest.raises(NumericError, match=f"expected state to hold {missing}, got only"):
        find_parts(state(*names))


@pytest.mark.parametrize("part", ["embed", "head", "blocks.0.left", "blocks.0.down"])
def test_a_bias_without_its_weight_is_missing_it(part: str) -> None:
    names = ["embed", "blocks.0.left", "blocks.0.right", "blocks.0.down", "head"]
    names.remove(part)
    with pytest.raises(NumericError, match=f"expected state to hold {part}.weight, got only"):
        find_parts(state(*names) | {f"{part}.bias": np.ones(2)})


@pytest.mark.parametrize(
    ("surplus", "advice"),
    [
        ("norm.weight", "a norm divides"),
        ("layers.0.ln_1.bias", "a norm divides"),
        ("layers.1.input_layernorm.weight", "a norm divides"),
        ("layers.0.attn.weight", "say with part"),
        ("layers.0.mlp.left.weight", "say with part"),
        ("decoder.layers.0.mlp.w1.weight", "say with part"),
        ("step", "say with part"),
    ],
)
def test_a_surplus_tensor_is_named(surplus: str, advice: str) -> None:
    given_ = state(*gated(0), *gated(1)) | {surplus: np.ones(2)}
    with pytest.raises(NumericError, match=f"hold only .*, got also {surplus}: {advice}"):
        find_parts(given_)


def test_a_second_embedding_is_refused() -> None:
    with pytest.raises(NumericError, match=r"one of a.embed.weight, wte.weight, got all: say with"):
        find_parts(state("a.embed", "wte", *gated(0)))


@pytest.mark.parametrize(
    "given_", [{}, state("norm"), state("fc"), {"x": np.ones(3)}], ids=range(4)
)
def test_names_without_a_layer_are_refused(given_: dict[str, Any]) -> None:
    with pytest.raises(NumericError, match=r"the weights of a layer, such as blocks.0.left.weight"):
        find_parts(given_)


def test_layers_of_a_first_axis_must_be_as_many_everywhere() -> None:
    arrays = {"blocks.left": np.ones((3, 2, 2)), "blocks.right": np.ones((2, 2, 2))}
    with pytest.raises(
        NumericError, match=r"blocks.right to hold 3 layers .* got shape \(2, 2, 2\)"
    ):
        find_parts(arrays)
    arrays = {"blocks.left": np.ones((3, 2, 2)), "blocks.right": np.ones((3, 2, 2))}
    assert len(find_parts(arrays)[0].blocks) == 3
    with pytest.raises(NumericError, match=r"blocks.left.bias to hold 3 layers .* shape \(3,\)"):
        find_parts(arrays | {"blocks.left.bias": np.ones(3)})


def test_a_lone_weight_of_three_axes_is_one_map_unless_its_name_is_of_several() -> None:
    cube = np.ones((4, 2, 2))
    assert len(find_parts({"form.weight": cube})[0].blocks) == 1
    assert len(find_parts({"blocks.weight": cube})[0].blocks) == 4


@pytest.mark.props
@given(written=written_networks(), data=st.data())
def test_a_factor_that_is_taken_away_is_missed_or_named(
    written: Written, data: st.DataObject
) -> None:
    layout = written.options["layout"]
    whole = find_parts(written.state, layout=layout)[0]
    part = data.draw(st.sampled_from([p for p in whole.all() if p.role == "factors"]))
    gone = part.name.rpartition("[")[0] or part.name
    rest = {name: array for name, array in written.state.items() if name != gone}
    try:
        found = find_parts(rest, layout=layout)[0]
    except NumericError as error:
        assert str(error).startswith("expected state to hold ")  # noqa: PT017 -- or fewer layers
    else:
        assert len(found.blocks) < len(whole.blocks)


# What holds a state dict


@pytest.mark.parametrize("name", ["state_dict", "model_state_dict", "model", "net"])
def test_the_state_dict_in_a_checkpoint_is_found(name: str) -> None:
    inner = state("left", "right")
    assert unwrapped({name: inner, "epoch": 3}) == inner
    assert unwrapped({"model": {name: inner}, "optimizer": {}}) == inner
    assert unwrapped(inner | {"model": 3}) == inner | {"model": 3}


@pytest.mark.parametrize("content", [None, [1], ONE])
def test_what_is_no_mapping_is_refused(content: object) -> None:
    with pytest.raises(NumericError, match="expected state to be a state dict, a mapping"):
        unwrapped(content)


def test_mappings_in_mappings_are_names_in_names() -> None:
    nested = {"student": {"left": {"kernel": 1}, "right": {"kernel": 2}}, "teacher": {"left": 3}}
    assert unwrapped(nested, part="student") == {"left.kernel": 1, "right.kernel": 2}
    assert unwrapped(nested).keys() == {
        "student.left.kernel",
        "student.right.kernel",
        "teacher.left",
    }


def test_two_state_dicts_in_one_checkpoint_are_refused() -> None:
    with pytest.raises(NumericError, match="one state dict, got model and net: give one"):
        unwrapped({"net": {}, "model": {}})
