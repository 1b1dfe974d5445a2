"""Claims and their proofs, the report, and the command line."""

from proofs.claims import Certificate, Claim, Level, load_certificate
from proofs.errors import ProofError
from proofs.prove import prove

__all__ = ["Certificate", "Claim", "Level", "ProofError", "load_certificate", "prove"]
