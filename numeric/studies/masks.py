r"""Masks that make a network of one layer see a class in every image, from its weights alone.

The first features :math:`v_c` of all classes are not orthogonal. A mask :math:`m_c` is what one of
them reads and no other, a column of the pseudoinverse of their matrix:

.. math::
    v_b \cdot m_c = [b = c], \qquad m = V^{+}.

Its length and direction are its own; which way round it is added is what the network's gradient at
a blank image says, so that no image is looked at. Beside it stand random masks of the same length,
white ones and ones with the covariance of the images.

Source:
    M. T. Pearce et al., arXiv 2410.08417, section 4.4, for masks from pseudoinverses.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from numeric.data.digits import Digits
from numeric.explanation.pictures import draw_input
from numeric.networks.normal_form import Layer, handed_on
from numeric.studies.account import Section, Told, chosen, interval, said_interval, values
from numeric.studies.class_features import class_features
from numeric.studies.running import Row

Doubles = npt.NDArray[np.float64]

LENGTHS = (1.0, 2.0, 4.0, 6.0)
"""Of masks, in the Euclidean norm; an image of MNIST is 9 long."""

MASK, WHITE, ALIKE = "mask", "random, white", "random, of the images' covariance"

_IMAGES = 2_000


def class_masks(layers: Sequence[Layer]) -> Doubles:
    """Return a mask of length 1 for each class.

    Args:
        layers: of a network of one layer.

    Returns:
        Shape (classes, inputs).
    """
    readings = np.concatenate([each.supporting(1) for each in class_features(layers)])
    masks = np.linalg.pinv(readings).T
    masks /= np.linalg.norm(masks, axis=1, keepdims=True)
    # The slope at a blank image, exact for what is a quadratic.
    ahead, behind = (np.insert(sign * masks, 0, 1.0, axis=1) for sign in (1, -1))
    slope = np.diagonal((handed_on(layers, ahead) - handed_on(layers, behind))[:, 1:])
    return np.asarray(masks * np.where(slope < 0, -1, 1)[:, None])


def mask_rows(layers: Sequence[Layer], digits: Digits, seed: int) -> list[Row]:
    """Lay masks over the test images of all other classes.

    Args:
        layers: of a network of one layer.
        digits: images.
        seed: draws the random masks.

    Returns:
        A row for each kind of mask and each length: the shares of images that go to the mask's
        class and that keep their own, means over classes.
    """
    images = digits.test_images[:_IMAGES].astype(np.float64)
    labels = digits.test_labels[:_IMAGES]
    generator = np.random.default_rng(seed)
    own = class_masks(layers)
    white = generator.standard_normal(own.shape)
    centred = images - images.mean(axis=0)
    alike = generator.standard_normal((len(own), len(centred))) @ centred
    rows: list[Row] = []
    for kind, masks in ((MASK, own), (WHITE, white), (ALIKE, alike)):
        unit = masks / np.linalg.norm(masks, axis=1, keepdims=True)
        for length in LENGTHS:
            taken, kept = [], []
            for label, mask in enumerate(unit):
                others = labels != label
                wide = np.insert(images[others] + length * mask, 0, 1.0, axis=1)
                found = handed_on(layers, wide)[:, 1:].argmax(axis=1)
                taken.append(float((found == label).mean()))
                kept.append(float((found == labels[others]).mean()))
            row: Row = {"kind": kind, "length": length, "taken": float(np.mean(taken))}
            row |= {"kept": float(np.mean(kept)), "least taken": min(taken)}
            rows.append(row)
    rows[0]["masks"] = np.round(own, 4).tolist()
    return rows


def told_masks(rows: Sequence[Row]) -> Told:
    """Tell what masks do beside random ones.

    Args:
        rows: of :func:`mask_rows`, each with the regularisation of its network.
    """
    table: list[list[str]] = []
    good: list[str] = []
    bad: list[str] = []
    for name in dict.fromkeys(row["regularisation"] for row in rows):
        here = chosen(rows, regularisation=name)
        for length in LENGTHS:
            found = {kind: chosen(here, kind=kind, length=length) for kind in (MASK, WHITE, ALIKE)}
            table.append(
                [name, f"{length:g}"]
                + [
                    said_interval(values(some, column), ".1%")
                    for column in ("taken", "kept")
                    for some in found.values()
                ]
            )
        longest = {kind: chosen(here, kind=kind, length=LENGTHS[-2]) for kind in (MASK, ALIKE)}
        mask, control = (interval(values(some, "taken")) for some in longest.values())
        (good if mask[1] > control[2] else bad).append(
            f"Regularisation {name}: a mask of length {LENGTHS[-2]:g} brings {mask[0]:.0%} of the "
            f"images of other classes to its own, a random one of the images' covariance "
            f"{control[0]:.0%}."
        )
    words = (
        "The first features of all classes, and for each class the direction that its feature "
        "reads and no other does, added to test images of the other classes, not clipped to the "
        "range of pixels. Which share goes to the mask's class, and which keeps its own; means "
        "over classes and seeds. The paper (arXiv 2410.08417, section 4.4, figure 7) makes masks "
        "in this way, and tells that they mislabel images as their own class where random ones "
        "do not, less so where the network was trained with noise; its networks have no biases, "
        "and its controls are random alone."
    )
    columns = ("regularisation", "length", "taken: mask", "white", "alike")
    heads = (*columns, "kept: mask", "white", "alike")
    return Told(Section("Adversarial masks", [words], heads, table, "masks"), good, bad)


def masks_picture(rows: Sequence[Row], digits: Digits) -> Figure:
    """Draw the mask of each class, for each regularisation.

    Args:
        rows: as :func:`told_masks` takes them.
        digits: whose pictures they are.
    """
    names = list(dict.fromkeys(row["regularisation"] for row in rows))
    first = {
        name: next(row["masks"] for row in chosen(rows, regularisation=name) if "masks" in row)
        for name in names
    }
    classes = len(next(iter(first.values())))
    figure = Figure(figsize=(1.1 * classes, 1.2 * len(names) + 0.2), layout="constrained")
    grid = figure.subplots(len(names), classes, squeeze=False)
    for line, (name, masks) in zip(grid, first.items(), strict=True):
        for axes, mask in zip(line, masks, strict=True):
            draw_input(axes, np.asarray(mask), digits.shape)
        line[0].set_ylabel(name.replace(", ", ",\n"), fontsize=7)
    for label, axes in enumerate(grid[0]):
        axes.set_title(str(label), fontsize=8)
    return figure
