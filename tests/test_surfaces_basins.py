"""Basins of attraction: where paths end, at which rate they settle, their picture."""

import colorsys
from typing import Any

import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax
import pytest
from matplotlib.figure import Figure

from surfaces import (
    ROSTER,
    SURFACES,
    Basins,
    Minimum,
    Surface,
    basins,
    descend,
    plot,
    settling_rates,
)
from surfaces.attraction import RATES

EPS = np.finfo(np.float32).eps
# Pits at x = -0.5 and x = 0.5, the right one deeper and kinked.
PITS = Surface(
    lambda p: jnp.minimum(
        jnp.abs(p[0] - 0.5) + p[1] ** 2, jnp.abs(p[0] + 0.5) + p[1] ** 2 + 0.1
    ),
    name="two_pits",
    minima=[Minimum((-0.5, 0.0), 0.1, False), Minimum((0.5, 0.0), 0.0, False)],
)
BOWL = Surface(
    lambda p: (p**2).sum(),
    name="bowl",
    bounds=((-1, 3), (-2, 1)),
    minima=[Minimum((0.0, 0.0), 0.0, True)],
)


def test_ends_are_those_of_single_descents():
    optimizer, surface = optax.adam(0.05), SURFACES["custom2"]
    found = basins(optimizer, surface, resolution=4, steps=12)
    places = [-0.75, -0.25, 0.25, 0.75]
    minima = np.array([m.position for m in surface.minima])
    np.testing.assert_array_equal(found.minima, minima)
    for row, y in enumerate(places):
        for column, x in enumerate(places):
            path = descend(optimizer, surface, 12, start=(x, y))
            end = np.asarray(path.positions[-1])
            np.testing.assert_allclose(
                found.positions[row, column], end, atol=1e3 * EPS
            )
            np.testing.assert_allclose(
                found.values[row, column], path.values[-1], atol=1e3 * EPS
            )
            distances = np.linalg.norm(minima - end, axis=1)
            nearest = int(distances.argmin())
            settled = distances[nearest] <= surface.reach
            assert found.reached[row, column] == (nearest if settled else -1)
            target = minima[nearest] if settled else end
            mean = np.asarray(path.positions)[:-1].mean(axis=0)
            remoteness = np.linalg.norm(mean - target)
            np.testing.assert_allclose(
                found.remoteness[row, column], remoteness, atol=1e3 * EPS
            )


def test_rows_are_y_and_columns_are_x():
    found = basins(optax.sgd(1e-9), BOWL, resolution=3, steps=1)
    np.testing.assert_allclose(found.positions[0, :, 1], -1.5)
    np.testing.assert_allclose(found.positions[:, 2, 0], 3 - 2 / 3, rtol=1e-6)
    np.testing.assert_array_equal(found.bounds, BOWL.bounds)


def test_each_pit_has_its_side():
    found = basins(optax.sgd(0.05), PITS, resolution=10, steps=60)
    assert set(found.reached[:, 7:].ravel()) == {0}  # the deeper one comes first
    assert set(found.reached[:, :2].ravel()) == {1}
    np.testing.assert_array_equal(found.depths, [0.0, 0.1])


def test_what_does_not_settle_is_at_none():
    far = basins(optax.sgd(1e-9), BOWL, resolution=5, steps=1)
    assert set(far.reached.ravel()) == {-1}
    np.testing.assert_allclose(far.remoteness, 0, atol=1e-6)
    lost = basins(optax.sgd(1e30), BOWL, resolution=2, steps=3)
    assert not np.isfinite(lost.values).any()
    assert set(lost.reached.ravel()) == {-1}


def test_surface_without_minima():
    tilted = Surface(lambda p: p[0], name="tilted", minima=())
    found = basins(optax.sgd(0.1), tilted, resolution=2, steps=4)
    assert set(found.reached.ravel()) == {-1}
    # The path goes 0.4 to the left; its mean before each step is 0.25 from the end.
    np.testing.assert_allclose(found.remoteness, 0.25, rtol=1e-5)
    assert found.minima.shape == (0, 2)
    plot.basin_panel(found)


def test_settling_rates_are_where_sgd_settles():
    """On p² gradient descent needs a rate below 1, and steps enough above 0."""
    rates = settling_rates(optax.sgd, [BOWL, SURFACES["rastrigin"]], steps=60)
    assert list(rates) == ["bowl", "rastrigin"]
    assert 0.03 < rates["bowl"] < 0.8
    assert rates["rastrigin"] < 0.03  # its pits are steep
    assert set(rates.values()) <= set(RATES)


def test_settling_rates_of_a_racer_that_paces_itself():
    rates = settling_rates(ROSTER["heun"], [BOWL], steps=31, rates=[1e-6, 0.3, 1e6])
    assert rates == {"bowl": 0.3}


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: basins(0.1, BOWL), TypeError, "basins: optimizer must be a Gradient"),
        (lambda: basins(optax.sgd(1.0), abs), TypeError, "basins: surface must be a"),
        (
            lambda: basins(optax.sgd(1.0), BOWL, resolution=0),
            ValueError,
            "basins: resolution must be at least 1, got 0",
        ),
        (
            lambda: basins(optax.sgd(1.0), BOWL, steps=0),
            ValueError,
            "basins: steps must be an integer from 1, got 0",
        ),
        (
            lambda: settling_rates(optax.sgd, [BOWL, BOWL]),
            ValueError,
            "settling_rates: surfaces must have distinct names, got 'bowl' 2 times",
        ),
        (
            lambda: settling_rates(optax.sgd, [BOWL], rates=[0.0]),
            ValueError,
            "settling_rates: rates must be a row of positive finite numbers",
        ),
        (
            lambda: plot.basin_panel(made([[0]]), supersample=2),
            ValueError,
            "basin_panel: supersample must divide the 1 cells along a side, got 2",
        ),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()


def made(reached: Any, remoteness: Any = None, minima: Any = ((0.5, 0.0),)) -> Basins:
    """Basins as drawn, of a window from (0, -1) to (1, 1)."""
    reached = np.array(reached)
    minima = np.array(minima, float).reshape(-1, 2)
    return Basins(
        surface="some_place",
        steps=20,
        bounds=np.array([(0, 1), (-1, 1)]),
        minima=minima,
        depths=np.arange(len(minima), dtype=float),
        reached=reached,
        remoteness=np.zeros(reached.shape) if remoteness is None else remoteness,
    )


def colours(axes: Any) -> Any:
    (image,) = axes.images
    return np.asarray(image.get_array())


def test_each_minimum_has_its_colour_and_none_is_grey():
    shown = colours(plot.basin_panel(made([[0, 1], [2, -1]])))
    hues = [colorsys.rgb_to_hsv(*shown[place])[0] for place in ((0, 0), (0, 1), (1, 0))]
    assert np.diff(sorted([*hues, 1 + min(hues)])).min() > 0.1
    assert np.ptp(shown[1, 1]) < 1e-6
    assert min(np.ptp(shown[place]) for place in ((0, 0), (0, 1), (1, 0))) > 0.2


def test_darker_by_rank_within_a_basin():
    remoteness = np.array([[0.1, 0.2, 30.0], [0.02, 7e-4, np.nan], [0, 1, 2]])
    reached = [[0, 0, 0], [1, 1, 1], [2, 2, 2]]
    shown = colours(plot.basin_panel(made(reached, remoteness)))
    lightness = shown @ [0.2126, 0.7152, 0.0722]
    assert lightness[0, 0] > lightness[0, 1] > lightness[0, 2]
    assert lightness[1, 1] > lightness[1, 0] > lightness[1, 2]
    # The scales differ by decades, the ranks do not.
    middle = (lightness[0, 1], lightness[1, 0])
    assert abs(middle[0] - middle[1]) < 0.2


def test_supersampling_is_the_mean_of_the_light():
    even = made(np.zeros((4, 4), int))
    once = colours(plot.basin_panel(even))
    np.testing.assert_array_equal(
        colours(plot.basin_panel(even, supersample=2)), once[::2, ::2]
    )
    mixed = made([[0, 1], [1, 0]])
    (two,) = colours(plot.basin_panel(mixed, supersample=2))
    parts = colours(plot.basin_panel(mixed)).reshape(4, 3)
    linear = np.where(
        parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4
    ).mean(axis=0)
    encoded = np.where(
        linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055
    )
    np.testing.assert_allclose(two[0], encoded, atol=1e-6)


def test_lines_part_basins():
    """In grey too; but not where all paths end at one minimum."""
    shown = colours(plot.basin_panel(made(np.repeat([[0] * 3 + [1] * 3], 6, axis=0))))
    lightness = shown @ [0.2126, 0.7152, 0.0722]
    assert (lightness[:, 2] < 0.5 * lightness[:, 1]).all()
    assert np.ptp(lightness[:, :2]) == np.ptp(lightness[:, 3:]) == 0


def test_a_panel_shows_window_and_minima():
    minima = [(0.25, 0.5), (0.75, -0.5), (0.1, 0.1)]
    axes = plot.basin_panel(made([[0, 1], [2, 2]], minima=minima), title="SGD")
    assert tuple(axes.images[0].get_extent()) == (0, 1, -1, 1)
    assert axes.images[0].origin == "lower"
    others, best = axes.lines
    np.testing.assert_allclose(best.get_xydata(), minima[:1])
    np.testing.assert_allclose(others.get_xydata(), minima[1:])
    assert (best.get_marker(), others.get_marker()) == ("*", "o")
    assert axes.get_title(loc="left") == "SGD"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("x", "y")
    own = Figure().add_subplot()
    assert plot.basin_panel(made([[0]]), ax=own) is own


@pytest.mark.parametrize("count", [1, 2, 8])
def test_a_pixel_is_a_pixel_and_nothing_overlaps(count):
    found = {f"Optimizer {i}": made(np.zeros((400, 400), int)) for i in range(count)}
    figure = plot.basins(found, supersample=2)
    figure.draw_without_rendering()
    width, height = figure.canvas.get_width_height()
    title, steps, note = (text.get_window_extent() for text in figure.texts)
    assert title.x1 < steps.x0
    assert note.x1 <= width
    assert [axes.get_title(loc="left") for axes in figure.axes] == list(found)
    for axes in figure.axes:
        np.testing.assert_allclose(axes.bbox.bounds, np.round(axes.bbox.bounds))
        np.testing.assert_allclose(axes.bbox.size, [200, 200])
        box = axes.get_tightbbox()
        assert box.x0 >= 0
        assert box.x1 <= width
        assert box.y1 <= title.y0
        assert box.y0 >= note.y1
    boxes = [axes.get_tightbbox() for axes in figure.axes]
    for place, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:place])
    assert height == figure.get_figheight() * figure.dpi


def test_no_optimizers():
    figure = plot.basins({})
    assert figure.axes == []
    heads = [text.get_text() for text in figure.texts]
    assert heads == ["Where paths end", "no optimizers"]
    figure.draw_without_rendering()


def test_titles():
    heads = [text.get_text() for text in plot.basins({"SGD": made([[0]])}).texts]
    assert heads[:2] == ["Some place: where paths end", "20 steps"]
    figure = plot.basins({"SGD": made([[0]])}, title="Mine")
    assert figure.texts[0].get_text() == "Mine"
    assert plt.get_fignums() == []
