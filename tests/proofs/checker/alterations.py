"""What can be altered in a certificate and the files that it names, one random change at a time."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt

from numeric import BilinearNetwork, NumericError, load_network, save_network
from numeric.files import load_arrays, save_arrays
from proofs.certificates.files import data_hash
from proofs.checker import CLAIMS, digest
from proofs.errors import ProofError
from tests.proofs.checker.refutations import refuted

Document = dict[str, Any]
Arrays = dict[str, npt.NDArray[Any]]


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
    source: Path,
    count: int,
    seed: int,
    check: Callable[[Path], bool],
    names: Sequence[str] | None = None,
) -> Iterator[Outcome]:
    """Alter a certificate in one random way after another, each time from the original.

    Args:
        source: a folder with the certificate and all that it names.
        count: how often.
        seed: draws the alterations.
        check: whether a certificate is accepted.
        names: of the alterations, in turn; left out, all of them.
    """
    draw, names = Random(seed), names or list(ALTERATIONS)  # noqa: S311 -- no secret
    folder = source.parent / f"{source.name}-altered"
    for number in range(count):
        name = names[number % len(names)]
        while True:
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(source, folder)
            ALTERATIONS[name](folder, draw)
            if any(
                (folder / file.name).read_bytes() != file.read_bytes() for file in source.iterdir()
            ):
                break
        path = folder / "certificate.json"
        stale = check(path)
        renew(path, words=name != "a word of a statement")
        renewed = check(path)
        yield Outcome(name, stale, renewed, _false(path) if renewed else ())


def _false(path: Path) -> tuple[str, ...]:
    """Return the false statements of a certificate; what cannot be read says nothing true."""
    try:
        return tuple(refuted(path))
    except (NumericError, ProofError, ValueError, LookupError, TypeError) as error:
        return (f"unreadable: {error}",)


def renew(path: Path, *, words: bool = True) -> None:
    """Bring every hash of a certificate up to date, and the words of its claims to the numbers."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        for item in (
            said["files"]["model"],
            said["files"]["witnesses"],
            *said["files"]["graphs"].values(),
        ):
            item["sha256"] = hashlib.sha256((path.parent / item["name"]).read_bytes()).hexdigest()
        arrays = load_arrays(path.parent / said["files"]["witnesses"]["name"])[0]
        for claim in said["claims"] if words else ():
            if "data" in claim["numbers"]:
                claim["numbers"]["data"] = data_hash(arrays)
            claim["statement"] = CLAIMS[claim["kind"]].statement.format(**claim["numbers"])
    except (ValueError, LookupError, OSError, TypeError, AttributeError):
        # Nobody could make this one whole.
        return
    write(path, {key: value for key, value in said.items() if key != "sha256"})


def write(path: Path, said: Document) -> None:
    """Write a certificate with its own hash."""
    said = said | {"sha256": digest(said)}
    path.write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


# The alterations


def a_digit(folder: Path, draw: Random) -> None:
    """Replace a digit anywhere in the document."""
    text = (folder / "certificate.json").read_text(encoding="utf-8")
    place = draw.choice([index for index, letter in enumerate(text) if letter in "0123456789"])
    _rewrite(folder, text[:place] + draw.choice("0123456789") + text[place + 1 :])


def a_digit_of_a_number(folder: Path, draw: Random) -> None:
    """Replace a digit of a number of a claim."""
    said = _document(folder)
    numbers = draw.choice(said["claims"])["numbers"]
    name = draw.choice(list(numbers))
    text = json.dumps(numbers[name])
    places = [index for index, letter in enumerate(text) if letter in "0123456789"]
    if not places:
        return
    place = draw.choice(places)
    changed = text[:place] + draw.choice("0123456789") + text[place + 1 :]
    try:
        numbers[name] = json.loads(changed)
    except ValueError:
        return
    _rewrite(folder, said)


def a_bound(folder: Path, draw: Random) -> None:
    """Make a bound smaller."""
    said = _document(folder)
    claim = draw.choice([claim for claim in said["claims"] if "bound" in claim["numbers"]])
    factor = draw.choice([2, 10, 1e3, 1e6, 1e20])
    claim["numbers"]["bound"] = decimal(float(claim["numbers"]["bound"]) / factor)
    _rewrite(folder, said)


def a_count(folder: Path, draw: Random) -> None:
    """Claim one more."""
    said = _document(folder)
    claim = draw.choice([claim for claim in said["claims"] if claim["level"] != "exact"])
    counts = [name for name, value in claim["numbers"].items() if not isinstance(value, str)]
    if not counts:
        return
    name = draw.choice(counts)
    if isinstance(claim["numbers"][name], int):
        claim["numbers"][name] += 1
    else:
        claim["numbers"][name][draw.randrange(len(claim["numbers"][name]))] += 1
    _rewrite(folder, said)


def a_quartile(folder: Path, draw: Random) -> None:
    """Claim that more radii are large."""
    said = _document(folder)
    claim = draw.choice([claim for claim in said["claims"] if "median" in claim["numbers"]])
    name = draw.choice(["lower", "median", "upper"])
    claim["numbers"][name] = decimal(float(claim["numbers"][name]) * draw.choice([1.02, 2]))
    _rewrite(folder, said)


def a_factor(folder: Path, draw: Random) -> None:
    """Claim that radii are sharper."""
    said = _document(folder)
    for claim in said["claims"]:
        if "factor" in claim["numbers"]:
            claim["numbers"]["factor"] = draw.choice(["1", "1.00000001", "0.9", "1.0000002"])
    said["claims"] = said["claims"][:: draw.choice([1, -1])]
    _rewrite(folder, said)


def a_region(folder: Path, draw: Random) -> None:
    """Make the region of a difference wider."""
    said = _document(folder)
    for claim in said["claims"]:
        if "low" in claim["numbers"]:
            claim["numbers"][draw.choice(["low", "high"])] = draw.choice(
                ["-2", "3", "1E+3", "1E+9"]
            )
    _rewrite(folder, said)


def a_claim_dropped(folder: Path, draw: Random) -> None:
    """Leave a claim out."""
    said = _document(folder)
    said["claims"].pop(draw.randrange(len(said["claims"])))
    _rewrite(folder, said)


def a_word(folder: Path, draw: Random) -> None:
    """Replace a word of a statement."""
    said = _document(folder)
    claim = draw.choice(said["claims"])
    words = claim["statement"].split()
    words[draw.randrange(len(words))] = draw.choice(["every", "no", "exact", "all", "0"])
    claim["statement"] = " ".join(words)
    _rewrite(folder, said)


def a_hash(folder: Path, draw: Random) -> None:
    """Replace a digit of a hash."""
    said = _document(folder)
    items = [said["files"]["model"], said["files"]["witnesses"], *said["files"]["graphs"].values()]
    item, place = draw.choice([*items, said]), draw.randrange(64)
    digit = draw.choice("0123456789abcdef")
    item["sha256"] = item["sha256"][:place] + digit + item["sha256"][place + 1 :]
    _rewrite(folder, said)


def a_graph_for_another(folder: Path, draw: Random) -> None:
    """Exchange the files of two graphs."""
    said = _document(folder)
    graphs = said["files"]["graphs"]
    one, other = draw.sample(sorted(graphs), 2)
    graphs[one], graphs[other] = graphs[other], graphs[one]
    _rewrite(folder, said)


def another_model(folder: Path, draw: Random) -> None:
    """Take the first weights of another seed."""
    found = load_network(folder / "model.safetensors")
    other = BilinearNetwork.from_configuration(found.configuration, seed=draw.randrange(1, 999))
    save_network(other.to(next(found.parameters()).dtype), folder / "model.safetensors")


def radii_a_little_longer(folder: Path, draw: Random) -> None:
    """Multiply squared radii by 1 + 1e-6."""
    _change(
        folder / "certificate.safetensors", _radii(folder, draw), lambda array: array * (1 + 5e-7)
    )


def radii_longer(folder: Path, draw: Random) -> None:
    """Make a radius much longer."""

    def longer(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        array = array.copy()
        array[draw.randrange(len(array))] *= draw.choice([1.002, 1.5, 30, -1])
        return array

    _change(folder / "certificate.safetensors", _radii(folder, draw), longer)


def an_ulp(folder: Path, draw: Random) -> None:
    """Move a number of any file to the next float."""
    path, name = _place(folder, draw)

    def moved(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        entry, array = draw.randrange(array.size), array.copy()
        if array.dtype.kind == "f":
            towards = array.dtype.type(draw.choice([-np.inf, np.inf]))
            array.flat[entry] = np.nextafter(array.flat[entry], towards)
        else:
            array.flat[entry] += draw.choice([1, 255 if array.dtype == np.uint8 else -1])
        return array

    _change(path, name, moved)


def an_ulp_of_a_weight(folder: Path, draw: Random) -> None:
    """Move a weight of the model to the next float."""
    path = folder / "model.safetensors"

    def moved(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        entry, array = draw.randrange(array.size), array.copy()
        array.flat[entry] = np.nextafter(array.flat[entry], array.dtype.type(np.inf))
        return array

    _change(path, draw.choice(sorted(load_arrays(path)[0])), moved)


def a_pair_swapped(folder: Path, draw: Random) -> None:
    """Exchange two entries of an array of any file."""
    path, name = _place(folder, draw)

    def swapped(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        array = array.copy()
        one, other = draw.randrange(array.size), draw.randrange(array.size)
        array.flat[[one, other]] = array.flat[[other, one]]
        return array

    _change(path, name, swapped)


def a_sign(folder: Path, draw: Random) -> None:
    """Turn the sign of a number of any file."""
    path, name = _place(folder, draw)

    def turned(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        array = array.copy()
        entry = draw.randrange(array.size)
        array.flat[entry] = (
            255 - array.flat[entry] if array.dtype == np.uint8 else -array.flat[entry]
        )
        return array

    _change(path, name, turned)


def another_scale(folder: Path, draw: Random) -> None:
    """Multiply a number of any file."""
    path, name = _place(folder, draw)

    def scaled(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        array = array.copy()
        factor = draw.choice([0.0, 0.5, 2.0, 1 + 1e-3, 1e30]) if array.dtype.kind == "f" else 2
        array.flat[draw.randrange(array.size)] *= array.dtype.type(factor)
        return array

    _change(path, name, scaled)


def another_shape(folder: Path, draw: Random) -> None:
    """Give an array of any file another shape, or another type."""
    path, name = _place(folder, draw)

    def reshaped(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        kinds: list[Callable[[], npt.NDArray[Any]]] = [
            lambda: array[..., None],
            lambda: array[None],
            lambda: array.ravel()[:1],
            lambda: array[:-1],
            lambda: np.concatenate([array, array[:1]]),
            lambda: array.astype(np.int64),
            lambda: array.astype(np.float64),
            lambda: array.astype(np.float32),
        ]
        return draw.choice(kinds)()

    _change(path, name, reshaped)


def an_array_left_out(folder: Path, draw: Random) -> None:
    """Leave an array of any file out."""
    path, name = _place(folder, draw)
    arrays, description = load_arrays(path)
    arrays.pop(name)
    save_arrays(path, arrays, description)


ALTERATIONS: dict[str, Callable[[Path, Random], None]] = {
    "a digit": a_digit,
    "a digit of a number": a_digit_of_a_number,
    "a smaller bound": a_bound,
    "one more": a_count,
    "a larger quartile": a_quartile,
    "a smaller factor": a_factor,
    "a wider region": a_region,
    "a claim dropped": a_claim_dropped,
    "a word of a statement": a_word,
    "a digit of a hash": a_hash,
    "a graph for another": a_graph_for_another,
    "another model": another_model,
    "squared radii times 1 + 1e-6": radii_a_little_longer,
    "a longer radius": radii_longer,
    "an ulp": an_ulp,
    "an ulp of a weight": an_ulp_of_a_weight,
    "a swapped pair": a_pair_swapped,
    "a turned sign": a_sign,
    "another scale": another_scale,
    "another shape": another_shape,
    "an array left out": an_array_left_out,
}


def decimal(number: float) -> str:
    """Return a number as certificates write it."""
    return str(Decimal(f"{number:.6g}").normalize())


def _document(folder: Path) -> Document:
    found: Document = json.loads((folder / "certificate.json").read_text(encoding="utf-8"))
    return found


def _rewrite(folder: Path, said: Document | str) -> None:
    text = said if isinstance(said, str) else json.dumps(said, indent=1, ensure_ascii=False) + "\n"
    (folder / "certificate.json").write_text(text, encoding="utf-8")


def _place(folder: Path, draw: Random) -> tuple[Path, str]:
    """Choose an array that is not empty."""
    path = draw.choice(sorted(folder.glob("*.safetensors")))
    return path, draw.choice([name for name, array in load_arrays(path)[0].items() if array.size])


def _radii(folder: Path, draw: Random) -> str:
    arrays = load_arrays(folder / "certificate.safetensors")[0]
    return draw.choice([name for name in arrays if name.endswith("radius")])


def _change(path: Path, name: str, change: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]) -> None:
    arrays, description = load_arrays(path)
    with np.errstate(all="ignore"):
        arrays[name] = change(arrays[name])
    save_arrays(path, arrays, description)
