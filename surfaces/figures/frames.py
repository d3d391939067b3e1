"""What an animation is made from, where pictures go, and what all formats refuse."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Protocol

import numpy as np
from numpy.typing import NDArray

LONGEST = 655_350  # milliseconds: what a GIF can say of a frame
File = str | os.PathLike[str] | IO[bytes]


class Frames(Protocol):
    """What can be animated, such as `surfaces.plot.RaceFigure`."""

    steps: int  # the number of the last step

    def frame(self, step: int) -> NDArray[np.uint8]:
        """The pixels of a step: [height, width, 4], RGBA."""


def chosen(function: str, figure: Frames, frames: Iterable[int] | None) -> list[int]:
    """The steps to show; `function` is who asks."""
    known = range(figure.steps + 1)
    steps = list(known if frames is None else frames)
    if not steps:
        raise ValueError(f"{function}: frames must name at least one step, got none")
    for step in steps:
        if step not in known:
            raise ValueError(
                f"{function}: frames must be steps from 0 to {figure.steps}, "
                f"got {step!r}"
            )
    return steps


def check_times(function: str, **times: int) -> None:
    """Refuses milliseconds that no player can show, or a GIF cannot say."""
    for name, time in times.items():
        if not 10 <= time <= LONGEST:
            raise ValueError(
                f"{function}: {name} must be from 10 to {LONGEST} milliseconds, "
                f"got {time!r}"
            )


def place(function: str, file: File, suffix: str) -> Path | IO[bytes]:
    """Where a picture goes: a path with the right ending, or an open file."""
    if not isinstance(file, (str, os.PathLike)):
        return file
    path = Path(file)
    if path.suffix.lower() != suffix:
        raise ValueError(f"{function}: file must end in {suffix}, got {str(path)!r}")
    return path
