"""Shows the variance of the adaptive learning rate, which RAdam rectifies.

psi^2 ~ rho / (sigma^2 chi^2(rho)) over degrees of freedom rho: simulated, exact, and
to first order. Liu et al., On the Variance of the Adaptive Learning Rate and Beyond,
2020, https://arxiv.org/abs/1908.03265

Run: python examples/adaptive_variance.py [OUT]
"""

import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import matplotlib.style
import numpy as np
from matplotlib.figure import Figure
from scipy.special import betaln

from surfaces.figures.palette import PALETTE
from surfaces.figures.terrain import INK, QUIET

DRAWS = 200_000
THRESHOLD = 5  # where RAdam begins to trust its approximation


def exact(rho):
    """Var[psi] sigma^2 = E[psi^2] - E[psi]^2, through logarithms."""
    half = (rho - 1) / 2
    square = np.log(rho / np.pi) + (2 * rho - 5) * np.log(2) + 2 * betaln(half, half)
    return rho / (rho - 2) - np.exp(square)


def approximate(rho):
    """To first order: Var[psi^2] / (4 E[psi^2])."""
    return rho / (2 * (rho - 2) * (rho - 4))


def simulate(key, rho):
    return jnp.sqrt(rho / jax.random.chisquare(key, rho, (DRAWS,))).var()


@matplotlib.style.context("surfaces.optax_extra")
def main() -> None:
    figure = Figure(figsize=(6.8, 3.9))
    axes = figure.subplots()
    rho, few = np.geomspace(4.2, 100, 400), np.geomspace(4.2, 100, 24)
    label = r"first order, as in RAdam: $\frac{\rho}{2(\rho-2)(\rho-4)}$"
    axes.plot(rho, approximate(rho), "--", color=PALETTE[1], label=label)
    label = r"exact: $\frac{\rho}{\rho-2} - \frac{\rho\,2^{2\rho-5}}{\pi}\,"
    label += r"\mathrm{B}(\frac{\rho-1}{2}, \frac{\rho-1}{2})^2$"
    axes.plot(rho, exact(rho), color=PALETTE[0], label=label)
    keys = jax.random.split(jax.random.key(0), len(few))
    simulated = jax.lax.map(lambda point: simulate(*point), (keys, jnp.asarray(few)))
    label = f"simulated: {DRAWS:,} draws a point"
    axes.plot(few, simulated, "o", color=INK, mfc="w", ms=4.5, label=label)

    truth, taken = exact(THRESHOLD), approximate(THRESHOLD)
    axes.plot([THRESHOLD] * 2, [truth, taken], color=QUIET, lw=0.8)
    note = rf"$\rho = {THRESHOLD}$, where RAdam begins to rectify: {taken / truth:.1f} "
    axes.text(1.06 * THRESHOLD, taken, note + "times the variance", color=QUIET)
    axes.set_title("The variance of the adaptive learning rate")
    axes.set(xlabel=r"degrees of freedom $\rho$", xscale="log", xlim=(4, 105))
    axes.set_ylabel(r"$\mathrm{Var}[\psi]$, in units of $1/\sigma^2$")
    axes.set(yscale="log", ylim=(3e-3, 10))
    ticks = [5, 10, 20, 50, 100]
    axes.set_xticks(ticks, ticks)
    axes.set_xticks([], minor=True)
    axes.legend(loc="upper right", labelspacing=0.7)
    out = Path(*sys.argv[1:2] or ["adaptive_variance.png"])
    figure.savefig(out)
    figure.savefig(out.with_suffix(".svg"))
    error = abs(simulated / exact(few) - 1).max()
    first = f"exact {truth:.3f} at rho = {THRESHOLD}, to first order {taken:.3f}"
    print(f"{out}: {first}; simulated within {error:.1%} of exact")


if __name__ == "__main__":
    main()
