"""By how much all numbers of each image can change, in a network of two layers of neurons."""

from typing import Any

from ..read import Files
from ..verdicts import need
from .kind import Kind
from .radii import QUARTILES, radii
from .stability import proved


def verify(files: Files, **said: Any) -> None:  # noqa: ANN401 -- of radii
    """Bound margins by multipliers on ellipsoids around the cubes."""
    found = radii(files, "pixel stability", **said)
    # What bends the first state would be another thing in each ellipsoid.
    need(len(files.model) == 2, f"there are {len(files.model)} layers")
    proved(files, "pixel stability.network", files.model, found, cubes=True)


KIND = Kind(
    "pixel stability",
    "bounded",
    "multiplier_bound",
    "For {count} of the {images} images (data {data}) every input that differs from the image by "
    f"less than a radius in every number gets its class from a network of two layers; {QUARTILES}.",
    verify,
)
