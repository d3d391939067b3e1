"""Files that are whole or not there: written beside their place, then renamed."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to; it becomes `path` when the block succeeds."""
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=path.suffix, prefix=".")
    os.close(handle)
    beside = Path(name)
    try:
        yield beside
        # mkstemp keeps its file private; a result is as public as any new file.
        mask = os.umask(0)
        os.umask(mask)
        beside.chmod(0o666 & ~mask)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def writable_folder(path: Path) -> None:
    """Makes the folder if need be, and raises OSError unless files can be put in it."""
    path.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path):
        pass
