"""Files of weights that other code wrote, and what is none."""

from __future__ import annotations

import json
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from numeric import BilinearNetwork, NumericError, save_graph, save_network, trace
from numeric.networks.importing.state_files import load_state

STATE = {"left.weight": torch.randn(2, 3), "right.weight": torch.randn(2, 3)}


def assert_same(content: Any, expected: Any = STATE) -> None:
    assert content.keys() == expected.keys()
    for name, tensor in expected.items():
        assert torch.equal(torch.as_tensor(content[name]), tensor)


@pytest.mark.parametrize("name", ["weights.safetensors", "weights.pt", "weights", "weights.npz"])
def test_a_file_is_known_by_what_it_holds(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.endswith(".safetensors"):
        save_file(STATE, path)
    elif name.endswith(".npz"):
        np.savez_compressed(path, **{n: t.numpy() for n, t in STATE.items()})
    else:
        torch.save(OrderedDict(STATE), path)
    assert_same(load_state(path).content)
    assert load_state(path).hints == {}


def test_torchs_older_format_is_read(tmp_path: Path) -> None:
    torch.save(STATE, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    assert_same(load_state(tmp_path / "old.pth").content)


def test_half_precision_stays(tmp_path: Path) -> None:
    save_file({n: t.bfloat16() for n, t in STATE.items()}, tmp_path / "half")
    assert load_state(tmp_path / "half").content["left.weight"].dtype == torch.bfloat16


def in_folder(folder: Path, *, torchs: bool, parts: bool) -> Path:
    """Write the weights as the hub keeps them."""
    folder.mkdir()
    whole = "pytorch_model.bin" if torchs else "model.safetensors"
    save: Any = torch.save if torchs else save_file
    if not parts:
        save(STATE, folder / whole)
        return folder
    places = {}
    for number, (name, tensor) in enumerate(STATE.items()):
        places[name] = f"part-{number}"
        save({name: tensor}, folder / f"part-{number}")
    (folder / f"{whole}.index.json").write_text(json.dumps({"weight_map": places}))
    return folder


@pytest.mark.parametrize("torchs", [False, True])
@pytest.mark.parametrize("parts", [False, True])
def test_a_folder_of_the_hub_is_read_whole_and_in_parts(
    tmp_path: Path, torchs: bool, parts: bool
) -> None:
    folder = in_folder(tmp_path / "hub", torchs=torchs, parts=parts)
    assert_same(load_state(folder).content)
    (folder / "config.json").write_text('{"hidden_act": "silu"}')
    assert load_state(folder).hints == {"hidden_act": "silu"}


@pytest.mark.parametrize("torchs", [False, True])
def test_of_a_part_no_other_file_is_opened(tmp_path: Path, torchs: bool) -> None:
    folder = in_folder(tmp_path / "hub", torchs=torchs, parts=True)
    (folder / "part-1").write_text("Dear network,")
    assert_same(load_state(folder, "left").content, {"left.weight": STATE["left.weight"]})
    assert load_state(folder, "lef").content == {}
    with pytest.raises(NumericError, match="part-1 to be a whole"):
        load_state(folder)


def test_of_a_part_no_other_tensor_is_read(tmp_path: Path) -> None:
    save_file(STATE, tmp_path / "weights")
    assert_same(
        load_state(tmp_path / "weights", "left").content, {"left.weight": STATE["left.weight"]}
    )
    save_file(STATE | {"left.scale": torch.ones(1).to(torch.float8_e4m3fn)}, tmp_path / "weights")
    assert load_state(tmp_path / "weights", "right").content.keys() == {"right.weight"}


@pytest.mark.parametrize(
    ("weight_map", "message"),
    [
        ({"left.weight": "part-0"}, None),
        (
            {"left.weight": "part-0", "down.weight": "part-1"},
            "part-1 to hold down.weight, as model",
        ),
        (
            {"down.weight": "part-0", "left.weight": "part-0"},
            "part-0 to hold down.weight, as model",
        ),
        ({"left.weight": "part-0", "right.weight": "part-9"}, "safetensors file at .*part-9, got"),
        ({"left.weight": "../hub/part-0"}, r"to name files beside it, got \.\./hub/part-0"),
        ({"left.weight": 3}, "to hold a weight_map of names and files, got none"),
        ([1], "to hold a weight_map of names and files, got none"),
    ],
    ids=range(7),
)
def test_an_index_that_does_not_fit_its_parts_is_refused(
    tmp_path: Path, weight_map: Any, message: str | None
) -> None:
    folder = in_folder(tmp_path / "hub", torchs=False, parts=True)
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": weight_map}))
    if message is None:
        assert_same(load_state(folder).content, {"left.weight": STATE["left.weight"]})
        return
    with pytest.raises(NumericError, match=message):
        load_state(folder)


def test_a_part_with_more_than_its_index_says_is_refused(tmp_path: Path) -> None:
    folder = in_folder(tmp_path / "hub", torchs=False, parts=True)
    save_file(STATE, folder / "part-0")
    with pytest.raises(NumericError, match=r"part-0 to hold what model.* says, got also right"):
        load_state(folder)


def test_a_folder_without_weights_says_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(NumericError, match=r"the index of its parts, got tokenizer.json: give one"):
        load_state(tmp_path)


def test_a_file_of_torch_that_holds_code_is_refused_and_not_run(tmp_path: Path) -> None:
    torch.save(nn.Linear(2, 2), tmp_path / "module.pt")
    with pytest.raises(NumericError, match=r"only code can make \(.*\): save the state_dict\(\)"):
        load_state(tmp_path / "module.pt")

    class Bomb:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "exploded",))

    torch.save({"weight": Bomb()}, tmp_path / "bomb.pt")
    with pytest.raises(NumericError, match="only code can make"):
        load_state(tmp_path / "bomb.pt")
    assert not (tmp_path / "exploded").exists()


def test_objects_of_numpy_are_refused_and_not_run(tmp_path: Path) -> None:
    np.savez(tmp_path / "objects.npz", weight=np.array([Path("x")], dtype=object))
    with pytest.raises(NumericError, match="a whole archive of numpy's arrays of numbers, got"):
        load_state(tmp_path / "objects.npz")


def test_files_of_this_program_are_sent_where_they_are_read(tmp_path: Path) -> None:
    network = BilinearNetwork(3, 2, depth=1, hidden=2)
    save_network(network, tmp_path / "network")
    save_graph(trace(network), tmp_path / "graph")
    with pytest.raises(NumericError, match=r"got a network, which every command .* takes as it is"):
        load_state(tmp_path / "network")
    with pytest.raises(NumericError, match="got a composition graph, which 'bilinear prune'"):
        load_state(tmp_path / "graph")
    certificate = tmp_path / "certificate.json"
    certificate.write_text('{"format": "bilinear-features certificate 3"}')
    with pytest.raises(NumericError, match="got a certificate, which 'bilinear check' reads"):
        load_state(certificate)


@pytest.mark.parametrize("content", [b"", b"Dear network,", b"PK\x03\x04 not quite", b"\x80\x04"])
@pytest.mark.parametrize("name", ["letter", "letter.pt", "letter.npz"])
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes, name: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(NumericError, match=f"expected .*{name} to be a whole"):
        load_state(tmp_path / name)


def test_where_there_is_nothing_the_error_says_so(tmp_path: Path) -> None:
    with pytest.raises(NumericError, match=r"or a folder of the hub at .*missing, got nothing"):
        load_state(tmp_path / "missing")
