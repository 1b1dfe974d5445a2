"""How far computed logits can be from the exact ones, in whatever order sums are taken.

The forward pass happens in enclosures of the arithmetic that is asked about: each layer reads, in
sums that may be taken in any order, multiplies, and adds up products, biases and what a residual
passes on, again in any order. Torch on any machine is one of the possible orders, as long as it
rounds every operation to the dtype: without TF32 or lower precision inside a product.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from numeric import Layer
from numeric.normal_form import Floats, check_array, checked_layers
from proofs.bounds.enclosures import ARITHMETICS, Enclosure, concatenated
from proofs.errors import ProofError

Doubles = npt.NDArray[np.float64]

_BATCH = 500
"""How many images are computed at once."""


def rounding_bounds(layers: Sequence[Layer], images: Floats, dtype: str) -> Doubles:
    """Bound, for every image, how far a computed logit can be from the exact one.

    Args:
        layers: of a network, in the normal form.
        images: shape (images, inputs).
        dtype: in which the network is computed, ``"float32"`` or ``"float64"``. All weights and
            images are numbers of it.

    Returns:
        Shape (images,): the largest of the image's logits; infinite where they may overflow.

    Raises:
        ProofError: there is no such dtype, or a weight or a pixel is no number of it.
        NumericError: a layer or the images have another shape, or are not finite.

    Examples:
        >>> from numeric import BilinearNetwork
        >>> layers = BilinearNetwork(4, 2, depth=2, width=3, hidden=5).layers()
        >>> images = np.ones((3, 4), dtype=np.float32)
        >>> bool(rounding_bounds(layers, images, "float32").max() < 1e-5)
        True
    """
    return np.asarray(
        np.concatenate(
            [
                forward(layers, images[start : start + _BATCH], dtype)[-1].radius[:, 1:].max(axis=1)
                for start in range(0, max(len(images), 1), _BATCH)
            ]
        )
    )


def forward(layers: Sequence[Layer], images: Floats, dtype: str) -> list[Enclosure]:
    """Return enclosures of the input, every hidden state and the logits, each constant first.

    Args:
        layers: of a network, in the normal form.
        images: shape (images, inputs).
        dtype: in which the network is computed.

    Raises:
        ProofError: there is no such dtype, or a weight or a pixel is no number of it.
        NumericError: a layer or the images have another shape, or are not finite.
    """
    stack = checked_layers(layers)
    check_array(images, "images", (len(images), stack[0].linear.shape[1] - 1))
    if dtype not in ARITHMETICS:
        raise ProofError(f"expected dtype to be one of {', '.join(ARITHMETICS)}, got {dtype!r}")
    arithmetic = ARITHMETICS[dtype]
    constant = np.ones((len(images), 1))
    states = [Enclosure.exact(np.concatenate([constant, images], axis=1), arithmetic)]
    for layer in stack:
        left, right = (Enclosure.exact(rows, arithmetic).T for rows in (layer.left, layer.right))
        products = (states[-1] @ left) * (states[-1] @ right)
        weights = Enclosure.exact(np.concatenate([layer.down, layer.linear], axis=1), arithmetic)
        # In one sum: bias and residual may be added before, between or after the products.
        states.append(concatenated([products, states[-1]], axis=1) @ weights.T)
    return states
