"""What the checker says of a certificate that it does not accept."""

from typing import Any

import numpy as np

MOST_LETTERS = 2000


class Rejected(ValueError):  # noqa: N818 -- a verdict
    """A claim does not hold: what is wrong at the first place where something is."""

    status = 1


class Unreadable(Rejected):
    """There is no certificate, or no file that it names, of which a claim could be verified."""

    status = 2


def need(holds: Any, otherwise: str) -> None:  # noqa: ANN401 -- a truth, or an array of them
    """Reject unless all of it holds; comparisons with what is no number do not."""
    if not (np.all(holds) if hasattr(holds, "__len__") else holds):
        raise Rejected(otherwise)


def reason(error: Exception) -> str:
    """Return why something was not accepted, in one line that a terminal shows as it is."""
    words = str(error) if isinstance(error, Rejected) else f"{type(error).__name__}: {error}"
    shown = "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in words
    )
    return shown if len(shown) <= MOST_LETTERS else f"{shown[: MOST_LETTERS - 1]}…"
