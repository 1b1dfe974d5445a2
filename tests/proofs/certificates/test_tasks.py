"""A task is claimed where exact logits do it on every input, and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from analytic import ExactNetwork
from numeric import BilinearNetwork, prune, square_layers, trace
from numeric.data.modular_addition import ModularAddition
from proofs import ProofError, prove
from proofs.certificates.measurements import Rewrite
from proofs.certificates.tasks import task_claims
from tests.oracles import value
from tests.proofs.checker.certificates import task_case

TASK = ModularAddition(3)


def adding(seed: int = 0) -> BilinearNetwork:
    return task_case(3, seed).model


def exactly(model: BilinearNetwork) -> ExactNetwork:
    return ExactNetwork(model.layers())


def wrong_on_one(model: BilinearNetwork) -> BilinearNetwork:
    """Return the network with the neuron of 2 + 1 turned around."""
    with torch.no_grad():
        model.blocks[0].down.weight[:, 7] *= -1
    return model


@pytest.mark.parametrize("seed", range(4))
def test_a_network_that_adds_is_said_to_do_it_exactly(seed: int) -> None:
    model = adding(seed)
    (claim,) = task_claims(exactly(model), [], TASK)
    assert (claim.kind, claim.level, claim.holds) == ("task", "exact", True)
    assert claim.numbers == {"models": "the network", "modulus": 3}
    leads = []
    for image, label in zip(TASK.inputs, TASK.labels.tolist(), strict=True):
        logits = value(model.layers(), image)
        leads.append(logits[label] - max(logits[:label] + logits[label + 1 :]))
    assert claim.evidence == {"inputs": 9, "right": 9, "least lead": float(min(leads))}


def test_one_wrong_input_is_named_and_nothing_is_claimed() -> None:
    (claim,) = task_claims(exactly(wrong_on_one(adding())), [], TASK)
    assert claim.kind is None
    assert claim.statement.startswith(
        "Not claimed, as on 1 of 9 inputs, first 2 + 1, it is another: For every input"
    )


def test_a_tie_is_no_largest_logit() -> None:
    model = BilinearNetwork(4, 2, depth=1, hidden=1, bias=False)
    with torch.no_grad():
        model.blocks[0].down.weight.zero_()
    (claim,) = task_claims(exactly(model), [], ModularAddition(2))
    assert claim.statement.startswith("Not claimed, as on 4 of 4 inputs, first 0 + 0,")


def rewrite_of(model: BilinearNetwork, features: int, *, complete: bool) -> Rewrite:
    graph = prune(trace(model, "eigen"), features=features)
    return Rewrite("few", square_layers(graph), complete=complete)


def test_graphs_that_leave_something_out_are_asked_too() -> None:
    model = adding()
    whole = sum(node[0] == "feature" for node in trace(model, "eigen"))
    found: Any = {}
    for features in (whole - 1, 1):
        _, claim = task_claims(exactly(model), [rewrite_of(model, features, complete=False)], TASK)
        found[features] = claim
    assert found[whole - 1].numbers["models"] == "the few graph"
    assert "the few graph" in found[1].statement
    assert found[1].kind is None
    complete = rewrite_of(model, whole - 1, complete=True)
    assert len(task_claims(exactly(model), [complete], TASK)) == 1


def test_prove_claims_the_task_and_states_the_theorem_about_it() -> None:
    model, digits = adding(), TASK.data()
    graphs = [trace(model, "polarized"), trace(model, "shared", features=8)]
    with_task = prove(model, graphs, digits, task=TASK)
    claims = {claim.name: claim for claim in with_task.claims}
    assert claims["the network: task"].kind == "task"
    assert "the shared graph: task" in " ".join(claims)
    assert claims["theorem: modular_addition"].holds
    names = {claim.name for claim in prove(model, graphs, digits).claims}
    assert not {name for name in names if "task" in name or "modular_addition" in name}


def test_a_task_of_another_size_is_refused() -> None:
    model = adding()
    with pytest.raises(ProofError, match="of 8 inputs and 4 outputs for the task, got 6 and 3"):
        prove(model, trace(model), TASK.data(), task=ModularAddition(4))
