"""What is counted on data: how far floats lie from the exact values, and who predicts the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from analytic import ExactNetwork
from numeric import Digits, Layer, SquareLayer
from numeric.graphs.pruning import as_layers
from numeric.graphs.rewrite import RewrittenNetwork
from numeric.networks.inference import best_device, logits, settled_copy
from numeric.networks.layered import Network
from proofs.certificates.claims import Claim, Level, json_number
from proofs.certificates.coefficients import coefficient_distance
from proofs.errors import ProofError

Doubles = npt.NDArray[np.float64]

_FLOAT_TOLERANCES = {"float32": 1e-3, "float64": 1e-10}
"""Further from the exact value than this, relative to the image's largest logit, torch's floats
would be no rounding of the polynomial but another function."""


@dataclass(frozen=True)
class Rewrite:
    """A graph as square layers.

    Attributes:
        name: what claims call it.
        squares: from the input upwards.
        layerwise: whether its layers correspond to the network's.
        complete: whether nothing was left out, so that it should compute what the network does.
    """

    name: str
    squares: Sequence[SquareLayer]
    layerwise: bool = True
    complete: bool = True

    @property
    def features(self) -> int:
        """How many features there are in all layers."""
        return sum(len(layer.readings) for layer in self.squares)


@dataclass(frozen=True)
class Measurements:
    """A network's outputs on all test images, exactly and as torch computes them.

    Attributes:
        digits: the images and the right classes.
        nearest: the floats nearest to the exact logits, shape (images, classes).
        rest: what they lack.
        predictions: the exactly most likely class of each image; of equal ones the first.
        likeliest: whether a class is exactly as likely, shape (images, classes).
        floats: torch's logits by dtype: the network's own, and float64.
    """

    digits: Digits
    nearest: Doubles
    rest: Doubles
    predictions: npt.NDArray[np.int64]
    likeliest: npt.NDArray[np.bool_]
    floats: dict[str, Doubles]

    @classmethod
    def of(cls, model: Network, exact: ExactNetwork, digits: Digits) -> Measurements:
        """Evaluate a network on the test images of a dataset."""
        values = exact.evaluate(digits.test_images)
        try:
            nearest: Doubles = values.astype(np.float64)
        except OverflowError:
            raise ProofError(
                "expected logits within the range of float64 on the test images, got larger ones"
            ) from None
        fractions: list[Fraction] = values.ravel().tolist()
        lacking = [
            float(value - Fraction(near))
            for value, near in zip(fractions, nearest.ravel().tolist(), strict=True)
        ]
        floats = {}
        for dtype in dict.fromkeys((next(iter(model.state_dict().values())).dtype, torch.float64)):
            module = settled_copy(model).to(best_device(), dtype)
            found = logits(module, digits.test_images)
            floats[str(dtype).removeprefix("torch.")] = found.astype(np.float64)
        return cls(
            digits=digits,
            nearest=nearest,
            rest=np.array(lacking).reshape(nearest.shape),
            predictions=np.array([max(range(len(row)), key=row.__getitem__) for row in values]),
            likeliest=np.array([row == max(row) for row in values], dtype=bool),
            floats=floats,
        )

    def likely(self, found: Doubles) -> npt.NDArray[np.bool_]:
        """Return on which images logits predict a class that is exactly as likely as any."""
        taken = classes(found)
        return (taken >= 0) & self.likeliest[np.arange(len(found)), taken]

    @property
    def blank(self) -> npt.NDArray[np.bool_]:
        """Of which images all exact logits are 0: nothing is relative to them."""
        return np.logical_not(self.nearest.any(axis=1))

    def but_for_blank(self) -> Measurements:
        """Return the measurements of the other images, for distances."""
        kept = ~self.blank
        floats = {dtype: found[kept] for dtype, found in self.floats.items()}
        return replace(
            self,
            nearest=self.nearest[kept],
            rest=self.rest[kept],
            predictions=self.predictions[kept],
            floats=floats,
        )

    def from_exact(self, found: Doubles) -> Distance:
        """Measure logits against the exact ones."""
        differences = abs((found - self.nearest) - self.rest)
        return Distance.of(differences, self.nearest, classes(found) == self.predictions)

    def from_network(self, found: Doubles) -> Distance:
        """Measure logits against the network's in float64."""
        wanted = self.floats["float64"]
        with np.errstate(invalid="ignore"):
            differences = abs(found - wanted)
        same = (classes(found) == classes(wanted)) & (classes(found) >= 0)
        return Distance.of(differences, wanted, same)


@dataclass(frozen=True)
class Distance:
    """How far logits lie from those they should be, at most.

    Attributes:
        absolute: the largest difference, in logits.
        relative: the largest difference over the largest logit of the same image.
        agreeing: the images with the same most likely class.
    """

    absolute: float
    relative: float
    agreeing: int

    @classmethod
    def of(cls, differences: Doubles, wanted: Doubles, same: npt.NDArray[np.bool_]) -> Distance:
        """Take the largest of the differences, and count the images of the same class."""
        scales = np.broadcast_to(abs(wanted).max(axis=1, keepdims=True), wanted.shape)
        with np.errstate(over="ignore", invalid="ignore"):
            relative = np.divide(
                differences, scales, out=np.where(differences == 0, 0.0, np.inf), where=scales > 0
            )
        return cls(
            float(differences.max(initial=0)), float(relative.max(initial=0)), int(same.sum())
        )


def classes(found: Doubles) -> npt.NDArray[np.int64]:
    """Return the most likely class of each image: of equal logits the first, of NaN none (-1)."""
    return np.where(np.isnan(found).any(axis=1), -1, found.argmax(axis=1))


def stray(found: Doubles, layers: Sequence[Layer], images: npt.NDArray[Any]) -> float:
    """Return how large logits are that should be 0, as a share of what adds up to them.

    Args:
        found: the logits, shape (images, classes).
        layers: that compute them.
        images: shape (images, inputs).
    """
    sizes = np.concatenate([np.ones((len(images), 1)), abs(images)], axis=1)
    with np.errstate(over="ignore", invalid="ignore"):
        for layer in layers:
            left, right, down, linear = map(abs, layer)
            sizes = ((sizes @ left.T) * (sizes @ right.T)) @ down.T + sizes @ linear.T
    return Distance.of(abs(found), sizes[:, 1:], np.zeros(len(found), dtype=bool)).relative


def measured_claims(
    measurements: Measurements,
    layers: Sequence[Layer],
    rewrites: Sequence[Rewrite],
    tolerance: float,
) -> list[Claim]:
    """State how torch's floats and each rewrite compare with the exact network on all images."""
    claims = [_float_claim(measurements, layers, dtype) for dtype in measurements.floats]
    for item in rewrites:
        if item.complete:
            claims.append(_rewrite_claim(measurements, layers, item, tolerance))
        else:
            claims.append(_fidelity_claim(measurements, item))
    return claims


def _of_what(measurements: Measurements) -> str:
    """Say what differences are relative to."""
    if not measurements.blank.any():
        return "of the image's largest"
    return (
        "of the image's largest, or of what adds up to them on the "
        f"{measurements.blank.sum():,} images where all should be 0"
    )


def _float_claim(measurements: Measurements, layers: Sequence[Layer], dtype: str) -> Claim:
    count = len(measurements.digits.test_labels)
    found = measurements.floats[dtype]
    distance = measurements.from_exact(found)
    correct = int((classes(found) == measurements.digits.test_labels).sum())
    tolerance, blank = _FLOAT_TOLERANCES[dtype], measurements.blank
    if blank.any():
        others = measurements.but_for_blank().from_exact(found[~blank])
        strays = stray(found[blank], layers, measurements.digits.test_images[blank])
        distance = replace(distance, relative=max(others.relative, strays))
    holds = distance.relative <= tolerance
    return Claim(
        name=f"torch {dtype}: rounding",
        level=Level.MEASURED,
        statement=(
            f"On the {count:,} test images torch's {dtype} logits differ from the exact ones by at "
            f"most {distance.relative:.1e} {_of_what(measurements)} (allowed: {tolerance:g}). They "
            f"predict the class that exact arithmetic gives {distance.agreeing:,} times, and the "
            f"right label {correct:,} times."
        ),
        holds=holds,
        evidence={
            "images": count,
            "largest difference": json_number(distance.absolute),
            "largest relative difference": json_number(distance.relative),
            "tolerance": tolerance,
            "same class as the exact value": distance.agreeing,
            "right class": correct,
        },
        failure=None if holds else "The floats are no rounding of the polynomial.",
    )


def _rewrite_claim(
    measurements: Measurements,
    layers: Sequence[Layer],
    item: Rewrite,
    tolerance: float,
) -> Claim:
    name, found = item.name, outputs(item, measurements)
    network = measurements.from_network(found)
    exact = measurements.from_exact(found)
    count, blank = len(found), measurements.blank
    if blank.any():
        others, rest = measurements.but_for_blank(), found[~blank]
        squares = as_layers(item.squares)
        strays = stray(found[blank], squares, measurements.digits.test_images[blank])
        network = replace(network, relative=max(others.from_network(rest).relative, strays))
        exact = replace(exact, relative=max(others.from_exact(rest).relative, strays))
    # Of classes that are exactly as likely, rounding may take any.
    same = [measurements.likely(given).all() for given in (found, measurements.floats["float64"])]
    holds = network.relative <= tolerance and all(same)
    return Claim(
        name=f"{name}: same outputs",
        level=Level.MEASURED,
        statement=(
            f"On the {count:,} test images the {name} rewrite and the network, both in float64, "
            f"predict the same class {network.agreeing:,} times; their logits differ by at most "
            f"{network.relative:.1e} {_of_what(measurements)} (allowed: {tolerance:g}). The class "
            f"that exact arithmetic gives is predicted {exact.agreeing:,} times."
        ),
        holds=holds,
        evidence={
            "images": count,
            "features": item.features,
            "largest difference": json_number(network.absolute),
            "largest relative difference": json_number(network.relative),
            "tolerance": tolerance,
            "same class as the network": network.agreeing,
            "largest difference from the exact value": json_number(exact.absolute),
            "largest relative difference from the exact value": json_number(exact.relative),
            "same class as the exact value": exact.agreeing,
        },
        failure=None if holds else _failure(item, layers, network),
    )


def _failure(item: Rewrite, layers: Sequence[Layer], distance: Distance) -> str:
    if item.layerwise:
        return coefficient_distance(layers, item.squares).failure
    return (
        f"The logits lie {distance.absolute:.3g} apart on some image, and {distance.agreeing:,} "
        "images have the same class."
    )


def _fidelity_claim(measurements: Measurements, item: Rewrite) -> Claim:
    found = outputs(item, measurements)
    distance = measurements.from_network(found)
    count, labels = len(found), measurements.digits.test_labels
    right, wanted = (
        int((classes(scores) == labels).sum()) for scores in (found, measurements.floats["float64"])
    )
    return Claim(
        name=f"{item.name}: fidelity",
        level=Level.MEASURED,
        statement=(
            f"On the {count:,} test images the {item.name} graph of {item.features:,} features "
            f"predicts the network's class {distance.agreeing:,} times, and the right label "
            f"{right:,} times where the network does {wanted:,} times. Their logits differ by at "
            f"most {distance.absolute:.3g}."
        ),
        holds=True,
        evidence={
            "images": count,
            "features": item.features,
            "same class as the network": distance.agreeing,
            "right class": right,
            "right class of the network": wanted,
            "largest difference": json_number(distance.absolute),
            "largest relative difference": json_number(distance.relative),
        },
    )


def outputs(item: Rewrite, measurements: Measurements) -> Doubles:
    """Return a graph's logits on the test images, in float64."""
    module = RewrittenNetwork(item.squares).to(best_device())
    return logits(module, measurements.digits.test_images)
