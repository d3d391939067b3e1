"""Shows what Lookahead's two numbers do to Adam, on two surfaces.

Run: python examples/lookahead_map.py [OUT]
"""

import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import matplotlib.style
import numpy as np
import optax
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

import optax_extra
from surfaces import SURFACES, descend
from surfaces.terrain import HEIGHTS, INK, PAPER

jax.config.update("jax_enable_x64", True)
RATE, STEPS = 0.3, 60  # all periods divide 60: at the end, fast and slow weights agree
AXES = {
    "sync_period": jnp.array([1, 2, 5, 6, 10, 20]),
    "slow_step_size": jnp.array([0.2, 0.4, 0.6, 0.8, 1.0]),
}


def sweep(surface):
    """The final height above the minimum at each period (row) and step size."""

    def train(sync_period, slow_step_size):
        pulled = optax_extra.lookahead(sync_period, slow_step_size)
        optimizer = optax.chain(optax.adam(RATE), pulled)
        return descend(optimizer, surface, STEPS).values[-1] - surface.minimum

    return optax_extra.sweep(train, AXES)


def power(height):
    factor, exponent = f"{height:.0e}".split("e")
    return rf"${factor}\cdot 10^{{{int(exponent)}}}$"


@matplotlib.style.context("surfaces.optax_extra")
def main() -> None:
    figure = Figure(figsize=(7.6, 3.6))
    panels = figure.subplots(1, 2, sharey=True)
    sweeps = {name: sweep(SURFACES[name]) for name in ("rosenbrock", "custom")}
    all_heights = np.stack([swept.values for swept in sweeps.values()])
    norm = LogNorm(all_heights.min(), all_heights.max())
    found = []
    for axes, (name, swept) in zip(panels, sweeps.items(), strict=True):
        heights = np.asarray(swept.values)
        image = axes.imshow(heights, cmap=HEIGHTS, norm=norm, aspect="auto")
        best = swept.best_index(lambda values: values)
        for cell, height in np.ndenumerate(heights):
            mark = r"$\bigstar$ " if cell == best else ""
            axes.text(
                *cell[::-1],
                power(height),
                color=PAPER if norm(height) < 0.5 else INK,
                ha="center",
                va="center",
                fontsize=8,
            )
        row, column = best
        axes.add_patch(...)
    figure.savefig("l.png")


if __name__ == "__main__":
    main()
