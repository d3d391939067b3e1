"""Points in blocks of one shape, over one device or many, fetched to the host.

Every device runs blocks of the same number of points, the last one padded by repeating
its last point: one compilation, bounded memory, and the same bits however often a run
was interrupted. The padding is cut off before anybody sees it.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from numpy.typing import NDArray

Numbers = NDArray[np.integer[Any]]


class Layout(NamedTuple):
    """How points are laid out over blocks and devices.

    Attributes:
      batch_size: points that a device runs at once; None for its share of all.
      mesh: the devices; None for the default one.
    """

    batch_size: int | None
    mesh: Mesh | None

    @property
    def devices(self) -> int:
        """How many devices there are."""
        return 1 if self.mesh is None else self.mesh.size

    def block_size(self, count: int) -> int:
        """Points of a block, of all devices together."""
        share = math.ceil(count / self.devices)
        return self.devices * min(self.batch_size or share, share)

    def blocks(self, count: int) -> Iterator[tuple[Numbers, int]]:
        """The points of each block, padded, and how many of them count."""
        size = self.block_size(count)
        for first in range(0, count, size):
            numbers = np.arange(first, first + size)
            yield np.minimum(numbers, count - 1), min(size, count - first)

    def place(self, tree: chex.ArrayTree) -> chex.ArrayTree:
        """Arrays of one entry a point, split over the devices."""
        if self.mesh is None:
            return jax.tree.map(jnp.asarray, tree)
        split = NamedSharding(self.mesh, PartitionSpec(self.mesh.axis_names))

        def put(leaf: Any) -> jax.Array:
            if is_key(leaf):
                keys = put(jax.random.key_data(leaf))
                return jax.random.wrap_key_data(keys, impl=jax.random.key_impl(leaf))
            host = np.asarray(leaf)
            return jax.make_array_from_callback(host.shape, split, host.__getitem__)

        return jax.tree.map(put, tree)


def is_key(leaf: Any) -> bool:
    """Whether an array is one of typed PRNG keys."""
    return isinstance(leaf, jax.Array) and jnp.issubdtype(
        leaf.dtype, jax.dtypes.prng_key
    )


def fetch(tree: chex.ArrayTree, count: int) -> chex.ArrayTree:
    """The first entries on the host, in NumPy arrays; PRNG keys stay arrays of JAX."""

    def one(leaf: jax.Array) -> Any:
        if is_key(leaf):
            data = one(jax.random.key_data(leaf))
            return jax.random.wrap_key_data(data, impl=jax.random.key_impl(leaf))
        if not leaf.is_fully_addressable:
            return multihost_utils.process_allgather(leaf, tiled=True)[:count]
        return np.asarray(leaf)[:count]

    return jax.tree.map(one, tree)


def _joined(trees: Sequence[chex.ArrayTree]) -> chex.ArrayTree:
    """Blocks on the host, one after the other."""

    def join(*leaves: Any) -> Any:
        module = jnp if is_key(leaves[0]) else np
        return module.concatenate(leaves)

    return jax.tree.map(join, *trees)


class Runner(NamedTuple):
    """Runs points block after block.

    Attributes:
      layout: of the points.
      store: function of a block's name, of its points and of what computes it; gives it
        back as it was stored, or else computes and stores it.
      advance: told how many points are done with each block.
    """

    layout: Layout
    store: Callable[[str, Numbers, Callable[[], chex.ArrayTree]], chex.ArrayTree]
    advance: Callable[[int], object]

    def __call__(
        self, name: str, numbers: Numbers, block: Callable[[Numbers], chex.ArrayTree]
    ) -> chex.ArrayTree:
        """These points on the host, in order.

        Args:
          name: of the blocks, before their own number.
          numbers: of the points in the grid.
          block: runs some of them on the devices, by their places in `numbers`.
        """
        done = []
        for i, (places, inside) in enumerate(self.layout.blocks(len(numbers))):
            compute = functools.partial(_computed, block, places, inside)
            of_block = numbers[places[:inside]]
            done.append(self.store(f"{name}block-{i:06}", of_block, compute))
            self.advance(inside)
        return _joined(done)


def _computed(
    block: Callable[[Numbers], chex.ArrayTree], places: Numbers, inside: int
) -> chex.ArrayTree:
    return fetch(block(places), inside)
