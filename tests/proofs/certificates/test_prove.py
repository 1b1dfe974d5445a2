"""What is claimed about a network and its graphs, and that every damage makes a claim fail."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import replace
from fractions import Fraction
from importlib import metadata
from itertools import product
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
import sympy
import torch
from hypothesis import given
from hypothesis import strategies as st

from analytic import THEOREMS
from analytic.derivations import Derivation, polarisation
from numeric import (
    BilinearNetwork,
    NumericError,
    rewrite,
    save_graph,
    save_network,
    square_layers,
    trace,
)
from proofs import Certificate, Claim, Level, ProofError, prove, save_certificate
from proofs.certificates.measurements import Measurements
from tests.digits import small_digits
from tests.modes import flushing
from tests.oracles import layer_expansion
from tests.states import STATES
from tests.strategies import costly, networks, tame

DIGITS = small_digits()
METHODS = ("polarized", "eigen")
STATED = [name for name in THEOREMS if name != "modular_addition"]
"""The other one is about a task, and stated with it."""
THEOREM_CLAIMS = [f"theorem: {name}" for name in STATED]

Graph = Any


def network(seed: int = 0, depth: int = 2, **shape: Any) -> BilinearNetwork:
    return BilinearNetwork(9, 3, depth=depth, width=4, hidden=5, seed=seed, **shape)


def claims(certificate: Certificate) -> dict[str, Claim]:
    return {claim.name: claim for claim in certificate.claims}


def failing(certificate: Certificate) -> list[str]:
    return [claim.name for claim in certificate.claims if not claim.holds]


def failure(certificate: Certificate, name: str) -> str:
    found = claims(certificate)[name].failure
    assert found is not None
    return found


# What holds


@pytest.mark.parametrize(
    ("depth", "bias", "residual", "embedding"),
    [*product((1, 2, 3), (True, False), (True, False), (True, False))],
)
def test_every_claim_holds_for_the_graphs_of_a_network_of_any_shape(
    depth: int, *, bias: bool, residual: bool, embedding: bool
) -> None:
    model = network(depth=depth, bias=bias, residual=residual, embedding=embedding)
    certificate = prove(model, [trace(model, method) for method in METHODS], DIGITS)
    assert certificate.holds
    assert list(claims(certificate)) == [
        *THEOREM_CLAIMS,
        "polarized: same polynomial",
        "eigen: same coefficients",
        "eigen: difference",
        "float32: rounding at most",
        "float64: rounding at most",
        "signature",
        "accuracy",
        "torch float32: rounding",
        "torch float64: rounding",
        "polarized: same outputs",
        "eigen: same outputs",
    ]
    assert all(claim.failure is None for claim in certificate.claims)


def test_claims_stand_in_the_order_of_their_strength() -> None:
    model = network()
    certificate = prove(model, [trace(model, method) for method in METHODS], DIGITS)
    ranks = [list(Level).index(claim.level) for claim in certificate.claims]
    assert ranks == sorted(ranks)


def test_a_network_in_float64_has_one_claim_about_its_floats() -> None:
    model = network().double()
    certificate = prove(model, trace(model, "polarized"), DIGITS)
    assert certificate.holds
    assert list(claims(certificate))[len(THEOREM_CLAIMS) :] == [
        "polarized: same polynomial",
        "float64: rounding at most",
        "signature",
        "accuracy",
        "torch float64: rounding",
        "polarized: same outputs",
    ]


def test_the_exact_claim_is_made_of_polarized_graphs_alone() -> None:
    model = network()
    certificate = prove(model, trace(model), DIGITS)
    assert certificate.holds
    assert not any(claim.level is Level.EXACT for claim in certificate.claims)


def test_the_evidence_of_the_exact_claim_says_how_large_the_polynomial_is() -> None:
    model = network(depth=3)
    claim = claims(prove(model, trace(model, "polarized"), DIGITS))["polarized: same polynomial"]
    assert claim.theorem == "polarisation"
    assert claim.evidence == {
        "degree": 8,
        "inputs": 9,
        "monomials of an output, at most": "24310",
        "squares in each layer": [10, 10, 10],
    }


def test_the_same_network_graph_and_data_give_the_same_bytes(tmp_path: Path) -> None:
    model = network()
    graphs = {method: trace(model, method) for method in METHODS}
    save_network(model, tmp_path / "model")
    files = {method: tmp_path / method for method in METHODS}
    for method, path in files.items():
        save_graph(graphs[method], path)
    written = []
    for _ in range(2):
        certificate = prove(network(), [trace(network(), method) for method in METHODS], DIGITS)
        save_certificate(
            certificate, tmp_path / "proof.json", model=tmp_path / "model", graphs=files
        )
        written.append(
            [(tmp_path / f"proof.{end}").read_bytes() for end in ("json", "safetensors")]
        )
    assert written[0] == written[1]


def test_the_state_of_torch_changes_nothing_in_what_is_proved() -> None:
    model = network()
    graphs = [trace(model, "polarized"), trace(model, "shared", features=6)]
    usual = prove(model, graphs, DIGITS)
    with ExitStack() as entered:
        for state in STATES.values():
            entered.enter_context(state())
        found = prove(model, graphs, DIGITS)
    assert found.claims == usual.claims
    assert found.subject == usual.subject


def test_the_network_and_the_graph_are_left_as_they_are() -> None:
    model = network()
    graph = trace(model)
    before, edges = model.arrays(), list(graph.edges(data="weight"))
    prove(model, graph, DIGITS)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert list(graph.edges(data="weight")) == edges
    for name, array in model.arrays().items():
        np.testing.assert_array_equal(array, before[name])


# Graphs whose hidden states are in other bases


@pytest.mark.parametrize(
    ("depth", "bias", "residual", "embedding"),
    [*product((1, 2, 3), (True, False), (True, False), (True, False))],
)
def test_a_canonical_graph_of_all_components_has_the_same_outputs_and_no_claim_of_coefficients(
    depth: int, *, bias: bool, residual: bool, embedding: bool
) -> None:
    model = network(depth=depth, bias=bias, residual=residual, embedding=embedding)
    certificate = prove(model, trace(model, "canonical"), DIGITS)
    assert certificate.holds
    assert list(claims(certificate))[len(THEOREM_CLAIMS) :] == [
        "canonical: difference",
        "float32: rounding at most",
        "float64: rounding at most",
        "signature",
        "accuracy",
        "torch float32: rounding",
        "torch float64: rounding",
        "canonical: same outputs",
    ]


def test_a_damaged_canonical_graph_fails_with_the_distance_of_its_logits() -> None:
    model = network()
    graph = trace(model, "canonical")
    weight = next(data for _, target, data in graph.edges(data=True) if target == ("logit", 0))
    weight["weight"] *= 1.5
    certificate = prove(model, graph, DIGITS)
    assert failing(certificate) == ["canonical: same outputs"]
    assert re.fullmatch(
        r"The logits lie \S+ apart on some image, and \d+ images have the same class\.",
        failure(certificate, "canonical: same outputs"),
    )


@pytest.mark.parametrize(
    ("method", "settings"),
    [
        ("shared", {"features": 8}),
        ("shared", {"features": 3}),
        ("shared", {"features": 8, "components": 4}),
        ("canonical", {"components": 1}),
    ],
)
def test_a_graph_that_leaves_something_out_is_measured_by_what_it_predicts(
    method: str, settings: dict[str, Any]
) -> None:
    model = network(3)
    graph = trace(model, method, **settings)
    certificate = prove(model, graph, DIGITS)
    assert certificate.holds
    name = f"{method}: fidelity"
    assert list(claims(certificate))[-1] == name
    assert len(certificate.claims) == len(THEOREM_CLAIMS) + 8
    claim = claims(certificate)[name]
    found, wanted = (
        module(torch.from_numpy(DIGITS.test_images).double()).detach().numpy()
        for module in (rewrite(graph), model.double())
    )
    difference = abs(found - wanted)
    relative = (difference.max(axis=1) / abs(wanted).max(axis=1)).max()
    same = int((found.argmax(axis=1) == wanted.argmax(axis=1)).sum())
    right, of_network = (
        int((scores.argmax(axis=1) == DIGITS.test_labels).sum()) for scores in (found, wanted)
    )
    features = sum(node[0] == "feature" for node in graph)
    assert claim.level is Level.MEASURED
    assert claim.evidence == {
        "images": 12,
        "features": features,
        "same class as the network": same,
        "right class": right,
        "right class of the network": of_network,
        "largest difference": pytest.approx(difference.max(), rel=1e-9),
        "largest relative difference": pytest.approx(relative, rel=1e-9),
    }
    assert claim.statement.startswith(
        f"On the 12 test images the {method} graph of {features} features predicts the network's "
        f"class {same} times, and the right label {right} times where the network does "
        f"{of_network} times."
    )


def test_the_order_of_the_claims_is_that_of_their_strength_with_graphs_of_every_method() -> None:
    model = network()
    graphs = [
        trace(model, "shared", features=6),
        trace(model, "canonical"),
        trace(model),
        trace(model, "polarized"),
        trace(model, "canonical", components=2),
    ]
    certificate = prove(model, graphs, DIGITS)
    assert certificate.holds
    assert list(claims(certificate))[len(THEOREM_CLAIMS) :] == [
        "polarized: same polynomial",
        "eigen: same coefficients",
        "canonical: difference",
        "eigen: difference",
        "float32: rounding at most",
        "float64: rounding at most",
        "signature",
        "accuracy",
        "shared: agreement",
        "canonical (2): agreement",
        "torch float32: rounding",
        "torch float64: rounding",
        "shared: fidelity",
        "canonical: same outputs",
        "eigen: same outputs",
        "polarized: same outputs",
        "canonical (2): fidelity",
    ]


@pytest.mark.parametrize("method", ["canonical", "shared"])
@pytest.mark.parametrize(
    "other",
    [
        BilinearNetwork(8, 3, width=4, hidden=5),
        BilinearNetwork(9, 2, width=4, hidden=5),
        BilinearNetwork(9, 3, width=4, hidden=5, depth=3),
        BilinearNetwork(9, 3, width=4, hidden=5, embedding=True),
    ],
    ids=["inputs", "outputs", "depth", "embedding"],
)
def test_a_canonical_or_shared_graph_of_another_network_is_refused(
    method: str, other: BilinearNetwork
) -> None:
    graph = trace(other, method, **({"features": 6} if method == "shared" else {}))
    with pytest.raises(ProofError, match=f"the {method} graph to have layers of shapes"):
        prove(network(), graph, DIGITS)


# What a certificate is about


def test_the_subject_is_the_shape_and_the_data_are_named_by_what_is_about_them() -> None:
    model = network()
    graph = trace(model)
    plain, again = prove(model, graph, DIGITS), prove(model, graph, DIGITS)
    moved = prove(model, graph, replace(DIGITS, test_images=DIGITS.test_images[::-1].copy()))
    assert plain.subject["configuration"]["inputs"] == 9
    data = [claims(found)["accuracy"].numbers["data"] for found in (plain, again, moved)]
    assert data[0] == data[1] != data[2]


def test_graphs_of_one_method_are_counted_and_a_method_may_be_anything() -> None:
    model = network()
    graphs = [trace(model, "polarized") for _ in range(3)]
    for graph, method in zip(graphs, ("polarized", "polarized", 5), strict=True):
        graph.graph["method"] = method
    del (nameless := trace(model)).graph["method"]
    graphs[1].remove_node(("feature", 1, 0))
    certificate = prove(model, [*graphs, nameless], DIGITS)
    assert failing(certificate) == ["polarized (2): same polynomial", "polarized (2): same outputs"]
    assert {"5: same outputs", "unnamed: same outputs"} <= claims(certificate).keys()
    assert "5: same polynomial" not in claims(certificate)


def test_the_versions_name_what_computed_the_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        if name == "sympy":
            raise metadata.PackageNotFoundError(name)
        return f"{name} of today"

    monkeypatch.setattr(metadata, "version", missing)
    model = network(depth=1)
    versions = prove(model, trace(model), DIGITS).versions
    assert versions["torch"] == "torch of today"
    assert versions["sympy"] == "not installed"
    assert re.fullmatch(r"\d+\.\d+\..+", versions["python"])


# Damage to a polarized graph. Each has to be found where it was done.


def coefficients(
    model: BilinearNetwork, graph: Graph, layer: int, output: int, monomial: tuple[int, int]
) -> tuple[Fraction, Fraction]:
    """The coefficient in the network and in the graph, by slow loops in fractions."""
    found = []
    for arrays in (model.layers()[layer - 1], square_layers(graph)[layer - 1].in_normal_form()):
        powers = [0] * len(model.layers()[layer - 1].linear[0])
        for index in monomial:
            powers[index] += bool(index)
        expanded = layer_expansion(arrays, constant=True)[output]
        found.append(expanded.get(tuple(powers), Fraction(0)))
    return found[0], found[1]


def sentence(
    model: BilinearNetwork, graph: Graph, place: tuple[int, int, tuple[int, int]], product: str
) -> str:
    layer, output, monomial = place
    last = layer == len(model.layers())
    node = f"('logit', {output - 1})" if last else f"('form', {layer}, {output})"
    values = coefficients(model, graph, layer, output, monomial)
    assert values[0] != values[1]
    by = values[1] - values[0]
    return (
        f"At node {node}, in layer {layer}, the coefficient of {product} is "
        f"{float(values[0]):.17g} in the network and {float(values[1]):.17g} in the graph, "
        f"a difference of {float(by):.17g}."
    )


def weight_moved_by_an_ulp(graph: Graph) -> None:
    direction = graph.nodes["feature", 1, 3]["direction"]
    direction[4] = np.nextafter(direction[4], np.inf)


def constant_weight_moved_by_an_ulp(graph: Graph) -> None:
    direction = graph.nodes["feature", 1, 3]["direction"]
    direction[0] = np.nextafter(direction[0], 1)


def hidden_weight_moved_by_an_ulp(graph: Graph) -> None:
    edge = graph.edges[("form", 1, 3), ("feature", 2, 1)]
    edge["weight"] = float(np.nextafter(edge["weight"], 1))


def feature_removed(graph: Graph) -> None:
    graph.remove_node(("feature", 1, 0))


def last_feature_removed(graph: Graph) -> None:
    graph.remove_node(("feature", 2, 9))


def sign_swapped(graph: Graph) -> None:
    graph.edges[("feature", 1, 2), ("form", 1, 3)]["weight"] *= -1


def logit_sign_swapped(graph: Graph) -> None:
    graph.edges[("feature", 2, 2), ("logit", 1)]["weight"] *= -1


def hidden_sign_swapped(graph: Graph) -> None:
    graph.edges[("form", 1, 2), ("feature", 2, 4)]["weight"] *= -1


def edge_removed(graph: Graph) -> None:
    graph.remove_edge(("feature", 2, 0), ("logit", 2))


def bias_changed(graph: Graph) -> None:
    graph.nodes["form", 1, 2]["direction"][0] += 0.25


def bias_form_turned(graph: Graph) -> None:
    graph.nodes["form", 1, 0]["direction"][5] = 0.5


def logit_bias_changed(graph: Graph) -> None:
    graph.edges[("form", 1, 0), ("logit", 1)]["weight"] += 0.25


def weight_halved(graph: Graph) -> None:
    graph.edges[("feature", 1, 7), ("form", 1, 4)]["weight"] /= 2


def logit_weight_halved(graph: Graph) -> None:
    graph.edges[("feature", 2, 7), ("logit", 0)]["weight"] /= 2


POLARIZED_DAMAGE = [
    (weight_moved_by_an_ulp, (1, 1, (0, 4)), "1 · input 3"),
    (constant_weight_moved_by_an_ulp, (1, 1, (0, 0)), "1 · 1"),
    (hidden_weight_moved_by_an_ulp, (2, 1, (0, 3)), "1 · ('form', 1, 3)"),
    (feature_removed, (1, 1, (0, 0)), "1 · 1"),
    (last_feature_removed, (2, 1, (0, 0)), "1 · 1"),
    (sign_swapped, (1, 3, (0, 0)), "1 · 1"),
    (logit_sign_swapped, (2, 2, (0, 0)), "1 · 1"),
    (hidden_sign_swapped, (2, 1, (0, 2)), "1 · ('form', 1, 2)"),
    (edge_removed, (2, 3, (0, 0)), "1 · 1"),
    (bias_changed, (1, 2, (0, 0)), "1 · 1"),
    (bias_form_turned, (1, 0, (0, 5)), "1 · input 4"),
    (logit_bias_changed, (2, 2, (0, 0)), "1 · 1"),
    (weight_halved, (1, 4, (0, 0)), "1 · 1"),
    (logit_weight_halved, (2, 1, (0, 0)), "1 · 1"),
]


@pytest.mark.parametrize(
    ("damage", "place", "product"),
    POLARIZED_DAMAGE,
    ids=[row[0].__name__ for row in POLARIZED_DAMAGE],
)
def test_damage_to_a_polarized_graph_is_found_at_its_node_layer_and_coefficient(
    damage: Callable[[Graph], None], place: tuple[int, int, tuple[int, int]], product: str
) -> None:
    model = network()
    graph = trace(model, "polarized")
    damage(graph)
    certificate = prove(model, graph, DIGITS)
    assert "polarized: same polynomial" in failing(certificate)
    assert failure(certificate, "polarized: same polynomial") == sentence(
        model, graph, place, product
    )
    assert not certificate.holds


def test_without_biases_the_first_coefficient_that_differs_is_one_of_two_inputs() -> None:
    model = network(depth=1, bias=False)
    graph = trace(model, "polarized")
    graph.edges[("feature", 1, 0), ("logit", 2)]["weight"] *= -1
    certificate = prove(model, graph, DIGITS)
    assert failure(certificate, "polarized: same polynomial") == sentence(
        model, graph, (1, 3, (1, 1)), "input 0 · input 0"
    )


def test_a_changed_residual_is_found_at_what_it_leads_to() -> None:
    model = network(depth=3, residual=True)
    graph = trace(model, "polarized")
    graph.edges[("form", 1, 4), ("form", 2, 4)]["weight"] = 0.5
    certificate = prove(model, graph, DIGITS)
    text = failure(certificate, "polarized: same polynomial")
    assert text == sentence(model, graph, (2, 4, (0, 4)), "1 · ('form', 1, 4)")
    assert text.endswith("a difference of -0.5.")


def test_a_changed_embedding_is_found_at_its_form() -> None:
    model = network(depth=1, embedding=True)
    graph = trace(model, "polarized")
    graph.nodes["form", 1, 3]["direction"][2] *= -1
    certificate = prove(model, graph, DIGITS)
    assert failure(certificate, "polarized: same polynomial") == sentence(
        model, graph, (1, 3, (0, 2)), "1 · input 1"
    )


def test_the_graph_of_another_network_of_the_same_shape_is_found_out() -> None:
    model, other = network(0), network(1)
    certificate = prove(model, [trace(other, method) for method in METHODS], DIGITS)
    assert failing(certificate) == [
        "polarized: same polynomial",
        "eigen: same coefficients",
        "polarized: same outputs",
        "eigen: same outputs",
    ]
    assert failure(certificate, "polarized: same polynomial").startswith("At node ('form', 1, 1), ")


def wide_network(depth: int) -> BilinearNetwork:
    """Left and right rows so far apart that no float64 holds their sum."""
    model = network(depth=depth).double()
    with torch.no_grad():
        for block in model.blocks:
            # The first weight keeps the size of the row, which would be balanced otherwise.
            block.right.weight[:, 1:] *= 2.0**-40
            block.right.bias *= 2.0**-40
    return model


@pytest.mark.parametrize("layer", [1, 2])
def test_a_low_part_that_is_dropped_is_missed_by_the_exact_claim_alone(layer: int) -> None:
    model = wide_network(depth=2)
    graph = trace(model, "polarized")
    assert failing(prove(model, graph, DIGITS)) in ([], ["polarized: same outputs"])
    feature = ("feature", layer, 2)
    if layer == 1:
        assert graph.nodes[feature].pop("direction_low").any()
        place, product = (1, 1, (0, 0)), "1 · 1"
    else:
        assert graph.edges[("form", 1, 3), feature].pop("weight_low")
        place, product = (2, 1, (0, 3)), "1 · ('form', 1, 3)"
    certificate = prove(model, graph, DIGITS)
    assert failure(certificate, "polarized: same polynomial") == sentence(
        model, graph, place, product
    )


@st.composite
def edited(draw: st.DrawFn) -> tuple[BilinearNetwork, Graph]:
    model = draw(networks(elements=tame, dtypes=(np.float32,), max_depth=2, max_size=2))
    graph = trace(model, "polarized")
    edges = [edge for edge in graph.edges if edge[0] != ("input",)]
    for edge in draw(st.lists(st.sampled_from(edges), max_size=2, unique=True)) if edges else []:
        graph.edges[edge]["weight"] *= draw(st.sampled_from([0.0, -1.0, 0.5, 1.0]))
    return model, graph


@pytest.mark.props
@costly
@given(edited())
def test_the_exact_claim_holds_if_and_only_if_all_layers_have_the_same_coefficients(
    case: tuple[BilinearNetwork, Graph],
) -> None:
    model, graph = case
    layers = zip(model.layers(), square_layers(graph), strict=True)
    same = True
    for number, (layer, squares) in enumerate(layers, start=1):
        first = int(number == len(model.layers()))
        expansions = (
            layer_expansion(arrays, constant=True)[first:]
            for arrays in (layer, squares.in_normal_form())
        )
        same &= next(expansions) == next(expansions)
    digits = small_digits(model.configuration.inputs)
    claim = claims(prove(model, graph, digits))["polarized: same polynomial"]
    assert claim.holds == same
    assert (claim.failure is None) == same


# Damage to an eigen graph, which is measured


def eigen_edge_scaled(graph: Graph) -> None:
    graph.edges[strongest(graph, ("form", 1, 3))]["weight"] *= 1 + 1e-6


def eigen_logit_edge_scaled(graph: Graph) -> None:
    graph.edges[strongest(graph, ("logit", 2))]["weight"] *= 1 + 1e-6


def eigen_sign_swapped(graph: Graph) -> None:
    graph.edges[strongest(graph, ("form", 1, 2))]["weight"] *= -1


def eigen_feature_removed(graph: Graph) -> None:
    graph.remove_node(strongest(graph, ("logit", 1))[0])


def eigen_reading_turned(graph: Graph) -> None:
    graph.nodes[strongest(graph, ("form", 1, 4))[0]]["direction"][2] += 1e-4


def strongest(graph: Graph, node: tuple[Any, ...]) -> tuple[Any, Any]:
    features = [source for source in graph.predecessors(node) if source[0] == "feature"]
    return max(features, key=lambda source: abs(graph.edges[source, node]["weight"])), node


@pytest.mark.parametrize(
    ("damage", "node"),
    [
        (eigen_edge_scaled, "('form', 1, 3), in layer 1"),
        (eigen_logit_edge_scaled, "('logit', 2), in layer 2"),
        (eigen_sign_swapped, "('form', 1, 2), in layer 1"),
        (eigen_feature_removed, "('logit', 1), in layer 2"),
        (eigen_reading_turned, "('form', 1, 4), in layer 1"),
    ],
)
def test_damage_to_an_eigen_graph_is_measured_and_found_at_its_node(
    damage: Callable[[Graph], None], node: str
) -> None:
    model = network()
    graph = trace(model)
    damage(graph)
    certificate = prove(model, graph, DIGITS)
    names = ["eigen: same coefficients", "eigen: same outputs"]
    assert failing(certificate) == names
    for name in names:
        assert failure(certificate, name).startswith(f"At node {node}, the coeff")


def test_a_looser_tolerance_lets_a_smaller_damage_pass() -> None:
    model = network()
    graph = trace(model)
    eigen_edge_scaled(graph)
    assert prove(model, graph, DIGITS, tolerance=1e-3).holds
    strict = prove(model, trace(model), DIGITS, tolerance=0)
    for name in ("eigen: same coefficients", "eigen: same outputs"):
        assert failure(strict, name).startswith(
            "No coefficient was found to differ beyond rounding"
        )


def test_another_prediction_fails_however_loose_the_tolerance() -> None:
    model = network()
    graph = trace(model)
    for source, target, edge in graph.edges(data=True):
        if target == ("logit", 0):
            edge["weight"] = edge["weight"] * 100 if source == ("form", 1, 0) else 0.0
    certificate = prove(model, graph, DIGITS, tolerance=1e9)
    assert failing(certificate) == ["eigen: same outputs"]
    evidence = claims(certificate)["eigen: same outputs"].evidence
    assert evidence["largest relative difference"] < 1e9
    assert evidence["same class as the network"] < len(DIGITS.test_labels)


# Floats


def with_floats(
    monkeypatch: pytest.MonkeyPatch, change: Callable[[np.ndarray[Any, Any]], Any]
) -> None:
    real = Measurements.of

    def changed(*arguments: Any) -> Measurements:
        measurements = real(*arguments)
        floats = {dtype: change(found.copy()) for dtype, found in measurements.floats.items()}
        return replace(measurements, floats=floats)

    monkeypatch.setattr(Measurements, "of", changed)


def test_floats_that_are_no_rounding_of_the_polynomial_are_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_floats(monkeypatch, lambda found: found * 1.01)
    model = network()
    certificate = prove(model, trace(model), DIGITS)
    assert {"torch float32: rounding", "torch float64: rounding"} <= {*failing(certificate)}
    text = failure(certificate, "torch float64: rounding")
    assert text == "The floats are no rounding of the polynomial."
    evidence = claims(certificate)["torch float32: rounding"].evidence
    assert evidence["largest relative difference"] == pytest.approx(0.01, rel=1e-3)
    assert evidence["same class as the exact value"] == len(DIGITS.test_labels)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_floats_that_are_no_numbers_fail_and_nan_agrees_with_nothing(
    monkeypatch: pytest.MonkeyPatch, value: float
) -> None:
    with_floats(monkeypatch, lambda found: np.full_like(found, value))
    model = network()
    certificate = prove(model, trace(model), DIGITS)
    names = ["torch float32: rounding", "torch float64: rounding", "eigen: same outputs"]
    assert failing(certificate) == names
    for name in names[:2]:
        evidence = claims(certificate)[name].evidence
        assert isinstance(evidence["largest difference"], str)
        assert isinstance(evidence["largest relative difference"], str)
        if np.isnan(value):
            assert evidence["same class as the exact value"] == evidence["right class"] == 0
    if np.isnan(value):
        assert claims(certificate)[names[2]].evidence["same class as the network"] == 0


def test_weights_that_overflow_float32_fail_the_claim_about_it_alone() -> None:
    model = network(depth=1)
    with torch.no_grad():
        for affine in (model.blocks[0].left, model.blocks[0].right):
            affine.weight *= 1e25
    certificate = prove(model, [trace(model, method) for method in METHODS], DIGITS)
    assert failing(certificate) == ["torch float32: rounding"]
    remark = claims(certificate)["float32: rounding at most: left out"].statement
    assert remark == (
        "Not claimed, as no bound is found (something may overflow): How far logits computed in "
        "float32 lie from the exact ones at most."
    )


def test_squares_that_overflow_float64_fail_the_measured_claim_and_not_the_exact_one() -> None:
    model = network(depth=1).double()
    with torch.no_grad():
        for affine, scale in ((model.blocks[0].left, 1e200), (model.blocks[0].right, 1e-200)):
            affine.weight *= scale
            affine.bias *= scale
        # So small that no power of two brings the rows to one size without rounding it.
        model.blocks[0].left.weight[:, 0] = 1e-300
    certificate = prove(model, trace(model, "polarized"), DIGITS)
    assert failing(certificate) == ["polarized: same outputs"]
    assert failure(certificate, "polarized: same outputs").startswith(
        "No coefficient was found to differ beyond rounding: the difference arises in floating "
        "point. At node "
    )


def test_logits_beyond_float64_are_an_error() -> None:
    model = network(depth=1).double()
    with torch.no_grad():
        for affine in (model.blocks[0].left, model.blocks[0].right):
            affine.weight *= 1e200
    with pytest.raises(ProofError, match="logits within the range of float64 on the test images"):
        prove(model, trace(model, "polarized"), DIGITS)


# Theorems


@pytest.mark.parametrize("name", STATED)
def test_a_theorem_that_is_wrong_fails_by_name(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    def wrong() -> Derivation:
        right = polarisation()
        return replace(right, right=right.right + sympy.Matrix([sympy.Symbol("x_0")]))

    monkeypatch.setitem(THEOREMS, name, wrong)
    model = network(depth=1)
    certificate = prove(model, trace(model), DIGITS)
    assert failing(certificate) == [f"theorem: {name}"]
    assert failure(certificate, f"theorem: {name}") == "The two sides differ."
    assert claims(certificate)[f"theorem: {name}"].theorem == name


# What nothing can be proved about


@pytest.mark.parametrize("shape", [(8, 3), (9, 2), (9, 4)])
def test_a_graph_of_other_sizes_is_refused(shape: tuple[int, int]) -> None:
    other = trace(BilinearNetwork(*shape, width=4, hidden=5))
    with pytest.raises(ProofError, match=r"the eigen graph to have layers of shapes .* got "):
        prove(network(), other, DIGITS)


@pytest.mark.parametrize("shape", [{"depth": 3}, {"depth": 1}, {"embedding": True}])
def test_a_graph_of_another_depth_is_refused(shape: dict[str, Any]) -> None:
    with pytest.raises(ProofError, match="layers of shapes"):
        prove(network(), trace(network(**shape), "polarized"), DIGITS)


def test_a_graph_of_another_width_is_refused() -> None:
    other = trace(BilinearNetwork(9, 3, width=3, hidden=5))
    with pytest.raises(ProofError, match=r"\[\(5, 10\), \(4, 5\)\] like the network"):
        prove(network(), other, DIGITS)


def broken(edit: Callable[[Graph], object]) -> Graph:
    graph = trace(network())
    edit(graph)
    return graph


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (broken(lambda graph: graph.remove_node(("input",))), "the node"),
        (broken(lambda graph: graph.graph.clear()), "sizes"),
        (broken(lambda graph: graph.add_node("stray")), "'stray'"),
        (broken(lambda graph: graph.add_edge(("logit", 0), ("form", 1, 1), weight=1.0)), "cycle"),
        (nx.Graph(), "networkx.DiGraph, got Graph"),
        (nx.DiGraph(), "sizes"),
        (None, "networkx.DiGraph, got NoneType"),
        (3, "networkx.DiGraph, got int"),
        ("graph", "networkx.DiGraph, got str"),
        ([None], "networkx.DiGraph, got NoneType"),
    ],
)
def test_a_broken_graph_and_what_is_no_graph_are_refused(graph: Any, message: str) -> None:
    with pytest.raises(NumericError, match=message):
        prove(network(), graph, DIGITS)


@pytest.mark.parametrize("none", [[], (), iter([])])
def test_no_graph_at_all_is_refused(none: Any) -> None:
    with pytest.raises(ProofError, match="expected a graph, or several, got none"):
        prove(network(), none, DIGITS)


def test_graphs_may_come_from_any_collection() -> None:
    model = network(depth=1)
    graphs: Iterable[Graph] = {method: trace(model, method) for method in METHODS}.values()
    found = prove(model, graphs, DIGITS)  # type: ignore[arg-type]
    assert {f"{method}: same outputs" for method in METHODS} <= claims(found).keys()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_network_with_a_weight_that_is_no_number_is_refused(value: float) -> None:
    model = network()
    graph = trace(model)
    with torch.no_grad():
        model.blocks[1].down.bias[2] = value
    with pytest.raises(NumericError, match=r"blocks\.1\.down\.bias to be finite"):
        prove(model, graph, DIGITS)


def test_another_model_or_data_set_than_the_kinds_of_this_project_is_refused() -> None:
    model = network()
    linear: Any = torch.nn.Linear(9, 3)
    with pytest.raises(ProofError, match=r"BilinearNetwork, .* got Linear: from_module"):
        prove(linear, trace(model), DIGITS)
    images: Any = DIGITS.test_images
    with pytest.raises(ProofError, match="digits to be a Digits, got a ndarray"):
        prove(model, trace(model), images)
    with pytest.raises(ProofError, match="digits of 9 inputs like the network, got 16"):
        prove(model, trace(model), small_digits(16))


@pytest.mark.parametrize("tolerance", [float("nan"), float("inf"), -1e-9])
def test_a_tolerance_that_would_prove_anything_or_nothing_is_refused(tolerance: float) -> None:
    model = network()
    with pytest.raises(ProofError, match="tolerance to be finite and not negative"):
        prove(model, trace(model), DIGITS, tolerance=tolerance)


def test_nothing_is_proved_where_subnormal_numbers_are_taken_for_zero() -> None:
    model = network()
    graph = trace(model, "polarized")
    with flushing(), pytest.raises(NumericError, match="keeps subnormal numbers"):
        prove(model, graph, DIGITS)


def test_labels_beyond_the_outputs_are_never_right() -> None:
    digits = replace(DIGITS, test_labels=np.full(len(DIGITS.test_labels), 7))
    model = network()
    certificate = prove(model, trace(model), digits)
    assert certificate.holds
    assert claims(certificate)["torch float32: rounding"].evidence["right class"] == 0
