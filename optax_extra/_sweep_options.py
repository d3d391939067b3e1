"""The options of a sweep, checked before anything starts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

from optax_extra import _check, _sweep_halving
from optax_extra._sweep_blocks import Layout
from optax_extra._sweep_halving import Training
from optax_extra._sweep_result import Score


def pair(train: Any) -> tuple[Callable[..., Any], Callable[..., Any]] | None:
    """(init, step), or None where train is one function."""
    if isinstance(train, tuple) and len(train) == 2 and all(map(callable, train)):
        return train
    if not callable(train):
        raise TypeError(
            f"sweep: train must be a function, or a pair (init, step), got {train!r}"
        )
    return None


def layout(batch_size: Any, mesh: Any) -> Layout:
    if batch_size is not None:
        _check.count("sweep", "batch_size", batch_size)
    size = None if batch_size is None else int(batch_size)
    if mesh is None:
        return Layout(size, None)
    if not isinstance(mesh, jax.sharding.Mesh):
        raise TypeError(f"sweep: mesh must be a jax.sharding.Mesh, got {mesh!r}")
    # Under explicit axes, as jax.make_mesh has them, vmapped code must name shardings.
    return Layout(size, jax.sharding.Mesh(mesh.devices, mesh.axis_names))


def training(
    functions: Any, steps: Any, halving: Any, score: Score | None
) -> Training | None:
    """The options of a training in steps, checked."""
    if functions is None:
        for name, value in (("steps", steps), ("halving", halving), ("score", score)):
            if value is not None:
                raise ValueError(
                    f"sweep: {name} must come with a pair (init, step), got {value!r}"
                )
        return None
    if steps is None:
        raise TypeError("sweep: steps must come with a pair (init, step), got none")
    _check.count("sweep", "steps", steps)
    if halving is None:
        halving = (1, 1.0)
        if score is not None:
            raise ValueError(f"sweep: score must come with halving, got {score!r}")
    elif not isinstance(halving, tuple) or len(halving) != 2:
        raise TypeError(
            f"sweep: halving must be a pair (rounds, fraction), got {halving!r}"
        )
    else:
        _check.count("sweep", "the rounds of halving", halving[0])
        if not _check.is_number(halving[1]) or not 0 < halving[1] < 1:
            raise ValueError(
                f"sweep: the fraction of halving must be in (0, 1), got {halving[1]!r}"
            )
    rounds, fraction = halving
    if score is not None and not callable(score):
        raise TypeError(f"sweep: score must be a function, got {score!r}")
    rounds, fraction = int(rounds), float(fraction)
    ends = _sweep_halving.ends_of(int(steps), rounds, fraction)
    if ends[0] < 1 or len(set(ends)) < rounds:
        raise ValueError(
            f"sweep: steps must be enough for {rounds} rounds of a fraction "
            f"{fraction:g}, got {steps}, which end after {ends}"
        )
    init, step = functions
    return Training(init, step, ends, fraction, score or (lambda values: values))
