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

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from numeric.errors import NumericError
from numeric.features.kernels import products, span
from numeric.features.starts import starts, starts_apart
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
    tried = starts(reduced, basis[0], count)
    ahead = min((fit.search(start, _WHILE) for start in tried), key=lambda end: end[0])[1]
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
    tried = starts_apart(reduced, counts)
    return [_unreduced(fit.found(start, _SHORT), basis, importance) for start in tried]


def _reduced(layer: Layer, importance: Doubles) -> tuple[Layer, Doubles]:
    """Return a layer with weighted outputs that reads coordinates of a basis, and the basis."""
    down = layer.down * importance[:, None]
    used = layer.left.any(axis=1) & layer.right.any(axis=1) & down.any(axis=0)
    used |= not used.any()
    left, right = layer.left[used], layer.right[used]
    basis = span(left, right)
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
