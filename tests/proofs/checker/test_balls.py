"""Balls: the exact number, and what any order of float sums gives, lie within."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from proofs.checker import Rejected, balls
from proofs.checker.balls import (
    Ball,
    diagonalised,
    exact,
    joined,
    norm,
    spectral,
)
from tests.strategies import few, tame, wild

Doubles = npt.NDArray[np.float64]
Exact = npt.NDArray[np.object_]
NUMBERS = st.sampled_from([few, tame, wild])

# What leaves the range of floats becomes infinite, and no comparison with it holds.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def fractions(array: npt.NDArray[Any]) -> Exact:
    flat = [Fraction(float(entry)) for entry in array.ravel()]
    return np.array(flat, dtype=object).reshape(array.shape)


def holds(ball: Ball, numbers: Exact) -> bool:
    return bool(np.all(abs(fractions(ball.value) - numbers) <= fractions(ball.error)))


def chain(first: Any, second: Any, third: Any, fourth: Any) -> Any:
    """A layer and half of the next one."""
    products = (first @ second) * (first @ third)
    return (products + first @ third) @ fourth


@st.composite
def factors(draw: st.DrawFn) -> list[Doubles]:
    elements = draw(NUMBERS)()
    rows, columns, last = (draw(st.integers(1, 4)) for _ in range(3))
    shapes = ((2, rows), (rows, columns), (rows, columns), (columns, last))
    return [draw(hnp.arrays(np.float64, shape, elements=elements)) for shape in shapes]


@pytest.mark.props
@given(factors())
def test_the_exact_number_lies_in_the_ball(arrays: list[Doubles]) -> None:
    try:
        found = chain(*map(exact, arrays))
    except Rejected:
        return
    assert holds(found, chain(*map(fractions, arrays)))


@pytest.mark.props
@given(st.data())
def test_errors_are_handed_on(data: st.DataObject) -> None:
    elements = data.draw(st.sampled_from([few, tame]))()
    shapes = ((2, 3), (3, 2), (3, 2), (2, 2))
    values = [data.draw(hnp.arrays(np.float64, shape, elements=elements)) for shape in shapes]
    errors = [abs(data.draw(hnp.arrays(np.float64, shape, elements=elements))) for shape in shapes]
    moves = [
        data.draw(hnp.arrays(np.float64, shape, elements=st.floats(-1, 1))) for shape in shapes
    ]
    balls = [Ball(one, error) for one, error in zip(values, errors, strict=True)]
    inside = [
        fractions(one) + fractions(error) * fractions(move)
        for one, error, move in zip(values, errors, moves, strict=True)
    ]
    found, numbers = chain(*balls), chain(*inside)
    assert holds(found, numbers)
    assert np.all(fractions(found.most) >= abs(numbers))
    assert np.all(fractions(found.least) <= numbers)
    assert holds(-found, -numbers)
    assert holds(found.turned, numbers.T)
    assert holds(found[:, None], numbers[:, None])
    assert holds(joined([found, balls[3]], 0), np.concatenate([numbers, inside[3]]))


def test_a_product_with_a_subnormal_number_is_rounded_too() -> None:
    large, small = np.array([[2.0**900 * (1 + 2.0**-52)]]), np.array([[(2.0**20 + 1) * 2.0**-1074]])
    missed = abs(fractions(large @ small) - fractions(large) @ fractions(small))[0, 0]
    assert missed > 0
    assert holds(exact(large) @ exact(small), fractions(large) @ fractions(small))
    assert holds(exact(large) * exact(small), fractions(large) * fractions(small))


@pytest.mark.parametrize(("name", "size"), [("gamma", 1.0), ("_TINY", 2.0**-530)])
def test_smaller_errors_would_be_wrong(
    monkeypatch: pytest.MonkeyPatch, name: str, size: float
) -> None:
    draw = np.random.default_rng(0)
    one, other = (draw.normal(size=shape) * size for shape in ((3, 5), (5, 3)))
    numbers = fractions(one) @ fractions(other)
    assert holds(exact(one) @ exact(other), numbers)
    monkeypatch.setattr(balls, name, {"gamma": lambda _: 2.0**-80, "_TINY": 0.0}[name])
    assert not holds(exact(one) @ exact(other), numbers)


def test_what_overflows_is_rejected() -> None:
    halves = exact(np.full((1, 4), float(np.finfo(np.float64).max) / 2))
    for operation in (
        lambda: halves @ exact(np.ones((4, 1))),
        lambda: halves * halves,
        lambda: halves + halves + halves,
        lambda: exact(np.array([[np.inf]])) @ exact(np.array([[0.0]])),
        lambda: exact(np.array([[np.nan]])) + exact(np.array([[0.0]])),
    ):
        with pytest.raises(Rejected, match="leave the range"):
            operation()


# Norms


@pytest.mark.props
@given(st.data())
def test_no_vector_is_stretched_further_than_the_spectral_bound(data: st.DataObject) -> None:
    elements = data.draw(NUMBERS)()
    matrix = data.draw(hnp.arrays(np.float64, (3, 2), elements=elements))
    vector = data.draw(hnp.arrays(np.float64, (2, 1), elements=few()))
    try:
        bound = float(spectral(exact(matrix)))
    except Rejected:
        return
    if np.isfinite(bound):
        stretched, length = fractions(matrix) @ fractions(vector), fractions(vector)
        assert (stretched**2).sum() <= Fraction(bound) ** 2 * (length**2).sum()


def test_the_spectral_bound_is_near_the_norm() -> None:
    matrix = np.random.default_rng(0).normal(size=(20, 30))
    assert 1 <= spectral(exact(matrix)) / np.linalg.norm(matrix, 2) < 1.3


@pytest.mark.props
@given(hnp.arrays(np.float64, 3, elements=wild()))
def test_a_norm_is_bounded(vector: Doubles) -> None:
    bound = float(norm(vector))
    if np.isfinite(bound):
        assert (fractions(vector) ** 2).sum() <= Fraction(bound) ** 2


# Eigendecompositions


def swapped(values: Doubles, vectors: Doubles) -> tuple[Doubles, Doubles]:
    return values[::-1], vectors


def doubled(values: Doubles, vectors: Doubles) -> tuple[Doubles, Doubles]:
    return values, vectors * 1.1


def mixed(values: Doubles, vectors: Doubles) -> tuple[Doubles, Doubles]:
    return values + 0.1, vectors + 0.01


def untouched(values: Doubles, vectors: Doubles) -> tuple[Doubles, Doubles]:
    return values, vectors


@pytest.mark.props
@pytest.mark.parametrize("spoil", [untouched, swapped, doubled, mixed])
@given(data=st.data())
def test_an_eigendecomposition_may_be_anything_for_its_bounds_are_true(
    spoil: Callable[..., Any], data: st.DataObject
) -> None:
    matrix = data.draw(hnp.arrays(np.float64, (3, 3), elements=data.draw(NUMBERS)()))
    error = abs(data.draw(hnp.arrays(np.float64, (3, 3), elements=few())))
    vector = fractions(data.draw(hnp.arrays(np.float64, 3, elements=few())))
    matrix, error = np.tril(matrix) + np.tril(matrix, -1).T, error + error.T
    eigh = np.linalg.eigh
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(balls.np.linalg, "eigh", lambda array: spoil(*eigh(array)))
        try:
            values, vectors, skew, rest = diagonalised(Ball(matrix, error))
        except (Rejected, np.linalg.LinAlgError):
            return
    if not np.isfinite(rest):
        return
    inside = fractions(matrix) + fractions(error)
    columns = fractions(vectors)
    length = vector @ vector
    assert abs(vector @ (columns.T @ columns) @ vector - length) <= Fraction(skew) * length
    form = columns.T @ inside @ columns - np.diag(fractions(values))
    assert abs(vector @ form @ vector) <= Fraction(rest) * length


def test_vectors_that_are_no_basis_are_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(balls.np.linalg, "eigh", lambda _: (np.ones(2), np.ones((2, 2))))
    with pytest.raises(Rejected, match="no basis"):
        diagonalised(exact(np.eye(2)))
