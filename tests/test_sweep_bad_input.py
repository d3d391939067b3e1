"""A sweep refuses mistakes before anything runs."""

import pathlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_bad_input import refuses

from optax_extra import SweepResult, sweep


def train(learning_rate: Any, seed: Any, momentum: Any = 0.9) -> Any:
    return learning_rate + seed + momentum


AXIS = jnp.arange(3.0)


@pytest.mark.parametrize(
    ("axes", "options", "error", "message"),
    [
        (
            {"learning_rat": AXIS, "seed": AXIS},
            {},
            ValueError,
            "sweep: axes must be arguments of train ('learning_rate', 'seed', "
            "'momentum'), got 'learning_rat'; did you mean 'learning_rate'?",
        ),
        (
            {"learning_rate": AXIS},
            {},
            ValueError,
            "sweep: axes must cover every argument of train without a default, got "
            "none for 'seed'",
        ),
        ({}, {}, ValueError, "sweep: axes must name at least one argument, got none"),
        (
            [1.0, 2.0],
            {},
            TypeError,
            "sweep: axes must be a mapping of names to values, got [1.0, 2.0]",
        ),
        (
            {"learning_rate": jnp.array([]), "seed": AXIS},
            {},
            ValueError,
            "sweep: axis 'learning_rate' must have values, got none",
        ),
        (
            {"learning_rate": 0.1, "seed": AXIS},
            {},
            ValueError,
            "sweep: axis 'learning_rate' must be a row of values, got the scalar 0.1",
        ),
        (
            {"learning_rate": ["low", "high"], "seed": AXIS},
            {},
            TypeError,
            "sweep: axis 'learning_rate' must be an array of numbers or PRNG keys, "
            "got ['low', 'high']",
        ),
        (
            {"learning_rate": AXIS, "seed": AXIS[:2]},
            {"zipped": True},
            ValueError,
            "sweep: zipped axes must have one length, got learning_rate: 3, seed: 2",
        ),
        (
            {"learning_rate": jnp.ones((3, 2)), "seed": AXIS},
            {},
            ValueError,
            "sweep: axis 'learning_rate' must be a row of values, got an array of "
            "shape (3, 2)",
        ),
        (
            {"learning_rate": AXIS, "seed": jax.random.PRNGKey(0)[None]},
            {},
            ValueError,
            "sweep: axis 'seed' must be a row of values, got an array of shape (1, 2); "
            "make keys with jax.random.key, not PRNGKey",
        ),
        (
            {0: AXIS, "seed": AXIS},
            {},
            TypeError,
            "sweep: axes must be named by strings, got 0",
        ),
        pytest.param(
            {"learning_rate": [2**40], "seed": AXIS},
            {},
            TypeError,
            "sweep: axis 'learning_rate' must be an array of numbers or PRNG keys, got "
            "[1099511627776]",
            marks=pytest.mark.skipif(
                np.lib.NumpyVersion(np.__version__) < "2.0.0",
                reason="NumPy 1 wraps integers around",
            ),
        ),
        *(
            ({"learning_rate": AXIS, "seed": AXIS}, {name: value}, error, message)
            for name, value, error, message in (
                ("zipped", 1, TypeError, "zipped must be True or False, got 1"),
                ("batch_size", 0, ValueError, "batch_size must be at least 1, got 0"),
                ("batch_size", -1, ValueError, "batch_size must be at least 1, got -1"),
                (
                    "batch_size",
                    2.5,
                    TypeError,
                    "batch_size must be an integer, got 2.5",
                ),
                (
                    "mesh",
                    jax.devices(),
                    TypeError,
                    f"mesh must be a jax.sharding.Mesh, got {jax.devices()}",
                ),
                ("progress", "yes", TypeError, "progress must be True or False, got "),
                ("checkpoint", 3, TypeError, "checkpoint must be a folder, got 3"),
            )
        ),
    ],
)
def test_sweep(
    axes: Any, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with refuses(error, message):
        sweep(train, axes, **options)


def test_sweep_of_no_function() -> None:
    with refuses(
        TypeError, "sweep: train must be a function, or a pair (init, step), got 0.1"
    ):
        sweep(0.1, {"x": AXIS})


@pytest.mark.parametrize("nothing", [None, (), {}], ids=repr)
def test_sweep_of_a_function_that_returns_nothing(nothing: Any) -> None:
    with refuses(ValueError, f"sweep: train must return arrays, got {nothing!r}"):
        sweep(lambda x: nothing, {"x": AXIS})


@pytest.mark.parametrize(
    "shape", [(), (2,), (2, 3), (3, 1), (3, 2, 1), (3, 2, 2)], ids=str
)
def test_score_of_another_shape(shape: tuple[int, ...]) -> None:
    result = sweep(lambda x, y: x + y, {"x": AXIS, "y": AXIS[:2]})
    with refuses(
        ValueError,
        "SweepResult: score must have the shape of the grid (3, 2), or of its first "
        f"axes, got {shape}",
    ):
        result.best(lambda values: jnp.zeros(shape))


def test_score_that_is_finite_nowhere() -> None:
    result = sweep(lambda x: x, {"x": AXIS})
    with refuses(
        ValueError,
        "SweepResult: score must be finite somewhere, got no finite value in 3 points "
        "(all diverged)",
    ):
        result.best(lambda values: jnp.full_like(values, jnp.nan))


def branches(x: Any) -> Any:
    return x if x > 1 else -x  # This line.


def converts(x: Any) -> Any:
    return jnp.ones(3) * float(x)  # This line.


def leaves_jax(x: Any) -> Any:
    return np.sin(x)  # This line.


def shapes(x: Any) -> Any:
    return jnp.ones(jnp.int32(x))  # This line.


def selects(x: Any) -> Any:
    return AXIS[x < AXIS]  # This line.


@pytest.mark.parametrize("options", [{}, {"batch_size": 2}], ids=["at once", "blocks"])
@pytest.mark.parametrize("train", [branches, converts, leaves_jax, shapes, selects])
def test_train_that_jax_cannot_trace(train: Any, options: Any) -> None:
    """The error names the user's line, and JAX's own is its cause."""
    lines = pathlib.Path(__file__).read_text().splitlines()
    number = train.__code__.co_firstlineno + 1
    with refuses(
        TypeError,
        f"sweep: train must be traceable by JAX, but line {number} of {__file__} "
        f"`{lines[number - 1].strip()}` is not",
    ) as caught:
        sweep(train, {"x": AXIS}, **options)
    assert isinstance(caught.value.__cause__, (TypeError, IndexError))


@pytest.mark.parametrize("options", [{"batch_size": 2}, {"progress": True}], ids=str)
def test_blocks_under_jit(options: Any) -> None:
    with refuses(
        TypeError,
        "sweep: axes must be known values for blocks, devices and steps, got a tracer "
        "for 'x': call sweep outside of jit",
    ):
        jax.jit(lambda row: sweep(lambda x: x, {"x": row}, **options).values)(AXIS)


def test_arguments_without_names() -> None:
    with refuses(TypeError, "sweep: train must take its arguments by name, got the "):
        sweep(lambda x, /, y: x + y, {"y": AXIS})


def test_errors_of_train_itself_pass() -> None:
    def train(x: Any) -> Any:
        raise RuntimeError("the user's own")

    with refuses(RuntimeError, "the user's own"):
        sweep(train, {"x": AXIS})


def test_top_of_none() -> None:
    with refuses(ValueError, "SweepResult: k must be at least 1, got 0"):
        sweep(lambda x: x, {"x": AXIS}).top(0, lambda values: values)


def test_mean_over_no_axis() -> None:
    result = sweep(lambda x, seed: x + seed, {"x": AXIS, "seed": AXIS})
    with refuses(
        ValueError,
        "SweepResult: the axis of mean must be one of 'x', 'seed', got 'sed'",
    ):
        result.mean("sed")
    zipped = sweep(lambda x, seed: x, {"x": AXIS, "seed": AXIS}, zipped=True)
    with refuses(ValueError, "SweepResult: mean must be of a product, got a zipped"):
        zipped.mean("seed")


def test_mean_of_keys() -> None:
    keys = jax.random.split(jax.random.key(0), 3)
    with refuses(TypeError, "SweepResult: mean must be of numbers, got PRNG keys"):
        sweep(lambda seed: seed, {"seed": keys}).mean("seed")


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04"], ids=repr)
def test_load_of_a_foreign_file(tmp_path: pathlib.Path, content: bytes) -> None:
    path = tmp_path / "x.npz"
    path.write_bytes(content)
    with refuses(
        ValueError, f"SweepResult: load must be given a file of save, got {path}"
    ):
        SweepResult.load(path)


def test_load_of_arrays_of_others(tmp_path: pathlib.Path) -> None:
    np.savez(tmp_path / "x.npz", a=np.ones(3))
    np.savez(tmp_path / "y.npz", a=np.array([{}], dtype=object), allow_pickle=True)
    for name in "xy":
        with refuses(ValueError, "SweepResult: load must be given a file of save"):
            SweepResult.load(tmp_path / f"{name}.npz")


def test_load_of_no_file(tmp_path: pathlib.Path) -> None:
    with pytest.raises(FileNotFoundError):
        SweepResult.load(tmp_path / "nothing.npz")


def test_save_where_one_cannot(tmp_path: pathlib.Path) -> None:
    result = sweep(lambda x: x, {"x": AXIS})
    with pytest.raises(OSError, match="no-folder"):
        result.save(tmp_path / "no-folder" / "x.npz")
