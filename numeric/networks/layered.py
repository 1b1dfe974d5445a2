"""Layers in the normal form as a network, and the layers of any network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from numeric.networks.inference import usual_torch
from numeric.networks.network import BilinearNetwork, check_inputs, check_network
from numeric.networks.normal_form import Floats, Layer, checked_layers
from numeric.networks.readable_modules import check_module


class LayeredNetwork(nn.Module):
    r"""Layers in the normal form as a torch module in float64.

    .. math:: \tilde y = D\,[(L\tilde x) \odot (R\tilde x)] + M\tilde x

    Args:
        layers: at least one ``(left, right, down, linear)``, from the input upwards.

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
        self.inputs = checked[0].linear.shape[1] - 1
        self.depth = len(checked)
        for number, layer in enumerate(checked, start=1):
            for name, array in layer._asdict().items():
                self.register_buffer(f"{name}_{number}", torch.tensor(array, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs, float64, for inputs of shape (..., inputs) in any float dtype.

        Raises:
            NumericError: the inputs have another size, or are not floats.
        """
        if isinstance(x, Tensor) and x.is_floating_point():
            x = x.double()
        check_inputs(x, self.inputs, torch.float64)
        buffers = dict(self.named_buffers())
        state = nn.functional.pad(x, (1, 0), value=1.0)
        for number in range(1, self.depth + 1):
            left, right, down, linear = (buffers[f"{name}_{number}"].T for name in Layer._fields)
            state = ((state @ left) * (state @ right)) @ down + state @ linear
        return state[..., 1:]

    def extra_repr(self) -> str:
        """Say how large it is."""
        layers = self.layers()
        neurons = ", ".join(str(len(layer.left)) for layer in layers)
        outputs = len(layers[-1].linear) - 1
        return f"{self.inputs} inputs, layers of {neurons} neurons, {outputs} outputs"

    def layers(self) -> list[Layer]:
        """Return the network in the normal form, in float64."""
        buffers = dict(self.named_buffers())
        return [
            Layer(*(buffers[f"{name}_{number}"].cpu().numpy() for name in Layer._fields))
            for number in range(1, self.depth + 1)
        ]


def read_layers(
    network: BilinearNetwork | LayeredNetwork | Iterable[Sequence[Floats]],
) -> list[Layer]:
    """Return the layers of any network, if they are finite and fit together.

    Args:
        network: a network, or its layers in the normal form.

    Raises:
        NumericError: it is none, is wrapped or extended, or computes something else than its
            weights say.

    Examples:
        >>> from numeric import BilinearNetwork
        >>> network = BilinearNetwork(3, 2, depth=1, hidden=4)
        >>> [layer.left.shape for layer in read_layers(network)]
        [(4, 4)]
    """
    if isinstance(network, LayeredNetwork):
        check_module(network, "network", LayeredNetwork, dict(network.named_buffers()))
        return network.layers()
    if isinstance(network, nn.Module):
        check_network(network)
    return checked_layers(network.layers() if isinstance(network, BilinearNetwork) else network)
