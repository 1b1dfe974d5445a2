"""Claims and certificates: what they say, and what a file of them may be."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from proofs import Certificate, Claim, Level, ProofError, load_certificate
from proofs.claims import FORMAT

if TYPE_CHECKING:
    from collections.abc import Callable

HOLDS = Claim("sum", Level.EXACT, "1 + 1 is 2.", holds=True, theorem="addition")
FAILS = Claim(
    "half",
    Level.MEASURED,
    "Half of it is „½“.",
    holds=False,
    evidence={"images": 3, "largest": 0.1, "sizes": [1, 2], "none": None, "text": "nan"},
    failure="At node ('logit', 0).",
)
CERTIFICATE = Certificate(
    (HOLDS, FAILS), {"network": "ab", "graphs": {"eigen": "cd"}}, {"python": "3.11"}
)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    CERTIFICATE.save(tmp_path / "certificate.json")
    return tmp_path / "certificate.json"


def written(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


# Claims


def test_a_claim_reads_as_a_sentence_with_its_level_and_its_verdict() -> None:
    assert str(HOLDS) == "[exact, holds] 1 + 1 is 2."
    assert str(FAILS) == "[measured, FAILS] Half of it is „½“. At node ('logit', 0)."


def test_levels_stand_from_the_strongest_on_and_each_says_what_it_means() -> None:
    assert list(Level) == ["symbolic", "exact", "bounded", "measured"]
    assert len({level.meaning for level in Level}) == len(Level)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", 3),
        ("level", "exact"),
        ("statement", None),
        ("holds", 1),
        ("holds", np.True_),
        ("theorem", 4),
        ("evidence", [1]),
        ("failure", False),
    ],
)
def test_a_claim_refuses_a_field_of_another_type(field: str, value: object) -> None:
    with pytest.raises(ProofError, match=f"^expected {field} of a claim to be "):
        replace(HOLDS, **{field: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), [0.0, float("-inf")], np.int64(1), (1, 2), {1: 2}, b"", object()],
)
def test_evidence_that_is_not_json_is_no_evidence(value: object) -> None:
    with pytest.raises(ProofError, match="expected evidence of a claim to be JSON"):
        replace(HOLDS, evidence={"found": value})


# Certificates


def test_a_certificate_holds_if_all_its_claims_do_and_there_are_some() -> None:
    assert not CERTIFICATE.holds
    assert replace(CERTIFICATE, claims=(HOLDS,)).holds
    assert not replace(CERTIFICATE, claims=()).holds


def test_two_claims_of_one_name_are_refused() -> None:
    with pytest.raises(ProofError, match=r"different names, got \['sum', 'sum'\]"):
        replace(CERTIFICATE, claims=(HOLDS, HOLDS))


@pytest.mark.parametrize("field", ["subject", "versions"])
@pytest.mark.parametrize("value", [None, [], {"x": float("nan")}, {"x": {1: 2}}])
def test_what_a_certificate_is_about_has_to_be_json(field: str, value: object) -> None:
    with pytest.raises(ProofError, match=f"expected the {field} of a certificate to be JSON"):
        replace(CERTIFICATE, **{field: value})  # type: ignore[arg-type]


# Files


def test_a_certificate_reads_back_as_it_was(saved: Path) -> None:
    assert load_certificate(saved) == CERTIFICATE
    assert load_certificate(str(saved)) == CERTIFICATE


def test_the_same_claims_give_the_same_bytes(saved: Path, tmp_path: Path) -> None:
    load_certificate(saved).save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == saved.read_bytes()


def test_a_certificate_is_json_that_others_can_read(saved: Path) -> None:
    document = written(saved)
    assert document["format"] == FORMAT
    assert [claim["holds"] for claim in document["claims"]] == [True, False]
    assert document["claims"][1]["evidence"] == FAILS.evidence
    assert "„½“" in saved.read_text(encoding="utf-8")


def test_a_certificate_may_be_laid_out_differently(saved: Path) -> None:
    saved.write_text(json.dumps(written(saved), sort_keys=True))
    assert load_certificate(saved) == CERTIFICATE


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"3",
        b"null",
        b"NaN",
        b"{}",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b"9" * 5_000,
        b'{"format": "bilinear-features certificate 0"}',
        b'{"format": ["bilinear-features certificate 1"]}',
        f'{{"format": "{FORMAT}"}}'.encode(),
    ],
)
def test_a_file_that_is_no_certificate_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "certificate.json"
    path.write_bytes(content)
    with pytest.raises(ProofError, match=str(path)):
        load_certificate(path)


def test_a_file_that_is_not_there_or_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProofError, match=r"certificate at .*nowhere, got: No such file"):
        load_certificate(tmp_path / "nowhere")
    with pytest.raises(ProofError, match="got: Is a directory"):
        load_certificate(tmp_path)


def test_half_a_certificate_is_refused(saved: Path) -> None:
    saved.write_bytes(saved.read_bytes()[:-9])
    with pytest.raises(ProofError, match="to be a certificate, got: JSONDecodeError"):
        load_certificate(saved)


@pytest.mark.parametrize(
    "edit",
    [
        lambda document: document.pop("claims"),
        lambda document: document.pop("subject"),
        lambda document: document.update(note="more"),
        lambda document: document.update(claims=3),
        lambda document: document.update(claims="claims"),
        lambda document: document.update(claims={"sum": {}}),
        lambda document: document.update(claims=[["sum"]]),
        lambda document: document.update(subject=[]),
        lambda document: document.update(versions="3.11"),
        lambda document: document["claims"][0].pop("name"),
        lambda document: document["claims"][0].pop("level"),
        lambda document: document["claims"][0].update(level="certain"),
        lambda document: document["claims"][0].update(level=["exact"]),
        lambda document: document["claims"][0].update(holds="yes"),
        lambda document: document["claims"][0].update(note="more"),
        lambda document: document["claims"][0].update(evidence={"found": float("nan")}),
        lambda document: document["claims"].append(document["claims"][0]),
    ],
)
def test_a_certificate_of_another_structure_is_refused(
    saved: Path, edit: Callable[[Any], object]
) -> None:
    document = written(saved)
    edit(document)
    saved.write_text(json.dumps(document))
    with pytest.raises(ProofError, match=str(saved)):
        load_certificate(saved)
