"""What a sweep found: values over named axes, and the point that wins."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable

import chex
import jax
import numpy as np


@functools.partial(
    jax.tree_util.register_dataclass,
    data_fields=["values", "rows"],
    meta_fields=["names", "shape"],
)
@dataclasses.dataclass(frozen=True)
class SweepResult:
    """Result of `sweep`: a pytree whose names and shape are static.

    Attributes:
      values: what `train` returned, with one leading axis a hyperparameter, in the
        order of `axes`; one leading axis in all if the sweep was zipped.
      rows: the values of the hyperparameters, in the order of `names`.
      names: the names of the hyperparameters.
      shape: the leading axes of `values`: the shape of the grid.
    """

    values: chex.ArrayTree
    rows: tuple[jax.Array, ...]
    names: tuple[str, ...]
    shape: tuple[int, ...]

    @property
    def axes(self) -> dict[str, jax.Array]:
        """Names of the hyperparameters to their values, in the order of the grid."""
        return dict(zip(self.names, self.rows, strict=True))

    def __repr__(self) -> str:
        axes = ", ".join(f"{name}: {len(row)}" for name, row in self.axes.items())
        leaves, _ = jax.tree_util.tree_flatten_with_path(self.values)
        values = ", ".join(
            f"{jax.tree_util.keystr(path).lstrip('.')} {list(np.shape(leaf))}".strip()
            for path, leaf in leaves
        )
        return f"SweepResult({axes}; values {values})"

    def best(
        self,
        score: Callable[[chex.ArrayTree], chex.Array],
        *,
        largest: bool = False,
    ) -> dict[str, jax.Array]:
        """The hyperparameters at which `score(values)` is lowest (or largest).

        Args:
          score: function of `values` to one number a point, of the grid's shape. It may
            leave out the last axes, averaged over seeds for example: then the winner
            has no values of those.
          largest: whether the largest score wins.

        Returns:
          The winner's value of every axis. NaN and infinity never win; where several
          points tie, the first does.

        Raises:
          ValueError: if the score has another shape, or no point a finite score.

        Example:
          >>> import jax.numpy as jnp
          >>> from optax_extra import sweep
          >>> axes = {"x": jnp.array([1.0, 3.0, 2.0]), "shift": jnp.array([0.0, 0.2])}
          >>> result = sweep(lambda x, shift: jnp.abs(x - 2.1 + shift), axes)
          >>> result
          SweepResult(x: 3, shift: 2; values [3, 2])
          >>> print(result.best(lambda values: values))
          {'x': Array(2., dtype=float32), 'shift': Array(0., dtype=float32)}
          >>> print(result.best(lambda values: values.mean(-1)))
          {'x': Array(2., dtype=float32)}
        """
        index = self.best_index(score, largest=largest)
        zipped = len(self.shape) < len(self.names)
        if zipped:
            (place,) = index
            return {name: row[place] for name, row in self.axes.items()}
        kept = zip(self.names, self.rows, index, strict=False)
        return {name: row[place] for name, row, place in kept}

    def best_index(
        self,
        score: Callable[[chex.ArrayTree], chex.Array],
        *,
        largest: bool = False,
    ) -> tuple[int, ...]:
        """The place of `best` in the grid: one index for each axis of the score."""
        scores = np.asarray(score(self.values), dtype=np.float64)
        if not scores.ndim or scores.shape != self.shape[: scores.ndim]:
            raise ValueError(
                f"SweepResult: score must have the shape of the grid {self.shape}, or "
                f"of its first axes, got {scores.shape}"
            )
        finite = np.isfinite(scores)
        if not finite.any():
            raise ValueError(
                "SweepResult: score must be finite somewhere, got no finite value in "
                f"{scores.size} points (all diverged)"
            )
        cost = np.where(finite, -scores if largest else scores, np.inf)
        return tuple(int(i) for i in np.unravel_index(cost.argmin(), cost.shape))
