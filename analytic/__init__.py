"""Exact mathematics over the rationals: the polynomial that a stack of bilinear layers is."""

from analytic.derivations import THEOREMS, Derivation
from analytic.equality import Comparison, layers_difference, same_polynomial
from analytic.errors import AnalyticError
from analytic.network import ExactNetwork
from analytic.polynomial import Polynomial

__all__ = [
    "THEOREMS",
    "AnalyticError",
    "Comparison",
    "Derivation",
    "ExactNetwork",
    "Polynomial",
    "layers_difference",
    "same_polynomial",
]
