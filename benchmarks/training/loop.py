"""One training, as a function of its hyperparameters that JAX can trace."""

from collections.abc import Callable
from typing import Any, NamedTuple

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from benchmarks.training.data import Dataset, Split
from benchmarks.training.optimizers import warmed, weights
from surfaces.racer import Racer

EVALUATED = 512  # examples at once

# Bins of log10 |gradient|; what lies outside is counted in the outermost.
BINS, LOWEST, HIGHEST = 64, -14.0, 2.0


class Task(NamedTuple):
    """What every optimizer is given to do.

    Attributes:
      data: what to learn.
      model: what learns it.
      epochs: how often it sees every training example.
      batch: examples a step.
    """

    data: Dataset
    model: nn.Module
    epochs: int
    batch: int

    @property
    def epoch_steps(self) -> int:
        """Steps of an epoch; examples that do not fill a batch wait for the next."""
        return len(self.data.train.labels) // self.batch

    def init(self, key: jax.Array) -> chex.ArrayTree:
        """The model's first params."""
        return self.model.init(key, self.data.decode(self.data.train.inputs[:1]))

    def scores(
        self, params: chex.ArrayTree, inputs: jax.Array, labels: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        """Cross entropy and whether the guess is right, each of the labels' shape."""
        logits = self.model.apply(params, self.data.decode(inputs))
        losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
        return losses, logits.argmax(-1) == labels


def trainer(
    task: Task, optimizer: Racer, *, gradients: bool = False
) -> Callable[..., dict[str, jax.Array]]:
    """A function of the learning rate and a seed, for `sweep`.

    Args:
      task: what to do.
      optimizer: who does it.
      gradients: whether to return the histogram of log10 |gradient| at every step.

    Returns:
      `train(learning_rate, seed, warmup=None)`, the warm-up in steps. It returns losses
      and accuracies: `loss` and `accuracy` `[epochs, steps]` of the batches trained on,
      `validation_loss` and `validation_accuracy` `[epochs]`, `test_accuracy` `[]` at
      the end, and `gradients` `[epochs, steps, BINS]`, if asked for.
    """

    def train(
        learning_rate: chex.Numeric, seed: jax.Array, warmup: chex.Numeric | None = None
    ) -> dict[str, jax.Array]:
        rate = learning_rate if warmup is None else warmed(learning_rate, warmup)
        made = optimizer(rate, task.epochs * task.epoch_steps)
        step = step_of(task, made, optimizer.gradients, histogram=gradients)
        key, shuffle = jax.random.split(seed)
        params = task.init(key)

        def epoch(carry: Any, key: jax.Array) -> tuple[Any, dict[str, jax.Array]]:
            train = task.data.train
            order = jax.random.permutation(key, len(train.labels))
            order = order[: task.epoch_steps * task.batch].reshape(-1, task.batch)
            carry, history = jax.lax.scan(
                lambda carry, batch: step(carry, *(leaf[batch] for leaf in train)),
                carry,
                order,
            )
            loss, accuracy = evaluate(task, weights(*carry), task.data.validation)
            validation = {"validation_loss": loss, "validation_accuracy": accuracy}
            return carry, history | validation

        (state, params), history = jax.lax.scan(
            epoch, (made.init(params), params), jax.random.split(shuffle, task.epochs)
        )
        _, accuracy = evaluate(task, weights(state, params), task.data.test)
        return history | {"test_accuracy": accuracy}

    return train


def step_of(
    task: Task,
    optimizer: optax.GradientTransformation,
    gradients: int = 1,
    *,
    histogram: bool = False,
) -> Callable[[Any, jax.Array, jax.Array], tuple[Any, dict[str, jax.Array]]]:
    """One step on one batch: as many gradients and updates as the optimizer needs."""

    def loss_of(params: Any, inputs: jax.Array, labels: jax.Array) -> Any:
        losses, right = task.scores(params, inputs, labels)
        return losses.mean(), right.mean()

    def step(carry: Any, inputs: jax.Array, labels: jax.Array) -> Any:
        state, params = carry
        seen = []
        for _ in range(gradients):
            measured, gradient = jax.value_and_grad(loss_of, has_aux=True)(
                params, inputs, labels
            )
            seen.append((measured, gradient))
            updates, state = optimizer.update(gradient, state, params)
            params = optax.apply_updates(params, updates)
        (loss, accuracy), gradient = seen[0]
        history = {"loss": loss, "accuracy": accuracy}
        if histogram:
            history["gradients"] = _histogram(gradient)
        return (state, params), history

    return step


def evaluate(
    task: Task, params: chex.ArrayTree, split: Split
) -> tuple[jax.Array, jax.Array]:
    """Mean loss and accuracy, in blocks of one size; the last is filled, uncounted."""
    count = len(split.labels)
    size = min(EVALUATED, count)
    places = jnp.arange(-(-count // size) * size).reshape(-1, size)

    def add(sums: jax.Array, block: jax.Array) -> tuple[jax.Array, None]:
        batch = (leaf[jnp.minimum(block, count - 1)] for leaf in split)
        scores = jnp.stack(task.scores(params, *batch)).reshape(2, size, -1).mean(-1)
        return sums + jnp.where(block < count, scores, 0.0).sum(-1), None

    sums, _ = jax.lax.scan(add, jnp.zeros(2), places)
    return sums[0] / count, sums[1] / count


def _histogram(gradient: chex.ArrayTree) -> jax.Array:
    """The share of the elements in each bin of log10 |gradient|."""
    flat = jnp.concatenate([leaf.ravel() for leaf in jax.tree.leaves(gradient)])
    places = (jnp.log10(jnp.abs(flat)) - LOWEST) * (BINS / (HIGHEST - LOWEST))
    inside = jnp.clip(jnp.nan_to_num(places), 0, BINS - 1).astype(int)
    return jnp.zeros(BINS).at[inside].add(1 / flat.size)
