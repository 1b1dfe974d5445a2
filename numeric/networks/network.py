"""Stacked bilinear layers as a torch module."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, astuple, dataclass
from itertools import pairwise
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from numeric.errors import NumericError
from numeric.networks.agreement import check_agreement
from numeric.networks.inference import usual_torch
from numeric.networks.initialisation import keep_sizes
from numeric.networks.normal_form import Layer, check_array
from numeric.networks.readable_modules import affine_map, check_module
from numeric.scalars import plain


@dataclass(frozen=True)
class Configuration:
    """The shape of a network: all that is needed to build it, weights aside.

    Attributes:
        inputs: number of inputs.
        outputs: number of outputs.
        depth: number of bilinear layers.
        width: size of every hidden state between two layers.
        hidden: number of neurons of every layer.
        bias: whether the affine maps have biases.
        residual: whether each layer adds its input to its output.
        embedding: whether an affine map brings the inputs to ``width`` first.
    """

    inputs: int
    outputs: int
    depth: int = 2
    width: int = 64
    hidden: int = 256
    bias: bool = True
    residual: bool = False
    embedding: bool = False

    def __post_init__(self) -> None:
        """Refuse sizes that no network has."""
        for name in ("inputs", "outputs", "depth", "width", "hidden"):
            object.__setattr__(self, name, check_integer(getattr(self, name), name, least=1))
        for name in ("bias", "residual", "embedding"):
            value = plain(getattr(self, name))
            object.__setattr__(self, name, value)
            if not isinstance(value, bool):
                raise NumericError(f"expected {name} to be True or False, got {value!r}")

    def shapes(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Yield the name and the shape of each weight, before any memory is taken for them."""
        size = self.inputs
        if self.embedding:
            size = self.width
            yield from _affine_shapes("embedding", self.inputs, size, bias=self.bias)
        for number in range(self.depth):
            following = self.outputs if number + 1 == self.depth else self.width
            block = f"blocks.{number}"
            yield from _affine_shapes(f"{block}.left", size, self.hidden, bias=self.bias)
            yield from _affine_shapes(f"{block}.right", size, self.hidden, bias=self.bias)
            yield from _affine_shapes(f"{block}.down", self.hidden, following, bias=self.bias)
            if self.residual and size != following:
                yield from _affine_shapes(f"{block}.skip", size, following, bias=False)
            size = following


def check_integer(value: object, name: str, *, least: int) -> int:
    """Return an integer within torch's range, that of a scalar of numpy or torch too.

    Raises:
        NumericError: it is another thing, too small or too large, with the name of the argument.

    Examples:
        >>> check_integer(np.array([3, 1]).max(), "depth", least=1)
        3
        >>> check_integer(0, "depth", least=1)
        Traceback (most recent call last):
        ...
        numeric.errors.NumericError: expected depth to be an integer of at least 1, got 0
    """
    number = plain(value)
    if not isinstance(number, int) or isinstance(number, bool) or number < least:
        raise NumericError(f"expected {name} to be an integer of at least {least}, got {value!r}")
    if number >= 1 << 63:
        raise NumericError(f"expected {name} to be below 2^63, got {number}")
    return number


def _affine_shapes(
    name: str, inputs: int, outputs: int, *, bias: bool
) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.weight", (outputs, inputs)
    if bias:
        yield f"{name}.bias", (outputs,)


class BilinearLayer(nn.Module):
    r"""One bilinear layer, :math:`y = D[(W_1 x + b_1) \odot (W_2 x + b_2)] + c\;(+ S x)`.

    A residual adds the input itself where sizes agree; where they do not, a learned linear map
    :math:`S` carries it, as in a residual network's projection shortcuts.

    Args:
        inputs: size of ``x``.
        outputs: size of ``y``.
        hidden: number of neurons, the rows of :math:`W_1` and :math:`W_2`.
        bias: whether there are :math:`b_1`, :math:`b_2` and :math:`c`.
        residual: whether :math:`S x` is added.
        generator: draws the weights, uniform and of variance 1 / length of their row, and biases
            within ``1/sqrt`` of it. They are in float32 and on the processor, whatever torch's
            defaults. A network changes them by :func:`numeric.networks.initialisation.keep_sizes`.

    Raises:
        NumericError: a size is not a positive integer.

    Examples:
        >>> layer = BilinearLayer(3, 2, hidden=4)
        >>> layer(torch.zeros(5, 3)).shape
        torch.Size([5, 2])
    """

    @usual_torch(gradients=True)
    def __init__(
        self,
        inputs: int,
        outputs: int,
        hidden: int,
        *,
        bias: bool = True,
        residual: bool = False,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        inputs = check_integer(inputs, "inputs", least=1)
        outputs = check_integer(outputs, "outputs", least=1)
        hidden = check_integer(hidden, "hidden", least=1)
        self.left = _linear(inputs, hidden, generator, bias=bias)
        self.right = _linear(inputs, hidden, generator, bias=bias)
        self.down = _linear(hidden, outputs, generator, bias=bias)
        self.skip: nn.Module | None = None
        if residual:
            self.skip = (
                nn.Identity()
                if inputs == outputs
                else _linear(inputs, outputs, generator, bias=False)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Return the layer's outputs for inputs of shape (..., inputs)."""
        y: Tensor = self.down(self.left(x) * self.right(x))
        return y if self.skip is None else y + self.skip(x)

    def arrays(self, path: str = "layer") -> Layer:
        """Return the layer in the normal form, every float as it is.

        Args:
            path: the name of the layer in its network, for messages.

        Raises:
            NumericError: the layer or one of its maps has another class, a ``forward`` or a hook of
                its own, or holds what it does not use; or a weight is not finite.
        """
        _check_layer(self, path)
        left, right = (_with_bias(getattr(self, s), f"{path}.{s}") for s in ("left", "right"))
        down = _with_bias(self.down, f"{path}.down")
        outputs, inputs = len(down), left.shape[1] - 1
        linear = _passing_constant(outputs, inputs, down.dtype)
        linear[1:, 0] = down[:, 0]
        if isinstance(self.skip, nn.Identity):
            linear[1:, 1:] = np.eye(outputs)
        elif isinstance(self.skip, nn.Linear):
            linear[1:, 1:] = _with_bias(self.skip, f"{path}.skip")[:, 1:]
        no_neuron = np.zeros((1, down.shape[1] - 1), dtype=down.dtype)
        return Layer(left, right, np.concatenate([no_neuron, down[:, 1:]]), linear)


class BilinearNetwork(nn.Module):
    """A stack of bilinear layers: exactly a polynomial in its inputs.

    Args:
        inputs: number of inputs.
        outputs: number of outputs.
        depth: number of bilinear layers, at least 1.
        width: size of every hidden state between two layers.
        hidden: number of neurons of every layer.
        bias: whether the affine maps have biases.
        residual: whether each layer adds its input to its output, through a learned linear map
            where the two differ in size.
        embedding: whether an affine map brings the inputs to ``width`` first.
        seed: draws the initial weights, with which hidden states and outputs have a root mean
            square of about 1 where inputs have one of 0.45; the same seed gives the same weights,
            in float32 and on the processor, whatever torch's defaults.

    Raises:
        NumericError: a size is not a positive integer, or the seed is not one of at least 0.

    Source:
        N. Shazeer, *GLU Variants Improve Transformer*, arXiv 2002.05202, for the bilinear layer.

    Examples:
        >>> network = BilinearNetwork(784, 10, depth=2, width=64, hidden=256)
        >>> network(torch.zeros(5, 784)).shape
        torch.Size([5, 10])
        >>> [layer.left.shape for layer in network.layers()]
        [(256, 785), (256, 65)]
    """

    @usual_torch(gradients=True)
    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        depth: int = 2,
        width: int = 64,
        hidden: int = 256,
        bias: bool = True,
        residual: bool = False,
        embedding: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.configuration = Configuration(
            inputs, outputs, depth, width, hidden, bias, residual, embedding
        )
        inputs, outputs, depth, width, hidden, *_ = astuple(self.configuration)
        generator = torch.Generator().manual_seed(check_integer(seed, "seed", least=0))
        self.embedding = _linear(inputs, width, generator, bias=bias) if embedding else None
        sizes = [width if embedding else inputs, *[width] * (depth - 1), outputs]
        self.blocks = nn.ModuleList(
            BilinearLayer(
                size, following, hidden, bias=bias, residual=residual, generator=generator
            )
            for size, following in pairwise(sizes)
        )
        keep_sizes(self)

    @classmethod
    def from_configuration(cls, configuration: Configuration, seed: int = 0) -> BilinearNetwork:
        """Build a network of the given shape."""
        shape: dict[str, Any] = asdict(configuration)
        return cls(shape.pop("inputs"), shape.pop("outputs"), **shape, seed=seed)

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs for inputs of shape (..., inputs).

        Raises:
            NumericError: the inputs have another size or another dtype than the weights.
        """
        check_inputs(x, self.configuration.inputs, next(self.parameters()).dtype)
        if self.embedding is not None:
            x = self.embedding(x)
        for block in self.blocks:
            x = block(x)
        return x

    def extra_repr(self) -> str:
        """Say how large it is, above its modules."""
        inputs, outputs, depth, width, hidden, *_ = astuple(self.configuration)
        neurons = ", ".join([str(hidden)] * depth)
        between = f", hidden states of {width}" if depth > 1 or self.embedding is not None else ""
        return f"{inputs} inputs, layers of {neurons} neurons{between}, {outputs} outputs"

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return the weights by name.

        Raises:
            NumericError: a weight is not finite, of a dtype other than float32 and float64, or of
                another than the rest.
        """
        arrays: dict[str, npt.NDArray[Any]] = {}
        common = next(self.parameters()).dtype
        for name, parameter in self.named_parameters():
            if parameter.dtype not in (torch.float32, torch.float64):
                raise NumericError(f"expected {name} in float32 or float64, got {parameter.dtype}")
            if parameter.dtype != common:
                raise NumericError(
                    f"expected {name} in {common} as the rest, got {parameter.dtype}"
                )
            arrays[name] = parameter.detach().cpu().numpy()
            check_array(arrays[name], name, arrays[name].shape)
        return arrays

    def layers(self) -> list[Layer]:
        """Return the network in the normal form, every float as it is.

        They are held against what a copy of the network computes on a few fixed inputs, in eval
        mode and float64. A module that computes something else there is noticed wherever the
        difference is beyond what rounding may come to, which grows with the depth; not what is done
        in training alone, on inputs of other sizes, or by the next call but not by this one.

        Returns:
            For each layer ``(left, right, down, linear)``, in the dtype of the weights; an
            embedding is a first layer without neurons.

        Raises:
            NumericError: as :meth:`arrays`; or a module, by its name, is none that the normal form
                holds: of another class, with a ``forward`` or a hook of its own, or with
                parameters, buffers or submodules that are not used; or the network computes
                something else than its weights say.
        """
        self._check()
        self.arrays()
        layers = [
            cast(BilinearLayer, block).arrays(f"blocks.{number}")
            for number, block in enumerate(self.blocks)
        ]
        if self.embedding is not None:
            layers = [_embedding_arrays(self.embedding), *layers]
        check_agreement(layers, self, "the network")
        return layers

    def _check(self) -> None:
        check_network(self, "the network")
        check_module(
            self.blocks, "blocks", nn.ModuleList, [str(i) for i in range(len(self.blocks))]
        )
        if not len(self.blocks):
            raise NumericError("expected blocks to hold a bilinear layer, got none")
        if self.embedding is not None:
            check_module(self.embedding, "embedding", nn.Linear)
        for number, block in enumerate(self.blocks):
            _check_layer(block, f"blocks.{number}")


def check_network(network: object, name: str = "network") -> None:
    """Refuse what is no network, or one that is wrapped or extended; its parts are not looked at.

    Args:
        network: what a verb was given.
        name: the argument's, for the message.

    Raises:
        NumericError: as :func:`numeric.networks.readable_modules.check_module`.

    Examples:
        >>> check_network(nn.DataParallel(BilinearNetwork(3, 2)))
        Traceback (most recent call last):
        ...
        numeric.errors.NumericError: expected network to be a BilinearNetwork, got a DataParallel: \
pass the BilinearNetwork in it, its attribute module
    """
    check_module(network, name, BilinearNetwork, ("embedding", "blocks"))


def _check_layer(layer: object, path: str) -> None:
    """Refuse a layer whose weights do not say what it computes."""
    check_module(layer, path, BilinearLayer, ("left", "right", "down", "skip"))
    left, right, down, skip = (getattr(layer, name) for name in ("left", "right", "down", "skip"))
    for name, affine in {"left": left, "right": right, "down": down}.items():
        check_module(affine, f"{path}.{name}", nn.Linear)
    if isinstance(skip, nn.Identity):
        check_module(skip, f"{path}.skip", nn.Identity)
    elif skip is not None:
        check_module(skip, f"{path}.skip", nn.Linear)
        if skip.bias is not None:
            raise NumericError(f"expected {path}.skip to have no bias, got one")


def check_inputs(x: Tensor, inputs: int, dtype: torch.dtype) -> None:
    """Refuse inputs that a module with ``inputs`` inputs cannot read.

    Raises:
        NumericError: they have another size or dtype.
    """
    if not isinstance(x, Tensor):
        raise NumericError(f"expected inputs to be a torch tensor, got {type(x).__name__}")
    if x.ndim == 0 or x.shape[-1] != inputs:
        raise NumericError(f"expected inputs of shape (..., {inputs}), got {tuple(x.shape)}")
    if x.dtype != dtype:
        raise NumericError(f"expected inputs of dtype {dtype} like the weights, got {x.dtype}")


def _linear(
    inputs: int, outputs: int, generator: torch.Generator | None, *, bias: bool
) -> nn.Linear:
    # Made without memory first: torch's own initialisation would draw from the global random state.
    affine = nn.Linear(inputs, outputs, bias=bias, device="meta").to_empty(device="cpu")
    bound = 1 / math.sqrt(inputs)
    for name, parameter in affine.named_parameters():
        # Uniform within sqrt(3) is of variance 1.
        reach = bound if name == "bias" else math.sqrt(3) * bound
        nn.init.uniform_(parameter, -reach, reach, generator=generator)
    return affine


def _with_bias(affine: nn.Linear, path: str) -> npt.NDArray[Any]:
    """Return ``[b W]``."""
    tensor, offset = affine_map(affine, path)
    weight = tensor.cpu().numpy()
    check_array(weight, f"{path}.weight", weight.shape)
    bias = np.zeros(len(weight), dtype=weight.dtype) if offset is None else offset.cpu().numpy()
    check_array(bias, f"{path}.bias", (len(weight),))
    return np.concatenate([bias[:, np.newaxis], weight], axis=1)


def _passing_constant(outputs: int, inputs: int, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    linear = np.zeros((outputs + 1, inputs + 1), dtype=dtype)
    linear[0, 0] = 1
    return linear


def _embedding_arrays(embedding: nn.Linear) -> Layer:
    affine = _with_bias(embedding, "embedding")
    outputs, inputs = len(affine), affine.shape[1] - 1
    linear = _passing_constant(outputs, inputs, affine.dtype)
    linear[1:] = affine
    none = np.zeros((0, inputs + 1), dtype=affine.dtype)
    return Layer(none, none.copy(), np.zeros((outputs + 1, 0), dtype=affine.dtype), linear)
