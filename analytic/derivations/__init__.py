"""The theorems that rewrites and certificates rest on, each derived for generic symbolic weights.

A derivation writes the two sides of an identity in sympy, with a symbol for every weight and every
input, and expands their difference. Sizes are arguments: an identity is proved for all weights of
the given size, and the size of a proof is stated in it.
"""

from collections.abc import Callable

from analytic.derivations.addition import modular_addition
from analytic.derivations.calculus import (
    gradient_and_hessian,
    path_attribution,
    squares_gradient,
)
from analytic.derivations.certificates import difference_bound, local_bound, s_lemma
from analytic.derivations.derivation import Derivation
from analytic.derivations.eigen import eigen_cut, eigen_expansion
from analytic.derivations.inner_products import gaussian_inner_product, tensor_inner_product
from analytic.derivations.layers import (
    homogenisation,
    polarisation,
    residual_as_neurons,
    third_order_tensor,
)
from analytic.derivations.multipliers import diagonal_bound, multiplier_bound, slab_bound
from analytic.derivations.rounding import rounding_bound
from analytic.derivations.stacks import (
    composition,
    degree_and_monomials,
    gauge_freedom,
    stack_difference,
)
from analytic.derivations.truncation import (
    Truncation,
    truncation_bound,
    truncation_counterexample,
)

THEOREMS: dict[str, Callable[[], Derivation]] = {
    "homogenisation": homogenisation,
    "residual_as_neurons": residual_as_neurons,
    "third_order_tensor": third_order_tensor,
    "polarisation": polarisation,
    "eigen_expansion": eigen_expansion,
    "eigen_cut": eigen_cut,
    "degree_and_monomials": degree_and_monomials,
    "composition": composition,
    "gauge_freedom": gauge_freedom,
    "gradient_and_hessian": gradient_and_hessian,
    "squares_gradient": squares_gradient,
    "path_attribution": path_attribution,
    "gaussian_inner_product": gaussian_inner_product,
    "tensor_inner_product": tensor_inner_product,
    "truncation_bound": truncation_bound,
    "stack_difference": stack_difference,
    "s_lemma": s_lemma,
    "diagonal_bound": diagonal_bound,
    "difference_bound": difference_bound,
    "rounding_bound": rounding_bound,
    "local_bound": local_bound,
    "multiplier_bound": multiplier_bound,
    "slab_bound": slab_bound,
    "modular_addition": modular_addition,
}
"""Every theorem by name, each after what it builds on: what tests, docs and certificates use."""

__all__ = [
    "THEOREMS",
    "Derivation",
    "Truncation",
    "composition",
    "degree_and_monomials",
    "diagonal_bound",
    "difference_bound",
    "eigen_cut",
    "eigen_expansion",
    "gauge_freedom",
    "gaussian_inner_product",
    "gradient_and_hessian",
    "homogenisation",
    "local_bound",
    "modular_addition",
    "multiplier_bound",
    "path_attribution",
    "polarisation",
    "residual_as_neurons",
    "rounding_bound",
    "s_lemma",
    "slab_bound",
    "squares_gradient",
    "stack_difference",
    "tensor_inner_product",
    "third_order_tensor",
    "truncation_bound",
    "truncation_counterexample",
]
