"""How far a stack moves when components of a hidden state are cut: a bound, and why it needs n."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, product

import sympy

from analytic.derivations.derivation import Derivation, check_sizes
from analytic.derivations.symbols import (
    SymbolicLayer,
    column,
    inner_product,
    symmetric_part,
    vector,
)
from analytic.errors import AnalyticError, check_integer

Index = tuple[int, ...]


def truncation_bound(
    bond: int = 3, kept: int = 1, layers_above: int = 1, outputs: int = 1
) -> Derivation:
    r"""Derive that a cut moves a stack by at most the tail times the bond's occurrences.

    Unfolded, a stack of :math:`L` layers is a tensor in which the bond above layer :math:`\ell`
    occurs :math:`n = 2^{L-\ell}` times. In a basis of the bond whose forms are orthonormal it has
    entries :math:`t_{o, i_1 \dots i_n}`. A cut to :math:`k` components keeps those with all
    :math:`i_j \le k`; the tail of a slot is

    .. math::
        \tau_j = \sum_{i_j > k} t_{o, i_1 \dots i_n}^2
        = \sum_{i > k} \lambda_i,

    with :math:`\lambda_i` the eigenvalues of the bond's environment where the basis is that of its
    eigenvectors. All slots have one tail, and with :math:`c` the number of slots of an entry with
    :math:`i_j > k`,

    .. math::
        \tau_j = \tau_1, \qquad
        n\,\tau_1 - \|T - T'\|_F^2 = \sum_{c > 1} (c - 1)\, t_{o, i_1 \dots i_n}^2.

    For values, by Lagrange's identity for every tensor :math:`S` of as many slots and every
    :math:`u = y^{\otimes n}`,

    .. math::
        \|S\|_F^2\,\|y\|^{2n} - \langle S, y^{\otimes n} \rangle^2
        = \sum_{I < J} (S_I u_J - S_J u_I)^2.

    Both right sides are sums of squares with coefficients that are not negative, so for real
    numbers neither left side is negative. That is
    :math:`\|T - T'\|_F^2 \le n \sum_{i > k} \lambda_i` and, with :math:`S` the part of
    :math:`T - T'` at one output, over :math:`\tilde x` in all its :math:`2^L` slots, summed over
    the outputs, :math:`\|f(x) - f'(x)\| \le \|T - T'\|_F\,\|\tilde x\|^{2^L}`.

    Hypotheses: the forms of the bond are orthonormal, and every layer above is written by its
    symmetric tensor (:func:`third_order_tensor`, linear parts as neurons), so that swapping the two
    branches below any of its nodes leaves the tensor alone. No more symmetry is assumed. Without
    :math:`n` the bound is false: :func:`truncation_counterexample`.

    Source: derived here; for cuts of different bonds, L. Grasedyck, *Hierarchical singular value
    decomposition of tensors*, SIAM J. Matrix Anal. Appl. 31, 2010.

    Raises:
        AnalyticError: a size is too small, or not at least one component is kept and one cut.

    Examples:
        >>> truncation_bound().holds
        True
    """
    check_sizes(layers_above=layers_above, outputs=outputs)
    bond = check_integer("bond", bond, 2)
    kept = check_integer("kept", kept, 1, bond - 1)
    slots = 2**layers_above
    indices = list(product(range(bond), repeat=slots))
    squares = {index: _squared_entries(index, outputs) for index in indices}
    cuts = {index: sum(component >= kept for component in index) for index in indices}
    tails = [
        sympy.Add(*(squares[index] for index in indices if index[slot] >= kept))
        for slot in range(slots)
    ]
    moved = sympy.Add(*(squares[index] for index in indices if cuts[index]))
    surplus = sympy.Add(
        *((cuts[index] - 1) * squares[index] for index in indices if cuts[index] > 1)
    )
    norms, lagrange = _lagrange(bond, slots)
    return Derivation(
        "truncation_bound",
        "The squared norm by which a cut of a bond moves a stack's tensor is at most the tail "
        "times the occurrences of the bond, and a value moves by at most the norm itself times "
        "that of the input's power: the differences are sums of squares "
        f"(a bond of {bond} components cut to {kept}, {layers_above} layers above, "
        f"{outputs} outputs, all weights symbolic).",
        column([slots * tails[0] - moved], tails[1:], [norms]),
        column([surplus], [tails[0]] * (slots - 1), [lagrange]),
    )


@dataclass(frozen=True)
class Truncation:
    r"""What a cut of the bond between two layers does, in exact numbers.

    Attributes:
        error: :math:`\|T - T'\|_F^2`.
        tail: :math:`\sum_{i > k} \lambda_i`, what the components left out weigh.
        occurrences: :math:`n`, how many times the unfolded stack contains the bond.
    """

    error: sympy.Expr
    tail: sympy.Expr
    occurrences: int


def truncate(lower: SymbolicLayer, upper: SymbolicLayer, kept: int) -> Truncation:
    r"""Cut the bond between two layers of numbers, with their tensors multiplied out.

    Args:
        lower: a layer without linear part, whose outputs have orthonormal symmetric matrices.
        upper: a layer without linear part, with symmetric matrices :math:`C_o`. What component
            :math:`i` of the bond weighs is :math:`\lambda_i = H_{ii}` of the environment
            :math:`H = \sum_o C_o^2`: an eigenvalue, where that is diagonal.
        kept: how many components stay: the first ones.

    Raises:
        AnalyticError: a layer has a linear part, the forms are not orthonormal, or not at least one
            component stays and one goes.
    """
    for name, layer in (("lower", lower), ("upper", upper)):
        if not layer.linear.is_zero_matrix:
            raise AnalyticError(f"expected {name} to have no linear part, got {layer.linear}")
    forms = [symmetric_part(part) for part in lower.tensor()]
    couplings = [symmetric_part(part) for part in upper.tensor()]
    width = len(forms)
    kept = check_integer("kept", kept, 1, width - 1)
    products = sympy.Matrix(width, width, lambda i, j: inner_product(forms[i], forms[j]))
    if products != sympy.eye(width):
        raise AnalyticError(f"expected lower to have orthonormal forms, got products {products}")
    stays = sympy.diag(*(int(i < kept) for i in range(width)))
    environment = sum((coupling**2 for coupling in couplings), start=sympy.zeros(width))
    differences = (_fourth_order(forms, c - stays * c * stays) for c in couplings)
    return Truncation(
        error=sum(entry**2 for entries in differences for entry in entries),
        tail=environment[kept:, kept:].trace(),
        occurrences=2,
    )


def truncation_counterexample() -> Truncation:
    r"""Cut a stack whose error is larger than the tail, so that the bound needs its factor.

    Layer 1 returns :math:`y_1 = \tilde x_0^2` and :math:`y_2 = \tilde x_1^2`, whose matrices are
    orthonormal, and layer 2 their product :math:`z = y_1 y_2`, whose symmetric matrix is
    :math:`C = \tfrac12 \begin{bmatrix} 0 & 1 \\ 1 & 0 \end{bmatrix}`. Both components weigh the
    same, and a cut of either leaves :math:`z' = 0`: the error is all of the tensor, and the tail
    half of it. The error is :math:`n` times the tail, so no smaller factor would do.

    Source: derived here.

    Examples:
        >>> cut = truncation_counterexample()
        >>> cut.error, cut.tail, cut.occurrences
        (1/2, 1/4, 2)
        >>> cut.tail < cut.error <= cut.occurrences * cut.tail
        True
    """
    both = sympy.eye(2)
    lower = SymbolicLayer(both, both, both, sympy.zeros(2))
    upper = SymbolicLayer(both[0, :], both[1, :], sympy.eye(1), sympy.zeros(1, 2))
    return truncate(lower, upper, kept=1)


def _lagrange(bond: int, slots: int) -> tuple[sympy.Expr, sympy.Expr]:
    """Return both sides of Lagrange's identity for a generic tensor and a power of a vector."""
    y = vector("y", bond)
    indices = list(product(range(bond), repeat=slots))
    tensor = {index: sympy.Symbol(_name("S", index)) for index in indices}
    power = {index: sympy.Mul(*(y[component] for component in index)) for index in indices}
    value = sympy.Add(*(tensor[index] * power[index] for index in indices))
    norm = sympy.Add(*(entry**2 for entry in tensor.values()))
    squares = (
        (tensor[first] * power[second] - tensor[second] * power[first]) ** 2
        for first, second in combinations(indices, 2)
    )
    return norm * y.dot(y) ** slots - value**2, sympy.Add(*squares)


def _squared_entries(index: Index, outputs: int) -> sympy.Expr:
    """Return the sum over the outputs of the squares of the entries at an index."""
    names = (_name(f"t_{output}", _representative(index)) for output in range(outputs))
    return sympy.Add(*(sympy.Symbol(name) ** 2 for name in names))


def _representative(index: Index) -> Index:
    """Return the first of the indices that swaps of branches turn this one into."""
    if len(index) == 1:
        return index
    middle = len(index) // 2
    first, second = sorted(map(_representative, (index[:middle], index[middle:])))
    return first + second


def _name(symbol: str, index: Index) -> str:
    return "_".join([symbol, *map(str, index)])


def _fourth_order(forms: list[sympy.Matrix], coupling: sympy.Matrix) -> list[sympy.Expr]:
    r"""Return the entries of :math:`\sum_{ij} C_{ij} B_i \otimes B_j`."""
    pairs = list(product(range(len(forms)), repeat=2))
    return [
        sum(coupling[i, j] * forms[i][a] * forms[j][b] for i, j in pairs)
        for a, b in product(range(len(forms[0])), repeat=2)
    ]
