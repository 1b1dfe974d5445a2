"""How few eigenfeatures a class, or components of a hidden state, keep a network's answers.

Networks are those of research code (:mod:`numeric.studies.research_code`), of one layer and more.
Read as a whole they become layers in canonical bases, of which components and eigenfeatures are
left out. Beside that stands what the research code's own decomposition says, which takes the first
layer alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from matplotlib.figure import Figure

from numeric.data.digits import Digits
from numeric.features.canonical import canonical
from numeric.networks.inference import as_tensor, logits
from numeric.networks.modules import from_module
from numeric.networks.normal_form import SquareLayer, folded
from numeric.studies.account import Section, Told, chosen, said_interval, values
from numeric.studies.research_code import research_network
from numeric.studies.running import Row, Tables

Floats = npt.NDArray[np.float32]

EIGENFEATURES, COMPONENTS = "eigenfeatures a class or form", "components a hidden state"

COUNTS = {
    EIGENFEATURES: (1, 2, 4, 6, 8, 10, 12, 16, 20, 24, 32, 64),
    COMPONENTS: (2, 4, 6, 8, 10, 12, 16, 24, 32),
}

_TICKS = (1, 2, 4, 8, 16, 32, 64)

DROP = 0.001
"""The loss of accuracy up to which nothing counts as lost: that of the paper."""


def truncation_rows(depth: int, seed: int, width: int, epochs: int, digits: Digits) -> Tables:
    """Train a network of research code, read it in three ways, and leave out what counts least.

    Args:
        depth: layers of products.
        seed: draws its training.
        width: of its states.
        epochs: of training.
        digits: images.

    Returns:
        ``"truncation"``, a row for each number of eigenfeatures and of components, and
        ``"as read"``, how often the whole reading and the research code's agree with the network.
    """
    module = research_network(
        digits, depth, noise=0.3, width=width, epochs=epochs, batch=256, seed=seed
    )
    images, labels = digits.test_images, digits.test_labels
    answers = logits(module, images).argmax(axis=1)
    layers = folded(from_module(module, as_tensor(images[:1])).layers())
    with torch.no_grad():
        alone = module.as_it_is_read(as_tensor(images)).numpy().argmax(axis=1)
    squares = canonical(layers).squares
    about: Row = {"depth": depth, "seed": seed}
    whole = through(squares, images)

    def judged(found: npt.NDArray[np.int64]) -> Row:
        right = {"accuracy": float((found == labels).mean())}
        return right | {"agreement": float((found == answers).mean())}

    as_read = [
        about | {"read": name} | judged(found)
        for name, found in (("network", answers), ("whole", whole), ("first layer", alone))
    ]
    rows = [
        about
        | {"of": EIGENFEATURES, "count": count}
        | judged(through([_strongest(square, count) for square in squares], images))
        for count in COUNTS[EIGENFEATURES]
    ]
    if depth > 1:
        rows += [
            about
            | {"of": COMPONENTS, "count": count}
            | judged(through(canonical(layers, components=count).squares, images))
            for count in COUNTS[COMPONENTS]
            if count < width
        ]
    return {"truncation": rows, "as read": as_read}


def through(squares: Sequence[SquareLayer], images: Floats) -> npt.NDArray[np.int64]:
    """Return the class that squares give each image.

    Args:
        squares: from the input upwards.
        images: shape (images, inputs).
    """
    found = []
    for some in np.array_split(images, max(1, len(images) // 1000)):
        states = np.insert(some, 0, 1.0, axis=1)
        for square in squares:
            readings, mixing, linear = (
                array.astype(np.float32)
                for array in (square.readings, square.mixing, square.linear)
            )
            states = (states @ readings.T) ** 2 @ mixing.T + states @ linear.T
        found.append(states[:, 1:].argmax(axis=1))
    return np.concatenate(found)


def _strongest(square: SquareLayer, count: int) -> SquareLayer:
    """Return a layer with so many features of each output, of the largest eigenvalues by size."""
    sizes = abs(square.mixing)
    ranks = np.argsort(np.argsort(-sizes, axis=1, kind="stable"), axis=1)
    kept = ((ranks < count) & (sizes > 0)).any(axis=0)
    return square._replace(
        readings=square.readings[kept], low=square.low[kept], mixing=square.mixing[:, kept]
    )


def told_truncation(rows: Sequence[Row], as_read: Sequence[Row]) -> Told:
    """Tell how few keep the accuracy, and which reading is the network.

    Args:
        rows: of ``"truncation"``, as :func:`truncation_rows` returns them.
        as_read: of ``"as read"``.
    """
    table: list[list[str]] = []
    good: list[str] = []
    bad: list[str] = []
    for depth in sorted({row["depth"] for row in as_read}):
        here = chosen(as_read, depth=depth)
        network = chosen(here, read="network")
        told = said_interval(values(network, "accuracy"), ".2%")
        table.append([str(depth), "the network", "all", told, "–"])
        for name in ("whole", "first layer"):
            found = chosen(here, read=name)
            figures = [said_interval(values(found, k), ".2%") for k in ("accuracy", "agreement")]
            table.append([str(depth), f"read as {name}", "all", *figures])
        for of in COUNTS:
            some = chosen(rows, depth=depth, of=of)
            for count in sorted({row["count"] for row in some}):
                found = chosen(some, count=count)
                figures = [
                    said_interval(values(found, k), ".2%") for k in ("accuracy", "agreement")
                ]
                table.append([str(depth), of, str(count), *figures])
            if some:
                good.append(_enough(depth, of, some, network))
        whole, alone = (
            values(chosen(here, read=name), "agreement") for name in ("whole", "first layer")
        )
        (good if min(whole) > max(alone) or depth == 1 else bad).append(
            f"Depth {depth}: read as a whole, the network is met on {min(whole):.2%} of the test "
            f"images at least; the research code's decomposition, of the first layer, agrees with "
            f"it on {min(alone):.0%} to {max(alone):.0%}."
        )
    bad.append(
        "Eigenfeatures a form are many at depth 2 and 3, as every hidden form has its own: a graph "
        "of shared features is smaller by far."
    )
    words = (
        "Networks of an embedding, layers of products and a head, without biases: accuracy on the "
        "test images, and agreement with the network, when so many eigenfeatures of each class "
        "(and, in deeper networks, of each hidden form), or so many components of each hidden "
        "state in its canonical basis, are left. The paper (arXiv 2410.08417, section 4 and "
        "appendix F) has networks of one layer; with its settings 11 to 28 eigenvectors a digit "
        "bring the accuracy within 0.1 %. Its eigenvectors are orthonormal in the embedding, these "
        "in the pixels; its widths and epochs are larger. Decompositions of deeper networks by its "
        "code take the first layer alone, and say nothing of it; with its settings, we measured "
        "an agreement of 8 % at two layers and 28 % at three."
    )
    columns = ("depth", "what", "how many", "accuracy", "agreement")
    return Told(Section("How few are enough", [words], columns, table, "truncation"), good, bad)


def _enough(depth: int, of: str, rows: Sequence[Row], network: Sequence[Row]) -> str:
    """Say from which number on the accuracy is that of the network, for each seed."""
    least = []
    for whole in network:
        mine = sorted(chosen(rows, seed=whole["seed"]), key=lambda row: row["count"])
        lost = [row["count"] for row in mine if row["accuracy"] < whole["accuracy"] - DROP]
        later = [row["count"] for row in mine if row["count"] > max(lost, default=0)]
        least.append(later[0] if later else None)
    known = [count for count in least if count is not None]
    many = "more than were tried"
    if known:
        many = " to ".join(map(str, sorted({min(known), max(known)})))
    missing = f" (not reached in {len(least) - len(known)})" if known and None in least else ""
    return (
        f"Depth {depth}: {many} {of}{missing} are enough for all but {DROP:.1%} of the accuracy, "
        f"in {len(least)} networks."
    )


def truncation_picture(rows: Sequence[Row], as_read: Sequence[Row]) -> Figure:
    """Draw what is lost by how many are left, for each depth.

    Args:
        rows: as :func:`told_truncation` takes them.
        as_read: likewise.
    """
    figure = Figure(figsize=(7.5, 3), layout="constrained")
    for axes, of in zip(figure.subplots(1, 2, sharey=True), COUNTS, strict=True):
        for depth in sorted({row["depth"] for row in rows}):
            found = chosen(rows, depth=depth, of=of)
            counts = sorted({row["count"] for row in found})
            means = [
                100 * (1 - np.mean(values(chosen(found, count=count), "agreement")))
                for count in counts
            ]
            if counts:
                colour = f"C{depth}"
                changed = np.maximum(means, 1e-2)
                axes.plot(counts, changed, marker=".", color=colour, label=f"depth {depth}")
                alone = values(chosen(as_read, depth=depth, read="first layer"), "agreement")
                if depth > 1:
                    axes.axhline(100 * (1 - np.mean(alone)), color=colour, linestyle=":")
        axes.set(xlabel=of, xscale="log", yscale="log")
        axes.set_xticks(_TICKS, map(str, _TICKS))
        axes.minorticks_off()
        axes.grid(visible=True, which="both", alpha=0.3)
    figure.axes[0].set_ylabel("changed predictions (%)")
    figure.axes[0].legend(fontsize=8, title="dotted: first layer alone", title_fontsize=7)
    return figure
