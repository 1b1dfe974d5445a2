"""The study of planted truth: which features each method of :func:`numeric.trace` finds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from numeric.graphs.graph import square_layers
from numeric.graphs.pruning import as_layers
from numeric.graphs.trace import trace
from numeric.networks.normal_form import Layer, handed_on
from numeric.studies.account import Account, Section, chosen, values
from numeric.studies.planted import KINDS, Planted, planted
from numeric.studies.running import Part, Row, Setting, Tables, measured
from numeric.studies.scoring import FOUND, scores

METHODS = ("polarized", "eigen", "canonical", "shared", "shared by error")
"""What is tried: the last is told no number of features, but which error may be left."""

_SEEDS, _QUICK = 5, 1

_LEFT = 1e-4
"""The share of every layer's forms that shared features may leave where no number is given."""

_EXACT = 1e-5
"""The error up to which a method is said to rewrite a network."""

_SAMPLES = 1000

_ALL = 99
"""More components than any hidden state has."""


def recovery_rows(kind: str, depth: int, seed: int, methods: Sequence[str]) -> Tables:
    """Plant a network and score what the methods find.

    Args:
        kind: of :data:`numeric.studies.planted.KINDS`.
        depth: of the network.
        seed: draws it.
        methods: of :data:`METHODS`.

    Returns:
        A row for each method and layer.

    Examples:
        >>> rows = recovery_rows("shared", 1, 0, ["shared"])["recovery"]
        >>> rows[0]["recall"], rows[0]["precision"]
        (1.0, 1.0)
    """
    network, rows = planted(kind, depth, seed), []
    for method in methods:
        squares = square_layers(trace(network.layers, **_settings(method, network)))
        error = relative_error(network.layers, as_layers(squares))
        for number, score in enumerate(scores(network, squares), start=1):
            alone = sum(len(group) == 1 for group in network.groups[number - 1])
            row = {"kind": kind, "depth": depth, "seed": seed, "method": method, "layer": number}
            row |= {"planted": len(network.open_layers[number - 1].readings), "determined": alone}
            row |= {"decidable": decidable(kind, method, number), "error": error}
            rows.append(row | asdict(score))
    return {"recovery": rows}


def _settings(method: str, network: Planted) -> dict[str, Any]:
    """Return how :func:`numeric.trace` is called."""
    if not method.startswith("shared"):
        return {"method": method}
    if method == "shared":
        counts = [len(square.readings) for square in network.open_layers]
        return {"method": "shared", "features": counts, "metric": "pixels", "components": _ALL}
    return {"method": "shared", "error": _LEFT, "metric": "pixels"}


def decidable(kind: str, method: str, layer: int) -> bool:
    """Return whether a method should find the features of a layer that the network determines.

    The squares of neurons are found by the polarized method, whatever these are. Eigenvectors are
    orthogonal: of the inputs in the first layer, and of hidden states only in their own bases.

    Args:
        kind: what was planted.
        method: of :data:`METHODS`.
        layer: from 1.

    Examples:
        >>> decidable("shared", "eigen", 1), decidable("shared", "eigen", 2)
        (True, False)
    """
    if method == "polarized" or kind == "too many":
        return False
    if method.startswith("shared"):
        return True
    return KINDS[kind].readings == "orthonormal" and (method == "canonical" or layer == 1)


def relative_error(network: Sequence[Layer], found: Sequence[Layer]) -> float:
    """Return the root mean square of a difference over that of a network's outputs.

    Inputs are normal, of mean 0 and variance 1, 1,000 of them that are always the same.

    Args:
        network: layers.
        found: layers of as many inputs and outputs.

    Examples:
        >>> layers = planted("shared", 1, seed=0).layers
        >>> relative_error(layers, layers)
        0.0
    """
    inputs = np.random.default_rng(0).normal(size=(_SAMPLES, network[0].linear.shape[1] - 1))
    wanted, given = (_outputs(layers, inputs) for layers in (network, found))
    return float(np.sqrt(((wanted - given) ** 2).mean() / (wanted**2).mean()))


def _outputs(layers: Iterable[Layer], inputs: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return handed_on(layers, np.insert(inputs, 0, 1.0, axis=1))[:, 1:]


def recovery_study(setting: Setting) -> Account:
    """Plant networks of every kind, and tell which method finds what.

    Args:
        setting: where and how.
    """
    seeds = _QUICK if setting.quick else _SEEDS
    parts = [
        Part(
            f"{kind.replace(' ', '-')}-{depth}-{seed}",
            recovery_rows,
            {"kind": kind, "depth": depth, "seed": seed, "methods": _methods(kind, setting)},
            cost=depth * (4.0 if how.readings == "overlapping" else 1.0),
        )
        for kind, how in KINDS.items()
        for depth in how.depths
        for seed in range(seeds)
    ]
    return recovery_account(measured(parts, setting))


def _methods(kind: str, setting: Setting) -> list[str]:
    # A search for a number of features takes long, where no number is enough above all.
    return list(METHODS[:-1] if setting.quick or kind == "too many" else METHODS)


def recovery_account(tables: Tables) -> Account:
    """Tell what was found of what was planted.

    Args:
        tables: with the rows of :func:`recovery_rows`.
    """
    rows = tables["recovery"]
    good: list[str] = []
    bad: list[str] = []
    for method in ("shared", "shared by error", "canonical", "eigen"):
        wanted = [row for row in chosen(rows, method=method, decidable=True) if row["determined"]]
        if wanted:
            (good if _all_found(wanted) else bad).append(_verdict(method, wanted))
    good += _spans(rows)
    bad += _undecidable(rows)
    networks = len({(row["kind"], row["depth"], row["seed"]) for row in rows})
    lead = (
        f"{networks} networks were built by hand of features that are known, hidden in their "
        "neurons by a random change of basis, and given to every method of trace. A feature counts "
        f"as found from a cosine of {FOUND}, as polynomials of the input. Which features a network "
        "determines at all was computed from what was planted, before any method was tried."
    )
    return Account(
        title="Planted truth: do the methods find the features that are there?",
        lead=lead,
        speaks_for=good,
        speaks_against=bad,
        sections=[_section(kind, chosen(rows, kind=kind)) for kind in KINDS],
        tables=tables,
        pictures={"recovery": lambda: recovery_picture(rows)},
    )


def _all_found(rows: Sequence[Row]) -> bool:
    exact = max(values(rows, "error")) <= _EXACT
    precise = min(values(rows, "precision")) == 1
    return exact and precise and min(values(rows, "least")) >= FOUND


def _verdict(method: str, rows: Sequence[Row]) -> str:
    least = values(rows, "least")
    where = {
        "shared": "told how many there are",
        "shared by error": f"told no number, but that an error of {_LEFT:g} may be left",
        "canonical": "where readings are orthonormal",
        "eigen": "where readings are orthonormal, in the first layer",
    }[method]
    name = method.split(maxsplit=1)[0]
    return (
        f"{name}, {where}: every determined feature is found in "
        f"{sum(value >= FOUND for value in least)} of {len(least)} layers; least cosine "
        f"{min(least):.4f}, least precision {min(values(rows, 'precision')):.3f}, largest error "
        f"{max(values(rows, 'error')):.1e}."
    )


def _spans(rows: Sequence[Row]) -> list[str]:
    """Say of features of which only the span is determined how near that comes."""
    spans = values(chosen(rows, method="shared", decidable=True), "span")
    if not spans:
        return []
    sentence = (
        "Where only the span of some features is determined, the span of what shared finds there "
        f"has it with a cosine of at least {min(spans):.4f} ({len(spans)} layers)."
    )
    return [sentence]


def _undecidable(rows: Sequence[Row]) -> list[str]:
    """Say what no method, or not this one, can find."""
    said = []
    for kind, method, why in (
        ("overlapping", "eigen", "its features are orthogonal, and these are not"),
        ("overlapping", "canonical", "its features are orthogonal, and these are not"),
        ("shared", "polarized", "it rewrites neurons, whatever they hide"),
        ("too many", "shared", "other features make the same network as nearly"),
        ("equal columns", "shared", "of two features only the span is determined"),
        ("sum", "shared", "of each pair only the span is determined"),
    ):
        found = chosen(rows, kind=kind, method=method)
        recall, error = values(found, "recall"), values(found, "error")
        if found:
            said.append(
                f"{method} on {kind!r}: {np.mean(recall):.0%} of the planted features are found, "
                f"though the rewrite leaves at most {max(error):.0e}: {why}."
            )
    said.append(
        "That a rewrite is exact therefore says nothing of whether its features are those that "
        "were planted: where readings overlap, all methods are exact, and one finds them."
    )
    return said


def _section(kind: str, rows: Sequence[Row]) -> Section:
    table = []
    for depth in sorted({row["depth"] for row in rows}):
        for method in METHODS:
            found = chosen(rows, depth=depth, method=method)
            if found:
                table.append([str(depth), method, *_figures(found)])
    columns = ("depth", "method", "found of all", "least of determined", "precision", "span")
    return Section(
        f"{kind}: {KINDS[kind].words}",
        [],
        (*columns, "error"),
        table,
        "recovery" if kind == next(iter(KINDS)) else None,
    )


def _figures(rows: Sequence[Row]) -> list[str]:
    """Return the figures of a method on some networks, over layers and seeds."""
    least, spans = values(rows, "least"), values(rows, "span")
    return [
        f"{np.mean(values(rows, 'recall')):.1%}",
        f"{min(least):.4f}" if least else "none determined",
        f"{np.mean(values(rows, 'precision')):.1%}",
        f"{min(spans):.4f}" if spans else "–",
        f"{max(values(rows, 'error')):.0e}",
    ]


def recovery_picture(rows: Sequence[Row]) -> Figure:
    """Draw the share of planted features that each method finds, for each kind.

    Args:
        rows: of :func:`recovery_rows`.
    """
    figure = Figure(figsize=(7.5, 3.4), layout="constrained")
    axes = figure.subplots()
    kinds = [kind for kind in KINDS if chosen(rows, kind=kind)]
    methods = [method for method in METHODS if chosen(rows, method=method)]
    for number, method in enumerate(methods):
        heights = [
            np.mean(values(chosen(rows, kind=kind, method=method), "recall") or [np.nan])
            for kind in kinds
        ]
        places = np.arange(len(kinds)) + (number - (len(methods) - 1) / 2) * 0.8 / len(methods)
        axes.bar(places, 100 * np.asarray(heights), 0.8 / len(methods), label=method)
    axes.set_xticks(range(len(kinds)), kinds, fontsize=8)
    axes.set_ylabel("planted features found (%)")
    axes.set_ylim(0, 105)
    axes.legend(fontsize=7, ncols=len(methods), loc="upper center", bbox_to_anchor=(0.5, 1.14))
    return figure
