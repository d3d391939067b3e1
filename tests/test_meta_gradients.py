"""Gradients through 20 steps of an optimizer, by its own hyperparameters."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import optax_extra as ox

# Where the loss after training is smooth in every number, and adabc clips some of the
# steps on either side. Lion's sign is flat in b1 and b2: its slopes there are zero.
NUMBERS = {
    "adabelief": {"b1": 0.9, "b2": 0.99, "eps": 1e-3},
    "adaderivative": {"b1": 0.9, "b2": 0.99, "eps": 1e-3},
    "adabc": {"b1": 0.9, "b2": 0.99, "eps": 1e-3, "lower": 0.6, "upper": 1.1},
    "adamd": {"b1": 0.9, "b2": 0.99, "eps": 1e-3},
    "radam": {"b1": 0.9, "b2": 0.99, "eps": 1e-3},
    "lion": {"b1": 0.9, "b2": 0.99, "weight_decay": 0.1},
}


def loss(params):
    """Half of the leaves have gradients that are zero throughout."""
    return jnp.sum((params["moves"] - np.array([1.0, -2.0, 0.5])) ** 2)


def loss_after(recipe, numbers):
    optimizer = recipe(**numbers)
    params = {"moves": jnp.array([0.1, 0.3, -0.2]), "still": jnp.ones(2)}

    def step(carry, _):
        params, state = carry
        updates, state = optimizer.update(jax.grad(loss)(params), state, params)
        return (optax.apply_updates(params, updates), state), None

    (params, _), _ = jax.lax.scan(step, (params, optimizer.init(params)), length=20)
    return loss(params) + jnp.sum(params["still"] ** 2)


def slope(function, numbers, name, width=1e-4):
    """The central difference of fourth order by one of the numbers."""

    def difference(width):
        low, high = (
            function(numbers | {name: numbers[name] * factor})
            for factor in (1 - width, 1 + width)
        )
        return (high - low) / (2 * width * numbers[name])

    return (4 * difference(width) - difference(2 * width)) / 3


@pytest.mark.parametrize("name", NUMBERS)
def test_equals_central_differences(name, x64):
    numbers = {"learning_rate": 0.05, **NUMBERS[name]}
    function = jax.jit(lambda numbers: loss_after(getattr(ox, name), numbers))
    gradient = jax.grad(function)(numbers)
    for key in numbers:
        # A loss of about 10, rounded at 1e-15, over 1e-4 · 1e-3, the least width: 1e-7.
        expected = slope(function, numbers, key)
        np.testing.assert_allclose(gradient[key], expected, rtol=1e-6, atol=1e-7)


def gradient_at_defaults(recipe):
    """The gradient by the learning rate and by every number that has a default."""
    parameters = inspect.signature(recipe).parameters.values()
    defaults = {p.name: p.default for p in parameters if isinstance(p.default, float)}
    numbers = {"learning_rate": 0.05, **defaults}
    return jax.jit(jax.grad(lambda numbers: loss_after(recipe, numbers)))(numbers)


@pytest.mark.parametrize("name", NUMBERS)
def test_is_finite_at_the_defaults(name):
    gradient = gradient_at_defaults(getattr(ox, name))
    assert {"learning_rate", "b1", "b2"} <= set(gradient)
    for key, value in gradient.items():
        assert np.isfinite(value), key
