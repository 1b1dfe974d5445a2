r"""A stack of layers around images: what its hidden states do when an image moves a little.

With :math:`N^l_o` the symmetric matrix of the bilinear part of an output of layer :math:`l`, the
constant left out, and :math:`J_l` the layer's derivative at the image, the moves :math:`\delta_l`
of the hidden states follow exactly

.. math::
    \delta_0 = d, \qquad \delta_l = J_l\,\delta_{l-1} + q_l, \qquad
    q_{l,o} = \delta_{l-1}^\top N^l_o\,\delta_{l-1}.

An image has many pixels, and most directions of them move no hidden state to speak of. Of a move
:math:`d = U z + y` with :math:`U^\top y = 0`, the coordinates :math:`z` are followed exactly,
:math:`q_1` becoming :math:`\hat q_o = z^\top C_o\,z` with :math:`C_o = U^\top N^1_o U`; all that
:math:`y` does is some :math:`p` added to :math:`\delta_1`. With :math:`\Pi = I - U U^\top`,

.. math::
    p_o = \big(J_1 \Pi\,y\big)_o + (2 U z + y)^\top N^1_o \Pi\,y, \qquad
    |p| \le \kappa\,|y|, \qquad
    \kappa = \|J_1 \Pi\| + 2 \rho\,\max_{|w| = 1} \Big\|\sum_o w_o N^1_o \Pi\Big\|

for :math:`|d| \le \rho` (:func:`analytic.derivations.multiplier_bound`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from numeric import Layer
from numeric.features.kernels import environment, with_linear_neurons
from numeric.networks.normal_form import Floats, checked_layers
from proofs.bounds.norms import schatten_norms
from proofs.errors import ProofError

Doubles = npt.NDArray[np.float64]

RANK = 160
"""How many directions of the pixels are followed exactly."""

_REACH = 2.0
"""A radius as large as any that is expected, to weigh a direction's bend against its slope."""

_FLOOR = 1e-6
"""The least of the eigenvalues that say how much a hidden direction counts, beside the largest."""

_BATCH = 100
"""How many images' derivatives are held at once."""


@dataclass(frozen=True, eq=False)
class Compressed:
    r"""A stack of layers in a basis of few directions of its input.

    Attributes:
        layers: in the normal form, in float64.
        basis: :math:`U`, orthonormal columns, shape (inputs, directions).
        bends: :math:`C_o`, shape (outputs, directions, directions).
        forms: the matrices :math:`N^l_o` of the layers above the first, each of shape
            (outputs, inputs, inputs).
        roots: for each hidden state :math:`R_l = W_l^{-1}`, where :math:`W_l` says how much its
            directions count.
        turned: for each layer but the last the matrices of the rows of :math:`W_l`.
        spread: :math:`\sum_w (\sum_o w_o C_o)^2` over the rows :math:`w` of :math:`W_1`.
        bend: its norm.
        furthest: the largest norm of a sum :math:`\sum_o w_o N^1_o \Pi`, or more.
    """

    layers: list[Layer]
    basis: Doubles
    bends: Doubles
    forms: list[Doubles]
    roots: list[Doubles]
    turned: list[Doubles]
    spread: Doubles
    bend: float
    furthest: float

    @classmethod
    @np.errstate(over="ignore", invalid="ignore")
    def of(cls, layers: Sequence[Layer], basis: Doubles) -> Compressed:
        """Compress a stack.

        Args:
            layers: in the normal form, every hidden state with the constant first.
            basis: orthonormal columns, shape (inputs, directions).

        Raises:
            ProofError: a hidden state has no constant.
            NumericError: a layer is none.
        """
        stack = with_constants(layers)
        bends = _bends(stack[0], basis)
        forms = [_bends(layer, np.eye(layer.left.shape[1] - 1)) for layer in stack[1:]]
        roots = list(map(_root, forms))
        pairs = zip(roots, [bends, *forms], strict=False)
        turned = [np.tensordot(np.linalg.inv(root), below, 1) for root, below in pairs]
        spread = np.zeros(bends.shape[1:])
        if turned:
            spread = np.tensordot(turned[0], turned[0], ((0, 2), (0, 1)))
        bend = float(schatten_norms(spread))
        furthest = _furthest(stack[0], basis)
        return cls(stack, basis, bends, forms, roots, turned, spread, bend, furthest)


@dataclass(frozen=True, eq=False)
class Surroundings:
    r"""A stack at an image: what depends neither on the rival class nor on the radius.

    Attributes:
        stack: with the weights.
        logits: shape (classes,).
        straight: :math:`J_1 U`, shape (components of the first state, directions).
        jacobians: :math:`J_l` of all layers from the second on.
        missing: :math:`\|J_1 \Pi\|`, or a little more.
    """

    stack: Compressed
    logits: Doubles
    straight: Doubles
    jacobians: list[Doubles]
    missing: float


def surroundings(stack: Compressed, images: Floats) -> Iterator[Surroundings]:
    """Yield the stack at each image.

    Args:
        stack: compressed.
        images: shape (images, inputs).
    """
    for start in range(0, len(images), _BATCH):
        points = images[start : start + _BATCH].astype(np.float64)
        state = np.concatenate([np.ones((len(points), 1)), points], axis=1)
        slopes = []
        for left, right, down, linear in stack.layers:
            lefts, rights = state @ left.T, state @ right.T
            slope = (down[1:] * lefts[:, None]) @ right[:, 1:]
            slopes.append(slope + (down[1:] * rights[:, None]) @ left[:, 1:] + linear[1:, 1:])
            state = (lefts * rights) @ down.T + state @ linear.T
        straight = slopes[0] @ stack.basis
        missing = schatten_norms(slopes[0] - straight @ stack.basis.T)
        for place, logits in enumerate(state[:, 1:]):
            above = [slope[place] for slope in slopes[1:]]
            yield Surroundings(stack, logits, straight[place], above, float(missing[place]))


@np.errstate(over="ignore", invalid="ignore")
def pixel_basis(layers: Sequence[Layer], images: Floats, rank: int = RANK) -> Doubles:
    r"""Return the directions of the input that move the first hidden state most.

    They are the first eigenvectors of :math:`\overline{J^\top J} + \rho^2 \sum_o N_o^2`, the mean
    taken over images.

    Args:
        layers: in the normal form.
        images: some that are typical, shape (images, inputs).
        rank: how many directions; all of them where there are no more inputs.

    Returns:
        Orthonormal columns, shape (inputs, directions).

    Examples:
        >>> from numeric import BilinearNetwork
        >>> layers = BilinearNetwork(4, 2, depth=2, width=3, hidden=5).layers()
        >>> pixel_basis(layers, np.ones((1, 4)), rank=2).shape
        (4, 2)
    """
    first = with_linear_neurons(with_constants(layers)[0])
    inputs = images.shape[1]
    if inputs <= rank:
        return np.eye(inputs)
    points = np.concatenate([np.ones((len(images), 1)), images.astype(np.float64)], axis=1)
    metric = 4 * points.T @ points / len(points)
    metric[np.arange(1, inputs + 1), np.arange(1, inputs + 1)] += _REACH**2
    weights = np.diag([0.0, *np.ones(len(first.down) - 1)])
    drawn = environment(first, weights, metric)[1:, 1:]
    return np.ascontiguousarray(_eigenvalues(drawn)[1][:, ::-1][:, :rank])


def with_constants(layers: Sequence[Layer]) -> list[Layer]:
    """Return the layers in float64, if every hidden state has the constant as component 0.

    Raises:
        ProofError: one has not.
        NumericError: a layer is none.
    """
    stack = checked_layers(layers)
    for number, layer in enumerate(stack[:-1], start=1):
        constant = np.eye(1, layer.linear.shape[1])[0]
        if layer.down[0].any() or not np.array_equal(layer.linear[0], constant):
            raise ProofError(
                f"expected component 0 of layer {number} to be the constant, handed on by the "
                "linear part alone"
            )
    return [Layer(*(array.astype(np.float64) for array in layer)) for layer in stack]


def _bends(layer: Layer, basis: Doubles) -> Doubles:
    """Return the symmetric matrices of the outputs' bilinear parts, in a basis."""
    left, right = (rows[:, 1:] @ basis for rows in (layer.left, layer.right))
    forms = left.T @ (layer.down[1:, :, None] * right)
    return np.asarray((forms + forms.swapaxes(1, 2)) / 2)


def _root(forms: Doubles) -> Doubles:
    r"""Return the inverse of how much directions count: of :math:`(\sum_o N_o^2)^{1/4}`."""
    values, vectors = _eigenvalues(np.tensordot(forms, forms, ((0, 2), (0, 1))))
    sizes = np.maximum(values, 0.0) / (values[-1] or 1.0) + _FLOOR
    return np.asarray((vectors * sizes**-0.25) @ vectors.T)


def _eigenvalues(matrix: Doubles) -> tuple[Doubles, Doubles]:
    """Return eigenvalues and eigenvectors; of zeros where numbers left the range of float64."""
    finite = bool(np.isfinite(matrix).all())
    values, vectors = np.linalg.eigh(matrix if finite else np.zeros_like(matrix))
    return values, vectors


def _furthest(layer: Layer, basis: Doubles) -> float:
    """Bound what a move outside of the basis and any other move do together."""
    left, right = layer.left[:, 1:], layer.right[:, 1:]
    ones, others = np.concatenate([left, right]), np.concatenate([right, left])
    others = others - others @ basis @ basis.T
    down = np.tile(layer.down[1:], 2)
    gram = down @ ((ones @ ones.T) * (others @ others.T)) @ down.T
    return float(np.sqrt(schatten_norms(gram)) / 2)
