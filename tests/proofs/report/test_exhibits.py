"""Which digits a page shows, and how far each can be moved."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from numeric import BilinearNetwork, Digits, InputShape
from proofs.bounds.certified_radii import certified_radii
from proofs.report import exhibits
from proofs.report.exhibits import Exhibits, certified
from proofs.report.packing import unpacked
from proofs.robustness.pairs import PairMargins
from proofs.robustness.trust_region import nearest
from tests.digits import like_mnist, small_digits

DIGITS = small_digits(pictures=30)


def network(depth: int = 2, inputs: int = 9, classes: int = 3) -> BilinearNetwork:
    return BilinearNetwork(inputs, classes, depth=depth, width=4, hidden=5)


def found(model: BilinearNetwork, digits: Digits = DIGITS, needed: Any = ()) -> Any:
    logits = model(torch.from_numpy(digits.test_images)).detach().numpy()
    return Exhibits.of(model, digits, logits, needed).data(model, digits)


def test_the_first_digits_the_mistakes_and_the_needed_ones_are_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exhibits, "_FIRST", 3)
    monkeypatch.setattr(exhibits, "_TELLING", 4)
    data = found(network(), needed=[29, 1, 25])
    outputs = network()(torch.from_numpy(DIGITS.test_images)).argmax(1).numpy()
    wrong = np.flatnonzero(outputs != DIGITS.test_labels)
    assert data["indices"] == sorted({0, 1, 2, 25, 29, *wrong[:4].tolist()})
    assert data["labels"] == DIGITS.test_labels[data["indices"]].tolist()
    assert (data["total"], data["mistakes"], data["differing"]) == (30, len(wrong), 0)


def test_digits_on_which_the_graph_differs_from_the_network_are_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exhibits, "_FIRST", 1)
    monkeypatch.setattr(exhibits, "_TELLING", 0)
    model = network()
    logits = model(torch.from_numpy(DIGITS.test_images)).detach().numpy()
    other = logits.copy()
    other[[7, 21]] *= -1
    assert Exhibits.of(model, DIGITS, other, []).indices.tolist() == [0]
    monkeypatch.setattr(exhibits, "_TELLING", 30)
    shown = Exhibits.of(model, DIGITS, other, [])
    assert shown.differing.tolist() == [7, 21]
    assert {7, 21} <= set(shown.indices.tolist())


def test_pixels_are_bytes_where_bytes_say_all_and_else_the_floats_themselves() -> None:
    model, digits = network(1, 100, 10), like_mnist(inputs=100)
    pixels = unpacked(found(model, digits)["pixels"])
    assert pixels.dtype == np.uint8
    assert np.array_equal(np.divide(pixels, 255, dtype=np.float32), digits.test_images)
    images = digits.test_images.copy()
    images[0, 0] = np.nextafter(images[0, 0], np.float32(1))
    pixels = unpacked(found(model, replace(digits, test_images=images))["pixels"])
    assert pixels.dtype == np.float32
    assert np.array_equal(pixels, images)


def test_the_outputs_are_the_networks_own() -> None:

    model = network()
    data = found(model)
    images = torch.from_numpy(DIGITS.test_images[data["indices"]])
    assert np.array_equal(unpacked(data["outputs"]), model(images).detach().numpy())


@pytest.mark.parametrize(
    ("inputs", "kind", "grid"),
    [(9, "picture", (3, 3)), (16, "picture", (4, 4)), (6, "bars", (1, 6))],
)
def test_pictures_are_square_where_the_inputs_are_and_bars_else(
    inputs: int, kind: str, grid: tuple[int, int]
) -> None:
    data = found(network(1, inputs), small_digits(inputs))
    shape = data["shape"]
    assert (shape["kind"], (shape["rows"], shape["columns"])) == (kind, grid)
    assert (shape["names"] is None, shape["order"]) == (kind == "picture", None)
    assert data["classes"] == []


def test_names_of_inputs_and_classes_are_those_of_the_data() -> None:
    names = (("a", "b", "c"), ("x", "y", "z"))
    digits = replace(DIGITS, shape=InputShape((3, 3), names), class_names=("n", "e", "s"))
    data = found(network(1), digits)
    assert data["shape"]["kind"] == "table"
    assert data["shape"]["names"] == [f"{row} {column}" for row in "abc" for column in "xyz"]
    assert data["classes"] == ["n", "e", "s"]


# Radii


def test_at_depth_one_the_radius_is_exact_and_rounded_down() -> None:
    model = network(1)
    data = certified(model, DIGITS.test_images)
    predicted = model(torch.from_numpy(DIGITS.test_images)).argmax(1).numpy()
    wanted = nearest(PairMargins(model.layers()), DIGITS.test_images, predicted).radius
    assert data["exact"]
    for value, radius in zip(data["values"], wanted, strict=True):
        assert value <= radius < value + 1e-4


def test_of_deeper_networks_it_is_what_is_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exhibits, "_CERTIFIED", 7)
    model = network(2)
    data = certified(model, DIGITS.test_images)
    predicted = model(torch.from_numpy(DIGITS.test_images)).argmax(1).numpy()
    wanted = certified_radii([model.layers()], DIGITS.test_images[:7], predicted[:7]).radii
    assert not data["exact"]
    for value, radius in zip(data["values"], wanted, strict=True):
        assert value <= radius < value + 1e-4


def test_a_class_that_leaves_a_doubt_has_no_radius() -> None:
    model = network(1)
    for parameter in model.parameters():
        parameter.data.zero_()
    assert set(certified(model, DIGITS.test_images)["values"]) == {0.0}


def test_where_no_other_class_is_ever_reached_the_radius_is_none() -> None:
    model = network(1)
    for parameter in model.parameters():
        parameter.data.zero_()
    model.blocks[-1].down.bias.data[0] = 1.0
    assert set(certified(model, DIGITS.test_images)["values"]) == {None}
