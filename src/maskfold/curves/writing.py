"""Curves as event files that TensorBoard shows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pandas as pd

from maskfold.curves.events import EVERYBODY
from maskfold.curves.extra import require_tensorboard
from maskfold.storage.aside import aside
from maskfold.storage.faults import disk_faults

FILE: Final = "events.out.tfevents.0000000000.maskfold"
"""The same for every training, so that writing again replaces it; TensorBoard would show two files as one run."""
_UNFIT: Final = re.compile(r"[^\w ()=+.,@-]")
_LONGEST: Final = 120
"""Of a folder's name; file systems allow 255 bytes."""


def write_events(table: pd.DataFrame, folder: Path, started: Mapping[str, float]) -> int:
    """Write ``RUN/NETWORK/fold-N`` (``everybody`` for a training on everybody), a file of events each.

    Args:
        table: See :func:`maskfold.study.curves.curve_table`.
        folder: For all runs; what is in it already stays, except files of the same trainings, which are replaced.
        started: When each run began, in seconds since 1970; the time of its events.

    Returns:
        The number of files.

    Raises:
        InputError: If TensorBoard's package is missing, or nothing can be written there.
        MaskfoldError: If the disk is full.
    """
    require_tensorboard()
    names = _folders(list(dict.fromkeys(table["run"])))
    written = 0
    for (run, network, fold), curves in table.groupby(["run", "network", "fold"], sort=False):
        part = f"fold-{fold}" if fold else EVERYBODY
        path = folder / names[str(run)] / _folder(str(network)) / part / FILE
        with disk_faults(f"write {path}"):
            path.parent.mkdir(parents=True, exist_ok=True)
            with aside(path) as new:
                _write(curves, new, started.get(str(run), 0.0))
        written += 1
    return written


def _write(curves: pd.DataFrame, path: Path, time: float) -> None:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.record_writer import RecordWriter

    with path.open("wb") as file:
        records = RecordWriter(file)
        records.write(Event(wall_time=time, file_version="brain.Event:2").SerializeToString())
        for epoch, rows in curves.groupby("epoch"):
            values = [Summary.Value(tag=one.tag, simple_value=one.value) for one in rows.itertuples()]
            event = Event(wall_time=time, step=epoch, summary=Summary(value=values))
            records.write(event.SerializeToString())


def _folders(runs: list[str]) -> dict[str, str]:
    """Return a folder's name for each run; those that would be the same get numbers."""
    found: dict[str, str] = {}
    for run in runs:
        name, number = _folder(run), 2
        while name in found.values():
            name, number = f"{_folder(run)} ({number})", number + 1
        found[run] = name
    return found


def _folder(name: str) -> str:
    """Return a name with what no folder's name may have replaced; it is never hidden, and leads nowhere else."""
    fit = _UNFIT.sub("-", name)[:_LONGEST].strip()
    return re.sub(r"^\.", "-", fit) or "-"
