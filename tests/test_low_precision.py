"""Sixteen bits, in params and gradients or in the state alone.

Gradients are drawn beforehand and not taken at the params, so that errors add up and
do not feed back. Where an average with decay b is stored with precision eps, its
error is at most eps / 2 / (1 - b) of its size: 5 eps for b = 0.9. AdaBelief's residual
has that error of the momentum at about half the size of the momentum: 10 eps. With one
eps for all that is rounded just once, updates may be 16 eps from those in float32.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import optax_extra as ox

STEPS = 200
DTYPES = ("float16", "bfloat16")
UPDATE_ERROR = 16
SYNC_PERIOD = 6
RECIPES = {
    "adabelief": ox.adabelief,
    "adabelief_rectified": lambda lr: ox.adabelief(lr, rectified=True),
    "adaderivative": ox.adaderivative,
    "adabc": ox.adabc,
    "adamd": ox.adamd,
    "adam_2k": lambda lr: ox.adam_2k(lr, hold_steps=20),
    "radam": ox.radam,
    "ranger": lambda lr: ox.ranger(lr, sync_period=SYNC_PERIOD),
    "heun": ox.heun,
    "lion": ox.lion,
}
PARTS = {
    ox.scale_by_adam: ("mu", "nu"),
    ox.scale_by_belief: ("mu", "nu"),
    ox.scale_by_derivative: ("mu", "nu", "previous"),
}

every_dtype = pytest.mark.parametrize("dtype", DTYPES)


def gradients(dtype):
    """Slope and noise, [steps, 8], exact in `dtype`; the last gradient is always 0."""
    slope = np.array([1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 0.25, 0.0])
    noise = np.random.default_rng(0).uniform(-0.75, 0.75, (STEPS, 8))
    return jnp.asarray(slope * (1 + noise), dtype)


def train(optimizer, gradients):
    """The params and the updates after every step from zero, and the last state."""
    params = jnp.zeros_like(gradients[0])

    def step(carry, gradient):
        params, state = carry
        updates, state = optimizer.update(gradient, state, params)
        params = optax.apply_updates(params, updates)
        return (params, state), (params, updates)

    (_, state), paths = jax.lax.scan(step, (params, optimizer.init(params)), gradients)
    return *paths, state


def assert_updates_near(updates, exact, dtype):
    error, size = np.abs(updates - exact).max(axis=1), np.abs(exact).max(axis=1)
    assert (error <= UPDATE_ERROR * float(jnp.finfo(dtype).eps) * size).all()


@every_dtype
@pytest.mark.parametrize("name", RECIPES)
def test_recipes_stay_near_float32(name, dtype):
    optimizer, few = RECIPES[name](0.01), gradients(dtype)
    params, updates, _ = train(optimizer, few)
    exact_params, exact_updates, _ = train(optimizer, few.astype(jnp.float32))
    assert params.dtype == updates.dtype == few.dtype
    params, updates = np.float32(params), np.float32(updates)
    # A synchronisation goes back to slow weights, and is as wrong as the params are.
    syncs = np.arange(1, STEPS + 1) % SYNC_PERIOD == 0
    fast = ~syncs if name == "ranger" else slice(None)
    assert_updates_near(updates[fast], exact_updates[fast], dtype)
    # Each step rounds the params by half an eps more.
    rounding = np.abs(exact_params).sum(axis=0) / 2
    rounding += UPDATE_ERROR * np.abs(exact_updates).sum(axis=0)
    error = np.abs(params[-1] - exact_params[-1])
    assert (error <= float(jnp.finfo(dtype).eps) * rounding).all()
    # Downhill wherever there is a slope, and at rest where there is none.
    np.testing.assert_array_equal(np.sign(params[-1]), -np.sign(few[-1]))


@every_dtype
@pytest.mark.parametrize(
    ("part", "field"), [(part, field) for part in PARTS for field in PARTS[part]]
)
def test_stored_dtypes(part, field, dtype):
    given = gradients(jnp.float32)
    _, exact, plain = train(part(0.9, 0.9), given)
    _, updates, state = train(part(0.9, 0.9, **{f"{field}_dtype": dtype}), given)
    assert getattr(plain, field).dtype == updates.dtype == jnp.float32
    assert getattr(state, field).dtype == dtype
    assert_updates_near(updates, exact, dtype)


@every_dtype
def test_stored_dtype_of_sign_momentum(dtype):
    """On a square wave, which takes the mixture past 0 in strides of many eps."""
    wave = jnp.where(jnp.arange(STEPS) % 40 < 20, 1.0, -1.0)[:, None]
    _, exact, _ = train(ox.sign_momentum(0.9, 0.9), wave)
    _, updates, state = train(ox.sign_momentum(0.9, 0.9, dtype), wave)
    assert state.mu.dtype == dtype
    assert set(np.unique(exact)) == {-1.0, 1.0}
    np.testing.assert_array_equal(updates, exact)
