"""What all figures share: the style sheet, axes of the caller's, and no pyplot."""

from importlib.resources import files
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import matplotlib.style
import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

from surfaces import Basins, GridSearch, RateCurve, plot
from surfaces.figures import style
from surfaces.figures.palette import PALETTE

RATES = np.logspace(-5, 1, 256)
CURVE = RateCurve(
    surface="some_place",
    steps=100,
    minimum=0.0,
    span=1.0,
    rates=RATES,
    values=np.hypot(np.log10(RATES / 0.1), 0.01) / 10,
    inside=RATES < 1,
)
BASINS = Basins(
    surface="some_place",
    steps=100,
    bounds=np.array([(-1, 1), (-1, 1)]),
    minima=np.array([(0.5, 0.0), (-0.5, 0.0)]),
    depths=np.array([0.0, 0.1]),
    reached=np.repeat([[0] * 10 + [1] * 10], 20, axis=0),
    remoteness=np.linspace(0, 1, 400).reshape(20, 20),
)
SEARCH = GridSearch(
    surface="some_place",
    steps=100,
    minimum=0.0,
    span=1.0,
    axes={"b1": np.linspace(0, 0.9, 10), "learning_rate": RATES},
    values=np.tile(CURVE.values, (10, 1)),
    inside=np.tile(CURVE.inside, (10, 1)),
)
PANELS = {
    "rate_panel": lambda **ax: plot.rate_panel({"SGD": CURVE}, "SGD", **ax),
    "basin_panel": lambda **ax: plot.basin_panel(BASINS, title="SGD", **ax),
    "heat_map": lambda **ax: plot.heat_map(SEARCH, **ax),
}
FIGURES = {
    "rates": lambda: plot.rates({"SGD": CURVE, "Lion": CURVE}),
    "basins": lambda: plot.basins({"SGD": BASINS, "Lion": BASINS}),
    **{name: lambda panel=panel: panel().figure for name, panel in PANELS.items()},
}


def test_the_sheet_is_matplotlibs_and_in_the_package():
    assert files("surfaces").joinpath("optax_extra.mplstyle").is_file()
    with matplotlib.style.context("surfaces.optax_extra"):
        assert to_hex(matplotlib.rcParams["text.color"]) == style.INK
        cycle = matplotlib.rcParams["axes.prop_cycle"].by_key()["color"]
        assert matplotlib.rcParams["figure.constrained_layout.use"]
    yellow = PALETTE[4]
    assert [to_hex(colour) for colour in cycle] == [c for c in PALETTE if c != yellow]
    # What is left is told from white paper.
    luminance = [np.dot(to_rgb(c), [0.2126, 0.7152, 0.0722]) for c in cycle]
    assert max(luminance) < 0.7


def look(figure: Figure) -> list[Any]:
    """Fonts, colours and widths of all that is in a figure."""
    figure.draw_without_rendering()
    texts = [
        (t.get_text(), t.get_fontsize(), to_hex(t.get_color()), t.get_fontweight())
        for t in figure.findobj(matplotlib.text.Text)
    ]
    lines = [
        (to_hex(line.get_color()), line.get_linewidth())
        for line in figure.findobj(matplotlib.lines.Line2D)
    ]
    papers = [to_hex(axes.get_facecolor()) for axes in figure.axes]
    return [texts, lines, papers, to_hex(figure.get_facecolor())]


@pytest.mark.parametrize("name", FIGURES)
def test_the_callers_style_changes_nothing(name):
    usual = look(FIGURES[name]())
    foreign = {
        "font.size": 20,
        "axes.titlesize": 30,
        "axes.facecolor": "black",
        "figure.facecolor": "black",
        "lines.linewidth": 9,
        "xtick.labelcolor": "red",
        "axes.grid": True,
        "figure.autolayout": True,
    }
    with matplotlib.rc_context(foreign):
        before = dict(matplotlib.rcParams)
        figure = FIGURES[name]()
        assert dict(matplotlib.rcParams) == before
    assert look(figure) == usual


@pytest.mark.parametrize("name", PANELS)
def test_panels_are_drawn_where_one_asks(name):
    """On axes of a part of a figure, and nowhere else."""
    left, right = Figure(layout="constrained").subfigures(1, 2)
    mine, other = left.add_subplot(), right.add_subplot()
    assert PANELS[name](ax=mine) is mine
    assert mine.has_data()
    assert not other.has_data()
    assert mine.figure is left
    left.figure.draw_without_rendering()


@pytest.mark.parametrize("name", FIGURES)
def test_pyplot_stays_as_it_is(name):
    figure, axes = plt.subplots()
    try:
        FIGURES[name]()
        assert plt.get_fignums() == [figure.number]
        assert plt.gcf() is figure
        assert plt.gca() is axes
        assert not axes.has_data()
    finally:
        plt.close(figure)
