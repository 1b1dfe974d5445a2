"""Radii around the images of a whole test set, in parallel, and what they prove.

Images are worked on some at a time, by :mod:`joblib`: in processes of this machine, or wherever the
user's ``joblib.parallel_config`` sends them, such as to a Dask or Ray cluster. What is finished is
kept in files, so that an interrupted run goes on where it was.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import joblib
import networkx as nx
import numpy as np
import numpy.typing as npt
from rich.progress import BarColumn, MofNCompleteColumn, TimeRemainingColumn

from numeric import BilinearNetwork, Digits, Layer, square_layers
from numeric.files import digest, load_arrays, save_arrays
from numeric.network import check_integer
from numeric.progress import progress_bar
from numeric.pruning import as_layers
from numeric.schema import Node
from proofs.bounds.certified_radii import certified_radii
from proofs.bounds.surroundings import Compressed, pixel_basis
from proofs.certificates.claims import Certificate, Claim, Level
from proofs.certificates.counts import clear_classes
from proofs.certificates.decimals import rounded_down
from proofs.certificates.prove import graph_names, prove
from proofs.robustness.claims import FACTOR, pixel_witnesses, witnesses
from proofs.robustness.infinity import infinity_bounds
from proofs.robustness.pairs import PairMargins
from proofs.robustness.trust_region import nearest

Arrays = dict[str, npt.NDArray[Any]]

_TOGETHER = 250
"""How many images one task has."""

_TYPICAL = 200
"""By how many images it is chosen which directions of the pixels are followed exactly."""

_STACKS = ("network", "graph")
"""What witnesses are called that belong to the first and to the second of two stacks."""

_MARGINS: dict[str, PairMargins] = {}
"""The eigendecompositions of the last network that this process has worked on."""


def certify(
    model: BilinearNetwork,
    graph: nx.DiGraph[Node] | Sequence[nx.DiGraph[Node]],
    digits: Digits,
    *,
    images: int | None = None,
    jobs: int = 1,
    folder: str | os.PathLike[str] | None = None,
) -> Certificate:
    """Prove what :func:`proofs.prove` does, and around every test image how far its class holds.

    Args:
        model: the network.
        graph: a graph of it, or several.
        digits: whose test images are used.
        images: how many of them, the first ones; left out, all.
        jobs: how many processes work at a time.
        folder: receives what is finished; left out, nothing is kept.

    Returns:
        A certificate that also claims, for a network of one layer, the exact distance from each
        image to the nearest input of another class, and by how much all its pixels can change; for
        deeper ones a distance within which the class of the network stays the same; and for each
        graph that leaves something out, one within which network and graph predict the same class.

    Raises:
        ProofError: as :func:`proofs.prove`.
        NumericError: a number is out of range, or a file cannot be written.

    Examples:
        >>> images, labels = np.eye(4, dtype=np.float32), np.array([0, 1, 0, 1])
        >>> from numeric import trace
        >>> network = BilinearNetwork(4, 2, depth=1, hidden=3)
        >>> digits = Digits(images, labels, images, labels)
        >>> certificate = certify(network, trace(network, "polarized"), digits)
        >>> "robustness" in [claim.kind for claim in certificate.claims]
        True
    """
    check_integer(jobs, "jobs", least=1)
    if images is not None:
        check_integer(images, "images", least=1)
        digits = replace(
            digits,
            test_images=digits.test_images[:images],
            test_labels=digits.test_labels[:images],
        )
    graphs = [graph] if isinstance(graph, nx.Graph) else list(graph)
    proved = prove(model, graphs, digits)
    claims, found = [], dict(proved.witnesses)
    layers = model.layers()
    tasks = [("robustness" if len(layers) == 1 else "stability", "the network", [layers])]
    for name, item in zip(graph_names(graphs), graphs, strict=True):
        if any(claim.name == f"{name}: agreement" for claim in proved.claims):
            stacks = [layers, as_layers(square_layers(item))]
            tasks.append(("stability", f"the network and the {name} graph", stacks))
    for kind, subject, stacks in tasks:
        mark = kind if kind == "robustness" else f"{kind}.{subject}"
        bases: list[npt.NDArray[np.float64]] = []
        arrays: Arrays = {}
        if kind == "stability":
            bases = [pixel_basis(stack, digits.test_images[:_TYPICAL]) for stack in stacks]
            arrays |= stability_bases(stacks, bases)
        arrays |= _in_parallel(kind, subject, stacks, bases, digits.test_images, jobs, folder)
        found |= {f"{mark}.{key}": array for key, array in arrays.items()}
        claims.append(_claim(kind, subject, arrays["radius"]))
    if len(layers) == 1:
        arrays = pixel_radii(layers, digits.test_images)
        found |= {f"pixel robustness.{key}": array for key, array in arrays.items()}
        claims.append(_claim("pixel robustness", "the network", arrays["radius"]))
    bounded = [claim for claim in proved.claims if claim.level != Level.MEASURED]
    measured = [claim for claim in proved.claims if claim.level == Level.MEASURED]
    return replace(proved, claims=(*bounded, *claims, *measured), witnesses=found)


def stability_bases(
    stacks: Sequence[Sequence[Layer]], bases: Sequence[npt.NDArray[np.float64]]
) -> Arrays:
    """Return the bases of pixels and hidden states that multipliers rest on, as witnesses.

    Args:
        stacks: the layers of the network, and of a graph if it is about both.
        bases: of the pixels, one for each.
    """
    found: Arrays = {}
    for name, stack, basis in zip(_STACKS, stacks, bases, strict=False):
        found[f"{name}.basis"] = basis
        for number, root in enumerate(Compressed.of(stack, basis).roots, start=1):
            found[f"{name}.root.{number}"] = root
    return found


def stability_radii(
    bases: Sequence[npt.NDArray[np.float64]],
    stacks: Sequence[Sequence[Layer]],
    images: npt.NDArray[Any],
) -> Arrays:
    """Find radii within which all stacks keep the class of the first one, and what proves them.

    Args:
        bases: of the pixels, one for each stack.
        stacks: the layers of the network, and of a graph if it is about both.
        images: shape (images, inputs).

    Returns:
        The radii, and the multipliers of each stack, as witnesses.
    """
    classes = _classes(stacks[0], images)
    found = certified_radii(stacks, images, np.maximum(classes, 0), bases)
    pairs = zip(_STACKS, found.multipliers, strict=False)
    arrays = {f"{name}.multipliers": multipliers for name, multipliers in pairs}
    return {"radius": np.where(classes < 0, 0.0, found.radii), **arrays}


def pixel_radii(layers: Sequence[Layer], images: npt.NDArray[Any]) -> Arrays:
    """Find by how much all pixels can change within the class, and what proves it, as witnesses.

    Args:
        layers: one, of the network.
        images: shape (images, inputs).
    """
    margins, classes = PairMargins(layers), _classes(layers, images)
    found = infinity_bounds(margins, images, np.maximum(classes, 0))
    arrays = pixel_witnesses(margins, images, found)
    arrays["radius"][classes < 0] = 0.0
    return arrays


def _claim(kind: str, subject: str, found: npt.NDArray[np.float64]) -> Claim:
    """State how many images have a radius, and how large it is in the mean."""
    above = found[found > 0]
    numbers: dict[str, Any] = {
        "images": len(found),
        "count": len(above),
        "mean": rounded_down(float(above.mean()) if above.size else 0.0),
    }
    if kind == "robustness":
        return Claim.of(kind, numbers | {"factor": FACTOR})
    if kind == "pixel robustness":
        return Claim.of(kind, numbers)
    return Claim.of(kind, {"models": subject} | numbers, name=f"{subject}: {kind}")


def _in_parallel(
    kind: str,
    subject: str,
    stacks: list[list[Layer]],
    bases: list[npt.NDArray[np.float64]],
    images: npt.NDArray[Any],
    jobs: int,
    folder: str | os.PathLike[str] | None,
) -> Arrays:
    """Return what is found on all images, some at a time."""
    name = digest([*bases, *(array for stack in stacks for layer in stack for array in layer)])
    work = partial(_robustness, name) if kind == "robustness" else partial(stability_radii, bases)
    parts = [images[start : start + _TOGETHER] for start in range(0, len(images), _TOGETHER)]
    paths = [_path(folder, f"{kind}-{name[:16]}", part) for part in parts]
    open_tasks = [
        joblib.delayed(_kept)(path, work, stacks, part)
        for part, path in zip(parts, paths, strict=True)
    ]
    bar = progress_bar(subject, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    found: list[Arrays] = []
    with bar as progress:
        task = progress.add_task("", total=len(open_tasks))
        for arrays in joblib.Parallel(n_jobs=jobs, return_as="generator")(open_tasks):
            found.append(arrays)
            progress.advance(task)
    return {key: np.concatenate([arrays[key] for arrays in found]) for key in found[0]}


def _path(
    folder: str | os.PathLike[str] | None, name: str, images: npt.NDArray[Any]
) -> Path | None:
    """Return the file that some images' part of the work is kept in."""
    if folder is None:
        return None
    return Path(folder) / f"{name}-{digest([images])[:16]}.safetensors"


def _kept(
    path: Path | None,
    work: Callable[[list[list[Layer]], npt.NDArray[Any]], Arrays],
    stacks: list[list[Layer]],
    images: npt.NDArray[Any],
) -> Arrays:
    """Do a part of the work, or read what an earlier run has done of it."""
    if path is not None and path.exists():
        return load_arrays(path)[0]
    found = work(stacks, images)
    if path is not None:
        save_arrays(path, found, {"format": "bilinear-features radii 1"})
    return found


def _robustness(name: str, stacks: list[list[Layer]], images: npt.NDArray[Any]) -> Arrays:
    """Find the exact radii of a network of one layer, and what proves them."""
    if name not in _MARGINS:
        _MARGINS.clear()
        _MARGINS[name] = PairMargins(stacks[0])
    classes = _classes(stacks[0], images)
    found = nearest(_MARGINS[name], images, np.maximum(classes, 0))
    arrays = witnesses(_MARGINS[name], images, found)
    arrays["radius"][classes < 0] = 0.0
    return arrays


def _classes(layers: Sequence[Layer], images: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return the network's classes, -1 where floating point leaves a doubt."""
    state = np.concatenate([np.ones((len(images), 1)), images], axis=1)
    with np.errstate(over="ignore", invalid="ignore"):
        for left, right, down, linear in layers:
            state = ((state @ left.T) * (state @ right.T)) @ down.T + state @ linear.T
    return clear_classes(state[:, 1:])
