"""Shows how long the steps of Adam, AdaBelief, AdaDerivative and AdaBC are.

Three gradients tell them apart: one that stays, one that turns round, a noisy one.

Run: python examples/belief_and_derivative.py [OUT]
"""

import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import matplotlib.style
import numpy as np
import optax
from matplotlib.figure import Figure

import optax_extra
from surfaces import ROSTER
from surfaces.terrain import INK, QUIET

STEPS = np.arange(1, 101)
GRADIENTS = {
    "Constant, $g_t = 1$": jnp.ones(len(STEPS)),
    "Alternating, $g_t = \\pm 1$": jnp.where(STEPS % 2, 1.0, -1.0),
    "Noisy, $g_t = 1 + N(0, 1)$": 1 + jax.random.normal(jax.random.key(0), STEPS.shape),
}
BELIEF = optax_extra.scale_by_belief(bias_correction_mu=False)
PARTS = {  # with their lines, and whether their labels are above them
    "Adam": (optax_extra.scale_by_adam(), INK, "-", (0, 0)),
    "AdaBelief": (optax_extra.scale_by_belief(), ROSTER["adabelief"].colour, "--", (1, 1)),
    "AdaDerivative": (optax_extra.scale_by_derivative(), "#a39400", "-.", (1, 0)),
    "AdaBC": (
        optax.chain(BELIEF, optax_extra.clip_momentum()),
        ROSTER["adabc"].colour,
        (0, (1, 1)),
        (1, 1),
    ),
}


def step_sizes(part: optax.GradientTransformation, gradients):
    def step(state, gradient):
        update, state = part.update(gradient, state)
        return state, jnp.abs(update)

    return jax.lax.scan(step, part.init(gradients[0]), gradients)[1]


@matplotlib.style.context("surfaces.optax_extra")
def main() -> None:
    figure = Figure(figsize=(8.2, 4.2))
    rows = figure.subplots(2, 3, sharex=True, sharey="row", height_ratios=(1, 4))
    gradients = jnp.stack(list(GRADIENTS.values()), axis=-1)
    for axes, title, gradient in zip(rows[0], GRADIENTS, gradients.T, strict=True):
        axes.vlines(STEPS, 0, gradient, color=QUIET, lw=0.9)
        axes.set_title(title)
    last = {}
    for name, (part, colour, style, above) in PARTS.items():
        sizes = step_sizes(part, gradients)
        last[name] = sizes[-1]
        for axes, size in zip(rows[1], sizes.T, strict=True):
            axes.plot(STEPS, size, color=colour, ls=style)
        for axes, size, up in zip(rows[1], sizes[-1], above):
            place = {"xytext": (0, 4 if up else -4), "textcoords": "offset points"}
            va = "bottom" if up else "top"
            axes.annotate(name, (100, size), ha="right", va=va, color=colour, **place)
    out = Path(*sys.argv[1:2] or ["belief_and_derivative.png"])
    rows[0, 0].set_ylabel("gradient")
    rows[1, 0].set(ylabel="step size / learning rate", yscale="log", ylim=(0.02, 20))
    rows[1, 1].set_xlabel("step")
    figure.savefig(out)
    figure.savefig(out.with_suffix(".svg"))
    listed = ", ".join(f"{name} {sizes[0]:.1f}" for name, sizes in last.items())
    print(f"{out}: last steps under a constant gradient: {listed}")


if __name__ == "__main__":
    main()
