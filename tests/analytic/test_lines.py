"""The classes along a line, held against exact values and the root counts of sympy."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise, product
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import sympy
from hypothesis import assume, given
from hypothesis import strategies as st

from analytic import AnalyticError, ClassRegion, ExactNetwork, RealRoot, class_regions
from numeric import BilinearNetwork, Layer
from tests import oracles
from tests.analytic.rewrites import swapped_in_one_layer
from tests.modes import flushing
from tests.strategies import few, points, stacks, tame, wild

Array = npt.NDArray[Any]
T = sympy.Symbol("t")


def with_logits(*coefficients: Sequence[float]) -> list[Layer]:
    """Return layers of one input whose outputs are given polynomials, the constant first."""
    rows = np.array([[*row, *[0.0] * (5 - len(row))] for row in coefficients])
    x, passing = np.array([[0.0, 1.0]]), np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    powers = Layer(x, x, np.array([[0.0], [0.0], [1.0]]), passing)
    one, square = np.eye(3)[1:2], np.eye(3)[2:]
    constant = np.zeros((1, 5))
    mixed = np.vstack([constant, rows])
    left, right = np.vstack([square, square]), np.vstack([one, square])
    return [powers, Layer(left, right, mixed[:, 3:], np.vstack([np.eye(3)[:1], rows[:, :3]]))]


def logits_on(layers: list[Layer], start: Array, end: Array) -> list[Any]:
    """Return the logits on the way from one input to another, by the oracle, in sympy."""
    entries = oracles.affine_entries(start, (end[np.newaxis], -start[np.newaxis]))
    lines = [oracles.composition(p, entries, 1) for p in oracles.expansion(layers)]
    return [
        sympy.Poly({powers: sympy.Rational(*c.as_integer_ratio()) for powers, c in p.items()}, T)
        if p
        else sympy.Poly(0, T)
        for p in lines
    ]


def largest(logits: list[Any], share: Fraction) -> set[int]:
    values = [logit.eval(rational(share)) for logit in logits]
    return {index for index, value in enumerate(values) if value == max(values)}


def rational(share: Fraction) -> Any:
    return sympy.Rational(share.numerator, share.denominator)


def regions_of(layers: list[Layer], start: Array, end: Array) -> tuple[ClassRegion, ...]:
    """Return the regions, held against the oracle."""
    regions = class_regions(ExactNetwork(layers), start, end)
    logits = logits_on(layers, start, end)
    assert regions[0].start == RealRoot.rational(Fraction(0))
    assert regions[-1].end == RealRoot.rational(Fraction(1))
    for region in regions:
        check_interior(region, logits)
    for one, other in pairwise(regions):
        assert one.end == other.start
        assert one.classes != other.classes
        check_border(one.end, logits, one.classes, other.classes)
    return regions


def check_interior(region: ClassRegion, logits: list[Any]) -> None:
    """No difference to a predicted class changes its sign inside, and none is positive."""
    first, last = region.start.upper, region.end.lower
    assert first < last
    for step in range(1, 8):
        share = first + (last - first) * Fraction(step, 8)
        assert set(region.classes) <= largest(logits, share)
    for mine, other in product(region.classes, range(len(logits))):
        difference = logits[mine] - logits[other]
        assert difference.is_zero is (other in region.classes)
        for factor, power in difference.sqf_list()[1] if not difference.is_zero else []:
            inside = factor.count_roots(rational(first), rational(last))
            ends = sum(factor.eval(rational(end)) == 0 for end in (first, last))
            assert power % 2 == 0 or inside == ends


def check_border(
    root: RealRoot, logits: list[Any], before: tuple[int, ...], after: tuple[int, ...]
) -> None:
    """The classes on both sides tie at the border."""
    own = sympy.Poly(list(reversed(root.coefficients)), T)
    assert own.count_roots(rational(root.lower), rational(root.upper)) == 1
    for one, other in product(before, after):
        assert (logits[one] - logits[other]).rem(own).is_zero


def shares(layers: list[Layer], start: float = 0.0, end: float = 1.0) -> list[tuple[Any, ...]]:
    """Return where the regions begin, with their classes."""
    regions = regions_of(layers, np.array([start]), np.array([end]))
    return [(float(region.start), *region.classes) for region in regions]


# Single cases


def test_a_crossing_parts_two_regions() -> None:
    assert shares(with_logits([0, 1], [0.25])) == [(0, 1), (0.25, 0)]
    assert shares(with_logits([0, 0, 1], [0.5])) == [(0, 1), (0.5**0.5, 0)]


def test_a_line_may_go_through_any_inputs() -> None:
    layers = with_logits([0, 1], [0.25])
    assert shares(layers, 1.0, -1.0) == [(0, 0), (0.375, 1)]
    assert shares(layers, 3.0, 2.0) == [(0, 0)]
    assert shares(layers, 0.25 - 2.0**-40, 0.25 + 2.0**-40) == [(0, 1), (0.5, 0)]


def test_logits_that_touch_part_nothing() -> None:
    assert shares(with_logits([0.25, -1, 1], [0])) == [(0, 0)]
    assert shares(with_logits([-0.25, 1, -1], [0])) == [(0, 1)]
    # (t² - ½)², which touches at an irrational share
    assert shares(with_logits([0.25, 0, -1, 0, 1], [0])) == [(0, 0)]


def test_a_triple_root_parts_as_a_simple_one() -> None:
    # (t - ½)³
    assert shares(with_logits([-0.125, 0.75, -1.5, 1], [0])) == [(0, 1), (0.5, 0)]


@pytest.mark.parametrize("power", [1, 2, 3, 4])
def test_a_root_at_an_end_parts_nothing(power: int) -> None:
    assert shares(with_logits([0] * power + [1], [0])) == [(0, 0)]
    assert shares(with_logits([0] * power + [1], [1])) == [(0, 1)]


def test_roots_at_both_ends_part_nothing() -> None:
    assert shares(with_logits([0, 0, 1], [0, 1])) == [(0, 1)]


def test_identical_logits_are_predicted_together() -> None:
    assert shares(with_logits([0, 1], [0, 1])) == [(0, 0, 1)]
    assert shares(with_logits([0], [0], [-0.5, 1])) == [(0, 0, 1), (0.5, 2)]
    assert shares(with_logits([0.5], [0, 1], [0.5], [0, 1])) == [(0, 0, 2), (0.5, 1, 3)]


def test_a_single_logit_is_always_the_largest() -> None:
    assert shares(with_logits([0, 1, -7])) == [(0, 0)]


def test_three_logits_may_tie_at_one_share() -> None:
    assert shares(with_logits([-0.5, 1], [0.5, -1], [0])) == [(0, 1), (0.5, 0)]
    assert shares(with_logits([0, 1], [0.25, 0.5], [0.5])) == [(0, 2), (0.5, 0)]


def test_logits_that_cross_below_the_largest_part_nothing() -> None:
    assert shares(with_logits([0, 1], [0.5], [9])) == [(0, 2)]
    assert shares(with_logits([0, 1], [0.5], [0.75, -1])) == [(0, 2), (0.25, 1), (0.5, 0)]
    assert shares(with_logits([0, 1], [0.5], [0.375, 0.25])) == [(0, 1), (0.5, 0)]


def test_a_class_may_come_back() -> None:
    # (t - ⅛)(t - ¼)(t - ½)(t - ¾)
    quartic = [3 / 256, -23 / 128, 7 / 8, -13 / 8, 1]
    found = shares(with_logits(quartic, [0]))
    assert found == [(0, 0), (0.125, 1), (0.25, 0), (0.5, 1), (0.75, 0)]


def test_a_region_may_be_narrower_than_floats_can_tell() -> None:
    # (t - 1)² against 2⁻¹³⁰, from 0 to 3
    found = regions_of(with_logits([1, -2, 1], [2.0**-130]), np.array([0.0]), np.array([3.0]))
    assert [region.classes for region in found] == [(0,), (1,), (0,)]
    assert float(found[1].start) == float(found[1].end) == 1 / 3


def test_left_and_right_may_be_swapped() -> None:
    layers = BilinearNetwork(3, 4, depth=2, width=3, hidden=4, residual=True).layers()
    start, end = np.array([2.0, -1.0, 0.5]), np.array([-2.0, 3.0, 1.0])
    found = class_regions(ExactNetwork(layers), start, end)
    assert len(found) > 1
    assert class_regions(ExactNetwork(swapped_in_one_layer(layers)), start, end) == found


def test_ends_may_differ_by_a_subnormal_number_that_the_processor_takes_for_zero() -> None:
    exact = ExactNetwork(with_logits([0.0, 1.0], [5e-324]))
    with flushing():
        regions = class_regions(exact, np.array([0.0]), np.array([2 * 5e-324]))
    assert [region.classes for region in regions] == [(1,), (0,)]
    assert regions[1].start == RealRoot.rational(Fraction(1, 2))


def test_inputs_may_differ_in_dtype() -> None:
    layers = with_logits([0, 1], [0.25])
    found = class_regions(ExactNetwork(layers), np.zeros(1, np.float32), np.array([0.1]))
    assert [region.classes for region in found] == [(1,)]


# Random lines


@pytest.mark.props
@given(st.data(), st.sampled_from([few, tame, wild]))
def test_regions_are_those_of_the_oracle(data: st.DataObject, elements: Any) -> None:
    layers = data.draw(stacks(elements=elements, outputs=data.draw(st.integers(2, 3))))
    start, end = data.draw(points(layers[0].linear.shape[1] - 1, elements=elements, count=2))
    assume((start != end).any())
    regions = regions_of(layers, start, end)
    assert regions_of(swapped_in_one_layer(layers), start, end) == regions


@pytest.mark.props
@given(st.lists(st.lists(few(), min_size=1, max_size=5), min_size=2, max_size=4))
def test_regions_of_chosen_logits_are_those_of_the_oracle(rows: list[list[float]]) -> None:
    regions_of(with_logits(*rows), np.array([-1.5]), np.array([2.0]))


# What is refused


@pytest.mark.parametrize("name", ["start", "end"])
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.zeros(2), r"to have shape \(1,\), got \(2,\)"),
        (np.zeros((1, 1)), r"to have shape \(1,\), got \(1, 1\)"),
        (0.5, r"to have shape \(1,\), got \(\)"),
        (np.array([np.nan]), r"to be finite, got nan at position \(0,\)"),
        (np.array([np.inf]), r"to be finite, got inf at position \(0,\)"),
        (np.array([1]), "to hold floats, got dtype int64"),
        (np.array([True]), "to hold floats, got dtype bool"),
        (["zero"], "to hold floats, got dtype <U4"),
        ([[1.0], [1.0, 2.0]], "to be a float array, got a list: "),
    ],
)
def test_an_end_is_finite_floats_of_the_right_shape(name: str, bad: Any, message: str) -> None:
    ends = {"start": np.array([0.25]), "end": np.array([0.5])} | {name: bad}
    with pytest.raises(AnalyticError, match=f"expected {name} {message}"):
        class_regions(ExactNetwork(with_logits([0, 1], [1])), **ends)


@pytest.mark.parametrize("end", [np.array([0.25]), np.array([0.25], np.float32)])
def test_a_line_has_two_ends(end: Array) -> None:
    message = "expected end to be another input than start, got the same"
    with pytest.raises(AnalyticError, match=message):
        class_regions(ExactNetwork(with_logits([0, 1], [1])), np.array([0.25]), end)
