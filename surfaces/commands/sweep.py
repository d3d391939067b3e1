"""`sweep`: one optimizer on one surface over any two of its hyperparameters."""

import heapq
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

import click
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from rich.table import Table

from surfaces import plot
from surfaces.commands import options, table, terminal
from surfaces.commands.arguments import Axis, OneOf, Rate
from surfaces.figures import style
from surfaces.files import write_text
from surfaces.functions import SURFACES
from surfaces.racing import race
from surfaces.roster import ROSTER
from surfaces.tuning import GridSearch, check_axes, grid_search

MOST = 1_000_000  # points
SHOWN = 5  # of the best points


@click.command("sweep", context_settings={"allow_extra_args": True})
@click.option(
    "--optimizer",
    type=OneOf(ROSTER),
    metavar="NAME",
    help="The optimizer; `list` shows all.  [required without --from]",
)
@click.option(
    "--surface",
    type=OneOf(SURFACES),
    metavar="NAME",
    help="The surface; `list` shows all.  [required without --from]",
)
@click.option(
    "--axis",
    "axes",
    type=Axis(),
    multiple=True,
    metavar="AXIS",
    help="A hyperparameter and its values: NAME=LOW:HIGH:COUNT:SPREAD, spread as lin, "
    "log or log1m (logarithmic in 1 - value), or NAME=VALUE,VALUE. Once for a line, "
    "twice for a heat map.  [required without --from]",
)
@click.option(
    "--learning-rate",
    type=Rate("best"),
    metavar="RATE|best",
    help="Where it is no axis: a rate, or best: that of 96 rates from 1e-4 to 10 that "
    "is best with all else at its default.  [default: best]",
)
@options.steps(100, of="run")
@options.size("1000x700")
@options.formats("png", "svg", default=("png",))
@options.out
@options.force
@options.source
def sweep_command(
    optimizer: str | None,
    surface: str | None,
    axes: tuple[tuple[str, NDArray[Any]], ...],
    learning_rate: float | str | None,
    steps: int,
    size: tuple[int, int],
    formats: tuple[str, ...],
    out: Path,
    force: bool,
    source: Path | None,
) -> None:
    """Map where an optimizer ends by one or two of its hyperparameters.

    FOLDER gets a picture and the numbers: SURFACE-OPTIMIZER-AXIS-AXIS.png, .csv, .npz.
    What is there already stays, unless by --force.

    \b
    Any two numbers that the optimizer takes:
      python -m surfaces sweep --optimizer adabelief --surface rastrigin \\
        --axis b2=0.9:0.9999:32:log1m --axis learning_rate=1e-4:1:64:log
    Lists of values, too; and the learning rate as asked for:
      python -m surfaces sweep --optimizer ranger --surface custom2 \\
        --axis sync_period=5,6,10,20 --axis b1=0:0.9:10:lin --learning-rate 0.1
    """
    for extra in click.get_current_context().args:
        raise click.UsageError(
            f"{extra!r} is one too many: --surface names the surface, --optimizer the "
            "optimizer, --axis a hyperparameter."
        )
    if source is not None:
        loaded = options.load(source, GridSearch, drawing=("size", "formats"))
        stem, (name, found) = source.stem, next(iter(loaded.items()))
        options.claim(out, options.pictures(stem, formats), force)
    else:
        name, place = _given("optimizer", optimizer), _given("surface", surface)
        rows = _rows_of(name, _given("axes", axes), learning_rate, steps)
        stem = "-".join([place, name, *rows])
        options.claim(out, options.files(stem, formats), force)
        with terminal.working(f"running {math.prod(map(len, rows.values()))} points"):
            fixed = {}
            if "learning_rate" not in rows:
                fixed["learning_rate"] = _rate(name, place, learning_rate, steps)
            found = grid_search(ROSTER[name], SURFACES[place], rows, steps, **fixed)
        options.save_records(out, stem, {name: found})
        write_text(out / f"{stem}.csv", _to_csv(found))
    options.save_figure(out, stem, _figure(name, found, size), formats)
    console = terminal.output()
    console.print(_to_rich(found))
    lost = np.count_nonzero(~found.inside)
    console.print(
        f"\n{lost} of {found.inside.size} points left the window or diverged.\n\n"
        f"{options.made(source)} in {out}/"
    )


def _figure(name: str, found: GridSearch, size: tuple[int, int]) -> Figure:
    place = style.named(found.surface)
    title = f"{options.label(name)} on {place}, {found.steps} steps"
    for argument, value in found.fixed.items():
        title += f", {argument} {value:.2g}"
    ax = style.axes_or_new(None, size)
    return cast(Figure, plot.heat_map(found, title=title, ax=ax).figure)


def _given(parameter: str, value: Any) -> Any:
    """A value that only --from may leave out."""
    if not value:
        context = click.get_current_context()
        (option,) = (p for p in context.command.params if p.name == parameter)
        raise click.MissingParameter(ctx=context, param=option)
    return value


def _rows_of(
    name: str,
    axes: Sequence[tuple[str, NDArray[Any]]],
    learning_rate: float | str | None,
    steps: int,
) -> dict[str, NDArray[Any]]:
    """The axes by name, if the optimizer takes them."""
    rows = dict(axes)
    if len(rows) < len(axes):
        (twice, _), *_ = Counter(axis for axis, _ in axes).most_common()
        raise click.UsageError(f"--axis: {twice} is given more than once.")
    if len(rows) > 2:
        raise click.UsageError(
            "--axis: a picture has one or two hyperparameters, got "
            f"{len(rows)}: {', '.join(rows)}."
        )
    known = OneOf(ROSTER[name].hyperparameters)
    for axis in rows:
        known.named("--axis", axis)
    if "learning_rate" in rows and learning_rate is not None:
        raise click.UsageError("--learning-rate is already an --axis.")
    points = math.prod(len(row) for row in rows.values())
    if points > MOST:
        raise click.UsageError(f"--axis: {points} points are more than {MOST}.")
    fixed = {} if "learning_rate" in rows else {"learning_rate": 0.1}
    try:
        check_axes(ROSTER[name], rows, steps, **fixed)
    except ValueError as error:
        raise click.BadParameter(f"{error}.", param_hint="'--axis'") from error
    return rows


def _rate(name: str, place: str, asked: float | str | None, steps: int) -> float:
    """The learning rate that is asked for, or the best."""
    if isinstance(asked, float):
        return asked
    results = race([SURFACES[place]], {name: ROSTER[name]}, steps=steps)
    return results[place][0].learning_rate


def _points(found: GridSearch) -> Iterable[tuple[Any, ...]]:
    """Each point of the grid: its hyperparameters, value, height and whether inside."""
    grid = np.stack(np.meshgrid(*found.axes.values(), indexing="ij"), axis=-1)
    return zip(
        grid.reshape(-1, len(found.axes)),
        found.values.ravel(),
        found.heights.ravel(),
        found.inside.ravel(),
        strict=True,
    )


def _to_csv(found: GridSearch) -> str:
    """A line a point; a value that is no finite number is empty."""
    rows = (
        [*point, *(x if np.isfinite(x) else None for x in (value, height)), inside]
        for point, value, height, inside in _points(found)
    )
    return table.csv_of([*found.axes, "value", "height", "in_window"], rows)


def _to_rich(found: GridSearch) -> Table:
    """The best points, best first."""
    rich = table.with_columns((), [*found.axes, "final value", "height"])
    ended = (row for row in _points(found) if row[-1])
    for point, value, height, _ in heapq.nsmallest(
        SHOWN, ended, key=lambda row: row[2]
    ):
        numbers = [f"{number:.4g}" for number in point]
        rich.add_row(*numbers, f"{value:.3e}", f"{max(height, 0.0):.1e}")
    return rich
