"""Of how many images the largest exact logit is the label's, at least."""

import numpy as np

from ..layers import classes
from ..read import Files
from ..verdicts import need
from .kind import Kind


def verify(files: Files, images: int, data: str, right: int) -> None:
    """Count the images of the label's class; what errors leave open is nobody's."""
    labels = files.witness("labels", np.int64, files.counted(images, data))
    found = int((classes(files.model, files.images) == labels).sum())
    need(right <= found, f"{found} are right")


KIND = Kind(
    "accuracy",
    "measured",
    None,
    "On the {images} images (data {data}) the network's largest exact logit is the label's at "
    "least {right} times.",
    verify,
)
