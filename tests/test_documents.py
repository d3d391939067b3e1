"""What the documents show runs, and what they claim about files is so."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from surfaces.__main__ import cli

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


GALLERY = ROOT / "docs" / "gallery"


def test_each_picture_of_the_gallery_has_a_command_and_all_are_small():
    recipes = runpy.run_path(str(GALLERY / "make.py"))["recipes"]()
    pictures = {
        path.name for path in GALLERY.iterdir() if path.suffix in (".gif", ".png")
    }
    assert set(recipes) == pictures
    assert sum(path.stat().st_size for path in GALLERY.iterdir()) < 8e6
    commands = {words[0] for words in recipes.values()}
    assert commands >= {"race", "rates", "basins", "sweep"}
    for name, *words in recipes.values():
        command = cli.commands[name]
        command.make_context(name, list(words))  # refuses what it does not know


def test_the_readme_shows_the_gallery():
    shown = re.findall(r"\(docs/gallery/([^)]+)\)", README)
    assert len(set(shown)) >= 4
    assert "README.md" in shown


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
