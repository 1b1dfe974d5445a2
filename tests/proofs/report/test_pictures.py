"""Pictures: figures for networks of any shape, and nothing left behind in matplotlib."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib import image, rc_context, rcParams
from matplotlib._pylab_helpers import Gcf
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from numeric import BilinearNetwork, Fidelity, Layer, square_layers, trace
from numeric.data.modular_addition import ModularAddition
from numeric.features.fourier import Mode, fourier_modes
from numeric.features.patterns import Pattern, Patterns
from numeric.graphs.fidelity import binomial_interval
from numeric.networks.training import Epoch
from proofs.report.pictures import (
    all_pictures,
    draw_frontier,
    draw_modes,
    draw_pattern,
    form_features,
    logit_features,
    save_pictures,
    training_curve,
)
from tests.pictures import shown


def frontier_curve(measurements: list[Fidelity]) -> Figure:
    figure = Figure(figsize=(6.5, 3.5), layout="constrained")
    assert draw_frontier(figure.subplots(), measurements).figure is figure
    return figure


def network(inputs: int = 9, depth: int = 2, **shape: Any) -> BilinearNetwork:
    return BilinearNetwork(inputs, 3, depth=depth, width=4, hidden=5, **shape)


def patterns_of(model: BilinearNetwork) -> Patterns:
    return Patterns(model.layers(), square_layers(trace(model)))


def pattern(direction: Any, weight: float = 1.0) -> Pattern:
    return Pattern(0, weight, 1.0, np.array(direction, dtype=float), 1)


def drawn(figure: Figure) -> list[Axes]:
    return [axes for axes in figure.axes if axes.has_data()]


# One pattern


@pytest.mark.parametrize(
    ("inputs", "shape"), [(9, (3, 3)), (1, (1, 1)), (10, (1, 10)), (2, (1, 2))]
)
def test_a_pattern_of_a_square_number_of_inputs_is_a_square_and_bars_else(
    inputs: int, shape: tuple[int, int]
) -> None:
    direction = np.linspace(-1, 2, inputs)
    with rc_context({"image.origin": "lower"}):
        axes = draw_pattern(Figure().subplots(), pattern(direction))
    assert all(picture.origin == "upper" for picture in axes.images)
    assert len(axes.images) == (inputs in (1, 9))
    assert shown(axes).shape == shape
    np.testing.assert_array_equal(shown(axes).ravel(), direction)


def test_a_pattern_fills_its_colours_and_none_is_the_middle() -> None:
    (picture,) = draw_pattern(Figure().subplots(), pattern([0.5, -2, 0, 0])).images
    assert picture.get_clim() == (-2, 2)
    assert picture.norm(0.0) == 0.5


def test_an_empty_pattern_is_drawn_too() -> None:
    (picture,) = draw_pattern(Figure().subplots(), pattern([0, 0, 0, 0])).images
    assert picture.get_clim() == (-1, 1)


@pytest.mark.parametrize(("weight", "colour"), [(0.5, "tab:red"), (-0.5, "tab:blue")])
def test_the_frame_says_whether_a_feature_adds_or_takes(weight: float, colour: str) -> None:
    axes = draw_pattern(Figure().subplots(), pattern([1, 2, 3, 4], weight))
    assert {spine.get_edgecolor() for spine in axes.spines.values()} == {to_rgba(colour)}


# Grids


@pytest.mark.parametrize("inputs", [9, 10])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_every_class_is_a_column_of_positive_features_above_negative_ones(
    inputs: int, depth: int
) -> None:
    model = network(inputs, depth)
    patterns = patterns_of(model)
    figure = logit_features(patterns, 3)
    grid = np.array(figure.axes).reshape(6, 3)
    assert [axes.get_title() for axes in grid[0]] == ["class 0", "class 1", "class 2"]
    for label, column in enumerate(grid.T):
        for side, found in enumerate(patterns.of_logit(label, 3)):
            for row, expected in enumerate(found):
                axes = column[3 * side + row]
                np.testing.assert_array_equal(shown(axes).ravel(), expected.direction)
                assert axes.get_xlabel().startswith(f"{expected.index}: {expected.weight:+.2g}")
            assert not any(axes.has_data() for axes in column[3 * side + len(found) : 3 * side + 3])


def test_only_deep_features_say_how_their_pattern_enters_what_they_read() -> None:
    for depth, signs in ((1, False), (2, True)):
        labels = [
            axes.get_xlabel()
            for axes in drawn(logit_features(patterns_of(network(depth=depth)), 3))
        ]
        assert all(label.endswith(("(+)", "(−)")) == signs for label in labels)


@pytest.mark.parametrize("kept", [1, -1])
def test_a_class_without_features_of_a_sign_leaves_their_places_empty(kept: int) -> None:
    model = network(depth=1)
    with torch.no_grad():
        model.blocks[0].right.load_state_dict(model.blocks[0].left.state_dict())
        model.blocks[0].down.weight.abs_().mul_(kept)
    grid = np.array(logit_features(patterns_of(model), 3).axes).reshape(6, 3)
    full, empty = (grid[:3], grid[3:])[::kept]
    assert all(axes.images for axes in full.ravel())
    assert not any(axes.images or axes.axison for axes in empty.ravel())


def test_a_class_of_no_features_at_all_has_its_title_alone() -> None:
    model = network(depth=1)
    with torch.no_grad():
        model.blocks[0].down.weight[1] = 0
    figure = logit_features(patterns_of(model), 3)
    assert len(drawn(figure)) == 12
    assert not any(axes.has_data() for axes in figure.axes[1::3])
    assert figure.axes[1].get_title() == "class 1"


def test_the_strongest_forms_of_a_layer_are_columns() -> None:
    model = network(depth=3)
    patterns = patterns_of(model)
    for number in (1, 2):
        figure = form_features(patterns, number, 5)
        titles = [f"form {form}" for form in patterns.strongest_forms(number, 4)]
        assert [axes.get_title() for axes in figure.axes[:4]] == titles
        captions = [axes.get_xlabel() for axes in drawn(figure)]
        assert all(caption.endswith(")") == (number > 1) for caption in captions)


def test_no_more_than_eight_forms_are_shown() -> None:
    model = BilinearNetwork(9, 3, width=12, hidden=5)
    assert len(form_features(patterns_of(model), 1, 13).axes) == 6 * 8


# Training


@pytest.mark.parametrize("count", [1, 2, 30])
def test_the_training_is_drawn_from_the_first_epoch_to_the_last(count: int) -> None:
    history = [Epoch(2.0 / (1 + number), 0.5 + 0.4 * number / count) for number in range(count)]
    loss, error = training_curve(history).axes
    np.testing.assert_array_equal(loss.lines[0].get_xdata(), np.arange(1, count + 1))
    np.testing.assert_array_equal(loss.lines[0].get_ydata(), [epoch.loss for epoch in history])
    assert error.lines[0].get_ydata()[0] == 50
    assert (loss.get_yscale(), error.get_yscale()) == ("log", "log")
    assert loss.lines[0].get_marker() == "."


@pytest.mark.parametrize(
    "history", [[Epoch(0.5, 1.0)], [Epoch(0.0, 0.5)], [Epoch(0.5, 0.9), Epoch(0.1, 1.0)]]
)
def test_a_training_without_any_error_is_drawn_too(history: list[Epoch], tmp_path: Path) -> None:
    training_curve(history).savefig(tmp_path / "training.png")


# What few features keep


def measured(method: str, features: int, agreeing: int, images: int = 1000) -> Fidelity:
    interval = binomial_interval(agreeing, images)
    return Fidelity(method, features, 0, images, agreeing, interval, 0.9, 1.0, 0.1, 0.01, 0.9)


def lines(axes: Axes) -> dict[str, Any]:
    return {bars.get_label(): bars for bars in axes.containers}


def test_every_method_is_a_line_of_changed_predictions_by_features() -> None:
    measurements = [
        measured("shared", 200, 990),
        measured("eigen", 100, 400),
        measured("shared", 50, 700),
    ]
    (axes,) = frontier_curve(measurements).axes
    drawn = {name: bars.lines[0].get_xydata().tolist() for name, bars in lines(axes).items()}
    np.testing.assert_allclose(drawn["shared"], [[50, 30], [200, 1]])
    np.testing.assert_allclose(drawn["eigen"], [[100, 60]])
    assert axes.get_legend() is not None
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert axes.get_xticks().tolist() == [50, 100, 200]


def test_bars_are_the_intervals() -> None:
    found = measured("shared", 50, 990)
    (axes,) = frontier_curve([found]).axes
    (segment,) = lines(axes)["shared"].lines[2][0].get_segments()
    np.testing.assert_allclose(segment[:, 1], [100 * (1 - end) for end in found.interval[::-1]])
    assert segment[0, 1] < 1 < segment[1, 1]


@pytest.mark.parametrize(
    "measurements",
    [
        [],
        [measured("shared", 3, 1000)],
        [measured("shared", 3, 0)],
        [measured("shared", 0, 100), measured("shared", 3, 1000)],
        [measured("shared", 1, 0, images=1)],
    ],
)
def test_any_measurements_make_a_picture(tmp_path: Path, measurements: list[Fidelity]) -> None:
    frontier_curve(measurements).savefig(tmp_path / "frontier.png")
    assert (tmp_path / "frontier.png").stat().st_size > 0


# All of them


@cache
def pictures_of(inputs: int = 9, **shape: Any) -> Mapping[str, Figure]:
    model = network(inputs, **shape)
    eigen = square_layers(trace(model))
    shared = square_layers(trace(model, "shared", features=8))
    frontier = [measured("shared", 4, 800), measured("shared", 8, 990)]
    return all_pictures(model.layers(), eigen, shared, [Epoch(1.0, 0.5)], frontier)


@pytest.mark.parametrize(
    ("shape", "forms", "shared_forms"),
    [
        ({"depth": 1}, [], []),
        ({"depth": 2}, [1], [1]),
        ({"depth": 3}, [1, 2], [1, 2]),
        # Nothing that is squared makes the forms of an embedding.
        ({"depth": 2, "embedding": True}, [2], [2]),
        ({"depth": 1, "embedding": True}, [], []),
    ],
)
def test_a_run_has_pictures_of_its_classes_and_of_each_layer_that_squares_make(
    shape: dict[str, Any], forms: list[int], shared_forms: list[int]
) -> None:
    assert list(pictures_of(**shape)) == [
        "digits",
        *[f"forms-of-layer-{number}" for number in forms],
        "shared-digits",
        *[f"shared-forms-of-layer-{number}" for number in shared_forms],
        "frontier",
        "training",
    ]


def test_the_features_of_a_task_are_shown_by_their_frequencies() -> None:
    modes = [Mode(3, 0.75), Mode(1, 1.0)]
    axes = draw_modes(Figure().subplots(), modes)
    (dots,) = axes.lines
    assert dots.get_xdata().tolist() == [3, 1]
    assert dots.get_ydata().tolist() == [75, 100]
    task = ModularAddition(5)
    model = BilinearNetwork(10, 5, depth=1, hidden=6)
    squares = square_layers(trace(model, "polarized"))
    drawn = model.layers(), squares, squares, [Epoch(1.0, 0.5)], [], task.data(), task
    figures = all_pictures(*drawn)
    frequencies = figures["modes"].axes[0].lines[0].get_xdata().tolist()
    modes = fourier_modes(squares[0].readings[:, 1:], 5)
    assert frequencies == [mode.frequency for mode in modes]
    assert [axes.get_title() for axes in figures["digits"].axes[:5]] == [*"01234"]


def test_of_many_classes_the_first_twelve_are_drawn() -> None:
    model = BilinearNetwork(4, 14, depth=1, hidden=3)
    assert len(logit_features(patterns_of(model), 14).axes) == 6 * 12


def test_pictures_of_features_name_their_graph() -> None:
    for name, figure in pictures_of(depth=2).items():
        graph = "shared" if name.startswith("shared") else "eigen"
        numbered = "forms" in name or "digits" in name
        assert figure.get_suptitle() == (f"features of the {graph} graph" if numbered else "")


def test_the_number_in_a_picture_is_that_of_the_node_in_the_graph() -> None:
    model = network(depth=1)
    eigen, polarized = trace(model, "eigen"), trace(model, "polarized")
    for feature in Patterns(model.layers(), square_layers(eigen)).of_logit(1, 3)[0]:
        node = ("feature", 1, feature.index)
        pixels = eigen.nodes[node]["direction"][1:]
        assert (pixels == feature.direction).all() or (pixels == -feature.direction).all()
        other = polarized.nodes.get(node, {"direction": np.zeros(10)})["direction"][1:]
        assert not np.allclose(abs(other), abs(pixels))


def test_shared_features_are_drawn_from_their_own_layers() -> None:
    model = network()
    squares = square_layers(trace(model, "shared", features=8))
    patterns = Patterns(
        [Layer(y.readings, y.readings, y.mixing, y.linear) for y in squares], squares
    )
    grid = np.array(pictures_of()["shared-digits"].axes).reshape(6, 3)
    for label, column in enumerate(grid.T):
        for side, found in enumerate(patterns.of_logit(label, 3)):
            for axes, expected in zip(column[3 * side :], found, strict=False):
                np.testing.assert_array_equal(shown(axes).ravel(), expected.direction)
                assert axes.get_xlabel().startswith(f"{expected.index}: {expected.weight:+.2g}")


@pytest.mark.parametrize("inputs", [9, 10])
def test_a_saved_picture_opens_with_its_size(tmp_path: Path, inputs: int) -> None:
    for name, figure in pictures_of(inputs).items():
        figure.savefig(tmp_path / f"{name}.png", dpi=50)
        height, width, _ = image.imread(tmp_path / f"{name}.png").shape
        assert (width, height) == pytest.approx(50 * figure.get_size_inches(), abs=1)


def test_the_same_network_gives_the_same_picture(tmp_path: Path) -> None:
    for name in ("one", "other"):
        logit_features(patterns_of(network()), 3).savefig(tmp_path / name, format="png", dpi=50)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_saved_pictures_are_the_same_in_any_style_of_the_user_s(tmp_path: Path) -> None:
    """LaTeX is not there for the tests, and would take the frontier's % for a comment."""
    model = network()

    def figures() -> dict[str, Figure]:
        return {"digits": logit_features(patterns_of(model), 3), "frontier": frontier_curve([])}

    ours = save_pictures(figures, tmp_path / "ours")
    assert ours == [tmp_path / "ours" / name for name in ("digits.png", "frontier.png")]
    with rc_context({"axes.facecolor": "black"}):
        figures()["frontier"].savefig(tmp_path / "styled.png", format="png", dpi=110)
    assert (tmp_path / "styled.png").read_bytes() != ours[1].read_bytes()
    with rc_context({"text.usetex": True, "axes.facecolor": "black", "image.origin": "lower"}):
        theirs = save_pictures(figures, tmp_path / "theirs")
        assert rcParams["text.usetex"]
    assert [path.read_bytes() for path in ours] == [path.read_bytes() for path in theirs]


def test_no_picture_is_left_behind_in_pyplot() -> None:
    pictures_of()
    assert Gcf.get_all_fig_managers() == []
