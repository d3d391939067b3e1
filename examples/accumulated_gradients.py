"""Four small batches make one step of Ranger: `optax.MultiSteps` goes around it.

So everything inside counts steps, not batches: the schedule, the rectification term and
Lookahead's period. The params are those of batches four times as large, but for
rounding.

Run: pip install '.[flax]' && python examples/accumulated_gradients.py
"""

import jax
import numpy as np
import optax
from _digits import STEPS, accuracy, batches, init, loss

import optax_extra

EPOCHS, PARTS = 10, 4


def train(optimizer, parts):
    @jax.jit
    def update(params, state, batch):
        gradients = jax.grad(loss)(params, *batch)
        updates, state = optimizer.update(gradients, state, params)
        return optax.apply_updates(params, updates), state

    params = init(jax.random.key(0))
    state = optimizer.init(params)
    for images, labels in batches(EPOCHS):
        for part in zip(np.split(images, parts), np.split(labels, parts), strict=True):
            params, state = update(params, state, part)
    return params, state


def main() -> None:
    schedule = optax.cosine_decay_schedule(3e-2, EPOCHS * STEPS)  # in steps
    ranger = optax_extra.ranger(schedule)
    accumulating = optax.MultiSteps(ranger, every_k_schedule=PARTS)
    whole, _ = train(ranger, 1)
    params, state = train(accumulating, PARTS)
    slow = optax_extra.slow_params(state, params)
    print(f"{EPOCHS * STEPS * PARTS} batches, {state.gradient_step} steps")
    print(f"test accuracy {accuracy(params):.3f}, slow {accuracy(slow):.3f}, ", end="")
    print(f"of batches four times as large {accuracy(whole):.3f}")
    apart = optax.tree.norm(optax.tree.sub(params, whole)) / optax.tree.norm(whole)
    print(f"params apart by {apart:.1e} of their length")


if __name__ == "__main__":
    main()
