"""Questions about networks that read images of MNIST's size."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from analytic import ExactNetwork, RealRoot, class_regions
from numeric import BilinearNetwork
from tests import oracles

PIXELS = 784
SECONDS = 2.0

Images = npt.NDArray[np.float32]


@pytest.fixture(scope="module")
def digits() -> BilinearNetwork:
    """Return a network of the size that is trained on MNIST."""
    return BilinearNetwork(PIXELS, 10, depth=2, width=64, hidden=64, residual=True)


@pytest.fixture(scope="module")
def exact(digits: BilinearNetwork) -> ExactNetwork:
    return ExactNetwork(digits.layers())


@pytest.fixture(scope="module")
def images() -> Images:
    return np.random.default_rng(0).random((2, PIXELS), dtype=np.float32)


@pytest.fixture(autouse=True)
def in_time(exact: ExactNetwork) -> Iterator[None]:  # noqa: ARG001 -- built before the clock starts
    """Hold every test to its time, without what other programs and threads take."""
    start = time.thread_time()
    yield
    assert time.thread_time() - start < SECONDS


def test_images_have_exact_logits(
    digits: BilinearNetwork, exact: ExactNetwork, images: Images
) -> None:
    found = exact.evaluate(images)
    assert found.shape == (2, 10)
    assert found[0].tolist() == oracles.module_value(digits, images[0])


def test_a_coefficient_needs_no_expansion(exact: ExactNetwork) -> None:
    line = np.zeros((5, PIXELS))
    line[:, 406] = np.arange(5)
    values = exact.evaluate(line)[:, 3]
    # The fourth difference of a polynomial of degree 4 is 4! times its leading coefficient.
    fourth = sum(weight * entry for weight, entry in zip((1, -4, 6, -4, 1), values, strict=True))
    assert exact.coefficient(output=3, monomial={406: 4}) == fourth / 24


def test_a_restriction_has_the_coefficients_asked_for_one_by_one(exact: ExactNetwork) -> None:
    chosen = [350, 406, 407]
    polynomial = exact.restricted(chosen).polynomial(output=3)
    assert polynomial.variables == tuple(chosen)
    assert len(polynomial) == 35
    for powers in ({}, {406: 1}, {350: 1, 407: 1}, {406: 3}, {350: 2, 406: 1, 407: 1}):
        expected = exact.coefficient(output=3, monomial=powers)
        assert polynomial.coefficient(powers) == expected != 0


def test_a_gradient_is_the_slope_of_every_line(exact: ExactNetwork, images: Images) -> None:
    image, direction = images
    gradient = exact.gradient(image)
    line = exact.substituted(image, direction[np.newaxis])
    steps = [oracles.exact(entry) for entry in direction]
    for output in (0, 9):
        slope = sum(slope * step for slope, step in zip(gradient[output], steps, strict=True))
        assert line.coefficient(output=output, monomial={0: 1}) == slope


def test_a_hessian_is_the_curvature_of_every_line(exact: ExactNetwork, images: Images) -> None:
    chosen, image = list(range(300, 310)), images[0]
    restricted = exact.restricted(chosen, at=image)
    hessian = restricted.hessian(output=7, point=image[chosen])
    assert (hessian == hessian.T).all()
    for variable in (0, 7):
        line = exact.restricted([chosen[variable]], at=image).polynomial(output=7)
        bent = sum(
            power
            * (power - 1)
            * coefficient
            * oracles.exact(image[chosen[variable]]) ** (power - 2)
            for powers, coefficient in line
            for power in powers.values()
        )
        assert hessian[variable, variable] == bent


def test_the_classes_between_two_images_are_certain(exact: ExactNetwork, images: Images) -> None:
    regions = class_regions(exact, images[0], 3 * images[1])
    assert (float(regions[0].start), float(regions[-1].end)) == (0, 1)
    for one, other in pairwise(regions):
        assert one.end == other.start
        assert one.classes != other.classes
    for region in regions:
        assert region.classes == predicted(exact, images, (region.start, region.end))


def predicted(
    exact: ExactNetwork, images: Images, ends: tuple[RealRoot, RealRoot]
) -> tuple[Any, ...]:
    """Return the largest logits at a float between two shares."""
    share = float(np.float64(float(ends[0]) + float(ends[1])) / 2)
    line = exact.substituted(images[0], (3 * images[1][np.newaxis], -images[0][np.newaxis]))
    values = line.evaluate(np.array([[share]]))[0].tolist()
    return tuple(index for index, value in enumerate(values) if value == max(values))
