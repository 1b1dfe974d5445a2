"""Bounds for changes of all pixels: sound against corners and attacks, and of least trace."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from numeric import BilinearNetwork
from numeric.networks.attacks import attack
from numeric.networks.inference import predictions
from proofs.errors import ProofError
from proofs.robustness import infinity
from proofs.robustness.infinity import diagonal_certificate, infinity_bounds, infinity_radii
from proofs.robustness.pairs import PairMargin, PairMargins
from tests.strategies import matrices, tame

Doubles = npt.NDArray[np.float64]


def quadratic(matrix: Any, linear: Any = None, constant: float = 1.0) -> PairMargin:
    square = np.array(matrix, float)
    slope = np.zeros(len(square)) if linear is None else np.array(linear, float)
    return PairMargin(constant, slope, (square + square.T) / 2)


def random_quadratic(seed: int, inputs: int = 6) -> PairMargin:
    draw = np.random.default_rng(seed).normal
    return quadratic(draw(size=(inputs, inputs)), draw(size=inputs), 3.0)


def signs(inputs: int) -> Doubles:
    return np.array(list(product([-1.0, 1.0], repeat=inputs)))


def least(margin: PairMargin, diagonal: Doubles) -> float:
    return float(np.linalg.eigvalsh(margin.matrix + np.diag(diagonal))[0])


# The diagonal


@pytest.mark.props
@given(data=st.data())
def test_a_diagonal_makes_its_matrix_positive(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 5))
    margin = quadratic(data.draw(matrices((size, size), tame(), np.float64)))
    diagonal = diagonal_certificate(margin)
    assert (diagonal >= 0).all()
    assert least(margin, diagonal) >= 0
    corners = signs(size)
    worst = -np.einsum("si,ij,sj->s", corners, margin.matrix, corners).min()
    assert diagonal.sum() >= worst - 1e-12


@pytest.mark.parametrize("seed", range(6))
def test_on_two_pixels_its_trace_is_the_least(seed: int) -> None:
    margin = random_quadratic(seed, inputs=2)
    (first, between), (_, second) = margin.matrix
    # Given one entry, the other is what the determinant asks for.
    start = max(0.0, -first) + 1e-9

    def trace(entry: float) -> float:
        return entry + max(0.0, between**2 / (first + entry) - second)

    found = minimize_scalar(trace, bounds=(start, start + 20), method="bounded")
    wanted = min(found.fun, trace(start))
    assert diagonal_certificate(margin).sum() == pytest.approx(wanted, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("seed", range(6))
def test_of_a_negative_matrix_its_trace_is_within_half_of_pi_of_the_worst_corner(seed: int) -> None:
    root = np.random.default_rng(seed).normal(size=(8, 3))
    margin = quadratic(-root @ root.T)
    corners = signs(8)
    worst = ((corners @ root) ** 2).sum(axis=1).max()
    trace = diagonal_certificate(margin).sum()
    assert worst - 1e-9 <= trace <= math.pi / 2 * worst * (1 + 1e-4)


@pytest.mark.parametrize("seed", range(4))
def test_a_smaller_diagonal_certifies_nothing(seed: int) -> None:
    margin = random_quadratic(seed)
    diagonal = diagonal_certificate(margin)
    assert least(margin, 0.99 * diagonal) < 0
    assert diagonal.sum() < -6 * margin.eigenvalues[0]


@pytest.mark.parametrize("power", [-700, -300, 0, 300, 700])
def test_units_change_no_bit_of_a_diagonal(power: int) -> None:
    margin = random_quadratic(0)
    scaled = quadratic(np.ldexp(margin.matrix, power))
    found = np.ldexp(diagonal_certificate(scaled), -power)
    np.testing.assert_array_equal(found, diagonal_certificate(margin))


@pytest.mark.parametrize(
    "matrix", [np.zeros((3, 3)), np.eye(3), np.diag([2.0, 0, 1]), np.ones((3, 3))]
)
def test_a_positive_matrix_needs_hardly_any(matrix: Doubles) -> None:
    assert diagonal_certificate(quadratic(matrix)).sum() < 1e-13


def trace_by_single_rows(matrix: Doubles) -> float:
    """The trace that the mixing method finds, by single rows at the full rank, and made valid."""
    weights = matrix.diagonal()
    others = matrix - np.diag(weights)
    rank = math.isqrt(2 * len(matrix)) + 1
    rows = np.random.default_rng(0).standard_normal((len(matrix), rank))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    for _ in range(300):
        for row, (pull, weight) in enumerate(zip(others, weights, strict=True)):
            slope = pull @ rows
            size = max(math.sqrt(slope @ slope), weight)
            rows[row] = -slope / size if size > 0 else 0.0
    diagonal = np.maximum(np.linalg.norm(others @ rows, axis=1) - weights, 0)
    least_one = np.linalg.eigvalsh(matrix + np.diag(diagonal))[0]
    return float(diagonal.sum() + len(matrix) * max(0.0, -least_one))


def smooth(size: int) -> Doubles:
    """A form in which each pixel counts against its neighbours, and little against those afar."""
    places = np.arange(size)
    return -np.exp(-abs(places[:, None] - places) / 5)


@pytest.mark.props
@pytest.mark.parametrize("kind", ["dense", "low rank", "smooth", "some rows alone"])
@pytest.mark.parametrize("inputs", [30, 60])
def test_rows_in_blocks_find_the_trace_that_single_rows_find(kind: str, inputs: int) -> None:
    draw = np.random.default_rng(inputs)
    root = draw.normal(size=(inputs, 4))
    matrix = {
        "dense": draw.normal(size=(inputs, inputs)),
        "low rank": root * [1.0, -1, 1, -1] @ root.T,
        "smooth": smooth(inputs),
        "some rows alone": np.diag(draw.normal(size=inputs)),
    }[kind]
    if kind == "some rows alone":
        matrix[:5, :5] = draw.normal(size=(5, 5))
    margin = quadratic(matrix)
    found = diagonal_certificate(margin).sum()
    assert found <= trace_by_single_rows(margin.matrix) * (1 + 1e-3)
    assert least(margin, diagonal_certificate(margin)) >= 0


@pytest.mark.parametrize("told", [0.0, -1e-3, -5.0, 1.0])
def test_what_a_diagonal_lacks_is_proved_and_not_believed(told: float) -> None:
    matrix = np.diag([1.0, -0.5, 2.0])
    for diagonal in (np.zeros(3), np.array([0.0, 0.4, 0.0]), np.array([0.0, 0.6, 0.0])):
        lacking = infinity._shift(matrix, diagonal, told)
        assert np.linalg.eigvalsh(matrix + np.diag(diagonal + lacking))[0] > 0
        if told == 0:
            assert lacking <= max(0.0, 0.5 - diagonal[1]) + 1e-13


# The bound


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("threshold", [0.0, 0.5, -0.5])
def test_within_the_bound_no_point_reaches_the_threshold(seed: int, threshold: float) -> None:
    margin = random_quadratic(seed)
    draw = np.random.default_rng(seed)
    images = 0.2 * draw.normal(size=(5, 6))
    radii = infinity_radii(margin, images, diagonal_certificate(margin), threshold=threshold)
    assert (radii > 0).all()
    inside = np.concatenate([signs(6), draw.uniform(-1, 1, (500, 6))])
    for image, radius in zip(images, radii, strict=True):
        assert (margin.value(image + radius * inside) >= threshold - 1e-12).all()
        assert (margin.value(image + 4 * radius * inside) < threshold).any()


def test_it_is_where_the_certificate_is_used_up() -> None:
    margin, images = random_quadratic(3), np.zeros((1, 6))
    diagonal = diagonal_certificate(margin)
    (radius,) = infinity_radii(margin, images, diagonal, threshold=0.25)
    slope = abs(margin.gradient(images)).sum()
    left = margin.value(images)[0] - radius * slope - radius**2 * diagonal.sum()
    assert left == pytest.approx(0.25, rel=1e-12)


@pytest.mark.parametrize(
    ("margin", "radius"),
    [
        (quadratic(np.zeros((2, 2)), [3.0, -1.0], 2.0), 0.5),
        (quadratic(-np.eye(2), [0.0, 0.0], 8.0), 2.0),
        (quadratic(np.zeros((2, 2)), [0.0, 0.0], 1.0), np.inf),
        (quadratic(-np.eye(2), [1.0, 0.0], 0.0), 0.0),
        (quadratic(np.zeros((2, 2)), [0.0, 0.0], -1.0), 0.0),
    ],
)
def test_simple_bounds_are_exact(margin: PairMargin, radius: float) -> None:
    found = infinity_radii(margin, np.zeros((1, 2)), diagonal_certificate(margin))
    assert found[0] == pytest.approx(radius, rel=1e-12)


def test_bounds_of_a_network_lie_below_every_attack() -> None:
    network = BilinearNetwork(6, 4, depth=1, hidden=8).double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(3)
    images = np.random.default_rng(0).normal(size=(20, 6))
    classes = predictions(network, images)
    found = infinity_bounds(PairMargins(network.layers()), images, classes)
    generator = torch.Generator().manual_seed(0)
    attacked = attack(network, images, classes, generator=generator, norm="Linf").distances
    assert (found.radius <= attacked).all()
    assert (found.radius > 0.3 * attacked).all()
    assert (found.radii[np.arange(20), classes] == np.inf).all()
    # Every pair that was needed, and no other.
    needed = {(own, rival) for own in set(classes.tolist()) for rival in {0, 1, 2, 3} - {own}}
    assert set(found.diagonals) == needed


def test_a_diagonal_of_half_the_size_promises_too_much() -> None:
    margin = quadratic(-np.ones((4, 4)), constant=1.0)
    images, diagonal = np.zeros((1, 4)), diagonal_certificate(margin)
    (right,) = infinity_radii(margin, images, diagonal)
    (wrong,) = infinity_radii(margin, images, diagonal / 2)
    corners = signs(4)
    assert margin.value(right * corners).min() > -1e-3
    assert margin.value(wrong * corners).min() < -0.5


def test_arguments_that_do_not_fit_are_refused() -> None:
    margins = PairMargins(BilinearNetwork(6, 4, depth=1, hidden=8).layers())
    with pytest.raises(ProofError, match="expected predicted to be classes from 0 to 3, got -1"):
        infinity_bounds(margins, np.zeros((1, 6)), np.array([-1]))
    with pytest.raises(ProofError, match="expected threshold to be a finite number, got inf"):
        infinity_bounds(margins, np.zeros((1, 6)), np.array([1]), threshold=math.inf)
