"""Toy gates read as fractions, held against the exact polynomial of the other package."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from analytic import ExactNetwork
from numeric.studies.toys import (
    GATES,
    INPUTS,
    PAIRS,
    exact_coefficients,
    right_everywhere,
    told_toys,
    toy_rows,
    trained_toy,
)


@pytest.mark.parametrize("gate", GATES)
def test_coefficients_are_those_of_the_exact_polynomial(gate: str) -> None:
    layer = trained_toy(gate, 3, seed=0, steps=2)
    exact = ExactNetwork([layer])
    for output in range(len(PAIRS)):
        for (i, j), found in exact_coefficients(layer, output).items():
            monomial = {i: 2} if i == j else {i: 1, j: 1}
            assert found == exact.coefficient(output=output, monomial=monomial)


@pytest.mark.parametrize("gate", GATES)
def test_one_ulp_above_the_middle_is_right_and_the_middle_is_not(gate: str) -> None:
    # On the input of a pair alone, AND is its product and XOR one of its squares.
    place, weight = {"AND": ((0, 1), Fraction(1)), "XOR": ((0, 0), Fraction(1))}[gate]
    others = {} if gate == "AND" else {(1, 1): Fraction(1), (0, 1): Fraction(-2)}
    assert right_everywhere({place: weight} | others, gate, (0, 1))
    above, middle = Fraction(np.nextafter(0.5, 1)), Fraction(1, 2)
    assert right_everywhere({place: above} | others, gate, (0, 1))
    assert not right_everywhere({place: middle} | others, gate, (0, 1))


@pytest.mark.parametrize(("gate", "eigenvalues"), [("AND", [0.5, -0.5]), ("XOR", [2.0])])
def test_what_is_learned_is_the_gate_and_its_eigenfeatures(
    gate: str, eigenvalues: list[float]
) -> None:
    rows = toy_rows(gate, len(PAIRS), seed=1, steps=300)["toys"]
    assert [row["pair"] for row in rows] == [f"{i} {gate} {j}" for i, j in PAIRS]
    assert all(row["right"] and row["off"] < 0.02 and row["cosine"] > 0.999 for row in rows)
    found = rows[0]["eigenvalues"][: len(eigenvalues)]
    assert np.allclose(sorted(found), sorted(eigenvalues), atol=0.01)


def test_fewer_neurons_than_gates_cannot_be_them() -> None:
    rows = toy_rows("XOR", 4, seed=0, steps=300)["toys"]
    assert not all(row["right"] for row in rows)
    assert max(row["off"] for row in rows) > 0.3
    told = told_toys(rows)
    assert not told.speaks_for
    better = [row | {"right": True, "features": 1} for row in rows]
    assert not told_toys(better).speaks_against


def test_right_means_the_sign_of_the_polynomial_on_every_input() -> None:
    layer = trained_toy("AND", 4, seed=2, steps=20)
    exact = ExactNetwork([layer])
    for output, pair in enumerate(PAIRS):
        wanted = all(
            (exact.evaluate([list(map(float, x))])[0][output] > Fraction(1, 2))
            == bool(x[pair[0]] and x[pair[1]])
            for x in product((0, 1), repeat=INPUTS)
        )
        assert right_everywhere(exact_coefficients(layer, output), "AND", pair) == wanted
