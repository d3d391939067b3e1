"""Records in a file: named tuples of arrays as one `.npz`, without pickle.

A field is an entry `name/field` of the archive, one of a mapping `name/field/key`. An
entry `record` says what the tuples are, so that no other file is taken for one.
"""

import inspect
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

Record = TypeVar("Record", bound=tuple[Any, ...])


def save(path: Path, records: Mapping[str, NamedTuple]) -> None:
    """Writes records of one kind under their names, which have no slash.

    None and an empty mapping leave no entry: they must be their field's default.
    """
    entries: dict[str, Any] = {}
    for name, record in records.items():
        entries["record"] = type(record).__name__
        for field, value in record._asdict().items():
            if isinstance(value, Mapping):
                entries |= {f"{name}/{field}/{key}": row for key, row in value.items()}
            elif value is not None:
                entries[f"{name}/{field}"] = value
    np.savez_compressed(path, **entries)


def kind(path: Path) -> str | None:
    """The name of the class of the records in a file, None if `save` never wrote it.

    Raises:
      OSError: if the file cannot be read.
    """
    name = _entries(path).get("record")
    return None if name is None else str(name)


def load(path: Path, kind: type[Record]) -> dict[str, Record]:
    """Reads what `save` has written.

    Raises:
      OSError: if the file cannot be read.
      ValueError: if it holds something else.
    """
    entries = _entries(path)
    records: dict[str, dict[str, Any]] = {}
    if entries.pop("record", None) == kind.__name__:
        for entry, array in entries.items():
            value = array if array.ndim else array.item()
            name, _, field = entry.partition("/")
            field, _, key = field.partition("/")
            record = records.setdefault(name, {})
            if key:
                record.setdefault(field, {})[key] = value
            else:
                record[field] = value
    fields: dict[str, inspect.Parameter] = dict(inspect.signature(kind).parameters)
    needed = {name for name, field in fields.items() if field.default is field.empty}
    whole = all(needed <= set(r) <= set(fields) for r in records.values())
    if not records or not whole:
        raise ValueError(f"{str(path)!r} holds no {kind.__name__} of `surfaces`")
    return {name: kind(**record) for name, record in records.items()}


def _entries(path: Path) -> dict[str, Any]:
    """The arrays in a file, none if it is no such file."""
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (ValueError, TypeError, EOFError, KeyError, zipfile.BadZipFile, zlib.error):
        return {}
