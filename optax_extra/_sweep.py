"""A grid of hyperparameters over any training function, as one compiled program.

The points of the grid are numbered flat, `train` is vmapped over them and compiled
once, and the results are folded back into the grid's shape.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import chex
import jax
import numpy as np

from optax_extra import (
    _check,
    _sweep_axes,
    _sweep_halving,
    _sweep_options,
    _sweep_program,
    _sweep_progress,
)
from optax_extra._sweep_axes import Axes
from optax_extra._sweep_blocks import Layout, Runner
from optax_extra._sweep_checkpoint import Checkpoint, identity
from optax_extra._sweep_halving import Programs, Rounds, Training
from optax_extra._sweep_result import Score, SweepResult

Train = Callable[..., chex.ArrayTree]


def sweep(
    train: Train | tuple[Callable[..., Any], Callable[..., Any]],
    axes: Mapping[str, Any],
    *,
    zipped: bool = False,
    batch_size: int | None = None,
    mesh: jax.sharding.Mesh | None = None,
    progress: bool = False,
    checkpoint: str | os.PathLike[str] | None = None,
    steps: int | None = None,
    halving: tuple[int, float] | None = None,
    score: Score | None = None,
) -> SweepResult:
    """Runs `train` at every point of a grid of hyperparameters, in one program.

    The whole grid is one `jax.vmap`, compiled once: a second sweep of the same
    function over axes of the same lengths compiles nothing. Inside it hyperparameters
    are tracers, so that the parts cannot check their ranges. Points that diverge stay
    in the result as NaN or infinity and never win.

    Args:
      train: a JAX function of the swept hyperparameters that returns a pytree of
        arrays. It receives every hyperparameter by name, as a scalar. Arguments with
        defaults may be left out of `axes`. Or a pair of functions
        `(init, step)`, for a training of `steps` steps: `init` takes hyperparameters
        and returns a carry, `step` takes the carry and hyperparameters and returns
        the next carry and a pytree, of which the last one counts.
      axes: name of an argument of `train` to its values, a row `[length]`: numbers, or
        typed PRNG keys for an axis of seeds. Where these are not JAX's default kind,
        numbers drawn may depend on `batch_size`, as `jax.vmap` draws them.
      zipped: False for the product of the axes; True for a list of points, for which
        all axes must have one length (random search).
      batch_size: how many points a device runs at once, at least 1. Points then run in
        blocks of this size, compiled once (again for a last round of `halving` that
        has fewer points), and the memory of the devices no longer grows with the grid.
        None runs all at once.
      mesh: devices to split the points over, of any shape, also those of several
        processes, each of which then makes the same call and gets the whole result.
        None is JAX's default device.
      progress: whether to show a bar on standard error, moved on by every block.
      checkpoint: folder that keeps finished blocks. A sweep that was killed and is
        started again takes them from there, and ends with the bits of an undisturbed
        one on the same kind of machine. One run at a time may use it. It belongs to
        one grid and one program, of which it cannot see what callbacks to Python do.
      steps: how often `step` runs, for a pair; at least 1.
      halving: `(rounds, fraction)` for a pair: training stops for all but the best
        `fraction` of the points after each round, and round k of r ends after
        steps * fraction^(r - k) steps.
      score: function of what `step` returned last, with one leading axis of points, to
        one number a point, of which the lowest go on. None if that is the number.

    Returns:
      A `SweepResult`: `values` is the pytree that `train` returns with one leading axis
      a hyperparameter (with `zipped` one in all), `axes` the names and values,
      `best(score)` the winning hyperparameters. The leaves are arrays of JAX when no
      option asks for more; in blocks, over a mesh, in steps or with a bar they are
      gathered on the host in NumPy arrays.

    Raises:
      TypeError: if `train` is not callable or JAX cannot trace it, or an argument is of
        the wrong kind.
      ValueError: if an axis is empty, not one row, unknown to `train` or missing, if
        zipped axes differ in length, if an option is out of range, or if `checkpoint`
        cannot be written or is another sweep's. All before anything runs.

    Example:
      >>> import jax.numpy as jnp
      >>> import optax
      >>> from optax_extra import adabelief, sweep
      >>> def train(learning_rate, b2=0.999):
      ...     optimizer = adabelief(learning_rate, b2=b2)
      ...     params = jnp.array([1.0, -2.0])
      ...     state = optimizer.init(params)
      ...     for _ in range(20):
      ...         updates, state = optimizer.update(2 * params, state, params)
      ...         params = optax.apply_updates(params, updates)
      ...     return {"loss": jnp.sum(params**2)}
      >>> result = sweep(train, {"learning_rate": jnp.array([1e-3, 1e-1, 10.0])})
      >>> result.values["loss"].shape
      (3,)
      >>> print(result.best(lambda values: values["loss"])["learning_rate"])
      0.1

      The same training in steps, two thirds of the points dropped twice on the way:

      >>> def init(learning_rate):
      ...     params = jnp.array([1.0, -2.0])
      ...     return params, adabelief(learning_rate).init(params)
      >>> def step(carry, learning_rate):
      ...     params, state = carry
      ...     optimizer = adabelief(learning_rate)
      ...     updates, state = optimizer.update(2 * params, state, params)
      ...     params = optax.apply_updates(params, updates)
      ...     return (params, state), jnp.sum(params**2)
      >>> rates = jnp.logspace(-3, 1, 27)
      >>> result = sweep(
      ...     (init, step), {"learning_rate": rates}, steps=45, halving=(3, 1 / 3)
      ... )
      >>> [int((result.steps >= end).sum()) for end in (5, 15, 45)]
      [27, 9, 3]
    """
    pair = _sweep_options.pair(train)
    # What is no pair is a function, which mypy does not see.
    takers = (
        [_sweep_axes.keywords(pair[0]), _sweep_axes.keywords(pair[1], positional=1)]
        if pair
        else [_sweep_axes.keywords(train)]  # type: ignore[arg-type]
    )
    grid = _sweep_axes.checked(axes, takers, zipped=zipped)
    layout = _sweep_options.layout(batch_size, mesh)
    _check.flag("sweep", "progress", progress)
    if checkpoint is not None and not isinstance(checkpoint, (str, os.PathLike)):
        raise TypeError(f"sweep: checkpoint must be a folder, got {checkpoint!r}")
    training = _sweep_options.training(pair, steps, halving, score)

    plain = batch_size is None and mesh is None and checkpoint is None
    if training is None and plain and not progress:
        values, trained = _at_once(train, grid), None
    else:
        grid.known()
        if training is None:
            values = _in_blocks(train, grid, layout, checkpoint, progress)
            trained = None
        else:
            values, trained = _in_steps(training, grid, layout, checkpoint, progress)
    values, trained = jax.tree.map(
        lambda leaf: leaf.reshape(grid.shape + leaf.shape[1:]), (values, trained)
    )
    return SweepResult(values, grid.rows, grid.names, grid.shape, trained)


def _at(train: Train, point: dict[str, Any]) -> chex.ArrayTree:
    return train(**point)


def _at_once(train: Any, grid: Axes) -> chex.ArrayTree:
    """All points in one call, which may itself be traced."""
    program = _sweep_program.compiled(train, _at)
    with _sweep_program.explained():
        return _arrays(program(grid.points(np.arange(grid.size))))


def _in_blocks(
    train: Any, grid: Axes, layout: Layout, folder: Any, progress: bool
) -> chex.ArrayTree:
    program = _sweep_program.compiled(train, _at, layout.mesh)
    first = _first_points(grid, layout)
    with _sweep_program.explained():
        shapes = _arrays(program.eval_shape(first))
    store = _store(
        folder, grid, layout, shapes, lambda: _sweep_program.fingerprint(program, first)
    )
    with _sweep_progress.bar(grid.size, shown=progress) as advance:
        return Runner(layout, store, advance)(
            "",
            np.arange(grid.size),
            lambda places: program(layout.place(grid.points(places))),
        )


def _in_steps(
    training: Training, grid: Axes, layout: Layout, folder: Any, progress: bool
) -> Rounds:
    programs = Programs(training, grid, layout)
    first = _first_points(grid, layout)
    with _sweep_program.explained():
        shapes = programs.shapes(first)
    _arrays(shapes[1])
    if len(training.ends) > 1:
        _sweep_halving.check_score(training, shapes[1])
    halving = [list(training.ends), training.fraction]
    store = _store(
        folder, grid, layout, shapes, lambda: programs.fingerprint(first), halving
    )
    total = _sweep_halving.points_in_all(training, grid.size)
    with _sweep_progress.bar(total, shown=progress) as advance:
        return _sweep_halving.run(training, programs, Runner(layout, store, advance))


def _first_points(grid: Axes, layout: Layout) -> Any:
    """The first block's points, of the shape that all blocks have."""
    numbers, _ = next(layout.blocks(grid.size))
    return layout.place(grid.points(numbers))


def _store(
    folder: Any,
    grid: Axes,
    layout: Layout,
    shapes: Any,
    fingerprint: Callable[[], str],
    halving: list[Any] | None = None,
) -> Callable[..., Any]:
    """What keeps blocks: the checkpoint, or nothing."""
    if folder is None:
        return lambda name, numbers, compute: compute()
    checkpoint = Checkpoint(folder, identity(grid, layout, fingerprint(), halving))
    structure = jax.tree.structure(shapes)
    return lambda name, numbers, compute: checkpoint.keep(
        name, numbers, structure, compute
    )


def _arrays(values: chex.ArrayTree) -> chex.ArrayTree:
    if not jax.tree.leaves(values):
        raise ValueError(f"sweep: train must return arrays, got {values!r}")
    return values
