"""The trust-region problem: the smallest step, against oracles that know no dual."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.optimize import minimize, minimize_scalar

from proofs.robustness import secular
from proofs.robustness.secular import Steps, smallest_steps
from tests.strategies import tame

Doubles = npt.NDArray[np.float64]
Problem = tuple[float, Doubles, Doubles]


def solved(slack: float, gradient: Any, eigenvalues: Any) -> Steps:
    return smallest_steps(
        np.array([slack]), np.array([gradient], float), np.array(eigenvalues, float)
    )


def length(slack: float, gradient: Any, eigenvalues: Any) -> float:
    return float(solved(slack, gradient, eigenvalues).lengths[0])


# Oracles


def along(slack: float, slope: Doubles, curvature: Doubles) -> Doubles:
    """The first r > 0 at which slack + slope·r + curvature·r² is 0, of many lines."""
    root = np.sqrt(np.maximum(slope**2 - 4 * slack * curvature, 0))
    reached = slope**2 >= 4 * slack * curvature
    reached &= (slope < 0) | (curvature < 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(reached, 2 * slack / (root - slope), np.inf)


def in_the_plane(slack: float, gradient: Doubles, eigenvalues: Doubles) -> float:
    """The shortest way of all directions of a plane: a fine grid, and a search about its best."""

    def distance(angle: Any) -> Any:
        way = np.array([np.cos(angle), np.sin(angle)])
        return along(slack, np.asarray(gradient @ way), np.asarray(eigenvalues @ way**2))

    step = 2 * math.pi / 4000
    angles = step * np.arange(4000)
    found = distance(angles)
    best = float(found.min())
    for angle in angles[np.argsort(found)[:8]]:
        near = minimize_scalar(
            lambda turn: min(float(distance(turn)), 1e300),
            bounds=(angle - step, angle + step),
            method="bounded",
            options={"xatol": 1e-12},
        )
        best = min(best, float(distance(near.x)))
    return best


def by_many_starts(slack: float, gradient: Doubles, eigenvalues: Doubles) -> float:
    """The best local minimum that sequential quadratic programming finds."""
    draw, best = np.random.default_rng(0), math.inf

    def margin(x: Doubles) -> float:
        return float(slack + gradient @ x + eigenvalues @ x**2)

    for scale in np.repeat([0.1, 1.0, 10.0], 6):
        start = scale * draw.normal(size=len(gradient))
        result = minimize(
            lambda x: float(x @ x),
            start,
            jac=lambda x: 2 * x,
            method="SLSQP",
            constraints={
                "type": "ineq",
                "fun": lambda x: -margin(x),
                "jac": lambda x: -gradient - 2 * eigenvalues * x,
            },
            options={"maxiter": 200, "ftol": 1e-14},
        )
        if result.success and margin(result.x) <= 1e-9 * slack:
            best = min(best, float(np.linalg.norm(result.x)))
    return best


@st.composite
def problems(draw: st.DrawFn, inputs: int | None = None) -> Problem:
    """A slack, a gradient and eigenvalues; often equal ones, or without a part in some."""
    size = inputs or draw(st.integers(1, 5))
    gradient = draw(hnp.arrays(np.float64, size, elements=tame()))
    eigenvalues = draw(hnp.arrays(np.float64, size, elements=tame()))
    corner = draw(st.sampled_from(["plain", "hard", "equal", "no gradient", "flat"]))
    if corner == "hard":
        gradient = np.where(eigenvalues == eigenvalues.min(), 0.0, gradient)
    if corner == "equal":
        eigenvalues[:] = eigenvalues[0]
    if corner == "no gradient":
        gradient[:] = 0
    if corner == "flat":
        eigenvalues[:] = 0
    return draw(st.floats(0.01, 10)), gradient, eigenvalues


# The smallest step


@pytest.mark.props
@given(problem=problems(inputs=1))
def test_on_a_line_it_is_the_nearer_root(problem: Problem) -> None:
    slack, (slope,), (curvature,) = problem
    both = along(slack, np.array([slope, -slope]), np.array(curvature))
    assert length(*problem) == pytest.approx(both.min(), rel=1e-12)


@pytest.mark.props
@given(problem=problems(inputs=2))
def test_in_a_plane_it_is_the_shortest_of_all_directions(problem: Problem) -> None:
    slack, gradient, eigenvalues = problem
    if eigenvalues.min() > 0:
        # Where the margin hardly touches, no grid of directions meets the one that does.
        assume(abs((gradient**2 / eigenvalues).sum() / 4 - slack) > 1e-2 * slack)
    assert length(*problem) == pytest.approx(in_the_plane(*problem), rel=1e-8)


@pytest.mark.parametrize("seed", range(8))
def test_no_local_search_finds_a_shorter_one_and_the_best_finds_it(seed: int) -> None:
    draw = np.random.default_rng(seed)
    size = int(draw.integers(3, 6))
    gradient, eigenvalues = draw.normal(size=size), draw.normal(size=size)
    if seed % 2:
        gradient[eigenvalues.argmin()] = 0
    wanted = by_many_starts(1.0, gradient, eigenvalues)
    assert length(1.0, gradient, eigenvalues) == pytest.approx(wanted, rel=1e-6)


def quartered_twice(slack: float, gradient: Doubles, eigenvalues: Doubles) -> Problem:
    return slack, 2 * gradient, eigenvalues


def bent_the_other_way(slack: float, gradient: Doubles, eigenvalues: Doubles) -> Problem:
    return slack, gradient, -eigenvalues


def halved_curvature(slack: float, gradient: Doubles, eigenvalues: Doubles) -> Problem:
    return slack, gradient, eigenvalues / 2


@pytest.mark.parametrize("mistaken", [quartered_twice, bent_the_other_way, halved_curvature])
def test_the_oracles_notice_a_dropped_factor_and_a_swapped_sign(mistaken: Any) -> None:
    problem = 1.0, np.array([0.4, -1.0]), np.array([-2.0, 0.3])
    for oracle in (in_the_plane, by_many_starts):
        assert oracle(*problem) == pytest.approx(length(*problem), rel=1e-7)
        assert abs(oracle(*problem) - length(*mistaken(*problem))) > 1e-2


@pytest.mark.props
@given(problem=problems())
def test_the_step_uses_up_the_slack_and_has_the_length(problem: Problem) -> None:
    slack, gradient, eigenvalues = problem
    found = solved(*problem)
    if found.lengths[0] == np.inf:
        assert not np.isfinite(found.steps).all()
        return
    step = found.steps[0]
    terms = abs(gradient * step).sum() + abs(eigenvalues * step**2).sum()
    left = slack + gradient @ step + eigenvalues @ step**2
    assert abs(left) <= 1e-12 * (slack + terms)
    assert found.lengths[0] == pytest.approx(np.linalg.norm(step), rel=1e-14)


# The certificate


def certificate(problem: Problem, multiplier: float, square: float) -> Doubles:
    """The matrix of the S-lemma, scaled by a congruence to entries near 1."""
    slack, gradient, eigenvalues = problem
    size = len(gradient)
    matrix = np.eye(size + 1)
    matrix[0, 0] = multiplier * slack - square
    matrix[0, 1:] = matrix[1:, 0] = multiplier * gradient / 2
    matrix[1:, 1:] += multiplier * np.diag(eigenvalues)
    scales = np.diag([1 / math.sqrt(square), *[1.0] * size])
    return np.asarray(scales @ matrix @ scales)


@pytest.mark.props
@given(problem=problems())
def test_the_multiplier_certifies_the_length_and_no_longer_one(problem: Problem) -> None:
    found = solved(*problem)
    multiplier, square = float(found.multipliers[0]), float(found.lengths[0] ** 2)
    if not math.isfinite(multiplier) or multiplier * abs(problem[2]).max() > 1e6:
        return
    right = np.linalg.eigvalsh(certificate(problem, multiplier, square))
    assert right[0] >= -1e-12 * (1 + right[-1])
    # Weak duality, exactly where it can be tight: the arrow's determinant changes sign.
    for factor in (1 - 1e-6, 1 + 1e-6):
        matrix = certificate(problem, multiplier, factor * square)
        bent, arrow = matrix.diagonal()[1:], matrix[0, 1:]
        used = arrow[arrow != 0] ** 2 / bent[arrow != 0]
        assert (matrix[0, 0] >= used.sum()) == (factor < 1)


@pytest.mark.parametrize("factor", [0.99, 1.01, 0.0, -1.0])
def test_another_multiplier_certifies_less(factor: float) -> None:
    problem = 1.0, np.array([0.4, -1.0]), np.array([-2.0, 0.3])
    found = solved(*problem)
    multiplier, square = found.multipliers[0], found.lengths[0] ** 2
    assert np.linalg.eigvalsh(certificate(problem, multiplier, (1 - 1e-12) * square))[0] > 0
    wrong = certificate(problem, factor * multiplier, (1 - 1e-12) * square)
    assert np.linalg.eigvalsh(wrong)[0] < -1e-6


# Corners


def test_without_curvature_it_is_the_slack_over_the_slope() -> None:
    found = solved(3.0, [0.0, 4.0], [0.0, 0.0])
    assert found.lengths[0] == pytest.approx(0.75, rel=1e-15)
    np.testing.assert_allclose(found.steps, [[0, -0.75]], rtol=1e-15)
    assert found.multipliers[0] == pytest.approx(2 * 3 / 16, rel=1e-15)


def test_without_a_slope_it_goes_where_the_curvature_is_least() -> None:
    found = solved(2.0, [0.0, 0.0, 0.0], [1.0, -8.0, -2.0])
    assert found.lengths[0] == pytest.approx(0.5, rel=1e-15)
    np.testing.assert_allclose(abs(found.steps), [[0, 0.5, 0]], rtol=1e-15)
    assert found.multipliers[0] == 1 / 8


@pytest.mark.parametrize("multiplicity", [1, 2, 3])
def test_the_hard_case_leaves_the_plane_of_the_gradient(multiplicity: int) -> None:
    # Stationary points at ν = 2 have the part -½·4/(2+2) along the last axis, which uses up
    # ¼·16·(1/4 + 2/16) = 1.5 of the slack; the rest is 2·τ².
    eigenvalues = [-2.0] * multiplicity + [2.0]
    found = solved(3.5, [0.0] * multiplicity + [4.0], eigenvalues)
    assert found.multipliers[0] == 0.5
    assert found.lengths[0] == pytest.approx(math.sqrt(0.25 + 1), rel=1e-15)
    assert found.steps[0, -1] == -0.5
    assert np.linalg.norm(found.steps[0, :-1]) == pytest.approx(1)
    in_plane = along(3.5, np.array([4.0, -4.0]), np.array([2.0, 2.0])).min()
    assert found.lengths[0] < in_plane


@pytest.mark.parametrize(
    "trace", [1e-3, 1e-8, 1e-16, 1e-30, 1e-130, 1e-139, 1e-160, 1e-300, 5e-324]
)
def test_near_the_hard_case_nothing_jumps(trace: float) -> None:
    hard = solved(3.5, [0.0, 4.0], [-2.0, 2.0])
    near = solved(3.5, [trace, 4.0], [-2.0, 2.0])
    assert near.lengths[0] == pytest.approx(hard.lengths[0], abs=2 * trace, rel=1e-14)
    left = 3.5 + trace * near.steps[0, 0] + 4 * near.steps[0, 1] + near.steps[0] ** 2 @ [-2, 2]
    assert abs(left) < 1e-14
    assert near.multipliers[0] <= 0.5


@pytest.mark.parametrize("gap", [0.0, 1e-16, 1e-12, 1e-6])
def test_nearly_equal_eigenvalues_are_no_trouble(gap: float) -> None:
    wanted = length(1.0, [math.sqrt(0.5), 0.1], [-1.0, 0.5])
    assert length(1.0, [0.5, 0.5, 0.1], [-1.0, -1.0 + gap, 0.5]) == pytest.approx(
        wanted, rel=1e-14, abs=gap
    )


@pytest.mark.parametrize(
    ("gradient", "eigenvalues"),
    [([1.0, 0.0], [1.0, 0.0]), ([1.0, 1.0], [2.0, 3.0]), ([0.0, 0.0], [0.0, 0.0])],
)
def test_a_margin_that_stays_above_is_never_reached(gradient: Any, eigenvalues: Any) -> None:
    found = solved(1.0, gradient, eigenvalues)
    assert found.lengths[0] == found.multipliers[0] == np.inf


def test_a_minimum_that_just_reaches_counts_however_it_is_rounded() -> None:
    for rounding in (-3, -1, 0, 1, 3):
        slack = 1 + rounding * float(np.finfo(float).eps)
        assert length(slack, [-2.0, 0.0], [1.0, 1.0]) == pytest.approx(1, rel=1e-15)
    assert length(1.0 - 1e-10, [-2.0, 0.0], [1.0, 1.0]) == pytest.approx(1 - 1e-5, rel=1e-9)
    assert length(1.0 + 1e-10, [-2.0, 0.0], [1.0, 1.0]) == np.inf


@pytest.mark.parametrize("slack", [0.0, -1.0, -np.inf])
def test_without_slack_no_step_is_needed(slack: float) -> None:
    found = solved(slack, [1.0, 2.0], [-1.0, 1.0])
    assert found.lengths[0] == found.multipliers[0] == 0
    np.testing.assert_array_equal(found.steps, [[0, 0]])


@pytest.mark.props
@given(problem=problems(), power=st.integers(-120, 120))
@example(problem=(1.0, np.array([0.4, -1.0]), np.array([-2.0, 0.3])), power=120)
def test_units_change_no_bit(problem: Problem, power: int) -> None:
    slack, gradient, eigenvalues = problem
    wanted = solved(*problem)
    scale = 4.0**power  # roots of it are exact as well
    louder = solved(slack * scale, gradient * scale, eigenvalues * scale)
    assert louder.lengths[0] == wanted.lengths[0]
    assert louder.multipliers[0] == wanted.multipliers[0] / scale
    larger = solved(slack, gradient / scale, eigenvalues / scale**2)
    assert larger.lengths[0] == wanted.lengths[0] * scale
    assert larger.multipliers[0] == wanted.multipliers[0] * scale**2


@pytest.mark.parametrize(
    ("problem", "wanted"),
    [
        ((1.0, [1e-160, 0.0], [0.0, 0.0]), 1e160),
        ((1e-300, [1e-160, 1e-170], [0.0, 1.0]), 1e-140),
        ((1.0, [1e-200, 1e-200], [-1.0, 1.0]), 1.0),
        ((1e-300, [1e200, 0.0], [-1e-300, 1e-300]), 0.0),
        ((1e300, [1.0, 0.0], [-1e-4, 1.0]), 1e152),
        ((1.0, [1e150, 1e-150], [1.0, -1.0]), 1e-150),
        ((1.0, [1e-100, 0.0], [0.0, 1e250]), 1e100),
    ],
)
def test_far_ends_of_the_range_are_no_trouble(problem: Any, wanted: float) -> None:
    assert length(*problem) == pytest.approx(wanted, rel=1e-12)


def test_problems_do_not_see_each_other() -> None:
    draw = np.random.default_rng(0)
    slacks, gradients = draw.normal(size=40), draw.normal(size=(40, 5))
    gradients[::3, 0] = 0
    eigenvalues = np.array([-1.0, -0.5, 0.0, 0.5, 2.0])
    together = smallest_steps(slacks, gradients, eigenvalues)
    for i, (slack, gradient) in enumerate(zip(slacks, gradients, strict=True)):
        alone = solved(slack, gradient, eigenvalues)
        assert together.lengths[i] == pytest.approx(alone.lengths[0], rel=1e-14)
        np.testing.assert_allclose(together.steps[i], alone.steps[0], rtol=1e-12, atol=1e-15)


def test_a_few_rounds_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    rounds, evaluate = 0, secular._secular

    def counted(*arguments: Any) -> Any:
        nonlocal rounds
        rounds += 1
        return evaluate(*arguments)

    monkeypatch.setattr(secular, "_secular", counted)
    draw = np.random.default_rng(0)
    smallest_steps(
        draw.random(200), 10 ** draw.uniform(-3, 3, (200, 30)), np.sort(draw.normal(size=30))
    )
    assert rounds <= 20
