"""A race: every optimizer down every surface, at one learning rate or at its own best.

Compiling dominates, so an optimizer is one program: all its rates on all surfaces. The
path that is shown comes from the program that found its rate, because another program
may round differently and a chaotic path then parts.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surfaces.grid import Factory, RateSweep, learning_rates_on_all
from surfaces.scan import Path
from surfaces.surface import Surface, by_name

# The rates among which each optimizer finds its best: 96 from 1e-4 to 10.
RATES = np.logspace(-4, 1, 96)


class Result(NamedTuple):
    """How one optimizer fared on one surface.

    Attributes:
      surface: name of the surface.
      optimizer: name of the optimizer.
      learning_rate: the rate it ran at.
      at_edge: whether that rate was the least or the greatest of several tried, so
        that a better one may lie beyond.
      value: surface at the end of the path, NaN if the path turned NaN.
      height: value above the surface's lowest; 0 where rounding puts it below.
      distance: from the end of the path to the nearest global minimum.
      outcome: where the path ended: "global minimum", "local minimum", "on the way",
        "left the window" or "NaN".
      left_at: first step outside the window, or None.
      nan_at: first step at which the position or the value was no finite number, or
        None. A path that overflowed has left the window before; one that crossed a
        hole in the surface may have found numbers again.
      path: the path itself.
    """

    surface: str
    optimizer: str
    learning_rate: float
    at_edge: bool
    value: float
    height: float
    distance: float
    outcome: str
    left_at: int | None
    nan_at: int | None
    path: Path


def race(
    surfaces: Sequence[Surface],
    racers: Mapping[str, Factory],
    rates: ArrayLike = RATES,
    steps: int = 100,
    *,
    progress: Callable[[], object] | None = None,
) -> dict[str, list[Result]]:
    """Races optimizers down surfaces, each at the best of `rates` on each surface.

    Args:
      surfaces: where to race.
      racers: names to factories of a learning rate, for example `ROSTER`.
      rates: learning rates to choose from, or a single one for all. The best has the
        lowest final value of the runs that end in the window; if none does, the least
        rate counts.
      steps: how many, at least 1. Racers of `ROSTER` that take two gradients a step
        stop at their last whole step where it is odd.
      progress: called after every optimizer.

    Returns:
      Names of surfaces to one `Result` an optimizer, in the order of `racers`.

    Raises:
      TypeError: if a racer or a surface is no such thing.
      ValueError: if two surfaces share a name, steps is below 1, or rates are not
        positive and finite.

    Example:
      >>> from surfaces import ROSTER, SURFACES, race
      >>> results = race([SURFACES["sphere"]], {"sgd": ROSTER["sgd"]}, rates=[1.0])
      >>> print(results["sphere"][0].outcome)
      global minimum
    """
    results: dict[str, list[Result]] = {name: [] for name in by_name("race", surfaces)}
    for name, racer in racers.items():
        sweeps = learning_rates_on_all(racer, surfaces, rates, steps)
        for surface, swept in zip(surfaces, sweeps, strict=True):
            results[surface.name].append(_result(surface, name, swept))
        if progress is not None:
            progress()
    return results


def _result(surface: Surface, name: str, swept: RateSweep) -> Result:
    index = int(np.argmin(swept.rates)) if swept.best is None else swept.best
    path = swept.path(index)
    end = path.positions[-1]
    left_at = _first(path.finite & ~surface.contains(path.positions))
    value = float(path.values[-1])
    return Result(
        surface=surface.name,
        optimizer=name,
        learning_rate=float(swept.rates[index]),
        at_edge=len(swept.rates) > 1 and index in (0, len(swept.rates) - 1),
        value=value,
        height=float(np.maximum(value - surface.minimum, 0)),
        distance=_distance(end, [m.position for m in surface.global_minima]),
        outcome=_outcome(surface, path, lost="left the window" if left_at else "NaN"),
        left_at=left_at,
        nan_at=_first(~path.finite),
        path=path,
    )


def _first(steps: NDArray[np.bool_]) -> int | None:
    return int(steps.argmax()) if steps.any() else None


def _distance(end: ArrayLike, positions: Sequence[tuple[float, float]]) -> float:
    if not positions:
        return float("nan")
    return float(np.linalg.norm(np.asarray(positions) - np.asarray(end), axis=-1).min())


def _outcome(surface: Surface, path: Path, *, lost: str) -> str:
    """Where the path ended; `lost` if that is no number."""
    end = path.positions[-1]
    if not path.finite[-1]:
        return lost
    if not surface.contains(end):
        return "left the window"
    if _distance(end, [m.position for m in surface.global_minima]) <= surface.reach:
        return "global minimum"
    if _distance(end, [m.position for m in surface.minima]) <= surface.reach:
        return "local minimum"
    return "on the way"
