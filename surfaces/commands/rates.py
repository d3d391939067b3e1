"""`rates`: which learning rates work, for every optimizer on every surface."""

import itertools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.table import Table

from surfaces import plot
from surfaces.commands import ledger, options, table, terminal
from surfaces.files import write_text
from surfaces.functions import SURFACES
from surfaces.roster import ROSTER
from surfaces.sensitivity import RateCurve, rate_curves

COLUMNS = (
    "surface", "optimizer", "best_rate", "height", "working_range", "least", "greatest",
)  # fmt: skip

LEGEND = """\
height: final value above the lowest in the window, at the best rate. working range:
decades of rates that end within 1 % of the window's height above the lowest value, the
least and the greatest of them; between these others may fail."""


@click.command("rates")
@options.surface_names
@options.optimizers("all")
@options.steps(100, of="run")
@options.size("1600x1000")
@options.formats("png", "svg", default=("png",))
@options.out
@options.force
@options.source
def rates_command(
    names: tuple[str, ...],
    optimizers: tuple[str, ...] | None,
    steps: int,
    size: tuple[int, int],
    formats: tuple[str, ...],
    out: Path,
    force: bool,
    source: Path | None,
) -> None:
    """Map which learning rates work on SURFACEs (default: all eight).

    Every optimizer runs at 256 learning rates from 1e-5 to 10. For each surface FOLDER
    gets a picture of the final heights (SURFACE-rates.png) and the numbers
    (SURFACE-rates.csv, SURFACE-rates.npz); for all together a table (rates.csv), which
    is printed too. What is there already stays, unless by --force; of that table the
    rows of these surfaces are renewed.

    \b
    All optimizers on all surfaces:
      python -m surfaces rates
    A larger picture, without running again:
      python -m surfaces rates --from plots/spiral-rates.npz --size 2400x1500 --force
    """
    if source is not None:
        loaded = options.load(source, RateCurve, drawing=("size", "formats"))
        options.claim(out, options.pictures(source.stem, formats), force)
        maps = {source.stem: loaded}
    else:
        racers = options.racers_of(optimizers or ROSTER, ROSTER)
        surfaces = [SURFACES[name] for name in dict.fromkeys(names or SURFACES)]
        stems = [f"{surface.name}-rates" for surface in surfaces]
        files = [options.files(stem, formats) for stem in stems]
        tables = ledger.foreign(out, ["rates.csv"])
        options.claim(out, [*tables, *itertools.chain(*files)], force)
        with terminal.bars() as bars:
            task = bars.add_task("running", total=len(racers))
            found = rate_curves(
                surfaces, racers, steps=steps, progress=lambda: bars.advance(task)
            )
        maps = dict(zip(stems, found.values(), strict=True))
        for stem, curves in maps.items():
            options.save_records(out, stem, curves)
            write_text(out / f"{stem}.csv", _heights(curves))
        rows = (row for curves in maps.values() for row in _rows(curves))
        records = (dict(zip(COLUMNS, row, strict=True)) for row in rows)
        ledger.update(out / "rates.csv", records)
    with terminal.bars() as bars:
        for stem, curves in bars.track(maps.items(), description="drawing"):
            labelled = {options.label(name): curve for name, curve in curves.items()}
            figure = plot.rates(labelled, size=size)
            options.save_figure(out, stem, figure, formats)
    console = terminal.output()
    console.print(_to_rich(maps.values()))
    if len(maps) > 1:
        console.print("", _means(maps.values()))
    console.print(f"\n{LEGEND}\n\n{options.made(source)} in {out}/")


def _rows(curves: Mapping[str, RateCurve]) -> Iterable[tuple[Any, ...]]:
    """A row of the table for each optimizer; None for what is not there."""
    for name, curve in curves.items():
        best, works = curve.best, curve.rates[curve.works]
        yield (
            curve.surface,
            name,
            None if best is None else curve.rates[best],
            None if best is None else max(curve.heights[best], 0.0),
            curve.working_range,
            works[0] if works.size else None,
            works[-1] if works.size else None,
        )


def _heights(curves: Mapping[str, RateCurve]) -> str:
    """The curves as CSV: a line a rate, a column an optimizer."""
    rates = next(iter(curves.values())).rates
    columns = [rates, *(curve.heights for curve in curves.values())]
    rows = (
        [value if np.isfinite(value) else None for value in row]
        for row in zip(*columns, strict=True)
    )
    return table.csv_of(["learning_rate", *curves], rows)


def _to_rich(maps: Iterable[Mapping[str, RateCurve]]) -> Table:
    """The table for the terminal, one section a surface."""
    heads = [column.replace("_", " ") for column in COLUMNS]
    rich = table.with_columns(heads[:2], heads[2:])
    for place, curves in enumerate(maps):
        if place:
            rich.add_row()
        for row in _rows(curves):
            surface, optimizer, best, height, decades, least, greatest = row
            rich.add_row(
                surface,
                optimizer,
                _short(best, ".2g"),
                _short(height, ".1e"),
                f"{decades:.2f}",
                _short(least, ".2g"),
                _short(greatest, ".2g"),
            )
    return rich


def _means(maps: Iterable[Mapping[str, RateCurve]]) -> Table:
    """The working ranges averaged over the surfaces, the widest first."""
    ranges: dict[str, list[float]] = {}
    for curves in maps:
        for name, curve in curves.items():
            ranges.setdefault(name, []).append(curve.working_range)
    means = {name: np.mean(values) for name, values in ranges.items()}
    rich = table.with_columns(("on all surfaces",), ("mean working range",))
    for name in sorted(means, key=lambda name: -means[name]):
        rich.add_row(name, f"{means[name]:.2f}")
    return rich


def _short(number: float | None, form: str) -> str:
    return "" if number is None else format(number, form)
