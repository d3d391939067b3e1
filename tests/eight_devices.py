"""Training on eight devices, run by `test_training_sharding` in a process with them.

Inputs, kernels and so all gradients are positive: no sum cancels, no momentum is near a
change of its sign. Two sizes of inputs keep centralised gradients from zero as well.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from catalogue import PARTS, RATE, RECIPES, Row
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

STEPS, BATCH, INPUTS, OUTPUTS = 8, 16, 16, 24

PARAMS = {
    "kernel": np.linspace(1, 2, INPUTS * OUTPUTS, dtype="f4").reshape(INPUTS, OUTPUTS),
    "bias": np.linspace(1, 2, OUTPUTS, dtype="f4"),
}
BATCHES = np.random.default_rng(0).uniform(1, 1.2, (STEPS, BATCH, INPUTS))
BATCHES = np.float32(BATCHES * np.resize([1, 3], INPUTS) / INPUTS)

# How leaves lie on the mesh's only axis.
WHOLE = {"kernel": P(), "bias": P()}
BY_INPUTS = {"kernel": P("x", None), "bias": P("x")}
BY_OUTPUTS = {"kernel": P(None, "x"), "bias": P("x")}

every_recipe = pytest.mark.parametrize("row", RECIPES, ids=str)


def place(leaf: Any, spec: P, kind: Any = AxisType.Auto) -> jax.Array:
    mesh = Mesh(np.array(jax.devices()), ("x",), axis_types=(kind,))
    return jax.device_put(leaf, NamedSharding(mesh, spec))


def place_params(specs: Mapping[str, P], kind: Any = AxisType.Auto) -> chex.ArrayTree:
    return {name: place(leaf, specs[name], kind) for name, leaf in PARAMS.items()}


def lies_like(leaf: jax.Array, param: jax.Array) -> bool:
    return leaf.sharding.is_equivalent_to(param.sharding, param.ndim)


def assert_lies_like_params(
    optimizer: optax.GradientTransformation, state: Any, params: chex.ArrayTree
) -> None:
    """Arrays of the state lie where their params do; all else are scalars."""
    found = optax.tree.map_params(
        optimizer,
        lies_like,
        state,
        params,
        transform_non_params=lambda leaf: leaf.shape == (),
    )
    assert all(jax.tree.leaves(found))


def test_there_are_eight() -> None:
    assert jax.device_count() == 8


# The state of Optax's own `ema` is replicated under jit.
@pytest.mark.parametrize(
    "row", [row for row in PARTS + RECIPES if row.name != "rectify-ema"], ids=str
)
@pytest.mark.parametrize(
    "transform", [jax.jit, lambda init: init], ids=["jit", "eager"]
)
def test_state_lies_like_params(row: Row, transform: Callable[..., Any]) -> None:
    params, optimizer = place_params(BY_OUTPUTS), row.optimizer()
    state = transform(optimizer.init)(params)
    assert_lies_like_params(optimizer, state, params)


def step_of(optimizer: optax.GradientTransformation) -> Callable[..., Any]:
    def step(params: Any, state: Any, gradients: Any) -> Any:
        updates, state = optimizer.update(gradients, state, params)
        return optax.apply_updates(params, updates), state

    return step


@every_recipe
@pytest.mark.parametrize(
    ("specs", "kind"),
    [(BY_INPUTS, AxisType.Auto), (BY_OUTPUTS, AxisType.Explicit)],
)
def test_step_gathers_nothing(row: Row, specs: Mapping[str, P], kind: Any) -> None:
    params, optimizer = place_params(specs, kind), row.optimizer()
    arguments = params, optimizer.init(params), params
    step = jax.jit(step_of(optimizer)).lower(*arguments).compile()
    collectives = re.findall(
        r"\[(\S*)\]\S* (all-[\w-]+|collective-[\w-]+|reduce-scatter)", step.as_text()
    )
    # Where a kernel's inputs are apart, its mean over them is a sum over devices.
    centralises = row.part == "ranger" and specs is BY_INPUTS
    assert collectives == ([(str(OUTPUTS), "all-reduce")] if centralises else [])
    after, state = step(*arguments)
    assert_lies_like_params(optimizer, state, params)
    assert all(jax.tree.leaves(jax.tree.map(lies_like, after, params)))


def train(row: Row, params: chex.ArrayTree, batches: Any) -> list[chex.ArrayTree]:
    """The params after every step of training."""
    optimizer, path = row.optimizer(), []

    def loss(params: Any, batch: jax.Array) -> jax.Array:
        outputs = batch @ params["kernel"] + params["bias"][None]
        return 0.1 * jnp.mean(jnp.sum(outputs**2, axis=1))

    @jax.jit
    def step(params: Any, state: Any, batch: jax.Array) -> Any:
        return step_of(optimizer)(params, state, jax.grad(loss)(params, batch))

    state = jax.jit(optimizer.init)(params)
    for batch in batches:
        params, state = step(params, state, batch)
        path.append(params)
    return path


@every_recipe
def test_training_equals_that_on_one_device(row: Row) -> None:
    """Batches in parts, and params whole or in parts as well.

    A gradient is made of sums of INPUTS and of BATCH positive terms: as many half eps,
    which the first moment and the root of the second have both, and centralised
    gradients twice. Steps are 3 RATE at most, beside params of order 1, and adding one
    is half an eps. So it is for each of the two programs that are compared.
    """
    expected = train(row, PARAMS, BATCHES)
    batches = [place(batch, P("x", None)) for batch in BATCHES]
    step = 2 * (INPUTS + BATCH) * 3 * RATE + 0.5
    rtol = 2 * STEPS * step * float(jnp.finfo(jnp.float32).eps)
    for specs in WHOLE, BY_INPUTS:
        path = train(row, place_params(specs), batches)
        chex.assert_trees_all_close(path, expected, rtol=rtol)
