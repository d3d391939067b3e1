"""The rules that keep the code a house: floors, one public spelling, one table."""

import ast
import dataclasses
import inspect
import re
import typing
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import chex
import optax
import pytest
from catalogue import ROWS

import optax_extra
import surfaces.figures

FOUNDATION = {
    "_as_stored",
    "_block_code",
    "_check",
    "_few_bits",
    "_few_bits_check",
    "_first_moment",
    "_moments",
    "_numerics",
    "_rectification",
    "_rounding",
}
PICTURES = {"animate", "page", "page_data", "plot"}
OPTIMIZERS = ("optax", "optax_extra", "surfaces.roster")


def modules(package: ModuleType) -> list[Path]:
    return sorted(Path(package.__path__[0]).glob("*.py"))


PRIVATE = [path for path in modules(optax_extra) if path.stem != "__init__"]


def imports(path: Path) -> set[str]:
    """The dotted names that a file imports, a package's modules in full."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: imports are absolute"
            within = (
                f"{node.module}." if node.module in ("optax_extra", "surfaces") else ""
            )
            names = {within + alias.name for alias in node.names}
            found |= names if within else {str(node.module)}
    return found


def floor(module: str) -> int:
    if module in FOUNDATION:
        return 1
    return 3 if module == "_optimizers" or module.startswith("_sweep") else 2


def may_import(module: str, other: str) -> bool:
    """Lower floors; the foundation and the sweep also have neighbours."""
    neighbours = floor(module) == 1 or module.startswith("_sweep")
    if floor(module) == floor(other) and neighbours:
        return module.startswith("_sweep") == other.startswith("_sweep")
    return floor(module) > floor(other)


@pytest.mark.parametrize("path", PRIVATE, ids=lambda path: path.stem)
def test_files_import_from_lower_floors_alone(path: Path) -> None:
    stems = {other.stem for other in PRIVATE}
    for name in imports(path):
        package, _, module = name.partition(".")
        assert package != "surfaces", f"{path.name} imports {name}"
        if package == "optax_extra":
            assert module in stems, f"{path.name} imports {name}, which is no file"
            assert may_import(path.stem, module), f"{path.name} imports {name}"


@pytest.mark.parametrize(
    ("module", "other", "allowed"),
    [
        ("_adam", "_moments", True),
        ("_adam", "_belief", False),
        ("_moments", "_numerics", True),
        ("_moments", "_adam", False),
        ("_optimizers", "_adam", True),
        ("_optimizers", "_sweep", False),
        ("_sweep", "_sweep_result", True),
        ("_sweep", "_optimizers", False),
    ],
)
def test_the_floors_themselves(module: str, other: str, allowed: bool) -> None:
    assert may_import(module, other) is allowed


@pytest.mark.parametrize(
    "path",
    [
        *(path for path in modules(surfaces) if path.stem in PICTURES),
        *modules(surfaces.figures),
    ],
    ids=lambda path: path.stem,
)
def test_pictures_import_no_optimizer(path: Path) -> None:
    for name in imports(path):
        assert not re.match(rf"({'|'.join(OPTIMIZERS)})(\.|$)", name), name


def test_all_is_what_init_imports() -> None:
    """Nothing is public that is not listed, and every public name has one spelling."""
    (init,) = (path for path in modules(optax_extra) if path.stem == "__init__")
    imported = [
        alias.name
        for node in ast.parse(init.read_text()).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]
    assert Counter(optax_extra.__all__) == Counter(imported)


@pytest.mark.parametrize("path", PRIVATE, ids=lambda path: path.stem)
def test_files_are_private_and_their_functions_public(path: Path) -> None:
    assert path.stem.startswith("_")
    assert path.stem not in optax_extra.__all__
    if floor(path.stem) > 1 and not path.stem.startswith("_sweep_"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                assert node.name in optax_extra.__all__, node.name


PUBLIC = [getattr(optax_extra, name) for name in optax_extra.__all__]
FUNCTIONS = [thing for thing in PUBLIC if inspect.isfunction(thing)]
STATES = [thing for thing in PUBLIC if inspect.isclass(thing)]


def name_of(thing: Any) -> str:
    return str(thing.__name__)


@pytest.mark.parametrize("function", FUNCTIONS, ids=name_of)
def test_functions_are_documented(function: Callable[..., Any]) -> None:
    doc = inspect.getdoc(function) or ""
    summary, _, _ = doc.partition("\n")
    assert summary.endswith((".", ":"))
    parameters = inspect.signature(function).parameters
    sections = [*(["Args:"] if parameters else []), "Returns:", "Raises:", "Example:"]
    if is_transformation(function):
        sections.append("References:")
    places = [doc.find(f"\n\n{section}\n") for section in sections]
    assert -1 not in places
    assert places == sorted(places)
    assert ">>>" in doc
    # Every argument is named in Args, alone or in a list of several.
    arguments = doc[places[0] : places[1]]
    for name in parameters:
        assert re.search(rf"\b{name}\b[^:]*:", arguments), name


@pytest.mark.parametrize("state", STATES, ids=name_of)
def test_states_say_what_they_hold(state: Any) -> None:
    doc = inspect.getdoc(state) or ""
    is_dataclass = dataclasses.is_dataclass(state)
    fields = [field.name for field in dataclasses.fields(state)] if is_dataclass else ()
    for name in fields or state._fields:
        assert re.search(rf"\n  {name}: ", doc[doc.index("Attributes:") :]), name


def is_transformation(function: Callable[..., Any]) -> bool:
    made = inspect.signature(function, eval_str=True).return_annotation
    return inspect.isclass(made) and issubclass(made, optax.GradientTransformation)


TRANSFORMATIONS = [function for function in FUNCTIONS if is_transformation(function)]


def is_numeric(annotation: Any) -> bool:
    numbers = set(typing.get_args(chex.Numeric))
    return numbers <= set(typing.get_args(annotation))


@pytest.mark.parametrize("function", TRANSFORMATIONS, ids=name_of)
def test_catalogue_covers_every_part_and_every_number(
    function: Callable[..., Any],
) -> None:
    rows = [row for row in ROWS if row.part == function.__name__]
    assert rows
    swept = {name for row in rows for name in row.numeric}
    parameters = inspect.signature(function, eval_str=True).parameters
    for name, parameter in parameters.items():
        assert name in swept or not is_numeric(parameter.annotation), name


def test_there_are_transformations_and_numbers_to_cover() -> None:
    """Annotations that are strings would leave nothing to test."""
    assert optax_extra.scale_by_adam in TRANSFORMATIONS
    signature = inspect.signature(optax_extra.clip_momentum, eval_str=True)
    assert is_numeric(signature.parameters["lower"].annotation)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_reference_of_the_catalogue_is_that_of_the_docstring(row: Any) -> None:
    _, url = row.reference.split(", ")
    assert url in getattr(optax_extra, row.part).__doc__
