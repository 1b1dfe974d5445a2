"""Around each image the network, or it and a graph, keep the class of the image."""

from typing import Any

import numpy as np

from ..balls import Array
from ..cubes import Cubes
from ..layers import Layer
from ..read import Files, data_digest
from ..surroundings import Rows, Surroundings, signed
from ..verdicts import need
from .kind import Kind
from .radii import QUARTILES, radii


def balls(files: Files, models: str, **said: Any) -> None:  # noqa: ANN401 -- of radii
    """Bound margins on balls around the images by multipliers."""
    name, (network, *graph) = f"stability.{models}", models.split(" and ")
    alone = network == "the network" and network not in graph and len(graph) < 2
    need(alone, f"who is {models}?")
    found = radii(files, name, **said)
    for mark, model in zip(("network", "graph"), (network, *graph), strict=False):
        _prove(files, f"{name}.{mark}", files.stack(model), found)


def cubes(files: Files, **said: Any) -> None:  # noqa: ANN401 -- of radii
    """Bound margins by multipliers on ellipsoids around cubes."""
    found = radii(files, "pixel stability", **said)
    _prove(files, "pixel stability.network", files.model, found, cubes=True)


def _prove(
    files: Files, mark: str, stack: list[Layer], said: tuple[Array, Array], *, cubes: bool = False
) -> None:
    """Prove that a stack keeps classes within radii, or where all numbers change by no more."""
    hidden = _hidden(files, mark, stack)
    total, (radius, certain) = 2 + sum(2 * each.kept + 1 for each in hidden), said
    shape = len(files.images), len(stack[-1].linear) - 1
    name = f"{mark}.multipliers"
    count = (*files.arrays.get(name, np.zeros(0)).shape, 0, 0, 0)[2]
    multipliers = files.witness(name, np.float64, *shape, count, total)
    slabs = files.witness(f"{mark}.slabs", np.float64, *shape, 2 + count)
    need(count > 0, "a ball has no slabs")
    need(signed(multipliers, hidden) >= 0, "a multiplier is below 0")
    near = Cubes(stack, hidden) if cubes else _near(files, mark, stack, hidden)
    for place in np.flatnonzero(radius > 0):
        image, given = files.images[place], (slabs[place], multipliers[place])
        right = near.kept(image, int(certain[place]), float(radius[place]), *given)
        need(right, f"image {place} may get another class within its radius")


def _near(files: Files, mark: str, stack: list[Layer], hidden: list[Rows]) -> Surroundings:
    """Return a stack near images, and what is proved of it, once for all claims."""
    count, several = hidden[0].rows.shape[0] if hidden else 0, len(hidden) > 1
    bends = files.witness(f"{mark}.bends", np.float64, count) if several else np.zeros(0)
    key = mark, data_digest([bends, *(array for each in hidden for array in each)])
    near: Surroundings = files.found.setdefault(key, Surroundings(stack, hidden, bends))
    return near


def _hidden(files: Files, mark: str, stack: list[Layer]) -> list[Rows]:
    """Return the directions of hidden states."""
    *sizes, outputs = (len(layer.linear) - 1 for layer in stack)
    count, found = outputs * (outputs - 1) // 2, []
    for number, size in enumerate(sizes, start=1):
        rows = files.witness(f"{mark}.rows.{number}", np.float64, count, size, size)
        name = f"{mark}.held.{number}"
        given = files.arrays.get(name, np.zeros(0)).shape[1:]
        held = files.witness(name, np.float64, count, *given)
        need(held.ndim == 2 and held.shape[1] <= size, f"{name} has the shape {held.shape}")
        need(held >= 0, "a multiplier is below 0")
        found.append(Rows(rows, held))
    return found


STABILITY = Kind(
    "stability",
    "bounded",
    "multiplier_bound",
    "For {count} of the {images} images (data {data}) every input nearer than a radius gets the "
    f"class that the network gives the image, from {{models}}; {QUARTILES}.",
    balls,
)
PIXEL_STABILITY = Kind(
    "pixel stability",
    "bounded",
    "multiplier_bound",
    "For {count} of the {images} images (data {data}) every input that differs from the image by "
    f"less than a radius in every number gets its class from the network; {QUARTILES}.",
    cubes,
)
