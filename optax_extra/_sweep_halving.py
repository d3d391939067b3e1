"""Successive halving: the worst points are dropped while the others train on.

With r rounds that keep a fraction f, a point that gets as far as round k (from 1) has
trained steps * f^(r - k) steps, so that every round costs about the same.

Jamieson, Talwalkar, Non-stochastic Best Arm Identification and Hyperparameter
Optimization, 2016, https://arxiv.org/abs/1502.07943
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp
import numpy as np

from optax_extra import _sweep_axes, _sweep_program
from optax_extra._sweep_axes import Axes
from optax_extra._sweep_blocks import Layout, Numbers, Runner, is_key
from optax_extra._sweep_result import Score


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


def _kept(count: int, fraction: float) -> int:
    """How many of so many points go on: a third of 30 is 10, in floats too."""
    return max(1, math.ceil(round(count * fraction, 9)))


def points_in_all(training: Training, count: int) -> int:
    """Points of all rounds together."""
    total = 0
    for _ in training.ends:
        total += count
        count = _kept(count, training.fraction)
    return total


class Programs:
    """`init`, and `step` again and again, each at all points of a block."""

    def __init__(self, training: Training, axes: Axes, layout: Layout) -> None:
        self.axes, self.layout = axes, layout
        mesh = layout.mesh
        self.start = _sweep_program.compiled(training.init, _start, mesh)
        self.train = _sweep_program.compiled(training.step, _train, mesh, shared=1)

    def block(
        self, alive: Numbers, carry: chex.ArrayTree | None, count: int, places: Numbers
    ) -> tuple[chex.ArrayTree, chex.ArrayTree]:
        """So many steps for some of the points alive, from their carry or the start."""
        points = self.layout.place(self.axes.points(alive[places]))
        if carry is None:
            here = self.start(points)
        else:
            here = self.layout.place(_take(carry, places))
        return self.train(here, points, jnp.int32(count))

    def shapes(self, points: dict[str, Any]) -> tuple[Any, Any]:
        """Of what a block leaves: the carry and the values. Traces both programs."""
        carry = self.start.eval_shape(points)
        return self.train.eval_shape(carry, points, jnp.int32(0))

    def fingerprint(self, points: dict[str, Any]) -> str:
        """A hash of both programs."""
        carry = self.start.eval_shape(points)
        start = _sweep_program.fingerprint(self.start, points)
        train = _sweep_program.fingerprint(self.train, carry, points, jnp.int32(0))
        return f"{start}-{train}"


def _start(init: Callable[..., Any], point: dict[str, Any]) -> Any:
    return init(**_sweep_axes.keywords(init).choose(point))


def _train(
    step: Callable[..., Any], carry: Any, point: dict[str, Any], count: Any
) -> Any:
    chosen = _sweep_axes.keywords(step, positional=1).choose(point)

    def once(_: Any, before: Any) -> Any:
        return step(before[0], **chosen)

    after = jax.eval_shape(once, 0, (carry, None))
    if isinstance(after, tuple) and len(after) == 2:
        carry = _strong(carry, after[0])
        after = jax.eval_shape(once, 0, (carry, None))
    if not isinstance(after, tuple) or len(after) != 2:
        raise ValueError(
            "sweep: step must return a pair of carry and values, got a tree "
            f"{jax.tree.structure(after)}"
        )
    nothing = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), after[1])
    return jax.lax.fori_loop(0, count, once, (carry, nothing))


def _strong(carry: chex.ArrayTree, after: chex.ArrayTree) -> chex.ArrayTree:
    """The carry with its Python numbers in the dtypes that a step gives them."""
    structures: list[Any] = [jax.tree.structure(tree) for tree in (carry, after)]
    if structures[0] != structures[1]:
        return carry

    def strong(leaf: Any, new: Any) -> Any:
        return leaf.astype(new.dtype) if getattr(leaf, "weak_type", False) else leaf

    return jax.tree.map(strong, carry, after)


def run(training: Training, programs: Programs, runner: Runner) -> Rounds:
    """All rounds; between them the carries rest on the host."""
    alive = np.arange(programs.axes.size)
    steps = np.zeros(len(alive), np.int32)
    carry = values = None
    for turn, end in enumerate(training.ends):
        count = end - int(steps.max())
        block = functools.partial(programs.block, alive, carry, count)
        carry, latest = runner(f"round-{turn}-", alive, block)
        steps[alive] = end
        values = latest if values is None else _put(values, alive, latest)
        if end < training.ends[-1]:
            places = _best(training, latest, len(alive))
            alive, carry = alive[places], _take(carry, places)
    return Rounds(values, steps)


def _best(training: Training, values: chex.ArrayTree, count: int) -> Numbers:
    """The points that go on, in order; those without a finite score drop first."""
    scores = _scores(training, values, count)
    order = np.argsort(np.where(np.isfinite(scores), scores, np.inf), kind="stable")
    return np.sort(order[: _kept(count, training.fraction)])


def check_score(training: Training, shapes: chex.ArrayTree) -> None:
    """Tries the score on zeros of these shapes, before anything runs."""

    def zeros(leaf: Any) -> Any:
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            return jnp.broadcast_to(jax.random.key(0), leaf.shape)
        return np.zeros(leaf.shape, leaf.dtype)

    (count,) = {leaf.shape[0] for leaf in jax.tree.leaves(shapes)}
    with np.errstate(all="ignore"):
        _scores(training, jax.tree.map(zeros, shapes), count)


def _scores(training: Training, values: chex.ArrayTree, count: int) -> Any:
    found = training.score(values)
    try:
        scores = np.asarray(found, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(
            "sweep: score must give one number a point, got "
            f"{jax.tree.structure(found)}"
        ) from error
    if scores.shape != (count,):
        raise ValueError(
            f"sweep: score must give one number a point, of shape ({count},), got "
            f"{scores.shape}"
        )
    return scores


def _take(tree: chex.ArrayTree, places: Numbers) -> chex.ArrayTree:
    return jax.tree.map(lambda leaf: leaf[places], tree)


def _put(tree: chex.ArrayTree, places: Numbers, new: chex.ArrayTree) -> chex.ArrayTree:
    def put(leaf: Any, rows: Any) -> Any:
        if is_key(leaf):
            return leaf.at[places].set(rows)
        leaf = np.array(leaf)
        leaf[places] = rows
        return leaf

    return jax.tree.map(put, tree, new)
