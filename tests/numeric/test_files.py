"""Files that are either whole or not there."""

from __future__ import annotations

import errno
import json
import os
import pwd
import socket
import struct
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from numeric import (
    BilinearNetwork,
    load_foreign,
    load_graph,
    load_graphml,
    load_network,
    load_node_link,
    save_attribution_graph,
    save_graph,
    save_graphml,
    save_network,
    save_node_link,
    trace,
)
from numeric.errors import NumericError
from numeric.files import (
    check_place,
    digest,
    is_json,
    is_there,
    load_arrays,
    read_json,
    replacing,
    save_arrays,
    write_text,
)

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
def nobody() -> Iterator[Path]:
    """A folder of its own for someone whom modes stop."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        root = os.geteuid() == 0  # whom no mode of a folder stops
        try:
            if root:
                os.seteuid(65534)
        except OSError:  # pragma: no cover
            pytest.skip("root cannot become anyone else here, and may write to every folder")
        yield Path(name)
        if root:
            os.seteuid(0)


@pytest.fixture
def read_only_folder(nobody: Path) -> Path:
    (nobody / "closed").mkdir(mode=0o555)
    return nobody / "closed"


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
            "file to hold numbers in float32 or float64, got a in BF16: convert it",
        ),
        (
            header({"a": {"dtype": "F8_E4M3", "shape": [1], "data_offsets": [0, 1]}}, b"1"),
            "file to hold numbers in float32 or float64, got a in F8_E4M3: convert it",
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


def test_of_files_in_other_forms_the_error_says_what_to_do(tmp_path: Path) -> None:
    np.savez(tmp_path / "weights", **ARRAYS)
    torch.save({"weight": torch.ones(2)}, tmp_path / "model.pt")
    (tmp_path / "old.bin").write_bytes(b"a pickle of long ago")
    save_arrays(tmp_path / "folder" / "part.safetensors", ARRAYS, DESCRIPTION)
    with pytest.raises(NumericError, match=r"got an archive of numpy: 'bilinear import' makes a"):
        load_arrays(tmp_path / "weights.npz")
    for name in ("model.pt", "old.bin"):
        with pytest.raises(NumericError, match=r"got one of torch.save: 'bilinear import' makes a"):
            load_arrays(tmp_path / name)
    with pytest.raises(NumericError, match=r"got a folder: 'bilinear import' reads those of the h"):
        load_arrays(tmp_path / "folder")


def test_where_there_is_no_file_the_error_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file")
    for path in (tmp_path / "missing", tmp_path / "missing" / "file"):
        with pytest.raises(NumericError, match=f"a safetensors file at {path}, got nothing there"):
            load_arrays(path)
    for path in (tmp_path, tmp_path / "file" / "below"):
        with pytest.raises(NumericError, match=rf"safetensors file.*{path}|{path}.*safetensors"):
            load_arrays(path)


def test_a_file_that_may_not_be_read_is_not_called_missing(nobody: Path) -> None:
    save_arrays(nobody / "arrays", ARRAYS, DESCRIPTION)
    write_text(nobody / "note", "{}")
    for name, load in (("arrays", load_arrays), ("note", read_json)):
        load(nobody / name)
        (nobody / name).chmod(0)
        with pytest.raises(NumericError, match=f"to read .*{name}, got: Permission denied"):
            load(nobody / name)


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


def pipe(path: Path) -> None:
    os.mkfifo(path)


def socket_(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(os.path.relpath(path))  # an absolute one may be too long


@pytest.mark.parametrize(
    ("make", "kind"), [(Path.mkdir, "a folder"), (pipe, "a pipe"), (socket_, "a socket")]
)
@pytest.mark.parametrize("through_link", [False, True])
def test_what_is_no_regular_file_is_refused_and_left_as_it_is(
    tmp_path: Path, make: Callable[[Path], None], kind: str, *, through_link: bool
) -> None:
    path = tmp_path / "node"
    make(path)
    before = path.lstat()
    named = tmp_path / "link" if through_link else path
    if through_link:
        named.symlink_to("node")
    with pytest.raises(NumericError, match=f"to write {named}, got: {kind} is there, and is left"):
        write_text(named, "text")
    with pytest.raises(NumericError, match=f"to write {named}, got: {kind} is there, and is left"):
        check_place(named)
    assert (path.lstat().st_ino, path.lstat().st_mode) == (before.st_ino, before.st_mode)
    assert len(list(tmp_path.iterdir())) == 1 + through_link


def test_a_device_is_refused_before_anything_is_written_beside_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(**_: object) -> NoReturn:
        pytest.fail("a file was made among the devices")

    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    with pytest.raises(NumericError, match="expected to write /dev/null, got: a device is there"):
        write_text("/dev/null", "text")


def test_through_links_the_file_that_they_lead_to_is_written(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    real, second, first = (tmp_path / name for name in ("elsewhere/real", "second", "first"))
    real.write_text("old")
    second.symlink_to("elsewhere/real")
    first.symlink_to(second)
    write_text(first, "new")
    assert real.read_text() == "new"
    assert (first.readlink(), second.readlink()) == (second, Path("elsewhere/real"))
    assert [entry.name for entry in real.parent.iterdir()] == ["real"]


def test_a_place_may_be_checked_without_a_trace(tmp_path: Path) -> None:
    (tmp_path / "note").write_text("old")
    (tmp_path / "link").symlink_to("nothing")
    for name in ("note", "link", "new", "missing/folder/new"):
        check_place(tmp_path / name)
    with pytest.raises(NumericError, match="note/below, got: Not a directory"):
        check_place(tmp_path / "note" / "below")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["link", "note"]
    assert (tmp_path / "note").read_text() == "old"


def test_a_link_to_nothing_gets_its_file_but_no_folder(tmp_path: Path) -> None:
    (tmp_path / "note").symlink_to("real")
    (tmp_path / "lost").symlink_to("unmounted/real")
    write_text(tmp_path / "note", "text")
    assert (tmp_path / "note").is_symlink()
    assert (tmp_path / "real").read_text() == "text"
    with pytest.raises(NumericError, match=r"to write .*lost, got: No such file or directory"):
        write_text(tmp_path / "lost", "text")
    assert not (tmp_path / "unmounted").exists()


def test_a_link_that_leads_to_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to("circle")
    with pytest.raises(NumericError, match=r"to write .*circle, got: Too many levels"):
        write_text(tmp_path / "circle", "text")
    assert (tmp_path / "circle").readlink() == Path("circle")


def test_a_file_that_is_written_over_keeps_its_mode_and_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "note"
    write_text(path, "old")
    path.chmod(0o604)
    if os.geteuid() == 0:  # nobody else may give files away
        os.chown(path, 65534, 65533)
    before = path.stat()
    write_text(path, "new")
    after = path.stat()
    assert path.read_text() == "new"
    assert after.st_mode == before.st_mode
    assert (after.st_uid, after.st_gid) == (before.st_uid, before.st_gid)


@pytest.mark.parametrize(
    ("error", "allowed"),
    [
        (PermissionError(errno.EPERM, "Operation not permitted"), [-1]),
        (OSError(errno.EINVAL, "no such user in this container"), []),
    ],
)
def test_a_file_whose_owner_cannot_be_kept_is_written_and_keeps_its_group_if_it_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, allowed: list[int]
) -> None:
    done = []

    def chown(_: Path, user: int, group: int) -> None:
        if user not in allowed:
            raise error
        done.append((user, group))

    write_text(tmp_path / "note", "old")
    group = (tmp_path / "note").stat().st_gid
    monkeypatch.setattr(os, "chown", chown)
    write_text(tmp_path / "note", "new")
    assert (tmp_path / "note").read_text() == "new"
    assert done == [(user, group) for user in allowed]


def test_another_hard_link_to_a_file_keeps_what_it_had(tmp_path: Path) -> None:
    write_text(tmp_path / "note", "old")
    (tmp_path / "backup").hardlink_to(tmp_path / "note")
    write_text(tmp_path / "note", "new")
    assert (tmp_path / "backup").read_text() == "old"
    assert (tmp_path / "note").read_text() == "new"


def test_a_file_that_is_protected_from_writing_is_refused(nobody: Path) -> None:
    (nobody / "note").write_text("old")
    (nobody / "note").chmod(0o444)
    with pytest.raises(NumericError, match="note, got: the file there may not be written to"):
        write_text(nobody / "note", "new")
    assert (nobody / "note").read_text() == "old"


# Paths


def test_a_tilde_is_a_home_folder_wherever_a_file_is_read_or_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    save_arrays("~/arrays", ARRAYS, DESCRIPTION)
    assert load_arrays("~/arrays")[1] == DESCRIPTION
    write_text(Path("~/a/note"), "[1]")
    assert read_json("~/a/note") == [1]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a", "arrays"]


def test_every_format_of_a_network_or_a_graph_is_found_at_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    network = BilinearNetwork(3, 2, depth=1, hidden=2)
    graph = trace(network)
    save_network(network, "~/network")
    save_graph(graph, "~/graph")
    save_graphml(graph, "~/graph.graphml")
    save_node_link(graph, "~/graph.json")
    save_attribution_graph(graph, "~/attribution.json")
    assert load_network("~/network").configuration == network.configuration
    for found in (
        load_graph("~/graph"),
        load_graphml("~/graph.graphml"),
        load_node_link("~/graph.json"),
    ):
        assert list(found) == list(graph)
    assert read_json("~/attribution.json")["metadata"]["slug"] == "attribution"
    with pytest.raises(NumericError, match=r"other code wrote, got a composition graph"):
        load_foreign("~/graph")


def test_a_tilde_within_a_path_or_behind_a_dot_is_a_letter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_text("./~note", "text")
    write_text("note~", "text")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["note~", "~note"]


@pytest.mark.parametrize("path", ["~nobodysuch/file", Path("~nobodysuch/file")])
@pytest.mark.parametrize("door", [load_arrays, read_json, lambda path: write_text(path, "text")])
def test_a_user_that_nobody_knows_is_an_error(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    path: str | Path,
    door: Callable[[str | Path], object],
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NumericError, match="a home folder that is known, got ~nobodysuch/file"):
        door(path)
    assert not list(tmp_path.iterdir())


def test_a_tilde_is_an_error_where_there_is_no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_: int) -> NoReturn:
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    with pytest.raises(NumericError, match="a home folder that is known, got ~/file"):
        load_arrays("~/file")


@pytest.mark.parametrize("path", [5, None, b"file", "a\0b", ["file"]])
@pytest.mark.parametrize("door", [load_arrays, read_json, lambda path: write_text(path, "text")])
def test_what_is_no_path_is_an_error(path: Any, door: Callable[[Any], object]) -> None:
    with pytest.raises(NumericError, match="expected path to be a path, got "):
        door(path)


def test_what_may_not_be_seen_is_not_there(tmp_path: Path) -> None:
    assert is_there(tmp_path)
    assert not is_there(tmp_path / "none")
    assert not is_there(tmp_path / ("long" * 99))


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
