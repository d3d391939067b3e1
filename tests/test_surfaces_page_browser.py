"""The page in a real browser: what a reader does to it, and what it then shows."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import optax
import pytest
from PIL import Image

from benchmarks import browser
from surfaces import ROSTER, SURFACES, Surface, lattices
from surfaces.lattice import PLACES
from surfaces.page import Walker, page

MISSING = browser.missing()
pytestmark = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))

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
        self.file = Path()
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
        slider.focus()
        for key in ["Home", *["ArrowRight"] * place]:
            self.tab.keyboard.press(key)
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
        self.tab.locator("#rate").focus()
        self.tab.keyboard.press("Home")
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

    @contextmanager
    def another(self, file: Path, script: str = "") -> Iterator["Reader"]:
        """Somebody else, before another page or in another browser."""
        tab = self.tab.context.browser.new_page(viewport={"width": 900, "height": 600})
        if script:
            tab.add_init_script(script)
        other = Reader(tab, {})
        tab.goto(file.as_uri())
        yield other
        tab.close()


@pytest.fixture(scope="module")
def reader_of_module(tmp_path_factory: Any) -> Iterator[Reader]:
    walks = {name: lattices(ROSTER[name], SHOWN, RATES, STEPS) for name in RACERS}
    walkers = [
        Walker(ROSTER[name].label, ROSTER[name].colour, lattice)
        for name, lattice in walks.items()
    ]
    file = tmp_path_factory.mktemp("page") / "page.html"
    file.write_text(page(SHOWN, walkers, command="make <it>"), encoding="utf-8")
    with browser.opened() as chromium:
        tab = chromium.new_page(viewport={"width": 1100, "height": 720})
        reader = Reader(tab, walks)
        tab.goto(file.as_uri())
        tab.wait_for_selector("main[aria-busy=false]")
        reader.file = file
        yield reader
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


def test_the_rate_at_which_the_slider_stands(reader):
    reader.slide("rate", len(RATES) - 1)
    for leave in ("End", "ArrowRight"):
        reader.tab.get_by_role("button", name="Each at its best").click()
        assert reader.is_pressed("#best")
        reader.tab.locator("#rate").focus()
        reader.tab.keyboard.press(leave)
        assert not reader.is_pressed("#best")


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


def drawn_cells(reader: Reader) -> list[float]:
    """Left, top, width and height of the cells' image."""
    reader.tab.locator("#rates").scroll_into_view_if_needed()
    return reader.tab.evaluate(
        """() => {
          const image = document.querySelector("#cells .hm image");
          const { x, y, width, height } = image.getBoundingClientRect();
          return [x, y, width, height];
        }"""
    )


def test_a_click_on_a_cell_goes_to_its_rate(reader):
    left, top, width, height = drawn_cells(reader)
    for rate in (5, 15):  # at the second, paths leave the window
        x, y = left + (rate + 0.5) / len(RATES) * width, top + height / 2
        reader.tab.mouse.click(x, y)
        reader.until(f"() => document.getElementById('rate').value === '{rate}'")
        assert_shown(reader, 0, lambda lattice, row, column, rate=rate: rate)


MISFITS = """() => ["relief", "ground", "map", "curve", "cells", "now"].filter(id => {
  const plot = document.getElementById(id);
  const { width, height } = plot._fullLayout;
  return Math.abs(width - plot.clientWidth) > 1
    || Math.abs(height - plot.clientHeight) > 1;
})"""


@pytest.mark.parametrize("size", [(1280, 600), (1366, 650), (360, 740), (1100, 720)])
def test_plots_are_as_large_as_their_places(reader, size):
    reader.tab.set_viewport_size(dict(zip(("width", "height"), size, strict=True)))
    reader.tab.get_by_role("group", name="Map").focus()
    for _ in range(4):  # words over the map become longer and shorter
        reader.tab.keyboard.press("ArrowRight")
    reader.until(f"() => ({MISFITS})().length === 0")
    left, top, width, height = drawn_cells(reader)
    for rate in (0, 6, 11, 15):
        reader.tab.mouse.click(left + (rate + 0.5) / 16 * width, top + height / 4)
        reader.wait()
        assert reader.tab.locator("#rate").input_value() == str(rate)


def test_what_is_beside_the_cells_is_no_cell(reader):
    reader.slide("rate", 3)
    left, top, width, height = drawn_cells(reader)
    mouse = reader.tab.mouse
    mouse.click(left - 20, top + height / 2)  # a label
    mouse.click(left + width + 10, top + height / 2)  # the bar of colours
    mouse.click(left + width / 2, top + height + 8)  # a rate
    mouse.click(left + 0.9 * width, top + height / 2, button="right")
    window = reader.tab.locator("#window").bounding_box()
    start = reader.start()
    mouse.click(window["x"] + 12, window["y"] + window["height"] / 2)
    assert reader.text("rate-now") == "1.0e\N{MINUS SIGN}3"
    assert reader.start() == start


def test_a_touch_that_scrolls_is_no_click(reader):
    reader.slide("rate", 3)
    left, top, width, height = drawn_cells(reader)
    reader.tab.evaluate(
        """([clientX, clientY]) => {
          const send = (type, pointerId) => document.getElementById("cells")
            .dispatchEvent(new PointerEvent(type, {
              clientX, clientY, pointerId, bubbles: true,
            }));
          send("pointerdown", 7);
          send("pointercancel", 7);
          send("pointerup", 7);
          send("pointerdown", 8);
          send("pointerup", 9);
          send("pointercancel", 8);
        }""",
        [left + 0.9 * width, top + height / 2],
    )
    reader.wait()
    assert reader.tab.locator("#rate").input_value() == "3"


CAMERA = "() => document.getElementById('relief').layout.scene.camera.eye"


def test_arrows_turn_the_surface_and_it_stays_turned(reader):
    before = reader.tab.evaluate(CAMERA)
    reader.tab.get_by_role("group", name="The surface").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowUp"):
        reader.tab.keyboard.press(key)
    turned = reader.tab.evaluate(CAMERA)
    assert turned["z"] > before["z"]
    assert turned["x"] > before["x"]
    reader.tab.emulate_media(color_scheme="dark")
    reader.tab.wait_for_timeout(300)
    assert reader.tab.evaluate(CAMERA) == turned
    reader.tab.emulate_media(color_scheme="light")
    reader.tab.get_by_role("radio", name="Spiral").check()
    reader.until("() => document.getElementById('ground').data[3].y[0] < 0.3")
    assert reader.tab.evaluate(CAMERA) == turned


def test_playing_is_not_read_out(reader):
    reader.tab.evaluate(
        """() => {
          window.told = [];
          for (const id of ["rate-now", "step-now", "start-now", "optimizers"]) {
            new MutationObserver(() => told.push(id)).observe(
              document.getElementById(id),
              { childList: true, characterData: true, subtree: true });
          }
        }"""
    )
    reader.tab.locator("#play").click()
    outputs = reader.tab.locator("output")
    assert outputs.nth(1).get_attribute("aria-live") == "off"
    reader.until("() => document.getElementById('step').value > 5")
    reader.tab.locator("#play").click()
    assert outputs.nth(1).get_attribute("aria-live") == "polite"
    assert set(reader.tab.evaluate("() => told")) == {"step-now"}


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
    x = reader.traces("map")["AdaBelief"]["x"]
    # It is raised by a fiftieth of the way to the camera.
    reader.until(
        """x => {
          const scene = document.getElementById("relief").data;
          const shown = scene.find(trace => trace.name === "AdaBelief").x;
          return shown.length === x.length && shown.every((at, i) =>
            Math.abs(at - shown[0] - 0.98 * (x[i] - x[0])) < 1e-9);
        }""",
        x,
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


READY = "() => document.querySelector('main[aria-busy=false]') !== null"


def test_the_least_page_is_drawn(reader, tmp_path):
    """One surface, one optimizer, one rate, one step."""
    file = tmp_path / "least.html"
    walks = lattices(optax.sgd, SHOWN[:1], [0.3], steps=1)
    text = page(SHOWN[:1], [Walker("SGD", "blue", walks)], command="")
    file.write_text(text, encoding="utf-8")
    with reader.another(file) as other:
        other.until(READY)
        left, top, width, height = drawn_cells(other)
        plot = other.tab.evaluate(
            "() => document.getElementById('cells')._fullLayout._size"
        )
        assert [width, height] == pytest.approx([plot["w"], plot["h"]], abs=4)
        assert other.is_pressed("#best")
        other.tab.mouse.click(left + width / 3, top + height / 2)
        assert not other.is_pressed("#best")
        assert other.traces("curve")["SGD"]["size"] == 2
        assert other.complaints == []


def test_a_page_of_many_names_them_all(reader, tmp_path):
    file = tmp_path / "many.html"
    thin = Surface(lambda p: p @ p, "thin", bounds=((0, 1), (0, 9)), minima=())
    walks = lattices(optax.lion, [thin], [0.1, 0.4, 3.0], steps=6)
    labels = ["<b>B</b> & <img src=x>", *(f"Lion {i}" for i in range(26))]
    walkers = [Walker(label, "#ba3012", walks) for label in labels]
    file.write_text(page([thin], walkers, command=""), encoding="utf-8")
    with reader.another(file) as other:
        other.until(READY)
        other.wait()
        named = other.tab.locator("#cells .ytick text").all_text_contents()
        assert named[::-1] == labels  # from below
        least, room = other.tab.evaluate(
            """() => [
              Math.min(...[...document.querySelectorAll("#cells .ytick text")]
                .map(label => label.getBoundingClientRect().x)),
              document.getElementById("cells").getBoundingClientRect().x,
            ]"""
        )
        assert least >= room
        panel = other.tab.locator("#panel-optimizers").bounding_box()
        assert panel["height"] < 600
        assert other.tab.locator("#optimizers button").count() == 27
        wide = other.tab.evaluate(
            "() => getComputedStyle(document.getElementById('window'))"
            ".getPropertyValue('--shape')"
        )
        assert float(wide) == 0.5
        # Every second step leaves the window: what no line joins is a point.
        other.slide("rate", 2)
        assert other.traces("curve")["points"]["size"] > 0
        assert other.complaints == []


NO_WEBGL = """
const get = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...more) {
  return kind.includes("webgl") ? null : get.call(this, kind, ...more);
};"""


def test_without_webgl_the_rest_works(reader):
    with reader.another(reader.file, NO_WEBGL) as other:
        other.until(READY)
        assert "WebGL is missing" in other.text("relief")
        other.slide("rate", 4)
        assert other.traces("now")["now"]["x"] == pytest.approx([RATES[4]] * 3)
        other.tab.get_by_role("group", name="The surface").focus()
        other.tab.keyboard.press("ArrowLeft")
        assert other.complaints == []


def test_a_page_that_cannot_start_says_why(reader):
    with reader.another(reader.file, "delete window.DecompressionStream") as other:
        state = other.text("state")
        assert state.startswith("This browser cannot show the page: it cannot unpack")
        assert not other.tab.locator("#rate").is_visible()
    broken = "Object.defineProperty(window, 'matchMedia', { value: null })"
    with reader.another(reader.file, broken) as other:
        other.until("() => document.getElementById('state').className === 'failed'")
        assert "matchMedia" in other.text("state")


def test_a_lost_graphics_card_comes_back(reader):
    reader.tab.evaluate(
        """async () => {
          const canvas = document.querySelector("#relief canvas");
          const card = canvas.getContext("webgl").getExtension("WEBGL_lose_context");
          const event = (name) => new Promise((done) =>
            canvas.addEventListener(name, done, { once: true }));
          const [lost, restored] = ["lost", "restored"].map((what) =>
            event(`webglcontext${what}`));
          card.loseContext();
          await lost;
          await new Promise((done) => setTimeout(done, 50)); // until all have heard
          card.restoreContext();
          await restored;
        }"""
    )
    reader.slide("rate", 6)
    reader.slide("step", 5)
    reader.until(
        "() => document.getElementById('relief').data[1].x.length === 6"
        " && !document.querySelector('#relief canvas')"
        ".getContext('webgl').isContextLost()"
    )
