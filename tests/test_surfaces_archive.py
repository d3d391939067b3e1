"""Records in files: what comes back, and what is no such file."""

from typing import Any, NamedTuple

import numpy as np
import pytest

from surfaces import Basins, GridSearch, RateCurve, archive

CURVE = RateCurve(
    surface="sphere",
    steps=7,
    minimum=-0.5,
    span=2.0,
    rates=np.array([0.1, 1.0]),
    values=np.array([np.nan, 0.25], np.float32),
    inside=np.array([False, True]),
)
SEARCH = GridSearch(
    surface="sphere",
    steps=7,
    minimum=-0.5,
    span=2.0,
    axes={"b2": np.array([0.9]), "b1": np.array([0.5, 0.6, 0.7])},
    values=np.zeros((1, 3)),
    inside=np.ones((1, 3), bool),
    fixed={"learning_rate": 0.25},
)
BASINS = Basins(
    surface="sphere",
    steps=7,
    bounds=np.zeros((2, 2)),
    minima=np.zeros((0, 2)),
    depths=np.zeros(0),
    reached=np.zeros((2, 2), np.int16),
    remoteness=np.zeros((2, 2), np.float16),
)


def equal(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return list(a) == list(b) and all(equal(a[key], b[key]) for key in a)
    if isinstance(a, np.ndarray):
        assert a.dtype == b.dtype
        return np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    return bool(type(a) is type(b) and a == b)


@pytest.mark.parametrize(
    "record",
    [
        CURVE,
        SEARCH,
        SEARCH._replace(fixed={}),
        BASINS,
        BASINS._replace(learning_rate=0.5, values=np.ones((2, 2))),
    ],
)
def test_what_is_saved_comes_back(record, tmp_path):
    records = {"Lookahead(AdamW), lr 0.1": record, "adam": record}
    archive.save(tmp_path / "a.npz", records)
    loaded = archive.load(tmp_path / "a.npz", type(record))
    assert list(loaded) == list(records)
    for name in records:
        for field, before, after in zip(
            record._fields, record, loaded[name], strict=True
        ):
            assert equal(dict(after) if field == "fixed" else after, before), field


def test_no_pickle(tmp_path):
    archive.save(tmp_path / "a.npz", {"adam": SEARCH})
    with np.load(tmp_path / "a.npz", allow_pickle=False) as file:
        assert str(file["record"]) == "GridSearch"
        np.testing.assert_array_equal(file["adam/axes/b1"], [0.5, 0.6, 0.7])


class Other(NamedTuple):
    """A record of something else."""

    surface: str


def foreign(path: Any) -> dict[str, Any]:
    """Ways to write a file that holds no `RateCurve`."""

    def array() -> None:
        with path.open("wb") as file:
            np.save(file, np.ones(3))

    def cut() -> None:
        archive.save(path, {"adam": CURVE})
        path.write_bytes(path.read_bytes()[:-200])

    def flip() -> None:
        archive.save(path, {"adam": CURVE})
        content = bytearray(path.read_bytes())
        content[content.index(b"rates.npy") + 60] ^= 255
        path.write_bytes(content)

    return {
        "nothing": lambda: path.write_bytes(b""),
        "text": lambda: path.write_text("learning_rate,sgd\n"),
        "array": array,
        "arrays": lambda: np.savez(path, a=np.ones(3)),
        "objects": lambda: np.savez(path, record=np.array([{}, {}])),
        "another record": lambda: archive.save(path, {"adam": SEARCH}),
        "unknown record": lambda: archive.save(path, {"adam": Other("sphere")}),
        "no records": lambda: np.savez(path, record="RateCurve"),
        "half a record": lambda: np.savez(
            path, record="RateCurve", **{"adam/surface": "sphere"}
        ),
        "too much": lambda: np.savez(
            path,
            record="RateCurve",
            **{f"a/{field}": value for field, value in CURVE._asdict().items()},
            **{"a/more": 1},
        ),
        "cut": cut,
        "flipped": flip,
    }


@pytest.mark.parametrize("kind", foreign(None))
def test_other_files_are_refused(kind, tmp_path):
    path = tmp_path / "a.npz"
    foreign(path)[kind]()
    with pytest.raises(ValueError, match=r"a\.npz' holds no RateCurve of `surfaces`"):
        archive.load(path, RateCurve)


@pytest.mark.parametrize("record", [CURVE, SEARCH, BASINS])
def test_of_what_kind_records_are(record, tmp_path):
    archive.save(tmp_path / "a.npz", {"adam": record})
    assert archive.kind(tmp_path / "a.npz") == type(record).__name__
    (tmp_path / "a.npz").write_text("text")
    assert archive.kind(tmp_path / "a.npz") is None
