"""One path: the optimizer steps first, in a single compiled scan.

Nothing here draws, and nothing that draws steps an optimizer.
"""

import functools
import numbers
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import optax

from surfaces.scan import Path, on_one, walk
from surfaces.surface import Surface

Point = Sequence[float] | jax.Array


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
    check_descent("descend", surface, steps)
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
    return walk(on_one(optimizer, surface), steps, start)


def check_descent(function: str, surface: Any, steps: Any) -> None:
    """Refuses what is no surface and no number of steps; `function` is who asks."""
    if not isinstance(surface, Surface):
        raise TypeError(
            f"{function}: surface must be a Surface, got {surface!r}; "
            "wrap a function as surfaces.Surface(function)"
        )
    if not isinstance(steps, numbers.Integral) or steps < 1:
        raise ValueError(f"{function}: steps must be an integer from 1, got {steps!r}")
