"""Figures as SVG: small, the same everywhere, and as good as the PNG."""

import base64
import io
import re
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image
from test_surfaces_style import BASINS, CURVE, RATES, SEARCH

from surfaces import ROSTER, SURFACES, basins, plot
from surfaces.figures.palette import PALETTE
from surfaces.figures.svg_file import svg

IMAGE = re.compile(r'data:image/(\w+);base64,([^"]+)"')


def race() -> Figure:
    """Eight paths of a hundred steps."""
    t = np.arange(101)[:, None]
    turns = [0.9 * 0.97**t * [np.cos(k * t / 9), np.sin(k * t / 9)] for k in range(8)]
    tracks = [
        plot.Track(f"Number {k}", PALETTE[k], p := turn[:, 0].T, (p**2).sum(axis=1))
        for k, turn in enumerate(np.moveaxis(np.array(turns), 2, 2))
    ]
    return plot.race(SURFACES["rastrigin"], tracks)


def rates() -> Figure:
    """All optimizers, on curves as rough as curves are."""
    noise = np.random.default_rng(0).lognormal(sigma=2, size=(len(ROSTER), len(RATES)))
    return plot.rates(
        {
            name: CURVE._replace(values=CURVE.values * factor)
            for name, factor in zip(ROSTER, noise, strict=True)
        }
    )


def eight_basins() -> Figure:
    """Filaments in eight panels of the default size, four starts a pixel."""
    found = basins(ROSTER["adabelief"](0.05), SURFACES["custom3"], 800, 100)
    return plot.basins({f"Number {k}": found for k in range(8)}, supersample=2)


def heat_map() -> Figure:
    noise = np.random.default_rng(0).lognormal(sigma=2, size=(300, 300))
    values = {"b1": np.linspace(0, 1, 300), "learning_rate": np.logspace(-5, 1, 300)}
    inside = np.ones((300, 300), bool)
    search = SEARCH._replace(axes=values, values=noise, inside=inside)
    return plot.heat_map(search).figure


@pytest.mark.parametrize("draw", [race, rates, eight_basins, heat_map])
def test_an_svg_has_less_than_two_megabytes(draw, tmp_path):
    figure, file = draw(), tmp_path / "a.svg"
    svg(figure, file)
    assert file.stat().st_size < 2e6
    text = file.read_text(encoding="utf-8")
    assert IMAGE.search(text)  # what is heavy is no outlines
    assert "<text" not in text  # letters are, and no reader's font is asked for
    assert "<dc:date>" not in text


def test_the_same_figure_has_the_same_bytes(tmp_path):
    for name in ("a.svg", "b.svg"):
        svg(plot.heat_map(SEARCH).figure, tmp_path / name)
    first, second = (path.read_bytes() for path in tmp_path.iterdir())
    assert first == second


def images(file: Any) -> list[tuple[str, Any]]:
    found = IMAGE.findall(file.read_text(encoding="utf-8"))
    opened = [Image.open(io.BytesIO(base64.b64decode(coded))) for _, coded in found]
    return [
        (kind, np.asarray(image.convert("RGB"), float))
        for (kind, _), image in zip(found, opened, strict=True)
    ]


def test_a_soft_image_is_a_jpeg_and_looks_the_same(tmp_path):
    y, x = np.mgrid[-1:1:400j, -1:1:400j]
    soft = BASINS._replace(
        reached=(x > np.sin(4 * y) / 3).astype(int),
        remoteness=np.hypot(x, y) + 0.03 * np.random.default_rng(0).random((400, 400)),
    )
    figure = plot.basins({"SGD": soft})
    svg(figure, tmp_path / "a.svg")
    ((kind, shown),) = images(tmp_path / "a.svg")
    assert kind == "jpeg"
    expected = figure.axes[0].images[0].get_array()
    assert np.abs(shown / 255 - expected).mean() < 0.01


def test_a_hard_or_transparent_image_stays_a_png(tmp_path):
    lost = SEARCH._replace(inside=SEARCH.inside & (np.arange(256) % 3 > 0))
    for search in (SEARCH._replace(inside=np.ones_like(SEARCH.inside)), lost):
        svg(plot.heat_map(search).figure, tmp_path / "a.svg")
        assert {kind for kind, _ in images(tmp_path / "a.svg")} == {"png"}


def test_nothing_is_written_where_no_folder_is(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"missing/a\.svg"):
        svg(Figure(), tmp_path / "missing" / "a.svg")
