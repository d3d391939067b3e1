"""Lion's step: the sign of the gradient mixed into the momentum.

    u_t  = sign(b1 mu_{t-1} + (1 - b1) g_t)
    mu_t = b2 mu_{t-1} + (1 - b2) g_t

Chen et al., Symbolic Discovery of Optimization Algorithms, 2023,
https://arxiv.org/abs/2302.06675
"""

from __future__ import annotations

from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp
import optax

from optax_extra import _check, _numerics


class SignMomentumState(NamedTuple):
    """State of `sign_momentum`.

    Attributes:
      mu: momentum, a tree like params, in `mu_dtype`.
    """

    mu: chex.ArrayTree


def sign_momentum(
    b1: chex.Numeric = 0.9, b2: chex.Numeric = 0.99, mu_dtype: Any = None
) -> optax.GradientTransformation:
    """Replaces gradients by the sign of their mixture with the momentum, as Lion does.

        u_t = sign(b1 m_(t-1) + (1 - b1) g_t)
        m_t = b2 m_(t-1) + (1 - b2) g_t

    Every element moves by the same length, so learning rates are 3 to 10 times
    smaller than Adam's. It does not apply the learning rate, nor the weight decay
    that Lion's authors use with it (see `lion`).

    Args:
      b1: weight of the momentum in the step, in [0, 1); the authors' 0.9.
      b2: decay rate of the momentum, in [0, 1); the authors' 0.99.
      mu_dtype: dtype that stores the momentum; None for the dtype of params.

    Returns:
      A `GradientTransformation`. Updates are -1, 0 or 1 (0 where gradient and
      momentum both vanish), on complex leaves of modulus 1 or 0.

    Raises:
      ValueError: if b1, b2 or mu_dtype is out of its range (tracers are not checked),
        or at `init`, if a leaf is not floating.

    Example:
      >>> import jax.numpy as jnp
      >>> import optax
      >>> from optax_extra import sign_momentum
      >>> optimizer = optax.chain(sign_momentum(), optax.scale_by_learning_rate(0.1))
      >>> params = jnp.array([3.0, 0.0, -0.001])
      >>> updates, _ = optimizer.update(2 * params, optimizer.init(params))
      >>> print(updates)
      [-0.1 -0.   0.1]

    References:
      Symbolic Discovery of Optimization Algorithms, Chen et al., 2023,
      https://arxiv.org/abs/2302.06675
    """
    _check.decay("sign_momentum", "b1", b1)
    _check.decay("sign_momentum", "b2", b2)
    _check.floating_dtype("sign_momentum", "mu_dtype", mu_dtype)
    leads = _check.is_number(b1) and _check.is_number(b2) and 0 < b1 <= b2

    def init_fn(params: chex.ArrayTree) -> SignMomentumState:
        _check.floating_leaves("sign_momentum", params)
        return SignMomentumState(_numerics.zeros(params, mu_dtype))

    def mixture(old: chex.Array, new: chex.Array, g: chex.Array) -> chex.Array:
        """b1 mu_{t-1} + (1 - b1) g_t, up to a positive factor."""
        if leads:
            # From the new momentum, because a buffer that is read after it was
            # overwritten in place is copied first, which costs more than the step.
            return b1 * new + (b2 - b1) * g
        return _numerics.ema(old, g, b1)

    def update_fn(
        updates: chex.ArrayTree,
        state: SignMomentumState,
        params: chex.ArrayTree | None = None,
    ) -> tuple[chex.ArrayTree, SignMomentumState]:
        del params
        _check.same_structure("sign_momentum", updates, state.mu)
        gradients = jax.tree.map(_numerics.upcast, updates)
        old = jax.tree.map(_numerics.upcast, state.mu)
        mu = jax.tree.map(lambda m, g: _numerics.ema(m, g, b2), old, gradients)
        steps = jax.tree.map(
            lambda u, *seen: jnp.sign(mixture(*seen)).astype(jnp.result_type(u)),
            updates,
            old,
            mu,
            gradients,
        )
        return steps, _numerics.store(SignMomentumState(mu), state)

    return optax.GradientTransformation(init_fn, update_fn)
