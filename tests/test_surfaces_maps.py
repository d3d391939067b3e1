"""The commands `rates`, `basins` and `sweep`: their files, and how they end."""

import csv
import os
from typing import Any

import numpy as np
import pytest
from PIL import Image

from surfaces import (
    ROSTER,
    SURFACES,
    Basins,
    GridSearch,
    RateCurve,
    archive,
    grid_search,
    rate_curves,
)
from surfaces.__main__ import main
from surfaces.commands import basins, rates, sweep

SWEEP = ["sweep", "--optimizer", "ranger", "--surface", "sphere", "--steps", "4"]
AXES = ["--axis", "sync_period=2,3,5", "--axis", "b1=0.5:0.9:2:lin"]


def table(path: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def names_in(folder: Any) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def numbers(column: list[str]) -> list[float]:
    return [float(entry) if entry else np.nan for entry in column]


def forbid(monkeypatch: Any, module: Any, *functions: str) -> None:
    """Lets nothing be computed any more."""
    for function in functions:
        monkeypatch.setattr(module, function, None)


def assert_drawn_again(command: str, stem: str, out: Any, capsys: Any) -> None:
    """--from makes the picture that is there, and prints what was printed."""
    printed = capsys.readouterr()
    assert printed.err == ""
    again = out / "again"
    assert main([command, "--from", str(out / f"{stem}.npz"), "--out", str(again)]) == 0
    assert names_in(again) == [f"{stem}.png"]
    with Image.open(out / f"{stem}.png") as a, Image.open(again / f"{stem}.png") as b:
        assert np.array_equal(np.asarray(a), np.asarray(b))
    table, _, _ = printed.out.partition("\n\n")
    assert table in capsys.readouterr().out


def test_rates(tmp_path, capsys, monkeypatch):
    out = tmp_path / "new" / "plots"
    arguments = ["--optimizers", "sgd,lion", "--steps", "5", "--out", str(out)]
    assert main(["rates", "sphere", *arguments]) == 0
    assert names_in(out) == [
        "rates.csv",
        "sphere-rates.csv",
        "sphere-rates.npz",
        "sphere-rates.png",
    ]
    racers = {name: ROSTER[name] for name in ("sgd", "lion")}
    expected = rate_curves([SURFACES["sphere"]], racers, steps=5)["sphere"]
    rows = table(out / "sphere-rates.csv")
    columns = {name: numbers([row[name] for row in rows]) for name in rows[0]}
    assert list(columns) == ["learning_rate", *racers]
    curves = archive.load(out / "sphere-rates.npz", RateCurve)
    for name, curve in expected.items():
        np.testing.assert_array_equal(curves[name].values, curve.values)
        np.testing.assert_allclose(columns["learning_rate"], curve.rates)
        np.testing.assert_allclose(columns[name], curve.heights)
    sgd, lion = table(out / "rates.csv")
    assert (sgd["surface"], sgd["optimizer"], lion["optimizer"]) == (
        "sphere",
        "sgd",
        "lion",
    )
    curve = expected["sgd"]
    assert float(sgd["best_rate"]) == curve.rates[curve.best]
    assert float(sgd["working_range"]) == curve.working_range
    assert numbers([sgd["least"], sgd["greatest"]]) == [
        curve.rates[curve.works].min(),
        curve.rates[curve.works].max(),
    ]
    with Image.open(out / "sphere-rates.png") as picture:
        assert picture.size == (1600, 1000)
    forbid(monkeypatch, rates, "rate_curves")
    assert_drawn_again("rates", "sphere-rates", out, capsys)


def test_rates_at_which_nothing_works(tmp_path, capsys):
    assert main(["rates", "spiral", "--optimizers", "sgd", "--steps", "1",
                 "--format", "svg", "--out", str(tmp_path)]) == 0  # fmt: skip
    (row,) = table(tmp_path / "rates.csv")
    assert (row["working_range"], row["least"], row["greatest"]) == ("0.0", "", "")
    assert (tmp_path / "spiral-rates.svg").read_text().startswith("<?xml")
    assert not (tmp_path / "spiral-rates.png").exists()


def test_basins(tmp_path, capsys, monkeypatch):
    arguments = ["--optimizers", "sgd,heun", "--resolution", "20", "--steps", "41"]
    assert main(["basins", "six_hump_camel", *arguments, "--out", str(tmp_path)]) == 0
    stem = "six_hump_camel-basins"
    assert names_in(tmp_path) == [f"{stem}.csv", f"{stem}.npz", f"{stem}.png"]
    panels = archive.load(tmp_path / f"{stem}.npz", Basins)
    assert list(panels) == ["sgd", "heun"]
    assert panels["sgd"].reached.shape == (40, 40)
    assert panels["sgd"].steps == 41
    assert panels["heun"].steps == 40
    rows = table(tmp_path / f"{stem}.csv")
    assert len(rows) == 2 * (6 + 1)
    for name, panel in panels.items():
        own = [row for row in rows if row["optimizer"] == name]
        shares = [float(row["share"]) for row in own]
        expected = [(panel.reached == place).mean() for place in (*range(6), -1)]
        np.testing.assert_allclose(shares, expected)
        assert shares[-1] < 0.1  # the rate is one at which they settle
        assert {float(row["learning_rate"]) for row in own} == {panel.learning_rate}
        np.testing.assert_allclose(
            [numbers([row["x"], row["y"]]) for row in own[:-1]], panel.minima
        )
        assert own[-1]["minimum"] == own[-1]["x"] == ""
    forbid(monkeypatch, basins, "basins", "settling_rates")
    assert_drawn_again("basins", stem, tmp_path, capsys)


def test_basins_at_a_rate_of_ones_own(tmp_path):
    arguments = ["--optimizers", "sgd", "--resolution", "20", "--learning-rate", "1e9"]
    assert main(["basins", "sphere", *arguments, "--out", str(tmp_path)]) == 0
    (panel,) = archive.load(tmp_path / "sphere-basins.npz", Basins).values()
    assert panel.learning_rate == 1e9
    assert set(panel.reached.ravel()) == {-1}  # none settles, and that is a picture


def test_sweep(tmp_path, capsys, monkeypatch):
    rate = ["--learning-rate", "0.3"]
    assert main([*SWEEP, *AXES, *rate, "--out", str(tmp_path)]) == 0
    stem = "sphere-ranger-sync_period-b1"
    assert names_in(tmp_path) == [f"{stem}.csv", f"{stem}.npz", f"{stem}.png"]
    axes = {"sync_period": [2, 3, 5], "b1": [0.5, 0.9]}
    expected = grid_search(
        ROSTER["ranger"], SURFACES["sphere"], axes, 4, learning_rate=0.3
    )
    (found,) = archive.load(tmp_path / f"{stem}.npz", GridSearch).values()
    np.testing.assert_array_equal(found.values, expected.values)
    assert found.fixed == {"learning_rate": 0.3}
    rows = table(tmp_path / f"{stem}.csv")
    assert list(rows[0]) == ["sync_period", "b1", "value", "height", "in_window"]
    points = [(float(row["sync_period"]), float(row["b1"])) for row in rows]
    assert points == [(k, b1) for k in (2, 3, 5) for b1 in (0.5, 0.9)]
    np.testing.assert_allclose(
        numbers([row["value"] for row in rows]), expected.values.ravel()
    )
    forbid(monkeypatch, sweep, "grid_search", "race")
    assert_drawn_again("sweep", stem, tmp_path, capsys)


def test_sweep_at_the_best_rate_and_over_one_axis(tmp_path, capsys):
    assert main([*SWEEP, "--axis", "b2=0.5,0.9,0.99", "--out", str(tmp_path)]) == 0
    assert names_in(tmp_path) == [
        f"sphere-ranger-b2.{suffix}" for suffix in ("csv", "npz", "png")
    ]
    (found,) = archive.load(tmp_path / "sphere-ranger-b2.npz", GridSearch).values()
    curve = rate_curves(
        [SURFACES["sphere"]], {"ranger": ROSTER["ranger"]}, np.logspace(-4, 1, 96), 4
    )["sphere"]["ranger"]
    assert found.fixed["learning_rate"] == pytest.approx(curve.rates[curve.best])


@pytest.mark.parametrize(
    ("axis", "row"),
    [
        ("b1=0:0.9:4:lin", [0, 0.3, 0.6, 0.9]),
        ("eps=1e-8:1e-2:4:log", [1e-8, 1e-6, 1e-4, 1e-2]),
        ("b2=0.9:0.9999:4:log1m", [0.9, 0.99, 0.999, 0.9999]),
        ("sync_period=5,6,10,20", [5, 6, 10, 20]),
        ("weight_decay=0", [0]),
    ],
)
def test_axes(axis, row):
    name, found = sweep.Axis().convert(axis, None, None)
    assert name == axis.partition("=")[0]
    np.testing.assert_allclose(found, row)


FORM = "an axis is NAME=LOW:HIGH:COUNT:lin, log or log1m (in 1 - value), as in"
COUNT = "COUNT must be a whole number from 2 to 10000; an axis is"


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        (["b1"], f"'--axis': 'b1': {FORM}"),
        (["b1="], f"'b1=': {FORM}"),
        (["=1,2"], f"'=1,2': {FORM}"),
        (["b1=0:1"], f"'b1=0:1': {FORM}"),
        (["b1=0:1:5"], f"'b1=0:1:5': {FORM}"),
        (["b1=0:1:5:square"], f"'b1=0:1:5:square': {FORM}"),
        (["b1=0.9:0.1:5:lin"], "LOW must be below HIGH, both finite; an axis is"),
        (["b1=0.9:0.9:5:lin"], "LOW must be below HIGH"),
        (["eps=1:inf:5:lin"], "LOW must be below HIGH, both finite"),
        (["eps=nan:1:5:lin"], "LOW must be below HIGH, both finite"),
        (["eps=low:1:5:lin"], "LOW must be below HIGH, both finite"),
        (["b1=0:0.9:1:lin"], COUNT),
        (["b1=0:0.9:-5:lin"], COUNT),
        (["b1=0:0.9:4.5:lin"], COUNT),
        (["b1=0:0.9:10001:lin"], COUNT),
        (["eps=0:1:5:log"], "log must begin above 0; an axis is"),
        (["b2=0.9:1:5:log1m"], "log1m must end below 1; an axis is"),
        (["b1=0.9,x"], "its values must be finite numbers; an axis is"),
        (["b1=0.9,"], "its values must be finite numbers"),
        (["b1=0.9,nan"], "its values must be finite numbers"),
        (["b1=0.9,0.5,0.9"], "its values must be distinct"),
        (["bb1=0.9,0.5"], "'--axis': 'bb1' is unknown; did you mean 'b1'? Known: lear"),
        (["moving_average=1,2"], "'moving_average' is unknown"),
        (["b1=0.9,0.5", "b1=0.1,0.2"], "--axis: b1 is given more than once."),
        (
            ["b1=0.1,0.2", "b2=0.1,0.2", "eps=1,2"],
            "--axis: a picture has one or two hyperparameters, got 3: b1, b2, eps.",
        ),
        (["b1=0.5,1.5"], "b1 must be in [0, 1), got 1.5."),
        (["b2=0.9,0.99999999999"], "b2 must be in [0, 1), got 1.0."),
        (["eps=1e-3,1e39"], "must be a row of finite numbers"),
        (
            ["b1=0:0.9:5000:lin", "b2=0:0.9:5000:lin"],
            "--axis: 25000000 points are more than 1000000.",
        ),
        (
            ["learning_rate=0.1,1", "--learning-rate", "0.1"],
            "--learning-rate is already an --axis.",
        ),
    ],
)
def test_bad_axes(axes, message, capsys, tmp_path, monkeypatch):
    options = [
        entry
        for axis in axes
        for entry in ([axis] if "=" not in axis and axis != "b1" else ["--axis", axis])
    ]
    assert_refused([*SWEEP, *options], message, capsys, tmp_path, monkeypatch)


SAVED = "rates.npz"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rates", "spher"], "'spher' is unknown; did you mean 'sphere'?"),
        (["rates", "--optimizers", "adabelif"], "did you mean 'adabelief'?"),
        (["rates", "--optimizers", ""], "'--optimizers': '' must be names"),
        (["rates", "--steps", "0"], "'0' must be a whole number from 1 to 100000."),
        (["rates", "--size", "9x9"], "'9x9' must be WIDTHxHEIGHT"),
        (["rates", "--format", "gif"], "'gif' is not one of"),
        (["rates", "--out", ""], "'--out': '' must be a folder, as in plots"),
        (["race", "--out", ""], "'--out': '' must be a folder, as in plots"),
        (["rates", "--out", "/proc/nowhere"], "'/proc/nowhere' must be a folder that"),
        (["rates", "--from", "nowhere.npz"], "'nowhere.npz' does not exist"),
        (["rates", "--from", "."], "'.' is a directory"),
        (["rates", "--from", "text.npz"], "'text.npz' holds no numbers of `rates`."),
        (["basins", "--from", SAVED], "holds the numbers of `rates`, not of `basins`."),
        (["sweep", "--from", SAVED], "holds the numbers of `rates`, not of `sweep`."),
        (
            ["rates", "--from", SAVED, "--steps", "100"],
            "'--steps' says what to compute, and --from computes nothing.",
        ),
        (["rates", "sphere", "--from", SAVED], "'[SURFACE]...' says what to"),
        (["rates", "--from", SAVED, "--out", "/proc/nowhere"], "must be a folder"),
        (["basins", "spher"], "did you mean 'sphere'?"),
        (["basins", "--optimizers", "sgd,adabelif"], "did you mean 'adabelief'?"),
        (["basins", "--resolution", "10"], "'10' must be a whole number from 20 to"),
        (["basins", "--resolution", "1001"], "must be a whole number from 20 to 1000."),
        (["basins", "--learning-rate", "best"], "from 1e-30 to 1e30, or settled."),
        (["basins", "--learning-rate", "-1"], "'-1' must be a positive finite number"),
        (["basins", "--out", "/proc/nowhere"], "must be a folder that can be written"),
        (["sweep"], "Missing option '--optimizer'."),
        (SWEEP[:3], "Missing option '--surface'."),
        (SWEEP, "Missing option '--axis'."),
        (
            ["sweep", "rosenbrock", *SWEEP[1:], *AXES],
            "'rosenbrock' is one too many: --surface names the surface,",
        ),
        (
            ["sweep", "--optimizer", "rangr"],
            "'rangr' is unknown; did you mean 'ranger'",
        ),
        (["sweep", "--surface", "spher"], "did you mean 'sphere'?"),
        ([*SWEEP, *AXES, "--learning-rate", "settled"], "to 1e30, or best."),
        ([*SWEEP, *AXES, "--out", "/proc/nowhere"], "must be a folder that can be wr"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    arguments, message, capsys, tmp_path, monkeypatch
):
    (tmp_path / "text.npz").write_text("text")
    curve = RateCurve("sphere", 1, 0.0, 1.0, np.ones(1), np.ones(1), np.ones(1, bool))
    archive.save(tmp_path / SAVED, {"sgd": curve})
    assert_refused(arguments, message, capsys, tmp_path, monkeypatch)


def assert_refused(
    arguments: list[str], message: str, capsys: Any, folder: Any, monkeypatch: Any
) -> None:
    monkeypatch.chdir(folder)
    for module in (rates, basins, sweep):
        for name in ("rate_curves", "basins", "settling_rates", "grid_search", "race"):
            monkeypatch.setattr(module, name, None, raising=False)
    before = names_in(folder)
    assert main(arguments) == 2
    assert names_in(folder) == before
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert message in printed.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission(tmp_path, capsys):
    tmp_path.chmod(0o500)
    assert main(["rates", "--out", str(tmp_path)]) == 2
    assert "must be a folder that can be written" in capsys.readouterr().err
