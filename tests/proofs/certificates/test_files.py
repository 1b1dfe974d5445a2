"""Certificates as files: the same bytes, checkable, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from numeric import BilinearNetwork, Digits, NumericError, save_graph, save_network, trace
from proofs import Certificate, ProofError, check, prove, save_certificate
from proofs.certificates.files import data_witnesses

IMAGES = (np.random.default_rng(0).integers(0, 256, (6, 4)) / 255).astype(np.float32)
LABELS = np.array([0, 1, 2, 0, 1, 2])
DIGITS = Digits(IMAGES, LABELS, IMAGES, LABELS)


@pytest.fixture(scope="module")
def proved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Certificate]:
    folder = tmp_path_factory.mktemp("proved")
    model = BilinearNetwork(4, 3, depth=2, width=3, hidden=5)
    graph = trace(model, "polarized")
    save_network(model, folder / "model.safetensors")
    save_graph(graph, folder / "graph.safetensors")
    return folder, prove(model, graph, DIGITS)


def save(proved: tuple[Path, Certificate], path: Path) -> dict[str, Any]:
    folder, certificate = proved
    graphs = {"polarized": folder / "graph.safetensors"}
    save_certificate(certificate, path, model=folder / "model.safetensors", graphs=graphs)
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def test_what_was_proved_can_be_checked(proved: tuple[Path, Certificate]) -> None:
    document = save(proved, proved[0] / "certificate.json")
    assert len(check(proved[0] / "certificate.json")) == len(document["claims"]) >= 2


def test_claims_that_no_one_else_can_check_are_remarks(proved: tuple[Path, Certificate]) -> None:
    document = save(proved, proved[0] / "certificate.json")
    said = [claim["statement"] for claim in document["claims"] + document["remarks"]]
    assert sorted(said) == sorted(claim.statement for claim in proved[1].claims)
    assert {remark["level"] for remark in document["remarks"]} <= {"symbolic", "measured"}


def test_the_same_claims_give_the_same_bytes(proved: tuple[Path, Certificate]) -> None:
    first = [proved[0] / "certificate.json", proved[0] / "certificate.safetensors"]
    second = [proved[0] / "again.json", proved[0] / "again.safetensors"]
    save(proved, first[0])
    save(proved, second[0])
    assert first[1].read_bytes() == second[1].read_bytes()
    assert first[0].read_text() == second[0].read_text().replace("again.", "certificate.") or (
        json.loads(first[0].read_text())["claims"] == json.loads(second[0].read_text())["claims"]
    )


def test_files_are_named_as_seen_from_the_certificate(proved: tuple[Path, Certificate]) -> None:
    elsewhere = proved[0] / "certificates"
    elsewhere.mkdir(exist_ok=True)
    files = save(proved, elsewhere / "certificate.json")["files"]
    assert files["model"]["name"] == "../model.safetensors"
    raw = (proved[0] / "model.safetensors").read_bytes()
    assert files["model"]["sha256"] == hashlib.sha256(raw).hexdigest()
    assert check(elsewhere / "certificate.json")


def test_a_graph_that_something_is_claimed_of_needs_a_file(
    proved: tuple[Path, Certificate], tmp_path: Path
) -> None:
    with pytest.raises(ProofError, match="expected files of the graphs polarized, got none"):
        save_certificate(
            proved[1], tmp_path / "c.json", model=proved[0] / "model.safetensors", graphs={}
        )


def test_a_model_that_is_not_there_is_named(
    proved: tuple[Path, Certificate], tmp_path: Path
) -> None:
    with pytest.raises(ProofError, match=r"expected model at .*nowhere, got: No such file"):
        save_certificate(
            replace(proved[1], claims=()), tmp_path / "c.json", model="nowhere", graphs={}
        )


@pytest.mark.parametrize(
    ("name", "about"),
    [
        ("model.json", "the model, got .*model.safetensors"),  # its witnesses would be the model
        ("graph.json", "polarized, got .*graph.safetensors"),
        ("link", "the model, got .*link"),
    ],
)
def test_a_certificate_is_not_written_over_what_it_is_about(
    proved: tuple[Path, Certificate], tmp_path: Path, name: str, about: str
) -> None:
    for file in proved[0].glob("[mg]*.safetensors"):
        shutil.copy(file, tmp_path)
    (tmp_path / "link").symlink_to("model.safetensors")
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(ProofError, match=f"certificate and its witnesses to be other .*{about}"):
        save((tmp_path, proved[1]), tmp_path / name)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_certificate_is_not_written_over_its_witnesses(
    proved: tuple[Path, Certificate],
) -> None:
    with pytest.raises(ProofError, match=r"another suffix than its witnesses, got .*c.safetensors"):
        save(proved, proved[0] / "c.safetensors")
    assert not (proved[0] / "c.safetensors").exists()


def test_a_certificate_and_its_files_may_lie_at_home(
    proved: tuple[Path, Certificate], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(proved[0]))
    save_certificate(
        proved[1],
        "~/at-home.json",
        model="~/model.safetensors",
        graphs={"polarized": "~/graph.safetensors"},
    )
    assert check(proved[0] / "at-home.json")


def test_a_folder_that_cannot_be_written_is_named_and_gets_no_half_file(
    proved: tuple[Path, Certificate], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NumericError, match="file"):
        save(proved, tmp_path / "file" / "certificate.json")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_images_are_bytes_where_these_give_the_same_floats() -> None:
    assert data_witnesses(DIGITS)["images"].dtype == np.uint8
    moved = IMAGES.copy()
    moved[2, 1] = np.nextafter(moved[2, 1], np.float32(2))
    witnesses = data_witnesses(Digits(moved, LABELS, moved, LABELS))
    assert witnesses["images"].dtype == np.float32
    np.testing.assert_array_equal(witnesses["images"], moved)
