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
from surfaces.descent import check_descent
from surfaces.racer import Racer
from surfaces.scan import Course, End, Path, on_all, on_one, walk, walk_to_end
from surfaces.surface import Surface

Factory = Callable[..., optax.GradientTransformation]


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

    def run(optimizer: optax.GradientTransformation, whole: int) -> Path:
        start = jnp.asarray(surface.start, dtype=float)
        return walk(on_one(optimizer, surface), whole, start)

    result = _sweep(run, factory, (surface,), rates, steps)
    return _rate_sweep(result, result.values, surface, steps)


def learning_rates_on_all(
    factory: Factory, surfaces: Sequence[Surface], rates: ArrayLike, steps: int = 100
) -> tuple[RateSweep, ...]:
    """`learning_rates` on several surfaces, which share one program."""
    result = _sweep_all(walk, factory, surfaces, rates, steps)
    positions, values = (np.moveaxis(np.asarray(leaf), 2, 0) for leaf in result.values)
    return tuple(
        _rate_sweep(result, Path(*path), surface, steps)
        for *path, surface in zip(positions, values, surfaces, strict=True)
    )


def ends_on_all(
    factory: Factory, surfaces: Sequence[Surface], rates: ArrayLike, steps: int = 100
) -> End:
    """Only where `learning_rates` ends, on `k` surfaces: fields `[n, k, ...]`."""
    return _sweep_all(walk_to_end, factory, surfaces, rates, steps).values


def paced(factory: Factory, steps: int) -> tuple[Factory, int]:
    """The factory for a run of so many gradients, and the number of its whole steps."""
    if not isinstance(factory, Racer):
        return factory, steps
    return functools.partial(factory, steps=steps), steps - steps % factory.gradients


def positive_row(function: str, rates: ArrayLike) -> jax.Array:
    """The rates as a descent has them; `function` is who asks."""
    row = np.asarray(rates, dtype=float)
    limits = jnp.finfo(jnp.result_type(float))
    least, most = float(limits.tiny), float(limits.max)
    if row.ndim != 1 or not row.size or not np.all((least <= row) & (row <= most)):
        raise ValueError(
            f"{function}: rates must be a row of positive finite numbers, from "
            f"{least:.2g} to {most:.2g}, got {rates!r}"
        )
    return jnp.asarray(row, dtype=float)


def _sweep_all(
    run: Callable[[Course, int, jax.Array], Any],
    factory: Factory,
    surfaces: Sequence[Surface],
    rates: ArrayLike,
    steps: int,
) -> optax_extra.SweepResult:
    def run_all(optimizer: optax.GradientTransformation, whole: int) -> Any:
        starts = jnp.asarray([surface.start for surface in surfaces], dtype=float)
        return run(on_all(optimizer, tuple(surfaces)), whole, starts)

    return _sweep(run_all, factory, surfaces, rates, steps)


def _sweep(
    run: Callable[[optax.GradientTransformation, int], Any],
    factory: Factory,
    surfaces: Sequence[Surface],
    rates: ArrayLike,
    steps: int,
) -> optax_extra.SweepResult:
    """`run(optimizer, whole steps)` at every rate."""
    for surface in surfaces:
        check_descent("learning_rates", surface, steps)
    if not callable(factory):
        raise TypeError(
            "learning_rates: factory must be a function of a learning rate to an "
            f"optimizer, got {factory!r}"
        )
    build, whole = paced(factory, steps)

    def train(learning_rate: jax.Array) -> Any:
        return run(build(learning_rate), whole)

    row = positive_row("learning_rates", rates)
    return optax_extra.sweep(train, {"learning_rate": row})


def _rate_sweep(
    result: optax_extra.SweepResult, path: Path, surface: Surface, steps: int
) -> RateSweep:
    """What a sweep found on one surface; after the last whole step nothing moves."""
    kept = np.arange(steps + 1).clip(max=path.values.shape[1] - 1)
    positions, values = (np.asarray(leaf)[:, kept] for leaf in path)
    inside = surface.contains(positions[:, -1])
    final = np.where(inside, values[:, -1], np.nan)
    best = None
    if np.isfinite(final).any():
        (best,) = result.best_index(lambda _: final)
    return RateSweep(
        np.asarray(result.axes["learning_rate"]), positions, values, inside, best
    )
