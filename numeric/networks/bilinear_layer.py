"""One bilinear layer as a torch module."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from numeric.errors import NumericError
from numeric.networks.inference import usual_torch
from numeric.networks.normal_form import Layer, check_array
from numeric.networks.readable_modules import affine_map, check_module
from numeric.scalars import check_integer


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
        self.left = drawn_linear(inputs, hidden, generator, bias=bias)
        self.right = drawn_linear(inputs, hidden, generator, bias=bias)
        self.down = drawn_linear(hidden, outputs, generator, bias=bias)
        self.skip: nn.Module | None = None
        if residual:
            self.skip = (
                nn.Identity()
                if inputs == outputs
                else drawn_linear(inputs, outputs, generator, bias=False)
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
        check_layer(self, path)
        left, right = (with_bias(getattr(self, s), f"{path}.{s}") for s in ("left", "right"))
        down = with_bias(self.down, f"{path}.down")
        outputs, inputs = len(down), left.shape[1] - 1
        linear = passing_constant(outputs, inputs, down.dtype)
        linear[1:, 0] = down[:, 0]
        if isinstance(self.skip, nn.Identity):
            linear[1:, 1:] = np.eye(outputs)
        elif isinstance(self.skip, nn.Linear):
            linear[1:, 1:] = with_bias(self.skip, f"{path}.skip")[:, 1:]
        no_neuron = np.zeros((1, down.shape[1] - 1), dtype=down.dtype)
        return Layer(left, right, np.concatenate([no_neuron, down[:, 1:]]), linear)


def check_layer(layer: object, path: str) -> None:
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


def drawn_linear(
    inputs: int, outputs: int, generator: torch.Generator | None, *, bias: bool
) -> nn.Linear:
    """Return an affine map with weights of variance 1 / length of their row."""
    # Made without memory first: torch's own initialisation would draw from the global random state.
    affine = nn.Linear(inputs, outputs, bias=bias, device="meta").to_empty(device="cpu")
    bound = 1 / math.sqrt(inputs)
    for name, parameter in affine.named_parameters():
        # Uniform within sqrt(3) is of variance 1.
        reach = bound if name == "bias" else math.sqrt(3) * bound
        nn.init.uniform_(parameter, -reach, reach, generator=generator)
    return affine


def with_bias(affine: nn.Linear, path: str) -> npt.NDArray[Any]:
    """Return ``[b W]``."""
    tensor, offset = affine_map(affine, path)
    weight = tensor.cpu().numpy()
    check_array(weight, f"{path}.weight", weight.shape)
    bias = np.zeros(len(weight), dtype=weight.dtype) if offset is None else offset.cpu().numpy()
    check_array(bias, f"{path}.bias", (len(weight),))
    return np.concatenate([bias[:, np.newaxis], weight], axis=1)


def passing_constant(outputs: int, inputs: int, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Return a linear part that passes the constant on, and nothing else."""
    linear = np.zeros((outputs + 1, inputs + 1), dtype=dtype)
    linear[0, 0] = 1
    return linear
