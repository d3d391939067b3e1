"""Surfaces of one's own: their minima, their window, and what is refused."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from surfaces import SURFACES, Minimum, Surface


def bowl(point):
    return (point**2).sum()


def test_one_line_makes_a_surface():
    surface = Surface(lambda p: (p**2).sum())
    assert surface.name == "surface"
    assert surface.start == (-0.9, 0.9)
    assert surface.minimum == 0.0
    (minimum,) = surface.minima
    assert minimum.position == pytest.approx((0.0, 0.0), abs=1e-12)
    assert minimum.smooth
    assert surface.global_minima == surface.minima
    assert Surface(bowl).name == "bowl"
    assert repr(Surface(bowl, start=(0, 1))) == (
        "Surface('bowl', bounds=((-1.0, 1.0), (-1.0, 1.0)), start=(0.0, 1.0))"
    )


def test_window_of_its_own():
    surface = Surface(bowl, "far", bounds=((10, 20), (-4, -2)))
    assert surface.start == (10.5, -2.1)
    # The lowest value is on the edge, where there is no minimum.
    assert surface.minima == surface.global_minima == ()
    assert surface.minimum == 104.0


@pytest.mark.parametrize(
    ("function", "position", "smooth"),
    [
        (lambda p: jnp.abs(p).sum(), (0.0, 0.0), False),
        (lambda p: jnp.abs(p[0] - 2 * p[1] - 0.1) + bowl(p), (0.02, -0.04), False),
        (lambda p: jnp.where(p[0] > 0.3, p[0] + p[1] ** 2, 1.0), (0.3, 0.0), False),
        (lambda p: ((p - 0.123) ** 4).sum(), (0.123, 0.123), True),
        (lambda p: 1e6 * bowl(p - 0.9995), (0.9995, 0.9995), True),
        (lambda p: 1e5 * (p[1] - 3 * p[0] ** 2) ** 2 + bowl(p), (0.0, 0.0), True),
    ],
    ids=["kink", "crease", "jump", "flat", "near the edge", "valley"],
)
def test_awkward_minima_are_found(function, position, smooth):
    surface = Surface(function)
    (minimum,) = surface.minima
    # A parabola's lowest value fixes its position to the root of float64's resolution;
    # where the fourth power does, only the gradient's resolution is certain.
    assert minimum.position == pytest.approx(position, abs=1e-4 if smooth else 1e-7)
    assert minimum.smooth == smooth
    assert surface.minimum <= minimum.value


@pytest.mark.parametrize(
    "function",
    [lambda p: 1.0, lambda p: p[0], lambda p: p[0] ** 2, lambda p: jnp.nan * p[0]],
    ids=["constant", "slope", "gutter", "nan"],
)
def test_nothing_isolated_is_no_minimum(function):
    assert Surface(function).minima == ()


def test_nan_is_left_out():
    surface = Surface(lambda p: jnp.where(p[0] < 0, jnp.nan, bowl(p - 0.3) - 1.0))
    assert surface.minimum == -1.0
    assert [minimum.smooth for minimum in surface.minima] == [True]
    assert np.isnan(surface.grid(5).z[:, :2]).all()
    assert np.isnan(Surface(lambda p: jnp.nan * p[0]).minimum)


def test_known_minima_are_taken_as_they_are():
    low, high = Minimum((0.5, 0.0), -2.0, True), Minimum((0.0, 0.0), 1.0, False)
    surface = Surface(bowl, minima=[high, low])
    assert surface.minima == (low, high)
    assert surface.global_minima == (low,)
    assert surface.minimum == -2.0


def test_grid_has_rows_of_y_and_columns_of_x():
    surface = Surface(lambda p: 10 * p[0] + p[1], bounds=((0, 2), (0, 4)))
    x, y, z = surface.grid(3)
    np.testing.assert_array_equal(x, [0, 1, 2])
    np.testing.assert_array_equal(y, [0, 2, 4])
    np.testing.assert_array_equal(z, [[0, 10, 20], [2, 12, 22], [4, 14, 24]])
    assert x.dtype == y.dtype == z.dtype == np.float64


def test_contains():
    surface = Surface(bowl, bounds=((0, 1), (0, 2)))
    positions = [[0, 2], [0.5, 1], [1.1, 1], [0.5, -0.1], [np.nan, 1], [0.5, np.inf]]
    expected = [True, True, False, False, False, False]
    np.testing.assert_array_equal(surface.contains(positions), expected)
    on_device = jnp.asarray(positions).reshape(3, 2, 2)
    inside = jax.jit(surface.contains)(on_device)
    np.testing.assert_array_equal(inside.ravel(), expected)


def test_minimum_is_a_constant_to_a_traced_caller():
    surface = Surface(lambda p: bowl(p) + 1)
    height = jax.jit(lambda point: surface(point) - surface.minimum)
    assert height(jnp.ones(2)) == 2.0
    surface = Surface(lambda p: bowl(p) + 1)
    heights = jax.vmap(lambda point: surface(point) - surface.minimum)(jnp.ones((3, 2)))
    np.testing.assert_array_equal(heights, 2.0)


def test_surfaces_hash_by_identity():
    one, other = Surface(bowl), Surface(bowl)
    assert one != other
    assert len({one, other, one}) == 2


# What is refused.

BOUNDS = "Surface: bounds must be two increasing pairs of finite numbers, got "
START = "Surface: start must be two numbers in the window ((-1.0, 1.0), (-1.0, 1.0)), "


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"function": 3}, TypeError, "Surface: function must be callable, got 3"),
        ({"bounds": ((1, -1), (-1, 1))}, ValueError, BOUNDS + "((1, -1), (-1, 1))"),
        ({"bounds": ((-1, 1), (2, 2))}, ValueError, BOUNDS + "((-1, 1), (2, 2))"),
        (
            {"bounds": ((-1, 1), (0, float("inf")))},
            ValueError,
            BOUNDS + "((-1, 1), (0, inf))",
        ),
        ({"bounds": (-1, 1)}, ValueError, BOUNDS + "(-1, 1)"),
        ({"bounds": None}, ValueError, BOUNDS + "None"),
        ({"start": (0, 2)}, ValueError, START + "got (0, 2)"),
        ({"start": (0, float("nan"))}, ValueError, START + "got (0, nan)"),
        ({"start": 0.5}, ValueError, START + "got 0.5"),
        (
            {"minima": [Minimum((0, 3), 0.0, True)]},
            ValueError,
            START.replace("start", "minima") + "got (0, 3)",
        ),
    ],
)
def test_wrong_arguments_are_refused(arguments, error, message):
    with pytest.raises(error) as raised:
        Surface(**{"function": bowl, **arguments})
    assert str(raised.value) == message


@pytest.mark.parametrize("transform", [lambda f: f, jax.jit, jax.grad])
def test_wrong_shapes_are_refused(transform):
    message = "sphere: point must have shape (2,), got (3,)"
    with pytest.raises(ValueError, match=re.escape(message)):
        transform(SURFACES["sphere"])(jnp.zeros(3))
    message = "mine: function must return a scalar, got shape (2,)"
    with pytest.raises(ValueError, match=re.escape(message)):
        transform(Surface(lambda p: p, name="mine"))(jnp.zeros(2))


def test_a_grid_needs_two_points():
    message = "sphere: resolution must be at least 2, got 1"
    with pytest.raises(ValueError, match=re.escape(message)):
        SURFACES["sphere"].grid(1)
