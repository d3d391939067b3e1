"""The named surfaces against the original's numbers, and their minima."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from surfaces import SURFACES, find_minima, functions
from surfaces.minima import to_json

REFERENCE = json.loads(
    (Path(__file__).parent / "reference" / "surfaces.json").read_text(encoding="utf-8")
)
ORIGINAL_NAMES = {
    "rosenbrock": "Rosenbrock",
    "six_hump_camel": "SixHumpCamel",
    "sphere": "Sphere",
    "rastrigin": "Rastrigin",
    "custom": "Custom",
    "custom2": "Custom2",
    "custom3": "Custom3",
    "spiral": "Custom4",
}
ORIGINALS = {surface["surface"]: surface for surface in REFERENCE["surfaces"]}
every_surface = pytest.mark.parametrize("name", SURFACES)


def original(name):
    return ORIGINALS[ORIGINAL_NAMES[name]]


def ring(radius, count=64):
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False) + 0.01
    return radius * np.stack([np.cos(angles), np.sin(angles)], axis=-1)


# The named surfaces.


def test_names_are_in_order():
    assert list(SURFACES) == list(ORIGINAL_NAMES)
    assert all(name == surface.name for name, surface in SURFACES.items())
    assert set(functions.__all__) == {"SURFACES", *SURFACES}


@every_surface
def test_values_and_gradients_are_the_originals(name, x64):
    data = original(name)
    points = jnp.asarray(REFERENCE["points"])
    gradient = np.stack([data["dzdx"], data["dzdy"]], axis=-1)
    value_and_grad = jax.jit(jax.vmap(jax.value_and_grad(SURFACES[name])))
    ours, our_gradient = value_and_grad(points)
    np.testing.assert_allclose(ours, data["z"], rtol=1e-10)
    np.testing.assert_allclose(our_gradient, gradient, rtol=1e-10, atol=1e-12)


@every_surface
def test_special_points_have_the_originals_value_and_a_finite_gradient(name, x64):
    for special in original(name)["special"]:
        point = jnp.asarray([special["x"], special["y"]])
        value, gradient = jax.value_and_grad(SURFACES[name])(point)
        np.testing.assert_allclose(value, special["z"], rtol=1e-10)
        assert jnp.isfinite(gradient).all()
        if special["finite_grad"]:
            expected = [special["dzdx"], special["dzdy"]]
            np.testing.assert_allclose(gradient, expected, rtol=1e-10)


@pytest.mark.parametrize(
    ("name", "point"),
    [("custom2", (0.5, -0.5)), ("custom3", (0.5, -0.5)), ("spiral", (0.0, 0.0))],
)
@pytest.mark.parametrize("offset", [0.0, 1e-30, 1e-20, 1e-8])
def test_gradient_is_finite_around_singular_points_in_float32(name, point, offset):
    value, gradient = jax.value_and_grad(SURFACES[name])(jnp.asarray(point) + offset)
    assert jnp.isfinite(value)
    assert jnp.isfinite(gradient).all()


@every_surface
def test_grid_has_the_originals_lowest_value(name, x64):
    axis = jnp.asarray(REFERENCE["grid_axis"])
    points = jnp.stack(jnp.meshgrid(axis, axis), axis=-1)
    z = jax.jit(jax.vmap(jax.vmap(SURFACES[name])))(points)
    # The original's float64 axis comes to zero as 8.9e-16, hence the absolute part.
    np.testing.assert_allclose(
        z.min(), original(name)["grid_min"], rtol=1e-10, atol=1e-15
    )
    np.testing.assert_allclose(z.max(), original(name)["grid_max"], rtol=1e-10)
    np.testing.assert_allclose(z.mean(), original(name)["grid_mean"], rtol=1e-10)


@every_surface
def test_start_is_the_originals(name):
    np.testing.assert_array_equal(SURFACES[name].start, original(name)["start"])


@every_surface
def test_value_is_a_plain_jax_function(name):
    surface = SURFACES[name]
    points = jnp.asarray(REFERENCE["points"], dtype=jnp.float32)
    with jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
        one_by_one = jnp.stack([surface(point) for point in points])
        at_once = jax.jit(jax.vmap(surface))(points)
        gradient = jax.grad(surface)(points[0])
        jitted = jax.jit(surface)(points[0])
    assert one_by_one.dtype == at_once.dtype == gradient.dtype == jnp.float32
    # Values are of order one and sum some twenty terms.
    eps = jnp.finfo(jnp.float32).eps
    np.testing.assert_allclose(at_once, one_by_one, atol=20 * eps)
    np.testing.assert_allclose(jitted, one_by_one[0], atol=20 * eps)
    np.testing.assert_allclose(one_by_one, original(name)["z"], atol=20 * eps)


# Their minima.


@pytest.mark.parametrize(
    ("name", "count", "lowest"),
    [
        ("rosenbrock", 1, 1e-5),
        ("six_hump_camel", 6, -2.268e-4),
        ("sphere", 1, 1e-5),
        ("rastrigin", 121, 1e-5),
        ("custom", 5, -8.581e-5),
        ("custom2", 8, 9.980e-6),
        ("custom3", 36, -6.241e-4),
        ("spiral", 4, -6.978e-4),
    ],
)
def test_minima_are_counted(name, count, lowest):
    surface = SURFACES[name]
    assert len(surface.minima) == count
    assert surface.minima[0].value == surface.minimum == pytest.approx(lowest, rel=1e-3)
    assert len(surface.global_minima) == (2 if name == "six_hump_camel" else 1)
    values = [minimum.value for minimum in surface.minima]
    assert values == sorted(values)


@every_surface
def test_minima_are_minima(name, x64):
    surface = SURFACES[name]
    for position, value, smooth in surface.minima:
        point = jnp.asarray(position)
        assert surface(point) == pytest.approx(value, rel=1e-12, abs=1e-15)
        assert all(abs(coordinate) < 1 for coordinate in position)
        if smooth:
            assert jnp.linalg.norm(jax.grad(surface)(point)) < 1e-10
            assert jnp.linalg.eigvalsh(jax.hessian(surface)(point)).min() > 0
        for radius in (1e-6, 1e-5, 1e-4):
            around = jnp.asarray(np.asarray(position) + ring(radius))
            assert (jax.vmap(surface)(around) > value).all()


def test_minima_that_are_not_smooth():
    others = {
        name: [minimum.position for minimum in surface.minima if not minimum.smooth]
        for name, surface in SURFACES.items()
    }
    assert {name for name, positions in others.items() if positions} == {
        "custom2",
        "spiral",
    }
    # The tip of the cone, and the foot of the cliff, where it ends.
    np.testing.assert_allclose(others["custom2"], [(0.5, -0.5)], rtol=1e-12)
    np.testing.assert_allclose(others["spiral"], [(0.0, 0.0)], atol=1e-12)


@every_surface
def test_no_minimum_is_missing(name, x64):
    """Newton's method from thousands of random points finds none that is not stored."""
    surface = SURFACES[name]
    stored = np.array([minimum.position for minimum in surface.minima])
    gradient, hessian = jax.grad(surface), jax.hessian(surface)

    def newton(_, point):
        step = jnp.linalg.solve(hessian(point), gradient(point))
        return point - step / jnp.maximum(1.0, 50 * jnp.linalg.norm(step))

    @jax.jit
    @jax.vmap
    def search(start):
        end = jax.lax.fori_loop(0, 100, newton, start)
        return end, gradient(end), jnp.linalg.eigvalsh(hessian(end))

    starts = jax.random.uniform(jax.random.key(0), (10_000, 2), minval=-1.0)
    ends, gradients, curvatures = map(np.asarray, search(starts))
    found = (np.abs(ends) < 1).all(-1) & (curvatures > 0).all(-1)
    found &= np.abs(gradients).max(-1) < 1e-9
    distances = np.abs(ends[found, None] - stored).max(-1)
    assert distances.min(1).max(initial=0) < 1e-6
    smooth = [minimum.smooth for minimum in surface.minima]
    assert distances[:, smooth].min(0).max(initial=0) < 1e-6


@pytest.mark.parametrize("name", ["sphere", "six_hump_camel", "custom2"])
def test_stored_minima_are_those_found(name):
    surface = SURFACES[name]
    found = find_minima(surface, surface.bounds)
    assert len(found) == len(surface.minima)
    for ours, stored in zip(found, surface.minima, strict=True):
        # Equally low minima may change places.
        np.testing.assert_allclose(ours.value, stored.value, rtol=1e-12, atol=1e-15)
        assert any(
            np.allclose(ours.position, other.position, rtol=0, atol=1e-12)
            and ours.smooth == other.smooth
            for other in surface.minima
        )


def test_stored_file_is_written_by_the_same_code():
    text = Path(functions.__file__).with_name("minima.json").read_text(encoding="utf-8")
    assert text == to_json({name: s.minima for name, s in SURFACES.items()})


@every_surface
def test_nothing_in_the_window_is_lower(name):
    surface = SURFACES[name]
    assert surface.grid(501).z.min() >= surface.minimum - 1e-15
