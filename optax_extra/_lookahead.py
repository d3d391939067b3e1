"""Lookahead as a part: slow weights in the state, one plain tree of params.

    every k steps:  slow = slow + alpha (fast - slow),  fast = slow

Zhang et al., Lookahead Optimizer: k steps forward, 1 step back, 2019,
https://arxiv.org/abs/1907.08610
"""

from __future__ import annotations

from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp
import optax

from optax_extra import _check, _numerics


class LookaheadState(NamedTuple):
    """State of `lookahead`.

    Attributes:
      count: steps so far, what schedules are given, int32, shape ().
      since: steps since the last synchronisation, int32, shape ().
      slow: slow weights, a tree like params, in the dtypes of params.
    """

    count: chex.Array
    since: chex.Array
    slow: chex.ArrayTree


def lookahead(
    sync_period: chex.Numeric | optax.Schedule = 5,
    slow_step_size: chex.Numeric | optax.Schedule = 0.5,
) -> optax.GradientTransformation:
    """Pulls params back to slow weights; unlike `optax.lookahead` a part, no wrapper.

    `optax.lookahead` wraps an optimizer and wants a pair of params. Here the slow
    weights live in the state and params stay the plain tree that Flax knows:

        every `sync_period` steps:  slow = slow + slow_step_size (fast - slow),
                                    fast = slow

    It must be the **last part of a chain**, because it has to see the updates that are
    going to be applied. Evaluate and save `slow_params(opt_state, params)`. The inner
    optimizer's state is kept at a synchronisation, as in the paper's main variant.

    Args:
      sync_period: steps between synchronisations, at least 1: at steps k, 2k, ... from
        the initial weights. It may be a schedule of the step count or a tracer:
        a synchronisation comes when the steps since the last one reach the period of
        now. A schedule's or tracer's value below 1 counts as 1. Default: the paper's.
      slow_step_size: share of the way that the slow weights go, in [0, 1]; a number,
        a schedule of the step count or a tracer. Default: the paper's.

    Returns:
      A `GradientTransformation` whose `update` needs params. Right after a
      synchronisation params and slow weights are equal bit for bit.

    Raises:
      ValueError: if an argument is out of range (tracers and schedules are not
        checked), if `update` is called without params, or at `init`, if a leaf is not
        floating.

    Example:
      >>> import jax.numpy as jnp
      >>> import optax
      >>> from optax_extra import lookahead, slow_params
      >>> optimizer = optax.chain(optax.sgd(0.1), lookahead(2, 0.5))
      >>> params = jnp.array([1.0])
      >>> state = optimizer.init(params)
      >>> for _ in range(2):
      ...     updates, state = optimizer.update(jnp.ones(1), state, params)
      ...     params = optax.apply_updates(params, updates)
      >>> print(params, slow_params(state, params))
      [0.9] [0.9]

    References:
      Lookahead Optimizer: k steps forward, 1 step back, Zhang et al., 2019,
      https://arxiv.org/abs/1907.08610
    """
    if not callable(sync_period):
        _check.in_range("lookahead", "sync_period", sync_period, 1)
    if not callable(slow_step_size):
        _check.in_range("lookahead", "slow_step_size", slow_step_size, 0, 1)

    def init_fn(params: chex.ArrayTree) -> LookaheadState:
        _check.floating_leaves("lookahead", params)
        zero = jnp.zeros([], jnp.int32)
        # Copies, so that state and params can be donated side by side.
        return LookaheadState(zero, zero.copy(), jax.tree.map(_copy, params))

    def update_fn(
        updates: chex.ArrayTree,
        state: LookaheadState,
        params: chex.ArrayTree | None = None,
    ) -> tuple[chex.ArrayTree, LookaheadState]:
        if params is None:
            raise ValueError("lookahead: update must be given params, got None")
        _check.same_structure("lookahead", updates, state.slow)
        count = optax.safe_increment(state.count)
        period = sync_period(state.count) if callable(sync_period) else sync_period
        share = slow_step_size
        if callable(slow_step_size):
            share = slow_step_size(state.count)
        since = optax.safe_increment(state.since)
        syncs = _numerics.wide(since) >= _numerics.wide(period)

        def pull(u: chex.Array, slow: chex.Array, p: chex.Array) -> chex.Array:
            """The update that takes params to the new slow weight."""
            start, params_now = _numerics.upcast(slow), _numerics.upcast(p)
            way = params_now + _numerics.upcast(u) - start
            target = start + _numerics.like(share, start) * way
            return jnp.where(syncs, (target - params_now).astype(u.dtype), u)

        # A choice for every element and not `lax.cond`, which copies a whole buffer and
        # made a step of 20 million parameters four times as long.
        pulled = jax.tree.map(pull, updates, state.slow, params)
        # The new slow weights are what the caller's own addition will make of params.
        landed = optax.apply_updates(params, pulled)
        slow = jax.tree.map(
            lambda new, old: jnp.where(syncs, new, old), landed, state.slow
        )
        return pulled, LookaheadState(count, jnp.where(syncs, 0, since), slow)

    return optax.GradientTransformation(init_fn, update_fn)


def _copy(leaf: chex.Array) -> chex.Array:
    return jnp.array(leaf, copy=True)


def slow_params(opt_state: optax.OptState, params: chex.ArrayTree) -> chex.ArrayTree:
    """The weights to evaluate and to save: Lookahead's slow ones.

    Args:
      opt_state: the state of any optimizer with `lookahead` in it, however wrapped
        (`optax.chain`, `optax.masked`, `optax.partition`, `optax.MultiSteps`, the
        `opt_state` of a `TrainState` or an `nnx.Optimizer`).
      params: the params that it optimizes (of an nnx model `nnx.state(model,
        nnx.Param)`).

    Returns:
      A tree like params. Where a leaf has no slow weight (masked, or of another
      partition), it is the leaf of params; where it has several, the outermost
      lookahead's.

    Raises:
      ValueError: if there is no `lookahead` in the state, or params are another tree.

    Example:
      >>> import jax.numpy as jnp
      >>> import optax
      >>> from optax_extra import lookahead, slow_params
      >>> optimizer = optax.chain(optax.sgd(0.1), lookahead(2, 0.5))
      >>> params = jnp.array([1.0])
      >>> updates, state = optimizer.update(jnp.ones(1), optimizer.init(params), params)
      >>> params = optax.apply_updates(params, updates)
      >>> print(params, slow_params(state, params))
      [0.9] [1.]
    """

    def is_lookahead(node: Any) -> bool:
        return isinstance(node, LookaheadState)

    nodes = jax.tree.leaves(opt_state, is_leaf=is_lookahead)
    states = [node for node in nodes if is_lookahead(node)]
    if not states:
        raise ValueError(
            "slow_params: opt_state must hold the state of a lookahead, got none in "
            f"{type(opt_state).__name__}"
        )
    # By path, since a masked node may stand for a whole subtree, and wrappers such as
    # nnx.Optimizer give the leaves of a state another type than those of params.
    slow = {
        path: leaf
        for state in states
        for path, leaf in jax.tree_util.tree_leaves_with_path(state.slow)
    }
    known = {path for path, _ in jax.tree_util.tree_leaves_with_path(params)}
    if not known >= slow.keys():
        strange = jax.tree_util.keystr(min(slow.keys() - known, key=str))
        raise ValueError(
            "slow_params: params must be the tree that lookahead saw, got one without "
            f"{strange}"
        )
    return jax.tree_util.tree_map_with_path(
        lambda path, leaf: slow.get(path, leaf), params
    )
