"""State in few bits on eight devices, run by `test_quantize_state` in a process."""

import re

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

import optax_extra as ox

SHAPE, STEPS = (16, 512), 5
GRADIENTS = np.random.default_rng(0).normal(size=(STEPS, *SHAPE)).astype(np.float32)
SPECS = {"whole": P(), "rows": P("x", None), "columns": P(None, "x")}

every_format = pytest.mark.parametrize("format", ["bfloat16", "int8"])
every_kind = pytest.mark.parametrize("kind", [AxisType.Auto, AxisType.Explicit])


def place(leaf, spec, kind=AxisType.Auto):
    mesh = Mesh(np.array(jax.devices()), ("x",), axis_types=(kind,))
    return jax.device_put(leaf, NamedSharding(mesh, spec))


def run(optimizer, put):
    """Params and state after some steps, and the compiled step."""
    params = put(np.ones(SHAPE, np.float32))
    state = optimizer.init(params)

    def step(params, state, gradients):
        updates, state = optimizer.update(gradients, state, params)
        return optax.apply_updates(params, updates), state

    program = jax.jit(step).lower(params, state, params).compile()
    for gradients in GRADIENTS:
        params, state = program(params, state, put(gradients))
    return params, state, program


@every_format
@every_kind
@pytest.mark.parametrize("spec", SPECS)
def test_the_same_on_eight_as_on_one(spec, kind, format):
    """Bit for bit, and no device asks another."""
    assert jax.device_count() == 8
    optimizer = ox.quantize_state(ox.adaderivative(0.01, rectified=True), format)
    *expected, _ = run(optimizer, jnp.asarray)
    *found, program = run(optimizer, lambda leaf: place(leaf, SPECS[spec], kind))
    chex.assert_trees_all_equal(*map(jax.device_get, (found, expected)))
    assert not re.findall(
        r"all-\w+\(|collective-\w+\(|reduce-scatter", program.as_text()
    )
    for leaf in jax.tree.leaves(found[1]):
        if leaf.ndim:
            assert leaf.sharding.is_equivalent_to(found[0].sharding, leaf.ndim)


@pytest.mark.parametrize(("length", "count"), [(512, 16), (8 * 48, 24), (8 * 3, 24)])
def test_no_block_straddles_a_shard(length, count):
    """Blocks of 32 where they fit, else of the greatest power of two that fits."""
    params = place(jnp.ones((256, length)), P(None, "x"))
    state = ox.quantize_state(optax.trace(0.9), "int8").init(params)
    assert state.inner.trace.floors.shape == (256, count)
    updates, after = jax.jit(ox.quantize_state(optax.trace(0.9), "int8").update)(
        params, state
    )
    chex.assert_trees_all_equal_shapes(after, state)
    np.testing.assert_array_equal(updates, 1)
