"""Canonical bases of hidden states, held against the stack's tensor multiplied out."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numeric import BilinearNetwork, Layer
from numeric.features import bonds as module
from numeric.features.bonds import Bond, canonical_bonds, facing_up, in_bases
from numeric.features.kernels import products, with_linear_neurons
from tests.strategies import networks, networks_with_points
from tests.tensors import (
    layer_tensor,
    logit_size,
    random_metric,
    random_stack,
    rounding_scale,
    slow_environment,
    stack_tensor,
    stack_values,
    unfolds,
)

Doubles = npt.NDArray[np.float64]
Case = tuple[list[Layer], Doubles]
"""The layers of a network, and the root of a metric of its inputs."""


def random_layers(seed: int = 0, sizes: tuple[int, ...] = (3, 3, 4, 2)) -> list[Layer]:
    return random_stack(sizes, seed)


def reach(layers: list[Layer], root: Doubles | None = None) -> float:
    """The most that the squared norm of a stack can be: what rounding is relative to."""
    size = np.linalg.norm(np.eye(layers[0].linear.shape[1]) if root is None else root, 2)
    for layer in layers:
        size = np.linalg.norm(layer_tensor(layer)) * size**2
    return float(size**2)


def found_bonds(layers: list[Layer], root: Doubles | None = None) -> list[Bond]:
    root = np.eye(layers[0].linear.shape[1]) if root is None else root
    return canonical_bonds(layers, root @ root.T)


def in_full(layers: list[Layer], bonds: list[Bond]) -> list[Layer]:
    return in_bases(layers, bonds, [len(bond.singular_values) for bond in bonds])


def condition(layers: list[Layer], root: Doubles | None = None) -> float:
    """How far the forms of a hidden state are from being dependent."""
    values = np.linalg.svd(stack_tensor(layers, root), compute_uv=False)
    return float(values[0] / values[-1]) if values[-1] > 0 else np.inf


@st.composite
def cases(draw: st.DrawFn) -> Case:
    layers = draw(networks().map(lambda model: model.double().layers()).filter(unfolds))
    size = layers[0].linear.shape[1]
    metric = random_metric(size, draw(st.integers(0, 9))) if draw(st.booleans()) else np.eye(size)
    return layers, np.linalg.cholesky(metric)


# Nothing changes


@pytest.mark.props
@given(networks_with_points())
def test_in_the_bases_of_all_components_a_network_computes_the_same(
    case: tuple[BilinearNetwork, Doubles],
) -> None:
    layers, points = case[0].double().layers(), case[1].astype(np.float64)
    found = stack_values(in_full(layers, found_bonds(layers)), points)
    error = abs(found - stack_values(layers, points))
    assert (error <= 1e-9 * rounding_scale(layers, points)).all()


@pytest.mark.props
@given(cases())
def test_the_constant_is_exactly_the_constant(case: Case) -> None:
    layers, root = case
    bonds = found_bonds(layers, root)
    for bond in bonds:
        for matrix in (bond.basis, bond.inverse):
            np.testing.assert_array_equal(matrix[0], np.eye(len(matrix))[0])
    for layer in in_full(layers, bonds)[:-1]:
        assert not layer.down[0].any()
        np.testing.assert_array_equal(layer.linear[0], np.eye(1, layer.linear.shape[1])[0])


@pytest.mark.props
@given(cases())
def test_the_inverse_undoes_the_basis(case: Case) -> None:
    for bond in found_bonds(*case):
        size = np.linalg.norm(bond.inverse) * np.linalg.norm(bond.basis)
        assert abs(bond.inverse @ bond.basis - np.eye(len(bond.basis))).max() <= 1e-13 * size


def test_the_layers_are_left_as_they_are() -> None:
    layers = random_layers()
    before = [array.copy() for layer in layers for array in layer]
    in_full(layers, found_bonds(layers))
    for array, kept in zip((array for layer in layers for array in layer), before, strict=True):
        np.testing.assert_array_equal(array, kept)


# What a canonical basis is


@pytest.mark.props
@given(cases())
def test_the_forms_of_a_bond_of_full_rank_are_orthonormal(case: Case) -> None:
    layers, root = case
    changed = in_full(layers, found_bonds(layers, root))
    for number in range(1, len(layers)):
        amplified = max(condition(layers[:below], root) for below in range(1, number + 1))
        if amplified < 1e4:
            forms = stack_tensor(changed[:number], root)
            error = abs(forms @ forms.T - np.eye(len(forms))).max()
            assert error <= 1e-13 * amplified**2


@pytest.mark.props
@given(cases())
def test_what_is_drawn_from_the_components_is_diagonal_descending_and_the_singular_values(
    case: Case,
) -> None:
    layers, root = case
    bonds = found_bonds(layers, root)
    changed = in_full(layers, bonds)
    above = np.diag([0.0, *[1.0] * (len(layers[-1].down) - 1)])
    size = reach(layers, root)
    for layer, bond in zip(reversed(changed[1:]), reversed(bonds), strict=True):
        above = slow_environment(layer, above)
        assert (np.diff(bond.singular_values) <= 0).all()
        assert abs(above[1:, 1:] - np.diag(bond.singular_values**2)).max() <= 1e-13 * size


@pytest.mark.props
@given(cases())
def test_the_total_is_the_same_at_every_bond_and_that_of_the_logits_tensor(case: Case) -> None:
    layers, root = case
    total = logit_size(stack_tensor(layers, root))
    size = reach(layers, root)
    for bond in found_bonds(layers, root):
        assert bond.total == pytest.approx(total, rel=1e-9, abs=1e-13 * size)
        assert (bond.singular_values**2).sum() <= bond.total * (1 + 1e-9) + 1e-13 * size


def test_what_two_forms_of_one_input_weigh_can_be_told_by_hand() -> None:
    # y = (3x², 4x² + 5); the logit is y₁ + y₂ + 2 = 7x² + 7.
    first = Layer(*([[0.0, 1.0]],) * 2, [[0.0], [3.0], [4.0]], [[1, 0], [0, 0], [5.0, 0]])
    none = np.zeros((0, 3))
    last = Layer(none, none, np.zeros((2, 0)), np.array([[1.0, 0, 0], [2.0, 1.0, 1.0]]))
    layers = [Layer(*(np.array(array, float) for array in first)), last]
    (bond,) = found_bonds(layers)
    # 7x² is a product of the component and the constant: 7/2 stands in the matrix twice.
    np.testing.assert_allclose(bond.singular_values, [7 / 2, 0], atol=1e-6)
    assert bond.total == pytest.approx(7**2 + 2 * (7 / 2) ** 2)


def test_the_forms_are_orthonormal_in_the_metric_that_is_given_and_in_no_other() -> None:
    layers, metric = random_layers(), random_metric(4, 1)
    root = np.linalg.cholesky(metric)
    changed = in_full(layers, canonical_bonds(layers, metric))
    forms, plain = stack_tensor(changed[:2], root), stack_tensor(changed[:2])
    np.testing.assert_allclose(forms @ forms.T, np.eye(5), atol=1e-9)
    assert abs(plain @ plain.T - np.eye(5)).max() > 0.1


# Cutting


def moved(layers: list[Layer], bonds: list[Bond], place: int, kept: int) -> float:
    """The squared norm by which a cut of one bond moves the logits' tensor."""
    counts = [len(bond.singular_values) for bond in bonds]
    counts[place] = kept
    cut = in_bases(layers, bonds, counts)
    return logit_size(stack_tensor(layers) - stack_tensor(cut))


@pytest.mark.props
@given(networks(max_depth=3, max_size=3).map(lambda model: model.double().layers()).filter(unfolds))
def test_a_cut_moves_the_tensor_by_at_most_the_tail_times_the_occurrences_of_the_bond(
    layers: list[Layer],
) -> None:
    bonds = found_bonds(layers)
    size = reach(layers)
    for place, bond in enumerate(bonds):
        occurrences = 2 ** (len(layers) - place - 1)
        for kept in range(len(bond.singular_values)):
            tail = (bond.singular_values[kept:] ** 2).sum()
            bound = occurrences * tail * (1 + 1e-9) + 1e-13 * size
            assert moved(layers, bonds, place, kept) <= bound


def test_without_the_occurrences_of_the_bond_the_bound_is_false() -> None:
    # y = (x₁², x₂²); the logits are y₁y₂ and, so that no two components weigh the same, y₁²/10.
    reading, one = np.eye(3)[1:], np.eye(3)
    first = Layer(reading, reading, one[:, 1:], np.diag([1.0, 0, 0]))
    last = Layer(one[[1, 1]], one[[2, 1]], np.array([[0, 0], [1, 0], [0, 0.1]]), 0 * one)
    layers = [first, last]
    bonds = found_bonds(layers)
    np.testing.assert_allclose(bonds[0].singular_values ** 2, [0.26, 0.25], rtol=1e-12)
    tail, error = bonds[0].singular_values[1] ** 2, moved(layers, bonds, 0, 1)
    assert tail == pytest.approx(0.25)
    assert error == pytest.approx(0.5)
    assert tail < error <= 2 * tail * (1 + 1e-12)


def test_the_last_components_are_those_that_are_cut() -> None:
    layers = random_layers()
    bonds = found_bonds(layers)
    whole, cut = in_full(layers, bonds), in_bases(layers, bonds, [2, 1])
    assert [layer.linear.shape for layer in cut] == [(3, 4), (2, 3), (3, 2)]
    np.testing.assert_array_equal(cut[0].down, whole[0].down[:3])
    np.testing.assert_allclose(cut[1].left, whole[1].left[:, :3], rtol=1e-12)
    np.testing.assert_allclose(cut[2].linear, whole[2].linear[:, :2], rtol=1e-12)


def test_the_singular_values_of_a_cut_network_are_none_of_those_cut() -> None:
    layers = random_layers(sizes=(3, 4, 2))
    bonds = found_bonds(layers)
    (again,) = found_bonds(in_bases(layers, bonds, [3]))
    assert len(again.singular_values) == 3
    # Cutting takes what was drawn through the cut component from the others too.
    assert (again.singular_values <= bonds[0].singular_values[:3] * (1 + 1e-9)).all()


# Gauges, signs and order


def in_another_gauge(layers: list[Layer], seed: int) -> list[Layer]:
    """The same network, its hidden states in random bases."""
    changed = list(layers)
    for number in range(len(layers) - 1):
        size = len(changed[number].down)
        gauge = np.random.default_rng([seed, number]).normal(size=(size, size))
        gauge[0] = np.eye(size)[0]
        below, above = changed[number], changed[number + 1]
        back = np.linalg.inv(gauge)
        changed[number] = below._replace(down=gauge @ below.down, linear=gauge @ below.linear)
        changed[number + 1] = Layer(above.left @ back, above.right @ back, above.down,
                                    above.linear @ back)  # fmt: skip
    return changed


@pytest.mark.parametrize("seed", range(5))
def test_the_basis_that_a_hidden_state_is_given_in_does_not_matter(seed: int) -> None:
    layers = random_layers(seed)
    other = in_another_gauge(layers, seed)
    bonds, others = found_bonds(layers), found_bonds(other)
    changed, changed_other = in_full(layers, bonds), in_full(other, others)
    for number, (bond, again) in enumerate(zip(bonds, others, strict=True), start=1):
        values = bond.singular_values
        np.testing.assert_allclose(again.singular_values, values, atol=1e-8 * values[0])
        assert again.total == pytest.approx(bond.total, rel=1e-8)
        assert (abs(np.diff(values)) > 1e-3 * values[0]).all(), "the values are distinct"
        forms, same = stack_tensor(changed[:number]), stack_tensor(changed_other[:number])
        signs = np.sign((forms * same).sum(axis=1, keepdims=True))
        np.testing.assert_allclose(same * signs, forms, atol=1e-6)


def test_the_same_network_has_the_same_bases_bit_for_bit() -> None:
    for first, second in zip(
        found_bonds(random_layers()), found_bonds(random_layers()), strict=True
    ):
        for one, other in zip(vars(first).values(), vars(second).values(), strict=True):
            assert np.asarray(one).tobytes() == np.asarray(other).tobytes()


@pytest.mark.parametrize("seed", range(3))
def test_the_largest_entry_of_every_turned_component_is_positive(seed: int) -> None:
    layers = random_layers(seed)
    bond = found_bonds(layers)[0]
    first = with_linear_neurons(layers[0])
    basis, _ = module._orthonormal(products(first, first))
    turn = (basis @ bond.inverse)[1:, 1:]
    np.testing.assert_allclose(turn.T @ turn, np.eye(len(turn)), atol=1e-9)
    largest = abs(turn).argmax(axis=0)
    assert (turn[largest, np.arange(len(turn))] > 0).all()


@pytest.mark.parametrize(
    ("columns", "facing"),
    [
        ([[1.0, -3.0], [-2.0, 1.0]], [[-1.0, 3.0], [2.0, -1.0]]),
        ([[0.0], [0.0]], [[0.0], [0.0]]),
        (np.zeros((0, 0)), np.zeros((0, 0))),
        (np.zeros((3, 0)), np.zeros((3, 0))),
    ],
)
def test_columns_are_turned_so_that_their_largest_entry_is_positive(
    columns: Any, facing: Any
) -> None:
    np.testing.assert_array_equal(facing_up(np.array(columns)), facing)


def test_a_hidden_state_that_is_constant_gets_no_huge_basis() -> None:
    nothing, pass_on = np.zeros((1, 2)), np.eye(2)
    constant = Layer(nothing[:0], nothing[:0], nothing[:0].T, np.array([[1, 0], [0.5625, 0]]))
    dead = Layer(nothing, nothing, nothing.T, pass_on[:1].T @ pass_on[:1])
    assert abs(canonical_bonds([constant, dead], np.eye(2))[0].basis).max() < 1e9
