"""Whether two networks are the same polynomial: a proof where there is one, a test where not."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real

import numpy as np

from analytic.errors import AnalyticError, check_integer
from analytic.gauge import same_up_to_gauge
from analytic.identity_test import PointDifference, identity_test
from analytic.layer_equality import CoefficientDifference, layers_difference
from analytic.network import MEMORY, ExactNetwork


@dataclass(frozen=True)
class Comparison:
    """What is known about two networks as polynomials.

    Attributes:
        same: whether they are the same polynomial.
        method: how that was found, in words.
        error_probability: the chance that two different polynomials would have been found the same;
            0 for a proof. A difference is always proved.
        point: an input on which they differ, where they do.
        coefficient: the first coefficient of a layer that differs, where they do and their layers
            correspond.
    """

    same: bool
    method: str
    error_probability: float = 0.0
    point: PointDifference | None = None
    coefficient: CoefficientDifference | None = None

    @property
    def proved(self) -> bool:
        """Whether the verdict is a theorem, and not the outcome of a test."""
        return self.error_probability == 0


def same_polynomial(
    first: ExactNetwork,
    second: ExactNetwork,
    *,
    error: float = 1e-30,
    seed: int | None = None,
    memory: int = MEMORY,
) -> Comparison:
    """Decide whether two networks compute the same polynomial.

    Args:
        first: a network.
        second: a network with as many inputs and outputs.
        error: the largest error probability of a test, where it comes to that.
        seed: for the random points and primes. Left out, they come from the operating system once
            both networks are fixed; the error probability means something only then.
        memory: how many bytes an expansion may take, about.

    Returns:
        The verdict. Equality is proved, in this order, by the coefficients of corresponding layers;
        by a change of basis in each hidden state under which they correspond; or by the
        coefficients of the expanded polynomials, where they fit. Where none of these succeeds, it
        is the outcome of a polynomial identity test, with its error probability. A difference comes
        with an input on which the two differ.

    Raises:
        AnalyticError: an argument is no network, or a number out of range; or the shapes differ.

    Source:
        J. T. Schwartz, *Fast probabilistic algorithms for verification of polynomial identities*,
        J. ACM 27 (1980), for the test.

    Examples:
        Swapping left and right changes nothing:

        >>> left, right = np.array([[1.0, 2.0]]), np.array([[1.0, -1.0]])
        >>> down, linear = np.array([[0.0], [1.0]]), np.array([[1.0, 0.0], [0.0, 0.0]])
        >>> network = ExactNetwork([(left, right, down, linear)])
        >>> swapped = ExactNetwork([(right, left, down, linear)])
        >>> same_polynomial(network, swapped).proved
        True
        >>> doubled = ExactNetwork([(left, right, 2 * down, linear)])
        >>> print(same_polynomial(network, doubled).coefficient)
        coefficient of component 0 times component 0 in output component 1 of layer 1: 1 against \
2, a difference of 1
    """
    _check(first, second, error)
    if seed is not None:
        seed = check_integer("seed", seed, 0)
    memory = check_integer("memory", memory, 0)
    comparable = first.shapes == second.shapes
    coefficient = layers_difference(first, second) if comparable else None
    if comparable and coefficient is None:
        return Comparison(same=True, method="every layer has the same coefficients")
    tested = identity_test(first, second, error, np.random.default_rng(seed))
    if isinstance(tested, PointDifference):
        method = "an input on which they differ"
        return Comparison(same=False, method=method, point=tested, coefficient=coefficient)
    if same_up_to_gauge(first, second):
        return Comparison(
            same=True, method="every layer has the same coefficients after a change of basis"
        )
    try:
        expanded = [network.polynomials(memory=memory) for network in (first, second)]
    except AnalyticError:
        method = "a test at random points modulo random primes, which is no proof"
        return Comparison(same=True, method=method, error_probability=tested)
    method = "all coefficients of the expanded polynomials"
    if expanded[0] == expanded[1]:
        return Comparison(same=True, method=method)
    return Comparison(same=False, method=method, coefficient=coefficient)


def _check(first: ExactNetwork, second: ExactNetwork, error: float) -> None:
    for name, network in (("first", first), ("second", second)):
        if not isinstance(network, ExactNetwork):
            raise AnalyticError(
                f"expected {name} to be an ExactNetwork, got a {type(network).__name__}"
            )
    for name in ("inputs", "outputs"):
        if getattr(first, name) != getattr(second, name):
            raise AnalyticError(
                f"expected second to have {getattr(first, name)} {name} like first, got "
                f"{getattr(second, name)}"
            )
    if not isinstance(error, Real) or not 0 < error < 1:
        raise AnalyticError(f"expected error to lie between 0 and 1, got {error!r}")
