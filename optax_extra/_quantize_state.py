"""State in few bits for any transformation: 16 by chance, or 8 in blocks.

    state_t = encode(new state),   u_t taken from decode(state_t)

Arithmetic is the inner transformation's own, in float32. See `_rounding` and
`_block_code` for the codes.
"""

from __future__ import annotations

import functools
from collections.abc import Collection
from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp
import optax

from optax_extra import _as_stored, _block_code, _check, _few_bits, _few_bits_check
from optax_extra._few_bits_check import KEPT


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
    format: Any = "bfloat16",
    *,
    block_size: int | None = None,
    min_size: int = 4096,
    keep: Collection[str] = KEPT,
    seed: int = 0,
) -> optax.GradientTransformationExtraArgs:
    """Keeps the state of any transformation in 16 or 8 bits a number.

        state_t = encode(new state),  u_t taken from decode(state_t)

    "bfloat16" rounds to either neighbour by chance, with the right mean, so that an
    average that moves by less than one rounding a step does move. "int8" is a
    logarithmic code of eight steps an octave, rounded likewise, in blocks along the
    last axis of which each has its own range: it suits momenta and second moments
    alike, and none of these decodes to less than zero, or to zero beneath a momentum.

    Arithmetic is float32, also where gradients are bfloat16, as updates then are, too;
    and updates are taken from the state as it is stored. `init` decides what is stored
    so: all float32 and bfloat16 leaves but small ones and those of `keep`. All others
    (counters, float64, float16, complex) stay as they are; but a small leaf that is
    bfloat16 anyway is rounded by chance, too. It does not change params: for these see
    `compensate`.

    It is meant for averages. `adabelief` and `adaderivative` measure how far the
    gradient is from a stored one, and take the rounding for a change of the gradient:
    at least 1/256 of it in 16 bits, 1/16 in 8. So gradients without noise get shorter
    steps than in float32. A block of "int8" spans 15 octaves of gradient: a single one
    50,000 times as large as its neighbours' makes these stand still until it is
    forgotten; clip it, or take smaller blocks.

    Derivatives pass through "bfloat16" as if there were no rounding. They do not pass
    through the integers of "int8": there they know of the newest gradient alone.

    Wrappers that branch or loop, as `optax.apply_if_finite` and `optax.MultiSteps`,
    belong around it: inside, steps are taken from exact numbers, which costs a copy.

    In "bfloat16" the state is the tree that it was. In "int8" a leaf is a tuple
    `Blocks(codes, floors)`, of which codes have the leaf's shape: give
    `optax.tree.map_params` `is_leaf=lambda node: isinstance(node, Blocks)` wherever its
    function is to see a param beside the whole of its blocks. `nnx.Optimizer` of Flax
    0.11.0 does not take them, that of 0.12 does. `jax.jit(init)` makes no float32 state
    on the way.

    Args:
      inner: whose state to keep, a part or a whole optimizer of any library.
      format: "bfloat16", or "int8" for 8 bits and 16 for each block; the dtypes of
        these names will do.
      block_size: numbers in a block of "int8", a power of two; None for 32, as in
        the microscaling formats. Where a leaf's last axis is spread over devices, it is
        the greatest that no device shares, if `init` can see that: under `jax.jit` only
        where the mesh's axes are explicit, so else give one that divides the shards.
      min_size: leaves of fewer elements stay as they are; the default is that of
        Dettmers et al.
      keep: names of fields that stay as they are; by default those of fields that are
        no averages: weights (`lookahead`'s slow ones, and those of Optax's
        `schedule_free`, `dog`, `prodigy`, `cocob`, `mechanize`, `madgrad`, `lbfgs`),
        the gradient that a line search hands on, and the step sizes of `rprop`.
      seed: chooses the noise of rounding. It is the same on any number of devices,
        and for all leaves of one shape, which therefore do not know each other. Inside
        of `jax.shard_map` every device draws the same.

    Returns:
      A `GradientTransformationExtraArgs`; extra arguments go to `inner`.

    Raises:
      TypeError: if `inner` is no transformation, or an argument of the wrong kind.
      ValueError: if an argument is out of its range; at `init`, if the state of `inner`
        has no floating leaf, is in blocks already, or has no field of a name in `keep`.

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
    format = _few_bits_check.known_format(part, format)
    size = _few_bits_check.known_block_size(part, format, block_size)
    _check.count(part, "min_size", min_size)
    if isinstance(keep, str) or not isinstance(keep, Collection):
        raise TypeError(f"{part}: keep must be a list of names, got {keep!r}")
    _check.count(part, "seed", seed, least=0)
    inner = optax.with_extra_args_support(inner)
    kept = frozenset(keep)
    by_chance = functools.partial(_few_bits.by_chance, seed=seed)

    def init_fn(params: chex.ArrayTree) -> QuantizedState:
        state = inner.init(params)
        _few_bits_check.check_state(part, keep, params, state)
        names_of = _few_bits.names_beside(params)
        zero = jnp.zeros([], jnp.int32)

        def store(path: Any, leaf: Any) -> Any:
            names = names_of(path)
            large = jnp.ndim(leaf) > 0 and jnp.size(leaf) >= min_size
            floating = jnp.result_type(leaf) in (jnp.float32, jnp.bfloat16)
            if not (large and floating) or kept.intersection(names):
                return leaf
            return by_chance(
                leaf, names, count=zero, size=_few_bits.size_within_shard(leaf, size)
            )

        return QuantizedState(zero, jax.tree_util.tree_map_with_path(store, state))

    def encoder(
        old: Any, names: list[str], count: chex.Array
    ) -> _as_stored.Encoder | None:
        """For what is to be stored as `old` was."""
        if not _block_code.is_blocks(old):
            if jnp.ndim(old) == 0 or kept.intersection(names):
                return _few_bits.nearest(old)
            if jnp.result_type(old) != jnp.bfloat16:
                return None
        blocks = _few_bits.size_of(old)
        return _few_bits.encoder(
            functools.partial(by_chance, names=names, count=count, size=blocks)
        )

    def update_fn(
        updates: chex.ArrayTree,
        state: QuantizedState,
        params: chex.ArrayTree | None = None,
        **extra_args: Any,
    ) -> tuple[chex.ArrayTree, QuantizedState]:
        count = optax.safe_increment(state.count)
        names_of = _few_bits.names_beside(updates)
        leaves, structure = jax.tree_util.tree_flatten_with_path(
            state.inner, is_leaf=_block_code.is_blocks
        )
        named = [(old, names_of(path)) for path, old in leaves]
        # Weights keep their dtype: parts ask it what an addition to params will round.
        read = [
            old if kept.intersection(names) else _few_bits.read(old)
            for old, names in named
        ]
        encoders = [_few_bits.nearest(leaf) for leaf in jax.tree.leaves(updates)]
        encoders += [encoder(old, names, count) for old, names in named]
        updates, new = _as_stored.run(
            functools.partial(inner.update, **extra_args),
            encoders,
            jax.tree.map(_few_bits.read, updates),
            jax.tree.unflatten(structure, read),
            params,
        )
        kinds = jax.tree.structure(state.inner)  # Of blocks, too.
        inner_state = jax.tree.unflatten(kinds, jax.tree.leaves(new))
        return updates, QuantizedState(count, inner_state)

    return optax.GradientTransformationExtraArgs(init_fn, update_fn)
