"""A folder that keeps finished blocks of a sweep, for one grid and one program."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import chex
import jax
import jax.numpy as jnp
import jaxlib.version
import numpy as np
from jax.experimental import multihost_utils

from optax_extra import _sweep_blocks, _sweep_file
from optax_extra._sweep_axes import Axes
from optax_extra._sweep_blocks import Layout, Numbers

_MANIFEST = "sweep.json"


def identity(
    axes: Axes, layout: Layout, program: str, halving: list[Any] | None
) -> dict[str, Any]:
    """All that the bits of a stored block depend on, by the names users know."""
    default = jnp.zeros(()).devices()  # `jax.default_device` may have chosen it.
    (device, *_) = default if layout.mesh is None else layout.mesh.devices.flat
    return {
        "grid": _grid_hash(axes),
        "block size": layout.block_size(axes.size),
        "number of devices": layout.devices,
        "kind of device": device.device_kind,
        "jax version": jax.__version__,
        "jaxlib version": jaxlib.version.__version__,
        "halving": halving,
        "program": program,
    }


def _grid_hash(axes: Axes) -> str:
    digest = hashlib.sha256(repr((axes.names, axes.shape, axes.zipped)).encode())
    for row in axes.rows:
        data = jax.random.key_data(row) if _sweep_blocks.is_key(row) else row
        digest.update(f"{row.dtype}{data.shape}".encode() + np.asarray(data).tobytes())
    return digest.hexdigest()[:16]


class Checkpoint:
    """The folder, opened for the sweep of one identity.

    With several processes all must see the folder; the first one writes.

    Raises:
      ValueError: if the folder cannot be written, is no checkpoint, or that of another
        sweep.
    """

    def __init__(self, folder: str | os.PathLike[str], wanted: dict[str, Any]) -> None:
        self.folder = Path(folder)
        self.writes = jax.process_index() == 0
        for turn in (True, False):  # The first process makes what the others find.
            problem = self._open(wanted) if self.writes == turn else None
            if not _everywhere(problem is None):
                problem = problem or "one that every process can use"
                raise ValueError(f"sweep: checkpoint must be {problem}")

    def _open(self, wanted: dict[str, Any]) -> str | None:
        """Makes or checks the folder; what it should be, if it is not that."""
        manifest = self.folder / _MANIFEST
        try:
            if self.writes:
                self.folder.mkdir(parents=True, exist_ok=True)
            elif not manifest.exists():
                return f"a folder that every process sees, got {self.folder}"
            if not manifest.exists():
                if any(self.folder.iterdir()):
                    return f"an empty folder or a sweep's own, got {self.folder}"
                found = wanted
            else:
                found = json.loads(manifest.read_text(encoding="utf-8"))
            differs = [name for name in wanted if found.get(name) != wanted[name]]
            if differs:
                name = differs[0]
                return (
                    f"a folder of this sweep, got {self.folder} of another {name}: "
                    f"{found.get(name)}, not {wanted[name]}; name another, or delete "
                    "this one"
                )
            if self.writes:
                for rest in self.folder.glob(f".*{_sweep_file.UNFINISHED}"):
                    rest.unlink()
                # Also where it is there: now is the time to find out that one may not.
                with _sweep_file.Replacing(manifest) as file:
                    file.write(json.dumps(wanted, indent=1).encode())
        except OSError as error:
            return f"a folder that can be written, got {self.folder} ({error})"
        except (ValueError, AttributeError):
            return f"a sweep's own folder, got {self.folder} with a foreign {_MANIFEST}"
        return None

    def keep(
        self,
        name: str,
        numbers: Numbers,
        structure: jax.tree_util.PyTreeDef,
        compute: Callable[[], chex.ArrayTree],
    ) -> chex.ArrayTree:
        """The block of these points as it was stored, or computed and stored."""
        path = self.folder / f"{name}.npz"
        if _everywhere(path.exists()):
            stored, _ = _sweep_file.load(path)
            if not np.array_equal(stored["numbers"], numbers):
                raise ValueError(
                    f"sweep: checkpoint must be a folder of this sweep, got {path} "
                    "of other points: was it halved by another score?"
                )
            return jax.tree.unflatten(structure, stored["leaves"])
        block = compute()
        problem = None
        if self.writes:
            leaves = jax.tree.leaves(block)
            try:
                _sweep_file.save(path, {"numbers": numbers, "leaves": leaves})
            except OSError as error:  # Told to all, who would wait for ever.
                problem = error
        if not _everywhere(problem is None):
            raise problem or OSError(f"the first process could not write {path}")
        return block


def _everywhere(flag: bool) -> bool:
    """Whether it is true in every process; all must ask."""
    if jax.process_count() == 1:
        return flag
    return bool(np.all(multihost_utils.process_allgather(np.array(flag))))
