r"""Differences to a baseline, shared out among the pixels: exactly, as far as a polynomial allows.

Integrated gradients follow the straight path between the two images; Shapley values average over
all orders in which pixels may leave the baseline. At one layer they agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import networkx as nx
import numpy as np
import numpy.typing as npt
import torch

from numeric.errors import NumericError
from numeric.explanation.explanations import class_signs
from numeric.graphs.forward_pass import checked_images
from numeric.graphs.graph import square_layers
from numeric.graphs.rewrite import RewrittenNetwork
from numeric.graphs.schema import Node
from numeric.networks.inference import usual_torch
from numeric.networks.normal_form import SquareLayer

Doubles = npt.NDArray[np.float64]


@usual_torch(gradients=True)
def integrated_gradients(
    graph: nx.DiGraph[Node],
    image: npt.ArrayLike,
    baseline: npt.ArrayLike,
    label: int,
    against: int | None = None,
) -> Doubles:
    r"""Share out the difference of a logit to a baseline by gradients along the straight path.

    .. math::
        A_i = (x_i - a_i) \int_0^1 \partial_i f\big(a + t(x - a)\big)\,dt, \qquad
        \sum_i A_i = f(x) - f(a).

    Along the path :math:`f` is a polynomial in :math:`t` of degree :math:`2^L`, with :math:`L` the
    number of layers that square, so the integrand has degree :math:`2^L - 1`. Gauss-Legendre
    quadrature with :math:`n` nodes integrates degrees up to :math:`2n - 1`, so
    :math:`n = 2^{L-1}` nodes leave nothing but rounding, and one fewer is not enough.

    Args:
        graph: in the schema of :mod:`numeric.graphs.graph`.
        image: :math:`x`, shape (inputs,).
        baseline: :math:`a`, shape (inputs,).
        label: the class whose logit :math:`f` is.
        against: the class whose logit is taken off it.

    Returns:
        Shape (inputs,).

    Raises:
        NumericError: the graph breaks the schema, an image does not fit it, or there is no such
            class.

    Source:
        M. Sundararajan, A. Taly, Q. Yan, *Axiomatic Attribution for Deep Networks*,
        arXiv 1703.01365; in symbols ``analytic.derivations.path_attribution``.

    Examples:
        >>> from numeric import BilinearNetwork, rewrite, trace
        >>> graph = trace(BilinearNetwork(3, 2, depth=2, width=4, hidden=5))
        >>> x = torch.tensor([[0.0, 0.0, 0.0], [0.2, 0.0, 0.9]])
        >>> before, after = rewrite(graph)(x)[:, 1].tolist()
        >>> bool(np.isclose(integrated_gradients(graph, x[1], x[0], 1).sum(), after - before))
        True
    """
    layers = square_layers(graph)
    start, step = _from_baseline(graph, image, baseline)
    signs = torch.from_numpy(class_signs(graph, label, against)[1:])
    squaring = sum(layer.mixing.size > 0 for layer in layers)
    nodes, weights = np.polynomial.legendre.leggauss(2 ** max(squaring - 1, 0))
    points = torch.from_numpy(start + np.outer((1 + nodes) / 2, step))
    logits = RewrittenNetwork(layers)(points.requires_grad_()) @ signs
    (gradients,) = torch.autograd.grad(logits @ torch.from_numpy(weights / 2), points)
    return np.asarray(step * gradients.numpy().sum(axis=0))


def shapley_values(
    graph: nx.DiGraph[Node],
    image: npt.ArrayLike,
    baseline: npt.ArrayLike,
    label: int,
    against: int | None = None,
) -> Doubles:
    r"""Share out the difference of a logit to a baseline by Shapley values, exactly.

    The players are the pixels; a coalition's worth is the logit where its pixels are the image's
    and all others the baseline's. With :math:`z_i \in \{0, 1\}` for a pixel's presence the logit is
    a multilinear polynomial, as :math:`z_i^2 = z_i`, and a monomial :math:`c \prod_{i \in S} z_i`
    gives each :math:`i \in S` the part :math:`c / |S|`. One layer has
    :math:`b \cdot z + z^\top Q z` with the values :math:`b_i + \sum_j Q_{ij}`. Two layers have
    squares of such, whose monomials are summed by size over how pairs of pixels overlap: time and
    memory grow with the square of the number of pixels that differ from the baseline.

    Args:
        graph: in the schema of :mod:`numeric.graphs.graph`, with at most two layers that square.
        image: shape (inputs,).
        baseline: shape (inputs,).
        label: the class whose logit is shared out.
        against: the class whose logit is taken off it.

    Returns:
        Shape (inputs,). They sum to the difference; a pixel that is as in the baseline has 0.

    Raises:
        NumericError: the graph breaks the schema or has three layers that square, an image does not
            fit it, or there is no such class.

    Source:
        L. S. Shapley, *A value for n-person games* (1953); by the multilinear polynomial,
        G. Owen, Management Science 18 (1972).

    Examples:
        >>> from numeric import BilinearNetwork, rewrite, trace
        >>> graph = trace(BilinearNetwork(3, 2, depth=2, width=4, hidden=5))
        >>> x = torch.tensor([[0.0, 0.0, 0.0], [0.2, 0.0, 0.9]])
        >>> before, after = rewrite(graph)(x)[:, 1].tolist()
        >>> bool(np.isclose(shapley_values(graph, x[1], x[0], 1).sum(), after - before))
        True
    """
    layers = _folded(square_layers(graph))
    start, step = _from_baseline(graph, image, baseline)
    if len(layers) > 2:
        raise NumericError(
            f"expected graph to have at most two layers that square, got {len(layers)}: of deeper "
            "ones integrated_gradients gives the shares along a path"
        )
    moved = np.flatnonzero(step)
    presence = _Presence.of(layers[0], np.concatenate([[1.0], start]), step[moved], moved + 1)
    signs = class_signs(graph, label, against)
    values = np.zeros_like(step)
    if len(layers) == 1:
        values[moved] = _shapley(*presence.quadratic(signs))
        return values
    above = layers[1]
    values[moved] = _shapley(*presence.quadratic(signs @ above.linear))
    for weight, reading in zip(signs @ above.mixing, above.readings, strict=True):
        if weight:
            values[moved] += weight * _shapley_of_square(*presence.quadratic(reading))
    return values


class _Presence(NamedTuple):
    """A layer's outputs for pixels that are there or not, each c + b·z + zᵀQz, Q without diagonal.

    Attributes:
        constants: c, shape (outputs + 1,).
        singles: b, shape (outputs + 1, pixels).
        pairs: Q, shape (outputs + 1, pixels, pixels).
    """

    constants: Doubles
    singles: Doubles
    pairs: Doubles

    @classmethod
    def of(
        cls, layer: SquareLayer, start: Doubles, step: Doubles, columns: npt.NDArray[np.intp]
    ) -> _Presence:
        at_start, steps = layer.readings @ start, layer.readings[:, columns] * step
        singles = layer.linear[:, columns] * step
        pairs = np.empty((len(singles), len(columns), len(columns)))
        for output, weights in enumerate(layer.mixing):
            used = np.flatnonzero(weights)
            weighted = weights[used, None] * steps[used]
            np.matmul(weighted.T, steps[used], out=pairs[output])
            singles[output] += 2 * at_start[used] @ weighted + np.diagonal(pairs[output])
            np.fill_diagonal(pairs[output], 0.0)
        return cls(layer.mixing @ at_start**2 + layer.linear @ start, singles, pairs)

    def quadratic(self, weights: Doubles) -> tuple[float, Doubles, Doubles]:
        """Return c, b and Q of a weighted sum of the outputs."""
        constant, single = weights @ self.constants, weights @ self.singles
        return float(constant), single, np.tensordot(weights, self.pairs, axes=1)


def _shapley(_: float, single: Doubles, pairs: Doubles) -> Doubles:
    return np.asarray(single + pairs.sum(axis=1))


def _shapley_of_square(constant: float, single: Doubles, pairs: Doubles) -> Doubles:
    """Return the values of (c + b·z + zᵀQz)²: sums of a pixel's monomials, over their sizes."""
    degree, squares = pairs.sum(axis=1), (pairs**2).sum(axis=1)
    reach, mixed = pairs @ degree, pairs @ single
    total, others = degree.sum(), single.sum() - single
    one = 2 * constant * single + single**2
    two = 4 * constant * degree + 2 * single * others + 4 * (single * degree + mixed + squares)
    # Of b·z times zᵀQz three different pixels; of two pairs, one pixel in both of them, the player
    # being this one or an end; and, of size four, two pairs apart.
    three = 2 * single * (total - 2 * degree) + 4 * (others * degree - mixed)
    three += 4 * (degree**2 - squares) + 8 * (reach - squares)
    four = 4 * (total * degree - 2 * degree**2 - 2 * reach + 2 * squares)
    return np.asarray(one + two / 2 + three / 3 + four / 4)


def _folded(layers: Sequence[SquareLayer]) -> list[SquareLayer]:
    """Multiply the layers that square nothing into their neighbours; low parts are added."""
    folded: list[SquareLayer] = []
    for readings, low, mixing, linear in layers:
        layer = SquareLayer(readings + low, np.zeros_like(low), mixing, linear)
        if folded and not folded[-1].mixing.size:
            below = folded.pop().linear
            layer = layer._replace(readings=layer.readings @ below, linear=linear @ below)
        elif folded and not mixing.size:
            below_layer = folded.pop()
            layer = below_layer._replace(
                mixing=linear @ below_layer.mixing, linear=linear @ below_layer.linear
            )
        folded.append(layer)
    return folded


def _from_baseline(
    graph: nx.DiGraph[Node], image: npt.ArrayLike, baseline: npt.ArrayLike
) -> tuple[Doubles, Doubles]:
    """Return the checked baseline and the way from it to the image."""
    start = checked_images(graph, baseline, "baseline", axes=(1,))
    return start, checked_images(graph, image, "image", axes=(1,)) - start
