"""The command line, what it writes and how it ends."""

import csv
import json
import os
import subprocess
import sys
import textwrap

import pytest
from PIL import Image

from surfaces import ORIGINAL, ROSTER, SURFACES, commands
from surfaces.__main__ import main
from surfaces.commands.table import COLUMNS
from surfaces.files import replacing
from surfaces.plot import RaceFigure


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


def test_a_missing_folder_is_told_by_the_file_that_was_asked_for(tmp_path):
    missing = tmp_path / "missing" / "a.txt"
    with pytest.raises(FileNotFoundError) as caught, replacing(missing):
        pass
    assert caught.value.filename == str(missing)


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
    assert tuple(rows[0]) == (*COLUMNS, "steps", "preset")
    records = json.loads((out / "race.json").read_text())
    assert [record["steps"] for record in records] == [4] * 4
    assert {record["preset"] for record in records} == {"standard"}
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


def test_a_film_and_a_picture_for_papers(tmp_path):
    arguments = ["race", "sphere", "--optimizers", "sgd", "--steps", "3"]
    size = ["--size", "400x200", "--format", "mp4", "--format", "svg"]
    assert main([*arguments, *size, "--out", str(tmp_path)]) == 0
    assert (tmp_path / "sphere.mp4").read_bytes()[4:8] == b"ftyp"
    text = (tmp_path / "sphere.svg").read_text(encoding="utf-8")
    assert text.startswith("<?xml")
    assert "data:image/png" in text  # the terrain
    assert not (tmp_path / "sphere.gif").exists()


def test_without_ffmpeg_it_says_what_to_install(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    monkeypatch.setattr(commands.race, "race", None)  # nothing is computed
    arguments = ["race", "sphere", "--format", "mp4", "--out", str(tmp_path / "a")]
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.err.count("\n") == 1
    assert "pip install 'optax-extra[video]'" in printed.err
    assert list(tmp_path.iterdir()) == []


def test_what_ffmpeg_says_is_one_line(tmp_path, monkeypatch, capsys):
    def fail(*_, **__):
        raise RuntimeError("mp4: ffmpeg failed: no space left")

    monkeypatch.setitem(commands.race.FILMS, "mp4", fail)
    arguments = ["race", "sphere", "--optimizers", "sgd", "--steps", "2"]
    assert main([*arguments, "--format", "mp4", "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        f"surfaces: {tmp_path / 'sphere.mp4'}: mp4: ffmpeg failed: no space left.\n"
    )


def test_list(capsys):
    assert main(["list"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in [*SURFACES, *ROSTER])


RATE = "must be a positive finite number, from 1e-30 to 1e30, or best."
STEPS = "must be a whole number from 1 to 100000."


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["race", "rosenbrok"], "'rosenbrok' is unknown; did you mean 'rosenbrock'?"),
        (["race", "--optimizers", "adabelif"], "did you mean 'adabelief'?"),
        (["race", "--optimizers", "sgd,,lion"], "names separated by commas"),
        (
            ["race", "--preset", "original", "--optimizers", "sgd,radam"],
            "'radam' is none of --preset original, whose settings are fixed for sgd,",
        ),
        (["race", "--preset", "original", "--optimizers", "x"], "'x' is unknown"),
        (["race", "--learning-rate", "0"], "'0' must be a positive finite number"),
        (["race", "--learning-rate", "nan"], "'nan' must be a positive finite"),
        (["race", "--learning-rate", "inf"], "'inf' must be a positive finite"),
        (["race", "--learning-rate", "fast"], "'fast' must be a positive finite"),
        (["race", "--learning-rate", "1e39"], f"'--learning-rate': '1e39' {RATE}"),
        (["race", "--learning-rate", "1e-60"], f"'--learning-rate': '1e-60' {RATE}"),
        (["race", "--optimizers", ""], "'--optimizers': '' must be names separated"),
        (["race", "--steps", "0"], f"'--steps': '0' {STEPS}"),
        (["race", "--steps", "-5"], f"'--steps': '-5' {STEPS}"),
        (["race", "--steps", "1e2"], f"'--steps': '1e2' {STEPS}"),
        (["race", "--steps", "many"], f"'--steps': 'many' {STEPS}"),
        (["race", "--steps", "100001"], f"'--steps': '100001' {STEPS}"),
        (["race", "--size", "big"], "'big' must be WIDTHxHEIGHT"),
        (["race", "--size", "0x600"], "'0x600' must be WIDTHxHEIGHT"),
        (["race", "--format", "bmp"], "'bmp' is not one of"),
        (["race", "--out", "/proc/nowhere"], "'/proc/nowhere' must be a folder"),
        (["rase"], "'rase'"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    arguments, message, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    assert list(tmp_path.iterdir()) == []
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


INTERRUPTED = ["race", "sphere", "spiral", "--optimizers", "sgd", "--steps", "5"]
WHOLE = ["sphere.gif", "sphere.png"]


def frames_until(interrupt):
    """A stand-in for `RaceFigure.frame` that is interrupted in the second GIF."""
    draw, calls = RaceFigure.frame, iter(range(100))

    def frame(self, step):
        if next(calls) == 12:
            interrupt()
        return draw(self, step)

    return frame


def raise_keyboard_interrupt():
    raise KeyboardInterrupt


def test_an_interrupt_leaves_whole_files_alone(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(RaceFigure, "frame", frames_until(raise_keyboard_interrupt))
    assert main([*INTERRUPTED, "--out", str(tmp_path)]) == 130
    assert capsys.readouterr().err.strip() == "surfaces: interrupted"
    assert sorted(path.name for path in tmp_path.iterdir()) == WHOLE


# As in a callback of the garbage collector, where exceptions are ignored.
SCRIPT = """
    import signal, sys
    from test_surfaces_command import RaceFigure, frames_until, main

    def interrupt():
        try:
            signal.raise_signal(signal.SIGINT)
        except BaseException:
            pass

    signal.signal(signal.SIGINT, signal.default_int_handler)
    RaceFigure.frame = frames_until(interrupt)
    sys.exit(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
def test_ctrl_c_ends_the_process_wherever_it_is(tmp_path):
    run = subprocess.run(
        [
            sys.executable,
            "-c",
            textwrap.dedent(SCRIPT),
            *INTERRUPTED,
            "--out",
            tmp_path,
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert (run.returncode, run.stderr) == (130, "surfaces: interrupted\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == WHOLE
