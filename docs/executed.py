"""What the executed pages share: theorems shown once they are proved, a small network, and the run.

The pages load the network of the run (``docs/run``) and some test digits: none of them trains.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import sympy
import torch
from cycler import cycler
from IPython.display import Markdown
from matplotlib.axes import Axes

from analytic import Derivation
from numeric import BilinearNetwork, load_network
from numeric.files import load_arrays

RUN = Path(__file__).parent / "run"

_LONGEST = 80
"""How many signs a row of a formula has at most."""

INK = "#7f8792"
"""Grey that is read on white and on black."""

COLOURS = ("#3b82c4", "#d97a2b", "#4a9d5b", "#b5577f")

DIVERGING = "RdBu_r"
"""The colours of pictures with signs: blue below 0, red above."""

mpl.rcParams.update(
    {
        "axes.edgecolor": INK,
        "axes.facecolor": "none",
        "axes.labelcolor": INK,
        "axes.prop_cycle": cycler(color=COLOURS),
        "axes.spines.right": False,
        "axes.spines.top": False,
        "figure.dpi": 110,
        "figure.facecolor": "none",
        "font.size": 9.0,
        "legend.frameon": False,
        "legend.labelcolor": INK,
        "text.color": INK,
        "xtick.color": INK,
        "ytick.color": INK,
    }
)


def proved(derivation: Derivation, lines: Sequence[int] = (0,)) -> Markdown:
    """Show what a derivation proves, once both sides have been found the same in all symbols.

    Args:
        derivation: made for sizes small enough to print.
        lines: which lines of the identity are printed; none of them where they are long.

    Raises:
        ArithmeticError: the two sides differ, so that there is nothing to show.
    """
    if not derivation.holds:
        raise ArithmeticError(f"the derivation of {derivation.name} fails: its two sides differ")
    shown = [f"*Executed: {derivation.statement}*"]
    for line in lines:
        left, right = _rows(derivation.left[line]), _rows(derivation.right[line])
        rows = [f"& {left[0]}", *(rf"& \quad {row}" for row in left[1:])]
        rows += [f"={{}} & {right[0]}", *(rf"& \quad {row}" for row in right[1:])]
        aligned = " \\\\\n".join(rows)
        shown.append(f"$$\n\\begin{{aligned}}\n{aligned}\n\\end{{aligned}}\n$$")
    return Markdown("\n\n".join(shown))


def _rows(side: sympy.Expr) -> list[str]:
    """Return a side in LaTeX, the terms of a long sum in rows that fit the page."""
    text = sympy.latex(side)
    if _width(text) <= _LONGEST:
        return [text]
    terms = sympy.Add.make_args(sympy.expand_mul(side, deep=False))
    if side.is_polynomial() and any(_width(sympy.latex(term)) > _LONGEST for term in terms):
        terms = sympy.Add.make_args(sympy.expand(side))
    rows: list[str] = []
    for term in terms:
        text = sympy.latex(term)
        text = text if text.startswith("-") or not rows else f"+ {text}"
        if rows and _width(rows[-1] + text) <= _LONGEST:
            rows[-1] += f" {text}"
        else:
            rows.append(text)
    return rows


def _width(text: str) -> int:
    """Return about how many signs LaTeX shows: commands are one, braces and spaces none."""
    return len(re.sub(r"[{}_^ ]", "", re.sub(r"\\(left|right)|\\[a-zA-Z]+", "", text)))


def small_network() -> BilinearNetwork:
    """Return the network that the pages print: two layers on two inputs, with weights in halves."""
    network = BilinearNetwork(2, 2, depth=2, width=2, hidden=2)
    weights = {
        "blocks.0.left.weight": [[1, 2], [1, -1]],
        "blocks.0.left.bias": [0, 0],
        "blocks.0.right.weight": [[0, -1], [1, 0]],
        "blocks.0.right.bias": [1, 0.5],
        "blocks.0.down.weight": [[1, 0], [0, 1]],
        "blocks.0.down.bias": [0, 0],
        "blocks.1.left.weight": [[1, 0], [1, 1]],
        "blocks.1.left.bias": [0.5, 0],
        "blocks.1.right.weight": [[0, 1], [1, 0]],
        "blocks.1.right.bias": [0, 0],
        "blocks.1.down.weight": [[1, 0], [0, 0.5]],
        "blocks.1.down.bias": [0.25, 0],
    }
    network.load_state_dict({name: torch.tensor(value) for name, value in weights.items()})
    return network


class Digits(NamedTuple):
    """Some test digits.

    Attributes:
        images: float32 from 0 to 1, shape (images, 784).
        labels: int64, shape (images,).
    """

    images: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]


def run_network() -> BilinearNetwork:
    """Return the network of the run: trained on MNIST, of two layers."""
    return load_network(RUN / "model.safetensors")


def run_digits() -> Digits:
    """Return the test digits of the run."""
    arrays, _ = load_arrays(RUN / "digits.safetensors")
    return Digits(arrays["images"], arrays["labels"])


def show_picture(axes: Axes, picture: npt.NDArray[Any], title: str = "") -> None:
    """Draw 784 signed numbers as a picture, 0 in the middle of its colours."""
    size = abs(picture).max()
    axes.imshow(picture.reshape(28, 28), cmap=DIVERGING, vmin=-size, vmax=size)
    axes.set_title(title, fontsize=8)
    axes.set(xticks=[], yticks=[])
