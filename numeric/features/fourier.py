r"""Of which frequency readings of numbers are: what a network that adds modulo a number reads.

Theory (:func:`analytic.derivations.modular_addition`) says that its features are waves: that each
reads :math:`\cos(2\pi k a/p + \varphi)` of the numbers :math:`a`, of one frequency :math:`k`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from numeric.errors import NumericError


@dataclass(frozen=True)
class Mode:
    """The wave that a reading is most of.

    Attributes:
        frequency: how often it goes around, from 0 to half the modulus; k and p - k are one.
        share: of the reading's squared norm, from 0 to 1; of a reading that is 0, 0.
    """

    frequency: int
    share: float


def fourier_modes(readings: npt.NDArray[Any], modulus: int) -> list[Mode]:
    r"""Find the frequency that each reading is made of, and the share that this explains.

    A reading is a row of tables of :math:`p` numbers. With the discrete Fourier transform
    :math:`\hat r_k = \sum_a r_a e^{-2\pi i k a/p}` of each table, frequency :math:`k` has the share

    .. math:: \frac{|\hat r_k|^2 + |\hat r_{p-k}|^2}{p\,\|r\|^2},

    added over the tables, and by Parseval's theorem the shares sum to 1.

    Args:
        readings: shape (readings, tables · modulus), such as the directions of features without the
            constant's part, or the weights by which they are read, shape (features, classes).
        modulus: how many numbers a table has.

    Returns:
        A mode for each reading; of equal shares that of the lowest frequency.

    Raises:
        NumericError: the readings are no whole tables, or not finite.

    Examples:
        >>> a = np.arange(7)
        >>> wave = np.cos(2 * np.pi * 3 * a / 7 + 1)
        >>> fourier_modes(np.array([[*wave, *wave]]), 7)
        [Mode(frequency=3, share=1.0)]
    """
    if readings.ndim != 2 or modulus < 1 or readings.shape[1] % modulus:
        raise NumericError(
            f"expected readings to be rows of tables of {modulus} numbers, got shape "
            f"{readings.shape}"
        )
    if not np.isfinite(readings).all():
        raise NumericError("expected readings to be finite, got NaN or infinity")
    # So that squares neither overflow nor vanish.
    largest = abs(readings).max(axis=1, keepdims=True, initial=0.0)
    tables = readings / np.where(largest > 0, largest, 1)
    count, width = readings.shape
    waves = np.fft.fft(tables.reshape(count, width // modulus, modulus), axis=2)
    powers = (abs(waves) ** 2).sum(axis=1)
    folded = powers[:, : modulus // 2 + 1].copy()
    mirrored = np.arange(1, (modulus + 1) // 2)
    folded[:, mirrored] += powers[:, -mirrored]
    total = folded.sum(axis=1)
    best = folded.argmax(axis=1)
    shares = folded[np.arange(count), best] / np.where(total > 0, total, 1)
    # Rounding may leave what is all a little above 1, or off it in the last place.
    return [
        Mode(int(frequency), round(min(1.0, float(share)), 12))
        for frequency, share in zip(best, shares, strict=True)
    ]
