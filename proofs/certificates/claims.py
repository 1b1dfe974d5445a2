"""Claims, each with its evidence, and the certificate that holds them together."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from html import escape
from itertools import groupby
from types import UnionType
from typing import Any

import numpy.typing as npt

from numeric.files import is_json
from proofs.checker import CLAIMS
from proofs.errors import ProofError


class Level(StrEnum):
    """How strong the evidence for a claim is, the strongest first."""

    SYMBOLIC = "symbolic"
    EXACT = "exact"
    BOUNDED = "bounded"
    MEASURED = "measured"

    @property
    def meaning(self) -> str:
        """What a claim of this level says, and about which inputs."""
        return _MEANINGS[self]


_MEANINGS = {
    Level.SYMBOLIC: "holds for all weights of the sizes named: an identity in symbols",
    Level.EXACT: "holds for this network and every real input, or every one that a task has: "
    "exact values decide, nothing is rounded",
    Level.BOUNDED: "holds for this network within a proven bound, rounding included, for every "
    "input of a stated region or for every coefficient",
    Level.MEASURED: "holds on the named data: counted, not extrapolated",
}


def json_number(value: float) -> float | str:
    """Return a number that JSON has: infinity and NaN are none.

    Examples:
        >>> json_number(0.5), json_number(float("inf"))
        (0.5, 'inf')
    """
    return value if math.isfinite(value) else str(value)


@dataclass(frozen=True)
class Claim:
    """One statement and what it rests on.

    Attributes:
        name: short, unique in its certificate.
        level: how strong the evidence is.
        statement: what holds, and for which inputs, in words.
        holds: whether the evidence bears the statement out.
        theorem: the name in :data:`analytic.THEOREMS` that it rests on, if any.
        evidence: the numbers found, JSON.
        failure: where the statement breaks, in words, if it does.
        kind: of which kind the claim is, if the checker knows how to verify it
            (:data:`proofs.checker.CLAIMS`).
        numbers: what stands in the statement of that kind.
    """

    name: str
    level: Level
    statement: str
    holds: bool
    theorem: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    failure: str | None = None
    kind: str | None = None
    numbers: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        kind: str,
        numbers: Mapping[str, Any],
        *,
        name: str | None = None,
        evidence: Mapping[str, Any] | None = None,
    ) -> Claim:
        """State a claim of a kind that the checker can verify.

        Args:
            kind: one of :data:`proofs.checker.CLAIMS`.
            numbers: what stands in its statement.
            name: what the claim is called, if not by its kind and graph.
            evidence: more that was found.

        Examples:
            >>> print(Claim.of("accuracy", {"images": 10, "data": "0a1b", "right": 9}))
            [measured, holds] On the 10 images (data 0a1b) the network's largest exact logit is \
the label's at least 9 times.
        """
        known = CLAIMS[kind]
        graph = f"{numbers['graph']}: " if "graph" in numbers else ""
        return cls(
            name=name or f"{graph}{kind}",
            level=Level(known.level),
            statement=known.statement.format(**numbers),
            holds=True,
            theorem=known.theorem,
            evidence={} if evidence is None else evidence,
            kind=kind,
            numbers=numbers,
        )

    @classmethod
    def left_out(cls, name: str, statement: str, why: str) -> Claim:
        """Say that something is not claimed, to those who would miss it.

        Args:
            name: of the claim that might be expected.
            statement: what it would say.
            why: in words, to follow "as".

        Examples:
            >>> print(Claim.left_out("signature", "Two eigenvalues are positive.", "both are 0"))
            [measured, holds] Not claimed, as both are 0: Two eigenvalues are positive.
        """
        return cls(
            name=f"{name}: left out",
            level=Level.MEASURED,
            statement=f"Not claimed, as {why}: {statement}",
            holds=True,
        )

    @property
    def checkable(self) -> dict[str, Any]:
        """What a certificate says of a claim that the checker can verify."""
        return CLAIMS[str(self.kind)].says(dict(self.numbers))

    def __post_init__(self) -> None:
        """Refuse what a certificate could not keep: other types, NaN and infinity."""
        for name, kind in _KINDS.items():
            value = getattr(self, name)
            if not isinstance(value, kind):
                wanted = kind.__name__ if isinstance(kind, type) else kind
                raise ProofError(f"expected {name} of a claim to be {wanted}, got {value!r}")
        if not is_json(dict(self.evidence)):
            raise ProofError(f"expected evidence of a claim to be JSON, got {self.evidence!r}")

    def __str__(self) -> str:
        """Read the claim out in a sentence."""
        verdict = "holds" if self.holds else "FAILS"
        detail = f" {self.failure}" if self.failure else ""
        return f"[{self.level}, {verdict}] {self.statement}{detail}"

    def _repr_html_(self) -> str:
        """Show the claim in a notebook, as a table of one row."""
        return f"<table><tbody>{_row(self, level=True)}</tbody></table>"


_KINDS: dict[str, type | UnionType] = {
    "name": str,
    "level": Level,
    "statement": str,
    "holds": bool,
    "theorem": str | None,
    "evidence": Mapping,
    "failure": str | None,
    "kind": str | None,
    "numbers": Mapping,
}


@dataclass(frozen=True)
class Certificate:
    """All that was proved and measured about one network and its graphs.

    Attributes:
        claims: in the order of their strength.
        subject: what the claims are about: the network's shape.
        versions: of the libraries that computed the evidence.
        witnesses: arrays that claims rest on, by name; the images and labels among them.
    """

    claims: tuple[Claim, ...]
    subject: Mapping[str, Any]
    versions: Mapping[str, str]
    witnesses: Mapping[str, npt.NDArray[Any]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        """Refuse what is no list of claims about something, and two claims of one name."""
        for name in ("subject", "versions"):
            value = getattr(self, name)
            if not isinstance(value, Mapping) or not is_json(dict(value)):
                raise ProofError(f"expected the {name} of a certificate to be JSON, got {value!r}")
        names = [claim.name for claim in self.claims]
        if len(set(names)) < len(names):
            raise ProofError(f"expected claims of different names, got {names}")

    @property
    def holds(self) -> bool:
        """Whether there are claims, and every one of them holds."""
        return bool(self.claims) and all(claim.holds for claim in self.claims)

    def __repr__(self) -> str:
        """Say how many claims of which level there are, and whether they hold."""
        levels = Counter(claim.level for claim in self.claims)
        counts = ", ".join(f"{levels[level]} {level}" for level in Level if levels[level])
        return f"<Certificate, {self._verdict}{counts and f': {counts}'}>"

    @property
    def _verdict(self) -> str:
        failed = sum(not claim.holds for claim in self.claims)
        if failed:
            return f"{failed} of {len(self.claims)} claims FAIL"
        return "all claims hold" if self.claims else "no claims"

    def _repr_html_(self) -> str:
        """Show the claims in a notebook by their level; identities in symbols stay folded."""
        parts = [f"<p><strong>{self._verdict}</strong></p>"]
        for level, found in groupby(self.claims, key=lambda claim: claim.level):
            claims = list(found)
            folded = level is Level.SYMBOLIC and all(claim.holds for claim in claims)
            summary = escape(f"{level} ({len(claims)}): {level.meaning}")
            rows = "".join(_row(claim) for claim in claims)
            parts.append(
                f"<details{'' if folded else ' open'}><summary>{summary}</summary>"
                f"<table><tbody>{rows}</tbody></table></details>"
            )
        return "".join(parts)


def _row(claim: Claim, *, level: bool = False) -> str:
    """Return a claim as a row of HTML, everything in it escaped."""
    text = f"{claim.statement} {claim.failure}" if claim.failure else claim.statement
    cells = ["holds" if claim.holds else "FAILS", text, claim.theorem or ""]
    shown = [str(claim.level), *cells] if level else cells
    style = ' style="text-align:left"'
    return f"<tr>{''.join(f'<td{style}>{escape(cell)}</td>' for cell in shown)}</tr>"
