"""Matrix products modulo primes, and integers recovered from them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from analytic import AnalyticError
from analytic import residues as module
from analytic.residues import all_primes, centred, primes_beyond, product, recovered, residues

LARGEST = 4_194_301
SMALLEST = 2_097_169
INNER = (1, 2, 1023, 1024, 1025, 2048, 2049, 2500)

integers = st.integers(-(2**400), 2**400)


def through_residues(values: npt.NDArray[Any], primes: list[int]) -> list[Any]:
    result: list[Any] = recovered([residues(values, prime) for prime in primes], primes).tolist()
    return result


# Primes


def test_the_primes_are_distinct_primes_of_22_bits_from_the_largest_down() -> None:
    primes = primes_beyond(2**2000)
    assert primes == sorted(set(primes), reverse=True)
    assert all(2**21 < prime < 2**22 and sympy.isprime(prime) for prime in primes)
    assert primes[0] == LARGEST == sympy.prevprime(2**22)


def test_the_smallest_prime_is_the_first_beyond_21_bits() -> None:
    assert all_primes()[-1] == SMALLEST == sympy.nextprime(2**21)
    assert len(all_primes()) == sympy.primepi(2**22) - sympy.primepi(2**21)


@pytest.mark.parametrize(
    ("bound", "count"),
    [(0, 1), (1, 1), (LARGEST // 2, 1), (LARGEST // 2 + 1, 2), (2**63, 3), (2**1000, 46)],
)
def test_there_are_as_many_primes_as_the_bound_asks_for(bound: int, count: int) -> None:
    assert len(primes_beyond(bound)) == count


def test_a_bound_that_outgrows_all_primes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "all_primes", lambda: np.array([LARGEST, SMALLEST, 2_097_211]))
    assert primes_beyond(2**40) == [LARGEST, SMALLEST]
    message = r"expected integers below 2\^62, got a bound of 2\^100: the exponents of the weights"
    with pytest.raises(AnalyticError, match=message):
        primes_beyond(2**99)


def test_all_primes_together_know_integers_of_three_million_bits() -> None:
    message = r"expected integers below 2\^3024740, got a bound of 2\^100000001: "
    with pytest.raises(AnalyticError, match=message):
        primes_beyond(2**100_000_000)


@pytest.mark.props
@given(st.integers(0, 2**3000))
def test_the_primes_exceed_twice_the_bound_and_one_fewer_would_not(bound: int) -> None:
    primes = primes_beyond(bound)
    assert math.prod(primes) > 2 * bound
    assert len(primes) == 1 or math.prod(primes[:-1]) <= 2 * bound


# Residues


@pytest.mark.parametrize("prime", [LARGEST, SMALLEST])
def test_residues_are_centred(prime: int) -> None:
    half = prime // 2
    values = np.array([0, half, half + 1, -half, -half - 1, prime, 10 * prime + 3])
    expected = [0, half, -half, -half, half, 0, 3]
    assert residues(values, prime).tolist() == expected
    assert residues(values.astype(object) + prime * 2**300, prime).tolist() == expected


@pytest.mark.parametrize("prime", [LARGEST, SMALLEST])
def test_reduction_is_right_at_the_ends_of_its_range(prime: int) -> None:
    near = np.arange(1000, dtype=np.int64)
    values = np.concatenate([2**52 - near, near - 2**52])
    reduced = centred(values.astype(np.float64), prime)
    assert not ((values - reduced.astype(np.int64)) % prime).any()
    assert np.abs(reduced).max() <= 2**21


def test_reduction_happens_in_place() -> None:
    values = np.array([float(LARGEST)])
    assert centred(values, LARGEST) is values
    assert values.tolist() == [0]


@pytest.mark.props
@given(st.lists(st.integers(-(2**52), 2**52), min_size=1), st.sampled_from([LARGEST, SMALLEST]))
def test_reduction_keeps_the_class_and_leaves_a_small_integer(
    values: list[int], prime: int
) -> None:
    reduced = centred(np.array(values, dtype=np.float64), prime).tolist()
    for before, after in zip(values, reduced, strict=True):
        assert after == int(after)
        assert (before - int(after)) % prime == 0
        assert abs(after) <= 2**21


# Products


def exact_product(left: npt.NDArray[Any], right: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.asarray(left.astype(np.int64).astype(object) @ right.astype(np.int64).astype(object))


@pytest.mark.parametrize("prime", [LARGEST, SMALLEST])
@pytest.mark.parametrize("inner", INNER)
@pytest.mark.parametrize("signs", [(1, 1), (1, -1)])
def test_a_product_of_the_largest_residues_is_exact(
    prime: int, inner: int, signs: tuple[int, int]
) -> None:
    left = np.full((2, inner), float(signs[0] * (prime // 2)))
    right = np.full((inner, 3), float(signs[1] * (prime // 2)))
    found = product(left, right, prime)
    assert not ((found.astype(np.int64) - exact_product(left, right)) % prime).any()
    assert np.abs(found).max() <= 2**21


@pytest.mark.parametrize("inner", INNER)
def test_a_product_of_any_residues_is_exact(inner: int) -> None:
    generator = np.random.default_rng(inner)
    half = LARGEST // 2
    left = generator.integers(-half, half + 1, size=(3, inner)).astype(np.float64)
    right = generator.integers(-half, half + 1, size=(inner, 2)).astype(np.float64)
    found = product(left, right, LARGEST).astype(np.int64)
    assert not ((found - exact_product(left, right)) % LARGEST).any()


def test_an_empty_product_is_0() -> None:
    assert product(np.zeros((2, 0)), np.zeros((0, 3)), LARGEST).tolist() == [[0] * 3] * 2


def test_a_product_leaves_its_factors_as_they_are() -> None:
    left, right = np.full((1, 1025), 2.0**20), np.full((1025, 1), 2.0**20)
    product(left, right, LARGEST)
    assert (left == 2.0**20).all()
    assert (right == 2.0**20).all()


# Recovery


@pytest.mark.parametrize("bound", [1, 2**21, 2**62, 10**30, 2**1000])
@pytest.mark.parametrize("sign", [1, -1])
def test_an_integer_at_the_bound_is_recovered(bound: int, sign: int) -> None:
    values = np.array([sign * bound, 0, sign * (bound - 1)], dtype=object)
    assert through_residues(values, primes_beyond(bound)) == values.tolist()


@pytest.mark.parametrize("bound", [2**22, 2**62, 10**30, 2**1000])
@pytest.mark.parametrize("sign", [1, -1])
def test_one_prime_too_few_gives_another_integer(bound: int, sign: int) -> None:
    values = np.array([sign * bound], dtype=object)
    assert through_residues(values, primes_beyond(bound)[:-1]) != values.tolist()


def test_the_whole_range_of_the_modulus_is_recovered() -> None:
    primes = [LARGEST, SMALLEST]
    half = LARGEST * SMALLEST // 2
    values = np.array([half, -half, half - 1, 1 - half], dtype=object)
    assert through_residues(values, primes) == values.tolist()
    assert through_residues(values[:1] + 1, primes) == [-half]


@pytest.mark.parametrize("count", [1, 2, 3, 126, 127, 128, 129, 1500])
def test_any_number_of_primes_recovers_all_of_its_range(count: int) -> None:
    primes = [int(prime) for prime in all_primes()[:count]]
    half = math.prod(primes) // 2
    near = [0, 1, 2**21, 2**40, half // 3]
    values = [sign * value for rest in near for value in (rest, half - rest) for sign in (1, -1)]
    within = [value for value in values if abs(value) <= half]
    assert through_residues(np.array(within, dtype=object), primes) == within


@pytest.mark.parametrize("sums", [2**53, 2**46, 2**38])
@pytest.mark.parametrize("count", [1, 2, 50])
def test_limbs_of_any_width_make_the_same_integers(
    sums: int, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_EXACT_FLOATS", sums)
    test_any_number_of_primes_recovers_all_of_its_range(count)


@pytest.mark.parametrize("shape", [(0,), (3, 0), (2, 3), (2, 1, 2)])
def test_integers_come_back_in_their_shape(shape: tuple[int, ...]) -> None:
    values = np.arange(math.prod(shape)).reshape(shape) - 3
    for primes in ([LARGEST], [LARGEST, SMALLEST]):
        found = recovered([residues(values, prime) for prime in primes], primes)
        assert found.shape == shape
        assert found.tolist() == values.tolist()


def test_more_integers_than_fit_one_chunk_are_recovered() -> None:
    values = np.arange(2**16 + 3) * 10**9 - 3 * 10**13
    primes = primes_beyond(10**14)
    found = recovered([residues(values, prime) for prime in primes], primes)
    assert found.astype(np.int64).tolist() == values.tolist()


def test_as_many_images_as_primes_are_asked_for() -> None:
    with pytest.raises(ValueError, match="zip"):
        recovered([np.zeros(1)], [LARGEST, SMALLEST])


@pytest.mark.props
@given(st.lists(integers, min_size=1, max_size=5))
def test_every_integer_is_recovered_from_its_residues(values: list[int]) -> None:
    primes = primes_beyond(max(map(abs, values)))
    assert through_residues(np.array(values, dtype=object), primes) == values


@pytest.mark.props
@given(st.data(), st.integers(1, 4), st.integers(1, 4))
def test_a_matrix_product_is_recovered_exactly(data: st.DataObject, rows: int, inner: int) -> None:
    left, right = (
        np.array(
            data.draw(st.lists(integers, min_size=a * b, max_size=a * b)), dtype=object
        ).reshape(a, b)
        for a, b in ((rows, inner), (inner, 2))
    )
    primes = primes_beyond(inner * 2**800)
    images = [product(residues(left, prime), residues(right, prime), prime) for prime in primes]
    assert recovered(images, primes).tolist() == (left @ right).tolist()
