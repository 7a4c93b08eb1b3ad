"""Who may import whom: read from the source, so that a forbidden import fails even where it never runs."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PURE = {"errors", "layouts", "recipe", "rows", "scheme", "settings", "specs", "table_scheme", "wording"}
SHARED = {*PURE, "allocator", "cores", "home", "storage", "theme", "torchvision_ops"}
ORDER = ["dataset", "faces", "training", "ensemble", "report"]
FLOWS_MAY = {"discovery", "scheme", "recipe", "specs", "launch", "storage", "errors", "tracking", "wording"}


def imported(path: Path) -> set[str]:
    """Every module that a file imports, anywhere in it, as dotted names."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide who is meant"
            module = node.module or ""
            names |= {f"{module}.{alias.name}" for alias in node.names} | {module}
    return names


def parts(path: Path) -> set[str]:
    """The parts of maskfold that a file imports: ``maskfold.faces.pack`` is ``faces``."""
    return {
        name.split(".")[1]
        for name in imported(path)
        if name.startswith("maskfold.") and name.split(".")[1] not in {"__version__"}
    }


def sources(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def part_of(path: Path) -> str:
    return path.relative_to(ROOT / "src" / "maskfold").parts[0].removesuffix(".py")


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", sources("src", "tasks"), ids=named)
def test_prefect_is_known_only_to_the_pool_launcher(path: Path) -> None:
    roots = {name.split(".")[0] for name in imported(path)}
    if path != ROOT / "src" / "maskfold" / "launch" / "pool.py":
        assert "prefect" not in roots
    # The command line starts flows; jobs never do.
    assert "flows" not in roots or path.name == "cli.py"


@pytest.mark.parametrize("path", sources("src", "flows", "tasks"), ids=named)
def test_mlflow_is_known_only_to_tracking(path: Path) -> None:
    inside_tracking = path.is_relative_to(ROOT / "src" / "maskfold" / "tracking")
    assert inside_tracking or "mlflow" not in {name.split(".")[0] for name in imported(path)}


@pytest.mark.parametrize("path", sources("flows"), ids=named)
def test_flows_know_only_the_light_parts(path: Path) -> None:
    assert parts(path) <= FLOWS_MAY
    assert not {"torch", "timm", "pandas", "tasks"} & {name.split(".")[0] for name in imported(path)}


@pytest.mark.parametrize("path", [p for p in sources("src/maskfold") if part_of(p) in PURE], ids=named)
def test_contracts_stay_light(path: Path) -> None:
    assert not {"torch", "pandas", "boto3"} & {name.split(".")[0] for name in imported(path)}


@pytest.mark.parametrize("path", [p for p in sources("src/maskfold") if part_of(p) in ORDER], ids=named)
def test_numbered_packages_know_only_lower_ones(path: Path) -> None:
    own = ORDER.index(part_of(path))
    assert parts(path) <= {*SHARED, *ORDER[: own + 1]}


@pytest.mark.parametrize("path", sources("src/portraits"), ids=named)
def test_portraits_stand_alone(path: Path) -> None:
    """Beside the standard library they know arrays and images, and themselves."""
    roots = {name.split(".")[0] for name in imported(path)}
    assert roots <= {*sys.stdlib_module_names, "numpy", "PIL", "portraits"}


@pytest.mark.parametrize("path", sources("src/maskfold", "flows", "tasks"), ids=named)
def test_portraits_are_known_only_to_the_command_line(path: Path) -> None:
    known = "portraits" in {name.split(".")[0] for name in imported(path)}
    assert known == (path == ROOT / "src" / "maskfold" / "cli.py")


def test_the_training_core_needs_no_orchestrator() -> None:
    """Nothing that training imports, directly or not, brings Prefect, MLflow or boto3."""
    seen: set[Path] = set()
    queue = [*sources("src/maskfold/training")]
    while queue:
        path = queue.pop()
        if path in seen:
            continue
        seen.add(path)
        assert not {"prefect", "mlflow", "boto3"} & {name.split(".")[0] for name in imported(path)}, path
        for part in parts(path):
            package = ROOT / "src" / "maskfold" / part
            queue += sorted(package.rglob("*.py")) if package.is_dir() else [package.with_suffix(".py")]


def test_task_entry_points_are_short() -> None:
    for path in sources("tasks"):
        assert len(path.read_text(encoding="utf-8").splitlines()) < 60, path
