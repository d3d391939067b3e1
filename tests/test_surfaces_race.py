"""Races, who takes part, and their table."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from surfaces import ORIGINAL, ROSTER, SURFACES, Minimum, Racer, Surface, race
from surfaces.commands.table import record, to_rich
from surfaces.figures.palette import PALETTE
from surfaces.roster import DEFAULT, distinct_colours

SGD = {"sgd": ROSTER["sgd"]}
CLIFF = Surface(
    lambda p: jnp.where(p[0] > 0, jnp.nan, -p[0]),
    name="cliff",
    start=(-1.0, 0.0),
    minima=(),
)


def test_roster():
    assert list(DEFAULT) == [
        "sgd",
        "adamw",
        "lion",
        "adabelief",
        "adaderivative",
        "adabc",
        "radam",
        "lookahead_adamw",
    ]
    assert list(ORIGINAL) == list(DEFAULT)[:6]
    assert list(DEFAULT) == list(ROSTER)[:8]  # Theirs are the first colours.


@pytest.mark.parametrize("name", ROSTER)
def test_every_racer_can_race(name):
    """All rates of a racer are one program, and the best of them goes downhill."""
    path = race([SURFACES["sphere"]], {name: ROSTER[name]}, steps=30)["sphere"][0].path
    assert path.values[-1] < 0.1 * path.values[0]


def test_floats_of_state_are_measured():
    floats = {name: racer.state_floats for name, racer in ROSTER.items()}
    assert floats["sgd"] == 0
    assert floats["lion"] == floats["heun"] == floats["momentum"] == 1
    assert floats["radam"] == floats["adabelief"] == floats["adam"] == 2
    assert floats["adaderivative"] == floats["ranger"] == floats["amsgrad"] == 3
    assert floats["adabelief_tema"] == 4


def test_racers_that_pace_themselves_know_the_number_of_steps():
    paced = {name: racer for name, racer in ROSTER.items() if racer.paced}
    assert set(paced) == {"adam_2k", "adam_warmup", "lion_cosine"}
    for steps in (10, 40):
        results = race([SURFACES["sphere"]], paced, [0.1], steps)["sphere"]
        held, warmed, cooled = (np.asarray(r.path.positions) for r in results)
        assert np.all(held[steps // 10] == held[0])
        assert np.all(held[steps // 10 + 1] != held[0])
        lengths = np.abs(np.diff(warmed, axis=0))
        assert np.all(lengths[0] < 1.5 * 0.1 / (steps / 5))
        assert np.all(np.abs(np.diff(cooled, axis=0))[-1] < 0.1 * 3 / steps)


def test_heun_makes_half_as_many_steps():
    """Its whole steps land where Heun's method does, at every other gradient."""
    results = race([SURFACES["sphere"]], {"heun": ROSTER["heun"]}, [0.5], steps=6)
    positions = np.asarray(results["sphere"][0].path.positions)
    gradient = jax.grad(SURFACES["sphere"])
    point = jnp.asarray(SURFACES["sphere"].start)
    for landed in positions[2::2]:
        first = gradient(point)
        point = point - 0.25 * (first + gradient(point - 0.5 * first))
        np.testing.assert_allclose(landed, point, rtol=1e-5)


def test_heun_is_judged_at_its_last_whole_step():
    heun, sphere = {"heun": ROSTER["heun"]}, [SURFACES["sphere"]]
    even, odd = (race(sphere, heun, steps=steps)["sphere"][0] for steps in (6, 7))
    assert odd._replace(path=None) == even._replace(path=None)
    assert len(odd.path.values) == 8


def test_colours_are_distinct_as_long_as_there_are_any():
    assert len({racer.colour for racer in map(ROSTER.get, DEFAULT)}) == len(DEFAULT)
    racers = [ROSTER["sgd"], ROSTER["lookahead_sgd"], ROSTER["adam_eps"]]
    for count in range(1, len(PALETTE) + 1):
        names = list(ROSTER)[::3][:count]
        colours = distinct_colours([ROSTER[name] for name in names])
        assert len(set(colours)) == len(names)
    assert distinct_colours(racers)[0] == racers[0].colour
    late = [ROSTER["adam"], ROSTER["lion"]]  # of one colour, which is Lion's
    assert late[0].colour == late[1].colour == distinct_colours(late)[1]
    assert len(distinct_colours(ROSTER.values())) == len(ROSTER)


def test_the_path_is_that_of_the_best_rate():
    rates = [0.01, 0.1, 1.0]
    (result,) = race([SURFACES["sphere"]], SGD, rates, steps=20)["sphere"]
    finals = [
        race([SURFACES["sphere"]], SGD, [rate], steps=20)["sphere"][0].value
        for rate in rates
    ]
    assert result.value == pytest.approx(min(finals), rel=1e-5)
    assert result.learning_rate == pytest.approx(rates[int(np.argmin(finals))])
    assert result.value == result.path.values[-1]


@pytest.mark.parametrize(
    ("surface", "rate", "start", "outcome"),
    [
        ("sphere", 1.0, None, "global minimum"),
        ("rastrigin", 0.03, (0.18, 0.0), "local minimum"),
        ("rosenbrock", 1e-3, None, "on the way"),
        ("sphere", 2.7, None, "left the window"),
    ],
)
def test_outcomes(surface, rate, start, outcome):
    known = SURFACES[surface]
    surface = Surface(
        known.function,
        name=known.name,
        start=start or known.start,
        minima=known.minima,
    )
    (result,) = race([surface], SGD, [rate], steps=60)[surface.name]
    assert result.outcome == outcome
    assert (result.left_at is not None) == (outcome == "left the window")
    assert result.nan_at is None


def test_a_path_that_turns_nan_says_so():
    (result,) = race([CLIFF], SGD, [0.4], steps=8)["cliff"]
    assert result.outcome == "NaN"
    assert result.nan_at == 3
    assert record(result)["value"] is None


def ended(result):
    """The last column of the table."""
    return list(to_rich([result]).columns[-1].cells)


def test_a_path_that_crosses_a_hole_says_where():
    slope = Surface(
        lambda p: jnp.where((p[0] > -0.5) & (p[0] < 0), jnp.nan, 0.0) - p[0],
        name="slope",
        start=(-0.9, 0.0),
        minima=(),
    )
    (crossed,) = race([slope], SGD, [0.3], steps=4)["slope"]
    assert (crossed.outcome, crossed.nan_at) == ("on the way", 2)
    assert ended(crossed) == ["on the way (no number at step 2)"]
    (stuck,) = race([slope], SGD, [0.3], steps=2)["slope"]
    assert ended(stuck) == ["NaN (no number from step 2 on)"]


def test_heights_are_not_negative():
    low = Surface(
        lambda p: p[0] * 0 - 1.0, name="low", minima=[Minimum((0, 0), -0.9, True)]
    )
    (result,) = race([low], SGD, [0.1], steps=1)["low"]
    assert result.value == -1.0
    assert result.height == 0.0
    (lost,) = race([CLIFF], SGD, [0.4], steps=8)["cliff"]
    assert np.isnan(lost.height)


def test_surfaces_of_one_name_are_refused():
    pair = [SURFACES["sphere"], Surface(lambda p: (p**2).sum(), name="sphere")]
    message = "race: surfaces must have distinct names, got 'sphere' 2 times"
    with pytest.raises(ValueError, match=message):
        race(pair, SGD)


def test_a_path_that_overflows_left_the_window_first():
    (result,) = race([SURFACES["rosenbrock"]], SGD, [100.0], steps=60)["rosenbrock"]
    assert result.outcome == "left the window"
    assert result.left_at == 1
    assert result.nan_at > 1


def test_the_edge_of_the_grid_is_marked():
    results = race([SURFACES["rosenbrock"]], SGD, [1e-4, 1e-3, 1e-2], steps=5)
    assert results["rosenbrock"][0].at_edge
    (alone,) = race([SURFACES["rosenbrock"]], SGD, [1e-3], steps=5)["rosenbrock"]
    assert not alone.at_edge


def test_a_racer_builds_its_optimizer():
    racer = Racer("Mine", "g", "this test", 2026, optax.sgd)
    assert isinstance(racer(0.1), optax.GradientTransformation)
