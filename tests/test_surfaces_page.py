"""The page as a file: what is in it, how exactly, and what is refused."""

import base64
import functools
import gzip
import itertools
import json
import re
import sys
from typing import Any

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from surfaces import ROSTER, SURFACES, Lattice, Surface, descend, lattices
from surfaces.__main__ import main
from surfaces.lattice import PLACES
from surfaces.page import Walker, page, plotly_source
from surfaces.page_data import CODING, LENGTHS, OUTSIDE, RASTER, packed

ROSENBROCK, SPHERE = SURFACES["rosenbrock"], SURFACES["sphere"]
RATES = [1e-3, 0.1, 30.0]


def test_a_lattice_holds_the_paths_of_single_descents():
    surfaces = [ROSENBROCK, Surface(lambda p: p @ p, bounds=((0, 4), (-3, 1)))]
    for surface, lattice in zip(
        surfaces, lattices(optax.adam, surfaces, RATES, steps=7), strict=True
    ):
        assert lattice.positions.shape == (3, 9, 9, 8, 2)
        low, high = np.transpose(surface.bounds)
        for rate, row, column in [(0, 0, 0), (1, 8, 2), (2, 3, 5)]:
            start = low + (high - low) * PLACES[[column, row]]
            path = descend(optax.adam(RATES[rate]), surface, steps=7, start=start)
            at = rate, row, column
            eps = np.finfo(np.float32).eps
            np.testing.assert_allclose(
                lattice.positions[at], path.positions, rtol=64 * eps, atol=64 * eps
            )
            np.testing.assert_allclose(
                lattice.values[at], path.values, rtol=1024 * eps, atol=64 * eps
            )


def test_the_best_rate_ends_lowest_in_the_window():
    (lattice,) = lattices(optax.sgd, [SPHERE], [0.1, 1.0, 1e4, 1e30], steps=3)
    assert (lattice.best == 1).all()
    (lost,) = lattices(optax.sgd, [SPHERE], [1e30], steps=3)
    assert (lost.best == -1).all()


def test_two_gradients_a_step_make_whole_steps():
    (lattice,) = lattices(ROSTER["heun"], [SPHERE], [0.1], steps=5)
    np.testing.assert_array_equal(
        lattice.positions[..., 5, :], lattice.positions[..., 4, :]
    )


def unpacked(data: bytes, shape: tuple[int, ...]) -> tuple[Any, list[Any]]:
    """The ground, and of each optimizer points, levels and best, as the page has it."""
    raw = np.frombuffer(gzip.decompress(data), np.uint8).astype(int)

    def unfold(numbers: Any) -> Any:
        return np.where(numbers % 2, -(numbers + 1) // 2, numbers // 2)

    size, count = RASTER**2, int(np.prod(shape))
    low, high, rest = raw[:size], raw[size : 2 * size], raw[2 * size :]
    ground = np.cumsum(unfold(low + 256 * high).reshape(RASTER, RASTER), axis=1)
    starts = np.rint(PLACES * (RASTER - 1)).astype(int)
    walks = []
    for walk in rest.reshape(-1, 3 * count + shape[1] * shape[2]):
        *folded, best = np.split(walk, [count, 2 * count, 3 * count])
        x, y, levels = (part.reshape(shape) for part in folded)
        points = np.empty((*shape, 2), int)
        for axis, numbers in enumerate((x, y)):
            at = starts[None, None, :] if axis == 0 else starts[None, :, None]
            number = unfold(numbers)
            strides = np.sign(number) * np.array(LENGTHS)[np.abs(number)]
            for step in range(shape[-1]):
                at = np.clip(at + strides[..., step], 0, RASTER - 1)
                points[..., step, axis] = at
        foretold = ground[points[..., 1], points[..., 0]] // CODING["fine"]
        levels = np.where(levels < OUTSIDE, unfold(levels) + foretold, levels)
        walks.append((points, levels, best))
    return ground, walks


own = functools.partial(Surface, minima=())  # not searched for


@pytest.mark.parametrize(
    "surface",
    [
        ROSENBROCK,
        SURFACES["custom2"],
        own(lambda p: 1e5 * (p[0] ** 2 + p[1]), "steep", bounds=((-20, 1), (3, 4))),
        own(lambda p: jnp.where(p[0] > 0.3, jnp.nan, p @ p), "holed"),
        own(lambda p: 0 * p[0], "flat"),
    ],
    ids=lambda surface: surface.name,
)
def test_what_is_packed_is_exact_to_the_resolution(surface):
    rates = np.logspace(-3, 1, 5)
    walks = [
        lattices(f, [surface], rates, steps=30)[0] for f in (optax.sgd, optax.lion)
    ]
    shape = walks[0].values.shape
    ground, found = unpacked(packed(surface, walks), shape)
    z = surface.grid(RASTER).z
    np.testing.assert_array_equal(
        ground > CODING["top"] * CODING["fine"], ~np.isfinite(z)
    )

    low, high = np.transpose(surface.bounds)
    for walk, (points, levels, best) in zip(walks, found, strict=True):
        positions = np.asarray(walk.positions, float)
        finite = np.isfinite(positions).all(axis=-1) & np.isfinite(walk.values)
        inside = surface.contains(positions) & finite
        np.testing.assert_array_equal(levels == 255, ~finite)
        np.testing.assert_array_equal(levels < OUTSIDE, inside)

        true = (positions - low) / (high - low) * (RASTER - 1)
        strides = np.abs(np.diff(points, axis=-2, prepend=points[..., :1, :]))
        bound = 0.5 + 1e-3 + np.where(strides >= 16, strides / 15, 0)
        assert (np.abs(points - true) <= bound)[inside].all()

        share = (walk.values[inside] - surface.minimum) / (surface.span or 1)
        level = np.log10(np.clip(share, 1e-6, 1)) * CODING["decade"] + CODING["top"]
        assert (np.abs(levels[inside] - level) <= 0.5 + 1e-3).all()
        np.testing.assert_array_equal(
            best.reshape(9, 9), np.where(walk.best < 0, 255, walk.best)
        )


def test_the_standard_page_would_have_12_megabytes_at_most():
    """In proportion: AdamW's paths on Rosenbrock take about the mean of the page's."""
    (walk,) = lattices(ROSTER["adamw"], [ROSENBROCK])
    ground = len(packed(ROSENBROCK, []))
    paths = len(packed(ROSENBROCK, [walk])) - ground
    plotly = len(gzip.compress(plotly_source().encode()))
    in_base64 = 4 / 3 * (plotly + 3 * ground + 3 * 8 * paths)
    assert in_base64 < 12e6


def path_of(*places: tuple[float, float]) -> Lattice:
    """A lattice of one start and one rate."""
    positions = np.array(places, np.float32)[None, None, None]
    values = np.ones(positions.shape[:-1], np.float32)
    one = np.array([0.5])
    return Lattice(np.array([0.1]), one, positions, values, np.zeros((1, 1), np.int16))


def test_a_path_waits_where_it_left():
    lost = (np.nan, np.nan)
    walk = path_of((0, 0), (4, 2), (-9, 0), (0.5, 0.5), lost, (1, 1), (1, -1), (1, -3))
    raw = np.frombuffer(gzip.decompress(packed(SPHERE, [walk])), np.uint8)
    x, y, levels = raw[2 * RASTER**2 : -1].reshape(3, 8)

    def places(folded: Any, at: int = 200) -> list[float]:
        numbers = np.where(folded % 2, -(folded.astype(int) + 1) // 2, folded // 2)
        strides = np.sign(numbers) * np.array(LENGTHS)[np.abs(numbers)]
        points = itertools.accumulate(strides.tolist(), initial=at)
        return [point / 200 - 1 for point in points][1:]

    # It leaves at (1, 0.5), and comes back from there; no number moves nothing.
    assert places(x) == pytest.approx([0, 1, 1, 0.5, 0.5, 1, 1, 1], abs=0.05)
    assert places(y) == pytest.approx([0, 0.5, 0.5, 0.5, 0.5, 1, -1, -1], abs=0.1)
    assert [level if level >= OUTSIDE else None for level in levels] == [
        None, OUTSIDE, OUTSIDE, None, 255, None, None, OUTSIDE
    ]  # fmt: skip


@pytest.fixture(scope="module")
def small() -> tuple[list[Surface], list[Walker]]:
    surfaces = [ROSENBROCK, SPHERE]
    walks = lattices(optax.sgd, surfaces, RATES, steps=5)
    return surfaces, [Walker("SGD </script>", "#4037ff", walks)]


def test_the_page_is_one_file_that_keeps_to_itself(small):
    surfaces, walkers = small
    text = page(surfaces, walkers, command="a & <b>")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    assert " ".join(policy[1].split()) == (
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
    assert re.findall(r'(?:src|href)="([^"]*)"', text) == ["data:,"]
    assert "$" not in re.sub(r"<(script|style).*?</\1>", "", text, flags=re.DOTALL)
    assert "a &amp; &lt;b&gt;" in text
    assert text.count("</script>") == text.count("<script") == 6
    about = json.loads(re.search(r'id="about">(.*?)</script>', text)[1])
    assert about["optimizers"] == [{"label": "SGD </script>", "colour": "#4037ff"}]
    assert [surface["title"] for surface in about["surfaces"]] == [
        "Rosenbrock",
        "Sphere",
    ]
    starts = np.array(about["starts"]) / (RASTER - 1)
    for shown, surface in zip(about["surfaces"], surfaces, strict=True):
        row, column = divmod(shown["start"], 9)
        assert [2 * starts[column] - 1, 2 * starts[row] - 1] == pytest.approx(
            surface.start, abs=0.12
        )
    plotly = re.search(r'id="plotly">(.*?)</script>', text)[1]
    assert b"plotly.js" in gzip.decompress(base64.b64decode(plotly))[:100]


def test_what_is_no_page_is_refused(small):
    surfaces, walkers = small
    with pytest.raises(ValueError, match="page: surfaces must be at least one"):
        page([], walkers, command="")
    with pytest.raises(ValueError, match="page: walkers must be at least one"):
        page(surfaces, [], command="")
    with pytest.raises(ValueError, match="page: walkers must have 1 lattices each"):
        page(surfaces[:1], walkers, command="")
    nowhere = own(lambda p: jnp.nan * p[0])
    with pytest.raises(ValueError, match="page: surfaces must have finite values"):
        page([nowhere], [Walker("SGD", "#4037ff", walkers[0].lattices[:1])], command="")
    many = walkers[0].lattices[0]._replace(rates=np.ones(256))
    with pytest.raises(ValueError, match="at most 255 rates, got 256"):
        page(surfaces[:1], [Walker("SGD", "#4037ff", [many])], command="")
    for argument, given, message in [
        ([SPHERE, SPHERE], walkers, "distinct names, got 'sphere' 2 times"),
        (surfaces, walkers * 2, "distinct labels, got 'SGD </script>' 2 times"),
    ]:
        with pytest.raises(ValueError, match=f"page: .* must have {message}"):
            page(argument, given, command="")
    first = walkers[0].lattices[0]
    for other, message in [
        (first._replace(rates=first.rates * 2), "the same rates, got"),
        (first._replace(places=first.places / 2), "the same places, got"),
    ]:
        pair = [Walker("a", "red", [first]), Walker("b", "blue", [other])]
        with pytest.raises(ValueError, match=f"page: lattices must have {message}"):
            page(surfaces[:1], pair, command="")
    falling = [Walker("a", "red", [first._replace(rates=first.rates[::-1])])]
    with pytest.raises(ValueError, match="page: lattices must have ascending rates"):
        page(surfaces[:1], falling, command="")
    with pytest.raises(ValueError, match="lattices: places must be a row of shares"):
        lattices(optax.sgd, [SPHERE], RATES, places=[0.5, 1.5])


def test_the_command_leaves_a_page(tmp_path, capsys):
    out = tmp_path / "mine.html"
    arguments = ["page", "sphere", "--optimizers", "sgd", "--steps", "2"]
    assert main([*arguments, "--out", str(out)]) == 0
    assert list(tmp_path.iterdir()) == [out]
    text = out.read_text(encoding="utf-8")
    command = "python -m surfaces page sphere --optimizers sgd --steps 2"
    assert f"<code>{command}</code>" in text
    assert "MB" in capsys.readouterr().out

    assert main([*arguments, "--out", str(out)]) == 2
    assert f"{str(out)!r} exists; --force overwrites it." in capsys.readouterr().err
    assert main([*arguments[:-1], "3", "--out", str(out), "--force"]) == 0
    assert "of 3 steps" in out.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["spere"], "'spere' is unknown; did you mean 'sphere'?"),
        (["--optimizers", "sdg"], "did you mean 'sgd'?"),
        (["--out", "nowhere/page.html"], "the folder 'nowhere' does not exist."),
        (["--out", "."], "'.' is a folder, and must be a file."),
        (["--steps", "501"], "must be a whole number from 1 to 500."),
    ],
)
def test_a_mistake_is_one_line(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["page", *arguments]) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    assert message in printed.err
    assert list(tmp_path.iterdir()) == []


def test_without_plotly_it_says_what_to_install(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "plotly.offline", None)
    assert main(["page", "sphere", "--out", str(tmp_path / "page.html")]) == 2
    error = capsys.readouterr().err
    assert error == (
        "surfaces: the page needs Plotly: pip install 'optax-extra[page]'.\n"
    )
    assert list(tmp_path.iterdir()) == []
