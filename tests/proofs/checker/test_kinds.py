"""Each kind of claim: what is true is accepted, and nothing that is false."""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from numeric import (
    BilinearNetwork,
    LayeredNetwork,
    NumericError,
    from_module,
    rewrite,
    square_layers,
    trace,
)
from numeric.networks.inference import logits, predictions
from proofs import Claim
from proofs.robustness.pairs import PairMargins
from proofs.robustness.trust_region import nearest
from tests.modules import Research
from tests.oracles import exact, value
from tests.proofs.checker.certificates import (
    BOUNDS,
    Case,
    about,
    bounded,
    claimed,
    files_of,
    full_case,
    pixel_robustness_of,
    pixel_stability_of,
    radii_claim,
    robustness_of,
    small_case,
    stability_of,
    task_case,
    task_claims,
)
from tests.proofs.checker.refutations import Oracle, refuted, signature
from tests.strategies import costly, few, networks, points, tame, wild

Doubles = npt.NDArray[np.float64]
ZEROS = np.zeros(2, dtype=np.int64)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("claims")


@st.composite
def cases(draw: st.DrawFn, **shape: Any) -> Case:
    """Networks of any numbers with two images, nothing claimed."""
    elements = shape.pop("elements", None) or draw(st.sampled_from([few, tame, tame, wild]))
    model = draw(networks(**{"elements": elements, "max_depth": 2, "max_size": 2} | shape))
    dtype = model.layers()[0].linear.dtype.type
    images = draw(points(model.configuration.inputs, elements=elements, dtype=dtype, count=2))
    return Case(model, images, np.array([0, 1]) % model.configuration.outputs)


def may_hold(case: Case, claim: Claim, **witnesses: npt.NDArray[Any]) -> bool:
    """Whether nothing is found that refutes a claim."""
    arrays = {"images": case.images, "labels": case.labels, **witnesses}
    method = getattr(
        Oracle(case.model, dict(case.graphs), arrays), str(claim.kind).replace(" ", "_")
    )
    return bool(method(**about(claim, arrays).numbers))


def with_graph(case: Case, method: str) -> Case | None:
    try:
        graph = trace(case.model, method)
    except NumericError:
        return None
    return Case(case.model, case.images, case.labels, {method: graph})


def moved(model: BilinearNetwork, layer: int = 0, place: int = 0) -> BilinearNetwork:
    """Return a network with one weight moved to the next float."""
    found = copy.deepcopy(model)
    weight = found.blocks[layer].left.weight
    with torch.no_grad():
        row = weight.view(-1)[place : place + 1]
        row.copy_(torch.nextafter(row, torch.full_like(row, math.inf)))
    return found


# Tasks


@pytest.mark.props
@given(modulus=st.integers(2, 4), seed=st.integers(0, 50), noise=st.sampled_from([0, 0.3, 0.6]))
def test_a_task_is_accepted_just_if_network_and_graph_do_it_on_every_input(
    folder: Path, modulus: int, seed: int, noise: float
) -> None:
    case = task_case(modulus, seed)
    draw = np.random.default_rng(seed)
    with torch.no_grad():
        for weight in case.model.parameters():
            weight.add_(torch.from_numpy(noise * draw.normal(size=weight.shape)))
    case = replace(case, graphs={"eigen": trace(case.model, "eigen")})
    for claim in task_claims(modulus):
        assert case.accepted(folder, claim) == may_hold(case, claim)


@pytest.mark.parametrize(
    "numbers",
    [
        {"models": "the network", "modulus": 2},
        {"models": "the network", "modulus": 4},
        {"models": "the network", "modulus": 0},
        {"models": "the polarized graph", "modulus": 3},
        {"models": "the eigen graph or none", "modulus": 3},
        {"models": "eigen", "modulus": 3},
    ],
)
def test_a_task_of_another_size_or_of_nobody_is_rejected(
    folder: Path, numbers: dict[str, Any]
) -> None:
    case = task_case(3)
    assert case.accepted(folder, *task_claims(3))
    assert not case.accepted(folder, Claim.of("task", numbers))


def test_a_tie_does_not_do_a_task(folder: Path) -> None:
    case = task_case(2)
    with torch.no_grad():
        case.model.blocks[0].down.weight[1] = case.model.blocks[0].down.weight[0]
    assert not case.accepted(folder, task_claims(2)[0])


# Same polynomial


@pytest.mark.props
@given(case=cases(elements=wild))
def test_a_polarized_graph_is_the_same_polynomial(folder: Path, case: Case) -> None:
    traced = with_graph(case, "polarized")
    if traced is not None:
        assert traced.accepted(folder, claimed("same polynomial", {"graph": "polarized"}))


@pytest.mark.props
@costly
@given(case=cases(), method=st.sampled_from(["polarized", "eigen"]), place=st.integers(0, 1))
def test_graphs_are_accepted_just_if_all_coefficients_are_the_same(
    folder: Path, case: Case, method: str, place: int
) -> None:
    traced = with_graph(case, method)
    if traced is None or case.model.blocks[0].left.weight.numel() <= place:
        return
    other = moved(case.model, place=place)
    if not all(torch.isfinite(parameter).all() for parameter in other.parameters()):
        return
    for model in (case.model, other):
        altered = Case(model, case.images, case.labels, traced.graphs)
        claim = claimed("same polynomial", {"graph": method})
        expected = may_hold(altered, claim)
        assert altered.accepted(folder, claim) == expected


# Difference


@pytest.mark.props
@given(
    case=cases(),
    method=st.sampled_from(["eigen", "polarized", "canonical"]),
    ends=st.tuples(st.sampled_from([-2, 0, 0.5]), st.sampled_from([0.5, 1, 40])),
    data=st.data(),
)
def test_no_point_of_the_region_differs_by_more_than_the_bound(
    folder: Path, case: Case, method: str, ends: tuple[float, float], data: st.DataObject
) -> None:
    if method == "canonical":
        case = Case(data.draw(networks(max_size=2, max_depth=1)), case.images[:, :1], ZEROS)
        case = Case(case.model, np.zeros((1, case.model.configuration.inputs)), ZEROS[:1])
    traced = with_graph(case, method)
    if traced is None:
        return
    files = files_of(traced.write(folder))
    numbers = {"graph": method, "low": str(ends[0]), "high": str(ends[1])}
    with np.errstate(all="ignore"):
        claims = list(bounded(files, "difference", numbers))
    inputs = case.model.configuration.inputs
    shares = data.draw(st.lists(st.fractions(0, 1), min_size=inputs, max_size=inputs))
    low, high = map(Fraction, ends)
    point = [low + (high - low) * share for share in shares]
    stack = [layer.in_normal_form() for layer in square_layers(traced.graphs[method])]
    pairs = zip(value(case.model.layers(), point), value(stack, point), strict=True)
    furthest = max(abs(one - other) for one, other in pairs)
    for claim in claims:
        assert furthest <= Fraction(claim.numbers["bound"])


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_bounds_of_graphs_that_lose_nothing_are_small(tmp_path: Path, depth: int) -> None:
    case = small_case(depth)
    files = files_of(case.write(tmp_path))
    for graph in ("eigen", "polarized"):
        numbers = {"graph": graph, "low": "0", "high": "1"}
        (claim,) = bounded(files, "difference", numbers)
        assert float(claim.numbers["bound"]) < 1e-6
    (pruned,) = bounded(files, "difference", {"graph": "pruned", "low": "0", "high": "1"})
    assert float(pruned.numbers["bound"]) > 1e-3


def test_a_bound_below_a_difference_is_rejected(tmp_path: Path) -> None:
    case = small_case()
    corner = np.ones((1, 3))
    found = logits(rewrite(case.graphs["pruned"]), corner)
    real = abs(found - logits(copy.deepcopy(case.model).double(), corner)).max()
    for bound, holds in ((real * 0.999, False), (real * 1000, True)):
        numbers = {"graph": "pruned", "low": "0", "high": "1", "bound": f"{bound:.9g}"}
        assert case.accepted(tmp_path, claimed("difference", numbers)) == holds


def test_a_hidden_state_may_stand_in_another_basis(tmp_path: Path) -> None:
    model = BilinearNetwork(3, 2, depth=2, width=3, hidden=4).double()
    turned, spin = (
        copy.deepcopy(model),
        np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0],
    )
    with torch.no_grad():
        first, second = turned.blocks
        spinning = torch.from_numpy(spin)
        for tensor in (first.down.weight, first.down.bias):
            tensor.copy_(spinning @ tensor)
        for affine in (second.left, second.right):
            affine.weight.copy_(affine.weight @ spinning.T)
    case = Case(model, np.zeros((1, 3)), ZEROS[:1], {"eigen": trace(turned, "eigen")})
    basis = np.eye(4)
    basis[1:, 1:] = spin
    claim = claimed("difference", {"graph": "eigen", "low": "0", "high": "1", "bound": "1E-9"})
    assert case.accepted(tmp_path, claim, **{"eigen.basis.1": basis})
    assert not case.accepted(tmp_path, claim)
    shifted = basis.copy()
    shifted[0, 1] = 1e-12
    for wrong in (
        basis.T.copy(),
        basis[:3],
        basis[:, :3].copy(),
        basis.astype(np.float32),
        np.rint(basis).astype(np.int64),
        shifted,
        basis + np.eye(4) * 1e-6,
    ):
        assert not case.accepted(tmp_path, claim, **{"eigen.basis.1": wrong})


def test_a_basis_of_the_logits_is_not_looked_at(tmp_path: Path) -> None:
    case, other = small_case(), small_case(seed=1)
    swapped = Case(case.model, case.images, case.labels, {"eigen": other.graphs["eigen"]})
    claim = claimed("difference", {"graph": "eigen", "low": "0", "high": "1", "bound": "1E-6"})
    assert not swapped.accepted(tmp_path, claim, **{"eigen.basis.1": np.zeros((4, 4))})


# Rounding


@pytest.mark.props
@given(case=cases(), dtype=st.sampled_from(["float32", "float64"]))
def test_torch_is_no_further_from_the_exact_logits_than_the_bound(
    folder: Path, case: Case, dtype: str
) -> None:
    files = files_of(case.write(folder))
    with np.errstate(all="ignore"):
        claims = list(bounded(files, "rounding", {"images": 2, "dtype": dtype}))
    for claim in claims:
        assert may_hold(case, claim)


@pytest.mark.props
@given(case=cases(elements=tame))
def test_ordinary_networks_have_a_bound_on_rounding(folder: Path, case: Case) -> None:
    files = files_of(case.write(folder))
    single = case.images.dtype == np.float32
    for dtype, expected in (("float64", 1), ("float32", int(single))):
        found = list(bounded(files, "rounding", {"images": 2, "dtype": dtype}))
        assert len(found) == expected


def test_a_network_that_overflows_in_float32_has_no_bound(tmp_path: Path) -> None:
    model = BilinearNetwork(1, 1, depth=1, hidden=1, bias=False)
    for parameter in model.parameters():
        torch.nn.init.constant_(parameter, 1e19)
    case = Case(model, np.full((1, 1), 2, dtype=np.float32), ZEROS[:1])
    assert not np.isfinite(logits(model, case.images)).all()
    files = files_of(case.write(tmp_path))
    assert not list(bounded(files, "rounding", {"images": 1, "dtype": "float32"}))
    assert Fraction(BOUNDS[-1]) > 10**11
    numbers = {"images": 1, "dtype": "float32", "bound": "1E+300"}
    assert not case.accepted(tmp_path, claimed("rounding", numbers))
    assert case.accepted(tmp_path, claimed("rounding", numbers | {"dtype": "float64"}))


def test_a_hundred_orders_of_sums_keep_the_bound_and_a_tenth_of_it_is_broken() -> None:
    draw = np.random.default_rng(0)
    model = BilinearNetwork(40, 1, depth=1, hidden=3)
    image = draw.normal(size=(1, 40)).astype(np.float32)
    errors = []
    expected = value(model.layers(), image[0])[0]
    for _ in range(100):
        order = draw.permutation(40)
        shuffled = copy.deepcopy(model)
        with torch.no_grad():
            for affine in (shuffled.blocks[0].left, shuffled.blocks[0].right):
                affine.weight.copy_(affine.weight[:, order])
        found = logits(shuffled, image[:, order].copy())[0, 0]
        errors.append(abs(exact(found) - expected))
    assert 0 < max(errors) < Fraction(1, 10**5)


# Signature


@pytest.mark.props
@given(case=cases(), data=st.data())
def test_no_sign_is_counted_that_no_eigenvalue_has(
    folder: Path, case: Case, data: st.DataObject
) -> None:
    numbers = signature(case.model)
    sign = data.draw(st.sampled_from(["positive", "negative", "zero"]))
    place = data.draw(st.integers(0, len(numbers[sign]) - 1))
    more = {**numbers, sign: [count + (at == place) for at, count in enumerate(numbers[sign])]}
    assert not case.accepted(folder, claimed("signature", more))
    none = {name: [0] * len(counts) for name, counts in numbers.items() if name != "size"}
    if all(abs(array).max(initial=0) < 1e9 for layer in case.model.layers() for array in layer):
        assert case.accepted(folder, claimed("signature", {"size": numbers["size"], **none}))


def test_signatures_of_ordinary_networks_are_found(tmp_path: Path) -> None:
    for depth in (1, 2):
        case = small_case(depth, hidden=3)
        numbers = signature(case.model)
        assert case.accepted(tmp_path, claimed("signature", numbers))
        fewer = {**numbers, "positive": numbers["positive"][:-1]}
        assert not case.accepted(tmp_path, claimed("signature", fewer))
        cut = {name: counts[:-1] for name, counts in numbers.items() if name != "size"}
        assert not case.accepted(tmp_path, claimed("signature", {"size": numbers["size"], **cut}))
        another = {**numbers, "size": numbers["size"] + 1}
        assert not case.accepted(tmp_path, claimed("signature", another))


def test_zero_eigenvalues_are_counted_by_rank(tmp_path: Path) -> None:
    case = small_case(hidden=1, bias=False)
    numbers = signature(case.model)
    assert numbers["zero"] == [2, 2, 2]
    assert case.accepted(tmp_path, claimed("signature", numbers))


# Accuracy and agreement


@pytest.mark.props
@given(case=cases(), count=st.integers(0, 2))
def test_images_are_counted_if_nothing_is_in_doubt(folder: Path, case: Case, count: int) -> None:
    claim = claimed("accuracy", {"images": 2, "right": count})
    if case.accepted(folder, claim):
        assert may_hold(case, claim)
    traced = with_graph(case, "eigen")
    if traced is not None:
        claim = claimed("agreement", {"graph": "eigen", "images": 2, "same": count})
        if traced.accepted(folder, claim):
            assert may_hold(traced, claim)


def test_all_of_a_test_set_is_counted(tmp_path: Path) -> None:
    case = small_case()
    for count in range(5):
        numbers = {"images": 4, "right": count}
        assert case.accepted(tmp_path, claimed("accuracy", numbers))
        numbers = {"images": 4, "same": count, "graph": "eigen"}
        assert case.accepted(tmp_path, claimed("agreement", numbers))
    assert not case.accepted(tmp_path, claimed("accuracy", {"images": 4, "right": 5}))
    assert not case.accepted(tmp_path, claimed("accuracy", {"images": 3, "right": 3}))
    assert not case.accepted(tmp_path, claimed("accuracy", {"images": 5, "right": 3}))
    same = {"images": 4, "same": 5, "graph": "eigen"}
    assert not case.accepted(tmp_path, claimed("agreement", same))


def test_equal_logits_are_nobody_s(tmp_path: Path) -> None:
    model = BilinearNetwork(2, 2, depth=1, hidden=1)
    for parameter in model.parameters():
        torch.nn.init.constant_(parameter, 0.25)
    case = Case(model, np.ones((2, 2), dtype=np.float32), ZEROS)
    graphs = {"eigen": trace(model, "eigen")}
    for labels in (ZEROS, ZEROS + 1):
        tied = Case(model, case.images, labels, graphs)
        assert not tied.accepted(tmp_path, claimed("accuracy", {"images": 2, "right": 1}))
        agreement = claimed("agreement", {"graph": "eigen", "images": 2, "same": 1})
        assert not tied.accepted(tmp_path, agreement)
        assert tied.accepted(tmp_path, claimed("accuracy", {"images": 2, "right": 0}))


@pytest.mark.parametrize(
    "labels",
    [
        np.zeros((4, 1), dtype=np.int64),
        np.zeros(4),
        np.zeros(4, dtype=np.uint8),
        ZEROS,
        np.array([0, 1, 2, -1]),
    ],
)
def test_labels_are_one_integer_an_image(tmp_path: Path, labels: npt.NDArray[Any]) -> None:
    case = small_case()
    assert not Case(case.model, case.images, labels).accepted(
        tmp_path, claimed("accuracy", {"images": 4, "right": 0})
    )


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((2, 3), dtype=np.int64),
        np.zeros((2, 3), dtype=np.int32),
        np.zeros((0, 3)),
        np.zeros((2, 4)),
        np.zeros((2, 1)),
        np.zeros(3),
        np.zeros((2, 1, 3)),
        np.full((2, 3), np.nan),
    ],
)
def test_images_are_rows_of_pixels(tmp_path: Path, images: npt.NDArray[Any]) -> None:
    claim = claimed("accuracy", {"images": len(images), "right": 0})
    model = small_case().model
    labels = np.zeros(len(images), dtype=np.int64)
    assert not Case(model, images, labels).accepted(tmp_path, claim)


# Robustness


def quadratic(curvatures: list[float], lead: float = 1.0, slope: float = 0.0) -> BilinearNetwork:
    """Return a network whose first logit leads by a quadratic in its axes."""
    size = len(curvatures)
    model = BilinearNetwork(size, 2, depth=1, hidden=size + 1).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        layer = model.blocks[0]
        for affine in (layer.left, layer.right):
            affine.weight[:size] = torch.eye(size, dtype=torch.float64)
        layer.left.weight[size, 0], layer.right.bias[size] = 1, 1
        layer.down.weight[0, :size] = torch.tensor(curvatures, dtype=torch.float64)
        layer.down.weight[0, size] = slope
        layer.down.bias[0] = lead
    return model


HARD = {
    "a least eigenvalue without slope": ([-1.0, 2.0], 1.0, 0.0, 1.0),
    "least eigenvalues that are equal": ([-1.0, -1.0, 3.0], 4.0, 0.0, 2.0),
    "a slope that does not suffice": ([2.0, -1.0], 1.0, 0.5, None),
    "a slope alone": ([0.0, 0.0], 1.0, 0.5, 2.0),
    "eigenvalues that are all equal": ([-1.0, -1.0], 1.0, 0.3, None),
    "a small curvature": ([-1e-4, 1.0], 1.0, 0.0, 1e2),
    "huge numbers": ([-1e40, 1e40], 1e40, 0.0, 1.0),
    "tiny numbers": ([-1e-40, 1e-40], 1e-40, 0.0, 1.0),
}


@pytest.mark.parametrize(("curvatures", "lead", "slope", "radius"), HARD.values(), ids=HARD.keys())
def test_exact_radii_are_proved_and_no_longer_ones(
    tmp_path: Path, curvatures: list[float], lead: float, slope: float, radius: float | None
) -> None:
    model = quadratic(curvatures, lead, slope)
    case = Case(model, np.zeros((1, len(curvatures))), ZEROS[:1])
    arrays, claim = robustness_of(case)
    assert case.accepted(tmp_path, claim, **arrays)
    found = arrays["robustness.radius"][0]
    assert radius is None or abs(found - radius) < 1e-6 * radius
    for factor in (1 + 5e-7, 1.01, 2.0, 1e3):
        longer = arrays | {"robustness.radius": arrays["robustness.radius"] * factor}
        assert not case.accepted(tmp_path, claim, **longer)


@pytest.mark.parametrize(("factor", "accepted"), [("1E+50", True), ("1.85E+235", False)])
def test_a_point_is_not_near_because_both_distances_are_beyond_floats(
    tmp_path: Path, factor: str, *, accepted: bool
) -> None:
    case = Case(quadratic([0.0, 0.0], 5e72, 0.5), np.zeros((1, 2)), ZEROS[:1])
    arrays, _ = robustness_of(case)
    claim = radii_claim("robustness", arrays["robustness.radius"], factor=factor)
    assert case.accepted(tmp_path, claim, **arrays) == accepted


@pytest.mark.parametrize(
    ("curvatures", "slope", "fixed"),
    [
        ([2.0, 1.0], 0.0, 1),
        ([2.0, 1.0], 1.9, 1),
        ([2.0, 0.0], 0.0, 1),
        ([0.0, 0.0], 0.0, 1),
        ([2.0, -1e-3], 0.0, 0),
        ([0.0, 2.0], 0.1, 0),
        ([2.0, 1.0], 3.0, 0),
    ],
)
def test_a_class_that_no_input_leaves_is_fixed_and_no_other(
    tmp_path: Path, curvatures: list[float], slope: float, fixed: int
) -> None:
    case = Case(quadratic(curvatures, 1.0, slope), np.zeros((1, 2)), ZEROS[:1])
    arrays, claim = robustness_of(case)
    assert claim.numbers["fixed"] == fixed
    assert case.accepted(tmp_path, claim, **arrays)
    assert may_hold(case, claim, **arrays)
    forged = arrays | {
        "robustness.radius": np.zeros(1),
        "robustness.targets": np.full(1, -1, dtype=np.int64),
    }
    more = radii_claim("robustness", np.zeros(1), factor="1.000001", fixed=1)
    assert case.accepted(tmp_path, more, **forged) == bool(fixed)
    again = radii_claim("robustness", np.zeros(1), factor="1.000001", fixed=2)
    assert not case.accepted(tmp_path, again, **forged)


@pytest.mark.props
@given(case=cases(max_depth=1), data=st.data())
def test_nothing_is_proved_that_a_point_refutes(
    folder: Path, case: Case, data: st.DataObject
) -> None:
    try:
        arrays, claim = robustness_of(case)
    except (NumericError, ValueError, RuntimeWarning):
        return
    share = data.draw(st.sampled_from([1.0, 1.0, 0.9, 1 + 4e-7, 1.5]))
    multiplied = data.draw(st.sampled_from([1.0, 1.0, 0.5, 1.001, -1.0, 1e9]))
    arrays["robustness.radius"] = arrays["robustness.radius"] * share
    arrays["robustness.multipliers"] = arrays["robustness.multipliers"] * multiplied
    claim = radii_claim("robustness", arrays["robustness.radius"], factor="1.000001")
    if case.accepted(folder, claim, **arrays):
        assert may_hold(case, claim, **arrays)


@pytest.mark.props
@given(seed=st.integers(0, 999), classes=st.integers(2, 4), inputs=st.integers(1, 4))
def test_radii_of_ordinary_networks_are_proved(
    folder: Path, seed: int, classes: int, inputs: int
) -> None:
    model = BilinearNetwork(inputs, classes, depth=1, hidden=5, seed=seed)
    images = np.random.default_rng(seed).normal(size=(2, inputs))
    case = Case(model, images, ZEROS)
    arrays, claim = robustness_of(case)
    assert case.accepted(folder, claim, **arrays)


@pytest.fixture(scope="module")
def proved() -> tuple[Case, dict[str, npt.NDArray[Any]], Claim]:
    case = small_case()
    return case, *robustness_of(case)


def one_less(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return array[:-1]


def in_a_column(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return array[:, None]


WITNESSES: dict[str, tuple[str, Any]] = {
    "radii below 0": ("radius", lambda array: -array),
    "a radius next to 0": ("radius", lambda array: np.where(array > 0, 2.0**-500, 0)),
    "an infinite radius": ("radius", lambda array: np.where(array > 0, np.inf, 0)),
    "radii of integers": ("radius", lambda array: np.ceil(array).astype(np.int64)),
    "radii of float32": ("radius", lambda array: array.astype(np.float32)),
    "a radius too few": ("radius", one_less),
    "radii in a column": ("radius", in_a_column),
    "multipliers below 0": ("multipliers", lambda array: -array),
    "multipliers of 0": ("multipliers", lambda array: array * 0),
    "multipliers without a limit": ("multipliers", lambda array: array + 1e300),
    "multipliers of integers": ("multipliers", lambda array: np.ceil(array).astype(np.int64)),
    "multipliers for all images": ("multipliers", lambda array: array[:1]),
    "multipliers for all classes": ("multipliers", lambda array: array[:, :1]),
    "multipliers of another class": ("multipliers", lambda array: array[:, ::-1]),
    "no targets": ("targets", lambda array: array * 0 + 9),
    "targets below 0": ("targets", lambda array: array - 3),
    "targets of floats": ("targets", lambda array: array.astype(np.float64)),
    "targets too few": ("targets", one_less),
    "targets further away": ("targets", lambda array: (array + 1) % 3),
    "steps aside": ("added", lambda array: array + 1.0),
    "steps too few": ("added", one_less),
    "steps in a column": ("added", in_a_column),
    "steps of integers": ("added", lambda array: array.astype(np.int64)),
}


@pytest.mark.parametrize(("name", "change"), WITNESSES.values(), ids=WITNESSES)
def test_other_witnesses_prove_nothing(
    tmp_path: Path, proved: tuple[Case, dict[str, Any], Claim], name: str, change: Any
) -> None:
    case, arrays, claim = proved
    assert case.accepted(tmp_path, claim, **arrays)
    key = f"robustness.{name}"
    assert not case.accepted(tmp_path, claim, **{**arrays, key: change(arrays[key])})
    rest = {other: array for other, array in arrays.items() if other != key}
    assert not case.accepted(tmp_path, claim, **rest)


@pytest.mark.parametrize(
    "numbers",
    [
        {"count": 3},
        {"count": 5},
        {"images": 3},
        {"lower": "0.5"},
        {"median": "0.5"},
        {"upper": "9"},
        {"fixed": 1},
        {"factor": "1"},
        {"factor": "1.0000001"},
        {"factor": "0.5"},
        {"factor": "-1.000001"},
        {"factor": "1E+999"},
    ],
)
def test_other_numbers_of_radii_are_rejected(
    tmp_path: Path, proved: tuple[Case, dict[str, Any], Claim], numbers: dict[str, Any]
) -> None:
    case, arrays, claim = proved
    wrong = claimed("robustness", {**claim.numbers, **numbers})
    assert not case.accepted(tmp_path, wrong, **arrays)


def test_radii_of_0_claim_nothing(tmp_path: Path) -> None:
    case = small_case()
    arrays, _ = robustness_of(case)
    arrays["robustness.radius"] *= 0
    claim = radii_claim("robustness", arrays["robustness.radius"], factor="1.000001")
    assert case.accepted(tmp_path, claim, **arrays)
    more = claimed("robustness", {**claim.numbers, "lower": "0.1"})
    assert not case.accepted(tmp_path, more, **arrays)


@pytest.mark.props
@given(case=cases(max_depth=1), data=st.data())
def test_no_corner_refutes_what_a_diagonal_proves(
    folder: Path, case: Case, data: st.DataObject
) -> None:
    try:
        arrays, _ = pixel_robustness_of(case)
    except (NumericError, ValueError, RuntimeWarning):
        return
    for name, shares in (("radius", [1.0, 0.9, 1.001, 1.5]), ("diagonals", [1.0, 0.9, 0.0])):
        share = data.draw(st.sampled_from(shares))
        arrays[f"pixel robustness.{name}"] = arrays[f"pixel robustness.{name}"] * share
    claim = radii_claim("pixel robustness", arrays["pixel robustness.radius"])
    if case.accepted(folder, claim, **arrays):
        assert may_hold(case, claim, **arrays)


PIXELS: dict[str, tuple[str, Any]] = {
    "longer radii": ("radius", lambda array: array * (1 + 1e-6)),
    "radii below 0": ("radius", lambda array: -array),
    "a radius too few": ("radius", one_less),
    "no diagonals": ("diagonals", lambda array: array * 0),
    "smaller diagonals": ("diagonals", lambda array: array * 0.9),
    "larger diagonals": ("diagonals", lambda array: array * 1.01),
    "diagonals below 0": ("diagonals", lambda array: -array),
    "diagonals of the other class": ("diagonals", lambda array: array.swapaxes(0, 1)),
    "diagonals of float32": ("diagonals", lambda array: array.astype(np.float32)),
    "diagonals for all classes": ("diagonals", lambda array: array[:1]),
    "diagonals that are none": ("diagonals", lambda array: array * np.nan),
}


@pytest.mark.parametrize(("name", "change"), PIXELS.values(), ids=PIXELS)
def test_other_diagonals_prove_nothing(tmp_path: Path, name: str, change: Any) -> None:
    case = small_case()
    arrays, claim = pixel_robustness_of(case)
    key = f"pixel robustness.{name}"
    assert arrays["pixel robustness.radius"].all()
    assert case.accepted(tmp_path, claim, **arrays)
    changed = {**arrays, key: change(arrays[key])}
    found = changed["pixel robustness.radius"]
    said = claim if len(found) < len(case.images) else radii_claim("pixel robustness", found)
    assert not case.accepted(tmp_path, said, **changed)
    # One numbered otherwise, and a network of another depth.
    assert not case.accepted(
        tmp_path, claimed("pixel robustness", {**claim.numbers, "count": 3}), **arrays
    )
    deep = Case(small_case(2).model, case.images, case.labels)
    assert not deep.accepted(tmp_path, claim, **arrays)


def test_several_layers_have_no_exact_radii(tmp_path: Path) -> None:
    flat, deep = small_case(), small_case(2)
    arrays, claim = robustness_of(flat)
    assert not Case(deep.model, flat.images, flat.labels).accepted(tmp_path, claim, **arrays)


def test_a_lead_of_only_one_class_has_no_radius(tmp_path: Path) -> None:
    model = BilinearNetwork(2, 1, depth=1, hidden=2)
    case = Case(model, np.ones((1, 2)), ZEROS[:1])
    arrays = {
        "robustness.radius": np.ones(1),
        "robustness.multipliers": np.ones((1, 1)),
        "robustness.targets": ZEROS[:1],
        "robustness.added": np.zeros(1),
    }
    claim = radii_claim("robustness", np.ones(1), factor="1.5")
    assert not case.accepted(tmp_path, claim, **arrays)


# Stability


@pytest.mark.props
@costly
@given(
    case=cases(),
    kept=st.integers(0, 2),
    longer=st.sampled_from([1.0, 1.002, 3.0]),
    multiplied=st.sampled_from([1.0, 1.0, 0.5, 1e9]),
)
def test_no_point_within_a_proved_radius_has_another_class(
    folder: Path, case: Case, kept: int, longer: float, multiplied: float
) -> None:
    traced = with_graph(case, "eigen")
    if traced is None:
        return
    for graph in ("", "eigen"):
        arrays, claim = stability_of(traced, graph, kept)
        name = f"stability.{claim.numbers['models']}"
        arrays[f"{name}.radius"] *= longer
        arrays[f"{name}.network.multipliers"] *= multiplied
        radii = arrays[f"{name}.radius"]
        claim = radii_claim("stability", radii, models=claim.numbers["models"])
        if traced.accepted(folder, claim, **arrays) and radii.any():
            assert may_hold(traced, claim, **arrays)


@pytest.mark.parametrize("shape", [{}, {"residual": True}, {"embedding": True}, {"bias": False}])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_ordinary_networks_and_their_graphs_are_stable(
    tmp_path: Path, depth: int, shape: dict[str, Any]
) -> None:
    case = small_case(depth, **shape)
    # Where balls are divided no more than 98 % of a distance is looked for.
    divided = [(1, 1.005), (None, 1.05)] if depth > 2 else [(None, 1.005)]
    for graph, kept in (("", None), ("eigen", 1), ("pruned", None)):
        for slabs, longer in divided:
            arrays, claim = stability_of(case, graph, kept, slabs)
            assert claim.numbers["count"] > 0
            assert case.accepted(tmp_path, claim, **arrays)
            radius = f"stability.{claim.numbers['models']}.radius"
            more = arrays | {radius: arrays[radius] * longer}
            assert not case.accepted(tmp_path, claim, **more)


def test_proved_radii_are_below_the_exact_ones_and_next_to_them(tmp_path: Path) -> None:
    case = small_case()
    arrays, claim = stability_of(case)
    assert case.accepted(tmp_path, claim, **arrays)
    classes = predictions(copy.deepcopy(case.model).double(), case.images)
    exact_radii = nearest(PairMargins(case.model.layers()), case.images, classes).radius
    shares = arrays["stability.the network.radius"] / exact_radii
    assert (shares < 1).all()
    assert (shares > 0.999).all()


@pytest.fixture(scope="module")
def stable() -> tuple[Case, dict[str, npt.NDArray[Any]], Claim]:
    case = small_case(2)
    return case, *stability_of(case, kept=1)


STABLE: dict[str, tuple[str, Any]] = {
    "radii below 0": ("radius", lambda array: -array),
    "an infinite radius": ("radius", lambda array: np.where(array > 0, np.inf, 0)),
    "radii of float32": ("radius", lambda array: array.astype(np.float32)),
    "a radius too few": ("radius", one_less),
    "radii in a column": ("radius", in_a_column),
    "multipliers below 0": ("network.multipliers", lambda array: -array),
    "multipliers of 0": ("network.multipliers", lambda array: array * 0),
    "no multiplier of the ball": ("network.multipliers", lambda array: array * [0, 1, 1, 1, 1]),
    "no linear multipliers": ("network.multipliers", lambda array: array * [1, 1, 0, 1, 1]),
    "linear multipliers' signs": ("network.multipliers", lambda a: a * [1, 1, -1, 1, 1]),
    "no multipliers of bends": ("network.multipliers", lambda array: array * [1, 1, 1, 0, 1]),
    "a factor of 0": ("network.multipliers", lambda array: array * [1, 1, 1, 1, 0]),
    "a factor below 0": ("network.multipliers", lambda array: array * [1, 1, 1, 1, -1]),
    "a factor that is too large": ("network.multipliers", lambda a: a * [1, 1, 1, 1, 1e6]),
    "multipliers exchanged": ("network.multipliers", lambda array: array[..., ::-1]),
    "multipliers without a limit": ("network.multipliers", lambda array: array + 1e300),
    "multipliers of integers": ("network.multipliers", lambda a: np.ceil(a).astype(np.int64)),
    "multipliers for all images": ("network.multipliers", one_less),
    "multipliers for all classes": ("network.multipliers", lambda array: array[:, :1]),
    "multipliers of another class": ("network.multipliers", lambda array: array[:, ::-1]),
    "multipliers of fewer directions": ("network.multipliers", lambda array: array[..., :1]),
    "multipliers of no slab": ("network.multipliers", lambda array: array[:, :, :0]),
    "no slabs": ("network.slabs", lambda array: array * 0),
    "slabs in another order": ("network.slabs", lambda array: array[..., ::-1]),
    "slabs without an end": ("network.slabs", lambda array: array * [1, np.nan, 1]),
    "too few slabs": ("network.slabs", lambda array: array[..., :2]),
    "slabs for all images": ("network.slabs", one_less),
    "directions of other pairs": ("network.rows.1", lambda array: array[[1, 2, 0]]),
    "directions with other signs": ("network.rows.1", lambda array: -array),
    "directions in another order": ("network.rows.1", lambda array: array[:, ::-1]),
    "directions of too few pairs": ("network.rows.1", one_less),
    "directions of too few numbers": ("network.rows.1", lambda array: array[..., :1]),
    "directions of float32": ("network.rows.1", lambda array: array.astype(np.float32)),
    "bends that nothing holds": ("network.held.1", lambda array: array * 0),
    "bends that are held too much": ("network.held.1", lambda array: array + 1e6),
    "multipliers of others below 0": ("network.held.1", lambda array: -array),
    "multipliers of too few others": ("network.held.1", lambda array: array[:, :0]),
    "multipliers of others in a row": ("network.held.1", lambda array: array[:, 0]),
    "multipliers of others of float32": ("network.held.1", lambda a: a.astype(np.float32)),
}


@pytest.mark.parametrize(("name", "change"), STABLE.values(), ids=STABLE)
def test_other_multipliers_and_bases_prove_nothing(
    tmp_path: Path, stable: tuple[Case, dict[str, Any], Claim], name: str, change: Any
) -> None:
    case, arrays, claim = stable
    assert case.accepted(tmp_path, claim, **arrays)
    key = f"stability.the network.{name}"
    assert not case.accepted(tmp_path, claim, **{**arrays, key: change(arrays[key])})
    rest = {other: array for other, array in arrays.items() if other != key}
    assert not case.accepted(tmp_path, claim, **rest)


@pytest.mark.parametrize(
    "change",
    [
        lambda array: array * 0.9,
        lambda array: -array,
        one_less,
        lambda array: array[:, None],
        lambda array: array.astype(np.float32),
    ],
    ids=["too small", "below 0", "too few", "in a column", "of float32"],
)
def test_other_bounds_of_bends_prove_nothing(tmp_path: Path, change: Any) -> None:
    case = small_case(3)
    arrays, claim = stability_of(case)
    key = "stability.the network.network.bends"
    assert case.accepted(tmp_path, claim, **arrays)
    assert not case.accepted(tmp_path, claim, **arrays | {key: change(arrays[key])})
    rest = {name: array for name, array in arrays.items() if name != key}
    assert not case.accepted(tmp_path, claim, **rest)


@pytest.mark.parametrize(
    ("depth", "slabs", "longer"), [(2, None, 1.005), (3, 1, 1.005), (3, None, 1.05)]
)
def test_changes_of_all_pixels_are_proved_through_layers(
    tmp_path: Path, depth: int, slabs: int | None, longer: float
) -> None:
    case = small_case(depth)
    arrays, claim = pixel_stability_of(case, 1, slabs)
    assert claim.numbers["count"] > 0
    assert case.accepted(tmp_path, claim, **arrays)
    for name in arrays:
        rest = {other: array for other, array in arrays.items() if other != name}
        assert not case.accepted(tmp_path, claim, **rest)
    for name, share in (("radius", longer), ("network.multipliers", -1), ("network.held.1", 0)):
        key = f"pixel stability.{name}"
        assert not case.accepted(tmp_path, claim, **arrays | {key: arrays[key] * share})
    others = [small_case(depth, seed=1), *(small_case(number) for number in {1, 2, 3} - {depth})]
    for model in (each.model for each in others):
        other = Case(model, case.images, case.labels)
        assert not other.accepted(tmp_path, claim, **arrays)
    moved = Case(case.model, case.images[::-1].copy(), case.labels)
    assert not moved.accepted(tmp_path, claim, **arrays)


def test_multipliers_are_those_of_one_network_and_its_images(
    tmp_path: Path, stable: tuple[Case, dict[str, Any], Claim]
) -> None:
    case, arrays, claim = stable
    for model in (small_case(2, seed=1).model, small_case(3).model, small_case(1).model):
        other = Case(model, case.images, case.labels)
        assert not other.accepted(tmp_path, claim, **arrays)
    moved = Case(case.model, case.images[::-1].copy(), case.labels)
    assert not moved.accepted(tmp_path, claim, **arrays)
    # Labels are no part of the claim: the class is the network's.
    assert Case(case.model, case.images, (case.labels + 1) % 3).accepted(tmp_path, claim, **arrays)


@pytest.mark.parametrize(
    "models",
    [
        "the network and the polarized graph",
        "the graph",
        "the network and the eigen graph, the polarized one too",
        "the network and the network",
        "the eigen graph and the network",
        "the network and the eigen graph and the eigen graph",
        "",
    ],
)
def test_only_what_the_files_hold_is_stable(tmp_path: Path, models: str) -> None:
    case = small_case()
    case = Case(case.model, case.images, case.labels, {"eigen": case.graphs["eigen"]})
    arrays, claim = stability_of(case, "eigen")
    assert case.accepted(tmp_path, claim, **arrays)
    known = claim.numbers["models"]
    renamed = {name.replace(known, models): array for name, array in arrays.items()}
    claim = claimed("stability", claim.numbers | {"models": models})
    assert not case.accepted(tmp_path, claim, **renamed)


def test_a_graph_that_predicts_another_class_is_not_stable(tmp_path: Path) -> None:
    case, other = small_case(), small_case(seed=3)
    own = predictions(case.model, case.images)
    its = predictions(rewrite(other.graphs["eigen"]), case.images)
    mixed = Case(case.model, case.images, case.labels, {"eigen": other.graphs["eigen"]})
    arrays, claim = stability_of(mixed, "eigen")
    assert case.accepted(tmp_path, *stability_of(case)[1:], **stability_of(case)[0])
    name = "stability.the network and the eigen graph"
    radii = arrays[f"{name}.radius"]
    assert (own != its).any()
    assert (radii[own != its] == 0).all()
    arrays[f"{name}.radius"] = np.where(own != its, 1e-3, radii)
    arrays[f"{name}.graph.multipliers"] += 1.0
    arrays[f"{name}.network.multipliers"] += 1.0
    claim = radii_claim("stability", arrays[f"{name}.radius"], models=claim.numbers["models"])
    assert not mixed.accepted(tmp_path, claim, **arrays)


# Linear maps around one layer of neurons


def between_maps() -> Case:
    """A network of one layer of neurons, an embedding below it and a head above it."""
    torch.manual_seed(1)
    model = from_module(Research(1, bias=True), torch.zeros(1, 6))
    images = np.random.default_rng(0).random((4, 6)).astype(np.float32)
    return Case(model, images, predictions(model, images))


def test_radii_between_linear_maps_are_exact_and_accepted(tmp_path: Path) -> None:
    case = between_maps()
    assert [len(layer.left) for layer in case.model.layers()] == [0, 4]
    for proved in (robustness_of, pixel_robustness_of):
        arrays, claim = proved(case)
        assert claim.numbers["count"] == len(case.images)
        assert case.accepted(tmp_path, claim, **arrays)
        name = next(name for name in arrays if name.endswith(".radius"))
        longer = arrays | {name: arrays[name] * (1 + 1e-6)}
        factor = {"factor": claim.numbers["factor"]} if "factor" in claim.numbers else {}
        more = radii_claim(str(claim.kind), longer[name], **factor)
        assert not case.accepted(tmp_path, more, **longer)


@pytest.mark.parametrize("place", [0, 1])
def test_radii_of_another_embedding_or_head_are_rejected(tmp_path: Path, place: int) -> None:
    case = between_maps()
    arrays, claim = robustness_of(case)
    layers = case.model.layers()
    linear = layers[place].linear.copy()
    linear[1:, 1:] *= np.float32(1.001)
    down = layers[place].down * np.float32(1.001)
    layers[place] = layers[place]._replace(linear=linear, down=down)
    other = Case(LayeredNetwork(layers), case.images, case.labels)
    assert not other.accepted(tmp_path, claim, **arrays)


# All of them


@pytest.mark.parametrize(
    "shape", [{}, {"residual": True}, {"depth": 2, "embedding": True}, {"bias": False}]
)
def test_all_kinds_are_accepted_together(tmp_path: Path, shape: dict[str, Any]) -> None:
    case = full_case(tmp_path, small_case(**shape))
    assert refuted(case.write(tmp_path)) == []
    kinds = {claim.kind for claim in case.claims}
    assert len(kinds) == (9 if "depth" not in shape else 8)
    assert case.accepted(tmp_path, *case.claims, **case.witnesses)
