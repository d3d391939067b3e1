"""Sweeps over many devices, over many hosts, and through sudden deaths."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import chex
import jax
import numpy as np
import pytest
import sweep_programs
from sweep_programs import axes, init, step, train

from optax_extra import SweepResult, sweep

ROOT = Path(__file__).parent.parent


def start(*arguments: Any, devices: int = 1) -> subprocess.Popen[str]:
    flags = f"--xla_force_host_platform_device_count={devices}" if devices > 1 else ""
    env = {**os.environ, "XLA_FLAGS": flags, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, sweep_programs.__file__, *map(str, arguments)],
        env=env,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> None:
    _, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors


def assert_same(path: Path, expected: SweepResult) -> None:
    """Every bit, and nothing of the padding."""
    found = SweepResult.load(path)
    chex.assert_trees_all_equal(found.values, expected.values)
    assert (found.names, found.shape) == (expected.names, expected.shape)
    np.testing.assert_array_equal(found.steps, expected.steps)


def test_over_devices(tmp_path: Path) -> None:
    """4 x 2 and 3 devices for 21 points, three on each at once."""
    finish(start("over_devices", tmp_path / "mesh", 3, devices=8))
    finish(start("whole", tmp_path / "one", 3))
    one = SweepResult.load(tmp_path / "one")
    for i in range(2):
        assert_same(tmp_path / f"mesh-{i}", one)
    halved = SweepResult.load(tmp_path / "mesh-halved")
    expected = sweep((init, step), axes(), steps=18, halving=(3, 1 / 3))
    np.testing.assert_array_equal(halved.steps, expected.steps)
    # Other blocks, other roundings: an eps a step and term of a sum.
    eps = float(np.finfo(np.float32).eps)
    np.testing.assert_allclose(halved.values, expected.values, rtol=18 * 32 * eps)


def test_over_hosts(tmp_path: Path) -> None:
    """Two processes of two devices each; the first one writes the checkpoint."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes = [
        start("over_hosts", tmp_path / "host", 3, port, process) for process in (0, 1)
    ]
    finish(start("whole", tmp_path / "one", 3))
    one = SweepResult.load(tmp_path / "one")
    for i, process in enumerate(processes):
        finish(process)
        assert_same(tmp_path / f"host-{i}", one)
    assert len(list((tmp_path / "host-checkpoint").glob("block-*.npz"))) == 2


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_killed_three_times(tmp_path: Path) -> None:
    """At random moments: no block runs twice, and no bit differs in the end."""
    finish(start("in_blocks", tmp_path / "undisturbed", tmp_path / "calm"))
    folder = tmp_path / "blocks"
    stamps: dict[Path, int] = {}
    for turn in range(1, 4):
        process = start("in_blocks", tmp_path / "killed", folder)
        # Wait for the next blocks, then for any moment of the one after.
        deadline = time.monotonic() + 120
        while len(list(folder.glob("block-*.npz"))) < 3 * turn - 1:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.002)
        time.sleep(random.uniform(0, 0.2))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert all(path.stat().st_mtime_ns == stamp for path, stamp in stamps.items())
        stamps = {p: p.stat().st_mtime_ns for p in folder.glob("block-*.npz")}
    assert 8 <= len(stamps) <= 11
    finish(start("in_blocks", tmp_path / "killed", folder))
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in stamps.items())
    assert_same(tmp_path / "killed", SweepResult.load(tmp_path / "undisturbed"))
    assert len(list(folder.iterdir())) == 11 + 1


def test_programs_sweep_the_same_function() -> None:
    """The processes' sweep, in this one: what they are compared with is not trivial."""
    result = sweep(train, axes())
    losses = np.asarray(result.values["losses"])
    assert losses.shape == (7, 3, 20)
    assert jax.tree.map(len, result.axes) == {"learning_rate": 7, "seed": 3}
    assert (losses[4, :, -1] < losses[0, :, -1]).all()
