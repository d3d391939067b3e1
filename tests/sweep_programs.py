"""Sweeps for processes of their own: with many devices, many hosts, or a short life.

Run: python tests/sweep_programs.py NAME ARGUMENTS, from the folder above.
"""

import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import Mesh

import optax_extra as ox

DATA = np.random.default_rng(0).normal(size=(32, 8)).astype(np.float32)


def axes() -> dict[str, jax.Array]:
    """Twenty-one points, made when the devices are known."""
    return {
        "learning_rate": jnp.logspace(-4, 0, 7),
        "seed": jax.random.split(jax.random.key(0), 3),
    }


def init(learning_rate: Any, seed: Any) -> Any:
    params = jax.random.normal(seed, (8,))
    return params, ox.adabelief(learning_rate).init(params), seed


def step(carry: Any, learning_rate: Any) -> Any:
    params, state, seed = carry
    loss, gradient = jax.value_and_grad(lambda p: jnp.mean((DATA @ p - 1) ** 2))(params)
    updates, state = ox.adabelief(learning_rate).update(gradient, state, params)
    return (optax.apply_updates(params, updates), state, seed), loss


def train(learning_rate: Any, seed: Any) -> Any:
    """Twenty steps of a regression."""
    carry, losses = jax.lax.scan(
        lambda carry, _: step(carry, learning_rate),
        init(learning_rate, seed),
        length=20,
    )
    return {"losses": losses, "params": carry[0], "seed": seed}


def whole(path: str, batch_size: str) -> None:
    """On one device."""
    ox.sweep(train, axes(), batch_size=int(batch_size)).save(path)


def over_devices(path: str, batch_size: str) -> None:
    """On meshes of several shapes, which must agree."""
    meshes = (
        jax.make_mesh((4, 2), ("rows", "columns")),
        Mesh(np.array(jax.devices()[:3]), ("points",)),
    )
    for i, mesh in enumerate(meshes):
        result = ox.sweep(train, axes(), batch_size=int(batch_size), mesh=mesh)
        result.save(f"{path}-{i}")
    halved = ox.sweep(
        (init, step), axes(), steps=18, halving=(3, 1 / 3), mesh=meshes[1], batch_size=1
    )
    halved.save(f"{path}-halved")


def over_hosts(path: str, batch_size: str, port: str, process: str) -> None:
    """The same call in two processes, over the devices of both."""
    jax.config.update("jax_num_cpu_devices", 2)
    jax.distributed.initialize(f"127.0.0.1:{port}", 2, int(process))
    mesh = Mesh(np.array(jax.devices()), ("points",))
    assert mesh.size == 4
    for _ in range(2):  # The second time from the checkpoint.
        result = ox.sweep(
            train,
            axes(),
            batch_size=int(batch_size),
            mesh=mesh,
            checkpoint=f"{path}-checkpoint",
        )
    result.save(f"{path}-{process}")


def in_blocks(path: str, folder: str) -> None:
    """Eleven blocks of some tenths of a second, kept in a folder."""

    def long(learning_rate: Any, seed: Any) -> Any:
        def some(_: Any, carry: Any) -> Any:
            return step(carry, learning_rate)[0]

        return jax.lax.fori_loop(0, 20_000, some, init(learning_rate, seed))[0]

    ox.sweep(long, axes(), batch_size=2, checkpoint=folder).save(path)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
