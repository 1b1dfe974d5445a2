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
    claim = Claim.of("agreement", {"graph": "shared", "images": 10, "data": "0a1b", "same": 9})
    assert claim.name == "shared: agreement"
    assert claim.level == Level.MEASURED
    assert claim.holds
    assert claim.statement == (
        "On the 10 images (data 0a1b) the shared graph's largest exact logit is of the same class "
        "as the network's at least 9 times."
    )
    assert claim.checkable == {
        "kind": "agreement",
        "level": "measured",
        "theorem": None,
        "statement": claim.statement,
        "numbers": {"graph": "shared", "images": 10, "data": "0a1b", "same": 9},
    }


@pytest.mark.parametrize("kind", CLAIMS)
def test_every_kind_has_a_level_and_a_theorem_that_is_there(kind: str) -> None:
    assert CLAIMS[kind].level in list(Level)
    assert CLAIMS[kind].theorem in {None, *THEOREMS}


# In a notebook


def test_at_a_prompt_a_certificate_says_whether_its_claims_hold() -> None:
    assert repr(CERTIFICATE) == "<Certificate, 1 of 2 claims FAIL: 1 exact, 1 measured>"
    good = replace(CERTIFICATE, claims=(HOLDS,))
    assert repr(good) == "<Certificate, all claims hold: 1 exact>"
    assert repr(replace(CERTIFICATE, claims=())) == "<Certificate, no claims>"


def test_a_notebook_shows_the_claims_under_what_their_level_means() -> None:
    shown = CERTIFICATE._repr_html_()
    assert shown.index(Level.EXACT.meaning) < shown.index("1 + 1 is 2.")
    assert shown.index("1 + 1 is 2.") < shown.index(Level.MEASURED.meaning)
    assert shown.index(Level.MEASURED.meaning) < shown.index("Half of it is „½“.")
    assert Level.BOUNDED.meaning not in shown


def test_a_notebook_shows_what_fails_and_where() -> None:
    shown = CERTIFICATE._repr_html_()
    assert "1 of 2 claims FAIL" in shown
    assert '<td style="text-align:left">FAILS</td>' in shown
    assert "At node (&#x27;logit&#x27;, 0)." in shown
    good = replace(CERTIFICATE, claims=(HOLDS,))._repr_html_()
    assert "all claims hold" in good
    assert "FAIL" not in good


def test_a_notebook_folds_identities_in_symbols_only_where_all_of_them_hold() -> None:
    identity = replace(HOLDS, level=Level.SYMBOLIC)
    assert "<details open>" not in replace(CERTIFICATE, claims=(identity,))._repr_html_()
    broken = replace(identity, holds=False)
    assert "<details open>" in replace(CERTIFICATE, claims=(broken,))._repr_html_()
    assert "<details open>" in replace(CERTIFICATE, claims=(HOLDS,))._repr_html_()


def test_a_certificate_without_claims_does_not_say_that_all_of_them_hold() -> None:
    shown = replace(CERTIFICATE, claims=())._repr_html_()
    assert "no claims" in shown
    assert "hold" not in shown


def test_a_claim_shows_its_level_verdict_statement_and_theorem() -> None:
    shown = HOLDS._repr_html_()
    for text in ("exact", "holds", "1 + 1 is 2.", "addition"):
        assert f">{text}</td>" in shown


def test_nothing_that_a_claim_says_is_taken_for_html() -> None:
    word = '<script>alert("a & b")</script>'
    claim = replace(FAILS, statement=word, failure=word, theorem=word)
    for shown in (claim._repr_html_(), replace(CERTIFICATE, claims=(claim,))._repr_html_()):
        assert "<script" not in shown
        assert shown.count("&lt;script&gt;alert(&quot;a &amp; b&quot;)&lt;/script&gt;") == 3
