"""Arrays in, animation out: GIF everywhere, MP4 where it may be smaller still."""

from surfaces.frames import Frames
from surfaces.gif_file import gif
from surfaces.mp4_file import ffmpeg, mp4

__all__ = ["Frames", "gif", "mp4", "ffmpeg"]
