"""What rounding took from the params, kept for the next step: Kahan's summation.

    y_t    = u_t + lost_{t-1}
    x_t    = round(x_{t-1} + y_t)
    lost_t = y_t - (x_t - x_{t-1})

Kahan, Further Remarks on Reducing Truncation Errors, 1965,
https://doi.org/10.1145/363707.363723
"""

from __future__ import annotations

from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp
import optax

from optax_extra import _check, _numerics, _rounding


class CompensateState(NamedTuple):
    """State of `compensate`.

    Attributes:
      lost: what params lack, a tree like params in bfloat16 (complex leaves in
        complex64).
    """

    lost: chex.ArrayTree


def compensate() -> optax.GradientTransformation:
    """Lets bfloat16 params learn from steps that are shorter than their roundings.

        y = u + lost,  x_new = round(x + y),  lost = y - (x_new - x)

    Beside a weight of 1 a step of 1e-3 is lost in bfloat16, a thousand times. Here
    what is lost is kept in two bytes a parameter, and added to the next step. params
    plus `lost` are then the sum of all steps, to about 16 bits, and params the nearest
    bfloat16 to it. It does not change how far steps go.

    It must be the **last part of a chain**, because it has to know which steps are
    going to be added. So it stands behind `lookahead`, which also asks for that place:
    then no step is lost, those back to slow weights included, and after a
    synchronisation params are within one rounding of the slow weights. (In the other
    order they would be equal, and what the synchronisation rounds away would be lost.)

    Give it gradients, and so updates, in float32 if there are any: updates in bfloat16
    are rounded before they come here. `apply_updates_stochastic` needs no state.

    Returns:
      A `GradientTransformation` whose `update` needs params. Updates have the dtypes
      that they came in.

    Raises:
      ValueError: if `update` is called without params or with another tree, or at
        `init`, if a leaf is not floating.

    Example:
      >>> import jax.numpy as jnp
      >>> import optax
      >>> from optax_extra import compensate
      >>> optimizer = optax.chain(optax.sgd(1e-3), compensate())
      >>> params = jnp.ones(1, jnp.bfloat16)
      >>> state = optimizer.init(params)
      >>> for _ in range(100):
      ...     updates, state = optimizer.update(jnp.ones(1), state, params)
      ...     params = optax.apply_updates(params, updates)
      >>> print(params)
      [0.898438]

    References:
      Further Remarks on Reducing Truncation Errors, Kahan, 1965,
      https://doi.org/10.1145/363707.363723
      Revisiting BFloat16 Training, Zamirai et al., 2020,
      https://arxiv.org/abs/2010.06192
    """

    def init_fn(params: chex.ArrayTree) -> CompensateState:
        _check.floating_leaves("compensate", params)
        return CompensateState(_numerics.zeros(params, jnp.bfloat16))

    def update_fn(
        updates: chex.ArrayTree,
        state: CompensateState,
        params: chex.ArrayTree | None = None,
    ) -> tuple[chex.ArrayTree, CompensateState]:
        if params is None:
            raise ValueError("compensate: update must be given params, got None")
        _check.same_structure("compensate", updates, state.lost)

        def total(u: chex.Array, lost: chex.Array) -> chex.Array:
            u = _numerics.upcast(u)
            return u + lost.astype(u.dtype)

        def step(y: chex.Array, u: chex.Array) -> chex.Array:
            return _rounding.digits_of(y, jnp.result_type(u))

        def lack(y: chex.Array, s: chex.Array, p: chex.Array) -> chex.Array:
            """What is missing after the caller's own addition, and its rounding."""
            before = _rounding.digits_of(_numerics.upcast(p), jnp.result_type(p))
            after = _rounding.digits_of(before + s, jnp.result_type(p))
            return y - (after - before)

        totals = jax.tree.map(total, updates, state.lost)
        steps = jax.tree.map(step, totals, updates)
        lost = jax.tree.map(lack, totals, steps, params)
        new = _numerics.store(CompensateState(lost), state)
        steps = jax.tree.map(lambda s, u: s.astype(jnp.result_type(u)), steps, updates)
        return steps, new

    return optax.GradientTransformation(init_fn, update_fn)
