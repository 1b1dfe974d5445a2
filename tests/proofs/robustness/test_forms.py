"""Forms of neurons: held against matrices that are written out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofs.robustness.forms import Forms
from tests.strategies import few

Doubles = npt.NDArray[np.float64]


def drawn(neurons: int, inputs: int, seed: int = 0) -> tuple[Doubles, Doubles, Doubles]:
    draw = np.random.default_rng(seed)
    left, right = draw.normal(size=(2, neurons, inputs))
    return left, right, draw.normal(size=neurons)


def written_out(left: Doubles, right: Doubles, weights: Doubles) -> Doubles:
    """The matrix of a form, neuron by neuron."""
    whole = np.zeros((left.shape[1], left.shape[1]))
    for one, other, weight in zip(left, right, weights, strict=True):
        whole += weight * (np.outer(one, other) + np.outer(other, one)) / 2
    return whole


@pytest.mark.parametrize(("neurons", "inputs"), [(3, 8), (8, 3), (1, 1), (1, 4), (0, 2)])
def test_a_form_is_the_sum_of_its_neurons(neurons: int, inputs: int) -> None:
    left, right, weights = drawn(neurons, inputs)
    forms, whole = Forms(left, right), written_out(left, right, weights)
    vectors = np.random.default_rng(1).normal(size=(5, inputs))
    found = forms.times(np.repeat(weights[None], 5, axis=0), vectors)
    np.testing.assert_allclose(found, vectors @ whole, atol=1e-13)
    norm = forms.norms(weights[None])[0]
    assert np.linalg.norm(whole) <= norm <= np.linalg.norm(whole) * (1 + 1e-6)


@pytest.mark.parametrize(("neurons", "inputs"), [(3, 8), (8, 3), (1, 1), (1, 4), (20, 60)])
def test_a_bound_is_proved_down_to_the_least_eigenvalue_and_not_below(
    neurons: int, inputs: int
) -> None:
    for seed in range(5):
        left, right, weights = drawn(neurons, inputs, seed)
        forms = Forms(left, right)
        least = -np.linalg.eigvalsh(written_out(left, right, weights))[0]
        if least > 1e-9:
            assert forms.factored(weights).at_least(least * (1 + 1e-6))
            assert not forms.factored(weights).at_least(least * (1 - 1e-6))
        assert not forms.factored(weights).at_least(-1.0)
        assert not forms.factored(weights).at_least(0.0)
        most = np.linalg.eigvalsh(written_out(left, right, weights))[-1]
        if most > 1e-9:
            other = forms.factored(weights).reversed()
            assert other.at_least(most * (1 + 1e-6))
            assert not other.at_least(most * (1 - 1e-6))


@pytest.mark.props
@given(data=st.data())
def test_what_is_proved_of_odd_forms_is_so(data: st.DataObject) -> None:
    neurons, inputs = data.draw(st.integers(0, 4)), data.draw(st.integers(1, 4))
    numbers = st.lists(few(), min_size=neurons * inputs, max_size=neurons * inputs)
    left, right = (np.array(data.draw(numbers)).reshape(neurons, inputs) for _ in range(2))
    weights = np.array(data.draw(st.lists(few(), min_size=neurons, max_size=neurons)))
    weights = np.ldexp(weights, data.draw(st.integers(-40, 40)))
    least = -np.linalg.eigvalsh(written_out(left, right, weights))[0]
    for bound in (least, 1.1 * least, 0.9 * least, 1.0, abs(least) / 2):
        assert not Forms(left, right).factored(weights).at_least(bound) or bound >= least * (
            1 - 1e-9
        )
