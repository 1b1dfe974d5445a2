"""Radii of one kind, as far as the checker accepts them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from numeric import BilinearNetwork, Digits, from_module, save_graph, save_network, trace
from proofs import certify, check, save_certificate
from proofs.certificates.radii import RadiiTask, directions_witnesses, stability_directions
from tests.modules import Research


def test_images_whose_class_is_in_doubt_have_no_radius() -> None:
    model = BilinearNetwork(9, 3, depth=1, hidden=5, seed=1)
    images, labels = np.zeros((2, 9), np.float32), np.zeros(2, np.int64)
    for parameter in model.parameters():
        parameter.data.zero_()
    found = certify(model, trace(model, "polarized"), Digits(images, labels, images, labels))
    assert (found.witnesses["robustness.radius"] == 0).all()


@pytest.mark.parametrize("reached", [False, True])
def test_of_images_whose_class_never_changes_it_is_said_so(*, reached: bool) -> None:
    # The first logit is a sum of squares above the other one, or from some distance on below it.
    down = np.array([[0.0], [-1.0 if reached else 1.0], [0.0]])
    model = BilinearNetwork(2, 2, depth=1, hidden=1)
    for name, value in {"left": [[1.0, 2.0]], "right": [[1.0, 2.0]], "down": down[1:]}.items():
        affine = getattr(model.blocks[0], name)
        affine.weight.data = torch.tensor(np.array(value, np.float32))
        affine.bias.data = torch.zeros_like(affine.bias)
    model.blocks[0].down.bias.data[0] = 9.0
    images, labels = np.array([[0.1, 0.2], [0.3, 0.1]], np.float32), np.zeros(2, np.int64)
    digits = Digits(images, labels, images, labels)
    claims = {claim.name: claim for claim in certify(model, trace(model), digits).claims}
    assert claims["robustness"].numbers["count"] == (2 if reached else 0)
    remark = claims.get("robustness: no other class")
    assert (remark is None) is reached
    assert remark is None or remark.statement.startswith("Around 2 of the 2 images no input of an")


@pytest.mark.parametrize("seed", range(4))
def test_no_neighbour_is_claimed_where_a_margin_only_touches_zero(
    tmp_path: Path, seed: int
) -> None:
    # Without biases every margin of a single input is a multiple of its square.
    model = BilinearNetwork(1, 3, depth=1, hidden=5, bias=False, seed=seed)
    images, labels = np.array([[0.3], [0.8]], np.float32), np.zeros(2, np.int64)
    graph = trace(model, "polarized")
    files: Any = {"model": tmp_path / "model", "graphs": {"polarized": tmp_path / "graph"}}
    save_network(model, files["model"])
    save_graph(graph, files["graphs"]["polarized"])
    digits = Digits(images, labels, images, labels)
    certificate = certify(model, graph, digits)
    assert (certificate.witnesses["robustness.radius"] == 0).all()
    save_certificate(certificate, tmp_path / "certificate.json", **files)
    assert check(tmp_path / "certificate.json")


def test_a_neighbour_is_claimed_where_a_margin_falls_below_zero() -> None:
    model = BilinearNetwork(1, 3, depth=1, hidden=5, seed=0)
    images, labels = np.array([[0.3], [0.8]], np.float32), np.zeros(2, np.int64)
    graph, digits = trace(model, "polarized"), Digits(images, labels, images, labels)
    assert (certify(model, graph, digits).witnesses["robustness.radius"] > 0).all()


@pytest.mark.parametrize("depth", [2, 3])
def test_the_checker_accepts_radii_where_along_most_directions_next_to_nothing_bends(
    depth: int,
) -> None:
    torch.manual_seed(1)
    example = torch.zeros(1, 6, dtype=torch.float64)
    layers = from_module(Research(depth, bias=True).double(), example, fold=True).layers()
    images = np.random.default_rng(1).normal(size=(6, 6)) * np.geomspace(1, 30, 6)[:, None]
    task = RadiiTask("stability", "the network", layers)
    bases = directions_witnesses(stability_directions([layers], images))
    found, accepted = task.found(bases, images), task.sound(bases, images)
    # Multipliers that cost nothing were too large for float64, and all of these were refused.
    np.testing.assert_allclose(accepted["radius"], found["radius"], rtol=1e-2)
    assert (accepted["radius"] > 0).all()
    assert task.accepts(bases | accepted, images)
