"""Numerics that keep float32 exact, low precision finite and meta-gradients alive.

Scalars known on the host (Python and NumPy numbers) are prepared there in double
precision; arrays and tracers in the widest float in use. Leaves are worked on in
float32 at least and handed back in their own dtype.
"""

import math
from typing import Any

import chex
import jax
import jax.numpy as jnp

from optax_extra import _check


def wide(value: chex.Numeric) -> jax.Array:
    """`value` in the widest float in use: scalars stay exact beside float16 leaves."""
    return jnp.asarray(value, dtype=jnp.result_type(float))


def like(scalar: chex.Numeric, leaf: chex.Array) -> Any:
    """`scalar` ready to meet `leaf` without promotion; Python numbers already are."""
    if _check.is_number(scalar):
        return float(scalar)
    if isinstance(scalar, jax.Array) and scalar.dtype == leaf.dtype:
        return scalar
    return wide(scalar).astype(leaf.dtype)


def complement(decay: chex.Numeric) -> Any:
    """1 - b, on the host in double precision where b is known."""
    return 1.0 - float(decay) if _check.is_number(decay) else 1 - wide(decay)


def log_decay(decay: chex.Numeric) -> Any:
    """log b, on the host in double precision where b is known."""
    if _check.is_number(decay):
        return math.log(decay) if decay > 0 else -math.inf
    decay = wide(decay)
    positive = decay > 0
    log = jnp.log1p(jnp.where(positive, decay, 0.5) - 1)
    return jnp.where(positive, log, -jnp.inf)


def bias_correction(decay: chex.Numeric, count: chex.Numeric) -> jax.Array:
    """1 - b^t without the cancellation; NaN for an array that was rounded to b = 1."""
    correction = -jnp.expm1(wide(count) * log_decay(decay))
    if _check.is_number(decay):
        return correction
    # The logarithm has no slope at b = 0; 1 - b^t has one, at t = 1.
    at_zero = 1 - jnp.where(count == 1, wide(decay), 0)
    correction = jnp.where(wide(decay) > 0, correction, at_zero)
    return jnp.where(wide(decay) < 1, correction, jnp.nan)


def single_at_least(dtype: Any) -> Any:
    """`dtype`, or float32 where it has fewer bits; strict promotion allows it."""
    return jnp.dtype(jnp.float32) if jnp.finfo(dtype).bits < 32 else jnp.dtype(dtype)


def upcast(leaf: chex.Array) -> jax.Array:
    """`leaf` in float32 at least, in which all arithmetic happens."""
    if not isinstance(leaf, jax.Array):
        leaf = jnp.asarray(leaf)
    dtype = single_at_least(leaf.dtype)
    return leaf if leaf.dtype == dtype else leaf.astype(dtype)


def beside(leaf: chex.Array, other: jax.Array) -> jax.Array:
    """`leaf` upcast, and as wide as `other` at least."""
    leaf = upcast(leaf)
    wider = jnp.finfo(other.dtype).bits > jnp.finfo(leaf.dtype).bits
    return leaf.astype(other.dtype) if wider else leaf


def downcast(leaf: jax.Array, dtype: Any) -> jax.Array:
    """`leaf` in a dtype of the caller's; float16 saturates rather than overflows."""
    if leaf.dtype == dtype:
        return leaf
    if dtype == jnp.float16:
        largest = float(jnp.finfo(dtype).max)
        leaf = jnp.clip(leaf, -largest, largest)
    return leaf.astype(dtype)


def ema(average: jax.Array, value: jax.Array, decay: chex.Numeric) -> jax.Array:
    """b average + (1 - b) value, as a step from whichever of the two weighs more.

    So errors do not pile up over steps, and where b = 0 the result is `value` exactly.
    """
    if _check.is_number(decay):
        if decay < 0.5:
            return value + float(decay) * (average - value)
        return average + complement(decay) * (value - average)
    low = wide(decay) < 0.5
    weight = like(jnp.where(low, wide(decay), complement(decay)), average)
    near, far = jnp.where(low, value, average), jnp.where(low, average, value)
    return near + weight * (far - near)


def abs_sq(leaf: jax.Array) -> jax.Array:
    """|x|^2, real also for complex leaves, and finite wherever x is.

    An average that was infinite once would stay so, or turn into NaN. A few eps below
    the largest float leave room for what rounds up when the bias is divided out.
    """
    if jnp.iscomplexobj(leaf):
        square = leaf.real * leaf.real + leaf.imag * leaf.imag
    else:
        square = leaf * leaf
    float_ = jnp.finfo(square.dtype)
    return jnp.minimum(square, float(float_.max) * (1 - 8 * float(float_.eps)))


def sqrt(leaf: jax.Array) -> jax.Array:
    """The root, whose derivative at zero is zero and not infinite; NaN stays NaN."""
    zero = leaf <= 0
    return jnp.where(zero, 0, jnp.sqrt(jnp.where(zero, 1, leaf)))


def divide_by_root(
    numerator: jax.Array, square: jax.Array, eps_root: chex.Numeric, eps: chex.Numeric
) -> jax.Array:
    """numerator / (sqrt(square + eps_root) + eps), finite also at 0 / 0.

    So is its derivative, though the root's at zero is infinite: unless `eps_root` is
    known to be far above, what is below the least normal number, made by gradients
    below 1e-19, is taken for that number. NaN stays NaN.
    """
    if not _check.is_zero(eps_root):
        square = square + like(eps_root, square)
    if not (_check.is_number(eps_root) and eps_root > 1e-30):
        square = jnp.maximum(square, float(jnp.finfo(square.dtype).tiny))
    root = jnp.sqrt(square)
    denominator = root + like(eps, root)
    if jnp.iscomplexobj(numerator):
        return jax.lax.complex(
            numerator.real / denominator, numerator.imag / denominator
        )
    return numerator / denominator


def after(leaf: jax.Array, earlier: jax.Array) -> jax.Array:
    """`leaf`, which is not written before the real leaf `earlier` is.

    For a buffer that `earlier` is made of and `leaf` takes: where the order is open,
    XLA copies it first. Nothing is below -inf. LLVM knows that and does not read
    `earlier`; XLA does not and keeps the order.
    """
    return jnp.where(earlier < -jnp.inf, earlier.astype(leaf.dtype), leaf)


def zeros(params: chex.ArrayTree, dtype: Any) -> chex.ArrayTree:
    """Zeros like params, in `dtype` where given; complex leaves stay complex."""

    def zero(leaf: chex.Array) -> jax.Array:
        stored = own = jnp.result_type(leaf)
        if dtype is not None:
            stored = jnp.dtype(dtype)
            if jnp.issubdtype(own, jnp.complexfloating):
                double = jnp.finfo(stored).bits == 64
                stored = jnp.dtype(jnp.complex128 if double else jnp.complex64)
        return _zeros_like(leaf, stored)

    return jax.tree.map(zero, params)


def zeros_nu(params: chex.ArrayTree, dtype: Any) -> chex.ArrayTree:
    """Real zeros like params, in `dtype` or else in float32 at least.

    Squares leave the range of float16, and in bfloat16 an average over 1,000 steps
    stands still, so without a wish of the user's nu does not follow the params.
    """

    def zero(leaf: chex.Array) -> jax.Array:
        stored = single_at_least(jnp.result_type(leaf)) if dtype is None else dtype
        return _zeros_like(leaf, jnp.finfo(stored).dtype)

    return jax.tree.map(zero, params)


def _zeros_like(leaf: chex.Array, dtype: Any) -> jax.Array:
    """Zeros sharded like `leaf`, under jit as well.

    There a constant is replicated whatever it is like, since it comes from no sharded
    array. So this one is computed: no number is above and below zero.
    """
    if not isinstance(leaf, jax.core.Tracer):
        return jnp.zeros_like(leaf, dtype=dtype)
    return ((leaf.real > 0) & (leaf.real < 0)).astype(dtype)


def store(tree: chex.ArrayTree, stored: chex.ArrayTree) -> chex.ArrayTree:
    """`tree` in the dtypes of the state that it replaces."""
    return jax.tree.map(lambda new, old: downcast(new, old.dtype), tree, stored)
