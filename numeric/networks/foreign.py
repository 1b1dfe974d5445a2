r"""Networks that were trained elsewhere, brought to the normal form.

The usual research code for bilinear networks keeps three kinds of weights:

=====================  =========================  ==============================================
``embed.weight``       (width, inputs)            :math:`h_0 = E x\,(+\,e)`
``blocks.{i}.weight``  (2 hidden, size below)     :math:`h_{i+1} = (L h_i + l) \odot (R h_i + r)`;
                                                  the first ``hidden`` rows are :math:`L`
``head.weight``        (outputs, size below)      the outputs, :math:`H h_n\,(+\,c)`
=====================  =========================  ==============================================

Each may have a ``bias`` beside its ``weight``. A block has no down projection: what is above reads
the products themselves. With a residual, :math:`h_i` is added to them.

Source:
    M. T. Pearce, T. Dooms et al., *Bilinear MLPs enable weight-based mechanistic interpretability*,
    arXiv 2410.08417, and its code, https://github.com/tdooms/bilinear-decomposition.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn

from numeric.errors import NumericError
from numeric.networks.examples import (
    Examples,
    check_examples,
    check_read,
    float_array,
    listed,
    load_tensors,
)
from numeric.networks.network_files import STATE_DICT_ADVICE
from numeric.networks.normal_form import Layer, check_array

_BY_HAND = (
    "other arrangements are written as layers by hand, as 'Your own network' in the documentation "
    "shows"
)

_WRAPPERS = ("module.", "_orig_mod.")
"""What ``DataParallel`` and ``torch.compile`` put before each name."""

_BLOCK = re.compile(r"blocks\.(0|[1-9]\d{0,5})\.(?:weight|bias)")


def from_state_dict(
    state: Mapping[str, Any],
    *,
    residual: bool = False,
    module: nn.Module | None = None,
    examples: Examples | None = None,
) -> list[Layer]:
    """Bring the state dict of a bilinear network to the normal form, every float as it is.

    Args:
        state: the arrays of this module's documentation by name, as torch tensors or numpy arrays
            in float64, float32 or half precision (which float32 holds exactly).
        residual: whether each block adds its input to its output; the state dict does not say.
        module: the module that the state dict is of. A copy of it is run on a few inputs, in eval
            mode and float64 where it can.
        examples: in place of the module, or beside it, a pair of inputs and of the outputs that it
            gives for them, arrays or tensors of shapes (examples, inputs) and (examples, outputs).
            The more precise the outputs, the more they tell: those of ``module.double()`` are best,
            and those of half precision tell too little.

    Returns:
        The embedding, the blocks and the head, each one layer ``(left, right, down, linear)``.
        Embedding and head have no neurons; of a block, ``down`` hands on each product by itself.

    Raises:
        NumericError: an array is missing, surplus, wrongly shaped, not of floats or not finite; the
            message names it. Or an output of the module or of the examples differs by more than
            rounding explains: a gate, a norm, a scale or a residual does not stand in a state dict.

    Warns:
        UserWarning: nothing was compared, as neither module nor examples are given.

    Source:
        ``Model`` of ``image/model.py`` and ``Bilinear`` of ``shared/components.py`` in
        https://github.com/tdooms/bilinear-decomposition.

    Examples:
        >>> state = {
        ...     "embed.weight": np.ones((3, 5)),
        ...     "blocks.0.weight": np.ones((8, 3)),
        ...     "head.weight": np.ones((2, 4)),
        ... }
        >>> examples = np.ones((1, 5)), np.full((1, 2), 900.0)
        >>> [layer.left.shape for layer in from_state_dict(state, examples=examples)]
        [(0, 6), (4, 4), (0, 5)]
        >>> from_state_dict(state, examples=examples, residual=True)
        Traceback (most recent call last):
        ...
        numeric.errors.NumericError: expected blocks.0.weight to have shape (6, 3), got (8, 3): \
with a residual a block has as many products as inputs
    """
    return _compared(state, residual=residual, module=module, examples=examples)


def load_foreign(
    path: str | os.PathLike[str],
    *,
    residual: bool = False,
    module: nn.Module | None = None,
    examples: Examples | None = None,
) -> list[Layer]:
    """Read a bilinear network from a safetensors file with the state dict of research code.

    Args:
        path: the file, as ``safetensors.torch.save_file(model.state_dict(), path)`` writes it. A
            file of ``torch.save`` is refused: it holds pickled code.
        residual: as for :func:`from_state_dict`.
        module: as for :func:`from_state_dict`.
        examples: as for :func:`from_state_dict`.

    Returns:
        As :func:`from_state_dict`.

    Raises:
        NumericError: there is no such file, it is damaged or a file of ``torch.save``, or as
            :func:`from_state_dict`.

    Warns:
        UserWarning: as :func:`from_state_dict`.

    Source:
        As :func:`from_state_dict`; https://github.com/huggingface/safetensors for the file.

    Examples:
        >>> from safetensors.numpy import save_file
        >>> path = getfixture("tmp_path") / "research.safetensors"
        >>> shapes = {"embed": (3, 5), "blocks.0": (8, 3), "head": (2, 4)}
        >>> save_file({f"{name}.weight": np.ones(shape) for name, shape in shapes.items()}, path)
        >>> examples = np.ones((1, 5)), np.full((1, 2), 900.0)
        >>> [layer.linear.shape for layer in load_foreign(path, examples=examples)]
        [(4, 6), (5, 4), (3, 5)]
    """
    state = load_tensors(path)
    return _compared(state, residual=residual, module=module, examples=examples)


def _compared(
    state: Mapping[str, Any], *, residual: bool, module: object, examples: object
) -> list[Layer]:
    """Return the layers if they compute what module and examples say, as far as there are any."""
    layers = _read(state, residual=residual)
    if module is None and examples is None:
        warnings.warn(
            "nothing was compared with the network itself: a gate, a norm, a scale or a residual "
            "does not stand in a state dict. Give examples of its inputs and outputs (--examples "
            "on the command line), or the module",
            stacklevel=3,
        )
    for check, given in ((check_read, module), (check_examples, examples)):
        if given is None:
            continue
        try:
            check(layers, given)
        except NumericError as error:
            if _agrees(check, state, given, residual=not residual):
                raise NumericError(f"{error}; with residual={not residual} it agrees") from None
            raise
    return layers


def _agrees(
    check: Callable[[Sequence[Layer], Any], None],
    state: Mapping[str, Any],
    given: object,
    *,
    residual: bool,
) -> bool:
    try:
        check(_read(state, residual=residual), given)
    except NumericError:
        return False
    return True


def _read(state: Mapping[str, Any], *, residual: bool) -> list[Layer]:
    depth = _checked_depth(state, residual=residual)
    embedding = _affine(state, "embed")
    layers = [_affine_layer(embedding)]
    size = len(embedding)
    for number in range(depth):
        block = _affine(state, f"blocks.{number}", size)
        _check_halves(block, f"blocks.{number}.weight", residual=residual)
        layers.append(_block_layer(block, residual=residual))
        size = len(block) // 2
    layers.append(_affine_layer(_affine(state, "head", size)))
    return layers


def _checked_depth(state: Mapping[str, Any], *, residual: bool) -> int:
    """Return the number of blocks, if the state dict has the names that it must and may have."""
    if not isinstance(state, Mapping):
        raise NumericError(
            f"expected state to be a state dict, a mapping of names to arrays, got "
            f"{type(state).__name__}"
        )
    if not isinstance(residual, bool):
        raise NumericError(f"expected residual to be True or False, got {residual!r}")
    matches = [_BLOCK.fullmatch(name) for name in state if isinstance(name, str)]
    depth = max([1, *(int(match[1]) + 1 for match in matches if match)])
    # Missing ones first, and one at a time: a wild number of a block must not make a long list.
    parts = ("embed", *(f"blocks.{number}" for number in range(depth)), "head")
    for part in parts:
        if f"{part}.weight" not in state:
            got = f"only {listed(state)}" if state else "nothing"
            advice = STATE_DICT_ADVICE if "blocks.0.down.weight" in state else _BY_HAND
            if all(str(name).startswith(_WRAPPERS) for name in state):
                advice = (
                    "take the state dict of the module in the wrapper, or drop its name from these"
                )
            raise NumericError(f"expected state to hold {part}.weight, got {got}: {advice}")
    known = {f"{part}.{kind}" for part in parts for kind in ("weight", "bias")}
    if surplus := [name for name in state if name not in known]:
        raise NumericError(
            "expected state to hold only weight and bias of embed, of blocks.0 and so on, and of "
            f"head, got also {listed(surplus)}"
        )
    return depth


def _affine(state: Mapping[str, Any], part: str, size: int | None = None) -> npt.NDArray[Any]:
    """Return ``[bias weight]``, shape (rows, 1 + size); without a bias its column is zero."""
    weight = float_array(state[f"{part}.weight"], f"{part}.weight")
    if weight.ndim != 2 or 0 in weight.shape:
        raise NumericError(
            f"expected {part}.weight to have two axes, none of them of size 0, got shape "
            f"{weight.shape}"
        )
    check_array(weight, f"{part}.weight", (len(weight), weight.shape[1] if size is None else size))
    bias = np.zeros(len(weight), dtype=weight.dtype)
    if f"{part}.bias" in state:
        bias = float_array(state[f"{part}.bias"], f"{part}.bias")
        check_array(bias, f"{part}.bias", (len(weight),))
    return np.concatenate([bias[:, np.newaxis], weight], axis=1)


def _check_halves(block: npt.NDArray[Any], name: str, *, residual: bool) -> None:
    rows, size = len(block), block.shape[1] - 1
    if residual and rows != 2 * size:
        raise NumericError(
            f"expected {name} to have shape {(2 * size, size)}, got {(rows, size)}: with a "
            "residual a block has as many products as inputs"
        )
    if rows % 2:
        raise NumericError(
            f"expected {name} to have an even number of rows, left above right, got shape "
            f"{(rows, size)}"
        )


def _affine_layer(affine: npt.NDArray[Any]) -> Layer:
    rows, columns = affine.shape
    none = np.zeros((0, columns), dtype=affine.dtype)
    constant = np.eye(1, columns, dtype=affine.dtype)
    down = np.zeros((rows + 1, 0), dtype=affine.dtype)
    return Layer(none, none.copy(), down, np.concatenate([constant, affine]))


def _block_layer(block: npt.NDArray[Any], *, residual: bool) -> Layer:
    neurons, columns = len(block) // 2, block.shape[1]
    linear = np.zeros((neurons + 1, columns), dtype=block.dtype)
    linear[0, 0] = 1
    if residual:
        linear[1:, 1:] = np.eye(neurons)
    down = np.eye(neurons + 1, dtype=block.dtype)[:, 1:]
    return Layer(block[:neurons].copy(), block[neurons:].copy(), down.copy(), linear)
