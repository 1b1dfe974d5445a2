r"""Attacks: small changes to images with which a module predicts another class.

An attack is an upper bound beside a certified radius. Two kinds of search look for the nearest
point of another class: projections on the linearised margin over each of the nearest rivals, which
nearly always end there, and projected gradient descent from random starts, for what lies elsewhere
(:mod:`numeric.networks.attack_searches`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from numeric.errors import NumericError
from numeric.networks.attack_searches import NORMS, Search
from numeric.networks.inference import as_tensor, settled_copy, usual_torch
from numeric.networks.normal_form import Floats, check_array
from numeric.scalars import check_integer

Doubles = npt.NDArray[np.float64]

_BATCH = 200
"""How many images are attacked at once."""

_RIVALS = 4
"""How many of the nearest other classes are headed for by projections."""


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

    For each of the nearest rivals :math:`j`, those whose linearised margin vanishes nearest, a
    change :math:`\delta`, at first 0, moves towards the nearest point at which the margin
    :math:`m = y_c - y_j`, with its gradient :math:`g` there, seems to vanish,

    .. math::
        \delta \leftarrow (1 - \eta_k)\,\delta
        - \eta_k\,\frac{\max(0, m - g \cdot \delta)}{\lVert g \rVert_*}\,u ,

    with the dual norm and the steepest unit step :math:`u`. Beside them each restart is projected
    gradient descent on the margin over all classes, in a ball of a radius :math:`\varepsilon` that
    shrinks while the image in it is misclassified, and grows while it is not,

    .. math::
        \delta \leftarrow \Pi_\varepsilon\big(\delta - \alpha_k\,\varepsilon\,u\big), \qquad
        \varepsilon \leftarrow \varepsilon\,(1 \mp \gamma_k).

    The first starts at the image itself and heads for any other class, each later one at random and
    for one class. Whatever is found is brought to the boundary by bisection along the segment to
    the image, and from the nearest point projections go on. Everything is computed in
    float64, on the device of the module, by a copy of it in eval mode.

    Args:
        module: maps (images, inputs) to (images, outputs); it stays as it is.
        images: float32 or float64, shape (images, inputs).
        classes: of the images: those that the module predicts, or the right ones, shape (images,).
        generator: draws the random starts, on the CPU.
        norm: ``"L2"`` or ``"Linf"``.
        restarts: how many descents there are beside the projections; the best of all counts. With
            0 nothing is drawn, and it takes a quarter of the time.
        steps: of each descent.
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
    check_integer(restarts, "restarts", least=0)
    check_integer(steps, "steps", least=1)
    judge = settled_copy(module).double()
    device = next(iter(module.state_dict().values()), torch.zeros(0)).device
    points = images.astype(np.float64)
    distances = np.zeros(len(images))
    for start in range(0, len(images), _BATCH):
        rows = slice(start, start + _BATCH)
        pixels = as_tensor(points[rows]).to(device)
        labels = as_tensor(classes[rows].astype(np.int64)).to(device)
        search = Search(judge, pixels, labels, NORMS[norm], box=box)
        # Descents come first: beside a near point they would start nearer, and see less.
        for restart in range(restarts):
            search.descend(steps, restart, generator)
        search.project(_RIVALS)
        search.polish()
        points[rows] = search.points.cpu().numpy()
        distances[rows] = search.distance[:, 0].cpu().numpy()
    return Attack(points, distances)


def _check(images: Floats, classes: npt.NDArray[np.integer[Any]], norm: str, *, box: bool) -> None:
    if images.ndim != 2:
        raise NumericError(f"expected images of shape (images, inputs), got {images.shape}")
    check_array(images, "images", images.shape)
    if not np.issubdtype(classes.dtype, np.integer) or classes.shape != images.shape[:1]:
        raise NumericError(
            f"expected classes to be {len(images)} integers, got {classes.dtype} of shape "
            f"{classes.shape}"
        )
    if norm not in NORMS:
        raise NumericError(f"expected norm to be one of {', '.join(NORMS)}, got {norm!r}")
    if box and images.size and not 0 <= images.min() <= images.max() <= 1:
        raise NumericError(
            f"expected images within [0, 1] for an attack in this box, got pixels from "
            f"{images.min():g} to {images.max():g}"
        )
