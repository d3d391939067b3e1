"""What several commands take, and how they begin and end."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
from matplotlib.figure import Figure

from surfaces import archive
from surfaces.arguments import Folder, Names, OneOf, Size, Whole
from surfaces.files import replacing, writable_folder
from surfaces.functions import SURFACES
from surfaces.racer import Racer
from surfaces.roster import ROSTER

F = TypeVar("F", bound=Callable[..., Any])
Record = TypeVar("Record", bound=tuple[Any, ...])

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

source = click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Draw again what is in this .npz file of the command, and compute nothing.",
)


def need_folder(out: Path) -> None:
    """Makes the folder for the results, or says why it cannot."""
    try:
        writable_folder(out)
    except OSError as error:
        raise click.BadParameter(
            f"{str(out)!r} must be a folder that can be written: {error.strerror}.",
            param_hint="'--out'",
        ) from error


def load(source: Path, kind: type[Record], drawing: Iterable[str]) -> dict[str, Record]:
    """The records in a file; refuses options that are not about `drawing` them."""
    context = click.get_current_context()
    for name in context.params.keys() - {"source", "out", *drawing}:
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
    except (OSError, ValueError) as error:
        raise click.BadParameter(f"{error}.", param_hint="'--from'") from error


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
    folder: Path, stem: str, figure: Figure, formats: Iterable[str]
) -> None:
    """Writes a figure in every format."""
    for suffix in formats:
        with replacing(folder / f"{stem}.{suffix}") as beside:
            figure.savefig(beside, dpi="figure")
