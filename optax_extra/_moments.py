"""The state and the skeleton of the adaptive parts.

    mu_t = b1 mu_{t-1} + (1 - b1) g_t
    nu_t = b2 nu_{t-1} + (1 - b2) |d_t|^2
    u_t  = mu_hat_t / (sqrt(nu_hat_t) + eps)

with mu_hat_t = mu_t / (1 - b1^t) and nu_hat_t = nu_t / (1 - b2^t). What the deviation
d_t is, is the one line by which Adam, AdaBelief and AdaDerivative differ.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import chex
import jax
import jax.numpy as jnp
import optax

from optax_extra import _check, _first_moment, _numerics
from optax_extra._numerics import ema, like, upcast

Tree: TypeAlias = chex.ArrayTree


class MomentsState(NamedTuple):
    """State of `scale_by_adam`, `scale_by_belief` and `scale_by_derivative`.

    Attributes:
      count: steps so far, int32, shape ().
      mu: first moment, a tree like params, in `mu_dtype`.
      nu: second moment, a real tree like params, in `nu_dtype`.
      nu_max: elementwise maximum of nu over time with `amsgrad`, else None.
      previous: previous gradient of `scale_by_derivative`, else None.
      levels: `Levels` with `moving_average` or `hold_steps`, else None.
    """

    count: chex.Array
    mu: Tree
    nu: Tree
    nu_max: Tree | None
    previous: Tree | None
    levels: _first_moment.Levels | None


def scale_by_moments(
    part: str,
    deviation: Callable[..., chex.Array],
    *,
    b1: chex.Numeric,
    b2: chex.Numeric,
    eps: chex.Numeric,
    eps_root: chex.Numeric,
    eps_root_accumulates: bool = False,
    nesterov: bool,
    bias_correction_mu: bool,
    amsgrad: bool,
    moving_average: str,
    mu_dtype: Any,
    nu_dtype: Any,
    eps_uncorrected: bool,
    hold_steps: chex.Numeric,
    keeps_previous: bool = False,
    previous_dtype: Any = None,
) -> optax.GradientTransformation:
    """The skeleton of the adaptive parts; `deviation` is what nu is the moment of.

    Args:
      part: name of the part, for its errors.
      deviation: function of the leaves (gradient, momentum), and of the previous
        gradient where `keeps_previous`.
      eps_root_accumulates: True where the original adds `eps_root` to nu at every
        step. That sum is the geometric series eps_root (1 - b2^t) / (1 - b2): nu is
        stored without it, which spares a copy of nu, and the sum added at the end.
      keeps_previous: whether the state holds the previous gradient.

    All other arguments are those of the parts.
    """
    _check.each(_check.decay, part, b1=b1, b2=b2)
    _check.each(
        _check.not_negative, part, eps=eps, eps_root=eps_root, hold_steps=hold_steps
    )
    _check.each(
        _check.flag,
        part,
        nesterov=nesterov,
        bias_correction_mu=bias_correction_mu,
        amsgrad=amsgrad,
        eps_uncorrected=eps_uncorrected,
    )
    _check.each(
        _check.floating_dtype,
        part,
        mu_dtype=mu_dtype,
        nu_dtype=nu_dtype,
        previous_dtype=previous_dtype,
    )
    _check.one_of(part, "moving_average", moving_average, _first_moment.MOVING_AVERAGES)
    if nesterov and moving_average != "ema":
        raise ValueError(
            f"{part}: nesterov must be False with moving_average={moving_average!r}, "
            "which leads by itself"
        )
    holds = not _check.is_zero(hold_steps)

    def init_fn(params: Tree) -> MomentsState:
        _check.floating_leaves(part, params)
        mu, levels = _first_moment.start(params, moving_average, mu_dtype, holds=holds)
        return MomentsState(
            count=jnp.zeros([], jnp.int32),
            mu=mu,
            nu=_numerics.zeros_nu(params, nu_dtype),
            nu_max=_numerics.zeros_nu(params, nu_dtype) if amsgrad else None,
            previous=_numerics.zeros(params, previous_dtype)
            if keeps_previous
            else None,
            levels=levels,
        )

    def second_moment(v: chex.Array, *observed: chex.Array) -> chex.Array:
        square = _numerics.abs_sq(deviation(*observed))
        return ema(_numerics.beside(v, square), square, b2)

    def update_fn(
        updates: Tree, state: MomentsState, params: Tree | None = None
    ) -> tuple[Tree, MomentsState]:
        del params
        _check.same_structure(part, updates, state.mu)
        count = optax.safe_increment(state.count)
        held = None
        if holds:
            held = _numerics.wide(count) <= _numerics.wide(hold_steps)
        gradients = jax.tree.map(upcast, updates)

        mu, levels = _first_moment.advance(state.mu, state.levels, gradients, b1, held)
        new = state._replace(count=count, mu=mu, levels=levels)
        estimate = functools.partial(
            _first_moment.estimate, gradients, mu, levels, count, b1
        )

        observed = [gradients, estimate(corrected=False)]
        if keeps_previous:
            observed.append(jax.tree.map(_numerics.beside, state.previous, gradients))
        nu = jax.tree.map(second_moment, state.nu, *observed)
        new = new._replace(nu=nu)
        if keeps_previous:
            # nu is made of the previous gradient, which this one overwrites.
            new = new._replace(previous=jax.tree.map(_numerics.after, gradients, nu))

        correction = _numerics.bias_correction(b2, count)
        # A quotient of scalars is taken once, and not again in the loop of every leaf.
        unbias = 1 / correction
        eps_outside = eps / jnp.sqrt(correction) if eps_uncorrected else eps
        eps_inside = eps_root
        if eps_root_accumulates:
            eps_inside = eps_root / _numerics.complement(b2)
        if amsgrad:
            if eps_root_accumulates:
                share = eps_inside * correction
                nu = jax.tree.map(lambda v: v + like(share, v), nu)
                eps_inside = 0.0
            nu = jax.tree.map(_greater, state.nu_max, nu)
            new = new._replace(nu_max=nu)

        def precondition(m: chex.Array, v: chex.Array, g: chex.Array) -> chex.Array:
            nu_hat = v * like(unbias, v)
            step = _numerics.divide_by_root(m, nu_hat, eps_inside, eps_outside)
            if held is not None:
                step = jnp.where(held, jnp.zeros_like(step), step)
            return _numerics.downcast(step, jnp.result_type(g))

        mu_hat = estimate(corrected=bias_correction_mu, nesterov=nesterov)
        steps = jax.tree.map(precondition, mu_hat, nu, updates)
        return steps, _numerics.store(new, state)

    return optax.GradientTransformation(init_fn, update_fn)


def _greater(old: chex.Array, new: chex.Array) -> chex.Array:
    return jnp.maximum(_numerics.beside(old, new), new)
