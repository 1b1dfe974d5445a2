"""Altered certificates: with stale hashes all are rejected, with renewed ones all false ones."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from numeric.files import load_arrays, save_arrays
from proofs.checker import CLAIMS, Rejected, check
from tests.proofs.checker.alterations import (
    ALTERATIONS,
    altered,
    every_axis,
    false_ones,
    outcomes,
    renew,
    singles,
    verdict,
)
from tests.proofs.checker.certificates import full_case, is_accepted, small_case
from tests.proofs.checker.refutations import refuted
from tests.proofs.checker.second.claims import opinion


def written(folder: Path, depth: int, **shape: Any) -> Path:
    """Write the certificate of a small network, in a folder of its own."""
    folder = folder / "certificate"
    folder.mkdir()
    return full_case(folder, small_case(depth, **shape)).write(folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("altered")


@pytest.mark.parametrize("kind", CLAIMS)
def test_single_claims_are_accepted_by_both_checkers(tmp_path: Path, kind: str) -> None:
    assert len(singles()[kind]) >= 2
    for bundle in singles()[kind]:
        path = bundle.write(tmp_path)
        assert verdict(path) == "accepted"
        assert opinion(path) is None


@pytest.mark.props
@pytest.mark.parametrize("kind", CLAIMS)
@given(
    draw=st.randoms(use_true_random=False),
    name=st.sampled_from(sorted(ALTERATIONS)),
    place=st.integers(0, 7),
)
def test_no_false_claim_is_accepted_whatever_is_altered(
    folder: Path, kind: str, draw: Random, name: str, place: int
) -> None:
    bundles = singles()[kind]
    bundle = bundles[place % len(bundles)]
    others = [other for other in bundles if other is not bundle]
    tries = (altered(bundle, name, draw, others) for _ in range(5))
    found = next(filter(None, tries), None)
    if found is None:
        event("nothing altered")
        return
    path = found.write(folder)
    said = verdict(path)
    event(said)
    assert said != "accepted" or not false_ones(path)
    if kind == "same polynomial":
        # All numbers are decided on, the largest and the least.
        assert said != "rejected" or opinion(path) is not None


@pytest.mark.props
@pytest.mark.parametrize("kind", CLAIMS)
def test_no_false_claim_is_accepted_whatever_becomes_of_an_axis(tmp_path: Path, kind: str) -> None:
    places = list(every_axis(singles()[kind][-1]))
    step = max(1, 4 * len(places) // settings().max_examples)  # all of them in the deep profile
    for said, bundle in places[::step]:
        path = bundle.write(tmp_path)
        assert verdict(path) != "accepted" or not false_ones(path), said


@pytest.mark.parametrize("depth", [1, 2])
def test_altered_certificates_are_rejected_or_still_true(tmp_path: Path, depth: int) -> None:
    path = written(tmp_path, depth)
    assert check(path)
    found = list(outcomes(path.parent, len(ALTERATIONS), depth, is_accepted))
    assert [outcome for outcome in found if outcome.stale] == []
    assert [outcome for outcome in found if outcome.renewed and outcome.false] == []
    assert {outcome.alteration for outcome in found} == set(ALTERATIONS)


def test_a_checker_that_accepts_everything_would_be_found_out(tmp_path: Path) -> None:
    path = written(tmp_path, 1)
    found = outcomes(path.parent, 3 * len(ALTERATIONS), 0, lambda _: True)
    assert {outcome.alteration for outcome in found if outcome.false} == set(ALTERATIONS)


@pytest.mark.parametrize("depth", [1, 2])
def test_left_and_right_may_be_exchanged_for_no_polynomial_changes(
    tmp_path: Path, depth: int
) -> None:
    path = written(tmp_path, depth, residual=True)
    model = path.parent / "model.safetensors"
    arrays, description = load_arrays(model)
    for number in range(1, depth + 1):
        left, right = (f"{number}.{side}" for side in ("left", "right"))
        arrays[left], arrays[right] = arrays[right], arrays[left]
    save_arrays(model, arrays, description)
    with pytest.raises(Rejected, match=r"model.safetensors is another file than was certified"):
        check(path)
    renew(path)
    assert refuted(path) == []
    assert len(check(path)) >= 7


def test_exchanging_all_but_the_biases_changes_the_polynomial(tmp_path: Path) -> None:
    path = written(tmp_path, 1)
    model = path.parent / "model.safetensors"
    arrays, description = load_arrays(model)
    left, right = (arrays[f"1.{side}"].copy() for side in ("left", "right"))
    left[:, 1:], right[:, 1:] = arrays["1.right"][:, 1:], arrays["1.left"][:, 1:]
    arrays |= {"1.left": left, "1.right": right}
    save_arrays(model, arrays, description)
    renew(path)
    with pytest.raises(Rejected, match=r"same polynomial.*output 1: coefficient"):
        check(path)


def test_one_ulp_of_one_weight_of_a_polarized_graph_is_seen(tmp_path: Path) -> None:
    path = written(tmp_path, 2)
    graph = path.parent / "graph-polarized.safetensors"
    arrays, description = load_arrays(graph)
    arrays["direction"] = arrays["direction"].copy()
    arrays["direction"][0, 1] = np.nextafter(arrays["direction"][0, 1], 9)
    save_arrays(graph, arrays, description)
    renew(path)
    with pytest.raises(Rejected, match=r"The polarized graph .*: layer 1, output"):
        check(path)
