r"""How far images can be moved before a stack of layers may predict another class.

Around an image every layer is its value, its derivative and its bilinear part of the move
(:func:`analytic.derivations.local_bound`). A hidden state is moved by :math:`J_l\,\delta + e_l`,
and with :math:`\beta_l^2` the largest eigenvalue of the Gram matrix of the layer's bilinear
outputs,

.. math::
    |e_l| \le |A_l|\,|e_{l-1}| + \beta_l\,\big(|J_{l-1}|\,\rho + |e_{l-1}|\big)^2, \qquad
    m(x + \delta) \ge m_0 - |g|\,\rho - |a|\,|e| - |M|\,\big(|J|\,\rho + |e|\big)^2

for :math:`|\delta| \le \rho`. The largest :math:`\rho` that leaves all margins positive is sought
in float64, and shortened by more than its rounding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from numeric.normal_form import Floats, Layer

Doubles = npt.NDArray[np.float64]

_BATCH = 50
_HALVINGS = 60
_SHORTENED = 1 - 1e-6


@dataclass(frozen=True, eq=False)
class _Tangent:
    """A stack around some images, in norms.

    Attributes:
        margins: of the class over each other, shape (images, classes); infinite for itself.
        slopes: the norms of their gradients by the pixels, of the same shape.
        sensitivities: the norms of their gradients by what the last layer reads.
        curvatures: the norms of their bilinear parts.
        hidden: for each hidden state the norms of its derivative by the state below and by the
            pixels, shape (images,), and that of its bilinear part.
    """

    margins: Doubles
    slopes: Doubles
    sensitivities: Doubles
    curvatures: Doubles
    hidden: list[tuple[Doubles, Doubles, float]]

    def least(self, radius: Doubles) -> Doubles:
        """Return the least that a margin can be within a radius, shape (images,)."""
        moved, rest = radius, np.zeros_like(radius)
        for local, slope, curvature in self.hidden:
            rest = local * rest + curvature * moved**2
            moved = slope * radius + rest
        bent = self.sensitivities * rest[:, None] + self.curvatures * (moved**2)[:, None]
        return np.asarray((self.margins - self.slopes * radius[:, None] - bent).min(axis=1))


def radii(
    stacks: Sequence[Sequence[Layer]], images: Floats, classes: npt.NDArray[np.int64]
) -> Doubles:
    """Return distances within which every stack of layers keeps the class of each image.

    Args:
        stacks: each a network in the normal form, all of the same inputs and outputs.
        images: shape (images, inputs).
        classes: that is to be kept, shape (images,).

    Returns:
        Shape (images,), in the Euclidean norm of the pixels; 0 where a stack does not predict the
        class.
    """
    found = np.full(len(images), np.inf)
    for layers in stacks:
        start = 0
        for tangent in _tangents(layers, images.astype(np.float64), classes):
            part = slice(start, start + len(tangent.margins))
            found[part] = np.minimum(found[part], _largest(tangent))
            start = part.stop
    return found * _SHORTENED


def _largest(tangent: _Tangent) -> Doubles:
    """Return the largest radius that leaves all margins positive."""
    low = np.zeros(len(tangent.margins))
    with np.errstate(divide="ignore", invalid="ignore"):
        high = np.fmin((tangent.margins / tangent.slopes).min(axis=1), 1e6)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        kept = tangent.least(middle) > 0
        low, high = np.where(kept, middle, low), np.where(kept, high, middle)
    return low


def _tangents(
    layers: Sequence[Layer], images: Doubles, classes: npt.NDArray[np.int64]
) -> Iterator[_Tangent]:
    """Yield the stack around the images, some at a time."""
    stack = [Layer(*(array.astype(np.float64) for array in layer)) for layer in layers]
    curvatures = [np.sqrt(_norms(_gram(layer))) for layer in stack[:-1]]
    pairs = _pair_norms(stack[-1])
    for start in range(0, len(images), _BATCH):
        part = slice(start, start + _BATCH)
        yield _tangent(stack, curvatures, pairs, images[part], classes[part])


def _tangent(
    stack: Sequence[Layer],
    curvatures: Sequence[Doubles],
    pairs: Doubles,
    images: Doubles,
    classes: npt.NDArray[np.int64],
) -> _Tangent:
    state = np.concatenate([np.ones((len(images), 1)), images], axis=1)
    slope, hidden = np.eye(images.shape[1]), []
    for number, (left, right, down, linear) in enumerate(stack):
        lefts, rights = state @ left.T, state @ right.T
        local = (down[1:] * lefts[:, None]) @ right[:, 1:]
        local += (down[1:] * rights[:, None]) @ left[:, 1:] + linear[1:, 1:]
        state = (lefts * rights) @ down.T + state @ linear.T
        if number + 1 < len(stack):
            slope = local @ slope
            hidden.append((_norms(local), _norms(slope), float(curvatures[number])))
    rows = np.arange(len(images))
    logits = state[:, 1:]
    margins = logits[rows, classes][:, None] - logits
    margins[rows, classes] = np.inf
    gradients = local[rows, classes][:, None] - local
    return _Tangent(
        margins,
        np.linalg.norm(gradients @ slope, axis=2),
        np.linalg.norm(gradients, axis=2),
        pairs[classes],
        hidden,
    )


def _gram(layer: Layer) -> Doubles:
    """Return the inner products of a layer's outputs as forms in the inputs alone."""
    left, right, down = layer.left[:, 1:], layer.right[:, 1:], layer.down
    products = (left @ left.T) * (right @ right.T) + (left @ right.T) * (right @ left.T)
    return np.asarray(down @ (products / 2) @ down.T)


def _pair_norms(last: Layer) -> Doubles:
    """Return the norms of the forms by which two logits differ, shape (classes, classes)."""
    left, right, down = last.left[:, 1:], last.right[:, 1:], last.down[1:]
    norms = np.zeros((len(down), len(down)))
    for one in range(len(down)):
        for other in range(one):
            form = (left * (down[one] - down[other])[:, None]).T @ right
            norms[one, other] = norms[other, one] = _norms((form + form.T) / 2)
    return norms


def _norms(matrices: Doubles) -> Doubles:
    """Return norms, spectral or little larger: of the singular values' eighth powers."""
    squares = matrices @ matrices.swapaxes(-1, -2)
    return np.asarray(np.linalg.norm(squares @ squares, axis=(-2, -1)) ** 0.25)
