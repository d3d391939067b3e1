"""Float32 keeps what float64 knows, over 20,000 steps and for b2 next to 1."""

import json
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from catalogue import ROWS

import optax_extra as ox

REFERENCE = pathlib.Path(__file__).parent / "reference"
RECTIFICATION = json.loads(
    (REFERENCE / "rectification.json").read_text(encoding="utf-8")
)
EPS = np.finfo(np.float32).eps
GRADIENTS = np.random.default_rng(0).normal(size=(20_000, 16)).astype(np.float32)


def updates(recipe, dtype, b2, gradients=GRADIENTS):
    """The updates of every step on the same gradients: [steps, leaf size]."""
    gradients = jnp.asarray(gradients, dtype)
    optimizer = recipe(1.0, b2=b2)

    def step(state, gradient):
        return optimizer.update(gradient, state)[::-1]

    return np.asarray(jax.lax.scan(step, optimizer.init(gradients[0]), gradients)[1])


@pytest.mark.parametrize("b2", [0.999, 0.9999, 0.99999])
@pytest.mark.parametrize("name", ["radam", "adabelief", "adaderivative"])
def test_stays_within_64_eps_of_float64(name, b2, request):
    """The largest |u - u64| over the largest |u64| of the step; Optax's is printed."""
    recipes = {
        library.__name__: getattr(library, name)
        for library in (ox, optax)
        if hasattr(library, name)
    }
    single = {who: updates(recipes[who], np.float32, b2) for who in recipes}
    request.getfixturevalue("x64")
    double = {who: updates(recipes[who], np.float64, b2) for who in recipes}
    errors = {}
    for who in recipes:
        assert (single[who].dtype, double[who].dtype) == (np.float32, np.float64)
        error = np.abs(single[who] - double[who]).max(axis=1)
        errors[who] = error / np.abs(double[who]).max(axis=1) / EPS
        worst = errors[who].argmax()
        print(f"{who}.{name}, b2={b2}: {errors[who][worst]:.3g} eps, step {worst + 1}")
    assert errors["optax_extra"].max() <= 64


@pytest.mark.parametrize(
    "name",
    [
        "scale_by_adam-default",
        "scale_by_adam-nesterov",
        "scale_by_adam-amsgrad",
        "scale_by_belief-default",
        "scale_by_belief-amsgrad",
        "scale_by_derivative-default",
        "scale_by_derivative-amsgrad",
        "radam",
        "adabelief-rectified",
        "adaderivative-rectified",
        "adamd",
        "adam_2k",
    ],
)
def test_a_square_that_overflows_saturates(name, x64):
    """One gradient of 1e20 among normal ones: all stays finite, and steps bounded.

    The root of the second moment is that of the largest float instead of the gradient,
    so that steps are too long by the ratio of the two, 5.4, and never shorter.
    """
    (row,) = (row for row in ROWS if row.name == name)
    at, spike = 10, 1e20
    gradients = np.abs(GRADIENTS[:100, :4])
    gradients[at] = spike
    single, double = (
        updates(lambda rate, b2: row.optimizer(rate, b2=b2), dtype, 0.999, gradients)
        for dtype in (np.float32, np.float64)
    )
    assert np.isfinite(single).all()
    ratio = single[at:] / double[at:]
    assert ratio.min() >= 1 - 64 * EPS
    assert ratio.max() <= spike / np.sqrt(np.finfo(np.float32).max) * (1 + 64 * EPS)


@pytest.mark.parametrize("b2", [0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999])
def test_a_square_that_overflows_at_once_saturates(b2):
    """The bias of the second moment, divided out, does not overflow once more."""
    (step,) = updates(
        lambda _, b2: ox.scale_by_adam(b2=b2), np.float32, b2, np.full((1, 1), 1e20)
    )
    saturated = np.sqrt(np.finfo(np.float32).max)
    np.testing.assert_allclose(step, 1e20 / saturated, rtol=64 * EPS)


def assert_rectification(dtype, tolerance):
    steps = jnp.array(RECTIFICATION["steps"])
    for row in RECTIFICATION["betas"]:
        expected = np.array([0.0 if r is None else r for r in row["exact"]])
        seen = np.asarray(ox.rectification_term(row["beta2"], steps))
        assert seen.dtype == dtype
        np.testing.assert_array_equal(seen > 0, expected > 0)
        np.testing.assert_allclose(seen, expected, rtol=tolerance)


def test_rectification_term_in_float64(x64):
    assert_rectification(np.float64, 1e-9)


def test_rectification_term_in_float32():
    assert_rectification(np.float32, 5e-7)
