r"""Sparse autoencoders, many side by side: TopK and L1, for several seeds and penalties at once.

An autoencoder writes a state as :math:`h \approx b + \sum_j z_j d_j` with directions :math:`d_j` of
length 1 and few active latents, :math:`z = \mathrm{TopK}(\max(0, E(h - b) + e))`, or all of them
with a penalty on their sum. The first axis of every array is that of the autoencoders.

Source:
    R. Huben et al., arXiv 2309.08600, and T. Bricken et al., *Towards monosemanticity* (2023), for
    the penalty and for new directions in the place of dead ones; L. Gao et al., arXiv 2406.04093,
    for TopK.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor

from numeric.errors import NumericError
from numeric.networks.inference import usual_torch
from numeric.scalars import check_integer

_WARM = 100
"""Steps in which the learning rate rises."""

_STEADY = 0.7
"""The share of steps after which it falls to 0."""

_REDRAWN = 8
"""After each such part of the steps dead latents are drawn anew, in the first half."""


class Autoencoders:
    """Sparse autoencoders of one size, side by side.

    Args:
        count: how many.
        inputs: the width of a state.
        latents: of each autoencoder.
        active: how many latents are active at once (TopK).
        penalties: in place of ``active``: one for each autoencoder, on the sum of latents, in units
            in which the states' mean squared distance from their mean is 1.
        seed: draws the first directions.

    Raises:
        NumericError: a number is out of range, or not one of ``active`` and ``penalties`` is given.

    Examples:
        >>> few = Autoencoders(2, 3, 4, active=1)
        >>> few.encode(torch.ones(2, 5, 3)).shape
        torch.Size([2, 5, 4])
    """

    def __init__(
        self,
        count: int,
        inputs: int,
        latents: int,
        *,
        active: int | None = None,
        penalties: Sequence[float] | None = None,
        seed: int = 0,
    ) -> None:
        for name, value in (("count", count), ("inputs", inputs), ("latents", latents)):
            check_integer(value, name, least=1)
        if (active is None) == (penalties is None):
            raise NumericError(
                f"expected one of active and penalties, got {active!r} and {penalties!r}"
            )
        if active is not None and check_integer(active, "active", least=1) > latents:
            raise NumericError(f"expected active to be at most {latents} latents, got {active}")
        if penalties is not None and len(penalties) != count:
            raise NumericError(
                f"expected penalties for {count} autoencoders, got {len(penalties)} of them"
            )
        generator = torch.Generator().manual_seed(seed)
        drawn = torch.randn(count, latents, inputs, generator=generator)
        self.directions = drawn / drawn.norm(dim=-1, keepdim=True)
        self.encoder = self.directions.clone()
        self.thresholds = torch.zeros(count, 1, latents)
        self.centre = torch.zeros(count, 1, inputs)
        self.active = active
        self.penalties = None if penalties is None else torch.tensor(list(penalties))

    def encode(self, states: Tensor) -> Tensor:
        """Return the latents of states, of shape (autoencoders, states, latents).

        Args:
            states: shape (autoencoders, states, inputs).
        """
        turned = self.encoder.transpose(1, 2)
        latents = torch.relu(torch.baddbmm(self.thresholds, states - self.centre, turned))
        if self.active is None:
            return latents
        largest = latents.topk(self.active, dim=-1)
        return torch.zeros_like(latents).scatter(-1, largest.indices, largest.values)

    def decode(self, latents: Tensor) -> Tensor:
        """Return the states that latents stand for.

        Args:
            latents: shape (autoencoders, states, latents).
        """
        return torch.baddbmm(self.centre, latents, self.directions)

    def part(self, which: slice) -> Autoencoders:
        """Return some of them, with the same weights.

        Args:
            which: of the first axis.
        """
        part = copy.copy(self)
        for name in ("directions", "encoder", "thresholds", "centre"):
            setattr(part, name, getattr(self, name)[which])
        part.penalties = None if self.penalties is None else self.penalties[which]
        return part

    @usual_torch(gradients=True)
    def fit(
        self,
        states: Tensor,
        steps: int,
        *,
        batch: int = 256,
        learning_rate: float = 3e-3,
        seed: int = 0,
    ) -> Autoencoders:
        """Train all of them, each on its own states, and return them.

        Args:
            states: shape (autoencoders, states, inputs).
            steps: of Adam.
            batch: states a step.
            learning_rate: the largest.
            seed: draws the states of each step, for each its own, and what is drawn anew.

        Raises:
            NumericError: the states are of another shape.
        """
        if states.ndim != 3 or states.shape[::2] != self.centre.shape[::2]:
            raise NumericError(
                f"expected states of shape ({len(self.centre)}, states, {self.centre.shape[2]}), "
                f"got {tuple(states.shape)}"
            )
        generator = torch.Generator().manual_seed(seed)
        self.centre = states.mean(dim=1, keepdim=True)
        spread = (states - self.centre).square().sum(dim=-1).mean(dim=1)
        parameters = [self.directions, self.encoder, self.thresholds, self.centre]
        for parameter in parameters:
            parameter.requires_grad_()
        optimizer = torch.optim.Adam(parameters, lr=learning_rate)
        fired = torch.zeros(self.directions.shape[:2])
        for step in range(steps):
            falling = (steps - step) / ((1 - _STEADY) * steps)
            for group in optimizer.param_groups:
                group["lr"] = learning_rate * min(1.0, (step + 1) / _WARM, falling)
            places = torch.randint(states.shape[1], (len(states), batch), generator=generator)
            chosen = states[torch.arange(len(states))[:, None], places]
            latents = self.encode(chosen)
            errors = (self.decode(latents) - chosen).square().sum(dim=-1)
            loss = errors.mean(dim=1) / spread
            if self.penalties is not None:
                loss = loss + self.penalties * latents.sum(dim=-1).mean(dim=1) / spread.sqrt()
            optimizer.zero_grad()
            torch.autograd.backward(loss.sum())
            with torch.no_grad():
                self._along_the_sphere()
                optimizer.step()
                self.directions /= self.directions.norm(dim=-1, keepdim=True)
                fired += (latents > 0).sum(dim=1)
                if (step + 1) % max(1, steps // _REDRAWN) == 0 and step < 0.55 * steps:
                    self._draw_anew(fired == 0, chosen, errors, generator)
                    fired.zero_()
        for parameter in parameters:
            parameter.requires_grad_(requires_grad=False)
        return self

    def _along_the_sphere(self) -> None:
        """Take from the gradient of directions what would change their lengths."""
        slope = self.directions.grad
        if slope is not None:
            slope -= (slope * self.directions).sum(dim=-1, keepdim=True) * self.directions

    def _draw_anew(
        self, dead: Tensor, states: Tensor, errors: Tensor, generator: torch.Generator
    ) -> None:
        """Point latents that never fired at states that are badly written."""
        for place, which in enumerate(dead):
            count = int(which.sum())
            if count:
                weights = errors[place] + 1e-12
                drawn = torch.multinomial(weights, count, replacement=True, generator=generator)
                rows = states[place, drawn] - self.centre[place]
                rows = rows / (rows.norm(dim=-1, keepdim=True) + 1e-9)
                self.directions[place, which], self.encoder[place, which] = rows, 0.5 * rows
                self.thresholds[place, 0, which] = 0
