"""What is claimed, held against the checker's own test before it is claimed.

What the checker sees here are the arrays that will be written, so that a certificate is not
rejected by those who receive it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from numeric import Layer, SquareLayer
from proofs import checker
from proofs.certificates.claims import Claim, Level
from proofs.certificates.decimals import rounded_down

Arrays = Mapping[str, npt.NDArray[Any]]


class Verifier:
    """The checker's test of claims about one network, without files.

    Args:
        network: the layers of the network.
        graphs: the layers of its graphs, by the names that claims give them.
    """

    def __init__(
        self, network: Sequence[Layer], graphs: Mapping[str, Sequence[SquareLayer]]
    ) -> None:
        """Hold the layers."""
        self._stack = [
            checker.Layer(*map(_doubles, (left, right, np.zeros_like(left), down, linear)))
            for left, right, down, linear in network
        ]
        self._graphs = {
            name: [checker.Layer(each.readings, *each) for each in layers]
            for name, layers in graphs.items()
        }
        self._single = all(array.dtype == np.float32 for layer in network for array in layer)
        self._found: dict[Any, Any] = {}

    def refusal(self, claim: Claim, witnesses: Arrays) -> str | None:
        """Return why the checker rejects a claim, or nothing where it accepts it.

        Args:
            claim: of a kind that it knows.
            witnesses: the images and all arrays that the claim rests on.
        """
        kind = checker.CLAIMS[str(claim.kind)]
        arrays = dict(witnesses)
        try:
            with np.errstate(all="ignore"):
                numbers = kind.numbers(dict(claim.numbers))
                files = checker.Files(self._stack, self._single, self._graphs, arrays, self._found)
                kind.verify(files, **numbers)
        except Exception as error:  # noqa: BLE001 -- whatever it is, the checker rejects for it
            return str(error) if isinstance(error, checker.Rejected) else repr(error)
        return None

    def verified(self, claim: Claim, witnesses: Arrays) -> Claim:
        """Return a claim as far as the checker accepts it.

        Counts are lowered to what it counts. Of a bound that it does not find it is said that it is
        not claimed, and why. That a graph is the same polynomial fails without the checker's word.

        Args:
            claim: any.
            witnesses: the images and all arrays that it rests on.
        """
        why = None if claim.kind is None or not claim.holds else self.refusal(claim, witnesses)
        if why is None:
            return claim
        if claim.level is Level.EXACT:
            return replace(claim, kind=None, holds=False, failure=f"The checker says: {why}.")
        if claim.level is Level.BOUNDED:
            return refused(claim, why)
        (counted,) = claim.numbers.keys() & {"right", "same"}
        # The largest count that is accepted lies from low to high.
        low, high = -1, claim.numbers[counted] - 1
        while low < high:
            middle = (low + high + 1) // 2
            lower = Claim.of(str(claim.kind), {**claim.numbers, counted: middle})
            low, high = (low, middle - 1) if self.refusal(lower, witnesses) else (middle, high)
        if low < 0:
            return refused(claim, why)
        return Claim.of(str(claim.kind), {**claim.numbers, counted: low})


def refused(claim: Claim, why: str) -> Claim:
    """Return the remark that a claim was left out, with what the checker says of it."""
    said = f"the checker's own test does not accept it ({why})"
    return Claim.left_out(claim.name, claim.statement, said)


def accepted(accepts: Callable[[npt.NDArray[np.int64]], bool], count: int) -> npt.NDArray[np.bool_]:
    """Return which of some images are accepted, by halving what is not accepted together.

    Args:
        accepts: whether the images of some numbers are accepted together.
        count: how many images there are.

    Examples:
        >>> accepted(lambda places: 2 not in places, 4)
        array([ True,  True, False,  True])
    """
    found, todo = np.zeros(count, dtype=bool), [np.arange(count)]
    while todo:
        places = todo.pop()
        if accepts(places):
            found[places] = True
        elif len(places) > 1:
            todo += np.array_split(places, 2)
    return found


def radii_numbers(radii: npt.NDArray[np.float64], data: str) -> dict[str, Any]:
    """Return what claims say of radii: how many are above 0, and what quarters of these reach.

    Args:
        radii: one for each image, 0 where nothing is claimed.
        data: the hash of images and labels.

    Examples:
        >>> numbers = radii_numbers(np.array([0.0, 0.25, 0.75]), "0a1b")
        >>> numbers["count"], numbers["lower"], numbers["median"], numbers["upper"]
        (2, '0.25', '0.75', '0.75')
    """
    above = np.sort(radii[radii > 0])
    numbers: dict[str, Any] = {"images": len(radii), "data": data, "count": len(above)}
    for part, name in enumerate(("lower", "median", "upper"), start=1):
        reached = float(above[part * len(above) // 4]) if len(above) else 0.0
        numbers[name] = rounded_down(reached)
    return numbers


def _doubles(array: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    return np.asarray(array, dtype=np.float64)
