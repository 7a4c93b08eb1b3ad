"""Who may import whom: read from the source, so that a forbidden import fails even where it never runs."""

import ast
import sys
from collections.abc import Iterator, Mapping, Set
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

CONTRACTS = {"errors", "redaction", "settings", "cells", "scheme", "recipe", "specs", "wording"}
"""Values and words that all parts may use, orchestrator and jobs alike."""
MACHINE = {"allocator", "cores", "home", "sockets", "theme", "torchvision_ops"}
"""What the machine has, and how its libraries are set up."""

MAY_IMPORT: Mapping[str, Set[str]] = {
    # The package itself, and contracts.
    "__init__": {"api"},
    "errors": {"redaction"},
    "redaction": set(),
    "wording": set(),
    "settings": set(),
    "cells": set(),
    "scheme": {"settings", "cells"},
    "recipe": {"errors", "regular", "settings", "scheme", "wording"},
    "specs": {"errors", "redaction", "settings", "scheme", "recipe", "wording"},
    # What a data set looks like from outside.
    "layouts": {"errors"},
    "content": set(),
    "listing": set(),
    "regular": {"errors"},
    "rows": {"errors", "cells", "content", "regular"},
    "terminal": {"wording"},
    "links": {"errors", "layouts", "wording"},
    "class_layout": {"layouts", "links", "listing"},
    "table_scheme": {*CONTRACTS, "layouts", "rows"},
    "submissions": {*CONTRACTS, "storage"},
    "discovery": {*CONTRACTS, "class_layout", "layouts", "links", "rows", "table_scheme", "storage"},
    "champions": {*CONTRACTS, "storage"},
    "given_labels": {*CONTRACTS, "rows"},
    "photographs": {*CONTRACTS, "layouts", "listing", "rows", "storage"},
    "parts": {*CONTRACTS, "photographs", "storage"},
    "destination": {*CONTRACTS, "storage"},
    # The machine.
    "allocator": set(),
    "cores": set(),
    "home": set(),
    "loopback": set(),
    "sockets": set(),
    "output": set(),
    "theme": set(),
    "torchvision_ops": set(),
    # The way of a photograph: each stage knows those before it.
    "dataset": {*CONTRACTS, *MACHINE, "class_layout", "content", "layouts", "links", "listing", "rows"},
    "faces": {*CONTRACTS, *MACHINE, "storage", "dataset"},
    "training": {*CONTRACTS, *MACHINE, "dataset", "faces"},
    "ensemble": {*CONTRACTS, *MACHINE, "storage", "submissions", "dataset", "faces", "training", "champions"},
    "inference": {
        *(*CONTRACTS, *MACHINE, "storage", "dataset", "faces", "training", "ensemble"),
        *("champions", "given_labels", "parts", "photographs"),
    },
    "serving": {
        *(*CONTRACTS, "allocator", "cores", "loopback", "models", "regular", "storage", "dataset", "inference"),
    },
    "audit": {*CONTRACTS, *MACHINE, "storage", "dataset", "faces", "training", "ensemble"},
    "study.plan": {"errors", "recipe", "regular", "settings", "wording"},  # flows read it, without pandas
    "study.space": {"errors", "recipe", "regular", "specs", "wording"},
    "study.search": {"specs"},
    "study.budget": {"errors"},
    "study.rules": {"specs"},
    "study.costs": set(),
    "study.portfolio": set(),
    "study.assembly": {"recipe", "scheme"},
    "study": {*CONTRACTS, *MACHINE, "regular", "storage", "dataset", "faces", "training", "ensemble"},
    "report": {
        *(*CONTRACTS, *MACHINE, "storage", "submissions", "dataset", "faces", "training", "ensemble", "study", "audit"),
        "champions",
    },
    # Services of a run.
    "storage": {*CONTRACTS, "home", "listing", "loopback", "regular"},
    "tracking": {*CONTRACTS, "champions", "home", "loopback", "storage"},
    "launch": {*CONTRACTS, "cores", "home", "loopback", "sockets", "storage", "terminal"},
    "launch.preload": {"home", "torchvision_ops", "dataset", "faces", "training", "ensemble"},
    # What people start.
    "pace": {"launch"},
    "notes": {"launch", "pace", "wording"},
    "notebook": {"launch", "notes", "pace", "wording"},
    "console": {"launch", "notebook", "notes", "pace"},
    "history": {*CONTRACTS, "storage", "tracking"},
    "models": {*CONTRACTS, "champions", "history", "storage", "tracking"},
    "promotion": {*CONTRACTS, "champions", "history", "inference", "models", "storage", "tracking"},
    "cleaning": {*CONTRACTS, "champions", "history", "parts", "storage", "submissions", "tracking"},
    "packages": {*CONTRACTS, "history", "launch", "models", "storage", "tracking"},
    "curves": {*CONTRACTS, "history", "models", "storage", "study", "tracking"},
    "doctor": {*CONTRACTS, "cores", "home", "launch", "storage", "tracking"},
    "servers": {*CONTRACTS, "home", "tracking"},
    "api": {"console", "curves", "launch", "loopback", "pace", "redaction", "servers", "storage"},
    "__main__": {"cli"},
    "cli": {
        *CONTRACTS,
        "champions",
        "cleaning",
        "console",
        "cores",
        "dataset",
        "discovery",
        "doctor",
        "history",
        "home",
        "launch",
        "loopback",
        "models",
        "output",
        "pace",
        "promotion",
        "servers",
        "storage",
        "study",
        "submissions",
        "terminal",
        "tracking",
        "training",
        "serving",
        "inference",
        "packages",
        "curves",
        "report",
        "theme",
    },
}
"""Each part of maskfold, and what of maskfold it may import beside itself; a dotted name is one module's own row."""

LIBRARIES: Mapping[str, Set[str]] = {
    "prefect": {"launch.pool"},
    "flows": {"api", "cli"},  # the command line starts flows; jobs never do
    "tasks": set(),
    "mlflow": {"tracking"},
    "boto3": {"storage"},
    "botocore": {"storage"},
    "facenet_pytorch": {"faces"},
    "timm": {"training"},
    "pandas": {
        *("api", "cli.curves", "curves", "dataset", "faces", "training", "ensemble", "inference", "report", "study"),
        "audit",
    },
    "torch": {"doctor", "faces", "training", "inference", "launch.preload", "serving.loaded", "torchvision_ops"},
    "fastapi": {"serving"},
    "starlette": {"serving"},
    "uvicorn": {"serving", "servers"},
    "prometheus_client": {"serving"},
    "matplotlib": {"theme", "report"},
    "optuna": {"study"},
    "onnxruntime": {"inference"},
    "tensorboard": {"curves"},
}
"""The parts that may import a library; the others run without it."""

FLOWS_MAY = {
    *CONTRACTS,
    *(
        "champions",
        "cores",
        "destination",
        "discovery",
        "given_labels",
        "history",
        "launch",
        "layouts",
        "loopback",
        "models",
        "pace",
        "parts",
        "photographs",
        "rows",
        "servers",
        "storage",
        "study",
        "submissions",
        "tracking",
    ),
}


@cache
def imported(path: Path) -> frozenset[str]:
    """Every module that a file imports, anywhere in it, as dotted names."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide who is meant"
            module = node.module or ""
            names |= {f"{module}.{alias.name}" for alias in node.names} | {module}
    return frozenset(names)


def roots(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imported(path)}


def parts(path: Path) -> set[str]:
    """The parts of maskfold that a file imports: ``maskfold.faces.pack`` is ``faces``."""
    return {name.split(".")[1] for name in imported(path) if name.startswith("maskfold.")} - {"__version__"}


def sources(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def names_of(path: Path) -> Iterator[str]:
    """The module's own name within maskfold and those of the packages around it, longest first."""
    names = path.relative_to(ROOT / "src" / "maskfold").with_suffix("").parts
    return (".".join(names[:length]) for length in range(len(names), 0, -1))


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_every_part_has_a_row_and_every_row_a_part() -> None:
    missing = {part for path in sources("src/maskfold") if (part := [*names_of(path)][-1]) not in MAY_IMPORT}
    assert not missing, f"say in MAY_IMPORT what {sorted(missing)} may import"
    there = {name for path in sources("src/maskfold") for name in names_of(path)}
    assert set(MAY_IMPORT) <= there


@pytest.mark.parametrize("path", sources("src/maskfold"), ids=named)
def test_a_part_imports_what_its_row_allows(path: Path) -> None:
    row = next((name for name in names_of(path) if name in MAY_IMPORT), None)
    assert row is not None, "no row in MAY_IMPORT"
    assert parts(path) <= {*MAY_IMPORT[row], row.partition(".")[0]}
    forbidden = {library for library, users in LIBRARIES.items() if not users & {*names_of(path)}}
    assert not forbidden & roots(path)


@pytest.mark.parametrize("path", sources("flows"), ids=named)
def test_flows_know_only_the_light_parts(path: Path) -> None:
    assert parts(path) <= FLOWS_MAY
    assert not {"torch", "timm", "pandas", "mlflow", "tasks"} & roots(path)


@pytest.mark.parametrize("path", sources("tasks"), ids=named)
def test_jobs_know_nothing_of_their_orchestrator(path: Path) -> None:
    assert not {"prefect", "flows", "mlflow"} & roots(path)


@pytest.mark.parametrize("path", sources("src/portraits"), ids=named)
def test_portraits_stand_alone(path: Path) -> None:
    """Beside the standard library they know arrays and images, and themselves."""
    roots = {name.split(".")[0] for name in imported(path)}
    assert roots <= {*sys.stdlib_module_names, "numpy", "PIL", "portraits"}


@pytest.mark.parametrize("path", sources("src/maskfold", "flows", "tasks"), ids=named)
def test_portraits_are_known_only_to_the_command_line(path: Path) -> None:
    known = "portraits" in {name.split(".")[0] for name in imported(path)}
    assert known == (path == ROOT / "src" / "maskfold" / "cli" / "data_sets.py")


def test_the_training_core_needs_no_orchestrator() -> None:
    """Nothing that training imports, directly or not, brings Prefect, MLflow or boto3."""
    seen: set[Path] = set()
    queue = [*sources("src/maskfold/training")]
    while queue:
        path = queue.pop()
        if path in seen:
            continue
        seen.add(path)
        assert not {"prefect", "mlflow", "boto3"} & roots(path), path
        for part in parts(path):
            package = ROOT / "src" / "maskfold" / part
            queue += sorted(package.rglob("*.py")) if package.is_dir() else [package.with_suffix(".py")]


def test_task_entry_points_are_short() -> None:
    for path in sources("tasks"):
        assert len(path.read_text(encoding="utf-8").splitlines()) < 60, path
