"""Final height against two hyperparameters as a heat map, against one as a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import NullLocator

from surfaces.figures import style
from surfaces.figures.spread import Spread, spread
from surfaces.figures.style import ACCENT, GRID, HEIGHTS, INK, PAPER, QUIET

if TYPE_CHECKING:
    from surfaces.tuning import GridSearch

_HATCH: dict[str, Any] = {"facecolor": PAPER, "edgecolor": "#b9c3c8", "hatch": "////"}
_BEST: dict[str, Any] = {
    "marker": "*",
    "markersize": 15,
    "color": PAPER,
    "markeredgecolor": INK,
    "ls": "none",
}


@style.sheet
def heat_map(
    search: GridSearch, *, title: str | None = None, ax: Axes | None = None
) -> Axes:
    """Draws where the runs of a grid search end.

    The best run is marked. What did not end in the window is hatched: it left, or came
    to no finite value.

    Args:
      search: a grid of two hyperparameters, of which the first goes up and the second
        to the right, or of one.
      title: by default the surface's name.
      ax: axes to draw on; by default those of a new figure, `ax.figure`. The bar of
        the colours takes its place beside them.

    Returns:
      The axes that were drawn on.

    Raises:
      ValueError: if there are more than two hyperparameters, or none.
    """
    if len(search.axes) not in (1, 2):
        raise ValueError(
            "heat_map: search must have one or two hyperparameters, "
            f"got {', '.join(search.axes) or 'none'}"
        )
    ax = style.axes_or_new(ax, (1000, 700))
    *up, across = (spread(values) for values in search.axes.values())
    heights = np.ma.masked_invalid(style.shown(search.heights))
    across.set_scale(ax, "x")
    if up:
        up[0].set_scale(ax, "y")
        _draw_map(ax, up[0], across, heights, style.height_after(search.steps))
    else:
        _draw_line(ax, across, heights)
    names = [*map(_words, list(search.axes)[::-1]), style.height_after(search.steps)]
    ax.set_xlabel(names[0], color=QUIET)
    ax.set_ylabel(names[1], color=QUIET)
    style.quieten(ax)
    handles: list[Line2D | Patch] = []
    if search.best is not None:
        places = [r.places[i] for r, i in zip([*up, across], search.best, strict=True)]
        y = places[0] if up else heights[search.best]
        ax.plot(places[-1], y, **_BEST, clip_on=False, zorder=5)
        point = ", ".join(
            f"{_words(name)} {row[i]:.4g}"
            for (name, row), i in zip(search.axes.items(), search.best, strict=True)
        )
        height = search.heights[search.best]
        lowest = f"{height:.1e}" if height > style.LEAST else f"≤ {style.LEAST:.0e}"
        label = f"best: {point}, height {lowest}"
        handles.append(Line2D([], [], **_BEST, label=label))
    if not search.inside.all():
        handles.append(Patch(**_HATCH, label="left the window or diverged"))
    legend = ax.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        borderpad=0.2,
        borderaxespad=0.2,
        handletextpad=0.5,
        frameon=False,
        fontsize=9.5,
        labelcolor=INK,
    )
    legend.set_in_layout(False)  # the title, above it, keeps its place
    ax.set_title(
        title or style.named(search.surface),
        loc="left",
        color=INK,
        fontsize=13,
        fontweight="bold",
        pad=9 + 17 * len(handles),
    )
    return ax


def _words(argument: str) -> str:
    """The name of an argument as people write it."""
    return argument.replace("_", " ")


def _draw_map(ax: Axes, up: Spread, across: Spread, heights: Any, label: str) -> None:
    lowest = float(heights.min()) if heights.count() else style.LEAST
    highest = float(heights.max()) if heights.count() else 1.0
    # What is masked leaves the hatches of the ground to be seen.
    ax.patch.set(**_HATCH)
    mesh = ax.pcolormesh(
        across.edges,
        up.edges,
        heights,
        cmap=HEIGHTS,
        norm=LogNorm(lowest, max(highest, 10 * lowest)),
        rasterized=True,
    )
    bar = ax.figure.colorbar(mesh, ax=ax, aspect=30, pad=0.02)
    bar.outline.set_visible(False)
    bar.set_label(label, color=QUIET)
    bar.ax.yaxis.set_minor_locator(NullLocator())
    style.quieten(bar.ax)


def _draw_line(ax: Axes, across: Spread, heights: Any) -> None:
    lost = np.ma.getmaskarray(heights)
    for left, right in zip(
        across.edges[:-1][lost], across.edges[1:][lost], strict=True
    ):
        ax.axvspan(left, right, **_HATCH, lw=0)
    ax.plot(across.places, heights, color=ACCENT, lw=1.5, marker=".", ms=5)
    ax.set_yscale("log")
    ax.grid(axis="y", color=GRID, lw=0.6)
    ax.set_axisbelow(True)
