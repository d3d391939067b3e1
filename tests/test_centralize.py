"""Gradients' means over the inputs are zero where Flax has inputs, and only there."""

import math
from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen, nnx

from optax_extra import centralize

EPS = float(jnp.finfo(jnp.float32).eps)
IMAGE, ROW = (1, 6, 5, 3), (2, 6)


def linen_params(layer: linen.Module, *inputs: Any) -> chex.ArrayTree:
    return layer.init(jax.random.key(0), *inputs)["params"]


def nnx_params(layer: nnx.Module) -> chex.ArrayTree:
    return nnx.state(layer, nnx.Param)


# A tree of params, and by the end of a path the axes that are averaged over. "value" is
# also how a path of an nnx state ends.
HEADS = {"query": (0,), "key": (0,), "value": (0,), "out": (0, 1)}
TREES = {
    "Dense": (linen_params(linen.Dense(4), jnp.ones(ROW)), {"kernel": (0,)}),
    "Conv": (
        linen_params(linen.Conv(4, (2, 3)), jnp.ones(IMAGE)),
        {"kernel": (0, 1, 2)},
    ),
    "Embed": (linen_params(linen.Embed(5, 4), jnp.zeros(ROW, int)), {}),
    "LayerNorm": (linen_params(linen.LayerNorm(), jnp.ones(ROW)), {}),
    "MultiHeadDotProductAttention": (
        linen_params(linen.MultiHeadDotProductAttention(2), jnp.ones((1, *ROW))),
        {f"{head}.kernel": axes for head, axes in HEADS.items()},
    ),
    "LSTMCell": (
        linen_params(linen.LSTMCell(4), (jnp.ones((2, 4)),) * 2, jnp.ones(ROW)),
        {"kernel": (0,)},
    ),
    "nnx.Linear": (nnx_params(nnx.Linear(6, 4, rngs=nnx.Rngs(0))), {"kernel": (0,)}),
    "nnx.Conv": (
        nnx_params(nnx.Conv(3, 4, (2, 3), rngs=nnx.Rngs(0))),
        {"kernel": (0, 1, 2)},
    ),
    "nnx.Embed": (nnx_params(nnx.Embed(5, 4, rngs=nnx.Rngs(0))), {}),
    "nnx.LayerNorm": (nnx_params(nnx.LayerNorm(6, rngs=nnx.Rngs(0))), {}),
    "nnx.MultiHeadAttention": (
        nnx_params(nnx.MultiHeadAttention(2, 6, decode=False, rngs=nnx.Rngs(0))),
        {f"{head}.kernel": axes for head, axes in HEADS.items()},
    ),
}


def off_center(params: chex.ArrayTree) -> chex.ArrayTree:
    """Gradients like params, of size about 1, whose means are about 3."""
    numbers = np.random.default_rng(0)
    return jax.tree.map(lambda p: jnp.float32(numbers.normal(3, 1, p.shape)), params)


def centred(
    part: optax.GradientTransformation, gradients: chex.ArrayTree
) -> chex.ArrayTree:
    return part.update(gradients, part.init(gradients))[0]


def assert_centred(found: chex.Array, given: chex.Array, axes: tuple[int, ...]) -> None:
    """The mean of zero and the rest unchanged, but for the roundings of a float32 sum.

    A sum of n numbers is off by n - 1 half eps of the sum of their magnitudes at most,
    its division by n by one more and the difference by another: n + 1 of the largest.
    """
    exact = np.asarray(given, np.float64)
    count = math.prod(exact.shape[axis] for axis in axes)
    tolerance = (count + 1) / 2 * EPS * np.abs(exact).max()
    np.testing.assert_allclose(np.float64(found).mean(axes), 0, atol=tolerance)
    expected = exact - exact.mean(axes, keepdims=True)
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", TREES)
def test_flax_layers(name: str) -> None:
    params, averaged = TREES[name]
    gradients = off_center(params)
    seen = set()

    def check(path: Any, found: chex.Array, given: chex.Array) -> None:
        keys = jax.tree_util.keystr(path, simple=True, separator=".")
        keys = keys.removesuffix(".value").removesuffix(".raw_value")
        end = next((end for end in averaged if keys.endswith(end)), None)
        seen.add(end)
        if end is None:
            np.testing.assert_array_equal(found, given)
        else:
            assert_centred(found, given, averaged[end])

    jax.tree_util.tree_map_with_path(check, centred(centralize(), gradients), gradients)
    assert seen - {None} == averaged.keys()


@pytest.mark.parametrize(
    ("feature_axes", "averaged"),
    [
        (0, (1, 2)),
        (-1, (0, 1)),
        (1, (0, 2)),
        ((0, 2), (1,)),
        ((-1, -3), (1,)),
        ((), (0, 1, 2)),
    ],
    ids=str,
)
def test_axes(feature_axes: Any, averaged: tuple[int, ...]) -> None:
    """For every leaf of two or more axes, whatever its name; or for those of a path."""
    gradients = off_center({"scale": jnp.ones((2, 3, 4)), "kernel": jnp.ones(3)})
    found = centred(centralize(feature_axes), gradients)
    assert_centred(found["scale"], gradients["scale"], averaged)
    np.testing.assert_array_equal(found["kernel"], gradients["kernel"])
    by_path = centralize(lambda path, leaf: feature_axes if leaf.ndim == 3 else None)
    chex.assert_trees_all_equal(centred(by_path, gradients), found)


@pytest.mark.parametrize("feature_axes", [(0, 1, 2), None], ids=str)
def test_nothing_to_average(feature_axes: Any) -> None:
    gradients = off_center({"kernel": jnp.ones((2, 3, 4))})
    found = centred(centralize(lambda path, leaf: feature_axes), gradients)
    chex.assert_trees_all_equal(found, gradients)


@pytest.mark.parametrize("dtype", [float, complex])
def test_features_in_front_are_those_of_optax(dtype: Any, x64: None) -> None:
    gradients = off_center({"a": jnp.ones((2, 3)), "b": jnp.ones((4, 2, 3, 5))})
    gradients = jax.tree.map(lambda leaf: leaf.astype(dtype), gradients)
    ours, theirs = (
        centred(part, gradients) for part in (centralize(0), optax.centralize())
    )
    chex.assert_trees_all_close(ours, theirs, rtol=0, atol=1e-12)


def test_function_is_given_path_and_leaf() -> None:
    found: list[Any] = []

    def look(path: Any, leaf: chex.Array) -> None:
        found.append((jax.tree_util.keystr(path), leaf.shape))

    centralize(look).init({"a": [jnp.ones((2, 3))]})
    assert found == [("['a'][0]", (2, 3))]
