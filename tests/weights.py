"""Weights drawn as linear maps are by default: no layer of a network knows of another."""

from __future__ import annotations

import math

import torch
from torch import nn

from numeric import BilinearNetwork


def within_one_over_the_root(
    network: BilinearNetwork, seed: int = 0, times: float = 1.0
) -> BilinearNetwork:
    """Draw each weight and bias uniformly within ``times`` 1/sqrt of its row's length, in place."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.Linear):
            bound = times / math.sqrt(module.in_features)
            for parameter in module.parameters():
                nn.init.uniform_(parameter, -bound, bound, generator=generator)
    return network
