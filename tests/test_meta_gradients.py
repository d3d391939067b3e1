"""Gradients through 20 steps of an optimizer, by its own hyperparameters."""

import functools
import inspect

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from catalogue import RECIPES

# Where the loss after training is smooth in every number, and adabc clips some of the
# steps on either side. Lion's sign is flat in b1 and b2: its slopes there are zero.
NUMBERS = {
    "adabelief": {"b1": 0.9, "b2": 0.99, "eps": 1e-3},
    "adaderivative": {"b1": 0.9, "b2": 0.99, "eps": 1e-3},
    "adabc": {"b1": 0.9, "b2": 0.99, "eps": 1e-3, "lower": 0.6, "upper": 1.1},
    "adamd": {"b1": 0.9, "b2": 0.99, "eps": 1e-3},
    "adabelief-rectified": {"b1": 0.9, "b2": 0.99, "eps": 1e-3},
    "adaderivative-rectified": {"b1": 0.9, "b2": 0.99, "eps": 1e-3},
    "adam_2k": {"b1": 0.9, "b2": 0.99, "eps": 1e-3},
    "radam": {"b1": 0.9, "b2": 0.99, "eps": 1e-3},
    "ranger": {"b1": 0.9, "b2": 0.99, "eps": 1e-3, "slow_step_size": 0.4},
    "heun": {"weight_decay": 0.1},
    "lion": {"b1": 0.9, "b2": 0.99, "weight_decay": 0.1},
}
ROWS = {row.name: row for row in RECIPES}

every_recipe = pytest.mark.parametrize("name", NUMBERS)


def loss(params):
    """Half of the leaves have gradients that are zero throughout."""
    return jnp.sum((params["moves"] - np.array([1.0, -2.0, 0.5])) ** 2)


def loss_after(name, numbers):
    optimizer = ROWS[name].optimizer(**numbers)
    params = {"moves": jnp.array([0.1, 0.3, -0.2]), "still": jnp.ones(2)}

    def step(carry, _):
        params, state = carry
        updates, state = optimizer.update(jax.grad(loss)(params), state, params)
        return (optax.apply_updates(params, updates), state), None

    (params, _), _ = jax.lax.scan(step, (params, optimizer.init(params)), length=20)
    return loss(params) + jnp.sum(params["still"] ** 2)


def central_slope(function, numbers, name, width=1e-4):
    """The central difference of fourth order by one of the numbers."""

    def difference(width):
        low, high = (
            function(numbers | {name: numbers[name] * factor})
            for factor in (1 - width, 1 + width)
        )
        return (high - low) / (2 * width * numbers[name])

    return (4 * difference(width) - difference(2 * width)) / 3


@every_recipe
def test_equals_central_differences(name, x64):
    numbers = {"learning_rate": 0.05, **NUMBERS[name]}
    function = jax.jit(functools.partial(loss_after, name))
    gradient = jax.grad(function)(numbers)
    for key in numbers:
        # A loss of about 10, rounded at 1e-15, over 1e-4 · 1e-3, the least width: 1e-7.
        expected = central_slope(function, numbers, key)
        np.testing.assert_allclose(gradient[key], expected, rtol=1e-6, atol=1e-7)


def slope_from_zero(function, width=3e-5):
    """The one-sided difference of third order at zero."""
    values = np.array([function(step * width) for step in range(4)])
    return values @ [-11, 18, -9, 2] / (6 * width)


@pytest.mark.parametrize(
    ("name", "decay"),
    [(name, d) for name in NUMBERS for d in ("b1", "b2") if d in NUMBERS[name]],
)
def test_at_a_decay_rate_of_zero(name, decay, x64):
    """A traced zero is the static one, and 1 - b^t has a slope there at t = 1.

    With a large eps and eps_root, since AdaBelief's residual at b1 = 0 is zero.
    """
    large = {"learning_rate": 0.05, "eps": 1.0, "eps_root": 1.0}
    numbers = {k: v for k, v in large.items() if k in ROWS[name].parameters}

    def function(value):
        return loss_after(name, {**numbers, decay: value})

    value, gradient = jax.jit(jax.value_and_grad(function))(0.0)
    np.testing.assert_allclose(value, jax.jit(lambda: function(0.0))(), rtol=1e-12)
    # A loss of about 10, rounded at 1e-15 and weighted by 40 / (6 w): 2e-10; and w^3.
    expected = slope_from_zero(jax.jit(function))
    np.testing.assert_allclose(gradient, expected, rtol=1e-8, atol=1e-9)


@every_recipe
def test_is_finite_at_the_defaults(name):
    """By the learning rate and by every number that has a default."""
    parameters = inspect.signature(ROWS[name].factory).parameters.values()
    defaults = {p.name: p.default for p in parameters if isinstance(p.default, float)}
    numbers = {"learning_rate": 0.05, **defaults}
    gradient = jax.jit(jax.grad(functools.partial(loss_after, name)))(numbers)
    assert NUMBERS[name].keys() <= gradient.keys()
    for key, value in gradient.items():
        assert np.isfinite(value), key
