"""JSON, decimals and safetensors files: what stands there in one canonical form, or nothing."""

import hashlib
import json
import re
from decimal import Context
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from .balls import Array
from .verdicts import need

FORMATS = {"network": 2, "graph": 1, "witnesses": 1}
TYPES = {"F64": "<f8", "F32": "<f4", "I64": "<i8", "U8": "|u1"}
_EXACT = Context(60, Emin=-9999, Emax=9999, capitals=1, clamp=0, traps=[])


def parsed(text: str) -> Any:  # noqa: ANN401 -- JSON
    """Return what JSON says, if no name stands twice in an object and all numbers are some."""

    def entries(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        need(len(found) == len(pairs), "a name stands twice in the JSON")
        return found

    def none(name: str) -> None:
        need(holds=False, otherwise=f"{name} is no number")

    return json.loads(text, object_pairs_hook=entries, parse_constant=none)


def laid_out(said: Any) -> str:  # noqa: ANN401 -- JSON
    """Return the one text that says this."""
    return json.dumps(said, indent=1, ensure_ascii=False) + "\n"


def digest(said: dict[str, Any]) -> str:
    """Return the SHA-256 of what a certificate says."""
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def decimal(given: Any) -> Fraction:  # noqa: ANN401 -- JSON
    """Return the number of a decimal: as short as it can be, such as 0.5, 1E-7 or -12."""
    form = r"-?[0-9]+(\.[0-9]+)?(E[+-][0-9]{1,3})?"
    right = type(given) is str and len(given) <= 60 and re.fullmatch(form, given, re.ASCII)
    need(right, f"{given!r} is no decimal")
    short = _EXACT.to_sci_string(_EXACT.normalize(_EXACT.create_decimal(given)))
    short = "0" if short == "-0" else short
    need(given == short, f"the decimal {given} is not written as {short}")
    return Fraction(given)


def count(given: Any) -> int:  # noqa: ANN401 -- JSON
    """Return a count."""
    need(type(given) is int and given >= 0, f"{given!r} is no count")
    return int(given)


def word(given: Any) -> str:  # noqa: ANN401 -- JSON
    """Return a text of few letters that mean nothing to a terminal."""
    right = type(given) is str and re.fullmatch(r"[\w.() -]{1,200}", given, re.ASCII)
    need(right, f"{given!r} is no name")
    return str(given)


def content(path: Path, sha256: Any) -> bytes:  # noqa: ANN401 -- JSON
    """Return the bytes of a file, if they have a hash."""
    need(path.is_file(), f"{path.name} is no file")
    raw = path.read_bytes()
    right = hashlib.sha256(raw).hexdigest() == sha256
    need(right, f"{path.name} is another file than was certified")
    return raw


def tensors(raw: bytes, file: str, kind: str) -> tuple[dict[str, Array], Any]:
    """Return the arrays of a safetensors file and its description, if they are what is meant.

    The arrays stand one after the other in the order of the header, without gaps; every field of
    the header is known and of its type.
    """
    start = end = 8 + int.from_bytes(raw[:8], "little")
    need(raw[8:9] == b"{" and start <= len(raw), f"{file} is no safetensors file")
    header, arrays = parsed(raw[8:start].decode("utf-8")), {}
    about = header.pop("__metadata__", None)
    known = type(about) is dict and type(about.get("description")) is str and len(about) == 1
    need(known, f"{file} says nothing about itself")
    note = parsed(about["description"])
    right = type(note) is dict and note.get("format") == f"bilinear-features {kind} {FORMATS[kind]}"
    need(right, f"{file} holds no {kind}")
    for name, tensor in header.items():
        right = type(tensor) is dict and tensor.keys() == {"dtype", "shape", "data_offsets"}
        need(right and tensor["dtype"] in TYPES, f"{name} in {file} is described otherwise")
        places = [tensor["shape"], tensor["data_offsets"]]
        whole = all(type(place) is list and all(type(n) is int for n in place) for place in places)
        need(whole and min(sum(places, [0])) >= 0, f"{name} in {file} has no whole sizes")
    for name, tensor in sorted(header.items(), key=lambda entry: entry[1]["data_offsets"]):
        array = np.ndarray(tensor["shape"], TYPES[tensor["dtype"]], raw, end)
        offsets = [end - start, end - start + array.nbytes]
        need(tensor["data_offsets"] == offsets, f"{name} does not stand in its place in {file}")
        need(np.isfinite(array), f"{name} in {file} is not finite")
        arrays[name], end = array, end + array.nbytes
    need(end == len(raw), f"{file} goes on after its arrays")
    return arrays, note
