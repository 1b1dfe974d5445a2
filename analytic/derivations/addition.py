"""Addition modulo a number as products of waves: what a network that adds has to compute."""

from __future__ import annotations

import sympy

from analytic.derivations.derivation import Derivation, check_sizes
from analytic.derivations.symbols import vector
from analytic.errors import AnalyticError

_ROOTS = (1, 2, 3, 4, 6)
"""Moduli whose cosines and sines have square roots alone, which expand to what they are."""


def modular_addition(modulus: int = 3) -> Derivation:
    r"""Derive that adding modulo a number multiplies waves of one frequency after the other.

    With :math:`w_k = 2\pi k/p`, the readings :math:`C_k x = \sum_a \cos(w_k a)\,x_a` and
    :math:`S_k x = \sum_a \sin(w_k a)\,x_a`, and all :math:`x` and :math:`y`,

    .. math::
        \sum_{a + b \equiv c} x_a y_b = \frac1p \sum_{k=0}^{p-1}
        \big[(C_k x)(C_k y) - (S_k x)(S_k y)\big] \cos(w_k c)
        + \big[(S_k x)(C_k y) + (C_k x)(S_k y)\big] \sin(w_k c).

    For one-hot :math:`x` and :math:`y` the left side is 1 for the sum of their numbers and 0 for
    all other :math:`c`. Frequencies :math:`k` and :math:`p - k` say the same. As
    :math:`uv = \tfrac14(u + v)^2 - \tfrac14(u - v)^2`, the right side is a sum of squares of
    readings of one frequency each.

    Hypotheses: none. The identity holds for every :math:`p`; it is executed for those of which all
    cosines and sines are rational or square roots.

    Source: A. Gromov, *Grokking modular arithmetic*, arXiv 2301.02679, for a network of squares;
    the identity is the discrete convolution theorem.

    Raises:
        AnalyticError: the modulus is not 1, 2, 3, 4 or 6.

    Examples:
        >>> modular_addition().holds
        True
    """
    check_sizes(modulus=modulus)
    if modulus not in _ROOTS:
        raise AnalyticError(
            f"expected modulus to be one of {', '.join(map(str, _ROOTS))}, got {modulus}"
        )
    x, y = vector("x", modulus), vector("y", modulus)
    numbers = range(modulus)
    left = [sum(x[a] * y[(c - a) % modulus] for a in numbers) for c in numbers]
    right = [
        sum(_mode(frequency, c, x, y) for frequency in numbers) / sympy.Integer(modulus)
        for c in numbers
    ]
    return Derivation(
        "modular_addition",
        "Adding two one-hot numbers modulo a third is a layer of products: for each frequency, "
        "cosines and sines of one number times those of the other, and what they make is read out "
        f"by cosines and sines of the sum (modulus {modulus}, all inputs and all weights "
        "symbolic).",
        sympy.Matrix(left),
        sympy.Matrix(right),
    )


def _mode(frequency: int, c: int, x: sympy.Matrix, y: sympy.Matrix) -> sympy.Expr:
    """Return what one frequency adds to the logit of a sum."""
    angle = 2 * sympy.pi * frequency / sympy.Integer(len(x))
    cosines, sines = (
        sympy.Matrix([wave(angle * a) for a in range(len(x))]) for wave in (sympy.cos, sympy.sin)
    )
    in_step = cosines.dot(x) * cosines.dot(y) - sines.dot(x) * sines.dot(y)
    apart = sines.dot(x) * cosines.dot(y) + cosines.dot(x) * sines.dot(y)
    return in_step * cosines[c] + apart * sines[c]
