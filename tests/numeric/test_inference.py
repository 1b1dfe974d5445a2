from __future__ import annotations

import numpy as np
import pytest
import torch

from numeric import BilinearNetwork, rewrite, trace
from numeric.inference import best_device, logits, predictions

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
