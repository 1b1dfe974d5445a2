"""Which claims of a certificate are false: decided exactly, from the files, without the checker.

Of what holds for a whole region, one exact point where it does not is looked for.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import flint
import networkx as nx
import numpy as np
import numpy.typing as npt
import torch

from numeric import BilinearNetwork, load_graph, load_network, rewrite, square_layers
from numeric.files import load_arrays
from numeric.networks.attacks import attack
from numeric.networks.inference import logits, predictions
from numeric.networks.normal_form import degree_two
from proofs.certificates.files import data_hash
from proofs.robustness.pairs import PairMargins
from proofs.robustness.trust_region import nearest, nearest_points
from tests.oracles import exact, flint_number, layer_expansion, matrix, value

Doubles = npt.NDArray[np.float64]
Point = Sequence[Any]

FAR = 1e6
"""How far points of another class are looked for around images that have none."""


def refuted(path: Path) -> list[str]:
    """Return the statements of a certificate that are false, or say what nothing says.

    Raises:
        NumericError: a file holds no network, no graph or no arrays.
    """
    said = json.loads(path.read_text(encoding="utf-8"))
    files = said["files"]
    oracle = Oracle(
        load_network(path.parent / files["model"]["name"]),
        {name: load_graph(path.parent / item["name"]) for name, item in files["graphs"].items()},
        load_arrays(path.parent / files["witnesses"]["name"])[0],
    )
    return [
        claim["statement"]
        for claim in said["claims"]
        if not getattr(oracle, claim["kind"].replace(" ", "_"))(**claim["numbers"])
    ]


def signature(model: BilinearNetwork) -> dict[str, Any]:
    """Return how many eigenvalues of each logit's interaction matrix have which sign, exactly."""
    left, right, down, _ = map(matrix, model.layers()[-1])
    size = len(left[0])
    counts = []
    for weights in down[1:]:
        entries = [[Fraction(0)] * size for _ in range(size)]
        for weight, one, other in zip(weights, left, right, strict=True):
            for i in range(size):
                for j in range(size):
                    entries[i][j] += weight * (one[i] * other[j] + one[j] * other[i])
        counts.append(signs_of([list(map(flint_number, row)) for row in entries]))
    positive, negative, zero = (list(column) for column in zip(*counts, strict=True))
    return {"size": size, "positive": positive, "negative": negative, "zero": zero}


def signs_of(entries: list[list[flint.fmpq]]) -> tuple[int, int, int]:
    """Count the signs of eigenvalues: all are real, and so Descartes' rule is exact."""
    found = flint.fmpq_mat(entries).charpoly().coeffs()
    zero = next(place for place, entry in enumerate(found) if entry != 0)
    used = [entry for entry in found if entry != 0]
    positive = sum((one > 0) != (other > 0) for one, other in pairwise(used))
    return positive, len(found) - 1 - zero - positive, zero


class Oracle:
    """A method for each kind of claim: whether it may be true."""

    def __init__(
        self,
        model: BilinearNetwork,
        graphs: dict[str, nx.DiGraph[Any]],
        arrays: dict[str, npt.NDArray[Any]],
    ) -> None:
        self.model, self.graphs, self.arrays = model, graphs, arrays
        pixels = arrays["images"]
        if pixels.dtype == np.uint8:
            pixels = pixels.astype(np.float32) / np.float32(255)
        self.images: npt.NDArray[Any] = pixels
        self._stacks: dict[str | None, list[Any]] = {}

    def stack(self, graph: str | None = None) -> list[Any]:
        """Return the exact layers of the network or of a graph."""
        if graph not in self._stacks:
            self._stacks[graph] = (
                list(self.model.layers())
                if graph is None
                else [layer.in_normal_form() for layer in square_layers(self.graphs[graph])]
            )
        return self._stacks[graph]

    def best(self, point: Point, graph: str | None = None) -> int:
        """Return the class of the largest exact logit; -1 of several."""
        found = value(self.stack(graph), point)
        return found.index(max(found)) if found.count(max(found)) == 1 else -1

    def same_polynomial(self, graph: str) -> bool:
        """Expand every layer."""
        mine, its = self.stack(), self.stack(graph)
        if [np.shape(layer[3]) for layer in mine] != [np.shape(layer[3]) for layer in its]:
            return False
        # Component 0 of the last layer is no output.
        pairs = zip(mine, its, range(1, 1 + len(mine)), strict=True)
        return all(
            layer_expansion(one, constant=True)[number == len(mine) :]
            == layer_expansion(other, constant=True)[number == len(mine) :]
            for one, other, number in pairs
        )

    def task(self, models: str, modulus: int) -> bool:
        """Add all pairs of numbers."""
        graph = None if models == "the network" else models[4:-6]
        if models not in ("the network", *(f"the {name} graph" for name in self.graphs)):
            return False
        ends = np.shape(self.stack(graph)[0][3])[1], np.shape(self.stack(graph)[-1][3])[0]
        if ends != (2 * modulus + 1, modulus + 1):
            return False
        hot = np.eye(modulus)
        pairs = ((a, b, [*hot[a], *hot[b]]) for a in range(modulus) for b in range(modulus))
        return all(self.best(point, graph) == (a + b) % modulus for a, b, point in pairs)

    def difference(self, graph: str, low: str, high: str, bound: str) -> bool:
        """Try corners of the region, and points in it."""
        least, most, size = Fraction(low), Fraction(high), self.images.shape[1]
        if least > most:
            return False
        draw = np.random.default_rng(0)
        shares = [*draw.integers(0, 2, (6, size)).tolist(), *draw.random((4, size)).tolist()]
        for share in shares:
            point = [least + (most - least) * Fraction(entry) for entry in share]
            pairs = zip(value(self.stack(), point), value(self.stack(graph), point), strict=True)
            if max(abs(one - other) for one, other in pairs) > Fraction(bound):
                return False
        return True

    def rounding(self, images: int, data: str, dtype: str, bound: str) -> bool:
        """Compute the logits as torch does."""
        module = copy.deepcopy(self.model).to(getattr(torch, dtype))
        found = logits(module, self.images).astype(np.float64)
        exact_logits = [value(self.stack(), image) for image in self.images]
        return (
            images == len(self.images)
            and data == data_hash(self.arrays)
            and bool(np.isfinite(found).all())
            and all(
                abs(exact(one) - other) <= Fraction(bound)
                for row, exact_row in zip(found, exact_logits, strict=True)
                for one, other in zip(row, exact_row, strict=True)
            )
        )

    def signature(self, **claimed: Any) -> bool:
        """Count by Descartes' rule."""
        found = signature(self.model)
        return claimed["size"] == found["size"] and all(
            len(claimed[sign]) == len(found[sign])
            and all(a <= b for a, b in zip(claimed[sign], found[sign], strict=True))
            for sign in ("positive", "negative", "zero")
        )

    def accuracy(self, images: int, data: str, right: int) -> bool:
        """Count exactly; a tie is nobody's."""
        pairs = zip(self.images, self.arrays["labels"].ravel().tolist(), strict=True)
        found = sum(label >= 0 and self.best(image) == label for image, label in pairs)
        return self._about(images, data) and right <= found

    def agreement(self, graph: str, images: int, data: str, same: int) -> bool:
        """Count exactly."""
        classes = [(self.best(image), self.best(image, graph)) for image in self.images]
        found = sum(one == other >= 0 for one, other in classes)
        return self._about(images, data) and same <= found

    def robustness(self, factor: str, fixed: int, **numbers: Any) -> bool:
        """Look for nearer points of another class, and whether the exact distance is too large."""
        radii = self.arrays["robustness.radius"]
        if not self._counted(radii, **numbers):
            return False
        if not degree_two(self.model.layers()):
            return False
        alone = np.flatnonzero((self.arrays["robustness.targets"] < 0) & (radii == 0))
        if fixed > len(alone) or self._moved(alone, np.full(len(radii), FAR), [None]):
            return False
        places = np.flatnonzero(radii)
        if not places.size:
            return True
        margins, points = PairMargins(self.model.layers()), self.images[places]
        classes = predictions(copy.deepcopy(self.model).double(), points)
        found = nearest(margins, points, classes)
        too_far = found.radius > radii[places] * float(Fraction(factor)) * (1 + 1e-9)
        return not too_far.any() and not self._moved(places, radii, [None])

    def pixel_robustness(self, **numbers: Any) -> bool:
        """Look at corners of the cubes for another class."""
        radii = self.arrays["pixel robustness.radius"]
        if not self._counted(radii, **numbers) or not degree_two(self.model.layers()):
            return False
        margins, draw = PairMargins(self.model.layers()), np.random.default_rng(0)
        for place in np.flatnonzero(radii):
            image, own = self.images[place].astype(np.float64), self.best(self.images[place])
            rivals = [rival for rival in range(margins.classes) if rival != own >= 0]
            slopes = [margins.between(own, rival).gradient(image[None])[0] for rival in rivals]
            corners = [np.sign(-slope) for slope in slopes]
            corners += list(draw.choice([-1.0, 1.0], size=(20, len(image))))
            for corner in corners:
                point = self._on_the_way(place, image + corner, exact(radii[place]))
                if self.best(point) != own:
                    return False
        return True

    def pixel_stability(self, **numbers: Any) -> bool:
        """Look at corners of the cubes, and where an attack finds another class."""
        radii = self.arrays["pixel stability.radius"]
        if not self._counted(radii, **numbers):
            return False
        draw = torch.Generator().manual_seed(0)
        for place in np.flatnonzero(radii):
            image, own = self.images[place].astype(np.float64), self.best(self.images[place])
            if own < 0:
                return False
            steps = np.random.default_rng(0).choice([-1.0, 1.0], size=(20, len(image)))
            found = attack(
                self.model, image[None], np.array([own]), norm="Linf", generator=draw, restarts=1
            )
            step = found.points[0] - image
            reach = abs(step).max()
            for corner in [*steps, *([step / reach] if reach else [])]:
                if np.isfinite(corner).all() and abs(corner).max() <= 1:
                    point = self._on_the_way(place, image + corner, exact(radii[place]))
                    if self.best(point) != own:
                        return False
        return True

    def stability(self, models: str, **numbers: Any) -> bool:
        """Look for nearer points of another class."""
        names = {f"the network and the {name} graph": name for name in self.graphs}
        radii = self.arrays.get(f"stability.{models}.radius")
        if radii is None or (models != "the network" and models not in names):
            return False
        graphs = [None] if models == "the network" else [None, names[models]]
        counted = self._counted(radii, **numbers)
        return counted and not self._moved(np.flatnonzero(radii), radii, graphs)

    def _about(self, images: int, data: str) -> bool:
        return images == len(self.images) and data == data_hash(self.arrays)

    def _counted(self, radii: Doubles, images: int, data: str, count: int, **least: str) -> bool:
        if radii.shape != (images,) or not self._about(images, data) or (radii < 0).any():
            return False
        above = [Fraction(radius) for radius in radii[radii > 0].tolist()]
        shares = {"lower": 3, "median": 2, "upper": 1}
        return len(above) == count and all(
            4 * sum(radius >= Fraction(least[name]) for radius in above) >= share * count
            for name, share in shares.items()
        )

    def _moved(
        self, places: npt.NDArray[Any], radii: Doubles, graphs: Sequence[str | None]
    ) -> bool:
        """Return whether an image within its radius has a point of another class."""
        classes = [self.best(self.images[place]) for place in places]
        if -1 in classes:
            return True
        for graph in graphs:
            module = self.model if graph is None else rewrite(self.graphs[graph])
            for points in self._candidates(module, places, np.array(classes), graph):
                for place, point, own in zip(places, points, classes, strict=True):
                    for share in (Fraction(1), 1 + Fraction(1, 10**8), Fraction(1, 2)):
                        moved = self._on_the_way(place, point, share)
                        apart = self._apart(place, moved)
                        if apart < exact(radii[place]) ** 2 and self.best(moved, graph) != own:
                            return True
        return False

    def _candidates(
        self, module: Any, places: npt.NDArray[Any], classes: npt.NDArray[Any], graph: str | None
    ) -> Iterator[Doubles]:
        images = self.images[places].astype(np.float64)
        # Whatever its description says, a network may be its layers alone.
        if not len(images) or len(self.model.layers()[-1].linear) < 3:
            return
        yield images
        if graph is None and degree_two(self.model.layers()):
            margins = PairMargins(self.model.layers())
            found = nearest(margins, images, classes)
            reached = np.isfinite(found.radius)
            points = images.copy()
            points[reached] = nearest_points(
                margins, images[reached], classes[reached], found.rivals[reached]
            )
            yield points
        else:
            draw = torch.Generator().manual_seed(0)
            yield attack(module, images, classes, generator=draw, restarts=1, steps=40).points

    def _on_the_way(self, place: int, point: Doubles, share: Fraction) -> list[Fraction]:
        pairs = zip(map(exact, self.images[place]), map(exact, point), strict=True)
        return [start + share * (end - start) for start, end in pairs]

    def _apart(self, place: int, point: Sequence[Fraction]) -> Fraction:
        pairs = zip(map(exact, self.images[place]), point, strict=True)
        return sum(((one - other) ** 2 for one, other in pairs), Fraction(0))
