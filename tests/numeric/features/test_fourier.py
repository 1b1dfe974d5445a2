"""The frequency that a reading is made of, and the share that this explains."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numeric import NumericError
from numeric.features.fourier import Mode, fourier_modes

Doubles = npt.NDArray[np.float64]


def waves(modulus: int, frequency: int) -> Doubles:
    """Return the cosine and the sine of a frequency."""
    angles = 2 * np.pi * frequency * np.arange(modulus) / modulus
    return np.array([np.cos(angles), np.sin(angles)])


def shares_of(reading: Doubles, modulus: int) -> list[float]:
    """Return the share of each frequency: what is left after the best fit of its waves."""
    tables = reading.reshape(-1, modulus)
    found = []
    for frequency in range(modulus // 2 + 1):
        fit = waves(modulus, frequency).T @ np.linalg.pinv(waves(modulus, frequency).T, rcond=1e-9)
        found.append(1 - ((tables - tables @ fit.T) ** 2).sum() / (tables**2).sum())
    return found


@pytest.mark.props
@given(
    modulus=st.integers(1, 12),
    tables=st.integers(1, 3),
    seed=st.integers(0, 99),
    size=st.sampled_from([1e-200, 1.0, 1e200]),
)
def test_the_share_is_that_of_the_best_fit_of_a_wave(
    modulus: int, tables: int, seed: int, size: float
) -> None:
    reading = np.random.default_rng(seed).normal(size=tables * modulus)
    (found,) = fourier_modes(size * reading[None], modulus)
    shares = shares_of(reading, modulus)
    assert sum(shares) == pytest.approx(1)
    assert found.share == pytest.approx(max(shares))
    assert shares[found.frequency] == pytest.approx(max(shares))


@pytest.mark.parametrize("modulus", [2, 5, 8, 59])
def test_a_wave_is_of_its_frequency_in_whatever_phase(modulus: int) -> None:
    draw = np.random.default_rng(modulus)
    for frequency in range(modulus):
        rows = draw.normal(size=(3, 2, 2)) @ waves(modulus, frequency)
        folded = min(frequency, modulus - frequency)
        for mode in fourier_modes(rows.reshape(3, -1), modulus):
            assert mode == Mode(folded, pytest.approx(1.0))


def test_waves_of_two_frequencies_share_by_their_squares() -> None:
    reading = 3 * waves(7, 1)[0] + 4 * waves(7, 2)[1]
    assert fourier_modes(reading[None], 7) == [Mode(2, 0.64)]


def test_a_reading_that_is_nothing_is_of_no_share() -> None:
    assert fourier_modes(np.zeros((1, 6)), 3) == [Mode(0, 0.0)]
    assert fourier_modes(np.zeros((0, 6)), 3) == []


@pytest.mark.parametrize(
    ("readings", "modulus", "message"),
    [
        (np.zeros((2, 7)), 3, r"rows of tables of 3 numbers, got shape \(2, 7\)"),
        (np.zeros(6), 3, r"rows of tables of 3 numbers, got shape \(6,\)"),
        (np.zeros((2, 6)), 0, "rows of tables of 0 numbers"),
        (np.full((1, 3), np.nan), 3, "finite, got NaN"),
    ],
)
def test_what_is_no_table_is_refused(readings: Any, modulus: int, message: str) -> None:
    with pytest.raises(NumericError, match=message):
        fourier_modes(readings, modulus)
