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

import functools
import operator
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import chex
import jax
import jax.numpy as jnp

from optax_extra import _check, _numerics
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
    ones: tuple[Any, ...] = (1.0,) * (1 + len(levels.further) if levels else 1)
    if corrected:
        # A part that has not stepped yet (held, or waiting for other micro-batches)
        # has nothing to correct.
        counted = (_numerics.bias_correction(b1, jnp.maximum(count, 1)),)
        seen = levels.ones if levels else counted
        ones = tuple(jnp.where(one == 0, 1, one) for one in seen)
    if not nesterov:
        return _combine(mu, levels, ones)

    (one,) = ones
    ahead = ema(wide(one), wide(1.0), b1)

    def look_ahead(m: chex.Array, g: chex.Array) -> chex.Array:
        step = ema(m, g, b1)
        return jnp.where(levels.ones[0] > 0, step, 0) if levels else step

    return jax.tree.map(
        look_ahead,
        _combine(mu, None, [ahead]),
        _combine(updates, None, [one]),
    )


def _combine(mu: Tree, levels: Levels | None, divisors: Sequence[Any]) -> Tree:
    """The levels as one moment, each over its divisor."""
    trees = (mu, *(levels.further if levels else ()))
    weights = _LEVEL_WEIGHTS[len(trees) - 1]
    factors = [weight / one for weight, one in zip(weights, divisors, strict=True)]

    def combine(*leaves: chex.Array) -> chex.Array:
        return functools.reduce(operator.add, map(scale, leaves, factors))

    def scale(leaf: chex.Array, factor: Any) -> jax.Array:
        leaf = upcast(leaf)
        if _check.is_number(factor) and factor == 1:
            return leaf
        return leaf * like(factor, leaf)

    return jax.tree.map(combine, *trees)
