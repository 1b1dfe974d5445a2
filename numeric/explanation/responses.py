r"""How the logits respond to one node: a polynomial in its value, beside what an intervention does.

With :math:`L` layers every logit is a polynomial in the value :math:`v` of a node of layer
:math:`\ell`, all that does not pass through the node being what the input makes it,
:math:`p_c(v) = \sum_{i=0}^{d} a_{ci}\,v^i` with :math:`d = 2^{L - \ell}`, because every layer above
squares once. So what an intervention does follows from the polynomial, before it is made.
"""

from __future__ import annotations

from dataclasses import dataclass

import networkx as nx
import numpy as np
import numpy.typing as npt

from numeric.errors import NumericError
from numeric.explanation.interventions import check_node, is_edge, scale, set_value
from numeric.graphs.forward_pass import ForwardPass, check_held, checked_numbers
from numeric.graphs.rewrite import RewrittenNetwork, rewrite
from numeric.graphs.schema import INPUT, Edge, Node
from numeric.networks.inference import as_tensor
from numeric.networks.normal_form import SquareLayer

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Effect:
    """What an intervention does to the logits, measured and predicted.

    Attributes:
        before: logits of the graph, shape (images, outputs), or (outputs,) for one image.
        after: logits of the changed graph.
        predicted: what the polynomial says, equal to ``measured`` to rounding.
    """

    before: Doubles
    after: Doubles
    predicted: Doubles

    @property
    def measured(self) -> Doubles:
        """What the logits changed by."""
        return self.after - self.before


def node_values(graph: nx.DiGraph[Node], images: npt.ArrayLike) -> dict[Node, Doubles]:
    """Return the value of every node that takes part on images, in float64.

    Args:
        graph: in the schema of :mod:`numeric.graphs.graph`.
        images: shape (images, inputs), or (inputs,) for one.

    Returns:
        By node, shape (images,), or () for one image; the value of the input is the images.
        Features that were cut, and residuals, are left out.

    Raises:
        NumericError: the graph breaks the schema, images do not fit it, or a value is beyond
            float64.

    Examples:
        >>> from numeric import BilinearNetwork, trace
        >>> graph = trace(BilinearNetwork(3, 2, depth=2, width=4, hidden=5))
        >>> node_values(graph, np.ones((6, 3)))["form", 1, 0]
        array([1., 1., 1., 1., 1., 1.])
    """
    forward = ForwardPass.of(graph, images)
    return {INPUT: forward.images, **{node: forward.value(node) for node in forward.places}}


def response(graph: nx.DiGraph[Node], node: Node, images: npt.ArrayLike) -> Doubles:
    r"""Return the coefficients of the logits as polynomials in the value of a node.

    Polynomials are propagated up from the node: a layer of square form maps coefficients linearly,
    and squares its readings by the product of polynomials, :math:`(r^2)_i = \sum_j r_j r_{i-j}`.

    Args:
        graph: in the schema of :mod:`numeric.graphs.graph`.
        node: a feature, a form or a logit.
        images: shape (images, inputs), or (inputs,) for one.

    Returns:
        Shape (images, outputs, degree + 1), or (outputs, degree + 1) for one image, float64, the
        constant term first.

    Raises:
        NumericError: the graph breaks the schema, the node is not in it or is the constant, images
            do not fit it, or a value or a coefficient is beyond float64.

    Examples:
        >>> from numeric import BilinearNetwork, trace
        >>> graph = trace(BilinearNetwork(3, 2, depth=3, width=4, hidden=5))
        >>> response(graph, ("form", 1, 2), np.ones((6, 3))).shape
        (6, 2, 5)
    """
    forward = ForwardPass.of(graph, images)
    check_node(graph, node)
    return _coefficients(forward, node)


def predicted_effect(
    graph: nx.DiGraph[Node], node: Node, images: npt.ArrayLike, value: npt.ArrayLike
) -> Doubles:
    r"""Return what the logits change by if a node takes a value: :math:`p(v) - p(v_0)`.

    Args:
        graph: in the schema of :mod:`numeric.graphs.graph`.
        node: a feature, a form or a logit; its present value is :math:`v_0`.
        images: shape (images, inputs), or (inputs,) for one.
        value: :math:`v`, for all images or by image, shape (images,).

    Returns:
        Shape (images, outputs), or (outputs,) for one image.

    Raises:
        NumericError: as :func:`response`, or values do not fit the images or are not finite.

    Examples:
        >>> from numeric import BilinearNetwork, trace
        >>> graph = trace(BilinearNetwork(3, 2, depth=2, width=4, hidden=5))
        >>> predicted_effect(graph, ("form", 1, 2), np.ones((6, 3)), 0.5).shape
        (6, 2)
    """
    forward = ForwardPass.of(graph, images)
    check_node(graph, node)
    return _predicted(forward, node, value)


def effect(
    graph: nx.DiGraph[Node],
    target: Node | Edge,
    images: npt.ArrayLike,
    *,
    value: float | None = None,
    factor: float | None = None,
) -> Effect:
    """Measure an intervention by rewritten networks, and predict it from the polynomial.

    Args:
        graph: in the schema of :mod:`numeric.graphs.graph`.
        target: a node, or an edge with a factor. What an edge does is what its reader's value does.
        images: shape (images, inputs), or (inputs,) for one.
        value: what :func:`numeric.explanation.interventions.set_value` holds the node at.
        factor: what :func:`numeric.explanation.interventions.scale` multiplies the target by; 0
            cuts it.

    Returns:
        The logits before and after, and the predicted difference.

    Raises:
        NumericError: neither or both of value and factor are given, what those and
            :func:`response` raise, or a changed value is beyond float64.

    Examples:
        >>> from numeric import BilinearNetwork, trace
        >>> graph = trace(BilinearNetwork(3, 2, depth=2, width=4, hidden=5))
        >>> cut = effect(graph, ("form", 1, 2), np.ones((6, 3)), factor=0)
        >>> np.allclose(cut.predicted, cut.measured)
        True
    """
    if value is not None and factor is None:
        changed = set_value(graph, target, value)
        forward = ForwardPass.of(graph, images)
        node, new = target, np.array(float(value))
    elif factor is not None and value is None:
        changed = scale(graph, target, factor)
        forward = ForwardPass.of(graph, images)
        node, new = _scaled_value(graph, forward, target, float(factor))
    else:
        raise NumericError(f"expected either value or factor, got {value!r} and {factor!r}")
    inputs = as_tensor(forward.images)
    before, after = (
        network(inputs).numpy() for network in (RewrittenNetwork(forward.layers), rewrite(changed))
    )
    check_held(after, "logits of the changed graph")
    return Effect(before, after, _predicted(forward, node, new))


def _scaled_value(
    graph: nx.DiGraph[Node], forward: ForwardPass, target: Node | Edge, factor: float
) -> tuple[Node, Doubles]:
    """Return the node whose value an intervention changes, and the value that it gets."""
    with np.errstate(over="ignore", invalid="ignore"):
        if is_edge(target):
            node, change = target[1], (factor - 1) * _carried(graph, forward, target)
            new = forward.reading(node) + change
            new = new**2 if node[0] == "feature" else new
        else:
            node, new = target, factor * forward.value(target)
    check_held(new, f"a value of {node}")
    return node, np.asarray(new)


def _carried(graph: nx.DiGraph[Node], forward: ForwardPass, edge: Edge) -> Doubles:
    """Return what an edge adds to what its reader reads."""
    source, reader = edge
    if source == INPUT:
        node = graph.nodes[reader]
        return np.asarray(forward.states[0] @ (node["direction"] + node.get("direction_low", 0.0)))
    data = graph.edges[edge]
    return np.asarray((data["weight"] + data.get("weight_low", 0.0)) * forward.value(source))


def _predicted(forward: ForwardPass, node: Node, value: npt.ArrayLike) -> Doubles:
    """Return what :func:`predicted_effect` says of a graph that is compiled."""
    coefficients, now = _coefficients(forward, node), forward.value(node)
    new = checked_numbers(value, "value")
    if new.shape not in ((), now.shape):
        raise NumericError(
            f"expected value to be a number or to have shape {now.shape}, got {new.shape}"
        )
    degrees = np.arange(coefficients.shape[-1])
    with np.errstate(over="ignore", invalid="ignore"):
        change = np.broadcast_to(new, now.shape)[..., None] ** degrees - now[..., None] ** degrees
        predicted = (coefficients @ change[..., None])[..., 0]
    check_held(predicted, "an effect")
    return np.asarray(predicted)


def _coefficients(forward: ForwardPass, node: Node) -> Doubles:
    """Return what :func:`response` says of a graph that is compiled."""
    number, place = forward.places[node]
    layer, below = forward.layers[number - 1], forward.states[number - 1]
    if node[0] == "feature":
        readings = forward.readings[number - 1].copy()
        readings[..., place] = 0
        rest, slope = readings**2 @ layer.mixing.T + below @ layer.linear.T, layer.mixing[:, place]
    else:
        rest, slope = forward.states[number].copy(), np.eye(len(layer.linear))[place]
        rest[..., place] = 0
    polynomials = np.stack([rest, np.broadcast_to(slope, rest.shape)], axis=-1)
    with np.errstate(over="ignore", invalid="ignore"):
        for above in forward.layers[number:]:
            polynomials = _above(above, polynomials)
    check_held(polynomials, "a response")
    return polynomials[..., 1:, :]


def _above(layer: SquareLayer, polynomials: Doubles) -> Doubles:
    """Return a layer's outputs for states of shape (..., components, coefficients)."""
    readings = layer.readings @ polynomials + layer.low @ polynomials
    count = readings.shape[-1]
    squares = np.zeros((*readings.shape[:-1], 2 * count - 1))
    for power in range(count):
        squares[..., power : power + count] += readings[..., power, None] * readings
    result = layer.mixing @ squares
    result[..., :count] += layer.linear @ polynomials
    return np.asarray(result)
