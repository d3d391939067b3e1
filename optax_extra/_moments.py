"""The state, the first moment and the skeleton of the adaptive parts.

    mu_t = b1 mu_{t-1} + (1 - b1) g_t
    nu_t = b2 nu_{t-1} + (1 - b2) |d_t|^2
    u_t  = mu_hat_t / (sqrt(nu_hat_t) + eps)

with mu_hat_t = mu_t / (1 - b1^t) and nu_hat_t = nu_t / (1 - b2^t). What the deviation
d_t is, is the one line by which Adam, AdaBelief and AdaDerivative differ.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import chex
import jax
import jax.numpy as jnp
import optax

from optax_extra import _check, _numerics
from optax_extra._numerics import ema, like, upcast, wide

Tree: TypeAlias = chex.ArrayTree

# One, two or three levels: m1, 2 m1 - m2, 3 m1 - 3 m2 + m3 (Mulloy, 1994).
_MOVING_AVERAGES = ("ema", "dema", "tema")
_LEVEL_WEIGHTS = ((1.0,), (2.0, -1.0), (3.0, -3.0, 1.0))


class Levels(NamedTuple):
    """What the first moment keeps where it is more than one moving average.

    Attributes:
      ones: one scalar a level, the level's recursion run on the constant 1. It is the
        exact bias of the level, whose closed form loses its digits to cancellation.
      further: the levels above the first (one for DEMA, two for TEMA), each a tree
        like params in `mu_dtype`.
    """

    ones: tuple[chex.Array, ...]
    further: tuple[Tree, ...]


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
    levels: Levels | None


def _combine(mu: Tree, levels: Levels | None, ones: tuple[chex.Array, ...]) -> Tree:
    """The levels as one moment, each over its `ones`; without `ones` uncorrected."""
    trees = (mu, *(levels.further if levels else ()))

    def combine(*leaves: chex.Array) -> chex.Array:
        terms = [upcast(leaf) for leaf in leaves]
        if ones:
            terms = [x / like(one, x) for x, one in zip(terms, ones, strict=True)]
        if len(terms) == 1:
            return terms[0]
        weights = _LEVEL_WEIGHTS[len(terms) - 1]
        return sum(weight * x for weight, x in zip(weights, terms, strict=True))

    return jax.tree.map(combine, *trees)


def first_moment(
    updates: Tree,
    state: MomentsState,
    b1: chex.Numeric,
    *,
    corrected: bool = True,
    nesterov: bool = False,
) -> Tree:
    """The first moment of a state that has just seen `updates`, in float32 at least.

    With `nesterov` one step ahead, after Dozat (2016):
    b1 mu_t / (1 - b1^(t+1)) + (1 - b1) g_t / (1 - b1^t).
    """
    ones: tuple[chex.Array, ...] = ()
    if corrected and state.levels:
        # While the first moment is held, it and its ones are zero.
        ones = tuple(jnp.where(one > 0, one, 1) for one in state.levels.ones)
    elif corrected:
        ones = (_numerics.bias_correction(b1, state.count),)
    if not nesterov:
        return _combine(state.mu, state.levels, ones)
    ahead = tuple(ema(one, jnp.ones_like(one), b1) for one in ones)
    return jax.tree.map(
        lambda m, g: ema(m, g, b1),
        _combine(state.mu, None, ahead),
        _combine(updates, None, ones),
    )


def _next_levels(
    state: MomentsState, gradients: Tree, b1: chex.Numeric, held: Any
) -> tuple[Tree, Levels | None]:
    """Every level moved on, each the average of the one below; unmoved where `held`."""

    def step(average: chex.Array, value: chex.Array) -> chex.Array:
        new = ema(upcast(average), value, b1)
        return new if held is None else jnp.where(held, upcast(average), new)

    mu = jax.tree.map(step, state.mu, gradients)
    if state.levels is None:
        return mu, None
    ones, one = [], wide(1.0)
    for average in state.levels.ones:
        one = step(average, one)
        ones.append(one)
    further, below = [], mu
    for average in state.levels.further:
        below = jax.tree.map(step, average, below)
        further.append(below)
    return mu, Levels(tuple(ones), tuple(further))


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
    _check.one_of(part, "moving_average", moving_average, _MOVING_AVERAGES)
    if nesterov and moving_average != "ema":
        raise ValueError(
            f"{part}: nesterov must be False with moving_average={moving_average!r}, "
            "which leads by itself"
        )
    level_count = 1 + _MOVING_AVERAGES.index(moving_average)
    holds = not _check.is_zero(hold_steps)

    def init_fn(params: Tree) -> MomentsState:
        _check.floating_leaves(part, params)
        levels = None
        if holds or level_count > 1:
            further = (_numerics.zeros(params, mu_dtype) for _ in range(1, level_count))
            levels = Levels(tuple(wide(0.0) for _ in range(level_count)), (*further,))
        return MomentsState(
            count=jnp.zeros([], jnp.int32),
            mu=_numerics.zeros(params, mu_dtype),
            nu=_numerics.zeros_nu(params, nu_dtype),
            nu_max=_numerics.zeros_nu(params, nu_dtype) if amsgrad else None,
            previous=_numerics.zeros(params, previous_dtype)
            if keeps_previous
            else None,
            levels=levels,
        )

    def second_moment(state: MomentsState, *observed: Tree) -> Tree:
        return jax.tree.map(
            lambda v, *seen: ema(upcast(v), _numerics.abs_sq(deviation(*seen)), b2),
            state.nu,
            *observed,
        )

    def update_fn(
        updates: Tree, state: MomentsState, params: Tree | None = None
    ) -> tuple[Tree, MomentsState]:
        del params
        _check.same_structure(part, updates, state.mu)
        count = optax.safe_increment(state.count)
        held = count <= hold_steps if holds else None
        gradients = jax.tree.map(upcast, updates)

        mu, levels = _next_levels(state, gradients, b1, held)
        new = state._replace(count=count, mu=mu, levels=levels)
        numerator = first_moment(
            gradients, new, b1, corrected=bias_correction_mu, nesterov=nesterov
        )

        observed = [gradients, _combine(mu, levels, ones=())]
        if keeps_previous:
            observed.append(jax.tree.map(upcast, state.previous))
            new = new._replace(previous=gradients)
        nu = second_moment(state, *observed)
        new = new._replace(nu=nu)

        correction = _numerics.bias_correction(b2, count)
        inner_eps = eps_root
        if eps_root_accumulates:
            inner_eps = eps_root / _numerics.complement(b2)
        if amsgrad:  # The maximum is of the raw moment, its share of eps included.
            if eps_root_accumulates:
                share = inner_eps * correction
                nu = jax.tree.map(lambda v: v + like(share, v), nu)
                inner_eps = 0.0
            nu = jax.tree.map(
                lambda old, v: jnp.maximum(upcast(old), v), state.nu_max, nu
            )
            new = new._replace(nu_max=nu)
        outer_eps = eps / jnp.sqrt(correction) if eps_uncorrected else eps

        def precondition(m: chex.Array, v: chex.Array, g: chex.Array) -> chex.Array:
            root = _numerics.sqrt(v / like(correction, v) + like(inner_eps, v))
            step = _numerics.divide(m, root + like(outer_eps, v))
            if held is not None:
                step = jnp.where(held, jnp.zeros_like(step), step)
            return _numerics.downcast(step, jnp.result_type(g))

        steps = jax.tree.map(precondition, numerator, nu, updates)
        return steps, _numerics.store(new, state)

    return optax.GradientTransformation(init_fn, update_fn)
