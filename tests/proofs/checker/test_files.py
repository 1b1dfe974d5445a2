"""JSON, decimals and names have one form each; whatever is wrong is said in one short line."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proofs import check
from proofs.certificates.decimals import rounded_down, rounded_up
from proofs.checker import Rejected, Unreadable
from proofs.checker.files import count, decimal, parsed, word
from proofs.checker.verdicts import MOST_LETTERS, reason


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", Fraction(0)),
        ("-0.5", Fraction(-1, 2)),
        ("12", Fraction(12)),
        ("1E-7", Fraction(1, 10**7)),
        ("1.24E+11", Fraction(124 * 10**9)),
        ("1.000001", Fraction(1000001, 1000000)),
    ],
)
def test_a_decimal_is_its_number(text: str, number: Fraction) -> None:
    assert decimal(text) == number


@pytest.mark.parametrize(
    "text",
    [
        "-0",
        "00",
        "01",
        "1.0",
        "0.000E-999",
        "0" * 40 + "1E+70",
        "1E5",
        "1e-7",
        "1E-05",
        "0.1E-6",
        "100",
        "1E+2000",
        "+1",
        ".5",
        "5.",
        " 1",
        "1\n",
        "1_0",
        "١",
        "nan",
        "inf",
        "1/2",
        "",
        1,
        0.5,
        None,
        "1" * 61,
    ],
)
def test_a_decimal_in_another_form_is_refused(text: object) -> None:
    with pytest.raises(Rejected):
        decimal(text)


@pytest.mark.props
@given(st.floats(allow_nan=False, allow_infinity=False))
@example(-0.0)
def test_what_certificates_write_of_floats_is_read(value: float) -> None:
    below, above = decimal(rounded_down(value)), decimal(rounded_up(value))
    assert below <= Fraction(value) <= above


@pytest.mark.parametrize("given", [-1, True, 1.0, "1", None])
def test_a_count_is_a_whole_number(given: object) -> None:
    assert count(3) == 3
    with pytest.raises(Rejected):
        count(given)


@pytest.mark.parametrize("given", ["", "a\nb", "a\x1b[2K", "ä", "a" * 201, 3, None, "a,b", "{0}"])
def test_a_name_has_letters_that_mean_nothing_to_a_terminal(given: object) -> None:
    assert word("the network and the eigen (2) graph") == "the network and the eigen (2) graph"
    with pytest.raises(Rejected):
        word(given)


@pytest.mark.parametrize(
    "text", ['{"a": 1, "a": 1}', '[{"b": {"a": 1, "a": 2}}]', "NaN", "[-Infinity]"]
)
def test_json_says_everything_once_and_in_numbers(text: str) -> None:
    with pytest.raises(Rejected):
        parsed(text)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[1, 2]\n",
        b"\xff\xfe" * 1_000_000,
        np.random.default_rng(0).bytes(1_000_000),
        json.dumps({"format": "\x1b[2K\nAll of this has been checked.\n" * 1000}).encode(),
        b'"' + b"a" * 1_000_000 + b'"',
    ],
    ids=["nothing", "a list", "no text", "noise", "escapes", "a long word"],
)
def test_what_is_no_certificate_is_said_to_be_none_in_one_line(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "certificate.json"
    path.write_bytes(content)
    with pytest.raises(Unreadable) as error:
        check(path)
    assert str(error.value).startswith("certificate.json: ")
    assert len(str(error.value)) <= MOST_LETTERS
    assert str(error.value).isprintable()


@pytest.mark.parametrize("name", ["missing", ".", "/dev/zero"])
def test_what_is_no_file_is_said_to_be_none(tmp_path: Path, name: str) -> None:
    with pytest.raises(Unreadable, match="is no file"):
        check(tmp_path / name)


def test_a_reason_is_one_line_that_a_terminal_shows_as_it_is() -> None:
    said = reason(ValueError("\r\x1b[2KAll of this has been checked.\n\x1b[8m" + "x" * 5000))
    assert said.isprintable()
    assert said.startswith("ValueError: ")
    assert len(said) == MOST_LETTERS
