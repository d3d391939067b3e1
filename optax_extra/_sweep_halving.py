"""Successive halving: the worst points are dropped while the others train on.

With r rounds that keep a fraction f, a point that gets as far as round k (from 1) has
trained steps * f^(r - k) steps, so that every round costs about the same.

Jamieson, Talwalkar, Non-stochastic Best Arm Identification and Hyperparameter
Optimization, 2016, https://arxiv.org/abs/1502.07943
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp
import numpy as np

from optax_extra import _sweep_axes, _sweep_blocks, _sweep_program
from optax_extra._sweep_axes import Axes
from optax_extra._sweep_blocks import Layout, Numbers

Score = Callable[[chex.ArrayTree], chex.Array]


class Training(NamedTuple):
    """A training in steps, and how points are dropped on the way.

    Attributes:
      init: function of hyperparameters to a carry.
      step: function of the carry and hyperparameters to the carry and a pytree.
      ends: steps after which points are dropped; the last is the end.
      fraction: share of the points that is kept each time.
      score: function of what `step` returned last to one number a point.
    """

    init: Callable[..., Any]
    step: Callable[..., Any]
    ends: tuple[int, ...]
    fraction: float
    score: Score


class Rounds(NamedTuple):
    """The result of a training.

    Attributes:
      values: what `step` returned last, `[points, ...]`.
      steps: how many each point has trained, `[points]`.
    """

    values: chex.ArrayTree
    steps: Numbers


def ends_of(steps: int, rounds: int, fraction: float) -> tuple[int, ...]:
    """Steps after which each round ends."""
    return tuple(round(steps * fraction**left) for left in range(rounds)[::-1])


def kept(count: int, fraction: float) -> int:
    """How many of so many points go on: a third of 30 is 10, in floats too."""
    return max(1, math.ceil(round(count * fraction, 9)))


def points_in_all(training: Training, count: int) -> int:
    """Points of all rounds together."""
    total = 0
    for _ in training.ends:
        total += count
        count = kept(count, training.fraction)
    return total


class Programs:
    """`init`, and `step` again and again, each at all points of a block."""

    def __init__(self, training: Training, layout: Layout) -> None:
        mesh = layout.mesh
        self.start = _sweep_program.compiled(training.init, _start, mesh)
        self.train = _sweep_program.compiled(training.step, _train, mesh, shared=1)

    def shapes(self, points: dict[str, Any]) -> tuple[Any, Any]:
        """Of the carry, and of what a round leaves; traces both."""
        carry = self.start.eval_shape(points)
        return carry, self.train.eval_shape(carry, points, jnp.int32(0))

    def fingerprint(self, points: dict[str, Any]) -> str:
        """A hash of both."""
        carry = self.start.eval_shape(points)
        return _sweep_program.fingerprint(
            self.start, points
        ) + _sweep_program.fingerprint(self.train, carry, points, jnp.int32(0))


def _start(init: Callable[..., Any], point: dict[str, Any]) -> Any:
    return init(**_sweep_axes.keywords(init).choose(point))


def _train(
    step: Callable[..., Any], carry: Any, point: dict[str, Any], count: Any
) -> Any:
    chosen = _sweep_axes.keywords(step, positional=1).choose(point)

    def once(_: Any, before: Any) -> Any:
        return step(before[0], **chosen)

    after = jax.eval_shape(once, 0, (carry, None))
    if not isinstance(after, tuple) or len(after) != 2:
        raise ValueError(
            "sweep: step must return a pair of carry and values, got a tree "
            f"{jax.tree.structure(after)}"
        )
    nothing = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), after[1])
    return jax.lax.fori_loop(0, count, once, (carry, nothing))


def run(
    training: Training,
    programs: Programs,
    axes: Axes,
    layout: Layout,
    keep: Callable[..., Any],
    advance: Callable[[int], object],
) -> Rounds:
    """All rounds; between them the carries rest on the host."""
    alive = np.arange(axes.size)
    steps = np.zeros(axes.size, np.int32)
    carry = values = None
    for turn, end in enumerate(training.ends):
        length = jnp.int32(end - int(steps.max()))

        def block(
            places: Numbers,
            alive: Numbers = alive,
            carry: Any = carry,
            length: Any = length,
        ) -> Any:
            points = layout.place(axes.points(alive[places]))
            here = (
                programs.start(points)
                if carry is None
                else layout.place(_take(carry, places))
            )
            return programs.train(here, points, length)

        def kept_block(
            i: int,
            places: Numbers,
            compute: Any,
            turn: int = turn,
            alive: Numbers = alive,
        ) -> Any:
            return keep(f"round-{turn}-block-{i:06}", alive[places], compute)

        carry, latest = _sweep_blocks.run(
            layout, len(alive), block, kept_block, advance
        )
        steps[alive] = end
        values = latest if values is None else _put(values, alive, latest)
        if turn + 1 < len(training.ends):
            places = best(training, latest, len(alive))
            alive, carry = alive[places], _take(carry, places)
    return Rounds(values, steps)


def best(training: Training, values: chex.ArrayTree, count: int) -> Numbers:
    """The points that go on, in order; those without a finite score drop first."""
    scores = np.asarray(training.score(values), dtype=np.float64)
    if scores.shape != (count,):
        raise ValueError(
            f"sweep: score must give one number a point, of shape ({count},), got "
            f"{scores.shape}"
        )
    order = np.argsort(np.where(np.isfinite(scores), scores, np.inf), kind="stable")
    return np.sort(order[: kept(count, training.fraction)])


def _take(tree: chex.ArrayTree, places: Numbers) -> chex.ArrayTree:
    return jax.tree.map(lambda leaf: leaf[places], tree)


def _put(tree: chex.ArrayTree, places: Numbers, new: chex.ArrayTree) -> chex.ArrayTree:
    def put(leaf: Any, rows: Any) -> Any:
        leaf = np.array(leaf)
        leaf[places] = rows
        return leaf

    return jax.tree.map(put, tree, new)
