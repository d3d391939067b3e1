"""All pictures: arrays in, a Matplotlib figure or axes out, which `svg` writes.

Nothing here knows an optimizer, and nothing here touches pyplot. What draws on axes
takes them as `ax` and returns them; without `ax` it makes a figure.
"""

from surfaces.figures.basin_figure import basin_panel, basins
from surfaces.figures.heat_figure import heat_map
from surfaces.figures.race_figure import RaceFigure, race
from surfaces.figures.rate_figure import rate_panel, rates
from surfaces.figures.svg_file import svg
from surfaces.figures.trail import Track

__all__ = [
    "Track",
    "RaceFigure",
    "race",
    "rates",
    "rate_panel",
    "basins",
    "basin_panel",
    "heat_map",
    "svg",
]
