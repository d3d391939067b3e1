"""Grid searches over any hyperparameter, how axes are spread, and the heat map."""

from typing import Any

import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import optax_extra
from surfaces import (
    ROSTER,
    SURFACES,
    GridSearch,
    Racer,
    Surface,
    descend,
    grid_search,
    plot,
)
from surfaces.figures.spread import spread
from surfaces.figures.style import LEAST, axes_or_new
from surfaces.racer import numbers_of

EPS = np.finfo(np.float32).eps
ROSENBROCK = SURFACES["rosenbrock"]
TILTED = Surface(lambda p: p[0], name="tilted", minima=())


def test_grid_equals_single_descents():
    axes = {"b1": [0.5, 0.9], "learning_rate": [0.003, 0.01, 0.03]}
    found = grid_search(optax_extra.radam, ROSENBROCK, axes, steps=9, threshold=4.5)
    assert found.values.shape == (2, 3)
    for i, j in ((0, 2), (1, 0)):
        rate, b1 = axes["learning_rate"][j], axes["b1"][i]
        path = descend(optax_extra.radam(rate, b1=b1, threshold=4.5), ROSENBROCK, 9)
        # Both are rounded to float32 in the grid; nine steps magnify that.
        np.testing.assert_allclose(found.values[i, j], path.values[-1], atol=1e3 * EPS)
    assert found.fixed == {"threshold": 4.5}
    assert (found.surface, found.steps) == ("rosenbrock", 9)
    assert (found.minimum, found.span) == (ROSENBROCK.minimum, ROSENBROCK.span)
    np.testing.assert_array_equal(found.axes["b1"], [0.5, 0.9])


# Every number that a racer takes, in a racer that takes it.
NUMBERS = {
    "learning_rate": ("sgd", [0.1, 0.3]),
    "b1": ("adam", [0.5, 0.9]),
    "b2": ("adam_warmup", [0.9, 0.999]),
    "eps": ("yogi", [1e-3, 1.0]),
    "eps_root": ("adabelief", [1e-16, 1e-2]),
    "weight_decay": ("lion_cosine", [1e-3, 3.0]),
    "lower": ("adabc", [0.1, 0.5]),
    "upper": ("adabc", [0.5, 2.0]),
    "threshold": ("radam", [4.0, 6.0]),
    "sync_period": ("lookahead_sgd", [2, 3]),
    "slow_step_size": ("ranger", [0.3, 0.9]),
    "momentum": ("momentum", [0.0, 0.9]),
    "initial_accumulator_value": ("adagrad", [0.01, 1.0]),
    "decay": ("rmsprop", [0.5, 0.99]),
    "initial_scale": ("rmsprop", [0.0, 1.0]),
    "hold_steps": ("adam_2k", [1, 4]),
}


def test_all_numbers_of_the_roster_are_tried():
    assert {name for racer in ROSTER.values() for name in racer.hyperparameters} == set(
        NUMBERS
    )


@pytest.mark.parametrize("argument", NUMBERS)
def test_every_number_of_the_roster(argument):
    name, values = NUMBERS[argument]
    fixed = {} if argument == "learning_rate" else {"learning_rate": 0.05}
    found = grid_search(ROSTER[name], ROSENBROCK, {argument: values}, 8, **fixed)
    optimizer = ROSTER[name](steps=8, **{"learning_rate": 0.05, argument: values[1]})
    path = descend(optimizer, ROSENBROCK, 8)
    np.testing.assert_allclose(found.values[1], path.values[-1], atol=1e3 * EPS)
    assert found.values[0] != found.values[1]


def test_amsgrad_is_amsgrad():
    """Built of a partial within a partial, it takes the numbers of both."""
    amsgrad = ROSTER["amsgrad"]
    assert {"b1", "b2", "eps", "eps_root"} <= set(amsgrad.hyperparameters)
    state = amsgrad(0.1, b1=0.5).init(jnp.zeros(2))
    assert state[0].nu_max is not None


@pytest.mark.parametrize(
    ("factory", "numbers"),
    [
        (optax.sgd, ("learning_rate",)),
        (
            lambda rate, size=3.0, flag=True, mask=None: optax.sgd(rate),
            ("rate", "size"),
        ),
        (ROSTER["heun"], ("learning_rate", "weight_decay")),
        (ROSTER["lookahead_sgd"], ("learning_rate", "sync_period", "slow_step_size")),
        (Racer("Mine", "g", "this test", 2026, optax.sgd), ("learning_rate",)),
    ],
)
def test_numbers_of_a_factory(factory, numbers):
    assert numbers_of(factory) == numbers


def test_the_best_ends_in_the_window():
    rates = [1e-3, 1e-2, 1.0]
    found = grid_search(optax.sgd, TILTED, {"learning_rate": rates}, steps=5)
    np.testing.assert_array_equal(found.inside, [True, True, False])
    np.testing.assert_array_equal(np.isnan(found.heights), [False, False, True])
    assert found.best == (1,)
    lost = grid_search(optax.sgd, TILTED, {"learning_rate": [5.0]}, steps=5)
    assert lost.best is None


RATE = {"learning_rate": [0.1]}


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: grid_search(0.1, TILTED, RATE), TypeError, "factory must be a func"),
        (lambda: grid_search(optax.sgd, abs, RATE), TypeError, "surface must be a Sur"),
        (
            lambda: grid_search(optax.sgd, TILTED, RATE, steps=0),
            ValueError,
            "grid_search: steps must be an integer from 1, got 0",
        ),
        (
            lambda: grid_search(optax.sgd, TILTED, {}),
            ValueError,
            "grid_search: axes must name at least one argument, got none",
        ),
        (
            lambda: grid_search(optax_extra.radam, TILTED, {"treshold": [5.0]}),
            ValueError,
            r"numbers that factory takes, learning_rate, b1, .*, got 'treshold'; "
            "did you mean 'threshold'",
        ),
        (
            lambda: grid_search(optax.adam, TILTED, RATE, nesterov=True),
            ValueError,
            "got 'nesterov'",
        ),
        (
            lambda: grid_search(optax.sgd, TILTED, RATE, learning_rate=0.1),
            ValueError,
            "grid_search: axes must not be fixed too, got 'learning_rate'",
        ),
        (
            lambda: grid_search(optax.sgd, TILTED, {"learning_rate": []}),
            ValueError,
            r"axis 'learning_rate' must be a row of finite numbers, got \[\]",
        ),
        (
            lambda: grid_search(optax.sgd, TILTED, {"learning_rate": [[0.1]]}),
            ValueError,
            r"must be a row of finite numbers, got \[\[0.1\]\]",
        ),
        (
            lambda: grid_search(optax.sgd, TILTED, {"learning_rate": [0.1, 1e39]}),
            ValueError,
            r"must be a row of finite numbers, got \[0.1, 1e\+39\]",
        ),
        (
            lambda: grid_search(optax_extra.radam, TILTED, {**RATE, "b2": [0.9, 1.0]}),
            ValueError,
            r"b2 must be in \[0, 1\), got 1.0",
        ),
        (
            lambda: grid_search(
                optax_extra.adabc, TILTED, {**RATE, "lower": [3.0], "upper": [2.0]}
            ),
            ValueError,
            "lower",
        ),
        (
            lambda: plot.heat_map(made({})),
            ValueError,
            "heat_map: search must have one or two hyperparameters, got none",
        ),
        (
            lambda: plot.heat_map(made({"a": [1], "b": [2], "c": [3]})),
            ValueError,
            "must have one or two hyperparameters, got a, b, c",
        ),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    ("values", "edges"),
    [
        ([1, 2, 3], [0.5, 1.5, 2.5, 3.5]),
        ([3, 2, 1], [3.5, 2.5, 1.5, 0.5]),
        ([0.1, 1, 10], 10 ** np.array([-1.5, -0.5, 0.5, 1.5])),
        ([0.9, 0.99, 0.999], 1 - 10 ** -np.array([0.5, 1.5, 2.5, 3.5])),
        (np.float32([0.99, 0.999, 0.9999]), 1 - 10 ** -np.array([1.5, 2.5, 3.5, 4.5])),
    ],
)
def test_evenly_spread_values_are_at_their_own_places(values, edges):
    found = spread(np.array(values))
    np.testing.assert_array_equal(found.places, values)
    # What float32 loses of 1 - 0.9999 is a thousand times what it loses of 0.9999.
    np.testing.assert_allclose(found.edges, edges, rtol=100 * EPS)


@pytest.mark.parametrize("values", [[5, 6, 10, 20], [0.3], [0.1, 1.0], [3, 0, 1]])
def test_other_values_are_a_list(values):
    found = spread(np.array(values))
    np.testing.assert_array_equal(found.places, range(len(values)))
    np.testing.assert_array_equal(found.edges, np.arange(len(values) + 1) - 0.5)


@pytest.mark.parametrize(
    ("values", "scale", "labels"),
    [
        (np.linspace(0, 1, 5), "linear", None),
        (np.geomspace(1e-4, 1, 9), "log", None),
        ([0.9, 0.99, 0.999], "function", ["0.9", "0.99", "0.999"]),
        (1 - np.geomspace(0.1, 0.04, 5), "function", None),
        ([5, 6, 10, 20], "linear", ["5", "6", "10", "20"]),
        (
            np.arange(40.0) ** 2,
            "linear",
            [f"{4 * (i * 4) ** 2 / 4:g}" for i in range(10)],
        ),
    ],
)
def test_scales_and_ticks(values, scale, labels):
    values = np.array(values)
    axes = Figure().add_subplot()
    found = spread(values)
    found.set_scale(axes, "y")
    assert axes.get_yscale() == scale
    assert axes.get_ylim() == pytest.approx((found.edges[0], found.edges[-1]))
    shown = [tick.get_text() for tick in axes.get_yticklabels()]
    if labels is not None:
        assert shown == labels
    assert len(shown) > 2
    axes.figure.draw_without_rendering()


def made(axes: dict[str, Any], values: Any = None, **fields: Any) -> GridSearch:
    rows = {name: np.array(row, float) for name, row in axes.items()}
    if values is None:
        values = np.ones([len(row) for row in rows.values()])
    values = np.array(values, float)
    return GridSearch(
        **{
            "surface": "some_place",
            "steps": 9,
            "minimum": 0.5,
            "span": 1.0,
            "axes": rows,
            "values": values,
            "inside": np.isfinite(values),
            **fields,
        }
    )


MAP = made(
    {"b2": [0.9, 0.99, 0.999], "learning_rate": [0.1, 1, 10, 100]},
    [[1.5, 0.9, 0.7, np.nan], [1.3, 0.5, 0.6, 9e9], [1.4, 0.8, np.inf, 1]],
    inside=np.array([[1, 1, 1, 0], [1, 1, 1, 0], [1, 1, 0, 1]], bool),
)


def test_heat_map_shows_heights_and_hatches_the_rest():
    axes = plot.heat_map(MAP)
    (mesh,) = axes.collections
    shown = mesh.get_array()
    lost = ~MAP.inside
    np.testing.assert_array_equal(np.ma.getmaskarray(shown), lost)
    np.testing.assert_allclose(shown[~lost], np.maximum(MAP.values - 0.5, LEAST)[~lost])
    corners = mesh.get_coordinates()
    np.testing.assert_allclose(corners[0, :, 0], 10 ** np.arange(-1.5, 3))
    np.testing.assert_allclose(corners[:, 0, 1], spread(MAP.axes["b2"]).edges)
    assert axes.patch.get_hatch()
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("learning rate", "b2")
    assert axes.get_title(loc="left") == "Some place"
    (star,) = axes.lines
    assert star.get_xydata().tolist() == [[1, 0.99]]
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert texts == [
        "best: b2 0.99, learning rate 1, height ≤ 1e-06",
        "left the window or diverged",
    ]
    bar = axes.figure.axes[1]
    assert bar.get_ylabel() == "height above the minimum after 9 steps"


def test_lower_is_darker():
    axes = plot.heat_map(MAP)
    (mesh,) = axes.collections
    colours = [mesh.to_rgba(height) for height in (1e-6, 1e-3, 1.0)]
    lightness = np.array(colours)[:, :3] @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(lightness) > 0.2).all()


def test_no_hatch_in_the_legend_where_all_is_well():
    axes = plot.heat_map(made({"b1": [0.1, 0.5], "b2": [0.8, 0.9]}))
    assert len(axes.get_legend().get_texts()) == 1


def test_nothing_ends_in_the_window():
    for rows in ({"b1": [0, 1]}, {"b1": [0, 1], "b2": [1, 2, 4]}):
        lost = made(rows)._replace(
            inside=np.zeros([len(row) for row in rows.values()], bool)
        )
        axes = plot.heat_map(lost)
        assert not any(line.get_marker() == "*" for line in axes.lines)
        (text,) = axes.get_legend().get_texts()
        assert text.get_text() == "left the window or diverged"
        axes.figure.draw_without_rendering()


def test_one_hyperparameter_is_a_line():
    search = made({"eps": [1e-8, 1e-4, 1, 1e4]}, [1.5, 0.5, np.nan, 0.8])
    axes = plot.heat_map(search, title="Mine")
    line, star = axes.lines
    expected = np.array([(1e-8, 1), (1e-4, LEAST), (1, np.nan), (1e4, 0.3)])
    np.testing.assert_allclose(np.ma.filled(line.get_xydata(), np.nan), expected)
    assert star.get_xydata().tolist() == [[1e-4, LEAST]]
    (hatched,) = (patch for patch in axes.patches if patch.get_hatch())
    np.testing.assert_allclose(
        [hatched.get_x(), hatched.get_x() + hatched.get_width()], [1e-2, 1e2]
    )
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert axes.get_ylabel() == "height above the minimum after 9 steps"
    assert axes.get_title(loc="left") == "Mine"


@pytest.mark.parametrize("search", [MAP, made({"b1": [0.5, 0.6, 0.7]})])
@pytest.mark.parametrize("size", [(1000, 700), (800, 400), (400, 300)])
def test_nothing_overlaps(search, size):
    axes = plot.heat_map(search, ax=axes_or_new(None, size))
    figure = axes.figure
    figure.draw_without_rendering()
    legend = axes.get_legend().get_window_extent()
    title = axes._left_title.get_window_extent()
    assert legend.y0 >= axes.bbox.y1
    assert title.y0 >= legend.y1 - 1
    assert legend.x1 <= size[0]
    width, height = figure.canvas.get_width_height()
    for part in figure.axes:
        box = part.get_tightbbox()
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= width
        assert box.y1 <= height


def test_axes_of_ones_own_and_no_pyplot():
    axes = Figure().add_subplot()
    assert plot.heat_map(MAP, ax=axes) is axes
    assert to_hex(axes.patch.get_facecolor()) == "#ffffff"
    assert plt.get_fignums() == []
