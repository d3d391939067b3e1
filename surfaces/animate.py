"""Arrays in, animation out: GIF everywhere, MP4 where it may be smaller still."""

from surfaces.figures.frames import Frames
from surfaces.figures.gif_file import gif
from surfaces.figures.mp4_file import ffmpeg, mp4

__all__ = ["Frames", "gif", "mp4", "ffmpeg"]
