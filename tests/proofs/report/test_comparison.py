"""Two networks compared, and the page of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from numeric import BilinearNetwork, Digits, InputShape, Layer, LayeredNetwork, NumericError
from proofs import ProofError
from proofs.report import comparison
from proofs.report.comparison import NetworkComparison, compare_networks, write_comparison
from tests.digits import small_digits

DIGITS = small_digits(inputs=9, classes=3)
NAMES = "one <net>", "another"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    # The pictures have a test of their own, and take long.
    drawn = {name: Figure(figsize=(1, 1)) for name in ("differences", "features", "inputs")}
    monkeypatch.setattr(comparison, "comparison_pictures", lambda *_: drawn)


def network(seed: int = 0, **shape: Any) -> BilinearNetwork:
    return BilinearNetwork(9, 3, **{"depth": 2, "width": 4, "hidden": 6, "seed": seed, **shape})


def with_backdoor(layers: list[Layer], pattern: Any, output: int) -> list[Layer]:
    """A network of one layer that calls an output where it sees a pattern."""
    (layer,) = layers
    row = np.concatenate([[0.0], pattern])[None]
    column = 50 * np.eye(len(layer.down))[:, [output + 1]]
    parts = (np.concatenate([rows, row]) for rows in (layer.left, layer.right))
    return [Layer(*parts, np.concatenate([layer.down, column], axis=1), layer.linear)]


def page_of(found: NetworkComparison, folder: Path, digits: Digits = DIGITS) -> str:
    return write_comparison(found, digits, folder).read_text("utf-8")


def test_a_backdoor_that_was_planted_stands_out_and_a_page_names_its_class(tmp_path: Path) -> None:
    # One that the pattern itself, laid over pictures, does not bring to class 2.
    layers = network(3, depth=1).layers()
    pattern = np.eye(9)[[0, 4]].sum(axis=0)
    # Little ink: so the pattern is not there already.
    images = (0.1 * DIGITS.test_images).astype(np.float32)
    images[0, 8] = 1.0
    digits = Digits(images, DIGITS.test_labels, images, DIGITS.test_labels)
    found = compare_networks(layers, with_backdoor(layers, pattern, 2), digits)
    assert found.standing_out == (0,)
    assert abs(found.differences[0].pattern @ pattern) / np.sqrt(2) > 0.99
    assert found.flips[0].output == 2
    assert "Difference 1 stands out" in page_of(found, tmp_path, digits)
    written = json.loads((tmp_path / "comparison.json").read_text("utf-8"))
    np.testing.assert_allclose(
        written["differences"][0]["pattern"], found.differences[0].pattern, atol=1e-6
    )
    assert written["differences"][0]["class"] == 2


def test_the_same_network_in_other_clothes_has_no_difference(tmp_path: Path) -> None:
    model = network()
    found = compare_networks(model, LayeredNetwork(model.layers()), DIGITS, names=NAMES)
    assert found.exact.same
    assert not found.standing_out
    assert found.disagreement.disagreeing == 0
    assert not found.exchange.lost
    assert not found.exchange.gained
    page = page_of(found, tmp_path)
    assert "They are the same polynomial" in page
    assert "one &lt;net&gt;" in page
    assert "None beyond rounding" in page or found.differences


@pytest.mark.parametrize("shape", [{"depth": 1}, {}, {"depth": 3}, {"embedding": True}])
def test_networks_of_every_depth_are_compared(shape: dict[str, Any], tmp_path: Path) -> None:
    said: list[str] = []
    other = network(1, **shape | {"hidden": 5})
    found = compare_networks(network(**shape), other, DIGITS, count=2, say=said.append)
    assert not found.exact.same
    assert len(found.differences) == len(found.flips) == 2
    assert found.exchange.of_first
    assert [line.split(":")[0] for line in said] == ["similarity", "differences", "test images"]
    page = page_of(found, tmp_path)
    assert "They are not the same polynomial" in page
    written = json.loads((tmp_path / "comparison.json").read_text("utf-8"))
    assert written["similarities"]["tensor"]["value"] == found.similarities["tensor"].value
    assert written["right"] == list(found.right)
    assert written["disagreeing"] == found.disagreement.disagreeing


def test_inputs_that_are_no_pictures_are_named(tmp_path: Path) -> None:
    names = (tuple(f"<b>{k}" for k in range(9)),)
    digits = Digits(*DIGITS.arrays, shape=InputShape((9,), names), class_names=("<a>", "b", "c"))
    page = page_of(compare_networks(network(), network(1), digits), tmp_path, digits)
    assert "<a>" not in page


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(NumericError, match=r"^expected second to have 3 outputs like first, got 2"):
        compare_networks(network(), BilinearNetwork(9, 2), DIGITS)
    with pytest.raises(NumericError, match=r"^expected second to have 2 layers .+ got 1$"):
        compare_networks(network(), network(depth=1), DIGITS)
    with pytest.raises(ProofError, match=r"^expected digits of 9 inputs like the networks, got 4$"):
        compare_networks(network(), network(1), small_digits(inputs=4))
    with pytest.raises(NumericError, match=r"^expected count to be an integer of at least 1"):
        compare_networks(network(), network(1), DIGITS, count=0)
