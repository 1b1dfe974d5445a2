r"""Whether layers compute what a module computes, or what examples say, on a few inputs.

Both sides round, in any order of their sums. With unit roundoff :math:`u` a sum of :math:`n`
products is off by at most :math:`\gamma_n \sum |a_i b_i|`, :math:`\gamma_n = n u / (1 - n u)`, and
a product of two values that are off by :math:`e` and :math:`f` by :math:`|a| f + |b| e + e f`.
Carried through the layers at the values themselves this bounds the error of each output. What
leaves the range of the floats has no bound, and is not held against anything.

Source:
    N. J. Higham, *Accuracy and Stability of Numerical Algorithms*, second edition, SIAM 2002,
    sections 3.1 and 3.3 (running error analysis).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from numeric.errors import NumericError
from numeric.networks.inference import settled_copy, usual_torch
from numeric.networks.normal_form import Layer

Doubles = npt.NDArray[np.float64]

_SCALES = 1.0, 1.0, 1.0, 1 / 256, 256.0
"""Of the inputs that a module is tried on: what bends, clips or normalises does so at some size."""


@dataclass(frozen=True, eq=False)
class Agreement:
    """Outputs beside what layers compute on the same inputs; all shapes are (examples, outputs).

    Attributes:
        computed: what the layers compute.
        differences: of the outputs from it; NaN where an output is.
        bounds: what rounding on both sides explains, rounded up; infinite or NaN where a number on
            the way may leave the range of the floats.
        roundoff: the unit roundoff that the outputs were computed with.
    """

    computed: Doubles
    differences: Doubles
    bounds: Doubles
    roundoff: float

    @property
    def worst(self) -> tuple[int, int] | None:
        """The example and the output that rounding explains least, or None if it explains all."""
        wrong = np.isfinite(self.bounds) & ~(self.differences <= self.bounds)
        if not wrong.any():
            return None
        with np.errstate(all="ignore"):
            excess = np.where(wrong, self.differences / self.bounds, 0.0)
        row, column = np.unravel_index(np.nan_to_num(excess, nan=np.inf).argmax(), excess.shape)
        return int(row), int(column)

    @property
    def tells(self) -> bool:
        """Whether outputs that rounding explains speak for the network that was read.

        They agree to half the digits that they have, and to three decimals at least, seen from the
        largest: those of another network hardly would. Bounds alone may be so wide that another one
        lies within them.
        """
        finite = np.isfinite(self.computed) & np.isfinite(self.differences)
        scale = abs(self.computed[finite]).max(initial=0)
        close = self.differences[finite] <= min(math.sqrt(self.roundoff), 1e-3) * scale
        return bool(finite.any() and close.all())


def agreement(
    layers: Sequence[Layer], inputs: Doubles, outputs: Doubles, dtype: torch.dtype
) -> Agreement:
    """Hold outputs against what layers compute on the same inputs.

    Args:
        layers: in the normal form, each of which passes the constant on.
        inputs: shape (examples, inputs).
        outputs: shape (examples, outputs).
        dtype: in which the outputs were computed, products and sums included.

    Examples:
        >>> half = Layer(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros((2, 0)), np.diag([1, 0.5]))
        >>> x = np.array([[2.0], [3.0]])
        >>> agreement([half], x, x / 2, torch.float32).worst
        >>> agreement([half], x, x + [[-1], [0]], torch.float32).worst
        (1, 0)
    """
    double = np.finfo(np.float64)
    with np.errstate(all="ignore"):
        computed, own = _with_bounds(layers, inputs, torch.finfo(torch.float64))
        theirs = (
            own if dtype == torch.float64 else _with_bounds(layers, inputs, torch.finfo(dtype))[1]
        )
        # The bounds are rounded themselves, by far less than this.
        bounds = (own + theirs) * 1.01 + double.tiny
        return Agreement(computed, abs(outputs - computed), bounds, torch.finfo(dtype).eps / 2)


def outputs_of(module: nn.Module, inputs: Doubles, outputs: int) -> tuple[Doubles, torch.dtype]:
    """Return what a module computes, and the least precise of the dtypes that it computed in.

    A copy on the processor in eval mode and float64 is run, or in the module's own dtype where it
    insists on that; torch's state and the module stay as they are.

    Args:
        module: maps (examples, inputs) to (examples, outputs).
        inputs: shape (examples, inputs).
        outputs: how many there must be.

    Raises:
        NumericError: the module does not run on these inputs, or returns something else.
    """
    own = next((p.dtype for p in module.parameters() if p.is_floating_point()), torch.float32)
    failure: Exception | None = None
    for dtype in dict.fromkeys((torch.float64, own)):
        try:
            result, seen = _run(module, inputs, dtype)
        except NumericError:
            raise
        except Exception as error:  # noqa: BLE001 -- it is the user's code that runs
            failure = failure or error
            continue
        if not isinstance(result, Tensor) or result.shape != (len(inputs), outputs):
            shape = tuple(result.shape) if isinstance(result, Tensor) else type(result).__name__
            raise NumericError(
                f"expected module to return a tensor of shape {(len(inputs), outputs)} for inputs "
                f"of shape {inputs.shape}, got {shape}"
            )
        return result.double().numpy(), seen
    words = " ".join(str(failure).split())
    raise NumericError(
        f"expected module to run on float inputs of shape {inputs.shape}, got "
        f"{type(failure).__name__}: {words}"
    ) from failure


def check_agreement(layers: Sequence[Layer], module: nn.Module, path: str) -> None:
    """Refuse layers that were read from a module and compute something else than it does.

    Args:
        layers: what was read.
        module: what it was read from.
        path: its name in the network, for the message.

    Raises:
        NumericError: an output differs by more than rounding explains, or the module does not run.
    """
    inputs = probes(layers[0].linear.shape[1] - 1)
    found = agreement(layers, inputs, *outputs_of(module, inputs, len(layers[-1].linear) - 1))
    if found.worst is not None:
        raise NumericError(
            f"expected {path} to compute what its weights say, got an output that differs by "
            f"{found.differences[found.worst]:.3g} where rounding explains "
            f"{found.bounds[found.worst]:.1g}"
        )


def probes(inputs: int) -> Doubles:
    """Return the inputs that modules are tried on: always the same ones, exact in every dtype.

    Examples:
        >>> probes(3)[0]
        array([0.625, 0.375, 0.125])
    """
    draw = np.random.default_rng(0)
    odd = 2 * draw.integers(-4, 4, size=(len(_SCALES), inputs)) + 1
    return np.asarray(odd / 8 * np.array(_SCALES)[:, np.newaxis])


@usual_torch(gradients=False)
def _run(module: nn.Module, inputs: Doubles, dtype: torch.dtype) -> tuple[Any, torch.dtype]:
    copy = settled_copy(module).to("cpu", dtype)
    x = torch.from_numpy(inputs).to(dtype)
    with (
        torch.random.fork_rng(devices=()),
        _Coarsest(dtype) as seen,
    ):
        return copy(x), seen.dtype


class _Coarsest(TorchFunctionMode):
    """Notes the least precise dtype that comes out of any of torch's functions."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 -- whatever the function returns
        result = func(*args, **(kwargs or {}))
        if isinstance(result, Tensor) and result.is_floating_point():
            self.dtype = max(self.dtype, result.dtype, key=lambda kind: torch.finfo(kind).eps)
        return result


def _with_bounds(
    layers: Sequence[Layer], inputs: Doubles, floats: torch.finfo
) -> tuple[Doubles, Doubles]:
    """Return the outputs, and how far off they may be when computed in floats of another kind."""
    state = np.concatenate([np.ones((len(inputs), 1)), inputs], axis=1)
    # One rounding of each input, where the module takes another dtype.
    error = abs(state) * floats.eps / 2
    for left, right, down, linear in layers:
        error[:, 0] = 0  # the constant is no number that is computed
        (one, off), (other, away) = (_sum([(side, state, error)], floats) for side in (left, right))
        product = one * other
        lost = abs(one) * away + abs(other) * off + off * away
        lost = lost + (abs(product) + lost) * floats.eps + floats.tiny
        lost[abs(product) + lost > floats.max] = np.inf
        state, error = _sum([(down, product, lost), (linear, state, error)], floats)
    return state[:, 1:], error[:, 1:]


def _sum(
    terms: Sequence[tuple[npt.NDArray[Any], Doubles, Doubles]], floats: torch.finfo
) -> tuple[Doubles, Doubles]:
    """Return sums of weights times values that are off, and how far off the sums may be."""
    shape = len(terms[0][1]), len(terms[0][0])
    total, size, lost = (np.zeros(shape) for _ in range(3))
    count = np.full(len(terms[0][0]), 2)
    for weights, values, errors in terms:
        reach = abs(values) + errors
        total += values @ weights.T
        size += reach @ abs(weights).T
        lost += errors @ abs(weights).T
        # Numbers below the smallest normal one may be taken for 0.
        tiny = max(float(np.finfo(weights.dtype).tiny), floats.tiny)
        lost += tiny * reach.sum(axis=1, keepdims=True)
        # What is 0 is not rounded.
        count += np.count_nonzero(weights, axis=1)
    share = count * floats.eps / 2
    lost += np.where(share < 1, share / (1 - share), np.inf) * size + 2 * count * floats.tiny
    lost[size > floats.max] = np.inf
    return total, lost
