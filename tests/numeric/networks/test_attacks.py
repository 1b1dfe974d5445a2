"""Attacks: what they return is misclassified, and for linear modules it is the nearest there is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from numeric import BilinearNetwork, NumericError, rewrite, trace
from numeric.networks import attack_searches as searches_module
from numeric.networks import attacks as attacks_module
from numeric.networks.attacks import Attack, attack
from numeric.networks.inference import logits, predictions
from tests.strategies import networks_with_points

Doubles = npt.NDArray[np.float64]
SHAPE = {"inputs": 5, "outputs": 3, "width": 4, "hidden": 6, "seed": 4}
SIZES: dict[str, Callable[[Doubles], Doubles]] = {
    "L2": lambda change: np.asarray(np.linalg.norm(change, axis=1)),
    "Linf": lambda change: np.asarray(abs(change).max(axis=1)),
}


def attacked(module: nn.Module, images: Any, classes: Any = None, **settings: Any) -> Attack:
    if classes is None:
        classes = predictions(module, images)
    generator = torch.Generator().manual_seed(0)
    return attack(module, images, classes, generator=generator, **({"steps": 40} | settings))


def linear(inputs: int = 5, outputs: int = 3) -> nn.Module:
    module = nn.Linear(inputs, outputs, dtype=torch.float64)
    draw = torch.Generator().manual_seed(1)
    for parameter in module.parameters():
        nn.init.normal_(parameter, generator=draw)
    return module


def network(**shape: Any) -> BilinearNetwork:
    made = BilinearNetwork(**(SHAPE | shape))
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.mul_(4)
    return made


def images(count: int = 20, inputs: int = 5) -> Doubles:
    return np.random.default_rng(0).random((count, inputs))


def distances_of_planes(module: nn.Module, points: Doubles, dual: Any) -> Doubles:
    """How far points are from where another output of a linear module is as large."""
    weight, scores = module.weight.detach().numpy(), logits(module, points)  # type: ignore[operator]
    own = scores.argmax(axis=1)
    slopes = weight[own][:, None] - weight
    gaps = scores.max(axis=1)[:, None] - scores
    with np.errstate(invalid="ignore"):
        found = gaps / dual(slopes)
    return np.asarray(np.nanmin(found, axis=1))


# What is found


@pytest.mark.parametrize("box", [False, True])
@pytest.mark.parametrize("norm", ["L2", "Linf"])
@pytest.mark.parametrize("depth", [1, 2])
def test_points_are_misclassified_at_the_distance_stated(depth: int, norm: str, box: bool) -> None:
    model, given_images = network(depth=depth), images().astype(np.float32)
    classes = predictions(model.double(), given_images)
    found = attacked(model.float(), given_images, classes, norm=norm, box=box)
    assert np.isfinite(found.distances).all()
    # Each image by itself, since sums are rounded otherwise among others.
    scores = np.concatenate([logits(model.double(), point[None]) for point in found.points])
    assert (scores.argmax(axis=1) != classes).all()
    sizes = SIZES[norm](found.points - given_images)
    np.testing.assert_allclose(found.distances, sizes, rtol=1e-15)
    if box:
        assert found.points.min() >= 0
        assert found.points.max() <= 1


@pytest.mark.parametrize("norm", ["L2", "Linf"])
def test_they_lie_on_the_boundary(norm: str) -> None:
    model, given_images = network(depth=2).double(), images()
    classes = predictions(model, given_images)
    found = attacked(model, given_images, norm=norm)
    reached = np.isfinite(found.distances)
    scores = logits(model, found.points)
    gaps = np.take_along_axis(scores, classes[:, None], axis=1)[:, 0] - scores.max(axis=1)
    assert (abs(gaps)[reached] <= 1e-9 * abs(scores).max(axis=1)[reached]).all()
    within = given_images + (1 - 1e-6) * (found.points - given_images)
    assert (predictions(model, within) == classes)[reached].all()


@pytest.mark.parametrize(
    ("norm", "dual"),
    [
        ("L2", lambda slopes: np.linalg.norm(slopes, axis=2)),
        ("Linf", lambda slopes: abs(slopes).sum(axis=2)),
    ],
)
def test_of_a_linear_module_the_nearest_point_is_found(norm: str, dual: Any) -> None:
    module, given_images = linear(), images()
    wanted = distances_of_planes(module, given_images, dual)
    found = attacked(module, given_images, norm=norm)
    np.testing.assert_allclose(found.distances, wanted, rtol=1e-4)
    assert (found.distances >= wanted * (1 - 1e-12)).all()


@pytest.mark.props
@given(drawn=networks_with_points(max_depth=2), norm=st.sampled_from(["L2", "Linf"]))
def test_any_network_can_be_attacked(drawn: Any, norm: str) -> None:
    model, given_images = drawn
    if model.configuration.outputs < 2:
        return
    whole = model.double()
    classes = predictions(whole, given_images)
    found = attacked(whole, given_images, classes, norm=norm, steps=5, restarts=2)
    reached = np.isfinite(found.distances)
    assert not np.isnan(found.points).any()
    assert (predictions(whole, found.points) != classes)[reached].all()


def test_a_rewritten_graph_is_attacked_like_its_network() -> None:
    model, given_images = network(depth=2).double(), images(6)
    module = rewrite(trace(model, "polarized"))
    np.testing.assert_allclose(
        attacked(module, given_images).distances, attacked(model, given_images).distances, rtol=1e-6
    )


# How good they are


def without_projections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attacks_module.Search, "project", lambda *_: None)
    monkeypatch.setattr(attacks_module.Search, "polish", lambda *_: None)


def test_more_restarts_find_no_worse_and_somewhere_better(monkeypatch: pytest.MonkeyPatch) -> None:
    without_projections(monkeypatch)
    model, given_images = network(hidden=30, depth=1, outputs=5, seed=0), images()
    one = attacked(model, given_images, restarts=1).distances
    more = attacked(model, given_images, restarts=4).distances
    assert (more <= one).all()
    assert (more < 0.999 * one).any()


SHAPES: list[dict[str, Any]] = [
    {"depth": 2},
    {"depth": 2, "bias": False},
    {"depth": 2, "residual": True},
    {"depth": 3, "width": 1},
    {"depth": 3},
]


@pytest.mark.parametrize("norm", ["L2", "Linf"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_projections_alone_come_nearly_always_as_near_as_many_descents(
    shape: dict[str, Any], norm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, given_images = network(**shape).double(), images(8)
    few = attacked(model, given_images, norm=norm, restarts=0).distances
    without_projections(monkeypatch)
    many = attacked(model, given_images, norm=norm, restarts=6, steps=60).distances
    near = np.isinf(many) | (few <= many * (1 + 1e-3))
    assert near.sum() >= 7


@pytest.mark.parametrize("norm", ["L2", "Linf"])
def test_the_nearest_of_projections_and_descents_is_returned(
    norm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, given_images = network(depth=3, outputs=5).double(), images(12)
    both = attacked(model, given_images, norm=norm).distances
    projected = attacked(model, given_images, norm=norm, restarts=0).distances
    without_projections(monkeypatch)
    descended = attacked(model, given_images, norm=norm).distances
    assert (both <= projected).all()
    assert (both <= descended).all()
    assert (both < descended * (1 - 1e-6)).any()
    assert (both < projected * (1 - 1e-6)).any()


def test_without_descents_nothing_is_drawn() -> None:
    draw = torch.Generator().manual_seed(0)
    before = draw.get_state()
    model, given_images = network().double(), images(3)
    attack(model, given_images, predictions(model, given_images), generator=draw, restarts=0)
    assert torch.equal(draw.get_state(), before)


@pytest.mark.parametrize(("norm", "order"), [("L2", 2), ("Linf", np.inf)])
def test_in_a_box_the_pixels_that_are_free_make_up_for_the_others(norm: str, order: float) -> None:
    draw = np.random.default_rng(3)
    module, given_images = linear(outputs=2), draw.choice([0.0, 0.02, 0.5, 1.0], size=(12, 5))
    classes = predictions(module, given_images)
    found = attacked(module, given_images, classes, norm=norm, restarts=0, box=True)
    weight, bias = (value.detach().numpy() for value in module.parameters())
    for place, own in enumerate(classes):
        slope, image = (1 - 2 * own) * (weight[0] - weight[1]), given_images[place]
        margin = slope @ image + (1 - 2 * own) * (bias[0] - bias[1])
        # Every change of the box that is as short and as steep as can be, from 0 to the corner.
        unit = slope if order == 2 else np.sign(slope)
        low, high = 0.0, 1e6
        for _ in range(100):
            middle = (low + high) / 2
            change = np.clip(image - middle * unit, 0, 1) - image
            low, high = (middle, high) if margin + slope @ change > 0 else (low, middle)
        change = np.clip(image - high * unit, 0, 1) - image
        if margin + slope @ change > 1e-9:
            assert np.isinf(found.distances[place])
        else:
            wanted = np.linalg.norm(change, ord=order)
            assert found.distances[place] == pytest.approx(wanted, rel=1e-6)
    assert np.isfinite(found.distances).sum() >= 4


class Corner(nn.Module):
    """Two other classes: one nearly there, but slow, and one that is reached before it."""

    def forward(self, x: Tensor) -> Tensor:
        first, second = x[:, 0], x[:, 1]
        return torch.stack([0 * first, first - 1.5, 2 * second - 2], dim=1)


def test_later_restarts_head_for_other_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    without_projections(monkeypatch)
    nothing = np.zeros((1, 2))
    one = attacked(Corner(), nothing, np.array([0]), restarts=1).distances
    more = attacked(Corner(), nothing, np.array([0]), restarts=3).distances
    assert one[0] == pytest.approx(1.5, rel=1e-6)
    assert more[0] == pytest.approx(1, rel=1e-6)


def test_projections_head_for_several_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = np.zeros((1, 2))
    found = attacked(Curved(), nothing, np.array([0]), restarts=0).distances
    assert found[0] == pytest.approx(1, rel=1e-6)
    monkeypatch.setattr(attacks_module, "_RIVALS", 1)
    one = attacked(Curved(), nothing, np.array([0]), restarts=0).distances
    assert one[0] == pytest.approx(2, rel=1e-6)


class Curved(nn.Module):
    """Two other classes: one that seems nearer at the start, and one that is."""

    def forward(self, x: Tensor) -> Tensor:
        first, second = x[:, 0], x[:, 1]
        away = first - first**2 / 8 - 1.5
        return torch.stack([0 * first, away, second**3 - 0.5 + second / 2 - 1], dim=1)


def test_going_up_the_margin_finds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    module, given_images = linear(outputs=2), images()
    assert np.isfinite(attacked(module, given_images, restarts=1).distances).all()
    norm = attacks_module.NORMS["L2"]
    uphill = replace(norm, steepest=lambda slope: -norm.steepest(slope))
    monkeypatch.setitem(attacks_module.NORMS, "L2", uphill)
    found = attacked(module, given_images, restarts=1)
    assert (found.distances == np.inf).all()
    np.testing.assert_array_equal(found.points, given_images)


def test_without_closing_in_points_lie_beyond_the_boundary(monkeypatch: pytest.MonkeyPatch) -> None:
    without_projections(monkeypatch)
    module, given_images = linear(), images()
    close = attacked(module, given_images, steps=5).distances
    monkeypatch.setattr(searches_module, "_HALVINGS", 0)
    far = attacked(module, given_images, steps=5).distances
    assert (far > close * (1 + 1e-9)).all()


# Corners


def test_what_is_misclassified_already_stays() -> None:
    model, given_images = network().double(), images()
    classes = (predictions(model, given_images) + 1) % 3
    found = attacked(model, given_images, classes)
    np.testing.assert_array_equal(found.distances, 0)
    np.testing.assert_array_equal(found.points, given_images)


def test_a_module_that_predicts_one_class_everywhere_is_not_broken() -> None:
    module = linear()
    with torch.no_grad():
        module.weight.zero_()  # type: ignore[operator]
    found = attacked(module, images())
    assert (found.distances == np.inf).all()
    np.testing.assert_array_equal(found.points, images())


def test_pixels_at_the_wall_of_the_box_leave_only_one_way() -> None:
    module = nn.Linear(2, 2, bias=False, dtype=torch.float64)
    with torch.no_grad():
        module.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
    given_images = np.array([[0.5, 1.0], [1.0, 0.0]])
    found = attacked(module, given_images, np.array([1, 0]), norm="Linf", box=True)
    np.testing.assert_allclose(found.distances, [0.25, 0.5], rtol=1e-6)
    shut = attacked(module, np.array([[0.0, 1.0]]), np.array([1]), box=True)
    assert shut.distances[0] == pytest.approx(np.sqrt(0.5), rel=1e-6)


def test_a_class_that_no_pixels_in_the_box_have_is_not_found_there() -> None:
    model, given_images = BilinearNetwork(**SHAPE, depth=2).double(), images()
    with torch.no_grad():
        model.blocks[-1].down.bias[0] += 10
    anywhere = np.random.default_rng(1).random((10_000, 5))
    assert len(set(predictions(model, anywhere))) == 1
    assert np.isinf(attacked(model, given_images, box=True).distances).all()
    assert np.isfinite(attacked(model, given_images).distances).all()


@pytest.mark.parametrize("scale", [1e-100, 1e-8, 1e8, 1e100])
@pytest.mark.parametrize("norm", ["L2", "Linf"])
def test_radii_need_no_scale(norm: str, scale: float) -> None:
    module, given_images = linear(), images()
    with torch.no_grad():
        module.bias.zero_()  # type: ignore[operator]
    found = attacked(module, given_images * scale, norm=norm).distances / scale
    np.testing.assert_allclose(
        found, attacked(module, given_images, norm=norm).distances, rtol=1e-6
    )


def test_the_seed_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    without_projections(monkeypatch)
    model, given_images = network(), images()
    classes = predictions(model, given_images)

    def drawn(seed: int) -> Doubles:
        generator = torch.Generator().manual_seed(seed)
        return attack(
            model, given_images, classes, generator=generator, restarts=2, steps=15
        ).distances

    np.testing.assert_array_equal(drawn(5), drawn(5))
    assert (drawn(5) != drawn(6)).any()


def test_the_global_random_state_and_the_module_stay_as_they_were() -> None:
    model = network()
    weights = [parameter.clone() for parameter in model.parameters()]
    state = torch.get_rng_state()
    attacked(model, images().astype(np.float32))
    assert torch.equal(torch.get_rng_state(), state)
    for parameter, weight in zip(model.parameters(), weights, strict=True):
        assert torch.equal(parameter, weight)
        assert parameter.dtype == torch.float32
        assert parameter.requires_grad
        assert parameter.grad is None


@pytest.mark.parametrize("batch", [1, 7])
def test_batches_change_only_what_is_drawn(monkeypatch: pytest.MonkeyPatch, batch: int) -> None:
    module, given_images = linear(), images(8)
    wanted = attacked(module, given_images).distances
    monkeypatch.setattr(attacks_module, "_BATCH", batch)
    np.testing.assert_allclose(attacked(module, given_images).distances, wanted, rtol=1e-4)


def test_no_images_need_no_attack() -> None:
    found = attacked(linear(), np.zeros((0, 5)), np.zeros(0, int))
    assert found.points.shape == (0, 5)
    assert found.distances.shape == (0,)


class Sometimes(nn.Module):
    """A linear map whose outputs are no numbers on one side of a plane, or infinite."""

    def __init__(self, value: float, side: float = 1.0) -> None:
        super().__init__()
        self.value, self.side = value, side

    def forward(self, x: Tensor) -> Tensor:
        outputs = torch.stack([x[:, 0], 1 - x[:, 0]], dim=1)
        odd = (x[:, 1] > self.side)[:, None]
        return torch.where(odd, self.value * torch.ones_like(outputs), outputs)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_image_whose_outputs_are_not_finite_has_no_class_and_is_not_robust(
    value: float,
) -> None:
    found = attacked(Sometimes(value), np.array([[0.9, 2.0], [0.9, 0.0]]), np.array([0, 0]))
    np.testing.assert_allclose(found.distances, [0, 0.4], rtol=1e-6)
    np.testing.assert_array_equal(found.points[0], [0.9, 2.0])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("norm", ["L2", "Linf"])
def test_beside_an_image_only_finite_outputs_count(value: float, norm: str) -> None:
    given_images = np.array([[5.0, 0.999]])
    found = attacked(Sometimes(value), given_images, np.array([0]), norm=norm)
    np.testing.assert_allclose(found.distances, [4.5], rtol=1e-6)
    assert found.points[0, 1] <= 1


def test_a_module_is_attacked_as_it_is_in_eval_mode_and_stays_in_its_own() -> None:
    linear_map = linear()
    module = nn.Sequential(nn.Dropout(0.5), linear_map)
    classes = predictions(linear_map, images())
    expected = attacked(linear_map, images(), classes)
    for training in (False, True):
        module.train(training)
        found = attacked(module, images(), classes)
        np.testing.assert_array_equal(found.distances, expected.distances)
        assert [part.training for part in module.modules()] == [training] * 3


def test_frozen_weights_and_gradients_that_are_there_stay_as_they_are() -> None:
    model = network()
    model.blocks[0].requires_grad_(requires_grad=False)
    model.blocks[1].left.bias.grad = torch.ones(6)  # type: ignore[union-attr]
    before = [(weight.requires_grad, weight.grad) for weight in model.parameters()]
    found = attacked(model, images().astype(np.float32))
    assert np.isfinite(found.distances).all()
    after = [(weight.requires_grad, weight.grad) for weight in model.parameters()]
    assert [needs for needs, _ in after] == [needs for needs, _ in before]
    assert all(one is other for (_, one), (_, other) in zip(after, before, strict=True))
    assert (model.blocks[1].left.bias.grad == 1).all()  # type: ignore[union-attr]


class Deaf(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros(len(x), 2, dtype=x.dtype)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": np.zeros(5)}, "expected images of shape (images, inputs), got (5,)"),
        (
            {"images": np.full((2, 5), np.inf)},
            "expected images to be finite, got inf at position (0, 0)",
        ),
        (
            {"images": np.zeros((2, 5), np.uint8)},
            "expected images to be float32 or float64, got uint8",
        ),
        (
            {"classes": np.zeros(2)},
            "expected classes to be 2 integers, got float64 of shape (2,)",
        ),
        (
            {"classes": np.zeros(3, int)},
            "expected classes to be 2 integers, got int64 of shape (3,)",
        ),
        ({"classes": np.array([0, 3])}, "expected classes from 0 to 2, got 3"),
        ({"classes": np.array([-1, 0])}, "expected classes from 0 to 2, got -1"),
        ({"norm": "L1"}, "expected norm to be one of L2, Linf, got 'L1'"),
        ({"restarts": -1}, "expected restarts to be an integer of at least 0, got -1"),
        ({"steps": 0}, "expected steps to be an integer of at least 1, got 0"),
        (
            {"images": np.full((2, 5), 1.5), "box": True},
            "expected images within [0, 1] for an attack in this box, got pixels from 1.5 to 1.5",
        ),
        (
            {"module": linear(outputs=1)},
            "expected module to have at least 2 outputs an image, got shape (2, 1)",
        ),
        (
            {"module": Deaf()},
            "expected module to be differentiable, got outputs without a gradient",
        ),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {
        "module": linear(),
        "images": np.zeros((2, 5)),
        "classes": np.array([0, 1]),
    }
    with pytest.raises(NumericError) as caught:
        attack(**(arguments | change), generator=torch.Generator())
    assert str(caught.value) == message
