"""Leaves of a state in few bits: their names, how they are stored and how read."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np

from optax_extra import _as_stored, _block_code, _rounding


def names_beside(params: chex.ArrayTree) -> Callable[[Any], list[str]]:
    """A function from a path in a state to its fields' names, without those of params.

    A state ends in trees like params, whose own fields, if they have any, do not count.
    """
    ends = {path for path, _ in jax.tree_util.tree_leaves_with_path(params)}

    def names(path: Any) -> list[str]:
        starts = (path[:at] for at in range(len(path)) if path[at:] in ends)
        keys = next(starts, path)
        return [k.name for k in keys if isinstance(k, jax.tree_util.GetAttrKey)]

    return names


def read(stored: Any) -> Any:
    """float32 of what is stored in few bits; all else as it is."""
    if _block_code.is_blocks(stored):
        return _block_code.decode(stored)
    narrow = jnp.result_type(stored) == jnp.bfloat16
    return jnp.asarray(stored, jnp.float32) if narrow else stored


def by_chance(
    leaf: chex.Array,
    names: Sequence[str],
    *,
    seed: int,
    count: chex.Array,
    size: int | None,
) -> Any:
    """A leaf in blocks of a size, or in bfloat16 where it is None.

    The noise knows the seed, the step and the field.
    """
    key = _rounding.scramble(count.astype(jnp.uint32))
    key = key + np.uint32(zlib.crc32("/".join((str(seed), *names)).encode()))
    values = leaf.astype(jnp.float32)
    noise = _rounding.noise(values.shape, key)
    if size is None:
        return _rounding.to_bfloat16(values, noise)
    return _block_code.encode(values, noise, size)


def size_of(stored: Any) -> int | None:
    """Numbers in a block, None where there are none."""
    return _block_code.size_of(stored) if _block_code.is_blocks(stored) else None


def size_within_shard(leaf: chex.Array, size: int | None) -> int | None:
    """`size`, or as much of it as divides a last axis that is spread over devices."""
    traced = isinstance(leaf, jax.core.Tracer)
    sharding = getattr(jax.typeof(leaf) if traced else leaf, "sharding", None)
    if size is None or sharding is None:
        return size
    length = int(sharding.shard_shape(leaf.shape)[-1])
    return size if length == leaf.shape[-1] else int(np.gcd(length, size))


def encoder(encode: Callable[[jax.Array], Any]) -> _as_stored.Encoder:
    """For `_as_stored.run`: what is stored, and read with the leaf's derivative."""

    def store(leaf: jax.Array) -> tuple[Any, jax.Array]:
        stored = encode(leaf)
        return stored, _rounding.with_slope_of(leaf, read(stored).astype(leaf.dtype))

    return store


def nearest(like: chex.Array) -> _as_stored.Encoder | None:
    """For what is bfloat16 as `like`, and not rounded by chance; None for all else."""
    if jnp.result_type(like) != jnp.bfloat16:
        return None
    return encoder(
        lambda leaf: _rounding.digits_of(leaf, jnp.bfloat16).astype(jnp.bfloat16)
    )
