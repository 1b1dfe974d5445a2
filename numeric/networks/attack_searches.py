r"""Two searches for small changes to images with which a module predicts another class.

One projects: it moves to the nearest point at which the margin over a rival, as it is linearised
where the search stands, vanishes. Where that comes to rest the change is as steep as the margin, as
at every nearest point of a boundary. The other descends: projected gradient descent on the margin,
with the radius of the ball as one more unknown.

Source:
    S.-M. Moosavi-Dezfooli et al., *DeepFool: a simple and accurate method to fool deep neural
    networks*, CVPR 2016, arXiv 1511.04599, for boundaries that are linearised; A. Madry et al.,
    *Towards Deep Learning Models Resistant to Adversarial Attacks*, ICLR 2018, arXiv 1706.06083,
    for projected gradient descent with restarts; J. Rony et al., *Decoupling Direction and Norm for
    Efficient Gradient-Based L2 Adversarial Attacks and Defenses*, CVPR 2019, arXiv 1811.09600, for
    the radius.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from numeric.errors import NumericError

_PROJECTIONS = 30
"""How often the boundary is linearised on the way to one rival."""

_SHARE = 0.7, 0.01
"""Which part of the way to the linearised boundary the first and the last projection go."""

_CUTS = 10
"""How often a step to the boundary is lengthened for the pixels that the box holds back."""

_BEYOND = 1.1
"""How far beyond where a search came to rest another class is looked for: a factor."""

_HALVINGS = 40
"""How often the segment between an image and its attack is halved."""

_STRIDE = 0.5, 0.02
"""Lengths of the first and of the last step of a descent, relative to the radius."""

_GROWTH = 0.2, 0.005
"""By which share the radius changes in the first and in the last step of a descent."""

_TRIFLE = 1e-12
"""By how much of the largest output another must be larger to count as larger: what rounding,
which changes with the images computed at once, does not undo."""

_TINY = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True)
class Norm:
    """What an attack needs to know of a norm; all functions work along the last axis.

    Attributes:
        size: the norm itself.
        dual: its dual: by how much a unit step can change a linear function.
        steepest: the unit step that increases a linear function most.
        project: brings a change to a radius.
    """

    size: Callable[[Tensor], Tensor]
    dual: Callable[[Tensor], Tensor]
    steepest: Callable[[Tensor], Tensor]
    project: Callable[[Tensor, Tensor], Tensor]


def _length(change: Tensor) -> Tensor:
    length: Tensor = torch.linalg.vector_norm(change, dim=-1, keepdim=True)
    return length


def _direction(change: Tensor) -> Tensor:
    """Return a vector of length 1, or the zero vector as it is."""
    scaled: Tensor = change / change.abs().amax(dim=-1, keepdim=True).clamp_min(_TINY)
    return scaled / _length(scaled).clamp_min(_TINY)


NORMS = {
    "L2": Norm(
        size=_length,
        dual=_length,
        steepest=_direction,
        project=lambda change, radius: radius * _direction(change),
    ),
    "Linf": Norm(
        size=lambda change: change.abs().amax(dim=-1, keepdim=True),
        dual=lambda slope: slope.abs().sum(dim=-1, keepdim=True),
        steepest=torch.sign,
        project=lambda change, radius: change.clamp(-radius, radius),
    ),
}


class Search:
    """The attack on a few images at once: what any of its searches finds nearest stays.

    Args:
        module: maps (images, inputs) to (images, outputs), in float64.
        images: shape (images, inputs).
        classes: of the images, int64, shape (images,).
        norm: in which a change is small.
        box: whether every pixel stays in [0, 1].

    Attributes:
        points: the nearest that was found for each image, shape (images, inputs).
        distance: how far it is, infinite where there is none, shape (images, 1).

    Raises:
        NumericError: the classes are not among at least 2 outputs, or these have no gradient.
    """

    def __init__(
        self, module: nn.Module, images: Tensor, classes: Tensor, norm: Norm, *, box: bool
    ) -> None:
        self._module, self._images, self._norm, self._box = module, images, norm, box
        outputs = module(images.clone().requires_grad_())
        self._classes = _checked_classes(classes, outputs)
        self.points = images
        # Where an output is no number, or beyond all, no class is predicted.
        self.distance = torch.zeros_like(images[:, :1])
        self.distance[outputs.isfinite().all(dim=1)] = math.inf
        self._note(self._margin(images), images)
        self._rivals, self._radii = self._by_distance()

    def project(self, rivals: int) -> None:
        """Head from the images for some rivals each, by projections on the linearised margin.

        Args:
            rivals: how many, those first whose linearised margin vanishes nearest.
        """
        chosen = self._rivals[:, :rivals]
        for_each = self._repeated(chosen.shape[1])
        for_each.head_for(chosen.reshape(-1, 1))
        self._keep(for_each)

    def polish(self) -> None:
        """Go on by projections from the points that were found, for the classes there."""
        with torch.no_grad():
            others = self._module(self.points).scatter(1, self._classes, -math.inf)
        self.head_for(others.argmax(dim=1, keepdim=True), self.points - self._images)

    def _repeated(self, times: int) -> Search:
        """Return the same search with each image several times in a row."""
        search = copy.copy(self)
        for name in ("_images", "_classes", "points", "distance"):
            setattr(search, name, getattr(self, name).repeat_interleave(times, dim=0))
        return search

    def _keep(self, other: Search) -> None:
        """Keep the nearest of what a repeated search found for each image."""
        distances = other.distance.reshape(len(self._images), -1)
        if distances.numel():
            self.distance, best = distances.min(dim=1, keepdim=True)
            rows = torch.arange(len(best), device=best.device) * distances.shape[1] + best[:, 0]
            self.points = other.points[rows]

    def head_for(self, rivals: Tensor, start: Tensor | float = 0.0) -> None:
        """Project again and again on the linearised margin over one rival an image; close in.

        Args:
            rivals: int64, shape (images, 1).
            start: the change at first, shape (images, inputs).
        """
        change = start + torch.zeros_like(self._images)
        for step in range(_PROJECTIONS):
            points = self._placed(change)
            margin, aim, slope = self._slopes(points, rivals)
            self._note(margin, points)
            fall = aim - (slope * (points - self._images)).sum(dim=1, keepdim=True)
            share = _scheduled(_SHARE, step, _PROJECTIONS)
            change = change + share * (self._falling(slope, fall) - change)
        self._close_in(_BEYOND * change)

    def descend(self, steps: int, restart: int, generator: torch.Generator) -> None:
        """Go down the margin, and close in: from the images for any class, later for one from afar.

        Args:
            steps: how many there are.
            restart: from 0; from 1 on the start is drawn.
            generator: draws it, on the CPU.
        """
        norm, chosen = self._norm, (restart - 1) % self._rivals.shape[1]
        rivals = self._rivals[:, chosen, None] if restart else None
        points = self._images
        radius = torch.minimum(self.distance, self._radii[:, chosen if restart else 0, None])
        if restart:
            drawn = torch.randn(points.shape, generator=generator, dtype=points.dtype)
            points = self._placed(radius * norm.steepest(drawn.to(points.device)))
        for step in range(steps):
            margin, _, slope = self._slopes(points, rivals)
            self._note(margin, points)
            growth = _scheduled(_GROWTH, step, steps)
            reached = (margin < 0) | ~margin.isfinite()
            radius = radius * torch.where(reached, 1 - growth, 1 + growth)
            stride = _scheduled(_STRIDE, step, steps) * radius
            change = points - self._images - stride * norm.steepest(slope)
            points = self._placed(norm.project(change, radius))
        self._note(self._margin(points), points)
        self._close_in(self.points - self._images)

    def _close_in(self, change: Tensor) -> None:
        """Look for the boundary between the images and where a change leads, by halving."""
        inner, outer = torch.zeros_like(self.distance), torch.ones_like(self.distance)
        self._note(self._margin(self._placed(change)), self._placed(change))
        for _ in range(_HALVINGS):
            middle = (inner + outer) / 2
            points = self._placed(middle * change)
            margin = self._margin(points)
            self._note(margin, points)
            inner = torch.where(margin < 0, inner, middle)
            outer = torch.where(margin < 0, middle, outer)

    def _placed(self, change: Tensor) -> Tensor:
        points = self._images + change
        return points.clamp(0, 1) if self._box else points

    def _note(self, margin: Tensor, points: Tensor) -> None:
        """Keep the points that are misclassified and nearer than those before."""
        distance = self._norm.size(points - self._images)
        better = (margin < 0) & (distance < self.distance)
        self.points = torch.where(better, points, self.points)
        self.distance = torch.where(better, distance, self.distance)

    def _falling(self, slope: Tensor, fall: Tensor) -> Tensor:
        """Return the smallest changes by which linear functions fall by an amount, or by more.

        Where the box holds some pixels back the others make up for it, as far as they can. Where a
        slope is unknown or flat there is no change.
        """
        unit, rate = self._norm.steepest(slope), self._norm.dual(slope)
        length = _quotient(fall.clamp_min(0), rate)
        # What falls within the box is concave in the length: Newton's steps end at the root.
        for _ in range(_CUTS if self._box else 0):
            points = self._images - length * unit
            missing = fall + (slope * (points.clamp(0, 1) - self._images)).sum(dim=1, keepdim=True)
            free = (points >= 0) & (points <= 1)
            rate = torch.where(free, slope * unit, 0.0).sum(dim=1, keepdim=True)
            length = length + _quotient(missing.clamp_min(0), rate)
        return self._placed(-length * unit) - self._images

    def _by_distance(self) -> tuple[Tensor, Tensor]:
        """Return the other classes by the radius at which their linearised margin vanishes.

        Classes and radii have the shape (images, outputs - 1).
        """
        leaf = self._images.detach().requires_grad_()
        outputs: Tensor = self._module(leaf)
        margins = outputs.gather(1, self._classes) - outputs
        slopes = [
            torch.autograd.grad(column.sum(), leaf, retain_graph=True)[0] for column in margins.T
        ]
        sizes = torch.cat([self._norm.dual(slope) for slope in slopes], dim=1)
        radii = margins.detach() / sizes
        # Where a margin is flat nothing is known, and 1 is as good a radius as any.
        radii = torch.where(torch.isfinite(radii) & (radii > 0), radii, 1.0)
        radii, order = radii.scatter(1, self._classes, math.inf).sort(dim=1, stable=True)
        return order[:, :-1], radii[:, :-1]

    def _margin(self, points: Tensor) -> Tensor:
        with torch.no_grad():
            return self._lead(self._module(points))

    def _slopes(self, points: Tensor, rivals: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """Return the margin over all classes, and that over the rivals with its gradient."""
        leaf = points.detach().requires_grad_()
        outputs: Tensor = self._module(leaf)
        margin = self._lead(outputs)
        own = outputs.gather(1, self._classes)
        aim = margin if rivals is None else own - outputs.gather(1, rivals)
        (slope,) = torch.autograd.grad(aim.sum(), leaf)
        # Where nothing can be computed no direction is known.
        known = slope.isfinite().all(dim=1, keepdim=True)
        return margin.detach(), aim.detach(), torch.where(known, slope, 0.0)

    def _lead(self, outputs: Tensor) -> Tensor:
        """Return the lead of the class over all others, a trifle added, of shape (images, 1).

        It is never negative where an output is not finite.
        """
        own = outputs.gather(1, self._classes)
        others = outputs.scatter(1, self._classes, -math.inf).amax(dim=1, keepdim=True)
        return own - others + _TRIFLE * outputs.detach().abs().amax(dim=1, keepdim=True)


def _quotient(numerator: Tensor, denominator: Tensor) -> Tensor:
    """Divide; what is not finite then counts as nothing."""
    quotient = numerator / denominator
    return torch.where(quotient.isfinite(), quotient, 0.0)


def _scheduled(ends: tuple[float, float], step: int, steps: int) -> float:
    """Return a value on the half cosine from the first of the ends to the last."""
    first, last = ends
    return last + (first - last) * (1 + math.cos(math.pi * step / steps)) / 2


def _checked_classes(classes: Tensor, outputs: Tensor) -> Tensor:
    """Return the classes in a column, if they are some of several outputs."""
    if outputs.ndim != 2 or outputs.shape[1] < 2:
        raise NumericError(
            f"expected module to have at least 2 outputs an image, got shape {tuple(outputs.shape)}"
        )
    if not outputs.requires_grad:
        raise NumericError("expected module to be differentiable, got outputs without a gradient")
    outside = (classes < 0) | (classes >= outputs.shape[1])
    if outside.any():
        raise NumericError(
            f"expected classes from 0 to {outputs.shape[1] - 1}, got {int(classes[outside][0])}"
        )
    return classes[:, None]
