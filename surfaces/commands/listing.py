"""`list`: what can race, and where."""

import click

from surfaces.commands import table, terminal
from surfaces.functions import SURFACES
from surfaces.roster import DEFAULT, ORIGINAL, ROSTER


@click.command("list")
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
