"""Pictures of two networks beside each other, as matplotlib figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from numeric import Difference, Digits, InputShape
from numeric.comparison.disagreements import Disagreement
from numeric.comparison.kept_features import Exchange
from numeric.explanation.pictures import draw_input

_COLUMNS = 8
"""Features of each kind, and inputs, that are drawn."""

_CELL = 1.35
"""The width of a picture, in inches."""

_WIDER = 2.0
"""That of one with names or three channels."""

_EMPTY = 0.35
"""The height of a row that says that there is nothing."""


def comparison_pictures(
    differences: Sequence[Difference],
    exchange: Exchange,
    apart: Disagreement,
    digits: Digits,
) -> dict[str, Figure]:
    """Draw all that is shown of two networks.

    Args:
        differences: the directions by which they differ.
        exchange: the features that were kept, lost and gained.
        apart: the inputs on which they differ.
        digits: the inputs.

    Returns:
        ``"differences"``, if there are any, ``"features"`` and ``"inputs"``.
    """
    drawn = {"features": draw_exchange(exchange, digits), "inputs": draw_apart(apart, digits)}
    return ({"differences": draw_differences(differences, digits)} if differences else {}) | drawn


def draw_differences(differences: Sequence[Difference], digits: Digits) -> Figure:
    """Draw the pattern of each difference, and which outputs it is about.

    Args:
        differences: at least one, the strongest first.
        digits: whose inputs and classes they are about.
    """
    width = _width(digits.shape)
    figure = Figure(figsize=(width * len(differences), width + 1.4), layout="constrained")
    grid = figure.subplots(2, len(differences), squeeze=False, height_ratios=(width, 0.8))
    for number, (found, (above, below)) in enumerate(zip(differences, grid.T, strict=True)):
        draw_input(above, found.pattern, digits.shape)
        above.set_title(f"{number + 1}: {found.kind}\n{found.share:.1%}", fontsize=8)
        below.bar(range(len(found.outputs)), 100 * found.outputs, color="0.5")
        below.set(ylim=(0, 100), yticks=[0, 100] if number == 0 else [])
        below.tick_params(labelsize=6)
        if len(found.outputs) <= 10:
            names = [digits.called(label) for label in range(len(found.outputs))]
            below.set_xticks(range(len(names)), [name[:6] for name in names], fontsize=6)
    grid[1, 0].set_ylabel("by class (%)", fontsize=7)
    return figure


def draw_exchange(exchange: Exchange, digits: Digits) -> Figure:
    """Draw the largest features that were kept, lost and gained, a row each.

    Args:
        exchange: of two networks.
        digits: whose inputs and classes they are about.
    """
    rows = {
        name: [
            (
                feature.pattern,
                ("" if feature.output is None else f"{digits.called(feature.output)}: ")
                + f"{feature.kept:.2f}",
            )
            for feature in features
        ]
        for name, features in (
            ("kept", exchange.kept),
            ("lost", exchange.lost),
            ("gained", exchange.gained),
        )
    }
    return _rows(rows, digits.shape, ink=False)


def draw_apart(apart: Disagreement, digits: Digits) -> Figure:
    """Draw the inputs on which two networks differ most, with the class that each names.

    Args:
        apart: of two networks.
        digits: whose test inputs they were asked about.
    """
    called = digits.called
    shown = [
        (
            digits.test_images[k].astype(np.float64),
            f"{called(int(apart.first[k]))} → {called(int(apart.second[k]))}",
        )
        for k in apart.order[: 2 * _COLUMNS]
    ]
    rows = {"furthest": shown[:_COLUMNS], "apart": shown[_COLUMNS:]}
    return _rows({name: row for name, row in rows.items() if row}, digits.shape, ink=True)


def _rows(
    rows: dict[str, list[tuple[npt.NDArray[Any], str]]], shape: InputShape, *, ink: bool
) -> Figure:
    """Draw rows of inputs, each with a text below, and the name of the row beside it."""
    width = _width(shape)
    columns = max(1, min(_COLUMNS, max(map(len, rows.values()), default=0)))
    heights = [width + 0.25 if row else _EMPTY for row in rows.values()]
    figure = Figure(figsize=(width * columns + 0.6, sum(heights)), layout="constrained")
    grid = figure.subplots(len(rows), columns, squeeze=False, height_ratios=heights)
    for (name, shown), line in zip(rows.items(), grid, strict=True):
        for axes in line:
            axes.set_axis_off()
        line[0].text(-0.15, 0.5, name, transform=line[0].transAxes, ha="right", va="center")
        if not shown:
            line[0].text(0.5, 0.5, "none", transform=line[0].transAxes, ha="center", va="center")
        for axes, (values, text) in zip(line, shown, strict=False):
            axes.set_axis_on()
            draw_input(axes, values, shape, ink=ink)
            axes.set_xlabel(text, fontsize=8, labelpad=2)
    return figure


def _width(shape: InputShape) -> float:
    return _CELL if shape.kind == "picture" else _WIDER
