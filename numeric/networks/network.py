"""Stacked bilinear layers as a torch module."""

from __future__ import annotations

from dataclasses import asdict, astuple
from itertools import pairwise
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from numeric.errors import NumericError
from numeric.networks.agreement import check_agreement
from numeric.networks.bilinear_layer import (
    BilinearLayer,
    check_layer,
    drawn_linear,
    passing_constant,
    with_bias,
)
from numeric.networks.configuration import Configuration
from numeric.networks.inference import usual_torch
from numeric.networks.initialisation import keep_sizes
from numeric.networks.normal_form import Layer, check_array
from numeric.networks.readable_modules import check_module
from numeric.scalars import check_integer
from numeric.wording import described


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
        self.embedding = drawn_linear(inputs, width, generator, bias=bias) if embedding else None
        sizes = [width if embedding else inputs, *[width] * (depth - 1), outputs]
        self.blocks = nn.ModuleList(
            BilinearLayer(
                size, following, hidden, bias=bias, residual=residual, generator=generator
            )
            for size, following in pairwise(sizes)
        )
        keep_sizes(self.configuration, self.embedding, self.blocks)

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
        between = f", hidden states of {width}" if depth > 1 or self.embedding is not None else ""
        return described(inputs, [hidden] * depth, outputs, between=between)

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
            check_layer(block, f"blocks.{number}")


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


def _embedding_arrays(embedding: nn.Linear) -> Layer:
    affine = with_bias(embedding, "embedding")
    outputs, inputs = len(affine), affine.shape[1] - 1
    linear = passing_constant(outputs, inputs, affine.dtype)
    linear[1:] = affine
    none = np.zeros((0, inputs + 1), dtype=affine.dtype)
    return Layer(none, none.copy(), np.zeros((outputs + 1, 0), dtype=affine.dtype), linear)
