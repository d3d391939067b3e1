"""Races, their table and the command line."""

import csv
import json
import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from PIL import Image

from surfaces import ORIGINAL, ROSTER, SURFACES, Racer, Surface, race
from surfaces.__main__ import main
from surfaces.files import replacing
from surfaces.palette import PALETTE
from surfaces.roster import DEFAULT, distinct_colours
from surfaces.table import COLUMNS, to_json

SGD = {"sgd": ROSTER["sgd"]}


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
    assert set(DEFAULT) < set(ROSTER)


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


def test_colours_are_distinct_as_long_as_there_are_any():
    assert len({racer.colour for racer in map(ROSTER.get, DEFAULT)}) == len(DEFAULT)
    racers = [ROSTER["sgd"], ROSTER["lookahead_sgd"], ROSTER["adam_eps"]]
    for count in range(1, len(PALETTE) + 1):
        names = list(ROSTER)[::3][:count]
        colours = distinct_colours([ROSTER[name] for name in names])
        assert len(set(colours)) == len(names)
    assert distinct_colours(racers)[0] == racers[0].colour
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
    cliff = Surface(
        lambda p: jnp.where(p[0] > 0, jnp.nan, -p[0]),
        name="cliff",
        start=(-1.0, 0.0),
        minima=(),
    )
    (result,) = race([cliff], SGD, [0.4], steps=8)["cliff"]
    assert result.outcome == "NaN"
    assert result.nan_at == 3
    assert json.loads(to_json([result]))[0]["value"] is None


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


def test_nothing_half_written(tmp_path):
    place = tmp_path / "a.txt"
    place.write_text("old")

    def fail_halfway():
        with replacing(place) as beside:
            beside.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_halfway()
    assert place.read_text() == "old"
    assert list(tmp_path.iterdir()) == [place]


def test_the_command_leaves_pictures_and_tables(tmp_path, capsys):
    out = tmp_path / "new" / "plots"
    arguments = ["race", "sphere", "spiral", "--optimizers", "sgd,lion", "--steps", "4"]
    assert main([*arguments, "--size", "400x200", "--out", str(out)]) == 0
    assert sorted(path.name for path in out.iterdir()) == [
        "race.csv",
        "race.json",
        "sphere.gif",
        "sphere.png",
        "spiral.gif",
        "spiral.png",
    ]
    with Image.open(out / "sphere.gif") as animation:
        assert animation.size == (400, 200)
        assert animation.n_frames == 5
    with Image.open(out / "spiral.png") as picture:
        assert picture.size == (400, 200)
    rows = list(csv.DictReader((out / "race.csv").read_text().splitlines()))
    assert [(row["surface"], row["optimizer"]) for row in rows] == [
        ("sphere", "sgd"),
        ("sphere", "lion"),
        ("spiral", "sgd"),
        ("spiral", "lion"),
    ]
    assert tuple(rows[0]) == COLUMNS
    assert len(json.loads((out / "race.json").read_text())) == 4
    printed = capsys.readouterr()
    assert "sphere" in printed.out
    assert printed.err == ""  # No bar where there is no terminal.


def test_the_original_race_is_at_its_own_rate(tmp_path):
    arguments = ["race", "sphere", "--preset", "original", "--steps", "2"]
    assert main([*arguments, "--format", "png", "--out", str(tmp_path)]) == 0
    rows = json.loads((tmp_path / "race.json").read_text())
    assert [row["optimizer"] for row in rows] == list(ORIGINAL)
    assert [row["learning_rate"] for row in rows] == pytest.approx([0.1] * 6)
    assert not (tmp_path / "sphere.gif").exists()


def test_list(capsys):
    assert main(["list"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in [*SURFACES, *ROSTER])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["race", "rosenbrok"], "'rosenbrok' is unknown; did you mean 'rosenbrock'?"),
        (["race", "--optimizers", "adabelif"], "did you mean 'adabelief'?"),
        (["race", "--optimizers", "sgd,,lion"], "names separated by commas"),
        (["race", "--preset", "original", "--optimizers", "radam"], "'radam' is"),
        (["race", "--learning-rate", "0"], "'0' must be a positive finite number"),
        (["race", "--learning-rate", "nan"], "'nan' must be a positive finite"),
        (["race", "--learning-rate", "inf"], "'inf' must be a positive finite"),
        (["race", "--learning-rate", "fast"], "'fast' must be a positive finite"),
        (["race", "--steps", "0"], "0 is not in the range"),
        (["race", "--steps", "many"], "'many' is not a valid integer"),
        (["race", "--size", "big"], "'big' must be WIDTHxHEIGHT"),
        (["race", "--size", "0x600"], "'0x600' must be WIDTHxHEIGHT"),
        (["race", "--format", "bmp"], "'bmp' is not one of"),
        (["race", "--out", "/proc/nowhere"], "'/proc/nowhere' must be a folder"),
        (["rase"], "'rase'"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(arguments, message, capsys):
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert message in printed.err


def test_the_module_runs_and_teaches():
    run = subprocess.run(
        [sys.executable, "-W", "error", "-m", "surfaces", "race", "--help"],
        capture_output=True,
        text=True,
        env=os.environ,
        check=True,
    )
    for option in ("--optimizers", "--preset", "--learning-rate", "--steps", "--size"):
        assert option in run.stdout


def test_a_racer_builds_its_optimizer():
    racer = Racer("Mine", "g", "this test", 2026, optax.sgd)
    assert isinstance(racer(0.1), optax.GradientTransformation)
