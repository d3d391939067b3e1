"""Training that saves itself every few steps, for `test_training_checkpoints` to kill.

Run: python tests/interrupted_training.py FOLDER [STEP_OF_DEATH]
"""

import os
import signal
import sys

import jax
import jax.numpy as jnp
import optax
import orbax.checkpoint
from flax import linen
from flax.training.train_state import TrainState

import optax_extra

STEPS, SAVE_EVERY = 16, 4
NETWORK = linen.Sequential([linen.Dense(16), linen.relu, linen.Dense(3)])
OPTIMIZERS = {
    "adabelief": optax_extra.adabelief(1e-2, rectified=True, weight_decay=0.1),
    "adaderivative": optax_extra.adaderivative(1e-2, moving_average="dema"),
    "radam": optax_extra.radam(optax.cosine_decay_schedule(1e-2, STEPS)),
    "lion": optax_extra.lion(1e-3),
    "ranger": optax_extra.ranger(1e-2, sync_period=5),  # not that of the saves
}


@jax.jit
def start() -> dict[str, TrainState]:
    params = NETWORK.init(jax.random.key(0), jnp.ones((1, 8)))
    return {
        name: TrainState.create(apply_fn=NETWORK.apply, params=params, tx=optimizer)
        for name, optimizer in OPTIMIZERS.items()
    }


@jax.jit
def train_step(states: dict[str, TrainState], step: int) -> dict[str, TrainState]:
    """One step of each optimizer on the step's own batch."""
    key = jax.random.fold_in(jax.random.key(1), step)
    inputs = jax.random.normal(key, (32, 8))
    labels = jnp.abs(inputs[:, :3]).argmax(-1)

    def loss(params: optax.Params) -> jax.Array:
        logits = NETWORK.apply(params, inputs)
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()

    return {
        name: state.apply_gradients(grads=jax.grad(loss)(state.params))
        for name, state in states.items()
    }


def main(folder: str, step_of_death: int = 0) -> None:
    states = start()
    with orbax.checkpoint.CheckpointManager(folder) as manager:
        saved = manager.latest_step() or 0
        print(f"from step {saved}")
        if saved:
            target = orbax.checkpoint.args.StandardRestore(states)
            states = manager.restore(saved, args=target)
        for step in range(saved + 1, STEPS + 1):
            states = train_step(states, step)
            if step == step_of_death:
                os.kill(os.getpid(), signal.SIGKILL)
            if step % SAVE_EVERY == 0:
                manager.save(step, args=orbax.checkpoint.args.StandardSave(states))
                manager.wait_until_finished()


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
