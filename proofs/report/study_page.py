"""What a study found, in files: a page, its pictures, and every measurement as JSON and CSV."""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

from numeric.files import write_text
from numeric.studies.account import Account
from numeric.studies.running import Row
from proofs.report.pictures import save_pictures
from proofs.report.templating import write_plain_page


def write_study(account: Account, folder: Path, *, command: str, quick: bool) -> Path:
    """Write what a study found.

    Args:
        account: of the study.
        folder: receives ``study.html``, which opens offline and requests nothing, ``results.json``,
            a ``TABLE.csv`` for each table and ``pictures/``.
        command: that made it, as the page says.
        quick: whether its sizes are too small to conclude from.

    Returns:
        The page.

    Raises:
        NumericError: a file cannot be written.
    """
    for name, rows in account.tables.items():
        write_text(folder / f"{name.replace(' ', '-')}.csv", csv_text(rows))
    results = {
        "title": account.title,
        "command": command,
        "quick": quick,
        "speaks for": list(account.speaks_for),
        "speaks against": list(account.speaks_against),
        "tables": account.tables,
    }
    write_text(folder / "results.json", json.dumps(results, indent=1, allow_nan=False) + "\n")
    paths = save_pictures(
        lambda: {name: draw() for name, draw in account.pictures.items()}, folder / "pictures"
    )
    values = {
        "account": account,
        "command": command,
        "quick": quick,
        "pictures": {path.stem: base64.b64encode(path.read_bytes()).decode() for path in paths},
    }
    write_plain_page(folder / "study.html", "study.html", values)
    return folder / "study.html"


def csv_text(rows: Sequence[Row]) -> str:
    r"""Return rows as CSV, with every name that any of them has as a column.

    Examples:
        >>> csv_text([{"a": 1}, {"a": 2, "b": "x, y"}])
        'a,b\n1,\n2,"x, y"\n'
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
