"""Figures of whole networks on real MNIST."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import product

from analytic import ExactNetwork, layers_difference
from numeric import Digits, rewrite, square_layers, trace
from numeric.networks.inference import logits, predictions
from proofs.certificates.measurements import Distance
from tests.benchmarks.figures import Figure, fully_trained, timed, trained
from tests.benchmarks.memory import run_alone

ACCURACY = {1: 0.983, 2: 0.985, 3: 0.983}
EVALUATION = {1: 6, 2: 15, 3: 90}
EQUALITY = {1: 10, 2: 10, 3: 20}


def accuracy(digits: Digits) -> Iterator[Figure]:
    """Accuracy at the defaults."""
    for depth, target in ACCURACY.items():
        seconds, (_, found) = timed(fully_trained, digits, depth)
        yield Figure(
            f"test accuracy, depth {depth}",
            f"{found:.2%} in {seconds:.0f} s",
            f"at least {target:.1%}",
            found >= target,
        )


def first_epoch(digits: Digits) -> Iterator[Figure]:
    """Accuracy of every shape after one epoch: whether the initial weights let it train."""
    for depth in (1, 2, 3, 4, 5):
        found = {}
        for bias, residual, embedding in product((True, False), repeat=3):
            kind = f"{'biases ' * bias}{'residual ' * residual}{'embedding' * embedding}"
            shape = {"bias": bias, "residual": residual, "embedding": embedding}
            right = predictions(trained(digits, depth=depth, **shape), digits.test_images)
            found[kind.strip() or "none"] = float((right == digits.test_labels).mean())
        worst = min(found, key=found.__getitem__)
        yield Figure(
            f"test accuracy after one epoch, depth {depth}, least of all 8 shapes",
            f"{found[worst]:.2%} ({worst})",
            "above 90 %",
            found[worst] > 0.9,
        )


def evaluation(digits: Digits) -> Iterator[Figure]:
    """Exact values of all test images."""
    for depth, most in EVALUATION.items():
        exact = ExactNetwork(trained(digits, depth=depth).layers())
        seconds, _ = timed(exact.evaluate, digits.test_images)
        count = len(digits.test_images)
        yield Figure.time(f"exact evaluation of {count:,} digits, depth {depth}", seconds, most)


def rewrites(digits: Digits) -> Iterator[Figure]:
    """Both rewrites of every kind of network."""
    for depth, bias, residual in product((1, 2, 3), (True, False), (True, False)):
        model = trained(digits, depth=depth, bias=bias, residual=residual)
        kind = f"depth {depth}{', biases' * bias}{', residual' * residual}"
        start = time.perf_counter()
        squares = square_layers(trace(model, "polarized"))
        rewritten = ExactNetwork([layer.in_normal_form() for layer in squares])
        same = layers_difference(ExactNetwork(model.layers()), rewritten) is None
        seconds, most = time.perf_counter() - start, EQUALITY[depth]
        yield Figure(
            f"polarized = network, {kind}",
            f"{'proved' if same else 'differs'} in {seconds:.1f} s",
            f"proved in at most {most} s",
            same and seconds <= most,
        )
        found = logits(rewrite(trace(model, "eigen")), digits.test_images)
        wanted = logits(model.double(), digits.test_images)
        agree = found.argmax(axis=1) == wanted.argmax(axis=1)
        distance = Distance.of(abs(found - wanted), wanted, agree)
        yield Figure(
            f"eigen against network, {kind}",
            f"{distance.relative:.1e} relative, {len(found) - distance.agreeing} changed",
            "at most 1e-9, 0 changed",
            distance.relative <= 1e-9 and distance.agreeing == len(found),
        )


def main_job(digits: Digits) -> Iterator[Figure]:
    """Time and memory of ``bilinear run`` at its defaults."""
    del digits
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "proofs.commands.main", "run", folder]
        took, (done, peak) = timed(run_alone, command)
    yield Figure("main job, time", f"{took:.0f} s", "at most 240 s", done and took <= 240)
    yield Figure("main job, peak memory", f"{peak:.2f} GB", "under 3 GB", done and peak < 3)
