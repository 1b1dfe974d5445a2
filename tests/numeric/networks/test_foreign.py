"""Networks of research code, held against that code's own forward pass and against fractions."""

from __future__ import annotations

import copy
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from numeric import BilinearNetwork, NumericError, rewrite, trace
from numeric.networks.foreign import from_state_dict, load_foreign
from numeric.networks.layered import LayeredNetwork
from numeric.networks.normal_form import Layer
from tests.oracles import value
from tests.strategies import matrices, tame, wild

pytestmark = pytest.mark.filterwarnings("ignore:nothing was compared:UserWarning")

Arrays = dict[str, npt.NDArray[Any]]


class Research(nn.Module):
    """The network of the research code: what a block computes is read by the next as it is."""

    def __init__(
        self, inputs: int, sizes: list[int], outputs: int, *, bias: bool, residual: bool
    ) -> None:
        super().__init__()
        self.residual = residual
        self.embed = nn.Linear(inputs, sizes[0], bias=bias)
        self.blocks = nn.ModuleList(
            nn.Linear(below, 2 * above, bias=bias) for below, above in pairwise(sizes)
        )
        self.head = nn.Linear(sizes[-1], outputs, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x)
        for block in self.blocks:
            left, right = block(x).chunk(2, dim=-1)
            x = x + left * right if self.residual else left * right
        y: Tensor = self.head(x)
        return y


def research(
    depth: int = 2, *, bias: bool = True, residual: bool = False, seed: int = 0
) -> Research:
    torch.manual_seed(seed)
    sizes = [4] * (depth + 1) if residual else [4, 5, 3, 2][: depth + 1]
    return Research(6, sizes, 3, bias=bias, residual=residual).double()


def arrays_of(network: nn.Module) -> Arrays:
    return {name: tensor.numpy().copy() for name, tensor in network.state_dict().items()}


def outputs(layers: list[Layer], points: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return what the layers compute, in plain numpy."""
    state = np.concatenate([np.ones((len(points), 1)), points], axis=1)
    for left, right, down, linear in layers:
        state = ((state @ left.T) * (state @ right.T)) @ down.T + state @ linear.T
    return state[:, 1:]


def exact_research(state: Arrays, point: npt.NDArray[Any], *, residual: bool) -> list[Fraction]:
    """Return the research network's outputs in fractions, from its state dict alone."""

    def affine(part: str, values: list[Fraction]) -> list[Fraction]:
        weight = state[f"{part}.weight"]
        bias = state.get(f"{part}.bias", np.zeros(len(weight)))
        return [
            sum(
                (Fraction(float(entry)) * other for entry, other in zip(row, values, strict=True)),
                Fraction(float(constant)),
            )
            for row, constant in zip(weight, bias, strict=True)
        ]

    values = affine("embed", [Fraction(float(entry)) for entry in point])
    for number in range(sum(name.startswith("blocks") for name in state if "weight" in name)):
        both = affine(f"blocks.{number}", values)
        half = len(both) // 2
        products = [left * right for left, right in zip(both[:half], both[half:], strict=True)]
        values = [a + b for a, b in zip(values, products, strict=True)] if residual else products
    return affine("head", values)


@pytest.fixture(name="points")
def _points() -> npt.NDArray[np.float64]:
    return np.random.default_rng(1).normal(size=(7, 6))


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_the_layers_compute_what_the_research_code_computes(
    depth: int, bias: bool, residual: bool, points: npt.NDArray[Any]
) -> None:
    network = research(depth, bias=bias, residual=residual)
    expected = network(torch.from_numpy(points)).detach()
    layers = from_state_dict(network.state_dict(), residual=residual, module=network)
    assert len(layers) == depth + 2
    np.testing.assert_allclose(outputs(layers, points), expected, rtol=1e-12, atol=1e-14)
    module = LayeredNetwork(layers)
    assert torch.allclose(module(torch.from_numpy(points)), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("method", ["polarized", "eigen"])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_the_rewritten_graph_computes_what_the_research_code_computes(
    depth: int, method: str, residual: bool, points: npt.NDArray[Any]
) -> None:
    network = research(depth, residual=residual)
    inputs = torch.from_numpy(points)
    layers = from_state_dict(network.state_dict(), residual=residual)
    rewritten = rewrite(trace(layers, method))(inputs)
    assert torch.allclose(rewritten, network(inputs), rtol=1e-9, atol=1e-10)


@st.composite
def states(draw: st.DrawFn, elements: Any) -> tuple[Arrays, bool, type]:
    """State dicts of every shape, with and without each bias."""
    dtype, residual = draw(st.sampled_from([np.float32, np.float64])), draw(st.booleans())
    size = st.integers(1, 3)
    inputs, width = draw(size), draw(size)
    shapes = {"embed": (width, inputs)}
    for number in range(draw(st.integers(1, 3))):
        hidden = width if residual else draw(size)
        shapes[f"blocks.{number}"] = (2 * hidden, width)
        width = hidden
    shapes["head"] = (draw(size), width)
    state: Arrays = {}
    for part, shape in shapes.items():
        state[f"{part}.weight"] = draw(matrices(shape, elements(dtype), dtype))
        if draw(st.booleans()):
            state[f"{part}.bias"] = draw(matrices((1, shape[0]), elements(dtype), dtype))[0]
    return state, residual, dtype


@pytest.mark.props
@given(drawn=st.one_of(states(tame), states(wild)), data=st.data())
def test_the_layers_are_the_research_network_exactly(
    drawn: tuple[Arrays, bool, type], data: st.DataObject
) -> None:
    state, residual, dtype = drawn
    layers = from_state_dict(state, residual=residual)
    point = data.draw(matrices((1, state["embed.weight"].shape[1]), tame(), np.float64))[0]
    assert value(layers, point) == exact_research(state, point, residual=residual)
    assert {array.dtype for layer in layers for array in layer} == {np.dtype(dtype)}


@pytest.mark.props
@given(drawn=states(tame))
def test_tensors_and_arrays_give_the_same_layers(drawn: tuple[Arrays, bool, type]) -> None:
    state, residual, _ = drawn
    tensors = {name: nn.Parameter(torch.from_numpy(array)) for name, array in state.items()}
    for first, second in zip(
        from_state_dict(state, residual=residual),
        from_state_dict(tensors, residual=residual),
        strict=True,
    ):
        for one, other in zip(first, second, strict=True):
            np.testing.assert_array_equal(one, other)


def test_the_layers_are_no_views_of_the_state() -> None:
    state = arrays_of(research())
    layers = from_state_dict(state)
    before = [array.copy() for layer in layers for array in layer]
    for array in state.values():
        array[:] = 7
    for one, other in zip(before, (array for layer in layers for array in layer), strict=True):
        np.testing.assert_array_equal(one, other)


# Negative controls: what would go unnoticed if the halves or the residual were mistaken


def test_left_and_right_swapped_are_the_same_network(points: npt.NDArray[Any]) -> None:
    state = arrays_of(research())
    swapped = dict(state)
    for name in ("blocks.0", "blocks.1"):
        for kind in ("weight", "bias"):
            swapped[f"{name}.{kind}"] = np.concatenate(np.split(state[f"{name}.{kind}"], 2)[::-1])
    first, second = (outputs(from_state_dict(one), points) for one in (state, swapped))
    np.testing.assert_array_equal(first, second)


def test_halves_that_are_interleaved_are_another_network(points: npt.NDArray[Any]) -> None:
    state = arrays_of(research())
    weight = state["blocks.0.weight"]
    mixed = state | {"blocks.0.weight": np.concatenate([weight[::2], weight[1::2]])}
    first, second = (outputs(from_state_dict(one), points) for one in (state, mixed))
    assert abs(first - second).max() > 1e-3 * abs(first).max()


def test_a_residual_that_is_forgotten_is_another_network(points: npt.NDArray[Any]) -> None:
    network = research(residual=True)
    expected = network(torch.from_numpy(points)).detach().numpy()
    without = outputs(from_state_dict(network.state_dict(), residual=False), points)
    assert abs(without - expected).max() > 1e-3 * abs(expected).max()


# Number types


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_widened_exactly(dtype: torch.dtype) -> None:
    state = {name: tensor.to(dtype) for name, tensor in research().state_dict().items()}
    layers = from_state_dict(state)
    assert {array.dtype for layer in layers for array in layer} == {np.dtype(np.float32)}
    np.testing.assert_array_equal(
        layers[0].linear[1:, 1:].astype(np.float64), state["embed.weight"].double().numpy()
    )
    if dtype == torch.float16:
        halves = {name: tensor.numpy() for name, tensor in state.items()}
        np.testing.assert_array_equal(from_state_dict(halves)[1].left, layers[1].left)


# State dicts that are not the research code's


def dropped(*names: str) -> Callable[[Arrays], Any]:
    return lambda state: [state.pop(name) for name in names]


def changed(name: str, change: Callable[[Any], Any]) -> Callable[[Arrays], Any]:
    return lambda state: state.update({name: change(state[name])})


def added(name: Any, array: Any) -> Callable[[Arrays], Any]:
    return lambda state: state.update({name: array})


def spoilt(entry: float) -> Callable[[Any], Any]:
    return lambda array: np.where(np.arange(array.size).reshape(array.shape) == 1, entry, array)


@pytest.mark.parametrize(
    ("alter", "message"),
    [
        (dropped("embed.weight"), r"to hold embed.weight, got only blocks.0.bias, blocks.0.weight"),
        (dropped("head.weight"), r"expected state to hold head.weight, got only"),
        (dropped("blocks.0.weight"), r"to hold blocks.0.weight, got only blocks.0.bias"),
        (dropped("blocks.1.weight", "blocks.1.bias"), r"got \(3, 3\)|shape \(3, 5\), got"),
        (added("blocks.4.weight", np.ones((2, 2))), r"expected state to hold blocks.2.weight"),
        (added("norm.weight", np.ones(2)), r"hold only weight .*, got also norm.weight$"),
        (added("blocks.01.weight", np.ones(2)), r"got also blocks.01.weight$"),
        (added("blocks.0.down.weight", np.ones(2)), r"got also blocks.0.down.weight$"),
        (added(7, np.ones(2)), r"got also 7$"),
        (changed("embed.weight", np.ravel), r"embed.weight to have two axes, .* shape \(24,\)"),
        (changed("embed.weight", lambda a: a[:0]), r"embed.weight .* got shape \(0, 6\)"),
        (changed("embed.weight", lambda a: a[:, :0]), r"embed.weight .* got shape \(4, 0\)"),
        (changed("embed.weight", lambda a: a[1:]), r"embed.bias to have shape \(3,\), got \(4,\)"),
        (changed("embed.bias", lambda a: a[1:]), r"embed.bias to have shape \(4,\), got \(3,\)"),
        (changed("embed.bias", lambda a: a[None]), r"embed.bias to have .*, got \(1, 4\)"),
        (changed("blocks.0.weight", lambda a: a[:, 1:]), r"blocks.0.weight .*\(10, 4\), got"),
        (changed("blocks.1.weight", lambda a: a[1:]), r"blocks.1.bias .* \(5,\), got \(6,\)"),
        (changed("head.weight", lambda a: a.T[:2]), r"head.weight .* \(2, 3\)|head.bias"),
        (changed("head.weight", spoilt(np.nan)), r"head.weight to be finite, got nan at .*\(0, 1"),
        (changed("blocks.1.bias", spoilt(np.inf)), r"blocks.1.bias to be finite, got inf"),
        (changed("embed.weight", lambda a: a.astype(int)), r"embed.weight .*, got int64"),
        (changed("embed.weight", lambda a: a * 1j), r"embed.weight .*, got complex128"),
        (changed("embed.weight", lambda _: "text"), r"embed.weight .*"),
        (changed("embed.weight", lambda _: [[1.0], [1.0, 2.0]]), r"embed.weight to be an array"),
        (
            changed("embed.weight", lambda a: torch.from_numpy(a).to_sparse()),
            r"embed.weight to be an array of floats, got:",
        ),
    ],
    ids=range(25),
)
def test_another_state_dict_is_refused_by_name(
    alter: Callable[[Arrays], Any], message: str
) -> None:
    state = arrays_of(research())
    alter(state)
    with pytest.raises(NumericError, match=message):
        from_state_dict(state)


def test_an_odd_number_of_rows_is_refused() -> None:
    state = arrays_of(research(1, bias=False))
    state["blocks.0.weight"] = state["blocks.0.weight"][1:]
    with pytest.raises(NumericError, match=r"blocks.0.weight .* even number of rows.*\(9, 4\)"):
        from_state_dict(state)


def test_a_residual_between_different_sizes_is_refused() -> None:
    with pytest.raises(NumericError, match=r"shape \(8, 4\), got \(10, 4\): with a residual"):
        from_state_dict(research().state_dict(), residual=True)


@pytest.mark.parametrize("state", [None, [1], research()], ids=["nothing", "list", "module"])
def test_what_is_no_state_dict_is_refused(state: Any) -> None:
    with pytest.raises(NumericError, match="expected state to be a state dict"):
        from_state_dict(state)


def test_a_residual_that_is_no_truth_value_is_refused() -> None:
    with pytest.raises(NumericError, match="expected residual to be True or False, got 1"):
        from_state_dict(arrays_of(research()), residual=1)  # type: ignore[arg-type]


def test_the_state_dict_of_a_bilinear_network_is_sent_the_other_way() -> None:
    with pytest.raises(NumericError, match=r"BilinearNetwork .* with load_state_dict, and write"):
        from_state_dict(BilinearNetwork(6, 3, width=4, hidden=5).state_dict())


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod."])
def test_the_names_of_a_wrapper_are_known_as_such(prefix: str) -> None:
    state = {prefix + name: array for name, array in arrays_of(research()).items()}
    with pytest.raises(NumericError, match="state dict of the module in the wrapper"):
        from_state_dict(state)


def test_an_empty_state_dict_is_refused() -> None:
    with pytest.raises(NumericError, match=r"to hold embed.weight, got nothing"):
        from_state_dict({})


def test_a_wild_number_of_a_block_is_refused_at_once() -> None:
    state = arrays_of(research())
    state["blocks.999999.weight"] = np.ones((2, 2))
    with pytest.raises(NumericError, match=r"to hold blocks.2.weight, .* more: other arr"):
        from_state_dict(state)


# What a state dict does not say


class Odd(Research):
    """A network with the state dict of another one."""

    def __init__(
        self,
        gate: Callable[[Tensor], Tensor] = nn.Identity(),  # noqa: B008 -- holds nothing
        norm: Callable[[Tensor], Tensor] = nn.Identity(),  # noqa: B008 -- holds nothing
        scale: float = 1,
        *,
        residual: bool = False,
    ) -> None:
        torch.manual_seed(0)
        super().__init__(6, [4, 4, 4], 4, bias=True, residual=residual)
        self.bend, self.normalise, self.factor = gate, norm, scale

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x)
        for block in self.blocks:
            left, right = block(self.normalise(x)).chunk(2, dim=-1)
            y = self.bend(left) * right * self.factor
            x = x + y if self.residual else y
        logits: Tensor = self.head(x)
        return logits


def examples_of(module: nn.Module, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    x = torch.from_numpy(np.random.default_rng(1).normal(size=(7, 6))).to(dtype)
    return x, copy.deepcopy(module).to(dtype)(x)


WAYS: dict[str, Callable[[nn.Module], dict[str, Any]]] = {
    "module": lambda module: {"module": module},
    "float64": lambda module: {"examples": examples_of(module, torch.float64)},
    "float32": lambda module: {"examples": examples_of(module, torch.float32)},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "module",
    [
        Odd(gate=torch.relu),
        Odd(gate=nn.functional.silu),
        Odd(norm=lambda x: x * (x.square().mean(-1, keepdim=True) + 1e-8).rsqrt()),
        Odd(scale=0.5),
        Odd(scale=1.01, residual=True),
        Odd(norm=lambda x: x.roll(1, -1), residual=True),
    ],
    ids=["relu", "silu", "norm", "half", "scale", "order"],
)
def test_what_a_state_dict_does_not_say_is_noticed(module: Odd, way: str) -> None:
    state, given = module.state_dict(), WAYS[way](module)
    with pytest.raises(
        NumericError,
        match=r"to give \S+ as output \d of (input|example) \d, got \S+, a difference of \S+ where "
        r"rounding explains \S+: a gate, a norm, a scale, a residual or .*dict$",
    ):
        from_state_dict(state, residual=module.residual, **given)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("residual", [False, True])
def test_a_residual_that_is_mistaken_is_noticed_and_named(residual: bool, way: str) -> None:
    module = Odd(residual=residual)
    given = WAYS[way](module)
    with pytest.raises(NumericError, match=rf"; with residual={residual} it agrees$"):
        from_state_dict(module.state_dict(), residual=not residual, **given)
    assert from_state_dict(module.state_dict(), residual=residual, **given)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["embed", "head"])
def test_a_square_weight_that_is_transposed_is_noticed(name: str, way: str) -> None:
    torch.manual_seed(0)
    module = Research(6, [6, 6], 6, bias=True, residual=False)
    state = module.state_dict()
    state[f"{name}.weight"] = state[f"{name}.weight"].T
    with pytest.raises(NumericError, match="another order of axes"):
        from_state_dict(state, **WAYS[way](module))


def test_a_table_of_tokens_as_wide_as_long_is_noticed_by_one_hot_inputs() -> None:
    module = Research(4, [4, 4], 3, bias=False, residual=False)
    outputs = module(torch.eye(4))  # of the table: row by row, not column by column
    state = module.state_dict()
    state["embed.weight"] = state["embed.weight"].T
    with pytest.raises(NumericError, match="another order of axes"):
        from_state_dict(state, examples=(torch.eye(4), outputs))


def test_a_module_may_be_wrapped() -> None:
    module = research()
    assert from_state_dict(module.state_dict(), module=nn.DataParallel(module))


@pytest.mark.filterwarnings("error")
def test_that_nothing_was_compared_is_said_and_only_then(tmp_path: Path) -> None:
    module = research()
    state = module.state_dict()
    safetensors.torch.save_file(state, tmp_path / "network")
    for read in (lambda: from_state_dict(state), lambda: load_foreign(tmp_path / "network")):
        with pytest.warns(UserWarning, match="nothing was compared with the network") as said:
            read()
        assert said[0].filename == __file__
    load_foreign(tmp_path / "network", module=module)
    load_foreign(tmp_path / "network", examples=examples_of(module, torch.float64))


# Files


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_a_safetensors_file_gives_the_same_layers(tmp_path: Path, dtype: torch.dtype) -> None:
    state = {name: tensor.to(dtype) for name, tensor in research().state_dict().items()}
    safetensors.torch.save_file(state, tmp_path / "network.safetensors")
    for first, second in zip(
        load_foreign(tmp_path / "network.safetensors"), from_state_dict(state), strict=True
    ):
        for one, other in zip(first, second, strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_residual_is_asked_for_with_the_file(tmp_path: Path) -> None:
    state = research(residual=True).state_dict()
    safetensors.torch.save_file(state, tmp_path / "network")
    layers = load_foreign(tmp_path / "network", residual=True)
    np.testing.assert_array_equal(layers[1].linear[1:, 1:], np.eye(4))
    assert not load_foreign(tmp_path / "network")[1].linear[1:].any()


@pytest.mark.parametrize("name", ["network.pt", "network.pth", "network"])
def test_a_file_of_torch_is_refused_with_the_way_to_convert_it(tmp_path: Path, name: str) -> None:
    torch.save(research().state_dict(), tmp_path / name)
    with pytest.raises(NumericError, match=r"torch\.load\(path, weights_only=True\)"):
        load_foreign(tmp_path / name)
    state = torch.load(tmp_path / name, weights_only=True)
    assert len(from_state_dict(state)) == 4


def test_other_files_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("Dear network,")
    (tmp_path / "old.PTH").write_text("a pickle of long ago")
    with pytest.raises(NumericError, match="letter to be a whole safetensors file, got:"):
        load_foreign(tmp_path / "letter")
    with pytest.raises(NumericError, match=r"old.PTH to be a safetensors file, got one of torch"):
        load_foreign(tmp_path / "old.PTH")
    with pytest.raises(NumericError, match="missing, got nothing there"):
        load_foreign(tmp_path / "missing")
    with pytest.raises(NumericError, match=r"to be a safetensors file, got a folder$"):
        load_foreign(tmp_path)


def test_a_file_with_another_state_is_refused(tmp_path: Path) -> None:
    safetensors.torch.save_file({"weight": torch.ones(2)}, tmp_path / "network")
    with pytest.raises(NumericError, match=r"to hold embed.weight, got only weight"):
        load_foreign(tmp_path / "network")
