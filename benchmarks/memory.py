"""Half the memory: bytes a parameter, what training makes of it, and time of a step.

Run: python -m benchmarks.memory [--seeds 5] [--epochs 12] [--size 20000000]
         [--rounds 31] [--out FILE]

`pip install '.[flax]'` is needed.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

import optax_extra as ox
from benchmarks.contenders import Runner, compile_step, medians, one_leaf
from benchmarks.report import parser, publish, setting
from benchmarks.training.data import digits, reverse
from benchmarks.training.loop import Task, trainer
from benchmarks.training.models import CNN, Transformer
from surfaces import ROSTER

# Learning rates for the two networks.
RATES = {
    "adaderivative": (3e-3, 2e-3),
    "adabelief": (3e-3, 2e-3),
    "radam": (3e-3, 3e-3),
    "lion": (1e-3, 2e-4),
}
# Lion does not learn to reverse but at small rates, which take longer: so many times.
LONGER = {"lion": (1, 3)}
FORMATS = ("float32", "bfloat16", "int8")
KEYS = [(name, format) for name in RATES for format in FORMATS]
BATCH = 64
YARDSTICK = "optax.adam"  # Of which steps alone are timed.


class Reached(NamedTuple):
    """What trainings reached, one number for each seed.

    Attributes:
      losses: log10 of the cross entropy, the mean over the batches of the last epoch.
      accuracies: on the test set.
    """

    losses: Any
    accuracies: Any


def make(name: str, format: str, rate: Any, min_size: int = 4096) -> Any:
    """A recipe with its state, from leaves of `min_size` elements, in a format."""
    made = getattr(ox, name)(rate)
    if format == "float32":
        return made
    return ox.quantize_state(made, format, min_size=min_size)


def train(task: Task, which: int, seeds: int) -> list[Reached]:
    """Everyone, from the same first params and over the same batches.

    All of the state is in few bits, that of small leaves as well.
    """
    reached = []
    for name, format in KEYS:
        racer = dataclasses.replace(
            ROSTER[name],
            factory=lambda rate, n=name, f=format: make(n, f, rate, min_size=1),
            paced=False,
        )
        longer = task._replace(epochs=task.epochs * LONGER.get(name, (1, 1))[which])
        axes = {
            "learning_rate": jnp.array(RATES[name][which : which + 1]),
            "seed": jax.random.split(jax.random.key(0), seeds),
        }
        values = jax.tree.map(np.asarray, ox.sweep(trainer(longer, racer), axes).values)
        losses = values["loss"][0, :, -1].mean(axis=-1)
        reached.append(Reached(np.log10(losses), values["test_accuracy"][0]))
        print(f"{type(task.model).__name__}, {name}, {format}: {losses}", flush=True)
    return reached


def time_steps(size: int, rounds: int) -> Mapping[str, float]:
    """Seconds of a step of so many parameters in one leaf."""
    params = one_leaf(size)
    runs = {
        f"{name} {format}": Runner(
            compile_step(make(name, format, 1e-3), params), params
        )
        for name, format in KEYS
    }
    runs[YARDSTICK] = Runner(compile_step(optax.adam(1e-3), params), params)
    return medians(runs, rounds)


def distances(some: Any, others: Any) -> list[str]:
    """How far two means are from each other: in deviations of a seed, and paired.

    Of the same seed first params and batches are the same. So what the format does
    shows in differences of pairs, and whether it is chance in their mean over its
    standard error: with five seeds by chance beyond 2.8 in one case of twenty.
    """
    spread = np.sqrt((some.var(ddof=1) + others.var(ddof=1)) / 2)
    difference = some - others
    error = difference.std(ddof=1) / np.sqrt(difference.size)
    return [
        f"{abs(difference.mean()) / spread:.1f}",
        f"{difference.mean() / error:+.1f}",
    ]


def table(trained: Mapping[str, list[Reached]], times: Mapping[str, float]) -> str:
    """A row for each recipe and format, in Markdown."""
    shape = {"w": jax.ShapeDtypeStruct((4096, 4096), jnp.float32)}
    columns = "".join(f"| {name}: loss | distance | t | test, % " for name in trained)
    lines = [
        f"| recipe | state | bytes a parameter {columns}| step, ms | / float32 "
        f"| / {YARDSTICK} |",
        "|---" * (6 + 4 * len(trained)) + "|",
    ]
    for row, (name, format) in enumerate(KEYS):
        first = row - FORMATS.index(format)
        cells = [name, format]
        cells += [f"{ox.state_bytes(make(name, format, 1e-3), shape).bytes:.2f}"]
        for reached in trained.values():
            losses, accuracies = reached[row]
            cells += [
                f"{10 ** losses.mean():.2g}",
                *(
                    distances(losses, reached[first].losses)
                    if row > first
                    else ("", "")
                ),
                f"{accuracies.mean():.1%} ± {accuracies.std(ddof=1):.1%}".replace(
                    "%", ""
                ),
            ]
        seconds, exact = times[f"{name} {format}"], times[f"{name} float32"]
        cells += [f"{seconds * 1e3:.1f}", f"{seconds / exact:.2f}"]
        cells += [f"{seconds / times[YARDSTICK]:.2f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Prints the table, and saves it where asked."""
    options = parser(__doc__, rounds=31, counted="steps of each")
    options.add_argument("--seeds", type=int, default=5, help="trainings of each")
    options.add_argument("--epochs", type=int, default=12, help="of the CNN")
    options.add_argument("--size", type=int, default=20_000_000, help="parameters")
    chosen = options.parse_args()
    times = time_steps(chosen.size, chosen.rounds)
    for name, seconds in times.items():
        print(f"{name}: {seconds * 1e3:.1f} ms", flush=True)
    cnn = Task(digits(), CNN(10), chosen.epochs, BATCH)
    transformer = Task(
        reverse(), Transformer(10), max(chosen.epochs * 2 // 3, 1), BATCH
    )
    trained = {
        "CNN": train(cnn, 0, chosen.seeds),
        "Transformer": train(transformer, 1, chosen.seeds),
    }
    parts = [
        "# Memory of a state",
        f"A CNN on digits ({cnn.epochs} epochs) and a Transformer that reverses "
        f"sequences ({transformer.epochs} epochs, with Lion "
        f"{LONGER['lion'][1] * transformer.epochs}), {chosen.seeds} seeds each, "
        "all of the state in few bits. Loss: the geometric mean over seeds of the "
        "last epoch's mean. Distance: between its logarithm and that of float32, "
        "in standard deviations of a seed. t: the mean difference between the two "
        "trainings of a seed, which begin alike and see the same batches, over its "
        "standard error. Test: accuracy, mean and standard deviation over seeds. "
        f"Step: {chosen.size / 1e6:g} million parameters in one leaf, the median "
        f"of {chosen.rounds} rounds, all in turn in each round; {YARDSTICK} takes "
        f"{times[YARDSTICK] * 1e3:.1f} ms and 8 bytes a parameter. Not measured on "
        "a GPU.",
        f"{setting()}.",
        table(trained, times),
    ]
    publish(parts, chosen.out)


if __name__ == "__main__":
    main()
