"""Symbolic layers held against layers of numbers."""

from __future__ import annotations

import numpy as np
import sympy
from hypothesis import given
from hypothesis import strategies as st

from analytic.derivations.symbols import (
    SymbolicLayer,
    column,
    inner_product,
    matrix,
    symmetric_matrix,
    symmetric_part,
    vector,
)


def test_a_generic_layer_has_the_shapes_of_the_normal_form() -> None:
    layer = SymbolicLayer.generic(3, 2, 4, "_1")
    parts = (layer.left, layer.right, layer.down, layer.linear)
    assert [part.shape for part in parts] == [(2, 3), (2, 3), (4, 2), (4, 3)]
    symbols = column(*parts).free_symbols
    assert len(symbols) == 6 + 6 + 8 + 12
    assert not symbols & column(*vars(SymbolicLayer.generic(3, 2, 4, "_2")).values()).free_symbols


def test_a_symmetric_matrix_has_one_symbol_for_each_pair() -> None:
    symmetric = symmetric_matrix("Q", 3)
    assert symmetric.is_symmetric()
    assert len(symmetric.free_symbols) == 6
    assert symmetric_part(symmetric) == symmetric
    assert symmetric_part(matrix("Q", 3, 3)).is_symmetric()


def test_a_column_reads_row_by_row() -> None:
    entries = matrix("M", 2, 2)
    assert list(column(entries, [1], vector("x", 1))) == [*entries, 1, sympy.Symbol("x_0")]
    assert inner_product(entries, sympy.Matrix([[1, 2], [3, 4]])) == sum(
        weight * entry for weight, entry in zip((1, 2, 3, 4), entries, strict=True)
    )


@given(st.integers(0, 2**32 - 1))
def test_a_layer_of_numbers_computes_what_numpy_computes(seed: int) -> None:
    generator = np.random.default_rng(seed)
    left, right, down, linear = (
        generator.integers(-3, 4, shape) for shape in ((2, 3), (2, 3), (2, 2), (2, 3))
    )
    x = generator.integers(-3, 4, 3)
    layer = SymbolicLayer(*(sympy.Matrix(part) for part in (left, right, down, linear)))
    point = sympy.Matrix(x)
    products = down @ ((left @ x) * (right @ x))
    assert list(layer.products(point)) == products.tolist()
    assert list(layer.value(point)) == (products + linear @ x).tolist()
    jacobian = down @ (np.diag(left @ x) @ right + np.diag(right @ x) @ left) + linear
    assert layer.jacobian(point).tolist() == jacobian.tolist()
    tensor = np.einsum("ok,ka,kb->oab", down, left, right)
    assert [part.tolist() for part in layer.tensor()] == tensor.tolist()
