"""Figures of certificates: how fast they are made and checked, how sharp, and what is seen."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from numeric import BilinearNetwork, Digits, save_graph, save_network, trace
from numeric.files import load_arrays, save_arrays
from numeric.networks.attacks import attack
from numeric.networks.inference import logits, predictions
from proofs import Certificate, Claim, save_certificate
from proofs.certificates.files import data_hash, data_witnesses
from proofs.certificates.radii import (
    RadiiTask,
    directions_witnesses,
    pixel_radii,
    stability_directions,
    stability_radii,
    stable_changes,
)
from proofs.checker import Rejected, check
from proofs.robustness.claims import FACTOR, witnesses
from proofs.robustness.pairs import PairMargins
from proofs.robustness.trust_region import Robustness, nearest, nearest_points
from tests.benchmarks.figures import Figure, fully_trained, timed
from tests.proofs.checker.alterations import outcomes, renew
from tests.proofs.checker.certificates import full_case, is_accepted, radii_claim, small_case

ATTACKED = 200
"""How many digits are attacked."""

ALTERED = 350
"""How many alterations there are of each certificate."""

SHAPES: tuple[dict[str, Any], ...] = ({}, {"depth": 2, "embedding": True}, {"residual": True})

DEEP = {2: (100, 0.975, 0.9, 1.5, 0.5), 3: (50, 0.95, 0.8, 4.0, 1.0)}
"""By depth: how many digits, how near mean and worst radius should come to the distances of points
of another class, and how many seconds a digit and its check may take on one core."""

DEEP_CHANGES = {2: (30, 0.75, 4.0, 1.0), 3: (20, 0.75, 20.0, 3.0)}
"""Of changes of all pixels, by depth: how many digits, how near the mean should come to that of an
attack, and how many seconds a digit and its check may take on one core."""

MOST = {1: 1e-11, 2: 3e-9, 3: 5e-5}
"""The largest bound over the pixel box that is wanted, by depth."""


def radii(digits: Digits) -> Iterator[Figure]:
    """Exact radii of all test digits: made, checked, and held against attacks."""
    model, _ = fully_trained(digits, 1)
    module, images = copy.deepcopy(model).double(), digits.test_images
    classes = predictions(module, images)
    seconds, (margins, found, arrays) = timed(_proved, model, images, classes)
    yield Figure.time(f"exact radii of {len(images)} digits, with witnesses", seconds, 120)
    with TemporaryDirectory() as folder:
        save_network(model, Path(folder) / "model.safetensors")
        for count, most in ((len(images), 600), (1, 3)):
            path = Path(folder) / f"{count}.json"
            some = {name: array[:count] for name, array in arrays.items()}
            claim = radii_claim("robustness", some["radius"], factor=FACTOR)
            named = {f"robustness.{name}": array for name, array in some.items()}
            _save(path, digits, claim, named, count)
            seconds, sentences = timed(check, path)
            yield Figure.time(f"the checker: {count} digits, {len(sentences)} claim", seconds, most)
    yield from _against_attacks(module, margins, found, images[:ATTACKED], classes[:ATTACKED])


def stability(digits: Digits) -> Iterator[Figure]:
    """Radii of deeper networks: made, checked, and held against attacks."""
    for depth, (count, least, worst, time, check_time) in DEEP.items():
        images = digits.test_images[:count]
        model, _ = fully_trained(digits, depth)
        module, stacks = copy.deepcopy(model).double(), [model.layers()]
        directions, classes = stability_directions(stacks, images), predictions(module, images)
        seconds, arrays = timed(stability_radii, directions, stacks, images)
        name = f"radii of {len(images)} digits at depth {depth}, a digit"
        yield Figure.time(name, seconds / len(images), time)
        arrays |= directions_witnesses(directions)
        with TemporaryDirectory() as folder:
            save_network(model, Path(folder) / "model.safetensors")
            path = Path(folder) / "certificate.json"
            claim = radii_claim("stability", arrays["radius"], models="the network")
            named = {f"stability.the network.{key}": array for key, array in arrays.items()}
            _save(path, digits, claim, named, len(images))
            seconds, _ = timed(check, path)
        yield Figure.time(f"the checker: {name}", seconds / len(images), check_time)
        search = partial(attack, generator=torch.Generator().manual_seed(0), restarts=3)
        distances, found = search(module, images, classes).distances, arrays["radius"]
        beyond = int((found > distances).sum())
        yield Figure(
            f"points of another class within these radii, found by an attack, depth {depth}",
            str(beyond),
            "0",
            beyond == 0,
        )
        share = found.mean() / distances.mean()
        yield Figure(
            f"mean radius, {found.mean():.3f}, over the mean distance of what it found, "
            f"{distances.mean():.3f}, depth {depth}",
            f"{share:.1%}",
            f"at least {least:.1%}",
            share >= least,
        )
        smallest = float((found / distances).min())
        yield Figure(
            f"the smallest radius over the distance of what it found, depth {depth}",
            f"{smallest:.1%}",
            f"at least {worst:.0%}",
            smallest >= worst,
        )


def deep_changes(digits: Digits) -> Iterator[Figure]:
    """By how much all pixels may change through layers: made, checked, held against attacks."""
    for depth, (count, least, time, check_time) in DEEP_CHANGES.items():
        images = digits.test_images[:count]
        model, _ = fully_trained(digits, depth)
        module, layers = copy.deepcopy(model).double(), model.layers()
        (directions,) = stability_directions([layers], images)
        seconds, arrays = timed(stable_changes, directions, layers, images)
        name = f"changes of all pixels of {count} digits at depth {depth}, a digit"
        yield Figure.time(name, seconds / count, time)
        arrays |= directions_witnesses([directions])
        with TemporaryDirectory() as folder:
            save_network(model, Path(folder) / "model.safetensors")
            path = Path(folder) / "certificate.json"
            claim = radii_claim("pixel stability", arrays["radius"])
            named = RadiiTask("pixel stability", "the network", layers).named(arrays)
            _save(path, digits, claim, named, count)
            seconds, _ = timed(check, path)
        yield Figure.time(f"the checker: {name}", seconds / count, check_time)
        generator = torch.Generator().manual_seed(0)
        attacked = attack(
            module, images, predictions(module, images), norm="Linf", generator=generator
        ).distances
        beyond = int((arrays["radius"] > attacked).sum())
        yield Figure(
            f"points of another class within these changes, found by an attack, depth {depth}",
            str(beyond),
            "0",
            beyond == 0,
        )
        share = arrays["radius"].mean() / attacked.mean()
        yield Figure(
            f"mean change, {arrays['radius'].mean():.4f}, over the mean of what it found, "
            f"{attacked.mean():.4f}, depth {depth}",
            f"{share:.1%}",
            f"at least {least:.0%}",
            share >= least,
        )


def bounds(digits: Digits) -> Iterator[Figure]:
    """What the checker proves of eigen graphs over the whole pixel box."""
    for depth, most in MOST.items():
        model, _ = fully_trained(digits, depth)
        with TemporaryDirectory() as folder:
            seconds, bound = timed(_bound_of, Path(folder), model, digits)
        yield Figure(
            f"difference of eigen graph and network over the pixel box, depth {depth}, checked in "
            f"{seconds:.0f} s",
            f"{bound:.2g}",
            f"at most {most:g}",
            bound <= most,
        )


def alterations(digits: Digits) -> Iterator[Figure]:
    """Altered certificates: seen by their hashes, and, when these are renewed, by what is false."""
    del digits
    found, exchanged = [], []
    for seed, shape in enumerate(SHAPES):
        with TemporaryDirectory() as folder:
            source = Path(folder) / "certificate"
            source.mkdir()
            path = full_case(source, small_case(seed=seed, **shape)).write(source)
            found += outcomes(source, ALTERED, seed, is_accepted)
            exchanged.append(_exchanged(path))
    rejected = sum(not outcome.stale for outcome in found)
    yield Figure(
        "altered certificates rejected, with the hashes that they had",
        f"{rejected} of {len(found)}",
        "all",
        rejected == len(found) >= 1000,
    )
    accepted = [outcome for outcome in found if outcome.renewed]
    false = sum(bool(outcome.false) for outcome in accepted)
    yield Figure(
        f"false certificates among the {len(accepted)} of {len(found)} that are accepted with all "
        "hashes renewed",
        str(false),
        "0",
        false == 0,
    )
    yield Figure(
        "certificates accepted where left and right are exchanged",
        f"{sum(exchanged)} of {len(exchanged)}",
        "all",
        all(exchanged),
    )


def pixel_changes(digits: Digits) -> Iterator[Figure]:
    """By how much all pixels may change at once: made, checked, and held against attacks."""
    model, _ = fully_trained(digits, 1)
    count, most = len(digits.test_images), 120
    seconds, arrays = timed(pixel_radii, model.layers(), digits.test_images)
    yield Figure.time(f"changes of all pixels of {count} digits, with witnesses", seconds, most)
    with TemporaryDirectory() as folder:
        save_network(model, Path(folder) / "model.safetensors")
        path = Path(folder) / "certificate.json"
        claim = radii_claim("pixel robustness", arrays["radius"])
        named = {f"pixel robustness.{name}": array for name, array in arrays.items()}
        _save(path, digits, claim, named, count)
        seconds, _ = timed(check, path)
    yield Figure.time(f"the checker: changes of all pixels of {count} digits", seconds, most)
    module, images = copy.deepcopy(model).double(), digits.test_images[:ATTACKED]
    found = attack(
        module,
        images,
        predictions(module, images),
        norm="Linf",
        generator=torch.Generator().manual_seed(0),
        restarts=3,
    ).distances
    certified = arrays["radius"][:ATTACKED]
    beyond = int((certified > found).sum())
    yield Figure(
        f"changes certified for {len(images)} digits above those of an attack, "
        f"{certified.mean():.4f} of {found.mean():.4f} in the mean",
        str(beyond),
        "0",
        beyond == 0,
    )


def _proved(
    model: BilinearNetwork, images: npt.NDArray[Any], classes: npt.NDArray[np.int64]
) -> tuple[PairMargins, Robustness, dict[str, npt.NDArray[Any]]]:
    margins = PairMargins(model.layers())
    found = nearest(margins, images, classes)
    return margins, found, witnesses(margins, images, found)


def _save(
    path: Path, digits: Digits, claim: Claim, named: dict[str, npt.NDArray[Any]], count: int
) -> None:
    """Write a certificate of the radii of the first digits."""
    data = {name: array[:count] for name, array in data_witnesses(digits).items()}
    about = Claim.of(str(claim.kind), claim.numbers | {"data": data_hash(data)})
    certificate = Certificate((about,), {}, {}, data | named)
    save_certificate(certificate, path, model=path.with_name("model.safetensors"), graphs={})


def _against_attacks(
    module: torch.nn.Module,
    margins: PairMargins,
    found: Robustness,
    images: npt.NDArray[Any],
    classes: npt.NDArray[np.int64],
) -> Iterator[Figure]:
    exact, rivals = found.radius[: len(images)], found.rivals[: len(images)]
    search = partial(attack, generator=torch.Generator().manual_seed(0), restarts=3)
    seconds, attacked = timed(search, module, images, classes)
    beyond = int((exact > attacked.distances * (1 + 1e-9)).sum())
    yield Figure(
        f"radii of {len(images)} digits above those of an attack, {seconds:.0f} s",
        str(beyond),
        "0",
        beyond == 0,
    )
    excess = attacked.distances.mean() / exact.mean() - 1
    yield Figure(
        f"mean distance of what it found over the mean radius, {exact.mean():.3f}",
        f"{excess:.2%} more",
        "at most 4 % more",
        excess <= 0.04,
    )
    ends = logits(module, nearest_points(margins, images, classes, rivals))
    rows = np.arange(len(images))
    apart = abs(ends[rows, classes] - ends[rows, rivals]).max()
    yield Figure(
        "logits of the two classes at the nearest points, apart at most",
        f"{apart:.1e}",
        "at most 1e-10",
        apart <= 1e-10,
    )


def _bound_of(folder: Path, model: BilinearNetwork, digits: Digits) -> float:
    """Return the least bound that the checker accepts: it says so where none is small enough."""
    save_network(model, folder / "model.safetensors")
    save_graph(trace(model, "eigen"), folder / "graph.safetensors")
    claim = Claim.of("difference", {"graph": "eigen", "low": "0", "high": "1", "bound": "0"})
    data = {name: array[:1] for name, array in data_witnesses(digits).items()}
    paths = {
        "model": folder / "model.safetensors",
        "graphs": {"eigen": folder / "graph.safetensors"},
    }
    save_certificate(Certificate((claim,), {}, {}, data), folder / "certificate.json", **paths)
    try:
        check(folder / "certificate.json")
    except Rejected as error:
        found = re.search(r"may differ by (\S+)$", str(error))
        return float(found[1]) if found else np.inf
    return 0.0


def _exchanged(path: Path) -> bool:
    """Return whether a certificate is accepted after left and right have changed places."""
    model = path.with_name("model.safetensors")
    arrays, description = load_arrays(model)
    turned = {
        name.replace("left", "swap").replace("right", "left").replace("swap", "right"): array
        for name, array in arrays.items()
    }
    save_arrays(model, turned, description)
    renew(path)
    return is_accepted(path)
