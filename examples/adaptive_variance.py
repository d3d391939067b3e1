"""Shows the variance of the adaptive learning rate that RAdam rectifies.

psi is the root of a scaled inverse chi-squared variable, psi^2 ~ rho / (sigma^2
chi^2_rho), over degrees of freedom rho: simulated, exact, and as RAdam takes it.
Liu et al., On the Variance of the Adaptive Learning Rate and Beyond, 2020,
https://arxiv.org/abs/1908.03265

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

from surfaces.palette import PALETTE
from surfaces.terrain import INK, QUIET

DRAWS = 100_000
THRESHOLD = 5.0  # where RAdam begins to trust its approximation


def exact(rho):
    """Var[psi] sigma^2 = E[psi^2] - E[psi]^2, through logarithms."""
    half = (rho - 1) / 2
    square = np.log(rho / np.pi) + (2 * rho - 5) * np.log(2) + 2 * betaln(half, half)
    return rho / (rho - 2) - np.exp(square)


def approximate(rho):
    """To first order: Var[psi^2] / (4 E[psi^2])."""
    return rho / (2 * (rho - 2) * (rho - 4))


@jax.jit
def simulate(rho):
    def variance(key_and_rho):
        key, rho = key_and_rho
        return jnp.sqrt(rho / jax.random.chisquare(key, rho, (DRAWS,))).var()

    return jax.lax.map(variance, (jax.random.split(jax.random.key(0), len(rho)), rho))


@matplotlib.style.context("surfaces.optax_extra")
def main() -> None:
    figure = Figure(figsize=(6.8, 3.9))
    axes = figure.subplots()
    fine, coarse = np.geomspace(4.2, 100, 400), np.geomspace(4.2, 100, 24)
    formula = r"$\rho\,/\,2(\rho-2)(\rho-4)$"
    label = f"RAdam's first-order approximation, {formula}"
    axes.plot(fine, approximate(fine), "--", color=PALETTE[1], label=label)
    label = r"exact, $\rho/(\rho-2) - \rho\,2^{2\rho-5}\,"
    label += r"\mathrm{B}^2(\frac{\rho-1}{2}, \frac{\rho-1}{2})/\pi$"
    axes.plot(fine, exact(fine), color=PALETTE[0], label=label)
    look = {"markersize": 4.5, "markerfacecolor": "w", "color": INK}
    simulated = np.asarray(simulate(jnp.asarray(coarse)))
    axes.plot(coarse, simulated, "o", label=f"simulated, {DRAWS:,} draws each", **look)

    ratio = approximate(THRESHOLD) / exact(THRESHOLD)
    ends = exact(THRESHOLD), approximate(THRESHOLD)
    axes.plot([THRESHOLD] * 2, ends, color=QUIET, lw=0.8)
    note = rf" RAdam rectifies from $\rho = 5$, where this is {ratio:.1f} times too much"
    axes.text(THRESHOLD * 1.08, ends[1], note, color=QUIET)
    axes.set(title="The variance of the adaptive learning rate", xscale="log")
    axes.set(xlabel=r"degrees of freedom $\rho$", yscale="log")
    axes.set(ylabel=r"$\mathrm{Var}[\psi]$, in units of $1/\sigma^2$", xlim=(4, 105))
    axes.set_xticks([5, 10, 20, 50, 100], ["5", "10", "20", "50", "100"])
    axes.set_xticks([], minor=True)
    axes.legend()
    out = Path(*sys.argv[1:2] or ["adaptive_variance.png"])
    figure.savefig(out)
    figure.savefig(out.with_suffix(".svg"))
    error = abs(simulated / exact(coarse) - 1).max()
    print(f"{out}: {ratio:.2f} times too much at 5; simulated within {error:.1%}")


if __name__ == "__main__":
    main()
