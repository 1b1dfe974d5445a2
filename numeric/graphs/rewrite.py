"""A composition graph as a torch module whose every number comes from the graph."""

from __future__ import annotations

from collections.abc import Sequence

import networkx as nx
import torch
from torch import Tensor, nn

from numeric.errors import NumericError
from numeric.graphs.graph import square_layers
from numeric.graphs.schema import Node
from numeric.networks.inference import usual_torch
from numeric.networks.normal_form import SquareLayer
from numeric.wording import described


class RewrittenNetwork(nn.Module):
    r"""Square layers in float64: :math:`\tilde y = W\,(P\tilde x)^2 + M\tilde x`.

    Args:
        layers: from the input upwards.
    """

    @usual_torch(gradients=True)
    def __init__(self, layers: Sequence[SquareLayer]) -> None:
        super().__init__()
        self.depth = len(layers)
        for number, layer in enumerate(layers, start=1):
            for name, array in layer._asdict().items():
                if name != "low" or array.any():
                    self.register_buffer(f"{name}_{number}", torch.from_numpy(array))

    def extra_repr(self) -> str:
        """Say what torch's printing of modules shows of it."""
        buffers = dict(self.named_buffers())
        counts = [len(buffers[f"readings_{number}"]) for number in range(1, self.depth + 1)]
        inputs = buffers["linear_1"].shape[1] - 1
        outputs = len(buffers[f"linear_{self.depth}"]) - 1
        return described(inputs, counts, outputs, noun="square")

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, float64, for inputs of shape (..., inputs) in any float dtype.

        Raises:
            NumericError: the inputs have another size, or are not floats.
        """
        buffers = dict(self.named_buffers())
        inputs = buffers["linear_1"].shape[1] - 1
        if not isinstance(x, Tensor):
            raise NumericError(f"expected inputs to be a torch tensor, got {type(x).__name__}")
        if x.ndim == 0 or x.shape[-1] != inputs or not x.is_floating_point():
            raise NumericError(
                f"expected float inputs of shape (..., {inputs}), got {x.dtype} of shape "
                f"{tuple(x.shape)}"
            )
        state = nn.functional.pad(x.to(buffers["linear_1"].dtype), (1, 0), value=1.0)
        for number in range(1, self.depth + 1):
            readings = state @ buffers[f"readings_{number}"].T
            if f"low_{number}" in buffers:
                readings = readings + state @ buffers[f"low_{number}"].T
            state = (
                readings.square() @ buffers[f"mixing_{number}"].T
                + state @ buffers[f"linear_{number}"].T
            )
        return state[..., 1:]


def rewrite(graph: nx.DiGraph[Node], *, residuals: bool = False) -> RewrittenNetwork:
    """Compile a composition graph into a torch module.

    The graph is the model: what is cut or changed in the graph is cut or changed in the module.

    Args:
        graph: in the schema of :mod:`numeric.graphs.graph`.
        residuals: whether the residuals of features that were cut are added, so that the logits
            are those of the graph before the cut.

    Returns:
        A module that maps inputs of shape (..., inputs) to logits in float64.

    Raises:
        NumericError: the graph breaks the schema; the message names the node or the edge.

    Examples:
        >>> from numeric import BilinearNetwork, trace
        >>> network = BilinearNetwork(3, 2, depth=2, width=4, hidden=5).double()
        >>> x = torch.ones(1, 3, dtype=torch.float64)
        >>> torch.allclose(rewrite(trace(network))(x), network(x), rtol=1e-9)
        True
    """
    return RewrittenNetwork(square_layers(graph, whole=residuals))
