"""Radii of one kind around images, and what proves them, as far as the checker accepts them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from numeric import Layer, SquareLayer
from numeric.files import digest
from numeric.graphs.pruning import as_layers
from numeric.networks.attacks import attack
from numeric.networks.layered import LayeredNetwork
from numeric.networks.normal_form import handed_on
from proofs.bounds.certified_changes import certified_changes
from proofs.bounds.certified_radii import CertifiedRadii, Proofs, certified_radii
from proofs.bounds.hidden_directions import HiddenDirections
from proofs.bounds.surroundings import Stack
from proofs.certificates.claims import Claim, Level
from proofs.certificates.counts import clear_classes
from proofs.certificates.files import data_hash
from proofs.certificates.verification import Verifier, accepted, radii_numbers
from proofs.robustness.claims import FACTOR, FIXED, pixel_witnesses, witnesses
from proofs.robustness.infinity import infinity_bounds
from proofs.robustness.pairs import PairMargins
from proofs.robustness.trust_region import nearest

Arrays = dict[str, npt.NDArray[Any]]

_STACKS = ("network", "graph")
"""What witnesses are called that belong to the first and to the second of two stacks."""

_NEAR = 2.0**-399
"""A radius that counts as none."""

_ROOMS = ((0.0, 1e-12), (1e-4, 1e-9), (1e-2, 1e-6), (0.2, 1e-4), (0.9, 1e-6))
"""By which share a radius that is not accepted is shortened, and how small multipliers may be then,
beside the largest: those next to 0 leave a direction no room for rounding."""

_MARGINS: dict[str, PairMargins] = {}
"""The eigendecompositions of the last network that this process has worked on."""

_VERIFIERS: dict[str, Verifier] = {}
"""The last verifier of this process."""


@dataclass(frozen=True)
class RadiiTask:
    """A kind of radii, of a network alone or of one together with a graph."""

    kind: str
    subject: str
    network: list[Layer]
    graphs: Mapping[str, Sequence[SquareLayer]] = field(default_factory=dict)
    target: float | None = None

    @property
    def deep(self) -> bool:
        """Whether multipliers of hidden states prove the radii."""
        return self.kind in ("stability", "pixel stability")

    @property
    def stacks(self) -> list[list[Layer]]:
        """The layers of the network, and of a graph if it is about both."""
        return [self.network, *(as_layers(squares) for squares in self.graphs.values())]

    def digest(self, *arrays: npt.NDArray[Any]) -> str:
        """Name what follows from the weights and some arrays, by nothing that was computed."""
        weights = [array for stack in self.stacks for layer in stack for array in layer]
        enough = [] if self.target is None else [np.array([self.target])]
        return digest([*weights, *enough, *arrays])[:16]

    def named(self, arrays: Arrays) -> Arrays:
        """Return arrays under the names that witnesses have, those of this kind."""
        if self.kind == "stability":
            return {f"stability.{self.subject}.{key}": array for key, array in arrays.items()}
        # Bounds of bends are those on balls: around each cube there are others.
        own = {key: array for key, array in arrays.items() if key != "network.bends"}
        return {f"{self.kind}.{key}": array for key, array in own.items()}

    def nothing(self, arrays: Arrays) -> Arrays:
        """Return arrays of which nothing is claimed of any image."""
        targets = {"targets": np.maximum(arrays["targets"], 0)} if "targets" in arrays else {}
        return arrays | {"radius": np.zeros_like(arrays["radius"])} | targets

    def claim(self, arrays: Arrays, data: str) -> Claim:
        """State how many images have a radius, and how large the radii are.

        Args:
            arrays: the radii, and what proves them.
            data: the hash of images and labels.
        """
        numbers = radii_numbers(arrays["radius"], data)
        if self.kind == "robustness":
            fixed = int((arrays["targets"] == FIXED).sum())
            return Claim.of(self.kind, numbers | {"factor": FACTOR, "fixed": fixed})
        if self.kind in ("pixel robustness", "pixel stability"):
            return Claim.of(self.kind, numbers)
        name = f"{self.subject}: {self.kind}"
        return Claim.of(self.kind, {"models": self.subject} | numbers, name=name)

    def accepts(self, arrays: Arrays, images: npt.NDArray[Any]) -> bool:
        """Return whether the checker accepts the radii of images."""
        return self.refusal(arrays, images) is None

    def refusal(self, arrays: Arrays, images: npt.NDArray[Any]) -> str | None:
        """Return why the checker rejects the radii of images, or nothing where it accepts them."""
        witnesses = {"images": images, **self.named(arrays)}
        return _verifier(self).refusal(self.claim(arrays, data_hash(witnesses)), witnesses)

    def unbounded(self, arrays: Arrays, images: npt.NDArray[Any]) -> Claim | None:
        """Say of how many images without a radius no other class was found at any distance.

        Args:
            arrays: the exact radii.
            images: shape (images, inputs).
        """
        some = images[(arrays["radius"] == 0) & (arrays["targets"] != FIXED)]
        classes = _classes(self.network, some)
        some, classes = some[classes >= 0], classes[classes >= 0]
        if not len(some):
            return None
        found = nearest(_margins(self.digest(), self.network), some, classes)
        count = int(np.isinf(found.radius).sum())
        return (
            None
            if not count
            else Claim(
                name=f"{self.kind}: no other class",
                level=Level.MEASURED,
                statement=(
                    f"Around {count:,} of the {len(images):,} images no input of another class was "
                    "found at any distance, in float64: no distance is claimed of them."
                ),
                holds=True,
            )
        )

    def fits(self, arrays: Arrays, images: npt.NDArray[Any]) -> bool:
        """Return whether arrays are those of this kind, with a row for each image, and finite."""
        wanted = (
            {"radius", "multipliers", "targets", "added"}
            if self.kind == "robustness"
            else {
                "radius",
                *(
                    f"{name}.{key}"
                    for name in _STACKS[: len(self.stacks)]
                    for key in Proofs._fields
                ),
            }
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
        for share, least in _ROOMS if self.deep else ():
            if not wrong.any():
                break
            arrays["radius"][wrong] = radii[wrong] * (1 - share)
            for name, stack in zip(_STACKS, self.stacks, strict=False):
                free = _directions(bases, name, stack).free
                multipliers = arrays[f"{name}.multipliers"]
                largest = np.where(free, 0, multipliers).max(axis=(1, 2, 3), keepdims=True)
                lifted = np.where(free, multipliers, np.maximum(multipliers, least * largest))
                multipliers[wrong] = lifted[wrong]
            places = np.flatnonzero(wrong)
            tried = bases | {name: array[places] for name, array in arrays.items()}
            wrong[places] = ~self.sure(tried, images[places])
        arrays["radius"][wrong] = 0.0
        if self.kind == "robustness":
            arrays["targets"][wrong] = np.maximum(arrays["targets"][wrong], 0)
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
        if self.kind == "pixel stability":
            own = _directions(bases, "network", self.network)
            return stable_changes(own, self.network, images)
        if self.kind == "robustness":
            return _robustness(self.digest(), self.network, images)
        pairs = zip(_STACKS, self.stacks, strict=False)
        directions = [_directions(bases, name, stack) for name, stack in pairs]
        return stability_radii(directions, self.stacks, images, self.target)


def _directions(bases: Arrays, name: str, stack: Sequence[Layer]) -> HiddenDirections:
    """Return the directions of hidden states that were written as witnesses of a stack."""
    own = {key.removeprefix(f"{name}."): array for key, array in bases.items()}
    return HiddenDirections.of_arrays(own, len(stack))


def _is_of_images(name: str) -> bool:
    """Return whether a witness has a row for each image."""
    return name.rpartition(".")[2] in ("radius", *Proofs._fields, "targets", "added")


def _verifier(task: RadiiTask) -> Verifier:
    """Return the verifier of a task, with the eigendecompositions that it has checked before."""
    name = f"{task.subject} {task.digest()}"
    if name not in _VERIFIERS:
        _VERIFIERS.clear()
        _VERIFIERS[name] = Verifier(task.network, task.graphs)
    return _VERIFIERS[name]


def stability_directions(
    stacks: Sequence[Sequence[Layer]], images: npt.NDArray[Any], kept: int | None = None
) -> list[HiddenDirections]:
    """Return the directions of hidden states that have multipliers, for each of some stacks.

    Args:
        stacks: the layers of the network, and of a graph if it is about both.
        images: some that are typical, shape (images, inputs).
        kept: how many directions of each hidden state have multipliers; left out, as many as count.
    """
    return [HiddenDirections.of(Stack.of(stack), images, kept) for stack in stacks]


def directions_witnesses(directions: Sequence[HiddenDirections]) -> Arrays:
    """Return directions of hidden states as witnesses.

    Args:
        directions: of the network, and of a graph if it is about both.
    """
    return {
        f"{name}.{key}": array
        for name, each in zip(_STACKS, directions, strict=False)
        for key, array in each.arrays().items()
    }


def stability_radii(
    directions: Sequence[HiddenDirections],
    stacks: Sequence[Sequence[Layer]],
    images: npt.NDArray[Any],
    target: float | None = None,
    slabs: int | None = None,
) -> Arrays:
    """Find radii within which all stacks keep the class of the first one, and what proves them.

    Args:
        directions: of the hidden states that have multipliers, for each stack.
        stacks: the layers of the network, and of a graph if it is about both.
        images: shape (images, inputs).
        target: which part of the distance that an attack finds is enough; left out, as much as can
            be proved.
        slabs: into how many a ball may be divided; left out, as many as are usual.

    Returns:
        The radii, and slabs and multipliers of each stack, as witnesses.
    """
    classes = _classes(stacks[0], images)
    labels = np.maximum(classes, 0)
    most = None if target is None else target * _attacked(stacks[0], images, labels)
    found = certified_radii(stacks, images, labels, directions, most, slabs)
    return _proved(found, classes)


def stable_changes(
    directions: HiddenDirections,
    layers: Sequence[Layer],
    images: npt.NDArray[Any],
    slabs: int | None = None,
) -> Arrays:
    """Find by how much all pixels can change, and what proves it, as witnesses.

    Args:
        directions: of the hidden states that have multipliers.
        layers: of the network.
        images: shape (images, inputs).
        slabs: into how many an ellipsoid around a cube may be divided; left out, as many as usual.
    """
    classes = _classes(layers, images)
    found = certified_changes(layers, images, np.maximum(classes, 0), directions, slabs)
    return _proved(found, classes)


def _proved(found: CertifiedRadii, classes: npt.NDArray[np.int64]) -> Arrays:
    """Return radii, none where the class is open, and what proves them, as witnesses."""
    arrays = {
        f"{name}.{key}": array
        for name, proofs in zip(_STACKS, found.proofs, strict=False)
        for key, array in proofs._asdict().items()
    }
    return {"radius": np.where(classes < 0, 0.0, found.radii), **arrays}


def _attacked(
    layers: Sequence[Layer], images: npt.NDArray[Any], classes: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Return how far projections have to go to another class: nothing in them is random."""
    generator = torch.Generator().manual_seed(0)
    return attack(
        LayeredNetwork(layers), images, classes, generator=generator, restarts=0
    ).distances


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


def _robustness(name: str, layers: list[Layer], images: npt.NDArray[Any]) -> Arrays:
    """Find the exact radii of a network of one layer, and what proves them."""
    margins, classes = _margins(name, layers), _classes(layers, images)
    found = nearest(margins, images, np.maximum(classes, 0))
    arrays = witnesses(margins, images, found)
    arrays["radius"][classes < 0] = 0.0
    arrays["targets"][classes < 0] = 0
    return arrays


def _margins(name: str, layers: list[Layer]) -> PairMargins:
    """Return the margins of a network of one layer, decomposed before if it was the last one."""
    if name not in _MARGINS:
        _MARGINS.clear()
        _MARGINS[name] = PairMargins(layers)
    return _MARGINS[name]


def _classes(layers: Sequence[Layer], images: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return the network's classes, -1 where floating point leaves a doubt."""
    state = np.concatenate([np.ones((len(images), 1)), images], axis=1)
    with np.errstate(over="ignore", invalid="ignore"):
        return clear_classes(handed_on(layers, state)[:, 1:])
