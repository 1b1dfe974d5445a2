"""Modules of sums and products in the normal form, held against themselves in fractions."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from analytic import ExactNetwork, same_polynomial
from numeric import (
    BilinearNetwork,
    Layer,
    LayeredNetwork,
    NumericError,
    from_module,
    from_state_dict,
    rewrite,
    square_layers,
    trace,
)
from numeric.networks.compilation.algebra import Algebra
from tests import oracles
from tests.modules import MODULES, Attention, Convolutional, Research
from tests.numeric.networks.programs import SHAPE, Grown, grown
from tests.strategies import few, networks, points, tame, wild
from tests.weights import within_one_over_the_root


def arrays_of(layers: Any) -> list[Any]:
    return [array for layer in layers for array in layer]


def compiled(*arguments: Any, **settings: Any) -> list[Layer]:
    return from_module(*arguments, **settings).layers()


def same(first: Any, second: Any) -> bool:
    pairs = zip(arrays_of(first), arrays_of(second), strict=True)
    return len(first) == len(second) and all(np.array_equal(*pair) for pair in pairs)


def written(forward: Callable[[Tensor], Any]) -> nn.Module:
    """Return a module that computes what a function does."""

    class Written(nn.Module):
        def forward(self, x: Tensor) -> Any:
            return forward(x)

    return Written()


@torch.library.custom_op("others::square", mutates_args=())
def of_another_library(x: Tensor) -> Tensor:
    """Return something else than torch's operation of that name."""
    return 2 * x


# What is compiled is what is computed


@pytest.mark.props
@given(grown(), st.data())
def test_a_module_becomes_layers_that_compute_the_same_in_fractions(
    module: Grown, data: st.DataObject
) -> None:
    layers = compiled(module, torch.zeros(1, *SHAPE))
    point = data.draw(points(6))[0]
    fractions = np.array([Fraction(entry) for entry in point.tolist()]).reshape(SHAPE)
    assert oracles.value(layers, point) == module.in_fractions(fractions)


@pytest.mark.props
@given(grown(elements=lambda dtype: few(dtype) | wild(dtype), most=4), st.data())
def test_weights_of_any_size_are_placed_and_never_rounded(
    module: Grown, data: st.DataObject
) -> None:
    layers = compiled(module, torch.zeros(1, *SHAPE))
    point = data.draw(points(6, elements=wild))[0]
    fractions = np.array([Fraction(entry) for entry in point.tolist()]).reshape(SHAPE)
    assert oracles.value(layers, point) == module.in_fractions(fractions)


@pytest.mark.props
@given(networks(elements=tame))
def test_of_a_bilinear_network_are_its_own_layers(network: BilinearNetwork) -> None:
    found = compiled(network, torch.zeros(1, network.configuration.inputs))
    assert same_polynomial(ExactNetwork(found), ExactNetwork(network.layers()))


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("embedding", [False, True])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_no_layer_is_larger_than_it_must_be(
    depth: int,
    bias: bool,
    embedding: bool,
    residual: bool,
) -> None:
    network = BilinearNetwork(
        6, 3, depth=depth, width=4, hidden=5, bias=bias, embedding=embedding, residual=residual
    )
    within_one_over_the_root(network)  # no weight is 0
    found, own = compiled(network, torch.zeros(1, 6)), network.layers()
    assert [array.shape for array in arrays_of(found)] == [a.shape for a in arrays_of(own)]


def test_a_network_says_how_far_from_its_module_it_is() -> None:
    torch.manual_seed(0)
    network = from_module(Convolutional().eval(), torch.zeros(1, 1, 12, 12))
    assert network.apart is not None
    assert 0 < network.apart < 1e-6  # some inputs are large
    assert repr(network).endswith(f"4 outputs, at most {network.apart:.1g} from its module)")
    assert LayeredNetwork(network.layers()).apart is None


def test_a_weight_that_moves_by_one_ulp_is_another_network() -> None:
    module = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2)).double()
    before = compiled(module, torch.zeros(1, 3))
    with torch.no_grad():
        module[1].weight[0, 1] = np.nextafter(module[1].weight[0, 1].item(), 9)
    assert not same(before, compiled(module, torch.zeros(1, 3)))


# Modules as people have them


@pytest.fixture(params=MODULES)
def known(request: pytest.FixtureRequest) -> tuple[nn.Module, tuple[int, ...], int]:
    make, shape, depth = MODULES[request.param]
    torch.manual_seed(0)
    return make().eval(), shape, depth


def test_a_module_is_traced_rewritten_and_the_same_polynomial(known: Any) -> None:
    module, shape, depth = known
    network = from_module(module, torch.zeros(2, *shape))
    layers = network.layers()
    assert len(layers) == depth
    graph = trace(network, "polarized")
    x = torch.rand(5, *shape, dtype=torch.float64)
    with torch.no_grad():
        outputs = module.double()(x)
        for again in (network, rewrite(graph)):
            torch.testing.assert_close(again(x.flatten(1)), outputs, rtol=1e-9, atol=1e-9)
    squares = [square.in_normal_form() for square in square_layers(graph)]
    assert same_polynomial(ExactNetwork(layers), ExactNetwork(squares))


def test_research_code_is_read_as_its_state_dict_is() -> None:
    module = Research(2, bias=True)
    read = from_state_dict(module.state_dict(), module=module)
    assert same_polynomial(ExactNetwork(compiled(module, torch.zeros(1, 6))), ExactNetwork(read))


def test_tokens_are_one_hot_inputs() -> None:
    module = Attention()
    layers = compiled(module, torch.zeros(1, 8, dtype=torch.int64))
    tokens = torch.tensor([[0, 1, 2, 3, 4, 0, 1, 2], [4, 4, 4, 4, 4, 4, 4, 4]])
    hot = nn.functional.one_hot(tokens, 5).double().flatten(1)
    with torch.no_grad():
        torch.testing.assert_close(LayeredNetwork(layers)(hot), module.double()(tokens))


def test_weights_at_the_ends_of_the_range_are_kept_apart_and_overflow_is_not_compared() -> None:
    largest = float(np.finfo(np.float64).max)
    twice = compiled(written(lambda x: x * largest + x * largest), torch.zeros(1, 1))
    assert oracles.value(twice, [0.25]) == [Fraction(largest) / 2]
    nothing = compiled(written(lambda x: (x * 1e300 * 1e300) * 0 + x), torch.zeros(1, 1))
    assert oracles.value(nothing, [3.0]) == [3]
    with pytest.raises(NumericError, match="to be finite"):
        compiled(written(lambda x: x * largest + x * largest), torch.zeros(1, 1), fold=True)


def test_folded_maps_make_fewer_layers_that_agree_to_rounding() -> None:
    module = Convolutional().eval()
    whole, folded = (compiled(module, torch.zeros(1, 1, 12, 12), fold=f) for f in (False, True))
    assert (len(whole), len(folded)) == (3, 2)
    x = torch.rand(5, 144, dtype=torch.float64)
    torch.testing.assert_close(LayeredNetwork(folded)(x), LayeredNetwork(whole)(x))


def test_a_module_stays_as_it_is_and_whatever_state_torch_is_in_changes_nothing() -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5)).train()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    expected = compiled(module, torch.zeros(1, 4))
    with torch.inference_mode(), torch.autocast("cpu"), torch.device("meta"):
        assert same(compiled(module, torch.zeros(1, 4)), expected)
    assert module.training
    assert all(torch.equal(module.state_dict()[name], before[name]) for name in before)
    assert module[0].weight.dtype == torch.float32
    assert module[0].weight.requires_grad


# What is no polynomial is refused


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (nn.ReLU(), r"got relu in 1 \(ReLU\), which is no polynomial"),
        (nn.GELU(), r"got gelu in 1 \(GELU\), which is no polynomial"),
        (nn.Softmax(dim=-1), r"got _softmax in 1 \(Softmax\), which divides by a sum of exp"),
        (nn.LayerNorm(4), r"got native_layer_norm in 1 \(LayerNorm\), which divides by a stan"),
        (nn.RMSNorm(4), r"got rsqrt in 1 \(RMSNorm\), which divides by a root of values"),
        (nn.GroupNorm(2, 4), r"got native_group_norm in 1 \(GroupNorm\), which divides by a st"),
        (written(lambda x: x if x.sum() > 0 else -x), r"got gt in 1 \(Written\) at .*test_mod"),
        (written(lambda x: 1 / x), "got reciprocal in 1 .* which divides by values"),
        (written(lambda x: x / x), "got div in 1 .* which divides by values"),
        (written(lambda x: torch.div(x, 2, rounding_mode="floor")), "which rounds values"),
        (written(lambda x: x**0.5), "got pow in 1 .* an exponent that is no integer"),
        (written(lambda x: x**-1), "which divides by values|which has an exponent"),
        (written(torch.lgamma), "got lgamma .* not known as a sum or product"),
        (written(lambda x: x.view(torch.int64)), "reads the bits of values"),
        (written(lambda x: x * torch.rand(4)), "for each input by itself"),
        (written(lambda x: x.bfloat16()), "makes torch.bfloat16 of values"),
        (written(lambda x: torch.mul(x, x, out=torch.empty(1, 4))), "tensor that was made before"),
        (written(lambda x: x.expand(2, 4).add_(1)), "writes several values into the same entry"),
        (nn.GLU(), r"got glu in 1 \(GLU\), which is no polynomial"),
        (written(torch.rand_like), "got rand_like in 1 .* which draws random numbers"),
        (written(of_another_library), "got others::square .* which is not known as a sum or prod"),
        (written(lambda x: torch.from_numpy(x.numpy())), r"without numbers, got \w+Error in 1"),
        (written(lambda x: x @ torch.zeros(3, 3)), r"without numbers, got \w+Error in 1"),
        (written(lambda x: x - x.mean(dim=0)), "for each input by itself"),
        (written(lambda _: torch.zeros(1, 2)), "to return a tensor that depends on its input"),
        (written(lambda x: (x, x)), "to return a tensor that depends on its input, got tuple"),
        (written(lambda x: x.sum()), "to return an example a row"),
    ],
)
def test_what_is_no_sum_or_product_is_refused_by_name_and_place(
    module: nn.Module, message: str
) -> None:
    with pytest.raises(NumericError, match=message):
        compiled(nn.Sequential(nn.Linear(4, 4), module), torch.zeros(1, 4))


@pytest.mark.parametrize(
    ("module", "example", "message"),
    [
        ("module", torch.zeros(1, 4), "expected module to be a torch module, got str"),
        (nn.Linear(4, 4), [0.0] * 4, "expected example to be a tensor, got list"),
        (nn.Linear(4, 4), torch.tensor(1.0), r"at least one example and input, got shape \(\)"),
        (nn.Linear(4, 4), torch.zeros(0, 4), r"at least one example and input, got shape \(0, 4"),
        (nn.Linear(4, 4), torch.zeros(1, 4).bool(), "for tokens, integers, got torch.bool"),
        (nn.Linear(4, 4), torch.zeros(1, 4).half(), "for tokens, integers, got torch.float16"),
        (nn.Linear(4, 4), torch.zeros(1, 4).long(), "something else with tokens than look"),
        (
            nn.Linear(4, 4),
            torch.zeros(4),
            "the first axis of example, its only one, is of examples",
        ),
    ],
)
def test_a_module_or_an_example_that_is_none_is_refused(
    module: Any, example: Any, message: str
) -> None:
    with pytest.raises(NumericError, match=message):
        compiled(module, example)


@pytest.mark.filterwarnings("ignore:.*torch.jit.script.*:FutureWarning")
def test_a_module_that_does_not_run_in_python_is_refused() -> None:
    with pytest.raises(NumericError, match="to run in Python, got RecursiveScriptModule"):
        compiled(torch.jit.script(nn.Linear(4, 4)), torch.zeros(1, 4))


@pytest.mark.parametrize(
    "forward",
    [
        lambda x: x.square() @ torch.ones(4, 1),
        lambda x: torch.zeros(len(x), 3).index_copy_(1, torch.tensor([0, 2]), x[:, :2] * x[:, 2:]),
    ],
)
def test_a_module_may_make_numbers_of_its_own_precision(forward: Callable[[Tensor], Any]) -> None:
    x = torch.linspace(-1, 1, 12).reshape(3, 4)
    network = from_module(written(forward), torch.zeros(1, 4))
    torch.testing.assert_close(network(x), forward(x))


def test_convolutions_may_go_round() -> None:
    torch.manual_seed(0)
    module = nn.Conv2d(1, 2, 3, padding=1, padding_mode="circular")
    x = torch.rand(2, 1, 4, 5)
    network = from_module(module, x)
    torch.testing.assert_close(network(x.flatten(1)), module(x).flatten(1))


@pytest.mark.parametrize(
    "forward",
    [
        lambda e, x: e(x[:, :1]) * e(x[:, 1:2]) + e(x[:, 2:]),
        lambda e, x: e(torch.cat([torch.full_like(x[:, :1], 4), x], dim=1)).prod(1),
        lambda e, x: e(nn.functional.pad(x, (1, 1), value=3)).cumprod(1),
        lambda e, x: e(nn.functional.pad(x, (1, 0))).sum(1) ** 2,
        lambda e, x: e(torch.where(torch.tensor([True, False, True]), x, 2)).sum(1) ** 2,
        lambda e, x: e(torch.stack([x, x.flip(1)], dim=1)).prod(1),
        lambda e, x: e.weight[x].prod(1) + e.weight[x[:, 1], :],
    ],
)
def test_tokens_may_be_chosen_and_known_letters_stand_between_them(forward: Any) -> None:
    torch.manual_seed(0)
    embedding = nn.Embedding(5, 2)
    module = written(lambda x: forward(embedding, x))
    network = from_module(module, torch.zeros(1, 3, dtype=torch.int64))
    x = torch.cartesian_prod(*[torch.arange(5)] * 3)
    hot = nn.functional.one_hot(x, 5).flatten(1).float()
    torch.testing.assert_close(network(hot), module(x).flatten(1))


@pytest.mark.parametrize(
    ("forward", "message"),
    [
        (lambda e, x: e(nn.functional.pad(x, (1, 0), value=5)), "looks up 5 in a vocabulary of 5"),
        (lambda e, x: e.weight[x, 0], "something else with tokens than rows of a matrix"),
        (lambda e, x: e.weight[None][0 * x[:, :1].cpu(), x], "got mul .* something else with tok"),
        (lambda e, x: e(torch.where(x > 1, x, 2)), "got gt .* something else with tokens"),
        (lambda e, x: torch.stack([e(x)[..., 0], x]), "mixes tokens with values"),
    ],
)
def test_tokens_that_decide_more_than_what_is_looked_up_are_refused(
    forward: Any, message: str
) -> None:
    embedding = nn.Embedding(5, 2)
    with pytest.raises(NumericError, match=message):
        compiled(written(lambda x: forward(embedding, x)), torch.zeros(1, 3, dtype=torch.int64))


def test_an_embedding_of_another_vocabulary_is_refused() -> None:
    first, second = nn.Embedding(5, 2), nn.Embedding(4, 2)
    module = written(lambda x: first(x).sum(1) + second(x).sum(1))
    with pytest.raises(NumericError, match="has a vocabulary of 4 beside one of 5"):
        compiled(module, torch.zeros(1, 3, dtype=torch.int64))


@pytest.mark.parametrize("weight", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_refused(weight: float) -> None:
    module = nn.Linear(2, 2)
    with torch.no_grad():
        module.weight[0, 0] = weight
    with pytest.raises(NumericError, match="finite"):
        compiled(module, torch.zeros(1, 2))


def test_layers_that_would_take_too_much_are_refused_beforehand() -> None:
    outer = written(lambda x: (x[:, :, None] * x[:, None]).flatten(1))
    with pytest.raises(NumericError, match=r"at most 62,500 numbers \(memory\), got 1,000,000"):
        compiled(outer, torch.zeros(1, 1000), memory=10**6)
    with pytest.raises(NumericError, match=r"of at most 0.001 GB \(memory\), got some of 0.0"):
        compiled(nn.Linear(500, 500), torch.zeros(1, 500), memory=10**6)


def test_a_replaced_operation_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A negative control: where a factor ½ is dropped, the layers are not those of the module."""
    real = Algebra.times
    monkeypatch.setattr(
        Algebra,
        "times",
        lambda self, value, factor: real(self, value, factor if factor != 0.5 else 1),
    )
    with pytest.raises(NumericError, match="got outputs that differ by"):
        compiled(written(lambda x: 0.5 * x * x), torch.zeros(1, 2))


def test_nothing_is_warned_of() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compiled(Attention(), torch.zeros(1, 8, 4))
