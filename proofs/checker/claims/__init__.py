"""The kinds of claims, one module each."""

from . import (
    accuracy,
    agreement,
    difference,
    pixel_robustness,
    pixel_stability,
    robustness,
    rounding,
    same_polynomial,
    signature,
    stability,
    task,
)
from .kind import Kind

CLAIMS: dict[str, Kind] = {
    module.KIND.name: module.KIND
    for module in (
        same_polynomial,
        difference,
        rounding,
        signature,
        accuracy,
        agreement,
        robustness,
        pixel_robustness,
        stability,
        pixel_stability,
        task,
    )
}
"""By their names."""
