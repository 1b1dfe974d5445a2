"""Claims and their proofs, the report, and the command line."""

from proofs.certificates.certify import certify
from proofs.certificates.claims import Certificate, Claim, Level
from proofs.certificates.files import save_certificate, save_checker
from proofs.certificates.prove import prove
from proofs.checker import Rejected, check
from proofs.errors import ProofError
from proofs.report.folder import write_report

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
