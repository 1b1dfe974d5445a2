"""Pictures of two networks beside each other."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from numeric import BilinearNetwork, Digits, InputShape, differences, exchanged_features
from numeric.comparison.disagreements import disagreement
from proofs.report.comparison_pictures import comparison_pictures
from tests.digits import small_digits

FIRST, SECOND = (BilinearNetwork(9, 3, depth=1, hidden=6, seed=seed) for seed in (0, 1))
PLAIN = small_digits(inputs=9, classes=3)


def pictures(digits: Digits = PLAIN, first: Any = FIRST) -> dict[str, Figure]:
    return comparison_pictures(
        differences(first, SECOND, 2),
        exchanged_features(first, SECOND, 1),
        disagreement(first, SECOND, digits.test_images),
        digits,
    )


def drawn(figure: Figure) -> list[Axes]:
    return [axes for axes in figure.axes if axes.has_data()]


def test_differences_are_drawn_with_what_they_are_about() -> None:
    first, second = differences(FIRST, SECOND, 2)
    above = drawn(pictures()["differences"])
    shown = above[0].get_images()[0].get_array()
    np.testing.assert_array_equal(shown, first.pattern.reshape(3, 3))
    assert above[1].get_title() == f"2: {second.kind}\n{second.share:.1%}"
    heights = [bar.get_height() for bar in above[2].patches]
    np.testing.assert_allclose(heights, 100 * first.outputs)


def test_features_stand_in_the_row_of_what_became_of_them() -> None:
    exchange = exchanged_features(FIRST, SECOND, 1)
    texts = [axes.get_xlabel() for axes in drawn(pictures()["features"])]
    wanted = [
        f"{feature.output}: {feature.kept:.2f}"
        for group in (exchange.kept, exchange.lost, exchange.gained)
        for feature in group
    ]
    assert [text for text in texts if text] == wanted


def test_of_the_same_network_nothing_was_lost_and_nothing_is_drawn_of_it() -> None:
    found = pictures(first=SECOND)
    assert "differences" not in found
    words = [text.get_text() for axes in found["features"].axes for text in axes.texts]
    assert words == ["kept", "lost", "none", "gained", "none"]


def test_inputs_are_drawn_in_their_order_with_both_classes() -> None:
    digits = Digits(*PLAIN.arrays, class_names=("a", "b", "c"))
    apart = disagreement(FIRST, SECOND, digits.test_images)
    axes = drawn(pictures(digits)["inputs"])
    first = apart.order[0]
    assert axes[0].get_xlabel() == f"{'abc'[apart.first[first]]} → {'abc'[apart.second[first]]}"
    shown = axes[0].get_images()[0].get_array()
    np.testing.assert_array_equal(shown, digits.test_images[first].reshape(3, 3))
    assert len(axes) == len(digits.test_images)


def test_bars_are_drawn_too() -> None:
    shape = InputShape((9,), (tuple("abcdefghi"),))
    assert all(drawn(figure) for figure in pictures(Digits(*PLAIN.arrays, shape=shape)).values())
