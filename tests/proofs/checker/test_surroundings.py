"""No multipliers prove too large a radius, and without any part of the proof some would."""

from __future__ import annotations

import importlib
import shutil
import sys
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from proofs import checker
from proofs.checker import layers, surroundings

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
    return [square(), less_square()], np.eye(1), [np.eye(1)]


def eighth_power() -> Any:
    return [square(), *fourth_power()[0]], np.eye(1), [np.eye(1)] * 2


def rounded_root() -> Any:
    return [square(), less_square()], np.eye(1), [np.eye(1) * 0.6]


def shorter_basis() -> Any:
    return [less_square()], np.eye(1) * 0.9, []


def beside() -> Any:
    """1 and the second pixel, where the first one is followed."""
    stack = [layer(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros((3, 0)), [[1, 0, 0]] * 2)]
    stack[0] = stack[0]._replace(linear=np.array([[1.0, 0, 0], [1, 0, 0], [0, 0, 1]]))
    return stack, np.eye(2)[:, :1], []


def beside_squared() -> Any:
    """1 and the square of the second pixel, where the first one is followed."""
    down, linear = [[0], [0], [1]], [[1, 0, 0], [1, 0, 0], [0, 0, 0]]
    return [layer([[0, 0, 1]], [[0, 0, 1]], down, linear)], np.eye(2)[:, :1], []


def bowl() -> Any:
    """1 + x²/2 and 3x/2: the parabola bends away."""
    down, linear = [[0], [0.5], [0]], [[1, 0], [1, 0], [0, 1.5]]
    return [layer([[0, 1]], [[0, 1]], down, linear)], np.eye(1), []


STACKS = [
    fourth_power,
    eighth_power,
    rounded_root,
    shorter_basis,
    beside,
    beside_squared,
    bowl,
]
"""Their first logit is the largest one at 0, and no longer at 1."""


def provable(module: Any, build: Any, radius: float) -> bool:
    """Whether any multipliers of a grid prove the class at 0 within a radius."""
    stack, basis, roots = build()
    near = module.Surroundings([module.Layer(*arrays) for arrays in stack], basis, roots)
    image = np.zeros(len(basis))
    with np.errstate(all="ignore"):
        return any(
            near.kept(image, 0, radius, np.array([[0.0] * len(stack), factors]))
            for factors in product(GRID, repeat=len(stack))
        )


@pytest.mark.parametrize("build", STACKS)
def test_no_multipliers_prove_more_than_is_true(build: Any) -> None:
    assert provable(surroundings, build, 0.5)
    assert not provable(surroundings, build, 1.001)


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
        return importlib.import_module(f"{name}.surroundings")


ALTERED = {
    "the ball's sign": (fourth_power, "-UP * square * factors", "UP * square * factors"),
    "the ball is left out": (fourth_power, "-UP * square * factors", "0 * square * factors"),
    "the bends' sign": (fourth_power, "forms += -(exact", "forms += (exact"),
    "no bend of the ball": (
        fourth_power,
        "self.spread[0] * exact(square)",
        "self.spread[0] * exact(0.5)",
    ),
    "no bend below": (eighth_power, "+ bent * exact(UP * (1 + 1 / share))", ""),
    "a bend forgotten": (eighth_power, "if level < len(spreads)", "if level == 1"),
    "a short basis": (shorter_basis, "radius * radius / (1 - self.skew)", "radius * radius"),
    "slopes beside": (beside, "UP * (missing + 2", "UP * (0 + 2"),
    "squares beside": (beside_squared, "2 * radius * self.crossed", "0"),
    "the factor 1/2 of a form": (
        bowl,
        "(forms + forms.turned) * exact(0.5)",
        "forms + forms.turned",
    ),
    "the factor 1/2 of a slope": (bowl, "@ moves[0]) * exact(0.5)", "@ moves[0]) * exact(0.25)"),
    "no factor of Cholesky": (
        fourth_power,
        "    except np.linalg.LinAlgError:\n        return False",
        "    except np.linalg.LinAlgError:\n        return True",
    ),
}


@pytest.mark.parametrize(("build", "old", "new"), ALTERED.values(), ids=ALTERED)
def test_without_a_part_of_the_proof_more_than_is_true_is_proved(
    tmp_path: Path, build: Any, old: str, new: str
) -> None:
    assert provable(altered(tmp_path, (old, new)), build, 1.001)


def test_an_inverse_that_is_far_off_is_made_up_for(tmp_path: Path) -> None:
    inverse = ("np.linalg.inv(root.value)", "np.eye(len(root.value))")
    loss = ("UP / (1 - float(loss)) ** 2", "1.0")
    assert not provable(altered(tmp_path / "one", inverse), rounded_root, 1.001)
    assert provable(altered(tmp_path / "two", inverse, loss), rounded_root, 1.001)
