"""Spectra of nodes, held against matrices that are written out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from numeric import BilinearNetwork, SquareLayer, square_layers, trace
from numeric.graphs.quadratic_forms import QuadraticForms
from numeric.networks.normal_form import Layer


def layers(depth: int = 2, **shape: Any) -> list[SquareLayer]:
    network = BilinearNetwork(9, 3, **{"depth": depth, "width": 4, "hidden": 5, **shape})
    return square_layers(trace(network, "polarized"))


def written_out(layer: Layer | SquareLayer, weights: Any) -> Any:
    """The matrix of a weighted sum of outputs, a term at a time."""
    matrix = np.zeros((layer.linear.shape[1],) * 2)
    for output, weight in enumerate(weights):
        for feature, reading in enumerate(layer.readings):  # type: ignore[union-attr]
            mixing = layer.mixing[output, feature]  # type: ignore[union-attr]
            matrix += weight * mixing * np.outer(reading, reading)
        matrix[0] += weight * layer.linear[output] / 2
        matrix[:, 0] += weight * layer.linear[output] / 2
    return matrix


@pytest.mark.parametrize("shape", [{}, {"residual": True}, {"bias": False}, {"depth": 3}])
def test_the_spectrum_is_that_of_the_matrix_written_out(shape: dict[str, Any]) -> None:
    squares = layers(**shape)
    forms = QuadraticForms(squares)
    draw = np.random.default_rng(0)
    for number, layer in enumerate(squares, start=1):
        for weights in (*np.eye(len(layer.linear)), draw.standard_normal(len(layer.linear))):
            wanted = np.linalg.eigvalsh(written_out(layer, weights))
            wanted = wanted[np.argsort(-abs(wanted))]
            found = forms.of(number, weights).eigenvalues
            assert np.allclose(found, wanted[: len(found)], rtol=1e-9, atol=1e-12)
            assert np.allclose(wanted[len(found) :], 0, atol=1e-12)


def test_patterns_are_the_strongest_eigenvectors_of_each_sign_in_pixels() -> None:
    squares = layers()
    found = QuadraticForms(squares).of(1, np.eye(5)[2])
    values, vectors = np.linalg.eigh(written_out(squares[0], np.eye(5)[2]))
    for sign, place in ((1, -1), (-1, 0)):
        assert sign * values[place] > 0
        pattern = found.patterns[sign]
        assert abs(abs(pattern @ vectors[1:, place]) - vectors[1:, place] @ vectors[1:, place]) < (
            1e-9
        )
        assert pattern.max() == abs(pattern).max()


@pytest.mark.parametrize("inputs", [9, 40])
def test_the_constant_has_no_pattern_and_is_the_form_that_it_is(inputs: int) -> None:
    network = BilinearNetwork(inputs, 3, depth=2, width=4, hidden=5)
    found = QuadraticForms(square_layers(trace(network, "polarized"))).of(1, np.eye(5)[0])
    assert np.allclose(found.eigenvalues[:1], 1, rtol=1e-12)
    assert found.patterns == {}


def test_the_pattern_of_a_deeper_form_is_followed_down_to_the_pixels() -> None:
    squares = layers()
    forms = QuadraticForms(squares)
    pattern = forms.of(2, np.eye(4)[1]).patterns[1]
    values, vectors = np.linalg.eigh(written_out(squares[1], np.eye(4)[1]))
    below = forms.of(1, vectors[:, values.argmax()])
    strongest = 1 if below.eigenvalues[0] > 0 else -1
    assert np.allclose(pattern, below.patterns[strongest])


def test_a_form_of_one_sign_has_one_pattern() -> None:
    square = SquareLayer(np.eye(2, 3), np.zeros((2, 3)), np.ones((2, 2)), np.zeros((2, 3)))
    assert set(QuadraticForms([square]).of(1, np.array([0.0, 1.0])).patterns) == {1}
    assert set(QuadraticForms([square]).of(1, np.array([0.0, -1.0])).patterns) == {-1}


def test_a_form_of_nothing_has_no_pattern() -> None:
    square = SquareLayer(np.ones((1, 3)), np.zeros((1, 3)), np.zeros((2, 1)), np.zeros((2, 3)))
    found = QuadraticForms([square]).of(1, np.ones(2))
    assert found.eigenvalues.size == 0
    assert found.patterns == {}
