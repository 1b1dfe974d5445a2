"""Radii around the images of a whole test set, in parallel, and what they prove.

Images are worked on some at a time, by :mod:`joblib`: in processes of this machine, or wherever the
user's ``joblib.parallel_config`` sends them, such as to a Dask or Ray cluster. What is finished is
kept in files, so that an interrupted run goes on where it was.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import joblib
import networkx as nx
import numpy as np
import numpy.typing as npt
from rich.progress import BarColumn, MofNCompleteColumn, TimeRemainingColumn

from numeric import BilinearNetwork, Digits, Layer, NumericError, SquareLayer, square_layers
from numeric.arithmetic import check_arithmetic
from numeric.files import digest, load_arrays, save_arrays, user_path
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
from proofs.certificates.verification import Verifier, accepted, mean_below
from proofs.errors import ProofError
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

_FORMAT = {"format": "bilinear-features radii 2"}
"""What is kept in files; what another version of the method left there is done again."""

_NEAR = 2.0**-399
"""A radius that counts as none."""

_ROOMS = ((0.0, 1e-12), (1e-4, 1e-9), (1e-2, 1e-6), (0.2, 1e-4), (0.9, 1e-6))
"""By which share a radius that is not accepted is shortened, and how small multipliers may be then,
beside the largest: those next to 0 leave a direction no room for rounding."""

_MARGINS: dict[str, PairMargins] = {}
"""The eigendecompositions of the last network that this process has worked on."""

_VERIFIERS: dict[str, Verifier] = {}
"""The last verifier of this process."""


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
        Of a single class there is nothing more to claim.

    Raises:
        ProofError: as :func:`proofs.prove`, or a process was killed; what is finished is kept.
        NumericError: a number is out of range, a file cannot be written, or floating point is not
            what bounds take it for, here or in one of the processes.

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
    folder = None if folder is None else user_path(folder, "folder")
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
    # Of a single class there is no other that an image might get.
    several, shallow = len(layers[-1].linear) > 2, len(layers) == 1
    tasks = []
    if several:
        kind = "robustness" if shallow else "stability"
        tasks.append(_Task(kind, "the network", layers))
    for name, item in zip(graph_names(graphs), graphs, strict=True):
        if several and any(claim.name == f"{name}: agreement" for claim in proved.claims):
            subject = f"the network and the {name} graph"
            tasks.append(_Task("stability", subject, layers, {name: square_layers(item)}))
    if several and shallow:
        # Its diagonals belong to pairs of classes, not to images.
        tasks.append(_Task("pixel robustness", "the network", layers))
    for task in tasks:
        if task.kind == "pixel robustness":
            arrays = task.sound({}, digits.test_images)
        else:
            arrays = _in_parallel(task, digits.test_images, jobs, folder)
        # Bases or images that leave the range of floats are nothing to claim something of.
        if task.accepts(arrays | {"radius": np.zeros_like(arrays["radius"])}, digits.test_images):
            found |= task.named(arrays)
            claims.append(_claim(task.kind, task.subject, arrays["radius"]))
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
        "mean": rounded_down(mean_below(found)),
    }
    if kind == "robustness":
        return Claim.of(kind, numbers | {"factor": FACTOR})
    if kind == "pixel robustness":
        return Claim.of(kind, numbers)
    return Claim.of(kind, {"models": subject} | numbers, name=f"{subject}: {kind}")


@dataclass(frozen=True)
class _Task:
    """A kind of radii, of a network alone or of one together with a graph."""

    kind: str
    subject: str
    network: list[Layer]
    graphs: Mapping[str, Sequence[SquareLayer]] = field(default_factory=dict)

    @property
    def stacks(self) -> list[list[Layer]]:
        """The layers of the network, and of a graph if it is about both."""
        return [self.network, *(as_layers(squares) for squares in self.graphs.values())]

    def digest(self, *arrays: npt.NDArray[Any]) -> str:
        """Name what follows from the weights and some arrays, by nothing that was computed."""
        weights = [array for stack in self.stacks for layer in stack for array in layer]
        return digest([*weights, *arrays])[:16]

    def named(self, arrays: Arrays) -> Arrays:
        """Return arrays under the names that witnesses have."""
        mark = f"stability.{self.subject}" if self.kind == "stability" else self.kind
        return {f"{mark}.{key}": array for key, array in arrays.items()}

    def accepts(self, arrays: Arrays, images: npt.NDArray[Any]) -> bool:
        """Return whether the checker accepts the radii of images."""
        witnesses = {"images": images, **self.named(arrays)}
        claim = _claim(self.kind, self.subject, arrays["radius"])
        return _verifier(self).refusal(claim, witnesses) is None

    def fits(self, arrays: Arrays, images: npt.NDArray[Any]) -> bool:
        """Return whether arrays are those of this kind, with a row for each image, and finite."""
        wanted = (
            {"radius", "multipliers", "targets", "added"}
            if self.kind == "robustness"
            else {"radius", *(f"{name}.multipliers" for name in _STACKS[: len(self.stacks)])}
        )
        return arrays.keys() == wanted and all(
            array.shape[:1] == (len(images),) and np.isfinite(array).all()
            for array in arrays.values()
        )

    def sound(self, bases: Arrays, images: npt.NDArray[Any]) -> Arrays:
        """Find radii and what proves them; those that the checker does not accept become smaller.

        Args:
            bases: what multipliers rest on, as witnesses.
            images: shape (images, inputs).
        """
        arrays = self.found(bases, images)
        arrays["radius"] = np.where(arrays["radius"] > _NEAR, arrays["radius"], 0.0)
        radii = arrays["radius"].copy()
        wrong = ~self.sure(bases | arrays, images)
        for share, least in _ROOMS if self.kind == "stability" else ():
            if not wrong.any():
                break
            arrays["radius"][wrong] = radii[wrong] * (1 - share)
            for name in arrays.keys() - {"radius"}:
                largest = arrays[name].max(axis=(1, 2), keepdims=True)
                arrays[name][wrong] = np.maximum(arrays[name], least * largest)[wrong]
            places = np.flatnonzero(wrong)
            tried = bases | {name: array[places] for name, array in arrays.items()}
            wrong[places] = ~self.sure(tried, images[places])
        arrays["radius"][wrong] = 0.0
        return arrays

    def sure(self, arrays: Arrays, images: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        """Return of which images the checker accepts the radius."""
        rows = {name for name, array in arrays.items() if _is_of_images(name)}

        def accepts(places: npt.NDArray[np.int64]) -> bool:
            some = {name: arrays[name][places] for name in rows}
            return self.accepts(arrays | some, images[places])

        return accepted(accepts, len(images))

    def found(self, bases: Arrays, images: npt.NDArray[Any]) -> Arrays:
        """Find radii of images, and what proves them."""
        if self.kind == "pixel robustness":
            return pixel_radii(self.network, images)
        if self.kind == "robustness":
            return _robustness(self.digest(), self.network, images)
        names = _STACKS[: len(self.stacks)]
        return stability_radii([bases[f"{name}.basis"] for name in names], self.stacks, images)


def _is_of_images(name: str) -> bool:
    """Return whether a witness has a row for each image."""
    return name.rpartition(".")[2] in ("radius", "multipliers", "targets", "added")


def _verifier(task: _Task) -> Verifier:
    """Return the verifier of a task, with the eigendecompositions that it has checked before."""
    name = f"{task.subject} {task.digest()}"
    if name not in _VERIFIERS:
        _VERIFIERS.clear()
        _VERIFIERS[name] = Verifier(task.network, task.graphs)
    return _VERIFIERS[name]


def _in_parallel(
    task: _Task, images: npt.NDArray[Any], jobs: int, folder: str | os.PathLike[str] | None
) -> Arrays:
    """Return what is found on all images, some at a time."""
    bases = _bases(task, images[:_TYPICAL], folder)
    parts = [images[start : start + _TOGETHER] for start in range(0, len(images), _TOGETHER)]
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
            kept = "nothing is kept" if folder is None else f"it is kept in {folder} and used again"
            raise ProofError(
                f"expected the processes to finish the radii of {task.subject}, got: "
                f"{type(error).__name__} after {len(found)} of {len(parts)} parts; {kept}"
            ) from error
    return bases | {key: np.concatenate([arrays[key] for arrays in found]) for key in found[0]}


def _bases(task: _Task, images: npt.NDArray[Any], folder: str | os.PathLike[str] | None) -> Arrays:
    """Return the bases of a task: those of an earlier run, as its multipliers rest on them."""
    if task.kind != "stability":
        return {}
    path = None
    if folder is not None:
        path = Path(folder) / f"stability-bases-{task.digest(images)}.safetensors"
    made = stability_bases(task.stacks, [pixel_basis(stack, images) for stack in task.stacks])
    kept = _read(path)
    same = kept.keys() == made.keys() and all(
        kept[name].shape == array.shape and np.isfinite(kept[name]).all()
        for name, array in made.items()
    )
    if not same and path is not None:
        save_arrays(path, made, _FORMAT)
    return kept if same else made


def _kept(
    task: _Task,
    bases: Arrays,
    images: npt.NDArray[Any],
    folder: str | os.PathLike[str] | None,
) -> Arrays:
    """Do a part of the work, or read what an earlier run has done of it, if the checker agrees."""
    # Each process, and each thread, has a mode of its own.
    check_arithmetic()
    path = None
    if folder is not None:
        # Bases are those that are kept: what is computed anew may differ in its last digits.
        rest = (bases[name] for name in sorted(bases))
        path = Path(folder) / f"{task.kind}-{task.digest(images, *rest)}.safetensors"
    kept = _read(path)
    if task.fits(kept, images) and task.accepts(bases | kept, images):
        return kept
    found = task.sound(bases, images)
    if path is not None:
        save_arrays(path, found, _FORMAT)
    return found


def _read(path: Path | None) -> Arrays:
    """Return the arrays of a file of ours; none where there is none."""
    try:
        arrays, note = ({}, {}) if path is None else load_arrays(path)
    except NumericError:
        return {}
    return arrays if note == _FORMAT else {}


def _robustness(name: str, layers: list[Layer], images: npt.NDArray[Any]) -> Arrays:
    """Find the exact radii of a network of one layer, and what proves them."""
    if name not in _MARGINS:
        _MARGINS.clear()
        _MARGINS[name] = PairMargins(layers)
    classes = _classes(layers, images)
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
