r"""Attacks: small changes to images with which a module predicts another class.

An attack is an upper bound beside a certified radius. The search is projected gradient descent on
the margin of the class, with the radius of the ball as one more unknown: it shrinks while the
image in it is misclassified and grows while it is not. From the smallest change found, the boundary
is sought by bisection along the segment to the image.

Source:
    A. Madry et al., *Towards Deep Learning Models Resistant to Adversarial Attacks*, ICLR 2018,
    arXiv 1706.06083, for projected gradient descent with restarts; J. Rony et al., *Decoupling
    Direction and Norm for Efficient Gradient-Based L2 Adversarial Attacks and Defenses*, CVPR 2019,
    arXiv 1811.09600, for the radius.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from numeric.errors import NumericError
from numeric.networks.inference import as_tensor, settled_copy, usual_torch
from numeric.networks.network import check_integer
from numeric.networks.normal_form import Floats, check_array

Doubles = npt.NDArray[np.float64]

_BATCH = 500
"""How many images are attacked at once."""

_HALVINGS = 40
"""How often the segment between an image and its attack is halved."""

_STRIDE = 0.5, 0.02
"""Lengths of the first and of the last step, relative to the radius."""

_TRIFLE = 1e-12
"""By how much of the largest output another must be larger to count as larger: what rounding,
which changes with the images computed at once, does not undo."""

_GROWTH = 0.2, 0.005
"""By which share the radius changes in the first and in the last step."""


@dataclass(frozen=True, eq=False)
class Attack:
    """The smallest changes that were found to make a module predict another class.

    Attributes:
        points: the changed images, shape (images, inputs); where nothing was found, the image.
        distances: of the points from the images, in the norm of the attack, shape (images,); 0
            where the image itself is misclassified, or has an output that is not finite and so no
            class; infinite where nothing was found.
    """

    points: Doubles
    distances: Doubles


@dataclass(frozen=True)
class _Norm:
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


_TINY = float(np.finfo(np.float64).tiny)


def _length(change: Tensor) -> Tensor:
    length: Tensor = torch.linalg.vector_norm(change, dim=-1, keepdim=True)
    return length


def _direction(change: Tensor) -> Tensor:
    """Return a vector of length 1, or the zero vector as it is."""
    scaled: Tensor = change / change.abs().amax(dim=-1, keepdim=True).clamp_min(_TINY)
    return scaled / _length(scaled).clamp_min(_TINY)


_NORMS = {
    "L2": _Norm(
        size=_length,
        dual=_length,
        steepest=_direction,
        project=lambda change, radius: radius * _direction(change),
    ),
    "Linf": _Norm(
        size=lambda change: change.abs().amax(dim=-1, keepdim=True),
        dual=lambda slope: slope.abs().sum(dim=-1, keepdim=True),
        steepest=torch.sign,
        project=lambda change, radius: change.clamp(-radius, radius),
    ),
}


@usual_torch(gradients=True)
def attack(
    module: nn.Module,
    images: Floats,
    classes: npt.NDArray[np.integer[Any]],
    *,
    generator: torch.Generator,
    norm: str = "L2",
    restarts: int = 3,
    steps: int = 100,
    box: bool = False,
) -> Attack:
    r"""Search for the smallest changes with which a module no longer predicts the given classes.

    Step :math:`k` goes against the gradient of the margin
    :math:`y_c - \max_{j \ne c} y_j`, by a share :math:`\alpha_k` of the radius
    :math:`\varepsilon`, and back to the ball,

    .. math::
        \delta \leftarrow \Pi_\varepsilon\big(\delta - \alpha_k\,\varepsilon\,u\big), \qquad
        \varepsilon \leftarrow \varepsilon\,(1 \mp \gamma_k),

    where :math:`u` is the steepest unit step, and the radius shrinks where the image in it is
    misclassified. The first search starts at the image itself and heads for any other class. Each
    later one starts at random and heads for one class, those first whose linearised margin vanishes
    nearest. Everything is computed in float64, on the device of the module, by a copy of it in eval
    mode.

    Args:
        module: maps (images, inputs) to (images, outputs); it stays as it is.
        images: float32 or float64, shape (images, inputs).
        classes: of the images: those that the module predicts, or the right ones, shape (images,).
        generator: draws the random starts, on the CPU.
        norm: ``"L2"`` or ``"Linf"``.
        restarts: how many searches there are for each image; the best counts.
        steps: of each search.
        box: whether every pixel stays in [0, 1].

    Returns:
        For each image the nearest point found at which another output is larger than that of its
        class, checked in float64. A point beside an image at which an output is not finite does not
        count: it may only lie too far away for float64.

    Raises:
        NumericError: an argument has another kind, shape or range, or the images are to stay in a
            box that they are not in.

    Examples:
        >>> module = nn.Linear(2, 2, bias=False)
        >>> _ = nn.init.eye_(module.weight)
        >>> draw = torch.Generator().manual_seed(0)
        >>> found = attack(module, np.array([[4.0, 0.0]]), np.array([0]), generator=draw)
        >>> found.points.round(6)
        array([[2., 2.]])
    """
    _check(images, classes, norm, box=box)
    check_integer(restarts, "restarts", least=1)
    check_integer(steps, "steps", least=1)
    judge = settled_copy(module).double()
    device = next(iter(module.state_dict().values()), torch.zeros(0)).device
    points = images.astype(np.float64)
    distances = np.zeros(len(images))
    for start in range(0, len(images), _BATCH):
        rows = slice(start, start + _BATCH)
        pixels = as_tensor(points[rows]).to(device)
        labels = as_tensor(classes[rows].astype(np.int64)).to(device)
        search = _Search(judge, pixels, labels, _NORMS[norm], box=box)
        for restart in range(restarts):
            search.run(steps, restart, generator)
            search.close_in()
        points[rows] = search.points.cpu().numpy()
        distances[rows] = search.distance[:, 0].cpu().numpy()
    return Attack(points, distances)


class _Search:
    """The attack on a few images at once.

    Attributes:
        points: the nearest that was found for each image, shape (images, inputs).
        distance: how far it is, infinite where there is none, shape (images, 1).
    """

    def __init__(
        self, module: nn.Module, images: Tensor, classes: Tensor, norm: _Norm, *, box: bool
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

    def run(self, steps: int, restart: int, generator: torch.Generator) -> None:
        """Search once: from the images for any class, in later restarts from afar for one."""
        norm, chosen = self._norm, (restart - 1) % self._rivals.shape[1]
        rivals = self._rivals[:, chosen, None] if restart else None
        points = self._images
        radius = torch.minimum(self.distance, self._radii[:, chosen if restart else 0, None])
        if restart:
            drawn = torch.randn(points.shape, generator=generator, dtype=points.dtype)
            points = self._placed(radius * norm.steepest(drawn.to(points.device)))
        for step in range(steps):
            margin, slope = self._margin_and_slope(points, rivals)
            self._note(margin, points)
            growth = _scheduled(_GROWTH, step, steps)
            reached = (margin < 0) | ~margin.isfinite()
            radius = radius * torch.where(reached, 1 - growth, 1 + growth)
            stride = _scheduled(_STRIDE, step, steps) * radius
            change = points - self._images - stride * norm.steepest(slope)
            points = self._placed(norm.project(change, radius))
        self._note(self._margin(points), points)

    def close_in(self) -> None:
        """Move what was found to the boundary, along the segments to the images."""
        change = self.points - self._images
        inner, outer = torch.zeros_like(self.distance), torch.ones_like(self.distance)
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

    def _margin_and_slope(self, points: Tensor, rivals: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return the margin over all classes, and the gradient of that over the rivals."""
        leaf = points.detach().requires_grad_()
        outputs: Tensor = self._module(leaf)
        margin = self._lead(outputs)
        own = outputs.gather(1, self._classes)
        aim = margin if rivals is None else own - outputs.gather(1, rivals)
        (slope,) = torch.autograd.grad(aim.sum(), leaf)
        # Where nothing can be computed the radius shrinks, and the direction stays.
        known = slope.isfinite().all(dim=1, keepdim=True)
        return margin.detach(), torch.where(known, slope, 0.0)

    def _lead(self, outputs: Tensor) -> Tensor:
        """Return the lead of the class over all others, a trifle added, of shape (images, 1).

        It is never negative where an output is not finite.
        """
        own = outputs.gather(1, self._classes)
        others = outputs.scatter(1, self._classes, -math.inf).amax(dim=1, keepdim=True)
        return own - others + _TRIFLE * outputs.detach().abs().amax(dim=1, keepdim=True)


def _scheduled(ends: tuple[float, float], step: int, steps: int) -> float:
    """Return a value on the half cosine from the first of the ends to the last."""
    first, last = ends
    return last + (first - last) * (1 + math.cos(math.pi * step / steps)) / 2


def _check(images: Floats, classes: npt.NDArray[np.integer[Any]], norm: str, *, box: bool) -> None:
    if images.ndim != 2:
        raise NumericError(f"expected images of shape (images, inputs), got {images.shape}")
    check_array(images, "images", images.shape)
    if not np.issubdtype(classes.dtype, np.integer) or classes.shape != images.shape[:1]:
        raise NumericError(
            f"expected classes to be {len(images)} integers, got {classes.dtype} of shape "
            f"{classes.shape}"
        )
    if norm not in _NORMS:
        raise NumericError(f"expected norm to be one of {', '.join(_NORMS)}, got {norm!r}")
    if box and images.size and not 0 <= images.min() <= images.max() <= 1:
        raise NumericError(
            f"expected images within [0, 1] for an attack in this box, got pixels from "
            f"{images.min():g} to {images.max():g}"
        )


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
