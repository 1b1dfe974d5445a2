"""A kind of claim: its sentence, and what verifies it."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple

from ..files import count, decimal, word
from ..verdicts import need


def counts(given: Any) -> list[int]:  # noqa: ANN401 -- JSON
    """Return a list of counts."""
    need(type(given) is list, f"{given!r} is no list")
    return [count(item) for item in given]


READERS: dict[Any, Callable[[Any], Any]] = {
    int: count,
    str: word,
    Fraction: decimal,
    list[int]: counts,
}


class Kind(NamedTuple):
    """A kind of claim.

    Attributes:
        name: what a certificate calls it.
        level: how strong its evidence is: exact, bounded or measured.
        theorem: what it rests on beside arithmetic, if that has a name.
        statement: its sentence, with the numbers of a claim in braces.
        verify: returns nothing if the claim holds of files, and else raises
            :class:`~proofs.checker.Rejected`. Its parameters after the files are those numbers.
    """

    name: str
    level: str
    theorem: str | None
    statement: str
    verify: Callable[..., None]

    @property
    def parameters(self) -> dict[str, Any]:
        """The types of the numbers, by their names."""
        found = dict(self.verify.__annotations__)
        return {name: kind for name, kind in found.items() if name not in ("files", "return")}

    def numbers(self, given: Any) -> dict[str, Any]:  # noqa: ANN401 -- JSON
        """Return the numbers of a claim as what verifies it takes them, if they are all there."""
        parameters = self.parameters
        right = type(given) is dict and given.keys() == parameters.keys()
        need(right, f"a claim of the kind {self.name} has other numbers")
        return {name: READERS[kind](given[name]) for name, kind in parameters.items()}

    def says(self, given: dict[str, Any]) -> dict[str, Any]:
        """Return what a certificate says of a claim with these numbers."""
        said = {"kind": self.name, "level": self.level, "theorem": self.theorem}
        return said | {"statement": self.statement.format(**given), "numbers": given}
