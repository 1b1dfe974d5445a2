"""Networks in files: identical when they come back, refused by name when a file was altered."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st

from numeric import (
    BilinearNetwork,
    Layer,
    LayeredNetwork,
    NumericError,
    import_network,
    load_network,
    save_graph,
    save_network,
    trace,
)
from numeric.files import load_arrays, save_arrays
from numeric.networks.network_files import read_network, renewed
from tests.strategies import networks, stacks, wild

NOTES: dict[str, Any] = {"accuracy": 0.98, "seeds": [1, 2], "by": {"name": "é", "none": None}}

Arrays = dict[str, np.ndarray[Any, Any]]
Alteration = Callable[[Arrays, dict[str, Any]], object]

Wrong = Any
"""What no caller should hand over."""


def a_network() -> BilinearNetwork:
    return BilinearNetwork(3, 2, depth=3, width=4, hidden=5, residual=True)


def load_bilinear(path: Path) -> BilinearNetwork:
    network = load_network(path)
    assert isinstance(network, BilinearNetwork)
    return network


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("networks")


@pytest.fixture(scope="module")
def content(folder: Path) -> bytes:
    save_network(a_network(), folder / "whole", notes=NOTES)
    return (folder / "whole").read_bytes()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    save_network(a_network(), tmp_path / "network", notes=NOTES)
    return tmp_path / "network"


@pytest.mark.props
@given(network=networks(elements=wild))
def test_a_network_comes_back_bit_for_bit(folder: Path, network: BilinearNetwork) -> None:
    save_network(network, folder / "network")
    loaded = load_bilinear(folder / "network")
    assert loaded.configuration == network.configuration
    expected, got = network.arrays(), loaded.arrays()
    assert list(got) == list(expected)
    for name, array in expected.items():
        assert got[name].dtype == array.dtype
        assert got[name].tobytes() == array.tobytes()


@pytest.mark.props
@given(layers=stacks(elements=wild))
def test_layers_of_any_sizes_come_back_bit_for_bit(folder: Path, layers: list[Layer]) -> None:
    save_network(layers, folder / "layers")
    loaded = load_network(folder / "layers")
    assert isinstance(loaded, LayeredNetwork)
    for expected, got in zip(layers, loaded.layers(), strict=True):
        for one, other in zip(expected, got, strict=True):
            assert one.dtype == other.dtype
            assert one.tobytes() == other.tobytes()


def test_notes_come_back_with_the_network(path: Path) -> None:
    assert read_network(path)[1] == NOTES
    save_network(a_network(), path)
    assert read_network(path)[1] == {}


def test_a_loaded_network_does_not_depend_on_its_file(path: Path) -> None:
    network = load_network(path)
    path.unlink()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
    assert not network(torch.ones(1, 3)).any()


def test_the_same_network_gives_the_same_bytes(path: Path) -> None:
    save_network(a_network(), path.parent / "again", notes=dict(reversed(NOTES.items())))
    assert (path.parent / "again").read_bytes() == path.read_bytes()


# Files that are not the network's


def without(name: str) -> Alteration:
    return lambda arrays, _: arrays.pop(name)


def replaced(name: str, change: Callable[[Any], Any]) -> Alteration:
    return lambda arrays, _: arrays.update({name: change(arrays.get(name))})


def configured(**values: object) -> Alteration:
    return lambda _, description: description["configuration"].update(values)


def described(**values: object) -> Alteration:
    return lambda _, description: description.update(values)


def everything(dtype: type) -> Alteration:
    return lambda arrays, _: arrays.update(
        {name: array.astype(dtype) for name, array in arrays.items()}
    )


def moved(name: str, place: tuple[int, int]) -> Alteration:
    """Change one number where a residual, a neuron or the constant passes on."""

    def alter(arrays: Arrays, _: dict[str, Any]) -> None:
        arrays[name][place] = np.nextafter(arrays[name][place], np.float32(2))

    return alter


def one_nan(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    array[1, 2] = np.nan
    return array


@pytest.mark.parametrize(
    ("alter", "message"),
    [
        (without("2.down"), "to hold the tensor 2.down, got none"),
        (without("1.linear"), "to hold the tensor 1.linear, got none"),
        (replaced("surplus", lambda _: np.ones(1, np.float32)), "got also surplus"),
        (replaced("5.left", lambda _: np.ones((1, 1), np.float32)), "got also 5.left"),
        (
            replaced("1.left", lambda array: array[1:]),
            r"right of layer 1 .* \(4, 4\), got \(5, 4\)",
        ),
        (replaced("1.right", np.transpose), r"right of layer 1 .* shape \(5, 4\), got \(4, 5\)"),
        (replaced("1.right", one_nan), r"right of layer 1 .* nan at position \(1, 2\), in"),
        (
            replaced("1.left", lambda array: array.astype(np.float64)),
            r"share a dtype, got \['float32', 'float64'\]",
        ),
        (everything(np.int32), "left of layer 1 to be float32 or float64, got int32"),
        (everything(np.float16), "left of layer 1 to be float32 or float64, got float16"),
        (described(format="bilinear-features graph 1"), "got 'bilinear-features graph 1'"),
        (described(format=None), "expected the format of .* got None"),
        (described(configuration=None), "expected the configuration in .* got None"),
        (described(configuration=[3, 2]), r"expected the configuration in .* got \[3, 2\]"),
        (described(configuration={"inputs": 3, "outputs": 2}), "to have inputs, outputs, depth"),
        (configured(colour="red"), "to have inputs, outputs, depth, .* 'colour'"),
        (configured(depth="2"), "expected depth to be an integer of at least 1, got '2'"),
        (configured(depth=2.0), "expected depth to be an integer of at least 1, got 2.0"),
        (configured(bias=1), "expected bias to be True or False, got 1"),
        (configured(hidden=6), "that of its layers, .*hidden=6"),
        (configured(hidden=10**15), "that of its layers, got Configuration"),
        (configured(depth=10**15), "that of its layers, .* for LayeredNetwork"),
        (configured(embedding=True), "that of its layers, .*embedding=True"),
        (configured(depth=1, embedding=True), "that of its layers, .*embedding=True"),
        (configured(residual=False), "that of its layers, .*residual=False"),
        (configured(bias=False), "that of its layers, .*bias=False"),
        (moved("2.linear", (1, 1)), "that of its layers"),
        (moved("1.down", (0, 1)), "that of its layers"),
        (moved("3.linear", (0, 0)), "that of its layers"),
        (described(notes=None), "expected the notes in .* to be a dictionary, got None"),
        (described(notes="done"), "expected the notes in .* to be a dictionary, got 'done'"),
    ],
    ids=range(31),
)
def test_an_altered_file_is_refused_by_name(path: Path, alter: Alteration, message: str) -> None:
    arrays, description = load_arrays(path)
    alter(arrays, description)
    save_arrays(path, arrays, description)
    with pytest.raises(NumericError, match=message):
        load_network(path)


def test_other_files_are_refused(path: Path) -> None:
    save_graph(trace(a_network()), path.parent / "graph")
    (path.parent / "letter").write_text("Dear network,")
    with pytest.raises(NumericError, match=r"expected the format of .*graph to be"):
        load_network(path.parent / "graph")
    with pytest.raises(NumericError, match="letter to be a whole safetensors file"):
        load_network(path.parent / "letter")
    with pytest.raises(NumericError, match="to be a safetensors file, got a folder"):
        load_network(path.parent)
    with pytest.raises(NumericError, match="missing, got nothing there"):
        load_network(path.parent / "missing")


def test_of_a_state_dict_the_error_says_how_it_becomes_a_network(tmp_path: Path) -> None:
    network = BilinearNetwork(6, 3, width=4, hidden=5)
    safetensors.torch.save_file(network.state_dict(), tmp_path / "plain")
    with pytest.raises(NumericError, match="'bilinear import' makes a network of the state dict"):
        load_network(tmp_path / "plain")
    again = import_network(tmp_path / "plain", module=network)
    for one, other in zip(again.layers(), network.layers(), strict=True):
        assert all(map(np.array_equal, one, other))


@pytest.mark.props
@given(data=st.data())
def test_a_truncated_file_is_refused(folder: Path, content: bytes, data: st.DataObject) -> None:
    (folder / "cut").write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    with pytest.raises(NumericError, match="cut to be a whole safetensors file"):
        load_network(folder / "cut")


@pytest.mark.props
@given(data=st.data())
def test_a_file_with_flipped_bits_is_a_network_or_refused(
    folder: Path, content: bytes, data: st.DataObject
) -> None:
    # The header is as likely to be hit as the far longer rest.
    header = 8 + int.from_bytes(content[:8], "little")
    place = st.one_of(st.integers(0, header - 1), st.integers(0, len(content) - 1))
    damaged = bytearray(content)
    for position in data.draw(st.lists(place, min_size=1, max_size=4)):
        damaged[position] ^= data.draw(st.integers(1, 255))
    (folder / "damaged").write_bytes(damaged)
    with suppress(NumericError):
        load_network(folder / "damaged").layers()


# Files of the first format


def save_by_name(network: BilinearNetwork, path: Path, notes: dict[str, Any]) -> None:
    description = {
        "format": "bilinear-features network 1",
        "configuration": vars(network.configuration),
        "notes": notes,
    }
    save_arrays(path, network.arrays(), description)


@pytest.mark.props
@given(network=networks())
def test_a_file_of_weights_by_name_is_read(folder: Path, network: BilinearNetwork) -> None:
    save_by_name(network, folder / "by name", NOTES)
    loaded, notes = read_network(folder / "by name")
    assert isinstance(loaded, BilinearNetwork)
    assert notes == NOTES
    assert loaded.configuration == network.configuration
    for name, array in network.arrays().items():
        np.testing.assert_array_equal(loaded.arrays()[name], array)


def test_a_file_of_weights_by_name_is_written_anew_once(path: Path) -> None:
    whole = path.read_bytes()
    save_by_name(a_network(), path, NOTES)
    assert renewed(path)
    assert path.read_bytes() == whole
    assert not renewed(path)
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    ("alter", "message"),
    [
        (without("blocks.1.down.bias"), "to hold the tensor blocks.1.down.bias, got none"),
        (replaced("surplus", lambda _: np.ones(1, np.float32)), "got also surplus"),
        (replaced("blocks.0.left.bias", lambda array: array[1:]), r"shape \(5,\), got \(4,\)"),
        (replaced("blocks.0.right.weight", one_nan), r"right.weight .* got nan at position \(1, 2"),
        (configured(depth=10**15), "to have shape|to hold the tensor"),
        (configured(hidden=10**15), "left.weight .* to have shape"),
    ],
    ids=range(6),
)
def test_an_altered_file_of_weights_by_name_is_refused(
    path: Path, alter: Alteration, message: str
) -> None:
    save_by_name(a_network(), path, NOTES)
    test_an_altered_file_is_refused_by_name(path, alter, message)


# Writing


def test_a_network_that_was_changed_beside_its_configuration_is_not_written(tmp_path: Path) -> None:
    network = a_network()
    network.blocks[1].skip = None
    with pytest.raises(NumericError, match="configuration of the network to be that of its layers"):
        save_network(network, tmp_path / "network")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("notes", [["a list"], "text", (), 0])
def test_notes_are_a_dictionary(tmp_path: Path, notes: Wrong) -> None:
    with pytest.raises(NumericError, match="expected notes to be a dictionary, got"):
        save_network(a_network(), tmp_path / "network", notes=notes)


@pytest.mark.parametrize("value", [np.float32(1), {1: 2}, (1, 2), float("nan")])
def test_notes_that_json_would_change_are_refused(tmp_path: Path, value: Wrong) -> None:
    with pytest.raises(NumericError, match=r"expected notes of .* to be JSON, got \{'a': "):
        save_network(a_network(), tmp_path / "network", notes={"a": value})
    assert not list(tmp_path.iterdir())


def test_a_network_with_a_weight_that_is_not_finite_is_not_written(path: Path) -> None:
    before, network = path.read_bytes(), a_network()
    with torch.no_grad():
        network.get_parameter("blocks.1.left.weight")[2, 1] = np.nan
    with pytest.raises(NumericError, match=r"blocks.1.left.weight .* nan at position \(2, 1\)"):
        save_network(network, path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(("owner", "name"), [(os, "fsync"), (Path, "write_bytes")])
def test_a_full_disk_leaves_the_old_file_and_no_other(
    path: Path, monkeypatch: pytest.MonkeyPatch, owner: object, name: str
) -> None:
    def full(*_: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(owner, name, full)
    with pytest.raises(NumericError, match="No space left on device"):
        save_network(BilinearNetwork(1, 1), path)
    monkeypatch.undo()
    assert list(path.parent.iterdir()) == [path]
    assert load_bilinear(path).configuration == a_network().configuration


def test_a_file_in_the_place_of_the_folder_is_refused(path: Path) -> None:
    with pytest.raises(NumericError, match=f"expected to write {path}/network, got: "):
        save_network(a_network(), path / "network")
