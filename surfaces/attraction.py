"""Basins of attraction: where in a window do paths start that end at one minimum?"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import ArrayLike, NDArray

import optax_extra
from surfaces.descent import check_descent
from surfaces.grid import Factory, paced, positive_row
from surfaces.scan import on_all, on_one, walk_to_end
from surfaces.surface import Surface, by_name

# Rates among which `settling_rates` chooses, and points along a side of its lattice.
RATES = np.logspace(-3, 0, 25)
_LATTICE = 32
# Rates at which so much less of the lattice settles are as good as the best.
_AS_GOOD = 0.01


class Basins(NamedTuple):
    """Where the paths from a grid of starts end; row y, column x.

    Attributes:
      surface: name of the surface.
      steps: how many were made.
      bounds: `[2, 2]`, the window, as a `Surface` has it. The grid covers it with `n`
        by `n` cells, and a path starts in the middle of each.
      minima: `[m, 2]`, the surface's minima, lowest first.
      depths: `[m]`, their values.
      reached: `[n, n]`, at which of the minima a path ends, -1 if at none.
      remoteness: `[n, n]`, how far from that minimum, or from its end, the mean of the
        path's positions lies: the farther, the longer or slower the way was.
      positions: `[n, n, 2]`, where the paths end, or None: no picture needs them, and
        the files of the command are without.
      values: `[n, n]`, the surface there, or None likewise.
      learning_rate: that of the optimizer, where the command says so.
    """

    surface: str
    steps: int
    bounds: NDArray[Any]
    minima: NDArray[Any]
    depths: NDArray[Any]
    reached: NDArray[np.int16]
    remoteness: NDArray[Any]
    positions: NDArray[Any] | None = None
    values: NDArray[Any] | None = None
    learning_rate: float | None = None


def basins(
    optimizer: optax.GradientTransformation,
    surface: Surface,
    resolution: int = 400,
    steps: int = 200,
) -> Basins:
    """Descends from every cell of a grid over the window, in one program.

    An end counts as at a minimum within 2 % of the window's diagonal. At a large
    learning rate paths do not settle, and the basins are noise.

    Args:
      optimizer: a `GradientTransformation` with its learning rate.
      surface: what to descend.
      resolution: cells along a side, at least 1.
      steps: how many, at least 1.

    Returns:
      `Basins`.

    Raises:
      TypeError: if optimizer or surface is no such thing.
      ValueError: if resolution or steps is below 1.

    Example:
      >>> import optax
      >>> from surfaces import SURFACES, basins
      >>> found = basins(optax.sgd(0.1), SURFACES["six_hump_camel"], 20)
      >>> found.reached.shape, found.minima.shape
      ((20, 20), (6, 2))
      >>> sorted(set(found.reached.ravel().tolist()))
      [0, 1, 2, 3, 4, 5]
    """
    check_descent("basins", surface, steps)
    if not hasattr(optimizer, "init") or not hasattr(optimizer, "update"):
        raise TypeError(
            f"basins: optimizer must be a GradientTransformation, got {optimizer!r}"
        )
    if resolution < 1:
        raise ValueError(f"basins: resolution must be at least 1, got {resolution}")
    cells = (np.arange(resolution) + 0.5) / resolution
    x, y = (low + (high - low) * cells for low, high in surface.bounds)

    def train(y: jax.Array, x: jax.Array) -> dict[str, jax.Array]:
        end = walk_to_end(on_one(optimizer, surface), steps, jnp.stack([x, y]))
        index, place = _settled(surface, end.position)
        return {
            "reached": index,
            "remoteness": jnp.linalg.norm(end.mean - place),
            "positions": end.position,
            "values": end.value,
        }

    axes = {"y": jnp.asarray(y, dtype=float), "x": jnp.asarray(x, dtype=float)}
    found: Any = optax_extra.sweep(train, axes).values
    return Basins(
        surface=surface.name,
        steps=steps,
        bounds=np.asarray(surface.bounds),
        minima=np.array([m.position for m in surface.minima]).reshape(-1, 2),
        depths=np.array([m.value for m in surface.minima]),
        **jax.tree.map(np.asarray, found),
    )


def settling_rates(
    factory: Factory,
    surfaces: Sequence[Surface],
    steps: int = 200,
    rates: ArrayLike = RATES,
) -> dict[str, float]:
    """Finds, for each surface, a learning rate at which paths settle.

    At some rates about as many starts of a lattice end at a minimum as at any, within
    3 %. It is the middle of the first row of such rates: smaller ones stop on the way,
    larger ones jump about.

    Args:
      factory: function of a learning rate to a `GradientTransformation`.
      surfaces: what to descend.
      steps: how many, at least 1.
      rates: learning rates to choose from, `[n]`, positive, finite and ascending.

    Returns:
      Names of the surfaces to rates.

    Raises:
      TypeError: if factory or a surface is no such thing.
      ValueError: if two surfaces share a name, steps is below 1, or rates are not
        positive and finite.
    """
    for surface in surfaces:
        check_descent("settling_rates", surface, steps)
    build, whole = paced(factory, steps)
    low, high = jnp.moveaxis(jnp.asarray([s.bounds for s in surfaces], float), -1, 0)

    def train(learning_rate: jax.Array, y: jax.Array, x: jax.Array) -> jax.Array:
        starts = low + (high - low) * jnp.stack([x, y])[None]
        course = on_all(build(learning_rate), tuple(surfaces))
        end = walk_to_end(course, whole, starts)
        pairs = zip(surfaces, end.position, strict=True)
        return jnp.stack([_settled(surface, at)[0] >= 0 for surface, at in pairs])

    cells = (jnp.arange(_LATTICE) + 0.5) / _LATTICE
    row = positive_row("settling_rates", rates)
    axes = {"learning_rate": row, "y": cells, "x": cells}
    settled = np.asarray(optax_extra.sweep(train, axes).values).mean(axis=(1, 2))
    chosen = {}
    for name, shares in zip(
        by_name("settling_rates", surfaces), settled.T, strict=True
    ):
        good = shares >= shares.max() - _AS_GOOD
        first = int(good.argmax())
        end = int(np.append(good[first:], False).argmin()) + first
        chosen[name] = float(np.asarray(rates)[(first + end - 1) // 2])
    return chosen


def _settled(surface: Surface, position: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Index and place of the minimum at a position; elsewhere -1 and the position."""
    if not surface.minima:
        return jnp.asarray(-1, jnp.int16), position
    minima = jnp.asarray([m.position for m in surface.minima], dtype=position.dtype)
    distances = jnp.linalg.norm(minima - position[None], axis=-1)
    nearest = jnp.argmin(distances)
    settled = distances[nearest] <= surface.reach
    index = jnp.where(settled, nearest, -1).astype(jnp.int16)
    return index, jnp.where(settled, minima[nearest], position)
