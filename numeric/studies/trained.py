"""Networks that a study trains once, and keeps for those of its parts that look at them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from numeric.data.digits import Digits
from numeric.files import is_there
from numeric.networks.configuration import Configuration
from numeric.networks.network import BilinearNetwork
from numeric.networks.network_files import load_network, save_network
from numeric.networks.normal_form import Layer, handed_on
from numeric.networks.training import train
from numeric.studies.augmentation import augmented
from numeric.studies.running import Tables

Floats = npt.NDArray[Any]

_CHUNK = 10_000
"""Images at once."""


@dataclass(frozen=True)
class Trained:
    """A network that a study trains once, and the place where it is kept.

    Attributes:
        path: of its file.
        depth: of the network.
        width: of its hidden states.
        hidden: neurons of each layer.
        epochs: of training.
        seed: draws first weights, order and noise.
        images: training images that are used; left out, all.
        noise: on the inputs.
        decay: of the weights.
        augmentation: of :data:`numeric.studies.augmentation.AUGMENTATIONS`; left out, none.
        shuffled: whether labels are in a wrong order, the same for every seed: a control.
    """

    path: str
    depth: int
    width: int
    hidden: int
    epochs: int
    seed: int = 0
    images: int | None = None
    noise: float = 0.3
    decay: float = 0.5
    augmentation: str | None = None
    shuffled: bool = False

    def layers(self, digits: Digits) -> list[Layer]:
        """Return its layers, trained now or before.

        Args:
            digits: that it is trained on.
        """
        if not is_there(Path(self.path)):
            shape = digits.inputs, digits.classes, self.depth, self.width, self.hidden
            model = BilinearNetwork.from_configuration(Configuration(*shape), self.seed)
            train(
                model,
                self.data(digits),
                epochs=self.epochs,
                seed=self.seed,
                noise=self.noise,
                weight_decay=self.decay,
            )
            save_network(model, self.path)
        return load_network(self.path).layers()

    def data(self, digits: Digits) -> Digits:
        """Return what it is trained on."""
        images, labels = digits.train_images[: self.images], digits.train_labels[: self.images]
        if self.shuffled:
            labels = np.random.default_rng(0).permutation(labels)
        some = replace(digits, train_images=images, train_labels=labels)
        if self.augmentation is None:
            return some
        return augmented(some, self.augmentation, np.random.default_rng(self.seed))


def accuracy(layers: Sequence[Layer], images: Floats, labels: npt.NDArray[np.int64]) -> float:
    """Return the share of images that layers label correctly.

    Args:
        layers: of a network.
        images: shape (images, inputs).
        labels: shape (images,).
    """
    right = 0
    for start in range(0, len(images), _CHUNK):
        wide = np.insert(images[start : start + _CHUNK].astype(np.float64), 0, 1.0, axis=1)
        classes = handed_on(layers, wide)[:, 1:].argmax(axis=1)
        right += int((classes == labels[start : start + _CHUNK]).sum())
    return right / len(images)


def training_rows(network: Trained, digits: Digits) -> Tables:
    """Train a network, and say how good it is.

    Args:
        network: which.
        digits: images.
    """
    right = accuracy(network.layers(digits), digits.test_images, digits.test_labels)
    about = {"depth": network.depth, "hidden": network.hidden, "epochs": network.epochs}
    return {"networks": [about | {"seed": network.seed, "accuracy": right}]}
