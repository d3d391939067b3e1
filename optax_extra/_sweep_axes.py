"""The axes of a sweep: checked against the functions that take them, and their points.

Points are numbered in the order of the grid, the last axis fastest, so that any of them
can be made when its turn comes: a grid of a million points is never laid out.
"""

from __future__ import annotations

import difflib
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from optax_extra import _check


class Axes(NamedTuple):
    """Named rows of values.

    Attributes:
      names: the hyperparameters.
      rows: their values, each `[length]`.
      zipped: whether the rows are a list of points and not a product.
    """

    names: tuple[str, ...]
    rows: tuple[jax.Array, ...]
    zipped: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """The grid's: one length a row, or one in all."""
        lengths = tuple(len(row) for row in self.rows)
        return lengths[:1] if self.zipped else lengths

    def points(self, numbers: NDArray[np.integer[Any]]) -> dict[str, Any]:
        """The points of these numbers: one value of every hyperparameter for each.

        Chosen on the host where their values are known, so that it compiles nothing.
        """
        places = np.unravel_index(numbers, self.shape)
        if self.zipped:
            places *= len(self.rows)
        return {
            name: _on_host(row)[place]
            for name, row, place in zip(self.names, self.rows, places, strict=True)
        }

    def known(self) -> None:
        """Refuses values that are tracers: blocks end on the host."""
        for name, row in zip(self.names, self.rows, strict=True):
            if isinstance(row, jax.core.Tracer):
                raise TypeError(
                    "sweep: axes must be known values for blocks, devices and steps, "
                    f"got a tracer for {name!r}: call sweep outside of jit"
                )

    @property
    def size(self) -> int:
        """How many points there are."""
        return math.prod(self.shape)


def _on_host(row: jax.Array) -> Any:
    traced = isinstance(row, jax.core.Tracer)
    keys = jnp.issubdtype(row.dtype, jax.dtypes.prng_key)
    return row if traced or keys else np.asarray(row)


class Keywords(NamedTuple):
    """The arguments of a function that a sweep may set.

    Attributes:
      names: all that it names.
      required: those without a default.
      any: whether it takes others too.
    """

    names: tuple[str, ...]
    required: tuple[str, ...]
    any: bool

    def choose(self, point: Mapping[str, Any]) -> dict[str, Any]:
        """What of a point the function takes."""
        return {k: v for k, v in point.items() if self.any or k in self.names}


def keywords(function: Callable[..., Any], *, positional: int = 0) -> Keywords:
    """The keywords of a function, after so many positional arguments."""
    parameters = list(inspect.signature(function).parameters.values())[positional:]
    for parameter in parameters:
        if (
            parameter.kind is parameter.POSITIONAL_ONLY
            and parameter.default is parameter.empty
        ):
            raise TypeError(
                "sweep: train must take its arguments by name, got the positional "
                f"{parameter.name!r}"
            )
    named = [
        p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
    ]
    return Keywords(
        names=tuple(p.name for p in named),
        required=tuple(p.name for p in named if p.default is p.empty),
        any=any(p.kind is p.VAR_KEYWORD for p in parameters),
    )


def checked(
    axes: Mapping[str, Any], takers: Sequence[Keywords], *, zipped: bool
) -> Axes:
    """The axes as arrays, each taken by one of the functions at least."""
    if not isinstance(axes, Mapping):
        raise TypeError(
            f"sweep: axes must be a mapping of names to values, got {axes!r}"
        )
    if not axes:
        raise ValueError("sweep: axes must name at least one argument, got none")
    _check.flag("sweep", "zipped", zipped)
    names = tuple(dict.fromkeys(name for taker in takers for name in taker.names))
    for name in axes:
        if not isinstance(name, str):
            raise TypeError(f"sweep: axes must be named by strings, got {name!r}")
        if name not in names and not any(taker.any for taker in takers):
            near = difflib.get_close_matches(str(name), names, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(
                f"sweep: axes must be arguments of train {names}, got {name!r}{hint}"
            )
    for name in (name for taker in takers for name in taker.required):
        if name not in axes:
            raise ValueError(
                "sweep: axes must cover every argument of train without a default, "
                f"got none for {name!r}"
            )
    rows = {name: _row(name, values) for name, values in axes.items()}
    if zipped and len({len(row) for row in rows.values()}) > 1:
        named = ", ".join(f"{name}: {len(row)}" for name, row in rows.items())
        raise ValueError(f"sweep: zipped axes must have one length, got {named}")
    return Axes(tuple(rows), tuple(rows.values()), zipped)


def _row(name: str, values: Any) -> jax.Array:
    try:
        row = jnp.asarray(values)
    except (TypeError, ValueError, OverflowError) as error:
        raise TypeError(
            f"sweep: axis {name!r} must be an array of numbers or PRNG keys, "
            f"got {values!r}"
        ) from error
    if row.ndim == 0:
        raise ValueError(
            f"sweep: axis {name!r} must be a row of values, got the scalar {values!r}"
        )
    if row.ndim > 1:
        keys = row.dtype == jnp.uint32 and row.shape[1:] == (2,)
        hint = "; make keys with jax.random.key, not PRNGKey" if keys else ""
        raise ValueError(
            f"sweep: axis {name!r} must be a row of values, got an array of shape "
            f"{row.shape}{hint}"
        )
    if not len(row):
        raise ValueError(f"sweep: axis {name!r} must have values, got none")
    return row
