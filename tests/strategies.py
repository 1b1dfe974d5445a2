"""Hypothesis strategies for networks, with the odd corners that random weights never reach.

Kinds of numbers: ``tame`` ones, with which floating point stays close to the exact value; ``wild``
ones, every finite float from subnormals to the largest, for what is exact by claim; ``subnormal``
ones, for processors that take those for zero; and ``few``.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from numeric import BilinearNetwork, Layer

DTYPES = (np.float32, np.float64)

costly = settings(
    max_examples=settings.default.max_examples // (1 if settings.default.max_examples > 100 else 4)
)
"""For properties whose examples take long: the deep profile alone draws as many as of others."""


def tame(dtype: type = np.float64) -> st.SearchStrategy[float]:
    """Numbers of ordinary size, many of them round, zero among them."""
    width = 8 * np.dtype(dtype).itemsize
    return st.one_of(
        st.sampled_from([0.0, 1.0, -1.0, 0.5, 2.0]),
        st.floats(-4, 4, width=width, allow_subnormal=False).filter(
            lambda value: value == 0 or abs(value) > 1e-3
        ),
    )


def wild(dtype: type = np.float64) -> st.SearchStrategy[float]:
    """Every finite float: subnormals, huge exponents and neighbours of round numbers."""
    information = np.finfo(dtype)
    corners = [
        0.0,
        -0.0,
        float(information.smallest_subnormal),
        float(information.tiny),
        float(information.max),
        -float(information.max),
        float(np.nextafter(dtype(1), dtype(2))),
        1 / 3 if dtype is np.float64 else float(np.float32(1 / 3)),
    ]
    return st.one_of(
        st.sampled_from(corners),
        st.floats(allow_nan=False, allow_infinity=False, width=8 * np.dtype(dtype).itemsize),
    )


def subnormal(dtype: type = np.float64) -> st.SearchStrategy[float]:
    """Tame numbers beside those below the normal ones, which some processors take for zero."""
    tiny = float(np.finfo(dtype).tiny)
    below = st.floats(-tiny, tiny, width=8 * np.dtype(dtype).itemsize)
    return st.one_of(tame(dtype), below, below)


@st.composite
def matrices(
    draw: st.DrawFn, shape: tuple[int, int], elements: st.SearchStrategy[float], dtype: type
) -> npt.NDArray[Any]:
    """Matrices, some with a zero row, a repeated row or rank one."""
    matrix = draw(hnp.arrays(dtype, shape, elements=elements))
    corner = draw(st.sampled_from(["plain", "plain", "zero row", "repeated row", "rank one"]))
    if shape[0] > 1 and corner == "repeated row":
        matrix[-1] = matrix[0]
    if shape[0] > 0 and corner == "zero row":
        matrix[0] = 0
    if shape[0] > 0 and corner == "rank one":
        matrix[:] = matrix[0]
    return matrix


@st.composite
def networks(
    draw: st.DrawFn,
    *,
    elements: Any = tame,
    dtypes: tuple[type, ...] = DTYPES,
    max_depth: int = 3,
    max_size: int = 3,
) -> BilinearNetwork:
    """Networks of every shape the class has, from width 1 on, with weights of the given kind.

    Some have ``left = right`` (neurons that are squares), some orthonormal readings with equal
    weights (equal eigenvalues).
    """
    dtype = draw(st.sampled_from(dtypes))
    size = st.integers(1, max_size)
    network = BilinearNetwork(
        draw(size),
        draw(size),
        depth=draw(st.integers(1, max_depth)),
        width=draw(size),
        hidden=draw(size),
        bias=draw(st.booleans()),
        residual=draw(st.booleans()),
        embedding=draw(st.booleans()),
    ).to(torch.from_numpy(np.zeros(0, dtype)).dtype)
    with torch.no_grad():
        for parameter in network.parameters():
            shape = tuple(parameter.shape)
            drawn = draw(matrices((shape[0], int(np.prod(shape[1:]))), elements(dtype), dtype))
            parameter.copy_(torch.from_numpy(drawn.reshape(shape)))
        corner = draw(st.sampled_from(["plain", "plain", "squares", "equal eigenvalues"]))
        for block in network.blocks:
            if corner != "plain":
                block.right.load_state_dict(block.left.state_dict())
            if corner == "equal eigenvalues":
                for affine in (block.left, block.right):
                    torch.nn.init.eye_(affine.weight)
                block.down.weight.fill_(1.0)
    return network


@st.composite
def points(
    draw: st.DrawFn, inputs: int, *, elements: Any = tame, dtype: type = np.float64, count: int = 3
) -> npt.NDArray[Any]:
    """A few input points."""
    return draw(hnp.arrays(dtype, (count, inputs), elements=elements(dtype)))


@st.composite
def networks_with_points(
    draw: st.DrawFn, *, elements: Any = tame, **shape: Any
) -> tuple[BilinearNetwork, npt.NDArray[Any]]:
    """A network and a few inputs in its own dtype."""
    network = draw(networks(elements=elements, **shape))
    dtype = network.layers()[0].linear.dtype.type
    return network, draw(points(network.configuration.inputs, elements=elements, dtype=dtype))


def few(dtype: type = np.float64) -> st.SearchStrategy[float]:  # noqa: ARG001 -- as the others
    """Only a handful of numbers, so that sums cancel and polynomials coincide by accident."""
    return st.sampled_from([0.0, 0.0, 1.0, 1.0, -1.0, 0.5, 2.0])


@st.composite
def stacks(
    draw: st.DrawFn,
    *,
    elements: Callable[..., st.SearchStrategy[float]] = tame,
    inputs: int | None = None,
    outputs: int | None = None,
    max_depth: int = 2,
    max_size: int = 2,
    max_neurons: int = 2,
) -> list[Layer]:
    """Layers in the normal form that no network class has, in float64.

    Some have no neurons. The first component of a layer's output is the constant handed on by the
    linear part, or by a neuron, or anything at all.
    """
    size = st.integers(1, max_size)
    ends = [given or draw(size) for given in (inputs, outputs)]
    between = [draw(size) for _ in range(draw(st.integers(1, max_depth)) - 1)]
    layers = []
    for below, above in pairwise([ends[0], *between, ends[1]]):
        neurons = draw(st.integers(0, max_neurons))
        shapes = ((neurons, below + 1),) * 2 + ((above + 1, neurons), (above + 1, below + 1))
        left, right, down, linear = (
            draw(matrices(shape, elements(), np.float64)) for shape in shapes
        )
        passing = draw(st.sampled_from(["linear part", "linear part", "neuron", "nothing"]))
        if passing != "nothing":
            linear[0], down[0] = 0, 0
            if passing == "neuron" and neurons:
                left[0], right[0], down[0, 0] = 0, 0, 1
                left[0, 0] = right[0, 0] = 1
            else:
                linear[0, 0] = 1
        layers.append(Layer(left, right, down, linear))
    return layers


@st.composite
def any_stacks(draw: st.DrawFn, **shape: Any) -> list[Layer]:
    """Stacks of any kind of numbers."""
    return draw(stacks(elements=draw(st.sampled_from([few, tame, wild])), **shape))


@st.composite
def stacks_with_points(
    draw: st.DrawFn, *, count: int = 2, **shape: Any
) -> tuple[list[Layer], npt.NDArray[Any]]:
    """A stack of any kind of numbers, and a few inputs of the same kind."""
    elements = draw(st.sampled_from([few, tame, wild]))
    layers = draw(stacks(elements=elements, **shape))
    inputs = layers[0].linear.shape[1] - 1
    return layers, draw(points(inputs, elements=elements, count=count))


def subsets(count: int) -> st.SearchStrategy[list[int]]:
    """Some of the numbers from 0, ascending, at least one."""
    return st.sets(st.integers(0, count - 1), min_size=1).map(sorted)
