"""Two networks compared: how alike they are, what only one of them has, and a page of it."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from analytic import Comparison, ExactNetwork, same_polynomial
from numeric import Difference, Digits, Layer, differences, exchanged_features, similarity
from numeric.comparison.disagreements import Disagreement, Flip, disagreement, flip
from numeric.comparison.inner_products import Similarity
from numeric.comparison.kept_features import Exchange
from numeric.comparison.networks import comparable
from numeric.files import write_text
from numeric.networks.layered import Readable
from numeric.scalars import check_integer
from proofs.certificates.prove import read_network
from proofs.errors import ProofError
from proofs.report.comparison_pictures import comparison_pictures
from proofs.report.folder import Say, made, step
from proofs.report.pictures import save_pictures
from proofs.report.templating import write_plain_page

_FEATURES = 5
"""Features of each output, or of each of the strongest hidden forms, that are looked for."""

_SAMPLES = 20_000
"""Inputs that are drawn where the Gaussian similarity has no closed form."""

_FLIPPED = 2_000
"""Test inputs that a pattern is laid over, at most."""

STANDS_OUT = 0.8
"""A pattern stands out that brings so many more inputs to a class in one network, as a share."""


@dataclass(frozen=True, eq=False)
class NetworkComparison:
    """What is known of two networks beside each other.

    Attributes:
        names: of the first and the second.
        exact: whether they are the same polynomial, decided in exact arithmetic.
        similarities: by measure: of the tensors, and of the functions on normal inputs.
        differences: the directions of the inputs by which they differ most, from the weights alone.
        flips: what each of those does on test inputs.
        exchange: the features that were kept, lost and gained.
        disagreement: the test inputs on which they differ most.
        right: how many test inputs each labels correctly.
        inputs: how many test inputs there are.
    """

    names: tuple[str, str]
    exact: Comparison
    similarities: dict[str, Similarity]
    differences: tuple[Difference, ...]
    flips: tuple[Flip, ...]
    exchange: Exchange
    disagreement: Disagreement
    right: tuple[int, int]
    inputs: int

    @property
    def standing_out(self) -> tuple[int, ...]:
        """The differences whose pattern calls up a class in one network and not in the other."""
        return tuple(k for k, found in enumerate(self.flips) if found.gap >= STANDS_OUT)


def compare_networks(
    first: Readable,
    second: Readable,
    digits: Digits,
    *,
    count: int = 5,
    names: tuple[str, str] = ("the first network", "the second network"),
    say: Say | None = None,
) -> NetworkComparison:
    """Find out what one network computes that another does not.

    Similarity, differences and features come from the weights alone. What is counted on the test
    inputs is counted after that, and says what the differences do.

    Args:
        first: any network.
        second: a network of as many inputs and outputs, and as many layers with neurons.
        digits: whose test inputs are looked at.
        count: how many differences are looked for.
        names: what the networks are called.
        say: receives a line for each step; left out, nothing is said.

    Returns:
        All that was found.

    Raises:
        ProofError: a network is none, or does not fit the data.
        NumericError: the networks do not fit together, or a weight leaves the range of float64.

    Examples:
        >>> import numpy as np
        >>> from numeric import BilinearNetwork
        >>> images, labels = np.eye(4, dtype=np.float32), np.array([0, 1, 0, 1])
        >>> digits = Digits(images, labels, images, labels)
        >>> found = compare_networks(*(BilinearNetwork(4, 2, seed=s) for s in (0, 1)), digits)
        >>> found.exact.same, found.differences[0].kind
        (False, 'changed')
    """
    count = check_integer(count, "count", least=1)
    tell: Say = say or (lambda _: None)
    (one, layers), (other, others) = (read_network(network) for network in (first, second))
    comparable(layers, others)
    if digits.inputs != layers[0].linear.shape[1] - 1:
        raise ProofError(
            f"expected digits of {layers[0].linear.shape[1] - 1} inputs like the networks, got "
            f"{digits.inputs}"
        )
    with step(tell, "similarity"):
        exact = same_polynomial(ExactNetwork(layers), ExactNetwork(others))
        similarities = _similarities(layers, others)
    with step(tell, "differences"):
        found = tuple(differences(layers, others, count))
        exchange = exchanged_features(layers, others, _FEATURES)
    with step(tell, f"test {digits.shape.noun}s"):
        images = digits.test_images
        flips = tuple(flip(one, other, images[:_FLIPPED], each.pattern) for each in found)
        apart = disagreement(one, other, images)
    right = tuple(int((named == digits.test_labels).sum()) for named in (apart.first, apart.second))
    return NetworkComparison(
        names,
        exact,
        similarities,
        found,
        flips,
        exchange,
        apart,
        (right[0], right[1]),
        len(images),
    )


def write_comparison(
    found: NetworkComparison, digits: Digits, folder: str | os.PathLike[str]
) -> Path:
    """Write what was found of two networks.

    Args:
        found: from :func:`compare_networks`.
        digits: that were looked at.
        folder: receives ``comparison.html``, which opens offline and requests nothing,
            ``comparison.json`` and ``pictures/``.

    Returns:
        The page.

    Raises:
        ProofError: the folder is a file or cannot be made.
        NumericError: a file cannot be written.
    """
    target = made(folder)
    write_text(target / "comparison.json", json.dumps(_numbers(found), indent=1) + "\n")
    pictures = made(target / "pictures")
    paths = save_pictures(
        lambda: comparison_pictures(found.differences, found.exchange, found.disagreement, digits),
        pictures,
    )
    values = {
        "found": found,
        "shape": digits.shape,
        "called": digits.called,
        "percent": _percent,
        "stands_out": STANDS_OUT,
        "flipped": min(found.inputs, _FLIPPED),
        "pictures": {path.stem: base64.b64encode(path.read_bytes()).decode() for path in paths},
    }
    write_plain_page(target / "comparison.html", "comparison.html", values)
    return target / "comparison.html"


def _similarities(one: Sequence[Layer], other: Sequence[Layer]) -> dict[str, Similarity]:
    deep = max(sum(len(layer.left) > 0 for layer in layers) for layers in (one, other)) > 2
    return {
        "tensor": similarity(one, other),
        "gaussian": similarity(one, other, "gaussian", samples=_SAMPLES if deep else None),
    }


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _numbers(found: NetworkComparison) -> dict[str, Any]:
    """Return what was found as JSON has it: patterns stand there whole."""
    exchange = found.exchange
    return {
        "first": found.names[0],
        "second": found.names[1],
        "same polynomial": found.exact.same,
        "how that was decided": found.exact.method,
        "similarities": {
            name: {"value": each.value, "method": each.method, "error": each.standard_error}
            for name, each in found.similarities.items()
        },
        "differences": [
            {
                "kind": each.kind,
                "share": each.share,
                "first": each.first,
                "second": each.second,
                "cosine": each.cosine,
                "outputs": each.outputs.tolist(),
                "class": flipped.output,
                "sign": flipped.sign,
                "brought there by first": flipped.first,
                "brought there by second": flipped.second,
                "pattern": np.round(each.pattern, 7).tolist(),
            }
            for each, flipped in zip(found.differences, found.flips, strict=True)
        ],
        "features": {
            name: [{"output": each.output, "size": each.size, "kept": each.kept} for each in group]
            for name, group in (
                ("kept", exchange.kept),
                ("lost", exchange.lost),
                ("gained", exchange.gained),
            )
        },
        "inputs": found.inputs,
        "right": list(found.right),
        "disagreeing": found.disagreement.disagreeing,
        "furthest apart": found.disagreement.order[:20].tolist(),
    }
