"""Claims, each with its evidence, and the certificate that holds them together."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from types import UnionType
from typing import Any

from numeric.files import is_json, write_text
from proofs.errors import ProofError

FORMAT = "bilinear-features certificate 1"


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
    Level.EXACT: "holds for this network and every real input: integer arithmetic, nothing rounded",
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
    """

    name: str
    level: Level
    statement: str
    holds: bool
    theorem: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    failure: str | None = None

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


_KINDS: dict[str, type | UnionType] = {
    "name": str,
    "level": Level,
    "statement": str,
    "holds": bool,
    "theorem": str | None,
    "evidence": Mapping,
    "failure": str | None,
}


@dataclass(frozen=True)
class Certificate:
    """All that was proved and measured about one network and its graphs.

    Attributes:
        claims: in the order of their strength.
        subject: what the claims are about: the SHA-256 of the network, of each graph and of the
            data, and the network's shape.
        versions: of the libraries that computed the evidence.
    """

    claims: tuple[Claim, ...]
    subject: Mapping[str, Any]
    versions: Mapping[str, str]

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

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the certificate as JSON, whole or not at all; the same claims, the same bytes.

        A file can be edited: to rely on a certificate, prove it again.

        Raises:
            NumericError: the file cannot be written.
        """
        document = {"format": FORMAT, **asdict(self)}
        write_text(path, json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def load_certificate(path: str | os.PathLike[str]) -> Certificate:
    """Read a certificate that was saved.

    Raises:
        ProofError: there is no such file, or it is not a certificate.

    Examples:
        >>> path = getfixture("tmp_path") / "certificate.json"
        >>> claim = Claim("sum", Level.MEASURED, "1 + 1 is 2.", holds=True)
        >>> Certificate((claim,), {}, {}).save(path)
        >>> print(load_certificate(path).claims[0])
        [measured, holds] 1 + 1 is 2.
    """
    try:
        return _certificate(json.loads(Path(path).read_text(encoding="utf-8")))
    except OSError as error:
        raise ProofError(f"expected a certificate at {path}, got: {error.strerror}") from None
    except ProofError as error:
        raise ProofError(f"{path}: {error}") from None
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ProofError(f"expected {path} to be a certificate, got: {error!r}") from None


def _certificate(document: object) -> Certificate:
    said = document if isinstance(document, dict) else {}
    if said.get("format") != FORMAT:
        raise ProofError(f"expected the format {FORMAT!r}, got {said.get('format')!r}")
    del said["format"]
    claims = [Claim(**{**claim, "level": Level(claim["level"])}) for claim in said.pop("claims")]
    return Certificate(tuple(claims), **said)
