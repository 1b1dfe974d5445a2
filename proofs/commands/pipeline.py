"""The main job: train, trace, rewrite, prove and report, in one folder that a second run reuses."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from numeric import (
    BilinearNetwork,
    Digits,
    NumericError,
    save_network,
    train,
)
from numeric.data.modular_addition import ModularAddition
from numeric.files import digest, is_there, user_path
from numeric.networks.configuration import Configuration
from numeric.networks.network_files import read_network, renewed
from numeric.networks.training import Epoch, Recipe, chance_accuracy, checked_history
from proofs.certificates.claims import Certificate
from proofs.commands.arguments import data_of
from proofs.errors import ProofError
from proofs.report.folder import Say, called, made, step, write_report


def run(
    folder: str | os.PathLike[str],
    configuration: Configuration,
    recipe: Recipe,
    *,
    data: str | os.PathLike[str] | None = None,
    task: ModularAddition | None = None,
    say: Say = print,
) -> tuple[Certificate, str | None]:
    """Train a network on images, rewrite it as a feature graph, and prove that nothing changed.

    Args:
        folder: receives the network and what :func:`proofs.write_report` makes of it. The network
            and the graphs that an earlier run left there are used if they fit.
        configuration: the network's shape; its inputs and outputs are those of the data.
        recipe: how it is trained; its seed draws the first weights too.
        data: what :func:`numeric.load_data` takes; left out, MNIST is found or fetched.
        task: in place of data, of which part is trained on and everything proved.
        say: receives a line for each step.

    Returns:
        The certificate, and what to say where the network has learned nothing.

    Raises:
        ProofError: the folder is a file or cannot be made, or it holds another network.
        NumericError: the images cannot be had, or a file is damaged or cannot be written.
    """
    target = made(folder)
    named = "MNIST" if data is None else f"images of {data}"
    with step(say, named if task is None else f"addition modulo {task.modulus}"):
        digits = data_of(data) if task is None else task.data(recipe.seed)
    configuration = replace(configuration, inputs=digits.inputs, outputs=digits.classes)
    with step(say, f"network of depth {configuration.depth}"):
        path = target / "model.safetensors"
        model, history = trained(path, configuration, recipe, digits)
    nothing = learned_nothing(history, digits)
    if nothing:
        say(f"  {nothing}")
    training = recipe, history
    certificate = write_report(
        model, digits, target, training=training, task=task, name=called(path), say=say
    )
    return certificate, nothing


def learned_nothing(history: Sequence[Epoch], digits: Digits) -> str | None:
    """Return what to say of a training that ended no better than guessing, or None."""
    accuracy, chance = history[-1].accuracy, chance_accuracy(digits.test_labels)
    if accuracy > chance:
        return None
    return (
        f"the network has learned nothing: it labels {accuracy:.2%} of the test images correctly, "
        f"where guessing reaches up to {chance:.2%}; train it longer, or with other settings"
    )


def trained(
    path: Path, configuration: Configuration, recipe: Recipe, digits: Digits
) -> tuple[BilinearNetwork, list[Epoch]]:
    """Return the network of a folder, trained now or, from its last epoch on, before.

    Raises:
        ProofError: the file holds a network of another shape or recipe, or of other images.
        NumericError: it does not hold the history of such a training.
    """
    path, data = user_path(path), digest(digits.arrays)
    asked = {"configuration": asdict(configuration), "recipe": asdict(recipe)}
    if is_there(path):
        # One of an earlier format goes on in today's: what is proved names this file.
        renewed(path)
        model, notes = read_network(path)
        if not isinstance(model, BilinearNetwork):
            raise ProofError(
                f"expected {path} to hold a network of a configuration, got {model}: name another "
                "folder"
            )
        found = {"configuration": asdict(model.configuration), "recipe": notes.get("recipe")}
        if found != asked:
            raise ProofError(
                f"expected {path} to hold the network asked for, got {_differences(asked, found)}: "
                "name another folder, or the same settings"
            )
        # A network that does not say what it was trained on is taken for one of these images.
        if notes.get("SHA-256 of the data", data) != data:
            raise ProofError(
                f"expected {path} to hold a network of the images asked for, got one that was "
                "trained on others: name another folder, or the same data"
            )
        epochs = recipe.epochs
        return model, checked_history(notes.get("history"), path, least=epochs, most=epochs)
    model = BilinearNetwork.from_configuration(configuration, seed=recipe.seed)
    checkpoint = path.with_name(f"{path.stem}-checkpoint.safetensors")
    history = train(model, digits, **asdict(recipe), checkpoint=checkpoint)
    notes = {
        "recipe": asdict(recipe),
        "SHA-256 of the data": data,
        "history": [asdict(epoch) for epoch in history],
    }
    save_network(model, path, notes=notes)
    checkpoint.unlink(missing_ok=True)
    return model, history


def noted_training(path: Path) -> tuple[Recipe, list[Epoch]] | None:
    """Return how the network of a file was trained and how that went, if it says so.

    Raises:
        NumericError: what it says is no training.
    """
    notes = read_network(path)[1]
    if not {"recipe", "history"} <= notes.keys():
        return None
    try:
        recipe = Recipe(**notes["recipe"])
    except TypeError:
        raise NumericError(
            f"expected {path} to hold the settings of a training, got {notes['recipe']!r}"
        ) from None
    epochs = recipe.epochs
    return recipe, checked_history(notes["history"], path, least=epochs, most=epochs)


def _differences(asked: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """Say which settings differ, each as found and as asked for."""
    lines = []
    for group, settings in asked.items():
        there = found[group] if isinstance(found[group], Mapping) else {}
        lines += [
            f"{name} {there.get(name)} where {value} was asked for"
            for name, value in settings.items()
            if there.get(name) != value
        ]
    return ", ".join(lines)
