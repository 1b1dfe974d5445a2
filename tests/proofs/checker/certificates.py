"""Certificates of small networks with every kind of claim, as tests need them."""

from __future__ import annotations

import copy
import json
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import numpy.typing as npt
import torch

from numeric import (
    BilinearNetwork,
    Layer,
    prune,
    save_graph,
    save_network,
    square_layers,
    trace,
)
from numeric.graphs.pruning import as_layers
from numeric.networks.inference import predictions
from numeric.networks.normal_form import degree_two
from proofs import Certificate, Claim, save_certificate
from proofs.certificates.files import data_hash
from proofs.certificates.radii import (
    RadiiTask,
    directions_witnesses,
    pixel_radii,
    stability_directions,
    stability_radii,
    stable_changes,
)
from proofs.certificates.verification import radii_numbers
from proofs.checker import CLAIMS, Files, Rejected, check
from proofs.checker.read import read
from proofs.robustness.claims import FACTOR, FIXED, witnesses
from proofs.robustness.pairs import PairMargins
from proofs.robustness.trust_region import nearest
from tests.oracles import module_value
from tests.proofs.checker.refutations import signature
from tests.weights import within_one_over_the_root

Arrays = dict[str, npt.NDArray[Any]]

BOUNDS = [str(Decimal(f"{digit}E{power}")) for power in range(-40, 0) for digit in (1, 2, 5)] + [
    str(Decimal(digit).scaleb(power).normalize()) for power in range(12) for digit in (1, 2, 5)
]
"""Bounds to try, ascending."""

OWN = "0" * 32
"""Stands for the hash of the data of whoever writes a claim."""


def claimed(kind: str, numbers: Mapping[str, Any], **more: Any) -> Claim:
    """State a claim; if it is about data, about those of whoever writes it."""
    data = {"data": OWN} if "data" in CLAIMS[kind].parameters else {}
    return Claim.of(kind, data | dict(numbers), **more)


def about(claim: Claim, arrays: Mapping[str, npt.NDArray[Any]]) -> Claim:
    """Return a claim about data: these, unless it says of others what it says."""
    if claim.numbers.get("data") != OWN:
        return claim
    numbers = {**claim.numbers, "data": data_hash(arrays)}
    return Claim.of(str(claim.kind), numbers, name=claim.name, evidence=claim.evidence)


@dataclass(frozen=True)
class Case:
    """A network with its graphs, some images, and what a certificate says of them."""

    model: Any
    images: npt.NDArray[Any]
    labels: npt.NDArray[np.int64]
    graphs: Mapping[str, nx.DiGraph[Any]] = field(default_factory=dict)
    claims: tuple[Claim, ...] = ()
    witnesses: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)

    def write(self, folder: Path) -> Path:
        """Write the certificate and all that it names; return its path."""
        save_network(self.model, folder / "model.safetensors")
        paths = {}
        for name, graph in self.graphs.items():
            paths[name] = folder / f"graph-{name}.safetensors"
            save_graph(graph, paths[name])
        arrays = {"images": self.images, "labels": self.labels, **self.witnesses}
        claims = tuple(about(claim, arrays) for claim in self.claims)
        certificate = Certificate(claims, {"network": "a small one"}, {}, arrays)
        path = folder / "certificate.json"
        save_certificate(certificate, path, model=folder / "model.safetensors", graphs=paths)
        return path

    def accepted(self, folder: Path, *claims: Claim, **arrays: npt.NDArray[Any]) -> bool:
        """Return whether the checker accepts a certificate of these claims."""
        case = Case(self.model, self.images, self.labels, self.graphs, claims, arrays)
        return is_accepted(case.write(folder))


def is_accepted(path: Path) -> bool:
    """Return whether the checker accepts a certificate."""
    try:
        check(path)
    except Rejected:
        return False
    return True


def small_case(depth: int = 1, seed: int = 0, images: int = 4, **shape: Any) -> Case:
    """Return a small network, images, labels and graphs, nothing claimed yet."""
    model = BilinearNetwork(
        **{"inputs": 3, "outputs": 3, "depth": depth, "width": 2, "hidden": 4} | shape
    )
    within_one_over_the_root(model, seed, times=2)
    draw = np.random.default_rng(seed)
    pictures = (draw.integers(0, 256, (images, 3)) / 255).astype(np.float32)
    eigen = trace(model, "eigen")
    features = sum(node[0] == "feature" for node in eigen)
    graphs = {
        "polarized": trace(model, "polarized"),
        "eigen": eigen,
        "pruned": prune(eigen, features=features - 2),
    }
    return Case(model, pictures, predictions(model, pictures), graphs)


def task_case(modulus: int = 3, seed: int = 0) -> Case:
    """Return a network that adds modulo a number, a neuron for each pair, nothing claimed yet."""
    draw, pairs = np.random.default_rng(seed), list(product(range(modulus), repeat=2))
    model = BilinearNetwork(2 * modulus, modulus, depth=1, hidden=len(pairs), bias=False)
    left, right = (np.eye(modulus)[list(numbers)] for numbers in zip(*pairs, strict=True))
    sums = np.array([sum(pair) % modulus for pair in pairs])
    weights = {
        "left": np.concatenate([left, 0 * left], axis=1),
        "right": np.concatenate([0 * right, right], axis=1),
        "down": np.eye(modulus)[sums].T,
    }
    with torch.no_grad():
        for side, array in weights.items():
            noisy = array + draw.normal(0, 0.05, array.shape)
            getattr(model.blocks[0], side).weight.copy_(torch.from_numpy(noisy))
    eigen = trace(model, "eigen")
    images = np.eye(2 * modulus, dtype=np.float32)
    return Case(model, images, predictions(model, images), {"eigen": eigen})


def task_claims(modulus: int = 3) -> tuple[Claim, ...]:
    """Claim that network and graph of a task do it."""
    return tuple(
        Claim.of("task", {"models": models, "modulus": modulus}, name=models)
        for models in ("the network", "the eigen graph")
    )


def full_case(folder: Path, case: Case) -> Case:
    """Claim all that can be claimed of a case, as sharply as the checker accepts it."""
    files = files_of(case.write(folder))
    count, arrays = len(case.images), dict(case.witnesses)
    exact = [module_value(case.model, image) for image in case.images]
    right = sum(np.argmax(row) == label for row, label in zip(exact, case.labels, strict=True))
    claims = [
        claimed("same polynomial", {"graph": "polarized"}),
        *bounded(files, "difference", {"graph": "eigen", "low": "0", "high": "1"}),
        *bounded(files, "rounding", {"images": count, "dtype": "float32"}),
        claimed("signature", signature(case.model)),
        claimed("accuracy", {"images": count, "right": int(right)}),
        claimed("agreement", {"graph": "eigen", "images": count, "same": count}),
    ]
    for graph in ("", "pruned"):
        found, claim = stability_of(case, graph)
        arrays |= found
        claims.append(claim)
    more = (robustness_of, pixel_robustness_of) if degree_two(case.model.layers()) else ()
    more += (pixel_stability_of,) if len(case.model.layers()) > 1 else ()
    for proved in more:
        found, claim = proved(case)
        arrays |= found
        claims.append(claim)
    return Case(case.model, case.images, case.labels, case.graphs, tuple(claims), arrays)


def files_of(path: Path) -> Files:
    """Return what the files hold that a certificate names."""
    return read(path.parent, json.loads(path.read_text())["files"])


def verify(files: Files, kind: str, numbers: Mapping[str, Any]) -> None:
    """Verify a claim about files."""
    data = {"data": files.data} if "data" in CLAIMS[kind].parameters else {}
    with np.errstate(all="ignore"):
        CLAIMS[kind].verify(files, **CLAIMS[kind].numbers(dict(numbers) | data))


def bounded(files: Files, kind: str, numbers: dict[str, Any]) -> Iterator[Claim]:
    """Claim the second of the bounds that the checker accepts."""

    def holds(bound: str) -> bool:
        try:
            verify(files, kind, numbers | {"bound": bound})
        except (Rejected, ArithmeticError, ValueError):
            return False
        return True

    least = bisect_left(BOUNDS, x=True, key=holds)
    if least + 1 < len(BOUNDS):
        yield claimed(kind, numbers | {"bound": BOUNDS[least + 1]})


def stability_of(
    case: Case, graph: str = "", kept: int | None = None, slabs: int | None = None
) -> tuple[Arrays, Claim]:
    """Return radii for the network, or for it and a graph, with what proves them."""
    stacks: list[list[Layer]] = [case.model.layers()]
    if graph:
        stacks.append(as_layers(square_layers(case.graphs[graph])))
    directions = stability_directions(stacks, case.images, kept)
    models = f"the network and the {graph} graph" if graph else "the network"
    found = stability_radii(directions, stacks, case.images, slabs=slabs)
    arrays = directions_witnesses(directions) | found
    claim = radii_claim("stability", arrays["radius"], models=models)
    return {f"stability.{models}.{name}": array for name, array in arrays.items()}, claim


def robustness_of(case: Case) -> tuple[Arrays, Claim]:
    """Return the radii of a network of degree two, with what proves them."""
    margins = PairMargins(case.model.layers())
    found = nearest(
        margins, case.images, predictions(copy.deepcopy(case.model).double(), case.images)
    )
    arrays = witnesses(margins, case.images, found)
    fixed = int((arrays["targets"] == FIXED).sum())
    claim = radii_claim("robustness", arrays["radius"], factor=FACTOR, fixed=fixed)
    return {f"robustness.{name}": array for name, array in arrays.items()}, claim


def pixel_robustness_of(case: Case) -> tuple[Arrays, Claim]:
    """Return by how much all pixels can change, with what proves it."""
    arrays = pixel_radii(case.model.layers(), case.images)
    claim = radii_claim("pixel robustness", arrays["radius"])
    return {f"pixel robustness.{name}": array for name, array in arrays.items()}, claim


def pixel_stability_of(
    case: Case, kept: int | None = None, slabs: int | None = None
) -> tuple[Arrays, Claim]:
    """Return by how much all pixels can change through layers, with what proves it."""
    layers = case.model.layers()
    (directions,) = stability_directions([layers], case.images, kept)
    arrays = directions_witnesses([directions])
    arrays |= stable_changes(directions, layers, case.images, slabs)
    claim = radii_claim("pixel stability", arrays["radius"])
    return RadiiTask("pixel stability", "the network", layers).named(arrays), claim


def radii_claim(kind: str, radii: npt.NDArray[np.float64], **numbers: Any) -> Claim:
    """Claim radii, those that are 0 aside."""
    fixed = {"fixed": 0} if kind == "robustness" else {}
    numbers = fixed | radii_numbers(radii, OWN) | numbers
    return Claim.of(kind, numbers, name=f"{kind} {numbers.get('models', '')}")
