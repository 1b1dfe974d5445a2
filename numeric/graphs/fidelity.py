"""How much of a network a graph keeps, measured on data and in the polynomial's norm."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import networkx as nx
import numpy as np
import torch
from scipy.special import betaincinv

from numeric.data.digits import Digits
from numeric.errors import NumericError
from numeric.features.canonical import TooManyFeaturesError
from numeric.features.distances import distances, norm_bounds
from numeric.features.kernels import with_linear_neurons
from numeric.graphs.graph import square_layers
from numeric.graphs.pruning import as_layers, prune
from numeric.graphs.rewrite import RewrittenNetwork
from numeric.graphs.schema import Node
from numeric.graphs.trace import trace
from numeric.networks.inference import best_device, logits, settled_copy, usual_torch
from numeric.networks.layered import Readable, as_network
from numeric.networks.normal_form import Layer


@dataclass(frozen=True)
class Fidelity:
    """What a graph keeps of its network.

    Attributes:
        method: how the graph was traced.
        features: how many take part.
        edges: how many end or begin at one of them.
        images: how many it was measured on.
        agreeing: on how many of them graph and network predict the same class.
        interval: in which the share of agreement lies with 95 % confidence, exactly (Clopper and
            Pearson), where the images are drawn at random.
        accuracy: the share of images that the graph labels correctly.
        largest: the largest difference of two logits.
        mean: their mean difference.
        divergence: the mean Kullback-Leibler divergence of the graph's class probabilities from the
            network's, in nats.
        norm: the share of the polynomial's squared norm that is kept, by the weights alone.
    """

    method: str
    features: int
    edges: int
    images: int
    agreeing: int
    interval: tuple[float, float]
    accuracy: float
    largest: float
    mean: float
    divergence: float
    norm: float

    @property
    def agreement(self) -> float:
        """The share of images with the same class."""
        return self.agreeing / self.images


@usual_torch(gradients=False)
def fidelity(graph: nx.DiGraph[Node], network: Readable, digits: Digits) -> Fidelity:
    r"""Measure what a graph keeps of a network, on the test images.

    The share of the norm is :math:`1 - \sum_c \|T_c - T'_c\|^2 / \sum_c \|T_c\|^2` with the tensors
    of the logits, in which every layer is symmetric and pixels are alike.

    Args:
        graph: in the schema of :mod:`numeric.graphs.graph`.
        network: that it was traced from, or its layers.
        digits: whose test images are used.

    Raises:
        NumericError: the graph breaks the schema, or has other inputs or logits than the network,
            or another number of layers; or as
            :func:`numeric.networks.layered.read_layers`.

    Examples:
        >>> from numeric import BilinearNetwork
        >>> images, labels = np.eye(4, dtype=np.float32), np.array([0, 1, 0, 1])
        >>> model = BilinearNetwork(4, 2, depth=1, hidden=3)
        >>> found = fidelity(trace(model), model, Digits(images, labels, images, labels))
        >>> found.agreement, round(found.norm, 6)
        (1.0, 1.0)
    """
    whole = as_network(network)
    squares = square_layers(graph)
    layers = whole.layers()
    expected, sizes = (
        (len(stack), stack[0].linear.shape[1] - 1, len(stack[-1].linear) - 1)
        for stack in (layers, squares)
    )
    if sizes != expected:
        raise NumericError(
            "expected the graph to have {} layers, {} inputs and {} logits like the network, "
            "got {}, {} and {}".format(*expected, *sizes)
        )
    wanted = logits(settled_copy(whole).to(best_device(), torch.float64), digits.test_images)
    module = RewrittenNetwork(squares).to(best_device())
    found = logits(module, digits.test_images)
    same = int((found.argmax(axis=1) == wanted.argmax(axis=1)).sum())
    one, other = (torch.from_numpy(scores).log_softmax(dim=1) for scores in (wanted, found))
    return Fidelity(
        method=str(graph.graph.get("method", "unnamed")),
        features=sum(len(layer.readings) for layer in squares),
        edges=sum(int(np.count_nonzero(layer.mixing)) for layer in squares)
        + sum(int(np.count_nonzero(layer.readings)) for layer in squares[1:]),
        images=len(found),
        agreeing=same,
        interval=binomial_interval(same, len(found)),
        accuracy=float((found.argmax(axis=1) == digits.test_labels).mean()),
        largest=float(abs(found - wanted).max()),
        mean=float(abs(found - wanted).mean()),
        divergence=float((one.exp() * (one - other)).sum(dim=1).mean()),
        norm=_norm_kept(layers, as_layers(squares)),
    )


def binomial_interval(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the exact interval of a share that was counted.

    Args:
        successes: how many there were.
        trials: of how many, at least 1.
        confidence: the chance that the interval holds the true share, at least.

    Source:
        C. J. Clopper and E. S. Pearson, *The use of confidence or fiducial limits illustrated in
        the case of the binomial*, Biometrika 26 (1934).

    Examples:
        >>> [round(limit, 4) for limit in binomial_interval(9918, 10_000)]
        [0.9898, 0.9935]
    """
    tail = (1 - confidence) / 2
    lower = betaincinv(successes, trials - successes + 1, tail) if successes else 0.0
    upper = betaincinv(successes + 1, trials - successes, 1 - tail) if successes < trials else 1.0
    return float(lower), float(upper)


def frontier(
    network: Readable,
    digits: Digits,
    *,
    methods: Iterable[str] = ("eigen", "canonical", "shared"),
    counts: Sequence[int] = (20, 40, 60, 90, 120, 160, 200),
    each: Sequence[int] = (),
) -> list[Fidelity]:
    """Measure graphs of growing numbers of features, by every method.

    Args:
        network: to be traced.
        digits: whose test images are used.
        methods: of :func:`numeric.trace`. Shared features are fitted for each number anew; graphs
            of other methods are pruned.
        counts: numbers of features.
        each: numbers of features of each class (:func:`numeric.prune`), for all but shared ones,
            which have no class.

    Returns:
        One measurement for each method and number, in that order, those of each class last. Numbers
        beyond those of a whole graph are left out, and so are those of more shared features than
        there are eigenfeatures.

    Raises:
        NumericError: there is no such method, or a number is none.
    """
    found = []
    for method in methods:
        whole = None if method == "shared" else trace(network, method)
        for count in counts:
            if whole is None:
                try:
                    graph = trace(network, method, features=count)
                except TooManyFeaturesError:
                    continue
            elif count > sum(node[0] == "feature" for node in whole):
                continue
            else:
                graph = prune(whole, features=count)
            found.append(fidelity(graph, network, digits))
        if whole is not None:
            cut = (prune(whole, each=number) for number in each)
            found += [fidelity(graph, network, digits) for graph in cut]
    return found


def _norm_kept(network: Sequence[Layer], graph: Sequence[Layer]) -> float:
    whole = norm_bounds([with_linear_neurons(layer) for layer in network])[1:]
    norm, left_out = np.linalg.norm(whole), np.linalg.norm(distances(network, graph))
    return 1 - float(left_out / norm) ** 2 if norm else 1.0
