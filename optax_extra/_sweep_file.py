"""A tree of arrays in one .npz file: readable names, no pickle, whole or not there."""

from __future__ import annotations

import json
import os
import uuid
import zipfile
from pathlib import Path
from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np

from optax_extra._sweep_blocks import is_key

UNFINISHED = ".unfinished"
_STRUCTURE = "structure"


def save(path: str | os.PathLike[str], tree: chex.ArrayTree, **about: Any) -> None:
    """Writes dicts, lists, tuples and None as they are, other nodes as dicts.

    What is said `about` the tree goes with it in JSON.
    """
    arrays: dict[str, Any] = {}
    structure = {"tree": _describe(tree, "", arrays), "about": about}
    arrays[_STRUCTURE] = np.array(json.dumps(structure))
    with Replacing(path) as file:
        np.savez(file, **arrays)


def load(path: str | os.PathLike[str]) -> tuple[Any, dict[str, Any]]:
    """The tree, in NumPy arrays and PRNG keys of JAX, and what was said about it.

    Raises:
      ValueError: if the file is none of `save`'s, or only a part of one.
      OSError: if there is no such file.
    """
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
            structure = json.loads(str(arrays[_STRUCTURE]))
            return _restore(structure["tree"], arrays), structure["about"]
    except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"not a file of arrays that sweep wrote: {path}") from error


class Replacing:
    """A file that takes the place of `path` when the block succeeds, at once."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def __enter__(self) -> Any:
        name = f".{uuid.uuid4().hex}{UNFINISHED}"
        self.beside = self.path.with_name(name)
        try:
            self.file = open(self.beside, "xb")
        except OSError as error:  # names the file that was asked for
            raise OSError(error.errno, error.strerror, str(self.path)) from None
        return self.file

    def __exit__(self, kind: Any, *_: object) -> None:
        try:
            with self.file:
                self.file.flush()
                os.fsync(self.file.fileno())
            if kind is None:
                os.replace(self.beside, self.path)
        finally:
            self.beside.unlink(missing_ok=True)


def _describe(node: Any, name: str, arrays: dict[str, Any]) -> Any:
    """The node in JSON; its leaves go into `arrays` under readable names."""
    if node is None:
        return None
    entries, _ = jax.tree_util.tree_flatten_with_path(
        node,
        is_leaf=lambda child: child is not node,  # One level at a time.
    )
    if len(entries) == 1 and not entries[0][0]:
        return _describe_leaf(node, name, arrays)
    children = []
    for (entry,), child in entries:
        key = next(
            getattr(entry, a) for a in ("key", "idx", "name") if hasattr(entry, a)
        )
        key = key if isinstance(key, (str, int)) else str(key)
        children.append([key, _describe(child, f"{name}/{key}".lstrip("/"), arrays)])
    return {"kind": type(node).__name__, "children": children}


def _describe_leaf(leaf: Any, name: str, arrays: dict[str, Any]) -> Any:
    # NumPy takes .npy off a name.
    while name in arrays or name in ("", _STRUCTURE) or name.endswith(".npy"):
        name += "_"
    if is_key(leaf):
        arrays[name] = np.asarray(jax.random.key_data(leaf))
        return {"leaf": name, "keys": str(jax.random.key_impl(leaf))}
    array = np.asarray(leaf)
    # NumPy's format knows only NumPy's own types: bfloat16 is kept as its bits.
    own = array.dtype.isbuiltin == 1
    arrays[name] = array if own else array.view(f"u{array.dtype.itemsize}")
    return {"leaf": name, "dtype": array.dtype.name}


def _restore(structure: Any, arrays: Any) -> Any:
    if structure is None:
        return None
    if "leaf" in structure:
        array = arrays[structure["leaf"]]
        if "keys" in structure:
            return jax.random.wrap_key_data(jnp.asarray(array), impl=structure["keys"])
        return array.view(jnp.dtype(structure["dtype"]))
    children = [(key, _restore(child, arrays)) for key, child in structure["children"]]
    if structure["kind"] in ("list", "tuple"):
        values = [child for _, child in children]
        return tuple(values) if structure["kind"] == "tuple" else values
    return dict(children)
