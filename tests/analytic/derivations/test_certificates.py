"""What certificates cannot do without, and their inequalities in exact numbers."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest
import sympy
from hypothesis import assume, given
from hypothesis import strategies as st

from analytic.derivations import Derivation, difference_bound, local_bound, s_lemma
from analytic.derivations.symbols import (
    SymbolicLayer,
    form,
    matrix,
    symmetric_matrix,
    symmetric_part,
    vector,
    with_constant,
)

Array = npt.NDArray[np.float64]
SQUARES, TOLERANT, STATIONARY, LENGTH, AROUND = range(5)
MARGIN, MU, ETA, EPSILON = sympy.symbols("m_0 mu eta epsilon")
seeds = st.integers(0, 2**32 - 1)


def holds(
    theorem: Derivation,
    row: int,
    *,
    left: sympy.Expr | None = None,
    right: sympy.Expr | None = None,
) -> bool:
    """Whether a line of a theorem holds with these sides in place of its own."""
    left = theorem.left[row] if left is None else left
    right = theorem.right[row] if right is None else right
    return replace(theorem, left=sympy.Matrix([left]), right=sympy.Matrix([right])).holds


# The S-lemma


def quadratic(slope: sympy.Expr, eigenvalue: sympy.Expr, y: sympy.Expr) -> sympy.Expr:
    return MARGIN + 2 * slope * y + eigenvalue * y**2


def test_a_multiplier_proves_no_more_and_no_less() -> None:
    theorem = s_lemma(1)
    (y,), (s,), (value,) = (vector(name, 1) for name in ("y", "s", "lambda"))
    d = 1 + MU * value
    claim = y**2 + MU * quadratic(s, value, y)
    assert holds(theorem, SQUARES, left=claim - (MU * MARGIN - MU**2 * s**2 / d))
    for wrong in (
        MU * MARGIN - MU * s**2 / d,
        MU * MARGIN - s**2 / d,
        MU * MARGIN + MU**2 * s**2 / d,
        MU * MARGIN - MU**2 * s**2 / (4 * d),
        MU * MARGIN - MU**2 * s**2 / (1 + value),
        MU * MARGIN - MU**2 * s**2 / (1 - MU * value),
        MARGIN - MU**2 * s**2 / d,
        MU * MARGIN,
    ):
        assert not holds(theorem, SQUARES, left=claim - wrong)
    for wrong_margin in (
        MU * (MARGIN + s * y + value * y**2),
        MU * (MARGIN - 2 * s * y + value * y**2),
        MU * (MARGIN + 2 * s * y - value * y**2),
        quadratic(s, value, y),
    ):
        proved = claim - theorem.left[SQUARES]
        assert not holds(theorem, SQUARES, left=y**2 + wrong_margin - proved)


def test_the_squares_need_the_multiplier_in_weight_and_centre() -> None:
    theorem = s_lemma(1)
    (y,), (s,), (value,) = (vector(name, 1) for name in ("y", "s", "lambda"))
    d = 1 + MU * value
    assert holds(theorem, SQUARES, right=d * (y + MU * s / d) ** 2)
    for wrong in (
        d * (y + s / d) ** 2,
        d * (y - MU * s / d) ** 2,
        d * (y + 2 * MU * s / d) ** 2,
        (y + MU * s / d) ** 2,
        (1 + value) * (y + MU * s / d) ** 2,
    ):
        assert not holds(theorem, SQUARES, right=wrong)


def test_computed_eigenvectors_need_both_tolerances_and_both_forms() -> None:
    theorem = s_lemma(1)
    y, s, values = (vector(name, 1) for name in ("y", "s", "lambda"))
    v, q, one = matrix("V", 1, 1), symmetric_matrix("Q", 1), sympy.eye(1)
    skew = form(v.T * v - (1 - ETA) * one, y)
    rest = MU * form(v.T * q * v - sympy.diag(*values) + EPSILON * one, y)
    squares = theorem.right[TOLERANT] - skew - rest
    assert holds(theorem, TOLERANT, right=squares + skew + rest)
    for wrong in (
        squares,
        squares + skew,
        squares + rest,
        squares - skew + rest,
        squares + skew - rest,
        squares + skew + rest / MU,
        squares + skew + rest.subs(EPSILON, 0),
        squares + skew.subs(ETA, 0) + rest,
        squares.subs(EPSILON, -EPSILON) + skew + rest,
        squares.subs(ETA, -ETA) + skew + rest,
        # the slope in the pixels' basis
        sum((e * d + MU * t) ** 2 / d for e, t, d in zip(y, s, stretch(values), strict=True))
        + skew
        + rest,
    ):
        assert not holds(theorem, TOLERANT, right=wrong)


def stretch(values: sympy.Matrix) -> list[sympy.Expr]:
    return [1 - ETA + MU * (value - EPSILON) for value in values]


def test_without_tolerances_the_eigenbasis_is_a_special_case() -> None:
    theorem = s_lemma(2)
    orthonormal = dict(zip(matrix("V", 2, 2), sympy.eye(2), strict=True))
    diagonal = dict(zip(symmetric_matrix("Q", 2), sympy.diag(*vector("lambda", 2)), strict=True))
    special = orthonormal | diagonal | {ETA: 0, EPSILON: 0}
    for side in (theorem.left, theorem.right):
        assert sympy.simplify(side[TOLERANT].subs(special) - side[SQUARES]) == 0


def test_the_margin_is_the_slope_of_what_is_proved_only_at_the_nearest_point() -> None:
    theorem = s_lemma(1)
    (s,), (value,) = (vector(name, 1) for name in ("s", "lambda"))
    d = 1 + MU * value
    nearest = -MU * s / d
    assert holds(theorem, STATIONARY, left=quadratic(s, value, nearest))
    assert holds(theorem, LENGTH, left=nearest**2)
    for wrong in (-nearest, nearest / 2, nearest / MU, -MU * s, -MU * s / (1 + value)):
        assert not holds(theorem, STATIONARY, left=quadratic(s, value, wrong))
    for wrong in (nearest / 2, nearest / MU, -MU * s, sympy.Integer(0)):
        assert not holds(theorem, LENGTH, left=wrong**2)


def test_around_a_step_there_are_a_slope_and_a_form() -> None:
    theorem = s_lemma(1)
    (y,), (z,), (s,) = (vector(name, 1) for name in ("y", "z", "s"))
    (q,), w = symmetric_matrix("Q", 1), y - z
    there, slope, rest = z**2 + MU * quadratic(s, q, z), z + MU * (s + q * z), (1 + MU * q) * w**2
    assert holds(theorem, AROUND, right=there + 2 * slope * w + rest)
    for wrong in (
        there + slope * w + rest,
        there + 2 * (z + MU * s) * w + rest,
        there + 2 * (MU * slope) * w + rest,
        there + 2 * slope * y + rest,
        there + 2 * slope * w + w**2,
        there + 2 * slope * w + q * w**2,
        quadratic(s, q, z) + 2 * slope * w + rest,
        there + 2 * slope * w,
    ):
        assert not holds(theorem, AROUND, right=wrong)


def rational(numbers: npt.ArrayLike, digits: int = 3) -> sympy.Matrix:
    """Return floats, rounded in decimals, as exact numbers."""
    scaled = np.rint(np.asarray(numbers) * 10**digits).astype(int)
    return sympy.Matrix(scaled) / 10**digits


def norm_bound(symmetric: sympy.Matrix) -> sympy.Expr:
    """Return the largest absolute row sum: no eigenvalue is larger."""
    return max(sum(abs(entry) for entry in symmetric.row(i)) for i in range(symmetric.rows))


def squared_radius(
    constant: int,
    slope: list[int],
    curvature: sympy.Matrix,
    vectors: sympy.Matrix,
    values: list[sympy.Expr],
    multiplier: sympy.Expr,
    tolerances: tuple[sympy.Expr, sympy.Expr],
) -> sympy.Expr:
    """Return what the theorem says that a multiplier proves, read off at y = 0."""
    parts = {
        ("m_0", "mu", "eta", "epsilon"): [constant, multiplier, *tolerances],
        tuple(vector("s", 2)): slope,
        tuple(vector("y", 2)): [0, 0],
        tuple(vector("lambda", 2)): values,
        tuple(matrix("V", 2, 2)): vectors,
        tuple(symmetric_matrix("Q", 2)): curvature,
    }
    numbers = {
        sympy.Symbol(str(name)): sympy.sympify(number)
        for names, group in parts.items()
        for name, number in zip(names, group, strict=True)
    }
    return multiplier * constant - s_lemma(2).left[TOLERANT].xreplace(numbers)


def nearest_zero(constant: int, slope: list[int], curvature: sympy.Matrix) -> float:
    """Return the least squared distance at which rays in many directions reach a margin of 0."""
    angles = np.linspace(0, 2 * np.pi, 2001)
    rays = np.stack([np.cos(angles), np.sin(angles)])
    b = np.array(slope, dtype=float) @ rays
    a = (rays * (np.array(curvature, dtype=float) @ rays)).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        # m_0 + 2bt + at² has its least positive root at m_0 / (-b + √(b² - a m_0))
        root = -b + np.sqrt(b**2 - a * constant)
        lengths = np.where(root > 0, constant / root, np.inf)
    return float(lengths.min() ** 2)


@pytest.mark.props
@given(
    constant=st.integers(1, 9),
    slope=st.lists(st.integers(-5, 5), min_size=2, max_size=2),
    entries=st.lists(st.integers(-5, 5), min_size=3, max_size=3),
    share=st.fractions(0, Fraction(19, 20), max_denominator=20),
    digits=st.integers(1, 4),
)
def test_no_zero_of_a_margin_is_nearer_than_rounded_eigenvectors_prove(
    constant: int, slope: list[int], entries: list[int], share: Fraction, digits: int
) -> None:
    first, beside, last = entries
    curvature = sympy.Matrix([[first, beside], [beside, last]])
    values, vectors = (
        rational(part, digits) for part in np.linalg.eigh(np.array(curvature, dtype=float))
    )
    skew = norm_bound(vectors.T * vectors - sympy.eye(2))
    rest = norm_bound(vectors.T * curvature * vectors - sympy.diag(*values))
    steepest = rest - values[0]
    largest = (1 - skew) / steepest if steepest > 0 else 2
    multiplier = sympy.Rational(share.numerator, share.denominator) * largest
    radius = squared_radius(
        constant, slope, curvature, vectors, list(values), multiplier, (skew, rest)
    )
    assert float(radius) <= nearest_zero(constant, slope, curvature) * (1 + 1e-9)


NONE = sympy.S.Zero, sympy.S.Zero


@pytest.mark.parametrize("multiplier", [sympy.Rational(k, 8) for k in range(8)])
def test_the_best_multiplier_proves_the_distance_itself(multiplier: sympy.Rational) -> None:
    # 15 + 8 δ_1 + 14 δ_2 + 4 δ_1 δ_2 + 3 δ_2² is 0 at (-1, -1), and nowhere nearer
    curvature = sympy.Matrix([[0, 2], [2, 3]])
    vectors = sympy.Matrix([[2, 1], [-1, 2]]) / sympy.sqrt(5)
    radius = squared_radius(15, [4, 7], curvature, vectors, [-1, 4], multiplier, NONE)
    assert (sympy.nsimplify(radius) == 2) is (multiplier == sympy.Rational(1, 2))
    assert sympy.nsimplify(radius) <= 2
    assert nearest_zero(15, [4, 7], curvature) == pytest.approx(2, rel=1e-4)


@pytest.mark.parametrize(
    ("slope", "curvature", "vectors", "values", "multiplier"),
    [
        pytest.param([1, 0], (0, 0), sympy.eye(2) / 2, [0, 0], 2, id="no tolerance for vectors"),
        pytest.param([0, 0], (-4, -4), sympy.eye(2), [-1, -1], sympy.S.Half, id="nor for values"),
        pytest.param([0, 0], (-1, 0), sympy.eye(2), [-1, 0], 2, id="a weight below 0"),
    ],
)
def test_without_its_hypotheses_a_multiplier_proves_too_much(
    slope: list[int],
    curvature: tuple[int, int],
    vectors: sympy.Matrix,
    values: list[int],
    multiplier: sympy.Expr,
) -> None:
    matrix_of = sympy.diag(*curvature)
    factor = sympy.sympify(multiplier)
    radius = squared_radius(1, slope, matrix_of, vectors, values, factor, NONE)
    assert float(radius) > nearest_zero(1, slope, matrix_of) * (1 + 1e-6)


def test_a_multiplier_below_0_proves_a_radius_for_a_margin_that_is_negative_already() -> None:
    zero, one = sympy.zeros(2), sympy.eye(2)
    assert squared_radius(-1, [0, 0], zero, one, [0, 0], -sympy.S.One, NONE) == 1


# Differences of layers


def drawn_numbers(theorem: Derivation, generator: np.random.Generator) -> dict[str, int]:
    """Return an integer for every symbol of a theorem, by name."""
    names = sorted(map(str, theorem.left.free_symbols | theorem.right.free_symbols))
    return {name: int(generator.integers(-3, 4)) for name in names}


def in_numbers(side: sympy.Matrix, numbers: dict[str, int]) -> list[int]:
    return [int(entry) for entry in side.xreplace(substitution(numbers))]


def substitution(numbers: dict[str, int]) -> dict[sympy.Symbol, sympy.Integer]:
    return {sympy.Symbol(name): sympy.Integer(number) for name, number in numbers.items()}


def array_of(symbols: sympy.Matrix, numbers: dict[str, int]) -> Array:
    """Return the numbers that stand for a matrix of symbols."""
    return np.array(symbols.xreplace(substitution(numbers)), dtype=float)


class NumericLayer:
    """A layer of numbers, computed by numpy."""

    def __init__(self, layer: SymbolicLayer, numbers: dict[str, int]) -> None:
        self.left, self.right, self.down, self.linear = (
            array_of(part, numbers) for part in (layer.left, layer.right, layer.down, layer.linear)
        )

    def value(self, x: Array) -> Array:
        return self.down @ ((self.left @ x) * (self.right @ x)) + self.linear @ x

    def bilinear_forms(self) -> Array:
        tensor = np.einsum("ok,ka,kb->oab", self.down, self.left, self.right)
        return (tensor + tensor.swapaxes(1, 2)) / 2

    def forms(self) -> Array:
        """Return the symmetric matrices, linear parts included."""
        beside = np.zeros((*self.linear.shape, self.linear.shape[1]))
        beside[:, 0] = self.linear
        return self.bilinear_forms() + (beside + beside.swapaxes(1, 2)) / 2


def difference_of_numbers(
    seed: int,
) -> tuple[dict[str, int], NumericLayer, NumericLayer, Array, Array, Array, Array]:
    """Return layers of numbers, bases and states in which the constant is 1."""
    numbers = drawn_numbers(difference_bound(1, 1, 2), np.random.default_rng(seed))
    numbers |= {"A_0_0": 1, "A_0_1": 0, "h_0": 1, "delta_0": 0}
    network, graph = (
        NumericLayer(SymbolicLayer.generic(2, 1, 2, mark), numbers) for mark in ("_F", "_G")
    )
    below, above = (array_of(matrix(name, 2, 2), numbers) for name in ("A", "A'"))
    state, error = (array_of(vector(name, 2), numbers)[:, 0] for name in ("h", "delta"))
    return numbers, network, graph, below, above, state, error


@pytest.mark.props
@given(seeds)
def test_the_difference_of_two_layers_is_that_of_layers_of_numbers(seed: int) -> None:
    numbers, network, graph, below, above, state, error = difference_of_numbers(seed)
    expected = above @ network.value(state)
    apart = graph.value(below @ state + error) - expected
    without_error = graph.value(below @ state) - expected
    theorem = difference_bound(1, 1, 2)
    assert in_numbers(theorem.right, numbers) == [*apart, *without_error]


def stretch_bound(form: Array, rows: Array, columns: Array) -> float:
    """Bound a bilinear form of two boxes by lengths: roots of row and column norms share it out."""
    scaled = rows[:, None] * form * columns
    p, q = (np.sqrt(np.linalg.norm(scaled, axis=axis)) + 1e-9 for axis in (1, 0))
    norm = np.linalg.norm(scaled / p[:, None] / q, 2)
    return float(np.linalg.norm(p) * np.linalg.norm(q) * norm)


@pytest.mark.props
@given(seeds)
def test_the_difference_of_two_layers_stays_within_the_boxes(seed: int) -> None:
    _, network, graph, below, above, state, error = difference_of_numbers(seed)
    apart = abs(graph.value(below @ state + error) - above @ network.value(state))
    rests = below.T @ graph.forms() @ below - np.einsum("op,pab->oab", above, network.forms())
    # The states lie at a corner of their boxes, around centres with the constant 1.
    draw = np.random.default_rng(seed)
    width, room = np.array([[0, draw.random()] for _ in range(2)])
    centre, near = state - draw.choice([-1, 1]) * width, below @ state - room
    for o, (rest, carried) in enumerate(zip(rests, graph.forms(), strict=True)):
        bound = abs(centre @ rest @ centre) + 2 * abs(rest @ centre) @ width
        bound += stretch_bound(rest, width, width) + 2 * abs(carried @ near) @ abs(error)
        bound += stretch_bound(carried, 2 * room + abs(error), abs(error))
        assert apart[o] <= bound * (1 + 1e-12) + 1e-6


def test_forms_around_a_centre_need_the_way_from_it_twice() -> None:
    theorem = difference_bound(1, 1, 1)
    h, error, centre, near = (vector(name, 2) for name in ("h", "delta", "c", "k"))
    state, graph = matrix("A", 2, 2) * h, SymbolicLayer.generic(2, 1, 1, "_G")
    (tensor,) = graph.tensor()
    whole = symmetric_part(tensor + graph.linear.T * sympy.Matrix([[1, 0]]))
    first = theorem.left[1] + 2 * (near.T * whole * error)[0]
    way = state - near
    assert holds(theorem, 0, right=first + ((2 * way + error).T * whole * error)[0])
    for wrong in (2 * way, way + error, error, 2 * way - error, 2 * (way + error)):
        assert not holds(theorem, 0, right=first + (wrong.T * whole * error)[0])
    rest = sympy.hessian(sympy.expand(theorem.left[1]), list(h)) / 2
    value, slope = form(rest, centre), (centre.T * rest * (h - centre))[0]
    assert holds(theorem, 1, right=value + 2 * slope + form(rest, h - centre))
    for wrong in (
        value + slope + form(rest, h - centre),
        value + 2 * slope,
        2 * slope + form(rest, h - centre),
        value + 2 * slope + form(rest, h),
    ):
        assert not holds(theorem, 1, right=wrong)


def test_a_difference_needs_both_bilinear_terms_and_their_factors() -> None:
    theorem = difference_bound(1, 1, 1)
    h, error = vector("h", 2), vector("delta", 2)
    state = matrix("A", 2, 2) * h
    graph = SymbolicLayer.generic(2, 1, 1, "_G")
    (tensor,) = graph.tensor()
    first = sympy.Matrix([[1, 0]])
    whole = symmetric_part(tensor + graph.linear.T * first)
    own = theorem.left[1]
    once, both = (state.T * whole * error)[0], form(whole, error)
    assert holds(theorem, 0, right=own + 2 * once + both)
    for wrong in (
        own + once + both,
        own + 2 * once,
        own + both,
        own + 2 * once - both,
        own - 2 * once + both,
        own + 2 * once + 2 * both,
        2 * once + both,
        # a bilinear map that is not symmetric
        own + 2 * (state.T * (tensor + graph.linear.T * first) * error)[0] + both,
        # the linear part left out
        own + 2 * (state.T * symmetric_part(tensor) * error)[0] + both,
        # the state in the network's basis
        own + 2 * (h.T * whole * error)[0] + both,
    ):
        assert not holds(theorem, 0, right=wrong)


@pytest.mark.parametrize("forgotten", ["A", "A'"])
def test_layers_differ_by_one_form_only_in_the_graphs_bases(forgotten: str) -> None:
    theorem = difference_bound(1, 1, 2)
    size = {symbol for symbol in theorem.right.free_symbols if str(symbol).startswith("A")}
    basis = {symbol for symbol in size if str(symbol).startswith(f"{forgotten}_")}
    diagonal = {symbol: int(len(set(str(symbol).split("_")[1:])) == 1) for symbol in basis}
    assert len(basis) == 4
    for row in (2, 3):
        assert holds(theorem, row)
        assert not holds(theorem, row, right=theorem.right[row].subs(diagonal))


# Margins nearby


def margin_parts() -> tuple[Derivation, dict[str, sympy.Expr]]:
    """Return the theorem, and the parts of the margin after a move."""
    theorem = local_bound(1, 1, 1)
    layer, margin = (SymbolicLayer.generic(2, 1, 1, mark) for mark in ("_1", "_2"))
    x, move = with_constant(vector("x", 1)), sympy.Matrix([0, sympy.Symbol("delta_0")])
    state = with_constant(layer.value(x))
    straight, rest = (layer.jacobian(x) * move)[0], layer.products(move)[0]
    gradient = margin.jacobian(state)[1]
    return theorem, {
        "value": margin.value(state)[0],
        "tangent": gradient * straight,
        "rest": gradient * rest,
        "curved": margin.products(sympy.Matrix([0, straight + rest]))[0],
        "straight alone": margin.products(sympy.Matrix([0, straight]))[0],
        "with the constant": margin.products(sympy.Matrix([1, straight + rest]))[0],
    }


def test_a_margin_after_a_move_needs_every_part_of_it() -> None:
    theorem, parts = margin_parts()
    value, tangent, rest, curved = (parts[name] for name in ("value", "tangent", "rest", "curved"))
    assert holds(theorem, 1, right=value + tangent + rest + curved)
    for wrong in (
        value + tangent + curved,
        value + tangent + rest,
        value + rest + curved,
        tangent + rest + curved,
        value + tangent - rest + curved,
        value + tangent + rest - curved,
        value + 2 * tangent + rest + curved,
        value + tangent + 2 * rest + curved,
        value + tangent + rest + curved / 2,
        value + tangent + rest + parts["straight alone"],
        value + tangent + rest + parts["with the constant"],
    ):
        assert not holds(theorem, 1, right=wrong)


def test_a_layer_after_a_move_is_no_more_than_its_tangent_and_one_square() -> None:
    theorem = local_bound(2, 1, 1)
    layer = SymbolicLayer.generic(3, 1, 1, "_1")
    x, move = with_constant(vector("x", 2)), sympy.Matrix([0, *vector("delta", 2)])
    value, square = layer.value(x)[0], layer.products(move)[0]
    tangent = (layer.jacobian(x) * move)[0]
    assert holds(theorem, 0, right=value + tangent + square)
    for wrong in (
        value + tangent,
        value + tangent + square / 2,
        value + tangent - square,
        value + tangent / 2 + square,
        value + tangent + square - (layer.linear * move)[0],
        value + tangent + layer.products(with_constant(vector("delta", 2)))[0],
    ):
        assert not holds(theorem, 0, right=wrong)


def stack_of_numbers(seed: int) -> tuple[dict[str, int], NumericLayer, NumericLayer, Array, Array]:
    numbers = drawn_numbers(local_bound(2, 1, 2), np.random.default_rng(seed))
    layer = NumericLayer(SymbolicLayer.generic(3, 1, 2, "_1"), numbers)
    margin = NumericLayer(SymbolicLayer.generic(3, 1, 1, "_2"), numbers)
    x, move = (array_of(vector(name, 2), numbers)[:, 0] for name in ("x", "delta"))
    return numbers, layer, margin, x, move


def below_one(state: Array) -> Array:
    """Return a state with the constant before it."""
    return np.concatenate([[1.0], state])


@pytest.mark.props
@given(seeds)
def test_a_moved_stack_is_that_of_numbers(seed: int) -> None:
    numbers, layer, margin, x, move = stack_of_numbers(seed)
    hidden = layer.value(below_one(x + move))
    theorem = local_bound(2, 1, 2)
    assert in_numbers(theorem.right, numbers) == [*hidden, *margin.value(below_one(hidden))]


def local_parts(layer: NumericLayer, margin: NumericLayer, x: Array) -> tuple[float, ...]:
    """Return the margin at a point and the norms of the theorem's inequalities."""

    def jacobian(one: NumericLayer, state: Array) -> Array:
        left, right = one.left @ state, one.right @ state
        return one.down @ (left[:, None] * one.right + right[:, None] * one.left) + one.linear

    hidden = below_one(layer.value(below_one(x)))
    slope = jacobian(layer, below_one(x))[:, 1:]
    gradient = jacobian(margin, hidden)[:, 1:]
    forms = layer.bilinear_forms()[:, 1:, 1:]
    gram = np.einsum("oab,pab->op", forms, forms)
    return (
        float(margin.value(hidden)[0]),
        float(np.linalg.norm(gradient @ slope)),
        float(np.linalg.norm(gradient)),
        float(np.linalg.norm(slope, 2)),
        float(np.sqrt(np.linalg.norm(gram, 2))),
        float(np.linalg.norm(margin.bilinear_forms()[0, 1:, 1:], 2)),
    )


def least_margin(parts: tuple[float, ...], radius: float) -> float:
    """Return the theorem's bound on a ball."""
    value, slope, gradient, jacobian, curvature, form_norm = parts
    rest = curvature * radius**2
    moved = jacobian * radius + rest
    return value - slope * radius - gradient * rest - form_norm * moved**2


@pytest.mark.props
@given(seed=seeds, radius=st.floats(0, 4))
def test_a_margin_stays_above_its_local_bound(seed: int, radius: float) -> None:
    _, layer, margin, x, move = stack_of_numbers(seed)
    length = np.linalg.norm(move)
    assume(length > 0)
    for sign in (-1, 1):
        there = layer.value(below_one(x + sign * radius * move / length))
        value, least = (
            margin.value(below_one(there))[0],
            least_margin(local_parts(layer, margin, x), radius),
        )
        assert value >= least - 1e-9 * (1 + abs(least))


@pytest.mark.parametrize("forgotten", range(1, 6))
def test_a_local_bound_without_one_of_its_norms_is_wrong(forgotten: int) -> None:
    violated = 0
    for seed in range(40):
        _, layer, margin, x, move = stack_of_numbers(seed)
        parts = list(local_parts(layer, margin, x))
        parts[forgotten] = 0.0
        for sign in (-1, 1):
            there = layer.value(below_one(x + sign * move))
            value = margin.value(below_one(there))[0]
            violated += value < least_margin(tuple(parts), float(np.linalg.norm(move))) - 1e-6
    assert violated
