"""Gradient centralisation that knows Flax's kernels.

    u = g - mean of g over the axes that lead into a feature

Yong et al., Gradient Centralization: A New Optimization Technique for Deep Neural
Networks, 2020, https://arxiv.org/abs/2004.01461
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import chex
import jax
import jax.numpy as jnp
import optax

from optax_extra import _check, _numerics

Axes: TypeAlias = int | tuple[int, ...] | None
FeatureAxes: TypeAlias = int | tuple[int, ...] | Callable[[Any, chex.Array], Axes]


def flax_features(path: Any, leaf: chex.Array) -> Axes:
    """Which axes of a leaf of a Flax model are its output features.

    The last one of a leaf that is called "kernel" (Dense, Conv, recurrent cells), the
    last two where it makes an attention's queries, keys or values. Anything else
    (biases, scales, embeddings) has none.
    """
    names = [str(getattr(key, "key", getattr(key, "name", key))) for key in path]
    if names and names[-1] in ("value", "raw_value"):  # how nnx ends a path
        names.pop()
    if not names or names[-1] != "kernel" or leaf.ndim < 2:
        return None
    in_heads = leaf.ndim == 3 and names[-2:-1] in (["query"], ["key"], ["value"])
    return (-2, -1) if in_heads else -1


def centralize(
    feature_axes: FeatureAxes = flax_features,
) -> optax.GradientTransformation:
    """Subtracts from a kernel's gradient its mean over the kernel's inputs.

    Unlike `optax.centralize`, which averages over all axes but the first (PyTorch's
    layout, where output features come first), it averages over Flax's input axes, and
    leaves embeddings alone. It stands before the adaptive part, as in the paper.

    Args:
      feature_axes: the axes that are *not* averaged over. An int or a tuple holds for
        every leaf of two or more axes (-1 for Flax's layout, 0 for PyTorch's); a
        function of (path, leaf) returns an int, a tuple, or None for a leaf to leave
        alone. Default: the output features of Dense and Conv kernels, and the heads of
        attention's; biases, scales and embeddings are left alone.

    Returns:
      A `GradientTransformation` without state. Updates have the shapes and dtypes of
      the gradients.

    Raises:
      TypeError: if feature_axes is no int, tuple of ints or function.
      ValueError: at `init`, if a leaf is not floating or does not have such an axis.

    Example:
      >>> import jax.numpy as jnp
      >>> from optax_extra import centralize
      >>> part = centralize()
      >>> params = {"kernel": jnp.zeros((2, 2)), "bias": jnp.zeros(2)}
      >>> gradient = {"kernel": jnp.array([[1.0, 5.0], [3.0, 5.0]]), "bias": jnp.ones(2)}
      >>> updates, _ = part.update(gradient, part.init(params))
      >>> print(updates["kernel"], updates["bias"])
      [[-1.  0.]
       [ 1.  0.]] [1. 1.]

    References:
      Gradient Centralization: A New Optimization Technique for Deep Neural Networks,
      Yong et al., 2020, https://arxiv.org/abs/2004.01461
    """
    if not callable(feature_axes) and not _is_axes(feature_axes):
        raise TypeError(
            "centralize: feature_axes must be an int, a tuple of ints or a function of "
            f"(path, leaf), got {feature_axes!r}"
        )

    def averaged_axes(path: Any, leaf: chex.Array) -> tuple[int, ...]:
        axes: Axes = feature_axes if leaf.ndim > 1 else None
        if callable(feature_axes):
            axes = feature_axes(path, leaf)
        if axes is None:
            return ()
        kept = axes if isinstance(axes, tuple) else (axes,)
        if not _is_axes(axes) or any(not -leaf.ndim <= a < leaf.ndim for a in kept):
            name = jax.tree_util.keystr(path) or "the root"
            raise ValueError(
                f"centralize: feature_axes must be axes of every leaf, got {axes!r} for "
                f"{name} of shape {leaf.shape}"
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

    def update_fn(
        updates: chex.ArrayTree,
        state: optax.EmptyState,
        params: chex.ArrayTree | None = None,
    ) -> tuple[chex.ArrayTree, optax.EmptyState]:
        del params
        return jax.tree_util.tree_map_with_path(center, updates), state

    return optax.GradientTransformation(init_fn, update_fn)


def _is_axes(value: Any) -> bool:
    axes = value if isinstance(value, tuple) else (value,)
    return all(isinstance(axis, int) and not isinstance(axis, bool) for axis in axes)
