r"""The residual forms of :mod:`proofs.bounds.residuals` without any rounding.

All weights are integers times powers of two, so a form is one as well. Its entries are computed
modulo as many primes as they can have bits. How many bits that is, the bound in float64 says: what
the layers have in common cancels, and what is left is small.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from analytic.dyadic import Dyadic
from analytic.residues import Residues, centred, primes_beyond, product, recovered, residues
from proofs.bounds.enclosures import ROUNDED_UP, TINY
from proofs.bounds.norms import frobenius_bound, spectral_bound
from proofs.bounds.residuals import Pair, residual_form

Doubles = npt.NDArray[np.float64]

_BITS = 64
_NEAREST = 2.0**-52
"""More than what taking the nearest float of an integer's leading bits changes of it."""


def exact_residual_form(pair: Pair, output: int) -> tuple[Doubles, float]:
    """Return the floats nearest to an output's residual form.

    Args:
        pair: two layers and their bases.
        output: a component of what the graph's layer writes.

    Returns:
        A symmetric matrix, and a bound on the Frobenius norm of its error; infinite where a number
        leaves the range of float64.
    """
    form, error = residual_form(pair, output)
    most = spectral_bound(form, error)
    if not most < np.inf:
        return form, np.inf
    form = nearest_residual(pair, output, most)
    error = _NEAREST * float(frobenius_bound(form)) + TINY * form.size
    return form, ROUNDED_UP * error


def nearest_residual(pair: Pair, output: int, most: float) -> Doubles:
    """Return the floats nearest to the entries of an output's residual form.

    Args:
        pair: two layers and their bases.
        output: a component of what the graph's layer writes.
        most: no entry is larger.
    """
    terms = _Terms.of(pair, output)
    primes = primes_beyond(int(2 * Fraction(most) / Fraction(2) ** terms.exponent) + 1)
    upper = np.triu_indices(terms.size)
    images = [terms.doubled_form(prime)[upper] for prime in primes]
    form = np.zeros((terms.size, terms.size))
    form[upper] = [_scaled(integer, terms.exponent - 1) for integer in recovered(images, primes)]
    return form + np.triu(form, 1).T


@dataclass(frozen=True)
class _Terms:
    """The products that add up to a residual form, as integers.

    Attributes:
        products: a left factor, weights, a right factor and a power of two; the form is the sum of
            their products' symmetric parts. Factors are matrices, or several to be multiplied.
        exponent: of the power of two over which all of them are integers.
        size: the number of rows of the form.
    """

    products: list[tuple[list[Dyadic], list[Dyadic], list[Dyadic], int]]
    exponent: int
    size: int

    @classmethod
    def of(cls, pair: Pair, output: int) -> _Terms:
        square, layer = pair.square, pair.layer
        features = square.mixing[output] != 0
        high, low, added, mixing = (
            Dyadic.from_floats(array, "squares")
            for array in (
                square.readings[features],
                square.low[features],
                square.linear[[output]],
                square.mixing[[output]][:, features],
            )
        )
        reading, passed = [high + low], [added]
        left, right, down, linear = (Dyadic.from_floats(array, "layer") for array in layer)
        if pair.below is not None:
            basis = Dyadic.from_floats(pair.below, "below")
            reading, passed = [*reading, basis], [*passed, basis]
        above = np.eye(len(linear.numerators)) if pair.above is None else pair.above
        row = Dyadic.from_floats(-above[[output]], "above")
        constant = Dyadic.from_floats(np.eye(1, layer.linear.shape[1]), "constant")
        one = Dyadic.from_floats(np.ones((1, 1)), "one")
        parts = [
            (reading, [mixing], reading),
            ([left], [row, down], [right]),
            ([constant], [one], passed),
            ([constant], [one], [row, linear]),
        ]
        powers = [sum(factor.exponent for factors in part for factor in factors) for part in parts]
        products = [(*part, power) for part, power in zip(parts, powers, strict=True)]
        return cls(products, min(powers), layer.linear.shape[1])

    def doubled_form(self, prime: int) -> Residues:
        """Return twice the form, over the power of two, modulo a prime."""
        total = np.zeros((self.size, self.size))
        for left, weights, right, power in self.products:
            first, row, second = (_multiplied(item, prime) for item in (left, weights, right))
            scale = pow(2, power - self.exponent, prime)
            row = centred(row * centred(np.array([float(scale)]), prime), prime)
            total += product(centred(first.T * row, prime), second, prime)
        return centred(total + total.T, prime)


def _multiplied(factors: list[Dyadic], prime: int) -> Residues:
    total = residues(factors[0].numerators, prime)
    for factor in factors[1:]:
        total = product(total, residues(factor.numerators, prime), prime)
    return total


def _scaled(integer: int, power: int) -> float:
    """Return the float nearest to an integer's leading bits times a power of two."""
    shift = max(integer.bit_length() - _BITS, 0)
    return float(np.ldexp(float(integer >> shift), power + shift))
