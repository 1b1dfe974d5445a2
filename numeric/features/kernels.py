r"""Inner products of a layer's forms, from its factors: no third-order tensor is built.

A layer without linear part has the forms :math:`Q_o = \sum_k D_{ok}\,\tfrac12(l_k r_k^\top + r_k
l_k^\top)`. Products of two of them need products of rows alone, so what would be a tensor of
:math:`n \cdot m^2` numbers costs work in :math:`h \times h`. Only where there are so many neurons
that the tensor is smaller, as in graphs of eigenfeatures, it is written out.

Source:
    The identities are :func:`analytic.derivations.tensor_inner_product` and, for environments, the
    hierarchical singular value decomposition: L. Grasedyck, *Hierarchical singular value
    decomposition of tensors*, SIAM J. Matrix Anal. Appl. 31 (2010).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from numeric.networks.normal_form import Layer

Doubles = npt.NDArray[np.float64]


def with_linear_neurons(layer: Layer) -> Layer:
    """Return a layer whose linear part is written as neurons that read the constant.

    Examples:
        >>> none, linear = np.zeros((0, 2)), np.eye(2)
        >>> with_linear_neurons(Layer(none, none, np.zeros((2, 0)), linear)).left
        array([[1., 0.],
               [1., 0.]])
    """
    left, right, down, linear = (np.asarray(array, dtype=np.float64) for array in layer)
    constant = np.zeros_like(linear)
    constant[:, 0] = 1.0
    return Layer(
        np.concatenate([left, constant]),
        np.concatenate([right, linear]),
        np.concatenate([down, np.eye(len(linear))], axis=1),
        np.zeros_like(linear),
    )


def span(*rows: npt.NDArray[Any]) -> Doubles:
    """Return orthonormal columns that span rows, or the coordinates if these are no more.

    Args:
        rows: of a layer, such as those of all left and of all right sides, each of shape
            (neurons, inputs + 1).

    Examples:
        >>> abs(span(np.array([[2.0, 0.0]]), np.zeros((0, 2))))
        array([[1.],
               [0.]])
    """
    basis: Doubles = np.linalg.qr(np.concatenate(rows).T.astype(np.float64))[0]
    return basis if basis.shape[1] < len(basis) else np.eye(len(basis))


def products(first: Layer, second: Layer, metric: Doubles | None = None) -> Doubles:
    r"""Return the inner products of the outputs of two layers, as forms.

    .. math::
        \langle Q_o, Q'_p \rangle = \sum_{r,s} D_{or} D'_{ps}\,\tfrac12\big[(L G L'^\top)_{rs}
        (R G R'^\top)_{rs} + (L G R'^\top)_{rs} (R G L'^\top)_{rs}\big].

    Args:
        first: a layer, its linear part written as neurons.
        second: a layer that reads the same components.
        metric: :math:`G`, the Gram matrix of those; left out, the identity.

    Returns:
        Shape (outputs + 1 of the first, outputs + 1 of the second).

    Examples:
        >>> square = Layer(np.eye(2)[1:], np.eye(2)[1:], np.eye(2)[:, 1:], np.zeros((2, 2)))
        >>> products(square, square)
        array([[0., 0.],
               [0., 1.]])
    """
    if _by_forms(first, second):
        return _products_of_forms(first, second, metric)
    left, right = (rows if metric is None else rows @ metric for rows in (first.left, first.right))
    straight = (left @ second.left.T) * (right @ second.right.T)
    crossed = (left @ second.right.T) * (right @ second.left.T)
    return np.asarray(first.down @ ((straight + crossed) / 2) @ second.down.T)


def roundings(layer: Layer) -> int:
    """Return how many roundings an inner product of :func:`products` goes through at most.

    Those that made the metric come to it twice, as the metric does.

    Args:
        layer: taken with itself, its linear part written as neurons.
    """
    neurons, size = layer.left.shape
    forms = size**2 if _by_forms(layer, layer) else 0
    return int(forms + 4 * size + 2 * neurons + 16)


def _by_forms(first: Layer, second: Layer) -> bool:
    """Return whether the forms themselves have fewer entries than there are pairs of neurons."""
    return max(_entries(first), _entries(second)) < len(first.left) * len(second.left)


def _products_of_forms(first: Layer, second: Layer, metric: Doubles | None) -> Doubles:
    """Return what :func:`products` does, by way of the forms: for many neurons and few inputs."""
    one = _forms(first)
    other = one if second is first else _forms(second)
    if metric is not None:
        one = metric.T @ one @ metric
    return np.asarray(one.reshape(len(one), -1) @ other.reshape(len(other), -1).T)


def _entries(layer: Layer) -> int:
    """Return how many numbers the forms of a layer have."""
    return int(len(layer.down) * layer.linear.shape[1] ** 2)


def _forms(layer: Layer) -> Doubles:
    """Return the symmetric matrix of every output, shape (outputs + 1, inputs + 1, inputs + 1)."""
    size = layer.linear.shape[1]
    forms = np.empty((len(layer.down), size, size))
    for output, weights in enumerate(layer.down):
        used = np.flatnonzero(weights)
        half = layer.left[used].T @ (weights[used, np.newaxis] * layer.right[used])
        forms[output] = (half + half.T) / 2
    return forms


def environment(layer: Layer, above: Doubles, metric: Doubles | None = None) -> Doubles:
    r"""Return what is drawn from the components that a layer reads.

    .. math::
        H_{ik} = \sum_{o,p} A_{op} \sum_{j,l} (Q_o)_{ij}\, G_{jl}\, (Q_p)_{lk}.

    Args:
        layer: its linear part written as neurons.
        above: :math:`A`, what is drawn from its outputs, shape (outputs + 1, outputs + 1).
        metric: :math:`G`, the Gram matrix of what it reads; left out, the identity.

    Returns:
        Symmetric, shape (inputs + 1, inputs + 1). Its eigenvalues are the squared singular values
        of the bond, and its trace is that of ``above`` where the forms are orthonormal.

    Examples:
        >>> square = Layer(np.eye(2)[1:], np.eye(2)[1:], np.eye(2)[:, 1:], np.zeros((2, 2)))
        >>> environment(square, np.eye(2))
        array([[0., 0.],
               [0., 1.]])
    """
    left, right, down, _ = layer
    if _entries(layer) < len(left) ** 2:
        forms = _forms(layer)
        mixed = np.tensordot(above, forms, 1)
        mixed = mixed if metric is None else metric @ mixed
        return np.asarray(np.tensordot(forms, mixed, axes=([0, 2], [0, 1])))
    drawn = down.T @ above @ down
    lefts, rights = (rows if metric is None else rows @ metric for rows in (left, right))
    crossed = left.T @ (drawn * (rights @ left.T)) @ right
    straight = left.T @ (drawn * (rights @ right.T)) @ left
    straight += right.T @ (drawn * (lefts @ left.T)) @ right
    return np.asarray((straight + crossed + crossed.T) / 4)


def stack_products(first: Sequence[Layer], second: Sequence[Layer]) -> Doubles:
    r"""Return the inner products of the outputs of two stacks, as tensors of the input.

    The inner products of the hidden forms of one stack with those of the other are the metric
    between them that the next layers' products take.

    Args:
        first: layers, their linear parts written as neurons.
        second: as many layers, of the same inputs.

    Returns:
        Shape (outputs + 1 of the first, outputs + 1 of the second).
    """
    metric = np.eye(first[0].linear.shape[1])
    for one, other in zip(first, second, strict=True):
        metric = products(one, other, metric)
    return metric
