"""Hidden states replaced, directions matched, latents explained and switched off."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from numeric import load_network
from numeric.features import sharing
from numeric.networks.inference import logits
from numeric.studies.replacing import cut_at, replacing_rows, whole_rows
from numeric.studies.sources import explained, mixed, source_rows
from numeric.studies.stability import matched, stability_rows
from numeric.studies.switching import switching_rows
from numeric.studies.trained import Trained, training_rows
from tests.digits import like_mnist

DIGITS = like_mnist(inputs=36)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    # Shared features that need not be good ones.
    monkeypatch.setattr(sharing, "_WHILE", 5)
    monkeypatch.setattr(sharing, "_STEPS", 9)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    path = tmp_path_factory.mktemp("network") / "network.safetensors"
    return Trained(str(path), depth=2, width=6, hidden=12, epochs=30)


def test_a_network_is_trained_once(network: Trained) -> None:
    (row,) = training_rows(network, DIGITS)["networks"]
    before = Path(network.path).stat().st_mtime_ns
    assert training_rows(network, DIGITS)["networks"] == [row]
    assert Path(network.path).stat().st_mtime_ns == before
    assert row["accuracy"] > 0.3


def test_a_cut_network_is_the_network(network: Trained) -> None:
    layers = network.layers(DIGITS)
    cut = cut_at(layers, 1)
    found = cut.logits(cut.states(DIGITS.test_images)).numpy()
    model = load_network(network.path).double()
    assert np.allclose(found, logits(model, DIGITS.test_images.astype(np.float64)))
    assert cut.logits(torch.zeros(2, 3, 6)).shape == (2, 3, 10)


def test_all_components_and_principal_components_keep_every_class(network: Trained) -> None:
    rows = replacing_rows(network, 1, 12, 40, 1, [2], [0.1], [1, 6], DIGITS)["replacing"]
    whole = [row for row in rows if row["active"] == 6]
    assert len(whole) == 3
    assert all(row["agreement"] == 1 and row["unexplained"] < 1e-9 for row in whole)
    single = [row for row in rows if row["active"] == 1]
    assert all(row["unexplained"] > 1e-3 for row in single)
    assert {row["method"] for row in rows} >= {"TopK", "L1"}
    (topk,) = (row for row in rows if row["method"] == "TopK")
    assert topk["active"] <= 2


def test_whole_graphs_are_measured_apart(network: Trained) -> None:
    (row,) = whole_rows(network, [20], DIGITS)["whole graphs"]
    assert row["features"] == 20
    assert 0 <= row["agreement"] <= 1


def test_directions_match_one_to_one() -> None:
    draw = np.random.default_rng(0)
    rows = draw.normal(size=(4, 9))
    assert matched(rows, 3 * rows[::-1]) == pytest.approx(1)
    assert matched(rows, -rows) < 0.9
    # Two copies of one direction do not both match it.
    assert matched(rows[[0, 0]], rows[[0, 1]]) < 0.99


def test_random_directions_of_the_covariance_match_better_than_white_ones(
    network: Trained,
) -> None:
    rows = stability_rows(network, 1, 12, 40, 2, 2, DIGITS, DIGITS)["stability"]
    means = {
        (method, other): np.mean(
            [row["cosine"] for row in rows if (row["method"], row["other"]) == (method, other)]
        )
        for method in {row["method"] for row in rows}
        for other in {row["other"] for row in rows}
    }
    for other in ("the same data", "digits below 5", "Fashion-MNIST"):
        shaped = means["random, of the data's covariance", other]
        assert shaped > means["random, white", other]
    without = stability_rows(network, 1, 12, 20, 2, 2, DIGITS)["stability"]
    assert {row["other"] for row in without} == {"the same data", "digits below 5"}


def test_what_explains_a_column() -> None:
    draw = torch.Generator().manual_seed(0)
    by = torch.randn(400, 5, generator=draw, dtype=torch.float64)
    by = (by - by.mean(dim=0)) / by.std(dim=0)
    noise = torch.randn(400, 1, generator=draw, dtype=torch.float64)
    targets = torch.cat([by[:, :1], by[:, :2].sum(dim=1, keepdim=True), noise], dim=1)
    targets = (targets - targets.mean(dim=0)) / targets.std(dim=0)
    one, two = explained(targets, by), mixed(targets, by, 2)
    assert one[0] == pytest.approx(1)
    assert two[1] == pytest.approx(1)
    assert one[1] < 0.7
    assert two[2] < 0.1
    slow = np.corrcoef(targets.T, by.T)[:3, 3:] ** 2
    assert one.numpy() == pytest.approx(slow.max(axis=1))


def test_sources_are_shares_of_all_latents(network: Trained) -> None:
    rows = source_rows(network, 12, 60, 1, 2, [12, 6], DIGITS)["sources"]
    assert len(rows) == 2
    for row in rows:
        shares = [row[name] for name in ("own", "mixture", "next layer", "none")]
        assert sum(shares) == pytest.approx(1)
        assert row["by five features"] >= row["by one feature"] - 1e-9


def test_the_polynomial_predicts_what_switching_off_does(network: Trained) -> None:
    rows = switching_rows(network, 12, 60, 1, 2, [12, 6], 20, DIGITS)["switching"]
    assert [row["method"] for row in rows] == ["TopK 2", "features of the weights"]
    for row in rows:
        assert row["polynomial"] < 1e-9
        assert row["first order"] > 1e-3
        assert row["largest effect"] > 0
