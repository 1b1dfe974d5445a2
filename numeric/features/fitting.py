r"""Features of all layers fitted together to what a network computes on images, without labels.

Where features are found layer by layer, what they leave of one layer is made no better by the next.
From there all readings :math:`P_\ell`, weights :math:`W_\ell` and constants :math:`c_\ell` of

.. math::
    y_\ell = W_\ell\,r_\ell^2 + c_\ell, \qquad r_\ell = P_\ell\,(1, y_{\ell-1})

are moved to make the mean squared difference to the network's outputs small, by L-BFGS. With
:math:`\lambda_\ell` the gradient by :math:`y_\ell`, the gradients by the weights are

.. math::
    \lambda_\ell\,(r_\ell^2)^\top, \qquad
    \rho_\ell\,(1, y_{\ell-1})^\top, \qquad \lambda_\ell, \qquad
    \text{with } \rho_\ell = 2\,r_\ell \circ W_\ell^\top \lambda_\ell
    \text{ and } (\cdot, \lambda_{\ell-1}) = P_\ell^\top \rho_\ell .

Images that are left out of the fit say when to stop: few of them speak for few features.

Source:
    The identity is :func:`analytic.derivations.squares_gradient`; D. C. Liu and J. Nocedal, *On the
    limited memory BFGS method for large scale optimization*, Mathematical Programming 45 (1989).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve_triangular
from scipy.optimize import minimize

from numeric.errors import NumericError
from numeric.networks.normal_form import Layer, SquareLayer, handed_on

Doubles = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

STEPS = 150
"""The steps of a fit at most."""

_HELD = 20
"""Of so many images one is left out of the fit."""

_PATIENCE = 10
"""After so many steps without a smaller difference on images left out a fit ends."""

_CHUNK = 4096
"""Images that are worked on at a time: their values on every feature are held."""

_HISTORY = 20
"""The steps that L-BFGS remembers."""


class Squares(NamedTuple):
    """What a layer is fitted by.

    Attributes:
        readings: shape (features, inputs + 1).
        weights: shape (outputs, features).
        constants: shape (outputs,).
    """

    readings: npt.NDArray[Any]
    weights: npt.NDArray[Any]
    constants: npt.NDArray[Any]


@dataclass(frozen=True)
class Examples:
    """Images, and what a network makes of them.

    Attributes:
        inputs: with the constant, in coordinates in which the metric is the identity, shape
            (images, inputs + 1).
        outputs: shape (images, outputs).
    """

    inputs: Singles
    outputs: Doubles

    def few(self, count: int) -> Doubles:
        """Return the inputs of a number of images that lie evenly, or of all if there are fewer."""
        return self.inputs[:: -(-len(self.inputs) // count)].astype(np.float64)


def examples(layers: Sequence[Layer], images: Doubles, root: Doubles) -> Examples:
    """Return images as features read them, and what a network makes of them.

    Args:
        layers: of the network, in the normal form.
        images: shape (images, inputs).
        root: the triangular factor of the metric.

    Raises:
        NumericError: an output is beyond float64.
    """
    inputs = np.empty((len(images), len(root)), dtype=np.float32)
    outputs = np.empty((len(images), len(layers[-1].linear) - 1))
    for part in _parts(len(images)):
        states = np.column_stack([np.ones(len(images[part])), images[part]])
        with np.errstate(over="ignore", invalid="ignore"):
            inputs[part] = solve_triangular(root, states.T, lower=True).T
            outputs[part] = handed_on(layers, states)[:, 1:]
    if not np.isfinite(outputs).all():
        raise NumericError("expected outputs on the images within the range of float64")
    return Examples(inputs, outputs)


def fitted(
    squares: Sequence[SquareLayer],
    basis: Doubles,
    seen: Examples,
    step: Callable[[], object],
) -> tuple[list[SquareLayer], float]:
    """Fit the features of all layers together to a network's outputs.

    Args:
        squares: from the input upwards, whose linear parts are constants; those of the first layer
            read the inputs of the examples.
        basis: orthonormal columns that span what the network's first layer reads of these, shape
            (inputs + 1, directions): its features read no more.
        seen: every twentieth image, from the first on, is left out and says when to stop.
        step: called at every step.

    Returns:
        The layers, and the norm of the difference of outputs over that of their deviation from
        their mean, on the images that were left out.
    """
    held = np.arange(len(seen.inputs)) % _HELD == 0
    scale = float(np.sqrt(((seen.outputs - seen.outputs.mean(axis=0)) ** 2).sum(axis=1).mean()))
    if not scale > 0:
        return list(squares), 0.0
    inputs = seen.inputs @ basis.astype(np.float32)
    wanted = (seen.outputs / scale).astype(np.float32)
    search = _Search(_start(squares, basis, scale), inputs[held], wanted[held], step)
    if not held.all():
        search.run(inputs[~held], wanted[~held])
    layers = []
    for number, (layer, found) in enumerate(zip(squares, search.best, strict=True), start=1):
        readings, weights, constants = (array.astype(np.float64) for array in found)
        last = scale if number == len(squares) else 1.0
        mixing, linear = np.zeros_like(layer.mixing), layer.linear.copy()
        mixing[1:], linear[1:, 0] = weights * last, constants * last
        readings = readings @ basis.T if number == 1 else readings
        layers.append(SquareLayer(readings, np.zeros_like(readings), mixing, linear))
    return layers, float(np.sqrt(search.least))


def difference(
    stack: Sequence[Squares], inputs: npt.NDArray[Any], wanted: npt.NDArray[Any]
) -> tuple[float, list[Squares]]:
    """Return the mean squared difference of outputs, and its gradient by all weights.

    Args:
        stack: layers, from the input upwards.
        inputs: of the first one, shape (images, inputs).
        wanted: outputs, shape (images, outputs).
    """
    total = 0.0
    gradient = [Squares(*map(np.zeros_like, layer)) for layer in stack]
    for part in _parts(len(inputs)):
        states, readings = [inputs[part]], []
        for number, layer in enumerate(stack, start=1):
            readings.append(states[-1] @ layer.readings.T)
            returned = readings[-1] ** 2 @ layer.weights.T + layer.constants
            states.append(returned if number == len(stack) else _with_constant(returned))
        left = states[-1] - wanted[part]
        total += float((left**2).sum(dtype=np.float64))
        adjoint = left * (2 / len(inputs))
        for number in range(len(stack) - 1, -1, -1):
            layer, reading = stack[number], readings[number]
            by_reading = 2 * reading * (adjoint @ layer.weights)
            gradient[number].readings[:] += by_reading.T @ states[number]
            gradient[number].weights[:] += adjoint.T @ reading**2
            gradient[number].constants[:] += adjoint.sum(axis=0)
            if number:
                adjoint = (by_reading @ layer.readings)[:, 1:]
    return total / len(inputs), gradient


class _Search:
    """A descent from some layers, that keeps those with the least difference on images held out.

    Args:
        start: the layers.
        inputs: held out.
        wanted: outputs of these.
        step: called at every step.
    """

    def __init__(
        self,
        start: list[Squares],
        inputs: Singles,
        wanted: Singles,
        step: Callable[[], object],
    ) -> None:
        self.best, self.least = start, difference(start, inputs, wanted)[0]
        self._inputs, self._wanted, self._step = inputs, wanted, step
        self._since = 0

    def run(self, inputs: Singles, wanted: Singles) -> None:
        """Descend on other images, until those held out gain no more."""
        start = np.concatenate([array.ravel() for layer in self.best for array in layer])

        def loss(numbers: Doubles) -> tuple[float, Doubles]:
            value, gradient = difference(self._layers(numbers), inputs, wanted)
            return value, np.concatenate([a.ravel() for g in gradient for a in g], dtype=np.float64)

        options = {"maxiter": STEPS, "maxcor": _HISTORY, "ftol": 0, "gtol": 0}
        minimize(loss, start, jac=True, method="L-BFGS-B", options=options, callback=self._look)

    def _look(self, numbers: Doubles) -> None:
        """Keep what is better on the images held out, and stop where nothing has been for long."""
        self._step()
        layers = self._layers(numbers)
        found = difference(layers, self._inputs, self._wanted)[0]
        self._since += 1
        if found < self.least:
            self.best, self.least, self._since = layers, found, 0
        if self._since >= _PATIENCE:
            raise StopIteration

    def _layers(self, numbers: Doubles) -> list[Squares]:
        """Return layers of the start's shapes that have these numbers."""
        place, layers = 0, []
        for layer in self.best:
            arrays = []
            for array in layer:
                part = numbers[place : place + array.size]
                arrays.append(part.reshape(array.shape).astype(array.dtype))
                place += array.size
            layers.append(Squares(*arrays))
        return layers


def _start(squares: Sequence[SquareLayer], basis: Doubles, scale: float) -> list[Squares]:
    """Return layers to start from, of which all numbers are near 1.

    A reading and its weights are as long as one another: the descent has no scale of its own.
    """
    start = []
    for number, layer in enumerate(squares, start=1):
        readings = layer.readings @ basis if number == 1 else layer.readings
        last = scale if number == len(squares) else 1.0
        weights, constants = layer.mixing[1:] / last, layer.linear[1:, 0] / last
        lengths = [np.linalg.norm(readings, axis=1), np.linalg.norm(weights, axis=0)]
        short = (lengths[0] > 0) & (lengths[1] > 0)
        factors = np.ones(len(readings))
        factors[short] = np.cbrt(lengths[1][short] / lengths[0][short])
        arrays = (readings * factors[:, None], weights / factors**2, constants)
        start.append(Squares(*(array.astype(np.float32) for array in arrays)))
    return start


def _with_constant(states: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return states with the constant before them."""
    return np.concatenate([np.ones((len(states), 1), states.dtype), states], axis=1)


def _parts(count: int) -> Iterator[slice]:
    """Yield the places of so many images, a chunk at a time."""
    for first in range(0, count, _CHUNK):
        yield slice(first, first + _CHUNK)
