"""No multipliers prove too large a radius, and without any part of the proof some would."""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofs import checker
from proofs.checker import Rejected, balls, cubes, layers, surroundings
from tests.proofs.checker.second import rationals
from tests.proofs.checker.second.surroundings import spread
from tests.strategies import any_stacks, few, matrices, tame
from tests.tensors import random_stack

SOURCE = Path(checker.__file__).parent
GRID = [0.5, 0.9, 1.25, *(10.0 ** np.arange(-1.5, 1.6, 0.5)).tolist()]


def layer(left: Any, right: Any, down: Any, linear: Any) -> Any:
    """A layer of the checker, from lists."""
    arrays = [np.array(part, dtype=np.float64) for part in (left, right, down, linear)]
    return layers.Layer(arrays[0], arrays[1], np.zeros_like(arrays[0]), arrays[2], arrays[3])


def square() -> Any:
    """A hidden state that is the square of a pixel or state."""
    return layer([[0, 1]], [[0, 1]], [[0], [1]], [[1, 0], [0, 0]])


def less_square() -> Any:
    """Two logits: 1 and the square of a state."""
    return layer([[0, 1]], [[0, 1]], [[0], [0], [1]], [[1, 0], [1, 0], [0, 0]])


def fourth_power() -> Any:
    return [square(), less_square()]


def eighth_power() -> Any:
    return [square(), *fourth_power()]


def aside() -> Any:
    """1 and the fourth power of the mean of 1 and a pixel, which both bends and moves."""
    stack = fourth_power()
    stack[0] = stack[0]._replace(left=np.array([[0.5, 0.5]]), right=np.array([[0.5, 0.5]]))
    return stack


def two_pixels() -> Any:
    """1 and the fourth power of the mean of 1 and a mean of two pixels that weigh 1 and 3."""
    side = [[0.5, 0.125, 0.375]]
    return [layer(side, side, [[0], [1]], [[1, 0, 0], [0, 0, 0]]), less_square()]


def two_pixels_bent() -> Any:
    """1 and the eighth power of a mean of two pixels that weigh 1 and 3."""
    side = [[0, 0.25, 0.75]]
    return [layer(side, side, [[0], [1]], [[1, 0, 0], [0, 0, 0]]), *fourth_power()]


def second_pixel() -> Any:
    """1 and the second of three pixels."""
    stack = [layer(np.zeros((0, 4)), np.zeros((0, 4)), np.zeros((3, 0)), [[1, 0, 0, 0]] * 2)]
    stack[0] = stack[0]._replace(linear=np.array([[1.0, 0, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0]]))
    return stack


def second_squared() -> Any:
    """1 and the square of the second of three pixels."""
    down, linear = [[0], [0], [1]], [[1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]
    return [layer([[0, 0, 1, 0]], [[0, 0, 1, 0]], down, linear)]


def bowl() -> Any:
    """1 + x²/2 and 3x/2: the parabola bends away."""
    down, linear = [[0], [0.5], [0]], [[1, 0], [1, 0], [0, 1.5]]
    return [layer([[0, 1]], [[0, 1]], down, linear)]


STACKS = [fourth_power, eighth_power, aside, second_pixel, second_squared, bowl]
"""Their first logit is the largest one at 0, and no longer at 1."""


def surrounded(
    module: Any, stack: Any, row: float = 1.0, bend: float = 1 + 1e-9, *, cubes: bool = False
) -> Any:
    """A stack near images, each hidden state of one number with a direction of a length."""
    hidden = [module.Rows(np.full((1, 1, 1), row), np.zeros((1, 0))) for _ in stack[1:]]
    layers = [module.Layer(*arrays) for arrays in stack]
    if cubes:
        return module.Cubes(layers, hidden)
    return module.Surroundings(layers, hidden, np.full(1, bend))


def provable(module: Any, build: Any, radius: float, **shape: Any) -> bool:
    """Whether any multipliers of a grid prove the class at 0 within a radius."""
    stack = build()
    near, image = surrounded(module, stack, **shape), np.zeros(stack[0].linear.shape[1] - 1)
    free = [0.0, -1.0, -0.5, 0.5, 1.0] if len(stack) == 2 else [0.0]
    most = GRID if len(stack) < 3 else GRID[:3] + GRID[5:8]
    grids = [most, *([free, most, [1.0]] * (len(stack) - 1))]
    with np.errstate(all="ignore"):
        return any(
            near.kept(image, 0, radius, *undivided(radius, factors)) for factors in product(*grids)
        )


def undivided(radius: float, factors: Sequence[float]) -> tuple[Any, Any]:
    """All of a ball as one slab, and what is to prove two margins in it."""
    ball, *rest = factors
    return np.array([[0, -2 * radius, 2 * radius]] * 2), np.array([[[ball, 0.0, *rest]]] * 2)


@pytest.mark.parametrize("build", STACKS)
def test_no_multipliers_prove_more_than_is_true(build: Any) -> None:
    assert provable(surroundings, build, 0.5)
    assert not provable(surroundings, build, 1.001)


@pytest.mark.parametrize("build", [two_pixels, two_pixels_bent])
def test_no_multipliers_prove_more_of_a_cube_than_is_true(build: Any) -> None:
    # The nearest point of another class lies at 4 / √10 > 1.26, and at 1 in every number.
    assert provable(cubes, build, 0.5, cubes=True)
    assert not provable(cubes, build, 1.001, cubes=True)
    assert provable(cubes, two_pixels, 1.001)


@pytest.mark.parametrize("seed", range(3))
def test_no_move_of_a_cube_bends_the_first_state_by_more_than_is_said(seed: int) -> None:
    draw, stack = np.random.default_rng(seed), random_stack([5, 2, 2, 3], seed=seed)
    rows, none = draw.normal(size=(3, 2, 2)), np.zeros((3, 0))
    hidden = [surroundings.Rows(rows, none)] * 2
    near, total = cubes.Cubes([layer(*each) for each in stack], hidden).around(np.ones(5), 0, 1)
    left, right, down, _ = stack[0]
    moves = draw.choice([-1.0, 1.0], size=(1000, 5))
    bent = ((moves @ left[:, 1:].T) * (moves @ right[:, 1:].T)) @ (rows[0] @ down[1:]).T
    longest, (_, bound) = (bent**2).sum(axis=1).max(), near.root(0)
    assert longest < bound * total**2 < 100 * longest


CUBES: dict[str, tuple[Any, tuple[str, str]]] = {
    "the number of pixels": (two_pixels, ("UP * radius * radius * total", "UP * radius * radius")),
    "the size of pixels": (two_pixels, ("exact(scale)", "exact(0.5 * scale)")),
    "what bends the first state": (
        two_pixels_bent,
        ("float(spectral(left))", "0.1 * float(spectral(left))"),
    ),
}


@pytest.mark.parametrize("case", CUBES.values(), ids=CUBES)
def test_without_a_part_of_the_proof_more_of_a_cube_is_proved(tmp_path: Path, case: Any) -> None:
    build, change = case
    assert provable(altered(tmp_path, change), build, 1.001, cubes=True)


def test_a_bound_of_bends_that_is_too_small_is_rejected() -> None:
    # A reduced basis gives such a bound: it may be up to a tenth too small.
    near = surrounded(surroundings, eighth_power(), bend=0.9)
    with pytest.raises(Rejected, match="bends may be larger than is said"):
        near.kept(np.zeros(1), 0, 0.1, *undivided(0.1, [1.0] * 7))


@pytest.mark.props
@given(any_stacks(), st.data())
def test_what_is_computed_of_bends_contains_the_exact_forms(
    stack: Any, data: st.DataObject
) -> None:
    layers = [layer(*arrays) for arrays in stack]
    # Forms are known exactly where moves of an image are its own.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(surroundings, "coordinates", lambda parts: (0.0, parts))
        near = surroundings.Surroundings(layers, [])
    level = data.draw(st.integers(0, len(layers) - 1))
    above, below = (size - 1 for size in layers[level].linear.shape)
    draw = st.sampled_from([few, tame])
    weights, rows, outer = (
        data.draw(matrices(shape, data.draw(draw)(), np.float64))
        for shape in ((1, above), (1, above), (below, below))
    )
    held, outer = balls.exact(rows).turned @ balls.exact(rows), abs(np.diag(outer))
    own = rationals.Layer(*map(rationals.matrix, stack[level]))
    inside = range(1, below + 1)
    forms = [rationals.part(own.output(o), inside, inside) for o in range(1, above + 1)]
    square, number = rationals.matrix(rows).transpose() * rationals.matrix(rows), outer.max()
    # A number stands for so many times the identity.
    for said, meant in ((number, number * np.eye(below)), (np.diag(outer), np.diag(outer))):
        exact = rationals.combined(forms, rationals.matrix(weights).entries())
        exact -= spread(forms, square, rationals.matrix(meant))
        with np.errstate(all="ignore"):
            try:
                overlaps = near.overlaps(level, balls.exact(said))
                found = near.bent(level, balls.exact(weights), held, overlaps)
            except Rejected:
                continue
        off = rationals.matrix(found.value) - exact
        room = rationals.matrix(found.error).entries()
        assert all(abs(one) <= most for one, most in zip(off.entries(), room, strict=True))


def test_no_bend_underflows() -> None:
    # The first state is a square, and moves by up to 2⁻³⁰⁰ within 2⁻¹⁵⁰, though along such a
    # direction 2⁻¹¹⁰⁰ bounds the square of that.
    near, square = surrounded(surroundings, eighth_power(), 2.0**-260, 2.0**-497), 2.0**-300
    around = surrounded(cubes, eighth_power(), 2.0**-260, cubes=True)
    for each in (near, around.around(np.zeros(1), 0, 1)[0]):
        (slope, *_) = each.point(np.zeros(1), None).slopes
        _, outer = each.outer(0, [slope], square)
        assert outer.most >= square**2


def test_directions_that_are_no_basis_are_rejected() -> None:
    near = surrounded(surroundings, eighth_power(), row=0.0)
    with pytest.raises(Rejected, match="the directions of a hidden state are no basis"):
        near.kept(np.zeros(1), 0, 0.1, *undivided(0.1, [1.0] * 7))


def altered(folder: Path, *changes: tuple[str, str]) -> ModuleType:
    """The checker with changes in its text, under another name."""
    name = "altered_checker"
    shutil.copytree(SOURCE, folder / name)
    texts = {path: path.read_text(encoding="utf-8") for path in (folder / name).rglob("*.py")}
    for old, new in changes:
        (path,) = [path for path, text in texts.items() if old in text]
        assert texts[path].count(old) == 1, old
        texts[path] = texts[path].replace(old, new)
        path.write_text(texts[path], encoding="utf-8")
    kept = [known for known in sys.modules if known.split(".")[0] == name]
    for known in kept:
        del sys.modules[known]
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        return importlib.import_module(f"{name}.cubes")


def provable_in_slabs(
    module: Any, build: Any, radius: float, ends: Sequence[float], *, cubes: bool = False
) -> bool:
    """Whether any multipliers of a grid prove the class at 0 in each slab."""
    stack = build()
    near, image = surrounded(module, stack, cubes=cubes), np.zeros(stack[0].linear.shape[1] - 1)
    square = radius * radius * (1 + 1e-9)
    if cubes:
        near, total = near.around(image, 0, 1)
        square *= total
    at = near.point(image, None)
    signs = balls.exact(np.array([[1.0, -1.0]]))
    found = near.slabs(image, signs, square, at, np.array([radius / 2, *ends]))
    tried = product([0.1, 0.3, 0.6, 1.0], [0.0, 0.3, 1.0, 3.0], [-0.5, 0.0, 0.5], [3.0], [1.0])
    grid = np.array(list(tried))
    with np.errstate(all="ignore"):
        return all(
            slab is None
            or any(
                near.positive(0, signs, square, _there(near, image, at, slab), slab, given)
                for given in grid
            )
            for slab in found
        )


def _there(near: Any, image: Any, at: Any, slab: Any) -> Any:
    return near.point(image, slab.centre * slab.direction) if slab.centre else at


@pytest.mark.parametrize("cube", [False, True])
def test_no_multipliers_prove_more_in_slabs_than_is_true(cube: bool) -> None:
    reach = 1.4 if cube else 1.1
    assert provable_in_slabs(cubes, aside, 0.9, [-reach, 0.5, reach], cubes=cube)
    assert not provable_in_slabs(cubes, aside, 1.001, [-reach, 0.5, reach], cubes=cube)


def test_slabs_that_leave_out_a_part_of_a_ball_are_rejected() -> None:
    near = surrounded(surroundings, aside())
    for ends in ([0.5, -1.0, 0.7], [0.5, -0.7, 1.0], [0.5, 1.0, -1.0]):
        given = np.array([ends] * 2), undivided(0.9, [1.0] * 4)[1]
        with pytest.raises(Rejected, match="slabs leave out a part of a ball"):
            near.kept(np.zeros(1), 0, 0.9, *given)


def test_slabs_beyond_the_ball_need_no_proof() -> None:
    near = surrounded(surroundings, aside())
    grid = list(product(GRID, [0.0, -0.5, 0.5], GRID, [1.0]))
    (ends, factors), *_ = (
        given
        for given in (undivided(0.5, each) for each in grid)
        if near.kept(np.zeros(1), 0, 0.5, *given)
    )
    empty = np.concatenate([factors, 0 * factors], axis=1)
    more = np.concatenate([ends, ends[:, -1:]], axis=1)
    assert near.kept(np.zeros(1), 0, 0.5, more, empty)
    shorter = np.concatenate([ends[:, :2], 0.1 * ends[:, -1:], ends[:, -1:]], axis=1)
    along = shorter + np.eye(1, 4) * 0.1
    assert not near.kept(np.zeros(1), 0, 0.5, along, empty)


QR = "np.linalg.qr((rows * scale).T)[0]"
ALTERED = {
    "the ball's sign": (
        fourth_power,
        ("exact(-UP * square))", "exact(UP * square))"),
    ),
    "the ball is left out": (
        fourth_power,
        ("exact(-UP * square))", "exact(0 * square))"),
    ),
    "the bends' sign": (fourth_power, ("held * exact(-0.25)", "held * exact(0.25)")),
    "no bend of the ball": (
        fourth_power,
        ("[exact(square)]", "[exact(0.5 * square)]"),
    ),
    "no bend below": (eighth_power, ("exact(UP * (1 + share)) + beside", "exact(UP)")),
    "a bound of bends is believed": (
        eighth_power,
        ('need(positive(left[None]), "bends may be larger than is said")', "pass"),
    ),
    "the bend's sign of a multiplier": (
        aside,
        ("gradients[level + 1] + pulled", "gradients[level + 1] + -pulled"),
    ),
    "no slope of a multiplier": (
        fourth_power,
        ("joined([-pulled, row], 1)", "joined([pulled * exact(0.0), row], 1)"),
    ),
    "the slope's sign of a multiplier": (aside, ("joined([-pulled", "joined([pulled")),
    "a basis of other pixels": (
        second_pixel,
        (QR, "np.eye(3)[:, :1]"),
        ("np.zeros_like(beside), beside", "np.zeros_like(beside), 0 * beside"),
    ),
    "squares beside a basis of other pixels": (
        second_squared,
        (QR, "np.eye(3)[:, :1]"),
        ("np.zeros_like(beside), beside", "np.zeros_like(beside), 0 * beside"),
    ),
    "a short basis": (
        second_squared,
        (QR, f"0.9 * {QR}"),
        ("np.zeros_like(beside), beside", "np.zeros_like(beside), 0 * beside"),
        ("square / (1 - self.skew)", "square"),
    ),
    "the factor 1/2 of a form": (
        bowl,
        ("(weights @ down)[0] * exact(0.5)", "(weights @ down)[0] * exact(1.0)"),
    ),
    "the factor 1/2 of a slope": (
        bowl,
        (
            "joined([gradients[0], row], 1) * exact(0.5)",
            "joined([gradients[0], row], 1) * exact(0.25)",
        ),
    ),
    "the factor 1/2 of a bend": (
        aside,
        ("self.bent(level, drawn,", "self.bent(level, drawn * exact(2.0),"),
    ),
    "no factor of Cholesky": (
        fourth_power,
        (
            "    except np.linalg.LinAlgError:\n        return False",
            "    except np.linalg.LinAlgError:\n        return True",
        ),
    ),
}


@pytest.mark.parametrize("case", ALTERED.values(), ids=ALTERED)
def test_without_a_part_of_the_proof_more_than_is_true_is_proved(tmp_path: Path, case: Any) -> None:
    build, *changes = case
    bend = 0.1 if "pass" in changes[0] else 1 + 1e-9
    assert provable(altered(tmp_path, *changes), build, 1.001, bend=bend)


@pytest.mark.parametrize(
    ("build", "basis"), [(second_pixel, "np.eye(3)[:, :1]"), (second_squared, f"0.9 * {QR}")]
)
def test_a_basis_that_is_off_is_made_up_for(tmp_path: Path, build: Any, basis: str) -> None:
    changed = altered(tmp_path, (QR, basis))
    assert not provable(changed, build, 1.001)
    assert provable(changed, build, 0.1)


SLABS: dict[str, tuple[list[float], tuple[str, str]]] = {
    "a part of the ball": (
        [-1.1, 0.5],
        ('need(ends[0] <= -reach and reach <= ends[-1], "slabs leave out a part of a ball")', "0"),
    ),
    "where the centre is": (
        [-1.1, 0.5, 1.1],
        ("exact(move[None])", "exact(move[None] * 0.5)"),
    ),
    "the ball around the image": (
        [-1.1, 0.5, 1.1],
        ("along * centre * exact(within)", "along * centre * exact(4 * within)"),
    ),
    "the end of a slab": (
        [-1.1, 0.5, 1.1],
        ("for end in (slab.low, slab.high)", "for end in (slab.low, slab.low)"),
    ),
    "empty slabs": ([-1.1, 0.5, 1.1], ("not (low > reach or", "not (low > 0.1 or")),
}


@pytest.mark.parametrize("case", SLABS.values(), ids=SLABS)
def test_without_a_part_of_the_proof_more_than_is_true_is_proved_in_slabs(
    tmp_path: Path, case: Any
) -> None:
    ends, change = case
    assert provable_in_slabs(altered(tmp_path, change), aside, 1.001, ends)
