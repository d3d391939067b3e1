"""Shows when RAdam's rectification term sets in and how fast it grows, for seven b2.

Run: python examples/rectification_term.py [OUT]
"""

import sys
from pathlib import Path

import matplotlib.style
import numpy as np
from matplotlib.figure import Figure

from optax_extra import rectification_term
from surfaces.terrain import HEIGHTS, INK, QUIET

STEPS = np.arange(1, 5001)
LABELS = {0.9999: 0.3, 0.999: 0.42, 0.99: 0.54, 0.9: 0.66, 0.8: 0.78}  # b2: its height
NEVER = {0.6: "-", 0.5: (0, (0.1, 3.0))}


@matplotlib.style.context("surfaces.optax_extra")
def main() -> None:
    figure = Figure(figsize=(6.8, 3.7))
    axes = figure.subplots()
    begins = {}
    for i, (b2, height) in enumerate(LABELS.items()):
        term = np.asarray(rectification_term(b2, STEPS))
        steps, term = STEPS[term > 0], term[term > 0]
        begins[b2] = steps[0]
        axes.plot(steps, term, "o-", color=HEIGHTS(0.14 * i), markevery=[0], ms=4.5)
        left = b2 == 0.8
        axes.annotate(
            f"$b_2 = {b2}$",
            (np.interp(height, term, steps), height),
            xytext=(-7 if left else 7, 0),
            textcoords="offset points",
            ha="right" if left else "left",
            va="center",
        )
    for b2, style in NEVER.items():
        term = np.asarray(rectification_term(b2, STEPS))
        assert not term.any()
        width, colour = (3, HEIGHTS(0.65)) if style == "-" else (1.8, INK)
        axes.plot(STEPS, term, ls=style, lw=width, color=colour, clip_on=False)
    limits = " and ".join(f"{2 / (1 - b2) - 1:.0f}" for b2 in NEVER)
    axes.text(
        5000,
        0.03,
        f"$b_2 = 0.6$ (solid) and $0.5$ (dotted): zero for ever, "
        rf"for $\rho_\infty$ is {limits}, never 5",
        ha="right",
        color=QUIET,
    )
    axes.set(
        title="Rectification sets in at step 6 or 7, whatever the decay rate",
        xlabel="step $t$",
        ylabel="rectification term $r_t$",
        xscale="log",
        xlim=(1, 5000),
        ylim=(0, 1.02),
    )
    axes.set_xticks([1, 6, 10, 100, 1000, 5000], ["1", "6", "10", "100", "1000", "5000"])
    out = Path(*sys.argv[1:2] or ["rectification_term.png"])
    figure.savefig(out)
    figure.savefig(out.with_suffix(".svg"))
    listed = ", ".join(f"{step} for b2={b2}" for b2, step in begins.items())
    print(f"{out}: the term begins at step {listed}, never for {limits}")


if __name__ == "__main__":
    main()
