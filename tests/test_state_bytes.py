"""Floats and bytes a parameter, by shapes alone."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from catalogue import ROWS

import optax_extra as ox

# Far more than there is memory.
SHAPES = {"w": jax.ShapeDtypeStruct((2**16, 2**18), jnp.float32)}


@pytest.mark.parametrize(
    ("optimizer", "floats", "size"),
    [
        (optax.sgd(0.1), 0, 0),
        (optax.adam(1e-3), 2, 8),
        (ox.lion(1e-3), 1, 4),
        (ox.lion(1e-3, mu_dtype=jnp.bfloat16), 1, 2),
        (ox.ranger(1e-3), 3, 12),
        (ox.adaderivative(1e-3), 3, 12),
        (ox.quantize_state(ox.adaderivative(1e-3)), 3, 6),
        (ox.quantize_state(ox.adabelief(1e-3)), 2, 4),
        (ox.quantize_state(ox.adaderivative(1e-3), "int8"), 3, 3 + 3 / 16),
        (ox.quantize_state(ox.adabelief(1e-3), "int8"), 2, 2 + 2 / 16),
        (ox.quantize_state(ox.lion(1e-3), "int8"), 1, 1 + 1 / 16),
        (ox.quantize_state(ox.lion(1e-3), "int8", block_size=256), 1, 1 + 1 / 128),
        (optax.chain(ox.lion(1e-3), ox.compensate()), 2, 6),
    ],
)
def test_of_shapes(optimizer, floats, size):
    found = ox.state_bytes(optimizer, SHAPES)
    np.testing.assert_allclose(found, (floats, size), atol=1e-6)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_of_every_row_it_is_what_init_allocates(row):
    params = {"kernel": jnp.ones((3, 5)), "bias": jnp.ones(5)}
    optimizer = row.optimizer()
    leaves = jax.tree.leaves(optimizer.init(params))
    found = ox.state_bytes(optimizer, params).bytes
    assert found == sum(leaf.nbytes for leaf in leaves) / 20


def test_of_a_number():
    assert ox.state_bytes(optax.trace(0.9), {"w": 1.0}) == (1, 4)


def test_bad_input():
    with pytest.raises(ValueError, match="state_bytes: params must have elements, got"):
        ox.state_bytes(optax.adam(1e-3), {})
    with pytest.raises(TypeError, match="state_bytes: optimizer must be a Gradient"):
        ox.state_bytes(optax.adam, jnp.ones(3))
    large = {str(i): jnp.ones(3) for i in range(9)}
    with pytest.raises(TypeError, match=r"a GradientTransformation, got dict$"):
        ox.state_bytes(large, optax.adam(1e-3))
    with pytest.raises(TypeError, match=r"of arrays or of shapes, got function$"):
        ox.state_bytes(optax.adam(1e-3), test_of_a_number)
