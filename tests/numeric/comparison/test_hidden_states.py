"""Hidden states compared as spaces of forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from numeric import BilinearNetwork, Layer, NumericError
from numeric.comparison.hidden_states import bond_cosines, canonical_first

Doubles = npt.NDArray[np.float64]


def network(seed: int = 0, **shape: Any) -> BilinearNetwork:
    shape = {"depth": 2, "width": 4, "hidden": 7, **shape}
    return BilinearNetwork(5, 3, seed=seed, **shape).double()


def tensors(layer: Layer) -> Doubles:
    """The symmetric matrices of a layer's outputs, one a row."""
    rows = []
    for mixed, linear in zip(layer.down, layer.linear, strict=True):
        whole = (layer.left * mixed[:, None]).T @ layer.right
        whole[0] += linear
        rows.append(((whole + whole.T) / 2).ravel())
    return np.stack(rows)


def cosines(first: Doubles, second: Doubles) -> Doubles:
    """Of the principal angles between the spaces of two sets of rows."""
    one, other = (np.linalg.qr(rows.T)[0] for rows in (first, second))
    return np.asarray(np.linalg.svd(one.T @ other, compute_uv=False))


def in_another_basis(layers: list[Layer], seed: int) -> list[Layer]:
    change = np.random.default_rng(seed).normal(size=(len(layers[0].down),) * 2)
    change[0] = np.eye(1, len(change))
    inverse = np.linalg.inv(change)
    inverse[0] = change[0]
    first, second, *rest = layers
    return [
        first._replace(down=change @ first.down, linear=change @ first.linear),
        Layer(second.left @ inverse, second.right @ inverse, second.down, second.linear @ inverse),
        *rest,
    ]


@pytest.mark.parametrize("shape", [{}, {"depth": 3}, {"residual": True}, {"embedding": True}])
def test_a_hidden_state_is_its_own_space_in_every_basis(shape: dict[str, Any]) -> None:
    layers = network(**shape).layers()
    for count in (1, 2, 4):
        np.testing.assert_allclose(bond_cosines(layers, layers, count), np.ones(count))
    if "embedding" not in shape:
        changed = in_another_basis(layers, 3)
        for count in (1, 2, 4):
            np.testing.assert_allclose(bond_cosines(layers, changed, count), np.ones(count))


def beside_the_constant(model: BilinearNetwork) -> Doubles:
    rows = tensors(model.layers()[0])[1:]
    rows[:, 0] = 0
    return rows


def test_all_of_two_hidden_states_are_compared_as_spaces_beside_the_constant() -> None:
    first, second = network(), network(1)
    expected = cosines(beside_the_constant(first), beside_the_constant(second))
    np.testing.assert_allclose(bond_cosines(first, second, 4), expected)


def test_a_part_of_a_hidden_state_is_not_closer_than_all_of_it() -> None:
    first, second = network(), network(1, width=3, depth=3)
    found = bond_cosines(first, second, 3)
    assert (found <= cosines(beside_the_constant(first), beside_the_constant(second)) + 1e-12).all()


def test_the_order_is_that_of_what_the_outputs_draw() -> None:
    layers = network().layers()
    for side in (layers[1].left, layers[1].right):
        side[:, 3] *= 1000
    one = tensors(layers[0])[3]
    one[0] = 0
    strongest = tensors(canonical_first(layers))[1]
    assert abs(strongest @ one) / np.linalg.norm(one) == pytest.approx(1, abs=0.05)


def test_spaces_of_unrelated_networks_have_small_cosines() -> None:
    first, second = (
        BilinearNetwork(60, 3, depth=2, width=4, hidden=50, seed=seed) for seed in (0, 1)
    )
    assert bond_cosines(first, second, 3).max() < 0.3


@pytest.mark.parametrize(
    ("first", "second", "count", "message"),
    [
        ({}, {}, 0, "expected count to be an integer of at least 1, got 0"),
        ({}, {}, 5, "expected count to be at most 4, all of first, got 5"),
        ({}, {"width": 2}, 3, "expected count to be at most 2, all of second, got 3"),
        ({"depth": 1}, {}, 1, "expected first to have a hidden state, got a single layer"),
        ({}, {"depth": 1}, 1, "expected second to have a hidden state, got a single layer"),
    ],
)
def test_what_there_is_not_is_refused(
    first: dict[str, Any], second: dict[str, Any], count: int, message: str
) -> None:
    with pytest.raises(NumericError, match=f"^{message}$"):
        bond_cosines(network(**first), network(**second), count)
