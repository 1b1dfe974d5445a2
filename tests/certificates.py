"""What certificates say, whether in memory or in a file."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from numeric import Layer, SquareLayer
from proofs import Certificate, checker


def held(
    layers: Sequence[Layer],
    squares: Sequence[SquareLayer] = (),
    images: npt.NDArray[Any] | None = None,
    **arrays: npt.NDArray[Any],
) -> checker.Files:
    """What the checker holds of layers, of a graph of them called "graph", and of arrays."""
    stack = []
    for layer in layers:
        left, right, down, linear = (array.astype(np.float64) for array in layer)
        stack.append(checker.Layer(left, right, np.zeros_like(left), down, linear))
    graph = [checker.Layer(each.readings, *each) for each in squares]
    pixels = np.zeros((1, layers[0].linear.shape[1] - 1)) if images is None else images
    single = all(array.dtype == np.float32 for layer in layers for array in layer)
    graphs = {"graph": graph} if graph else {}
    return checker.Files(stack, single, graphs, {"images": pixels, **arrays})


def said_by(certificate: Certificate) -> list[tuple[str, bool]]:
    """Every statement of a certificate, and whether it holds."""
    return sorted((claim.statement, claim.holds) for claim in certificate.claims)


def said_in(path: str | os.PathLike[str]) -> list[tuple[str, bool]]:
    """Every statement in a file, and whether it holds."""
    document = json.loads(Path(path).read_text(encoding="utf-8"))
    claims = [(claim["statement"], True) for claim in document["claims"]]
    return sorted(claims + [(claim["statement"], claim["holds"]) for claim in document["remarks"]])
