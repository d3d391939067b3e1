"""Shows what Lookahead's period and step size do for Adam on two surfaces.

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
from surfaces.figures.terrain import HEIGHTS, INK, PAPER

jax.config.update("jax_enable_x64", True)
RATE, STEPS = 0.3, 60  # all periods divide 60: at the end, fast and slow weights agree
PERIODS, SIZES = jnp.array([1, 2, 5, 6, 10, 20]), jnp.array([0.2, 0.4, 0.6, 0.8, 1.0])


def sweep(surface):
    def train(sync_period, slow_step_size):
        pull = optax_extra.lookahead(sync_period, slow_step_size)
        path = descend(optax.chain(optax.adam(RATE), pull), surface, STEPS)
        return path.values[-1] - surface.minimum

    return optax_extra.sweep(train, {"sync_period": PERIODS, "slow_step_size": SIZES})


def annotate(axes, heights, norm):
    for (row, column), height in np.ndenumerate(heights):
        factor, exponent = f"{height:.0e}".split("e")
        power = rf"${factor}\cdot 10^{{{int(exponent)}}}$"
        look = {"color": PAPER if norm(height) < 0.5 else INK, "fontsize": 8}
        axes.text(column + 0.5, row + 0.5, power, ha="center", va="center", **look)


@matplotlib.style.context("surfaces.optax_extra")
def main() -> None:
    figure = Figure(figsize=(7.6, 3.7))
    panels = figure.subplots(1, 2, sharey=True, gridspec_kw={"wspace": 0.07})
    sweeps = {name: sweep(SURFACES[name]) for name in ("rosenbrock", "custom")}
    values = np.stack([swept.values for swept in sweeps.values()])
    norm = LogNorm(values.min(), values.max())
    found = []
    for axes, (name, swept) in zip(panels, sweeps.items(), strict=True):
        heights = np.asarray(swept.values)
        image = axes.pcolormesh(heights, cmap=HEIGHTS, norm=norm, ec=PAPER, lw=1.5)
        annotate(axes, heights, norm)
        row, column = best = swept.best_index(lambda heights: heights)
        axes.add_patch(Rectangle((column, row), 1, 1, fc="none", ec=INK, lw=2))
        axes.plot(column + 0.5, row + 0.8, "*", color=PAPER, ms=7)
        ratio = f"{heights[0, -1] / heights[best]:.2g}"
        gain = f"{float(ratio):,.0f} times lower than Adam"
        found.append(f"{name} {heights[best]:.0e}, {gain}")
        axes.set_title(f"★ {gain}", loc="right", weight="normal", fontsize=9)
        axes.set_xticks(np.arange(5) + 0.5, SIZES)
        axes.set_yticks(np.arange(6) + 0.5, PERIODS)
        axes.set(title=name.capitalize(), xlabel="slow step size (1.0: plain Adam)")
        axes.spines[:].set_visible(False)
    panels[0].set_ylabel("period, in steps")
    label = f"height above the minimum after {STEPS} steps at rate {RATE}"
    bar = figure.colorbar(image, ax=panels, label=label, aspect=30, pad=0.02)
    bar.minorticks_off()
    bar.outline.set_visible(False)
    out = Path(*sys.argv[1:2] or ["lookahead_map.png"])
    figure.savefig(out)
    figure.savefig(out.with_suffix(".svg"))
    print(f"{out}: {'; '.join(found)}")


if __name__ == "__main__":
    main()
