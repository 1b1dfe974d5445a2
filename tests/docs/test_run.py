"""The run that the pages of the documentation show is whole, and what they say of it is so."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from analytic import ExactNetwork
from numeric import load_graph, load_mnist, load_network, save_graph, save_network, trace
from numeric.data.mnist import _cache_folder
from numeric.data.mnist_sources import CHECKSUMS
from numeric.files import load_arrays
from numeric.networks.network_files import read_network
from numeric.networks.training import Recipe, checked_history
from proofs import Rejected, check

RUN = Path(__file__).parent.parent.parent / "docs" / "run"


def test_the_checker_accepts_the_certificate_where_it_lies() -> None:
    sentences = check(RUN / "certificate.json")
    assert any(sentence.startswith("[exact]") for sentence in sentences)
    assert len(sentences) == len(
        json.loads((RUN / "certificate.json").read_text("utf-8"))["claims"]
    )


def test_the_checker_refuses_it_beside_a_network_of_which_one_weight_is_another(
    tmp_path: Path,
) -> None:
    for path in RUN.glob("*.safetensors"):
        shutil.copy(path, tmp_path)
    shutil.copy(RUN / "certificate.json", tmp_path)
    network, notes = read_network(RUN / "model.safetensors")
    bias = network.blocks[0].down.bias.data
    bias[3] = np.nextafter(bias[3].item(), np.inf, dtype=np.float32).item()
    save_network(network, tmp_path / "model.safetensors", notes=notes)
    with pytest.raises(Rejected, match="model"):
        check(tmp_path / "certificate.json")


def test_the_polarized_graph_is_made_anew_from_the_network_byte_by_byte(tmp_path: Path) -> None:
    network = load_network(RUN / "model.safetensors")
    save_graph(trace(network, "polarized"), tmp_path / "graph.safetensors")
    there = (RUN / "graph-polarized.safetensors").read_bytes()
    assert (tmp_path / "graph.safetensors").read_bytes() == there


def test_both_graphs_are_of_the_network() -> None:
    graphs = [load_graph(RUN / f"graph-{method}.safetensors") for method in ("polarized", "shared")]
    of = trace(load_network(RUN / "model.safetensors"), "polarized").graph["network"]
    assert [graph.graph["network"] for graph in graphs] == [of, of]


def test_the_digits_are_those_of_the_certificate() -> None:
    digits, _ = load_arrays(RUN / "digits.safetensors")
    proved, _ = load_arrays(RUN / "certificate.safetensors")
    assert digits["images"].dtype == np.float32
    assert digits["labels"].dtype == np.int64
    assert np.array_equal(digits["images"], proved["images"].astype(np.float32) / np.float32(255))
    assert np.array_equal(digits["labels"], proved["labels"])


def test_the_digits_are_the_first_ones_that_mnist_tests_with() -> None:
    if not all((_cache_folder(None) / "mnist" / name).is_file() for name in CHECKSUMS):
        pytest.skip("MNIST is not at hand")
    digits, mnist = load_arrays(RUN / "digits.safetensors")[0], load_mnist()
    count = len(digits["labels"])
    assert np.array_equal(digits["images"], mnist.test_images[:count])
    assert np.array_equal(digits["labels"], mnist.test_labels[:count])
    assert not np.array_equal(digits["labels"], mnist.train_labels[:count])


def test_the_figures_are_of_the_network() -> None:
    figures = json.loads((RUN / "figures.json").read_text("utf-8"))
    _, notes = read_network(RUN / "model.safetensors")
    epochs = Recipe(**notes["recipe"]).epochs
    history = checked_history(notes["history"], "the run", least=epochs, most=epochs)
    assert figures["accuracy"] == history[-1].accuracy
    assert figures["few features"]["images"] == figures["images"] == 10_000
    right = round(figures["accuracy"] * figures["images"])
    (said,) = [
        c["statement"] for c in figures["claims"] if "exact logit is the label's" in c["statement"]
    ]
    assert f"at least {right:,} times".replace(",", "") in said.replace(",", "")


def test_every_claim_of_the_run_holds() -> None:
    figures = json.loads((RUN / "figures.json").read_text("utf-8"))
    assert {claim["level"] for claim in figures["claims"]} == {
        "symbolic",
        "exact",
        "bounded",
        "measured",
    }
    assert all(claim["holds"] for claim in figures["claims"])


def test_the_network_labels_its_digits_as_the_certificate_says() -> None:
    digits, _ = load_arrays(RUN / "digits.safetensors")
    exact = ExactNetwork(load_network(RUN / "model.safetensors").layers())
    found = np.array(
        [max(range(10), key=row.__getitem__) for row in exact.evaluate(digits["images"])]
    )
    right = int((found == digits["labels"]).sum())
    claims = json.loads((RUN / "certificate.json").read_text("utf-8"))["claims"]
    (said,) = [claim["numbers"]["right"] for claim in claims if claim["kind"] == "accuracy"]
    assert said == right


def test_the_folder_is_small() -> None:
    assert sum(path.stat().st_size for path in RUN.iterdir() if path.is_file()) < 2_000_000
