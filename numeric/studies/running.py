"""Studies in parts: each is kept when it is finished, so that a study goes on where it stopped."""

from __future__ import annotations

import functools
import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import joblib

from numeric.data.digits import Digits
from numeric.errors import NumericError
from numeric.files import digest, is_json, read_json, write_text
from numeric.networks.inference import one_torch_thread
from numeric.progress import progress_bar
from numeric.scalars import check_integer

Row = dict[str, Any]
"""A measurement: names with numbers, texts, booleans and None."""

Tables = dict[str, list[Row]]
"""Measurements by the table that they stand in."""

_FORMAT = 2
"""Changes with what parts measure: those of another number are made anew."""


@dataclass(frozen=True)
class Part:
    """A piece of a study that is worked on by itself.

    Attributes:
        name: of its file.
        work: a function of a module, which another process can import; it takes the settings and
            the data by name.
        settings: JSON, or dataclasses of it; with the data they fix what comes out.
        data: images by name.
        cost: how long it takes in proportion to others, for the estimate.
    """

    name: str
    work: Callable[..., Tables]
    settings: Mapping[str, Any]
    data: Mapping[str, Digits] = field(default_factory=dict)
    cost: float = 1.0

    def file(self, folder: Path) -> Path:
        """Return where it is kept."""
        data = {name: _digest(digits) for name, digits in sorted(self.data.items())}
        where = f"{self.work.__module__}.{self.work.__qualname__}"
        key = json.dumps(
            [_FORMAT, where, dict(self.settings), data], sort_keys=True, default=asdict
        )
        return folder / f"{self.name}-{hashlib.sha256(key.encode()).hexdigest()[:12]}.json"


@dataclass(frozen=True)
class Setting:
    """Where and how a study is made.

    Attributes:
        folder: receives what is finished.
        quick: whether sizes are small: to see that all works, not to conclude from.
        jobs: how many processes work at a time.
        digits: gives MNIST, or data in its place; called by those who need it.
        fashion: gives Fashion-MNIST, or why it is not there.
    """

    folder: Path
    quick: bool = False
    jobs: int = 1
    digits: Callable[[], Digits] | None = None
    fashion: Callable[[], Digits | str] = lambda: "no place was named"

    def images(self) -> Digits:
        """Return MNIST, or data in its place.

        Raises:
            NumericError: the setting has none.
        """
        if self.digits is None:
            raise NumericError("expected digits for a study that needs images, got none")
        return self.digits()


def measured(parts: Sequence[Part], setting: Setting) -> Tables:
    """Return what parts of a study measure; those that were finished before are read.

    A part computes in one thread, so that what it finds does not hang on how many there are.

    Args:
        parts: in any order; what comes out is in this order.
        setting: says where they are kept, and how many processes work at a time.

    Raises:
        NumericError: a part is at fault, or a file cannot be written.

    Examples:
        >>> setting = Setting(getfixture("tmp_path"))
        >>> measured([Part("one", _example, {"number": 3})], setting)
        {'squares': [{'number': 3, 'square': 9}]}
    """
    check_integer(setting.jobs, "jobs", least=1)
    files = [part.file(setting.folder) for part in parts]
    found: list[Tables | None] = [_kept(file) for file in files]
    todo = [place for place, tables in enumerate(found) if tables is None]
    with progress_bar() as progress:
        total, left = sum(part.cost for part in parts), sum(parts[place].cost for place in todo)
        shown = progress.add_task(f"{len(parts)} parts", total=total)
        progress.advance(shown, total - left)
        parallel = joblib.Parallel(n_jobs=setting.jobs, return_as="generator_unordered")
        tasks = (joblib.delayed(_worked)(place, parts[place], files[place]) for place in todo)
        for place, tables in parallel(tasks):
            found[place] = tables
            progress.advance(shown, parts[place].cost)
    together: Tables = {}
    for tables in found:
        for name, rows in (tables or {}).items():
            together.setdefault(name, []).extend(rows)
    return together


def _worked(place: int, part: Part, file: Path) -> tuple[int, Tables]:
    """Measure one part, and keep it."""
    start = time.perf_counter()
    with one_torch_thread():
        tables = part.work(**part.settings, **part.data)
    if not is_json(tables):
        raise NumericError(f"expected the measurements of {part.name} to be JSON, got {tables!r}")
    seconds = round(time.perf_counter() - start, 3)
    kept = {"settings": dict(part.settings), "seconds": seconds, "tables": tables}
    write_text(file, json.dumps(kept, indent=1, default=asdict) + "\n")
    return place, tables


def _kept(file: Path) -> Tables | None:
    """Return what a part measured before, if its file is whole."""
    try:
        tables = read_json(file)["tables"]
    except (NumericError, KeyError, TypeError):
        return None
    return tables if isinstance(tables, dict) else None


@functools.lru_cache(maxsize=8)
def _digest(digits: Digits) -> str:
    return digest(digits.arrays)


def _example(number: int) -> Tables:
    return {"squares": [{"number": number, "square": number**2}]}
