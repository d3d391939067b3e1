"""Gradient centralisation that knows Flax's kernels.

    u = g - mean of g over the axes that lead into a feature

Yong et al., Gradient Centralization: A New Optimization Technique for Deep Neural
Networks, 2020, https://arxiv.org/abs/2004.01461
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import chex
import jax
import jax.numpy as jnp
import optax

from optax_extra import _check, _numerics

Axes: TypeAlias = int | tuple[int, ...] | None
FeatureAxes: TypeAlias = (
    Literal["flax"] | int | tuple[int, ...] | Callable[[Any, chex.Array], Axes]
)


def _flax(path: Any, leaf: chex.Array) -> Axes:
    """The output features of Flax's layers, None where nothing is to be averaged.

    They are the last axis of a leaf that is called "kernel" (Dense, Conv, recurrent
    cells), and the last two where it makes an attention's queries, keys or values.
    """
    names = [str(getattr(key, "key", getattr(key, "name", key))) for key in path]
    if names and names[-1] in ("value", "raw_value"):  # how nnx ends a path
        names.pop()
    if not names or names[-1] != "kernel" or leaf.ndim < 2:
        return None
    in_heads = leaf.ndim == 3 and names[-2:-1] in (["query"], ["key"], ["value"])
    return (-2, -1) if in_heads else -1


def centralize(
    feature_axes: FeatureAxes = "flax",
) -> optax.GradientTransformation:
    """Subtracts a gradient's mean over Flax's input axes; Optax's averages PyTorch's.

        u = g - mean of g over all axes but `feature_axes`

    `optax.centralize` averages over all axes but the first, where PyTorch has its
    output features (`feature_axes=0` here); Flax has them last. It stands before the
    adaptive part, as in the paper.

    Args:
      feature_axes: the axes that are *not* averaged over. "flax" knows the output
        features of Dense and Conv kernels and the heads of attention's, by the name
        "kernel", and leaves biases, scales and embeddings alone. An int or a tuple
        holds for every leaf of two or more axes (-1 for Flax's layout, 0 for
        PyTorch's). A function of (path, leaf) returns an int, a tuple, or None for a
        leaf to leave alone; `optax.inject_hyperparams` needs it among `static_args`.
        "flax" cannot tell a `DenseGeneral` of several features, nor a stack of layers
        that `nn.scan` made, from other kernels: give a function for those.

    Returns:
      A `GradientTransformation` without state. Updates have the shapes and dtypes of
      the gradients.

    Raises:
      TypeError: if feature_axes is none of these.
      ValueError: at `init`, if a leaf is not floating or does not have such an axis.

    Example:
      >>> import jax.numpy as jnp
      >>> from optax_extra import centralize
      >>> part = centralize()
      >>> params = {"kernel": jnp.zeros((2, 2)), "bias": jnp.zeros(2)}
      >>> kernel = jnp.array([[1.0, 5.0], [3.0, 5.0]])
      >>> gradient = {"kernel": kernel, "bias": jnp.ones(2)}
      >>> updates, _ = part.update(gradient, part.init(params))
      >>> print(updates["kernel"], updates["bias"])
      [[-1.  0.]
       [ 1.  0.]] [1. 1.]

    References:
      Gradient Centralization: A New Optimization Technique for Deep Neural Networks,
      Yong et al., 2020, https://arxiv.org/abs/2004.01461
    """
    known = feature_axes == "flax" or callable(feature_axes) or _is_axes(feature_axes)
    if not known:
        raise TypeError(
            'centralize: feature_axes must be "flax", an int, a tuple of ints or a '
            f"function of (path, leaf), got {feature_axes!r}"
        )

    def axes_of(path: Any, leaf: chex.Array) -> Axes:
        if feature_axes == "flax":
            return _flax(path, leaf)
        if callable(feature_axes):
            return feature_axes(path, leaf)
        return feature_axes if leaf.ndim > 1 else None

    def averaged_axes(path: Any, leaf: chex.Array) -> tuple[int, ...]:
        axes = axes_of(path, leaf)
        if axes is None:
            return ()
        kept = axes if isinstance(axes, tuple) else (axes,)
        if not _is_axes(kept) or any(not -leaf.ndim <= a < leaf.ndim for a in kept):
            name = jax.tree_util.keystr(path) or "the root"
            raise ValueError(
                "centralize: feature_axes must be axes of every leaf, "
                f"got {axes!r} for {name} of shape {leaf.shape}"
            )
        kept = tuple(axis % leaf.ndim for axis in kept)
        return tuple(axis for axis in range(leaf.ndim) if axis not in kept)

    def init_fn(params: chex.ArrayTree) -> optax.EmptyState:
        _check.floating_leaves("centralize", params)
        jax.tree_util.tree_map_with_path(averaged_axes, params)
        return optax.EmptyState()

    def center(path: Any, g: chex.Array) -> chex.Array:
        axes = averaged_axes(path, g)
        if not axes:
            return g
        wide = _numerics.upcast(g)
        return (wide - jnp.mean(wide, axis=axes, keepdims=True)).astype(g.dtype)

    def center_all(updates: chex.ArrayTree, params: chex.ArrayTree | None) -> Any:
        del params
        return jax.tree_util.tree_map_with_path(center, updates)

    return optax.GradientTransformation(init_fn, optax.stateless(center_all).update)


def _is_axes(value: Any) -> bool:
    axes = value if isinstance(value, tuple) else (value,)
    return all(isinstance(axis, int) and not isinstance(axis, bool) for axis in axes)
