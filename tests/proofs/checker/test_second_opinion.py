"""The checker and a second one, written from the specification alone: they are of one opinion."""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from numeric import NumericError, trace
from numeric.networks.normal_form import degree_two
from proofs import Claim
from proofs.checker import CLAIMS
from tests.proofs.checker.alterations import Bundle, singles
from tests.proofs.checker.certificates import (
    Arrays,
    Case,
    claimed,
    full_case,
    is_accepted,
    pixel_robustness_of,
    pixel_stability_of,
    robustness_of,
    small_case,
    stability_of,
)
from tests.proofs.checker.second.claims import (
    KINDS,
    least_difference,
    least_rounding,
    opinion,
)
from tests.proofs.checker.second.rationals import Rational
from tests.proofs.checker.second.reading import Refused, read, statements
from tests.proofs.checker.test_surroundings import altered
from tests.strategies import costly, few, networks, points, tame

SHAPES: list[dict[str, Any]] = [
    {},
    {"depth": 2},
    {"depth": 3, "images": 2},
    {"embedding": True, "residual": True, "bias": False},
]


TINY = Rational(1, 10**250)
"""Below, floats of errors are no longer near what they stand for."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("second")


@st.composite
def cases(draw: st.DrawFn, **shape: Any) -> Case:
    """Networks of ordinary numbers with two images, nothing claimed."""
    elements = shape.pop("elements", None) or draw(st.sampled_from([few, tame, tame]))
    model = draw(networks(**{"elements": elements, "max_depth": 2, "max_size": 2} | shape))
    dtype = model.layers()[0].linear.dtype.type
    images = draw(points(model.configuration.inputs, elements=elements, dtype=dtype, count=2))
    return Case(model, images, np.array([0, 1]) % model.configuration.outputs)


def claiming(folder: Path, case: Case, claim: Claim, arrays: Arrays | None = None) -> Path:
    return replace(case, claims=(claim,), witnesses=arrays or {}).write(folder)


def agreed(path: Path, least: Rational, *, tame: bool = True) -> None:
    """Assert that both accept hardly more than a bound, and neither accepts hardly less.

    Where sizes are not tame, rounding may cost the checker more than that.
    """
    bundle, exact = Bundle.of(path), (int(least.p), int(least.q))
    for share, rounding, holds in ((1 - 1e-6, ROUND_FLOOR, False), (1 + 1e-6, ROUND_CEILING, True)):
        context = Context(prec=12, rounding=rounding)
        bound = context.divide(*exact) * context.create_decimal(share)
        bundle.said["claims"][0]["numbers"]["bound"] = str(bound.normalize(context))
        path = bundle.write(path.parent)
        assert (opinion(path) is None) == holds
        assert is_accepted(path) == holds or (holds and not tame)


def test_the_specification_states_what_the_checker_states() -> None:
    kinds = {name: (k.level, k.theorem, k.statement) for name, k in CLAIMS.items()}
    assert statements() == kinds
    assert KINDS.keys() == kinds.keys()


@pytest.mark.parametrize("shape", SHAPES)
def test_both_accept_all_that_is_claimed_of_a_small_network(
    tmp_path: Path, shape: dict[str, Any]
) -> None:
    case = full_case(tmp_path, small_case(**shape))
    path = case.write(tmp_path)
    assert is_accepted(path)
    assert opinion(path) is None
    assert len(case.claims) >= 8


@pytest.mark.props
@costly
@given(case=cases(elements=tame), dtype=st.sampled_from(["float32", "float64"]))
def test_both_find_the_same_bound_on_rounding(folder: Path, case: Case, dtype: str) -> None:
    path = claiming(folder, case, claimed("rounding", {"images": 2, "dtype": dtype, "bound": "1"}))
    try:
        least = least_rounding(read(path)[0], dtype)
    except Refused:
        assert not is_accepted(path)
        return
    if least > TINY:
        agreed(path, least)


@pytest.mark.props
@costly
@given(
    case=cases(elements=tame, max_depth=3),
    method=st.sampled_from(["polarized", "eigen"]),
    ends=st.sampled_from([("0", "1"), ("-2", "0.5"), ("1", "1"), ("0", "4E+1")]),
)
def test_both_find_the_same_bound_on_a_difference_that_is_no_rounding(
    folder: Path, case: Case, method: str, ends: tuple[str, str]
) -> None:
    other = copy.deepcopy(case.model)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.mul_(1.25)
    try:
        graphs = {"graph": trace(other, method)}
    except NumericError:
        return
    case = replace(case, graphs=graphs)
    numbers = {"graph": "graph", "low": ends[0], "high": ends[1]}
    path = claiming(folder, case, claimed("difference", numbers | {"bound": "1"}))
    try:
        least = least_difference(read(path)[0], **numbers)
    except Refused:
        # Of an embedding that loses a direction, the graph has a smaller state and no basis of it.
        assert not is_accepted(path)
        return
    if least > Rational(1, 10**6):
        agreed(path, least, tame=len(case.model.layers()) == 1 and ends[1] != "4E+1")


PROVED: dict[str, Any] = {
    "robustness": robustness_of,
    "pixel robustness": pixel_robustness_of,
    "stability": stability_of,
    "pixel stability": pixel_stability_of,
}


@pytest.mark.props
@given(
    data=st.data(), kind=st.sampled_from(sorted(PROVED)), longer=st.sampled_from([0, 1e-9, 1e-6])
)
def test_the_second_accepts_all_radii_that_the_checker_accepts(
    folder: Path, data: st.DataObject, kind: str, longer: float
) -> None:
    case = data.draw(cases(max_depth=2 if "stability" in kind else 1))
    layers = case.model.layers()
    flat = degree_two(layers) and case.model.configuration.outputs > 1
    if not {"stability": True, "pixel stability": len(layers) > 1}.get(kind, flat):
        return
    arrays, claim = PROVED[kind](case)
    name = next(name for name in arrays if name.endswith(".radius"))
    arrays[name] = arrays[name] * (1 + longer)
    path = claiming(folder, case, claim, arrays)
    assert not is_accepted(path) or opinion(path) is None


@pytest.mark.parametrize(("depth", "cubes"), [(2, False), (3, False), (3, True)])
def test_both_accept_slabs_and_are_of_one_opinion_on_altered_ones(
    tmp_path: Path, depth: int, cubes: bool
) -> None:
    points = (4 * np.random.default_rng(0).normal(size=(30, 3))).astype(np.float32)[4:5]
    case = replace(small_case(depth), images=points, labels=np.zeros(1, dtype=np.int64))
    proved = pixel_stability_of if cubes else stability_of
    arrays, claim = proved(case, kept=2, slabs=4)
    key = "pixel stability.network" if cubes else "stability.the network.network"
    slabs, multipliers = (arrays[f"{key}.{name}"] for name in ("slabs", "multipliers"))
    assert (slabs[..., 0] > 0).any()
    path = claiming(tmp_path, case, claim, arrays)
    assert is_accepted(path)
    assert opinion(path) is None
    ends = np.ones(slabs.shape[-1] - 1)
    for name, other, refused in (
        ("slabs", slabs * [1, *0.9 * ends], True),
        ("multipliers", multipliers * (np.arange(multipliers.shape[-1]) != 0), True),
        ("slabs", slabs * [0, *ends], False),
        ("multipliers", multipliers[:, :, ::-1].copy(), False),
    ):
        path = claiming(tmp_path, case, claim, arrays | {f"{key}.{name}": other})
        assert is_accepted(path) == (opinion(path) is None)
        assert not (refused and is_accepted(path))


def overstated(bundle: Bundle) -> Iterator[Bundle]:
    """Yield certificates that say more than one does: a higher count, or longer radii."""
    for name, number in bundle.said["claims"][0]["numbers"].items():
        if isinstance(number, int | list):
            more = bundle.copy()
            raised = number + 1 if isinstance(number, int) else [count + 1 for count in number]
            more.said["claims"][0]["numbers"][name] = raised
            yield more
    for file, name in ((f, name) for f in bundle.files for name in bundle.files[f].arrays):
        if name.endswith("radius"):
            more = bundle.copy()
            more.files[file].arrays[name] = bundle.files[file].arrays[name] * 1.25
            yield more


def too_small(path: Path) -> Bundle:
    """Return a claim on a pruned graph or on rounding with a bound that is a little too small."""
    bundle, evidence = Bundle.of(path), read(path)[0]
    claim = bundle.said["claims"][0]
    if claim["kind"] == "same polynomial":
        return bundle
    least = (
        least_rounding(evidence, "float32")
        if claim["kind"] == "rounding"
        else least_difference(evidence, "pruned", "0", "1")
    )
    context = Context(prec=5, rounding=ROUND_FLOOR)
    bound = context.divide(int(least.p), int(least.q)) * Decimal("0.9999")
    claim["numbers"]["bound"] = str(bound.normalize(context))
    return bundle


BOUNDS: list[tuple[str, dict[str, Any]]] = [
    ("difference", {"graph": "pruned", "low": "0", "high": "1", "bound": "0"}),
    ("rounding", {"images": 4, "dtype": "float32", "bound": "0"}),
    ("same polynomial", {"graph": "pruned"}),
]
ALTERED = {
    "how products round": ("rounding", "+ less * fewer + own", "+ less * fewer"),
    "how sums round": ("rounding", "rest = summed(numbers,", "rest = 0 * summed(numbers,"),
    "a factor 2 of a difference": ("difference", "2 * (slope @ errors)", "1 * (slope @ errors)"),
    "a factor 2 of pixels": ("pixel robustness", "(2 * slopes.most", "(1 * slopes.most"),
    "all of a radius": ("robustness", "proven >= UP * radius", "proven >= 0.6 * radius"),
    "the number of radii": ("robustness", "len(given) == count", "True"),
    "the number of images": ("rounding", "images == len(self.images)", "True"),
    "the labels": ("accuracy", "need(right <= found,", "need(True,"),
    "the classes of the graph": ("agreement", "need(same <= found,", "need(True,"),
    "the rank": ("signature", "size - rank]", "size]"),
    "coefficients": ("same polynomial", "need(not where,", "need(True,"),
    "all of a cube": (
        "pixel stability",
        "UP * radius * radius * total",
        "0.25 * radius * radius * total",
    ),
    "the ball": ("stability", "exact(-UP * square))", "exact(0 * square))"),
}
"""What is left out of the checker: of which kind of claim, and in which line."""


def test_a_checker_with_one_line_changed_is_of_another_opinion(tmp_path: Path) -> None:
    wrong = {kind: list(overstated(bundles[0])) for kind, bundles in singles().items()}
    for kind, numbers in BOUNDS:
        wrong[kind].append(too_small(claiming(tmp_path, small_case(2), claimed(kind, numbers))))
    paths: dict[str, list[Path]] = {kind: [] for kind in wrong}
    for kind, bundles in wrong.items():
        for number, bundle in enumerate(bundles):
            folder = tmp_path / f"{kind} {number}"
            folder.mkdir()
            paths[kind].append(bundle.write(folder))
            assert not is_accepted(paths[kind][-1])
            assert opinion(paths[kind][-1]) is not None
    for number, (kind, *change) in enumerate(ALTERED.values()):
        altered(tmp_path / str(number), tuple(change))
        other = sys.modules["altered_checker"]

        def accepts(path: Path, other: ModuleType = other) -> bool:
            try:
                other.check(path)
            except other.Rejected:
                return False
            return True

        assert any(map(accepts, paths[kind])), change
