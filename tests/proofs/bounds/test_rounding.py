"""What torch computes, and any other order of sums, lies within the bound of the exact logits."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from numeric import BilinearNetwork, Layer, NumericError
from proofs import checker
from proofs.bounds import rounding as module
from proofs.bounds.enclosures import ARITHMETICS
from proofs.bounds.rounding import forward, rounding_bounds
from proofs.checker.claims import rounding
from proofs.errors import ProofError
from tests.certificates import held
from tests.oracles import value
from tests.strategies import networks_with_points, tame, wild

Floats = npt.NDArray[Any]

NETWORKS = st.sampled_from([tame, wild]).flatmap(
    lambda elements: networks_with_points(elements=elements)
)


def shuffled(layers: list[Layer], images: Floats, draw: np.random.Generator) -> Floats:
    """The logits with every sum taken one by one in an order of its own, in the images' dtype."""

    def product(rows: Floats, columns: Floats) -> Floats:
        total = np.zeros((len(rows), columns.shape[1]), dtype=images.dtype)
        for place in draw.permutation(columns.shape[0]):
            total = total + rows[:, place, None] * columns[None, place]
        return total

    with np.errstate(all="ignore"):
        state = np.concatenate([np.ones((len(images), 1), images.dtype), images], axis=1)
        for left, right, down, linear in layers:
            products = product(state, left.T) * product(state, right.T)
            weights = np.concatenate([down, linear], axis=1)
            state = product(np.concatenate([products, state], axis=1), weights.T)
    return state[:, 1:]


def within(found: Floats, layers: list[Layer], images: Floats, bounds: Floats) -> bool:
    for image, logits, bound in zip(images, found, bounds, strict=True):
        if bound == np.inf:
            continue
        if not np.isfinite(logits).all():
            return False
        for logit, exact in zip(logits.tolist(), value(layers, image), strict=True):
            if abs(Fraction(logit) - exact) > Fraction(float(bound)):
                return False
    return True


@pytest.mark.props
@given(NETWORKS, st.integers(0, 2**32))
def test_neither_torch_nor_another_order_leaves_the_bound(given: Any, seed: int) -> None:
    network, images = given
    layers, dtype = network.layers(), images.dtype.name
    bounds = rounding_bounds(layers, images, dtype)
    with torch.no_grad():
        assert within(network(torch.from_numpy(images)).numpy(), layers, images, bounds)
    assert within(shuffled(layers, images, np.random.default_rng(seed)), layers, images, bounds)


@pytest.mark.props
@given(networks_with_points(dtypes=(np.float32,)))
def test_the_float64_logits_of_a_float32_network_are_nearer(given: Any) -> None:
    network, images = given
    layers = network.layers()
    double, single = (rounding_bounds(layers, images, dtype) for dtype in ("float64", "float32"))
    assert (double <= single).all()


@pytest.mark.props
@given(networks_with_points())
def test_the_checker_accepts_the_bound_with_a_quarter_to_spare(given: Any) -> None:
    network, images = given
    layers, dtype = network.layers(), images.dtype.name
    files = held(layers, images=images)
    about = len(images), files.data, dtype
    bound = Fraction(5, 4) * Fraction(float(rounding_bounds(layers, images, dtype).max()))
    rounding.verify(files, *about, bound)
    with pytest.raises(checker.Rejected, match="may differ by"):
        rounding.verify(files, *about, bound / 100)


def drifting(terms: int) -> tuple[list[Layer], Floats]:
    """A layer that adds what is too small to 1, again and again."""
    images = np.full((1, terms), 2.0**-24, dtype=np.float32)
    linear = np.ones((2, 1 + terms), dtype=np.float32)
    linear[0, 1:] = 0
    none = np.zeros((0, 1 + terms), dtype=np.float32)
    return [Layer(none, none, np.zeros((2, 0), dtype=np.float32), linear)], images


def test_with_half_the_unit_an_order_leaves_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    layers, images = drifting(300)
    found = np.ones((1, 1), dtype=np.float32)
    for image in images[0]:
        found += image
    assert within(found, layers, images, rounding_bounds(layers, images, "float32"))
    halved = replace(ARITHMETICS["float32"], unit=2.0**-25)
    monkeypatch.setattr(module, "ARITHMETICS", {"float32": halved})
    assert not within(found, layers, images, rounding_bounds(layers, images, "float32"))


def test_the_bound_is_not_much_larger_than_what_an_order_does() -> None:
    layers, images = drifting(1000)
    assert rounding_bounds(layers, images, "float32") < 1.1 * 1000 * 2.0**-24


def test_a_bias_added_first_is_rounded_as_often_as_there_are_products() -> None:
    # In the network's own matrix the bias is one of two linear terms, beside 300 products.
    ones = np.ones((300, 2), dtype=np.float32) * np.float32([2.0**-12, 0])
    down = np.zeros((2, 300), dtype=np.float32)
    down[1] = 1
    layer = Layer(ones, ones, down, np.eye(2, dtype=np.float32)[[0, 0]])
    images = np.zeros((1, 1), dtype=np.float32)
    found = np.ones((1, 1), dtype=np.float32)
    assert within(found, [layer], images, rounding_bounds([layer], images, "float32"))
    assert value([layer], images[0]) == [1 + Fraction(300, 2**24)]


def test_every_state_is_enclosed() -> None:
    network = BilinearNetwork(3, 2, depth=2, width=4, hidden=5, seed=0)
    images = np.random.default_rng(0).random((2, 3), dtype=np.float32)
    states = forward(network.layers(), images, "float64")
    assert [state.midpoint.shape for state in states] == [(2, 4), (2, 5), (2, 3)]
    hidden = network.double().blocks[0](torch.from_numpy(images).double()).detach().numpy()
    np.testing.assert_allclose(states[1].midpoint[:, 1:], hidden, rtol=1e-12)
    assert (states[1].midpoint[:, 0] == 1).all()


def test_batches_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    network = BilinearNetwork(3, 2, depth=2, width=4, hidden=5, seed=0)
    images = np.random.default_rng(0).random((7, 3), dtype=np.float32)
    whole = rounding_bounds(network.layers(), images, "float32")
    monkeypatch.setattr(module, "_BATCH", 3)
    np.testing.assert_array_equal(rounding_bounds(network.layers(), images, "float32"), whole)


def test_what_has_no_rounding_is_refused() -> None:
    network = BilinearNetwork(3, 2, depth=1, hidden=2)
    images = np.ones((2, 3))
    with pytest.raises(
        ProofError, match="expected dtype to be one of float64, float32, got 'half'"
    ):
        rounding_bounds(network.layers(), images, "half")
    with pytest.raises(NumericError, match=r"expected images to have shape \(2, 3\), got \(2, 4\)"):
        rounding_bounds(network.layers(), np.ones((2, 4)), "float32")
    with pytest.raises(ProofError, match=r"expected numbers of float32, got 0\.1"):
        rounding_bounds(network.layers(), 0.1 * images, "float32")
