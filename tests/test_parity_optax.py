"""Any call that is valid for Optax's namesake gives Optax's updates."""

import functools
import inspect

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import optax_extra as ox

STEPS = 50
NAMESAKES = ("scale_by_adam", "scale_by_belief", "adabelief", "radam", "lion")


def call(name, *args, **kwargs):
    def text(value):
        return getattr(value, "__name__", repr(value))

    values = [*map(text, args), *(f"{key}={text(kwargs[key])}" for key in kwargs)]
    return pytest.param(name, args, kwargs, id=f"{name}({', '.join(values)})")


def falling(count):
    return 0.3 / (1 + 0.1 * count)


def matrices(params):
    return jax.tree.map(lambda leaf: leaf.ndim > 1, params)


# Optax's own 1 - b2^t is off by eps / (1 - b2), which for 1e-12 ends b2 at 0.999. With
# eps = eps_root = 0 Optax is NaN where a gradient was always zero.
EXACT = [
    call("scale_by_adam"),
    call("scale_by_adam", 0.8),
    call("scale_by_adam", 0.8, 0.99),
    call("scale_by_adam", 0.8, 0.99, 1e-4, 1e-6, None),
    call("scale_by_adam", b1=0),
    call("scale_by_adam", b1=0.0, b2=0.0, nesterov=True),
    call("scale_by_adam", b2=0.5, eps=1.0),
    call("scale_by_adam", eps=0.0, eps_root=1e-8),
    call("scale_by_adam", eps=0.0, eps_root=1e-8, nesterov=True),
    call("scale_by_adam", 0.95, nesterov=True),
    call("scale_by_adam", np.float64(0.7), np.float64(0.75), mu_dtype="float64"),
    call("scale_by_belief"),
    call("scale_by_belief", 0.8, 0.99, 1e-8, 0.0),
    call("scale_by_belief", b1=0.0, b2=0.9, eps=1e-3, eps_root=1e-3),
    call("scale_by_belief", b2=0.0, eps_root=1e-6),
    call("scale_by_belief", eps=0, eps_root=1e-16),
    call("scale_by_belief", eps=1e-8, eps_root=0, nesterov=True),
    call("scale_by_belief", 0.95, 0.98, nesterov=True),
    call("adabelief", 0.1),
    call("adabelief", 0.1, 0.8, 0.99, 1e-8, 0.0),
    call("adabelief", learning_rate=0.1, nesterov=True),
    call("adabelief", falling, eps_root=1e-8),
    call("radam", 0.1),
    call("radam", 0.1, 0.8, 0.99, 1e-4, 1e-6, 4.5),
    call("radam", learning_rate=0.1, b1=0.0, threshold=20),
    call("radam", 0.1, b2=0.5),
    call("radam", 0.1, b2=0.0),
    call("radam", 0.1, b2=0.7, nesterov=True),
    call("radam", falling, eps=0.0, eps_root=1e-8, nesterov=True),
    call("lion", 0.1),
    call("lion", 0.1, 0.8, 0.95),
    call("lion", 0.1, 0.99, 0.9, None, 0.0),
    call("lion", 0.1, b1=0.0, b2=0.0),
    call("lion", falling, weight_decay=falling),
    call("lion", 0.1, weight_decay=0.3, mask={"a": True, "b": False, "still": True}),
    call("lion", 0.1, 0.9, 0.99, None, falling, matrices),
]
NESTEROV = [(name, {"nesterov": True}) for name in NAMESAKES if name != "lion"]
VARIANTS = [(name, {}) for name in NAMESAKES] + NESTEROV


def normal(seed, dtype=float):
    """A tree of which one leaf stays zero, to be used as params and as gradients."""
    parts = np.random.default_rng(seed).normal(size=(7, 2)) @ [1, 1j]
    numbers = jnp.asarray(parts if dtype is complex else parts.real)
    return {
        "a": numbers[0],
        "b": 1e-3 * numbers[1:].reshape(2, 3),
        "still": jnp.zeros(2, dtype),
    }


@functools.cache
def gradients(dtype=float):
    """One tree a step; at the eighth every gradient is zero."""
    trees = [normal(1 + step, dtype) for step in range(STEPS)]
    trees[7] = jax.tree.map(jnp.zeros_like, trees[7])
    return trees


def updates_of(optimizer, dtype=float):
    """The updates of all steps, each leaf with the steps in front."""

    @jax.jit
    def step(params, state, gradient):
        updates, state = optimizer.update(gradient, state, params)
        return updates, optax.apply_updates(params, updates), state

    params = normal(0, dtype)
    state, history = optimizer.init(params), []
    for gradient in gradients(dtype):
        updates, params, state = step(params, state, gradient)
        history.append(updates)
    return jax.tree.map(lambda *leaves: np.stack(leaves), *history)


def both(name, args, kwargs, **options):
    """The updates of our optimizer and of Optax's, made by one and the same call."""
    return (
        updates_of(getattr(library, name)(*args, **kwargs), **options)
        for library in (ox, optax)
    )


def assert_close(ours, theirs, tolerance):
    def check(mine, other):
        assert np.isfinite(other).all()
        np.testing.assert_allclose(mine, other, rtol=tolerance, atol=tolerance)

    jax.tree.map(check, ours, theirs)


@pytest.mark.parametrize(("name", "args", "kwargs"), EXACT)
def test_same_call_same_updates(name, args, kwargs, x64):
    assert_close(*both(name, args, kwargs), 1e-12)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_same_call_with_few_bits(dtype, x64):
    """One rounding of the stored momentum may go the other way."""
    ours, theirs = both("scale_by_adam", (), {"mu_dtype": dtype})
    assert_close(ours, theirs, float(jnp.finfo(dtype).eps))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_same_signs_with_few_bits(dtype, x64):
    """Lion's sign may differ only where rounding decides on that of the mixture."""
    b1, b2 = 0.3, 0.5
    ours, theirs = both("lion", (1.0, b1, b2, dtype), {"weight_decay": 0.0})

    def check(mine, other, *gradients):
        mu, mixtures = 0.0, []
        for gradient in gradients:
            mixtures.append(b1 * mu + (1 - b1) * gradient)
            mu = b2 * mu + (1 - b2) * gradient
        # Every step adds at most one eps to mu, and forgets half of what it had.
        noise = jnp.finfo(dtype).eps / (1 - b2) * np.abs(gradients).max()
        size = np.abs(mixtures)
        undecided = (size > 0) & (size < noise)
        assert undecided.mean() < 0.1
        np.testing.assert_array_equal(mine[~undecided], other[~undecided])

    jax.tree.map(check, ours, theirs, *gradients())


@pytest.mark.parametrize(("name", "kwargs"), VARIANTS)
def test_same_updates_of_complex_leaves(name, kwargs, x64):
    args = () if name.startswith("scale_by") else (0.1,)
    assert_close(*both(name, args, kwargs, dtype=complex), 1e-12)


NUMBERS = {
    "b1": st.floats(0, 0.999),
    "b2": st.floats(0, 0.999),
    "eps": st.floats(1e-16, 1.0),
    "eps_root": st.floats(1e-16, 1.0),
}
DRAWN = {
    "scale_by_adam": NUMBERS,
    "scale_by_belief": NUMBERS,
    "adabelief": {"learning_rate": st.floats(1e-6, 1.0), **NUMBERS},
    "radam": {
        "learning_rate": st.floats(1e-6, 1.0),
        "threshold": st.floats(4.1, 50),
        **NUMBERS,
    },
    "lion": {
        "learning_rate": st.floats(1e-6, 1.0),
        "b1": NUMBERS["b1"],
        "b2": NUMBERS["b2"],
        "weight_decay": st.floats(0, 1),
    },
}


@functools.cache
def compiled(library, name, **static):
    """All steps as one compiled function of the numbers."""

    def run(stacked, params, numbers):
        optimizer = getattr(library, name)(**numbers, **static)

        def step(carry, gradient):
            params, state = carry
            updates, state = optimizer.update(gradient, state, params)
            return (optax.apply_updates(params, updates), state), updates

        return jax.lax.scan(step, (params, optimizer.init(params)), stacked)[1]

    return jax.jit(run)


@pytest.mark.parametrize(("name", "static"), VARIANTS)
@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_same_updates_for_any_numbers(name, static, x64, data):
    numbers = data.draw(st.fixed_dictionaries(DRAWN[name]))
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *gradients())
    ours, theirs = (
        compiled(library, name, **static)(stacked, normal(0), numbers)
        for library in (ox, optax)
    )
    assert_close(ours, theirs, 1e-12)


@pytest.mark.parametrize("name", NAMESAKES)
def test_signature_extends_that_of_optax(name):
    ours, theirs = (
        list(inspect.signature(getattr(library, name)).parameters.values())
        for library in (ox, optax)
    )

    def essence(parameter):
        return parameter.name, parameter.default, parameter.kind

    known = {parameter.name for parameter in theirs}
    shared = [essence(parameter) for parameter in ours if parameter.name in known]
    assert shared == [essence(parameter) for parameter in theirs]
    extra = [parameter.kind for parameter in ours if parameter.name not in known]
    assert set(extra) <= {inspect.Parameter.KEYWORD_ONLY}
