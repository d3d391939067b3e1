"""Finds every local minimum of a function of two variables inside a window.

A fine grid shows where to look: at each point that is lower, or less steep, than its
eight neighbours. From there two searches start, because no single one suits both kinds
of minima: Newton's method for smooth ones, a golden-section search for kinks and jumps.

A ring of neighbours then decides what was found. All of them are higher around a
minimum; and where the ring is twice as wide, they rise four times as high around a
smooth one, but only twice as high around a kink.
"""

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from surfaces.refine import Value, golden_section, newton

try:
    from jax import enable_x64
except ImportError:  # jax 0.6 and 0.7 know it by its experimental name only,
    # which the newest, with which mypy runs, no longer has.
    from jax.experimental import enable_x64  # type: ignore[attr-defined,no-redef]

Bounds = tuple[tuple[float, float], tuple[float, float]]
Function = Callable[[jax.Array], Any]

# The share of the window at which two points count as one minimum and at which the
# ring of neighbours lies: well above the error of a position (1e-8, the root of the
# float64 resolution) and well below the spacing of the grid.
_NEAR = 1e-4


class Minimum(NamedTuple):
    """A local minimum of a surface.

    Attributes:
      position: where it lies, (x, y).
      value: the value there.
      smooth: whether the gradient vanishes there. Otherwise it is the tip of a kink,
        or the low side of a jump.
    """

    position: tuple[float, float]
    value: float
    smooth: bool


def for_each(function: Callable[[jax.Array], Any], points: np.ndarray) -> Any:
    """What a function returns at each of the points `[k, 2]`, stacked, in float64.

    That whatever JAX's settings; a user's function may hold float32 arrays, hence the
    standard promotion. And at once, even while the caller is being traced: a program
    compiled ahead of time does not join the trace.
    """
    with enable_x64(True), jax.numpy_dtype_promotion("standard"):
        program = jax.jit(jax.vmap(function)).lower(points).compile()
        return jax.tree.map(np.asarray, program(points))


def grid_points(
    bounds: Bounds, resolution: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The axes x `[n]` and y `[n]` of a grid, and its points `[n * n, 2]`, y first."""
    x, y = (np.linspace(low, high, resolution) for low, high in bounds)
    return x, y, np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


def find_minima(
    function: Function, bounds: Bounds, *, resolution: int = 401
) -> tuple[Minimum, ...]:
    """Finds the isolated local minima strictly inside a window.

    It does not find minima on the window's edge, nor those that the grid is too
    coarse to see.

    The lowest value beside a jump is often approached, but not attained. The minimum
    is then the last float64 position on the low side that the search came to, and its
    value what the function yields there: lower than at any point tried between it and
    the jump, and above the infimum by no more than rounding does.

    Args:
      function: maps an array of shape (2,) to a scalar. NaN counts as infinitely high.
      bounds: the window, ((x_low, x_high), (y_low, y_high)).
      resolution: points of the grid along each axis.

    Returns:
      The minima, lowest first.

    Example:
      >>> from surfaces.search import find_minima
      >>> (lowest,) = find_minima(lambda p: (p**2).sum(), ((-1, 1), (-1, 1)))
      >>> lowest.smooth
      True
    """
    value = _infinite_where_nan(function)
    sizes = np.asarray([high - low for low, high in bounds])
    grid = _look(value, bounds, resolution)

    def smooth(start: jax.Array) -> _Found:
        end = newton(value, start, resolution=1e-14 * grid.scale)
        level = jnp.linalg.norm(jax.grad(value)(end)) <= 1e-10 * grid.scale
        found = _judge(value, end, _NEAR * sizes)
        return found._replace(minimum=found.minimum & found.smooth & level)

    def other(start: jax.Array) -> _Found:
        end = golden_section(value, start, 2 * sizes / (resolution - 1))
        found = _judge(value, end, _NEAR * sizes)
        return found._replace(minimum=found.minimum & ~found.smooth)

    searches = for_each(smooth, grid.level), for_each(other, grid.lowest)
    return _distinct(searches, bounds)


class _Look(NamedTuple):
    """Where on a grid to start."""

    lowest: np.ndarray  # [k, 2] lower than the neighbours
    level: np.ndarray  # [l, 2] these, and those less steep than the neighbours
    scale: float  # the range of the values


class _Found(NamedTuple):
    """Where a search ended, and what the ring around it says."""

    position: jax.Array  # [2]
    value: jax.Array  # []
    minimum: jax.Array  # [] bool
    smooth: jax.Array  # [] bool


def _infinite_where_nan(function: Function) -> Value:
    def value(point: jax.Array) -> jax.Array:
        height = jnp.asarray(function(point), dtype=point.dtype)
        return jnp.where(jnp.isnan(height), jnp.inf, height)

    return value


def _look(value: Value, bounds: Bounds, resolution: int) -> _Look:
    def height_and_slope(point: jax.Array) -> tuple[jax.Array, jax.Array]:
        height, gradient = jax.value_and_grad(value)(point)
        return height, jnp.linalg.norm(gradient)

    _, _, points = grid_points(bounds, resolution)
    heights, slopes = for_each(height_and_slope, points)
    lowest = _lower_than_neighbours(heights.reshape(resolution, resolution))
    # Beside a saddle a minimum may be too shallow to hold a point of the grid that is
    # lower than its neighbours.
    level = lowest | _lower_than_neighbours(slopes.reshape(resolution, resolution))
    finite = heights[np.isfinite(heights)]
    scale = float(np.ptp(finite)) if finite.size else 0.0
    return _Look(points[lowest.ravel()], points[level.ravel()], scale)


def _lower_than_neighbours(z: np.ndarray) -> np.ndarray:
    """Of neighbours at one height the last counts.

    So what lies halfway between two points is seen once, and a plateau not at all.
    """
    rows, columns = z.shape
    lower: np.ndarray = np.isfinite(z)
    padded = np.pad(z, 1, constant_values=np.inf)
    padded[np.isnan(padded)] = np.inf
    for row, column in itertools.product((0, 1, 2), repeat=2):
        neighbour = padded[row : row + rows, column : column + columns]
        if (row, column) < (1, 1):
            lower &= z <= neighbour
        elif (row, column) > (1, 1):
            lower &= z < neighbour
    return lower


def _judge(value: Value, position: jax.Array, radius: np.ndarray) -> _Found:
    def rise(angle: jax.Array, width: float) -> jax.Array:
        direction = jnp.stack([jnp.cos(angle), jnp.sin(angle)])
        return value(position + width * radius * direction) - height

    height = value(position)
    angles = jnp.linspace(0.0, 2 * jnp.pi, 64, endpoint=False)
    near = jax.vmap(lambda angle: rise(angle, 1.0))(angles)
    far = jax.vmap(lambda angle: rise(angle, 2.0))(angles)
    return _Found(
        position=position,
        value=height,
        minimum=jnp.isfinite(height) & jnp.all(near >= 0),
        # Between twice, a kink, and four times, a parabola.
        smooth=jnp.mean(far) >= 3 * jnp.mean(near),
    )


def _distinct(searches: tuple[_Found, _Found], bounds: Bounds) -> tuple[Minimum, ...]:
    """The minima strictly inside the window, each once, lowest first."""
    low, high = np.transpose(np.asarray(bounds, dtype=np.float64))
    size = high - low
    candidates: list[Minimum] = []
    for found, smooth in zip(searches, (True, False), strict=True):
        positions = np.asarray(found.position)
        if smooth:
            # Zero, rather than the 1e-26 that Newton's method comes to. A jump is
            # another matter: there zero may be the high side.
            zero = np.abs(positions) < np.finfo(np.float64).eps * size
            positions = np.where(zero, 0.0, positions)
        inside = ((low < positions) & (positions < high)).all(axis=-1)
        candidates += [
            Minimum((float(x), float(y)), float(value), smooth)
            for (x, y), value, valid in zip(
                positions, found.value, inside & found.minimum, strict=True
            )
            if valid
        ]

    def near(a: Minimum, b: Minimum) -> bool:
        offset = np.abs(np.subtract(a.position, b.position))
        return bool((offset < _NEAR * size).all())

    distinct: list[Minimum] = []
    for candidate in sorted(candidates, key=lambda candidate: candidate.value):
        if not any(near(candidate, other) for other in distinct):
            distinct.append(candidate)
    return tuple(distinct)
