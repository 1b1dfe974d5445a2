"""Training on labelled images: AdamW, a cosine schedule, noise on the inputs."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from rich.progress import BarColumn, MofNCompleteColumn, TimeRemainingColumn
from scipy.special import bdtrc
from torch import Tensor, nn

from numeric.data.digits import Digits
from numeric.errors import NumericError
from numeric.files import digest, is_there, load_arrays, save_arrays, user_path
from numeric.networks.inference import as_tensor, best_device, predictions, usual_torch
from numeric.networks.network import BilinearNetwork, check_network
from numeric.networks.normal_form import check_array
from numeric.progress import progress_bar
from numeric.scalars import check_integer, plain

FORMAT = "bilinear-features checkpoint 1"

_CHANCE = 1e-3
"""How often guessing may be taken for learning."""

_CLIP = 1.0
"""The largest norm of a gradient that is followed in full."""

_SAVED = 100
"""How often the state is written at least: of more than twice as many epochs not after each."""

_RANGE = (1.0, 5.0)
"""Within which an image's largest logit counts as it is where brightness scales all of them."""

_NOTHING = 1e-15
"""The largest logit that can be brought into the range: that of a black image is 0."""


@dataclass(frozen=True)
class Recipe:
    """How a network is trained; with the data and the network's own seed it fixes every bit.

    Attributes:
        epochs: passes over the training images.
        noise: standard deviation of the Gaussian noise added to the inputs, in units of full white.
        seed: draws the order of the images and the noise.
        learning_rate: reached after the first epoch; a half cosine brings it to 0.
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
        for name, least in (("epochs", 1), ("batch", 1), ("seed", 0)):
            object.__setattr__(self, name, check_integer(getattr(self, name), name, least=least))
        for name in ("noise", "learning_rate", "weight_decay"):
            value = plain(getattr(self, name))
            object.__setattr__(self, name, value)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not (number and math.isfinite(value) and value >= 0):
                raise NumericError(
                    f"expected {name} to be a finite number and not negative, got {value!r}"
                )


@dataclass(frozen=True)
class Epoch:
    """What one pass over the training images came to.

    Attributes:
        loss: mean cross-entropy over the pass, in nats; of a network without biases and residual
            with each image's logits scaled so that the largest lies between 1 and 5.
        accuracy: share of the test images that the network labels correctly after it.
    """

    loss: float
    accuracy: float


@usual_torch(gradients=True)
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

    A network without biases and residual is trained on logits in a range: it answers an image that
    is twice as bright with the same logits times a power of two, so that their size says nothing.

    Args:
        model: the network; it is moved to a GPU for the training where there is one, and back.
            Weights that are frozen (``requires_grad`` is false) stay as they are.
        digits: images and labels. The test images are counted after each epoch, never trained on.
        epochs: passes over the training images.
        noise: standard deviation of the noise added to the inputs, in units of full white.
        seed: draws the order of the images and the noise; every epoch draws anew from it, so a
            resumed run is the uninterrupted one, bit for bit.
        learning_rate: reached after the first epoch; a half cosine brings it to 0.
        weight_decay: AdamW's, decoupled.
        batch: images a step.
        checkpoint: a file that holds the state after the last epoch, or of hundreds after one of
            the last; where it exists already, the training goes on from it, whatever weights the
            model has.

    Returns:
        Loss and accuracy of each epoch.

    Raises:
        NumericError: a setting, the weights or the images do not fit, all weights are frozen or one
            was made in ``torch.inference_mode``, the loss becomes infinite or NaN, or the
            checkpoint is damaged or belongs to another training.

    Source:
        I. Loshchilov and F. Hutter, *Decoupled Weight Decay Regularization*, arXiv 1711.05101.
    """
    recipe = Recipe(epochs, noise, seed, learning_rate, weight_decay, batch)
    kept = None if checkpoint is None else user_path(checkpoint, "checkpoint")
    _check_fit(model, digits)
    home, device = next(model.parameters()).device, best_device()
    model.to(device)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=learning_rate, weight_decay=weight_decay)
    data = "" if kept is None else digest(digits.arrays)
    state = _State(model, optimizer, recipe, data, [])
    try:
        if kept is not None and is_there(kept):
            state.load(kept)
        images, labels = (
            as_tensor(array).to(device) for array in (digits.train_images, digits.train_labels)
        )
        images = images.to(next(model.parameters()).dtype)
        with progress_bar(
            "training",
            BarColumn(),
            MofNCompleteColumn(),
            "{task.fields[note]}",
            TimeRemainingColumn(),
        ) as progress:
            task = progress.add_task("", total=epochs, completed=len(state.history), note="")
            for number in range(len(state.history), epochs):
                loss = _epoch(state, images, labels, number)
                right = predictions(model, digits.test_images) == digits.test_labels
                state.history.append(Epoch(loss, float(right.mean())))
                note = f"loss {loss:.4f}, accuracy {right.mean():.2%}"
                progress.update(task, advance=1, note=note)
                if kept is not None and (number + 1) % max(1, epochs // _SAVED) == 0:
                    state.save(kept)
    finally:
        model.to(home)
    return state.history


@dataclass
class _State:
    """All that a training run is at the end of an epoch."""

    model: BilinearNetwork
    optimizer: torch.optim.AdamW
    recipe: Recipe
    data: str
    history: list[Epoch]

    def _description(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "recipe": asdict(self.recipe),
            "configuration": asdict(self.model.configuration),
            "frozen weights": [
                name for name, weight in self.model.named_parameters() if not weight.requires_grad
            ],
            "SHA-256 of the data": self.data,
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
        for name, value in self._description().items():
            if description.get(name) != value:
                raise NumericError(
                    f"expected the checkpoint {path} to have the {name} {value}, got "
                    f"{description.get(name)}: delete it, or train with its settings"
                )
        history = checked_history(description.get("history"), path, most=self.recipe.epochs)
        for name, like in self._expected():
            if name not in arrays:
                raise NumericError(f"expected {path} to hold the tensor {name}, got none")
            check_array(arrays[name], f"{name} in {path}", like.shape)
            if arrays[name].dtype != like.dtype:
                raise NumericError(
                    f"expected {name} in {path} to be {like.dtype}, got {arrays[name].dtype}"
                )
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                parameter.copy_(torch.from_numpy(arrays[name]))
                if not parameter.requires_grad:
                    continue
                self.optimizer.state[parameter] = {
                    key: torch.from_numpy(arrays[f"{key} of {name}"]).to(
                        "cpu" if key == "step" else parameter.device
                    )
                    for key in ("step", "exp_avg", "exp_avg_sq")
                }
        self.history[:] = history

    def _expected(self) -> Iterator[tuple[str, npt.NDArray[Any]]]:
        """Yield the name of each tensor of a checkpoint, and one of its shape and dtype."""
        arrays = self.model.arrays()
        yield from arrays.items()
        for name, parameter in self.model.named_parameters():
            if not parameter.requires_grad:
                continue
            weights = arrays[name]
            yield f"step of {name}", np.zeros((), np.float32)
            yield f"exp_avg of {name}", weights
            yield f"exp_avg_sq of {name}", weights


def chance_accuracy(labels: npt.NDArray[np.integer[Any]]) -> float:
    r"""Return the accuracy that guessing exceeds once in 1,000 times at most.

    Guesses that know nothing of an image are right at best as often as the most frequent class
    comes, with a share :math:`p` of the :math:`n` labels: more than :math:`k` times with the
    probability :math:`P(X > k)` of :math:`X \sim \mathrm{Binomial}(n, p)`. The least :math:`k`
    that makes it at most 1/1000 is taken.

    Args:
        labels: the right classes of the images, at least one.

    Examples:
        >>> chance_accuracy(np.arange(10_000) % 10)
        0.1094
        >>> chance_accuracy(np.zeros(20, int))
        1.0
    """
    count = len(labels)
    right, share = np.arange(count + 1), np.bincount(labels).max() / count
    return float((bdtrc(right, count, share) <= _CHANCE).argmax() / count)


def checked_history(
    epochs: object, path: str | os.PathLike[str], *, least: int = 1, most: int
) -> list[Epoch]:
    """Return the history of a training as a file holds it, checked.

    Args:
        epochs: what the file holds: for each epoch a mapping of ``loss`` and ``accuracy``.
        path: of the file, for the error.
        least: how many epochs there must be.
        most: how many there may be.

    Raises:
        NumericError: it holds something else, or another number of epochs.

    Examples:
        >>> checked_history([{"loss": 0.5, "accuracy": 0.9}], "model.safetensors", most=30)
        [Epoch(loss=0.5, accuracy=0.9)]
    """
    try:
        history = [Epoch(**epoch) for epoch in epochs]  # type: ignore[attr-defined]  # refused below
    except TypeError:
        history = []
    numbers = [number for epoch in history for number in (epoch.loss, epoch.accuracy)]
    finite = all(isinstance(number, float) and math.isfinite(number) for number in numbers)
    if not finite or not least <= len(history) <= most:
        span = f"{least} to {most}" if least < most else f"all {most}"
        raise NumericError(
            f"expected {path} to hold the loss and accuracy of {span} epochs, got {epochs!r}"
        )
    return history


def _check_fit(model: BilinearNetwork, digits: Digits) -> None:
    check_network(model, "model")
    model.arrays()  # refuses weights that are not finite, or of another dtype
    weights = dict(model.named_parameters())
    if not any(weight.requires_grad for weight in weights.values()):
        raise NumericError(
            f"expected weights to train, got a model in which all are frozen (requires_grad is "
            f"False): {', '.join(weights)}"
        )
    for name, weight in weights.items():
        if weight.is_inference():
            raise NumericError(
                f"expected {name} to be a weight that can be trained, got one that was made or "
                "moved in torch.inference_mode: make the model outside of it, or copy it there "
                "with copy.deepcopy"
            )
    shape = model.configuration
    if shape.inputs != digits.inputs:
        raise NumericError(f"expected images of {shape.inputs} pixels, got {digits.inputs}")
    if shape.outputs < digits.classes:
        raise NumericError(
            f"expected labels below the {shape.outputs} outputs of the model, got "
            f"{digits.classes - 1}"
        )


def _schedule(passed: float, epochs: int) -> float:
    """Return the share of the learning rate: a linear start over one epoch, then a half cosine."""
    return min(1.0, passed) * 0.5 * (1 + math.cos(math.pi * passed / epochs))


def _in_range(logits: Tensor) -> Tensor:
    r"""Return each image's logits in the same proportions, the largest between 1 and 5 in size.

    Without biases and residual :math:`f(ax) = a^{2^d} f(x)`: how bright an image is changes no
    prediction, but at depth 5 a logit 4e9 times for twice as bright. Beyond the range the brightest
    images would be all that counts, and those below it would count for nothing.
    """
    largest = logits.abs().amax(dim=1, keepdim=True)
    return logits * (largest.clamp(*_RANGE) / largest.clamp(min=_NOTHING))


def _epoch(state: _State, images: Tensor, labels: Tensor, number: int) -> float:
    """Train one pass and return the mean loss."""
    recipe = state.recipe
    # A generator for each epoch: a resumed run needs no state but the epoch's number.
    entropy = np.random.SeedSequence([recipe.seed, number]).generate_state(1, np.uint64)[0]
    generator = torch.Generator(images.device).manual_seed(int(entropy >> np.uint64(1)))
    order = torch.randperm(len(images), generator=generator, device=images.device)
    steps = torch.split(order, recipe.batch)
    total = torch.zeros((), device=images.device, dtype=torch.float64)
    shape = state.model.configuration
    homogeneous = not (shape.bias or shape.residual)
    for step, chosen in enumerate(steps):
        passed = number + step / len(steps)
        for group in state.optimizer.param_groups:
            group["lr"] = recipe.learning_rate * _schedule(passed, recipe.epochs)
        batch = images[chosen]
        noise = torch.empty_like(batch).normal_(0, recipe.noise, generator=generator)
        logits = state.model(batch + noise)
        if homogeneous:
            logits = _in_range(logits)
        loss = nn.functional.cross_entropy(logits, labels[chosen])
        state.optimizer.zero_grad()
        torch.autograd.backward(loss)
        # A polynomial of degree 2^depth has no bound on its slope: one step too far and it dies.
        nn.utils.clip_grad_norm_(state.model.parameters(), _CLIP)
        state.optimizer.step()
        total += loss.detach() * len(chosen)
    mean = float(total) / len(images)
    if not math.isfinite(mean):
        raise NumericError(
            f"expected the loss to stay finite, got {mean} in epoch {number + 1}: lower the "
            "learning_rate"
        )
    return mean
