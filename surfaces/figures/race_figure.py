"""Arrays in, picture out: a race seen from the side, from above, and height by step.

Whatever stands still is drawn once; a step redraws trails, heads, curves and counter.
Nothing here knows an optimizer, and nothing here touches pyplot.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from surfaces.figures import race_layout, style
from surfaces.figures.height_panel import HeightPanel
from surfaces.figures.style import HEIGHTS
from surfaces.figures.terrain import (
    Camera,
    View,
    draw_landmarks,
    draw_map,
    draw_terrain,
    from_above,
)
from surfaces.figures.trail import MARKERS, Course, Track, Trail, look, sizes_of_heads

if TYPE_CHECKING:
    from surfaces.surface import Surface

NODES = 241  # nodes of the map along a side


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
      heights: the panel of heights against steps.

    Raises:
      ValueError: if the surface is finite nowhere, so that there is no ground, or if a
        track has a colour or shapes that cannot be drawn.
    """

    @style.sheet
    def __init__(
        self,
        surface: Surface,
        tracks: Sequence[Track],
        size: tuple[int, int] = (1200, 600),
        title: str | None = None,
    ) -> None:
        self.figure = style.figure(size)
        self.canvas: Any = FigureCanvasAgg(self.figure)  # its methods have no types

        grid = surface.grid(NODES)
        z = np.ma.masked_invalid(np.asarray(grid.z, float))
        if not z.count():
            raise ValueError(
                "RaceFigure: surface must have finite values in its window, "
                f"got none on {surface!r}"
            )
        nodes = np.stack([*np.meshgrid(grid.x, grid.y), z.filled(np.nan)], axis=-1)
        above = np.ma.maximum(z - surface.minimum, style.LEAST)
        camera = Camera.over(surface.bounds, float(z.min()), float(z.max()))
        courses = [Course.of(track, camera) for track in tracks]
        self.steps = max((len(np.asarray(t.values)) - 1 for t in tracks), default=0)

        # The lowest nodes share one colour, so that the others have enough of them.
        lowest = float(np.quantile(above.compressed(), 5e-3))
        norm = LogNorm(lowest, max(float(above.max()), 10 * lowest))
        labels = [t.label + c.fate for t, c in zip(tracks, courses, strict=True)]
        looks = [
            look(track.colour, marker)
            for track, marker in zip(tracks, cycle(MARKERS), strict=False)
        ]
        upper = race_layout.legend(self.figure, self.canvas, labels, looks)
        aspect = camera.shape[1] / camera.shape[0]
        relief, plan, bar, curve = race_layout.panels(self.figure, upper, aspect)
        draw_terrain(relief, nodes[::2, ::2], HEIGHTS(norm(above[::2, ::2])), camera)
        draw_map(plan, nodes, above, norm)
        curves = [
            (drawn, style.shown(np.asarray(t.values)[: c.lost] - surface.minimum))
            for drawn, t, c in zip(looks, tracks, courses, strict=True)
        ]
        self.heights = HeightPanel(curve, bar, norm, self.steps, curves)
        name = title or style.named(surface.name)
        _, self.counter = style.head(self.figure, name, "")
        views: list[tuple[Axes, View]] = [(relief, camera.project), (plan, from_above)]
        for axes, view in views:
            draw_landmarks(axes, view, surface, nodes)
        self.trails = [
            [
                Trail(axes, view, course, track.colour, marker)
                for track, course, marker in zip(
                    tracks, courses, cycle(MARKERS), strict=False
                )
            ]
            for axes, view in views
        ]
        moving: list[Artist] = [self.counter, *self.heights.moving]
        moving += [a for panel in self.trails for t in panel for a in (t.line, t.head)]
        self._moving = sorted(moving, key=lambda a: a.get_zorder())
        self._background = self._still()
        self.draw(0)

    def draw(self, step: int) -> None:
        """Draws the race as it stands at `step`.

        Raises:
          ValueError: if there is no such step.
        """
        if step not in range(self.steps + 1):
            raise ValueError(
                f"RaceFigure: step must be from 0 to {self.steps}, got {step!r}"
            )
        for panel in self.trails:
            spots = np.array([t.spot(step) for t in panel]).reshape(-1, 2)
            sizes = sizes_of_heads(spots * 72 / self.figure.dpi)
            for trail, size in zip(panel, sizes, strict=True):
                trail.move(step, size)
        self.heights.move(step)
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
