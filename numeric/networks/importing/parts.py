r"""The parts of a bilinear network, found by the names of its tensors.

Of an embedding, layers and a head the layers alone must be there:

=========  ====================================================================================
embedding  :math:`h_0 = E x + e`
layer      :math:`h' = D\,[(L h + l) \odot (R h + r)] + d\;(+\,S h)`; without :math:`D` it hands on
           the products themselves
head       :math:`H h_n + c`, the outputs
=========  ====================================================================================

How :math:`L`, :math:`R`, :math:`D` are called stands in
:mod:`numeric.networks.importing.layouts`. What stands before these names, and between the number of
a layer and them, is of no account:
``model.layers.3.mlp.w1.weight`` is ``w1`` of layer 3.

Source:
    That of :mod:`numeric.networks.importing.layouts`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy.typing as npt

from numeric.errors import NumericError
from numeric.file_kinds import STATE_DICT, advice_on
from numeric.networks.importing.examples import listed
from numeric.networks.importing.layouts import (
    CHECKPOINTS,
    EMBEDDINGS,
    FACTORS,
    HEADS,
    LAYOUTS,
    NAMES,
    SKIP,
    STACKS,
    Layout,
)
from numeric.networks.importing.tensor_names import Affine, Place, places_of

ROLES = "embed", "factors", "down", SKIP, "head"


@dataclass(frozen=True, eq=False)
class Part:
    """One affine map as it is stored.

    Attributes:
        role: one of :data:`ROLES`; a tied head has that of the embedding that it is.
        name: of its weight.
        weight: two axes, or the three of ``nn.Bilinear``.
        bias: one axis, or None.
        turned: whether its names say that the weight is stored as (inputs, outputs).
    """

    role: str
    name: str
    weight: npt.NDArray[Any]
    bias: npt.NDArray[Any] | None = None
    bias_name: str = ""
    turned: bool = False


@dataclass(frozen=True)
class Block:
    """The parts of one layer: two factors, or one with both."""

    factors: tuple[Part, ...]
    down: Part | None = None
    skip: Part | None = None


@dataclass(frozen=True)
class Parts:
    """The parts of a network, as one layout names them."""

    layout: str
    embed: Part | None
    blocks: tuple[Block, ...]
    head: Part | None

    def all(self) -> list[Part]:
        """Return the parts from the input upwards."""
        of_blocks = [part for b in self.blocks for part in (*b.factors, b.down, b.skip)]
        return [part for part in (self.embed, *of_blocks, self.head) if part is not None]

    def roles(self) -> tuple[str, ...]:
        """Return the roles that there are."""
        found = {part.role for part in self.all()}
        return tuple(role for role in ROLES if role in found)


def unwrapped(content: object, part: str | None = None) -> dict[str, Any]:
    """Return the state dict in what a file held, or what of it stands under a name.

    Args:
        content: a state dict, or a checkpoint with one in it.
        part: the name of a submodule, such as ``layers.3.mlp``: the rest is left out.

    Raises:
        NumericError: there is none, or more than one.

    Examples:
        >>> unwrapped({"epoch": 3, "model_state_dict": {"a.left": 1, "b.left": 2}}, part="a")
        {'left': 1}
    """
    if not isinstance(content, Mapping):
        raise NumericError(
            f"expected state to be a state dict, a mapping of names to arrays, got "
            f"{type(content).__name__}"
        )
    inner = [name for name in CHECKPOINTS if isinstance(content.get(name), Mapping)]
    if len(inner) > 1:
        raise NumericError(
            f"expected state to hold one state dict, got {' and '.join(inner)}: give one"
        )
    if inner:
        return unwrapped(content[inner[0]], part)
    state = dict(_flattened(content))
    if part is None:
        return state
    under = f"{part}."
    kept = {n.removeprefix(under): value for n, value in state.items() if n.startswith(under)}
    if not kept:
        raise NumericError(
            f"expected part to be the name of a submodule, got {part}, where "
            f"{f'the names are {listed(state)}' if state else 'no name begins so'}"
        )
    return kept


def _flattened(content: Mapping[Any, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield what mappings in mappings hold, under the names of all of them."""
    for name, value in content.items():
        if isinstance(value, Mapping):
            yield from _flattened(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def find_parts(
    state: Mapping[str, Any], *, layout: str | None = None, tied: bool = False
) -> list[Parts]:
    """Return the parts of a network by the names of its tensors.

    Args:
        state: arrays or tensors by name.
        layout: a name of :data:`numeric.networks.importing.layouts.LAYOUTS`; if there is none, that
            which most names are of.
        tied: whether the head is the embedding, the other way round.

    Returns:
        The parts; a second reading of them where two layouts share the names.

    Raises:
        NumericError: a tensor is missing or surplus, by name.

    Examples:
        >>> import numpy as np
        >>> state = {f"mlp.{name}": np.ones((2, 2)) for name in ("w1", "w2", "w3")}
        >>> [parts.layout for parts in find_parts(state)]
        ['w1-w3-w2', 'w1-w2-w3']
    """
    if layout is not None and layout not in LAYOUTS:
        raise NumericError(f"expected layout to be one of {', '.join(LAYOUTS)}, got {layout!r}")
    places = places_of(state)
    embed, head = (_end(places, names) for names in (EMBEDDINGS, HEADS))
    family = _family(places, {embed, head}, state)
    layers = _layers(places, family)
    # Linear maps at the ends of an nn.Sequential have numbers like the layers between them.
    below, above = (_linear(places, family, n) for n in (min(layers) - 1, max(layers) + 1))
    _check_numbers(layers, family, state, first=min(layers) if below and not embed else 0)
    embed, head = embed or below, head or above
    first = _part("embed", embed, places, state)
    last = _part("head", None if tied else head, places, state)
    if tied:
        last = _tied(first, head, places)
    if first is last is None and _is_one_map(layers, family):
        raise _nameless(state)
    found = [
        Parts(name, first, blocks, last)
        for name, blocks in _readings(layers, family, state, layout)
    ]
    _check_surplus(found[0], state)
    return found


def _end(places: Mapping[Place, Affine], names: Sequence[str]) -> Place | None:
    found = [
        place
        for place in places
        if place.number is None and not place.leaf and place.within and place.within[-1] in names
    ]
    if len(found) > 1:
        raise NumericError(
            f"expected state to hold one of {listed(place.name() for place in found)}, got all: "
            f"{_PART}"
        )
    return found[0] if found else None


_PART = "say with part (--part) which submodule is meant"


def _family(
    places: Mapping[Place, Affine], ends: set[Place | None], state: Mapping[str, Any]
) -> Place:
    """Return where the layers stand: where most weights have a name of a layout."""
    scores: dict[Place, tuple[int, int, bool, int]] = {}
    for family in {place.family for place in places if place not in ends}:
        of_it = [place for place in places if place.family == family and place not in ends]
        weights = [places[place]["weight"] for place in of_it if "weight" in places[place]]
        matrices = sum(weight.array.ndim > 1 for weight in weights)
        named = sum(place.leaf in NAMES for place in of_it)
        if matrices or named:
            scores[family] = named, matrices, family.number is not None, -len(family.within)
    if not scores:
        raise _nameless(state)
    return max(scores, key=lambda family: (scores[family], family.name()))


def _nameless(state: Mapping[str, Any]) -> NumericError:
    advice = advice_on(state)
    return NumericError(
        "expected state to hold the weights of a layer, such as blocks.0.left.weight, got "
        f"{f'only {listed(state)}' if state else 'nothing'}: "
        f"{_BY_HAND if advice == STATE_DICT else advice}"
    )


def _is_one_map(layers: Mapping[int, _Layer], family: Place) -> bool:
    """Return whether there is but one weight, and nothing that speaks for two factors in it."""
    return (
        family.number is None
        and family.within[-1:] not in {(name,) for name in STACKS}
        and all(set(layer) == {""} for layer in layers.values())
        and all(affine["weight"].array.ndim == 2 for affine in layers[0].values())
    )


_BY_HAND = (
    "from_module reads a module itself, whatever its names, and 'Your own network' in the "
    "documentation lists those that are known"
)


def _layers(places: Mapping[Place, Affine], family: Place) -> dict[int, _Layer]:
    """Return the tensors of each layer, by the names that they have in it."""
    of_it = {place.leaf: affine for place, affine in places.items() if place.family == family}
    found: dict[int, _Layer] = defaultdict(dict)
    if family.number is not None:
        for place, affine in places.items():
            if place.family == family:
                found[place.number or 0][place.leaf] = affine
        # A linear map at an end is numbered too, and has no name of a factor.
        named = [number for number, layer in found.items() if FACTORS.intersection(layer)]
        for number in [n for n, layer in found.items() if named and set(layer) == {""}]:
            if not min(named) < number < max(named):
                del found[number]
    elif count := _stacked(of_it, family):
        for number in range(count):
            found[number] = {leaf: _slice(affine, number) for leaf, affine in of_it.items()}
    else:
        found[0] = of_it
    return dict(found)


_Layer: TypeAlias = dict[str, Affine]


def _stacked(layer: _Layer, family: Place) -> int:
    """Return how many layers stand on the first axis of the tensors, 0 if there is no such axis."""
    tensors = [tensor for affine in layer.values() for tensor in affine.values()]
    weights = [affine["weight"] for affine in layer.values() if "weight" in affine]
    # A lone weight with three axes is one of nn.Bilinear, unless its name says that it is several.
    lone = set(layer) == {""} and family.within[-1:] not in {(name,) for name in STACKS}
    if lone or not weights or any(weight.array.ndim != 3 for weight in weights):
        return 0
    count = len(weights[0].array)
    for tensor in tensors:
        if tensor.array.ndim < 2 or len(tensor.array) != count:
            raise NumericError(
                f"expected {tensor.name} to hold {count} layers on its first axis, as "
                f"{weights[0].name} does, got shape {tensor.array.shape}"
            )
    return count


def _slice(affine: Affine, number: int) -> Affine:
    return {
        kind: replace(tensor, name=f"{tensor.name}[{number}]", array=tensor.array[number])
        for kind, tensor in affine.items()
    }


def _linear(places: Mapping[Place, Affine], family: Place, number: int) -> Place | None:
    """Return the place of a linear map that is numbered like layers, if there is one."""
    place = Place(family.stack, number, (), "")
    return place if family.number is not None and place in places else None


def _check_numbers(
    layers: Mapping[int, _Layer], family: Place, state: Mapping[str, Any], *, first: int
) -> None:
    number = next((n for n in range(first, max(layers)) if n not in layers), None)
    if number is not None:
        leaf = next(iter(layers[max(layers)]))
        raise _missing(replace(family, number=number, leaf=leaf).name(), state)


def _missing(name: str, state: Mapping[str, Any]) -> NumericError:
    return NumericError(f"expected state to hold {name}, got only {listed(state)}: {_BY_HAND}")


def _part(
    role: str, place: Place | None, places: Mapping[Place, Affine], state: Mapping[str, Any]
) -> Part | None:
    return None if place is None else _affine(role, places[place], place.name(), state)


def _affine(role: str, affine: Affine, name: str, state: Mapping[str, Any]) -> Part:
    if "weight" not in affine:
        raise _missing(name, state)
    weight, bias = affine["weight"], affine.get("bias")
    if bias is None:
        return Part(role, weight.name, weight.array, turned=weight.turned)
    return Part(role, weight.name, weight.array, bias.array, bias.name, weight.turned)


def _tied(embed: Part | None, head: Place | None, places: Mapping[Place, Affine]) -> Part:
    """Return the head that is the embedding, the other way round; it may have a bias."""
    if embed is None:
        raise NumericError("expected an embedding, as the head is tied to it, got none")
    own = {} if head is None else places[head]
    if "weight" in own:
        raise NumericError(
            f"expected no head, as it is tied to the embedding, got {own['weight'].name}"
        )
    turned = replace(embed, turned=not embed.turned, bias=None, bias_name="")
    bias = own.get("bias")
    return turned if bias is None else replace(turned, bias=bias.array, bias_name=bias.name)


def _readings(
    layers: Mapping[int, _Layer], family: Place, state: Mapping[str, Any], layout: str | None
) -> list[tuple[str, tuple[Block, ...]]]:
    """Return the layers as each layout reads them that most names are of."""
    names = {leaf for layer in layers.values() for leaf in layer}
    scores = {name: len(names.intersection(one.names)) for name, one in LAYOUTS.items()}
    likely = [name for name, score in scores.items() if score == max(scores.values())]
    found, refused = [], None
    for name in likely if layout is None else [layout]:
        try:
            found.append((name, _blocks(layers, LAYOUTS[name], family, state)))
        except NumericError as error:
            refused = refused or error
    if refused and not found:
        raise refused
    return found


def _blocks(
    layers: Mapping[int, _Layer], layout: Layout, family: Place, state: Mapping[str, Any]
) -> tuple[Block, ...]:
    there = {leaf for layer in layers.values() for leaf in layer}
    found = []
    for number in sorted(layers):
        place = family if family.number is None else replace(family, number=number)

        def read(role: str, leaf: str, at: Place = place, of: int = number) -> Part:
            return _affine(role, layers[of].get(leaf, {}), replace(at, leaf=leaf).name(), state)

        factors = tuple(read("factors", leaf) for leaf in layout.factors)
        down = read("down", layout.down) if layout.down in there and layout.down else None
        skip = read(SKIP, SKIP) if SKIP in layers[number] else None
        found.append(Block(factors, down, skip))
    return tuple(found)


def _check_surplus(parts: Parts, state: Mapping[str, Any]) -> None:
    used = {name for part in parts.all() for name in (part.name, part.bias_name)}
    used = {re.sub(r"\[\d+\]$", "", name) for name in used}
    if surplus := [name for name in state if name not in used]:
        raise NumericError(
            f"expected state to hold only an embedding, layers as {parts.layout} names them, and a "
            f"head, got also {listed(surplus)}: {_advice(surplus)}"
        )


def _advice(surplus: Iterable[str]) -> str:
    if any("norm" in name.lower() or re.search(r"\bln_?\w*\b", name) for name in surplus):
        return f"a norm divides, which no polynomial does; {_PART}"
    return f"{_PART}, or {_BY_HAND}"
