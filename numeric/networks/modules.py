r"""Any torch module of sums and products, brought to the normal form by running it once.

The module is run on tensors that hold no numbers: each of torch's operations on them is written
down as what it places, weighs and multiplies (:mod:`numeric.networks.compilation.circuit`), and
arranged in layers (:mod:`numeric.networks.compilation.schedule`). What is no sum or product is
refused where it stands.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import scipy
import torch
from torch import Tensor, nn

from numeric.errors import NumericError
from numeric.networks.agreement import agreement, outputs_of, probes
from numeric.networks.compilation.circuit import Circuit, Value
from numeric.networks.compilation.operations import Reader
from numeric.networks.compilation.rules import Unreadable
from numeric.networks.compilation.schedule import layers_of
from numeric.networks.compilation.symbolic import FLOATS, Followed, Symbolic, symbolic
from numeric.networks.inference import settled_copy, usual_torch
from numeric.networks.layered import LayeredNetwork
from numeric.networks.normal_form import Layer


@usual_torch(gradients=False)
def from_module(
    module: nn.Module, example: Tensor, *, fold: bool = False, memory: int = 4 * 10**9
) -> LayeredNetwork:
    """Bring a module of sums and products to the normal form.

    Linear maps of any kind are placed as they are: ``Linear``, convolutions, average pooling,
    reshaping, concatenating, picking, writing into entries, scaling, normalising by a batch's
    statistics in eval mode.
    Tokens, integers that an ``Embedding`` takes, become one-hot inputs. Each product of two values
    is a neuron: ``*``, ``square``, ``** n``, ``nn.Bilinear``, ``bmm`` and ``einsum`` of two values.
    A map after another map is a layer without neurons where multiplying them would round.

    Args:
        module: a copy is run, in eval mode. It may hold anything that runs, whatever its class.
        example: what it takes, an example a row: floats, or integers that are tokens, of shape
            (examples, ...). Only its shape and its dtype count.
        fold: whether maps that follow one another are multiplied, which rounds and makes fewer
            layers.
        memory: how many bytes the layers may take.

    Returns:
        A network that takes the entries of an input, row by row, to the entries of an output. It is
        in float32 where the module is and that holds every number, else in float64. It is held
        against ``module.double()`` on a few inputs; what rounding does not explain is refused, and
        its ``apart`` says by how much outputs differed.
        Of tokens the inputs are one-hot, position by position.

    Raises:
        NumericError: an operation is no sum or product, with its name, the module that it is in and
            the line that it is on; the module does not run, or gives no tensor of floats; a weight
            that is used is not finite; examples are mixed with one another; or layers or module are
            too large.

    Source:
        "Extending torch with a Tensor wrapper type", in the notes of torch's documentation.

    Examples:
        >>> class Squares(nn.Module):
        ...     def forward(self, x):
        ...         return (x**2).sum(dim=-1, keepdim=True)
        >>> network = from_module(Squares(), torch.zeros(1, 2))
        >>> network
        LayeredNetwork(2 inputs, a layer of 2 neurons, 1 output, at most 0 from its module)
        >>> (layer,) = network.layers()
        >>> layer.left, layer.down
        (array([[0., 1., 0.],
               [0., 0., 1.]], dtype=float32), array([[0., 0.],
               [1., 1.]], dtype=float32))
        >>> from_module(nn.Sequential(nn.Linear(2, 2), nn.ReLU()), torch.zeros(1, 2))
        Traceback (most recent call last):
        ...
        numeric.errors.NumericError: expected module to be made of sums and products, got relu \
in 1 (ReLU), which is no polynomial: give a part of the module without it
    """
    _check(module, example)
    copy = settled_copy(module)
    reader = Reader(Circuit(fold=fold, most=memory // 16))
    outputs = _recorded(settled_copy(copy).to("cpu", torch.float64), example, reader)
    network = LayeredNetwork(layers_of(reader.algebra.circuit, outputs, memory))
    if not any(tensor.dtype == torch.float64 for tensor in module.state_dict().values()):
        network = _in_float32(network)
    network.apart = _checked_difference(network.layers(), copy, example, reader, fold=fold)
    return network


def _in_float32(network: LayeredNetwork) -> LayeredNetwork:
    """Return a network in float32 if that holds all its numbers, else as it is."""
    with np.errstate(over="ignore"):
        layers = [Layer(*(a.astype(np.float32) for a in layer)) for layer in network.layers()]
    pairs = zip(network.layers(), layers, strict=True)
    exact = all(all(map(np.array_equal, whole, rounded)) for whole, rounded in pairs)
    return LayeredNetwork(layers) if exact else network


def _check(module: object, example: object) -> None:
    if not isinstance(module, nn.Module):
        raise NumericError(f"expected module to be a torch module, got {type(module).__name__}")
    if isinstance(module, torch.jit.ScriptModule):
        raise NumericError(
            f"expected module to run in Python, got {type(module).__name__}, whose operations are "
            "not seen: give the module that it was made of"
        )
    if not isinstance(example, Tensor):
        raise NumericError(f"expected example to be a tensor, got {type(example).__name__}")
    if example.ndim < 1 or 0 in example.shape:
        raise NumericError(
            f"expected example to have at least one example and input, got shape "
            f"{tuple(example.shape)}"
        )
    if example.dtype not in (*FLOATS, torch.int64, torch.int32):
        raise NumericError(
            f"expected example to hold float32, float64 or, for tokens, integers, got "
            f"{example.dtype}"
        )


def _recorded(module: nn.Module, example: Tensor, reader: Reader) -> Value:
    """Run a module on one example without numbers, and return what comes out."""
    shape = (1, *example.shape[1:])
    tokens = not example.is_floating_point()
    start, dtype = reader.inputs(shape, tokens=tokens), example.dtype if tokens else torch.float64
    with _followed(module) as inside:
        try:
            with Followed(reader) as writes:
                found = writes.shown(module(symbolic(start, reader, dtype)))
        except Unreadable as error:
            raise NumericError(
                f"expected module to be made of sums and products, got {error.operation}"
                f"{_where(inside, error)}, which {error}: give a part of the module without it"
            ) from None
        except NumericError:
            raise
        except Exception as error:  # the user's code runs
            words = " ".join(str(error).split())
            hint = "" if shape[1:] else ": the first axis of example, its only one, is of examples"
            raise NumericError(
                f"expected module to run on a tensor of shape {shape} without numbers, got "
                f"{type(error).__name__}{_where(inside, error)}: {words}{hint}"
            ) from error
    if not isinstance(found, Symbolic) or not isinstance(found.value, Value):
        raise NumericError(
            f"expected module to return a tensor that depends on its input, got "
            f"{type(found).__name__}"
        )
    if not found.shape or found.shape[0] != 1 or not found.numel():
        raise NumericError(
            f"expected module to return an example a row, got shape {tuple(found.shape)} of one"
        )
    return found.value


@contextmanager
def _followed(module: nn.Module) -> Iterator[list[str]]:
    """Follow which modules are running; where an error stops them, their list stays."""
    names = {id(part): name for name, part in module.named_modules()}
    inside: list[str] = []

    def enter(part: nn.Module, _: object) -> None:
        inside.append(f"{names.get(id(part), '')} ({type(part).__name__})".strip())

    def leave(*_: object) -> None:
        inside.pop()

    handles = (
        nn.modules.module.register_module_forward_pre_hook(enter),
        nn.modules.module.register_module_forward_hook(leave),
    )
    try:
        yield inside
    finally:
        for handle in handles:
            handle.remove()


def _where(inside: Sequence[str], error: BaseException) -> str:
    """Return the module that an error came from, and the line of the user's that it was on."""
    own = [Path(str(package.__file__)).parent for package in (np, scipy, torch)]
    own.append(Path(__file__).parents[1])  # what reads the module
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not any(Path(frame.filename).is_relative_to(folder) for folder in own)
    ]
    place = f" in {inside[-1]}" if inside else ""
    line = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return place + line


class _Flat(nn.Module):
    """A module whose inputs and outputs have no axes but one; one-hot rows are made tokens."""

    def __init__(self, module: nn.Module, shape: Sequence[int], vocabulary: int | None) -> None:
        super().__init__()
        self.module, self.shape, self.vocabulary = module, shape, vocabulary

    def forward(self, x: Tensor) -> Tensor:
        if self.vocabulary is not None:
            x = x.reshape(len(x), -1, self.vocabulary).argmax(dim=-1)
        found: Tensor = self.module(x.reshape(len(x), *self.shape))
        return found.flatten(1) if found.ndim > 1 else found[:, None]


def _checked_difference(
    layers: Sequence[Layer], module: nn.Module, example: Tensor, reader: Reader, *, fold: bool
) -> float:
    """Return how far outputs are from the module's on drawn inputs, if that is rounding."""
    inputs = probes(layers[0].linear.shape[1] - 1)
    if reader.vocabulary is not None:
        hot = np.random.default_rng(0).integers(
            0, reader.vocabulary, (len(inputs), inputs.shape[1] // reader.vocabulary)
        )
        inputs = np.eye(reader.vocabulary)[hot].reshape(inputs.shape)
    flat = _Flat(module, example.shape[1:], reader.vocabulary)
    outputs, dtype = outputs_of(flat, inputs, len(layers[-1].linear) - 1)
    found = agreement(layers, inputs, outputs, dtype)
    # What a module computes beyond the range of floats, 0 times infinity too, says nothing.
    found = replace(found, bounds=np.where(np.isfinite(outputs), found.bounds, np.inf))
    # Rounding of maps that are multiplied is not in the bound: that they agree is.
    if not found.tells if fold else found.worst is not None:
        raise NumericError(
            "expected module to compute for each input by itself what its operations say, got "
            f"outputs that differ by {np.nanmax(found.differences):.3g} from those"
        )
    # Of numbers beyond the range of floats nothing is said.
    return float(found.differences[np.isfinite(found.differences)].max(initial=0.0))
