"""A second checker, slow and exact: each kind of claim as ``SPEC.md`` says it, in rationals.

What can be decided is decided: coefficients, signs of eigenvalues, largest logits, definiteness.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.proofs.checker.second.rationals import (
    ONE,
    ZERO,
    Layer,
    Matrix,
    Rational,
    Vector,
    beside,
    beta,
    box,
    column,
    diagonal,
    dot,
    matrix,
    part,
    plus,
    positive,
    rational,
    root,
    sizes_of,
    squares,
    states,
    times,
    times_each,
    unit,
)
from tests.proofs.checker.second.reading import (
    Evidence,
    Refused,
    is_count,
    is_counts,
    is_decimal,
    is_name,
    need,
    read,
)
from tests.proofs.checker.second.surroundings import Surroundings

Doubles = npt.NDArray[np.float64]


def opinion(path: Path) -> str | None:
    """Return why a certificate is not accepted, None if it is."""
    try:
        evidence, claims = read(path)
        for kind, given in claims:
            (verify, names), numbers = KINDS[kind], dict(given)
            need(numbers.keys() == names.keys(), "other numbers")
            for name, is_one in names.items():
                need(is_one(numbers[name]), name)
            if "images" in numbers:
                need(numbers.pop("images") == len(evidence.pixels), "images")
                need(numbers.pop("data") == evidence.data, "data")
            verify(evidence, **numbers)
    except Refused as reason:
        return str(reason)
    except (LookupError, ValueError, TypeError, OSError, AttributeError, ArithmeticError) as error:
        return repr(error)
    return None


# Exact and measured


def same_polynomial(evidence: Evidence, graph: str) -> None:
    for own, other in zip(evidence.network, evidence.graphs[graph], strict=True):
        for size in (Matrix.nrows, Matrix.ncols):
            need(size(own.linear) == size(other.linear), "sizes")
        for output in range(1, own.linear.nrows()):
            need(own.output(output) == other.output(output), "coefficients")


def classes(stack: Sequence[Layer], pixels: npt.NDArray[Any]) -> list[int]:
    """Return the class of each image, -1 where several logits are the largest."""
    found = []
    for image in pixels:
        logits = states(stack, image)[-1].entries()[1:]
        best = max(logits)
        found.append(logits.index(best) if logits.count(best) == 1 else -1)
    return found


def task(evidence: Evidence, models: str, modulus: int) -> None:
    """Compute the logits of all pairs of numbers."""
    stacks = {f"the {name} graph": stack for name, stack in evidence.graphs.items()}
    stack = (stacks | {"the network": evidence.network})[models]
    sizes = stack[0].linear.ncols() - 1, stack[-1].linear.nrows() - 1
    need(sizes == (2 * modulus, modulus), "sizes")
    pairs = list(product(range(modulus), repeat=2))
    places = [(one, modulus + other) for one, other in pairs]
    inputs = [[float(k in place) for k in range(2 * modulus)] for place in places]
    sums = [(one + other) % modulus for one, other in pairs]
    need(classes(stack, np.array(inputs)) == sums, "sums")


def accuracy(evidence: Evidence, right: int) -> None:
    found, labels = classes(evidence.network, evidence.pixels), evidence.arrays["labels"].tolist()
    need(sum(one == other for one, other in zip(found, labels, strict=True)) >= right, "right")


def agreement(evidence: Evidence, graph: str, same: int) -> None:
    stacks = (evidence.network, evidence.graphs[graph])
    pairs = zip(*(classes(stack, evidence.pixels) for stack in stacks), strict=True)
    need(sum(one == other >= 0 for one, other in pairs) >= same, "same")


def signature(
    evidence: Evidence, size: int, positive: list[int], negative: list[int], zero: list[int]
) -> None:
    """Count by Descartes' rule, which is exact as all eigenvalues are real."""
    layer = evidence.network[-1]
    need(size == layer.linear.ncols(), "size")
    products = layer._replace(linear=0 * layer.linear)
    for output, *claimed in zip(
        range(1, layer.linear.nrows()), positive, negative, zero, strict=True
    ):
        found = products.output(output).charpoly().coeffs()
        none = next(place for place, entry in enumerate(found) if entry != 0)
        signs = [entry > 0 for entry in found if entry != 0]
        above = sum(one != other for one, other in pairwise(signs))
        actual = (above, size - none - above, none)
        need(all(one <= other for one, other in zip(claimed, actual, strict=True)), "signs")


# Bounds


def least_difference(evidence: Evidence, graph: str, low: str, high: str) -> Rational:
    """Return the least bound on a difference of logits that the specification gives."""
    least, most, inputs = rational(low), rational(high), evidence.network[0].linear.ncols() - 1
    need(least <= most, "region")
    boxes = turned = [((least + most) / 2, (most - least) / 2)] * inputs
    error, below = [ZERO] * inputs, unit(inputs + 1)
    pairs = zip(evidence.network, evidence.graphs[graph], strict=True)
    for number, (own, other) in enumerate(pairs, 1):
        above = unit(own.linear.nrows())
        name = f"{graph}.basis.{number}"
        if number < len(evidence.network) and name in evidence.arrays:
            need(evidence.arrays[name].dtype == "<f8", "basis")
            above = matrix(evidence.arrays[name])
            need(above.table()[0] == [ONE] + [ZERO] * (above.ncols() - 1), "basis")
        need(above.nrows() == other.linear.nrows(), "basis")
        need(above.ncols() == own.linear.nrows(), "basis")
        (centre, width), (at, reach) = (list(zip(*b, strict=True)) for b in (boxes, turned))
        rows, inside, errors = above.table()[1:], range(1, other.linear.ncols()), []
        wide = plus(reach, reach, error)
        for output, row in enumerate(rows, 1):
            form = other.output(output)
            off, further = box(below.transpose() * form * below - own.form(row), centre, width)
            slope = [2 * abs(entry) for entry in times(form, [ONE, *at])[1:]]
            bent = dot(slope, error) + beta(part(form, inside, inside), wide, error)
            errors.append(root(abs(off) + further + bent, 1))
        outputs = unit(own.linear.nrows()).table()[1:]
        boxes, turned = (
            [
                (middle, root(far, 1))
                for middle, far in (box(own.form(r), centre, width) for r in of)
            ]
            for of in (outputs, rows)
        )
        error, below = errors, above
    return max(error)


def difference(evidence: Evidence, graph: str, low: str, high: str, bound: str) -> None:
    need(least_difference(evidence, graph, low, high) <= rational(bound), "bound")


TYPES = {
    "float32": (Rational(1, 2**24), Rational(1, 2**126), 126),
    "float64": (Rational(1, 2**53), Rational(1, 2**1022), 1000),
}
"""Unit, least normal number, and below which power of two sizes have to stay."""


def least_rounding(evidence: Evidence, dtype: str) -> Rational:
    """Return the least bound on what rounding does to logits that the specification gives."""
    need(dtype in TYPES, "dtype")
    if dtype == "float32":
        need(evidence.dtype == "<f4", "dtype")
        need((evidence.pixels == evidence.pixels.astype(np.float32)).all(), "dtype")
    return max(max(lost(evidence.network, image, dtype)) for image in evidence.pixels)


def lost(stack: Sequence[Layer], image: npt.NDArray[Any], dtype: str) -> Vector:
    """Return by how much each logit of an image may be off."""
    u, tiny, power = TYPES[dtype]

    def sums(weights: Matrix, values: Vector) -> Vector:
        found = []
        for row in sizes_of(weights).table():
            terms = min(sum(map(bool, row)), sum(map(bool, values)))
            need(terms * u < 1 and dot(row, values) < 2**power, "size")
            flushed = sum(row, ZERO) + sum(values, ZERO) + 8 * len(row)
            found.append(terms * u / (1 - terms * u) * dot(row, values) + 2 * tiny * flushed)
        return found

    exact, slopes = states(stack, image), [unit(stack[-1].linear.nrows())]
    for layer, state in zip(stack[:0:-1], exact[-2:0:-1], strict=True):
        slopes.append(slopes[-1] * layer.derivative(state))
    arrived, error = [ZERO] * exact[-1].nrows(), [ZERO] * exact[0].nrows()
    for layer, state, slope in zip(stack, exact[:-1], reversed(slopes), strict=True):
        near = plus(sizes_of(state).entries(), error)
        sides = [sizes_of(layer.left), sizes_of(layer.right)]
        values = [sizes_of(side * state).entries() for side in (layer.left, layer.right)]
        off = [times(side, error) for side in sides]
        rounded = [sums(side, near) for side in sides]
        high = [plus(*pair) for pair in zip(values, off, strict=True)]
        products = times_each(*(plus(*pair) for pair in zip(high, rounded, strict=True)))
        need(all(product < 2**power for product in products), "size")
        own = [2 * tiny * (sum(sizes, ZERO) + 2) for sizes in zip(*high, *rounded, strict=True)]
        own = plus([u * product for product in products], own)
        bent = plus(
            times_each(*off),
            times_each(rounded[0], high[1]),
            times_each(rounded[1], high[0]),
            times_each(*rounded),
            own,
        )
        summed = [ZERO, *sums(beside(layer.down, layer.linear), plus(products, own) + near)[1:]]
        into = plus(times_each(values[0], off[1]), times_each(values[1], off[0]), bent)
        down, linear = sizes_of(layer.down), sizes_of(layer.linear)
        from_products = times(sizes_of(slope * layer.down), bent)
        arrived = plus(arrived, from_products, times(sizes_of(slope), summed))
        error = [ZERO, *plus(times(down, into), times(linear, error), summed)[1:]]
    return arrived[1:]


def rounding(evidence: Evidence, dtype: str, bound: str) -> None:
    need(least_rounding(evidence, dtype) <= rational(bound), "bound")


# Radii


def quartiles(radii: Doubles, count: int, least: Sequence[str], images: int) -> None:
    need(radii.dtype == "<f8" and radii.shape == (images,), "radii")
    need(((radii == 0) | (radii > 2.0**-400)).all(), "radii")
    above = sorted(radius for radius in radii.tolist() if radius)
    need(len(above) == count, "count")
    for quarter, claimed in enumerate(least, 1):
        found = rational(above[quarter * count // 4]) if above else ZERO
        need(found >= rational(claimed), "quartile")


def witness(evidence: Evidence, name: str, *shape: int) -> Doubles:
    array = evidence.arrays[name]
    need(array.dtype == "<f8" and array.shape == shape, name)
    return array


def with_radius(
    evidence: Evidence, kind: str, count: int, *least: str
) -> Iterator[tuple[int, Rational, int, dict[int, Matrix]]]:
    """Yield place, radius, class, and by other classes the forms of the margins in v at x + v."""
    radii, outputs = evidence.arrays[f"{kind}.radius"], evidence.network[-1].linear.nrows() - 1
    quartiles(radii, count, least, len(evidence.pixels))
    for place, own in enumerate(classes(evidence.network, evidence.pixels)):
        need(own >= 0 or not radii[place], "class")
        moved = unit(evidence.network[0].linear.ncols())
        for row, entry in enumerate(states(evidence.network, evidence.pixels[place])[0].entries()):
            moved[row, 0] = entry
        others = [other for other in range(outputs) if other != own >= 0]
        forms = {other: margin_form(evidence.network, own, other) for other in others}
        margins = {o: moved.transpose() * form * moved for o, form in forms.items()}
        yield place, rational(radii[place]), own, margins


def margin_form(stack: Sequence[Layer], own: int, other: int) -> Matrix:
    """Return the form of a margin in the input, where one layer at most has products."""
    bent = [place for place, layer in enumerate(stack) if layer.left.nrows()]
    need(len(bent) < 2, "degree")
    middle, rows = bent[0] if bent else 0, unit(stack[-1].linear.nrows()).table()
    weights = [one - two for one, two in zip(rows[own + 1], rows[other + 1], strict=True)]
    for layer in stack[:middle:-1]:
        weights = (Matrix(1, len(weights), weights) * layer.linear).entries()
    form = stack[middle].form(weights)
    for layer in stack[:middle][::-1]:
        form = layer.linear.transpose() * form * layer.linear
    return form


def split(margin: Matrix) -> tuple[Rational, Vector, Matrix]:
    """Return m, g and A of a margin m + 2gᵀv + vᵀAv."""
    inside = range(1, margin.nrows())
    return margin[0, 0], margin.table()[0][1:], part(margin, inside, inside)


def robustness(
    evidence: Evidence, count: int, lower: str, median: str, upper: str, factor: str, fixed: int
) -> None:
    images, outputs = len(evidence.pixels), evidence.network[-1].linear.nrows() - 1
    multipliers = witness(evidence, "robustness.multipliers", images, outputs)
    added = witness(evidence, "robustness.added", images)
    targets = evidence.arrays["robustness.targets"]
    need(targets.dtype == "<i8" and targets.shape == (images,), "targets")
    stay = 0
    found = with_radius(evidence, "robustness", count, lower, median, upper)
    for place, radius, own, margins in found:
        if not radius:
            stay += own >= 0 > targets[place] and all(
                map(positive, map(read_only, margins.values()))
            )
            continue
        for other, margin in margins.items():
            (value, slope, form), f = split(margin), rational(multipliers[place, other])
            inner = unit(form.nrows()) + f * form
            need(f >= 0 and positive(inner), "multiplier")
            step = inner.solve(column(slope)).entries()
            need(f * value - f * f * dot(slope, step) >= radius * radius, "radius")
        target = int(targets[place])
        need(target in margins, "target")
        f, most = rational(multipliers[place, target]), radius * rational(factor)
        need(reaches(margins[target], f, rational(added[place]), most), "factor")
    need(stay >= fixed, "fixed")


def read_only(margin: Matrix) -> Matrix:
    """Return a margin without the inputs that it does not read."""
    kept = [place for place, row in enumerate(margin.table()) if place == 0 or any(row)]
    return part(margin, kept, kept)


def reaches(margin: Matrix, f: Rational, added: Rational, most: Rational) -> bool:
    """Look for a point within a distance where a margin is negative."""
    _, slope, form = split(margin)
    step = [-f * e for e in (unit(form.nrows()) + f * form).solve(column(slope)).entries()]
    floats = [[int(e.p) / int(e.q) for e in row] for row in form.table()]
    least = list(map(rational, np.linalg.eigh(np.array(floats))[1][:, 0].tolist()))
    for along in (added, -added):
        point = plus(step, [along * entry for entry in least])
        length = root(squares(point))
        for scale in (ONE, most / length) if length else ():
            at = [ONE, *(entry * scale for entry in point)]
            if squares(at[1:]) <= most * most and dot(times(margin, at), at) < 0:
                return True
    return False


def pixel_robustness(evidence: Evidence, count: int, lower: str, median: str, upper: str) -> None:
    outputs = evidence.network[-1].linear.nrows() - 1
    inputs = evidence.network[0].linear.ncols() - 1
    diagonals = witness(evidence, "pixel robustness.diagonals", outputs, outputs, inputs)
    found = with_radius(evidence, "pixel robustness", count, lower, median, upper)
    for _, radius, own, margins in found:
        for other, margin in margins.items() if radius else ():
            value, slope, form = split(margin)
            added = list(map(rational, diagonals[own, other].tolist()))
            need(min(added) >= 0 and positive(form + diagonal(added)), "diagonal")
            slopes, bends = sum(map(abs, slope), ZERO), sum(added, ZERO)
            need(value - 2 * radius * slopes - radius * radius * bends > 0, "radius")


def stability(
    evidence: Evidence, models: str, count: int, lower: str, median: str, upper: str
) -> None:
    names = {f"the network and the {name} graph": stack for name, stack in evidence.graphs.items()}
    stacks = {"network": evidence.network}
    if models != "the network":
        stacks["graph"] = names[models]
    _stable(evidence, f"stability.{models}", stacks, count, (lower, median, upper))


def pixel_stability(evidence: Evidence, count: int, lower: str, median: str, upper: str) -> None:
    stacks = {"network": evidence.network}
    _stable(evidence, "pixel stability", stacks, count, (lower, median, upper), cubes=True)


def _stable(
    evidence: Evidence,
    kind: str,
    stacks: Mapping[str, Sequence[Layer]],
    count: int,
    least: tuple[str, str, str],
    *,
    cubes: bool = False,
) -> None:
    radii = evidence.arrays[f"{kind}.radius"]
    quartiles(radii, count, least, len(evidence.pixels))
    found = classes(evidence.network, evidence.pixels)
    for model, stack in stacks.items():
        own = f"{kind}.{model}"
        outputs = stack[-1].linear.nrows() - 1
        pairs, rows, held = outputs * (outputs - 1) // 2, [], []
        for k, layer in enumerate(stack[:-1], 1):
            width = layer.linear.nrows() - 1
            rows.append(witness(evidence, f"{own}.rows.{k}", pairs, width, width))
            others = evidence.arrays[f"{own}.held.{k}"].shape[1:]
            held.append(witness(evidence, f"{own}.held.{k}", pairs, *others))
            need(held[-1].ndim == 2 and others[0] <= width and (held[-1] >= 0).all(), "held")
        several = len(stack) > 2 and not cubes
        bends = witness(evidence, f"{own}.bends", pairs) if several else np.zeros(pairs)
        kept = [each.shape[1] - some.shape[1] for each, some in zip(rows, held, strict=True)]
        signs = [True, True]
        signs += [sign for count in kept for sign in [False] * count + [True] * (count + 1)]
        slabs = evidence.arrays[f"{own}.slabs"].shape[-1] - 2
        need(slabs > 0, "slabs")
        shape = len(found), outputs
        ends = witness(evidence, f"{own}.slabs", *shape, 2 + slabs)
        factors = witness(evidence, f"{own}.multipliers", *shape, slabs, len(signs))
        need((factors[..., signs] >= 0).all(), "signs")
        for place in np.flatnonzero(radii):
            need(found[place] >= 0, "class")
            radius = rational(float(radii[place]))
            near = Surroundings(stack, evidence.pixels[place], radius, cubes=cubes)
            for other in {*range(outputs)} - {found[place]}:
                low, high = sorted((found[place], other))
                pair = high * (high - 1) // 2 + low
                hidden = [
                    (matrix(each[pair]), list(map(rational, some[pair].tolist())))
                    for each, some in zip(rows, held, strict=True)
                ]
                given = [list(map(rational, row)) for row in factors[place, other].tolist()]
                cuts = list(map(rational, ends[place, other].tolist()))
                bend = rational(float(bends[pair]))
                need(near.holds((found[place], other), hidden, bend, cuts, given), "margin")


IsOne = Callable[[object], bool]
ABOUT = {"images": is_count, "data": is_name}
RADII = ABOUT | {"count": is_count, "lower": is_decimal, "median": is_decimal, "upper": is_decimal}
BOX = {"graph": is_name, "low": is_decimal, "high": is_decimal, "bound": is_decimal}
SIGNS = {"size": is_count, "positive": is_counts, "negative": is_counts, "zero": is_counts}
KINDS: Mapping[str, tuple[Callable[..., None], Mapping[str, IsOne]]] = {
    "same polynomial": (same_polynomial, {"graph": is_name}),
    "task": (task, {"models": is_name, "modulus": is_count}),
    "difference": (difference, BOX),
    "rounding": (rounding, ABOUT | {"dtype": is_name, "bound": is_decimal}),
    "signature": (signature, SIGNS),
    "accuracy": (accuracy, ABOUT | {"right": is_count}),
    "agreement": (agreement, ABOUT | {"graph": is_name, "same": is_count}),
    "robustness": (robustness, RADII | {"factor": is_decimal, "fixed": is_count}),
    "pixel robustness": (pixel_robustness, RADII),
    "stability": (stability, RADII | {"models": is_name}),
    "pixel stability": (pixel_stability, RADII),
}
"""What verifies each kind of claim, and of what type its numbers are."""
