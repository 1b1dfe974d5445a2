"""Slabs prove more than a ball does at once, and nothing that is not so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numeric import BilinearNetwork
from proofs.bounds.certified_radii import certified_radii
from proofs.bounds.slabs import MOST_SLABS, Slab
from tests.proofs.bounds.balls import all_kept, classified, logits_at

BENT = {2: (3.0, [25, 262]), 3: (1.5, [51, 262, 78])}
"""By depth: how far points are spread, and some whose margins bend more than those of others."""


def drawn(depth: int) -> tuple[Any, Any, Any]:
    layers = BilinearNetwork(8, 4, depth=depth, width=5, hidden=9, seed=0).double().layers()
    spread, places = BENT[depth]
    images = spread * np.random.default_rng(0).normal(size=(300, 8))[places]
    return layers, images, np.array([int(logits_at(layers, image).argmax()) for image in images])


@pytest.mark.parametrize(("depth", "gain"), [(2, 1.08), (3, 1.07)])
def test_slabs_prove_more_than_all_of_a_ball_at_once(depth: int, gain: float) -> None:
    layers, images, classes = drawn(depth)
    one, many = (
        certified_radii([layers], images, classes, slabs=slabs) for slabs in (1, MOST_SLABS)
    )
    assert all_kept(layers, images, classes, many.radii)
    assert (many.radii > one.radii).all()
    assert many.radii.mean() > gain * one.radii.mean()
    assert many.proofs[0].slabs.shape == (len(images), 4, MOST_SLABS + 2)
    assert (many.proofs[0].slabs[..., 0] > 0).any(axis=1).all()
    assert not one.proofs[0].slabs[..., 0].any()


@pytest.mark.props
@given(classified(max_size=2), st.sampled_from([1, 3, 4]))
def test_no_rational_point_within_slabs_has_another_class(given: Any, slabs: int) -> None:
    layers, images, classes = given
    found = certified_radii([layers], images, classes, slabs=slabs)
    assert (found.radii >= 0).all()
    assert all_kept(layers, images, classes, found.radii)


def test_where_bends_are_bounded_for_too_short_moves_another_class_is_within_the_radius(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    layers, images, classes = drawn(3)
    monkeypatch.setattr(Slab, "reach", lambda _, radius: radius / 50)
    monkeypatch.setattr("proofs.bounds.certified_radii.FIRST", 1.4)
    found = certified_radii([layers], images, classes).radii
    assert not all_kept(layers, images, classes, found)
