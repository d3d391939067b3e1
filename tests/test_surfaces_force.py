"""What is there stays: `--force` and nothing else overwrites it, in every command."""

from typing import Any

import pytest

from surfaces.__main__ import main
from surfaces.commands import basins, page, race, rates, sweep

SMALL = ["--size", "300x200", "--format", "png", "--format", "svg"]
RUNS = {
    "race": ["sphere", "--optimizers", "sgd", "--steps", "2", *SMALL],
    "rates": ["sphere", "--optimizers", "sgd", "--steps", "2", *SMALL],
    "basins": [
        *["sphere", "--optimizers", "sgd", "--steps", "2", "--learning-rate", "0.1"],
        *["--resolution", "20", *SMALL[2:]],
    ],
    "sweep": [
        *["--surface", "sphere", "--optimizer", "sgd", "--steps", "2", *SMALL],
        *["--axis", "learning_rate=0.1,0.2"],
    ],
}


def contents(folder: Any) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def computes_nothing(monkeypatch):
    for module in (basins, page, race, rates, sweep):
        for name in ("basins", "lattices", "race", "rate_curves", "grid_search"):
            monkeypatch.setattr(module, name, None, raising=False)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Commands to the folders that they have filled."""
    folders = {}
    for command, arguments in RUNS.items():
        folders[command] = tmp_path_factory.mktemp(command)
        assert main([command, *arguments, "--out", str(folders[command])]) == 0
    return folders


def refusal(arguments: list[str], capsys: Any) -> str:
    capsys.readouterr()
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    return str(printed.err)


@pytest.mark.parametrize("command", RUNS)
@pytest.mark.usefixtures("computes_nothing")
def test_each_file_that_is_there_stays(command, written, tmp_path, capsys):
    names = sorted(contents(written[command]))
    assert {name.rpartition(".")[2] for name in names} >= {"csv", "png", "svg"}
    for name in names:
        (tmp_path / name).write_text("mine")
        arguments = [command, *RUNS[command], "--out", str(tmp_path)]
        assert refusal(arguments, capsys) == (
            f"surfaces: {str(tmp_path / name)!r} exists; --force overwrites it.\n"
        )
        assert contents(tmp_path) == {name: b"mine"}
        (tmp_path / name).unlink()


@pytest.mark.parametrize("command", RUNS)
def test_with_force_all_are_overwritten(command, written, tmp_path):
    expected = contents(written[command])
    for name in expected:
        (tmp_path / name).write_text("mine")
    assert main([command, *RUNS[command], "--out", str(tmp_path), "--force"]) == 0
    assert contents(tmp_path) == expected


@pytest.mark.usefixtures("computes_nothing")
def test_many_files_are_one_line(written, capsys):
    arguments = ["rates", *RUNS["rates"], "--out", str(written["rates"])]
    error = refusal(arguments, capsys)
    assert error.endswith(" and 1 more exist; --force overwrites them.\n")


@pytest.mark.usefixtures("computes_nothing")
@pytest.mark.parametrize("command", ["rates", "basins", "sweep"])
def test_pictures_drawn_again_stay_too(command, written, tmp_path, capsys):
    (source,) = written[command].glob("*.npz")
    again = [command, "--from", str(source), "--out", str(tmp_path)]
    assert main(again) == 0
    before = contents(tmp_path)
    assert "exists; --force overwrites it." in refusal(again, capsys)
    assert contents(tmp_path) == before
    assert main([*again, "--force"]) == 0


@pytest.mark.usefixtures("computes_nothing")
def test_the_page_stays(tmp_path, capsys):
    out = tmp_path / "page.html"
    out.write_text("mine")
    assert refusal(["page", "sphere", "--out", str(out)], capsys) == (
        f"surfaces: {str(out)!r} exists; --force overwrites it.\n"
    )
    assert contents(tmp_path) == {"page.html": b"mine"}


@pytest.mark.usefixtures("computes_nothing")
def test_a_folder_in_the_place_of_a_file(tmp_path, capsys):
    (tmp_path / "race.csv").mkdir()
    arguments = ["race", *RUNS["race"], "--out", str(tmp_path), "--force"]
    assert "race.csv' is a folder, and must be a file." in refusal(arguments, capsys)
    assert list(tmp_path.iterdir()) == [tmp_path / "race.csv"]
