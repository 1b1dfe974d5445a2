"""What a study found, in a form that a page, a file and a terminal can show."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.figure import Figure
from scipy import stats

from numeric.errors import NumericError
from numeric.studies.running import Row, Tables


@dataclass(frozen=True)
class Section:
    """A part of an account.

    Attributes:
        heading: in a few words.
        words: what was done and what is to be seen, a text a paragraph.
        columns: the heads of a table.
        rows: of the table, as texts.
        picture: the name of one, if there is one.
    """

    heading: str
    words: Sequence[str]
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    picture: str | None = None


@dataclass(frozen=True)
class Account:
    """What a study found.

    Attributes:
        title: the question, in a few words.
        lead: what was asked, and how it was tried.
        speaks_for: what speaks for the claim, a sentence each, with figures.
        speaks_against: what speaks against it.
        sections: the figures.
        tables: all measurements.
        pictures: draws each picture, by name.
    """

    title: str
    lead: str
    speaks_for: Sequence[str]
    speaks_against: Sequence[str]
    sections: Sequence[Section]
    tables: Tables
    pictures: Mapping[str, Callable[[], Figure]] = field(default_factory=dict)


@dataclass(frozen=True)
class Told:
    """What one question of a study came to.

    Attributes:
        section: its figures.
        speaks_for: sentences, with figures.
        speaks_against: likewise.
    """

    section: Section
    speaks_for: Sequence[str] = ()
    speaks_against: Sequence[str] = ()


def chosen(rows: Sequence[Row], **wanted: object) -> list[Row]:
    """Return the rows in which all of some names have given values.

    Examples:
        >>> chosen([{"k": 1, "x": 2}, {"k": 2, "x": 3}], k=2)
        [{'k': 2, 'x': 3}]
    """
    return [row for row in rows if all(row.get(name) == value for name, value in wanted.items())]


def values(rows: Sequence[Row], name: str) -> list[float]:
    """Return a column as numbers, rows without one left out."""
    return [float(row[name]) for row in rows if row.get(name) is not None]


def interval(numbers: Sequence[float], confidence: float = 0.95) -> tuple[float, float, float]:
    """Return the mean of independent measurements, and Student's interval for what it estimates.

    Args:
        numbers: at least one; of a single one the interval is all numbers.
        confidence: the chance that it holds the expectation, where the numbers are normal.

    Returns:
        The mean, and the ends of the interval.

    Raises:
        NumericError: there is no number.

    Source:
        Student, *The probable error of a mean*, Biometrika 6 (1908).

    Examples:
        >>> [round(end, 3) for end in interval([1.0, 2.0, 3.0])]
        [2.0, -0.484, 4.484]
    """
    if not len(numbers):
        raise NumericError("expected numbers to hold at least one, got none")
    mean = float(np.mean(numbers))
    if len(numbers) == 1:
        return mean, -np.inf, np.inf
    error = float(np.std(numbers, ddof=1) / np.sqrt(len(numbers)))
    reach = float(stats.t.ppf((1 + confidence) / 2, len(numbers) - 1)) * error
    return mean, mean - reach, mean + reach


def said_interval(numbers: Sequence[float], form: str = ".3f") -> str:
    """Return a mean with its interval, as a text.

    Examples:
        >>> said_interval([0.5, 0.5])
        '0.500 (0.500 to 0.500)'
        >>> said_interval([0.5])
        '0.500'
    """
    mean, low, high = interval(numbers)
    if len(numbers) == 1:
        return f"{mean:{form}}"
    return f"{mean:{form}} ({low:{form}} to {high:{form}})"
