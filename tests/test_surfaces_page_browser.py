"""The page in a real browser: what a reader does to it, and what it then shows."""

import os
import shutil
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from surfaces import ROSTER, SURFACES, lattices
from surfaces.lattice import PLACES
from surfaces.page import Walker, page

sync_api = pytest.importorskip(
    "playwright.sync_api", reason="no Playwright: pip install 'optax-extra[browser]'"
)
NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium: apt-get install chromium"
)

STEPS = 40
RATES = np.logspace(-4, 1, 16)
SHOWN = [SURFACES["rosenbrock"], SURFACES["spiral"]]
RACERS = ("sgd", "lion", "adabelief")
LABELS = [ROSTER[name].label for name in RACERS]
FRAMES = """async () => {
  for (let i = 0; i < 3; i++) await new Promise(requestAnimationFrame);
}"""
TRACES = """id => Object.fromEntries(document.getElementById(id).data.map(trace => [
  trace.name, {
    x: Array.from(trace.x), y: Array.from(trace.y), size: trace.x.length,
    z: trace.type === "heatmap" ? trace.z : null, marker: trace.marker ?? null,
  },
]))"""

LINES = """id => {
  const { w, h } = document.getElementById(id)._fullLayout._size;
  const drawn = [...document.querySelectorAll(`#${id} .js-line`)]
    .filter(line => line.getAttribute("d"));
  return Object.fromEntries(drawn.map(line => {
    const numbers = line.getAttribute("d").match(/[-0-9.]+/g).map(Number);
    const ends = [...numbers.slice(0, 2), ...numbers.slice(-2)];
    const colour = line.style.stroke.match(/\\d+/g).slice(0, 3)
      .map(part => Number(part).toString(16).padStart(2, "0")).join("");
    return [`#${colour}`, ends.map((at, i) => at / (i % 2 ? h : w))];
  }));
}"""


class Reader:
    """Somebody in front of the page."""

    def __init__(self, tab: Any, walks: dict[str, Any]) -> None:
        self.tab = tab
        self.walks = walks  # names of optimizers to lattices, one a surface
        self.complaints: list[str] = []
        self.requests: list[str] = []
        tab.set_default_timeout(30_000)
        tab.on("console", self._on_console)
        tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        tab.on("request", lambda request: self.requests.append(request.url))

    def _on_console(self, message: Any) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def until(self, condition: str, argument: Any = None) -> None:
        """Waits for a condition, asked from outside: within, the policy forbids it."""
        end = time.monotonic() + 20
        while not self.tab.evaluate(condition, argument):
            assert time.monotonic() < end, condition
            self.wait()

    def wait(self) -> None:
        self.tab.evaluate(FRAMES)

    def traces(self, plot: str) -> dict[str, Any]:
        self.wait()
        return self.tab.evaluate(TRACES, plot)

    def lines(self, plot: str) -> dict[str, list[float]]:
        """The lines drawn: colours to the first and the last place, as x, y shares."""
        self.wait()
        return self.tab.evaluate(LINES, plot)

    def slide(self, name: str, place: int) -> None:
        slider = self.tab.locator(f"#{name}")
        now = int(slider.input_value())
        slider.focus()
        for _ in range(abs(place - now)):
            self.tab.keyboard.press("ArrowRight" if place > now else "ArrowLeft")
        assert slider.input_value() == str(place)

    def press(self, key: str) -> None:
        """A key with nothing in focus."""
        self.tab.evaluate("() => document.activeElement.blur()")
        self.tab.keyboard.press(key)
        self.wait()

    def is_pressed(self, button: str) -> bool:
        self.wait()
        return self.tab.locator(button).get_attribute("aria-pressed") == "true"

    def begin(self) -> None:
        """All optimizers on, each at its best, at the last step, where paths start."""
        off = self.tab.locator("#optimizers button[aria-pressed=false]")
        while off.count():
            off.first.click()
            self.wait()
        if not self.is_pressed("#best"):
            self.tab.locator("#best").click()
        self.tab.locator("#step").focus()
        self.tab.keyboard.press("End")
        self.tab.get_by_role("radio", name="Rosenbrock").check()
        self.wait()

    def start(self) -> tuple[int, int]:
        """Row and column of the start in the lattice."""
        start = self.traces("map")["start"]
        column, row = (
            int(np.abs(PLACES * 2 - 1 - start[axis][0]).argmin()) for axis in "xy"
        )
        return row, column

    def text(self, name: str) -> str:
        self.wait()
        return self.tab.locator(f"#{name}").text_content()


@pytest.fixture(scope="module")
def reader_of_module(tmp_path_factory: Any) -> Iterator[Reader]:
    walks = {name: lattices(ROSTER[name], SHOWN, RATES, STEPS) for name in RACERS}
    walkers = [
        Walker(ROSTER[name].label, ROSTER[name].colour, lattice)
        for name, lattice in walks.items()
    ]
    file = tmp_path_factory.mktemp("page") / "page.html"
    file.write_text(page(SHOWN, walkers, command="make <it>"), encoding="utf-8")
    root = os.geteuid() == 0
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"] if root else []
        )
        tab = browser.new_page(viewport={"width": 1100, "height": 720})
        reader = Reader(tab, walks)
        tab.goto(file.as_uri())
        tab.wait_for_selector("main[aria-busy=false]")
        yield reader
        browser.close()
    assert reader.requests == [file.as_uri()]


@pytest.fixture
def reader(reader_of_module: Reader) -> Iterator[Reader]:
    reader_of_module.begin()
    yield reader_of_module
    assert reader_of_module.complaints == []


def assert_shown(reader: Reader, place: int, rate_of: Any) -> None:
    """Map and curve show what the sweep computed, as exactly as the page says."""
    row, column = reader.start()
    on_map, on_curve = reader.traces("map"), reader.traces("curve")
    drawn_lines = reader.lines("map")
    surface = SHOWN[place]
    for name, label in zip(RACERS, LABELS, strict=True):
        lattice = reader.walks[name][place]
        at = rate_of(lattice, row, column), row, column
        positions, values = lattice.positions[at], lattice.values[at]
        inside = surface.contains(positions) & np.isfinite(values)

        drawn = inside.copy()
        drawn[1:] |= inside[:-1]
        trail = np.array(
            [
                [x, y]
                for x, y in zip(on_map[label]["x"], on_map[label]["y"], strict=True)
                if x is not None
            ]
        )
        assert len(trail) == drawn.sum()
        steps = np.abs(np.diff(trail, axis=0, prepend=trail[:1]))
        error = np.abs(trail - positions[drawn])[inside[drawn]]
        assert (error <= (steps / 15 + 1 / 400)[inside[drawn]]).all()

        heights = np.array(on_curve[label]["y"], float)  # None is NaN
        np.testing.assert_array_equal(np.isfinite(heights), inside)
        true = np.clip(values[inside] - surface.minimum, 1e-6 * surface.span, None)
        ratio = heights[inside] / np.minimum(true, surface.span)
        assert (np.abs(np.log10(ratio)) <= 0.5 / 20 + 1e-6).all()
        assert on_curve[label]["x"] == list(range(STEPS + 1))
        ends = (trail[[0, -1]] * [1, -1] + 1) / 2
        assert drawn_lines[ROSTER[name].colour] == pytest.approx(ends.ravel(), abs=0.01)


@pytest.mark.parametrize("rate", [0, 8, 11, 15])
def test_the_slider_shows_what_was_computed(reader, rate):
    reader.slide("rate", rate)
    assert not reader.is_pressed("#best")
    assert_shown(reader, 0, lambda lattice, row, column: rate)
    assert reader.traces("now")["now"]["x"] == pytest.approx([RATES[rate]] * 3)
    shown = float(reader.text("rate-now").replace("\N{MINUS SIGN}", "-"))
    assert shown == pytest.approx(RATES[rate], rel=0.05)


def test_each_at_its_best(reader):
    reader.slide("rate", 3)
    reader.tab.get_by_role("button", name="Each at its best").click()
    assert reader.is_pressed("#best")
    assert_shown(reader, 0, lambda lattice, row, column: lattice.best[row, column])
    row, column = reader.start()
    best = [reader.walks[name][0].best[row, column] for name in RACERS]
    assert reader.traces("now")["now"]["x"] == pytest.approx(RATES[best])


def test_another_surface(reader):
    reader.tab.get_by_role("radio", name="Spiral").check()
    reader.until("() => document.getElementById('ground').data[3].y[0] < 0.3")
    reader.slide("rate", 10)
    assert_shown(reader, 1, lambda lattice, row, column: 10)


def test_an_optimizer_that_is_off_is_nowhere(reader):
    reader.tab.get_by_role("button", name="Lion").click()
    gone = LABELS[1]
    for plot in ("map", "curve"):
        traces = reader.traces(plot)
        assert [traces[label]["size"] > 0 for label in LABELS] == [True, False, True]
        assert traces["heads"]["marker"]["color"] == [
            ROSTER[name].colour for name in ("sgd", "adabelief")
        ]
        assert ROSTER["sgd"].colour in reader.lines(plot)
        assert ROSTER["lion"].colour not in reader.lines(plot)
    assert gone not in reader.traces("cells")["heights"]["y"]
    assert len(reader.traces("now")["now"]["x"]) == 2
    reader.until(
        "label => document.getElementById('relief').data"
        ".find(trace => trace.name === label).x.length === 0",
        gone,
    )
    for name in ("SGD", "AdaBelief"):
        reader.tab.get_by_role("button", name=name).click()
    assert {trace["size"] for trace in reader.traces("now").values()} == {0}
    assert not {ROSTER[name].colour for name in RACERS} & set(reader.lines("map"))
    reader.begin()
    assert {ROSTER[name].colour for name in RACERS} < set(reader.lines("map"))


def test_a_click_on_the_map_chooses_the_nearest_start(reader):
    left, top, width, height = reader.tab.evaluate(
        """() => {
          const box = document.getElementById("map").getBoundingClientRect();
          const size = document.getElementById("map")._fullLayout._size;
          return [box.x + size.l, box.y + size.t, size.w, size.h];
        }"""
    )
    # A fifth of the lattice's gap beyond column 6 of row 2, seen from below.
    gap = PLACES[1] - PLACES[0]
    x, y = PLACES[6] + 0.2 * gap, PLACES[2] - 0.2 * gap
    reader.tab.mouse.click(left + x * width, top + (1 - y) * height)
    assert reader.start() == (2, 6)
    assert_shown(reader, 0, lambda lattice, row, column: lattice.best[row, column])
    first = reader.traces("map")["SGD"]
    assert [first["x"][0], first["y"][0]] == pytest.approx(
        [2 * PLACES[6] - 1, 2 * PLACES[2] - 1], abs=1 / 400
    )


def test_arrows_on_the_map_move_the_start(reader):
    row, column = reader.start()
    window = reader.tab.get_by_role("group", name="Map")
    window.focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight"):
        reader.tab.keyboard.press(key)
    row, column = max(row - 2, 0), min(column + 1, 8)
    assert reader.start() == (row, column)
    for _ in range(10):
        reader.tab.keyboard.press("ArrowLeft")
    assert reader.start() == (row, 0)


def test_a_click_on_a_cell_goes_to_its_rate(reader):
    left, top, width, height = reader.tab.evaluate(
        """() => {
          const box = document.getElementById("cells").getBoundingClientRect();
          const { l, r, t, b } = document.getElementById("cells").layout.margin;
          return [box.x + l, box.y + t, box.width - l - r, box.height - t - b];
        }"""
    )
    for rate in (5, 15):  # at the second, paths leave the window
        x, y = left + (rate + 0.5) / len(RATES) * width, top + height / 2
        reader.tab.mouse.click(x, y)
        reader.until(f"() => document.getElementById('rate').value === '{rate}'")
        assert_shown(reader, 0, lambda lattice, row, column, rate=rate: rate)


def test_the_cells_are_final_heights(reader):
    row, column = reader.start()
    cells = reader.traces("cells")["heights"]
    assert cells["y"] == LABELS
    surface = SHOWN[0]
    for name, shown in zip(RACERS, cells["z"], strict=True):
        lattice = reader.walks[name][0]
        values = lattice.values[:, row, column, -1]
        inside = surface.contains(lattice.positions[:, row, column, -1])
        inside &= np.isfinite(values)
        shown = np.array(shown, float)
        np.testing.assert_array_equal(np.isfinite(shown), inside)
        share = ((values[inside] - surface.minimum) / surface.span).clip(1e-6, 1)
        true = np.log10(share * surface.span)
        np.testing.assert_allclose(shown[inside], true, atol=0.5 / 20 + 1e-6)


def test_the_step_is_scrubbed_and_played(reader):
    reader.slide("rate", 7)
    reader.slide("step", 17)
    traces = reader.traces("map")
    assert traces["SGD"]["size"] == 18
    assert traces["heads"]["x"][0] == traces["SGD"]["x"][-1]
    assert reader.traces("curve")["step"]["x"] == [17, 17]
    reader.tab.get_by_role("button", name="Play").click()
    reader.until("() => document.getElementById('step').value > 20")
    reader.tab.get_by_role("button", name="Pause").click()
    stopped = reader.text("step-now")
    reader.tab.wait_for_timeout(200)
    assert reader.text("step-now") == stopped


def test_play_begins_anew_at_the_end_and_stops_there(reader):
    reader.press(" ")
    reader.until(f"() => document.getElementById('step').value < {STEPS}")
    reader.tab.wait_for_selector("#play[aria-label=Play]")
    assert reader.text("step-now") == f"{STEPS} / {STEPS}"


def test_keys(reader):
    reader.press("b")
    assert not reader.is_pressed("#best")
    reader.press("B")
    assert reader.is_pressed("#best")
    reader.press("2")
    assert reader.traces("map")["Lion"]["size"] == 0
    reader.press("2")
    assert reader.traces("map")["Lion"]["size"] > 0
    reader.press("9")
    assert len(reader.traces("now")["now"]["x"]) == 3


def test_the_scene_follows(reader):
    reader.slide("rate", 8)
    reader.slide("step", 12)
    on_map = reader.traces("map")["AdaBelief"]
    reader.until(
        """x => {
          const scene = document.getElementById("relief").data;
          const shown = scene.find(trace => trace.name === "AdaBelief").x;
          return JSON.stringify(Array.from(shown)) === JSON.stringify(x);
        }""",
        on_map["x"],
    )


def test_what_leaves_the_window_says_so(reader):
    reader.slide("rate", 15)
    text = reader.text("optimizers")
    assert "left the window" in text or "no number" in text
    symbols = set(reader.traces("map")["heads"]["marker"]["symbol"])
    assert symbols <= {"circle", "circle-open", "x"}
    assert symbols != {"circle"}


def pixels(reader: Reader, selector: str, folder: Any) -> np.ndarray:
    file = folder / "shot.png"
    reader.tab.locator(selector).screenshot(path=file)
    with Image.open(file) as image:
        return np.asarray(image.convert("RGB"))


def test_light_and_dark_are_drawn(reader, tmp_path):
    brightness = {}
    for scheme in ("light", "dark"):
        reader.tab.emulate_media(color_scheme=scheme)
        reader.wait()
        reader.tab.wait_for_timeout(500)
        for plot in ("#relief", "#window", "#curve", "#rates"):
            shot = pixels(reader, plot, tmp_path).reshape(-1, 3)
            colours, counts = np.unique(shot, axis=0, return_counts=True)
            assert len(colours) > 50, (plot, scheme)
            assert counts.max() < 0.97 * len(shot), (plot, scheme)
        brightness[scheme] = pixels(reader, "header", tmp_path).mean()
    reader.tab.emulate_media(color_scheme="light")
    assert brightness["dark"] < 80 < 180 < brightness["light"]


def test_a_phone_is_wide_enough(reader):
    reader.tab.set_viewport_size({"width": 360, "height": 740})
    reader.wait()
    reader.tab.wait_for_timeout(500)
    root = "document.documentElement"
    assert reader.tab.evaluate(f"() => {root}.scrollWidth") == 360
    for name in ("rate", "step", "best", "play", "window", "curve", "relief", "rates"):
        box = reader.tab.locator(f"#{name}").bounding_box()
        assert box["x"] >= 0, name
        assert box["x"] + box["width"] <= 360, name
        assert box["width"] > 20, name
    drawn = reader.tab.evaluate(
        "() => ['map', 'curve', 'cells'].map(id => {"
        " const { width } = document.getElementById(id)._fullLayout;"
        " return width - document.getElementById(id).clientWidth; })"
    )
    assert drawn == pytest.approx([0, 0, 0], abs=1)
    reader.tab.set_viewport_size({"width": 1100, "height": 720})


def test_it_says_what_it_is(reader):
    header, footer = reader.text("about-text"), reader.tab.locator("footer")
    assert "learning rate" in header
    assert "make <it>" in header
    assert "401 × 401 points" in footer.text_content()
    assert f"of {STEPS} steps" in footer.text_content()


def test_no_request_gets_out(reader):
    asked = len(reader.requests)
    answer = reader.tab.evaluate(
        "() => fetch('https://example.com/').then(() => 'out', () => 'kept in')"
    )
    assert answer == "kept in"
    assert all("Content Security Policy" in text for text in reader.complaints)
    assert reader.complaints
    reader.complaints.clear()
    del reader.requests[asked:]
