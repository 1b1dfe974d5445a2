"""Which method finds what of what was planted, and what no method can find."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from numeric.studies import recovery
from numeric.studies.planted import KINDS
from numeric.studies.recovery import recovery_account, recovery_rows, recovery_study
from numeric.studies.running import Setting


def found(kind: str, depth: int, *methods: str, seed: int = 0) -> list[dict[str, Any]]:
    return recovery_rows(kind, depth, seed, methods)["recovery"]


@pytest.mark.parametrize(
    ("kind", "depth", "method"),
    [
        ("distinct", 2, "shared"),
        ("shared", 3, "shared"),
        ("overlapping", 1, "shared"),
        ("product", 2, "shared"),
        ("shared", 2, "shared by error"),
        ("shared", 3, "canonical"),
        ("product", 2, "canonical"),
    ],
)
def test_every_determined_feature_is_found(kind: str, depth: int, method: str) -> None:
    for row in found(kind, depth, method):
        assert row["decidable"]
        assert row["least"] is None or row["least"] >= 0.99
        assert row["span"] is None or row["span"] >= 0.99
        assert row["precision"] == 1
        assert row["error"] <= 1e-5


@pytest.mark.parametrize("method", ["eigen", "canonical"])
def test_readings_that_overlap_are_none_of_orthogonal_features(method: str) -> None:
    (row,) = found("overlapping", 1, method)
    assert not row["decidable"]
    assert row["error"] < 1e-12
    assert row["recall"] == 0


def test_of_hidden_states_eigen_finds_features_in_the_first_layer_alone() -> None:
    first, second = found("shared", 2, "eigen")
    assert (first["decidable"], first["recall"]) == (True, 1)
    assert (second["decidable"], second["recall"]) == (False, 0)


def test_of_features_that_are_read_as_a_sum_the_span_is_found() -> None:
    first, second = found("sum", 2, "canonical")
    assert first["recall"] < 1
    assert first["least"] is None
    assert first["span"] >= 0.99
    assert second["least"] >= 0.99


def test_too_many_features_are_not_found_where_the_network_is() -> None:
    (row,) = found("too many", 1, "shared")
    assert row["determined"] == 0
    assert row["error"] < 1e-2
    assert row["recall"] < 0.5


def test_the_polarized_method_finds_what_hides_the_features() -> None:
    (row,) = found("shared", 1, "polarized")
    assert (row["recall"], row["decidable"]) == (0, False)


def test_the_study_tells_both_sides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    some = {name: KINDS[name] for name in ("sum", "too many")}
    monkeypatch.setattr(recovery, "KINDS", some)
    account = recovery_study(Setting(tmp_path, quick=True))
    assert any(said.startswith("shared, told how many") for said in account.speaks_for)
    assert any(said.startswith("shared on 'too many'") for said in account.speaks_against)
    assert [section.heading.split(":")[0] for section in account.sections] == list(some)
    assert account.pictures["recovery"]().axes[0].containers
    assert len(account.tables["recovery"]) == 3 * len(recovery.METHODS) - 3


def test_a_feature_that_is_not_found_speaks_against_the_method() -> None:
    tables = recovery_rows("sum", 2, 0, ["shared"])
    second = tables["recovery"][1]
    assert any("shared, told" in said for said in recovery_account(tables).speaks_for)
    second["least"] = 0.5
    account = recovery_account(tables)
    assert not any("shared, told" in said for said in account.speaks_for)
    assert any("found in 0 of 1 layers" in said for said in account.speaks_against)
