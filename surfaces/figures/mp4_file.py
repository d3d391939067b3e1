"""Arrays in, MP4 out: H.264 in 4:2:0, which every browser and telephone plays.

ffmpeg encodes in its own process, while the next frame is drawn. Sizes must be even: an
odd one gets a white column at the right or a white row at the bottom. The index comes
first in the file, so that a browser plays at once.
"""

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from surfaces.figures.frames import File, Frames, check_times, chosen, place
from surfaces.files import replacing, writing

# The colours of high definition, said and meant: players guess where nothing is said.
_FILTERS = (
    "pad=ceil(iw/2)*2:ceil(ih/2)*2:color=white",
    "scale=out_color_matrix=bt709:out_range=tv",
    "format=yuv420p",
    "tpad=stop_mode=clone:stop={held}",
)
_COLOURS = "-colorspace bt709 -color_primaries bt709 -color_trc bt709 -color_range tv"
_CODEC = "-c:v libx264 -preset veryfast -crf 26 -movflags +faststart -f mp4"


def mp4(
    figure: Frames,
    file: File,
    *,
    frames: Iterable[int] | None = None,
    duration: int = 60,
    hold: int = 3000,
    progress: Callable[[], object] | None = None,
) -> None:
    """Writes a race as an MP4 that plays once.

    Args:
      figure: the race.
      file: a path that ends in .mp4, or a binary file to write to.
      frames: the steps to show, from 0 to the last; by default all.
      duration: milliseconds a frame, from 10 to 655350.
      hold: milliseconds of the last frame, likewise: so many as make whole frames.
      progress: called once a frame.

    Raises:
      ModuleNotFoundError: if imageio-ffmpeg is not installed.
      ValueError: if frames is empty or names what is no step, if a time is out of its
        range, or if the path has another ending.
      FileNotFoundError: if the path's folder does not exist.
      RuntimeError: if ffmpeg fails.

    Example:
      >>> import io
      >>> from surfaces import SURFACES, animate, plot
      >>> path = plot.Track("a step", "blue", [(-0.9, 0.9), (0.0, 0.0)], [1.0, 0.1])
      >>> picture = plot.RaceFigure(SURFACES["sphere"], [path], size=(300, 150))
      >>> file = io.BytesIO()
      >>> animate.mp4(picture, file)
      >>> file.getvalue()[4:8]
      b'ftyp'
    """
    steps = chosen("mp4", figure, frames)
    check_times("mp4", duration=duration, hold=hold)
    out = place("mp4", file, ".mp4")
    program = ffmpeg()
    height, width, _ = figure.frame(steps[0]).shape
    held = max(round(hold / duration) - 1, 0)
    command = [
        *(program, "-v", "error", "-y"),
        *("-f", "rawvideo", "-pix_fmt", "rgb0", "-s", f"{width}x{height}"),
        *("-r", f"1000/{duration}", "-i", "-"),
        *("-vf", ",".join(_FILTERS).format(held=held)),
        *_COLOURS.split(),
        *_CODEC.split(),
    ]
    with contextlib.ExitStack() as stack:
        if isinstance(out, Path):
            beside = stack.enter_context(replacing(out))
        else:
            beside = Path(stack.enter_context(tempfile.TemporaryDirectory()), "mp4")
        _encode([*command, str(beside)], figure, steps, progress)
        if not isinstance(out, Path):
            with beside.open("rb") as written:
                shutil.copyfileobj(written, out)


def ffmpeg() -> str:
    """The path of ffmpeg.

    Raises:
      ModuleNotFoundError: if imageio-ffmpeg, which brings it, is not installed.
    """
    try:
        import imageio_ffmpeg
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "an MP4 needs ffmpeg: pip install 'optax-extra[video]'"
        ) from error
    return str(imageio_ffmpeg.get_ffmpeg_exe())


def _encode(
    command: list[str],
    figure: Frames,
    steps: list[int],
    progress: Callable[[], object] | None,
) -> None:
    """Runs ffmpeg on the pixels of the steps."""
    with tempfile.TemporaryFile() as log:
        # Its log goes to a file, because nobody reads a pipe while frames are written.
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=log)
        assert process.stdin is not None
        with writing(process), contextlib.suppress(BrokenPipeError):
            with process.stdin as pixels:
                for step in steps:
                    pixels.write(np.ascontiguousarray(figure.frame(step)).data)
                    if progress is not None:
                        progress()
            process.wait()
        if process.wait():
            log.seek(0)
            (*_, last) = log.read().decode(errors="replace").strip().splitlines() or [
                f"exit code {process.returncode}"
            ]
            raise RuntimeError(f"mp4: ffmpeg failed: {last}")
