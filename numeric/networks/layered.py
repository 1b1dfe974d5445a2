"""Layers in the normal form as a network, and whatever has layers as one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from types import UnionType
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from numeric.errors import NumericError
from numeric.networks.inference import usual_torch
from numeric.networks.network import BilinearNetwork, check_inputs, check_network
from numeric.networks.normal_form import Floats, Layer, checked_layers
from numeric.networks.readable_modules import check_module
from numeric.wording import described

_ADVICE: tuple[tuple[type[Any] | UnionType, str], ...] = (
    (nn.Module, ": from_module brings modules of sums and products there"),
    (Mapping, ": from_state_dict reads state dicts"),
    (str | PathLike, ": load_network reads files"),
)
"""What to do with what is no network yet."""


class LayeredNetwork(nn.Module):
    r"""Layers in the normal form as a torch module.

    .. math:: \tilde y = D\,[(L\tilde x) \odot (R\tilde x)] + M\tilde x

    Args:
        layers: at least one ``(left, right, down, linear)``, from the input upwards. If all of them
            are float32 so is the network, else it is in float64.

    Attributes:
        apart: by how much outputs differed from those of the module that the layers were read from,
            where they were compared; else None.

    Raises:
        NumericError: the layers are not finite float arrays that fit together.

    Source:
        The normal form of :mod:`numeric.networks.normal_form`.

    Examples:
        >>> from numeric import BilinearNetwork
        >>> network = BilinearNetwork(3, 2, depth=2, width=4, hidden=5).double()
        >>> x = torch.ones(1, 3, dtype=torch.float64)
        >>> again = LayeredNetwork(network.layers())
        >>> again
        LayeredNetwork(3 inputs, layers of 5, 5 neurons, 2 outputs)
        >>> torch.allclose(again(x), network(x), rtol=1e-12)
        True
    """

    @usual_torch(gradients=True)
    def __init__(self, layers: Iterable[Sequence[Floats]]) -> None:
        super().__init__()
        checked = checked_layers(layers)
        self.apart: float | None = None
        self.inputs = checked[0].linear.shape[1] - 1
        self.depth = len(checked)
        dtypes = {array.dtype for layer in checked for array in layer}
        dtype = torch.float32 if dtypes == {np.dtype(np.float32)} else torch.float64
        for number, layer in enumerate(checked, start=1):
            for name, array in layer._asdict().items():
                # torch reads no array backwards.
                tensor = torch.tensor(np.ascontiguousarray(array), dtype=dtype)
                self.register_buffer(f"{name}_{number}", tensor)

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs for inputs of shape (..., inputs).

        They are computed in the more precise of the dtypes of inputs and weights.

        Raises:
            NumericError: the inputs have another size, or are not floats.
        """
        buffers = dict(self.named_buffers())
        dtype = buffers["linear_1"].dtype
        if isinstance(x, Tensor) and x.is_floating_point():
            dtype = torch.promote_types(dtype, x.dtype)
            x = x.to(dtype)
        check_inputs(x, self.inputs, dtype)
        state = nn.functional.pad(x, (1, 0), value=1.0)
        for number in range(1, self.depth + 1):
            arrays = (buffers[f"{name}_{number}"] for name in Layer._fields)
            left, right, down, linear = (array.T.to(dtype) for array in arrays)
            state = ((state @ left) * (state @ right)) @ down + state @ linear
        return state[..., 1:]

    def extra_repr(self) -> str:
        """Say how large it is."""
        layers = self.layers()
        apart = "" if self.apart is None else f", at most {self.apart:.1g} from its module"
        neurons, outputs = [len(layer.left) for layer in layers], len(layers[-1].linear) - 1
        return described(self.inputs, neurons, outputs) + apart

    def layers(self) -> list[Layer]:
        """Return the network in the normal form, in the dtype of the weights."""
        buffers = dict(self.named_buffers())
        return [
            Layer(*(buffers[f"{name}_{number}"].cpu().numpy() for name in Layer._fields))
            for number in range(1, self.depth + 1)
        ]


Network = BilinearNetwork | LayeredNetwork
"""A network that says its layers and computes, as torch modules do."""


class HasLayers(Protocol):
    """What is a network in the normal form: whatever can say its layers."""

    def layers(self) -> Iterable[Sequence[Floats]]:
        """Return ``(left, right, down, linear)`` of each layer, from the input upwards."""


Readable = HasLayers | Iterable[Sequence[Floats]]
"""A network, or the layers of one: what every verb takes."""


def as_network(network: Readable, name: str = "network") -> Network:
    """Return what a verb was given as a network of this project.

    Args:
        network: a network, anything that has ``layers()``, or layers in the normal form.
        name: the argument's, for messages.

    Returns:
        The network itself where it is one of this project, else one of its layers.

    Raises:
        NumericError: it is no network, is wrapped or extended, or its layers are not finite arrays
            that fit together.

    Examples:
        >>> network = BilinearNetwork(3, 2, depth=1, hidden=4)
        >>> as_network(network) is network
        True
        >>> as_network(network.layers())
        LayeredNetwork(3 inputs, a layer of 4 neurons, 2 outputs)
        >>> as_network(nn.Linear(3, 2))
        Traceback (most recent call last):
        ...
        numeric.errors.NumericError: expected network to be a BilinearNetwork, a LayeredNetwork or \
layers in the normal form, got Linear: from_module brings modules of sums and products there
    """
    for kind in (BilinearNetwork, LayeredNetwork):
        if isinstance(network, kind) or isinstance(_wrapped(network), kind):
            _check(network, kind, name)
    return network if isinstance(network, Network) else LayeredNetwork(_layers(network, name))


def _layers(network: object, name: str) -> list[Layer]:
    """Return the layers of what is no module: those that it says, or is."""
    given: Any = network
    if not isinstance(given, nn.Module) and callable(getattr(given, "layers", None)):
        given = given.layers()
    advice = next((words for kind, words in _ADVICE if isinstance(given, kind)), "")
    if advice or not isinstance(given, Iterable):
        raise NumericError(
            f"expected {name} to be a BilinearNetwork, a LayeredNetwork or layers in the normal "
            f"form, got {type(network).__name__}{advice}"
        )
    return checked_layers(given)


def _wrapped(network: object) -> object:
    """Return what a wrapper such as ``DataParallel`` or that of ``torch.compile`` wraps."""
    inner = getattr(network, "module", None)
    return getattr(network, "_orig_mod", None) if inner is None else inner


def _check(network: object, kind: type[Network], name: str) -> None:
    """Refuse what is no network of one of the two classes, or is wrapped or extended."""
    if kind is BilinearNetwork:
        check_network(network, name)
        return
    held = [name for name, _ in network.named_buffers()] if isinstance(network, nn.Module) else ()
    check_module(network, name, kind, held)
    if isinstance(network, LayeredNetwork):
        # Weights may have been changed since they were checked.
        checked_layers(network.layers())


def read_layers(network: Readable, name: str = "network") -> list[Layer]:
    """Return the layers of any network, if they are finite and fit together.

    Args:
        network: as for :func:`as_network`.
        name: the argument's, for messages.

    Returns:
        Plain layers as they are; those of a network in the dtype of its weights.

    Raises:
        NumericError: as :func:`as_network`, or it computes something else than its weights say.

    Examples:
        >>> network = BilinearNetwork(3, 2, depth=1, hidden=4)
        >>> [layer.left.shape for layer in read_layers(network)]
        [(4, 4)]
    """
    if isinstance(network, nn.Module):
        return as_network(network, name).layers()
    return _layers(network, name)
