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

    def named(self, option: str, value: str) -> str:
        """What `convert` returns, for an option that is not of this type."""
        try:
            return self.convert(value, None, None)
        except click.BadParameter as error:
            raise click.BadParameter(error.message, param_hint=f"'{option}'") from None


class Names(click.ParamType):
    """Names separated by commas."""

    name = "a,b"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, ...]:
        names = tuple(name.strip() for name in str(value).split(","))
        if not all(names):
            self.fail(f"{value!r} must be names separated by commas, as in sgd,lion.")
        return tuple(dict.fromkeys(names))


class Rate(click.ParamType):
    """A positive finite number, also in float32, or "best"."""

    name = "rate"

    def convert(self, value: Any, param: Any, ctx: Any) -> float | str:
        if value == "best":
            return "best"
        try:
            rate = float(value)
        except ValueError:
            rate = math.nan
        if not 1e-30 <= rate <= 1e30:
            self.fail(
                f"{value!r} must be a positive finite number, "
                "from 1e-30 to 1e30, or best."
            )
        return rate


class Steps(click.ParamType):
    """A number of steps."""

    name = "steps"

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        try:
            steps = int(value)
        except ValueError:
            steps = 0
        if not 1 <= steps <= 100_000:
            self.fail(f"'{value}' must be a whole number from 1 to 100000.")
        return steps


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
