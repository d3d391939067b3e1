"""Adding updates to bfloat16 params with the right mean, without any state.

    x_t = down(x_{t-1} + u_t)  or  up(x_{t-1} + u_t),  with mean x_{t-1} + u_t

Zamirai et al., Revisiting BFloat16 Training, 2020, https://arxiv.org/abs/2010.06192
"""

from __future__ import annotations

import chex
import jax
import jax.numpy as jnp
import optax

from optax_extra import _check, _rounding


def apply_updates_stochastic(
    params: optax.Params, updates: optax.Updates, key: chex.PRNGKey
) -> optax.Params:
    """Adds updates to params; bfloat16 sums are rounded to either neighbour by chance.

    The mean of the rounded sum is the sum. So steps that are shorter than a rounding
    are taken now and then, where `optax.apply_updates` never takes them. It costs no
    memory and adds noise of one rounding; `compensate` costs two bytes and adds none.

    Args:
      params: a tree of arrays. Leaves of other dtypes than bfloat16 are added and
        rounded as by `optax.apply_updates`.
      updates: a tree like params; its leaves may be wider than those of params.
      key: a PRNG key, a new one for each step. On any number of devices it gives the
        same result.

    Returns:
      The new params, in their dtypes.

    Raises:
      ValueError: if updates are not the tree of params.

    Example:
      >>> import jax
      >>> import jax.numpy as jnp
      >>> from optax_extra import apply_updates_stochastic
      >>> params = jnp.ones(1000, jnp.bfloat16)
      >>> for key in jax.random.split(jax.random.key(0), 100):
      ...     updates = jnp.full(1000, -1e-3)
      ...     params = apply_updates_stochastic(params, updates, key)
      >>> print(f"{params.mean(dtype=float):.2f}")
      0.90

    References:
      Revisiting BFloat16 Training, Zamirai et al., 2020,
      https://arxiv.org/abs/2010.06192
    """
    _check.same_structure("apply_updates_stochastic", updates, params)
    leaves, structure = jax.tree.flatten(params)
    keys = list(jax.random.bits(key, (len(leaves),), jnp.uint32))

    def add(leaf: chex.Array, update: chex.Array, bits: jax.Array) -> chex.Array:
        if jnp.result_type(leaf) != jnp.bfloat16:
            return optax.apply_updates(leaf, update)
        total = leaf.astype(jnp.float32) + jnp.asarray(update).astype(jnp.float32)
        return _rounding.to_bfloat16(total, _rounding.noise(total.shape, bits))

    return jax.tree.map(add, params, updates, jax.tree.unflatten(structure, keys))
