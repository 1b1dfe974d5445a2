"""Features from the weights alone, through every layer."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence

import networkx as nx
import numpy as np
import numpy.typing as npt

from numeric.arithmetic import check_arithmetic
from numeric.errors import NumericError
from numeric.features.canonical import Decomposition, canonical, shared
from numeric.features.decompositions import DECOMPOSITIONS
from numeric.features.distances import distances
from numeric.features.folding import unfolded
from numeric.files import digest
from numeric.graphs.forward_pass import checked_pixels
from numeric.graphs.graph import compose
from numeric.graphs.pruning import as_layers, with_residuals
from numeric.graphs.schema import Node
from numeric.networks.layered import Readable, read_layers
from numeric.networks.normal_form import Layer, folded


def _layer_by_layer(name: str) -> Callable[[Sequence[Layer]], Decomposition]:
    """Return the decomposition of a network whose layers are decomposed each by itself."""

    def decompose(layers: Sequence[Layer]) -> Decomposition:
        return Decomposition(
            [DECOMPOSITIONS[name](layer, number) for number, layer in enumerate(layers, 1)]
        )

    return decompose


_EDGE = 355
"""The bytes that an edge takes, as measured."""

_MOST = 4_000_000_000
"""The bytes that all edges of a graph may take."""

METHODS: dict[str, Callable[..., Decomposition]] = {
    **{name: _layer_by_layer(name) for name in DECOMPOSITIONS},
    "canonical": canonical,
    "shared": shared,
}
"""The decompositions of a network by the name that :func:`trace` knows them by."""


def trace(
    network: Readable,
    method: str = "eigen",
    *,
    metric: str | npt.NDArray[np.float64] | None = None,
    components: int | None = None,
    features: int | Sequence[int] | None = None,
    error: float | None = None,
    images: npt.ArrayLike | None = None,
) -> nx.DiGraph[Node]:
    """Find the features that a network computes with, and how they compose.

    Every feature comes from the weights. No data is looked at, unless a metric is made of it.

    Args:
        network: a network, or its layers in the normal form.
        method: ``"polarized"`` (two signed squares a neuron, nothing rounded), ``"eigen"`` (the
            eigenvectors of each output's interaction matrix), ``"canonical"`` (each hidden state in
            its own basis, ordered by what the outputs draw from it, then eigenvectors) or
            ``"shared"`` (as canonical, with one set of features for all outputs of a layer). All
            but the first multiply layers without neurons, such as embeddings and heads, into their
            neighbours, so that these take no features.
        metric: for canonical and shared features, how inputs are alike: ``"pixels"`` (all of them
            alike), ``"neighbours"`` (the more the nearer they lie), ``"data"`` (as they are in
            ``images``), or the Gram matrix of the constant and the inputs, such as that of pictures
            of any shape (:func:`numeric.features.metrics.neighbouring_pixels`). Left out, pixels;
            for shared features neighbours where the weights of neighbouring pixels are alike.
        components: for canonical and shared features, how many components of each hidden state
            stay. Left out, all of them for canonical features, and for shared ones as many as it
            takes for the others to count for little beside what the features leave.
        features: for shared features, how many there shall be, in all or for each layer that has
            neurons.
        error: for shared features, in place of their number: what they may leave of each layer's
            forms, as a share of the norm.
        images: for the metric ``"data"``, shape (images, inputs), without labels. Then features are
            looked for where the images are, and no longer by the weights alone. As many shared ones
            as ``features`` says are fitted to the network's outputs on them. The graph's attribute
            ``metric`` says so, and ``fitted`` what they leave of the outputs' deviation from their
            mean, on images left out of the fit.

    Returns:
        The composition graph, in the schema of :mod:`numeric.graphs.graph`. It computes what the
        network computes, but for what shared features and ``components`` leave out; then nodes
        ``("residual", c)`` say how much that is, as those of :func:`numeric.prune`. Its attribute
        ``network`` is the SHA-256 of the layers that it was read from.

    Raises:
        NumericError: there is no such method, or the method has no such setting; the edges of the
            graph would take more than 4 GB; a weight is not finite, or so large that the method
            cannot hold its result in float64; or floating point takes subnormal numbers for zero
            (:func:`numeric.arithmetic.check_arithmetic`).

    Examples:
        >>> from numeric import BilinearNetwork
        >>> graph = trace(BilinearNetwork(3, 2, depth=2, width=4, hidden=5))
        >>> graph.nodes["input",]
        {'size': 3}
        >>> sorted(graph.predecessors(("logit", 1)))[:2]
        [('feature', 2, 5), ('feature', 2, 6)]
    """
    if not isinstance(method, str) or method not in METHODS:
        raise NumericError(f"expected method to be one of {', '.join(METHODS)}, got {method!r}")
    given = {"metric": metric, "components": components, "features": features, "error": error}
    settings = {name: value for name, value in given.items() if value is not None}
    if images is not None:
        pixels = checked_pixels(images, "images")
        # Pictures may have axes of their own.
        settings["images"] = pixels.reshape(len(pixels), -1) if pixels.ndim > 2 else pixels
    known = tuple(inspect.signature(METHODS[method]).parameters)[1:]
    for name, value in settings.items():
        if name not in known:
            raise NumericError(f"expected no {name} for method {method!r}, got {value!r}")
    if method == "shared" and features is None and error is None:
        raise NumericError(
            "expected features, how many shared ones there shall be, or an error, got neither"
        )
    check_arithmetic()
    layers = read_layers(network)
    # What rounds nothing keeps every layer; what rounds gains from fewer.
    whole = method == "polarized" or not any(len(layer.left) for layer in layers)
    read = layers if whole else folded(layers)
    decomposed = METHODS[method](read, **settings)
    _check_memory(decomposed, layers, method)
    found = unfolded(decomposed, layers)
    if not all(np.isfinite(array).all() for square in found.squares for array in square):
        raise NumericError(
            f"expected the weights of the {method} graph within the range of float64, got one "
            "beyond it: trace with method='polarized', which multiplies nothing"
        )
    graph = compose(found.squares, method)
    graph.graph.update(found.attributes)
    if found.incomplete:
        outside = distances(layers, as_layers(found.squares))
        with_residuals(graph, np.zeros_like(outside), outside)
    graph.graph["network"] = digest(array for layer in layers for array in layer)
    return graph


def _check_memory(found: Decomposition, layers: Sequence[Layer], method: str) -> None:
    """Refuse a graph whose edges would fill memory, before there is any.

    What reads the input has a direction in place of edges; what reads an embedding has one for each
    of its outputs, unless something is left out.
    """
    first = next((number for number, layer in enumerate(layers) if len(layer.left)), 0)
    embedded = first > 0 and len(found.squares) < len(layers) and not found.incomplete
    edges = 0
    for number, square in enumerate(found.squares):
        if number:
            edges += int(np.count_nonzero(square.readings))
        else:
            edges += len(square.readings) * (len(layers[first].linear.T) if embedded else 1)
        edges += int(np.count_nonzero(square.mixing))
    if edges * _EDGE > _MOST:
        fewer = "fewer components" if method == "canonical" else "method='shared' and few features"
        raise NumericError(
            f"expected a graph whose edges take at most {_MOST / 1e9:.3g} GB, got {method} "
            f"features with {edges:,} edges, about {edges * _EDGE / 1e9:.3g} GB: ask for {fewer}"
        )
