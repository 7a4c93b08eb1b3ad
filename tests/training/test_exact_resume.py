"""A training that is killed at any point, repeatedly, ends with the same bytes as an uninterrupted one."""

from __future__ import annotations

import json
import signal
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from maskfold.errors import EXIT_CANCELLED, EXIT_OK
from maskfold.specs import TrainFoldOutcome
from tests.training import drawn, zygote

pytestmark = pytest.mark.slow

KILLS = 20
# Everything that draws or remembers: dropout, covers, augmentation, mixing, balanced order, moments, a schedule, an
# average.
NETWORK = drawn.network(
    target="joint",
    epochs=4,
    backbone_args={"drop_rate": 0.2},
    augmentation={"preset": "strong", "affine": 0.5, "jitter": "all", "blur": 0.5},
    averaging={"ema": 0.9},
    covering={"attribute": "mask", "bare": "not worn", "worn": "wear", "wrong": "incorrect", "p": 0.7, "recolour": 0.5},
    micro_batch=4,
    cutmix={"p": 0.5},
    sampler="balanced",
    schedule={"name": "cyclic", "min_lr": 1e-4, "up_epochs": 1, "down_epochs": 1},
)


@pytest.fixture(scope="module")
def server() -> Iterator[zygote.Zygote]:
    with zygote.started() as process:
        yield process


class Training:
    """One training in a workspace of its own, started as often as it takes."""

    def __init__(self, folder: Path, server: zygote.Zygote) -> None:
        folder.mkdir()
        self.folder, self._server = folder, server
        self.spec = drawn.training_spec(folder, NETWORK)
        self.log = folder / "job.log"

    def start(self, **order: float) -> tuple[int, float]:
        return self._server.run(zygote.Order(self.spec.model_dump_json(), str(self.log), **order))

    @property
    def checkpoints(self) -> list[Path]:
        """Finished checkpoints' tensors, oldest first."""
        folder = self.folder / "workspace" / self.spec.address / "checkpoint"
        return [path.with_suffix(".pt") for path in sorted(folder.glob("*.json"))]

    @property
    def saves(self) -> list[float]:
        """Seconds that each checkpoint of the last start took."""
        return json.loads(Path(f"{self.log}.saves").read_text())

    @property
    def outcome(self) -> TrainFoldOutcome:
        file = self.folder / "workspace" / self.spec.address / "outcome.json"
        return TrainFoldOutcome.model_validate_json(file.read_bytes())

    def result(self) -> dict[str, object]:
        """Everything that must not depend on interruptions, as bytes and plain values."""
        outcome = self.outcome
        folder = self.folder / "workspace" / self.spec.address
        return {
            "weights": (folder / "weights.safetensors").read_bytes(),
            "predictions": (folder / "predictions.parquet").read_bytes(),
            "history": [record.model_dump(exclude={"images_per_second"}) for record in outcome.history],
            "kept": (outcome.best_epoch, outcome.macro_f1, outcome.accuracy),
        }


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, server: zygote.Zygote) -> tuple[Training, float]:
    training = Training(tmp_path_factory.mktemp("resume") / "undisturbed", server)
    code, seconds = training.start()
    assert code == EXIT_OK, training.log.read_text()
    assert training.outcome.resumed_from_epoch is None
    assert len(training.saves) > NETWORK.epochs
    return training, seconds


def test_twenty_kills_at_random_instants_change_no_byte(
    tmp_path: Path, server: zygote.Zygote, undisturbed: tuple[Training, float]
):
    whole, seconds = undisturbed
    one_save, expected = statistics.median(whole.saves), whole.result()
    draws = np.random.default_rng(20)
    kills = in_writes = finished = resumed = 0
    while kills < KILLS:
        training = Training(tmp_path / str(finished), server)
        code = -signal.SIGKILL
        while code == -signal.SIGKILL:
            if kills == KILLS:
                instant: dict[str, float] = {}
            elif kills % 2:
                instant = {"save": int(draws.integers(1, 4)), "save_after": draws.uniform(0, one_save)}
            else:
                instant = {"after": draws.uniform(0, seconds)}
            code, _ = training.start(**instant)
            kills += code == -signal.SIGKILL
            in_writes += code == -signal.SIGKILL and "save" in instant
        assert code == EXIT_OK, training.log.read_text()
        assert training.result() == expected
        finished += 1
        resumed += training.outcome.resumed_from_epoch is not None
    assert in_writes >= KILLS // 4
    assert resumed > 0


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def _flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [_truncate, _flip_a_bit])
def test_a_damaged_newest_checkpoint_gives_way_to_the_one_before_and_no_byte_changes(
    damage: Callable[[Path], None], tmp_path: Path, server: zygote.Zygote, undisturbed: tuple[Training, float]
):
    training = Training(tmp_path / "damaged", server)
    code, _ = training.start(save=4)
    assert code == -signal.SIGKILL
    newest = training.checkpoints[-1]
    assert len(training.checkpoints) == 2
    damage(newest)
    code, _ = training.start()
    assert code == EXIT_OK
    output = training.log.read_text()
    assert f"{newest.stem}.json is damaged, trying the one before" in output
    assert "continuing from a checkpoint" in output
    assert training.result() == undisturbed[0].result()


def test_sigterm_leaves_a_checkpoint_within_ten_seconds_and_exits_143(
    tmp_path: Path, server: zygote.Zygote, undisturbed: tuple[Training, float]
):
    whole, seconds = undisturbed
    training = Training(tmp_path / "stopped", server)
    # Checkpoints are due at epochs' ends only, so the one that is left is the signal's own.
    code, ended = training.start(save=2, signum=signal.SIGTERM, checkpoint_seconds=600)
    assert code == EXIT_CANCELLED, training.log.read_text()
    assert ended < seconds + 10
    assert "its state is saved" in training.log.read_text()
    assert training.checkpoints
    assert training.start()[0] == EXIT_OK
    assert training.result() == whole.result()
