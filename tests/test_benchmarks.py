"""The benchmarks run, at a size at which their numbers mean nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["step", "--size", "20000", "--rounds", "1"], "| adabelief |"),
        (["gpu", "--size", "1000", "--lanes", "10", "--rounds", "1"], "| radam |"),
    ],
    ids=["step", "gpu"],
)
def test_runs_and_writes_its_table(arguments, shown, tmp_path):
    out = tmp_path / "table.md"
    module, *options = arguments
    run = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{module}", *options, "--out", str(out)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ,
    )
    assert run.returncode == 0, run.stderr
    assert shown in run.stdout
    assert out.read_text() == run.stdout
