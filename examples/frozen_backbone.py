"""A trained backbone, frozen, and a new head on it: `optax.partition`.

The network first learns pairs of digits (0 or 1, 2 or 3, ...). Then its first layer
rests and a new last layer learns all ten, kernel and bias each by a recipe of its own.

Run: pip install '.[flax]' && python examples/frozen_backbone.py
"""

import jax
import optax
from _digits import accuracy, batches, init, loss

import optax_extra

# A prefix of the tree of params: what stands for a layer stands for all its leaves.
PARTS = {"layers_0": "backbone", "layers_2": {"kernel": "kernel", "bias": "bias"}}
HEAD = optax.partition(
    {
        "backbone": optax.set_to_zero(),
        "kernel": optax_extra.adabelief(1e-2, weight_decay=1e-2),
        "bias": optax_extra.lion(1e-3, weight_decay=0.0),
    },
    {"params": PARTS},
)


def train(optimizer, params, epochs, task=lambda labels: labels):
    @jax.jit
    def step(params, state, images, labels):
        gradients = jax.grad(loss)(params, images, task(labels))
        updates, state = optimizer.update(gradients, state, params)
        return optax.apply_updates(params, updates), state

    state = optimizer.init(params)
    for images, labels in batches(epochs):
        params, state = step(params, state, images, labels)
    return params, state


def count(tree):
    return sum(leaf.size for leaf in jax.tree.leaves(tree))


def main() -> None:
    random = init(jax.random.key(0))
    pairs, _ = train(optax_extra.radam(3e-2), random, 10, lambda labels: labels // 2)
    for name, source in {"random": random, "trained": pairs}.items():
        backbone = source["params"]["layers_0"]
        start = {"params": {**random["params"], "layers_0": backbone}}
        params, state = train(HEAD, start, 3)
        moved = optax.tree.sub(params["params"]["layers_0"], backbone)
        print(f"{name:7} backbone  test accuracy {accuracy(params):.3f}", end="")
        print(f"  it moved by {optax.tree.norm(moved)}", end="")
        print(f"  {count(params)} params, {count(state)} numbers of state")


if __name__ == "__main__":
    main()
