"""Claims, each with its evidence, and the certificate that holds them together."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from numeric.files import write_text
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
    Level.SYMBOLIC: "holds for all weights: an identity between polynomials in symbols",
    Level.EXACT: "holds for this network and every real input: integer arithmetic, nothing rounded",
    Level.BOUNDED: "holds for this network and every input of a stated region, rounding included",
    Level.MEASURED: "holds on the named data: counted, not extrapolated",
}


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

    def __str__(self) -> str:
        """Read the claim out in a sentence."""
        verdict = "holds" if self.holds else "FAILS"
        detail = f" {self.failure}" if self.failure else ""
        return f"[{self.level}, {verdict}] {self.statement}{detail}"


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

    @property
    def holds(self) -> bool:
        """Whether every claim holds."""
        return all(claim.holds for claim in self.claims)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the certificate as JSON, whole or not at all; the same claims, the same bytes.

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
        document = json.loads(Path(path).read_text(encoding="utf-8"))
        if document.pop("format") != FORMAT:
            raise ProofError(f"expected {path} to be a certificate of format {FORMAT!r}")
        claims = tuple(
            Claim(**{**claim, "level": Level(claim["level"])}) for claim in document.pop("claims")
        )
        return Certificate(claims, **document)
    except OSError as error:
        raise ProofError(f"expected a certificate at {path}, got: {error.strerror}") from None
    except (AttributeError, KeyError, TypeError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ProofError(f"expected {path} to be a certificate, got: {error!r}") from None


def digest(arrays: Iterable[npt.NDArray[Any]]) -> str:
    """Return the SHA-256 of arrays: their dtypes, shapes and bytes, in order.

    Examples:
        >>> digest([np.zeros(2)]) == digest([np.zeros(1), np.zeros(1)])
        False
    """
    sha = hashlib.sha256()
    for array in arrays:
        sha.update(f"{array.dtype.str}{array.shape}".encode())
        sha.update(np.ascontiguousarray(array).data)
    return sha.hexdigest()
