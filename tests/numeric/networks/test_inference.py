"""What modules say of images, and that nothing depends on the state that torch is in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from numeric import (
    BilinearNetwork,
    LayeredNetwork,
    fidelity,
    integrated_gradients,
    load_network,
    rewrite,
    save_network,
    trace,
    train,
)
from numeric.features import sharing
from numeric.networks.attacks import attack
from numeric.networks.inference import best_device, logits, predictions, usual_torch
from tests.digits import small_digits
from tests.states import STATES, described

IMAGES = np.random.default_rng(0).random((30, 5), dtype=np.float32)


def a_network() -> BilinearNetwork:
    return BilinearNetwork(5, 3, depth=2, width=4, hidden=6)


def test_logits_are_the_modules_own_whatever_the_batch() -> None:
    model = a_network().double()
    with torch.no_grad():
        expected = model(torch.from_numpy(IMAGES).double()).numpy()
    for batch in (1, 7, 30, 2000):
        np.testing.assert_allclose(logits(model, IMAGES, batch), expected, rtol=1e-12)


def test_logits_are_computed_in_the_modules_own_precision() -> None:
    model = a_network()
    assert logits(model, IMAGES.astype(np.float64)).dtype == np.float32
    assert logits(rewrite(trace(model)), IMAGES).dtype == np.float64


def test_of_equal_logits_the_first_counts() -> None:
    model = torch.nn.Linear(5, 3)
    torch.nn.init.zeros_(model.weight)
    model.bias.data = torch.tensor([0.0, 1.0, 1.0])
    predicted = predictions(model, IMAGES)
    assert predicted.dtype == np.int64
    assert predicted.tolist() == [1] * 30


@pytest.mark.parametrize(("available", "kind"), [(True, "cuda"), (False, "cpu")])
def test_a_gpu_is_used_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch, kind: str, *, available: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: available)
    assert best_device().type == kind


# The state of torch

USUAL = described()


@pytest.mark.parametrize("name", STATES)
def test_a_state_changes_what_torch_does_but_not_within(name: str) -> None:
    with STATES[name]():
        changed = described()
        with usual_torch(gradients=True):
            assert described() == USUAL
        assert described() == changed != USUAL
    assert described() == USUAL


def test_the_state_comes_back_after_an_error() -> None:
    with STATES["another default dtype"](), STATES["no_grad"]():
        before = described()
        with pytest.raises(ZeroDivisionError), usual_torch(gradients=True):
            raise ZeroDivisionError
        assert described() == before


def test_gradients_are_recorded_where_they_are_asked_for() -> None:
    for asked in (True, False):
        with usual_torch(gradients=asked):
            assert torch.is_grad_enabled() == asked


def all_found(folder: Path) -> dict[str, Any]:
    """Return, bit for bit, what the verbs that use torch come to, from the first weights on."""
    digits = small_digits()
    network, other = (BilinearNetwork(9, 3, depth=2, width=4, hidden=5, seed=s) for s in (1, 2))
    history = train(network, digits, epochs=2, batch=4, checkpoint=folder / "checkpoint")
    again = train(other, digits, epochs=2, batch=4, checkpoint=folder / "checkpoint")
    shared = trace(network, "shared", features=8)
    rewritten = rewrite(shared)
    save_network(network, folder / "network")
    loaded = load_network(folder / "network")
    draw = torch.Generator().manual_seed(0)
    images, classes = digits.test_images, predictions(network, digits.test_images)
    found = {
        **network.arrays(),
        **{f"loaded {name}": array for name, array in loaded.arrays().items()},
        "logits": logits(network, images),
        "logits of the graph": logits(rewritten, images),
        "logits of the layers": logits(LayeredNetwork(network.layers()), images),
        "gradients": integrated_gradients(shared, images[0], images[1], 1),
        "attack": attack(network, images, classes, generator=draw, steps=5).points,
    }
    tensors = [*network.parameters(), *loaded.parameters(), *rewritten.buffers()]
    return {
        "history": (history, again),
        "fidelity": fidelity(shared, network, digits),
        "inference tensors": [tensor.is_inference() for tensor in tensors],
        **{name: (array.dtype, array.tobytes()) for name, array in found.items()},
    }


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sharing, "_STEPS", 9)
        yield all_found(tmp_path_factory.mktemp("usual"))


@pytest.mark.parametrize("name", STATES)
def test_nothing_depends_on_the_state_of_torch(
    tmp_path: Path, usual: dict[str, Any], name: str
) -> None:
    with STATES[name]():
        found = all_found(tmp_path)
    assert found.keys() == usual.keys()
    assert [key for key in found if found[key] != usual[key]] == []


def test_a_module_made_in_inference_mode_can_be_trained_by_its_gradients_later() -> None:
    with torch.inference_mode():
        module = rewrite(trace(BilinearNetwork(5, 3, depth=2, width=4, hidden=6)))
    pixels = torch.from_numpy(IMAGES).requires_grad_()
    (slope,) = torch.autograd.grad(module(pixels).sum(), pixels)
    assert slope.isfinite().all()
