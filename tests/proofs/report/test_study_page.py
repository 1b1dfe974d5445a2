"""The files of a study: its page, its pictures and its measurements."""

from __future__ import annotations

import json
from pathlib import Path

from matplotlib.figure import Figure

from numeric.studies.account import Account, Section
from proofs.report.study_page import csv_text, write_study

ACCOUNT = Account(
    title="Is it <so>?",
    lead="It was tried.",
    speaks_for=["It is, by 3."],
    speaks_against=[],
    sections=[
        Section("All", ["Words."], ("a", "b"), [["1", "2 < 3"]], "bars"),
        Section("No table", ["More."]),
    ],
    tables={"all of it": [{"a": 1, "b": None}]},
    pictures={"bars": lambda: Figure(figsize=(1, 1))},
)


def test_a_page_shows_all_and_requests_nothing(tmp_path: Path) -> None:
    page = write_study(ACCOUNT, tmp_path, command="bilinear study x", quick=False).read_text()
    for text in ("Is it &lt;so&gt;?", "It is, by 3.", "2 &lt; 3", "Words.", "bilinear study x"):
        assert text in page
    assert page.count("Nothing that was measured here.") == 1
    assert "http" not in page.replace("http-equiv", "")
    assert 'src="data:image/png;base64,' in page
    assert "nothing is to be concluded" not in page


def test_a_quick_study_says_that_it_is_one(tmp_path: Path) -> None:
    page = write_study(ACCOUNT, tmp_path, command="c", quick=True).read_text()
    assert "nothing is to be concluded" in page


def test_every_measurement_is_in_files(tmp_path: Path) -> None:
    write_study(ACCOUNT, tmp_path, command="c", quick=False)
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["tables"] == ACCOUNT.tables
    assert results["speaks for"] == ["It is, by 3."]
    assert (tmp_path / "all-of-it.csv").read_text() == "a,b\n1,\n"
    assert (tmp_path / "pictures" / "bars.png").read_bytes().startswith(b"\x89PNG")


def test_rows_of_different_names_share_a_head() -> None:
    assert csv_text([{"a": 1}, {"b": 2}]) == "a,b\n1,\n,2\n"
    assert csv_text([]) == "\n"
