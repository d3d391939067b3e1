"""States survive a checkpoint, and training the death of its process."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import chex
import interrupted_training
import jax
import jax.numpy as jnp
import orbax.checkpoint
import pytest
from catalogue import RECIPES, ROWS, Row
from flax import linen, nnx
from flax.training.train_state import TrainState

import optax_extra


def through_orbax(folder: Path, tree: Any, target: Any) -> Any:
    """`tree` saved, and restored as a tree like `target`."""
    with orbax.checkpoint.StandardCheckpointer() as checkpointer:
        checkpointer.save(folder / "state", tree)
        checkpointer.wait_until_finished()
        return checkpointer.restore(folder / "state", target)


def assert_same(actual: chex.ArrayTree, expected: chex.ArrayTree) -> None:
    chex.assert_trees_all_equal(actual, expected, strict=True)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_train_state_through_orbax(row: Row, tmp_path: Path) -> None:
    network, inputs = linen.Dense(3), jnp.ones((2, 4))
    fresh = TrainState.create(
        apply_fn=network.apply,
        params=network.init(jax.random.key(0), inputs),
        tx=row.optimizer(),
    )
    state = fresh
    for _ in range(3):
        state = state.apply_gradients(grads=state.params)
    restored = through_orbax(tmp_path, state, fresh)
    assert_same(restored, state)
    assert_same(
        restored.apply_gradients(grads=state.params),
        state.apply_gradients(grads=state.params),
    )


@pytest.mark.parametrize("row", RECIPES, ids=str)
def test_nnx_optimizer_through_orbax(row: Row, tmp_path: Path) -> None:
    def start(seed: int) -> tuple[nnx.Linear, nnx.Optimizer]:
        model = nnx.Linear(4, 3, rngs=nnx.Rngs(seed))
        return model, nnx.Optimizer(model, row.optimizer(), wrt=nnx.Param)

    pair, other = start(0), start(1)
    for _ in range(3):
        pair[1].update(pair[0], nnx.state(pair[0]))
    nnx.update(other, through_orbax(tmp_path, nnx.state(pair), nnx.state(other)))
    for model, optimizer in pair, other:
        optimizer.update(model, nnx.state(model))
    assert_same(nnx.state(other), nnx.state(pair))


def test_checkpoint_of_another_optimizer_is_refused(tmp_path: Path) -> None:
    params = jnp.ones(3)
    saved, wanted = (
        make(0.1).init(params) for make in (optax_extra.radam, optax_extra.adabelief)
    )
    with pytest.raises(ValueError, match="structure"):
        through_orbax(tmp_path, saved, wanted)


def run_training(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """A process that trains, from where the one before it had got to."""
    script = Path(interrupted_training.__file__)
    return subprocess.run(
        [sys.executable, "-u", script, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(script.parents[1])},
    )


def test_killed_training_ends_as_if_undisturbed(tmp_path: Path) -> None:
    states = interrupted_training.start()
    for step in range(1, interrupted_training.STEPS + 1):
        states = interrupted_training.train_step(states, step)
    first = run_training(tmp_path, "10")
    assert (first.stdout, first.returncode) == ("from step 0\n", -signal.SIGKILL)
    second = run_training(tmp_path)
    assert (second.stdout, second.returncode) == ("from step 8\n", 0)
    with orbax.checkpoint.CheckpointManager(tmp_path) as manager:
        target = orbax.checkpoint.args.StandardRestore(states)
        restored = manager.restore(interrupted_training.STEPS, args=target)
    assert_same(restored, states)
