"""The laboratory: test surfaces, races between optimizers, and pictures of both.

`surfaces.plot` and `surfaces.animate` draw what the functions here return.
"""

from surfaces.descent import Path, descend
from surfaces.functions import SURFACES
from surfaces.grid import RateSweep, learning_rates
from surfaces.racing import Result, race
from surfaces.roster import ORIGINAL, ROSTER, Racer
from surfaces.search import Minimum, find_minima
from surfaces.surface import Grid, Surface

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
    "learning_rates",
    "RateSweep",
    # Races
    "ROSTER",
    "ORIGINAL",
    "Racer",
    "race",
    "Result",
]
