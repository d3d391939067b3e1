"""What all pictures share: the project's style sheet, their size, their axes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.text import Text
from numpy.typing import NDArray

_SHEET = matplotlib.rc_params_from_file(
    Path(__file__).parents[1] / "optax_extra.mplstyle", use_default_template=False
)
sheet = matplotlib.rc_context(_SHEET)
"""Decorates what draws: it does so in the project's style, whatever the caller's is."""

INK, QUIET = _SHEET["text.color"], _SHEET["xtick.color"]
PAPER, GRID = _SHEET["figure.facecolor"], _SHEET["grid.color"]
ACCENT = "#4037ff"
# From low to high, and from dark to light, so that it survives a grey printer.
HEIGHTS = LinearSegmentedColormap.from_list(
    "heights", ["#1b2f4b", "#3f6080", "#84a5b5", "#c9d6d3", "#f6efe0"]
)
LEAST = 1e-6  # no height is shown lower on a logarithmic scale


@sheet
def figure(size: tuple[int, int]) -> Figure:
    """An empty figure of so many pixels."""
    # Ink shrinks more slowly than paper: small pictures stay readable.
    scale = min(size[0] / 1200, size[1] / 600)
    dpi = 100 * max(scale, min(scale, 1) ** 0.6)
    # A hundredth of a pixel keeps the size from being rounded down.
    inches = ((size[0] + 0.01) / dpi, (size[1] + 0.01) / dpi)
    new = Figure(figsize=inches, dpi=dpi)
    new.set_layout_engine("none")
    return new


def axes_or_new(ax: Axes | None, size: tuple[int, int]) -> Axes:
    """The axes given, or those of a new figure of so many pixels."""
    if ax is not None:
        return ax
    new = figure(size)
    new.set_layout_engine("constrained", w_pad=0.12, h_pad=0.12)
    return new.add_subplot()


def head(figure: Figure, title: str, note: str) -> tuple[Text, Text]:
    """Writes a title at the upper left, and what else is to be known at the right."""
    width, height = figure.get_size_inches()
    left, right, y = 0.3 / width, 1 - 0.3 / width, 1 - 0.42 / height
    return (
        figure.text(left, y, title, color=INK, fontsize=15, fontweight="bold"),
        figure.text(right, y, note, color=QUIET, fontsize=11, ha="right"),
    )


def shown(heights: NDArray[Any]) -> NDArray[Any]:
    """Heights as logarithmic scales show them; NaN stays."""
    return np.maximum(heights, LEAST)


def height_after(steps: int) -> str:
    """The label of an axis of final heights."""
    return f"height above the minimum after {steps:,} step{'s'[: steps != 1]}"


def named(surface: str) -> str:
    """A surface's name as a title has it."""
    return surface.replace("_", " ").capitalize()


def quieten(axes: Axes) -> None:
    """Gives the axes ticks that do not ask for attention, and no frame."""
    axes.tick_params(colors=QUIET, labelsize=8.5, length=3, width=0.6)
    for spine in axes.spines.values():
        spine.set_visible(False)
