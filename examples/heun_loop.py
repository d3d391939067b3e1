"""Heun's method in a training loop: two updates on every batch.

A step of Heun's follows the gradient flow of its batch, as do two steps of gradient
descent that are half as long. Which strays less, for the same number of gradients?

Run: pip install '.[flax]' && python examples/heun_loop.py
"""

import jax
import optax
from _digits import accuracy, batches, init, loss

import optax_extra


def train(optimizer, updates_a_batch):
    @jax.jit
    def update(params, state, batch):
        gradients = jax.grad(loss)(params, *batch)
        updates, state = optimizer.update(gradients, state, params)
        return optax.apply_updates(params, updates), state

    params = init(jax.random.key(0))
    state = optimizer.init(params)
    for batch in batches(epochs=2):
        for _ in range(updates_a_batch):  # each with the gradient at the params of now
            params, state = update(params, state, batch)
    return params


def distance(params, others):
    return optax.tree.norm(optax.tree.sub(params, others))


def main() -> None:
    for rate in 0.1, 0.2, 0.4, 0.8:
        flow = train(optax_extra.heun(rate / 10), 2 * 10)
        descent = train(optax.sgd(rate / 2), 2)
        heun = train(optax_extra.heun(rate), 2)
        print(f"rate {rate}  test accuracy {accuracy(heun):.3f}", end="")
        print(f"  from the flow: descent {distance(descent, flow):.4f}", end="")
        print(f"  Heun {distance(heun, flow):.4f}")


if __name__ == "__main__":
    main()
