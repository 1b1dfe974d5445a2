"""Networks that are kept, and pictures that are changed to train on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from numeric import Digits, InputShape, NumericError
from numeric.studies.augmentation import AUGMENTATIONS, COPIES, augmented
from numeric.studies.trained import Trained, accuracy, training_rows
from tests.digits import like_mnist

DIGITS = like_mnist(inputs=36)


def dotted(pictures: int = 40, size: int = 15) -> Digits:
    """Pictures of one dot in the middle."""
    images = np.zeros((pictures, size, size), dtype=np.float32)
    images[:, size // 2, size // 2] = 1
    labels = np.arange(pictures) % 2
    return Digits(images, labels, images[:1], labels[:1])


def spread(images: np.ndarray) -> tuple[float, float]:
    """How far ink lies from the middle on the average, and how far where it is brightest."""
    size = int(np.sqrt(images.shape[1]))
    away = np.linalg.norm(np.indices((size, size)).reshape(2, -1) - size // 2, axis=0)
    return float((images @ away / images.sum(axis=1)).mean()), float(away[images.argmax(1)].mean())


def test_a_picture_is_changed_as_its_augmentation_says() -> None:
    digits = dotted()
    found = {
        name: augmented(digits, name, np.random.default_rng(0)).train_images
        for name in AUGMENTATIONS
    }
    assert all(images.shape == (40 * COPIES, 225) for images in found.values())
    # A dot in the middle is moved, stays where it is turned about, and is spread by a blur.
    assert spread(found["moved"])[1] > 1
    assert spread(found["turned"])[1] == spread(found["blurred"])[1] == 0
    assert spread(found["blurred"])[0] > 0.5
    assert np.allclose(found["blurred"].sum(axis=1), 1, atol=0.01)
    assert len(np.unique(found["moved"], axis=0)) > 40


def test_turns_turn_what_lies_beside_the_middle() -> None:
    digits = dotted()
    images = np.roll(digits.train_images.reshape(-1, 15, 15), 5, axis=2)
    turned = augmented(
        replace(digits, train_images=images.reshape(40, -1)), "turned", np.random.default_rng(0)
    )
    assert 4.5 < spread(turned.train_images)[1] < 5.5
    assert len(set(turned.train_images.argmax(axis=1))) > 3


def test_what_is_no_picture_or_no_augmentation_is_refused() -> None:
    bars = replace(dotted(), shape=InputShape((225,)))
    with pytest.raises(NumericError, match=r"^expected pictures to change, got bars"):
        augmented(bars, "moved", np.random.default_rng(0))
    with pytest.raises(NumericError, match=r"^expected an augmentation of moved, turned, blurred"):
        augmented(dotted(), "torn", np.random.default_rng(0))


def test_what_a_network_is_trained_on_is_as_its_settings_say(tmp_path: Path) -> None:
    plain = Trained(str(tmp_path / "none"), 1, 4, 6, 1, images=50)
    assert (plain.data(DIGITS).train_images == DIGITS.train_images[:50]).all()
    wrong = replace(plain, shuffled=True).data(DIGITS).train_labels
    assert sorted(wrong) == sorted(DIGITS.train_labels[:50])
    assert (wrong != DIGITS.train_labels[:50]).any()
    assert (wrong == replace(plain, shuffled=True, seed=1).data(DIGITS).train_labels).all()
    assert len(replace(plain, augmentation="turned").data(DIGITS).train_images) == 50 * COPIES


def test_a_network_is_trained_by_its_seed_and_read_after(tmp_path: Path) -> None:
    one = Trained(str(tmp_path / "one.safetensors"), 1, 4, 24, 120)
    short = replace(one, path=str(tmp_path / "short.safetensors"), epochs=1)
    other = replace(short, path=str(tmp_path / "other.safetensors"), seed=1)
    (row,) = training_rows(one, DIGITS)["networks"]
    assert row["accuracy"] == accuracy(one.layers(DIGITS), DIGITS.test_images, DIGITS.test_labels)
    assert row["accuracy"] > 0.5
    assert (short.layers(DIGITS)[0].left != other.layers(DIGITS)[0].left).any()
    before = Path(one.path).stat().st_mtime_ns
    assert training_rows(one, DIGITS)["networks"] == [row]
    assert Path(one.path).stat().st_mtime_ns == before
