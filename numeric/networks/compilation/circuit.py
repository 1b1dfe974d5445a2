r"""A computation of sums and products, written down number by number.

Every number is an *atom*: the constant 1, an input, a product of two sums of atoms, or a sum that
was kept because to go on from it would have rounded. A :class:`Value` is a tensor whose entries are
sums of atoms, :math:`v_i = \sum_j C_{ij} a_j`, with weights that are the module's own floats. They
are placed, not multiplied: a map :math:`W C` of a value is formed where each of its entries is one
product with a power of two, and else the value becomes atoms of its own first.

The *level* of an atom is the number of layers that it takes. A product is one level above the
highest atom of its factors. A sum is at the level of its products, as what weighs the products of a
layer is the layer's own, and one level above all else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from numeric.arithmetic import exact_sum
from numeric.errors import NumericError

Doubles = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

CONSTANT, INPUT, SUM, PRODUCT = range(4)
"""What an atom is."""


_beyond_range = np.errstate(all="ignore")
"""Weights that would leave the range of floats are found to, and kept apart or refused."""


@dataclass(frozen=True, eq=False)
class Value:
    """A tensor whose entries are sums of atoms.

    Attributes:
        shape: of the tensor.
        weights: shape (entries, atoms that there were when it was made).
    """

    shape: tuple[int, ...]
    weights: sparse.csr_array

    def at(self, places: Integers) -> Value:
        """Return a tensor of the entries at some places; where a place is below 0, 0 stands.

        Args:
            places: indices into the entries, in the shape that the result has.
        """
        flat = places.ravel()
        taken = self.weights[np.maximum(flat, 0)]
        taken = sparse.csr_array(sparse.diags_array((flat >= 0).astype(np.float64)) @ taken)
        taken.eliminate_zeros()
        return Value(places.shape, taken)


class Circuit:
    """Atoms, each made of those before it.

    Args:
        fold: whether maps are multiplied, and rounded, in place of sums that are kept.
        most: how many atoms there may be.

    Attributes:
        kinds: what each atom is, shape (atoms,).
        levels: of the atoms, shape (atoms,).

    Examples:
        >>> circuit = Circuit()
        >>> x = circuit.inputs((2,))
        >>> square = circuit.product(x, x)
        >>> circuit.levels.tolist()
        [0, 0, 0, 1, 1]
    """

    def __init__(self, *, fold: bool = False, most: int = 10**8) -> None:
        self._most = most
        self.kinds = np.array([CONSTANT])
        self.levels = np.array([0])
        self._fold = fold
        self._kept: dict[tuple[bytes, bytes], int] = {}
        self._blocks: list[tuple[int, tuple[sparse.csr_array, ...]]] = []

    def inputs(self, shape: tuple[int, ...]) -> Value:
        """Add inputs, and return them as a tensor."""
        return self._added(INPUT, np.zeros(int(np.prod(shape)), dtype=np.int64), shape)

    def check_size(self, count: int) -> None:
        """Refuse tensors of more numbers than there may be.

        Raises:
            NumericError: with their number.
        """
        if count > self._most:
            raise NumericError(
                f"expected a module that multiplies at most {self._most:,} numbers (memory), got "
                f"{count:,}"
            )

    def constant(self, numbers: npt.ArrayLike) -> Value:
        """Return numbers that are known, float64 of any shape, as a value."""
        array = np.asarray(numbers, dtype=np.float64)
        return Value(array.shape, sparse.csr_array(array.reshape(-1, 1)))

    @_beyond_range
    def sum(self, first: Value, second: Value) -> Value:
        """Return ``first + second``, entry by entry; both have the same shape."""
        terms = [first, second]
        known = [self._known(value) for value in terms]
        if max(map(self._height, known)) <= max(map(self._height, terms)):
            terms = known  # what is there already need not be carried along beside it
        # What is no atom is kept first, and of two the one that takes fewer layers.
        order = sorted(
            range(2), key=lambda n: (_is_atoms(terms[n].weights), self._height(terms[n]))
        )
        for place in order:
            if self._fold or self._adds_exactly(*terms):
                break
            terms[place] = self.kept(terms[place])
        one, other = (self.wide(value.weights) for value in terms)
        return Value(first.shape, sparse.csr_array(one + other))

    @_beyond_range
    def map(self, matrix: sparse.csr_array, value: Value, shape: tuple[int, ...]) -> Value:
        """Return a matrix, shape (entries of the result, entries of the value), times a value."""
        matrix.eliminate_zeros()  # some of scipy's products have zeros among what is stored
        if not self._fold and not _multiplies_exactly(matrix, value.weights):
            value = self.kept(value)
        weights = sparse.csr_array(matrix @ value.weights)
        weights.eliminate_zeros()
        return Value(shape, weights)

    def product(self, first: Value, second: Value) -> Value:
        """Return ``first * second``, entry by entry; both have the same shape."""
        lean = [self._lean(value) for value in (first, second)]
        factors = tuple(self.wide(value.weights) for value in lean)
        levels = 1 + np.maximum(*(_largest(factor, self.levels) for factor in factors))
        return self._added(PRODUCT, levels, first.shape, factors)

    def kept(self, value: Value) -> Value:
        """Return a value as atoms of its own, one for all that are the same sum."""
        weights, places = _distinct(value.weights)
        keys = [_key(weights, row) for row in range(weights.shape[0])]
        new = [row for row, key in enumerate(keys) if key not in self._kept]
        start = len(self.kinds)
        self._kept.update((keys[row], start + number) for number, row in enumerate(new))
        if new:
            sums = self.wide(sparse.csr_array(weights[new]))
            self._added(SUM, self.sum_levels(sums), (len(new),), (sums,))
        atoms = np.array([self._kept[key] for key in keys])[places]
        ones, rows = np.ones(len(atoms)), np.arange(len(atoms))
        shape = len(atoms), len(self.kinds)
        return Value(value.shape, sparse.csr_array((ones, (rows, atoms)), shape=shape))

    def sum_levels(self, weights: sparse.csr_array) -> Integers:
        """Return the levels that sums of atoms have as atoms, shape (sums,)."""
        own = self.levels + (self.kinds != PRODUCT)
        return np.maximum(_largest(self.wide(weights), own), 1)

    def made_of(self, atoms: Integers) -> list[sparse.csr_array]:
        """Return the weights of sums, or those of both factors of products.

        Args:
            atoms: ascending indices of atoms that are all sums, or all products.

        Returns:
            One or two arrays of shape (atoms, all atoms).
        """
        parts: list[list[sparse.csr_array]] = [[], []]
        for start, arrays in self._blocks:
            count = arrays[0].shape[0]
            here = atoms[(atoms >= start) & (atoms < start + count)] - start
            if len(here):
                for part, array in zip(parts, arrays, strict=False):
                    part.append(self.wide(array)[here])
        return [sparse.csr_array(sparse.vstack(part)) for part in parts if part]

    def wide(self, weights: sparse.csr_array) -> sparse.csr_array:
        """Return weights with a column for each atom that there is now."""
        shape = weights.shape[0], len(self.kinds)
        return sparse.csr_array((weights.data, weights.indices, weights.indptr), shape=shape)

    def _known(self, value: Value) -> Value:
        """Return a value as the atoms that it was kept as, if all of it was."""
        value.weights.sort_indices()
        rows = range(value.weights.shape[0])
        known = all(_key(value.weights, row) in self._kept for row in rows)
        return self.kept(value) if known else value

    def _height(self, value: Value) -> int:
        return int(self.sum_levels(value.weights).max(initial=1))

    def _adds_exactly(self, first: Value, second: Value) -> bool:
        """Return whether all sums of weights are floats."""
        one, other = (self.wide(value.weights) for value in (first, second))
        both = _pattern(one).multiply(_pattern(other))
        total, lost = exact_sum(
            *(sparse.csr_array(w.multiply(both)).sorted_indices().data for w in (one, other))
        )
        return bool(np.isfinite(total).all() and not lost.any())

    def _lean(self, value: Value) -> Value:
        """Return a value as fewer atoms, where they are sums of products at no higher level."""
        atoms = np.unique(value.weights.indices)
        rows, _ = _distinct(value.weights)
        highest = self.levels[atoms].max(initial=0)
        if len(atoms) <= rows.shape[0] or self._height(value) > highest:
            return value
        return self.kept(value)

    def _added(
        self,
        kind: int,
        levels: Integers,
        shape: tuple[int, ...],
        made_of: Sequence[sparse.csr_array] = (),
    ) -> Value:
        start, count = len(self.kinds), len(levels)
        self.check_size(start + count)
        self.kinds = np.concatenate([self.kinds, np.full(count, kind)])
        self.levels = np.concatenate([self.levels, levels])
        if made_of:
            self._blocks.append((start, tuple(made_of)))
        return Value(shape, sparse.csr_array(sparse.eye_array(count, start + count, k=start)))


def _pattern(weights: sparse.csr_array) -> sparse.csr_array:
    ones = np.ones(len(weights.data))
    return sparse.csr_array((ones, weights.indices, weights.indptr), shape=weights.shape)


def _multiplies_exactly(matrix: sparse.csr_array, weights: sparse.csr_array) -> bool:
    """Return whether each entry of a product is one product, and that one with a power of two."""
    if not any((np.frexp(abs(array.data))[0] == 0.5).all() for array in (matrix, weights)):
        return False
    if (_pattern(matrix) @ _pattern(weights)).max() > 1:
        return False
    product = matrix @ weights
    # A power of two may lead out of the range of the floats, at either end.
    size = abs(product.data[product.data != 0])
    whole = product.count_nonzero() == (_pattern(matrix) @ _pattern(weights)).nnz
    return bool(whole and np.isfinite(size).all() and size.min(initial=1) >= np.finfo(float).tiny)


def _is_atoms(weights: sparse.csr_array) -> bool:
    """Return whether no row has more than one atom in it."""
    return bool((np.diff(weights.indptr) <= 1).all())


def _largest(weights: sparse.csr_array, of_atoms: Integers) -> Integers:
    """Return for each row the largest number of an atom in it, 0 where there is none."""
    numbers = np.append(of_atoms[weights.indices], 0)
    found = np.maximum.reduceat(numbers, np.minimum(weights.indptr[:-1], len(numbers) - 1))
    return np.where(np.diff(weights.indptr) > 0, found, 0)


def _distinct(weights: sparse.csr_array) -> tuple[sparse.csr_array, Integers]:
    """Return the different rows in the order of their first occurrence, and which each row is."""
    weights.sort_indices()
    seen: dict[tuple[bytes, bytes], int] = {}
    rows = range(weights.shape[0])
    places = np.array([seen.setdefault(_key(weights, row), len(seen)) for row in rows], dtype=int)
    first = np.unique(places, return_index=True)[1]
    return sparse.csr_array(weights[first]), places


def _key(weights: sparse.csr_array, row: int) -> tuple[bytes, bytes]:
    """Return what two rows have in common where they are the same sum."""
    # Rows must be sorted.
    own = slice(weights.indptr[row], weights.indptr[row + 1])
    return weights.indices[own].astype(np.int64).tobytes(), weights.data[own].tobytes()
