"""Networks that were trained elsewhere, brought to the normal form by the names of their weights.

The names that are known stand in :mod:`numeric.networks.importing.layouts`, and what is made of
them in :mod:`numeric.networks.importing.parts`. What no state dict says is given as
:class:`Options`, and held against the module or against examples of its inputs and outputs.
"""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

from torch import nn

from numeric.errors import NumericError
from numeric.networks.importing.assembly import Choices, alternatives, fitting, layers_of
from numeric.networks.importing.examples import Examples, check_examples, check_read
from numeric.networks.importing.parts import ROLES, Parts, find_parts, unwrapped
from numeric.networks.importing.state_files import load_state
from numeric.networks.layered import LayeredNetwork
from numeric.networks.normal_form import Layer
from numeric.scalars import plain


class Options(TypedDict, total=False):
    """What a state dict does not say.

    Attributes:
        part: the name of a submodule, such as ``layers.3.mlp``: the rest is left out.
        layout: which of :data:`numeric.networks.importing.layouts.LAYOUTS` the names are meant as.
        residual: whether each layer adds its input to its output. If it is not given, what
            ``config.json`` says, and else whether there is a map ``skip`` beside a layer.
        interleaved: whether the rows of a matrix with both factors alternate between them; else the
            rows of the first factor come first.
        transposed: which weights have the other order of axes than their names say: any of
            ``"embed"``, ``"factors"``, ``"down"``, ``"skip"`` and ``"head"``. If it is not given,
            the shapes decide where they can.
        scale: what each layer's output is multiplied by, before a residual is added.
        tied: whether the head is the embedding, the other way round; if it is not given, as
            ``config.json`` says.
        module: the module that the state dict is of. A copy of it is run on a few inputs, in eval
            mode and float64 where it can.
        examples: in place of the module, or beside it, a pair of inputs and of the outputs that it
            gives for them, arrays or tensors of shapes (examples, inputs) and (examples, outputs).
            The more precise the outputs, the more they tell: those of ``module.double()`` are best,
            and those of half precision tell too little.
    """

    part: str | None
    layout: str | None
    residual: bool | None
    interleaved: bool
    transposed: Collection[str] | None
    scale: float
    tied: bool | None
    module: nn.Module | None
    examples: Examples | None


@dataclass(frozen=True)
class Reading:
    """A network of other code, and how it was read.

    Attributes:
        layers: in the normal form, every float as it is.
        layout: the name of its layout.
        notes: how it was read where the names alone do not say it, in words.
        alternatives: options with which its shapes fit as well, one by one.
        compared: whether it was held against a module or examples.
    """

    layers: list[Layer]
    layout: str
    notes: tuple[str, ...]
    alternatives: tuple[str, ...]
    compared: bool


def from_state_dict(state: Mapping[str, Any], **options: Unpack[Options]) -> list[Layer]:
    """Bring the state dict of a bilinear network to the normal form, every float as it is.

    Args:
        state: arrays by name, as torch tensors or numpy arrays in float64, float32 or half
            precision (which float32 holds exactly). The names are those of a layout of
            :mod:`numeric.networks.importing.layouts`, with anything before them.
        options: what the state dict does not say, and what it is compared with: :class:`Options`.

    Returns:
        The embedding, the layers and the head, as far as they are there, each one layer
        ``(left, right, down, linear)``. Embedding and head have no neurons. A scale is a layer of
        its own behind each.

    Raises:
        NumericError: an array is missing, surplus, wrongly shaped, not of floats or not finite; the
            message names it. Or an output of the module or of the examples differs by more than
            rounding explains: a gate, a norm, a scale or a residual does not stand in a state dict.
            The message says with which option it agrees, if one is found.

    Warns:
        UserWarning: nothing was compared, as neither module nor examples are given.

    Source:
        That of :mod:`numeric.networks.importing.layouts`.

    Examples:
        >>> import numpy as np
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
with a residual a layer has as many outputs as inputs
    """
    return _said(read_state(state, {}, **options)).layers


def load_foreign(path: str | os.PathLike[str], **options: Unpack[Options]) -> list[Layer]:
    """Read the layers of a bilinear network that other code wrote.

    Args:
        path: as for :func:`import_network`.
        options: as for :func:`import_network`.

    Returns:
        As :func:`from_state_dict`.

    Raises:
        NumericError: as :func:`import_network`.

    Warns:
        UserWarning: as :func:`from_state_dict`.

    Source:
        As :func:`import_network`.

    Examples:
        >>> import numpy as np
        >>> path = getfixture("tmp_path") / "research.npz"
        >>> shapes = {"embed": (3, 5), "blocks.0": (8, 3), "head": (2, 4)}
        >>> np.savez(path, **{f"{name}.weight": np.ones(shape) for name, shape in shapes.items()})
        >>> examples = np.ones((1, 5)), np.full((1, 2), 900.0)
        >>> [layer.linear.shape for layer in load_foreign(path, examples=examples)]
        [(4, 6), (5, 4), (3, 5)]
    """
    return _said(read_foreign(path, **options)).layers


def import_network(path: str | os.PathLike[str], **options: Unpack[Options]) -> LayeredNetwork:
    """Read a bilinear network that other code wrote.

    Args:
        path: a file of a state dict, safetensors, ``torch.save`` (of which weights are read, and
            nothing is executed) or ``numpy.savez``, a checkpoint with one in it, or a folder as the
            hub's. What ``config.json`` in a folder says of a residual and of a tied head is taken
            over where the options do not say it.
        options: what the state dict does not say, and what it is compared with: :class:`Options`.

    Returns:
        A network that every verb takes, and :func:`numeric.save_network` writes.

    Raises:
        NumericError: there is no such file, it is damaged or something else, or as
            :func:`from_state_dict`.

    Warns:
        UserWarning: nothing was compared, as neither module nor examples are given.

    Source:
        That of :mod:`numeric.networks.importing.layouts`.

    Examples:
        >>> import numpy as np
        >>> path = getfixture("tmp_path") / "gated.npz"
        >>> shapes = {"w1": (4, 3), "w2": (3, 4), "w3": (4, 3)}
        >>> np.savez(path, **{f"mlp.{name}": np.ones(shape) for name, shape in shapes.items()})
        >>> import_network(path, residual=True, examples=(np.ones((1, 3)), np.full((1, 3), 37.0)))
        LayeredNetwork(3 inputs, a layer of 4 neurons, 3 outputs)
    """
    return LayeredNetwork(_said(read_foreign(path, **options)).layers)


def read_foreign(path: str | os.PathLike[str], **options: Unpack[Options]) -> Reading:
    """Read a bilinear network that other code wrote, and say how it was read.

    Args:
        path: as for :func:`import_network`.
        options: as for :func:`import_network`.

    Raises:
        NumericError: as :func:`import_network`.
    """
    file = load_state(path, options.get("part"))
    return read_state(file.content, file.hints, **options)


def read_state(content: object, hints: Mapping[str, Any], **options: Unpack[Options]) -> Reading:
    """Bring a state dict to the normal form, and say how it was read.

    Args:
        content: a state dict, or a checkpoint with one in it.
        hints: what the configuration beside it says.
        options: as for :func:`from_state_dict`.

    Raises:
        NumericError: as :func:`from_state_dict`.
    """
    if unknown := sorted(options.keys() - Options.__annotations__.keys()):
        raise TypeError(f"got an unexpected keyword argument {unknown[0]!r}")
    state = unwrapped(content, options.get("part"))
    given = [(check_read, options.get("module")), (check_examples, options.get("examples"))]
    checks = [(check, value) for check, value in given if value is not None]
    notes: list[str] = []
    tied = _flag("tied", options.get("tied"), _TIED, hints, notes)
    readings = find_parts(state, layout=options.get("layout"), tied=bool(tied))
    if not checks:
        _check_activation(hints)
    choices = _choices(options, readings[0], hints, notes)
    parts, choices = fitting(readings, choices, transposed=options.get("transposed") is not None)
    layers = layers_of(parts, choices)
    for check, value in checks:
        _compare(check, value, layers, readings, parts, choices)
    if choices.transposed and options.get("transposed") is None:
        notes.append(f"transposed={choices.turned()}, as the shapes say")
    if parts is not readings[0]:
        notes.append(f"layout={parts.layout!r}, as the shapes say")
    also = alternatives(readings, parts, choices, most=1)
    also_fits = [word for other in also for word in _differences(parts, choices, *other)]
    return Reading(layers, parts.layout, tuple(notes), tuple(also_fits), compared=bool(checks))


_RESIDUAL = "residual", "use_residual", "skip_connection"
_TIED = "tie_word_embeddings", "tied", "tie_embeddings"
_ACTIVATIONS = (
    "hidden_act",
    "hidden_activation",
    "activation_function",
    "activation",
    "act_fn",
    "gate",
)
_NONE = "none", "identity", "linear", "bilinear", ""


def _flag(
    name: str,
    asked: bool | None,
    keys: Iterable[str],
    hints: Mapping[str, Any],
    notes: list[str],
) -> bool | None:
    """Return what an option says, or where it says nothing, the configuration of a folder."""
    if asked is not None:
        if not isinstance(plain(asked), bool):
            raise NumericError(f"expected {name} to be True or False, got {asked!r}")
        return bool(asked)
    for key in keys:
        if isinstance(hint := hints.get(key), bool):
            notes.append(f"{name}={hint}, as config.json says by {key}")
            return hint
    return None


def _check_activation(hints: Mapping[str, Any]) -> None:
    for key in _ACTIVATIONS:
        hint = hints.get(key)
        if isinstance(hint, str) and hint.lower() not in _NONE:
            raise NumericError(
                f"expected a network of sums and products, got {key} {hint!r} in config.json: if "
                "there is none in truth, examples of inputs and outputs (--examples) show it"
            )


def _choices(options: Options, parts: Parts, hints: Mapping[str, Any], notes: list[str]) -> Choices:
    residual = _flag("residual", options.get("residual"), _RESIDUAL, hints, notes)
    if residual is None and (skips := [b.skip.name for b in parts.blocks if b.skip is not None]):
        residual = True
        notes.append(f"residual=True, as there is {skips[0]}")
    interleaved = _flag("interleaved", options.get("interleaved", False), (), {}, notes)
    scale = plain(options.get("scale", 1.0))
    if (
        not isinstance(scale, int | float)
        or isinstance(scale, bool)
        or not (scale and math.isfinite(scale))
    ):
        raise NumericError(f"expected scale to be a finite number other than 0, got {scale!r}")
    transposed = options.get("transposed") or ()
    if isinstance(transposed, str) or not set(transposed) <= set(ROLES):
        raise NumericError(
            f"expected transposed to hold some of {', '.join(ROLES)}, got {transposed!r}"
        )
    return Choices(bool(residual), bool(interleaved), frozenset(transposed), float(scale))


def _compare(
    check: Callable[[Sequence[Layer], Any], None],
    value: object,
    layers: Sequence[Layer],
    readings: Sequence[Parts],
    parts: Parts,
    choices: Choices,
) -> None:
    """Refuse layers that compute something else than they should, and look for those that do."""
    try:
        check(layers, value)
    except NumericError as error:
        for other, tried in alternatives(readings, parts, choices):
            try:
                check(layers_of(other, tried), value)
            except NumericError:
                continue
            words = " and ".join(_differences(parts, choices, other, tried))
            raise NumericError(f"{error}; with {words} it agrees") from None
        raise


def _differences(parts: Parts, choices: Choices, other: Parts, tried: Choices) -> list[str]:
    words = [] if other is parts else [f"layout={other.layout!r}"]
    words += [
        f"{name}={getattr(tried, name)}"
        for name in ("residual", "interleaved")
        if getattr(tried, name) != getattr(choices, name)
    ]
    turned = tried.transposed != choices.transposed
    return words + [f"transposed={tried.turned()}"] * turned


def _said(reading: Reading) -> Reading:
    """Warn the caller of a public function if nothing was compared."""
    if not reading.compared:
        warnings.warn(NOT_COMPARED, stacklevel=3)
    return reading


NOT_COMPARED = (
    "nothing was compared with the network itself: a gate, a norm, a scale or a residual does not "
    "stand in a state dict. Give examples of its inputs and outputs (--examples on the command "
    "line), or the module"
)
