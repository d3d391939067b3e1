"""The ground of a race: a block of terrain, its map and its landmarks.

Colours show the logarithm of the height above the minimum,
log10(max(z - minimum, 1e-6)), but the terrain keeps its linear height: a logarithmic
one is a needle at the minimum.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import LogNorm
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from surfaces.figures.style import HEIGHTS, INK, PAPER, QUIET, quieten

if TYPE_CHECKING:
    from surfaces.surface import Surface

Array = NDArray[Any]
Bounds = tuple[tuple[float, float], tuple[float, float]]
View = Callable[[Array], Array]  # points [..., 3] to places on the paper [..., 2]

AZIMUTH, ELEVATION = math.radians(-60), math.radians(45)  # seen from the south-east
RELIEF, FLOOR = 0.5, 0.07  # height of the terrain and of the block under it
MESH = 6  # facets between two mesh lines


class Camera(NamedTuple):
    """An orthographic view of the window and the heights over it."""

    bounds: Bounds
    shape: Array  # [2], the sides of the window as drawn, the longer one 1
    low: float
    high: float

    @classmethod
    def over(cls, bounds: Bounds, low: float, high: float) -> Camera:
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


def from_above(points: Array) -> Array:
    return points[..., :2]


def draw_terrain(axes: Axes, nodes: Array, colours: Array, camera: Camera) -> None:
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
            rasterized=True,  # as vectors 40 MB of an SVG
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


def draw_map(axes: Axes, nodes: Array, above: Any, norm: LogNorm) -> None:
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
    quieten(axes)


def draw_landmarks(axes: Axes, view: View, surface: Surface, nodes: Array) -> None:
    """Marks the start, the global minima and, on the map, the local ones."""
    x, y = surface.start
    start = nodes[
        np.abs(nodes[:, 0, 1] - y).argmin(), np.abs(nodes[0, :, 0] - x).argmin()
    ]
    best = [(*m.position, m.value) for m in surface.global_minima]
    # On the terrain a hill would hide some of these, but not their marks.
    rest = [(*m.position, m.value) for m in surface.minima if view is from_above]

    def mark(points: list[tuple[float, float, float]], **look: Any) -> None:
        if points:
            places = view(np.array(points))
            axes.plot(*places.T, ls="none", color=PAPER, clip_on=False, **look)

    mark(rest, marker=".", markersize=4, markeredgewidth=0, alpha=0.7)
    ink = {"markeredgecolor": INK, "zorder": 4}
    mark([(x, y, start[2])], marker="o", markersize=5, markeredgewidth=1.2, **ink)
    mark(best, marker="*", markersize=15, markeredgewidth=0.8, **ink)
