"""Margins between two classes: quadratics in the pixels that are what the network computes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from numeric import BilinearNetwork, Layer, NumericError, from_module
from proofs.errors import ProofError
from proofs.robustness.pairs import PairMargin, PairMargins
from tests.modules import Research
from tests.strategies import networks, points

Doubles = npt.NDArray[np.float64]


def single_layers() -> st.SearchStrategy[BilinearNetwork]:
    """Networks of one layer of neurons and several classes."""
    return networks(max_depth=1, max_size=4).filter(
        lambda network: network.configuration.outputs > 1
    )


def difference(network: BilinearNetwork, images: Doubles, own: int, rival: int) -> torch.Tensor:
    outputs: torch.Tensor = network.double()(torch.from_numpy(images).requires_grad_())
    return outputs[:, own] - outputs[:, rival]


@pytest.mark.props
@given(data=st.data())
def test_a_margin_is_the_difference_of_two_logits(data: st.DataObject) -> None:
    network = data.draw(single_layers())
    margins = PairMargins(network.layers())
    images = data.draw(points(margins.inputs))
    own, rival = data.draw(st.permutations(range(margins.classes)))[:2]
    wanted = difference(network, images, own, rival).detach().numpy()
    found = margins.between(own, rival).value(images)
    np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-9)


@pytest.mark.props
@given(data=st.data())
def test_its_gradient_is_that_of_torch(data: st.DataObject) -> None:
    network = data.draw(single_layers()).double()
    margins = PairMargins(network.layers())
    images = data.draw(points(margins.inputs))
    leaf = torch.from_numpy(images).requires_grad_()
    outputs = network(leaf)
    (wanted,) = torch.autograd.grad((outputs[:, 1] - outputs[:, 0]).sum(), leaf)
    found = margins.between(1, 0).gradient(images)
    np.testing.assert_allclose(found, wanted.numpy(), rtol=1e-10, atol=1e-9)


@pytest.mark.props
@given(data=st.data())
def test_the_rivals_margin_is_the_negative_and_decomposed_as_well(data: st.DataObject) -> None:
    margins = PairMargins(data.draw(single_layers()).layers())
    images = data.draw(points(margins.inputs))
    one, other = margins.between(0, 1), margins.between(1, 0)
    np.testing.assert_array_equal(other.value(images), -one.value(images))
    np.testing.assert_array_equal(other.gradient(images), -one.gradient(images))
    for margin in (one, other):
        size = 1e-12 * max(1.0, abs(margin.matrix).max())
        product = (margin.eigenvectors * margin.eigenvalues) @ margin.eigenvectors.T
        np.testing.assert_array_equal(margin.matrix, margin.matrix.T)
        np.testing.assert_allclose(product, margin.matrix, atol=size)
        assert (np.diff(margin.eigenvalues) >= 0).all()


@pytest.mark.parametrize("part", ["constant", "linear", "matrix"])
def test_every_part_of_a_margin_is_needed(part: str) -> None:
    network = BilinearNetwork(3, 3, depth=1, hidden=4, residual=True).double()
    images = np.random.default_rng(0).normal(size=(3, 3))
    whole = PairMargins(network.layers()).between(2, 1)
    parts: dict[str, Any] = {
        name: getattr(whole, name) for name in ("constant", "linear", "matrix")
    }
    wanted = difference(network, images, 2, 1).detach().numpy()
    np.testing.assert_allclose(PairMargin(**parts).value(images), wanted, rtol=1e-12)
    without = PairMargin(**(parts | {part: 0 * parts[part]}))
    assert (abs(without.value(images) - wanted) > 1e-6).all()


def test_every_pair_is_decomposed_once_and_when_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    count, eigh = 0, np.linalg.eigh

    def counted(matrix: Doubles) -> Any:
        nonlocal count
        count += 1
        return eigh(matrix)

    monkeypatch.setattr(np.linalg, "eigh", counted)
    margins = PairMargins(BilinearNetwork(3, 4, depth=1, hidden=2).layers())
    margins.between(0, 2).value(np.zeros((1, 3)))
    assert count == 0
    assert len(margins.between(0, 3).eigenvalues) == 3
    assert count == 1
    for _ in range(2):
        for own in range(4):
            for rival in {0, 1, 2, 3} - {own}:
                assert margins.between(own, rival).eigenvectors.shape == (3, 3)
    assert count == 6


@pytest.mark.parametrize("embedding", [False, True])
def test_a_second_layer_of_neurons_is_refused(embedding: bool) -> None:
    network = BilinearNetwork(3, 2, depth=2, width=2, hidden=2, embedding=embedding)
    with pytest.raises(ProofError) as caught:
        PairMargins(network.layers())
    assert str(caught.value) == (
        "expected layers of which at most one has neurons, got 2 that have some"
    )


def test_embedding_and_head_are_multiplied_in() -> None:
    torch.manual_seed(0)
    module = Research(1, bias=True).double()
    layers = from_module(module, torch.zeros(1, 6)).layers()
    margins, x = PairMargins(layers), np.random.default_rng(0).standard_normal((5, 6))
    assert (margins.classes, margins.inputs, len(layers)) == (3, 6, 2)
    with torch.no_grad():
        outputs = module(torch.from_numpy(x)).numpy()
    for own, rival in ((0, 1), (2, 0)):
        np.testing.assert_allclose(
            margins.between(own, rival).value(x), outputs[:, own] - outputs[:, rival], rtol=1e-12
        )


def test_a_single_class_has_no_margin() -> None:
    with pytest.raises(ProofError, match=r"^expected layers with at least 2 classes, got 1$"):
        PairMargins(BilinearNetwork(3, 1, depth=1, hidden=2).layers())


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ((3, 0), "expected predicted to be a class from 0 to 2, got 3"),
        ((0, -1), "expected rival to be a class from 0 to 2, got -1"),
        ((1, 1), "expected rival to be another class than predicted, got 1"),
    ],
)
def test_classes_that_there_are_not_are_refused(pair: tuple[int, int], message: str) -> None:
    margins = PairMargins(BilinearNetwork(3, 3, depth=1, hidden=2).layers())
    with pytest.raises(ProofError) as caught:
        margins.between(*pair)
    assert str(caught.value) == message


@pytest.mark.parametrize("part", ["left", "down", "linear"])
def test_weights_that_leave_the_range_are_refused(part: str) -> None:
    layer = BilinearNetwork(3, 2, depth=1, hidden=2).double().layers()[0]
    for name in {"left", "down", "linear"} if part == "down" else {part}:
        getattr(layer, name)[1:] = 1.7e308
    layer.linear[2] *= -1
    if part == "left":
        layer.right[:] = 10
    with pytest.raises(ProofError, match="margin between classes 0 and 1 well within the range"):
        PairMargins([layer]).between(1, 0)


def test_weights_that_are_not_finite_are_refused() -> None:
    none = np.zeros((0, 3))
    layer = Layer(none, none, none.T, np.full((3, 3), np.nan))
    with pytest.raises(NumericError, match="expected linear of layer 1 to be finite"):
        PairMargins([layer])


@pytest.mark.parametrize("size", [1e160, 1e308])
def test_margins_beyond_the_range_are_refused(size: float) -> None:
    margin = PairMargin(1.0, np.ones(2), np.array([[4.0, 3.0], [3.0, -4.0]]))
    large = np.array([[size, -size]])
    with pytest.raises(ProofError, match="within the range of float64, got larger margins"):
        margin.value(large)
    assert np.isfinite(margin.gradient(large / 100)).all()
    with pytest.raises(ProofError, match="within the range of float64, got larger margins"):
        margin.gradient(np.array([[1.7e308, 1.7e308]]))
