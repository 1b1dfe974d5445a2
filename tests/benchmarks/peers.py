"""Distances within which a class is proved to stay, beside auto_LiRPA's on the same networks.

The environment installs auto_LiRPA where it can be had; elsewhere a sentence says that it is not
compared. Its bounds hold for one radius: the largest that it proves is sought by halving, for all
images at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from numeric import BilinearNetwork, Digits, Layer
from numeric.networks.inference import predictions
from proofs.bounds.certified_radii import certified_radii
from proofs.robustness.few_images import nearest_class
from proofs.robustness.pairs import PairMargins
from tests.benchmarks.figures import Figure, timed, trained

Doubles = npt.NDArray[np.float64]

IMAGES = {1: (20, 200), 2: (20,), 3: (10,)}
"""How many digits there are, by depth."""

ROUNDS = 3
"""How often each program is timed, in turns; the fastest counts."""

HALVINGS = 10
FARTHEST = 4.0
"""Its half is tried first: no distance is as large."""


class _Block(nn.Module):
    """A layer in operations that a peer reads."""

    def __init__(self, layer: Layer) -> None:
        super().__init__()
        # The constant first component is no input here: its column is a bias.
        self.left, self.right, self.linear = (
            _affine(matrix[:, 1:], matrix[:, 0])
            for matrix in (layer.left, layer.right, layer.linear[1:])
        )
        self.down = _affine(layer.down[1:], np.zeros(len(layer.down) - 1))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.down(self.left(x) * self.right(x)) + self.linear(x)
        return y


def _affine(weight: npt.NDArray[Any], bias: npt.NDArray[Any]) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], len(weight))
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weight))
        layer.bias.copy_(torch.from_numpy(bias))
    return layer


def peers(digits: Digits) -> Iterator[Figure]:
    """Proved distances and their times beside CROWN's, in turns on the same digits."""
    try:
        peer = import_module("auto_LiRPA")
    except ImportError as error:
        reason = f"not compared, since it cannot be had here: {error}"
        yield Figure("auto_LiRPA", reason, "", reached=True)
        return
    for depth, counts in IMAGES.items():
        model = trained(digits, depth=depth)
        for count in counts:
            images = digits.test_images[:count].astype(np.float64)
            classes = predictions(model.double(), images)
            yield from _compared(peer, model, images, classes, depth)


def _compared(
    peer: Any,
    model: BilinearNetwork,
    images: Doubles,
    classes: npt.NDArray[np.int64],
    depth: int,
) -> Iterator[Figure]:
    layers = model.layers()
    programs: dict[str, Callable[[], Doubles]] = {
        "ours": lambda: _ours(layers, images, classes),
        "CROWN": lambda: _by_crown(peer, layers, images, classes),
    }
    rounds = [{name: timed(run) for name, run in programs.items()} for _ in range(ROUNDS)]
    seconds = {name: min(one[name][0] for one in rounds) for name in programs}
    means = {name: rounds[0][name][1].mean() for name in programs}
    what = f"depth {depth}, {len(images)} digits"
    yield Figure(
        f"mean distance proved, {means['ours']:.3f}, over CROWN's, {means['CROWN']:.3f}, {what}",
        f"{means['ours'] / means['CROWN']:.1f}",
        "at least 2",
        bool(means["ours"] >= 2 * means["CROWN"]),
    )
    each = {name: 1000 * value / len(images) for name, value in seconds.items()}
    yield Figure(
        f"CROWN's {each['CROWN']:.0f} ms a digit over ours, {each['ours']:.0f} ms, {what}",
        f"{seconds['CROWN'] / seconds['ours']:.2f}",
        "at least 1",
        seconds["CROWN"] >= seconds["ours"],
    )


def _ours(layers: list[Layer], images: Doubles, classes: npt.NDArray[np.int64]) -> Doubles:
    if len(layers) == 1:
        return nearest_class(PairMargins(layers), images, classes).radius
    return certified_radii([layers], images, classes).radii


def _by_crown(
    peer: Any, layers: list[Layer], images: Doubles, classes: npt.NDArray[np.int64]
) -> Doubles:
    """Return the largest radius at which CROWN keeps the class of each image."""
    points, own = torch.from_numpy(images).float(), torch.from_numpy(classes)
    outputs = len(layers[-1].linear) - 1
    others = torch.tensor([[j for j in range(outputs) if j != label] for label in own.tolist()])
    ones = torch.eye(outputs)
    differences = ones[own][:, None] - ones[others]
    # In float32, as its users compute.
    bounded = peer.BoundedModule(nn.Sequential(*map(_Block, layers)), points)
    inner, outer = torch.zeros(len(points), 1), torch.full((len(points), 1), FARTHEST)
    for _ in range(HALVINGS):
        radius = (inner + outer) / 2
        region = peer.BoundedTensor(points, peer.PerturbationLpNorm(norm=2, eps=radius))
        with torch.no_grad():
            least, _ = bounded.compute_bounds(
                x=(region,), C=differences, method="CROWN", bound_upper=False
            )
        kept = (least > 0).all(dim=1, keepdim=True)
        inner, outer = torch.where(kept, radius, inner), torch.where(kept, outer, radius)
    return inner[:, 0].double().numpy()
