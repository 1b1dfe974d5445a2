"""Networks as other code writes them: layers, and a state dict that their floats are put into."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from numeric import Layer
from numeric.networks.importing.layouts import EMBEDDINGS, HEADS, LAYOUTS, TURNED, Layout
from tests.strategies import DTYPES, matrices, tame

Array = npt.NDArray[Any]

ROLES = ["embed", "factors", "down", "skip", "head"]


@dataclass(frozen=True)
class Written:
    """A network and the state dict that it was written to.

    Attributes:
        layers: in the normal form; embedding and head have no neurons.
        state: arrays by name.
        options: what the state dict does not say.
    """

    layers: list[Layer]
    state: dict[str, Array]
    options: dict[str, Any]


@dataclass(frozen=True)
class Shape:
    """All but the numbers."""

    layout: str
    dtype: type
    depth: int
    width: int
    embed: str | None
    head: str | None
    mapped: bool  # by a down projection
    skip: bool
    residual: bool
    interleaved: bool
    alike: bool  # the layers, so that they can stand on a first axis
    bare: bool  # names without weight and bias behind them
    transposed: frozenset[str]

    @property
    def names(self) -> Layout:
        return LAYOUTS[self.layout]


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    layout = draw(st.sampled_from(sorted(LAYOUTS)))
    lone = len(LAYOUTS[layout].factors) == 1
    return Shape(
        layout,
        draw(st.sampled_from(DTYPES)),
        draw(st.integers(1, 3)),
        draw(st.integers(1, 3)),
        draw(st.sampled_from([None, *EMBEDDINGS])),
        draw(st.sampled_from([None, *HEADS])),
        mapped=bool(LAYOUTS[layout].down) and draw(st.booleans()),
        skip=draw(st.booleans()),
        residual=draw(st.booleans()),
        interleaved=lone and draw(st.booleans()),
        alike=draw(st.booleans()),
        bare=layout != "research" and draw(st.booleans()),
        transposed=draw(st.frozensets(st.sampled_from(ROLES))),
    )


@st.composite
def written_networks(draw: st.DrawFn, *, elements: Any = tame) -> Written:
    """Networks of every layout, under names and in orders of axes of every kind."""
    shape = draw(shapes())
    layers: list[Layer] = []
    blocks: list[dict[tuple[str, str], Array]] = []

    def affine(rows: int, columns: int, *, bias: bool) -> Array:
        found = draw(matrices((rows, columns + 1), elements(shape.dtype), shape.dtype))
        found[:, 0] *= bias
        return found

    ends: dict[str, Array] = {}
    size = shape.width
    if shape.embed:
        embed = affine(size, draw(st.integers(1, 3)), bias=draw(st.booleans()))
        layers.append(linear_layer(embed))
        ends |= dict(_end(shape, "embed", shape.embed, embed))
    flags = st.tuples(st.booleans(), st.booleans(), st.booleans())
    sizes, biased = (draw(st.integers(1, 3)), draw(st.integers(1, 3))), draw(flags)
    for _ in range(shape.depth):
        if not shape.alike:
            sizes, biased = (draw(st.integers(1, 3)), draw(st.integers(1, 3))), draw(flags)
        same = shape.alike or (shape.residual and not shape.skip)
        above = size if same else sizes[0]
        hidden = sizes[1] if shape.mapped else above
        left, right = (affine(hidden, size, bias=bias) for bias in biased[:2])
        down = affine(above, hidden, bias=biased[2]) if shape.mapped else None
        skip = affine(above, size, bias=False)[:, 1:] if shape.skip else None
        layers.append(product_layer(left, right, down, skip, residual=shape.residual))
        blocks.append(dict(_block(shape, left, right, down, skip)))
        size = above
    if shape.head:
        head = affine(draw(st.integers(1, 3)), size, bias=draw(st.booleans()))
        layers.append(linear_layer(head))
        ends |= dict(_end(shape, "head", shape.head, head))
    options = {
        "layout": shape.layout,
        "residual": shape.residual,
        "interleaved": shape.interleaved,
        "transposed": shape.transposed,
    }
    return Written(layers, draw(_named(shape, blocks, ends)), options)


def linear_layer(affine: Array) -> Layer:
    rows, columns = affine.shape
    linear = np.eye(rows + 1, columns, dtype=affine.dtype)
    linear[1:] = affine
    none = np.zeros((0, columns), affine.dtype)
    return Layer(none, none, np.zeros((rows + 1, 0), affine.dtype), linear)


def product_layer(
    left: Array, right: Array, down: Array | None, skip: Array | None, *, residual: bool
) -> Layer:
    if down is None:
        down = np.eye(len(left), len(left) + 1, 1, dtype=left.dtype)
    linear = np.zeros((len(down) + 1, left.shape[1]), left.dtype)
    linear[0, 0], linear[1:, 0] = 1, down[:, 0]
    if skip is not None:
        linear[1:, 1:] = skip
    elif residual:
        linear[1:, 1:] = np.eye(len(down))
    return Layer(left, right, np.concatenate([np.zeros_like(down[:1, 1:]), down[:, 1:]]), linear)


def _stored(shape: Shape, role: str, name: str, weight: Array) -> Array:
    return weight.T if (name in TURNED) != (role in shape.transposed) else weight


def _end(shape: Shape, role: str, name: str, affine: Array) -> Iterator[tuple[str, Array]]:
    bare = name in TURNED
    yield name if bare else f"{name}.weight", _stored(shape, role, name, affine[:, 1:])
    if affine[:, 0].any():
        yield f"b{name[1:]}" if bare else f"{name}.bias", affine[:, 0]


def _block(
    shape: Shape, left: Array, right: Array, down: Array | None, skip: Array | None
) -> Iterator[tuple[tuple[str, str], Array]]:
    """Yield arrays by the name in the layer, and whether they are its weight or bias."""
    factors = [left, right]
    if len(shape.names.factors) == 1:
        mixed = np.stack(factors, axis=1).reshape(2 * len(left), -1)
        factors = [mixed if shape.interleaved else np.concatenate(factors)]
    named = [("factors", *pair) for pair in zip(shape.names.factors, factors, strict=True)]
    if down is not None:
        named.append(("down", shape.names.down, down))
    for role, name, affine in named:
        yield (name, "weight"), _stored(shape, role, name, affine[:, 1:])
        # Layers that stand on a first axis have all a bias, or none.
        if affine[:, 0].any() or shape.alike:
            yield (name, "bias"), affine[:, 0]
    if skip is not None:
        yield ("skip", "weight"), _stored(shape, "skip", "skip", skip)


@st.composite
def _named(
    draw: st.DrawFn,
    shape: Shape,
    blocks: list[dict[tuple[str, str], Array]],
    ends: dict[str, Array],
) -> dict[str, Array]:
    """State dicts in which everything has a name that people give it."""
    prefix = draw(st.sampled_from(["", "module.", "model.", "_orig_mod.", "net.a."]))
    stack = draw(st.sampled_from(["blocks.", "layers.", "h."]))
    within = draw(st.sampled_from(["", "mlp.", "_orig_mod.", "mlp.bilinear."]))
    forms = ["numbered"]
    forms += ["stacked"] * shape.alike
    forms += ["single"] * (len(blocks) == 1 and (bool(ends) or shape.layout != "research"))
    forms += ["lists"] * (shape.layout != "research")
    form = draw(st.sampled_from(forms))
    state = {prefix + name: array for name, array in ends.items()}
    for number, block in enumerate(blocks):
        for (leaf, kind), array in block.items():
            end = _written_name(leaf, kind, bare=shape.bare)
            if form == "stacked":
                every = np.stack([other[leaf, kind] for other in blocks])
                state[f"{prefix}{within}{stack}{end}"] = every
            elif form == "single":
                state[f"{prefix}{within or 'block.'}{end}"] = array
            elif form == "lists":
                state[f"{prefix}{leaf}.{number}.{kind}"] = array
            else:
                state[f"{prefix}{stack}{number}.{within}{end}"] = array
    if draw(st.booleans()):
        state = {name.replace(".", "/"): array for name, array in state.items()}
    return {name: state[name].copy() for name in draw(st.permutations(sorted(state)))}


def _written_name(leaf: str, kind: str, *, bare: bool) -> str:
    if not leaf:
        return kind
    if not bare:
        return f"{leaf}.{kind}"
    if kind == "weight":
        return leaf
    return f"b{leaf[1:]}" if leaf[0] in "wW" else f"{leaf}_bias"
