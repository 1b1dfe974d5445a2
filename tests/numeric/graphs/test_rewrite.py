"""The rewritten network: the graph is the model, whatever is done to it."""

from __future__ import annotations

from itertools import product
from typing import Any

import networkx as nx
import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from analytic.equality import same_polynomial
from analytic.network import ExactNetwork
from numeric import (
    BilinearNetwork,
    Layer,
    NumericError,
    SquareLayer,
    rewrite,
    square_layers,
    trace,
)
from numeric.features.decompositions import DECOMPOSITIONS
from numeric.graphs.rewrite import RewrittenNetwork
from tests.graphs import edited_graphs, exact_logits
from tests.strategies import networks_with_points, points

METHODS = pytest.mark.parametrize("method", list(DECOMPOSITIONS))


def a_network(**shape: Any) -> BilinearNetwork:
    return BilinearNetwork(20, 10, **{"width": 8, "hidden": 12, **shape}).double()


def outputs(module: torch.nn.Module, x: npt.NDArray[Any]) -> npt.NDArray[Any]:
    with torch.no_grad():
        return np.asarray(module(torch.from_numpy(x)).numpy())


def bounds(layers: list[Layer], x: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return how large the terms of the outputs can be: what rounding is relative to."""
    size = np.sqrt(1 + (x**2).sum(axis=-1, keepdims=True))
    for left, right, down, linear in layers:
        products = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
        terms = size**2 * (abs(down) @ products) + size * np.linalg.norm(linear, axis=1)
        size = np.linalg.norm(terms, axis=-1, keepdims=True)
    return np.asarray(terms[..., 1:])


@METHODS
@pytest.mark.parametrize(
    ("depth", "bias", "residual", "embedding"), list(product((1, 2, 3), *[(False, True)] * 3))
)
def test_the_rewritten_network_gives_the_logits_of_the_network(
    method: str, depth: int, *, bias: bool, residual: bool, embedding: bool
) -> None:
    network = a_network(depth=depth, bias=bias, residual=residual, embedding=embedding)
    x = np.random.default_rng(0).random((50, 20))
    graph = trace(network, method)
    expected, got = outputs(network, x), outputs(rewrite(graph), x)
    assert (abs(got - expected) <= 1e-9 * abs(expected).max()).all()
    assert (got.argmax(axis=1) == expected.argmax(axis=1)).all()
    if method == "polarized":
        layers = [layer.in_normal_form() for layer in square_layers(graph)]
        assert same_polynomial(ExactNetwork(network.layers()), ExactNetwork(layers)).same


@pytest.mark.props
@given(networks_with_points(), st.sampled_from(list(DECOMPOSITIONS)))
def test_every_rewritten_network_gives_the_logits_of_its_network(
    drawn: tuple[BilinearNetwork, npt.NDArray[Any]], method: str
) -> None:
    network, x = drawn[0].double(), drawn[1].astype(np.float64)
    got = outputs(rewrite(trace(network, method)), x)
    assert (abs(got - outputs(network, x)) <= 1e-9 * bounds(network.layers(), x)).all()


@pytest.mark.props
@given(st.data())
def test_an_edited_graph_gives_the_logits_of_the_edited_polynomial(data: st.DataObject) -> None:
    graph = data.draw(edited_graphs())
    x = data.draw(points(graph.nodes["input",]["size"], count=2))
    for point, got in zip(x, outputs(rewrite(graph), x), strict=True):
        sizes = exact_logits(graph, point, sizes=True)
        for value, logit, size in zip(got, exact_logits(graph, point), sizes, strict=True):
            assert abs(value - float(logit)) <= 1e-12 * float(size)


@METHODS
def test_a_removed_feature_is_gone_from_the_module(method: str) -> None:
    graph = trace(a_network(), method)
    before = rewrite(graph)
    graph.remove_node(("feature", 2, 5))
    after = rewrite(graph)
    x = np.ones((1, 20))
    assert before.get_buffer("readings_2").shape[0] == after.get_buffer("readings_2").shape[0] + 1
    assert (outputs(before, x) != outputs(after, x)).any()


def test_the_module_does_not_follow_later_changes_of_the_graph() -> None:
    graph, x = trace(a_network()), np.ones((1, 20))
    module = rewrite(graph)
    before = outputs(module, x)
    graph.nodes["feature", 1, 0]["direction"][:] = 0
    graph.remove_node(("feature", 2, 5))
    np.testing.assert_array_equal(outputs(module, x), before)


def test_a_graph_of_nothing_but_the_input_has_logits_that_are_0() -> None:
    graph: nx.DiGraph[Any] = nx.DiGraph(sizes=[4, 3, 3])
    graph.add_node(("input",), size=3)
    np.testing.assert_array_equal(outputs(rewrite(graph), np.ones((2, 3))), np.zeros((2, 2)))


# Torch


def test_low_parts_are_added_to_the_readings() -> None:
    rows = np.array([[0.0, 1.0]])
    layer = SquareLayer(rows, rows / 2, np.array([[0.0], [1.0]]), np.zeros((2, 2)))
    np.testing.assert_array_equal(outputs(RewrittenNetwork([layer]), 2 * np.ones((1, 1))), [[9]])


def test_low_parts_take_no_room_where_there_are_none() -> None:
    wide = np.array([[1.0, 0.0]]), np.array([[2.0**-60, 1.0]])
    layer = Layer(*wide, np.array([[0.0], [1.0]]), np.zeros((2, 2)))
    module = rewrite(trace([layer], "polarized"))
    names = [name for name, _ in module.named_buffers()]
    assert names == ["readings_1", "low_1", "mixing_1", "linear_1"]
    plain = rewrite(trace([layer._replace(right=layer.left)], "polarized"))
    assert "low_1" not in dict(plain.named_buffers())


def test_all_numbers_stand_in_the_state_of_the_module() -> None:
    module = rewrite(trace(a_network(), "polarized"))
    assert not list(module.parameters())
    other = RewrittenNetwork(
        [
            layer._replace(linear=np.zeros_like(layer.linear))
            for layer in square_layers(trace(a_network(seed=1), "polarized"))
        ]
    )
    other.load_state_dict(module.state_dict())
    x = np.random.default_rng(0).random((5, 20))
    np.testing.assert_array_equal(outputs(other, x), outputs(module, x))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_inputs_of_any_float_dtype_give_float64(dtype: torch.dtype) -> None:
    module = rewrite(trace(a_network()))
    x = torch.linspace(0, 1, 20).to(dtype)
    assert module(x).dtype == torch.float64
    assert torch.equal(module(x), module(x.double()))


def test_the_module_may_be_moved_to_another_precision() -> None:
    module = rewrite(trace(a_network()))
    x = torch.linspace(0, 1, 20).double()
    single = RewrittenNetwork(square_layers(trace(a_network()))).float()
    assert single(x).dtype == torch.float32
    torch.testing.assert_close(single(x).double(), module(x), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("axes", [(), (0,), (3,), (2, 0, 5), (2, 1, 3)])
def test_inputs_may_come_in_any_number_of_axes(axes: tuple[int, ...]) -> None:
    assert rewrite(trace(a_network()))(torch.zeros(*axes, 20)).shape == (*axes, 10)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.zeros(2, 19), r"shape \(\.\.\., 20\), got torch.float32 of shape \(2, 19\)"),
        (torch.zeros(()), r"shape \(\.\.\., 20\), got torch.float32 of shape \(\)"),
        (torch.zeros(2, 20).int(), "float inputs .* got torch.int32"),
        (torch.zeros(2, 20) * 1j, "float inputs .* got torch.complex64"),
        (np.zeros((2, 20)), "inputs to be a torch tensor, got ndarray"),
        (None, "inputs to be a torch tensor, got NoneType"),
    ],
    ids=range(6),
)
def test_inputs_that_do_not_fit_are_refused(x: Any, message: str) -> None:
    with pytest.raises(NumericError, match=message):
        rewrite(trace(a_network()))(x)


def test_a_rewritten_network_says_how_large_it_is() -> None:
    graph = trace(BilinearNetwork(9, 3, depth=2, width=4, hidden=5))
    kept = [len(layer.readings) for layer in square_layers(graph)]
    expected = f"9 inputs, layers of {kept[0]}, {kept[1]} squares, 3 outputs"
    assert repr(rewrite(graph)) == f"RewrittenNetwork({expected})"
