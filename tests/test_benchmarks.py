"""The benchmarks run, at a size at which their numbers mean nothing."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import memory

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["step", "--size", "20000", "--rounds", "1"], "| adabelief |"),
        (["gpu", "--size", "1000", "--lanes", "10", "--rounds", "1"], "| radam |"),
        (["pictures", "--frames", "2", "--rounds", "1", "--brief"], "| MP4 |"),
    ],
    ids=["step", "gpu", "pictures"],
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


def test_the_table_of_memory_has_a_row_for_each_recipe_and_format():
    seeds = np.array([0.0, 0.5, 1.0])
    reached = [
        memory.Reached(seeds**row - 3, seeds) for row, _ in enumerate(memory.KEYS, 1)
    ]
    table = memory.table({"CNN": reached}, memory.time_steps(size=8192, rounds=1))
    rows = [[cell.strip() for cell in row.split("|")] for row in table.split("\n")[2:]]
    assert [(row[1], row[2]) for row in rows] == memory.KEYS
    sizes = {(row[1], row[2]): float(row[3]) for row in rows}
    for name, bytes in [("adaderivative", 12), ("radam", 8), ("lion", 4)]:
        assert sizes[name, "float32"] == bytes
        assert sizes[name, "bfloat16"] == bytes / 2
        assert bytes / 4 < sizes[name, "int8"] < bytes * 0.27
    # From losses of 10^(-3, -2.5, -2), the second in pairs 0, 0.25 and 0 apart.
    assert rows[1][4:8] == ["0.0026", "0.2", "-1.0", "50.0 ± 50.0"]
