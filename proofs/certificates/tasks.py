"""What holds on every input of a task that has finitely many: decided by exact logits."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from analytic import ExactNetwork
from numeric.data.modular_addition import ModularAddition
from proofs.certificates.claims import Claim
from proofs.certificates.measurements import Rewrite


def task_claims(
    exact: ExactNetwork, rewrites: Sequence[Rewrite], task: ModularAddition
) -> list[Claim]:
    """State that the network does a task, and that each graph does it that leaves something out.

    Args:
        exact: the network.
        rewrites: its graphs; of those that lose nothing nothing is said.
        task: whose inputs are all evaluated.

    Returns:
        A claim for each; where the largest logit is another on some input, that nothing is claimed.
    """
    claims = [_claim("the network", exact, task)]
    for item in rewrites:
        if not item.complete:
            layers = [layer.in_normal_form() for layer in item.squares]
            claims.append(_claim(f"the {item.name} graph", ExactNetwork(layers), task))
    return claims


def _claim(models: str, exact: ExactNetwork, task: ModularAddition) -> Claim:
    leads = [
        _lead(row.tolist(), label)
        for row, label in zip(exact.evaluate(task.inputs), task.labels.tolist(), strict=True)
    ]
    wrong = [place for place, lead in enumerate(leads) if lead <= 0]
    numbers = {"models": models, "modulus": task.modulus}
    found = {"inputs": len(leads), "right": len(leads) - len(wrong)}
    evidence = {**found, "least lead": float(min(leads))}
    claim = Claim.of("task", numbers, name=f"{models}: task", evidence=evidence)
    if not wrong:
        return claim
    others = f"{len(wrong):,} of {len(leads):,} inputs, first {task.name_of(wrong[0])},"
    return Claim.left_out(claim.name, claim.statement, f"on {others} it is another")


def _lead(logits: list[Fraction], label: int) -> Fraction:
    """Return by how much the logit of a class is ahead of all others."""
    return logits[label] - max(logits[:label] + logits[label + 1 :])
