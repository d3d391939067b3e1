"""Height above the minimum against step, one curve a racer, with a cursor.

The scale of the colours runs along the axis of heights: what is a number here is a
colour on terrain and map. What is still to come is pale.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LogNorm
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from surfaces.figures.style import GRID, HEIGHTS, INK, QUIET, quieten
from surfaces.figures.trail import casing_of

HEAD = 5  # size of a head, in points

# What `trail.look` says of a racer, and its heights from step 0 on, finite.
Curve = tuple[Mapping[str, Any], NDArray[Any]]


class HeightPanel:
    """Curves that are drawn as far as a step.

    Attributes:
      past: what of each curve has been, twice: its casing and its line.
      cursor: a line at the step.
      heads: where each curve is at the step; there a shape tells it without its colour.
    """

    def __init__(
        self, axes: Axes, bar: Axes, norm: LogNorm, steps: int, curves: Sequence[Curve]
    ) -> None:
        low, high = norm.inverse(np.array([0.0, 1.0]))
        least = np.concatenate([[low], *(heights for _, heights in curves)]).min()
        edges = np.geomspace(least / 1.2, 1.2 * high, 129)
        bar.pcolormesh([0, 1], edges, edges[1:, None], cmap=HEIGHTS, norm=norm)
        bar.set_xticks([])
        bar.set_ylabel("height above the minimum", color=QUIET, fontsize=8.5)
        for beside in (bar, axes):
            beside.set_yscale("log")
            beside.set_ylim(edges[0], edges[-1])
            if high < 300 * least:  # decades alone would be too few
                beside.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
                beside.yaxis.set_major_formatter("{x:g}")
            beside.yaxis.set_minor_locator(NullLocator())
            quieten(beside)
        axes.set_xlim(0, max(steps, 1))
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.set_xlabel("step", color=QUIET, fontsize=8.5)
        axes.tick_params(axis="y", length=0, labelleft=False)
        axes.grid(color=GRID, lw=0.6)
        axes.set_axisbelow(True)
        colours = [look["color"] for look, _ in curves]
        for colour, (_, heights) in zip(colours, curves, strict=True):
            axes.plot(heights, color=colour, lw=1, alpha=0.3)
        self.curves = [
            np.column_stack([np.arange(len(heights)), heights]) for _, heights in curves
        ]
        # Every curve on its casing, so that it stands out from those it crosses.
        self.past = LineCollection(
            [],
            colors=[c for colour in colours for c in (casing_of(colour), colour)],
            linewidths=(2.4, 1.2),
            joinstyle="round",
            zorder=3,
        )
        axes.add_collection(self.past, autolim=False)
        self.cursor = axes.axvline(0, color=INK, lw=0.8, clip_on=False)
        self.heads = [
            Line2D([], [], **{**look, "markersize": HEAD}, clip_on=False, zorder=4)
            for look, _ in curves
        ]
        for head in self.heads:
            axes.add_line(head)

    @property
    def moving(self) -> list[Artist]:
        """What a step redraws."""
        return [self.past, self.cursor, *self.heads]

    def move(self, step: int) -> None:
        """Draws the curves as far as `step`."""
        self.cursor.set_xdata([step, step])
        self.past.set_segments(
            [points[: step + 1] for points in self.curves for _ in range(2)]
        )
        for head, points in zip(self.heads, self.curves, strict=True):
            head.set_data(*points[: step + 1][-1:].T)
