"""The study of what papers on bilinear networks show, each figure beside theirs."""

from __future__ import annotations

from dataclasses import dataclass

from numeric.data.digits import Digits
from numeric.studies.account import Account, Told
from numeric.studies.augmentation import COPIES
from numeric.studies.likeness import likeness_picture, likeness_rows, told_likeness
from numeric.studies.masks import masks_picture, told_masks
from numeric.studies.regularisation import (
    REGULARISATIONS,
    regularisation_picture,
    regularisation_rows,
    told_regularisation,
)
from numeric.studies.running import Part, Setting, Tables, measured
from numeric.studies.toys import GATES, told_toys, toy_rows
from numeric.studies.trained import Trained, training_rows
from numeric.studies.truncation import told_truncation, truncation_picture, truncation_rows


@dataclass(frozen=True)
class Sizes:
    """How large the study is.

    Attributes:
        images: training images that are used; left out, all.
        seeds: of networks of each kind.
        neurons: of the networks of one layer that are compared.
        deep: width and neurons of those of two layers.
        epochs: of training them.
        regularised: neurons of the networks that are regularised, and epochs.
        research: width of the networks of research code, and epochs.
        depths: of these.
        toys: seeds of each toy, and steps of training.
    """

    images: int | None = None
    seeds: int = 3
    neurons: tuple[int, ...] = (32, 64, 128)
    deep: tuple[int, int] = (32, 64)
    epochs: int = 5
    regularised: tuple[int, int] = (64, 10)
    research: tuple[int, int] = (64, 12)
    depths: tuple[int, ...] = (1, 2, 3)
    toys: tuple[int, int] = (5, 1000)


FULL = Sizes()
QUICK = Sizes(
    images=6000,
    seeds=2,
    neurons=(16, 32),
    epochs=4,
    regularised=(16, 2),
    research=(32, 2),
    depths=(1, 2),
    toys=(1, 400),
)

_FAR = 100
"""How far the seeds of networks of two sizes lie apart: no two start from one seed."""


def papers_study(setting: Setting, sizes: Sizes | None = None) -> Account:
    """Measure what the papers show.

    Args:
        setting: where and how.
        sizes: left out, those that the setting asks for.
    """
    sizes = sizes or (QUICK if setting.quick else FULL)
    digits = setting.images()
    data = {"digits": digits}
    networks = _compared(setting, sizes)
    every = [one for some in networks.values() for one in some]
    first = [
        Part(f"network-{_name(one)}", training_rows, {"network": one}, data, cost=sizes.epochs)
        for one in every
    ]
    # Networks are trained once, before several processes read them.
    apart = [*_regularised(setting, sizes, data), *_truncated(sizes, data), *_toys(sizes)]
    tables = measured([*first, *apart], setting)
    tables |= measured(_likenesses(networks, data), setting)
    return papers_account(tables, digits)


def _name(network: Trained) -> str:
    return f"{network.depth}-{network.hidden}-{network.seed}"


def _compared(setting: Setting, sizes: Sizes) -> dict[tuple[int, bool], list[Trained]]:
    """Return the networks that are compared, by depth and whether they are controls."""
    found: dict[tuple[int, bool], list[Trained]] = {}
    shapes = [(1, sizes.deep[0], hidden) for hidden in sizes.neurons] + [(2, *sizes.deep)]
    for place, (depth, width, hidden) in enumerate(shapes):
        for shuffled in (False, True):
            for number in range(sizes.seeds):
                seed = _FAR * place + 10 * shuffled + number
                name = f"network-{depth}-{hidden}-{seed}-{sizes.epochs}-{sizes.images}.safetensors"
                network = Trained(
                    str(setting.folder / name),
                    depth,
                    width,
                    hidden,
                    sizes.epochs,
                    seed=seed,
                    images=sizes.images,
                    shuffled=shuffled,
                )
                found.setdefault((depth, shuffled), []).append(network)
    return found


def _likenesses(
    networks: dict[tuple[int, bool], list[Trained]], data: dict[str, Digits]
) -> list[Part]:
    return [
        Part(
            f"likeness-{depth}",
            likeness_rows,
            {"networks": networks[depth, False], "controls": networks[depth, True]},
            data,
        )
        for depth in (1, 2)
    ]


def _regularised(setting: Setting, sizes: Sizes, data: dict[str, Digits]) -> list[Part]:
    hidden, epochs = sizes.regularised
    parts = []
    for place, (name, how) in enumerate(REGULARISATIONS.items()):
        for seed in range(sizes.seeds):
            kept = f"regularised-{place}-{hidden}-{seed}-{epochs}-{sizes.images}.safetensors"
            # As many steps for changed pictures, of which there are more.
            passes = epochs if how.augmentation is None else max(1, epochs // COPIES)
            network = Trained(
                str(setting.folder / kept), 1, 1, hidden, passes, seed, sizes.images, **vars(how)
            )
            settings = {"name": name, "network": network}
            part = Part(f"regularised-{place}-{seed}", regularisation_rows, settings, data, epochs)
            parts.append(part)
    return parts


def _truncated(sizes: Sizes, data: dict[str, Digits]) -> list[Part]:
    width, epochs = sizes.research
    settings = {"width": width, "epochs": epochs}
    return [
        Part(
            f"truncation-{depth}-{seed}",
            truncation_rows,
            settings | {"depth": depth, "seed": seed},
            data,
            cost=epochs + 8,
        )
        for depth in sizes.depths
        for seed in range(sizes.seeds)
    ]


def _toys(sizes: Sizes) -> list[Part]:
    seeds, steps = sizes.toys
    return [
        Part(
            f"toy-{gate}-{hidden}-{seed}",
            toy_rows,
            {"gate": gate, "hidden": hidden, "seed": seed, "steps": steps},
            cost=0.2,
        )
        for gate in GATES
        for hidden in (4, 6)
        for seed in range(seeds)
    ]


def papers_account(tables: Tables, digits: Digits) -> Account:
    """Tell what was seen of what the papers show.

    Args:
        tables: with the rows of all parts.
        digits: whose pictures they are about.
    """
    kept, as_read = tables["truncation"], tables["as read"]
    told: list[Told] = [
        told_regularisation(tables["regularisation"]),
        told_likeness(tables["likeness"]),
        told_truncation(kept, as_read),
        told_masks(tables["masks"]),
        told_toys(tables["toys"]),
    ]
    return Account(
        title="What the papers show",
        lead=(
            "What M. T. Pearce et al., Bilinear MLPs enable weight-based mechanistic "
            "interpretability (arXiv 2410.08417), and others show of bilinear networks, measured "
            "again, with controls that say how much it is. Networks are smaller here than there "
            "and trained for a shorter time; each part says what else differs."
        ),
        speaks_for=[said for one in told for said in one.speaks_for],
        speaks_against=[said for one in told for said in one.speaks_against],
        sections=[one.section for one in told],
        tables=tables,
        pictures={
            "regularisation": lambda: regularisation_picture(tables["regularisation"], digits),
            "likeness": lambda: likeness_picture(tables["likeness"]),
            "truncation": lambda: truncation_picture(kept, as_read),
            "masks": lambda: masks_picture(tables["masks"], digits),
        },
    )
