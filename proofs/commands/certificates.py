"""The commands that make certificates and verify them: prove, certify and check."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import joblib
import numpy as np
import numpy.typing as npt
import torch
import typer
from matplotlib.figure import Figure

from numeric import Digits, InputShape, load_graph
from numeric.files import user_path
from numeric.networks.attacks import attack
from numeric.networks.layered import Network
from numeric.scalars import check_integer
from proofs.certificates.certify import certify
from proofs.certificates.claims import Certificate
from proofs.certificates.files import (
    MNIST,
    checked_place,
    data_hash,
    data_witnesses,
    save_certificate,
)
from proofs.certificates.prove import graph_names, prove
from proofs.checker import Rejected, check, opened
from proofs.commands.arguments import Data, Model, Modulus, Task, data_of, network_of, task_of
from proofs.commands.endings import Status
from proofs.report.pictures import save_pictures
from proofs.robustness.directions import adversarial_directions, effects
from proofs.robustness.pairs import PairMargins
from proofs.robustness.pictures import (
    directions_picture,
    draw_accuracy,
    draw_radii,
    neighbours_picture,
)
from proofs.robustness.trust_region import nearest, nearest_points

Graphs = Annotated[
    list[Path],
    typer.Argument(
        metavar="GRAPH", help="Graphs that 'bilinear trace' wrote, changed by you or not."
    ),
]
CertificateFile = Annotated[
    Path,
    typer.Option(help="The file that the claims are written to; what they rest on lies beside it."),
]

Array = npt.NDArray[Any]

_SHOWN = 6
"""How many images are drawn with their nearest neighbours of another class."""

_MEASURED = 500
"""How many images show what adversarial directions do."""


def prove_graphs(
    model: Model,
    graphs: Graphs,
    certificate: CertificateFile = Path("certificate.json"),
    data: Data = None,
    task: Task = None,
    modulus: Modulus = None,
) -> None:
    """Prove and measure what graphs keep of MODEL.

    With --task it is also proved that MODEL, and graphs that leave something out, do the task on
    every input that there is. The claims are printed and written to a file. A claim that fails says
    at which node, layer and coefficient, and the exit status is 1.
    """
    found = [load_graph(path) for path in graphs]
    named = dict(zip(graph_names(found), graphs, strict=True))
    checked_place(certificate, model=model, graphs=named)
    asked = task_of(task, modulus, data)
    digits = data_of(data) if asked is None else asked.data()
    proved = prove(network_of(model), found, digits, task=asked)
    save_certificate(proved, certificate, model=model, graphs=named)
    _tell(proved)
    conclude(proved)


def certify_images(
    model: Model,
    graphs: Graphs,
    certificate: CertificateFile = Path("certificate.json"),
    images: Annotated[
        int | None, typer.Option(help="How many of the test images, the first ones; left out, all.")
    ] = None,
    jobs: Annotated[int, typer.Option(help="How many processes work at a time.")] = 1,
    target: Annotated[
        float | None,
        typer.Option(
            help="For deeper networks: which part of the distance that a quick attack finds is "
            "far enough, such as 0.95; left out, as far as can be proved."
        ),
    ] = None,
    pixels: Annotated[
        bool,
        typer.Option(
            "--pixels",
            help="For deeper networks, also prove by how much all pixels can change at once.",
        ),
    ] = False,
    attacked: Annotated[
        int, typer.Option(help="How many of the images are also attacked, as a comparison.")
    ] = 100,
    data: Data = None,
) -> None:
    """Prove around every test image how far MODEL's class holds.

    It does what 'prove' does, and more. For a network of one layer the distances are exact; for
    deeper ones, and for graphs that leave something out, they are distances within which the class
    cannot change. An attack on some images shows from the other side how near another class is.
    Pictures are written beside the certificate. An interrupted command goes on where it was.
    """
    check_integer(attacked, "attacked", least=0)
    network, digits = network_of(model), data_of(data)
    found = [load_graph(path) for path in graphs]
    named = dict(zip(graph_names(found), graphs, strict=True))
    certificate = checked_place(certificate, model=model, graphs=named)
    folder = certificate.parent
    parts = folder / f"{certificate.stem}-parts"
    # Ctrl-C reaches every process of a terminal; one of them answers, and ends the others.
    deaf = {"initializer": signal.signal, "initargs": (signal.SIGINT, signal.SIG_IGN)}
    with joblib.parallel_config(backend="loky", **deaf):
        proved = certify(
            network,
            found,
            digits,
            images=images,
            jobs=jobs,
            folder=parts,
            target=target,
            pixels=pixels,
            tell=partial(typer.echo, err=True),
        )
    save_certificate(proved, certificate, model=model, graphs=named)
    _tell(proved)
    drawn = network, proved, digits, attacked
    for path in save_pictures(lambda: _pictures(*drawn), folder / "pictures"):
        typer.echo(f"picture: {path}")
    conclude(proved)


def _tell(proved: Certificate) -> None:
    """Print the claims, those that fail last: there they are seen."""
    for claim in sorted(proved.claims, key=lambda claim: not claim.holds):
        typer.echo(str(claim))


def check_certificate(
    certificate: Annotated[
        Path, typer.Argument(metavar="FILE", help="A certificate, beside the files it names.")
    ],
    data: Annotated[
        Path | None,
        typer.Option(help="Data whose test images the certificate should be about."),
    ] = None,
) -> None:
    """Verify every claim of a certificate from the files that it names.

    This shares no code with what made the certificate: the checker is a program of its own that
    needs numpy alone, 'checker.pyz' beside the certificate of a run. The exit status is 1 where a
    claim does not hold, 2 where there is no certificate or a file is not the one that it names.
    """
    try:
        path = user_path(certificate, "FILE")
        sentences = check(path)
        about = _about(path, data)
    except Rejected as error:
        verdict = "rejected" if error.status == Status.FAILS else "unreadable"
        typer.echo(f"{verdict}: {error}", err=True)
        raise typer.Exit(error.status) from None
    for sentence in sentences:
        typer.echo(sentence)
    typer.echo(about)
    if remarks := len(json.loads(path.read_text(encoding="utf-8")).get("remarks", ())):
        typer.echo(
            f"not checked: {remarks} remarks, which are identities in symbols that hold for all "
            "weights, and what was measured with torch"
        )
    typer.echo(f"all {len(sentences)} claims have been checked")


def _about(certificate: Path, folder: Path | None) -> str:
    """Say which images a certificate is about, as far as they are MNIST's or of data given."""
    arrays = opened(certificate)[0].arrays
    data = data_hash(arrays)
    if folder is None:
        whose = (
            "MNIST's test set, by their hash" if data == MNIST else "not held against any others"
        )
        return f"the images and labels (data {data}) are {whose}"
    digits = data_of(folder)
    count = len(arrays["images"])
    first = replace(
        digits, test_images=digits.test_images[:count], test_labels=digits.test_labels[:count]
    )
    known = data_witnesses(first)
    if any(
        name in arrays and not np.array_equal(arrays[name], known[name])
        for name in ("images", "labels")
    ):
        raise Rejected(
            f"the images and labels (data {data}) are not the first {count} of the test set in "
            f"{folder}"
        )
    return f"the images and labels (data {data}) are the first {count} of the test set in {folder}"


def conclude(certificate: Certificate) -> None:
    """Say whether all claims hold; exit with 1 if one fails."""
    failed = [claim for claim in certificate.claims if not claim.holds]
    count = len(certificate.claims)
    if failed:
        typer.echo(f"{len(failed)} of {count} claims fail", err=True)
        raise typer.Exit(Status.FAILS)
    typer.echo(f"all {count} claims hold")


def _pictures(
    network: Network, proved: Certificate, digits: Digits, attacked: int
) -> dict[str, Figure]:
    """Attack some images, say how near that came, and draw the radii, if there are any."""
    exact = "robustness.radius" in proved.witnesses
    name = "robustness.radius" if exact else "stability.the network.radius"
    if name not in proved.witnesses:
        return {}
    radii = proved.witnesses[name]
    images, labels = digits.test_images[: len(radii)], digits.test_labels[: len(radii)]
    with torch.no_grad():
        predicted = network.double()(torch.from_numpy(images).double()).argmax(dim=1).numpy()
    count, distances = min(attacked, len(radii)), None
    if count:
        some, classes = images[:count], predicted[:count]
        distances = _attacked(network, some, classes, radii[:count], "L2")
        for changed in ("pixel robustness.radius", "pixel stability.radius"):
            if changed not in proved.witnesses:
                continue
            changes = proved.witnesses[changed][:count]
            _attacked(network, some, classes, changes, "Linf")
    shown = slice(count or None)
    figures = {
        name: Figure(figsize=(6.5, 3.5), layout="constrained")
        for name in ("radii", "certified-accuracy")
    }
    draw_radii(figures["radii"].subplots(), radii[shown], distances)
    right = (predicted == labels)[shown]
    draw_accuracy(figures["certified-accuracy"].subplots(), radii[shown], right, distances)
    if exact:
        figures |= _exact_pictures(network, images, predicted, labels, proved, digits.shape)
    return figures


def _attacked(
    network: Network,
    images: Array,
    classes: Array,
    radii: Array,
    norm: str,
) -> Array:
    """Return how far an attack has to go, and say how that compares to what is certified."""
    generator = torch.Generator().manual_seed(0)
    found = attack(network, images, classes, norm=norm, generator=generator).distances
    typer.echo(
        f"attack: on the first {len(images)} images another class was found at a mean distance of "
        f"{found.mean():.4f} ({norm}), where {radii.mean():.4f} is certified; nearer than "
        f"certified: {(found < radii).sum()}"
    )
    return found


def _exact_pictures(
    network: Network,
    images: Array,
    predicted: Array,
    labels: Array,
    proved: Certificate,
    shape: InputShape,
) -> dict[str, Figure]:
    """Draw nearest neighbours of another class, and the directions that the weights say lead there.

    What the directions do is measured on the first images.
    """
    margins, arrays = PairMargins(network.layers()), proved.witnesses
    radii, targets = arrays["robustness.radius"], arrays["robustness.targets"]
    shown = np.flatnonzero(radii > 0)[:_SHOWN]
    points = nearest_points(margins, images[shown], predicted[shown], targets[shown])
    some = images[:_MEASURED]
    table = effects(
        margins,
        some,
        nearest(margins, some, predicted[:_MEASURED]),
        adversarial_directions(margins),
        lengths=[1.0, 2.0, 4.0],
        generator=np.random.default_rng(0),
    )
    return {
        "nearest-neighbours": neighbours_picture(
            images[shown],
            points,
            predicted[shown],
            targets[shown],
            radii[shown],
            labels[shown],
            shape,
        ),
        "adversarial-directions": directions_picture(table, margins.classes, shape),
    }
