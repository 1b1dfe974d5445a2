"""A certificate, verified: read as a whole before any claim is looked at, then claim by claim."""

from pathlib import Path
from typing import Any

import numpy as np

from .claims import CLAIMS
from .files import digest, laid_out, parsed
from .read import Files, read
from .verdicts import Rejected, Unreadable, need, reason

FORMAT = "bilinear-features certificate 3"

Numbers = dict[str, Any]


def check(path: Path) -> list[str]:
    """Verify a certificate.

    Args:
        path: a certificate, beside the files that it names.

    Returns:
        its claims in words.

    Raises:
        Unreadable: it is no certificate, or a file that it names is not what it should be.
        Rejected: a claim does not hold.
    """
    with np.errstate(all="ignore"):
        files, claims = opened(Path(path))
        sentences = []
        for name, numbers in claims:
            kind = CLAIMS[name]
            statement = kind.statement.format(**numbers)
            try:
                kind.verify(files, **kind.numbers(numbers))
            except MemoryError:
                raise
            except Exception as error:
                said = f"{statement} This does not hold: {reason(error)}"
                raise Rejected(reason(Rejected(said))) from error
            sentences.append(f"[{kind.level}] {statement}")
    return sentences


def opened(path: Path) -> tuple[Files, list[tuple[str, Numbers]]]:
    """Return what a certificate is about, and its claims, none of them verified yet."""
    try:
        need(path.is_file(), f"{path} is no file")
        try:
            said = parsed(text := path.read_bytes().decode("utf-8"))
        except ValueError as error:
            raise Rejected("it is no certificate: that is JSON") from error
        need(type(said) is dict and said.get("format") == FORMAT, f"it is no {FORMAT}")
        # What is read is what is written: no name twice, no number in another form.
        need(laid_out(said) == text, "the text is laid out otherwise")
        need(said.pop("sha256") == digest(said), "the text is another than was written")
        keys = {"format", "files", "claims", "remarks", "subject", "versions"}
        need(said.keys() <= keys, f"it says more than {', '.join(sorted(keys))}")
        need(type(said["claims"]) is list and len(said["claims"]) > 0, "nothing is claimed")
        claims = [_claim(claim) for claim in said["claims"]]
        return read(path.parent, said["files"]), claims
    except MemoryError:
        raise
    except Exception as error:
        raise Unreadable(reason(Rejected(f"{path.name}: {reason(error)}"))) from error


def _claim(said: Any) -> tuple[str, Numbers]:  # noqa: ANN401 -- JSON
    """Return the kind and the numbers of a claim, if it says what its kind says of them."""
    need(type(said) is dict and said.get("kind") in CLAIMS, "a claim is of no kind that is known")
    kind, numbers = CLAIMS[said["kind"]], said.get("numbers")
    kind.numbers(numbers)
    need(said == kind.says(numbers), f"a claim of the kind {kind.name} says something else")
    return kind.name, numbers
