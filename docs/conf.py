"""Sphinx settings: every page that derives something is executed, and an error fails the build."""

project = "bilinear-features"
author = "The bilinear-features authors"
project_copyright = "2026, the bilinear-features authors"
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx-mathjax-offline",  # formulas show without the web
]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "bilinear-features"

# "cache" would build green over a broken module: what a page derives is derived in every build.
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_render_markdown_format = "myst"  # tables too
myst_enable_extensions = ["amsmath", "dollarmath"]

autodoc_typehints = "description"
napoleon_google_docstring = True
