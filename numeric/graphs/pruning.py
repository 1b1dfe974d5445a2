r"""Graphs of fewer features, with what was cut kept beside them.

A feature :math:`w\,(p \cdot \tilde x)^2` counts by the norm of what it adds to the outputs'
polynomial,

.. math::
    \sqrt{w^\top H\, w}\;\, p^\top G\, p,

with :math:`G` the Gram matrix of what its layer reads and :math:`H` the environment of what the
layer writes: by the weights alone. The weakest features are cut first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import networkx as nx
import numpy as np
import numpy.typing as npt

from numeric.arithmetic import check_arithmetic
from numeric.errors import NumericError
from numeric.features.distances import distances
from numeric.features.kernels import environment, products, with_linear_neurons
from numeric.graphs.forward_pass import checked_images
from numeric.graphs.graph import square_layers
from numeric.graphs.rewrite import RewrittenNetwork
from numeric.graphs.schema import Node
from numeric.networks.inference import best_device, logits
from numeric.networks.normal_form import Layer, SquareLayer
from numeric.scalars import plain

Doubles = npt.NDArray[np.float64]


def prune(
    graph: nx.DiGraph[Node],
    *,
    features: int | None = None,
    share: float | None = None,
    agreement: float | None = None,
    images: npt.NDArray[Any] | None = None,
    bound: float | None = None,
    radius: float | None = None,
    each: int | None = None,
) -> nx.DiGraph[Node]:
    r"""Cut the weakest features of a graph, and keep what they did as a residual for each logit.

    Exactly one of ``features``, ``share``, ``agreement``, ``bound`` and ``each`` says how far.

    Args:
        graph: in the schema of :mod:`numeric.graphs.graph`.
        features: how many stay.
        share: which share of the sum of the features' squared norms stays, from 0 to 1.
        agreement: on which share of the images the class must stay the same; the fewest features
            are looked for by halving.
        images: float array of shape (images, inputs), with ``agreement``; pictures may have axes
            of their own.
        bound: by how much no logit may move; the fewest features are looked for by halving.
        radius: for which inputs, those with :math:`\|x\|` at most this, with ``bound``.
        each: how many stay of each class, those that add most to its logit, and below the last
            layer of each form.

    Returns:
        A new graph. Its cut features have the attribute ``cut``; nodes ``("residual", c)`` stand
        for what they did, with ``bound``, the norm of the difference :math:`T_c - T_c'` of the
        tensors, rounded outwards, so that
        :math:`|f_c(x) - f'_c(x)| \le \|T_c - T_c'\|\,\|\tilde x\|^{2^L}` with
        :math:`L` layers, an embedding counted. What the graph's method left out of its network is
        counted in.

    Raises:
        NumericError: the graph breaks the schema, not one of the five is given, it is out of range,
            or a feature's norm is beyond float64; or floating point is not what bounds take it for
            (:func:`numeric.arithmetic.check_arithmetic`).

    Examples:
        >>> from numeric import BilinearNetwork, trace
        >>> pruned = prune(trace(BilinearNetwork(3, 2, depth=1, hidden=4)), features=3)
        >>> sum(cut for _, cut in pruned.nodes(data="cut", default=False))
        5
        >>> sorted(pruned.predecessors(("logit", 0)))[-1]
        ('residual', 0)
    """
    check_arithmetic()
    layers = square_layers(graph, whole=True)
    features, share, agreement = map(plain, (features, share, agreement))
    bound, radius = plain(bound), plain(radius)
    if agreement is not None and images is not None:
        images = checked_images(graph, images, axes=(2,))
    nodes = _features(graph)
    scores = np.concatenate(feature_norms(layers))
    order = np.argsort(-scores, kind="stable")
    outside = np.array(
        [
            graph.nodes.get(("residual", label), {}).get("outside", 0.0)
            for label in range(len(layers[-1].linear) - 1)
        ]
    )
    each = plain(each)
    if each is not None:
        _check_free("each", features=features, share=share, agreement=agreement, bound=bound)
        chosen = _strongest_of_each(layers, each)
        order = np.concatenate([np.flatnonzero(chosen), np.flatnonzero(~chosen)])
        count = int(chosen.sum())
    elif bound is not None or radius is not None:
        asked = "radius" if bound is None else "bound"
        _check_free(asked, features=features, share=share, agreement=agreement)
        count = _within(layers, order, outside, bound, radius)
    else:
        count = _count(layers, order, scores, features, share, agreement, images)
    cut = {nodes[place] for place in order[count:]}
    pruned = graph.copy()
    for node in nodes:
        pruned.nodes[node].pop("cut", None)
        if node in cut:
            pruned.nodes[node]["cut"] = True
    moved = distances(as_layers(layers), as_layers(_without(layers, order[count:])))
    return with_residuals(pruned, moved, outside)


def with_residuals(graph: nx.DiGraph[Node], moved: Doubles, outside: Doubles) -> nx.DiGraph[Node]:
    """Add residual nodes to a graph, in place.

    Args:
        graph: in the schema of :mod:`numeric.graphs.graph`.
        moved: for each logit, the norm of what cut features did to its tensor.
        outside: for each logit, the norm of what is in the network alone.
    """
    for label, (cut, left_out) in enumerate(zip(moved, outside, strict=True)):
        node = ("residual", label)
        both = cut + left_out
        graph.add_node(node, bound=float(np.nextafter(both, np.inf) if cut and left_out else both))
        if left_out:
            graph.nodes[node]["outside"] = float(left_out)
        graph.add_edge(node, ("logit", label), weight=1.0)
    return graph


@np.errstate(over="ignore", invalid="ignore")
def feature_norms(layers: Sequence[SquareLayer]) -> list[Doubles]:
    """Return, for each layer, the norm of what every feature adds to the outputs' polynomial.

    Raises:
        NumericError: one is beyond float64.
    """
    homogeneous = [with_linear_neurons(layer) for layer in as_layers(layers)]
    metrics = [np.eye(layers[0].linear.shape[1])]
    for layer in homogeneous[:-1]:
        metrics.append(products(layer, layer, metrics[-1]))
    drawn = np.eye(len(layers[-1].linear))
    drawn[0, 0] = 0  # component 0 of the last layer is no output
    norms: list[Doubles] = []
    for square, layer, metric in zip(
        reversed(layers), reversed(homogeneous), reversed(metrics), strict=True
    ):
        sizes = ((square.readings @ metric) * square.readings).sum(axis=1)
        weights = ((drawn @ square.mixing) * square.mixing).sum(axis=0)
        norms.append(np.sqrt(np.maximum(weights, 0)) * sizes)
        drawn = environment(layer, drawn, metric)
    if not all(np.isfinite(found).all() for found in norms):
        raise NumericError("expected the norms of all features within the range of float64")
    return norms[::-1]


def as_layers(squares: Sequence[SquareLayer]) -> list[Layer]:
    """Return square layers as layers whose left and right readings are the same, rounded once."""
    rounded = [layer.readings + layer.low for layer in squares]
    return [
        Layer(readings, readings, layer.mixing, layer.linear)
        for readings, layer in zip(rounded, squares, strict=True)
    ]


def _features(graph: nx.DiGraph[Node]) -> list[Node]:
    """Return the features in the order of :func:`numeric.graphs.graph.square_layers`."""
    return sorted(node for node in graph if node[0] == "feature")


def _count(
    layers: Sequence[SquareLayer],
    order: npt.NDArray[np.int64],
    scores: Doubles,
    features: int | None,
    share: float | None,
    agreement: float | None,
    images: npt.NDArray[Any] | None,
) -> int:
    """Return how many features stay."""
    given = {"features": features, "share": share, "agreement": agreement}
    chosen = [name for name, value in given.items() if value is not None]
    if len(chosen) != 1:
        raise NumericError(
            f"expected one of {', '.join(given)} and bound, got {' and '.join(chosen) or 'none'}"
        )
    if features is not None:
        if isinstance(features, bool) or not isinstance(features, int):
            raise NumericError(f"expected features to be an integer, got {features!r}")
        if not 0 <= features <= len(order):
            raise NumericError(f"expected features to lie in 0..{len(order)}, got {features}")
        return features
    target = given[chosen[0]]
    if isinstance(target, bool) or not isinstance(target, float | int) or not 0 <= target <= 1:
        raise NumericError(f"expected {chosen[0]} to lie in 0..1, got {target!r}")
    if share is not None:
        carried = np.concatenate([[0.0], np.cumsum(scores[order] ** 2)])
        return int(np.flatnonzero(carried >= share * carried[-1])[0])
    if images is None:
        raise NumericError("expected images on which to measure the agreement, got None")
    wanted = _classes(layers, images)

    def enough(count: int) -> bool:
        found = _classes(_only(layers, order[:count]), images)
        return float((found == wanted).mean()) >= target

    return _fewest(len(order), enough)


def _within(
    layers: Sequence[SquareLayer],
    order: npt.NDArray[np.int64],
    outside: Doubles,
    bound: float | None,
    radius: float | None,
) -> int:
    """Return the fewest features with which no logit moves by more than a bound."""
    for name, value in {"bound": bound, "radius": radius}.items():
        if not isinstance(value, float | int) or not 0 <= value < np.inf:
            raise NumericError(f"expected {name} to be a number from 0, got {value!r}")
    with np.errstate(over="ignore"):
        power = np.power(1.0 + np.float64(radius or 0.0) ** 2, 2.0 ** (len(layers) - 1))
    # More than the rounding of so many squares, and of what follows.
    reach = power * (1 + 2.0 ** (len(layers) - 45))
    if not _times(reach, outside) <= float(bound or 0.0):
        raise NumericError(
            f"expected bound to be at least {_times(reach, outside):.3g}, which is what the "
            f"graph's method left out within the radius {radius}, got {bound}"
        )
    whole = as_layers(layers)

    def enough(count: int) -> bool:
        moved = distances(whole, as_layers(_without(layers, order[count:])))
        return _times(reach, moved + outside) <= float(bound or 0.0)

    return _fewest(len(order), enough)


def _times(reach: float, norms: Doubles) -> float:
    """Return how far values move at most, also where the reach is infinite and nothing moves."""
    largest = float(norms.max(initial=0))
    return reach * largest if largest else 0.0


def _check_free(asked: str, **others: object) -> None:
    """Refuse a second way to say how far."""
    for name, value in others.items():
        if value is not None:
            raise NumericError(
                "expected one of features, share, agreement, bound and each, got "
                f"{name} beside {asked}"
            )


def _strongest_of_each(layers: Sequence[SquareLayer], each: int) -> npt.NDArray[np.bool_]:
    """Return which features are among the strongest of any output of their layer."""
    if isinstance(each, bool) or not isinstance(each, int) or each < 0:
        raise NumericError(f"expected each to be an integer from 0, got {each!r}")
    metric = np.eye(layers[0].linear.shape[1])
    found = []
    for square, layer in zip(layers, as_layers(layers), strict=True):
        sizes = ((square.readings @ metric) * square.readings).sum(axis=1)
        strengths = abs(square.mixing[1:]) * sizes
        places = np.argsort(-strengths, axis=1, kind="stable")[:, :each]
        stays = np.zeros(strengths.shape, dtype=bool)
        np.put_along_axis(stays, places, values=True, axis=1)
        found.append((stays & (strengths > 0)).any(axis=0))
        whole = with_linear_neurons(layer)
        metric = products(whole, whole, metric)
    return np.concatenate(found)


def _fewest(most: int, enough: Callable[[int], bool]) -> int:
    """Return the fewest features that are enough; all of them are."""
    low, high = 0, most
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return low


def _classes(layers: Sequence[SquareLayer], images: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    found = logits(RewrittenNetwork(layers).to(best_device()), images)
    return np.asarray(found.argmax(axis=1))


def _without(layers: Sequence[SquareLayer], places: npt.NDArray[np.int64]) -> list[SquareLayer]:
    """Return the layers with weights of 0 for some features, counted through all layers."""
    stays = np.ones(sum(len(layer.readings) for layer in layers), dtype=bool)
    stays[places] = False
    parts = np.split(stays, np.cumsum([len(layer.readings) for layer in layers])[:-1])
    return [
        layer._replace(mixing=np.where(kept, layer.mixing, 0.0))
        for layer, kept in zip(layers, parts, strict=True)
    ]


def _only(layers: Sequence[SquareLayer], places: npt.NDArray[np.int64]) -> list[SquareLayer]:
    """Return the layers with some of their features, counted through all layers."""
    kept, start = [], 0
    for layer in layers:
        count = len(layer.readings)
        own = np.sort(places[(places >= start) & (places < start + count)] - start)
        readings, low, mixing = layer.readings[own], layer.low[own], layer.mixing[:, own]
        kept.append(SquareLayer(readings, low, mixing, layer.linear))
        start += count
    return kept
