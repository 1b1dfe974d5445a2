"""What holds within a bound: of graphs anywhere in a region, of floats, and of eigenvalues."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict

import numpy as np
import numpy.typing as npt

from numeric import Digits, Layer
from proofs.bounds.difference import difference
from proofs.bounds.rounding import rounding_bounds
from proofs.bounds.signatures import signatures
from proofs.certificates.claims import Claim
from proofs.certificates.decimals import rounded_up
from proofs.certificates.measurements import Rewrite
from proofs.errors import ProofError

_SPARE = 1.02
"""The claim is larger than the bound: others may round more on the way to it."""


def difference_claims(
    layers: Sequence[Layer], rewrites: Sequence[Rewrite], digits: Digits
) -> tuple[list[Claim], dict[str, npt.NDArray[np.float64]]]:
    """Bound the difference of each graph that should compute what its network does.

    Args:
        layers: of the network.
        rewrites: its graphs.
        digits: whose test images say which region counts: pixels from 0 to 1, or more where theirs
            go further.

    Returns:
        A claim for each such graph, and the bases of hidden states that they rest on. Where a bound
        leaves the range of float64, that nothing is claimed.
    """
    low = min(0, math.floor(digits.test_images.min(initial=0)))
    high = max(1, math.ceil(digits.test_images.max(initial=1)))
    claims, witnesses = [], {}
    for item in rewrites:
        if not item.complete:
            continue
        try:
            found = difference(layers, item.squares, low, high)
        except ProofError as error:
            statement = f"How far the {item.name} graph lies from the network at most."
            claims.append(_without_bound(f"{item.name}: difference", statement, str(error)))
            continue
        bound = rounded_up(_SPARE * float(found.bounds.max()))
        numbers = {"graph": item.name, "low": str(low), "high": str(high), "bound": bound}
        claims.append(Claim.of("difference", numbers))
        for number, basis in enumerate(found.bases, start=1):
            if basis is not None:
                witnesses[f"{item.name}.basis.{number}"] = basis
    return claims, witnesses


def rounding_claims(
    layers: Sequence[Layer], digits: Digits, dtypes: Iterable[str], data: str
) -> list[Claim]:
    """Bound how far logits that are computed in floats can lie from the exact ones, on the images.

    Args:
        layers: of the network.
        digits: whose test images are used.
        dtypes: in which the network is computed: its own, and wider ones.
        data: the hash of images and labels.

    Returns:
        A claim for each dtype in which nothing overflows; of another, that nothing is claimed.
    """
    claims = []
    for dtype, bounds in rounding_bounds(layers, digits.test_images, dtypes).items():
        bound = float(bounds.max(initial=0.0))
        name = f"{dtype}: rounding at most"
        if math.isfinite(bound):
            numbers = {
                "images": len(digits.test_labels),
                "data": data,
                "dtype": dtype,
                "bound": rounded_up(_SPARE * bound),
            }
            claims.append(Claim.of("rounding", numbers, name=name))
        else:
            statement = f"How far logits computed in {dtype} lie from the exact ones at most."
            claims.append(_without_bound(name, statement, "something may overflow"))
    return claims


def signature_claims(layers: Sequence[Layer]) -> list[Claim]:
    """Count the positive, negative and zero eigenvalues of the logits' interaction matrices.

    Args:
        layers: of the network.

    Returns:
        A claim, or where the matrices leave the range of float64 that nothing is claimed.
    """
    statement = "How many eigenvalues of the logits' interaction matrices have which sign."
    if not len(layers[-1].left):
        # A linear head: its own matrices are 0, whatever lies below.
        return [Claim.left_out("signature", statement, "the last layer has no neurons")]
    try:
        found = signatures(layers)
    except ProofError as error:
        return [_without_bound("signature", statement, str(error))]
    return [Claim.of("signature", asdict(found))]


def _without_bound(name: str, statement: str, why: str) -> Claim:
    """Return the remark that something has no bound."""
    return Claim.left_out(name, statement, f"no bound is found ({why})")
