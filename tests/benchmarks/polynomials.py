"""Figures of exact polynomials, side by side with sympy, symengine and FLINT."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import flint
import symengine
import sympy
import torch
from torch import Tensor, nn

from analytic import ExactNetwork, Polynomial, class_regions
from numeric import BilinearNetwork, Digits, from_module, trace
from proofs import prove
from tests.benchmarks.figures import Figure, timed, trained
from tests.benchmarks.memory import alone

RATIOS = {(16, 2): (16, 1500), (6, 3): (8, 3000)}
"""The width, and how many times faster than ``sympy.expand``, by inputs and depth."""


def expansion(digits: Digits) -> Iterator[Figure]:
    """Small networks multiplied out, by this project, and by others in every way that they have.

    An expression is expanded at once by sympy and symengine; polynomials are multiplied layer by
    layer in sympy's ring, and by FLINT, which this project uses too.
    """
    del digits
    for (inputs, depth), (width, ratio) in RATIOS.items():
        layers = _drawn(inputs, 1, depth=depth, width=width, hidden=16).layers()
        name = f"expansion, depth {depth}, {inputs} inputs, width {width}, hidden 16"
        own, polynomial = min(timed(_expanded, layers) for _ in range(5))
        peers = {peer.__name__: timed(_by_peer, layers, peer) for peer in (symengine, sympy)}
        same = [_terms(value, inputs) == _own_terms(polynomial) for _, value in peers.values()]
        yield Figure(
            f"{name}: the same polynomial, term for term",
            f"{len(polynomial):,} terms, {sum(same)} of {len(same)} the same",
            "all",
            all(same),
        )
        for ring, multiplied in (("sympy's ring", _by_ring), ("FLINT", _by_flint)):
            seconds, terms = timed(multiplied, layers)
            right = terms == _own_terms(polynomial)
            yield Figure(
                f"{name}: {ring}, layer by layer, {seconds:.3g} s over {own:.3g} s",
                f"{seconds / own:,.1f}{'' if right else ', another polynomial'}",
                "the same polynomial, at least 1",
                right and seconds >= own,
            )
        for peer, (seconds, _) in peers.items():
            target = ratio if peer == "sympy" else 1
            yield Figure(
                f"{name}: {peer}'s {seconds:.3g} s over {own:.3g} s",
                f"{seconds / own:,.0f}",
                f"at least {target:,}",
                seconds / own >= target,
            )


def large_expansions(digits: Digits) -> Iterator[Figure]:
    """Polynomials with hundreds of thousands of terms, in a process of their own."""
    del digits
    for inputs, outputs, shape, seconds, memory in (
        (784, 10, {"depth": 1, "hidden": 512}, 20, 3),
        (64, 1, {"depth": 2, "width": 64, "hidden": 256}, 10, 3),
    ):
        (took, lengths), peak = alone(_lengths, inputs, outputs, shape)
        name = f"expansion, {', '.join(f'{k} {v}' for k, v in shape.items())}, {inputs} inputs"
        terms = f"{outputs} x {min(lengths):,} monomials"
        yield Figure.time(f"{name}, {terms}", took, seconds)
        yield Figure(f"{name}, memory", f"{peak:.2f} GB", f"at most {memory} GB", peak <= memory)


def questions(digits: Digits) -> Iterator[Figure]:
    """Questions to a depth-3 network on 784 pixels, too large to expand."""
    exact = ExactNetwork(trained(digits, depth=3).layers())
    first, second = digits.test_images[:2]
    pixels = [404, 405, 406, 407]
    for name, function, most in (
        ("one coefficient", lambda: exact.coefficient(output=3, monomial={406: 2}), 0.1),
        ("all coefficients in 4 pixels", lambda: exact.restricted(pixels).polynomials(), 1),
        ("class regions between two digits", lambda: class_regions(exact, first, second), 2),
        ("gradient of all logits at a digit", lambda: exact.gradient(first), 5),
        ("Hessian of a logit at a digit", lambda: exact.hessian(output=3, point=first), 30),
    ):
        seconds = min(timed(function)[0] for _ in range(3))
        yield Figure.time(f"{name}, depth 3, 784 pixels", seconds, most)


class _Convolutional(nn.Module):
    """Products of convolutions, and a bilinear head: 28 by 28 pixels, 8 channels, 10 classes."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(1, 8, 5, stride=2) for _ in range(2))
        self.left, self.right, self.down = nn.LazyLinear(64), nn.LazyLinear(64), nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = (self.first(x) * self.second(x)).flatten(1)
        y: Tensor = self.down(self.left(x) * self.right(x))
        return y


def convolution(digits: Digits) -> Iterator[Figure]:
    """A convolutional module, read, traced, evaluated and proved the same as its graph."""
    (seconds, held), peak = alone(_compiled, digits)
    name = f"a convolutional network read, traced and proved, {len(digits.test_images):,} digits"
    yield Figure(name, f"{sum(held)} of {len(held)} claims hold", "all", all(held))
    yield Figure.time(name, seconds, 60)
    yield Figure(f"{name}, memory", f"{peak:.2f} GB", "at most 4 GB", peak <= 4)


def _compiled(digits: Digits) -> tuple[float, list[bool]]:
    torch.manual_seed(0)
    module, example = _Convolutional(), torch.zeros(1, 1, 28, 28)
    module(example)

    def proved() -> list[bool]:
        network = from_module(module, example)
        certificate = prove(network, trace(network, "polarized"), digits)
        exact = [claim for claim in certificate.claims if claim.level == "exact"]
        return [len(exact) == 1, *(claim.holds for claim in certificate.claims)]

    return timed(proved)


def _drawn(inputs: int, outputs: int, **shape: Any) -> BilinearNetwork:
    torch.manual_seed(0)
    return BilinearNetwork(inputs, outputs, **shape)


def _expanded(layers: Any) -> Polynomial:
    return ExactNetwork(layers).polynomial(output=0)


def _lengths(inputs: int, outputs: int, shape: dict[str, int]) -> tuple[float, list[int]]:
    layers = _drawn(inputs, outputs, **shape).layers()
    seconds, polynomials = timed(lambda: ExactNetwork(layers).polynomials())
    return seconds, [len(polynomial) for polynomial in polynomials]


def _by_peer(layers: Any, peer: Any) -> Any:
    return peer.expand(_expression(layers, peer))


def _by_ring(layers: Any) -> dict[tuple[int, ...], Any]:
    """Multiply a stack out in sympy's ring of polynomials, layer by layer."""
    ring, *variables = sympy.ring(f"x_:{layers[0].linear.shape[1] - 1}", sympy.QQ)
    found = _multiplied(layers, [ring(1), *variables], sympy.QQ)
    return {powers: (int(c.numerator), int(c.denominator)) for powers, c in found.terms()}


def _by_flint(layers: Any) -> dict[tuple[int, ...], Any]:
    """Multiply a stack out in FLINT's polynomials, layer by layer."""
    names = tuple(f"x_{k}" for k in range(layers[0].linear.shape[1] - 1))
    context = flint.fmpq_mpoly_ctx.get(names, "degrevlex")
    found = _multiplied(layers, [context.constant(1), *context.gens()], flint.fmpq)
    return {powers: (int(c.p), int(c.q)) for powers, c in found.to_dict().items()}


def _expression(layers: Any, algebra: Any) -> Any:
    """Write a network's first output down, as one does in sympy."""
    state = [algebra.Integer(1), *algebra.symbols(f"x_:{layers[0].linear.shape[1] - 1}")]
    return _multiplied(layers, state, algebra.Rational)


def _multiplied(layers: Any, state: Any, rational: Any) -> Any:
    """Apply layers to the constant and the variables of any algebra; return the first output."""
    for arrays in layers:
        left, right, down, linear = (
            [[rational(*float(entry).as_integer_ratio()) for entry in row] for row in array]
            for array in arrays
        )
        neurons = [_sum(a, state) * _sum(b, state) for a, b in zip(left, right, strict=True)]
        state = [_sum(d, neurons) + _sum(m, state) for d, m in zip(down, linear, strict=True)]
    return state[1]


def _sum(weights: Any, values: Any) -> Any:
    return sum(weight * value for weight, value in zip(weights, values, strict=True))


def _terms(expression: Any, variables: int) -> dict[tuple[int, ...], Any]:
    polynomial = sympy.Poly(sympy.sympify(expression), *sympy.symbols(f"x_:{variables}"))
    return {powers: (value.p, value.q) for powers, value in polynomial.terms()}


def _own_terms(polynomial: Polynomial) -> dict[tuple[int, ...], Any]:
    return {
        tuple(powers.get(variable, 0) for variable in polynomial.variables): (
            coefficient.numerator,
            coefficient.denominator,
        )
        for powers, coefficient in polynomial
    }
