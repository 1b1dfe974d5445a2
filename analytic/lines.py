"""The classes that a network predicts along a line between two inputs, with certainty."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import flint
import numpy as np
import numpy.typing as npt

from analytic.dyadic import Dyadic
from analytic.errors import AnalyticError
from analytic.network import ExactNetwork
from analytic.roots import (
    RealRoot,
    integer_coefficients,
    irreducible_factors,
    roots_in_unit_interval,
    separated,
)


@dataclass(frozen=True)
class ClassRegion:
    """A part of a line in whose interior the prediction does not change.

    Attributes:
        start: where it begins, as a share of the way from the first input to the second.
        end: where it ends.
        classes: the class with the largest logit; several where their logits are equal in all of
            the region.
    """

    start: RealRoot
    end: RealRoot
    classes: tuple[int, ...]


def class_regions(
    network: ExactNetwork, start: npt.ArrayLike, end: npt.ArrayLike
) -> tuple[ClassRegion, ...]:
    r"""Return where each prediction begins and ends on the way from one input to another.

    On the line :math:`x + t\,(y - x)` every logit is a polynomial in :math:`t`. Where the
    prediction changes, the difference of two of them has a root. All roots of all differences are
    isolated, so between two neighbouring ones no prediction can change, and the exact logits at one
    rational point decide for the whole interval.

    Args:
        network: its outputs are the logits.
        start: :math:`x`, float array of shape (inputs,).
        end: :math:`y`, float array of shape (inputs,).

    Returns:
        The regions in order. The first starts at 0, each other where the one before it ends, and
        the last ends at 1. Where two regions meet, their classes tie.

    Raises:
        AnalyticError: an input is not floats, not finite, or has another shape, or both are the
            same.

    Examples:
        The logits ``x²`` and ``1`` change places at 1, on the way from 0 to 4 after a quarter:

        >>> reading, down = np.array([[0.0, 1.0]]), np.array([[0.0], [1.0], [0.0]])
        >>> linear = np.array([[1.0, 0.0], [0.0, 0.0], [1.0, 0.0]])
        >>> network = ExactNetwork([(reading, reading, down, linear)])
        >>> regions = class_regions(network, np.array([0.0]), np.array([4.0]))
        >>> [(float(region.start), float(region.end), region.classes) for region in regions]
        [(0.0, 0.25, (1,)), (0.25, 1.0, (0,))]
    """
    if not isinstance(network, ExactNetwork):
        raise AnalyticError(
            f"expected network to be an ExactNetwork, got a {type(network).__name__}"
        )
    read = {name: Dyadic.from_floats(at, name) for name, at in (("start", start), ("end", end))}
    for name, point in read.items():
        found = point.numerators.shape
        if found != (network.inputs,):
            raise AnalyticError(f"expected {name} to have shape ({network.inputs},), got {found}")
    ends = [np.asarray(point) for point in (start, end)]
    if (read["start"].fractions() == read["end"].fractions()).all():
        raise AnalyticError("expected end to be another input than start, got the same")
    line = network.substituted(ends[0], (ends[1][np.newaxis], -ends[0][np.newaxis]))
    logits = [integer_coefficients(polynomial) for polynomial in line.polynomials()]
    differences = (one - other for one, other in itertools.combinations(logits, 2))
    factors = irreducible_factors(item for item in differences if item.degree() > 0)
    inside = (root for factor in factors for root in roots_in_unit_interval(factor))
    border = (RealRoot.rational(Fraction(end)) for end in (0, 1))
    regions: list[ClassRegion] = []
    for one, other in itertools.pairwise(separated([*border, *inside])):
        classes = _largest(logits, (one.upper + other.lower) / 2)
        if regions and regions[-1].classes == classes:
            regions[-1] = ClassRegion(regions[-1].start, other, classes)
        else:
            regions.append(ClassRegion(one, other, classes))
    return tuple(regions)


def _largest(logits: Sequence[flint.fmpz_poly], point: Fraction) -> tuple[int, ...]:
    """Return the outputs that are largest at a point."""
    at = flint.fmpq(point.numerator, point.denominator)
    values = [logit(at) for logit in logits]
    return tuple(index for index, value in enumerate(values) if value == max(values))
