"""Basins of attraction: each start in the colour of the minimum where it ends.

Within a basin the lightness falls with the rank of the remoteness, whose own scale
spans decades: as on a globe, what is near the minimum is light. Grey ends nowhere. A
dark line parts basins, so that they are told without colours too.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from surfaces.figures import style
from surfaces.figures.style import INK, PAPER, QUIET

if TYPE_CHECKING:
    from surfaces.attraction import Basins

_GOLDEN = (math.sqrt(5) - 1) / 2
_HUE = 0.1  # of the lowest minimum, in turns
# Places in inches: around the panels, and between them.
_LEFT, _RIGHT, _BOTTOM, _TOP, _ACROSS, _DOWN = 0.7, 0.3, 0.65, 1.05, 0.2, 0.5
_COLUMNS, _NARROWEST = 4, 5.0
_LINE_SHADE = 0.55  # how light the lines between basins are
_LINE, _LETTERS = 0.18, 12.5  # a line of the note, and its letters to an inch
_NOTE = (
    "Colour: the minimum (dot; star: a global one) at which a path from there ends; "
    "grey: at none. The darker, the farther from it the path was on average."
)


@style.sheet
def basin_panel(
    basins: Basins, *, supersample: int = 1, title: str = "", ax: Axes | None = None
) -> Axes:
    """Draws the basins of one optimizer.

    Args:
      basins: what to draw.
      supersample: cells along a side of one pixel of the picture, which has their mean
        colour. It divides the cells along a side of the grid.
      title: of the axes.
      ax: axes to draw on; by default those of a new figure, `ax.figure`.

    Returns:
      The axes that were drawn on.

    Raises:
      ValueError: if supersample does not divide the grid.
    """
    if supersample < 1 or len(basins.reached) % supersample:
        raise ValueError(
            f"basin_panel: supersample must divide the {len(basins.reached)} cells "
            f"along a side, got {supersample}"
        )
    ax = style.axes_or_new(ax, (600, 600))
    ax.imshow(
        _picture(basins, supersample),
        extent=(*basins.bounds[0], *basins.bounds[1]),
        origin="lower",
        interpolation="antialiased",
        aspect="auto",
    )
    ink: dict[str, Any] = {"color": PAPER, "markeredgecolor": INK, "ls": "none"}
    best = basins.depths <= basins.depths.min(initial=math.inf) + 1e-9
    ax.plot(*basins.minima[~best].T, marker="o", ms=3, markeredgewidth=0.5, **ink)
    ax.plot(*basins.minima[best].T, marker="*", ms=10, markeredgewidth=0.6, **ink)
    ax.xaxis.set_major_locator(MaxNLocator(4, prune="both"))
    ax.yaxis.set_major_locator(MaxNLocator(4, prune="both"))
    style.quieten(ax)
    ax.set_title(title, loc="left", fontsize=10.5, color=INK, fontweight="bold", pad=5)
    ax.set_xlabel("x", color=QUIET, fontsize=9)
    ax.set_ylabel("y", color=QUIET, fontsize=9)
    return ax


@style.sheet
def basins(
    found: Mapping[str, Basins], *, supersample: int = 1, title: str | None = None
) -> Figure:
    """Draws the basins of several optimizers on one surface side by side.

    Every pixel of a panel is one of the picture.

    Args:
      found: titles of panels to what they show, all of one surface. Where there are
        none the figure is a title.
      supersample: as in `basin_panel`.
      title: by default the surface's name.

    Returns:
      A new figure; its axes are the panels, in the order given. On axes of your own
      `basin_panel` draws them one by one.

    Raises:
      ValueError: if supersample does not divide the grid.
    """
    if not found:
        figure = style.figure((600, 300))
        style.head(figure, title or "Where paths end", "no optimizers")
        return figure
    first = next(iter(found.values()))
    dpi = 100
    side = max(len(first.reached) // supersample, 150) / dpi
    columns = min(len(found), _COLUMNS)
    rows = math.ceil(len(found) / columns)
    width = _LEFT + columns * side + (columns - 1) * _ACROSS + _RIGHT
    width = max(width, _NARROWEST)
    note = textwrap.wrap(_NOTE, int((width - 0.6) * _LETTERS))
    bottom = _BOTTOM + _LINE * len(note)
    height = bottom + rows * side + (rows - 1) * _DOWN + _TOP
    figure = Figure(figsize=(width, height), dpi=dpi)
    figure.set_layout_engine("none")
    for place, (name, shown) in enumerate(found.items()):
        row, column = divmod(place, columns)
        left = _LEFT + column * (side + _ACROSS)
        lower = height - _TOP - side - row * (side + _DOWN)
        ax = figure.add_axes(
            (left / width, lower / height, side / width, side / height)
        )
        basin_panel(shown, supersample=supersample, title=name, ax=ax)
        if column > 0:
            ax.set_ylabel("")
            ax.yaxis.set_tick_params(labelleft=False)
        if place + columns < len(found):
            ax.set_xlabel("")
            ax.xaxis.set_tick_params(labelbottom=False)
    style.head(
        figure,
        title or f"{style.named(first.surface)}: where paths end",
        f"{first.steps} steps",
    )
    figure.text(
        0.3 / width,
        0.2 / height,
        "\n".join(note),
        color=QUIET,
        fontsize=9.5,
        linespacing=1.3,
    )
    return figure


def _picture(basins: Basins, supersample: int) -> NDArray[Any]:
    """The colours `[n / supersample, n / supersample, 3]`."""
    reached, shade = basins.reached, np.empty(basins.reached.shape)
    for minimum in np.unique(reached):
        there = reached == minimum
        # NaN comes last, and equals share the mean of their ranks.
        _, place, counts = np.unique(
            basins.remoteness[there], return_inverse=True, return_counts=True
        )
        ranks = counts.cumsum() - (counts + 1) / 2
        shade[there] = ranks[place] / max(len(place) - 1, 1)
    # Steps of the golden section keep all hues apart, however many there are; steps of
    # another irrational number do so for a grey printer.
    turn = 2 * np.pi * (_HUE + _GOLDEN * reached)
    lightness = 0.95 - 0.52 * shade - 0.15 * (math.sqrt(2) * reached % 1)
    lightness[_borders(reached)] *= _LINE_SHADE
    chroma = np.where(reached < 0, 0, 0.13 * (1 - 0.3 * np.abs(2 * shade - 1)))
    colours = _linear_rgb(lightness, chroma * np.cos(turn), chroma * np.sin(turn))
    n = len(reached) // supersample
    mean = colours.reshape(n, supersample, n, supersample, 3).mean(axis=(1, 3))
    encoded = np.where(
        mean <= 0.0031308, 12.92 * mean, 1.055 * mean ** (1 / 2.4) - 0.055
    )
    return np.asarray(encoded)


def _borders(reached: NDArray[Any]) -> NDArray[np.bool_]:
    """Which cells differ from the next one to the right or above."""
    border = np.zeros(reached.shape, bool)
    border[:-1] |= reached[:-1] != reached[1:]
    border[:, :-1] |= reached[:, :-1] != reached[:, 1:]
    return border


def _linear_rgb(lightness: Any, a: Any, b: Any) -> NDArray[Any]:
    """OKLab as linear sRGB, cut to what it has (B. Ottosson, A perceptual color space,
    2020, https://bottosson.github.io/posts/oklab/)."""
    cones = np.stack([lightness, a, b], axis=-1) @ _TO_CONES.T
    return np.asarray((cones**3 @ _TO_RGB.T).clip(0, 1))


_TO_CONES = np.array(
    [
        [1, 0.3963377774, 0.2158037573],
        [1, -0.1055613458, -0.0638541728],
        [1, -0.0894841775, -1.2914855480],
    ]
)
_TO_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)
