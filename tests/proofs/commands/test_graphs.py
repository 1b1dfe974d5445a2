"""The commands on graphs: what they write reads back, and what is wrong is said in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from numeric import (
    BilinearNetwork,
    fidelity,
    load_attribution_graph,
    load_graph,
    load_graphml,
    load_network,
    load_node_link,
    prune,
    rewrite,
    save_graph,
    save_network,
    trace,
)
from numeric.graphs.trace import METHODS
from numeric.networks.inference import predictions
from proofs.commands import certificates, graphs, whole
from tests.certificates import said_in
from tests.commands import DIGITS, bilinear, one_line, written_graphs, written_network
from tests.graphs import assert_same_graph

SHARED = ["trace", "model.safetensors", "g", "--method", "shared", "--features"]


@pytest.fixture(autouse=True)
def _quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for module in (certificates, whole, graphs):
        monkeypatch.setattr(module, "data_of", lambda _: DIGITS)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return written_network(tmp_path)


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    return written_graphs(tmp_path)[1]


def features(graph: Any, *, whole: bool = False) -> list[Any]:
    cut = graph.nodes(data="cut", default=False)
    return [node for node, gone in cut if node[0] == "feature" and (whole or not gone)]


# Trace


@pytest.mark.parametrize("method", ["polarized", "eigen"])
def test_trace_writes_the_graph_of_a_network(model: Path, method: str) -> None:
    path = model.with_name("graph.safetensors")
    result = bilinear("trace", model, path, "--method", method)
    assert result.exit_code == 0
    graph = load_graph(path)
    assert_same_graph(graph, trace(load_network(model), method))
    edges = graph.number_of_edges()
    assert result.output == f"{path}: {len(features(graph)):,} features, {edges:,} edges\n"


def test_trace_finds_as_many_shared_features_as_are_asked_for(model: Path) -> None:
    assert model.exists()
    result = bilinear(*SHARED, 20)
    assert result.exit_code == 0
    graph = load_graph("g")
    assert graph.graph["method"] == "shared"
    assert len(features(graph)) == 20
    assert result.output == f"g: 20 features, {graph.number_of_edges():,} edges\n"


def test_what_a_graph_owes_to_training_images_is_said(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert model.exists()
    asked: list[Path | None] = []
    monkeypatch.setattr(graphs, "data_of", lambda data: asked.append(data) or DIGITS)
    result = bilinear(*SHARED, 20, "--metric", "data", "--data", "here")
    graph, count = load_graph("g"), len(DIGITS.train_images)
    said = f"inputs are alike as in {count} images, features fitted to the network on them, "
    assert (
        result.output
        == f"g: 20 features, {graph.number_of_edges():,} edges; {said}without labels\n"
    )
    assert 0 < graph.graph["fitted"] < 1
    bilinear(*SHARED, 20, "--metric", "pixels")
    assert asked == [Path("here")]


@pytest.mark.parametrize("options", [[], ["--components", "2"]])
def test_canonical_graphs_are_traced_and_proved(model: Path, options: list[str]) -> None:
    result = bilinear("trace", model, "graph", "--method", "canonical", *options)
    assert result.exit_code == 0
    kept = 2 if options else 4
    assert load_graph("graph").graph["sizes"] == [785, kept + 1, 11]
    result = bilinear("prove", model, "graph")
    assert result.exit_code == 0
    words = "canonical graph of" if options else "canonical rewrite and the network"
    assert any(words in said for said, _ in said_in("certificate.json"))


def test_trace_finds_eigenfeatures_if_not_told_otherwise(model: Path) -> None:
    bilinear("trace", model, "graph.safetensors")
    assert load_graph("graph.safetensors").graph["method"] == "eigen"


# Prune


@pytest.fixture
def decided(tmp_path: Path) -> list[Path]:
    """A network that sees different classes in different digits, and its graph."""
    network = BilinearNetwork(784, 10, width=4, hidden=6, bias=False, seed=2)
    paths = [tmp_path / "decided.safetensors", tmp_path / "decided-graph.safetensors"]
    save_network(network, paths[0])
    save_graph(trace(network), paths[1])
    return paths


@pytest.mark.parametrize("option", ["features", "share", "agreement"])
def test_prune_writes_what_the_library_makes(decided: list[Path], option: str) -> None:
    graph = decided[1]
    value = {"features": 12, "share": 0.9, "agreement": 0.8}[option]
    result = bilinear("prune", graph, "few", f"--{option}", value)
    assert result.exit_code == 0
    whole = load_graph(graph)
    expected = prune(whole, **{option: value}, images=DIGITS.test_images)
    assert_same_graph(load_graph("few"), expected)
    kept, count = len(features(expected)), len(features(whole))
    assert 0 < kept < count
    assert result.output == f"few: {kept:,} of {count:,} features stay\n"
    if option == "agreement":
        classes = [predictions(rewrite(g), DIGITS.test_images) for g in (whole, expected)]
        assert (classes[0] == classes[1]).mean() >= 0.8


@pytest.mark.parametrize("count", [5, 18])
def test_prune_says_what_is_kept_of_a_network(decided: list[Path], count: int) -> None:
    model, graph = decided
    result = bilinear("prune", graph, "few", "--features", count, "--model", model)
    assert result.exit_code == 0
    kept = fidelity(load_graph("few"), load_network(model), DIGITS)
    assert kept.agreeing < kept.images == 40
    assert (kept.norm < 0) == (count == 5)
    norm = {
        5: f"the difference has {1 - kept.norm:.3g} times the network's squared norm",
        18: f"{kept.norm:.2%} of the squared norm stays",
    }
    whole = len(features(load_graph(graph)))
    assert result.output == (
        f"few: {count} of {whole} features stay; the class stays the network's on {kept.agreeing} "
        f"of 40 test images, {kept.accuracy:.2%} are labelled correctly, {norm[count]}\n"
    )


def test_a_pruned_graph_can_be_pruned_again_from_all_that_there_was(graph: Path) -> None:
    bilinear("prune", graph, "few", "--features", 5)
    result = bilinear("prune", "few", "more", "--features", 9)
    again, whole = load_graph("more"), features(load_graph(graph))
    assert len(features(again)) == 9
    assert features(again, whole=True) == whole
    assert result.output == f"more: 9 of {len(whole)} features stay\n"


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        (["--features", 5], 0),
        (["--share", 0.5], 0),
        (["--agreement", 0.5], 1),
        (["--features", 5, "--model", "model.safetensors"], 1),
    ],
)
def test_digits_are_read_only_where_they_are_needed(
    model: Path, graph: Path, monkeypatch: pytest.MonkeyPatch, options: list[Any], asked: int
) -> None:
    assert model.exists()
    calls = []
    monkeypatch.setattr(graphs, "data_of", lambda data: calls.append(data) or DIGITS)
    assert bilinear("prune", graph, "few", *options, "--data", "here").exit_code == 0
    assert calls == [Path("here")] * asked


# Export


@pytest.mark.parametrize(
    ("arguments", "load", "said"),
    [
        (["g.json"], load_node_link, "node-link"),
        (["g.JSON"], load_node_link, "node-link"),
        (["g.graphml"], load_graphml, "graphml"),
        (["g.json", "--format", "graphml"], load_graphml, "graphml"),
        (["g", "--format", "node-link"], load_node_link, "node-link"),
    ],
)
@pytest.mark.parametrize("pruned", [False, True])
def test_whole_graphs_come_back(
    graph: Path, arguments: list[str], load: Any, said: str, pruned: bool
) -> None:
    if pruned:
        save_graph(prune(load_graph(graph), features=5), graph)
    result = bilinear("export", graph, *arguments)
    assert result.exit_code == 0
    assert_same_graph(load(arguments[0]), load_graph(graph))
    count = len(features(load_graph(graph), whole=True))
    assert result.output == f"{arguments[0]}: {said}, {count} features\n"


def test_an_attribution_graph_shows_a_test_digit(graph: Path) -> None:
    result = bilinear(
        "export", graph, "seven.json", "--format", "attribution", "--image", 7, "--most", 6
    )
    assert result.exit_code == 0
    assert result.output == "seven.json: attribution, 6 features\n"
    loaded = load_attribution_graph("seven.json")
    metadata = loaded.graph["metadata"]
    assert metadata["prompt"] == f"test image 7, labelled {DIGITS.test_labels[7]}"
    assert metadata["slug"] == "seven"
    names = {tuple(data["node"]): data for _, data in loaded.nodes(data=True)}
    assert sum(name[0] == "feature" for name in names) == 6
    point = torch.from_numpy(DIGITS.test_images[7])
    found = [names["logit", c]["activation"] for c in range(10)]
    assert found == pytest.approx(rewrite(load_graph(graph))(point).tolist(), rel=1e-9)
    other = torch.from_numpy(DIGITS.test_images[6])
    assert found != pytest.approx(rewrite(load_graph(graph))(other).tolist(), rel=1e-3)


def test_without_an_image_an_attribution_graph_shows_the_weights(graph: Path) -> None:
    result = bilinear("export", graph, "all.json", "--format", "attribution")
    whole = load_graph(graph)
    assert result.output == f"all.json: attribution, {len(features(whole))} features\n"
    metadata = json.loads(Path("all.json").read_text())["metadata"]
    assert (metadata["links"], metadata["prompt"]) == ("weights", "image")
    assert load_attribution_graph("all.json").number_of_edges() == whole.number_of_edges()


@pytest.mark.parametrize(("most", "shown"), [([], 5), (["--most", 3], 3), (["--most", 99], 5)])
def test_features_that_were_cut_are_not_shown_in_an_attribution_graph(
    graph: Path, most: list[Any], shown: int
) -> None:
    save_graph(prune(load_graph(graph), features=5), "few")
    result = bilinear("export", "few", "few.json", "--format", "attribution", *most)
    assert result.output == f"few.json: attribution, {shown} features\n"
    nodes = [tuple(d["node"]) for _, d in load_attribution_graph("few.json").nodes(data=True)]
    assert sum(node[0] == "feature" for node in nodes) == shown
    assert not [node for node in nodes if node[0] == "residual"]


def test_the_digits_may_come_from_a_folder(graph: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    monkeypatch.setattr(graphs, "data_of", lambda data: calls.append(data) or DIGITS)
    attribution = ["export", graph, "g.json", "--format", "attribution"]
    bilinear(*attribution, "--image", 0, "--data", "here")
    bilinear(*attribution, "--image", 39)
    bilinear(*attribution)
    assert calls == [Path("here"), None]


# What is wrong ends with 2 and one line

FEW = ["prune", "eigen.safetensors", "few"]
EXPORT = ["export", "eigen.safetensors"]
ATTRIBUTION = ["--format", "attribution"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["trace", "model.safetensors", "g", "--method", "x"],
            f"one of {', '.join(METHODS)}, got 'x'",
        ),
        (["trace", "model.safetensors", "g", "--features", "3"], "no features for method 'eigen'"),
        (["trace", "model.safetensors", "g", "--components", "3"], "no components for method 'eig"),
        (["trace", "model.safetensors", "g", "--method", "shared"], "expected features, how many"),
        ([*SHARED, "0"], "expected features to be integers from 1, got 0"),
        ([*SHARED, "5", "--components", "0"], "expected components to be an integer from 1, got 0"),
        ([*SHARED, "9", "--data", "d"], "expected --data only with --metric data, got None"),
        (["trace", "nowhere", "g"], "expected a safetensors file at nowhere, got nothing"),
        (["trace", "nowhere", "note"], "expected a safetensors file at nowhere, got nothing"),
        (["trace", "note", "g"], "expected note to be a whole safetensors file"),
        (["trace", "eigen.safetensors", "g"], "got 'bilinear-features graph 1': a composition gr"),
        (["trace", "model.safetensors", "note/g"], "expected to write note/g, got: "),
        (["trace", "research", "g"], "metadata, got none: 'bilinear import' makes a network of"),
        (["trace", "data.npz", "g"], "an archive of numpy: it holds images and labels, which --"),
        (["trace", "research.npz", "g"], "got an archive of numpy: 'bilinear import' makes a netw"),
        (FEW, "expected one of features, share, agreement"),
        ([*FEW, "--features", "5", "--share", "1"], "got features and share"),
        ([*FEW, "--features", "-1"], "expected features to lie in 0.."),
        ([*FEW, "--features", "9999"], "expected features to lie in 0.."),
        ([*FEW, "--share", "1.5"], "expected share to lie in 0..1, got 1.5"),
        ([*FEW, "--agreement", "nan"], "expected agreement to lie in 0..1, got nan"),
        ([*FEW, "--features", "5", "--model", "nowhere"], "expected a safetensors file at nowhere"),
        ([*FEW, "--features", "5", "--model", "note"], "expected note to be a whole safetensors"),
        ([*FEW, "--features", "5", "--model", "eigen.safetensors"], "expected the format of eigen"),
        (
            ["prune", "small", "few", "--features", "5", "--model", "model.safetensors"],
            "expected the graph to have 2 layers, 784 inputs and 10 logits like the network, got 2",
        ),
        (["prune", "small", "few", "--agreement", "1"], "expected images to have shape (images, 5"),
        (["prune", "nowhere", "few", "--features", "5"], "expected a safetensors file at nowhere"),
        (["prune", "model.safetensors", "few", "--share", "1"], "network 2': a network, which eve"),
        (["prune", "eigen.safetensors", "note/few", "--share", "1"], "expected to write note/few"),
        ([*EXPORT, "g"], "expected --format, or FILE to end in .json or .graphml, got g"),
        ([*EXPORT, "g.txt"], "expected --format, or FILE to end in .json or .graphml, got g.txt"),
        ([*EXPORT, "g.json", "--format", "gexf"], "one of node-link, graphml, attribution, got 'g"),
        ([*EXPORT, "g.json", "--image", "3"], "expected --image only with --format attribution"),
        ([*EXPORT, "g.graphml", "--most", "3"], "only with --format attribution, got graphml"),
        ([*EXPORT, "g", *ATTRIBUTION, "--image", "40"], "expected --image to lie in 0..39, got 40"),
        ([*EXPORT, "g", *ATTRIBUTION, "--image", "-1"], "expected --image to lie in 0..39, got -1"),
        ([*EXPORT, "g", *ATTRIBUTION, "--most", "-1"], "expected most to be an integer of at leas"),
        (
            ["export", "small", "g", *ATTRIBUTION, "--image", "3"],
            "expected image to hold 5 numbers, got 784",
        ),
        (["export", "nowhere", "g.json"], "expected a safetensors file at nowhere, got nothing"),
        (["export", "note", "g.json"], "expected note to be a whole safetensors file"),
        (["export", "model.safetensors", "g.json"], "expected the format of model"),
        ([*EXPORT, "note/g.json"], "expected to write note/g.json, got: "),
    ],
)  # fmt: skip
def test_an_argument_or_a_file_that_is_wrong_is_one_line_and_ends_with_2(
    model: Path, graph: Path, arguments: list[str], message: str
) -> None:
    Path("note").write_text("a note")
    save_file({"embed.weight": np.ones((2, 2))}, "research")
    np.savez("data.npz", images=np.ones((2, 2)), labels=np.ones(2))
    np.savez("research.npz", **{"embed.weight": np.ones((2, 2))})
    save_graph(trace(BilinearNetwork(5, 10, width=4, hidden=6)), "small")
    before = {path.name: path.read_bytes() for path in model.parent.iterdir()}
    assert graph.name in before
    result = bilinear(*arguments)
    assert result.exit_code == 2
    assert message in one_line(result.stderr)
    assert result.stdout == ""
    assert {path.name: path.read_bytes() for path in model.parent.iterdir()} == before


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["trace", "model.safetensors", "model.safetensors"], "GRAPH to be another file than MOD"),
        (["prune", "eigen.safetensors", "link", "--share", "1"], "FILE to be another file than GR"),
        (
            [*FEW[:2], "model.safetensors", "--share", "1", "--model", "model.safetensors"],
            "FILE to be another file than MODEL",
        ),
        (["export", "link", "eigen.safetensors", *ATTRIBUTION], "FILE to be another file than GR"),
    ],
)  # fmt: skip
def test_no_command_writes_over_what_it_reads(
    model: Path, graph: Path, arguments: list[str], names: str
) -> None:
    Path("link").hardlink_to(graph)
    before = model.read_bytes(), graph.read_bytes()
    result = bilinear(*arguments)
    assert result.exit_code == 2
    assert f"expected {names}" in one_line(result.stderr)
    assert (model.read_bytes(), graph.read_bytes()) == before


@pytest.mark.parametrize(
    ("arguments", "work"),
    [
        (["trace", "model.safetensors", "folder"], "trace"),
        (["prune", "eigen.safetensors", "folder", "--features", "3"], "prune"),
        (["export", "eigen.safetensors", "folder", "--format", "graphml"], "load_graph"),
    ],
)
def test_what_cannot_be_written_is_not_worked_on(
    model: Path, graph: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], work: str
) -> None:
    def forbidden(*_: object, **__: object) -> None:
        pytest.fail("there is nowhere to write it")

    del model, graph
    Path("folder").mkdir()
    monkeypatch.setattr(graphs, work, forbidden)
    result = bilinear(*arguments)
    assert result.exit_code == 2
    line = one_line(result.stderr)
    assert line == "expected to write folder, got: a folder is there, and is left as it is"


NO_DATA = (
    "expected data to be a folder of IDX files or a file that ends in .npz or .safetensors, got "
    "no/folder"
)


def test_a_data_folder_that_is_missing_is_one_line(
    graph: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.chdir(graph.parent)
    for arguments in ([*FEW, "--agreement", "1"], [*EXPORT, "g", *ATTRIBUTION, "--image", "3"]):
        result = bilinear(*arguments, "--data", "no/folder")
        assert result.exit_code == 2
        assert one_line(result.stderr) == NO_DATA
