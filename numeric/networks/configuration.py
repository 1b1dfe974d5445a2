"""The shape of a network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from numeric.errors import NumericError
from numeric.scalars import check_integer, plain


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


def _affine_shapes(
    name: str, inputs: int, outputs: int, *, bias: bool
) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.weight", (outputs, inputs)
    if bias:
        yield f"{name}.bias", (outputs,)
