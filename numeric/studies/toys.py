r"""Networks that learn AND and XOR of pairs of inputs, read exactly from their weights.

Without biases a layer is :math:`y_o = x^\top Q_o x`. On inputs that are 0 or 1 squares are the
inputs themselves, and only one such form is a gate everywhere:

.. math::
    x_i \wedge x_j = x_i x_j, \qquad x_i \oplus x_j = (x_i - x_j)^2.

So AND takes two eigenfeatures, :math:`\frac14 (x_i + x_j)^2 - \frac14 (x_i - x_j)^2`, and XOR one.
Coefficients are sums of products of floats, and computed as fractions: nothing is rounded.

Source:
    T. Dooms, https://github.com/tdooms/bilinear-decomposition (``toy``), for the task.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import combinations, product

import numpy as np
import torch
from torch import Tensor, nn

from numeric.features.decompositions import eigen
from numeric.networks.inference import usual_torch
from numeric.networks.network import BilinearNetwork
from numeric.networks.normal_form import Layer
from numeric.studies.account import Section, Told, chosen, said_interval, values
from numeric.studies.running import Row, Tables

INPUTS = 4
"""Of each network; its outputs are the gates of all pairs."""

PAIRS = list(combinations(range(INPUTS), 2))

GATES: dict[str, Callable[[int, int], int]] = {
    "AND": lambda one, other: one & other,
    "XOR": lambda one, other: one ^ other,
}

_WANTED: dict[str, tuple[int, int]] = {"AND": (0, 1), "XOR": (1, -2)}
"""The coefficients of each of the two squares and of the product of a pair."""

_FEATURES: dict[str, tuple[float, ...]] = {"AND": (0.5, -0.5), "XOR": (2.0,)}
"""The eigenvalues."""

_LEARNED = 0.01
"""Eigenvalues below this share of the largest are no features of a toy."""


@usual_torch(gradients=True)
def trained_toy(gate: str, hidden: int, seed: int, steps: int) -> Layer:
    """Train a layer without biases on all inputs that there are.

    Args:
        gate: of :data:`GATES`.
        hidden: neurons; as many as there are outputs can be right, fewer cannot.
        seed: draws its first weights.
        steps: of L-BFGS.
    """
    inputs = torch.tensor(list(product((0.0, 1.0), repeat=INPUTS)), dtype=torch.float64)
    wanted = [[GATES[gate](int(x[i]), int(x[j])) for i, j in PAIRS] for x in inputs]
    targets = torch.tensor(wanted, dtype=torch.float64)
    network = BilinearNetwork(
        INPUTS, len(PAIRS), depth=1, hidden=hidden, bias=False, seed=seed
    ).double()
    optimizer = torch.optim.LBFGS(
        network.parameters(),
        max_iter=steps,
        history_size=50,
        tolerance_grad=0,
        tolerance_change=0,
        line_search_fn="strong_wolfe",
    )

    def loss() -> Tensor:
        optimizer.zero_grad()
        found = nn.functional.mse_loss(network(inputs), targets)
        torch.autograd.backward(found)
        return found

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    (layer,) = network.layers()
    return layer


def exact_coefficients(layer: Layer, output: int) -> dict[tuple[int, int], Fraction]:
    """Return the coefficient of each product of two inputs in an output, without rounding.

    Args:
        layer: without biases, in the normal form.
        output: from 0.

    Returns:
        By the two inputs, from 0, the smaller first.

    Examples:
        >>> rows = np.array([[0.0, 0.5, 0.0]]), np.array([[0.0, 0.1, 0.1]])
        >>> layer = Layer(*rows, np.array([[0.0], [2.0]]), np.eye(2, 3))
        >>> exact_coefficients(layer, 0)[0, 1] == Fraction(0.1)
        True
    """
    left, right, down = (
        [[Fraction(float(entry)) for entry in row] for row in array]
        for array in (layer.left[:, 1:], layer.right[:, 1:], layer.down[1:])
    )
    found = {}
    for i in range(len(left[0])):
        for j in range(i, len(left[0])):
            terms = (
                weight * (a[i] * b[j] if i == j else a[i] * b[j] + a[j] * b[i])
                for weight, a, b in zip(down[output], left, right, strict=True)
            )
            found[i, j] = sum(terms, Fraction(0))
    return found


def right_everywhere(
    coefficients: Mapping[tuple[int, int], Fraction], gate: str, pair: tuple[int, int]
) -> bool:
    """Return whether a form lies on the gate's side of one half on all inputs of 0 and 1.

    Examples:
        >>> right_everywhere({(0, 1): Fraction(1)}, "AND", (0, 1))
        True
        >>> right_everywhere({(0, 1): Fraction(1)}, "XOR", (0, 1))
        False
    """
    for x in product((0, 1), repeat=INPUTS):
        value = sum((c for (i, j), c in coefficients.items() if x[i] and x[j]), Fraction(0))
        if (value > Fraction(1, 2)) != bool(GATES[gate](x[pair[0]], x[pair[1]])):
            return False
    return True


def toy_rows(gate: str, hidden: int, seed: int, steps: int) -> Tables:
    """Train a toy and read it.

    Args:
        gate: of :data:`GATES`.
        hidden: neurons.
        seed: draws its first weights.
        steps: of training.

    Returns:
        A row for each pair of inputs.
    """
    layer = trained_toy(gate, hidden, seed, steps)
    square = eigen(layer, 1)
    rows: list[Row] = []
    for output, pair in enumerate(PAIRS):
        coefficients = exact_coefficients(layer, output)
        off = max(abs(found - _wanted(gate, pair, place)) for place, found in coefficients.items())
        weights = square.mixing[output + 1]
        used = np.flatnonzero(abs(weights) > _LEARNED * abs(weights).max())
        top = square.readings[used[weights[used] > 0][0], 1:]
        sign = 1 if gate == "AND" else -1
        cosine = abs(top[pair[0]] + sign * top[pair[1]]) / np.sqrt(2) / np.linalg.norm(top)
        rows.append(
            {"gate": gate, "hidden": hidden, "seed": seed, "pair": f"{pair[0]} {gate} {pair[1]}"}
            | {"off": float(off), "right": right_everywhere(coefficients, gate, pair)}
            | {"features": len(used), "eigenvalues": [float(x) for x in weights[used]]}
            | {"cosine": float(cosine)}
        )
    return {"toys": rows}


def _wanted(gate: str, pair: tuple[int, int], place: tuple[int, int]) -> int:
    squares, both = _WANTED[gate]
    if place == pair:
        return both
    return squares if place[0] == place[1] and place[0] in pair else 0


def told_toys(rows: Sequence[Row]) -> Told:
    """Tell what the toys compute.

    Args:
        rows: of :func:`toy_rows`.
    """
    table: list[list[str]] = []
    good: list[str] = []
    bad: list[str] = []
    for gate, hidden in dict.fromkeys((row["gate"], row["hidden"]) for row in rows):
        found = chosen(rows, gate=gate, hidden=hidden)
        right, off = sum(row["right"] for row in found), max(values(found, "off"))
        features = sorted({row["features"] for row in found})
        wanted = len(_FEATURES[gate])
        counts = [", ".join(map(str, features)), str(wanted)]
        cosine = said_interval(values(found, "cosine"))
        right_of = f"{right} of {len(found)}"
        table.append([gate, str(hidden), right_of, f"{off:.1e}", *counts, cosine])
        sentence = (
            f"{gate} with {hidden} neurons: {right} of {len(found)} outputs are the gate on all "
            f"{2**INPUTS} inputs, which is exact, and no coefficient is more than {off:.0e} off; "
            f"{' or '.join(map(str, features))} eigenfeatures an output, where the gate has "
            f"{wanted}."
        )
        (good if right == len(found) and features == [wanted] else bad).append(sentence)
    words = (
        f"Layers without biases learn a gate of each of the {len(PAIRS)} pairs of {INPUTS} inputs. "
        "Their coefficients are computed as fractions. AND is ¼(x+y)² − ¼(x−y)², two eigenfeatures "
        "of eigenvalues ±½, and XOR is (x−y)², a single one. The research code's toy has "
        f"{INPUTS} neurons for {len(PAIRS)} outputs, decays its weights, and draws inputs; here "
        "all inputs are trained on, without decay, and as many neurons as outputs stand beside."
    )
    columns = ("gate", "neurons", "right", "furthest coefficient", "eigenfeatures")
    heads = (*columns, "of the gate", "cosine of the first positive one with the gate's")
    return Told(Section("AND and XOR, read exactly", [words], heads, table), good, bad)
