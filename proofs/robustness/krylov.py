r"""Few vectors in which a form and a slope can be looked at together: their Krylov space.

The space of :math:`g, A g, A^2 g, \dots` has an orthonormal basis :math:`V` in which
:math:`V^\top A V` is tridiagonal (Lanczos). Every vector is made orthogonal to all before it,
twice, so that rounding does not take them apart.

Source:
    N. I. M. Gould, S. Lucidi, M. Roma and P. L. Toint, *Solving the trust-region subproblem using
    the Lanczos method*, SIAM J. Optim. 9 (1999); B. N. Parlett, *The Symmetric Eigenvalue Problem*
    (1998), chapter 6, for "twice is enough".
"""

from __future__ import annotations

import copy

import numpy as np
import numpy.typing as npt

from proofs.robustness.forms import Factored, Forms

Doubles = npt.NDArray[np.float64]

_INVARIANT = 1e3 * float(np.finfo(np.float64).eps)
"""What a product has beyond the space is rounding if it is smaller, beside the form."""

_STEPS = 20
"""How large a space is in which least eigenvalues are sought."""

_ABOVE = 1.05, 1.3
"""By which factors bounds that are tried lie above what was found."""


class Krylov:
    """The spaces of several forms, each with a start of its own.

    Args:
        forms: of a layer.
        weights: shape (problems, neurons).
        starts: none of them zero, shape (problems, inputs).

    Attributes:
        basis: in rows, zeros behind an invariant space, shape (problems, size, inputs).

    Examples:
        >>> forms = Forms(np.eye(3), np.eye(3))
        >>> space = Krylov(forms, np.array([[1.0, 2, 3]]), np.ones((1, 3)))
        >>> space.extend(3)
        >>> space.decomposed()[0].round(6)
        array([[1., 2., 3.]])
    """

    def __init__(self, forms: Forms, weights: Doubles, starts: Doubles) -> None:
        self._forms, self._weights, self._sizes = forms, weights, forms.norms(weights)
        self.basis = np.zeros((len(starts), 0, starts.shape[1]))
        self._next = starts / np.linalg.norm(starts, axis=1, keepdims=True)
        self._diagonal, self._beside = (np.zeros((len(starts), 0)) for _ in range(2))

    def extend(self, size: int) -> None:
        """Make the spaces as large as a size, which is no smaller than they are."""
        count, old, inputs = self.basis.shape
        basis = np.concatenate([self.basis, np.zeros((count, size - old, inputs))], axis=1)
        diagonal, beside = [], []
        for place in range(old, size):
            basis[:, place] = self._next
            product = self._forms.times(self._weights, self._next)
            diagonal.append(np.einsum("pi,pi->p", product, self._next))
            known = basis[:, : place + 1]
            for _ in range(2):
                product -= ((known @ product[:, :, None]).swapaxes(1, 2) @ known)[:, 0]
            length = np.linalg.norm(product, axis=1)
            length[length <= _INVARIANT * self._sizes] = 0.0
            beside.append(length)
            lengths = np.broadcast_to(length[:, None], product.shape)
            self._next = np.divide(product, lengths, out=np.zeros_like(product), where=lengths > 0)
        self.basis = basis
        self._diagonal = np.column_stack([self._diagonal, *diagonal])
        self._beside = np.column_stack([self._beside, *beside])

    def decomposed(self) -> tuple[Doubles, Doubles]:
        """Return eigenvalues of the forms within the spaces, ascending, and their eigenvectors.

        Returns:
            Shapes (problems, size) and (problems, size, size): in columns, over the basis.
        """
        count, size = self._diagonal.shape
        within, places = np.zeros((count, size, size)), np.arange(size)
        within[:, places, places] = self._diagonal
        within[:, places[1:], places[:-1]] = self._beside[:, :-1]
        values, vectors = np.linalg.eigh(within)
        return values, vectors

    def of(self, problems: npt.NDArray[np.int64]) -> Krylov:
        """Return the spaces of some of the problems."""
        some = copy.copy(self)
        for name in ("_weights", "_sizes", "basis", "_next", "_diagonal", "_beside"):
            setattr(some, name, getattr(self, name)[problems])
        return some


def eigenvalue_bounds(forms: Forms, weights: Doubles) -> tuple[Doubles, Doubles]:
    """Bound how far below and above zero eigenvalues of forms lie.

    Args:
        forms: of a layer.
        weights: shape (forms, neurons).

    Returns:
        Two bounds of each form, proved by Cholesky decompositions, or else by the sum of its
        squares: shapes (forms,).

    Examples:
        >>> below, above = eigenvalue_bounds(Forms(np.eye(3), np.eye(3)), np.array([[1.0, -2, -3]]))
        >>> below.round(2), above.round(2)
        (array([3.15]), array([1.05]))
    """
    # Drawn, so that no form is made for it to have no part in a least eigenvector.
    start = np.random.default_rng(0).standard_normal((1, forms.inputs))
    space = Krylov(forms, weights, np.repeat(start, len(weights), axis=0))
    space.extend(_STEPS)
    found, bounds = space.decomposed()[0], forms.norms(weights)
    below, above = bounds.copy(), bounds.copy()
    for place, (least, *_, most) in enumerate(found.tolist()):
        factored = forms.factored(weights[place])
        below[place] = _proved(factored, -least, bounds[place])
        above[place] = _proved(factored.reversed(), most, bounds[place])
    return below, above


def _proved(factored: Factored, value: float, known: float) -> float:
    """Return a bound next to a value, if it can be proved; else one that is known."""
    for bound in (value * factor for factor in _ABOVE):
        if bound < known and factored.at_least(bound):
            return bound
    return known
