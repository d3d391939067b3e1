"""Recomputes `minima.json`, the minima of the named surfaces.

    python -m surfaces.minima

It takes half a minute, which is why they are stored. Run it after a change to a named
surface; a test compares the two.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from surfaces.search import Minimum, find_minima

__all__ = ["to_json"]


def to_json(minima: Mapping[str, Iterable[Minimum]]) -> str:
    """The minima by the surface's name, one to a line."""
    surfaces = (
        f'"{name}": [\n' + ",\n".join(map(_to_json, found)) + "\n]"
        for name, found in minima.items()
    )
    return "{\n" + ",\n".join(surfaces) + "\n}\n"


def _to_json(minimum: Minimum) -> str:
    (x, y), value, smooth = minimum
    return json.dumps({"x": x, "y": y, "value": value, "smooth": smooth})


def _main() -> None:
    from surfaces.functions import SURFACES

    found = {name: find_minima(s, s.bounds) for name, s in SURFACES.items()}
    path = Path(__file__).with_name("minima.json")
    path.write_text(to_json(found), encoding="utf-8")
    for name, minima in found.items():
        print(f"{name}: {len(minima)} minima, lowest {minima[0].value:.6g}")


if __name__ == "__main__":
    _main()
