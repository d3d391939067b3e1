"""Functions of one point, compiled once for all points of a block.

A program lives as long as its function: a second sweep of the same function over a
block of the same shape compiles nothing, and a function that is gone leaves nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import linecache
import traceback
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import jax
from jax.sharding import Mesh, PartitionSpec

# By the function's identity: functions that are equal may differ all the same.
_programs: dict[Any, dict[Any, Any]] = {}

_UNTRACEABLE = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
    jax.errors.NonConcreteBooleanIndexError,
    jax.errors.UnexpectedTracerError,
)

# Packages in which a user's mistake surfaces without being made there.
_LIBRARIES = {"jax", "jaxlib", "numpy", "optax", "optax_extra", "chex", "flax"}


def compiled(
    function: Callable[..., Any],
    call: Callable[..., Any],
    mesh: Mesh | None = None,
    *,
    shared: int = 0,
) -> Any:
    """`call(function, ...)` at all points of a block at once, as one program.

    Args:
      function: the user's, by which the program is remembered.
      call: a function of the module's own that calls it at one point.
      mesh: devices over which the points of a block are split, each on its own.
      shared: how many of the last arguments are the same for all points.
    """
    owner: Any = function
    key: tuple[int, ...] = (id(function),)
    reference: Callable[[], Any]
    try:
        if inspect.ismethod(function):  # Made anew whenever it is asked for.
            owner = function.__self__
            key = (id(owner), id(function.__func__))
            reference = weakref.WeakMethod(function)
        else:
            reference = weakref.ref(function)
    except TypeError:  # To some callables nothing can refer weakly.
        return _build(lambda: function, call, mesh, shared)
    if key not in _programs:
        _programs[key] = {}
        weakref.finalize(owner, _programs.pop, key, None)
    remembered = _programs[key]
    if (call, mesh) not in remembered:
        remembered[call, mesh] = _build(reference, call, mesh, shared)
    return remembered[call, mesh]


def _build(
    reference: Callable[[], Any],
    call: Callable[..., Any],
    mesh: Mesh | None,
    shared: int,
) -> Any:
    def at_all(*arguments: Any) -> Any:
        each = len(arguments) - shared
        axes = (0,) * each + (None,) * shared
        mapped: Any = jax.vmap(lambda *one: call(reference(), *one), in_axes=axes)
        if mesh is None:
            return mapped(*arguments)
        split, same = PartitionSpec(mesh.axis_names), PartitionSpec()
        over_devices: Any = jax.shard_map(
            mapped,
            mesh=mesh,
            in_specs=(split,) * each + (same,) * shared,
            out_specs=split,
            check_vma=False,
        )
        return over_devices(*arguments)

    return jax.jit(at_all)


def fingerprint(program: Any, *arguments: Any) -> str:
    """A hash of the lowered program, constants included."""
    text = program.lower(*arguments).as_text()
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Names the user's line where JAX could not trace it."""
    try:
        yield
    except (*_UNTRACEABLE, TypeError) as error:
        # Tracers in shapes and static arguments are refused by a plain TypeError.
        if not isinstance(error, _UNTRACEABLE) and "Tracer" not in str(error):
            raise
        raise TypeError(
            f"sweep: train must be traceable by JAX, {_line_of(error)} is not: "
            "hyperparameters are tracers there (use jnp.where for if, jnp for np; a "
            "shape cannot be swept)"
        ) from error


def _line_of(error: BaseException) -> str:
    places = [
        (frame.f_code.co_filename, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if frame.f_globals.get("__name__", "").partition(".")[0] not in _LIBRARIES
    ]
    if not places:
        return "and it"
    file, line = places[-1]
    code = linecache.getline(file, line).strip()
    return f"but line {line} of {file} `{code}`"
