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
from matplotlib.patches import Rectangle

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
    figure = Figure(figsize=(7.6, 3.7))
    panels = figure.subplots(1, 2, sharey=True)
    sweeps = {name: sweep(SURFACES[name]) for name in ("rosenbrock", "custom")}
    values = np.stack([swept.values for swept in sweeps.values()])
    norm = LogNorm(values.min(), values.max())
    found = []
    for axes, (name, swept) in zip(panels, sweeps.items(), strict=True):
        heights = np.asarray(swept.values)
        image = axes.pcolormesh(heights, cmap=HEIGHTS, norm=norm, ec=PAPER, lw=1.5)
        for (row, column), height in np.ndenumerate(heights):
            ink = PAPER if norm(height) < 0.5 else INK
            look = {"color": ink, "ha": "center", "va": "center", "fontsize": 8}
            axes.text(column + 0.5, row + 0.5, power(height), **look)
        row, column = swept.best_index(lambda heights: heights)
        axes.add_patch(Rectangle((column, row), 1, 1, fill=False, ec=INK, lw=2))
        axes.plot(column + 0.5, row + 0.8, "*", color=PAPER, ms=7)
        plain = heights[0, -1]  # a step size of 1 takes the fast weights as they are
        gain = f"{plain / heights[row, column]:,.0f} times lower than plain Adam"
        found.append(f"{name} {power(heights[row, column])}, {gain}")
        axes.set_title(f"{name.capitalize()}: {gain}")
        axes.set_xticks(np.arange(5) + 0.5, ["0.2", "0.4", "0.6", "0.8", "1.0\n(Adam)"])
        axes.set_yticks(np.arange(6) + 0.5, AXES["sync_period"])
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set_xlabel("slow step size")
    panels[0].set_ylabel("period, in steps")
    label = f"height above the minimum after {STEPS} steps"
    bar = figure.colorbar(image, ax=panels, label=label, aspect=30)
    bar.outline.set_visible(False)
    out = Path(*sys.argv[1:2] or ["lookahead_map.png"])
    figure.savefig(out)
    figure.savefig(out.with_suffix(".svg"))
    print(f"{out}: {'; '.join(found)}")


if __name__ == "__main__":
    main()
