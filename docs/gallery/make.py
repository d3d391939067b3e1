"""Makes the pictures of README.md beside this file, each with the command under it.

Run: python docs/gallery/make.py [PICTURE …]     by default all: a minute on two cores
The picture of the page needs Chromium and Playwright (the extra `browser`).
"""

import re
import shlex
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks import browser
from surfaces.__main__ import main

HERE = Path(__file__).parent
RECIPE = re.compile(r"!\[.*?\]\((.+?)\)\n\n```\npython -m surfaces (.+)\n```")


def recipes() -> dict[str, list[str]]:
    """Pictures to the words of the commands that make them."""
    text = (HERE / "README.md").read_text(encoding="utf-8")
    return {picture: shlex.split(words) for picture, words in RECIPE.findall(text)}


def make(picture: str, command: list[str]) -> None:
    """Runs a command in an empty folder and keeps the one picture."""
    if command[0] == "page" and (reason := browser.missing()):
        raise SystemExit(f"{picture}: {reason}")
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "page.html")
        out = page if command[0] == "page" else folder
        if main([*command, "--out", str(out)]):
            raise SystemExit(2)
        if out == page:
            photograph(page, Path(folder, picture))
        shutil.copy(Path(folder, picture), HERE)


def photograph(page: Path, picture: Path) -> None:
    """What a browser shows of a page."""
    with browser.opened() as chromium:
        tab = chromium.new_page(viewport={"width": 1440, "height": 845})
        tab.goto(page.resolve().as_uri())
        tab.wait_for_selector("main[aria-busy=false]")
        tab.wait_for_timeout(3000)
        tab.screenshot(path=picture)


if __name__ == "__main__":
    known = recipes()
    for chosen in sys.argv[1:] or known:
        make(chosen, known[chosen])
