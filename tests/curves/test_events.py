"""Event files as torch's SummaryWriter and TensorBoard's own writer leave them, whole and cut off."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary import Writer
from tensorboard.summary.writer.record_writer import RecordWriter
from torch.utils.tensorboard import SummaryWriter

from maskfold.curves.chosen import read_curves
from maskfold.curves.events import read_events
from maskfold.curves.writing import FILE, write_events
from maskfold.errors import CorruptDataError, InputError
from maskfold.storage import Workspace
from tests.curves.conftest import Ran, training

STEPS = 20
"""Training steps of an epoch, of which the original logged every other one."""


def original(folder: Path, epochs: int = 2) -> None:
    """Log as the original did: training by step, validation by epoch, with its own spelling."""
    writer = SummaryWriter(str(folder))
    for epoch in range(epochs):
        for step in range(1, STEPS, 2):
            place = epoch * STEPS + step
            writer.add_scalar("Train/loss", 1 / (place + 1), place)
            writer.add_scalar("Train/accuracy", place / 100, place)
            writer.add_scalar("Train/f1-score", place / 200, place)
            writer.add_scalar("Train/learing_rate", 1e-3, place)
        for tag in ("loss", "accuracy", "f1-score"):
            writer.add_scalar(f"Val/{tag}", 0.5 + epoch / 10, epoch)
        writer.add_image("results", np.zeros((3, 8, 8), np.uint8), epoch)
    writer.close()


def curve(table: pd.DataFrame, run: str, tag: str) -> dict[int, float]:
    own = table[(table["run"] == run) & (table["tag"] == tag)]
    return dict(zip(own["epoch"], own["value"], strict=True))


def event_file(folder: Path) -> Path:
    (path,) = folder.glob("*tfevents*")
    return path


def test_the_originals_logs_are_read_run_by_run(tmp_path: Path) -> None:
    original(tmp_path / "experiment")
    original(tmp_path / "experiment2" / "fold0", epochs=3)
    found = read_events(tmp_path)
    assert found.hidden == 0
    table = found.table
    assert list(dict.fromkeys(table["run"])) == ["experiment", "experiment2/fold0"]
    trained = {f"Train/{name}" for name in ("loss", "accuracy", "f1-score", "learing_rate")}
    assert set(table["tag"]) == trained | {"Val/loss", "Val/accuracy", "Val/f1-score"}
    assert curve(table, "experiment", "Val/f1-score") == pytest.approx({0: 0.5, 1: 0.6})
    assert list(curve(table, "experiment2/fold0", "Train/loss")) == list(range(1, 3 * STEPS, 2))
    assert set(table["network"]) == {""}
    assert set(table["fold"]) == {0}


def test_scalars_of_tensorboards_own_writer_are_read(tmp_path: Path) -> None:
    """It stores them as tensors, of which TensorBoard keeps ten by default."""
    writer = Writer(str(tmp_path))
    for step in range(50):
        writer.add_scalar("epoch_loss", 1 / (step + 1), step)
    writer.close()
    assert curve(read_events(tmp_path).table, ".", "epoch_loss") == pytest.approx({n: 1 / (n + 1) for n in range(50)})


@pytest.mark.slow
def test_no_point_of_many_is_dropped(tmp_path: Path) -> None:
    with (tmp_path / "events.out.tfevents.1.host").open("wb") as file:
        records = RecordWriter(file)
        for step in range(100_000):
            value = Summary.Value(tag="Train/loss", simple_value=step)
            records.write(Event(wall_time=1.0, step=step, summary=Summary(value=[value])).SerializeToString())
    table = read_events(tmp_path).table
    assert np.array_equal(table["epoch"], np.arange(100_000))
    assert np.array_equal(table["value"], np.arange(100_000))


@pytest.mark.parametrize("write", [original, None], ids=["torch", "tensorboard"])
def test_a_file_that_is_cut_off_anywhere_is_read_as_far_as_it_goes(
    tmp_path: Path, write: Callable[[Path], None] | None
) -> None:
    if write:
        write(tmp_path)
        tag = "Train/loss"
    else:
        writer, tag = Writer(str(tmp_path)), "loss"
        for step in range(20):
            writer.add_scalar(tag, step / 10, step)
        writer.close()
    path = event_file(tmp_path)
    content = path.read_bytes()
    whole = list(curve(read_events(tmp_path).table, ".", tag).items())
    lengths = set()
    for end in np.linspace(len(content) // 5, len(content) - 1, 25, dtype=int):
        path.write_bytes(content[:end])
        seen = list(curve(read_events(tmp_path).table, ".", tag).items())
        assert seen == whole[: len(seen)]
        lengths.add(len(seen))
    assert max(lengths) >= len(whole) - 1
    assert len(lengths) > 5


def test_a_restart_replaces_what_it_does_again(tmp_path: Path) -> None:
    for first, last, value in ((0, 10, 1.0), (5, 12, 2.0)):
        writer = SummaryWriter(str(tmp_path), purge_step=first or None, filename_suffix=f".{first}")
        for step in range(first, last):
            writer.add_scalar("Val/loss", value, step)
        writer.close()
    expected = {step: 1.0 if step < 5 else 2.0 for step in range(12)}
    assert curve(read_events(tmp_path).table, ".", "Val/loss") == expected


def test_runs_of_add_hparams_are_hidden_and_counted(tmp_path: Path) -> None:
    writer = SummaryWriter(str(tmp_path / "experiment"))
    writer.add_scalar("Val/loss", 0.5, 0)
    writer.add_hparams({"lr": 0.001}, {"hparam/f1": 0.7})
    writer.add_hparams({"lr": 0.01}, {"hparam/f1": 0.8}, run_name="second/try")
    writer.close()
    found = read_events(tmp_path)
    assert found.hidden == 2
    assert set(found.table["run"]) == {"experiment"}
    (alone,) = [path for path in (tmp_path / "experiment").iterdir() if path.is_dir() and path.name != "second"]
    assert curve(read_events(alone).table, ".", "hparam/f1") == {0: pytest.approx(0.7)}


def test_values_that_are_no_numbers_stay(tmp_path: Path) -> None:
    writer = SummaryWriter(str(tmp_path))
    for step, value in enumerate((1.0, float("nan"), float("inf"))):
        writer.add_scalar("Train/loss", value, step)
    writer.close()
    values = read_events(tmp_path).table["value"].tolist()
    assert (values[0], values[2]) == (1.0, float("inf"))
    assert np.isnan(values[1])


def test_what_is_written_is_read_back(workspace: Workspace, ran: Ran, tmp_path: Path) -> None:
    study = ran("losses data", 1, [])
    ran("base, seed 1", 2, [training("joint", 0), training("joint", 1), training("joint", None)], study)
    ran("loss=../focal, seed 1", 3, [training("joint", 0, best=0.8)], study)
    table = read_curves(workspace).table
    logs = tmp_path / "logs"
    assert write_events(table, logs, {"base, seed 1": 1_700_000_000.5}) == 4
    files = {path.relative_to(logs).as_posix() for path in logs.rglob("*") if path.is_file()}
    base = "base, seed 1/joint"
    assert files == {
        f"{base}/fold-1/{FILE}", f"{base}/fold-2/{FILE}", f"{base}/everybody/{FILE}",
        f"loss=..-focal, seed 1/joint/fold-1/{FILE}",
    }  # fmt: skip
    before = {path: path.read_bytes() for path in logs.rglob("*tfevents*")}
    write_events(table, logs, {"base, seed 1": 1_700_000_000.5})  # again: the same files, not more of them
    assert {path: path.read_bytes() for path in logs.rglob("*tfevents*")} == before
    order = ["run", "network", "fold", "epoch", "tag"]
    again = read_events(logs).table.sort_values(order, ignore_index=True)
    wanted = table.assign(run=table["run"].str.replace("/", "-")).sort_values(order, ignore_index=True)
    pd.testing.assert_frame_equal(again, wanted, rtol=1e-6)  # TensorBoard's scalars are float32


def test_runs_whose_folders_would_be_the_same_stay_apart(tmp_path: Path) -> None:
    rows = [(run, "joint", 1, 1, "train_loss", value) for run, value in (("a/b", 1.0), ("a:b", 2.0), ("a-b", 3.0))]
    table = pd.DataFrame(rows, columns=["run", "network", "fold", "epoch", "tag", "value"])
    assert write_events(table, tmp_path, {}) == 3
    read = read_events(tmp_path).table
    assert dict(zip(read["run"], read["value"], strict=True)) == {"a-b": 1.0, "a-b (2)": 2.0, "a-b (3)": 3.0}


def test_what_is_no_event_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such folder"):
        read_events(tmp_path / "nowhere")
    with pytest.raises(InputError, match="no event file is in it or below it"):
        read_events(tmp_path)
    path = tmp_path / "events.out.tfevents.1.host"
    path.write_bytes(b"")
    with pytest.raises(InputError, match="its 1 runs have no scalars"):
        read_events(tmp_path)
    path.write_text("not events at all, but text that is long enough for a record\n" * 10)
    with pytest.raises(InputError, match="its 1 runs have no scalars"):
        read_events(tmp_path)
    with path.open("wb") as file:
        RecordWriter(file).write(b"\xff" * 40)
    with pytest.raises(CorruptDataError, match="holds no events of TensorBoard"):
        read_events(tmp_path)
    path.unlink()
    original(tmp_path)
    os.mkfifo(path)
    with pytest.raises(InputError, match="named like an event file, but not a file"):
        read_events(tmp_path)
