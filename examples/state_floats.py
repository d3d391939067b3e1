"""Shows how many floats of state optimizers keep for every parameter, and which.

Nothing is allocated and nothing typed in: `jax.eval_shape` tells the shapes.

Run: python examples/state_floats.py [OUT]
"""

import collections
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import matplotlib.style
import optax
from matplotlib.figure import Figure

import optax_extra
from surfaces.figures.terrain import HEIGHTS, INK, PAPER

IN_OPTAX = "sgd", "adagrad", "rmsprop", "lion", "adam", "adamw"
OPTAX = {name: getattr(optax, name)(0.1) for name in IN_OPTAX}
OPTAX["sgd, momentum"] = optax.sgd(0.1, momentum=0.9)
OURS = "heun", "lion", "adamd", "radam", "adabelief", "adabc", "ranger"
EXTRA = {name: getattr(optax_extra, name)(0.1) for name in OURS}
EXTRA["adaderivative"] = optax_extra.adaderivative(0.1)
PARAMS = {"kernel": jnp.zeros((30, 10)), "bias": jnp.zeros(10)}
COUNT = sum(leaf.size for leaf in jax.tree.leaves(PARAMS))
LOOKS = {
    "optax": (OPTAX, HEIGHTS(0.62), INK),
    "optax_extra": (EXTRA, HEIGHTS(0.2), PAPER),
}


def floats_of(optimizer):
    """Floats in each field of the state."""
    fields = collections.Counter()
    state = jax.eval_shape(optimizer.init, PARAMS)
    for path, leaf in jax.tree_util.tree_leaves_with_path(state):
        if jnp.issubdtype(leaf.dtype, jnp.floating):
            field = [key.name for key in path if hasattr(key, "name")][-1]
            fields[field] += leaf.size
    return fields


@matplotlib.style.context("surfaces.optax_extra")
def main() -> None:
    figure = Figure(figsize=(6.8, 4.6))
    rows = [len(OPTAX), len(EXTRA)]
    panels = figure.subplots(2, sharex=True, height_ratios=rows)
    found = []
    for axes, package in zip(panels, LOOKS, strict=True):
        optimizers, colour, ink = LOOKS[package]
        bars = [(name, floats_of(made)) for name, made in optimizers.items()]
        bars.sort(key=lambda bar: bar[1].total())
        for y, (name, floats) in enumerate(bars):
            left = 0
            for field, size in floats.items():
                width = size / COUNT
                axes.barh(y, width, 0.84, left, color=colour, ec=PAPER, lw=1.5)
                middle = {"ha": "center", "va": "center", "color": ink}
                axes.text(left + width / 2, y, field, **middle, family="monospace")
                left += width
            axes.text(left + 0.04, y, f"{left:g}", va="center")
            found.append(f"{name} {left:g}")
        axes.set_title(package)
        axes.set_yticks(range(len(bars)), [name for name, _ in bars], color=INK)
        axes.set(ylim=(len(bars) - 0.5, -0.5), xlim=(0, 3.2), xticks=range(4))
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
    axes.set_xlabel("floats of state a parameter")
    out = Path(*sys.argv[1:2] or ["state_floats.png"])
    figure.savefig(out)
    figure.savefig(out.with_suffix(".svg"))
    print(f"{out}: {'; '.join(found)}")


if __name__ == "__main__":
    main()
