"""Certified signs of eigenvalues against the exact inertia of rational matrices."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import flint
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from numeric import BilinearNetwork, Layer
from proofs import checker
from proofs.bounds import signatures as module
from proofs.bounds.enclosures import Enclosure
from proofs.bounds.signatures import signatures, signs
from proofs.checker.claims.signature import verify as verify_signature
from proofs.errors import ProofError
from tests.certificates import held
from tests.strategies import few, networks, tame, wild

Rows = list[list[Fraction]]


def inertia(rows: Rows) -> tuple[int, int, int]:
    """How many eigenvalues are positive, negative and zero: Descartes' rule, as all are real."""
    matrix = flint.fmpq_mat([[flint.fmpq(x.numerator, x.denominator) for x in row] for row in rows])
    coefficients = list(matrix.charpoly().coeffs())
    zeros = next(place for place, coefficient in enumerate(coefficients) if coefficient != 0)

    def changes(numbers: list[Any]) -> int:
        kept = [number > 0 for number in numbers if number != 0]
        return sum(one != other for one, other in pairwise(kept))

    turned = [-c if place % 2 else c for place, c in enumerate(coefficients)]
    return changes(coefficients), changes(turned), zeros


def interaction(layer: Layer, output: int) -> Rows:
    """The interaction matrix of an output, entry by entry."""
    left, right, down = ([[Fraction(float(x)) for x in row] for row in part] for part in layer[:3])
    size = layer.linear.shape[1]
    return [
        [
            sum(
                (
                    weight * (one[i] * other[j] + one[j] * other[i]) / 2
                    for weight, one, other in zip(down[output], left, right, strict=True)
                ),
                Fraction(0),
            )
            for j in range(size)
        ]
        for i in range(size)
    ]


@pytest.mark.props
@given(st.sampled_from([few, tame, wild]).flatmap(lambda kind: networks(elements=kind, max_size=4)))
def test_no_more_signs_are_claimed_than_there_are(network: BilinearNetwork) -> None:
    layers = network.layers()
    try:
        found = signatures(layers)
    except ProofError:
        assume(condition=False)
    for label, exact in enumerate(found.exact):
        there = inertia(interaction(layers[-1], label + 1))
        claimed = found.positive[label], found.negative[label], found.zero[label]
        assert sum(there) == found.size
        assert all(one <= other for one, other in zip(claimed, there, strict=True))
        assert not exact or claimed == there


@pytest.mark.props
@given(
    hnp.arrays(np.float64, (4, 4), elements=st.one_of(few(), tame())),
    st.sampled_from([0.0, 2.0**-50, 0.01, 1.0]),
    st.data(),
)
def test_every_matrix_in_an_enclosure_has_the_signs(
    half: Any, radius: float, data: st.DataObject
) -> None:
    matrix = half + half.T
    positive, negative = signs(Enclosure(matrix, np.full((4, 4), radius)))
    moved = [[Fraction(entry) for entry in row] for row in matrix.tolist()]
    for i in range(4):
        for j in range(i + 1):
            share = data.draw(st.sampled_from([-1, 0, 1])) * Fraction(radius)
            moved[i][j] += share
            moved[j][i] = moved[i][j]
    there = inertia(moved)
    assert positive <= there[0]
    assert negative <= there[1]


@pytest.mark.props
@given(networks(max_size=4))
def test_the_checker_counts_as_many(network: BilinearNetwork) -> None:
    layers = network.layers()
    found = signatures(layers)
    files = held(layers)
    verify_signature(files, found.size, found.positive, found.negative, found.zero)
    more = [count + 1 for count in found.positive]
    if found.exact[0]:
        with pytest.raises(checker.Rejected, match="logit 0 has"):
            verify_signature(files, found.size, more, found.negative, found.zero)


def test_trained_sizes_are_counted_to_the_last() -> None:
    network = BilinearNetwork(60, 3, depth=1, hidden=20, seed=0)
    found = signatures(network.layers())
    assert found.positive == found.negative == [20, 20, 20]
    assert found.zero == [21, 21, 21]
    assert found.exact == [True, True, True]


def test_repeated_and_unused_readings_leave_zeros() -> None:
    draw = np.random.default_rng(0)
    rows = draw.normal(size=(4, 6))
    rows[1] = rows[0]
    down = np.array([[0.0] * 4, [1.0, 2.0, 3.0, 0.0]])
    found = signatures([Layer(rows, rows, down, np.zeros((2, 6)))])
    assert (found.positive, found.negative, found.zero) == ([2], [0], [4])


@pytest.mark.parametrize("gap", [2.0**-40, 2.0**-52, 0.0])
def test_an_eigenvalue_next_to_zero_is_claimed_only_if_it_is_beyond_rounding(gap: float) -> None:
    matrix = np.array([[1.0, 1.0], [1.0, 1.0 + gap]])
    there = inertia([[Fraction(x) for x in row] for row in matrix.tolist()])
    assert there == ((2, 0, 0) if gap else (1, 0, 1))
    assert signs(Enclosure.exact(matrix)) == ((2, 0) if gap > 1e-14 else (1, 0))


def test_without_the_rest_rounding_would_count_as_a_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(0)
    root = np.rint(draw.normal(size=(30, 5)) * 2.0**20)
    matrix = root @ root.T
    there = inertia([[Fraction(x) for x in row] for row in matrix.tolist()])
    assert there == (5, 0, 25)
    assert signs(Enclosure.exact(matrix)) == (5, 0)
    monkeypatch.setattr(module, "_SPARE", 0.0)
    positive, negative = signs(Enclosure.exact(matrix))
    assert positive > 5 or negative > 0


def test_a_basis_that_is_none_certifies_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = np.diag([2.0, -1.0])
    eigh = np.linalg.eigh

    def flat(symmetric: Any) -> Any:
        values, vectors = eigh(symmetric)
        return values, vectors[:, [0, 0]]

    monkeypatch.setattr(np.linalg, "eigh", flat)
    assert signs(Enclosure.exact(matrix)) == (0, 0)


def test_counts_that_do_not_add_up_are_not_called_exact() -> None:
    found = signatures([Layer(np.eye(2), np.eye(2), np.array([[0.0, 0], [1, -1]]), np.eye(2))])
    assert found.exact == [True]
    assert replace(found, positive=[0]).exact == [False]


def test_a_matrix_out_of_range_is_refused() -> None:
    rows = np.array([[1e200, 1.0]])
    layer = Layer(rows, rows, np.array([[0.0], [1.0]]), np.eye(2))
    with pytest.raises(ProofError, match="interaction matrix of logit 0 within the range"):
        signatures([layer])
