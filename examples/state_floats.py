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
from surfaces.terrain import HEIGHTS, INK, PAPER, QUIET

OPTAX = {
    "sgd": optax.sgd(0.1),
    "sgd, momentum": optax.sgd(0.1, momentum=0.9),
    "adagrad": optax.adagrad(0.1),
    "rmsprop": optax.rmsprop(0.1),
    "lion": optax.lion(0.1),
    "adam": optax.adam(0.1),
    "adamw": optax.adamw(0.1),
}
EXTRA = {
    "lion": optax_extra.lion(0.1),
    "adamd": optax_extra.adamd(0.1),
    "radam": optax_extra.radam(0.1),
    "adabelief": optax_extra.adabelief(0.1),
    "adabc": optax_extra.adabc(0.1),
    "adabelief, amsgrad": optax_extra.adabelief(0.1, amsgrad=True),
    "adaderivative": optax_extra.adaderivative(0.1),
    "adam, lookahead": optax.chain(optax.adam(0.1), optax_extra.lookahead()),
}
PARAMS = {"kernel": jnp.zeros((300, 100)), "bias": jnp.zeros(100)}


def floats_of(optimizer: optax.GradientTransformation) -> dict[str, float]:
    """Floats a parameter in each field of the state."""
    fields = collections.Counter()
    state = jax.eval_shape(optimizer.init, PARAMS)
    for path, leaf in jax.tree_util.tree_leaves_with_path(state):
        if jnp.issubdtype(leaf.dtype, jnp.floating):
            field = [key.name for key in path if hasattr(key, "name")][-1]
            fields[field] += leaf.size / sum(p.size for p in PARAMS.values())
    return fields


@matplotlib.style.context("surfaces.optax_extra")
def main() -> None:
    figure = Figure(figsize=(6.8, 4.6))
    axes = figure.subplots()
    rows = [(n, o, HEIGHTS(0.6), INK) for n, o in OPTAX.items()]
    rows += [(n, o, HEIGHTS(0.18), PAPER) for n, o in EXTRA.items()]
    for y, (_, optimizer, colour, ink) in enumerate(rows):
        left = 0
        for field, width in floats_of(optimizer).items():
            axes.barh(y, width, 0.8, left, color=colour, edgecolor=PAPER)
            axes.text(left + width / 2, y, field, color=ink, ha="center", va="center")
            left += width
        axes.text(left + 0.04, y, f"{left:g}", color=QUIET, va="center")
    figure.savefig("state_floats.png")


if __name__ == "__main__":
    main()
