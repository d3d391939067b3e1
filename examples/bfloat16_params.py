"""Params in bfloat16: what is stored in which precision, and which rates still move it.

AdaBelief's arithmetic is float32, its first moment has the dtype of params, its second
is float32. But params themselves have 8 bits: beside them a short update is nothing.

Run: pip install '.[flax]' && python examples/bfloat16_params.py
"""

import jax
import jax.numpy as jnp
import optax
from _digits import accuracy, batches, init, loss

import optax_extra

EPOCHS = 10


def train(rate, dtype):
    # Injected numbers take the dtype of params, in which b2=0.999 is 1, if not told.
    adabelief = optax.inject_hyperparams(
        optax_extra.adabelief, hyperparam_dtype=jnp.float32
    )
    optimizer = adabelief(rate)

    @jax.jit
    def step(params, state, batch):
        gradients = jax.grad(loss)(params, *batch)
        updates, state = optimizer.update(gradients, state, params)
        return optax.apply_updates(params, updates), state

    params = optax.tree.cast(init(jax.random.key(0)), dtype)
    state = optimizer.init(params)
    for batch in batches(EPOCHS):
        params, state = step(params, state, batch)
    return params, state


def main() -> None:
    for rate in 1e-2, 1e-3, 1e-4:
        for dtype in jnp.float32, jnp.bfloat16:
            params, state = train(rate, dtype)
            count = sum(leaf.size for leaf in jax.tree.leaves(params))
            stored, kept = (
                sum(leaf.nbytes for leaf in jax.tree.leaves(tree)) / count
                for tree in (params, state)
            )
            print(f"rate {rate:.4f}  {dtype.__name__:8}", end="")
            print(f"  bytes a parameter {stored:.0f}, of its state {kept:.0f}", end="")
            print(f"  test accuracy {accuracy(params):.3f}")


if __name__ == "__main__":
    main()
