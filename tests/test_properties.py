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
from hypothesis import given, settings
from hypothesis import strategies as st

from optax_extra import (
    clip_momentum,
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
    start = {"a": jnp.array([1.0]), "b": jnp.array([2.0])}
    state = wrap(lookahead()).init(start)
    later = jax.tree.map(lambda leaf: leaf + 1, start)
    found = slow_params(state, later)
    expected = {k: start[k] if k in slow_leaves else later[k] for k in start}
    chex.assert_trees_all_equal(found, expected)


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
