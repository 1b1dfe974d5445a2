"""Networks of research code, held against that code's own forward pass and against fractions."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
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

from numeric import BilinearLayer, BilinearNetwork, NumericError, rewrite, trace
from numeric.networks.importing.foreign import (
    from_state_dict,
    import_network,
    load_foreign,
    read_foreign,
    read_state,
)
from numeric.networks.layered import LayeredNetwork
from numeric.networks.normal_form import Layer
from tests.oracles import value
from tests.strategies import matrices, tame, wild
from tests.written import Written, written_networks

pytestmark = pytest.mark.filterwarnings("ignore:nothing was compared:UserWarning")

Array = npt.NDArray[Any]
Arrays = dict[str, Array]


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


def exact_output(written: Written, point: Array, scale: float) -> list[Fraction]:
    """Return the outputs in fractions, each layer's products and bias times the scale."""
    state = [Fraction(1), *map(Fraction, point.tolist())]
    for left, right, down, linear in written.layers:
        neurons = [
            a * b for a, b in zip(_product(left, state), _product(right, state), strict=True)
        ]
        bias = [Fraction(float(entry)) for entry in linear[1:, 0]]
        own = [a + b for a, b in zip(_product(down[1:], neurons), bias, strict=True)]
        beside = _product(linear[1:, 1:], state[1:])
        factor = Fraction(scale) if len(left) else Fraction(1)
        state = [Fraction(1), *(factor * a + b for a, b in zip(own, beside, strict=True))]
    return state[1:]


def _product(matrix: Array, vector: list[Fraction]) -> list[Fraction]:
    return [
        sum((Fraction(float(a)) * b for a, b in zip(row, vector, strict=True)), Fraction(0))
        for row in matrix
    ]


def assert_same_layers(found: Sequence[Layer], expected: Sequence[Layer]) -> None:
    for one, other in zip(found, expected, strict=True):
        for first, second in zip(one, other, strict=True):
            np.testing.assert_array_equal(first, second)
            assert first.dtype == second.dtype


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


@pytest.mark.props
@given(written=st.one_of(written_networks(), written_networks(elements=wild)))
def test_what_was_written_in_any_layout_is_read_back_float_by_float(written: Written) -> None:
    assert_same_layers(from_state_dict(written.state, **written.options), written.layers)


@pytest.mark.props
@given(written=written_networks(), data=st.data())
def test_the_layers_compute_in_fractions_what_the_parts_say(
    written: Written, data: st.DataObject
) -> None:
    scale = data.draw(st.sampled_from([1.0, 0.5, -3.0, 0.1]))
    layers = from_state_dict(written.state, **written.options, scale=scale)
    point = data.draw(matrices((1, written.layers[0].linear.shape[1] - 1), tame(), np.float64))[0]
    assert value(layers, point) == exact_output(written, point, scale)


@pytest.mark.props
@given(written=written_networks())
def test_tensors_and_arrays_give_the_same_layers(written: Written) -> None:
    tensors = {name: nn.Parameter(torch.from_numpy(a)) for name, a in written.state.items()}
    assert_same_layers(from_state_dict(tensors, **written.options), written.layers)


@pytest.mark.props
@given(written=written_networks(), name=st.sampled_from(["norm.weight", "head.other", "7.x.y"]))
def test_a_tensor_too_many_is_refused_by_name(written: Written, name: str) -> None:
    with pytest.raises(NumericError, match=rf"(hold only .* got also|expected) .*{name}"):
        from_state_dict(written.state | {name: np.ones(1)}, **written.options)


@pytest.mark.props
@given(written=written_networks(), data=st.data())
def test_one_float_that_is_moved_is_another_network(written: Written, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(written.state)))
    state = written.state | {name: np.nextafter(written.state[name], np.inf)}
    with pytest.raises(AssertionError):
        assert_same_layers(from_state_dict(state, **written.options), written.layers)


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
        (added("norm.weight", np.ones(2)), r"got also norm.weight: a norm divides"),
        (added("blocks.01.weight", np.ones(2)), r"got also blocks.01.weight: say with part"),
        (added("blocks.0.down.weight", np.ones(2)), r"got also blocks.0.down.weight: say"),
        (added(7, np.ones(2)), r"got also 7: say"),
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


def test_an_empty_state_dict_is_refused() -> None:
    with pytest.raises(NumericError, match=r"such as blocks.0.left.weight, got nothing"):
        from_state_dict({})


def test_a_wild_number_of_a_block_is_refused_at_once() -> None:
    state = arrays_of(research())
    state["blocks.999999.weight"] = np.ones((2, 2))
    with pytest.raises(NumericError, match=r"to hold blocks.2.weight, .* more: from_module"):
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


@pytest.mark.parametrize("way", WAYS)
def test_rows_that_alternate_are_noticed_and_named(way: str) -> None:
    module = research()
    state = arrays_of(module)
    for number in range(2):
        for kind in ("weight", "bias"):
            name = f"blocks.{number}.{kind}"
            state[name] = np.stack(np.split(state[name], 2), axis=1).reshape(state[name].shape)
    with pytest.raises(NumericError, match=r"dict; with interleaved=True it agrees$"):
        from_state_dict(state, **WAYS[way](module))
    assert_same_layers(
        from_state_dict(state, interleaved=True, **WAYS[way](module)),
        from_state_dict(module.state_dict()),
    )


@pytest.mark.parametrize("way", WAYS)
def test_halves_exchanged_in_the_weight_alone_are_noticed(way: str) -> None:
    module = research()
    state = arrays_of(module)
    state["blocks.0.weight"] = np.concatenate(np.split(state["blocks.0.weight"], 2)[::-1])
    with pytest.raises(NumericError, match="a difference of"):
        from_state_dict(state, **WAYS[way](module))
    state["blocks.0.bias"] = np.concatenate(np.split(state["blocks.0.bias"], 2)[::-1])
    assert from_state_dict(state, **WAYS[way](module))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("residual", [False, True])
def test_a_scale_is_a_layer_and_a_wrong_one_is_noticed(residual: bool, way: str) -> None:
    module = Odd(scale=0.75, residual=residual)
    given: dict[str, Any] = {"residual": residual, **WAYS[way](module)}
    layers = from_state_dict(module.state_dict(), scale=0.75, **given)
    assert [len(layer.left) for layer in layers] == [0, 4, 0, 4, 0, 0]
    for wrong in (1.0, 0.7505, -0.75):
        with pytest.raises(NumericError, match="a difference of"):
            from_state_dict(module.state_dict(), scale=wrong, **given)


@pytest.mark.parametrize("way", WAYS)
def test_names_that_two_layouts_share_are_read_as_the_module_computes(way: str) -> None:
    module = Gated(("w1", "w2", "w3"), size=6, hidden=6)  # LLaMA's down is w2
    state = module.state_dict()
    with pytest.raises(NumericError, match=r"; with layout='w1-w2-w3' it agrees$"):
        from_state_dict(state, residual=True, **WAYS[way](module))
    layers = from_state_dict(state, residual=True, layout="w1-w2-w3", **WAYS[way](module))
    np.testing.assert_array_equal(layers[0].right[:, 1:], state["layers.0.mlp.w2.weight"])


def test_several_mistakes_are_found_two_at_a_time() -> None:
    module = Odd(residual=True)
    state = module.state_dict()
    state["head.weight"] = state["head.weight"].T
    with pytest.raises(
        NumericError, match=r"with residual=True and transposed=\['head'\] it agrees$"
    ):
        from_state_dict(state, module=module)


# Networks of every kind of code, held against their own forward pass


class Gated(nn.Module):
    """Gated layers without a gate, under the names of language models, with a residual."""

    def __init__(self, names: tuple[str, str, str], size: int = 6, hidden: int = 5) -> None:
        torch.manual_seed(0)
        super().__init__()
        self.names = names
        sizes = (size, hidden), (size, hidden), (hidden, size)
        self.layers = nn.ModuleList(
            nn.ModuleDict(
                {
                    "mlp": nn.ModuleDict(
                        {
                            name: nn.Linear(*shape, bias=False)
                            for name, shape in zip(names, sizes, strict=True)
                        }
                    )
                }
            )
            for _ in range(2)
        )

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            left, right, down = (layer.mlp[name] for name in self.names)
            x = x + down(left(x) * right(x))
        return x


@pytest.mark.parametrize(
    "names",
    [
        ("w1", "w3", "w2"),
        ("w1", "w2", "w3"),
        ("gate_proj", "up_proj", "down_proj"),
        ("w_gate", "w_up", "w_down"),
        ("wi_0", "wi_1", "wo"),
        ("left", "right", "down"),
    ],
)
def test_gated_layers_are_read_by_their_names_and_shapes(names: tuple[str, str, str]) -> None:
    module = Gated(names)
    assert len(from_state_dict(module.state_dict(), residual=True, module=module)) == 2


class Lens(nn.Module):
    """Weights that multiply from the right, and tokens."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        super().__init__()
        shapes = {"W_E": (7, 4), "W_gate": (4, 5), "W_in": (4, 5), "W_out": (5, 4), "W_U": (4, 7)}
        shapes |= {"b_in": (5,), "b_out": (4,), "b_U": (7,)}
        for name, shape in shapes.items():
            setattr(self, name, nn.Parameter(torch.randn(shape)))

    def forward(self, x: Tensor) -> Tensor:
        x = x @ self.W_E
        x = x + ((x @ self.W_gate) * (x @ self.W_in + self.b_in)) @ self.W_out + self.b_out
        y: Tensor = x @ self.W_U + self.b_U
        return y


def test_weights_that_multiply_from_the_right_are_read_by_their_names() -> None:
    module = Lens()
    layers = from_state_dict(module.state_dict(), residual=True, module=module)
    assert [layer.left.shape for layer in layers] == [(0, 8), (5, 5), (0, 5)]
    with pytest.raises(NumericError, match="expected W_gate to have shape"):
        from_state_dict(module.state_dict(), residual=True, transposed=["factors"])


def test_a_head_may_be_the_embedding() -> None:
    module = Lens()
    with torch.no_grad():
        module.W_U.copy_(module.W_E.T)
        module.b_U.zero_()
    state = {name: t for name, t in module.state_dict().items() if not name.endswith("_U")}
    options: dict[str, Any] = {"residual": True, "module": module}
    assert len(from_state_dict(state, tied=True, **options)) == 3
    with pytest.raises(NumericError, match=r"to return a tensor of shape \(5, 4\)"):
        from_state_dict(state, **options)
    with pytest.raises(NumericError, match=r"expected no head, as it is tied .*, got W_U"):
        from_state_dict(module.state_dict(), tied=True)
    with pytest.raises(NumericError, match="expected an embedding, as the head is tied to it"):
        from_state_dict({"W_gate": state["W_gate"], "W_in": state["W_in"]}, tied=True)


@pytest.mark.parametrize("bias", [False, True])
def test_torchs_own_bilinear_map_is_a_layer(bias: bool) -> None:
    form = nn.Bilinear(4, 4, 3, bias=bias)

    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.form = form

        def forward(self, x: Tensor) -> Tensor:
            y: Tensor = self.form(x, x)
            return y

    for state in (form.state_dict(), Twice().state_dict()):
        assert len(from_state_dict(state, module=Twice())) == 1
    other = nn.Bilinear(4, 5, 3)
    with pytest.raises(NumericError, match=r"weight to have shape \(3, 4, 4\), got \(3, 4, 5\)"):
        from_state_dict(other.state_dict())


def test_a_table_of_tokens_is_known_by_its_shape() -> None:
    module = Research(7, [4, 4], 3, bias=False, residual=False)
    state = module.state_dict()
    layers = from_state_dict(state | {"embed.weight": state["embed.weight"].T}, module=module)
    assert_same_layers(layers, from_state_dict(state))


def test_weights_that_are_all_the_other_way_round_are_known_by_their_shapes() -> None:
    module = research(bias=False)
    state = {name: weight.T for name, weight in module.state_dict().items()}
    assert_same_layers(from_state_dict(state, module=module), from_state_dict(module.state_dict()))


def test_linear_maps_around_numbered_layers_are_embedding_and_head() -> None:
    first, last = nn.Linear(3, 4), nn.Linear(4, 2)
    chain = nn.Sequential(first, BilinearLayer(4, 4, 5), BilinearLayer(4, 4, 5), last)
    layers = from_state_dict(chain.state_dict(), module=chain)
    assert [len(layer.left) for layer in layers] == [0, 5, 5, 0]


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("embedding", [False, True])
def test_the_state_dict_of_a_bilinear_network_gives_its_layers(
    residual: bool, embedding: bool
) -> None:
    network = BilinearNetwork(
        6, 3, depth=3, width=4, hidden=5, residual=residual, embedding=embedding
    )
    state = network.state_dict()
    # A map beside a layer says that there is a residual.
    assert_same_layers(from_state_dict(state, module=network), network.layers())
    plain = BilinearNetwork(4, 4, depth=2, width=4, hidden=5, residual=residual)
    if residual:
        with pytest.raises(NumericError, match="with residual=True it agrees"):
            from_state_dict(plain.state_dict(), module=plain)
    assert_same_layers(from_state_dict(plain.state_dict(), residual=residual), plain.layers())


def test_an_option_that_there_is_not_is_no_option() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'residal'"):
        from_state_dict(arrays_of(research()), residal=True)  # type: ignore[call-arg]


def test_a_part_of_a_network_is_a_network() -> None:
    module = research()
    layers = from_state_dict(module.state_dict(), part="blocks")
    assert_same_layers(layers, from_state_dict(module.state_dict())[1:3])
    gated = Gated(("w1", "w3", "w2"))
    norm = {"layers.1.norm.weight": torch.ones(6)}
    layers = from_state_dict(gated.state_dict() | norm, part="layers.1.mlp", residual=True)
    assert_same_layers(layers, from_state_dict(gated.state_dict(), residual=True)[1:])


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


@pytest.mark.parametrize("name", ["network.pt", "network.npz", "folder"])
def test_files_of_every_kind_give_the_network(tmp_path: Path, name: str) -> None:
    module = research()
    state = module.state_dict()
    path = tmp_path / name
    if name == "network.pt":
        checkpoint = {"epoch": 7, "model_state_dict": state, "optimizer_state_dict": {"lr": 0.1}}
        torch.save(checkpoint, path)
    elif name == "network.npz":
        np.savez(path, **arrays_of(module))
    else:
        path.mkdir()
        safetensors.torch.save_file(state, path / "model.safetensors")
    network = import_network(path, module=module)
    assert isinstance(network, LayeredNetwork)
    assert_same_layers(network.layers(), from_state_dict(state))
    assert_same_layers(load_foreign(path, module=module), from_state_dict(state))


def test_what_the_configuration_beside_it_says_is_taken_over_and_said(tmp_path: Path) -> None:
    module = Odd(residual=True)
    safetensors.torch.save_file(module.state_dict(), tmp_path / "model.safetensors")
    config = tmp_path / "config.json"
    config.write_text('{"residual": true, "hidden_act": "identity"}')
    reading = read_foreign(tmp_path, module=module)
    assert reading.notes == ("residual=True, as config.json says by residual",)
    with pytest.raises(NumericError, match="with residual=True it agrees"):
        read_foreign(tmp_path, module=module, residual=False)
    config.write_text('{"residual": true, "hidden_act": "silu"}')
    with pytest.raises(NumericError, match=r"got hidden_act 'silu' in config.json: if"):
        read_foreign(tmp_path)
    assert read_foreign(tmp_path, module=module).compared
    config.write_text('{"tie_word_embeddings": true}')
    with pytest.raises(NumericError, match="expected no head, as it is tied"):
        read_foreign(tmp_path, module=module)


def test_a_reading_says_what_would_fit_as_well() -> None:
    reading = read_state(Odd().state_dict(), {})
    assert not reading.compared
    assert reading.layout == "research"
    assert reading.notes == ()
    assert reading.alternatives == ("residual=True", "interleaved=True", "transposed=['head']")
    reading = read_state({n: t.T for n, t in research(bias=False).state_dict().items()}, {})
    assert reading.notes == ("transposed=['embed', 'factors', 'head'], as the shapes say",)
    reading = read_state(Gated(("w1", "w2", "w3")).state_dict(), {})
    assert reading.notes == ("layout='w1-w2-w3', as the shapes say",)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layout": "mine"}, "layout to be one of left-right-down, .* got 'mine'"),
        ({"layout": "w12-w3"}, "to hold blocks.0.w12.weight, got only"),
        ({"transposed": ["neck"]}, r"transposed to hold some of embed, .* got \['neck'\]"),
        ({"transposed": "embed"}, "transposed to hold some of embed, .* got 'embed'"),
        ({"transposed": ["embed"]}, r"expected embed.bias to have shape \(6,\), got \(4,\)"),
        ({"scale": 0}, "scale to be a finite number other than 0, got 0"),
        ({"scale": np.inf}, "scale to be a finite number other than 0, got inf"),
        ({"scale": True}, "scale to be a finite number other than 0, got True"),
        ({"scale": "2"}, "scale to be a finite number other than 0, got '2'"),
        ({"interleaved": 2}, "interleaved to be True or False, got 2"),
        ({"tied": "yes"}, "tied to be True or False, got 'yes'"),
        ({"part": "neck"}, "the name of a submodule, got neck, where the names are blocks.0.w"),
    ],
    ids=range(12),
)
def test_an_option_that_is_none_is_refused(options: Any, message: str) -> None:
    with pytest.raises(NumericError, match=message):
        from_state_dict(
            research(bias=False).state_dict() | {"embed.bias": torch.ones(4)}, **options
        )


def test_a_file_with_another_state_is_refused(tmp_path: Path) -> None:
    safetensors.torch.save_file({"weight": torch.ones(2)}, tmp_path / "network")
    with pytest.raises(NumericError, match=r"such as blocks.0.left.weight, got only weight"):
        load_foreign(tmp_path / "network")
