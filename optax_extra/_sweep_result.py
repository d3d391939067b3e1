"""What a sweep found: values over named axes, and the points that win."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Callable
from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from optax_extra import _check, _sweep_file
from optax_extra._sweep_blocks import is_key

Score = Callable[[chex.ArrayTree], chex.Array]


@functools.partial(
    jax.tree_util.register_dataclass,
    data_fields=["values", "rows", "steps"],
    meta_fields=["names", "shape"],
)
@dataclasses.dataclass(frozen=True, eq=False)
class SweepResult:
    """Result of `sweep`: a pytree whose names and shape are static.

    Attributes:
      values: what `train` returned, with one leading axis a hyperparameter, in the
        order of `axes`; one leading axis in all if the sweep was zipped.
      rows: the values of the hyperparameters, in the order of `names`.
      names: the names of the hyperparameters.
      shape: the leading axes of `values`: the shape of the grid.
      steps: of a training in steps, how many each point has done, of the grid's shape;
        else None. Points that were dropped on the way never win.
    """

    values: chex.ArrayTree
    rows: tuple[jax.Array, ...]
    names: tuple[str, ...]
    shape: tuple[int, ...]
    steps: NDArray[np.int32] | None = None

    @property
    def axes(self) -> dict[str, jax.Array]:
        """Names of the hyperparameters to their values, in the order of the grid."""
        return dict(zip(self.names, self.rows, strict=True))

    @property
    def diverged(self) -> chex.Array:
        """Which points have NaN or infinity in their values, of the grid's shape."""
        lost: Any = np.zeros(self.shape, bool)
        for leaf in jax.tree.leaves(self.values):
            if jnp.issubdtype(leaf.dtype, jnp.inexact):
                module = np if isinstance(leaf, np.ndarray) else jnp
                finite = module.isfinite(leaf).reshape(*self.shape, -1)
                lost = lost | ~finite.all(axis=-1)
        return lost

    def __repr__(self) -> str:
        axes = ", ".join(f"{name}: {len(row)}" for name, row in self.axes.items())
        leaves, _ = jax.tree_util.tree_flatten_with_path(self.values)
        values = ", ".join(
            f"{jax.tree_util.keystr(path).lstrip('.')} {list(np.shape(leaf))}".strip()
            for path, leaf in leaves
        )
        traced = any(isinstance(leaf, jax.core.Tracer) for _, leaf in leaves)
        lost = 0 if traced else int(self.diverged.sum())
        counted = f"; {lost} of {np.prod(self.shape)} diverged" if lost else ""
        if lost == np.prod(self.shape):
            counted = "; all diverged"
        return f"SweepResult({axes}; values {values}{counted})"

    def best(self, score: Score, *, largest: bool = False) -> dict[str, jax.Array]:
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
        return self._point(self.best_index(score, largest=largest))

    def best_index(self, score: Score, *, largest: bool = False) -> tuple[int, ...]:
        """The place of `best` in the grid: one index for each axis of the score."""
        return self._ranked(score, 1, largest)[0]

    def top(
        self, k: int, score: Score, *, largest: bool = False
    ) -> list[dict[str, jax.Array]]:
        """The k best hyperparameters, the best first, as `best` would choose them.

        There are fewer where fewer than k points have a finite score.

        Example:
          >>> import jax.numpy as jnp
          >>> from optax_extra import sweep
          >>> result = sweep(lambda x: (x - 2.1) ** 2, {"x": jnp.arange(5.0)})
          >>> [float(point["x"]) for point in result.top(3, lambda values: values)]
          [2.0, 3.0, 1.0]
        """
        _check.count("SweepResult", "k", k)
        return [self._point(index) for index in self._ranked(score, k, largest)]

    def mean(self, name: str) -> SweepResult:
        """The result averaged over one axis, seeds for example.

        A point with a NaN or an infinity on that axis has one in its mean: it diverged
        for that seed. Of `steps` the mean has the fewest.

        Raises:
          ValueError: if there is no such axis, or no axes because points were zipped.
          TypeError: if the values are PRNG keys.

        Example:
          >>> import jax
          >>> from optax_extra import sweep
          >>> seeds = jax.random.split(jax.random.key(0), 9)
          >>> result = sweep(
          ...     lambda scale, seed: scale * jax.random.normal(seed),
          ...     {"scale": [1.0, 2.0], "seed": seeds},
          ... )
          >>> result.mean("seed")
          SweepResult(scale: 2; values [2])
        """
        if self._zipped:
            raise ValueError(
                "SweepResult: mean must be of a product, got a zipped sweep"
            )
        _check.one_of("SweepResult", "the axis of mean", name, self.names)
        if any(is_key(leaf) for leaf in jax.tree.leaves(self.values)):
            raise TypeError("SweepResult: mean must be of numbers, got PRNG keys")
        axis = self.names.index(name)

        def without(row: tuple[Any, ...]) -> tuple[Any, ...]:
            return row[:axis] + row[axis + 1 :]

        return SweepResult(
            values=jax.tree.map(lambda leaf: _mean(leaf, axis), self.values),
            rows=without(self.rows),
            names=without(self.names),
            shape=without(self.shape),
            steps=None if self.steps is None else self.steps.min(axis=axis),
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes one .npz file, without pickle: `numpy.load` shows names and arrays.

        Raises:
          OSError: if it cannot be written; what was there before stays.
        """
        tree = {"axes": self.axes, "values": self.values, "steps": self.steps}
        _sweep_file.save(path, tree, names=self.names, shape=self.shape)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> SweepResult:
        """Reads what `save` wrote, in NumPy arrays.

        Dicts, lists, tuples and None come back as they were; a NamedTuple, a dataclass
        or another class comes back as a dict, because only pickle knows classes.

        Raises:
          ValueError: if the file is not a result's.
          OSError: if there is none.

        Example:
          >>> import os, tempfile
          >>> from optax_extra import SweepResult, sweep
          >>> result = sweep(lambda x: {"square": x**2}, {"x": [1.0, 2.0]})
          >>> with tempfile.TemporaryDirectory() as folder:
          ...     path = os.path.join(folder, "squares.npz")
          ...     result.save(path)
          ...     SweepResult.load(path)
          SweepResult(x: 2; values ['square'] [2])
        """
        try:
            tree, about = _sweep_file.load(path)
            names, shape = tuple(about["names"]), tuple(about["shape"])
            rows = tuple(jnp.asarray(tree["axes"][name]) for name in names)
            return cls(tree["values"], rows, names, shape, tree["steps"])
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"SweepResult: load must be given a file of save, got {path}"
            ) from error

    @property
    def _zipped(self) -> bool:
        return len(self.shape) < len(self.names)

    def _point(self, index: tuple[int, ...]) -> dict[str, jax.Array]:
        """The hyperparameters at a place: of all axes, or of the first."""
        places = index * len(self.names) if self._zipped else index
        kept = zip(self.names, self.rows, places, strict=False)
        return {name: row[place] for name, row, place in kept}

    def _ranked(self, score: Score, k: int, largest: bool) -> list[tuple[int, ...]]:
        """The places of the k best finite scores; of equals the first."""
        scores = np.asarray(score(self.values), dtype=np.float64)
        if not scores.ndim or scores.shape != self.shape[: scores.ndim]:
            raise ValueError(
                f"SweepResult: score must have the shape of the grid {self.shape}, or "
                f"of its first axes, got {scores.shape}"
            )
        eligible = np.isfinite(scores)
        if self.steps is not None:
            least = self.steps.min(axis=tuple(range(scores.ndim, self.steps.ndim)))
            eligible &= least == least.max()
        if not eligible.any():
            raise ValueError(
                "SweepResult: score must be finite somewhere, got no finite value in "
                f"{scores.size} points (all diverged)"
            )
        cost = np.where(eligible, -scores if largest else scores, np.inf)
        order = np.argsort(cost, axis=None, kind="stable")[: min(k, eligible.sum())]
        places = np.unravel_index(order, cost.shape)
        return [tuple(int(i) for i in place) for place in zip(*places, strict=True)]


def _mean(leaf: Any, axis: int) -> Any:
    """The mean in the leaf's own float, added up in float32 at least."""
    exact = not jnp.issubdtype(leaf.dtype, jnp.inexact)
    dtype = jnp.result_type(float) if exact else leaf.dtype
    wide = jnp.promote_types(dtype, jnp.float32)
    return leaf.mean(axis=axis, dtype=wide).astype(dtype)
