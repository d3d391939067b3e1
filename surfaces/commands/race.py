"""`race`: optimizers race down surfaces, as animations, pictures and a table."""

from collections.abc import Mapping
from pathlib import Path

import click
from rich.progress import Progress

from surfaces import animate, plot, table, terminal
from surfaces.arguments import Rate
from surfaces.commands import options
from surfaces.files import replacing, write_text
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
@options.formats("gif", "png", default=("gif", "png"))
@options.out
def race_command(
    names: tuple[str, ...],
    optimizers: tuple[str, ...] | None,
    preset: str,
    learning_rate: float | str | None,
    steps: int,
    size: tuple[int, int],
    formats: tuple[str, ...],
    out: Path,
) -> None:
    """Race optimizers down SURFACEs (default: all eight).

    For each surface FOLDER gets an animation (SURFACE.gif) and a picture of its last
    frame (SURFACE.png); for all together a table (race.csv, race.json), which is
    printed too.

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
    racers = options.racers_of(optimizers or default, roster)
    if learning_rate is None:
        learning_rate = ORIGINAL_LEARNING_RATE if preset == "original" else "best"
    rates = [learning_rate] if isinstance(learning_rate, float) else RATES
    options.need_folder(out)
    console = terminal.output()
    surfaces = [SURFACES[name] for name in dict.fromkeys(names or SURFACES)]
    with terminal.bars() as progress:
        task = progress.add_task("racing", total=len(racers))
        results = race(
            surfaces, racers, rates, steps, progress=lambda: progress.advance(task)
        )
        for surface in surfaces:
            _draw(out, surface, results[surface.name], racers, size, formats, progress)
    everything = [result for row in results.values() for result in row]
    write_text(out / "race.csv", table.to_csv(everything))
    write_text(out / "race.json", table.to_json(everything))
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
    task = progress.add_task(surface.name, total=picture.steps + 1)
    if "gif" in formats:
        with replacing(out / f"{surface.name}.gif") as beside:
            animate.gif(picture, beside, progress=lambda: progress.advance(task))
    if "png" in formats:
        with replacing(out / f"{surface.name}.png") as beside:
            picture.draw(picture.steps)
            picture.figure.savefig(beside, dpi="figure")
    progress.update(task, completed=picture.steps + 1)
