"""Where the tensors of a state dict stand, by their names."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy.typing as npt

from numeric.errors import NumericError
from numeric.networks.importing.examples import float_array
from numeric.networks.importing.layouts import NAMES, SKIP, TURNED, WRAPPERS

_LEAVES = NAMES | {SKIP}

_NUMBER = re.compile(r"0|[1-9]\d{0,5}")


@dataclass(frozen=True)
class Tensor:
    """A tensor and its name; ``turned`` where that says that the axes are (inputs, outputs)."""

    name: str
    array: npt.NDArray[Any]
    turned: bool


@dataclass(frozen=True)
class Place:
    """Where tensors stand: in which stack, at which number, under which names, as what."""

    stack: tuple[str, ...]
    number: int | None
    within: tuple[str, ...]
    leaf: str

    @property
    def family(self) -> Place:
        """All layers in which the same names stand between number and leaf."""
        return replace(self, number=None if self.number is None else 0, leaf="")

    def name(self) -> str:
        """Return what its weight is called."""
        number = () if self.number is None else (str(self.number),)
        return ".".join(filter(None, (*self.stack, *number, *self.within, self.leaf, "weight")))


Affine: TypeAlias = dict[str, Tensor]
"""The tensors of one place: its ``weight``, its ``bias``, or both."""


def places_of(state: Mapping[str, Any]) -> dict[Place, Affine]:
    """Return the tensors of a state dict by where they stand.

    Raises:
        NumericError: a value is no array, or two have the same name behind those of wrappers.

    Examples:
        >>> [place] = places_of({"model.blocks.3._orig_mod.mlp.w1.weight": [[1.0]]})
        >>> place.stack, place.number, place.within, place.leaf
        (('model', 'blocks'), 3, ('mlp',), 'w1')
    """
    found: dict[Place, Affine] = defaultdict(dict)
    for name, value in state.items():
        path, kind = _split(name, state)
        place = _place(path)
        if kind in found[place]:
            raise NumericError(
                f"expected state to hold one tensor of each name, got {found[place][kind].name} "
                f"and {name}"
            )
        turned = place.leaf in TURNED or path[-1:] in {(n,) for n in TURNED}
        turned = turned or name.endswith("kernel")
        found[place][kind] = Tensor(name, float_array(value, name), turned)
    return dict(found)


def _split(name: str, names: Collection[str]) -> tuple[tuple[str, ...], str]:
    """Return the path to a module, and whether its weight or its bias has this name."""
    path = tuple(step for step in name.replace("/", ".").split(".") if step not in WRAPPERS)
    last, before = path[-1] if path else "", path[:-1]
    if last in ("weight", "kernel", "bias"):
        return before, "bias" if last == "bias" else "weight"
    if last.endswith("_bias"):
        return (*before, last.removesuffix("_bias")), "bias"
    for weight in (f"W{last[1:]}", f"w{last[1:]}"):  # b_in beside W_in
        if last.startswith("b") and name.removesuffix(last) + weight in names:
            return (*before, weight), "bias"
    return path, "weight"


def _place(path: tuple[str, ...]) -> Place:
    at = next((at for at, step in enumerate(path) if _NUMBER.fullmatch(step)), None)
    if at is None:
        named = path[-1:] != () and path[-1] in _LEAVES
        return Place((), None, path[:-1] if named else path, path[-1] if named else "")
    stack, number, inside = path[:at], int(path[at]), path[at + 1 :]
    if inside and inside[-1] in _LEAVES:
        return Place(stack, number, inside[:-1], inside[-1])
    if not inside and stack and stack[-1] in _LEAVES:  # a list of its own for each factor
        return Place(stack[:-1], number, (), stack[-1])
    return Place(stack, number, inside, "")
