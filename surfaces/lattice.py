"""Paths from a lattice of starts, at many learning rates: what the page shows."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike, NDArray

import optax_extra
from surfaces.descent import check_descent
from surfaces.grid import Factory, paced, positive_row
from surfaces.scan import Path, on_all, walk
from surfaces.surface import Surface

# The learning rates, and where the starts stand, as shares of the window's sides: the
# outermost where a surface that names no start of its own has it.
RATES = np.logspace(-4, 1, 64)
PLACES = np.linspace(0.05, 0.95, 9)


class Lattice(NamedTuple):
    """The paths of one optimizer on one surface; row y, column x.

    Attributes:
      rates: `[n]`.
      places: `[m]`, where the starts stand along either side, as shares of it.
      positions: `[n, m, m, steps + 1, 2]`, the start first.
      values: `[n, m, m, steps + 1]`, the surface at the positions.
      best: `[m, m]`, index of the rate that ends lowest in the window, -1 where none
        ends there.
    """

    rates: NDArray[Any]
    places: NDArray[Any]
    positions: NDArray[Any]
    values: NDArray[Any]
    best: NDArray[np.int16]


def lattices(
    factory: Factory,
    surfaces: Sequence[Surface],
    rates: ArrayLike = RATES,
    steps: int = 100,
    places: ArrayLike = PLACES,
) -> list[Lattice]:
    """Descends surfaces from a lattice of starts at every learning rate, in one sweep.

    Args:
      factory: function of a learning rate to a `GradientTransformation`, for example an
        entry of `ROSTER`.
      surfaces: what to descend.
      rates: learning rates, `[n]`, positive and finite.
      steps: how many, at least 1.
      places: where the starts stand along either side of the window, `[m]`, as shares
        of it: 0 is the low edge, 1 the high one.

    Returns:
      A `Lattice` for each surface.

    Raises:
      TypeError: if a surface is no such thing.
      ValueError: if steps is below 1, rates are not positive and finite, or places not
        in [0, 1].

    Example:
      >>> import optax
      >>> from surfaces import SURFACES, lattices
      >>> (sphere,) = lattices(optax.sgd, [SURFACES["sphere"]], [0.1, 1.0])
      >>> sphere.positions.shape
      (2, 9, 9, 101, 2)
      >>> bool((sphere.best == 1).all())
      True
    """
    for surface in surfaces:
        check_descent("lattices", surface, steps)
    shares = np.asarray(places, dtype=float)
    if shares.ndim != 1 or not shares.size or not np.all((shares >= 0) & (shares <= 1)):
        raise ValueError(
            f"lattices: places must be a row of shares in [0, 1], got {places!r}"
        )
    build, whole = paced(factory, steps)
    bounds = jnp.asarray([surface.bounds for surface in surfaces], dtype=float)
    low, side = bounds[..., 0], jnp.ptp(bounds, axis=-1)  # [surfaces, 2]

    def train(learning_rate: jax.Array, y: jax.Array, x: jax.Array) -> Path:
        starts = low + side * jnp.stack([x, y])[None]
        return walk(on_all(build(learning_rate), tuple(surfaces)), whole, starts)

    row = positive_row("lattices", rates)
    axes = {"learning_rate": row, "y": shares, "x": shares}
    paths = optax_extra.sweep(train, axes).values
    # After the last whole step nothing moves.
    kept = np.arange(steps + 1).clip(max=whole)
    positions, values = (np.asarray(leaf)[:, :, :, kept] for leaf in paths)
    return [
        _lattice(np.asarray(row), shares, surface, positions[..., i, :], values[..., i])
        for i, surface in enumerate(surfaces)
    ]


def _lattice(
    rates: NDArray[Any],
    places: NDArray[Any],
    surface: Surface,
    positions: NDArray[Any],
    values: NDArray[Any],
) -> Lattice:
    ends = values[..., -1]
    there = surface.contains(positions[..., -1, :]) & np.isfinite(ends)
    best = np.where(there, ends, np.inf).argmin(axis=0)
    best = np.where(there.any(axis=0), best, -1).astype(np.int16)
    return Lattice(rates, places, positions, values, best)
