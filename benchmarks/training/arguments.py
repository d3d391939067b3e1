"""What the command line takes; all of it is checked before anything is trained."""

import argparse
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import click
import numpy as np

from benchmarks.training import data
from benchmarks.training.loop import Task
from benchmarks.training.models import MODELS
from benchmarks.training.study import Array
from surfaces import ROSTER
from surfaces.commands.arguments import Names, OneOf
from surfaces.files import writable_folder

BEST = np.logspace(-4, 1, 16)  # the rates among which each optimizer finds its best
BLOCKS = (8,)


def fail(message: str) -> NoReturn:
    """Ends the process with one line and exit code 2."""
    print(f"training: {message}", file=sys.stderr)
    sys.exit(2)


class Parser(argparse.ArgumentParser):
    """Fails without the many lines of usage."""

    def error(self, message: str) -> NoReturn:
        """What argparse calls."""
        fail(message)


def parse(
    description: str, argv: list[str] | None
) -> tuple[argparse.Namespace, list[Task]]:
    """The options, and for each depth of the model the task; or it ends the process."""
    parser = Parser("python -m benchmarks.training", description=description)
    add = parser.add_argument
    add(
        "--dataset", default="digits", help="digits, reverse or an .npz file of Keras's"
    )
    add("--model", default="cnn", type=_name(MODELS), help=", ".join(MODELS))
    add("--blocks", type=_counts, help="depths of the residual CNN, as in 8,32,128")
    add("--optimizers", default="sgd,adam,radam", type=_names(ROSTER))
    add(
        "--learning-rates",
        default="best",
        type=_rates,
        help="best (of 16 from 1e-4 to 10), some as in 0.01,0.1, or low:high:count:log",
    )
    add("--seeds", default=5, type=_count, help="trainings at each rate")
    add("--epochs", default=20, type=_count)
    add("--batch", default=64, type=_count, help="examples a step")
    add("--warmups", type=_lengths, help="Adam's, in epochs, as in 0,1,5")
    add("--gradients", type=_count, help="steps of which to draw the gradients' sizes")
    add("--at-once", default=4, type=_count, help="trainings at the same time")
    add("--rounds", default=9, type=_count, help="timings of each optimizer")
    add("--checkpoint", type=Path, help="folder that keeps what has been trained")
    add("--progress", action="store_true", help="show a bar")
    add("--out", default=Path("plots/training"), type=Path, help="folder for the files")
    chosen = parser.parse_args(argv)
    try:
        tasks = _tasks(chosen)
        _check(chosen, tasks[0])
        writable_folder(chosen.out)
    except (ValueError, OSError) as error:
        fail(str(error))
    return chosen, tasks


def _tasks(chosen: argparse.Namespace) -> list[Task]:
    dataset = data.load(chosen.dataset)
    sequences = dataset.scale is None
    if sequences != (chosen.model == "transformer"):
        what = "sequences" if sequences else "images"
        raise ValueError(f"--model {chosen.model} cannot read {what}: {dataset.name}")
    if chosen.blocks and chosen.model != "residual":
        raise ValueError(f"--blocks is for residual, not for {chosen.model}")
    depths: list[dict[str, int]] = [{}]
    if chosen.model == "residual":
        depths = [{"blocks": count} for count in chosen.blocks or BLOCKS]
    make = MODELS[chosen.model]
    return [
        Task(dataset, make(dataset.classes, **depth), chosen.epochs, chosen.batch)
        for depth in depths
    ]


def _check(chosen: argparse.Namespace, task: Task) -> None:
    """What one option says about another."""
    if not task.epoch_steps:
        count = len(task.data.train.labels)
        raise ValueError(
            f"--batch must be at most {count}, all examples, got {task.batch}"
        )
    if len(chosen.blocks or ()) > 1 and (chosen.warmups or chosen.gradients):
        raise ValueError("--blocks must be one depth with --warmups or --gradients")
    if chosen.warmups and "radam" not in chosen.optimizers:
        raise ValueError("--warmups compares with radam: it must be in --optimizers")
    if chosen.warmups and max(chosen.warmups) > task.epochs:
        raise ValueError(f"--warmups must be at most {task.epochs}, all epochs")
    steps = task.epochs * task.epoch_steps
    if (chosen.gradients or 0) > steps:
        raise ValueError(f"--gradients must be at most {steps}, all steps")


def _of(kind: click.ParamType) -> Callable[[str], Any]:
    """A type of the laboratory's command line, for this one."""

    def convert(text: str) -> Any:
        try:
            return kind.convert(text, None, None)
        except click.BadParameter as error:
            raise argparse.ArgumentTypeError(error.message) from None

    return convert


def _name(known: Any) -> Callable[[str], str]:
    return _of(OneOf(known))


def _names(known: Any) -> Callable[[str], list[str]]:
    return lambda text: [_name(known)(name) for name in _of(Names())(text)]


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number from 1 on")
    return int(text)


def _counts(text: str) -> list[int]:
    return sorted({_count(part) for part in text.split(",")})


def _lengths(text: str) -> list[float]:
    """Numbers from 0 on, increasing."""
    try:
        lengths = sorted({float(part) for part in text.split(",")})
    except ValueError:
        lengths = [math.nan]
    if not all(0 <= length < math.inf for length in lengths):
        raise argparse.ArgumentTypeError(f"{text!r} must be numbers from 0 on")
    return lengths


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not 1e-30 <= rate <= 1e30:  # what float32 holds
        raise argparse.ArgumentTypeError(
            f"{text!r} must be best or numbers above 0, as in 0.01,0.1"
        )
    return rate


def _rates(text: str) -> Array:
    """Increasing learning rates: `best`, a list, or low:high:count:log."""
    if text == "best":
        return BEST
    if ":" not in text:
        return np.unique([_rate(part) for part in text.split(",")])
    parts = text.split(":")
    if len(parts) != 4 or parts[3] != "log":
        raise argparse.ArgumentTypeError(f"{text!r} must be low:high:count:log")
    low, high, count = _rate(parts[0]), _rate(parts[1]), _count(parts[2])
    if low >= high or count < 2:
        raise argparse.ArgumentTypeError(
            f"{text!r} must rise from low to high over at least 2 rates"
        )
    return np.geomspace(low, high, count)
