"""A bar for long sweeps: points done, points a second, time left."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import jax
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text


class _Speed(ProgressColumn):
    """Points a second, over the last blocks."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.3g} points/s")


@contextlib.contextmanager
def bar(total: int, *, shown: bool) -> Iterator[Callable[[int], object]]:
    """What to call with the points of every finished block.

    The bar goes to standard error, and with several processes the first one shows it.
    """
    columns = (
        TextColumn("sweep"),
        BarColumn(),
        MofNCompleteColumn(),
        _Speed(),
        TimeRemainingColumn(),
    )
    disable = not shown or jax.process_index() > 0
    with Progress(*columns, console=Console(stderr=True), disable=disable) as progress:
        task = progress.add_task("", total=total)
        yield lambda points: progress.advance(task, points)
