"""The page in a browser: its size, when it answers, and how smoothly a slider moves it.

The page is opened from its file in a window of 1440 × 900 pixels, and answers when
Plotly has run and the first surface is drawn. Then the learning rate moves on in every
frame for five seconds. Counted are the frames in which the lines of the map or of the
curve have changed, and how often Plotly has drawn the surface.

Run: python -m benchmarks.page [FILE]     without FILE the command makes a page first
Needs Chromium and Playwright (the extra `browser`), and an otherwise idle machine.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import browser
from surfaces.__main__ import main as surfaces_main

# Moves the slider in every frame, and counts the frames that show another picture.
DRAG = """async seconds => {
  const slider = document.getElementById("rate");
  const lines = id => [...document.querySelectorAll(`#${id} .js-line`)]
    .map(line => line.getAttribute("d")).join();
  const shown = { map: "", curve: "" }, changes = { map: 0, curve: 0, scene: 0 };
  document.getElementById("relief").on("plotly_afterplot", () => changes.scene++);
  const begin = performance.now();
  while (performance.now() < begin + 1000 * seconds) {
    slider.value = (Number(slider.value) + 1) % 60;
    slider.dispatchEvent(new Event("input"));
    await new Promise(requestAnimationFrame);
    for (const id in shown) {
      const now = lines(id);
      if (now !== shown[id]) changes[id]++;
      shown[id] = now;
    }
  }
  const took = (performance.now() - begin) / 1000;
  for (const id in changes) changes[id] /= took;
  return changes;
}"""


class Measured(NamedTuple):
    """What `measure` found.

    Attributes:
      megabytes: size of the file.
      seconds: from the request for the page until it answers.
      map: pictures a second of the map while the slider moves.
      curve: those of the curve.
      scene: those of the surface.
    """

    megabytes: float
    seconds: float
    map: float
    curve: float
    scene: float


def measure(file: Path, seconds: float = 5.0) -> Measured:
    """Opens a page in headless Chromium and moves its learning rate for a while."""
    with browser.opened() as chromium:
        tab = chromium.new_page(viewport={"width": 1440, "height": 900})
        begin = time.perf_counter()
        tab.goto(file.resolve().as_uri())
        tab.wait_for_selector("main[aria-busy=false]")
        ready = time.perf_counter() - begin
        tab.wait_for_timeout(2000)
        moved: dict[str, Any] = tab.evaluate(DRAG, seconds)
    return Measured(file.stat().st_size / 1e6, ready, **moved)


def report(found: Measured) -> str:
    """A table in Markdown."""
    return "\n".join(
        (
            "| MB | answers after, s | map, 1/s | curve, 1/s | surface, 1/s |",
            "|---|---|---|---|---|",
            f"| {found.megabytes:.1f} | {found.seconds:.1f} | {found.map:.0f} "
            f"| {found.curve:.0f} | {found.scene:.1f} |",
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", type=Path)
    file = parser.parse_args().file
    with tempfile.TemporaryDirectory() as folder:
        if file is None:
            file = Path(folder) / "page.html"
            if surfaces_main(["page", "--out", str(file)]):
                raise SystemExit(2)
        print(report(measure(file)))


if __name__ == "__main__":
    main()
