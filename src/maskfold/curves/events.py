"""Curves from TensorBoard's event files, without TensorFlow."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from maskfold.curves.extra import require_tensorboard
from maskfold.errors import CorruptDataError, InputError
from maskfold.storage.faults import disk_faults
from maskfold.study.curves import COLUMNS, TYPES
from maskfold.wording import printable

EVERYBODY: Final = "everybody"
"""Folder of a training on everybody, in place of a fold's."""
_MARK: Final = "tfevents"
"""In the names of event files."""
_OURS: Final = re.compile(rf"(?P<run>.+)/(?P<network>[^/]+)/(?:fold-(?P<fold>[1-9]\d{{0,5}})|{EVERYBODY})")
_KEPT: Final = {"scalars": 0, "tensors": 0, "images": 1, "audio": 1, "histograms": 1, "compressedHistograms": 1}
"""How many events of a kind are kept; 0 is all of them. TensorBoard's own default is a random 10,000 scalars of a tag,
and 10 tensors, which is what its newer writers store scalars as."""


Scalar = tuple[str, int, float]
"""Tag, step, value."""


@dataclass(frozen=True)
class EventCurves:
    """What a folder of event files holds."""

    table: pd.DataFrame
    """run, the folder below the one read, ``.`` for itself; network and fold, empty and 0 unless folders are named
    ``RUN/NETWORK/fold-N``, as maskfold writes them; epoch, TensorBoard's step; tag; value."""
    hidden: int
    """Runs that ``add_hparams`` made beside the real ones; they are left out."""


@dataclass(frozen=True)
class _RunOfEvents:
    scalars: list[Scalar]
    by_add_hparams: bool
    """Whether torch's ``add_hparams`` made it: then it holds the whole experiment beside its one session."""


def read_events(folder: Path) -> EventCurves:
    """Read all scalars of all runs in a folder and the folders below it.

    A file that is still being written, or was cut off, is read as far as it goes.

    Raises:
        InputError: If there is no such folder, no event file or no scalar in it, or TensorBoard's package is missing.
        CorruptDataError: If a file is not what its name says.
    """
    require_tensorboard()
    if not folder.is_dir():
        raise InputError(f"--tensorboard {folder}: there is no such folder; name one with event files of TensorBoard")
    with disk_faults(f"read {folder}"):
        places = _places(folder)
        if not places:
            raise InputError(
                f"--tensorboard {folder}: no event file is in it or below it; their names contain {_MARK!r}, such as "
                "events.out.tfevents.1700000000.host"
            )
        read = {place: _read(place) for place in places}
    hidden = {place for place in places if read[place].by_add_hparams and not read.keys().isdisjoint(place.parents)}
    rows = [
        (*_names(place.relative_to(folder).as_posix()), step, tag, value)
        for place in places
        if place not in hidden
        for tag, step, value in read[place].scalars
    ]
    if not rows:
        raise InputError(f"--tensorboard {folder}: its {len(places)} runs have no scalars, so there are no curves")
    return EventCurves(pd.DataFrame(rows, columns=list(COLUMNS)).astype(TYPES), len(hidden))


def _places(folder: Path) -> list[Path]:
    """Return the folders with event files, in the order of their names; links to folders are not followed.

    Raises:
        InputError: If something else has the name of an event file, such as a pipe, which would never end.
    """

    def refuse(error: OSError) -> None:
        raise error

    found = []
    for place, folders, names in os.walk(folder, onerror=refuse):
        marked = [Path(place, name) for name in names if _MARK in name]
        if marked:
            named = (*marked, *(Path(place, name) for name in folders if _MARK in name))
            odd = [path for path in named if not path.is_file()]
            if odd:
                raise InputError(f"{odd[0]}: named like an event file, but not a file; move it elsewhere or rename it")
            found.append(Path(place))
    return sorted(found)


def _read(place: Path) -> _RunOfEvents:
    """Read the files of one folder, in the order of their names."""
    from google.protobuf.message import DecodeError
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(place), size_guidance=_KEPT)
    try:
        events.Reload()
        hyperparameters = _of_plugin(events, "hparams")
        by_add_hparams = {"_hparams_/experiment", "_hparams_/session_start_info"} <= hyperparameters
        return _RunOfEvents(list(_scalars(events)), by_add_hparams)
    except (DecodeError, ValueError) as error:
        raise CorruptDataError(
            f"{place}: a file with {_MARK!r} in its name holds no events of TensorBoard ({error}); move it elsewhere"
        ) from None


def _scalars(events: Any) -> Iterator[Scalar]:
    """Yield every scalar, whether written as one or, by newer writers, as a tensor."""
    from tensorboard.util.tensor_util import make_ndarray

    tags = events.Tags()
    for tag in tags["scalars"]:
        for event in events.Scalars(tag):
            yield tag, event.step, event.value
    for tag in sorted(_of_plugin(events, "scalars").intersection(tags["tensors"])):
        for event in events.Tensors(tag):
            yield tag, event.step, make_ndarray(event.tensor_proto).item()


def _of_plugin(events: Any, plugin: str) -> set[str]:
    """Return the tags of one of TensorBoard's plugins."""
    try:
        return set(events.PluginTagToContent(plugin))
    except KeyError:
        return set()


def _names(place: str) -> tuple[str, str, int]:
    """Return run, network and fold of a folder."""
    ours = _OURS.fullmatch(place)
    if not ours:
        return printable(place), "", 0
    return printable(ours["run"]), printable(ours["network"]), int(ours["fold"] or 0)
