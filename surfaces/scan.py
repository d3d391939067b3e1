"""The scan: one optimizer step after the other, all in a compiled `lax.scan`."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import NDArray

from surfaces.surface import Surface


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


class End(NamedTuple):
    """Where an optimizer ended.

    Attributes:
      position: `[2]`.
      value: `[]`, the surface there.
      mean: `[2]`, the mean of the positions before each step.
    """

    position: jax.Array
    value: jax.Array
    mean: jax.Array


class Course(NamedTuple):
    """An optimizer on one surface, or on `k` at once: then all has a leading axis `k`.

    Attributes:
      init: the optimizer's state at a position.
      update: its update and next state, of a gradient, a state, a position and a value.
      look: value and gradient at a position.
    """

    init: Callable[[jax.Array], Any]
    update: Callable[[Any, Any, Any, Any], tuple[Any, Any]]
    look: Callable[[jax.Array], tuple[jax.Array, jax.Array]]


def on_one(optimizer: optax.GradientTransformation, surface: Surface) -> Course:
    """An optimizer on a surface."""
    return Course(
        optimizer.init, _update(optimizer, surface), jax.value_and_grad(surface)
    )


def on_all(
    optimizer: optax.GradientTransformation, surfaces: tuple[Surface, ...]
) -> Course:
    """An optimizer on several surfaces.

    Compiling costs more than running. So they share one copy of the optimizer, and
    their gradients are traced once for all optimizers.
    """

    def update(index: Any, *arguments: Any) -> tuple[Any, Any]:
        def value_fn(point: jax.Array) -> jax.Array:
            value: jax.Array = jax.lax.switch(index, surfaces, point)
            return value

        return _update(optimizer, value_fn)(*arguments)

    return Course(
        jax.vmap(optimizer.init),
        functools.partial(jax.vmap(update), jnp.arange(len(surfaces))),
        functools.partial(_look_at_all, surfaces),
    )


def walk(course: Course, steps: int, start: jax.Array) -> Path:
    """The whole path: its fields have a leading axis `steps + 1`."""

    def step(carry: tuple[Any, Any], _: None) -> tuple[tuple[Any, Any], Path]:
        return _step(course, carry)

    first = start, course.init(start)
    (position, _), path = jax.lax.scan(step, first, length=steps)
    end = Path(position, course.look(position)[0])
    return jax.tree.map(lambda a, b: jnp.concatenate([a, b[None]]), path, end)


def walk_to_end(course: Course, steps: int, start: jax.Array) -> End:
    """The end of `walk`; the path is not kept."""

    def step(carry: tuple[Any, Any], _: None) -> tuple[tuple[Any, Any], None]:
        walker, total = carry
        walker, at = _step(course, walker)
        return (walker, total + at.positions), None

    first = (start, course.init(start)), jnp.zeros_like(start)
    ((position, _), total), _ = jax.lax.scan(step, first, length=steps)
    return End(position, course.look(position)[0], total / max(steps, 1))


def _step(course: Course, carry: tuple[Any, Any]) -> tuple[tuple[Any, Any], Path]:
    """Position and state after a step, and what was seen before it."""
    position, state = carry
    value, gradient = course.look(position)
    updates, state = course.update(gradient, state, position, value)
    return (optax.apply_updates(position, updates), state), Path(position, value)


def _update(
    optimizer: optax.GradientTransformation, value_fn: Callable[[jax.Array], Any]
) -> Callable[[Any, Any, Any, Any], tuple[Any, Any]]:
    optimizer = optax.with_extra_args_support(optimizer)

    def update(gradient: Any, state: Any, position: Any, value: Any) -> tuple[Any, Any]:
        return optimizer.update(
            gradient, state, position, value=value, grad=gradient, value_fn=value_fn
        )

    return update


@functools.partial(jax.jit, static_argnums=0)
def _look_at_all(
    surfaces: tuple[Surface, ...], positions: jax.Array
) -> tuple[jax.Array, jax.Array]:
    looked = [
        jax.value_and_grad(surface)(positions[i]) for i, surface in enumerate(surfaces)
    ]
    values, gradients = zip(*looked, strict=True)
    return jnp.stack(values), jnp.stack(gradients)
