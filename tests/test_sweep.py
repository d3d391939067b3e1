"""A sweep is the loop over its points, as one program."""

import dataclasses
import gc
import operator
import pickle
import weakref
from collections.abc import Callable
from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from optax_extra import SweepResult, adabelief, sweep

A = jnp.array([1.0, 2.0, 3.0])
B = jnp.array([10.0, 20.0])


def train(learning_rate: Any, b2: Any = 0.999) -> dict[str, chex.Array]:
    """Ten steps down a bowl."""
    optimizer = adabelief(learning_rate, b2=b2)

    def step(carry: Any, _: None) -> tuple[Any, chex.Array]:
        params, state = carry
        updates, state = optimizer.update(params, state, params)
        params = optax.apply_updates(params, updates)
        return (params, state), jnp.sum(params**2)

    start = jnp.array([1.0, -2.0])
    (params, _), losses = jax.lax.scan(step, (start, optimizer.init(start)), length=10)
    return {"params": params, "losses": losses}


def test_product_has_an_axis_a_hyperparameter_in_the_order_given() -> None:
    result = sweep(
        lambda a, b: {"sum": a + b, "row": a * jnp.ones(4)}, {"b": B, "a": A}
    )
    assert result.shape == (2, 3)
    assert list(result.axes) == ["b", "a"]
    np.testing.assert_array_equal(
        result.values["sum"], [[11.0, 12.0, 13.0], [21.0, 22.0, 23.0]]
    )
    chex.assert_shape(result.values["row"], (2, 3, 4))


def test_zipped_is_a_list_of_points() -> None:
    result = sweep(lambda a, b: a + b, {"a": A[:2], "b": B}, zipped=True)
    assert result.shape == (2,)
    np.testing.assert_array_equal(result.values, [11.0, 22.0])
    best = result.best(lambda values: values, largest=True)
    assert best == {"a": 2.0, "b": 20.0}


def test_every_point_equals_its_single_run(x64: None) -> None:
    rates, decays = jnp.logspace(-3, -1, 3), jnp.array([0.9, 0.999])
    result = sweep(train, {"learning_rate": rates, "b2": decays})
    for i, rate in enumerate(rates):
        for j, b2 in enumerate(decays):
            point = jax.tree.map(operator.itemgetter((i, j)), result.values)
            chex.assert_trees_all_close(point, train(rate, b2), rtol=1e-12)


def test_compiles_once_however_often_it_is_called() -> None:
    chex.clear_trace_counter()
    counted = chex.assert_max_traces(train, n=1)
    for scale in 1.0, 2.0:
        sweep(counted, {"learning_rate": scale * jnp.logspace(-3, -1, 5)})


def test_methods_compile_once_too() -> None:
    traced = []

    class Model:
        def run(self, scale: Any) -> Any:
            traced.append(self)
            return 2 * scale

    model = Model()
    for _ in range(3):
        np.testing.assert_array_equal(sweep(model.run, {"scale": A}).values, 2 * A)
    assert traced == [model]


@dataclasses.dataclass(frozen=True)
class Scale:
    """Equal for equal factors, though 2 and 2.0 make other programs."""

    factor: float

    def __call__(self, x: Any) -> Any:
        return self.factor * x


def test_functions_that_are_equal_are_not_the_same() -> None:
    whole, real = Scale(2), Scale(2.0)
    assert whole == real
    for scale, dtype in ((whole, jnp.int32), (real, jnp.float32)):
        assert sweep(scale, {"x": [1, 2]}).values.dtype == dtype


def test_axis_of_prng_keys() -> None:
    keys = jax.random.split(jax.random.key(0), 3)
    result = sweep(
        lambda key, scale: scale * jax.random.normal(key), {"key": keys, "scale": A}
    )
    # One rounding of the product.
    np.testing.assert_allclose(
        result.values,
        np.outer([jax.random.normal(key) for key in keys], A),
        rtol=float(jnp.finfo(jnp.float32).eps),
    )
    best = result.best(lambda values: -jnp.arange(9.0).reshape(3, 3))
    assert best["key"] == keys[2]
    assert best["scale"] == 3.0


def test_defaults_may_be_left_out_and_given() -> None:
    left_out = sweep(train, {"learning_rate": jnp.array([0.1])})
    given = sweep(train, {"learning_rate": jnp.array([0.1]), "b2": jnp.array([0.999])})
    # In float32 a swept 1 - 0.999 is off by eps / (4 (1 - 0.999)); a number is exact.
    chex.assert_trees_all_close(
        left_out.values,
        jax.tree.map(lambda leaf: leaf[:, 0], given.values),
        rtol=250 * float(jnp.finfo(jnp.float32).eps),
    )


def test_takes_functions_of_any_keywords() -> None:
    result = sweep(lambda **numbers: numbers["a"] - numbers["b"], {"a": A, "b": B})
    np.testing.assert_array_equal(result.values, np.subtract.outer(A, B))


def test_integer_axes_stay_integers() -> None:
    result = sweep(lambda steps: steps // 2, {"steps": range(1, 5)})
    np.testing.assert_array_equal(result.values, [0, 1, 1, 2])
    assert result.values.dtype == jnp.int32


def result_of(scores: list[Any]) -> SweepResult:
    values = jnp.array(scores)
    rows = tuple(jnp.arange(length) for length in values.shape)
    return SweepResult(values, rows, tuple("zyx"[: len(rows)]), values.shape)


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("scores", "largest", "index"),
    [
        ([3.0, 1.0, 2.0], False, (1,)),
        ([3.0, 1.0, 2.0], True, (0,)),
        ([NAN, 2.0, 1.0], False, (2,)),
        ([NAN, 2.0, 1.0], True, (1,)),
        ([-INF, 2.0, INF, 1.0], False, (3,)),
        ([-INF, 2.0, INF, 1.0], True, (1,)),
        ([2.0, 1.0, 1.0], False, (1,)),
        ([1.0, 2.0, 2.0], True, (1,)),
        ([[4.0, 3.0, NAN], [2.0, 1.0, 5.0]], False, (1, 1)),
        ([[4.0, 3.0, NAN], [2.0, 1.0, 5.0]], True, (1, 2)),
    ],
)
def test_best(scores: list[Any], largest: bool, index: tuple[int, ...]) -> None:
    """The lowest or largest; NaN and infinity never win; of equals the first does."""
    result = result_of(scores)
    assert result.best_index(lambda values: values, largest=largest) == index
    best = result.best(lambda values: values, largest=largest)
    assert tuple(best.values()) == index


SEEDED = [[[4.0, 0.0], [3.0, 2.0], [NAN, 1.0]], [[2.0, 2.0], [1.0, 2.0], [5.0, 6.0]]]


@pytest.mark.parametrize(
    ("score", "best"),
    [
        (lambda values: values, {"z": 0, "y": 0, "x": 1}),
        (lambda values: values.mean(-1), {"z": 1, "y": 1}),
        (lambda values: jnp.nanmean(values, (-2, -1)), {"z": 0}),
    ],
    ids=["all", "averaged over one", "averaged over two"],
)
def test_best_of_the_first_axes(
    score: Callable[..., Any], best: dict[str, int]
) -> None:
    """One seed without a finite score takes its point out of a mean."""
    assert result_of(SEEDED).best(score) == best


GRID = {"scale": A, "offset": B}  # Not in the order of the alphabet.


def weighted(offset: Any, scale: Any) -> dict[str, chex.Array]:
    return {"loss": (scale - 2.2) ** 2 + offset, "row": scale * jnp.ones(2)}


@pytest.mark.parametrize(
    "run",
    [
        sweep,
        lambda train, axes: jax.device_get(sweep(train, axes)),
        lambda train, axes: jax.tree.map(np.asarray, sweep(train, axes)),
        lambda train, axes: jax.jit(lambda: sweep(train, axes))(),
        lambda train, axes: pickle.loads(pickle.dumps(sweep(train, axes))),
    ],
    ids=["as is", "device_get", "numpy", "jit", "pickle"],
)
def test_result_is_a_tree(run: Callable[..., SweepResult]) -> None:
    result = run(weighted, GRID)
    assert (list(result.axes), result.shape) == (["scale", "offset"], (3, 2))
    chex.assert_trees_all_equal(result.axes, GRID)
    best = result.best(lambda values: values["loss"])
    assert list(best.items()) == [("scale", 2.0), ("offset", 10.0)]
    assert (
        repr(result)
        == "SweepResult(scale: 3, offset: 2; values ['loss'] [3, 2], ['row'] [3, 2, 2])"
    )


def test_repr_is_short_whatever_the_values() -> None:
    expected = "SweepResult(z: 2, y: 3, x: 2; values [2, 3, 2]; 1 of 12 diverged)"
    assert repr(result_of(SEEDED)) == expected


def test_names_and_shape_are_static() -> None:
    """So that a compiled function of results knows which axis is which."""
    result = sweep(weighted, GRID)
    assert len(jax.tree.leaves(result)) == len(GRID) + len(result.values)
    turned = dataclasses.replace(result, names=result.names[::-1])
    assert jax.tree.structure(turned) != jax.tree.structure(result)


def test_a_function_that_is_gone_leaves_nothing_behind() -> None:
    ballast = jnp.ones(3)

    def train(scale: Any) -> chex.Array:
        return scale * ballast

    alive = weakref.ref(train)
    sweep(train, {"scale": A})
    assert alive() is train
    del train
    gc.collect()
    assert alive() is None


class WithoutReferences:
    """Callables of which there can be no weak reference."""

    __slots__ = ()

    def __call__(self, scale: Any) -> Any:
        return 2 * scale


@dataclasses.dataclass
class WithoutHash:
    """Callables that can be no key."""

    factor: float

    def __call__(self, scale: Any) -> Any:
        return self.factor * scale

    def method(self, scale: Any) -> Any:
        return self(scale)


@pytest.mark.parametrize(
    "train",
    [WithoutReferences(), WithoutHash(2.0), WithoutHash(2.0).method],
    ids=["no reference", "no hash", "method"],
)
def test_callables_that_cannot_be_remembered(train: Callable[..., Any]) -> None:
    for _ in range(2):
        np.testing.assert_array_equal(sweep(train, {"scale": A}).values, 2 * A)
