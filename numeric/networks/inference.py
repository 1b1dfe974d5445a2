"""What a module says of many images, and torch's state while this project computes."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn


@contextmanager
def usual_torch(*, gradients: bool) -> Iterator[None]:
    """Let torch compute as it does where nobody has changed its state, and restore that after.

    A caller's ``no_grad``, ``inference_mode``, ``autocast``, default device and default dtype are
    for the caller's own modules; what is computed here says itself what it needs. It decorates
    functions too.

    Args:
        gradients: whether gradients are recorded.

    Examples:
        >>> with torch.no_grad(), torch.device("meta"), usual_torch(gradients=True):
        ...     torch.is_grad_enabled(), torch.ones(2).device
        (True, device(type='cpu'))
    """
    dtype = torch.get_default_dtype()
    with ExitStack() as stack:
        # Entered where it changes something: a default device makes every call of torch slower.
        if torch.is_inference_mode_enabled():
            stack.enter_context(torch.inference_mode(mode=False))
        for kind in dict.fromkeys(("cpu", best_device().type)):
            if torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        stack.enter_context(torch.set_grad_enabled(gradients))
        if dtype != torch.float32:
            stack.callback(torch.set_default_dtype, dtype)
            torch.set_default_dtype(torch.float32)
        yield


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Let torch work in one thread: on small matrices several wait for one another."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def best_device() -> torch.device:
    """Return a GPU where torch sees one, the processor else."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def settled_copy(module: nn.Module) -> nn.Module:
    """Return a copy of a module in eval mode, without gradients; the module stays as it is.

    Of ``DataParallel`` and ``torch.compile``, which compute the same, what is in them is copied.

    Examples:
        >>> module = nn.Sequential(nn.Linear(2, 2), nn.Dropout()).train()
        >>> settled_copy(module).training, module.training
        (False, True)
    """
    while (inner := _inside(module)) is not None:
        module = inner
    # Torch copies no tensor that was computed, such as the weight of a pruned module.
    computed = {
        id(value): value.detach().clone()
        for part in module.modules()
        for value in vars(part).values()
        if isinstance(value, Tensor) and not value.is_leaf
    }
    return copy.deepcopy(module, computed).eval().requires_grad_(requires_grad=False)


def _inside(module: nn.Module) -> nn.Module | None:
    """Return what a wrapper wraps."""
    if isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel):
        inner = getattr(module, "module", None)
    else:  # the class of what torch.compile makes has no public name
        inner = getattr(module, "_orig_mod", None)
    return inner if isinstance(inner, nn.Module) else None


def predictions(module: nn.Module, images: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the most likely class of each image; of equal logits the first counts.

    Args:
        module: maps (images, inputs) to (images, classes), in the dtype of its first tensor.
        images: float array of shape (images, inputs).

    Returns:
        int64 array of shape (images,).
    """
    return np.asarray(logits(module, images).argmax(axis=1))


@usual_torch(gradients=False)
def logits(module: nn.Module, images: npt.NDArray[Any], batch: int = 500) -> npt.NDArray[Any]:
    """Return a module's outputs for many images, computed in its own dtype.

    Args:
        module: maps (images, inputs) to (images, outputs).
        images: float array of shape (images, inputs).
        batch: images at once: a graph may have tens of thousands of features, and their values for
            many more images fill memory.

    Returns:
        float array of shape (images, outputs).
    """
    like = next(iter(module.state_dict().values()))
    parts = [
        module(as_tensor(images[start : start + batch]).to(like)).cpu().numpy()
        for start in range(0, len(images), batch)
    ]
    return np.concatenate(parts)


def as_tensor(array: npt.NDArray[Any]) -> Tensor:
    """Return an array as a tensor, sharing its memory where torch can."""
    # torch reads arrays without copying, but not backwards, and warns of those it cannot write to.
    return torch.from_numpy(np.require(array, requirements=["C", "W"]))
