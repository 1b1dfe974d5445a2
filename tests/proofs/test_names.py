"""The public names of the package, which are loaded when they are asked for."""

from __future__ import annotations

import ast
import inspect
from importlib import import_module
from pathlib import Path

import pytest

import proofs


def test_every_public_name_is_what_its_module_defines() -> None:
    tree = ast.parse(Path(proofs.__file__).read_text("utf-8"))
    said = {
        alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("proofs.")
        for alias in node.names
    }
    assert sorted(said) == sorted(proofs.__all__)
    for name, module in said.items():
        found = getattr(proofs, name)
        assert found is getattr(import_module(str(module)), name)
        assert inspect.isclass(found) or inspect.isfunction(found)
        assert name in dir(proofs)


def test_what_is_no_public_name_is_refused_as_in_any_module() -> None:
    with pytest.raises(AttributeError, match="module 'proofs' has no attribute 'disprove'"):
        _ = proofs.disprove  # type: ignore[attr-defined]
    with pytest.raises(ImportError, match="cannot import name 'disprove' from 'proofs'"):
        from proofs import disprove  # type: ignore[attr-defined]  # noqa: F401, PLC0415
    assert "disprove" not in dir(proofs)
