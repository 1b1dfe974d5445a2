r"""By how much all numbers of an image may change at once.

With weights :math:`d_i > 0` the cube :math:`|v_i| \le \varepsilon` lies in an ellipsoid,

.. math:: \sum_i d_i v_i^2 \le \varepsilon^2 \sum_i d_i .

In numbers multiplied by :math:`\sqrt{d_i}` it is a ball, and a margin is bounded as on any other
(:mod:`proofs.bounds.certified_radii`), in slabs, too. Along a margin's slope :math:`g` it reaches
no further than the cube for :math:`d_i = |g_i|`; with some of their mean added no number is free.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from threadpoolctl import ThreadpoolController

from numeric import Layer
from numeric.networks.normal_form import Floats
from proofs.bounds.certified_radii import (
    FIRST,
    SHORTENED,
    CertifiedRadii,
    Classes,
    Proofs,
    usual_slabs,
)
from proofs.bounds.hidden_directions import FAR, MORE, HiddenDirections, signs
from proofs.bounds.lagrangian import Margin
from proofs.bounds.norms import schatten_norms
from proofs.bounds.relaxation import bending_directions
from proofs.bounds.rivals import Rival
from proofs.bounds.slabs import vanishing
from proofs.bounds.surroundings import Stack, Surroundings, surroundings
from proofs.bounds.whole_balls import NEAR

Doubles = npt.NDArray[np.float64]

SHARE = 0.8
"""How much of the mean size of the slopes is added to each; the checker has it, too."""


def certified_changes(
    layers: Sequence[Layer],
    images: Floats,
    classes: Classes,
    directions: HiddenDirections | None = None,
    slabs: int | None = None,
) -> CertifiedRadii:
    r"""Find by how much all numbers of each image may change within its class.

    Args:
        layers: in the normal form.
        images: shape (images, inputs).
        classes: that are to be kept, shape (images,).
        directions: of hidden states that have multipliers; left out, they are found near the
            images.
        slabs: into how many an ellipsoid may be divided; 1 where none is to be, and left out, for
            networks of at most two layers with neurons.

    Returns:
        Radii in the largest of all changes, at most a million, and multipliers.

    Raises:
        ProofError: a hidden state has no constant.
        NumericError: a layer is none.

    Examples:
        >>> square = Layer(np.eye(2)[1:], np.eye(2)[1:], np.eye(3)[:, 1:2], np.eye(3)[:, :2] * 0)
        >>> linear = np.array([[1.0, 0, 0], [0, 1, 0], [3, 0, 0]])
        >>> last = Layer(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros((3, 0)), linear)
        >>> first = square._replace(linear=np.eye(3, 2) * [1, 0])
        >>> certified_changes([first, last], np.ones((1, 1)), np.array([1])).radii.round(3)
        array([0.732])
    """
    stack, slabs = Stack.of(layers), slabs or usual_slabs(layers)
    hidden = directions or HiddenDirections.of(stack, images)
    found = np.zeros(len(images))
    proofs = Proofs.none(len(images), len(layers[-1].down) - 1, slabs, hidden.multipliers)
    with (
        np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"),
        ThreadpoolController().limit(limits=1, user_api="blas"),
    ):
        for place, around in enumerate(surroundings(stack, images)):
            try:
                label = int(classes[place])
                found[place] = _change(around, hidden, label, slabs, proofs.at(place))
            except np.linalg.LinAlgError:
                # Numbers left the range of floats.
                found[place] = 0.0
    found *= SHORTENED
    proofs.clear(found == 0)
    return CertifiedRadii(found, [proofs])


def _change(
    around: Surroundings, hidden: HiddenDirections, label: int, slabs: int, into: Proofs
) -> float:
    """Return a change that is proved for all rivals, the nearest first."""
    found = list(_margins(around, hidden, label))
    if not all(margin.value > 0 for _, _, margin in found):
        return 0.0
    change = FAR
    if slabs > 1:
        each = (vanishing(margin.around, margin.weights) / total for _, total, margin in found)
        far = min(each, default=np.inf)
        change = min(change, FIRST * far) if far > NEAR else change
    for rival, total, margin in sorted(found, key=lambda each: each[2].distance / each[1]):
        shared = bending_directions(margin.around.stack, hidden)
        radius, proved = Rival(shared, slabs, margin).largest(change * total)
        if not (proved is not None and radius > NEAR):
            return 0.0
        change = min(change, radius / total)
        into.slabs[rival], into.multipliers[rival] = proved.flat(slabs), proved.factors(slabs)
    return change


def _margins(
    around: Surroundings, hidden: HiddenDirections, label: int
) -> Iterator[tuple[int, float, Margin]]:
    """Yield rivals, how large balls are in units of the cubes in them, and margins over them."""
    stack, logits = around.stack, around.logits
    for rival in range(len(logits)):
        if rival == label:
            continue
        slope = around.gradients(signs(len(logits), label, rival))[0] @ stack.basis.T
        weights = _weights(slope) if np.isfinite(slope).all() else np.ones(len(slope))
        total = float(np.sqrt(weights.sum()))
        yield rival, total, _margin(around, hidden, (label, rival), weights)


def _margin(
    around: Surroundings, hidden: HiddenDirections, classes: tuple[int, int], weights: Doubles
) -> Margin:
    """Return the margin of a class over a rival where the numbers of an image have weights."""
    (first, *rest), roots = around.stack.layers, np.sqrt(weights)
    scale = np.concatenate([[1.0], 1 / roots])
    sides = {name: getattr(first, name) * scale for name in ("left", "right", "linear")}
    scaled = Stack.of([first._replace(**sides), *rest])
    there = next(surroundings(scaled, (around.point * roots)[None]))
    margin = Margin.of(there, hidden, *classes)
    if len(margin.rows) < 2:
        return margin
    # In each ellipsoid another thing bends the first state; the checker takes this norm, too.
    rows = margin.rows[0]
    return replace(margin, bend=MORE * float(schatten_norms(scaled.squares(rows.T @ rows))))


def _weights(slope: Doubles) -> Doubles:
    """Return the weights of numbers along which a margin has a slope."""
    if not slope.any():
        return np.ones(len(slope))
    sizes = abs(slope) / abs(slope).max()
    return np.asarray(sizes + SHARE * sizes.mean())
