"""Every operation that is known, held against torch's own."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from numeric import from_module
from numeric.networks.compilation.operations import CHOICES, LINEAR, MADE_LIKE, MOVES
from numeric.networks.compilation.rules import OWN

F = nn.functional
WEIGHTS = torch.linspace(-1, 1, 16).reshape(4, 4)
PLACES = torch.tensor([[0, 1], [3, 2]])

FORWARDS = {
    "_adaptive_avg_pool2d": lambda x: F.adaptive_avg_pool2d(x, (2, 2)),
    "_adaptive_avg_pool3d": lambda x: F.adaptive_avg_pool3d(x[None], (1, 2, 2))[0],
    "_to_copy": lambda x: x.float() * 2,
    "_trilinear": lambda x: F.bilinear(x[:, 0], x[:, 1], torch.ones(3, 4, 4).double().cumsum(0)),
    "add": lambda x: torch.add(x, x * x, alpha=0.3) + 0.1,
    "addcmul": lambda x: torch.addcmul(x, x, x, value=0.5),
    "addmm": lambda x: torch.addmm(x[0, 0], x[0, 1], WEIGHTS.double(), beta=2, alpha=3)[None],
    "addmv": lambda x: torch.addmv(x[0, 0, 0], x[0, 1], x[0, 1, 0])[None],
    "alias": torch.ops.aten.alias,
    "avg_pool2d": lambda x: F.avg_pool2d(x, 2, stride=1, padding=1),
    "avg_pool3d": lambda x: F.avg_pool3d(x[None], (1, 2, 2))[0],
    "baddbmm": lambda x: torch.baddbmm(x[0], x[0], x[0].mT)[None],
    "bmm": lambda x: torch.bmm(x[0], WEIGHTS.double().expand(2, 4, 4))[None],
    "cat": lambda x: torch.cat([x, x * x, torch.ones_like(x)], dim=-1),
    "clone": lambda x: x.clone(),
    "constant_pad_nd": lambda x: F.pad(x, (1, 2)) + F.pad(x, (2, 1), value=0.3),
    "convolution": lambda x: F.conv2d(
        x, WEIGHTS.double().reshape(2, 2, 2, 2), torch.ones(2).double(), dilation=2
    ),
    "cumprod": lambda x: x.cumprod(-1) + x.cumprod(1),
    "cumsum": lambda x: x.cumsum(-1),
    "detach": lambda x: x.detach(),
    "diagonal": lambda x: x.diagonal(dim1=-2, dim2=-1),
    "div": lambda x: x / 3 + x / WEIGHTS.double(),
    "dot": lambda x: (x[0, 0, 0] @ x[0, 1, 1])[None, None],
    "expand": lambda x: x[:, :1].expand(1, 3, 4, 4),
    "flip": lambda x: x.flip(-1),
    "gather": lambda x: x.gather(-1, torch.zeros(1, 2, 4, 3, dtype=torch.int64)),
    "im2col": lambda x: F.unfold(x, 2),
    "index": lambda x: x[:, [1, 0, 1]],
    "index_add": lambda x: x.index_add(2, torch.tensor([3, 0, 3]), x[:, :, 1:], alpha=0.3),
    "index_copy": lambda x: x.index_copy(-1, torch.tensor([2, 0]), x[..., :2] * x[..., 1:3]),
    "index_put": lambda x: x.index_put((0 * PLACES[0], PLACES[0]), x[:, 0] * x[:, 1]),
    "index_select": lambda x: x.index_select(-1, torch.tensor([3, 0])),
    "linalg_cross": lambda x: (
        x[..., :3].cross(x[..., 1:], dim=-1)
        + torch.cross(WEIGHTS[:, :3].double().expand(1, 2, 4, 3), x[..., 1:], dim=-1)
    ),
    "lerp": lambda x: x.lerp(x * x, 0.3) + torch.lerp(x, x.mT, x),
    "masked_fill": lambda x: x.masked_fill(WEIGHTS > 0, 0.7),
    "mean": lambda x: x.mean((-1, -2)),
    "mm": lambda x: (WEIGHTS.double() @ x[0, 0])[None] + (x[0, 0] @ x[0, 1])[None],
    "mul": lambda x: x * x * 0.1 * WEIGHTS.double(),
    "mv": lambda x: (x[0, 0] @ x[0, 1, 0])[None],
    "native_batch_norm": lambda x: F.batch_norm(
        x, torch.ones(2).double(), torch.tensor([2.0, 3.0]).double()
    ),
    "neg": lambda x: -x,
    "permute": lambda x: x.permute(0, 3, 1, 2),
    "pixel_shuffle": lambda x: F.pixel_shuffle(x.repeat(1, 2, 1, 1), 2),
    "pixel_unshuffle": lambda x: F.pixel_unshuffle(x, 2),
    "pow": lambda x: x**0 + x**1 + x**5,
    "prod": lambda x: x.prod() + x.prod(-1, keepdim=True) + x.prod(1)[:, None],
    "reflection_pad1d": lambda x: F.pad(x[:, 0], (1, 1), mode="reflect"),
    "reflection_pad2d": lambda x: F.pad(x, (1, 1, 1, 1), mode="reflect"),
    "repeat": lambda x: x.repeat(1, 2, 1, 1),
    "replication_pad1d": lambda x: F.pad(x[:, 0], (1, 1), mode="replicate"),
    "replication_pad2d": lambda x: F.pad(x, (1, 1, 1, 1), mode="replicate"),
    "roll": lambda x: x.roll(1, -1),
    "rsub": lambda x: 0.3 - x,
    "scatter": lambda x: x.scatter(-1, PLACES.expand(1, 2, 2, 2), x[..., :2, 2:] * x[..., :2, :2]),
    "scatter_add": lambda x: x.scatter_add(2, 0 * PLACES.expand(1, 2, 2, 2), x[..., :2, 2:]),
    "select": lambda x: x[:, 1],
    "select_scatter": lambda x: x.select_scatter(x[:, 1] * x[:, 0], 1, 0),
    "slice": lambda x: x[:, :, 1:4:2],
    "slice_scatter": lambda x: x.slice_scatter(x[..., :2] * x[..., 2:], -1, 1, 4, 2),
    "split": lambda x: x.split(2, dim=-1)[1],
    "split_with_sizes": lambda x: x.split([1, 3], dim=-1)[1],
    "square": lambda x: x.square(),
    "squeeze": lambda x: x[:, :1].squeeze(1),
    "stack": lambda x: torch.stack([x, 2 * x], dim=1),
    "sub": lambda x: torch.sub(x, x * x, alpha=2) - 1,
    "sum": lambda x: x.sum(-1, keepdim=True) + x.sum(),
    "t": lambda x: x[0, 0].t()[None],
    "take": lambda x: x.take(torch.tensor([[5, 0]])),
    "trace": lambda x: x[0, 0].trace()[None, None],
    "transpose": lambda x: x.transpose(1, 2),
    "tril": lambda x: x.tril(),
    "triu": lambda x: x.triu(1),
    "unbind": lambda x: x.unbind(1)[1],
    "unfold": lambda x: x.unfold(-1, 2, 1),
    "unsqueeze": lambda x: x.unsqueeze(1),
    "upsample_bilinear2d": lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"),
    "upsample_nearest1d": lambda x: F.interpolate(x[:, 0], scale_factor=2),
    "upsample_nearest2d": lambda x: F.interpolate(x, scale_factor=2),
    "var": lambda x: x.var() + x.var((1, 3), keepdim=True) + x.var(-1, correction=0)[..., None],
    "view": lambda x: x.view(1, -1),
    "where": lambda x: torch.where(WEIGHTS > 0, x, 0.2),
    "empty_like": lambda x: x + 0 * torch.empty_like(x).fill_(1),
    "full_like": lambda x: x + torch.full_like(x, 3.0),
    "new_empty": lambda x: x + x.new_empty(4).fill_(2.0),
    "new_full": lambda x: x + x.new_full((4,), 2.0),
    "new_ones": lambda x: x + x.new_ones(4),
    "new_zeros": lambda x: x + x.new_zeros(4),
    "ones_like": lambda x: x + torch.ones_like(x),
    "zeros_like": lambda x: x + torch.zeros_like(x),
}
"""What asks for each, on one example of shape (1, 2, 4, 4)."""

TAKEN_APART = {
    "addcdiv": lambda x: torch.addcdiv(x, x * x, 2 + WEIGHTS.double(), value=0.3),
    "block_diag": lambda x: torch.block_diag(x[0, 0], x[0, 1])[None],
    "diag_embed": lambda x: torch.diag_embed(x * x),
    "mse_loss": lambda x: F.mse_loss(x, WEIGHTS.double().expand_as(x), reduction="none"),
    "rot90": lambda x: x.rot90(1, (-2, -1)),
    "unsafe_split": lambda x: x.unsafe_split(2, dim=-1)[1],
}
"""Operations without a rule, which torch writes in others."""

SHOWN = {
    "alias", "detach", "diagonal", "expand", "permute", "select", "slice", "split",
    "split_with_sizes", "squeeze", "t", "transpose", "unbind", "unfold", "unsqueeze", "view",
}  # fmt: skip
"""Views, which are known whatever their names are."""

UNASKED = {"_unsafe_view", "lift_fresh"}
"""What torch itself makes of others, in some of its versions."""


class Asked(nn.Module):
    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def forward(self, x: Tensor) -> Tensor:
        each = [(FORWARDS | TAKEN_APART)[self.name](part) for part in x.split(1)]
        return torch.cat(each) if len(each) > 1 else each[0]


def test_every_operation_is_asked_for() -> None:
    known = MOVES | LINEAR | MADE_LIKE | CHOICES.keys() | OWN.keys()
    assert FORWARDS.keys() - SHOWN | UNASKED == known


@pytest.mark.parametrize("name", FORWARDS | TAKEN_APART)
def test_an_operation_does_to_values_what_torch_does_to_numbers(name: str) -> None:
    module = Asked(name)
    network = from_module(module, torch.zeros(1, 2, 4, 4))
    x = torch.linspace(-1, 2, 96, dtype=torch.float64).reshape(3, 2, 4, 4)
    torch.testing.assert_close(network(x.flatten(1)), module(x).flatten(1), check_dtype=False)
