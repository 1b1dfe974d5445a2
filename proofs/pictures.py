"""Pictures of features and of the training, as plain matplotlib figures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from numeric.features.patterns import Pattern, Patterns
from numeric.training import Epoch

_FEATURES = 3
"""Features of each sign that are shown for an output."""

_FORMS = 8
"""Hidden forms that are shown of each layer."""


def draw_pattern(axes: Axes, pattern: Pattern) -> Axes:
    """Draw a feature's reading of the pixels, red where it is positive and blue where negative.

    A feature's value is its reading squared, so the picture with the colours swapped is the same
    feature.

    Args:
        axes: where to draw.
        pattern: a feature of inputs that form a square picture, or of any number of them, which
            become a row.

    Returns:
        The same axes.
    """
    side = math.isqrt(len(pattern.direction))
    shape = (side, side) if side * side == len(pattern.direction) else (1, -1)
    limit = float(abs(pattern.direction).max()) or 1.0
    axes.imshow(pattern.direction.reshape(shape), cmap="RdBu_r", vmin=-limit, vmax=limit)
    axes.set_xticks([])
    axes.set_yticks([])
    colour = "tab:red" if pattern.weight > 0 else "tab:blue"
    for spine in axes.spines.values():
        spine.set_edgecolor(colour)
        spine.set_linewidth(1.5)
    return axes


def logit_features(patterns: Patterns, classes: int) -> Figure:
    """Draw each class's strongest positive and negative features, a column a class."""
    rows = [patterns.of_logit(label, _FEATURES) for label in range(classes)]
    return _grid(rows, [f"class {label}" for label in range(classes)], caption=patterns.depth > 1)


def form_features(patterns: Patterns, number: int, size: int) -> Figure:
    """Draw the features of a hidden layer's strongest forms, a column a form.

    Args:
        patterns: of the network.
        number: the hidden layer, from 1.
        size: the number of its forms, the constant included.
    """
    forms = patterns.strongest_forms(number, min(_FORMS, size - 1))
    rows = [patterns.of_form(number, form, _FEATURES) for form in forms]
    return _grid(rows, [f"form {form}" for form in forms], caption=number > 1)


def training_curve(history: Sequence[Epoch]) -> Figure:
    """Draw loss and error by epoch."""
    figure = Figure(figsize=(7, 3), layout="constrained")
    curves = (
        ("training loss (nats)", "tab:gray", [epoch.loss for epoch in history]),
        ("test error (%)", "tab:red", [100 * (1 - epoch.accuracy) for epoch in history]),
    )
    for axes, (label, color, values) in zip(figure.subplots(1, 2), curves, strict=True):
        axes.plot(range(1, len(history) + 1), values, color=color, marker=".")
        axes.set_xlabel("epoch")
        axes.set_ylabel(label)
        # Zeros alone have no place on a logarithmic axis.
        axes.set_yscale("log" if max(values) > 0 else "linear")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter("{x:g}")
        axes.grid(visible=True, which="both", alpha=0.3)
    return figure


def _grid(
    columns: Sequence[tuple[list[Pattern], list[Pattern]]], titles: Sequence[str], *, caption: bool
) -> Figure:
    """Draw positive features in the upper rows and negative ones in the lower."""
    figure = Figure(figsize=(1.15 * len(columns), 1.4 * 2 * _FEATURES), layout="constrained")
    grid = figure.subplots(2 * _FEATURES, len(columns), squeeze=False)
    for axes in figure.axes:
        axes.set_axis_off()
    for column, ((positive, negative), title) in enumerate(zip(columns, titles, strict=True)):
        for side, found in enumerate((positive, negative)):
            for row, pattern in enumerate(found):
                axes = grid[side * _FEATURES + row, column]
                axes.set_axis_on()
                draw_pattern(axes, pattern)
                through = f" ({'+' if pattern.sign > 0 else '−'})" if caption else ""
                label = f"{pattern.index}: {pattern.weight:+.2g}{through}"
                axes.set_xlabel(label, fontsize=7, labelpad=2)
        grid[0, column].set_title(title, fontsize=9)
    return figure


def all_pictures(
    patterns: Patterns, sizes: Sequence[int], history: Sequence[Epoch]
) -> Mapping[str, Figure]:
    """Draw every picture of a run.

    Args:
        patterns: of the network.
        sizes: of each layer's output, the constant included.
        history: of the training; nothing is drawn where it is empty.

    Returns:
        Figures by the name of their file. The forms of an embedding have none: no squares make
        them.
    """
    figures = {"digits": logit_features(patterns, sizes[-1] - 1)}
    for number, size in enumerate(sizes[:-1], start=1):
        if any(side for form in range(1, size) for side in patterns.of_form(number, form, 1)):
            figures[f"forms-of-layer-{number}"] = form_features(patterns, number, size)
    if history:
        figures["training"] = training_curve(history)
    return figures
