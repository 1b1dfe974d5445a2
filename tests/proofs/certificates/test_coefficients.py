"""Each decomposition against its network, coefficient by coefficient."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from numeric import BilinearNetwork, Layer, SquareLayer, square_layers, trace
from numeric.features.decompositions import DECOMPOSITIONS
from numeric.networks.normal_form import same_states
from proofs import prove
from proofs.certificates.coefficients import coefficient_claim, coefficient_distance, located
from tests.digits import small_digits
from tests.oracles import exponents, layer_expansion, matrix
from tests.strategies import networks, tame

ROUNDING = "No coefficient was found to differ beyond rounding: "


def squares(readings: Any, mixing: Any, linear: Any) -> SquareLayer:
    readings, mixing, linear = (np.array(rows, dtype=float) for rows in (readings, mixing, linear))
    return SquareLayer(readings, np.zeros_like(readings), mixing, linear)


def worst_coefficient(layers: list[Layer], graph: list[SquareLayer]) -> str:
    return coefficient_distance(layers, graph).failure


def same_as(layer: SquareLayer) -> Layer:
    return Layer(layer.readings, layer.readings, layer.mixing, layer.linear)


ONE = squares([[1, 2], [0, 1]], [[0, 0], [3, 5]], [[1, 0], [7, 9]])


# Sentences


@pytest.mark.parametrize(
    ("layer", "output", "monomial", "text"),
    [
        (1, 0, (0, 0), "At node ('form', 1, 0), in layer 1, the coefficient of 1 · 1 is "),
        (1, 5, (0, 3), "At node ('form', 1, 5), in layer 1, the coefficient of 1 · input 2 is "),
        (1, 5, (1, 1), "in layer 1, the coefficient of input 0 · input 0 is "),
        (2, 1, (2, 4), "in layer 2, the coefficient of ('form', 1, 2) · ('form', 1, 4) is "),
        (3, 1, (0, 4), "At node ('logit', 0), in layer 3, the coefficient of 1 · ('form', 2, 4) "),
        (3, 9, (6,), "At node ('logit', 8), in layer 3, the coefficient of ('form', 2, 6) is "),
    ],
)
def test_a_place_is_a_node_a_layer_and_a_coefficient(
    layer: int, output: int, monomial: tuple[int, ...], text: str
) -> None:
    assert text in located(layer, output, monomial, (1.0, 2.0), depth=3)


@pytest.mark.parametrize(
    ("network", "graph", "text"),
    [
        (0.5, 0.25, "0.5 in the network and 0.25 in the graph, a difference of -0.25."),
        (0.1, 0.0, "0.10000000000000001 in the network and 0 in the graph, a difference of -0.1"),
        (Fraction(1, 3), 0.0, "0.33333333333333331 in the network"),
        (
            Fraction(1),
            1 + Fraction(2) ** -100,
            "1 in the network and 1 in the graph, a difference ",
        ),
        (1.0, 1 + Fraction(2) ** -100, "a difference of 7.8886090522101181e-31."),
        (Fraction(2) ** 2000, 0.0, "about 2^2000 in the network"),
        (0.0, -(Fraction(2) ** 2000), "about -2^2000 in the graph, a difference of about -2^2000."),
        (0.0, -(Fraction(2) ** -2000), "about -2^-2000 in the graph"),
    ],
)
def test_values_are_given_to_the_last_digit_at_any_size(
    network: Fraction | float, graph: Fraction | float, text: str
) -> None:
    assert text in located(1, 1, (0, 0), (network, graph), depth=1)


# The worst coefficient


def test_the_worst_coefficient_is_the_largest_difference_relative_to_its_output() -> None:
    layers = [same_as(ONE), same_as(ONE)]
    first = ONE._replace(mixing=np.array([[0, 0], [3, 5.5]]))
    last = ONE._replace(linear=np.array([[1, 0], [7, 9.25]]))
    # Outputs are 3(1 + 2x)² + 5x² + 7 + 9x = 10 + 21x + 17x², so 0.5/17 against 0.25/21.
    assert worst_coefficient(layers, [first, last]) == (
        "At node ('form', 1, 1), in layer 1, the coefficient of input 0 · input 0 is 17 in the "
        "network and 17.5 in the graph, a difference of 0.5."
    )
    assert worst_coefficient(layers, [ONE, last]) == (
        "At node ('logit', 0), in layer 2, the coefficient of 1 · ('form', 1, 1) is 21 in the "
        "network and 21.25 in the graph, a difference of 0.25."
    )


def test_a_changed_constant_is_seen_in_a_hidden_layer_and_is_no_output_of_the_last() -> None:
    layers = [same_as(ONE), same_as(ONE)]
    turned = ONE._replace(linear=np.array([[1, 0.5], [7, 9]]))
    assert worst_coefficient(layers, [turned, ONE]).startswith("At node ('form', 1, 0), in layer 1")
    assert worst_coefficient(layers, [ONE, turned]).startswith(ROUNDING)


def test_an_output_that_only_the_graph_has_is_found() -> None:
    nothing = same_as(ONE)._replace(down=np.zeros((2, 2)), linear=np.zeros((2, 2)))
    assert "coefficient of 1 · input 0 is 0 in the network and 21 in the" in worst_coefficient(
        [nothing], [ONE]
    )


def test_a_coefficient_of_the_other_sign_is_further_off_than_one_out_of_next_to_nothing() -> None:
    small = ONE._replace(mixing=ONE.mixing / 2**20, linear=ONE.linear / 2**20)
    opposite = ONE._replace(mixing=-ONE.mixing, linear=-ONE.linear)
    text = worst_coefficient([same_as(small), same_as(ONE)], [ONE, opposite])
    assert text.startswith("At node ('logit', 0), in layer 2, ")


def test_where_only_rounding_differs_the_sentence_says_so() -> None:
    model = BilinearNetwork(9, 3, depth=2, width=4, hidden=5)
    text = worst_coefficient(model.layers(), square_layers(trace(model)))
    assert text.startswith(f"{ROUNDING}the difference arises in floating point. At node (")
    assert worst_coefficient([same_as(ONE)], [ONE]).startswith(ROUNDING)


@pytest.mark.parametrize(("scale", "power"), [(1e300, r"199\d"), (1e-300, r"-199\d")])
def test_weights_of_any_size_neither_overflow_nor_vanish(scale: float, power: str) -> None:
    one = squares(ONE.readings * scale, ONE.mixing, np.zeros((2, 2)))
    other = one._replace(mixing=np.array([[0, 0], [3, 5.5]]))
    assert re.match(
        r"At node \('logit', 0\), in layer 1, the coefficient of input 0 · input 0 is about "
        rf"2\^{power} in the network and about 2\^{power} in the graph",
        worst_coefficient([same_as(one)], [other]),
    )


def test_what_cancels_is_no_difference_beside_one_that_is() -> None:
    # The squares of the second logit cancel but for one rounding, which is all there is of it.
    third = np.float64(np.float32(1.2314936) / 2)
    one = squares(
        [[0, third], [0, -third], [0, 1]], [[0, 0, 0], [0, 0, 1], [2.1, -2.1, 0]], np.zeros((3, 2))
    )
    other = one._replace(mixing=one.mixing + np.eye(3, k=-1)[:, :1] * [1, 0, 0])
    assert "('logit', 0)" in worst_coefficient([same_as(one)], [other])


def test_a_low_part_counts_in_the_values() -> None:
    one = squares([[0, 1]], [[0], [1]], np.zeros((2, 2)))
    parts = one._replace(readings=np.array([[0, 2.0]]), low=np.array([[0, -1 - 2.0**-30]]))
    assert (
        "coefficient of input 0 · input 0 is 1 in the network and 0.99999999813735485 in the "
        "graph, a difference of -1.862645148"
    ) in worst_coefficient([same_as(one)], [parts])


@st.composite
def changed_layers(draw: st.DrawFn) -> tuple[list[Layer], list[SquareLayer]]:
    model = draw(networks(elements=tame, dtypes=(np.float32,), max_depth=2))
    layers, graph = model.layers(), square_layers(trace(model, "polarized"))
    number = draw(st.integers(0, len(graph) - 1))
    name = draw(st.sampled_from(["readings", "mixing", "linear"]))
    array = getattr(graph[number], name).copy()
    if array.size:
        place = tuple(draw(st.integers(0, size - 1)) for size in array.shape)
        array[place] += draw(st.sampled_from([0.0, 1.0, -0.5]))
    graph[number] = graph[number]._replace(**{name: array})
    return layers, graph


Place = tuple[int, int, tuple[int, ...]]


def coefficients(
    layers: list[Layer], graph: list[SquareLayer]
) -> dict[Place, tuple[Fraction, Fraction]]:
    """Return every coefficient of every layer, in the network and in the graph."""
    found = {}
    for number, (layer, square) in enumerate(zip(layers, graph, strict=True), start=1):
        size = layer.linear.shape[1]
        sides = [
            layer_expansion(arrays, constant=True) for arrays in (layer, square.in_normal_form())
        ]
        for output in range(int(number == len(layers)), len(layer.down)):
            for i, j in combinations_with_replacement(range(size), 2):
                powers = exponents({k: (i, j).count(k) for k in {i, j} - {0}}, size)
                wanted, given_ = (side[output].get(powers, Fraction(0)) for side in sides)
                found[number, output, (i, j)] = wanted, given_
    return found


def shares(layers: list[Layer], graph: list[SquareLayer]) -> list[Fraction]:
    """Return every difference over what the coefficients of its output could add up to."""
    found = []
    for (number, output, _), (wanted, given_) in coefficients(layers, graph).items():
        left, right, down, linear = map(matrix, layers[number - 1])
        peaks = [max(map(abs, a)) * max(map(abs, b)) for a, b in zip(left, right, strict=True)]
        size = max(map(abs, linear[output])) + 2 * sum(
            abs(weight) * peak for weight, peak in zip(down[output], peaks, strict=True)
        )
        found.append(abs(given_ - wanted) / size if size else abs(given_ - wanted) * 10**300)
    return found


def ratios(layers: list[Layer], graph: list[SquareLayer]) -> dict[str, Fraction]:
    """Return every difference over the largest coefficient of its output, by its sentence."""
    values = coefficients(layers, graph)
    largest: dict[tuple[int, int], Fraction] = {}
    for (number, output, _), pair in values.items():
        largest[number, output] = max(largest.get((number, output), 0), *map(abs, pair))
    return {
        located(*place, pair, len(layers)): abs(pair[1] - pair[0]) / (largest[place[:2]] or 1)
        for place, pair in values.items()
    }


@pytest.mark.props
@given(changed_layers())
def test_no_coefficient_differs_by_more_than_the_worst_one(
    case: tuple[list[Layer], list[SquareLayer]],
) -> None:
    distance, found = coefficient_distance(*case), ratios(*case)
    assert found[distance.there] >= max(found.values()) - Fraction(1, 10**12)
    assert distance.rounding == (found[distance.there] < Fraction(1, 10**11))
    assert distance.failure.startswith(ROUNDING) == distance.rounding


# The bound


@pytest.mark.props
@given(networks(elements=tame, max_depth=2), st.sampled_from(list(DECOMPOSITIONS)))
def test_the_bound_covers_every_coefficient_of_every_decomposition(
    model: BilinearNetwork, method: str
) -> None:
    case = model.layers(), square_layers(trace(model, method))
    backwards = method == "eigen" and model.configuration.embedding
    if backwards and not same_states(*case):
        return  # of an embedding that is not read backwards, there is no coefficient to compare
    bound = coefficient_distance(*case).bound
    if np.isinf(bound):
        # Squares that cancel in a form that the network has not: a share of nothing.
        assert method == "polarized"
        assert not max(shares(*case))
        return
    assert max(shares(*case)) <= Fraction(bound)
    # Read backwards, rounding grows by the square of what the embedding loses.
    lost = np.linalg.cond(case[0][0].linear) ** 2 if backwards else 1.0
    assert bound < min(1e-12 * lost, 1e-9)


def test_an_embedding_that_loses_a_direction_has_no_coefficients_to_compare() -> None:
    model = BilinearNetwork(3, 2, depth=1, width=2, hidden=3, embedding=True)
    for lost, compared in ((1.0, True), (0.0, False)):
        with torch.no_grad():
            model.get_parameter("embedding.weight")[1] *= lost
            model.get_parameter("embedding.bias")[1] *= lost
        assert same_states(model.layers(), square_layers(trace(model, "eigen"))) == compared
        assert prove(model, trace(model, "eigen"), small_digits(3, 2)).holds


@pytest.mark.props
@given(changed_layers())
def test_the_bound_covers_what_was_changed(case: tuple[list[Layer], list[SquareLayer]]) -> None:
    bound = coefficient_distance(*case).bound
    assert bound == np.inf or max(shares(*case)) <= Fraction(bound)


def test_layers_of_zeros_do_not_differ() -> None:
    nothing = squares(np.zeros((1, 2)), np.zeros((2, 1)), np.zeros((2, 2)))
    assert coefficient_distance([same_as(nothing)], [nothing]).bound == 0


# Claims


@pytest.mark.parametrize("method", DECOMPOSITIONS)
@pytest.mark.parametrize("residual", [True, False])
def test_every_decomposition_has_a_claim_that_holds(method: str, residual: bool) -> None:
    model = BilinearNetwork(9, 3, depth=2, width=4, hidden=5, residual=residual)
    graph = square_layers(trace(model, method))
    claim = coefficient_claim("it", method, model.layers(), graph, 1e-9)
    assert claim.holds
    assert claim.failure is None
    assert claim.level == ("exact" if method == "polarized" else "bounded")
    assert claim.name.startswith("it: same ")


@pytest.mark.parametrize("change", [lambda w: np.nextafter(w, 9), lambda w: -w, lambda w: w / 2])
def test_the_exact_claim_fails_for_the_smallest_change(change: Callable[[float], float]) -> None:
    model = BilinearNetwork(9, 3, depth=2, width=4, hidden=5)
    graph = square_layers(trace(model, "polarized"))
    mixing = graph[1].mixing.copy()
    mixing[2, 1] = change(mixing[2, 1])
    graph[1] = graph[1]._replace(mixing=mixing)
    claim = coefficient_claim("it", "polarized", model.layers(), graph, 1e-9)
    assert not claim.holds
    assert claim.failure.startswith("At node ('logit', 1), in layer 2, the coefficient of ")


@pytest.mark.parametrize("change", [lambda w: w * (1 + 1e-6), lambda w: -w, lambda w: w / 2])
def test_the_bounded_claim_fails_for_what_is_no_rounding(change: Callable[[float], float]) -> None:
    model = BilinearNetwork(9, 3, depth=2, width=4, hidden=5)
    graph = square_layers(trace(model, "eigen"))
    first = int(np.flatnonzero(graph[1].mixing[3])[0])
    mixing = graph[1].mixing.copy()
    mixing[3, first] = change(mixing[3, first])
    graph[1] = graph[1]._replace(mixing=mixing)
    claim = coefficient_claim("it", "eigen", model.layers(), graph, 1e-9)
    assert not claim.holds
    assert claim.evidence["largest relative difference, at most"] > 1e-9
    assert claim.failure.startswith("At node ('logit', 2), in layer 2, the coefficient of ")


def test_a_graph_with_features_where_the_network_has_none_is_infinitely_far_off() -> None:
    nothing = same_as(squares(np.zeros((1, 2)), np.zeros((2, 1)), np.zeros((2, 2))))
    claim = coefficient_claim("it", "eigen", [nothing], [ONE], 1e-9)
    assert claim.evidence["largest relative difference, at most"] == "inf"
    assert not claim.holds
