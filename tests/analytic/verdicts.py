"""What the oracle says about two stacks, and pairs of stacks to ask it about."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from analytic import Comparison, ExactNetwork, same_polynomial
from analytic.identity_test import PointDifference
from analytic.layer_equality import CoefficientDifference
from tests import oracles
from tests.analytic.rewrites import (
    BETWEEN_LAYERS,
    NAMES,
    WITHIN_LAYERS,
    Layers,
    with_biases_in_the_linear_part,
    with_entry,
    with_the_linear_part_in_neurons,
)
from tests.strategies import few, stacks

BY_LAYERS = "every layer has the same coefficients"
BY_GAUGE = "every layer has the same coefficients after a change of basis"
BY_EXPANSION = "all coefficients of the expanded polynomials"
BY_POINT = "an input on which they differ"
BY_TEST = "a test at random points modulo random primes, which is no proof"


def are_same(first: Layers, second: Layers) -> bool:
    """Return whether all outputs have the same expansion, once the oracles agree on that."""
    same = oracles.expansion(first) == oracles.expansion(second)
    assert same == (oracles.flint_expansion(first) == oracles.flint_expansion(second))
    return same


def compared(first: Layers, second: Layers, **options: Any) -> Comparison:
    """Compare two stacks, and hold verdict and witness against the oracles."""
    found = same_polynomial(ExactNetwork(first), ExactNetwork(second), **options)
    assert found.same == are_same(first, second)
    check_witness(found, first, second)
    return found


def check_witness(found: Comparison, first: Layers, second: Layers) -> None:
    if found.same:
        assert (found.point, found.coefficient) == (None, None)
        return
    if found.point is not None:
        check_point(found.point, first, second)
    if found.coefficient is not None:
        check_coefficient(found.coefficient, first, second)


def check_point(found: PointDifference, first: Layers, second: Layers) -> None:
    assert found.first != found.second
    for layers, value in ((first, found.first), (second, found.second)):
        assert oracles.value(layers, found.point)[found.output] == value


def check_coefficient(found: CoefficientDifference, first: Layers, second: Layers) -> None:
    assert found.first != found.second
    components = len(oracles.matrix(first[found.layer - 1][3])[0])
    constant = constant_passes(first, second, found.layer)
    # A constant component is 1, so that it leaves no trace in a monomial.
    powers = {
        index: found.monomial.count(index) for index in found.monomial if index or not constant
    }
    for layers, value in ((first, found.first), (second, found.second)):
        polynomials = oracles.layer_expansion(layers[found.layer - 1], constant=constant)
        assert polynomials[found.output].get(oracles.exponents(powers, components), 0) == value


def constant_passes(first: Layers, second: Layers, number: int) -> bool:
    """Return whether the linear parts alone hand on the constant to a layer of both stacks."""
    below = [*first[: number - 1], *second[: number - 1]]
    return all(
        oracles.matrix(linear)[0] == [1] + [0] * (len(oracles.matrix(linear)[0]) - 1)
        and not any(oracles.matrix(down)[0])
        for _, _, down, linear in below
    )


def differing_layer(first: Layers, second: Layers) -> tuple[int, int] | None:
    """Return the first layer and the first of its outputs that differ as polynomials."""
    for number, pair in enumerate(zip(first, second, strict=True), start=1):
        constant = constant_passes(first, second, number)
        one, other = (oracles.layer_expansion(layer, constant=constant) for layer in pair)
        for output in range(int(number == len(first)), len(one)):
            if one[output] != other[output]:
                return number, output
    return None


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Layers, Layers]:
    """Pairs of small stacks with as many inputs and outputs, about half of them the same."""
    first = draw(stacks(elements=few))
    kind = draw(st.sampled_from(["another", "one entry", "one entry", "rewrite", "both"]))
    if kind == "another":
        ends = {"inputs": first[0].linear.shape[1] - 1, "outputs": len(first[-1].linear) - 1}
        return first, draw(stacks(elements=few, **ends))
    second: Layers = first
    if kind in ("one entry", "both"):
        number = draw(st.integers(1, len(first)))
        names = [name for name in NAMES if getattr(first[number - 1], name).size]
        name = draw(st.sampled_from(names))
        index = draw(st.sampled_from(list(np.ndindex(getattr(first[number - 1], name).shape))))
        second = with_entry(first, number, name, index, draw(few()))
    if kind in ("rewrite", "both"):
        needing_a_constant = with_biases_in_the_linear_part, with_the_linear_part_in_neurons
        rewrites = [*(f for f in WITHIN_LAYERS if f not in needing_a_constant), *BETWEEN_LAYERS]
        second = draw(st.sampled_from(rewrites))(second)
    return first, second
