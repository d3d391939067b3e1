"""What the step benchmarks time: our recipes, Optax's, and the bytes that must move."""

import functools
import random
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

import optax_extra as ox

RATE = 1e-3

Factory = Callable[..., optax.GradientTransformation]

# Name to our recipe and Optax's namesake.
RECIPES: Mapping[str, tuple[Factory, Factory | None]] = {
    "adamd": (ox.adamd, None),
    "adabelief": (ox.adabelief, optax.adabelief),
    "adabc": (ox.adabc, None),
    "radam": (ox.radam, optax.radam),
    "lion": (ox.lion, optax.lion),
    "adaderivative": (ox.adaderivative, None),
    "ranger": (functools.partial(ox.ranger, feature_axes=None), None),
}


class Step(NamedTuple):
    """An optimizer's compiled step and what it works on."""

    run: Callable[[Any, Any, Any], tuple[Any, Any]]
    params: Any
    state: Any
    compile_seconds: float
    temporary_bytes: int
    moved_bytes: int


def compile_step(optimizer: optax.GradientTransformation, params: Any) -> Step:
    """`update` and `apply_updates` as one program that donates params and state."""

    def step(params: Any, state: Any, gradients: Any) -> tuple[Any, Any]:
        updates, state = optimizer.update(gradients, state, params)
        return optax.apply_updates(params, updates), state

    params = jax.tree.map(jnp.copy, params)
    state = optimizer.init(params)
    start = time.perf_counter()
    lowered = jax.jit(step, donate_argnums=(0, 1)).lower(params, state, params)
    compiled = lowered.compile()
    seconds = time.perf_counter() - start
    # Each buffer is read once and written once, the gradient only read.
    buffers = [leaf.nbytes for leaf in jax.tree.leaves((params, state))]
    gradient = sum(leaf.nbytes for leaf in jax.tree.leaves(params))
    return Step(
        compiled,
        params,
        state,
        seconds,
        compiled.memory_analysis().temp_size_in_bytes,
        2 * sum(buffers) + gradient,
    )


class Runner:
    """Runs a step again and again on what it left behind."""

    def __init__(self, step: Step, gradients: Any) -> None:
        self.step, self.gradients = step, gradients
        self.carry = step.params, step.state

    def __call__(self) -> None:
        self.carry = self.step.run(*self.carry, self.gradients)
        jax.block_until_ready(self.carry)


class Copy:
    """Copies an array into a buffer that is there already: the speed of memory."""

    def __init__(self, size: int) -> None:
        # A program that only copied would give its input back.
        self.program = jax.jit(
            lambda source, target: source + 1, donate_argnums=1, keep_unused=True
        )
        self.source, self.target = jnp.zeros(size), jnp.zeros(size)
        self.bytes = 2 * self.source.nbytes

    def __call__(self) -> None:
        self.target = self.program(self.source, self.target)
        self.target.block_until_ready()


def one_leaf(size: int) -> dict[str, jax.Array]:
    """All parameters in one leaf."""
    return {"w": jax.random.normal(jax.random.key(0), (size,))}


def transformer(size: int, blocks: int = 12) -> dict[str, Any]:
    """The leaves of a Transformer of about so many parameters.

    A block has 12 d^2 parameters in its matrices; embeddings are left out.
    """
    d = 8 * round((size / (12 * blocks)) ** 0.5 / 8)
    shapes: dict[str, tuple[int, ...]] = {
        "query": (d, d),
        "key": (d, d),
        "value": (d, d),
        "out": (d, d),
        "up": (d, 4 * d),
        "up_bias": (4 * d,),
        "down": (4 * d, d),
        "down_bias": (d,),
        "norm_scale": (d,),
        "norm_bias": (d,),
    }
    keys = iter(jax.random.split(jax.random.key(0), blocks * len(shapes)))
    return {
        f"block_{i}": {
            name: jax.random.normal(next(keys), shape) for name, shape in shapes.items()
        }
        for i in range(blocks)
    }


def small_leaves(count: int) -> list[jax.Array]:
    """A model of many small leaves."""
    return [jnp.full((8, 8), 1.0 + i, jnp.float32) for i in range(count)]


def medians(
    runs: Mapping[str, Callable[[], object]], rounds: int, warmup: int = 3
) -> dict[str, float]:
    """Median seconds of each run, all of them in every round, in an order of chance.

    A fixed order would favour whoever comes after a run that leaves warm caches.
    """
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    order = random.Random(0)
    for turn in range(warmup + rounds):
        for name in order.sample(list(runs), len(runs)):
            start = time.perf_counter()
            runs[name]()
            if turn >= warmup:
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(taken) for name, taken in seconds.items()}
