"""What a launcher makes of a job's output."""

import logging

import pytest

from maskfold.launch.launcher import Watcher


def test_lines_keep_their_level_and_warnings_are_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    told: list[str] = []
    watcher = Watcher(logging.getLogger("test"), lambda: None, lambda _: None, told.append)
    for line in ("I maskfold.crop: 3 faces", "W maskfold.crop: no face", "plain text", "E maskfold.crop: broken", ""):
        watcher.line(line)
    assert told == ["no face"]
    assert [record.levelno for record in caplog.records] == [
        logging.INFO,
        logging.WARNING,
        logging.INFO,
        logging.ERROR,
    ]
