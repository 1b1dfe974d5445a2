r"""How the logits respond to one node: a polynomial in its value, beside what an intervention does.

With :math:`L` layers every logit is a polynomial in the value :math:`v` of a node of layer
:math:`\ell`, all that does not pass through the node being what the input makes it,
:math:`p_c(v) = \sum_{i=0}^{d} a_{ci}\,v^i` with :math:`d = 2^{L - \ell}`, because every layer above
squares once. So what an intervention does follows from the polynomial, before it is made.
"""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from dataclasses import dataclass

import networkx as nx
import numpy as np
import numpy.typing as npt

from numeric.errors import NumericError
from numeric.explanation.interventions import check_node, is_edge, scale, set_value
from numeric.graph import places_of, square_layers
from numeric.inference import as_tensor
from numeric.normal_form import SquareLayer
from numeric.rewrite import rewrite
from numeric.schema import INPUT, Edge, Node

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


def node_readings(graph: nx.DiGraph[Node], images: npt.ArrayLike) -> dict[Node, Doubles]:
    """Return what every node but the input reads, as :func:`node_values`: features not squared."""
    steps = _forward(square_layers(graph), _extended(graph, images))
    return {
        node: steps[number - 1][0 if node[0] == "feature" else 1][..., row]
        for node, (number, row) in places_of(graph)[0].items()
    }


def node_values(graph: nx.DiGraph[Node], images: npt.ArrayLike) -> dict[Node, Doubles]:
    """Return the value of every node that takes part on images, in float64.

    Args:
        graph: in the schema of :mod:`numeric.graph`.
        images: shape (images, inputs), or (inputs,) for one.

    Returns:
        By node, shape (images,), or () for one image; the value of the input is the images.
        Features that were cut, and residuals, are left out.

    Raises:
        NumericError: the graph breaks the schema, or images do not fit it.

    Examples:
        >>> from numeric import BilinearNetwork, trace
        >>> graph = trace(BilinearNetwork(3, 2, depth=2, width=4, hidden=5))
        >>> node_values(graph, np.ones((6, 3)))["form", 1, 0]
        array([1., 1., 1., 1., 1., 1.])
    """
    readings = node_readings(graph, images)
    values = {node: r**2 if node[0] == "feature" else r for node, r in readings.items()}
    return {INPUT: checked_images(graph, images), **values}


def response(graph: nx.DiGraph[Node], node: Node, images: npt.ArrayLike) -> Doubles:
    r"""Return the coefficients of the logits as polynomials in the value of a node.

    Polynomials are propagated up from the node: a layer of square form maps coefficients linearly,
    and squares its readings by the product of polynomials, :math:`(r^2)_i = \sum_j r_j r_{i-j}`.

    Args:
        graph: in the schema of :mod:`numeric.graph`.
        node: a feature, a form or a logit.
        images: shape (images, inputs), or (inputs,) for one.

    Returns:
        Shape (images, outputs, degree + 1), or (outputs, degree + 1) for one image, float64, the
        constant term first.

    Raises:
        NumericError: the graph breaks the schema, the node is not in it or is the constant, or
            images do not fit it.

    Examples:
        >>> from numeric import BilinearNetwork, trace
        >>> graph = trace(BilinearNetwork(3, 2, depth=3, width=4, hidden=5))
        >>> response(graph, ("form", 1, 2), np.ones((6, 3))).shape
        (6, 2, 5)
    """
    layers = square_layers(graph)
    check_node(graph, node)
    number, place = places_of(graph)[0][node]
    state = _extended(graph, images)
    for _, outputs in _forward(layers[: number - 1], state):
        state = outputs
    layer = layers[number - 1]
    ((readings, rest),) = _forward([layer], state)
    if node[0] == "feature":
        readings[..., place] = 0
        rest, slope = readings**2 @ layer.mixing.T + state @ layer.linear.T, layer.mixing[:, place]
    else:
        rest[..., place], slope = 0, np.eye(len(layer.linear))[place]
    polynomials = np.stack([rest, np.broadcast_to(slope, rest.shape)], axis=-1)
    for layer in layers[number:]:
        polynomials = _above(layer, polynomials)
    return polynomials[..., 1:, :]


def predicted_effect(
    graph: nx.DiGraph[Node], node: Node, images: npt.ArrayLike, value: npt.ArrayLike
) -> Doubles:
    r"""Return what the logits change by if a node takes a value: :math:`p(v) - p(v_0)`.

    Args:
        graph: in the schema of :mod:`numeric.graph`.
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
    coefficients = response(graph, node, images)
    now = node_values(graph, images)[node]
    new = _checked_array(value, "value")
    if new.shape not in ((), now.shape):
        raise NumericError(
            f"expected value to be a number or to have shape {now.shape}, got {new.shape}"
        )
    degrees = np.arange(coefficients.shape[-1])
    change = np.broadcast_to(new, now.shape)[..., None] ** degrees - now[..., None] ** degrees
    return np.asarray((coefficients @ change[..., None])[..., 0])


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
        graph: in the schema of :mod:`numeric.graph`.
        target: a node, or an edge with a factor. What an edge does is what its reader's value does.
        images: shape (images, inputs), or (inputs,) for one.
        value: what :func:`numeric.explanation.interventions.set_value` holds the node at.
        factor: what :func:`numeric.explanation.interventions.scale` multiplies the target by; 0
            cuts it.

    Returns:
        The logits before and after, and the predicted difference.

    Raises:
        NumericError: neither or both of value and factor are given, or what those raise.

    Examples:
        >>> from numeric import BilinearNetwork, trace
        >>> graph = trace(BilinearNetwork(3, 2, depth=2, width=4, hidden=5))
        >>> cut = effect(graph, ("form", 1, 2), np.ones((6, 3)), factor=0)
        >>> np.allclose(cut.predicted, cut.measured)
        True
    """
    if value is not None and factor is None:
        changed = set_value(graph, target, value)
        node, new = target, np.array(float(value))
    elif factor is not None and value is None:
        changed = scale(graph, target, factor)
        node, new = _scaled_value(graph, target, images, float(factor))
    else:
        raise NumericError(f"expected either value or factor, got {value!r} and {factor!r}")
    inputs = as_tensor(checked_images(graph, images))
    before, after = (rewrite(each)(inputs).numpy() for each in (graph, changed))
    return Effect(before, after, predicted_effect(graph, node, images, new))


def _scaled_value(
    graph: nx.DiGraph[Node], target: Node | Edge, images: npt.ArrayLike, factor: float
) -> tuple[Node, Doubles]:
    """Return the node whose value an intervention changes, and the value that it gets."""
    readings, values = node_readings(graph, images), node_values(graph, images)
    if not is_edge(target):
        return target, factor * values[target]
    source, reader = target
    edge, node = graph.edges[target], graph.nodes[reader]
    if source == INPUT:
        part = _extended(graph, images) @ (node["direction"] + node.get("direction_low", 0.0))
    else:
        part = (edge["weight"] + edge.get("weight_low", 0.0)) * values[source]
    reading = readings[reader] + (factor - 1) * part
    return reader, reading**2 if reader[0] == "feature" else reading


def checked_images(
    graph: nx.DiGraph[Node],
    images: npt.ArrayLike,
    name: str = "images",
    axes: tuple[int, ...] = (1, 2),
) -> Doubles:
    """Return images in float64 if they are finite numbers of the graph's size."""
    array, inputs = _checked_array(images, name), graph.graph["sizes"][0] - 1
    if array.ndim not in axes or array.shape[-1] != inputs:
        expected = " or ".join(("", f"({inputs},)", f"(images, {inputs})")[n] for n in axes)
        raise NumericError(f"expected {name} to have shape {expected}, got {array.shape}")
    return array


def _forward(layers: Sequence[SquareLayer], state: Doubles) -> list[tuple[Doubles, Doubles]]:
    """Return every layer's readings and outputs, for states of shape (..., components)."""
    steps = []
    for layer in layers:
        readings = state @ layer.readings.T + state @ layer.low.T
        state = readings**2 @ layer.mixing.T + state @ layer.linear.T
        steps.append((readings, state))
    return steps


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


def _extended(graph: nx.DiGraph[Node], images: npt.ArrayLike) -> Doubles:
    """Return checked images with the constant before the pixels."""
    array = checked_images(graph, images)
    return np.concatenate([np.ones((*array.shape[:-1], 1)), array], axis=-1)


def _checked_array(values: npt.ArrayLike, name: str) -> Doubles:
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, RuntimeError):
        array = np.array(None)
    if array.dtype.kind not in "fiu" or not np.isfinite(array).all():
        raise NumericError(f"expected {name} to hold finite numbers, got {reprlib.repr(values)}")
    return array.astype(np.float64)
