"""What `quantize_state` takes: formats, sizes of blocks, states that it can shorten."""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from typing import Any

import jax
import jax.numpy as jnp

from optax_extra import _block_code, _check, _few_bits

# Fields that are not averages: weights of `lookahead`, and of Optax's schedule_free,
# dog, prodigy, cocob, mechanize and madgrad, lbfgs; and what its line searches and
# rprop keep.
KEPT = (
    *("slow", "z", "init_params", "params0", "init_particles", "x0", "params"),
    *("grad", "step_sizes"),
)
_BLOCK_SIZE = 32


def known_format(part: str, format: Any) -> str:
    if not isinstance(format, str):
        with contextlib.suppress(TypeError):
            format = jnp.dtype(format).name
    _check.one_of(part, "format", format, ("bfloat16", "int8"))
    return str(format)


def known_block_size(part: str, format: str, block_size: int | None) -> int | None:
    """What `_few_bits.by_chance` calls the size: None for "bfloat16"."""
    if block_size is None:
        return _BLOCK_SIZE if format == "int8" else None
    if format != "int8":
        raise ValueError(
            f"{part}: block_size must be None with format={format!r}, which has no "
            f"blocks, got {block_size}"
        )
    _check.count(part, "block_size", block_size)
    if block_size & (block_size - 1):
        raise ValueError(f"{part}: block_size must be a power of two, got {block_size}")
    return block_size


def check_state(part: str, keep: Collection[str], params: Any, state: Any) -> None:
    """Refuses states in which there is nothing to store in fewer bits, or to keep."""
    nodes = jax.tree.leaves(state, is_leaf=_block_code.is_blocks)
    if any(map(_block_code.is_blocks, nodes)):
        raise ValueError(
            f"{part}: the state of inner must not be in blocks, got Blocks"
        )
    if not jax.tree.leaves(params):
        return
    kinds = {jnp.result_type(leaf) for leaf in jax.tree.leaves(state)}
    if not any(jnp.issubdtype(kind, jnp.inexact) for kind in kinds):
        found = ", ".join(sorted(map(str, kinds))) or "nothing"
        raise ValueError(
            f"{part}: the state of inner must have floating leaves, got {found}"
        )
    names_of = _few_bits.names_beside(params)
    paths = [path for path, _ in jax.tree_util.tree_leaves_with_path(state)]
    fields = {name for path in paths for name in names_of(path)}
    for name in keep:
        if name not in KEPT and name not in fields:
            raise ValueError(
                f"{part}: keep must name fields of the state of inner, got {name!r}; "
                f"it has {', '.join(sorted(fields))}"
            )
