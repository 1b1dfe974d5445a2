"""What can be altered in a certificate and its files: found in what they hold, not listed."""

from __future__ import annotations

import copy
import hashlib
import json
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Context, Decimal
from functools import cache
from itertools import product
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt

from numeric import NumericError
from numeric.files import load_arrays
from proofs.certificates.files import data_hash
from proofs.checker import CLAIMS, Rejected, Unreadable, check, digest
from proofs.errors import ProofError
from tests.proofs.checker.certificates import (
    full_case,
    pixel_stability_of,
    small_case,
    task_case,
    task_claims,
)
from tests.proofs.checker.refutations import refuted
from tests.proofs.checker.second.claims import opinion

Document = dict[str, Any]
Array = npt.NDArray[Any]
DTYPES = {"float64": "F64", "float32": "F32", "int64": "I64", "uint8": "U8"}


# Certificates in memory


@dataclass
class File:
    """Arrays with their description, as safetensors whatever they are."""

    arrays: dict[str, Array]
    description: Document

    def in_bytes(self) -> bytes:
        metadata = {"description": json.dumps(self.description, sort_keys=True)}
        header: Document = {"__metadata__": metadata}
        body = b""
        for name, array in self.arrays.items():
            header[name] = {
                "dtype": DTYPES[array.dtype.name],
                "shape": list(array.shape),
                "data_offsets": [len(body), len(body) + array.nbytes],
            }
            body += array.tobytes()
        text = json.dumps(header).encode()
        return struct.pack("<Q", len(text)) + text + body


@dataclass
class Bundle:
    """A certificate and the files that it names.

    Attributes:
        said: the certificate.
        files: by their names.
        renewable: the hashes of data and the statements that are brought up to date in writing.
    """

    said: Document
    files: dict[str, File]
    renewable: frozenset[str]

    @classmethod
    def of(cls, path: Path) -> Bundle:
        said = json.loads(path.read_text(encoding="utf-8"))
        names = [item["name"] for item in _items(said)]
        words = {str(claim["numbers"].get("data")) for claim in said["claims"]}
        words |= {claim["statement"] for claim in said["claims"]}
        files = {name: File(*load_arrays(path.parent / name)) for name in names}
        return cls(said, files, frozenset(words))

    def copy(self) -> Bundle:
        files = {name: File(dict(f.arrays), f.description) for name, f in self.files.items()}
        return Bundle(copy.deepcopy(self.said), files, self.renewable)

    def singles(self) -> Iterator[Bundle]:
        """Yield a certificate for each claim, with the graphs and witnesses that it names."""
        for number, claim in enumerate(self.said["claims"]):
            found, kind = self.copy(), claim["kind"]
            said, words = found.said["files"], " ".join(map(str, claim["numbers"].values()))
            found.said["claims"] = found.said["claims"][number : number + 1]
            said["graphs"] = {n: item for n, item in said["graphs"].items() if n in words}
            found.files = {item["name"]: found.files[item["name"]] for item in _items(found.said)}
            own = f"{kind}.{claim['numbers']['models']}." if kind == "stability" else f"{kind}."
            witnesses = found.files[said["witnesses"]["name"]]
            witnesses.arrays = {
                name: array
                for name, array in witnesses.arrays.items()
                if name in ("images", "labels") or name.startswith(own)
            }
            yield found

    def write(self, folder: Path, *, renewed: bool = True) -> Path:
        """Write all, with hashes and statements that fit what is there, or as they are."""
        said, path = copy.deepcopy(self.said), folder / "certificate.json"
        contents = {name: file.in_bytes() for name, file in self.files.items()}
        for name, content in contents.items():
            (folder / name).write_bytes(content)
        if renewed:
            # Some nobody could make whole.
            with suppress(ValueError, LookupError, TypeError, AttributeError):
                self._renew(said, contents)
            write(path, said)
        else:
            _write(path, said)
        return path

    def _renew(self, said: Document, contents: dict[str, bytes]) -> None:
        for item in _items(said):
            item["sha256"] = hashlib.sha256(contents[item["name"]]).hexdigest()
        witnesses = self.files[said["files"]["witnesses"]["name"]].arrays
        for claim in said["claims"]:
            if claim["numbers"].get("data") in self.renewable:
                claim["numbers"]["data"] = data_hash(witnesses)
            if claim["statement"] in self.renewable:
                claim["statement"] = CLAIMS[claim["kind"]].statement.format(**claim["numbers"])


def _items(said: Document) -> list[Document]:
    files = said["files"]
    return [files["model"], files["witnesses"], *files["graphs"].values()]


def _write(path: Path, said: Document) -> None:
    path.write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def write(path: Path, said: Document) -> None:
    """Write a certificate with its own hash."""
    said = {name: part for name, part in said.items() if name != "sha256"}
    _write(path, said | {"sha256": digest(said)})


def renew(path: Path) -> None:
    """Bring every hash of a certificate up to date, and the words of its claims to the numbers."""
    Bundle.of(path).write(path.parent)


SHAPES: Sequence[dict[str, Any]] = (
    {},
    {"depth": 2},
    {"depth": 2, "embedding": True, "residual": True},
    {"seed": 1, "bias": False},
)


@cache
def singles() -> dict[str, list[Bundle]]:
    """Return certificates of a single claim, as sharp as the checker accepts it, by their kinds."""
    found: dict[str, list[Bundle]] = {kind: [] for kind in CLAIMS}
    for shape in SHAPES:
        case = small_case(**shape)
        if "seed" in shape:
            case.model.double()
        with TemporaryDirectory() as folder:
            bundle = Bundle.of(full_case(Path(folder), case).write(Path(folder)))
        for single in bundle.singles():
            found[single.said["claims"][0]["kind"]].append(single)
    with TemporaryDirectory() as folder:
        case = replace(task_case(), claims=task_claims())
        found["task"] += Bundle.of(case.write(Path(folder))).singles()
    for depth in (2, 3):
        case = small_case(depth, seed=4, residual=True)
        arrays, claim = pixel_stability_of(case)
        case = replace(case, claims=(claim,), witnesses=arrays)
        with TemporaryDirectory() as folder:
            found["pixel stability"] += Bundle.of(case.write(Path(folder))).singles()
    return found


# Alterations

LETTERS = "0123456789abcdefgE+-. "


def _edges(number: Any, draw: Random) -> Any:
    """Return a number at an edge of its type, or beside or near the one that is there."""
    if isinstance(number, np.floating):
        kind = type(number)
        limits = np.finfo(kind)
        corners = [0, -0.0, limits.smallest_subnormal, limits.tiny, limits.max, np.inf, np.nan, 1]
        beside = [np.nextafter(number, kind(end)) for end in (np.inf, -np.inf)]
        scales = (-1, 0.5, 2, 1 + 1e-6, 1 - 1e-6, 1 + 1e-3, 1e30)
        return draw.choice(
            [draw.choice(corners), draw.choice(beside), number * draw.choice(scales)]
        )
    if isinstance(number, np.integer):
        least, most = int(np.iinfo(number.dtype).min), int(np.iinfo(number.dtype).max)
        whole = [0, 1, -1, 255, least, most, int(number) + 1, int(number) - 1]
        return draw.choice([each for each in whole if least <= each <= most])
    if isinstance(number, bool):
        return draw.choice([not number, int(number), str(number), None])
    if isinstance(number, int):
        beside = [number + 1, number - 1, 2 * number]
        return draw.choice([*beside, *beside, 0, -1, 2**31, 2**63, 10**400, float(number), True])
    return number


def _other_words(word: str, draw: Random, words: Sequence[str]) -> str:
    """Return another decimal near a decimal or at an edge; else other words."""
    try:
        number = Decimal(word)
    except ArithmeticError:
        place = draw.randrange(len(word) + 1)
        letter = draw.choice(LETTERS)
        return draw.choice(
            [draw.choice(words), draw.choice(words), "", word[:place] + letter + word[place + 1 :]]
        )
    digits = Context(prec=max(len(number.as_tuple().digits), 3))
    beside = [digits.next_minus(number), digits.next_plus(number)]
    scaled = [digits.multiply(number, Decimal(by)) for by in ("0.5", "0.999", "1.001", "2", "1E-9")]
    corners = [Decimal(text) for text in ("0", "1", "-1", "1E-999", "9E+999")]
    found = draw.choice([draw.choice(beside), draw.choice(scaled), draw.choice(corners), -number])
    shapes = (str(found.normalize()),) * 12 + (
        f"0{word}",
        f"{word}0",
        f"{word} ",
        "NaN",
        "Infinity",
    )
    return draw.choice(shapes)


def _leaves(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every place of a document: where it stands, and under which name or number."""
    for name in tree if isinstance(tree, dict) else range(len(tree)):
        yield tree, name
        if isinstance(tree[name], dict | list):
            yield from _leaves(tree[name])


def _alter_leaf(tree: Any, draw: Random, words: Sequence[str]) -> None:
    """Alter, leave out or add something in a document."""
    parent, name = draw.choice(list(_leaves(tree)) or [({}, "")])
    if isinstance(parent, dict) and draw.random() < 0.1:
        parent.pop(name, None)
        return
    there = parent.get(name) if isinstance(parent, dict) else parent[name]
    if isinstance(there, dict):
        there[draw.choice(words)] = draw.choice([0, "0", {}, None])
    elif isinstance(there, list):
        parent[name] = draw.choice([[], there[::-1], there[:-1], [*there, *there[-1:]], [there]])
    elif isinstance(there, str):
        parent[name] = _other_words(there, draw, words)
    else:
        parent[name] = _edges(there, draw) if there is not None else draw.choice(words)


def _words(*bundles: Bundle) -> list[str]:
    """Return the words of certificates: names, decimals, kinds."""
    leaves = (leaf for bundle in bundles for leaf in _leaves(bundle.said))
    found = {parent[name] for parent, name in leaves if isinstance(parent[name], str)}
    return sorted(word for word in found if len(word) < 40)


def _place(bundle: Bundle, draw: Random) -> tuple[dict[str, Array], str]:
    arrays = bundle.files[draw.choice(sorted(bundle.files))].arrays
    return arrays, draw.choice(sorted(arrays))


def _part(array: Array, axis: int, *chosen: int | None) -> Array:
    return array.take(range(array.shape[axis])[slice(*chosen)], axis)


AXES: dict[str, Callable[[Array, int], Array]] = {
    "longer by what is there": lambda a, axis: np.concatenate([a, _part(a, axis, 1)], axis),
    "longer by nothing": lambda a, axis: np.concatenate([a, 0 * _part(a, axis, 1)], axis),
    "shorter at the start": lambda a, axis: _part(a, axis, 1, None),
    "shorter at the end": lambda a, axis: _part(a, axis, -1),
    "empty": lambda a, axis: _part(a, axis, 0),
    "of one": lambda a, axis: _part(a, axis, -1, None),
    "turned": np.flip,
    "moved on": lambda a, axis: np.roll(a, 1, axis),
    "exchanged with the first": lambda a, axis: np.swapaxes(a, 0, axis),
    "read in another order": lambda a, axis: a.reshape(np.roll(a.shape, axis + 1)),
    "another before it": np.expand_dims,
    "one with all others": lambda a, axis: a.reshape((*a.shape[:axis], -1)) if a.size else a,
    "dropped": lambda a, axis: a.take(0, axis) if a.shape[axis] else a,
}
"""What can become of an axis of an array."""


def an_axis(bundle: Bundle, draw: Random, others: Sequence[Bundle]) -> None:
    """Lengthen, shorten, empty, turn, exchange, add or drop an axis of an array."""
    del others
    arrays, name = _place(bundle, draw)
    way = AXES[draw.choice(list(AXES))]
    arrays[name] = way(arrays[name], draw.randrange(arrays[name].ndim))


def every_axis(bundle: Bundle) -> Iterator[tuple[str, Bundle]]:
    """Yield what becomes of a certificate by all that can become of an axis, if that changes it."""
    for file, name in ((f, name) for f in bundle.files for name in bundle.files[f].arrays):
        array = bundle.files[file].arrays[name]
        for axis, (way, change) in product(range(array.ndim), AXES.items()):
            found = bundle.copy()
            found.files[file].arrays[name] = new = change(array, axis)
            if new.shape != array.shape or new.tobytes() != array.tobytes():
                yield f"{file}: axis {axis} of {name} {way}", found


def a_number(bundle: Bundle, draw: Random, others: Sequence[Bundle]) -> None:
    """Put a number of an array at an edge of its type, or move it."""
    del others
    arrays, name = _place(bundle, draw)
    array = arrays[name].copy()
    if array.size:
        place = draw.randrange(array.size)
        array.flat[place] = _edges(array.reshape(-1)[place], draw)
    arrays[name] = array


def a_pair(bundle: Bundle, draw: Random, others: Sequence[Bundle]) -> None:
    """Exchange two numbers of an array."""
    del others
    arrays, name = _place(bundle, draw)
    array = arrays[name].copy()
    if array.size:
        one, two = draw.randrange(array.size), draw.randrange(array.size)
        array.flat[[one, two]] = array.flat[[two, one]]
    arrays[name] = array


def a_whole_array(bundle: Bundle, draw: Random, others: Sequence[Bundle]) -> None:
    """Scale an array, give it another type or name, leave it out, or fill it."""
    del others
    arrays, name = _place(bundle, draw)
    array, way = arrays.pop(name), draw.randrange(8)
    if way == 0:
        arrays[draw.choice([f"{name}.rows", name[:-1] or "x", *_words(bundle)])] = array
    elif way < 4:
        arrays[name] = array.astype(draw.choice(list(DTYPES)))
    elif way < 6:
        scale = draw.choice([-1, 0, 0.5, 1 + 5e-7, 1 - 5e-7, 1.002, 2, 1e6])
        arrays[name] = (array * scale).astype(array.dtype)
    elif way < 7:
        arrays[name] = np.full_like(array, array.reshape(-1)[0] if array.size else 0)


def an_array(bundle: Bundle, draw: Random, others: Sequence[Bundle]) -> None:
    """Exchange an array with another of any file, or with that of the name elsewhere."""
    own, one = _place(bundle, draw)
    bundle = draw.choice([bundle, *others])
    found = [(file.arrays, one) for file in bundle.files.values() if one in file.arrays]
    arrays, other = draw.choice([*found, _place(bundle, draw)])
    own[one], arrays[other] = arrays[other], own[one]


def a_file(bundle: Bundle, draw: Random, others: Sequence[Bundle]) -> None:
    """Exchange a file with another one, of this certificate or of another."""
    name = draw.choice(sorted(bundle.files))
    bundle_there = draw.choice([bundle, *others])
    alike = [there for there in bundle_there.files if there == name]
    there = draw.choice([*alike, *sorted(bundle_there.files)])
    found = bundle_there.files[there]
    if bundle_there is bundle:
        bundle.files[there] = bundle.files[name]
    bundle.files[name] = File(dict(found.arrays), found.description)


def a_description(bundle: Bundle, draw: Random, others: Sequence[Bundle]) -> None:
    """Alter what a file says of its arrays."""
    file = bundle.files[draw.choice(sorted(bundle.files))]
    file.description = copy.deepcopy(file.description)
    _alter_leaf(file.description, draw, _words(bundle, *others))


def a_claimed_number(bundle: Bundle, draw: Random, others: Sequence[Bundle]) -> None:
    """Alter a number of a claim."""
    claim = draw.choice(bundle.said["claims"])
    _alter_leaf(claim["numbers"], draw, _words(bundle, *others))


def the_document(bundle: Bundle, draw: Random, others: Sequence[Bundle]) -> None:
    """Alter anything in the certificate."""
    _alter_leaf(bundle.said, draw, _words(bundle, *others))


Alteration = Callable[[Bundle, Random, Sequence[Bundle]], None]
ALTERATIONS: dict[str, Alteration] = {
    "an axis of an array": an_axis,
    "a number of an array": a_number,
    "two numbers of an array exchanged": a_pair,
    "an array scaled, of another type or name, or left out": a_whole_array,
    "an array exchanged": an_array,
    "a file exchanged": a_file,
    "a description": a_description,
    "a number of a claim": a_claimed_number,
    "the certificate": the_document,
}


def altered(
    bundle: Bundle, name: str, draw: Random, others: Sequence[Bundle] = ()
) -> Bundle | None:
    """Return a bundle with something altered in it, None if that changes nothing."""
    found = bundle.copy()
    with np.errstate(all="ignore"):
        ALTERATIONS[name](found, draw, [other.copy() for other in others])
    return found if _told(found) != _told(bundle) else None


def _told(bundle: Bundle) -> tuple[str, dict[str, bytes]]:
    files = {name: file.in_bytes() for name, file in bundle.files.items()}
    return json.dumps(bundle.said), files


# What becomes of them


@dataclass(frozen=True)
class Outcome:
    """What became of a certificate after an alteration.

    Attributes:
        alteration: which one it was.
        stale: whether it was accepted with the hashes that it had.
        renewed: whether it was accepted when all its hashes were renewed.
        false: the statements that are false then; left out where the checker rejected it.
    """

    alteration: str
    stale: bool
    renewed: bool
    false: tuple[str, ...]


def outcomes(
    source: Path, count: int, seed: int, accepts: Callable[[Path], bool]
) -> Iterator[Outcome]:
    """Alter a certificate in one random way after another, each time from the original.

    Args:
        source: a folder with the certificate and all that it names.
        count: how often.
        seed: draws the alterations.
        accepts: whether a certificate is accepted.
    """
    draw, bundle = Random(seed), Bundle.of(source / "certificate.json")  # noqa: S311 -- no secret
    folder, names = source.parent / f"{source.name}-altered", list(ALTERATIONS)
    folder.mkdir(exist_ok=True)
    for number in range(count):
        name, found = names[number % len(names)], None
        while found is None:
            found = altered(bundle, name, draw)
        stale = accepts(found.write(folder, renewed=False))
        path = found.write(folder)
        renewed = accepts(path)
        yield Outcome(name, stale, renewed, false_ones(path) if renewed else ())


def verdict(path: Path) -> str:
    """Return what the checker makes of a certificate: accepted, rejected or unreadable."""
    try:
        check(path)
    except (Unreadable, MemoryError):
        return "unreadable"
    except Rejected:
        return "rejected"
    return "accepted"


def false_ones(path: Path) -> tuple[str, ...]:
    """Return what is false of a certificate, or not seen to be true by the second checker."""
    reason = opinion(path)
    if reason is not None:
        return (reason,)
    try:
        return tuple(refuted(path))
    except (NumericError, ProofError):
        # The loader may refuse a file for words that nothing is concluded from.
        return ()
