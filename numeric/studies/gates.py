r"""Networks of layers with and without gates, of equal size, trained side by side.

A layer is :math:`D\,\phi(Wx + b) + c`, or with a gate :math:`D\,[\phi(Wx + b) \odot (Vx + d)] + c`;
a bilinear one has no :math:`\phi`. All kinds see the same images in the same order with the same
noise, times a size of their own, so that differences are paired, and take turns at every step, so
that their times are those of one and the same machine.

Source:
    N. Shazeer, *GLU variants improve transformer*, arXiv 2002.05202.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from numeric.data.digits import Digits
from numeric.errors import NumericError
from numeric.networks.inference import as_tensor, usual_torch
from numeric.studies.running import Row, Tables

Activation = Callable[[Tensor], Tensor]

KINDS: dict[str, tuple[bool, Activation | None]] = {
    "ReLU": (False, functional.relu),
    "GELU": (False, functional.gelu),
    "GLU": (True, torch.sigmoid),
    "ReGLU": (True, functional.relu),
    "GEGLU": (True, functional.gelu),
    "SwiGLU": (True, functional.silu),
    "bilinear": (True, None),
}
"""Whether there is a gate, and what is applied: nothing, in a bilinear layer."""

PERPLEXITY = {
    "ReLU": 1.677,
    "GELU": 1.679,
    "GLU": 1.663,
    "bilinear": 1.648,
    "ReGLU": 1.645,
    "SwiGLU": 1.636,
    "GEGLU": 1.633,
}
"""Log-perplexities of Shazeer's transformers after 524,288 steps, table 1: less is better."""

_BATCH, _DECAY, _CLIP = 512, 0.5, 1.0
EARLY = 4
"""The epoch after which accuracy is noted too: it misleads."""


@dataclass(frozen=True)
class Tuned:
    """What is chosen for one kind.

    Attributes:
        learning_rate: reached after the first epoch; a half cosine brings it to 0.
        noise: standard deviation of what is added to the inputs, which lie between 0 and 1.
    """

    learning_rate: float
    noise: float


class GatedNetwork(nn.Module):
    """Layers of one kind, as large as bilinear ones of so many neurons.

    Args:
        kind: of :data:`KINDS`.
        sizes: of inputs, hidden states and outputs, one more than layers.
        hidden: neurons of a layer with a gate; one without has so many that weights are as many.
        seed: draws the weights.

    Raises:
        NumericError: there is no such kind.

    Examples:
        >>> counts = {sum(p.numel() for p in GatedNetwork(kind, [50, 9], 40, 0).parameters())
        ...           for kind in KINDS}
        >>> max(counts) / min(counts) < 1.01
        True
    """

    def __init__(self, kind: str, sizes: Sequence[int], hidden: int, seed: int) -> None:
        super().__init__()
        if kind not in KINDS:
            raise NumericError(f"expected kind to be one of {', '.join(KINDS)}, got {kind!r}")
        self.gated, self.activation = KINDS[kind]
        generator = torch.Generator().manual_seed(seed)
        self.ups, self.downs = nn.ModuleList(), nn.ModuleList()
        for inputs, outputs in pairwise(sizes):
            whole = hidden * (2 * (inputs + 1) + outputs)
            neurons = hidden if self.gated else round(whole / (inputs + 1 + outputs))
            self.ups.append(_affine(inputs, neurons * (1 + self.gated), generator))
            self.downs.append(_affine(neurons, outputs, generator))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits, of shape (images, outputs)."""
        for up, down in zip(self.ups, self.downs, strict=True):
            inner = up(x)
            if self.gated:
                inner, gate = inner.chunk(2, dim=-1)
                x = down((inner if self.activation is None else self.activation(inner)) * gate)
            elif self.activation is not None:
                x = down(self.activation(inner))
        return x


def _affine(inputs: int, outputs: int, generator: torch.Generator) -> nn.Linear:
    made, reach = nn.Linear(inputs, outputs), 1 / math.sqrt(inputs)
    for parameter in made.parameters():
        nn.init.uniform_(parameter, -reach, reach, generator=generator)
    return made


@usual_torch(gradients=True)
def side_by_side(
    networks: Sequence[GatedNetwork], tuned: Sequence[Tuned], digits: Digits, epochs: int, seed: int
) -> list[Row]:
    """Train networks on the same images in turns, and test them after the fourth and last epoch.

    Args:
        networks: trained in place.
        tuned: for each.
        digits: images.
        epochs: passes over the training images.
        seed: draws the order and the noise.

    Returns:
        For each network its accuracy and loss on the test images, the accuracy after the fourth
        epoch, and the seconds that an epoch took, images and noise not counted.
    """
    images, labels, tests, answers = map(as_tensor, digits.arrays)
    optimizers = [
        torch.optim.AdamW(
            network.parameters(), lr=choice.learning_rate, weight_decay=_DECAY, fused=True
        )
        for network, choice in zip(networks, tuned, strict=True)
    ]
    seconds = np.zeros(len(networks))
    early: list[float] = []
    for epoch in range(epochs):
        entropy = int(np.random.SeedSequence([seed, epoch]).generate_state(1)[0])
        generator = torch.Generator().manual_seed(entropy)
        batches = torch.split(torch.randperm(len(images), generator=generator), _BATCH)
        for step, chosen in enumerate(batches):
            passed = epoch + step / len(batches)
            schedule = min(1.0, passed) * 0.5 * (1 + math.cos(math.pi * passed / epochs))
            batch, wanted = images[chosen], labels[chosen]
            noise = torch.empty_like(batch).normal_(generator=generator)
            # Added once for all networks that get as much, and before any of them is timed.
            noisy = {size: batch + size * noise for size in {choice.noise for choice in tuned}}
            for place, (network, choice) in enumerate(zip(networks, tuned, strict=True)):
                start = time.perf_counter()
                for group in optimizers[place].param_groups:
                    group["lr"] = choice.learning_rate * schedule
                loss = functional.cross_entropy(network(noisy[choice.noise]), wanted)
                optimizers[place].zero_grad()
                torch.autograd.backward(loss)
                nn.utils.clip_grad_norm_(network.parameters(), _CLIP)
                optimizers[place].step()
                seconds[place] += time.perf_counter() - start
        if epoch + 1 == min(EARLY, epochs):
            early = [_tested(network, tests, answers)[0] for network in networks]
    rows: list[Row] = []
    for network, first, spent in zip(networks, early, seconds, strict=True):
        accuracy, entropy_loss = _tested(network, tests, answers)
        row: Row = {"accuracy": accuracy, "loss": entropy_loss, "accuracy early": first}
        row["parameters"] = sum(parameter.numel() for parameter in network.parameters())
        rows.append(row | {"seconds an epoch": float(spent / epochs)})
    return rows


@torch.no_grad()
def _tested(network: GatedNetwork, images: Tensor, labels: Tensor) -> tuple[float, float]:
    """Return accuracy and cross-entropy; a network that diverged has the largest loss there is."""
    logits = network(images)
    right = float((logits.argmax(dim=1) == labels).double().mean())
    loss = float(functional.cross_entropy(logits, labels))
    return right, loss if math.isfinite(loss) else float(np.finfo(np.float32).max)


def gate_rows(
    name: str,
    depth: int,
    seed: int,
    width: int,
    hidden: int,
    epochs: int,
    tuned: Mapping[str, Mapping[str, float]],
    digits: Digits,
) -> Tables:
    """Train a network of every kind on the same images.

    Args:
        name: of the images.
        depth: of the networks.
        seed: draws weights, order and noise.
        width: of hidden states.
        hidden: neurons of a layer with a gate.
        epochs: passes over the training images.
        tuned: for every kind the fields of :class:`Tuned`.
        digits: images.
    """
    sizes = [digits.inputs, *[width] * (depth - 1), digits.classes]
    networks = [GatedNetwork(kind, sizes, hidden, seed) for kind in tuned]
    chosen = [Tuned(**fields) for fields in tuned.values()]
    found = side_by_side(networks, chosen, digits, epochs, seed)
    common = {"data": name, "depth": depth, "seed": seed, "epochs": epochs}
    rows = [
        common | {"kind": kind} | dict(fields) | row
        for (kind, fields), row in zip(tuned.items(), found, strict=True)
    ]
    return {"gates": rows}


def tuning_rows(
    name: str,
    kind: str,
    depth: int,
    width: int,
    hidden: int,
    epochs: int,
    held_out: int,
    rates: Sequence[float],
    noises: Sequence[float],
    digits: Digits,
) -> Tables:
    """Choose a learning rate, and then the noise, for one kind, on images that are held out.

    They are the last training images; the test images are not looked at. Where the best learning
    rate is the largest or the smallest, twice as much or half is tried too, and likewise for noise,
    which is not negative: none is chosen that has no worse neighbour on both sides.

    Args:
        name: of the images.
        kind: of :data:`KINDS`.
        depth: of the networks.
        width: of hidden states.
        hidden: neurons of a layer with a gate.
        epochs: passes over the training images.
        held_out: how many images.
        rates: learning rates, ascending.
        noises: sizes of noise, ascending from 0.
        digits: images.

    Returns:
        A row for each trial, and one for what was chosen.
    """
    sizes = [digits.inputs, *[width] * (depth - 1), digits.classes]
    images, labels = digits.train_images, digits.train_labels
    split = Digits(images[:-held_out], labels[:-held_out], images[-held_out:], labels[-held_out:])
    trials: list[Row] = []

    def losses(choices: Sequence[Tuned]) -> list[float]:
        networks = [GatedNetwork(kind, sizes, hidden, 0) for _ in choices]
        found = side_by_side(networks, choices, split, epochs, seed=0)
        for choice, row in zip(choices, found, strict=True):
            tried = {"data": name, "kind": kind} | vars(choice)
            trials.append(tried | {"loss": row["loss"], "accuracy": row["accuracy"]})
        return [row["loss"] for row in found]

    noise = noises[len(noises) // 2]
    rate = _inner_best(lambda some: losses([Tuned(one, noise) for one in some]), rates)
    noise = _inner_best(lambda some: losses([Tuned(rate, one) for one in some]), noises)
    chosen: Row = {"data": name, "kind": kind} | vars(Tuned(rate, noise))
    return {"tuning trials": trials, "tuned": [chosen]}


_WIDER = 6
"""How often a grid is made wider at most."""


def _inner_best(losses: Callable[[Sequence[float]], list[float]], grid: Sequence[float]) -> float:
    """Return the number of least loss, of a grid that grows until that lies at no end but 0."""
    found = dict(zip(grid, losses(grid), strict=True))
    for _ in range(_WIDER):
        best, ends = min(found, key=found.__getitem__), (min(found), max(found))
        if best == ends[1]:
            more = 2 * best
        elif best == ends[0] and best > 0:
            more = best / 2
        else:
            break
        found[more] = losses([more])[0]
    return min(found, key=found.__getitem__)
