"""Certificates of whole test sets: complete, resumable, and the same however they are made."""

from __future__ import annotations

import json
import os
import re
import sys
from concurrent.futures import BrokenExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from numeric import BilinearNetwork, NumericError, save_graph, save_network, trace
from numeric.files import load_arrays, save_arrays
from proofs import ProofError, certify, check, save_certificate
from proofs.certificates import radii
from proofs.certificates.certify import _TOGETHER, _duration
from proofs.certificates.radii import _attacked, directions_witnesses
from tests.digits import small_digits
from tests.modes import flushing

DIGITS = small_digits()


def network(depth: int) -> BilinearNetwork:
    return BilinearNetwork(9, 3, depth=depth, width=4, hidden=5, seed=1)


def saved(folder: Path, model: BilinearNetwork, method: str = "polarized", **settings: Any) -> Any:
    graph = trace(model, method, **settings)
    save_network(model, folder / "model.safetensors")
    save_graph(graph, folder / "graph.safetensors")
    return graph, {
        "model": folder / "model.safetensors",
        "graphs": {method: folder / "graph.safetensors"},
    }


@pytest.mark.parametrize(("depth", "kind"), [(1, "robustness"), (2, "stability")])
def test_every_radius_can_be_checked(tmp_path: Path, depth: int, kind: str) -> None:
    model = network(depth)
    graph, files = saved(tmp_path, model)
    certificate = certify(model, graph, DIGITS)
    save_certificate(certificate, tmp_path / "certificate.json", **files)
    claims = json.loads((tmp_path / "certificate.json").read_text())["claims"]
    (claim,) = (claim for claim in claims if claim["kind"] == kind)
    assert claim["numbers"]["count"] > len(DIGITS.test_labels) // 2
    assert float(claim["numbers"]["lower"]) > 0
    assert len(check(tmp_path / "certificate.json")) == len(claims)


def test_a_part_of_the_distance_of_an_attack_is_enough(tmp_path: Path) -> None:
    model = network(2)
    graph = trace(model, "polarized")
    few = certify(model, graph, DIGITS, images=12, folder=tmp_path)
    half = certify(model, graph, DIGITS, images=12, folder=tmp_path, target=0.5)
    name = "stability.the network.radius"
    whole, radius = few.witnesses[name], half.witnesses[name]
    assert half.holds
    some = whole > 0
    assert (radius[some] > 0).all()
    assert (radius <= whole).all()
    found = _attacked(model.layers(), DIGITS.test_images[:12], few.witnesses["labels"])
    assert (radius <= 0.5 * found)[found > 0].all()


@pytest.mark.parametrize("depth", [2, 3])
def test_changes_of_all_pixels_are_proved_of_deep_networks_if_asked_for(
    tmp_path: Path, depth: int
) -> None:
    model = network(depth)
    graph, files = saved(tmp_path, model)
    certificate = certify(model, graph, DIGITS, images=6, folder=tmp_path, pixels=True)
    (claim,) = (claim for claim in certificate.claims if claim.kind == "pixel stability")
    assert int(claim.numbers["count"]) > 3
    save_certificate(certificate, tmp_path / "certificate.json", **files)
    assert claim.statement in " ".join(check(tmp_path / "certificate.json"))


def test_it_is_told_beforehand_how_long_a_search_takes(tmp_path: Path) -> None:
    model = network(2)
    lines: list[str] = []
    graph = trace(model, "polarized")
    for _ in range(2):
        certify(model, graph, DIGITS, images=5, folder=tmp_path, tell=lines.append)
    said = r"radii of the network: 5 images, \S+ s each in 1 process: about \d+ s"
    assert re.fullmatch(said, lines[0])
    assert lines[1:] == ["radii of the network: all of them are kept"]


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 s"), (90, "1.5 minutes"), (9000, "2.5 hours")]
)
def test_a_time_is_said_in_words(seconds: float, words: str) -> None:
    assert _duration(seconds) == words


def test_a_graph_that_leaves_something_out_gets_radii_of_its_own(tmp_path: Path) -> None:
    model = network(2)
    graph, files = saved(tmp_path, model, "shared", features=12)
    certificate = certify(model, graph, DIGITS)
    names = [claim.numbers["models"] for claim in certificate.claims if claim.kind == "stability"]
    assert names == ["the network", "the network and the shared graph"]
    both, alone = (certificate.witnesses[f"stability.{name}.radius"] for name in names[::-1])
    assert (both <= alone).all()
    save_certificate(certificate, tmp_path / "certificate.json", **files)
    assert check(tmp_path / "certificate.json")


def test_what_is_finished_is_not_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = network(1)
    graph = trace(model, "polarized")
    first = certify(model, graph, DIGITS, folder=tmp_path)
    parts = list(tmp_path.glob("robustness-*.safetensors"))
    assert len(parts) == -(-len(DIGITS.test_labels) // _TOGETHER)

    def forbidden(*_: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(radii, "nearest", forbidden)
    again = certify(model, graph, DIGITS, folder=tmp_path)
    for name, array in first.witnesses.items():
        np.testing.assert_array_equal(again.witnesses[name], array)


def test_parts_of_another_network_or_other_images_are_not_used(tmp_path: Path) -> None:
    graphs = [trace(network(1), "polarized")]
    certify(network(1), graphs, DIGITS, folder=tmp_path)
    count = len(list(tmp_path.iterdir()))
    other = BilinearNetwork(9, 3, depth=1, hidden=5, seed=2)
    certify(other, [trace(other, "polarized")], DIGITS, folder=tmp_path)
    assert len(list(tmp_path.iterdir())) == 2 * count
    certify(network(1), graphs, DIGITS, images=3, folder=tmp_path)
    assert len(list(tmp_path.iterdir())) == 2 * count + 1


@pytest.mark.parametrize(
    ("depth", "alter"),
    [
        (1, lambda arrays: arrays | {"radius": arrays["radius"] * (1 + 1e-6)}),
        (1, lambda arrays: {name: array[::2] for name, array in arrays.items()}),
        (1, lambda arrays: arrays | {"added": arrays["added"] * np.nan}),
        (2, lambda arrays: arrays | {"radius": arrays["radius"] * 1.5}),
        (2, lambda arrays: {"radius": arrays["radius"]}),
    ],
    ids=["larger", "half", "no numbers", "larger, deeper", "without multipliers"],
)
def test_a_part_that_proves_nothing_is_made_anew(tmp_path: Path, depth: int, alter: Any) -> None:
    model = network(depth)
    graph = trace(model, "polarized")
    first = certify(model, graph, DIGITS, folder=tmp_path)
    (part,) = (path for path in tmp_path.iterdir() if "directions" not in path.name)
    right = part.read_bytes()
    arrays, note = load_arrays(part)
    save_arrays(part, alter(arrays), note)
    assert part.read_bytes() != right
    assert certify(model, graph, DIGITS, folder=tmp_path) == first
    assert part.read_bytes() == right


def test_what_is_finished_counts_where_the_last_digits_come_out_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = sys.modules["proofs.certificates.certify"]
    model, rng = network(2), np.random.default_rng(0)
    graph = trace(model, "polarized")
    first = certify(model, graph, DIGITS, folder=tmp_path)
    names = sorted(tmp_path.iterdir())

    def directions(*given: Any) -> Any:
        found = directions_witnesses(*given)
        return {n: a * (1 + 1e-15 * rng.standard_normal(a.shape)) for n, a in found.items()}

    monkeypatch.setattr(module, "directions_witnesses", directions)
    monkeypatch.setattr(radii, "stability_radii", None)
    assert certify(model, graph, DIGITS, folder=tmp_path) == first
    assert sorted(tmp_path.iterdir()) == names


def test_a_process_that_is_killed_ends_it_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any) -> None:
        os._exit(9)

    monkeypatch.setattr(sys.modules["proofs.certificates.certify"], "_kept", killed)
    model = network(1)
    said = r"got: a process that was killed after 0 of 1 parts; it is kept in .* and used again"
    with pytest.raises(ProofError, match=said) as caught:
        certify(model, trace(model, "polarized"), DIGITS, jobs=2, folder=tmp_path)
    assert isinstance(caught.value.__cause__, BrokenExecutor)


@pytest.mark.parametrize("depth", [1, 2])
def test_no_radius_is_found_where_subnormal_numbers_are_taken_for_zero(
    depth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = network(depth)
    graph = trace(model, "polarized")
    module = sys.modules["proofs.certificates.certify"]
    proved = module.prove(model, graph, DIGITS)
    # As in a process in which what proves the rest has found nothing wrong.
    monkeypatch.setattr(module, "prove", lambda *_: proved)
    with flushing(), pytest.raises(NumericError, match="keeps subnormal numbers"):
        certify(model, graph, DIGITS)
    assert certify(model, graph, DIGITS).holds


def test_processes_and_one_process_find_the_same() -> None:
    model = network(1)
    graph = trace(model, "polarized")
    one, two = (certify(model, graph, DIGITS, jobs=jobs) for jobs in (1, 2))
    assert one == two
    for name, array in one.witnesses.items():
        np.testing.assert_array_equal(two.witnesses[name], array)


def test_a_dask_cluster_finds_the_same() -> None:
    distributed = pytest.importorskip("distributed")
    joblib = pytest.importorskip("joblib")
    model = network(1)
    graph = trace(model, "polarized")
    alone = certify(model, graph, DIGITS)
    cluster = distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
    )
    with cluster, distributed.Client(cluster), joblib.parallel_config("dask"):
        found = certify(model, graph, DIGITS, jobs=2)
    np.testing.assert_array_equal(
        found.witnesses["robustness.radius"], alone.witnesses["robustness.radius"]
    )


def test_as_many_images_count_as_are_asked_for() -> None:
    model = network(1)
    found = certify(model, trace(model, "polarized"), DIGITS, images=4)
    assert len(found.witnesses["robustness.radius"]) == len(found.witnesses["images"]) == 4


@pytest.mark.parametrize("target", [0, -0.5, 1.01, float("nan")])
def test_a_target_that_is_none_is_refused(target: float) -> None:
    model = network(1)
    with pytest.raises(ProofError, match="expected target to be above 0 and at most 1, got"):
        certify(model, trace(model), DIGITS, target=target)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"images": 0}, "images to be an integer of at least 1, got 0"),
        ({"images": 2.5}, "images to be an integer of at least 1, got 2.5"),
        ({"jobs": 0}, "jobs to be an integer of at least 1, got 0"),
    ],
)
def test_numbers_that_are_none_are_refused(settings: dict[str, Any], message: str) -> None:
    model = network(1)
    with pytest.raises(NumericError, match=message):
        certify(model, trace(model), DIGITS, **settings)


def test_without_a_graph_nothing_is_certified() -> None:
    with pytest.raises(ProofError, match="expected a graph, or several, got none"):
        certify(network(1), [], DIGITS)
