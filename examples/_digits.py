"""Scikit-learn's digits and a small network that reads them, for the examples."""

from collections.abc import Iterator

import flax.linen as nn
import jax
import numpy as np
import optax
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

BATCH = 64

_images, _labels = load_digits(return_X_y=True)
_images = (_images / 16).astype(np.float32)  # [1797, 64], in [0, 1]
_split = train_test_split(_images, _labels, test_size=0.2, random_state=0)
TRAIN, TEST = _split[::2], _split[1::2]  # images and labels of each
STEPS = len(TRAIN[0]) // BATCH  # in an epoch

network = nn.Sequential([nn.Dense(64), nn.tanh, nn.Dense(10)])


def init(key: jax.Array) -> optax.Params:
    return network.init(key, TRAIN[0][:1])


def batches(epochs: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Images and labels of one step after another, shuffled anew in every epoch."""
    images, labels = TRAIN
    for epoch in range(epochs):
        order = np.random.default_rng(epoch).permutation(len(images))
        for rows in order[: STEPS * BATCH].reshape(STEPS, BATCH):
            yield images[rows], labels[rows]


def loss(params: optax.Params, images: jax.Array, labels: jax.Array) -> jax.Array:
    logits = network.apply(params, images)
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


@jax.jit
def accuracy(params: optax.Params) -> jax.Array:
    """The share of test images that are read correctly."""
    images, labels = TEST
    return (network.apply(params, images).argmax(-1) == labels).mean()
