"""The first moment: one exponential moving average, or two or three stacked.

    m1_t = b1 m1_{t-1} + (1 - b1) g_t,  m2 the same average of m1,  m3 of m2

    EMA = m1,  DEMA = 2 m1 - m2,  TEMA = 3 m1 - 3 m2 + m3

each level divided by its bias, 1 - b1^t for the first. With Nesterov's momentum one
step ahead: b1 m_t / (1 - b1^(t+1)) + (1 - b1) g_t / (1 - b1^t).

Mulloy, Smoothing Data with Faster Moving Averages, 1994, Technical Analysis of Stocks
and Commodities 12:1

Dozat, Incorporating Nesterov Momentum into Adam, 2016,
https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ
"""

from typing import Any, NamedTuple, TypeAlias

import chex
import jax
import jax.numpy as jnp

from optax_extra import _numerics
from optax_extra._numerics import ema, like, upcast, wide

Tree: TypeAlias = chex.ArrayTree

MOVING_AVERAGES = ("ema", "dema", "tema")
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


def start(
    params: Tree, moving_average: str, mu_dtype: Any, *, holds: bool
) -> tuple[Tree, Levels | None]:
    """Zeros for the first level, and for the others where there are any."""
    mu = _numerics.zeros(params, mu_dtype)
    count = 1 + MOVING_AVERAGES.index(moving_average)
    if count == 1 and not holds:
        return mu, None
    ones = tuple(wide(0.0) for _ in range(count))
    further = tuple(_numerics.zeros(params, mu_dtype) for _ in range(1, count))
    return mu, Levels(ones, further)


def advance(
    mu: Tree,
    levels: Levels | None,
    gradients: Tree,
    b1: chex.Numeric,
    held: chex.Array | None,
) -> tuple[Tree, Levels | None]:
    """Every level moved on, each the average of the one below; unmoved where `held`."""

    def step(average: chex.Array, value: chex.Array) -> chex.Array:
        average = _numerics.beside(average, value)
        new = ema(average, value, b1)
        return new if held is None else jnp.where(held, average, new)

    mu = jax.tree.map(step, mu, gradients)
    if levels is None:
        return mu, None
    ones, one = [], wide(1.0)
    for average in levels.ones:
        one = step(average, one)
        ones.append(one)
    further, below = [], mu
    for average in levels.further:
        below = jax.tree.map(step, average, below)
        further.append(below)
    return mu, Levels(tuple(ones), tuple(further))


def estimate(
    updates: Tree,
    mu: Tree,
    levels: Levels | None,
    count: chex.Numeric,
    b1: chex.Numeric,
    *,
    corrected: bool = True,
    nesterov: bool = False,
) -> Tree:
    """The first moment that has just seen `updates`, in float32 at least.

    Args:
      updates: the gradients of this step.
      mu, levels, count: fields of the state after this step.
      b1: decay rate.
      corrected: whether to divide by what the average has of the constant 1.
      nesterov: whether to look one step ahead.
    """
    ones: tuple[chex.Array, ...] = ()
    if corrected and levels:
        # While the first moment is held, it and its ones are zero.
        ones = tuple(jnp.where(one > 0, one, 1) for one in levels.ones)
    elif corrected:
        ones = (_numerics.bias_correction(b1, count),)
    if not nesterov:
        return _combine(mu, levels, ones)
    ahead = tuple(ema(one, jnp.ones_like(one), b1) for one in ones)
    return jax.tree.map(
        lambda m, g: ema(m, g, b1),
        _combine(mu, None, ahead),
        _combine(updates, None, ones),
    )


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
