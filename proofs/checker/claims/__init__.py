"""The kinds of claims, one module each."""

from . import (
    difference,
    largest,
    pixel_robustness,
    robustness,
    rounding,
    same_polynomial,
    signature,
    stability,
)
from .kind import Kind

CLAIMS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        same_polynomial.KIND,
        difference.KIND,
        rounding.KIND,
        signature.KIND,
        largest.ACCURACY,
        largest.AGREEMENT,
        robustness.KIND,
        pixel_robustness.KIND,
        stability.STABILITY,
        stability.PIXEL_STABILITY,
        largest.TASK,
    )
}
"""By their names."""
