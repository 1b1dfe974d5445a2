r"""Initial weights with which every layer hands on states of the size that it is given.

Let :math:`s` be the mean square of the components of a layer's input :math:`x`, and let the entries
of :math:`L`, :math:`R` and :math:`D` be independent, of mean 0 and of variance
:math:`\lambda^2/n`, :math:`1/n` and :math:`\delta^2/h`, for :math:`n` inputs and :math:`h`
neurons. In the mean over the weights, :math:`y = D[(Lx) \odot (Rx)]` has the mean square

.. math:: s' = \delta^2 \lambda^2 s^2.

Whatever :math:`\delta` and :math:`\lambda` are, the logarithm of the size doubles with each layer,
and a deep network starts at nothing or at infinity. (Uniform entries within :math:`1/\sqrt n` have
:math:`s' = s^2/27`.) A constant added to one side ends that, as :math:`(1 + Lx) \odot (Rx)` is
linear but for a share: with :math:`\lambda^2 = \varepsilon` and
:math:`\delta^2 = 1/(1 + \varepsilon)`

.. math:: s' = s \, \frac{1 + \varepsilon s}{1 + \varepsilon}.

Size 1 stays, and a small difference from it grows by :math:`(1 + 2\varepsilon)/(1 + \varepsilon)` a
layer: for :math:`\varepsilon = 1/(d + 1)` by less than :math:`e` over all :math:`d`. Where the
constant is from depends on the network:

**Biases.** It is the bias of :math:`L`.

**A residual.** The layer is linear already, and its products get the share :math:`\varepsilon`:
times :math:`\sqrt\varepsilon` they make it :math:`s' = s + \varepsilon s^2`, which from 1 does not
go beyond :math:`d + 1`.

**Neither.** Then :math:`f(ax) = a^{2^d} f(x)`, and no constant is to be had. It is replaced, as in
homogeneous coordinates, by a first component :math:`q` of the hidden state that is hardly ever
negative. The first layer makes it of the squared length of its input, as the mean of products of
rows with the correlation :math:`\rho`: :math:`\mathbb E\,(l \cdot x)(r \cdot x) = \rho s`, and by
their second moment, :math:`(1 + 2\rho^2) s^2`, the other outputs are divided. All layers above but
the last hand on its square, through one neuron, and all add it to :math:`Lx`:
:math:`(q + Lx) \odot (Rx)` is the layer with biases at :math:`x/q`, times :math:`q^2`. As :math:`q`
is of degree :math:`2^i` after layer :math:`i`, the sizes of single images differ by orders of
magnitude at depth 5, whatever the weights: it is the typical size that is 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor, nn

from numeric.networks.bilinear_layer import BilinearLayer
from numeric.networks.configuration import Configuration

INPUT_SIZE = 0.45
"""The root mean square of the inputs that is reckoned with: that of MNIST with noise of 0.3."""

_CORRELATION = 0.8
"""Of the rows of left and right whose products make the constant; at 1 they would never part."""


@torch.no_grad()
def keep_sizes(
    shape: Configuration, embedding: nn.Linear | None, layers: Iterable[nn.Module]
) -> None:
    """Turn weights that are drawn with variance 1/columns into ones that keep sizes.

    Args:
        shape: of the network.
        embedding: the affine map before its layers, if it has one.
        layers: bilinear ones, whose weights have just been drawn; they are changed in place.
    """
    blocks = [cast(BilinearLayer, layer) for layer in layers]
    first = [blocks[0].left, blocks[0].right, blocks[0].skip]
    for affine in first if embedding is None else [embedding]:
        if isinstance(affine, nn.Linear):
            affine.weight /= INPUT_SIZE
    share = 1 / (shape.depth + 1)
    for number, block in enumerate(blocks):
        left, right, down = (_weight(block, side) for side in ("left", "right", "down"))
        if shape.residual:
            down *= math.sqrt(share)
        if shape.bias:
            cast(Tensor, block.left.bias).add_(1)
        elif shape.residual:
            continue
        elif number > 0:
            left[:, 0] += 1 / math.sqrt(share)
        if shape.bias or number > 0:
            left *= math.sqrt(share)
            down /= math.sqrt(1 + share)
        if not shape.bias and number + 1 < shape.depth:
            (_make_constant if number == 0 else _hand_on_constant)(left, right, down)


def _weight(block: BilinearLayer, side: str) -> Tensor:
    return cast(nn.Linear, getattr(block, side)).weight


def _make_constant(left: Tensor, right: Tensor, down: Tensor) -> None:
    """Make the first output the mean square of the inputs, within what chance leaves."""
    right *= math.sqrt(1 - _CORRELATION**2)
    right += _CORRELATION * left
    down /= math.sqrt(1 + 2 * _CORRELATION**2)
    down[0] = 1 / (_CORRELATION * down.shape[1])


def _hand_on_constant(left: Tensor, right: Tensor, down: Tensor) -> None:
    """Make the first output the square of the first input, by the first neuron."""
    for weight in (left, right, down):
        weight[0] = 0
        weight[0, 0] = 1
