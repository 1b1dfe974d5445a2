"""Networks of known features: what is planted, and what hides it."""

from __future__ import annotations

import numpy as np
import pytest

from numeric import NumericError
from numeric.graphs.pruning import as_layers
from numeric.studies.planted import KINDS, planted
from numeric.studies.recovery import relative_error

CASES = [(kind, depth) for kind, how in KINDS.items() for depth in how.depths]


@pytest.mark.parametrize(("kind", "depth"), CASES)
def test_the_neurons_compute_what_the_open_squares_do(kind: str, depth: int) -> None:
    network = planted(kind, depth, seed=1)
    assert relative_error(network.layers, as_layers(network.open_layers)) < 1e-12
    moved = network.layers[0]._replace(left=network.layers[0].left * (1 + 1e-6))
    assert relative_error([moved, *network.layers[1:]], as_layers(network.open_layers)) > 1e-8


@pytest.mark.parametrize("kind", KINDS)
def test_no_neuron_reads_a_planted_feature(kind: str) -> None:
    network = planted(kind, KINDS[kind].depths[0], seed=1)
    layer, square = network.layers[0], network.open_layers[0]
    for rows in (layer.left, layer.right):
        one, other = (
            array / np.linalg.norm(array, axis=1, keepdims=True)
            for array in (rows, square.readings)
        )
        assert abs(one @ other.T).max() < 0.99


def test_the_seed_draws_the_network() -> None:
    one, same, other = (planted("shared", 2, seed).layers[0].left for seed in (3, 3, 4))
    assert np.array_equal(one, same)
    assert not np.allclose(one, other)


def test_which_features_are_determined() -> None:
    alone = tuple((k,) for k in range(8))
    pairs = ((0, 1), (2, 3), (4, 5), (6, 7))
    assert planted("overlapping", 2, 0).groups == (alone, alone)
    assert planted("equal columns", 1, 0).groups == (((0, 1), *alone[2:]),)
    assert planted("sum", 2, 0).groups == (pairs, alone[:4])
    assert planted("product", 2, 0).groups == (alone, ((0, 4), (1, 5), (2, 6), (3, 7)))
    assert planted("too many", 1, 0).groups == ((),)


def test_too_many_features_are_more_unknowns_than_equations() -> None:
    # A form has as many entries as there are pairs of what it reads, and its constant is free.
    how = KINDS["too many"]
    read = how.inputs + 1
    equations = how.outputs * (read * (read + 1) // 2 - 1)
    assert how.features * (read + how.outputs - 1) > equations


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("none", 1, 0), "expected kind to be one of distinct, shared, .*, got 'none'"),
        (("sum", 3, 0), r"expected depth of 'sum' to be one of \(2,\), got 3"),
        (("sum", 2, -1), r"expected seed to be .*, got -1"),
    ],
)
def test_what_cannot_be_planted_is_named(arguments: tuple[str, int, int], message: str) -> None:
    with pytest.raises(NumericError, match=message):
        planted(*arguments)
