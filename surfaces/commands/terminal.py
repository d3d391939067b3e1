"""The terminal: where tables and bars go, and what Ctrl-C does."""

import os
import signal
import sys

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.status import Status

from surfaces.files import discard_unfinished

_SHOW_CURSOR = b"\x1b[?25h"


def output() -> Console:
    """Standard output; where it is no terminal, wide enough for every table."""
    return Console(width=None if sys.stdout.isatty() else 150, highlight=False)


def bars() -> Progress:
    """Bars on standard error, silent where that is no terminal."""
    return Progress(
        TextColumn("{task.description:<16}"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
    )


def working(what: str) -> Status:
    """A sign on standard error that something goes on, silent where no terminal is."""
    return Console(stderr=True).status(what)


def end_at_interrupt() -> None:
    """From now on Ctrl-C ends the process: one line, exit code 130, no half a file.

    A `KeyboardInterrupt` would not always do: raised in a callback of the garbage
    collector, as JAX has one, it is ignored.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)


def _end(*_: object) -> None:
    discard_unfinished()
    # The handler may have come in the middle of a print, so it does without.
    if os.isatty(2):
        os.write(2, _SHOW_CURSOR + b"\n")
    os.write(2, b"surfaces: interrupted\n")
    os._exit(130)
