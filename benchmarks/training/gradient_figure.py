"""The figure of RAdam's claim: early losses, and how large gradients are meanwhile."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from benchmarks.training.figures import STYLE, band, colours
from benchmarks.training.loop import HIGHEST, LOWEST
from benchmarks.training.study import Array, Trained
from surfaces.figures.terrain import HEIGHTS

WINDOW = 20  # steps of the running mean of a loss
POWERS = (-12, -9, -6, -3, 0)  # that get a tick
CLIPPED = 0.005  # of the cells, the darkest, share one colour


@STYLE
def gradients(trained: Sequence[Trained], steps: int, title: str) -> Figure:
    """Training losses above; below, log10 |gradient| over the first steps of each."""
    figure = Figure(figsize=(7.6, 6.4))
    above, below = figure.subfigures(2, 1, height_ratios=(1.1, 1))
    _losses(above, trained, title)
    _histograms(below, trained, steps)
    return figure


def _losses(figure: Any, trained: Sequence[Trained], title: str) -> None:
    axes = figure.subplots()
    window = min(WINDOW, trained[0].losses.shape[-1])
    # Where lines lie over each other, the lower ones show beside the upper.
    widths = np.linspace(3.2, 1.4, len(trained)) if len(trained) > 1 else [1.8]
    for one, colour, width in zip(trained, colours(trained), widths, strict=True):
        smooth = np.stack([_running_mean(row, window) for row in one.losses], axis=-1)
        steps = np.arange(window, window + len(smooth))
        label = f"{one.label}, {one.best_rate:.2g}"
        band(axes, steps, smooth, colour, lw=width, label=label)
    axes.set(yscale="log", xlim=(0, None), xlabel="step")
    axes.set_ylabel(f"training loss, mean of {window} steps")
    axes.legend(loc="center right")
    axes.set_title(title)


def _histograms(figure: Any, trained: Sequence[Trained], steps: int) -> None:
    panels = figure.subplots(1, len(trained), sharey=True, squeeze=False)[0]
    shares = [np.asarray(one.gradients)[:steps] for one in trained]
    # The lowest bin is of zeros, which would drown all others.
    others = np.concatenate([share[:, 1:].ravel() for share in shares])
    look: dict[str, Any] = {
        "cmap": HEIGHTS.reversed(),
        "vmin": 0,
        "vmax": np.quantile(others, 1 - CLIPPED),
        "origin": "lower",
        "aspect": "auto",
    }
    for axes, one, share in zip(panels, trained, shares, strict=True):
        extent = (0.5, len(share) + 0.5, LOWEST, HIGHEST)
        image = axes.imshow(share.T, extent=extent, **look)
        axes.set_title(one.label, fontsize=8.5)
        axes.set(xlabel="step")
    powers = {power: f"{power}".replace("-", "\N{MINUS SIGN}") for power in POWERS}
    panels[0].set_yticks([LOWEST, *powers], ["zero", *powers.values()])
    panels[0].set_ylabel(r"$\log_{10}$ |gradient|")
    bar = figure.colorbar(
        image, ax=panels, pad=0.01, extend="max", format=PercentFormatter(1)
    )
    bar.outline.set_visible(False)
    bar.set_label("share of the elements")


def _running_mean(row: Array, window: int) -> Array:
    return np.convolve(row, np.full(window, 1 / window), mode="valid")
