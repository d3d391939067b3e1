"""What is trained: small networks in Flax."""

from collections.abc import Callable, Mapping

import flax.linen as nn
import jax
import jax.numpy as jnp


class Conv(nn.Module):
    """A 3 x 3 convolution, as one product of matrices over every pixel's neighbours.

    Inside vmap or scan on a CPU it is about twenty times faster than `nn.Conv`.
    """

    features: int
    stride: int = 1

    @nn.compact
    def __call__(self, images: jax.Array) -> jax.Array:
        height, width = images.shape[1:3]
        padded = jnp.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
        neighbours = [
            padded[:, i : i + height : self.stride, j : j + width : self.stride]
            for i in range(3)
            for j in range(3)
        ]
        return nn.Dense(self.features)(jnp.concatenate(neighbours, axis=-1))


class MLP(nn.Module):
    """Two hidden layers."""

    classes: int
    width: int = 64

    @nn.compact
    def __call__(self, images: jax.Array) -> jax.Array:
        hidden = images.reshape(len(images), -1)
        for _ in range(2):
            hidden = nn.relu(nn.Dense(self.width)(hidden))
        return nn.Dense(self.classes)(hidden)


class CNN(nn.Module):
    """Three convolutions, the second and third halving the sides."""

    classes: int

    @nn.compact
    def __call__(self, images: jax.Array) -> jax.Array:
        hidden = nn.relu(Conv(16)(images))
        hidden = nn.relu(Conv(32, stride=2)(hidden))
        hidden = nn.relu(Conv(32, stride=2)(hidden))
        return nn.Dense(self.classes)(hidden.reshape(len(images), -1))


class Block(nn.Module):
    """Two convolutions beside an identity, without normalisation."""

    @nn.compact
    def __call__(self, hidden: jax.Array, _: None) -> tuple[jax.Array, None]:
        features = hidden.shape[-1]
        residual = Conv(features)(nn.relu(hidden))
        return hidden + Conv(features)(nn.relu(residual)), None


class ResidualCNN(nn.Module):
    """A residual CNN, compiled once whatever its depth: a scan over equal blocks."""

    classes: int
    blocks: int = 8
    features: int = 8

    @nn.compact
    def __call__(self, images: jax.Array) -> jax.Array:
        hidden = Conv(self.features, stride=2)(images)
        hidden, _ = _repeated(Block, self.blocks)()(hidden, None)
        return nn.Dense(self.classes)(nn.relu(hidden).reshape(len(images), -1))


class Layer(nn.Module):
    """Attention and two dense layers, each normalised after its sum, as in 2017."""

    heads: int = 4

    @nn.compact
    def __call__(self, hidden: jax.Array, _: None) -> tuple[jax.Array, None]:
        width = hidden.shape[-1]
        attention = nn.MultiHeadDotProductAttention(self.heads)
        hidden = nn.LayerNorm()(hidden + attention(hidden, hidden))
        between = nn.relu(nn.Dense(4 * width)(hidden))
        return nn.LayerNorm()(hidden + nn.Dense(width)(between)), None


class Transformer(nn.Module):
    """Layers over the sum of embedded tokens and places; a class for every token."""

    classes: int
    layers: int = 4
    width: int = 32

    @nn.compact
    def __call__(self, tokens: jax.Array) -> jax.Array:
        shape = (tokens.shape[1], self.width)
        places = self.param("places", nn.initializers.normal(1.0), shape)
        hidden = nn.Embed(self.classes, self.width)(tokens) + places[None]
        hidden, _ = _repeated(Layer, self.layers)()(hidden, None)
        return nn.Dense(self.classes)(hidden)


def _repeated(layer: type[nn.Module], count: int) -> Callable[[], nn.Module]:
    """So many of them in a row, each with params of its own."""
    return nn.scan(
        layer,
        variable_axes={"params": 0},
        split_rngs={"params": True},
        length=count,
        check_constancy_invariants=False,  # fails with jax 0.6.1, and nothing is shared
    )


MODELS: Mapping[str, type[nn.Module]] = {
    "mlp": MLP,
    "cnn": CNN,
    "residual": ResidualCNN,
    "transformer": Transformer,
}
