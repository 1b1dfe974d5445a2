"""Forms on boxes, against fractions: no point of a box leaves what is proved of it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from proofs.checker.balls import Ball, exact
from proofs.checker.forms import enclosed, product, residual, stretched
from proofs.checker.layers import Layer
from proofs.checker.verdicts import Rejected
from tests.strategies import few, tame, wild

Doubles = npt.NDArray[np.float64]
Exact = list[Fraction]

# What leaves the range of floats becomes infinite, and no comparison with it holds.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def array(data: st.DataObject, *shape: int, elements: Any = tame) -> Doubles:
    found: Doubles = data.draw(hnp.arrays(np.float64, shape, elements=elements()))
    return found


def inside(data: st.DataObject, centre: Doubles, width: Doubles) -> Exact:
    """Corners of a box, and points in it."""
    shares = data.draw(
        st.lists(
            st.one_of(st.sampled_from([-1, 1]), st.fractions(-1, 1, max_denominator=9)),
            min_size=len(centre),
            max_size=len(centre),
        )
    )
    ends = zip(centre.tolist(), width.tolist(), shares, strict=True)
    return [Fraction(middle) + Fraction(half) * Fraction(share) for middle, half, share in ends]


def bilinear(left: Exact, matrix: npt.NDArray[Any], right: Exact) -> Fraction:
    rows = zip(left, matrix.tolist(), strict=True)
    terms = (
        a * Fraction(entry) * b for a, row in rows for entry, b in zip(row, right, strict=True)
    )
    return sum(terms, Fraction(0))


@pytest.mark.props
@given(st.data())
def test_no_vectors_of_two_boxes_are_stretched_further(data: st.DataObject) -> None:
    rows, columns = (data.draw(st.integers(1, 4)) for _ in range(2))
    elements = data.draw(st.sampled_from([few, tame, wild]))
    matrix, error = array(data, rows, columns, elements=elements), array(data, rows, columns)
    ends = [abs(array(data, size, elements=elements)) for size in (rows, columns)]
    found = stretched(Ball(matrix, abs(error)), *ends)
    assume(np.isfinite(found))
    v, u = (inside(data, 0 * end, end) for end in ends)
    signs = array(data, rows, columns, elements=lambda: st.sampled_from([-1.0, 0.0, 1.0]))
    lacking = bilinear(v, signs * error, u)
    assert abs(bilinear(v, matrix, u) + lacking) <= Fraction(found)


def test_what_underflows_on_the_way_counts_in_a_stretch() -> None:
    short, long, entry = np.array([2.0**-600]), np.array([2.0**510]), np.array([[2.0**-500]])
    lost = short * entry
    assert not lost.any()
    assert stretched(exact(entry), short, long) >= 2.0**-590
    assert stretched(Ball(0 * entry, entry), long, short) >= 2.0**-590


def test_what_has_no_weight_does_not_count_in_a_stretch() -> None:
    matrix, width = np.zeros((400, 400)), np.ones(400)
    matrix[:2, :2] = [[0.0, 1.0], [1.0, 0.0]]
    # The largest eigenvalue alone would say 400; the corner (1, 1) shows 2.
    assert 2 <= stretched(exact(matrix), width, width) < 2.4
    assert stretched(exact(0 * matrix), width, width) < 1e-30


@pytest.mark.props
@given(st.data())
def test_the_values_of_a_form_on_a_box_lie_in_their_interval(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 3))
    form = array(data, size + 1, size + 1, elements=data.draw(st.sampled_from([few, tame])))
    form = np.triu(form) + np.triu(form, 1).T
    centre, width = array(data, size), abs(array(data, size))
    middle, half = enclosed(exact(form), centre, width)
    point = [Fraction(1), *inside(data, centre, width)]
    assert abs(bilinear(point, form, point) - Fraction(middle)) <= Fraction(half)


@pytest.mark.parametrize("part", [0, 1])
def test_without_a_part_a_corner_leaves_the_interval(part: int) -> None:
    # The value at the centre is 0; a slope and a bend lead away from it.
    form = np.array([[[0.0, 1.0], [1.0, 0.0]], [[0.0, 0.0], [0.0, 2.0]]][part])
    middle, half = enclosed(exact(form), np.zeros(1), np.ones(1))
    assert middle == 0
    assert 2 <= half <= 2 * (1 + 1e-6)


@pytest.mark.props
@given(st.data())
def test_a_product_and_what_rounding_took_are_the_exact_product(data: st.DataObject) -> None:
    elements = data.draw(st.sampled_from([few, tame, wild]))
    one, other = (array(data, 1, elements=elements)[0] for _ in range(2))
    value, lacking = product(np.array([one]), np.array([other]))
    if np.isfinite(lacking[0]) and np.isfinite(value[0]):
        off = Fraction(one) * Fraction(other) - Fraction(value[0]) - Fraction(lacking[0])
        assert abs(off) <= Fraction(2) ** -1070
        if abs(value[0]) > 2.0**-900:
            assert off == 0


@pytest.mark.props
@given(st.data())
def test_the_form_in_which_layers_differ_is_known_to_within_its_error(data: st.DataObject) -> None:
    inputs, reads, outputs = (data.draw(st.integers(2, 3)) for _ in range(3))
    moved, turned = (data.draw(st.booleans()) for _ in range(2))
    reads = reads if moved else inputs
    neurons, features = (data.draw(st.integers(0, 3)) for _ in range(2))
    elements = data.draw(st.sampled_from([few, tame]))

    def drawn(*shape: int) -> Doubles:
        return array(data, *shape, elements=elements)

    left, right = drawn(neurons, inputs), drawn(neurons, inputs)
    one = Layer(left, right, 0 * left, drawn(outputs, neurons), drawn(outputs, inputs))
    reading = drawn(features, reads)
    other = Layer(reading, reading, 0 * reading, drawn(outputs, features), drawn(outputs, reads))
    below = drawn(reads, inputs) if moved else None
    above = drawn(outputs, outputs) if turned else None
    try:
        form, error = residual(one, other, below, above, 1)
    except Rejected:
        return
    # Values at points say what a form is.
    state = [Fraction(entry) for entry in drawn(inputs).tolist()]
    read = state if below is None else [bilinear([Fraction(1)], row[None], state) for row in below]
    theirs = _value(other, read, state[0])
    mine = _value(one, state, state[0])
    weights = np.eye(outputs)[1] if above is None else above[1]
    wanted = theirs[1] - sum((Fraction(w) * m for w, m in zip(weights.tolist(), mine, strict=True)))
    off = abs(bilinear(state, form, state) - wanted)
    assert off <= Fraction(error) * sum(entry**2 for entry in state)


def _value(layer: Layer, state: Exact, constant: Fraction) -> Exact:
    """What a layer makes of a state, linear parts times the constant."""

    def times(matrix: Doubles, vector: Exact) -> Exact:
        return [bilinear([Fraction(1)], row[None], vector) for row in matrix]

    lefts, rights = times(layer.left, state), times(layer.right, state)
    products = [a * b for a, b in zip(lefts, rights, strict=True)]
    pairs = zip(times(layer.down, products), times(layer.linear, state), strict=True)
    return [a + constant * b for a, b in pairs]
