"""What a command says of its work is there at once, and not when the work ends."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NoReturn

import pytest
from typer.testing import CliRunner

from maskfold.cli import app
from maskfold.errors import InputError


@pytest.mark.parametrize(
    ("command", "work", "more"),
    [
        ("run", "flows.here.run_here", ("--recipe", "smoke")),
        ("compare", "flows.compare.compare_here", ("--recipe", "smoke", "--vary", "networks.joint.loss=focal")),
        ("tune", "flows.tune.tune_here", ("--recipe", "smoke", "--budget", "5m")),
        ("auto", "flows.auto.auto_here", ("--budget", "5m")),
    ],
)
def test_nothing_is_kept_back(
    command: str, work: str, more: tuple[str, ...], drawn_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    streams = []

    def working(*_: Any, **__: Any) -> NoReturn:
        streams.append(sys.stderr)
        print("half of it is done", file=sys.stderr)
        raise InputError("the other half cannot be done")

    monkeypatch.setattr(work, working)
    where = ["--data", str(drawn_data), "--workspace", str(tmp_path / "workspace")]
    done = CliRunner().invoke(app, [command, *where, *more])
    assert done.exit_code == 2, done.output
    assert streams
    assert done.stderr.splitlines()[-2:] == ["half of it is done", "maskfold: the other half cannot be done"]
