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
from surfaces.terrain import HEIGHTS, INK, PAPER

RATE = 0.1
OPTIMIZERS = {
    "optax": {
        "sgd": optax.sgd(RATE),
        "sgd, momentum": optax.sgd(RATE, momentum=0.9),
        "adagrad": optax.adagrad(RATE),
        "rmsprop": optax.rmsprop(RATE),
        "lion": optax.lion(RATE),
        "adam": optax.adam(RATE),
        "adamw": optax.adamw(RATE),
    },
    "optax_extra": {
        "lion": optax_extra.lion(RATE),
        "adamd": optax_extra.adamd(RATE),
        "radam": optax_extra.radam(RATE),
        "adabelief": optax_extra.adabelief(RATE),
        "adabc": optax_extra.adabc(RATE),
        "adaderivative": optax_extra.adaderivative(RATE),
        "adam, lookahead": optax.chain(optax.adam(RATE), optax_extra.lookahead()),
    },
}
LOOKS = (HEIGHTS(0.62), INK), (HEIGHTS(0.2), PAPER)
PARAMS = {"kernel": jnp.zeros((30, 10)), "bias": jnp.zeros(10)}


def floats_of(optimizer):
    """Floats a parameter in each field of the state."""
    fields = collections.Counter()
    state = jax.eval_shape(optimizer.init, PARAMS)
    for path, leaf in jax.tree_util.tree_leaves_with_path(state):
        if jnp.issubdtype(leaf.dtype, jnp.floating):
            field = [key.name for key in path if hasattr(key, "name")][-1]
            fields[field] += leaf.size / optax.tree.size(PARAMS)
    return fields


@matplotlib.style.context("surfaces.optax_extra")
def main() -> None:
    figure = Figure(figsize=(6.8, 4.6))
    panels = figure.subplots(2, sharex=True)
    found = []
    for axes, package, (colour, ink) in zip(panels, OPTIMIZERS, LOOKS, strict=True):
        for y, (name, optimizer) in enumerate(OPTIMIZERS[package].items()):
            total = 0
            for field, floats in floats_of(optimizer).items():
                axes.barh(y, floats, 0.84, total, color=colour, ec=PAPER, lw=1.5)
                middle = {"ha": "center", "va": "center", "color": ink}
                axes.text(total + floats / 2, y, field, **middle, family="monospace")
                total += floats
            axes.text(total + 0.04, y, f"{total:g}", va="center")
            found.append(f"{name} {total:g}")
        axes.set_title(package)
        axes.set_yticks(range(y + 1), OPTIMIZERS[package], color=INK)
        axes.set(ylim=(y + 0.5, -0.5), xlim=(0, 3.2), xticks=range(4))
        axes.tick_params(left=False)
        axes.spines[["left", "bottom"]].set_visible(False)
    panels[0].tick_params(bottom=False)
    panels[1].set_xlabel("floats of state a parameter")
    out = Path(*sys.argv[1:2] or ["state_floats.png"])
    figure.savefig(out)
    figure.savefig(out.with_suffix(".svg"))
    print(f"{out}: {', '.join(found)}")


if __name__ == "__main__":
    main()
