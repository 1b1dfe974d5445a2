"""What stands in the page, and what the page may load: nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from importlib import resources
from typing import Any

import pytest

from proofs.report import assets


def test_every_script_of_the_explorer_is_in_the_program() -> None:
    folder = resources.files("proofs.report").joinpath("templates", "explorer")
    scripts = [file for file in folder.iterdir() if file.name.endswith(".js")]
    assert sorted(file.name for file in scripts) == sorted(f"{name}.js" for name in assets.SCRIPTS)
    program = assets.script()
    assert program.splitlines()[1:3] == ["(async () => {", '"use strict";']
    for file in scripts:
        assert file.read_text(encoding="utf-8") in program


def test_the_program_and_the_style_close_no_tag_and_name_no_address() -> None:
    for text in (assets.script(), assets.style(explorer=True)):
        assert "</" not in text
        assert not re.search(r"https?:|//[a-z]|@import|url\(|\bimport\b|XMLHttp|fetch\(", text)


def test_the_page_without_an_explorer_has_less_style() -> None:
    assert assets.style(explorer=True).startswith(assets.style(explorer=False))
    assert "#graph" not in assets.style(explorer=False)


def test_the_policy_allows_one_style_and_one_script_and_no_request() -> None:
    rules = dict(rule.split(" ", 1) for rule in assets.policy("a", "b").split("; "))
    digests = {
        text: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in "ab"
    }
    assert rules.pop("style-src") == f"'sha256-{digests['a']}'"
    assert rules.pop("script-src") == f"'sha256-{digests['b']}'"
    assert rules.pop("img-src") == "data:"
    assert rules == dict.fromkeys(("default-src", "base-uri", "form-action"), "'none'")


def test_a_page_without_a_script_allows_none() -> None:
    assert "script-src 'none'" in assets.policy("a", None)


@pytest.mark.parametrize("text", ["</script>", "<!--", "<script", "é ẋ", '"\\'])
def test_json_opens_and_closes_no_tag_and_says_the_same(text: str) -> None:
    found = assets.json_text({text: [text, 1 / 3]})
    assert "<" not in found
    assert json.loads(found) == {text: [text, 1 / 3]}


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_that_json_does_not_have_are_refused(number: Any) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        assets.json_text({"number": number})
