"""What several commands take, and how they begin and end."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
from matplotlib.figure import Figure

from surfaces import archive
from surfaces.commands.arguments import Folder, Names, OneOf, Size, Whole
from surfaces.figures.svg_file import svg
from surfaces.files import replacing, writable_folder
from surfaces.functions import SURFACES
from surfaces.racer import Racer
from surfaces.roster import ROSTER

F = TypeVar("F", bound=Callable[..., Any])
Record = TypeVar("Record", bound=tuple[Any, ...])

SHOWN = 3  # of the files that are there already
WRITTEN_BY = {"RateCurve": "rates", "Basins": "basins", "GridSearch": "sweep"}

surface_names = click.argument(
    "names", metavar="[SURFACE]...", nargs=-1, type=OneOf(SURFACES)
)


def optimizers(default: str) -> Callable[[F], F]:
    return click.option(
        "--optimizers",
        type=Names(),
        metavar="A,B",
        help="Only these, separated by commas; `list` shows all.  "
        f"[default: {default}]",
    )


def steps(default: int, of: str) -> Callable[[F], F]:
    return click.option(
        "--steps",
        type=Whole(1, 100_000),
        metavar="STEPS",
        default=default,
        show_default=True,
        help=f"Steps of each {of}, from 1 to 100000.",
    )


def size(default: str) -> Callable[[F], F]:
    return click.option(
        "--size",
        type=Size(),
        default=default,
        show_default=True,
        metavar="WIDTHxHEIGHT",
        help="Size of the pictures in pixels.",
    )


def formats(*known: str, default: Sequence[str]) -> Callable[[F], F]:
    return click.option(
        "--format",
        "formats",
        type=click.Choice(known),
        multiple=True,
        default=default,
        show_default=True,
        help="Pictures to make; may be given twice.",
    )


out = click.option(
    "--out",
    type=Folder(),
    default=Path("plots"),
    show_default=True,
    metavar="FOLDER",
    help="Where pictures and numbers go; it is made if need be.",
)

force = click.option("--force", is_flag=True, help="Overwrite what is there already.")

source = click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Draw again what is in this .npz file of the command, and compute nothing.",
)


def claim(out: Path, names: Iterable[str], force: bool) -> None:
    """Makes the folder for the files so named, or says why they cannot be written.

    To be called before anything is computed. Without `force` no file may be there.
    """
    files = [out / name for name in dict.fromkeys(names)]
    for file in filter(os.path.isdir, files):
        raise click.BadParameter(
            f"{str(file)!r} is a folder, and must be a file.", param_hint="'--out'"
        )
    there = [repr(str(file)) for file in files if os.path.lexists(file)]
    if there and not force:
        more = f" and {len(there) - SHOWN} more" if len(there) > SHOWN else ""
        exist, them = ("exists", "it") if len(there) == 1 else ("exist", "them")
        raise click.UsageError(
            f"{', '.join(there[:SHOWN])}{more} {exist}; --force overwrites {them}."
        )
    try:
        writable_folder(out)
    except OSError as error:
        raise click.BadParameter(
            f"{str(out)!r} must be a folder that can be written: {error.strerror}.",
            param_hint="'--out'",
        ) from error


def pictures(stem: str, formats: Iterable[str]) -> list[str]:
    """Names of the files that `save_figure` writes."""
    return [f"{stem}.{suffix}" for suffix in formats]


def files(stem: str, formats: Iterable[str]) -> list[str]:
    """Names of all that a map leaves: its pictures, and its numbers twice."""
    return pictures(stem, [*formats, "csv", "npz"])


def load(source: Path, kind: type[Record], drawing: Iterable[str]) -> dict[str, Record]:
    """The records in a file; refuses options that are not about `drawing` them."""
    context = click.get_current_context()
    for name in context.params.keys() - {"source", "out", "force", *drawing}:
        given = context.get_parameter_source(name)
        # To older releases of click an argument is given even if there is none.
        if given is click.core.ParameterSource.COMMANDLINE and context.params[name]:
            (parameter,) = (p for p in context.command.params if p.name == name)
            raise click.UsageError(
                f"{parameter.get_error_hint(context)} says what to compute, and --from "
                "computes nothing."
            )
    try:
        return archive.load(source, kind)
    except OSError as error:
        raise click.BadParameter(f"{error}.", param_hint="'--from'") from error
    except ValueError as error:
        held = WRITTEN_BY.get(archive.kind(source) or "")
        own = WRITTEN_BY[kind.__name__]
        numbers = f"the numbers of `{held}`, not of" if held else "no numbers of"
        raise click.BadParameter(
            f"{str(source)!r} holds {numbers} `{own}`.", param_hint="'--from'"
        ) from error


def made(source: Path | None) -> str:
    """How a command begins to say where its results are."""
    return "Pictures and numbers are" if source is None else "Pictures are"


def racers_of(names: Iterable[str], roster: Mapping[str, Racer]) -> dict[str, Racer]:
    """The racers that --optimizers names."""
    known = OneOf(roster)
    return {name: roster[known.named("--optimizers", name)] for name in names}


def label(name: str) -> str:
    """What pictures call an optimizer; of a foreign file it may be unknown."""
    return ROSTER[name].label if name in ROSTER else name


def save_records(folder: Path, stem: str, records: Mapping[str, Any]) -> None:
    """Writes what `load` reads."""
    with replacing(folder / f"{stem}.npz") as beside:
        archive.save(beside, records)


def save_figure(
    folder: Path, stem: str, figure: Figure, formats: Sequence[str]
) -> None:
    """Writes a figure in every format."""
    for name, suffix in zip(pictures(stem, formats), formats, strict=True):
        if suffix == "svg":
            svg(figure, folder / name)
        else:
            with replacing(folder / name) as beside:
                figure.savefig(beside, dpi="figure")
