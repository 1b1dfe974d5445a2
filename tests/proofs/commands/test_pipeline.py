"""The main job in a folder: what a second run reuses, refuses and makes anew."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from numeric import (
    BilinearNetwork,
    NumericError,
    fidelity,
    load_graph,
    load_network,
    save_graph,
    save_network,
    trace,
)
from numeric.features import sharing
from numeric.networks import training
from numeric.networks.configuration import Configuration
from numeric.networks.network_files import read_network
from numeric.networks.training import Recipe
from proofs import Certificate, ProofError, check, prove
from proofs.commands import pipeline
from proofs.commands.pipeline import run, trained
from proofs.report import exhibits
from proofs.report import folder as reports
from proofs.report.folder import few
from tests.certificates import said_by, said_in
from tests.digits import like_mnist

DIGITS = like_mnist(inputs=100)
SHAPE = Configuration(100, 10, depth=2, width=4, hidden=6)
RECIPE = Recipe(epochs=2, batch=64)
KEPT = (
    "model.safetensors",
    "graph-polarized.safetensors",
    "graph-eigen.safetensors",
    "graph-shared.safetensors",
    "certificate.json",
    "certificate.safetensors",
)
MADE = KEPT[:4]
"""What a second run uses again."""
STEPS = 9
"""Of the search for shared features, which need not be good ones here."""


def go(
    folder: Path,
    shape: Configuration = SHAPE,
    recipe: Recipe = RECIPE,
    say: Callable[[str], None] = lambda _: None,
) -> Certificate:
    return run(folder, shape, recipe, say=say)[0]


def contents(folder: Path) -> dict[str, bytes]:
    return {entry.name: entry.read_bytes() for entry in folder.iterdir() if entry.is_file()}


def kept(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in KEPT}


def failing(certificate: Certificate) -> list[str]:
    return [claim.name for claim in certificate.claims if not claim.holds]


def forbidden(*_: Any, **__: Any) -> Any:
    pytest.fail("this had been done before")


@pytest.fixture(scope="module")
def lines() -> list[str]:
    """What the finished run said."""
    return []


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> Path:
    """The folder of a run that nobody touched since."""
    folder = tmp_path_factory.mktemp("runs") / "finished"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "data_of", lambda _: DIGITS)
        patch.setattr(sharing, "_STEPS", STEPS)
        go(folder, say=lines.append)
    return folder


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(finished, tmp_path / "run"))


@pytest.fixture(autouse=True)
def _quick(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare each test most of the pictures and the measurements that the finished run has."""
    del finished
    monkeypatch.setattr(pipeline, "data_of", lambda _: DIGITS)
    monkeypatch.setattr(sharing, "_STEPS", STEPS)
    monkeypatch.setattr(reports, "_CUTS", (4,))
    monkeypatch.setattr(reports, "all_pictures", lambda *_: {"digits": Figure(figsize=(1, 1))})
    monkeypatch.setattr(exhibits, "_CERTIFIED", 1)


# A run


def test_a_run_leaves_the_network_its_graphs_the_certificate_the_pictures_and_the_report(
    finished: Path,
) -> None:
    assert sorted(contents(finished)) == sorted([*KEPT, "checker.pyz", "report.html"])
    assert sorted(entry.name for entry in (finished / "pictures").iterdir()) == [
        "digits.png",
        "forms-of-layer-1.png",
        "frontier.png",
        "shared-digits.png",
        "shared-forms-of-layer-1.png",
        "training.png",
    ]


def test_a_run_proves_what_it_wrote(finished: Path) -> None:
    graphs = [load_graph(finished / name) for name in MADE[1:]]
    certificate = prove(load_network(finished / "model.safetensors"), graphs, DIGITS)
    assert said_in(finished / "certificate.json") == said_by(certificate)
    assert certificate.holds


def test_the_certificate_of_a_run_can_be_checked(finished: Path) -> None:
    statements = check(finished / "certificate.json")
    assert any(statement.startswith("[exact] The polarized graph") for statement in statements)


def test_a_run_says_what_it_does_and_every_claim(finished: Path, lines: list[str]) -> None:
    steps = [
        "MNIST",
        "network of depth 2",
        "polarized features",
        "eigen features",
        "shared features",
        "proof",
        "fidelity of few features",
        "explorer",
        "pictures and report",
        f"report: {finished / 'report.html'}",
    ]
    assert [line.rsplit(": ", 1)[0] for line in lines if line.endswith(" s")] == steps[:-1]
    assert lines[-1] == steps[-1]
    said = [line for line in lines if line.startswith("  [")]
    statements = said_in(finished / "certificate.json")
    assert len(said) == len(statements)
    for statement, holds in statements:
        assert any(line.endswith(f"{'holds' * holds}] {statement}") for line in said)


@pytest.mark.parametrize(
    "shape",
    [
        replace(SHAPE, depth=1, embedding=True, bias=False),
        replace(SHAPE, depth=3, residual=True),
    ],
)
def test_a_run_may_have_any_shape(tmp_path: Path, shape: Configuration) -> None:
    assert go(tmp_path / "new" / "folder", shape).holds


# Few features


def test_a_run_has_as_many_shared_features_as_it_looks_for(finished: Path) -> None:
    graphs = {name: load_graph(finished / name) for name in MADE[1:]}
    counts = [sum(node[0] == "feature" for node in graph) for graph in graphs.values()]
    layers = load_network(finished / "model.safetensors").layers()
    assert counts[2] == few(layers) == counts[0] < counts[1]
    assert graphs["graph-shared.safetensors"].graph["metric"] == "neighbouring pixels alike"


def test_what_the_report_says_of_few_features_is_measured_on_the_graph_that_is_there(
    folder: Path,
) -> None:
    path = folder / "graph-shared.safetensors"
    graph = load_graph(path)
    graph.remove_node(("feature", 2, 0))
    save_graph(graph, path)
    certificate = go(folder)
    assert certificate.holds
    assert certificate.claims[-1].evidence["features"] == 23
    found = fidelity(graph, load_network(folder / "model.safetensors"), DIGITS)
    text = (folder / "report.html").read_text()
    assert "<b>23</b> shared features keep" in text
    assert f"{100 * found.agreement:.2f} % of the test images" in text


def test_the_report_explores_the_shared_graph(finished: Path) -> None:
    text = (finished / "report.html").read_text(encoding="utf-8")
    (found,) = re.findall('id="explorer-data">(.*?)</script>', text)
    data = json.loads(found)
    graph = load_graph(finished / "graph-shared.safetensors")
    assert data["network"] == graph.graph["network"]
    wanted = {node for node in graph if node[0] not in ("input", "residual")}
    assert {tuple(node["name"]) for node in data["nodes"]} == wanted
    statements = [statement for statement, _ in said_in(finished / "certificate.json")]
    assert len(data["claims"]) == 2
    assert all(claim["statement"] in statements for claim in data["claims"])


# A second run


def test_a_second_run_proves_again_and_does_nothing_else_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {name: (folder / name).stat().st_mtime_ns for name in MADE}
    bytes_before = kept(folder)
    for module, work in (
        (pipeline, "train"),
        (pipeline, "save_network"),
        (reports, "trace"),
        (reports, "save_network"),
        (reports, "save_graph"),
    ):
        monkeypatch.setattr(module, work, forbidden)
    assert said_by(go(folder)) == said_in(folder / "certificate.json")
    assert kept(folder) == bytes_before
    assert {name: (folder / name).stat().st_mtime_ns for name in MADE} == before


def test_what_is_deleted_is_made_again_to_the_last_bit(folder: Path, finished: Path) -> None:
    for name in KEPT[1:]:
        (folder / name).unlink()
    go(folder)
    assert kept(folder) == kept(finished)


def test_two_runs_give_the_same_bytes(tmp_path: Path, finished: Path) -> None:
    go(tmp_path)
    assert kept(tmp_path) == kept(finished)


@pytest.mark.parametrize(
    ("shape", "recipe", "difference"),
    [
        (replace(SHAPE, depth=3), RECIPE, "depth 2 where 3 was asked for"),
        (replace(SHAPE, residual=True), RECIPE, "residual False where True was asked for"),
        (SHAPE, replace(RECIPE, seed=1), "seed 0 where 1 was asked for"),
        (SHAPE, replace(RECIPE, epochs=30), "epochs 2 where 30 was asked for"),
        (
            replace(SHAPE, width=5),
            replace(RECIPE, noise=0.0),
            "width 4 where 5 was asked for, noise 0.3 where 0.0 was asked for",
        ),
    ],
)
def test_another_network_than_the_folders_is_refused_and_the_differences_are_named(
    folder: Path, shape: Configuration, recipe: Recipe, difference: str
) -> None:
    before = contents(folder)
    with pytest.raises(ProofError) as caught:
        go(folder, shape, recipe)
    assert str(caught.value) == (
        f"expected {folder / 'model.safetensors'} to hold the network asked for, got {difference}: "
        "name another folder, or the same settings"
    )
    assert contents(folder) == before


@pytest.mark.parametrize("recipe", [None, [1], "thirty epochs", {}])
def test_a_network_of_unknown_training_is_refused(tmp_path: Path, recipe: Any) -> None:
    model = BilinearNetwork.from_configuration(SHAPE)
    save_network(model, tmp_path / "model.safetensors", notes={"recipe": recipe})
    with pytest.raises(ProofError, match="epochs None where 2 was asked for, noise None where"):
        go(tmp_path)


@pytest.mark.parametrize(
    "history",
    [
        None,
        3,
        [],
        [3] * 2,
        [{}] * 2,
        [{"loss": 1.0}] * 2,
        [{"loss": "low", "accuracy": 0.5}] * 2,
        [{"loss": 1.0, "accuracy": 0.5}],
        [{"loss": 1.0, "accuracy": 0.5}] * 3,
    ],
)
def test_a_network_without_the_history_of_its_training_is_refused(
    folder: Path, history: Any
) -> None:
    model, notes = read_network(folder / "model.safetensors")
    save_network(model, folder / "model.safetensors", notes={**notes, "history": history})
    message = r"model\.safetensors to hold the loss and accuracy of all 2 epochs, got"
    with pytest.raises(NumericError, match=message):
        go(folder)


# An edited graph


def removed_feature(graph: Any) -> None:
    graph.remove_node(("feature", 1, 0))


def scaled_edge(graph: Any) -> None:
    graph.edges[("feature", 2, 0), ("logit", 0)]["weight"] *= 1 + 1e-6


@pytest.mark.parametrize(
    ("method", "edit"), [("polarized", removed_feature), ("eigen", scaled_edge)]
)
def test_an_edited_graph_makes_claims_fail_again_and_again_and_is_left_as_it_is(
    folder: Path, finished: Path, method: str, edit: Callable[[Any], None]
) -> None:
    path = folder / f"graph-{method}.safetensors"
    graph = load_graph(path)
    edit(graph)
    save_graph(graph, path)
    edited = path.read_bytes()
    for _ in range(2):
        certificate = go(folder)
        assert f"{method}: same outputs" in failing(certificate)
        assert ("polarized: same polynomial" in failing(certificate)) == (method == "polarized")
        assert path.read_bytes() == edited
        assert said_in(folder / "certificate.json") == said_by(certificate)
    assert "FAILS" not in (folder / "report.html").read_text()
    assert 'class="fails"' in (folder / "report.html").read_text()
    shutil.copy(finished / path.name, path)
    assert go(folder).holds
    assert kept(folder) == kept(finished)


def other_method(path: Path) -> None:
    shutil.copy(path.with_name("graph-eigen.safetensors"), path)


def other_network(path: Path) -> None:
    save_graph(trace(BilinearNetwork.from_configuration(SHAPE, seed=9), "polarized"), path)


def nameless_method(path: Path) -> None:
    graph = load_graph(path)
    del graph.graph["method"]
    save_graph(graph, path)


@pytest.mark.parametrize("change", [other_method, other_network, nameless_method])
def test_a_graph_of_another_method_or_network_is_traced_anew(
    folder: Path, finished: Path, change: Callable[[Path], None]
) -> None:
    change(folder / "graph-polarized.safetensors")
    assert go(folder).holds
    assert kept(folder) == kept(finished)


def test_a_network_with_other_weights_has_its_graphs_and_its_certificate_made_anew(
    folder: Path, finished: Path
) -> None:
    model, notes = read_network(folder / "model.safetensors")
    for parameter in model.parameters():
        parameter.data *= 1.5
    save_network(model, folder / "model.safetensors", notes=notes)
    certificate = go(folder)
    assert certificate.holds
    before, after = kept(finished), kept(folder)
    # The witnesses are the test images, whatever the network.
    changed = {name for name in KEPT if before[name] != after[name]}
    assert changed == {*MADE, "certificate.json"}
    assert said_in(folder / "certificate.json") == said_by(certificate)


# An edited certificate


def holds(document: Any) -> None:
    document["remarks"][0]["holds"] = False


def statement(document: Any) -> None:
    document["claims"][-1]["statement"] = "The graph is the network, and better."


def fewer_claims(document: Any) -> None:
    del document["remarks"][4:]


def no_claims(document: Any) -> None:
    document["claims"] = []


@pytest.mark.parametrize("edit", [holds, statement, fewer_claims, no_claims])
def test_an_edited_certificate_is_not_believed(
    folder: Path, finished: Path, edit: Callable[[Any], None]
) -> None:
    path = folder / "certificate.json"
    document = json.loads(path.read_text())
    edit(document)
    path.write_text(json.dumps(document))
    go(folder)
    assert kept(folder) == kept(finished)


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b'{"format": 1}'])
def test_a_damaged_certificate_is_made_anew(folder: Path, finished: Path, content: bytes) -> None:
    (folder / "certificate.json").write_bytes(content)
    go(folder)
    assert kept(folder) == kept(finished)


@pytest.mark.parametrize("name", ["train_images", "train_labels", "test_images", "test_labels"])
def test_a_network_of_other_images_is_refused_and_kept(
    folder: Path, finished: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    array = getattr(DIGITS, name).copy()
    array[3] = 1 - array[3] if "images" in name else (array[3] + 1) % 10
    monkeypatch.setattr(pipeline, "data_of", lambda _: replace(DIGITS, **{name: array}))
    with pytest.raises(ProofError, match=r"model.safetensors to hold a network of the images ask"):
        go(folder)
    assert kept(folder) == kept(finished)


def test_a_network_that_does_not_say_what_it_was_trained_on_is_used_with_any_images(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / "model.safetensors"
    model, notes = read_network(path)
    del notes["SHA-256 of the data"]
    save_network(model, path, notes=notes)
    fewer = replace(DIGITS, test_images=DIGITS.test_images[:9], test_labels=DIGITS.test_labels[:9])
    monkeypatch.setattr(pipeline, "data_of", lambda _: fewer)
    assert go(folder).claims[-1].evidence["images"] == 9
    assert any("On the 9 images" in said for said, _ in said_in(folder / "certificate.json"))


def test_a_run_says_whose_images_it_is_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    monkeypatch.setattr(pipeline, "trained", forbidden)
    with pytest.raises(pytest.fail.Exception):
        run(tmp_path / "run", SHAPE, RECIPE, data="shirts", say=lines.append)
    assert [line.rsplit(": ", 1)[0] for line in lines] == ["images of shirts"]


# Damage


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("content", [b"", b"damaged", None])
def test_a_damaged_network_or_graph_is_an_error_that_names_the_file(
    folder: Path, name: str, content: bytes | None
) -> None:
    half = (folder / name).read_bytes()[:-9]
    (folder / name).write_bytes(half if content is None else content)
    with pytest.raises(NumericError, match=f"expected .*{name} to be a whole safetensors file"):
        go(folder)


def test_a_file_where_the_folder_should_be_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "note").write_text("a file")
    for path, reason in (
        (tmp_path / "note", "File exists"),
        (tmp_path / "note" / "run", "Not a directory"),
    ):
        with pytest.raises(ProofError) as caught:
            go(path)
        assert str(caught.value) == (
            f"expected the output folder {path} to be a folder, got: {reason}"
        )
    assert (tmp_path / "note").read_text() == "a file"


def test_a_folder_that_cannot_be_made_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    monkeypatch.setattr(pipeline, "data_of", forbidden)
    with pytest.raises(ProofError, match="to be a folder, got: Permission denied"):
        go(tmp_path / "run")


def test_a_folder_that_cannot_be_written_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    with pytest.raises(NumericError, match=f"expected to write {tmp_path}.*Permission denied"):
        go(tmp_path)
    assert contents(tmp_path) == {}


@pytest.mark.parametrize("files", range(10))
def test_a_full_disk_leaves_no_half_file_and_a_second_run_completes_the_first(
    tmp_path: Path, finished: Path, monkeypatch: pytest.MonkeyPatch, files: int
) -> None:
    """As many files find room as given; two checkpoints, the network and three graphs are six."""
    written = []

    def full(_: int) -> None:
        if len(written) == files:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(files)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(NumericError, match="got: No space left on device"):
            go(tmp_path)
    finished_files = contents(finished)
    for name, content in contents(tmp_path).items():
        assert name == "model-checkpoint.safetensors" or content == finished_files[name]
    assert go(tmp_path).holds
    assert kept(tmp_path) == kept(finished)
    assert sorted(contents(tmp_path)) == sorted([*KEPT, "checker.pyz", "report.html"])


# Interruptions


def interrupted_after(epochs: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin a run, and interrupt it in the middle of an epoch."""
    real, done = training._epoch, []

    def epoch(*arguments: Any) -> float:
        if len(done) == epochs:
            raise KeyboardInterrupt
        done.append(epochs)
        return float(real(*arguments))

    with monkeypatch.context() as patch:
        patch.setattr(training, "_epoch", epoch)
        with pytest.raises(KeyboardInterrupt):
            go(folder)


@pytest.mark.parametrize("epochs", [0, 1])
def test_an_interrupted_training_goes_on_to_the_very_same_network(
    tmp_path: Path, finished: Path, monkeypatch: pytest.MonkeyPatch, epochs: int
) -> None:
    interrupted_after(epochs, tmp_path, monkeypatch)
    assert list(contents(tmp_path)) == ["model-checkpoint.safetensors"] * epochs
    go(tmp_path)
    assert kept(tmp_path) == kept(finished)
    assert "model-checkpoint.safetensors" not in contents(tmp_path)


def test_an_interruption_while_a_file_is_written_leaves_no_half_of_it(
    tmp_path: Path, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", interrupt)
        with pytest.raises(KeyboardInterrupt):
            go(tmp_path)
    assert contents(tmp_path) == {}
    go(tmp_path)
    assert kept(tmp_path) == kept(finished)


def test_an_interrupted_training_with_other_settings_does_not_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted_after(1, tmp_path, monkeypatch)
    before = contents(tmp_path)
    with pytest.raises(NumericError, match=r"checkpoint .* to have the recipe .*'seed': 5"):
        go(tmp_path, recipe=replace(RECIPE, seed=5))
    assert contents(tmp_path) == before


def test_a_network_may_have_any_name_and_two_may_be_trained_in_one_folder(tmp_path: Path) -> None:
    for name in ("checkpoint.safetensors", "model-checkpoint.safetensors", "other"):
        model, history = trained(tmp_path / name, SHAPE, RECIPE, DIGITS)
        assert len(history) == 2
        assert load_network(tmp_path / name).configuration == model.configuration
    assert len(contents(tmp_path)) == 3
