"""Exact distances: nothing found is nearer, and at the nearest points two logits are equal."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import assume, example, given
from hypothesis import strategies as st

from numeric import BilinearNetwork, NumericError
from numeric.networks.attacks import attack
from numeric.networks.inference import logits, predictions
from proofs.errors import ProofError
from proofs.robustness import trust_region
from proofs.robustness.pairs import PairMargin, PairMargins
from proofs.robustness.trust_region import (
    Robustness,
    displacements,
    distances,
    nearest,
    nearest_points,
    ordered_pairs,
)
from tests.oracles import smallest_step
from tests.strategies import networks, networks_with_points, points

Doubles = npt.NDArray[np.float64]


def network(**shape: Any) -> BilinearNetwork:
    made = BilinearNetwork(**({"inputs": 6, "outputs": 4, "depth": 1, "hidden": 8} | shape))
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.mul_(3)
    return made.double()


def images(count: int = 30, inputs: int = 6) -> Doubles:
    return np.random.default_rng(1).normal(size=(count, inputs))


def solved(model: BilinearNetwork, points: Doubles, threshold: float = 0.0) -> Robustness:
    margins = PairMargins(model.layers())
    return nearest(margins, points, predictions(model, points), threshold=threshold)


# Against attacks


@pytest.mark.parametrize("residual", [False, True])
def test_no_attack_is_nearer_and_the_best_are_as_near(residual: bool) -> None:
    model, given_images = network(residual=residual), images()
    found = solved(model, given_images)
    generator = torch.Generator().manual_seed(0)
    attacked = attack(model, given_images, found.predicted, generator=generator).distances
    assert (found.radius <= attacked * (1 + 1e-9)).all()
    assert np.median(attacked / found.radius) < 1 + 1e-6


@pytest.mark.parametrize(
    "shape", [{}, {"bias": False}, {"residual": True}, {"hidden": 1}, {"inputs": 1}], ids=str
)
def test_projections_alone_reach_the_exact_distance_nearly_always(shape: dict[str, Any]) -> None:
    model = network(**shape)
    given_images = np.random.default_rng(1).normal(size=(30, model.configuration.inputs))
    found = solved(model, given_images)
    attacked = attack(
        model, given_images, found.predicted, generator=torch.Generator(), restarts=0
    ).distances
    assert (found.radius <= attacked * (1 + 1e-9)).all()
    near = attacked <= found.radius * (1 + 1e-6)
    assert near.sum() >= 27


@pytest.mark.props
@given(drawn=networks_with_points(max_depth=1))
def test_projections_never_come_nearer_than_the_exact_distance(drawn: Any) -> None:
    model, given_images = drawn[0].double(), drawn[1].astype(np.float64)
    assume(model.configuration.outputs > 1)
    found = solved(model, given_images)
    attacked = attack(
        model, given_images, found.predicted, generator=torch.Generator(), restarts=0
    ).distances
    assert (found.radius <= attacked * (1 + 1e-6) + 1e-6).all()


@pytest.mark.parametrize("part", ["linear", "matrix"])
def test_distances_to_another_margin_are_beaten_by_an_attack(part: str) -> None:
    model, given_images = network(), images()
    margins = PairMargins(model.layers())
    for own, rival in ordered_pairs(4):
        if own < rival:
            right = margins.between(own, rival)
            parts = {name: getattr(right, name) for name in ("constant", "linear", "matrix")}
            changed = PairMargin(**(parts | {part: parts[part] * 0.9}))
            margins._margins[own, rival] = changed
    found = nearest(margins, given_images, predictions(model, given_images))
    generator = torch.Generator().manual_seed(0)
    attacked = attack(model, given_images, found.predicted, generator=generator).distances
    assert (found.radius > attacked * (1 + 1e-9)).any()


# The nearest points


@pytest.mark.parametrize("threshold", [0.0, 0.05, -0.5])
def test_at_the_nearest_points_two_logits_differ_by_the_threshold(threshold: float) -> None:
    model, given_images = network(), images()
    found = solved(model, given_images, threshold)
    assert (found.rivals != found.predicted).all()
    nearby = nearest_points(
        PairMargins(model.layers()),
        given_images,
        found.predicted,
        found.rivals,
        threshold=threshold,
    )
    scores, rows = logits(model, nearby), np.arange(len(nearby))
    reached = scores[rows, found.predicted] - scores[rows, found.rivals]
    far = found.radius > 0
    assert far.sum() > 20
    sizes = abs(scores).max(axis=1)
    assert (abs(reached - threshold)[far] <= 1e-12 * sizes[far]).all()
    length = np.linalg.norm(nearby - given_images, axis=1)
    np.testing.assert_allclose(length, found.radius, rtol=1e-10)
    np.testing.assert_array_equal(nearby[~far], given_images[~far])
    if threshold == 0:
        others = np.delete(scores, found.predicted[0], axis=1)[0]
        assert scores[0, found.predicted[0]] >= others.max() - 1e-12


def test_every_rival_can_be_asked_for() -> None:
    model, given_images = network(), images(5)
    margins, found = PairMargins(model.layers()), solved(model, given_images)
    for rival in range(4):
        chosen = (found.predicted != rival) & np.isfinite(found.radii[:, rival])
        rivals = np.full(chosen.sum(), rival)
        nearby = nearest_points(margins, given_images[chosen], found.predicted[chosen], rivals)
        length = np.linalg.norm(nearby - given_images[chosen], axis=1)
        np.testing.assert_allclose(length, found.radii[chosen, rival], rtol=1e-10)


@pytest.mark.props
@given(data=st.data())
def test_any_network_of_one_layer_has_them(data: st.DataObject) -> None:
    shape = networks(max_depth=1, max_size=4).filter(lambda model: model.configuration.outputs > 1)
    model = data.draw(shape).double()
    given_images = data.draw(points(model.configuration.inputs))
    found = solved(model, given_images)
    assert not np.isnan(found.radii).any()
    assert (found.radii >= 0).all()
    reached = np.isfinite(found.radius) & (found.radius < 1e6)
    chosen = given_images[reached]
    nearby = nearest_points(
        PairMargins(model.layers()), chosen, found.predicted[reached], found.rivals[reached]
    )
    scores, rows = (
        logits(model, nearby) if reached.any() else np.zeros((0, 2)),
        np.arange(len(chosen)),
    )
    gap = scores[rows, found.predicted[reached]] - scores[rows, found.rivals[reached]]
    terms = [(1 + abs(nearby).max()) ** 2 * 1e3 if reached.any() else 1.0]
    assert (abs(gap) <= 1e-11 * max(terms)).all()


# Thresholds and other arguments


def test_radii_fall_as_the_threshold_rises() -> None:
    model, given_images = network(), images()
    before = np.full(len(given_images), np.inf)
    for threshold in (-1.0, -0.1, 0.0, 0.1, 1.0, 1000.0):
        now = solved(model, given_images, threshold).radius
        assert ((now < before) | (now == 0)).all()
        before = now
    assert (before == 0).all()


def test_an_image_of_another_class_has_no_distance_to_go() -> None:
    model, given_images = network(), images()
    classes = predictions(model, given_images)
    wrong = (classes + 1) % 4
    found = nearest(PairMargins(model.layers()), given_images, wrong)
    assert (found.radius == 0).all()
    rows = np.arange(len(wrong))
    assert (found.radii[rows, classes] == 0).all()
    assert (found.multipliers[rows, classes] == 0).all()


def test_the_class_itself_is_no_rival() -> None:
    found = solved(network(), images())
    rows = np.arange(len(found.predicted))
    assert (found.radii[rows, found.predicted] == np.inf).all()
    assert np.isnan(found.multipliers[rows, found.predicted]).all()
    assert np.isnan(found.multipliers).sum() == len(rows)


def test_a_class_that_no_other_reaches_is_at_an_infinite_distance() -> None:
    model = network(outputs=2)
    with torch.no_grad():
        model.blocks[0].down.weight.zero_()
        model.blocks[0].down.bias.copy_(torch.tensor([1.0, 0.0]))
    found = solved(model, images(3))
    assert (found.radius == np.inf).all()
    assert (found.multipliers[:, 1] == np.inf).all()
    np.testing.assert_array_equal(found.rivals, [1, 1, 1])
    with pytest.raises(ProofError, match="got one from which it never does"):
        nearest_points(PairMargins(model.layers()), images(3), found.predicted, found.rivals)


@pytest.mark.parametrize("turn", range(5))
def test_directions_that_are_flat_to_rounding_lead_nowhere(turn: int) -> None:
    basis = np.linalg.qr(np.random.default_rng(turn).normal(size=(5, 5)))[0]
    matrix = (basis * [0, 0, 0, 1, 3]) @ basis.T
    bowl = PairMargin(9.0, 2 * basis[:, 3], (matrix + matrix.T) / 2)
    assert (distances(bowl, images(4, 5)).radii == np.inf).all()
    slope = bowl.linear + 1e-9 * basis[:, 0]
    tilted = PairMargin(9.0, slope, bowl.matrix)
    assert np.isfinite(distances(tilted, images(4, 5)).radii).all()


@st.composite
def unlike_forms(draw: st.DrawFn) -> tuple[float, Doubles, Doubles]:
    """A slack, a gradient and eigenvalues from 1e-12 to 1e12, some of either not there."""
    size = draw(st.integers(1, 4))
    sizes = st.builds(math.ldexp, st.integers(-7, 7).map(float), st.integers(-40, 40))
    gradient, eigenvalues = (np.array([draw(sizes) for _ in range(size)]) for _ in range(2))
    return draw(st.sampled_from([1.0, 2.0**-20, 2.0**20])), gradient, eigenvalues


@pytest.mark.props
@given(form=unlike_forms())
@example(form=(1.0, np.zeros(3), np.array([1e10, 1.0, -1e-10])))
@example(form=(1.0, np.array([1e10, 0.0, 1e-8]), np.array([1e10, 1.0, 0.0])))
@example(form=(1.0, np.array([2.0, 0.0]), np.array([1.0, 1e-12])))
def test_eigenvalues_of_unlike_size_all_count(form: tuple[float, Doubles, Doubles]) -> None:
    slack, gradient, eigenvalues = form
    bowl = eigenvalues > 0
    used = (gradient[bowl] ** 2 / eigenvalues[bowl]).sum() / 4
    # Where a minimum lies at 0 up to rounding, whether it is reached is not known.
    assume(used == slack or abs(used - slack) > 1e-9 * slack)
    wanted = float(smallest_step(*form))
    margin = PairMargin(slack, gradient, np.diag(eigenvalues))
    found = distances(margin, np.zeros((1, len(gradient)))).radii[0]
    assert found == pytest.approx(wanted, rel=1e-6)


def test_the_oracle_of_unlike_eigenvalues_notices_one_that_is_dropped() -> None:
    eigenvalues = np.array([1e10, 1.0, -1e-10])
    assert float(smallest_step(1.0, np.zeros(3), eigenvalues)) == pytest.approx(1e5)
    dropped = PairMargin(1.0, np.zeros(3), np.diag(np.maximum(eigenvalues, 0)))
    assert distances(dropped, np.zeros((1, 3))).radii[0] == np.inf


def test_a_cone_is_as_far_as_its_tip_among_others_and_alone() -> None:
    cone = PairMargin(0.0, np.zeros(2), np.array([[0.5, 0.7], [0.7, 0.98]]))
    given_images = images(40, 2)
    together = distances(cone, given_images).radii
    tip = np.array([0.7, -0.5]) / np.linalg.norm([0.7, -0.5])
    wanted = np.linalg.norm(given_images - np.outer(given_images @ tip, tip), axis=1)
    np.testing.assert_allclose(together, wanted, rtol=1e-6)
    for image, radius in zip(given_images, together, strict=True):
        assert distances(cone, image[None]).radii[0] == pytest.approx(radius, rel=1e-6)


@pytest.mark.parametrize("entries", [1, 13, 1 << 30])
def test_how_many_images_are_solved_at_once_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, entries: int
) -> None:
    model, given_images = network(), images()
    wanted = solved(model, given_images)
    monkeypatch.setattr(trust_region, "_ENTRIES", entries)
    found = solved(model, given_images)
    np.testing.assert_allclose(found.radii, wanted.radii, rtol=1e-12)
    np.testing.assert_allclose(found.multipliers, wanted.multipliers, rtol=1e-12)


def test_float32_images_are_taken_as_they_are() -> None:
    model, given_images = network(), images().astype(np.float32)
    whole = given_images.astype(np.float64)
    np.testing.assert_array_equal(
        solved(model, whole).radii,
        nearest(PairMargins(model.layers()), given_images, predictions(model, whole)).radii,
    )


def test_no_images_have_no_distances() -> None:
    margins = PairMargins(network().layers())
    none, classes = np.zeros((0, 6)), np.zeros(0, int)
    assert nearest(margins, none, classes).radii.shape == (0, 4)
    assert nearest_points(margins, none, classes, classes).shape == (0, 6)
    assert distances(margins.between(0, 1), none).radii.shape == (0,)
    assert displacements(margins.between(0, 1), none).shape == (0, 6)


def test_pairs_come_in_both_orders() -> None:
    assert sorted(ordered_pairs(3)) == [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            {"predicted": np.array([0, 4])},
            ProofError,
            "expected predicted to be classes from 0 to 3, got 4",
        ),
        (
            {"predicted": np.array([0.0, 1.0])},
            ProofError,
            "expected predicted to be 2 integers, got float64 of shape (2,)",
        ),
        (
            {"predicted": np.array([0])},
            ProofError,
            "expected predicted to be 2 integers, got int64 of shape (1,)",
        ),
        (
            {"images": np.zeros((2, 5))},
            NumericError,
            "expected images to have shape (2, 6), got (2, 5)",
        ),
        (
            {"images": np.zeros((2, 6), int)},
            NumericError,
            "expected images to be float32 or float64, got int64",
        ),
        (
            {"images": np.full((2, 6), np.nan)},
            NumericError,
            "expected images to be finite, got nan at position (0, 0)",
        ),
        (
            {"images": np.full((2, 6), 1e200)},
            ProofError,
            "expected images at which margins stay within the range of float64, got larger margins",
        ),
        (
            {"threshold": math.nan},
            ProofError,
            "expected threshold to be a finite number, got nan",
        ),
    ],
)
def test_what_does_not_fit_is_refused(
    change: dict[str, Any], error: type[Exception], message: str
) -> None:
    arguments = {"images": np.zeros((2, 6)), "predicted": np.array([0, 1])} | change
    with pytest.raises(error) as caught:
        nearest(PairMargins(network().layers()), **arguments)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("rivals", "message"),
    [
        ([1, 1], "expected rivals to be other classes than predicted, got an equal one"),
        ([1, 9], "expected rivals to be classes from 0 to 3, got 9"),
    ],
)
def test_rivals_that_are_none_are_refused(rivals: list[int], message: str) -> None:
    margins = PairMargins(network().layers())
    with pytest.raises(ProofError) as caught:
        nearest_points(margins, np.zeros((2, 6)), np.array([0, 1]), np.array(rivals))
    assert str(caught.value) == message
