"""The difference of graph and network stays within its bound, which the checker accepts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import networkx as nx
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from numeric import BilinearNetwork, Layer, NumericError, SquareLayer, prune, square_layers, trace
from numeric.graphs.pruning import as_layers
from proofs import checker
from proofs.bounds import difference as module
from proofs.bounds.difference import Box, Difference, difference, stretch
from proofs.checker.claims.difference import verify as verify_difference
from proofs.errors import ProofError
from tests.certificates import held
from tests.oracles import value
from tests.strategies import costly, few, networks, tame

METHODS = ["polarized", "eigen", "canonical", "shared", "pruned"]
SHARES = [Fraction(0), Fraction(1, 3), Fraction(1, 2), Fraction(1)]


def graph_of(network: BilinearNetwork, method: str) -> nx.DiGraph[Any]:
    if method == "shared":
        return trace(network, "shared", features=len(network.layers()))
    graph = trace(network, "eigen" if method == "pruned" else method)
    if method == "pruned":
        features = sum(node[0] == "feature" for node in graph)
        return prune(graph, features=features // 2)
    return graph


@st.composite
def rewritten(draw: st.DrawFn) -> tuple[list[Layer], list[SquareLayer]]:
    """A network and a graph of it, of any method."""
    network = draw(networks(max_depth=3))
    try:
        graph = graph_of(network, draw(st.sampled_from(METHODS)))
    except NumericError:
        assume(condition=False)
    return network.layers(), square_layers(graph)


def points_in(low: Fraction, high: Fraction, inputs: int) -> st.SearchStrategy[list[Fraction]]:
    share = st.one_of(st.sampled_from(SHARES), st.fractions(0, 1, max_denominator=99))
    return st.lists(share.map(lambda t: low + t * (high - low)), min_size=inputs, max_size=inputs)


def off(
    layers: Sequence[Layer], squares: Sequence[SquareLayer], point: list[Fraction]
) -> list[Fraction]:
    ours = value(layers, point)
    theirs = value([layer.in_normal_form() for layer in squares], point)
    return [abs(a - b) for a, b in zip(ours, theirs, strict=True)]


@pytest.mark.props
@costly
@given(rewritten(), st.data())
def test_nowhere_in_a_box_do_graph_and_network_differ_by_more(
    given: Any, data: st.DataObject
) -> None:
    layers, squares = given
    inputs = layers[0].linear.shape[1] - 1
    low, high = data.draw(st.sampled_from([(0, 1), (-1, 1), (2, 3), (-0.5, -0.25)]))
    exact = data.draw(st.booleans())
    found = difference(layers, squares, low, high, exact=exact)
    points = points_in(Fraction(low), Fraction(high), inputs)
    for point in data.draw(st.lists(points, min_size=4, max_size=4)):
        for seen, bound in zip(off(layers, squares, point), found.bounds, strict=True):
            assert seen <= Fraction(bound)


def checked(
    layers: Sequence[Layer], squares: Sequence[SquareLayer], bases: Sequence[Any], bound: Fraction
) -> None:
    """Hold a bound over the pixel box against the independent checker."""
    arrays = {
        f"graph.basis.{number}": basis
        for number, basis in enumerate(bases, start=1)
        if basis is not None
    }
    files = held(layers, squares, **arrays)
    verify_difference(files, "graph", Fraction(0), Fraction(1), bound)


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("method", ["polarized", "eigen", "canonical", "shared"])
def test_the_checker_accepts_the_bound_with_a_fiftieth_to_spare(method: str, depth: int) -> None:
    layers, squares = example(method, depth)
    found = difference(layers, squares, 0, 1)
    bound = Fraction(51, 50) * Fraction(found.bounds.max())
    checked(layers, squares, found.bases, bound)
    with pytest.raises(checker.Rejected, match="may differ by"):
        checked(layers, squares, found.bases, Fraction(-1))


@pytest.mark.props
@given(rewritten())
def test_the_checker_accepts_it_on_any_network(given: Any) -> None:
    layers, squares = given
    found = difference(layers, squares, 0, 1)
    checked(layers, squares, found.bases, Fraction(51, 50) * Fraction(found.bounds.max()))


@pytest.mark.props
@given(st.data())
def test_no_vectors_of_two_boxes_are_stretched_further(data: st.DataObject) -> None:
    rows, columns = (data.draw(st.integers(1, 4)) for _ in range(2))
    elements = data.draw(st.sampled_from([few, tame]))()
    matrix = data.draw(hnp.arrays(np.float64, (rows, columns), elements=elements))
    ends = [abs(data.draw(hnp.arrays(np.float64, size, elements=tame()))) for size in matrix.shape]
    found = stretch(matrix, *ends)
    signs = (
        data.draw(hnp.arrays(np.int64, size, elements=st.sampled_from([-1, 1])))
        for size in matrix.shape
    )
    v, u = (
        [Fraction(e) * int(sign) for e, sign in zip(end.tolist(), way.tolist(), strict=True)]
        for end, way in zip(ends, signs, strict=True)
    )
    pairs = zip(v, matrix.tolist(), strict=True)
    value = sum(
        (a * Fraction(entry) * b for a, row in pairs for entry, b in zip(row, u, strict=True)),
        Fraction(0),
    )
    assert abs(value) <= Fraction(found)
    # Never further from the truth than the norm of all entries is.
    scaled = ends[0][:, None] * matrix * ends[1]
    assert found <= np.linalg.norm(scaled) * np.sqrt(rows * columns) * 1.01 + 1e-30


def test_what_has_no_weight_does_not_count_in_a_stretch() -> None:
    matrix, width = np.zeros((400, 400)), np.ones(400)
    matrix[:2, :2] = [[0.0, 1.0], [1.0, 0.0]]
    # The largest eigenvalue alone would say 400.
    assert 2 <= stretch(matrix, width, width) < 2.4
    assert stretch(np.zeros((3, 3)), np.ones(3), np.ones(3)) < 1e-30


@pytest.mark.props
@given(st.data())
def test_the_values_of_a_form_on_a_box_lie_in_their_interval(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 3))
    elements = data.draw(st.sampled_from([few, tame]))()
    form = data.draw(hnp.arrays(np.float64, (size + 1, size + 1), elements=elements))
    form = np.triu(form) + np.triu(form, 1).T
    low, high = data.draw(st.sampled_from([(0, 1), (-3, -1), (-1, 2), (0.1, 0.3)]))
    lacking = data.draw(st.sampled_from([0.0, 1e-3]))
    middle, half = Box.between(low, high, size).values(form, lacking)
    point = [Fraction(1), *data.draw(points_in(Fraction(low), Fraction(high), size))]
    shifted = form + lacking * np.eye(1, size + 1) * np.eye(1, size + 1).T
    value = sum(
        (
            a * Fraction(entry) * b
            for a, row in zip(point, shifted.tolist(), strict=True)
            for entry, b in zip(row, point, strict=True)
        ),
        Fraction(0),
    )
    assert abs(value - Fraction(middle)) <= Fraction(half)


def example(method: str, depth: int = 2) -> tuple[list[Layer], list[SquareLayer]]:
    network = BilinearNetwork(5, 3, depth=depth, width=4, hidden=6, seed=1).double()
    return network.layers(), square_layers(graph_of(network, method))


def worst(layers: Sequence[Layer], squares: Sequence[SquareLayer], draws: int = 400) -> float:
    """The largest difference in float64 on the corners of the box."""
    draw = np.random.default_rng(0)
    points = draw.integers(0, 2, (draws, layers[0].linear.shape[1] - 1)).astype(np.float64)
    logits = []
    for stack in (layers, as_layers(squares)):
        state = np.concatenate([np.ones((draws, 1)), points], axis=1)
        for left, right, down, linear in stack:
            state = ((state @ left.T) * (state @ right.T)) @ down.T + state @ linear.T
        logits.append(state[:, 1:])
    return float(abs(logits[0] - logits[1]).max())


@pytest.mark.parametrize(
    ("part", "without", "layer"),
    [
        ("_carried", lambda found: 0 * found, 0),
        ("residual_form", lambda found: (0 * found[0], 0.0), 1),
    ],
)
def test_without_either_of_its_two_parts_the_bound_is_exceeded(
    part: str, without: Callable[[Any], Any], layer: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What the first layer has in excess, the second one hands on; and the other way round.
    layers, squares = example("eigen")
    changed = list(squares)
    changed[layer] = squares[layer]._replace(mixing=squares[layer].mixing * excess(squares[layer]))
    monkeypatch.setattr(module, "_bases", lambda *_: [None])
    assert worst(layers, changed) <= difference(layers, changed, 0, 1).bounds.max()
    original = getattr(module, part)
    monkeypatch.setattr(module, part, lambda *given: without(original(*given)))
    assert worst(layers, changed) > difference(layers, changed, 0, 1).bounds.max()


def excess(square: SquareLayer) -> npt.NDArray[np.float64]:
    """Half as much again of all but the constant."""
    return np.where(np.arange(len(square.mixing))[:, None] > 0, 1.5, 1.0)


def test_without_the_boxes_the_bound_is_exceeded(monkeypatch: pytest.MonkeyPatch) -> None:
    layers, squares = example("eigen")
    changed = [squares[0]._replace(mixing=squares[0].mixing * excess(squares[0])), squares[1]]
    monkeypatch.setattr(module, "_bases", lambda *_: [None])
    assert worst(layers, changed) <= difference(layers, changed, 0, 1).bounds.max()
    monkeypatch.setattr(module, "stretch", lambda *_: 0.0)
    monkeypatch.setattr(Box, "values", lambda *_: (0.0, 0.0))
    assert worst(layers, changed) > difference(layers, changed, 0, 1).bounds.max()


def intervals(layers: Sequence[Layer], low: float, high: float) -> tuple[Any, Any]:
    """The outputs' ends by plain interval arithmetic, without care for rounding."""

    def product(matrix: Any, ends: tuple[Any, Any]) -> tuple[Any, Any]:
        up, down = np.maximum(matrix, 0), np.minimum(matrix, 0)
        return up @ ends[0] + down @ ends[1], up @ ends[1] + down @ ends[0]

    inputs = layers[0].linear.shape[1] - 1
    state = tuple(np.concatenate([[1.0], np.full(inputs, end)]) for end in (low, high))
    for left, right, down, linear in layers:
        lefts, rights = product(left, state), product(right, state)
        corners = [one * other for one in lefts for other in rights]
        products = np.min(corners, axis=0), np.max(corners, axis=0)
        parts = product(down, products), product(linear, state)
        state = parts[0][0] + parts[1][0], parts[0][1] + parts[1][1]
    return state[0][1:], state[1][1:]


@pytest.mark.parametrize("method", ["polarized", "eigen", "canonical"])
def test_plain_intervals_are_worse_by_ten_orders_of_magnitude(method: str) -> None:
    layers, squares = example(method)
    ours, theirs = (intervals(stack, 0.0, 1.0) for stack in (layers, as_layers(squares)))
    plain = np.maximum(abs(ours[1] - theirs[0]), abs(theirs[1] - ours[0])).max()
    assert 1e10 * difference(layers, squares, 0, 1).bounds.max() < plain


def test_integers_sharpen_the_bound() -> None:
    layers, squares = example("polarized")
    fast = difference(layers, squares, 0, 1).bounds
    exact = difference(layers, squares, 0, 1, exact=True).bounds
    assert (exact < 1e-30).all()
    assert (fast > 1e-20).all()
    layers, squares = example("eigen")
    fast = difference(layers, squares, 0, 1).bounds
    assert (difference(layers, squares, 0, 1, exact=True).bounds < fast).all()


def test_bases_are_left_out_where_the_hidden_states_are_the_same() -> None:
    for method in ("polarized", "eigen"):
        assert difference(*example(method, depth=3), 0, 1).bases == [None, None]
    found: Difference = difference(*example("canonical", depth=3), 0, 1)
    for basis in found.bases:
        assert basis is not None
        np.testing.assert_array_equal(basis[0], np.eye(1, 5)[0])
    # The basis says what the graph's hidden state is.
    layers, squares = example("canonical")
    (basis,) = difference(layers, squares, 0, 1).bases
    state = np.concatenate([[1.0], np.linspace(-1, 1, 5)])
    states = [
        ((state @ left.T) * (state @ right.T)) @ down.T + state @ linear.T
        for left, right, down, linear in (layers[0], as_layers(squares)[0])
    ]
    np.testing.assert_allclose(basis @ states[0], states[1], rtol=1e-9, atol=1e-9)


def test_fewer_components_have_a_smaller_basis() -> None:
    network = BilinearNetwork(5, 3, depth=2, width=4, hidden=6, seed=1).double()
    squares = square_layers(trace(network, "canonical", components=2))
    found = difference(network.layers(), squares, 0, 1)
    assert found.bases[0] is not None
    assert found.bases[0].shape == (3, 5)
    assert worst(network.layers(), squares) <= found.bounds.max()


@pytest.mark.parametrize("stack", ["layers", "squares"])
def test_a_hidden_state_without_constant_is_refused(stack: str) -> None:
    layers, squares = example("eigen")
    if stack == "layers":
        layers[0] = layers[0]._replace(linear=2 * layers[0].linear)
    else:
        squares[0] = squares[0]._replace(mixing=1 + squares[0].mixing)
    with pytest.raises(ProofError, match=f"first component of what layer 1 of {stack} writes"):
        difference(layers, squares, 0, 1)


def test_what_does_not_fit_is_refused() -> None:
    layers, squares = example("eigen")
    with pytest.raises(ProofError, match="expected squares to hold 2 layers, got 1"):
        difference(layers, squares[:1], 0, 1)
    with pytest.raises(ProofError, match="expected squares to read 6 and write 4 components"):
        difference(layers, example("eigen", depth=2)[1][::-1], 0, 1)
    with pytest.raises(ProofError, match="within the range of float64"):
        difference(layers, squares, 0, 1e200)
    for low, high in ((1, 0), (0, np.inf), (np.nan, 1)):
        with pytest.raises(ProofError, match=f"ends of an interval, got {low}, {high}"):
            difference(layers, squares, low, high)
