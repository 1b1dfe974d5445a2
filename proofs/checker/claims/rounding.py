"""No computed logit differs from the exact one by more than a bound, on the images."""

from fractions import Fraction

import numpy as np

from ..balls import UNITS, extended
from ..layers import forward
from ..read import Files
from ..verdicts import need
from .kind import Kind


def verify(files: Files, images: int, data: str, dtype: str, bound: Fraction) -> None:
    """Bound the rounding of a forward pass."""
    files.counted(images, data)
    need(dtype in UNITS, f"there is no arithmetic {dtype}")
    single = files.single and np.array_equal(files.images, files.images.astype(np.float32))
    need(dtype == "float64" or single, "network and images are not in float32")
    worst = forward(files.model, extended(files.images, dtype))[-1].error[:, 1:].max()
    need(Fraction(worst) <= bound, f"a logit may differ by {worst:.6g}")


KIND = Kind(
    "rounding",
    "bounded",
    None,
    "On the {images} images (data {data}) no logit that is computed in {dtype}, in whatever order "
    "sums are taken, differs from the network's exact one by more than {bound}.",
    verify,
)
