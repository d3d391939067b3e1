"""Two ways down to a minimum that a grid has shown: by slope and by value alone.

* `newton`, damped as Levenberg and Marquardt have it, for smooth minima:

      p ← p - (H + λ I)⁻¹ g,   λ / 10 after a step that helps, 10 λ after one that fails

* `golden_section`, for kinks and jumps, where g says nothing: a golden-section search
  in y over a golden-section search in x. It uses values only, and it follows a crease
  in any direction, in which a search along fixed directions gets stuck.

References:
  Donald W. Marquardt, An Algorithm for Least-Squares Estimation of Nonlinear
  Parameters, 1963, https://doi.org/10.1137/0111030

  J. Kiefer, Sequential Minimax Search for a Maximum, 1953,
  https://doi.org/10.1090/S0002-9939-1953-0055639-3
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

Value = Callable[[jax.Array], jax.Array]

# The golden section as the share of a segment at which the next point is tried.
_GOLDEN = (3 - math.sqrt(5)) / 2
# Steps that shrink a cell of the grid to 1e-27. Past the resolution of float64 this
# still helps at zero, where float64 has no smallest step.
_GOLDEN_STEPS = 120
# An odd number, so that the start is among the probes.
_PROBES = 17
# Where the lowest point of the grid is not beside the minimum, as along a jump, the
# search walks there in rounds. Most need one, and what needs more than these starts
# far from any minimum.
_GOLDEN_ROUNDS = 20
# Most minima take ten; the rest is for long valleys of Rosenbrock's kind.
_NEWTON_STEPS = 100


def newton(value: Value, start: jax.Array, *, resolution: float) -> jax.Array:
    """Descends to where the gradient vanishes, as far as float64 can tell."""
    gradient, hessian = jax.grad(value), jax.hessian(value)

    def step(_: int, state: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        point, damping = state
        slope, curvature = gradient(point), hessian(point)
        # Positive definite, also where the surface is not convex: each step descends.
        shift = damping + jnp.maximum(0.0, -2 * _smallest_eigenvalue(curvature))
        trial = point - _solve(curvature + shift * jnp.eye(2), slope)
        rise = value(trial) - value(point)
        # Close to the minimum the values are equal but for rounding: there the
        # gradient decides.
        flatter = jnp.linalg.norm(gradient(trial)) < jnp.linalg.norm(slope)
        helps = (rise < -resolution) | (flatter & (rise <= resolution))
        return (
            jnp.where(helps, trial, point),
            jnp.where(helps, damping / 10, damping * 10),
        )

    first = start, jnp.asarray(1e-3)
    end: tuple[jax.Array, ...] = jax.lax.fori_loop(0, _NEWTON_STEPS, step, first)
    return end[0]


def _smallest_eigenvalue(symmetric: jax.Array) -> jax.Array:
    a, b, d = symmetric[0, 0], symmetric[0, 1], symmetric[1, 1]
    smallest: jax.Array = (a + d) / 2 - jnp.hypot((a - d) / 2, b)
    return smallest


def _solve(matrix: jax.Array, vector: jax.Array) -> jax.Array:
    """By Cramer's rule, which for two unknowns is exact enough and quickly compiled."""
    (a, b), (c, d) = matrix
    x, y = vector
    solution: jax.Array = jnp.stack([d * x - b * y, a * y - c * x]) / (a * d - b * c)
    return solution


class _Walk(NamedTuple):
    position: jax.Array  # [2]
    previous: jax.Array  # [2]
    rounds: jax.Array  # []


def golden_section(value: Value, start: jax.Array, reach: np.ndarray) -> jax.Array:
    """For each y the lowest x within reach, and of those the lowest; until it stays.

    NaN if it does not stay.
    """

    def lowest_near(center: jax.Array) -> jax.Array:
        def lowest_at(y: jax.Array) -> jax.Array:
            x = _golden_section_1d(
                lambda x: value(jnp.stack([x, y])), center[0], reach[0]
            )
            return jnp.stack([x, y])

        return lowest_at(
            _golden_section_1d(lambda y: value(lowest_at(y)), center[1], reach[1])
        )

    def walks(state: _Walk) -> jax.Array:
        far = jnp.any(jnp.abs(state.position - state.previous) > reach / 2)
        return far & (state.rounds < _GOLDEN_ROUNDS)

    def walk(state: _Walk) -> _Walk:
        position = lowest_near(state.position)
        return _Walk(position, state.position, state.rounds + 1)

    first = _Walk(lowest_near(start), start, jnp.asarray(1))
    end = jax.lax.while_loop(walks, walk, first)
    return jnp.where(end.rounds < _GOLDEN_ROUNDS, end.position, jnp.nan)


def _golden_section_1d(value: Value, start: jax.Array, reach: Any) -> jax.Array:
    """Shrinks low < best < high around the lowest point tried so far.

    As it never gives up that point, it ends on the low side of a jump.
    """

    def step(_: int, segment: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
        low, best, high, least = segment
        right = high - best > best - low
        trial = best + _GOLDEN * jnp.where(right, high - best, low - best)
        height = value(trial)
        lower = height < least
        return (
            jnp.where(right, jnp.where(lower, best, low), jnp.where(lower, low, trial)),
            jnp.where(lower, trial, best),
            jnp.where(
                right, jnp.where(lower, high, trial), jnp.where(lower, best, high)
            ),
            jnp.minimum(height, least),
        )

    # Even probes come first: past a jump the segment may have more than one valley.
    probes = start + reach * jnp.linspace(-1.0, 1.0, _PROBES)
    heights = jax.vmap(value)(probes)
    lowest = jnp.argmin(heights)
    best, width = probes[lowest], 2 * reach / (_PROBES - 1)
    segment = (best - width, best, best + width, heights[lowest])
    end: tuple[jax.Array, ...] = jax.lax.fori_loop(0, _GOLDEN_STEPS, step, segment)
    return end[1]
