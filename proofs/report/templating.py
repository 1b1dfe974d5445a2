"""Pages from templates: one file each, which opens offline and requests nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from numeric.files import write_text
from proofs.report import assets


def write_plain_page(path: Path, template: str, values: Mapping[str, Any]) -> None:
    """Write a page without scripts.

    Args:
        path: of the page.
        template: its name, of a file in ``templates``.
        values: what the template shows, by name; texts are escaped.

    Raises:
        NumericError: the page cannot be written.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("proofs.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = assets.style(explorer=False)
    page = environment.get_template(template).render(
        **values,
        # The page's own; what values say is escaped.
        style=Markup(style),  # noqa: S704
        policy=assets.policy(style, None),
    )
    write_text(path, page)
