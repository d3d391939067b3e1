"""The MP4 of a race, decoded again."""

import io
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from surfaces.animate import ffmpeg, mp4
from surfaces.figures.palette import PALETTE
from surfaces.functions import SURFACES
from surfaces.plot import RaceFigure, Track

STEPS = 12


class Flat:
    """Frames of one colour each, the next a little redder."""

    def __init__(self, size: tuple[int, int], steps: int = 3) -> None:
        self.size, self.steps = size, steps

    def frame(self, step: int) -> Any:
        width, height = self.size
        return np.full((height, width, 4), (40 + 60 * step, 64, 255, 255), np.uint8)


@pytest.fixture(scope="module")
def picture() -> RaceFigure:
    t = np.linspace(0, 1, STEPS + 1)[:, None]
    tracks = [
        Track(f"{colour}", colour, (1 - t) * (-0.9, 0.9) + t * (0.5, end), 1 - t[:, 0])
        for colour, end in zip(PALETTE, np.linspace(-0.8, 0.8, 8), strict=False)
    ]
    return RaceFigure(SURFACES["rosenbrock"], tracks, (400, 200))


def decoded(path: Path) -> tuple[str, list[Any]]:
    """What ffmpeg says of a file, and its frames [height, width, 3]."""
    command = [ffmpeg(), "-i", str(path), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    run = subprocess.run(command, capture_output=True, check=True)
    said = next(line for line in run.stderr.decode().splitlines() if "Video: " in line)
    width, height = map(int, re.findall(r", (\d+)x(\d+)", said)[0])
    pixels = np.frombuffer(run.stdout, np.uint8).reshape(-1, height, width, 3)
    return said, list(pixels.astype(int))


def test_frames_size_rate_and_hold(picture, tmp_path):
    path = tmp_path / "race.mp4"
    mp4(picture, path, duration=50, hold=400)
    said, frames = decoded(path)
    for word in ("h264", "yuv420p(tv, bt709", " 400x200", " 20 fps"):
        assert word in said
    assert len(frames) == STEPS + 8
    for frame in frames[STEPS + 1 :]:
        assert np.abs(frame - frames[STEPS]).mean() < 1
    assert path.stat().st_size < 100_000


def test_frames_look_as_drawn(picture, tmp_path):
    path = tmp_path / "race.mp4"
    mp4(picture, path, hold=60)
    _, frames = decoded(path)
    for step, frame in enumerate(frames):
        drawn = picture.frame(step)[..., :3].astype(int)
        # Thin lines lose colour to 4:2:0, but not their place.
        assert np.abs(frame - drawn).mean() < 4
        others = [
            picture.frame(s)[..., :3] for s in (step - 3, step + 3) if 0 <= s < 13
        ]
        for other in others:
            assert np.abs(frame - drawn).mean() < np.abs(frame - other).mean()


def test_colours_are_those_of_the_frames(tmp_path):
    path = tmp_path / "flat.mp4"
    mp4(Flat((64, 32)), path, hold=60)
    _, frames = decoded(path)
    for step, frame in enumerate(frames):
        np.testing.assert_allclose(frame[16, 32], [40 + 60 * step, 64, 255], atol=4)


@pytest.mark.parametrize("size", [(333, 201), (64, 33), (65, 32)])
def test_odd_sizes_get_a_white_edge(size, tmp_path):
    path = tmp_path / "odd.mp4"
    mp4(Flat(size), path, frames=[0], hold=60)
    _, (frame,) = decoded(path)
    assert frame.shape[:2] == (size[1] + size[1] % 2, size[0] + size[0] % 2)
    np.testing.assert_allclose(frame[size[1] // 2, size[0] // 2], [40, 64, 255], atol=4)
    # White shares its hue with the pixel beside it, but not its lightness.
    within = frame[0, 0].mean()
    for last, odd in ((frame[-1, 0], size[1] % 2), (frame[0, -1], size[0] % 2)):
        assert (last.mean() > within + 50) == bool(odd)


def test_the_index_comes_first(picture, tmp_path):
    path = tmp_path / "race.mp4"
    mp4(picture, path)
    written = path.read_bytes()
    assert 0 < written.find(b"moov") < written.find(b"mdat")


def test_path_or_file(picture, tmp_path):
    file = io.BytesIO()
    mp4(picture, file)
    for path in (tmp_path / "a.mp4", str(tmp_path / "b.MP4")):
        mp4(picture, path)
        assert Path(path).read_bytes() == file.getvalue()
    assert len(list(tmp_path.iterdir())) == 2


def test_chosen_frames_and_progress(picture, tmp_path):
    ticks: list[None] = []
    path = tmp_path / "race.mp4"
    mp4(
        picture,
        path,
        frames=[0, 6, 6, 12],
        hold=60,
        progress=lambda: ticks.append(None),
    )
    assert len(ticks) == len(decoded(path)[1]) == 4


def test_a_race_without_steps(tmp_path):
    mp4(Flat((64, 32), steps=0), tmp_path / "still.mp4", duration=100, hold=1000)
    assert len(decoded(tmp_path / "still.mp4")[1]) == 10


class Failing(Flat):
    def frame(self, step: int) -> Any:
        if step == 2:
            raise KeyboardInterrupt
        return super().frame(step)


def test_nothing_is_left_of_a_failure(tmp_path):
    path = tmp_path / "race.mp4"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt):
        mp4(Failing((64, 32)), path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("early", [True, False], ids=["at once", "at the end"])
def test_ffmpeg_fails(early, tmp_path, monkeypatch):
    """Whether it breaks the pipe or reads all: its last words are told."""
    program = tmp_path / "ffmpeg"
    read = "" if early else "cat > /dev/null; "
    program.write_text(
        f"#!/bin/sh\n{read}echo first >&2; echo 'no such codec' >&2; exit 3"
    )
    program.chmod(0o755)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(program))
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(RuntimeError, match=r"^mp4: ffmpeg failed: no such codec$"):
        mp4(Flat((640, 320), steps=20), out / "race.mp4")
    assert list(out.iterdir()) == []


def test_ffmpeg_is_not_installed(picture, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    message = r"an MP4 needs ffmpeg: pip install 'optax-extra\[video\]'"
    with pytest.raises(ModuleNotFoundError, match=message):
        mp4(picture, tmp_path / "race.mp4")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"frames": []}, "frames must name at least one step, got none"),
        ({"frames": [0, 13]}, "frames must be steps from 0 to 12, got 13"),
        ({"duration": 0}, "duration must be from 10 to 655350 milliseconds, got 0"),
        ({"hold": -60}, "hold must be from 10 to 655350 milliseconds, got -60"),
    ],
)
def test_bad_arguments(picture, arguments, message):
    with pytest.raises(ValueError, match=f"^mp4: {message}"):
        mp4(picture, io.BytesIO(), **arguments)


def test_a_path_with_another_ending(picture, tmp_path):
    with pytest.raises(
        ValueError, match=r"mp4: file must end in .mp4, got .*race.gif'"
    ):
        mp4(picture, tmp_path / "race.gif")


def test_a_folder_that_does_not_exist(picture, tmp_path):
    message = r"No such file or directory: .*nowhere/race\.mp4'"
    with pytest.raises(FileNotFoundError, match=message):
        mp4(picture, tmp_path / "nowhere" / "race.mp4")


# Ctrl-C in the midst of a frame; ffmpeg would write what it has when its input ends.
INTERRUPTED = """
import os, signal, sys
from pathlib import Path
from surfaces import SURFACES, animate, plot
from surfaces.commands.terminal import end_at_interrupt

signal.signal(signal.SIGINT, signal.default_int_handler)  # it may be ignored
end_at_interrupt()
path = plot.Track("a step", "blue", [(-0.9, 0.9), (0.0, 0.0)], [1.0, 0.1])
picture = plot.RaceFigure(SURFACES["sphere"], [path], size=(200, 100))
interrupt = lambda: os.kill(os.getpid(), signal.SIGINT)
animate.mp4(picture, Path(sys.argv[1]) / "film.mp4", progress=interrupt)
"""


def test_ctrl_c_leaves_nothing_behind(tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, tmp_path],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert (run.returncode, run.stderr) == (130, "surfaces: interrupted\n")
    time.sleep(0.5)  # An ffmpeg that is left over ends in less.
    assert list(tmp_path.iterdir()) == []
