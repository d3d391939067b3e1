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


def under_jit(init):
    """With params in the result: jit takes the devices from what it needs."""
    return lambda params: jax.jit(lambda params: (init(params), params))(params)[0]


@pytest.mark.parametrize(("length", "count"), [(512, 16), (8 * 48, 24), (8 * 3, 24)])
@pytest.mark.parametrize(
    ("kind", "transform"),
    [
        (AxisType.Auto, lambda init: init),
        (AxisType.Explicit, lambda init: init),
        (AxisType.Explicit, under_jit),
    ],
    ids=["auto", "explicit", "explicit under jit"],
)
def test_no_block_straddles_a_shard(length, count, kind, transform):
    """Blocks of 32 where they fit, else of the greatest power of two that fits."""
    params = place(jnp.ones((256, length)), P(None, "x"), kind)
    state = transform(ox.quantize_state(optax.trace(0.9), "int8").init)(params)
    assert state.inner.trace.floors.shape == (256, count)
    updates, after = jax.jit(ox.quantize_state(optax.trace(0.9), "int8").update)(
        params, state
    )
    chex.assert_trees_all_equal_shapes(after, state)
    np.testing.assert_array_equal(updates, 1)


def test_no_block_straddles_a_shard_where_asked():
    """`jit` does not tell where automatic axes spread a leaf."""
    params = place(jnp.ones((256, 8 * 48)), P(None, "x"))
    optimizer = ox.quantize_state(optax.trace(0.9), "int8", block_size=16)
    state = jax.jit(optimizer.init)(params)
    update = jax.jit(optimizer.update).lower(params, state, params).compile()
    assert state.inner.trace.floors.shape == (256, 24)
    assert not re.findall(r"all-\w+\(|collective-\w+\(", update.as_text())


@every_format
def test_under_shard_map(format):
    """A device's part is below `min_size`, and its state stays as `init` made it."""
    optimizer = ox.quantize_state(optax.trace(0.9), format)
    params = place(jnp.ones((64, 128)), P("x"))
    state = optimizer.init(params)
    specs = jax.tree.map(lambda leaf: P("x") if leaf.ndim else P(), state)
    update = jax.shard_map(
        optimizer.update,
        mesh=params.sharding.mesh,
        in_specs=(P("x"), specs),
        out_specs=(P("x"), specs),
    )
    updates, after = jax.jit(update)(params, state)
    chex.assert_trees_all_equal_shapes_and_dtypes(after, state)
    np.testing.assert_array_equal(updates, 1)


@every_kind
@pytest.mark.parametrize("spec", SPECS)
def test_stochastic_addition_is_the_same_on_eight_as_on_one(spec, kind):
    params = jnp.ones(SHAPE, jnp.bfloat16)
    updates, key = jnp.asarray(1e-3 * GRADIENTS[0]), jax.random.key(0)
    expected = ox.apply_updates_stochastic(params, updates, key)
    spread = [place(leaf, SPECS[spec], kind) for leaf in (params, updates)]
    found = jax.jit(ox.apply_updates_stochastic)(*spread, key)
    np.testing.assert_array_equal(np.float32(found), np.float32(expected))
    assert found.sharding.is_equivalent_to(spread[0].sharding, 2)
