"""Styles and scripts of the page, which stand in it, and the policy that nothing else may load."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from importlib import resources
from typing import Any

SCRIPTS = (
    "elements",
    "unpacking",
    "network",
    "shares",
    "selection",
    "pictures",
    "names",
    "effects",
    "state",
    "layout",
    "lists",
    "subgraph",
    "profiles",
    "paths",
    "story",
    "neighbours",
    "editor",
    "controls",
    "graph_view",
    "node_page",
    "digit_page",
    "picker",
    "main",
)
"""The modules of the explorer, in an order in which each uses earlier ones as it is read."""


def style(*, explorer: bool) -> str:
    """Return the style of the page, with that of the explorer if it has one."""
    names = ("report.css", "explorer/explorer.css") if explorer else ("report.css",)
    return "\n" + "".join(_template(name) for name in names)


def script() -> str:
    """Return the program of the explorer: all modules in one scope of their own."""
    modules = "\n".join(_template(f"explorer/{name}.js") for name in SCRIPTS)
    return f'\n(async () => {{\n"use strict";\n{modules}}})();\n'


def policy(styles: str, program: str | None) -> str:
    """Return a Content-Security-Policy that forbids the page every request, and other scripts.

    Args:
        styles: what stands between the tags of the page's style.
        program: what stands between the tags of its script, if it has one.

    Examples:
        >>> policy("p { margin: 0; }", None).split("; ")[:2]
        ["default-src 'none'", 'img-src data:']
    """
    allowed = [
        "default-src 'none'",
        "img-src data:",
        f"style-src '{_digest(styles)}'",
        "script-src 'none'" if program is None else f"script-src '{_digest(program)}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    return "; ".join(allowed)


def json_text(data: Mapping[str, Any]) -> str:
    r"""Return JSON that may stand in a script of HTML: no tag can open or close in it.

    Examples:
        >>> print(json_text({"text": "</script>"}))
        {"text":"\u003c/script>"}
    """
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c")


def _template(name: str) -> str:
    return resources.files("proofs.report").joinpath("templates", name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
