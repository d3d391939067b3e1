"""Final height against learning rate: one small panel an optimizer, all others grey.

The panels are in the order of the working ranges, the widest first.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator, NullLocator
from numpy.typing import NDArray

from surfaces.figures import style
from surfaces.figures.style import ACCENT, GRID, INK, PAPER, QUIET

if TYPE_CHECKING:
    from surfaces.sensitivity import RateCurve

OTHERS = "#cfd4d9"
_THRESHOLD: dict[str, Any] = {"color": QUIET, "lw": 0.8, "ls": (0, (4, 3))}
_BEST: dict[str, Any] = {
    "marker": "o",
    "markersize": 6,
    "color": ACCENT,
    "markeredgecolor": PAPER,
    "ls": "none",
}
_RATE = "learning rate"


@style.sheet
def rate_panel(
    curves: Mapping[str, RateCurve], name: str, *, ax: Axes | None = None
) -> Axes:
    """Draws the curve of one optimizer before those of all others.

    Where a run does not end in the window the curve has a gap. The bar below is where
    the rate works, the dot the best rate.

    Args:
      curves: names of optimizers to their curves on one surface.
      name: the one to draw.
      ax: axes to draw on; by default those of a new figure, `ax.figure`.

    Returns:
      The axes that were drawn on.

    Raises:
      ValueError: if there is no curve of that name.
    """
    if name not in curves:
        raise ValueError(
            f"rate_panel: name must be one of {', '.join(curves) or 'none'}, "
            f"got {name!r}"
        )
    ax = style.axes_or_new(ax, (600, 450))
    curve = curves[name]
    others = [_points(other) for key, other in curves.items() if key != name]
    ax.add_collection(
        LineCollection(others, colors=OTHERS, linewidths=0.6, rasterized=True, zorder=1)
    )
    # Dots, because a rate between two gaps makes no line.
    ax.plot(*_points(curve).T, color=INK, lw=1.3, marker=".", ms=1.6, zorder=3)
    ax.axhline(curve.threshold, **_THRESHOLD, zorder=2)
    starts, widths = curve.edges[:-1][curve.works], np.diff(curve.edges)[curve.works]
    ax.broken_barh(
        list(zip(starts, widths, strict=True)),
        (0.0, 0.035),
        transform=ax.get_xaxis_transform(),
        color=ACCENT,
        lw=0,
        zorder=2,
    )
    if curve.best is not None:
        ax.plot(*_points(curve)[curve.best], **_BEST, clip_on=False, zorder=4)
    ax.set_xscale("log")
    ax.set_yscale("log")
    least, greatest = curve.rates[[0, -1]]
    alone = 3 if least == greatest else 1  # to either side of a single rate
    ax.set_xlim(least / alone, greatest * alone)
    ax.set_ylim(
        style.LEAST / 2, 2 * max(style.LEAST, *(c.span for c in curves.values()))
    )
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(LogLocator(100, numticks=9))
        axis.set_minor_locator(NullLocator())
    style.quieten(ax)
    ax.grid(color=GRID, lw=0.6)
    ax.set_axisbelow(True)
    title = ax.set_title(
        name, loc="left", fontsize=9.5, color=INK, fontweight="bold", pad=4
    )
    # Above a narrow panel a long name is written smaller.
    room = ax.bbox.width / title.get_window_extent().width
    title.set_fontsize(9.5 * min(room, 1))
    # In this corner no curve ever is: so little is not reached so slowly.
    ax.text(
        0.02,
        0.06,
        f"{curve.working_range:.1f}",
        color=ACCENT,
        fontsize=9.5,
        transform=ax.transAxes,
    )
    ax.set_xlabel(_RATE, color=QUIET, fontsize=9)
    ax.set_ylabel(style.height_after(curve.steps), color=QUIET, fontsize=9)
    return ax


@style.sheet
def rates(
    curves: Mapping[str, RateCurve],
    *,
    size: tuple[int, int] = (1600, 1000),
    title: str | None = None,
) -> Figure:
    """Draws a panel for each optimizer.

    Args:
      curves: names of optimizers to their curves, all on one surface and at the same
        rates. Where there are none the figure is a title.
      size: width and height in pixels.
      title: by default the surface's name.

    Returns:
      A new figure; its axes are the panels, the widest working range first. On axes of
      your own `rate_panel` draws them one by one.
    """
    figure = style.figure(size)
    if not curves:
        style.head(figure, title or "Which learning rates work", "no optimizers")
        return figure
    width, height = figure.get_size_inches()
    columns = min(len(curves), math.ceil(math.sqrt(len(curves) * width / height / 1.2)))
    rows = math.ceil(len(curves) / columns)
    panels = figure.subplots(
        rows,
        columns,
        squeeze=False,
        sharex=True,
        sharey=True,
        gridspec_kw={
            "left": 0.85 / width,
            "right": 1 - 0.25 / width,
            "bottom": 1.1 / height,
            "top": 1 - 0.85 / height,
            "wspace": 0.12,
            "hspace": 0.3,
        },
    ).ravel()
    order = sorted(curves, key=lambda name: -curves[name].working_range)
    for panel, name in zip(panels, order, strict=False):
        rate_panel(curves, name, ax=panel)
        panel.set(xlabel="", ylabel="")
        panel.label_outer()
    for spare in panels[len(curves) :]:
        spare.set_axis_off()
    for above in panels[len(curves) - columns : len(curves)]:
        above.xaxis.set_tick_params(labelbottom=True)  # under it a panel may be spare
    first = curves[order[0]]
    style.head(
        figure,
        title or f"{style.named(first.surface)}: which learning rates work",
        f"{first.steps} steps at each of {len(first.rates)} rates",
    )
    figure.supxlabel(_RATE, y=0.58 / height, color=QUIET, fontsize=10)
    figure.supylabel(
        style.height_after(first.steps), x=0.12 / width, color=QUIET, fontsize=10
    )
    figure.legend(
        handles=[
            Line2D([], [], color=INK, lw=1.5, label="this optimizer"),
            Line2D([], [], color=OTHERS, lw=1.5, label="the others"),
            Line2D([], [], **_THRESHOLD, label="1 % of the window's height"),
            Patch(color=ACCENT, label="working range: rates below it, in decades"),
            Line2D([], [], **_BEST, label="best rate"),
        ],
        ncols=5 if width > 10.5 else 3,
        loc="lower center",
        frameon=False,
        fontsize=9.5,
        labelcolor=INK,
    )
    return figure


def _points(curve: RateCurve) -> NDArray[Any]:
    """The curve as points `[n, 2]`."""
    return np.column_stack([curve.rates, style.shown(curve.heights)])
