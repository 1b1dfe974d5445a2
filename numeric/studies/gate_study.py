"""The study of gates: whether bilinear layers cost performance, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from numeric.data.digits import Digits
from numeric.studies.account import Account, Section, chosen, interval, said_interval, values
from numeric.studies.gates import EARLY, KINDS, PERPLEXITY, gate_rows, tuning_rows
from numeric.studies.running import Part, Row, Setting, Tables, measured

BILINEAR = "bilinear"

SMALL = 0.002
"""A difference in accuracy up to which a cost counts as little: two images in a thousand."""


@dataclass(frozen=True)
class Sizes:
    """How large the study is.

    Attributes:
        depths: of networks.
        seeds: of each.
        width: of hidden states.
        hidden: neurons of a layer with a gate.
        epochs: of training, and of each trial when tuning.
        held_out: training images that settings are chosen on.
        images: of each data that are trained on; left out, all.
        rates: learning rates to begin with.
        noises: sizes of noise to begin with.
    """

    depths: tuple[int, ...] = (1, 2, 3)
    seeds: int = 5
    width: int = 32
    hidden: int = 48
    epochs: tuple[int, int] = (16, 8)
    held_out: int = 10_000
    images: int | None = None
    rates: tuple[float, ...] = (1e-3, 2e-3, 4e-3)
    noises: tuple[float, ...] = (0.0, 0.15, 0.3, 0.45)


FULL = Sizes()
QUICK = Sizes(
    depths=(1, 2), seeds=2, epochs=(2, 1), held_out=1000, images=6000, noises=(0.0, 0.15, 0.3)
)

_TUNED_AT = 2
"""The depth at which settings are chosen."""


def gate_study(setting: Setting, sizes: Sizes | None = None) -> Account:
    """Train networks of every kind on MNIST and Fashion-MNIST, at equal size.

    Args:
        setting: where and how.
        sizes: left out, those that the setting asks for.
    """
    sizes = sizes or (QUICK if setting.quick else FULL)
    digits, fashion = setting.images(), setting.fashion()
    data = {"MNIST": digits}
    if isinstance(fashion, Digits):
        data["Fashion-MNIST"] = fashion
    else:
        data["digits below 5"] = _below(digits, 5)
    data = {name: _first(some, sizes.images) for name, some in data.items()}
    tuned = measured([part for name in data for part in _tuning(name, data[name], sizes)], setting)
    parts = [
        _part(name, depth, seed, sizes, chosen(tuned["tuned"], data=name), some)
        for seed in range(sizes.seeds)
        for name, some in data.items()
        for depth in sizes.depths
    ]
    tables = tuned | measured(parts, setting)
    return gate_account(tables, fashion if isinstance(fashion, str) else None)


def _below(digits: Digits, label: int) -> Digits:
    """Return the images of the first classes alone."""
    return replace(
        digits,
        train_images=digits.train_images[digits.train_labels < label],
        train_labels=digits.train_labels[digits.train_labels < label],
        test_images=digits.test_images[digits.test_labels < label],
        test_labels=digits.test_labels[digits.test_labels < label],
    )


def _first(digits: Digits, images: int | None) -> Digits:
    return replace(
        digits,
        train_images=digits.train_images[:images],
        train_labels=digits.train_labels[:images],
    )


def _tuning(name: str, digits: Digits, sizes: Sizes) -> list[Part]:
    settings: dict[str, Any] = {"name": name, "depth": _TUNED_AT, "width": sizes.width}
    settings |= {"hidden": sizes.hidden, "epochs": sizes.epochs[1], "held_out": sizes.held_out}
    settings |= {"rates": sizes.rates, "noises": sizes.noises}
    cost = sizes.epochs[1] * (len(sizes.rates) + len(sizes.noises) + 1.0)
    data = {"digits": digits}
    return [
        Part(f"tuning-{_file(name)}-{kind}", tuning_rows, settings | {"kind": kind}, data, cost)
        for kind in KINDS
    ]


def _part(
    name: str, depth: int, seed: int, sizes: Sizes, tuned: Sequence[Row], digits: Digits
) -> Part:
    fields = ("learning_rate", "noise")
    settings: dict[str, Any] = {"name": name, "depth": depth, "seed": seed, "width": sizes.width}
    settings |= {"hidden": sizes.hidden, "epochs": sizes.epochs[0]}
    settings["tuned"] = {row["kind"]: {field: row[field] for field in fields} for row in tuned}
    cost = sizes.epochs[0] * len(KINDS)
    return Part(
        f"gates-{_file(name)}-{depth}-{seed}", gate_rows, settings, {"digits": digits}, cost
    )


def _file(name: str) -> str:
    return name.lower().replace(" ", "-")


def gate_account(tables: Tables, no_fashion: str | None = None) -> Account:
    """Tell how bilinear layers compare with all others.

    Args:
        tables: with the rows of tuning and of training.
        no_fashion: why Fashion-MNIST is not among the data, if it is not.
    """
    rows = tables["gates"]
    good: list[str] = []
    bad: list[str] = []
    sections = []
    for name in dict.fromkeys(row["data"] for row in rows):
        here = chosen(rows, data=name)
        for kind in KINDS:
            if kind == BILINEAR:
                continue
            differences = paired(here, kind)
            mean, low, high = interval(differences)
            sentence = (
                f"{name}: bilinear labels {100 * mean:+.2f} points ({100 * low:+.2f} to "
                f"{100 * high:+.2f}, {len(differences)} pairs) more test images rightly than {kind}"
            )
            if low >= -SMALL:
                good.append(f"{sentence}: a cost above {100 * SMALL:g} points is excluded.")
            elif high < 0:
                bad.append(f"{sentence}: it is worse.")
            else:
                bad.append(f"{sentence}: a cost above {100 * SMALL:g} points is not excluded.")
        sections.append(_section(name, here, chosen(tables["tuned"], data=name)))
    if rows[0]["epochs"] > EARLY:
        better, sentence = _epochs(rows)
        (good if better else bad).append(sentence)
    bad.append(
        "These are small networks on small pictures; of transformers, where gates are used, "
        "nothing was measured here. There bilinear layers come fourth of seven, behind ReGLU, "
        "SwiGLU and GEGLU (last table)."
    )
    words = "" if no_fashion is None else f" Fashion-MNIST is not among the data: {no_fashion}."
    return Account(
        title="Gates: do bilinear layers cost performance?",
        lead=(
            "Networks of seven kinds of layers, of equal size within 1 %, were trained side by "
            "side on the same images with the same noise. Learning rate and noise were chosen for "
            f"each kind on training images that were held out, at depth {_TUNED_AT}." + words
        ),
        speaks_for=good,
        speaks_against=bad,
        sections=[*sections, _shazeer()],
        tables=tables,
        pictures={"gates": lambda: gate_picture(rows)},
    )


def paired(rows: Sequence[Row], kind: str) -> list[float]:
    """Return by how much more test images bilinear networks label rightly, seed by seed and depth.

    Args:
        rows: of one data.
        kind: of the others.

    Examples:
        >>> rows = [{"kind": "bilinear", "depth": 1, "seed": 0, "accuracy": 0.75},
        ...         {"kind": "GLU", "depth": 1, "seed": 0, "accuracy": 0.5}]
        >>> paired(rows, "GLU")
        [0.25]
    """
    own = {(row["depth"], row["seed"]): row["accuracy"] for row in chosen(rows, kind=BILINEAR)}
    return [
        own[row["depth"], row["seed"]] - row["accuracy"]
        for row in chosen(rows, kind=kind)
        if (row["depth"], row["seed"]) in own
    ]


def _epochs(rows: Sequence[Row]) -> tuple[bool, str]:
    """Say where bilinear stands after few epochs and at the end, and whether that is better."""
    places = []
    gained = 0
    for name in dict.fromkeys(row["data"] for row in rows):
        here = chosen(rows, data=name)
        ranks = []
        for column in ("accuracy early", "accuracy"):
            means = {kind: np.mean(values(chosen(here, kind=kind), column)) for kind in KINDS}
            ranks.append(1 + sum(mean > means[BILINEAR] for mean in means.values()))
        gained += ranks[0] - ranks[1]
        places.append(f"on {name} {ranks[0]} and {ranks[1]}")
    return gained > 0, (
        f"Of {len(KINDS)} kinds bilinear has, after {EARLY} epochs and after "
        f"{rows[0]['epochs']}, the place {'; '.join(places)}."
    )


def _section(name: str, rows: Sequence[Row], tuned: Sequence[Row]) -> Section:
    settings: Mapping[str, Row] = {row["kind"]: row for row in tuned}
    slowest = {kind: np.mean(values(chosen(rows, kind=kind), "seconds an epoch")) for kind in KINDS}
    depths = sorted({row["depth"] for row in rows})
    table = []
    for kind in KINDS:
        accuracies = [
            said_interval(values(chosen(rows, kind=kind, depth=depth), "accuracy"), ".2%")
            for depth in depths
        ]
        difference = "–" if kind == BILINEAR else said_interval(paired(rows, kind), "+.2%")
        choice = settings[kind]
        chose = [f"{choice['learning_rate']:g}", f"{choice['noise']:g}"]
        ratio = f"{slowest[kind] / slowest[BILINEAR]:.2f}"
        table.append([kind, *accuracies, difference, *chose, ratio])
    words = (
        "Test accuracy by depth, means over seeds with 95 % intervals; the difference of bilinear "
        "and each kind, paired by seed and depth; what was chosen; and the time of an epoch over "
        "that of bilinear layers, which took turns with it on the same machine."
    )
    heads = (f"depth {depth}" for depth in depths)
    columns = ("kind", *heads, "bilinear less this one", "learning rate", "noise", "time")
    picture = "gates" if name == "MNIST" else None
    return Section(f"On {name}", [words], columns, table, picture)


def _shazeer() -> Section:
    words = (
        "Log-perplexity of transformers after 524,288 steps, less is better: N. Shazeer, GLU "
        "variants improve transformer (2020), table 1. One training each, without an interval."
    )
    ordered = sorted(PERPLEXITY.items(), key=lambda item: item[1])
    rows = [[kind, f"{value:.3f}"] for kind, value in ordered]
    return Section("In transformers, elsewhere", [words], ("kind", "log-perplexity"), rows)


def gate_picture(rows: Sequence[Row]) -> Figure:
    """Draw the differences of bilinear layers and each other kind, with their intervals.

    Args:
        rows: of :func:`numeric.studies.gates.gate_rows`.
    """
    names = list(dict.fromkeys(row["data"] for row in rows))
    figure = Figure(figsize=(3.6 * len(names), 3), layout="constrained")
    for axes, name in zip(
        figure.subplots(1, len(names), squeeze=False, sharey=True)[0], names, strict=True
    ):
        kinds = [kind for kind in KINDS if kind != BILINEAR]
        for place, kind in enumerate(kinds):
            differences = paired(chosen(rows, data=name), kind)
            mean, low, high = interval(differences)
            reach = [[mean - low], [high - mean]] if len(differences) > 1 else None
            axes.errorbar(
                [100 * mean],
                [place],
                xerr=None if reach is None else 100 * np.array(reach),
                marker="o",
                capsize=3,
                color="tab:blue",
            )
        axes.axvline(0, color="tab:gray")
        axes.set_yticks(range(len(kinds)), kinds)
        axes.set(title=name, xlabel="bilinear is better by (points)")
        axes.grid(visible=True, axis="x", alpha=0.3)
    return figure
