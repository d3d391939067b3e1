"""What a sweep found: values over named axes, and the point that wins."""

from collections.abc import Callable
from typing import NamedTuple

import chex
import jax
import numpy as np


class SweepResult(NamedTuple):
    """Result of `sweep`.

    Attributes:
      values: what `train` returned, with one leading axis a hyperparameter, in the
        order of `axes`; one leading axis in all if the sweep was zipped.
      axes: names of the hyperparameters to their values.
      shape: the leading axes of `values`: the shape of the grid.
    """

    values: chex.ArrayTree
    axes: dict[str, jax.Array]
    shape: tuple[int, ...]

    def best(
        self,
        score: Callable[[chex.ArrayTree], chex.Array],
        *,
        largest: bool = False,
    ) -> dict[str, jax.Array]:
        """The hyperparameters at which `score(values)` is lowest (or largest).

        Args:
          score: function of `values` to one number a point, of the grid's shape.
          largest: whether the largest score wins.

        Returns:
          The winner's value of every axis. NaN and infinity never win; where several
          points tie, the first does.

        Raises:
          ValueError: if the score has another shape, or no point a finite score.

        Example:
          >>> import jax.numpy as jnp
          >>> from optax_extra import sweep
          >>> result = sweep(lambda x: jnp.log(x), {"x": jnp.array([0.0, 3.0, 2.0])})
          >>> print(result.best(lambda values: values)["x"])
          2.0
        """
        index = self.best_index(score, largest=largest)
        # A zipped sweep has one index for all its axes.
        index *= len(self.axes) // len(index)
        return {
            name: row[i]
            for (name, row), i in zip(self.axes.items(), index, strict=True)
        }

    def best_index(
        self,
        score: Callable[[chex.ArrayTree], chex.Array],
        *,
        largest: bool = False,
    ) -> tuple[int, ...]:
        """The place of `best` in the grid: one index for each entry of `shape`."""
        scores = np.asarray(score(self.values), dtype=np.float64)
        if scores.shape != self.shape:
            raise ValueError(
                f"SweepResult: score must have the shape of the grid {self.shape}, "
                f"got {scores.shape}"
            )
        finite = np.isfinite(scores)
        if not finite.any():
            raise ValueError(
                "SweepResult: score must be finite somewhere, got no finite value in "
                f"{scores.size} points (all diverged)"
            )
        cost = np.where(finite, -scores if largest else scores, np.inf)
        return tuple(int(i) for i in np.unravel_index(cost.argmin(), cost.shape))
