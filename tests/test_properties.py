"""What holds for every value, not only for chosen ones."""

import functools
from collections.abc import Callable
from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from catalogue import RECIPES, Row
from flax import nnx
from hypothesis import given, settings
from hypothesis import strategies as st

from optax_extra import (
    clip_momentum,
    heun,
    lookahead,
    momentum_of,
    rectification_term,
    rectify,
    scale_by_adam,
    scale_by_belief,
    slow_params,
)

EPS = float(np.finfo(np.float32).eps)

examples = settings(deadline=None, derandomize=True, max_examples=50)

# XLA on CPU takes numbers below 1e-38 for zero.
floats = functools.partial(st.floats, width=32, allow_nan=False, allow_subnormal=False)
updates_of_any_size = st.lists(floats(), min_size=8, max_size=8).map(
    functools.partial(np.array, dtype=np.float32)
)
bands = st.tuples(floats(min_value=0), floats(min_value=0)).map(sorted)


def clip(updates: Any, lower: float, upper: float) -> np.ndarray:
    part = clip_momentum(lower, upper)
    return np.asarray(part.update(jnp.asarray(updates), part.init(updates))[0])


@examples
@given(updates_of_any_size, bands)
def test_clip_momentum_is_odd_idempotent_and_in_its_band(
    updates: np.ndarray, band: list[float]
) -> None:
    lower, upper = band
    clipped = clip(updates, lower, upper)
    np.testing.assert_array_equal(clip(-updates, lower, upper), -clipped)
    np.testing.assert_array_equal(clip(clipped, lower, upper), clipped)
    np.testing.assert_array_equal(clipped[updates == 0], 0)
    magnitude = np.abs(clipped[updates != 0])
    assert np.all((lower <= magnitude) & (magnitude <= upper))
    np.testing.assert_array_equal(
        np.sign(clipped), np.sign(updates) if upper > 0 else 0
    )


@examples
@given(updates_of_any_size)
def test_clip_momentum_at_its_ends(updates: np.ndarray) -> None:
    np.testing.assert_array_equal(clip(updates, 0.0, np.inf), updates)
    np.testing.assert_array_equal(clip(updates, 1.0, 1.0), np.sign(updates))


COUNTS = np.unique(np.geomspace(1, 1e6, 300).astype(np.int32))


@pytest.mark.parametrize(
    ("term", "b2s"),
    [
        (rectification_term, st.floats(0, 1, exclude_min=True, exclude_max=True)),
        (
            jax.jit(rectification_term),
            floats(min_value=0, max_value=1, exclude_min=True, exclude_max=True),
        ),
    ],
    ids=["static", "traced"],
)
def test_rectification_term_grows_from_zero_to_one(
    term: Callable[..., chex.Array], b2s: st.SearchStrategy[float]
) -> None:
    @examples
    @given(b2s)
    def holds(b2: float) -> None:
        found = np.asarray(term(b2, COUNTS))
        assert np.all((found >= 0) & (found <= 1))  # Not NaN either.
        # It is exact to 4e-7, so that two neighbours may differ by twice as much.
        assert np.all(np.diff(found) >= -8e-7)
        # Once tractable, always tractable; for b2 <= 2/3 never.
        assert np.all(np.diff((found > 0).astype(int)) >= 0)
        if b2 <= 2 / 3:
            np.testing.assert_array_equal(found, 0)

    holds()


@examples
@given(st.floats(0.05, 0.9999), st.integers(0, 2**32 - 1))
def test_rectify_is_one_branch_at_a_time(b2: float, seed: int) -> None:
    adaptive, unadapted = scale_by_adam(b2=b2), optax.trace(0.9)
    both = rectify(adaptive, unadapted, b2=b2)
    parts = adaptive, unadapted, both
    states = [part.init(jnp.zeros(4)) for part in parts]
    gradients = np.random.default_rng(seed).normal(size=(8, 4)).astype(np.float32)
    for count, gradient in enumerate(gradients, start=1):
        (adapted, plain, found), states = zip(
            *(
                part.update(gradient, state)
                for part, state in zip(parts, states, strict=True)
            ),
            strict=True,
        )
        term = rectification_term(b2, count)
        chex.assert_trees_all_equal(found, adapted * term if term > 0 else plain)


def test_held_first_moment_starts_afresh_on_a_second_that_has_learned(
    x64: None,
) -> None:
    first, second, held = optax.ema(0.9), optax.ema(0.99), 3
    part = scale_by_adam(0.9, 0.99, hold_steps=held)
    gradients = np.random.default_rng(0).normal(size=(8, 4))
    state, mu, nu = (p.init(gradients[0]) for p in (part, first, second))
    for count, gradient in enumerate(gradients, start=1):
        expected = np.zeros(4)
        nu_hat, nu = second.update(gradient**2, nu)
        if count > held:
            mu_hat, mu = first.update(gradient, mu)
            expected = mu_hat / (jnp.sqrt(nu_hat) + 1e-8)
        found, state = part.update(gradient, state)
        chex.assert_trees_all_close(found, expected, rtol=1e-12)


def test_float16_steps_saturate() -> None:
    """Where gradients come as foreseen AdaBelief's step grows to 1e8."""
    gradient = jnp.ones(2, jnp.float16)
    part = scale_by_belief(0.5, 0.5)
    state = part.init(gradient)
    for _ in range(60):
        found, state = part.update(gradient, state)
    chex.assert_trees_all_equal(found, jnp.finfo(jnp.float16).max * gradient)


@pytest.mark.parametrize(
    "wrap",
    [
        optax.chain,
        lambda part: optax.chain(optax.clip(100.0), part, optax.identity()),
        lambda part: optax.inject_hyperparams(lambda factor: part)(factor=1.0),
    ],
    ids=["chain", "longer chain", "inject_hyperparams"],
)
def test_momentum_of_looks_into_wrappers(wrap: Callable[..., Any]) -> None:
    gradient, b2 = jnp.array([3.0, -2.0]), 0.5  # On the unadapted branch for ever.
    bare = rectify(scale_by_adam(0.9, b2), momentum_of(0.9), b2=b2)
    wrapped = rectify(wrap(scale_by_adam(0.9, b2)), momentum_of(0.9), b2=b2)
    bare_state, wrapped_state = bare.init(gradient), wrapped.init(gradient)
    for _ in range(3):
        expected, bare_state = bare.update(gradient, bare_state)
        found, wrapped_state = wrapped.update(gradient, wrapped_state)
        chex.assert_trees_all_equal(found, expected)


def scheduled(count: chex.Numeric) -> chex.Numeric:
    return jnp.where(count < 4, 2, 3)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("fused", [True, False], ids=["one program", "two programs"])
@pytest.mark.parametrize(
    ("period", "syncs"),
    [
        (lambda traced: 3, {3, 6, 9}),
        (lambda traced: scheduled, {2, 4, 7, 10}),
        (lambda traced: traced, {3, 6, 9}),
    ],
    ids=["constant", "scheduled", "traced"],
)
def test_params_are_the_slow_weights_after_a_synchronisation(
    period: Callable[[Any], Any], syncs: set[int], fused: bool, dtype: str
) -> None:
    def make(traced: chex.Numeric) -> optax.GradientTransformation:
        return optax.chain(optax.sgd(0.1), lookahead(period(traced), 0.3))

    def update(traced: Any, gradient: Any, state: Any, params: Any) -> Any:
        return make(traced).update(gradient, state, params)

    def step(traced: Any, gradient: Any, state: Any, params: Any) -> Any:
        updates, state = inner_update(traced, gradient, state, params)
        return inner_apply(params, updates), state

    inner_update, inner_apply = update, optax.apply_updates
    if fused:
        step = jax.jit(step)
    else:
        inner_update, inner_apply = jax.jit(update), jax.jit(optax.apply_updates)

    keys = jax.random.split(jax.random.key(0), 11)
    params = jax.random.normal(keys[0], (500,), dtype)
    state = make(3).init(params)
    for count, key in enumerate(keys[1:], start=1):
        before = slow_params(state, params)
        params, state = step(3, jax.random.normal(key, (500,), dtype), state, params)
        slow = slow_params(state, params)
        assert (slow.tobytes() == params.tobytes()) is (count in syncs)
        assert (slow.tobytes() == before.tobytes()) is (count not in syncs)


@pytest.mark.parametrize(
    ("wrap", "slow_leaves"),
    [
        (optax.chain, {"a", "b"}),
        (optax.with_extra_args_support, {"a", "b"}),
        (lambda part: optax.masked(part, {"a": True, "b": False}), {"a"}),
        (lambda part: optax.masked(part, {"a": False, "b": True}), {"b"}),
        (
            lambda part: optax.partition(
                {"slow": part, "fast": optax.identity()}, {"a": "fast", "b": "slow"}
            ),
            {"b"},
        ),
        (
            lambda part: optax.partition(
                {"one": part, "two": part}, {"a": "one", "b": "two"}
            ),
            {"a", "b"},
        ),
        (lambda part: optax.MultiSteps(part, 1), {"a", "b"}),
        (lambda part: optax.apply_if_finite(part, 1), {"a", "b"}),
    ],
)
def test_slow_params_look_into_wrappers(
    wrap: Callable[..., Any], slow_leaves: set[str]
) -> None:
    """A mask's and a partition's entry may stand for a whole subtree."""
    start = {"a": jnp.array([1.0]), "b": {"c": jnp.array([2.0]), "d": jnp.ones(3)}}
    state = wrap(lookahead()).init(start)
    later = jax.tree.map(lambda leaf: leaf + 1, start)
    found = slow_params(state, later)
    expected = {k: start[k] if k in slow_leaves else later[k] for k in start}
    chex.assert_trees_all_equal(found, expected)


def test_slow_params_are_those_of_the_outermost_lookahead() -> None:
    optimizer = optax.chain(optax.sgd(0.1), lookahead(1), lookahead(3))
    start = jnp.ones(2)
    updates, state = optimizer.update(start, optimizer.init(start), start)
    later = optax.apply_updates(start, updates)
    assert not np.array_equal(later, start)  # Where the inner one has its slow weights.
    chex.assert_trees_all_equal(slow_params(state, later), start)


def test_slow_params_of_an_nnx_optimizer() -> None:
    model = nnx.Linear(2, 3, rngs=nnx.Rngs(0))
    start = nnx.to_pure_dict(nnx.state(model, nnx.Param))
    optimizer = nnx.Optimizer(
        model, optax.chain(optax.sgd(0.1), lookahead(2)), wrt=nnx.Param
    )
    gradient = nnx.grad(lambda model: jnp.sum(model(jnp.ones((1, 2)))))(model)
    optimizer.update(model, gradient)
    later = nnx.state(model, nnx.Param)
    found = slow_params(optimizer.opt_state, later)
    chex.assert_trees_all_equal_structs(found, later)
    chex.assert_trees_all_equal(nnx.to_pure_dict(found), start)
    for moved, first in zip(*map(jax.tree.leaves, (later, start)), strict=True):
        assert np.all(moved != first)


def path_of(optimizer: optax.GradientTransformation, state: Any = None) -> Any:
    """Params after each of 12 steps, from a fresh state or from the one given."""
    params = jnp.array([1.0, -2.0, 0.5])
    path, state = [], optimizer.init(params) if state is None else state
    for step in range(12):
        updates, state = optimizer.update(params + step, state, params)
        params = optax.apply_updates(params, updates)
        path.append(params)
    return path


@pytest.mark.parametrize("period", [0, -3, 0.5])
def test_scheduled_period_below_one_is_one(period: float) -> None:
    scheduled, every_step = (
        path_of(optax.chain(optax.sgd(0.1), lookahead(given)))
        for given in (optax.constant_schedule(period), 1)
    )
    chex.assert_trees_all_equal(scheduled, every_step)


@pytest.mark.parametrize(
    "optimizer",
    [
        optax.chain(optax.sgd(0.1), lookahead(3)),
        optax.chain(optax.sgd(0.1), lookahead(optax.constant_schedule(3))),
        heun(0.1),
        heun(optax.constant_schedule(0.1)),
    ],
    ids=["lookahead", "scheduled lookahead", "heun", "scheduled heun"],
)
def test_full_counters_change_nothing(optimizer: Any) -> None:
    """After 2^31 - 1 steps counters stand still, and alternation goes on."""
    full = jnp.iinfo(jnp.int32).max
    fresh = optimizer.init(jnp.ones(3))

    def fill(path: Any, leaf: chex.Array) -> chex.Array:
        counts = leaf.dtype == jnp.int32 and "since" not in jax.tree_util.keystr(path)
        return jnp.full_like(leaf, full) if counts else leaf

    filled = jax.tree_util.tree_map_with_path(fill, fresh)
    chex.assert_trees_all_equal(path_of(optimizer, filled), path_of(optimizer, fresh))


def test_lookahead_whose_every_counter_is_full_synchronises_at_once() -> None:
    params, part = jnp.ones(3), lookahead(3, 0.0)
    full = jnp.array(jnp.iinfo(jnp.int32).max)
    state = part.init(params)._replace(count=full, since=full)
    moves = []
    for _ in range(7):
        updates, state = part.update(params, state, params)
        moves.append(bool((updates != 0).all()))
    assert moves == [False, True, True, False, True, True, False]


def test_momentum_of_waits_for_micro_batches() -> None:
    """A part that has not stepped yet has no momentum."""
    gradient, b2 = jnp.array([3.0, -2.0]), 0.5
    inner = optax.MultiSteps(scale_by_adam(0.9, b2), 2)
    part = rectify(inner, momentum_of(0.9), b2=b2)
    state, found = part.init(gradient), []
    for _ in range(4):
        updates, state = part.update(gradient, state, gradient)
        found.append(updates)
    np.testing.assert_array_equal(found[0], 0)
    # The mean of constant gradients is the gradient: one rounding each of the first
    # moment, its bias and their ratio, in MultiSteps' mean as well.
    for updates in found[1:]:
        np.testing.assert_allclose(updates, gradient, rtol=4 * EPS)


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("rectified", [False, True])
def test_hold_is_a_hold(nesterov: bool, rectified: bool) -> None:
    part = scale_by_adam(0.9, 0.5, nesterov=nesterov, hold_steps=3)
    if rectified:
        part = rectify(part, momentum_of(0.9, nesterov=nesterov), b2=0.5)
    gradient = jnp.array([3.0, -2.0])
    state, moves = part.init(gradient), []
    for _ in range(5):
        updates, state = part.update(gradient, state)
        chex.assert_tree_all_finite(updates)
        moves.append(bool((updates != 0).any()))
    assert moves == [False, False, False, True, True]


def test_scheduled_lookahead_under_strict_promotion() -> None:
    part = lookahead(
        optax.linear_schedule(1, 5, 10), optax.linear_schedule(0.0, 1.0, 9)
    )
    params = {dtype: jnp.ones(2, dtype) for dtype in ("float32", "bfloat16")}
    with jax.numpy_dtype_promotion("strict"):
        updates, _ = part.update(params, part.init(params), params)
    chex.assert_trees_all_equal_dtypes(updates, params)


@pytest.mark.parametrize("row", RECIPES, ids=str)
def test_recipes_scale_with_the_learning_rate(row: Row) -> None:
    params = jnp.array([1.0, -2.0, 0.5])

    def updates(learning_rate: float) -> list[chex.Array]:
        optimizer, found = row.optimizer(learning_rate), []
        state = optimizer.init(params)
        for scale in (1.0, -0.5, 2.0):
            update, state = optimizer.update(scale * params, state, params)
            found.append(update)
        return found

    unit = updates(1.0)

    @examples
    @given(st.floats(1e-6, 1e3))
    def holds(learning_rate: float) -> None:
        scaled = [learning_rate * update for update in unit]
        # One rounding of the rate and one of the product on either side.
        chex.assert_trees_all_close(updates(learning_rate), scaled, rtol=2 * EPS)

    holds()
