"""What the command line takes, and what it answers where that is wrong."""

import difflib
import math
from collections.abc import Iterable
from typing import Any

import click


class OneOf(click.ParamType):
    """A name of a set; an unknown one is answered with the nearest."""

    name = "name"

    def __init__(self, known: Iterable[str]) -> None:
        self.known = tuple(known)

    def convert(self, value: str, param: Any, ctx: Any) -> str:
        if value not in self.known:
            near = difflib.get_close_matches(value, self.known, n=1)
            hint = f"did you mean {near[0]!r}? Known" if near else "known"
            self.fail(f"{value!r} is unknown; {hint}: {', '.join(self.known)}.")
        return value


class Names(click.ParamType):
    """Names separated by commas."""

    name = "a,b"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, ...]:
        names = tuple(name.strip() for name in str(value).split(","))
        if not all(names):
            self.fail(f"{value!r} must be names separated by commas.")
        return tuple(dict.fromkeys(names))


class Rate(click.ParamType):
    """A positive finite number, or "best"."""

    name = "rate"

    def convert(self, value: Any, param: Any, ctx: Any) -> float | str:
        try:
            rate = math.nan if value == "best" else float(value)
        except ValueError:
            rate = -1.0
        if value != "best" and not 0 < rate < math.inf:
            self.fail(f"{value!r} must be a positive finite number, or best.")
        return "best" if value == "best" else rate


class Size(click.ParamType):
    """WIDTHxHEIGHT in pixels."""

    name = "size"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, int]:
        try:
            width, height = (int(side) for side in str(value).lower().split("x"))
        except ValueError:
            width = height = 0
        if not (200 <= width <= 8000 and 100 <= height <= 4000):
            self.fail(
                f"{value!r} must be WIDTHxHEIGHT in pixels, "
                "from 200x100 to 8000x4000, as in 1200x600."
            )
        return width, height
