"""How many eigenvalues of the logits' interaction matrices have which sign, at least."""

import numpy as np

from ..balls import diagonalised, exact
from ..read import Files
from ..verdicts import need
from .kind import Kind


def verify(
    files: Files, size: int, positive: list[int], negative: list[int], zero: list[int]
) -> None:
    """Count eigenvalues of a nearly diagonal matrix."""
    last = files.model[-1]
    need(size == last.linear.shape[1], f"the forms are of {last.linear.shape[1]} numbers")
    need(len(positive) == len(negative) == len(zero) == files.outputs, "a logit has no counts")
    bare = last._replace(linear=np.zeros_like(last.linear))
    for output, counts in enumerate(zip(positive, negative, zero, strict=True), start=1):
        # 1. V is invertible, so that VᵀMV has as many eigenvalues of each sign as M (Sylvester).
        values, _, _, rest = diagonalised(bare.form(exact(np.eye(len(last.down))[[output]])))
        # 2. They lie within the rest of λ (Weyl): those further than that from 0 have its sign.
        # 3. M is a sum over the readings in use, and moves in the span of what is read: its rank
        #    is at most their number, and at most that of the entries that any of them reads.
        used = last.down[output] != 0
        rows = np.unique(np.concatenate([last.left[used], last.right[used]]), axis=0)
        rank = min(len(rows), int(np.count_nonzero(rows.any(axis=0))))
        found = [int((values > rest).sum()), int((values < -rest).sum()), size - rank]
        need(np.array(counts) <= found, f"logit {output - 1} has {found}, not {counts}")


KIND = Kind(
    "signature",
    "bounded",
    None,
    "The interaction matrices of the logits, with {size} eigenvalues each, have at least this many "
    "positive ones: {positive}; negative ones: {negative}; zeros: {zero}.",
    verify,
)
