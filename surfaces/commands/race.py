"""`race`: optimizers race down surfaces, as animations, pictures and a table."""

import itertools
from collections.abc import Mapping
from pathlib import Path

import click
from rich.progress import Progress

from surfaces import animate, plot
from surfaces.commands import ledger, options, table, terminal
from surfaces.commands.arguments import Rate
from surfaces.functions import SURFACES
from surfaces.racer import Racer
from surfaces.racing import RATES, Result, race
from surfaces.roster import (
    DEFAULT,
    ORIGINAL,
    ORIGINAL_LEARNING_RATE,
    ROSTER,
    distinct_colours,
)
from surfaces.surface import Surface

TABLES = ("race.csv", "race.json")
FILMS = {"gif": animate.gif, "mp4": animate.mp4}


@click.command("race")
@options.surface_names
@options.optimizers("the eight that `list` names; with --preset original its six")
@click.option(
    "--preset",
    type=click.Choice(["standard", "original"]),
    default="standard",
    show_default=True,
    help="standard: the standard recipes. original: the six optimizers of the "
    "visualizer that this project grew from, in its own settings, at its rate 0.1.",
)
@click.option(
    "--learning-rate",
    type=Rate("best"),
    metavar="RATE|best",
    help="One rate for all, or best: every optimizer at its own best of 96 rates from "
    "1e-4 to 10 on each surface.  [default: best; 0.1 with --preset original]",
)
@options.steps(100, of="optimizer; an animation has a frame a step")
@options.size("1200x600")
@options.formats("gif", "mp4", "png", "svg", default=("gif", "png"))
@options.out
@options.force
def race_command(
    names: tuple[str, ...],
    optimizers: tuple[str, ...] | None,
    preset: str,
    learning_rate: float | str | None,
    steps: int,
    size: tuple[int, int],
    formats: tuple[str, ...],
    out: Path,
    force: bool,
) -> None:
    """Race optimizers down SURFACEs (default: all eight).

    For each surface FOLDER gets an animation (SURFACE.gif) and a picture of its last
    frame (SURFACE.png); for all together a table (race.csv, race.json), which is
    printed too. Pictures that are there already stay, unless by --force; of the tables
    the rows of these surfaces are renewed.

    \b
    Each optimizer at its own best learning rate, on all surfaces:
      python -m surfaces race
    Two optimizers, one surface, one rate:
      python -m surfaces race spiral --optimizers lion,radam --learning-rate 0.03
    The race this project grew from:
      python -m surfaces race --preset original
    """
    roster = ORIGINAL if preset == "original" else ROSTER
    default = ORIGINAL if preset == "original" else DEFAULT
    for name in optimizers or ():
        if name in ROSTER and name not in roster:
            raise click.BadParameter(
                f"{name!r} is none of --preset original, whose settings are fixed for "
                f"{', '.join(roster)}; without the preset it races.",
                param_hint="'--optimizers'",
            )
    racers = options.racers_of(optimizers or default, roster)
    if learning_rate is None:
        learning_rate = ORIGINAL_LEARNING_RATE if preset == "original" else "best"
    rates = [learning_rate] if isinstance(learning_rate, float) else RATES
    surfaces = [SURFACES[name] for name in dict.fromkeys(names or SURFACES)]
    files = [options.pictures(surface.name, formats) for surface in surfaces]
    if "mp4" in formats:
        try:
            animate.ffmpeg()
        except (ModuleNotFoundError, RuntimeError) as error:
            raise click.ClickException(f"{error}.") from error
    tables = ledger.foreign(out, TABLES)
    options.claim(out, [*tables, *itertools.chain(*files)], force)
    console = terminal.output()
    with terminal.bars() as progress:
        task = progress.add_task("racing", total=len(racers))
        results = race(
            surfaces, racers, rates, steps, progress=lambda: progress.advance(task)
        )
        for surface in surfaces:
            _draw(out, surface, results[surface.name], racers, size, formats, progress)
    everything = [result for row in results.values() for result in row]
    how = {"steps": steps, "preset": preset}
    for name in TABLES:
        ledger.update(out / name, (table.record(r) | how for r in everything))
    console.print(table.to_rich(everything))
    console.print(f"\n{table.LEGEND}\n")
    console.print(f"Pictures, race.csv and race.json are in {out}/")


def _draw(
    out: Path,
    surface: Surface,
    results: list[Result],
    racers: Mapping[str, Racer],
    size: tuple[int, int],
    formats: tuple[str, ...],
    progress: Progress,
) -> None:
    """The pictures of one surface."""
    tracks = [
        plot.Track(
            f"{racers[result.optimizer].label}, lr {table.rate_label(result)}",
            colour,
            result.path.positions,
            result.path.values,
        )
        for result, colour in zip(
            results, distinct_colours(racers.values()), strict=True
        )
    ]
    picture = plot.RaceFigure(surface, tracks, size=size)
    films = [suffix for suffix in FILMS if suffix in formats]
    count = max(len(films), 1) * (picture.steps + 1)
    task = progress.add_task(surface.name, total=count)
    for suffix in films:
        file = out / f"{surface.name}.{suffix}"
        try:
            FILMS[suffix](picture, file, progress=lambda: progress.advance(task))
        except RuntimeError as error:  # ffmpeg's
            raise click.ClickException(f"{file}: {error}.") from error
    picture.draw(picture.steps)
    stills = [suffix for suffix in formats if suffix not in FILMS]
    options.save_figure(out, surface.name, picture.figure, stills)
    progress.update(task, completed=count)
