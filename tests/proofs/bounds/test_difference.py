"""The difference of graph and network stays within its bound, which the checker accepts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from numeric import BilinearNetwork, Layer, NumericError, SquareLayer, prune, square_layers, trace
from numeric.pruning import as_layers
from proofs import checker
from proofs.bounds import difference as module
from proofs.bounds.difference import (
    Difference,
    ball_reach,
    box_reach,
    difference,
    neighbourhood_reach,
    norms,
)
from proofs.checker.claims.difference import verify as verify_difference
from proofs.errors import ProofError
from tests.certificates import held
from tests.oracles import value
from tests.strategies import networks
from tests.tensors import interaction

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
@given(rewritten(), st.data())
def test_nowhere_in_a_box_do_graph_and_network_differ_by_more(
    given: Any, data: st.DataObject
) -> None:
    layers, squares = given
    inputs = layers[0].linear.shape[1] - 1
    low, high = data.draw(st.sampled_from([(0, 1), (-1, 1), (2, 3), (-0.5, -0.25)]))
    exact = data.draw(st.booleans())
    found = difference(layers, squares, box_reach(low, high, inputs), exact=exact)
    points = points_in(Fraction(low), Fraction(high), inputs)
    for point in data.draw(st.lists(points, min_size=4, max_size=4)):
        for seen, bound in zip(off(layers, squares, point), found.bounds, strict=True):
            assert seen <= Fraction(bound)


@pytest.mark.props
@given(rewritten(), st.data())
def test_nowhere_in_a_ball_do_graph_and_network_differ_by_more(
    given: Any, data: st.DataObject
) -> None:
    layers, squares = given
    inputs = layers[0].linear.shape[1] - 1
    points = st.lists(points_in(Fraction(-1), Fraction(1), inputs), min_size=4, max_size=4)
    drawn = data.draw(points)
    # A root that is rounded upwards.
    furthest = float(max(sum(x * x for x in point) for point in drawn)) ** 0.5
    radius = float(np.nextafter(furthest * (1 + 1e-15), np.inf))
    found = difference(layers, squares, ball_reach(radius))
    for point in drawn:
        for seen, bound in zip(off(layers, squares, point), found.bounds, strict=True):
            assert seen <= Fraction(bound)


@pytest.mark.props
@given(st.data())
def test_no_input_near_an_image_is_larger_than_its_reach(data: st.DataObject) -> None:
    inputs = data.draw(st.integers(1, 5))
    points = points_in(Fraction(-1), Fraction(1), inputs)
    images = np.array(data.draw(st.lists(points, min_size=1, max_size=3)), dtype=np.float64)
    step = np.array(data.draw(points), dtype=np.float64)
    radius = float(np.linalg.norm(step)) * (1 + 1e-15)
    reach, ends = neighbourhood_reach(images, radius), images + step
    assert (1 + (ends**2).sum(axis=1) <= reach**2 * (1 + 1e-12)).all()
    # No more than the triangle inequality asks for: reached by a step straight on.
    assert reach <= np.hypot(1, np.linalg.norm(images, axis=1).max() + radius) * (1 + 1e-8)


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
def test_the_checker_accepts_the_bound_with_a_quarter_to_spare(method: str, depth: int) -> None:
    layers, squares = example(method, depth)
    found = difference(layers, squares, box_reach(0, 1, layers[0].linear.shape[1] - 1))
    bound = Fraction(5, 4) * Fraction(found.bounds.max())
    checked(layers, squares, found.bases, bound)
    with pytest.raises(checker.Rejected, match="may differ by"):
        checked(layers, squares, found.bases, Fraction(-1))


@pytest.mark.props
@given(rewritten())
def test_the_checker_accepts_it_on_any_network(given: Any) -> None:
    layers, squares = given
    found = difference(layers, squares, box_reach(0, 1, layers[0].linear.shape[1] - 1))
    checked(layers, squares, found.bases, Fraction(5, 4) * Fraction(found.bounds.max()))


@pytest.mark.props
@given(networks(max_depth=1))
def test_the_norms_are_those_of_the_forms(network: BilinearNetwork) -> None:
    for layer in network.double().layers():
        bilinear, found = layer._replace(linear=0 * layer.linear), norms(layer)
        forms = np.array([interaction(bilinear, unit).ravel() for unit in np.eye(len(layer.down))])
        near(found.bilinear, np.linalg.norm(forms, axis=1), 1 + 1e-6)
        near(found.linear, np.linalg.norm(layer.linear[:, 1:], axis=1), 1 + 1e-6)
        np.testing.assert_array_equal(found.constant, abs(layer.linear[:, 0]))
        near(found.constants, np.linalg.norm(found.constant), 1 + 1e-6)
        # The norm of order 8 is a little more than the largest singular value.
        excess = min(layer.linear.shape) ** 0.125 * (1 + 1e-6)
        near(found.linears, np.linalg.norm(layer.linear[:, 1:], 2), excess)
        near(found.bilinears, np.linalg.norm(forms, 2), excess)


def near(bounds: Any, exact: Any, excess: float) -> None:
    assert np.all(exact * (1 - 1e-12) <= bounds)
    assert np.all(bounds <= exact * excess + 1e-7)


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
        ("norms", lambda found: found._replace(bilinear=0 * found.bilinear, bilinears=0.0), 0),
        ("residual_bound", lambda found: 0 * found, 1),
    ],
)
def test_without_either_of_its_two_parts_the_bound_is_exceeded(
    part: str, without: Callable[[Any], Any], layer: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What the first layer has in excess, the second one hands on; and the other way round.
    layers, squares = example("eigen")
    changed = list(squares)
    changed[layer] = squares[layer]._replace(mixing=1.5 * squares[layer].mixing)
    reach = box_reach(0, 1, 5)
    monkeypatch.setattr(module, "_bases", lambda *_: [None])
    assert worst(layers, changed) <= difference(layers, changed, reach).bounds.max()
    original = getattr(module, part)
    monkeypatch.setattr(module, part, lambda *given: without(original(*given)))
    assert worst(layers, changed) > difference(layers, changed, reach).bounds.max()


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
    assert 1e10 * difference(layers, squares, box_reach(0, 1, 5)).bounds.max() < plain


def test_integers_sharpen_the_bound() -> None:
    layers, squares = example("polarized")
    reach = box_reach(0, 1, 5)
    fast = difference(layers, squares, reach).bounds
    exact = difference(layers, squares, reach, exact=True).bounds
    assert (exact < 1e-30).all()
    assert (fast > 1e-20).all()
    layers, squares = example("eigen")
    fast = difference(layers, squares, reach).bounds
    assert (difference(layers, squares, reach, exact=True).bounds < fast).all()


def test_bases_are_left_out_where_the_hidden_states_are_the_same() -> None:
    for method in ("polarized", "eigen"):
        assert difference(*example(method, depth=3), 2.0).bases == [None, None]
    found: Difference = difference(*example("canonical", depth=3), 2.0)
    for basis in found.bases:
        assert basis is not None
        np.testing.assert_array_equal(basis[0], np.eye(1, 5)[0])
    # The basis says what the graph's hidden state is.
    layers, squares = example("canonical")
    (basis,) = difference(layers, squares, 2.0).bases
    state = np.concatenate([[1.0], np.linspace(-1, 1, 5)])
    states = [
        ((state @ left.T) * (state @ right.T)) @ down.T + state @ linear.T
        for left, right, down, linear in (layers[0], as_layers(squares)[0])
    ]
    np.testing.assert_allclose(basis @ states[0], states[1], rtol=1e-9, atol=1e-9)


def test_fewer_components_have_a_smaller_basis() -> None:
    network = BilinearNetwork(5, 3, depth=2, width=4, hidden=6, seed=1).double()
    squares = square_layers(trace(network, "canonical", components=2))
    found = difference(network.layers(), squares, box_reach(0, 1, 5))
    assert found.bases[0] is not None
    assert found.bases[0].shape == (3, 5)
    assert worst(network.layers(), squares) <= found.bounds.max()


def test_a_hidden_state_without_constant_is_bounded_by_its_form() -> None:
    draw = np.random.default_rng(0)
    sizes, layers = [(3, 4), (2, 3)], []
    for outputs, inputs in sizes:
        shapes = (5, inputs), (5, inputs), (outputs, 5), (outputs, inputs)
        layers.append(Layer(*(draw.normal(size=shape) for shape in shapes)))
    squares = square_layers(trace(layers, "eigen"))
    squares[1] = squares[1]._replace(mixing=2 * squares[1].mixing)
    assert worst(layers, squares) <= difference(layers, squares, box_reach(0, 1, 3)).bounds.max()


def test_what_does_not_fit_is_refused() -> None:
    layers, squares = example("eigen")
    with pytest.raises(ProofError, match="expected squares to hold 2 layers, got 1"):
        difference(layers, squares[:1], 2.0)
    with pytest.raises(ProofError, match="expected squares to read 6 and write 4 components"):
        difference(layers, example("eigen", depth=2)[1][::-1], 2.0)
    with pytest.raises(ProofError, match="within the range of float64"):
        difference(layers, squares, 1e200)
    with pytest.raises(ProofError, match="ends of an interval, got 1, 0"):
        box_reach(1, 0, 5)
    with pytest.raises(ProofError, match="radius to be finite and not negative, got -1"):
        ball_reach(-1)
    with pytest.raises(ProofError, match="radius to be finite and not negative, got -1"):
        neighbourhood_reach(np.ones((1, 2)), -1)
    for images in (np.ones(3), np.ones((0, 3)), np.array([[np.nan]])):
        with pytest.raises(ProofError, match="expected images to be an array of finite numbers"):
            neighbourhood_reach(images, 1)
