r"""Layers in the normal form from the parts of a network, and what its tensors do not say.

A layer is :math:`s\,(D\,[(L h + l) \odot (R h + r)] + d)`, to which a residual adds :math:`h`. No
two floats are multiplied or added: where a scale :math:`s` would, it is a layer of its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from numeric.errors import NumericError
from numeric.networks.importing.parts import ROLES, Block, Part, Parts
from numeric.networks.normal_form import Layer, check_array

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Choices:
    """What does not stand in a state dict.

    Attributes:
        residual: whether each layer adds its input to its output.
        interleaved: whether the rows of a matrix with both factors alternate between them; else
            those of the first factor come first.
        transposed: the roles whose weights have the other order of axes than their names say.
        scale: what each layer's output is multiplied by, before a residual is added.
    """

    residual: bool = False
    interleaved: bool = False
    transposed: frozenset[str] = frozenset()
    scale: float = 1.0

    def turned(self) -> list[str]:
        """Return the transposed roles in order."""
        return [role for role in ROLES if role in self.transposed]


def fitting(
    readings: Sequence[Parts], choices: Choices, *, transposed: bool
) -> tuple[Parts, Choices]:
    """Return the first reading whose shapes fit, and in which order of axes.

    Args:
        readings: the parts, as the layouts that share their names read them.
        choices: what the state dict does not say.
        transposed: whether the choice of axes stands; else shapes decide, and where they leave it
            open, the names do.

    Raises:
        NumericError: none fits; the message is about the likeliest.
    """
    orders = [choices.transposed] if transposed else _orders(readings[0])
    refused: NumericError | None = None
    for order, parts in itertools.product(orders, readings):
        tried = replace(choices, transposed=order)
        try:
            check_shapes(parts, tried)
        except NumericError as error:
            refused = refused or error
        else:
            return parts, tried
    if len(readings[0].blocks[0].factors) == 1 and _is_chain(readings[0]):
        first = readings[0].blocks[0].factors[0]
        raise NumericError(
            f"expected {first.name} to hold both factors of a product, got shape "
            f"{first.weight.shape}, of a chain of linear maps: what is between those does not "
            "stand in a state dict; from_module reads the module itself"
        )
    raise refused or NumericError("expected a way to read the parts, got none")


def alternatives(
    readings: Sequence[Parts], parts: Parts, choices: Choices, *, most: int = 2
) -> Iterator[tuple[Parts, Choices]]:
    """Yield what fits as well and differs in few choices, those that differ in one first.

    Args:
        readings: the parts, as the layouts that share their names read them.
        parts: the one of them that was taken.
        choices: those that were made.
        most: in how many choices they may differ.
    """
    layouts = [other for other in readings if other is not parts]
    changes: list[tuple[str, Any]] = [("residual", not choices.residual)]
    changes += [("interleaved", not choices.interleaved)] * _both_in_one(parts)
    matrices = {part.role for part in parts.all() if part.weight.ndim == 2}
    changes += [("transposed", role) for role in parts.roles() if role in matrices]
    changes += [("parts", other) for other in layouts]
    for number in range(1, most + 1):
        for changed in itertools.combinations(changes, number):
            other, tried = parts, choices
            for name, value in changed:
                if name == "parts":
                    other = value
                elif name == "transposed":
                    tried = replace(tried, transposed=tried.transposed ^ {value})
                else:
                    tried = replace(tried, **{name: value})
            try:
                check_shapes(other, tried)
            except NumericError:
                continue
            yield other, tried


def layers_of(parts: Parts, choices: Choices) -> list[Layer]:
    """Return the layers, every float as it is.

    Args:
        parts: of shapes that fit.
        choices: what the state dict does not say.

    Raises:
        NumericError: an array is not of floats, or not finite.
    """
    for part in parts.all():
        check_array(part.weight, part.name, part.weight.shape)
        if part.bias is not None:
            check_array(part.bias, part.bias_name, part.bias.shape)
    found: list[Layer] = []
    if parts.embed is not None:
        found.append(_linear_layer(_affine(parts.embed, choices)))
    for block in parts.blocks:
        found.extend(_block_layers(block, choices))
    if parts.head is not None:
        found.append(_linear_layer(_affine(parts.head, choices)))
    return found


def check_shapes(parts: Parts, choices: Choices) -> None:
    """Refuse parts whose shapes do not fit together.

    Raises:
        NumericError: with the name of the array, what was expected and what came.
    """
    size: int | None = None
    if parts.embed is not None:
        size = _rows(parts.embed, choices)
    for block in parts.blocks:
        size = _block_size(block, choices, size)
    if parts.head is not None:
        _rows(parts.head, choices, size)


def _is_chain(parts: Parts) -> bool:
    """Return whether each map takes all that the one below gives, so that nothing is multiplied."""
    chain = [part for part in parts.all() if part.role != "embed"]
    return len(chain) > 1 and all(
        above.weight.ndim == below.weight.ndim == 2
        and above.weight.shape[1] == len(below.weight)
        and {above.role, below.role} <= {"factors", "head"}
        for below, above in itertools.pairwise(chain)
    )


def _block_size(block: Block, choices: Choices, size: int | None) -> int:
    """Return the number of outputs of a layer whose parts fit."""
    first = block.factors[0]
    if first.weight.ndim == 3 and len(block.factors) == 1:
        size, products = _bilinear_sizes(first, size)
    else:
        rows = _rows(first, choices, size)
        size = _oriented(first, choices).shape[1]
        if len(block.factors) == 2:
            products = _rows(block.factors[1], choices, size, rows)
        elif rows % 2:
            raise NumericError(
                f"expected {first.name} to hold an even number of rows, those of both factors, got "
                f"shape {first.weight.shape}"
            )
        else:
            products = rows // 2
    outputs = products if block.down is None else _rows(block.down, choices, products)
    if block.skip is not None:
        _rows(block.skip, choices, size, outputs)
    elif choices.residual and outputs != size:
        last = block.down or first
        rows = 2 * size if block.down is None and len(block.factors) == 1 else size
        asked = (rows, *last.weight.shape[1:])
        raise NumericError(
            f"expected {last.name} to have shape {asked}, got {last.weight.shape}: with a residual "
            "a layer has as many outputs as inputs"
        )
    return outputs


def _bilinear_sizes(part: Part, size: int | None) -> tuple[int, int]:
    """Return the numbers of inputs and outputs of an ``nn.Bilinear`` that takes one input twice."""
    outputs, first, second = part.weight.shape
    inputs = first if size is None else size
    if first != inputs or second != inputs or 0 in part.weight.shape:
        raise NumericError(
            f"expected {part.name} to have shape {(outputs, inputs, inputs)}, got "
            f"{part.weight.shape}"
        )
    _check_bias(part, outputs)
    return inputs, outputs


def _rows(part: Part, choices: Choices, columns: int | None = None, rows: int | None = None) -> int:
    """Return the number of rows of a map that takes as many inputs as it must."""
    if part.weight.ndim != 2 or 0 in part.weight.shape:
        raise NumericError(
            f"expected {part.name} to have two axes, none of them of size 0, got shape "
            f"{part.weight.shape}"
        )
    found = _oriented(part, choices).shape
    asked = (found[0] if rows is None else rows, found[1] if columns is None else columns)
    if found != asked:
        stored = asked[::-1] if _turned(part, choices) else asked
        raise NumericError(f"expected {part.name} to have shape {stored}, got {part.weight.shape}")
    _check_bias(part, found[0])
    return int(found[0])


def _check_bias(part: Part, rows: int) -> None:
    if part.bias is not None and part.bias.shape != (rows,):
        raise NumericError(
            f"expected {part.bias_name} to have shape {(rows,)}, got {part.bias.shape}"
        )


def _orders(parts: Parts) -> Iterator[frozenset[str]]:
    """Yield the roles that may be transposed: none, a table of tokens, all, and what else may be.

    A table of tokens is one of ``nn.Embedding``, which has a row for each.
    """
    roles = parts.roles()
    likely = [(), ("embed",), roles] if "embed" in roles else [(), roles]
    rest = (some for size in range(1, len(roles)) for some in itertools.combinations(roles, size))
    yield from dict.fromkeys(frozenset(some) for some in itertools.chain(likely, rest))


def _both_in_one(parts: Parts) -> bool:
    return any(b.factors[0].weight.ndim == 2 and len(b.factors) == 1 for b in parts.blocks)


def _turned(part: Part, choices: Choices) -> bool:
    return part.turned != (part.role in choices.transposed)


def _oriented(part: Part, choices: Choices) -> Array:
    return part.weight.T if _turned(part, choices) else part.weight


def _affine(part: Part, choices: Choices) -> Array:
    """Return ``[bias weight]``, shape (rows, 1 + inputs); without a bias its column is zero."""
    weight = _oriented(part, choices)
    bias = np.zeros(len(weight), dtype=weight.dtype) if part.bias is None else part.bias
    return np.concatenate([bias[:, np.newaxis], weight], axis=1)


def _linear_layer(affine: Array) -> Layer:
    rows, columns = affine.shape
    none = np.zeros((0, columns), dtype=affine.dtype)
    down = np.zeros((rows + 1, 0), dtype=affine.dtype)
    constant = np.eye(1, columns, dtype=affine.dtype)
    return Layer(none, none.copy(), down, np.concatenate([constant, affine]))


def _factors(block: Block, choices: Choices) -> tuple[Array, Array]:
    affine = [_affine(part, choices) for part in block.factors]
    if len(affine) == 2:
        return affine[0], affine[1]
    both = affine[0]
    left, right = (both[::2], both[1::2]) if choices.interleaved else np.split(both, 2)
    return left.copy(), right.copy()


def _bilinear_factors(part: Part) -> tuple[Array, Array, Array]:
    """Return the factors and the sums of an ``nn.Bilinear``: a product an input and output."""
    outputs, inputs, _ = part.weight.shape
    right = part.weight.reshape(outputs * inputs, inputs)
    left = np.tile(np.eye(inputs, dtype=right.dtype), (outputs, 1))
    sums = np.kron(np.eye(outputs, dtype=right.dtype), np.ones((1, inputs), dtype=right.dtype))
    column = np.zeros((outputs * inputs, 1), dtype=right.dtype)
    left, right = (np.concatenate([column, side], axis=1) for side in (left, right))
    return left, right, sums


def _block_layers(block: Block, choices: Choices) -> list[Layer]:
    """Return a layer of products, and a second one for a scale of what a map gives."""
    first = block.factors[0]
    if first.weight.ndim == 3:
        left, right, product = _bilinear_factors(first)
        bias = first.bias
    else:
        left, right = _factors(block, choices)
        product, bias = np.eye(len(left), dtype=left.dtype), None
    if block.down is not None:
        product, bias = _oriented(block.down, choices), block.down.bias
    outputs, inputs = len(product), left.shape[1] - 1
    constant = np.zeros(outputs, dtype=product.dtype) if bias is None else bias
    own = np.column_stack([constant, np.zeros((outputs, inputs), dtype=product.dtype)])
    added = np.zeros_like(own)
    if block.skip is not None:
        added = _affine(block.skip, choices)
    elif choices.residual:
        added = np.eye(outputs, inputs + 1, 1, dtype=product.dtype)
    if choices.scale == 1 and not (own.any() and added[:, 0].any()):
        linear = np.where(own != 0, own, added)
        return [_product_layer(left, right, product, linear)]
    # The output and what is added to it are kept apart, and are added behind the scale.
    none = np.zeros_like(product)
    layer = _product_layer(
        left, right, np.concatenate([product, none]), np.concatenate([own, added])
    )
    exact = float(product.dtype.type(choices.scale)) == choices.scale
    sums = np.zeros((outputs, 2 * outputs + 1), product.dtype if exact else np.float64)
    sums[:, 1 : outputs + 1] = choices.scale * np.eye(outputs)
    sums[:, outputs + 1 :] = np.eye(outputs)
    return [layer, _linear_layer(sums)]


def _product_layer(left: Array, right: Array, product: Array, linear: Array) -> Layer:
    neurons, columns = left.shape
    down = np.concatenate([np.zeros((1, neurons), dtype=product.dtype), product])
    constant = np.eye(1, columns, dtype=linear.dtype)
    return Layer(left, right, down, np.concatenate([constant, linear]))
