"""What claims are about, and every precondition that lies between files."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from .balls import LONGEST, Array, arithmetic
from .files import content, tensors
from .layers import Layer
from .stored import graph_layers, network
from .verdicts import need

NAME = r"[\w.-]+( \(\d+\))?"
"""What a graph may be called: nothing that says something in a sentence."""


@dataclass(frozen=True)
class Files:
    """A network, its graphs by their names, images, labels and witnesses, that fit together.

    Witnesses may be anything: whoever reads one asks for its type and shape, and believes nothing.

    Attributes:
        model: the layers of the network.
        single: whether its weights are float32.
        graphs: the layers of each graph.
        arrays: the witnesses, the images and the labels among them.
        found: what claims have computed of layers and witnesses, kept for the next one.
    """

    model: list[Layer]
    single: bool
    graphs: dict[str, list[Layer]]
    arrays: dict[str, Array]
    found: dict[Any, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Hold the preconditions: the whole list of them, whatever is claimed."""
        arithmetic()
        for stack in (self.model, *self.graphs.values()):
            axes = [axis for layer in stack for array in layer for axis in array.shape]
            need(max(axes) <= LONGEST, f"a layer has {max(axes)} rows or columns")
        for name, stack in self.graphs.items():
            need(re.fullmatch(NAME, name, re.ASCII), f"a graph is called {name}")
            need(len(stack) == len(self.model), f"the {name} graph has {len(stack)} layers")
            ends = stack[0].linear.shape[1] - 1, len(stack[-1].linear) - 1
            said = f"the {name} graph has {ends[0]} inputs and {ends[1]} logits"
            need(ends == (self.inputs, self.outputs), said)
        given = self.arrays["images"]
        need(given.dtype.kind == "f" or given.dtype == np.uint8, f"images are {given.dtype}")
        fits = given.ndim == 2 and len(given) > 0 and given.shape[1] == self.inputs
        need(fits, f"images have the shape {given.shape}, where there are {self.inputs} inputs")
        if "labels" in self.arrays:
            labels = self.witness("labels", np.int64, len(given))
            # One that is no class of the network is never right.
            need(labels >= 0, "a label is below 0")

    @property
    def inputs(self) -> int:
        """How many numbers go in."""
        return int(self.model[0].linear.shape[1] - 1)

    @property
    def outputs(self) -> int:
        """How many logits come out."""
        return len(self.model[-1].linear) - 1

    @cached_property
    def images(self) -> Array:
        """The images. Bytes stand for the float32 nearest to their 255th part, as torch sees it."""
        pixels = self.arrays["images"]
        if pixels.dtype == np.uint8:
            pixels = pixels.astype(np.float32) / np.float32(255)
        return np.asarray(pixels, dtype=np.float64)

    @cached_property
    def data(self) -> str:
        """The first half of the SHA-256 of images and labels, their types and shapes."""
        return data_digest(
            [self.arrays[name] for name in ("images", "labels") if name in self.arrays]
        )

    def witness(self, name: str, dtype: type, *shape: int) -> Array:
        """Return a witness, if it is of a type and a shape."""
        need(name in self.arrays, f"there is no witness {name}")
        found = self.arrays[name]
        right = found.dtype == dtype and found.shape == shape
        need(right, f"{name} is {found.dtype} of shape {found.shape}")
        return found

    def stack(self, named: str) -> list[Layer]:
        """Return the layers of ``the network``, or of ``the … graph``."""
        graphs = {f"the {name} graph": stack for name, stack in self.graphs.items()}
        need(named == "the network" or named in graphs, f"who is {named}?")
        return graphs.get(named, self.model)

    def layers(self, graph: str) -> list[tuple[Layer, Layer]]:
        """Return the layers of the network with those of a graph."""
        return list(zip(self.model, self.stack(f"the {graph} graph"), strict=True))

    def counted(self, images: int, data: str) -> int:
        """Return how many images there are, if they are those that a claim is about."""
        need(images == len(self.images), f"there are {len(self.images)} images")
        need(data == self.data, f"images and labels have the hash {self.data}")
        return images


def data_digest(arrays: Sequence[Array]) -> str:
    """Return the first half of the SHA-256 of arrays: for each, its type, shape and bytes."""
    found = hashlib.sha256()
    for array in arrays:
        found.update(f"{array.dtype.str} {array.shape}\n".encode() + array.tobytes())
    return found.hexdigest()[:32]


def read(folder: Path, said: Any) -> Files:  # noqa: ANN401 -- JSON
    """Return what the files hold that a certificate names, seen from its folder."""

    def found(item: dict[str, str], kind: str) -> tuple[dict[str, Array], Any]:
        need(item.keys() == {"name", "sha256"}, f"a {kind} is named otherwise")
        return tensors(content(folder / item["name"], item["sha256"]), item["name"], kind)

    need(said.keys() == {"model", "graphs", "witnesses"}, "other files are named")
    model, single = network(found(said["model"], "network")[0])
    graphs = {name: graph_layers(*found(item, "graph")) for name, item in said["graphs"].items()}
    return Files(model, single, graphs, found(said["witnesses"], "witnesses")[0])
