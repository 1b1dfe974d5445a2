"""Radii around the images of a whole test set, in parallel, and what they prove.

Images are worked on some at a time, by :mod:`joblib`: in processes of this machine, or wherever the
user's ``joblib.parallel_config`` sends them, such as to a Dask or Ray cluster. What is finished is
kept in files, so that an interrupted run goes on where it was.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import BrokenExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import networkx as nx
import numpy as np
import numpy.typing as npt
from rich.progress import BarColumn, MofNCompleteColumn, TimeRemainingColumn

from numeric import Digits, Layer, NumericError, square_layers
from numeric.arithmetic import check_arithmetic
from numeric.files import load_arrays, save_arrays, user_path
from numeric.graphs.schema import Node
from numeric.networks.layered import Readable
from numeric.networks.normal_form import degree_two
from numeric.progress import progress_bar
from numeric.scalars import check_integer
from proofs.certificates.claims import Certificate
from proofs.certificates.files import data_hash
from proofs.certificates.prove import by_strength, graph_names, prove, read_network
from proofs.certificates.radii import (
    Arrays,
    RadiiTask,
    directions_witnesses,
    stability_directions,
)
from proofs.certificates.verification import refused
from proofs.errors import ProofError

_TOGETHER = 250
"""How many images one task has."""

_TYPICAL = 200
"""By how many images it is chosen which directions of the pixels are followed exactly."""

_TRIED = 3
"""By how many images it is foretold how long all of them take."""

_FORMAT = {"format": "bilinear-features radii 2"}
"""What is kept in files; what another version of the method left there is done again."""


def certify(
    model: Readable,
    graph: nx.DiGraph[Node] | Sequence[nx.DiGraph[Node]],
    digits: Digits,
    *,
    images: int | None = None,
    jobs: int = 1,
    folder: str | os.PathLike[str] | None = None,
    target: float | None = None,
    pixels: bool = False,
    tell: Callable[[str], object] | None = None,
) -> Certificate:
    """Prove what :func:`proofs.prove` does, and around every test image how far its class holds.

    Args:
        model: the network, or its layers in the normal form.
        graph: a graph of it, or several.
        digits: whose test images are used.
        images: how many of them, the first ones; left out, all.
        jobs: how many processes work at a time.
        folder: receives what is finished; left out, nothing is kept.
        target: which part of the distance that a quick attack finds is far enough for a deeper
            network, above 0 and at most 1; left out, as far as can be proved.
        pixels: whether it is also proved, for a deeper network, by how much all pixels can change
            at once; this takes a few times as long.
        tell: receives a line that says how long a search is going to take, before it begins.

    Returns:
        A certificate that also claims, for a network of degree two, the exact distance from each
        image to the nearest input of another class, and by how much all its pixels can change; for
        deeper ones a distance within which the class of the network stays the same, and if asked
        for by how much all pixels can change; and for each
        graph that leaves something out, one within which network and graph predict the same class.
        Of a single class there is nothing more to claim.

    Raises:
        ProofError: as :func:`proofs.prove`, or the target is out of range, or a process was killed;
            what is finished is kept.
        NumericError: a number is out of range, a file cannot be written, or floating point is not
            what bounds take it for, here or in one of the processes.

    Examples:
        >>> images, labels = np.eye(4, dtype=np.float32), np.array([0, 1, 0, 1])
        >>> from numeric import BilinearNetwork, trace
        >>> network = BilinearNetwork(4, 2, depth=1, hidden=3)
        >>> digits = Digits(images, labels, images, labels)
        >>> certificate = certify(network, trace(network, "polarized"), digits)
        >>> "robustness" in [claim.kind for claim in certificate.claims]
        True
    """
    check_integer(jobs, "jobs", least=1)
    if target is not None and not 0 < target <= 1:
        raise ProofError(f"expected target to be above 0 and at most 1, got {target!r}")
    folder = None if folder is None else user_path(folder, "folder")
    if images is not None:
        check_integer(images, "images", least=1)
        digits = replace(
            digits,
            test_images=digits.test_images[:images],
            test_labels=digits.test_labels[:images],
        )
    graphs = [graph] if isinstance(graph, nx.Graph) else list(graph)
    network, layers = read_network(model)
    proved = prove(network, graphs, digits)
    claims, found = list(proved.claims), dict(proved.witnesses)
    claimed = {claim.name for claim in claims}
    agreeing = {
        name: item
        for name, item in zip(graph_names(graphs), graphs, strict=True)
        if f"{name}: agreement" in claimed
    }
    for task in _tasks(layers, agreeing, target, pixels=pixels):
        if task.kind == "pixel robustness":
            arrays = task.sound({}, digits.test_images)
        else:
            arrays = _in_parallel(task, digits.test_images, jobs, folder, tell)
        # Bases or images that leave the range of floats are nothing to claim something of.
        why = task.refusal(task.nothing(arrays), digits.test_images)
        claim = task.claim(arrays, data_hash(found))
        claims.append(claim if why is None else refused(claim, why))
        found |= task.named(arrays) if why is None else {}
        if task.kind == "robustness" and (more := task.unbounded(arrays, digits.test_images)):
            claims.append(more)
    return replace(proved, claims=by_strength(claims), witnesses=found)


def _tasks(
    layers: list[Layer],
    graphs: Mapping[str, nx.DiGraph[Node]],
    target: float | None,
    *,
    pixels: bool,
) -> list[RadiiTask]:
    """Return the kinds of radii that are found, of a network and of graphs that are less."""
    # Of a single class there is no other that an image might get.
    several, shallow = len(layers[-1].linear) > 2, degree_two(layers)
    tasks = []
    if several:
        kind = "robustness" if shallow else "stability"
        tasks.append(RadiiTask(kind, "the network", layers, target=None if shallow else target))
    for name, item in graphs.items() if several else ():
        subject = f"the network and the {name} graph"
        squares = {name: square_layers(item)}
        tasks.append(RadiiTask("stability", subject, layers, squares, target))
    if several and shallow:
        # Its diagonals belong to pairs of classes, not to images.
        tasks.append(RadiiTask("pixel robustness", "the network", layers))
    if several and pixels and not shallow:
        tasks.append(RadiiTask("pixel stability", "the network", layers))
    return tasks


def _in_parallel(
    task: RadiiTask,
    images: npt.NDArray[Any],
    jobs: int,
    folder: str | os.PathLike[str] | None,
    tell: Callable[[str], object] | None,
) -> Arrays:
    """Return what is found on all images, some at a time."""
    bases = _bases(task, images[:_TYPICAL], folder)
    parts = [images[start : start + _TOGETHER] for start in range(0, len(images), _TOGETHER)]
    if tell is not None and task.deep:
        places = [_place(task, bases, part, folder) for part in parts]
        todo = [
            len(part)
            for part, path in zip(parts, places, strict=True)
            if path is None or not path.is_file()
        ]
        tell(_foretold(task, bases, images, todo, jobs))
    open_tasks = [joblib.delayed(_kept)(task, bases, part, folder) for part in parts]
    bar = progress_bar(task.subject, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    found: list[Arrays] = []
    with bar as progress:
        shown = progress.add_task("", total=len(open_tasks))
        # Arrays go to the workers through pipes: files for them may not fit the temporary folder.
        parallel = joblib.Parallel(n_jobs=jobs, return_as="generator", max_nbytes=None)
        try:
            for arrays in parallel(open_tasks):
                found.append(arrays)
                progress.advance(shown)
        except (BrokenExecutor, MemoryError, OSError) as error:
            # Which error tells of a process that was killed depends on who notices it first.
            killed = isinstance(error, BrokenExecutor)
            reason = "a process that was killed" if killed else type(error).__name__
            kept = "nothing is kept" if folder is None else f"it is kept in {folder} and used again"
            raise ProofError(
                f"expected the processes to finish the radii of {task.subject}, got: "
                f"{reason} after {len(found)} of {len(parts)} parts; {kept}"
            ) from error
    return bases | {key: np.concatenate([arrays[key] for arrays in found]) for key in found[0]}


def _bases(
    task: RadiiTask, images: npt.NDArray[Any], folder: str | os.PathLike[str] | None
) -> Arrays:
    """Return the directions of a task: those of an earlier run, as its multipliers rest on them."""
    if not task.deep:
        return {}
    path = None
    if folder is not None:
        path = Path(folder) / f"stability-directions-{task.digest(images)}.safetensors"
    made = directions_witnesses(stability_directions(task.stacks, images))
    kept = _read(path)
    same = kept.keys() == made.keys() and all(
        kept[name].shape == array.shape and np.isfinite(kept[name]).all()
        for name, array in made.items()
    )
    if not same and path is not None:
        save_arrays(path, made, _FORMAT)
    return kept if same else made


def _kept(
    task: RadiiTask,
    bases: Arrays,
    images: npt.NDArray[Any],
    folder: str | os.PathLike[str] | None,
) -> Arrays:
    """Do a part of the work, or read what an earlier run has done of it, if the checker agrees."""
    # Each process, and each thread, has a mode of its own.
    check_arithmetic()
    path = _place(task, bases, images, folder)
    kept = _read(path)
    if task.fits(kept, images) and task.accepts(bases | kept, images):
        return kept
    found = task.sound(bases, images)
    if path is not None:
        save_arrays(path, found, _FORMAT)
    return found


def _place(
    task: RadiiTask,
    bases: Arrays,
    images: npt.NDArray[Any],
    folder: str | os.PathLike[str] | None,
) -> Path | None:
    """Return where a part is kept, if it is."""
    if folder is None:
        return None
    # Bases are those that are kept: what is computed anew may differ in its last digits.
    rest = (bases[name] for name in sorted(bases))
    return Path(folder) / f"{task.kind}-{task.digest(images, *rest)}.safetensors"


def _foretold(
    task: RadiiTask, bases: Arrays, images: npt.NDArray[Any], todo: Sequence[int], jobs: int
) -> str:
    """Say how long the radii of some images are going to take, by how long the first ones take.

    Args:
        task: of deeper networks.
        bases: what multipliers rest on.
        images: shape (images, inputs).
        todo: how many images there are in each part that is not kept.
        jobs: how many processes work at a time.
    """
    count = sum(todo)
    if not count:
        return f"radii of {task.subject}: all of them are kept"
    some = images[:: -(-len(images) // _TRIED)]
    start = time.perf_counter()
    task.sound(bases, some)
    each = (time.perf_counter() - start) / len(some)
    # Each process takes whole parts.
    busy = -(-len(todo) // jobs) * max(todo)
    return (
        f"radii of {task.subject}: {count:,} images, {each:.2g} s each in {jobs} "
        f"process{'es' * (jobs > 1)}: about {_duration(busy * each)}"
    )


def _duration(seconds: float) -> str:
    """Return a time in words, to two digits or so."""
    for unit, length in (("hours", 5400), ("minutes", 90)):
        if seconds >= length:
            return f"{seconds / {'hours': 3600, 'minutes': 60}[unit]:.1f} {unit}"
    return f"{max(seconds, 1.0):.0f} s"


def _read(path: Path | None) -> Arrays:
    """Return the arrays of a file of ours; none where there is none."""
    try:
        arrays, note = ({}, {}) if path is None else load_arrays(path)
    except NumericError:
        return {}
    return arrays if note == _FORMAT else {}
