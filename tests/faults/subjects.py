"""What a campaign of kills disturbs: commands with small data sets, every kind of job in little time."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from portraits import draw
from tests.faults.sandbox import Sandbox
from tests.flows.colours import MEASURED, SPACE, draw_colours, draw_weights
from tests.inference.trained import RECIPE

BUDGET = "5m"


@dataclass(frozen=True)
class Subject:
    """A command without its workspace."""

    arguments: tuple[str, ...]
    given: tuple[str, ...] = ()
    """Stages that workspaces have from the beginning."""

    def prepare(self, sandbox: Sandbox) -> dict[str, bytes]:
        """Do the stages that workspaces have from the beginning; return their files by address."""
        if not self.given:
            return {}
        workspace = sandbox.folder / "workspace"
        planned = sandbox.start(*self.arguments, "--dry-run", "--workspace", str(workspace))
        if planned.wait(600) != 0:
            raise RuntimeError(f"nothing could be measured: {sandbox.complained}")
        paths = [path for stage in self.given for path in (workspace / stage).rglob("*") if path.is_file()]
        for path in paths:
            if path.name == "outcome.json":
                stage = path.relative_to(workspace).parts[0]
                path.write_text(json.dumps({**json.loads(path.read_text()), **MEASURED[stage]}))
        return {str(path.relative_to(workspace)): path.read_bytes() for path in paths}


def run(data: Path) -> Subject:
    """Draw faces; train three networks on them."""
    draw(data, people=8, seed=1, size=(192, 256))
    recipe = data.with_name("recipe.yaml")
    recipe.write_text(RECIPE)
    return Subject(("run", "--recipe", str(recipe), "--data", str(data)))


def tune(data: Path) -> Subject:
    """Search for settings with which a network tells colours apart."""
    draw_colours(data)
    space = data.with_name("space.yaml")
    space.write_text(json.dumps(SPACE))
    recipe = str(data / "recipe.yaml")
    return Subject(("tune", "--recipe", recipe, "--data", str(data), "--space", str(space), "--trials", "3"))


def auto(data: Path) -> Subject:
    """Choose networks that tell colours apart; the plan depends on what was measured, so that all have that."""
    draw_colours(data)
    weights = draw_weights(data.with_name("weights"))
    arguments = ("auto", "--data", str(data), "--weights", str(weights), "--budget", BUDGET)
    return Subject(arguments, tuple(MEASURED))


SUBJECTS: dict[str, Callable[[Path], Subject]] = {"run": run, "tune": tune, "auto": auto}
