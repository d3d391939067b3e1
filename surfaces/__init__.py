"""The laboratory: test surfaces, races between optimizers, and pictures of both.

`surfaces.plot`, `surfaces.animate` and `surfaces.page` draw what the functions here
return.
"""

from surfaces.attraction import Basins, basins, settling_rates
from surfaces.descent import descend
from surfaces.functions import SURFACES
from surfaces.grid import RateSweep, learning_rates
from surfaces.lattice import Lattice, lattices
from surfaces.racer import Racer
from surfaces.racing import Result, race
from surfaces.roster import ORIGINAL, ROSTER
from surfaces.scan import Path
from surfaces.search import Minimum, find_minima
from surfaces.sensitivity import RateCurve, rate_curves
from surfaces.surface import Grid, Surface
from surfaces.tuning import GridSearch, grid_search

__all__ = [
    # Surfaces
    "SURFACES",
    "Surface",
    "Minimum",
    "Grid",
    "find_minima",
    # Descents
    "descend",
    "Path",
    # Many descents
    "learning_rates",
    "RateSweep",
    "rate_curves",
    "RateCurve",
    "grid_search",
    "GridSearch",
    "basins",
    "settling_rates",
    "Basins",
    "lattices",
    "Lattice",
    # Races
    "ROSTER",
    "ORIGINAL",
    "Racer",
    "race",
    "Result",
]
