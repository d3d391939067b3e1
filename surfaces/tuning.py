"""A grid search: one optimizer on one surface over any of its hyperparameters."""

import difflib
import itertools
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike, NDArray

import optax_extra
from surfaces.descent import check_descent
from surfaces.grid import Factory, paced
from surfaces.racer import numbers_of
from surfaces.scan import End, on_one, walk_to_end
from surfaces.surface import Surface


class GridSearch(NamedTuple):
    """Where an optimizer ends on a surface, by its hyperparameters.

    Attributes:
      surface: name of the surface.
      steps: how many were made.
      minimum: the surface's lowest value in the window.
      span: height of the window: how far its highest value lies above the lowest.
      axes: names of the hyperparameters to their values, each a row.
      values: the surface where the runs end, with one axis a hyperparameter.
      inside: likewise, which runs end in the window, at a finite value.
      fixed: names of hyperparameters to their values, the same in all runs.
    """

    surface: str
    steps: int
    minimum: float
    span: float
    axes: Mapping[str, NDArray[Any]]
    values: NDArray[Any]
    inside: NDArray[np.bool_]
    fixed: Mapping[str, float] = MappingProxyType({})

    @property
    def heights(self) -> NDArray[Any]:
        """Like values, but above the minimum, and NaN outside the window."""
        return np.where(self.inside, self.values - self.minimum, np.nan)

    @property
    def best(self) -> tuple[int, ...] | None:
        """Indices of the run that ends lowest in the window, None if none does."""
        if not self.inside.any():
            return None
        best = np.unravel_index(np.nanargmin(self.heights), self.values.shape)
        return tuple(int(index) for index in best)


def grid_search(
    factory: Factory,
    surface: Surface,
    axes: Mapping[str, ArrayLike],
    steps: int = 100,
    **fixed: float,
) -> GridSearch:
    """Descends a surface at every point of a grid of hyperparameters, in one program.

    Args:
      factory: function of numbers to a `GradientTransformation`, for example
        `optax_extra.radam` or an entry of `ROSTER`. It is first called with the corners
        of the grid, so that it can refuse what is out of range.
      surface: what to descend, from its start.
      axes: names of keyword arguments of `factory`, defaulting to numbers or to
        nothing, to the values they take, each a row of finite numbers.
      steps: how many, at least 1.
      **fixed: other keyword arguments of `factory`.

    Returns:
      A `GridSearch`.

    Raises:
      TypeError: if factory or surface is no such thing, or factory needs more.
      ValueError: if steps is below 1; if axes are none, unknown to factory or not rows
        of finite numbers; or if a corner of the grid is out of range.

    Example:
      >>> import optax_extra
      >>> from surfaces import SURFACES, grid_search
      >>> axes = {"learning_rate": [0.01, 0.1, 1.0], "b1": [0.5, 0.9]}
      >>> found = grid_search(optax_extra.adabelief, SURFACES["rosenbrock"], axes)
      >>> found.values.shape
      (3, 2)
      >>> found.best
      (1, 1)
    """
    check_descent("grid_search", surface, steps)
    rows = check_axes(factory, axes, steps, **fixed)
    build, whole = paced(factory, steps)

    def train(**point: jax.Array) -> End:
        start = jnp.asarray(surface.start, dtype=float)
        return walk_to_end(on_one(build(**point, **fixed), surface), whole, start)

    end = optax_extra.sweep(train, rows).values
    values = np.asarray(end.value)
    return GridSearch(
        surface=surface.name,
        steps=steps,
        minimum=surface.minimum,
        span=surface.span,
        axes={name: np.asarray(axes[name], dtype=float) for name in rows},
        values=values,
        inside=surface.contains(np.asarray(end.position)) & np.isfinite(values),
        fixed={name: float(value) for name, value in fixed.items()},
    )


def check_axes(
    factory: Factory, axes: Mapping[str, ArrayLike], steps: int, **fixed: float
) -> dict[str, jax.Array]:
    """The axes of a grid search as a descent has them, or its ValueError."""
    if not callable(factory):
        raise TypeError(
            f"grid_search: factory must be a function of numbers, got {factory!r}"
        )
    if not axes:
        raise ValueError("grid_search: axes must name at least one argument, got none")
    known = numbers_of(factory)
    for name in [*axes, *fixed]:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(
                "grid_search: axes must be numbers that factory takes, "
                f"{', '.join(known)}, got {name!r}{hint}"
            )
        if name in axes and name in fixed:
            raise ValueError(f"grid_search: axes must not be fixed too, got {name!r}")
    rows = {name: _row(name, values) for name, values in axes.items()}
    # Arguments have bounds, beyond which all is refused: corners stand for the rest.
    build, _ = paced(factory, steps)
    ends = ([float(row.min()), float(row.max())] for row in rows.values())
    for corner in itertools.product(*ends):
        build(**dict(zip(rows, corner, strict=True)), **fixed)
    return rows


def _row(name: str, values: ArrayLike) -> jax.Array:
    """The values as a descent has them."""
    row = np.asarray(values, dtype=float)
    most = float(jnp.finfo(jnp.result_type(float)).max)
    if row.ndim != 1 or not row.size or not np.all(np.abs(row) <= most):
        raise ValueError(
            f"grid_search: axis {name!r} must be a row of finite numbers, "
            f"got {values!r}"
        )
    return jnp.asarray(row, dtype=float)
