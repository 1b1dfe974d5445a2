"""Hidden states that are odd: none at all, zero, constant, of low rank, or beyond all range."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from numeric import BilinearNetwork, NumericError
from numeric.features.bonds import canonical_bonds, in_bases
from tests.tensors import random_stack, stack_values


def test_a_network_of_one_layer_has_no_bonds() -> None:
    layers = random_stack((3, 2))
    assert canonical_bonds(layers, np.eye(4)) == []
    for array, same in zip(in_bases(layers, [], [])[0], layers[0], strict=True):
        np.testing.assert_array_equal(array, same)


@pytest.mark.parametrize("scale", [0.0, 1e-90, 1e-45])
def test_a_hidden_state_that_is_nothing_or_nearly_so_has_a_basis(scale: float) -> None:
    network = BilinearNetwork(3, 2, depth=3, width=2, hidden=4).double()
    with torch.no_grad():
        for parameter in network.blocks[0].parameters():
            parameter.mul_(scale)
    layers, points = network.layers(), np.random.default_rng(0).normal(size=(5, 3))
    bonds = canonical_bonds(layers, np.eye(4))
    assert all(np.isfinite(array).all() for bond in bonds for array in (bond.basis, bond.inverse))
    assert bonds[0].singular_values.max() < 1e-40
    assert bonds[0].total == pytest.approx(bonds[1].total)
    found = stack_values(in_bases(layers, bonds, [2, 2]), points)
    np.testing.assert_allclose(found, stack_values(layers, points), rtol=1e-9)


def test_a_hidden_state_that_is_constant_weighs_nothing_but_the_constant() -> None:
    layers = random_stack((3, 2, 2))
    layers[0].down[:], layers[0].linear[1:, 1:] = 0, 0
    (bond,) = canonical_bonds(layers, np.eye(4))
    assert bond.singular_values.max() <= 1e-6 * np.sqrt(bond.total)
    points = np.random.default_rng(0).normal(size=(5, 3))
    found = stack_values(in_bases(layers, [bond], [2]), points)
    np.testing.assert_allclose(found, stack_values(layers, points), rtol=1e-9)


def test_repeated_components_leave_a_bond_of_lower_rank() -> None:
    layers = random_stack((3, 4, 2))
    for array in (layers[0].down, layers[0].linear):
        array[3], array[4] = array[1], 2 * array[1] - array[2]
    (bond,) = canonical_bonds(layers, np.eye(4))
    assert bond.singular_values[1] > 0.01 * bond.singular_values[0]
    assert bond.singular_values[2] < 1e-6 * bond.singular_values[0]
    cut, points = in_bases(layers, [bond], [2]), np.random.default_rng(0).normal(size=(5, 3))
    np.testing.assert_allclose(stack_values(cut, points), stack_values(layers, points), rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "column", "entry"),
    [("linear", 0, 2.0), ("linear", 0, 0.0), ("linear", 2, 1.0), ("down", 1, 1.0)],
)
def test_a_hidden_state_without_the_constant_is_refused(
    name: str, column: int, entry: float
) -> None:
    layers = random_stack((3, 3, 4, 2))
    getattr(layers[1], name)[0, column] = entry
    with pytest.raises(NumericError, match="component 0 of layer 2 to be the constant"):
        canonical_bonds(layers, np.eye(4))


def test_component_0_of_the_last_layer_may_be_anything() -> None:
    layers = random_stack((3, 3, 4, 2))
    expected = canonical_bonds(layers, np.eye(4))
    layers[-1].down[0], layers[-1].linear[0] = 5, 7
    for bond, again in zip(expected, canonical_bonds(layers, np.eye(4)), strict=True):
        np.testing.assert_allclose(again.singular_values, bond.singular_values, rtol=1e-12)


@pytest.mark.parametrize(("layer", "number"), [(0, 1), (1, 2), (2, 2)])
def test_forms_beyond_the_range_of_floats_are_refused_by_the_layer(layer: int, number: int) -> None:
    layers = random_stack((3, 2, 2, 2))
    layers[layer].down[1:] *= 1e200
    layers[layer].left[:] *= 1e20
    with pytest.raises(NumericError, match=f"forms of layer {number}, and what is drawn from them"):
        canonical_bonds(layers, np.eye(4))


def test_weights_beyond_the_range_of_floats_in_another_basis_are_refused_by_the_layer() -> None:
    layers = random_stack((3, 2, 2))
    (bond,) = canonical_bonds(layers, np.eye(4))
    layers[0].down[1:] *= 1e9
    with pytest.raises(NumericError, match="weights of layer 1 in other bases within the range"):
        in_bases(layers, [replace(bond, basis=bond.basis * 1e308)], [2])
