"""Tables of several surfaces: what has run again is renewed, the rest stays."""

import csv
import json

import pytest

from surfaces.__main__ import main
from surfaces.commands import ledger

RACE = ["--optimizers", "sgd", "--steps", "2", "--size", "200x100"]


def records_in(file):
    text = file.read_text()
    if file.suffix == ".json":
        return json.loads(text)
    return list(csv.DictReader(text.splitlines()))


@pytest.mark.parametrize("name", ["table.csv", "table.json"])
def test_rows_of_other_surfaces_stay(name, tmp_path):
    file = tmp_path / name
    for surface, value in [("a", "1"), ("b", "2"), ("a", "3")]:
        ledger.update(file, [{"surface": surface, "value": value}])
    assert records_in(file) == [
        {"surface": "b", "value": "2"},
        {"surface": "a", "value": "3"},
    ]
    ledger.update(file, [{"surface": "c", "other": "4"}])
    assert records_in(file) == [{"surface": "c", "other": "4"}]
    assert ledger.foreign(tmp_path, [name, "absent.csv"]) == []


@pytest.mark.parametrize("name", ["table.csv", "table.json"])
@pytest.mark.parametrize("text", ["mine", "[1, 2]", "{}", "a,b\n1,2\n", ""])
def test_what_is_no_such_table_is_foreign(name, text, tmp_path):
    file = tmp_path / name
    file.write_text(text)
    assert ledger.foreign(tmp_path, [name]) == [name]
    ledger.update(file, [{"surface": "a", "value": "1"}])
    assert records_in(file) == [{"surface": "a", "value": "1"}]


def test_races_add_to_one_table(tmp_path):
    out = ["--out", str(tmp_path)]
    assert main(["race", "sphere", *RACE, "--format", "png", *out]) == 0
    assert main(["race", "spiral", *RACE, "--format", "png", *out]) == 0
    assert main(["race", "sphere", *RACE, "--format", "svg", *out]) == 0
    for name in ("race.csv", "race.json"):
        found = [record["surface"] for record in records_in(tmp_path / name)]
        assert found == ["spiral", "sphere"]
