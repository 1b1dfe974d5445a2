"""Claims about a network and the graphs that it was rewritten as."""

from __future__ import annotations

import math
import platform
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from functools import cache
from importlib import metadata
from typing import Any

import networkx as nx
import numpy as np

from analytic import THEOREMS, Derivation, ExactNetwork
from numeric import BilinearNetwork, Digits, Layer, NumericError, SquareLayer, square_layers
from numeric.arithmetic import check_arithmetic
from numeric.data.modular_addition import ModularAddition
from numeric.features.decompositions import DECOMPOSITIONS
from numeric.graphs.schema import Node
from numeric.networks.layered import Network, Readable, as_network
from numeric.networks.normal_form import same_states
from proofs.certificates.claims import Certificate, Claim, Level
from proofs.certificates.coefficients import coefficient_claim
from proofs.certificates.counts import counted_claims
from proofs.certificates.files import data_hash, data_witnesses
from proofs.certificates.measurements import Measurements, Rewrite, measured_claims
from proofs.certificates.regions import difference_claims, rounding_claims, signature_claims
from proofs.certificates.tasks import task_claims
from proofs.certificates.verification import Verifier
from proofs.errors import ProofError

_OF_TASKS = {"modular_addition"}
"""Theorems about the inputs of a task: certificates of others do not state them."""

_LIBRARIES = ("bilinear-features", "numpy", "python-flint", "sympy", "torch")


def prove(
    model: Readable,
    graph: nx.DiGraph[Node] | Sequence[nx.DiGraph[Node]],
    digits: Digits,
    *,
    tolerance: float = 1e-9,
    task: ModularAddition | None = None,
) -> Certificate:
    """State what the rewrite of a network keeps, each claim with the evidence for it.

    Args:
        model: the network, or its layers in the normal form.
        graph: the graph that it was traced to, or several. Claims name a graph by its method, and
            count those of one method.
        digits: the test images are what the measured claims are measured on.
        tolerance: how far a rewrite's logits may lie from the network's, relative to the largest
            logit of the image; and its coefficients, relative to what adds up to them.
        task: of finitely many inputs, all of which are evaluated.

    Returns:
        The claims, as far as the checker's own test accepts them: *symbolic*, the theorems behind
        every rewrite; *exact*, that a polarized graph and the network are the same polynomial, and
        that network and smaller graphs do the task;
        *bounded*, how far the coefficients of any other graph can lie from the network's;
        *measured*, on all test images, how far the rewrites and torch's own floats lie from each
        other and from the exact values. What it does not accept, or what no bound is found for, is
        left out, and remarks say so.

    Raises:
        ProofError: an argument is of another kind, there is no graph, a graph or the images have
            other sizes than the network, or the logits of an image leave the range of float64.
        NumericError: a graph breaks its schema, or a weight is not finite; or floating point is not
            what bounds take it for (:func:`numeric.arithmetic.check_arithmetic`).

    Examples:
        >>> import numpy as np
        >>> from numeric import trace
        >>> images, labels = np.eye(4, dtype=np.float32), np.array([0, 1, 0, 1])
        >>> network = BilinearNetwork(4, 2, depth=2, width=3, hidden=5)
        >>> graph = trace(network, method="polarized")
        >>> certificate = prove(network, graph, Digits(images, labels, images, labels))
        >>> [str(claim.level) for claim in certificate.claims if claim.level != "symbolic"]
        ['exact', 'bounded', 'bounded', 'bounded', 'measured', 'measured', 'measured', 'measured']
        >>> certificate.holds
        True
    """
    check_arithmetic()
    network, layers = read_network(model)
    graphs = _checked(layers, graph, digits, tolerance)
    if task is not None:
        _check_task(layers, task)
    exact = ExactNetwork(layers)
    # Reading its layers refuses what is no graph.
    squares_of = [square_layers(item) for item in graphs]
    rewrites = [
        _rewrite(name, item.graph.get("method"), squares, layers)
        for name, item, squares in zip(graph_names(graphs), graphs, squares_of, strict=True)
    ]
    stated = [name for name in THEOREMS if task is not None or name not in _OF_TASKS]
    claims = [_symbolic_claim(name, THEOREMS[name]) for name in stated]
    coefficients = (
        coefficient_claim(item.name, graph.graph["method"], layers, item.squares, tolerance)
        for item, graph in zip(rewrites, graphs, strict=True)
        if graph.graph.get("method") in DECOMPOSITIONS and item.layerwise
    )
    claims += coefficients
    claims += [] if task is None else task_claims(exact, rewrites, task)
    measurements = Measurements.of(network, exact, digits)
    same = {claim.numbers["graph"] for claim in claims if claim.kind == "same polynomial"}
    others = [item for item in rewrites if item.name not in same]
    differences, witnesses = difference_claims(layers, others, digits)
    claims += differences
    found = data_witnesses(digits) | witnesses
    data = data_hash(found)
    claims += rounding_claims(layers, digits, measurements.floats, data)
    claims += signature_claims(layers)
    claims += counted_claims(measurements, rewrites, data)
    claims += measured_claims(measurements, layers, rewrites, tolerance)
    verifier = Verifier(layers, {item.name: item.squares for item in rewrites})
    verified = [verifier.verified(claim, found) for claim in claims]
    return Certificate(by_strength(verified), _subject(network, layers), _versions(), found)


def read_network(model: Readable) -> tuple[Network, list[Layer]]:
    """Return a network and its layers, of which each but the last passes the constant on.

    Args:
        model: a network, or its layers in the normal form.

    Raises:
        ProofError: it is no network, or a layer adds something to the constant.
        NumericError: a weight is not finite, or it computes something else than its weights say.
    """
    try:
        network = as_network(model, "model")
    except NumericError as error:
        raise ProofError(str(error)) from None
    layers = network.layers()
    for number, layer in enumerate(layers[:-1], start=1):
        passing = np.eye(1, layer.linear.shape[1])[0]
        if layer.down[0].any() or (layer.linear[0] != passing).any():
            raise ProofError(
                f"expected the first output of layer {number} of model to be the constant alone, "
                "got more"
            )
    return network, layers


def _subject(network: Network, layers: Sequence[Layer]) -> dict[str, Any]:
    """Return what a certificate says of the network's shape."""
    sizes = [layers[0].linear.shape[1] - 1, *(len(layer.linear) - 1 for layer in layers)]
    shape: dict[str, Any] = {"sizes": sizes, "neurons": [len(layer.left) for layer in layers]}
    if isinstance(network, BilinearNetwork):
        shape["configuration"] = asdict(network.configuration)
    return shape


def by_strength(claims: Iterable[Claim]) -> tuple[Claim, ...]:
    """Return claims in the order of their levels, those of one level in the order given.

    Args:
        claims: in any order.
    """
    return tuple(sorted(claims, key=lambda claim: list(Level).index(claim.level)))


@cache
def _symbolic_claim(name: str, derive: Callable[[], Derivation]) -> Claim:
    derivation = derive()
    return Claim(
        name=f"theorem: {name}",
        level=Level.SYMBOLIC,
        statement=derivation.statement,
        holds=derivation.holds,
        theorem=name,
        failure=None if derivation.holds else "The two sides differ.",
    )


def _checked(
    layers: Sequence[Layer],
    graph: nx.DiGraph[Node] | Sequence[nx.DiGraph[Node]],
    digits: Digits,
    tolerance: float,
) -> list[nx.DiGraph[Node]]:
    """Return the graphs, if there are some and all arguments are what they should be."""
    if not isinstance(digits, Digits):
        raise ProofError(f"expected digits to be a Digits, got a {type(digits).__name__}")
    single = isinstance(graph, nx.Graph) or not isinstance(graph, Iterable)
    graphs: list[Any] = [graph] if single else list(graph)
    if not graphs:
        raise ProofError("expected a graph, or several, got none")
    inputs = layers[0].linear.shape[1] - 1
    if digits.inputs != inputs:
        raise ProofError(
            f"expected digits of {inputs} inputs like the network, got {digits.inputs}"
        )
    if not (math.isfinite(tolerance) and tolerance >= 0):
        raise ProofError(f"expected tolerance to be finite and not negative, got {tolerance}")
    return graphs


def _check_task(layers: Sequence[Layer], task: ModularAddition) -> None:
    """Refuse a task of other sizes than the network's."""
    sizes = layers[0].linear.shape[1] - 1, len(layers[-1].linear) - 1
    if sizes != (2 * task.modulus, task.modulus):
        raise ProofError(
            f"expected a network of {2 * task.modulus} inputs and {task.modulus} outputs for the "
            f"task, got {sizes[0]} and {sizes[1]}"
        )


def graph_names(graphs: Sequence[nx.DiGraph[Node]]) -> list[str]:
    """Name each graph by its method, from the second of a method on with a number."""
    names, seen = [], Counter[str]()
    for graph in graphs:
        method = str(graph.graph.get("method", "unnamed"))
        seen[method] += 1
        names.append(method if seen[method] == 1 else f"{method} ({seen[method]})")
    return names


def _rewrite(
    name: str, method: str | None, squares: Sequence[SquareLayer], layers: Sequence[Layer]
) -> Rewrite:
    """Say what a graph's layers can be held against; refuse other sizes than the network's."""
    expected = [layer.linear.shape for layer in layers]
    found = [layer.linear.shape for layer in squares]
    # Eigenfeatures of a network that was folded may have other hidden states than it has.
    linear = any(not len(layer.left) for layer in layers)
    folded = method == "eigen" and linear and not same_states(layers, squares)
    canonical = method in ("canonical", "shared") or folded
    ends = [(len(shapes), shapes[0][1], shapes[-1][0]) for shapes in (expected, found)]
    if ends[0] != ends[1] or (found != expected and not canonical):
        raise ProofError(
            f"expected the {name} graph to have layers of shapes {expected} like the network, got "
            f"{found}"
        )
    complete = method != "shared" and (folded or found == expected)
    return Rewrite(name, squares, layerwise=not canonical, complete=complete)


def _versions() -> dict[str, str]:
    """Return the versions of what computes the evidence."""
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found
