"""Variance rectification of any adaptive transformation, from RAdam.

    u_t = r_t a_t  where rho_t >= threshold,  else what `unadapted` says

with a_t the adaptive step, and r_t and rho_t those of `rectification_term`.

Liu et al., On the Variance of the Adaptive Learning Rate and Beyond, 2020,
https://arxiv.org/abs/1908.03265
"""

from __future__ import annotations

from typing import Any, NamedTuple, NoReturn

import chex
import jax
import jax.numpy as jnp
import optax

from optax_extra import _block_code, _check, _first_moment, _moments, _numerics
from optax_extra._rectification import rectification


class RectifyState(NamedTuple):
    """State of `rectify`.

    Attributes:
      count: steps so far, int32, shape ().
      adaptive: state of the adaptive transformation.
      unadapted: state of the unadapted one, () where there is none.
    """

    count: chex.Array
    adaptive: optax.OptState
    unadapted: optax.OptState


class MomentumOf(NamedTuple):
    """What `momentum_of` returns: a request that `rectify` understands."""

    b1: chex.Numeric
    nesterov: bool

    @property
    def init(self) -> NoReturn:
        raise TypeError(
            "momentum_of: it must be the second argument of rectify(adaptive, "
            f"momentum_of(b1), b2=b2), got used as a transformation with b1={self.b1}"
        )


def momentum_of(b1: chex.Numeric, *, nesterov: bool = False) -> MomentumOf:
    """Asks `rectify` for the momentum that its adaptive part keeps anyway.

    Below the threshold `rectify(adaptive, momentum_of(b1), b2=b2)` steps along the
    bias-corrected first moment, read from the `MomentsState` of the adaptive part
    (alone, in an `optax.chain` or under `optax.inject_hyperparams`), so rectification
    costs no buffer. It is no transformation of its own.

    Args:
      b1: decay rate of the adaptive part's first moment, in [0, 1): the same number,
        since the part's state does not tell. A tracer is not checked.
      nesterov: whether the adaptive part uses Nesterov momentum; then it must be a part
        alone, not a chain.

    Returns:
      A small `NamedTuple` for `rectify`.

    Raises:
      ValueError: if b1 is out of range; from `rectify`'s `init`, if the adaptive part
        does not have exactly one `MomentsState`.

    Example:
      >>> import optax_extra
      >>> optax_extra.rectify(
      ...     optax_extra.scale_by_belief(b1=0.9, b2=0.999),
      ...     optax_extra.momentum_of(0.9),
      ...     b2=0.999,
      ... )  # doctest: +ELLIPSIS
      GradientTransformationExtraArgs(...)
    """
    _check.decay("momentum_of", "b1", b1)
    _check.flag("momentum_of", "nesterov", nesterov)
    return MomentumOf(b1, nesterov)


def _moments_in(state: optax.OptState) -> _moments.MomentsState:
    """The one `MomentsState` of an adaptive part, wherever wrappers put it."""

    def is_moments(node: Any) -> bool:
        return isinstance(node, _moments.MomentsState)

    nodes = jax.tree.leaves(state, is_leaf=is_moments)
    found: list[_moments.MomentsState] = [node for node in nodes if is_moments(node)]
    if len(found) != 1:
        raise ValueError(
            "rectify: momentum_of must find exactly one MomentsState in the state of "
            f"the adaptive part, got {len(found)}; use optax.ema(b1) as unadapted part"
        )
    decoded: _moments.MomentsState = _block_code.decode_all(found[0])
    return decoded


def _check_moments(state: optax.OptState, params: Any, request: MomentumOf) -> None:
    """Refuses states from which the momentum of `params` cannot be read."""
    moments = _moments_in(state)
    known: Any = jax.tree.structure(moments.mu)
    if known != jax.tree.structure(params):
        raise ValueError(
            "rectify: momentum_of must find a moment of every leaf of params, got "
            f"{known}; put optax.masked or optax.partition around rectify, or use "
            "optax.ema(b1) as unadapted part"
        )
    if request.nesterov and not isinstance(state, _moments.MomentsState):
        raise ValueError(
            "rectify: momentum_of(nesterov=True) must stand beside a part alone, whose "
            f"gradients it sees, got {type(state).__name__}; chain before rectify"
        )


def rectify(
    adaptive: optax.GradientTransformation,
    unadapted: optax.GradientTransformation | MomentumOf | None = None,
    *,
    b2: chex.Numeric,
    threshold: chex.Numeric = 5.0,
) -> optax.GradientTransformationExtraArgs:
    """Scales an adaptive transformation by RAdam's rectification term.

        u_t = r_t a_t  where rho_t >= threshold,  else the step of `unadapted`

    with a_t the adaptive step and r_t, rho_t those of `rectification_term`. In the
    first steps the second moment is known from few gradients and the adaptive step size
    varies wildly; r_t scales that down and grows to 1. While the variance cannot be
    estimated the step is an unadapted one. `rectify(scale_by_adam(...),
    momentum_of(b1), b2=b2)` is RAdam.

    It does not apply the learning rate, and must stand before it: the unadapted step
    has none. Both transformations see every gradient. `optax.MultiSteps` belongs around
    it, not inside, where it would count micro-batches.

    Args:
      adaptive: any transformation whose second moment decays with `b2`.
      unadapted: the steps while rho_t < threshold. None for zero updates (the RAdam
        authors' default), `momentum_of(b1)` for the adaptive part's own momentum, or
        any transformation, which then keeps its own state.
      b2: decay rate of the second moment in `adaptive`, the same number, in [0, 1).
        For b2 <= 2/3 rho_t never reaches 5, so that the steps stay unadapted for ever.
      threshold: the least rho_t for adaptive steps, at least 4. The authors' code
        has 5, their paper 4.

    Returns:
      A `GradientTransformationExtraArgs`; extra arguments go to both transformations.

    Raises:
      TypeError: if `adaptive` or `unadapted` is no transformation.
      ValueError: if b2 or threshold is out of range (tracers are not checked); at
        `init`, if `momentum_of` does not find exactly one `MomentsState`.

    Example:
      >>> import jax.numpy as jnp
      >>> import optax
      >>> from optax_extra import momentum_of, rectify, scale_by_belief
      >>> optimizer = optax.chain(
      ...     rectify(scale_by_belief(0.9, 0.999), momentum_of(0.9), b2=0.999),
      ...     optax.scale_by_learning_rate(1e-3),
      ... )
      >>> params = jnp.array([1.0, -2.0])
      >>> state = optimizer.init(params)
      >>> updates, state = optimizer.update(2 * params, state, params)
      >>> print(updates)
      [-0.002  0.004]

    References:
      On the Variance of the Adaptive Learning Rate and Beyond, Liu et al., 2020,
      https://arxiv.org/abs/1908.03265
    """
    _check.transformation("rectify", "adaptive", adaptive)
    if unadapted is not None and not isinstance(unadapted, MomentumOf):
        _check.transformation(
            "rectify", "unadapted", unadapted, or_else="None or momentum_of(b1)"
        )
    _check.decay("rectify", "b2", b2)
    _check.in_range("rectify", "threshold", threshold, 4)
    adaptive = optax.with_extra_args_support(adaptive)
    moment = unadapted if isinstance(unadapted, MomentumOf) else None
    fallback = optax.with_extra_args_support(
        optax.set_to_zero() if unadapted is None or moment else unadapted
    )

    def init_fn(params: chex.ArrayTree) -> RectifyState:
        state = adaptive.init(params)
        if moment:
            _check_moments(state, params, moment)
        return RectifyState(jnp.zeros([], jnp.int32), state, fallback.init(params))

    def update_fn(
        updates: chex.ArrayTree,
        state: RectifyState,
        params: chex.ArrayTree | None = None,
        **extra_args: Any,
    ) -> tuple[chex.ArrayTree, RectifyState]:
        count = optax.safe_increment(state.count)
        adapted, inner = adaptive.update(updates, state.adaptive, params, **extra_args)
        plain, outer = fallback.update(updates, state.unadapted, params, **extra_args)
        if moment:
            own = _moments_in(inner)
            plain = _first_moment.estimate(
                updates,
                own.mu,
                own.levels,
                own.count,
                moment.b1,
                nesterov=moment.nesterov,
            )
        term, tractable = rectification(b2, count, threshold)

        def select(a: chex.Array, u: chex.Array) -> chex.Array:
            step = _numerics.upcast(a)
            scaled = _numerics.downcast(step * _numerics.like(term, step), a.dtype)
            return jnp.where(tractable, scaled, u.astype(a.dtype))

        return jax.tree.map(select, adapted, plain), RectifyState(count, inner, outer)

    return optax.GradientTransformationExtraArgs(init_fn, update_fn)
