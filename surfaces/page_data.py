"""Paths in few bytes: what one surface puts into the page.

The window is a raster of 401 × 401 points, and positions are points of it. Of a
position the step to it is stored, exactly up to 16 points and beyond that in 8 lengths
to the octave; the next step takes up what that leaves out. The ground, its height at
every point, foretells the height of a path, of which the rest is stored. Signs are
folded into bytes (0, −1, 1, −2, … are 0, 1, 2, 3, …) and all is deflated.

Heights are those above the surface's lowest value, in twentieths of a decade above a
millionth of the window's height. A path outside the window has none, and waits where
it left.
"""

import math
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from surfaces.lattice import Lattice
    from surfaces.surface import Surface

Array = NDArray[Any]

RASTER = 401
DECADE = 20  # levels of height in a decade
FLOOR = 1e-6  # the lowest level, as a share of the window's height
TOP = round(-DECADE * math.log10(FLOOR))  # the highest level
FINE = 16  # the ground is stored in fractions of a level
OUTSIDE, LOST = 254, 255  # in place of a height: not in the window, no number

LENGTHS = [0]  # of steps, in points of the raster
while LENGTHS[-1] < RASTER:
    LENGTHS.append(LENGTHS[-1] + 2 ** max(0, LENGTHS[-1].bit_length() - 4))

CODING = {
    "raster": RASTER, "decade": DECADE, "floor": FLOOR, "top": TOP, "fine": FINE,
    "outside": OUTSIDE, "lost": LOST, "lengths": LENGTHS,
}  # fmt: skip
"""What the page needs to know to unpack it."""

RESOLUTION = (
    f"Positions are rounded to a raster of {RASTER} × {RASTER} points over the window, "
    "steps longer than 16 points to a sixteenth of their length, and heights to "
    f"{10 ** (0.5 / DECADE) - 1:.0%}, down to a millionth of the window's height."
)


def packed(surface: "Surface", lattices: Sequence["Lattice"]) -> bytes:
    """One surface and the lattice of each optimizer on it, compressed.

    The bytes are, before compression: the ground in two planes of low and high bytes;
    for each optimizer the numbers of all steps' lengths along x, those along y, the
    rests of all heights, and for every start the best rate, 255 where there is none.
    """
    ground = _ground(surface)
    folded = _folded(np.diff(ground, prepend=0))
    parts = [folded & 0xFF, folded >> 8]
    for lattice in lattices:
        inside = surface.contains(lattice.positions)
        points, steps = _steps(_raster(surface, lattice.positions, inside))
        levels = _levels(surface, lattice.values)
        rest = _folded(levels - ground[points[..., 1], points[..., 0]] // FINE)
        rest = np.where(inside, rest, OUTSIDE)
        finite = np.isfinite(lattice.positions).all(axis=-1)
        finite &= np.isfinite(lattice.values)
        rest = np.where(finite, rest, LOST)
        parts += [_folded(steps[..., 0]), _folded(steps[..., 1]), rest]
        parts += [np.where(lattice.best < 0, 255, lattice.best)]
    raw = b"".join(part.astype(np.uint8).tobytes() for part in parts)
    # As gzip, in blocks that are short enough for the paths of a few rates.
    deflate = zlib.compressobj(9, zlib.DEFLATED, wbits=31, memLevel=6)
    return deflate.compress(raw) + deflate.flush()


def _ground(surface: "Surface") -> Array:
    """The height at the points of the raster, [y, x], in fractions of a level.

    Where there is no number, it is one fraction above the top.
    """
    z = surface.grid(RASTER).z
    return np.where(np.isfinite(z), _levels(surface, z, FINE), TOP * FINE + 1)


def _levels(surface: "Surface", values: Array, fractions: int = 1) -> Array:
    """The level of a height, any where it is no number."""
    share = (np.asarray(values, float) - surface.minimum) / (surface.span or 1.0)
    decades = np.log10(np.nan_to_num(share, nan=1).clip(FLOOR, 1) / FLOOR)
    return np.rint(decades * DECADE * fractions).astype(int)


def _raster(surface: "Surface", positions: Array, inside: Array) -> Array:
    """The points nearest to paths [..., steps + 1, 2], which wait while outside."""
    low, high = np.transpose(surface.bounds)
    known = np.asarray(np.isfinite(positions).all(axis=-1))
    places = (np.where(known[..., None], positions, low) - low) / (high - low)
    leaves = inside[..., :-1] & ~inside[..., 1:] & known[..., 1:]
    # The way out: as much of the step as the nearer edge admits.
    before, step = places[..., :-1, :], np.diff(places, axis=-2)
    room = np.where(step > 0, 1 - before, before) + 1e-12
    share = (room / np.maximum(np.abs(step), 1e-12)).min(axis=-1, keepdims=True)
    out = before + share.clip(0, 1) * step
    places[..., 1:, :] = np.where(leaves[..., None], out, places[..., 1:, :])
    # A path stands where it was last inside, or left.
    stands = inside.copy()
    stands[..., 1:] |= leaves
    latest = np.where(stands, np.arange(stands.shape[-1]), 0)
    latest = np.maximum.accumulate(latest, axis=-1)[..., None]
    places = np.take_along_axis(places, latest, axis=-2)
    return np.rint(places.clip(0, 1) * (RASTER - 1)).astype(int)


def _steps(points: Array) -> tuple[Array, Array]:
    """Paths [..., steps + 1, 2] as stored, and the numbers of their steps' lengths."""
    lengths = np.array(LENGTHS)
    middles = (lengths[1:] + lengths[:-1]) / 2
    stored, numbers = np.empty_like(points), np.zeros_like(points)
    at = stored[..., 0, :] = points[..., 0, :]
    for step in range(1, points.shape[-2]):
        way = points[..., step, :] - at
        number = np.searchsorted(middles, np.abs(way))
        at = (at + np.sign(way) * lengths[number]).clip(0, RASTER - 1)
        numbers[..., step, :] = np.sign(way) * number
        stored[..., step, :] = at
    return stored, numbers


def _folded(numbers: Array) -> Array:
    """0, −1, 1, −2, … as 0, 1, 2, 3, …"""
    return np.where(numbers < 0, -2 * numbers - 1, 2 * numbers)
