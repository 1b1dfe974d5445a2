"""A graph and the network are the same polynomial: all their coefficients are equal."""

from collections.abc import Iterator, Sequence

import numpy as np

from ..balls import Array
from ..layers import Layer
from ..read import Files
from ..residues import primes, reduced, residues
from ..verdicts import need
from .kind import Kind


def verify(files: Files, graph: str) -> None:
    """Compare the doubled forms of each layer modulo primes."""
    for number, pair in enumerate(files.layers(graph), start=1):
        # 1. Layer by layer: both take x̃ to the same x̃ if the forms of their outputs are the same.
        need(pair[0].linear.shape == pair[1].linear.shape, f"layer {number} has another size")
        # 2. Over the power of two that all coefficients share, their differences are integers.
        # 3. An integer that all primes divide is 0, if it is less than their product.
        for prime in primes(bits(pair)):
            for output, (read, form) in enumerate(modular_forms(pair, prime), start=1):
                where = read[np.argwhere(form)[0]].tolist() if form.any() else []
                need(not where, f"layer {number}, output {output}: coefficient {where} differs")


def modular_forms(pair: tuple[Layer, Layer], prime: int) -> Iterator[tuple[Array, Array]]:
    """Yield the doubled forms of all outputs but the constant, the first layer's less the other's.

    They are integers over a power of two, modulo a prime; for each, which inputs are read, and the
    form in those: all its other entries are 0.
    """
    one, other = (Layer(*(residues(array, prime) for array in layer)) for layer in pair)
    lefts = reduced(np.concatenate([one.left + one.low, other.left + other.low]), prime)
    rights = reduced(np.concatenate([one.right + one.low, other.right + other.low]), prime)
    downs = np.concatenate([one.down, -other.down], axis=1)
    parts = [
        (rows, inputs, lefts[np.ix_(rows, inputs)].T, rights[np.ix_(rows, inputs)])
        for rows, inputs in _parts((lefts != 0) | (rights != 0))
    ]
    for weights, added in zip(downs[1:], (one.linear - other.linear)[1:], strict=True):
        used = [part for part in parts if weights[part[0]].any()]
        read = added != 0
        read[0] = True  # the constant, which the linear part is a product with
        for _, inputs, _, _ in used:
            read[inputs] = True
        places, total = np.cumsum(read) - 1, np.zeros((int(read.sum()),) * 2)
        products = np.zeros(len(total))
        for rows, inputs, left, right in used:
            some = places[inputs]
            # A sum of 1000 products of residues, all up to 2²¹ + 2, and of what is reduced, is
            # exact, as it is below 2⁵².
            products[some] += len(rows)
            if products.max() > 1000:
                total, products[:] = reduced(total, prime), len(rows)
            total[np.ix_(some, some)] += left @ reduced(right * weights[rows, None], prime)
        total = reduced(total, prime)
        total[0] += added[read]
        yield np.flatnonzero(read), reduced(total + total.T, prime)


def _parts(read: Array) -> Iterator[tuple[Array, Array]]:
    """Split readings in parts of up to 999, of 100 where most inputs are not read by each.

    Each comes with the inputs that any of it reads. Readings of neighbours come together.
    """
    # By the first input that is read: the constant, which most read, says nothing of neighbours.
    order = read[:, 1:].argmax(axis=1).argsort(kind="stable")
    size = 100 if 4 * read.sum() < read.size else 999
    for start in range(0, len(order), size):
        rows = order[start : start + size]
        yield rows, np.flatnonzero(read[rows].any(axis=0))


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
