"""Pages of small networks with an explorer, and what Python says of the same graphs."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import torch

from numeric import BilinearNetwork, Digits, rewrite, trace
from numeric.networks.training import Recipe
from proofs import Certificate, Claim, Level
from proofs.report.explorer import explorer_data
from proofs.report.page import write_page
from tests.digits import like_mnist
from tests.proofs.report.browser import Visit

SIDE = 14
DIGITS = like_mnist(inputs=SIDE**2)


RIGHT = {"images": 9, "right class": 8}
CLAIMS = (
    Claim("rounding", Level.MEASURED, "It rounds.", holds=True, evidence=RIGHT),
    Claim("shared: fidelity", Level.MEASURED, "Most stays <b>as it is</b>.", holds=True),
    Claim("shared: difference", Level.BOUNDED, "Not far.", holds=False),
    Claim("eigen: same outputs", Level.MEASURED, "The eigen graph is the network.", holds=True),
)


def network_of(depth: int, inputs: int = SIDE**2) -> BilinearNetwork:
    return BilinearNetwork(inputs, 10, depth=depth, width=5, hidden=8, seed=depth)


def written(folder: Path, depth: int, digits: Digits = DIGITS) -> Any:
    """Write the page of a network, and return its graph."""
    network = network_of(depth, digits.inputs)
    graph = trace(network, "polarized")
    data = explorer_data(graph, network, digits, CLAIMS)
    certificate = Certificate(CLAIMS, {"network": "0"}, {})
    (folder / "pictures").mkdir(parents=True)
    (folder / "pictures" / "digits.png").write_bytes(b"")
    graphs = {"eigen": graph, "shared": graph}
    recipe, shape = Recipe(epochs=1), digits.shape
    write_page(folder, network, recipe, certificate, graphs, explorer=data, shape=shape)
    return graph


def data_in(path: Path) -> Any:
    (text,) = re.findall(r'id="explorer-data">(.*?)</script>', path.read_text(encoding="utf-8"))
    return json.loads(text)


def key(node: Any) -> str:
    return "-".join(map(str, node))


def logits(graph: Any, digit: int, digits: Digits = DIGITS) -> Any:
    return rewrite(graph)(torch.from_numpy(digits.test_images[digit])).numpy()


def assert_shown(found: list[float], wanted: Any) -> None:
    assert len(found) == len(wanted)
    assert max(abs(np.array(found) - wanted)) <= 1e-9 * max(abs(np.array(wanted)))


def inked(visit: Visit) -> Any:
    """Return the image that the address holds, as Python reads it."""
    (text,) = [part[4:] for part in visit.address.lstrip("#").split("&") if part[:4] == "ink="]
    padded = text + "=" * (-len(text) % 4)
    return np.frombuffer(base64.urlsafe_b64decode(padded), np.uint8)


def assert_logits_of(visit: Visit, graph: Any, ink: Any) -> None:
    image = np.divide(ink, 255, dtype=np.float32)
    wanted = rewrite(graph)(torch.from_numpy(image)).numpy()
    assert_shown(visit.numbers("#panel td[data-logit]"), wanted)
