"""Eight bits: what comes back is near, has its sign, and is right on average."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optax_extra import _block_code, _rounding

STRIDE = 1 / 8  # Between neighbours, at most, of the smaller one.
CODES = {"signed": 125, "unsigned": 253}  # of finite numbers
LENGTH = 40
TINY = float(np.finfo(np.float32).tiny)

a_float = functools.partial(st.floats, width=32, allow_nan=False)
floats = st.lists(a_float(allow_infinity=False), min_size=LENGTH, max_size=LENGTH)
sizes = st.sampled_from([1, 4, 32])


@functools.partial(jax.jit, static_argnums=2)
def encode(values, key, size):
    return _block_code.encode(values, _rounding.noise(values.shape, key), size)


def there_and_back(values, size=32, key=0):
    values = jnp.asarray(values, jnp.float32)
    return np.asarray(_block_code.decode(encode(values, np.uint32(key), size)))


def float_of_bits(bits):
    return float(np.uint32(bits).view(np.float32))


def blocks_of(values, size):
    return [values[start : start + size] for start in range(0, len(values), size)]


@settings(deadline=None, max_examples=50)
@given(floats, sizes, st.integers(0, 2**32 - 1))
def test_error_by_block(values, size, key):
    """Within one stride, or below the range of the block within its least number."""
    values = np.float32(values)
    found = there_and_back(values, size, key)
    for exact, rounded in zip(
        blocks_of(values, size), blocks_of(found, size), strict=True
    ):
        kind = "signed" if (exact < 0).any() else "unsigned"
        top = -(-int(np.abs(exact).max().view(np.uint32)) // 2**20)
        least = float_of_bits((max(top - CODES[kind], 0) + 1) * 2**20)
        # Denormal numbers are equally far from each other, as they are in float32.
        error = np.maximum(STRIDE * np.abs(np.float64(exact)), float_of_bits(2**20))
        error = np.maximum(error, least)
        assert (np.abs(np.float64(rounded) - exact) <= error).all()
        assert (rounded * np.sign(exact) >= 0).all()
        assert np.isfinite(rounded).all()


@settings(deadline=None, max_examples=50)
@given(floats, sizes, st.integers(0, 2**32 - 1))
def test_what_was_decoded_stays(values, size, key):
    """Whatever the noise; so a state at rest does not wander."""
    once = there_and_back(values, size)
    np.testing.assert_array_equal(there_and_back(once, size, key), once)


@settings(deadline=None, max_examples=50)
@given(floats, sizes)
def test_second_moments_are_never_negative_and_never_vanish(values, size):
    squares = np.square(np.float64(values)).clip(0, 3e38).astype(np.float32)
    found = there_and_back(squares, size)
    assert (np.signbit(found) == 0).all()
    np.testing.assert_array_equal(found > 0, squares > 0)


def test_zeros():
    codes, floors = encode(jnp.zeros(LENGTH), np.uint32(0), 32)
    assert not codes.any()
    assert (codes.shape, floors.shape) == ((LENGTH,), (2,))
    assert not there_and_back(-np.zeros(LENGTH)).any()
    mixed = there_and_back([-0.0, 1.0, 0.0, -0.0])
    np.testing.assert_array_equal(mixed, [0, 1, 0, 0])


@pytest.mark.parametrize("value", [1.0, -1.0, 1.125, 2.0**-100, 3e-39, -1e38, 0.3])
def test_all_equal(value):
    """In steps of an eighth of an octave exactly, else to both neighbours."""
    found = np.unique(there_and_back(np.full(4096, value, np.float32), 128))
    exact = np.float32(value).view(np.uint32) % 2**20 == 0
    assert len(found) == (1 if exact else 2)
    assert abs(found).min() <= abs(np.float32(value)) <= abs(found).max()


def test_one_outlier_spoils_its_own_block_alone():
    values = np.ones(64, np.float32)
    values[3] = 1e30
    found = there_and_back(values, 32)
    np.testing.assert_allclose(found[3], 1e30, rtol=STRIDE)
    np.testing.assert_array_equal(found[32:], 1)
    # Of the others at least something is left of a second moment.
    assert (found[:32] > 0).all()
    values[0] = -1.0
    found = there_and_back(values, 32)
    assert set(np.unique(found[:3])) <= {0, -1}


def test_denormals():
    values = np.float32([1e-45, 1e-40, 3e-39, 1e-38])
    found = there_and_back(values)
    assert (found.view(np.uint32) > 0).all()
    assert (found <= 2 * TINY).all()


@pytest.mark.parametrize(
    "bits", [0x7F800000, 0xFF800000, 0x7FC00000, 2**31 - 1, 2**32 - 1]
)
def test_no_numbers_stay_what_they_are_and_alone(bits):
    """Infinities, and NaN of several processors."""
    special = np.uint32(bits).view(np.float32)
    values = np.float32(2.0) ** -np.arange(64)
    values[40] = 0
    without = there_and_back(values, 32)
    values[40] = special
    found = there_and_back(values, 32)
    np.testing.assert_array_equal(found[40], special)
    # Of all these only -inf has a sign, for which its block gives half of its range.
    rest = np.arange(64) != 40
    rest[32:] &= not np.isneginf(special)
    np.testing.assert_array_equal(found[rest], without[rest])


@pytest.mark.parametrize("length", [1, 7, 31, 32, 33, 65, 1000])
@pytest.mark.parametrize("size", [1, 4, 32, 256])
def test_lengths_that_the_block_does_not_divide(length, size):
    """Every number has its block: decades apart, so that a wrong one would show."""
    count = -(-length // size)
    scale = np.repeat(10.0 ** -(np.arange(count) % 60 - 30.0), size)[:length]
    values = np.float32(scale * np.where(np.arange(length) % 2, 1, -1.3))
    codes, floors = encode(jnp.tile(values, (2, 3, 1)), np.uint32(0), size)
    assert codes.shape == (2, 3, length)
    assert floors.shape == (2, 3, count)
    assert (codes.dtype, floors.dtype) == (np.uint8, np.int16)
    found = np.asarray(_block_code.decode((codes, floors)))
    np.testing.assert_allclose(found, np.tile(values, (2, 3, 1)), rtol=STRIDE)


@pytest.mark.parametrize(
    ("value", "beside"), [(0.3, 1.0), (0.3, -1.0), (1e-6, -1.0), (1e-8, 1.0)]
)
def test_right_on_average(value, beside):
    """Also below the range of a block with a sign: to zero or to its least number."""
    count = 10**6
    values = np.tile(np.float32([value, beside]), (count, 1))
    found = np.float64(there_and_back(values, 2)[:, 0])
    assert len(np.unique(found)) == 2
    error = found.std() / np.sqrt(count)
    assert abs(found.mean() - np.float32(value)) <= 5 * error
