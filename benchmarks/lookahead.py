"""Should Lookahead choose for every element, or between two branches?

Run: python -m benchmarks.lookahead [--size 20000000] [--rounds 21] [--out FILE]

`optax_extra.lookahead` chooses with `where`, which reads and writes the slow weights in
every step. `lax.cond` could leave them alone in all steps but every sixth.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

import optax_extra as ox
from benchmarks.contenders import (
    RATE,
    Runner,
    Step,
    compile_step,
    medians,
    one_leaf,
)
from benchmarks.report import parser, publish, setting

PERIOD, SHARE = 6, 0.5
LANES = 4


def branching_lookahead() -> optax.GradientTransformation:
    """Lookahead with `lax.cond`. The state: steps since a synchronisation, slow."""

    def init_fn(params: Any) -> tuple[jax.Array, Any]:
        return jnp.zeros([], jnp.int32), jax.tree.map(jnp.copy, params)

    def synchronise(updates: Any, slow: Any, params: Any) -> tuple[Any, Any]:
        slow = jax.tree.map(
            lambda u, s, p: s + SHARE * (p + u - s), updates, slow, params
        )
        return jax.tree.map(jnp.subtract, slow, params), slow

    def wait(updates: Any, slow: Any, params: Any) -> tuple[Any, Any]:
        del params
        return updates, slow

    def update_fn(updates: Any, state: Any, params: Any = None) -> tuple[Any, Any]:
        since, slow = state
        syncs = since + 1 >= PERIOD
        updates, slow = jax.lax.cond(syncs, synchronise, wait, updates, slow, params)
        return updates, (jnp.where(syncs, 0, since + 1), slow)

    return optax.GradientTransformation(init_fn, update_fn)


OPTIMIZERS = {
    "no lookahead": optax.sgd(RATE),
    "lookahead, where": optax.chain(optax.sgd(RATE), ox.lookahead(PERIOD, SHARE)),
    "lookahead, cond": optax.chain(optax.sgd(RATE), branching_lookahead()),
}


def in_lanes(optimizer: optax.GradientTransformation) -> optax.GradientTransformation:
    """The optimizer under `vmap`: every row of the params has a state of its own."""
    return optax.GradientTransformation(
        jax.vmap(optimizer.init), jax.vmap(optimizer.update)
    )


def period(step: Step, gradients: Any) -> Callable[[], None]:
    """All steps from one synchronisation to the next."""
    run = Runner(step, gradients)

    def steps() -> None:
        for _ in range(PERIOD):
            run()

    return steps


def report(size: int, rounds: int) -> str:
    """A table in Markdown: a row a form of Lookahead."""
    flat = one_leaf(size)
    rows = {"w": flat["w"].reshape(LANES, -1)}
    cells: dict[str, list[str]] = {name: [] for name in OPTIMIZERS}
    for params, form in ((flat, lambda optimizer: optimizer), (rows, in_lanes)):
        steps = {name: compile_step(form(o), params) for name, o in OPTIMIZERS.items()}
        runs = {name: period(step, params) for name, step in steps.items()}
        for name, seconds in medians(runs, rounds).items():
            temporary = steps[name].temporary_bytes / flat["w"].nbytes
            cells[name] += [f"{seconds / PERIOD * 1e3:.1f}", f"{temporary:.2f}"]
    lines = [
        f"| {size:,} parameters | ms a step | temporary, buffers "
        f"| ms a step, vmap over {LANES} | temporary, buffers |",
        "|---|---|---|---|---|",
    ]
    lines += [f"| {' | '.join([name, *cells[name]])} |" for name in OPTIMIZERS]
    return "\n".join(lines)


def main() -> None:
    """Prints the table, and saves it where asked."""
    options = parser(__doc__, rounds=21, counted="runs of each")
    options.add_argument("--size", type=int, default=20_000_000, help="parameters")
    chosen = options.parse_args()
    parts = [
        "# Lookahead: choose elements or branches",
        f"`optax.sgd` and Lookahead every {PERIOD} steps in one program, "
        f"donated, float32. Medians of {chosen.rounds} rounds of {PERIOD} steps. "
        f"{setting()}.",
        report(chosen.size, chosen.rounds),
    ]
    publish(parts, chosen.out)


if __name__ == "__main__":
    main()
