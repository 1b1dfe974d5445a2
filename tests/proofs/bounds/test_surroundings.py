"""Stacks around images, their pixels compressed, against the definitions."""

from __future__ import annotations

import numpy as np
import pytest

from numeric import BilinearNetwork
from proofs.bounds.surroundings import (
    Compressed,
    pixel_basis,
    surroundings,
    with_constants,
)
from proofs.errors import ProofError
from tests.proofs.bounds.balls import fourth_power, logits_at
from tests.tensors import layer_tensor, random_stack


def test_forms_are_the_interaction_matrices_without_the_constant() -> None:
    layers = random_stack([3, 2, 4, 2], seed=3)
    stack = Compressed.of(layers, np.eye(3))
    np.testing.assert_allclose(stack.bends, layer_tensor(layers[0])[1:, 1:, 1:], atol=1e-12)
    for layer, forms in zip(layers[1:], stack.forms, strict=True):
        np.testing.assert_allclose(forms, layer_tensor(layer)[1:, 1:, 1:], atol=1e-12)
    assert stack.furthest < 1e-12
    for root, turned, forms in zip(
        stack.roots, stack.turned, [stack.bends, *stack.forms], strict=False
    ):
        np.testing.assert_allclose(np.tensordot(root, turned, 1), forms, atol=1e-9)


def test_derivatives_are_those_of_the_layers() -> None:
    layers = random_stack([3, 2, 4], seed=3)
    image, step = np.array([0.3, -0.2, 0.9]), 1e-6
    around = next(surroundings(Compressed.of(layers, np.eye(3)), image[None]))
    moved = [logits_at(layers, image + step * unit) for unit in np.eye(3)]
    slopes = (np.array(moved) - logits_at(layers, image)).T / step
    np.testing.assert_allclose(around.jacobians[0] @ around.straight, slopes, atol=1e-3)
    np.testing.assert_allclose(around.logits, logits_at(layers, image), atol=1e-12)
    assert around.missing < 1e-12


@pytest.mark.parametrize("seed", range(5))
def test_what_is_missing_is_what_the_other_directions_do(seed: int) -> None:
    layers = random_stack([5, 3, 2], seed=seed)
    draw = np.random.default_rng(seed)
    basis = np.linalg.qr(draw.normal(size=(5, 2)))[0]
    stack, tensor = Compressed.of(layers, basis), layer_tensor(layers[0])[1:]
    x, z, y = draw.normal(size=5), draw.normal(size=2), draw.normal(size=5)
    y -= basis @ (basis.T @ y)
    around = next(surroundings(stack, x[None]))
    point, move = np.append(1.0, x), np.append(0.0, basis @ z + y)
    whole = np.array([2 * point @ form @ move + move @ form @ move for form in tensor])
    kept = around.straight @ z + np.array([z @ bend @ z for bend in stack.bends])
    found, length = np.linalg.norm(whole - kept), np.linalg.norm(y)
    allowed = around.missing + 2 * np.linalg.norm(move) * stack.furthest
    assert 0.05 * allowed * length < found <= allowed * length


def test_without_slopes_two_moves_together_are_what_is_missing() -> None:
    first, *above = random_stack([5, 3, 2], seed=0)
    first.left[:, 0], first.right[:, 0], first.linear[1:] = 0, 0, 0
    draw = np.random.default_rng(0)
    basis = np.linalg.qr(draw.normal(size=(5, 2)))[0]
    stack = Compressed.of([first, *above], basis)
    around = next(surroundings(stack, np.zeros((1, 5))))
    assert around.missing < 1e-12
    beside = np.linalg.svd(basis)[0][:, 2]
    for direction in basis.T:
        step = 1e3 * direction + beside
        tensor = layer_tensor(first)[1:, 1:, 1:]
        found = [step @ form @ step - 1e6 * direction @ form @ direction for form in tensor]
        allowed = 2 * np.linalg.norm(step) * stack.furthest
        assert 0.05 * allowed < np.linalg.norm(found) <= allowed


def test_a_basis_has_orthonormal_columns_that_move_the_state_most() -> None:
    layers = random_stack([6, 3, 3], seed=0)
    images = np.random.default_rng(0).random((4, 6))
    basis = pixel_basis(layers, images, rank=3)
    np.testing.assert_allclose(basis.T @ basis, np.eye(3), atol=1e-12)
    missing = [
        next(surroundings(Compressed.of(layers, each), images)).missing
        for each in (basis, pixel_basis(layers, images, rank=4), np.eye(6)[:, :3])
    ]
    assert missing[1] < missing[0] < missing[2]
    np.testing.assert_array_equal(pixel_basis(layers, images), np.eye(6))


@pytest.mark.parametrize("embedding", [True, False])
def test_networks_hand_the_constant_on(embedding: bool) -> None:
    network = BilinearNetwork(3, 2, depth=2, width=2, hidden=3, embedding=embedding, residual=True)
    stack = with_constants(network.layers())
    assert all(array.dtype == np.float64 for layer in stack for array in layer)


@pytest.mark.parametrize("change", ["linear part", "neuron"])
def test_a_state_without_constant_is_refused(change: str) -> None:
    (first, last), (right, _) = fourth_power(), fourth_power()
    if change == "neuron":
        first = first._replace(down=np.ones((2, 1)))
    else:
        first = first._replace(linear=np.diag([np.nextafter(1.0, 2.0), 0.0]))
    with pytest.raises(ProofError, match="expected component 0 of layer 1 to be the constant"):
        with_constants([first, last])
    # No state is made of the last layer's outputs.
    assert len(with_constants([right, first])) == 2
