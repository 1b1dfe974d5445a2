"""What lies between the files of a certificate is held before any claim is looked at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from numeric import BilinearNetwork, trace
from proofs import Claim, check
from proofs.certificates.files import MNIST
from proofs.checker import Rejected, Unreadable
from tests.modes import flushing
from tests.proofs.checker.certificates import Case, claimed, small_case

ACCURACY = claimed("accuracy", {"images": 4, "right": 0})


def whole() -> Case:
    """A case that the checker accepts."""
    return small_case()


def with_images(change: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]) -> Case:
    case = whole()
    return Case(case.model, change(case.images), case.labels, case.graphs)


def with_graph(**shape: int) -> Case:
    case = whole()
    sizes = {"inputs": 3, "outputs": 3, "depth": 1, "width": 2, "hidden": 4} | shape
    other = BilinearNetwork(**sizes)
    return Case(case.model, case.images, case.labels, {"other": trace(other, "polarized")})


UNFIT: dict[str, Callable[[], Case]] = {
    "images without inputs": lambda: with_images(lambda images: images[:, :0]),
    "images of one input": lambda: with_images(lambda images: images[:, :1]),
    "images of more inputs": lambda: with_images(lambda images: np.tile(images, 2)),
    "no images": lambda: with_images(lambda images: images[:0]),
    "images in rows and columns": lambda: with_images(lambda images: images[:, None]),
    "images of integers": lambda: with_images(lambda images: images.astype(np.int64)),
    "a graph of one logit": lambda: with_graph(outputs=1),
    "a graph of more logits": lambda: with_graph(outputs=12),
    "a graph of other inputs": lambda: with_graph(inputs=2),
    "a graph of more layers": lambda: with_graph(depth=2),
    "labels of more images": lambda: Case(whole().model, whole().images, np.zeros(5, np.int64)),
    "labels below 0": lambda: Case(whole().model, whole().images, np.full(4, -1)),
}


@pytest.mark.parametrize("unfit", UNFIT.values(), ids=UNFIT)
@pytest.mark.parametrize(
    "claim",
    [
        ACCURACY,
        claimed(
            "signature", {"size": 4, **dict.fromkeys(("positive", "negative", "zero"), [0] * 3)}
        ),
    ],
    ids=["accuracy", "signature"],
)
def test_files_that_do_not_fit_are_refused_whatever_is_claimed(
    tmp_path: Path, unfit: Callable[[], Case], claim: Claim
) -> None:
    assert whole().accepted(tmp_path, claim)
    case = unfit()
    path = Case(case.model, case.images, case.labels, case.graphs, (claim,)).write(tmp_path)
    with pytest.raises(Unreadable, match=r"certificate\.json: "):
        check(path)


def test_a_box_has_the_inputs_of_the_network_and_not_of_the_images(tmp_path: Path) -> None:
    model = BilinearNetwork(64, 2, depth=1, hidden=1).double()
    zero = BilinearNetwork(64, 2, depth=1, hidden=1).double()
    with torch.no_grad():
        for parameter in (*model.parameters(), *zero.parameters()):
            parameter.zero_()
        model.blocks[0].left.weight.fill_(0.125)
        model.blocks[0].right.weight.fill_(0.125)
        model.blocks[0].down.weight[0] = 1
    # At a corner of the box a logit is 64, where the graph has 0.
    claim = claimed("difference", {"graph": "zero", "low": "0", "high": "1", "bound": "63"})
    for count in (64, 1, 0):
        case = Case(model, np.zeros((1, count)), np.zeros(1, np.int64), {"zero": trace(zero)})
        assert not case.accepted(tmp_path, claim)


def test_nothing_is_verified_where_subnormal_numbers_are_flushed(tmp_path: Path) -> None:
    path = Case(whole().model, whole().images, whole().labels, {}, (ACCURACY,)).write(tmp_path)
    assert check(path)
    with flushing(), pytest.raises(Unreadable, match="denormal numbers are flushed"):
        check(path)


def test_one_digit_many_times_is_other_data(tmp_path: Path) -> None:
    case = whole()
    (said,) = check(Case(case.model, case.images, case.labels, {}, (ACCURACY,)).write(tmp_path))
    images, labels = np.repeat(case.images[:1], 4, axis=0), np.repeat(case.labels[:1], 4)
    (again,) = check(Case(case.model, images, labels, {}, (ACCURACY,)).write(tmp_path))
    assert said != again
    assert MNIST not in said
    data = Claim.of("accuracy", {"images": 4, "data": MNIST, "right": 0})
    path = Case(case.model, case.images, case.labels, {}, (data,)).write(tmp_path)
    with pytest.raises(Rejected, match="images and labels have the hash"):
        check(path)


def test_labels_are_part_of_the_data(tmp_path: Path) -> None:
    case = whole()
    (said,) = check(Case(case.model, case.images, case.labels, {}, (ACCURACY,)).write(tmp_path))
    labels = (case.labels + 1) % 3
    (again,) = check(Case(case.model, case.images, labels, {}, (ACCURACY,)).write(tmp_path))
    assert said.replace("0 times", "") != again.replace("0 times", "")
