"""Networks of sums and products from elsewhere, through every verb to the checked certificate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from numeric import (
    LayeredNetwork,
    explain,
    fidelity,
    from_module,
    frontier,
    load_network,
    prune,
    save_graph,
    save_network,
    trace,
)
from numeric.networks.attacks import attack
from proofs import check, save_certificate
from proofs.certificates.certify import certify
from tests.digits import small_digits
from tests.modules import MODULES


@pytest.fixture(params=MODULES)
def network(request: pytest.FixtureRequest) -> LayeredNetwork:
    make, shape, _ = MODULES[request.param]
    torch.manual_seed(0)
    return from_module(make().eval(), torch.zeros(1, *shape))


def test_a_network_of_others_goes_through_every_verb_to_the_checked_certificate(
    network: LayeredNetwork, tmp_path: Path
) -> None:
    layers = network.layers()
    inputs, outputs = layers[0].linear.shape[1] - 1, len(layers[-1].linear) - 1
    digits = small_digits(inputs, outputs, pictures=6)
    files = {name: tmp_path / f"{name}.safetensors" for name in ("polarized", "eigen", "model")}
    save_network(network, files["model"], notes={"of": "others"})
    network = load_network(files["model"])
    graphs = [trace(network, method) for method in ("polarized", "eigen")]
    for graph in graphs:
        save_graph(graph, files[graph.graph["method"]])
        assert fidelity(graph, network, digits).agreement == 1
        assert fidelity(prune(graph, features=3), network, digits).features == 3
    image = digits.test_images[0]
    told = explain(graphs[0], image, label=0)
    assert told.total == pytest.approx(outputs_of(network, image)[0])
    assert len(frontier(network, digits, methods=["eigen"], counts=[2])) == 1
    found = attack(
        network,
        digits.test_images,
        classes(network, digits.test_images),
        generator=torch.Generator(),
    )
    certificate = certify(network, graphs, digits, images=1)
    assert certificate.holds
    kinds = [claim.kind for claim in certificate.claims]
    assert "same polynomial" in kinds
    path = tmp_path / "certificate.json"
    named = {name: files[name] for name in ("polarized", "eigen")}
    save_certificate(certificate, path, model=files["model"], graphs=named)
    said = check(path)
    assert any("are the same polynomial, coefficient by coefficient" in line for line in said)
    radii = certificate.witnesses.get("stability.the network.radius")
    assert radii is None or (radii <= found.distances[: len(radii)]).all()


def outputs_of(network: Any, images: Any) -> Any:
    with torch.no_grad():
        return network(torch.from_numpy(np.atleast_2d(images)).double()).numpy()[0]


def classes(network: Any, images: Any) -> Any:
    with torch.no_grad():
        return network(torch.from_numpy(images).double()).argmax(dim=1).numpy()
