"""A batch of NaN in the middle of training, with `optax.apply_if_finite` around."""

from typing import Any

import chex
import jax
import jax.numpy as jnp
import optax
import pytest
from catalogue import PARTS, RECIPES, Row
from flax import linen
from flax.training.train_state import TrainState

ROWS = RECIPES + [row for row in PARTS if row.part == "lookahead"]
BATCHES = [*jax.random.normal(jax.random.key(0), (10, 32, 4))]
BROKEN = BATCHES[0].at[7, 2].set(jnp.nan)
NETWORK = linen.Sequential([linen.Dense(8), linen.tanh, linen.Dense(1)])


def loss(params: optax.Params, batch: jax.Array) -> jax.Array:
    """The network learns the sum of its inputs."""
    errors = NETWORK.apply(params, batch)[:, 0] - batch.sum(-1)
    return jnp.mean(errors**2)


@jax.jit
def step(state: TrainState, batch: jax.Array) -> TrainState:
    return state.apply_gradients(grads=jax.grad(loss)(state.params, batch))


def train(state: TrainState, batches: list[jax.Array]) -> list[TrainState]:
    """The states before and after every batch."""
    return [state, *(state := step(state, batch) for batch in batches)]


def learnt(state: TrainState) -> Any:
    return state.params, state.opt_state.inner_state


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_broken_batch_is_as_if_it_had_never_come(row: Row) -> None:
    optimizer = optax.apply_if_finite(row.optimizer(), max_consecutive_errors=3)
    params = NETWORK.init(jax.random.key(1), BATCHES[0])
    start = TrainState.create(apply_fn=NETWORK.apply, params=params, tx=optimizer)
    start = start.replace(step=jnp.array(0))  # An int would be compiled separately.

    whole = train(start, BATCHES)
    broken = train(start, [*BATCHES[:5], BROKEN, *BATCHES[5:]])
    assert broken[6].opt_state.total_notfinite == 1
    chex.assert_trees_all_equal(learnt(broken[6]), learnt(broken[5]))
    chex.assert_trees_all_equal(learnt(broken[-1]), learnt(whole[-1]))
    assert loss(broken[-1].params, BATCHES[0]) < loss(params, BATCHES[0])
