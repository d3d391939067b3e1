"""Eight surfaces to race on, each over the window [-1, 1]² with values of about (0, 1].

Each is a formula in coordinates X, Y of its own, brought to a common height by

    z = (raw + shift) / scale · (1 - 1e-5) + 1e-5

shift and scale were fitted to a coarse grid, so that true minima may lie a little
below zero. They, and the surfaces that are not classics, come from ImpactCrater's
OptimizerVisualizer (MIT licence), https://github.com/ImpactCrater/OptimizerVisualizer.
"""

import importlib.resources
import json
from collections.abc import Callable, Mapping
from types import MappingProxyType

import jax
import jax.numpy as jnp

from surfaces.search import Minimum
from surfaces.surface import Surface

__all__ = [
    "SURFACES",
    "custom",
    "custom2",
    "custom3",
    "rastrigin",
    "rosenbrock",
    "six_hump_camel",
    "sphere",
    "spiral",
]

_FLOOR = 1e-5


def _normalise(raw: jax.Array, *, shift: float = 0.0, scale: float) -> jax.Array:
    return (raw + shift) / scale * (1 - _FLOOR) + _FLOOR


def rosenbrock(point: jax.Array) -> jax.Array:
    """(X - 1)² + 100 (Y - X²)², where X = 2x, Y = 1 - 2y: a long curved valley.

    References:
      Howard H. Rosenbrock, An Automatic Method for Finding the Greatest or Least Value
      of a Function, 1960, https://doi.org/10.1093/comjnl/3.3.175
    """
    x, y = point
    x, y = 2 * x, 1 - 2 * y
    return _normalise((x - 1) ** 2 + 100 * (y - x**2) ** 2, scale=2509)


def six_hump_camel(point: jax.Array) -> jax.Array:
    """(4 - 2.1X² + X⁴/3) X² + XY + (4Y² - 4) Y², where X = 2x, Y = -y: six minima.

    References:
      Laurence C. W. Dixon, Giorgio P. Szegö (editors), Towards Global Optimisation 2,
      1978: The Global Optimisation Problem, an Introduction
    """
    x, y = point
    x, y = 2 * x, -y
    raw = (4 - 2.1 * x**2 + x**4 / 3) * x**2 + x * y + (4 * y**2 - 4) * y**2
    return _normalise(raw, shift=1.03008306, scale=6.52566993)


def sphere(point: jax.Array) -> jax.Array:
    """x²/2 + Y², where Y = -y - 0.4: a bowl, twice as steep along y."""
    x, y = point
    y = -y - 0.4
    return _normalise(x**2 / 2 + y**2, scale=2.46000004)


def rastrigin(point: jax.Array) -> jax.Array:
    """X² + Y² + 4 - 2cos 2πX - 2cos 2πY, where X = 5.12x, Y = 5.12y: 121 pits.

    The classic has 10 in place of 2, and so deeper pits.

    References:
      Leonard A. Rastrigin, Systems of Extremal Control, 1974 (in Russian)
    """
    x, y = 5.12 * point
    tau = 2 * jnp.pi
    raw = x**2 + y**2 + 4 - 2 * jnp.cos(tau * x) - 2 * jnp.cos(tau * y)
    return _normalise(raw, scale=79.98309326)


def custom(point: jax.Array) -> jax.Array:
    """½ camel + ½ bowl: the six-hump camel on the slope of (x - 1)² + (y + 1)²."""
    x, y = point
    bowl = _normalise((x - 1) ** 2 + (y + 1) ** 2, shift=-0.000625, scale=7.90000023)
    return _normalise(
        0.5 * six_hump_camel(point) + 0.5 * bowl, shift=-0.0705535, scale=0.9294465
    )


def custom2(point: jax.Array) -> jax.Array:
    """0.3 waves(3x, 3y) + 0.7 cone: hills and dales around the tip at (0.5, -0.5).

    waves(X, Y) = X - sin(2X + 3Y) - cos(3X - 5Y) + Y - sin(X - 2Y) + cos(X + 3Y),
    cone = √(((x - 0.5)² + (y + 0.5)²) / 2).
    """
    waves = _normalise(_waves(3 * point), shift=7.99237823, scale=14.80175447)
    return _normalise(
        0.3 * waves + 0.7 * _cone(point), shift=-0.16485822, scale=0.7373814
    )


def custom3(point: jax.Array) -> jax.Array:
    """0.3 waves(6x, 6y) + 0.7 cone: as `custom2`, with waves half as long."""
    waves = _normalise(_waves(6 * point), shift=13.42661095, scale=26.64812661)
    return _normalise(
        0.3 * waves + 0.7 * _cone(point), shift=-0.1520575, scale=0.71176532
    )


def spiral(point: jax.Array) -> jax.Array:
    """himmelblau + 1.5 stairs: pits around a spiral staircase.

    himmelblau = tanh(((X² + Y - 11)² + (X + Y² - 7)²) / 400), where X = -5x, Y = -5y,
    stairs = r - 0.9θ + 4 in polar coordinates, with θ in [0, 2π) counted from the
    positive y axis. There the stairs have their cliff, high at x = 0 and low at x > 0.
    The lowest value of all is not in a pit: it is approached, but not attained, at the
    foot of the cliff next to the origin. The original's name for it is Custom4.

    References:
      David M. Himmelblau, Applied Nonlinear Programming, 1972
    """
    x, y = -5 * point
    pits = jnp.tanh(((x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2) / 400)
    himmelblau = _normalise(pits, shift=-2e-5, scale=0.97689298)
    r, theta = _polar(point)
    stairs = _normalise(r - 0.9 * theta + 4, shift=1.35411644, scale=6.32903719)
    return _normalise(himmelblau + 1.5 * stairs, shift=-0.34079576, scale=2.04968738)


def _waves(point: jax.Array) -> jax.Array:
    x, y = point
    raw: jax.Array = x - jnp.sin(2 * x + 3 * y) - jnp.cos(3 * x - 5 * y)
    raw += y - jnp.sin(x - 2 * y) + jnp.cos(x + 3 * y)
    return raw


def _cone(point: jax.Array) -> jax.Array:
    x, y = point
    return _normalise(_sqrt(((x - 0.5) ** 2 + (y + 0.5) ** 2) / 2), scale=1.48755252)


def _polar(point: jax.Array) -> tuple[jax.Array, jax.Array]:
    x, y = point
    r = _sqrt(x**2 + y**2)
    # The origin counts as a point of the positive x axis, as atan2(0, 0) = 0 has it,
    # but atan2 must not see it: its gradient is NaN there.
    origin = r == 0
    # The angle from the y axis, not that from the x axis less π/2: the difference
    # would round off which side of the cliff a close point lies on.
    theta = jnp.arctan2(jnp.where(origin, -1.0, -x), jnp.where(origin, 0.0, y))
    return r, jnp.where(theta < 0, theta + 2 * jnp.pi, theta)


def _sqrt(square: jax.Array) -> jax.Array:
    """√, but with the subgradient 0 at 0, where the derivative is infinite."""
    zero = square == 0
    return jnp.where(zero, 0.0, jnp.sqrt(jnp.where(zero, 1.0, square)))


def _known_minima() -> dict[str, list[Minimum]]:
    """The minima of each surface, as `python -m surfaces.minima` stored them."""
    file = importlib.resources.files("surfaces").joinpath("minima.json")
    return {
        name: [Minimum((m["x"], m["y"]), m["value"], m["smooth"]) for m in minima]
        for name, minima in json.loads(file.read_text(encoding="utf-8")).items()
    }


def _named_surfaces() -> dict[str, Surface]:
    minima = _known_minima()

    def named(
        function: Callable[[jax.Array], jax.Array],
        start: tuple[float, float] | None = None,
    ) -> tuple[str, Surface]:
        name = function.__name__
        return name, Surface(function, start=start, minima=minima.get(name))

    return dict(
        [
            named(rosenbrock),
            named(six_hump_camel),
            named(sphere),
            named(rastrigin, start=(-0.7, 0.8)),
            named(custom),
            named(custom2),
            named(custom3, start=(-0.9, 0.8)),
            named(spiral),
        ]
    )


SURFACES: Mapping[str, Surface] = MappingProxyType(_named_surfaces())
