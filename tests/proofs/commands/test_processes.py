"""The commands as programs of their own: how they end, and what is left where they do not."""

from __future__ import annotations

import gzip
import os
import re
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import proofs
from analytic import THEOREMS
from numeric import load_graph, save_graph
from numeric.data.mnist_sources import CHECKSUMS
from numeric.files import load_arrays
from numeric.graphs.trace import METHODS
from numeric.networks.network_files import read_network
from proofs import check
from proofs.commands import certificates, whole
from tests.commands import DIGITS, SMALL, bilinear, one_line, written_graphs, written_network
from tests.digits import ink_like_mnist

ROOT = str(Path(proofs.__file__).parents[1])

# Whoever started the tests may have had them ignored, as nohup and scripts do.
SIGNALS = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
"""

# The command, with tasks in place of its own that say that they are there and then do as told.
PROGRAM = """
import joblib
from proofs.commands import certificates, main
TASK = "import os, signal, time; open('task-%d', 'w').close(); {task}"
def certify(*_, jobs, **__):
    return joblib.Parallel(jobs)(joblib.delayed(exec)(TASK % number) for number in range(jobs))
certificates.certify, certificates.data_of = certify, id
main.main()
"""


@pytest.fixture(autouse=True)
def _quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for module in (certificates, whole):
        monkeypatch.setattr(module, "data_of", lambda _: DIGITS)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with small files in the form of MNIST's, and what processes start with."""
    folder = tmp_path_factory.mktemp("data")
    for name, array in zip(CHECKSUMS, ink_like_mnist(), strict=True):
        shape = (len(array), 28, 28) if array.ndim > 1 else array.shape
        content = struct.pack(f">{1 + len(shape)}I", 0x800 + len(shape), *shape) + array.tobytes()
        (folder / f"{name}.gz").write_bytes(gzip.compress(content))
    (folder / "sitecustomize.py").write_text(SIGNALS)
    return folder


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(data: Path, tmp_path: Path) -> Start:
    """Start the command as a process of its own."""
    usual = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(data), ROOT]),
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "80",
        "PYTHONIOENCODING": "utf-8",
        "PYTHONWARNINGS": "default",
    }

    def process(
        *arguments: object,
        options: Sequence[str] = (),
        program: Sequence[str] = ("-m", "proofs.commands.main"),
        redirected: str = "",
        encoding: str = "utf-8",
        **environment: str,
    ) -> subprocess.Popen[str]:
        shell = ["sh", "-c", f'exec "$@" {redirected}', "sh"] if redirected else []
        return subprocess.Popen(  # noqa: S603 -- ours
            [*shell, sys.executable, *options, *program, *map(str, arguments)],
            cwd=tmp_path,
            env=usual | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding=encoding,
            start_new_session=True,
        )

    return process


def test_the_commands_work_as_programs_of_their_own(
    start: Start, data: Path, tmp_path: Path
) -> None:
    model, graphs = written_network(tmp_path), written_graphs(tmp_path)
    graph = load_graph(graphs[0])
    graph.remove_node(("feature", 1, 0))
    save_graph(graph, graphs[0])
    bilinear("train", "folder/model.safetensors", *SMALL)
    processes = {
        "trace": start("trace", model, "graph.safetensors", "--method", "fourier"),
        "prove": start("prove", model, *graphs, "--data", data),
        "run": start("run", "folder", *SMALL, "--data", data),
    }
    ends = {name: process.communicate(timeout=300) for name, process in processes.items()}
    # The images are noise: nothing can be learned from them, and 3 says so.
    assert ends["run"][1].startswith("the network has learned nothing: ")
    assert {name: ends[name][1] for name in ("trace", "prove")} == {
        "trace": f"bilinear: expected method to be one of {', '.join(METHODS)}, got 'fourier'\n",
        "prove": f"2 of {len(THEOREMS) + 11} claims fail\n",
    }
    assert [process.returncode for process in processes.values()] == [2, 1, 3]
    assert "At node ('form', 1, 1), in layer 1, the coefficient of" in ends["prove"][0]
    assert re.search(r"\nall \d+ claims hold\n$", ends["run"][0])
    assert {entry.name for entry in (tmp_path / "folder").iterdir()} >= {"report.html", "pictures"}


@pytest.mark.skipif(sys.platform == "win32", reason="processes are stopped in another way")
@pytest.mark.parametrize(
    ("task", "stop", "status", "line"),
    [
        ("time.sleep(900)", lambda pid: os.kill(pid, signal.SIGTERM), 143, "terminated; the same"),
        ("time.sleep(900)", lambda pid: os.killpg(pid, signal.SIGINT), 130, "interrupted; the"),
        ("os.kill(os.getpid(), signal.SIGKILL)", lambda _: None, 4, "could not finish: "),
    ],
)
def test_a_command_of_several_processes_ends_all_of_them_in_one_line(
    start: Start, tmp_path: Path, task: str, stop: Callable[[int], None], status: int, line: str
) -> None:
    files = written_network(tmp_path, depth=1), written_graphs(tmp_path, depth=1)[0]
    program = ["-c", SIGNALS + PROGRAM.format(task=task)]
    process = start("certify", *files, "--jobs", 2, program=program, PYTHONPATH=ROOT)
    patience = time.monotonic() + 240
    while len(list(tmp_path.glob("task-*"))) < 2 and process.poll() is None:
        assert time.monotonic() < patience
        time.sleep(0.01)
    stop(process.pid)
    # This waits for all who could still write, and a task that is left sleeps on.
    output, errors = process.communicate(timeout=240)
    assert one_line(errors).startswith(line)
    assert (output, process.returncode) == ("", status)


def test_a_console_of_few_characters_is_told_the_same(
    start: Start, data: Path, tmp_path: Path
) -> None:
    model, graphs = written_network(tmp_path), written_graphs(tmp_path)
    arguments, encoding = ["prove", model, graphs[0], "--data", data], "cp1252"
    process = start(*arguments, encoding=encoding, PYTHONIOENCODING=encoding, LC_ALL="C")
    output, errors = process.communicate(timeout=300)
    assert (errors, process.returncode) == ("", 0)
    usual = bilinear("prove", model, graphs[0]).stdout
    assert any(ord(character) > 255 for character in usual)
    assert output == usual.encode(encoding, "backslashreplace").decode(encoding)


def test_a_reader_that_leaves_early_ends_a_command_without_a_traceback(
    start: Start, tmp_path: Path
) -> None:
    process = start("trace", written_network(tmp_path), "graph")
    process.stdout.close()
    _, errors = process.communicate(timeout=300)
    assert one_line(errors) == "the output was closed before the command had finished"
    assert process.returncode == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full device")
def test_output_onto_a_full_disk_ends_with_4_and_without_a_traceback(
    start: Start, tmp_path: Path
) -> None:
    written_network(tmp_path)
    processes = [
        start("--help", redirected=">/dev/full"),
        start("trace", "model.safetensors", "graph", redirected=">/dev/full"),
        start("trace", redirected="2>/dev/full"),
    ]
    *ends, (output, errors) = [process.communicate(timeout=300) for process in processes]
    assert [process.returncode for process in processes] == [4, 4, 4]
    for _, said in ends:
        assert one_line(said).startswith("could not finish: OSError: ")
    assert (output, errors) == ("", "")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no Ctrl-C to send")
def test_a_training_that_was_interrupted_at_the_keyboard_goes_on(
    start: Start, data: Path, tmp_path: Path
) -> None:
    arguments = ["train", "model.safetensors", *SMALL[:-1], "200", "--data", data]
    process = start(*arguments)
    checkpoint = tmp_path / "model-checkpoint.safetensors"
    patience = time.monotonic() + 120
    while not checkpoint.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < patience
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert (output, process.returncode) == ("", 130)
    assert one_line(errors).startswith("interrupted; the same command goes on from the last epoch")
    assert not (tmp_path / "model.safetensors").exists()
    assert bilinear(*arguments).exit_code == 0
    assert len(read_network(tmp_path / "model.safetensors")[1]["history"]) == 200
    assert not checkpoint.exists()


def certifying(folder: Path, model: Path, graph: Path, data: Path) -> list[object]:
    target = folder / "certificate.json"
    few = ["--images", 8, "--attacked", 0]
    return ["certify", model, graph, "--data", data, "--certificate", target, *few]


def test_neither_optimisation_nor_the_locale_changes_a_byte_of_a_certificate(
    start: Start, data: Path, tmp_path: Path
) -> None:
    model, graph = written_network(tmp_path), written_graphs(tmp_path)[0]
    turkish = {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"}
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    processes = [
        start(*certifying(tmp_path / name, model, graph, data), options=options, **environment)
        for name, options, environment in (
            ("usual", [], {}),
            ("optimised", ["-OO"], turkish),
            ("plain", [], plain),
        )
    ]
    ends = [process.communicate(timeout=300) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert all(errors.startswith("radii of the network: 8 images") for _, errors in ends)
    for file in ("certificate.json", "certificate.safetensors"):
        usual, *others = (tmp_path / name / file for name in ("usual", "optimised", "plain"))
        assert [other.read_bytes() for other in others] == [usual.read_bytes()] * 2
    assert check(tmp_path / "optimised" / "certificate.json")


@pytest.mark.skipif(sys.platform == "win32", reason="processes are killed in another way")
@pytest.mark.parametrize("sign", ["certificate-parts", "certificate.safetensors"])
def test_a_killed_certification_leaves_nothing_half_done_and_goes_on(
    start: Start, data: Path, tmp_path: Path, sign: str
) -> None:
    model, graph = written_network(tmp_path), written_graphs(tmp_path)[0]
    arguments, folder = certifying(tmp_path / "killed", model, graph, data), tmp_path / "killed"
    process = start(*arguments)
    patience = time.monotonic() + 120
    while not (folder / sign).exists() and process.poll() is None:
        assert time.monotonic() < patience
        time.sleep(0.0005)
    process.kill()
    process.communicate(timeout=60)
    for part in (folder / "certificate-parts").glob("[!.]*.safetensors"):
        assert load_arrays(part)
    certificate = folder / "certificate.json"
    if certificate.exists():
        assert check(certificate)
    whole = tmp_path / "whole"
    for again in (arguments, certifying(whole, model, graph, data)):
        assert bilinear(*again).exit_code == 0
    for file in ("certificate.json", "certificate.safetensors"):
        assert (folder / file).read_bytes() == (whole / file).read_bytes()
