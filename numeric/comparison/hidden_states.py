"""First hidden states compared between networks, in the basis that their outputs give them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from numeric.comparison.networks import Comparable, comparable
from numeric.errors import NumericError
from numeric.features.bonds import canonical_bonds
from numeric.features.kernels import products, with_linear_neurons
from numeric.networks.normal_form import Layer
from numeric.scalars import check_integer

Doubles = npt.NDArray[np.float64]


def bond_cosines(first: Comparable, second: Comparable, count: int) -> Doubles:
    r"""Compare the first hidden states of two networks, whatever their bases.

    The ``count`` strongest canonical forms of each are an orthonormal basis of a space of quadratic
    forms over :math:`\tilde x`, once the constant is taken out. The singular values of

    .. math::
        C_{ik} = \langle Q_i, R_k \rangle

    are the cosines of the principal angles between the two spaces.

    Args:
        first: a network of at least two layers with neurons.
        second: another, of as many inputs and outputs; width and depth may differ.
        count: the dimension of the spaces compared.

    Returns:
        ``count`` numbers between 0 and 1, descending.

    Raises:
        NumericError: a network has one layer, or fewer hidden forms than ``count``; as
            :func:`numeric.comparison.networks.comparable`.

    Source:
        A. Bjorck and G. H. Golub, *Numerical methods for computing angles between linear
        subspaces*, Math. Comp. 27 (1973).

    Examples:
        >>> from numeric import BilinearNetwork
        >>> network = BilinearNetwork(6, 3, depth=2, width=4, hidden=5)
        >>> bond_cosines(network, network, 2).round(9)
        array([1., 1.])
    """
    strongest = []
    for name, layers in zip(("first", "second"), comparable(first, second), strict=True):
        if len(layers) < 2:
            raise NumericError(f"expected {name} to have a hidden state, got a single layer")
        count = check_forms(count, "count", layers, name)
        strongest.append(with_linear_neurons(canonical_first(layers)))
    one, other = strongest
    between = products(one, other)[1 : count + 1, 1 : count + 1]
    return np.asarray(np.minimum(np.linalg.svd(between, compute_uv=False), 1))


def canonical_first(layers: Sequence[Layer]) -> Layer:
    """Return the first of several layers, its outputs in their canonical basis.

    Args:
        layers: at least two, as :func:`numeric.comparison.networks.plain_layers` returns them.

    Returns:
        The layer; after the constant, its outputs stand in the order of what is drawn from them.

    Examples:
        >>> from numeric import BilinearNetwork
        >>> layers = BilinearNetwork(6, 3, depth=2, width=4, hidden=5).double().layers()
        >>> canonical_first(layers).down.shape
        (5, 5)
    """
    bond = canonical_bonds(layers, np.eye(layers[0].linear.shape[1]))[0]
    first = layers[0]
    return first._replace(down=bond.basis @ first.down, linear=bond.basis @ first.linear)


def check_forms(count: int, argument: str, layers: Sequence[Layer], name: str = "network") -> int:
    """Return a number of hidden forms, at most as many as there are.

    Raises:
        NumericError: with the name of the argument and of the network.

    Examples:
        >>> from numeric import BilinearNetwork
        >>> check_forms(5, "forms", BilinearNetwork(6, 3, depth=2, width=4).layers())
        Traceback (most recent call last):
        ...
        numeric.errors.NumericError: expected forms to be at most 4, all of network, got 5
    """
    number = check_integer(count, argument, least=1)
    available = len(layers[0].linear) - 1
    if number > available:
        raise NumericError(
            f"expected {argument} to be at most {available}, all of {name}, got {number}"
        )
    return number
