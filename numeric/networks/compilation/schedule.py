"""Layers in the normal form that compute what a circuit computes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse

from numeric.errors import NumericError
from numeric.networks.compilation.circuit import PRODUCT, SUM, Circuit, Integers, Value
from numeric.networks.normal_form import Layer


class _Stage(NamedTuple):
    """A layer before it takes memory.

    Attributes:
        state: the atoms that it reads, without the constant.
        neurons: the atoms that are its products.
        factors: what these multiply, two arrays of shape (neurons, atoms).
        targets: what it returns, shape (outputs, atoms).
    """

    state: Integers
    neurons: Integers
    factors: tuple[sparse.csr_array, sparse.csr_array]
    targets: sparse.csr_array

    @property
    def numbers(self) -> int:
        """How many its arrays have."""
        inputs, neurons = len(self.state) + 1, len(self.neurons)
        outputs = int(self.targets.shape[0]) + 1
        return 2 * neurons * inputs + outputs * (neurons + inputs)

    def layer(self) -> Layer:
        """Return it in the normal form."""
        columns = np.concatenate([[0], self.state])
        left, right = (factor[:, columns].toarray() for factor in self.factors)
        down, linear = (self.targets[:, place].toarray() for place in (self.neurons, columns))
        constant = np.eye(1, len(columns))
        down = np.concatenate([np.zeros((1, len(self.neurons))), down])
        return Layer(left, right, down, np.concatenate([constant, linear]))


def layers_of(circuit: Circuit, outputs: Value, memory: int) -> list[Layer]:
    """Return layers that take the circuit's inputs to some outputs.

    A layer returns what the layers above need: sums and products of its own level, and whatever
    came before, which ``linear`` carries on.

    Args:
        circuit: whose inputs are its first atoms after the constant.
        outputs: the entries are the outputs of the last layer.
        memory: how many bytes the layers may take.

    Raises:
        NumericError: they take more.

    Examples:
        >>> circuit = Circuit()
        >>> x = circuit.inputs((1,))
        >>> (layer,) = layers_of(circuit, circuit.product(x, x), memory=1000)
        >>> layer.left, layer.linear
        (array([[0., 1.]]), array([[1., 0.],
               [0., 0.]]))
    """
    stages: list[_Stage] = []
    targets = circuit.wide(outputs.weights)
    highest = int(circuit.levels[targets.indices].max(initial=0))
    targets = _defined(circuit, targets, highest)
    depth = int(circuit.sum_levels(targets).max(initial=1))
    for level in range(depth, 0, -1):
        stage = _stage(circuit, targets, level)
        stages.insert(0, stage)
        unit = sparse.eye_array(len(circuit.kinds), format="csr")[stage.state]
        targets = _defined(circuit, sparse.csr_array(unit), level - 1)
    needed = 8 * sum(stage.numbers for stage in stages)
    if needed > memory:
        raise NumericError(
            f"expected layers of at most {memory / 1e9:.3g} GB (memory), got some of "
            f"{needed / 1e9:.3g} GB: sizes of states are "
            f"{', '.join(str(len(stage.state)) for stage in stages)}"
        )
    return [stage.layer() for stage in stages]


def _stage(circuit: Circuit, targets: sparse.csr_array, level: int) -> _Stage:
    used = np.unique(targets.indices)
    own = (circuit.kinds[used] == PRODUCT) & (circuit.levels[used] == level)
    neurons, below = used[own], used[~own]
    none = sparse.csr_array((0, len(circuit.kinds)))
    left, right = circuit.made_of(neurons) if len(neurons) else (none, none)
    if level == 1:
        below = np.flatnonzero(
            circuit.levels == 0
        )  # all inputs, whether something reads them or not
    state = np.unique(np.concatenate([below, left.indices, right.indices]))
    return _Stage(state[state > 0], neurons, (left, right), targets)


def _defined(circuit: Circuit, targets: sparse.csr_array, level: int) -> sparse.csr_array:
    """Write what is one kept sum of a level as the sum that it is."""
    targets.sort_indices()
    alone = np.flatnonzero(np.diff(targets.indptr) == 1)
    atoms = targets.indices[targets.indptr[alone]]
    chosen = (circuit.kinds[atoms] == SUM) & (circuit.levels[atoms] == level)
    chosen &= targets.data[targets.indptr[alone]] == 1
    rows, atoms = alone[chosen], atoms[chosen]
    if not len(rows):
        return targets
    unique, places = np.unique(atoms, return_inverse=True)
    (sums,) = circuit.made_of(unique)
    stacked = sparse.csr_array(sparse.vstack([targets, sums]))
    order = np.arange(targets.shape[0])
    order[rows] = targets.shape[0] + places
    return sparse.csr_array(stacked[order])
