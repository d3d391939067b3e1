"""`basins`: at which minimum paths end, from every pixel of the window."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from surfaces import plot
from surfaces.attraction import Basins, basins, settling_rates
from surfaces.commands import options, table, terminal
from surfaces.commands.arguments import Rate, Whole
from surfaces.files import write_text
from surfaces.functions import SURFACES
from surfaces.grid import paced
from surfaces.racer import Racer
from surfaces.roster import DEFAULT, ROSTER
from surfaces.surface import Surface

SUPERSAMPLE = 2  # starts along a side of a pixel

COLUMNS = (
    "surface",
    "optimizer",
    "learning_rate",
    "minimum",
    "x",
    "y",
    "value",
    "share",
)

LEGEND = """\
settled: share of the starts whose paths end at a minimum, within 2 % of the window's
diagonal. lowest: share that ends at the lowest. minima: at how many some path ends."""


@click.command("basins")
@options.surface_names
@options.optimizers("the eight that `list` names")
@click.option(
    "--learning-rate",
    type=Rate("settled"),
    metavar="RATE|settled",
    default="settled",
    show_default=True,
    help="One rate for all, or settled: every optimizer at one of 25 rates from 1e-3 "
    "to 1 at which its paths settle on each surface.",
)
@options.steps(200, of="path")
@click.option(
    "--resolution",
    type=Whole(20, 1000),
    default=400,
    show_default=True,
    metavar="PIXELS",
    help="Pixels along a side of a panel, from 20 to 1000; four paths start in each.",
)
@options.formats("png", "svg", default=("png",))
@options.out
@options.force
@options.source
def basins_command(
    names: tuple[str, ...],
    optimizers: tuple[str, ...] | None,
    learning_rate: float | str,
    steps: int,
    resolution: int,
    formats: tuple[str, ...],
    out: Path,
    force: bool,
    source: Path | None,
) -> None:
    """Colour the window of SURFACEs (default: all eight) by where paths end.

    From every pixel a path starts; it has the colour of the minimum that the path ends
    at. For each surface FOLDER gets a picture (SURFACE-basins.png), a table of the
    shares of the minima (SURFACE-basins.csv) and all the numbers (SURFACE-basins.npz).
    What is there already stays, unless by --force.

    \b
    Two optimizers, side by side:
      python -m surfaces basins custom2 --optimizers sgd,adabelief
    Something for the wall:
      python -m surfaces basins rosenbrock --optimizers radam --resolution 1000
    """
    if source is not None:
        loaded = options.load(source, Basins, drawing=("formats",))
        options.claim(out, options.pictures(source.stem, formats), force)
        maps = {source.stem: loaded}
    else:
        racers = options.racers_of(optimizers or DEFAULT, ROSTER)
        surfaces = [SURFACES[name] for name in dict.fromkeys(names or SURFACES)]
        maps = {f"{surface.name}-basins": {} for surface in surfaces}
        files = [options.files(stem, formats) for stem in maps]
        options.claim(out, itertools.chain(*files), force)
        side = SUPERSAMPLE * resolution
        with terminal.bars() as bars:
            task = bars.add_task("running", total=len(racers) * len(surfaces))
            for name, racer in racers.items():
                for surface, panel in _panels(
                    racer, surfaces, learning_rate, steps, side
                ):
                    maps[f"{surface.name}-basins"][name] = panel
                    bars.advance(task)
        for stem, panels in maps.items():
            options.save_records(out, stem, panels)
            write_text(out / f"{stem}.csv", table.csv_of(COLUMNS, _rows(panels)))
    with terminal.bars() as bars:
        for stem, panels in bars.track(maps.items(), description="drawing"):
            titled = {
                f"{options.label(name)}, lr {panel.learning_rate:.2g}": panel
                for name, panel in panels.items()
            }
            figure = plot.basins(titled, supersample=SUPERSAMPLE)
            options.save_figure(out, stem, figure, formats)
    console = terminal.output()
    console.print(_to_rich(maps.values()))
    console.print(f"\n{LEGEND}\n\n{options.made(source)} in {out}/")


def _panels(
    racer: Racer,
    surfaces: Sequence[Surface],
    learning_rate: float | str,
    steps: int,
    side: int,
) -> Iterable[tuple[Surface, Basins]]:
    """What a racer's panels show, one surface after the other."""
    if isinstance(learning_rate, float):
        rates = {surface.name: learning_rate for surface in surfaces}
    else:
        rates = settling_rates(racer, surfaces, steps)
    build, whole = paced(racer, steps)
    for surface in surfaces:
        rate = rates[surface.name]
        found = basins(build(rate), surface, side, whole)
        # Without what the picture does not show it takes a tenth of the space.
        with np.errstate(over="ignore"):
            remoteness = found.remoteness.astype(np.float16)
        yield (
            surface,
            found._replace(
                remoteness=remoteness, positions=None, values=None, learning_rate=rate
            ),
        )


def _shares(panel: Basins) -> NDArray[Any]:
    """`[m + 1]`, the share of the starts that end at each minimum, and last at none."""
    counts = np.bincount(
        np.where(panel.reached < 0, len(panel.minima), panel.reached).ravel(),
        minlength=len(panel.minima) + 1,
    )
    return counts / panel.reached.size


def _rows(panels: Mapping[str, Basins]) -> Iterable[tuple[Any, ...]]:
    """A row for each optimizer and minimum, and one for what ends at none."""
    for name, panel in panels.items():
        shares = _shares(panel)
        for place, share in enumerate(shares):
            none = place == len(panel.minima)
            x, y = (None, None) if none else panel.minima[place]
            depth = None if none else panel.depths[place]
            number = None if none else place
            yield panel.surface, name, panel.learning_rate, number, x, y, depth, share


def _to_rich(maps: Iterable[Mapping[str, Basins]]) -> Table:
    """The table for the terminal, one section a surface."""
    rich = table.with_columns(
        ("surface", "optimizer"), ("rate", "settled", "lowest", "minima")
    )
    for place, panels in enumerate(maps):
        if place:
            rich.add_row()
        for name, panel in panels.items():
            *shares, nowhere = _shares(panel)
            rich.add_row(
                panel.surface,
                name,
                f"{panel.learning_rate:.2g}",
                f"{1 - nowhere:.1%}",
                f"{shares[0] if shares else 0:.1%}",
                f"{np.count_nonzero(shares)} of {len(shares)}",
            )
    return rich
