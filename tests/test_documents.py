"""What the documents show runs, and what they claim about files is so."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# The examples are small: most of their time is that of compiling.
QUICKLY_COMPILED = "--xla_backend_optimization_level=1"
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_readme_runs_from_top_to_bottom(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len(blocks) == README.count("```python")
    assert len(blocks) >= 4
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
    assert names["path"].positions.shape == (101, 2)
    assert set(names["best"]) == {"learning_rate", "b2"}
    assert {path.name for path in tmp_path.iterdir()} == {
        "mine.png",
        "mine.gif",
        "sweep-of-adabelief",
    }


def test_links_of_the_readme_lead_somewhere():
    links = re.findall(r"\]\((?!https?:)([^)#]+)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_animation_is_small():
    assert (ROOT / "docs" / "race.gif").stat().st_size < 1_000_000


@pytest.mark.parametrize(
    "script", sorted(path.name for path in (ROOT / "examples").glob("[!_]*.py"))
)
def test_examples_run(script, tmp_path):
    run = subprocess.run(
        [sys.executable, "-W", "error", str(ROOT / "examples" / script)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "XLA_FLAGS": QUICKLY_COMPILED},
    )
    assert run.returncode == 0, run.stderr
    assert len((ROOT / "examples" / script).read_text().splitlines()) < 80
    accuracies = re.findall(r"accuracy\D*(\d\.\d+)", run.stdout)
    assert not accuracies or max(map(float, accuracies)) > 0.9
    if script == "digits.py":
        fast, slow = re.findall(r"fast (\S+)  slow (\S+)", run.stdout)[-1]
        assert float(fast) > 0.95
        assert float(slow) > 0.95
