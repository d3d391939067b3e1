"""How fast is a path? Ratios of things timed in one run, interleaved.

Run: python -m benchmarks.race
"""

import statistics
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax

from surfaces import SURFACES, Path, descend

STEPS, ROUNDS = 100_000, 21
EAGER_STEPS = 30
SURFACE = SURFACES["rosenbrock"]
OPTIMIZER = optax.adam(1e-2)


def compiled() -> Path:
    """What the library offers."""
    return jax.block_until_ready(descend(OPTIMIZER, SURFACE, STEPS))


@jax.jit
def _scan(start: jax.Array) -> tuple[jax.Array, jax.Array]:
    def step(carry, _):
        position, state = carry
        value, gradient = jax.value_and_grad(SURFACE.function)(position)
        updates, state = OPTIMIZER.update(gradient, state, position)
        return (optax.apply_updates(position, updates), state), (position, value)

    carry, (positions, values) = jax.lax.scan(
        step, (start, OPTIMIZER.init(start)), length=STEPS
    )
    last = carry[0]
    return (
        jnp.concatenate([positions, last[None]]),
        jnp.concatenate([values, SURFACE.function(last)[None]]),
    )


def by_hand() -> tuple[jax.Array, jax.Array]:
    """The same scan, written by hand over Optax."""
    return jax.block_until_ready(_scan(jnp.asarray(SURFACE.start)))


def eager() -> jax.Array:
    """The same optimizer in an eager Python loop."""
    position = jnp.asarray(SURFACE.start)
    state = OPTIMIZER.init(position)
    for _ in range(EAGER_STEPS):
        gradient = jax.grad(SURFACE.function)(position)
        updates, state = OPTIMIZER.update(gradient, state, position)
        position = optax.apply_updates(position, updates)
    return jax.block_until_ready(position)


def seconds(run: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def main() -> None:
    """Prints the medians a step and their ratios."""
    runs = {
        "compiled path": compiled,
        "scan by hand": by_hand,
        "eager loop": eager,
    }
    for run in runs.values():  # Compiles, and warms caches up.
        run()
    times = {name: [] for name in runs}
    for turn in range(ROUNDS):  # In turns, so that none always runs first.
        for name, run in list(runs.items())[:: 1 if turn % 2 else -1]:
            times[name].append(seconds(run))
    steps = {"eager loop": EAGER_STEPS}
    medians = {
        name: statistics.median(all_times) / steps.get(name, STEPS)
        for name, all_times in times.items()
    }
    for name, median in medians.items():
        print(f"{name:<14} {median * 1e9:12,.1f} ns a step")
    by_hand_ratio = statistics.median(
        own / other
        for own, other in zip(
            times["compiled path"], times["scan by hand"], strict=True
        )
    )
    print(f"compiled path / scan by hand: {by_hand_ratio:.3f}")
    ratio = medians["eager loop"] / medians["compiled path"]
    print(f"eager loop / compiled path: {ratio:,.0f}")


if __name__ == "__main__":
    main()
