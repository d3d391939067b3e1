"""Shows the steps of Adam, AdaBelief, AdaDerivative and AdaBC on three gradients.

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
from surfaces.figures.terrain import INK, QUIET

STEPS = np.arange(1, 101)
NOISE = jax.random.normal(jax.random.key(0), STEPS.shape)
GRADIENTS = {
    "Constant, $g_t = 1$": jnp.ones(len(STEPS)),
    r"Alternating, $g_t = \pm 1$": jnp.where(STEPS % 2, 1.0, -1.0),
    r"Noisy, $g_t \sim \mathcal{N}(1, 1)$": 1 + NOISE,
}
ADABC = optax.chain(
    optax_extra.scale_by_belief(bias_correction_mu=False), optax_extra.clip_momentum()
)
BELIEF, DERIVATIVE = optax_extra.scale_by_belief(), optax_extra.scale_by_derivative()
DARK_YELLOW = "#8f8200"  # AdaDerivative's own would be lost on white
LINES = {  # and how far from its end each label stands, in points
    "Adam": (optax_extra.scale_by_adam(), INK, "-", (-4, -4, -4)),
    "AdaBelief": (BELIEF, ROSTER["adabelief"].colour, "--", (4, 4, 14)),
    "AdaDerivative": (DERIVATIVE, DARK_YELLOW, "-.", (4, -4, -20)),
    "AdaBC": (ADABC, ROSTER["adabc"].colour, (0, (0.1, 1.8)), (4, 4, 26)),
}


def step_sizes(part, gradients):
    def step(state, gradient):
        update, state = part.update(gradient, state)
        return state, jnp.abs(update)

    return jax.lax.scan(step, part.init(gradients[0]), gradients)[1]


@matplotlib.style.context("surfaces.optax_extra")
def main() -> None:
    figure = Figure(figsize=(8.2, 4.2))
    shared = {"sharex": True, "sharey": "row", "height_ratios": (1, 4)}
    strips, panels = figure.subplots(2, 3, **shared)
    gradients = jnp.stack(list(GRADIENTS.values()), axis=-1)
    for axes, title, gradient in zip(strips, GRADIENTS, gradients.T, strict=True):
        axes.vlines(STEPS, 0, gradient, color=QUIET, lw=0.9)
        axes.spines.bottom.set_visible(False)
        axes.tick_params(bottom=False)
        axes.set(title=title, yticks=(-1, 0, 1, 3))
    found = []
    for name, (part, colour, style, offsets) in LINES.items():
        sizes = step_sizes(part, gradients).T
        found.append(f"{name} {sizes[0, -1]:.2f}, {sizes[1, -1]:.3f}")
        for axes, size, offset in zip(panels, sizes, offsets, strict=True):
            axes.plot(STEPS, size, color=colour, ls=style, lw=1.5)
            look = {"color": colour, "ha": "right", "textcoords": "offset points"}
            look |= {"va": "bottom" if offset > 0 else "top", "xytext": (0, offset)}
            axes.annotate(name, (STEPS[-1], size[-1]), **look)
    strips[0].set_ylabel("gradient")
    panels[0].set(ylabel="step size, in learning rates", yscale="log", ylim=(0.013, 20))
    figure.supxlabel("step", fontsize=9)
    out = Path(*sys.argv[1:2] or ["belief_and_derivative.png"])
    figure.savefig(out)
    figure.savefig(out.with_suffix(".svg"))
    print(f"{out}: last |update|, constant, alternating: {'; '.join(found)}")


if __name__ == "__main__":
    main()
