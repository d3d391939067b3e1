"""How fast is a grid? Ratios of things timed in one run, interleaved.

Run: python -m benchmarks.sweep [--rounds 15] [--cold-rounds 3]

`pip install '.[bench]'` adds torch's eager loop. With
XLA_FLAGS=--xla_force_host_platform_device_count=2 the paths also run over two devices.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn
from sklearn.datasets import load_digits

import optax_extra as ox
from benchmarks.contenders import medians
from surfaces import SURFACES

RATES, STEPS, BATCH = jnp.logspace(-4, 0, 32), 300, 128
LANES, PATH_STEPS = jnp.logspace(-4, 0, 4096), 100
SURFACE = SURFACES["custom2"]
EAGER_STEPS = 100


class Network(nn.Module):
    """For the digits: 64 inputs, 64 hidden units, 10 classes."""

    @nn.compact
    def __call__(self, images: jax.Array) -> jax.Array:
        return nn.Dense(10)(nn.relu(nn.Dense(64)(images)))


IMAGES, LABELS = load_digits(return_X_y=True)
ORDER = np.random.default_rng(0).integers(len(LABELS), size=(STEPS, BATCH))
BATCHES = jnp.float32(IMAGES / 16)[ORDER], jnp.int32(LABELS)[ORDER]


def train(learning_rate: Any) -> jax.Array:
    """The losses of one network."""
    network, optimizer = Network(), ox.adabelief(learning_rate)
    params = network.init(jax.random.key(0), BATCHES[0][0])

    def loss(params: Any, images: jax.Array, labels: jax.Array) -> jax.Array:
        logits = network.apply(params, images)
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()

    def step(carry: Any, batch: Any) -> Any:
        params, state = carry
        value, gradients = jax.value_and_grad(loss)(params, *batch)
        updates, state = optimizer.update(gradients, state, params)
        return (optax.apply_updates(params, updates), state), value

    return jax.lax.scan(step, (params, optimizer.init(params)), BATCHES)[1]


def network_table(rounds: int, cold_rounds: int) -> None:
    """32 rates in one program against a loop."""
    axes = {"learning_rate": RATES}

    def built_anew() -> None:
        for rate in RATES.tolist():
            jax.block_until_ready(jax.jit(lambda rate=rate: train(rate))())

    def swept_anew() -> None:
        jax.block_until_ready(
            ox.sweep(lambda learning_rate: train(learning_rate), axes)
        )

    cold: dict[str, list[float]] = {"loop": [], "sweep": []}
    for _ in range(cold_rounds):
        for name, run in (("loop", built_anew), ("sweep", swept_anew)):
            jax.clear_caches()
            start = time.perf_counter()
            run()
            cold[name].append(time.perf_counter() - start)

    compiled = jax.jit(train)

    def loop() -> None:
        for rate in RATES:
            jax.block_until_ready(compiled(rate))

    warm = medians(
        {"loop": loop, "sweep": lambda: jax.block_until_ready(ox.sweep(train, axes))},
        rounds,
    )
    print(f"## {len(RATES)} learning rates of the digits network, {STEPS} steps\n")
    print("| | loop, s | sweep, s | times faster |\n|---|---|---|---|")
    for name, times in (
        (
            "cold: a jit for each rate",
            {k: statistics.median(v) for k, v in cold.items()},
        ),
        ("warm: one compiled function", warm),
    ):
        loop_seconds, seconds = times["loop"], times["sweep"]
        ratio = loop_seconds / seconds
        print(f"| {name} | {loop_seconds:.2f} | {seconds:.2f} | {ratio:.1f} |")
    print()


def path(
    optimizer: optax.GradientTransformation, *, record: bool = True, apart: bool = False
) -> Any:
    """One path down the surface: every position and value, or only the last."""

    def step(carry: Any, _: None) -> Any:
        position, state = carry
        value, gradient = jax.value_and_grad(SURFACE)(position)
        updates, state = optimizer.update(gradient, state, position)
        kept = (*position, value) if apart else (position, value)
        return (optax.apply_updates(position, updates), state), kept if record else None

    start = jnp.asarray(SURFACE.start)
    (position, _), kept = jax.lax.scan(
        step, (start, optimizer.init(start)), length=PATH_STEPS
    )
    return (position, kept) if record else (position, SURFACE(position))


def recorded(learning_rate: Any) -> Any:
    """A path with all its positions."""
    return path(ox.adabelief(learning_rate))


def last(learning_rate: Any) -> Any:
    """Only the end of it."""
    return path(ox.adabelief(learning_rate), record=False)


def coordinates_apart(learning_rate: Any) -> Any:
    """Positions as two scalars a step, not as an array of two."""
    return path(ox.adabelief(learning_rate), apart=True)


def time_first(learning_rates: jax.Array) -> Any:
    """Steps as the leading axis, as the scan leaves them: no transposition."""
    return jax.vmap(recorded, out_axes=(0, 1))(learning_rates)


def path_runs() -> dict[str, Callable[[], Any]]:
    """Ways to run all paths."""
    axes = {"learning_rate": LANES}
    by_hand = jax.jit(jax.vmap(lambda rate: path(optax.adabelief(rate))))
    mapped = jax.jit(lambda rates: jax.lax.map(recorded, rates, batch_size=512))
    first = jax.jit(time_first)
    runs: dict[str, Callable[[], Any]] = {
        "jit(vmap(scan)) by hand over optax.adabelief": lambda: by_hand(LANES),
        "sweep": lambda: ox.sweep(recorded, axes),
        "sweep, only the last position": lambda: ox.sweep(last, axes),
        "sweep, blocks of 512": lambda: ox.sweep(recorded, axes, batch_size=512),
        "sweep, coordinates apart": lambda: ox.sweep(coordinates_apart, axes),
        "vmap, time first": lambda: first(LANES),
        "lax.map, blocks of 512": lambda: mapped(LANES),
    }
    if len(jax.devices()) > 1:
        mesh = jax.make_mesh((len(jax.devices()),), ("lanes",))
        runs["sweep, all devices"] = lambda: ox.sweep(recorded, axes, mesh=mesh)
    return {k: lambda run=run: jax.block_until_ready(run()) for k, run in runs.items()}


def torch_step_seconds() -> float | None:
    """Seconds a step of AdaBelief on one path, eagerly in torch."""
    try:
        import torch
    except ImportError:
        return None

    def waves(x: Any, y: Any) -> Any:
        x, y = 3 * x, 3 * y
        parts = -torch.sin(2 * x + 3 * y) - torch.cos(3 * x - 5 * y)
        parts = parts - torch.sin(x - 2 * y) + torch.cos(x + 3 * y)
        return (x + y + parts + 7.99237823) / 14.80175447

    def surface(point: Any) -> Any:
        x, y = point
        cone = torch.sqrt(((x - 0.5) ** 2 + (y + 0.5) ** 2) / 2) / 1.48755252
        return (0.3 * waves(x, y) + 0.7 * cone - 0.16485822) / 0.7373814

    def run() -> None:
        point = torch.tensor(SURFACE.start, requires_grad=True)
        mu, nu = torch.zeros(2), torch.zeros(2)
        for count in range(1, EAGER_STEPS + 1):
            (gradient,) = torch.autograd.grad(surface(point), point)
            with torch.no_grad():
                mu.lerp_(gradient, 0.1)
                nu.mul_(0.999).add_((gradient - mu) ** 2, alpha=0.001).add_(1e-16)
                root = (nu / (1 - 0.999**count)).sqrt_().add_(1e-16)
                point.addcdiv_(mu / (1 - 0.9**count), root, value=-0.02)

    run()
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        run()
        seconds.append((time.perf_counter() - start) / EAGER_STEPS)
    return statistics.median(seconds)


def paths_table(rounds: int) -> None:
    """Nanoseconds a step and path, and ratios to the loop by hand."""
    times = medians(path_runs(), rounds)
    by_hand = next(iter(times.values()))
    steps = len(LANES) * PATH_STEPS
    print(f"## {len(LANES):,} paths on custom2, {PATH_STEPS} steps, adabelief, warm\n")
    print("| | ms | ns a step and path | / by hand |\n|---|---|---|---|")
    for name, seconds in times.items():
        each = seconds / steps * 1e9
        print(
            f"| {name} | {seconds * 1e3:.1f} | {each:.1f} | {seconds / by_hand:.2f} |"
        )
    eager = torch_step_seconds()
    if eager is not None:
        print(f"| torch, eager, one path | | {eager * 1e9:,.0f} | |\n")
        times_faster = eager * steps / times["sweep"]
        print(f"A step of the sweep is {times_faster:,.0f} times faster.")
    ratio = times["sweep"] / times["sweep, only the last position"]
    print(f"Recording costs {ratio:.2f} times not recording.")


def main() -> None:
    """Prints both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15, help="warm runs of each")
    parser.add_argument("--cold-rounds", type=int, default=3, help="cold runs of each")
    chosen = parser.parse_args()
    network_table(chosen.rounds, chosen.cold_rounds)
    paths_table(chosen.rounds)


if __name__ == "__main__":
    main()
