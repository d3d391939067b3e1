"""How fast is an animation drawn and written, and how large? Ratios in one run.

The naive way draws every frame anew and saves with Matplotlib's Pillow writer.

Run: python -m benchmarks.pictures [--brief] [--out FILE]
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.animation import PillowWriter
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from benchmarks import browser, page
from benchmarks.report import parser, publish, setting
from surfaces import ROSTER, SURFACES, Surface, animate, race
from surfaces.__main__ import main as surfaces_main
from surfaces.plot import RaceFigure, Track
from surfaces.roster import DEFAULT, distinct_colours

TIMED = "custom2"  # the surface
FRAME = 60  # milliseconds

Paths = Sequence[Track]
Writer = Callable[[Surface, Paths, tuple[int, int], Path], None]


def races(steps: int) -> dict[str, Paths]:
    """The standard race on every surface."""
    racers = {name: ROSTER[name] for name in DEFAULT}
    colours = distinct_colours(racers.values())
    return {
        surface: [
            Track(racers[r.optimizer].label, colour, r.path.positions, r.path.values)
            for r, colour in zip(results, colours, strict=True)
        ]
        for surface, results in race([*SURFACES.values()], racers, steps=steps).items()
    }


def naive(surface: Surface, paths: Paths, size: tuple[int, int], file: Path) -> None:
    """Every frame anew, at Matplotlib's own numbers of facets, wires and levels."""
    grid = surface.grid(241)
    ground = (*np.meshgrid(grid.x, grid.y), np.asarray(grid.z))
    figure = Figure((size[0] / 100, size[1] / 100), dpi=100)
    FigureCanvasAgg(figure)
    relief, plan = figure.add_subplot(121, projection="3d"), figure.add_subplot(122)
    writer = PillowWriter(fps=1000 / FRAME)
    with writer.saving(figure, file, dpi=100):
        for step in range(len(paths[0].values)):
            relief.cla()
            plan.cla()
            relief.plot_surface(*ground, cmap="Blues", alpha=0.8)
            relief.plot_wireframe(*ground, color="white", lw=0.3)
            plan.contour(*ground)
            for label, colour, positions, values in paths:
                x, y = np.transpose(positions)[:, : step + 1]
                relief.plot(x, y, values[: step + 1], color=colour, label=label)
                plan.plot(x, y, color=colour)
            relief.legend()
            writer.grab_frame()


def gif(surface: Surface, paths: Paths, size: tuple[int, int], file: Path) -> None:
    animate.gif(RaceFigure(surface, paths, size), file, duration=FRAME)


def mp4(surface: Surface, paths: Paths, size: tuple[int, int], file: Path) -> None:
    animate.mp4(RaceFigure(surface, paths, size), file, duration=FRAME)


def written(write: Writer, suffix: str, surface: str, *how: Any) -> tuple[float, float]:
    """Seconds and megabytes of a file."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"race.{suffix}"
        begin = time.perf_counter()
        write(SURFACES[surface], *how, file)
        return time.perf_counter() - begin, file.stat().st_size / 1e6


def times(paths: Paths, size: tuple[int, int], rounds: int) -> str:
    """A table in Markdown: a row for each way to make an animation."""
    ways = {"naive": (naive, "gif"), "GIF": (gif, "gif"), "MP4": (mp4, "mp4")}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            found[name].append(written(*way, TIMED, paths, size))
    lines = ["| | s | naive / this | MB |", "|---|---|---|---|"]
    for name, runs in found.items():
        pairs = zip(found["naive"], runs, strict=True)
        ratio = statistics.median(other / own for (other, _), (own, _) in pairs)
        seconds, megabytes = (
            statistics.median(column) for column in zip(*runs, strict=True)
        )
        lines.append(f"| {name} | {seconds:.2f} | {ratio:.1f} | {megabytes:.2f} |")
    return "\n".join(lines)


def sizes(paths: Mapping[str, Paths], size: tuple[int, int]) -> str:
    """A table in Markdown: megabytes, a row a surface."""
    lines = ["| | GIF, MB | MP4, MB |", "|---|---|---|"]
    for surface, own in paths.items():
        megabytes = [
            written(*way, surface, own, size)[1] for way in ((gif, "gif"), (mp4, "mp4"))
        ]
        lines.append(f"| {surface} | {megabytes[0]:.2f} | {megabytes[1]:.2f} |")
    return "\n".join(lines)


def commands() -> str:
    """A table in Markdown: seconds of the command in a new process."""
    lines = ["| | s |", "|---|---|"]
    for words in (["race", "rosenbrock"], ["race"]):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "surfaces", *words, "--out", folder]
            begin = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            took = time.perf_counter() - begin
        lines.append(f"| `surfaces {' '.join(words)}` | {took:.1f} |")
    return "\n".join(lines)


def page_report() -> str:
    """The page's size and how soon it answers, where there is a browser."""
    if reason := browser.missing():
        return f"The page is not measured: {reason}"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.html"
        if surfaces_main(["page", "--out", str(file)]):
            raise SystemExit(2)
        return page.report(page.measure(file))


def main() -> None:
    """Prints the tables, and saves them where asked."""
    options = parser(__doc__, rounds=3, counted="runs of each")
    options.add_argument("--size", nargs=2, type=int, default=(2000, 1000))
    options.add_argument("--frames", type=int, default=100)
    options.add_argument("--brief", action="store_true", help="only the first table")
    chosen = options.parse_args()
    width, height = chosen.size
    paths = races(chosen.frames - 1)
    parts = [
        "# Pictures",
        f"{width}x{height} pixels, {chosen.frames} frames, {len(DEFAULT)} optimizers. "
        f"{setting()}.",
        f"Drawing and writing together on {TIMED}, medians of {chosen.rounds} rounds "
        "with all in each. Naive: every frame anew (`cla`, `plot_surface`, "
        "`plot_wireframe`, `contour`, all paths), with as many facets, wires and "
        "levels as Matplotlib takes by default, saved with its `PillowWriter`.",
        times(paths[TIMED], (width, height), chosen.rounds),
    ]
    if not chosen.brief:
        parts += [sizes(paths, (width, height)), "## The command, cold", commands()]
        parts += ["## The page", page_report()]
    publish(parts, chosen.out)


if __name__ == "__main__":
    main()
