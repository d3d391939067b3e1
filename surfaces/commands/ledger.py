"""A table of several surfaces, CSV or JSON: some are renewed, and the rest stays.

So races down one surface after another leave one table of them all in their folder.
"""

import csv
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from surfaces.commands.table import csv_of
from surfaces.files import write_text

Record = Mapping[str, Any]  # of a surface, named by "surface"


def update(file: Path, records: Iterable[Record]) -> None:
    """Writes records in place of those of their surfaces; other columns begin anew."""
    new = [*records]
    again, columns = {record["surface"] for record in new}, [*new[0]]
    kept = [old for old in _read(file) if old["surface"] not in again]
    rows = [*(old for old in kept if [*old] == columns), *new]
    if file.suffix == ".json":
        write_text(file, json.dumps(rows, indent=1, allow_nan=False) + "\n")
    else:
        write_text(file, csv_of(columns, (row.values() for row in rows)))


def foreign(folder: Path, names: Iterable[str]) -> list[str]:
    """Those of the names under which something else stands than such a table."""
    there = [name for name in names if os.path.lexists(folder / name)]
    return [name for name in there if not _read(folder / name)]


def _read(file: Path) -> Sequence[Record]:
    """The records in a file, none if it is no such table."""
    try:
        text = file.read_text(encoding="utf-8")
        is_json = file.suffix == ".json"
        records = json.loads(text) if is_json else csv.DictReader(text.splitlines())
        return [record for record in records if record["surface"]]
    except (OSError, ValueError, TypeError, KeyError):
        return []
