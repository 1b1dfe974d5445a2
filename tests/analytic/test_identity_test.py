"""The test at random points modulo random primes."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytic import AnalyticError, ExactNetwork
from analytic.identity_test import PointDifference, identity_test
from analytic.residues import all_primes
from numeric import BilinearNetwork, Layer
from tests.analytic.rewrites import Layers, replaced, round_layers, swapped, with_entry
from tests.analytic.verdicts import are_same, check_point, pairs


class Recorder:
    """A generator that remembers the primes it drew, and may be told which to draw."""

    def __init__(self, *primes: int) -> None:
        self.source = np.random.default_rng(0)
        self.told = primes
        self.primes: list[int] = []

    def choice(self, primes: Any, rounds: int) -> Any:
        drawn = np.array((self.told * rounds)[:rounds]) if self.told else None
        drawn = self.source.choice(primes, rounds) if drawn is None else drawn
        self.primes += drawn.tolist()
        return drawn

    def integers(self, *bounds: Any, **shape: Any) -> Any:
        return self.source.integers(*bounds, **shape)


def outcome(
    first: Layers, second: Layers, error: float = 1e-30, generator: Any = None
) -> PointDifference | float:
    networks = ExactNetwork(first), ExactNetwork(second)
    return identity_test(*networks, error, generator or np.random.default_rng(0))


def monomial(coefficient: int) -> list[Any]:
    """Return ``coefficient · x²``, in as many floats as it takes."""
    shifts = range(0, max(coefficient.bit_length(), 1), 53)
    pieces = [(coefficient >> shift) % 2**53 for shift in shifts]
    down = tuple(
        np.array([[0.0], [math.ldexp(piece, 53 * index)]]) for index, piece in enumerate(pieces)
    )
    reading = np.array([[0.0, 1.0]])
    return [(reading, reading, down, np.array([[1.0, 0.0], [0.0, 0.0]]))]


# Equal networks


@pytest.mark.parametrize("error", [0.5, 1e-3, 1e-30, 1e-200, 5e-324])
def test_equal_networks_pass_with_at_most_the_error_asked_for(error: float) -> None:
    layers = round_layers()
    found = outcome(layers, swapped(layers), error)
    assert isinstance(found, float)
    assert 0 < found <= error


def test_a_smaller_error_takes_more_rounds() -> None:
    layers = round_layers()
    rounds = []
    for error in (1e-2, 1e-10, 1e-20, 1e-40):
        generator = Recorder()
        outcome(layers, layers, error, generator)
        rounds.append(len(generator.primes))
    assert rounds == sorted(rounds)
    assert rounds[-1] > rounds[0] >= 1


def test_the_chance_of_a_round_is_at_least_the_share_of_primes_that_hide_a_difference() -> None:
    # The smallest primes are those of which most divide a number of a given size.
    hiding = [int(prime) for prime in all_primes()[-40:]]
    for error in (0.5, 1e-20):
        generator = Recorder(*hiding)
        found = outcome(monomial(math.prod(hiding)), monomial(0), error, generator)
        assert isinstance(found, float)
        assert found >= (len(hiding) / len(all_primes())) ** len(generator.primes)


def test_the_chance_counts_no_more_primes_than_the_size_allows() -> None:
    generator = Recorder()
    found = outcome(monomial(2**860 - 1), monomial(2**860 - 1), 1e-9, generator)
    assert isinstance(found, float)
    assert found <= (861 / 21 / len(all_primes())) ** len(generator.primes) * 1.001


def test_networks_of_zeros_pass() -> None:
    found = outcome(monomial(0), monomial(0))
    assert isinstance(found, float)
    assert 0 < found <= 1e-30


# Different networks


def test_any_prime_that_hides_nothing_shows_the_difference() -> None:
    hidden, showing = (int(prime) for prime in all_primes()[:2])
    found = outcome(monomial(hidden), monomial(0), 1e-20, Recorder(hidden, hidden, showing))
    assert isinstance(found, PointDifference)
    assert (found.first, found.second) == (hidden * found.point[0] ** 2, 0)


def test_a_difference_of_one_ulp_a_sign_or_a_half_is_met() -> None:
    layers = round_layers()
    weight = layers[0].left[1, 1]
    for other in (
        with_entry(layers, 1, "left", (1, 1), np.nextafter(weight, 9)),
        with_entry(layers, 1, "left", (1, 1), -weight),
        replaced(layers, 2, down=layers[1].down / 2),
    ):
        found = outcome(layers, other)
        assert isinstance(found, PointDifference)
        check_point(found, layers, other)


def test_networks_over_different_powers_of_two_are_compared_over_one() -> None:
    layers = round_layers()
    for power in (-1000, 900):
        scaled = replaced(
            layers, 2, down=layers[1].down * 2.0**power, linear=layers[1].linear * 2.0**power
        )
        found = outcome(layers, scaled)
        assert isinstance(found, PointDifference)
        check_point(found, layers, scaled)
        moved = replaced(layers, 2, left=layers[1].left * 2.0**power)
        back = replaced(moved, 2, down=layers[1].down * 2.0**-power)
        assert isinstance(outcome(layers, back), float)


@pytest.mark.props
@given(pairs(), st.integers(0, 2**32))
def test_the_outcome_is_the_one_of_the_oracle(pair: tuple[Layers, Layers], seed: int) -> None:
    found = outcome(*pair, 1e-9, np.random.default_rng(seed))
    assert isinstance(found, float) is are_same(*pair)
    if isinstance(found, PointDifference):
        check_point(found, *pair)
    else:
        assert 0 < found <= 1e-9


# Draws


def test_a_seed_draws_the_same_points_again() -> None:
    layers = round_layers()
    other = with_entry(layers, 2, "linear", (2, 1), 9.0)
    found = [outcome(layers, other, 1e-9, np.random.default_rng(seed)) for seed in (3, 3, 4)]
    assert found[0] == found[1] != found[2]


def test_points_are_centred_residues() -> None:
    layers = round_layers()
    other = with_entry(layers, 2, "linear", (2, 1), 9.0)
    entries = []
    for seed in range(20):
        found = outcome(layers, other, 1e-9, np.random.default_rng(seed))
        assert isinstance(found, PointDifference)
        assert all(type(entry) is int for entry in found.point)
        assert isinstance(found.first, Fraction)
        entries += found.point
    assert max(map(abs, entries)) < 2**21
    assert min(entries) < -(2**20) < 2**20 < max(entries)


# What cannot be tested


def repeated(layer: Layer, depth: int) -> ExactNetwork:
    return ExactNetwork([layer] * depth)


def test_weights_of_too_many_bits_are_refused() -> None:
    largest, least = np.finfo(np.float64).max, np.finfo(np.float64).smallest_subnormal
    row = np.array([[least, largest]])
    network = repeated(Layer(row, row, np.array([[0.0], [1.0]]), np.eye(2)), 10)
    message = r"coefficients have less than [\d,]+ bits, got degree 1,024 and [\d,]+ bits"
    with pytest.raises(AnalyticError, match=message):
        identity_test(network, network, 1e-9, np.random.default_rng(0))


@pytest.mark.parametrize("depth", [22, 1100])
def test_degrees_beyond_the_primes_are_refused(depth: int) -> None:
    reading = np.array([[0.0, 1.0]])
    network = repeated(Layer(reading, reading, reading.T, np.diag([1.0, 0.0])), depth)
    message = "expected networks of degrees below 2,097,169 .* got degree [0-9,]+ and 2 bits"
    with pytest.raises(AnalyticError, match=message):
        identity_test(network, network, 1e-9, np.random.default_rng(0))


def test_a_network_of_mnist_size_is_tested() -> None:
    layers = BilinearNetwork(784, 10, depth=2, width=12, hidden=24, residual=True).layers()
    found = outcome(layers, swapped(layers))
    assert isinstance(found, float)
    assert 0 < found <= 1e-30
