"""The study of a planted backdoor: whether it is found in the weights, beside a clean twin.

Some training images get a small pattern and another label. The network that is trained on them
answers as its clean twin does, until it sees the pattern. What it reads and the twin does not are
the strongest directions of the difference of the two (:func:`numeric.differences`), which is
computed from the weights alone: no image is looked at, with or without the pattern.

Source:
    T. Gu, B. Dolan-Gavitt and S. Garg, *BadNets*, arXiv 1708.06733, for the attack.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from numeric.comparison.differences import differences
from numeric.comparison.disagreements import flip
from numeric.data.digits import Digits
from numeric.errors import NumericError
from numeric.explanation.pictures import draw_input
from numeric.networks.inference import predictions
from numeric.networks.network import BilinearNetwork
from numeric.networks.training import train
from numeric.studies.account import Account, Section, chosen, values
from numeric.studies.running import Part, Row, Setting, Tables, measured

PLACES = {"corner": "in a corner without ink", "anywhere": "anywhere, also where digits have ink"}
"""Where the pattern is planted, in words."""

PAIRS = {
    "backdoor": "the pattern and the other label",
    "labels": "the other label on the same images, without the pattern",
    "seed": "nothing but another seed",
}
"""What the second network's training had that its clean twin's had not."""

FOUND, STANDS_OUT = 0.9, 0.8
"""The cosine from which a pattern counts as named, and the gap of a flip that stands out."""

_COUNT = 5
"""Differences that are looked at."""

_PATTERN, _POISONED = 0.6, 0.05
"""The shares of pixels of the pattern's box that are set, and of training images changed."""

_FRESH = 5
"""The first seed: settings and marks were chosen on those below."""

_SHOWN = 2_000
"""Test images that patterns are laid over, at most."""


def planted_pattern(
    shape: Sequence[int], place: str, generator: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Draw a pattern of full ink in a box of a fifth of the picture's height and width.

    Args:
        shape: of a picture, rows and columns.
        place: of :data:`PLACES`.
        generator: draws place and pattern.

    Returns:
        float32 array of shape (rows · columns,), 0 or 1, at least half of the box set.

    Raises:
        NumericError: inputs are no pictures, or there is no such place.

    Examples:
        >>> pattern = planted_pattern((28, 28), "corner", np.random.default_rng(0))
        >>> picture = pattern.reshape(28, 28)
        >>> float(picture.sum()) == float(picture[1:6, 1:6].sum()) >= 12.5
        True
    """
    if len(shape) != 2:
        raise NumericError(f"expected digits of pictures for a pattern, got inputs of {shape}")
    if place not in PLACES:
        raise NumericError(f"expected place to be one of {', '.join(PLACES)}, got {place!r}")
    size = max(2, min(shape) // 5)
    box = np.zeros((size, size), dtype=np.float32)
    while box.mean() < 1 / 2:
        box = (generator.random((size, size)) < _PATTERN).astype(np.float32)
    row, column = 1, 1
    if place == "anywhere":
        row, column = (int(generator.integers(0, length - size + 1)) for length in shape)
    picture = np.zeros(tuple(shape), dtype=np.float32)
    picture[row : row + size, column : column + size] = box
    return picture.reshape(-1)


def poisoned(
    digits: Digits, pattern: npt.NDArray[Any], target: int, generator: np.random.Generator
) -> tuple[Digits, Digits]:
    """Change one in twenty training images and their labels, and their labels alone.

    Args:
        digits: clean ones.
        pattern: that is laid over images.
        target: the label that they get.
        generator: draws which.

    Returns:
        The digits with pattern and label, and those with the label alone.
    """
    count = len(digits.train_images)
    changed = generator.choice(count, round(_POISONED * count), replace=False)
    images, labels = digits.train_images.copy(), digits.train_labels.copy()
    images[changed] = np.maximum(images[changed], pattern)
    labels[changed] = target
    relabelled = replace(digits, train_labels=labels)
    return replace(relabelled, train_images=images), relabelled


def backdoor_rows(
    depth: int, place: str, seed: int, images: int, epochs: int, digits: Digits
) -> Tables:
    """Plant a backdoor and look for it, and look for one where none is.

    Args:
        depth: of the networks.
        place: of :data:`PLACES`.
        seed: draws pattern, class, what is changed, and trains.
        images: how many training images are used.
        epochs: passes over them.
        digits: the images.

    Returns:
        ``"differences"``, a row for each of the five strongest of each pair, and ``"networks"``.
    """
    generator = np.random.default_rng(seed)
    pattern = planted_pattern(digits.shape.sizes, place, generator)
    target = int(generator.integers(digits.classes))
    clean = replace(
        digits, train_images=digits.train_images[:images], train_labels=digits.train_labels[:images]
    )
    with_pattern, relabelled = poisoned(clean, pattern, target, generator)
    twin = _trained(clean, depth, epochs, seed)
    marked = np.maximum(digits.test_images, pattern)
    others = digits.test_labels != target
    found: Tables = {"differences": [], "networks": []}
    about = {"depth": depth, "place": place, "seed": seed}
    for pair, data, first_seed in (
        ("backdoor", with_pattern, seed),
        ("labels", relabelled, seed),
        ("seed", clean, seed + 1000),
    ):
        other = _trained(data, depth, epochs, first_seed)
        for name, network in (("clean", twin), (pair, other)):
            right = predictions(network, digits.test_images) == digits.test_labels
            fooled = predictions(network, marked[others]) == target
            row = {"pair": pair, "network": name, "accuracy": float(right.mean())}
            found["networks"].append(about | row | {"to the class": float(fooled.mean())})
        for rank, each in enumerate(differences(twin, other, _COUNT), start=1):
            moved = flip(twin, other, digits.test_images[:_SHOWN], each.pattern)
            cosine = float(abs(each.pattern @ pattern) / np.linalg.norm(pattern))
            row = {"pair": pair, "rank": rank, "cosine": cosine, "share": each.share}
            row |= {"kind": each.kind, "gap": moved.gap, "class": moved.output, "target": target}
            if rank == 1:
                row["pattern"] = np.round(each.pattern, 4).tolist()
            found["differences"].append(about | row)
    return found


def _trained(digits: Digits, depth: int, epochs: int, seed: int) -> BilinearNetwork:
    network = BilinearNetwork(
        digits.inputs, digits.classes, depth=depth, width=32, hidden=64, seed=seed
    )
    train(network, digits, epochs=epochs, seed=seed)
    return network


def backdoor_study(setting: Setting) -> Account:
    """Plant backdoors in networks of one and two layers, and look for them.

    Args:
        setting: where and how; without data in its place on MNIST.
    """
    digits = setting.images()
    counts = {"corner": 1} if setting.quick else {"corner": 5, "anywhere": 1}
    images, epochs = (10_000, 4) if setting.quick else (20_000, 4)
    parts = [
        Part(
            f"{place}-{depth}-{seed}",
            backdoor_rows,
            {"depth": depth, "place": place, "seed": seed, "images": images, "epochs": epochs},
            {"digits": digits},
            cost=1 + depth,
        )
        for place, count in counts.items()
        for depth in (1, 2)
        for seed in range(_FRESH, _FRESH + count)
    ]
    return backdoor_account(measured(parts, setting), digits)


def backdoor_account(tables: Tables, digits: Digits) -> Account:
    """Tell which backdoors were found, and what was found where none was.

    Args:
        tables: with the rows of :func:`backdoor_rows`.
        digits: whose pictures they are about.
    """
    rows = tables["differences"]
    good: list[str] = []
    bad: list[str] = []
    for place, where in PLACES.items():
        for depth in sorted({row["depth"] for row in rows}):
            pairs = _pairs(chosen(rows, place=place, depth=depth, pair="backdoor"))
            if pairs:
                named = [max(values(pair, "cosine")) for pair in pairs]
                count, called = sum(x >= FOUND for x in named), sum(map(_rightly, pairs))
                (good if count == len(named) else bad).append(
                    f"Planted {where}, {depth} layer{'s' * (depth > 1)}: named by its pattern "
                    f"among the {_COUNT} strongest differences in {count} of {len(named)} "
                    f"networks, cosine {min(named):.3f} to {max(named):.3f}; its class is called "
                    f"up in {called} of them."
                )
    for pair in ("labels", "seed"):
        pairs = _pairs(chosen(rows, pair=pair))
        cosine = max(values(chosen(rows, pair=pair), "cosine"))
        calling = sum(any(row["gap"] >= STANDS_OUT for row in one) for one in pairs)
        clean = cosine < FOUND and not calling
        (good if clean else bad).append(
            f"Control, {PAIRS[pair]}: the largest cosine with the pattern in {len(pairs)} pairs is "
            f"{cosine:.3f}, and a difference stands out in {calling}."
        )
    bad.append(
        "A clean twin is needed, here one of the same first weights and the same order of images: "
        "what stands out does so beside the differences that two trainings make anyway."
    )
    picture = {"patterns": lambda: patterns_picture(rows, digits)}
    words = (
        "A pair is a clean network and one that differs by what is said. The cosine is that of a "
        "difference's direction with the planted pattern, the largest of the five; the gap is the "
        "share of test images that the direction, laid over them, brings to a class in one network "
        "and not in the other, for the strongest difference."
    )
    columns = ("planted", "layers", "pair", "cosine", "rank", "share of the first", "gap of it")
    return Account(
        title="Is a backdoor found in the weights?",
        lead="Networks were trained on images of which one in twenty had a small pattern and "
        "another label, and compared with clean twins from their weights alone.",
        speaks_for=good,
        speaks_against=bad,
        sections=[
            Section(
                "The strongest difference of each pair",
                [words],
                columns,
                _table(rows),
                "patterns",
            ),
            Section(
                "The networks",
                ["On the test images, and on those of other classes with the pattern."],
                ("planted", "layers", "network", "accuracy", "to the planted class"),
                _networks(tables["networks"]),
            ),
        ],
        tables=tables,
        pictures=picture,
    )


def _pairs(rows: Sequence[Row]) -> list[list[Row]]:
    """Return the rows of each pair of networks."""
    keys = dict.fromkeys((row["place"], row["depth"], row["seed"], row["pair"]) for row in rows)
    names = ("place", "depth", "seed", "pair")
    return [chosen(rows, **dict(zip(names, key, strict=True))) for key in keys]


def _rightly(pair: Sequence[Row]) -> bool:
    """Return whether the difference that is nearest to the pattern calls up the planted class."""
    nearest = max(pair, key=lambda row: row["cosine"])
    return bool(nearest["gap"] >= STANDS_OUT and nearest["class"] == nearest["target"])


def _table(rows: Sequence[Row]) -> list[list[str]]:
    table = []
    for pair in _pairs(rows):
        first, nearest = pair[0], max(pair, key=lambda row: row["cosine"])
        texts = [first["place"], str(first["depth"]), f"{first['pair']}, {first['seed']}"]
        texts += [f"{nearest['cosine']:.3f}", str(nearest["rank"])]
        table.append([*texts, f"{first['share']:.1%}", f"{first['gap']:.1%}"])
    return table


def _networks(rows: Sequence[Row]) -> list[list[str]]:
    """Return a line for each kind of network, means over seeds."""
    table = []
    keys = dict.fromkeys((row["place"], row["depth"], row["network"]) for row in rows)
    for place, depth, network in keys:
        found = chosen(rows, place=place, depth=depth, network=network)
        means = [f"{np.mean(values(found, name)):.2%}" for name in ("accuracy", "to the class")]
        table.append([place, str(depth), network, *means])
    return table


def patterns_picture(rows: Sequence[Row], digits: Digits) -> Figure:
    """Draw the strongest difference of pairs with a backdoor, and of pairs without one below.

    Args:
        rows: of :func:`backdoor_rows`.
        digits: whose pictures they are about.
    """
    pairs = [pair[0] for pair in _pairs(chosen(rows, pair="backdoor"))][:10]
    figure = Figure(figsize=(1.1 * len(pairs) + 0.6, 2.9), layout="constrained")
    grid = figure.subplots(2, len(pairs), squeeze=False)
    for column, row in zip(grid.T, pairs, strict=True):
        about = {name: row[name] for name in ("place", "depth", "seed")}
        (control,) = chosen(rows, **about, pair="labels", rank=1)
        for axes, shown in zip(column, (row, control), strict=True):
            draw_input(axes, np.asarray(shown["pattern"]), digits.shape)
        column[0].set_title(f"{row['place']}, {row['depth']}", fontsize=7)
    grid[0, 0].set_ylabel("backdoor", fontsize=8)
    grid[1, 0].set_ylabel("labels alone", fontsize=8)
    return figure
