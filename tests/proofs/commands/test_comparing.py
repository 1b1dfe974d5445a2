"""The command that compares two networks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from numeric import BilinearNetwork, save_network
from proofs.commands import comparing
from proofs.report import comparison
from tests.commands import bilinear, one_line
from tests.digits import like_mnist

DIGITS = like_mnist(inputs=100)


@pytest.fixture(autouse=True)
def _quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(comparing, "data_of", lambda _: DIGITS)
    drawn = {name: Figure(figsize=(1, 1)) for name in ("differences", "features", "inputs")}
    monkeypatch.setattr(comparison, "comparison_pictures", lambda *_: drawn)
    for seed in (0, 1):
        network = BilinearNetwork(100, 10, depth=2, width=4, hidden=6, seed=seed)
        save_network(network, f"{seed}.safetensors")


def test_compare_says_how_two_networks_differ_and_leaves_a_page() -> None:
    result = bilinear("compare", "0.safetensors", "1.safetensors", "--differences", 2)
    assert result.exit_code == 0
    page = Path("runs", "comparison", "comparison.html")
    assert "the same polynomial: no" in result.output
    assert "difference 2: " in result.output
    assert "difference 3: " not in result.output
    assert result.output.endswith(f"page: {page}\n")
    assert "0.safetensors" in page.read_text("utf-8")
    assert json.loads(page.with_suffix(".json").read_text("utf-8"))["inputs"] == 40


def test_a_network_is_the_same_as_itself() -> None:
    result = bilinear("compare", "0.safetensors", "0.safetensors", "here")
    assert "the same polynomial: yes (every layer has the same coefficients)" in result.output
    assert "features: " in result.output
    assert "0 lost, 0 gained" in result.output
    assert Path("here", "comparison.html").is_file()


def test_what_cannot_be_compared_is_refused_in_one_line() -> None:
    save_network(BilinearNetwork(100, 10, depth=1), "shallow.safetensors")
    result = bilinear("compare", "0.safetensors", "shallow.safetensors")
    assert result.exit_code == 2
    assert one_line(result.output.splitlines()[-1]).startswith("expected second to have 2 layers")
    assert not Path("runs").exists()
