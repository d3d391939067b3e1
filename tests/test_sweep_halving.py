"""Successive halving: fewer steps, the same winner."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from sklearn.datasets import load_digits
from test_bad_input import refuses

from optax_extra import adabelief, radam, sweep
from surfaces import SURFACES

A = jnp.arange(1.0, 28.0)


def start(a: Any) -> Any:
    return a


def grow(carry: Any, a: Any) -> Any:
    return carry + a, carry


@pytest.mark.parametrize("batch_size", [None, 1, 4, 40])
def test_points_are_dropped_between_rounds(batch_size: int | None) -> None:
    """27 points for 5 steps, 9 for 15, 3 for 45; a point's value is its last one."""
    result = sweep(
        (start, grow), {"a": A}, steps=45, halving=(3, 1 / 3), batch_size=batch_size
    )
    steps = np.repeat([45, 15, 5], [3, 6, 18])
    np.testing.assert_array_equal(result.steps, steps)
    np.testing.assert_array_equal(result.values, steps * A)
    # The survivors' values have grown most, and win all the same.
    assert result.best(lambda values: values) == {"a": 1.0}
    tops = result.top(9, lambda values: values)
    assert [point["a"] for point in tops] == [1.0, 2.0, 3.0]


def test_without_halving_all_run_to_the_end() -> None:
    result = sweep((start, grow), {"a": A}, steps=7)
    np.testing.assert_array_equal(result.values, 7 * A)
    assert (result.steps == 7).all()


def test_divergent_points_drop_first() -> None:
    def step(carry: Any, a: Any) -> Any:
        return carry, jnp.where(a > 3, jnp.where(a > 20, -jnp.inf, jnp.nan), 100 - a)

    result = sweep((start, step), {"a": A}, steps=9, halving=(3, 1 / 3))
    assert result.best(lambda values: values) == {"a": 3.0}
    assert result.diverged.sum() == 24


def test_all_diverged() -> None:
    result = sweep(
        (start, lambda carry: (carry, jnp.nan)), {"a": A}, steps=9, halving=(2, 1 / 3)
    )
    assert result.diverged.all()
    with refuses(ValueError, "got no finite value in 27 points (all diverged)"):
        result.best(lambda values: values)


def test_dropped_points_do_not_win_when_all_others_diverged() -> None:
    def step(carry: Any, a: Any) -> Any:
        return carry + 1, jnp.where(carry >= 3, jnp.nan, a)

    result = sweep((lambda a: 0 * a, step), {"a": A}, steps=9, halving=(2, 1 / 3))
    assert result.diverged.sum() == 9
    with refuses(ValueError, "got no finite value in 27 points (all diverged)"):
        result.best(lambda values: values)


def test_values_may_hold_keys() -> None:
    keys = jax.random.split(jax.random.key(0), 4)

    def step(carry: Any) -> Any:
        return carry, {"key": carry, "loss": jax.random.uniform(carry)}

    result = sweep(
        (lambda key: key, step),
        {"key": keys},
        steps=4,
        halving=(2, 0.5),
        score=lambda values: values["loss"],
    )
    assert (result.values["key"] == keys).all()
    losses = jax.vmap(jax.random.uniform)(keys)
    assert result.best(lambda v: v["loss"]) == {"key": keys[losses.argmin()]}


def test_carry_of_python_numbers() -> None:
    result = sweep((lambda a: 0, lambda c, a: (c + a, c)), {"a": A}, steps=3)
    np.testing.assert_array_equal(result.values, 2 * A)


def test_mean_over_seeds_has_the_fewest_steps() -> None:
    def init(a: Any, seed: Any) -> Any:
        return a + jax.random.uniform(seed)

    seeds = jax.random.split(jax.random.key(0), 2)
    result = sweep(
        (init, lambda carry: (carry, {"loss": carry})),
        {"a": A, "seed": seeds},
        steps=9,
        halving=(2, 0.1),
        score=lambda values: values["loss"],
    )
    averaged = result.mean("seed")
    np.testing.assert_array_equal(averaged.steps, result.steps.min(axis=1))
    assert averaged.best(lambda values: values["loss"]) == {"a": 1.0}
    assert result.best(lambda values: values["loss"].mean(-1)) == {"a": 1.0}


def share_of_steps(result: Any) -> float:
    return float(result.steps.sum() / (result.steps.size * result.steps.max()))


@pytest.mark.parametrize("name", ["rosenbrock", "sphere", "rastrigin"])
def test_finds_the_best_rate_on_a_surface_in_a_third_of_the_steps(name: str) -> None:
    surface = SURFACES[name]

    def init(learning_rate: Any) -> Any:
        position = jnp.array(surface.start)
        return position, adabelief(learning_rate).init(position)

    def step(carry: Any, learning_rate: Any) -> Any:
        position, state = carry
        gradient = jax.grad(surface)(position)
        updates, state = adabelief(learning_rate).update(gradient, state, position)
        position = optax.apply_updates(position, updates)
        return (position, state), surface(position)

    axes = {"learning_rate": jnp.logspace(-4, 0, 27)}
    whole = sweep((init, step), axes, steps=90)
    halved = sweep((init, step), axes, steps=90, halving=(4, 1 / 2))
    assert share_of_steps(halved) < 1 / 3
    assert halved.best(lambda v: v) == whole.best(lambda v: v)


def test_finds_the_best_rate_for_the_digits_in_a_third_of_the_steps() -> None:
    images, labels = load_digits(return_X_y=True)
    images, labels = jnp.float32(images[:512] / 16), jnp.int32(labels[:512])

    def init(learning_rate: Any) -> Any:
        first, second = jax.random.split(jax.random.key(0))
        params = {
            "hidden": jax.random.normal(first, (64, 32)) / 8,
            "out": jax.random.normal(second, (32, 10)) / 6,
        }
        return params, radam(learning_rate).init(params)

    def loss(params: Any) -> jax.Array:
        logits = jax.nn.relu(images @ params["hidden"]) @ params["out"]
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()

    def step(carry: Any, learning_rate: Any) -> Any:
        params, state = carry
        value, gradients = jax.value_and_grad(loss)(params)
        updates, state = radam(learning_rate).update(gradients, state, params)
        return (optax.apply_updates(params, updates), state), value

    axes = {"learning_rate": jnp.logspace(-4, 0, 9)}
    options: Any = {"steps": 45, "batch_size": 3}
    whole = sweep((init, step), axes, **options)
    halved = sweep((init, step), axes, halving=(3, 1 / 3), **options)
    assert share_of_steps(halved) < 1 / 3
    assert halved.best(lambda v: v) == whole.best(lambda v: v)


PAIR = start, grow


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {},
            TypeError,
            "sweep: steps must come with a pair (init, step), got none",
        ),
        ({"steps": 0}, ValueError, "sweep: steps must be at least 1, got 0"),
        (
            {"steps": 9, "halving": 3},
            TypeError,
            "sweep: halving must be a pair (rounds, fraction), got 3",
        ),
        (
            {"steps": 9, "halving": (0, 0.5)},
            ValueError,
            "sweep: the rounds of halving must be at least 1, got 0",
        ),
        (
            {"steps": 9, "halving": (2, 1.5)},
            ValueError,
            "sweep: the fraction of halving must be in (0, 1), got 1.5",
        ),
        (
            {"steps": 9, "halving": (2, 0.0)},
            ValueError,
            "sweep: the fraction of halving must be in (0, 1), got 0.0",
        ),
        (
            {"steps": 9, "halving": (5, 0.1)},
            ValueError,
            "sweep: steps must be enough for 5 rounds of a fraction 0.1, got 9",
        ),
        (
            {"steps": 9, "score": lambda values: values},
            ValueError,
            "sweep: score must come with halving, got ",
        ),
        (
            {"steps": 9, "halving": (2, 0.5), "score": lambda values: values.mean()},
            ValueError,
            "sweep: score must give one number a point, of shape (27,), got ()",
        ),
        (
            {"steps": 9, "halving": (2, 0.5), "score": "loss"},
            TypeError,
            "sweep: score must be a function, got 'loss'",
        ),
        (
            {"steps": 9, "halving": (2, 0.5), "score": lambda values: {"loss": values}},
            TypeError,
            "sweep: score must give one number a point, got PyTreeDef({'loss': *})",
        ),
    ],
)
def test_bad_options(options: Any, error: type[Exception], message: str) -> None:
    """Before a step is made."""

    def step(carry: Any, a: Any) -> Any:
        jax.debug.callback(lambda: made.append(1))
        return grow(carry, a)

    made: list[int] = []
    with refuses(error, message):
        sweep((start, step), {"a": A}, **options)
    jax.effects_barrier()
    assert made == []


@pytest.mark.parametrize("name", ["steps", "halving", "score"])
def test_options_of_a_pair_alone(name: str) -> None:
    with refuses(
        ValueError, f"sweep: {name} must come with a pair (init, step), got 1"
    ):
        sweep(lambda a: a, {"a": A}, **{name: 1})


def test_step_that_returns_no_pair() -> None:
    with refuses(ValueError, "sweep: step must return a pair of carry and values"):
        sweep((start, lambda carry: carry), {"a": A}, steps=3)


def test_axis_that_neither_takes() -> None:
    with refuses(ValueError, "sweep: axes must be arguments of train ('a',), got 'b'"):
        sweep(PAIR, {"a": A, "b": A}, steps=3)
