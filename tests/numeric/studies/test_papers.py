"""The study of what papers show, on tiny networks and images."""

from __future__ import annotations

from pathlib import Path

import pytest

from numeric.studies import papers
from numeric.studies.papers import Sizes, papers_study
from numeric.studies.regularisation import BOTH, NONE, REGULARISATIONS
from numeric.studies.running import Setting
from tests.digits import like_mnist

TINY = Sizes(
    seeds=2, neurons=(6, 8), deep=(10, 8), epochs=2, regularised=(6, 2), research=(6, 1),
    depths=(2,), toys=(1, 30),
)  # fmt: skip
DIGITS = like_mnist(inputs=36)


def test_every_part_has_a_section_and_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = {name: REGULARISATIONS[name] for name in (NONE, BOTH, "turned")}
    monkeypatch.setattr(papers, "REGULARISATIONS", few)
    setting = Setting(tmp_path, digits=lambda: DIGITS)
    account = papers_study(setting, TINY)
    assert [section.heading for section in account.sections] == [
        "Regularisation",
        "Across seeds and sizes",
        "How few are enough",
        "Adversarial masks",
        "AND and XOR, read exactly",
    ]
    for section in account.sections:
        assert {len(row) for row in section.rows} == {len(section.columns)}
        assert section.picture is None or account.pictures[section.picture]().axes
    assert len(account.speaks_for) + len(account.speaks_against) > 10
    before = {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    assert papers_study(setting, TINY).tables == account.tables
    assert {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()} == before

    no_two_compared_networks_start_from_one_seed(tmp_path)


def no_two_compared_networks_start_from_one_seed(tmp_path: Path) -> None:
    kept = [file.name.split("-") for file in tmp_path.glob("network-*.safetensors")]
    seeds = [int(seed) for _, _, _, seed, *_ in kept]
    assert len(seeds) == len(set(seeds)) == 2 * 2 * 3
