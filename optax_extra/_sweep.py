"""A grid of hyperparameters over any training function, as one compiled program.

The points of the grid are laid out flat, `train` is vmapped over them and compiled
once, and the results are folded back into the grid's shape.
"""

from __future__ import annotations

import difflib
import inspect
import math
import weakref
from collections.abc import Callable, Mapping
from typing import Any

import chex
import jax
import jax.numpy as jnp

from optax_extra._sweep_result import SweepResult


def sweep(
    train: Callable[..., chex.ArrayTree],
    axes: Mapping[str, Any],
    *,
    zipped: bool = False,
    batch_size: int | None = None,
    mesh: jax.sharding.Mesh | None = None,
    progress: bool = False,
    checkpoint: str | None = None,
) -> SweepResult:
    """Runs `train` at every point of a grid of hyperparameters, in one program.

    The whole grid is one `jax.vmap`, compiled once: a second sweep of the same
    function over axes of the same lengths compiles nothing. Inside it hyperparameters
    are tracers, so that the parts cannot check their ranges.

    Args:
      train: a JAX function of the swept hyperparameters that returns a pytree of
        arrays. It receives every hyperparameter by name, as a scalar. Arguments with
        defaults may be left out of `axes`.
      axes: name of an argument of `train` to its values. A value is one row along the
        leading axis: `jnp.logspace(-4, 0, 64)` has 64 scalars, and an array of typed
        PRNG keys is an axis of seeds.
      zipped: False for the product of the axes; True for a list of points, for which
        all axes must have one length (random search).
      batch_size, mesh, progress, checkpoint: names reserved for sweeps in blocks, over
        devices, with a bar and with resumption; any value but the default is refused.

    Returns:
      A `SweepResult`: `values` is the pytree that `train` returns with one leading axis
      a hyperparameter (with `zipped` one in all), `axes` the names and values,
      `best(score)` the winning hyperparameters.

    Raises:
      TypeError: if `train` is not callable, or an axis is not numeric.
      ValueError: if an axis is empty, unknown to `train` or missing, if zipped axes
        differ in length, or if a reserved argument is given.

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
    """
    if not callable(train):
        raise TypeError(f"sweep: train must be a function, got {train!r}")
    for name, value in (
        ("batch_size", batch_size),
        ("mesh", mesh),
        ("progress", progress or None),
        ("checkpoint", checkpoint),
    ):
        if value is not None:
            raise ValueError(
                f"sweep: {name} must be left at its default in this version, "
                f"got {value!r}"
            )
    rows = _axes(train, axes)
    lengths = tuple(len(row) for row in rows.values())
    if zipped and len(set(lengths)) > 1:
        named = ", ".join(f"{name}: {len(row)}" for name, row in rows.items())
        raise ValueError(f"sweep: zipped axes must have one length, got {named}")
    shape = lengths[:1] if zipped else lengths
    values = _program(train)(_points(rows, shape, zipped=zipped))
    if not jax.tree.leaves(values):
        raise ValueError(f"sweep: train must return arrays, got {values!r}")
    values = jax.tree.map(lambda leaf: leaf.reshape(shape + leaf.shape[1:]), values)
    return SweepResult(values, tuple(rows.values()), tuple(rows), shape)


# The program of every function that is still alive, so that a second sweep of it
# compiles nothing and a function that is gone leaves nothing behind.
_programs: weakref.WeakKeyDictionary[Callable[..., Any], Callable[..., Any]] = (
    weakref.WeakKeyDictionary()
)


def _program(train: Callable[..., Any]) -> Callable[..., Any]:
    """`train` at all points at once, compiled."""
    try:
        if train in _programs:
            return _programs[train]
        reference: Callable[[], Any] = weakref.ref(train)
    except TypeError:  # Some callables can be neither a key nor referred to.
        return jax.jit(jax.vmap(lambda point: train(**point)))
    program = jax.jit(jax.vmap(lambda point: reference()(**point)))
    _programs[train] = program
    return program


def _points(
    rows: dict[str, jax.Array], shape: tuple[int, ...], *, zipped: bool
) -> dict[str, jax.Array]:
    """The rows of every axis, repeated so that all have one entry a point."""
    if zipped:
        return rows
    flat = jnp.arange(math.prod(shape))
    indices = jnp.unravel_index(flat, shape)
    return {
        name: row[index]
        for (name, row), index in zip(rows.items(), indices, strict=True)
    }


def _axes(train: Callable[..., Any], axes: Mapping[str, Any]) -> dict[str, jax.Array]:
    """The axes as arrays, each checked against the signature of `train`."""
    if not isinstance(axes, Mapping):
        raise TypeError(
            f"sweep: axes must be a mapping of names to values, got {axes!r}"
        )
    if not axes:
        raise ValueError("sweep: axes must name at least one argument, got none")
    parameters = inspect.signature(train).parameters
    keywords = [
        name
        for name, parameter in parameters.items()
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    ]
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    for name in axes:
        if not takes_any and name not in keywords:
            near = difflib.get_close_matches(str(name), keywords, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(
                f"sweep: axes must be arguments of train {tuple(keywords)}, "
                f"got {name!r}{hint}"
            )
    missing = [
        name
        for name in keywords
        if name not in axes and parameters[name].default is inspect.Parameter.empty
    ]
    if missing:
        raise ValueError(
            f"sweep: axes must cover every argument of train without a default, "
            f"got none for {missing[0]!r}"
        )
    return {name: _axis(name, values) for name, values in axes.items()}


def _axis(name: str, values: Any) -> jax.Array:
    try:
        row = jnp.asarray(values)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"sweep: axis {name!r} must be an array of numbers or PRNG keys, "
            f"got {values!r}"
        ) from error
    if row.ndim == 0:
        raise ValueError(
            f"sweep: axis {name!r} must be a row of values, got the scalar {values!r}"
        )
    if row.shape[0] == 0:
        raise ValueError(f"sweep: axis {name!r} must have values, got none")
    return row
