"""Exact mathematics over the rationals: the polynomial that a stack of bilinear layers is."""

from analytic.derivations import THEOREMS, Derivation
from analytic.equality import Comparison, same_polynomial
from analytic.errors import AnalyticError
from analytic.layer_equality import layers_difference
from analytic.lines import ClassRegion, class_regions
from analytic.network import ExactNetwork
from analytic.polynomial import Polynomial, Term
from analytic.roots import RealRoot, real_roots

__all__ = [
    "THEOREMS",
    "AnalyticError",
    "ClassRegion",
    "Comparison",
    "Derivation",
    "ExactNetwork",
    "Polynomial",
    "RealRoot",
    "Term",
    "class_regions",
    "layers_difference",
    "real_roots",
    "same_polynomial",
]
