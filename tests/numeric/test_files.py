"""Files that are either whole or not there."""

from __future__ import annotations

import errno
import json
import os
import struct
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numeric.errors import NumericError
from numeric.files import digest, is_json, load_arrays, replacing, save_arrays, write_text

ARRAYS = {
    "doubles": np.array([[1.0, -0.0], [np.inf, 5e-324]]),
    "floats": np.array([1 / 3], np.float32),
    "integers": np.arange(3),
    "none": np.zeros((0, 4)),
    "one": np.array(7.0),
}
DESCRIPTION = {"kind": "example", "list": [1, 0.5, None, {"é": True}]}


def header(tensors: dict[str, Any], data: bytes = b"") -> bytes:
    text = json.dumps(tensors).encode()
    return struct.pack("<Q", len(text)) + text + data


def full_disk(*_: object, **__: object) -> NoReturn:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


@pytest.fixture
def read_only_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o555)
        root = os.geteuid() == 0  # whom no mode of a folder stops
        try:
            if root:
                os.seteuid(65534)
        except OSError:  # pragma: no cover
            pytest.skip("root cannot become anyone else here, and may write to every folder")
        yield Path(name)
        if root:
            os.seteuid(0)


def test_arrays_and_their_description_come_back_as_they_were(tmp_path: Path) -> None:
    save_arrays(tmp_path / "arrays", ARRAYS, DESCRIPTION)
    arrays, description = load_arrays(tmp_path / "arrays")
    assert description == DESCRIPTION
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        assert arrays[name].shape == array.shape
        assert arrays[name].tobytes() == array.tobytes()


def test_arrays_come_back_whatever_their_layout_in_memory(tmp_path: Path) -> None:
    square = np.arange(12.0).reshape(3, 4)
    save_arrays(
        tmp_path / "arrays",
        {"turned": square.T, "backwards": square[::-1, ::-1], "big": square.astype(">f8")},
        {},
    )
    arrays, _ = load_arrays(tmp_path / "arrays")
    np.testing.assert_array_equal(arrays["turned"], square.T)
    np.testing.assert_array_equal(arrays["backwards"], square[::-1, ::-1])
    np.testing.assert_array_equal(arrays["big"], square)


def test_arrays_that_were_read_may_be_written_to(tmp_path: Path) -> None:
    save_arrays(tmp_path / "arrays", ARRAYS, {})
    arrays, _ = load_arrays(tmp_path / "arrays")
    arrays["doubles"][0, 0] = 5
    np.testing.assert_array_equal(load_arrays(tmp_path / "arrays")[0]["doubles"][0, 0], 1.0)


def test_the_same_content_gives_the_same_bytes_in_any_order(tmp_path: Path) -> None:
    save_arrays(tmp_path / "one", ARRAYS, DESCRIPTION)
    backwards = dict(reversed(ARRAYS.items()))
    save_arrays(tmp_path / "other", backwards, dict(reversed(DESCRIPTION.items())))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


CIRCLE: list[Any] = []
CIRCLE.append(CIRCLE)
DEEP: list[Any] = []
for _ in range(100_000):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    "value",
    [(1, 2), [(1, 2)], {1: 2}, {"a": {None: 0}}, float("nan"), np.ones(2), object(), CIRCLE, DEEP],
    ids=lambda value: type(value).__name__,
)
def test_a_description_that_json_changes_is_refused_by_name(tmp_path: Path, value: object) -> None:
    assert not is_json(value)
    with pytest.raises(NumericError, match=r"expected notes of .* to be JSON, got"):
        save_arrays(tmp_path / "arrays", {}, {"notes": value})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "whole safetensors file"),
        (b"a letter to a friend", "whole safetensors file"),
        (header({}), "carry a JSON description in its metadata, got none"),
        (header({"__metadata__": {"other": "1"}}), r"metadata, got \['other'\]"),
        (header({"__metadata__": {"description": "{"}}), "carry a JSON description"),
        (header({"__metadata__": {"description": "1" * 5000}}), "carry a JSON description"),
        (header({"__metadata__": {"description": "[" * 100_000}}), "carry a JSON description"),
        (header({"__metadata__": {"description": "[1]"}}), r"to be a JSON object, got \[1\]"),
        (
            header({"a": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}, b"12"),
            "whole safetensors file",
        ),
        (
            header({"a": {"dtype": "F8_E4M3", "shape": [1], "data_offsets": [0, 1]}}, b"1"),
            "whole safetensors file",
        ),
    ],
    ids=range(10),
)
def test_a_file_that_save_arrays_did_not_write_is_refused(
    tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(NumericError, match=message):
        load_arrays(tmp_path / "file")


def test_where_there_is_no_file_the_error_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file")
    for path in (tmp_path / "missing", tmp_path / "missing" / "file"):
        with pytest.raises(NumericError, match=f"a safetensors file at {path}, got nothing there"):
            load_arrays(path)
    for path in (tmp_path, tmp_path / "file" / "below"):
        with pytest.raises(NumericError, match=rf"safetensors file.*{path}|{path}.*safetensors"):
            load_arrays(path)


@pytest.mark.props
@given(data=st.data())
def test_a_truncated_file_is_refused(folder: Path, data: st.DataObject) -> None:
    save_arrays(folder / "whole", ARRAYS, DESCRIPTION)
    content = (folder / "whole").read_bytes()
    cut = data.draw(st.integers(0, len(content) - 1))
    (folder / "cut").write_bytes(content[:cut])
    with pytest.raises(NumericError, match="to be a whole safetensors file"):
        load_arrays(folder / "cut")


# Writing


def test_a_file_appears_under_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    with replacing(tmp_path / "note") as temporary:
        temporary.write_text("half")
        assert not (tmp_path / "note").exists()
        assert temporary.parent == tmp_path
    assert [entry.name for entry in tmp_path.iterdir()] == ["note"]


def test_a_missing_folder_is_made(tmp_path: Path) -> None:
    write_text(tmp_path / "a" / "b" / "note", "text")
    assert (tmp_path / "a" / "b" / "note").read_text() == "text"


def test_text_is_written_in_utf8_with_plain_line_ends(tmp_path: Path) -> None:
    write_text(tmp_path / "note", "é\nx̃\n")
    assert (tmp_path / "note").read_bytes() == "é\nx̃\n".encode()


def test_a_file_gets_the_permissions_that_the_process_gives_to_new_files(tmp_path: Path) -> None:
    mask = os.umask(0o027)
    try:
        write_text(tmp_path / "note", "text")
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(mask)
    assert (tmp_path / "note").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_interruption_leaves_what_was_there(tmp_path: Path, error: type[BaseException]) -> None:
    write_text(tmp_path / "note", "old")

    def interrupted() -> None:
        with replacing(tmp_path / "note") as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(error):
        interrupted()
    assert [entry.name for entry in tmp_path.iterdir()] == ["note"]
    assert (tmp_path / "note").read_text() == "old"


@pytest.mark.parametrize(
    ("owner", "name"), [(os, "fsync"), (Path, "write_bytes"), (tempfile, "mkstemp")]
)
def test_a_full_disk_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: object, name: str
) -> None:
    save_arrays(tmp_path / "arrays", {}, {"old": True})
    monkeypatch.setattr(owner, name, full_disk)
    with pytest.raises(NumericError, match=r"to write .*arrays, got: No space left on device"):
        save_arrays(tmp_path / "arrays", ARRAYS, {})
    assert [entry.name for entry in tmp_path.iterdir()] == ["arrays"]
    assert load_arrays(tmp_path / "arrays") == ({}, {"old": True})


def in_a_file(folder: Path) -> Path:
    (folder / "file").write_text("a file")
    return folder / "file" / "note"


def where_a_folder_is(folder: Path) -> Path:
    (folder / "note").mkdir()
    return folder / "note"


@pytest.mark.parametrize("place", [in_a_file, where_a_folder_is])
def test_a_place_where_no_file_can_be_is_refused(
    tmp_path: Path, place: Callable[[Path], Path]
) -> None:
    path = place(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(NumericError, match=f"expected to write {path}, got: "):
        write_text(path, "text")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_that_may_not_be_written_to_is_refused(read_only_folder: Path) -> None:
    with pytest.raises(NumericError, match=r"expected to write .*note, got: Permission denied"):
        write_text(read_only_folder / "note", "text")
    assert not list(read_only_folder.iterdir())


# Digests


def test_a_digest_tells_arrays_apart_by_type_shape_order_and_content() -> None:
    one, other = np.arange(4.0), np.arange(4.0)[::-1]
    arrays: list[list[Any]] = [
        [],
        [one],
        [one, one],
        [one, other],
        [other, one],
        [one.reshape(2, 2)],
        [one.reshape(4, 1)],
        [one[:2], one[2:]],
        [one.astype(np.float32)],
        [one.astype(">f8")],
        [one.view(np.int64)],
        [-one],
        [np.zeros((0, 3))],
        [np.zeros((3, 0))],
        [np.zeros(())],
        [np.zeros(1)],
    ]
    assert len({digest(group) for group in arrays}) == len(arrays)


def test_a_digest_does_not_see_how_an_array_lies_in_memory() -> None:
    array = np.arange(12.0).reshape(3, 4)
    assert digest([array]) == digest([np.asfortranarray(array)])
    assert digest([array[:, ::2]]) == digest(iter([array[:, ::2].copy()]))
