"""Adversarial directions: eigenvectors of margins, and exact distances along any line."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from numeric import BilinearNetwork, NumericError
from numeric.networks.inference import logits, predictions
from proofs.errors import ProofError
from proofs.robustness.directions import (
    Direction,
    EffectTable,
    Reach,
    _smallest_roots,
    adversarial_directions,
    crossings,
    effects,
)
from proofs.robustness.pairs import PairMargin, PairMargins
from proofs.robustness.trust_region import Robustness, nearest, nearest_points, ordered_pairs
from tests.strategies import networks, points, wild

Doubles = npt.NDArray[np.float64]


def network(**shape: Any) -> BilinearNetwork:
    torch.manual_seed(0)
    made = BilinearNetwork(**({"inputs": 6, "outputs": 4, "depth": 1, "hidden": 8} | shape))
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.mul_(3)
    return made.double()


def images(count: int = 20, inputs: int = 6) -> Doubles:
    return np.random.default_rng(1).normal(size=(count, inputs))


def lines(count: int = 5, inputs: int = 6) -> Doubles:
    drawn = np.random.default_rng(2).normal(size=(count, inputs))
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True))


def quadratics(*matrices: Any, linear: Any = None) -> PairMargins:
    """Return margins of class 0, whose logit is 1, over rivals with given forms."""
    inputs = len(matrices[0])
    made = PairMargins(BilinearNetwork(inputs, 1 + len(matrices), depth=1, hidden=1).layers())
    slope = np.zeros(inputs) if linear is None else np.array(linear, float)
    for rival, matrix in enumerate(matrices, start=1):
        made._margins[0, rival] = PairMargin(1.0, slope, np.array(matrix, float))
        for other in range(rival + 1, made.classes):
            made._margins[rival, other] = PairMargin(0.0, slope, np.zeros((inputs, inputs)))
    return made


def classes_of(given_images: Doubles, label: int = 0) -> npt.NDArray[np.int64]:
    return np.full(len(given_images), label)


# Directions


@pytest.mark.props
@given(data=st.data())
def test_a_direction_is_an_eigenvector_of_a_negative_eigenvalue(data: st.DataObject) -> None:
    model = data.draw(single_layers())
    margins = PairMargins(model.layers())
    for found in adversarial_directions(margins, count=2):
        margin = margins.between(found.predicted, found.rival)
        size = 1e-12 * abs(margin.matrix).max()
        np.testing.assert_allclose(
            margin.matrix @ found.vector, found.eigenvalue * found.vector, atol=10 * size
        )
        assert found.eigenvalue < 0
        assert np.linalg.norm(found.vector) == pytest.approx(1, rel=1e-12)
        assert found.vector[abs(found.vector).argmax()] > 0
        # Turned a little, a vector leaves its eigenspace or stays within one of several dimensions.
        others = abs(margin.eigenvalues - found.eigenvalue) > 1e-3 * abs(margin.matrix).max()
        if others.any():
            turned = found.vector + 0.01 * margin.eigenvectors[:, others][:, 0]
            left = margin.matrix @ turned - found.eigenvalue * turned
            assert abs(left).max() > 10 * size


def single_layers() -> st.SearchStrategy[BilinearNetwork]:
    """Networks of one layer and several classes, in float64."""
    return (
        networks(max_depth=1, max_size=4)
        .filter(lambda model: model.configuration.outputs > 1)
        .map(lambda model: model.double())
    )


def test_the_most_negative_come_first_for_every_ordered_pair() -> None:
    margins = PairMargins(network().layers())
    found = adversarial_directions(margins, count=3)
    for own, rival in ordered_pairs(4):
        values = [x.eigenvalue for x in found if (x.predicted, x.rival) == (own, rival)]
        expected = np.linalg.eigvalsh(margins.between(own, rival).matrix)
        expected = expected[expected < -1e-12][:3]
        np.testing.assert_allclose(values, expected, rtol=1e-12)
    assert [(x.predicted, x.rival) for x in adversarial_directions(margins)] == [*ordered_pairs(4)]


def test_no_direction_is_more_curved_than_the_first() -> None:
    margins = PairMargins(network().layers())
    for found in adversarial_directions(margins):
        matrix = margins.between(found.predicted, found.rival).matrix
        curvatures = np.einsum("ki,ij,kj->k", lines(2000), matrix, lines(2000))
        assert (curvatures >= found.eigenvalue).all()
        assert (curvatures < found.eigenvalue / 2).any()


@pytest.mark.parametrize(
    ("matrix", "count", "values"),
    [
        (np.diag([1.0, 0, 2]), 3, []),
        (np.zeros((3, 3)), 3, []),
        (np.diag([-1.0, -3, 2]), 1, [-3.0]),
        (np.diag([-1.0, -3, 2]), 3, [-3.0, -1.0]),
        (-np.eye(3), 9, [-1.0, -1.0, -1.0]),
        ([[1.0, 1, 1], [1, 1, 1], [1, 1, 1]], 3, []),
        (np.diag([1e-300, -1e-300, -1e-320]), 3, [-1e-300]),
    ],
)
def test_there_are_as_many_as_eigenvalues_are_negative_beyond_rounding(
    matrix: Any, count: int, values: list[float]
) -> None:
    found = adversarial_directions(quadratics(matrix), count=count)
    assert [x.eigenvalue for x in found if x.predicted == 0] == pytest.approx(values, rel=1e-9)


@pytest.mark.parametrize("count", [0, 1.5, True])
def test_a_count_that_is_none_is_refused(count: Any) -> None:
    with pytest.raises(NumericError, match="expected count to be an integer of at least 1"):
        adversarial_directions(quadratics(np.eye(2)), count=count)


@pytest.mark.parametrize("shape", [{"depth": 2}, {"depth": 2, "embedding": True}, {"depth": 3}])
def test_deeper_networks_have_no_margins_to_take_directions_from(shape: dict[str, Any]) -> None:
    model = BilinearNetwork(3, 2, width=2, hidden=2, **shape)
    with pytest.raises(ProofError, match="expected layers of which at most one has neurons, got "):
        adversarial_directions(PairMargins(model.layers()))


# Distances along lines


def scanned(model: BilinearNetwork, image: Doubles, line: Doubles, grid: Doubles) -> float:
    """Return the first step of a grid at which a network predicts another class."""
    before = predictions(model, image[None])[0]
    for step in grid:
        both = image + np.array([[step], [-step]]) * line
        if (predictions(model, both) != before).any():
            return float(step)
    return math.inf


def disagreements(margins: PairMargins, model: BilinearNetwork) -> int:
    """Count the lines on which a scan of the network's own predictions finds another distance."""
    grid = np.arange(1, 401) * 0.01
    given_images, directions = images(6), lines(4)
    found = crossings(margins, given_images, predictions(model, given_images), directions)
    wrong = 0
    for image, row in zip(given_images, found.lengths, strict=True):
        for line, length in zip(directions, row, strict=True):
            wanted = scanned(model, image, line, grid)
            near = wanted - 0.01 - 1e-9 <= length <= wanted + 1e-9
            wrong += not (near if math.isfinite(wanted) else length > grid[-1] - 1e-9)
    return wrong


@pytest.mark.parametrize("residual", [False, True])
def test_a_scan_of_the_predictions_finds_the_same_distances(residual: bool) -> None:
    model = network(residual=residual)
    assert disagreements(PairMargins(model.layers()), model) == 0


@pytest.mark.parametrize("part", ["constant", "linear", "matrix"])
@pytest.mark.parametrize("factor", [0.8, -1.0])
def test_the_scan_notices_another_margin(part: str, factor: float) -> None:
    model = network()
    margins = PairMargins(model.layers())
    for own, rival in ordered_pairs(4):
        if own < rival:
            right = margins.between(own, rival)
            parts = {name: getattr(right, name) for name in ("constant", "linear", "matrix")}
            changed = PairMargin(**(parts | {part: parts[part] * factor}))
            margins._margins[own, rival] = changed
    assert disagreements(margins, model) > 0


@pytest.mark.props
@given(data=st.data())
def test_there_two_logits_are_equal_and_nearer_none_are(data: st.DataObject) -> None:
    model = data.draw(single_layers())
    given_images = data.draw(points(model.configuration.inputs))
    directions = data.draw(points(model.configuration.inputs, count=2))
    predicted = predictions(model, given_images)
    found = crossings(PairMargins(model.layers()), given_images, predicted, directions)
    assert ((found.classes == -1) == np.isinf(found.lengths)).all()
    assert (found.classes != predicted[:, None]).all()
    for (row, column), length in np.ndenumerate(found.lengths):
        step = length if length < 1e6 else 100.0
        shares = np.linspace(0, 1, 21)
        for sign in (1, -1):
            inside = given_images[row] + np.outer(sign * shares * step, directions[column])
            leads = lead(model, inside, predicted[row])
            assert (leads >= -1e-11 * sizes(model, inside)).all()
        if length < 1e6:
            ends = given_images[row] + np.outer([length, -length], directions[column])
            rival = found.classes[row, column]
            scores = logits(model, ends)
            gaps = abs(scores[:, predicted[row]] - scores[:, rival])
            # Where the margin only just gets there, it does so to half of all digits.
            assert (gaps <= 1e-7 * sizes(model, ends)).any()


def lead(model: BilinearNetwork, given_images: Doubles, label: int) -> Doubles:
    scores = logits(model, given_images)
    return np.asarray(scores[:, label] - np.delete(scores, label, axis=1).max(axis=1))


def sizes(model: BilinearNetwork, given_images: Doubles) -> Doubles:
    """Return what the logits' rounding is relative to."""
    left, right, down, linear = map(abs, model.layers()[0])
    states = abs(np.hstack([np.ones((len(given_images), 1)), given_images]))
    outputs = ((states @ left.T) * (states @ right.T)) @ down.T + states @ linear.T
    return np.asarray(outputs.max(axis=1))


@pytest.mark.props
@given(data=st.data())
def test_no_line_is_shorter_than_the_exact_radius(data: st.DataObject) -> None:
    model = data.draw(single_layers())
    margins = PairMargins(model.layers())
    given_images = data.draw(points(margins.inputs))
    found = nearest(margins, given_images, predictions(model, given_images))
    along = crossings(margins, given_images, found.predicted, lines(4, margins.inputs))
    shortest = np.minimum(found.radius[:, None], 1e6)
    assert (along.lengths >= shortest * (1 - 1e-6) - 1e-7).all()


def test_the_line_to_the_nearest_point_is_as_short() -> None:
    model = network()
    margins, given_images = PairMargins(model.layers()), images()
    found = nearest(margins, given_images, predictions(model, given_images))
    steps = nearest_points(margins, given_images, found.predicted, found.rivals) - given_images
    for row, step in enumerate(steps):
        unit = step[None] / found.radius[row]
        single = slice(row, row + 1)
        along = crossings(margins, given_images[single], found.predicted[single], unit)
        assert along.lengths[0, 0] == pytest.approx(found.radius[row], rel=1e-9)
        assert along.classes[0, 0] == found.rivals[row]
        # A tenth of it off the way, the line is longer.
        aside = crossings(
            margins, given_images[single], found.predicted[single], unit + 0.1 * lines(1)
        )
        size = np.linalg.norm(unit + 0.1 * lines(1))
        assert aside.lengths[0, 0] * size > found.radius[row] * (1 + 1e-6)


# Closed forms


@pytest.mark.parametrize(
    ("matrix", "linear", "direction", "length"),
    [
        (-np.eye(2), [0, 0], [1, 0], 1.0),
        (-np.eye(2), [0, 0], [0, 2], 0.5),
        (-np.eye(2) / 4, [0, 0], [3, 4], 0.4),
        (np.zeros((2, 2)), [4, 0], [1, 0], 0.25),
        (np.zeros((2, 2)), [-4, 0], [1, 0], 0.25),
        (np.zeros((2, 2)), [4, 0], [0, 1], math.inf),
        (np.eye(2), [2, 0], [1, 0], 1.0),
        (np.eye(2), [1.999, 0], [1, 0], math.inf),
        (np.eye(2), [2.5, 0], [1, 0], 0.5),
        (np.diag([-2.0, 1]), [1, 0], [1, 0], 0.5),
        (np.diag([-2.0, 1]), [-1, 0], [1, 0], 0.5),
        (np.diag([-2.0, 1]), [1, 0], [0, 1], math.inf),
        (-np.eye(2), [0, 0], [0, 0], math.inf),
        # The form is zero along (7, -5), but only to rounding.
        (-np.array([[0.5, 0.7], [0.7, 0.98]]), [0, 0], [0.7, -0.5], math.inf),
    ],
)
def test_simple_lengths_are_exact(
    matrix: Any, linear: list[float], direction: list[float], length: float
) -> None:
    margins, origin = quadratics(matrix, linear=linear), np.zeros((1, 2))
    found = crossings(margins, origin, classes_of(origin), np.array([direction], float))
    assert found.lengths[0, 0] == pytest.approx(length, rel=1e-12)
    assert found.classes[0, 0] == (1 if math.isfinite(length) else -1)


@pytest.mark.parametrize("turn", range(5))
def test_directions_that_are_flat_to_rounding_lead_nowhere(turn: int) -> None:
    basis = np.linalg.qr(np.random.default_rng(turn).normal(size=(6, 6)))[0]
    form = -(basis[:, :3] @ basis[:, :3].T)
    margins = quadratics((form + form.T) / 2, linear=basis[:, 0])
    # Far from the origin: there the slope along them would be the linear part's alone.
    given_images = 1000 * images(4) @ basis[:, 3:] @ basis[:, 3:].T
    flat = basis[:, 3:].T
    found = crossings(margins, given_images, classes_of(given_images), flat)
    assert (found.lengths == np.inf).all()
    tilted = crossings(margins, given_images, classes_of(given_images), flat + 1e-9 * basis[:, 0])
    np.testing.assert_allclose(tilted.lengths, 1e9, rtol=1e-3)


def test_the_first_of_several_rivals_counts() -> None:
    margins = quadratics(-np.diag([1.0, 9]), -np.diag([4.0, 1]))
    origin = np.zeros((1, 2))
    found = crossings(margins, origin, classes_of(origin), np.eye(2))
    np.testing.assert_allclose(found.lengths, [[1 / 2, 1 / 3]])
    np.testing.assert_array_equal(found.classes, [[2, 1]])


def test_backwards_counts_as_forwards() -> None:
    model = network()
    margins, given_images = PairMargins(model.layers()), images()
    predicted = predictions(model, given_images)
    forwards = crossings(margins, given_images, predicted, lines())
    backwards = crossings(margins, given_images, predicted, -2 * lines())
    np.testing.assert_allclose(forwards.lengths, 2 * backwards.lengths, rtol=1e-12)
    np.testing.assert_array_equal(forwards.classes, backwards.classes)
    # Both ways are needed: each is the shorter for some.
    steps = forwards.lengths[:, :1] * (1 + 1e-9) * lines(1)
    ahead = predictions(model, given_images + steps) != predicted
    behind = predictions(model, given_images - steps) != predicted
    assert (ahead | behind).all()
    assert 0 < ahead.sum() < len(ahead)


def test_an_image_of_another_class_is_there_already() -> None:
    model = network()
    given_images = images(4)
    classes = predictions(model, given_images)
    found = crossings(PairMargins(model.layers()), given_images, (classes + 1) % 4, lines())
    assert (found.lengths == 0).all()
    assert (found.classes >= 0).all()


def exact_root(slack: float, slope: float, curvature: float) -> Decimal | None:
    """Return the smallest root to many digits; nothing where there is none."""
    m, b, c = map(Decimal, (slack, abs(slope), curvature))
    under = b * b - 4 * c * m
    if under < 0 or (b == 0 and c >= 0):
        return None
    return 2 * m / (b + under.sqrt())


@pytest.mark.props
@given(slack=wild(), slope=wild(), curvature=wild())
def test_roots_of_any_finite_numbers_are_those_of_exact_arithmetic(
    slack: float, slope: float, curvature: float
) -> None:
    assume(slack > 0)
    found = _smallest_roots(np.array([slack]), np.array([slope]), np.array([curvature]))[0]
    with localcontext(prec=60, Emax=10**6, Emin=-(10**6)):
        root = exact_root(slack, slope, curvature)
        # Where two roots nearly meet, half of the digits are lost.
        under = Decimal(slope) ** 2 - 4 * Decimal(curvature) * Decimal(slack)
        meeting = curvature > 0 and abs(under) < Decimal("1e-6") * Decimal(slope) ** 2
        if root is None:
            assert found == math.inf or meeting
        elif root < Decimal("1e-307"):
            assert found < 1.1e-307
        elif root > Decimal("1e307"):
            assert found > 0.9e307
        elif not meeting:
            assert found == pytest.approx(float(root), rel=1e-13)
            assert abs(Decimal(float(found)) / root - 1) < Decimal("1e-13")


@pytest.mark.parametrize("power", [-300, -150, 0, 150, 300])
def test_units_change_nothing(power: int) -> None:
    unit = 10.0**power
    margin = PairMargin(unit, np.array([unit, 0]), -unit * np.eye(2))
    margins = quadratics(np.zeros((2, 2)))
    margins._margins[0, 1] = margin
    found = crossings(margins, np.zeros((1, 2)), np.array([0]), np.eye(2)).lengths
    np.testing.assert_allclose(found, [[(5**0.5 - 1) / 2, 1]], rtol=1e-14)


# Effects


def measured(
    model: BilinearNetwork, given_images: Doubles, lengths: tuple[float, ...] = (0.1, 0.5, 2.0)
) -> EffectTable:
    margins = PairMargins(model.layers())
    found = nearest(margins, given_images, predictions(model, given_images))
    return effects(
        margins,
        given_images,
        found,
        adversarial_directions(margins, count=2),
        lengths=lengths,
        generator=np.random.default_rng(0),
    )


def test_an_effect_is_counted_on_the_images_of_its_class() -> None:
    model, given_images = network(), images(60)
    predicted = predictions(model, given_images)
    margins = PairMargins(model.layers())
    radius = nearest(margins, given_images, predicted).radius
    drawn = iter(np.random.default_rng(0).normal(size=(24, 6)))
    table = measured(model, given_images)
    assert table.lengths == (0.1, 0.5, 2.0)
    found = {id(effect.direction): effect for effect in table.effects}
    assert len(found) == 24
    directions = adversarial_directions(margins, count=2)
    by_class = sorted(directions, key=lambda direction: direction.predicted)
    randoms = {id(one): next(drawn) for one in directions}
    for effect, direction in zip(table.effects, by_class, strict=True):
        assert effect.direction.predicted == direction.predicted
        assert effect.direction.rival == direction.rival
        np.testing.assert_array_equal(effect.direction.vector, direction.vector)
        own = predicted == direction.predicted
        assert effect.images == own.sum()
        vectors = np.stack([direction.vector, randoms[id(direction)]])
        ends = crossings(margins, given_images[own], predicted[own], vectors)
        along = ends.lengths[:, 0]
        random = ends.lengths[:, 1] * np.linalg.norm(vectors[1])
        pairs = ((effect.along, along), (effect.random, random), (effect.nearest, radius[own]))
        for reach, wanted in pairs:
            assert reach.median == pytest.approx(np.median(wanted), rel=1e-12)
            shares = [(wanted <= length).mean() for length in (0.1, 0.5, 2.0)]
            assert reach.shares == pytest.approx(shares)
        assert effect.to_rival == (ends.classes[:, 0] == direction.rival).mean()


def test_no_direction_does_more_than_the_nearest_points() -> None:
    for effect in measured(network(), images(60), lengths=(0.0, 0.2, 0.4, 0.8, 1.6)).effects:
        for reach in (effect.along, effect.random):
            assert reach.median >= effect.nearest.median
            for share, most in zip(reach.shares, effect.nearest.shares, strict=True):
                assert 0 <= share <= most
            assert list(reach.shares) == sorted(reach.shares)


def test_where_one_direction_does_everything_a_random_one_does_little() -> None:
    inputs = 100
    margins = quadratics(np.diag([-1.0] + [0.0] * (inputs - 1)))
    given_images = 0.01 * images(50, inputs)
    found = nearest(margins, given_images, classes_of(given_images))
    directions = adversarial_directions(margins)
    assert [(x.predicted, x.rival) for x in directions] == [(0, 1)]
    (effect,) = effects(
        margins,
        given_images,
        found,
        directions,
        lengths=[1.1],
        generator=np.random.default_rng(0),
    ).effects
    assert effect.along.median == pytest.approx(effect.nearest.median, rel=1e-9)
    assert effect.random.median > 4 * effect.along.median
    assert (effect.along.shares, effect.random.shares) == ((1.0,), (0.0,))
    assert effect.to_rival == 1
    # A random direction that is called adversarial is none.
    drawn = Direction(0, 1, -1.0, lines(1, inputs)[0])
    (fake,) = effects(
        margins, given_images, found, [drawn], lengths=[1.1], generator=np.random.default_rng(0)
    ).effects
    assert fake.along.shares == (0.0,)


def test_the_generator_draws_the_random_directions_and_nothing_else() -> None:
    model = network()
    assert measured(model, images()).lengths == measured(model, images()).lengths
    first, again = (measured(model, images()).effects for _ in range(2))
    for one, other in zip(first, again, strict=True):
        assert (one.along, one.random, one.nearest) == (other.along, other.random, other.nearest)
    margins = PairMargins(model.layers())
    found = nearest(margins, images(), predictions(model, images()))
    other_table = effects(
        margins,
        images(),
        found,
        adversarial_directions(margins, count=2),
        lengths=(0.1, 0.5, 2.0),
        generator=np.random.default_rng(1),
    )
    for one, other in zip(first, other_table.effects, strict=True):
        assert one.along == other.along
        assert one.random != other.random


def test_a_class_that_is_never_predicted_has_no_effects() -> None:
    model, given_images = network(), images()
    own = predictions(model, given_images) == 1
    found = measured(model, given_images[own]).effects
    assert {effect.direction.predicted for effect in found} == {1}
    nobody = Robustness(np.zeros(0, int), np.zeros((0, 4)), np.zeros((0, 4)))
    margins = PairMargins(model.layers())
    table = effects(
        margins,
        given_images[:0],
        nobody,
        adversarial_directions(margins),
        lengths=[1.0],
        generator=np.random.default_rng(0),
    )
    assert table.effects == ()


def test_a_class_of_no_directions_has_no_effects() -> None:
    margins, given_images = quadratics(np.diag([-1.0, 1])), np.zeros((2, 2))
    found = nearest(margins, given_images, np.array([0, 1]))
    (effect,) = effects(
        margins,
        given_images,
        found,
        [Direction(0, 1, -1.0, np.array([1.0, 0]))],
        lengths=[],
        generator=np.random.default_rng(0),
    ).effects
    assert (effect.images, effect.along) == (1, Reach(1.0, ()))


def test_a_length_counts_to_its_end_and_one_that_is_never_gone_is_infinite() -> None:
    margins = quadratics(np.diag([-1.0, 1]))
    given_images = np.zeros((3, 2))
    found = nearest(margins, given_images, classes_of(given_images))
    ahead, aside = effects(
        margins,
        given_images,
        found,
        [Direction(0, 1, -1.0, np.array([1.0, 0])), Direction(0, 1, 1.0, np.array([0.0, 1]))],
        lengths=[np.nextafter(1.0, 0), 1.0, 1e9],
        generator=np.random.default_rng(0),
    ).effects
    assert (ahead.along.median, ahead.along.shares, ahead.to_rival) == (1, (0, 1, 1), 1)
    assert (aside.along.median, aside.along.shares, aside.to_rival) == (math.inf, (0, 0, 0), 0)
    assert ahead.nearest.median == aside.nearest.median == 1


# Arguments


def test_float32_is_taken_as_it_is() -> None:
    model = network()
    margins, given_images = PairMargins(model.layers()), images().astype(np.float32)
    directions = lines().astype(np.float32)
    classes = predictions(model, given_images.astype(np.float64))
    np.testing.assert_array_equal(
        crossings(margins, given_images, classes, directions).lengths,
        crossings(margins, given_images.astype(float), classes, directions.astype(float)).lengths,
    )


def test_nothing_along_nothing_is_nothing() -> None:
    margins = PairMargins(network().layers())
    none = np.zeros((0, 6))
    assert crossings(margins, images(3), classes_of(images(3)), none).lengths.shape == (3, 0)
    assert crossings(margins, none, np.zeros(0, int), lines(2)).classes.shape == (0, 2)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            {"directions": np.zeros(6)},
            ProofError,
            "expected directions of shape (directions, 6), got (6,)",
        ),
        (
            {"directions": np.zeros((2, 5))},
            NumericError,
            "expected directions to have shape (2, 6), got (2, 5)",
        ),
        (
            {"directions": np.full((1, 6), np.inf)},
            NumericError,
            "expected directions to be finite, got inf at position (0, 0)",
        ),
        (
            {"directions": np.full((1, 6), 1e200)},
            ProofError,
            "expected images at which margins stay within the range of float64, got larger margins",
        ),
        (
            {"images": np.zeros((1, 6), int)},
            NumericError,
            "expected images to be float32 or float64, got int64",
        ),
        (
            {"predicted": np.array([4])},
            ProofError,
            "expected predicted to be classes from 0 to 3, got 4",
        ),
    ],
)
def test_lines_that_do_not_fit_are_refused(
    change: dict[str, Any], error: type[Exception], message: str
) -> None:
    arguments = {"images": np.zeros((1, 6)), "predicted": np.array([0]), "directions": lines()}
    with pytest.raises(error) as caught:
        crossings(PairMargins(network().layers()), **(arguments | change))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lengths": [-1.0]}, "expected lengths to be finite and not negative, got -1.0"),
        ({"lengths": [math.nan]}, "expected lengths to be finite and not negative, got nan"),
        ({"lengths": [math.inf]}, "expected lengths to be finite and not negative, got inf"),
        (
            {"robustness": Robustness(np.array([0]), np.zeros((1, 3)), np.zeros((1, 3)))},
            "expected radii of robustness to have shape (1, 4), got (1, 3)",
        ),
        (
            {"robustness": Robustness(np.array([0, 1]), np.zeros((2, 4)), np.zeros((2, 4)))},
            "expected predicted to be 1 integers, got int64 of shape (2,)",
        ),
        (
            {"directions": [Direction(0, 1, -1.0, np.zeros(5))]},
            "expected directions of shape (6,), got (5,)",
        ),
        (
            {"directions": [Direction(0, 4, -1.0, np.zeros(6))]},
            "expected directions between classes from 0 to 3, got one from 0 to 4",
        ),
        (
            {"directions": [Direction(-1, 0, -1.0, np.zeros(6))]},
            "expected directions between classes from 0 to 3, got one from -1 to 0",
        ),
    ],
)
def test_effects_of_what_does_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {
        "images": np.zeros((1, 6)),
        "robustness": Robustness(np.array([0]), np.zeros((1, 4)), np.zeros((1, 4))),
        "directions": [],
        "lengths": [1.0],
        "generator": np.random.default_rng(0),
    }
    with pytest.raises(ProofError) as caught:
        effects(PairMargins(network().layers()), **(arguments | change))
    assert str(caught.value) == message
