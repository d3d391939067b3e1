"""Every hyperparameter of every part and recipe can be an axis."""

from collections.abc import Callable
from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from catalogue import RATE, ROWS, Row

from optax_extra import radam, sweep

STEPS = 6
START = jnp.array([1.0, -2.0, 0.5])


def train(
    optimizer: optax.GradientTransformation,
) -> chex.ArrayTree:
    """The way in a bowl that is steep in one direction, and upside down at times."""

    def step(carry: Any, turn: Any) -> tuple[Any, chex.Array]:
        params, state = carry
        updates, state = optimizer.update(params * scale * turn, state, params)
        params = optax.apply_updates(params, updates)
        return (params, state), params

    start = START.astype(float)
    scale = jnp.array([1.0, 3.0, 10.0], dtype=float)
    turns = jnp.where(jnp.arange(STEPS) % 2 == 0, 1.0, -0.7)
    return jax.lax.scan(step, (start, optimizer.init(start)), turns)[1]


def one_at_a_time(row: Row) -> dict[str, list[float]]:
    """Points that each move one argument away from where the others rest."""
    rest = {name: values[0] for name, values in row.numeric.items()}
    rest["learning_rate"] = RATE
    moved = {**row.numeric, "learning_rate": (0.5 * RATE, RATE)}
    points = [{**rest, name: v} for name, values in moved.items() for v in values]
    return {name: [point[name] for point in points] for name in rest}


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_sweep_equals_single_runs(row: Row, x64: None) -> None:
    axes = one_at_a_time(row)

    def run(**point: Any) -> Any:
        return train(row.optimizer(**point))

    swept = sweep(run, axes, zipped=True)
    single = jax.jit(run)
    for i in range(len(axes["learning_rate"])):
        point = {name: jnp.asarray(values)[i] for name, values in axes.items()}
        np.testing.assert_allclose(swept.values[i], single(**point), rtol=1e-12)
    # Arguments make a difference, so that this compares what it is about.
    rest = swept.values[-1]
    differs = {
        name
        for name, values in axes.items()
        for i, value in enumerate(values)
        if value != values[-1] and (swept.values[i] != rest).any()
    }
    assert differs - {"learning_rate"} or set(axes) == {"learning_rate"}


def peak(rate: Any) -> Any:
    """Optax's schedule compares its peak with 0 in Python, so the peak goes outside."""
    schedule = optax.warmup_cosine_decay_schedule(0.0, 1.0, 2, STEPS)
    return lambda count: rate * schedule(count)


@pytest.mark.parametrize(
    "optimizer",
    [lambda rate: radam(peak(rate)), lambda rate: optax.adam(peak(rate))],
    ids=["ours", "optax"],
)
def test_peak_of_a_schedule(optimizer: Callable[..., Any], x64: None) -> None:
    def run(rate: Any) -> Any:
        return train(optimizer(rate))

    rates = jnp.logspace(-3, 0, 4)
    swept = sweep(run, {"rate": rates})
    single = jax.jit(run)
    for i, rate in enumerate(rates):
        np.testing.assert_allclose(swept.values[i], single(rate), rtol=1e-12)
