"""Tables: results of races for the terminal and as records, and what can race."""

import csv
import io
import math
from collections.abc import Iterable, Mapping
from typing import Any

from rich.table import Table

from surfaces.racer import Racer
from surfaces.racing import Result
from surfaces.surface import REACH, Surface

_PLAIN: dict[str, Any] = {"box": None, "pad_edge": False, "header_style": "bold"}

LEGEND = f"""\
height: final value above the lowest in the window. distance: to a global minimum.
A path ended at a minimum within {REACH:.0%} of the window's diagonal, or on the way.
edge: the best rate was the least or greatest tried, so a better one may lie beyond."""

COLUMNS = tuple(name for name in Result._fields if name != "path")


def csv_of(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """A line of names, and a line a row; None is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def with_columns(names: Iterable[str], numbers: Iterable[str]) -> Table:
    """A table for the terminal, still empty: columns of names, then of numbers."""
    table = Table(**_PLAIN)
    for name in names:
        table.add_column(name, no_wrap=True)
    for number in numbers:
        table.add_column(number, justify="right", no_wrap=True)
    return table


def record(result: Result) -> dict[str, Any]:
    """A result by its columns; None for what is not there, or not finite."""
    record = {name: getattr(result, name) for name in COLUMNS}
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in record.items()
    }


def to_rich(results: Iterable[Result]) -> Table:
    """A table for the terminal, one section a surface."""
    numbers = ("rate", "final value", "height", "distance")
    table = with_columns(("surface", "optimizer"), numbers)
    table.add_column("ended", no_wrap=True)
    surface = None
    for result in results:
        if surface not in (None, result.surface):
            table.add_row()
        table.add_row(
            result.surface if result.surface != surface else "",
            result.optimizer,
            rate_label(result),
            f"{result.value:.3e}",
            f"{result.height:.1e}",
            f"{result.distance:.3f}",
            _ended(result),
        )
        surface = result.surface
    return table


def rate_label(result: Result) -> str:
    """The learning rate in two digits, marked where it is the edge of the grid."""
    return f"{result.learning_rate:.2g}{' (edge)' if result.at_edge else ''}"


def _ended(result: Result) -> str:
    events = []
    if result.left_at is not None:
        returned = "" if result.outcome == "left the window" else ", returned"
        events.append(f"left at step {result.left_at}{returned}")
    if result.nan_at is not None:
        recovered = result.path.finite[result.nan_at :].any()
        when = "at step {}" if recovered else "from step {} on"
        events.append(f"no number {when.format(result.nan_at)}")
    return f"{result.outcome} ({'; '.join(events)})" if events else result.outcome


def of_surfaces(surfaces: Mapping[str, Surface]) -> Table:
    """Where one can race."""
    table = Table("surface", "start", "minima", "lowest", **_PLAIN)
    for name, surface in surfaces.items():
        x, y = surface.start
        minima = f"{len(surface.minima)}, {len(surface.global_minima)} global"
        table.add_row(name, f"{x:g}, {y:g}", minima, f"{surface.minimum:.2e}")
    return table


def of_racers(racers: Mapping[str, Racer]) -> Table:
    """Who can race."""
    columns = ("optimizer", "step", "paper", "year", "state", "gradients")
    table = Table(*columns, **_PLAIN)
    for name, racer in racers.items():
        floats, gradients = f"{racer.state_floats:g}", str(racer.gradients)
        year = str(racer.year)
        table.add_row(name, racer.formula, racer.paper, year, floats, gradients)
    return table
