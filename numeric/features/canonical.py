r"""Features in canonical bases: eigenfeatures of each bond's components, or features shared by all.

Each hidden state is brought to its own basis (:mod:`numeric.features.bonds`), and the linear part
of a layer joins its forms as neurons that read the constant. What remains of a form or a logit is
one quadratic form in the layer's homogeneous input, which is written in squares of readings.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.progress import BarColumn, TimeElapsedColumn

from numeric.errors import NumericError
from numeric.features.allocation import allocated
from numeric.features.bonds import Bond, canonical_bonds, facing_up, in_bases
from numeric.features.decompositions import eigen
from numeric.features.fitting import STEPS, Examples, examples, fitted
from numeric.features.kernels import span, with_linear_neurons
from numeric.features.metrics import metric_root, usual_metric
from numeric.features.sharing import (
    Step,
    enough_features,
    most_features,
    shared_features,
    steps_at_most,
)
from numeric.networks.normal_form import Layer, SquareLayer
from numeric.progress import progress_bar
from numeric.scalars import plain

Doubles = npt.NDArray[np.float64]

_ENOUGH = 0.999
"""Components that make this share of what the outputs draw are looked at for the split."""

_BESIDE = 0.03
"""Components left out may make this share of a squared error that is asked for."""

_FEW = 10_000
"""Images that tell how outputs move for the split, at most."""

_CLOSE = 1e-6
"""Eigenvalues or singular values that lie closer than this share of the largest are one group."""


@dataclass(frozen=True)
class Decomposition:
    """Square layers, and what is to be known of them where they are in canonical bases.

    Attributes:
        squares: from the input upwards.
        bonds: the canonical basis of every hidden state, if it has one.
        groups: for each layer, the features that only their span determines, a list each.
        errors: for each layer of shared features, what they leave of its forms, weighted by what
            the outputs draw from them: the norm of the rest over that of all.
        metric: how inputs are alike, in words.
        incomplete: whether something was left out.
        left: where features were fitted to images, what they leave of the outputs on images that
            were left out of the fit: the norm of the rest over that of the outputs' deviation from
            their mean.
    """

    squares: list[SquareLayer]
    bonds: list[Bond | None] = field(default_factory=list)
    groups: list[list[list[int]]] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    metric: str | None = None
    incomplete: bool = False
    left: float | None = None

    @property
    def attributes(self) -> dict[str, Any]:
        """What the composition graph says of it, as JSON."""
        if self.metric is None:
            return {}
        singular_values = [bond.singular_values if bond else np.zeros(0) for bond in self.bonds]
        found: dict[str, Any] = {
            "metric": self.metric,
            "singular_values": [values.tolist() for values in singular_values],
            "totals": [bond.total for bond in self.bonds if bond],
            "undetermined_components": [
                [[place + 1 for place in group] for group in close_groups(values)]
                for values in singular_values
            ],
            "undetermined_features": self.groups,
        }
        found |= {"errors": self.errors} if self.errors else {}
        return found | ({} if self.left is None else {"fitted": self.left})


def canonical(
    layers: Sequence[Layer],
    *,
    metric: str | Doubles = "pixels",
    components: int | None = None,
    images: Doubles | None = None,
) -> Decomposition:
    """Write every component of every bond in its eigenfeatures.

    Args:
        layers: in the normal form.
        metric: how inputs are alike: a name or a Gram matrix
            (:func:`numeric.features.metrics.metric_root`).
        components: how many components of each hidden state stay; left out, all of them.
        images: for the metric ``"data"``, shape (images, inputs).

    Returns:
        For each form and logit its eigenfeatures, orthonormal in the metric.

    Raises:
        NumericError: the metric is none, or a number is out of range.
    """
    root, words = metric_root(metric, layers[0].linear.shape[1] - 1, images)
    bonds = canonical_bonds(layers, root @ root.T)
    kept = _counts(bonds, components, share=1.0)
    homogeneous = _homogeneous(layers, bonds, kept)
    squares = [eigen(layer, number) for number, layer in enumerate(_white(homogeneous, root), 1)]
    groups = [_groups(square) for square in squares]
    incomplete = kept != [len(bond.singular_values) for bond in bonds]
    return Decomposition(_coloured(squares, root), [*bonds], groups, [], words, incomplete)


def shared(
    layers: Sequence[Layer],
    *,
    features: int | Sequence[int] | None = None,
    error: float | None = None,
    metric: str | Doubles | None = None,
    components: int | None = None,
    images: Doubles | None = None,
) -> Decomposition:
    """Write all components of each bond in features that they share.

    Args:
        layers: in the normal form.
        features: how many, for each layer; or in all: then they are split so that the polynomial
            moves least (:mod:`numeric.features.allocation`).
        error: in place of a number: what they may leave of each layer's forms, weighted by what the
            outputs draw from them, the norm of the rest over that of all.
        metric: as for :func:`canonical`; left out, the one that the weights speak for
            (:func:`numeric.features.metrics.usual_metric`).
        components: how many components of each hidden state stay; left out, as many as it takes for
            the others to count for little beside what the features leave.
        images: as for :func:`canonical`. Where a number of features is asked for, they are split by
            what outputs on the images move by, and fitted to these (:func:`fitted`).

    Raises:
        NumericError: the metric is none, or a number is out of range.
    """
    if metric is None:
        metric = usual_metric(np.concatenate([layers[0].left, layers[0].right]).astype(np.float64))
    root, words = metric_root(metric, layers[0].linear.shape[1] - 1, images)
    features, error = plain(features), plain(error)
    if (features is None) == (error is None):
        got = "neither" if error is None else f"both: {features!r} and {error!r}"
        raise NumericError(f"expected either features or an error, got {got}")
    if features is None and not _is_share(error):
        raise NumericError(f"expected error to lie between 0 and 1, got {error!r}")
    asked = None if features is None else _asked(features, len(layers))
    seen = None if images is None or asked is None else examples(layers, images, root)
    most = None if asked is None else steps_at_most(len(layers)) + (STEPS if seen else 0)
    with progress_bar("searching", BarColumn(), TimeElapsedColumn()) as progress:
        step = partial(progress.advance, progress.add_task("", total=most))
        found = _shared(layers, root, asked, float(error or 0.0), components, step, seen)
    words += "" if found.left is None else ", features fitted to the network on them"
    return replace(found, squares=_coloured(found.squares, root), metric=words)


def _shared(
    layers: Sequence[Layer],
    root: Doubles,
    asked: int | list[int] | None,
    error: float,
    components: int | None,
    step: Step,
    seen: Examples | None,
) -> Decomposition:
    """Search for as many shared features as were asked for, or for so many that little is left.

    Args:
        layers: in the normal form.
        root: of the metric; the features returned are on inputs whose metric is the identity.
        asked: how many features, in all or for each layer.
        error: what they may leave, where no number was asked for.
        components: how many of each hidden state stay, if that was asked for.
        step: called at every step of the searches.
        seen: images that the features are fitted to, if they are.
    """
    bonds = canonical_bonds(layers, root @ root.T)
    counts: Sequence[int | None] = [None] * len(layers)
    if asked is None:
        kept = _counts(bonds, components, share=1 - _BESIDE * error**2)
    else:
        kept = _counts(bonds, components, share=_ENOUGH)
        whole = _white(_homogeneous(layers, bonds, kept), root)
        few = None if seen is None else seen.few(_FEW)
        found_counts = allocated(whole, _importances(whole, bonds), asked, step, few)
        counts = found_counts.counts
        if components is None:
            kept = [
                found_counts.components(number, bond.singular_values)
                for number, bond in enumerate(bonds)
            ]
    homogeneous = _white(_homogeneous(layers, bonds, kept), root)
    if asked is not None:
        _check_counts([count or 0 for count in counts], homogeneous)
    squares, errors = [], []
    for layer, count, importance in zip(
        homogeneous, counts, _importances(homogeneous, bonds), strict=True
    ):
        if count is None:
            found = enough_features(layer, importance, error, step)
        else:
            found = shared_features(layer, importance, count, step)
        readings = found.readings
        linear = np.array(layer.linear, dtype=np.float64)
        linear[1:, 0] += found.constants[1:]
        squares.append(SquareLayer(readings, np.zeros_like(readings), found.weights, linear))
        errors.append(found.error)
    groups: list[list[list[int]]] = [[] for _ in squares]
    if seen is None:
        return Decomposition(squares, [*bonds], groups, errors, incomplete=True)
    squares, left = fitted(squares, span(homogeneous[0].left, homogeneous[0].right), seen, step)
    return Decomposition(squares, [*bonds], groups, incomplete=True, left=left)


def _importances(layers: Sequence[Layer], bonds: Sequence[Bond]) -> list[Doubles]:
    """Return how much an error in each output of each layer counts."""
    found = []
    for number, layer in enumerate(layers):
        importance = np.ones(len(layer.down))
        importance[0] = 0
        if number < len(bonds):
            importance[1:] = bonds[number].singular_values[: len(layer.down) - 1]
        found.append(importance)
    return found


class TooManyFeaturesError(NumericError):
    """More shared features than a layer has eigenfeatures."""


def _check_counts(counts: Sequence[int], layers: Sequence[Layer]) -> None:
    for number, (count, layer) in enumerate(zip(counts, layers, strict=True), start=1):
        if count > most_features(layer):
            raise TooManyFeaturesError(
                f"expected at most {most_features(layer)} features of layer {number}, which is as "
                f"many as its eigenfeatures, got {count}"
            )


def _is_share(value: object) -> bool:
    return isinstance(value, float | int) and not isinstance(value, bool) and 0 < value < 1


def close_groups(values: Doubles) -> list[list[int]]:
    """Return the places of values that lie next to each other, in groups of two and more.

    Args:
        values: sorted.

    Examples:
        >>> close_groups(np.array([3.0, 2.0, 2.0, 1.0]))
        [[1, 2]]
    """
    if not values.size:
        return []
    breaks = np.flatnonzero(abs(np.diff(values)) > _CLOSE * abs(values).max()) + 1
    return [group.tolist() for group in np.split(np.arange(len(values)), breaks) if len(group) > 1]


def _groups(square: SquareLayer) -> list[list[int]]:
    """Return the features of each output whose eigenvalues coincide."""
    found = []
    for weights in square.mixing:
        used = np.flatnonzero(weights)
        order = used[np.argsort(weights[used], kind="stable")]
        found += [sorted(order[group].tolist()) for group in close_groups(weights[order])]
    return found


def _counts(bonds: Sequence[Bond], components: int | None, *, share: float) -> list[int]:
    """Return how many components of each bond stay."""
    components = plain(components)
    if components is not None:
        if not _is_count(components):
            raise NumericError(f"expected components to be an integer from 1, got {components!r}")
        return [min(int(components), len(bond.singular_values)) for bond in bonds]
    found = []
    for bond in bonds:
        drawn = np.cumsum(bond.singular_values**2)
        # A bond from which nothing is drawn keeps one component.
        enough = np.flatnonzero(drawn >= share * drawn[-1])
        found.append(len(drawn) if share >= 1 else int(enough[0]) + 1)
    return found


def _asked(features: int | Sequence[int], layers: int) -> int | list[int]:
    """Return how many features are asked for, in all or for each layer."""
    counts = [plain(n) for n in features] if isinstance(features, Iterable) else [features]
    if not all(map(_is_count, counts)):
        raise NumericError(f"expected features to be integers from 1, got {features!r}")
    if isinstance(features, Iterable):
        if len(counts) != layers:
            raise NumericError(
                f"expected features for each of {layers} layers, got {len(counts)} numbers"
            )
        return [int(count) for count in counts]
    if int(features) < layers:
        raise NumericError(
            f"expected features to be at least {layers}, one for each layer, got {features}"
        )
    return int(features)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _homogeneous(
    layers: Sequence[Layer], bonds: Sequence[Bond], kept: Sequence[int]
) -> list[Layer]:
    """Return the layers in their bases, all of them but the constant in neurons."""
    found = []
    for layer in in_bases(layers, bonds, kept):
        whole = with_linear_neurons(layer)
        whole.down[0], whole.linear[0] = 0, np.eye(1, whole.linear.shape[1])
        found.append(whole)
    return found


def _white(layers: Sequence[Layer], root: Doubles) -> list[Layer]:
    """Return the layers, the first on inputs whose metric is the identity."""
    first = layers[0]
    return [first._replace(left=first.left @ root, right=first.right @ root), *layers[1:]]


def _coloured(squares: Sequence[SquareLayer], root: Doubles) -> list[SquareLayer]:
    """Undo :func:`_white`."""
    first = squares[0]
    columns = np.asarray(np.linalg.solve(root.T, first.readings.T), dtype=np.float64)
    return [first._replace(readings=np.ascontiguousarray(facing_up(columns).T)), *squares[1:]]
