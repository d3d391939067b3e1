"""Arrays in, picture out: a race seen from the side and from above.

Left, the surface as a block of terrain; right, its map. Both are coloured by the
logarithm of the height above the minimum, log10(max(z - minimum, 1e-6)), but the
terrain keeps its linear height: a logarithmic one is a needle at the minimum.

Whatever stands still is drawn once; a step redraws trails, heads and the counter.
Nothing here knows an optimizer, and nothing here touches pyplot.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.colors import LinearSegmentedColormap, LogNorm, to_rgb, to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.path import Path
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator
from numpy.typing import ArrayLike, NDArray

from surfaces.palette import PALETTE

if TYPE_CHECKING:
    from surfaces.surface import Surface

__all__ = ["PALETTE", "RaceFigure", "Track", "race"]

Array = NDArray[Any]
Bounds = tuple[tuple[float, float], tuple[float, float]]
View = Callable[[Array], Array]  # points [..., 3] to places on the paper [..., 2]

MARKERS = ("o", "s", "^", "D", "v", "p", "h", "d", "<", ">")
HEIGHTS = LinearSegmentedColormap.from_list(
    "heights", ["#1b2f4b", "#3f6080", "#84a5b5", "#c9d6d3", "#f6efe0"]
)
INK, QUIET, PAPER = "#1f2730", "#68737d", "#ffffff"

AZIMUTH, ELEVATION = math.radians(-60), math.radians(45)  # seen from the south-east
RELIEF, FLOOR = 0.5, 0.07  # height of the terrain and of the block under it
NODES, MESH = 241, 6  # nodes of the map along a side; facets between two mesh lines
HEAD = 7.5  # size of a head, in points
FRESH = 8  # steps over which a trail thins


class Track(NamedTuple):
    """One optimizer's path, ready to draw."""

    label: str  # what the legend says, the learning rate included
    colour: str
    positions: ArrayLike  # [steps + 1, 2]
    values: ArrayLike  # [steps + 1]


def race(
    surface: Surface,
    tracks: Sequence[Track],
    *,
    size: tuple[int, int] = (1200, 600),
    title: str | None = None,
    step: int | None = None,
) -> Figure:
    """Draws a race as it stands at a step, by default the last."""
    picture = RaceFigure(surface, tracks, size=size, title=title)
    picture.draw(picture.steps if step is None else step)
    return picture.figure


class RaceFigure:
    """A race whose background is drawn once, so that a step is cheap.

    Args:
      surface: the ground; its grid, bounds, start and minima are drawn.
      tracks: the paths; a shorter one waits at its end for the others.
      size: width and height in pixels.
      title: by default the surface's name.

    Attributes:
      figure: the Matplotlib figure; `savefig` saves the step drawn last.
      steps: the number of the last step.
      trails: for each panel, terrain and map, what moves for each track.
    """

    def __init__(
        self,
        surface: Surface,
        tracks: Sequence[Track],
        size: tuple[int, int] = (1200, 600),
        title: str | None = None,
    ) -> None:
        # Ink shrinks more slowly than paper: small pictures stay readable.
        scale = min(size[0] / 1200, size[1] / 600)
        dpi = 100 * max(scale, min(scale, 1) ** 0.6)
        # A hundredth of a pixel keeps the size from being rounded down.
        inches = ((size[0] + 0.01) / dpi, (size[1] + 0.01) / dpi)
        self.figure = Figure(figsize=inches, dpi=dpi, facecolor=PAPER)
        self.canvas: Any = FigureCanvasAgg(self.figure)  # its methods have no types

        grid = surface.grid(NODES)
        z = np.ma.masked_invalid(np.asarray(grid.z, float))
        nodes = np.stack([*np.meshgrid(grid.x, grid.y), z.filled(np.nan)], axis=-1)
        above = np.ma.maximum(z - surface.minimum, 1e-6)
        camera = _Camera.over(surface.bounds, float(z.min()), float(z.max()))
        courses = [_Course.of(track, camera) for track in tracks]
        self.steps = max((len(np.asarray(t.values)) - 1 for t in tracks), default=0)

        # The lowest nodes share one colour, so that the others have enough of them.
        lowest = float(np.quantile(above.compressed(), 5e-3))
        norm = LogNorm(lowest, max(float(above.max()), 10 * lowest))
        upper = self._legend(tracks, courses)
        relief, plan, bar = self._panels(upper, camera.shape[1] / camera.shape[0])
        _draw_terrain(relief, nodes[::2, ::2], HEIGHTS(norm(above[::2, ::2])), camera)
        _draw_map(plan, nodes, above, norm)
        _draw_bar(bar, norm)
        name = title or surface.name.replace("_", " ").capitalize()
        self.figure.text(
            *self._at(0.3, -0.42), name, color=INK, fontsize=15, fontweight="bold"
        )
        views: list[tuple[Axes, View]] = [(relief, camera.project), (plan, _from_above)]
        for axes, view in views:
            _draw_landmarks(axes, view, surface, nodes)
        self.trails = [
            [
                _Trail(axes, view, course, track.colour, marker)
                for track, course, marker in zip(
                    tracks, courses, cycle(MARKERS), strict=False
                )
            ]
            for axes, view in views
        ]
        self.counter = self.figure.text(
            *self._at(-0.3, -0.42), "", color=QUIET, fontsize=11, ha="right"
        )
        moving = [a for panel in self.trails for t in panel for a in (t.line, t.head)]
        self._moving = sorted([*moving, self.counter], key=lambda a: a.get_zorder())
        self._background = self._still()
        self.draw(0)

    def draw(self, step: int) -> None:
        """Draws the race as it stands at `step`."""
        for panel in self.trails:
            # A head grows by a ring for every later one that it would hide under.
            spots = np.array([t.spot(step) for t in panel]).reshape(-1, 2)
            gaps = np.linalg.norm(spots[:, None] - spots, axis=-1)
            near = np.clip(1 - gaps * 12 / self.figure.dpi, 0, 1)  # within 6 points
            rings = np.triu(np.nan_to_num(near), 1).sum(axis=1)
            for trail, ring in zip(panel, rings, strict=True):
                trail.move(step, ring)
        self.counter.set_text(f"step {step} / {self.steps}")
        renderer = self.canvas.get_renderer()
        self.canvas.restore_region(self._background)
        for artist in self._moving:
            artist.draw(renderer)

    def frame(self, step: int) -> NDArray[np.uint8]:
        """Draws a step and copies its pixels: [height, width, 4], RGBA."""
        self.draw(step)
        return np.array(self.canvas.buffer_rgba())

    def _still(self) -> Any:
        """The pixels of what does not move."""
        for artist in self._moving:
            artist.set_visible(False)
        self.canvas.draw()
        for artist in self._moving:
            artist.set_visible(True)
        return self.canvas.copy_from_bbox(self.figure.bbox)

    def _at(self, x: float, y: float) -> tuple[float, float]:
        """The place so many inches from the lower left, if negative the upper right."""
        width, height = self.figure.get_size_inches()
        return x / width % 1, y / height % 1

    def _legend(self, tracks: Sequence[Track], courses: Sequence[_Course]) -> float:
        """Writes the legend in as few rows as fit; returns its upper edge in inches."""
        handles = [
            Line2D([], [], **_look(track.colour, marker), lw=2.4)
            for track, marker in zip(tracks, cycle(MARKERS), strict=False)
        ]
        labels = [t.label + c.fate for t, c in zip(tracks, courses, strict=True)]
        upper = 0.1
        for rows in range(1, len(tracks) + 1):
            legend = self.figure.legend(
                handles,
                labels,
                ncols=math.ceil(len(tracks) / rows),
                loc="lower center",
                bbox_to_anchor=(0.5, self._at(0, 0.08)[1]),
                frameon=False,
                fontsize=9.5,
                labelcolor=INK,
                columnspacing=2.4,
                handlelength=2.2,
            )
            box = legend.get_window_extent(self.canvas.get_renderer())
            upper = box.y1 / self.figure.dpi
            if box.width < 0.97 * self.figure.bbox.width:
                break
            if rows < len(tracks):
                legend.remove()
        return float(upper)

    def _panels(self, lower: float, aspect: float) -> tuple[Axes, Axes, Axes]:
        """Places terrain, map and colour bar between the legend and the title."""
        width, height = self.figure.get_size_inches()
        bottom, top = lower + 0.36, height - 0.62
        deep = min(top - bottom, 0.42 * width * aspect)
        wide, bottom = deep / aspect, (bottom + top - deep) / 2
        left = width - wide - 0.95

        def place(x: float, y: float, wide: float, deep: float) -> Axes:
            box = (x / width, y / height, wide / width, deep / height)
            return self.figure.add_axes(box)

        return (
            place(0.1, lower, left - 0.6, top - lower),
            place(left, bottom, wide, deep),
            place(left + wide + 0.14, bottom, 0.11, deep),
        )


class _Course(NamedTuple):
    """What of a track is inside the window, in window coordinates and height."""

    segments: Array  # [n, 2, 3], of each step the part inside, from edge to edge
    seen: Array  # [n], false where no part is
    heads: Array  # [n + 1, 3], outside the window the place where it left
    inside: Array  # [n + 1]
    lost: int | None  # the first step that is not finite; the course ends before it

    @classmethod
    def of(cls, track: Track, camera: _Camera) -> _Course:
        points = np.column_stack([track.positions, track.values]).astype(float)
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


class _Camera(NamedTuple):
    """An orthographic view of the window and the heights over it."""

    bounds: Bounds
    shape: Array  # [2], the sides of the window as drawn, the longer one 1
    low: float
    high: float

    @classmethod
    def over(cls, bounds: Bounds, low: float, high: float) -> _Camera:
        sides = np.ptp(bounds, axis=1)
        shape = np.maximum(sides / sides.max(), 0.5)  # a sliver would show nothing
        return cls(bounds, shape, low, high)

    def unit(self, points: Array) -> Array:
        """The points in the coordinates of the block, [..., 3]."""
        (x0, x1), (y0, y1) = self.bounds
        origin = np.array([x0, y0, self.low])
        sides = np.array([x1 - x0, y1 - y0, max(self.high - self.low, 1e-30)])
        return np.asarray((points - origin) / sides * np.append(self.shape, RELIEF))

    def project(self, points: Array) -> Array:
        """Points [..., 3] as places on the paper [..., 2]."""
        x, y, z = np.moveaxis(self.unit(points), -1, 0)
        across = y * math.cos(AZIMUTH) - x * math.sin(AZIMUTH)
        away = -x * math.cos(AZIMUTH) - y * math.sin(AZIMUTH)
        up = away * math.sin(ELEVATION) + z * math.cos(ELEVATION)
        return np.stack([across, up], axis=-1)

    def feet(self, points: Array) -> Array:
        """Where the bottom of the block is under the points, on the paper."""
        bottom = self.low - FLOOR / RELIEF * (self.high - self.low)
        return self.project(np.where([False, False, True], bottom, points))


def _from_above(points: Array) -> Array:
    return points[..., :2]


class _Trail:
    """One track on one panel: a trail that thins with age, and its head."""

    def __init__(
        self, axes: Axes, view: View, course: _Course, colour: str, marker: str
    ) -> None:
        self.axes, self.course, self.marker = axes, course, marker
        self.colours = colour, _casing(colour)
        self.heads = view(course.heads)
        self.segments = view(course.segments[course.seen])
        # How many of the segments there are at each step.
        self.drawn = np.append(0, np.cumsum(course.seen))
        self.line = PathCollection(
            [], facecolors="none", capstyle="round", clip_on=False, zorder=6
        )
        axes.add_collection(self.line, autolim=False)
        self.head = Line2D([], [], **_look(colour, marker), clip_on=False, zorder=7)
        axes.add_line(self.head)

    def spot(self, step: int) -> Array:
        """Where the head is, in pixels."""
        head = self.heads[min(step, len(self.heads) - 1)]
        return np.asarray(self.axes.transData.transform(head))

    def move(self, step: int, rings: float) -> None:
        """Draws the track as far as `step`, its head grown by `rings`."""
        now = min(step, len(self.heads) - 1)
        old, new = self.drawn[max(min(step - FRESH, now), 0)], self.drawn[now]
        pieces = [_lines(segment[None]) for segment in self.segments[old:new]]
        age = step - 1 - np.flatnonzero(self.course.seen)[old:new]
        width = 3 - 1.8 * age / FRESH
        if old:
            pieces, width = (
                [_lines(self.segments[:old]), *pieces],
                np.append(1.2, width),
            )
        # The casing lies under the whole trail, so every piece is drawn twice.
        self.line.set_paths(pieces * 2)
        self.line.set_linewidth([*(width + 1.5), *width])
        colour, casing = self.colours
        self.line.set_edgecolor(
            [to_rgba(casing, 0.8)] * len(pieces) + [to_rgba(colour)] * len(pieces)
        )
        # Under others a head is a ring: no other shape shows all around.
        buried = rings > 0.5
        lost = self.course.lost is not None and step >= self.course.lost
        self.head.set_data(*self.heads[now, :, None])
        self.head.set_marker("o" if buried else "X" if lost else self.marker)
        self.head.set_markersize(HEAD + 2.7 * rings + buried)
        self.head.set_markeredgewidth(0.4 if buried else 0.8)
        outside = not self.course.inside[now]
        self.head.set_markerfacecolor(casing if outside else colour)
        self.head.set_markeredgecolor(colour if outside else casing)


def _lines(segments: Array) -> Path:
    """Segments [n, 2, 2] as one path."""
    return Path(segments.reshape(-1, 2), [Path.MOVETO, Path.LINETO] * len(segments))


def _casing(colour: str) -> str:
    """What a line of this colour is edged with, to stand out from any ground."""
    return INK if np.dot(to_rgb(colour), [0.2126, 0.7152, 0.0722]) > 0.8 else PAPER


def _look(colour: str, marker: str) -> dict[str, Any]:
    return {
        "color": colour,
        "marker": marker,
        "markersize": HEAD,
        "markeredgecolor": _casing(colour),
        "markeredgewidth": 0.8,
    }


def _draw_terrain(axes: Axes, nodes: Array, colours: Array, camera: _Camera) -> None:
    """Draws a block of terrain: facets from back to front, then the sides in front."""
    axes.set_axis_off()
    axes.set_aspect("equal")
    # From the north-west: everything comes after what it hides. So do the facets after
    # the mesh lines on their far edges.
    place, colours = camera.project(nodes[::-1]), colours[::-1, :, :3]
    nw, ne, sw, se = place[:-1, :-1], place[:-1, 1:], place[1:, :-1], place[1:, 1:]
    shapes = np.array([[nw, ne, ne, nw], [nw, sw, sw, nw], [nw, ne, se, sw]])
    polygons: Array = np.moveaxis(shapes, [0, 1], [2, 3])  # [rows, columns, 3, 4, 2]
    row, column = np.indices(nw.shape[:2])
    drawn = np.stack([row % MESH == 0, column % MESH == 0, row >= 0], axis=-1)
    drawn &= np.isfinite(polygons).all(axis=(-1, -2))

    # Lit from the west and above.
    slopes = np.gradient(camera.unit(nodes[::-1])[..., 2] * len(nodes))
    south, east = slopes[0] / camera.shape[1], slopes[1] / camera.shape[0]
    light = (0.85 + 0.5 * east + 0.1 * south) / np.sqrt(1 + east**2 + south**2)
    light = 0.72 + 0.34 * np.nan_to_num(light, nan=0.85).clip(0.3)
    lit = (colours * light[..., None]).clip(0, 1)
    face = (lit[:-1, :-1] + lit[:-1, 1:] + lit[1:, :-1] + lit[1:, 1:]) / 4
    edge = np.stack([0.6 * face + 0.4, 0.6 * face + 0.4, face], axis=2)
    axes.add_collection(
        PolyCollection(
            polygons[drawn],
            facecolors=np.broadcast_to(face[:, :, None], edge.shape)[drawn],
            edgecolors=edge[drawn],
            linewidths=np.broadcast_to([0.9, 0.9, 0.6], drawn.shape)[drawn],
        )
    )
    for side, border, shade in ((0, nodes[0], "#cfd6d9"), (1, nodes[:, -1], "#b9c3c8")):
        feet = camera.feet(border)
        top = np.where(np.isfinite(border[:, 2:]), camera.project(border), feet)
        axes.fill(*np.concatenate([top, feet[::-1]]).T, color=shade, lw=0)
        axes.plot(*top.T, color=PAPER, lw=0.8)
        low, high = camera.bounds[side]
        for tick in MaxNLocator(4).tick_values(low, high):
            if low < tick < high:
                axes.annotate(
                    f"{tick:g}".replace("-", "\N{MINUS SIGN}"),
                    feet[np.abs(border[:, side] - tick).argmin()],
                    xytext=(6 * side - 3, -3),
                    textcoords="offset points",
                    ha=("right", "left")[side],
                    va="top",
                    color=QUIET,
                    fontsize=8.5,
                )


def _draw_map(axes: Axes, nodes: Array, above: Any, norm: LogNorm) -> None:
    """Draws the surface seen from above: smooth colours, thin contours."""
    x, y = nodes[0, :, 0], nodes[:, 0, 1]
    axes.imshow(
        above,
        cmap=HEIGHTS,
        norm=norm,
        extent=(x[0], x[-1], y[0], y[-1]),
        origin="lower",
        interpolation="bilinear",
        aspect="auto",
    )
    levels = norm.inverse(np.linspace(0, 1, 16))
    axes.contour(x, y, above, levels, colors=PAPER, linewidths=0.5, alpha=0.45)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    _quieten(axes)


def _draw_bar(axes: Axes, norm: LogNorm) -> None:
    """Draws the scale of the colours."""
    colours = ScalarMappable(norm, HEIGHTS)
    bar = axes.figure.colorbar(colours, cax=axes, extend="min")
    bar.outline.set_visible(False)
    bar.set_label("height above the minimum", color=QUIET, fontsize=8.5)
    low, high = colours.get_clim()
    if high < 300 * low:  # decades alone would be too few
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_locator(NullLocator())
    _quieten(axes)


def _draw_landmarks(axes: Axes, view: View, surface: Surface, nodes: Array) -> None:
    """Marks the start, the global minima and, on the map, the local ones."""
    x, y = surface.start
    start = nodes[
        np.abs(nodes[:, 0, 1] - y).argmin(), np.abs(nodes[0, :, 0] - x).argmin()
    ]
    best = [(*m.position, m.value) for m in surface.global_minima]
    # On the terrain a hill would hide some of these, but not their marks.
    rest = [(*m.position, m.value) for m in surface.minima if view is _from_above]

    def mark(points: list[tuple[float, float, float]], **look: Any) -> None:
        if points:
            places = view(np.array(points))
            axes.plot(*places.T, ls="none", color=PAPER, clip_on=False, **look)

    mark(rest, marker=".", markersize=4, markeredgewidth=0, alpha=0.7)
    ink = {"markeredgecolor": INK, "zorder": 4}
    mark([(x, y, start[2])], marker="o", markersize=5, markeredgewidth=1.2, **ink)
    mark(best, marker="*", markersize=15, markeredgewidth=0.8, **ink)


def _quieten(axes: Axes) -> None:
    """Gives the axes ticks that do not ask for attention, and no frame."""
    axes.tick_params(colors=QUIET, labelsize=8.5, length=3, width=0.6)
    for spine in axes.spines.values():
        spine.set_visible(False)
