"""What certificates say, whether in memory or in a file."""

from __future__ import annotations

import json
import os
from pathlib import Path

from proofs import Certificate


def said_by(certificate: Certificate) -> list[tuple[str, bool]]:
    """Every statement of a certificate, and whether it holds."""
    return sorted((claim.statement, claim.holds) for claim in certificate.claims)


def said_in(path: str | os.PathLike[str]) -> list[tuple[str, bool]]:
    """Every statement in a file, and whether it holds."""
    document = json.loads(Path(path).read_text(encoding="utf-8"))
    claims = [(claim["statement"], True) for claim in document["claims"]]
    return sorted(claims + [(claim["statement"], claim["holds"]) for claim in document["remarks"]])
