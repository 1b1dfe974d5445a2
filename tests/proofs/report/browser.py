"""Pages in headless Chromium: what they ask for, complain of and show."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the system's Chromium, or skip the tests that need it."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("chromium is not on the path; on Debian, apt-get install chromium")
    # As root, such as in a container, Chromium runs in no sandbox.
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox"] if root else []
        )
        yield browser
        browser.close()


class Visit:
    """A page that is open, with what it asked for and complained of.

    Attributes:
        page: to be driven.
        requests: all addresses but the page's own.
        complaints: console errors and warnings, and errors that nobody caught.
    """

    def __init__(self, browser: Browser, path: Path, address: str = "", **context: Any) -> None:
        self.page: Page = browser.new_context(**context).new_page()
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self._file = path.as_uri()
        self.page.on("request", lambda request: self._asked(request.url))
        self.page.on("console", lambda message: self._said(message.type, message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(self._file + address)

    def _asked(self, url: str) -> None:
        if not url.startswith(("data:", self._file)):
            self.requests.append(url)

    def _said(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(text)

    def ready(self) -> Visit:
        """Wait for the explorer."""
        self.page.wait_for_selector("#explorer[data-ready]", timeout=30_000)
        return self

    def go(self, address: str) -> Visit:
        """Type other choices into the address."""
        self.page.evaluate("address => { location.hash = address; }", address)
        # The event that the page listens to comes after this.
        self.page.evaluate("() => new Promise(done => setTimeout(done))")
        return self

    @property
    def address(self) -> str:
        return str(self.page.evaluate("decodeURIComponent(location.hash)"))

    def numbers(self, selector: str) -> list[float]:
        """All digits of the numbers that are shown."""
        script = "found => found.map(one => Number(one.value))"
        return list(self.page.eval_on_selector_all(f"{selector} data", script))

    def attributes(self, selector: str, name: str) -> list[str]:
        script = "(found, name) => found.map(one => one.getAttribute(name))"
        return list(self.page.eval_on_selector_all(selector, script, name))

    def text(self, selector: str) -> str:
        return " ".join(self.page.inner_text(selector).split())
