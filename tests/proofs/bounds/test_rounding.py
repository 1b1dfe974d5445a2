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
from proofs.checker.claims import rounding
from proofs.errors import ProofError
from tests.certificates import held
from tests.oracles import value
from tests.strategies import networks_with_points, tame, wild

Floats = npt.NDArray[Any]

NETWORKS = st.sampled_from([tame, wild]).flatmap(
    lambda elements: networks_with_points(elements=elements)
)


def bounds_of(layers: list[Layer], images: Floats, dtype: str) -> Floats:
    return module.rounding_bounds(layers, images, [dtype])[dtype]


def shuffled(
    layers: list[Layer], images: Floats, draw: np.random.Generator, *, flush: bool = False
) -> Floats:
    """The logits with every sum taken one by one in an order of its own, in the images' dtype.

    What is smaller than the smallest normal number may be 0, as an operand and as a result.
    """
    least = np.finfo(images.dtype).tiny if flush else 0

    def near_zero(array: Floats) -> Floats:
        return np.where(abs(array) < least, np.zeros_like(array), array)

    def multiplied(one: Floats, other: Floats) -> Floats:
        return near_zero(near_zero(one) * near_zero(other))

    def product(rows: Floats, columns: Floats) -> Floats:
        total = np.zeros((len(rows), columns.shape[1]), dtype=images.dtype)
        for place in draw.permutation(columns.shape[0]):
            total = near_zero(total + multiplied(rows[:, place, None], columns[None, place]))
        return total

    with np.errstate(all="ignore"):
        state = np.concatenate([np.ones((len(images), 1), images.dtype), images], axis=1)
        for left, right, down, linear in layers:
            products = multiplied(product(state, left.T), product(state, right.T))
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
    bounds = bounds_of(layers, images, dtype)
    with torch.no_grad():
        assert within(network(torch.from_numpy(images)).numpy(), layers, images, bounds)
    for flush in (False, True):
        found = shuffled(layers, images, np.random.default_rng(seed), flush=flush)
        assert within(found, layers, images, bounds)


@pytest.mark.props
@given(networks_with_points(dtypes=(np.float32,)))
def test_the_float64_logits_of_a_float32_network_are_nearer(given: Any) -> None:
    network, images = given
    layers = network.layers()
    double, single = (bounds_of(layers, images, dtype) for dtype in ("float64", "float32"))
    assert (double <= single).all()


@pytest.mark.props
@given(networks_with_points())
def test_the_checker_accepts_the_bound_with_a_fiftieth_to_spare(given: Any) -> None:
    network, images = given
    layers, dtype = network.layers(), images.dtype.name
    files = held(layers, images=images)
    about = len(images), files.data, dtype
    bound = Fraction(51, 50) * Fraction(float(bounds_of(layers, images, dtype).max()))
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
    assert within(found, layers, images, bounds_of(layers, images, "float32"))
    halved = replace(ARITHMETICS["float32"], unit=2.0**-25)
    monkeypatch.setattr(module, "ARITHMETICS", {"float32": halved})
    assert not within(found, layers, images, bounds_of(layers, images, "float32"))


def test_the_bound_is_not_much_larger_than_what_an_order_does() -> None:
    layers, images = drifting(1000)
    assert bounds_of(layers, images, "float32") < 1.1 * 1000 * 2.0**-24


def test_a_bias_added_first_is_rounded_as_often_as_there_are_products() -> None:
    # In the network's own matrix the bias is one of two linear terms, beside 300 products.
    ones = np.ones((300, 2), dtype=np.float32) * np.float32([2.0**-12, 0])
    down = np.zeros((2, 300), dtype=np.float32)
    down[1] = 1
    layer = Layer(ones, ones, down, np.eye(2, dtype=np.float32)[[0, 0]])
    images = np.zeros((1, 1), dtype=np.float32)
    found = np.ones((1, 1), dtype=np.float32)
    assert within(found, [layer], images, bounds_of([layer], images, "float32"))
    assert value([layer], images[0]) == [1 + Fraction(300, 2**24)]


def flushing() -> tuple[list[Layer], Floats]:
    """A weight below the smallest normal number, which an image and a weight make 1 of."""
    left, right = np.array([[[0.0, 2.0**-130]], [[1.0, 0.0]]], dtype=np.float32)
    down = np.array([[0.0], [2.0**30]], dtype=np.float32)
    linear = np.eye(2, dtype=np.float32)[[0, 0]] * np.float32([[1], [0]])
    return [Layer(left, right, down, linear)], np.full((1, 1), 2.0**100, dtype=np.float32)


def test_an_operand_that_is_flushed_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    layers, images = flushing()
    found = shuffled(layers, images, np.random.default_rng(0), flush=True)
    assert value(layers, images[0]) == [1]
    assert found == [[0]]
    assert within(found, layers, images, bounds_of(layers, images, "float32"))
    kept = replace(ARITHMETICS["float32"], tiny=2.0**-149)
    monkeypatch.setattr(module, "ARITHMETICS", {"float32": kept})
    assert not within(found, layers, images, bounds_of(layers, images, "float32"))


def test_pixels_that_are_0_add_nothing() -> None:
    network = BilinearNetwork(400, 2, depth=1, hidden=5, seed=0)
    images = np.zeros((2, 400), dtype=np.float32)
    images[0, :10], images[1] = 0.5, 0.5 / 40**0.5
    # The same size of the readings' terms, of ten pixels or four hundred.
    sparse, dense = bounds_of(network.layers(), images, "float32")
    few = BilinearNetwork(10, 2, depth=1, hidden=5, seed=0)
    with torch.no_grad():
        for own, whole in zip(few.parameters(), network.parameters(), strict=True):
            own.copy_(whole[..., : own.shape[-1]])
    np.testing.assert_allclose(
        sparse, bounds_of(few.layers(), images[:1, :10], "float32"), rtol=1e-6
    )
    assert 5 * sparse < dense


def test_what_cancels_above_does_not_count() -> None:
    # The upper layer takes the difference of two hidden states with the same errors.
    layers = BilinearNetwork(6, 3, depth=2, width=2, hidden=8, seed=0).layers()
    down = layers[0].down.copy()
    down[2] = down[1]
    linear = layers[0].linear.copy()
    linear[2] = linear[1]
    none = np.zeros((0, 3), dtype=np.float32)
    upper = np.array([[1, 0, 0], [0, 1, -1]], dtype=np.float32)
    stack = [
        layers[0]._replace(down=down, linear=linear),
        Layer(none, none, np.zeros((2, 0), dtype=np.float32), upper),
    ]
    images = np.ones((1, 6), dtype=np.float32)
    lower = bounds_of([layers[0]._replace(down=down, linear=linear)], images, "float32")
    products = bounds_of(stack, images, "float32")
    assert value(stack, images[0]) == [0]
    # Only what the sums lose, each on its own, is left; not what they have from the same products.
    assert products < 1.5 * lower
    found = shuffled(stack, images, np.random.default_rng(0))
    assert within(found, stack, images, products)


def test_batches_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    network = BilinearNetwork(3, 2, depth=2, width=4, hidden=5, seed=0)
    images = np.random.default_rng(0).random((7, 3), dtype=np.float32)
    whole = bounds_of(network.layers(), images, "float32")
    monkeypatch.setattr(module, "_BATCH", 3)
    found = bounds_of(network.layers(), images, "float32")
    np.testing.assert_allclose(found, whole, rtol=1e-12)


def test_what_has_no_rounding_is_refused() -> None:
    network = BilinearNetwork(3, 2, depth=1, hidden=2)
    images = np.ones((2, 3))
    with pytest.raises(
        ProofError, match="expected dtype to be one of float64, float32, got 'half'"
    ):
        bounds_of(network.layers(), images, "half")
    with pytest.raises(NumericError, match=r"expected images to have shape \(2, 3\), got \(2, 4\)"):
        bounds_of(network.layers(), np.ones((2, 4)), "float32")
    with pytest.raises(ProofError, match=r"expected numbers of float32, got 0\.1"):
        bounds_of(network.layers(), 0.1 * images, "float32")
