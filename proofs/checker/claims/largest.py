"""Which exact logit is the largest: of images, and on every input of a task."""

import numpy as np

from ..layers import classes
from ..read import Files
from ..verdicts import need
from .kind import Kind


def accuracy(files: Files, images: int, data: str, right: int) -> None:
    """Count the images of the label's class; what errors leave open is nobody's."""
    labels = files.witness("labels", np.int64, files.counted(images, data))
    found = int((classes(files.model, files.images) == labels).sum())
    need(right <= found, f"{found} are right")


def agreement(files: Files, graph: str, images: int, data: str, same: int) -> None:
    """Count the images of one class; what errors leave open is of none."""
    files.counted(images, data)
    one, other = (
        classes(files.stack(name), files.images) for name in ("the network", f"the {graph} graph")
    )
    found = int(((one == other) & (one >= 0)).sum())
    need(same <= found, f"{found} are the same")


def task(files: Files, models: str, modulus: int) -> None:
    """Compute the classes of all pairs of numbers below the modulus, and hold them against sums."""
    right = (files.inputs, files.outputs) == (2 * modulus, modulus)
    need(right, f"there are {files.inputs} inputs and {files.outputs} logits")
    stack, numbers, hot = files.stack(models), np.arange(modulus), np.eye(modulus)
    for first in range(modulus):
        pairs = np.concatenate([np.tile(hot[first], (modulus, 1)), hot], axis=1)
        wrong = np.flatnonzero(classes(stack, pairs) != (first + numbers) % modulus)
        need(not wrong.size, f"at {first} and {wrong[:1]} another logit is, or may be, the largest")


ACCURACY = Kind(
    "accuracy",
    "measured",
    None,
    "On the {images} images (data {data}) the network's largest exact logit is the label's at "
    "least {right} times.",
    accuracy,
)
AGREEMENT = Kind(
    "agreement",
    "measured",
    None,
    "On the {images} images (data {data}) the {graph} graph's largest exact logit is of the same "
    "class as the network's at least {same} times.",
    agreement,
)
TASK = Kind(
    "task",
    "exact",
    None,
    "For every input of the task, the numbers a and b below {modulus} in one-hot form, the largest "
    "logit of {models} is that of (a + b) mod {modulus}.",
    task,
)
