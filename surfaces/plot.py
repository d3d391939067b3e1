"""All pictures: arrays in, a Matplotlib figure or axes out, which `svg` writes.

Nothing here knows an optimizer, and nothing here touches pyplot. What draws on axes
takes them as `ax` and returns them; without `ax` it makes a figure.
"""

from surfaces.basin_figure import basin_panel, basins
from surfaces.heat_figure import heat_map
from surfaces.race_figure import RaceFigure, race
from surfaces.rate_figure import rate_panel, rates
from surfaces.svg_file import svg
from surfaces.trail import Track

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
