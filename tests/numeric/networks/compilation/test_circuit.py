"""Atoms and their levels, and when a weight may be placed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from numeric import NumericError
from numeric.networks.compilation.circuit import INPUT, PRODUCT, SUM, Circuit, Value

HALF_ULP = 2.0**-53


def matrix(*rows: list[float]) -> sparse.csr_array:
    return sparse.csr_array(np.array(rows, dtype=float))


def entries(value: Value) -> list[list[float]]:
    return value.weights.toarray().tolist()


@pytest.fixture
def circuit() -> Circuit:
    return Circuit()


def test_a_product_is_one_level_above_its_factors_and_their_sum_is_at_its_own(
    circuit: Circuit,
) -> None:
    x = circuit.inputs((2,))
    square = circuit.product(x, x)
    fourth = circuit.product(square, square)
    assert circuit.kinds.tolist()[1:] == [INPUT] * 2 + [PRODUCT] * 4
    assert circuit.levels.tolist()[1:] == [0, 0, 1, 1, 2, 2]
    assert circuit.sum_levels(fourth.weights).tolist() == [2, 2]
    assert circuit.sum_levels(x.weights).tolist() == [1, 1]


def test_a_map_of_inputs_is_placed_and_a_map_of_that_keeps_it(circuit: Circuit) -> None:
    x = circuit.inputs((2,))
    mapped = circuit.map(matrix([0.1, 0.2], [0.3, 0.0]), x, (2,))
    assert entries(mapped) == [[0, 0.1, 0.2], [0, 0.3, 0]]
    twice = circuit.map(matrix([0.1, 0.7]), mapped, (1,))
    assert circuit.kinds.tolist()[3:] == [SUM, SUM]
    assert entries(twice) == [[0, 0, 0, 0.1, 0.7]]


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        (0.5, 0.3, 0),
        (0.3, -2.0, 0),
        (0.3, 0.7, 1),
        (2.0**-1000, 2.0**-1000, 1),
        (2.0**1000, 2.0**1000, 1),
        (0.5, 2.0**-1074, 1),
    ],
)
def test_weights_are_multiplied_only_by_powers_of_two_that_stay_in_range(
    circuit: Circuit, first: float, second: float, kept: int
) -> None:
    once = circuit.map(matrix([first]), circuit.inputs((1,)), (1,))
    twice = circuit.map(matrix([second]), once, (1,))
    assert len(circuit.kinds) - 2 == kept
    assert entries(twice)[0][-1] == (second if kept else first * second)


def test_weights_that_would_be_added_are_not_multiplied_in(circuit: Circuit) -> None:
    x = circuit.inputs((1,))
    twice = circuit.map(matrix([1.0], [0.1]), x, (2,))
    circuit.map(matrix([1.0, 1.0]), twice, (1,))
    assert SUM in circuit.kinds


@pytest.mark.parametrize(("weight", "kept"), [(1.0, 0), (2.0**-52, 0), (HALF_ULP, 1), (0.1, 1)])
def test_weights_are_added_only_where_that_rounds_nothing(
    circuit: Circuit, weight: float, kept: int
) -> None:
    x = circuit.inputs((1,))
    total = circuit.sum(x, circuit.map(matrix([weight]), x, (1,)))
    assert (SUM in circuit.kinds) == bool(kept)
    if not kept:
        assert entries(total) == [[0, 1 + weight]]


def test_the_same_sum_is_kept_once(circuit: Circuit) -> None:
    x = circuit.inputs((2,))
    mapped = circuit.map(matrix([0.1, 0.2], [0.1, 0.2]), x, (2,))
    first, second = circuit.kept(mapped), circuit.kept(mapped)
    assert (circuit.kinds == SUM).sum() == 1
    assert entries(first) == entries(second)


def test_folding_multiplies_and_keeps_nothing() -> None:
    circuit = Circuit(fold=True)
    once = circuit.map(matrix([0.3]), circuit.inputs((1,)), (1,))
    assert entries(circuit.map(matrix([0.7]), once, (1,))) == [[0, 0.7 * 0.3]]
    assert entries(circuit.sum(once, once)) == [[0, 0.6]]


def test_entries_are_taken_at_places_and_are_0_where_there_is_none(circuit: Circuit) -> None:
    x = circuit.inputs((3,))
    taken = x.at(np.array([[2, -1], [0, 2]]))
    assert taken.shape == (2, 2)
    assert entries(taken) == [[0, 0, 0, 1], [0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]]


def test_more_atoms_than_there_may_be_are_refused() -> None:
    circuit = Circuit(most=5)
    with pytest.raises(NumericError, match="multiplies at most 5 numbers"):
        circuit.inputs((5,))
