"""The command import: files that other code wrote become networks that every command takes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from numeric import LayeredNetwork, from_state_dict, load_graph, load_network, rewrite
from numeric.networks.importing.foreign import NOT_COMPARED
from tests.commands import bilinear, one_line, written_graphs, written_network

DRAW = np.random.default_rng(0)
STATE = {
    "embed.weight": DRAW.normal(size=(4, 9)),
    "blocks.0.weight": DRAW.normal(size=(8, 4)),
    "blocks.1.weight": DRAW.normal(size=(8, 4)),
    "head.weight": DRAW.normal(size=(3, 4)),
}
X = DRAW.normal(size=(5, 9))


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def layers(**options: Any) -> LayeredNetwork:
    with pytest.warns(UserWarning, match="nothing was compared"):
        return LayeredNetwork(from_state_dict(STATE, **options))


def written_examples(path: str, **options: Any) -> None:
    np.savez(path, inputs=X, outputs=layers(**options)(torch.from_numpy(X)).numpy())


def assert_computes(path: str, network: LayeredNetwork) -> None:
    x = torch.from_numpy(X)
    assert torch.equal(load_network(path)(x), network(x))


@pytest.mark.parametrize("kind", ["pt", "npz", "safetensors", "folder"])
def test_every_file_of_weights_becomes_a_network(kind: str) -> None:
    tensors = {name: torch.from_numpy(array) for name, array in STATE.items()}
    if kind == "pt":
        torch.save({"epoch": 3, "state_dict": tensors}, "weights.pt")
    elif kind == "npz":
        np.savez("weights.npz", **STATE)
    elif kind == "safetensors":
        save_file(tensors, "weights.safetensors")
    else:
        Path("weights.folder").mkdir()
        save_file(tensors, "weights.folder/model.safetensors")
        Path("weights.folder/config.json").write_text('{"residual": true}')
    result = bilinear("import", f"weights.{kind}", "network")
    assert result.exit_code == 0
    assert_computes("network", layers(residual=kind == "folder"))
    said = "weights.folder: residual=True, as config.json says by residual\n"
    assert result.stdout == (kind == "folder") * said + (
        "network: 2 layers of 4 and 4 products, 9 inputs, 3 outputs, read as research\n"
    )
    shapes = "residual=False" if kind == "folder" else "residual=True"
    assert one_line(result.stderr) == (
        f"{NOT_COMPARED}. The shapes fit with {shapes} or interleaved=True as well"
    )


def test_an_imported_network_is_traced_as_any_other() -> None:
    np.savez("weights.npz", **STATE)
    assert bilinear("import", "weights.npz", "network", "--residual").exit_code == 0
    assert bilinear("trace", "network", "graph", "--method", "polarized").exit_code == 0
    x = torch.from_numpy(X)
    computed = rewrite(load_graph("graph"))(x)
    np.testing.assert_allclose(computed, layers(residual=True)(x), rtol=1e-9)


OPTIONS: dict[str, tuple[list[str], dict[str, Any]]] = {
    "residual": (["--residual"], {"residual": True}),
    "interleaved": (["--interleaved"], {"interleaved": True}),
    "scale": (["--scale", "0.3"], {"scale": 0.3}),
    "all": (
        ["--residual", "--interleaved", "--scale", "-2", "--layout", "research", "--no-tied"],
        {"residual": True, "interleaved": True, "scale": -2},
    ),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_what_weights_do_not_say_is_an_option_that_examples_judge(name: str) -> None:
    arguments, options = OPTIONS[name]
    np.savez("weights.npz", **STATE)
    written_examples("examples.npz", **options)
    command = ["import", "weights.npz", "network", "--examples", "examples.npz"]
    result = bilinear(*command)
    assert result.exit_code == 2
    assert "where rounding explains" in one_line(result.stderr)
    named = name in ("residual", "interleaved")
    assert (f"; with {name}=True it agrees" in result.stderr) == named
    assert not Path("network").exists()
    result = bilinear(*command, *arguments)
    assert result.exit_code == 0
    assert result.stderr == ""
    assert "network: computes the outputs of all 5 examples in examples.npz\n" in result.stdout
    assert_computes("network", layers(**options))


def test_a_transposed_weight_and_a_part_are_named_by_options() -> None:
    state = {f"net.a.{name}": array for name, array in STATE.items()} | {"net.b.weight": np.ones(1)}
    state["net.a.blocks.0.weight"] = DRAW.normal(size=(4, 8))
    state["net.a.blocks.1.weight"] = DRAW.normal(size=(4, 8))
    np.savez("weights.npz", **state)
    command = ["import", "weights.npz", "network", "--part"]
    result = bilinear(*command, "net.a", "--transposed", "factors")
    assert result.exit_code == 0
    assert result.stdout.startswith("network: 2 layers")
    result = bilinear(*command, "net.a")
    assert result.stdout.startswith("weights.npz: transposed=['factors'], as the shapes say\n")
    result = bilinear(*command, "net.a", "--transposed", "factors", "--transposed", "head")
    assert "expected head.weight to have shape" in result.stderr
    assert "got also b.weight: say with part" in bilinear(*command, "net").stderr


def test_a_head_that_is_the_embedding_is_an_option() -> None:
    np.savez("weights.npz", **{n: a for n, a in STATE.items() if n != "head.weight"})
    assert "3 outputs" not in bilinear("import", "weights.npz", "network").stdout
    assert "9 outputs" in bilinear("import", "weights.npz", "network", "--tied").stdout


def test_the_network_says_how_it_was_read() -> None:
    np.savez("weights.npz", **STATE)
    bilinear("import", "weights.npz", "network")
    head = Path("network").read_bytes()[8:].split(b"\0")[0].decode("utf-8", "replace")
    assert "imported" in head
    assert "research" in head


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere", "n"], "a folder of the hub at nowhere, got nothing there"),
        (["note", "n"], "expected note to be a whole safetensors file, got"),
        (["model.safetensors", "n"], "got a network, which every command that asks for a MODEL"),
        (["eigen.safetensors", "n"], "got a composition graph, which 'bilinear prune'"),
        (["certificate.json", "n"], "got a certificate, which 'bilinear check' reads"),
        (
            ["data.npz", "n"],
            "got only labels, train_images: it holds images and labels, which --da",
        ),
        (["examples.npz", "n"], "which 'bilinear import' takes as --examples"),
        (["w.npz", "w.npz"], "expected NETWORK to be another file than FILE, got w.npz for both"),
        (["w.npz", "note/n"], "expected to write note/n, got"),
        (
            ["w.npz", "n", "--examples", "w.npz"],
            "w.npz to hold the tensors inputs and outputs, got",
        ),
        (["w.npz", "n", "--layout", "mine"], "expected layout to be one of left-right-down"),
        (["w.npz", "n", "--transposed", "neck"], "expected transposed to hold some of embed"),
        (["w.npz", "n", "--scale", "0"], "expected scale to be a finite number other than 0"),
        (["w.npz", "n", "--part", "neck"], "expected part to be the name of a submodule, got neck"),
        (["w.npz", "n", "--tied"], "expected no head, as it is tied to the embedding"),
    ],
    ids=range(15),
)
def test_a_wrong_argument_or_file_is_one_line_and_ends_with_2(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    written_network(tmp_path)
    written_graphs(tmp_path)
    Path("note").write_text("Dear network,")
    Path("certificate.json").write_text(json.dumps({"format": "bilinear-features certificate 3"}))
    np.savez("w.npz", **STATE)
    np.savez("data.npz", train_images=X, labels=np.arange(5))
    np.savez("examples.npz", inputs=X, outputs=X)
    result = bilinear("import", *arguments)
    assert result.exit_code == 2
    assert message in one_line(result.stderr)
    assert not Path("n").exists()
