"""Modules of sums and products as people have them: what is read, traced and proved everywhere."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn


class Convolutional(nn.Module):
    def __init__(self, size: int = 12) -> None:
        super().__init__()
        self.left, self.right = (nn.Conv2d(1, 3, 5, stride=2, padding=1) for _ in range(2))
        self.norm, self.pool = nn.BatchNorm2d(3), nn.AvgPool2d(2)
        hidden = 3 * ((size - 3) // 4) ** 2
        self.heads = nn.ModuleList(nn.Linear(hidden, 4) for _ in range(2))
        nn.init.uniform_(self.norm.running_mean)
        nn.init.uniform_(self.norm.running_var, 1, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.norm(self.left(x) * self.right(x))).flatten(1)
        return self.heads[0](x) * self.heads[1](x)


class Attention(nn.Module):
    """Bilinear attention, (q·k) v, and a bilinear layer with a residual, on tokens or floats."""

    def __init__(self, width: int = 4, length: int = 8, letters: int = 5) -> None:
        super().__init__()
        self.embed, self.head = nn.Embedding(letters, width), nn.Linear(width, letters)
        self.places = nn.Parameter(torch.randn(length, width))
        self.maps = nn.ModuleList(nn.Linear(width, width, bias=False) for _ in range(4))
        self.left, self.right, self.down = (
            nn.Linear(width, 6),
            nn.Linear(width, 6),
            nn.Linear(6, width),
        )
        self.register_buffer("mask", torch.tril(torch.ones(length, length)))

    def forward(self, x: Tensor) -> Tensor:
        if not x.is_floating_point():
            x = self.embed(x) + self.places
        query, key, value, out = self.maps
        pattern = (query(x) @ key(x).mT) * self.mask / 4
        x = x + out(pattern @ value(x))
        x = x + self.down(self.left(x) * self.right(x))
        return self.head(x[:, -1])


class Gated(nn.Module):
    """A gated layer of LLaMA's names without its gate."""

    def __init__(self) -> None:
        super().__init__()
        self.gate_proj, self.up_proj = (nn.Linear(5, 7, bias=False) for _ in range(2))
        self.down_proj = nn.Linear(7, 5, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.down_proj(self.gate_proj(x) * self.up_proj(x))


class Research(nn.Module):
    """The usual code for bilinear networks: both factors in one matrix."""

    def __init__(self, depth: int, *, bias: bool) -> None:
        super().__init__()
        self.embed, self.head = nn.Linear(6, 4, bias=bias), nn.Linear(4, 3, bias=bias)
        self.blocks = nn.ModuleList(nn.Linear(4, 8, bias=bias) for _ in range(depth))

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x)
        for block in self.blocks:
            left, right = block(x).chunk(2, dim=-1)
            x = left * right
        return self.head(x)


class Pair(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.bilinear = nn.Bilinear(2, 3, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.bilinear(x[:, :2], x[:, 2:])


class Squared(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 6), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x) ** 2) ** 2


MODULES: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], int]] = {
    "convolutional": (Convolutional, (1, 12, 12), 3),
    "attention": (Attention, (8, 4), 4),
    "gated": (Gated, (5,), 1),
    "nn.Bilinear": (Pair, (5,), 1),
    "squared activations": (Squared, (4,), 2),
    **{
        f"research, {depth} layers, bias {bias}": (
            lambda depth=depth, bias=bias: Research(depth, bias=bias),
            (6,),
            depth + 1,
        )
        for depth in (1, 2, 3)
        for bias in (False, True)
    },
}
"""How each is made, the shape of an input, and how many layers it takes."""
