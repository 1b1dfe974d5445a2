"""Training: it learns, to the same bits every time, interrupted or not."""

from __future__ import annotations

import copy
import io
import math
import sys
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from numeric import BilinearNetwork, Digits, NumericError, save_network, train
from numeric.files import load_arrays, save_arrays
from numeric.networks import training as module
from numeric.networks.inference import predictions
from numeric.networks.training import Epoch, chance_accuracy, checked_history

Wrong = Any
"""What no caller should hand over."""


def digits(seed: int = 0) -> Digits:
    """Three classes of pictures of five pixels, as far apart as they can be."""
    generator = np.random.default_rng(seed)
    splits = []
    for count in (90, 30):
        labels = generator.integers(0, 3, count)
        ink = np.eye(5)[labels] + generator.normal(0, 0.05, (count, 5))
        splits += [ink.astype(np.float32), labels]
    return Digits(*splits)


DIGITS = digits()


def a_network(**shape: Wrong) -> BilinearNetwork:
    return BilinearNetwork(5, 3, **{"depth": 2, "width": 4, "hidden": 6, "residual": True, **shape})


def trained(
    model: BilinearNetwork | None = None, data: Digits = DIGITS, **settings: Wrong
) -> tuple[list[Epoch], dict[str, bytes]]:
    model = model or a_network()
    settings = {"epochs": 4, "batch": 16, "noise": 0.1, "learning_rate": 0.05, **settings}
    history = train(model, data, **settings)
    return history, {name: array.tobytes() for name, array in model.arrays().items()}


@pytest.fixture
def stop_before(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Interrupt the training before an epoch, counted from 0."""
    epoch = module._epoch

    def set_stop(stop: int) -> None:
        def interrupted(state: Any, images: Any, labels: Any, number: int) -> float:
            if number == stop:
                raise KeyboardInterrupt
            return epoch(state, images, labels, number)

        monkeypatch.setattr(module, "_epoch", interrupted)

    return set_stop


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("training")


@pytest.fixture(scope="module")
def content(folder: Path) -> bytes:
    trained(checkpoint=folder / "whole")
    return (folder / "whole").read_bytes()


@pytest.fixture
def checkpoint(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "checkpoint"
    path.write_bytes(content)
    return path


# Learning


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_network_learns_what_can_be_told_apart(dtype: torch.dtype) -> None:
    model = a_network().to(dtype)
    history, _ = trained(model, epochs=12)
    assert history[-1].accuracy == 1.0
    assert history[-1].loss < history[0].loss / 2
    assert (predictions(model, DIGITS.test_images) == DIGITS.test_labels).all()


def test_logits_are_brought_into_a_range_and_keep_their_proportions() -> None:
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randn(200, 4, generator=generator) * torch.logspace(-12, 9, 200)[:, None]
    found, largest = module._in_range(drawn), drawn.abs().amax(dim=1)
    assert (found.abs().amax(dim=1) >= 1 - 1e-6).all()
    assert (found.abs().amax(dim=1) <= 5 + 1e-6).all()
    torch.testing.assert_close(found / found.abs().amax(dim=1)[:, None], drawn / largest[:, None])
    inside = (largest > 1) & (largest < 5)
    assert inside.any()
    assert torch.equal(found[inside], drawn[inside])


@pytest.mark.parametrize("size", [0.0, 1e-44, 1e-25, 1e-16])
def test_logits_that_are_next_to_nothing_have_slopes_that_are_finite(size: float) -> None:
    weight = torch.full((1, 3), size, requires_grad=True)
    torch.autograd.backward(module._in_range(weight * torch.ones(2, 3)).sum())
    assert weight.grad is not None
    assert weight.grad.isfinite().all()


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("residual", [False, True])
def test_only_logits_whose_size_says_nothing_are_brought_into_the_range(
    monkeypatch: pytest.MonkeyPatch, *, bias: bool, residual: bool
) -> None:
    shape = {"bias": bias, "residual": residual}
    before = trained(a_network(**shape))[1]
    monkeypatch.setattr(module, "_in_range", lambda logits: logits)
    assert (trained(a_network(**shape))[1] == before) == (bias or residual)


def test_the_history_has_each_epoch_in_its_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    epoch, losses = module._epoch, []

    def watched(*arguments: Any) -> float:
        losses.append(epoch(*arguments))
        return losses[-1]

    monkeypatch.setattr(module, "_epoch", watched)
    model = a_network()
    history, _ = trained(model, epochs=5)
    assert [entry.loss for entry in history] == losses
    assert len(losses) == 5
    right = predictions(model, DIGITS.test_images) == DIGITS.test_labels
    assert history[-1].accuracy == right.mean()


def test_the_test_images_are_never_trained_on() -> None:
    others = replace(DIGITS, test_images=1 - DIGITS.test_images)
    assert trained()[1] == trained(data=others)[1]


def test_the_model_may_have_outputs_that_no_label_names() -> None:
    history, _ = trained(BilinearNetwork(5, 7, depth=1, hidden=6), epochs=12)
    assert history[-1].accuracy == 1.0


def test_the_images_may_lie_in_memory_in_any_way() -> None:
    turned = [np.broadcast_to(array[::-1], array.shape) for array in DIGITS.arrays]
    copied = [array.copy() for array in turned]
    assert trained(data=Digits(*turned)) == trained(data=Digits(*copied))


@pytest.mark.parametrize("counts", [[100] * 10, [113, 98, 788], [3, 2], [40], [1]])
def test_guessing_the_most_frequent_class_is_no_better_than_chance_and_little_more_is(
    counts: list[int],
) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    count, share = len(labels), max(counts) / len(labels)
    chance = chance_accuracy(labels)
    assert share <= chance <= share + 4 * math.sqrt(share * (1 - share) / count) + 1 / count
    # By the definition, in fractions.
    p = Fraction(max(counts), count)
    tail, right = Fraction(0), count
    while right > 0:
        likely = math.comb(count, right) * p**right * (1 - p) ** (count - right)
        if tail + likely > Fraction(1, 1000):
            break
        tail, right = tail + likely, right - 1
    assert round(chance * count) == right


# The same bits


@pytest.mark.parametrize("depth", [1, 2])
def test_the_same_seeds_give_the_same_weights_and_history(depth: int) -> None:
    assert trained(a_network(depth=depth)) == trained(a_network(depth=depth))


@pytest.mark.parametrize("setting", [{"seed": 1}, {"noise": 0.2}, {"batch": 17}])
def test_every_setting_counts(setting: dict[str, Any]) -> None:
    assert trained()[1] != trained(**setting)[1]


def test_without_noise_the_seed_still_orders_the_images() -> None:
    assert trained(noise=0.0)[1] != trained(noise=0.0, seed=1)[1]


def test_every_epoch_sees_all_images_in_an_order_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    randperm, orders = torch.randperm, []

    def watched(*arguments: Any, **settings: Any) -> torch.Tensor:
        orders.append(randperm(*arguments, **settings))
        return orders[-1]

    monkeypatch.setattr(torch, "randperm", watched)
    trained()
    assert len({tuple(order.tolist()) for order in orders}) == 4
    assert all(torch.equal(order.sort().values, torch.arange(90)) for order in orders)


def test_training_leaves_the_random_state_of_torch_alone() -> None:
    before = torch.get_rng_state()
    trained()
    assert torch.equal(torch.get_rng_state(), before)


# Checkpoints


@pytest.mark.parametrize("stop", [1, 2, 3])
def test_an_interrupted_run_goes_on_as_if_nothing_had_been(
    tmp_path: Path,
    stop_before: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
    stop: int,
) -> None:
    path = tmp_path / "checkpoint"
    stop_before(stop)
    with pytest.raises(KeyboardInterrupt):
        trained(checkpoint=path)
    monkeypatch.undo()
    assert trained(checkpoint=path) == trained()


def test_of_many_epochs_one_in_a_hundred_is_kept_and_a_training_goes_on_from_it(
    tmp_path: Path,
    stop_before: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_SAVED", 2)
    path = tmp_path / "checkpoint"
    stop_before(3)
    with pytest.raises(KeyboardInterrupt):
        trained(epochs=4, checkpoint=path)
    assert len(load_arrays(path)[1]["history"]) == 2
    monkeypatch.undo()
    assert trained(epochs=4, checkpoint=path) == trained(epochs=4)


def test_an_interruption_before_the_first_epoch_leaves_no_checkpoint(
    tmp_path: Path, stop_before: Callable[[int], None]
) -> None:
    stop_before(0)
    with pytest.raises(KeyboardInterrupt):
        trained(checkpoint=tmp_path / "checkpoint")
    assert not list(tmp_path.iterdir())


def test_the_same_model_may_go_on_where_it_was_interrupted(
    tmp_path: Path, stop_before: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = a_network()
    stop_before(2)
    with pytest.raises(KeyboardInterrupt):
        trained(model, checkpoint=tmp_path / "checkpoint")
    monkeypatch.undo()
    assert trained(model, checkpoint=tmp_path / "checkpoint") == trained()


def test_the_weights_come_from_the_checkpoint_and_not_from_the_model(checkpoint: Path) -> None:
    assert trained(a_network(seed=9), checkpoint=checkpoint) == trained()


def test_a_finished_training_is_not_repeated(
    checkpoint: Path, stop_before: Callable[[int], None], content: bytes
) -> None:
    expected = trained()
    stop_before(0)
    assert trained(checkpoint=checkpoint) == expected
    assert checkpoint.read_bytes() == content


def test_the_same_training_leaves_the_same_checkpoint(tmp_path: Path, content: bytes) -> None:
    trained(checkpoint=tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == content


@pytest.mark.parametrize(
    "setting",
    [
        {"epochs": 5},
        {"seed": 1},
        {"noise": 0.2},
        {"batch": 17},
        {"learning_rate": 0.01},
        {"weight_decay": 0.0},
    ],
    ids=str,
)
def test_a_checkpoint_of_another_recipe_is_refused(
    checkpoint: Path, setting: dict[str, Any]
) -> None:
    with pytest.raises(NumericError, match=r"checkpoint .* to have the recipe .* delete it"):
        trained(checkpoint=checkpoint, **setting)


@pytest.mark.parametrize("shape", [{"hidden": 7}, {"depth": 1}, {"residual": False}], ids=str)
def test_a_checkpoint_of_another_network_is_refused(
    checkpoint: Path, shape: dict[str, Any]
) -> None:
    with pytest.raises(NumericError, match=r"to have the configuration .* delete it"):
        trained(a_network(**shape), checkpoint=checkpoint)


@pytest.mark.parametrize("name", ["train_images", "train_labels", "test_images", "test_labels"])
def test_a_checkpoint_of_other_data_is_refused(checkpoint: Path, name: str) -> None:
    array = getattr(DIGITS, name).copy()
    array[3] = 1 - array[3] if "images" in name else (array[3] + 1) % 3
    with pytest.raises(NumericError, match=r"to have the SHA-256 of the data .* delete it"):
        trained(data=replace(DIGITS, **{name: array}), checkpoint=checkpoint)


def a_partly_frozen_network(*frozen: str) -> BilinearNetwork:
    model = a_network()
    for name in frozen:
        model.get_parameter(name).requires_grad_(requires_grad=False)
    return model


FROZEN = ("blocks.0.left.weight", "blocks.1.down.bias")


def test_frozen_weights_stay_and_the_others_learn() -> None:
    _, found = trained(a_partly_frozen_network(*FROZEN))
    before = {name: array.tobytes() for name, array in a_network().arrays().items()}
    assert {name for name in found if found[name] == before[name]} == set(FROZEN)


def test_a_training_with_frozen_weights_goes_on_as_if_nothing_had_been(
    tmp_path: Path, stop_before: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_before(2)
    with pytest.raises(KeyboardInterrupt):
        trained(a_partly_frozen_network(*FROZEN), checkpoint=tmp_path / "checkpoint")
    monkeypatch.undo()
    found = trained(a_partly_frozen_network(*FROZEN), checkpoint=tmp_path / "checkpoint")
    assert found == trained(a_partly_frozen_network(*FROZEN))
    for others in ((), FROZEN[:1], (*FROZEN, "blocks.0.down.bias")):
        with pytest.raises(NumericError, match=r"to have the frozen weights .* delete it"):
            trained(a_partly_frozen_network(*others), checkpoint=tmp_path / "checkpoint")


def test_a_checkpoint_of_another_precision_is_refused(checkpoint: Path) -> None:
    with pytest.raises(NumericError, match=r"left.weight in .* to be float64, got float32"):
        trained(a_network().double(), checkpoint=checkpoint)


def test_other_files_are_no_checkpoint(tmp_path: Path) -> None:
    save_network(a_network(), tmp_path / "network")
    (tmp_path / "letter").write_text("Dear checkpoint,")
    with pytest.raises(NumericError, match="to have the format bilinear-features checkpoint"):
        trained(checkpoint=tmp_path / "network")
    with pytest.raises(NumericError, match="letter to be a whole safetensors file"):
        trained(checkpoint=tmp_path / "letter")


def test_a_checkpoint_may_lie_at_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkpoint: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    home = f"~/{checkpoint.name}"
    assert trained(checkpoint=home) == trained(checkpoint=checkpoint)
    with pytest.raises(NumericError, match=f"expected the checkpoint {tmp_path}"):
        trained(checkpoint=home, epochs=5)


EPOCH = {"loss": 1.0, "accuracy": 0.5}


@pytest.mark.parametrize(
    "history",
    [
        None,
        [],
        [EPOCH] * 5,
        [{"loss": 1.0}],
        [{**EPOCH, "colour": 1.0}],
        [{**EPOCH, "loss": "1.0"}],
        [3],
    ],
    ids=str,
)
def test_a_checkpoint_whose_history_is_none_is_refused(checkpoint: Path, history: object) -> None:
    arrays, description = load_arrays(checkpoint)
    save_arrays(checkpoint, arrays, {**description, "history": history})
    with pytest.raises(NumericError, match="the loss and accuracy of 1 to 4 epochs, got"):
        trained(checkpoint=checkpoint)


@pytest.mark.parametrize(("least", "most"), [(1, 3), (3, 3), (1, 9), (0, 3)])
def test_a_history_of_a_number_of_epochs_that_is_allowed_is_read(least: int, most: int) -> None:
    history = [{"loss": 1.0 / number, "accuracy": 0.1 * number} for number in (1, 2, 3)]
    found = checked_history(history, "model", least=least, most=most)
    assert [vars(epoch) for epoch in found] == history


@pytest.mark.parametrize(
    ("least", "most", "span"),
    [(1, 2, "1 to 2"), (4, 9, "4 to 9"), (4, 4, "all 4"), (2, 2, "all 2")],
)
def test_a_history_of_another_number_of_epochs_is_refused(least: int, most: int, span: str) -> None:
    with pytest.raises(NumericError) as caught:
        checked_history([EPOCH] * 3, "model", least=least, most=most)
    assert str(caught.value) == (
        f"expected model to hold the loss and accuracy of {span} epochs, got {[EPOCH] * 3}"
    )


@pytest.mark.parametrize("number", [math.nan, math.inf, None, "1.0", 1, True])
@pytest.mark.parametrize("name", ["loss", "accuracy"])
def test_a_history_of_what_is_no_finite_float_is_refused(name: str, number: Wrong) -> None:
    with pytest.raises(NumericError, match="expected model to hold the loss and accuracy of 1 to"):
        checked_history([EPOCH, {**EPOCH, name: number}], "model", most=9)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("blocks.0.left.weight", None, "to hold the tensor blocks.0.left.weight, got none"),
        ("exp_avg of blocks.1.down.bias", None, "tensor exp_avg of blocks.1.down.bias, got none"),
        ("step of blocks.1.down.bias", np.ones(1, np.float32), r"shape \(\), got \(1,\)"),
        ("blocks.0.left.bias", np.ones(1, np.float32), r"shape \(6,\), got \(1,\)"),
        ("exp_avg_sq of blocks.0.left.bias", np.ones(6), "to be float32, got float64"),
        ("exp_avg of blocks.0.left.bias", np.full(6, np.nan, np.float32), "finite, got nan"),
    ],
    ids=range(6),
)
def test_a_damaged_checkpoint_is_refused_by_name_and_leaves_the_model_alone(
    checkpoint: Path, name: str, change: np.ndarray[Any, Any] | None, message: str
) -> None:
    arrays, description = load_arrays(checkpoint)
    del arrays[name]
    save_arrays(checkpoint, arrays | ({} if change is None else {name: change}), description)
    model = a_network(seed=3)
    with pytest.raises(NumericError, match=message):
        trained(model, checkpoint=checkpoint)
    for one, other in zip(model.parameters(), a_network(seed=3).parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.props
@given(data=st.data())
def test_a_truncated_checkpoint_is_refused(
    folder: Path, content: bytes, data: st.DataObject
) -> None:
    (folder / "cut").write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    with pytest.raises(NumericError, match="cut to be a whole safetensors file"):
        trained(checkpoint=folder / "cut")


# Refusals


def test_a_loss_that_diverges_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NumericError, match=r"loss to stay finite, got (nan|inf) in epoch \d+"):
        trained(learning_rate=1e30, checkpoint=tmp_path / "checkpoint", epochs=8)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"epochs": 0}, "epochs to be an integer of at least 1, got 0"),
        ({"epochs": 2.5}, "epochs to be an integer of at least 1, got 2.5"),
        ({"batch": 0}, "batch to be an integer of at least 1, got 0"),
        ({"batch": "16"}, "batch to be an integer of at least 1, got '16'"),
        ({"seed": -1}, "seed to be an integer of at least 0, got -1"),
        ({"seed": None}, "seed to be an integer of at least 0, got None"),
        ({"noise": -0.1}, "noise to be a finite number and not negative, got -0.1"),
        ({"noise": math.nan}, "noise to be a finite number and not negative, got nan"),
        ({"noise": True}, "noise to be a finite number and not negative, got True"),
        ({"learning_rate": math.inf}, "learning_rate to be a finite number .* got inf"),
        ({"learning_rate": "fast"}, "learning_rate to be a finite number .* got 'fast'"),
        ({"weight_decay": -1}, "weight_decay to be a finite number .* got -1"),
    ],
    ids=str,
)
def test_settings_that_cannot_train_are_refused(setting: dict[str, Any], message: str) -> None:
    with pytest.raises(NumericError, match=f"expected {message}"):
        trained(**setting)


def test_images_of_another_width_are_refused() -> None:
    with pytest.raises(NumericError, match="expected images of 6 pixels, got 5"):
        trained(BilinearNetwork(6, 3))


def test_labels_beyond_the_outputs_are_refused() -> None:
    with pytest.raises(NumericError, match="labels below the 2 outputs of the model, got 2"):
        trained(BilinearNetwork(5, 2))


def test_weights_that_are_not_finite_are_refused_by_name() -> None:
    model = a_network()
    torch.nn.init.constant_(model.get_parameter("blocks.1.down.bias"), math.nan)
    with pytest.raises(NumericError, match=r"blocks.1.down.bias to be finite, got nan"):
        trained(model)


def test_a_model_of_which_all_weights_are_frozen_is_refused_by_name() -> None:
    model = a_network().requires_grad_(requires_grad=False)
    with pytest.raises(NumericError) as caught:
        trained(model)
    assert str(caught.value).startswith(
        "expected weights to train, got a model in which all are frozen (requires_grad is False): "
        "blocks.0.left.weight, blocks.0.left.bias, "
    )


def test_weights_that_were_made_in_inference_mode_are_refused_by_name() -> None:
    with torch.inference_mode():
        model = a_network().double()
    message = r"blocks.0.left.weight to be a weight that can be trained, got .*inference_mode"
    with pytest.raises(NumericError, match=message):
        trained(model)
    assert trained(copy.deepcopy(model)) == trained(a_network().double())


def test_weights_of_half_precision_are_refused_by_name() -> None:
    with pytest.raises(NumericError, match=r"blocks.0.left.weight in float32 or float64"):
        trained(a_network().half())


# What is seen of it


def test_where_nobody_watches_training_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    trained()
    assert capfd.readouterr() == ("", "")


def test_on_a_terminal_loss_and_accuracy_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    (*_, last), _ = trained(epochs=2)
    assert f"loss {last.loss:.4f}, accuracy {last.accuracy:.2%}" in stream.getvalue()
