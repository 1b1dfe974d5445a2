"""What a derivation is: two sides, and the proof that they are one."""

from __future__ import annotations

import re
from dataclasses import dataclass

import sympy

from analytic.errors import check_integer

_SINGLE = re.compile(
    r"\b(1(?: hidden)? (?:component|eigenfeature|feature|form|input|layer|neuron|output))s\b"
)
"""A size of 1 with its noun in the plural."""


@dataclass(frozen=True)
class Derivation:
    """An identity between two vectors of polynomials or rational functions, and its proof.

    Attributes:
        name: the theorem's name in :data:`THEOREMS`.
        statement: what is proved, in words, with the sizes of the symbols at its end.
        left: the left side, a column of expressions.
        right: the right side, a column of expressions.
    """

    name: str
    statement: str
    left: sympy.Matrix
    right: sympy.Matrix

    def __post_init__(self) -> None:
        """Put what there is one of into the singular: a sentence is written for sizes above 1."""
        object.__setattr__(self, "statement", _SINGLE.sub(r"\1", self.statement))

    @property
    def holds(self) -> bool:
        """Whether both sides are the same functions in all symbols.

        Rational functions are the same where no denominator is 0.
        """
        return self.left.shape == self.right.shape and all(
            _vanishes(difference) for difference in self.left - self.right
        )


def check_sizes(**sizes: int) -> None:
    """Refuse a size that is no integer or below 1.

    Raises:
        AnalyticError: with the size's name, what was expected and what came.

    Examples:
        >>> check_sizes(inputs=2, neurons=0)
        Traceback (most recent call last):
        ...
        analytic.errors.AnalyticError: expected neurons to be at least 1, got 0
    """
    for name, size in sizes.items():
        check_integer(name, size, 1)


def _vanishes(expression: sympy.Expr) -> bool:
    """Whether a rational function is 0, and defined somewhere."""
    numerator, denominator = expression, sympy.Integer(1)
    if not expression.is_polynomial():
        numerator, denominator = sympy.together(expression).as_numer_denom()
    # A denominator that is 0 in disguise would let anything through.
    return bool(sympy.expand(numerator) == 0 and sympy.expand(denominator) != 0)
