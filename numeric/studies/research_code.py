"""Networks as research code trains and reads them: an embedding, layers of products, and a head.

Source:
    T. Dooms, https://github.com/tdooms/bilinear-decomposition (``image``), of arXiv 2410.08417.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from numeric.data.digits import Digits
from numeric.networks.inference import as_tensor, usual_torch

_DECAY = 0.5


class ResearchNetwork(nn.Module):
    """An embedding, layers of products without biases, and a head.

    Args:
        inputs: of the network.
        outputs: of the network.
        depth: layers of products.
        width: of every state between.

    Examples:
        >>> ResearchNetwork(6, 3, depth=2, width=4)(torch.zeros(5, 6)).shape
        torch.Size([5, 3])
    """

    def __init__(self, inputs: int, outputs: int, depth: int, width: int = 256) -> None:
        super().__init__()
        sizes = [width] * depth
        self.embed = nn.Linear(inputs, width, bias=False)
        self.left = nn.ModuleList(nn.Linear(size, width, bias=False) for size in sizes)
        self.right = nn.ModuleList(nn.Linear(size, width, bias=False) for size in sizes)
        self.head = nn.Linear(width, outputs, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        x = self.embed(x)
        for left, right in zip(self.left, self.right, strict=True):
            x = left(x) * right(x)
        return cast(Tensor, self.head(x))

    def as_it_is_read(self, x: Tensor) -> Tensor:
        """Return what the research code's decomposition computes: it takes the first layer alone.

        Its eigenvectors are those of the head times the first layer's products, whatever layers
        lie between, so that its logits are the head of the first layer's products.
        """
        x = self.embed(x)
        return cast(Tensor, self.head(self.left[0](x) * self.right[0](x)))


@usual_torch(gradients=True)
def research_network(
    digits: Digits,
    depth: int,
    *,
    noise: float,
    width: int = 256,
    epochs: int = 100,
    batch: int = 2048,
    learning_rate: float = 1e-3,
    seed: int = 0,
) -> ResearchNetwork:
    """Train by the recipe of arXiv 2410.08417: AdamW, decay 0.5, batches of 2048, a cosine.

    Args:
        digits: images.
        depth: layers of products.
        noise: on the inputs.
        width: of every state.
        epochs: of training.
        batch: images a step.
        learning_rate: at the start.
        seed: draws first weights, order and noise.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = ResearchNetwork(digits.inputs, digits.classes, depth, width)
        optimizer = torch.optim.AdamW(
            model.parameters(), lr=learning_rate, weight_decay=_DECAY, fused=True
        )
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
        images, labels = as_tensor(digits.train_images), as_tensor(digits.train_labels)
        for _ in range(epochs):
            for chosen in torch.split(torch.randperm(len(images)), batch):
                seen = images[chosen] + noise * torch.randn_like(images[chosen])
                loss = nn.functional.cross_entropy(model(seen), labels[chosen])
                optimizer.zero_grad()
                torch.autograd.backward(loss)
                optimizer.step()
            schedule.step()
    return model.eval()
