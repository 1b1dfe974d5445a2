"""A kind of claim: its sentence, and what verifies it."""

from collections.abc import Callable
from string import Formatter
from typing import Any, NamedTuple

from ..files import count, decimal, word
from ..verdicts import need


def counts(given: Any) -> list[int]:  # noqa: ANN401 -- JSON
    """Return a list of counts."""
    need(type(given) is list, f"{given!r} is no list")
    return [count(item) for item in given]


READERS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("graph", "models", "data", "dtype"), word),
    **dict.fromkeys(("images", "count", "right", "same", "fixed", "size", "modulus"), count),
    **dict.fromkeys(("low", "high", "bound", "factor", "lower", "median", "upper"), decimal),
    **dict.fromkeys(("positive", "negative", "zero"), counts),
}
"""What reads the numbers of claims, by their names."""


class Kind(NamedTuple):
    """A kind of claim.

    Attributes:
        name: what a certificate calls it.
        level: how strong its evidence is: exact, bounded or measured.
        theorem: what it rests on beside arithmetic, if that has a name.
        statement: its sentence, with the numbers of a claim in braces.
        verify: takes files and these numbers, and raises :class:`~proofs.checker.Rejected` unless
            the claim holds.
    """

    name: str
    level: str
    theorem: str | None
    statement: str
    verify: Callable[..., None]

    @property
    def parameters(self) -> list[str]:
        """The names of the numbers: those that stand in the sentence."""
        return [name for _, name, _, _ in Formatter().parse(self.statement) if name]

    def numbers(self, given: Any) -> dict[str, Any]:  # noqa: ANN401 -- JSON
        """Return the numbers of a claim as what verifies it takes them, if they are all there."""
        right = type(given) is dict and given.keys() == set(self.parameters)
        need(right, f"a claim of the kind {self.name} has other numbers")
        return {name: READERS[name](value) for name, value in given.items()}

    def says(self, given: dict[str, Any]) -> dict[str, Any]:
        """Return what a certificate says of a claim with these numbers."""
        said = {"kind": self.name, "level": self.level, "theorem": self.theorem}
        return said | {"statement": self.statement.format(**given), "numbers": given}
