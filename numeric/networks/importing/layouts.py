"""How other code names and stores the weights of a bilinear network.

Source:
    M. T. Pearce, T. Dooms et al., *Bilinear MLPs enable weight-based mechanistic interpretability*,
    arXiv 2410.08417, and its code, https://github.com/tdooms/bilinear-decomposition, for
    ``research`` and ``w-p``; N. Shazeer, *GLU Variants Improve Transformer*, arXiv 2002.05202, for
    the form that the others share; https://github.com/meta-llama/llama,
    https://github.com/facebookresearch/xformers, https://github.com/huggingface/transformers and
    https://github.com/TransformerLensOrg/TransformerLens for their names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Layout:
    """The names in one layer.

    Attributes:
        factors: of both factors, or one name where they stand in one matrix; an empty one where
            the layer itself is that matrix, or an ``nn.Bilinear``.
        down: of the map behind the product; without it the product is handed on.
        turned: whether weights are stored as (inputs, outputs), other than those of torch's
            ``Linear``.
    """

    factors: tuple[str, ...]
    down: str = ""
    turned: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """All of them; that of a layer itself is empty."""
        return (*self.factors, self.down) if self.down else self.factors


LAYOUTS: Mapping[str, Layout] = {
    "left-right-down": Layout(("left", "right"), "down"),
    "w1-w3-w2": Layout(("w1", "w3"), "w2"),  # LLaMA's
    "w1-w2-w3": Layout(("w1", "w2"), "w3"),  # those of xformers
    "w12-w3": Layout(("w12",), "w3"),
    "gate-up-down": Layout(("gate_proj", "up_proj"), "down_proj"),
    "gate_up-down": Layout(("gate_up_proj",), "down_proj"),
    "w_gate-w_up-w_down": Layout(("w_gate", "w_up"), "w_down"),
    "w_gate_up-w_down": Layout(("w_gate_up",), "w_down"),
    "W_gate-W_in-W_out": Layout(("W_gate", "W_in"), "W_out", turned=True),  # TransformerLens'
    "wi_0-wi_1-wo": Layout(("wi_0", "wi_1"), "wo"),  # T5's
    "w-p": Layout(("w",), "p"),
    "research": Layout(("",)),
}
"""The layouts that are known. Where two use the same names, the likelier one comes first."""

EMBEDDINGS = (
    "embed",
    "embedding",
    "embeddings",
    "embed_tokens",
    "tok_embeddings",
    "word_embeddings",
    "wte",
    "W_E",
)
HEADS = "head", "lm_head", "unembed", "output", "classifier", "W_U"

SKIP = "skip"
"""A map beside the layer, from its input to its output."""

FACTORS = frozenset(name for layout in LAYOUTS.values() for name in layout.factors if name)
NAMES = frozenset(name for layout in LAYOUTS.values() for name in layout.names if name)

TURNED = frozenset(
    {"W_E", "W_U", *(n for layout in LAYOUTS.values() if layout.turned for n in layout.names)}
)
"""Whose weights are stored as (inputs, outputs)."""

STACKS = "blocks", "layers", "h"
"""What holds several layers: the first axis of a lone weight in it counts them."""

WRAPPERS = "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"
"""What ``torch.compile`` and others put into the names of what they wrap, at any depth."""

CHECKPOINTS = "state_dict", "model_state_dict", "model", "module", "network", "net", "weights"
"""Under which names a checkpoint keeps the state dict."""
