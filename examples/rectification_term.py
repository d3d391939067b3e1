"""Shows when RAdam's rectification term sets in and how fast it grows, for seven b2.

Run: python examples/rectification_term.py [OUT]
"""

import sys
from pathlib import Path

import matplotlib.style
import numpy as np
from matplotlib.figure import Figure

from optax_extra import rectification_term
from surfaces.figures.terrain import HEIGHTS, INK, QUIET

STEPS = np.arange(1, 5001)
LABELS = {0.9999: 0.2, 0.999: 0.35, 0.99: 0.5, 0.9: 0.65, 0.8: 0.8}  # b2: its height
NEVER = {0.6: (3.5, "-", HEIGHTS(0.6)), 0.5: (1.6, (0, (0.1, 3)), INK)}  # b2: its line
ABOVE = {"textcoords": "offset points", "xytext": (-5, 1), "ha": "right"}
BELOW = {**ABOVE, "xytext": (5, -1), "ha": "left", "va": "top"}


@matplotlib.style.context("surfaces.optax_extra")
def main() -> None:
    figure = Figure(figsize=(6.8, 3.8))
    axes = figure.subplots()
    found = []
    for i, (b2, height) in enumerate(LABELS.items()):
        term = np.asarray(rectification_term(b2, STEPS))
        steps, term = STEPS[term > 0], term[term > 0]
        axes.plot(steps, term, "o-", color=HEIGHTS(0.14 * i), markevery=[0], ms=4.5)
        label = np.interp(height, term, steps), height
        axes.annotate(f"$b_2 = {b2}$", label, **(ABOVE if b2 == 0.8 else BELOW))
        if term[0] > 0.05:  # lower ones would hide each other
            axes.annotate(f"step {steps[0]}", (steps[0], term[0]), color=QUIET, **ABOVE)
        found.append(f"{b2} from step {steps[0]} ({term[0]:.3f}) to {term[-1]:.3f}")
    for b2, (width, style, colour) in NEVER.items():
        term = rectification_term(b2, STEPS)
        look = {"lw": width, "ls": style, "color": colour, "zorder": 1}
        axes.plot(STEPS, term, clip_on=False, **look)
        found.append(f"{b2} never above {term.max():g}")
    limits = " and ".join(f"{2 / (1 - b2) - 1:.0f}" for b2 in NEVER)
    note = "$b_2 = 0.6$ (line) and $0.5$ (dots) stay at zero for ever: "
    note += rf"$\rho_t$ must reach 5, but tends to {limits}"
    axes.text(STEPS[-1], -0.03, note, color=QUIET, ha="right", va="top")
    axes.set(
        title="RAdam's rectification term",
        xlabel="step $t$",
        ylabel="$r_t$",
        xscale="log",
        xlim=(1, STEPS[-1]),
        ylim=(-0.12, 1.02),
    )
    ticks = [1, 10, 100, 1000, 5000]
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    out = Path(*sys.argv[1:2] or ["rectification_term.png"])
    figure.savefig(out)
    figure.savefig(out.with_suffix(".svg"))
    print(f"{out}: b2 {', '.join(found)}")


if __name__ == "__main__":
    main()
