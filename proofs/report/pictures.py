"""Pictures of features, of the training and of what few features keep, as matplotlib figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator

from numeric import Digits, Fidelity, InputShape, Layer, SquareLayer
from numeric.data.modular_addition import ModularAddition
from numeric.explanation.pictures import draw_input
from numeric.features.fourier import Mode, fourier_modes
from numeric.features.patterns import Pattern, Patterns
from numeric.files import replacing
from numeric.graphs.pruning import as_layers
from numeric.networks.training import Epoch

_FEATURES = 3
"""Features of each sign that are shown for an output."""

_CLASSES = 12
"""Classes that a picture has room for."""

_WIDER = 2.0
"""How wide names or three channels make a picture of a grid, in inches."""

_FORMS = 8
"""Hidden forms that are shown of each layer."""


def draw_pattern(axes: Axes, pattern: Pattern, shape: InputShape | None = None) -> Axes:
    """Draw a feature's reading of the inputs, red where it is positive and blue where negative.

    A feature's value is its reading squared, so the picture with the colours swapped is the same
    feature.

    Args:
        axes: where to draw.
        pattern: a feature.
        shape: of an input; left out, a square picture or bars.

    Returns:
        The same axes.
    """
    draw_input(axes, pattern.direction, shape)
    colour = "tab:red" if pattern.weight > 0 else "tab:blue"
    for spine in axes.spines.values():
        spine.set_edgecolor(colour)
        spine.set_linewidth(1.5)
    return axes


def save_pictures(draw: Callable[[], Mapping[str, Figure]], folder: Path) -> list[Path]:
    """Draw figures and write them as PNG files, in matplotlib's own style.

    A style of the user's may ask for LaTeX, which need not be there and takes ``%`` for a comment.

    Args:
        draw: makes the figures, by the name of their file.
        folder: receives the files.

    Returns:
        The files, in the order of the figures.

    Raises:
        NumericError: a file cannot be written.
    """
    paths = []
    with style.context("default"):
        for name, figure in draw().items():
            paths.append(folder / f"{name}.png")
            with replacing(paths[-1]) as temporary:
                figure.savefig(temporary, format="png", dpi=110)
    return paths


def logit_features(
    patterns: Patterns,
    classes: int,
    shape: InputShape | None = None,
    class_names: Sequence[str] = (),
) -> Figure:
    """Draw each class's strongest positive and negative features, a column a class.

    Args:
        patterns: of the network.
        classes: how many there are; of more than twelve the first twelve are drawn.
        shape: of an input; left out, a square picture or bars.
        class_names: one a class; left out, they are called by their number.
    """
    drawn = range(min(classes, _CLASSES))
    rows = [patterns.of_logit(label, _FEATURES) for label in drawn]
    titles = [class_names[label] if class_names else f"class {label}" for label in drawn]
    return _grid(rows, titles, shape, caption=patterns.last > 1)


def form_features(
    patterns: Patterns, number: int, size: int, shape: InputShape | None = None
) -> Figure:
    """Draw the features of a hidden layer's strongest forms, a column a form.

    Args:
        patterns: of the network.
        number: the hidden layer, from 1.
        size: the number of its forms, the constant included.
        shape: of an input; left out, a square picture or bars.
    """
    forms = patterns.strongest_forms(number, min(_FORMS, size - 1))
    rows = [patterns.of_form(number, form, _FEATURES) for form in forms]
    return _grid(rows, [f"form {form}" for form in forms], shape, caption=number > 1)


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


def draw_frontier(axes: Axes, measurements: Sequence[Fidelity]) -> Axes:
    """Draw how many predictions change with how few features, a line a method.

    Bars are the exact 95 % intervals of the shares. Where no prediction changes, the line leaves
    the picture at the bottom.

    Args:
        axes: where to draw.
        measurements: in any order, such as those of :func:`numeric.frontier`.

    Returns:
        The same axes.
    """
    methods = dict.fromkeys(found.method for found in measurements)
    for method in methods:
        line = sorted(
            (found for found in measurements if found.method == method),
            key=lambda found: found.features,
        )
        changed = [100 * (1 - found.agreement) for found in line]
        below = [100 * (found.interval[1] - found.agreement) for found in line]
        above = [100 * (found.agreement - found.interval[0]) for found in line]
        counts = [found.features for found in line]
        axes.errorbar(counts, changed, (below, above), marker=".", capsize=2, label=method)
    # A graph of no features has no place on a logarithmic axis.
    fewest = min((found.features for found in measurements), default=0)
    axes.set_xscale("log" if fewest > 0 else "linear")
    axes.set_yscale("log")
    axes.set_xlabel("features")
    axes.set_ylabel("changed predictions (%)")
    axes.set_xticks(sorted({found.features for found in measurements}))
    axes.set_xticks([], minor=True)
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:g}")
    axes.grid(visible=True, which="both", alpha=0.3)
    if methods:
        axes.legend()
    return axes


def draw_modes(axes: Axes, modes: Sequence[Mode]) -> Axes:
    """Draw of which frequency each feature is, and which share of it that explains.

    Args:
        axes: where to draw.
        modes: of features, from :func:`numeric.features.fourier.fourier_modes`.

    Returns:
        The same axes.
    """
    frequencies = [mode.frequency for mode in modes]
    axes.plot(frequencies, [100 * mode.share for mode in modes], "o", alpha=0.4)
    axes.set(xlabel="frequency", ylabel="explained share (%)", ylim=(0, 104))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(visible=True, alpha=0.3)
    return axes


def _grid(
    columns: Sequence[tuple[list[Pattern], list[Pattern]]],
    titles: Sequence[str],
    shape: InputShape | None,
    *,
    caption: bool,
) -> Figure:
    """Draw positive features in the upper rows and negative ones in the lower."""
    width = 1.15 if shape is None or shape.kind == "picture" else _WIDER
    figure = Figure(figsize=(width * len(columns), 1.4 * 2 * _FEATURES), layout="constrained")
    grid = figure.subplots(2 * _FEATURES, len(columns), squeeze=False)
    for axes in figure.axes:
        axes.set_axis_off()
    for column, ((positive, negative), title) in enumerate(zip(columns, titles, strict=True)):
        for side, found in enumerate((positive, negative)):
            for row, pattern in enumerate(found):
                axes = grid[side * _FEATURES + row, column]
                axes.set_axis_on()
                draw_pattern(axes, pattern, shape)
                through = f" ({'+' if pattern.sign > 0 else '−'})" if caption else ""
                label = f"{pattern.index}: {pattern.weight:+.2g}{through}"
                axes.set_xlabel(label, fontsize=7, labelpad=2)
        grid[0, column].set_title(title, fontsize=9)
    return figure


def all_pictures(
    layers: Sequence[Layer],
    eigen: Sequence[SquareLayer],
    shared: Sequence[SquareLayer],
    history: Sequence[Epoch],
    frontier: Sequence[Fidelity],
    digits: Digits | None = None,
    task: ModularAddition | None = None,
) -> Mapping[str, Figure]:
    """Draw every picture of a run.

    Args:
        layers: the network in the normal form.
        eigen: its eigenfeatures, layer by layer.
        shared: its shared features. Their layers stand for the network's, whose hidden states are
            in other bases.
        history: of the training; without it the picture of it is left out.
        frontier: what few features keep.
        digits: that it was trained on, whose shape and class names pictures have.
        task: that it learned, with which its shared features are compared.

    Returns:
        Figures by the name of their file; those of features name the graph that numbers them. Forms
        that no squares make, such as those of an embedding, have none.
    """
    figures: dict[str, Figure] = {}
    shape = None if digits is None else digits.shape
    names = () if digits is None else digits.class_names
    graphs = (("eigen", "", layers, eigen), ("shared", "shared-", as_layers(shared), shared))
    for graph, prefix, whole, squares in graphs:
        patterns, of_graph = Patterns(whole, squares), {}
        of_graph[f"{prefix}digits"] = logit_features(
            patterns, len(layers[-1].linear) - 1, shape, names
        )
        for number in range(1, patterns.last):
            size = len(squares[number - 1].linear)
            if any(side for form in range(1, size) for side in patterns.of_form(number, form, 1)):
                name = f"{prefix}forms-of-layer-{number}"
                of_graph[name] = form_features(patterns, number, size, shape)
        for figure in of_graph.values():
            figure.suptitle(f"features of the {graph} graph", fontsize=9)
        figures |= of_graph
    figures["frontier"] = Figure(figsize=(6.5, 3.5), layout="constrained")
    draw_frontier(figures["frontier"].subplots(), frontier)
    if history:
        figures["training"] = training_curve(history)
    if task is not None:
        figures["modes"] = Figure(figsize=(6.5, 2.6), layout="constrained")
        modes = fourier_modes(shared[0].readings[:, 1:], task.modulus)
        draw_modes(figures["modes"].subplots(), modes)
    return figures
