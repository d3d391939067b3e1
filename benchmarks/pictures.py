"""How fast is an animation drawn and written, and how large? Ratios in one run.

The naive way draws every frame anew and saves with Matplotlib's Pillow writer.

Run: python -m benchmarks.pictures [--no-page] [--out FILE]
"""

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.animation import PillowWriter
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from benchmarks import page
from benchmarks.contenders import setting
from surfaces import ROSTER, SURFACES, animate, race
from surfaces.__main__ import main as surfaces_main
from surfaces.plot import RaceFigure, Track
from surfaces.roster import DEFAULT, distinct_colours

SURFACE = SURFACES["custom2"]
FRAME = 60  # milliseconds


def tracks(steps: int) -> list[Track]:
    """The standard race."""
    racers = {name: ROSTER[name] for name in DEFAULT}
    (results,) = race([SURFACE], racers, steps=steps).values()
    return [
        Track(racers[r.optimizer].label, colour, r.path.positions, r.path.values)
        for r, colour in zip(results, distinct_colours(racers.values()), strict=True)
    ]


def naive(tracks: Sequence[Track], size: tuple[int, int], file: Path) -> None:
    """Every frame anew, at Matplotlib's own numbers of facets, wires and levels."""
    grid = SURFACE.grid(241)
    ground = (*np.meshgrid(grid.x, grid.y), np.asarray(grid.z))
    figure = Figure((size[0] / 100, size[1] / 100), dpi=100)
    FigureCanvasAgg(figure)
    relief, plan = figure.add_subplot(121, projection="3d"), figure.add_subplot(122)
    writer = PillowWriter(fps=1000 / FRAME)
    with writer.saving(figure, file, dpi=100):
        for step in range(len(tracks[0].values)):
            relief.cla()
            plan.cla()
            relief.plot_surface(*ground, cmap="Blues", alpha=0.8)
            relief.plot_wireframe(*ground, color="white", lw=0.3)
            plan.contour(*ground)
            for label, colour, positions, values in tracks:
                x, y = np.transpose(positions)[:, : step + 1]
                relief.plot(x, y, values[: step + 1], color=colour, label=label)
                plan.plot(x, y, color=colour)
            relief.legend()
            writer.grab_frame()


def gif(tracks: Sequence[Track], size: tuple[int, int], file: Path) -> None:
    animate.gif(RaceFigure(SURFACE, tracks, size), file, duration=FRAME)


def mp4(tracks: Sequence[Track], size: tuple[int, int], file: Path) -> None:
    animate.mp4(RaceFigure(SURFACE, tracks, size), file, duration=FRAME)


def report(size: tuple[int, int], frames: int, rounds: int) -> str:
    """A table in Markdown."""
    paths = tracks(frames - 1)
    runs = {"naive": ("gif", naive), "GIF": ("gif", gif), "MP4": ("mp4", mp4)}
    times: dict[str, list[float]] = {name: [] for name in runs}
    sizes = {}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            for name, (suffix, run) in runs.items():
                file = Path(folder) / f"{name}.{suffix}"
                begin = time.perf_counter()
                run(paths, size, file)
                times[name].append(time.perf_counter() - begin)
                sizes[name] = file.stat().st_size / 1e6
    lines = ["| | s | naive / this | MB |", "|---|---|---|---|"]
    for name, seconds in times.items():
        pairs = zip(times["naive"], seconds, strict=True)
        ratio = statistics.median(other / own for other, own in pairs)
        median = statistics.median(seconds)
        lines.append(f"| {name} | {median:.2f} | {ratio:.1f} | {sizes[name]:.2f} |")
    return "\n".join(lines)


def page_report() -> str:
    """The page's size and how soon it answers, where there is a browser."""
    if not any(map(shutil.which, page.CHROMIUM)):
        return "No Chromium: the page is not measured."
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.html"
        if surfaces_main(["page", "--out", str(file)]):
            raise SystemExit(2)
        return page.report(page.measure(file))


def main() -> None:
    """Prints the tables, and saves them where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", nargs=2, type=int, default=(2000, 1000))
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-page", action="store_true", help="leave the page out")
    parser.add_argument("--out", type=Path, help="Markdown file to write")
    chosen = parser.parse_args()
    width, height = chosen.size
    parts = [
        "# Pictures",
        f"{width}x{height} pixels, {chosen.frames} frames, {len(DEFAULT)} optimizers "
        f"on {SURFACE.name}; drawing and writing together, medians of {chosen.rounds} "
        "rounds with all in each. Naive: every frame anew (`cla`, `plot_surface`, "
        "`plot_wireframe`, `contour`, all paths), with as many facets, wires and "
        "levels as Matplotlib takes by default, saved with its `PillowWriter`. "
        f"{setting()}.",
        report((width, height), chosen.frames, chosen.rounds),
    ]
    if not chosen.no_page:
        parts += ["## The page", page_report()]
    text = "\n\n".join(parts)
    print(text)
    if chosen.out:
        chosen.out.parent.mkdir(parents=True, exist_ok=True)
        chosen.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
