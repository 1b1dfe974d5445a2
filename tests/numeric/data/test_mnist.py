"""load_mnist, with tiny files and sources in place of the network."""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
import pwd
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import pytest

import numeric
from numeric import Digits, load_mnist
from numeric.data.mnist_sources import CHECKSUMS, Source, SourceError
from numeric.errors import NumericError

if TYPE_CHECKING:
    from collections.abc import Callable

TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = CHECKSUMS
PIXELS = np.array([[0, 51, 102, 255], [1, 2, 3, 4], [5, 6, 7, 8]], np.uint8)
LABELS = np.array([7, 0, 9], np.uint8)


def images_file(pixels: np.ndarray[Any, Any]) -> bytes:
    return struct.pack(">4I", 0x803, len(pixels), 2, 2) + pixels.tobytes()


def labels_file(labels: np.ndarray[Any, Any]) -> bytes:
    return struct.pack(">2I", 0x801, len(labels)) + labels.tobytes()


FILES = {
    TRAIN_IMAGES: images_file(PIXELS),
    TRAIN_LABELS: labels_file(LABELS),
    TEST_IMAGES: images_file(PIXELS[:1]),
    TEST_LABELS: labels_file(LABELS[:1]),
}


class Shelf:
    """A source that counts what it is asked for."""

    def __init__(self, files: dict[str, bytes], place: str = "the shelf") -> None:
        self.files = files
        self.place = place
        self.asked: list[str] = []

    def fetch(self, name: str) -> bytes:
        self.asked.append(name)
        if name not in self.files:
            raise SourceError(f"no {name} on {self.place}")
        return self.files[name]


class Cable(Shelf):
    """A source that nothing is plugged into."""

    def fetch(self, name: str) -> bytes:
        raise OSError(errno.ENETUNREACH, "Network is unreachable", name)


def put(folder: Path, files: dict[str, bytes], *, compressed: bool = False) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        if compressed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (folder / name).write_bytes(content)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {entry.name: entry.read_bytes() for entry in folder.iterdir()}


@pytest.fixture(autouse=True)
def _small_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, content in FILES.items():
        checksum = hashlib.md5(content, usedforsecurity=False).hexdigest()
        monkeypatch.setitem(CHECKSUMS, name, checksum)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("BILINEAR_CACHE", raising=False)


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def replace(*shelves: Shelf) -> None:
        sources = tuple(Source(shelf.place, shelf.fetch) for shelf in shelves)
        monkeypatch.setattr("numeric.data.mnist.online_sources", lambda: sources)

    replace()
    return replace


def assert_is_the_small_set(digits: Digits) -> None:
    np.testing.assert_array_equal(digits.train_images, PIXELS / np.float32(255))
    np.testing.assert_array_equal(digits.train_labels, LABELS)
    np.testing.assert_array_equal(digits.test_images, PIXELS[:1] / np.float32(255))
    np.testing.assert_array_equal(digits.test_labels, LABELS[:1])


# Where the files come from


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("below", [".", "MNIST/raw"])
def test_a_named_directory_is_read_plain_or_compressed_and_in_the_layout_of_torchvision(
    tmp_path: Path, online: Callable[..., None], below: str, *, compressed: bool
) -> None:
    online()
    put(tmp_path / "mine" / below, FILES, compressed=compressed)
    assert_is_the_small_set(load_mnist(tmp_path / "mine", cache=tmp_path / "cache"))
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    "names",
    [
        [name.replace("-idx", ".idx") for name in FILES],  # as Kaggle has them
        [f"{name.replace('-idx', '.idx')}.gz" for name in FILES],
        [TRAIN_IMAGES, f"{TRAIN_LABELS}.gz", "t10k-images.idx3-ubyte", TEST_LABELS],
    ],
)
@pytest.mark.parametrize("compressed", [False, True])
def test_the_names_of_other_mirrors_are_known_whatever_they_say_of_compression(
    tmp_path: Path, names: list[str], *, compressed: bool
) -> None:
    for name, content in zip(names, FILES.values(), strict=True):
        # Browsers unpack what they load, and keep its name.
        (tmp_path / name).write_bytes(gzip.compress(content) if compressed else content)
    assert_is_the_small_set(load_mnist(tmp_path))


def test_folders_that_are_called_as_the_files_are_passed_over(tmp_path: Path) -> None:
    put(tmp_path, {name.replace("-idx", ".idx"): content for name, content in FILES.items()})
    for name in FILES:
        put(tmp_path / name, {name: b"another copy, as Kaggle has it"})
    assert_is_the_small_set(load_mnist(tmp_path))


OTHERS = {
    TRAIN_IMAGES: images_file(PIXELS[::-1]),
    TRAIN_LABELS: labels_file(LABELS[:2].repeat([1, 2])),
    TEST_IMAGES: images_file(PIXELS[1:]),
    TEST_LABELS: labels_file(LABELS[1:]),
}


def test_other_images_under_the_names_of_mnist_are_used_and_not_looked_for_elsewhere(
    tmp_path: Path, online: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = Shelf(FILES)
    online(shelf)
    monkeypatch.setenv("BILINEAR_CACHE", str(tmp_path / "cache"))
    put(tmp_path / "cache/mnist", FILES)
    digits = load_mnist(put(tmp_path / "fashion", OTHERS))
    np.testing.assert_array_equal(digits.train_images, PIXELS[::-1] / np.float32(255))
    np.testing.assert_array_equal(digits.train_labels, [7, 0, 0])
    np.testing.assert_array_equal(digits.test_images, PIXELS[1:] / np.float32(255))
    np.testing.assert_array_equal(digits.test_labels, [0, 9])
    assert shelf.asked == []


def test_the_folder_itself_comes_before_what_torchvision_left_in_it(tmp_path: Path) -> None:
    put(tmp_path / "MNIST/raw", OTHERS)
    assert_is_the_small_set(load_mnist(put(tmp_path, FILES)))


@pytest.mark.parametrize("below", [".", "MNIST/raw"])
@pytest.mark.parametrize("name", FILES)
def test_a_file_that_a_named_directory_has_not_is_taken_from_nowhere_else(
    tmp_path: Path, online: Callable[..., None], below: str, name: str
) -> None:
    shelf = Shelf(FILES)
    online(shelf)
    put(tmp_path / "cache/mnist", FILES)
    put(tmp_path / "mine/MNIST/raw", FILES)
    (put(tmp_path / "mine" / below, FILES) / name).unlink()
    with pytest.raises(NumericError, match=f"{tmp_path}/mine.*, got no {name} in ") as caught:
        load_mnist(tmp_path / "mine", cache=tmp_path / "cache")
    assert "\n" not in str(caught.value)
    assert shelf.asked == []


def test_an_error_about_files_that_are_not_there_names_those_that_are(tmp_path: Path) -> None:
    expected = (
        f"expected {tmp_path}, or MNIST/raw in it, to hold train-images-idx3-ubyte, "
        "train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte (or with .idx "
        "for -idx, or with .gz behind), got "
    )
    with pytest.raises(NumericError) as caught:
        load_mnist(tmp_path)
    assert str(caught.value) == expected + f"no {', no '.join(FILES)} in {tmp_path}, which is empty"
    put(tmp_path, {**OTHERS, **{f"emnist-{number}.gz": b"" for number in range(10)}})
    (tmp_path / TEST_LABELS).unlink()
    with pytest.raises(NumericError) as caught:
        load_mnist(tmp_path)
    assert str(caught.value) == expected + (
        f"no {TEST_LABELS} in {tmp_path}, which holds "
        f"{', '.join(f'emnist-{n}.gz' for n in range(8))} and 5 more"
    )


def test_the_cache_is_asked_before_the_network(tmp_path: Path, online: Callable[..., None]) -> None:
    first, second = Shelf({}, "first"), Shelf({}, "second")
    online(first, second)
    put(tmp_path / "cache/mnist", {TRAIN_IMAGES: b"damaged"})
    with pytest.raises(NumericError) as caught:
        load_mnist(cache=tmp_path / "cache")
    places = [f"{tmp_path / 'cache/mnist'}: ", "first: ", "second: "]
    lines = str(caught.value).splitlines()[1:-1]
    assert len(lines) == len(places)
    for line, place in zip(lines, places, strict=True):
        assert line.startswith(f"  {place}")


def test_the_network_is_not_asked_where_the_cache_has_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden() -> tuple[Source, ...]:
        pytest.fail("the network was asked")

    monkeypatch.setattr("numeric.data.mnist.online_sources", forbidden)
    put(tmp_path / "mnist", FILES)
    assert_is_the_small_set(load_mnist(cache=tmp_path))


def test_what_is_fetched_is_kept_and_not_fetched_again(
    tmp_path: Path, online: Callable[..., None]
) -> None:
    shelf = Shelf(FILES)
    online(shelf)
    assert_is_the_small_set(load_mnist(cache=tmp_path))
    assert_is_the_small_set(load_mnist(cache=tmp_path))
    assert shelf.asked == list(FILES)
    assert contents(tmp_path / "mnist") == FILES


def test_the_online_sources_are_made_once_a_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def sources() -> tuple[Source, ...]:
        made.append("once")
        return (Source("shelf", FILES.__getitem__),)

    monkeypatch.setattr("numeric.data.mnist.online_sources", sources)
    load_mnist(cache=tmp_path)
    assert made == ["once"]


# Damage


NO_IDX = [
    struct.pack(">4I", 0x803, 3, 2, 2) + bytes(11),  # a byte short
    struct.pack(">4I", 0x803, 3, 2, 2) + bytes(13),  # a byte long
    struct.pack(">4I", 0xD03, 3, 2, 2) + bytes(12),  # of floats
    struct.pack(">2I", 0x801, 3) + bytes(3),  # of labels
    b"<html>Sign in to this network</html>",
    b"",
]


@pytest.mark.parametrize("content", NO_IDX)
@pytest.mark.parametrize("compressed", [False, True])
def test_a_damaged_file_of_the_user_is_refused_by_name_and_left_as_it_is(
    tmp_path: Path, online: Callable[..., None], content: bytes, *, compressed: bool
) -> None:
    online(Shelf(FILES))
    put(tmp_path / "cache/mnist", FILES)
    mine = put(tmp_path / "mine", FILES)
    path = mine / (f"{TRAIN_IMAGES}.gz" if compressed else TRAIN_IMAGES)
    (mine / TRAIN_IMAGES).unlink()
    path.write_bytes(gzip.compress(content) if compressed else content)
    before = contents(mine)
    with pytest.raises(NumericError, match=f"^expected {path} to be an IDX file of bytes in 3"):
        load_mnist(mine, cache=tmp_path / "cache")
    assert contents(mine) == before


def test_what_is_wrong_with_a_file_is_said_in_full(tmp_path: Path) -> None:
    put(tmp_path, {**FILES, TEST_LABELS: struct.pack(">2I", 0x801, 70_000) + bytes(1234)})
    with pytest.raises(NumericError) as caught:
        load_mnist(tmp_path)
    assert str(caught.value) == (
        f"expected {tmp_path / TEST_LABELS} to be an IDX file of bytes in 1 dimension, with magic "
        "number 0x801 and as many bytes as it says, got magic number 0x801 and 1,242 bytes for "
        "dimensions [70000]"
    )


@pytest.mark.parametrize("cut", [1, 9, 20])
def test_a_damaged_archive_of_the_user_is_refused_by_name(tmp_path: Path, cut: int) -> None:
    put(tmp_path, FILES, compressed=True)
    archive = tmp_path / f"{TRAIN_LABELS}.gz"
    archive.write_bytes(archive.read_bytes()[:-cut])
    with pytest.raises(NumericError, match=f"expected to read {archive}, got: expected a whole gz"):
        load_mnist(tmp_path)


def test_a_file_that_may_not_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied")

    put(tmp_path, FILES)
    (tmp_path / TRAIN_IMAGES).unlink()
    (tmp_path / TRAIN_IMAGES).symlink_to("unmounted")
    with pytest.raises(NumericError, match=f"to read {tmp_path / TRAIN_IMAGES}, got: No such file"):
        load_mnist(tmp_path)
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(NumericError, match=f"{tmp_path / TRAIN_IMAGES}, got: Permission denied"):
        load_mnist(tmp_path)


def test_a_folder_that_may_not_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(NumericError, match=f"expected to read {tmp_path}, got: Permission denied"):
        load_mnist(put(tmp_path, FILES))


@pytest.mark.parametrize("name", [f"{TEST_IMAGES}.gz", "t10k-images.idx3-ubyte"])
def test_two_forms_of_a_file_have_to_hold_the_same(tmp_path: Path, name: str) -> None:
    put(tmp_path, FILES)
    (tmp_path / name).write_bytes(gzip.compress(FILES[TEST_IMAGES]))
    assert_is_the_small_set(load_mnist(tmp_path))
    (tmp_path / name).write_bytes(images_file(PIXELS[1:2]))
    with pytest.raises(NumericError) as caught:
        load_mnist(tmp_path)
    assert str(caught.value) == (
        f"expected {tmp_path / TEST_IMAGES} and {tmp_path / name} to hold the same, got files that "
        "differ: leave one"
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (TRAIN_LABELS, labels_file(LABELS[:2]), "labels-idx1-ubyte to hold 3 labels.* got 2$"),
        (TEST_LABELS, labels_file(LABELS), "t10k-labels-idx1-ubyte to hold 1 labels.* got 3$"),
        (TEST_IMAGES, images_file(PIXELS), "t10k-labels-idx1-ubyte to hold 3 labels.* got 1$"),
        (
            TEST_IMAGES,
            struct.pack(">4I", 0x803, 1, 4, 1) + bytes(4),  # as many pixels, otherwise arranged
            "t10k-images-idx3-ubyte to be of 2 × 2 pixels, as those in .*, got 4 × 1$",
        ),
        (TRAIN_IMAGES, struct.pack(">4I", 0x803, 0, 28, 28), r"not to be empty, got .* \[0, 28"),
        (TEST_IMAGES, struct.pack(">4I", 0x803, 1, 0, 28), r"not to be empty, got .* \[1, 0, 28"),
        (TEST_LABELS, struct.pack(">2I", 0x801, 0), r"not to be empty, got dimensions \[0\]$"),
    ],
)
def test_files_that_do_not_belong_together_are_refused_by_name(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    put(tmp_path, {**FILES, name: content})
    with pytest.raises(NumericError, match=f"^expected .*{tmp_path}.*{message}"):
        load_mnist(tmp_path)


def test_a_half_written_file_in_the_cache_is_fetched_again_once(
    tmp_path: Path, online: Callable[..., None]
) -> None:
    shelf = Shelf(FILES)
    online(shelf)
    put(tmp_path / "mnist", {**FILES, TRAIN_IMAGES: FILES[TRAIN_IMAGES][:-5]})
    assert_is_the_small_set(load_mnist(cache=tmp_path))
    assert shelf.asked == [TRAIN_IMAGES]
    assert contents(tmp_path / "mnist") == FILES


def test_a_source_that_gives_a_wrong_file_is_followed_by_the_next(
    tmp_path: Path, online: Callable[..., None]
) -> None:
    wrong, right = Shelf({**FILES, TRAIN_IMAGES: b"wrong"}, "first"), Shelf(FILES, "second")
    online(wrong, right)
    put(tmp_path / "mnist", {TRAIN_IMAGES: b"damaged"})
    assert_is_the_small_set(load_mnist(cache=tmp_path))
    assert wrong.asked == list(FILES)
    assert right.asked == [TRAIN_IMAGES]


def test_a_file_fetched_wrong_from_every_source_is_not_kept(
    tmp_path: Path, online: Callable[..., None]
) -> None:
    shelves = [Shelf({TRAIN_IMAGES: b"wrong"}, place) for place in ("first", "second")]
    online(*shelves)
    put(tmp_path / "mnist", {TRAIN_IMAGES: b"damaged"})
    got = {
        word: hashlib.md5(word.encode(), usedforsecurity=False).hexdigest()
        for word in ("damaged", "wrong")
    }
    with pytest.raises(NumericError) as caught:
        load_mnist(cache=tmp_path)
    for place, word in ((tmp_path / "mnist", "damaged"), ("first", "wrong"), ("second", "wrong")):
        assert f"  {place}: expected MD5 {CHECKSUMS[TRAIN_IMAGES]}, got {got[word]}\n" in str(
            caught.value
        )
    assert [shelf.asked for shelf in shelves] == [[TRAIN_IMAGES]] * 2
    assert contents(tmp_path / "mnist") == {TRAIN_IMAGES: b"damaged"}


def test_where_nothing_answers_one_error_lists_all_that_was_tried_and_what_to_do_by_hand(
    tmp_path: Path, online: Callable[..., None]
) -> None:
    online(Cable({}, "the cable"), Shelf({}))
    with pytest.raises(NumericError) as caught:
        load_mnist(cache=tmp_path)
    kept = tmp_path / "mnist"
    assert str(caught.value) == (
        f"expected {TRAIN_IMAGES} in one of these places, got:\n"
        f"  {kept}: No such file or directory\n"
        "  the cable: Network is unreachable\n"
        f"  the shelf: no {TRAIN_IMAGES} on the shelf\n"
        "To put MNIST there by hand, lay train-images-idx3-ubyte, train-labels-idx1-ubyte, "
        f"t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte (uncompressed) into {kept}"
    )


@pytest.mark.parametrize("content", NO_IDX)
def test_a_file_that_is_no_idx_file_is_refused(
    tmp_path: Path,
    online: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    content: bytes,
) -> None:
    online()
    checksum = hashlib.md5(content, usedforsecurity=False).hexdigest()
    monkeypatch.setitem(CHECKSUMS, TRAIN_IMAGES, checksum)
    put(tmp_path / "mnist", {**FILES, TRAIN_IMAGES: content})
    with pytest.raises(NumericError, match=f"expected {TRAIN_IMAGES} to be an IDX file"):
        load_mnist(cache=tmp_path)


# Folders


def test_a_directory_that_is_missing_or_a_file_is_refused_at_once(
    tmp_path: Path, online: Callable[..., None]
) -> None:
    shelf = Shelf(FILES)
    online(shelf)
    (tmp_path / "note").write_text("a file")
    for name, got in (("nowhere", ""), ("note", "a file at ")):
        with pytest.raises(NumericError) as caught:
            load_mnist(tmp_path / name, cache=tmp_path)
        assert str(caught.value) == (
            f"expected directory to be a folder, got {got}{tmp_path / name}"
        )
    assert shelf.asked == []


def test_a_directory_needs_no_home_folder(
    tmp_path: Path, online: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(_: int) -> NoReturn:
        raise KeyError("getpwuid(): uid not found")

    online(Shelf(FILES))
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert_is_the_small_set(load_mnist(put(tmp_path / "mine", FILES)))
    with pytest.raises(NumericError, match="a home folder to keep MNIST in, got none: name a"):
        load_mnist()
    assert_is_the_small_set(load_mnist(cache=tmp_path))


def test_a_directory_may_lie_at_home(tmp_path: Path) -> None:
    put(tmp_path / "home/mine", FILES)
    assert_is_the_small_set(load_mnist("~/mine"))
    with pytest.raises(NumericError, match="expected directory to begin with a home folder that"):
        load_mnist("~nobodysuch/mine")
    with pytest.raises(NumericError, match="expected directory to be a path, got 5"):
        load_mnist(5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("variables", "folder"),
    [
        ({}, "home/.cache/bilinear-features/mnist"),
        ({"XDG_CACHE_HOME": "{}/shared"}, "shared/bilinear-features/mnist"),
        ({"XDG_CACHE_HOME": "relative"}, "home/.cache/bilinear-features/mnist"),
        ({"BILINEAR_CACHE": "{}/moved", "XDG_CACHE_HOME": "{}/shared"}, "moved/mnist"),
        ({"BILINEAR_CACHE": "~/moved"}, "home/moved/mnist"),
        ({"BILINEAR_CACHE": ""}, "home/.cache/bilinear-features/mnist"),
    ],
)
def test_environment_variables_move_the_cache(
    tmp_path: Path,
    online: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    folder: str,
) -> None:
    online(Shelf(FILES))
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(tmp_path))
    load_mnist()
    assert contents(tmp_path / folder) == FILES


def test_the_cache_that_is_named_outweighs_the_environment(
    tmp_path: Path, online: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    online(Shelf(FILES))
    monkeypatch.setenv("BILINEAR_CACHE", str(tmp_path / "moved"))
    load_mnist(cache=str(tmp_path / "named"))
    assert contents(tmp_path / "named/mnist") == FILES
    assert not (tmp_path / "moved").exists()


@pytest.mark.parametrize("below", ["cache", "cache/mnist"])
def test_a_file_where_the_cache_should_be_is_an_error(
    tmp_path: Path, online: Callable[..., None], below: str
) -> None:
    online(Shelf(FILES))
    (tmp_path / below).parent.mkdir(exist_ok=True)
    (tmp_path / below).write_text("a file")
    with pytest.raises(NumericError, match=f"expected to write .*{TRAIN_IMAGES}, got: "):
        load_mnist(cache=tmp_path / "cache")
    assert (tmp_path / below).read_text() == "a file"


def test_a_cache_that_cannot_be_written_is_an_error(
    tmp_path: Path, online: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    online(Shelf(FILES))
    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    with pytest.raises(NumericError, match=f"{TRAIN_IMAGES}, got: Permission denied"):
        load_mnist(cache=tmp_path)


def test_a_full_disk_leaves_no_half_file(
    tmp_path: Path, online: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    online(Shelf(FILES))
    put(tmp_path / "mnist", {TRAIN_IMAGES: b"damaged"})
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NumericError, match="No space left on device"):
        load_mnist(cache=tmp_path)
    assert contents(tmp_path / "mnist") == {TRAIN_IMAGES: b"damaged"}


# Each round starts for both at once, as the source waits until both have asked it.
PROCESS = """
import sys, time
from pathlib import Path
from numeric.data import mnist
from numeric.data.mnist_sources import CHECKSUMS, Source

shelf, meeting, cache, own = map(Path, sys.argv[1:])
for name in CHECKSUMS:
    CHECKSUMS[name] = (shelf / f"{name}.md5").read_text()

def fetch(name):
    (meeting / f"{turn}-{name}-{own}").touch()
    patience = time.monotonic() + 60
    while len(list(meeting.glob(f"{turn}-{name}-*"))) < 2:
        assert time.monotonic() < patience, "the other process never came"
    return (shelf / name).read_bytes()

mnist.online_sources = lambda: (Source("shelf", fetch),)
for turn in range(20):
    digits = mnist.load_mnist(cache=cache / str(turn))
    assert digits.train_labels.tolist() == [7, 0, 9]
"""


def test_two_processes_may_fill_one_cache_at_once(tmp_path: Path) -> None:
    shelf = put(tmp_path / "shelf", FILES)
    for name in FILES:
        (shelf / f"{name}.md5").write_text(CHECKSUMS[name])
    (tmp_path / "meeting").mkdir()
    folders = [str(tmp_path / name) for name in ("shelf", "meeting", "cache")]
    importable = {**os.environ, "PYTHONPATH": str(Path(numeric.__file__).parents[1])}
    processes = [
        subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", PROCESS, *folders, own],
            env=importable,
            stderr=subprocess.PIPE,
            text=True,
        )
        for own in ("one", "other")
    ]
    ends = [process.communicate(timeout=120)[1] for process in processes]
    assert ends == ["", ""]
    assert [process.returncode for process in processes] == [0, 0]
    assert all(contents(tmp_path / "cache" / str(turn) / "mnist") == FILES for turn in range(20))


def test_loaded_digits_have_the_documented_types(
    tmp_path: Path, online: Callable[..., None]
) -> None:
    online(Shelf(FILES))
    digits = load_mnist(cache=tmp_path)
    assert digits.train_images.dtype == digits.test_images.dtype == np.float32
    assert digits.train_labels.dtype == digits.test_labels.dtype == np.int64
    assert digits.train_images.min() == 0
    assert digits.train_images.max() == 1
