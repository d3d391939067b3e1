"""How the values of a hyperparameter are spread, and where they are on paper.

An axis is drawn as its values are spread: evenly, in their logarithms, or in those of
1 - value, as decay rates are. Any other row of values is a list, drawn in its order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

Array = NDArray[Any]


class Spread(NamedTuple):
    """Values as places along an axis.

    Attributes:
      places: `[n]`, the values, or their numbers in a list.
      edges: `[n + 1]`, of the cells around them.
      set_scale: gives the "x" or "y" axis of axes its scale, limits and ticks.
    """

    places: Array
    edges: Array
    set_scale: Callable[[Axes, str], None]


def spread(values: Array) -> Spread:
    """Finds how values are spread, from at least three; fewer are a list."""
    values = np.asarray(values, dtype=float)
    nines = _nines, _from_nines
    for forward, back, scale in (
        (np.array, np.array, {"value": "linear"}),
        (np.log10, _power, {"value": "log"}),
        (*nines, {"value": "function", "functions": nines}),
    ):
        with np.errstate(invalid="ignore", divide="ignore"):
            steps = np.asarray(forward(values))
            gap = (steps[-1] - steps[0]) / max(len(steps) - 1, 1)
        # In float32 the nines of 0.9999 are off by a thousandth.
        even = np.isfinite(steps).all() and np.allclose(np.diff(steps), gap, 0.01, 0)
        if even and len(values) > 2:
            half = gap / 2
            edges = back(np.append(steps[0] - half, steps + half))
            ticks = _ticks(edges) if forward is _nines else None
            return Spread(values, edges, _setter(edges, ticks, None, scale))
    places = np.arange(len(values))
    shown = places[:: -(-len(values) // 12)]
    labels = [f"{values[place]:g}" for place in shown]
    edges = np.arange(len(values) + 1) - 0.5
    return Spread(places, edges, _setter(edges, shown, labels, {"value": "linear"}))


def _setter(
    edges: Array, ticks: Array | None, labels: list[str] | None, scale: dict[str, Any]
) -> Callable[[Axes, str], None]:
    def set_scale(axes: Axes, which: str) -> None:
        getattr(axes, f"set_{which}scale")(**scale)
        getattr(axes, f"set_{which}lim")(edges[0], edges[-1])
        if ticks is not None:
            names = labels or [f"{tick:g}" for tick in ticks]
            getattr(axes, f"set_{which}ticks")(ticks, names)

    return set_scale


def _power(exponent: Array) -> Array:
    return np.asarray(10.0**exponent)


def _nines(value: Array) -> Array:
    """How many nines a value below 1 begins with: 2 for 0.99."""
    # Before it has limits an axis asks for what is beyond them.
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(-np.log10(1 - value))


def _from_nines(nines: Array) -> Array:
    return np.asarray(1 - 10.0**-nines)


def _ticks(edges: Array) -> Array:
    """Round values below 1: 0.9, 0.99, ..., where these are few others too."""
    for digits in ((1,), (1, 3), (1, 2, 5), range(1, 10)):
        far = np.array([digit * 10.0**-k for k in range(8) for digit in digits])
        ticks = np.sort(1 - far)
        ticks = ticks[(edges.min() <= ticks) & (ticks <= edges.max())]
        if len(ticks) > 2:
            break
    return ticks
