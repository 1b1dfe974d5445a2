"""The command line: what it does, what it prints and how it ends."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from analytic import THEOREMS
from numeric import BilinearNetwork, load_graph, load_network, save_graph, save_network, trace
from numeric.data.modular_addition import NAME
from numeric.networks.configuration import Configuration
from numeric.networks.network_files import read_network
from numeric.networks.training import Recipe
from proofs import ProofError
from proofs.certificates.radii import RadiiTask
from proofs.commands import arguments as options
from proofs.commands import certificates, pipeline, whole
from proofs.commands import graphs as graph_commands
from proofs.commands.endings import Status
from proofs.report import exhibits
from proofs.report import folder as reports
from tests.certificates import said_in
from tests.commands import DIGITS, SMALL, bilinear, one_line, said, written_graphs, written_network
from tests.digits import like_mnist
from tests.proofs.checker.alterations import renew
from tests.proofs.checker.certificates import task_case

FEW_PIXELS = like_mnist(inputs=100)
"""For what is given a network: those that a command makes itself have 784 inputs."""

COMMANDS = [
    "train",
    "import",
    "trace",
    "prune",
    "export",
    "compare",
    "prove",
    "certify",
    "check",
    "run",
    "report",
    "study",
]


@pytest.fixture(autouse=True)
def _quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(certificates, "data_of", lambda _: FEW_PIXELS)
    for module in (whole, pipeline):
        monkeypatch.setattr(module, "data_of", lambda _: DIGITS)
    monkeypatch.setattr(exhibits, "_CERTIFIED", 1)
    monkeypatch.setattr(reports, "all_pictures", lambda *_: {"digits": Figure(figsize=(1, 1))})


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return written_network(tmp_path, inputs=100)


@pytest.fixture
def graphs(tmp_path: Path) -> list[Path]:
    return written_graphs(tmp_path, inputs=100)


# Help


def test_without_arguments_the_help_is_shown() -> None:
    assert "Usage: " in bilinear().output


def test_the_help_says_where_to_begin_what_there_is_and_how_a_command_ends() -> None:
    result = bilinear("--help")
    assert result.exit_code == 0
    assert "Begin with 'bilinear run'" in said(result)
    assert "The exit status is 0 where all goes well and all claims hold, 1 where" in said(result)
    for name in COMMANDS:
        (line,) = re.findall(rf"^  {name} +(.*)$", result.output, re.MULTILINE)
        assert line.endswith(".")
        assert not line.endswith("...")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_announced_by_the_first_sentence_of_its_own_help(name: str) -> None:
    (line,) = re.findall(rf"^  {name} +(.*)$", bilinear("--help").output, re.MULTILINE)
    assert bilinear(name, "--help").output.split("\n\n")[1].strip() == line


def loaded_by(*arguments: str) -> set[str]:
    """Return which of the modules that take long are loaded where a command has ended."""
    program = (
        "import atexit, sys\n"
        "atexit.register(lambda: print('loaded', *sys.modules))\n"
        "from proofs.commands.main import main\n"
        f"sys.argv = ['bilinear', *{arguments!r}]\n"
        "main()"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    modules = done.stdout.splitlines()[-1].split()
    assert modules[0] == "loaded"
    return {"matplotlib", "networkx", "numpy", "scipy", "sympy", "torch"} & {*modules}


def test_the_help_and_the_version_load_nothing_that_takes_long() -> None:
    assert loaded_by("--help") == loaded_by("--version") == set()
    assert {"numpy", "torch"} <= loaded_by("train", "--help")


def test_the_version_is_that_of_what_is_installed() -> None:
    result = bilinear("--version")
    assert result.exit_code == 0
    assert result.output == f"bilinear-features {version('bilinear-features')}\n"
    assert bilinear("--versions").exit_code == Status.WRONG


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_explains_every_argument_and_option(name: str) -> None:
    result = bilinear(name, "--help")
    assert result.exit_code == 0
    sections = re.split(r"^(?:Arguments|Options):$", result.output, flags=re.MULTILINE)
    assert len(sections) == 3
    for section in sections[1:]:
        entries = re.split(r"^  (?=[A-Z-])", section, flags=re.MULTILINE)[1:]
        assert entries
        for entry in entries:
            assert re.search(r"\s{2}[A-Z]\w* .*\.\s", entry, re.DOTALL)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("train", [*SMALL[::2], "--depth", "--bias", "--residual", "--embedding"]),
        ("train", ["--noise", "--seed", "--data", "MODEL"]),
        ("trace", ["--method", "polarized, eigen, canonical, shared", "MODEL", "GRAPH"]),
        ("import", ["--part", "--layout", "--residual", "--interleaved", "--transposed", "FILE"]),
        ("import", ["--scale", "--tied", "--examples", "left-right-down, ", "NETWORK"]),
        ("trace", ["--features", "--components"]),
        ("prune", ["--features", "--share", "--agreement", "--model", "--data", "GRAPH", "FILE"]),
        ("export", ["--format", "--image", "--most", "--data", "GRAPH", "FILE"]),
        ("prove", ["--certificate", "--data", "MODEL", "GRAPH"]),
        ("run", [*SMALL[::2], "--depth", "--no-bias", "--no-residual", "--no-embedding"]),
        ("run", ["--noise", "--seed", "--data", "FOLDER", "runs/mnist"]),
    ],
)
def test_the_help_names_every_option(name: str, options: list[str]) -> None:
    text = said(bilinear(name, "--help"))
    assert [option for option in options if option not in text] == []


@pytest.mark.parametrize("name", ["train", "run"])
def test_the_defaults_are_those_of_the_library(name: str) -> None:
    text = said(bilinear(name, "--help"))
    shape, recipe = Configuration(784, 10), Recipe()
    for option in ("depth", "width", "hidden"):
        assert re.search(rf"--{option} .*?\[default: {getattr(shape, option)}\]", text)
    for option in ("epochs", "noise", "seed"):
        assert re.search(rf"--{option} .*?\[default: {getattr(recipe, option)}\]", text)
    assert "[default: bias]" in text


# What the commands do


def test_train_writes_a_network_and_says_how_good_it_is(tmp_path: Path) -> None:
    path = tmp_path / "new" / "model.safetensors"
    result = bilinear(
        "train", path, *SMALL, "--depth", 3, "--no-bias", "--residual", "--embedding", "--seed", 5,
        "--noise", 0.1,
    )  # fmt: skip
    assert result.exit_code == Status.CHANCE
    model, notes = read_network(path)
    assert model.configuration == Configuration(
        784, 10, 3, 4, 6, bias=False, residual=True, embedding=True
    )
    assert notes["recipe"]["seed"] == 5
    assert notes["recipe"]["noise"] == 0.1
    accuracy = notes["history"][-1]["accuracy"]
    assert result.stdout == f"{path}: {accuracy:.2%} of the test images labelled correctly\n"


NOTHING = r"the network has learned nothing: it labels (.*)% of .* guessing reaches up to 27.50%; "


def test_a_network_that_learned_nothing_is_said_to_have_and_ends_with_3(tmp_path: Path) -> None:
    # The only step of one epoch on so few images has the learning rate 0.
    result = bilinear("train", tmp_path / "model", *SMALL, "--depth", 1)
    assert result.exit_code == Status.CHANCE == 3
    (line,) = result.stderr.splitlines()
    found = re.match(NOTHING, line)
    assert found
    assert float(found[1]) < 27.5


def test_a_network_that_learned_ends_with_0(tmp_path: Path) -> None:
    result = bilinear("train", tmp_path / "model", *SMALL[:-1], 60, "--depth", 1)
    assert (result.exit_code, result.stderr) == (0, "")
    assert read_network(tmp_path / "model")[1]["history"][-1]["accuracy"] > 0.5


def test_train_leaves_a_network_that_is_there_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    first = bilinear("train", path, *SMALL)
    before = path.stat().st_mtime_ns
    assert bilinear("train", path, *SMALL).output == first.output
    assert path.stat().st_mtime_ns == before
    result = bilinear("train", path, *SMALL, "--depth", 1)
    assert result.exit_code == 2
    assert "depth 2 where 1 was asked for" in one_line(result.stderr)


def test_prove_prints_and_writes_every_claim(model: Path, graphs: list[Path]) -> None:
    result = bilinear("prove", model, *graphs, "--certificate", "new/proof.json")
    assert result.exit_code == 0
    said_there = said_in("new/proof.json")
    *lines, last = result.output.splitlines()
    assert sorted(line.split("] ", 1)[1] for line in lines) == [words for words, _ in said_there]
    assert last == f"all {len(said_there)} claims hold"


def test_prove_prints_what_fails_last(model: Path, graphs: list[Path]) -> None:
    graph = load_graph(graphs[0])
    graph.remove_node(next(node for node in graph if node[0] == "feature"))
    save_graph(graph, "altered.safetensors")
    result = bilinear("prove", model, "altered.safetensors")
    assert result.exit_code == Status.FAILS
    verdicts = [
        "FAILS" in line.split("]")[0] for line in result.stdout.splitlines() if line[0] == "["
    ]
    assert verdicts == sorted(verdicts)
    assert len(set(verdicts)) == 2


def test_prove_takes_one_graph_and_writes_beside_where_it_is_called(
    model: Path, graphs: list[Path]
) -> None:
    assert bilinear("prove", model, graphs[0]).exit_code == 0
    assert all(holds for _, holds in said_in("certificate.json"))


def test_prove_never_takes_an_earlier_certificates_word(
    model: Path, graphs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    bilinear("prove", model, graphs[0])
    calls = []
    real = certificates.prove
    monkeypatch.setattr(
        certificates, "prove", lambda *given, **told: calls.append(1) or real(*given, **told)
    )
    bilinear("prove", model, graphs[0])
    assert calls == [1]


def test_run_makes_all_and_says_where_the_report_is(tmp_path: Path) -> None:
    result = bilinear("run", tmp_path / "folder", *SMALL, "--depth", 1)
    assert result.exit_code == Status.CHANCE
    assert (tmp_path / "folder" / "report.html").exists()
    assert load_network(tmp_path / "folder" / "model.safetensors").configuration.depth == 1
    last, report = result.stdout.splitlines()[:-3:-1]
    assert report == f"report: {tmp_path / 'folder' / 'report.html'}"
    assert re.fullmatch(r"all \d+ claims hold", last)
    assert re.search(f"(?m)^  {NOTHING}", result.stdout)
    assert re.fullmatch(f"{NOTHING}.*\n", result.stderr)


@pytest.mark.parametrize("depth", [1, 2])
def test_certify_writes_what_check_accepts_and_pictures(tmp_path: Path, depth: int) -> None:
    model = written_network(tmp_path, depth, inputs=100)
    graphs = written_graphs(tmp_path, depth, inputs=100)
    result = bilinear("certify", model, graphs[0], "--images", "20", "--attacked", "5")
    assert result.exit_code == 0, result.output
    assert "on the first 5 images another class was found at a mean distance of" in result.output
    assert result.output.splitlines()[-1].startswith("all ")
    pictures = {path.stem for path in (tmp_path / "pictures").iterdir()}
    assert pictures >= {"radii", "certified-accuracy"}
    for name in ("nearest-neighbours", "adversarial-directions"):
        assert (name in pictures) == (depth == 1)
    checked = bilinear("check", "certificate.json")
    assert checked.exit_code == 0, checked.output
    assert checked.output.splitlines()[-1].endswith("claims have been checked")


def test_certify_says_what_it_does_not_claim_and_draws_no_radii_then(
    tmp_path: Path, model: Path, graphs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RadiiTask, "refusal", lambda *_: "no room")
    result = bilinear("certify", model, graphs[0], "--images", "3")
    assert result.exit_code == 0, result.output
    assert "Not claimed, as the checker's own test does not accept it (no room): For 0" in said(
        result
    )
    assert not (tmp_path / "pictures").exists()
    assert bilinear("check", "certificate.json").exit_code == 0


def test_check_rejects_what_was_altered_in_one_line(model: Path, graphs: list[Path]) -> None:
    bilinear("prove", model, graphs[0])
    path = Path("certificate.json")
    path.write_text(path.read_text().replace("at least", "at most", 1))
    result = bilinear("check", path)
    assert result.exit_code == 2
    assert result.stderr.startswith("unreadable: certificate.json: ")
    assert len(result.stderr.splitlines()) == 1


def test_check_rejects_a_claim_that_does_not_hold(model: Path, graphs: list[Path]) -> None:
    bilinear("prove", model, graphs[0])
    path = Path("certificate.json")
    said = json.loads(path.read_text())
    (claim,) = (claim for claim in said["claims"] if claim["kind"] == "accuracy")
    claim["numbers"]["right"] += 1
    path.write_text(json.dumps(said), encoding="utf-8")
    renew(path)
    result = bilinear("check", path)
    assert result.exit_code == 1
    assert result.stderr.startswith("rejected: On the ")
    assert result.stderr.count("\n") == 1


def test_check_says_whose_images_they_are(
    model: Path, graphs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    bilinear("prove", model, graphs[0])
    count = len(FEW_PIXELS.test_labels)
    assert "are not held against any others" in bilinear("check", "certificate.json").output
    monkeypatch.setattr(certificates, "data_of", lambda _: FEW_PIXELS)
    result = bilinear("check", "certificate.json", "--data", "here")
    assert f"are the first {count} of the test set in here\n" in result.output
    other = replace(FEW_PIXELS, test_labels=FEW_PIXELS.test_labels[::-1].copy())
    monkeypatch.setattr(certificates, "data_of", lambda _: other)
    result = bilinear("check", "certificate.json", "--data", "here")
    assert result.exit_code == 1
    assert f"are not the first {count} of the test set in here\n" in result.stderr


def test_every_command_knows_the_home_folder(
    tmp_path: Path, model: Path, graphs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object, folder: Path, **__: object) -> None:
        raise ProofError(f"the parts are in {folder}")

    del model, graphs
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(certificates, "certify", stop)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    network, graph = "~/model.safetensors", "~/polarized.safetensors"
    for arguments in (
        ["train", "~/new/model.safetensors", *SMALL],
        ["trace", network, "~/new/graph.safetensors"],
        ["prune", graph, "~/new/few.safetensors", "--features", 3],
        ["export", graph, "~/new/graph.json"],
    ):
        result = bilinear(*arguments)
        learned = arguments[0] != "train"
        assert result.exit_code == (0 if learned else Status.CHANCE), result.output
    made = {"model.safetensors", "graph.safetensors", "few.safetensors", "graph.json"}
    assert {path.name for path in (tmp_path / "new").iterdir()} == made
    result = bilinear("certify", network, graph, "--certificate", "~/new/c.json")
    assert one_line(result.stderr) == f"the parts are in {tmp_path}/new/c-parts"
    monkeypatch.setattr(certificates, "check", lambda path: [str(path)])
    monkeypatch.setattr(certificates, "_about", lambda *_: "nothing")
    assert bilinear("check", "~/new/c.json").output.startswith(f"{tmp_path}/new/c.json\n")
    assert not list(Path().iterdir())


def test_run_has_a_folder_of_its_own(tmp_path: Path) -> None:
    assert bilinear("run", *SMALL).exit_code == Status.CHANCE
    assert (tmp_path / "runs" / "mnist" / "certificate.json").exists()


def test_a_report_is_made_of_any_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole, "data_of", lambda _: FEW_PIXELS)
    layers = load_network(written_network(Path(), inputs=100)).layers()
    save_network(layers, "layers.safetensors")
    result = bilinear("report", "layers.safetensors", "folder")
    assert result.exit_code == Status.DONE
    assert "claims hold" in result.output
    page = Path("folder/report.html").read_text(encoding="utf-8")
    assert '<h2 id="training">Its shape</h2>' in page
    assert "<h1>What the network layers computes</h1>" in page
    # A graph of one's own is shown in place of a new one.
    bilinear("prune", "folder/graph-shared.safetensors", "few.safetensors", "--features", 4)
    bilinear("report", "layers.safetensors", "folder", "--graph", "few.safetensors")
    assert "A graph of\n4 features" in Path("folder/report.html").read_text(encoding="utf-8")
    # A network that says how it was trained has that on its page.
    bilinear("train", "new.safetensors", *SMALL)
    bilinear("report", "new.safetensors", "other")
    page = Path("other/report.html").read_text(encoding="utf-8")
    assert '<h2 id="training">How it was trained</h2>' in page


@pytest.mark.parametrize("recipe", [{"colour": "red"}, 3, {"epochs": 0}])
def test_notes_of_no_training_are_refused(recipe: Any) -> None:
    save_network(
        BilinearNetwork(9, 3), "model.safetensors", notes={"recipe": recipe, "history": []}
    )
    result = bilinear("report", "model.safetensors", "folder")
    assert result.exit_code == Status.WRONG
    assert not Path("folder").exists()


def test_the_data_may_come_from_a_folder(
    model: Path, graphs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    for module, digits in ((certificates, FEW_PIXELS), (whole, DIGITS), (pipeline, DIGITS)):
        monkeypatch.setattr(
            module, "data_of", lambda data, digits=digits: asked.append(data) or digits
        )
    bilinear("run", "folder", *SMALL, "--data", "here")
    bilinear("train", "new.safetensors", *SMALL, "--data", "here")
    bilinear("prove", model, graphs[0], "--data", "here")
    bilinear("prove", model, graphs[0])
    assert asked == [Path("here")] * 3 + [None]


def test_every_command_takes_inputs_of_any_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exhibits, "_FIRST", 5)
    for module in (whole, pipeline, certificates, graph_commands):
        monkeypatch.setattr(module, "data_of", options.data_of)
    tokens = np.random.default_rng(0).integers(0, 4, (120, 3))
    np.savez(
        "own.npz",
        inputs=tokens[:, :, None] == np.arange(4),
        labels=(tokens[:, 0] == tokens[:, 2]).astype(int),
        row_names=[*"xyz"],
        class_names=["different", "same"],
    )
    data = ["--data", "own.npz"]
    assert bilinear("run", "own", *SMALL, *data).exit_code in (Status.DONE, Status.CHANCE)
    network = load_network("own/model.safetensors")
    assert (network.configuration.inputs, network.configuration.outputs) == (12, 2)
    shared = load_graph("own/graph-shared.safetensors")
    assert shared.graph["metric"] == "pixels alike"
    page = Path("own/report.html").read_text(encoding="utf-8")
    assert "says which class an input has" in page
    assert "x 1" in page
    checked = bilinear("check", "own/certificate.json", *data)
    assert "are the first 20 of the test set in own.npz" in said(checked)
    polarized = "own/graph-polarized.safetensors"
    attribution = ["--format", "attribution", "--image", 1]
    bilinear("export", polarized, "own.json", *attribution, *data)
    prompt = json.loads(Path("own.json").read_text(encoding="utf-8"))["metadata"]["prompt"]
    assert re.fullmatch("test input 1, labelled (different|same)", prompt)


def test_a_task_is_run_with_settings_of_its_own_but_for_what_is_asked_for() -> None:
    assert bilinear("run", "--task", NAME, "--modulus", 5, "--epochs", 3).exit_code in (
        Status.DONE,
        Status.CHANCE,
    )
    network, notes = read_network("runs/modular-addition/model.safetensors")
    assert network.configuration == Configuration(
        10, 5, 1, 64, 128, bias=False, residual=False, embedding=False
    )
    recipe = Recipe(3, 0.0, 0, learning_rate=5e-3, weight_decay=4.0, batch=15)
    assert notes["recipe"] == asdict(recipe)
    asked = ["--hidden", 7, "--bias", "--noise", 0.5, "--seed", 2, "--epochs", 2]
    bilinear("run", "own", "--task", NAME, "--modulus", 4, *asked)
    network, notes = read_network("own/model.safetensors")
    assert network.configuration.hidden == 7
    assert network.configuration.bias
    assert (notes["recipe"]["noise"], notes["recipe"]["seed"]) == (0.5, 2)


def test_a_task_that_network_and_graph_do_is_proved_and_checked(tmp_path: Path) -> None:
    model = task_case(3).model
    save_network(model, tmp_path / "adding.safetensors")
    save_graph(trace(model, "shared", features=8), tmp_path / "few.safetensors")
    result = bilinear(
        "prove", "adding.safetensors", "few.safetensors", "--task", NAME, "--modulus", 3
    )
    assert result.exit_code == Status.DONE
    sentence = (
        "For every input of the task, the numbers a and b below 3 in one-hot form, the largest "
        "logit of the network is that of (a + b) mod 3."
    )
    assert f"[exact, holds] {sentence}" in result.output
    assert sentence in bilinear("check", "certificate.json").output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--task", "chess"], f"expected --task to be {NAME}, got chess"),
        (["--modulus", 5], f"expected --modulus only with --task {NAME}, got 5"),
        (["--task", NAME, "--data", "x"], f"expected --task or --data, got both: {NAME} and x"),
        (["--task", NAME, "--modulus", 1], "expected modulus to be an integer from 2, got 1"),
    ],
)
def test_a_task_that_is_none_is_refused_in_one_line(
    model: Path, graphs: list[Path], options: list[Any], message: str
) -> None:
    for command in (["run", "folder"], ["prove", model, graphs[0]]):
        result = bilinear(*command, *options)
        assert result.exit_code == Status.WRONG
        assert one_line(result.stderr) == message


# A claim that fails


def test_a_claim_that_fails_ends_prove_with_1_and_says_where(
    model: Path, graphs: list[Path]
) -> None:
    graph = load_graph(graphs[0])
    graph.remove_node(("feature", 2, 3))
    save_graph(graph, graphs[0])
    result = bilinear("prove", model, *graphs)
    assert result.exit_code == 1
    assert "[exact, FAILS]" in result.stdout
    assert "At node ('logit', 0), in layer 2, the coefficient of" in result.stdout
    assert result.stderr == f"2 of {len(THEOREMS) + 11} claims fail\n"
    assert not all(holds for _, holds in said_in("certificate.json"))


def test_a_claim_that_fails_ends_run_with_1(tmp_path: Path) -> None:
    bilinear("run", "folder", *SMALL)
    path = tmp_path / "folder" / "graph-eigen.safetensors"
    graph = load_graph(path)
    graph.remove_node(("feature", 1, 0))
    save_graph(graph, path)
    result = bilinear("run", "folder", *SMALL)
    assert result.exit_code == 1
    assert re.fullmatch(r"2 of \d+ claims fail\n", result.stderr)


# What is wrong ends with 2 and one line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "folder", "--depth", "0"], "expected depth to be an integer of at least 1, got 0"),
        (["train", "new", "--hidden", "-3"], "expected hidden to be an integer of at least 1"),
        (["run", "folder", "--epochs", "0"], "expected epochs to be an integer of at least 1"),
        (["train", "new", "--noise", "nan"], "expected noise to be a finite number"),
        (["run", "--seed", "-1"], "expected seed to be an integer of at least 0"),
        (["prove", "nowhere", "eigen.safetensors"], "expected a safetensors file at nowhere"),
        (["prove", "model.safetensors", "nowhere"], "expected a safetensors file at nowhere"),
        (["prove", "model.safetensors", "model.safetensors"], "expected the format of model"),
        (["prove", "model.safetensors", "small"], "expected the eigen graph to have layers of"),
        (["run", "note"], "expected the output folder note to be a folder, got: File exists"),
        (["train", "note", *SMALL], "expected note to be a whole safetensors file"),
        (["train", "~nobodysuch/new"], "to begin with a home folder that is known, got ~nob"),
        (["run", "~nobodysuch/new"], "expected the output folder to begin with a home folder that"),
        (["check", "~nobodysuch/new"], "expected FILE to begin with a home folder that is known"),
        (
            ["prove", "model.safetensors", "eigen.safetensors", "--certificate", "model.json"],
            "to be other files than the model, got model.safetensors",
        ),
        (
            ["certify", "model.safetensors", "eigen.safetensors", "--certificate", "eigen.json"],
            "to be other files than eigen, got eigen.safetensors",
        ),
        (
            ["certify", "model.safetensors", "eigen.safetensors", "--attacked", "-3"],
            "expected attacked to be an integer of at least 0, got -3",
        ),
        (
            ["certify", "model.safetensors", "eigen.safetensors", "--certificate", "."],
            "expected to write ., got: a folder is there, and is left as it is",
        ),
        (
            ["prove", "model.safetensors", "eigen.safetensors", "--certificate", "note/c.json"],
            "expected to write note/c.json, got: Not a directory",
        ),
    ],
)  # fmt: skip
def test_an_argument_or_a_file_that_is_wrong_is_one_line_and_ends_with_2(
    model: Path, graphs: list[Path], arguments: list[str], message: str
) -> None:
    assert model.exists()
    assert graphs[1].exists()
    Path("note").write_text("a note")
    save_graph(trace(BilinearNetwork(5, 10, width=4, hidden=6)), "small")
    result = bilinear(*arguments)
    assert result.exit_code == 2
    assert message in one_line(result.stderr)
    assert result.stdout == ""
    assert Path("note").read_text() == "a note"
    assert not list(model.parent.glob("*parts"))


NO_DATA = (
    "expected data to be a folder of IDX files or a file that ends in .npz or .safetensors, got "
    "no/folder"
)


def test_a_data_folder_that_is_missing_is_one_line(
    model: Path, graphs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.chdir(model.parent)
    for arguments in (
        ["run", "folder"],
        ["train", "new"],
        ["prove", model, graphs[0]],
    ):
        result = bilinear(*arguments, "--data", "no/folder")
        assert result.exit_code == 2
        line = one_line(result.stderr)
        assert line == NO_DATA


@pytest.mark.parametrize(
    "arguments", [["walk"], ["run", "--depht", "3"], ["run", "--depth", "two"], ["trace", "model"]]
)
def test_what_is_no_command_or_option_is_explained_and_ends_with_2(arguments: list[str]) -> None:
    result = bilinear(*arguments)
    assert result.exit_code == 2
    assert "Usage: " in result.stderr
    assert "Error: " in result.stderr


# Interruptions


@pytest.mark.parametrize(
    ("arguments", "work"),
    [
        (["trace", "model.safetensors", "graph"], (graph_commands, "trace")),
        (["prune", "eigen.safetensors", "few", "--features", "3"], (graph_commands, "prune")),
        (["train", "new"], (whole, "trained")),
        (["run", "folder"], (whole, "run_all")),
        (["prove", "model.safetensors", "eigen.safetensors"], (certificates, "prove")),
    ],
)
def test_an_interruption_is_one_line_and_ends_with_130(
    model: Path,
    graphs: list[Path],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    work: tuple[Any, str],
) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    assert model.exists()
    assert graphs[1].exists()
    monkeypatch.setattr(*work, interrupt)
    result = bilinear(*arguments)
    assert result.exit_code == 130
    assert one_line(result.stderr) == (
        "interrupted; the same command goes on from the last epoch or file that was finished"
    )
