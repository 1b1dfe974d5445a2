"""Floating point that is not what bounds take it for, and the doors that refuse it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest

from numeric import (
    BilinearNetwork,
    NumericError,
    load_graph,
    load_graphml,
    load_node_link,
    prune,
    save_graph,
    save_graphml,
    save_node_link,
    square_layers,
    trace,
)
from numeric.arithmetic import _PLACES, check_arithmetic
from tests.modes import DOWNWARD, TO_ZERO, UPWARD, flushing, rounding

FLUSHED = "expected floating point that keeps subnormal numbers .*, got subnormal numbers taken for"
SWITCH = r".*call torch\.set_flush_denormal\(False\)"


def test_subnormal_numbers_taken_for_zero_are_refused_until_that_is_switched_off() -> None:
    with flushing(), pytest.raises(NumericError, match=FLUSHED + " zero in this thread:" + SWITCH):
        check_arithmetic()
    check_arithmetic()


@pytest.mark.parametrize("direction", [UPWARD, DOWNWARD, TO_ZERO])
def test_another_rounding_is_refused(direction: int) -> None:
    message = "rounds to the nearest, got sums not rounded to the nearest in this thread"
    with rounding(direction), pytest.raises(NumericError, match=message):
        check_arithmetic()
    check_arithmetic()


@pytest.mark.parametrize("place", list(_PLACES))
def test_a_mode_of_the_threads_that_multiply_matrices_is_found(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    product = _PLACES[place]

    def elsewhere(*factors: Any) -> Any:
        with flushing():
            return product(*factors)

    monkeypatch.setitem(_PLACES, place, elsewhere)
    with pytest.raises(NumericError, match=f"{FLUSHED} zero in {place}: "):
        check_arithmetic()


@pytest.mark.parametrize("place", list(_PLACES))
def test_results_that_alone_become_zero_are_found(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    product, smallest = _PLACES[place], np.finfo(np.float64).tiny

    def elsewhere(rows: Any, columns: Any) -> Any:
        found = np.array(product(rows, columns))
        # Numbers below the normal ones are read, but a difference of two normal ones is lost.
        found[(found < smallest) & (found > 1e-320)] = 0.0
        return found

    monkeypatch.setitem(_PLACES, place, elsewhere)
    with pytest.raises(NumericError, match=f"results below the normal numbers .* in {place}: "):
        check_arithmetic()


DOORS: dict[str, Callable[[nx.DiGraph[Any], Path], object]] = {
    "trace": lambda *_: trace(BilinearNetwork(2, 2, depth=1, hidden=2), "polarized"),
    "prune": lambda graph, _: prune(graph, features=1),
    "save_node_link": lambda graph, folder: save_node_link(graph, folder / "new.json"),
    "load_node_link": lambda _, folder: load_node_link(folder / "graph.json"),
    "save_graphml": lambda graph, folder: save_graphml(graph, folder / "new.graphml"),
    "load_graphml": lambda _, folder: load_graphml(folder / "graph.graphml"),
}


@pytest.mark.parametrize("door", list(DOORS))
def test_a_door_that_states_bounds_or_writes_numbers_out_refuses(door: str, tmp_path: Path) -> None:
    graph = trace(BilinearNetwork(2, 2, depth=1, hidden=2), "polarized")
    save_node_link(graph, tmp_path / "graph.json")
    save_graphml(graph, tmp_path / "graph.graphml")
    with flushing(), pytest.raises(NumericError, match=FLUSHED):
        DOORS[door](graph, tmp_path)
    assert not list(tmp_path.glob("new*"))
    DOORS[door](graph, tmp_path)


def test_a_file_of_a_graph_keeps_what_the_processor_takes_for_zero(tmp_path: Path) -> None:
    network = BilinearNetwork(2, 2, depth=2, width=2, hidden=2).double()
    for block in network.blocks:
        for affine in (block.left, block.right, block.down):
            affine.bias.data.mul_(2.0**-1040)
    graph = trace(network, "polarized")
    assert any(
        0 < abs(layer.linear[layer.linear != 0]).min() < 1e-308 for layer in square_layers(graph)
    )
    save_graph(graph, tmp_path / "graph")
    with flushing():
        save_graph(graph, tmp_path / "flushed")
        read = [square_layers(load_graph(tmp_path / name)) for name in ("graph", "flushed")]
    assert (tmp_path / "graph").read_bytes() == (tmp_path / "flushed").read_bytes()
    for layers in read:
        for layer, wanted in zip(layers, square_layers(graph), strict=True):
            assert [array.tobytes() for array in layer] == [array.tobytes() for array in wanted]
