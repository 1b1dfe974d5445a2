"""Claims and certificates: what they say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analytic import THEOREMS
from proofs import Certificate, Claim, Level, ProofError
from proofs.checker import CLAIMS

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


def test_a_certificate_is_the_same_with_other_witnesses() -> None:
    assert replace(CERTIFICATE, witnesses={"images": np.zeros(3)}) == CERTIFICATE


# Claims that can be verified


def test_a_claim_of_a_kind_says_what_its_kind_says_with_its_numbers() -> None:
    claim = Claim.of("agreement", {"graph": "shared", "images": 10, "same": 9})
    assert claim.name == "shared: agreement"
    assert claim.level == Level.MEASURED
    assert claim.holds
    assert claim.statement == (
        "On the 10 images the shared graph's largest exact logit is of the same class as the "
        "network's at least 9 times."
    )
    assert claim.checkable == {
        "kind": "agreement",
        "level": "measured",
        "theorem": None,
        "statement": claim.statement,
        "numbers": {"graph": "shared", "images": 10, "same": 9},
    }


@pytest.mark.parametrize("kind", CLAIMS)
def test_every_kind_has_a_level_and_a_theorem_that_is_there(kind: str) -> None:
    assert CLAIMS[kind]["level"] in list(Level)
    assert CLAIMS[kind]["theorem"] in {None, *THEOREMS}
