"""A test surface: a function of two variables, its window, and where to start."""

import functools
import math
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from surfaces.search import (
    Bounds,
    Minimum,
    find_minima,
    for_each,
    grid_points,
)

# The grid whose lowest and highest points `minimum` and `span` take into account.
_RESOLUTION = 401
# A minimum counts as reached within this share of the window's diagonal.
REACH = 0.02
# Minima are equal if they differ by less than this, as a share of the larger one or,
# for small ones, outright. A float64 value is off by about 1e-16 of the terms it sums,
# so that equal minima may be told to be equal among terms up to 1e6.
_EQUAL = 1e-9


class Grid(NamedTuple):
    """A surface at the points of a grid, edges included, in float64.

    Attributes:
      x: `[n]`, ascending.
      y: `[n]`, ascending.
      z: `[n, n]`, the values: row y, column x.
    """

    x: np.ndarray
    y: np.ndarray
    z: np.ndarray


class Surface:
    """Wraps a function of two variables as a surface to descend.

    A surface is itself a plain JAX function: `jax.grad`, `jax.vmap` and `jax.jit` take
    it. It is not normalised: its values are those of the function.

    Args:
      function: maps an array of shape (2,), the point (x, y), to a scalar.
      name: what plots and errors call it; by default the name of the function.
      bounds: the window that is looked at, ((x_low, x_high), (y_low, y_high)).
      start: where descents begin, (x, y) in the window; by default its upper left
        corner, moved in by 5 % of either side.
      minima: the local minima, if they are known. Otherwise the first look at
        `minima` or `minimum` finds them, which takes seconds.

    Raises:
      TypeError: if function is not callable.
      ValueError: if bounds, start or minima are not what they must be.

    Example:
      >>> from surfaces import Surface
      >>> bowl = Surface(lambda p: (p**2).sum())
      >>> bowl.minimum
      0.0
    """

    def __init__(
        self,
        function: Callable[[jax.Array], Any],
        name: str | None = None,
        bounds: Bounds = ((-1, 1), (-1, 1)),
        start: tuple[float, float] | None = None,
        minima: Iterable[Minimum] | None = None,
    ) -> None:
        if not callable(function):
            raise TypeError(f"Surface: function must be callable, got {function!r}")
        self.function = function
        self.name = _name_of(function) if name is None else name
        self.bounds = _checked_bounds(bounds)
        if start is None:
            (x_low, x_high), (y_low, y_high) = self.bounds
            start = x_low + 0.05 * (x_high - x_low), y_high - 0.05 * (y_high - y_low)
        self.start = self._checked_position("start", start)
        self._known_minima = None if minima is None else self._checked_minima(minima)

    def __repr__(self) -> str:
        return f"Surface({self.name!r}, bounds={self.bounds}, start={self.start})"

    def __call__(self, point: jax.typing.ArrayLike) -> jax.Array:
        """The value at a point, an array of shape (2,)."""
        point = jnp.asarray(point)
        if point.shape != (2,):
            raise ValueError(
                f"{self.name}: point must have shape (2,), got {point.shape}"
            )
        value = jnp.asarray(self.function(point))
        if value.shape != ():
            raise ValueError(
                f"{self.name}: function must return a scalar, got shape {value.shape}"
            )
        return value

    @functools.cached_property
    def minima(self) -> tuple[Minimum, ...]:
        """The local minima inside the window, not on its edge, lowest first."""
        if self._known_minima is not None:
            return self._known_minima
        return find_minima(self, self.bounds)

    @functools.cached_property
    def minimum(self) -> float:
        """The lowest value in the window, its edge included; NaN if there is none."""
        lowest = [minimum.value for minimum in self.minima[:1]]
        if not self._known_minima:
            z = self.grid(_RESOLUTION).z
            lowest += z[np.isfinite(z)].tolist()
        return min(lowest, default=math.nan)

    @functools.cached_property
    def span(self) -> float:
        """How far the highest value in the window lies above `minimum`."""
        z = self.grid(_RESOLUTION).z
        return max(z[np.isfinite(z)].tolist(), default=math.nan) - self.minimum

    @functools.cached_property
    def global_minima(self) -> tuple[Minimum, ...]:
        """The lowest of the minima; several, where they are equally low."""
        return tuple(
            minimum
            for minimum in self.minima
            if math.isclose(
                minimum.value, self.minima[0].value, rel_tol=_EQUAL, abs_tol=_EQUAL
            )
        )

    @property
    def reach(self) -> float:
        """How near to a minimum an end counts as at it."""
        return REACH * math.dist(*zip(*self.bounds, strict=True))

    def grid(self, resolution: int) -> Grid:
        """The surface on an even grid over the window, `resolution` points a side."""
        if resolution < 2:
            raise ValueError(
                f"{self.name}: resolution must be at least 2, got {resolution}"
            )
        x, y, points = grid_points(self.bounds, resolution)
        z = np.array(for_each(self, points), dtype=np.float64)
        return Grid(x, y, z.reshape(resolution, resolution))

    def contains(self, position: Any) -> Any:
        """Which positions `[..., 2]` lie in the window, edge included; NaN does not."""
        if not isinstance(position, jax.Array):
            position = np.asarray(position)
        (x_low, x_high), (y_low, y_high) = self.bounds
        x, y = position[..., 0], position[..., 1]
        return (x_low <= x) & (x <= x_high) & (y_low <= y) & (y <= y_high)

    def _checked_position(self, argument: str, position: Any) -> tuple[float, float]:
        pair = _pair(position)
        if pair is None or not self.contains(pair):
            raise ValueError(
                f"Surface: {argument} must be two numbers in the window {self.bounds}, "
                f"got {position!r}"
            )
        return pair

    def _checked_minima(self, minima: Iterable[Minimum]) -> tuple[Minimum, ...]:
        checked = (
            Minimum(self._checked_position("minima", position), float(value), smooth)
            for position, value, smooth in minima
        )
        return tuple(sorted(checked, key=lambda minimum: minimum.value))


def _name_of(function: Callable[..., Any]) -> str:
    name: str = getattr(function, "__name__", "<nameless>")
    return "surface" if name.startswith("<") else name


def _pair(values: Any) -> tuple[float, float] | None:
    try:
        first, second = values
        return float(first), float(second)
    except (TypeError, ValueError):
        return None


def _checked_bounds(bounds: Any) -> Bounds:
    try:
        x, y = (_pair(side) for side in bounds)
    except (TypeError, ValueError):
        x = y = None
    if x and y and all(-math.inf < low < high < math.inf for low, high in (x, y)):
        return x, y
    raise ValueError(
        "Surface: bounds must be two increasing pairs of finite numbers, "
        f"got {bounds!r}"
    )


def by_name(function: str, surfaces: Iterable[Surface]) -> dict[str, Surface]:
    """The surfaces by their names, which must be distinct; `function` is who asks."""
    surfaces = list(surfaces)
    for name, count in Counter(surface.name for surface in surfaces).items():
        if count > 1:
            raise ValueError(
                f"{function}: surfaces must have distinct names, got {name!r} "
                f"{count} times"
            )
    return {surface.name: surface for surface in surfaces}
