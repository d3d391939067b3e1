"""Heun's method as two ordinary updates of a gradient flow.

    first call:   u = g_1            (to the predicted point)
    second call:  u = (g_2 - g_1)/2  (on to the corrected one)

so that two calls make x - lr (g_1 + g_2) / 2, with g_2 taken at x - lr g_1.

Heun, Neue Methoden zur approximativen Integration der Differentialgleichungen einer
unabhängigen Veränderlichen, 1900
"""

from __future__ import annotations

from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp
import optax

from optax_extra import _check, _numerics


class HeunState(NamedTuple):
    """State of `scale_by_heun`.

    Attributes:
      predicts: whether the next call is the first of a step, bool, shape ().
      first: gradient of the step's first call, a tree like params.
    """

    predicts: chex.Array
    first: chex.ArrayTree


def scale_by_heun() -> optax.GradientTransformation:
    """Makes a step of Heun's method out of two successive updates.

        first call:   u = g_1,              to the predicted point
        second call:  u = (g_2 - g_1) / 2,  on to x - lr (g_1 + g_2) / 2

    Call it in an ordinary loop, with the gradient at the params of each call: on the
    same batch twice, then on the next. Each call moves the params, so that the second
    gradient is that at the predicted point. It does not apply the learning rate, which
    must be the same in both calls: a schedule has to see `count // 2`, as in `heun`.

    Returns:
      A `GradientTransformation` that stores one gradient. Updates have the shapes and
      dtypes of the gradients.

    Raises:
      ValueError: at `init`, if a leaf is not floating; at `update`, if the tree differs
        from that of params.

    Example:
      >>> import jax.numpy as jnp
      >>> import optax
      >>> from optax_extra import scale_by_heun
      >>> optimizer = optax.chain(scale_by_heun(), optax.scale_by_learning_rate(0.5))
      >>> x = jnp.array([1.0])  # dx/dt = -x: a step of 0.5 makes 1 - 0.5 + 0.125
      >>> state = optimizer.init(x)
      >>> for _ in range(2):
      ...     updates, state = optimizer.update(x, state)
      ...     x = optax.apply_updates(x, updates)
      >>> print(x)
      [0.625]

    References:
      Neue Methoden zur approximativen Integration der Differentialgleichungen einer
      unabhängigen Veränderlichen, Heun, Zeitschrift für Mathematik und Physik, 1900
    """

    def init_fn(params: chex.ArrayTree) -> HeunState:
        _check.floating_leaves("scale_by_heun", params)
        return HeunState(jnp.ones([], bool), _numerics.zeros(params, None))

    def update_fn(
        updates: chex.ArrayTree,
        state: HeunState,
        params: chex.ArrayTree | None = None,
    ) -> tuple[chex.ArrayTree, HeunState]:
        del params
        _check.same_structure("scale_by_heun", updates, state.first)
        predicts = state.predicts

        def keep(g: chex.Array, first: chex.Array) -> chex.Array:
            return jnp.where(predicts, jnp.asarray(g, first.dtype), first)

        def stage(g: chex.Array, first: chex.Array) -> chex.Array:
            g = jnp.asarray(g)
            correction = (_numerics.upcast(g) - _numerics.upcast(first)) / 2
            return jnp.where(predicts, g, _numerics.downcast(correction, g.dtype))

        # What the stages read is the new tree, which in a second call is the old one:
        # a buffer that is read after it was overwritten in place is copied first.
        first = jax.tree.map(keep, updates, state.first)
        return jax.tree.map(stage, updates, first), HeunState(~predicts, first)

    return optax.GradientTransformation(init_fn, update_fn)
