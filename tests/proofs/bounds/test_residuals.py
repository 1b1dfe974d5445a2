"""Residual forms against fractions: their bounds hold, and the exact ones are what they are."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from numeric import Layer, SquareLayer
from proofs.bounds.enclosures import FLOAT64, Enclosure
from proofs.bounds.exact_residuals import exact_residual_form, nearest_residual
from proofs.bounds.norms import spectral_bound
from proofs.bounds.residuals import Pair, product_with_error, residual_form
from tests.oracles import layer_value
from tests.strategies import few, matrices, tame, wild


@st.composite
def pairs(draw: st.DrawFn, elements: Any = tame) -> Pair:
    """A network's layer and a graph's, of any sizes, some in bases and with low parts."""
    size = st.integers(1, 3)
    (inputs, reads), (outputs, writes) = ((1 + draw(size), 1 + draw(size)) for _ in range(2))
    moved, turned = draw(st.booleans()), draw(st.booleans())
    reads, writes = (reads if moved else inputs), (writes if turned else outputs)
    neurons, features = draw(st.integers(0, 3)), draw(st.integers(0, 3))

    def array(*shape: int) -> Any:
        return draw(matrices(shape, elements(), np.float64))  # type: ignore[arg-type]

    readings = array(features, reads)
    low = (
        readings * draw(st.sampled_from([0.0, 2.0**-54])) if abs(readings).max(initial=0) < 1 else 0
    )
    square = SquareLayer(
        readings, low + 0 * readings, array(writes, features), array(writes, reads)
    )
    layer = Layer(
        array(neurons, inputs),
        array(neurons, inputs),
        array(outputs, neurons),
        array(outputs, inputs),
    )
    return Pair(
        layer,
        square,
        array(reads, inputs) if moved else None,
        array(writes, outputs) if turned else None,
    )


def residual_bound(pair: Pair, output: int) -> float:
    """A bound on the spectral norm of the form that is computed in float64."""
    return spectral_bound(*residual_form(pair, output))


def exact_residual_bound(pair: Pair, output: int) -> float:
    """The same of the form that is computed without rounding, where it is the smaller one."""
    exact = spectral_bound(*exact_residual_form(pair, output))
    return min(residual_bound(pair, output), exact)


def times(matrix: Any, vector: list[Fraction]) -> list[Fraction]:
    rows = [[Fraction(entry) for entry in row] for row in matrix.tolist()]
    return [sum((a * b for a, b in zip(row, vector, strict=True)), Fraction(0)) for row in rows]


def lacking(pair: Pair, output: int, state: list[Fraction]) -> Fraction:
    """By how much the graph's layer misses what it should write, from values alone."""

    # The linear part is read beside the constant, which a homogeneous state need not have.
    def homogeneous(arrays: Any, vector: list[Fraction]) -> list[Fraction]:
        left, right, down, linear = arrays
        bilinear = layer_value((left, right, down, 0 * linear), vector)
        straight = times(linear, vector)
        return [a + state[0] * b for a, b in zip(bilinear, straight, strict=True)]

    read = state if pair.below is None else times(pair.below, state)
    wanted = homogeneous(pair.layer, state)
    wanted = wanted if pair.above is None else times(pair.above, wanted)
    return homogeneous(pair.square.in_normal_form(), read)[output] - wanted[output]


def form_value(form: Any, state: list[Fraction]) -> Fraction:
    return sum((a * b for a, b in zip(times(form, state), state, strict=True)), Fraction(0))


@pytest.mark.props
@given(st.sampled_from([few, tame, wild]).flatmap(pairs), st.data())
def test_no_state_shows_a_larger_residual_than_the_bounds(pair: Pair, data: st.DataObject) -> None:
    size = pair.layer.linear.shape[1]
    vector = data.draw(hnp.arrays(np.float64, size, elements=tame()))
    state = [Fraction(entry) for entry in vector.tolist()]
    output = data.draw(st.integers(0, pair.outputs - 1))
    off = abs(lacking(pair, output, state))
    fast, exact = residual_bound(pair, output), exact_residual_bound(pair, output)
    assert exact <= fast
    if fast < np.inf:
        assert off <= Fraction(exact) * sum(entry**2 for entry in state)


@pytest.mark.props
@given(st.sampled_from([few, tame]).flatmap(pairs), st.data())
def test_the_nearest_floats_are_the_residual_form(pair: Pair, data: st.DataObject) -> None:
    output = data.draw(st.integers(0, pair.outputs - 1))
    form = nearest_residual(pair, output, residual_bound(pair, output))
    np.testing.assert_array_equal(form, form.T)
    size = pair.layer.linear.shape[1]
    unit = np.eye(size)
    for one in range(size):
        for other in range(one + 1):
            state = [Fraction(entry) for entry in (unit[one] + unit[other]).tolist()]
            ends = [[Fraction(entry) for entry in unit[place].tolist()] for place in (one, other)]
            if one == other:
                wanted = lacking(pair, output, ends[0])
            else:
                wanted = _polar(pair, output, state, ends)
            assert abs(Fraction(form[one, other]) - wanted) <= abs(wanted) / 2**52


def _polar(pair: Pair, output: int, state: list[Fraction], ends: list[list[Fraction]]) -> Fraction:
    """An entry of the form from its values; the constant is component 0 of each state."""
    values = [lacking(pair, output, each) for each in (state, *ends)]
    return (values[0] - values[1] - values[2]) / 2


@pytest.mark.props
@given(data=st.data())
def test_a_product_with_exact_leading_bits_is_within_its_error(data: st.DataObject) -> None:
    elements = data.draw(st.sampled_from([few, tame, wild]))()
    terms = data.draw(st.integers(0, 4))
    x, y = (data.draw(hnp.arrays(np.float64, (terms, 2), elements=elements)) for _ in range(2))
    found, error = product_with_error(Enclosure.exact(x), Enclosure.exact(y))
    if error < np.inf:
        columns = [[Fraction(entry) for entry in column] for column in x.T.tolist()]
        off = [
            times(y.T, column)[j] - Fraction(found[i, j])
            for i, column in enumerate(columns)
            for j in range(2)
        ]
        assert sum(each**2 for each in off) <= Fraction(error) ** 2


def test_what_cancels_leaves_an_error_far_below_that_of_float64() -> None:
    draw = np.random.default_rng(0)
    x = draw.normal(size=(300, 50))
    doubled, signs = np.concatenate([x, x]), np.repeat([1.0, -1.0], 300)[:, None]
    product, error = product_with_error(Enclosure.exact(doubled), Enclosure.exact(doubled * signs))
    assert np.linalg.norm(product) <= error
    assert error < FLOAT64.gamma(600) * np.linalg.norm(doubled) ** 2 / 10**4


def test_without_the_bits_below_the_leading_ones_the_error_is_too_small() -> None:
    x, y = np.array([[1 / 3], [1.0]]), np.array([[1 / 3], [-1 / 9]])
    exact = Fraction(1 / 3) ** 2 - Fraction(1 / 9)
    found, error = product_with_error(Enclosure.exact(x), Enclosure.exact(y))
    assert abs(Fraction(found[0, 0]) - exact) <= Fraction(error) < Fraction(1, 10**20)
    leading = np.rint(x * 2.0**20).T @ np.rint(y * 2.0**20) / 2.0**40
    assert abs(Fraction(leading[0, 0]) - exact) > Fraction(error)


def test_what_readings_lack_counts() -> None:
    rows = np.array([[1.0, 0.5]])
    layer = Layer(rows, rows, np.array([[0.0], [1.0]]), np.eye(2))
    square = SquareLayer(rows, np.array([[0.0, 2.0**-60]]), np.array([[0.0], [1.0]]), np.eye(2))
    lacked = 2 * 2.0**-60
    assert lacked / 2 < exact_residual_bound(Pair(layer, square), 1) < 1.2 * lacked
    assert residual_bound(Pair(layer, square), 1) >= exact_residual_bound(Pair(layer, square), 1)
    without = square._replace(low=np.zeros((1, 2)))
    assert exact_residual_bound(Pair(layer, without), 1) < 1e-300


def test_numbers_out_of_range_have_an_infinite_bound() -> None:
    rows = np.array([[1e200, 1.0]])
    layer = Layer(rows, rows, np.array([[0.0], [1.0]]), np.eye(2))
    square = SquareLayer(rows, 0 * rows, np.array([[0.0], [1.0]]), np.eye(2))
    assert residual_bound(Pair(layer, square), 1) == np.inf
    assert exact_residual_bound(Pair(layer, square), 1) == np.inf
