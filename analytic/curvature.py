r"""Second derivatives of a stack, exactly.

With :math:`J` the derivatives of what a layer reads, and :math:`a = D^\top \lambda` where
:math:`\lambda` are the derivatives of the output in what the layer writes, the matrix of second
derivatives is the sum over all layers of

.. math::
    J^\top \big(L^\top \mathrm{diag}(a)\,R + R^\top \mathrm{diag}(a)\,L\big)\,J,

which :func:`analytic.derivations.gradient_and_hessian` derives.
"""

from __future__ import annotations

import numpy as np

from analytic.algebras import Tangents
from analytic.dyadic import Dyadic, Integers
from analytic.layers import ResidueLayer
from analytic.progress import watched
from analytic.residues import Residues, centred, product, recovered, residues
from analytic.stack import ScaledStack


def curvature(stack: ScaledStack, columns: Integers) -> Dyadic:
    """Return the second derivatives of a stack's only output.

    Args:
        stack: read over the exponent and the sizes of the columns.
        columns: the point in homogeneous coordinates, then the directions.

    Returns:
        The symmetric matrix over the directions.
    """
    # The norm |value| + |first| + |second| / 2 respects products, as that of tangents does, and is
    # the same on the inputs, whose second derivatives are 0.
    primes = type(stack)(stack.layers, stack.scales, 2 * stack.sizes).primes
    images = [
        _image(stack.modulo(prime), residues(columns, prime), prime)
        for prime in watched(primes, "differentiating")
    ]
    # Both derivatives are in numerators over 2**scales[0].
    return Dyadic(recovered(images, primes), stack.exponent - 2 * stack.scales[0])


def _image(layers: list[ResidueLayer], values: Residues, prime: int) -> Residues:
    """Return the second derivatives modulo a prime: forward for readings, back for adjoints."""
    readings = []
    for layer in layers:
        readings.append(layer.read(values))
        values = layer.mix(Tangents().multiply(*readings[-1], prime), values)
    directions = values.shape[1] - 1
    total: Residues = np.zeros((directions, directions))
    adjoint: Residues = np.ones((1, 1))
    for layer, (left, right) in zip(reversed(layers), reversed(readings), strict=True):
        weights = product(layer.down.T, adjoint, prime)
        weighted = centred(left[:, 1:] * weights, prime)
        total += product(np.ascontiguousarray(weighted.T), right[:, 1:], prime)
        # The left readings change by the value of the right ones, and the other way round.
        both = np.concatenate([right[:, :1] * weights, left[:, :1] * weights])
        adjoint = product(layer.readings.T, centred(both, prime), prime) + product(
            layer.linear.T, adjoint, prime
        )
        centred(adjoint, prime)
    centred(total, prime)
    return centred(total + total.T, prime)
