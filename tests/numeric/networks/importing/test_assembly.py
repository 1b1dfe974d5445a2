"""Shapes that fit and do not, orders of axes, and layers of their parts."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from numeric import NumericError
from numeric.networks.importing.assembly import (
    Choices,
    alternatives,
    check_shapes,
    fitting,
    layers_of,
)
from numeric.networks.importing.parts import ROLES, Parts, find_parts
from tests.oracles import value
from tests.written import Written, written_networks

RANDOM = np.random.default_rng(0)


def parts_of(**shapes: tuple[int, ...]) -> Parts:
    """Return a network of one layer between embedding and head."""
    names = {name: name if name in ("embed", "head") else f"blocks.0.{name}" for name in shapes}
    state: dict[str, Any] = {
        f"{names[name]}.{'weight' if len(shape) > 1 else 'bias'}": RANDOM.normal(size=shape)
        for name, shape in shapes.items()
    }
    return find_parts(state)[0]


SHAPES = {"embed": (4, 3), "left": (5, 4), "right": (5, 4), "down": (6, 5), "head": (2, 6)}


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("left", (5, 3), r"blocks.0.left.weight to have shape \(5, 4\), got \(5, 3\)"),
        ("right", (4, 4), r"blocks.0.right.weight to have shape \(5, 4\), got \(4, 4\)"),
        ("right", (5, 3), r"blocks.0.right.weight to have shape \(5, 4\), got \(5, 3\)"),
        ("down", (6, 4), r"blocks.0.down.weight to have shape \(6, 5\), got \(6, 4\)"),
        ("head", (2, 5), r"head.weight to have shape \(2, 6\), got \(2, 5\)"),
        ("embed", (4, 0), r"embed.weight to have two axes, none .* of size 0, got shape \(4, 0\)"),
        ("head", (2, 6, 1), r"head.weight to have two axes, .* got shape \(2, 6, 1\)"),
        ("skip", (6, 3), r"blocks.0.skip.weight to have shape \(6, 4\), got \(6, 3\)"),
    ],
    ids=range(8),
)
def test_a_shape_that_does_not_fit_is_named(
    name: str, shape: tuple[int, ...], message: str
) -> None:
    check_shapes(parts_of(**SHAPES), Choices())
    parts = parts_of(**SHAPES | {name: shape})
    with pytest.raises(NumericError, match=message):
        fitting([parts], Choices(), transposed=True)
    with pytest.raises(NumericError, match=message):
        fitting([parts], Choices(), transposed=False)


def test_a_residual_needs_as_many_outputs_as_inputs() -> None:
    with pytest.raises(NumericError, match=r"down.weight to have shape \(4, 5\), got \(6, 5\): w"):
        check_shapes(parts_of(**SHAPES), Choices(residual=True))
    check_shapes(parts_of(**SHAPES, skip=(6, 4)), Choices(residual=True))


@pytest.mark.parametrize("role", [role for role in ROLES if role != "skip"])
def test_shapes_decide_on_the_order_of_axes(role: str) -> None:
    names = {"factors": ("left", "right")}.get(role, (role,))
    shapes = {n: s[::-1] if n in names else s for n, s in SHAPES.items()}
    parts, choices = fitting([parts_of(**shapes)], Choices(), transposed=False)
    assert choices.transposed == {role}
    assert len(layers_of(parts, choices)) == 3
    with pytest.raises(NumericError, match="to have shape"):
        fitting([parts_of(**shapes)], Choices(), transposed=True)


def test_where_shapes_leave_it_open_the_names_decide() -> None:
    parts = parts_of(**dict.fromkeys(SHAPES, (4, 4)))
    assert not fitting([parts], Choices(), transposed=False)[1].transposed
    others = [choices for _, choices in alternatives([parts], parts, Choices(), most=1)]
    assert others == [
        Choices(residual=True),
        *(Choices(transposed=frozenset({role})) for role in ROLES if role != "skip"),
    ]
    assert len(list(alternatives([parts], parts, Choices()))) == 5 + 10


def test_a_chain_of_linear_maps_is_none_of_products() -> None:
    chain = {"0.weight": np.ones((8, 6)), "2.weight": np.ones((4, 8))}
    with pytest.raises(NumericError, match=r"expected state to hold 1.weight, got only"):
        find_parts(chain)
    chain["1.weight"] = np.ones((8, 8))
    with pytest.raises(NumericError, match=r"expected 0.weight to hold both factors .* of a chain"):
        fitting(find_parts(chain), Choices(), transposed=False)
    chain["1.weight"], chain["2.weight"] = np.ones((8, 4)), np.ones((2, 4))
    assert len(layers_of(find_parts(chain)[0], Choices())) == 3


def test_two_biases_of_one_layer_are_not_added_to_each_other() -> None:
    state = {
        "left": np.ones((1, 1)), "right": np.ones((1, 1)), "down.weight": np.ones((1, 1)),
        "down.bias": np.array([1e16]), "skip.weight": np.ones((1, 1)), "skip.bias": np.ones(1),
    }  # fmt: skip
    layers = layers_of(find_parts(state)[0], Choices())
    assert len(layers) == 2
    assert value(layers, [2.0]) == [10**16 + 1 + 4 + 2]
    del state["down.bias"]
    layers = layers_of(find_parts(state)[0], Choices())
    assert len(layers) == 1
    assert value(layers, [2.0]) == [1 + 4 + 2]


@pytest.mark.parametrize(("scale", "dtype"), [(0.1, np.float64), (0.5, np.float32)])
def test_a_scale_that_float32_does_not_hold_is_not_rounded_to_it(scale: float, dtype: type) -> None:
    one = np.ones((1, 1), dtype=np.float32)
    layers = layers_of(find_parts({"left": one, "right": one})[0], Choices(scale=scale))
    assert [layer.linear.dtype for layer in layers] == [np.float32, dtype]
    assert value(layers, [3.0]) == [9 * Fraction(scale)]


@pytest.mark.parametrize("spoilt", [np.nan, np.inf])
def test_what_is_not_finite_is_named(spoilt: float) -> None:
    state = {"left": np.ones((1, 1)), "right": np.full((1, 1), spoilt)}
    with pytest.raises(NumericError, match="expected right to be finite"):
        layers_of(find_parts(state)[0], Choices())


@pytest.mark.props
@given(written=written_networks())
def test_the_order_of_axes_that_was_written_is_among_those_that_fit(written: Written) -> None:
    options = dict(written.options)
    readings = find_parts(written.state, layout=options.pop("layout"))
    parts, choices = fitting(readings, Choices(**options), transposed=False)
    check_shapes(parts, Choices(**options))
    check_shapes(parts, choices)
