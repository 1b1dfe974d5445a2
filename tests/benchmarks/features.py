"""Figures of features: how few keep how much, and how fast they are found."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from numeric import (
    BilinearNetwork,
    Digits,
    Layer,
    effect,
    explain,
    fidelity,
    from_module,
    rewrite,
    trace,
)
from numeric.features.bonds import canonical_bonds, in_bases
from numeric.features.decompositions import eigen
from numeric.features.kernels import with_linear_neurons
from numeric.networks.inference import logits
from numeric.studies.research_code import research_network
from tests.benchmarks.figures import Figure, fully_trained, timed, trained
from tests.benchmarks.memory import alone

FEATURES = {1: 75, 2: 115, 3: 160}
"""The most features that may be needed to keep 99 % of the predictions, by depth."""

FITTED = {1: 60, 2: 80, 3: 120}
"""The same where the features are fitted to unlabelled training images."""

RESEARCH = {1: 60, 2: 150, 3: 400}
"""The same for networks of research code."""


def few_features(digits: Digits) -> Iterator[Figure]:
    """Shared features, and what they keep of networks trained at the defaults."""
    for depth, most in FEATURES.items():
        model, _ = fully_trained(digits, depth)
        for metric in (None, "pixels"):
            seconds, graph = timed(partial(trace, model, "shared", features=most, metric=metric))
            found = fidelity(graph, model, digits)
            yield Figure(
                f"shared features, depth {depth}, {graph.graph['metric']}: {found.features} in "
                f"{seconds:.1f} s",
                f"{found.agreement:.2%} of the predictions kept, accuracy {found.accuracy:.2%}",
                "99 %" if metric is None else "for comparison",
                found.agreement >= 0.99 or metric is not None,
            )
        given = {"features": FITTED[depth], "metric": "data", "images": digits.train_images}
        seconds, graph = timed(partial(trace, model, "shared", **given))
        found = fidelity(graph, model, digits)
        yield Figure(
            f"shared features, depth {depth}, {graph.graph['metric']}: {found.features} in "
            f"{seconds:.1f} s",
            f"{found.agreement:.2%} of the predictions kept, accuracy {found.accuracy:.2%}",
            "99 %",
            found.agreement >= 0.99,
        )
        found_logits = logits(rewrite(trace(model, "canonical")), digits.test_images)
        wanted = logits(copy.deepcopy(model).double(), digits.test_images)
        relative = (abs(found_logits - wanted).max(axis=1) / abs(wanted).max(axis=1)).max()
        yield Figure(
            f"canonical against network, depth {depth}, full rank",
            f"{relative:.1e} relative",
            "at most 1e-9",
            relative <= 1e-9,
        )


def research_features(digits: Digits) -> Iterator[Figure]:
    """Shared features of an embedding, layers of products and a head, as research code has them."""
    for depth, most in RESEARCH.items():
        for noise in (0.0, 0.4):
            network = from_module(
                research_network(digits, depth, noise=noise),
                torch.from_numpy(digits.test_images[:1]),
            )
            seconds, graph = timed(partial(trace, network, "shared", features=most))
            wanted, found = (
                logits(module, digits.test_images).argmax(axis=1)
                for module in (network, rewrite(graph))
            )
            kept = float((wanted == found).mean())
            yield Figure(
                f"shared features, research code, {depth} layers, noise {noise}: {most} in "
                f"{seconds:.1f} s",
                f"{kept:.2%} of the predictions kept",
                "99 %",
                kept >= 0.99,
            )


def eigenfeatures(digits: Digits) -> Iterator[Figure]:
    """Eigenfeatures of all classes in pixels, through the low rank and through dense matrices.

    Both on one thread, in which the ratio is that of the work: LAPACK spreads large matrices over
    threads better than small ones, and how well is the machine's.
    """
    model: BilinearNetwork = trained(digits, depth=1, hidden=128)
    layer = with_linear_neurons(model.layers()[0])
    layer = layer._replace(down=layer.down * (np.arange(len(layer.down)) > 0)[:, None])
    with threadpool_limits(1):
        own, square = min((timed(eigen, layer, 1) for _ in range(5)), key=lambda item: item[0])
        plain, values = min((timed(_dense, layer) for _ in range(3)), key=lambda item: item[0])
    largest = abs(values).max()
    furthest = 0.0
    for output, row in enumerate(values, start=1):
        mine = np.zeros_like(row)
        found = square.mixing[output][square.mixing[output] != 0]
        mine[: len(found)] = found
        furthest = max(furthest, abs(np.sort(mine) - np.sort(row)).max() / largest)
    yield Figure(
        f"pixel eigenfeatures of 10 classes, hidden 128, one thread: {plain:.3g} s dense over "
        f"{own:.3g} s",
        f"{plain / own:.1f}",
        "at least 5",
        plain / own >= 5,
    )
    yield Figure(
        "the same eigenvalues, relative", f"{furthest:.1e}", "at most 1e-10", furthest <= 1e-10
    )


def _dense(layer: Layer) -> np.ndarray:
    """Return the eigenvalues of every logit's interaction matrix, the plain way."""
    values = []
    for weights in layer.down[1:]:
        matrix = (layer.left * weights[:, None]).T @ layer.right
        values.append(np.linalg.eigh((matrix + matrix.T) / 2)[0])
    return np.array(values)


def large_bonds(_: Digits) -> Iterator[Figure]:
    """The canonical form of a large network, in a process of its own."""
    seconds, memory = alone(_canonical_seconds)
    name = f"canonical form, depth 3, width 512, hidden 2048: {memory:.2g} GB"
    figure = Figure.time(name, seconds, 60)
    yield replace(figure, target=f"{figure.target}, 3 GB", reached=figure.reached and memory <= 3)


def _canonical_seconds() -> float:
    """Return the time in which all hidden states of a large network get their own bases."""
    layers = BilinearNetwork(784, 10, depth=3, width=512, hidden=2048).layers()
    seconds, bonds = timed(canonical_bonds, layers, np.eye(785))
    counts = [len(bond.singular_values) for bond in bonds]
    return seconds + timed(in_bases, layers, bonds, counts)[0]


def explanations(digits: Digits) -> Iterator[Figure]:
    """Shares of every test digit's largest logit, and predicted effects of interventions."""
    model = trained(digits, depth=2)
    graph = trace(model, "shared", features=120, metric="neighbours")
    labels = logits(rewrite(graph), digits.test_images).argmax(axis=1)
    worst, start = 0.0, time.perf_counter()
    for image, label in zip(digits.test_images, labels, strict=True):
        shares = explain(graph, image, label=int(label))
        sums = (shares.pixels.sum() + shares.constant, sum(shares.layer(2).values()))
        worst = max(worst, *(abs(total / shares.total - 1) for total in sums))
    seconds = time.perf_counter() - start
    yield Figure(
        f"explanations of all {len(labels):,} test digits, in {seconds:.0f} s: what is left over",
        f"{worst:.1e} relative",
        "at most 1e-12",
        worst <= 1e-12,
    )
    furthest = 0.0
    for node in [("feature", 1, 0), ("form", 1, 3), ("feature", 2, 5)]:
        found = effect(graph, node, digits.test_images, factor=0)
        scale = abs(found.before).max(axis=1, keepdims=True)
        furthest = max(furthest, float((abs(found.predicted - found.measured) / scale).max()))
    yield Figure(
        "predicted against measured effects of cutting three nodes, all test digits",
        f"{furthest:.1e} relative",
        "at most 1e-10",
        furthest <= 1e-10,
    )
