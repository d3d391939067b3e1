"""`page`: one HTML file on which the reader moves the learning rate."""

import shlex
from pathlib import Path

import click

from surfaces import page
from surfaces.commands import options, terminal
from surfaces.commands.arguments import Whole
from surfaces.files import write_text
from surfaces.functions import SURFACES
from surfaces.lattice import lattices
from surfaces.roster import DEFAULT, ROSTER, distinct_colours

SHOWN = ("rosenbrock", "custom2", "spiral")
STEPS = 100


@click.command("page")
@options.surface_names
@options.optimizers("the eight that `list` names")
@click.option(
    "--steps",
    type=Whole(1, 500),
    metavar="STEPS",
    default=STEPS,
    show_default=True,
    help="Steps of each path, from 1 to 500.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("page.html"),
    show_default=True,
    metavar="FILE",
    help="Where the page goes, in a folder that is there.",
)
@options.force
def page_command(
    names: tuple[str, ...],
    optimizers: tuple[str, ...] | None,
    steps: int,
    out: Path,
    force: bool,
) -> None:
    """Make a web page of SURFACEs (default: rosenbrock, custom2 and spiral).

    On it the reader moves the learning rate, the start and the step of all optimizers
    and sees where they go: on the surface, on its map, and in height against step. It
    is one file, which needs nothing but a browser.

    \b
    Three surfaces and eight optimizers, 11 MB:
      python -m surfaces page
    Two optimizers on one surface, 3 MB:
      python -m surfaces page spiral --optimizers lion,radam --out spiral.html
    """
    racers = options.racers_of(optimizers or DEFAULT, ROSTER)
    _need_place(out, force)
    try:
        page.plotly_source()
    except ModuleNotFoundError as error:
        raise click.ClickException(f"{error}.") from error
    shown = dict.fromkeys(names or SHOWN)
    surfaces = [SURFACES[name] for name in shown]
    coloured = zip(racers.values(), distinct_colours(racers.values()), strict=True)
    with terminal.bars() as bars:
        walkers = [
            page.Walker(racer.label, colour, lattices(racer, surfaces, steps=steps))
            for racer, colour in bars.track(
                coloured, len(racers), description="running"
            )
        ]
        task = bars.add_task("packing", total=len(surfaces))
        text = page.page(
            surfaces,
            walkers,
            command=_command(shown, optimizers, steps),
            progress=lambda: bars.advance(task),
        )
    write_text(out, text)
    size = out.stat().st_size / 1e6
    terminal.output().print(f"{out} has {size:.1f} MB: open it in a browser.")


def _need_place(out: Path, force: bool) -> None:
    """Refuses a file that cannot be written, or that is there and must not be."""
    if not out.parent.is_dir():
        raise click.BadParameter(
            f"the folder {str(out.parent)!r} does not exist.", param_hint="'--out'"
        )
    options.claim(out.parent, [out.name], force)


def _command(
    names: "dict[str, None]", optimizers: tuple[str, ...] | None, steps: int
) -> str:
    """What makes this page again."""
    words = ["python", "-m", "surfaces", "page", *names]
    if optimizers:
        words += ["--optimizers", ",".join(optimizers)]
    if steps != STEPS:
        words += ["--steps", str(steps)]
    return shlex.join(words)
