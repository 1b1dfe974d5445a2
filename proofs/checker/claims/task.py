"""On every input of a task the largest logit is the right one: the inputs are made here."""

import re

import numpy as np

from ..layers import classes
from ..read import Files
from ..verdicts import need
from .kind import Kind


def verify(files: Files, models: str, modulus: int) -> None:
    """Compute the classes of all pairs of numbers below the modulus, and hold them against sums."""
    right = (files.inputs, files.outputs) == (2 * modulus, modulus)
    need(right, f"there are {files.inputs} inputs and {files.outputs} logits")
    found = re.fullmatch(r"the (?:network|(.*) graph)", models)
    known = found is not None and (found[1] is None or found[1] in files.graphs)
    need(known, f"who is {models}?")
    stack = files.graphs[found[1]] if found and found[1] else files.model
    numbers, hot = np.arange(modulus), np.eye(modulus)
    for first in range(modulus):
        pairs = np.concatenate([np.tile(hot[first], (modulus, 1)), hot], axis=1)
        wrong = np.flatnonzero(classes(stack, pairs) != (first + numbers) % modulus)
        need(not wrong.size, f"at {first} and {wrong[:1]} another logit is, or may be, the largest")


KIND = Kind(
    "task",
    "exact",
    None,
    "For every input of the task, the numbers a and b below {modulus} in one-hot form, the largest "
    "logit of {models} is that of (a + b) mod {modulus}.",
    verify,
)
