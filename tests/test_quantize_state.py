"""State in few bits: what is stored how, and that training does not see it."""

import functools
import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import optax_extra as ox
from optax_extra import _rounding
from optax_extra._block_code import decode_all as decoded

# What a number may differ by once it is stored.
STRIDES = {"bfloat16": 2.0**-7, "int8": 2.0**-3}

every_format = pytest.mark.parametrize("format", STRIDES)
every_recipe = pytest.mark.parametrize(
    "recipe",
    [ox.adaderivative, ox.adabelief, ox.radam, ox.lion, optax.adam, optax.rmsprop],
    ids=lambda recipe: f"{recipe.__module__.partition('.')[0]}.{recipe.__name__}",
)

quantize_all = functools.partial(ox.quantize_state, min_size=1)


def train(optimizer, params, gradients):
    """The updates of every step, and the last state, at params that stay."""

    def step(state, gradient):
        updates, state = optimizer.update(gradient, state, params)
        return state, updates

    return jax.lax.scan(step, optimizer.init(params), gradients)


def test_rounding_is_right_on_average():
    count = 10**6
    for key, value in enumerate([1 / 3, -1e-3, 1e30, 3e-39]):
        values = jnp.full(count, value)
        noise = _rounding.noise(values.shape, np.uint32(key))
        rounded = _rounding.to_bfloat16(values, noise).astype(jnp.float32)
        rounded = np.float64(rounded)
        assert len(np.unique(rounded)) == 2
        error = rounded.std() / np.sqrt(count)
        assert abs(rounded.mean() - np.float32(value)) <= 5 * error


def test_bfloat16_numbers_stay():
    bits = jnp.arange(2**16, dtype=jnp.uint32).astype(jnp.uint16)
    every = jax.lax.bitcast_convert_type(bits, jnp.bfloat16)
    noise = jnp.full(every.shape, 2**32 - 1, jnp.uint32)
    rounded = _rounding.to_bfloat16(every.astype(jnp.float32), noise)
    np.testing.assert_array_equal(np.float32(rounded), np.float32(every))


def test_neighbours_have_noise_of_their_own():
    """Neighbours on any axis, and one place under two keys, are uncorrelated."""
    shape = (64, 64, 64)
    one, two = (
        np.float64(_rounding.noise(shape, np.uint32(key))) / 2**32 - 0.5
        for key in (0, 1)
    )
    pairs = [(one, two)]
    pairs += [(one, np.roll(one, 1, axis)) for axis in range(3)]
    for a, b in pairs:
        assert abs((a * b).mean() * 12) <= 5 / np.sqrt(a.size)


def test_what_is_stored_how():
    params = {
        "large": jnp.ones((4, 2048)),
        "small": jnp.ones(4095),
        "half": jnp.ones(8192, jnp.float16),
        "brain": jnp.ones(8192, jnp.bfloat16),
        "complex": jnp.ones(8192, jnp.complex64),
    }
    optimizer = optax.chain(
        optax.adam(1e-3), optax.ema(0.9), ox.scale_by_heun(), ox.lookahead()
    )
    before = optimizer.init(params)
    for format in STRIDES:
        after = ox.quantize_state(optimizer, format).init(params).inner
        leaves, _ = jax.tree.flatten(before)
        stored = jax.tree.leaves(after, is_leaf=lambda n: isinstance(n, ox.Blocks))
        paths = [path for path, _ in jax.tree_util.tree_leaves_with_path(before)]
        for path, old, new in zip(paths, leaves, stored, strict=True):
            name = jax.tree_util.keystr(path)
            few = ("large" in name or "brain" in name) and ".slow" not in name
            if few and format == "int8":
                assert new.codes.shape == old.shape
                assert new.floors.shape == (*old.shape[:-1], old.shape[-1] // 32)
            else:
                assert new.shape == old.shape
                assert new.dtype == (jnp.bfloat16 if few else old.dtype), name


def test_double_precision_stays(x64):
    params = jnp.ones(8192)
    state = ox.quantize_state(optax.adam(1e-3), "int8").init(params)
    chex.assert_trees_all_equal_dtypes(state.inner, optax.adam(1e-3).init(params))


@every_format
@every_recipe
def test_updates_are_near_those_of_float32(recipe, format):
    """On average over elements; a single one is as far as the noise of its moments."""
    params = jnp.zeros(4096)
    noise = np.random.default_rng(0).normal(size=(100, params.size))
    gradients = jnp.float32(np.sign(np.arange(params.size) % 2 - 0.5) + noise)
    _, exact = train(recipe(1.0), params, gradients)
    _, updates = train(quantize_all(recipe(1.0), format), params, gradients)
    difference = np.abs(np.asarray(updates - exact)[20:])
    assert 0 < difference.mean() <= 2 * STRIDES[format] * np.abs(exact).mean()
    # Where it goes is that of float32, on average over the two kinds of elements.
    for kind in (slice(0, None, 2), slice(1, None, 2)):
        way, exact_way = (
            np.float64(some)[20:, kind].sum(0) for some in (updates, exact)
        )
        error = (way - exact_way).std() / np.sqrt(way.size)
        drift = STRIDES[format] ** 2 * abs(exact_way.mean())
        assert abs((way - exact_way).mean()) <= 5 * error + drift


@every_format
def test_slow_averages_move(format):
    """Rounded to nearest, an average that moves by 1e-3 a step would stand still."""
    params = jnp.zeros(4096)
    gradients = (
        jnp.ones((3000, params.size))
        * jnp.where(jnp.arange(3000) < 1000, 2, 1)[:, None]
    )
    transformation = optax.scale_by_rms(decay=0.999)
    state, _ = train(transformation, params, gradients)
    stored, _ = train(quantize_all(transformation, format), params, gradients)
    nu = optax.tree.get(stored, "nu")
    nu = decoded(nu)
    mean, exact = np.float64(nu).mean(), float(state.nu[0])
    # 1 standard deviation of an element is sqrt(stride / 2) at most, of 4096 1/64.
    np.testing.assert_allclose(mean, exact, rtol=5 * np.sqrt(STRIDES[format]) / 64)


@every_format
def test_noise_depends_on_the_seed_the_step_and_the_field(format):
    params = jnp.zeros(4096)
    gradient = jnp.full(params.size, 0.6)

    def rounded_up(seed):
        """Where mu and nu, between two neighbours, went up in each of two steps."""
        optimizer = quantize_all(optax.scale_by_adam(0.0, 0.0), format, seed=seed)
        state, found = optimizer.init(params), []
        for _ in range(2):
            _, state = optimizer.update(gradient, state)
            for name in ("mu", "nu"):
                leaf = np.float32(decoded(optax.tree.get(state, name)))
                assert len(np.unique(leaf)) == 2
                found.append(leaf == leaf.max())
        return found

    found = rounded_up(0)
    np.testing.assert_array_equal(found, rounded_up(0))
    # Two that do not know each other differ in about half of the places.
    for one, other in itertools.combinations(found + rounded_up(1), 2):
        assert 0.4 < (one != other).mean() < 0.6


@every_format
def test_momentum_of_reads_what_is_stored(format):
    """Inside and outside of `rectify`, while it steps along the momentum."""
    gradient = jnp.linspace(-1.0, 2.0, 64)
    adaptive, momentum = ox.scale_by_adam(), ox.momentum_of(0.9)
    for optimizer in (
        ox.rectify(quantize_all(adaptive, format), momentum, b2=0.999),
        quantize_all(ox.rectify(adaptive, momentum, b2=0.999), format),
    ):
        state = optimizer.init(gradient)
        for step in range(1, 5):
            updates, state = optimizer.update(gradient, state)
            stored = optax.tree.get(state, "mu")
            mu = np.float64(decoded(stored))
            exact = 1 - 0.9**step
            np.testing.assert_allclose(updates, mu / exact, rtol=1e-6)
            # Of each step at most one stride is lost.
            loss = step * STRIDES[format] * np.abs(gradient)
            assert (np.abs(mu - exact * gradient) <= loss).all()


@every_format
def test_lookahead_inside_synchronises_bit_for_bit(format):
    params = {"w": jnp.linspace(0.1, 1.0, 8192)}
    optimizer = ox.quantize_state(
        optax.chain(ox.adabelief(0.1), ox.lookahead(3)), format
    )
    state, update = optimizer.init(params), jax.jit(optimizer.update)
    for step in range(1, 7):
        updates, state = update(params, state, params)
        params = optax.apply_updates(params, updates)
        slow = ox.slow_params(state, params)
        assert (slow["w"] == params["w"]).all() == (step % 3 == 0)


@every_format
@pytest.mark.parametrize("adam", [optax.adam, ox.adamd])
def test_no_step_is_infinite(adam, format):
    """A huge gradient beside small ones, which then go on alone; without any eps."""
    places = np.arange(64)
    sizes = np.where(places % 32 == 0, 1e6, 10.0 ** -(places % 16))
    gradients = np.concatenate([np.tile(sizes, (3, 1)), np.full((100, 64), 1e-6)])
    gradients = jnp.float32(gradients * np.where(places % 2, 1, -1))
    optimizer = quantize_all(adam(1.0, eps=0.0), format)
    _, updates = train(optimizer, gradients[0], gradients)
    assert np.isfinite(updates).all()
    # Adam's own bound is (1 - b1) / sqrt(1 - b2), on top of which there is rounding.
    bound = (1 - 0.9) / np.sqrt(1 - 0.999) * (1 + STRIDES[format]) ** 2
    assert np.abs(updates).max() <= bound


def test_what_is_derived_passes_through_rounding():
    def end(rate):
        params, optimizer = jnp.ones(4), quantize_all(optax.trace(0.9))
        state = optimizer.init(params)
        for _ in range(3):
            updates, state = optimizer.update(rate * params, state, params)
        return updates.sum()

    # The trace of three gradients: 1 + 0.9 + 0.81 of each of four.
    np.testing.assert_allclose(jax.grad(end)(1.0), 4 * 2.71, rtol=STRIDES["bfloat16"])


@every_recipe
@every_format
@pytest.mark.skipif(jax.default_backend() != "cpu", reason="It is about XLA on CPU.")
def test_a_step_needs_no_further_buffer(recipe, format):
    if format == "bfloat16" and jax.__version_info__ < (0, 10):
        pytest.skip("Older ones copy a bfloat16 leaf that is read twice.")
    size = 2**16
    optimizer = ox.quantize_state(recipe(1e-3), format)

    def step(params, state, gradients):
        updates, state = optimizer.update(gradients, state, params)
        return optax.apply_updates(params, updates), state

    params = jnp.ones(size)
    donating = jax.jit(step, donate_argnums=(0, 1))
    program = donating.lower(params, optimizer.init(params), params).compile()
    assert not re.findall(rf"\w+\[{size}\]\S* copy\(", program.as_text())
    memory = program.memory_analysis()
    # Some numbers a block, of 32; not a byte an element.
    assert memory.temp_size_in_bytes < (size if format == "int8" else size // 32)
    assert memory.output_size_in_bytes - memory.alias_size_in_bytes < size // 32


@every_format
def test_init_under_jit_makes_nothing_wide(format):
    size = 2**16
    optimizer = ox.quantize_state(ox.adaderivative(1e-3), format)
    program = jax.jit(optimizer.init).lower(jnp.ones(size)).compile()
    memory = program.memory_analysis()
    assert memory.temp_size_in_bytes < size
    assert memory.output_size_in_bytes < 3 * size * (
        2.1 if format == "bfloat16" else 1.1
    )


def test_eight_devices() -> None:
    tests = Path(__file__).with_name("eight_devices_quantized.py")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "0", "-q", str(tests)],
        capture_output=True,
        text=True,
        env={**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=8"},
    )
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"format": "bfloat"},
            ValueError,
            r"format must be one of 'bfloat16', 'int8', got 'bfloat'; did you mean",
        ),
        (
            {"format": "int8", "block_size": 48},
            ValueError,
            "block_size must be a power of two, got 48",
        ),
        (
            {"format": "int8", "block_size": 0},
            ValueError,
            "block_size must be at least 1, got 0",
        ),
        (
            {"format": "int8", "block_size": 32.0},
            TypeError,
            "block_size must be an integer, got 32.0",
        ),
        (
            {"block_size": 32},
            ValueError,
            "block_size must be None with format='bfloat16', which has no blocks, got",
        ),
        ({"min_size": 0}, ValueError, "min_size must be at least 1, got 0"),
        ({"keep": "slow"}, TypeError, "keep must be a list of names, got 'slow'"),
        ({"seed": -1}, ValueError, "seed must be at least 0, got -1"),
        ({"seed": 0.5}, TypeError, "seed must be an integer, got 0.5"),
    ],
)
def test_bad_input(arguments, error, message):
    with pytest.raises(error, match=f"quantize_state: {message}"):
        ox.quantize_state(optax.adam(1e-3), **arguments)


def test_bad_inner():
    with pytest.raises(TypeError, match="quantize_state: inner must be a Gradient"):
        ox.quantize_state(optax.adam)
    none = "quantize_state: the state of inner must have floating leaves, got "
    for inner, found in (
        (optax.sgd(0.1), "nothing"),
        (optax.sgd(lambda count: 0.1), "int32"),
    ):
        with pytest.raises(ValueError, match=none + found):
            ox.quantize_state(inner).init(jnp.ones(3))
    with pytest.raises(ValueError, match="inner must not be in blocks, got Blocks"):
        quantize_all(quantize_all(optax.adam(1e-3), "int8")).init(jnp.ones(3))
