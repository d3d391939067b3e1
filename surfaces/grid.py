"""Many paths: every learning rate of a grid as one compiled program."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import ArrayLike, NDArray

import optax_extra
from surfaces.descent import Path, check_descent, descend_all
from surfaces.roster import Racer
from surfaces.surface import Surface

Factory = Callable[[Any], optax.GradientTransformation]


class RateSweep(NamedTuple):
    """The paths of one optimizer at many learning rates.

    Attributes:
      rates: `[n]`.
      positions: `[n, steps + 1, 2]`, the start first.
      values: `[n, steps + 1]`, the surface at the positions.
      inside: `[n]`, which runs end in the window.
      best: index of the lowest final value among the runs that end in the window, or
        None if none does.
    """

    rates: NDArray[Any]
    positions: NDArray[Any]
    values: NDArray[Any]
    inside: NDArray[np.bool_]
    best: int | None

    def path(self, index: int) -> Path:
        """The path at one of the rates, as a copy: it does not keep the others."""
        return Path(self.positions[index].copy(), self.values[index].copy())


def learning_rates(
    factory: Factory, surface: Surface, rates: ArrayLike, steps: int = 100
) -> RateSweep:
    """Descends a surface at every learning rate, in one program.

    Args:
      factory: function of a learning rate to a `GradientTransformation`: `optax.adam`,
        or any other. An entry of `ROSTER` also learns the number of steps, by which
        some pace themselves; one that takes several gradients a step does not begin a
        step that it cannot end, but stays where the last whole one led.
      surface: what to descend, from its start.
      rates: learning rates, `[n]`, positive and finite, also in the precision of the
        descent, which is float32 unless JAX is told otherwise.
      steps: how many, at least 1.

    Returns:
      A `RateSweep`.

    Raises:
      TypeError: if factory or surface is no such thing.
      ValueError: if steps is below 1, or rates are not positive and finite.

    Example:
      >>> import jax.numpy as jnp
      >>> import optax
      >>> from surfaces import SURFACES, learning_rates
      >>> swept = learning_rates(
      ...     optax.sgd, SURFACES["rosenbrock"], jnp.logspace(-4, 1, 96), steps=100
      ... )
      >>> swept.positions.shape
      (96, 101, 2)
      >>> bool(swept.values[swept.best, -1] < 1e-3)
      True
    """
    (swept,) = learning_rates_on_all(factory, (surface,), rates, steps)
    return swept


def learning_rates_on_all(
    factory: Factory, surfaces: Sequence[Surface], rates: ArrayLike, steps: int = 100
) -> tuple[RateSweep, ...]:
    """`learning_rates` on several surfaces, which share one program."""
    for surface in surfaces:
        check_descent(surface, steps)
    if not callable(factory):
        raise TypeError(
            "learning_rates: factory must be a function of a learning rate to an "
            f"optimizer, got {factory!r}"
        )
    row = _positive_row(rates)
    whole = steps
    if isinstance(factory, Racer):
        whole -= steps % factory.gradients
        factory = functools.partial(factory, steps=steps)

    def train(learning_rate: jax.Array) -> tuple[Path, ...]:
        starts = [jnp.asarray(surface.start, dtype=float) for surface in surfaces]
        return descend_all(factory(learning_rate), surfaces, steps, starts)

    result = optax_extra.sweep(train, {"learning_rate": row})
    return tuple(
        _rate_sweep(result, i, surface, whole) for i, surface in enumerate(surfaces)
    )


def _positive_row(rates: ArrayLike) -> jax.Array:
    """The rates as the descent has them."""
    row = np.asarray(rates, dtype=float)
    limits = jnp.finfo(jnp.result_type(float))
    least, most = float(limits.tiny), float(limits.max)
    if row.ndim != 1 or not row.size or not np.all((least <= row) & (row <= most)):
        raise ValueError(
            "learning_rates: rates must be a row of positive finite numbers, from "
            f"{least:.2g} to {most:.2g}, got {rates!r}"
        )
    return jnp.asarray(row, dtype=float)


def _rate_sweep(
    result: optax_extra.SweepResult, place: int, surface: Surface, whole: int
) -> RateSweep:
    """What a sweep found on one surface; after the step `whole` nothing moves."""
    steps = np.arange(result.values[place].values.shape[1]).clip(max=whole)
    path = jax.tree.map(lambda leaf: np.asarray(leaf)[:, steps], result.values[place])
    inside = surface.contains(path.positions[:, -1])
    final = np.where(inside, path.values[:, -1], np.nan)
    best = None
    if np.isfinite(final).any():
        (best,) = result.best_index(lambda _: final)
    rates = np.asarray(result.axes["learning_rate"])
    return RateSweep(rates, path.positions, path.values, inside, best)
