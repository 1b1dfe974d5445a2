"""Claims and their proofs, the report, and the command line."""

from proofs.certificate_files import save_certificate
from proofs.certify import certify
from proofs.checker import Rejected, check
from proofs.claims import Certificate, Claim, Level
from proofs.errors import ProofError
from proofs.prove import prove

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
]
