r"""Where a search for shared features starts: eigenfeatures, and directions that forms share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from numeric.features.decompositions import eigen
from numeric.features.kernels import environment, products
from numeric.networks.normal_form import Layer

Doubles = npt.NDArray[np.float64]

_LEFT = 1e-9
"""A share of a square that is nothing once others are projected out."""

_NEARLY = 0.99
"""The share of the forms' squared norm from whose outputs eigenfeatures are taken."""

_MORE = 16
"""So many times as many eigenfeatures are looked at as are needed."""

_INDEPENDENT = 1e-7
"""Directions of which the forms have less than this share are rounding."""

_TRIES = 5
"""How many pairs of sums are tried for common directions."""


def starts(layer: Layer, constant: Doubles, count: int) -> Iterator[Doubles]:
    """Yield readings to start from: strong eigenfeatures, those apart, and common directions.

    Outputs that share a feature all have it among their strongest, and copies of one reading leave
    the search nowhere to go. So, in the second start, one after the other that one is taken whose
    square has most left once those before it are projected out.

    Args:
        layer: without linear part.
        constant: the direction of the constant.
        count: the number of features.
    """
    readings, strengths = _candidates(layer, count)
    for places in (list(range(len(readings)))[:count], _apart(readings, strengths**2, count)):
        yield _completed(readings[places], strengths[places], count)
    common = common_directions(layer, constant, count)
    if len(common):
        yield _completed(common, np.ones(len(common)), count)


def starts_apart(layer: Layer, counts: Sequence[int]) -> Iterator[Doubles]:
    """Yield readings to start from that lie apart, for several numbers of features.

    Args:
        layer: as for :func:`starts`.
        counts: the numbers of features.
    """
    readings, strengths = _candidates(layer, max(counts))
    places = _apart(readings, strengths**2, max(counts))
    readings, strengths = readings[places], strengths[places]
    for count in counts:
        yield _completed(readings[:count], strengths[:count], count)


def _candidates(layer: Layer, count: int) -> tuple[Doubles, Doubles]:
    """Return strong eigenfeatures and their strengths, the strongest first.

    Outputs that make next to nothing of the forms are passed over, and so are features that are far
    weaker than those that are needed: there may be tens of thousands.
    """
    sizes = np.diagonal(products(layer, layer))
    order = np.argsort(-sizes, kind="stable")
    before = np.cumsum(sizes[order]) - sizes[order]
    large = order[before <= _NEARLY * sizes.sum()]
    down = np.zeros_like(layer.down)
    down[large] = layer.down[large]
    square = eigen(layer._replace(down=down), 1)
    strengths = abs(square.mixing).max(axis=0, initial=0)
    strongest = np.argsort(-strengths, kind="stable")[: _MORE * count]
    return square.readings[strongest], strengths[strongest]


def common_directions(layer: Layer, constant: Doubles, count: int) -> Doubles:
    r"""Return the directions in which two sums of the forms are diagonal at once.

    Where :math:`Q_o = P^\top\operatorname{diag}(W_o)\,P` with independent rows of :math:`P`, two
    sums of the forms have :math:`A B^{-1} = P^\top \Lambda\,P^{-\top}` on the span of these rows,
    which are its eigenvectors. The constant may be one of them.

    Returns:
        In rows, of norm 1: none where the forms span more directions than are asked for.

    Source:
        R. A. Harshman, *Foundations of the PARAFAC procedure* (1970), which credits R. Jennrich.
    """
    none = np.zeros((0, layer.linear.shape[1]))
    values, vectors = np.linalg.eigh(environment(layer, np.eye(len(layer.down))))
    span = vectors[:, values > _INDEPENDENT**2 * values.max(initial=0.0)]
    if not 0 < span.shape[1] <= count + 1:
        return none
    left, right = layer.left @ span, layer.right @ span
    # The sums are arbitrary, and always the same.
    draw = np.random.default_rng(0).normal
    tried = []
    for _ in range(_TRIES):
        first, second = (
            (left * (draw(size=len(layer.down)) @ layer.down)[:, None]).T @ right for _ in range(2)
        )
        whole = (first + first.T) @ np.linalg.pinv(second + second.T)
        roots, directions = np.linalg.eig(whole)
        apart = abs(roots[:, None] - roots) + np.eye(len(roots)) * abs(roots).max()
        tried.append((abs(directions.imag).max(), -apart.min() / abs(roots).max(), directions.real))
    rows = (span @ min(tried, key=lambda item: item[:2])[2]).T
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    if len(rows) > count:
        rows = np.delete(rows, abs(rows @ constant).argmax(), axis=0)
    return np.asarray(rows)


def _completed(readings: Doubles, strengths: Doubles, count: int) -> Doubles:
    """Return readings in their strengths, with coordinates where there are not enough."""
    readings = readings * np.sqrt(strengths)[:, None]
    missing = count - len(readings)
    if missing > 0:
        # Coordinate directions, turned a little each round, so that no two readings are the same.
        size = readings.shape[1]
        rounds, places = np.divmod(np.arange(missing), size)
        more = np.eye(size)[places] + 0.1 * (1 + rounds)[:, None] / np.arange(1, size + 1)
        scale = np.sqrt(strengths.max(initial=0)) or 1.0
        readings = np.concatenate([readings, 0.1 * scale * more])
    return np.asarray(readings)


def _apart(readings: Doubles, sizes: Doubles, count: int) -> list[int]:
    """Return the places that a pivoted Cholesky decomposition of the squares' Gram matrix takes."""
    left = np.ones(len(readings))
    factors = np.zeros((min(count, len(readings)), len(readings)))
    places: list[int] = []
    for number in range(len(factors)):
        scores = np.where(np.isin(np.arange(len(left)), places), -1.0, sizes * left)
        place = int(scores.argmax())
        places.append(place)
        if left[place] > _LEFT:
            known = factors[:number, place] @ factors[:number]
            squares = (readings @ readings[place]) ** 2
            factors[number] = (squares - known) / np.sqrt(left[place])
            left = np.maximum(left - factors[number] ** 2, 0.0)
    return places
