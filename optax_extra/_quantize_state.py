"""State in few bits for any transformation: 16 by chance, or 8 in blocks.

    state_t = encode(new state),   u_t taken from decode(state_t)

Arithmetic is the inner transformation's own, in float32. See `_rounding` and
`_block_code` for the codes.
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax

from optax_extra import _as_stored, _block_code, _check, _numerics, _rounding

# Fields that hold weights: of `lookahead`, and of Optax's schedule_free, dog, prodigy.
WEIGHTS = ("slow", "z", "init_params", "params0")
_BLOCK_SIZE = 32


class QuantizedState(NamedTuple):
    """State of `quantize_state`.

    Attributes:
      count: steps so far, int32, shape ().
      inner: state of the inner transformation. Its large leaves are bfloat16 arrays,
        or `Blocks`, instead of float32 arrays.
    """

    count: chex.Array
    inner: optax.OptState


def quantize_state(
    inner: optax.GradientTransformation,
    format: str = "bfloat16",
    *,
    block_size: int | None = None,
    min_size: int = 4096,
    keep: Sequence[str] = WEIGHTS,
    seed: int = 0,
) -> optax.GradientTransformationExtraArgs:
    """Keeps the state of any transformation in 16 or 8 bits a number.

        state_t = encode(new state),  u_t taken from decode(state_t)

    "bfloat16" rounds to either neighbour by chance, with the right mean, so that an
    average that moves by less than one rounding a step does move. "int8" is a
    logarithmic code of eight steps an octave, rounded likewise, in blocks along the
    last axis of which each has its own range: it suits momenta and second moments
    alike, and none of these decodes to less than zero, or to zero beneath a momentum.

    Arithmetic is float32, and updates are taken from the state as it is stored. Of
    float32 and bfloat16 leaves all are stored so, but small ones and those of `keep`;
    all other leaves (counters, float64, float16, complex) stay as they are. It does
    not change params: for these see `compensate`.

    `adabelief` and `adaderivative` measure how far the gradient is from a stored one,
    and take the rounding for a change of the gradient: at least 1/256 of it in 16 bits,
    1/16 in 8. So gradients without noise get shorter steps than in float32.

    In "bfloat16" the state is the tree that it was. In "int8" a leaf is a tuple
    `Blocks(codes, floors)`, of which codes have the leaf's shape: give
    `optax.tree.map_params` `is_leaf=lambda node: isinstance(node, Blocks)` wherever its
    function is to see a param beside the whole of its blocks. `nnx.Optimizer` of Flax
    0.11.0 does not take them, that of 0.12 does. `jax.jit(init)` makes no float32 state
    on the way.

    Args:
      inner: whose state to keep, a part or a whole optimizer of any library.
      format: "bfloat16", or "int8" for 8 bits and 16 for each block.
      block_size: numbers in a block of "int8", a power of two; None for 32, as in
        the microscaling formats. Where a leaf's last axis is spread over devices, as
        `init` can see outside of `jax.jit`, it is the greatest that no device shares.
      min_size: leaves of fewer elements stay as they are; the default is that of
        Dettmers et al.
      keep: names of fields that stay as they are; by default those of weights, which
        are not averages of gradients: `lookahead`'s slow ones, and those of Optax's
        `schedule_free`, `dog` and `prodigy`.
      seed: chooses the noise of rounding. It is the same on any number of devices,
        and for all leaves of one shape, which therefore do not know each other.

    Returns:
      A `GradientTransformationExtraArgs`; extra arguments go to `inner`.

    Raises:
      TypeError: if `inner` is no transformation, or an argument of the wrong kind.
      ValueError: if an argument is out of its range; at `init`, if the state of `inner`
        has no floating leaf, or is in blocks already.

    Example:
      >>> import jax.numpy as jnp
      >>> from optax_extra import adabelief, quantize_state, state_bytes
      >>> params = {"kernel": jnp.ones((1024, 1024)), "bias": jnp.ones(1024)}
      >>> for format in ("bfloat16", "int8"):
      ...     optimizer = quantize_state(adabelief(1e-3), format)
      ...     print(f"{state_bytes(optimizer, params).bytes:.2f}")
      4.00
      2.13

    References:
      8-bit Optimizers via Block-wise Quantization, Dettmers et al., 2021,
      https://arxiv.org/abs/2110.02861
      Deep Learning with Limited Numerical Precision, Gupta et al., 2015,
      https://arxiv.org/abs/1502.02551
      Microscaling Data Formats for Deep Learning, Rouhani et al., 2023,
      https://arxiv.org/abs/2310.10537
    """
    part = "quantize_state"
    _check.transformation(part, "inner", inner)
    _check.one_of(part, "format", format, ("bfloat16", "int8"))
    size = _known_block_size(part, format, block_size)
    _check.count(part, "min_size", min_size)
    if isinstance(keep, str):
        raise TypeError(f"{part}: keep must be a list of names, got {keep!r}")
    _check.count(part, "seed", seed, least=0)
    inner = optax.with_extra_args_support(inner)
    kept = frozenset(keep)

    def is_coded(path: Any, leaf: Any) -> bool:
        if _block_code.is_blocks(leaf):
            return True
        if kept.intersection(_fields(path)):
            return False
        large = jnp.ndim(leaf) > 0 and jnp.size(leaf) >= min_size
        return large and jnp.result_type(leaf) in (jnp.float32, jnp.bfloat16)

    def encode(path: Any, leaf: chex.Array, count: chex.Array, size: int) -> Any:
        """What is stored."""
        name = "/".join((str(seed), *_fields(path)))
        key = _rounding.scramble(count.astype(jnp.uint32))
        key = key + np.uint32(zlib.crc32(name.encode()))
        values = leaf.astype(jnp.float32)
        noise = _rounding.noise(values.shape, key)
        if format == "bfloat16":
            return _rounding.to_bfloat16(values, noise)
        return _block_code.encode(values, noise, size)

    def encoder(path: Any, old: Any, count: chex.Array) -> _as_stored.Encoder | None:
        if not is_coded(path, old):
            return None
        here = _block_code.size_of(old) if _block_code.is_blocks(old) else size

        def store(leaf: jax.Array) -> tuple[Any, jax.Array]:
            stored = encode(path, leaf, count, here)
            read = _decode(stored).astype(leaf.dtype)
            return stored, _rounding.with_slope_of(leaf, read)

        return store

    def init_fn(params: chex.ArrayTree) -> QuantizedState:
        state = inner.init(params)
        _check_state(part, params, state)
        zero = jnp.zeros([], jnp.int32)

        def store(path: Any, leaf: Any) -> Any:
            if not is_coded(path, leaf):
                return leaf
            return encode(path, leaf, zero, _size_within_shard(leaf, size))

        return QuantizedState(zero, jax.tree_util.tree_map_with_path(store, state))

    def update_fn(
        updates: chex.ArrayTree,
        state: QuantizedState,
        params: chex.ArrayTree | None = None,
        **extra_args: Any,
    ) -> tuple[chex.ArrayTree, QuantizedState]:
        count = optax.safe_increment(state.count)
        stored, structure = jax.tree_util.tree_flatten_with_path(
            state.inner, is_leaf=_block_code.is_blocks
        )
        wide = [_decode(old) if is_coded(at, old) else old for at, old in stored]
        updates, new = _as_stored.run(
            functools.partial(inner.update, **extra_args),
            [encoder(path, old, count) for path, old in stored],
            updates,
            jax.tree.unflatten(structure, wide),
            params,
        )
        kinds = jax.tree.structure(state.inner)  # Of blocks, too.
        inner_state = jax.tree.unflatten(kinds, jax.tree.leaves(new))
        return updates, QuantizedState(count, inner_state)

    return optax.GradientTransformationExtraArgs(init_fn, update_fn)


def _fields(path: Any) -> list[str]:
    """The names of a state's fields on the way to a leaf, and not those of params."""
    attribute = jax.tree_util.GetAttrKey
    return [key.name for key in path if isinstance(key, attribute)]


def _decode(stored: Any) -> jax.Array:
    if _block_code.is_blocks(stored):
        return _block_code.decode(stored)
    return _numerics.upcast(stored)


def _known_block_size(part: str, format: str, block_size: int | None) -> int:
    if block_size is None:
        return _BLOCK_SIZE
    if format != "int8":
        raise ValueError(
            f"{part}: block_size must be None with format={format!r}, which has no "
            f"blocks, got {block_size}"
        )
    _check.count(part, "block_size", block_size)
    if block_size & (block_size - 1):
        raise ValueError(f"{part}: block_size must be a power of two, got {block_size}")
    return block_size


def _check_state(part: str, params: Any, state: Any) -> None:
    """Refuses states in which there is nothing to store in fewer bits."""
    nodes = jax.tree.leaves(state, is_leaf=_block_code.is_blocks)
    if any(map(_block_code.is_blocks, nodes)):
        raise ValueError(
            f"{part}: the state of inner must not be in blocks, got Blocks"
        )
    kinds = {jnp.result_type(leaf) for leaf in jax.tree.leaves(state)}
    if jax.tree.leaves(params) and not any(
        jnp.issubdtype(kind, jnp.inexact) for kind in kinds
    ):
        found = ", ".join(sorted(map(str, kinds))) or "nothing"
        raise ValueError(
            f"{part}: the state of inner must have floating leaves, got {found}"
        )


def _size_within_shard(leaf: chex.Array, size: int) -> int:
    """`size`, or as much of it as divides a last axis that is spread over devices."""
    sharding = getattr(leaf, "sharding", None)
    if isinstance(leaf, jax.core.Tracer) or sharding is None:
        return size
    length = int(sharding.shard_shape(leaf.shape)[-1])
    return size if length == leaf.shape[-1] else int(np.gcd(length, size))
