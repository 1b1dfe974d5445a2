"""By how much all numbers of each image can change, in a network of one layer of neurons."""

from typing import Any

import numpy as np

from ..balls import UP, exact, positive
from ..layers import margin
from ..read import Files
from ..verdicts import need
from .kind import Kind
from .radii import QUARTILES, pairs, radii, valued


def verify(files: Files, **said: Any) -> None:  # noqa: ANN401 -- of radii
    """Prove each radius by diagonals that make the forms of margins positive."""
    radius, certain = radii(files, "pixel robustness", **said)
    shape = files.outputs, files.outputs, files.inputs
    diagonals = files.witness("pixel robustness.diagonals", np.float64, *shape)
    for label, other, places in pairs(files.outputs, radius > 0, certain):
        # 1. With A + D positive, vᵀAv ≥ -Σ d v² ≥ -ρ² Σ d for all |v| ≤ ρ in every number.
        form, diagonal = margin(files.model, label, other), diagonals[label, other]
        proves = np.all(diagonal >= 0) and positive((form[1:, 1:] + exact(np.diag(diagonal)))[None])
        need(proves, f"{label} against {other}: the diagonal is too small")
        # 2. The margin at x + v is mₓ + 2 gᵀv + vᵀAv, and |gᵀv| ≤ ρ Σ|g|.
        (margins, slopes), reach = valued(form, files.images[places]), radius[places]
        lost = (2 * slopes.most.sum(axis=1) + UP * diagonal.sum() * reach) * reach
        wrong = places[~(margins.least[:, 0] > UP * lost)]
        need(not wrong.size, f"image {wrong[:1]} may become {other} within its radius")


KIND = Kind(
    "pixel robustness",
    "bounded",
    "diagonal_bound",
    "For {count} of the {images} images (data {data}) no input that differs from the image by less "
    f"than a radius in every number gets another class; {QUARTILES}.",
    verify,
)
