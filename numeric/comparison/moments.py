r"""Moments of networks over normal inputs, from their weights: in closed form for up to two layers.

Over :math:`\tilde x = (1, x)` with :math:`x \sim N(0, I)`, let :math:`Q_i` be symmetric matrices
whose corner (the constant of the form) is taken out. Of the forms
:math:`z_i = \mu_i + \tilde x^\top Q_i \tilde x - \operatorname{tr} Q_i` the joint cumulants are

.. math::
    \kappa_1 &= \mu_1, \qquad \kappa_2 = 2\operatorname{tr}(Q_1 Q_2), \qquad
    \kappa_3 = 8\operatorname{tr}(Q_1 Q_2 Q_3), \\
    \kappa_4 &= 16\,[\operatorname{tr}(1234) + \operatorname{tr}(1243) + \operatorname{tr}(1324)]
    - 32\,[v_{12} v_{34} + v_{13} v_{24} + v_{14} v_{23}],

with :math:`v_{ij} = e_0^\top Q_i Q_j e_0`, a quarter of the product of the linear parts. These are
the textbook cumulants with the linear parts absorbed: in a cycle of traces the constant may be met
once, as :math:`l^\top Q \cdots Q\,l`, never twice. With the corners out, two meetings need four
matrices.

Source:
    L. Isserlis, Biometrika 12 (1918); for the cumulants of quadratic forms, A. M. Mathai and
    S. B. Provost, *Quadratic Forms in Random Variables* (1992). Derived here for joint
    cumulants with linear parts, and held against moments in fractions by the tests.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from numeric.features.decompositions import interaction_matrix
from numeric.features.kernels import environment, products, with_linear_neurons
from numeric.networks.normal_form import Layer, handed_on
from numeric.scalars import check_integer

Doubles = npt.NDArray[np.float64]

_ENTRIES = 1 << 22
"""How many numbers one step holds at once."""

_BATCH = 4096
"""How many inputs are drawn at once."""


def expected_products(first: Sequence[Layer], second: Sequence[Layer]) -> Doubles:
    r"""Return the mean products of the outputs of two networks over normal inputs.

    One layer has :math:`E[fg] = \mu_f \mu_g + 2\operatorname{tr}(QR)`. In two, with hidden forms
    :math:`Q_i` and :math:`R_k`, :math:`f = \tilde z^\top A \tilde z` and
    :math:`g = \tilde z'^\top B \tilde z'`; the sum over the set partitions of four forms is

    .. math::
        E[fg] = E[f]\,E[g] + 8\,[\langle S, S' \rangle - S_{00} S'_{00}]
        + 8\operatorname{tr}(A K B K^\top) - 64\operatorname{tr}(A V B V^\top)
        + 16 \sum_{ijkl} A_{ij} B_{kl} \operatorname{tr}(Q_i R_k Q_j R_l),

    where :math:`S = \sum_i (A\mu)_i Q_i + 2\sum_{ij} A_{ij} Q_i Q_j`, likewise :math:`S'`,
    :math:`K_{ik} = \langle Q_i, R_k \rangle` and :math:`V_{ik} = e_0^\top Q_i R_k e_0`.

    Args:
        first: one or two layers in the normal form, the first output of each the constant.
        second: the same, of as many inputs.

    Returns:
        Shape (outputs + 1 of the first, outputs + 1 of the second).

    Examples:
        >>> constant, square = np.diag([1.0, 0.0]), np.eye(2)[1:]
        >>> of_square = [Layer(square, square, square.T, constant)]
        >>> expected_products(of_square, of_square)
        array([[1., 1.],
               [1., 3.]])
    """
    if max(len(first), len(second)) == 1:
        (mean, forms), (other_mean, other_forms) = _centred(first[0]), _centred(second[0])
        return np.asarray(np.outer(mean, other_mean) + 2 * products(forms, other_forms))
    one, other = _Outputs.of(first), _Outputs.of(second)
    inner = products(one.forms, other.forms)
    touching = _first_columns(one.forms) @ _first_columns(other.forms).T
    return np.asarray(
        np.outer(one.means, other.means)
        + 8 * one.slopes @ other.slopes.T
        + 8 * _paired(one.mixing, inner, other.mixing)
        - 64 * _paired(one.mixing, touching, other.mixing)
        + 16 * _crossed(one, other)
    )


def drawn_outputs(
    first: Sequence[Layer], second: Sequence[Layer], samples: int, seed: int
) -> Iterator[tuple[Doubles, Doubles]]:
    """Yield the outputs of two networks at the same normal inputs, in batches.

    Args:
        first: layers in the normal form.
        second: the same, of as many inputs.
        samples: how many inputs to draw in all.
        seed: draws them.

    Yields:
        Two arrays of shape (inputs of a batch, outputs).

    Raises:
        NumericError: fewer than two samples, or a seed below 0.

    Examples:
        >>> none, square = np.zeros((2, 2)), np.eye(2)[1:]
        >>> ((one, other),) = drawn_outputs(*[[Layer(square, square, square.T, none)]] * 2, 9, 0)
        >>> one.shape, bool((one == other).all())
        ((9, 1), True)
    """
    samples = check_integer(samples, "samples", least=2)
    generator = np.random.default_rng(check_integer(seed, "seed", least=0))
    size = first[0].linear.shape[1]
    for start in range(0, samples, _BATCH):
        state = generator.standard_normal((min(_BATCH, samples - start), size))
        state[:, 0] = 1
        yield handed_on(first, state)[:, 1:], handed_on(second, state)[:, 1:]


def standard_error(values: Doubles) -> float:
    """Return the standard error of a mean.

    Examples:
        >>> standard_error(np.array([1.0, 3.0]))
        1.0
    """
    return float(values.std(ddof=1) / np.sqrt(len(values)))


@dataclass(frozen=True)
class _Outputs:
    """Two layers, as what is needed of them once for all their products.

    Attributes:
        forms: the hidden forms without their constants, linear parts written as neurons.
        mixing: the matrix of each output over the hidden forms.
        means: of each output.
        slopes: of each output the matrix S, without its corner, in a row.
    """

    forms: Layer
    mixing: Doubles
    means: Doubles
    slopes: Doubles

    @classmethod
    def of(cls, layers: Sequence[Layer]) -> _Outputs:
        """Expand one or two layers."""
        mean, forms = _centred(layers[0])
        size = len(mean)
        none = np.zeros((0, size))
        passing = Layer(none, none, none.T, np.eye(size))
        top = with_linear_neurons(layers[1] if len(layers) > 1 else passing)
        mixing = np.stack([interaction_matrix(top, unit) for unit in np.eye(len(top.down))])
        covariance = 2 * products(forms, forms)
        slopes = [
            interaction_matrix(forms, matrix @ mean) + 2 * environment(forms, matrix)
            for matrix in mixing
        ]
        for slope in slopes:
            slope[0, 0] = 0
        return cls(
            forms,
            mixing,
            mixing @ mean @ mean + np.tensordot(mixing, covariance),
            np.stack(slopes).reshape(len(mixing), -1),
        )


def _centred(layer: Layer) -> tuple[Doubles, Layer]:
    """Return the means of a layer's outputs, and its forms without their constants."""
    layer = Layer(*(array.astype(np.float64) for array in layer))
    neurons = layer.left * layer.right
    linear = layer.linear.copy()
    linear[:, 0] = -layer.down @ neurons[:, 0]
    means = layer.down @ neurons.sum(axis=1) + layer.linear[:, 0]
    return means, with_linear_neurons(layer._replace(linear=linear))


def _first_columns(forms: Layer) -> Doubles:
    left, right, down, _ = forms
    return np.asarray(down @ (left * right[:, :1] + right * left[:, :1]) / 2)


def _paired(first: Doubles, between: Doubles, second: Doubles) -> Doubles:
    r"""Return :math:`\operatorname{tr}(A K B K^\top)` for all pairs of outputs."""
    moved = between.T @ first @ between
    return np.asarray(moved.reshape(len(first), -1) @ second.reshape(len(second), -1).T)


def _crossed(one: _Outputs, other: _Outputs) -> Doubles:
    r"""Return :math:`\sum A_{ij} B_{kl} \operatorname{tr}(Q_i R_k Q_j R_l)` for all pairs.

    The forms of the second network are sums over its neurons, so the trace is one over pairs
    :math:`s, t` of neurons, of products such as :math:`(l_s^\top Q_i r_t)(r_s^\top Q_j l_t)`: a
    quadratic form in the index of the first network's forms at each pair.
    """
    drawn = other.forms.down.T @ other.mixing @ other.forms.down
    total = np.zeros((len(one.mixing), len(other.mixing)))
    for rows, (both_left, left_right, right_left, both_right) in _blocks(one.forms, other.forms):
        weights = drawn[:, rows].reshape(len(drawn), -1)
        for output, matrix in enumerate(one.mixing):
            seen = (matrix @ left_right) * right_left + (matrix @ both_left) * both_right
            total[output] += weights @ seen.sum(axis=0) / 2
    return total


def _blocks(one: Layer, other: Layer) -> Iterator[tuple[slice, list[Doubles]]]:
    """Yield what the first forms make of pairs of the other's rows, some neurons at a time.

    Each array has the shape (forms, pairs of a chosen neuron with any).
    """
    forms, neurons = len(one.down), len(other.left)
    step = max(1, _ENTRIES // (4 * max(len(one.left), neurons) * forms))
    rows = np.stack([other.left, other.right])
    by_left, by_right = rows @ one.left.T, rows @ one.right.T
    for start in range(0, neurons, step):
        chosen = slice(start, start + step)
        arrays = []
        for side, facing in ((0, 0), (0, 1), (1, 0), (1, 1)):
            left = (by_left[side, chosen] * one.down[:, None]) @ by_right[facing].T
            right = (by_right[side, chosen] * one.down[:, None]) @ by_left[facing].T
            arrays.append(((left + right) / 2).reshape(forms, -1))
        yield chosen, arrays
