"""Every row of the catalogue through every use that Optax's own optimizers have.

Steps are RATE long and params of order 1. So of the roundings of a step only that of
the addition to params counts: one half eps a step, twice that for two programs that
are compared, and as much again for the update's own, far smaller roundings.
"""

import functools
import inspect
import operator
from collections.abc import Callable
from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from catalogue import COMBINATIONS, FORMATS, LEARNING_RATE, RATE, ROWS, Row
from flax import linen, nnx, serialization
from flax.training.train_state import TrainState

import optax_extra

STEPS = 8  # Rectification begins at step 6.

VALUES = {
    "kernel": [[1.5, -1.0, 1.75], [2.0, 1.25, -1.25]],
    "bias": [1.0, -2.0, 1.5],
}
INPUTS = jnp.array([[1.0, 2.0], [-0.5, 1.0]])

every_row = pytest.mark.parametrize("row", ROWS, ids=str)
every_row_combined = pytest.mark.parametrize("row", ROWS + COMBINATIONS, ids=str)


def make_params(dtype: Any = float) -> chex.ArrayTree:
    return {name: jnp.array(value, dtype) for name, value in VALUES.items()}


def bowl(params: chex.ArrayTree) -> chex.Array:
    """Half the squared length, whose gradient is the params themselves."""
    return sum(0.5 * jnp.sum(jnp.abs(leaf) ** 2) for leaf in jax.tree.leaves(params))


def all_of(params: chex.ArrayTree) -> chex.ArrayTree:
    return params


def rough(params: chex.ArrayTree) -> chex.ArrayTree:
    """It changes its sign every few steps, so that no decay rate is without effect."""
    return jax.tree.map(lambda leaf: jnp.cos(leaf / RATE), params)


def frozen_bias(params: chex.ArrayTree) -> chex.ArrayTree:
    return params | {"bias": jnp.zeros_like(params["bias"])}


def descend(
    optimizer: optax.GradientTransformation,
    params: chex.ArrayTree | None = None,
    *,
    gradient: Callable[[chex.ArrayTree], chex.ArrayTree] = all_of,
    transform: Callable[..., Any] = lambda update: update,
    steps: int = STEPS,
) -> list[chex.ArrayTree]:
    """The params after every step down the bowl."""
    params = make_params() if params is None else params
    update, state, path = transform(optimizer.update), optimizer.init(params), []
    for _ in range(steps):
        updates, state = update(gradient(params), state, params)
        params = optax.apply_updates(params, updates)
        path.append(params)
    return path


def assert_close(
    row: Row,
    actual: chex.ArrayTree,
    expected: chex.ArrayTree,
    rtol: float = 2 * STEPS * float(jnp.finfo(jnp.float32).eps),
) -> None:
    """Equal but for roundings; what `row` stores in low precision is RATE long."""
    if row.stored is not None:
        rtol += 2 * STEPS * RATE * float(jnp.finfo(row.stored).eps)
    chex.assert_trees_all_close(actual, expected, rtol=rtol)


def every_leaf(tree: chex.ArrayTree, holds: Callable[[Any], Any]) -> bool:
    return all(bool(jnp.all(holds(leaf))) for leaf in jax.tree.leaves(tree))


@every_row_combined
def test_jit_equals_eager(row: Row) -> None:
    optimizer = row.optimizer()
    assert_close(row, descend(optimizer, transform=jax.jit), descend(optimizer))


@every_row
def test_compiles_once_for_all_steps(row: Row) -> None:
    chex.clear_trace_counter()
    descend(
        row.optimizer(),
        transform=lambda update: jax.jit(chex.assert_max_traces(update, n=1)),
        steps=3,
    )


@every_row
def test_compiles_once_for_all_values(row: Row) -> None:
    chex.clear_trace_counter()

    @jax.jit
    @chex.assert_max_traces(n=1)
    def step(params: chex.ArrayTree, numbers: dict[str, Any]) -> chex.ArrayTree:
        return descend(row.optimizer(**numbers), params, steps=1)

    numeric = LEARNING_RATE | row.numeric
    for values in zip(*(values[:2] for values in numeric.values()), strict=True):
        step(make_params(), dict(zip(numeric, values, strict=True)))


@pytest.mark.parametrize(
    ("row", "name"),
    [
        pytest.param(row, name, id=f"{row}-{name}")
        for row in ROWS + COMBINATIONS
        for name in row.numeric
    ],
)
def test_vmap_over_a_number_equals_the_loop(row: Row, name: str, x64: None) -> None:
    values = row.numeric[name]

    def end(value: chex.Numeric) -> chex.ArrayTree:
        return descend(row.optimizer(**{name: value}), gradient=rough)[-1]

    loop = jax.tree.map(lambda *ends: jnp.stack(ends), *map(end, values))
    # In double precision a tracer is as exact as a Python number: 1e-16, which grows
    # at most twofold in a step along a gradient that turns by one radian.
    assert_close(row, jax.vmap(end)(jnp.array(values)), loop, rtol=1e-12)


@every_row
@pytest.mark.parametrize(
    "given", [lambda value: value, optax.constant_schedule], ids=["number", "schedule"]
)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_inject_hyperparams(row: Row, given: Callable[[Any], Any], dtype: str) -> None:
    """Injected numbers are float32, also where params are not (0.999 would be 1)."""
    numbers = {name: values[-1] for name, values in row.numeric.items()}
    injected = row.optimizer(
        factory=row.injected, **{name: given(value) for name, value in numbers.items()}
    )
    arrays = {name: jnp.array(values)[-1] for name, values in row.numeric.items()}
    path, expected = (
        descend(optimizer, make_params(dtype), gradient=rough)
        for optimizer in (injected, row.optimizer(**arrays))
    )
    chex.assert_tree_all_finite(path)
    chex.assert_trees_all_equal(path, expected)


@every_row
def test_schedule_of_the_learning_rate(row: Row) -> None:
    late = descend(row.optimizer(lambda count: jnp.where(count < 3, 0.0, RATE)))
    chex.assert_trees_all_equal(late[2], make_params())
    assert bowl(late[-1]) < bowl(late[2])
    constant = row.optimizer(optax.constant_schedule(RATE))
    assert_close(row, descend(constant), descend(row.optimizer()))


@every_row
@pytest.mark.parametrize("wrapper", ["masked", "partition"])
def test_moves_only_its_own_leaves(row: Row, wrapper: str) -> None:
    mine, others = {"kernel": True, "bias": False}, {"kernel": False, "bias": True}
    wrapped = {
        "masked": lambda optimizer, rest: optax.chain(
            optax.masked(optimizer, mine), optax.masked(rest, others)
        ),
        "partition": lambda optimizer, rest: optax.partition(
            {True: optimizer, False: rest}, mine
        ),
    }[wrapper](row.optimizer(), optax.set_to_zero())
    alone = descend(row.optimizer(), {"kernel": make_params()["kernel"]})
    for both, one in zip(descend(wrapped), alone, strict=True):
        chex.assert_trees_all_equal(both, make_params() | one)


@every_row
def test_multi_steps(row: Row) -> None:
    """Between two steps params rest, so the mean gradient is the gradient."""
    optimizer = optax.MultiSteps(row.optimizer(), every_k_schedule=2)
    path = descend(optimizer, transform=jax.jit)
    assert_close(row, path[1::2], descend(row.optimizer(), steps=STEPS // 2))


@every_row
def test_apply_if_finite(row: Row) -> None:
    params = make_params()
    optimizer = optax.apply_if_finite(row.optimizer(), max_consecutive_errors=3)
    update = jax.jit(optimizer.update)
    _, before = update(params, optimizer.init(params), params)
    nan = jax.tree.map(lambda leaf: jnp.nan * leaf, params)
    updates, after = update(nan, before, params)
    assert every_leaf(updates, lambda leaf: leaf == 0)
    chex.assert_trees_all_equal(after.inner_state, before.inner_state)


@every_row
def test_ignores_extra_arguments(row: Row) -> None:
    params, optimizer = make_params(), optax.chain(row.make())
    state = optimizer.init(params)
    chex.assert_trees_all_equal(
        optimizer.update(params, state, params, value=1.0, unknown="anything"),
        optimizer.update(params, state, params),
    )


def is_blocks(node: Any) -> bool:
    return isinstance(node, optax_extra.Blocks)


def shape_of(leaf: Any) -> tuple[int, ...]:
    return (leaf.codes if is_blocks(leaf) else leaf).shape


@every_row
def test_map_params(row: Row) -> None:
    """Arrays of the state, or their blocks, are those of params, scalars its own."""
    optimizer = row.optimizer()
    state = optimizer.init(make_params())
    as_expected = optax.tree.map_params(
        optimizer,
        lambda leaf, param: shape_of(leaf) == param.shape,
        state,
        make_params(),
        transform_non_params=lambda leaf: leaf.shape == (),
        is_leaf=is_blocks,
    )
    assert all(jax.tree.leaves(as_expected))


def assert_dtypes_kept(row: Row, *dtypes: str) -> None:
    params = {dtype: make_params(dtype) for dtype in dtypes}
    optimizer = row.optimizer()
    first = state = optimizer.init(params)
    for scale in range(1, STEPS + 1):
        gradients = jax.tree.map(functools.partial(operator.mul, scale), params)
        updates, state = optimizer.update(gradients, state, params)
        chex.assert_trees_all_equal_dtypes(updates, params)
        chex.assert_trees_all_equal_dtypes(state, first)
        chex.assert_tree_all_finite((updates, state))
    assert every_leaf(updates, lambda leaf: leaf != 0)


@every_row
def test_keeps_low_precision(row: Row) -> None:
    assert_dtypes_kept(row, "float16", "bfloat16", "float32")


@every_row
def test_keeps_double_precision(row: Row, x64: None) -> None:
    assert_dtypes_kept(row, "float16", "bfloat16", "float32", "float64")


@pytest.mark.parametrize("row", [row for row in ROWS if row.complex], ids=str)
@pytest.mark.parametrize("turn", [1, 1j])
def test_complex_leaves_turn_with_their_gradients(row: Row, turn: complex) -> None:
    """Real numbers among the complex ones, and on the imaginary axis."""
    turned = jax.tree.map(lambda leaf: turn * leaf, make_params(complex))
    path = descend(row.optimizer(), turned)
    back = jax.tree.map(lambda leaf: leaf / turn, path)
    chex.assert_tree_all_finite(path)
    # Complex moments are stored in complex64: there is no complex bfloat16.
    assert_close(row, jax.tree.map(jnp.real, back), descend(row.optimizer()))
    assert every_leaf(back, lambda leaf: leaf.imag == 0)


@every_row
@pytest.mark.parametrize("nothing", [None, optax.MaskedNode(), ()], ids=repr)
def test_passes_over_nothing(row: Row, nothing: Any) -> None:
    path = descend(row.optimizer(), make_params() | {"nothing": nothing}, steps=2)
    for found, alone in zip(path, descend(row.optimizer(), steps=2), strict=True):
        chex.assert_trees_all_equal(found, alone | {"nothing": nothing})


@every_row
@pytest.mark.parametrize("empty", [(), {}], ids=repr)
def test_empty_tree(row: Row, empty: Any) -> None:
    optimizer = row.optimizer()
    state = optimizer.init(empty)
    updates, new = optimizer.update(empty, state, empty)
    assert updates == empty
    chex.assert_trees_all_equal_structs(new, state)


@every_row_combined
def test_donation(row: Row) -> None:
    optimizer = row.optimizer()

    def step(params: chex.ArrayTree, state: optax.OptState) -> Any:
        updates, state = optimizer.update(params, state, params)
        return optax.apply_updates(params, updates), state

    params, donating = make_params(), jax.jit(step, donate_argnums=(0, 1))
    carry = params, optimizer.init(params)
    for _ in range(STEPS):
        leaves = jax.tree.leaves(carry)
        assert len({leaf.unsafe_buffer_pointer() for leaf in leaves}) == len(leaves)
        carry = donating(*carry)
        assert all(leaf.is_deleted() for leaf in leaves)
    assert_close(row, carry[0], descend(optimizer)[-1])


@every_row
@pytest.mark.parametrize(
    ("dtype", "magnitudes"),
    [
        ("float32", [0.0, 1e-38, 1e-6, 1e6, 1e18]),
        ("float16", [0.0, 6e-8, 1e-3, 1e3, 6e4]),
    ],
)
def test_finite_for_extreme_gradients_and_moving_again(
    row: Row, dtype: str, magnitudes: list[float]
) -> None:
    """Params stay where they are: beside 1e16 float32 sees no normal step."""
    params, optimizer = make_params(dtype), row.optimizer()

    def run(magnitude: chex.Array) -> tuple[optax.OptState, chex.ArrayTree]:
        def step(state: optax.OptState, scale: chex.Array) -> Any:
            gradients = jax.tree.map(lambda leaf: scale * (leaf / 2), params)
            return optimizer.update(gradients, state, params)[::-1]

        scales = jnp.concatenate([jnp.full(3, magnitude), jnp.ones(100, dtype)])
        return jax.lax.scan(step, optimizer.init(params), scales)

    state, updates = jax.jit(jax.vmap(run))(jnp.array(magnitudes, dtype))
    chex.assert_tree_all_finite((state, updates))
    assert every_leaf(updates, lambda leaf: leaf[:, -1] != 0)


def updates_for(
    optimizer: optax.GradientTransformation, gradients: list[chex.ArrayTree]
) -> list[chex.ArrayTree]:
    """The updates for given gradients, at params that stay."""
    params, update, found = make_params(), jax.jit(optimizer.update), []
    state = optimizer.init(params)
    for gradient in gradients:
        updates, state = update(gradient, state, params)
        found.append(updates)
    return found


@every_row
def test_a_gradient_that_is_no_number_shows_at_once(row: Row) -> None:
    nan = jax.tree.map(lambda leaf: jnp.nan * leaf, make_params())
    *before, after = updates_for(row.optimizer(), [make_params()] * STEPS + [nan])
    chex.assert_tree_all_finite(before)
    assert every_leaf(after, jnp.isnan)


def injects(row: Row, name: str, value: float) -> bool:
    default = inspect.signature(row.factory).parameters[name].default
    return default == value


@pytest.mark.parametrize(
    "row", [r for r in ROWS if "b2" in r.numeric and injects(r, "b2", 0.999)], ids=str
)
def test_injected_decay_that_was_rounded_to_one(row: Row) -> None:
    """0.999 in bfloat16: refused where the value is known, and elsewhere it shows."""
    params = make_params("bfloat16")
    optimizer = row.optimizer(
        factory=functools.partial(row.injected, hyperparam_dtype=None)
    )
    with pytest.raises(ValueError, match=r"b2 must be in \[0, 1\), got 1(\.0)?$"):
        optimizer.init(params)
    update, state = jax.jit(optimizer.update), jax.jit(optimizer.init)(params)
    for _ in range(STEPS):
        updates, state = update(params, state, params)
    assert every_leaf(updates, jnp.isnan)


@every_row
def test_gradient_through_ten_updates(row: Row) -> None:
    """With respect to params and to every number, also where gradients are zero."""
    parameters = inspect.signature(row.factory).parameters
    numbers = {name: parameters[name].default for name in row.numeric}
    numbers |= {"learning_rate": RATE} | row.arguments
    numbers = {k: v for k, v in numbers.items() if type(v) is float}

    @jax.jit
    @jax.grad
    def meta_gradient(inputs: tuple[chex.ArrayTree, dict[str, Any]]) -> chex.Array:
        params, numbers = inputs
        optimizer = row.optimizer(**numbers)

        def step(carry: Any, _: None) -> Any:
            params, state = carry
            updates, state = optimizer.update(frozen_bias(params), state, params)
            return (optax.apply_updates(params, updates), state), None

        start = params, optimizer.init(params)
        return bowl(jax.lax.scan(step, start, length=10)[0][0])

    found = meta_gradient((make_params(), numbers))
    chex.assert_tree_all_finite(found)
    assert every_leaf(found[0], lambda leaf: leaf != 0)


@every_row
@pytest.mark.parametrize(
    "zero", [{"weight_decay"}, {"weight_decay", "eps", "eps_root"}]
)
def test_leaf_of_zero_gradients_rests(row: Row, zero: set[str]) -> None:
    """Decay aside; without any eps it is 0 / 0 that has to be zero."""
    zeros = dict.fromkeys(zero & row.parameters, 0.0)
    path = descend(row.optimizer(**zeros), gradient=frozen_bias)
    chex.assert_trees_all_equal(path[-1]["bias"], make_params()["bias"])
    assert bowl(path[-1]["kernel"]) < bowl(make_params()["kernel"])


@every_row
def test_state_survives_storage(row: Row) -> None:
    params, optimizer = make_params(), row.optimizer()
    empty = optimizer.init(params)
    _, state = optimizer.update(params, empty, params)
    leaves, structure = jax.tree.flatten(state)
    stored = serialization.from_bytes(empty, serialization.to_bytes(state))
    for restored in structure.unflatten(leaves), stored:
        chex.assert_trees_all_equal_structs(restored, state)
        chex.assert_trees_all_equal_dtypes(restored, state)
        chex.assert_trees_all_equal(restored, state)


@every_row_combined
def test_flax_train_state(row: Row) -> None:
    def loss(params: chex.ArrayTree) -> chex.Array:
        return jnp.mean(train.apply_fn({"params": params}, INPUTS) ** 2)

    train = TrainState.create(
        apply_fn=linen.Dense(3).apply, params=make_params(), tx=row.optimizer()
    )
    expected = descend(row.optimizer(), gradient=jax.grad(loss))
    for params in expected:
        train = train.apply_gradients(grads=jax.grad(loss)(train.params))
        chex.assert_trees_all_equal(train.params, params)


@every_row
def test_flax_nnx_optimizer(row: Row) -> None:
    if row.stored == FORMATS["int8"] and not hasattr(nnx, "as_pure"):
        pytest.skip("Older ones take all that is kept of a variable for one array.")

    def loss(model: nnx.Linear) -> chex.Array:
        return jnp.mean(model(INPUTS) ** 2)

    model = nnx.Linear(2, 3, rngs=nnx.Rngs(0))
    graph, state = nnx.split(model)
    start = nnx.to_pure_dict(state)
    expected = descend(
        row.optimizer(),
        start,
        gradient=jax.grad(lambda params: loss(nnx.merge(graph, params))),
    )
    optimizer = nnx.Optimizer(model, row.optimizer(), wrt=nnx.Param)
    for params in expected:
        optimizer.update(model, nnx.grad(loss)(model))
        chex.assert_trees_all_equal(nnx.to_pure_dict(nnx.state(model)), params)


# Optax's own parts promote: `ema` here, and elsewhere `adam`, `MultiSteps` and every
# scheduled rate, whose tests therefore run under standard promotion.
@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.name != "rectify-ema"], ids=str
)
@pytest.mark.parametrize(
    "axis",
    [tuple, jnp.array, functools.partial(jnp.array, dtype=float)],
    ids=["number", "array", "float array"],
)
def test_strict_dtype_promotion(row: Row, axis: Callable[[Any], Any]) -> None:
    numbers = {name: axis(values)[0] for name, values in row.numeric.items()}
    with jax.numpy_dtype_promotion("strict"):
        part = row.make(**numbers)
        params = {"single": make_params()}
        if not row.whole:  # In a recipe Optax's part multiplies by the learning rate.
            params |= {
                "half": make_params(jnp.bfloat16),
                "complex": make_params(complex),
            }
        state = part.init(params)
        for _ in range(2):
            updates, state = part.update(params, state, params)
    chex.assert_trees_all_equal_dtypes(updates, params)


@every_row
def test_leaves_do_not_know_each_other(row: Row) -> None:
    leaves = jax.tree.leaves(make_params())
    forward = descend(row.optimizer(), leaves)
    backward = descend(row.optimizer(), leaves[::-1])
    chex.assert_trees_all_equal(forward, [leaves[::-1] for leaves in backward])


@every_row_combined
def test_first_move_is_downhill(row: Row) -> None:
    start = make_params()
    path = [start, *descend(row.optimizer())]
    heights = np.array([bowl(params) for params in path])
    moved = np.flatnonzero(heights != heights[0])
    assert moved.size
    assert heights[moved[0]] < heights[0]


@pytest.mark.parametrize("row", [row for row in ROWS if row.namesake], ids=str)
def test_equals_the_namesake(row: Row, x64: None) -> None:
    namesake = Row(row.name, row.namesake, {}, row.reference, row.arguments)
    ours, theirs = (descend(r.optimizer(), gradient=rough) for r in (row, namesake))
    chex.assert_trees_all_close(ours, theirs, rtol=1e-12)
