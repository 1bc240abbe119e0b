"""The import contracts, circles, dependencies, sizes, names and what the documents name."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import reduce
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PACKAGES = ("sweeper", "trainers", "analysis", "cluster")
MOST_IMPORTS = 12  # the guide is 6
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
TOOLS = {  # of the tests: programs, plugins, types and what MLflow needs, which nobody imports
    "flask-wtf",
    "hatchling",
    "import-linter",
    "moto",
    "ipykernel",
    "mypy",
    "pandas-stubs",
    "psycopg2-binary",
    "pyright",
    "pytest-timeout",
    "pytest-xdist",
    "ruff",
}
CLOUD = {"obstore"}  # of the extra `cloud`, imported where a storage is on a bucket
DOCUMENTS = [ROOT / ".github" / name for name in ("ARCHITECTURE.md", "CONTRIBUTING.md")]


def modules() -> Iterator[Path]:
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize(
    "command",
    [
        ["lint-imports", "--no-cache"],
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        pytest.param(["mypy", "--no-incremental"], marks=[pytest.mark.slow]),
    ],
    ids=lambda command: "-".join(command[:2]),
)
def test_the_checkers_find_nothing(command: list[str]) -> None:
    program = Path(sys.executable).parent / command[0]
    done = subprocess.run(
        [str(program), *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", list(modules()), ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_and_functions_stay_readable(path: Path) -> None:
    source = path.read_text()
    assert source.count("\n") <= 400
    tree = ast.parse(source)
    assert ast.get_docstring(tree), "a module says in its first line what it is for"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            lines = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
            assert lines <= 40, f"{node.name} has {lines} lines"
            arguments = [a.arg for a in node.args.args if a.arg not in ("self", "cls")]
            assert len(arguments) <= 5, f"{node.name} takes {arguments}"


def imported(paths: Iterable[Path]) -> set[str]:
    """The distributions that provide what the modules import, the standard library left out."""
    names = set[str]()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module.partition(".")[0])
    providers = packages_distributions()
    outside = names - sys.stdlib_module_names - {*PACKAGES, "tests"}
    return {provider_of(name, providers.get(name, [name])) for name in outside}


def provider_of(name: str, providers: Iterable[str]) -> str:
    """Of several distributions that share a package, the one that is called like it."""
    found = sorted({str(canonicalize_name(provider)) for provider in providers})
    return name if name in found else found[0]


def declared(requirements: Iterable[str]) -> set[str]:
    return {str(canonicalize_name(Requirement(text).name)) for text in requirements}


def test_what_is_imported_is_declared_and_the_reverse() -> None:
    used, wanted = imported(modules()), declared(PROJECT["dependencies"])
    assert used == wanted | CLOUD


def test_what_the_tests_import_is_declared_and_the_reverse() -> None:
    """Beside the dependencies, of which the tests may want more parts (`ray[default]`)."""
    extra = declared(PROJECT["optional-dependencies"]["test"])
    known = declared(PROJECT["dependencies"]) | CLOUD
    assert imported((ROOT / "tests").rglob("*.py")) - known == extra - TOOLS - known
    assert extra >= TOOLS


def test_every_dependency_has_a_pinned_version() -> None:
    """In `constraints.txt`, so that two installations are equal."""
    pinned = declared((ROOT / "constraints.txt").read_text().splitlines())
    extra = declared(PROJECT["optional-dependencies"]["test"])
    assert declared(PROJECT["dependencies"]) | extra <= pinned


def test_the_lowest_versions_are_where_the_ranges_begin() -> None:
    """`constraints-lowest.txt` pins each dependency at the lower end of its range."""
    lines = (ROOT / "constraints-lowest.txt").read_text().splitlines()
    pins = [Requirement(line) for line in lines if not line.startswith("#")]
    pinned = {one.name: Version(next(iter(one.specifier)).version) for one in pins}
    ranges = map(Requirement, PROJECT["dependencies"])
    assert pinned == {one.name: Version(next(iter(one.specifier)).version) for one in ranges}


def named(pattern: str) -> list[str]:
    """What stands in code quotes in the documents and matches."""
    quoted = [name for path in DOCUMENTS for name in re.findall(r"`([^`\n]+)`", path.read_text())]
    return sorted({name for name in quoted if re.fullmatch(pattern, name)})


@pytest.mark.parametrize("name", named(rf"({'|'.join(PACKAGES)})(\.\w+)+"))
def test_every_name_in_the_documents_exists(name: str) -> None:
    parts = name.split(".")
    for depth in range(len(parts), 0, -1):
        try:
            module = importlib.import_module(".".join(parts[:depth]))
        except ModuleNotFoundError:
            continue
        assert reduce(getattr, parts[depth:], module) is not None
        return
    pytest.fail(f"there is no module {parts[0]}")


@pytest.mark.parametrize("name", named(rf"({'|'.join(PACKAGES)}|tests)(/[\w.]+)*/?"))
def test_every_path_in_the_documents_exists(name: str) -> None:
    assert (ROOT / name).exists()


def test_the_documents_name_functions_and_paths() -> None:
    assert len(named(rf"({'|'.join(PACKAGES)})(\.\w+)+")) >= 20
    assert len(named(rf"({'|'.join(PACKAGES)}|tests)(/[\w.]+)*/?")) >= 20


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_has_types(package: str) -> None:
    assert (ROOT / package / "py.typed").exists()


def internal_imports(package: str) -> dict[str, set[str]]:
    """The modules of the package that each of its modules imports, wherever in its code.

    Imports inside functions and under `TYPE_CHECKING` count as all others do.
    """
    paths = {module_name(path): path for path in sorted((ROOT / package).rglob("*.py"))}
    return {name: set(_imported(path, paths)) - {name} for name, path in paths.items()}


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _imported(path: Path, known: Collection[str]) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module in known:
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in known else node.module for name in whole)


def rooms(graph: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """The same between the folders (and the single modules) right below the package."""
    found: dict[str, set[str]] = {}
    for name, imported in graph.items():
        own = name.split(".")[1:2]
        found.setdefault("".join(own), set()).update(
            room for other in imported if (room := "".join(other.split(".")[1:2])) not in own
        )
    return found


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """One circle of a graph; empty where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


@pytest.mark.parametrize("package", PACKAGES)
def test_no_modules_import_each_other_in_a_circle(package: str) -> None:
    graph = internal_imports(package)
    assert any(graph.values())
    assert circle(graph) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_no_folders_import_each_other_in_a_circle(package: str) -> None:
    assert circle(rooms(internal_imports(package))) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_a_module_imports_few_others(package: str) -> None:
    counts = {name: len(imported) for name, imported in internal_imports(package).items()}
    assert {name: count for name, count in counts.items() if count > MOST_IMPORTS} == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_no_two_classes_and_no_two_modules_have_one_name(package: str) -> None:
    """Commands are named as users type them, and may be named like what they run."""
    places: dict[str, list[str]] = defaultdict(list)
    for path in sorted((ROOT / package).rglob("*.py")):
        if path.stem != "__init__" and path.parent != ROOT / "sweeper" / "commands":
            places[f"module {path.stem}"].append(module_name(path))
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                places[f"class {node.name}"].append(module_name(path))
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_a_circle_is_found_where_there_is_one() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": set()}) == []
    assert set(circle({"a": {"b"}, "b": {"c"}, "c": {"a"}})) == {"a", "b", "c"}
    assert rooms({"p.x.a": {"p.y.b"}, "p.y.c": {"p.x.d", "p.y.b"}}) == {"x": {"y"}, "y": {"x"}}
