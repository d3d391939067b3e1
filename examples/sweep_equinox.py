"""The sweep of `sweep_flax.py` with an Equinox model.

Run: pip install '.[flax]' equinox && python examples/sweep_equinox.py [OUT]
"""

import sys
from pathlib import Path

import equinox as eqx
import jax
import optax
from _digits import TEST
from sweep_flax import BATCHES, compare


def train(make_optimizer, learning_rate, key):
    optimizer = make_optimizer(learning_rate)
    model = eqx.nn.MLP(64, 10, width_size=64, depth=1, key=key)
    params, static = eqx.partition(model, eqx.is_inexact_array)

    def predict(params, images):
        return jax.vmap(eqx.combine(params, static))(images)

    def loss(params, images, labels):
        logits = predict(params, images)
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()

    def step(carry, batch):
        params, state = carry
        updates, state = optimizer.update(jax.grad(loss)(params, *batch), state, params)
        return (eqx.apply_updates(params, updates), state), None

    (params, _), _ = jax.lax.scan(step, (params, optimizer.init(params)), BATCHES)
    images, labels = TEST
    return (predict(params, images).argmax(-1) == labels).mean()


if __name__ == "__main__":
    out = Path(*sys.argv[1:2] or ["sweep_equinox.png"])
    compare(train, "An Equinox network", out)
