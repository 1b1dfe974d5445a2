"""Inner products held against sums in exact numbers, and wrong formulas for them."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from analytic.derivations import gaussian_inner_product, tensor_inner_product
from analytic.derivations.symbols import (
    SymbolicLayer,
    inner_product,
    symmetric_matrix,
    vector,
)

seeds = st.integers(0, 2**32 - 1)


def gaussian_terms(inputs: int) -> list[sympy.Expr]:
    q, r = symmetric_matrix("Q", inputs), symmetric_matrix("R", inputs)
    k, n = sympy.symbols("k n")
    linear = vector("l", inputs).dot(vector("m", inputs))
    traces = q.trace(), r.trace()
    return [2 * (q * r).trace(), traces[0] * traces[1], linear, n * traces[0], k * traces[1], k * n]


@pytest.mark.parametrize("inputs", [1, 2, 3])
def test_a_gaussian_inner_product_needs_every_term_and_the_factor_two(inputs: int) -> None:
    theorem = gaussian_inner_product(inputs)
    terms = gaussian_terms(inputs)
    whole = sympy.Add(*terms)
    assert replace(theorem, right=sympy.Matrix([whole])).holds
    for wrong in (*terms, terms[0] / 2, terms[3] + terms[4], -terms[1]):
        assert not replace(theorem, right=sympy.Matrix([whole - wrong])).holds


def test_a_tensor_inner_product_needs_both_pairings_and_the_half() -> None:
    theorem = tensor_inner_product(1, 1, 1)
    first = SymbolicLayer.generic(2, 1, 1, "_1")
    second = SymbolicLayer.generic(2, 2, 1, "_2")
    straight = (first.left * second.left.T).multiply_elementwise(first.right * second.right.T)
    crossed = (first.left * second.right.T).multiply_elementwise(first.right * second.left.T)
    down = first.down.T * second.down
    rights = [
        ((straight + crossed) / 2, True),
        (straight, False),
        (crossed, False),
        (straight + crossed, False),
        ((straight - crossed) / 2, False),
    ]
    for pairing, holds in rights:
        right = sympy.Matrix([inner_product(down, pairing)])
        assert replace(theorem, right=right).holds is holds


@pytest.mark.props
@given(seeds)
def test_a_gaussian_mean_is_that_of_three_points_an_axis(seed: int) -> None:
    # Gauss and Hermite's points 0 and ±√3, weighing 2/3 and 1/6, are exact up to the fifth degree.
    theorem = gaussian_inner_product(2)
    generator = np.random.default_rng(seed)
    numbers = {
        symbol: sympy.Rational(int(generator.integers(-6, 7)), 2)
        for symbol in sorted(theorem.right.free_symbols, key=str)
    }
    q, r, first, second = (
        part.xreplace(numbers)
        for part in (
            symmetric_matrix("Q", 2),
            symmetric_matrix("R", 2),
            vector("l", 2),
            vector("m", 2),
        )
    )
    k, n = (numbers[symbol] for symbol in sympy.symbols("k n"))
    root, sixth = sympy.sqrt(3), sympy.Rational(1, 6)
    axis = [(sympy.Integer(0), 4 * sixth), (root, sixth), (-root, sixth)]
    mean = sympy.Integer(0)
    for (u, weight_u), (v, weight_v) in product(axis, repeat=2):
        x = sympy.Matrix([u, v])
        f, g = ((x.T * m * x)[0] + b.dot(x) + c for m, b, c in ((q, first, k), (r, second, n)))
        mean += weight_u * weight_v * f * g
    assert mean.expand() == theorem.right[0].xreplace(numbers)


@pytest.mark.props
@given(seeds)
def test_a_tensor_inner_product_is_that_of_the_tensors_in_integers(seed: int) -> None:
    theorem = tensor_inner_product(2, 2, 2)
    generator = np.random.default_rng(seed)
    numbers, tensors = {}, []
    for mark, neurons in (("_1", 2), ("_2", 3)):
        layer = SymbolicLayer.generic(3, neurons, 2, mark)
        parts = [
            generator.integers(-3, 4, part.shape) for part in (layer.left, layer.right, layer.down)
        ]
        for part, values in zip((layer.left, layer.right, layer.down), parts, strict=True):
            numbers |= dict(zip(part, map(sympy.Integer, values.flat), strict=True))
        left, right, down = parts
        tensor = np.einsum("ok,ka,kb->oab", down, left, right)
        tensors.append(tensor + tensor.swapaxes(1, 2))
    expected = sympy.Rational(int((tensors[0] * tensors[1]).sum()), 4)
    assert theorem.right[0].xreplace(numbers) == expected
