"""Addition modulo a number: a task whose inputs are finitely many, so that all can be looked at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from numeric.data.digits import Digits
from numeric.data.shapes import InputShape
from numeric.errors import NumericError

NAME = "modular-addition"
"""What the command line calls the task."""

_TRAINED = 0.6
"""The share of all pairs that is trained on."""


@dataclass(frozen=True)
class ModularAddition:
    r"""The sum of two numbers modulo another, :math:`(a + b) \bmod p`, of one-hot numbers.

    An input is a table of two rows, :math:`a` and :math:`b`, and :math:`p` columns, with a 1 in
    each row; the class is the sum. There are :math:`p^2` inputs and no others.

    Args:
        modulus: :math:`p`, at least 2.

    Raises:
        NumericError: the modulus is no integer from 2.

    Source:
        N. Nanda et al., *Progress measures for grokking via mechanistic interpretability*, arXiv
        2301.05217, for the task as an object of study.

    Examples:
        >>> task = ModularAddition(3)
        >>> task.inputs[5], task.labels[5]
        (array([0., 1., 0., 0., 0., 1.], dtype=float32), np.int64(0))
        >>> task.name_of(5)
        '1 + 2'
    """

    modulus: int = 59

    def __post_init__(self) -> None:
        """Refuse what there is no table of."""
        if type(self.modulus) is not int or self.modulus < 2:
            raise NumericError(f"expected modulus to be an integer from 2, got {self.modulus!r}")

    @property
    def inputs(self) -> npt.NDArray[np.float32]:
        """All inputs, shape (p², 2p), in the order of a, and for each a of b."""
        hot = np.eye(self.modulus, dtype=np.float32)
        return np.concatenate([hot.repeat(self.modulus, 0), np.tile(hot, (self.modulus, 1))], 1)

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """The classes of all inputs, shape (p²,)."""
        numbers = np.arange(self.modulus)
        return np.add.outer(numbers, numbers).ravel() % self.modulus

    @property
    def shape(self) -> InputShape:
        """The shape of an input: a row for each of the two numbers."""
        numbers = tuple(map(str, range(self.modulus)))
        return InputShape((2, self.modulus), (("a", "b"), numbers))

    @property
    def trained(self) -> int:
        """How many inputs are trained on."""
        return round(_TRAINED * self.modulus**2)

    def name_of(self, index: int) -> str:
        """Return an input in words.

        Args:
            index: in the order of :attr:`inputs`.
        """
        return " + ".join(map(str, divmod(index, self.modulus)))

    def data(self, seed: int = 0) -> Digits:
        """Return the inputs in a split: six tenths to train on, the others to test on.

        Args:
            seed: draws which.
        """
        order = np.random.default_rng(seed).permutation(self.modulus**2)
        train, test = np.split(order, [self.trained])
        inputs, labels = self.inputs, self.labels
        names = tuple(map(str, range(self.modulus)))
        parts = inputs[train], labels[train], inputs[test], labels[test]
        return Digits(*parts, self.shape, names)
