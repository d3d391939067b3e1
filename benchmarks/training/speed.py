"""What a step costs: ours and the nearest of Optax's in the same loop, in one run."""

import math
import time
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import jax
import optax

from benchmarks.training.loop import Task, step_of
from benchmarks.training.optimizers import NEAREST
from surfaces import ROSTER

RATE = 1e-3
STEPS = 32  # in the loop that is timed


class Speed(NamedTuple):
    """What one optimizer costs.

    Attributes:
      steps_a_second: of one network.
      compile_seconds: of the loop.
      peak_bytes: of the loop: params, state, batches and what is computed between.
      ratio: time of a step over the nearest optimizer's, None where it is Optax's own.
    """

    steps_a_second: float
    compile_seconds: float
    peak_bytes: int
    ratio: float | None


class Loop:
    """`STEPS` steps on the first batch, compiled, and run on what it left behind."""

    def __init__(
        self, task: Task, optimizer: optax.GradientTransformation, gradients: int = 1
    ) -> None:
        self.batch = tuple(leaf[: task.batch] for leaf in task.data.train)
        params = task.init(jax.random.key(0))
        self.carry: Any = (optimizer.init(params), params)
        step = step_of(task, optimizer, gradients)

        def run(carry: Any, batch: Any) -> Any:
            return jax.lax.scan(lambda c, _: step(c, *batch), carry, length=STEPS)[0]

        start = time.perf_counter()
        lowered = jax.jit(run, donate_argnums=0).lower(self.carry, self.batch)
        self.program = lowered.compile()
        self.compile_seconds = time.perf_counter() - start
        memory = self.program.memory_analysis()
        self.peak_bytes = memory.argument_size_in_bytes + memory.temp_size_in_bytes

    def __call__(self) -> None:
        self.carry = jax.block_until_ready(self.program(self.carry, self.batch))


def measure(task: Task, names: Iterable[str], rounds: int) -> dict[str, Speed]:
    """The cost of each of these optimizers, in turn with its nearest of Optax's."""
    return {name: _measure(task, name, rounds) for name in names}


def _measure(task: Task, name: str, rounds: int) -> Speed:
    loop = Loop(task, ROSTER[name](RATE), ROSTER[name].gradients)
    rival = NEAREST.get(name)
    loops = [loop, Loop(task, rival.factory(RATE))] if rival else [loop]
    seconds = _least_seconds(loops, rounds)
    return Speed(
        STEPS / seconds[0],
        loop.compile_seconds,
        loop.peak_bytes,
        seconds[0] / seconds[1] if rival else None,
    )


def _least_seconds(loops: Sequence[Loop], rounds: int) -> list[float]:
    """The shortest run of each, in turn: what else a machine does only adds to it."""
    least = [math.inf] * len(loops)
    for _ in range(1 + rounds):  # The first one warms up.
        for i, loop in enumerate(loops):
            start = time.perf_counter()
            loop()
            least[i] = min(least[i], time.perf_counter() - start)
    return least
