"""Arrays in, GIF out: one palette for all frames, and of each only what has changed.

The palette is fitted to real frames, so that neither slopes band nor thin trails fade.
A frame is the rectangle around the pixels that changed; in it the others are
transparent, which packs into almost nothing.
"""

import contextlib
import struct
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import GifImagePlugin, Image

from surfaces.figures.frames import File, Frames, check_times, chosen, place
from surfaces.files import replacing

_CLEAR = 255  # the transparent entry of the palette, after all colours
_BINS = 1 << 18
_EVENNESS = 0.7  # of the palette: 0 serves all shades alike, 1 all pixels
_TOLERANCE = 24  # of 255: a pixel that is off by no more stays as it is
_FOREVER = b"!\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"

_Words = NDArray[np.uint32]  # a pixel as one word, red in its lowest byte
_Bytes = NDArray[np.uint8]


def gif(
    figure: Frames,
    file: File,
    *,
    frames: Iterable[int] | None = None,
    duration: int = 60,
    hold: int = 3000,
    progress: Callable[[], object] | None = None,
) -> None:
    """Writes a race as a GIF that loops for ever.

    Args:
      figure: the race.
      file: a path that ends in .gif, or a binary file to write to.
      frames: the steps to show, from 0 to the last; by default all.
      duration: milliseconds a frame, from 10 to 655350, in hundredths of a second.
      hold: milliseconds of the last frame, likewise.
      progress: called once a frame.

    Raises:
      ValueError: if frames is empty or names what is no step, if a time is out of its
        range, or if the path has another ending.
      FileNotFoundError: if the path's folder does not exist.

    Example:
      >>> import io
      >>> from surfaces import SURFACES, animate, plot
      >>> path = plot.Track("a step", "blue", [(-0.9, 0.9), (0.0, 0.0)], [1.0, 0.1])
      >>> picture = plot.RaceFigure(SURFACES["sphere"], [path], size=(300, 150))
      >>> file = io.BytesIO()
      >>> animate.gif(picture, file)
      >>> file.getvalue()[:6]
      b'GIF89a'
    """
    steps = chosen("gif", figure, frames)
    check_times("gif", duration=duration, hold=hold)
    out = place("gif", file, ".gif")
    first, middle, last = (
        _words(figure.frame(step))
        for step in (steps[0], steps[len(steps) // 2], steps[-1])
    )
    palette = _Palette([first, middle[middle != first], last[last != first]])
    height, width = first.shape
    seen = first.ravel()
    shown = palette.nearest(seen)
    update = np.full_like(shown, _CLEAR)

    with contextlib.ExitStack() as stack:
        if isinstance(out, Path):
            beside = stack.enter_context(replacing(out))
            out = stack.enter_context(beside.open("wb"))
        out.write(struct.pack("<6sHHBBB", b"GIF89a", width, height, 0xF7, 0, 0))
        out.write(palette.table())
        out.write(_FOREVER)
        frame = shown.reshape(height, width)
        out.writelines(_frame(frame, duration if steps[1:] else hold))
        frame = update.reshape(height, width)  # clear but for what is drawn
        for number, step in enumerate(steps[1:], 2):
            if progress is not None:
                progress()
            pixels = _words(figure.frame(step)).ravel()
            changed = np.flatnonzero(pixels != seen)
            new = palette.update(shown[changed], pixels[changed])
            update[changed] = new
            out.writelines(_frame(frame, duration if number < len(steps) else hold))
            shown[changed] = np.where(new == _CLEAR, shown[changed], new)
            update[changed] = _CLEAR
            seen = pixels
        out.write(b";")
    if progress is not None:
        progress()


def _frame(indices: _Bytes, duration: int) -> list[bytes]:
    """What of a frame is not clear, as GIF has it."""
    drawn = indices != _CLEAR
    rows, columns = (np.flatnonzero(drawn.any(axis=axis)) for axis in (1, 0))
    top, left = (int(x[0]) if x.size else 0 for x in (rows, columns))
    bottom, right = (int(x[-1]) + 1 if x.size else 1 for x in (rows, columns))
    return GifImagePlugin.getdata(
        Image.fromarray(indices[top:bottom, left:right]),
        offset=(left, top),
        duration=duration,
        transparency=_CLEAR,
        disposal=1,  # the next frame is drawn over this one
    )


class _Palette:
    """255 colours that stand for all pixels of some frames, and the way to them."""

    def __init__(self, frames: Sequence[_Words]) -> None:
        pixels = np.concatenate([frame.ravel() for frame in frames])
        bins = _bins(pixels)
        counts = np.bincount(bins, minlength=_BINS)
        example = np.zeros(_BINS, np.uint32)
        example[bins] = pixels
        # By the area it covers a colour would count for all or for nothing: the white
        # margin would take what the trails, the text and the bottom of a pit need.
        copies = np.ceil(counts**_EVENNESS).astype(int)
        image = Image.fromarray(_channels(np.repeat(example, copies))[None])
        found = image.quantize(_CLEAR, Image.Quantize.MEDIANCUT, kmeans=1)
        self.colours = np.array(found.getpalette() or [], np.uint8).reshape(-1, 3)
        self._table = np.full(_BINS, _CLEAR, np.uint8)  # filled where it is asked

    def update(self, indices: _Bytes, pixels: _Words) -> _Bytes:
        """Indices for pixels [n], clear where those shown now do for the eye."""
        error = self.colours[indices].astype(np.int16) - _channels(pixels)
        same = (np.abs(error) <= _TOLERANCE).all(axis=1)
        return np.where(same, np.uint8(_CLEAR), self.nearest(pixels))

    def nearest(self, pixels: _Words) -> _Bytes:
        """Indices of the colours nearest to pixels, of any shape."""
        bins = _bins(pixels)
        example = np.zeros(_BINS, np.uint32)
        example[bins] = pixels
        new = np.flatnonzero((example != 0) & (self._table == _CLEAR))
        # |p - c|² without |p|², which is the same for all colours.
        colours = self.colours.astype(np.float32)
        scores = _channels(example[new]) @ colours.T * 2 - (colours**2).sum(axis=1)
        self._table[new] = scores.argmax(axis=1)
        return np.asarray(self._table[bins])

    def table(self) -> bytes:
        """The palette as GIF has it."""
        return self.colours.tobytes().ljust(3 * 256, b"\0")


def _bins(pixels: _Words) -> NDArray[Any]:
    """Pixels at 6 bits a channel: numbers below 2¹⁸."""
    return (pixels >> 2 & 0x3F) | (pixels >> 4 & 0xFC0) | (pixels >> 6 & 0x3F000)


def _words(frame: _Bytes) -> _Words:
    return np.ascontiguousarray(frame).view("<u4")[..., 0]


def _channels(pixels: _Words) -> _Bytes:
    return np.ascontiguousarray(pixels, "<u4").view(np.uint8).reshape(-1, 4)[:, :3]
