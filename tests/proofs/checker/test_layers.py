"""Files of networks and graphs: the checker reads what the project reads, or rejects them."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from numeric import (
    BilinearNetwork,
    Layer,
    NumericError,
    load_graph,
    load_network,
    prune,
    save_graph,
    save_network,
    square_layers,
    trace,
)
from numeric.files import load_arrays, save_arrays
from proofs import checker
from proofs.checker import Rejected
from proofs.checker.claims.same_polynomial import bits, modular_forms
from proofs.checker.files import content, tensors
from proofs.checker.residues import primes
from proofs.checker.stored import graph_layers, network
from tests.graphs import annotated_graph, edited_graphs
from tests.oracles import matrix
from tests.strategies import few, networks, stacks, tame, wild

Alteration = Callable[[dict[str, Any], dict[str, Any]], Any]
# The errors that the checker's last line of defence turns into a rejection.
REFUSED = (Rejected, LookupError, TypeError, ValueError, ArithmeticError, AttributeError)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


def read(path: Path, kind: str) -> tuple[dict[str, Any], Any]:
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return tensors(content(path, sha256), path.name, kind)


def read_network(path: Path) -> list[checker.Layer]:
    return network(read(path, "network")[0])[0]


def read_graph(path: Path) -> list[checker.Layer]:
    return graph_layers(*read(path, "graph"))


def assert_network(found: Sequence[checker.Layer], expected: Sequence[Layer]) -> None:
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert not one.low.any()
        for name in Layer._fields:
            assert getattr(one, name).dtype == np.float64
            assert np.array_equal(getattr(one, name), getattr(other, name))


def assert_graph(found: Sequence[checker.Layer], graph: nx.DiGraph[Any]) -> None:
    expected = square_layers(graph)
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one.left is one.right
        mine = (one.left, one.low, one.down, one.linear)
        assert all(np.array_equal(*pair) for pair in zip(mine, other, strict=True))


# What the project writes


@pytest.mark.props
@given(model=networks(elements=wild))
def test_a_network_is_read_as_it_is(folder: Path, model: BilinearNetwork) -> None:
    save_network(model, folder / "model")
    assert_network(read_network(folder / "model"), model.layers())


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("embedding", [False, True])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("size", [1, 3])
def test_a_network_of_any_shape_is_read_as_it_is(
    tmp_path: Path, residual: bool, embedding: bool, bias: bool, size: int
) -> None:
    shape = {"residual": residual, "embedding": embedding, "bias": bias}
    model = BilinearNetwork(size, 2, depth=2, width=size, hidden=1, **shape)
    save_network(model, tmp_path / "model")
    assert_network(read_network(tmp_path / "model"), model.layers())


@pytest.mark.props
@given(layers=stacks(elements=wild))
def test_layers_that_no_network_class_has_are_read_as_they_are_or_rejected(
    folder: Path, layers: list[Layer]
) -> None:
    save_network(layers, folder / "layers")
    passing = all(
        np.array_equal(layer.linear[0], np.eye(layer.linear.shape[1])[0])
        and not layer.down[0].any()
        for layer in layers[:-1]
    )
    if passing:
        assert_network(read_network(folder / "layers"), layers)
    else:
        with pytest.raises(Rejected, match="stands for the constant does not"):
            read_network(folder / "layers")


def test_a_configuration_says_nothing_to_the_checker(model_path: Path) -> None:
    expected = load_network(model_path).layers()
    altered(model_path, described(configuration="none of yours"))
    assert_network(read_network(model_path), expected)


@pytest.mark.props
@given(data=st.data(), method=st.sampled_from(["polarized", "eigen", "canonical", "shared"]))
def test_a_traced_graph_is_read_as_it_is(folder: Path, data: st.DataObject, method: str) -> None:
    pruned = data.draw(st.booleans())
    elements = wild if method == "polarized" and not pruned else tame
    model = data.draw(networks(elements=elements))
    try:
        graph = trace(model, method, **({"features": 4} if method == "shared" else {}))
    except NumericError:
        return
    if pruned:
        count = sum(node[0] == "feature" for node in graph)
        graph = prune(graph, features=data.draw(st.integers(0, count)))
    save_graph(graph, folder / "graph")
    assert_graph(read_graph(folder / "graph"), graph)


@pytest.mark.props
@given(graph=edited_graphs())
def test_a_graph_after_a_hand_has_been_at_it_is_read_as_it_is_or_rejected(
    folder: Path, graph: nx.DiGraph[Any]
) -> None:
    save_graph(graph, folder / "graph")
    constants = square_layers(graph)[:-1]
    kept = all(
        np.array_equal(layer.linear[0], np.eye(layer.linear.shape[1])[0])
        and not layer.mixing[0].any()
        for layer in constants
    )
    if kept:
        assert_graph(read_graph(folder / "graph"), graph)
    else:
        with pytest.raises(Rejected, match="stands for the constant does not"):
            read_graph(folder / "graph")


# What it does not


@pytest.fixture
def model_path(tmp_path: Path) -> Path:
    save_network(BilinearNetwork(3, 2, depth=2, width=4, hidden=5, residual=True), tmp_path / "m")
    return tmp_path / "m"


@pytest.fixture
def graph_path(tmp_path: Path) -> Path:
    save_graph(annotated_graph(3), tmp_path / "g")
    return tmp_path / "g"


def without(name: str) -> Alteration:
    return lambda arrays, _: arrays.pop(name)


def replaced(name: str, change: Callable[[Any], Any]) -> Alteration:
    return lambda arrays, _: arrays.update({name: change(arrays[name])})


def added(name: str, array: Any) -> Alteration:
    return lambda arrays, _: arrays.update({name: array})


def placed(name: str, place: Any, value: Any) -> Alteration:
    return lambda arrays, _: arrays[name].__setitem__(place, value)


def described(**values: object) -> Alteration:
    return lambda _, description: description.update(values)


def everything(dtype: type) -> Alteration:
    return lambda arrays, _: arrays.update({n: a.astype(dtype) for n, a in arrays.items()})


def altered(path: Path, alter: Alteration) -> None:
    arrays, description = load_arrays(path)
    arrays = {name: array.copy() for name, array in arrays.items()}
    alter(arrays, description)
    save_arrays(path, arrays, description)


MODELS: dict[str, Alteration] = {
    **{f"no {name}": without(f"2.{name}") for name in ("left", "right", "down", "linear")},
    "no first layer": lambda arrays, _: [arrays.pop(f"1.{name}") for name in Layer._fields],
    "nothing": lambda arrays, _: arrays.clear(),
    "surplus": added("surplus", np.ones((1, 1), dtype=np.float32)),
    "a layer from 0": lambda arrays, _: [
        arrays.update({f"0.{name}": arrays[f"1.{name}"]}) for name in Layer._fields
    ],
    "flat": replaced("1.left", np.ravel),
    "one neuron for all": replaced("1.right", lambda array: array[:1]),
    "one weight for all": replaced("1.down", lambda array: array[:, :1]),
    "a number less": replaced("2.linear", lambda array: array[:, :-1]),
    "turned": replaced("1.left", np.transpose),
    "no outputs": lambda arrays, _: arrays.update(
        {name: arrays[name][:1] for name in ("2.down", "2.linear")}
    ),
    "another dtype": replaced("1.left", lambda array: array.astype(np.float64)),
    "integers": everything(np.int64),
    "half floats": everything(np.float16),
    "nan": placed("1.left", (0, 0), np.nan),
    "infinity": placed("1.left", (0, 0), -np.inf),
    "another format": described(format="bilinear-features graph 1"),
    "the first format": described(format="bilinear-features network 1"),
    "a neuron in the constant": placed("1.down", (0, 0), 1),
    "an input in the constant": placed("1.linear", (0, 1), 1),
    "twice the constant": placed("1.linear", (0, 0), 2),
}


@pytest.mark.parametrize("alter", MODELS.values(), ids=MODELS)
def test_a_file_that_holds_no_whole_network_is_rejected(
    model_path: Path, alter: Alteration
) -> None:
    read_network(model_path)
    altered(model_path, alter)
    with pytest.raises(NumericError):
        load_network(model_path)
    with pytest.raises(REFUSED):
        read_network(model_path)


def wide(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.repeat(array, 2, axis=1)


GRAPHS: dict[str, Alteration] = {
    **{
        f"no {name}": without(name)
        for part in ("weight", "direction", "weight_low", "direction_low")
        for name in (part, f"{part}.rows")
    },
    **{f"no {name}": without(name) for name in ("nodes", "edges")},
    "nodes flat": replaced("nodes", np.ravel),
    "nodes narrow": replaced("nodes", lambda array: array[:, :2]),
    "nodes wide": replaced("nodes", wide),
    "nodes of floats": replaced("nodes", lambda array: array.astype(np.float64)),
    "a node of kind 5": placed("nodes", (1, 0), 5),
    "a node of kind -1": placed("nodes", (1, 0), -1),
    "a feature of layer 0": placed("nodes", (1, 1), 0),
    "a feature of layer 5": placed("nodes", (1, 1), 5),
    "a node twice": replaced("nodes", lambda array: np.concatenate([array, array[-1:]])),
    "a logit beyond": placed("nodes", (-1, 1), 7),
    "a logit with a second number": placed("nodes", (-1, 2), 1),
    "an edge twice": placed("edges", 1, [0, 1]),
    "an edge from nowhere": placed("edges", (0, 0), 1000),
    "an edge from below nowhere": placed("edges", (0, 0), -1),
    "edges of floats": replaced("edges", lambda array: array.astype(np.float64)),
    "an edge turned": replaced("edges", lambda array: array[:, ::-1]),
    "a weight too few": replaced("weight", lambda array: array[1:]),
    "a weight for all": replaced("weight", lambda array: array[:1]),
    "weights in a column": replaced("weight", lambda array: array[:, None]),
    "weights of float32": replaced("weight", lambda array: array.astype(np.float32)),
    "a weight beyond": placed("weight.rows", 0, 1000),
    "a weight twice": placed("weight.rows", 0, 1),
    "a low part below": placed("weight_low.rows", 0, -1),
    "a low part beyond": placed("direction_low.rows", 0, 1000),
    "owners of floats": replaced("weight.rows", lambda array: array.astype(np.float64)),
    "a direction beyond": placed("direction.rows", 0, 1000),
    "a direction below": placed("direction.rows", 0, -1),
    "a number for a direction": replaced("direction", lambda array: array[:, :1]),
    "directions of numbers": replaced("direction", lambda array: array[:, 0]),
    "directions of integers": replaced("direction", lambda array: array.astype(np.int64)),
    "a direction too few": replaced("direction", lambda array: array[1:]),
    "a nan": placed("weight", 5, np.nan),
    "an edge from the input with a weight": placed("weight", 0, 2.0),
    "other sizes": described(graph={"sizes": [4, 3]}),
    "sizes of text": described(graph={"sizes": "433"}),
    "no sizes": described(graph={}),
    "one size": described(graph={"sizes": [4]}),
    "a node of text": described(nodes={"one": {}}),
    "a node beyond": described(nodes={"1000": {}}),
    "a direction in words": described(nodes={"0": {"size": 3}, "1": {"direction": [0, 1, 0, 0]}}),
    "a weight in words": described(edges={"0": {"weight_low": 0.5}}),
    "another format": described(format="bilinear-features network 1"),
}


@pytest.mark.parametrize("alter", GRAPHS.values(), ids=GRAPHS)
def test_a_file_that_holds_no_whole_graph_is_rejected(graph_path: Path, alter: Alteration) -> None:
    read_graph(graph_path)
    altered(graph_path, alter)
    with pytest.raises(REFUSED):
        read_graph(graph_path)


def test_a_low_part_where_no_feature_reads_is_rejected(graph_path: Path) -> None:
    arrays, description = load_arrays(graph_path)
    nodes, edges = arrays["nodes"], arrays["edges"]
    mixing = np.flatnonzero((nodes[edges[:, 0], 0] == 1) & (nodes[edges[:, 1], 0] == 3))[0]
    arrays["weight_low.rows"], arrays["weight_low"] = np.array([mixing]), np.array([0.25])
    save_arrays(graph_path, arrays, description)
    with pytest.raises(Rejected, match=r"edge .* has a low part"):
        read_graph(graph_path)


def test_features_that_read_features_and_logits_that_are_read_are_rejected(tmp_path: Path) -> None:
    for source, target in ((1, 2), (4, 2), (1, 0), (3, 4)):
        nodes = np.array([[0, 0, 0], [1, 1, 0], [1, 1, 1], [3, 0, 0], [3, 1, 0]])
        edges = np.array([[0, 1], [0, 2], [1, 3], [2, 4], [source, target]])
        arrays = {
            "nodes": nodes,
            "edges": edges,
            "weight": np.ones(5),
            "direction": np.ones((2, 2)),
        }
        arrays |= {"weight.rows": np.arange(5), "direction.rows": np.array([1, 2])}
        for name, shape in (("weight_low", (0,)), ("direction_low", (0, 2))):
            arrays |= {name: np.zeros(shape), f"{name}.rows": np.zeros(0, dtype=np.int64)}
        about = {"graph": {"sizes": [2, 3]}, "nodes": {}, "edges": {}}
        save_arrays(tmp_path / "g", arrays, {"format": "bilinear-features graph 1", **about})
        with pytest.raises(Rejected, match="edge 4 joins nodes of other layers"):
            read_graph(tmp_path / "g")


# Safetensors


def raw_file(path: Path, header: str, data: bytes) -> None:
    path.write_bytes(struct.pack("<Q", len(header)) + header.encode() + data)


def header(*parts: str) -> str:
    note = json.dumps(json.dumps({"format": "bilinear-features witnesses 1"}))
    return "{" + ",".join([f'"__metadata__":{{"description":{note}}}', *parts]) + "}"


PLAIN = '"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}'
HEADERS = {
    "overlapping": [PLAIN, '"b":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}'],
    "with a hole": [PLAIN, '"b":{"dtype":"F64","shape":[1],"data_offsets":[9,17]}'],
    "too short": [PLAIN],
    "too long": [PLAIN, '"b":{"dtype":"F64","shape":[2],"data_offsets":[8,24]}'],
    "before the start": ['"a":{"dtype":"F64","shape":[1],"data_offsets":[-8,0]}'],
    "of another size": ['"a":{"dtype":"F64","shape":[1],"data_offsets":[0,16]}'],
    "of a shape below 0": ['"a":{"dtype":"F64","shape":[-2],"data_offsets":[0,16]}'],
    "of two shapes below 0": ['"a":{"dtype":"F64","shape":[-2,-1],"data_offsets":[0,16]}'],
    "of an unknown type": ['"a":{"dtype":"F16","shape":[8],"data_offsets":[0,16]}'],
    "twice": [PLAIN, PLAIN.replace("[0,8]", "[8,16]")],
    "in broken JSON": ['"a":'],
}


@pytest.mark.parametrize("parts", HEADERS.values(), ids=HEADERS)
def test_arrays_that_do_not_fill_their_file_are_rejected(tmp_path: Path, parts: list[str]) -> None:
    path = tmp_path / "arrays"
    second = '"b":{"dtype":"I64","shape":[1],"data_offsets":[8,16]}'
    raw_file(path, header(PLAIN, second), np.ones(2).tobytes())
    assert list(read(path, "witnesses")[0]) == ["a", "b"]
    raw_file(path, header(*parts), np.ones(2).tobytes())
    with pytest.raises(REFUSED):
        read(path, "witnesses")


@pytest.mark.props
@given(data=st.data(), kind=st.sampled_from(["network", "graph"]))
def test_a_file_with_flipped_bits_is_read_as_the_project_reads_it_or_rejected(
    folder: Path, data: st.DataObject, kind: str
) -> None:
    path = folder / "damaged"
    if kind == "network":
        save_network(BilinearNetwork(3, 2, depth=2, width=4, hidden=5), path)
    else:
        save_graph(annotated_graph(3), path)
    damaged = bytearray(path.read_bytes())
    header = 8 + int.from_bytes(damaged[:8], "little")
    place = st.one_of(st.integers(0, header - 1), st.integers(0, len(damaged) - 1))
    for position in data.draw(st.lists(place, min_size=1, max_size=3)):
        damaged[position] ^= data.draw(st.integers(1, 255))
    path.write_bytes(damaged)
    try:
        found = read_network(path) if kind == "network" else read_graph(path)
    except REFUSED:
        return
    try:
        expected = load_network(path).layers() if kind == "network" else load_graph(path)
    except NumericError:
        return
    if isinstance(expected, list):
        assert_network(found, expected)
    else:
        assert_graph(found, expected)


# Equality of polynomials


def forms(layer: Sequence[Any]) -> list[list[list[Any]]]:
    """Return the doubled symmetric matrices of the outputs, in fractions."""
    left, right, down, linear = map(matrix, layer)
    size = len(linear[0])
    found = []
    for weights, added_row in zip(down[1:], linear[1:], strict=True):
        half = [[added_row[j] * (i == 0) for j in range(size)] for i in range(size)]
        for weight, one, other in zip(weights, left, right, strict=True):
            for i in range(size):
                for j in range(size):
                    half[i][j] += weight * one[i] * other[j]
        found.append([[half[i][j] + half[j][i] for j in range(size)] for i in range(size)])
    return found


def nothing(layer: checker.Layer) -> checker.Layer:
    """A layer of the same sizes whose outputs are all 0."""
    empty = layer.used(np.zeros(len(layer.left), dtype=bool))
    return empty._replace(linear=0 * layer.linear)


@pytest.mark.props
@given(data=st.data())
def test_residues_are_those_of_the_coefficients(data: st.DataObject) -> None:
    model = data.draw(networks(elements=data.draw(st.sampled_from([few, tame, wild])), max_depth=1))
    (layer,) = [layer for layer in model.layers() if len(layer.left)]
    left, right, down, linear = (array.astype(np.float64) for array in layer)
    low = data.draw(st.sampled_from([0.0, 2.0**-1074, 2.0**-300]))
    lacking = np.full_like(left, low)
    exact_layer = ((left, lacking), (right, lacking), down, linear)
    checked = checker.Layer(left, right, lacking, down, linear)
    for prime in list(primes(60))[:: data.draw(st.sampled_from([1, -1]))][:1]:
        for (read_, part), expected in zip(
            modular_forms((checked, nothing(checked)), prime), forms(exact_layer), strict=True
        ):
            found = np.zeros((len(expected),) * 2)
            found[np.ix_(read_, read_)] = part
            for row, exact_row in zip(found.tolist(), expected, strict=True):
                for residue, number in zip(row, exact_row, strict=True):
                    inverse = pow(number.denominator, -1, prime)
                    assert (int(residue) - number.numerator * inverse) % prime == 0


@pytest.mark.props
@given(data=st.data())
def test_no_difference_of_coefficients_has_more_bits_than_are_compared(data: st.DataObject) -> None:
    elements = data.draw(st.sampled_from([few, tame, wild]))
    models = [data.draw(networks(elements=elements, max_depth=1)) for _ in range(2)]
    layers = [model.layers()[-1] for model in models]
    if layers[0].linear.shape != layers[1].linear.shape:
        return
    checked = [
        checker.Layer(one, two, np.zeros_like(one), three, four)
        for one, two, three, four in (
            (array.astype(np.float64) for array in layer) for layer in layers
        )
    ]
    product = 1
    for prime in primes(bits(checked)):
        product *= prime
    # Every denominator is a power of two, and divides the largest.
    entries = [np.array(forms(layer), dtype=object).ravel() for layer in layers]
    shared = max((entry.denominator for entry in np.concatenate(entries)), default=1)
    assert all(abs(number) * shared < product for number in entries[0] - entries[1])


def test_primes_are_primes_and_different() -> None:
    found = list(primes(2000))
    assert len(set(found)) == len(found) == 96
    for prime in (found[0], found[-1]):
        assert 2**21 < prime < 2**22
        assert all(prime % divisor for divisor in range(2, 2100))


def test_an_ulp_of_a_weight_changes_a_residue() -> None:
    model = BilinearNetwork(3, 2, depth=1, hidden=4)
    left, right, down, linear = (array.astype(np.float64) for array in model.layers()[0])
    layer = checker.Layer(left, right, np.zeros_like(left), down, linear)
    moved = left.copy()
    moved[1, 2] = np.nextafter(moved[1, 2], 9)
    (prime,) = list(primes(1))
    moved_layer = layer._replace(left=moved)
    assert not any(form.any() for _, form in modular_forms((layer, layer), prime))
    assert any(form.any() for _, form in modular_forms((layer, moved_layer), prime))


def doubled_form(layer: checker.Layer, output: int) -> Any:
    """The doubled form of an output of whole numbers, in whole numbers."""
    left, right, down, linear = (
        np.vectorize(int, otypes=[object])(array)
        for array in (layer.left, layer.right, layer.down, layer.linear)
    )
    form = (left.T * down[output]) @ right
    form[0] += linear[output]
    return form + form.T


def test_sums_of_residues_are_exact_for_many_neurons() -> None:
    draw = np.random.default_rng(0)
    left, right, down, linear = (
        draw.integers(-(2**52), 2**52, shape).astype(np.float64)
        for shape in ((2300, 2), (2300, 2), (2, 2300), (2, 2))
    )
    layer = checker.Layer(left, right, np.zeros_like(left), down, linear)
    (prime,) = list(primes(1))
    ((read, found),) = modular_forms((layer, nothing(layer)), prime)
    assert read.tolist() == [0, 1]
    assert not ((found.astype(int) - doubled_form(layer, 1)) % prime).any()


def test_readings_of_few_inputs_each_give_the_same_forms() -> None:
    draw = np.random.default_rng(0)
    left, right = np.zeros((2, 1500, 60))
    for reading in range(1500):  # as those of a convolution: some neighbours, and the constant
        some = [0, *(1 + reading % 56 + np.arange(4))]
        left[reading, some], right[reading, some] = draw.integers(-(2**52), 2**52, (2, 5))
    down = draw.integers(-(2**52), 2**52, (4, 1500)) * (draw.random((4, 1500)) < 0.02)
    down[2] = draw.integers(-(2**52), 2**52, 1500)
    linear = draw.integers(-9, 9, (4, 60)) * (draw.random((4, 60)) < 0.1)
    layer = checker.Layer(left, right, np.zeros_like(left), *map(np.float64, (down, linear)))
    (prime,) = list(primes(1))
    found = list(modular_forms((layer, nothing(layer)), prime))
    for output, (read, form) in enumerate(found, start=1):
        expected = doubled_form(layer, output)
        assert not ((form.astype(int) - expected[np.ix_(read, read)]) % prime).any()
        expected[np.ix_(read, read)] = 0
        assert not expected.any()
    left[1499, 5] = np.nextafter(left[1499, 5], 9)
    again = modular_forms((layer, nothing(layer)), prime)
    assert not np.array_equal(found[1][1], list(again)[1][1])


def test_float32_weights_are_told_from_float64_ones(tmp_path: Path) -> None:
    for dtype in (torch.float32, torch.float64):
        save_network(BilinearNetwork(3, 2, depth=1, hidden=2).to(dtype), tmp_path / "m")
        single = network(read(tmp_path / "m", "network")[0])[1]
        assert single == (dtype == torch.float32)
