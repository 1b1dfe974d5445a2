"""A stack of layers on one scale each, and the primes that its outputs need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analytic.algebras import Algebra
from analytic.dyadic import Dyadic, Integers, magnitude, widen
from analytic.layers import ExactLayer, ResidueLayer
from analytic.progress import watched
from analytic.residues import Residues, primes_beyond, recovered, residues


@dataclass(frozen=True)
class ScaledStack:
    """Layers together with the power of two over which each reads its integers.

    Attributes:
        layers: the stack.
        scales: for each layer the exponent of its inputs, then that of the outputs.
        sizes: a bound on the numerators of each output.
    """

    layers: tuple[ExactLayer, ...]
    scales: tuple[int, ...]
    sizes: Integers

    @classmethod
    def reading(
        cls, layers: Sequence[ExactLayer], sizes: Integers, exponent: int = 0
    ) -> ScaledStack:
        """Follow numerators of bounded size over ``2**exponent`` through the layers.

        Args:
            layers: the stack.
            sizes: for each input of the first layer, the constant included, a bound on its
                numerators: Python integers.
            exponent: the power of two over which they stand.
        """
        scales = [exponent]
        for layer in layers:
            sizes = layer.sizes(sizes, scales[-1])
            scales.append(layer.scales(scales[-1])[0])
        return cls(tuple(layers), tuple(scales), sizes)

    @property
    def inputs(self) -> int:
        """The number of inputs, the constant left out."""
        return self.layers[0].inputs - 1

    @property
    def degree(self) -> int:
        """The degree that the shape allows; weights may lower it."""
        return int(2 ** sum(layer.neurons > 0 for layer in self.layers))

    @property
    def exponent(self) -> int:
        """The exponent of the outputs."""
        return self.scales[-1]

    @property
    def primes(self) -> list[int]:
        """Enough primes to know every output by its residues."""
        return primes_beyond(magnitude(self.sizes))

    def modulo(self, prime: int) -> list[ResidueLayer]:
        """Return the layers modulo a prime."""
        return [
            layer.modulo(scale, prime)
            for layer, scale in zip(self.layers, self.scales, strict=False)
        ]


def run(layers: Sequence[ExactLayer], columns: Integers, exponent: int, algebra: Algebra) -> Dyadic:
    """Run columns through a stack, modulo as many primes as the size of its outputs asks for.

    Args:
        layers: the stack.
        columns: integers over ``2**exponent``, a row for each component that the stack reads.
        exponent: the power of two over which they stand.
        algebra: what the columns stand for.

    Returns:
        What the last layer writes, a row for each component.
    """
    used = np.asarray(columns.any(axis=1), dtype=bool)
    columns = columns[used]
    sizes = algebra.sizes(np.abs(widen(columns)))
    stack = ScaledStack.reading([layers[0].reading_only(used), *layers[1:]], sizes, exponent)
    primes = stack.primes
    images = [_image(stack, columns, prime, algebra) for prime in watched(primes, "evaluating")]
    return Dyadic(recovered(images, primes), stack.exponent)


def _image(stack: ScaledStack, columns: Integers, prime: int, algebra: Algebra) -> Residues:
    """Return what the last layer writes modulo a prime."""
    layers = stack.modulo(prime)
    parts = [through(layers, residues(chunk, prime), algebra) for chunk in algebra.chunks(columns)]
    return np.concatenate(parts, axis=1)


def through(layers: Sequence[ResidueLayer], values: Residues, algebra: Algebra) -> Residues:
    """Return what the last layer writes for columns of residues."""
    for layer in layers:
        values = layer.mix(algebra.multiply(*layer.read(values), layer.prime), values)
    return values
