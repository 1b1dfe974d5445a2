"""A graph and the network are the same polynomial: all their coefficients are equal."""

from collections.abc import Iterator, Sequence

import numpy as np

from ..balls import Array
from ..layers import Layer
from ..read import Files
from ..verdicts import need
from .kind import Kind

AT_A_TIME = 1000


def verify(files: Files, graph: str) -> None:
    """Compare the doubled forms of each layer modulo primes."""
    for number, pair in enumerate(files.layers(graph), start=1):
        # 1. Layer by layer: both take x̃ to the same x̃ if the forms of their outputs are the same.
        need(pair[0].linear.shape == pair[1].linear.shape, f"layer {number} has another size")
        # 2. Over the power of two that all coefficients share, their differences are integers.
        # 3. An integer that all primes divide is 0, if it is less than their product.
        for prime in primes(bits(pair)):
            forms = zip(*(modular_forms(layer, prime) for layer in pair), strict=True)
            for output, (mine, its) in enumerate(forms, start=1):
                where = np.argwhere(reduced(mine - its, prime))[:1].tolist()
                need(not where, f"layer {number}, output {output}: coefficient {where} differs")


def modular_forms(layer: Layer, prime: int) -> Iterator[Array]:
    """Yield the doubled symmetric matrix of every output but the constant, modulo a prime."""

    def residues(array: Array) -> Array:
        # Floats are integers of 53 bits times powers of two.
        mantissas, exponents = np.frexp(array)
        powers, places = np.unique(exponents - 53, return_inverse=True)
        table = np.array([pow(2, int(power), prime) for power in powers], dtype=np.int64)
        whole = (mantissas * 2.0**53).astype(np.int64) % prime
        return reduced((whole * table[places].reshape(array.shape)).astype(np.float64), prime)

    left, right, low, down, linear = map(residues, layer)
    lefts, rights = reduced(left + low, prime), reduced(right + low, prime)
    for weights, added in zip(down[1:], linear[1:], strict=True):
        weighed, total = reduced(rights * weights[:, None], prime), np.zeros((len(added),) * 2)
        # A sum of 1000 products of residues, all up to 2²¹ + 2, is exact, as it is below 2⁵².
        for start in range(0, len(lefts), AT_A_TIME):
            part = slice(start, start + AT_A_TIME)
            total = reduced(total + lefts[part].T @ weighed[part], prime)
        total[0] += added
        yield reduced(total + total.T, prime)


def reduced(integers: Array, prime: int) -> Array:
    """Return what is left of integers up to 2⁵² modulo a prime, from -p/2 - 2 to p/2 + 2.

    The quotient is off by less than 2⁻¹⁰ before it is rounded to an integer; the rest is exact.
    """
    return np.asarray(integers - prime * np.rint(integers / prime))


def primes(least: int) -> Iterator[int]:
    """Yield primes between 2²¹ and 2²² whose product has more bits than the least."""
    numbers = range(2**22 - 1, 2**21, -2)
    found = (n for n in numbers if all(n % divisor for divisor in range(3, 2048, 2)))
    for _ in range(least // 21 + 1):
        yield next(found)


def bits(layers: Sequence[Layer]) -> int:
    """Bound the bits of any difference of coefficients, over the power of two that all share.

    A coefficient sums products of three numbers, each an integer below 2^span times the least
    power: 2 · 2 · (h + 1) · 4 of them, doubled, with low parts beside readings, in two layers.
    """
    arrays = [array for layer in layers for array in layer]
    mantissas, exponents = np.frexp(np.concatenate([array[array != 0] for array in arrays]))
    whole = (mantissas * 2.0**53).astype(np.int64)
    lowest = exponents - 54 + np.frexp((whole & -whole).astype(np.float64))[1]
    span = int(exponents.max(initial=0)) - int(lowest.min(initial=0))
    return 3 * span + 6 + max(len(layer.left) for layer in layers).bit_length()


KIND = Kind(
    "same polynomial",
    "exact",
    "polarisation",
    "The {graph} graph and the network are the same polynomial, coefficient by coefficient in "
    "every layer: they agree for every real input.",
    verify,
)
