"""Where runs end at many learning rates: the numbers, and their picture."""

from typing import Any

import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax
import pytest
from matplotlib.figure import Figure

from surfaces import ROSTER, SURFACES, RateCurve, Surface, descend, plot, rate_curves
from surfaces.figures.rate_figure import OTHERS
from surfaces.figures.style import ACCENT, LEAST
from surfaces.sensitivity import RATES

EPS = np.finfo(np.float32).eps
TILTED = Surface(lambda p: p[0], name="tilted", minima=())
CLIFF = Surface(
    lambda p: jnp.where(p[0] > 0, jnp.nan, -p[0]),
    name="cliff",
    start=(-1.0, 0.0),
    minima=(),
)


def curve(heights: Any, rates: Any = (0.01, 0.1, 1.0, 10.0), **fields: Any) -> Any:
    """A curve of a surface whose window is 1 high."""
    heights = np.array(heights, float)
    known: dict[str, Any] = {
        "surface": "some_place",
        "steps": 10,
        "minimum": 0.5,
        "span": 1.0,
        "rates": np.array(rates),
        "values": heights + 0.5,
        "inside": np.isfinite(heights),
    }
    return RateCurve(**{**known, **fields})


def test_ends_are_those_of_single_descents():
    """Also of a racer that takes two gradients a step, and of one that paces itself."""
    names, rates, steps = ("radam", "heun", "lion_cosine"), [0.01, 0.03, 0.1], 11
    surfaces = [SURFACES["rosenbrock"], SURFACES["custom2"]]
    racers = {name: ROSTER[name] for name in names}
    curves = rate_curves(surfaces, racers, rates, steps)
    assert list(curves) == ["rosenbrock", "custom2"]
    for surface in surfaces:
        found = curves[surface.name]
        assert list(found) == list(names)
        for name, racer in racers.items():
            whole = steps - steps % racer.gradients
            path = descend(racer(rates[1], steps=steps), surface, whole)
            # The rate is rounded to float32 in the grid; eleven steps magnify that.
            np.testing.assert_allclose(
                found[name].values[1], path.values[-1], atol=1e3 * EPS
            )


def test_what_a_curve_knows_of_its_surface():
    sphere = SURFACES["sphere"]
    found = rate_curves([sphere], {"sgd": optax.sgd}, [0.1], 7)["sphere"]["sgd"]
    assert (found.surface, found.steps) == ("sphere", 7)
    assert found.minimum == sphere.minimum
    assert found.span == sphere.grid(401).z.max() - sphere.minimum
    np.testing.assert_array_equal(found.heights, found.values - sphere.minimum)


def test_the_usual_rates():
    assert RATES.shape == (256,)
    assert RATES[[0, -1]] == pytest.approx([1e-5, 10])


def test_surfaces_share_one_program():
    traces = []

    def factory(learning_rate):
        traces.append(learning_rate)
        return optax.sgd(learning_rate)

    ticks = []
    surfaces = [SURFACES["sphere"], SURFACES["rosenbrock"]]
    racers = {"mine": factory, "sgd": optax.sgd}
    rate_curves(surfaces, racers, [0.1, 0.2], 3, progress=lambda: ticks.append(1))
    assert (len(traces), len(ticks)) == (1, 2)


def test_runs_that_leave_do_not_win():
    found = rate_curves([TILTED], {"sgd": optax.sgd}, [1e-3, 1e-2, 1.0], 5)
    found = found["tilted"]["sgd"]
    np.testing.assert_array_equal(found.inside, [True, True, False])
    np.testing.assert_array_equal(np.isnan(found.heights), [False, False, True])
    assert found.best == 1


def test_runs_without_a_value_do_not_win():
    found = rate_curves([CLIFF], {"sgd": optax.sgd}, [1e-2, 0.3], 4)["cliff"]["sgd"]
    np.testing.assert_array_equal(found.inside, [True, False])
    assert found.best == 0
    lost = rate_curves([CLIFF], {"sgd": optax.sgd}, [0.3], 4)["cliff"]["sgd"]
    assert (lost.best, lost.working_range) == (None, 0.0)


@pytest.mark.parametrize(
    ("heights", "decades"),
    [
        ([1, 0.5, 0.02, 0.011], 0),
        ([0.0099, 0.009, 0, -1e-6], 3),
        ([1, 0.0099, 1, 1], 1),  # half-way to either neighbour
        ([0, 1, 1, 0], 1),  # half a decade at either end
        ([1, 0, np.nan, 0.001], 1.5),
    ],
)
def test_working_range(heights, decades):
    assert curve(heights).working_range == pytest.approx(decades)


def test_working_range_of_uneven_rates():
    uneven = curve([1, 0, 1], rates=(0.01, 0.1, 10.0))
    assert uneven.working_range == pytest.approx(0.5 + 1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: rate_curves([CLIFF, CLIFF], {"sgd": optax.sgd}),
            "rate_curves: surfaces must have distinct names, got 'cliff' 2 times",
        ),
        (
            lambda: rate_curves([CLIFF], {"sgd": optax.sgd}, [0.1, 0.1]),
            r"rate_curves: rates must ascend, got \[0.1, 0.1\]",
        ),
        (lambda: rate_curves([CLIFF], {"sgd": optax.sgd}, 0.1), "must be a row of"),
        (
            lambda: plot.rate_panel(CURVES, "Mine"),
            "rate_panel: name must be one of Narrow, Wide, got 'Mine'",
        ),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


CURVES = {
    "Narrow": curve([0.8, 1e-3, np.nan, 0.3]),
    "Wide": curve([1e-3, 1e-9, 0.9, np.nan]),
}


def line_of(axes: Any) -> Any:
    return axes.lines[0]


def test_a_panel_shows_its_curve_before_the_others():
    axes = plot.rate_panel(CURVES, "Wide")
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    expected = [(0.01, 1e-3), (0.1, LEAST), (1, 0.9), (10, np.nan)]
    np.testing.assert_allclose(line_of(axes).get_xydata(), expected)
    others, bars = axes.collections
    assert others.get_colors().shape[0] == 1
    (other,) = others.get_paths()
    expected = [(0.01, 0.8), (0.1, 1e-3), (1, np.nan), (10, 0.3)]
    np.testing.assert_allclose(other.vertices, expected)
    threshold, best = axes.lines[1:]
    assert set(threshold.get_ydata()) == {0.01}
    assert best.get_xydata().tolist() == [[0.1, LEAST]]
    spans = [np.ptp(path.vertices[:, 0]) for path in bars.get_paths()]
    np.testing.assert_allclose(spans, np.diff([0.01, 10**-1.5, 10**-0.5]))
    assert axes.get_title(loc="left") == "Wide"
    assert [text.get_text() for text in axes.texts] == ["1.5"]
    assert axes.get_xlabel() == "learning rate"
    assert axes.get_ylabel() == "height above the minimum after 10 steps"


def test_a_panel_on_axes_of_ones_own():
    axes = Figure().add_subplot()
    assert plot.rate_panel(CURVES, "Wide", ax=axes) is axes


def test_the_widest_range_comes_first():
    figure = plot.rates(CURVES)
    titles = [axes.get_title(loc="left") for axes in figure.axes if axes.axison]
    assert titles == ["Wide", "Narrow"]
    heads = [text.get_text() for text in figure.texts]
    assert heads[:2] == [
        "Some place: which learning rates work",
        "10 steps at each of 4 rates",
    ]
    assert plot.rates(CURVES, title="Mine").texts[0].get_text() == "Mine"


def test_nothing_works_and_nothing_ends():
    lost = {"lost": curve([np.nan] * 4), "stuck": curve([1, 1, 1, 1])}
    panels = plot.rates(lost).axes[:2]
    assert [panel.get_title(loc="left") for panel in panels] == ["lost", "stuck"]
    assert [len(panel.lines) for panel in panels] == [2, 3]  # there is no best


def test_no_optimizers():
    figure = plot.rates({})
    assert figure.axes == []
    heads = [text.get_text() for text in figure.texts]
    assert heads == ["Which learning rates work", "no optimizers"]
    figure.draw_without_rendering()


def test_a_single_rate_and_a_single_step():
    alone = {"Alone": curve([0.5], rates=(0.1,), steps=1)}
    (axes,) = plot.rates(alone).axes
    assert line_of(axes).get_xydata().tolist() == [[0.1, 0.5]]
    assert axes.get_xlim() == pytest.approx((0.1 / 3, 0.3))
    label = plot.rate_panel(alone, "Alone").get_ylabel()
    assert label == "height above the minimum after 1 step"
    axes.figure.draw_without_rendering()


def test_a_flat_surface():
    flat = {"Flat": curve([0, 0, 0, 0], span=0.0)}
    axes = plot.rate_panel(flat, "Flat")
    np.testing.assert_allclose(line_of(axes).get_ydata(), LEAST)
    assert axes.get_ylim()[1] > LEAST
    axes.figure.draw_without_rendering()


@pytest.mark.parametrize("count", [1, 8, 27])
@pytest.mark.parametrize("size", [(800, 400), (800, 500), (1600, 1000)])
def test_nothing_overlaps(count, size):
    names = [f"Optimizer number {i}" for i in range(count)]
    figure = plot.rates(dict.fromkeys(names, CURVES["Wide"]), size=size)
    figure.draw_without_rendering()
    assert tuple(figure.canvas.get_width_height()) == size
    title, note = (text.get_window_extent() for text in figure.texts[:2])
    legend = figure.legends[0].get_window_extent()
    panels = [axes.get_tightbbox() for axes in figure.axes if axes.axison]
    labels = figure._supxlabel.get_window_extent()
    assert len(panels) == count
    assert title.x1 < note.x0
    for panel in panels:
        assert panel.y1 <= title.y0
        assert panel.y0 >= labels.y1
        assert panel.x1 <= size[0]
    titles = [axes._left_title.get_window_extent() for axes in figure.axes]
    for place, box in enumerate(titles):
        assert not any(box.overlaps(other) for other in titles[:place])
    assert labels.y0 >= legend.y1
    assert legend.x0 >= 0
    assert legend.x1 <= size[0]


def test_grey_is_enough():
    """The highlighted curve is told from the rest by lightness alone."""
    from matplotlib.colors import to_rgb

    weights = [0.2126, 0.7152, 0.0722]
    axes = plot.rate_panel(CURVES, "Wide")
    own = np.dot(to_rgb(line_of(axes).get_color()), weights)
    assert np.dot(to_rgb(OTHERS), weights) - own > 0.5
    assert np.dot(to_rgb(ACCENT), weights) < 0.3


def test_pyplot_knows_of_no_figure():
    plot.rates(CURVES)
    plot.rate_panel(CURVES, "Wide")
    assert plt.get_fignums() == []
