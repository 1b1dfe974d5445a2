"""What every exact answer must notice, and the one change that none may notice.

An answer that stayed the same under a damaged network would prove nothing about the network.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from analytic import (
    ExactNetwork,
    class_regions,
    expansion,
    layers_difference,
    real_roots,
    same_polynomial,
    stack,
)
from analytic.dyadic import Dyadic
from analytic.gauge import same_up_to_gauge
from analytic.identity_test import identity_test
from analytic.residues import primes_beyond
from numeric import Layer
from tests.analytic.rewrites import (
    NAMES,
    Array,
    Layers,
    Rewrite,
    in_bases,
    sheared,
    swapped,
    swapped_in_one_layer,
    with_entry,
)

Question = Callable[[ExactNetwork], Any]

POINT, OTHER = np.array([0.5, -1.25, 2.0]), np.array([-3.0, 1.5, 0.75])
PLANE = (np.array([[1.0, 0.5, -2.0], [0.0, 3.0, 1.0]]), np.full((2, 3), 2.0**-60))


def full_layers() -> list[Layer]:
    """Return two layers on which every answer depends on every weight: none of them is 0."""
    draw = np.random.default_rng(9)

    def weights(*shape: int) -> Array:
        return draw.integers(1, 8, shape) * draw.choice([-1, 1], shape) / 8

    layers = []
    for below, above in ((3, 3), (3, 2)):
        down, linear = weights(above + 1, 4), weights(above + 1, below + 1)
        down[0], linear[0] = 0, np.eye(below + 1)[0]
        layers.append(Layer(weights(4, below + 1), weights(4, below + 1), down, linear))
    return layers


LAYERS = full_layers()
NETWORK = ExactNetwork(LAYERS)


def expanded_by_residues(network: ExactNetwork) -> Any:
    read = expansion.scaled(network.layers, range(network.outputs))
    return Dyadic(expansion.by_residues(read), read.exponent).fractions().tolist()


ANSWERS: dict[str, Question] = {
    "values": lambda network: network.evaluate(POINT[np.newaxis]).tolist(),
    "polynomials": lambda network: network.polynomials(),
    "residues": expanded_by_residues,
    "coefficients": lambda network: [
        network.coefficient(output=output, monomial=monomial)
        for output in (0, 1)
        for monomial in ({}, {0: 1}, {1: 2}, {0: 1, 2: 1}, {0: 1, 1: 1, 2: 2})
    ],
    "values of polynomials": lambda network: network.polynomial(output=1).value(POINT),
    "homogeneous parts": lambda network: network.polynomial(output=1).homogeneous_part(2),
    "roots": lambda network: real_roots(
        network.substituted(POINT, (OTHER - POINT)[np.newaxis]).polynomial(output=1)
    ),
    "restrictions": lambda network: network.restricted([0, 2], at=POINT).polynomials(),
    "substitutions": lambda network: network.substituted(POINT, PLANE).polynomials(),
    "gradients": lambda network: network.gradient(POINT).tolist(),
    "second derivatives": lambda network: [
        network.hessian(output=output, point=POINT).tolist() for output in (0, 1)
    ],
    "regions": lambda network: class_regions(network, POINT, OTHER),
}

VERDICTS: dict[str, Question] = {
    "equality": lambda network: same_polynomial(NETWORK, network).same,
    "equality of layers": lambda network: layers_difference(NETWORK, network) is None,
    "equality up to gauge": lambda network: same_up_to_gauge(NETWORK, network),
    "identity test": lambda network: isinstance(
        identity_test(NETWORK, network, 1e-9, np.random.default_rng(0)), float
    ),
}

QUESTIONS = ANSWERS | VERDICTS


def entry_of(layers: Layers, number: int, name: str) -> tuple[tuple[int, ...], float]:
    """Return an entry that every question asked here depends on, and its value."""
    index = (2, 1) if name in ("down", "linear") else (0, 2)
    return index, float(getattr(layers[number - 1], name)[index])


def one_ulp(layers: Layers, number: int, name: str) -> Layers:
    index, weight = entry_of(layers, number, name)
    return with_entry(layers, number, name, index, np.nextafter(weight, np.inf))


def one_sign(layers: Layers, number: int, name: str) -> Layers:
    index, weight = entry_of(layers, number, name)
    return with_entry(layers, number, name, index, -weight)


def one_half(layers: Layers, number: int, name: str) -> Layers:
    index, weight = entry_of(layers, number, name)
    return with_entry(layers, number, name, index, weight / 2)


@pytest.mark.parametrize("damage", [one_ulp, one_sign, one_half])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("question", QUESTIONS)
def test_every_answer_notices_a_damage(
    question: str, number: int, name: str, damage: Callable[..., Layers]
) -> None:
    damaged = damage(LAYERS, number, name)
    ask = QUESTIONS[question]
    assert ask(ExactNetwork(damaged)) != ask(NETWORK)


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("rewrite", [swapped, swapped_in_one_layer])
def test_no_answer_notices_left_and_right_swapped(question: str, rewrite: Rewrite) -> None:
    ask = QUESTIONS[question]
    assert ask(ExactNetwork(rewrite(LAYERS))) == ask(NETWORK)


@pytest.mark.parametrize("question", [name for name in QUESTIONS if name != "equality of layers"])
def test_no_answer_depends_on_the_hidden_basis(question: str) -> None:
    other = in_bases(LAYERS, lambda size: sheared(size, 1, 2, 3.0))
    ask = QUESTIONS[question]
    assert ask(ExactNetwork(other)) == ask(NETWORK)


# One prime too few

LARGE = 2.0**45 + 1.0


def steep() -> ExactNetwork:
    """Return ``(1 + 2⁴⁵)³ x²`` and 1: no bound on what it computes can be lower."""
    x, linear = np.array([[0.0, LARGE]]), np.zeros((3, 2))
    linear[0, 0] = linear[2, 0] = 1
    return ExactNetwork([(x, x, np.array([[0.0], [LARGE], [0.0]]), linear)])


def sloped() -> ExactNetwork:
    """Return ``(1 + 2⁴⁵)³ x``: at 0 its slope is as large as its bound."""
    constant, x = np.array([[LARGE, 0.0]]), np.array([[0.0, LARGE]])
    return ExactNetwork([(constant, x, np.array([[0.0], [LARGE]]), np.diag([1.0, 0.0]))])


ZERO, ONE = np.zeros(1), np.ones((1, 1))
CUBE = Fraction(LARGE) ** 3

TIGHT: dict[str, tuple[ExactNetwork, Question, Any]] = {
    "values": (steep(), lambda network: network.evaluate(ONE).tolist(), [[CUBE, 1]]),
    "coefficients": (
        steep(),
        lambda network: network.coefficient(output=0, monomial={0: 2}),
        CUBE,
    ),
    "residues": (steep(), expanded_by_residues, [[0, 0, CUBE], [1, 0, 0]]),
    "restrictions": (
        steep(),
        lambda network: network.restricted([0]).coefficient(output=0, monomial={0: 2}),
        CUBE,
    ),
    "substitutions": (
        steep(),
        lambda network: network.substituted(ZERO, ONE).evaluate(ONE).tolist(),
        [[CUBE, 1]],
    ),
    "gradients": (sloped(), lambda network: network.gradient(ZERO).tolist(), [[CUBE]]),
    "second derivatives": (
        steep(),
        lambda network: network.hessian(output=0, point=ZERO).tolist(),
        [[2 * CUBE]],
    ),
    "regions": (
        steep(),
        lambda network: class_regions(network, ZERO, ONE[0])[0].end.coefficients,
        (-1, 0, CUBE),
    ),
}


@pytest.mark.parametrize("question", TIGHT)
def test_one_prime_too_few_gives_another_answer(
    question: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # FLINT needs no primes.
    monkeypatch.setattr(expansion, "_FEW_PAIRS", -1)
    network, ask, answer = TIGHT[question]
    assert ask(network) == answer
    monkeypatch.setattr(stack, "primes_beyond", lambda bound: primes_beyond(bound)[:-1])
    assert ask(network) != answer
