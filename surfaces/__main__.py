"""The command line: `python -m surfaces`, also installed as `surfaces`."""

import sys

import click

import optax_extra
from surfaces.commands import terminal
from surfaces.commands.basins import basins_command
from surfaces.commands.listing import list_command
from surfaces.commands.page import page_command
from surfaces.commands.race import race_command
from surfaces.commands.rates import rates_command
from surfaces.commands.sweep import sweep_command


@click.group(
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 88,
    }
)
@click.version_option(optax_extra.__version__, message="optax-extra %(version)s")
def cli() -> None:
    """Race optimizers down test surfaces and look at it.

    \b
    Start with
      python -m surfaces race rosenbrock
      python -m surfaces rates rosenbrock
      python -m surfaces basins custom2
      python -m surfaces page
      python -m surfaces list
    """


for command in (
    race_command,
    rates_command,
    basins_command,
    sweep_command,
    page_command,
    list_command,
):
    cli.add_command(command)


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
