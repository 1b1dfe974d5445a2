"""The nearest class of few images, held against the decompositions of all pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from numeric import BilinearNetwork, Layer
from numeric.networks.inference import predictions
from proofs.errors import ProofError
from proofs.robustness import few_images
from proofs.robustness.few_images import nearest_class
from proofs.robustness.pairs import PairMargins
from proofs.robustness.trust_region import nearest
from tests.strategies import few, networks_with_points

Doubles = npt.NDArray[np.float64]


def network(scale: float = 1.0, **shape: Any) -> BilinearNetwork:
    made = BilinearNetwork(**({"inputs": 60, "outputs": 5, "depth": 1, "hidden": 8} | shape))
    with_scale = {name: value * scale for name, value in made.state_dict().items()}
    made.load_state_dict(with_scale)
    return made.double()


def images(count: int = 12, inputs: int = 60) -> Doubles:
    return np.random.default_rng(1).normal(size=(count, inputs))


def layer(left: Any, right: Any, down: Any, linear: Any) -> list[Layer]:
    return [Layer(*(np.array(array, dtype=np.float64) for array in (left, right, down, linear)))]


# Against decompositions


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("threshold", [0.0, 0.05, -0.5])
def test_it_is_what_decompositions_find_and_nothing_is_decomposed(
    scale: float, threshold: float
) -> None:
    model, given_images = network(scale), images()
    margins, classes = PairMargins(model.layers()), predictions(model, given_images)
    found = nearest_class(margins, given_images, classes, threshold=threshold)
    decomposed = len(margins._margins)
    wanted = nearest(margins, given_images, classes, threshold=threshold)
    np.testing.assert_allclose(found.radius, wanted.radius, rtol=1e-10)
    np.testing.assert_array_equal(found.rivals, wanted.rivals)
    assert decomposed <= 1


def test_many_images_are_handed_to_decompositions() -> None:
    model = network(inputs=20)
    margins, given_images = PairMargins(model.layers()), images(400, 20)
    classes = predictions(model, given_images)
    found = nearest_class(margins, given_images, classes)
    assert len(margins._margins) == 10
    wanted = nearest(margins, given_images, classes)
    np.testing.assert_array_equal(found.radius, wanted.radius)
    np.testing.assert_array_equal(found.rivals, wanted.rivals)


@pytest.mark.parametrize("power", [-300, -40, 40, 300])
def test_numbers_far_from_one_are_as_exact(power: int) -> None:
    model, given_images = network(), images()
    layers = [array.copy() for array in model.layers()[0]]
    for place in (2, 3):
        layers[place][1:] = np.ldexp(layers[place][1:], power)
    margins, classes = PairMargins([Layer(*layers)]), predictions(model, given_images)
    found = nearest_class(margins, given_images, classes)
    wanted = nearest(margins, given_images, classes)
    np.testing.assert_allclose(found.radius, wanted.radius, rtol=1e-10)


# Where a Krylov space does not see what counts


def saddle(slope: float) -> list[Layer]:
    """Over the other class the first leads by 1 + slope x - 4 y², which falls along y alone."""
    square = [[0, 0, 1]]
    return layer(square, square, [[0], [-4], [0]], [[1, 0, 0], [1, slope, 0], [0, 0, 0]])


@pytest.mark.parametrize("slope", [0.0, 0.25])
def test_in_the_hard_case_the_pair_is_decomposed(
    monkeypatch: pytest.MonkeyPatch, slope: float
) -> None:
    monkeypatch.setattr(few_images, "_are_few", lambda *_: True)
    margins, own = PairMargins(saddle(slope)), np.array([0])
    found = nearest_class(margins, np.zeros((1, 2)), own)
    assert len(margins._margins) == 1
    # 1 + slope x - 4 y² = 0 nearest to 0: x = -slope / 8.
    wanted = np.hypot(slope / 8, np.sqrt(1 - slope**2 / 8) / 2)
    assert found.radius[0] == pytest.approx(wanted, rel=1e-12)
    np.testing.assert_array_equal(found.rivals, [1])


def test_without_a_proof_of_the_eigenvalues_too_much_would_be_claimed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(few_images, "_are_few", lambda *_: True)
    none = np.zeros(2)
    monkeypatch.setattr(few_images, "eigenvalue_bounds", lambda *_: (none, none))
    found = nearest_class(PairMargins(saddle(0.25)), np.zeros((1, 2)), np.array([0]))
    assert found.radius[0] == pytest.approx(4.0)


@pytest.mark.parametrize("spaces", [(1,), (2, 4), (8, 14, 22, 32, 48)])
def test_how_large_spaces_are_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, spaces: tuple[int, ...]
) -> None:
    model, given_images = network(3.0), images()
    margins, classes = PairMargins(model.layers()), predictions(model, given_images)
    monkeypatch.setattr(few_images, "_SIZES", spaces)
    found = nearest_class(margins, given_images, classes)
    np.testing.assert_allclose(found.radius, nearest(margins, given_images, classes).radius)


def test_what_no_other_class_reaches_is_infinitely_far(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(few_images, "_are_few", lambda *_: True)
    square = [[0, 1.0, 0]]
    bowl = layer(square, square, [[0], [1], [0]], [[1, 0, 0], [1, 0.5, 0], [0, 0, 0]])
    found = nearest_class(PairMargins(bowl), np.zeros((2, 2)), np.array([0, 1]))
    np.testing.assert_array_equal(found.radius, [np.inf, 0])
    np.testing.assert_array_equal(found.rivals, [1, 0])


# Any network


@st.composite
def odd_layers(draw: st.DrawFn) -> tuple[list[Layer], Doubles]:
    """Few distinct numbers: zero forms, equal eigenvalues, repeated neurons, width 1."""
    neurons, inputs = draw(st.integers(0, 4)), draw(st.integers(1, 5))
    classes, count = draw(st.integers(2, 4)), draw(st.integers(1, 3))

    def array(*shape: int) -> Doubles:
        size = int(np.prod(shape))
        return np.array(draw(st.lists(few(), min_size=size, max_size=size))).reshape(shape)

    down, linear = array(classes + 1, neurons), array(classes + 1, inputs + 1)
    down[0], linear[0] = 0, np.eye(inputs + 1)[0]
    power = draw(st.sampled_from([0, 0, -60, 60]))
    arrays = array(neurons, inputs + 1), array(neurons, inputs + 1), np.ldexp(down, power), linear
    return layer(*arrays), array(count, inputs)


def are_clear(margins: PairMargins, image: Doubles, own: int) -> bool:
    """Whether all margins at an image are more than what decompositions, which turn, make of 0."""
    size = np.linalg.norm(image)
    for rival in {*range(margins.classes)} - {own}:
        margin = margins.between(own, rival)
        linear, matrix = np.linalg.norm(margin.linear), np.linalg.norm(margin.matrix)
        terms = abs(margin.constant) + linear * size + matrix * size**2
        if abs(margin.value(image[None])[0]) <= 1e-9 * terms:
            return False
    return True


def agree(layers: list[Layer], given_images: Doubles, classes: npt.NDArray[np.int64]) -> None:
    margins = PairMargins(layers)
    clear = [are_clear(margins, *each) for each in zip(given_images, classes.tolist(), strict=True)]
    wanted = nearest(margins, given_images, classes).radius
    found = nearest_class(PairMargins(layers), given_images, classes).radius
    np.testing.assert_allclose(found[clear], wanted[clear], rtol=1e-6)


@pytest.mark.props
@given(drawn=odd_layers(), data=st.data())
def test_odd_layers_have_the_distances_that_decompositions_find(
    drawn: tuple[list[Layer], Doubles], data: st.DataObject
) -> None:
    layers, given_images = drawn
    labels = st.lists(
        st.integers(0, len(layers[0].linear) - 2),
        min_size=len(given_images),
        max_size=len(given_images),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(few_images, "_are_few", lambda *_: True)
        agree(layers, given_images, np.array(data.draw(labels)))


@pytest.mark.props
@given(drawn=networks_with_points(max_depth=1))
def test_networks_have_the_distances_that_decompositions_find(drawn: Any) -> None:
    model, given_images = drawn[0].double(), drawn[1].astype(np.float64)
    assume(model.configuration.outputs > 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(few_images, "_are_few", lambda *_: True)
        agree(model.layers(), given_images, predictions(model, given_images))


# Arguments


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"predicted": np.array([0, 9])}, "expected predicted to be classes from 0 to 4, got 9"),
        ({"threshold": np.nan}, "expected threshold to be a finite number, got nan"),
        (
            {"images": np.full((2, 60), 1e200)},
            "expected images at which margins stay within the range of float64, got larger margins",
        ),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, Any], message: str) -> None:
    arguments = {"images": np.zeros((2, 60)), "predicted": np.array([0, 1])} | change
    with pytest.raises(ProofError) as caught:
        nearest_class(PairMargins(network().layers()), **arguments)
    assert str(caught.value) == message


def test_no_images_have_no_distances() -> None:
    margins = PairMargins(network().layers())
    found = nearest_class(margins, np.zeros((0, 60)), np.zeros(0, int))
    assert found.radius.shape == found.rivals.shape == (0,)
