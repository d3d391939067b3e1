"""One path: the optimizer steps first, in a single compiled scan.

Nothing here draws, and nothing that draws steps an optimizer.
"""

import functools
import numbers
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import NDArray

from surfaces.surface import Surface

Point = Sequence[float] | jax.Array


class Path(NamedTuple):
    """Where an optimizer went.

    Attributes:
      positions: `[steps + 1, 2]`, the start first.
      values: `[steps + 1]`, the surface at the positions.
    """

    positions: jax.Array
    values: jax.Array

    @property
    def finite(self) -> NDArray[np.bool_]:
        """`[steps + 1]`, where position and value are finite numbers."""
        return np.isfinite(self.positions).all(axis=-1) & np.isfinite(self.values)


def descend(
    optimizer: optax.GradientTransformation,
    surface: Surface,
    steps: int = 100,
    start: Point | None = None,
) -> Path:
    """Runs an optimizer down a surface, as one compiled `lax.scan`.

    Any transformation fits whose update takes the gradient at the current position. It
    is also given the value (for `optax.polyak_sgd`, `optax.contrib.reduce_on_plateau`)
    and the function (for `optax.lbfgs`, `optax.scale_by_backtracking_linesearch`). What
    wants other gradients or other params does not fit: `optax.contrib.sam` asks for
    gradients elsewhere, `optax.lookahead` for a pair of params.

    Args:
      optimizer: a `GradientTransformation` with its learning rate.
      surface: what to descend.
      steps: how many, at least 1.
      start: (x, y); by default the surface's own start.

    Returns:
      A `Path`. After a NaN all further positions are NaN.

    Raises:
      TypeError: if optimizer or surface is no such thing.
      ValueError: if steps is below 1 or start no point.

    Example:
      >>> import optax
      >>> from surfaces import SURFACES, descend
      >>> path = descend(optax.sgd(1.0), SURFACES["sphere"], steps=50)
      >>> path.positions.shape, path.values.shape
      ((51, 2), (51,))
      >>> print(f"{path.values[0]:.3f} -> {path.values[-1]:.5f}")
      0.852 -> 0.00001
    """
    check_descent(surface, steps)
    if not hasattr(optimizer, "init") or not hasattr(optimizer, "update"):
        raise TypeError(
            f"descend: optimizer must be a GradientTransformation, got {optimizer!r}"
        )
    point = jnp.asarray(surface.start if start is None else start, dtype=float)
    if point.shape != (2,):
        raise ValueError(f"descend: start must be a point (x, y), got {start!r}")
    return _descend(optimizer, surface, steps, point)


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def _descend(
    optimizer: optax.GradientTransformation,
    surface: Surface,
    steps: int,
    start: jax.Array,
) -> Path:
    (path,) = descend_all(optimizer, (surface,), steps, (start,))
    return path


def descend_all(
    optimizer: optax.GradientTransformation,
    surfaces: Sequence[Surface],
    steps: int,
    starts: Sequence[jax.Array],
) -> tuple[Path, ...]:
    """One path a surface, all in one scan: compiling costs more than running."""
    optimizer = optax.with_extra_args_support(optimizer)

    def step_on(surface: Surface, position: Any, state: Any) -> tuple[Any, Path]:
        value, gradient = jax.value_and_grad(surface)(position)
        updates, state = optimizer.update(
            gradient, state, position, value=value, grad=gradient, value_fn=surface
        )
        after = optax.apply_updates(position, updates)
        return (after, state), Path(position, value)

    def step(carries: Any, _: None) -> tuple[Any, Any]:
        stepped = [
            step_on(surface, *carry)
            for surface, carry in zip(surfaces, carries, strict=True)
        ]
        return tuple(carry for carry, _ in stepped), tuple(path for _, path in stepped)

    first = tuple((start, optimizer.init(start)) for start in starts)
    last, paths = jax.lax.scan(step, first, length=steps)
    return tuple(
        Path(
            jnp.concatenate([path.positions, position[None]]),
            jnp.concatenate([path.values, surface(position)[None]]),
        )
        for surface, (position, _), path in zip(surfaces, last, paths, strict=True)
    )


def check_descent(surface: Any, steps: Any) -> None:
    """Refuses what is no surface and what is no number of steps."""
    if not isinstance(surface, Surface):
        raise TypeError(
            f"descend: surface must be a Surface, got {surface!r}; "
            "wrap a function as surfaces.Surface(function)"
        )
    if not isinstance(steps, numbers.Integral) or steps < 1:
        raise ValueError(f"descend: steps must be an integer from 1, got {steps!r}")
