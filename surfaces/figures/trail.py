"""The path of a racer on paper: what of it is in the window, its trail and its head."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import is_color_like, to_rgb, to_rgba
from matplotlib.lines import Line2D
from matplotlib.path import Path
from numpy.typing import ArrayLike

from surfaces.figures.style import PAPER, QUIET
from surfaces.figures.terrain import Array, Camera, View

MARKERS = ("o", "s", "^", "D", "v", "p", "h", "d", "<", ">")
HEAD = 7.5  # size of a head, in points
RING = 1.35  # how much of a head is seen beside another
MOST_RINGS = 9  # of that width around one another; more are thinner
# The pieces of a trail: up to which age in steps, how opaque, how wide. It thins and
# fades at one age alone: a pixel that stays as it is costs an animation nothing.
PIECES = (
    (math.inf, 0.7, 1.2),
    (2, 1.0, 2.4),
)


class Track(NamedTuple):
    """One optimizer's path, ready to draw."""

    label: str  # what the legend says, the learning rate included
    colour: str
    positions: ArrayLike  # [steps + 1, 2]
    values: ArrayLike  # [steps + 1]


class Course(NamedTuple):
    """What of a track is inside the window, in window coordinates and height."""

    segments: Array  # [n, 2, 3], of each step the part inside, from edge to edge
    seen: Array  # [n], false where no part is
    heads: Array  # [n + 1, 3], outside the window the place where it left
    inside: Array  # [n + 1]
    lost: int | None  # the first step that is not finite; the course ends before it

    @classmethod
    def of(cls, track: Track, camera: Camera) -> Course:
        points = _points(track)
        broken = np.flatnonzero(~np.isfinite(points).all(axis=1))
        lost = int(broken[0]) if broken.size else None
        points = points[:lost] if lost != 0 else np.full((1, 3), np.nan)
        points[:, 2] = points[:, 2].clip(camera.low, camera.high)

        # Liang and Barsky: a step is inside between its last entry and first exit.
        lower, upper = np.transpose(camera.bounds)
        within = (lower <= points[:, :2]) & (points[:, :2] <= upper)
        start, move = points[:-1], np.diff(points, axis=0)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            edges = (np.stack([lower, upper])[:, None] - start[:, :2]) / move[:, :2]
        still = move[:, :2] == 0
        never = np.where(within[:-1], 0, np.inf)
        enter = np.where(still, never, edges.min(axis=0)).max(axis=1).clip(0)
        leave = np.where(still, 1 - never, edges.max(axis=0)).min(axis=1).clip(max=1)
        seen = enter <= leave
        shares = np.where(seen, [enter, leave], np.nan).T[..., None]
        segments = start[:, None] + shares * move[:, None]

        inside = within.all(axis=1)
        heads = np.where(inside[:, None], points, np.nan)
        for i in np.flatnonzero(~inside[1:]):
            heads[i + 1] = segments[i, 1] if seen[i] else heads[i]
        return cls(segments, seen, heads, inside, lost)

    @property
    def fate(self) -> str:
        """What the legend adds to the label."""
        if self.lost is not None:
            return f"  ·  NaN at step {self.lost}"
        return "" if self.inside.all() else "  ·  leaves the window"


class Trail:
    """One track on one panel: a trail that thins and fades with age, and its head."""

    def __init__(
        self, axes: Axes, view: View, course: Course, colour: str, marker: str
    ) -> None:
        self.axes, self.course, self.marker = axes, course, marker
        self.colours = colour, casing_of(colour)
        self.heads = view(course.heads)
        self.segments = view(course.segments[course.seen])
        # How many of the segments there are at each step.
        self.drawn = np.append(0, np.cumsum(course.seen))
        self.line = PathCollection(
            [],
            facecolors="none",
            capstyle="round",
            joinstyle="round",
            clip_on=False,
            zorder=6,
        )
        axes.add_collection(self.line, autolim=False)
        self.head = Line2D([], [], **look(colour, marker), clip_on=False, zorder=7)
        axes.add_line(self.head)

    def spot(self, step: int) -> Array:
        """Where the head is, in pixels."""
        head = self.heads[min(step, len(self.heads) - 1)]
        return np.asarray(self.axes.transData.transform(head))

    def move(self, step: int, size: float) -> None:
        """Draws the track as far as `step`, its head as large as `size`."""
        now = min(step, len(self.heads) - 1)
        ages, opacity, width = np.array(PIECES).T
        cuts = self.drawn[np.append(step - ages, step).clip(0, now).astype(int)]
        there = cuts[:-1] < cuts[1:]
        opacity, width = opacity[there], width[there]
        # The casing lies under the whole trail, so every piece is drawn twice.
        self.line.set_paths(
            [_lines(self.segments[a:b]) for a, b in pairwise(cuts) if a < b] * 2
        )
        self.line.set_linewidth([*(width + 1.5), *width])
        colour, casing = self.colours
        self.line.set_edgecolor(
            [to_rgba(casing, 0.8 * x**2) for x in opacity]
            + [to_rgba(colour, x) for x in opacity]
        )
        # Under others a head is a ring: no other shape shows all around.
        buried = size > HEAD + RING
        lost = self.course.lost is not None and step >= self.course.lost
        self.head.set_data(*self.heads[now, :, None])
        self.head.set_marker("o" if buried else "X" if lost else self.marker)
        self.head.set_markersize(size + buried)
        self.head.set_markeredgewidth(0.4 if buried else 0.8)
        outside = not self.course.inside[now]
        self.head.set_markerfacecolor(casing if outside else colour)
        self.head.set_markeredgecolor(colour if outside else casing)


def sizes_of_heads(spots: Array) -> Array:
    """Sizes with which no head hides under those after it, from their spots [n, 2].

    All in points. A head grows until a ring of it is seen around or beside every later
    one, and a little where another is so near that its shape cannot be told.
    """
    ring = RING * min(1, MOST_RINGS / max(len(spots), 1))
    gaps = np.linalg.norm(spots[:, None] - spots, axis=-1)
    gaps = np.nan_to_num(gaps, nan=np.inf)
    radii = np.full(len(spots), HEAD / 2)
    for i in reversed(range(len(spots) - 1)):
        gap, later = gaps[i, i + 1 :], radii[i + 1 :]
        around, near = later + ring - gap, HEAD / 2 + ring * (1 - gap / 6)
        radii[i] = max(radii[i], around.max(), near.max())
    return 2 * radii


def _points(track: Track) -> Array:
    """The track as points [steps + 1, 3]; refuses what cannot be drawn."""
    positions, values = np.asarray(track.positions), np.asarray(track.values)
    if values.ndim != 1 or not values.size or positions.shape != (len(values), 2):
        raise ValueError(
            "Track: positions and values must have shapes [steps + 1, 2] and "
            f"[steps + 1], got {list(positions.shape)} and {list(values.shape)} for "
            f"{track.label!r}"
        )
    if not is_color_like(track.colour):
        raise ValueError(
            "Track: colour must be one that Matplotlib knows, "
            f"got {track.colour!r} for {track.label!r}"
        )
    return np.column_stack([positions, values]).astype(float)


def _lines(segments: Array) -> Path:
    """Segments [n, 2, 2] as one path, which goes on where the next begins at an end."""
    codes = np.full(segments.shape[:2], Path.LINETO, np.uint8)
    codes[:, 0] = Path.MOVETO
    needed = np.ones(codes.shape, bool)
    needed[1:, 0] = (segments[1:, 0] != segments[:-1, 1]).any(axis=1)
    return Path(segments[needed], codes[needed])


def casing_of(colour: str) -> str:
    """What a line of this colour is edged with, to stand out from any ground."""
    return QUIET if np.dot(to_rgb(colour), [0.2126, 0.7152, 0.0722]) > 0.8 else PAPER


def look(colour: str, marker: str) -> dict[str, Any]:
    return {
        "color": colour,
        "marker": marker,
        "markersize": HEAD,
        "markeredgecolor": casing_of(colour),
        "markeredgewidth": 0.8,
    }
