"""Altered certificates: with stale hashes all are rejected, with renewed ones all false ones."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from numeric.files import load_arrays, save_arrays
from proofs.checker import Rejected, check
from tests.proofs.checker.alterations import ALTERATIONS, outcomes, renew
from tests.proofs.checker.certificates import full_case, is_accepted, small_case
from tests.proofs.checker.refutations import refuted

COUNTS = {1: 4 * len(ALTERATIONS), 2: 3 * len(ALTERATIONS)}
"""How many there are, by depth; the benchmarks make more."""


def written(folder: Path, depth: int, **shape: bool) -> Path:
    """Write the certificate of a small network, in a folder of its own."""
    folder = folder / "certificate"
    folder.mkdir()
    return full_case(folder, small_case(depth, **shape)).write(folder)


@pytest.mark.parametrize("depth", COUNTS)
def test_altered_certificates_are_rejected_or_still_true(tmp_path: Path, depth: int) -> None:
    path = written(tmp_path, depth)
    assert check(path)
    found = list(outcomes(path.parent, COUNTS[depth], depth, is_accepted))
    assert [outcome for outcome in found if outcome.stale] == []
    assert [outcome for outcome in found if outcome.renewed and outcome.false] == []
    assert {outcome.alteration for outcome in found} == set(ALTERATIONS)


FALSE = [
    "another model",
    "an ulp of a weight",
    "squared radii times 1 + 1e-6",
    "a larger quartile",
    "one more",
    "an array left out",
]
"""What leaves hardly a certificate true."""


def test_a_checker_that_accepts_everything_would_be_found_out(tmp_path: Path) -> None:
    path = written(tmp_path, 1)
    found = outcomes(path.parent, 3 * len(FALSE), 0, lambda _: True, FALSE)
    caught = Counter(outcome.alteration for outcome in found if outcome.false)
    assert caught.keys() == set(FALSE)


@pytest.mark.parametrize("depth", [1, 2])
def test_left_and_right_may_be_exchanged_for_no_polynomial_changes(
    tmp_path: Path, depth: int
) -> None:
    path = written(tmp_path, depth, residual=True)
    model = path.parent / "model.safetensors"
    arrays, description = load_arrays(model)
    for block in range(depth):
        for part in ("weight", "bias"):
            left, right = (f"blocks.{block}.{side}.{part}" for side in ("left", "right"))
            arrays[left], arrays[right] = arrays[right], arrays[left]
    save_arrays(model, arrays, description)
    with pytest.raises(Rejected, match=r"model.safetensors is another file than was certified"):
        check(path)
    renew(path)
    assert refuted(path) == []
    assert len(check(path)) >= 7


def test_exchanging_only_the_weights_changes_the_polynomial(tmp_path: Path) -> None:
    path = written(tmp_path, 1)
    model = path.parent / "model.safetensors"
    arrays, description = load_arrays(model)
    left, right = "blocks.0.left.weight", "blocks.0.right.weight"
    arrays[left], arrays[right] = arrays[right], arrays[left]
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
