"""One network through every verb: no number is wrong, no certificate of ours is rejected.

Networks of every shape and every size of weights are drawn. A verb may refuse one, by an error of
the project's own; what it returns is held against fractions.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import event, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from analytic import AnalyticError, ExactNetwork, same_polynomial
from numeric import (
    BilinearNetwork,
    Digits,
    NumericError,
    effect,
    explain,
    load_attribution_graph,
    load_graph,
    load_graphml,
    load_network,
    load_node_link,
    prune,
    rewrite,
    save_attribution_graph,
    save_graph,
    save_graphml,
    save_network,
    save_node_link,
    square_layers,
    trace,
)
from proofs import Certificate, ProofError, certify, check, prove, save_certificate
from tests.graphs import (
    assert_same_graph,
    edges_of,
    exact_logits,
    node_values,
    nodes_of,
)
from tests.oracles import module_value
from tests.strategies import costly, networks, tame, wild

METHODS = ("polarized", "eigen", "canonical", "shared")
ROUNDING = Fraction(2) ** -40
"""What float64 may lose of the size of all terms, at these sizes of networks."""

SMALLEST = Fraction(2) ** -900
LARGEST = Fraction(2) ** 900
"""Between these no product of what is computed leaves float64's range."""

Images = npt.NDArray[Any]


@st.composite
def cases(draw: st.DrawFn) -> tuple[BilinearNetwork, Digits, bool]:
    """Networks with some pictures, and whether all their numbers are of ordinary size."""
    ordinary = draw(st.booleans())
    network = draw(networks(elements=tame if ordinary else wild, max_depth=3, max_size=3))
    shape = (3, network.configuration.inputs)
    images = draw(hnp.arrays(np.float32, shape, elements=st.floats(0, 1, width=32)))
    outputs = st.integers(0, network.configuration.outputs - 1)
    labels = np.array(draw(st.lists(outputs, min_size=3, max_size=3)), dtype=np.int64)
    return network, Digits(images, labels, images, labels), ordinary


@pytest.mark.props
@costly
@given(cases(), st.data())
def test_what_any_verb_says_of_a_network_is_so(case: Any, data: st.DataObject) -> None:
    network, digits, ordinary = case
    graphs: dict[str, nx.DiGraph[Any]] = {}
    for method in METHODS:
        with refusal(f"trace {method}", allowed=not ordinary):
            graphs[method] = traced(network, method)
    exact = [module_value(network, image) for image in digits.test_images]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with refusal("save", allowed=not ordinary):
            a_file_holds(network, folder)
        for graph in graphs.values():
            stays_within_its_bounds(graph, exact, digits.test_images)
            for verb in (cut, written, computed, explained, changed):
                with refusal(f"{verb.__name__} {graph.graph['method']}", allowed=not ordinary):
                    verb(graph, digits.test_images, folder, data)
        for prover in (prove, certify):
            with refusal(prover.__name__, allowed=not ordinary):
                certificate = prover(network, list(graphs.values()), digits)
                is_accepted(certificate, network, graphs, folder)
                is_true(certificate, graphs, exact, digits)
    if "polarized" in graphs:
        squares = [layer.in_normal_form() for layer in square_layers(graphs["polarized"])]
        assert same_polynomial(ExactNetwork(network.layers()), ExactNetwork(squares)).proved
        assert [exact_logits(graphs["polarized"], image) for image in digits.test_images] == exact


@contextmanager
def refusal(verb: str, *, allowed: bool) -> Iterator[None]:
    """Let a verb refuse its arguments by an error of the project's own, where that is allowed."""
    try:
        yield
    except (AnalyticError, NumericError, ProofError) as error:
        event(f"{verb} refuses")
        if not allowed:
            raise AssertionError(f"{verb} refuses a network of ordinary numbers") from error


def traced(network: BilinearNetwork, method: str) -> nx.DiGraph[Any]:
    return trace(
        network,
        method,
        **({"features": network.configuration.depth + 1} if method == "shared" else {}),
    )


# What graphs say


def stays_within_its_bounds(
    graph: nx.DiGraph[Any], exact: list[list[Fraction]], images: Images
) -> None:
    """A graph is off its network by no more than its residuals state, if it has any."""
    for image, wanted in zip(images, exact, strict=True):
        assert_bounded(graph, exact_logits(graph, image), wanted, image)


def assert_bounded(
    graph: nx.DiGraph[Any], found: list[Fraction], wanted: list[Fraction], image: Images
) -> None:
    layers = len(graph.graph["sizes"]) - 1
    reach = (1 + sum(Fraction(float(entry)) ** 2 for entry in image)) ** 2 ** (layers - 1)
    for label, (one, other) in enumerate(zip(found, wanted, strict=True)):
        bound = graph.nodes.get(("residual", label), {"bound": np.inf})["bound"]
        assert not np.isnan(bound)
        if np.isfinite(bound):
            assert abs(one - other) <= Fraction(bound) * reach


def cut(graph: nx.DiGraph[Any], images: Images, folder: Path, data: st.DataObject) -> None:  # noqa: ARG001
    """What was cut moves no logit by more than is stated, and is kept beside the graph."""
    count = sum(node[0] == "feature" for node in graph)
    pruned = prune(graph, features=data.draw(st.integers(0, count)))
    for image in images:
        whole = exact_logits(graph, image)
        assert_bounded(
            pruned, exact_logits(pruned.subgraph(taking_part(pruned)), image), whole, image
        )


def taking_part(graph: nx.DiGraph[Any]) -> list[Any]:
    return [
        node
        for node, data in graph.nodes(data=True)
        if node[0] != "residual" and not data.get("cut", False)
    ]


def takes_part(target: Any) -> bool:
    """Return whether a node is no residual, or an edge comes from none."""
    return "residual" not in (target[0], target[0][0])


def written(graph: nx.DiGraph[Any], images: Images, folder: Path, data: st.DataObject) -> None:  # noqa: ARG001
    """Every kind of file gives the graph back."""
    for save, load in (
        (save_graph, load_graph),
        (save_node_link, load_node_link),
        (save_graphml, load_graphml),
    ):
        save(graph, folder / "graph")
        assert_same_graph(load(folder / "graph"), graph)
    save_attribution_graph(graph, folder / "graph", image=images[0])
    load_attribution_graph(folder / "graph")


def computed(graph: nx.DiGraph[Any], images: Images, folder: Path, data: st.DataObject) -> None:  # noqa: ARG001
    """The rewritten network computes the graph, but for rounding."""
    for image, row in zip(images, rewrite(graph)(torch.from_numpy(images)).tolist(), strict=True):
        assert_near(row, exact_logits(graph, image), graph, image)


def explained(graph: nx.DiGraph[Any], images: Images, folder: Path, data: st.DataObject) -> None:  # noqa: ARG001
    """Shares of a logit sum to it."""
    label = data.draw(st.integers(0, graph.graph["sizes"][-1] - 2))
    found = explain(graph, images[0], label=label)
    wanted = exact_logits(graph, images[0])[label]
    for total in (found.total, found.pixels.sum() + found.constant):
        assert_near([total], [wanted], graph, images[0])


def changed(graph: nx.DiGraph[Any], images: Images, folder: Path, data: st.DataObject) -> None:  # noqa: ARG001
    """An intervention does what is predicted, and what fractions say."""
    targets = [*nodes_of(graph), *edges_of(graph)]
    target = data.draw(st.sampled_from([target for target in targets if takes_part(target)]))
    found = effect(graph, target, images[0], factor=0.5)
    wanted = exact_logits(graph, images[0], factors={target: 0.5})
    before = exact_logits(graph, images[0])
    moved = [one - other for one, other in zip(wanted, before, strict=True)]
    assert_near(found.after, wanted, graph, images[0])
    assert_near(found.predicted, moved, graph, images[0])


def assert_near(
    found: Iterable[float], wanted: Iterable[Fraction], graph: nx.DiGraph[Any], image: Images
) -> None:
    """Numbers are right but for rounding, if what leads to them does not leave float64's range."""
    sizes = node_values(graph, image, sizes=True)
    if all(SMALLEST < value < LARGEST for value in sizes.values() if value):
        size = max(exact_logits(graph, image, sizes=True))
        for one, other in zip(found, wanted, strict=True):
            assert abs(Fraction(float(one)) - other) <= ROUNDING * size


# Files and certificates


def a_file_holds(network: BilinearNetwork, folder: Path) -> None:
    """A network's file gives every float back."""
    save_network(network, folder / "model.safetensors")
    pairs = zip(load_network(folder / "model.safetensors").layers(), network.layers(), strict=True)
    for read, layer in pairs:
        for one, other in zip(read, layer, strict=True):
            assert (one.dtype, one.tobytes()) == (other.dtype, other.tobytes())


def is_accepted(
    certificate: Certificate,
    network: BilinearNetwork,
    graphs: dict[str, nx.DiGraph[Any]],
    folder: Path,
) -> None:
    """The checker accepts what the project certifies."""
    save_network(network, folder / "model.safetensors")
    for name, graph in graphs.items():
        save_graph(graph, folder / name)
    paths = {name: folder / name for name in graphs}
    save_certificate(
        certificate, folder / "c.json", model=folder / "model.safetensors", graphs=paths
    )
    assert check(folder / "c.json")


def is_true(
    certificate: Certificate,
    graphs: dict[str, nx.DiGraph[Any]],
    exact: list[list[Fraction]],
    digits: Digits,
) -> None:
    """What is claimed of the images is so."""
    for claim in certificate.claims:
        if claim.kind == "accuracy":
            right = sum(
                row.index(max(row)) == label
                for row, label in zip(exact, digits.test_labels, strict=True)
            )
            assert claim.numbers["right"] <= right
        if claim.kind == "difference":
            for image, row in zip(digits.test_images, exact, strict=True):
                found = exact_logits(graphs[claim.numbers["graph"]], image)
                for one, other in zip(found, row, strict=True):
                    assert abs(one - other) <= Fraction(claim.numbers["bound"])
