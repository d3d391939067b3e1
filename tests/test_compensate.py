"""bfloat16 weights that learn from steps shorter than their roundings."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import optax_extra as ox

EPS = float(jnp.finfo(jnp.bfloat16).eps)  # 2^-7, the distance of neighbours above 1
STEPS = 1000


def walk(optimizer, params, updates, transform=jax.jit):
    """Params and state after as many steps as there are updates."""

    def step(carry, update):
        params, state = carry
        updates, state = optimizer.update(update, state, params)
        return (optax.apply_updates(params, updates), state), None

    start = params, optimizer.init(params)
    return transform(lambda start, updates: jax.lax.scan(step, start, updates)[0])(
        start, updates
    )


def test_without_it_one_stays_one():
    params = jnp.ones(3, jnp.bfloat16)
    updates = jnp.full((STEPS, 3), -1e-3)
    end, _ = walk(optax.identity(), params, updates)
    np.testing.assert_array_equal(np.float32(end), 1)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_a_thousand_small_steps_arrive(dtype):
    """As near as what is kept has digits: an eps of the eps of each of the steps."""
    params = jnp.ones(3, jnp.bfloat16)
    updates = jnp.full((STEPS, 3), -1e-3, dtype)
    end, state = walk(ox.compensate(), params, updates)
    assert (end.dtype, state.lost.dtype) == (jnp.bfloat16, jnp.bfloat16)
    expected = 1 + np.float64(updates).sum(0)
    whole = np.float64(end) + np.float64(state.lost)
    np.testing.assert_allclose(whole, expected, atol=STEPS * EPS**2 / 4)
    np.testing.assert_allclose(np.float64(end), 0, atol=EPS**2 * STEPS)


@pytest.mark.parametrize(("format", "stride"), [("bfloat16", EPS), ("int8", 1 / 8)])
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_small_steps_arrive_with_what_is_lost_in_few_bits(format, stride, dtype):
    """But for a random walk of its roundings, each a stride of half an eps or less."""
    optimizer = ox.quantize_state(ox.compensate(), format, min_size=1)
    params, updates = jnp.ones(64, jnp.bfloat16), jnp.full((STEPS, 64), -1e-3, dtype)
    end, _ = walk(optimizer, params, updates)
    deviation = np.sqrt(STEPS) * stride * EPS / 2
    expected = 1 + np.float64(updates).sum(0)
    np.testing.assert_allclose(np.float64(end), expected, atol=5 * deviation)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
def test_params_and_what_they_lack_are_the_sum(dtype):
    """Rough steps; and no step is shorter than it looks, under jit as well.

    A program may keep more digits than its dtypes say: ten steps in one.
    """
    noise = np.random.default_rng(0).normal(size=(10, 512)).astype(np.float32)
    params = jnp.linspace(-2.0, 2.0, 512).astype(dtype)
    optimizer = ox.compensate()

    def unrolled(params, updates):
        state = optimizer.init(params)
        for update in updates:
            steps, state = optimizer.update(update, state, params)
            params = optax.apply_updates(params, steps)
        return params, state

    eager, jitted = (run(params, noise) for run in (unrolled, jax.jit(unrolled)))
    for end, state in eager, jitted:
        whole = np.float64(end) + np.float64(state.lost)
        expected = np.float64(params) + np.float64(noise).sum(0)
        # What is lacking, eps / 2 of params of order 4, is kept to its eps / 2.
        eps = float(jnp.finfo(dtype).eps)
        rounding = 10 * 4 * (eps / 2) * (EPS / 2) + 20 * 4 * np.finfo(np.float32).eps
        np.testing.assert_allclose(whole, expected, atol=rounding)
        assert (np.abs(np.float64(state.lost)) <= eps * 4).all()


def test_learns_what_is_lost_otherwise():
    """Adam on a bowl, with steps of a sixteenth of a rounding, goes as in float32."""
    target = jnp.linspace(0.0, 2.0, 64)
    rate = optax.scale_by_learning_rate(EPS / 16)
    plain = optax.chain(ox.scale_by_adam(mu_dtype=jnp.float32), rate)
    kept = optax.chain(plain, ox.compensate())

    def end(optimizer, dtype):
        def step(carry, _):
            params, state = carry
            gradient = params.astype(jnp.float32) - target
            updates, state = optimizer.update(gradient, state, params)
            return (optax.apply_updates(params, updates), state), None

        params = jnp.ones(64, dtype)
        start = params, optimizer.init(params)
        (params, _), _ = jax.lax.scan(step, start, length=2000)
        return np.float32(params)

    exact = end(plain, jnp.float32)
    assert np.abs(exact - 1).max() > 0.5
    np.testing.assert_array_equal(end(plain, jnp.bfloat16), 1)
    np.testing.assert_allclose(end(kept, jnp.bfloat16), exact, atol=EPS)


def test_behind_lookahead_no_step_is_lost():
    """The sum of all steps is there, and params are within a rounding of slow weights.

    Before it, what a synchronisation rounds away is lost, and params are slow weights.
    """
    period = 5
    params = jnp.linspace(1.0, 1.9, 64).astype(jnp.bfloat16)
    update = jnp.full(64, -0.3 * EPS)
    behind = optax.chain(ox.lookahead(period), ox.compensate())
    before = optax.chain(ox.compensate(), ox.lookahead(period))

    lookahead, total = ox.lookahead(period), np.float64(params)
    now, state = params, behind.init(params)
    for step in range(1, 4 * period + 1):
        slow_state = state[0]
        pulled, _ = lookahead.update(update, slow_state, now)
        total = total + np.float64(pulled)
        steps, state = behind.update(update, state, now)
        now = optax.apply_updates(now, steps)
        whole = np.float64(now) + np.float64(state[1].lost)
        np.testing.assert_allclose(whole, total, atol=step * EPS**2)
        if step % period == 0:
            slow = np.float64(ox.slow_params(state, now))
            assert np.abs(np.float64(now) - slow).max() <= EPS

    end, state = walk(before, params, jnp.tile(update, (4 * period, 1)))
    chex.assert_trees_all_equal(end, ox.slow_params(state, end))


def test_bad_input():
    params = jnp.ones(3)
    optimizer = ox.compensate()
    state = optimizer.init(params)
    with pytest.raises(ValueError, match="compensate: update must be given params"):
        optimizer.update(params, state)
    with pytest.raises(ValueError, match="compensate: updates must have the tree"):
        optimizer.update([params], state, params)
    with pytest.raises(ValueError, match="compensate: params must have floating"):
        optimizer.init(jnp.ones(3, int))


def test_stochastic_addition_is_right_on_average():
    count = 10**6
    params = jnp.full(count, 1, jnp.bfloat16)
    updates = jnp.full(count, -1e-3)
    found = ox.apply_updates_stochastic(params, updates, jax.random.key(0))
    assert found.dtype == jnp.bfloat16
    found = np.float64(found)
    assert set(np.unique(found)) == {1.0, 1 - EPS / 2}
    error = found.std() / np.sqrt(count)
    assert abs(found.mean() - 0.999) <= 5 * error


def test_stochastic_addition_arrives():
    """A random walk of at most one rounding a step, below 1 half an eps long."""
    params, update = jnp.ones(4096, jnp.bfloat16), jnp.full(4096, -1e-3)

    def step(params, key):
        return ox.apply_updates_stochastic(params, update, key), None

    end, _ = jax.lax.scan(step, params, jax.random.split(jax.random.key(0), STEPS))
    # The variance of a step is at most its length times the rounding.
    deviation = np.sqrt(STEPS * 1e-3 * EPS / 2)
    end = np.float64(end)
    assert np.abs(end).max() <= 5 * deviation
    assert abs(end.mean()) <= 5 * deviation / np.sqrt(4096)


def test_stochastic_addition_leaves_other_dtypes_alone(x64):
    params = {
        dtype: jnp.full(64, 1 / 3, dtype)
        for dtype in ("float16", "float32", "float64", "complex64", "bfloat16")
    }
    updates = jax.tree.map(lambda leaf: leaf / 7, params)
    key = jax.random.key(1)
    found = ox.apply_updates_stochastic(params, updates, key)
    expected = optax.apply_updates(params, updates)
    chex.assert_trees_all_equal_dtypes(found, expected)
    assert (found.pop("bfloat16") != expected.pop("bfloat16")).any()
    chex.assert_trees_all_equal(found, expected)


def test_stochastic_addition_gives_each_leaf_noise_of_its_own():
    params = [jnp.ones(4096, jnp.bfloat16)] * 2
    updates = [jnp.full(4096, -EPS / 4)] * 2
    key, other = jax.random.split(jax.random.key(0))
    one, two = ox.apply_updates_stochastic(params, updates, key)
    again, _ = ox.apply_updates_stochastic(params, updates, key)
    later, _ = ox.apply_updates_stochastic(params, updates, other)
    chex.assert_trees_all_equal(one, again)
    for some in two, later:
        assert 0.4 < (one != some).mean() < 0.6
    with pytest.raises(ValueError, match="apply_updates_stochastic: updates must have"):
        ox.apply_updates_stochastic(params, updates[:1], key)
