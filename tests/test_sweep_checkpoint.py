"""A checkpoint belongs to one sweep, and says so to every other."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_bad_input import refuses

from optax_extra import sweep

A, B = jnp.array([1.0, 2.0, 3.0]), jnp.array([10.0, 20.0])
KEYS = jax.random.split(jax.random.key(0), 3)


def scaled(factor: float) -> Callable[..., Any]:
    weights = jnp.linspace(0, factor, 2000)  # A constant of the program.
    return lambda a, b: {"sum": jnp.sum(weights * a) + b}


def in_blocks(
    folder: Path, axes: Any = None, factor: float = 1.0, **options: Any
) -> Any:
    options = {"batch_size": 4, **options}
    axes = {"a": A, "b": B} if axes is None else axes
    return sweep(scaled(factor), axes, checkpoint=folder, **options)


def test_finished_blocks_are_read_and_the_rest_computed(tmp_path: Path) -> None:
    first = in_blocks(tmp_path / "x")
    blocks = sorted((tmp_path / "x").glob("block-*.npz"))
    assert len(blocks) == 2
    blocks[1].unlink()
    stamp = blocks[0].stat().st_mtime_ns
    (tmp_path / "x" / ".left-by-a-death.unfinished").touch()
    again = in_blocks(tmp_path / "x")
    chex.assert_trees_all_equal(again.values, first.values)
    assert blocks[0].stat().st_mtime_ns == stamp
    assert len(list((tmp_path / "x").iterdir())) == 3


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"axes": {"a": A, "b": B + 1}}, "grid"),
        ({"axes": {"b": B, "a": A}}, "grid"),
        ({"axes": {"a": A, "b": B[:1]}}, "grid"),
        ({"axes": {"a": A[:2], "b": B}, "zipped": True}, "grid"),
        ({"batch_size": 3}, "block size"),
        ({"factor": 1.001}, "program"),
    ],
    ids=["values", "order", "length", "zipped", "block size", "constant"],
)
def test_of_another_sweep(tmp_path: Path, change: dict[str, Any], name: str) -> None:
    in_blocks(tmp_path)
    files = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with refuses(
        ValueError,
        f"sweep: checkpoint must be a folder of this sweep, got {tmp_path} of another "
        f"{name}: ",
    ):
        in_blocks(tmp_path, **change)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == files


def test_of_another_jax_version(tmp_path: Path) -> None:
    in_blocks(tmp_path)
    manifest = tmp_path / "sweep.json"
    manifest.write_text(manifest.read_text().replace(jax.__version__, "0.0.1"))
    with refuses(ValueError, f"of another jax version: 0.0.1, not {jax.__version__}"):
        in_blocks(tmp_path)


def test_of_other_seeds(tmp_path: Path) -> None:
    def run(keys: jax.Array) -> Any:
        return sweep(
            jax.random.normal, {"key": keys}, batch_size=2, checkpoint=tmp_path
        )

    values = run(KEYS).values
    np.testing.assert_array_equal(run(KEYS).values, values)
    with refuses(ValueError, "of another grid"):
        run(KEYS[::-1])


def test_of_another_score(tmp_path: Path) -> None:
    def run(sign: float) -> Any:
        return sweep(
            (lambda a: a, lambda carry: (2 * carry, carry)),
            {"a": A},
            steps=4,
            halving=(2, 0.5),
            score=lambda values: sign * values,
            checkpoint=tmp_path,
        )

    assert run(1.0).steps.tolist() == [4, 4, 2]
    with refuses(ValueError, "of other points: was it halved by another score?"):
        run(-1.0)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'"text"', b"\xff"], ids=repr)
def test_with_a_foreign_manifest(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "sweep.json").write_bytes(content)
    with refuses(ValueError, "sweep: checkpoint must be a sweep's own folder, got "):
        in_blocks(tmp_path)


def test_foreign_folder(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with refuses(
        ValueError,
        f"sweep: checkpoint must be an empty folder or a sweep's own, got {tmp_path}",
    ):
        in_blocks(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_not_a_folder(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for place in (file, file / "below"):
        with refuses(
            ValueError,
            f"sweep: checkpoint must be a folder that can be written, got {place} (",
        ):
            in_blocks(place)


def test_numbers_of_numpy(tmp_path: Path) -> None:
    in_blocks(tmp_path, batch_size=np.int64(4))
    in_blocks(tmp_path, batch_size=4)


def test_files_may_be_read_by_others(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    in_blocks(tmp_path / "x")
    modes = {path.stat().st_mode for path in (tmp_path / "x").iterdir()}
    assert modes == {(tmp_path / "plain").stat().st_mode}


def test_half_a_block(tmp_path: Path) -> None:
    """Ours are whole or not there; someone's shortened copy is found out."""
    in_blocks(tmp_path)
    block = tmp_path / "block-000000.npz"
    block.write_bytes(block.read_bytes()[:100])
    with refuses(ValueError, f"not a file of arrays that sweep wrote: {block}"):
        in_blocks(tmp_path)


def test_manifest_is_for_people(tmp_path: Path) -> None:
    in_blocks(tmp_path)
    found = json.loads((tmp_path / "sweep.json").read_text())
    assert found["block size"] == 4
    assert found["jax version"] == jax.__version__
