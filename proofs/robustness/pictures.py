"""Pictures of robustness: nearest neighbours, radii, accuracy by radius, adversarial directions.

Distances are in the Euclidean norm of the inputs. Colours are those of
M. Okabe and K. Ito, *Color Universal Design* (2008), which colour-blind readers can tell apart, and
every curve differs from the others in its style as well.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from numeric import InputShape
from numeric.explanation.pictures import draw_input
from numeric.networks.normal_form import Floats, check_array
from proofs.errors import ProofError
from proofs.robustness.directions import EffectTable
from proofs.robustness.trust_region import Classes

Doubles = npt.NDArray[np.float64]

_DISTANCE = "distance (Euclidean norm of the inputs)"

_STYLES: dict[str, dict[str, Any]] = {
    "certified": {"color": "#0072B2", "linestyle": "-", "linewidth": 2.0},
    "attacked": {"color": "#D55E00", "linestyle": "--", "linewidth": 1.3},
}
"""A dashed line over a solid one: both can be seen where they are one."""

_BINS = 50

_ROWS = "image", "step: red adds,\nblue takes", "nearest of\nanother class"


def neighbours_picture(
    images: Floats,
    points: Floats,
    predicted: Classes,
    rivals: Classes,
    radii: Floats,
    labels: Classes,
    shape: InputShape | None = None,
) -> Figure:
    """Draw images, the step from each to its nearest neighbour of another class, and the neighbour.

    Each image is a column. Ink is black; pixels of a neighbour beyond 0 or 1 are drawn as 0 or 1.
    The step is red where ink is added and blue where it is taken away, on a scale of its own, whose
    end is written below.

    Args:
        images: float32 or float64, shape (images, inputs); few, at least one.
        points: their nearest neighbours, of the same shape, such as those of
            :func:`proofs.robustness.trust_region.nearest_points`.
        predicted: the classes of the images, shape (images,).
        rivals: the classes that are reached at the neighbours, shape (images,).
        radii: the distances, shape (images,).
        labels: the right classes, shape (images,). They are written where they are not predicted.
        shape: of an input; left out, a square picture or bars.

    Returns:
        The same picture for the same arguments.

    Raises:
        ProofError: there is no image, or there are not as many of everything.
        NumericError: images, points or radii have another shape or dtype, or are not finite.

    Examples:
        >>> ink = np.array([[0.0, 0, 1, 1]])
        >>> one, two = np.array([1]), np.array([2])
        >>> figure = neighbours_picture(ink, ink / 2, one, two, np.array([0.707]), one)
        >>> [axes.get_title() for axes in figure.axes][0]
        '1 → 2'
    """
    if images.ndim != 2 or not images.size:
        raise ProofError(
            f"expected images of shape (images, inputs), at least one, got {images.shape}"
        )
    check_array(images, "images", images.shape)
    check_array(points, "points", images.shape)
    check_array(radii, "radii", (len(images),))
    for name, classes in (("predicted", predicted), ("rivals", rivals), ("labels", labels)):
        if classes.shape != (len(images),):
            raise ProofError(
                f"expected {name} to be {len(images)} classes, got shape {classes.shape}"
            )
    figure = Figure(figsize=(max(5.0, 0.6 + 1.25 * len(images)), 4.7), layout="constrained")
    figure.supxlabel(_DISTANCE, fontsize=9)
    grid = figure.subplots(3, len(images), squeeze=False)
    for axes, name in zip(grid[:, 0], _ROWS, strict=True):
        axes.set_ylabel(name, fontsize=9)
    steps = points.astype(np.float64) - images
    for column, (top, middle, bottom) in enumerate(grid.T):
        draw_input(top, images[column], shape, ink=True)
        draw_input(bottom, points[column], shape, ink=True)
        limit = float(abs(steps[column]).max())
        draw_input(middle, steps[column], shape)
        title = f"{predicted[column]} → {rivals[column]}"
        if labels[column] != predicted[column]:
            title += f" (is {labels[column]})"
        top.set_title(title, fontsize=10)
        middle.set_xlabel(f"± {limit:.3g}", fontsize=8, labelpad=2)
        bottom.set_xlabel(f"distance {radii[column]:.3g}", fontsize=8, labelpad=2)
    return figure


def draw_radii(axes: Axes, radii: Floats, attacked: Floats | None = None) -> Axes:
    """Draw how many images have which certified radius, and how near an attack came to them.

    Args:
        axes: where to draw.
        radii: within which no input is classified differently, shape (images,).
        attacked: distances of inputs that were found and are classified differently, shape
            (images,), infinite where none was found.

    Returns:
        The same axes: histograms over the same bins, with their medians. Infinite distances are
        beyond the picture, and counted in the legend.

    Raises:
        ProofError: there is no image, or an array has another shape or dtype, or holds a NaN or a
            negative number.

    Examples:
        >>> axes = draw_radii(Figure().subplots(), np.array([1.0, 2.0, 2.0]))
        >>> [text.get_text() for text in axes.get_legend().get_texts()]
        ['certified, median 2']
    """
    curves = _checked(radii, attacked)
    edges = np.linspace(0, _end(curves.values()), _BINS + 1)
    for name, distances in curves.items():
        median = float(np.median(distances))
        label = f"{name}, median {median:.3g}"
        if infinite := int(np.isinf(distances).sum()):
            label += f" ({infinite:,} infinite)"
        counts, _ = np.histogram(distances[np.isfinite(distances)], edges)
        if name == "certified":
            axes.stairs(counts, edges, fill=True, alpha=0.4, color=_STYLES[name]["color"])
        axes.stairs(counts, edges, label=label, **_STYLES[name])
        if math.isfinite(median):
            axes.axvline(median, **_STYLES[name])
    axes.set_ylabel(f"images a bin (of {len(radii):,})")
    _finish(axes, edges[-1], "best")
    return axes


def draw_accuracy(
    axes: Axes, radii: Floats, correct: npt.NDArray[np.bool_], attacked: Floats | None = None
) -> Axes:
    """Draw which share of images stays right, whatever change of a length is made to them.

    It lies between two curves: the share of images that are right and whose certified radius is
    beyond the length, and the share of those that are right and for which the attack found nothing
    within it.

    Args:
        axes: where to draw.
        radii: within which no input is classified differently, shape (images,).
        correct: whether each image is classified rightly, shape (images,).
        attacked: distances of inputs that were found and are classified differently, shape
            (images,), infinite where none was found.

    Returns:
        The same axes: steps at every distance. What lies between them is shaded.

    Raises:
        ProofError: as :func:`draw_radii`, or there are not as many booleans.

    Examples:
        >>> right = np.array([True, True, False])
        >>> axes = draw_accuracy(Figure().subplots(), np.array([1.0, 2.0, 2.0]), right)
        >>> axes.lines[0].get_xdata(), axes.lines[0].get_ydata().round()
        (array([0., 1., 2.]), array([67., 33.,  0.]))
    """
    curves = _checked(radii, attacked)
    if correct.dtype != np.bool_ or correct.shape != radii.shape:
        raise ProofError(
            f"expected correct to be {len(radii)} booleans, got {correct.dtype} of shape "
            f"{correct.shape}"
        )
    right = {name: np.sort(distances[correct]) for name, distances in curves.items()}
    steps = np.unique(np.concatenate([[0.0], *right.values()]))
    steps = steps[np.isfinite(steps)]
    shares = [
        100 * (len(found) - np.searchsorted(found, steps, side="right")) / len(radii)
        for found in right.values()
    ]
    if len(shares) == 2:
        lower, upper = shares
        axes.fill_between(
            steps, lower, upper, step="post", color="0.85", label="neither certified nor refuted"
        )
    for name, share in zip(curves, shares, strict=True):
        label = "certified (at least)" if name == "certified" else "attacked (at most)"
        axes.step(steps, share, where="post", label=label, **_STYLES[name])
    axes.set_ylabel(f"right answers (% of {len(radii):,} images)")
    axes.set_ylim(0, 100)
    # Where the curves are high there are short distances: this corner is free.
    _finish(axes, _end(right.values()), "upper right")
    return axes


def directions_picture(table: EffectTable, classes: int, shape: InputShape | None = None) -> Figure:
    """Draw adversarial directions: a row a predicted class, a column a rival.

    Below each is the median distance that images of the class go along it until another class is
    reached, and in brackets that along a random direction. Both ways count, so the picture with the
    colours swapped is the same direction. The same colours stand for the same numbers everywhere.

    Args:
        table: what the directions do; of several between two classes the first is drawn.
        classes: how many there are.
        shape: of an input; left out, a square picture or bars.

    Returns:
        The same picture for the same table. Where there is no direction, a place is empty.

    Raises:
        ProofError: a direction of the table is between other classes.

    Examples:
        >>> directions_picture(EffectTable((), ()), 3).axes[1].get_title()
        '→ 1'
    """
    size = max(5.0, classes + 0.6), 1.22 * classes + 0.6
    figure = Figure(figsize=size, layout="constrained")
    figure.supxlabel(f"median {_DISTANCE};\nin brackets along a random direction", fontsize=9)
    figure.supylabel("predicted", fontsize=9)
    grid = figure.subplots(classes, classes, squeeze=False)
    for label in range(classes):
        grid[0, label].set_title(f"→ {label}", fontsize=10)
        grid[label, 0].set_ylabel(f"{label}", fontsize=10, rotation=0, labelpad=8)
    for axes in grid.flat:
        axes.set(frame_on=False, xticks=[], yticks=[], box_aspect=1)
    limit = max((float(abs(e.direction.vector).max()) for e in table.effects), default=1.0)
    for effect in table.effects:
        direction = effect.direction
        if not {direction.predicted, direction.rival} <= {*range(classes)}:
            raise ProofError(
                f"expected table to be of classes from 0 to {classes - 1}, got a direction from "
                f"{direction.predicted} to {direction.rival}"
            )
        axes = grid[direction.predicted, direction.rival]
        if not axes.has_data():
            axes.set_frame_on(True)
            draw_input(axes, direction.vector, shape, limit=limit)
            caption = f"{effect.along.median:.3g} ({effect.random.median:.3g})"
            axes.set_xlabel(caption.replace("inf", "∞"), fontsize=8, labelpad=2)
    return figure


def _checked(radii: Floats, attacked: Floats | None) -> dict[str, Doubles]:
    """Return the distances that there are, by name."""
    given = {"certified": radii} if attacked is None else {"certified": radii, "attacked": attacked}
    for name, distances in zip(("radii", "attacked"), given.values(), strict=False):
        if distances.dtype not in (np.float32, np.float64):
            raise ProofError(f"expected {name} to be float32 or float64, got {distances.dtype}")
        if distances.ndim != 1 or not distances.size or distances.shape != radii.shape:
            wanted = (
                f"shape {radii.shape}"
                if radii.ndim == 1 and radii.size
                else "1 axis, at least one image"
            )
            raise ProofError(f"expected {name} to have {wanted}, got shape {distances.shape}")
        if not (distances >= 0).all():
            least = distances[~(distances >= 0)][0]
            raise ProofError(f"expected {name} not to be negative, got {least}")
    return {name: distances.astype(np.float64) for name, distances in given.items()}


def _end(distances: Iterable[Doubles]) -> float:
    """Return the largest finite distance, 1 if there is none but 0."""
    return max(float(found[np.isfinite(found)].max(initial=0)) for found in distances) or 1.0


def _finish(axes: Axes, end: float, corner: Literal["best", "upper right"]) -> None:
    axes.set_xlim(0, end)
    axes.set_xlabel(_DISTANCE)
    axes.grid(visible=True, alpha=0.3)
    axes.legend(loc=corner)
