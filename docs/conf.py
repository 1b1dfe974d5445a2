"""Sphinx settings: every page that derives something is executed, and an error fails the build."""

import importlib.util
import os
from pathlib import Path

from sphinx.application import Sphinx
from sphinx_proof.domain import ProofDomain

# Pages in any folder import what they share, docs/executed.py.
_paths = [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, _paths))

project = "bilinear-features"
author = "The bilinear-features authors"
project_copyright = "2026, the bilinear-features authors"
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_proof",
]
exclude_patterns = ["_build"]
# Two pages are executed at once. The extension puts together what both state ("env-merge-info");
# its domain has nothing to add, and does not say so.
ProofDomain.merge_domaindata = lambda *_: None
html_theme = "furo"
html_title = "bilinear-features"
# Formulas show without the web. What the package is as an extension keeps Sphinx from reading two
# pages at once, as it does not say that it may, so that only its files are taken.
_mathjax = importlib.util.find_spec("sphinx-mathjax-offline").submodule_search_locations[0]
html_static_path = ["_static", f"{_mathjax}/static"]
mathjax_path = "mathjax/tex-chtml.js"
html_css_files = ["pages.css"]

# "cache" would build green over a broken module: what a page derives is derived in every build.
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_merge_streams = True  # a cell's prints in one block
nb_render_markdown_format = "myst"  # tables too
myst_enable_extensions = ["amsmath", "dollarmath"]

autodoc_typehints = "description"
napoleon_google_docstring = True


def setup(app: Sphinx) -> None:
    """Read the longest page first, and pages that are alike, and take as long, apart.

    Sphinx hands some ten pages in a row to each of its processes.
    """
    app.connect("env-before-read-docs", lambda *given: _spread(given[-1]))


def _spread(pages: list[str]) -> None:
    pages.sort(key="tour".__ne__)
    pages[1:] = [*pages[1::2], *pages[2::2]]
