"""Counts of images that the checker can repeat: whose class leaves no doubt in floating point."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from proofs.certificates.claims import Claim
from proofs.certificates.measurements import Measurements, Rewrite, classes, outputs

Doubles = npt.NDArray[np.float64]

_CLEAR = 1e-6
"""A lead of less than this share of the image's largest logit counts for nobody."""


def clear_classes(logits: Doubles) -> npt.NDArray[np.int64]:
    """Return the class of each image, -1 where the lead of its logit is small.

    Args:
        logits: shape (images, classes).

    Examples:
        >>> clear_classes(np.array([[1.0, 2.0], [1.0, 1.0 + 1e-9]]))
        array([ 1, -1])
    """
    found = classes(logits)
    ordered = np.sort(logits, axis=1)
    second = ordered[:, -2] if logits.shape[1] > 1 else np.full(len(logits), -np.inf)
    with np.errstate(invalid="ignore"):
        clear = ordered[:, -1] - second > _CLEAR * abs(logits).max(axis=1)
    return np.where(clear, found, -1)


def counted_claims(
    measurements: Measurements, rewrites: Sequence[Rewrite], data: str
) -> list[Claim]:
    """State how many images the network labels rightly, and how many a smaller graph labels so too.

    Args:
        measurements: of the network.
        rewrites: graphs; those that lose nothing need no count.
        data: the hash of images and labels.
    """
    network = clear_classes(measurements.nearest)
    labels = measurements.digits.test_labels
    right = int((network == labels).sum())
    about = {"images": len(labels), "data": data}
    claims = [Claim.of("accuracy", {**about, "right": right})]
    for item in rewrites:
        if not item.complete:
            found = clear_classes(outputs(item, measurements))
            same = int(((found == network) & (network >= 0)).sum())
            claims.append(Claim.of("agreement", {"graph": item.name, **about, "same": same}))
    return claims
