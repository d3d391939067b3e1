"""Checks of static arguments.

A check speaks at construction, once, in one form: the part, the argument, the rule
and the value. Tracers pass unchecked, because their values are not known; so do the
values of a schedule.
"""

import difflib
import math
from collections.abc import Callable, Iterable
from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np


def is_number(value: Any) -> bool:
    """True for Python and NumPy numbers: values known on the host in full precision."""
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)


def is_zero(value: Any) -> bool:
    """True for a number that is known to be zero, never for an array or a tracer."""
    return is_number(value) and value == 0


def in_range(
    part: str,
    name: str,
    value: chex.Numeric,
    low: float,
    high: float = math.inf,
    *,
    high_open: bool = False,
) -> None:
    """Refuses what is no number, and every known number outside the interval."""
    rule = _interval(low, high, high_open)
    if callable(value):
        raise TypeError(
            f"{part}: {name} must be a number {rule}, got {value!r}; "
            "for a schedule wrap the factory in optax.inject_hyperparams"
        )
    known = _known(part, name, value, f"a number {rule}")
    # Written so that NaN fails.
    inside = known is None or low <= known <= high
    if not inside or (high_open and known == high):
        raise ValueError(f"{part}: {name} must be {rule}, got {value}")


def rate(part: str, name: str, value: Any) -> None:
    """A finite number, of either sign as in Optax, or a schedule."""
    if not callable(value):
        known = _known(part, name, value, "a finite number or a schedule")
        if known is not None and not math.isfinite(known):
            raise ValueError(f"{part}: {name} must be finite, got {value}")


def _known(part: str, name: str, value: Any, kind: str) -> float | None:
    """The value of a scalar, None if it is a tracer's."""
    if np.shape(value) != ():
        raise ValueError(
            f"{part}: {name} must be a scalar, got an array of shape {np.shape(value)}"
        )
    if isinstance(value, jax.core.Tracer):
        return None
    try:
        if not isinstance(value, (bool, str)):
            return float(value)
    except (TypeError, ValueError):
        pass
    raise TypeError(f"{part}: {name} must be {kind}, got {value!r}")


def _interval(low: float, high: float, high_open: bool) -> str:
    if high == math.inf:
        return "at least 0" if low == 0 else f"at least {low:g}"
    return f"in [{low:g}, {high:g}{')' if high_open else ']'}"


def each(check: Callable[[str, str, Any], None], part: str, **values: Any) -> None:
    """One check for several arguments."""
    for name, value in values.items():
        check(part, name, value)


def not_negative(part: str, name: str, value: chex.Numeric) -> None:
    """A number is at least 0."""
    in_range(part, name, value, 0)


def decay(part: str, name: str, value: chex.Numeric) -> None:
    """A decay rate lies in [0, 1)."""
    in_range(part, name, value, 0, 1, high_open=True)


def count(part: str, name: str, value: Any, least: int = 1) -> None:
    """A whole number, at least 1 or another least one."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{part}: {name} must be an integer, got {value!r}")
    if value < least:
        raise ValueError(f"{part}: {name} must be at least {least}, got {value}")


def flag(part: str, name: str, value: bool) -> None:
    """A choice between two programs is a static bool."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{part}: {name} must be True or False, got {value!r}")


def one_of(part: str, name: str, value: Any, allowed: Iterable[str]) -> None:
    """A choice among names; the error says the nearest."""
    allowed = tuple(allowed)
    if value not in allowed:
        near = difflib.get_close_matches(str(value), allowed, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        names = ", ".join(repr(name) for name in allowed)
        raise ValueError(f"{part}: {name} must be one of {names}, got {value!r}{hint}")


def floating_dtype(part: str, name: str, value: Any) -> None:
    """A dtype for stored moments: None, or a floating one that can hold them."""
    if value is None:
        return
    try:
        dtype = jnp.dtype(value)
        stores = jnp.issubdtype(dtype, jnp.inexact) and jnp.finfo(dtype).bits >= 16
    except TypeError:
        stores = False
    if not stores:
        raise ValueError(
            f"{part}: {name} must be a floating dtype of 16 bits or more, got {value!r}"
        )


def transformation(part: str, name: str, value: Any, or_else: str = "") -> None:
    """Whatever has the two functions of a transformation is one."""
    if not (callable(getattr(value, "init", None)) and hasattr(value, "update")):
        allowed = f"a GradientTransformation{or_else and f', {or_else}'}"
        shown = repr(value)
        if len(shown) > 80:  # A tree of arrays, say.
            shown = type(value).__name__
        raise TypeError(f"{part}: {name} must be {allowed}, got {shown}")


def floating_leaves(part: str, params: chex.ArrayTree) -> None:
    """Refuses leaves that no gradient step can move, by their path."""
    for path, leaf in jax.tree_util.tree_leaves_with_path(params):
        kind: Any = getattr(leaf, "dtype", type(leaf))
        if not jnp.issubdtype(kind, jnp.inexact):
            name = kind.__name__ if isinstance(kind, type) else kind
            raise ValueError(
                f"{part}: params must have floating or complex leaves, got {name} at "
                f"{jax.tree_util.keystr(path) or 'the root'}; "
                "leave it out with optax.masked or optax.partition"
            )


def same_structure(part: str, updates: chex.ArrayTree, state: chex.ArrayTree) -> None:
    """Refuses gradients whose tree is not the one that `init` saw."""
    given: Any = jax.tree.structure(updates)
    known: Any = jax.tree.structure(state)
    if given != known:
        raise ValueError(
            f"{part}: updates must have the tree of params, got {given} for {known}"
        )
