"""What `audit` says of wrong input: one message, exit code 2."""

from __future__ import annotations

from pathlib import Path

import pytest

from maskfold.storage import Workspace, open_workspace
from tests.cli.test_wrong_input import call, one_message
from tests.tracking.conftest import begin, play


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace with a finished run, of which the out-of-fold table is not there."""
    opened = open_workspace(str(tmp_path / "workspace"))
    play(begin(opened), opened)
    return opened


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ((), "has no out-of-fold table"),
        (("--run", "nothing"), "there is no such run"),
        (("--rounds", "3"), "rounds 3: expected 1, or 2"),
        (("--launcher", "docker"), "launcher"),
    ],
)
def test_what_is_wrong_is_said_before_anything_starts(
    workspace: Workspace, given: tuple[str, ...], complaint: str, tmp_path: Path
) -> None:
    before = workspace.list()
    message = one_message(call("audit", "--workspace", workspace.uri, "--out", str(tmp_path / "out"), *given))
    assert complaint in message
    assert workspace.list() == before


def test_a_folder_without_runs_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "no run has finished yet" in one_message(call("audit", "--workspace", str(tmp_path / "empty")))
    assert "nowhere" in one_message(call("audit", "--workspace", str(tmp_path / "nowhere")))
