"""How a benchmark is asked and answers: options, the setting, a Markdown file."""

import argparse
import datetime
import os
import platform
from collections.abc import Iterable
from pathlib import Path

import jax
import optax


def parser(doc: str, rounds: int, counted: str) -> argparse.ArgumentParser:
    """What all take; `counted` is what there are so many rounds of."""
    made = argparse.ArgumentParser(description=doc.splitlines()[0])
    made.add_argument("--rounds", type=int, default=rounds, help=counted)
    made.add_argument("--out", type=Path, help="Markdown file to write")
    return made


def counts(text: str) -> list[int]:
    """Whole numbers separated by commas, as an option's type."""
    return [int(count) for count in text.split(",")]


def setting() -> str:
    """The machine, the versions and the day that a table was made with."""
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, "
        f"{jax.devices()[0].device_kind}, "
        f"jax {jax.__version__}, optax {optax.__version__}, {datetime.date.today()}"
    )


def publish(parts: Iterable[str], out: Path | None) -> None:
    """Prints the parts of a report, and saves them where asked."""
    text = "\n\n".join(parts)
    print(text)
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text + "\n", encoding="utf-8")
