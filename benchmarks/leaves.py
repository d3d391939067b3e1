"""Models of many small leaves: how long to trace, to compile and to run a step?

Run: python -m benchmarks.leaves [--rounds 5]
"""

import argparse
import statistics
import time
from typing import Any

import jax
import optax

from benchmarks.contenders import RATE, RECIPES, Runner, compile_step, medians
from benchmarks.contenders import small_leaves as leaves_of

ONE_PART = ("adamd", "adabelief", "lion", "adaderivative")


def build_seconds(optimizer: optax.GradientTransformation, params: Any) -> float:
    """Seconds to trace and compile a step, without anything left over from before."""
    jax.clear_caches()
    start = time.perf_counter()
    compile_step(optimizer, params)
    return time.perf_counter() - start


def main() -> None:
    """Prints a table for 1,000 and 3,000 leaves."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="builds of each")
    rounds = parser.parse_args().rounds
    optimizers = {"optax.adam": optax.adam(RATE)}
    optimizers |= {name: RECIPES[name][0](RATE) for name in ONE_PART}
    for count in (1000, 3000):
        params = leaves_of(count)
        builds: dict[str, list[float]] = {name: [] for name in optimizers}
        for _ in range(rounds):
            for name, optimizer in optimizers.items():
                builds[name].append(build_seconds(optimizer, params))
        steps = {name: compile_step(made, params) for name, made in optimizers.items()}
        runs = {name: Runner(step, params) for name, step in steps.items()}
        times = medians(runs, rounds=31)
        print(f"{count} leaves of 8 x 8\n")
        print("| optimizer | trace and compile, s | / adam | step, ms | / adam |")
        print("|---|---|---|---|---|")
        for name in optimizers:
            pairs = zip(builds[name], builds["optax.adam"], strict=True)
            ratio = statistics.median(own / other for own, other in pairs)
            print(
                f"| {name} | {statistics.median(builds[name]):.2f} | {ratio:.2f} "
                f"| {times[name] * 1e3:.2f} | {times[name] / times['optax.adam']:.2f} |"
            )
        print()


if __name__ == "__main__":
    main()
