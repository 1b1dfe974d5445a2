"""The study of autoencoders beside features of the weights: its sizes and its parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numeric.data.digits import Digits
from numeric.studies.account import Account
from numeric.studies.autoencoder_account import autoencoder_account
from numeric.studies.merging import merging_rows, weight_rows
from numeric.studies.replacing import replacing_rows, whole_rows
from numeric.studies.running import Part, Setting, measured
from numeric.studies.sources import source_rows
from numeric.studies.stability import stability_rows
from numeric.studies.switching import switching_rows
from numeric.studies.trained import Trained, training_rows


@dataclass(frozen=True)
class Sizes:
    """How large the study is.

    Attributes:
        seeds: of planted networks.
        fits: of autoencoders on the same states of MNIST.
        together: how often pairs fire together.
        steps: of training, on planted networks and on MNIST.
        samples: of each planted network.
        depths: of networks trained on MNIST.
        epochs: of their training.
        width: of their hidden states, and the number of latents there.
        hidden: their neurons.
        images: on which latents are switched off.
        features: shared ones of each of two layers, by which latents are explained.
        whole: features of graphs that replace the layers.
    """

    seeds: int = 5
    fits: int = 3
    together: tuple[float, ...] = (0.0, 0.5, 0.9)
    steps: tuple[int, int] = (1200, 4000)
    samples: int = 15_000
    depths: tuple[int, ...] = (2, 3)
    epochs: int = 6
    width: int = 64
    hidden: int = 256
    images: int = 200
    features: tuple[int, int] = (90, 20)
    whole: tuple[int, ...] = (115,)


FULL = Sizes()
QUICK = Sizes(
    seeds=2,
    fits=2,
    together=(0.0, 0.9),
    steps=(400, 300),
    samples=5000,
    depths=(2,),
    epochs=1,
    width=32,
    hidden=64,
    images=50,
    features=(40, 10),
    whole=(50,),
)

_ACTIVE, _PENALTIES = (4, 8, 16), (0.05, 0.15)
_COMPONENTS = (4, 8, 12, 16)
_MIDDLE = 8
"""Active latents where one number is looked at."""

_MERGING_PENALTIES = (0.1, 0.2, 0.4, 0.6, 0.8)


def autoencoder_study(setting: Setting, sizes: Sizes | None = None) -> Account:
    """Train autoencoders on planted networks and on MNIST, beside features of the weights.

    Args:
        setting: where and how.
        sizes: left out, those that the setting asks for.
    """
    sizes = sizes or (QUICK if setting.quick else FULL)
    tables = measured(_merging_parts(sizes), setting)
    digits, fashion = setting.images(), setting.fashion()
    networks = {
        depth: Trained(
            str(setting.folder / f"network-{depth}-{sizes.width}-{sizes.epochs}.safetensors"),
            depth,
            sizes.width,
            sizes.hidden,
            sizes.epochs,
        )
        for depth in sizes.depths
    }
    data = {"digits": digits}
    first = [
        Part(f"network-{depth}", training_rows, {"network": network}, data, cost=depth)
        for depth, network in networks.items()
    ]
    # A network is trained once, before several processes read it.
    tables |= measured(first, setting)
    parts = [
        part for network in networks.values() for part in _replacing_parts(network, sizes, data)
    ]
    parts += _latent_parts(networks[2], sizes, digits, fashion)
    tables |= measured(parts, setting)
    return autoencoder_account(tables, fashion if isinstance(fashion, str) else None)


def _merging_parts(sizes: Sizes) -> list[Part]:
    """Return the parts on planted networks."""
    parts = [
        Part(f"weights-{seed}", weight_rows, {"seed": seed}, cost=0.2)
        for seed in range(sizes.seeds)
    ]
    for together in sizes.together:
        for active in (2, 4, None):
            settings: dict[str, Any] = {
                "together": together,
                "seeds": sizes.seeds,
                "steps": sizes.steps[0],
            }
            settings |= {"samples": sizes.samples, "latents": 32, "active": active}
            settings |= {"penalties": _MERGING_PENALTIES if active is None else ()}
            name = f"merging-{together}-{active or 'L1'}"
            parts.append(Part(name, merging_rows, settings, cost=1.0 if active else 5.0))
    return parts


def _replacing_parts(network: Trained, sizes: Sizes, data: Mapping[str, Digits]) -> list[Part]:
    """Return the parts in which hidden states of a network are replaced."""
    parts = []
    common: dict[str, Any] = {"network": network, "latents": sizes.width, "steps": sizes.steps[1]}
    common |= {"seeds": sizes.fits, "active": _ACTIVE, "penalties": _PENALTIES}
    for bond in range(1, network.depth):
        name = f"replacing-{network.depth}-{bond}"
        settings = common | {"bond": bond, "components": _COMPONENTS}
        parts.append(Part(name, replacing_rows, settings, data, cost=20.0))
    settings = {"network": network, "features": sizes.whole}
    return [*parts, Part(f"whole-{network.depth}", whole_rows, settings, data, cost=10.0)]


def _latent_parts(
    network: Trained, sizes: Sizes, digits: Digits, fashion: Digits | str
) -> list[Part]:
    """Return the parts that look at single latents."""
    settings: dict[str, Any] = {"network": network, "latents": sizes.width, "steps": sizes.steps[1]}
    settings |= {"seeds": sizes.fits, "active": _MIDDLE}
    more = {"features": sizes.features}
    data = {"digits": digits}
    other = data if isinstance(fashion, str) else data | {"fashion": fashion}
    return [
        Part("stability", stability_rows, settings | {"bond": 1}, other, cost=15.0),
        Part("sources", source_rows, settings | more, data, cost=12.0),
        Part("switching", switching_rows, settings | more | {"images": sizes.images}, data, 8.0),
    ]
