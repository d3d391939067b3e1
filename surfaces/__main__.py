"""The command line: `python -m surfaces`, also installed as `surfaces`."""

import sys
from collections.abc import Mapping
from pathlib import Path

import click
from rich.progress import Progress

import optax_extra
from surfaces import animate, plot, table, terminal
from surfaces.arguments import Names, OneOf, Rate, Size, Steps
from surfaces.files import replacing, writable_folder
from surfaces.functions import SURFACES
from surfaces.racing import RATES, Result, race
from surfaces.roster import (
    DEFAULT,
    ORIGINAL,
    ORIGINAL_LEARNING_RATE,
    ROSTER,
    Racer,
    distinct_colours,
)
from surfaces.surface import Surface

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 88}
FORMATS = ("gif", "png")


@click.group(context_settings=CONTEXT)
@click.version_option(optax_extra.__version__, message="optax-extra %(version)s")
def cli() -> None:
    """Race optimizers down test surfaces and look at it.

    \b
    Start with
      python -m surfaces race rosenbrock
      python -m surfaces list
    """


@cli.command("race")
@click.argument("names", metavar="[SURFACE]...", nargs=-1, type=OneOf(SURFACES))
@click.option(
    "--optimizers",
    type=Names(),
    metavar="A,B",
    help="Only these, separated by commas; `list` shows all.  [default: the eight that "
    "`list` names; with --preset original its six]",
)
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
    type=Rate(),
    metavar="RATE|best",
    help="One rate for all, or best: every optimizer at its own best of 96 rates from "
    "1e-4 to 10 on each surface.  [default: best; 0.1 with --preset original]",
)
@click.option(
    "--steps",
    type=Steps(),
    metavar="STEPS",
    default=100,
    show_default=True,
    help="Steps of each optimizer, from 1 to 100000; an animation has a frame a step.",
)
@click.option(
    "--size",
    type=Size(),
    default="1200x600",
    show_default=True,
    metavar="WIDTHxHEIGHT",
    help="Size of the pictures in pixels.",
)
@click.option(
    "--format",
    "formats",
    type=click.Choice(FORMATS),
    multiple=True,
    help="Pictures to make; may be given twice.  [default: both]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("plots"),
    show_default=True,
    metavar="FOLDER",
    help="Where pictures and tables go; it is made if need be.",
)
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
    known = OneOf(roster)
    racers = {
        name: roster[known.named("--optimizers", name)]
        for name in optimizers or default
    }
    if learning_rate is None:
        learning_rate = ORIGINAL_LEARNING_RATE if preset == "original" else "best"
    rates = [learning_rate] if isinstance(learning_rate, float) else RATES
    try:
        writable_folder(out)
    except OSError as error:
        raise click.BadParameter(
            f"{str(out)!r} must be a folder that can be written: {error.strerror}.",
            param_hint="'--out'",
        ) from error

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
    for name, text in (
        ("race.csv", table.to_csv(everything)),
        ("race.json", table.to_json(everything)),
    ):
        with replacing(out / name) as beside:
            beside.write_text(text, encoding="utf-8")
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
    if "gif" in (formats or FORMATS):
        with replacing(out / f"{surface.name}.gif") as beside:
            animate.gif(picture, beside, progress=lambda: progress.advance(task))
    if "png" in (formats or FORMATS):
        with replacing(out / f"{surface.name}.png") as beside:
            picture.draw(picture.steps)
            picture.figure.savefig(beside, dpi="figure")
    progress.update(task, completed=picture.steps + 1)


@cli.command("list")
def list_command() -> None:
    """List the surfaces and the optimizers that can race."""
    console = terminal.output()
    console.print(
        table.of_surfaces(SURFACES), "", table.of_racers(ROSTER), "", sep="\n"
    )
    console.print(
        "state: floats a parameter. gradients: evaluations that make a whole step; "
        "a race gives everyone\nas many as it has steps. Unless others are named these "
        f"race:\n{', '.join(DEFAULT)};\n"
        f"with --preset original:\n{', '.join(ORIGINAL)}."
    )


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; a mistake of the user's is one line and exit code 2."""
    if arguments is None:
        terminal.end_at_interrupt()
    try:
        cli.main(arguments, prog_name="surfaces", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
    except click.ClickException as error:
        message = " ".join(error.format_message().split())
        click.echo(f"surfaces: {message}", err=True)
        return 2
    except OSError as error:
        click.echo(f"surfaces: cannot write the results: {error}", err=True)
        return 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("surfaces: interrupted", err=True)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
