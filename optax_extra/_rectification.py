"""The rectification term of RAdam, exact in float32.

    rho_inf = 2 / (1 - b2) - 1
    rho_t   = rho_inf - 2 t b2^t / (1 - b2^t)
    r_t     = sqrt((rho_t - 4)(rho_t - 2) rho_inf / ((rho_inf - 4)(rho_inf - 2) rho_t))

Liu et al., On the Variance of the Adaptive Learning Rate and Beyond, 2020,
https://arxiv.org/abs/1908.03265
"""

from __future__ import annotations

import chex
import jax.numpy as jnp

from optax_extra import _check, _numerics

# L(z) = coth z - 1/z = z (c_0 + c_1 z^2 + ...), the Langevin function; ten terms are
# exact to 1e-16 for z < 1/2.
_LANGEVIN = (
    1 / 3,
    -1 / 45,
    2 / 945,
    -1 / 4725,
    2 / 93555,
    -1382 / 638512875,
    4 / 18243225,
    -3617 / 162820783125,
    87734 / 38979295480125,
    -349222 / 1531329465290625,
)


def rectification_term(
    b2: chex.Numeric, count: chex.Numeric, *, threshold: chex.Numeric = 5.0
) -> chex.Array:
    """The factor r_t of RAdam, zero while the variance is not tractable.

        rho_inf = 2 / (1 - b2) - 1
        rho_t = rho_inf - 2 t b2^t / (1 - b2^t)
        r_t = sqrt((rho_t - 4)(rho_t - 2) rho_inf / ((rho_inf - 4)(rho_inf - 2) rho_t))

    Exact to a few units in the last place: the textbook rho_t is a small difference
    of large numbers, which float32 gets wrong by percents in the first steps. With
    h = -log(b2) / 2, z = t h and L(z) = coth z - 1/z it is t (1 - L(z)) + L(h), which
    is used for z < 1/2, and coth h - 2 t / expm1(2 z), which is used elsewhere.

    Args:
      b2: decay rate of the second moment, in [0, 1). For b2 <= 2/3 rho_t never
        reaches 5, and r_t stays 0.
      count: step t, from 1; a number or an array of any shape.
      threshold: the least rho_t at which r_t counts, at least 4 (RAdam's authors: 5).

    Returns:
      r_t in [0, 1], of count's shape.

    Raises:
      ValueError: if b2 or threshold is out of range; tracers are not checked.

    Example:
      >>> from optax_extra import rectification_term
      >>> print(*(f"{rectification_term(0.999, t):.4f}" for t in (5, 6, 100, 5000)))
      0.0000 0.0258 0.2153 0.9829

    References:
      On the Variance of the Adaptive Learning Rate and Beyond, Liu et al., 2020,
      https://arxiv.org/abs/1908.03265
    """
    _check.decay("rectification_term", "b2", b2)
    _check.in_range("rectification_term", "threshold", threshold, 4)
    term, tractable = rectification(b2, count, threshold)
    return jnp.where(tractable, term, jnp.zeros_like(term))


def rectification(
    b2: chex.Numeric, count: chex.Numeric, threshold: chex.Numeric
) -> tuple[chex.Array, chex.Array]:
    """r_t, kept finite everywhere, and whether rho_t reaches the threshold."""
    t = _numerics.wide(count)
    h = -0.5 * _numerics.wide(_numerics.log_decay(b2))
    rho, rho_inf = _rho(t, h), 1 / jnp.tanh(h)
    tractable = rho >= _numerics.wide(threshold)
    # rho_inf can be as small as 1 while rho is below any threshold.
    rho = jnp.where(tractable, rho, 5.0)
    rho_inf = jnp.where(tractable, rho_inf, 5.0)
    ratio = ((rho - 4) / (rho_inf - 4)) * ((rho - 2) / (rho_inf - 2)) * (rho_inf / rho)
    return jnp.minimum(_numerics.sqrt(ratio), 1.0), tractable


def _rho(t: chex.Array, h: chex.Array) -> chex.Array:
    """The length of the approximated simple moving average, without cancellation."""
    z = t * h
    early = z < 0.5
    # Each branch gets arguments at which it is finite, for the sake of gradients.
    early_z, early_h = jnp.where(early, z, 0.25), jnp.minimum(h, 0.5)
    series = t * (1 - _langevin(early_z)) + _langevin(early_h)
    late_z = jnp.minimum(jnp.where(early, 1.0, z), 40.0)
    closed = 1 / jnp.tanh(h) - 2 * t / jnp.expm1(2 * late_z)
    return jnp.where(early, series, closed)


def _langevin(z: chex.Array) -> chex.Array:
    total = jnp.zeros_like(z)
    for coefficient in reversed(_LANGEVIN):
        total = coefficient + z * z * total
    return z * total
