"""State in few bits: what is stored how, and that training does not see it."""

import functools
import itertools
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import optax.contrib
import pytest

import optax_extra as ox
from optax_extra import _rounding
from optax_extra._block_code import decode_all as decoded

# What a number may differ by once it is stored.
STRIDES = {"bfloat16": 2.0**-7, "int8": 2.0**-3}

every_format = pytest.mark.parametrize("format", STRIDES)
RECIPES = [ox.adaderivative, ox.adabelief, ox.radam, ox.lion, optax.adam, optax.rmsprop]


def recipe_name(recipe):
    how = "jitted-" if hasattr(recipe, "__wrapped__") else ""
    return f"{how}{recipe.__module__.partition('.')[0]}.{recipe.__name__}"


every_recipe = pytest.mark.parametrize("recipe", RECIPES, ids=recipe_name)

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


def test_what_is_finite_stays_finite():
    largest = jnp.finfo(jnp.float32).max
    nan = np.uint32([0x7FC00000, 2**31 - 1, 2**32 - 1]).view(np.float32)
    rest = np.float32([largest, -largest, np.inf, -np.inf])
    values = jnp.asarray(np.concatenate([rest, nan]))
    noise = jnp.full(values.shape, 2**32 - 1, jnp.uint32)
    rounded = np.float32(_rounding.to_bfloat16(values, noise))
    greatest = np.float32(jnp.finfo(jnp.bfloat16).max)
    expected = [greatest, -greatest, np.inf, -np.inf, *nan]
    np.testing.assert_array_equal(rounded, expected)


def test_a_format_may_be_its_dtype():
    params = jnp.ones(4096)
    for name, dtype in [("bfloat16", jnp.bfloat16), ("int8", np.int8)]:
        given, named = (ox.quantize_state(optax.trace(0.9), f) for f in (dtype, name))
        chex.assert_trees_all_equal(given.init(params), named.init(params), strict=True)


@every_format
def test_a_saturated_moment_comes_back(format):
    """The first gradients' squares are beyond the greatest float32."""
    params = jnp.zeros(32)
    sizes = jnp.concatenate([jnp.full(200, 1e25), jnp.ones(900)])
    gradients = sizes[:, None] * jnp.ones((1, 32))
    optimizer = quantize_all(ox.scale_by_adam(0.9, 0.9), format)
    _, updates = train(optimizer, params, gradients)
    np.testing.assert_allclose(updates[-1].mean(), 1, rtol=2 * STRIDES[format])


@every_format
@pytest.mark.parametrize("recipe", [optax.adam, ox.adabelief, optax.rmsprop])
@pytest.mark.parametrize("odd", [np.nan, 1e4])
def test_one_odd_gradient_does_not_touch_its_neighbours(recipe, format, odd):
    """No number at all, or large, in the block of others that learn on."""
    noise = np.random.default_rng(0).normal(size=(300, 32))
    gradients = np.float32(1 + 0.1 * noise)
    gradients[10, 0] = odd
    gradients = jnp.asarray(gradients)
    params = jnp.zeros(32)
    _, exact = train(recipe(0.01), params, gradients)
    _, updates = train(quantize_all(recipe(0.01), format), params, gradients)
    way, exact_way = (
        np.float64(some)[:, 1:].sum(0).mean() for some in (updates, exact)
    )
    np.testing.assert_allclose(way, exact_way, rtol=STRIDES[format])


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


class Weights(NamedTuple):
    """Params with fields of their own, of which one is called as Optax's weights."""

    z: Any
    w: Any


def test_fields_of_params_are_not_those_of_the_state():
    params = Weights(jnp.ones(64), jnp.ones(64))
    for optimizer in optax.trace(0.9), optax.chain(optax.trace(0.9), ox.lookahead()):
        state = quantize_all(optimizer).init(params).inner
        dtypes = {leaf.dtype for leaf in optax.tree.get(state, "trace")}
        assert dtypes == {jnp.dtype(jnp.bfloat16)}
    assert {leaf.dtype for leaf in state[1].slow} == {jnp.dtype(jnp.float32)}


def test_params_may_be_called_as_blocks_are():
    params = {"codes": jnp.ones(64), "floors": jnp.ones(64)}
    for optimizer in ox.radam(1e-3), quantize_all(ox.radam(1e-3), "int8"):
        updates, _ = optimizer.update(params, optimizer.init(params), params)
        chex.assert_trees_all_equal_shapes_and_dtypes(updates, params)


@every_format
def test_init_alone_decides_by_size(format):
    """A device sees a part of a leaf, and a caller of `vmap(init)` many together."""
    optimizer = ox.quantize_state(optax.trace(0.9), format, min_size=64)
    large = jnp.ones((8, 32))
    many = jax.vmap(optimizer.init)(large)
    whole = optimizer.init(large)
    for leaf, state in (
        (large, many._replace(count=whole.count)),
        (large[:1], whole._replace(inner=jax.tree.map(lambda x: x[:1], whole.inner))),
    ):
        _, after = optimizer.update(leaf, state)
        chex.assert_trees_all_equal_shapes_and_dtypes(after, state)


@every_format
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
@pytest.mark.parametrize(
    "inner",
    [optax.adam, optax.lion, lambda rate: optax.apply_if_finite(optax.adam(rate), 3)],
    ids=["adam", "lion", "apply_if_finite"],
)
def test_whatever_the_dtype_of_params(inner, dtype, format):
    """Steps of a rate each, in the dtype of gradients; small leaves among them."""
    params = {
        "w": jnp.ones(64, dtype),
        "b": jnp.ones(3, dtype),
        "s": jnp.ones((), dtype),
    }
    optimizer = ox.quantize_state(inner(2.0**-6), format, min_size=64)
    gradients = jax.tree.map(lambda leaf: jnp.ones((50, *leaf.shape), dtype), params)
    _, updates = train(optimizer, params, gradients)
    chex.assert_trees_all_equal_dtypes(updates, params)
    for leaf in jax.tree.leaves(updates):
        mean = np.float64(leaf[20:]).mean()
        np.testing.assert_allclose(mean, -(2.0**-6), rtol=2 * STRIDES[format])


@pytest.mark.parametrize(
    ("inner", "field"),
    [
        (optax.contrib.schedule_free_sgd(), "z"),
        (optax.contrib.dog(), "init_params"),
        (optax.contrib.prodigy(), "params0"),
        (optax.contrib.cocob(), "init_particles"),
        (optax.contrib.mechanize(optax.adam(1e-3)), "x0"),
        (optax.rprop(1e-3), "step_sizes"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_average_is_kept(inner, field):
    state = quantize_all(inner, "int8").init(jnp.ones(64))
    assert optax.tree.get(state, field).dtype == jnp.float32


@every_format
def test_lbfgs_keeps_its_weights(format):
    def height(params):
        return 0.5 * jnp.sum(jnp.linspace(1.0, 10.0, 64) * (params - 1) ** 2)

    optimizer = quantize_all(optax.lbfgs(), format)

    def step(carry, _):
        params, state = carry
        value, gradient = optax.value_and_grad_from_state(height)(
            params, state=state.inner
        )
        updates, state = optimizer.update(
            gradient, state, params, value=value, grad=gradient, value_fn=height
        )
        return (optax.apply_updates(params, updates), state), None

    params = jnp.zeros(64)
    (params, _), _ = jax.lax.scan(step, (params, optimizer.init(params)), length=30)
    np.testing.assert_allclose(params, 1, atol=1e-5)


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
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_lookahead_inside_synchronises_bit_for_bit(format, dtype):
    params = {"w": jnp.linspace(0.1, 1.0, 8192, dtype=dtype)}
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


@pytest.mark.parametrize(
    ("format", "expected"),
    [
        ("bfloat16", 4 * 2.71),  # Three gradients of four: 1 + 0.9 + 0.81 of each.
        ("int8", 4),  # The newest alone.
    ],
)
def test_what_is_derived_passes_through_rounding(format, expected):
    def end(rate):
        params, optimizer = jnp.ones(4), quantize_all(optax.trace(0.9), format)
        state = optimizer.init(params)
        for _ in range(3):
            updates, state = optimizer.update(rate * params, state, params)
        return updates.sum()

    np.testing.assert_allclose(jax.grad(end)(1.0), expected, rtol=STRIDES["bfloat16"])


def jitted(recipe):
    """The recipe with an `update` that is compiled by itself."""

    @functools.wraps(recipe)
    def make(*args, **kwargs):
        made = recipe(*args, **kwargs)
        return optax.GradientTransformation(made.init, jax.jit(made.update))

    return make


@every_format
@pytest.mark.parametrize(
    "inner",
    [
        optax.trace(0.9),
        optax.trace(0.9, accumulator_dtype=jnp.bfloat16),
        jitted(optax.trace)(0.9),
        jitted(jitted(optax.trace))(0.9),
    ],
    ids=["plain", "cast", "jitted", "twice"],
)
def test_steps_are_taken_from_what_is_stored(inner, format):
    gradient = jnp.linspace(0.1, 1.0, 64)
    optimizer = quantize_all(inner, format)
    updates, state = optimizer.update(gradient, optimizer.init(gradient))
    np.testing.assert_array_equal(updates, decoded(state.inner).trace)
    assert (updates != gradient).any()


@pytest.mark.parametrize("recipe", [*RECIPES, jitted(optax.adam)], ids=recipe_name)
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
        ({"keep": None}, TypeError, "keep must be a list of names, got None"),
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
    unknown = "keep must name fields of the state of inner, got 'nv'; it has count, mu"
    with pytest.raises(ValueError, match=f"quantize_state: {unknown}, nu"):
        ox.quantize_state(optax.adam(0.1), keep=("nu", "nv")).init(jnp.ones(3))
    with pytest.raises(ValueError, match="inner must not be in blocks, got Blocks"):
        quantize_all(quantize_all(optax.adam(1e-3), "int8")).init(jnp.ones(3))
