"""The folder about a network: whatever network it is, and whatever lies there already."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from numeric import (
    BilinearNetwork,
    LayeredNetwork,
    NumericError,
    fidelity,
    from_module,
    load_graph,
    load_network,
    prune,
    save_network,
    trace,
)
from numeric.networks.training import Epoch, Recipe
from proofs import ProofError, check, write_report
from proofs.report import exhibits, pictures
from proofs.report import folder as reports
from proofs.report.folder import METHODS, cut_frontier, few, traced
from tests.digits import small_digits
from tests.modules import Attention, Convolutional

DIGITS = small_digits(9, 3)


def network() -> BilinearNetwork:
    return BilinearNetwork(9, 3, depth=2, width=4, hidden=6)


@pytest.fixture(scope="module")
def shared() -> nx.DiGraph[Any]:
    return trace(network(), "shared", features=24)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exhibits, "_CERTIFIED", 1)
    monkeypatch.setattr(reports, "few", lambda *_: 8)
    monkeypatch.setattr(reports, "_CUTS", (4,))
    monkeypatch.setattr(pictures, "_FEATURES", 1)
    monkeypatch.setattr(pictures, "_FORMS", 2)


# Networks of any kind


@pytest.mark.parametrize(("make", "shape"), [(Convolutional, (1, 12, 12)), (Attention, (8, 4))])
def test_a_network_of_others_has_a_report(
    tmp_path: Path, make: Any, shape: tuple[int, ...]
) -> None:
    torch.manual_seed(0)
    found = from_module(make().eval(), torch.zeros(1, *shape))
    said: list[str] = []
    outputs = len(found.layers()[-1].linear) - 1
    digits = small_digits(found.inputs, outputs, pictures=6)
    certificate = write_report(found, digits, tmp_path / "report", say=said.append)
    assert certificate.holds
    assert any(
        "same polynomial" in line for line in check(tmp_path / "report" / "certificate.json")
    )
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert '<h2 id="training">Its shape</h2>' in page
    assert "neurons of each layer" in page
    assert said[-1] == f"report: {tmp_path / 'report' / 'report.html'}"


@pytest.mark.parametrize(
    ("forward", "outputs"),
    [
        (lambda x: x @ torch.linspace(-1, 1, 27).reshape(9, 3), 3),
        (lambda x: (x * x.flip(-1)).sum(-1, keepdim=True), 1),
        (lambda x: (x * x.flip(-1)).square().sum(-1, keepdim=True), 1),
    ],
)
def test_a_network_of_one_output_or_without_squares_has_a_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forward: Any, outputs: int
) -> None:
    class Written(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> Any:
            return forward(x)

    monkeypatch.setattr(reports, "few", few)
    found = from_module(Written(), torch.zeros(1, 9))
    assert write_report(found, small_digits(9, outputs, pictures=6), tmp_path).holds


def test_how_a_network_was_trained_stands_on_its_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "all_pictures", lambda *_: {"digits": Figure(figsize=(1, 1))})
    training = Recipe(epochs=1, noise=0.25), [Epoch(0.5, 0.9)]
    write_report(network(), DIGITS, tmp_path, training=training)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert '<h2 id="training">How it was trained</h2>' in page
    assert "<td>0.25</td>" in page


# What lies there already


def test_graphs_of_this_network_are_used_and_the_network_is_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "all_pictures", lambda *_: {"digits": Figure(figsize=(1, 1))})
    save_network(network(), tmp_path / "model.safetensors", notes={"mine": "kept"})
    write_report(network().layers(), DIGITS, tmp_path)
    made = ["model.safetensors", *(f"graph-{method}.safetensors" for method in METHODS)]
    before = {name: (tmp_path / name).stat().st_mtime_ns for name in made}
    assert isinstance(load_network(tmp_path / "model.safetensors"), BilinearNetwork)
    write_report(network(), DIGITS, tmp_path)
    assert {name: (tmp_path / name).stat().st_mtime_ns for name in made} == before


def test_another_network_in_the_folder_is_refused_and_left(tmp_path: Path) -> None:
    layers = network().layers()
    moved = layers[1].down.copy()
    moved[1, 0] = np.nextafter(moved[1, 0], np.float32(9))
    save_network(LayeredNetwork([layers[0], layers[1]._replace(down=moved)]), tmp_path / "other")
    (tmp_path / "other").rename(tmp_path / "model.safetensors")
    before = (tmp_path / "model.safetensors").read_bytes()
    with pytest.raises(ProofError, match="the report is about, got another one: name another"):
        write_report(network(), DIGITS, tmp_path)
    assert (tmp_path / "model.safetensors").read_bytes() == before


def test_images_of_another_size_and_a_file_for_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ProofError, match="digits of 9 inputs like the network, got 16"):
        write_report(network(), small_digits(16), tmp_path / "report")
    assert not list((tmp_path / "report").iterdir())
    (tmp_path / "file").write_text("here")
    with pytest.raises(ProofError, match=r"the output folder .*file to be a folder"):
        write_report(network(), DIGITS, tmp_path / "file")


def test_a_graph_that_is_given_is_the_one_that_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shared: nx.DiGraph[Any]
) -> None:
    monkeypatch.setattr(reports, "all_pictures", lambda *_: {"digits": Figure(figsize=(1, 1))})
    pruned = prune(shared, features=5)
    write_report(network(), DIGITS, tmp_path, graph=pruned)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "A graph of\n5 features names the same class" in page
    kept = load_graph(tmp_path / "graph-shared.safetensors")
    assert fidelity(kept, network(), DIGITS).features == 5


def test_a_graph_of_another_method_or_network_is_refused_and_nothing_is_written(
    tmp_path: Path, shared: nx.DiGraph[Any]
) -> None:
    other = BilinearNetwork(9, 3, depth=2, width=4, hidden=6, seed=1)
    with pytest.raises(ProofError, match="expected graph to be one of the network, got one of an"):
        write_report(other, DIGITS, tmp_path, graph=shared)
    with pytest.raises(ProofError, match="a shared one, got one of the method eigen"):
        write_report(network(), DIGITS, tmp_path, graph=trace(network(), "eigen"))
    assert not list(tmp_path.iterdir())


# Few features


@pytest.mark.parametrize(
    ("depth", "hidden", "count"),
    [(1, 256, 80), (2, 256, 130), (3, 256, 180), (1, 40, 80), (1, 39, 78), (2, 6, 24), (3, 1, 6)],
)
def test_shared_features_are_few_and_never_more_than_the_polarized_ones(
    depth: int, hidden: int, count: int
) -> None:
    assert few(BilinearNetwork(9, 3, depth=depth, hidden=hidden).layers()) == count


@pytest.mark.parametrize("method", ["polarized", "eigen"])
def test_only_shared_features_are_counted_beforehand(tmp_path: Path, method: str) -> None:
    with pytest.raises(NumericError, match=r"expected no \w+ for method"):
        traced(tmp_path / "graph", network().layers(), method, features=3)
    assert not list(tmp_path.iterdir())


def test_a_frontier_cuts_fewer_and_fewer_features_and_at_last_none(
    shared: nx.DiGraph[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    model, graph = network(), shared
    frontier = cut_frontier(graph, model, DIGITS)
    assert [found.features for found in frontier] == [6, 9, 12, 15, 18, 21, 24]
    for found in frontier[:-1]:
        assert found == fidelity(prune(graph, features=found.features), model, DIGITS)
    assert frontier[-1] == fidelity(graph, model, DIGITS)


@pytest.mark.parametrize(("kept", "counts"), [(0, [0]), (1, [1]), (2, [1, 2]), (3, [1, 2, 3])])
def test_a_graph_of_hardly_any_features_has_a_short_frontier(
    shared: nx.DiGraph[Any], kept: int, counts: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    model, graph = network(), shared.copy()
    graph.remove_nodes_from([node for node in graph if node[0] == "feature"][kept:])
    frontier = cut_frontier(graph, model, DIGITS)
    assert [found.features for found in frontier] == counts
