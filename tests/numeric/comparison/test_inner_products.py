"""Inner products of networks against moments and tensors in fractions, written out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from numeric import BilinearNetwork, Layer, NumericError, trace
from numeric.comparison.inner_products import (
    gaussian_inner_product,
    similarity,
    tensor_inner_product,
)
from tests.oracles import Polynomial, expansion, matrix, polynomial_product
from tests.strategies import networks, stacks

Doubles = npt.NDArray[np.float64]
Pair = tuple[list[Layer], list[Layer]]


def passing_the_constant(layers: list[Layer]) -> list[Layer]:
    for layer in layers[:-1]:
        layer.down[0], layer.linear[0] = 0, 0
        layer.linear[0, 0] = 1
    return layers


@st.composite
def pairs(draw: st.DrawFn, max_depth: int = 2, max_inputs: int = 2) -> Pair:
    """Networks, some with an embedding or a residual, each beside a stack of any kind."""
    shape = draw(networks(max_depth=max_depth, max_size=max_inputs)).layers()
    inputs, outputs = shape[0].linear.shape[1] - 1, len(shape[-1].linear) - 1
    other = draw(stacks(inputs=inputs, outputs=outputs, max_depth=max_depth))
    both = (shape, passing_the_constant(other))
    return both if draw(st.booleans()) else (both[1], both[0])


def depth_of(layers: Sequence[Layer]) -> int:
    return max(1, sum(len(layer.left) > 0 for layer in layers))


def absolute(layers: Sequence[Layer]) -> list[Layer]:
    """Weights without signs: no sum of theirs cancels, so it is the size of what was summed."""
    return [Layer(*(abs(array) for array in layer)) for layer in layers]


def network(depth: int = 2, seed: int = 0, **shape: Any) -> BilinearNetwork:
    shape = {"width": 3, "hidden": 4, **shape}
    return BilinearNetwork(4, 3, depth=depth, seed=seed, **shape).double()


# Oracles


def normal_mean(polynomial: Polynomial) -> Fraction:
    """The mean over independent normal variables, monomial by monomial."""
    total = Fraction(0)
    for powers, coefficient in polynomial.items():
        if all(power % 2 == 0 for power in powers):
            total += coefficient * math.prod(math.prod(range(1, power, 2)) for power in powers)
    return total


def slow_gaussian(first: Sequence[Layer], second: Sequence[Layer]) -> list[list[Fraction]]:
    return [
        [normal_mean(polynomial_product(one, other)) for other in expansion(second)]
        for one in expansion(first)
    ]


def tensors(layers: Sequence[Layer]) -> list[Any]:
    """The tensor of every output over the constant and the inputs, entry by entry."""
    size = layers[0].linear.shape[1]
    state: list[Any] = [np.array([Fraction(int(i == j)) for j in range(size)]) for i in range(size)]
    constant = state[0]
    for layer in layers:
        rows = matrix(layer.linear)
        if len(layer.left):
            state = [
                sum(
                    entry * np.multiply.outer(state[i], state[j])
                    for (i, j), entry in np.ndenumerate(of_output)
                )
                for of_output in matrices(layer)
            ]
        else:
            state = [sum(w * form for w, form in zip(row, state, strict=True)) for row in rows]
    if state[0].ndim == 1:
        state = [
            (np.multiply.outer(constant, y) + np.multiply.outer(y, constant)) / 2 for y in state
        ]
    return state[1:]


def matrices(layer: Layer) -> list[Any]:
    """The symmetric matrix of every output, the linear part beside the constant."""
    left, right, down, linear = map(matrix, layer)
    size = len(linear[0])
    found = []
    for mixed, row in zip(down, linear, strict=True):
        whole = np.full((size, size), Fraction(0))
        for weight, one, other in zip(mixed, left, right, strict=True):
            crossed = np.multiply.outer(np.array(one), np.array(other))
            whole = whole + weight * (crossed + crossed.T) / 2
        whole[0] += np.array(row) / 2
        whole[:, 0] += np.array(row) / 2
        found.append(whole)
    return found


def slow_tensor(first: Sequence[Layer], second: Sequence[Layer]) -> list[list[Fraction]]:
    ones, others = tensors(first), tensors(second)
    return [[(one * other).sum() for other in others] for one in ones]


def assert_near(found: Any, expected: list[list[Fraction]], sizes: list[list[Fraction]]) -> None:
    scale = float(max(map(max, sizes)))
    np.testing.assert_allclose(
        found.pairs, np.array(expected, dtype=float), rtol=1e-9, atol=1e-12 * scale
    )
    assert found.total == pytest.approx(np.trace(found.pairs), rel=1e-12, abs=1e-300)
    assert (found.method, found.standard_error) == ("closed form", 0)
    assert found.pair_standard_errors.shape == found.pairs.shape
    assert not found.pair_standard_errors.any()


# Against the oracles


@pytest.mark.props
@given(pairs())
def test_gaussian_products_are_the_means_of_products_of_polynomials(case: Pair) -> None:
    first, second = case
    found = gaussian_inner_product(first, second)
    sizes = slow_gaussian(absolute(first), absolute(second))
    assert_near(found, slow_gaussian(first, second), sizes)


@pytest.mark.props
@given(networks(max_depth=2, max_size=2))
def test_the_gaussian_norm_of_a_network_is_its_mean_square(model: BilinearNetwork) -> None:
    layers = model.layers()
    found = gaussian_inner_product(model, model)
    assert_near(found, slow_gaussian(layers, layers), slow_gaussian(*[absolute(layers)] * 2))


@pytest.mark.props
@given(pairs(max_depth=3, max_inputs=1))
def test_tensor_products_are_those_of_the_unfolded_tensors(case: Pair) -> None:
    first, second = case
    assume(depth_of(first) == depth_of(second))
    found = tensor_inner_product(first, second)
    sizes = slow_tensor(absolute(first), absolute(second))
    assert_near(found, slow_tensor(first, second), sizes)


@pytest.mark.props
@given(pairs(max_inputs=2))
def test_tensor_products_of_wider_networks(case: Pair) -> None:
    first, second = case
    assume(depth_of(first) == depth_of(second))
    found = tensor_inner_product(first, second)
    sizes = slow_tensor(absolute(first), absolute(second))
    assert_near(found, slow_tensor(first, second), sizes)


def test_tensor_products_of_three_layers_with_two_inputs() -> None:
    shape: dict[str, Any] = {
        "depth": 3,
        "width": 2,
        "hidden": 1,
        "embedding": True,
        "residual": True,
    }
    first, second = (BilinearNetwork(2, 1, **shape, seed=seed).layers() for seed in (0, 1))
    expected = slow_tensor(first, second)
    assert_near(tensor_inner_product(first, second), expected, expected)


# What they say


def test_the_tensors_of_one_function_may_differ_where_the_function_does_not() -> None:
    """x²y² as a product of two squares and as the square of a product."""
    constant, x, y = np.eye(3)
    none = np.zeros((3, 3))
    none[0, 0] = 1
    squares = Layer(np.stack([x, y]), np.stack([x, y]), np.eye(3)[:, 1:], none)
    of_squares = Layer(x[None], y[None], np.eye(2)[:, 1:], np.zeros((2, 3)))
    product = Layer(x[None], y[None], np.eye(3)[:, 1:2], none)
    of_product = Layer(x[None], x[None], np.eye(2)[:, 1:], np.zeros((2, 3)))
    first, second = [squares, of_squares], [product, of_product]
    assert expansion(first) == expansion(second)
    assert constant[0] == 1
    assert gaussian_inner_product(first, second).total == pytest.approx(9)
    assert similarity(first, second, "gaussian").value == pytest.approx(1)
    assert similarity(first, second, "tensor").value == 0


def test_networks_of_one_and_two_layers_share_a_gaussian_measure() -> None:
    first, second = network(1).layers(), network(2, width=3).layers()
    found = gaussian_inner_product(first, second)
    np.testing.assert_allclose(found.pairs, np.array(slow_gaussian(first, second), dtype=float))
    back = gaussian_inner_product(second, first)
    np.testing.assert_allclose(found.pairs, back.pairs.T)


@pytest.mark.parametrize("product", [gaussian_inner_product, tensor_inner_product])
@pytest.mark.parametrize("depth", [1, 2])
def test_an_embedding_counts_by_what_it_does(product: Any, depth: int) -> None:
    embedded = network(depth, embedding=True, bias=True)
    merged = embedded.layers()
    embedding, first, *above = merged
    merged = [
        first._replace(
            left=first.left @ embedding.linear,
            right=first.right @ embedding.linear,
            linear=first.linear @ embedding.linear,
        ),
        *above,
    ]
    other = network(depth, seed=1)
    np.testing.assert_allclose(product(embedded, other).pairs, product(merged, other).pairs)
    np.testing.assert_allclose(product(embedded, merged).total, product(merged, merged).total)


@pytest.mark.parametrize("method", ["eigen", "polarized"])
def test_a_graph_is_as_good_as_its_network(method: str) -> None:
    model = network()
    graph = trace(model, method)
    assert similarity(model, graph, "gaussian").value == pytest.approx(1)
    assert similarity(graph, model, "tensor").value == pytest.approx(1)


# Laws


@pytest.mark.props
@given(pairs(max_depth=2))
def test_products_are_symmetric_and_obey_cauchy_and_schwarz(case: Pair) -> None:
    first, second = case
    products = [gaussian_inner_product]
    if depth_of(first) == depth_of(second):
        products.append(tensor_inner_product)
    for product in products:
        scale = product(absolute(first), absolute(second)).total
        both = product(first, second)
        np.testing.assert_allclose(
            both.pairs, product(second, first).pairs.T, rtol=1e-9, atol=1e-12 * scale
        )
        norms = product(first, first).total, product(second, second).total
        sizes = [product(absolute(layers), absolute(layers)).total for layers in case]
        bounds = [norm + 1e-12 * size for norm, size in zip(norms, sizes, strict=True)]
        assert min(bounds) >= 0
        assert abs(both.total) <= (1 + 1e-9) * math.sqrt(bounds[0] * bounds[1]) + 1e-12 * scale


@pytest.mark.parametrize("measure", ["tensor", "gaussian"])
@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("shape", [{}, {"residual": True}, {"embedding": True}, {"width": 1}])
def test_a_network_is_similar_to_itself_and_opposite_to_its_negative(
    measure: str, depth: int, shape: dict[str, Any]
) -> None:
    layers = network(depth, **shape).layers()
    negative = [
        *layers[:-1],
        layers[-1]._replace(down=-3 * layers[-1].down, linear=-3 * layers[-1].linear),
    ]
    assert similarity(layers, layers, measure).value == pytest.approx(1, abs=1e-14)
    assert similarity(layers, negative, measure).value == pytest.approx(-1, abs=1e-14)
    other = similarity(layers, network(depth, seed=5, **shape), measure)
    assert -0.99 < other.value < 0.99
    assert (other.method, other.standard_error) == ("closed form", 0)


@pytest.mark.parametrize("product", [gaussian_inner_product, tensor_inner_product])
@pytest.mark.parametrize("depth", [1, 2])
def test_a_rotation_of_the_inputs_of_both_changes_nothing(product: Any, depth: int) -> None:
    turn = np.eye(5)
    turn[1:, 1:] = np.linalg.qr(np.random.default_rng(0).normal(size=(4, 4)))[0]
    both = [network(depth, seed).layers() for seed in (0, 1)]
    turned = [[read_through(layers[0], turn), *layers[1:]] for layers in both]
    expected = product(*both)
    np.testing.assert_allclose(product(*turned).pairs, expected.pairs, rtol=1e-10)
    assert product(turned[0], both[1]).total != pytest.approx(expected.total)
    turn[1:] *= 2
    stretched = [[read_through(layers[0], turn), *layers[1:]] for layers in both]
    assert product(*stretched).total != pytest.approx(expected.total)


def read_through(layer: Layer, change: Doubles) -> Layer:
    return layer._replace(
        left=layer.left @ change, right=layer.right @ change, linear=layer.linear @ change
    )


@pytest.mark.parametrize(
    ("product", "depth"),
    [(gaussian_inner_product, 2), (tensor_inner_product, 2), (tensor_inner_product, 3)],
)
@pytest.mark.parametrize("residual", [True, False])
def test_the_basis_of_a_hidden_state_does_not_matter(
    product: Any, depth: int, *, residual: bool
) -> None:
    layers, other = network(depth, residual=residual).layers(), network(depth, seed=1)
    change = np.random.default_rng(2).normal(size=(4, 4))
    change[0] = np.eye(4)[0]
    inverse = np.linalg.inv(change)
    inverse[0] = change[0]
    changed = [
        layers[0]._replace(down=change @ layers[0].down, linear=change @ layers[0].linear),
        read_through(layers[1], inverse),
        *layers[2:],
    ]
    expected = product(layers, other).pairs
    np.testing.assert_allclose(product(changed, other).pairs, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("product", [gaussian_inner_product, tensor_inner_product])
def test_left_and_right_may_change_places(product: Any) -> None:
    layers, other = network().layers(), network(seed=1)
    swapped = [layer._replace(left=layer.right, right=layer.left) for layer in layers]
    np.testing.assert_allclose(product(swapped, other).pairs, product(layers, other).pairs)


def test_the_last_layers_constant_is_no_output() -> None:
    layers = network().layers()
    loud = [*layers[:-1], layers[-1]._replace(down=layers[-1].down + np.eye(4)[:, :1])]
    for product in (gaussian_inner_product, tensor_inner_product):
        assert product(loud, layers).total == product(layers, layers).total


# Samples


@pytest.mark.parametrize("depth", [1, 2])
def test_a_sampled_mean_is_within_its_error_of_the_closed_form(depth: int) -> None:
    first, second = network(depth), network(depth, seed=1)
    exact = gaussian_inner_product(first, second)
    drawn = gaussian_inner_product(first, second, samples=30_000, seed=3)
    assert drawn.method == "sampled"
    assert abs(drawn.total - exact.total) < 4 * drawn.standard_error
    assert (abs(drawn.pairs - exact.pairs) < 5 * drawn.pair_standard_errors).all()
    assert drawn.total == pytest.approx(np.trace(drawn.pairs))
    assert drawn.standard_error < 0.2 * abs(exact.total)


def test_standard_errors_are_the_spread_over_seeds() -> None:
    first, second = network(1), network(1, seed=1)
    draws = [gaussian_inner_product(first, second, samples=500, seed=seed) for seed in range(80)]
    ratio = np.std([drawn.total for drawn in draws]) / np.mean(
        [drawn.standard_error for drawn in draws]
    )
    assert 0.75 < ratio < 1.3
    ratios = np.std([drawn.pairs for drawn in draws], axis=0) / np.mean(
        [drawn.pair_standard_errors for drawn in draws], axis=0
    )
    assert 0.6 < ratios.min() < ratios.max() < 1.5
    alike = [similarity(first, second, "gaussian", samples=500, seed=seed) for seed in range(80)]
    ratio = np.std([drawn.value for drawn in alike]) / np.mean(
        [drawn.standard_error for drawn in alike]
    )
    assert 0.75 < ratio < 1.3


def test_samples_are_those_of_their_seed() -> None:
    first, second = network(3), network(3, seed=1)
    one, same, other = (
        gaussian_inner_product(first, second, samples=50, seed=seed) for seed in (0, 0, 1)
    )
    assert one.total == same.total != other.total
    assert one.standard_error > 0


def test_a_sampled_similarity_is_within_bounds_and_its_error() -> None:
    first, second = network(2), network(2, seed=1)
    exact = similarity(first, second, "gaussian").value
    drawn = similarity(first, second, "gaussian", samples=30_000)
    assert drawn.method == "sampled"
    assert abs(drawn.value - exact) < 4 * drawn.standard_error < 0.4
    itself = similarity(network(3), network(3), "gaussian", samples=20)
    assert itself.value == pytest.approx(1)
    assert itself.standard_error == pytest.approx(0, abs=1e-12)


# Refusals


@pytest.mark.parametrize("product", [gaussian_inner_product, tensor_inner_product, similarity])
def test_networks_of_other_sizes_are_refused(product: Any) -> None:
    with pytest.raises(NumericError, match=r"^expected second to have 4 inputs like first, got 5$"):
        product(network(), BilinearNetwork(5, 3))
    with pytest.raises(
        NumericError, match=r"^expected second to have 3 outputs like first, got 2$"
    ):
        product(network(), BilinearNetwork(4, 2))


def test_tensors_of_other_depths_are_refused() -> None:
    message = r"^expected second to have 2 layers with neurons like first, got 3$"
    with pytest.raises(NumericError, match=message):
        tensor_inner_product(network(2), network(3))


@pytest.mark.parametrize(("place", "name"), [(0, "first"), (1, "second")])
def test_too_deep_a_network_needs_samples(place: int, name: str) -> None:
    both = [network(2), network(1)]
    both[place] = network(3)
    with pytest.raises(NumericError) as caught:
        gaussian_inner_product(*both)
    assert str(caught.value) == (
        f"expected {name} to have at most 2 layers with neurons for the closed form, got 3: pass "
        "samples to estimate the mean"
    )


@pytest.mark.parametrize("samples", [None, 10])
def test_an_overflow_is_refused(samples: int | None) -> None:
    model = network()
    with torch.no_grad():
        model.blocks[0].left.weight.fill_(1e100)
        model.blocks[0].right.weight.fill_(1e100)
    for product in (gaussian_inner_product, similarity):
        with pytest.raises(NumericError, match=r"float64 can hold, got an overflow$"):
            product(model, model, **({"samples": samples} if samples else {}), **gaussian(product))
    with pytest.raises(NumericError, match=r"float64 can hold, got an overflow$"):
        tensor_inner_product(model, model)


def gaussian(product: Any) -> dict[str, str]:
    return {"measure": "gaussian"} if product is similarity else {}


@pytest.mark.parametrize("samples", [None, 10])
@pytest.mark.parametrize(("place", "name"), [(0, "first"), (1, "second")])
def test_nothing_is_similar_to_zero(samples: int | None, place: int, name: str) -> None:
    both = [network(), network()]
    with torch.no_grad():
        for parameter in both[place].blocks[-1].parameters():
            parameter.zero_()
    with pytest.raises(NumericError) as caught:
        similarity(*both, "gaussian", samples=samples)
    assert str(caught.value) == f"expected {name} to be another function than 0, got a norm of 0"
    assert gaussian_inner_product(*both).total == 0


def test_an_unknown_measure_is_refused() -> None:
    message = r"^expected measure to be 'tensor' or 'gaussian', got 'cosine'$"
    with pytest.raises(NumericError, match=message):
        similarity(network(), network(), "cosine")
    with pytest.raises(
        NumericError, match=r"^expected samples for the gaussian measure alone, got"
    ):
        similarity(network(), network(), samples=5)
