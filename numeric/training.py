"""Training on labelled images: AdamW, a cosine schedule, noise on the inputs."""

from __future__ import annotations

import math
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import BarColumn, MofNCompleteColumn, TimeRemainingColumn
from torch import Tensor, nn

from numeric.errors import NumericError
from numeric.files import load_arrays, save_arrays
from numeric.mnist import Digits
from numeric.network import BilinearNetwork
from numeric.progress import progress_bar

FORMAT = "bilinear-features checkpoint 1"


@dataclass(frozen=True)
class Recipe:
    """How a network is trained; with the data and the network's own seed it fixes every bit.

    Attributes:
        epochs: passes over the training images.
        noise: standard deviation of the Gaussian noise added to the inputs, in units of full white.
        seed: draws the order of the images and the noise.
        learning_rate: at the start; a half cosine brings it to 0.
        weight_decay: AdamW's, decoupled.
        batch: images a step.
    """

    epochs: int = 30
    noise: float = 0.3
    seed: int = 0
    learning_rate: float = 2e-3
    weight_decay: float = 0.5
    batch: int = 256

    def __post_init__(self) -> None:
        """Refuse settings that cannot train."""
        for name in ("epochs", "batch"):
            if getattr(self, name) < 1:
                raise NumericError(f"expected {name} to be at least 1, got {getattr(self, name)}")
        for name in ("noise", "learning_rate", "weight_decay"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise NumericError(f"expected {name} to be finite and not negative, got {value}")


@dataclass(frozen=True)
class Epoch:
    """What one pass over the training images came to.

    Attributes:
        loss: mean cross-entropy over the pass, in nats.
        accuracy: share of the test images that the network labels correctly after it.
    """

    loss: float
    accuracy: float


def train(
    model: BilinearNetwork,
    digits: Digits,
    *,
    epochs: int = 30,
    noise: float = 0.3,
    seed: int = 0,
    learning_rate: float = 2e-3,
    weight_decay: float = 0.5,
    batch: int = 256,
    checkpoint: str | os.PathLike[str] | None = None,
) -> list[Epoch]:
    """Train a network in place.

    Args:
        model: the network; it is moved to a GPU for the training where there is one, and back.
        digits: images and labels. The test images are counted after each epoch, never trained on.
        epochs: passes over the training images.
        noise: standard deviation of the noise added to the inputs, in units of full white.
        seed: draws the order of the images and the noise; every epoch draws anew from it, so a
            resumed run is the uninterrupted one, bit for bit.
        learning_rate: at the start; a half cosine brings it to 0.
        weight_decay: AdamW's, decoupled.
        batch: images a step.
        checkpoint: a file that holds the state after the last epoch; where it exists already, the
            training goes on from it.

    Returns:
        Loss and accuracy of each epoch.

    Raises:
        NumericError: a setting or the images do not fit, the loss becomes infinite or NaN, or the
            checkpoint is damaged or belongs to another training.

    Source:
        I. Loshchilov and F. Hutter, *Decoupled Weight Decay Regularization*, arXiv 1711.05101.
    """
    recipe = Recipe(epochs, noise, seed, learning_rate, weight_decay, batch)
    _check_fit(model, digits)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model.to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=weight_decay)
    state = _State(model, optimizer, recipe, [])
    if checkpoint is not None and Path(checkpoint).exists():
        state.load(checkpoint)
    dtype = next(model.parameters()).dtype
    images, labels = (
        torch.from_numpy(array).to(device) for array in (digits.train_images, digits.train_labels)
    )
    with progress_bar(
        "training", BarColumn(), MofNCompleteColumn(), "{task.fields[note]}", TimeRemainingColumn()
    ) as progress:
        task = progress.add_task("", total=epochs, completed=len(state.history), note="")
        for number in range(len(state.history), epochs):
            loss = _epoch(state, images.to(dtype), labels, number)
            accuracy = float((predictions(model, digits.test_images) == digits.test_labels).mean())
            state.history.append(Epoch(loss, accuracy))
            progress.update(task, advance=1, note=f"loss {loss:.4f}, accuracy {accuracy:.2%}")
            if checkpoint is not None:
                state.save(checkpoint)
    model.to("cpu")
    return state.history


def predictions(module: nn.Module, images: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the most likely class of each image; of equal logits the first counts.

    Args:
        module: maps (images, inputs) to (images, classes), in the dtype of its first tensor.
        images: float array of shape (images, inputs).

    Returns:
        int64 array of shape (images,).
    """
    return np.asarray(logits(module, images).argmax(axis=1))


@torch.no_grad()
def logits(
    module: nn.Module, images: np.ndarray[Any, Any], batch: int = 2000
) -> np.ndarray[Any, Any]:
    """Return a module's outputs for many images, computed in its own dtype.

    Args:
        module: maps (images, inputs) to (images, outputs).
        images: float array of shape (images, inputs).
        batch: images at once.

    Returns:
        float array of shape (images, outputs).
    """
    like = next(iter(module.state_dict().values()))
    parts = [
        module(torch.from_numpy(images[start : start + batch]).to(like)).cpu().numpy()
        for start in range(0, len(images), batch)
    ]
    return np.concatenate(parts)


@dataclass
class _State:
    """All that a training run is at the end of an epoch."""

    model: BilinearNetwork
    optimizer: torch.optim.AdamW
    recipe: Recipe
    history: list[Epoch]

    def _description(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "recipe": asdict(self.recipe),
            "configuration": asdict(self.model.configuration),
        }

    def save(self, path: str | os.PathLike[str]) -> None:
        arrays = self.model.arrays()
        for name, parameter in self.model.named_parameters():
            for key, value in self.optimizer.state[parameter].items():
                arrays[f"{key} of {name}"] = value.detach().cpu().numpy()
        history = [asdict(epoch) for epoch in self.history]
        save_arrays(path, arrays, {**self._description(), "history": history})

    def load(self, path: str | os.PathLike[str]) -> None:
        arrays, description = load_arrays(path)
        history = description.pop("history", None)
        for name, value in self._description().items():
            if description.get(name) != value:
                raise NumericError(
                    f"expected the checkpoint {path} to have the {name} {value}, got "
                    f"{description.get(name)}: delete it, or train with its settings"
                )
        try:
            with torch.no_grad():
                for name, parameter in self.model.named_parameters():
                    parameter.copy_(torch.from_numpy(arrays[name]))
                    self.optimizer.state[parameter] = {
                        key: torch.from_numpy(arrays[f"{key} of {name}"].copy()).to(
                            "cpu" if key == "step" else parameter.device
                        )
                        for key in ("step", "exp_avg", "exp_avg_sq")
                    }
            self.history[:] = [Epoch(**epoch) for epoch in history]
        except (KeyError, RuntimeError, TypeError) as error:
            raise NumericError(
                f"expected {path} to hold the state of this training, got: {error}"
            ) from None


def _check_fit(model: BilinearNetwork, digits: Digits) -> None:
    shape = model.configuration
    if shape.inputs != digits.inputs:
        raise NumericError(f"expected images of {shape.inputs} pixels, got {digits.inputs}")
    if shape.outputs < digits.classes:
        raise NumericError(
            f"expected labels below the {shape.outputs} outputs of the model, got "
            f"{digits.classes - 1}"
        )


def _epoch(state: _State, images: Tensor, labels: Tensor, number: int) -> float:
    """Train one pass and return the mean loss."""
    recipe = state.recipe
    # A generator for each epoch: a resumed run needs no state but the epoch's number.
    entropy = np.random.SeedSequence([recipe.seed, number]).generate_state(1, np.uint64)[0]
    generator = torch.Generator(images.device).manual_seed(int(entropy >> np.uint64(1)))
    order = torch.randperm(len(images), generator=generator, device=images.device)
    steps = torch.split(order, recipe.batch)
    total = torch.zeros((), device=images.device, dtype=torch.float64)
    for step, chosen in enumerate(steps):
        done = (number + step / len(steps)) / recipe.epochs
        for group in state.optimizer.param_groups:
            group["lr"] = recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * done))
        batch = images[chosen]
        noise = torch.empty_like(batch).normal_(0, recipe.noise, generator=generator)
        loss = nn.functional.cross_entropy(state.model(batch + noise), labels[chosen])
        state.optimizer.zero_grad()
        torch.autograd.backward(loss)
        state.optimizer.step()
        total += loss.detach() * len(chosen)
    mean = float(total) / len(images)
    if not math.isfinite(mean):
        raise NumericError(
            f"expected the loss to stay finite, got {mean} in epoch {number + 1}: lower the "
            "learning_rate"
        )
    return mean
