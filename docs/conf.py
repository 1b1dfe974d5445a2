"""Sphinx settings: every page that derives something is executed, and an error fails the build."""

import os
from pathlib import Path

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
    "sphinx-mathjax-offline",  # formulas show without the web
    "sphinx_proof",
]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "bilinear-features"
html_static_path = ["_static"]
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
