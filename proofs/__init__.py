"""Claims and their proofs, the report, and the command line."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proofs.certificates.certify import certify
    from proofs.certificates.claims import Certificate, Claim, Level
    from proofs.certificates.files import save_certificate, save_checker
    from proofs.certificates.prove import prove
    from proofs.checker import Rejected, check
    from proofs.errors import ProofError
    from proofs.report.folder import write_report
else:
    # Loaded when it is asked for: the command line shows its help without torch and sympy.
    _PLACES = {
        "Certificate": "proofs.certificates.claims",
        "Claim": "proofs.certificates.claims",
        "Level": "proofs.certificates.claims",
        "ProofError": "proofs.errors",
        "Rejected": "proofs.checker",
        "certify": "proofs.certificates.certify",
        "check": "proofs.checker",
        "prove": "proofs.certificates.prove",
        "save_certificate": "proofs.certificates.files",
        "save_checker": "proofs.certificates.files",
        "write_report": "proofs.report.folder",
    }

    def __getattr__(name: str) -> object:
        """Return what is public here, from where it is defined."""
        if name not in _PLACES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = found = getattr(import_module(_PLACES[name]), name)
        return found

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})


__all__ = [
    "Certificate",
    "Claim",
    "Level",
    "ProofError",
    "Rejected",
    "certify",
    "check",
    "prove",
    "save_certificate",
    "save_checker",
    "write_report",
]
