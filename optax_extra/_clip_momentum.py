"""AdaBC's clipping of the preconditioned step into a band of magnitudes.

c(u) = sign(u) min(max(|u|, lower), upper),  c(0) = 0
"""

from __future__ import annotations

from typing import Any

import chex
import jax
import jax.numpy as jnp
import optax

from optax_extra import _check, _numerics


def clip_momentum(
    lower: chex.Numeric = 0.1, upper: chex.Numeric = 2.0
) -> optax.GradientTransformation:
    """Clips the magnitude of every update into [lower, upper] and keeps its sign.

        sign(u) min(max(|u|, lower), upper),  0 for u = 0

    It stands behind an adaptive part and bounds the *preconditioned* step, from above
    against outliers and from below against standstill; `optax.clip` bounds from above
    alone. It does not apply the learning rate, so the least step of the optimizer is
    learning_rate * lower: combine it with a decaying rate to settle in a minimum.

    Args:
      lower: least magnitude, at least 0; AdaBC's 0.1.
      upper: greatest magnitude, at least `lower`, `inf` for none; AdaBC's 2.0.

    Returns:
      A `GradientTransformation` without state. Exact zeros stay zero (also -0.0, so
      that masked or frozen elements do not start to move); complex updates keep their
      phase; NaN stays NaN.

    Raises:
      ValueError: if `lower` is negative or greater than `upper` (tracers are not
        checked), or at `init`, if a leaf is not floating.

    Example:
      >>> import jax.numpy as jnp
      >>> from optax_extra import clip_momentum
      >>> clip = clip_momentum(lower=0.1, upper=2.0)
      >>> updates = jnp.array([-30.0, -0.5, 0.0, 0.001])
      >>> print(clip.update(updates, clip.init(updates))[0])
      [-2.  -0.5  0.   0.1]

    References:
      AdaBC in OptimizerVisualizer, ImpactCrater, 2023,
      https://github.com/ImpactCrater/OptimizerVisualizer
    """
    part = "clip_momentum"
    _check.in_range(part, "lower", lower, 0)
    _check.in_range(part, "upper", upper, 0)
    traced = any(isinstance(bound, jax.core.Tracer) for bound in (lower, upper))
    if not traced and lower > upper:
        raise ValueError(f"{part}: lower must be at most upper, got {lower} > {upper}")

    def init_fn(params: chex.ArrayTree) -> optax.EmptyState:
        _check.floating_leaves(part, params)
        return optax.EmptyState()

    def clip(leaf: chex.Array) -> chex.Array:
        low, high = (_numerics.like(bound, jnp.abs(leaf)) for bound in (lower, upper))
        if jnp.iscomplexobj(leaf):
            magnitude = jnp.clip(jnp.abs(leaf), low, high)
            return jnp.sign(leaf) * magnitude.astype(leaf.dtype)
        # From above first: a step that is used once is not written to memory.
        step = jnp.clip(leaf, -high, high)
        not_above = jnp.where(step < 0, jnp.minimum(step, -low), step)
        return jnp.where(step > 0, jnp.maximum(step, low), not_above)

    def clip_all(updates: chex.ArrayTree, params: chex.ArrayTree | None) -> Any:
        del params
        return jax.tree.map(clip, updates)

    return optax.GradientTransformation(init_fn, optax.stateless(clip_all).update)
