"""Whether a torch module computes what its weights say: only then is it read by its weights."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized
from torch.nn.utils.prune import BasePruningMethod

from numeric.errors import NumericError
from numeric.networks.inference import usual_torch


def check_module(
    module: object, path: str, kind: type[nn.Module], children: Collection[str] = ()
) -> None:
    """Refuse a module that computes something else than ``kind`` does, or holds more.

    Args:
        module: what stands at ``path``.
        path: its name in the network, for the message.
        kind: the class whose ``forward`` is known.
        children: the names of the submodules that this ``forward`` uses.

    Raises:
        NumericError: it is of another class, its ``forward`` is another, it has a hook, or it has a
            parameter, buffer or submodule that ``kind`` does not use.

    Examples:
        >>> check_module(nn.ReLU(), "blocks.1", nn.Linear)
        Traceback (most recent call last):
        ...
        numeric.errors.NumericError: expected blocks.1 to be a Linear, got a ReLU
    """
    if not isinstance(module, kind):
        raise NumericError(f"expected {path} to be a {kind.__name__}, got a {_kind(module, kind)}")
    own = type(module)
    if own.forward is not kind.forward or own.__call__ is not nn.Module.__call__:
        raise NumericError(
            f"expected {path} to compute what a {kind.__name__} does, got a {_name(module)} with a "
            f"forward of its own"
        )
    if "forward" in vars(module):
        raise NumericError(f"expected {path} to have the forward of its class, got a replaced one")
    for hook in _hooks(module):
        if not (kind is nn.Linear and isinstance(hook, BasePruningMethod)):
            raise NumericError(
                f"expected {path} to have no forward hook, got {_name(hook)}: remove it first"
            )
    _check_surplus(module, path, kind, children)


def affine_map(module: nn.Linear, path: str) -> tuple[Tensor, Tensor | None]:
    """Return the weight and the bias with which a linear module computes.

    Pruning and parametrizations such as ``weight_norm`` are applied.

    Args:
        module: a linear module.
        path: its name in the network, for messages.

    Raises:
        NumericError: as :func:`check_module`, or a parametrization changes as it is read.

    Examples:
        >>> weight, bias = affine_map(nn.Linear(3, 2), "down")
        >>> weight.shape, bias.shape
        (torch.Size([2, 3]), torch.Size([2]))
    """
    check_module(module, path, nn.Linear)
    with usual_torch(gradients=False):
        if is_parametrized(module):
            _check_steady(module, path)
        held = {**dict(module.named_parameters()), **dict(module.named_buffers())}
        weight, bias = (
            held[f"{name}_orig"] * held[f"{name}_mask"]
            if f"{name}_orig" in held
            else getattr(module, name)
            for name in ("weight", "bias")
        )
        return weight.detach(), None if bias is None else bias.detach()


def _hooks(module: nn.Module) -> list[object]:
    # torch has no public way to ask for hooks.
    before, after = module._forward_pre_hooks, module._forward_hooks  # noqa: SLF001
    return [*before.values(), *after.values()]


def _check_surplus(
    module: nn.Module, path: str, kind: type[nn.Module], children: Collection[str]
) -> None:
    """Refuse what a known ``forward`` does not use: it would be lost without a word."""
    allowed = set(children)
    if kind is nn.Linear:
        allowed |= {"weight", "bias"}
        if any(isinstance(hook, BasePruningMethod) for hook in _hooks(module)):
            allowed |= {"weight_orig", "bias_orig", "weight_mask", "bias_mask"}
        if is_parametrized(module):
            allowed.add("parametrizations")
    held = (
        *module.named_parameters(recurse=False),
        *module.named_buffers(recurse=False),
        *module.named_children(),
    )
    for name, _ in held:
        if name not in allowed:
            raise NumericError(
                f"expected {path} to hold nothing that a {kind.__name__} does not use, got also "
                f"{name}"
            )


def _check_steady(module: nn.Module, path: str) -> None:
    """Refuse parametrizations that update themselves when read, as spectral_norm in training."""
    before = {name: buffer.clone() for name, buffer in module.named_buffers()}
    for name in module.parametrizations:  # type: ignore[union-attr]
        first, second = getattr(module, name), getattr(module, name)
        steady = torch.equal(first, second)
        with torch.no_grad():
            for key, buffer in module.named_buffers():
                steady = steady and torch.equal(buffer, before[key])
                buffer.copy_(before[key])
        if not steady:
            raise NumericError(
                f"expected the parametrization of {path}.{name} to give the same at every reading, "
                f"got one that changes: call eval() or remove it first"
            )


def _name(thing: object) -> str:
    return getattr(thing, "__name__", type(thing).__name__)


def _kind(module: object, kind: type[nn.Module]) -> str:
    """Return what a module is, and of a wrapper what to pass instead."""
    own = type(module)
    name = own.__name__ if own.__name__ != kind.__name__ else f"{own.__module__}.{own.__name__}"
    for inner in ("module", "_orig_mod"):
        if isinstance(getattr(module, inner, None), kind):
            return f"{name}: pass the {kind.__name__} in it, its attribute {inner}"
    return name
