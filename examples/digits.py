"""Rectified AdaBelief under Lookahead trains a small network on handwritten digits.

Run: pip install '.[flax]' && python examples/digits.py
"""

import flax.linen as nn
import jax
import numpy as np
import optax
from flax.training.train_state import TrainState
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import optax_extra

EPOCHS, BATCH = 15, 64


class Network(nn.Module):
    @nn.compact
    def __call__(self, images: jax.Array) -> jax.Array:
        hidden = nn.relu(nn.Conv(16, (3, 3))(images[..., None]))
        hidden = nn.relu(nn.Conv(32, (3, 3), strides=2)(hidden))
        return nn.Dense(10)(hidden.reshape(len(images), -1))


def loss_of(state: TrainState, params, images, labels):
    logits = state.apply_fn(params, images)
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


@jax.jit
def train_epoch(state: TrainState, batches):
    def step(state, batch):
        grad_of = jax.value_and_grad(loss_of, argnums=1)
        loss, gradients = grad_of(state, state.params, *batch)
        return state.apply_gradients(grads=gradients), loss

    return jax.lax.scan(step, state, batches)


@jax.jit
def accuracy(state: TrainState, params, images, labels):
    return (state.apply_fn(params, images).argmax(-1) == labels).mean()


def main() -> None:
    images, labels = load_digits(return_X_y=True)
    images = (images.reshape(-1, 8, 8) / 16).astype(np.float32)
    train, test, train_labels, test_labels = train_test_split(
        images, labels, test_size=0.2, random_state=0
    )
    steps = len(train) // BATCH  # in an epoch
    schedule = optax.warmup_cosine_decay_schedule(0, 1e-2, steps, EPOCHS * steps)
    optimizer = optax.chain(
        optax.clip_by_global_norm(1.0),
        optax_extra.adabelief(schedule, rectified=True),
        optax_extra.lookahead(sync_period=6, slow_step_size=0.5),
    )
    network = Network()
    params = network.init(jax.random.key(0), train[:1])
    state = TrainState.create(apply_fn=network.apply, params=params, tx=optimizer)

    shuffle = np.random.default_rng(0)
    for epoch in range(1, EPOCHS + 1):
        order = shuffle.permutation(len(train))[: steps * BATCH].reshape(steps, BATCH)
        state, losses = train_epoch(state, (train[order], train_labels[order]))
        if epoch % 5 == 0:
            slow = optax_extra.slow_params(state.opt_state, state.params)
            fast_accuracy = accuracy(state, state.params, test, test_labels)
            slow_accuracy = accuracy(state, slow, test, test_labels)
            print(f"epoch {epoch:2}  loss {losses.mean():.4f}  test accuracy", end="  ")
            print(f"fast {fast_accuracy:.3f}  slow {slow_accuracy:.3f}")


if __name__ == "__main__":
    main()
