"""Networks that differ by a change of basis in their hidden states."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytic import ExactNetwork, gauge
from analytic.gauge import same_up_to_gauge
from numeric import BilinearNetwork, Layer
from tests.analytic.rewrites import (
    BETWEEN_LAYERS,
    NAMES,
    WITHIN_LAYERS,
    Array,
    Layers,
    Rewrite,
    in_bases,
    replaced,
    round_layers,
    sheared,
    swapped,
    with_a_component_in_the_constant,
    with_entry,
    with_hidden_components_mixed,
    with_hidden_signs,
    with_the_constant_added,
    with_the_constant_scaled,
)
from tests.analytic.verdicts import are_same, pairs
from tests.strategies import few, stacks


def same(first: Layers, second: Layers) -> bool:
    return same_up_to_gauge(ExactNetwork(first), ExactNetwork(second))


# Bases


@pytest.mark.parametrize("rewrite", [*BETWEEN_LAYERS, *WITHIN_LAYERS])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_rewrite_is_the_same_in_both_orders(rewrite: Rewrite, depth: int) -> None:
    layers = round_layers(depth=depth, embedding=depth == 2)
    assert same(layers, rewrite(layers))
    assert same(rewrite(layers), layers)


@pytest.mark.parametrize("within", WITHIN_LAYERS)
@pytest.mark.parametrize("between", BETWEEN_LAYERS)
def test_layers_may_be_rewritten_in_their_new_bases(within: Rewrite, between: Rewrite) -> None:
    layers = round_layers()
    assert same(within(layers), between(layers))
    # The first network decides whether a component is known to be 1.
    losing_the_constant = with_the_constant_scaled, with_a_component_in_the_constant
    assert between in losing_the_constant or same(between(layers), within(layers))


def test_one_basis_after_another_is_a_basis() -> None:
    layers: Layers = round_layers(depth=3, width=3)
    mixed = layers
    for rewrite in BETWEEN_LAYERS:
        mixed = rewrite(mixed)
    assert same(layers, mixed)
    assert same(mixed, layers)
    assert same(mixed, swapped(mixed))


def test_hidden_components_may_depend_on_each_other() -> None:
    layers = round_layers(width=3)
    below = layers[0]
    for array in (below.down, below.linear):
        array[3] = array[1] - 2 * array[2]
    other = with_the_constant_added(with_hidden_components_mixed(layers))
    assert same(layers, other)
    above = other[1]
    assert not same(layers, replaced(other, 2, left=above.left + np.eye(len(above.left), 4)))


def test_a_dependence_may_be_read_from_either_side() -> None:
    layers = round_layers(width=3)
    for array in (layers[0].down, layers[0].linear):
        array[3] = 3 * array[1]
    tied = replaced(
        layers, 2, **{name: getattr(layers[1], name).copy() for name in ("left", "right", "linear")}
    )
    for name in ("left", "right", "linear"):
        array = getattr(tied[1], name)
        array[:, 1] += 3 * array[:, 3]
        array[:, 3] = 0
    assert same(layers, tied)
    assert same(tied, layers)


def test_a_network_of_mnist_size_is_the_same_in_an_integer_basis() -> None:
    layers = BilinearNetwork(784, 10, depth=2, width=12, hidden=24, residual=True).layers()
    doubled = [Layer(*(array.astype(np.float64) for array in y)) for y in layers]
    assert same(layers, with_hidden_signs(doubled))
    assert not same(layers, with_entry(with_hidden_signs(doubled), 1, "linear", (3, 3), 0.125))


@st.composite
def unimodular(draw: st.DrawFn) -> Callable[[int], tuple[Array, Array]]:
    """Integer bases with an integer inverse, for a state of any size."""
    steps = draw(st.lists(st.tuples(*[st.integers(0, 5)] * 2, st.integers(-3, 3)), max_size=4))

    def basis(size: int) -> tuple[Array, Array]:
        there, back = np.eye(size), np.eye(size)
        for row, column, by in steps:
            if row % size != column % size:
                step, undone = sheared(size, row % size, column % size, float(by))
                there, back = step @ there, back @ undone
        return there, back

    return basis


@pytest.mark.props
@given(stacks(elements=few, max_depth=3, max_size=3), unimodular())
def test_any_integer_basis_is_undone(
    layers: Layers, basis: Callable[[int], tuple[Array, Array]]
) -> None:
    other = in_bases(layers, basis)
    assert are_same(layers, other)
    assert same(layers, other) or hidden_state_vanishes(layers)


def hidden_state_vanishes(layers: Layers) -> bool:
    """Return whether all of a hidden state is 0 at random points."""
    points = np.random.default_rng(0).integers(-9, 10, (8, layers[0].linear.shape[1] - 1))
    state: Any = np.insert(points.astype(np.float64), 0, 1, axis=1).T
    for left, right, down, linear in layers[:-1]:
        state = down @ ((left @ state) * (right @ state)) + linear @ state
        if not state.any():
            return True
    return False


# Networks that are not the same, or not for this reason


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("name", NAMES)
def test_one_ulp_is_no_basis(number: int, name: str) -> None:
    layers = round_layers()
    for index in np.ndindex(getattr(layers[number - 1], name).shape):
        weight = getattr(layers[number - 1], name)[index]
        moved = with_entry(layers, number, name, index, np.nextafter(weight, 9))
        unread = number == 2 and name in ("down", "linear") and index[0] == 0
        assert same(with_hidden_signs(layers), moved) is unread


def test_a_factor_of_a_half_or_a_sign_is_no_basis() -> None:
    layers = round_layers()
    other = with_hidden_components_mixed(layers)
    for factor in (0.5, -1.0):
        assert not same(layers, replaced(other, 1, left=factor * other[0].left))
        assert not same(layers, replaced(other, 2, right=factor * other[1].right))


@pytest.mark.parametrize("first_row", [[2.0, 0.0], [0.5, 0.0], [0.0, 1.0], [1.0, 1.0]])
def test_a_component_that_is_not_1_is_no_constant(first_row: list[float]) -> None:
    none, passing = np.zeros((0, 2)), np.array([1.0, 0.0])
    below = Layer(none, none, none.T, np.array([first_row, [0.0, 1.0]]))
    rows, down = np.eye(2), np.array([[0.0], [1.0]])
    # A product with component 0, and the linear term that it would be if that were 1.
    multiplied = Layer(rows[:1], rows[1:], down, np.array([passing, 0 * passing]))
    term = Layer(0 * rows[:1], rows[1:], down, np.array([passing, rows[1]]))
    assert not are_same([below, multiplied], [below, term])
    assert not same([below, multiplied], [below, term])
    assert same([below, multiplied], with_the_constant_scaled([below, multiplied]))


def test_networks_of_other_depths_have_no_common_bases() -> None:
    layers = round_layers()
    passing = Layer(np.zeros((0, 4)), np.zeros((0, 4)), np.zeros((4, 0)), np.eye(4))
    assert not same(layers, [passing, *layers])
    assert not same([passing, *layers], layers)


def test_a_hidden_state_of_zeros_says_nothing() -> None:
    layers = round_layers()
    zeros = replaced(layers, 1, down=0 * layers[0].down, linear=0 * layers[0].linear)
    assert not same(zeros, zeros)


def test_nothing_rests_on_the_points(monkeypatch: pytest.MonkeyPatch) -> None:
    # At a single point x, the states (1, x) and (1, x²) are proportional, and so are the outputs.
    monkeypatch.setattr(gauge, "_SPARE_POINTS", -1)
    x, none, down = np.eye(2)[1:], np.zeros((0, 2)), np.eye(2)[:, 1:]
    square = Layer(x, x, down, np.diag([1.0, 0.0]))
    for factor in range(-9, 10):
        plain, scaled = (
            Layer(none, none, none.T, np.diag([1.0, entry])) for entry in (1.0, float(factor))
        )
        assert not same([plain, scaled], [square, plain])
        assert not same([square, plain], [plain, scaled])


@pytest.mark.props
@given(pairs())
def test_what_is_the_same_up_to_a_basis_is_the_same_polynomial(pair: tuple[Layers, Layers]) -> None:
    assert not same(*pair) or are_same(*pair)
