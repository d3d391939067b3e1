"""Arrays in, one self-contained HTML file out: a page that answers to the hand.

The reader moves the learning rate, the start and the step, and sees. The page is made
of the files in `web`, of Plotly's JavaScript and of what `page_data` packs; a
Content-Security-Policy at its head forbids every outside address. Nothing here knows an
optimizer.
"""

import base64
import gzip
import html
import importlib.resources
import itertools
import json
from collections.abc import Callable, Sequence
from string import Template
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from matplotlib.colors import to_hex

from surfaces import page_data
from surfaces.figures import style
from surfaces.figures.terrain import Camera
from surfaces.surface import by_name

if TYPE_CHECKING:
    from surfaces.lattice import Lattice
    from surfaces.surface import Surface

__all__ = ["Walker", "page", "plotly_source"]

TITLE = "Optimizers on surfaces"
SCRIPTS = (
    "data.js", "look.js", "map.js", "curve.js", "rates.js", "scene.js", "view.js",
    "controls.js", "main.js",
)  # fmt: skip


class Walker(NamedTuple):
    """One optimizer's paths, ready to be shown."""

    label: str
    colour: str  # as in #4037ff, or any other that Matplotlib knows
    lattices: "Sequence[Lattice]"  # one a surface, all of the same rates and starts


def page(
    surfaces: "Sequence[Surface]",
    walkers: Sequence[Walker],
    *,
    command: str,
    progress: Callable[[], object] | None = None,
) -> str:
    """Makes a page of optimizers on surfaces, which needs nothing but a browser.

    Args:
      surfaces: what to choose from; the first is shown first.
      walkers: the optimizers, which the page numbers from 1.
      command: what the page says it was made with.
      progress: called after every surface.

    Returns:
      The HTML.

    Raises:
      ModuleNotFoundError: if Plotly is not installed.
      ValueError: if there are no surfaces or no walkers, if names or labels repeat, if
        a surface is finite nowhere, or if lattices are not one a surface, all of one
        shape, with the same places and the same ascending rates, 255 at most.

    Example:
      >>> import optax
      >>> from surfaces import SURFACES, lattices
      >>> from surfaces.page import Walker, page
      >>> sphere = [SURFACES["sphere"]]
      >>> walker = Walker("SGD", "#4037ff", lattices(optax.sgd, sphere, [0.1, 1.0]))
      >>> text = page(sphere, [walker], command="python mine.py")
      >>> text.startswith("<!doctype html>")
      True
    """
    _check(surfaces, walkers)
    first = walkers[0].lattices[0]
    about = {
        "rates": first.rates.tolist(),
        "starts": np.rint(first.places * (page_data.RASTER - 1)).astype(int).tolist(),
        "steps": first.values.shape[-1] - 1,
        "heights": [to_hex(colour) for colour in style.HEIGHTS(np.linspace(0, 1, 9))],
        "optimizers": [{"label": w.label, "colour": to_hex(w.colour)} for w in walkers],
        "surfaces": [_about(surface, first.places) for surface in surfaces],
        "coding": page_data.CODING,
    }
    packed = []
    for place, surface in enumerate(surfaces):
        paths = [walker.lattices[place] for walker in walkers]
        packed.append(page_data.packed(surface, paths))
        if progress is not None:
            progress()
    return Template(_file("page.html")).substitute(
        title=TITLE,
        command=html.escape(command),
        stored=_stored(first),
        style=_file("page.css"),
        state=_file("state.js"),
        about=json.dumps(about, allow_nan=False).replace("<", "\\u003c"),
        plotly=_text(gzip.compress(plotly_source().encode(), mtime=0)),
        data="\n".join(
            f'<script type="text/plain" id="data-{i}">{_text(data)}</script>'
            for i, data in enumerate(packed)
        ),
        script="\n".join(_file(name) for name in SCRIPTS),
    )


def plotly_source() -> str:
    """Plotly's JavaScript, from its Python package.

    Raises:
      ModuleNotFoundError: if that is not installed.
    """
    try:
        from plotly.offline import get_plotlyjs
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "the page needs Plotly: pip install 'optax-extra[page]'"
        ) from error
    source: str = get_plotlyjs()
    return source


def _check(surfaces: "Sequence[Surface]", walkers: Sequence[Walker]) -> None:
    for argument, given in (("surfaces", surfaces), ("walkers", walkers)):
        if not given:
            raise ValueError(f"page: {argument} must be at least one, got none")
    labels = [walker.label for walker in walkers]
    for label in labels:
        if labels.count(label) > 1:
            raise ValueError(
                f"page: walkers must have distinct labels, got {label!r} "
                f"{labels.count(label)} times"
            )
    for surface in by_name("page", surfaces).values():
        if not np.isfinite(surface.span):
            raise ValueError(
                "page: surfaces must have finite values in their windows, "
                f"got none on {surface!r}"
            )
    shapes = [[lattice.values.shape for lattice in w.lattices] for w in walkers]
    if shapes != [shapes[0][:1] * len(surfaces)] * len(walkers):
        raise ValueError(
            f"page: walkers must have {len(surfaces)} lattices each, one a surface, "
            f"of one shape, got {shapes}"
        )
    first, *others = [lattice for walker in walkers for lattice in walker.lattices]
    if len(first.rates) > 255:
        raise ValueError(
            f"page: lattices must have at most 255 rates, got {len(first.rates)}"
        )
    if not (np.diff(first.rates) > 0).all():
        raise ValueError(
            f"page: lattices must have ascending rates, got {first.rates.tolist()}"
        )
    for field, other in itertools.product(("rates", "places"), others):
        shared, own = getattr(first, field), getattr(other, field)
        if not np.array_equal(shared, own):
            raise ValueError(
                f"page: lattices must have the same {field}, "
                f"got {shared.tolist()} and {own.tolist()}"
            )


def _about(surface: "Surface", places: Any) -> dict[str, Any]:
    low, high = np.transpose(surface.bounds)
    share = (np.asarray(surface.start) - low) / (high - low)
    column, row = np.abs(places - share[:, None]).argmin(axis=1)
    return {
        "title": style.named(surface.name),
        "bounds": surface.bounds,
        "shape": Camera.over(surface.bounds, 0, 1).shape.tolist(),
        "span": surface.span or 1.0,
        "reach": surface.reach,
        "start": int(row * len(places) + column),
        "minima": [minimum.position for minimum in surface.global_minima],
    }


def _stored(lattice: "Lattice") -> str:
    """What the page keeps, and how exactly."""
    rates, starts, *_, points = lattice.values.shape
    return (
        f"Paths from {starts} × {starts} starts at {rates} learning rates, "
        f"{min(lattice.rates):g} to {max(lattice.rates):g}, of {points - 1} steps. "
        f"{page_data.RESOLUTION}"
    )


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _file(name: str) -> str:
    web = importlib.resources.files("surfaces").joinpath("web")
    return web.joinpath(name).read_text(encoding="utf-8")
