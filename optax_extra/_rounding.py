"""Rounding to fewer bits: to either neighbour by chance, so that the mean is exact.

    round(x) = down(x)  or  up(x),  with mean x

The chance is a hash of the element's place in its array. So it costs a few operations
on integers, and is the same however the array is spread over devices.

Gupta et al., Deep Learning with Limited Numerical Precision, 2015,
https://arxiv.org/abs/1502.02551
"""

import functools
from collections.abc import Sequence
from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np


def scramble(value: jax.Array) -> jax.Array:
    """A permutation of 32 bits whose upper half depends on all of them.

    That of Wellons without its last line, which mixes the lower half:
    Prospecting for Hash Functions, 2018, https://nullprogram.com/blog/2018/07/31/
    """
    value = (value ^ (value >> 16)) * np.uint32(0x7FEB352D)
    return (value ^ (value >> 15)) * np.uint32(0x846CA68B)


# Compiled by itself, so that the leaves of one shape are traced but once.
@functools.partial(jax.jit, static_argnums=0)
def noise(shape: Sequence[int], key: chex.Array) -> jax.Array:
    """uint32 of `shape`, of which the upper bits are random; `key` is one as well."""
    place, stride = jnp.broadcast_to(key, shape), 1
    for axis in reversed(range(len(shape))):
        step = jax.lax.broadcasted_iota(jnp.uint32, shape, axis)
        place = place + step * np.uint32(stride % 2**32)
        stride *= shape[axis]
    return scramble(place)


@jax.jit
def to_bfloat16(value: jax.Array, noise: jax.Array) -> jax.Array:
    """float32 to one of its two neighbours in bfloat16; what is one already stays.

    So do zeros, infinities and NaN. What is beyond the greatest bfloat16, 3.39e38, but
    finite becomes that and not infinite. The derivative is that of no rounding.
    """
    bits = jax.lax.bitcast_convert_type(value, jnp.uint32)
    has_upper = bits & np.uint32(0x7FFF0000) < np.uint32(0x7F7F0000)
    rounded = jnp.where(has_upper, bits + (noise >> 16), bits) & np.uint32(0xFFFF0000)
    exact = jax.lax.bitcast_convert_type(rounded, jnp.float32)
    return with_slope_of(value, exact).astype(jnp.bfloat16)


def digits_of(value: jax.Array, dtype: Any) -> jax.Array:
    """`value` with the digits that a narrower `dtype` keeps of it, in its own dtype.

    XLA may leave out a conversion to fewer bits and back, but not this.
    """
    if jnp.iscomplexobj(value):  # Not stored in less than it is computed in.
        return value
    kind = jnp.finfo(dtype)
    return jax.lax.reduce_precision(value, kind.nexp, kind.nmant)


@jax.custom_jvp
def with_slope_of(exact: jax.Array, rounded: jax.Array) -> jax.Array:
    """`rounded`, whose derivative is that of `exact`: a staircase has none of use."""
    del exact
    return rounded


@with_slope_of.defjvp
def _with_slope_of_jvp(primals: Any, tangents: Any) -> tuple[jax.Array, jax.Array]:
    return primals[1], tangents[0]
