r"""By how much all numbers of an image may change at once, through two layers.

With weights :math:`d_i > 0` the cube :math:`|v_i| \le \varepsilon` lies in an ellipsoid,

.. math:: \sum_i d_i v_i^2 \le \varepsilon^2 \sum_i d_i .

In numbers multiplied by :math:`\sqrt{d_i}` it is a ball, and a margin is bounded as on any other
(:mod:`proofs.bounds.certified_radii`). Along a margin's slope :math:`g` it reaches no further than
the cube for :math:`d_i = |g_i|`; with some of their mean added no number is free.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from threadpoolctl import ThreadpoolController

from numeric import Layer
from numeric.networks.normal_form import Floats
from proofs.bounds.certified_radii import SHORTENED, CertifiedRadii, Classes, Proofs
from proofs.bounds.hidden_directions import FAR, HiddenDirections, signs
from proofs.bounds.lagrangian import Margin
from proofs.bounds.relaxation import bending_directions
from proofs.bounds.rivals import Rival
from proofs.bounds.surroundings import Stack, Surroundings, surroundings
from proofs.bounds.whole_balls import NEAR
from proofs.errors import ProofError

Doubles = npt.NDArray[np.float64]

LAYERS = 2
"""How many layers a network has of which changes of all pixels are proved through a state."""

SHARE = 0.6
"""How much of the mean size of the slopes is added to each; the checker has it, too."""


def certified_changes(
    layers: Sequence[Layer],
    images: Floats,
    classes: Classes,
    directions: HiddenDirections | None = None,
) -> CertifiedRadii:
    r"""Find by how much all numbers of each image may change within its class.

    Args:
        layers: two, in the normal form.
        images: shape (images, inputs).
        classes: that are to be kept, shape (images,).
        directions: of the hidden state that have multipliers; left out, they are found near the
            images.

    Returns:
        Radii in the largest of all changes, at most a million, and multipliers.

    Raises:
        ProofError: a hidden state has no constant, or there are not two layers.
        NumericError: a layer is none.

    Examples:
        >>> square = Layer(np.eye(2)[1:], np.eye(2)[1:], np.eye(3)[:, 1:2], np.eye(3)[:, :2] * 0)
        >>> linear = np.array([[1.0, 0, 0], [0, 1, 0], [3, 0, 0]])
        >>> last = Layer(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros((3, 0)), linear)
        >>> first = square._replace(linear=np.eye(3, 2) * [1, 0])
        >>> certified_changes([first, last], np.ones((1, 1)), np.array([1])).radii.round(3)
        array([0.732])
    """
    if len(layers) != LAYERS:
        # What bends the first state at most is known for balls alone.
        raise ProofError(f"expected {LAYERS} layers, got {len(layers)}")
    stack = Stack.of(layers)
    hidden = directions or HiddenDirections.of(stack, images)
    found = np.zeros(len(images))
    proofs = Proofs.none(len(images), len(layers[-1].down) - 1, 1, hidden.multipliers)
    with (
        np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"),
        ThreadpoolController().limit(limits=1, user_api="blas"),
    ):
        for place, around in enumerate(surroundings(stack, images)):
            image = images[place].astype(np.float64)
            try:
                found[place] = _change(around, hidden, image, int(classes[place]), proofs.at(place))
            except np.linalg.LinAlgError:
                # Numbers left the range of floats.
                found[place] = 0.0
    found *= SHORTENED
    proofs.clear(found == 0)
    return CertifiedRadii(found, [proofs])


def _change(
    around: Surroundings, hidden: HiddenDirections, image: Doubles, label: int, into: Proofs
) -> float:
    """Return a change that is proved for all rivals, the nearest first."""
    stack, logits = around.stack, around.logits
    rivals = [rival for rival in range(len(logits)) if rival != label]
    margins = np.array([signs(len(logits), label, rival) for rival in rivals])
    margins = margins.reshape(-1, len(logits))
    slopes = around.gradients(margins)[0] @ stack.basis.T
    values = margins @ logits
    if not (np.isfinite(slopes).all() and (values > 0).all()):
        return 0.0
    change = FAR
    for place in np.argsort(values / abs(slopes).sum(axis=1), kind="stable").tolist():
        weights = _weights(slopes[place])
        total = float(np.sqrt(weights.sum()))
        first, *rest = stack.layers
        scale = np.concatenate([[1.0], 1 / np.sqrt(weights)])
        sides = {name: getattr(first, name) * scale for name in ("left", "right", "linear")}
        scaled = Stack.of([first._replace(**sides), *rest])
        moved = next(surroundings(scaled, (image * np.sqrt(weights))[None]))
        rival = rivals[place]
        margin = Margin.of(moved, hidden, label, rival)
        if not margin.value > 0:
            return 0.0
        radius, proved = Rival(bending_directions(scaled, hidden), 1, margin).largest(
            change * total
        )
        if not (proved is not None and radius > NEAR):
            return 0.0
        change = min(change, radius / total)
        into.slabs[rival], into.multipliers[rival] = proved.flat(1), proved.factors(1)
    return change


def _weights(slope: Doubles) -> Doubles:
    """Return the weights of numbers along which a margin has a slope."""
    if not slope.any():
        return np.ones(len(slope))
    sizes = abs(slope) / abs(slope).max()
    return np.asarray(sizes + SHARE * sizes.mean())
