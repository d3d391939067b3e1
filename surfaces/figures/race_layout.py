"""Where the parts of a race's picture stand: all in inches, whatever its size."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from surfaces.figures.style import INK

TITLE, TICKS = 0.62, 0.5  # above the panels and below them
LEGEND = 0.5  # how much of the rest it may take
MARGIN, GAP, SCALE, BAR = 0.3, 0.5, 0.72, 0.15  # between panels, from left to right


class Panels(NamedTuple):
    """The axes of a race."""

    relief: Axes
    plan: Axes
    bar: Axes
    curve: Axes


def legend(
    figure: Figure,
    canvas: Any,
    labels: Sequence[str],
    looks: Sequence[Mapping[str, Any]],
) -> float:
    """Writes the legend as large as it fits, in as few rows; returns its upper edge."""
    if not labels:
        return 0.1
    handles = [Line2D([], [], **look, lw=2.4) for look in looks]
    width, height = figure.get_size_inches()
    highest = LEGEND * (height - TITLE - TICKS)
    shapes = itertools.product(0.8 ** np.arange(12), range(1, len(labels) + 1))
    for scale, rows in shapes:
        legend = figure.legend(
            handles,
            labels,
            ncols=math.ceil(len(labels) / rows),
            loc="lower center",
            bbox_to_anchor=(0.5, 0.08 / height),
            frameon=False,
            fontsize=9.5 * scale,
            markerscale=scale,
            labelcolor=INK,
            columnspacing=2.4,
            handlelength=2.2,
        )
        box = legend.get_window_extent(canvas.get_renderer())
        upper = float(box.y1 / figure.dpi)
        if box.width < 0.97 * width * figure.dpi and upper < highest:
            return upper
        legend.remove()
    return 0.1


def panels(figure: Figure, lower: float, aspect: float) -> Panels:
    """Places the panels between the legend and the title.

    Args:
      figure: what they stand in.
      lower: the upper edge of the legend.
      aspect: of the map, its depth over its width.

    Returns:
      Terrain, map, scale and curves: in a row, or, where the picture is not wide, the
      terrain above the others.
    """
    width, height = figure.get_size_inches()
    free = width - GAP - SCALE - BAR - MARGIN
    bottom, top = lower + TICKS, height - TITLE
    ceiling = top if width > 1.4 * height else bottom + 0.5 * (top - bottom)
    share = 0.37 if ceiling == top else 0.6
    wide = min(share * free, (ceiling - bottom) / aspect)
    deep = wide * aspect
    curve_wide = 0.65 * share * free
    low = bottom + (ceiling - bottom - deep) / 2
    curve_left = width - MARGIN - curve_wide
    left = curve_left - BAR - SCALE - wide

    def place(x: float, y: float, wide: float, deep: float) -> Axes:
        box = (x / width, y / height, wide / width, deep / height)
        return figure.add_axes(box)

    if ceiling == top:
        relief = place(0.1, lower, left - GAP - 0.1, top - lower)
    else:
        relief = place(0.1, ceiling + 0.1, width - 0.2, top - ceiling - 0.1)
    return Panels(
        relief,
        place(left, low, wide, deep),
        place(curve_left - BAR, low, 0.11, deep),
        place(curve_left, low, curve_wide, deep),
    )
