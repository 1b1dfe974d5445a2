"""Layers with and without gates: what they compute, their size and their training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from numeric import Digits, NumericError
from numeric.studies import gate_study as study
from numeric.studies import gates
from numeric.studies.gate_study import FULL, Sizes, gate_account, gate_study, paired
from numeric.studies.gates import KINDS, GatedNetwork, Tuned, gate_rows, side_by_side, tuning_rows
from numeric.studies.running import Setting
from tests.digits import like_mnist

DIGITS = like_mnist(inputs=36)
TUNED = {kind: {"learning_rate": 2e-3, "noise": 0.1} for kind in KINDS}
TINY = Sizes(
    depths=(1,), seeds=2, width=4, hidden=6, epochs=(3, 1), held_out=40, rates=(2e-3, 4e-3),
    noises=(0.0, 0.1),
)  # fmt: skip


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_all_kinds_have_as_many_weights(depth: int) -> None:
    sizes = [784, *[FULL.width] * (depth - 1), 10]
    counts = [
        sum(weight.numel() for weight in GatedNetwork(kind, sizes, FULL.hidden, 0).parameters())
        for kind in KINDS
    ]
    assert max(counts) < 1.01 * min(counts)


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("bilinear", lambda a, b: a * b),
        ("GLU", lambda a, b: torch.sigmoid(a) * b),
        ("ReGLU", lambda a, b: a.clamp(min=0) * b),
        ("GEGLU", lambda a, b: functional.gelu(a) * b),
        ("SwiGLU", lambda a, b: a * torch.sigmoid(a) * b),
    ],
)
def test_a_gate_is_what_its_formula_says(kind: str, wanted: Any) -> None:
    network = GatedNetwork(kind, [3, 2], 5, seed=0)
    x = torch.randn(4, 3, generator=torch.Generator().manual_seed(1))
    inner = x @ network.ups[0].weight.T + network.ups[0].bias
    out = wanted(inner[:, :5], inner[:, 5:]) @ network.downs[0].weight.T + network.downs[0].bias
    assert torch.allclose(network(x), out)


def test_without_a_gate_there_are_more_neurons() -> None:
    network = GatedNetwork("ReLU", [3, 2], 5, seed=0)
    x = torch.randn(4, 3, generator=torch.Generator().manual_seed(1))
    inner = (x @ network.ups[0].weight.T + network.ups[0].bias).clamp(min=0)
    assert inner.shape[1] > 5
    assert torch.allclose(network(x), inner @ network.downs[0].weight.T + network.downs[0].bias)


def test_a_network_learns_the_same_alone_and_beside_others() -> None:
    def trained(*kinds: str, seed: int = 0) -> list[dict[str, Any]]:
        networks = [GatedNetwork(kind, [36, 10], 12, 0) for kind in kinds]
        return side_by_side(networks, [Tuned(2e-2, 0.1)] * len(kinds), DIGITS, 12, seed)

    (alone,), (_, beside) = trained("bilinear"), trained("ReLU", "bilinear")
    other = trained("bilinear", seed=1)[0]
    assert alone["loss"] == beside["loss"] != other["loss"]
    assert alone["accuracy"] > 0.5 > side_by_side(
        [GatedNetwork("bilinear", [36, 10], 12, 0)], [Tuned(0.0, 0.1)], DIGITS, 1, 0
    )[0]["accuracy"]  # fmt: skip


def test_the_best_of_a_grid_has_a_worse_neighbour_on_both_sides() -> None:
    def losses(numbers: Any) -> list[float]:
        return [abs(number - 0.1) for number in numbers]

    assert gates._inner_best(losses, [0.001, 0.002]) == 0.128
    assert gates._inner_best(losses, [1.0, 2.0]) == 0.125
    assert gates._inner_best(losses, [0.0, 0.1, 0.2]) == 0.1
    # Noise cannot be less than none.
    assert gates._inner_best(list, [0.0, 0.1]) == 0.0


def test_settings_are_chosen_without_the_test_images() -> None:
    def chosen(digits: Digits) -> list[dict[str, Any]]:
        settings = (1, 4, 6, 2, 40, [2e-3, 4e-3], [0.0, 0.1])
        tables = tuning_rows("blots", "bilinear", *settings, digits)
        (row,) = tables["tuned"]
        losses = {
            (trial["learning_rate"], trial["noise"]): trial["loss"]
            for trial in tables["tuning trials"]
        }
        rates = [rate for rate, _ in losses]
        assert min(rates) < row["learning_rate"] < max(rates) or len(losses) > 8
        assert losses[row["learning_rate"], row["noise"]] == min(
            loss for (rate, _), loss in losses.items() if rate == row["learning_rate"]
        )
        return tables["tuning trials"]

    shuffled = replace(DIGITS, test_labels=DIGITS.test_labels[::-1].copy())
    assert chosen(DIGITS) == chosen(shuffled)


def test_a_network_that_diverges_has_the_largest_loss(tmp_path: Path) -> None:
    network = GatedNetwork("bilinear", [36, 10], 12, 0)
    network.downs[0].weight.data.fill_(float("nan"))
    images, labels = torch.from_numpy(DIGITS.test_images), torch.from_numpy(DIGITS.test_labels)
    assert gates._tested(network, images, labels)[1] == np.finfo(np.float32).max
    assert not list(tmp_path.iterdir())


def test_what_is_no_kind_is_named() -> None:
    with pytest.raises(NumericError, match=r"expected kind to be one of ReLU, .*, got 'cubic'"):
        GatedNetwork("cubic", [3, 2], 5, 0)


def test_the_study_pairs_and_goes_on_without_fashion(tmp_path: Path) -> None:
    setting = Setting(tmp_path, digits=lambda: DIGITS, fashion=lambda: "it is out of fashion")
    account = gate_study(setting, TINY)
    assert "it is out of fashion" in account.lead
    rows = account.tables["gates"]
    assert {row["data"] for row in rows} == {"MNIST", "digits below 5"}
    assert len(rows) == 2 * 2 * len(KINDS)
    assert all(len(section.rows) == len(KINDS) for section in account.sections)
    assert len(account.speaks_for) + len(account.speaks_against) == 2 * (len(KINDS) - 1) + 1
    assert account.pictures["gates"]().axes
    files = sorted(tmp_path.iterdir())
    before = [file.stat().st_mtime_ns for file in files]
    assert gate_study(setting, TINY).speaks_for == account.speaks_for
    assert [file.stat().st_mtime_ns for file in files] == before


def test_the_verdict_hangs_on_the_interval() -> None:
    def told(differences: list[float]) -> str:
        rows = [
            {"data": "MNIST", "depth": 1, "seed": seed, "kind": kind, "epochs": 16,
             "accuracy": 0.9 + (difference if kind == "bilinear" else 0.0),
             "accuracy early": 0.9, "seconds an epoch": 1.0}
            for seed, difference in enumerate(differences)
            for kind in KINDS
        ]  # fmt: skip
        tuned = [{"data": "MNIST", "kind": kind} | fields for kind, fields in TUNED.items()]
        account = gate_account({"gates": rows, "tuned": tuned})
        (sentence,) = (
            said
            for said in (*account.speaks_for, *account.speaks_against)
            if said.endswith(("excluded.", "worse.")) and "than SwiGLU" in said
        )
        return sentence

    assert told([0.001, -0.001, 0.0005, 0.0]).endswith(": a cost above 0.2 points is excluded.")
    assert told([-0.01, -0.011, -0.012]).endswith(": it is worse.")
    assert told([-0.02, 0.02, 0.0]).endswith("is not excluded.")
    assert study.BILINEAR in KINDS


@pytest.mark.parametrize(("early", "side"), [(0.8, "speaks_for"), (0.95, "speaks_against")])
def test_a_better_place_at_the_end_speaks_for_it(early: float, side: str) -> None:
    rows = [
        {"data": "MNIST", "depth": 1, "seed": seed, "kind": kind, "epochs": 16, "accuracy": 0.9,
         "accuracy early": early if kind == "bilinear" else 0.9, "seconds an epoch": 1.0}
        for seed in range(2)
        for kind in KINDS
    ]  # fmt: skip
    tuned = [{"data": "MNIST", "kind": kind} | fields for kind, fields in TUNED.items()]
    told = getattr(gate_account({"gates": rows, "tuned": tuned}), side)
    assert any("after 4 epochs and after 16, the place on MNIST" in said for said in told)


def test_differences_are_of_the_same_seed_and_depth() -> None:
    rows = gate_rows("blots", 1, 0, 4, 6, 2, TUNED, DIGITS)["gates"]
    rows += gate_rows("blots", 1, 1, 4, 6, 2, TUNED, DIGITS)["gates"]
    found = paired(rows, "ReLU")
    by = {(row["kind"], row["seed"]): row["accuracy"] for row in rows}
    assert found == [by["bilinear", seed] - by["ReLU", seed] for seed in (0, 1)]
    assert paired([row for row in rows if row["kind"] != "bilinear"], "ReLU") == []
