"""How much of a network a graph keeps."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

from numeric import BilinearNetwork, Digits, NumericError, fidelity, frontier, rewrite, trace
from numeric.graphs.fidelity import binomial_interval
from numeric.graphs.pruning import prune
from numeric.networks.inference import logits
from tests.weights import within_one_over_the_root

GENERATOR = np.random.default_rng(0)
IMAGES = GENERATOR.random((60, 9), dtype=np.float32)
DIGITS = Digits(IMAGES, np.arange(60) % 3, IMAGES, np.arange(60) % 3)


def network(**shape: Any) -> BilinearNetwork:
    shape = {"depth": 2, "width": 4, "hidden": 5} | shape
    return within_one_over_the_root(BilinearNetwork(9, 3, **shape))


@pytest.mark.parametrize("method", ["polarized", "eigen", "canonical"])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_whole_graph_keeps_everything(method: str, depth: int) -> None:
    model = network(depth=depth, residual=True)
    found = fidelity(trace(model, method), model, DIGITS)
    assert found.agreement == 1
    assert found.largest < 1e-9
    assert abs(found.divergence) < 1e-12
    assert found.norm == pytest.approx(1)
    assert found.interval[0] > 0.94
    assert found.interval[1] == 1


def test_what_is_measured_is_what_a_recount_gives() -> None:
    model = network()
    graph = prune(trace(model), features=9)
    found = fidelity(graph, model, DIGITS)
    own, wanted = logits(rewrite(graph), IMAGES), logits(model.double(), IMAGES)
    assert found.features == 9
    assert found.agreeing == (own.argmax(1) == wanted.argmax(1)).sum()
    assert found.accuracy == (own.argmax(1) == DIGITS.test_labels).mean()
    assert found.largest == abs(own - wanted).max()
    assert found.mean == pytest.approx(abs(own - wanted).mean())
    shares = [np.exp(scores - np.logaddexp.reduce(scores, 1)[:, None]) for scores in (wanted, own)]
    divergence = (shares[0] * np.log(shares[0] / shares[1])).sum(1).mean()
    assert found.divergence == pytest.approx(divergence)
    assert 0 < found.norm < 1


def test_edges_are_those_of_the_features_that_take_part() -> None:
    model = network()
    graph = prune(trace(model), features=9)
    kept = [n for n, cut in graph.nodes(data="cut", default=False) if n[0] == "feature" and not cut]
    edges = {e for n in kept for e in (*graph.out_edges(n), *graph.in_edges(n))}
    assert fidelity(graph, model, DIGITS).edges == sum(e[0] != ("input",) for e in edges)


def test_the_network_is_left_as_it_was() -> None:
    model = network()
    fidelity(trace(model), model, DIGITS)
    assert next(model.parameters()).dtype == torch.float32


def test_a_frontier_goes_through_methods_and_numbers() -> None:
    rows = frontier(network(), DIGITS, methods=("eigen", "shared"), counts=(2, 6))
    assert [(row.method, row.features) for row in rows[:4]] == [
        ("eigen", 2),
        ("eigen", 6),
        ("shared", 2),
        ("shared", 6),
    ]
    assert rows[1].norm > rows[0].norm
    assert rows[3].norm > rows[2].norm


@pytest.mark.parametrize("method", ["polarized", "shared"])
def test_a_frontier_leaves_out_numbers_beyond_a_whole_graph(method: str) -> None:
    rows = frontier(network(), DIGITS, methods=(method,), counts=(6, 10**6))
    assert [row.features for row in rows] == [6]


def test_a_frontier_cuts_by_the_strongest_of_each_class_too() -> None:
    model = network(depth=1)
    rows = frontier(model, DIGITS, methods=("eigen", "shared"), counts=(4,), each=(1, 2))
    assert [(row.method, row.features) for row in rows] == [
        ("eigen", 4),
        ("eigen", 3),
        ("eigen", 6),
        ("shared", 4),
    ]
    assert rows[2] == fidelity(prune(trace(model), each=2), model, DIGITS)


def test_a_small_network_has_a_frontier_of_the_default_numbers() -> None:
    rows = frontier(network(depth=1, hidden=3), DIGITS)
    assert [(row.method, row.features) for row in rows] == [("canonical", 20), ("shared", 20)]


@pytest.mark.parametrize("count", [0, 1])
def test_numbers_of_too_few_shared_features_are_refused(count: int) -> None:
    with pytest.raises(NumericError, match="expected features"):
        frontier(network(), DIGITS, methods=("shared",), counts=(count,))


def tail(successes: range, trials: int, share: Fraction) -> Fraction:
    return sum(
        (math.comb(trials, k) * share**k * (1 - share) ** (trials - k) for k in successes),
        Fraction(0),
    )


@pytest.mark.parametrize(("successes", "trials"), [(0, 5), (1, 5), (3, 7), (20, 20), (37, 40)])
def test_the_interval_is_exact(successes: int, trials: int) -> None:
    lower, upper = (Fraction(limit) for limit in binomial_interval(successes, trials))
    if successes:
        above = tail(range(successes, trials + 1), trials, lower)
        assert float(above) == pytest.approx(0.025)
    if successes < trials:
        assert float(tail(range(successes + 1), trials, upper)) == pytest.approx(0.025)
    assert lower <= Fraction(successes, trials) <= upper


@pytest.mark.parametrize(("inputs", "depth", "found"), [(4, 2, "2, 4 and 3"), (9, 1, "1, 9 and 3")])
def test_another_network_is_refused(inputs: int, depth: int, found: str) -> None:
    other = BilinearNetwork(inputs, 3, depth=depth, width=4, hidden=2)
    message = f"2 layers, 9 inputs and 3 logits like the network, got {found}"
    with pytest.raises(NumericError, match=message):
        fidelity(trace(other), network(), DIGITS)
