"""Two claims about optimizers, tested over many starts and many learning rates.

Run: python -m benchmarks.claims
"""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import optax_extra
from surfaces import ROSTER, SURFACES, Surface
from surfaces.descent import descend_all
from surfaces.racing import REACH

RATES = np.logspace(-3, 0.5, 48)
STARTS = 400
STEPS = 100


class Outcome(NamedTuple):
    """How an optimizer fares on a surface from everywhere, at its best rate."""

    rate: float
    reached: float  # share of the starts that end at a global minimum
    height: float  # median height above the minimum at the end, over the starts


def fares(name: str, surface: Surface) -> Outcome:
    """Runs every rate from every start; the best rate reaches the minimum most often.

    Where none reaches it, or several as often, the lower median height decides.
    """
    # At random: on an even grid whole rows of starts fare alike.
    low, high = np.transpose(surface.bounds)
    points = np.random.default_rng(0).uniform(low, high, (STARTS, 2))
    starts = jnp.asarray(points, dtype=float)

    def train(
        learning_rate: jax.Array, start: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        optimizer = ROSTER[name](learning_rate, STEPS)
        (path,) = descend_all(optimizer, (surface,), STEPS, (start,))
        return path.positions[-1], path.values[-1]

    axes = {"learning_rate": jnp.asarray(RATES, dtype=float), "start": starts}
    ends, values = map(np.asarray, optax_extra.sweep(train, axes).values)
    goals = np.array([minimum.position for minimum in surface.global_minima])
    gaps = np.linalg.norm(ends[..., None, :] - goals, axis=-1).min(axis=-1)
    reach = REACH * np.linalg.norm(high - low)
    reached = np.nan_to_num(gaps, nan=np.inf) <= reach
    inside = surface.contains(ends) & np.isfinite(values)
    heights = np.median(np.where(inside, values - surface.minimum, np.inf), axis=1)
    share = reached.mean(axis=1)
    best = np.lexsort((heights, -share))[0]
    return Outcome(float(RATES[best]), float(share[best]), float(heights[best]))


def table(names: Sequence[str]) -> str:
    """A row a surface, a column an optimizer."""
    lines = [
        "| surface | " + " | ".join(ROSTER[name].label for name in names) + " |",
        "|---|" + "---|" * len(names),
    ]
    for surface in SURFACES.values():
        cells = [
            f"{outcome.reached:.0%} at {outcome.rate:.2g}, {outcome.height:.1e}"
            for outcome in map(functools.partial(fares, surface=surface), names)
        ]
        lines.append(f"| {surface.name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Prints the tables of docs/claims.md."""
    print(table(["adabelief", "adabelief_dema", "adabelief_tema"]), end="\n\n")
    print(table(["lion", "lion_cosine", "adam", "adabelief"]))


if __name__ == "__main__":
    main()
