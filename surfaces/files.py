"""Files that are whole or not there: written beside their place, then renamed."""

import contextlib
import errno
import os
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

_unfinished: set[Path] = set()
_writers: set["subprocess.Popen[bytes]"] = set()


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to; it becomes `path` when the block succeeds.

    Raises:
      FileNotFoundError: if its folder is not there.
    """
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    beside = path.with_name(f".{uuid.uuid4().hex}{path.suffix}")
    _unfinished.add(beside)
    try:
        yield beside
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
        _unfinished.discard(beside)


@contextlib.contextmanager
def writing(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    """A process that writes to such a path: it ends before the path is discarded."""
    _writers.add(process)
    try:
        yield
    except BaseException:
        process.kill()
        process.wait()
        raise
    finally:
        _writers.discard(process)


def write_text(path: Path, text: str) -> None:
    """Writes a file, whole or not at all."""
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8")


def discard_unfinished() -> None:
    """Removes what `replacing` has not renamed yet, before the process ends."""
    for process in _writers:
        process.kill()
        # Not `wait`, which blocks where a signal has interrupted another one.
        with contextlib.suppress(ChildProcessError):
            os.waitpid(process.pid, 0)
    for beside in _unfinished:
        beside.unlink(missing_ok=True)


def writable_folder(path: Path) -> None:
    """Makes the folder if need be, and raises OSError unless files can be put in it."""
    path.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=path):
        pass
