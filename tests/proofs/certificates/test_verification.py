"""What is claimed is what the checker accepts: of networks of every shape and size of weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch

from numeric import (
    BilinearNetwork,
    Digits,
    save_graph,
    save_network,
    square_layers,
    trace,
)
from proofs import Certificate, ProofError, certify, check, save_certificate
from proofs.certificates import radii, regions
from proofs.certificates.claims import Claim
from proofs.certificates.verification import Verifier
from proofs.checker.read import read


def digits_of(images: Any) -> Digits:
    images = np.asarray(images, dtype=np.float32)
    labels = np.zeros(len(images), dtype=np.int64)
    return Digits(images, labels, images, labels)


def written(
    folder: Path,
    certificate: Certificate,
    model: BilinearNetwork,
    graphs: Mapping[str, nx.DiGraph[Any]],
) -> Path:
    paths = {name: folder / f"{name}.safetensors" for name in graphs}
    save_network(model, folder / "model.safetensors")
    for name, graph in graphs.items():
        save_graph(graph, paths[name])
    target = folder / "certificate.json"
    save_certificate(certificate, target, model=folder / "model.safetensors", graphs=paths)
    return target


def diagonal_network() -> BilinearNetwork:
    """Return a network whose margin has a diagonal form, negative definite."""
    model = BilinearNetwork(3, 2, depth=1, hidden=3)
    block = model.blocks[0]
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        block.left.weight.copy_(torch.eye(3))
        block.right.weight.copy_(torch.eye(3))
        block.down.weight[0] = torch.tensor([-0.1, -0.2, -0.3])
        block.down.bias[0] = 1.0
    return model


def constant_state() -> BilinearNetwork:
    """Return a network whose first layer computes a constant."""
    model = BilinearNetwork(4, 3, depth=2, width=2, hidden=3)
    with torch.no_grad():
        model.blocks[0].down.weight.zero_()
    return model


@pytest.mark.parametrize(
    ("model", "kind", "count"),
    [
        (diagonal_network(), "pixel robustness", 3),
        (BilinearNetwork(1, 2, depth=1, hidden=4, seed=37), "pixel robustness", 3),
        (constant_state(), "stability", 3),
    ],
    ids=["diagonal", "one input", "constant state"],
)
def test_radii_leave_the_checker_room(
    tmp_path: Path, model: BilinearNetwork, kind: str, count: int
) -> None:
    images = np.random.default_rng(0).random((3, model.configuration.inputs)) / 4
    graph = trace(model, "polarized")
    certificate = certify(model, graph, digits_of(images))
    (claim,) = (claim for claim in certificate.claims if claim.kind == kind)
    assert claim.numbers["count"] >= count
    assert check(written(tmp_path, certificate, model, {"polarized": graph}))


def test_a_certificate_says_what_was_left_out_and_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = BilinearNetwork(3, 2, depth=1, hidden=4, seed=1)
    graph, digits = trace(model, "polarized"), digits_of(np.eye(3))
    whole = certify(model, graph, digits)
    assert not [claim for claim in whole.claims if "left out" in claim.name]
    # Bounds that are too small, radii that are too large, and matrices that have no signs.
    few = {dtype: np.full(3, 1e-300) for dtype in ("float32", "float64")}
    monkeypatch.setattr(regions, "rounding_bounds", lambda *_: few)
    monkeypatch.setattr(radii.RadiiTask, "refusal", lambda *_: "no room")
    monkeypatch.setattr(regions, "signatures", beyond)
    certificate = certify(model, graph, digits)
    target = written(tmp_path, certificate, model, {"polarized": graph})
    remarks = {
        remark["name"]: remark["statement"] for remark in json.loads(target.read_text())["remarks"]
    }
    refused = "the checker's own test does not accept it"
    for name, why in {
        "float32: rounding at most": f"{refused} (a logit may differ by ",
        "float64: rounding at most": f"{refused} (a logit may differ by ",
        "signature": "no bound is found (beyond float64): How many eigenvalues",
        "robustness": f"{refused} (no room): For 0 of the 3 images",
        "pixel robustness": f"{refused} (no room): For 0 of",
    }.items():
        assert remarks[f"{name}: left out"].startswith(f"Not claimed, as {why}")
        assert name not in {claim.name for claim in certificate.claims}
    assert certificate.holds
    assert check(target)


def beyond(*_: Any) -> None:
    raise ProofError("beyond float64")


@pytest.mark.parametrize("depth", [1, 2])
def test_of_a_single_class_no_radius_is_claimed(tmp_path: Path, depth: int) -> None:
    model = BilinearNetwork(2, 1, depth=depth, width=3, hidden=4)
    graphs = {"polarized": trace(model, "polarized"), "shared": trace(model, "shared", features=3)}
    certificate = certify(model, list(graphs.values()), digits_of(np.eye(2)))
    kinds = {claim.kind for claim in certificate.claims}
    assert not kinds & {"robustness", "pixel robustness", "stability"}
    assert check(written(tmp_path, certificate, model, graphs))


def test_the_verifier_holds_what_the_checker_reads(tmp_path: Path) -> None:
    model = BilinearNetwork(3, 2, depth=2, width=4, hidden=5, residual=True, embedding=True)
    graph = trace(model, "eigen")
    certificate = certify(model, graph, digits_of(np.eye(3)))
    target = written(tmp_path, certificate, model, {"eigen": graph})
    verifier = Verifier(model.layers(), {"eigen": square_layers(graph)})
    files = read(target.parent, json.loads(target.read_text())["files"])
    for one, other in (
        (verifier._stack, files.model),
        (verifier._graphs["eigen"], files.graphs["eigen"]),
    ):
        for mine, its in zip(one, other, strict=True):
            for array, expected in zip(mine, its, strict=True):
                assert array.dtype == expected.dtype
                np.testing.assert_array_equal(array, expected)
    assert verifier._single == files.single


def test_what_the_checker_does_not_find_is_not_claimed_and_a_remark_says_so() -> None:
    model = BilinearNetwork(3, 2, depth=1, hidden=4, seed=1)
    certificate = certify(model, trace(model, "polarized"), digits_of(np.eye(3)))
    claims = {claim.kind: claim for claim in certificate.claims}
    verifier, found = Verifier(model.layers(), {}), certificate.witnesses
    accuracy, rounding = claims["accuracy"], claims["rounding"]
    more = Claim.of("accuracy", {**accuracy.numbers, "right": 3 + accuracy.numbers["right"]})
    assert verifier.verified(more, found) == accuracy
    tight = Claim.of("rounding", {**rounding.numbers, "bound": "1E-300"})
    remark = verifier.verified(tight, found)
    assert (remark.kind, remark.level, remark.holds) == (None, "measured", True)
    why = f"the checker's own test does not accept it ({verifier.refusal(tight, found)})"
    assert remark.statement == f"Not claimed, as {why}: {tight.statement}"
    impossible = Claim.of("accuracy", {**accuracy.numbers, "images": 2})
    assert verifier.verified(impossible, found).name == "accuracy: left out"
    assert "may differ" in str(verifier.refusal(tight, found))
    other = Claim.of("same polynomial", {"graph": "eigen"})
    refused = verifier.verified(other, found)
    assert not refused.holds
    assert refused.kind is None
