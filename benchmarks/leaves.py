"""Models of many small leaves: how long to trace, to compile and to run a step?

Run: python -m benchmarks.leaves [--counts 1000,3000] [--rounds 5] [--out FILE]
"""

import statistics
import time
from typing import Any

import jax
import optax

from benchmarks.contenders import (
    RATE,
    RECIPES,
    Runner,
    Step,
    compile_step,
    medians,
    small_leaves,
)
from benchmarks.report import counts, parser, publish, setting

ONE_PART = ("adamd", "adabelief", "lion", "adaderivative")


def build(optimizer: optax.GradientTransformation, params: Any) -> tuple[Step, float]:
    """A step and the seconds to trace and compile it, with nothing left from before."""
    jax.clear_caches()
    start = time.perf_counter()
    step = compile_step(optimizer, params)
    return step, time.perf_counter() - start


def report(count: int, rounds: int) -> str:
    """A table in Markdown: a row an optimizer."""
    optimizers = {"optax.adam": optax.adam(RATE)}
    optimizers |= {name: RECIPES[name][0](RATE) for name in ONE_PART}
    params = small_leaves(count)
    builds: dict[str, list[float]] = {name: [] for name in optimizers}
    runs: dict[str, list[float]] = {name: [] for name in optimizers}
    names = list(optimizers)
    for turn in range(rounds):
        steps = {}
        # Among equal programs the first that is built runs a tenth faster, so that
        # everyone has to be the first as often as the others.
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            steps[name], seconds = build(optimizers[name], params)
            builds[name].append(seconds)
        once = medians({name: Runner(steps[name], params) for name in names}, rounds=31)
        for name, seconds in once.items():
            runs[name].append(seconds)

    lines = [
        f"## {count:,} leaves of 8 x 8",
        "",
        "| optimizer | trace and compile, s | / adam | step, ms | / adam |",
        "|---|---|---|---|---|",
    ]
    for name in names:
        cells = [f"{statistics.median(builds[name]):.2f}"]
        cells += [f"{_ratio(builds[name], builds['optax.adam']):.2f}"]
        cells += [f"{statistics.median(runs[name]) * 1e3:.2f}"]
        cells += [f"{_ratio(runs[name], runs['optax.adam']):.2f}"]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _ratio(own: list[float], other: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(own, other, strict=True))


def main() -> None:
    """Prints the tables, and saves them where asked."""
    options = parser(__doc__, rounds=5, counted="builds of each")
    options.add_argument(
        "--counts",
        type=counts,
        default=[1000, 3000],
        help="numbers of leaves, separated by commas",
    )
    chosen = options.parse_args()
    parts = [
        "# Many small leaves",
        f"Medians of {chosen.rounds} builds, ratios those of pairs. {setting()}. "
        "[What limits them](limits.md).",
        *(report(count, chosen.rounds) for count in chosen.counts),
    ]
    publish(parts, chosen.out)


if __name__ == "__main__":
    main()
