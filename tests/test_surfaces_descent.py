"""Descents and grids of learning rates: the numbers behind the pictures."""

import pkgutil

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import surfaces
from surfaces import ROSTER, SURFACES, Surface, descend, learning_rates
from surfaces.grid import learning_rates_on_all

EPS = np.finfo(np.float32).eps
BOWL = Surface(lambda p: (p**2).sum(), name="bowl")


def by_hand(optimizer, surface, steps):
    """The same descent as an eager loop."""
    position = jnp.asarray(surface.start)
    state = optimizer.init(position)
    positions = [position]
    for _ in range(steps):
        updates, state = optimizer.update(jax.grad(surface)(position), state, position)
        position = optax.apply_updates(position, updates)
        positions.append(position)
    return jnp.stack(positions)


@pytest.mark.parametrize("name", ROSTER)
def test_path_equals_the_eager_loop(name):
    optimizer = ROSTER[name](0.05)
    path = descend(optimizer, SURFACES["sphere"], steps=12)
    expected = by_hand(optimizer, SURFACES["sphere"], 12)
    # A step rounds about ten times, and twelve add up.
    np.testing.assert_allclose(path.positions, expected, atol=120 * EPS)
    np.testing.assert_allclose(
        path.values, jax.vmap(SURFACES["sphere"])(path.positions), rtol=8 * EPS
    )


def test_path_begins_at_the_start():
    path = descend(optax.sgd(0.1), BOWL, steps=3, start=(0.5, -0.25))
    assert path.positions.shape == (4, 2)
    assert path.values.shape == (4,)
    np.testing.assert_array_equal(path.positions[0], [0.5, -0.25])
    assert path.values[0] == 0.3125


@pytest.mark.parametrize(
    "optimizer",
    [
        optax.polyak_sgd(),
        optax.lbfgs(),
        optax.chain(optax.sgd(1.0), optax.scale_by_backtracking_linesearch(9)),
        optax.chain(optax.sgd(0.4), optax.contrib.reduce_on_plateau()),
    ],
    ids=["polyak_sgd", "lbfgs", "linesearch", "plateau"],
)
def test_optimizers_that_ask_for_the_value_or_the_function(optimizer):
    assert descend(optimizer, BOWL, steps=20).values[-1] < 1e-6


def test_optimizers_that_ask_for_other_gradients_do_not_fit():
    sam = optax.contrib.sam(optax.sgd(0.1), optax.sgd(0.1))
    with pytest.raises(TypeError, match="value"):
        descend(sam, BOWL)


def test_nan_stays_nan():
    cliff = Surface(
        lambda p: jnp.where(p[0] > 0, jnp.nan, p[0] * -1.0), name="cliff", minima=()
    )
    path = descend(optax.sgd(0.4), cliff, steps=8, start=(-1.0, 0.0))
    assert np.isfinite(path.values[:3]).all()
    assert np.isnan(path.values[-1])


def test_learning_rates_equal_single_descents():
    rates = np.array([0.01, 0.03, 0.1])
    swept = learning_rates(optax.sgd, SURFACES["rosenbrock"], rates, steps=10)
    for rate, positions in zip(rates, swept.positions, strict=True):
        path = descend(optax.sgd(rate), SURFACES["rosenbrock"], steps=10)
        # The rate is rounded to float32 in the grid; ten steps magnify that.
        np.testing.assert_allclose(positions, path.positions, atol=1e3 * EPS)


def test_the_best_rate_ends_in_the_window():
    tilted = Surface(lambda p: p[0], name="tilted", minima=())
    swept = learning_rates(optax.sgd, tilted, [1e-3, 1e-2, 1.0], steps=5)
    np.testing.assert_array_equal(swept.inside, [True, True, False])
    assert swept.best == 1  # The third ends lower, but outside.


def test_no_best_rate_where_all_leave():
    tilted = Surface(lambda p: p[0], name="tilted", minima=())
    assert learning_rates(optax.sgd, tilted, [10.0, 20.0], steps=5).best is None


def test_a_path_does_not_keep_the_others():
    swept = learning_rates(optax.sgd, BOWL, [0.1, 0.2, 0.3], steps=4)
    path = swept.path(1)
    np.testing.assert_array_equal(path.positions, swept.positions[1])
    np.testing.assert_array_equal(path.values, swept.values[1])
    assert path.positions.base is None
    assert path.values.base is None


def test_racers_pace_themselves_by_the_steps_of_the_grid():
    racer = ROSTER["lion_cosine"]
    swept = learning_rates(racer, SURFACES["sphere"], [0.1], steps=30)
    path = descend(racer(0.1, steps=30), SURFACES["sphere"], steps=30)
    # The rate is rounded to float32 in the grid; every step rounds anew.
    np.testing.assert_allclose(swept.positions[0], path.positions, atol=300 * EPS)
    # The last step is that of the cosine's end, next to nothing.
    assert np.abs(swept.positions[0, -1] - swept.positions[0, -2]).max() < 1e-3


def test_a_step_that_would_not_end_is_not_begun():
    """Heun's predictor would end lower here: the bowl is one step away."""
    even, odd = (
        learning_rates(ROSTER["heun"], BOWL, [0.1, 0.5], steps=steps)
        for steps in (6, 7)
    )
    np.testing.assert_array_equal(odd.positions[:, :7], even.positions)
    np.testing.assert_array_equal(odd.positions[:, 7], even.positions[:, 6])
    np.testing.assert_array_equal(odd.values[:, 7], even.values[:, 6])
    assert odd.best == even.best


def test_surfaces_share_one_program():
    traces = []

    def factory(learning_rate):
        traces.append(learning_rate)
        return optax.sgd(learning_rate)

    pair = [SURFACES["sphere"], SURFACES["rosenbrock"]]
    swept = learning_rates_on_all(factory, pair, [0.1, 0.2], steps=3)
    assert len(traces) == 1
    assert [s.positions.shape for s in swept] == [(2, 4, 2)] * 2


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: descend(0.1, BOWL), TypeError, "optimizer must be a Gradient"),
        (lambda: descend(optax.sgd(1.0), abs), TypeError, "surface must be a Surface"),
        (
            lambda: descend(optax.sgd(1.0), BOWL, steps=0),
            ValueError,
            "steps must be an integer from 1, got 0",
        ),
        (
            lambda: descend(optax.sgd(1.0), BOWL, steps=2.5),
            ValueError,
            "steps must be an integer from 1, got 2.5",
        ),
        (
            lambda: descend(optax.sgd(1.0), BOWL, start=(1, 2, 3)),
            ValueError,
            r"start must be a point \(x, y\), got \(1, 2, 3\)",
        ),
        (
            lambda: learning_rates(optax.sgd, BOWL, [0.1, -1.0]),
            ValueError,
            "rates must be a row of positive finite numbers",
        ),
        (
            lambda: learning_rates(optax.sgd, BOWL, [0.1, 1e39]),
            ValueError,
            r"numbers, from 1\.2e-38 to 3\.4e\+38, got \[0\.1, 1e\+39\]",
        ),
        (
            lambda: learning_rates(optax.sgd, BOWL, [1e-60]),
            ValueError,
            r"numbers, from 1\.2e-38 to 3\.4e\+38, got \[1e-60\]",
        ),
        (
            lambda: learning_rates(optax.sgd, BOWL, 0.1),
            ValueError,
            "rates must be a row of positive finite numbers",
        ),
        (
            lambda: learning_rates(0.1, BOWL, [0.1]),
            TypeError,
            "factory must be a function of a learning rate",
        ),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_public_names():
    assert all(hasattr(surfaces, name) for name in surfaces.__all__)
    modules = {module.name for module in pkgutil.iter_modules(surfaces.__path__)}
    assert not modules & set(surfaces.__all__)
