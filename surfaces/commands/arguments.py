"""What the command line takes, and what it answers where that is wrong."""

import difflib
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NoReturn

import click
import numpy as np
from numpy.typing import NDArray


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
    """A positive finite number, also in float32, or a word for one to be found."""

    name = "rate"

    def __init__(self, word: str) -> None:
        self.word = word

    def convert(self, value: Any, param: Any, ctx: Any) -> float | str:
        if value == self.word:
            return self.word
        rate = _number(value)
        if not 1e-30 <= rate <= 1e30:
            self.fail(
                f"{value!r} must be a positive finite number, "
                f"from 1e-30 to 1e30, or {self.word}."
            )
        return rate


class Whole(click.ParamType):
    """A whole number within bounds."""

    name = "number"

    def __init__(self, least: int, most: int) -> None:
        self.least, self.most = least, most

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        try:
            number = int(value)
        except ValueError:
            number = self.least - 1
        if not self.least <= number <= self.most:
            self.fail(
                f"'{value}' must be a whole number from {self.least} to {self.most}."
            )
        return number


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


class Folder(click.ParamType):
    """A folder, not necessarily there."""

    name = "folder"

    def convert(self, value: Any, param: Any, ctx: Any) -> Path:
        if not str(value):
            self.fail("'' must be a folder, as in plots; the current one is a dot.")
        return Path(value)


def _near_one(low: float, high: float, count: int) -> NDArray[Any]:
    return 1 - np.geomspace(1 - low, 1 - high, count)


_Spread = Callable[[float, float, int], NDArray[Any]]
_SPREADS: dict[str, _Spread] = {
    "lin": np.linspace,
    "log": np.geomspace,
    "log1m": _near_one,
}


class Axis(click.ParamType):
    """A hyperparameter and its values: (name, row)."""

    name = "axis"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, NDArray[Any]]:
        if isinstance(value, tuple):  # click converts twice
            return value
        name, _, text = value.partition("=")
        if not name or not text:
            self._fail(value, "")
        if ":" in text:
            return name, self._range(value, *text.split(":"))
        row = np.array([_number(entry) for entry in text.split(",")])
        if not np.isfinite(row).all():
            self._fail(value, "its values must be finite numbers; ")
        if len(np.unique(row)) < len(row):
            self._fail(value, "its values must be distinct; ")
        return name, row

    def _range(self, value: str, *parts: str) -> NDArray[Any]:
        if len(parts) != 4:
            self._fail(value, "")
        low, high = _number(parts[0]), _number(parts[1])
        count, spread = parts[2:]
        if not -math.inf < low < high < math.inf:
            self._fail(value, "LOW must be below HIGH, both finite; ")
        if not count.isdecimal() or not 2 <= int(count) <= 10_000:
            self._fail(value, "COUNT must be a whole number from 2 to 10000; ")
        if spread not in _SPREADS:
            self._fail(value, "")
        if spread == "log" and low <= 0:
            self._fail(value, "log must begin above 0; ")
        if spread == "log1m" and high >= 1:
            self._fail(value, "log1m must end below 1; ")
        return _SPREADS[spread](low, high, int(count))

    def _fail(self, value: str, rule: str) -> NoReturn:
        self.fail(
            f"{value!r}: {rule}an axis is NAME=LOW:HIGH:COUNT:lin, log or log1m (in "
            "1 - value), as in learning_rate=1e-4:1:64:log, or NAME=VALUE,VALUE, as in "
            "sync_period=5,6,10."
        )


def _number(text: Any) -> float:
    """The number, NaN if it is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan
