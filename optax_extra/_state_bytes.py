"""How much memory a state takes, from shapes alone."""

from __future__ import annotations

import numbers
from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax

from optax_extra import _block_code, _check


class StateBytes(NamedTuple):
    """What `state_bytes` returns.

    Attributes:
      floats: numbers of the state for each parameter, in however many bits.
      bytes: bytes of the state for each parameter, counters included.
    """

    floats: float
    bytes: float


def state_bytes(
    optimizer: optax.GradientTransformation, params: chex.ArrayTree
) -> StateBytes:
    """Floats and bytes of an optimizer's state for each parameter.

    Nothing is allocated: `init` is traced, not run. The bytes are those of the state
    alone; params, gradients and updates come on top.

    Args:
      optimizer: any transformation.
      params: a tree of arrays, or of shapes (`jax.eval_shape` of a model's `init`).

    Returns:
      `StateBytes(floats, bytes)`, both divided by the number of elements of params.

    Raises:
      TypeError: if optimizer is no transformation, or params are no arrays.
      ValueError: if params have no elements.

    Example:
      >>> import jax
      >>> import jax.numpy as jnp
      >>> from optax_extra import adaderivative, quantize_state, state_bytes
      >>> params = {"kernel": jax.ShapeDtypeStruct((50_000, 50_000), jnp.float32)}
      >>> optimizer = adaderivative(1e-3)
      >>> for choice in optimizer, quantize_state(optimizer, "bfloat16"):
      ...     floats, size = state_bytes(choice, params)
      ...     print(f"{floats:.1f} floats, {size:.1f} bytes a parameter")
      3.0 floats, 12.0 bytes a parameter
      3.0 floats, 6.0 bytes a parameter
    """
    _check.transformation("state_bytes", "optimizer", optimizer)
    for leaf in jax.tree.leaves(params):
        if not (hasattr(leaf, "shape") or isinstance(leaf, numbers.Number)):
            raise TypeError(
                "state_bytes: params must be a tree of arrays or of shapes, got "
                f"{type(leaf).__name__}"
            )
    size = sum(map(np.size, jax.tree.leaves(params)))
    if not size:
        raise ValueError("state_bytes: params must have elements, got none")
    state = jax.eval_shape(optimizer.init, params)
    nodes = jax.tree.leaves(state, is_leaf=_block_code.is_blocks)
    # The codes of blocks are numbers, their floors are not.
    floats = sum(jax.tree.leaves(node)[0].size for node in nodes if _is_numbers(node))
    total = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(state))
    return StateBytes(floats / size, total / size)


def _is_numbers(node: Any) -> bool:
    return _block_code.is_blocks(node) or jnp.issubdtype(node.dtype, jnp.inexact)
