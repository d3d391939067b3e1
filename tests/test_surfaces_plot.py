"""The pictures of a race, read from the artists rather than from the pixels."""

import io
from typing import Any

import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgba_array
from matplotlib.figure import Figure
from PIL import Image

from surfaces import ROSTER, SURFACES, Minimum, Surface
from surfaces.figures.palette import PALETTE
from surfaces.figures.style import PAPER, QUIET
from surfaces.figures.trail import HEAD, MARKERS, RING, sizes_of_heads
from surfaces.plot import RaceFigure, Track, race
from surfaces.roster import distinct_colours

BOWL = Surface(
    lambda point: (point**2).sum(),
    name="round_bowl",
    minima=[Minimum((0.0, 0.0), 0.0, True)],
)
SMALL = (400, 200)


def track(positions: Any, label: str = "SGD  0.1", colour: str = PALETTE[0]) -> Track:
    positions = np.array(positions, float)
    return Track(label, colour, positions, (positions**2).sum(axis=1))


def spiral(turn: float = 0.3, steps: int = 20) -> Any:
    t = np.arange(steps + 1)
    return (0.9 * 0.9**t * np.stack([np.cos(turn * t), np.sin(turn * t)])).T


@pytest.fixture(scope="module")
def picture() -> RaceFigure:
    return RaceFigure(BOWL, [track(spiral())], SMALL)


def trail_on_map(picture: RaceFigure, index: int = 0) -> Any:
    """The segments [n, 2, 2] of a trail, its casing left out."""
    paths = picture.trails[1][index].line.get_paths()
    pieces = [np.zeros((0, 2, 2))]
    for path in paths[len(paths) // 2 :]:
        ends = np.flatnonzero(path.codes == path.LINETO)
        pieces.append(path.vertices[np.stack([ends - 1, ends], axis=1)])
    return np.concatenate(pieces)


def curve_of(picture: RaceFigure, index: int = 0) -> Any:
    """What has been of a curve: steps and heights [n, 2]."""
    casing, line = picture.heights.past.get_segments()[2 * index : 2 * index + 2]
    np.testing.assert_array_equal(casing, line)
    return line


def legend_of(picture: RaceFigure) -> list[str]:
    return [text.get_text() for text in picture.figure.legends[0].get_texts()]


@pytest.mark.parametrize("step", [0, 1, 7, 20])
def test_trail_is_the_path_up_to_the_step(picture, step):
    path = spiral()
    picture.draw(step)
    expected = np.stack([path[:-1], path[1:]], axis=1)[:step]
    np.testing.assert_allclose(trail_on_map(picture), expected)
    head = picture.trails[1][0].head
    np.testing.assert_allclose(head.get_xydata(), path[step : step + 1])
    assert picture.counter.get_text() == f"step {step} / 20"


def test_trail_on_the_terrain_is_the_same_seen_from_the_south_east():
    corners = [(1, -1), (-1, 1), (-1, -1), (1, 1), (0, 0)]
    picture = RaceFigure(BOWL, [track(corners)], SMALL)
    front, back, left, right, bottom = picture.trails[0][0].heads
    assert front[1] < left[1] < back[1]
    assert left[0] < front[0] < right[0]
    # The four corners are equally high, and the bottom of the bowl is below them.
    np.testing.assert_allclose(front + back, left + right)
    assert bottom[1] < (front + back)[1] / 2
    assert bottom[0] == pytest.approx((front + back)[0] / 2)


def test_trail_thins_with_age(picture):
    picture.draw(20)
    widths = np.array(picture.trails[1][0].line.get_linewidths())
    casing, colour = np.split(widths, 2)
    assert (np.diff(colour) > 0).all()
    assert (casing > colour).all()


def test_trail_fades_with_age_but_does_not_go():
    picture = RaceFigure(BOWL, [track(spiral(steps=60))], SMALL)
    picture.draw(60)
    casing, colour = np.split(picture.trails[1][0].line.get_edgecolor()[:, 3], 2)
    assert colour[0] < colour[-1] == 1
    assert (casing < colour).all()
    assert colour[0] >= 0.5


def test_curves_are_heights_above_the_minimum_so_far(picture):
    values = (spiral() ** 2).sum(axis=1)
    for step in (0, 7, 20):
        picture.draw(step)
        expected = np.stack([np.arange(21), values], axis=1)[: step + 1]
        np.testing.assert_allclose(curve_of(picture), expected)
        assert list(picture.heights.cursor.get_xdata()) == [step, step]
    coming = picture.figure.axes[3].lines[0]
    np.testing.assert_allclose(coming.get_ydata(), values)
    assert coming.get_alpha() < 0.5


def test_heights_below_a_millionth_are_shown_as_that():
    path = track(np.zeros((3, 2)))._replace(values=np.array([0.1, 1e-9, -1e-4]))
    picture = RaceFigure(BOWL, [path], SMALL)
    picture.draw(2)
    np.testing.assert_allclose(curve_of(picture)[:, 1], [0.1, 1e-6, 1e-6])


def test_curves_have_the_colours_of_their_racers_on_their_casings():
    tracks = [track(spiral(0.1 * i), f"number {i}", c) for i, c in enumerate(PALETTE)]
    colours = RaceFigure(BOWL, tracks, SMALL).heights.past.get_edgecolor()
    np.testing.assert_array_equal(colours[1::2], to_rgba_array(PALETTE))
    assert {to_hex(c) for c in colours[::2]} == {QUIET, PAPER}


@pytest.mark.parametrize("step", [-1, 21, 2.5])
def test_a_step_that_is_none_is_refused(picture, step):
    with pytest.raises(ValueError, match=f"step must be from 0 to 20, got {step}"):
        picture.draw(step)


@pytest.mark.parametrize("size", [(200, 100), (300, 150), (1200, 600)])
def test_there_is_room_for_many_names(size):
    tracks = [track(spiral(), f"Lookahead(AdamW), lr 0.0001, {i}") for i in range(27)]
    figure = RaceFigure(BOWL, tracks, size).figure
    (legend,) = figure.legends
    names = legend.get_window_extent()
    assert names.width < size[0]
    assert len(legend.get_texts()) == 27
    for axes in figure.axes:
        box = axes.get_window_extent()
        assert box.height > size[1] / 5
        assert box.y0 >= names.y1 - 0.5


def test_curves_end_in_the_shapes_of_their_racers():
    short, long = spiral(steps=4), spiral(steps=9)
    lost = track(long)._replace(values=np.full(10, np.nan))
    picture = RaceFigure(BOWL, [track(long), track(short), lost], SMALL)
    shapes = [trail.marker for trail in picture.trails[0]]
    assert [head.get_marker() for head in picture.heights.heads] == shapes
    picture.draw(7)
    places = [head.get_xydata() for head in picture.heights.heads]
    np.testing.assert_allclose(places[0], [[7, (long[7] ** 2).sum()]])
    np.testing.assert_allclose(places[1], [[4, (short[4] ** 2).sum()]])
    assert len(places[2]) == 0


def test_the_scale_of_the_curves_is_that_of_the_colours(picture):
    _, plan, bar, curve = picture.figure.axes
    assert bar.get_yscale() == curve.get_yscale() == "log"
    assert bar.get_ylim() == curve.get_ylim()
    (colours,) = bar.collections
    assert colours.norm is plan.images[0].norm
    heights = colours.get_array()[:, 0]
    low, high = bar.get_ylim()
    assert low < heights[0] < 1.2 * low
    assert high == pytest.approx(heights[-1])


def test_a_height_outside_the_window_does_not_stretch_the_scale(picture):
    far = track([(0.9, 0.0), (1e6, 0.0), (0.9, 0.0)])
    other = RaceFigure(BOWL, [far, track(spiral())], SMALL)
    assert other.figure.axes[3].get_ylim() == picture.figure.axes[3].get_ylim()


def test_colours_markers_and_labels():
    tracks = [track(spiral(0.1 * i), f"number {i}", c) for i, c in enumerate(PALETTE)]
    picture = RaceFigure(BOWL, tracks, SMALL)
    assert legend_of(picture) == [f"number {i}" for i in range(len(PALETTE))]
    picture.draw(3)  # at the start all heads are rings around each other
    for i, trail in enumerate(picture.trails[1]):
        assert trail.head.get_color() == PALETTE[i]
        assert trail.marker == MARKERS[i]
    assert len(set(PALETTE)) == len(PALETTE) >= 8


def test_heads_at_one_place_become_rings():
    tracks = [track(np.zeros((2, 2))), track(np.zeros((2, 2))), track(np.ones((2, 2)))]
    first, second, apart = (t.head for t in RaceFigure(BOWL, tracks, SMALL).trails[1])
    assert first.get_markersize() > second.get_markersize() == apart.get_markersize()
    assert first.get_marker() == "o"


def test_heads_at_one_place_are_all_seen():
    tracks = [track(np.zeros((2, 2)), colour, colour) for colour in PALETTE[:8]]
    for panel in RaceFigure(BOWL, tracks, SMALL).trails:
        sizes = [trail.head.get_markersize() for trail in panel]
        assert (np.diff(sizes) < -2).all()


def test_no_head_hides_under_another():
    spots = np.random.default_rng(0).normal(scale=6, size=(200, 9, 2))
    for row in spots:
        radii = sizes_of_heads(row) / 2
        gaps = np.linalg.norm(row[:, None] - row, axis=-1)
        seen = gaps + radii[:, None] - radii  # of the one, beyond the other
        assert seen[np.triu_indices(9, 1)].min() > RING - 1e-9
    far = np.array([[0.0, 0.0], [100.0, 0.0], [np.nan, np.nan]])
    np.testing.assert_array_equal(sizes_of_heads(far), [HEAD, HEAD, HEAD])
    assert sizes_of_heads(np.zeros((0, 2))).shape == (0,)


def test_path_is_cut_where_it_crosses_the_edge():
    away = [(0, 0), (0.5, 0.5), (1.5, 0.5), (2, 0), (0, 0), (0, -3)]
    picture = RaceFigure(BOWL, [track(away)], SMALL)
    picture.draw(5)
    expected = [
        [(0, 0), (0.5, 0.5)],
        [(0.5, 0.5), (1, 0.5)],  # leaves
        [(1, 0), (0, 0)],  # is back, after a step outside
        [(0, 0), (0, -1)],
    ]
    np.testing.assert_allclose(trail_on_map(picture), expected, atol=1e-15)
    assert legend_of(picture) == ["SGD  0.1  ·  leaves the window"]
    np.testing.assert_allclose(picture.trails[1][0].head.get_xydata(), [(0, -1)])
    assert picture.trails[1][0].head.get_markeredgecolor() == PALETTE[0]


def test_path_across_the_window_between_two_points_outside():
    picture = RaceFigure(BOWL, [track([(-3, 0.5), (3, 0.5), (3, 3)])], SMALL)
    picture.draw(2)
    np.testing.assert_allclose(trail_on_map(picture), [[(-1, 0.5), (1, 0.5)]])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_path_ends_before_the_first_step_that_is_not_finite(bad):
    path = spiral()
    path[8] = bad
    picture = RaceFigure(BOWL, [track(path)], SMALL)
    assert legend_of(picture) == ["SGD  0.1  ·  NaN at step 8"]
    head = picture.trails[1][0].head
    picture.draw(7)
    assert head.get_marker() == MARKERS[0]
    picture.draw(8)
    assert head.get_marker() == "X"
    picture.draw(20)
    np.testing.assert_allclose(head.get_xydata(), path[7:8])
    assert len(trail_on_map(picture)) == 7
    np.testing.assert_array_equal(curve_of(picture)[:, 0], np.arange(8))


def test_nothing_but_nan():
    picture = RaceFigure(BOWL, [track(np.full((5, 2), np.nan))], SMALL)
    picture.draw(4)
    assert legend_of(picture) == ["SGD  0.1  ·  NaN at step 0"]
    assert picture.steps == 4
    assert len(curve_of(picture)) == 0


def test_shorter_path_waits_at_its_end():
    picture = RaceFigure(BOWL, [track(spiral(steps=5)), track(spiral())], SMALL)
    picture.draw(20)
    assert picture.steps == 20
    assert len(trail_on_map(picture)) == 5
    assert (len(curve_of(picture, 0)), len(curve_of(picture, 1))) == (6, 21)


def test_no_tracks():
    figure = race(BOWL, [], size=SMALL)
    assert figure.texts[-1].get_text() == "step 0 / 0"


@pytest.mark.parametrize("steps", [0, 1])
def test_shortest_races(steps):
    picture = RaceFigure(BOWL, [track(spiral(steps=steps))], SMALL)
    picture.draw(steps)
    assert len(trail_on_map(picture)) == steps
    assert len(curve_of(picture)) == steps + 1
    assert picture.figure.axes[3].get_xlim() == (0, 1)


def test_whole_roster():
    tracks = [
        track(spiral(0.1 * i), racer.label, colour)
        for i, (racer, colour) in enumerate(
            zip(ROSTER.values(), distinct_colours(ROSTER.values()), strict=True)
        )
    ]
    picture = RaceFigure(BOWL, tracks, (1200, 600))
    picture.draw(20)
    assert len(legend_of(picture)) == len(picture.trails[0]) == len(ROSTER)
    assert picture.figure.axes[1].get_window_extent().height > 100


def test_surface_with_holes_and_another_window():
    surface = Surface(
        lambda point: jnp.sqrt(point[0] - 2) + 0.01 * point[1] ** 2,
        name="root",
        bounds=((1.5, 6), (-5, 15)),
        minima=[Minimum((2.0, 0.0), 0.0, False)],
    )
    picture = RaceFigure(surface, [track([(5, 10), (3, 0), (2, 0)])], SMALL)
    picture.draw(2)
    plan = picture.figure.axes[1]
    assert (plan.get_xlim(), plan.get_ylim()) == ((1.5, 6), (-5, 15))
    assert np.ma.count_masked(plan.images[0].get_array()) > 0


def test_constant_surface():
    flat = Surface(lambda point: 0 * point[0], name="flat", minima=[])
    race(flat, [track(spiral())], size=SMALL)


def test_surface_without_a_number():
    nowhere = Surface(lambda point: jnp.nan * point[0], name="nowhere", minima=[])
    message = (
        r"surface must have finite values in its window, got none on Surface\('now"
    )
    with pytest.raises(ValueError, match="RaceFigure: " + message):
        race(nowhere, [track(spiral())], size=SMALL)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (
            track(spiral(), colour="bleu"),
            "colour must be one that Matplotlib knows, got 'bleu' for 'SGD  0.1'",
        ),
        (
            track(spiral())._replace(values=np.zeros(3)),
            r"\[steps \+ 1\], got \[21, 2\]"
            r" and \[3\] for 'SGD  0.1'",
        ),
        (track(spiral())._replace(positions=np.zeros(21)), r"got \[21\] and \[21\]"),
        (track(np.zeros((0, 2))), r"got \[0, 2\] and \[0\]"),
    ],
)
def test_tracks_that_cannot_be_drawn(bad, message):
    with pytest.raises(ValueError, match=f"Track: .*{message}"):
        RaceFigure(BOWL, [bad], SMALL)


@pytest.mark.parametrize("size", [(300, 150), (333, 444), (1201, 601)])
def test_size_in_pixels(size):
    frame = RaceFigure(BOWL, [track(spiral())], size).frame(3)
    assert frame.shape == (size[1], size[0], 4)
    assert frame.dtype == np.uint8


@pytest.mark.parametrize("size", [(300, 150), (600, 300), (1200, 600), (2000, 1000)])
def test_nothing_overlaps(size):
    labels = ["AdaDerivative  0.032", "Lookahead  0.0032"] * 4
    tracks = [track(spiral(), label, PALETTE[i]) for i, label in enumerate(labels)]
    figure = race(SURFACES["rastrigin"], tracks, size=size)
    relief, plan, bar, curve = (axes.get_tightbbox() for axes in figure.axes)
    legend = figure.legends[0].get_window_extent()
    title, counter = (text.get_window_extent() for text in figure.texts)
    columns = [(counter, plan), (plan, legend), (counter, curve), (curve, legend)]
    for upper, lower in [(title, relief), *columns]:
        assert upper.y0 >= lower.y1 - 1
    for left, right in [(title, counter), (relief, plan), (plan, bar), (bar, curve)]:
        assert left.x1 <= right.x0 + 1
    for box in (relief, plan, bar, curve, legend, title, counter):
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= size[0]
        assert box.y1 <= size[1]


@pytest.mark.parametrize("size", [(500, 500), (400, 700)])
def test_where_a_picture_is_not_wide_the_terrain_is_above_the_others(size):
    figure = race(SURFACES["rastrigin"], [track(spiral())], size=size)
    relief, plan, bar, curve = (axes.get_tightbbox() for axes in figure.axes)
    legend = figure.legends[0].get_window_extent()
    for below in (plan, bar, curve):
        assert relief.y0 >= below.y1 - 1
        assert below.y0 >= legend.y1 - 1
    assert plan.x1 <= bar.x0 + 1
    assert bar.x1 <= curve.x0 + 1
    assert curve.x1 <= size[0]


def test_a_step_changes_only_what_moves(picture):
    before, after = picture.frame(0), picture.frame(20)
    changed = (before != after).any(axis=-1)
    assert 0 < changed.mean() < 0.05
    np.testing.assert_array_equal(picture.frame(0), before)


def test_a_step_looks_as_if_all_were_drawn_anew():
    # Leaves and comes back, so that every kind of artist is in the picture.
    wide = track([(0.9, 0.9), (1.5, 0), (-0.5, -0.5), (0, 0)])
    picture = RaceFigure(BOWL, [wide, track(spiral())], SMALL)
    picture.frame(20)
    quick = picture.frame(2)
    picture.canvas.draw()
    np.testing.assert_array_equal(quick, np.array(picture.canvas.buffer_rgba()))


def test_saved_picture_is_the_frame(picture):
    frame = picture.frame(20)
    file = io.BytesIO()
    picture.figure.savefig(file, format="png")
    np.testing.assert_array_equal(np.array(Image.open(file)), frame)
    picture.figure.savefig(io.BytesIO(), format="png", dpi=30)
    np.testing.assert_array_equal(picture.frame(20), frame)


def test_race_is_the_last_step_unless_told():
    tracks = [track(spiral())]
    figure = race(BOWL, tracks, size=SMALL, title="A bowl")
    assert isinstance(figure, Figure)
    assert [text.get_text() for text in figure.texts] == ["A bowl", "step 20 / 20"]
    figure = race(BOWL, tracks, size=SMALL, step=4)
    assert [text.get_text() for text in figure.texts] == ["Round bowl", "step 4 / 20"]


def test_pyplot_knows_of_no_figure():
    race(BOWL, [track(spiral())], size=SMALL)
    assert plt.get_fignums() == []
