"""What a file is, seen from its first bytes and names, and which command reads it."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from numeric.errors import NumericError

STATE_DICT = "'bilinear import' makes a network of the state dict in it"
"""What to do with weights that other code wrote."""

_CONTENTS = {
    "labels": "images and labels, which --data takes",
    "outputs": "examples of inputs and outputs, which 'bilinear import' takes as --examples",
}
"""What names of arrays tell of a file, by how one of them ends."""

_WRITTEN = {
    "network": "a network, which every command that asks for a MODEL takes as it is",
    "graph": "a composition graph, which 'bilinear prune', 'export', 'prove' and 'certify' read",
    "checkpoint": "a training that was interrupted, which 'bilinear train' goes on from",
    "radii": "a part of a certificate, which 'bilinear check' reads with it",
    "certificate": "a certificate, which 'bilinear check' reads",
}
"""The files of this program, by the second word of their format."""

_BEGINNINGS = (
    (b"\x93NUMPY", "one array of numpy, without a name: numpy.savez names the arrays of a network"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file: write its arrays with numpy.savez"),
    (
        b"GGUF",
        "a GGUF file, whose numbers are rounded to few bits: take the weights it was made of",
    ),
    (b"\x1f\x8b", "a file packed by gzip: unpack it"),
    (b"\x00\x00\x08\x01", "labels in the format of MNIST: give its folder as --data"),
    (b"\x00\x00\x08\x03", "images in the format of MNIST: give its folder as --data"),
)

_TORCH_ENDINGS = (".pt", ".pth", ".bin", ".ckpt")


@dataclass(frozen=True)
class Kind:
    """What a file is.

    Attributes:
        name: ``"torch"``, ``"numpy"``, ``"safetensors"``, ``"folder"``, ``"nothing"`` or
            ``"other"``.
        words: what it is and which command reads it; empty where only its ending was seen.
    """

    name: str
    words: str = ""


def kind_of(path: str | os.PathLike[str]) -> Kind:
    """Return what is at a path, as far as it can be seen.

    Args:
        path: a file or a folder.

    Examples:
        >>> path = Path(getfixture("tmp_path")) / "images.gz"
        >>> _ = path.write_bytes(bytes([0x1f, 0x8b, 8, 0]))
        >>> kind_of(path)
        Kind(name='other', words='a file packed by gzip: unpack it')
    """
    path = Path(path)
    with suppress(OSError):
        if path.is_dir():
            return Kind("folder", "a folder: 'bilinear import' reads those of the hub")
        if not path.exists():
            return Kind("nothing")
    head = b""
    with suppress(OSError), path.open("rb") as file:
        head = file.read(16)
    return _seen(path, head)


def _seen(path: Path, head: bytes) -> Kind:
    """Return what begins with these bytes."""
    ending = path.suffix.lower()
    if head.startswith(b"PK"):
        return _archive(path)
    if head[8:9] == b"{":  # behind the length of its header
        return Kind("safetensors")
    if words := next((words for start, words in _BEGINNINGS if head.startswith(start)), ""):
        return Kind("other", words)
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        return _text(path)
    if head[:1] == b"\x80" or ending in _TORCH_ENDINGS:
        return Kind("torch", f"one of torch.save: {STATE_DICT}")
    return Kind("other", _ONNX if ending == ".onnx" else "")


_ONNX = "a program of ONNX: from_module reads the torch module that it was made of"


def described(description: Mapping[str, object]) -> str:
    """Return what a description calls its file, if this program wrote it, and what reads it.

    Examples:
        >>> described({"format": "bilinear-features certificate 3"})
        "a certificate, which 'bilinear check' reads"
        >>> described({"format": "letter"})
        ''
    """
    words = str(description.get("format", "")).split()
    return _WRITTEN.get(words[1], "") if words[:1] == ["bilinear-features"] and words[1:] else ""


def advice_on(names: Iterable[str]) -> str:
    """Return what to do with arrays that this program did not write, by their names.

    Examples:
        >>> advice_on(["test_images", "test_labels"])
        'it holds images and labels, which --data takes'
        >>> advice_on(["blocks.0.left.weight"])
        "'bilinear import' makes a network of the state dict in it"
    """
    ends = {name.rpartition("_")[2] for name in names}
    found = next((words for end, words in _CONTENTS.items() if end in ends), "")
    return f"it holds {found}" if found else STATE_DICT


def check_format(
    description: Mapping[str, object], expected: Sequence[str], path: str | os.PathLike[str]
) -> None:
    """Refuse a file of another format, and say what it is if this program wrote it.

    Args:
        description: of the file.
        expected: the formats that it may have, today's first.
        path: of the file.

    Raises:
        NumericError: it has another one.
    """
    found = description.get("format")
    if found not in expected:
        known = described(description)
        raise NumericError(
            f"expected the format of {path} to be {expected[0]!r}, got {found!r}"
            f"{known and f': {known}'}"
        )


def _archive(path: Path) -> Kind:
    names: list[str] = []
    # What cannot be read is left to what is asked to read it.
    with (
        suppress(OSError, ValueError, EOFError, NotImplementedError, zipfile.BadZipFile),
        zipfile.ZipFile(path) as archive,
    ):
        names = archive.namelist()
    if names and all(name.endswith(".npy") for name in names):
        words = advice_on(name.removesuffix(".npy") for name in names)
        return Kind("numpy", f"an archive of numpy: {words}")
    if any(name.endswith("/constants.pkl") for name in names):
        return Kind("other", "a program of TorchScript: save the state_dict() of its module")
    if any(name.endswith("data.pkl") for name in names) or not names:
        return Kind("torch", f"one of torch.save: {STATE_DICT}")
    return Kind("other", "an archive: unpack it")


def _text(path: Path) -> Kind:
    """Return what a JSON file is; one that is not JSON is not known."""
    with suppress(OSError, ValueError, RecursionError):
        found = json.loads(path.read_text(encoding="utf-8-sig"))
        known = described(found) if isinstance(found, dict) else ""
        return Kind("other", known or "a JSON file, which holds no weights")
    return Kind("other")
