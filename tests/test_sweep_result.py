"""Results: the best and the next best, means over seeds, divergence, files."""

from pathlib import Path
from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optax_extra import SweepResult, sweep

NAN, INF = float("nan"), float("inf")
RATES = jnp.array([0.1, 1.0, 10.0])
SEEDS = jax.random.split(jax.random.key(0), 4)


def noisy(rate: Any, seed: Any) -> dict[str, Any]:
    """Diverges at rate 10, and at rate 1 for one seed."""
    noise = jax.random.uniform(seed)
    lost = (rate > 5) | ((rate > 0.5) & (noise > 0.9 * jnp.max(uniforms())))
    return {"loss": jnp.where(lost, jnp.nan, rate + noise), "steps": jnp.int32(7)}


def uniforms() -> jax.Array:
    return jax.vmap(jax.random.uniform)(SEEDS)


@pytest.fixture
def result() -> SweepResult:
    return sweep(noisy, {"rate": RATES, "seed": SEEDS})


def loss(values: Any) -> Any:
    return values["loss"]


def test_diverged_is_counted(result: SweepResult) -> None:
    expected = np.zeros((3, 4), bool)
    expected[2] = True
    expected[1] = uniforms() > 0.9 * uniforms().max()
    np.testing.assert_array_equal(result.diverged, expected)
    assert repr(result).endswith(f"; {expected.sum()} of 12 diverged)")


def test_a_grid_where_all_diverged_says_so() -> None:
    result = sweep(lambda x: x * jnp.nan, {"x": RATES})
    assert repr(result) == "SweepResult(x: 3; values [3]; all diverged)"


def test_diverged_of_curves_integers_and_complex_numbers() -> None:
    values = {
        "curve": jnp.array([[1.0, 2.0], [NAN, 2.0], [1.0, 2.0], [1.0, 2.0]]),
        "count": jnp.arange(4),
        "phase": jnp.array([1j, 1j, complex(0, INF), 1j]),
        "half": jnp.array([1.0, 1.0, 1.0, -INF], jnp.bfloat16),
        "seed": SEEDS,
    }
    for module in jnp.asarray, np.asarray:
        held = {k: v if k == "seed" else module(v) for k, v in values.items()}
        result = SweepResult(held, (jnp.arange(4),), ("x",), (4,))
        np.testing.assert_array_equal(result.diverged, [False, True, True, True])


def test_diverged_under_jit() -> None:
    def count() -> Any:
        return sweep(lambda x: jnp.log(x), {"x": jnp.arange(-2.0, 3)}).diverged.sum()

    assert jax.jit(count)() == 3


def test_top_is_the_order_of_best(result: SweepResult) -> None:
    tops = result.top(3, loss)
    order = np.argsort(uniforms())
    assert [point["seed"] for point in tops] == [SEEDS[i] for i in order[:3]]
    assert {float(point["rate"]) for point in tops} == {float(RATES[0])}
    assert tops[0] == result.best(loss)
    (largest,) = result.top(1, loss, largest=True)
    assert largest == result.best(loss, largest=True)


def test_top_has_only_finite_scores(result: SweepResult) -> None:
    assert len(result.top(100, loss)) == 12 - result.diverged.sum()
    averaged = result.top(100, lambda values: loss(values).mean(-1))
    assert averaged == [{"rate": RATES[0]}]


def test_top_of_zipped_points() -> None:
    axes = {"x": jnp.arange(5.0), "y": jnp.arange(5.0)[::-1]}
    tops = sweep(lambda x, y: (x - 3) ** 2, axes, zipped=True).top(2, lambda v: v)
    assert tops == [{"x": 3.0, "y": 1.0}, {"x": 2.0, "y": 2.0}]


@pytest.mark.parametrize("batch_size", [None, 5], ids=["at once", "blocks"])
def test_mean_over_seeds(batch_size: int | None) -> None:
    result = sweep(noisy, {"rate": RATES, "seed": SEEDS}, batch_size=batch_size)
    averaged = result.mean("seed")
    assert (averaged.names, averaged.shape) == (("rate",), (3,))
    chex.assert_trees_all_equal(averaged.axes, {"rate": RATES})
    np.testing.assert_allclose(
        averaged.values["loss"], [RATES[0] + uniforms().mean(), NAN, NAN], rtol=1e-6
    )
    np.testing.assert_array_equal(averaged.values["steps"], 7.0)
    np.testing.assert_array_equal(averaged.diverged, [False, True, True])


def test_mean_over_the_first_of_three_axes() -> None:
    axes = {name: jnp.arange(float(n)) for name, n in (("a", 2), ("b", 3), ("c", 4))}
    averaged = sweep(lambda a, b, c: a + 10 * b + c * jnp.ones(5), axes).mean("a")
    assert averaged.shape == (3, 4)
    assert averaged.values.shape == (3, 4, 5)
    np.testing.assert_allclose(averaged.values[2, 3], 23.5)


@pytest.mark.parametrize("batch_size", [None, 500], ids=["at once", "blocks"])
def test_mean_of_low_precision_and_integers(batch_size: int | None) -> None:
    """A sum of bfloat16 stands still at 256; integers average to JAX's float."""
    axes = {"x": jnp.ones(2), "seed": jnp.arange(1000)}

    def train(x: Any, seed: Any) -> Any:
        return {"half": jnp.bfloat16(x + 0 * seed), "whole": seed}

    values = sweep(train, axes, batch_size=batch_size).mean("seed").values
    assert (values["half"].dtype, values["whole"].dtype) == (jnp.bfloat16, jnp.float32)
    np.testing.assert_array_equal(np.float32(values["half"]), 1.0)
    np.testing.assert_allclose(values["whole"], 499.5, rtol=1e-6)


class Pair(NamedTuple):
    """A node that only pickle could bring back."""

    left: Any
    right: Any


def tree(x: Any, seed: Any) -> Any:
    return {
        "list": [x, None, (2 * x, {})],
        "half": jnp.bfloat16(x),
        "flag": x > 1,
        "seed": seed,
        "pair": Pair(x, -x),
        3: jnp.int8(x),
        "a/b": x,
        "a": {"b": x + 1},
        "structure": x + 2,
        "b.npy": x + 3,
        "b": x + 4,
    }


@pytest.mark.parametrize("batch_size", [None, 2], ids=["at once", "blocks"])
def test_files_bring_everything_back(tmp_path: Path, batch_size: int | None) -> None:

    def train(x: Any, seed: Any) -> Any:
        return {str(k): v for k, v in tree(x, seed).items()}

    result = sweep(train, {"x": RATES, "seed": SEEDS}, batch_size=batch_size)
    result.save(tmp_path / "sweep.npz")
    loaded = SweepResult.load(tmp_path / "sweep.npz")
    assert (loaded.names, loaded.shape) == (result.names, result.shape)
    assert loaded.steps is None
    chex.assert_trees_all_equal(loaded.axes, result.axes)
    expected = {**result.values, "pair": result.values["pair"]._asdict()}
    assert jax.tree.structure(loaded.values) == jax.tree.structure(expected)
    for mine, theirs in zip(
        jax.tree.leaves(loaded.values), jax.tree.leaves(expected), strict=True
    ):
        assert mine.dtype == theirs.dtype
        assert (mine == theirs).all()
    assert loaded.best(lambda v: v["list"][0]) == result.best(lambda v: v["list"][0])


def test_a_missing_folder_is_told_by_the_file_that_was_asked_for(
    tmp_path: Path, result: SweepResult
) -> None:
    missing = tmp_path / "missing" / "sweep.npz"
    with pytest.raises(FileNotFoundError) as caught:
        result.save(missing)
    assert caught.value.filename == str(missing)


def test_files_are_for_numpy_too(tmp_path: Path, result: SweepResult) -> None:
    result.save(tmp_path / "sweep.npz")
    with np.load(tmp_path / "sweep.npz", allow_pickle=False) as arrays:
        assert {"axes/rate", "axes/seed", "values/loss"} <= set(arrays)
        np.testing.assert_array_equal(arrays["values/loss"], result.values["loss"])
    assert [path.name for path in tmp_path.iterdir()] == ["sweep.npz"]


def test_results_of_one_leaf_and_of_points(tmp_path: Path) -> None:
    result = sweep(lambda x, y: x + y, {"x": RATES, "y": RATES}, zipped=True)
    result.save(tmp_path / "x")
    loaded = SweepResult.load(tmp_path / "x")
    np.testing.assert_array_equal(loaded.values, result.values)
    assert loaded.best(lambda v: v, largest=True) == {"x": 10.0, "y": 10.0}


def test_of_many_points_in_bounded_memory() -> None:
    """A million points, of which a device never holds more than a block of 4,096."""
    axis = jnp.linspace(0, 1, 1000)
    largest = []

    def look(x: Any) -> Any:
        largest.append(max(array.size for array in jax.live_arrays()))
        return np.float32(x)

    def train(x: Any, y: Any) -> Any:
        shape = jax.ShapeDtypeStruct((), jnp.float32)
        seen = jax.pure_callback(look, shape, x, vmap_method="broadcast_all")
        return seen - y

    result = sweep(train, {"x": axis, "y": axis}, batch_size=4096)
    assert isinstance(result.values, np.ndarray)
    np.testing.assert_array_equal(result.values, np.subtract.outer(axis, axis))
    assert max(largest) < 100_000
    assert len(largest) == -(-1_000_000 // 4096)


def test_progress_counts_points(capfd: pytest.CaptureFixture[str]) -> None:
    sweep(lambda x: x, {"x": jnp.arange(10.0)}, batch_size=4, progress=True)
    shown = capfd.readouterr()
    assert shown.out == ""
    assert "10/10" in shown.err
    assert "points/s" in shown.err
    sweep(lambda x: x, {"x": jnp.arange(10.0)}, batch_size=4)
    assert capfd.readouterr().err == ""


def test_blocks_compile_once() -> None:
    chex.clear_trace_counter()
    counted = chex.assert_max_traces(lambda x: x**2, n=1)
    for scale in 1.0, 2.0:
        axis = scale * jnp.arange(10.0)
        result = sweep(counted, {"x": axis}, batch_size=4)
        np.testing.assert_array_equal(result.values, axis**2)
