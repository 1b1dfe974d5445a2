"""Around each image the network, or it and a graph, keep the class of the image."""

import re
from typing import Any

import numpy as np

from ..layers import Layer
from ..read import Files, data_digest
from ..surroundings import Surroundings
from ..verdicts import need
from .kind import Kind
from .radii import QUARTILES, radii


def verify(files: Files, models: str, **said: Any) -> None:  # noqa: ANN401 -- of radii
    """Bound margins on balls around the images by multipliers."""
    name = f"stability.{models}"
    radius, certain = radii(files, name, **said)
    for mark, stack in _stacks(files, models):
        *sizes, outputs = (len(layer.linear) - 1 for layer in stack)
        shape = len(files.images), outputs, len(stack)
        multipliers = files.witness(f"{name}.{mark}.multipliers", np.float64, *shape)
        need(multipliers >= 0, "a multiplier is below 0")
        given = files.arrays.get(f"{name}.{mark}.basis", np.zeros(0))
        basis = files.witness(f"{name}.{mark}.basis", np.float64, files.inputs, *given.shape[1:])
        need(basis.ndim == 2, f"a basis has the shape {basis.shape}")
        roots = [
            files.witness(f"{name}.{mark}.root.{number}", np.float64, size, size)
            for number, size in enumerate(sizes, start=1)
        ]
        key = mark, models, data_digest([basis, *roots])
        if key not in files.found:
            files.found[key] = Surroundings(stack, basis, roots)
        near = files.found[key]
        for place in np.flatnonzero(radius > 0):
            held = int(certain[place]), float(radius[place]), multipliers[place]
            right = near.kept(files.images[place], *held)
            need(right, f"image {place} may get another class within its radius")


def _stacks(files: Files, models: str) -> list[tuple[str, list[Layer]]]:
    """Return whose logits the claim is about, with the marks of their witnesses."""
    found = re.fullmatch(r"the network(?: and the (.*) graph)?", models)
    need(found is not None and (found[1] is None or found[1] in files.graphs), f"who is {models}?")
    graph = found[1] if found else None
    return [("network", files.model), *([("graph", files.graphs[graph])] if graph else [])]


KIND = Kind(
    "stability",
    "bounded",
    "multiplier_bound",
    "For {count} of the {images} images (data {data}) every input nearer than a radius gets the "
    f"class that the network gives the image, from {{models}}; {QUARTILES}.",
    verify,
)
