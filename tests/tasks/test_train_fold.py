"""The job train_fold: tables and a pack in, predictions and weights out, stopped and continued in between."""

from __future__ import annotations

import logging
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import save_file

from maskfold.errors import EXIT_CANCELLED, EXIT_INPUT, CorruptDataError
from maskfold.inference.network import FinishedNetwork, read_card
from maskfold.launch import entry
from maskfold.specs import TrainAllOutcome, TrainAllSpec, TrainFoldOutcome, TrainFoldSpec
from maskfold.storage import open_workspace
from tasks import train_all
from tasks.train_fold import run
from tests.training import drawn

ROOT = Path(__file__).parents[2]
BINS = {"bins": [20, 30, 60]}
HALF = (0.5, 0.5, 0.5)


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The job configures torch for its whole process; restore the configuration for the tests' process."""
    monkeypatch.setenv("MASKFOLD_THREADS", "1")
    threads = torch.get_num_threads()
    yield
    torch.use_deterministic_algorithms(False)
    torch.set_num_threads(threads)


@pytest.fixture
def spec(tmp_path: Path) -> TrainFoldSpec:
    return drawn.training_spec(tmp_path, drawn.network(target="joint"))


def execute(spec: TrainFoldSpec) -> TrainFoldOutcome:
    outcome = entry.run_spec(run, spec, logging.getLogger("test"))
    assert isinstance(outcome, TrainFoldOutcome)
    return outcome


def predictions(spec: TrainFoldSpec, outcome: TrainFoldOutcome) -> pd.DataFrame:
    return pd.read_parquet(open_workspace(spec.workspace).fetch(outcome.predictions))


def test_covers_are_drawn_where_the_index_says_that_faces_are(tmp_path: Path):
    covering = {"attribute": "mask", "bare": "not worn", "worn": "wear", "wrong": "incorrect", "p": 0.7}
    spec = drawn.training_spec(tmp_path, drawn.network(covering=covering, epochs=1))
    store = open_workspace(spec.workspace)
    index = pd.read_parquet(store.fetch(spec.index))
    index.assign(box_top=index["box_top"] - 20, box_bottom=index["box_bottom"] - 20).to_parquet(tmp_path / "up.parquet")
    higher = spec.model_copy(update={"index": store.publish(tmp_path / "up.parquet", "inputs/up.parquet"), "fold": 2})
    here = spec.model_copy(update={"fold": 2})
    weights = [run_afresh(one).weights.sha256 for one in (here, here, higher)]
    assert weights[0] == weights[1] != weights[2]


def run_afresh(spec: TrainFoldSpec) -> TrainFoldOutcome:
    """Run a job without what an earlier run of it left."""
    shutil.rmtree(Path(spec.workspace) / spec.address, ignore_errors=True)
    return execute(spec)


def test_predictions_cover_the_held_out_people(spec: TrainFoldSpec):
    outcome = execute(spec)
    table = predictions(spec, outcome)
    manifest, folds, _ = drawn.tables()
    people = set(folds.loc[folds["fold"] == 1, "person"])
    assert table.columns.tolist() == ["image", "part", "fold", *(f"p{c}" for c in range(18))]
    assert table["image"].tolist() == manifest.loc[manifest["person"].isin(people), "image"].tolist()
    assert table["part"].tolist() == ["valid"] * 18
    assert (table["fold"].dtype, set(table["fold"])) == (np.int8, {1})
    probabilities = table.iloc[:, 3:].to_numpy()
    assert probabilities.dtype == np.float32
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_scores_are_those_of_the_published_predictions(spec: TrainFoldSpec):
    outcome = execute(spec.model_copy(update={"network": drawn.network(target="mask", epochs=4)}))
    table = predictions(spec, outcome)
    truth = table["image"].str.extract(r"(\d)\.jpg$")[0].astype(int).to_numpy()
    answers = table[["p0", "p1", "p2"]].to_numpy().argmax(axis=1)
    assert outcome.accuracy == pytest.approx((answers == truth).mean())
    kept = outcome.history[outcome.best_epoch]
    assert (outcome.macro_f1, outcome.accuracy) == (kept.valid_macro_f1, kept.valid_accuracy)
    assert outcome.macro_f1 == max(record.valid_macro_f1 for record in outcome.history)
    assert (outcome.device, outcome.amp, outcome.resumed_from_epoch) == ("cpu", "off", None)
    assert outcome.initial_weights == "none: random initialisation"
    assert outcome.images_per_second > 0


def test_the_published_weights_alone_give_the_published_predictions(spec: TrainFoldSpec):
    fine = spec.model_copy(update={"network": drawn.network(target="joint", binning={"age": BINS})})
    outcome = execute(fine)
    network = FinishedNetwork.load(open_workspace(spec.workspace).fetch(outcome.weights), torch.device("cpu"))
    card = network.card
    assert (card.backbone, card.target, card.scheme, card.crop) == ("test_resnet", "joint", drawn.SCHEME, spec.crop)
    assert (len(card.classes), card.classes[1], len(set(card.counted_classes))) == (24, "wear / male / 20-29", 18)
    assert (card.input.source, card.input.size, card.input.mean, card.input.std) == ("face", (32, 24), HALF, HALF)
    manifest, folds, _ = drawn.tables()
    rows = np.flatnonzero(manifest["person"].isin(folds.loc[folds["fold"] == 1, "person"]))
    again = network.predict(drawn.images(drawn.pack(manifest)), rows)
    assert np.array_equal(again, predictions(fine, outcome).iloc[:, 3:].to_numpy())


def test_the_network_sees_the_size_it_asks_for(spec: TrainFoldSpec):
    outcome = execute(spec.model_copy(update={"network": drawn.network(target="joint", size=(16, 16))}))
    assert read_card(open_workspace(spec.workspace).fetch(outcome.weights)).input.size == (16, 16)


@pytest.mark.parametrize("damage", ["no card", "no weights", "other weights", "cut"])
def test_a_file_that_is_no_finished_network_is_refused(spec: TrainFoldSpec, tmp_path: Path, damage: str):
    good = open_workspace(spec.workspace).fetch(execute(spec).weights)
    with safe_open(good, "pt") as stored:
        card, tensors = stored.metadata(), {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    path = tmp_path / "bad.safetensors"
    match damage:
        case "no card":
            save_file(tensors, path)
        case "no weights":
            save_file({}, path, metadata=card)
        case "other weights":
            cut = {name: value[:1].clone() for name, value in tensors.items() if value.dim()}
            save_file(cut, path, metadata=card)
        case "cut":
            path.write_bytes(good.read_bytes()[:-1000])
    with pytest.raises(CorruptDataError, match=r"bad\.safetensors"):
        FinishedNetwork.load(path, torch.device("cpu"))


def test_nothing_but_results_is_left(spec: TrainFoldSpec):
    execute(spec)
    left = {address.removeprefix(f"{spec.address}/") for address in open_workspace(spec.workspace).list(spec.address)}
    assert left == {"predictions.parquet", "weights.safetensors", "spec.json", "outcome.json"}


def test_the_first_fold_shows_what_its_network_learns_from(spec: TrainFoldSpec):
    outcome = execute(spec.model_copy(update={"fold": 0}))
    assert outcome.samples is not None
    with Image.open(open_workspace(spec.workspace).fetch(outcome.samples)) as sheet:
        # 36 training images in batches of 8 make 4 steps: 32 images, 8 across.
        assert sheet.size == (8 * drawn.SIZE[1], 4 * drawn.SIZE[0])
    assert outcome.steps_per_epoch == 4
    assert execute(spec).samples is None


def test_a_training_on_everybody_leaves_its_weights(spec: TrainFoldSpec):
    shared = spec.model_dump(include=set(TrainAllSpec.model_fields))
    network = spec.network.for_final_fit([0, 2])
    everybody = TrainAllSpec.model_validate({**shared, "network": network})
    outcome = entry.run_spec(train_all.run, everybody, logging.getLogger("test"))
    assert isinstance(outcome, TrainAllOutcome)
    assert [record.valid_macro_f1 for record in outcome.history] == [None, None]  # epochs 0 and 2: the median is 1
    assert outcome.best_epoch == 1
    assert outcome.steps_per_epoch == 54 // 8  # all 18 people with three photographs each
    assert read_card(open_workspace(spec.workspace).fetch(outcome.weights)).target == "joint"


def test_a_damaged_pack_is_refused(spec: TrainFoldSpec):
    pack = open_workspace(spec.workspace).fetch(spec.pack)
    pack.write_bytes(pack.read_bytes()[:-1])
    with pytest.raises(CorruptDataError, match=r"faces\.npy"):
        execute(spec)


def start(spec: TrainFoldSpec) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tasks.train_fold", spec.model_dump_json()]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def interrupt(spec: TrainFoldSpec, number: signal.Signals) -> tuple[int, str]:
    """Start the job, signal it once it has made a checkpoint, and return exit code and output."""
    process = start(spec)
    workspace, deadline = open_workspace(spec.workspace), time.monotonic() + 60
    folder = f"{spec.address}/checkpoint"
    before = set(workspace.list(folder))
    while not any(address.endswith(".json") for address in set(workspace.list(folder)) - before):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(number)
    output, _ = process.communicate(timeout=60)
    return process.returncode, output


@pytest.mark.slow
def test_sigterm_saves_and_exits_143_kill_loses_an_epoch_and_the_result_is_the_same(spec: TrainFoldSpec):
    spec = spec.model_copy(update={"network": drawn.network(target="joint", epochs=20)})
    code, output = interrupt(spec, signal.SIGTERM)
    assert code == EXIT_CANCELLED, output
    assert "its state is saved" in output
    assert "Traceback" not in output
    code, output = interrupt(spec, signal.SIGKILL)
    assert code == -signal.SIGKILL
    resumed = execute(spec)
    assert resumed.resumed_from_epoch is not None
    assert resumed.resumed_from_epoch > 0
    whole = execute(spec.model_copy(update={"workspace": spec.workspace, "folds_version": "w"}))
    assert whole.resumed_from_epoch is None
    assert whole.predictions.path != resumed.predictions.path
    assert whole.weights.sha256 == resumed.weights.sha256
    assert predictions(spec, whole).equals(predictions(spec, resumed))


def test_an_unknown_backbone_exits_2_with_one_message(spec: TrainFoldSpec, capsys: pytest.CaptureFixture[str]):
    wrong = spec.model_copy(update={"network": drawn.network(backbone="tset_resnet")})
    assert entry.main(run, TrainFoldSpec, [wrong.model_dump_json()]) == EXIT_INPUT
    output = capsys.readouterr().out
    assert "Did you mean 'test_resnet" in output
    assert "Traceback" not in output
