"""Pictures of robustness: what they show is what they were given, exactly, and readable."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from matplotlib import image, rc_context
from matplotlib._pylab_helpers import Gcf
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from numeric import NumericError
from proofs.errors import ProofError
from proofs.robustness.directions import Direction, Effect, EffectTable, Reach
from proofs.robustness.pictures import (
    directions_picture,
    draw_accuracy,
    draw_radii,
    neighbours_picture,
)
from tests.pictures import shown

Doubles = npt.NDArray[np.float64]

DISTANCE = "distance (Euclidean norm of the inputs)"


def some(count: int = 3, inputs: int = 9, **change: Any) -> dict[str, Any]:
    """Return the arguments of a picture of neighbours."""
    draw = np.random.default_rng(0)
    images = draw.random((count, inputs))
    points = images + 0.3 * draw.normal(size=images.shape)
    return {
        "images": images,
        "points": points,
        "predicted": np.arange(count) % 10,
        "rivals": (np.arange(count) + 4) % 10,
        "radii": np.linalg.norm(points - images, axis=1),
        "labels": np.arange(count) % 10,
    } | change


def radius_picture(*given: Any) -> Figure:
    figure = Figure(figsize=(6.5, 3.5), layout="constrained")
    assert draw_radii(figure.subplots(), *given).figure is figure
    return figure


def accuracy_picture(*given: Any) -> Figure:
    figure = Figure(figsize=(6.5, 3.5), layout="constrained")
    assert draw_accuracy(figure.subplots(), *given).figure is figure
    return figure


def grid_of(figure: Figure, rows: int) -> Any:
    return np.array(figure.axes).reshape(rows, -1)


def legend(axes: Axes) -> list[str]:
    found = axes.get_legend()
    assert found is not None
    return [text.get_text() for text in found.get_texts()]


def spread(count: int = 40) -> tuple[Doubles, Doubles, npt.NDArray[np.bool_]]:
    """Return radii, attacks beyond them, and which images are right."""
    draw = np.random.default_rng(0)
    radii = 2 * draw.random(count)
    return radii, radii * (1 + draw.random(count)), draw.random(count) < 0.8


# Neighbours


@pytest.mark.parametrize(("inputs", "shape"), [(9, (3, 3)), (10, (1, 10)), (1, (1, 1))])
@pytest.mark.parametrize("count", [1, 3])
def test_a_column_is_an_image_the_step_and_where_it_leads(
    count: int, inputs: int, shape: tuple[int, int]
) -> None:
    given_arguments = some(count, inputs)
    grid = grid_of(neighbours_picture(**given_arguments), 3)
    assert grid.shape == (3, count)
    for column, (top, middle, bottom) in enumerate(grid.T):
        image, point = given_arguments["images"][column], given_arguments["points"][column]
        assert {shown(axes).shape for axes in (top, middle, bottom)} == {shape}
        np.testing.assert_array_equal(shown(top).ravel(), image)
        np.testing.assert_array_equal(shown(middle).ravel(), point - image)
        np.testing.assert_array_equal(shown(bottom).ravel(), point)
        assert top.get_title() == f"{column} → {column + 4}"
        assert bottom.get_xlabel() == f"distance {given_arguments['radii'][column]:.3g}"
        assert middle.get_xlabel() == f"± {abs(point - image).max():.3g}"


def test_ink_is_black_in_both_and_the_step_red_where_it_adds() -> None:
    images = np.array([[0.0, 1, 0.5, 0.5]])
    points = np.array([[0.0, 1, 1.5, -0.25]])
    with rc_context({"image.origin": "lower"}):
        figure = neighbours_picture(**some(1, 4, images=images, points=points))
    top, middle, bottom = (axes.images[0] for axes in figure.axes)
    assert {axes.images[0].origin for axes in figure.axes} == {"upper"}
    for picture in (top, bottom):
        assert picture.get_clim() == (0, 1)
        colours = [picture.cmap(picture.norm(value))[:3] for value in (0.0, 1.0)]
        np.testing.assert_allclose(colours, [to_rgb("white"), to_rgb("black")])
        # Beyond the ends nothing changes any more.
        assert picture.cmap(picture.norm(1.5)) == picture.cmap(picture.norm(1.0))
    assert middle.get_clim() == (-1, 1)
    red, _, blue = middle.cmap(middle.norm(1.0))[:3]
    assert red > 2 * blue
    red, _, blue = middle.cmap(middle.norm(-1.0))[:3]
    assert blue > 2 * red
    assert min(middle.cmap(middle.norm(0.0))) > 0.9


def test_only_wrong_predictions_are_marked() -> None:
    arguments = some(3, labels=np.array([0, 7, 2]))
    titles = [axes.get_title() for axes in grid_of(neighbours_picture(**arguments), 3)[0]]
    assert titles == ["0 → 4", "1 → 5 (is 7)", "2 → 6"]


def test_a_step_of_nothing_is_drawn_too() -> None:
    arguments = some(1)
    arguments["points"] = arguments["images"]
    middle = neighbours_picture(**arguments).axes[1]
    assert middle.images[0].get_clim() == (-1, 1)
    assert middle.get_xlabel() == "± 0"


def test_float32_images_give_the_difference_in_float64() -> None:
    arguments = some(1)
    arguments["images"] = arguments["images"].astype(np.float32)
    middle = neighbours_picture(**arguments).axes[1]
    wanted = arguments["points"][0] - arguments["images"][0].astype(np.float64)
    np.testing.assert_array_equal(shown(middle).ravel(), wanted)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            {"images": np.zeros((0, 9))},
            ProofError,
            "expected images of shape (images, inputs), at least one, got (0, 9)",
        ),
        (
            {"images": np.zeros(9)},
            ProofError,
            "expected images of shape (images, inputs), at least one, got (9,)",
        ),
        (
            {"images": np.full((3, 9), np.nan)},
            NumericError,
            "expected images to be finite, got nan at position (0, 0)",
        ),
        (
            {"points": np.zeros((3, 4))},
            NumericError,
            "expected points to have shape (3, 9), got (3, 4)",
        ),
        (
            {"radii": np.array([1.0, np.inf, 1])},
            NumericError,
            "expected radii to be finite, got inf at position (1,)",
        ),
        (
            {"rivals": np.zeros(2, int)},
            ProofError,
            "expected rivals to be 3 classes, got shape (2,)",
        ),
        (
            {"labels": np.zeros((3, 1), int)},
            ProofError,
            "expected labels to be 3 classes, got shape (3, 1)",
        ),
    ],
)
def test_neighbours_that_do_not_fit_are_refused(
    change: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as caught:
        neighbours_picture(**some(**change))
    assert str(caught.value) == message


# Radii


def counted(axes: Axes) -> list[tuple[Doubles, Doubles]]:
    """Return counts and edges of each outline."""
    data = [patch.get_data() for patch in axes.patches if not patch.get_fill()]
    return [(np.asarray(found.values), np.asarray(found.edges)) for found in data]


def test_every_image_is_in_the_bin_of_its_radius() -> None:
    radii, attacked, _ = spread()
    (axes,) = radius_picture(radii, attacked).axes
    outlines = counted(axes)
    assert len(outlines) == 2
    for (counts, edges), found in zip(outlines, (radii, attacked), strict=True):
        assert (edges[0], edges[-1]) == (0, attacked.max())
        for count, low, high in zip(counts, edges, edges[1:], strict=False):
            inside = (low <= found) & ((found < high) | (high == edges[-1]))
            assert count == inside.sum()
    # An outline of other radii would be another.
    (other,) = radius_picture(radii * 0.9, attacked).axes
    assert (counted(other)[0][0] != outlines[0][0]).any()
    assert (counted(other)[1][0] == outlines[1][0]).all()


def test_medians_are_marked_and_written() -> None:
    radii, attacked, _ = spread()
    (axes,) = radius_picture(radii, attacked).axes
    places = [line.get_xdata()[0] for line in axes.lines]
    assert places == pytest.approx([np.median(radii), np.median(attacked)])
    assert legend(axes) == [
        f"certified, median {np.median(radii):.3g}",
        f"attacked, median {np.median(attacked):.3g}",
    ]
    assert axes.get_xlabel() == DISTANCE
    assert axes.get_ylabel() == "images a bin (of 40)"


def test_infinite_distances_are_counted_in_the_legend() -> None:
    radii = np.array([1.0, 2, 3, np.inf])
    attacked = np.array([1.5, np.inf, np.inf, np.inf])
    (axes,) = radius_picture(radii, attacked).axes
    assert [counts.sum() for counts, _ in counted(axes)] == [3, 1]
    assert len(axes.lines) == 1
    assert legend(axes) == [
        "certified, median 2.5 (1 infinite)",
        "attacked, median inf (3 infinite)",
    ]


# Accuracy


def at(axes: Axes, line: int, distance: float) -> float:
    """Return where a curve of steps is."""
    places, shares = axes.lines[line].get_data()
    assert axes.lines[line].get_drawstyle() == "steps-post"
    return float(np.asarray(shares)[np.searchsorted(np.asarray(places), distance, "right") - 1])


@pytest.mark.props
@given(data=st.data())
def test_curves_are_the_shares_of_images_that_are_right_beyond_a_distance(
    data: st.DataObject,
) -> None:
    count = data.draw(st.integers(1, 6))
    distances = hnp.arrays(
        np.float64, count, elements=st.sampled_from([0.0, 0.5, 1.0, 1.5, 2.0, math.inf, 5e-324])
    )
    radii, attacked = data.draw(distances), data.draw(distances)
    correct = data.draw(hnp.arrays(np.bool_, count))
    (axes,) = accuracy_picture(radii, correct, attacked).axes
    for line, found in enumerate((radii, attacked)):
        for place in (0.0, 5e-324, 0.25, 0.5, np.nextafter(0.5, 0), 1.0, 1.75, 2.0):
            wanted = 100 * np.mean(correct & (found > place))
            assert at(axes, line, place) == pytest.approx(wanted)


def test_a_radius_is_no_longer_counted_where_it_ends() -> None:
    radii, right = np.array([1.0, 2.0]), np.array([True, True])
    (axes,) = accuracy_picture(radii, right).axes
    assert at(axes, 0, np.nextafter(1.0, 0)) == 100
    assert at(axes, 0, 1.0) == 50
    assert at(axes, 0, 2.0) == 0


def test_what_is_shaded_lies_between_the_curves() -> None:
    radii, attacked, correct = spread()
    (axes,) = accuracy_picture(radii, correct, attacked).axes
    (shade,) = axes.collections
    shaded = shade.get_paths()[0].contains_point
    places = np.unique(np.concatenate([[0.0], radii, attacked]))
    # Just right of each step: elsewhere a curve that falls too early or too late is the same.
    for place in places + 0.1 * np.diff(places, append=places[-1]):
        low, high = (at(axes, line, place) for line in (0, 1))
        assert shaded((place, (low + high) / 2)) == (low < high)
        assert not shaded((place, low - 1))
        assert not shaded((place, high + 1))
    assert legend(axes) == [
        "neither certified nor refuted",
        "certified (at least)",
        "attacked (at most)",
    ]
    assert axes.get_xlabel() == DISTANCE
    assert axes.get_ylabel() == "right answers (% of 40 images)"
    assert axes.get_ylim() == (0, 100)


def test_without_an_attack_there_is_one_curve_and_nothing_shaded() -> None:
    radii, _, correct = spread()
    (axes,) = accuracy_picture(radii, correct).axes
    assert len(axes.lines) == 1
    assert not axes.collections
    assert legend(axes) == ["certified (at least)"]


@pytest.mark.parametrize(
    ("correct", "got"),
    [
        (np.ones(2, bool), "bool of shape (2,)"),
        (np.ones(3, int), "int64 of shape (3,)"),
        (np.ones((3, 1), bool), "bool of shape (3, 1)"),
    ],
)
def test_a_correctness_that_does_not_fit_is_refused(correct: Any, got: str) -> None:
    with pytest.raises(ProofError) as caught:
        accuracy_picture(np.ones(3), correct)
    assert str(caught.value) == f"expected correct to be 3 booleans, got {got}"


# Both


def accuracy_of_all(radii: Any, attacked: Any = None) -> Figure:
    return accuracy_picture(radii, np.ones(np.shape(radii), bool), attacked)


BOTH: list[Callable[..., Figure]] = [radius_picture, accuracy_of_all]


@pytest.mark.parametrize("draw", BOTH)
@pytest.mark.parametrize(
    ("radii", "attacked", "message"),
    [
        (np.zeros(0), None, "expected radii to have 1 axis, at least one image, got shape (0,)"),
        (
            np.zeros((2, 2)),
            None,
            "expected radii to have 1 axis, at least one image, got shape (2, 2)",
        ),
        (np.array([1, 2]), None, "expected radii to be float32 or float64, got int64"),
        (np.array([1.0, -1e-9]), None, "expected radii not to be negative, got -1e-09"),
        (np.array([np.nan]), None, "expected radii not to be negative, got nan"),
        (np.ones(2), np.ones(3), "expected attacked to have shape (2,), got shape (3,)"),
        (np.ones(2), np.array([1.0, np.nan]), "expected attacked not to be negative, got nan"),
        (
            np.ones(2),
            np.array([True, True]),
            "expected attacked to be float32 or float64, got bool",
        ),
    ],
)
def test_distances_that_are_none_are_refused(
    draw: Callable[..., Figure], radii: Any, attacked: Any, message: str
) -> None:
    with pytest.raises(ProofError) as caught:
        draw(radii, attacked)
    assert str(caught.value) == message


@pytest.mark.parametrize("draw", BOTH)
@pytest.mark.parametrize(
    ("radii", "attacked"),
    [
        (np.array([0.0]), None),
        (np.array([np.inf]), None),
        (np.array([0.0, np.inf]), np.array([np.inf, np.inf])),
        (np.array([5e-324]), np.array([1.0])),
        (np.array([5e-324]), None),
        (np.array([1e300]), np.array([1e301])),
        (np.array([1.0, 1, 1]), np.array([1.0, 1, 1])),
        (np.array([0.5, 1], np.float32), np.array([0.6, 1e6])),
        (np.array([3.0, 1]), np.array([1.0, 3])),
    ],
)
def test_any_distances_make_a_picture(
    tmp_path: Path, draw: Callable[..., Figure], radii: Any, attacked: Any
) -> None:
    draw(radii, attacked).savefig(tmp_path / "picture.png", dpi=50)
    assert image.imread(tmp_path / "picture.png").shape[1] == 325


@pytest.mark.parametrize("draw", BOTH)
def test_curves_can_be_told_apart_in_grey_as_in_colour(draw: Callable[..., Figure]) -> None:
    radii, attacked, _ = spread()
    (axes,) = draw(radii, attacked).axes
    first, second = axes.lines[:2]
    assert first.get_linestyle() != second.get_linestyle()
    assert first.get_color() != second.get_color()
    assert first.get_linewidth() > second.get_linewidth()


# Directions


def effect(own: int, rival: int, vector: Any, median: float = 2.0, random: float = 9.0) -> Effect:
    return Effect(
        Direction(own, rival, -1.0, np.array(vector, float)),
        5,
        Reach(median, ()),
        Reach(random, ()),
        Reach(1.0, ()),
        0.5,
    )


@pytest.mark.parametrize("inputs", [4, 5])
def test_a_direction_is_in_the_row_of_its_class_and_the_column_of_its_rival(inputs: int) -> None:
    first, second = np.arange(inputs) - 1.0, np.zeros(inputs)
    table = EffectTable((), (effect(0, 2, first, 2.346, 30.4), effect(2, 1, second)))
    grid = grid_of(directions_picture(table, 3), 3)
    np.testing.assert_array_equal(shown(grid[0, 2]).ravel(), first)
    np.testing.assert_array_equal(shown(grid[2, 1]).ravel(), second)
    assert grid[0, 2].get_xlabel() == "2.35 (30.4)"
    assert sum(axes.has_data() for axes in grid.flat) == 2
    assert [axes.get_title() for axes in grid[0]] == ["→ 0", "→ 1", "→ 2"]
    assert [axes.get_ylabel() for axes in grid[:, 0]] == ["0", "1", "2"]
    limits = {
        axes.images[0].get_clim() if axes.images else axes.get_xlim()
        for axes in grid.flat
        if axes.has_data()
    }
    assert limits == {(-abs(first).max(), abs(first).max())}


def test_the_first_direction_of_a_pair_is_drawn() -> None:
    table = EffectTable((), (effect(0, 1, [1, 0, 0, 0]), effect(0, 1, [0, 1, 0, 0], 3.0)))
    grid = grid_of(directions_picture(table, 2), 2)
    np.testing.assert_array_equal(shown(grid[0, 1]).ravel(), [1, 0, 0, 0])
    assert len(grid[0, 1].images) == 1
    assert grid[0, 1].get_xlabel() == "2 (9)"


def test_a_distance_that_is_never_gone_is_written_as_infinite() -> None:
    table = EffectTable((), (effect(1, 0, [1.0], math.inf, math.inf),))
    assert grid_of(directions_picture(table, 2), 2)[1, 0].get_xlabel() == "∞ (∞)"


@pytest.mark.parametrize(("own", "rival"), [(0, 3), (3, 0), (-1, 0)])
def test_directions_between_other_classes_are_refused(own: int, rival: int) -> None:
    with pytest.raises(ProofError, match=f"from 0 to 2, got a direction from {own} to {rival}"):
        directions_picture(EffectTable((), (effect(own, rival, [1.0]),)), 3)


# Files


def all_of_them() -> dict[str, Figure]:
    radii, attacked, correct = spread()
    table = EffectTable((), tuple(effect(i, (i + 1) % 3, np.arange(9)) for i in range(3)))
    return {
        "neighbours": neighbours_picture(**some()),
        "one": neighbours_picture(**some(1, 10)),
        "radii": radius_picture(radii, attacked),
        "accuracy": accuracy_picture(radii, correct, attacked),
        "directions": directions_picture(table, 3),
    }


def test_saved_pictures_have_their_size_and_the_same_bytes_every_time(tmp_path: Path) -> None:
    for name, figure in all_of_them().items():
        figure.savefig(tmp_path / f"{name}.png", dpi=50)
        height, width, _ = image.imread(tmp_path / f"{name}.png").shape
        assert (width, height) == pytest.approx(50 * figure.get_size_inches(), abs=1)
    for name, figure in all_of_them().items():
        figure.savefig(tmp_path / "again.png", dpi=50)
        assert (tmp_path / "again.png").read_bytes() == (tmp_path / f"{name}.png").read_bytes()


def test_other_radii_give_another_picture(tmp_path: Path) -> None:
    radii, attacked, correct = spread()
    for name, factor in (("one", 1.0), ("other", 0.9)):
        accuracy_picture(radii * factor, correct, attacked).savefig(tmp_path / f"{name}.png")
    assert (tmp_path / "one.png").read_bytes() != (tmp_path / "other.png").read_bytes()


def test_no_text_leaves_its_picture() -> None:
    for name, figure in all_of_them().items():
        assert outside(figure) == [], name
        figure.supxlabel(120 * "wide ")
        assert outside(figure) == [120 * "wide "]


def outside(figure: Figure) -> list[str]:
    """Return the titles and labels that reach beyond the left or the right of a picture."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    texts = [*figure.texts]
    for axes in figure.axes:
        texts += [axes.title, axes.xaxis.label, axes.yaxis.label]
    whole, found = figure.bbox, []
    for text in texts:
        box = text.get_window_extent(canvas.get_renderer())
        if text.get_text() and (box.x0 < whole.x0 or box.x1 > whole.x1):
            found.append(text.get_text())
    return found


def test_no_picture_is_left_behind_in_pyplot() -> None:
    all_of_them()
    assert Gcf.get_all_fig_managers() == []
