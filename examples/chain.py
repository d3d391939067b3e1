"""Rectified AdaBelief in a chain of Optax's parts, with the rate of now printed.

Gradients are clipped, the rate warms up and falls along a cosine, kernels decay and
biases do not, and where the loss of an epoch is hardly lower, steps are halved.

Run: pip install '.[flax]' && python examples/chain.py
"""

import jax
import optax
import optax.contrib
from _digits import STEPS, accuracy, batches, init, loss

import optax_extra

EPOCHS = 20


def kernels(params):
    return jax.tree.map(lambda leaf: leaf.ndim > 1, params)


def main() -> None:
    total = EPOCHS * STEPS
    schedule = optax.warmup_cosine_decay_schedule(0, 5e-2, STEPS, total, 1e-2)
    # Injected numbers lie in the state, to be read. A function among them would be
    # taken for a schedule, so the mask has to be static.
    adabelief = optax.inject_hyperparams(optax_extra.adabelief, static_args="mask")
    optimizer = optax.chain(
        optax.clip_by_global_norm(1.0),
        adabelief(schedule, rectified=True, weight_decay=1e-2, mask=kernels),
        optax.contrib.reduce_on_plateau(
            factor=0.5, patience=1, rtol=0.02, accumulation_size=STEPS
        ),
    )

    @jax.jit
    def step(params, state, batch):
        value, gradients = jax.value_and_grad(loss)(params, *batch)
        updates, state = optimizer.update(gradients, state, params, value=value)
        return optax.apply_updates(params, updates), state

    params = init(jax.random.key(0))
    state = optimizer.init(params)
    for i, batch in enumerate(batches(EPOCHS), start=1):
        params, state = step(params, state, batch)
        if i % (2 * STEPS) == 0:
            _, injected, plateau = state
            rate = injected.hyperparams["learning_rate"]
            print(
                f"epoch {i // STEPS:2}  rate {rate:.4f} * {plateau.scale:.2f}", end=""
            )
            print(f"  best loss {plateau.best_value:.4f}", end="")
            print(f"  test accuracy {accuracy(params):.3f}")


if __name__ == "__main__":
    main()
