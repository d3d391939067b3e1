"""The GIF of a race, decoded again."""

import io
import pathlib
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageSequence

from surfaces.animate import gif
from surfaces.figures.palette import PALETTE
from surfaces.functions import SURFACES
from surfaces.plot import RaceFigure, Track

STEPS = 12


@pytest.fixture(scope="module")
def picture() -> RaceFigure:
    t = np.linspace(0, 1, STEPS + 1)[:, None]
    surface = SURFACES["rosenbrock"]
    tracks = [
        Track(f"{colour}", colour, (1 - t) * (-0.9, 0.9) + t * (0.5, end), 1 - t[:, 0])
        for colour, end in zip(PALETTE, np.linspace(-0.8, 0.8, 8), strict=False)
    ]
    return RaceFigure(surface, tracks, (400, 200))


def decoded(file: Any) -> list[Any]:
    file.seek(0)
    with Image.open(file) as image:
        return [np.array(f.convert("RGB"), int) for f in ImageSequence.Iterator(image)]


def test_frames_size_loop_and_durations(picture):
    file = io.BytesIO()
    gif(picture, file, duration=50, hold=2000)
    with Image.open(file) as image:
        assert image.n_frames == STEPS + 1
        assert image.size == (400, 200)
        assert image.info["loop"] == 0
        durations = [f.info["duration"] for f in ImageSequence.Iterator(image)]
    assert durations == [50] * STEPS + [2000]
    assert len(file.getvalue()) < 100_000


def test_frames_look_as_drawn(picture):
    file = io.BytesIO()
    gif(picture, file)
    for step, frame in enumerate(decoded(file)):
        error = np.abs(frame - picture.frame(step)[..., :3]).max(axis=-1)
        # The tolerance for what stays, and twice that for rare blends of colours.
        assert np.quantile(error, 0.99) <= 16
        assert np.quantile(error, 0.999) <= 32
        assert error.mean() < 2


def test_white_stays_white(picture):
    file = io.BytesIO()
    gif(picture, file, frames=[0])
    (frame,) = decoded(file)
    assert (frame[:, :5] == 255).all()


def test_nothing_is_left_behind(picture):
    there, back = io.BytesIO(), io.BytesIO()
    gif(picture, there, frames=[0])
    gif(picture, back, frames=[0, STEPS, 0])
    # What the first frame has is either restored or was within the tolerance.
    drawn = picture.frame(0)[..., :3]
    once, again = decoded(there)[-1], decoded(back)[-1]
    assert np.quantile(np.abs(again - drawn).max(axis=-1), 0.999) <= 32
    assert np.abs(again - once).mean() < 2


def test_chosen_frames(picture):
    file = io.BytesIO()
    gif(picture, file, frames=range(0, STEPS + 1, 4))
    assert len(decoded(file)) == 4


def test_equal_frames_are_kept(picture):
    file = io.BytesIO()
    gif(picture, file, frames=[5, 5, 5])
    assert len(decoded(file)) == 3


def test_no_frames(picture):
    with pytest.raises(ValueError, match="gif: frames must name at least one step"):
        gif(picture, io.BytesIO(), frames=[])


@pytest.mark.parametrize("step", [-1, STEPS + 1, 2.5, "3"])
def test_frames_that_are_no_steps(picture, step):
    message = f"gif: frames must be steps from 0 to {STEPS}, got {step!r}"
    with pytest.raises(ValueError, match=message):
        gif(picture, io.BytesIO(), frames=[0, step])


@pytest.mark.parametrize("name", ["race.mp4", "race", "gif"])
def test_a_path_with_another_ending(picture, name, tmp_path):
    with pytest.raises(ValueError, match=f"gif: file must end in .gif, got .*{name}'"):
        gif(picture, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_does_not_exist(picture, tmp_path):
    message = r"No such file or directory: .*nowhere/race\.gif'"
    with pytest.raises(FileNotFoundError, match=message):
        gif(picture, tmp_path / "nowhere" / "race.gif")


@pytest.mark.parametrize("bad", [{"duration": 0}, {"hold": 9}])
def test_times_that_are_too_short(picture, bad):
    ((name, time),) = bad.items()
    message = f"gif: {name} must be from 10 to 655350 milliseconds, got {time}"
    with pytest.raises(ValueError, match=message):
        gif(picture, io.BytesIO(), **bad)


def test_nothing_is_left_of_a_failure(picture, tmp_path):
    path = tmp_path / "race.gif"
    path.write_bytes(b"old")

    def fail():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gif(picture, path, progress=fail)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_race_of_nothing_but_nan(picture):
    lost = Track("lost", PALETTE[0], np.full((5, 2), np.nan), np.full(5, np.nan))
    file = io.BytesIO()
    gif(RaceFigure(SURFACES["sphere"], [lost], (300, 150)), file)
    assert len(decoded(file)) == 5


def test_race_without_steps():
    still = Track("still", PALETTE[0], np.zeros((1, 2)), np.zeros(1))
    file = io.BytesIO()
    gif(RaceFigure(SURFACES["sphere"], [still], (300, 150)), file, hold=700)
    with Image.open(file) as image:
        assert getattr(image, "n_frames", 1) == 1
        assert image.info["duration"] == 700


def test_path_or_file(picture, tmp_path):
    file = io.BytesIO()
    gif(picture, file)
    for path in (tmp_path / "a.gif", str(tmp_path / "b.gif")):
        gif(picture, path)
        assert pathlib.Path(path).read_bytes() == file.getvalue()


def test_progress_is_told_of_every_frame(picture):
    ticks: list[None] = []
    gif(picture, io.BytesIO(), progress=lambda: ticks.append(None))
    assert len(ticks) == STEPS + 1
