r"""How alike two networks are, as polynomials and from their weights alone.

Two inner products, because "alike" has two meanings. The tensor inner product compares the networks
as they are composed, layer by layer, at any depth. The Gaussian one compares nothing but the
functions, on inputs :math:`x \sim N(0, I)`; it has a closed form for up to two layers.

A layer without neurons (an embedding, a head) is multiplied into the layer beside it first, so that
networks with and without one can be compared. Layers with neurons are what counts as depth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from numeric.comparison.moments import drawn_outputs, expected_products, standard_error
from numeric.comparison.networks import Comparable, comparable
from numeric.errors import NumericError
from numeric.features.kernels import products, with_linear_neurons
from numeric.networks.normal_form import Layer

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class InnerProduct:
    """An inner product of two networks.

    Attributes:
        pairs: of each output of the first with each of the second, shape (outputs, outputs).
        total: the sum over equal outputs, the trace of ``pairs``.
        method: ``"closed form"``, right to rounding, or ``"sampled"``, an estimate.
        pair_standard_errors: of ``pairs``, 0 for a closed form.
        standard_error: of ``total``, 0 for a closed form.
    """

    pairs: Doubles
    total: float
    method: str
    pair_standard_errors: Doubles
    standard_error: float


@dataclass(frozen=True)
class Similarity:
    """A normalised inner product of two networks.

    Attributes:
        value: between -1 and 1.
        method: ``"closed form"``, right to rounding, or ``"sampled"``, an estimate.
        standard_error: of ``value`` to first order, 0 for a closed form.
    """

    value: float
    method: str
    standard_error: float


def tensor_inner_product(first: Comparable, second: Comparable) -> InnerProduct:
    r"""Return the inner product of two networks' tensors, at any depth.

    Unfolded, a network of :math:`L` layers is a tree: each layer's symmetric matrices with those of
    the layer below put in for both its inputs. Output :math:`o` is a tensor :math:`T_o` with
    :math:`2^L` indices over :math:`\tilde x = (1, x)`. Bottom up, the inner products of two
    networks' hidden forms are the metric that the next layer is compared in,

    .. math::
        \langle T_o, T'_p \rangle = \sum_{r,s} D_{or} D'_{ps}\,\tfrac12\big[(L G L'^\top)_{rs}
        (R G R'^\top)_{rs} + (L G R'^\top)_{rs} (R G L'^\top)_{rs}\big], \qquad G_1 = I.

    Each layer's matrices are symmetric, the tensors are not in all their indices: networks with one
    function and other tensors exist from two layers on, and differ here. A linear part counts as
    neurons that read the constant. Bases of hidden states do not matter.

    Args:
        first: a network.
        second: a network of as many inputs and outputs, and as many layers with neurons.

    Returns:
        In closed form, for all pairs of outputs and their sum.

    Raises:
        NumericError: a network is not one, or they do not fit together; a hidden layer does not
            pass the constant on; the result leaves the range of float64.

    Source:
        :func:`analytic.derivations.tensor_inner_product` for one layer; for deep ones, L.
        Grasedyck, SIAM J. Matrix Anal. Appl. 31 (2010), section 5.

    Examples:
        >>> from numeric import BilinearNetwork
        >>> network = BilinearNetwork(3, 2, depth=3, width=4, hidden=5)
        >>> found = tensor_inner_product(network, network)
        >>> bool(np.all(np.linalg.eigvalsh(found.pairs) > 0)), found.method
        (True, 'closed form')
    """
    one, other = comparable(first, second)
    if len(one) != len(other):
        raise NumericError(
            f"expected second to have {len(one)} layers with neurons like first, got {len(other)}"
        )
    with np.errstate(over="ignore", invalid="ignore"):
        return _in_closed_form(_tensor_pairs(one, other))


def gaussian_inner_product(
    first: Comparable, second: Comparable, *, samples: int | None = None, seed: int = 0
) -> InnerProduct:
    r"""Return the mean product of two networks' outputs over standard normal inputs.

    .. math::
        \langle f, g \rangle = \sum_o E_{x \sim N(0, I)}[f_o(x)\,g_o(x)].

    Biases, linear parts and all moments of the hidden states are in it. The closed form, for up to
    two layers with neurons, is that of :func:`numeric.comparison.moments.expected_products`. It
    takes time of the order of forms · neurons³ and memory of outputs · inputs²: seconds for 784
    inputs, 64 forms and 256 neurons. In three layers the sum over set partitions has blocks of up
    to eight forms and nothing like it is known; a mean over samples takes its place.

    Args:
        first: a network.
        second: a network of as many inputs and outputs; depths may differ.
        samples: how many inputs to draw, at least 2; left out, the closed form is taken.
        seed: draws them.

    Returns:
        For all pairs of outputs and their sum. Of a sampled mean the standard error is estimated
        from the same samples. Products of deep networks have heavy tails: the error is then itself
        uncertain, and rather too small.

    Raises:
        NumericError: a network is not one, or they do not fit together; a hidden layer does not
            pass the constant on; a network is too deep for the closed form and ``samples`` left
            out; the result leaves the range of float64.

    Source:
        :func:`analytic.derivations.gaussian_inner_product` for one layer;
        :mod:`numeric.comparison.moments` for two.

    Examples:
        >>> from numeric import BilinearNetwork
        >>> network = BilinearNetwork(3, 2, depth=2, width=4, hidden=5)
        >>> found = gaussian_inner_product(network, network)
        >>> drawn = gaussian_inner_product(network, network, samples=20_000)
        >>> abs(found.total - drawn.total) < 5 * drawn.standard_error
        True
    """
    one, other = comparable(first, second)
    with np.errstate(over="ignore", invalid="ignore"):
        if samples is None:
            return _in_closed_form(_gaussian_pairs(one, other))
        return _sampled_pairs(one, other, samples, seed)


def similarity(
    first: Comparable,
    second: Comparable,
    measure: str = "tensor",
    *,
    samples: int | None = None,
    seed: int = 0,
) -> Similarity:
    r"""Return the cosine of the angle between two networks.

    .. math::
        \frac{\langle f, g \rangle}{\sqrt{\langle f, f \rangle \langle g, g \rangle}} \in [-1, 1].

    Args:
        first: a network.
        second: a network that fits it.
        measure: ``"tensor"`` or ``"gaussian"``, the inner product.
        samples: for the Gaussian measure of deep networks, how many inputs to draw.
        seed: draws them.

    Returns:
        The value, with its standard error if it is sampled. All three inner products are then taken
        over the same samples.

    Raises:
        NumericError: as the inner product; there is no such measure; a network is zero.

    Examples:
        >>> from numeric import BilinearNetwork
        >>> network = BilinearNetwork(3, 2, depth=2, width=4, hidden=5)
        >>> round(similarity(network, network).value, 12)
        1.0
    """
    if measure not in ("tensor", "gaussian"):
        raise NumericError(f"expected measure to be 'tensor' or 'gaussian', got {measure!r}")
    one, other = comparable(first, second)
    if samples is not None:
        if measure == "tensor":
            raise NumericError(f"expected samples for the gaussian measure alone, got {samples}")
        return _sampled_similarity(one, other, samples, seed)
    product = tensor_inner_product if measure == "tensor" else gaussian_inner_product
    norms = product(one, one).total, product(other, other).total
    _check_not_zero(norms)
    # Each root by itself: the product of two norms may leave the range of float64.
    value = product(one, other).total / np.sqrt(norms[0]) / np.sqrt(norms[1])
    return Similarity(float(np.clip(value, -1, 1)), "closed form", 0.0)


def _tensor_pairs(one: Sequence[Layer], other: Sequence[Layer]) -> Doubles:
    metric = np.eye(one[0].linear.shape[1])
    for layer, facing in zip(one, other, strict=True):
        metric = products(with_linear_neurons(layer), with_linear_neurons(facing), metric)
    return metric


def _gaussian_pairs(one: Sequence[Layer], other: Sequence[Layer]) -> Doubles:
    for name, layers in (("first", one), ("second", other)):
        if len(layers) > 2:
            raise NumericError(
                f"expected {name} to have at most 2 layers with neurons for the closed form, got "
                f"{len(layers)}: pass samples to estimate the mean"
            )
    return expected_products(one, other)


def _in_closed_form(pairs: Doubles) -> InnerProduct:
    outputs = pairs[1:, 1:]
    _check_finite(outputs)
    errors = np.zeros_like(outputs)
    return InnerProduct(outputs, float(np.trace(outputs)), "closed form", errors, 0.0)


def _sampled_pairs(
    one: Sequence[Layer], other: Sequence[Layer], samples: int, seed: int
) -> InnerProduct:
    sums = np.zeros((2, len(one[-1].linear) - 1, len(other[-1].linear) - 1))
    totals = []
    for here, there in drawn_outputs(one, other, samples, seed):
        sums += here.T @ there, (here**2).T @ there**2
        totals.append((here * there).sum(axis=1))
    means, squares = sums / samples
    _check_finite(squares)
    errors = np.sqrt(np.maximum(squares - means**2, 0) / (samples - 1))
    total = np.concatenate(totals)
    return InnerProduct(means, float(np.trace(means)), "sampled", errors, standard_error(total))


def _sampled_similarity(
    one: Sequence[Layer], other: Sequence[Layer], samples: int, seed: int
) -> Similarity:
    with np.errstate(over="ignore", invalid="ignore"):
        products_of = np.concatenate(
            [
                np.stack([(f * g).sum(axis=1), (f**2).sum(axis=1), (g**2).sum(axis=1)])
                for f, g in drawn_outputs(one, other, samples, seed)
            ],
            axis=1,
        )
        both, *norms = products_of.mean(axis=1)
        _check_finite(both + norms)
    _check_not_zero(norms)
    value = both / np.sqrt(norms[0]) / np.sqrt(norms[1])
    scaled = products_of / np.array([[1.0], [norms[0]], [norms[1]]])
    scaled[0] /= np.sqrt(norms[0]) * np.sqrt(norms[1])
    # To first order the ratio moves by its numerator's part less half of each norm's.
    moves = scaled[0] - value * (scaled[1] + scaled[2]) / 2
    return Similarity(float(np.clip(value, -1, 1)), "sampled", standard_error(moves))


def _check_finite(values: Doubles) -> None:
    if not np.isfinite(values).all():
        raise NumericError("expected weights whose inner product float64 can hold, got an overflow")


def _check_not_zero(norms: Sequence[float]) -> None:
    for name, norm in zip(("first", "second"), norms, strict=True):
        if not norm > 0:
            raise NumericError(f"expected {name} to be another function than 0, got a norm of 0")
