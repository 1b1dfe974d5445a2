"""A checker that trusts nobody: every claim of a certificate, verified from the files alone.

It imports numpy and the standard library, and nothing of what makes certificates. Witnesses may be
anything: no number of theirs counts before it has been held against the model. What each claim
says, and why it is true once it is verified, stands in ``SPEC.md``.
"""

from .certificate import FORMAT, check, opened
from .claims import CLAIMS
from .files import digest
from .layers import Layer
from .read import Files, data_digest
from .verdicts import Rejected, Unreadable

__all__ = [
    "CLAIMS",
    "FORMAT",
    "Files",
    "Layer",
    "Rejected",
    "Unreadable",
    "check",
    "data_digest",
    "digest",
    "opened",
]
