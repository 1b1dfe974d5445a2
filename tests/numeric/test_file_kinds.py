"""What a file is, by its first bytes and names."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from numeric import BilinearNetwork, NumericError, save_graph, save_network, trace
from numeric.file_kinds import check_format, described, kind_of
from numeric.files import read_tensors


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a", b"\x89HDF\r\n\x1a\n....", "an HDF5 file"),
        ("a", b"GGUF\x03", "a GGUF file"),
        ("a", b"\x1f\x8b\x08", "a file packed by gzip"),
        ("a", b"\x00\x00\x08\x03\x00", "images in the format of MNIST: give its folder as --data"),
        ("a", b"\x00\x00\x08\x01\x00", "labels in the format of MNIST"),
        ("a.onnx", b"\x08\x07\x12", "a program of ONNX"),
        ("a.json", b'\xef\xbb\xbf {"x": 1}', "a JSON file, which holds no weights"),
        ("a.json", b"[1, 2]", "a JSON file"),
        ("a", b'{"format": "bilinear-features certificate 3"}', "'bilinear check' reads"),
        ("a", b'{"format": "bilinear-features"}', "a JSON file"),
        ("a", b"{not JSON", ""),
        ("a", b"Dear network", ""),
        ("a", b"", ""),
    ],
    ids=range(13),
)
def test_other_programs_files_are_known_by_how_they_begin(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(content)
    kind = kind_of(tmp_path / name)
    assert kind.name == "other"
    assert words in kind.words
    assert bool(words) == bool(kind.words)


def test_files_of_weights_are_known_under_any_name(tmp_path: Path) -> None:
    np.save(tmp_path / "one", np.ones(2))
    np.savez(tmp_path / "many", x=np.ones(2))
    torch.save({"x": torch.ones(2)}, tmp_path / "torch")
    torch.save({"x": torch.ones(2)}, tmp_path / "old", _use_new_zipfile_serialization=False)
    save_file({"x": np.ones(2)}, tmp_path / "safe")
    names = {"many.npz": "numpy", "torch": "torch", "old": "torch", "safe": "safetensors"}
    assert {name: kind_of(tmp_path / name).name for name in names} == names
    assert "without a name" in kind_of(tmp_path / "one.npy").words
    assert kind_of(tmp_path).name == "folder"
    assert kind_of(tmp_path / "missing").name == "nothing"


@pytest.mark.parametrize(
    ("inside", "words"),
    [("model/constants.pkl", "TorchScript"), ("letter.txt", "an archive: unpack it")],
)
def test_other_archives_are_none_of_weights(tmp_path: Path, inside: str, words: str) -> None:
    with zipfile.ZipFile(tmp_path / "a.pt", "w") as archive:
        archive.writestr(inside, "text")
        archive.writestr("model/data.pkl" if "model" in inside else "other", "text")
    kind = kind_of(tmp_path / "a.pt")
    assert kind.name == "other"
    assert words in kind.words


def test_what_this_program_writes_is_known_by_its_description(tmp_path: Path) -> None:
    network = BilinearNetwork(3, 2, depth=1, hidden=2)
    save_network(network, tmp_path / "network")
    save_graph(trace(network), tmp_path / "graph")
    for name, words in {"network": "a network,", "graph": "a composition graph,"}.items():
        format_ = read_tensors(tmp_path / name, "numpy")[1]["description"]
        assert f'"bilinear-features {name} ' in format_
        assert described({"format": f"bilinear-features {name} 9"}).startswith(words)


def test_a_file_of_another_format_is_refused_with_what_it_is() -> None:
    graph = {"format": "bilinear-features graph 1"}
    check_format(graph, ["another", "bilinear-features graph 1"], "file")
    with pytest.raises(NumericError, match=r"of file to be 'another', got .*: a composition graph"):
        check_format(graph, ["another"], "file")
    with pytest.raises(NumericError, match=r"to be 'another', got None$"):
        check_format({}, ["another"], "file")
