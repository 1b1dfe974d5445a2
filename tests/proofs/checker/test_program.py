"""The checker as a program of its own, and what it makes of documents."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from proofs import checker, save_checker
from proofs.checker import CLAIMS, Rejected, Unreadable, check, opened
from tests.proofs.checker.alterations import write
from tests.proofs.checker.certificates import full_case, small_case

SOURCE = Path(checker.__file__).parent
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in SOURCE.rglob("*.py")}
SCHEMA = json.loads((SOURCE.parent / "certificate.schema.json").read_text(encoding="utf-8"))
Document = dict[str, Any]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("original") / "certificate"
    folder.mkdir()
    return full_case(folder, small_case()).write(folder)


@pytest.fixture
def path(original: Path, tmp_path: Path) -> Path:
    """A copy that may be altered."""
    shutil.copytree(original.parent, tmp_path / "copy")
    return tmp_path / "copy" / "certificate.json"


def document(path: Path) -> Document:
    found: Document = json.loads(path.read_text(encoding="utf-8"))
    return found


# By itself


def run(folder: Path, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the checker, one file, in a folder where nothing else is."""
    folder.mkdir()
    save_checker(folder / "checker.pyz")
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(  # noqa: S603 -- the program under test
        [sys.executable, *map(str, arguments)],
        cwd=folder,
        env=kept | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("options", "environment"),
    [
        (["-I"], {}),
        (["-I", "-O"], {}),
        (["-OO"], {}),
        ([], {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
        ([], {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"}),
        (["-W", "error"], {}),
    ],
    ids=["isolated", "optimised", "without docstrings", "C", "Turkish", "strict"],
)
def test_the_checker_runs_alone_anywhere(
    path: Path, tmp_path: Path, options: list[str], environment: dict[str, str]
) -> None:
    done = run(tmp_path / "alone", *options, "checker.pyz", path, **environment)
    assert done.stderr == ""
    assert done.returncode == 0
    *sentences, last = done.stdout.splitlines()
    assert sentences == check(path)
    assert last == "All of this has been checked."
    path.write_text(path.read_text(encoding="utf-8").replace("robust", "Robust"), encoding="utf-8")
    done = run(tmp_path / "again", *options, "checker.pyz", path, **environment)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("unreadable: certificate.json: ")
    assert "Traceback" not in done.stderr


def test_the_program_says_what_it_wants(tmp_path: Path) -> None:
    done = run(tmp_path / "alone", "checker.pyz")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "usage: checker CERTIFICATE\n"


def test_nothing_is_written_and_a_certificate_may_lie_in_a_folder_that_is_read_only(
    path: Path, tmp_path: Path
) -> None:
    before = {file.name: file.stat().st_mtime_ns for file in path.parent.iterdir()}
    path.parent.chmod(0o555)
    try:
        done = run(tmp_path / "alone", "-I", "checker.pyz", path)
    finally:
        path.parent.chmod(0o755)
    assert done.returncode == 0
    assert {file.name: file.stat().st_mtime_ns for file in path.parent.iterdir()} == before


def test_only_the_standard_library_and_numpy_are_imported() -> None:
    names = set()
    for path, tree in TREES.items():
        within = len(path.relative_to(SOURCE).parts)
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names.add(str(node.module).split(".")[0])
            elif isinstance(node, ast.ImportFrom):
                # From its own folder, however deep it stands there.
                assert node.level <= within
    assert "numpy" in names
    assert names - {"numpy"} <= sys.stdlib_module_names


def test_nothing_is_asserted_for_python_may_leave_that_out() -> None:
    nodes = (node for tree in TREES.values() for node in ast.walk(tree))
    assert not any(isinstance(node, ast.Assert) for node in nodes)


def test_it_can_be_read_in_an_afternoon() -> None:
    lines = {path.name: len(path.read_text("utf-8").splitlines()) for path in TREES}
    assert max(lines.values()) <= 250


def test_the_same_checker_is_the_same_file(tmp_path: Path) -> None:
    for name in ("one", "other"):
        save_checker(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


# Documents


def renamed(said: Document, old: str, new: str) -> None:
    said["files"]["graphs"][new] = said["files"]["graphs"].pop(old)
    for claim in said["claims"]:
        if claim["numbers"].get("graph") == old:
            claim["numbers"]["graph"] = new
            claim["statement"] = CLAIMS[claim["kind"]].statement.format(**claim["numbers"])


def numbered(kind: str, **numbers: Any) -> Callable[[Document], None]:
    """Change the numbers of a claim, and its words with them."""

    def change(said: Document) -> None:
        (claim, *_) = [claim for claim in said["claims"] if claim["kind"] == kind]
        claim["numbers"] |= numbers
        claim["statement"] = CLAIMS[kind].statement.format(**claim["numbers"])

    return change


def claimed(place: int, **fields: Any) -> Callable[[Document], None]:
    return lambda said: said["claims"][place].update(fields)


DOCUMENTS: dict[str, Callable[[Document], Any]] = {
    "no claims": lambda said: said["claims"].clear(),
    "claims that are no list": lambda said: said.update(claims={}),
    "a claim that is none": lambda said: said["claims"].append("all is well"),
    "a kind that is none": claimed(0, kind="same"),
    "a kind that is a method": claimed(0, kind="witness"),
    "another level": claimed(1, level="exact"),
    "another theorem": claimed(0, theorem="s_lemma"),
    "another statement": claimed(0, statement="The graph and the network are the same."),
    "a field more": claimed(0, remark="proved twice"),
    "a field less": lambda said: said["claims"][0].pop("theorem"),
    "no numbers": claimed(0, numbers={}),
    "numbers that are none": claimed(0, numbers=["polarized"]),
    "another format": lambda said: said.update(format="bilinear-features certificate 1"),
    "no files": lambda said: said.pop("files"),
    "no model": lambda said: said["files"].pop("model"),
    "no witnesses": lambda said: said["files"].pop("witnesses"),
    "no graphs": lambda said: said["files"]["graphs"].clear(),
    "a file that is not there": lambda said: said["files"]["model"].update(name="missing"),
    "a file that is a folder": lambda said: said["files"]["model"].update(name="."),
    "a file without a name": lambda said: said["files"]["model"].update(name=None),
    "another file": lambda said: said["files"].update(model=said["files"]["witnesses"]),
    "a hash that is none": lambda said: said["files"]["model"].update(sha256=None),
    "a number more": numbered("accuracy", graph="eigen"),
    "a count of True": numbered("accuracy", right=True),
    "a count with a point": numbered("accuracy", right=1.0),
    "a count of text": numbered("accuracy", right="1"),
    "a count below 0": numbered("accuracy", right=-1),
    "counts that are one": numbered("signature", positive=0),
    "counts of text": numbered("signature", positive="000"),
    "counts below 0": numbered("signature", positive=[-1, 0, 0]),
    "a bound that is no text": numbered("difference", bound=1),
    "no bound": numbered("difference", bound=None),
    "a bound of nan": numbered("difference", bound="nan"),
    "a bound without limit": numbered("difference", bound="inf"),
    "a bound below 0": numbered("difference", bound="-1"),
    "a bound of 0": numbered("difference", bound="0"),
    "a bound with a space": numbered("difference", bound=" 1"),
    "a bound with a line": numbered("difference", bound="1\n"),
    "a bound with a word": numbered("difference", bound="1 or so"),
    "a bound in other digits": numbered("difference", bound="١"),
    "a bound with an underscore": numbered("difference", bound="1_0"),
    "a bound of a fraction": numbered("difference", bound="1/0"),
    "a bound too long to be": numbered("difference", bound="1E+99999"),
    "an end of nan": numbered("difference", high="nan"),
    "a region without limit": numbered("difference", high="inf"),
    "a region as large as float64": numbered("difference", high="1E+308"),
    "a region turned round": numbered("difference", low="2"),
    "a graph that is not there": numbered("difference", graph="canonical"),
    "a graph that is no text": numbered("difference", graph=1),
    "an arithmetic that is not there": numbered("rounding", dtype="float16"),
    "an arithmetic in words": numbered("rounding", dtype="float64 or better"),
    "a name that says more": lambda said: renamed(said, "eigen", "eigen graph and the polarized"),
    "a name of two lines": lambda said: renamed(said, "eigen", "eigen\n"),
    "no name": lambda said: renamed(said, "eigen", ""),
}


@pytest.mark.parametrize("change", DOCUMENTS.values(), ids=DOCUMENTS)
def test_a_document_that_says_something_else_is_rejected(
    path: Path, change: Callable[[Document], Any]
) -> None:
    said = document(path)
    change(said)
    write(path, {key: value for key, value in said.items() if key != "sha256"})
    with pytest.raises(Rejected):
        check(path)


def test_a_graph_may_be_called_by_a_method_and_a_number(path: Path) -> None:
    said = document(path)
    renamed(said, "eigen", "eigen (2)")
    write(path, {key: value for key, value in said.items() if key != "sha256"})
    assert any("the eigen (2) graph" in sentence for sentence in check(path))


TEXTS: dict[str, Callable[[str], str]] = {
    "empty": lambda _: "",
    "cut": lambda text: text[:-10],
    "a number": lambda _: "1\n",
    "a list": lambda _: "[]\n",
    "on one line": lambda text: json.dumps(json.loads(text)),
    "with a space more": lambda text: text.replace("{", "{ ", 1),
    "without its last line": lambda text: text[:-1],
    "with lines that end otherwise": lambda text: text.replace("\n", "\r\n"),
    "with claims twice": lambda text: text.replace('{\n "format"', '{\n "claims": [],\n "format"'),
    "with a name twice": lambda text: text.replace(
        '"images": 4', '"images": 9,\n    "images": 4', 1
    ),
    "with NaN": lambda text: text.replace('"images": 4', '"images": NaN', 1),
    "with another number's form": lambda text: text.replace('"images": 4', '"images": 4e0', 1),
    "with a letter written otherwise": lambda text: text.replace("accuracy", r"\u0061ccuracy"),
    "nested without end": lambda _: "[" * 100_000,
    "a number without end": lambda text: text.replace('"images": 4', f'"images": {"4" * 5000}', 1),
    "of half a letter": lambda text: text.replace("accuracy", r"\ud800"),
}


@pytest.mark.parametrize("change", TEXTS.values(), ids=TEXTS)
def test_a_text_that_is_laid_out_otherwise_is_rejected(
    path: Path, change: Callable[[str], str]
) -> None:
    text = path.read_text(encoding="utf-8")
    assert change(text) != text
    path.write_bytes(change(text).encode("utf-8", "surrogatepass"))
    with pytest.raises(Rejected):
        check(path)


def test_a_text_in_no_encoding_and_no_file_at_all_are_rejected(path: Path) -> None:
    for text in (b"\xff\xfe", b"hello", b""):
        path.write_bytes(text)
        with pytest.raises(Unreadable, match=r"it is no certificate: that is JSON$"):
            check(path)
    path.unlink()
    with pytest.raises(Unreadable, match="is no file"):
        check(path)


def test_the_first_claim_that_does_not_hold_is_named_with_what_is_wrong(path: Path) -> None:
    said = document(path)
    numbered("accuracy", right=5)(said)
    numbered("agreement", same=5)(said)
    write(path, {key: value for key, value in said.items() if key != "sha256"})
    with pytest.raises(Rejected) as error:
        check(path)
    data = opened(path)[0].data
    assert str(error.value) == (
        f"On the 4 images (data {data}) the network's largest exact logit is the label's at least "
        "5 times. This does not hold: 4 are right"
    )


def test_numbers_that_leave_the_range_of_floats_make_no_warning(path: Path) -> None:
    said = document(path)
    numbered("difference", high="1E+200")(said)
    write(path, {key: value for key, value in said.items() if key != "sha256"})
    with pytest.raises(Rejected):
        check(path)


# The schema


def test_the_schema_describes_what_is_written(original: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.Draft202012Validator(SCHEMA).validate(document(original))


def test_the_schema_knows_every_kind_of_claim_with_its_numbers() -> None:
    kinds = {
        branch["properties"]["kind"]["const"]: branch
        for branch in SCHEMA["$defs"]["claim"]["oneOf"]
    }
    assert list(kinds) == list(CLAIMS)
    for kind, branch in kinds.items():
        fields = branch["properties"]
        assert fields["level"]["const"] == CLAIMS[kind].level
        assert fields["theorem"]["const"] == CLAIMS[kind].theorem
        parameters = set(CLAIMS[kind].parameters)
        assert fields["numbers"]["properties"].keys() == parameters
        assert set(fields["numbers"]["required"]) == parameters


ACCEPTED_BY_THE_SCHEMA = {
    "a count with a point",
    "no claims",
    "another statement",
    "no graphs",
    "a file that is not there",
    "a file that is a folder",
    "another file",
    "a bound below 0",
    "a bound of 0",
    "a region as large as float64",
    "a region turned round",
    "a graph that is not there",
}


@pytest.mark.parametrize(
    "change",
    [change for name, change in DOCUMENTS.items() if name not in ACCEPTED_BY_THE_SCHEMA],
    ids=[name for name in DOCUMENTS if name not in ACCEPTED_BY_THE_SCHEMA],
)
def test_the_schema_refuses_documents_of_another_form(
    path: Path, change: Callable[[Document], Any]
) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    said = document(path)
    validator = jsonschema.Draft202012Validator(SCHEMA)
    assert validator.is_valid(said)
    change(said)
    assert not validator.is_valid(said)
