"""Stacks around images, the first layer in a basis of what it reads, against the definitions."""

from __future__ import annotations

import numpy as np
import pytest

from numeric import BilinearNetwork
from proofs.bounds.surroundings import Stack, surroundings, with_constants
from proofs.errors import ProofError
from tests.proofs.bounds.balls import fourth_power, logits_at
from tests.tensors import layer_tensor, random_stack


def test_forms_are_the_interaction_matrices_without_the_constant() -> None:
    layers = random_stack([3, 2, 4, 2], seed=3)
    stack = Stack.of(layers)
    np.testing.assert_array_equal(stack.basis, np.eye(3))
    for weights, form in zip(np.eye(2), layer_tensor(layers[0])[1:, 1:, 1:], strict=True):
        np.testing.assert_allclose(stack.form(weights), form, atol=1e-12)
    for layer, forms in zip(layers[1:], stack.forms, strict=True):
        np.testing.assert_allclose(forms, layer_tensor(layer)[1:, 1:, 1:], atol=1e-12)


@pytest.mark.parametrize("inputs", [3, 12])
def test_sums_of_forms_are_those_of_forms_that_are_written_out(inputs: int) -> None:
    layers = random_stack([inputs, 3, 2], seed=1)
    first = layers[0]._replace(linear=layers[0].linear * np.eye(1, inputs + 1))
    stack, draw = Stack.of([first, layers[1]]), np.random.default_rng(0)
    assert stack.basis.shape == (inputs, min(inputs, 2 * len(first.left)))
    forms = stack.basis.T @ layer_tensor(first)[1:, 1:, 1:] @ stack.basis
    weights, some = draw.normal(size=(3, 3)), stack.basis[:2].T
    weights = weights + weights.T
    np.testing.assert_allclose(
        stack.squares(weights), np.einsum("jk,jab,kbc->ac", weights, forms, forms), atol=1e-9
    )
    np.testing.assert_allclose(stack.gram, np.einsum("jab,kab->jk", forms, forms), atol=1e-9)
    sums = np.tensordot(weights, forms, 1)
    np.testing.assert_allclose(stack.forms_within(weights, some), some.T @ sums @ some, atol=1e-9)


@pytest.mark.parametrize("inputs", [3, 12])
def test_derivatives_are_those_of_the_layers(inputs: int) -> None:
    layers = random_stack([inputs, 2, 4], seed=3)
    image, step = np.random.default_rng(0).normal(size=inputs), 1e-6
    stack = Stack.of(layers)
    around = next(surroundings(stack, image[None]))
    moved = [logits_at(layers, image + step * unit) for unit in np.eye(inputs)]
    slopes = (np.array(moved) - logits_at(layers, image)).T / step
    margin = np.array([1.0, 0, -1, 2])
    found = around.gradients(margin)
    np.testing.assert_allclose(stack.basis @ found[0], margin @ slopes, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(found[1], margin @ around.jacobians[1])
    np.testing.assert_array_equal(found[2], margin)
    np.testing.assert_allclose(around.logits, logits_at(layers, image), atol=1e-12)


def test_what_is_read_is_read_in_a_basis_whatever_its_size() -> None:
    layers = random_stack([9, 2, 3], seed=0)
    first = layers[0]._replace(left=layers[0].left * 1e200, right=layers[0].right * 1e-200)
    basis = Stack.of([first, layers[1]]).basis
    np.testing.assert_allclose(basis.T @ basis, np.eye(basis.shape[1]), atol=1e-12)
    for rows in (first.left, first.right, first.linear[1:]):
        np.testing.assert_allclose(rows[:, 1:] @ basis @ basis.T, rows[:, 1:], rtol=1e-9)


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
