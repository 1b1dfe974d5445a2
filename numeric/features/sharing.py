r"""One set of features for all outputs of a layer: a symmetric canonical polyadic decomposition.

The forms of a layer are fitted by :math:`Q_o \approx \sum_k W_{ok}\, p_k p_k^\top` with readings
:math:`p_k` that all outputs share. For given readings the best weights solve a linear system, so
only the readings are searched for, by L-BFGS, in the span of what the layer reads. The constant of
an output costs no feature, so the entry of the constant with itself, :math:`Q_{o,00}`, counts in no
norm and no inner product. With :math:`K_{jk} = (p_j \cdot p_k)^2 - p_{j0}^2 p_{k0}^2` and
:math:`C_{ok} = p_k^\top Q_o\,p_k - Q_{o,00}\,p_{k0}^2` the squared error is
:math:`\|Q\|^2 - \mathrm{tr}(C K^{-1} C^\top)`: inner products of rows, and no third-order tensor.

Source:
    T. G. Kolda and B. W. Bader, *Tensor decompositions and applications*, SIAM Review 51 (2009);
    eliminating the linear unknowns is G. H. Golub's and V. Pereyra's variable projection (1973).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from numeric.errors import NumericError
from numeric.features.decompositions import eigen
from numeric.features.kernels import environment, products
from numeric.networks.inference import one_torch_thread, usual_torch
from numeric.networks.normal_form import Layer

Doubles = npt.NDArray[np.float64]

_WHILE = 50
"""The steps after which the start that is ahead goes on."""

_STEPS = 300
"""The steps that it then takes at most."""

_SHORT = 30
"""The steps of a search that only tells how much may be left."""

_STARTS, _ROUGH = 3, 5
"""From how many starts a layer is searched, and for how many numbers of features shortly."""

Step = Callable[[], object]
"""Called at every step of a search, for whoever waits."""


def _nobody() -> None:
    """Tell nobody of a step."""


_STILL = 1e-15
"""A change of the squared error, as a share, that is none: errors are told to its root."""

_RIDGE = 1e-9
"""Added to the Gram matrix of the features, relative to its diagonal: two may coincide."""

_NOTHING = 1e-28
"""Of forms that are constant but for this share of their squared norm, nothing is to be fitted."""

_NEARLY = 0.99
"""The share of the forms' squared norm from whose outputs eigenfeatures are taken."""

_MORE = 16
"""So many times as many eigenfeatures are looked at as are needed."""

_INDEPENDENT = 1e-7
"""Directions of which the forms have less than this share are rounding."""

_TRIES = 5
"""How many pairs of sums are tried for common directions."""


@dataclass(frozen=True)
class SharedFeatures:
    """Features that all outputs of a layer share.

    Attributes:
        readings: of norm 1, shape (features, inputs + 1).
        weights: shape (outputs + 1, features).
        constants: what is added to each output beside them, shape (outputs + 1,).
        error: what they leave of the forms, weighted: the norm of the rest over that of all,
            constants left out.
    """

    readings: Doubles
    weights: Doubles
    constants: Doubles
    error: float


@usual_torch(gradients=True)
def shared_features(
    layer: Layer, importance: Doubles, count: int, step: Step = _nobody
) -> SharedFeatures:
    """Fit the outputs of a layer with a number of features that they share.

    The search starts from the strongest eigenfeatures of all outputs, from strong ones that lie
    apart and, where two sums of the forms have as many common directions, from these; that which
    is ahead after a while goes on. Nothing is random.

    Args:
        layer: without linear part (:func:`numeric.features.kernels.with_linear_neurons`).
        importance: how much an error in each output counts, shape (outputs + 1,).
        count: the number of features, at least 1.
        step: called at every step of the search.

    Raises:
        NumericError: the forms leave the range of float64.
    """
    reduced, basis = _reduced(layer, importance)
    fit = _Fit(reduced, basis[0], step)
    starts = _starts(reduced, basis[0], count)
    ahead = min((fit.search(start, _WHILE) for start in starts), key=lambda end: end[0])[1]
    return _unreduced(fit.found(ahead, _STEPS), basis, importance)


@usual_torch(gradients=True)
def roughly_shared(
    layer: Layer, importance: Doubles, counts: Sequence[int], step: Step = _nobody
) -> list[SharedFeatures]:
    """Return what short searches find, for several numbers of features.

    Args:
        layer: without linear part (:func:`numeric.features.kernels.with_linear_neurons`).
        importance: how much an error in each output counts, shape (outputs + 1,).
        counts: the numbers of features, each at least 1.
        step: called at every step of the searches.

    Raises:
        NumericError: the forms leave the range of float64.
    """
    reduced, basis = _reduced(layer, importance)
    fit = _Fit(reduced, basis[0], step)
    readings, strengths = _candidates(reduced, max(counts))
    places = _apart(readings, strengths**2, max(counts))
    readings, strengths = readings[places], strengths[places]
    starts = (_completed(readings[:count], strengths[:count], count) for count in counts)
    return [_unreduced(fit.found(start, _SHORT), basis, importance) for start in starts]


def _reduced(layer: Layer, importance: Doubles) -> tuple[Layer, Doubles]:
    """Return a layer with weighted outputs that reads coordinates of a basis, and the basis."""
    down = layer.down * importance[:, None]
    used = layer.left.any(axis=1) & layer.right.any(axis=1) & down.any(axis=0)
    used |= not used.any()
    left, right = layer.left[used], layer.right[used]
    basis = np.linalg.qr(np.concatenate([left, right]).T)[0]
    if basis.shape[1] >= len(basis):
        basis = np.eye(len(basis))
    return Layer(left @ basis, right @ basis, down[:, used], layer.linear @ basis), basis


def _unreduced(found: SharedFeatures, basis: Doubles, importance: Doubles) -> SharedFeatures:
    """Return features of the layer itself, from those of :func:`_reduced`."""
    scale = np.where(importance > 0, importance, 1.0)
    readings, weights = found.readings @ basis.T, found.weights / scale[:, None]
    return SharedFeatures(readings, weights, found.constants / scale, found.error)


def enough_features(
    layer: Layer, importance: Doubles, error: float, step: Step = _nobody
) -> SharedFeatures:
    """Fit the outputs of a layer with few features that come close enough.

    The number is doubled until they do and then narrowed down to a sixteenth, as fits take time.

    Args:
        layer: without linear part (:func:`numeric.features.kernels.with_linear_neurons`).
        importance: how much an error in each output counts, shape (outputs + 1,).
        error: the norm of what is left over that of all, at most.
        step: called at every step of the searches.

    Raises:
        NumericError: as many features as there are eigenfeatures do not come so close, or the forms
            leave the range of float64.
    """
    most = most_features(layer)
    few, many = 0, 1
    while (found := shared_features(layer, importance, many, step)).error > error:
        if many == most:
            raise NumericError(
                f"expected error to be at least {found.error:.3g}, which {most} features reach, "
                f"got {error}"
            )
        few, many = many, min(2 * many, most)
    while many - few > max(1, many // 16):
        middle = (few + many) // 2
        fewer = shared_features(layer, importance, middle, step)
        few, many = (few, middle) if fewer.error <= error else (middle, many)
        found = fewer if fewer.error <= error else found
    return found


def steps_at_most(layers: int) -> int:
    """Return about how many steps the searches for shared features of a network take at most.

    Those that tell how many features each layer gets are among them.
    """
    several = 0 if layers == 1 else _SHORT * _ROUGH
    return layers * (several + _STARTS * _WHILE + _STEPS)


def most_features(layer: Layer) -> int:
    """Return how many eigenfeatures all outputs of a layer can have."""
    return int((len(layer.down) - 1) * layer.linear.shape[1])


def _starts(layer: Layer, constant: Doubles, count: int) -> Iterator[Doubles]:
    """Yield readings to start from: strong eigenfeatures, those apart, and common directions.

    Outputs that share a feature all have it among their strongest, and copies of one reading leave
    the search nowhere to go. So, in the second start, one after the other that one is taken whose
    square has most left once those before it are projected out.
    """
    readings, strengths = _candidates(layer, count)
    for places in (list(range(len(readings)))[:count], _apart(readings, strengths**2, count)):
        yield _completed(readings[places], strengths[places], count)
    common = _common_directions(layer, constant, count)
    if len(common):
        yield _completed(common, np.ones(len(common)), count)


def _candidates(layer: Layer, count: int) -> tuple[Doubles, Doubles]:
    """Return strong eigenfeatures and their strengths, the strongest first.

    Outputs that make next to nothing of the forms are passed over, and so are features that are far
    weaker than those that are needed: there may be tens of thousands.
    """
    sizes = np.diagonal(products(layer, layer))
    order = np.argsort(-sizes, kind="stable")
    before = np.cumsum(sizes[order]) - sizes[order]
    large = order[before <= _NEARLY * sizes.sum()]
    down = np.zeros_like(layer.down)
    down[large] = layer.down[large]
    square = eigen(layer._replace(down=down), 1)
    strengths = abs(square.mixing).max(axis=0, initial=0)
    strongest = np.argsort(-strengths, kind="stable")[: _MORE * count]
    return square.readings[strongest], strengths[strongest]


def _common_directions(layer: Layer, constant: Doubles, count: int) -> Doubles:
    r"""Return the directions in which two sums of the forms are diagonal at once.

    Where :math:`Q_o = P^\top\operatorname{diag}(W_o)\,P` with independent rows of :math:`P`, two
    sums of the forms have :math:`A B^{-1} = P^\top \Lambda\,P^{-\top}` on the span of these rows,
    which are its eigenvectors. The constant may be one of them.

    Returns:
        In rows, of norm 1: none where the forms span more directions than are asked for.

    Source:
        R. A. Harshman, *Foundations of the PARAFAC procedure* (1970), which credits R. Jennrich.
    """
    none = np.zeros((0, layer.linear.shape[1]))
    values, vectors = np.linalg.eigh(environment(layer, np.eye(len(layer.down))))
    span = vectors[:, values > _INDEPENDENT**2 * values.max(initial=0.0)]
    if not 0 < span.shape[1] <= count + 1:
        return none
    left, right = layer.left @ span, layer.right @ span
    # The sums are arbitrary, and always the same.
    draw = np.random.default_rng(0).normal
    tried = []
    for _ in range(_TRIES):
        first, second = (
            (left * (draw(size=len(layer.down)) @ layer.down)[:, None]).T @ right for _ in range(2)
        )
        whole = (first + first.T) @ np.linalg.pinv(second + second.T)
        roots, directions = np.linalg.eig(whole)
        apart = abs(roots[:, None] - roots) + np.eye(len(roots)) * abs(roots).max()
        tried.append((abs(directions.imag).max(), -apart.min() / abs(roots).max(), directions.real))
    rows = (span @ min(tried, key=lambda item: item[:2])[2]).T
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    if len(rows) > count:
        rows = np.delete(rows, abs(rows @ constant).argmax(), axis=0)
    return np.asarray(rows)


def _completed(readings: Doubles, strengths: Doubles, count: int) -> Doubles:
    """Return readings in their strengths, with coordinates where there are not enough."""
    readings = readings * np.sqrt(strengths)[:, None]
    missing = count - len(readings)
    if missing > 0:
        # Coordinate directions, turned a little each round, so that no two readings are the same.
        size = readings.shape[1]
        rounds, places = np.divmod(np.arange(missing), size)
        more = np.eye(size)[places] + 0.1 * (1 + rounds)[:, None] / np.arange(1, size + 1)
        scale = np.sqrt(strengths.max(initial=0)) or 1.0
        readings = np.concatenate([readings, 0.1 * scale * more])
    return np.asarray(readings)


def _apart(readings: Doubles, sizes: Doubles, count: int) -> list[int]:
    """Return the places that a pivoted Cholesky decomposition of the squares' Gram matrix takes."""
    left = np.ones(len(readings))
    factors = np.zeros((min(count, len(readings)), len(readings)))
    places: list[int] = []
    for number in range(len(factors)):
        scores = np.where(np.isin(np.arange(len(left)), places), -1.0, sizes * left)
        place = int(scores.argmax())
        places.append(place)
        if left[place] > _RIDGE:
            known = factors[:number, place] @ factors[:number]
            squares = (readings @ readings[place]) ** 2
            factors[number] = (squares - known) / np.sqrt(left[place])
            left = np.maximum(left - factors[number] ** 2, 0.0)
    return places


class _Fit:
    """The squared error as a function of the readings; constants are free."""

    def __init__(self, layer: Layer, constant: Doubles, step: Step) -> None:
        self._step = step
        self._left, self._right, self._down = map(torch.from_numpy, layer[:3])
        self._constant = torch.from_numpy(constant)
        # What each output has of the constant squared.
        self._own = self._down @ ((self._left @ self._constant) * (self._right @ self._constant))
        with np.errstate(over="ignore", invalid="ignore"):
            whole = float(np.trace(products(layer, layer)))
            self._total = max(whole - float((self._own**2).sum()), 0.0)
        if not np.isfinite(whole):
            raise NumericError(
                "expected the forms of a layer, squared and summed, within the range of float64: "
                "trace with method='polarized', which multiplies nothing"
            )
        if self._total <= _NOTHING * whole:
            self._total = 0.0

    def _gram(self, readings: Tensor) -> Tensor:
        """Return the inner products of the squares of readings, without the constant's part."""
        fixed = (readings @ self._constant) ** 2
        return (readings @ readings.T) ** 2 - fixed[:, None] * fixed

    def _solved(self, readings: Tensor) -> tuple[Tensor, Tensor]:
        """Return the best weights and what they are the products of."""
        gram = self._gram(readings)
        # A reading of the constant alone has no norm that counts.
        sizes = (readings**2).sum(dim=1) ** 2
        ridge = _RIDGE * sizes.mean() * torch.eye(len(gram), dtype=gram.dtype)
        drawn = self._down @ ((self._left @ readings.T) * (self._right @ readings.T))
        drawn = drawn - self._own[:, None] * (readings @ self._constant) ** 2
        return torch.linalg.solve(gram + ridge, drawn.T).T, drawn

    def search(self, start: Doubles, steps: int) -> tuple[float, Doubles]:
        """Return the least error of a search and its readings, of all that were tried the best."""
        if not self._total > 0:
            return 0.0, start
        readings = torch.from_numpy(start.copy()).requires_grad_()
        optimizer = torch.optim.LBFGS(
            [readings],
            max_iter=steps,
            history_size=20,
            tolerance_grad=_STILL,
            tolerance_change=_STILL,
            line_search_fn="strong_wolfe",
        )

        least, best = np.inf, start

        def loss() -> Tensor:
            nonlocal least, best
            self._step()
            optimizer.zero_grad()
            weights, drawn = self._solved(readings)
            error = 1 - (weights * drawn).sum() / self._total
            # Where nothing is left to fit, a line search may step to what is no number.
            if error.item() < least:
                least, best = error.item(), readings.detach().numpy().copy()
            error.backward()  # type: ignore[no-untyped-call]  # torch is not annotated
            return error

        with one_torch_thread():
            optimizer.step(loss)  # type: ignore[no-untyped-call]  # likewise
        return least, best

    def found(self, start: Doubles, steps: int) -> SharedFeatures:
        """Return the features that a search from here ends at."""
        readings = self.search(start, steps)[1]
        norms = np.linalg.norm(readings, axis=1, keepdims=True)
        readings = readings / np.where(norms > 0, norms, 1.0)
        return SharedFeatures(readings, *self.weights(readings))

    def weights(self, readings: Doubles) -> tuple[Doubles, Doubles, float]:
        """Return the best weights of readings, constants, and the relative error that remains."""
        found = torch.from_numpy(readings)
        weights, drawn = self._solved(found)
        # With the ridge the weights are not quite the best: their error is written out.
        fitted = weights @ self._gram(found)
        rest = self._total - float((weights * (2 * drawn - fitted)).sum())
        rest = rest / self._total if self._total > 0 else 0.0
        constants = self._own - weights @ (found @ self._constant) ** 2
        return weights.numpy(), constants.numpy(), float(np.sqrt(max(rest, 0.0)))
