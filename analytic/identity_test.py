"""A test of two networks at random points modulo random primes, with its error probability."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from analytic.algebras import Pointwise
from analytic.dyadic import magnitude
from analytic.errors import AnalyticError
from analytic.expansion import scaled
from analytic.network import ExactNetwork
from analytic.residues import Residues, all_primes, centred
from analytic.stack import ScaledStack, through

_POINTS = 4
"""Points a prime: so many that the chance to meet only zeros is far below that of a bad prime."""


@dataclass(frozen=True)
class PointDifference:
    """An input on which two networks differ.

    Attributes:
        point: the input, integers.
        output: the output in which they differ.
        first: its exact value in the first network.
        second: its exact value in the second network.
    """

    point: tuple[int, ...]
    output: int
    first: Fraction
    second: Fraction


def identity_test(
    first: ExactNetwork, second: ExactNetwork, error: float, generator: np.random.Generator
) -> PointDifference | float:
    """Compare two networks at random points modulo random primes.

    The difference is a polynomial with integer coefficients of a known degree and a known largest
    size. If it is not 0, one of its coefficients is divided by few primes; modulo any other, it has
    a root at a random point with a probability of at most its degree over the prime.

    Args:
        first: a network.
        second: a network with as many inputs and outputs.
        error: the largest error probability.
        generator: draws the primes and points.

    Returns:
        An input on which they differ; or, if none was met, the probability of that for networks
        that are not the same polynomial.

    Raises:
        AnalyticError: the degree is so high, or the weights have so many bits, that primes of this
            size say nothing.
    """
    stacks = [scaled(network.layers, range(network.outputs)) for network in (first, second)]
    exponent = min(stack.exponent for stack in stacks)
    bound = sum(magnitude(stack.sizes) << (stack.exponent - exponent) for stack in stacks)
    primes = all_primes()
    smallest = int(primes.min())
    dividing = bound.bit_length() // (smallest.bit_length() - 1)
    degree = max(stack.degree for stack in stacks)
    chance = dividing / len(primes) + (min(degree, smallest) / smallest) ** _POINTS
    if chance >= 1:
        raise AnalyticError(
            f"expected networks of degrees below {smallest:,} whose coefficients have less than "
            f"{21 * len(primes):,} bits, got degree {degree:,} and {bound.bit_length():,} bits: "
            "they are too deep, or the exponents of the weights lie too far apart"
        )
    rounds = max(1, math.ceil(math.log(error) / math.log(chance)))
    for prime in generator.choice(primes, rounds).tolist():
        points = generator.integers(0, prime, size=(first.inputs, _POINTS)) - prime // 2
        images = [_image(stack, points.astype(np.float64), prime, exponent) for stack in stacks]
        differing = np.argwhere(centred(images[0] - images[1], prime))
        if differing.size:
            output, column = (int(index) for index in differing[0])
            point = points[:, column]
            values = [
                network.evaluate(point[np.newaxis].astype(np.float64))[0, output]
                for network in (first, second)
            ]
            return PointDifference(tuple(point.tolist()), output, *values)
    # The least floats are no power of the chance; no error probability is 0.
    return float(chance**rounds) or error


def _image(stack: ScaledStack, points: Residues, prime: int, exponent: int) -> Residues:
    """Return the outputs modulo a prime, as numerators over a given power of two."""
    values = np.concatenate([np.ones((1, points.shape[1])), points])
    values = through(stack.modulo(prime), values, Pointwise())
    return centred(values * pow(2, stack.exponent - exponent, prime), prime)
