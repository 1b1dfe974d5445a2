"""The error that every door of this package raises."""

from __future__ import annotations


class ProofError(ValueError):
    """An argument or a file that nothing can be proved about.

    The message names the argument, what was expected and what came.

    Examples:
        >>> raise ProofError("expected a graph of 784 inputs like the network, got 16")
        Traceback (most recent call last):
        ...
        proofs.errors.ProofError: expected a graph of 784 inputs like the network, got 16
    """
