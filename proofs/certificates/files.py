"""A certificate as files: JSON that a person can read, and the arrays that its claims rest on.

``certificate.json`` names the model, the graphs and the witnesses by SHA-256 and by their places
seen from its folder. What it claims, :mod:`proofs.checker` verifies from these files alone. What
cannot be verified so, such as identities in symbols and what was measured with torch, stands under
``remarks``. The schema of the document is ``proofs/certificate.schema.json``.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from numeric import Digits
from numeric.files import (
    check_place,
    is_there,
    replacing,
    save_arrays,
    user_path,
    write_text,
)
from proofs import checker
from proofs.certificates.claims import Certificate
from proofs.checker import FORMAT, data_digest, digest
from proofs.errors import ProofError

WITNESSES = "bilinear-features witnesses 1"
"""The format of the file of arrays."""

MNIST = "f5b5a0c07ca97d3f23ef3304e9fd938c"
"""What claims call the images and labels of MNIST's test set."""


def save_certificate(
    certificate: Certificate,
    path: str | os.PathLike[str],
    *,
    model: str | os.PathLike[str],
    graphs: Mapping[str, str | os.PathLike[str]],
) -> None:
    """Write a certificate and its witnesses, each whole or not at all.

    The same claims about the same files give the same bytes.

    Args:
        certificate: what :func:`proofs.prove` or :func:`proofs.certify` returned.
        path: the JSON file; the witnesses stand beside it, with the suffix ``.safetensors``.
        model: the file of the network.
        graphs: the files of its graphs, by the names that claims give them.

    Raises:
        ProofError: a file is not there, a graph that something is claimed of has none, or as
            :func:`checked_place`.
        NumericError: a file cannot be written.
    """
    target = checked_place(path, model=model, graphs=graphs)
    named = {claim.numbers["graph"] for claim in certificate.claims if "graph" in claim.numbers}
    if missing := named - graphs.keys():
        raise ProofError(f"expected files of the graphs {', '.join(sorted(missing))}, got none")
    arrays = target.with_suffix(".safetensors")
    files: dict[str, Any] = {
        "model": _entry(user_path(model, "model"), target.parent, "model"),
        "graphs": {
            name: _entry(user_path(graphs[name], "graphs"), target.parent, "graphs")
            for name in sorted(graphs)
        },
    }
    save_arrays(arrays, dict(certificate.witnesses), {"format": WITNESSES})
    files["witnesses"] = _entry(arrays, target.parent, "witnesses")
    said: dict[str, Any] = {
        "format": FORMAT,
        "files": files,
        "claims": [claim.checkable for claim in certificate.claims if claim.kind is not None],
        "remarks": [_remark(asdict(c)) for c in certificate.claims if c.kind is None],
        "subject": dict(certificate.subject),
        "versions": dict(certificate.versions),
    }
    said["sha256"] = digest(said)
    write_text(target, json.dumps(said, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def checked_place(
    path: str | os.PathLike[str],
    *,
    model: str | os.PathLike[str],
    graphs: Mapping[str, str | os.PathLike[str]],
) -> Path:
    """Return where a certificate is to be written, if that is not over what it is about.

    Args:
        path: the JSON file; its witnesses go beside it, with the suffix ``.safetensors``.
        model: the file of the network.
        graphs: the files of its graphs, by name.

    Raises:
        ProofError: the certificate or its witnesses would take the place of a file that it names,
            or of one another.
        NumericError: something stands there that is no file, or that may not be written.
    """
    target = user_path(path)
    check_place(target)
    witnesses = target.with_suffix(".safetensors")
    if target == witnesses:
        raise ProofError(
            f"expected the certificate to have another suffix than its witnesses, got {target}"
        )
    check_place(witnesses)
    for name, given in {"the model": model, **graphs}.items():
        read = user_path(given, name)
        for written in (target, witnesses):
            if is_there(written) and is_there(read) and written.samefile(read):
                raise ProofError(
                    f"expected the certificate and its witnesses to be other files than {name}, "
                    f"got {written}"
                )
    return target


def data_witnesses(digits: Digits) -> dict[str, npt.NDArray[Any]]:
    """Return the test images and labels as witnesses: as bytes where these give the same floats."""
    images = digits.test_images
    pixels = np.rint(images * np.float32(255)).clip(0, 255).astype(np.uint8)
    exact = images.dtype == np.float32 and np.array_equal(
        pixels.astype(np.float32) / np.float32(255), images
    )
    return {
        "images": pixels if exact else images,
        "labels": digits.test_labels.astype(np.int64),
    }


def save_checker(path: str | os.PathLike[str]) -> None:
    """Write the checker as one file that runs with numpy alone: ``python checker.pyz CERTIFICATE``.

    The same version of the project gives the same bytes.

    Args:
        path: of the file, such as ``checker.pyz``.

    Raises:
        NumericError: the file cannot be written.
    """
    source = Path(checker.__file__).parent
    texts = {"__main__.py": "import sys\n\nfrom checker.__main__ import main\n\nsys.exit(main())\n"}
    for file in sorted((*source.rglob("*.py"), source / "SPEC.md")):
        name = f"checker/{file.relative_to(source).as_posix()}"
        texts[name] = file.read_text(encoding="utf-8")
    with replacing(user_path(path)) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, text in texts.items():
            # Of a date of its own: the bytes are those of the texts.
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), text)


def data_hash(witnesses: Mapping[str, npt.NDArray[Any]]) -> str:
    """Return what claims call their images and labels, both or the images alone."""
    return data_digest([witnesses[name] for name in ("images", "labels") if name in witnesses])


def _entry(path: Path, folder: Path, name: str) -> dict[str, str]:
    """Return what a certificate says of a file."""
    try:
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ProofError(f"expected {name} at {path}, got: {error.strerror}") from None
    return {"name": Path(os.path.relpath(path, folder)).as_posix(), "sha256": sha256}


def _remark(claim: dict[str, Any]) -> dict[str, Any]:
    """Return a claim that the checker cannot verify."""
    return {name: value for name, value in claim.items() if name not in ("kind", "numbers")}
