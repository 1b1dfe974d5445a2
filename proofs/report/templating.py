"""Pages from templates: one file each, which opens offline and requests nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from numeric.files import write_text
from proofs.report import assets


def template(name: str) -> jinja2.Template:
    """Return a template of ours, whose texts are escaped and whose names have to be given.

    Args:
        name: of a file in ``templates``.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("proofs.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)


def write_plain_page(path: Path, name: str, values: Mapping[str, Any]) -> None:
    """Write a page without scripts.

    Args:
        path: of the page.
        name: of its template.
        values: what the template shows, by name; texts are escaped.

    Raises:
        NumericError: the page cannot be written.
    """
    style = assets.style(explorer=False)
    page = template(name).render(
        **values,
        # The page's own; what values say is escaped.
        style=Markup(style),  # noqa: S704
        policy=assets.policy(style, None),
    )
    write_text(path, page)
