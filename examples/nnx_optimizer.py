"""Ranger in Flax's nnx: the fast weights are trained, the slow ones are evaluated.

Run: pip install '.[flax]' && python examples/nnx_optimizer.py
"""

import optax
from _digits import STEPS, TEST, batches
from flax import nnx

import optax_extra

EPOCHS = 16


class Network(nnx.Module):
    def __init__(self, rngs: nnx.Rngs):
        self.hidden = nnx.Linear(64, 64, rngs=rngs)
        self.logits = nnx.Linear(64, 10, rngs=rngs)

    def __call__(self, images):
        return self.logits(nnx.relu(self.hidden(images)))


def loss(network, images, labels):
    logits = network(images)
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


@nnx.jit
def step(network, optimizer, batch):
    value, gradients = nnx.value_and_grad(loss)(network, *batch)
    optimizer.update(network, gradients)
    return value


@nnx.jit
def accuracy(network, images, labels):
    return (network(images).argmax(-1) == labels).mean()


def slow(network, optimizer):
    """A copy of the network with Lookahead's weights."""
    copy = nnx.clone(network)
    params = nnx.state(network, nnx.Param)
    nnx.update(copy, optax_extra.slow_params(optimizer.opt_state, params))
    return copy


def main() -> None:
    network = Network(nnx.Rngs(0))
    ranger = optax_extra.ranger(3e-2, sync_period=5, slow_step_size=0.5)
    optimizer = nnx.Optimizer(network, ranger, wrt=nnx.Param)
    for i, batch in enumerate(batches(EPOCHS), start=1):
        value = step(network, optimizer, batch)
        if i % (4 * STEPS) == 0:
            print(f"epoch {i // STEPS:2}  loss {value:.4f}  test accuracy", end="  ")
            print(f"fast {accuracy(network, *TEST):.3f}", end="  ")
            print(f"slow {accuracy(slow(network, optimizer), *TEST):.3f}")


if __name__ == "__main__":
    main()
