r"""What one network reads of its inputs and another does not, from the weights alone.

The difference of two networks is a network: both side by side, the outputs of the first taken from
those of the second. Unfolded it is a tensor :math:`\Delta_o = T'_o - T_o` like each of them, with
legs that all carry the input and are alike. A direction :math:`v` of the inputs put into one of
them leaves :math:`\Delta \cdot v`, of the squared norm

.. math::
    \lVert \Delta \cdot v \rVert^2 = v^\top H v, \qquad
    H = \sum_o \Delta_o^{(1)} \Delta_o^{(1)\top},

with :math:`\Delta^{(1)}` unfolded along that leg. The eigenvectors of :math:`H` are the directions
by which the networks differ, that of the largest eigenvalue the most. Hidden states have no basis
of their own, and need none here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from numeric.comparison.networks import Comparable, comparable
from numeric.errors import NumericError
from numeric.features.bonds import facing_up
from numeric.features.kernels import environment, products, with_linear_neurons
from numeric.networks.normal_form import Layer
from numeric.scalars import check_integer

Doubles = npt.NDArray[np.float64]
Kind = Literal["gained", "lost", "changed"]

_MUCH = 2.0
"""How many times more strongly one network reads what it is said to have gained."""


@dataclass(frozen=True, eq=False)
class Difference:
    r"""A direction of the inputs that two networks read differently.

    Attributes:
        pattern: the direction :math:`v`, of length 1, its largest entry positive, shape (inputs,).
        share: of the squared norm of all that the difference reads of the inputs, from 0 to 1.
        first: how strongly the first network reads it, :math:`\lVert T \cdot v \rVert`.
        second: how strongly the second one does.
        cosine: between what the two make of it, from -1 to 1; 0 where one of them reads nothing.
        outputs: which part of the share each output has, shape (outputs,); they sum to 1.
    """

    pattern: Doubles
    share: float
    first: float
    second: float
    cosine: float
    outputs: Doubles

    @property
    def kind(self) -> Kind:
        """``"gained"`` or ``"lost"`` by the second: one reads it more than twice as strongly."""
        if self.second > _MUCH * self.first:
            return "gained"
        return "lost" if self.first > _MUCH * self.second else "changed"


def difference(first: Comparable, second: Comparable) -> list[Layer]:
    """Return the network whose outputs are those of the second less those of the first.

    The hidden states stand side by side. Nothing is rounded but the difference of the two last
    linear parts, and what :func:`numeric.comparison.networks.plain_layers` multiplies in.

    Args:
        first: a network.
        second: a network of as many inputs and outputs, and as many layers with neurons.

    Returns:
        As many layers as each has, in the normal form.

    Raises:
        NumericError: a network is not one, or they do not fit together; a hidden layer does not
            pass the constant on.

    Examples:
        >>> from numeric import BilinearNetwork, LayeredNetwork
        >>> one, other = (BilinearNetwork(3, 2, depth=2, hidden=4, seed=seed) for seed in (0, 1))
        >>> import torch
        >>> x = torch.ones(1, 3, dtype=torch.float64)
        >>> between = LayeredNetwork(difference(one, other))
        >>> torch.allclose(between(x), other.double()(x) - one.double()(x))
        True
    """
    pair = comparable(first, second)
    _check_depths(*pair)
    found: list[Layer] = []
    widths = (pair[0][0].linear.shape[1], 1)  # both read the same inputs
    for number, (one, other) in enumerate(zip(*pair, strict=True), start=1):
        both = _side_by_side(one, other, widths)
        if number == len(pair[0]):
            both = _subtracted(both, len(one.linear))
        found.append(both)
        widths = len(one.linear), len(other.linear)
    return found


def differences(first: Comparable, second: Comparable, count: int = 5) -> list[Difference]:
    """Return the directions of the inputs by which two networks differ most.

    Args:
        first: a network.
        second: a network that fits it, as for :func:`difference`.
        count: how many at most.

    Returns:
        The strongest first; orthogonal to one another. Fewer where the networks differ by fewer. Of
        differences that are smaller than a hundred-millionth of the networks nothing is known: they
        are rounding.

    Raises:
        NumericError: as :func:`difference`; ``count`` is out of range; the result leaves the range
            of float64.

    Source:
        The unfolding is that of the hierarchical singular value decomposition, L. Grasedyck, SIAM
        J. Matrix Anal. Appl. 31 (2010), applied to a difference.

    Examples:
        >>> from numeric import BilinearNetwork
        >>> one, other = (BilinearNetwork(6, 3, depth=1, hidden=5, seed=seed) for seed in (0, 1))
        >>> [found.kind for found in differences(one, other, 2)]
        ['lost', 'changed']
        >>> differences(one, one)
        []
    """
    count = check_integer(count, "count", least=1)
    one, other = comparable(first, second)
    apart = difference(one, other)
    drawn, here, there = (input_environment(layers) for layers in (apart, one, other))
    values, vectors = np.linalg.eigh(drawn[1:, 1:])
    rounding = np.finfo(np.float64).eps * len(drawn) * (np.trace(here) + np.trace(there))
    kept = [k for k in range(len(values) - 1, -1, -1) if values[k] > rounding][:count]
    outputs = range(1, len(one[-1].linear))
    by_output = [input_environment(apart, [output]) for output in outputs] if kept else []
    found = []
    for k in kept:
        pattern = facing_up(vectors[:, [k]])[:, 0]
        v = np.concatenate([[0.0], pattern])
        parts = np.maximum([v @ matrix @ v for matrix in by_output], 0)
        strengths = np.sqrt(np.maximum([v @ here @ v, v @ there @ v], 0))
        found.append(
            Difference(
                pattern,
                float(values[k] / np.trace(drawn[1:, 1:])),
                float(strengths[0]),
                float(strengths[1]),
                _cosine(v @ here @ v, v @ there @ v, values[k]),
                np.asarray(parts / parts.sum()),
            )
        )
    return found


def input_environment(layers: Sequence[Layer], outputs: Sequence[int] | None = None) -> Doubles:
    r"""Return what the outputs draw from each direction of the inputs.

    Args:
        layers: as :func:`numeric.comparison.networks.plain_layers` returns them.
        outputs: which of them count, from 1; left out, all do.

    Returns:
        :math:`H` of this module for the network's own tensor, shape (inputs + 1, inputs + 1):
        symmetric, its trace the squared norm of the outputs' tensors.

    Raises:
        NumericError: it leaves the range of float64.

    Examples:
        >>> from numeric import BilinearNetwork, tensor_inner_product
        >>> network = BilinearNetwork(3, 2, depth=2, width=4, hidden=5).double()
        >>> drawn = input_environment(network.layers())
        >>> bool(np.isclose(np.trace(drawn), tensor_inner_product(network, network).total))
        True
    """
    whole = [with_linear_neurons(layer) for layer in layers]
    metrics = [np.eye(whole[0].linear.shape[1])]
    with np.errstate(over="ignore", invalid="ignore"):
        for layer in whole[:-1]:
            metrics.append(products(layer, layer, metrics[-1]))
        counted = np.zeros(len(whole[-1].linear))
        counted[slice(1, None) if outputs is None else [*outputs]] = 1.0
        drawn = np.diag(counted)
        for layer, metric in zip(reversed(whole), reversed(metrics), strict=True):
            drawn = environment(layer, drawn, metric)
    if not np.isfinite(drawn).all():
        raise NumericError("expected weights whose inner product float64 can hold, got an overflow")
    return drawn


def _check_depths(one: Sequence[Layer], other: Sequence[Layer]) -> None:
    if len(one) != len(other):
        raise NumericError(
            f"expected second to have {len(one)} layers with neurons like first, got {len(other)}"
        )


def _cosine(one: float, other: float, apart: float) -> float:
    """Return the cosine of two vectors of which squared norms and squared distance are known."""
    sizes = np.sqrt(max(one, 0.0)) * np.sqrt(max(other, 0.0))
    return float(np.clip((one + other - apart) / (2 * sizes), -1, 1)) if sizes else 0.0


def _side_by_side(one: Layer, other: Layer, widths: tuple[int, int]) -> Layer:
    """Return a layer that does what both do, on what they read side by side.

    Args:
        one: a layer.
        other: another.
        widths: of what each reads, the constant counted; of the second 1 where both read the same.
    """
    shared = widths[1] == 1
    after = ((0, 0), (0, 0 if shared else widths[1] - 1))
    ones = [np.pad(rows, after) for rows in (one.left, one.right, one.linear)]
    others = [
        rows if shared else np.insert(rows, [1] * (widths[0] - 1), 0.0, axis=1)
        for rows in (other.left, other.right, other.linear)
    ]
    down = np.zeros((len(one.down) + len(other.down) - 1, len(one.left) + len(other.left)))
    down[: len(one.down), : len(one.left)] = one.down
    down[len(one.down) :, len(one.left) :] = other.down[1:]
    return Layer(
        np.concatenate([ones[0], others[0]]),
        np.concatenate([ones[1], others[1]]),
        down,
        np.concatenate([ones[2], others[2][1:]]),
    )


def _subtracted(both: Layer, outputs: int) -> Layer:
    """Return a layer of two networks' outputs with those of the first taken from the second's."""
    down = np.concatenate([both.down[:1], both.down[outputs:] - both.down[1:outputs]])
    linear = np.concatenate([both.linear[:1], both.linear[outputs:] - both.linear[1:outputs]])
    return both._replace(down=down, linear=linear)
