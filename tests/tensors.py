"""Slow, obvious tensors: layers and whole stacks multiplied out, entry by entry."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from numeric import Layer

Doubles = npt.NDArray[np.float64]


def interaction(layer: Layer, weights: npt.ArrayLike) -> Doubles:
    """The symmetric matrix of a weighted sum of outputs, the linear part read by the constant."""
    size = layer.linear.shape[1]
    matrix = np.zeros((size, size))
    for output, weight in enumerate(np.asarray(weights)):
        for i in range(size):
            for j in range(size):
                for k, mixed in enumerate(layer.down[output]):
                    crossed = layer.left[k, i] * layer.right[k, j]
                    crossed += layer.left[k, j] * layer.right[k, i]
                    matrix[i, j] += weight * mixed * crossed / 2
        for j in range(size):
            matrix[0, j] += weight * layer.linear[output, j] / 2
            matrix[j, 0] += weight * layer.linear[output, j] / 2
    return matrix


def layer_tensor(layer: Layer) -> Doubles:
    """The symmetric matrices of all outputs, the constant's first."""
    return np.stack([interaction(layer, unit) for unit in np.eye(len(layer.linear))])


def slow_products(first: Layer, second: Layer, metric: Doubles) -> Doubles:
    """The inner products of the outputs' tensors, entry by entry."""
    ones, others = layer_tensor(first), layer_tensor(second)
    found = np.zeros((len(ones), len(others)))
    for o, p in np.ndindex(found.shape):
        for a, b in np.ndindex(ones[o].shape):
            for c, d in np.ndindex(others[p].shape):
                found[o, p] += ones[o, a, b] * others[p, c, d] * metric[a, c] * metric[b, d]
    return found


def slow_environment(layer: Layer, above: Doubles) -> Doubles:
    """What is drawn from each pair of components that a layer reads, entry by entry."""
    tensor = layer_tensor(layer)
    outputs, size, _ = tensor.shape
    found = np.zeros((size, size))
    for i, k, j in np.ndindex(size, size, size):
        for o, p in np.ndindex(outputs, outputs):
            found[i, k] += above[o, p] * tensor[o, i, j] * tensor[p, j, k]
    return found


def stack_tensor(layers: Sequence[Layer], root: Doubles | None = None) -> Doubles:
    """A stack unfolded: shape (outputs + 1, slots), a slot for each tuple of 2^depth components.

    With the root of a metric of the inputs, in coordinates in which that is the identity.
    """
    unfolded = np.eye(layers[0].linear.shape[1]) if root is None else root
    for layer in layers:
        tensor = layer_tensor(layer)
        unfolded = np.einsum("oij,iA,jB->oAB", tensor, unfolded, unfolded, optimize=True)
        unfolded = unfolded.reshape(len(tensor), -1)
    return np.asarray(unfolded)


def logit_size(tensor: npt.NDArray[Any]) -> float:
    """The squared norm of a stack's tensor, component 0 left out: it is no logit."""
    return float((tensor[1:] ** 2).sum())


def random_metric(size: int, seed: int, spread: float = 1.0) -> Doubles:
    """A symmetric positive definite matrix with 1 in the corner."""
    root = spread * np.random.default_rng(seed).normal(size=(size, size)) + np.eye(size)
    root[0] = np.eye(size)[0]
    metric = root @ root.T + 0.1 * np.diag([0.0, *[1.0] * (size - 1)])
    return np.asarray((metric + metric.T) / 2)


def unfolds(layers: Sequence[Layer]) -> bool:
    """Whether a stack's tensor is small enough to be written out."""
    return int(layers[0].linear.shape[1]) ** (1 << len(layers)) <= 70_000


def stack_values(layers: Sequence[Layer], points: npt.NDArray[Any]) -> Doubles:
    """The outputs of a stack at points, by its formula."""
    state = np.concatenate([np.ones((len(points), 1)), points], axis=1)
    for left, right, down, linear in layers:
        state = ((state @ left.T) * (state @ right.T)) @ down.T + state @ linear.T
    return np.asarray(state[:, 1:])


def rounding_scale(layers: Sequence[Layer], points: npt.NDArray[Any]) -> Doubles:
    """How large the terms of the outputs can be: what rounding is relative to."""
    size = np.sqrt(1 + (points**2).sum(axis=-1, keepdims=True))
    for left, right, down, linear in layers:
        pairs = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
        terms = size**2 * (abs(down) @ pairs) + size * np.linalg.norm(linear, axis=1)
        size = np.linalg.norm(terms, axis=-1, keepdims=True)
    return np.asarray(terms[:, 1:])


def random_stack(sizes: Sequence[int], seed: int = 0, neurons: int = 6) -> list[Layer]:
    """Layers of any widths with biases and linear parts, the constant handed on."""
    draw, layers = np.random.default_rng(seed).normal, []
    for below, above in pairwise(sizes):
        shapes = ((neurons, below + 1),) * 2 + ((above + 1, neurons), (above + 1, below + 1))
        left, right, down, linear = (draw(size=shape) for shape in shapes)
        down[0], linear[0] = 0, np.eye(below + 1)[0]
        layers.append(Layer(left, right, down, linear))
    return layers


def of_squares(readings: Doubles, weights: Doubles) -> Layer:
    """A layer whose neurons are squares."""
    return Layer(readings, readings, weights, np.zeros((len(weights), readings.shape[1])))
