"""Networks of research code, read whole and by their first layer alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from numeric import from_module, trace
from numeric.features.canonical import canonical
from numeric.graphs.graph import square_layers
from numeric.networks.normal_form import folded
from numeric.studies import truncation
from numeric.studies.research_code import ResearchNetwork, research_network
from numeric.studies.running import Tables
from numeric.studies.truncation import (
    COMPONENTS,
    EIGENFEATURES,
    through,
    told_truncation,
    truncation_picture,
    truncation_rows,
)
from tests.digits import like_mnist

DIGITS = like_mnist(inputs=36)


@pytest.fixture(scope="module", params=[1, 2])
def measured(request: pytest.FixtureRequest) -> Tables:
    return truncation_rows(request.param, 0, 8, 40, DIGITS)


def test_all_features_are_the_network_and_one_is_not(measured: Tables) -> None:
    rows = [row for row in measured["truncation"] if row["of"] == EIGENFEATURES]
    assert rows[-1]["agreement"] == 1
    assert rows[0]["agreement"] < 0.9
    whole = next(row for row in measured["as read"] if row["read"] == "whole")
    assert whole["agreement"] == 1


def test_the_first_layer_alone_is_the_network_where_there_is_no_other(measured: Tables) -> None:
    depth = measured["as read"][0]["depth"]
    alone = next(row for row in measured["as read"] if row["read"] == "first layer")
    assert (alone["agreement"] == 1) == (depth == 1)
    told = told_truncation(measured["truncation"], measured["as read"])
    assert {len(row) for row in told.section.rows} == {len(told.section.columns)}
    assert truncation_picture(measured["truncation"], measured["as read"]).axes
    components = [row for row in measured["truncation"] if row["of"] == COMPONENTS]
    assert bool(components) == (depth > 1)


def test_what_research_code_reads_is_its_eigenvectors() -> None:
    torch.manual_seed(0)
    module = ResearchNetwork(6, 3, depth=2, width=4).double()
    x = torch.randn(7, 6, dtype=torch.float64)
    left, right = module.left[0].weight, module.right[0].weight
    forms = torch.einsum("oh,hi,hj->oij", module.head.weight, left, right)
    values, vectors = torch.linalg.eigh((forms + forms.mT) / 2)
    read = torch.einsum("oik,bi->bok", vectors, module.embed(x)) ** 2
    assert torch.allclose((read * values).sum(dim=2), module.as_it_is_read(x))


def test_squares_give_the_classes_of_their_graph() -> None:
    module = research_network(DIGITS, 2, noise=0.1, width=6, epochs=3, batch=50)
    layers = folded(from_module(module, torch.zeros(1, 36)).layers())
    squares = canonical(layers).squares
    with torch.no_grad():
        wanted = module(torch.from_numpy(DIGITS.test_images)).argmax(dim=1).numpy()
    assert (through(squares, DIGITS.test_images) == wanted).all()
    graph = trace(layers, "canonical", components=2)
    few = through(canonical(layers, components=2).squares, DIGITS.test_images)
    assert (few == through(square_layers(graph), DIGITS.test_images)).all()


def test_as_many_as_are_asked_for_are_kept_of_each_output() -> None:
    module = research_network(DIGITS, 1, noise=0.1, width=6, epochs=1, batch=50)
    layers = folded(from_module(module, torch.zeros(1, 36)).layers())
    (square,) = canonical(layers).squares
    kept = truncation._strongest(square, 2)
    assert (np.count_nonzero(kept.mixing[1:], axis=1) == 2).all()
    assert np.allclose(abs(kept.mixing).max(axis=1), abs(square.mixing).max(axis=1))


def test_too_few_are_said_to_be_too_few() -> None:
    as_read = [
        {"depth": 1, "seed": 0, "read": name, "accuracy": 0.9, "agreement": 1.0}
        for name in ("network", "whole", "first layer")
    ]
    rows = [
        {"depth": 1, "seed": 0, "of": EIGENFEATURES, "count": count, "accuracy": accuracy,
         "agreement": accuracy}
        for count, accuracy in ((1, 0.5), (2, 0.8995), (3, 0.898), (4, 0.9))
    ]  # fmt: skip
    assert "Depth 1: 4 eigenfeatures" in told_truncation(rows, as_read).speaks_for[0]
    assert "more than were tried" in told_truncation(rows[:3], as_read).speaks_for[0]
