"""How much the learning rate matters: where optimizers end at each of many rates.

A rate *works* if the run ends in the window, within 1 % of the window's height above
the surface's lowest value. The working range of an optimizer is how many decades of
rates work: large for one that need not be tuned.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surfaces.grid import Factory, ends_on_all
from surfaces.surface import Surface, by_name

RATES = np.logspace(-5, 1, 256)
WORKS = 0.01  # of the window's height


class RateCurve(NamedTuple):
    """Where one optimizer ends on one surface, by learning rate.

    Attributes:
      surface: name of the surface.
      steps: how many were made.
      minimum: the surface's lowest value in the window.
      span: height of the window: how far its highest value lies above the lowest.
      rates: `[n]`, ascending.
      values: `[n]`, the surface where the runs end.
      inside: `[n]`, which runs end in the window, at a finite value.
    """

    surface: str
    steps: int
    minimum: float
    span: float
    rates: NDArray[Any]
    values: NDArray[Any]
    inside: NDArray[np.bool_]

    @property
    def heights(self) -> NDArray[Any]:
        """`[n]`, values above the minimum; NaN for runs that do not end in the window.

        Negative where rounding, or a minimum between the points of a grid, has it.
        """
        return np.where(self.inside, self.values - self.minimum, np.nan)

    @property
    def best(self) -> int | None:
        """Index of the rate that ends lowest in the window, None if none does."""
        return int(np.nanargmin(self.heights)) if self.inside.any() else None

    @property
    def threshold(self) -> float:
        """The height below which a rate works."""
        return WORKS * self.span

    @property
    def works(self) -> NDArray[np.bool_]:
        """`[n]`, at which rates the run ends low enough."""
        return np.asarray(self.heights <= self.threshold)

    @property
    def edges(self) -> NDArray[Any]:
        """`[n + 1]`: each rate stands for those half-way, in decades, to the next."""
        middles = np.sqrt(self.rates[1:] * self.rates[:-1])
        return np.concatenate([self.rates[:1], middles, self.rates[-1:]])

    @property
    def working_range(self) -> float:
        """Decades of rates that work."""
        return float(np.diff(np.log10(self.edges))[self.works].sum())


def rate_curves(
    surfaces: Sequence[Surface],
    racers: Mapping[str, Factory],
    rates: ArrayLike = RATES,
    steps: int = 100,
    *,
    progress: Callable[[], object] | None = None,
) -> dict[str, dict[str, RateCurve]]:
    """Runs optimizers down surfaces at many learning rates and keeps where they end.

    An optimizer is one program: all its rates on all surfaces. For the paths see
    `learning_rates`.

    Args:
      surfaces: where to run, each from its start.
      racers: names to factories of a learning rate, for example `ROSTER`.
      rates: learning rates, `[n]`, positive, finite and ascending.
      steps: how many, at least 1.
      progress: called after every optimizer.

    Returns:
      Names of surfaces to names of optimizers to a `RateCurve`.

    Raises:
      TypeError: if a racer or a surface is no such thing.
      ValueError: if two surfaces share a name, steps is below 1, or rates are not
        positive, finite and ascending.

    Example:
      >>> from surfaces import ROSTER, SURFACES, rate_curves
      >>> curves = rate_curves([SURFACES["sphere"]], {"sgd": ROSTER["sgd"]})
      >>> sgd = curves["sphere"]["sgd"]
      >>> print(f"{sgd.working_range:.1f} decades, best {sgd.rates[sgd.best]:.1f}")
      1.8 decades, best 0.3
    """
    known = by_name("rate_curves", surfaces)
    row = np.asarray(rates, dtype=float)
    if row.ndim == 1 and (np.diff(row) <= 0).any():
        raise ValueError(f"rate_curves: rates must ascend, got {rates!r}")
    curves: dict[str, dict[str, RateCurve]] = {name: {} for name in known}
    for optimizer, racer in racers.items():
        ends = ends_on_all(racer, surfaces, row, steps)
        for place, (name, surface) in enumerate(known.items()):
            values = np.asarray(ends.value[:, place])
            curves[name][optimizer] = RateCurve(
                surface=name,
                steps=steps,
                minimum=surface.minimum,
                span=surface.span,
                rates=row,
                values=values,
                inside=surface.contains(ends.position[:, place]) & np.isfinite(values),
            )
        if progress is not None:
            progress()
    return curves
